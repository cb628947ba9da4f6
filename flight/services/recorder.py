"""The recorder: every cycle, input, event, command and answer of a run into one SQLite file.

Trouble with the disk is a value (`health`), never an exception: the cycle goes on. What could not
be stored is counted, row by row; the recorder tries the file again every REOPEN_AFTER_NS.
"""

import json
import sqlite3
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flight.core.state import State
from flight.core.types import Decision, Event, Inputs
from flight.services.frame_codec import BLOCK_ROWS, FrameEncoder
from flight.services.recording_file import Found, RecordingFile, look_at, set_aside
from flight.services.recording_schema import INPUT_KINDS, RecordingInfo
from flight.services.typed_codec import pack

KEYFRAME_ROWS = 600  # one minute of cycles, 10 ms to unpack
COMMIT_EVERY_NS = 1_000_000_000
COMMIT_EARLY_NS = 50_000_000  # half a cycle: jitter must not put a commit off by a whole block
REOPEN_AFTER_NS = 10_000_000_000
RARES_MAX = 4096  # waiting for the next block
NO_CYCLE = -1  # of an event that no cycle made: no step will say it again
QUOTA_MIB = 1024.0  # assumed: four days of REF-1

Rare = tuple[str, tuple[object, ...]]  # a table and its values
EvidenceRow = tuple[object, ...]  # of table `evidence`, from cycle_ns on

STANDING = frozenset({"input", "notice", "state"})  # tables of what will be written again
_NOTHING_GIVEN = (None, None, None, (), None)  # of INPUT_KINDS


@dataclass(frozen=True, slots=True, kw_only=True)
class RecorderHealth:
    """State of a recorder. `rows` are cycles; `rares` are inputs, events, commands and answers.

    written: committed to the file as it is now. set_aside: committed before to the one that lies
    beside it as damaged, which may have cost some of them. lost: dropped, because the disk failed
    or the queue was full, or in a file that was set aside before that one. Every cycle taken is in
    one of the three, or waits. error: the last trouble, empty while `ok`. size_bytes: of the file
    at the last commit. commit_ms, commit_ms_max: how long the last commit took, and the longest.
    set_aside_count: recordings of this path that were found damaged or of another schema.
    """

    ok: bool
    rows_written: int
    rows_lost: int
    rares_lost: int
    error: str
    size_bytes: int = 0
    commit_ms: float = 0.0
    commit_ms_max: float = 0.0
    set_aside_count: int = 0
    rows_set_aside: int = 0


