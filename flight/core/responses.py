"""Responses that reach over several laws: faults to rails, reflexes, shared power, clearing."""

from collections.abc import Iterable
from typing import NamedTuple

from flight.core import ladder, monitors, pumps, rail_order, rails, temperature
from flight.core.accelerators import BLIND_REASON, LOST, AccelState
from flight.core.arbiter import CapReason
from flight.core.config import CoreConfig, RailsConfig
from flight.core.cycle import Sensed, Situation, known
from flight.core.monitors import NOBODY, MonitorState, MonitorTable, Responding, Response
from flight.core.rails import Conditions, Pair, PairSample, Payload, PayloadPhase, Phase
from flight.core.record import record
from flight.core.state import OperatorState, State, replaced
from flight.core.types import FLAG_REFLEX, Allotment, Mode
from flight.core.wiring import Wiring

_ON, _OFF, _UNKNOWN, _LATCHED = Phase.ON, Phase.OFF, Phase.UNKNOWN, Phase.LATCHED_OFF
_REARM_PERIOD_NS = 1_000_000_000  # a release that was lost is asked for again
_OVERHEAD_FILTER = 0.1  # per cycle; assumed


@record()
class Sequence:
    """Rails after one cycle. rearm: rail drivers whose reflexes may be released.

    settled: every rail is where it is wanted, so that nothing happens until something else changes.
    """

    pairs: tuple[Pair, ...]
    payload: Payload
    module_switched_ns: int
    rearm: tuple[str, ...] = ()
    settled: bool = False


def clear(
    table: MonitorTable, state: State, monitor_state: MonitorState, subjects: tuple[str, ...]
) -> tuple[State, MonitorState]:
    """Return both states with what is latched under the subjects cleared."""
    pairs, payload, pump_state = list(state.pairs), state.payload, state.pumps
    for subject in subjects:
        monitor_state = monitors.clear_latched(table, monitor_state, subject)
        if subject == "payload_54v":
            payload = rails.clear_payload(payload)
        elif subject in pumps.PUMP_NAMES:
            pump_state = pumps.clear_failed(pump_state, pumps.PUMP_NAMES.index(subject))
        else:
            i = int(subject.removeprefix("accel"))
            pairs[i] = rails.clear(pairs[i])
    state = replaced(state, pairs=tuple(pairs), payload=payload, pumps=pump_state)
    return state, monitor_state


class _SwitchOff(NamedTuple):
    """How a response switches a pair off; fields as in `rails.trip`. inhibit: its name, or none."""

    response: Response
    off_s: float
    reason: str
    inhibit: str = ""
    urgent: bool = False
    retry_count_max: int | None = None


@record()
class Shared:
    """What all accelerators may draw, the term that sets it, and what that was computed from."""

    power_w: float
    reason: CapReason
    overhead_w: float
    allotted: bool


def shared_power(
    core: CoreConfig,
    wired: Wiring,
    state: State,
    operator: OperatorState,
    allotment: Allotment | None,
    sensed: Sensed,
    now_ns: int,
) -> Shared:
    """Return what all accelerators together may draw.

    Everything else the node draws is taken off first: measured where it is measured, never less
    than the configured overhead. A grant that ends or disappears falls back as configured.
    """
    arb, overhead_w = core.arbiter, state.overhead_w
    budget_w, reason = min(operator.budget_w, arb.node_power_w_max), CapReason.BUDGET
    allotted = state.allotted or allotment is not None
    if allotted:
        granted_w = arb.allotment_fallback_w
        if allotment is not None and is_in_force(allotment, now_ns):
            granted_w = min(allotment.power_w, allotment.heat_w)
        if granted_w < budget_w:
            budget_w, reason = granted_w, CapReason.ALLOTMENT
    if budget_w < arb.node_power_w_max:
        measured_w, is_whole = _overhead(core, wired, sensed.values)
        if not is_whole:  # a lost meter does not hand its watts to the accelerators
            measured_w = max(measured_w, overhead_w)
        measured_w = min(max(measured_w, arb.overhead_w), 4.0 * arb.overhead_w)
        if measured_w > overhead_w:  # what is more counts at once, what is less slowly
            overhead_w = measured_w
        overhead_w += (measured_w - overhead_w) * _OVERHEAD_FILTER
    else:
        overhead_w = arb.overhead_w
    heaters_w = temperature.reserved_w(core.loop, state.temperature)
    power_w = budget_w * (1.0 - arb.budget_margin_ratio) - overhead_w - heaters_w
    return Shared(power_w, reason, overhead_w, allotted)


