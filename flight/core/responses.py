"""Responses that reach over several laws: faults to rails, latched reflexes, shared power, clearing."""

from typing import NamedTuple

from flight.core import ladder, monitors, pumps, rails
from flight.core.arbiter import CapReason
from flight.core.conditions import Readings
from flight.core.config import CoreConfig
from flight.core.monitors import NOBODY, MonitorState, MonitorTable, Responding, Response
from flight.core.pumps import PumpsState
from flight.core.rails import Conditions, Pair, PairSample, Payload, PayloadPhase, Phase
from flight.core.state import AccelState, OperatorState, State
from flight.core.types import FLAG_LAPSED, FLAG_REFLEX, Allotment, Mode
from flight.core.wiring import Wiring

_ON, _OFF, _UNKNOWN, _LATCHED = Phase.ON, Phase.OFF, Phase.UNKNOWN, Phase.LATCHED_OFF
_REARM_PERIOD_NS = 1_000_000_000  # a release that was lost is asked for again
_OVERHEAD_FILTER = 0.1  # per cycle; assumed
_BUS28_V = 28.0  # pumps hang on the 28 V bus; REF-1


class Sequence(NamedTuple):
    """Rails after one cycle. rearm: rail drivers whose reflexes may be released."""

    pairs: tuple[Pair, ...]
    payload: Payload
    module_switched_ns: int
    rearm: tuple[str, ...] = ()


def clear(
    table: MonitorTable, state: State, monitor_state: MonitorState, subjects: tuple[str, ...]
) -> tuple[State, MonitorState]:
    """Return both states with what is latched under the subjects cleared."""
    pairs, payload, pump_state = list(state.pairs), state.payload, state.pumps
    for subject in subjects:
        monitor_state = monitors.clear_latched(table, monitor_state, subject)
        if subject == "payload_54v":
            payload = rails.clear_payload(payload)
        elif subject in ("pump_a", "pump_b"):
            pump_state = pumps.clear_failed(pump_state, 0 if subject == "pump_a" else 1)
        else:
            i = int(subject.removeprefix("accel"))
            pairs[i] = rails.clear(pairs[i])
    return state.replace(pairs=tuple(pairs), payload=payload, pumps=pump_state), monitor_state


def shared_power(
    core: CoreConfig,
    wired: Wiring,
    overhead_w: float,
    allotted: bool,
    operator: OperatorState,
    allotment: Allotment | None,
    values: list[float],
    now_ns: int,
) -> tuple[float, CapReason, float, bool]:
    """Return what all accelerators together may draw in W, the reason, the overhead, and `allotted`.

    Everything else the node draws is taken off first: measured where it is measured, never less than the
    configured overhead. A grant that ends or disappears falls back to the configured power.
    """
    arb = core.arbiter
    budget_w, reason = arb.node_power_w_max, CapReason.BUDGET
    if operator.budget_w < budget_w:
        budget_w = operator.budget_w
    if allotment is not None or allotted:
        granted_w = arb.allotment_fallback_w
        if allotment is not None and now_ns < allotment.valid_until_ns:
            granted_w = min(allotment.power_w, allotment.heat_w)
        if granted_w < budget_w:
            budget_w, reason = granted_w, CapReason.ALLOTMENT
        allotted = True
    if budget_w < arb.node_power_w_max:
        measured_w = max(_overhead(wired, values), arb.overhead_w)
        overhead_w += (min(measured_w, 4.0 * arb.overhead_w) - overhead_w) * _OVERHEAD_FILTER
    else:
        overhead_w = arb.overhead_w
    return budget_w * (1.0 - arb.budget_margin_ratio) - overhead_w, reason, overhead_w, allotted


def _overhead(wired: Wiring, values: list[float]) -> float:
    """Sum of the measured loads besides accelerators in W; unknown readings count as nothing."""
    total_w = 0.0
    for voltage, current in wired.host_rails:
        power_w = values[voltage] * values[current]
        total_w += power_w if power_w == power_w else 0.0
    for _, current in wired.pumps:
        power_w = _BUS28_V * values[current]
        total_w += power_w if power_w == power_w else 0.0
    return total_w


