"""Cycles out of a recording's tables: the arrays of a block at once, and what came rarely."""

import json
import sqlite3
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from flight.core.types import (
    Ack,
    Command,
    Decision,
    DeviceRequest,
    Event,
    Inputs,
    Notice,
    Severity,
    Snapshot,
)
from flight.services.frame_codec import MODES, FrameLayout, Words
from flight.services.recording_schema import INPUT_KINDS, NOTICES_KIND
from flight.services.typed_codec import unpack

CODES_KEPT_MAX = 4096  # different rows of codes whose meaning is kept


class RecordedCycle(NamedTuple):
    """One cycle as it was flown."""

    inputs: Inputs
    decision: Decision


class BlockRows:
    """The rows of one block, as arrays over all of them."""

    def __init__(self, table: Words, layout: FrameLayout) -> None:
        points, desired_at = layout.points, 1 + layout.points
        cap_at = desired_at + layout.writables
        age_at = cap_at + layout.accelerators
        marks_at, codes_at = age_at + points, age_at + 2 * points
        marks = table[:, marks_at:codes_at].view(np.uint32)
        times = table[:, :1].view(np.int64)
        self.times_ns: list[int] = times[:, 0].tolist()
        self.values = table[:, 1:desired_at].view(np.float64)
        self.desired = table[:, desired_at:cap_at].view(np.float64)
        self.caps = table[:, cap_at:age_at].view(np.float64)
        self.sample_ns = times - table[:, age_at:marks_at].view(np.int64)
        self.status = marks[:, :points].view(np.int32)
        self.flags = marks[:, points:]
        self.codes = table[:, codes_at:].view(np.uint8)[:, : 1 + layout.accelerators]

    def snapshots(self) -> Iterator[Snapshot]:
        """Yield what each cycle saw: views, nothing is copied."""
        return map(Snapshot, self.values, self.sample_ns, self.status, self.flags)


class Granted(NamedTuple):
    """Mode, caps and reasons of one row."""

    mode: Any
    cap_w: tuple[float, ...]
    cap_reason: tuple[str, ...]


class GrantReader:
    """Turns caps and codes into tuples, each different row of codes once."""

    def __init__(self, reasons: dict[int, str]) -> None:
        self.reasons = reasons  # by code
        self._known: dict[bytes, tuple[Any, tuple[str, ...]]] = {}

    def read(self, block: BlockRows) -> list[Granted]:
        """Return what was granted in each row."""
        codes = block.codes.tobytes()
        size = len(codes) // len(block.times_ns)
        found = []
        for row, cap_w in enumerate(block.caps.tolist()):
            key = codes[row * size : (row + 1) * size]
            mode, reasons = self._known.get(key) or self._decode(key)
            found.append(Granted(mode, tuple(cap_w), reasons))
        return found

    def _decode(self, key: bytes) -> tuple[Any, tuple[str, ...]]:
        mode, *codes = key
        meant = MODES[mode], tuple([self.reasons[code] for code in codes])
        if len(self._known) < CODES_KEPT_MAX:
            self._known[key] = meant
        return meant


class Rares:
    """What happened in some cycles of a span only, by the time of the cycle."""

    def __init__(self, database: sqlite3.Connection, run: int, from_ns: int, to_ns: int) -> None:
        def select(columns: str, table: str) -> Iterator[tuple[int, tuple[Any, ...]]]:
            span = "WHERE run = ? AND cycle_ns BETWEEN ? AND ? ORDER BY id"
            # The words are this file's own, never an operator's.
            statement = f"SELECT cycle_ns, {columns} FROM {table} {span}"  # noqa: S608
            found = database.execute(statement, (run, from_ns, to_ns))
            return ((row[0], row[1:]) for row in found)

        self.events: dict[int, list[Event]] = defaultdict(list)
        for now_ns, row in select("t_ns, event_id, severity, subject, text, value", "event"):
            self.events[now_ns].append(event_of(row))
        self.commands: dict[int, list[Command]] = defaultdict(list)
        for now_ns, (command_id, name, arguments) in select(
            "command_id, name, arguments", "command"
        ):
            pairs = tuple(json.loads(arguments).items())
            self.commands[now_ns].append(Command(command_id, name, pairs))
        self.acks: dict[int, list[Ack]] = defaultdict(list)
        for now_ns, (command_id, ok, reason) in select("command_id, ok, reason", "ack"):
            self.acks[now_ns].append(Ack(command_id, bool(ok), reason))
        self.rearms: dict[int, list[str]] = defaultdict(list)
        for now_ns, (driver,) in select("driver", "rearm"):
            self.rearms[now_ns].append(driver)
        self.requests: dict[int, list[DeviceRequest]] = defaultdict(list)
        for now_ns, row in select("kind, driver, point", "request"):
            self.requests[now_ns].append(DeviceRequest(*row))
        inputs = database.execute(
            "SELECT name, cycle_ns, body FROM input WHERE run = ? AND cycle_ns <= ? ORDER BY id",
            (run, to_ns),
        ).fetchall()
        self.inputs = {
            name: Timeline(kind, [row[1:] for row in inputs if row[0] == name])
            for name, kind in INPUT_KINDS.items()
        }
        self.notices: Timeline = Timeline(
            NOTICES_KIND,
            database.execute(
                "SELECT cycle_ns, body FROM notice WHERE run = ? AND cycle_ns <= ? ORDER BY id",
                (run, to_ns),
            ).fetchall(),
        )
        self.changes_ns = frozenset().union(
            self.events, self.commands, self.acks, self.rearms, self.requests,
            self.notices.times_ns, *(line.times_ns for line in self.inputs.values()),
        )  # fmt: skip

    def given(self, now_ns: int) -> dict[str, Any]:
        """Return the rare fields of `Inputs` in a cycle."""
        found = {name: line.at(now_ns) for name, line in self.inputs.items()}
        found["claims"] = found["claims"] or ()
        return {**found, "commands": tuple(self.commands.get(now_ns, ()))}

    def notices_at(self, now_ns: int) -> tuple[Notice, ...]:
        """Return the notices in force in a cycle."""
        found: tuple[Notice, ...] | None = self.notices.at(now_ns)
        return found or ()

    def taken(self, now_ns: int) -> dict[str, Any]:
        """Return the rare fields of `Decision` in a cycle."""
        return {
            "rearm": tuple(self.rearms.get(now_ns, ())),
            "events": tuple(self.events.get(now_ns, ())),
            "acks": tuple(self.acks.get(now_ns, ())),
            "requests": tuple(self.requests.get(now_ns, ())),
            "notices": self.notices_at(now_ns),
        }


class Timeline:
    """A value that is written when it changes."""

    def __init__(self, kind: Any, rows: Sequence[tuple[int, bytes]]) -> None:
        self.times_ns = [now_ns for now_ns, _ in rows]
        self._kind = kind
        self._bodies = [body for _, body in rows]
        self._decoded: tuple[int, Any] = (-1, None)

    def at(self, now_ns: int) -> Any:
        """Return the value in force, the same object while it does not change; None before any."""
        i = bisect_right(self.times_ns, now_ns) - 1
        if i != self._decoded[0]:
            self._decoded = (i, None if i < 0 else unpack(self._kind, self._bodies[i]))
        return self._decoded[1]


def event_of(row: Sequence[Any]) -> Event:
    """Return the event in a row of t_ns, event_id, severity, subject, text, value."""
    t_ns, event_id, severity, subject, text, value = row
    value = float("nan") if value is None else value  # SQLite keeps NaN as NULL
    return Event(t_ns, event_id, Severity(severity), subject, text, value)