def is_in_force(allotment: Allotment | None, now_ns: int) -> bool:
    """Return whether there is a grant that has not ended. NaN grants nothing."""
    return (
        allotment is not None
        and now_ns < allotment.valid_until_ns
        and allotment.power_w == allotment.power_w
        and allotment.heat_w == allotment.heat_w
    )


def _overhead(core: CoreConfig, wired: Wiring, values: list[float]) -> tuple[float, bool]:
    """Sum of the loads besides accelerators in W that are known, and whether all of them are."""
    total_w, is_whole = 0.0, True
    for voltage, current in wired.host_rails:
        power_w = values[voltage] * values[current]
        total_w += power_w if power_w == power_w else 0.0
        is_whole = is_whole and power_w == power_w
    for _, current in wired.pumps if wired.has_loop else ():
        power_w = core.arbiter.bus28_voltage_v_nominal * values[current]
        total_w += power_w if power_w == power_w else 0.0
        is_whole = is_whole and power_w == power_w
    return total_w, is_whole


def step_reflexes(
    core: CoreConfig, wired: Wiring, accels: tuple[AccelState, ...], sensed: Sensed
) -> tuple[tuple[AccelState, ...], tuple[str, ...]]:
    """Ask for the release of a latched core-temperature reflex once its core has stayed cool.

    Returns: The memories, and the drivers to re-arm in this cycle.
    """
    cap_flags, now_ns = sensed.cap_flags, sensed.now_ns
    if cap_flags is None or not any(int(f) & FLAG_REFLEX for f in cap_flags):
        return accels, ()
    after, rearm = list(accels), []
    for i, flags in enumerate(cap_flags):
        core_c = sensed.readings.core_temp_c[i]
        if not int(flags) & FLAG_REFLEX or not core_c < core.guard.reflex_release_c:
            after[i] = accels[i]._replace(cool_since_ns=0)
            continue
        since_ns, asked_ns = accels[i].cool_since_ns or now_ns, accels[i].rearm_ns
        if (
            now_ns - since_ns >= core.guard.reflex_release_s * 1e9
            and now_ns - asked_ns >= _REARM_PERIOD_NS
        ):
            rearm.append(wired.accel_drivers[i])
            asked_ns = now_ns
        after[i] = accels[i]._replace(cool_since_ns=since_ns, rearm_ns=asked_ns)
    return tuple(after), tuple(rearm)


def step_rails(
    core: CoreConfig, wired: Wiring, state: State, sensed: Sensed, situation: Situation
) -> Sequence:
    """Return all rails one cycle later: faults first, then what the mode wants, in order."""
    pairs, payload, responding = state.pairs, state.payload, situation.responding
    if _is_settled(state, sensed, situation):
        return Sequence(pairs, payload, state.module_switched_ns, (), True)
    rearm: tuple[str, ...] = ()
    if responding or sensed.flags is not None:
        pairs, payload, rearm = _apply_faults(core, wired, pairs, payload, sensed, situation)
    wanted = _wanted(core, situation, pairs, payload, sensed.now_ns)
    if pairs is state.pairs and _is_as_wanted(pairs, payload, wanted):
        return Sequence(pairs, payload, state.module_switched_ns, rearm, True)
    return _sequence(core, wired, state, sensed, situation, pairs, payload, wanted, rearm)


def _is_settled(state: State, sensed: Sensed, situation: Situation) -> bool:
    """Nothing that moves rails has changed since every rail was where it is wanted."""
    return (
        state.settled
        and not situation.responding
        and sensed.flags is None
        and situation.mode is state.mode.mode
        and situation.operator is state.operator
        and situation.accels is state.accels
        and situation.rung == state.ladder.rung
        and situation.pumps.phase is state.pumps.phase
        and situation.shared_w == state.shared_w
    )


