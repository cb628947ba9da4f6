"""Thermal guard: the power limit that keeps one accelerator's core and memory at their set-points.

A PI law in velocity form on the smaller of the two margins. The output is clamped to the cap range,
and in velocity form a clamp is complete anti-windup. The integral time equals the core's time
constant, so the controller zero cancels the core's pole: the approach to the set-point has no
overshoot whatever the coolant does slowly, and power is reduced only as far as the set-point needs.

Readings are whole degrees. At the set-point the error is zero over a band of one degree, so the
integral rests there: no limit cycle (tests/unit/test_core_guard.py). A short filter spreads steps.
"""

from collections.abc import Iterable
from math import nan
from typing import Final, NamedTuple

from flight.core.config import GuardConfig

_SETTLED_K = 0.01  # the filter has arrived; far below the one-degree steps of the readings
_new: Final = tuple.__new__  # a NamedTuple's own constructor takes three times as long


class GuardState(NamedTuple):
    """limit_w: the limit in force. margin_k: filtered margin to the set-point; None: none yet."""

    limit_w: float
    margin_k: float | None = None


class GuardLaw(NamedTuple):
    """The law's numbers, resolved once from the configuration."""

    setpoint_c: float
    memory_setpoint_c: float
    gain_p: float
    gain_i: float
    filter_time_s: float
    cap_w_min: float
    cap_w_max: float
    cap_w_safe: float
    ceiling_w: float  # above the cap range by what a one-degree step of a reading takes away


def build_law(
    config: GuardConfig, *, cap_w_min: float, cap_w_safe: float, cap_w_max: float
) -> GuardLaw:
    """Return the numbers of the law for a cap range in W."""
    return GuardLaw(
        config.setpoint_c,
        config.memory_setpoint_c,
        config.gain_p_w_per_k,
        config.gain_p_w_per_k / config.integral_time_s,
        config.filter_time_s,
        cap_w_min,
        cap_w_max,
        cap_w_safe,
        cap_w_max + config.gain_p_w_per_k,
    )


def step(
    law: GuardLaw,
    state: GuardState,
    *,
    core_temp_c: float | None,
    memory_temp_c: float | None,
    dt_s: float,
) -> GuardState:
    """Return the guard of one accelerator one cycle later.

    Args:
        core_temp_c, memory_temp_c: Trusted readings; None: lost, and the limit is the safe cap.
        dt_s: Time since the last call, > 0.

    Guarantees: the limit stays within the smallest cap and the ceiling. With a reading lost it is
    the safe cap, or lower.
    """
    core_c = nan if core_temp_c is None else core_temp_c
    memory_c = nan if memory_temp_c is None else memory_temp_c
    return step_all(law, (state,), (True,), (core_c,), (memory_c,), dt_s)[0]


def step_all(
    law: GuardLaw,
    before: tuple[GuardState, ...],
    serving: Iterable[bool],
    core_temp_c: tuple[float, ...],
    memory_temp_c: tuple[float, ...],
    dt_s: float,
) -> tuple[GuardState, ...]:
    """Return the guards of all accelerators one cycle later; the same object if none changed.

    Args:
        serving: One that does not serve starts fresh. core_temp_c, memory_temp_c: NaN for lost.

    The law stands in the loop: one call for each accelerator would cost as much as the law.
    """
    setpoint_c, memory_setpoint_c, gain_p, gain_i, filter_s, floor_w, cap_w_max, _, ceiling_w = law
    after, unchanged, filtered_s = [], True, filter_s + dt_s
    for was, serves, core_c, memory_c in zip(
        before, serving, core_temp_c, memory_temp_c, strict=True
    ):
        limit_w, before_k = was
        if not serves and before_k is None and limit_w == cap_w_max:
            after.append(was)  # it has started fresh already
            continue
        margin_k, memory_k = setpoint_c - core_c, memory_setpoint_c - memory_c
        if memory_k < margin_k:
            margin_k = memory_k
        if not serves or margin_k != margin_k or memory_k != memory_k or before_k is None:
            after.append(_begin(law, limit_w, margin_k, serves, memory_k))
            unchanged = False
            continue
        gap_k = margin_k - before_k
        if -_SETTLED_K < gap_k < _SETTLED_K:
            if limit_w == ceiling_w and margin_k > 0.0:
                after.append(was)
                continue
        else:
            margin_k = before_k + gap_k * dt_s / filtered_s
        limit_w = limit_w + gain_p * (margin_k - before_k) + gain_i * margin_k * dt_s
        if limit_w > ceiling_w:
            limit_w = ceiling_w
        elif limit_w < floor_w:
            limit_w = floor_w
        after.append(_new(GuardState, (limit_w, margin_k)))
        unchanged = False
    return before if unchanged else tuple(after)


def _begin(
    law: GuardLaw, limit_w: float, margin_k: float, serves: bool, memory_k: float
) -> GuardState:
    """Return the guard of one that does not serve, is blind, or has just begun to see."""
    if not serves:
        return GuardState(law.cap_w_max)
    if margin_k != margin_k or memory_k != memory_k:
        return GuardState(min(limit_w, law.cap_w_safe), None)
    return GuardState(limit_w, margin_k)
