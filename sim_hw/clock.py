"""Virtual time: an asyncio loop whose clock is an integer of nanoseconds and jumps to the next
timer.

Nothing waits for the world, so a day of flight runs in minutes and twice the same. What would touch
the world (a descriptor, a socket, a thread, a subprocess) is refused by name, because its result
would come at a moment that the virtual clock cannot know. Timers due at the same instant fire in
the order
in which they were armed: the order of a run depends on the program alone.
"""

import asyncio
import heapq
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import Context
from typing import Any, NoReturn, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

NS_PER_S = 1_000_000_000
CANCELLED_TIMERS_KEPT_MAX = 100  # below this many, cancelled timers wait in the heap for their turn


class RealIoRefused(RuntimeError):  # noqa: N818  # says what happened
    """Something asked the virtual-time loop for real I/O; the message names it. A caller's bug."""


class SimDeadlock(RuntimeError):  # noqa: N818  # says what happened
    """Every task waits and no timer is armed: nothing can ever wake. Names the waiting tasks."""


class SimLoop(asyncio.BaseEventLoop):
    """An event loop on virtual time, for one thread.

    Args:
        start_ns: Virtual time at the beginning, >= 0.
        before_jump: Called with the time in ns that the clock is about to jump to; it may sleep to
            pace the run against the wall clock. None: as fast as possible.

    `time()` is the clock in seconds; it is exact to the nanosecond for the first 52 days.
    """

    def __init__(self, start_ns: int = 0, before_jump: Callable[[int], None] | None = None) -> None:
        super().__init__()
        self._now_ns = start_ns
        self._before_jump = before_jump
        self._timers: list[tuple[int, int, asyncio.TimerHandle]] = []
        self._timers_armed = 0  # gives each timer its place among those of the same instant
        self._timers_cancelled = 0

    def now_ns(self) -> int:
        """Return virtual time in nanoseconds."""
        return self._now_ns

    def time(self) -> float:
        """Return virtual time in seconds."""
        return self._now_ns / NS_PER_S

    def leap(self, to_ns: int) -> bool:
        """Move the clock to `to_ns` if nothing else is due until then; return whether it did.

        For a task that would only sleep so long. What is due in between, or at `to_ns` itself,
        refuses the leap: the order of a run is the same with and without it.
        """
        self._drop_cancelled()
        timers = self._timers
        is_free = not self._ready and not self._stopping  # type: ignore[attr-defined]
        if not is_free or to_ns <= self._now_ns or (timers and timers[0][0] <= to_ns):
            return False
        if self._before_jump is not None:
            self._before_jump(to_ns)
        self._now_ns = to_ns
        return True

    def call_later(
        self,
        delay: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Arm a timer `delay` seconds ahead, rounded to the nanosecond; below 0 counts as 0."""
        return self._arm(self._now_ns + round(delay * NS_PER_S), callback, args, context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*Ts], object],
        *args: *Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Arm a timer for `time()` = when, rounded to the nanosecond; a past time counts as now."""
        return self._arm(round(when * NS_PER_S), callback, args, context)

    def call_soon_threadsafe(
        self, callback: Callable[[*Ts], object], *args: *Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Schedule from a signal handler of the loop's own thread; another thread is refused."""
        own_thread = getattr(self, "_thread_id", None)
        if own_thread is not None and own_thread != threading.get_ident():
            raise RealIoRefused("call_soon_threadsafe from another thread in virtual time")
        return super().call_soon_threadsafe(callback, *args, context=context)

    def _arm(
        self,
        when_ns: int,
        callback: Callable[..., object],
        args: tuple[Any, ...],
        context: Context | None,
    ) -> asyncio.TimerHandle:
        if self.is_closed():
            raise RuntimeError("Event loop is closed")
        when_ns = max(when_ns, self._now_ns)
        timer = asyncio.TimerHandle(when_ns / NS_PER_S, callback, args, self, context)
        timer._scheduled = True  # type: ignore[attr-defined]  # noqa: SLF001  # cancel() reports
        self._timers_armed += 1
        heapq.heappush(self._timers, (when_ns, self._timers_armed, timer))
        return timer

    # The names below are the seams that asyncio.BaseEventLoop leaves to its subclasses.

    def _timer_handle_cancelled(self, timer: asyncio.TimerHandle) -> None:
        if not timer._scheduled:  # type: ignore[attr-defined]  # noqa: SLF001  # it has fired
            return
        self._timers_cancelled += 1
        cancelled = self._timers_cancelled
        if cancelled > CANCELLED_TIMERS_KEPT_MAX and 2 * cancelled > len(self._timers):
            self._timers = [entry for entry in self._timers if not entry[2].cancelled()]
            heapq.heapify(self._timers)
            self._timers_cancelled = 0

    def _write_to_self(self) -> None:
        """Do nothing: the loop never blocks, so nothing has to wake it."""

    def _process_events(self, _events: object) -> None:
        """Do nothing: there are no descriptors."""

    def _run_once(self) -> None:
        ready = self._ready  # type: ignore[attr-defined]
        timers = self._timers
        if ready:
            if timers and timers[0][0] <= self._now_ns:
                self._collect_due(ready)
        elif self._stopping:  # type: ignore[attr-defined]
            return
        else:
            self._jump()
            self._collect_due(ready)
        for _ in range(len(ready)):  # callbacks scheduled from now on run in the next round
            handle = ready.popleft()
            if not handle.cancelled():
                handle._run()  # noqa: SLF001

    def _jump(self) -> None:
        """Move the clock to the next timer that was not cancelled."""
        self._drop_cancelled()
        timers = self._timers
        if not timers:
            raise SimDeadlock(self._describe_deadlock())
        now_ns = timers[0][0]
        if now_ns != self._now_ns:
            if self._before_jump is not None:
                self._before_jump(now_ns)
            self._now_ns = now_ns

    def _drop_cancelled(self) -> None:
        """Drop the cancelled timers that are next, so that the first one is armed."""
        timers = self._timers
        while timers and timers[0][2].cancelled():
            heapq.heappop(timers)
            self._timers_cancelled -= 1

    def _collect_due(self, ready: deque[asyncio.Handle]) -> None:
        """Make every timer that is due now ready, in the order in which they were armed."""
        timers, now_ns = self._timers, self._now_ns
        while timers and timers[0][0] <= now_ns:
            timer = heapq.heappop(timers)[2]
            timer._scheduled = False  # type: ignore[attr-defined]  # noqa: SLF001
            if timer.cancelled():
                self._timers_cancelled -= 1
            else:
                ready.append(timer)

    def _describe_deadlock(self) -> str:
        names = sorted(task.get_name() for task in asyncio.all_tasks(self))
        listed = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        return (
            f"nothing can ever wake at {self.time():.9f} s: no timer is armed and "
            f"{len(names)} task(s) wait: {listed or 'none'}"
        )


def run_simulated(
    main: Coroutine[Any, Any, T],
    start_ns: int = 0,
    before_jump: Callable[[int], None] | None = None,
) -> T:
    """Run a coroutine to its end in virtual time and return its result.

    Raises: SimDeadlock, when nothing can ever wake; RealIoRefused, from the place that asked for
    I/O. Ctrl-C cancels `main`, as under asyncio.run.
    """
    with asyncio.Runner(loop_factory=lambda: SimLoop(start_ns, before_jump)) as runner:
        return runner.run(main)


_REFUSED = (
    "add_reader",
    "add_signal_handler",
    "add_writer",
    "connect_accepted_socket",
    "connect_read_pipe",
    "connect_write_pipe",
    "create_connection",
    "create_datagram_endpoint",
    "create_server",
    "create_unix_connection",
    "create_unix_server",
    "getaddrinfo",
    "getnameinfo",
    "remove_reader",
    "remove_writer",
    "run_in_executor",
    "sendfile",
    "set_default_executor",
    "sock_accept",
    "sock_connect",
    "sock_recv",
    "sock_recv_into",
    "sock_recvfrom",
    "sock_recvfrom_into",
    "sock_sendall",
    "sock_sendfile",
    "sock_sendto",
    "start_tls",
    "subprocess_exec",
    "subprocess_shell",
)


def _refusing(name: str) -> Callable[..., NoReturn]:
    def refuse(_loop: SimLoop, *_args: object, **_keywords: object) -> NoReturn:
        raise RealIoRefused(
            f"{name} in virtual time: the loop has no descriptors, threads or processes"
        )

    refuse.__name__ = name
    refuse.__doc__ = f"Raise RealIoRefused: {name} needs the real world."
    return refuse


for _name in _REFUSED:
    setattr(SimLoop, _name, _refusing(_name))