def step_reflexes(
    core: CoreConfig,
    wired: Wiring,
    accels: tuple[AccelState, ...],
    readings: Readings,
    cap_flags: tuple[float, ...] | None,
    now_ns: int,
) -> tuple[tuple[AccelState, ...], tuple[str, ...]]:
    """Ask for the release of a latched core-temperature reflex once its core has stayed cool.

    Returns: The memories, and the drivers to re-arm in this cycle.
    """
    if cap_flags is None or not any(int(f) & FLAG_REFLEX for f in cap_flags):
        return accels, ()
    after, rearm = list(accels), []
    for i, flags in enumerate(cap_flags):
        core_c = readings.core_temp_c[i]
        if not int(flags) & FLAG_REFLEX or not core_c < core.guard.reflex_release_c:
            after[i] = AccelState(0, accels[i].rearm_ns)
            continue
        since_ns, asked_ns = accels[i].cool_since_ns or now_ns, accels[i].rearm_ns
        if (
            now_ns - since_ns >= core.guard.reflex_release_s * 1e9
            and now_ns - asked_ns >= _REARM_PERIOD_NS
        ):
            rearm.append(wired.accel_drivers[i])
            asked_ns = now_ns
        after[i] = AccelState(since_ns, asked_ns)
    return tuple(after), tuple(rearm)


def step_rails(
    core: CoreConfig,
    wired: Wiring,
    state: State,
    mode: Mode,
    operator: OperatorState,
    rung: int,
    pump_state: PumpsState,
    responding: Responding,
    readings: Readings,
    values: list[float],
    flags: list[int] | None,
    shared_w: float,
    now_ns: int,
) -> Sequence:
    """Return all rails one cycle later: faults first, then what the mode wants, in order."""
    pairs, payload = state.pairs, state.payload
    rearm: tuple[str, ...] = ()
    if responding or flags is not None:
        pairs, payload, rearm = _apply_faults(
            core, wired, pairs, payload, operator, responding, flags, now_ns
        )
    wanted = _wanted(core, mode, operator, rung, pump_state, pairs, payload, shared_w)
    if pairs is state.pairs and all(
        pair[0] is _ON if want else pair[0] is _OFF or pair[0] is _LATCHED
        for pair, want in zip(pairs, wanted, strict=True)
    ):
        if payload.phase is PayloadPhase.ON or (
            payload.phase is not PayloadPhase.UNKNOWN and not any(wanted)
        ):
            return Sequence(pairs, payload, state.module_switched_ns, rearm)

    blocked = _blocked(responding)
    payload = rails.step_payload(
        core.rails,
        payload,
        enable=_known(values[wired.payload_enable]),
        voltage_v=_known(values[wired.payload_voltage]),
        wanted=any(wanted) and mode in (Mode.NOMINAL, Mode.DEGRADED),
        modules_off=all(pair.phase not in rails.MODULE_ON for pair in pairs),
        now_ns=now_ns,
    )
    switched_ns = state.module_switched_ns
    after = []
    for i, (pair, want) in enumerate(zip(pairs, wanted, strict=True)):
        if pair[0] is _ON and want:
            after.append(pair)
            continue
        conditions = Conditions(
            now_ns=now_ns,
            flow_good=pump_state.flow_since_ns > 0 and not pump_state.caps_are_safe,
            payload_good=payload.phase is PayloadPhase.ON,
            module_turn=now_ns - switched_ns >= core.rails.stagger_s * 1e9 or not switched_ns,
        )
        if want and pair.phase is _OFF and i in blocked:
            after.append(pair)
            continue
        stepped = rails.step(
            core.rails, pair, _sample(wired, values, readings, i), conditions, wanted=want
        )
        if stepped.phase is Phase.MODULE and pair.phase is not Phase.MODULE:
            switched_ns = now_ns
        after.append(stepped)
    return Sequence(tuple(after), payload, switched_ns, rearm)


