"""Accelerators above their rails: phases, draining, and the ladder that brings a silent one back.

What the rails do stands in rails.py and is not kept twice: a phase is derived from the rails and
from the small memory here. Draining asks the workload first and waits for its answer, but never
longer than its deadline; what safety needs never waits. The reset ladder: the driver resets it;
then its rails are power-cycled (responses.py); then it is retired, until `return_to_service`.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final, NamedTuple

from flight.core.config_accelerators import AcceleratorsConfig
from flight.core.modes import ModeEvent, ModeState
from flight.core.monitors import NOBODY
from flight.core.rails import NO_ANSWER, SERVED, Pair, Phase
from flight.core.types import (
    DeviceRequest,
    Mode,
    Notice,
    NoticeLevel,
    OrbitForecast,
    WorkloadClaim,
)

NS_PER_S = 1_000_000_000
LOST: Final = "accelerator lost"  # reasons of a switch-off
BLIND_REASON: Final = "temperature and power unknown"
LOST_REASONS: Final = frozenset({LOST, NO_ANSWER})


class AccelPhase(StrEnum):
    """What an accelerator is to its users: the word of `accelN.phase`."""

    ABSENT = "absent"  # its switches have not been sensed yet
    OFF = "off"
    POWERING = "powering"  # its rails are coming up
    INITIALISING = "initialising"  # powered, does not answer yet
    PROBATION = "probation"  # answers, at the safe cap
    IN_SERVICE = "in service"
    DRAINING = "draining"  # its workload has been asked to leave
    RESETTING = "resetting"  # being reset, or power-cycled because it was lost
    UNRESPONSIVE = "unresponsive"  # in service, and does not answer
    RETIRED = "retired"  # off until return_to_service


class AccelState(NamedTuple):
    """Small memories per accelerator; times in ns, 0: not.

    cool_since_ns: a latched reflex may be released from then on; rearm_ns: when its release was
    last asked for. silent_ns: in service and without an answer since. drain_ns: asked to leave
    since; it stays after the drain has ended, until the cause has. drain_until_ns: until when it
    drains. reset_until_ns: a driver reset is under way. resets_ns: driver resets in the window.
    reset_wanted: by command. retired: why it is retired; "": it is not.
    """

    cool_since_ns: int = 0
    rearm_ns: int = 0
    silent_ns: int = 0
    drain_ns: int = 0
    drain_until_ns: int = 0
    drain_reason: str = ""
    reset_until_ns: int = 0
    resets_ns: tuple[int, ...] = ()
    reset_wanted: bool = False
    retired: str = ""


class Around(NamedTuple):
    """What the law sees of the rest of the node in one cycle.

    answers: per accelerator, a core temperature is trusted. is_urgent: safety needs accelerators
    off, or one of them may be on only while power lasts. notices: those of the last cycle.
    """

    now_ns: int
    mode: ModeState
    pairs: tuple[Pair, ...]
    answers: tuple[bool, ...]
    disabled: tuple[bool, ...]
    is_urgent: bool
    claims: tuple[WorkloadClaim, ...]
    notices: tuple[Notice, ...]
    orbit: OrbitForecast | None
    retry_window_s: float


class Kept(NamedTuple):
    """Memories one cycle later, and what follows from them.

    draining: kept on for their workload, though no longer wanted. waiting: lost ones whose
    power-cycle waits. requests: driver resets to begin now.
    """

    accels: tuple[AccelState, ...]
    draining: frozenset[int] = NOBODY
    waiting: frozenset[int] = NOBODY
    requests: tuple[DeviceRequest, ...] = ()


_PHASES: Final[Mapping[Phase, AccelPhase]] = MappingProxyType(
    {
        Phase.UNKNOWN: AccelPhase.ABSENT,
        Phase.OFF: AccelPhase.OFF,
        Phase.LATCHED_OFF: AccelPhase.OFF,
        Phase.AUX: AccelPhase.POWERING,
        Phase.READY: AccelPhase.POWERING,
        Phase.MODULE: AccelPhase.POWERING,
        Phase.STARTING: AccelPhase.INITIALISING,
        Phase.PROBATION: AccelPhase.PROBATION,
        Phase.ON: AccelPhase.IN_SERVICE,
    }
)
_PLANNED_OFF: Final = frozenset({ModeEvent.COMMAND_STANDBY, ModeEvent.COMMAND_SAFE})
_LEAVE: Final = frozenset({NoticeLevel.DRAIN, NoticeLevel.FREEZE, NoticeLevel.OFF})
_NO_CLAIM: Final = WorkloadClaim()


def phase_of(pair: Pair, accel: AccelState) -> AccelPhase:
    """Return the phase of one accelerator; the memory speaks only where the rails let it."""
    if pair.phase in SERVED:
        if accel.drain_until_ns:
            return AccelPhase.DRAINING
        if accel.reset_until_ns:
            return AccelPhase.RESETTING
        if accel.silent_ns:
            return AccelPhase.UNRESPONSIVE
    if accel.retired:
        return AccelPhase.RETIRED
    if pair.phase is Phase.OFF and pair.reason in LOST_REASONS:
        return AccelPhase.RESETTING
    return _PHASES[pair.phase]


def is_calm(accels: tuple[AccelState, ...]) -> bool:
    """Return whether no memory waits for time to pass: so that `step` changes nothing by itself."""
    return not any(a.silent_ns or a.drain_ns or a.reset_until_ns or a.reset_wanted for a in accels)


def step(
    config: AcceleratorsConfig,
    drivers: tuple[str, ...],
    accels: tuple[AccelState, ...],
    around: Around,
) -> Kept:
    """Return the memories one cycle later; the same tuple when nothing changed.

    Args:
        drivers: Name of each accelerator's driver.

    Guarantees: a drain ends at its deadline at the latest; nothing drains while `is_urgent`; a
    reset is never begun while a client has time left, nor so late that eclipse entry falls into it.
    """
    after, draining, waiting, resets = list(accels), set(), set(), []
    for i, was in enumerate(accels):
        accel = _listen(was, around.pairs[i], around.answers[i], around.now_ns)
        accel = _drain(config, accel, around, i)
        if accel.reset_until_ns:
            is_back = was.silent_ns > 0 and not accel.silent_ns
            if is_back or around.pairs[i].phase not in SERVED or _is_past(accel, around.now_ns):
                accel = accel._replace(reset_until_ns=0)
        if _is_due(config, accel, around, i):
            accel = _begin_reset(config, accel, around)
            resets.append(DeviceRequest("reset", drivers[i], f"accel{i}.cap_w"))
        if accel.drain_until_ns:
            draining.add(i)
        if accel.reset_until_ns or (accel.silent_ns and not _may_reset(config, accel, around, i)):
            waiting.add(i)
        if accel != was:
            after[i] = accel
    changed = any(a is not b for a, b in zip(after, accels, strict=True))
    return Kept(
        tuple(after) if changed else accels,
        frozenset(draining) or NOBODY,
        frozenset(waiting) or NOBODY,
        tuple(resets),
    )


def _listen(accel: AccelState, pair: Pair, answers: bool, now_ns: int) -> AccelState:
    """Follow whether it answers; without power there is nobody to reset."""
    if pair.phase not in SERVED:
        is_asked = accel.silent_ns or accel.reset_wanted
        return accel._replace(silent_ns=0, reset_wanted=False) if is_asked else accel
    if answers:
        return accel._replace(silent_ns=0) if accel.silent_ns else accel
    return accel if accel.silent_ns else accel._replace(silent_ns=now_ns)


def leaving_reason(accel: AccelState, mode: ModeState, *, disabled: bool) -> str:
    """Return why an accelerator is to be switched off on purpose; "": it is not."""
    if accel.retired:
        return "retired"
    if disabled:
        return "operator"
    if mode.mode in (Mode.STANDBY, Mode.SAFE) and mode.cause in _PLANNED_OFF:
        return "mode"
    return ""


def _drain(config: AcceleratorsConfig, accel: AccelState, around: Around, i: int) -> AccelState:
    """Ask the workload to leave, and let it, as long as it may take."""
    disabled = around.disabled[i]
    reason = leaving_reason(accel, around.mode, disabled=disabled)
    reason = reason or ("reset" if accel.reset_wanted else "")
    claim, now_ns = claim_of(around.claims, i), around.now_ns
    if not reason or around.pairs[i].phase not in SERVED:
        return _without_drain(accel) if accel.drain_ns else accel
    may_wait = (
        bool(claim.client)
        and not around.is_urgent
        and (reason == "mode" or around.mode.mode in (Mode.NOMINAL, Mode.DEGRADED))
    )
    if not accel.drain_ns:
        if not may_wait:
            return accel
        until_ns = now_ns + drain_allowed_ns(config, claim)
        return accel._replace(drain_ns=now_ns, drain_until_ns=until_ns, drain_reason=reason)
    is_over = not may_wait or now_ns >= accel.drain_until_ns or _has_answered(claim, around, i)
    if accel.drain_until_ns and is_over:
        return accel._replace(drain_until_ns=0)
    return accel


def _without_drain(accel: AccelState) -> AccelState:
    return accel._replace(drain_ns=0, drain_until_ns=0, drain_reason="")


def drain_allowed_ns(config: AcceleratorsConfig, claim: WorkloadClaim) -> int:
    """Return how long a workload may take; one that has not said gets all there is."""
    declared_s = claim.checkpoint_s if claim.checkpoint_s > 0.0 else config.drain_s_max
    return round(min(declared_s, config.drain_s_max) * NS_PER_S)


def claim_of(claims: tuple[WorkloadClaim, ...], i: int) -> WorkloadClaim:
    """Return the claim on one accelerator; nobody's when no port is open."""
    return claims[i] if i < len(claims) else _NO_CLAIM


