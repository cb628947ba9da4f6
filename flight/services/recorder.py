"""The recorder: every cycle, event, command and answer of a flight into one SQLite file.

Trouble with the disk is a value (`health`), never an exception: the cycle goes on. What could not
be stored is counted, row by row; the recorder tries the file again every REOPEN_AFTER_NS.
"""

import json
import sqlite3
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path

from flight.core.types import Allotment, Decision, Event, Inputs
from flight.services.frame_codec import FrameEncoder
from flight.services.recording_schema import TABLES, RecordingInfo

KEYFRAME_EVERY = 60  # blocks of ten cycles: one minute, 10 ms to unpack
COMMIT_EVERY_NS = 1_000_000_000
BATCH_NS = 10_000_000_000  # in virtual time: 0.02 s of the machine's
REOPEN_AFTER_NS = 10_000_000_000
PAGE_BYTES = 8192  # holds three blocks of REF-1; at 4096 almost half of each page stays empty
RARES_MAX = 4096  # waiting for the next block
CLOSE_TIMEOUT_S = 5.0
WRITE_EVERY_S = 1.0  # how often the writer thread looks at its queue

Rare = tuple[str, tuple[object, ...]]  # an INSERT and its values


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderHealth:
    """State of a recorder. `rows` are cycles; `rares` are events, commands, answers and grants.

    written: committed. lost: dropped, because the disk failed or the queue was full. error: the
    last trouble, empty while `ok`.
    """

    ok: bool
    rows_written: int
    rows_lost: int
    rares_lost: int
    error: str


