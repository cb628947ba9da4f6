"""Thermal guard: the power limit that keeps one accelerator's core and memory at their set-points.

A PI law in velocity form on the smaller of the two margins. The output is clamped to the cap range,
and in velocity form a clamp is complete anti-windup. The integral time equals the core's time
constant, so the controller zero cancels the core's pole: the approach to the set-point has no
overshoot whatever the coolant does slowly, and power is reduced only as far as the set-point needs.

Readings are whole degrees. At the set-point the error is zero over a band of one degree, so the
integral rests there: no limit cycle (tests/unit/test_core_guard.py). A short filter spreads steps.
"""

from typing import NamedTuple

from flight.core.config import GuardConfig

_SETTLED_K = 0.01  # the filter has arrived; far below the one-degree steps of the readings


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
    """Return the guard one cycle later.

    Args:
        core_temp_c, memory_temp_c: Trusted readings; None: lost, and the limit is the safe cap.
        dt_s: Time since the last call, > 0.

    Guarantees: the limit stays within the smallest cap and the ceiling. With a reading lost it is
    the safe cap, or lower.
    """
    if core_temp_c is None or memory_temp_c is None:
        return GuardState(min(state.limit_w, law.cap_w_safe), None)
    margin_k = min(law.setpoint_c - core_temp_c, law.memory_setpoint_c - memory_temp_c)
    before_k = state.margin_k
    if before_k is None:
        return GuardState(state.limit_w, margin_k)
    gap_k = margin_k - before_k
    if -_SETTLED_K < gap_k < _SETTLED_K:
        if state.limit_w == law.ceiling_w and margin_k > 0.0:
            return state
    else:
        margin_k = before_k + gap_k * dt_s / (law.filter_time_s + dt_s)
    limit_w = state.limit_w + law.gain_p * (margin_k - before_k) + law.gain_i * margin_k * dt_s
    if limit_w > law.ceiling_w:
        limit_w = law.ceiling_w
    elif limit_w < law.cap_w_min:
        limit_w = law.cap_w_min
    return GuardState(limit_w, margin_k)
