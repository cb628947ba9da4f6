"""The heart: step(config, state, inputs) -> (state, decision). Judge, monitor, decide; pure.

No I/O, no clock, no log, no await. Time and everything else it sees is in `inputs`; what it wants is in the
decision. The order of one cycle is the order of `step`.
"""

from dataclasses import dataclass
from math import inf, nan
from typing import NamedTuple

import numpy as np

from flight.core import (
    arbiter,
    commands,
    conditions,
    faults,
    guard,
    judge,
    ladder,
    modes,
    monitors,
    pumps,
    rails,
    reports,
    responses,
    temperature,
    wiring,
)
from flight.core.arbiter import CapReason, Grant, Limit
from flight.core.config import CoreConfig
from flight.core.modes import ModeEvent, ModeState
from flight.core.monitors import NOBODY, MonitorTable, Response
from flight.core.points import PointTable
from flight.core.pumps import PumpSample, PumpsState, PumpsWanted
from flight.core.rails import Pair, Phase
from flight.core.state import AccelState, OperatorState, State
from flight.core.types import FLAG_LAPSED, FLAG_REFLEX, Decision, Event, Float64s, Inputs, Mode


@dataclass(frozen=True, slots=True)
class StepConfig:
    """A configuration compiled for one point table: indices and arrays resolved once."""

    core: CoreConfig
    wiring: wiring.Wiring
    judge: judge.JudgeTable
    monitors: MonitorTable
    guard: guard.GuardLaw
    flag_bytes: bytes


class _Cycle(NamedTuple):
    """What all stages of one cycle share. Unknown values in `values` are NaN."""

    now_ns: int
    dt_s: float
    values: list[float]
    readings: conditions.Readings
    cap_flags: tuple[float, ...] | None
    flags: list[int] | None


_ON, _PROBATION = Phase.ON, Phase.PROBATION
_STEADY = pumps.PumpPhase.STEADY


def compile_config(config: CoreConfig, table: PointTable) -> StepConfig:
    """Resolve a configuration against a point table.

    Raises:
        ValueError: The table cannot be a node (see wiring.build).
    """
    wired = wiring.build(table)
    count = wired.accelerator_count
    return StepConfig(
        core=config,
        wiring=wired,
        judge=judge.build_table(
            table,
            hold_s=config.judge.hold_s,
            stuck_period_s=config.judge.stuck_check_period_s,
            no_rate_check=faults.over_current_points(table),
        ),
        monitors=monitors.build_table(
            faults.build_faults(config, table, count),
            table.index,
            faults.conditions(table, count),
        ),
        guard=guard.build_law(
            config.guard,
            cap_w_min=config.arbiter.cap_w_min,
            cap_w_safe=config.arbiter.cap_w_safe,
            cap_w_max=config.arbiter.cap_w_max,
        ),
        flag_bytes=bytes(4 * len(table)),
    )


def initial_state(step_config: StepConfig) -> State:
    """Return the state of a daemon that has sensed nothing yet: BOOT, rails as found, caps safe."""
    core, count = step_config.core, step_config.wiring.accelerator_count
    return State(
        now_ns=0,
        started_ns=0,
        judge=judge.initial(step_config.judge),
        monitors=monitors.initial(step_config.monitors),
        mode=ModeState(Mode.BOOT, 0),
        ladder=ladder.LadderState(),
        ladder_good_since_ns=0,
        good_since_ns=0,
        boot_good_since_ns=0,
        pumps=PumpsState(lead=0 if core.loop.lead_pump == "a" else 1),
        temperature=temperature.TemperatureState(),
        payload=rails.Payload(),
        pairs=(Pair(),) * count,
        module_switched_ns=0,
        guards=(guard.GuardState(core.arbiter.cap_w_max),) * count,
        accels=(AccelState(),) * count,
        grants=(Grant(0.0, CapReason.RAIL),) * count,
        overhead_w=core.arbiter.overhead_w,
        allotted=False,
        operator=OperatorState((inf,) * count, (0,) * count, (False,) * count, inf),
        desired=np.full(step_config.wiring.slots.count, nan),
    )


