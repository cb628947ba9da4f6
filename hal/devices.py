"""Opening devices: one function per class of hal.spec, and the table that names them all."""

from collections.abc import Callable
from typing import Any, NamedTuple

from hal._native import ffi, lib
from hal.spec import ControllerDevice, Device, NvmlDevice, PmbusDevice
from hal.status import DeviceError, Status, check

PMBUS_TIMEOUT_US = 35_000  # SMBus 3.0, table of timing: t_TIMEOUT at most 35 ms
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
    }
    status = lib.ns_pmbus_open(ctx, ffi.new("ns_pmbus_config_t *", config), bus.ops, bus.ctx)
    check(status, f"{name}: PMBus device at {device.address:#04x}")
    return OpenDevice(lib.hal_pmbus_ops(), ctx)


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
}
