"""Notices: what the workload on each accelerator is told, from open to off.

RULES is the table: the first rule that has something to say of an accelerator wins, and one that
nothing is said of is open. A notice keeps its id while nothing changed; deadlines that a fresh
forecast moves by less than two seconds are no change. Nothing here decides what happens: a notice
says what the other laws have decided, or will.
"""

from collections.abc import Callable
from math import inf
from typing import Final, NamedTuple

from flight.core import cap_plan, ladder
from flight.core.accelerators import AccelPhase, AccelState, claim_of, drain_allowed_ns, phase_of
from flight.core.arbiter import CapReason, Grants
from flight.core.config import CoreConfig
from flight.core.pumps import PumpPhase, PumpsState
from flight.core.rails import COMMANDED_OFF, Pair, Phase
from flight.core.types import CapPlan, Mode, Notice, NoticeLevel, OrbitForecast, WorkloadClaim

NS_PER_S = 1_000_000_000
_SAME_NS = 2 * NS_PER_S  # a moved deadline is news from here on; assumed
_LOW_RATIO = 1.25  # a guard near the smallest cap counts as there, so that notices do not flap
_NEVER_NS = (1 << 63) - 1
_PRESSING: Final = frozenset({CapReason.REFLEX, CapReason.VOLTAGE, CapReason.CURRENT})


class NoticeState(NamedTuple):
    """Notices in force and what they were made from.

    phases: of each accelerator. numbers: of the newest notice per accelerator. wake_ns: time alone
    changes nothing before. claims, plan, orbit: those of the last full look.
    """

    notices: tuple[Notice, ...] = ()
    phases: tuple[AccelPhase, ...] = ()
    numbers: tuple[int, ...] = ()
    wake_ns: int = 0
    claims: tuple[WorkloadClaim, ...] = ()
    plan: CapPlan | None = None
    orbit: OrbitForecast | None = None


class Scene(NamedTuple):
    """What the notices speak of: the node after all other laws of the cycle."""

    now_ns: int
    mode: Mode
    pairs: tuple[Pair, ...]
    accels: tuple[AccelState, ...]
    grants: Grants
    pumps: PumpsState
    rung: int
    disabled: tuple[bool, ...]
    claims: tuple[WorkloadClaim, ...]
    plan: CapPlan | None
    orbit: OrbitForecast | None


class Told(NamedTuple):
    """What a rule wants to be told; fields as in Notice."""

    level: NoticeLevel
    reason: str
    deadline_ns: int = 0
    watts_after: float = 0.0
    expected_end_ns: int = 0


def step(core: CoreConfig, before: NoticeState, scene: Scene) -> NoticeState:
    """Return the notices one cycle later; those that did not change are the same objects."""
    notices, phases, numbers = [], [], []
    for i, pair in enumerate(scene.pairs):
        phase = phase_of(pair, scene.accels[i])
        told = _told(core, scene, i, phase, before.notices[i] if before.notices else None)
        number = before.numbers[i] if before.numbers else 0
        notice = before.notices[i] if before.notices else None
        if notice is None or not _is_same(notice, told):
            number += 1
            scope = f"accel{i}"
            notice = Notice(
                f"{scope}-{number}", scope, told.level, told.reason, scene.now_ns,
                told.deadline_ns, told.watts_after, told.expected_end_ns,
            )  # fmt: skip
        notices.append(notice)
        phases.append(phase)
        numbers.append(number)
    kept = before.notices and all(a is b for a, b in zip(notices, before.notices, strict=True))
    return NoticeState(
        before.notices if kept else tuple(notices),
        before.phases if before.phases == tuple(phases) else tuple(phases),
        tuple(numbers),
        _wake_ns(core, scene),
        scene.claims,
        scene.plan,
        scene.orbit,
    )


def guards_are_low(core: CoreConfig, grants: Grants) -> bool:
    """Some accelerator is held near its smallest cap by its guard; its own cap decides then."""
    if CapReason.GUARD not in grants.reason:
        return False
    low_w = _LOW_RATIO * core.arbiter.cap_w_min
    for cap_w in grants.cap_w:  # noqa: SIM110 - `any` takes twice as long, when a guard moves
        if 0.0 < cap_w < low_w:
            return True
    return False


