"""Reading a recording: `RecordingReader` gives back cycles exactly as the recorder took them."""

import json
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np

from flight.core.state import State
from flight.core.types import Decision, Event, Float64s, Inputs, Int64s, Severity
from flight.services.frame_codec import FrameDecoder, FrameLayout
from flight.services.recording_rows import (
    BlockRows,
    GrantReader,
    Rares,
    RecordedCycle,
    event_of,
)
from flight.services.recording_schema import SCHEMA_VERSION
from flight.services.typed_codec import unpack

__all__ = ["RecordedCycle", "RecordingReader", "RunEntry"]

NS_PER_S = 1_000_000_000
FOREVER_NS = 1 << 62


class RunEntry(NamedTuple):
    """One run of the daemon in a recording. lost: given to the recorder and never written."""

    run: int
    session_id: str
    start_utc: str
    rows_lost: int
    rares_lost: int


class Loss(NamedTuple):
    """What the quota has taken from a table so far. until_ns: time of the last row, in `run`."""

    rows: int
    run: int
    until_ns: int


class RecordingReader:
    """One run of a recording. Times of all methods are seconds on the run's monotonic clock, both
    ends included.

    Args:
        run: Which one; None: the newest.

    Raises: ValueError, when the file is no recording, of another schema, or damaged; LookupError,
    when there is no such run. A recording that is still being written may be read; a crash loses
    what was not committed and nothing before it.
    """

    def __init__(self, path: Path, run: int | None = None) -> None:
        try:
            self._database = _connect(path)
            file_meta = dict(self._database.execute("SELECT key, value FROM meta"))
        except sqlite3.Error as error:
            raise ValueError(f"{path} is not a recording: {error}") from error
        if (version := file_meta.get("schema_version")) != str(SCHEMA_VERSION):
            self._database.close()
            raise ValueError(f"{path} has recording schema {version}, this is {SCHEMA_VERSION}")
        chosen = [entry for entry in self.runs() if run is None or entry.run == run]
        if not chosen:
            numbers = ", ".join(str(entry.run) for entry in self.runs())
            self._database.close()
            raise LookupError(f"{path} holds no run {run}; it holds {numbers or 'none'}")
        self.run = chosen[-1].run
        body = self._one(
            "SELECT body FROM setup JOIN run USING(setup_id) WHERE run = ?", (self.run,)
        )
        if body is None:
            self._database.close()
            raise ValueError(f"{path} is damaged: run {self.run} is nowhere described")
        setup = json.loads(body)
        self.meta: dict[str, str] = {
            **setup["meta"], **file_meta,
            "session_id": chosen[-1].session_id, "start_utc": chosen[-1].start_utc,
        }  # fmt: skip
        self._channels = tuple(name for name, _, _ in setup["points"])
        self.units: dict[str, str] = {name: unit for name, unit, _ in setup["points"]}
        self._writables = tuple(name for name, _, is_writable in setup["points"] if is_writable)
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

    def runs(self) -> list[RunEntry]:
        """Return all runs of the file, oldest first."""
        columns = ", ".join(RunEntry._fields)
        found = self._database.execute(f"SELECT {columns} FROM run ORDER BY run")  # noqa: S608
        return [RunEntry(*row) for row in found]

    def losses(self) -> dict[str, Loss]:
        """Return what the quota has taken, by table."""
        found = self._database.execute(
            "SELECT name, lost_rows, lost_run, lost_ns FROM ledger WHERE lost_rows > 0"
        )
        return {name: Loss(*row) for name, *row in found}

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
        first = self._one("SELECT min(cycle_ns) FROM block WHERE run = ?", (self.run,))
        if first is None:
            raise LookupError("the recording holds no cycle")
        newest = self._one("SELECT max(cycle_ns) FROM block WHERE run = ?", (self.run,))
        last_ns = list(self.blocks(newest, FOREVER_NS))[-1].times_ns[-1]
        return first / NS_PER_S, last_ns / NS_PER_S

    def at(self, t_s: float) -> RecordedCycle:
        """Return the latest cycle at or before t_s. Raises: LookupError, when there is none."""
        t_ns = round(t_s * NS_PER_S)
        found = self._one(
            "SELECT max(cycle_ns) FROM block WHERE run = ? AND cycle_ns <= ?", (self.run, t_ns)
        )
        if found is None:
            raise LookupError(f"the recording holds nothing at or before {t_s} s")
        return list(self._cycles(found, t_ns))[-1]

    def rows(
        self, from_s: float = 0.0, to_s: float = FOREVER_NS / NS_PER_S
    ) -> Iterator[RecordedCycle]:
        """Yield the cycles from from_s to to_s in order."""
        return self._cycles(round(from_s * NS_PER_S), round(to_s * NS_PER_S))

    def series(
        self,
        names: Sequence[str],
        from_s: float = 0.0,
        to_s: float = FOREVER_NS / NS_PER_S,
        *,
        without_failed: bool = False,
    ) -> tuple[Int64s, Float64s]:
        """Return cycle times in ns and values [cycle, name] of some points. Raises: KeyError.

        Args:
            without_failed: NaN where the last try to read failed, instead of the value before.
        """
        columns = [self._index[name] for name in names]
        times: list[int] = []
        values: list[Float64s] = [np.empty((0, len(columns)))]
        for block in self.blocks(round(from_s * NS_PER_S), round(to_s * NS_PER_S)):
            times += block.times_ns
            read = block.values[:, columns]
            if without_failed:
                read = np.where(block.status[:, columns] == 0, read, np.nan)
            values.append(read)
        return np.array(times, np.int64), np.concatenate(values)

    def modes(
        self, from_s: float = 0.0, to_s: float = FOREVER_NS / NS_PER_S
    ) -> list[tuple[int, str]]:
        """Return since when, in ns, each mode was in force."""
        found: list[tuple[int, str]] = []
        grants = self.grant_reader()
        for block in self.blocks(round(from_s * NS_PER_S), round(to_s * NS_PER_S)):
            for now_ns, granted in zip(block.times_ns, grants.read(block), strict=True):
                if not found or found[-1][1] != granted.mode:
                    found.append((now_ns, str(granted.mode)))
        return found

    def events(
        self,
        from_s: float = 0.0,
        to_s: float = FOREVER_NS / NS_PER_S,
        severity_min: Severity = Severity.DEBUG,
    ) -> tuple[Event, ...]:
        """Return the events whose own time is in the span, in the order they were stored."""
        found = self._database.execute(
            "SELECT t_ns, event_id, severity, subject, text, value FROM event"
            " WHERE run = ? AND t_ns BETWEEN ? AND ? AND severity >= ? ORDER BY id",
            (self.run, round(from_s * NS_PER_S), round(to_s * NS_PER_S), int(severity_min)),
        )
        return tuple(event_of(row) for row in found)

    def events_after(self, row_id: int) -> list[tuple[int, Event]]:
        """Return the events stored behind a row, with their rows; 0: all."""
        found = self._database.execute(
            "SELECT id, t_ns, event_id, severity, subject, text, value FROM event"
            " WHERE run = ? AND id > ? ORDER BY id",
            (self.run, row_id),
        )
        return [(row[0], event_of(row[1:])) for row in found]

    def evidence(self) -> list[dict[str, Any]]:
        """Return all evidence of the run, each record by the names of its columns."""
        found = self._database.execute(
            "SELECT * FROM evidence WHERE run = ? ORDER BY id", (self.run,)
        )
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found]

    def state_before(self, now_ns: int) -> tuple[int, State] | None:
        """Return the newest kept state at or before a time, and its cycle; None: there is none.

        Raises: ValueError, when it is damaged or this version knows no such state.
        """
        found = self._database.execute(
            "SELECT cycle_ns, body FROM state WHERE run = ? AND cycle_ns <= ?"
            " ORDER BY id DESC LIMIT 1",
            (self.run, now_ns),
        ).fetchone()
        return None if found is None else (found[0], _state(found[1]))

    def state_after(self, now_ns: int) -> tuple[int, State] | None:
        """Return the oldest kept state behind a time; see state_before."""
        found = self._database.execute(
            "SELECT cycle_ns, body FROM state WHERE run = ? AND cycle_ns > ? ORDER BY id LIMIT 1",
            (self.run, now_ns),
        ).fetchone()
        return None if found is None else (found[0], _state(found[1]))

    def rares(self, from_ns: int, to_ns: int) -> Rares:
        """Return what came in some cycles only."""
        return Rares(self._database, self.run, from_ns, to_ns)

    def grant_reader(self) -> GrantReader:
        """Return what turns the codes of this run into reasons."""
        found = self._database.execute("SELECT code, name FROM reason WHERE run = ?", (self.run,))
        return GrantReader(dict(found))

    def blocks(self, from_ns: int, to_ns: int) -> Iterator[BlockRows]:
        """Yield the rows in [from_ns, to_ns] block by block, unpacked from the keyframe before.

        Raises: ValueError, when a block is damaged.
        """
        start_id = self._one(
            "SELECT id FROM block WHERE run = ? AND is_keyframe = 1 AND cycle_ns <= ?"
            " ORDER BY cycle_ns DESC LIMIT 1",
            (self.run, from_ns),
        )
        decoder = FrameDecoder(self._layout)
        found = self._database.execute(
            "SELECT cycle_ns, rows, is_keyframe, body FROM block WHERE id >= ? AND run = ?"
            " ORDER BY id",
            (start_id or 0, self.run),
        )
        for first_ns, rows, is_keyframe, body in found:
            if first_ns > to_ns:
                return
            table = decoder.unpack(is_keyframe=bool(is_keyframe), rows=rows, packed=body)
            times = table[:, 0].view(np.int64)
            if times[0] < from_ns or times[-1] > to_ns:
                table = table[(times >= from_ns) & (times <= to_ns)]
            if len(table):
                yield BlockRows(table, self._layout)

    def _cycles(self, from_ns: int, to_ns: int) -> Iterator[RecordedCycle]:
        rares, grants = self.rares(from_ns, to_ns), self.grant_reader()
        for block in self.blocks(from_ns, to_ns):
            rows = zip(
                block.times_ns, block.snapshots(), block.desired, grants.read(block), strict=True
            )
            for now_ns, snapshot, desired, granted in rows:
                inputs = Inputs(now_ns=now_ns, snapshot=snapshot, **rares.given(now_ns))
                decision = Decision(
                    mode=granted.mode,
                    desired=desired,
                    cap_w=granted.cap_w,
                    cap_reason=granted.cap_reason,
                    **rares.taken(now_ns),
                )
                yield RecordedCycle(inputs, decision)

    def _one(self, statement: str, values: tuple[object, ...]) -> Any:
        row = self._database.execute(statement, values).fetchone()
        return None if row is None else row[0]


def _connect(path: Path) -> sqlite3.Connection:
    """Open a recording for reading, also where nothing may be written."""
    uri = path.resolve().as_uri()
    database = sqlite3.connect(f"{uri}?mode=ro", uri=True)
    try:
        database.execute("SELECT 1 FROM sqlite_schema")
    except sqlite3.OperationalError:
        database.close()
        if path.with_name(f"{path.name}-wal").exists():  # what is in it would be left out
            raise
        # Without a writer there is no WAL, and SQLite would have to make one beside the file.
        database = sqlite3.connect(f"{uri}?immutable=1", uri=True)
    return database


def _state(body: bytes) -> State:
    try:
        state: State = unpack(State, zlib.decompress(body))
    except zlib.error as error:
        raise ValueError(f"damaged state: {error}") from error
    return state
