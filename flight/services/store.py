"""The store: what outlives a run, in memory at once and on the disk within a second.

A change is made in memory and marks the state dirty; `run` writes dirty state, at most once per
second; `commit` and `secure` write it now. A disk that refuses is a value (`health`): the state in
memory stays right, and the write is tried again each second.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from flight.core.state import State
from flight.core.types import Decision, Event, Inputs, Mode, Restored, Severity
from flight.services.nap import Nap
from flight.services.remembered import Watch, restored_of
from flight.services.slot_file import (
    SLOT_BYTES,
    FileSystem,
    Loaded,
    SlotFile,
    SlotTrouble,
    TroubleKind,
)
from flight.services.stored_state import (
    BUDGET_TIMES_MAX,
    NS_PER_S,
    SAFE_DEFAULTS,
    SCHEMA,
    StoredState,
    decode,
    encode,
    has_ends,
    in_this_boot,
    pruned,
    stable,
    with_time_left,
)

COMMIT_EVERY_S = 1.0
WRITE_TIMEOUT_S = 5.0  # assumed: a disk that takes longer is told of; its thread waits on
LEFT_EVERY_NS = 60 * NS_PER_S  # how often the time left of operator limits is written
TRANSIENT_MODES = frozenset({Mode.BOOT, Mode.DEGRADED})  # they lead back to the one before


class StoreHealth(NamedTuple):
    """How the store is. ok: the newest write is durable. error: of the disk, "" while ok.

    commits: durable writes. failures: those that were not. is_dirty: something waits.
    """

    ok: bool
    is_dirty: bool
    commits: int
    failures: int
    sequence: int
    error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostBoot:
    """The boot of the host. boot_id: of the kernel. now_ns: its CLOCK_BOOTTIME."""

    boot_id: str
    now_ns: Callable[[], int]


class Store:
    """Keeps a StoredState. `open` comes first. Its calls belong to the thread of the event loop.

    Args:
        path: Of the slot file; its folder must exist.
        host: Which boot of the host this is, and its clock.
        now_ns: Clock of events, monotonic.
        core_state: Returns what the core remembers, for `record`; None: there is no cycle.
        on_event: Called with each event; must not raise.
        in_thread: `run` and `secure` write in a thread of their own, so that a slow disk does not
            hold the loop. False in virtual time, which has no threads.
    """

    def __init__(
        self,
        path: Path,
        *,
        host: HostBoot,
        now_ns: Callable[[], int],
        core_state: Callable[[], State | None] = lambda: None,
        on_event: Callable[[Event], None] = lambda _event: None,
        files: FileSystem | None = None,
        slot_bytes: int = SLOT_BYTES,
        in_thread: bool = False,
    ) -> None:
        self.state = StoredState()
        self.progress = 0
        self.is_same_boot = False  # the host has not restarted since the state was written
        self._file = SlotFile(path, files=files, slot_bytes=slot_bytes)
        self._host = host
        self._now_ns = now_ns
        self._on_event = on_event
        self._in_thread = in_thread
        self._watch = Watch(core_state)
        self._changes = 0  # made so far, and of them durable
        self._durable = 0
        self._commits = self._failures = 0
        self._error = ""
        self._left_ns = 0
        self._is_ending = False
        self._nap = Nap()
        self._lock = threading.Lock()  # one write at a time, and of `_durable`
        self._turn = asyncio.Lock()

    @property
    def health(self) -> StoreHealth:
        """How the store is."""
        return StoreHealth(
            ok=not self._error,
            is_dirty=self._durable != self._changes,
            commits=self._commits,
            failures=self._failures,
            sequence=self._file.sequence,
            error=self._error,
        )

    def open(self) -> tuple[StoredState, tuple[Event, ...]]:
        """Read the file; return the newest state, else safe defaults, and what there is to tell.

        The times in it are those of this host boot; the rest is as the last run left it. It does
        not write; no damage raises.
        """
        loaded = self._file.load()
        events = [self._slot_event(trouble) for trouble in loaded.troubles]
        state = self._newest_known(loaded, events)
        if state is None and loaded.is_first:
            state = StoredState()
            events.append(
                self._event("store.created", Severity.INFO, "no state yet: a first start")
            )
        elif state is None:
            state = SAFE_DEFAULTS
            text = "no complete state: safe defaults; what is there is kept as .damaged"
            events.append(self._event("store.lost", Severity.CRITICAL, text))
        self.is_same_boot = state.host_boot_id == self._host.boot_id
        self.state = in_this_boot(state, self._host.boot_id, self._host.now_ns())
        self._changes += 1  # whatever was found, the first commit writes it down in this schema
        return self.state, tuple(events)

    def update(self, **changes: Any) -> None:
        """Replace fields of the state; cheap, durable later. TypeError: no such field."""
        state = replace(self.state, **changes)
        if state != self.state:
            self.state = state
            self._changes += 1

    def load(self, name: str) -> tuple[int, ...]:
        """Return restart times kept under a name, oldest first. With `save`, a BudgetStore."""
        return self.state.budgets_ns.get(name, ())

    def save(self, name: str, times_ns: tuple[int, ...]) -> None:
        """Keep restart times (CLOCK_BOOTTIME) under a name; older ones than a day are dropped."""
        times_ns = times_ns[-BUDGET_TIMES_MAX:]
        self.update(budgets_ns={**self.state.budgets_ns, name: times_ns})

    def restored(self, restart_count: int) -> Restored:
        """Return what a core that begins anew in the midst of this run is to take over."""
        return restored_of(
            self.state,
            self._host.now_ns(),
            was_planned=False,
            restart_count=restart_count,
            same_boot=True,
        )

    def record(self, inputs: Inputs, decision: Decision) -> None:
        """Take what a cycle changed. Implements CycleSink; it waits for nothing."""
        mode = decision.mode
        if mode is not self.state.mode and mode not in TRANSIENT_MODES:
            self.update(mode=mode)
        seen = self._watch.look(self._host.now_ns, inputs.now_ns)
        if seen is not None:
            self.update(**seen._asdict())

    def commit(self) -> bool:
        """Write the state now; return whether it is durable. It waits for the disk.

        For the start and the end of a run; while the loop runs, `secure` does not hold it.
        """
        changes, body = self._prepare()
        return self._note_result(self._write(changes, body))

    async def secure(self) -> bool:
        """As `commit`, without holding the loop; False after WRITE_TIMEOUT_S at the latest."""
        if not self._in_thread:
            return self.commit()
        try:
            async with asyncio.timeout(WRITE_TIMEOUT_S), self._turn:
                error = await self._start_write()
        except TimeoutError:
            error = "the disk does not answer"
        return self._note_result(error)

    async def run(self) -> None:
        """Write dirty state, at most once per COMMIT_EVERY_S, until `request_end` and then.

        When cancelled it stops at once; what is dirty then is lost unless someone commits.
        """
        while not self._is_ending:
            self.tidy()
            if self.health.is_dirty:
                await self.secure()
            self.progress += 1
            await self._nap.sleep(COMMIT_EVERY_S)
        if self.health.is_dirty:
            await self.secure()

    def request_end(self) -> None:
        """Ask `run` to write what is dirty and return."""
        self._is_ending = True
        self._nap.wake()

    def tidy(self) -> None:
        """Drop what is over; refresh the time left of operator limits now and then."""
        now_ns = self._host.now_ns()
        state = stable(pruned(self.state, now_ns), now_ns)
        is_due = now_ns - self._left_ns >= LEFT_EVERY_NS
        if state is not self.state or (is_due and has_ends(state)):
            self.state = state
            self._changes += 1

    def _prepare(self) -> tuple[int, bytes]:
        """Return the number of the newest change and the bytes of the state."""
        now_ns = self._left_ns = self._host.now_ns()
        return self._changes, encode(with_time_left(self.state, now_ns))

    def _write(self, changes: int, body: bytes) -> str:
        """Write a state, unless a newer one has been; return the error, "" when it is durable."""
        if not self._lock.acquire(timeout=WRITE_TIMEOUT_S):
            return "the disk does not answer"
        try:
            if changes < self._durable:
                return ""
            trouble = self._file.write(SCHEMA, body)
            if trouble is not None:
                return trouble.text
            self._durable = changes
            return ""
        finally:
            self._lock.release()

    def _start_write(self) -> "asyncio.Future[str]":
        """Write in a thread; it gives up after WRITE_TIMEOUT_S unless it is the one that hangs."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[str] = loop.create_future()
        changes, body = self._prepare()

        def write() -> None:
            error = self._write(changes, body)
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(lambda: None if done.done() else done.set_result(error))

        try:
            threading.Thread(target=write, name="store", daemon=True).start()
        except RuntimeError as error:  # the machine has no thread left
            done.set_result(str(error))
        return done

    def _note_result(self, error: str) -> bool:
        """Count a write, tell of the first that failed and of the first that did not."""
        was = self._error
        self._error = error
        if error:
            self._failures += 1
            if not was:
                text = f"state is kept in memory only: {error}"
                self._on_event(self._event("store.write_failed", Severity.WARNING, text))
            return False
        self._commits += 1
        if was:
            text = f"state is durable again after: {was}"
            self._on_event(self._event("store.write_restored", Severity.INFO, text))
        return True

    def _newest_known(self, loaded: Loaded, events: list[Event]) -> StoredState | None:
        """Return the newest state that can be understood; None for none."""
        for slot in loaded.slots:
            if slot.schema > SCHEMA:
                self._file.keep_aside(".newer")
                text = f"schema {slot.schema} is newer than {SCHEMA}: kept as .newer, safe defaults"
                events.append(self._event("store.newer", Severity.CRITICAL, text))
                return SAFE_DEFAULTS
            try:
                state = decode(slot.schema, slot.body)
            except ValueError as error:
                trouble = SlotTrouble(slot.name, TroubleKind.BODY, str(error))
                events.append(self._slot_event(trouble))
                continue
            self._file.use(slot)
            if slot.schema != SCHEMA:
                text = f"schema {slot.schema} taken over to {SCHEMA}"
                events.append(self._event("store.migrated", Severity.INFO, text))
            return state
        if loaded.slots:
            self._file.keep_aside(".damaged")
        return None

    def _slot_event(self, trouble: SlotTrouble) -> Event:
        where = "file" if trouble.slot == "file" else f"slot {trouble.slot}"
        text = f"{where}: {trouble.kind}: {trouble.text}"
        return self._event("store.damaged", Severity.WARNING, text)

    def _event(self, event_id: str, severity: Severity, text: str) -> Event:
        return Event(self._now_ns(), event_id, severity, "store", text)