def _is_as_wanted(pairs: tuple[Pair, ...], payload: Payload, wanted: list[bool]) -> bool:
    """Every rail is where it is wanted, and each switch-off is confirmed."""
    if payload.phase is not PayloadPhase.ON and (
        payload.phase is PayloadPhase.UNKNOWN or any(wanted)
    ):
        return False
    return all(
        pair[0] is _ON if want else pair.open_ns and pair[0] in rails.COMMANDED_OFF
        for pair, want in zip(pairs, wanted, strict=True)
    )


def _sequence(
    core: CoreConfig,
    wired: Wiring,
    state: State,
    sensed: Sensed,
    situation: Situation,
    pairs: tuple[Pair, ...],
    payload: Payload,
    wanted: list[bool],
    rearm: tuple[str, ...],
) -> Sequence:
    """Move the payload bus and each pair one step towards what is wanted."""
    now_ns, values, pump_state = sensed.now_ns, sensed.values, situation.pumps
    blocked = _blocked(situation.responding)
    switched_ns = state.module_switched_ns
    conditions = Conditions(
        now_ns=now_ns,
        flow_good=pump_state.flow_since_ns > 0 and not pump_state.caps_are_safe,
        payload_good=payload.phase is PayloadPhase.ON,
        module_turn=now_ns - switched_ns >= core.rails.stagger_s * 1e9 or not switched_ns,
    )
    payload = rails.step_payload(
        core.rails,
        payload,
        enable=known(values[wired.payload_enable]),
        voltage_v=known(values[wired.payload_voltage]),
        wanted=any(wanted)
        and situation.mode in (Mode.NOMINAL, Mode.DEGRADED)
        and rails.depends_are_good(core.rails, rail_order.PAYLOAD, conditions, aux_good=False),
        modules_off=_modules_are_off(pairs, payload),
        now_ns=now_ns,
    )
    conditions = conditions._replace(payload_good=payload.phase is PayloadPhase.ON)
    after = []
    for i, (pair, want) in enumerate(zip(pairs, wanted, strict=True)):
        if want and pair.phase is _ON:
            after.append(pair)
            continue
        stepped = rails.step(
            core.rails,
            pair,
            _sample(core, wired, sensed, i),
            conditions,
            wanted=want and not (pair.phase is _OFF and i in blocked),
        )
        if stepped.phase is Phase.MODULE and pair.phase is not Phase.MODULE:
            switched_ns = now_ns
            conditions = conditions._replace(module_turn=not core.rails.stagger_s)
        after.append(stepped)
    return Sequence(tuple(after), payload, switched_ns, rearm)


def _apply_faults(
    core: CoreConfig,
    wired: Wiring,
    pairs: tuple[Pair, ...],
    payload: Payload,
    sensed: Sensed,
    situation: Situation,
) -> tuple[tuple[Pair, ...], Payload, tuple[str, ...]]:
    """Switch off what a fault demands. Pairs that are already off are left alone.

    Returns: The pairs (the same object when none changed), the payload bus, the drivers to re-arm.
    """
    config, now_ns, responding = core.rails, sensed.now_ns, situation.responding
    after = list(pairs)
    for how in _switch_offs(core):
        if how.inhibit and situation.is_inhibited(how.inhibit):
            continue
        for i in responding.get(how.response, NOBODY):
            if how.response is Response.LOST and _may_wait(core, situation, sensed, i):
                continue
            after[i] = _trip(config, after[i], how, now_ns)
    if not situation.is_inhibited("cap_check"):
        for i in responding.get(Response.CAP_OFF, NOBODY):
            if after[i].phase in rails.AUX_ON:
                after[i] = rails.latch_off(
                    config, after[i], reason="cap not enforceable", now_ns=now_ns
                )
    rearm = _rail_reflexes(core, wired, after, sensed)
    closed = responding.get(Response.FAILED_CLOSED, NOBODY)
    if closed and payload.phase is not PayloadPhase.LATCHED_OFF:
        payload = _open_payload(config, after, payload, closed, now_ns)
    elif responding.get(Response.PAYLOAD_TRIPPED) and payload.phase is PayloadPhase.ON:
        payload = rails.trip_payload(config, payload, reason="tripped", now_ns=now_ns)
        after = [
            rails.switch_off(config, p, reason="payload bus open", now_ns=now_ns) for p in after
        ]
    changed = any(a is not b for a, b in zip(after, pairs, strict=True))
    return (tuple(after) if changed else pairs), payload, rearm


