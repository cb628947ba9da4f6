"""The heart: step(config, state, inputs) -> (state, decision). Judge, monitor, decide; pure.

No I/O, no clock, no log, no await. Time and everything else it sees is in `inputs`; what it wants
is in the decision. The order of one cycle is the order of `step`.
"""

from dataclasses import dataclass, replace
from math import inf, nan

import numpy as np

from flight.core import (
    accelerators,
    arbiter,
    clocks,
    commands,
    conditions,
    counters,
    faults,
    guard,
    judge,
    ladder,
    limits,
    mode_law,
    monitors,
    notices,
    outputs,
    pumps,
    quiet,
    rails,
    readings,
    reports,
    responses,
    restoring,
    temperature,
    trends,
    wiring,
)
from flight.core.accelerators import AccelState
from flight.core.config import CoreConfig
from flight.core.cycle import Sensed, Situation, is_inhibited, known
from flight.core.modes import ModeState
from flight.core.monitors import NOBODY, MonitorState, MonitorTable, Responding, Response
from flight.core.points import PointTable
from flight.core.pumps import PumpPhase, PumpSample, PumpsState, PumpsWanted
from flight.core.rails import Pair, Phase
from flight.core.state import Health, OperatorState, State
from flight.core.types import Decision, Inputs, Mode


@dataclass(frozen=True, slots=True)
class StepConfig:
    """A configuration compiled for one point table: indices and arrays resolved once."""

    core: CoreConfig
    wiring: wiring.Wiring
    judge: judge.JudgeTable
    monitors: MonitorTable
    guard: guard.GuardLaw
    trends: trends.TrendWiring
    trend_period_ns: int
    flag_bytes: bytes  # of a snapshot without any flag
    clocks_mhz: tuple[float, ...]  # all at the maximum


def compile_config(config: CoreConfig, table: PointTable) -> StepConfig:
    """Resolve a configuration against a point table.

    Raises:
        ValueError: The table cannot be a node (see wiring.build).
    """
    wired = wiring.build(table)
    count = wired.accelerator_count
    compared = faults.comparisons(config, table)
    return StepConfig(
        core=config,
        wiring=wired,
        judge=judge.build_table(
            table,
            hold_s=config.judge.hold_s,
            stuck_period_s=config.judge.stuck_check_period_s,
            no_rate_check=faults.over_current_points(table),
            compare=compared,
        ),
        monitors=monitors.build_table(
            faults.build_faults(config, table, count),
            table.index,
            faults.conditions(table, count),
            faults.signals(config, table, count),
        ),
        guard=guard.build_law(
            config.guard,
            cap_w_min=config.arbiter.cap_w_min,
            cap_w_safe=config.arbiter.cap_w_safe,
            cap_w_max=config.arbiter.cap_w_max,
        ),
        trends=trends.build(table, count),
        trend_period_ns=round(config.trends.period_s * 1e9),
        flag_bytes=bytes(4 * len(table)),
        clocks_mhz=(config.arbiter.clock_max_mhz,) * count,
    )


def initial_state(step_config: StepConfig) -> State:
    """Return the state of a daemon that has sensed nothing yet: BOOT, rails as found, caps safe."""
    core, count = step_config.core, step_config.wiring.accelerator_count
    return State(
        now_ns=0,
        started_ns=0,
        judge=judge.initial(step_config.judge),
        monitors=monitors.initial(step_config.monitors),
        trends=trends.initial(len(step_config.monitors.signals)),
        mode=ModeState(Mode.BOOT, 0),
        health=Health(),
        ladder=ladder.LadderState(),
        pumps=_initial_pumps(step_config),
        temperature=temperature.TemperatureState(),
        payload=rails.Payload(),
        pairs=(Pair(),) * count,
        module_switched_ns=0,
        settled=False,
        calm=True,
        all_on=False,
        guards=(guard.GuardState(core.arbiter.cap_w_max),) * count,
        accels=(AccelState(),) * count,
        grants=arbiter.none_granted(count),
        shared_w=0.0,
        overhead_w=core.arbiter.overhead_w,
        clocks_mhz=step_config.clocks_mhz,
        counted=counters.none_counted(count),
        allotted=not step_config.wiring.has_charge,
        operator=OperatorState((inf,) * count, (False,) * count),
        notices=notices.NoticeState(),
        desired=np.full(step_config.wiring.slots.count, nan),
    )


