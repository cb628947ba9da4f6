"""Reading a recording: `RecordingReader` gives back cycles exactly as the recorder took them."""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np

from flight.core.types import (
    Ack,
    Allotment,
    Command,
    Decision,
    Event,
    Float64s,
    Inputs,
    Int64s,
    Severity,
    Snapshot,
)
from flight.services.frame_codec import MODES, FrameDecoder, FrameLayout, RowView, Words
from flight.services.recording_schema import SCHEMA_VERSION

NS_PER_S = 1_000_000_000
FOREVER_NS = 1 << 62


class RecordedCycle(NamedTuple):
    """One cycle as it was flown."""

    inputs: Inputs
    decision: Decision


class RecordingReader:
    """An open recording. Times of all methods are seconds on the flight's monotonic clock, both
    ends included.

    Raises: ValueError, when the file is no recording, of another schema, or damaged. A recording
    that is still being written may be read; a crash loses what was not committed and nothing
    before it.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
            self.meta: dict[str, str] = dict(self._database.execute("SELECT key, value FROM meta"))
            points = self._database.execute(
                "SELECT name, is_writable FROM point ORDER BY position"
            ).fetchall()
        except sqlite3.Error as error:
            raise ValueError(f"{path} is not a recording: {error}") from error
        if (version := self.meta.get("schema_version")) != str(SCHEMA_VERSION):
            self._database.close()
            raise ValueError(f"{path} has recording schema {version}, this is {SCHEMA_VERSION}")
        self._channels = tuple(name for name, _ in points)
        self._writables = tuple(name for name, is_writable in points if is_writable)
        self._index = {name: i for i, name in enumerate(self._channels)}
        self._layout = FrameLayout(
            points=len(self._channels),
            writables=len(self._writables),
            accelerators=int(self.meta["accelerators"]),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def channels(self) -> tuple[str, ...]:
        """Return the point names, in the order of the snapshot arrays."""
        return self._channels

    def writable_channels(self) -> tuple[str, ...]:
        """Return the names of the writable points, in the order of `Decision.desired`."""
        return self._writables

    def index(self, name: str) -> int:
        """Return the place of a point in the snapshot arrays. Raises: KeyError."""
        return self._index[name]

    def span_s(self) -> tuple[float, float]:
        """Return the times of the first and last cycle. Raises: LookupError, without any."""
        first = self._database.execute("SELECT min(t_ns) FROM block").fetchone()[0]
        if first is None:
            raise LookupError("the recording holds no cycle")
        newest = self._database.execute("SELECT max(t_ns) FROM block").fetchone()[0]
        last = list(self._words(newest, FOREVER_NS))[-1]
        return first / NS_PER_S, int(last[0]) / NS_PER_S

    def at(self, t_s: float) -> RecordedCycle:
        """Return the latest cycle at or before t_s. Raises: LookupError, when there is none."""
        t_ns = round(t_s * NS_PER_S)
        found = self._database.execute(
            "SELECT max(t_ns) FROM block WHERE t_ns <= ?", (t_ns,)
        ).fetchone()[0]
        if found is None:
            raise LookupError(f"the recording holds nothing at or before {t_s} s")
        words = list(self._words(found, t_ns))[-1]
        now_ns = int(words[0])
        return self._cycle(words, _Rares(self._database, now_ns, now_ns), self._reasons())

    def rows(
        self, from_s: float = 0.0, to_s: float = FOREVER_NS / NS_PER_S
    ) -> Iterator[RecordedCycle]:
        """Yield the cycles from from_s to to_s in order."""
        from_ns, to_ns = round(from_s * NS_PER_S), round(to_s * NS_PER_S)
        rares, reasons = _Rares(self._database, from_ns, to_ns), self._reasons()
        for words in self._words(from_ns, to_ns):
            yield self._cycle(words, rares, reasons)

    def series(
        self, names: Sequence[str], from_s: float = 0.0, to_s: float = FOREVER_NS / NS_PER_S
    ) -> tuple[Int64s, Float64s]:
        """Return cycle times in ns and values [cycle, name] of some points. Raises: KeyError."""
        columns = [1 + self._index[name] for name in names]
        times: list[int] = []
        values: list[Words] = []
        for words in self._words(round(from_s * NS_PER_S), round(to_s * NS_PER_S)):
            times.append(int(words[0]))
            values.append(words[columns])
        table = np.array(values, np.uint64).reshape(len(times), len(columns)).view(np.float64)
        return np.array(times, np.int64), table

    def events(
        self,
        from_s: float = 0.0,
        to_s: float = FOREVER_NS / NS_PER_S,
        severity_min: Severity = Severity.DEBUG,
    ) -> tuple[Event, ...]:
        """Return the events whose own time is in the span, in the order they were stored."""
        found = self._database.execute(
            "SELECT t_ns, event_id, severity, subject, text, value FROM event"
            " WHERE t_ns BETWEEN ? AND ? AND severity >= ? ORDER BY rowid",
            (round(from_s * NS_PER_S), round(to_s * NS_PER_S), int(severity_min)),
        )
        return tuple(_event(row) for row in found)

    def _reasons(self) -> dict[int, str]:
        return dict(self._database.execute("SELECT code, name FROM reason"))

    def _words(self, from_ns: int, to_ns: int) -> Iterator[Words]:
        """Yield the rows of words in [from_ns, to_ns], unpacked from the keyframe before."""
        start_ns = self._database.execute(
            "SELECT max(t_ns) FROM block WHERE is_keyframe = 1 AND t_ns <= ?", (from_ns,)
        ).fetchone()[0]
        decoder = FrameDecoder(self._layout)
        blocks = self._database.execute(
            "SELECT rows, is_keyframe, body FROM block WHERE t_ns BETWEEN ? AND ? ORDER BY t_ns",
            (from_ns if start_ns is None else start_ns, to_ns),
        )
        for rows, is_keyframe, body in blocks:
            for words in decoder.unpack(is_keyframe=bool(is_keyframe), rows=rows, packed=body):
                if from_ns <= int(words[0]) <= to_ns:
                    yield words

    def _cycle(self, words: Words, rares: "_Rares", reasons: dict[int, str]) -> RecordedCycle:
        row = RowView(words, self._layout)
        now_ns = int(row.time_ns[0])
        snapshot = Snapshot(row.values, now_ns - row.age_ns, row.status, row.flags)
        codes = row.codes.tolist()
        inputs = Inputs(
            now_ns=now_ns,
            snapshot=snapshot,
            commands=tuple(rares.commands.get(now_ns, ())),
            allotment=rares.allotment_at(now_ns),
        )
        decision = Decision(
            mode=MODES[codes[0]],
            desired=row.desired,
            cap_w=tuple(row.cap_w.tolist()),
            cap_reason=tuple(reasons[code] for code in codes[1:]),
            rearm=tuple(rares.rearms.get(now_ns, ())),
            events=tuple(rares.events.get(now_ns, ())),
            acks=tuple(rares.acks.get(now_ns, ())),
        )
        return RecordedCycle(inputs, decision)


class _Rares:
    """What happened in some cycles of a span only, by the time of the cycle."""

    def __init__(self, database: sqlite3.Connection, from_ns: int, to_ns: int) -> None:
        def select(columns: str, table: str) -> Iterator[tuple[int, tuple[object, ...]]]:
            span = "WHERE cycle_ns BETWEEN ? AND ? ORDER BY rowid"
            # The words are this file's own, never an operator's.
            statement = f"SELECT cycle_ns, {columns} FROM {table} {span}"  # noqa: S608
            found = database.execute(statement, (from_ns, to_ns))
            return ((row[0], row[1:]) for row in found)

        self.events: dict[int, list[Event]] = defaultdict(list)
        for now_ns, row in select("t_ns, event_id, severity, subject, text, value", "event"):
            self.events[now_ns].append(_event(row))
        self.commands: dict[int, list[Command]] = defaultdict(list)
        for now_ns, (command_id, name, arguments) in select(
            "command_id, name, arguments", "command"
        ):
            pairs = tuple(json.loads(str(arguments)).items())
            self.commands[now_ns].append(Command(str(command_id), str(name), pairs))
        self.acks: dict[int, list[Ack]] = defaultdict(list)
        for now_ns, (command_id, ok, reason) in select("command_id, ok, reason", "ack"):
            self.acks[now_ns].append(Ack(str(command_id), bool(ok), str(reason)))
        self.rearms: dict[int, list[str]] = defaultdict(list)
        for now_ns, (driver,) in select("driver", "rearm"):
            self.rearms[now_ns].append(str(driver))
        self._allotments: list[tuple[int, Allotment | None]] = [
            (now_ns, None if valid_until_ns is None else Allotment(power_w, heat_w, valid_until_ns))
            for now_ns, power_w, heat_w, valid_until_ns in database.execute(
                "SELECT * FROM allotment WHERE cycle_ns <= ? ORDER BY cycle_ns", (to_ns,)
            )
        ]

    def allotment_at(self, now_ns: int) -> Allotment | None:
        """Return the allotment in force at now_ns."""
        found = None
        for since_ns, allotment in self._allotments:
            if since_ns > now_ns:
                break
            found = allotment
        return found


def _event(row: Sequence[object]) -> Event:
    t_ns, event_id, severity, subject, text, value = row
    assert isinstance(t_ns, int)
    assert isinstance(severity, int)
    assert isinstance(value, float)
    return Event(t_ns, str(event_id), Severity(severity), str(subject), str(text), value)
