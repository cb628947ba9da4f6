"""`nightside explain --at T`: why each accelerator had its cap at one time of a recorded flight."""

import math
from collections.abc import Iterator
from pathlib import Path

from flight.core.arbiter import CapReason
from flight.core.types import FLAG_LAPSED, FLAG_REFLEX, Event, Snapshot
from flight.durations import parse_duration
from flight.flights import find_recording, reading
from flight.operator_error import OperatorError
from flight.services.recording import RecordedCycle, RecordingReader

NS_PER_S = 1_000_000_000
EVENTS_BEFORE_S = 60.0
EVENTS_SHOWN_MAX = 8
WIDTH = 80

REASON_TEXTS = {
    CapReason.MAXIMUM: "nothing limits it; the maximum of the accelerator",
    CapReason.OPERATOR: "an operator's limit",
    CapReason.BUDGET: "its share of the node's power budget",
    CapReason.ALLOTMENT: "its share of the spacecraft's grant, or the grant has lapsed",
    CapReason.PLAN: "the planner's cap for now, or the fallback of a lapsed plan",
    CapReason.DEMAND: "its workload declared that it can use no more; others use the rest",
    CapReason.GUARD: "the thermal guard holds its core or memory at the set-point",
    CapReason.CHARGE: "the battery's state of charge is on a rung of the shed ladder",
    CapReason.MODE: "the mode wants safe caps or no accelerators",
    CapReason.PUMP: "coolant flow was lost; released after it was good long enough",
    CapReason.VOLTAGE: "the payload bus is under-voltage",
    CapReason.RAIL: "its rails are off, starting, or on probation",
    CapReason.SENSOR: "one of its temperatures is lost, so it may not be warm unseen",
    CapReason.REFLEX: "a reflex in its driver holds the minimum cap",
    CapReason.LEASE: "its lease lapsed; the driver holds the safe value",
    CapReason.RAMP: "it is on its way up, at the ramp limit",
    CapReason.CURRENT: "the payload bus carries more current than it may",
}


def explain(flight: Path | None, at: str) -> str:
    """Return the explanation as text, at most 80 columns wide.

    Args:
        flight: A flight's folder or its recording; None: the newest folder in flights/.
        at: A time in the flight, e.g. "2601s".

    Raises:
        OperatorError: no such recording, or it holds nothing at that time.
    """
    path = find_recording(flight)
    t_s = parse_duration(at, what="--at")
    with reading(path), RecordingReader(path) as reader:
        first_s, last_s = reader.span_s()
        if not first_s <= t_s <= last_s + 1.0:
            raise OperatorError(
                f"--at {at!r}: it holds {first_s:g} s to {last_s:g} s, not {t_s:g} s"
            )
        cycle = reader.at(t_s)
        events = reader.events(max(0.0, t_s - EVENTS_BEFORE_S), t_s)
        return "\n".join(_lines(path, reader, cycle, events))


def _lines(
    path: Path, reader: RecordingReader, cycle: RecordedCycle, events: tuple[Event, ...]
) -> Iterator[str]:
    inputs, decision = cycle
    snapshot = inputs.snapshot
    yield f"{path}, cycle at {inputs.now_ns / NS_PER_S:.1f} s, mode {decision.mode}"
    yield ""
    yield f"{'accelerator':<12}{'cap W':>7}{'enforced':>10}{'draw W':>8}{'core':>6}  reason"
    for i, (cap_w, reason) in enumerate(zip(decision.cap_w, decision.cap_reason, strict=True)):
        yield _accelerator_line(reader, snapshot, i, cap_w, reason)
    yield ""
    for reason in dict.fromkeys(decision.cap_reason):
        yield _cut(f"{reason}: {_reason_text(reason)}")
    yield ""
    shown = [event for event in events if event.severity > 0][-EVENTS_SHOWN_MAX:]
    yield f"Events of the {EVENTS_BEFORE_S:g} s before:" if shown else "No events shortly before."
    ids = max((len(event.event_id) for event in shown), default=0)
    subjects = max((len(event.subject) for event in shown), default=0)
    for event in shown:
        head = f"{event.time_ns / NS_PER_S:9.1f} s  {event.event_id:<{ids}}"
        yield _cut(f"{head}  {event.subject:<{subjects}}  {event.text}")


def _cut(line: str) -> str:
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1].rstrip()}…"


def _reason_text(reason: str) -> str:
    known = {str(word): text for word, text in REASON_TEXTS.items()}
    return known.get(reason, "not known to this version")


def _accelerator_line(
    reader: RecordingReader, snapshot: Snapshot, index: int, cap_w: float, reason: str
) -> str:
    name = f"accel{index}"
    enforced, notes = _sample(reader, snapshot, f"{name}.cap_w"), []
    flags = int(snapshot.flags[reader.index(f"{name}.cap_w")])
    if flags & FLAG_LAPSED:
        notes.append("lease lapsed")
    if flags & FLAG_REFLEX:
        notes.append("reflex holds")
    note = f" ({', '.join(notes)})" if notes else ""
    return (
        f"{name:<12}{cap_w:>7.0f}{enforced:>10}"
        f"{_sample(reader, snapshot, f'{name}.power_w'):>8}"
        f"{_sample(reader, snapshot, f'{name}.core_temp_c'):>6}  {reason}{note}"
    )


def _sample(reader: RecordingReader, snapshot: Snapshot, name: str) -> str:
    i = reader.index(name)
    value = float(snapshot.values[i])
    if snapshot.status[i] != 0 or math.isnan(value):
        return "-"  # the last try failed: there is no reading to show
    return f"{value:.0f}"