def step(config: StepConfig, state: State, inputs: Inputs) -> tuple[State, Decision]:
    """Return the state one cycle later and what to do now.

    Guarantees: never raises on any snapshot; the same arguments give the same result; caps of the decision are
    within the cap range or 0 for an accelerator out of service; losing readings never raises a cap sum.
    """
    core, wired, now_ns = config.core, config.wiring, inputs.now_ns
    started_ns = state.started_ns or now_ns
    dt_s = (now_ns - state.now_ns) * 1e-9 if state.now_ns else core.cycle.period_s
    dt_s = min(max(dt_s, 1e-3), core.cycle.gap_s_max)

    judged = judge.judge(config.judge, state.judge, now_ns, inputs.snapshot)
    values: list[float] = judged.trusted.tolist()
    values.append(nan)
    flags, cap_flags = None, None
    if inputs.snapshot.flags.tobytes() != config.flag_bytes:
        flags = inputs.snapshot.flags.tolist()
        cap_flags = wired.accel.cap_flags(flags)
    readings = conditions.gather(wired, values)
    cycle = _Cycle(now_ns, dt_s, values, readings, cap_flags, flags)

    operator = commands.expire(state.operator, now_ns)
    outcome = commands.Outcome(operator)
    if inputs.commands:
        outcome = commands.apply(core, state, operator, inputs.commands, now_ns)
    operator = outcome.operator

    monitor_state, changed = monitors.evaluate(
        config.monitors,
        state.monitors,
        now_ns=now_ns,
        trusted=judged.trusted,
        time_ns=inputs.snapshot.time_ns,
        all_good=judged.all_good,
        conditions=conditions.compute(
            core,
            wired,
            config.monitors.quiet,
            readings=readings,
            values=values,
            judge=judged,
            pairs=state.pairs,
            payload=state.payload,
            grants=state.grants,
            cap_flags=cap_flags,
            now_ns=now_ns,
        ),
    )
    events: list[Event] = []
    if changed:
        events += reports.fault_events(config.monitors, monitor_state, changed, judged.trusted, now_ns)
    if outcome.clear:
        state, monitor_state = responses.clear(config.monitors, state, monitor_state, outcome.clear)
    responding = monitor_state.responding

    pump_state = _step_pumps(core, wired, state, cycle, operator)
    charge = values[wired.charge]
    rung_state = state.ladder
    if wired.has_charge:
        known_charge = charge if charge == charge else None
        rung_state = ladder.step(core.ladder, rung_state, charge_ratio=known_charge, now_ns=now_ns)

    shared_degraded = bool(responding.get(Response.DEGRADE)) or _any_lapsed(cap_flags)
    good_since_ns = 0 if shared_degraded else state.good_since_ns or now_ns
    ladder_good_since_ns = 0 if rung_state.rung else state.ladder_good_since_ns or now_ns
    boot_good_since_ns = _boot_good_since(core, state, pump_state, good_since_ns, now_ns)
    mode = _step_mode(
        core, state, outcome.mode_event, responding, pump_state, rung_state, good_since_ns,
        ladder_good_since_ns, boot_good_since_ns, started_ns, now_ns,
    )  # fmt: skip

    shared_w, shared_reason, overhead_w, allotted = responses.shared_power(
        core, wired, state.overhead_w, state.allotted, operator, inputs.allotment, values, now_ns
    )
    sequence = responses.step_rails(
        core, wired, state, mode.mode, operator, rung_state.rung, pump_state, responding,
        readings, values, flags, shared_w, now_ns,
    )  # fmt: skip
    guards = _step_guards(config, state.guards, sequence.pairs, cycle, operator)
    accels, rearm = responses.step_reflexes(core, wired, state.accels, readings, cap_flags, now_ns)
    rearm += sequence.rearm
    temperature_state = temperature.step(
        core.loop,
        state.temperature,
        supply_temp_c=_known(values[wired.supply]),
        battery_temp_c=_known(values[wired.battery_temp]),
        dt_s=dt_s,
    )
    grants = _arbitrate(
        config, state, cycle, operator, mode.mode, rung_state.rung, pump_state,
        bool(responding.get(Response.BUS_LOW)), sequence.pairs, guards, shared_w, shared_reason,
    )  # fmt: skip
    slow = responding.get(Response.CLOCK_DOWN, NOBODY)
    desired = _desired(config, state, grants, sequence, pump_state, temperature_state, slow)

    after = State(
        now_ns, started_ns, judged, monitor_state, mode, rung_state, ladder_good_since_ns, good_since_ns,
        boot_good_since_ns, pump_state, temperature_state, sequence.payload, sequence.pairs,
        sequence.module_switched_ns, guards, accels, grants, overhead_w, allotted, operator, desired,
    )  # fmt: skip
    if not reports.nothing_changed(state, after):
        events += reports.transition_events(state, after)
    return after, Decision(
        mode=mode.mode,
        desired=desired,
        cap_w=tuple([g[0] for g in grants]),
        cap_reason=tuple([g[1] for g in grants]),
        rearm=rearm,
        events=tuple(events),
        acks=outcome.acks,
    )


