"""Recorders behind a queue: the cycle hands over and goes on.

What a cycle gives is immutable, so the queue holds references and copies nothing.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from flight.core.state import State
from flight.core.types import Decision, Event, Inputs
from flight.services.frame_codec import BLOCK_ROWS
from flight.services.recorder import (
    COMMIT_EVERY_NS,
    QUOTA_MIB,
    EvidenceRow,
    Recorder,
    RecorderHealth,
)
from flight.services.recording_schema import RecordingInfo

STATE_EVERY_NS = 60_000_000_000  # a replay starts at most so long before what it is asked for
BATCH_NS = 10_000_000_000  # in virtual time: 0.02 s of the machine's
BATCH_BLOCK_ROWS = 20  # in virtual time: what each block costs by itself is shared by twice as many
CLOSE_TIMEOUT_S = 5.0
IDLE_S = 2.0  # a full block wakes the writer thread each second; if none does, it writes what waits
EVIDENCE_WAITING_MAX = 64  # batches of evidence; whoever gave one gives it again

_Cycle = tuple[Inputs, Decision, State | None]


class _NewRun(NamedTuple):
    """From here on cycles belong to a new run, which begins with a state."""

    info: RecordingInfo
    state: State | None


_Item = _Cycle | Event | _NewRun


class EvidenceStore(Protocol):
    """Where evidence is kept. No call waits, nor raises for trouble with the disk."""

    def put_evidence(self, rows: Sequence[EvidenceRow]) -> int:
        """Store evidence soon and return a ticket; the same again does no harm."""

    def is_durable(self, ticket: int) -> bool:
        """Return whether the disk has what was given with a ticket, for good."""


class _Tickets:
    """Which batches of evidence have reached the disk."""

    def __init__(self) -> None:
        self._given = 0
        self._durable: deque[int] = deque(maxlen=2 * EVIDENCE_WAITING_MAX)

    def new(self) -> int:
        self._given += 1
        return self._given

    def note_durable(self, ticket: int) -> None:
        self._durable.append(ticket)

    def is_durable(self, ticket: int) -> bool:
        return ticket in tuple(self._durable)  # a copy: the writer thread may append meanwhile


class _StateClock:
    """Says when a state is to be kept: each minute, behind each gap, and when the recorder has lost
    cycles. In between none is held: what a step remembers would go cold in the queue.
    """

    def __init__(self, recorder: Recorder, info: RecordingInfo) -> None:
        self.state_now: Callable[[], State | None] = _no_state
        self._recorder = recorder
        self._gap_ns_max = info.period_ns * 3 // 2
        self._due_ns = 0
        self._next_ns = 0  # a later cycle stands behind a gap

    def tick(self, now_ns: int) -> State | None:
        """Return the state of a cycle that is to be kept with it, else None."""
        next_ns, self._next_ns = self._next_ns, now_ns + self._gap_ns_max
        if now_ns <= next_ns and now_ns < self._due_ns and not self._recorder.wants_state:
            return None
        self._due_ns = now_ns + STATE_EVERY_NS
        self._recorder.wants_state = False  # or each cycle would bring one until this is written
        return self.state_now()


class RecorderBatch:
    """A recorder that takes cycles in batches: used in virtual time.

    Packing and writing call much code. Done once a second it comes cold each time and leaves the
    rest of the cycle cold: three times the cost.

    Args:
        path, info, quota_mib: As for Recorder.
        batch_ns: Time of flight between two batches and commits, > 0: the most a crash loses.
    """

    def __init__(
        self,
        path: Path,
        info: RecordingInfo,
        *,
        batch_ns: int = BATCH_NS,
        quota_mib: float = QUOTA_MIB,
    ) -> None:
        block_rows = min(max(BLOCK_ROWS, batch_ns // info.period_ns), BATCH_BLOCK_ROWS)
        self._recorder = Recorder(
            path, info, commit_every_ns=batch_ns, quota_mib=quota_mib, block_rows=block_rows
        )
        self._batch_ns = batch_ns
        self._begun_ns = 0
        self._queue: deque[_Item] = deque()
        self._tickets = _Tickets()
        self._states = _StateClock(self._recorder, info)

    @property
    def health(self) -> RecorderHealth:
        """How the recorder is; what waits for the next batch is not yet written."""
        return self._recorder.health

    def watch_state(self, state_now: Callable[[], State | None]) -> None:
        """Say where the state after each step is found, e.g. `lambda: cycle.state`."""
        self._states.state_now = state_now

    def record(self, inputs: Inputs, decision: Decision) -> None:
        """Take one cycle. Implements CycleSink."""
        self._queue.append((inputs, decision, self._states.tick(inputs.now_ns)))
        if inputs.now_ns - self._begun_ns >= self._batch_ns:
            self._begun_ns = inputs.now_ns
            _drain(self._queue, self._recorder)

    def begin_run(self, info: RecordingInfo) -> None:
        """Go on as a new run, under another configuration."""
        self._queue.append(_NewRun(info, self._states.state_now()))

    def note(self, event: Event) -> None:
        """Take an event that no cycle made."""
        self._queue.append(event)

    def put_evidence(self, rows: Sequence[EvidenceRow]) -> int:
        """Store evidence at once. Implements EvidenceStore."""
        ticket = self._tickets.new()
        if self._recorder.store_evidence(rows):
            self._tickets.note_durable(ticket)
        return ticket

    def is_durable(self, ticket: int) -> bool:
        """Return whether the disk has it. Implements EvidenceStore."""
        return self._tickets.is_durable(ticket)

    def close(self) -> None:
        """Write what is left and close the file. Further calls do nothing."""
        _drain(self._queue, self._recorder)
        self._recorder.close()


class RecorderThread:
    """A recorder whose compressing and writing happen in a thread of its own: used in real time.

    The thread writes and commits as soon as a block is full, so a crash of the process loses less
    than a second. A bug of ours costs what was not on the disk; the thread goes on.

    Args:
        path, info, commit_every_ns, quota_mib: As for Recorder.
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
        quota_mib: float = QUOTA_MIB,
    ) -> None:
        self._recorder = Recorder(path, info, commit_every_ns=commit_every_ns, quota_mib=quota_mib)
        self._depth = depth
        self._queue: deque[_Item] = deque()
        self._evidence: deque[tuple[int, Sequence[EvidenceRow]]] = deque()
        self._tickets = _Tickets()
        self._states = _StateClock(self._recorder, info)
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
            size_bytes=inner.size_bytes,
            commit_ms=inner.commit_ms,
            commit_ms_max=inner.commit_ms_max,
            set_aside_count=inner.set_aside_count,
            rows_set_aside=inner.rows_set_aside,
        )

    def watch_state(self, state_now: Callable[[], State | None]) -> None:
        """Say where the state after each step is found, e.g. `lambda: cycle.state`."""
        self._states.state_now = state_now

    def record(self, inputs: Inputs, decision: Decision) -> None:
        """Queue one cycle; never waits. Implements CycleSink."""
        waiting = len(self._queue)
        if waiting < self._depth:
            self._queue.append((inputs, decision, self._states.tick(inputs.now_ns)))
            if waiting + self._recorder.rows_waiting >= BLOCK_ROWS - 1:
                self._wake.set()
            return
        rares = sum(
            len(found)
            for found in (
                decision.events, decision.acks, decision.rearm, decision.requests, inputs.commands
            )
        )  # fmt: skip
        if rares and waiting < 2 * self._depth:
            self._queue.append((inputs, decision, self._states.tick(inputs.now_ns)))
        else:
            self._rows_dropped += 1
            self._rares_dropped += rares
            self._wake.set()

    def begin_run(self, info: RecordingInfo) -> None:
        """Go on as a new run, under another configuration; never waits."""
        self._queue.append(_NewRun(info, self._states.state_now()))

    def note(self, event: Event) -> None:
        """Queue an event that no cycle made; never waits."""
        if len(self._queue) < 2 * self._depth:
            self._queue.append(event)
        else:
            self._rares_dropped += 1

    def put_evidence(self, rows: Sequence[EvidenceRow]) -> int:
        """Queue evidence; a ticket that finds no room never becomes durable. Implements
        EvidenceStore.
        """
        ticket = self._tickets.new()
        if len(self._evidence) < EVIDENCE_WAITING_MAX:
            self._evidence.append((ticket, rows))
            self._wake.set()
        return ticket

    def is_durable(self, ticket: int) -> bool:
        """Return whether the disk has it. Implements EvidenceStore."""
        return self._tickets.is_durable(ticket)

    def close(self) -> None:
        """Write what is left and close the file, within CLOSE_TIMEOUT_S."""
        self._is_closing = True
        self._wake.set()
        self._thread.join(CLOSE_TIMEOUT_S)

    def _write(self) -> None:
        while not self._is_closing:
            is_idle = not self._wake.wait(IDLE_S)
            self._wake.clear()
            self._survive(self._write_all)
            if is_idle:
                self._survive(self._recorder.flush)
        while self._queue or self._evidence:  # each try takes at least one out
            self._survive(self._write_all)
        self._survive(self._recorder.close)

    def _survive(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001  # nobody would start this thread again
            self._recorder.give_up(error)

    def _write_all(self) -> None:
        while self._evidence:
            ticket, rows = self._evidence.popleft()
            if self._recorder.store_evidence(rows):
                self._tickets.note_durable(ticket)
        _drain(self._queue, self._recorder)


def _no_state() -> None:
    """Nobody watches the state: a replay starts at the begin of the run."""


def _drain(queue: deque[_Item], recorder: Recorder) -> None:
    while queue:
        item = queue.popleft()
        if isinstance(item, Event):
            recorder.note(item)
        elif isinstance(item, _NewRun):
            recorder.begin_run(*item)
        else:
            recorder.record(*item)
