"""`nightside log`: the events of a recording, filtered, as text or JSON lines, and followed."""

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from flight.core.types import Event, Severity
from flight.flights import open_recording, reading
from flight.operator_error import OperatorError, suggest
from flight.services.recording import FOREVER_NS, NS_PER_S, RecordingReader

FOLLOW_EVERY_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events are wanted. ids, subjects: shell patterns."""

    severity_min: Severity = Severity.INFO
    ids: str = "*"
    subjects: str = "*"
    from_ns: int = 0
    to_ns: int = FOREVER_NS

    def takes(self, event: Event) -> bool:
        """Return whether an event is wanted."""
        return (
            event.severity >= self.severity_min
            and self.from_ns <= event.time_ns <= self.to_ns
            and fnmatchcase(event.event_id, self.ids)
            and fnmatchcase(event.subject, self.subjects)
        )


def parse_severity(text: str) -> Severity:
    """Return the severity of a name. Raises: OperatorError, when there is none."""
    try:
        return Severity[text.upper()]
    except KeyError:
        names = [severity.name.lower() for severity in Severity]
        near = suggest(text.lower(), names)
        raise OperatorError(f"--severity {text!r}: is none of {', '.join(names)}{near}") from None


def event_lines(
    flight: Path | None, wanted: EventFilter, *, run: int | None, as_json: bool
) -> Iterator[str]:
    """Yield the wanted events of one run, or of all runs of the recording, oldest first."""
    path, newest = open_recording(flight, run)
    with newest, reading(path):
        runs = [newest.run] if run is not None else [entry.run for entry in newest.runs()]
    for number in runs:
        with open_recording(path, number)[1] as reader, reading(path):
            if not as_json:
                yield _head(path, reader)
            for _, event in reader.events_after(0):
                if wanted.takes(event):
                    yield format_event(event, run=number, as_json=as_json)
            if not as_json:
                yield from _losses(reader)


def follow(
    flight: Path | None,
    wanted: EventFilter,
    *,
    as_json: bool,
    write: Callable[[str], object],
    sleep: Callable[[float], object] = time.sleep,
    is_over: Callable[[], bool] = lambda: False,
) -> None:
    """Write the wanted events of the newest run, and each further one as it is recorded, until
    Ctrl-C. A new run of the daemon is followed, too.
    """
    path, reader = open_recording(flight)
    seen = 0
    while True:
        with reader, reading(path):
            for row, event in reader.events_after(seen):
                seen = row
                if wanted.takes(event):
                    write(format_event(event, run=reader.run, as_json=as_json))
        if is_over():
            return
        sleep(FOLLOW_EVERY_S)
        before = reader.run
        _, reader = open_recording(path)
        if reader.run != before and not as_json:
            write(_head(path, reader))


def format_event(event: Event, *, run: int, as_json: bool) -> str:
    """Return one event as a line."""
    t_s = event.time_ns / NS_PER_S
    if as_json:
        value = event.value if math.isfinite(event.value) else None
        return json.dumps(
            {
                "run": run, "t_s": t_s, "id": event.event_id, "severity": event.severity.name,
                "subject": event.subject, "text": event.text, "value": value,
            }
        )  # fmt: skip
    head = f"{t_s:10.1f} s  {event.severity.name.lower():<8}  {event.event_id:<24}"
    return f"{head} {event.subject:<14} {event.text}".rstrip()


def _head(path: Path, reader: RecordingReader) -> str:
    begun = f", begun {reader.meta['start_utc']}" if reader.meta["start_utc"] else ""
    session = f", session {reader.meta['session_id']}" if reader.meta["session_id"] else ""
    return f"{path}, run {reader.run}{begun}{session}"


def _losses(reader: RecordingReader) -> Iterator[str]:
    loss = reader.losses().get("event")
    if loss is not None and loss.run >= reader.run:
        yield f"the quota has taken {loss.rows} events so far, the least severe first"
    for entry in reader.runs():
        if entry.run == reader.run and entry.rares_lost:
            yield f"{entry.rares_lost} events, inputs and answers were lost before they were stored"