def _known(value: float) -> float | None:
    """NaN as None."""
    return value if value == value else None


def _any_lapsed(cap_flags: tuple[float, ...] | None) -> bool:
    return cap_flags is not None and any(int(f) & FLAG_LAPSED for f in cap_flags)


def _inhibited(operator: OperatorState, name: str) -> bool:
    return bool(operator.inhibits) and any(item[0] == name for item in operator.inhibits)


_PUMPS_WANTED = {
    Mode.BOOT: PumpsWanted.BOTH,
    Mode.STANDBY: PumpsWanted.ONE,
    Mode.NOMINAL: PumpsWanted.ONE,
    Mode.DEGRADED: PumpsWanted.ONE,
    Mode.SAFE: PumpsWanted.ONE,
    Mode.SURVIVAL: PumpsWanted.TRICKLE,
}


def _step_pumps(
    core: CoreConfig, wired: wiring.Wiring, state: State, cycle: _Cycle, operator: OperatorState
) -> PumpsState:
    values = cycle.values
    (speed_a, current_a), (speed_b, current_b) = wired.pumps
    return pumps.step(
        core.loop,
        state.pumps,
        pumps=(
            PumpSample(_known(values[speed_a]), _known(values[current_a])),
            PumpSample(_known(values[speed_b]), _known(values[current_b])),
        ),
        flow_kg_per_s=_known(values[wired.flow]),
        wanted=_PUMPS_WANTED[state.mode.mode],
        loss_response=core.faults.pump_loss_enabled and not _inhibited(operator, "pump_loss"),
        now_ns=cycle.now_ns,
    )


def _boot_good_since(
    core: CoreConfig, state: State, pump_state: PumpsState, good_since_ns: int, now_ns: int
) -> int:
    """Since when BOOT could end: shared drivers good, rails sensed, coolant flowing; 0: not."""
    if state.mode.mode is not Mode.BOOT:
        return 0
    sensed = (
        state.payload.phase is not rails.PayloadPhase.UNKNOWN
        and all(pair.phase is not Phase.UNKNOWN for pair in state.pairs)
        and good_since_ns
        and pump_state.flow_since_ns
        and pump_state.phase is _STEADY
    )
    return (state.boot_good_since_ns or now_ns) if sensed else 0


