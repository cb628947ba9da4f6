"""Check cases 23 and 25: upsets of a memory, and published failure rates, as drawn strikes."""

import math
import random
from functools import cache

import numpy as np

from sim_hw.config_radiation import RadiationConfig
from sim_hw.exposure import Exposure
from sim_hw.orbit import Orbit
from sim_hw.radiation import draw_radiation, poisson_times
from sim_hw.scenario_times import FOREVER_NS
from sim_hw.sun import DAY_S
from tests.check_cases.case import CheckCase

SEED = 1
_DAYS = 30.0
_UPSETS_PER_DAY = 216.9
_MEMORY = "Alsat-1, 8 years in orbit: 4.04e-7 per bit and day; computed"
_FLEET = "Llama 3, 16384 H100, 54 days: 419 unexpected interruptions; computed"
_FLEET_COUNT, _FLEET_DAYS, _FLEET_SIZE = 419, 54.0, 16_384
_FLEETS = 100  # of 54 days each, drawn for its figures
_RELATIVE = 3.0 / math.sqrt(_FLEETS * _FLEET_COUNT)
_NODE = 8
_MONTHS = 40_000  # of a node, drawn for its figures
_MONTHS_HIT = 0.107


class _Counters:
    """The truths that upsets are counted in."""

    def __init__(self) -> None:
        self.edac_corrected_count = np.zeros(1)


def upsets_per_day() -> float:
    """Return what 64 MiB of the host's memory count in 30 quiet days at 550 km."""
    flown = draw_radiation(
        RadiationConfig(particle_events_per_year=0.0),
        Orbit.circular(),
        level="nominal",
        duration_s=_DAYS * DAY_S,
        seed=SEED,
        accelerator_count=_NODE,
    )
    (memory,) = (upsets for upsets in flown.new_upsets() if upsets.kind.id == "R4h")
    truth = _Counters()
    while memory.next_ns < FOREVER_NS:
        memory.apply_due(memory.next_ns, truth)
    return float(truth.edac_corrected_count[0]) / _DAYS


@cache
def fleet_interval_h() -> float:
    """Return the mean time between the drawn interruptions of the published fleet."""
    span_s = _FLEETS * _FLEET_DAYS * DAY_S
    strikes = _times(_FLEETS * _FLEET_COUNT / span_s, span_s, random.Random(f"fleet {SEED}"))
    return span_s / 3600.0 / len(strikes)


@cache
def node_months() -> tuple[int, ...]:
    """Return how often a node of eight is struck in each of many months."""
    per_s = _FLEET_COUNT / (_FLEET_DAYS * DAY_S) * _NODE / _FLEET_SIZE
    draw = random.Random(f"node {SEED}")
    return tuple(len(_times(per_s, _DAYS * DAY_S, draw)) for _ in range(_MONTHS))


def _times(per_s: float, span_s: float, draw: random.Random) -> tuple[float, ...]:
    everywhere = np.array([0.0, span_s])
    return poisson_times(per_s, Exposure(everywhere, everywhere), draw)


RADIATION_CASES = (
    CheckCase(
        number="23", what="corrected upsets of 64 MiB in 30 days at 550 km, drawn; 3 √N",
        source=_MEMORY, unit="1/d", expected=_UPSETS_PER_DAY,
        tolerance=3.0 * math.sqrt(_UPSETS_PER_DAY / _DAYS), ours=upsets_per_day, digits=1,
    ),
    CheckCase(
        number="25a", what="interruptions of 100 such fleets, drawn: mean interval; 3 √N",
        source=_FLEET, unit="h", expected=3.09, tolerance=3.09 * _RELATIVE,
        ours=fleet_interval_h,
    ),
    CheckCase(
        number="25b", what="the same: time between failures of one accelerator",
        source=_FLEET, unit="h", expected=50_677.0, tolerance=50_677.0 * _RELATIVE,
        ours=lambda: fleet_interval_h() * _FLEET_SIZE, digits=0,
    ),
    CheckCase(
        number="25c", what="40000 months of a node of eight at that rate: between failures; 3 √N",
        source=_FLEET, unit="d", expected=264.0,
        tolerance=264.0 * 3.0 / math.sqrt(_MONTHS * _DAYS / 264.0),
        ours=lambda: _MONTHS * _DAYS / sum(node_months()), digits=1,
    ),
    CheckCase(
        number="25d", what="the same: months with at least one; 3 √N",
        source=_FLEET, unit="%", expected=100.0 * _MONTHS_HIT,
        tolerance=300.0 * math.sqrt(_MONTHS_HIT * (1.0 - _MONTHS_HIT) / _MONTHS),
        ours=lambda: 100.0 * sum(count > 0 for count in node_months()) / _MONTHS,
    ),
)  # fmt: skip
