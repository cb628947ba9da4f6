"""Python face of the node image and its drivers: the only package that touches ffi."""

from hal.driver import DriverSet, nvml_driver_version
from hal.image import DriverHealth, NodeImage
from hal.spec import (
    BusHandle,
    ControllerDevice,
    ControllerRole,
    Device,
    DriverSpec,
    NvmlDevice,
    PmbusDevice,
    PointSpec,
    ReflexSpec,
)
from hal.status import DeviceError, Status

__all__ = [
    "BusHandle",
    "ControllerDevice",
    "ControllerRole",
    "Device",
    "DeviceError",
    "DriverHealth",
    "DriverSet",
    "DriverSpec",
    "NodeImage",
    "NvmlDevice",
    "PmbusDevice",
    "PointSpec",
    "ReflexSpec",
    "Status",
    "nvml_driver_version",
]
