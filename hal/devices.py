"""Opening devices: one function per class of hal.spec, and the table that names them all."""

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from hal._native import ffi, lib
from hal.spec import (
    ControllerDevice,
    Device,
    GpioDevice,
    GpioLine,
    HwmonDevice,
    Ina2xxDevice,
    KmsgDevice,
    NvmlDevice,
    PmbusDevice,
    Tmp4xxDevice,
    WatchdogDevice,
)
from hal.status import DeviceError, Status, check

PMBUS_TIMEOUT_US = 35_000  # SMBus 3.0, table of timing: t_TIMEOUT at most 35 ms
SENSOR_TIMEOUT_US = 35_000  # no longer than SMBus parts on the same wires
CONTROLLER_TIMEOUT_US = 20_000  # assumed: a poll reply at 115 200 baud takes 10 ms


class OpenBus(NamedTuple):
    """A bus as devices are opened over it: ns_bus_ops_t * and its context."""

    ops: Any
    ctx: Any


class OpenDevice(NamedTuple):
    """An opened device: ns_device_ops_t *, its context, and what must live as long as it does."""

    ops: Any
    ctx: Any
    keep: tuple[Any, ...] = ()

    def close(self) -> None:
        """Close the device, for a driver that never came to own it."""
        lib.hal_device_close(self.ops, self.ctx)


def open_device(device: Device, bus: OpenBus | None, name: str) -> OpenDevice:
    """Open a device of the driver `name`; nothing is sent to it.

    Raises:
        DeviceError: It cannot be opened (library missing, wrong UUID, ...).
        ValueError: Its description cannot be, or its bus is missing.
    """
    opener, needs_bus = _OPENERS[type(device)]
    if needs_bus and bus is None:
        raise ValueError(f"{name}: a {type(device).__name__} needs a bus")
    return opener(device, bus, name)


def _open_nvml(device: NvmlDevice, _bus: OpenBus | None, name: str) -> OpenDevice:
    ctx = ffi.new("ns_nvml_t *")
    status = lib.ns_nvml_open(
        ctx, device.library_path.encode(), device.pci_bus_id.encode(), device.uuid.encode()
    )
    if status == Status.ARG:
        hint = f"the library path must be absolute: {device.library_path!r}"
        raise DeviceError(name, Status.ARG, hint)
    if status == Status.REFUSED:
        hint = f"another UUID than {device.uuid} answers at {device.pci_bus_id}"
        raise DeviceError(name, Status.REFUSED, hint)
    if status != Status.OK:
        raise DeviceError(name, Status(status), f"library {device.library_path}")
    return OpenDevice(lib.hal_nvml_ops(), ctx)


def _open_pmbus(device: PmbusDevice, bus: OpenBus, name: str) -> OpenDevice:
    ctx = ffi.new("ns_pmbus_t *")
    config = {
        "address": device.address,
        "has_page": int(device.page is not None),
        "page": device.page or 0,
        "has_pec": int(device.pec),
        "timeout_us": PMBUS_TIMEOUT_US,
        "current_limit_a": device.current_limit_a,
        "part": getattr(lib, f"NS_PMBUS_PART_{device.part.upper()}"),
        "shunt_uohm": device.shunt_uohm,
        "sense_range": device.sense_range,
        "voltage_limit_v_high": device.voltage_limit_v_high,
        "voltage_limit_v_low": device.voltage_limit_v_low,
        "temp_limit_c": device.temp_limit_c,
        "power_limit_w": device.power_limit_w,
        "has_phase": int(device.phase is not None),
        "phase": device.phase or 0,
        "vid": device.vid,
    }
    status = lib.ns_pmbus_open(ctx, ffi.new("ns_pmbus_config_t *", config), bus.ops, bus.ctx)
    check(status, f"{name}: PMBus device ({device.part}) at {device.address:#04x}")
    return OpenDevice(lib.hal_pmbus_ops(), ctx)


def _open_ina2xx(device: Ina2xxDevice, bus: OpenBus, name: str) -> OpenDevice:
    ctx = ffi.new("ns_ina2xx_t *")
    config = {
        "part": getattr(lib, f"NS_{device.part.upper()}"),
        "address": device.address,
        "timeout_us": SENSOR_TIMEOUT_US,
        "shunt_ohm": device.shunt_ohm,
        "current_limit_a": device.current_limit_a,
    }
    status = lib.ns_ina2xx_open(ctx, ffi.new("ns_ina2xx_config_t *", config), bus.ops, bus.ctx)
    check(status, f"{name}: {device.part} at {device.address:#04x}")
    return OpenDevice(lib.hal_ina2xx_ops(), ctx)


def _open_tmp4xx(device: Tmp4xxDevice, bus: OpenBus, name: str) -> OpenDevice:
    ctx = ffi.new("ns_tmp4xx_t *")
    config = {
        "part": getattr(lib, f"NS_{device.part.upper()}"),
        "address": device.address,
        "timeout_us": SENSOR_TIMEOUT_US,
        "temp_limit_c": device.temp_limit_c,
    }
    status = lib.ns_tmp4xx_open(ctx, ffi.new("ns_tmp4xx_config_t *", config), bus.ops, bus.ctx)
    check(status, f"{name}: {device.part} at {device.address:#04x}")
    return OpenDevice(lib.hal_tmp4xx_ops(), ctx)


