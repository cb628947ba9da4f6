"""What a run takes over from the one before: mode, latches, and what operators asked for.

Names that this node does not have are passed over: a store of another node must not stop a start.
"""

from math import inf, isfinite

from flight.core.config import CoreConfig
from flight.core.modes import ModeEvent
from flight.core.pumps import PUMP_NAMES
from flight.core.rails import Pair, Payload, PayloadPhase, Phase
from flight.core.state import OperatorLimit, OperatorState, State, replaced
from flight.core.types import Mode, Restored

REASON = "latched off before the restart"
RETIRED = "retired before the restart"
_SECONDS_MAX = 1e9

_TO_MODE = {
    Mode.NOMINAL: ModeEvent.RESTARTED_TO_DEGRADED,
    Mode.DEGRADED: ModeEvent.RESTARTED_TO_DEGRADED,
    Mode.STANDBY: ModeEvent.RESTARTED_TO_STANDBY,
    Mode.SAFE: ModeEvent.RESTARTED_TO_SAFE,
    Mode.SURVIVAL: ModeEvent.RESTARTED_TO_SURVIVAL,
}


def mode_event(core: CoreConfig, restored: Restored) -> ModeEvent | None:
    """Return the event that a start begins with; None: BOOT, and from there as configured.

    A planned start and a first start boot, but SAFE and SURVIVAL outlive a planned end as well:
    they are left by command or a verified condition alone (S11). After an unplanned end the
    previous mode is taken up again, by way of DEGRADED where accelerators are on; not by a host
    that restarted by itself, and not when it happens too often.
    """
    is_first = restored.mode is None and restored.restart_count == 0
    if restored.was_planned or is_first:
        stays = restored.mode in (Mode.SAFE, Mode.SURVIVAL)
        return _TO_MODE.get(restored.mode) if restored.mode is not None and stays else None
    if not restored.same_boot:
        return ModeEvent.HOST_RESTARTED
    if restored.restart_count >= core.modes.restart_count_max:
        return ModeEvent.RESTARTS_SPENT
    return None if restored.mode is None else _TO_MODE.get(restored.mode)


def apply(state: State, restored: Restored, now_ns: int) -> State:
    """Return the first state of a run with what is remembered of earlier ones."""
    pairs, accels, failed = list(state.pairs), list(state.accels), list(state.pumps.failed)
    payload = state.payload
    for subject in restored.latched:
        i = _number(subject, len(pairs))
        if i is not None:
            pairs[i] = Pair(reason=REASON, stays_off=True)
        elif subject == "payload_54v":
            payload = Payload(reason=REASON, stays_off=True)
        elif subject in PUMP_NAMES:
            failed[PUMP_NAMES.index(subject)] = True
    for subject in restored.retired:
        i = _number(subject, len(accels))
        if i is not None:
            accels[i] = accels[i]._replace(retired=RETIRED)
            pairs[i] = Pair(reason=REASON, stays_off=True)
    pumps = state.pumps._replace(failed=(failed[0], failed[1]))
    if failed[pumps.lead] and not failed[1 - pumps.lead]:
        pumps = pumps._replace(lead=1 - pumps.lead)
    operator = _with_wishes(state.operator, restored, now_ns)
    return replaced(
        state, pairs=tuple(pairs), payload=payload, pumps=pumps, accels=tuple(accels),
        operator=operator,
    )  # fmt: skip


def latched(state: State) -> tuple[str, ...]:
    """Return the subjects that are latched off, as in `Restored`."""
    found = [
        f"accel{i}"
        for i, pair in enumerate(state.pairs)
        if pair.phase is Phase.LATCHED_OFF or pair.stays_off
    ]
    if state.payload.phase is PayloadPhase.LATCHED_OFF or state.payload.stays_off:
        found.append("payload_54v")
    names = zip(PUMP_NAMES, state.pumps.failed, strict=True)
    return (*found, *(name for name, failed in names if failed))


def retired(state: State) -> tuple[str, ...]:
    """Return the accelerators out of service for good."""
    return tuple(f"accel{i}" for i, accel in enumerate(state.accels) if accel.retired)


def disabled(operator: OperatorState) -> tuple[str, ...]:
    """Return the accelerators that an operator keeps off."""
    return tuple(f"accel{i}" for i, is_off in enumerate(operator.disabled) if is_off)


def remembered(state: State) -> Restored:
    """Return what of a state the next run is to take over; how the run ended is the store's."""
    return Restored(
        mode=state.mode.mode,
        latched=latched(state),
        retired=retired(state),
        operator_limits_w=tuple(
            (
                f"accel{limit.accelerator}",
                limit.cap_w,
                limit.owner,
                (limit.until_ns - state.now_ns) * 1e-9 if limit.until_ns else inf,
            )
            for limit in state.operator.limits
        ),
        disabled=disabled(state.operator),
        budget_w=state.operator.budget_w,
        inhibits=_left(state.operator.inhibits, state.now_ns),
        inhibited_faults=_left(state.operator.inhibited_faults, state.now_ns),
    )


def _left(held: tuple[tuple[str, int], ...], now_ns: int) -> tuple[tuple[str, float], ...]:
    return tuple((name, (until_ns - now_ns) * 1e-9) for name, until_ns in held)


def _with_wishes(operator: OperatorState, restored: Restored, now_ns: int) -> OperatorState:
    """Return what operators have asked for: a restart enables nothing that they disabled."""
    chosen = {_number(subject, len(operator.disabled)) for subject in restored.disabled}
    return _with_limits(operator, restored, now_ns)._replace(
        disabled=tuple(off or i in chosen for i, off in enumerate(operator.disabled)),
        budget_w=restored.budget_w if restored.budget_w > 0.0 else operator.budget_w,
        inhibits=_until(restored.inhibits, now_ns),
        inhibited_faults=_until(restored.inhibited_faults, now_ns),
    )


def _until(held: tuple[tuple[str, float], ...], now_ns: int) -> tuple[tuple[str, int], ...]:
    return tuple(
        (name, now_ns + round(min(left_s, _SECONDS_MAX) * 1e9))
        for name, left_s in held
        if left_s > 0.0
    )


def _with_limits(operator: OperatorState, restored: Restored, now_ns: int) -> OperatorState:
    count, limits = len(operator.limits_w), []
    for subject, cap_w, owner, left_s in restored.operator_limits_w:
        one = _number(subject, count)
        chosen = range(count) if subject == "all" else () if one is None else (one,)
        if not isfinite(cap_w) or not left_s > 0.0:
            continue
        until_ns = 0 if left_s == inf else now_ns + round(min(left_s, _SECONDS_MAX) * 1e9)
        limits += [OperatorLimit(i, cap_w, owner, until_ns) for i in chosen]
    return operator.with_limits(tuple(limits)) if limits else operator


def _number(subject: str, count: int) -> int | None:
    """Return the number of an accelerator's name; None: it is not one of this node."""
    return next((i for i in range(count) if subject == f"accel{i}"), None)