def _modules_are_off(pairs: tuple[Pair, ...], payload: Payload) -> bool:
    """No module is commanded on; before a bus that stays off is opened, each is commanded off."""
    if payload.stays_off:
        return all(pair.phase in rails.COMMANDED_OFF for pair in pairs)
    return all(pair.phase not in rails.MODULE_ON for pair in pairs)


def _may_wait(core: CoreConfig, situation: Situation, sensed: Sensed, i: int) -> bool:
    """A lost accelerator's power-cycle may wait: it is known to draw no more than its safe cap."""
    if i not in situation.waiting:
        return False
    limit_w = core.arbiter.cap_w_safe * (1.0 + core.arbiter.cap_tolerance_ratio)
    return sensed.readings.module_power_w[i] <= limit_w


def _trip(config: RailsConfig, pair: Pair, how: _SwitchOff, now_ns: int) -> Pair:
    """Return the pair switched off; one already commanded off learns that it is urgent."""
    if pair.phase in rails.COMMANDED_OFF:
        is_news = how.urgent and not pair.urgent and not pair.open_ns
        return pair._replace(urgent=True) if is_news else pair
    return rails.trip(
        config,
        pair,
        reason=how.reason,
        off_s=how.off_s,
        now_ns=now_ns,
        urgent=how.urgent,
        retry_count_max=how.retry_count_max,
    )


def _open_payload(
    config: RailsConfig, pairs: list[Pair], payload: Payload, closed: frozenset[int], now_ns: int
) -> Payload:
    """Switch every pair off, and one decision later the payload bus: switching on in reverse."""
    reason = "module switch failed closed"
    last = all(pair.phase in rails.COMMANDED_OFF for pair in pairs)
    for i, pair in enumerate(pairs):
        if i in closed and pair.phase is not _LATCHED:
            pairs[i] = rails.latch_off(config, pair, reason=reason, now_ns=now_ns)
        else:
            pairs[i] = rails.switch_off(config, pair, reason="payload bus open", now_ns=now_ns)
    return rails.open_payload(config, payload, reason=reason, now_ns=now_ns) if last else payload


def _rail_reflexes(
    core: CoreConfig, wired: Wiring, pairs: list[Pair], sensed: Sensed
) -> tuple[str, ...]:
    """Follow reflexes that opened a rail: count the latch-up, release them after the off-time."""
    if sensed.flags is None:
        return ()
    now_ns, off_s, rearm = sensed.now_ns, core.rails.off_time_s, []
    for i, (aux, module) in enumerate(wired.accel.rail_flags):
        if not (sensed.flags[aux] | sensed.flags[module]) & FLAG_REFLEX:
            continue
        pair = pairs[i]
        if pair.phase not in rails.COMMANDED_OFF:
            pairs[i] = rails.trip(
                core.rails, pair, reason="latch-up reflex", off_s=off_s, now_ns=now_ns, urgent=True
            )
        elif pair.phase is _OFF and pair.open_ns and now_ns - pair.open_ns >= pair.off_ns:
            rearm.append(wired.rail_drivers[i])
    return tuple(dict.fromkeys(rearm))


def _switch_offs(core: CoreConfig) -> tuple[_SwitchOff, ...]:
    """Return the responses that switch a pair off, the gravest first."""
    config = core.rails
    off_s, spurious_s, hot_s = config.off_time_s, config.spurious_off_time_s, config.hot_off_time_s
    tries = min(config.lost_retry_count_max, config.retry_count_max)
    hot = _SwitchOff(Response.OVER_TEMPERATURE, hot_s, "over-temperature", "over_temperature", True)
    return (
        _SwitchOff(Response.LATCH_UP, off_s, "latch-up", "latch_up", True),
        _SwitchOff(Response.OVER_CURRENT, off_s, "module over-current", "latch_up", True),
        hot,
        _SwitchOff(Response.TRIPPED, spurious_s, "rail tripped"),
        _SwitchOff(Response.LOST, spurious_s, LOST, retry_count_max=tries),
        _SwitchOff(Response.BLIND, spurious_s, BLIND_REASON),
    )


