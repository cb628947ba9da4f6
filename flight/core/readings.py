"""The readings that each cycle looks at: fewer than a third of all, taken out of the array at once.

A number out of an array costs ten times what the law does with it. What is read rarely stays in the
array until somebody asks (cycle.Sensed.values).
"""

from collections.abc import Callable
from itertools import pairwise
from math import nan
from operator import itemgetter
from typing import Final, NamedTuple

import numpy as np

from flight.core.points import PointTable
from flight.core.types import Float64s, Int64s

_new: Final = tuple.__new__  # a NamedTuple's own constructor takes three times as long


class Readings(NamedTuple):
    """Trusted readings of all accelerators in accelerator order; NaN where unknown."""

    power_w: tuple[float, ...]
    core_temp_c: tuple[float, ...]
    memory_temp_c: tuple[float, ...]
    aux_voltage_v: tuple[float, ...]
    module_voltage_v: tuple[float, ...]
    module_power_w: tuple[float, ...]


class NodeReadings(NamedTuple):
    """Trusted readings of what a node has once; NaN where unknown, or where the node lacks it."""

    pump_a_speed_rpm: float
    pump_a_current_a: float
    pump_b_speed_rpm: float
    pump_b_current_a: float
    flow_kg_per_s: float
    supply_temp_c: float
    radiator_temp_c: float
    battery_temp_c: float
    charge_ratio: float
    payload_voltage_v: float


_EACH: Final = (  # in the order of Readings; then the counters (counters.py)
    "accel{}.power_w",
    "accel{}.core_temp_c",
    "accel{}.memory_temp_c",
    "rail.accel{}_aux.voltage_v",
    "rail.accel{}_54v.voltage_v",
    "rail.accel{}_54v.power_w",
    "accel{}.ecc_uncorrected_count",
    "accel{}.xid",
)
_ONCE: Final = (  # in the order of NodeReadings
    "loop.pump_a.speed_rpm",
    "loop.pump_a.current_a",
    "loop.pump_b.speed_rpm",
    "loop.pump_b.current_a",
    "loop.flow_kg_per_s",
    "loop.supply_temp_c",
    "loop.radiator_out_temp_c",
    "eps.battery.temp_c",
    "eps.battery.charge_ratio",
    "rail.payload_54v.voltage_v",
)


class Reader(NamedTuple):
    """Where these readings are among the points.

    places: of all of them, in the order above. absent: those in `places` that the node lacks.
    parts: cuts them into the fields of Readings, the counters, and the fields of NodeReadings.
    """

    places: Int64s
    absent: tuple[int, ...]
    parts: Callable[[tuple[float, ...]], tuple[tuple[float, ...], ...]]


def build(table: PointTable, accelerator_count: int) -> Reader:
    """Return where the readings of a node are."""
    names = [pattern.format(i) for pattern in _EACH for i in range(accelerator_count)]
    names += _ONCE
    fields, count = len(Readings._fields), accelerator_count
    ends = [k * count for k in range(fields + 1)] + [len(_EACH) * count, len(names)]
    return Reader(
        places=np.array([table.index.get(name, 0) for name in names], np.int64),
        absent=tuple(k for k, name in enumerate(names) if name not in table.index),
        parts=itemgetter(*(slice(start, end) for start, end in pairwise(ends))),
    )


def read(reader: Reader, trusted: Float64s) -> tuple[Readings, tuple[float, ...], NodeReadings]:
    """Return the readings of all accelerators, their counters, and those of the node."""
    found: list[float] = trusted.take(reader.places).tolist()
    for place in reader.absent:
        found[place] = nan
    *of_accelerators, counters, of_node = reader.parts(tuple(found))
    return _new(Readings, of_accelerators), counters, _new(NodeReadings, of_node)
