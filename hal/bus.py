"""Buses of this process: I2C adapters, serial lines, bridges (docs/reference/buses.md).

Each gives a BusHandle for DriverSpec, and can be spoken to directly on a bench.
"""

import importlib
import re
from types import TracebackType
from typing import Any, Self

from hal import checks
from hal._native import ffi, lib
from hal.spec import BusHandle
from hal.status import DeviceError, Status, argument_error, check

I2C_TIMEOUT_US = 35_000  # SMBus 3.0: a device may hold the clock for t_TIMEOUT, at most 35 ms
I2C_TIMEOUT_US_MAX = 10_000_000  # i2c_dev.h
FRAME_SIZE_MAX = 1024  # serial.h, NS_SERIAL_FRAME_MAX; bridge.h, NS_BRIDGE_DATA_MAX
PATH_BYTES_MAX = 4095  # Linux: PATH_MAX without its NUL
SIZE_MAX = 2**20  # assumed: far above what any bus takes; the bus itself says what it takes
UNIX_PATH_MAX = 107  # Linux: 108 bytes of sockaddr_un.sun_path, one of them NUL
BRIDGE_FORM = "'unix:PATH' or 'tcp:IPV4:PORT', numbers only"


class Bus:
    """An open bus. Not thread safe: a bus that a driver has is the driver's alone.

    Keep it, and close it only after the last driver on it is closed: `handle` points into it.
    """

    def __init__(self, name: str, ops: Any, context: Any) -> None:
        self.name = name
        self._ops = ops
        self._context = context

    @property
    def handle(self) -> BusHandle:
        """The bus as DriverSpec takes it.

        Raises:
            ValueError: The bus is closed.
        """
        return BusHandle(
            ops_address=int(ffi.cast("uintptr_t", self._ops)),
            ctx_address=int(ffi.cast("uintptr_t", self._open_context())),
        )

    def transfer(self, address: int, write: bytes, read_size: int, *, timeout_us: int) -> bytes:
        """Write bytes to a device on I2C, then read `read_size` bytes with a repeated START.

        Args:
            address: 7 bit, 0x08 to 0x77.
            write, read_size: Not both empty; at most 512 bytes each on a local adapter.
            timeout_us: 0 is a time-out at once.

        Raises:
            DeviceError: The bus or the device failed; docs/reference/buses.md tells how.
            ValueError: An argument is out of range, this bus has no I2C, or it is closed.
        """
        checks.check_address(self.name, address)
        checks.check_whole(self.name, "read_size", read_size, 0, SIZE_MAX)
        checks.check_whole(self.name, "timeout_us", timeout_us, 0, checks.UINT32_MAX)
        out = ffi.new("uint8_t[]", max(1, read_size))
        status = lib.hal_bus_transfer(
            self._ops, self._open_context(), address, write, len(write), out, read_size, timeout_us
        )
        hint = "it has no I2C, or takes no message of these sizes"
        self._check(status, hint)
        return bytes(ffi.buffer(out, read_size))

    def exchange(self, frame: bytes, *, capacity: int = FRAME_SIZE_MAX, timeout_us: int) -> bytes:
        """Send a frame on a serial bus and return the next one, its 0x00 included.

        Args:
            frame: Sent as it is, so with its delimiter.
            capacity: Most bytes of the answer; a longer one is a DeviceError of status FULL.
            timeout_us: 0 is a time-out at once.

        Raises:
            DeviceError: The line or the device failed; docs/reference/buses.md tells how.
            ValueError: An argument is out of range, this bus is not serial, or it is closed.
        """
        checks.check_whole(self.name, "capacity", capacity, 1, SIZE_MAX)
        checks.check_whole(self.name, "timeout_us", timeout_us, 0, checks.UINT32_MAX)
        out = ffi.new("uint8_t[]", capacity)
        size = ffi.new("size_t *")
        status = lib.hal_bus_exchange(
            self._ops, self._open_context(), frame, len(frame), out, capacity, size, timeout_us
        )
        self._check(status, "it is not serial, or takes no frame of these sizes")
        return bytes(ffi.buffer(out, size[0]))

    def recover(self) -> None:
        """Free a bus that hangs: nine clocks and a STOP, or what the far side of a bridge has.

        Raises:
            DeviceError: UNSUPPORTED, this bus has no means; TIMEOUT, it still hangs.
            ValueError: The bus is closed.
        """
        self._check(lib.hal_bus_recover(self._ops, self._open_context()))

    def close(self) -> None:
        """Give the bus back. Twice is allowed."""
        if self._context is not None:
            lib.hal_bus_close(self._ops, self._context)
            self._context = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open_context(self) -> Any:
        if self._context is None:
            raise ValueError(f"{self.name}: the bus is closed")
        return self._context

    def _check(self, status: int, hint: str = "") -> None:
        if status == Status.FULL:  # a device that says too much, not a table of ours
            raise DeviceError(self.name, Status.FULL, "the answer is longer than its place")
        check(status, self.name, hint)