class Recorder:
    """Writes a recording in the caller's thread; see RecorderBatch and RecorderThread.

    Args:
        path: The file; it must not exist yet.
        info: What the recording says about its flight.
        commit_every_ns: Time of flight between two commits, > 0: the most that a crash loses.

    Raises: FileExistsError, on construction only: a flight is never written over another.
    """

    def __init__(
        self, path: Path, info: RecordingInfo, *, commit_every_ns: int = COMMIT_EVERY_NS
    ) -> None:
        if path.exists():
            raise FileExistsError(f"a recording is already there: {path}")
        self._path = path
        self._info = info
        self._commit_every_ns = commit_every_ns
        self._encoder = FrameEncoder(info.layout, KEYFRAME_EVERY)
        self._block_ns = 0  # time of the first row in the block
        self._committed_ns = 0
        self._retry_ns: int | None = None
        self._reasons_written = 0
        self._rows_pending = 0  # in the open transaction
        self._rares: list[Rare] = []
        self._rares_pending = 0
        self._allotment: Allotment | None = None
        self._rows_written = self._rows_lost = self._rares_lost = 0
        self._error = ""
        self._database: sqlite3.Connection | None = None
        self._open(0)

    @property
    def health(self) -> RecorderHealth:
        """How the recorder is."""
        return RecorderHealth(
            ok=not self._error,
            rows_written=self._rows_written,
            rows_lost=self._rows_lost,
            rares_lost=self._rares_lost,
            error=self._error,
        )

    def record(self, inputs: Inputs, decision: Decision) -> None:
        """Take one cycle. Implements CycleSink."""
        now_ns = inputs.now_ns
        if decision.events or decision.acks or decision.rearm or inputs.commands:
            self._note_rares(inputs, decision)
        if inputs.allotment != self._allotment:
            self._note_allotment(inputs)
        if self._database is None and not self._reopen(now_ns):
            self._rows_lost += 1
            self._drop_rares()
            return
        encoder = self._encoder
        if encoder.rows == 0:
            self._block_ns = now_ns
        encoder.add(now_ns, inputs.snapshot, decision)
        if encoder.is_full:
            self._flush(now_ns)

    def note(self, event: Event) -> None:
        """Take an event that no cycle made, e.g. of the supervisor."""
        self._note_event(event.time_ns, event)

    def close(self) -> None:
        """Write what is left and close the file. Further calls do nothing."""
        if self._database is not None:
            self._flush(self._block_ns, is_last=True)
        if self._database is not None:
            self._database.close()
            self._database = None
            self._retry_ns = None

    def _note_event(self, cycle_ns: int, event: Event) -> None:
        if len(self._rares) >= RARES_MAX:  # no cycle has flushed them for long
            self._rares_lost += 1
            return
        values = (cycle_ns, *event[:5], float(event.value))
        self._rares.append(("INSERT INTO event VALUES(?,?,?,?,?,?,?)", values))

    def _note_rares(self, inputs: Inputs, decision: Decision) -> None:
        now_ns, rares = inputs.now_ns, self._rares
        for command in inputs.commands:
            arguments = json.dumps(dict(command.arguments))
            values = (now_ns, command.command_id, command.name, arguments)
            rares.append(("INSERT INTO command VALUES(?,?,?,?)", values))
        for event in decision.events:
            self._note_event(now_ns, event)
        for ack in decision.acks:
            rares.append(("INSERT INTO ack VALUES(?,?,?,?)", (now_ns, *ack)))
        for driver in decision.rearm:
            rares.append(("INSERT INTO rearm VALUES(?,?)", (now_ns, driver)))

    def _note_allotment(self, inputs: Inputs) -> None:
        self._allotment = inputs.allotment
        values = inputs.allotment or (None, None, None)
        self._rares.append(("INSERT INTO allotment VALUES(?,?,?,?)", (inputs.now_ns, *values)))

    def _drop_rares(self) -> None:
        self._rares_lost += len(self._rares)
        self._rares.clear()

    def _flush(self, now_ns: int, *, is_last: bool = False) -> None:
        database, encoder = self._database, self._encoder
        assert database is not None
        self._rows_pending += encoder.rows
        self._rares_pending += len(self._rares)
        try:
            if encoder.rows:
                block = (self._block_ns, encoder.rows, *encoder.pack())
                database.execute("INSERT INTO block VALUES(?,?,?,?)", block)
            for statement, values in self._rares:
                database.execute(statement, values)
            self._rares.clear()
            names = encoder.reasons.names
            while self._reasons_written < len(names):
                code = self._reasons_written
                database.execute("INSERT OR REPLACE INTO reason VALUES(?,?)", (code, names[code]))
                self._reasons_written += 1
            if is_last or now_ns - self._committed_ns >= self._commit_every_ns:
                database.commit()
                self._committed_ns = now_ns
                self._rows_written += self._rows_pending
                self._rows_pending = self._rares_pending = 0
        except sqlite3.Error as error:
            self._fail(error, now_ns)

    def _fail(self, error: Exception, now_ns: int) -> None:
        """Count what the failed transaction held as lost, and wait before the next try."""
        self._error = f"{type(error).__name__}: {error}"
        self._retry_ns = now_ns + REOPEN_AFTER_NS
        self._rows_lost += self._rows_pending
        self._rares_lost += self._rares_pending
        self._rows_pending = self._rares_pending = 0
        self._rares.clear()
        self._encoder.begin_keyframe()
        self._reasons_written = 0
        self._allotment = None  # is written again with the next row
        database, self._database = self._database, None
        if database is not None:
            try:
                database.close()  # rolls back
            except sqlite3.Error:
                self._error += " (and closing failed)"

    def _reopen(self, now_ns: int) -> bool:
        if self._retry_ns is None or now_ns < self._retry_ns:
            return False
        self._open(now_ns)
        return self._database is not None

    def _open(self, now_ns: int) -> None:
        try:
            database = sqlite3.connect(self._path, check_same_thread=False, timeout=1.0)
            self._database = database
            database.execute(f"PRAGMA page_size={PAGE_BYTES}")  # of a new file only
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")
            database.executescript(TABLES)
            database.executemany(
                "INSERT OR REPLACE INTO meta VALUES(?,?)", self._info.meta().items()
            )
            points = [
                (i, p.name, p.unit, int(p.writable is not None))
                for i, p in enumerate(self._info.points)
            ]
            database.executemany("INSERT OR REPLACE INTO point VALUES(?,?,?,?)", points)
            database.commit()
            self._error = ""
        except sqlite3.Error as error:
            self._fail(error, now_ns)