def _step_mode(
    core: CoreConfig,
    state: State,
    command: ModeEvent | None,
    responding: monitors.Responding,
    pump_state: PumpsState,
    rung_state: ladder.LadderState,
    good_since_ns: int,
    ladder_good_since_ns: int,
    boot_good_since_ns: int,
    started_ns: int,
    now_ns: int,
) -> ModeState:
    """Apply the events of this cycle to the mode table, the gravest last so that it wins."""
    was = state.mode
    config, rung = core.modes, rung_state.rung
    critical = (
        pump_state.phase is pumps.PumpPhase.DEAD
        or bool(responding.get(Response.SAFE))
        or bool(responding.get(Response.FAILED_CLOSED))
    )
    due: list[ModeEvent] = []
    if was.mode is Mode.BOOT:
        if boot_good_since_ns and now_ns - boot_good_since_ns >= config.boot_s * 1e9:
            due.append(_BOOTED[config.autostart_mode])
        elif now_ns - max(started_ns, was.since_ns) >= config.boot_s_max * 1e9:
            due.append(ModeEvent.BOOTED_TO_SAFE)
    if not good_since_ns:
        due.append(ModeEvent.READINGS_LOST)
    elif was.mode is Mode.DEGRADED and now_ns - good_since_ns >= config.degraded_s * 1e9:
        due.append(ModeEvent.READINGS_RESTORED)
    if (
        was.mode is Mode.SAFE
        and was.cause in (ModeEvent.CHARGE_LOW, ModeEvent.CHARGE_SURVIVABLE)
        and not critical
        and ladder_good_since_ns
        and now_ns - ladder_good_since_ns >= config.verify_s * 1e9
    ):
        due.append(ModeEvent.SAFE_VERIFIED)
    if command is not None:
        due.append(command)
    if was.mode is Mode.SURVIVAL and was.cause is ModeEvent.CHARGE_CRITICAL and rung < 4:
        due.append(ModeEvent.CHARGE_SURVIVABLE)
    if critical:
        due.append(ModeEvent.CRITICAL_FAULT)
    if rung == 3:
        due.append(ModeEvent.CHARGE_LOW)
    elif rung == 4:
        due.append(ModeEvent.CHARGE_CRITICAL)
    mode = was
    for event in due:
        target = modes.next_mode(mode.mode, event)
        if target is not None and target is not mode.mode:
            mode = ModeState(target, now_ns, event)
    return mode


_BOOTED = {
    "STANDBY": ModeEvent.BOOTED_TO_STANDBY,
    "NOMINAL": ModeEvent.BOOTED_TO_NOMINAL,
    "SAFE": ModeEvent.BOOTED_TO_SAFE,
}


def _step_guards(
    config: StepConfig,
    before: tuple[guard.GuardState, ...],
    pairs: tuple[Pair, ...],
    cycle: _Cycle,
    operator: OperatorState,
) -> tuple[guard.GuardState, ...]:
    """Run the guard of each accelerator that answers; one that is off starts fresh."""
    law = config.guard
    if not config.core.faults.guard_enabled or _inhibited(operator, "guard"):
        return (guard.GuardState(law.cap_w_max),) * len(before)
    after = []
    readings, dt_s, step_one = cycle.readings, cycle.dt_s, guard.step
    for was, pair, core_c, memory_c in zip(
        before, pairs, readings.core_temp_c, readings.memory_temp_c, strict=True
    ):
        if pair[0] is not _ON and pair[0] is not _PROBATION:
            after.append(guard.GuardState(law.cap_w_max))
            continue
        after.append(
            step_one(
                law,
                was,
                core_temp_c=core_c if core_c == core_c else None,
                memory_temp_c=memory_c if memory_c == memory_c else None,
                dt_s=dt_s,
            )
        )
    return tuple(after)