class Recorder:
    """Writes a recording in the caller's thread; see RecorderBatch and RecorderThread.

    Args:
        path: The file. When it is a recording already, this run is added to it; when that is
            damaged or of another schema, it is set aside (`NAME.aside`) and a new one begun.
        info: What the recording says about this run.
        commit_every_ns: Time of flight between two commits, > 0: the most that a crash loses.
        quota_mib: The size that the file keeps; the oldest goes first, and is counted.
        block_rows: Cycles that are packed together, > 0.

    Raises: FileExistsError, on construction only: the file is no recording, and nothing is ever
    written over what is not ours.
    """

    def __init__(
        self,
        path: Path,
        info: RecordingInfo,
        *,
        commit_every_ns: int = COMMIT_EVERY_NS,
        quota_mib: float = QUOTA_MIB,
        block_rows: int = BLOCK_ROWS,
    ) -> None:
        found = look_at(path)
        if found is Found.FOREIGN:
            raise FileExistsError(f"{path} is there and is no recording")
        self._is_damaged = found is Found.UNUSABLE
        self._set_aside_count = 0
        self._path = path
        self._info = info
        self._commit_every_ns = commit_every_ns
        self._quota_mib = quota_mib
        self._block_rows = block_rows
        self._encoder = self._new_encoder()
        self._block_ns = 0  # time of the first row in the block
        self._committed_ns = 0
        self._retry_ns: int | None = None
        self._reasons_written = 0
        self._rows_pending = 0  # in the open transaction
        self._rares: list[Rare] = []
        self._rares_pending = 0
        self._given: tuple[object, ...] = _NOTHING_GIVEN
        self._notices: tuple[object, ...] = ()
        self._last_ns = -1  # before any cycle
        self.wants_state = True  # cycles are missing before the next one
        self._rows_taken = self._rows_written = self._rows_lost = self._rares_lost = 0
        self._rows_set_aside = 0
        self._losses_written = (0, 0)  # rows and rares, as some file tells them
        self._losses_before = (0, 0)  # ... of earlier runs
        self._error = ""
        self._commit_ms = self._commit_ms_max = 0.0
        self._size_bytes = 0
        self._run: int | None = None
        self._file: RecordingFile | None = None
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
            size_bytes=self._size_bytes,
            commit_ms=self._commit_ms,
            commit_ms_max=self._commit_ms_max,
            set_aside_count=self._set_aside_count,
            rows_set_aside=self._rows_set_aside,
        )

    def record(self, inputs: Inputs, decision: Decision, state: State | None = None) -> None:
        """Take one cycle. Implements CycleSink.

        Args:
            state: After the step, now and then: replays start there; None: not now.
        """
        now_ns = inputs.now_ns
        self._rows_taken += 1
        given = (inputs.allotment, inputs.plan, inputs.orbit, inputs.claims, inputs.restored)
        if given != self._given:
            self._note_inputs(now_ns, given)
        if (
            decision.events
            or decision.acks
            or decision.rearm
            or decision.requests
            or inputs.commands
            or decision.notices is not self._notices
        ):
            self._note_rares(inputs, decision)
        if self._file is None and not self._reopen(now_ns):
            self._rows_lost += 1
            self._drop_rares()
            return
        self._last_ns = now_ns
        if state is not None and not self._keep_state(now_ns, state):
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
        self._note_event(NO_CYCLE, event)

    def store_evidence(self, rows: Sequence[EvidenceRow]) -> bool:
        """Store evidence at once; return whether the disk has it for good.

        False: it does not, for whatever reason; to be called again with the same rows.
        """
        if self._file is None:
            return False
        try:
            self._commit(self._file)
            self._file.insert_evidence(list(rows))
        except (sqlite3.Error, OSError) as error:
            self._fail(error, self._last_ns)
            return False
        return True

    @property
    def rows_waiting(self) -> int:
        """Cycles that wait for their block to be full."""
        return self._encoder.rows

    def flush(self) -> None:
        """Write and commit what waits, also a block that is not full: no cycle comes."""
        if self._file is not None and (self._rares or self._encoder.rows):
            self._flush(self._last_ns, is_last=True)

    def begin_run(self, info: RecordingInfo, state: State | None = None) -> None:
        """Go on as a new run, under another configuration of the same points.

        Args:
            state: With which the next cycle begins: a replay of the new run starts there.
        """
        self.close()
        self._info, self._run = info, None
        self._encoder = self._new_encoder()
        self._reasons_written = 0
        self._forget_given()
        self.wants_state = True
        self._open(self._last_ns)
        if state is not None and self._file is not None:
            self._add_state(self._last_ns, state)

    def give_up(self, error: Exception) -> None:
        """Drop what is not on the disk, after a bug of ours, and go on as a new run."""
        self._fail(error, self._last_ns)
        self._run, self._encoder = None, self._new_encoder()
        self._rows_lost = self._rows_taken - self._rows_written - self._rows_set_aside

    def close(self) -> None:
        """Write what is left and close the file. Further calls do nothing."""
        if self._file is not None:
            self._flush(self._block_ns, is_last=True)
        if self._file is not None:
            self._file.close()
            self._file = None
            self._retry_ns = None

    def _new_encoder(self) -> FrameEncoder:
        keyframe_every = max(1, KEYFRAME_ROWS // self._block_rows)
        return FrameEncoder(self._info.layout, keyframe_every, self._block_rows)

    def _note_event(self, cycle_ns: int, event: Event) -> None:
        self._add_rare("event", (cycle_ns, *event[:5], float(event.value)))

    def _add_rare(self, table: str, values: tuple[object, ...]) -> None:
        if len(self._rares) >= RARES_MAX:  # no cycle has flushed them for long
            self._rares_lost += 1
        else:
            self._rares.append((table, values))

    def _note_rares(self, inputs: Inputs, decision: Decision) -> None:
        now_ns = inputs.now_ns
        for command in inputs.commands:
            arguments = json.dumps(dict(command.arguments))
            self._add_rare("command", (now_ns, command.command_id, command.name, arguments))
        for event in decision.events:
            self._note_event(now_ns, event)
        for ack in decision.acks:
            self._add_rare("ack", (now_ns, *ack))
        for driver in decision.rearm:
            self._add_rare("rearm", (now_ns, driver))
        for request in decision.requests:
            self._add_rare("request", (now_ns, *request))
        if decision.notices != self._notices:
            self._add_rare("notice", (now_ns, pack(decision.notices)))
        self._notices = decision.notices

    def _note_inputs(self, now_ns: int, given: tuple[object, ...]) -> None:
        for name, value, before in zip(INPUT_KINDS, given, self._given, strict=True):
            if value is not before and value != before:
                self._add_rare("input", (now_ns, name, pack(value)))
        self._given = given

    def _keep_state(self, now_ns: int, state: State) -> bool:
        """Keep a state with a keyframe, so that a replay finds both where older frames have gone;
        return whether the disk took the block before.
        """
        if self._encoder.rows:
            self._flush(now_ns)
        self._encoder.begin_keyframe()
        self._add_state(now_ns, state)
        return self._file is not None

    def _add_state(self, now_ns: int, state: State) -> None:
        self._add_rare("state", (now_ns, zlib.compress(pack(state), 1)))

    def _drop_rares(self) -> None:
        self._rares_lost += self._count_rares()
        self._rares.clear()
        self._forget_given()

    def _count_rares(self) -> int:
        """Return how many would be lost with what waits; what stands is written again."""
        return sum(table not in STANDING for table, _ in self._rares)

    def _forget_given(self) -> None:
        """Write everything that stands again with the next cycle."""
        self._given = (object(), object(), object(), object(), object())
        self._notices = (object(),)
        self.wants_state = True

    def _flush(self, now_ns: int, *, is_last: bool = False) -> None:
        file, encoder = self._file, self._encoder
        assert file is not None
        self._rows_pending += encoder.rows
        try:
            if rows := encoder.rows:
                file.insert("block", (self._block_ns, rows, *encoder.pack()), rows=rows)
            for table, values in self._rares:
                file.insert(table, values)
            self._rares_pending += self._count_rares()
            self._rares.clear()
            names = encoder.reasons.names
            while self._reasons_written < len(names):
                file.name_reason(self._reasons_written, names[self._reasons_written])
                self._reasons_written += 1
            if is_last or now_ns - self._committed_ns >= self._commit_every_ns - COMMIT_EARLY_NS:
                self._commit(file)
                self._committed_ns = now_ns
        except (sqlite3.Error, OSError) as error:
            self._fail(error, now_ns)

    def _commit(self, file: RecordingFile) -> None:
        start_ns = time.perf_counter_ns()
        losses = (self._rows_lost, self._rares_lost)
        if losses == self._losses_written:
            file.commit()
        else:
            rows_before, rares_before = self._losses_before
            file.commit((losses[0] - rows_before, losses[1] - rares_before))
        self._losses_written = losses
        self._rows_written += self._rows_pending
        self._rows_pending = self._rares_pending = 0
        self._commit_ms = (time.perf_counter_ns() - start_ns) / 1e6
        self._commit_ms_max = max(self._commit_ms_max, self._commit_ms)
        self._size_bytes = file.size_bytes

    def _fail(self, error: Exception, now_ns: int) -> None:
        """Count what the failed transaction held as lost, and wait before the next try."""
        self._error = f"{type(error).__name__}: {error}"
        self._retry_ns = now_ns + REOPEN_AFTER_NS
        # SQLite's word for a damaged file; what derives from it is trouble of another kind.
        self._is_damaged |= type(error) is sqlite3.DatabaseError
        self._rows_lost += self._rows_pending
        self._rares_lost += self._rares_pending + self._count_rares()
        self._rows_pending = self._rares_pending = 0
        self._rares.clear()
        self._encoder.begin_keyframe()
        self._reasons_written = 0
        self._forget_given()
        file, self._file = self._file, None
        if file is not None:
            file.close()  # rolls back

    def _reopen(self, now_ns: int) -> bool:
        if self._retry_ns is None or now_ns < self._retry_ns:
            return False
        self._open(now_ns)
        return self._file is not None

    def _open(self, now_ns: int) -> None:
        try:
            if self._is_damaged:
                set_aside(self._path)
                self._is_damaged, self._run = False, None
                self._set_aside_count += 1
                self._rows_lost += self._rows_set_aside  # it lay where this one lies now
                self._rows_set_aside, self._rows_written = self._rows_written, 0
            if self._run is None:
                self._losses_before = self._losses_written
            self._file = RecordingFile(
                self._path, self._info, run=self._run, quota_mib=self._quota_mib
            )
            self._run = self._file.run
            self._error = ""
        except (sqlite3.Error, OSError) as error:
            self._fail(error, now_ns)