def _open_hwmon(device: HwmonDevice, _bus: OpenBus | None, name: str) -> OpenDevice:
    if len(device.attributes) > lib.NS_HWMON_ATTRIBUTES_MAX:
        raise ValueError(f"{name}: {len(device.attributes)} attributes are too many for one chip")
    ctx = ffi.new("ns_hwmon_t *")
    config = ffi.new("ns_hwmon_config_t *")
    config.attribute_count = len(device.attributes)
    try:
        config.root = device.root.encode()
        config.name = device.name.encode()
        config.device = device.device.encode()
        for row, attribute in zip(config.attributes, device.attributes, strict=False):
            row.name = attribute.name.encode()
            row.scale = attribute.scale
            row.is_writable = int(attribute.writable)
    except IndexError:  # cffi's word for a text that does not fit
        raise ValueError(f"{name}: a name of hwmon chip {device.name!r} is too long") from None
    check(lib.ns_hwmon_open(ctx, config), f"{name}: hwmon chip {device.name!r}")
    return OpenDevice(lib.hal_hwmon_ops(), ctx)


def _open_watchdog(device: WatchdogDevice, _bus: OpenBus | None, name: str) -> OpenDevice:
    ctx = ffi.new("ns_watchdog_t *")
    path = device.path.encode()
    status = lib.ns_watchdog_open(ctx, path, device.timeout_s, ffi.NULL, ffi.NULL)
    check(status, f"{name}: watchdog {device.path}")
    return OpenDevice(lib.hal_watchdog_ops(), ctx)


def _open_kmsg(device: KmsgDevice, _bus: OpenBus | None, name: str) -> OpenDevice:
    try:
        log = _OpenFile(os.open(device.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC))
    except FileNotFoundError:
        raise DeviceError(name, Status.ABSENT, device.path) from None
    except PermissionError:
        raise DeviceError(name, Status.REFUSED, f"no permission to read {device.path}") from None
    except OSError as error:
        raise DeviceError(name, Status.IO, f"{device.path}: {error.strerror}") from None
    os.lseek(log.descriptor, 0, os.SEEK_END)
    texts = [ffi.new("char[]", text.encode()) for row in device.accelerators for text in row]
    rows = [{"pci_bus_id": a, "uuid": b} for a, b in zip(texts[::2], texts[1::2], strict=True)]
    ctx = ffi.new("ns_kmsg_t *")
    xids = ffi.new("ns_xid_filter_t *")
    native = ffi.new("ns_kmsg_device_t[]", rows)
    check(lib.ns_kmsg_open(ctx, log.descriptor, native, len(rows), xids), f"{name}: kernel log")
    return OpenDevice(lib.hal_kmsg_ops(), ctx, (xids, log))


class _OpenFile:
    """A descriptor that is closed with the last that uses it."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def __del__(self) -> None:
        os.close(self.descriptor)


def share_xids(devices: Sequence[Device], opened: Sequence[OpenDevice]) -> None:
    """Let the kernel log and the accelerators of one driver count each Xid once."""
    for log, open_log in zip(devices, opened, strict=True):
        if not isinstance(log, KmsgDevice):
            continue
        numbers = {pci_bus_id: number for number, (pci_bus_id, _) in enumerate(log.accelerators)}
        for device, accelerator in zip(devices, opened, strict=True):
            if isinstance(device, NvmlDevice) and device.pci_bus_id in numbers:
                number = numbers[device.pci_bus_id]
                lib.ns_nvml_share_filter(accelerator.ctx, open_log.keep[0], number)


def _open_gpio(device: GpioDevice, _bus: OpenBus | None, name: str) -> OpenDevice:
    ctx = ffi.new("ns_gpio_t *")
    path = ffi.new("char[]", device.chip_path.encode())
    lines = ffi.new("ns_gpio_line_t[]", [_gpio_line(line) for line in device.lines])
    config = {"chip_path": path, "lines": lines, "line_count": len(device.lines)}
    status = lib.ns_gpio_open(ctx, ffi.new("ns_gpio_config_t *", config))
    check(status, f"{name}: GPIO chip {device.chip_path}")
    return OpenDevice(lib.hal_gpio_ops(), ctx)


def _gpio_line(line: GpioLine) -> dict[str, int]:
    flags = lib.NS_GPIO_ACTIVE_LOW if line.active_low else 0
    if line.output is not None:
        flags |= lib.NS_GPIO_OUTPUT | (lib.NS_GPIO_OPEN_DRAIN if line.open_drain else 0)
    if line.edges:
        flags |= lib.NS_GPIO_EDGE_RISING | lib.NS_GPIO_EDGE_FALLING
    return {
        "offset": line.offset,
        "flags": flags,
        "debounce_us": line.debounce_us,
        "is_active": int(line.output or False),
    }


def _open_controller(device: ControllerDevice, bus: OpenBus, name: str) -> OpenDevice:
    ctx = ffi.new("ns_controller_t *")
    config = {"channel_count": device.channel_count, "timeout_us": CONTROLLER_TIMEOUT_US}
    native = ffi.new("ns_controller_config_t *", config)
    status = lib.ns_controller_open(ctx, native, bus.ops, bus.ctx)
    check(status, f"{name}: controller of {device.channel_count} channels")
    return OpenDevice(lib.hal_controller_ops(), ctx)


# Class of the description -> how it is opened, and whether that needs a bus.
_OPENERS: dict[type, tuple[Callable[..., OpenDevice], bool]] = {
    PmbusDevice: (_open_pmbus, True),
    NvmlDevice: (_open_nvml, False),
    ControllerDevice: (_open_controller, True),
    Ina2xxDevice: (_open_ina2xx, True),
    Tmp4xxDevice: (_open_tmp4xx, True),
    HwmonDevice: (_open_hwmon, False),
    WatchdogDevice: (_open_watchdog, False),
    GpioDevice: (_open_gpio, False),
    KmsgDevice: (_open_kmsg, False),
}