def _arbitrate(
    config: StepConfig,
    state: State,
    cycle: _Cycle,
    operator: OperatorState,
    mode: Mode,
    rung: int,
    pump_state: PumpsState,
    bus_low: bool,
    pairs: tuple[Pair, ...],
    guards: tuple[guard.GuardState, ...],
    shared_w: float,
    shared_reason: CapReason,
) -> tuple[Grant, ...]:
    """Collect the limits of each accelerator and let the smallest win."""
    core = config.core
    safe_w = core.arbiter.cap_w_safe
    node_w, node_reason = core.arbiter.cap_w_max, CapReason.MAXIMUM
    charge_on = not _inhibited(operator, "charge")
    if rung and charge_on:
        node_w = min(node_w, core.ladder.cap_w if rung == ladder.RUNG_CAP else core.arbiter.cap_w_min)
        node_reason = CapReason.CHARGE
    if bus_low and safe_w < node_w:
        node_w, node_reason = safe_w, CapReason.VOLTAGE
    if mode is not Mode.NOMINAL and safe_w < node_w:
        node_w, node_reason = safe_w, CapReason.MODE
    if pump_state.phase is not _STEADY and safe_w <= node_w:
        node_w, node_reason = safe_w, CapReason.PUMP

    limits: list[Limit | None] = []
    before = list(state.grants)
    for i, (pair, guarded, operator_w) in enumerate(zip(pairs, guards, operator.limits_w, strict=True)):
        if pair[0] is not _ON:
            if pair[0] is _PROBATION:
                limits.append(Limit(safe_w, CapReason.RAIL))
            else:
                limits.append(None)
                shared_w -= core.arbiter.cap_w_min if pair[0] in rails.MODULE_ON else 0.0
            continue
        cap_w, reason = node_w, node_reason
        if operator_w < cap_w:
            cap_w, reason = operator_w, CapReason.OPERATOR
        if guarded[0] < cap_w:
            cap_w, reason = guarded[0], CapReason.GUARD
            if guarded[1] is None:
                reason = CapReason.SENSOR
        if cycle.cap_flags is not None and cycle.cap_flags[i]:
            held = int(cycle.cap_flags[i])
            reason = CapReason.REFLEX if held & FLAG_REFLEX else CapReason.LEASE
            cap_w = min(cap_w, safe_w)
            before[i] = Grant(min(before[i].cap_w, safe_w), reason)
        limits.append(Limit(cap_w, reason))
    return arbiter.grant(
        core.arbiter,
        tuple(before),
        limits,
        shared_w=shared_w,
        shared_reason=shared_reason,
        dt_s=cycle.dt_s,
    )


def _desired(
    config: StepConfig,
    state: State,
    grants: tuple[Grant, ...],
    sequence: responses.Sequence,
    pump_state: PumpsState,
    temperature_state: temperature.TemperatureState,
    slow: frozenset[int],
) -> Float64s:
    """Return a value for every writable point, or the last array when nothing changed."""
    if (
        grants == state.grants
        and sequence.pairs is state.pairs
        and sequence.payload is state.payload
        and pump_state.target_rpm == state.pumps.target_rpm
        and temperature_state is state.temperature
        and slow == state.monitors.responding.get(Response.CLOCK_DOWN, NOBODY)
        and state.now_ns
    ):
        return state.desired
    core, slots = config.core, config.wiring.slots
    out = [nan] * (slots.count + 1)
    arb = core.arbiter
    for i, (granted, pair) in enumerate(zip(grants, sequence.pairs, strict=True)):
        out[slots.cap[i]] = granted[0] or arb.cap_w_safe
        out[slots.clock[i]] = arb.clock_low_mhz if i in slow else arb.clock_max_mhz
        phase = pair[0]
        if phase is not Phase.UNKNOWN:
            out[slots.aux[i]] = 1.0 if phase in rails.AUX_ON else 0.0
            out[slots.module[i]] = 1.0 if phase in rails.MODULE_ON else 0.0
    out[slots.payload] = rails.payload_enable(sequence.payload)
    out[slots.pumps[0]], out[slots.pumps[1]] = pump_state.target_rpm
    out[slots.bypass] = temperature_state.bypass_ratio
    out[slots.heaters[0]] = out[slots.heaters[1]] = float(temperature_state.heaters_on)
    out[slots.battery_heater] = float(temperature_state.battery_heater_on)
    return np.array(out[: slots.count])