def _has_answered(claim: WorkloadClaim, around: Around, i: int) -> bool:
    """The workload has acted on the notice in force, and that one tells it to leave."""
    told = around.notices[i] if i < len(around.notices) else None
    return told is not None and told.level in _LEAVE and claim.acknowledged == told.notice_id


def _is_past(accel: AccelState, now_ns: int) -> bool:
    return now_ns >= accel.reset_until_ns


def _is_due(config: AcceleratorsConfig, accel: AccelState, around: Around, i: int) -> bool:
    """Whether the driver shall reset it now: silent for long enough, or by command."""
    if accel.reset_until_ns or around.pairs[i].phase not in SERVED or accel.drain_until_ns:
        return False
    now_ns = around.now_ns
    last_ns = accel.resets_ns[-1] if accel.resets_ns else 0
    silent = (
        accel.silent_ns > 0
        and last_ns < accel.silent_ns
        and now_ns - accel.silent_ns >= config.reset_wait_s * NS_PER_S
    )
    recent = sum(t > now_ns - round(around.retry_window_s * NS_PER_S) for t in accel.resets_ns)
    is_due = accel.reset_wanted or (silent and recent < config.reset_count_max)
    return is_due and _may_reset(config, accel, around, i)


def _may_reset(config: AcceleratorsConfig, accel: AccelState, around: Around, i: int) -> bool:
    """Whether a reset is in nobody's way: its client has left or had its time, no eclipse entry."""
    if entry_is_near(around.orbit, around.now_ns, config.reset_s):
        return False
    claim = claim_of(around.claims, i)
    has_left = accel.drain_ns > 0 and not accel.drain_until_ns
    if has_left or not claim.client or _has_answered(claim, around, i):
        return True
    told_ns = accel.drain_ns or accel.silent_ns
    return told_ns > 0 and around.now_ns - told_ns >= drain_allowed_ns(config, claim)


