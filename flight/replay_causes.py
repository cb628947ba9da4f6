"""Which readings a decision depends on, found by asking `step` itself.

`step` is pure, so the same cycle can be run once more with one reading a little higher, or lost: a
reading whose change changes the decision led to it. No list of who reads what has to be kept true.
"""

from collections.abc import Callable
from dataclasses import replace
from math import nan
from typing import Any, NamedTuple

from flight.core.points import PointTable
from flight.core.state import State
from flight.core.step import StepConfig, step
from flight.core.types import Decision, Inputs, Quality, Snapshot

SHIFT_RATIO = 0.01  # of the range in which a reading can be true
LOST = -9  # NS_E_ABSENT
READINGS_MAX = 6

Picker = Callable[[Decision], Any]


class Reading(NamedTuple):
    """A reading that a decision depends on. effect: what a little more of it does to a number;
    NaN, when only losing it changes the decision, or the decision is no number.
    """

    name: str
    unit: str
    value: float
    age_s: float
    quality: str
    effect: float


def readings_behind(
    config: StepConfig, points: PointTable, state: State, inputs: Inputs, pick: Picker
) -> tuple[Reading, ...]:
    """Return the readings that one field of a decision depends on, the strongest first.

    Empty: in this cycle no single reading changes it; it follows from what `step` remembers.
    """
    after, decision = step(config, state, inputs)
    base = pick(decision)
    found: list[Reading] = []
    for i, point in enumerate(points):
        effect = _effect(
            config, state, inputs, i, (point.high - point.low) * SHIFT_RATIO, pick, base
        )
        if effect is not None:
            found.append(_reading(points, i, inputs, after, effect))
    found.sort(key=lambda reading: -abs(reading.effect) if reading.effect == reading.effect else 0)
    return tuple(found[:READINGS_MAX])


def readings_of(
    config: StepConfig, points: PointTable, state: State, inputs: Inputs, subject: str
) -> tuple[Reading, ...]:
    """Return the readings of one thing, e.g. `accel3`, its rails included."""
    after, _ = step(config, state, inputs)
    own = [
        i
        for i, point in enumerate(points)
        if point.device.partition("_")[0] == subject or point.name.startswith(f"{subject}.")
    ]
    return tuple(_reading(points, i, inputs, after, nan) for i in own[:READINGS_MAX])


def _reading(points: PointTable, i: int, inputs: Inputs, after: State, effect: float) -> Reading:
    point, snapshot = points.points[i], inputs.snapshot
    return Reading(
        name=point.name,
        unit=point.unit,
        value=float(snapshot.values[i]),
        age_s=(inputs.now_ns - int(snapshot.time_ns[i])) * 1e-9,
        quality=Quality(int(after.judge.quality[i])).name.lower(),
        effect=effect,
    )


def _effect(
    config: StepConfig,
    state: State,
    inputs: Inputs,
    point: int,
    shift: float,
    pick: Picker,
    base: Any,
) -> float | None:
    """Return how a field changes with one reading; None: it does not."""
    for amount in (shift, -shift):
        shifted = pick(_decide(config, state, inputs, point, shift=amount))
        if not _same(shifted, base):
            is_number = isinstance(base, float) and isinstance(shifted, float)
            return (shifted - base) * (1.0 if amount > 0.0 else -1.0) if is_number else float("nan")
    lost = pick(_decide(config, state, inputs, point, shift=None))
    return None if _same(lost, base) else float("nan")


def _decide(
    config: StepConfig, state: State, inputs: Inputs, point: int, *, shift: float | None
) -> Decision:
    """Step once more with one reading shifted, or lost for long."""
    seen = inputs.snapshot
    values, time_ns, status = seen.values.copy(), seen.time_ns.copy(), seen.status.copy()
    if shift is None:
        status[point], time_ns[point] = LOST, 0
    else:
        values[point] += shift
    changed = Snapshot(values, time_ns, status, seen.flags)
    return step(config, state, replace(inputs, snapshot=changed))[1]


def _same(one: Any, other: Any) -> bool:
    """Equal, NaN to itself too."""
    return bool(one == other or (one != one and other != other))
