"""How busy each bus of a node is, computed from its points: a plan that cannot fit is refused.

One poll of a device is counted as the driver makes it: PAGE and its read-back where the part has
pages, then one transfer per point; the scrub of limit and lock is spread over its rounds.
"""

from dataclasses import dataclass
from pathlib import Path

from flight.config import NodeConfig, build_points
from flight.node import HalSpecs, build_hal_specs
from flight.operator_error import OperatorError
from hal.spec import BusHandle, ControllerDevice, Device, NvmlDevice, PmbusDevice, PointSpec

NS_PER_S = 1e9

# I2C: nine clocks a byte, and START, repeated START, STOP as one clock each. A word read with PEC
# (address, command, address, two data bytes, PEC) is 57 clocks, 0.57 ms at 100 kHz.
_CLOCKS_PER_BYTE = 9
_WRITE_EDGES, _READ_EDGES = 2, 3
# `enable` is read from OPERATION, one byte; all other channels are words.
_ENABLE_CHANNEL = 5
_CHECK_ROUNDS = 10  # limit and lock are read back each tenth round (csrc/device/pmbus.c)

# Serial: ten bits a byte (8N1). Frames of csrc/include/nightside/frame.h: header 4, CRC-32C 4,
# COBS 2, delimiter 1; a reply also has count and flags, and a float32 a channel.
_BITS_PER_BYTE = 10
_FRAME_BYTES, _REPLY_BYTES, _CHANNEL_BYTES = 11, 13, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class BusLoad:
    """One bus. occupancy_ratio: share of the time that polling keeps its wires busy."""

    driver: str
    occupancy_ratio: float
    poll_s: float
    """Time on the wire of one round in which every point is due."""


class _NoHardware:
    """Stands where no bus is opened: only the plan is wanted."""

    def bus(self, driver: str) -> BusHandle:
        """Return the address of nothing."""
        del driver
        return BusHandle(ops_address=0, ctx_address=0)

    def accelerator(self, index: int) -> NvmlDevice:
        """Return an accelerator that nobody opens."""
        return NvmlDevice(library_path="/", pci_bus_id=str(index), uuid="")


def bus_loads(config: NodeConfig, specs: HalSpecs) -> tuple[BusLoad, ...]:
    """Return the load of each driver that has a bus, in image order."""
    loads = []
    for index, driver in enumerate(specs.drivers):
        if driver.bus is None:
            continue
        poll_s = occupancy = 0.0
        for number, device in enumerate(driver.devices):
            points = [p for p in specs.points if (p.driver, p.device) == (index, number)]
            once_s, per_s = _device_load(config, device, points)
            poll_s += once_s
            occupancy += per_s
        loads.append(BusLoad(driver=driver.name, occupancy_ratio=occupancy, poll_s=poll_s))
    return tuple(loads)


def planned_bus_loads(config: NodeConfig) -> tuple[BusLoad, ...]:
    """Return the loads of a configuration, with no hardware at hand."""
    return bus_loads(config, build_hal_specs(config, build_points(config), _NoHardware()))


def check_bus_load(path: Path, config: NodeConfig) -> tuple[BusLoad, ...]:
    """Return the load of each bus.

    Raises:
        OperatorError: a bus would be busier than [buses] occupancy_ratio_max; one line per bus.
    """
    limit = config.buses.occupancy_ratio_max
    loads = planned_bus_loads(config)
    lines = [
        f"{path}: the points of {load.driver} keep its bus busy for {load.occupancy_ratio:.0%} "
        f"of the time, more than buses.occupancy_ratio_max = {limit:g}: give some of them a "
        f"longer period_s, or raise {_speed_key(load.driver)}"
        for load in loads
        if load.occupancy_ratio > limit
    ]
    if lines:
        raise OperatorError(lines)
    return loads


def _speed_key(driver: str) -> str:
    return "buses.i2c_clock_hz" if driver.startswith("rails") else "buses.serial_baud"


def _device_load(
    config: NodeConfig, device: Device, points: list[PointSpec]
) -> tuple[float, float]:
    """Return seconds on the wire of one whole poll, and of a second of polling."""
    if not points:
        return 0.0, 0.0
    if isinstance(device, ControllerDevice):
        size = _FRAME_BYTES + _REPLY_BYTES + _CHANNEL_BYTES * device.channel_count
        once_s = size * _BITS_PER_BYTE / config.buses.serial_baud
        return once_s, once_s / _period_s(points)
    assert isinstance(device, PmbusDevice)
    second = 1.0 / config.buses.i2c_clock_hz
    begin_s = _begin_clocks(device) * second
    reads_s = [_read_clocks(device, _size_of(point)) * second for point in points]
    per_s = begin_s / _period_s(points) + sum(
        read_s / (point.period_ns / NS_PER_S) for read_s, point in zip(reads_s, points, strict=True)
    )
    return begin_s + sum(reads_s), per_s


def _period_s(points: list[PointSpec]) -> float:
    """A device is begun in every round in which one of its points is due."""
    return min(point.period_ns for point in points) / NS_PER_S


def _size_of(point: PointSpec) -> int:
    return 1 if point.channel == _ENABLE_CHANNEL else 2


def _begin_clocks(device: PmbusDevice) -> float:
    pages = 0.0 if device.page is None else _write_clocks(device, 1) + _read_clocks(device, 1)
    limit = _read_clocks(device, 2) if device.current_limit_a > 0.0 else 0
    return pages + (limit + _read_clocks(device, 1)) / _CHECK_ROUNDS


def _read_clocks(device: PmbusDevice, size: int) -> int:
    return _CLOCKS_PER_BYTE * (3 + size + int(device.pec)) + _READ_EDGES


def _write_clocks(device: PmbusDevice, size: int) -> int:
    return _CLOCKS_PER_BYTE * (2 + size + int(device.pec)) + _WRITE_EDGES