def _initial_pumps(step_config: StepConfig) -> PumpsState:
    if not step_config.wiring.has_loop:
        return pumps.without_loop()
    return PumpsState(lead=0 if step_config.core.loop.lead_pump == "a" else 1)


def step(config: StepConfig, state: State, inputs: Inputs) -> tuple[State, Decision]:
    """Return the state one cycle later and what to do now.

    Guarantees: never raises on any snapshot; the same arguments give the same result; each cap is
    within the cap range, or 0 for one out of service; losing a reading never raises a cap.
    """
    core, wired, now_ns = config.core, config.wiring, inputs.now_ns
    judged = judge.judge(config.judge, state.judge, now_ns, inputs.snapshot)
    sensed = _sense(config, state, judged, inputs)
    state, outcome = _listen(config, state, inputs)
    operator = outcome.operator
    trended = _step_trends(config, state, sensed)
    monitored, changed = _monitor(config, state, sensed, inputs, trended, operator)
    before = state
    if outcome.clear:
        state, monitored = responses.clear(config.monitors, state, monitored, outcome.clear)
    responding = monitored.responding
    pumped = _step_pumps(config, state, sensed, operator)
    laddered = _step_ladder(config, state, sensed)
    rung = laddered.rung
    rests = quiet.rests(state, sensed, outcome, responding, pumped, rung, config.clocks_mhz)
    if rests:
        health, mode, kept = state.health, state.mode, accelerators.Kept(state.accels)
    else:
        health, mode, kept = _steer(
            config, state, sensed, outcome, inputs, responding, pumped, rung
        )
    shared = responses.shared_power(core, wired, state, operator, inputs.allotment, sensed, now_ns)
    situation = Situation(
        mode.mode, operator, responding, pumped, rung, shared.power_w, kept.accels,
        kept.draining, kept.waiting, inputs.plan, inputs.claims,
    )  # fmt: skip

    rests = rests and shared.power_w == state.shared_w
    sequence, all_on, accels, rearm, clocks_mhz = _switch(config, state, sensed, situation, rests)
    guards = limits.step_guards(
        core, config.guard, state.guards, sequence.pairs, sensed, situation, all_on
    )
    valves = _step_valves(config, state, sensed)
    grants = limits.arbitrate(
        core, state.grants, sequence.pairs, guards, sensed, situation, shared.reason, all_on
    )
    if rests and grants is state.grants and valves is state.temperature:
        desired = state.desired  # nothing that it is made of has changed
    else:
        desired = outputs.step(
            core, wired.slots, state, grants=grants, pairs=sequence.pairs,
            payload=sequence.payload, pumps=pumped, temperature=valves, clocks_mhz=clocks_mhz,
        )  # fmt: skip
    after = State(
        now_ns, state.started_ns or now_ns, judged, monitored, mode, health, laddered, pumped,
        valves, sequence.payload, sequence.pairs, sequence.module_switched_ns, sequence.settled,
        state.calm if accels is state.accels else accelerators.is_calm(accels),
        all_on, guards, accels, grants, shared.power_w, shared.overhead_w,
        clocks_mhz, _count(config, state, sensed),
        shared.allotted, operator, state.notices, desired, trended,
    )  # fmt: skip
    if not quiet.notices_hold(core, before, after, inputs):
        after = replace(after, notices=_step_notices(config, after, inputs))
    events = reports.events(config.monitors, before, after, changed)
    told = after.notices
    return after, Decision(
        mode.mode, desired, grants.cap_w, grants.reason, rearm + sequence.rearm, events,
        outcome.acks, kept.requests, told.notices, told.phases,
    )  # fmt: skip


