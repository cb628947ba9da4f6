"""Drivers hosted in this process: open devices, poll, reconcile (include/nightside/driver.h)."""

from typing import Any

from hal._native import ffi, lib
from hal.image import NodeImage
from hal.spec import (
    BusHandle,
    ControllerDevice,
    Device,
    DriverSpec,
    NvmlDevice,
    PmbusDevice,
)
from hal.status import DeviceError, Status, check

PMBUS_TIMEOUT_US = 35_000  # SMBus 3.0, table of timing: t_TIMEOUT at most 35 ms
CONTROLLER_TIMEOUT_US = 20_000  # assumed: a poll reply at 115 200 baud takes 10 ms


class DriverSet:
    """All drivers of an image, stepped by the caller on the caller's clock.

    Each of poll, reconcile and step is one C call without the GIL. Not thread safe.

    Args:
        image: Open, and kept open until after close().

    Raises:
        DeviceError: A driver cannot open (library missing, wrong UUID, ...); the text names it.
        ValueError: A driver's description cannot be; the text names it.
    """

    def __init__(self, image: NodeImage) -> None:
        self._image = image
        self._drivers: list[Any] = []
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
        image = self._image.native
        devices = ffi.new("ns_device_t[]", len(spec.devices))
        opened: list[Any] = []
        try:
            for i, device in enumerate(spec.devices):
                ops, ctx = _open_device(device, spec)
                opened.append((device, ctx))
                devices[i].ops, devices[i].ctx = ops, ctx
            reflexes = ffi.new(
                "ns_reflex_t[]",
                [
                    {
                        "point": r.point,
                        "action_point": r.action_point,
                        "threshold": r.threshold,
                        "persistence_ns": r.persistence_ns,
                        "action_value": r.action_value,
                    }
                    for r in spec.reflexes
                ],
            )
            size = lib.ns_driver_size(image, index, len(spec.reflexes))
            memory = ffi.new("uint64_t[]", size // 8 + 1)
            driver = ffi.new("ns_driver_t **")
            status = lib.ns_driver_open(
                memory,
                size,
                image,
                index,
                devices,
                len(spec.devices),
                reflexes,
                len(spec.reflexes),
                driver,
            )
            check(status, spec.name)
        except BaseException:
            for device, ctx in opened:
                if isinstance(device, NvmlDevice):
                    lib.hal_nvml_close(ctx)
            raise
        self._keep += [memory, *(ctx for _, ctx in opened)]
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

    def close(self) -> None:
        """Close all devices; outputs stay as they are. Twice is allowed."""
        for driver in self._drivers:
            lib.ns_driver_close(driver)
        self._drivers = []
        self._table = ffi.NULL
        self._keep = []


def nvml_driver_version(library_path: str) -> str:
    """Return the driver version behind a library at an absolute path; a simulated one is SIM....

    Raises:
        DeviceError: The library cannot be loaded or does not answer.
        ValueError: The path is relative.
    """
    version = ffi.new("char[]", 80)
    check(lib.ns_nvml_driver_version(library_path.encode(), version, 80), library_path)
    return bytes(ffi.string(version)).decode()


def _open_device(device: Device, spec: DriverSpec) -> tuple[Any, Any]:
    if isinstance(device, NvmlDevice):
        return _open_nvml(device, spec.name)
    if spec.bus is None:
        raise ValueError(f"{spec.name}: a {type(device).__name__} needs a bus")
    if isinstance(device, PmbusDevice):
        return _open_pmbus(device, spec.bus, spec.name)
    return _open_controller(device, spec.bus, spec.name)


def _open_nvml(device: NvmlDevice, name: str) -> tuple[Any, Any]:
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
    return lib.hal_nvml_ops(), ctx


def _open_pmbus(device: PmbusDevice, bus: BusHandle, name: str) -> tuple[Any, Any]:
    ctx = ffi.new("ns_pmbus_t *")
    config = {
        "address": device.address,
        "has_page": int(device.page is not None),
        "page": device.page or 0,
        "has_pec": int(device.pec),
        "timeout_us": PMBUS_TIMEOUT_US,
        "current_limit_a": device.current_limit_a,
    }
    status = lib.ns_pmbus_open(ctx, ffi.new("ns_pmbus_config_t *", config), *_bus_of(bus))
    check(status, f"{name}: PMBus device at {device.address:#04x}")
    return lib.hal_pmbus_ops(), ctx


def _open_controller(device: ControllerDevice, bus: BusHandle, name: str) -> tuple[Any, Any]:
    ctx = ffi.new("ns_controller_t *")
    config = {"channel_count": device.channel_count, "timeout_us": CONTROLLER_TIMEOUT_US}
    status = lib.ns_controller_open(ctx, ffi.new("ns_controller_config_t *", config), *_bus_of(bus))
    check(status, f"{name}: controller of {device.channel_count} channels")
    return lib.hal_controller_ops(), ctx


def _bus_of(bus: BusHandle) -> tuple[Any, Any]:
    return ffi.cast("void *", bus.ops_address), ffi.cast("void *", bus.ctx_address)