class I2cBus(Bus):
    """An I2C adapter of Linux, locked for this process; no byte moves at opening.

    Args:
        path: e.g. "/dev/i2c-3".
        timeout_us: 1 to 10 000 000, programmed into the adapter in steps of 10 ms.
        scl, sda: GPIO chip and offset of the two lines, for recovery; both or neither.

    Raises:
        DeviceError: ABSENT, no such adapter; REFUSED, another process has it, or no permission;
            UNSUPPORTED, it only does SMBus commands; IO.
        ValueError: path, timeout_us or an offset is out of range, or one line without the other.
    """

    def __init__(
        self,
        path: str,
        *,
        timeout_us: int = I2C_TIMEOUT_US,
        scl: tuple[str, int] | None = None,
        sda: tuple[str, int] | None = None,
    ) -> None:
        checks.check_text(path, "path", path, PATH_BYTES_MAX)
        checks.check_whole(path, "timeout_us", timeout_us, 1, I2C_TIMEOUT_US_MAX)
        if (scl is None) != (sda is None):
            missing = "scl" if scl is None else "sda"
            raise checks.wrong(path, missing, None, "given where the other line is")
        for line, place in (("scl", scl), ("sda", sda)):
            if place is not None:
                checks.check_text(path, f"{line}[0]", place[0], PATH_BYTES_MAX)
                checks.check_whole(path, f"{line}[1]", place[1], 0, checks.UINT32_MAX)
        self._strings = [_c_string(path), _c_string(scl and scl[0]), _c_string(sda and sda[0])]
        config = {
            "path": self._strings[0],
            "timeout_us": timeout_us,
            "scl_chip_path": self._strings[1],
            "scl_offset": scl[1] if scl else 0,
            "sda_chip_path": self._strings[2],
            "sda_offset": sda[1] if sda else 0,
        }
        context = ffi.new("ns_i2c_dev_t *")
        check(lib.ns_i2c_dev_open(context, ffi.new("ns_i2c_dev_config_t *", config)), path)
        super().__init__(path, lib.hal_i2c_dev_ops(), context)

    def claim(self, address: int) -> None:
        """Make sure that no kernel driver is bound to an address; a transfer does so by itself.

        Raises:
            DeviceError: REFUSED, a kernel driver is bound to it.
            ValueError: The address is not within 0x08 to 0x77, or the bus is closed.
        """
        checks.check_address(self.name, address)
        name = f"{self.name}: address {address:#04x}"
        check(lib.ns_i2c_dev_claim(self._open_context(), address), name)


class SerialBus(Bus):
    """A serial line over a descriptor that is open, configured, and stays its owner's.

    Args:
        fd: Open for reading and writing; it is made non-blocking.
        name: What errors call it.

    Raises:
        ValueError: fd is no open descriptor.
    """

    def __init__(self, fd: int, *, name: str = "serial") -> None:
        checks.check_whole(name, "fd", fd, 0, checks.INT32_MAX)
        context = ffi.new("ns_serial_t *")
        check(lib.ns_serial_open(context, fd), f"{name}: descriptor {fd}", "it is not open")
        super().__init__(name, lib.hal_serial_ops(), context)
        self._port: Any = None

    @classmethod
    def open(cls, path: str, *, baud_rate: int) -> "SerialBus":
        """Open, lock and configure a line by pyserial: raw, 8 data bits, no parity, 1 stop bit.

        Raises:
            DeviceError: ABSENT, no such line; REFUSED, another program has it, or no permission;
                IO; UNSUPPORTED, pyserial is not installed.
            ValueError: baud_rate is not one that the line can have.
        """
        try:
            serial = importlib.import_module("serial")  # only a node with a serial line needs it
        except ImportError:
            raise DeviceError(path, Status.UNSUPPORTED, "install pyserial") from None
        try:
            port = serial.Serial(path, baudrate=baud_rate, exclusive=True)
        except serial.SerialException as error:
            status = lib.ns_serial_open_status(error.errno or 0)
            raise DeviceError(path, Status(status), str(error)) from error
        try:
            bus = cls(port.fileno(), name=path)
        except BaseException:
            port.close()
            raise
        bus._port = port
        return bus

    def close(self) -> None:
        """Give the bus back, and the line if it was opened here. Twice is allowed."""
        super().close()
        if self._port is not None:
            self._port.close()
            self._port = None


class BridgeBus(Bus):
    """A simulated or remote bus behind a socket; the first call connects.

    Args:
        address: "unix:PATH" or "tcp:IPV4:PORT", numbers only.

    Raises:
        ValueError: The address is of another form or too long.
    """

    def __init__(self, address: str) -> None:
        _check_bridge_address(address)
        context = ffi.new("ns_bridge_t *")
        text = _c_string(address)  # kept for as long as the call, which copies it
        config = ffi.new("ns_bridge_config_t *", {"address": text})
        check(lib.ns_bridge_open(context, config), address)
        super().__init__(address, lib.hal_bridge_ops(), context)

    @property
    def late_count(self) -> int:
        """Answers that came too late and were dropped."""
        return int(self._open_context().late_count)

    @property
    def connect_count(self) -> int:
        """Connections made so far."""
        return int(self._open_context().connect_count)


def _check_bridge_address(address: str) -> None:
    """Raise ValueError for what the first call would only find that it cannot dial."""
    kind, _, rest = address.partition(":")
    numbers = re.fullmatch(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3}):(\d{1,5})", rest, re.ASCII)
    is_socket = kind == "unix" and 1 <= len(rest.encode()) <= UNIX_PATH_MAX and "\0" not in rest
    is_tcp = kind == "tcp" and numbers is not None
    if is_tcp and numbers is not None:
        *host, port = (int(number) for number in numbers.groups())
        is_tcp = max(host) <= 255 and 1 <= port <= 65535
    if not is_socket and not is_tcp:
        raise argument_error(f"bridge {address!r}", f"must be {BRIDGE_FORM}")


def _c_string(text: str | None) -> Any:
    return ffi.NULL if text is None else ffi.new("char[]", text.encode())