def _count(config: StepConfig, state: State, sensed: Sensed) -> counters.Counted:
    return counters.step(
        state.counted, sensed.counts, sensed.now_ns,
        tell_every_s=config.core.faults.errors_told_s,
    )  # fmt: skip


def _switch(
    config: StepConfig, state: State, sensed: Sensed, situation: Situation, rests: bool
) -> tuple[responses.Sequence, bool, tuple[AccelState, ...], tuple[str, ...], tuple[float, ...]]:
    """Return the rails, whether all are on, memories, drivers to re-arm, and clock limits.

    Args:
        rests: Nothing that moves them has changed (quiet.py).
    """
    core, wired, accels = config.core, config.wiring, situation.accels
    if rests:
        resting = responses.Sequence(state.pairs, state.payload, state.module_switched_ns, (), True)
        return resting, state.all_on, accels, (), config.clocks_mhz
    sequence = responses.step_rails(core, wired, state, sensed, situation)
    accels = accelerators.retire_lost(accels, state.pairs, sequence.pairs)
    accels, rearm = responses.step_reflexes(core, wired, accels, sensed)
    clocks_mhz = _step_clocks(config, state, sequence.pairs, sensed, situation.responding)
    return sequence, _all_on(state, sequence), accels, rearm, clocks_mhz


def _listen(config: StepConfig, state: State, inputs: Inputs) -> tuple[State, commands.Outcome]:
    """Take over what is restored, end what has expired, and obey."""
    core, restart = config.core, None
    if inputs.restored is not None and not state.now_ns:
        state = restoring.apply(state, inputs.restored, inputs.now_ns)
        restart = restoring.mode_event(core, inputs.restored)
    operator = commands.expire(state.operator, inputs.now_ns)
    if inputs.commands:
        has_loop = config.wiring.has_loop
        outcome = commands.apply(
            core, state, operator, inputs.commands, inputs.now_ns, has_loop=has_loop
        )
        return state, outcome._replace(restart=restart)
    return state, commands.Outcome(operator, state.accels, None, (), (), restart)


def _sense(config: StepConfig, state: State, judged: judge.JudgeState, inputs: Inputs) -> Sensed:
    """Lay the trusted readings out for the scalar laws."""
    cycle = config.core.cycle
    dt_s = (inputs.now_ns - state.now_ns) * 1e-9 if state.now_ns else cycle.period_s
    if not 1e-3 <= dt_s <= cycle.gap_s_max:
        dt_s = min(max(dt_s, 1e-3), cycle.gap_s_max)
    flags, cap_flags = None, None
    if inputs.snapshot.flags.tobytes() != config.flag_bytes:
        flags = inputs.snapshot.flags.tolist()
        cap_flags = config.wiring.accel.cap_flags(flags)
    found = readings.read(config.wiring.reader, judged.trusted)
    return Sensed(inputs.now_ns, dt_s, judged, *found, flags, cap_flags, [])


def _step_trends(config: StepConfig, state: State, sensed: Sensed) -> trends.TrendState:
    """Look at the trends when it is time; else nothing of them changes."""
    core = config.core
    if sensed.now_ns - state.trends.looked_ns < config.trend_period_ns:
        return state.trends
    return trends.step(
        core.trends,
        core.faults,
        config.trends,
        state.trends,
        values=sensed.values,
        pairs=state.pairs,
        caps_w=state.grants.cap_w,
        pump_speed_rpm=core.loop.pump_speed_rpm_nominal,
        disagreeing=sensed.judged.compare.disagrees,
        now_ns=sensed.now_ns,
    )


