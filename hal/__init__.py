"""Python face of the node image and its drivers: the only package that touches ffi."""

from hal.bus import BridgeBus, Bus, I2cBus, SerialBus
from hal.driver import DriverSet, nvml_driver_version
from hal.evidence import BusStatistics, Cause, Evidence, RequestKind
from hal.image import DriverHealth, NodeImage
from hal.image_file import ImageFileError
from hal.spec import (
    BusHandle,
    Comparison,
    ControllerDevice,
    ControllerRole,
    Device,
    DriverSpec,
    GpioDevice,
    GpioLine,
    HwmonAttribute,
    HwmonDevice,
    Ina2xxDevice,
    KmsgDevice,
    NvmlDevice,
    PmbusDevice,
    PointSpec,
    ReflexSpec,
    Tmp4xxDevice,
    WatchdogDevice,
)
from hal.status import DeviceError, Status

__all__ = [
    "BridgeBus",
    "Bus",
    "BusHandle",
    "BusStatistics",
    "Cause",
    "Comparison",
    "ControllerDevice",
    "ControllerRole",
    "Device",
    "DeviceError",
    "DriverHealth",
    "DriverSet",
    "DriverSpec",
    "Evidence",
    "GpioDevice",
    "GpioLine",
    "HwmonAttribute",
    "HwmonDevice",
    "I2cBus",
    "ImageFileError",
    "Ina2xxDevice",
    "KmsgDevice",
    "NodeImage",
    "NvmlDevice",
    "PmbusDevice",
    "PointSpec",
    "ReflexSpec",
    "RequestKind",
    "SerialBus",
    "Status",
    "Tmp4xxDevice",
    "WatchdogDevice",
    "nvml_driver_version",
]
