"""What an opened bus or device is to the drivers: the addresses that C takes."""

from typing import Any, NamedTuple

from hal._native import lib
from hal.status import argument_error


class OpenBus(NamedTuple):
    """A bus as devices are opened over it: ns_bus_ops_t * and its context."""

    ops: Any
    ctx: Any

    def check_carries(self, kind: str, label: str) -> None:
        """Raise ValueError when this bus is of another kind: "I2C" or "serial"."""
        can = lib.hal_bus_has_transfer if kind == "I2C" else lib.hal_bus_has_exchange
        if not can(self.ops):
            raise argument_error(label, f"its bus is of another kind, must be {kind}")


class OpenDevice(NamedTuple):
    """An opened device: ns_device_ops_t *, its context, and what must live as long as it does."""

    ops: Any
    ctx: Any
    keep: tuple[Any, ...] = ()

    def close(self) -> None:
        """Close the device, for a driver that never came to own it."""
        lib.hal_device_close(self.ops, self.ctx)