class RecorderBatch:
    """A recorder that takes cycles in batches: used in virtual time.

    Packing and writing call much code. Done once a second it comes cold each time and leaves the
    rest of the cycle cold: three times the cost.

    Args:
        path, info: As for Recorder.
        batch_ns: Time of flight between two batches and commits, > 0: the most a crash loses.
    """

    def __init__(self, path: Path, info: RecordingInfo, *, batch_ns: int = BATCH_NS) -> None:
        self._recorder = Recorder(path, info, commit_every_ns=batch_ns)
        self._batch_ns = batch_ns
        self._begun_ns = 0
        self._queue: deque[tuple[Inputs, Decision] | Event] = deque()

    @property
    def health(self) -> RecorderHealth:
        """How the recorder is; what waits for the next batch is not yet written."""
        return self._recorder.health

    def record(self, inputs: Inputs, decision: Decision) -> None:
        """Take one cycle. Implements CycleSink."""
        self._queue.append((inputs, decision))
        if inputs.now_ns - self._begun_ns >= self._batch_ns:
            self._begun_ns = inputs.now_ns
            _drain(self._queue, self._recorder)

    def note(self, event: Event) -> None:
        """Take an event that no cycle made."""
        self._queue.append(event)

    def close(self) -> None:
        """Write what is left and close the file. Further calls do nothing."""
        _drain(self._queue, self._recorder)
        self._recorder.close()


class RecorderThread:
    """A recorder whose compressing and writing happen in a thread of its own: used in real time.

    Args:
        path, info, commit_every_ns: As for Recorder.
        depth: Cycles that may wait. Beyond it new cycles are dropped and counted, except that those
            with events, commands or answers find room for `depth` more.
    """

    def __init__(
        self,
        path: Path,
        info: RecordingInfo,
        *,
        commit_every_ns: int = COMMIT_EVERY_NS,
        depth: int = 600,
    ) -> None:
        self._recorder = Recorder(path, info, commit_every_ns=commit_every_ns)
        self._depth = depth
        self._queue: deque[tuple[Inputs, Decision] | Event] = deque()
        self._rows_dropped = self._rares_dropped = 0
        self._wake = threading.Event()
        self._is_closing = False
        self._thread = threading.Thread(target=self._write, name="recorder", daemon=True)
        self._thread.start()

    @property
    def health(self) -> RecorderHealth:
        """How the recorder is; the queue's losses are included."""
        inner = self._recorder.health
        return RecorderHealth(
            ok=inner.ok and self._thread.is_alive(),
            rows_written=inner.rows_written,
            rows_lost=inner.rows_lost + self._rows_dropped,
            rares_lost=inner.rares_lost + self._rares_dropped,
            error=inner.error,
        )

    def record(self, inputs: Inputs, decision: Decision) -> None:
        """Queue one cycle; never waits. Implements CycleSink."""
        waiting = len(self._queue)
        if waiting < self._depth:
            self._queue.append((inputs, decision))
            return
        rares = (
            len(decision.events) + len(decision.acks) + len(decision.rearm) + len(inputs.commands)
        )
        if rares and waiting < 2 * self._depth:
            self._queue.append((inputs, decision))
        else:
            self._rows_dropped += 1
            self._rares_dropped += rares
            self._wake.set()

    def note(self, event: Event) -> None:
        """Queue an event that no cycle made; never waits."""
        if len(self._queue) < 2 * self._depth:
            self._queue.append(event)
        else:
            self._rares_dropped += 1

    def close(self) -> None:
        """Write what is left and close the file, within CLOSE_TIMEOUT_S."""
        self._is_closing = True
        self._wake.set()
        self._thread.join(CLOSE_TIMEOUT_S)

    def _write(self) -> None:
        while not self._is_closing:
            self._wake.wait(WRITE_EVERY_S)
            self._wake.clear()
            _drain(self._queue, self._recorder)
        _drain(self._queue, self._recorder)
        self._recorder.close()


def _drain(queue: deque[tuple[Inputs, Decision] | Event], recorder: Recorder) -> None:
    while queue:
        item = queue.popleft()
        if isinstance(item, Event):
            recorder.note(item)
        else:
            recorder.record(*item)
