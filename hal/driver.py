"""Drivers hosted in this process: open devices, poll, reconcile (include/nightside/driver.h)."""

from typing import Any

from hal._native import ffi, lib
from hal.devices import open_device, share_xids
from hal.image import NodeImage
from hal.kernel_devices import disarm_watchdog
from hal.opened import OpenBus, OpenDevice
from hal.spec import BusHandle, DriverSpec, WatchdogDevice
from hal.status import DeviceError, Status, argument_error, check


class DriverSet:
    """All drivers of an image, stepped by the caller on the caller's clock.

    Each of poll, reconcile and step is one C call without the GIL. Not thread safe. Each driver
    reaches its bus through a port of its own, which bounds, counts and measures: see
    NodeImage.statistics.

    Args:
        image: Open, and kept open until after close().
        is_timed: Measure a bus without a clock, and calls without a bus, on CLOCK_MONOTONIC. Not in
            virtual time: there is nothing to measure.

    Raises:
        DeviceError: A driver cannot open (library missing, wrong UUID, ...); the text names it.
        ValueError: A driver's description cannot be; the text names it.
    """

    def __init__(self, image: NodeImage, *, is_timed: bool = False) -> None:
        self._image = image
        self._clock = ffi.addressof(lib, "ns_monotonic_now_ns") if is_timed else ffi.NULL
        self._drivers: list[Any] = []
        self._watchdogs: list[tuple[str, OpenDevice]] = []
        self._keep: list[Any] = []  # memory that the C side points into
        try:
            for index, spec in enumerate(image.drivers):
                self._drivers.append(self._open(index, spec))
        except BaseException:
            self.close()
            raise
        self._table = ffi.new("ns_driver_t *[]", self._drivers)
        self._count = len(self._drivers)

    def _open(self, index: int, spec: DriverSpec) -> Any:
        port = self._open_port(spec)
        bus = None if spec.bus is None else OpenBus(lib.ns_bus_port_ops(port), port)
        opened: list[OpenDevice] = []
        try:
            opened.extend(open_device(device, bus, spec.name) for device in spec.devices)
            share_xids(spec.devices, opened)
            driver = self._open_driver(index, spec.name, opened, port)
        except BaseException:
            for device in opened:  # also those opened before one that failed
                device.close()
            raise
        self._keep += opened
        self._watchdogs += [
            (f"{spec.name}: watchdog {device.path}", watchdog)
            for device, watchdog in zip(spec.devices, opened, strict=True)
            if isinstance(device, WatchdogDevice)
        ]
        return driver

    def _open_port(self, spec: DriverSpec) -> Any:
        size = lib.ns_bus_port_size()
        memory = ffi.new("uint64_t[]", size // 8 + 1)
        port = ffi.new("ns_bus_port_t **")
        ops, ctx = _bus_of(spec.bus)
        status = lib.ns_bus_port_open(memory, size, ops, ctx, self._clock, ffi.NULL, port)
        check(status, f"{spec.name}: bus", "its ops are of another version, or can send nothing")
        self._keep.append(memory)
        return port[0]

    def _open_driver(self, index: int, name: str, opened: list[OpenDevice], port: Any) -> Any:
        image = self._image.native
        rows = [{"ops": device.ops, "ctx": device.ctx} for device in opened]
        devices = ffi.new("ns_device_t[]", rows)
        size = lib.ns_driver_size(image, index)
        memory = ffi.new("uint64_t[]", size // 8 + 1)
        driver = ffi.new("ns_driver_t **")
        status = lib.ns_driver_open(memory, size, image, index, devices, len(opened), port, driver)
        check(status, name)
        self._keep.append(memory)
        return driver[0]

    def poll(self, now_ns: int) -> None:
        """Read what is due, apply reflexes, publish samples.

        Raises:
            ValueError: now_ns goes backwards, or the set is closed.
        """
        if lib.ns_drivers_poll(self._table, self._count, now_ns) != 0:
            raise ValueError(f"poll at {now_ns} ns: time goes backwards")

    def reconcile(self, now_ns: int) -> None:
        """Bring the devices to what is wanted: reflex before lease before desired value.

        A desired value outside the immutable limits is not an error here: its point is flagged and
        counted (NodeImage.health), and the value before stays in force.

        Raises:
            ValueError: now_ns goes backwards, or the set is closed.
        """
        if lib.ns_drivers_reconcile(self._table, self._count, now_ns) == Status.ARG:
            raise ValueError(f"reconcile at {now_ns} ns: time goes backwards")

    def step(self, now_ns: int) -> None:
        """For each driver in turn: poll, then reconcile.

        Raises:
            ValueError: now_ns goes backwards, or the set is closed.
        """
        if lib.ns_drivers_step(self._table, self._count, now_ns) == Status.ARG:
            raise ValueError(f"step at {now_ns} ns: time goes backwards")

    def disarm_watchdogs(self) -> None:
        """Stop all watchdogs of these drivers for good: the last act of an orderly stop.

        Only for a node that is told to stop, before close(): whoever merely ends leaves an armed
        watchdog running, so that it bites. No stroke arms one again; a new DriverSet may. All are
        tried whatever one answers. Twice is allowed.

        Raises:
            DeviceError: IO, a watchdog does not let itself be stopped (it may be built to run for
                ever) and goes on; of several the first.
        """
        errors = []
        for label, watchdog in self._watchdogs:
            try:
                disarm_watchdog(watchdog, label)
            except DeviceError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def close(self) -> None:
        """Close all devices; outputs stay as they are, armed watchdogs go on. Twice is allowed."""
        for driver in self._drivers:
            lib.ns_driver_close(driver)
        self._drivers = []
        self._table = ffi.NULL
        self._watchdogs = []
        self._keep = []


def nvml_driver_version(library_path: str) -> str:
    """Return the driver version behind a library at an absolute path; a simulated one is SIM....

    Raises:
        DeviceError: The library cannot be loaded or does not answer.
        ValueError: The path is relative.
    """
    if not library_path.startswith("/") or "\0" in library_path:
        raise argument_error(library_path, "a library is named by an absolute path")
    version = ffi.new("char[]", 80)
    check(lib.ns_nvml_driver_version(library_path.encode(), version, 80), library_path)
    return bytes(ffi.string(version)).decode()


def _bus_of(bus: BusHandle | None) -> tuple[Any, Any]:
    if bus is None:
        return ffi.NULL, ffi.NULL
    return ffi.cast("void *", bus.ops_address), ffi.cast("void *", bus.ctx_address)
