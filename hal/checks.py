"""Descriptions of devices, field by field: a mistake is named before C would only refuse it."""

import math
from collections.abc import Iterable
from typing import get_args

from hal._native import lib
from hal.spec import (
    ControllerDevice,
    GpioDevice,
    GpioLine,
    HwmonDevice,
    Ina2xxDevice,
    Ina2xxPart,
    KmsgDevice,
    NvmlDevice,
    PmbusDevice,
    PmbusPart,
    Tmp4xxDevice,
    Tmp4xxPart,
    WatchdogDevice,
)
from hal.status import DeviceError, Status, argument_error

INT32_MAX = 2**31 - 1
UINT32_MAX = 2**32 - 1
INT64_MAX = 2**63 - 1
ADDRESS_MIN, ADDRESS_MAX = 0x08, 0x77  # 7 bits; below and above: reserved by the I2C specification
PMBUS_PAGE_MAX = 31  # PMBus part II: PAGE; here for PHASE too
PMBUS_SHUNT_PARTS = ("adm1272", "adm1275", "lm25066", "lm5066")  # csrc/device/pmbus_parts.c
PCI_BUS_ID_BYTES, UUID_BYTES = 31, 95  # without NUL: nvml.h of NVIDIA, buffers of 32 and 96


def wrong(label: str, field: str, value: object, allowed: str) -> ValueError:
    """Return the error of a field: who, which, what it is, what it must be."""
    return argument_error(label, f"{field} is {value!r}, must be {allowed}")


def check_whole(label: str, field: str, value: object, low: int, high: int) -> None:
    """Raise ValueError unless it is a whole number from low to high."""
    if not (isinstance(value, int) and low <= value <= high):
        raise wrong(label, field, value, f"a whole number, {low} to {high}")


def check_address(label: str, value: object) -> None:
    """Raise ValueError unless it is an address of 7 bits that is not reserved."""
    if not (isinstance(value, int) and ADDRESS_MIN <= value <= ADDRESS_MAX):
        raise wrong(label, "address", value, f"{ADDRESS_MIN:#04x} to {ADDRESS_MAX:#04x}")


def check_choice(label: str, field: str, value: object, choices: Iterable[str]) -> None:
    """Raise ValueError unless it is one of the choices."""
    known = tuple(choices)
    if value not in known:
        raise wrong(label, field, value, f"one of {', '.join(known)}")


def check_text(label: str, field: str, value: str, size_max: int, *, size_min: int = 1) -> None:
    """Raise ValueError unless it has size_min to size_max bytes of UTF-8 and no NUL."""
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        size = -1
    if not size_min <= size <= size_max or "\0" in value:
        raise wrong(label, field, value, f"{size_min} to {size_max} bytes of text")


def check_path(label: str, field: str, value: str, size_max: int) -> None:
    """Raise ValueError unless it is an absolute path of at most size_max bytes."""
    check_text(label, field, value, size_max)
    if not value.startswith("/"):
        raise wrong(label, field, value, "an absolute path")


def check_scale(label: str, field: str, value: float) -> None:
    """Raise ValueError unless it is finite and above 0."""
    if not (math.isfinite(value) and value > 0.0):
        raise wrong(label, field, value, "finite and above 0")


def check_limit(label: str, field: str, value: float) -> None:
    """Raise ValueError unless it is NaN (none), or finite and at least 0."""
    if not (math.isnan(value) or (math.isfinite(value) and value >= 0.0)):
        raise wrong(label, field, value, "finite and at least 0 (0 or NaN: none)")


def check_pmbus(device: PmbusDevice, label: str) -> None:
    """Raise ValueError for a PmbusDevice that cannot be, but for limits its part cannot hold."""
    check_choice(label, "part", device.part, get_args(PmbusPart))
    check_address(label, device.address)
    if device.page is not None:
        check_whole(label, "page", device.page, 0, PMBUS_PAGE_MAX)
    if device.phase is not None and device.phase != lib.NS_PMBUS_PHASE_ALL:
        check_whole(label, "phase", device.phase, 0, PMBUS_PAGE_MAX)
    if device.part in PMBUS_SHUNT_PARTS:
        check_whole(label, "shunt_uohm", device.shunt_uohm, 1, lib.NS_PMBUS_SHUNT_UOHM_MAX)
    elif device.shunt_uohm != 0:
        raise wrong(label, "shunt_uohm", device.shunt_uohm, f"0: {device.part} has no shunt")
    check_whole(label, "sense_range", device.sense_range, 0, 2)
    check_whole(label, "vid", device.vid, 0, lib.NS_VID_AMD)
    for field in ("current_limit_a", "voltage_limit_v_high", "voltage_limit_v_low"):
        check_limit(label, field, getattr(device, field))
    check_limit(label, "power_limit_w", device.power_limit_w)
    if math.isinf(device.temp_limit_c):
        raise wrong(label, "temp_limit_c", device.temp_limit_c, "finite (0 or NaN: none)")