def _blocked(responding: Responding) -> frozenset[int]:
    """Accelerators whose fault is still there: they stay off."""
    if not responding:
        return NOBODY
    blocked = NOBODY
    for response in (
        Response.LATCH_UP,
        Response.OVER_CURRENT,
        Response.OVER_TEMPERATURE,
        Response.CAP_OFF,
    ):
        blocked |= responding.get(response, NOBODY)
    return blocked


def _wanted(
    core: CoreConfig,
    situation: Situation,
    pairs: tuple[Pair, ...],
    payload: Payload,
    now_ns: int,
) -> list[bool]:
    """Return which accelerators shall be on; where not all may be, those that serve come first."""
    mode, pump_state = situation.mode, situation.pumps
    if mode is Mode.BOOT:  # as found
        if pump_state.phase is pumps.PumpPhase.DEAD or stays_open(payload):
            return [False] * len(pairs)
        return [pair.phase in rails.AUX_ON for pair in pairs]
    if pump_state.phase is pumps.PumpPhase.DEAD or stays_open(payload):
        return [False] * len(pairs)
    if mode not in (Mode.NOMINAL, Mode.DEGRADED):
        return [i in situation.draining for i in range(len(pairs))]
    left_w, floor_w = situation.shared_w, core.arbiter.cap_w_min
    shed = situation.rung >= ladder.RUNG_SHED and not situation.is_inhibited("charge")
    places = 1 if shed else len(pairs)
    order: Iterable[int] = range(len(pairs))
    if shed or left_w < 1.05 * floor_w * len(pairs):
        order = sorted(order, key=lambda i: _rank(situation, pairs[i], i, now_ns))
    wanted = [False] * len(pairs)
    for i in order:
        phase = pairs[i][0]
        leaves = situation.operator.disabled[i] or situation.accels[i].retired
        need_w = floor_w if phase is _ON else 1.05 * floor_w  # hysteresis of shedding
        if (
            (not leaves or i in situation.draining)
            and phase is not _LATCHED
            and places > 0
            and left_w >= need_w
        ):
            wanted[i] = True
            places -= 1
            left_w -= floor_w
    return wanted


def _rank(situation: Situation, pair: Pair, i: int, now_ns: int) -> int:
    """Return how far an accelerator is from serving: the least has the first claim to power."""
    phase = pair.phase
    if phase in rails.SERVED and not situation.accels[i].silent_ns and i not in situation.draining:
        return 0 if phase is _ON else 1
    if phase in rails.AUX_ON:
        return 2
    has_waited = pair.open_ns > 0 and now_ns - pair.open_ns >= pair.off_ns
    return 3 if has_waited and i not in _blocked(situation.responding) else 4


def stays_open(payload: Payload) -> bool:
    """Return whether the payload bus waits for an operator's clear_latched."""
    return payload.phase is PayloadPhase.LATCHED_OFF or payload.stays_off


def _sample(core: CoreConfig, wired: Wiring, sensed: Sensed, i: int) -> PairSample:
    accel, values, readings = wired.accel, sensed.values, sensed.readings
    return PairSample(
        module_answers=sensed.judged.is_good(accel.rail_flags[i][1]),
        payload_dead=values[wired.payload_voltage] < core.rails.module_voltage_v_min,
        aux_enable=known(accel.aux_enable(values)[i]),
        aux_voltage_v=known(readings.aux_voltage_v[i]),
        aux_current_a=known(accel.aux_current_a(values)[i]),
        module_enable=known(accel.module_enable(values)[i]),
        module_voltage_v=known(readings.module_voltage_v[i]),
        module_current_a=known(accel.module_current_a(values)[i]),
        answers=readings.core_temp_c[i] == readings.core_temp_c[i],
    )