def _monitor(
    config: StepConfig,
    state: State,
    sensed: Sensed,
    inputs: Inputs,
    trended: trends.TrendState,
    operator: OperatorState,
) -> tuple[MonitorState, tuple[int, ...]]:
    judged, core = sensed.judged, config.core
    has_lapsed = state.allotted and not responses.is_in_force(inputs.allotment, inputs.now_ns)
    is_quiet = (
        state.all_on
        and not has_lapsed
        and sensed.cap_flags is None
        and judged.all_good
        and sensed.node.payload_voltage_v >= core.rails.module_voltage_v_min
        and conditions.all_quiet(core, sensed.readings, state.grants.cap_w)
    )
    now_true = (
        config.monitors.quiet
        if is_quiet
        else _conditions(config, state, sensed, inputs, has_lapsed)
    )
    return monitors.evaluate(
        config.monitors,
        state.monitors,
        now_ns=inputs.now_ns,
        trusted=judged.trusted,
        time_ns=inputs.snapshot.time_ns,
        all_good=judged.all_good,
        conditions=now_true,
        signals=trended.signals,
        signals_ns=trended.looked_ns,
        mode=state.mode.mode,
        inhibited=operator.inhibited_faults,
    )


def _conditions(
    config: StepConfig, state: State, sensed: Sensed, inputs: Inputs, has_lapsed: bool
) -> tuple[float, ...]:
    return conditions.compute(
        config.core,
        config.wiring,
        config.monitors.quiet,
        readings=sensed.readings,
        values=sensed.values,
        judge=sensed.judged,
        pairs=state.pairs,
        payload=state.payload,
        caps_w=state.grants.cap_w,
        cap_flags=sensed.cap_flags,
        flags=inputs.snapshot.flags,
        no_flow=state.pumps.phase is PumpPhase.DEAD,
        has_lapsed=has_lapsed,
        now_ns=inputs.now_ns,
    )


def _step_accelerators(
    config: StepConfig,
    state: State,
    sensed: Sensed,
    outcome: commands.Outcome,
    mode: ModeState,
    inputs: Inputs,
    pumped: PumpsState,
    rung: int,
) -> accelerators.Kept:
    if quiet.accelerators_are_calm(state, sensed, outcome, mode):
        return accelerators.Kept(state.accels)
    operator = outcome.operator
    shed = rung >= ladder.RUNG_SHED and not is_inhibited(operator, "charge")
    around = accelerators.Around(
        now_ns=sensed.now_ns,
        mode=mode,
        pairs=state.pairs,
        answers=tuple(c == c for c in sensed.readings.core_temp_c),
        disabled=operator.disabled,
        is_urgent=shed or pumped.phase is PumpPhase.DEAD or responses.stays_open(state.payload),
        claims=inputs.claims,
        notices=state.notices.notices,
        orbit=inputs.orbit,
        retry_window_s=config.core.rails.retry_window_s,
    )
    return accelerators.step(
        config.core.accelerators, config.wiring.accel_drivers, outcome.accels, around
    )


def _steer(
    config: StepConfig,
    state: State,
    sensed: Sensed,
    outcome: commands.Outcome,
    inputs: Inputs,
    responding: Responding,
    pumped: PumpsState,
    rung: int,
) -> tuple[Health, ModeState, accelerators.Kept]:
    """Return health and mode, and the accelerators' memories that follow from them."""
    health = mode_law.step_health(state, sensed, responding, pumped, rung)
    mode = mode_law.step(
        config.core, state, restart=outcome.restart, command=outcome.mode_event,
        responding=responding, pump_state=pumped, rung=rung, health=health, now_ns=sensed.now_ns,
    )  # fmt: skip
    return (
        health,
        mode,
        _step_accelerators(config, state, sensed, outcome, mode, inputs, pumped, rung),
    )