def check_ina2xx(device: Ina2xxDevice, label: str) -> None:
    """Raise ValueError for an Ina2xxDevice that cannot be, but for a limit it cannot hold."""
    check_choice(label, "part", device.part, get_args(Ina2xxPart))
    check_address(label, device.address)
    check_scale(label, "shunt_ohm", device.shunt_ohm)
    if not (math.isfinite(device.current_limit_a) and device.current_limit_a >= 0.0):
        raise wrong(label, "current_limit_a", device.current_limit_a, "finite and at least 0")


def check_tmp4xx(device: Tmp4xxDevice, label: str) -> None:
    """Raise ValueError for a Tmp4xxDevice that cannot be, but for a limit it cannot hold."""
    check_choice(label, "part", device.part, get_args(Tmp4xxPart))
    check_address(label, device.address)


def check_controller(device: ControllerDevice, label: str) -> None:
    """Raise ValueError for a ControllerDevice that cannot be."""
    check_whole(label, "channel_count", device.channel_count, 1, lib.NS_CONTROLLER_CHANNELS_MAX)


def check_nvml(device: NvmlDevice, driver: str) -> None:
    """Raise DeviceError (ARG) for an NvmlDevice that cannot be."""
    bounded = {"pci_bus_id": PCI_BUS_ID_BYTES, "uuid": UUID_BYTES}
    for field, size_max in bounded.items():
        value = getattr(device, field)
        if not 1 <= len(value.encode()) <= size_max or "\0" in value:
            hint = f"{field} is {value!r}, must be 1 to {size_max} bytes of text"
            raise DeviceError(driver, Status.ARG, hint)
    if not device.library_path.startswith("/") or "\0" in device.library_path:
        hint = f"library_path is {device.library_path!r}, must be an absolute path"
        raise DeviceError(driver, Status.ARG, hint)


def check_hwmon(device: HwmonDevice, label: str) -> None:
    """Raise ValueError for a HwmonDevice that cannot be."""
    name_max = lib.NS_HWMON_NAME_SIZE - 1
    check_path(label, "root", device.root, lib.NS_HWMON_PATH_SIZE - 1)
    _check_plain_name(label, "name", device.name)
    check_text(label, "device", device.device, name_max, size_min=0)
    if "/" in device.device:
        raise wrong(label, "device", device.device, "one part of a path")
    _check_count(label, "attributes", device.attributes, lib.NS_HWMON_ATTRIBUTES_MAX)
    for number, attribute in enumerate(device.attributes):
        place = f"attributes[{number}]"
        _check_plain_name(label, f"{place}.name", attribute.name)
        check_scale(label, f"{place}.scale", attribute.scale)


def check_watchdog(device: WatchdogDevice, label: str) -> None:
    """Raise ValueError for a WatchdogDevice that cannot be."""
    check_path(label, "path", device.path, lib.NS_WATCHDOG_PATH_SIZE - 1)
    check_whole(label, "timeout_s", device.timeout_s, 1, lib.NS_WATCHDOG_TIMEOUT_S_MAX)


def check_gpio(device: GpioDevice, label: str) -> None:
    """Raise ValueError for a GpioDevice that cannot be."""
    check_text(label, "chip_path", device.chip_path, 4095)  # PATH_MAX of Linux
    _check_count(label, "lines", device.lines, lib.NS_GPIO_LINES_MAX)
    for number, line in enumerate(device.lines):
        _check_line(f"lines[{number}]", line, label)


def _check_line(place: str, line: GpioLine, label: str) -> None:
    check_whole(label, f"{place}.offset", line.offset, 0, UINT32_MAX)
    check_whole(label, f"{place}.debounce_us", line.debounce_us, 0, UINT32_MAX)
    if line.output is None:
        if line.open_drain:
            raise wrong(label, f"{place}.open_drain", True, "False: the line is an input")
        return
    for field, none in (("edges", False), ("debounce_us", 0)):
        value = getattr(line, field)
        if value != none:
            raise wrong(label, f"{place}.{field}", value, f"{none}: the line is an output")


def check_kmsg(device: KmsgDevice, label: str) -> None:
    """Raise ValueError for a KmsgDevice that cannot be, but for the form of its names."""
    check_text(label, "path", device.path, 4095)  # PATH_MAX of Linux
    _check_count(label, "accelerators", device.accelerators, lib.NS_KMSG_DEVICES_MAX)
    for number, row in enumerate(device.accelerators):
        for column, value in enumerate(row):
            check_text(label, f"accelerators[{number}][{column}]", value, UUID_BYTES)


def _check_count(label: str, field: str, value: tuple[object, ...], count_max: int) -> None:
    if not 1 <= len(value) <= count_max:
        allowed = f"1 to {count_max} of them"
        raise argument_error(label, f"{field} has {len(value)} entries, must be {allowed}")


def _check_plain_name(label: str, field: str, value: str) -> None:
    check_text(label, field, value, lib.NS_HWMON_NAME_SIZE - 1)
    if "/" in value or value.startswith("."):
        raise wrong(label, field, value, "a name without '/' and not beginning with '.'")
