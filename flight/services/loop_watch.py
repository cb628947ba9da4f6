"""Finds a call that holds the event loop, and names its line while it still holds it.

A task that blocks cannot be seen by other tasks: they do not run. So a thread looks whether the
loop's beat comes; when it is late it reads the stack of the loop's thread. Not for virtual time,
where the clock stands still while code runs.

Each wake of a process costs more than what it does then. So the beat rides on the rate group, and
the thread sleeps until a beat would be late.
"""

import asyncio
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FrameType
from typing import NamedTuple

from flight.core.types import Event, Severity
from flight.services.rate_group import Histogram

NS_PER_S = 1_000_000_000
BLOCKED_S = 0.25  # assumed: two and a half cycles; less than the 0.3 s that make a cycle late
OWN_BEAT_S = 1.0
LOOK_S_MIN = 0.01
ROOT = str(Path(__file__).parents[2])
OURS = tuple(f"{ROOT}/{name}/" for name in ("flight", "hal", "sim_hw"))

_LOOP = asyncio.BaseEventLoop
_RUN_ONCE: CodeType = _LOOP._run_once.__code__  # type: ignore[attr-defined]  # noqa: SLF001


class Finding(NamedTuple):
    """What held the loop. ours: innermost line of this project, "" for none; innermost: of all."""

    held_s: float
    ours: str
    innermost: str

    def say(self) -> str:
        """Return one sentence without its end."""
        if self.ours in {"", self.innermost}:
            return f"held for {self.held_s:.2f} s by {self.innermost}"
        return f"held for {self.held_s:.2f} s by {self.ours}, in {self.innermost}"


@dataclass(slots=True)
class LoopHealth:
    """How the loop does. lateness: of its beats against their time."""

    lateness: Histogram
    blocks: int = 0
    last_block: str = ""