def _is_same(notice: Notice, told: Told) -> bool:
    return (
        notice.level is told.level
        and notice.reason == told.reason
        and notice.watts_after == told.watts_after
        and abs(notice.deadline_ns - told.deadline_ns) < _SAME_NS
        and abs(notice.expected_end_ns - told.expected_end_ns) < _SAME_NS
    )


class _Facts(NamedTuple):
    """One accelerator, for the rules. was: its notice of the last cycle."""

    core: CoreConfig
    scene: Scene
    i: int
    phase: AccelPhase
    pair: Pair
    accel: AccelState
    claim: WorkloadClaim
    was: Notice | None


def _told(core: CoreConfig, scene: Scene, i: int, phase: AccelPhase, was: Notice | None) -> Told:
    claim = claim_of(scene.claims, i)
    facts = _Facts(core, scene, i, phase, scene.pairs[i], scene.accels[i], claim, was)
    for _, rule in RULES:
        told = rule(facts)
        if told is not None:
            return told
    return Told(NoticeLevel.OPEN, "nominal")


def _off(facts: _Facts) -> Told | None:
    pair = facts.pair
    if pair.phase is Phase.UNKNOWN:
        return Told(NoticeLevel.OFF, "absent")
    if pair.phase not in COMMANDED_OFF:
        return None
    comes_back = pair.phase is Phase.OFF and pair.off_ns > 0 and not facts.accel.retired
    reason = _off_reason(facts)
    end_ns = pair.since_ns + pair.off_ns if comes_back and reason == pair.reason else 0
    return Told(NoticeLevel.OFF, reason, expected_end_ns=end_ns)


def _off_reason(facts: _Facts) -> str:
    """Return the gravest cause that keeps an accelerator off; a fault in its own words."""
    if facts.accel.retired:
        return "retired"
    if facts.scene.pumps.phase is PumpPhase.DEAD:
        return "pump"
    if facts.pair.reason not in ("", "not wanted"):
        return facts.pair.reason
    if facts.scene.mode not in (Mode.NOMINAL, Mode.DEGRADED):
        return "mode"
    return "operator" if facts.scene.disabled[facts.i] else "power"


def _draining(facts: _Facts) -> Told | None:
    if facts.phase is not AccelPhase.DRAINING:
        return None
    return Told(NoticeLevel.DRAIN, facts.accel.drain_reason, facts.accel.drain_until_ns)


def _frozen(facts: _Facts) -> Told | None:
    if facts.phase is AccelPhase.RESETTING:
        return Told(NoticeLevel.FREEZE, "reset", expected_end_ns=facts.accel.reset_until_ns)
    if facts.phase is not AccelPhase.UNRESPONSIVE:
        return None
    config = facts.core.accelerators
    allowed_ns = drain_allowed_ns(config, facts.claim) if facts.claim.client else 0
    wait_ns = max(round(config.reset_wait_s * NS_PER_S), allowed_ns)
    return Told(NoticeLevel.FREEZE, "unresponsive", facts.accel.silent_ns + wait_ns)


def _pump_lost(facts: _Facts) -> Told | None:
    pumps = facts.scene.pumps
    if pumps.phase is PumpPhase.STEADY:
        return None
    was, safe_w = facts.was, facts.core.arbiter.cap_w_safe
    if was is not None and was.reason == "pump" and was.level is NoticeLevel.CHECKPOINT:
        return Told(was.level, was.reason, was.deadline_ns, was.watts_after)
    off_ns = facts.scene.now_ns + round(facts.core.loop.no_flow_off_s * NS_PER_S)
    return Told(NoticeLevel.CHECKPOINT, "pump", off_ns, safe_w)


