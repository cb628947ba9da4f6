"""Events: what changed between two states, in words. Touched only when something did."""

from collections.abc import Iterator

from flight.core import counters, ladder, rails
from flight.core.event_ids import SEVERITIES
from flight.core.fault_states import compared_value
from flight.core.monitors import MonitorTable
from flight.core.pumps import PUMP_NAMES, PumpPhase
from flight.core.rails import Pair, PayloadPhase, Phase
from flight.core.state import State
from flight.core.types import Event, Mode, Severity


def events(
    table: MonitorTable, before: State, after: State, changed: tuple[int, ...]
) -> tuple[Event, ...]:
    """Return all events of one cycle.

    Args:
        changed: Monitors that were raised or cleared.
    """
    if not changed and nothing_changed(before, after):
        return ()
    return (
        *_fault_events(table, after, changed),
        *_error_events(before, after),
        *transition_events(before, after),
    )


def _error_events(before: State, after: State) -> Iterator[Event]:
    """Yield the events of new errors of accelerators."""
    if after.counted is before.counted:
        return
    for event_id, i, text, value in counters.news(before.counted, after.counted):
        yield Event(after.now_ns, event_id, SEVERITIES[event_id], f"accel{i}", text, value)


def _fault_events(table: MonitorTable, after: State, changed: tuple[int, ...]) -> Iterator[Event]:
    """Yield one event for each fault raised or cleared, with the reading that decided."""
    now_ns, trusted = after.now_ns, after.judge.trusted
    for i in changed:
        fault = table.faults[i]
        value = compared_value(table, after.monitors, i, trusted)
        is_known = value == value
        value = value if is_known and not fault.condition else 0.0
        watched = fault.point or fault.signal
        if fault.condition or fault.signal.endswith(".disagrees"):
            what = fault.condition or fault.signal
        elif is_known and fault.stale != "trip":
            limit = dict(fault.mode_thresholds).get(after.monitors.mode, fault.threshold)
            what = f"{watched} {fault.comparison} {limit:g}"
        else:
            what = f"no reading of {watched}"
        if after.monitors.active[i]:
            text = f"{what} for {fault.persistence_s:g} s; response: {fault.response}"
            yield Event(now_ns, fault.event_id, fault.severity, fault.subject, text, value)
        else:
            yield Event(
                now_ns, f"{fault.event_id}.cleared", Severity.INFO, fault.subject, what, value
            )


def _with_reason(text: str, reason: str) -> str:
    return f"{text}: {reason}" if reason else text


def nothing_changed(before: State, after: State) -> bool:
    """A quick look at what the transitions compare: return whether none can have happened."""
    return (
        after.pairs is before.pairs
        and after.counted is before.counted
        and after.payload is before.payload
        and after.mode is before.mode
        and after.ladder.rung == before.ladder.rung
        and after.pumps.phase is before.pumps.phase
        and after.pumps.failed == before.pumps.failed
        and after.accels is before.accels
        and (
            after.operator is before.operator
            or (
                after.operator.inhibits == before.operator.inhibits
                and after.operator.inhibited_faults == before.operator.inhibited_faults
                and after.operator.limits_w == before.operator.limits_w
                and after.operator.disabled == before.operator.disabled
                and after.operator.budget_w == before.operator.budget_w
            )
        )
    )


def transition_events(before: State, after: State) -> Iterator[Event]:
    """Yield the events of all transitions between two states."""
    now_ns = after.now_ns

    def event(event_id: str, subject: str, text: str, value: float = 0.0) -> Event:
        return Event(now_ns, event_id, SEVERITIES[event_id], subject, text, value)

    if after.mode.mode is not before.mode.mode:
        event_id = {Mode.SAFE: "mode.safe", Mode.SURVIVAL: "mode.survival"}.get(
            after.mode.mode, "mode.changed"
        )
        cause = after.mode.cause or "start"
        yield event(event_id, "node", f"{before.mode.mode} -> {after.mode.mode}: {cause}")
    if after.ladder.rung != before.ladder.rung:
        down = after.ladder.rung > before.ladder.rung
        event_id = "charge.rung_down" if down else "charge.rung_up"
        yield event(event_id, "eps", ladder.RUNG_NAMES[after.ladder.rung], float(after.ladder.rung))
    if after.pumps.phase is not before.pumps.phase:
        event_id, text = _PUMP_EVENTS[after.pumps.phase]
        yield event(event_id, "loop", text)
    for i, name in enumerate(PUMP_NAMES):
        if after.pumps.failed[i] != before.pumps.failed[i]:
            failed = after.pumps.failed[i]
            yield event(
                "pump.failed" if failed else "pump.cleared", name, "left off until commanded"
            )
    for i, (was, now) in enumerate(zip(before.pairs, after.pairs, strict=True)):
        if now.phase is not was.phase:
            yield event(
                _rail_event(was, now),
                f"accel{i}",
                _with_reason(f"{was.phase} -> {now.phase}", now.reason),
            )
    if after.payload.phase is not before.payload.phase:
        event_id = _PAYLOAD_EVENTS.get(after.payload.phase, "payload.on")
        yield event(
            event_id, "payload_54v", _with_reason(str(after.payload.phase), after.payload.reason)
        )
    for event_id, name, text in _inhibit_changes(before, after):
        yield event(event_id, name, text)
    yield from _budget_change(before, after)
    for event_id, i, text, value in _accelerator_changes(before, after):
        yield event(event_id, f"accel{i}", text, value)


