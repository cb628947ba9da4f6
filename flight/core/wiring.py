"""Wiring: where each quantity of a law sits among the points. Resolved once, from names.

A point that a node does not have gets the index one past the last; `step` keeps NaN there, so a
missing sensor and a lost one look the same to a law. What a node has not at all, a coolant loop or
a battery, is told by `has_loop` and `has_charge`: nobody waits for it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

import numpy as np

from flight.core import readings
from flight.core.points import PointTable
from flight.core.types import Int64s

_LOOP_WITNESSES = (
    "pump_a.speed_rpm",
    "pump_a.current_a",
    "pump_b.speed_rpm",
    "pump_b.current_a",
    "flow_kg_per_s",
)

Gather = Callable[[Sequence[float]], tuple[float, ...]]


def gather(indices: Sequence[int]) -> Gather:
    """Return a function that picks these elements of a sequence as a tuple."""
    if not indices:
        return lambda values: ()
    if len(indices) == 1:
        only = indices[0]
        return lambda values: (values[only],)
    picker: Gather = itemgetter(*indices)
    return picker


@dataclass(frozen=True, slots=True)
class AccelWiring:
    """Readings of all accelerators that are seldom looked at, each in accelerator order."""

    aux_enable: Gather
    aux_current_a: Gather
    module_enable: Gather
    module_current_a: Gather
    cap_flags: Gather
    caps: tuple[int, ...]
    rail_flags: tuple[tuple[int, int], ...]  # enable of the auxiliary and of the module rail


@dataclass(frozen=True, slots=True)
class Slots:
    """Positions in `Decision.desired`; one past the last for a point that the node lacks."""

    cap: tuple[int, ...]
    clock: tuple[int, ...]
    aux: tuple[int, ...]
    module: tuple[int, ...]
    payload: int
    pumps: tuple[int, int]
    bypass: int
    heaters: tuple[int, int]
    battery_heater: int
    count: int


@dataclass(frozen=True, slots=True)
class Wiring:
    """All indices of a node."""

    accelerator_count: int
    point_count: int
    reader: readings.Reader
    accel: AccelWiring
    slots: Slots
    pumps: tuple[tuple[int, int], tuple[int, int]]  # speed, current
    loop_times: Int64s  # the points above in this order, then flow; any point for one it lacks
    has_loop: bool
    has_charge: bool
    payload_enable: int
    payload_voltage: int
    payload_current: int
    host_rails: tuple[tuple[int, int], ...]  # voltage, current
    writable: Int64s
    device_starts: Int64s  # in `writable`, of each device that has any
    accel_drivers: tuple[str, ...]
    rail_drivers: tuple[str, ...]
    shared_drivers: tuple[tuple[str, int], ...]  # name, ordinal among all drivers
    driver_starts: Int64s
    shared_starts: Int64s  # of those of shared_drivers


def build(table: PointTable) -> Wiring:
    """Return the wiring of a node.

    Raises:
        ValueError: No accelerator, a gap in their numbers, or a driver's points not contiguous.
    """
    count, n = 0, len(table)
    while f"accel{count}.cap_w" in table.index:
        count += 1
    if count == 0 or len(table.match("accel*.cap_w")) != count:
        raise ValueError("accelerators must be numbered accel0, accel1, ... without a gap")

    def at(name: str) -> int:
        return table.index.get(name, n)

    drivers = [(name, len(list(run))) for name, run in groupby(p.driver for p in table)]
    if len({name for name, _ in drivers}) != len(drivers):
        raise ValueError("the points of a driver must be contiguous")
    starts = [0]
    for _, length in drivers[:-1]:
        starts.append(starts[-1] + length)
    return Wiring(
        accelerator_count=count,
        point_count=n,
        reader=readings.build(table, count),
        accel=_wire_accelerators(count, at),
        slots=_wire_slots(table, count),
        pumps=(
            (at("loop.pump_a.speed_rpm"), at("loop.pump_a.current_a")),
            (at("loop.pump_b.speed_rpm"), at("loop.pump_b.current_a")),
        ),
        loop_times=np.array([min(at(f"loop.{name}"), n - 1) for name in _LOOP_WITNESSES], np.int64),
        has_loop="loop.flow_kg_per_s" in table.index,
        has_charge="eps.battery.charge_ratio" in table.index,
        payload_enable=at("rail.payload_54v.enable"),
        payload_voltage=at("rail.payload_54v.voltage_v"),
        payload_current=at("rail.payload_54v.current_a"),
        host_rails=tuple(
            (at(f"rail.{r}.voltage_v"), at(f"rail.{r}.current_a"))
            for r in ("host_12v", "host_5v", "host_3v3", "host_1v8")
        ),
        writable=np.array(table.writable_indices, np.int64),
        device_starts=_device_starts(table),
        accel_drivers=tuple(table.points[at(f"accel{i}.cap_w")].driver for i in range(count)),
        rail_drivers=tuple(
            table.points[table.index[f"rail.accel{i}_54v.enable"]].driver for i in range(count)
        ),
        shared_drivers=tuple(
            (name, k) for k, (name, _) in enumerate(drivers) if not name.startswith("accel")
        ),
        driver_starts=np.array(starts, np.int64),
        shared_starts=np.array(
            [
                start
                for start, (name, _) in zip(starts, drivers, strict=True)
                if not name.startswith("accel")
            ],
            np.int64,
        ),
    )


def _device_starts(table: PointTable) -> Int64s:
    """Where in the writable points each device begins; its points are contiguous."""
    devices = [table.points[index].device for index in table.writable_indices]
    return np.array([k for k, d in enumerate(devices) if k == 0 or devices[k - 1] != d], np.int64)


def _wire_accelerators(count: int, at: Callable[[str], int]) -> AccelWiring:
    def each(pattern: str) -> Gather:
        return gather([at(pattern.format(i)) for i in range(count)])

    return AccelWiring(
        aux_enable=each("rail.accel{}_aux.enable"),
        aux_current_a=each("rail.accel{}_aux.current_a"),
        module_enable=each("rail.accel{}_54v.enable"),
        module_current_a=each("rail.accel{}_54v.current_a"),
        cap_flags=each("accel{}.cap_w"),
        caps=tuple(at(f"accel{i}.cap_w") for i in range(count)),
        rail_flags=tuple(
            (at(f"rail.accel{i}_aux.enable"), at(f"rail.accel{i}_54v.enable")) for i in range(count)
        ),
    )


def _wire_slots(table: PointTable, count: int) -> Slots:
    place = {table.points[index].name: k for k, index in enumerate(table.writable_indices)}
    spare = len(table.writable_indices)

    def slot(name: str) -> int:
        return place.get(name, spare)

    return Slots(
        cap=tuple(slot(f"accel{i}.cap_w") for i in range(count)),
        clock=tuple(slot(f"accel{i}.clock_max_mhz") for i in range(count)),
        aux=tuple(slot(f"rail.accel{i}_aux.enable") for i in range(count)),
        module=tuple(slot(f"rail.accel{i}_54v.enable") for i in range(count)),
        payload=slot("rail.payload_54v.enable"),
        pumps=(slot("loop.pump_a.speed_target_rpm"), slot("loop.pump_b.speed_target_rpm")),
        bypass=slot("loop.bypass_ratio"),
        heaters=(slot("loop.heater_a.enable"), slot("loop.heater_b.enable")),
        battery_heater=slot("eps.battery_heater.enable"),
        count=spare,
    )
