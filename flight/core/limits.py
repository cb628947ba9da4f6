"""Which limits apply to each accelerator in a cycle: the input of the arbiter."""

from flight.core import arbiter, cap_plan, guard, ladder, rails
from flight.core.arbiter import CapReason, Grants, Limit
from flight.core.config import CoreConfig
from flight.core.cycle import Sensed, Situation
from flight.core.guard import GuardLaw, GuardState
from flight.core.monitors import Response
from flight.core.rails import Pair, Phase
from flight.core.types import FLAG_LAPSED, FLAG_REFLEX, CapPlan, Mode, WorkloadClaim

_ON, _PROBATION, _NOMINAL = Phase.ON, Phase.PROBATION, Mode.NOMINAL
_MAXIMUM, _OPERATOR, _GUARD = CapReason.MAXIMUM, CapReason.OPERATOR, CapReason.GUARD


def step_guards(
    core: CoreConfig,
    law: GuardLaw,
    before: tuple[GuardState, ...],
    pairs: tuple[Pair, ...],
    sensed: Sensed,
    situation: Situation,
    all_on: bool,
) -> tuple[GuardState, ...]:
    """Run the guard of each accelerator that answers; one that is off starts fresh.

    Args:
        all_on: Every accelerator is in service.
    """
    if not core.faults.guard_enabled or situation.is_inhibited("guard"):
        return (GuardState(law.cap_w_max),) * len(before)
    serving = (True,) * len(pairs) if all_on else [pair[0] in rails.SERVED for pair in pairs]
    readings = sensed.readings
    return guard.step_all(
        law, before, serving, readings.core_temp_c, readings.memory_temp_c, sensed.dt_s
    )


def node_limit(core: CoreConfig, situation: Situation) -> Limit:
    """Return the limit that holds for every accelerator alike."""
    arb, safe_w = core.arbiter, core.arbiter.cap_w_safe
    cap_w, reason = arb.cap_w_max, _MAXIMUM
    rung, responding = situation.rung, situation.responding
    if rung and not situation.is_inhibited("charge"):
        cap_w = core.ladder.cap_w if rung == ladder.RUNG_CAP else arb.cap_w_min
        reason = CapReason.CHARGE
    if responding and arb.cap_w_min < cap_w:
        if responding.get(Response.BUS_LOW):
            cap_w, reason = arb.cap_w_min, CapReason.VOLTAGE
        elif responding.get(Response.PAYLOAD_OVER_CURRENT):
            cap_w, reason = arb.cap_w_min, CapReason.CURRENT
    if situation.mode is not _NOMINAL and safe_w < cap_w:
        cap_w, reason = safe_w, CapReason.MODE
    if situation.pumps.caps_are_safe and safe_w <= cap_w:
        cap_w, reason = safe_w, CapReason.PUMP
    return cap_w, reason


def arbitrate(
    core: CoreConfig,
    before: Grants,
    pairs: tuple[Pair, ...],
    guards: tuple[GuardState, ...],
    sensed: Sensed,
    situation: Situation,
    shared_reason: CapReason,
    all_on: bool,
) -> Grants:
    """Collect the limits of each accelerator and let the smallest win.

    Args:
        all_on: Every accelerator is in service.
    """
    node_w, node_reason = node_limit(core, situation)
    if (
        node_reason is _MAXIMUM
        and _all_have_all(node_w, before, pairs, guards, sensed, situation, all_on)
    ) or _all_are_off(before, pairs):
        return before
    shared_w, safe_w = situation.shared_w, core.arbiter.cap_w_safe
    limits: list[Limit | None] = []
    silent: list[int] = []
    for pair, guarded, operator_w in zip(pairs, guards, situation.operator.limits_w, strict=True):
        phase = pair[0]
        if phase is not _ON:
            if phase is _PROBATION:
                limits.append((min(safe_w, node_w), CapReason.RAIL))
            else:
                limits.append(None)
                shared_w -= core.arbiter.cap_w_min if phase in rails.MODULE_ON else 0.0
            continue
        cap_w, reason = node_w, node_reason
        if operator_w < cap_w:
            cap_w, reason = operator_w, _OPERATOR
        if guarded[0] < cap_w:
            cap_w = guarded[0]
            reason = _GUARD
            if guarded[1] is None:
                reason = CapReason.SENSOR
                silent.append(len(limits))
        limits.append((cap_w, reason))
    if situation.plan is not None:
        _follow(core, limits, situation.plan, sensed.now_ns)
    if situation.claims:
        _give_up(core.arbiter.cap_w_min, limits, situation.claims, shared_w)
    if sensed.cap_flags is not None:
        before = _hold(safe_w, before, limits, sensed.cap_flags)
    kept_w: tuple[float, ...] = ()
    if silent or before.kept_w:
        kept_w = arbiter.keep(core.arbiter, before, limits, silent, sensed.dt_s)
    return arbiter.grant(
        core.arbiter,
        before,
        limits,
        shared_w=shared_w,
        shared_reason=shared_reason,
        dt_s=sensed.dt_s,
        kept_w=kept_w,
    )