def _starting(facts: _Facts) -> Told | None:
    if facts.phase in (AccelPhase.POWERING, AccelPhase.INITIALISING, AccelPhase.PROBATION):
        return Told(NoticeLevel.CORDON, str(facts.phase))
    return None


def _pressed(facts: _Facts) -> Told | None:
    """Held at the smallest cap by what may end in a switch-off."""
    arbiter, reason = facts.core.arbiter, facts.scene.grants.reason[facts.i]
    if reason in _PRESSING:
        return Told(NoticeLevel.CHECKPOINT, str(reason), 0, arbiter.cap_w_safe)
    if reason is not CapReason.GUARD:
        return None
    was_low = facts.was is not None and facts.was.reason == CapReason.GUARD
    limit_w = arbiter.cap_w_min * (_LOW_RATIO if was_low else 1.0)
    if facts.scene.grants.cap_w[facts.i] > limit_w:
        return None
    return Told(NoticeLevel.CHECKPOINT, str(reason), 0, arbiter.cap_w_min)


def _degraded(facts: _Facts) -> Told | None:
    if facts.scene.mode is Mode.DEGRADED:
        return Told(NoticeLevel.CORDON, "degraded", 0, facts.core.arbiter.cap_w_safe)
    return None


def _eclipse(facts: _Facts) -> Told | None:
    """An eclipse ahead that lowers the cap, soon enough that a checkpoint must begin."""
    scene, span = facts.scene, next_eclipse(facts.scene.orbit, facts.scene.now_ns)
    if span is None or facts.claim.checkpoint_s <= 0.0:
        return None
    if scene.now_ns < span[0] - _lead_ns(facts.core, facts.claim):
        return None
    after_w = eclipse_cap_w(facts.core, scene, facts.i, span)
    if after_w >= min(facts.core.arbiter.cap_w_max, facts.claim.demand_w):
        return None
    return Told(NoticeLevel.CHECKPOINT, "eclipse", span[0], after_w, span[1])


Rule = Callable[[_Facts], Told | None]
# The gravest first. The names are those of docs/reference/notices.md.
RULES: Final[tuple[tuple[str, Rule], ...]] = (
    ("off", _off),
    ("draining", _draining),
    ("frozen", _frozen),
    ("pump lost", _pump_lost),
    ("starting", _starting),
    ("pressed", _pressed),
    ("degraded", _degraded),
    ("eclipse", _eclipse),
)


def next_eclipse(orbit: OrbitForecast | None, now_ns: int) -> tuple[int, int] | None:
    """Return entry and exit of the next eclipse that has not begun; None: none is known."""
    if orbit is None or now_ns >= orbit.valid_until_ns:
        return None
    return next((span for span in orbit.spans_ns if span[0] > now_ns), None)


def eclipse_cap_w(core: CoreConfig, scene: Scene, i: int, span: tuple[int, int]) -> float:
    """Return the smallest cap in W to be expected in an eclipse: of the plan and of the ladder."""
    planned_w = cap_plan.smallest_w(scene.plan, i, *span)
    if scene.rung >= ladder.RUNG_CAP:
        planned_w = min(planned_w, core.ladder.cap_w)
    return inf if planned_w == inf else max(planned_w, core.arbiter.cap_w_min)


def _lead_ns(core: CoreConfig, claim: WorkloadClaim) -> int:
    return round((claim.checkpoint_s + core.accelerators.checkpoint_margin_s) * NS_PER_S)


def _wake_ns(core: CoreConfig, scene: Scene) -> int:
    """Return when time alone may change a notice: a lead begins, an eclipse does, a term lapses."""
    now_ns, times_ns = scene.now_ns, [_NEVER_NS]
    if scene.orbit is not None:
        times_ns.append(scene.orbit.valid_until_ns)
    if scene.plan is not None:
        times_ns.append(scene.plan.valid_until_ns)
    span = next_eclipse(scene.orbit, now_ns)
    if span is not None:
        times_ns.append(span[0])
        times_ns += [span[0] - _lead_ns(core, claim) for claim in scene.claims]
    return min(time_ns for time_ns in times_ns if time_ns > now_ns)
