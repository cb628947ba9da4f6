"""How busy each bus of a node is, computed from its points: a plan that cannot fit is refused.

What each poll sends stands in flight/bus_transfers.py; the rest of the time is for what is sent
only now and then: writes, retries, repairs, evidence.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from flight.bus_transfers import Transfers, begin_transfers, read_transfers, rounds_per_s
from flight.config import NodeConfig, build_points
from flight.node import HalSpecs, build_hal_specs
from flight.operator_error import OperatorError
from hal.spec import BusHandle, ControllerDevice, Device, NvmlDevice, PointSpec

NS_PER_S = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class BusLoad:
    """One bus.

    Args:
        occupancy_ratio: Share of the time that polling keeps its wires busy.
        poll_s: Time on the wire of one round in which every point is due.
        transfers_per_s: How many transfers polling makes.
    """

    driver: str
    occupancy_ratio: float
    poll_s: float
    transfers_per_s: float


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
        poll_s = occupancy = transfers_per_s = 0.0
        for number, device in enumerate(driver.devices):
            points = [p for p in specs.points if (p.driver, p.device) == (index, number)]
            load = _device_load(config, device, points)
            poll_s += load.poll_s
            occupancy += load.occupancy_ratio
            transfers_per_s += load.transfers_per_s
        loads.append(
            BusLoad(
                driver=driver.name,
                occupancy_ratio=occupancy,
                poll_s=poll_s,
                transfers_per_s=transfers_per_s,
            )
        )
    return tuple(loads)


def planned_specs(config: NodeConfig) -> HalSpecs:
    """Return what the drivers of a configuration are told, with no hardware at hand."""
    return build_hal_specs(config, build_points(config), _NoHardware())


def planned_bus_loads(config: NodeConfig) -> tuple[BusLoad, ...]:
    """Return the loads of a configuration, with no hardware at hand."""
    return bus_loads(config, planned_specs(config))


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
        f"longer period_s, or raise {speed_key(load.driver)}"
        for load in loads
        if load.occupancy_ratio > limit
    ]
    if lines:
        raise OperatorError(lines)
    return loads


def speed_key(driver: str) -> str:
    """Return the key that says how fast the bus of a driver is."""
    return "buses.i2c_clock_hz" if driver.startswith("rails") else "buses.serial_baud"


def _device_load(config: NodeConfig, device: Device, points: list[PointSpec]) -> BusLoad:
    """Return the part of one device. One without points is never begun."""
    is_serial = isinstance(device, ControllerDevice)
    clock_s = 1.0 / (config.buses.serial_baud if is_serial else config.buses.i2c_clock_hz)
    begin = begin_transfers(device, points) if points else []
    clocks = _clocks(begin)
    clocks_per_s = clocks * rounds_per_s(points)
    per_s = _count(begin) * rounds_per_s(points)
    for point in points:
        reads = read_transfers(device, point)
        rate = NS_PER_S / point.period_ns
        clocks += _clocks(reads)
        clocks_per_s += _clocks(reads) * rate
        per_s += _count(reads) * rate
    return BusLoad(
        driver="",
        occupancy_ratio=clocks_per_s * clock_s,
        poll_s=clocks * clock_s,
        transfers_per_s=per_s,
    )


def _clocks(transfers: Iterable[Transfers]) -> float:
    return sum(item.count * item.clocks for item in transfers)


def _count(transfers: Iterable[Transfers]) -> float:
    return sum(item.count for item in transfers)