def _all_are_off(before: Grants, pairs: tuple[Pair, ...]) -> bool:
    """A quick look, right when it says yes: nobody is in service, and nobody was granted power."""
    if any(before[0]) or before.kept_w or before[1] != (CapReason.RAIL,) * len(pairs):
        return False
    return not any(pair[0] in rails.SERVED for pair in pairs)


def _all_have_all(
    cap_w_max: float,
    before: Grants,
    pairs: tuple[Pair, ...],
    guards: tuple[GuardState, ...],
    sensed: Sensed,
    situation: Situation,
    all_on: bool,
) -> bool:
    """A quick look, right when it says yes: each in service has the largest cap, and keeps it.

    Nothing is below that cap, so no limit, no share and no ramp can name another one; what
    workloads claim counts only while power is short.
    """
    caps_w, reasons, kept_w = before
    if (
        kept_w
        or situation.plan is not None
        or situation.operator.limits
        or sensed.cap_flags is not None
        or sum(caps_w) > situation.shared_w
    ):
        return False
    if all_on:
        has_all = caps_w == (cap_w_max,) * len(caps_w) and reasons == (_MAXIMUM,) * len(caps_w)
    else:
        has_all = _rest_is_off(cap_w_max, before, pairs)
    if not has_all:
        return False
    for limit_w, _ in guards:  # noqa: SIM110 - `all` takes twice as long, in each cycle
        if limit_w < cap_w_max:
            return False
    return True


def _rest_is_off(cap_w_max: float, before: Grants, pairs: tuple[Pair, ...]) -> bool:
    """Each in service has the largest cap, and the others are off and have none."""
    for pair, cap_w, reason in zip(pairs, before[0], before[1], strict=True):
        if pair[0] is _ON:
            if cap_w != cap_w_max or reason is not _MAXIMUM:
                return False
        elif cap_w or reason is not CapReason.RAIL or pair[0] not in rails.COMMANDED_OFF:
            return False
    return True


def _follow(core: CoreConfig, limits: list[Limit | None], plan: CapPlan, now_ns: int) -> None:
    """Lower each limit to what is planned for now."""
    fallback_w = core.arbiter.plan_fallback_w
    planned_w = cap_plan.caps_w(plan, len(limits), now_ns, fallback_w=fallback_w)
    for i, (limit, cap_w) in enumerate(zip(limits, planned_w, strict=False)):
        if limit is not None and cap_w < limit[0]:  # NaN binds nothing
            limits[i] = (cap_w, CapReason.PLAN)


def _give_up(
    floor_w: float,
    limits: list[Limit | None],
    claims: tuple[WorkloadClaim, ...],
    shared_w: float,
) -> None:
    """While power is short, lower each limit to what its workload can use: others get the rest."""
    wanted_w = 0.0
    for limit in limits:
        if limit is not None:
            wanted_w += limit[0]
    if wanted_w <= shared_w:
        return
    for i, (limit, claim) in enumerate(zip(limits, claims, strict=False)):
        if limit is not None and claim.demand_w < limit[0]:
            limits[i] = (max(claim.demand_w, min(floor_w, limit[0])), CapReason.DEMAND)


def _hold(
    safe_w: float, before: Grants, limits: list[Limit | None], cap_flags: tuple[float, ...]
) -> Grants:
    """Hold the safe cap where a reflex or a lapsed lease does; the ramp starts again from there."""
    caps_w = list(before.cap_w)
    for i, held in enumerate(cap_flags):
        limit = limits[i]
        if int(held) & (FLAG_LAPSED | FLAG_REFLEX) and limit is not None:
            reason = CapReason.REFLEX if int(held) & FLAG_REFLEX else CapReason.LEASE
            limits[i] = (min(limit[0], safe_w), reason)
            caps_w[i] = min(caps_w[i], safe_w)
    return before._replace(cap_w=tuple(caps_w))