def entry_is_near(orbit: OrbitForecast | None, now_ns: int, within_s: float) -> bool:
    """Return whether an eclipse begins so soon; a forecast that is not known says no."""
    if orbit is None or now_ns >= orbit.valid_until_ns:
        return False
    within_ns = round(within_s * NS_PER_S)
    return any(now_ns < entry_ns <= now_ns + within_ns for entry_ns, _ in orbit.spans_ns)


def _begin_reset(config: AcceleratorsConfig, accel: AccelState, around: Around) -> AccelState:
    oldest_ns = around.now_ns - round(around.retry_window_s * NS_PER_S)
    recent = tuple(t for t in accel.resets_ns if t > oldest_ns)
    return _without_drain(accel)._replace(
        reset_until_ns=around.now_ns + round(config.reset_s * NS_PER_S),
        resets_ns=(*recent, around.now_ns),
        reset_wanted=False,
    )


def retire_lost(
    accels: tuple[AccelState, ...], before: tuple[Pair, ...], after: tuple[Pair, ...]
) -> tuple[AccelState, ...]:
    """Return the memories with those retired that have just been latched off as lost."""
    if after is before:
        return accels
    lost = [
        i
        for i, (was, now) in enumerate(zip(before, after, strict=True))
        if now.phase is Phase.LATCHED_OFF
        and was.phase not in (Phase.LATCHED_OFF, Phase.UNKNOWN)
        and now.reason in LOST_REASONS
        and not accels[i].retired
    ]
    if not lost:
        return accels
    return tuple(
        a._replace(retired=after[i].reason) if i in lost else a for i, a in enumerate(accels)
    )
