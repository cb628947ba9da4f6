"""Opening devices: one function per class of hal.spec, and the table that names them all."""

import math
from collections.abc import Callable, Sequence

from hal import checks
from hal._native import ffi, lib
from hal.kernel_devices import open_gpio, open_hwmon, open_kmsg, open_watchdog
from hal.opened import OpenBus, OpenDevice
from hal.spec import (
    ControllerDevice,
    Device,
    GpioDevice,
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

# PMBus part II, 7.3: mantissa of 11 bits, exponent of 5.
LINEAR11_MIN, LINEAR11_MAX = -1024 * 2.0**15, 1023 * 2.0**15
INA_LIMIT_STEP_V = {"ina226": 2.5e-6, "ina228": 5e-6}  # csrc/device/ina2xx.c, limit_step_v
INA_LIMIT_STEPS_MAX = 32767
TMP464_LIMIT_C = (-256.0, 255.9375)  # SBOS835: 13 bits of 0.0625 degC
PMBUS_LIMITS = (
    "current_limit_a",
    "voltage_limit_v_high",
    "voltage_limit_v_low",
    "temp_limit_c",
    "power_limit_w",
)


def open_device(device: Device, bus: OpenBus | None, name: str) -> OpenDevice:
    """Open a device of the driver `name`; nothing is sent to it.

    Raises:
        DeviceError: It cannot be opened (library missing, wrong UUID, ...).
        ValueError: Its description cannot be, or its bus is missing or of another kind; the text
            names driver, device, field, value and range.
    """
    opener, needs_bus = _OPENERS[type(device)]
    if needs_bus and bus is None:
        raise ValueError(f"{name}: a {type(device).__name__} needs a bus")
    return opener(device, bus, name)


def _open_nvml(device: NvmlDevice, _bus: OpenBus | None, name: str) -> OpenDevice:
    checks.check_nvml(device, name)
    ctx = ffi.new("ns_nvml_t *")
    status = lib.ns_nvml_open(
        ctx, device.library_path.encode(), device.pci_bus_id.encode(), device.uuid.encode()
    )
    if status == Status.REFUSED:
        hint = f"another UUID than {device.uuid} answers at {device.pci_bus_id}"
        raise DeviceError(name, Status.REFUSED, hint)
    if status != Status.OK:
        raise DeviceError(name, Status(status), f"library {device.library_path}")
    return OpenDevice(lib.hal_nvml_ops(), ctx)


def _place(address: object) -> str:
    """An address as people write it; what is none, as it is."""
    return f"{address:#04x}" if isinstance(address, int) else repr(address)


def _open_pmbus(device: PmbusDevice, bus: OpenBus, name: str) -> OpenDevice:
    label = f"{name}: PMBus device ({device.part}) at {_place(device.address)}"
    checks.check_pmbus(device, label)
    bus.check_carries("I2C", label)
    limits = {
        limit: 0.0 if math.isnan(value := getattr(device, limit)) else float(value)
        for limit in PMBUS_LIMITS
    }
    rest = {
        "address": device.address,
        "has_page": int(device.page is not None),
        "page": device.page or 0,
        "has_pec": int(device.pec),
        "timeout_us": PMBUS_TIMEOUT_US,
        "part": getattr(lib, f"NS_PMBUS_PART_{device.part.upper()}"),
        "shunt_uohm": device.shunt_uohm,
        "sense_range": device.sense_range,
        "has_phase": int(device.phase is not None),
        "phase": device.phase or 0,
        "vid": device.vid,
    }
    ctx = ffi.new("ns_pmbus_t *")

    def open_with(some: dict[str, float]) -> int:
        config = ffi.new("ns_pmbus_config_t *", rest | some)
        return int(lib.ns_pmbus_open(ctx, config, bus.ops, bus.ctx))

    status = open_with(limits)
    if status in {Status.RANGE, Status.UNSUPPORTED}:
        wrong = next(limit for limit in PMBUS_LIMITS if open_with({limit: limits[limit]}) != 0)
        allowed = f"0: {device.part} has no such limit"
        if open_with({wrong: limits[wrong]}) == Status.RANGE:
            allowed = f"{LINEAR11_MIN:.0f} to {LINEAR11_MAX:.0f}, what LINEAR11 can say"
        raise checks.wrong(label, wrong, getattr(device, wrong), allowed)
    check(status, label)
    return OpenDevice(lib.hal_pmbus_ops(), ctx)


def _open_ina2xx(device: Ina2xxDevice, bus: OpenBus, name: str) -> OpenDevice:
    label = f"{name}: {device.part} at {_place(device.address)}"
    checks.check_ina2xx(device, label)
    bus.check_carries("I2C", label)
    ctx = ffi.new("ns_ina2xx_t *")
    config = {
        "part": getattr(lib, f"NS_{device.part.upper()}"),
        "address": device.address,
        "timeout_us": SENSOR_TIMEOUT_US,
        "shunt_ohm": device.shunt_ohm,
        "current_limit_a": device.current_limit_a,
    }
    status = lib.ns_ina2xx_open(ctx, ffi.new("ns_ina2xx_config_t *", config), bus.ops, bus.ctx)
    if status == Status.UNSUPPORTED:
        allowed = f"0: {device.part} has no alert"
        raise checks.wrong(label, "current_limit_a", device.current_limit_a, allowed)
    if status == Status.RANGE:
        step_a = INA_LIMIT_STEP_V[device.part] / device.shunt_ohm
        allowed = f"{step_a:g} to {INA_LIMIT_STEPS_MAX * step_a:g} with that shunt"
        raise checks.wrong(label, "current_limit_a", device.current_limit_a, allowed)
    check(status, label)
    return OpenDevice(lib.hal_ina2xx_ops(), ctx)


def _open_tmp4xx(device: Tmp4xxDevice, bus: OpenBus, name: str) -> OpenDevice:
    label = f"{name}: {device.part} at {_place(device.address)}"
    checks.check_tmp4xx(device, label)
    bus.check_carries("I2C", label)
    ctx = ffi.new("ns_tmp4xx_t *")
    config = {
        "part": getattr(lib, f"NS_{device.part.upper()}"),
        "address": device.address,
        "timeout_us": SENSOR_TIMEOUT_US,
        "temp_limit_c": device.temp_limit_c,
    }
    status = lib.ns_tmp4xx_open(ctx, ffi.new("ns_tmp4xx_config_t *", config), bus.ops, bus.ctx)
    if status == Status.UNSUPPORTED:
        allowed = f"NaN: {device.part} has no limit"
        raise checks.wrong(label, "temp_limit_c", device.temp_limit_c, allowed)
    if status == Status.RANGE:
        low_c, high_c = TMP464_LIMIT_C
        allowed = f"{low_c:g} to {high_c:g} (NaN: none)"
        raise checks.wrong(label, "temp_limit_c", device.temp_limit_c, allowed)
    check(status, label)
    return OpenDevice(lib.hal_tmp4xx_ops(), ctx)


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


def _open_controller(device: ControllerDevice, bus: OpenBus, name: str) -> OpenDevice:
    label = f"{name}: controller of {device.channel_count} channels"
    checks.check_controller(device, label)
    bus.check_carries("serial", label)
    ctx = ffi.new("ns_controller_t *")
    config = {"channel_count": device.channel_count, "timeout_us": CONTROLLER_TIMEOUT_US}
    native = ffi.new("ns_controller_config_t *", config)
    check(lib.ns_controller_open(ctx, native, bus.ops, bus.ctx), label)
    return OpenDevice(lib.hal_controller_ops(), ctx)


# Class of the description -> how it is opened, and whether that needs a bus.
_OPENERS: dict[type, tuple[Callable[..., OpenDevice], bool]] = {
    PmbusDevice: (_open_pmbus, True),
    NvmlDevice: (_open_nvml, False),
    ControllerDevice: (_open_controller, True),
    Ina2xxDevice: (_open_ina2xx, True),
    Tmp4xxDevice: (_open_tmp4xx, True),
    HwmonDevice: (open_hwmon, False),
    WatchdogDevice: (open_watchdog, False),
    GpioDevice: (open_gpio, False),
    KmsgDevice: (open_kmsg, False),
}