class LoopWatch:
    """Watches the loop that `run` runs on; a service. `beat` belongs into the rate group's table.

    Args:
        beat_period_s: How often `beat` is called. Without a rate group, or while it stands, `run`
            beats by itself once a second, and finds only what holds the loop longer than that.
        now_ns: Monotonic clock, that of the rate group.
        on_event: Called on the loop once a block is over.
        on_found: Called in the thread while the loop is still held, once per block; must not raise
            and not touch the loop. For a log: the loop may never come back.
        blocked_s: A beat later than this is a block, unless the loop is idle.
        ours: Where the code of the project lies; frames below these folders are ours.
        wait: Waits so many seconds, or less; returns True to end the thread. None: a real wait.
        frames: Returns the stack of each thread.
    """

    def __init__(
        self,
        *,
        beat_period_s: float,
        now_ns: Callable[[], int] = time.monotonic_ns,
        on_event: Callable[[Event], None] = lambda _event: None,
        on_found: Callable[[Finding], None] = lambda _finding: None,
        blocked_s: float = BLOCKED_S,
        ours: tuple[str, ...] = OURS,
        wait: Callable[[float], bool] | None = None,
        frames: Callable[[], Mapping[int, FrameType]] = sys._current_frames,  # noqa: SLF001
    ) -> None:
        self.health = LoopHealth(Histogram())
        self.progress = 0
        self._now_ns = now_ns
        self._on_event = on_event
        self._on_found = on_found
        self._period_ns = round(beat_period_s * NS_PER_S)
        self._blocked_ns = round(blocked_s * NS_PER_S)
        self._ours = ours
        self._ended = threading.Event()
        self._wait = self._ended.wait if wait is None else wait
        self._frames = frames
        self._end = asyncio.Event()
        self._due_ns = 0  # of the next beat; written by the loop, read by the thread
        self._finding: Finding | None = None  # of the block that lasts; written by the thread
        self._was_idle = False  # the beat is late, but the loop waits for work; by the thread
        self._loop_thread = 0
        self._is_watching = False

    async def run(self) -> None:
        """Watch until `request_end`."""
        self._ended.clear()
        self._end.clear()
        self._loop_thread = threading.get_ident()
        self._due_ns = self._now_ns() + self._period_ns
        self._finding, self._was_idle, self._is_watching = None, False, True
        beats = self.health.lateness.count
        thread = threading.Thread(target=self._look_on, name="loop watch", daemon=True)
        thread.start()
        try:
            while not self._end.is_set():
                try:
                    async with asyncio.timeout(OWN_BEAT_S):
                        await self._end.wait()
                except TimeoutError:
                    self.progress += 1
                    if self.health.lateness.count == beats:  # nobody else beats
                        self._take_beat(self._now_ns(), round(OWN_BEAT_S * NS_PER_S))
                    beats = self.health.lateness.count
        finally:
            self._is_watching = False
            self._ended.set()  # the thread ends at its next look; nobody waits for it

    def request_end(self) -> None:
        """Make `run` return at once."""
        self._end.set()

    def beat(self, now_ns: int) -> None:
        """Take one beat, at now_ns: an entry of the rate group."""
        if self._is_watching:
            self._take_beat(now_ns, self._period_ns)

    def _take_beat(self, now_ns: int, next_ns: int) -> None:
        late_ns = now_ns - self._due_ns
        self._due_ns = now_ns + next_ns
        self.health.lateness.add(max(0, late_ns))
        if late_ns > self._blocked_ns:
            self._end_block(now_ns, late_ns)

    def _end_block(self, now_ns: int, late_ns: int) -> None:
        finding, self._finding = self._finding, None
        was_idle, self._was_idle = self._was_idle, False
        if was_idle:
            return
        self.health.blocks += 1
        held_s = late_ns / NS_PER_S
        if finding is None:  # the thread did not get to run either
            text = f"held for {held_s:.2f} s, and no thread ran meanwhile: the line is unknown"
        else:
            text = finding._replace(held_s=held_s).say()
        self.health.last_block = text
        self._on_event(Event(now_ns, "daemon.blocked", Severity.WARNING, "daemon", text, held_s))

    # ---- in the thread ----

    def _look_on(self) -> None:
        pause_s = 0.0
        told_ns = -1  # the beat whose block has been told
        while not self._wait(pause_s):
            due_ns = self._due_ns
            early_ns = due_ns + self._blocked_ns - self._now_ns()
            if early_ns < 0 and due_ns != told_ns:
                told_ns = due_ns
                self._find(due_ns, self._blocked_ns - early_ns)
            pause_s = max(LOOK_S_MIN, (early_ns if early_ns > 0 else self._blocked_ns) / NS_PER_S)

    def _find(self, due_ns: int, late_ns: int) -> None:
        frame = self._frames().get(self._loop_thread)
        if frame is None:
            return
        finding = Finding(late_ns / NS_PER_S, find_ours(frame, self._ours), say_line(frame))
        if self._due_ns != due_ns:  # it came back while we looked: that stack is of later
            return
        if is_idle(frame):
            self._was_idle = True
        else:
            self._finding = finding
            self._on_found(finding)


def is_idle(frame: FrameType) -> bool:
    """Return whether a stack is that of a loop which waits for something to do."""
    code = frame.f_code
    return code.co_name == "select" and code.co_filename.endswith("selectors.py")


def say_line(frame: FrameType) -> str:
    """Return where a frame is: the last two parts of its path, line and function."""
    path = "/".join(Path(frame.f_code.co_filename).parts[-2:])
    return f"{path}:{frame.f_lineno} {frame.f_code.co_qualname}"


def find_ours(frame: FrameType, ours: tuple[str, ...]) -> str:
    """Return the innermost line below the folders `ours` of what the loop called, "" for none."""
    found: FrameType | None = frame
    while found is not None and found.f_code is not _RUN_ONCE:  # beyond it lies who runs the loop
        if found.f_code.co_filename.startswith(ours):
            return say_line(found)
        found = found.f_back
    return ""
