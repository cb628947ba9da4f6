"""State-of-charge ladder: which rung of load shedding is in force.

Rung 0 nominal, 1 cap, 2 shed to one accelerator at idle, 3 SAFE, 4 SURVIVAL. Down after a short
persistence, one decision for any depth; up one rung at a time, later and with hysteresis.
"""

from typing import NamedTuple

from flight.core.config import LadderConfig

RUNG_NOMINAL, RUNG_CAP, RUNG_SHED, RUNG_SAFE, RUNG_SURVIVAL = range(5)
RUNG_NAMES = ("nominal", "cap", "shed", "safe", "survival")


class LadderState(NamedTuple):
    """Rung in force; since when a deeper or a higher one is due, 0: not; last known charge time."""

    rung: int = RUNG_NOMINAL
    down_since_ns: int = 0
    up_since_ns: int = 0
    known_ns: int = 0


def _due(config: LadderConfig, charge_ratio: float, margin: float) -> int:
    """Return the rung due at a charge, thresholds raised by `margin`."""
    if charge_ratio < config.survival_ratio + margin:
        return RUNG_SURVIVAL
    if charge_ratio < config.safe_ratio + margin:
        return RUNG_SAFE
    if charge_ratio < config.shed_ratio + margin:
        return RUNG_SHED
    return RUNG_CAP if charge_ratio < config.cap_ratio + margin else RUNG_NOMINAL


def step(
    config: LadderConfig, state: LadderState, *, charge_ratio: float | None, now_ns: int
) -> LadderState:
    """Return the ladder one cycle later.

    Args:
        charge_ratio: State of charge 0..1; None: unknown. The rung is then held, and after
            `unknown_s` it is at least the first: losing the sensor never raises power.

    Guarantees: a deeper rung is in force at most `down_s` after the charge fell, and stayed, below;
    a sensor that comes and goes does not begin that time anew.
    """
    if charge_ratio is None:
        known_ns = state.known_ns or now_ns
        blind = now_ns - known_ns >= config.unknown_s * 1e9
        rung = max(state.rung, RUNG_CAP) if blind else state.rung
        return LadderState(rung, state.down_since_ns, 0, known_ns)

    rung = state.rung
    if rung == RUNG_NOMINAL and charge_ratio >= config.cap_ratio:
        # No threshold is above that of the first rung (LadderConfig): nothing is due, down or up.
        return LadderState(RUNG_NOMINAL, 0, 0, now_ns)
    due_down = _due(config, charge_ratio, 0.0)
    if due_down > rung:
        since_ns = state.down_since_ns or now_ns
        if now_ns - since_ns >= config.down_s * 1e9:
            return LadderState(due_down, 0, 0, now_ns)
        return LadderState(rung, since_ns, 0, now_ns)
    if _due(config, charge_ratio, config.hysteresis_ratio) < rung:
        since_ns = state.up_since_ns or now_ns
        if now_ns - since_ns >= config.up_s * 1e9:
            return LadderState(rung - 1, 0, 0, now_ns)
        return LadderState(rung, 0, since_ns, now_ns)
    return LadderState(rung, 0, 0, now_ns)
