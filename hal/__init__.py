"""Python face of the node image and its drivers: the only package that touches ffi."""

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
    NvmlDevice,
    PmbusDevice,
    PointSpec,
    ReflexSpec,
)
from hal.status import DeviceError, Status

__all__ = [
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
    "ImageFileError",
    "NodeImage",
    "NvmlDevice",
    "PmbusDevice",
    "PointSpec",
    "ReflexSpec",
    "RequestKind",
    "Status",
    "nvml_driver_version",
]