def _budget_change(before: State, after: State) -> Iterator[Event]:
    was_w, now_w = before.operator.budget_w, after.operator.budget_w
    if now_w != was_w:
        severity, text = SEVERITIES["node.budget_set"], f"{was_w:g} W -> {now_w:g} W"
        yield Event(after.now_ns, "node.budget_set", severity, "node", text, now_w)


def _inhibit_changes(before: State, after: State) -> Iterator[tuple[str, str, str]]:
    """Yield event id, response or fault and text of each inhibit that began or ended."""
    was_inhibited, inhibited = _inhibited(before), _inhibited(after)
    for name in sorted(inhibited - was_inhibited):
        yield "response.inhibited", name, "by command; re-enabled automatically"
    for name in sorted(was_inhibited - inhibited):
        yield "response.enabled", name, "the inhibit has ended"


def _accelerator_changes(before: State, after: State) -> Iterator[tuple[str, int, str, float]]:
    """Yield event id, accelerator, text and value of each change above the rails."""
    for i, (was, now) in enumerate(zip(before.accels, after.accels, strict=True)):
        if now.drain_until_ns and not was.drain_until_ns:
            left_s = (now.drain_until_ns - after.now_ns) * 1e-9
            yield "accel.draining", i, f"{now.drain_reason}; at most {left_s:g} s", left_s
        elif was.drain_until_ns and not now.drain_until_ns:
            yield "accel.drained", i, was.drain_reason, (after.now_ns - was.drain_ns) * 1e-9
        if now.resets_ns and now.resets_ns != was.resets_ns:
            yield "accel.reset", i, f"driver reset {len(now.resets_ns)} in the window", 0.0
        if was.reset_until_ns and not now.reset_until_ns and after.pairs[i].phase in rails.SERVED:
            is_back = was.silent_ns > 0 and not now.silent_ns
            text = "answers again" if is_back else "no effect seen in its time"
            yield "accel.reset_done" if is_back else "accel.reset_failed", i, text, 0.0
        if bool(now.retired) != bool(was.retired):
            event_id = "accel.retired" if now.retired else "accel.returned"
            yield event_id, i, now.retired or was.retired, 0.0
    orders = zip(before.operator.disabled, after.operator.disabled, strict=True)
    for i, (was_off, is_off) in enumerate(orders):
        if is_off != was_off:
            yield "accel.disabled" if is_off else "accel.enabled", i, "by command", 0.0
    for i, (was_w, now_w) in enumerate(
        zip(before.operator.limits_w, after.operator.limits_w, strict=True)
    ):
        if now_w != was_w:
            owners = [limit.owner for limit in after.operator.limits if limit.accelerator == i]
            ended = not owners
            text = "no limit left" if ended else f"smallest of {', '.join(owners)}"
            yield "limit.ended" if ended else "limit.set", i, text, 0.0 if ended else now_w


def _inhibited(state: State) -> set[str]:
    return {name for name, _ in state.operator.inhibits + state.operator.inhibited_faults}


_PUMP_EVENTS = {
    PumpPhase.STEADY: ("loop.recovered", "flow is good; caps are released"),
    PumpPhase.LOST: ("loop.pump_lost", "caps are safe, standby pump starts"),
    PumpPhase.DEAD: ("loop.no_flow", "no flow in time: accelerators off"),
}
_PAYLOAD_EVENTS = {
    PayloadPhase.OFF: "payload.off",
    PayloadPhase.LATCHED_OFF: "payload.latched_off",
}


def _rail_event(was: Pair, now: Pair) -> str:
    if now.phase is Phase.LATCHED_OFF:
        return "rail.latched_off"
    if was.phase is Phase.LATCHED_OFF:
        return "rail.unlatched"
    if was.phase is Phase.UNKNOWN:
        return "rail.adopted"
    if now.phase is Phase.OFF:
        return (
            "rail.fault_off"
            if len(now.retries_ns) and now.retries_ns[-1] == now.since_ns
            else ("rail.switched_off")
        )
    if now.phase is Phase.PROBATION:
        return "accel.on_probation"
    return "accel.in_service" if now.phase in rails.SERVED else "rail.switching_on"