def _apply_faults(
    core: CoreConfig,
    wired: Wiring,
    pairs: tuple[Pair, ...],
    payload: Payload,
    operator: OperatorState,
    responding: Responding,
    flags: list[int] | None,
    now_ns: int,
) -> tuple[tuple[Pair, ...], Payload, tuple[str, ...]]:
    """Switch off what a fault demands. Pairs that are already off are left alone."""
    config = core.rails
    after, rearm = list(pairs), []
    inhibited = {name for name, _ in operator.inhibits}
    for response, off_s, reason, inhibit in _switch_offs(core):
        if inhibit in inhibited:
            continue
        for i in responding.get(response, NOBODY):
            if after[i].phase not in (_OFF, _LATCHED):
                after[i] = rails.trip(config, after[i], reason=reason, off_s=off_s, now_ns=now_ns)
    if "cap_check" not in inhibited:
        for i in responding.get(Response.CAP_OFF, NOBODY):
            if after[i].phase in rails.AUX_ON:
                after[i] = rails.latch_off(after[i], reason="cap not enforceable", now_ns=now_ns)
    if flags is not None:
        for i, (aux, module) in enumerate(wired.accel.rail_flags):
            if (_flag(flags, aux) | _flag(flags, module)) & FLAG_REFLEX:
                if after[i].phase not in (_OFF, _LATCHED):
                    off_s = config.off_time_s
                    after[i] = rails.trip(
                        config, after[i], reason="latch-up reflex", off_s=off_s, now_ns=now_ns
                    )
                elif after[i].phase is _OFF and now_ns - after[i].since_ns >= after[i].off_ns:
                    rearm.append(wired.rail_drivers[i])
    closed = responding.get(Response.FAILED_CLOSED, NOBODY)
    if closed and payload.phase is not PayloadPhase.LATCHED_OFF:
        for i in range(len(after)):
            if i in closed and after[i].phase is not _LATCHED:
                after[i] = rails.latch_off(after[i], reason="module switch failed closed", now_ns=now_ns)
            elif after[i].phase not in (_OFF, _LATCHED):
                after[i] = rails.switch_off(config, after[i], reason="payload bus open", now_ns=now_ns)
        payload = rails.open_payload(payload, reason="module switch failed closed", now_ns=now_ns)
    elif responding.get(Response.PAYLOAD_TRIPPED) and payload.phase is PayloadPhase.ON:
        payload = rails.trip_payload(config, payload, reason="tripped", now_ns=now_ns)
        after = [rails.switch_off(config, p, reason="payload bus open", now_ns=now_ns) for p in after]
    changed = any(a is not b for a, b in zip(after, pairs, strict=True))
    return (tuple(after) if changed else pairs), payload, tuple(dict.fromkeys(rearm))


def _switch_offs(core: CoreConfig) -> tuple[tuple[Response, float, str, str], ...]:
    """Return response, off-time in s, reason, and the name under which it may be inhibited."""
    config = core.rails
    return (
        (Response.LATCH_UP, config.off_time_s, "latch-up", "latch_up"),
        (Response.OVER_CURRENT, config.off_time_s, "module over-current", "latch_up"),
        (Response.OVER_TEMPERATURE, config.hot_off_time_s, "over-temperature", "over_temperature"),
        (Response.TRIPPED, config.spurious_off_time_s, "rail tripped", ""),
        (Response.LOST, config.spurious_off_time_s, "accelerator lost", ""),
        (Response.BLIND, config.spurious_off_time_s, "temperature and power unknown", ""),
    )


def _flag(flags: list[int], index: int) -> int:
    return flags[index] if index < len(flags) else 0


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
    mode: Mode,
    operator: OperatorState,
    rung: int,
    pump_state: PumpsState,
    pairs: tuple[Pair, ...],
    payload: Payload,
    shared_w: float,
) -> list[bool]:
    """Return which accelerators shall be on."""
    if mode is Mode.BOOT:  # as found
        if pump_state.phase is pumps.PumpPhase.DEAD or payload.phase is PayloadPhase.LATCHED_OFF:
            return [False] * len(pairs)
        return [pair.phase in rails.AUX_ON for pair in pairs]
    if (
        mode not in (Mode.NOMINAL, Mode.DEGRADED)
        or pump_state.phase is pumps.PumpPhase.DEAD
        or payload.phase is PayloadPhase.LATCHED_OFF
    ):
        return [False] * len(pairs)
    left_w, floor_w = shared_w, core.arbiter.cap_w_min
    places = len(pairs) if rung < ladder.RUNG_SHED or _charge_inhibited(operator) else 1
    wanted = []
    for pair, disabled in zip(pairs, operator.disabled, strict=True):
        phase = pair[0]
        need_w = floor_w if phase is _ON else 1.05 * floor_w  # hysteresis of shedding
        want = not disabled and phase is not _LATCHED and places > 0 and left_w >= need_w
        if want:
            places -= 1
            left_w -= floor_w
        wanted.append(want)
    return wanted


def _charge_inhibited(operator: OperatorState) -> bool:
    return any(name == "charge" for name, _ in operator.inhibits)


def _sample(wired: Wiring, values: list[float], readings: Readings, i: int) -> PairSample:
    accel, core = wired.accel, readings.core_temp_c[i]
    return PairSample(
        aux_enable=_known(accel.aux_enable(values)[i]),
        aux_voltage_v=_known(readings.aux_voltage_v[i]),
        aux_current_a=_known(accel.aux_current_a(values)[i]),
        module_enable=_known(accel.module_enable(values)[i]),
        module_voltage_v=_known(readings.module_voltage_v[i]),
        module_current_a=_known(accel.module_current_a(values)[i]),
        answers=core == core,
    )


def _known(value: float) -> float | None:
    return value if value == value else None