def _step_notices(config: StepConfig, after: State, inputs: Inputs) -> notices.NoticeState:
    return notices.step(
        config.core,
        after.notices,
        notices.Scene(
            inputs.now_ns, after.mode.mode, after.pairs, after.accels, after.grants, after.pumps,
            after.ladder.rung, after.operator.disabled, inputs.claims, inputs.plan, inputs.orbit,
        ),
    )  # fmt: skip


_PUMPS_WANTED = {Mode.BOOT: PumpsWanted.BOTH, Mode.SURVIVAL: PumpsWanted.TRICKLE}


def _step_pumps(
    config: StepConfig, state: State, sensed: Sensed, operator: OperatorState
) -> PumpsState:
    node, wired, loop = sensed.node, config.wiring, config.core.loop
    if not wired.has_loop:
        return state.pumps
    wanted = _PUMPS_WANTED.get(state.mode.mode, PumpsWanted.ONE)
    inhibited = operator.inhibits and is_inhibited(operator, "pump_loss")
    respond = config.core.faults.pump_loss_enabled and not inhibited
    lead = 2 * state.pumps.lead
    if respond and pumps.is_quiet(
        loop, state.pumps, speed_rpm=node[lead], current_a=node[lead + 1],
        flow_kg_per_s=node.flow_kg_per_s, wanted=wanted,
    ):  # fmt: skip
        return state.pumps
    times_ns = sensed.judged.good_time_ns.take(wired.loop_times).tolist()
    setpoint_c = config.core.guard.setpoint_c
    return pumps.step(
        loop,
        state.pumps,
        pumps=(
            PumpSample(known(node.pump_a_speed_rpm), known(node.pump_a_current_a), *times_ns[0:2]),
            PumpSample(known(node.pump_b_speed_rpm), known(node.pump_b_current_a), *times_ns[2:4]),
        ),
        flow_kg_per_s=known(node.flow_kg_per_s),
        flow_ns=times_ns[4],
        wanted=wanted,
        loss_response=respond,
        hot=any(core_c >= setpoint_c for core_c in sensed.readings.core_temp_c),
        now_ns=sensed.now_ns,
    )


def _step_valves(config: StepConfig, state: State, sensed: Sensed) -> temperature.TemperatureState:
    loop, node = config.core.loop, sensed.node
    supply_c, battery_c, radiator_c = node.supply_temp_c, node.battery_temp_c, node.radiator_temp_c
    if temperature.is_warm(loop, state.temperature, supply_c, battery_c, radiator_c):
        return state.temperature
    return temperature.step(
        loop,
        state.temperature,
        supply_temp_c=known(supply_c),
        battery_temp_c=known(battery_c),
        radiator_temp_c=known(radiator_c),
        dt_s=sensed.dt_s,
    )


def _step_clocks(
    config: StepConfig,
    state: State,
    pairs: tuple[Pair, ...],
    sensed: Sensed,
    responding: Responding,
) -> tuple[float, ...]:
    if not responding and state.clocks_mhz is config.clocks_mhz:
        return config.clocks_mhz
    after = clocks.step(
        config.core.arbiter,
        state.clocks_mhz,
        slow=responding.get(Response.CLOCK_DOWN, NOBODY),
        pairs=pairs,
        readings=sensed.readings,
        caps_w=state.grants.cap_w,
        dt_s=sensed.dt_s,
    )
    return config.clocks_mhz if after == config.clocks_mhz else after


def _step_ladder(config: StepConfig, state: State, sensed: Sensed) -> ladder.LadderState:
    if not config.wiring.has_charge:
        return state.ladder
    charge_ratio = known(sensed.node.charge_ratio)
    return ladder.step(
        config.core.ladder, state.ladder, charge_ratio=charge_ratio, now_ns=sensed.now_ns
    )


def _all_on(state: State, sequence: responses.Sequence) -> bool:
    if sequence.pairs is state.pairs and sequence.payload is state.payload:
        return state.all_on
    on = sequence.payload.phase is rails.PayloadPhase.ON
    return on and all(pair.phase is Phase.ON for pair in sequence.pairs)
