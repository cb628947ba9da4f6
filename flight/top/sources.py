"""Where `nightside top` gets its documents: a running daemon's folder, or a recording."""

import json
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from flight.core.points import Point, PointTable
from flight.core.types import Event, Severity
from flight.flights import reading
from flight.operator_error import OperatorError
from flight.recorded_state import RecordedStates
from flight.services.recording import RecordingReader
from flight.services.status import STATUS_NAME
from flight.view import SCHEMA_VERSION, ViewBuilder, fault_views, orbit_view

NS_PER_S = 1_000_000_000
STALE_S = 5.0  # a daemon writes each second
EVENTS_SHOWN = 50
EVENTS_BEFORE_S = 600.0
STEP_S = 0.05  # away from the event one stands on; half a cycle


class Source(Protocol):
    """Gives documents (flight/services/status.py)."""

    title: str
    span_s: tuple[float, float] | None  # of a recording, None for what is live

    def read(self, t_s: float | None) -> dict[str, Any]:
        """Return the document at t_s, None for now.

        Raises: OperatorError, when there is nothing to read.
        """

    def event_time(self, t_s: float, direction: int) -> float | None:
        """Return when the next (1) or previous (-1) event came that asks for attention."""


class RunSource:
    """A running daemon's status.json.

    Raises: OperatorError, when the folder holds none.
    """

    span_s: tuple[float, float] | None = None

    def __init__(self, folder: Path) -> None:
        self.path = folder / STATUS_NAME if folder.is_dir() else folder
        self.title = str(folder)
        self.read(None)

    def read(self, t_s: float | None) -> dict[str, Any]:
        """Return the newest document, with its age in `age_s`; t_s must be None."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except OSError as error:
            raise OperatorError(
                f"{self.path}: {error.strerror}: no daemon writes there; start one with "
                "`nightside run CONFIG --out FOLDER` and name that folder"
            ) from None
        try:
            document = json.loads(text)
        except ValueError:
            raise OperatorError(f"{self.path}: is not a status of nightside run") from None
        if not isinstance(document, dict) or "schema" not in document:
            raise OperatorError(f"{self.path}: is not a status of nightside run")
        written_ns = document.get("written_monotonic_ns")
        if isinstance(written_ns, int):
            document["age_s"] = max(0.0, (time.monotonic_ns() - written_ns) / NS_PER_S)
        return document

    def event_time(self, t_s: float, direction: int) -> float | None:
        """Return None: what is live cannot be moved through."""
        return None


class RecordingSource:
    """A recording: any time of one of its runs.

    Args:
        run: Which one; None: the newest.

    Raises: OperatorError, when it is no recording or holds no cycle.
    """

    def __init__(self, path: Path, run: int | None = None) -> None:
        self.title = str(path)
        self._path = path
        with reading(path):
            self._reader = RecordingReader(path, run)
            self.span_s: tuple[float, float] | None = self._reader.span_s()
            self._node = _node_name(self._reader.meta["config_text"]) or path.parent.name
            self._start = _start_time(self._reader)
        points = named_points(self._reader.channels())
        self._view = ViewBuilder(points, int(self._reader.meta["accelerators"]))
        self._states = RecordedStates(self._reader)

    def read(self, t_s: float | None) -> dict[str, Any]:
        """Return the document of the cycle at or before t_s; None: the last one."""
        with reading(self._path):
            return self._read(t_s)

    def _read(self, t_s: float | None) -> dict[str, Any]:
        assert self.span_s is not None
        at_s = self.span_s[1] if t_s is None else min(max(t_s, self.span_s[0]), self.span_s[1])
        cycle = self._reader.at(at_s)
        events = self._reader.events(max(0.0, at_s - EVENTS_BEFORE_S), at_s, Severity.INFO)
        meta, now_ns = self._reader.meta, cycle.inputs.now_ns
        state = self._states.at(now_ns)
        phases = () if state is None else state.notices.phases
        document = {
            "schema": SCHEMA_VERSION,
            "state": "recorded",
            "node": self._node,
            "run": self._reader.run,
            "session": meta["session_id"],
            "version": meta.get("version", ""),
            "simulated": meta.get("simulated") in ("1", "true", "True"),
            "view": self._view.build(now_ns, cycle.inputs.snapshot, cycle.decision, phases=phases),
            "orbit": orbit_view(cycle.inputs.orbit, now_ns),
            "events": [event_row(event) for event in events[-EVENTS_SHOWN:]],
        }
        if self._start is not None:
            then = self._start + timedelta(seconds=now_ns / NS_PER_S - self.span_s[0])
            document["written_utc"] = then.isoformat("T", "seconds")
        if state is not None and self._states.config is not None:
            document["faults"] = fault_views(self._states.config.monitors, state)
            document["mode_since_s"] = max(0.0, (now_ns - state.mode.since_ns) / NS_PER_S)
        return document

    def event_time(self, t_s: float, direction: int) -> float | None:
        """Return when the next (1) or previous (-1) event came that asks for attention."""
        assert self.span_s is not None
        low_s, high_s = (t_s + STEP_S, self.span_s[1]) if direction > 0 else (0.0, t_s - STEP_S)
        with reading(self._path):
            found = self._reader.events(low_s, high_s, Severity.WARNING)
        if not found:
            return None
        return (found[0] if direction > 0 else found[-1]).time_ns / NS_PER_S


def named_points(names: Sequence[str]) -> PointTable:
    """Return a table for a ViewBuilder, which wants nothing but names."""
    return PointTable(
        tuple(
            Point(name=name, unit="", driver="", device="", channel=0, low=-1.0, high=1.0)
            for name in names
        )
    )


def _node_name(config_text: str) -> str:
    """Return fleet/satellite/node of a recorded configuration; "" when it does not say."""
    try:
        node = json.loads(config_text)["node"]
        return f"{node['fleet']}/{node['satellite']}/{node['name']}"
    except (ValueError, LookupError, TypeError):
        return ""


def _start_time(reader: RecordingReader) -> datetime | None:
    """Return when the first cycle was, near enough for people.

    None: no trusted time was known, or the quota has taken the begin of the run.
    """
    lost = reader.losses().get("block")
    if lost is not None and lost.run >= reader.run:
        return None
    try:
        return datetime.fromisoformat(reader.meta["start_utc"])
    except ValueError:
        return None


def event_row(event: Event) -> dict[str, Any]:
    """Return an event as status.json has it."""
    return {
        "t_s": event.time_ns / NS_PER_S,
        "id": event.event_id,
        "severity": event.severity.name.lower(),
        "subject": event.subject,
        "text": event.text,
    }
