"""The daemon: runs ready-made parts under a supervisor until told to end, then ends in order.

Order of the end: the cycle stops; safe values are written and a last beat makes the drivers take
them; the services end, the link last of them with a good-bye; the recording is closed; the store
says that the run ended in order. The safe values are written on every way out, and each of these
acts is done whatever became of those before it.
"""

import asyncio
import contextlib
import resource
import signal
import sys
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import structlog

from flight.core.points import PointTable
from flight.core.types import Ack, Decision, Event, Float64s, Inputs, Severity
from flight.services.cycle import Cycle
from flight.services.exit_guard import ExitGuard
from flight.services.link import Link
from flight.services.rate_group import RateGroup
from flight.services.recorder import RecorderHealth
from flight.services.restart_budget import Escalation
from flight.services.restart_ladder import Rung
from flight.services.stray_errors import stray_errors_told
from flight.services.supervised import Child
from flight.services.supervisor import Supervisor

NS_PER_S = 1_000_000_000
EXIT_OK = 0
EXIT_BUG = 3  # the cycle failed beyond its restart budget
EXIT_RENEW = 4  # a planned end: whoever keeps the process starts a fresh one
RESTART_WINDOW_S = 600.0
TASK_RESTARTS_MAX = 3
LINK_STALL_S = 30.0  # longer than a connect may take

_LOG_METHODS = {
    Severity.DEBUG: "debug",
    Severity.INFO: "info",
    Severity.WARNING: "warning",
    Severity.CRITICAL: "critical",
}


def log_event(event: Event) -> None:
    """Log one event with the level of its severity."""
    write = getattr(structlog.get_logger("nightside"), _LOG_METHODS[event.severity])
    write(event.event_id, subject=event.subject, text=event.text)


def log_answer(ack: Ack) -> None:
    """Log the answer to a command."""
    logger = structlog.get_logger("nightside")
    if ack.ok:
        logger.info("command.done", subject=ack.command_id, text=ack.reason or "done")
    else:
        logger.warning("command.refused", subject=ack.command_id, text=ack.reason)


class EventLogger:
    """Logs what each cycle says, so that a terminal or a journal tells the story. A CycleSink."""

    def record(self, inputs: Inputs, decision: Decision) -> None:
        """Log the events and answers of one cycle."""
        for event in decision.events:
            log_event(event)
        for ack in decision.acks:
            log_answer(ack)


class Ending:
    """How and when the daemon is to end. Made inside the running event loop.

    Args:
        stop: Ends it in order when set by somebody else; None: an event of its own.
    """

    def __init__(self, stop: asyncio.Event | None = None) -> None:
        self.event = asyncio.Event() if stop is None else stop
        self.exit_code = EXIT_OK

    def end(self, exit_code: int = EXIT_OK) -> None:
        """End the daemon; of several codes the gravest counts: a bug, a planned end, none."""
        if self.exit_code != EXIT_BUG:
            self.exit_code = exit_code or self.exit_code
        self.event.set()


class DaemonImage(Protocol):
    """What the end of the daemon needs of the node image."""

    def write_desired(self, values: Float64s, epoch: int) -> None:
        """Put desired values; NaN leaves a slot as it is."""

    def beat(self, epoch: int) -> None:
        """Change the heartbeat word."""


class DaemonRecorder(Protocol):
    """What the daemon needs of a recorder besides being a sink of the cycle."""

    @property
    def health(self) -> RecorderHealth:
        """How the recorder is."""

    def note(self, event: Event) -> None:
        """Take an event that no cycle made."""

    def close(self) -> None:
        """Write what is left and close."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonParts:
    """The parts of a daemon, ready to run.

    Args:
        rate_group: Its table holds the cycle.
        cycle: Its sinks are the recorder and the link.
        safe_desired: In the order of the writable points (`safe_values`); NaN leaves a slot as it
            is.
        now_ns: Monotonic clock of the rate group.
        reconcile: Makes drivers in this process act on the image, at a time in ns; None, when
            drivers are processes of their own and do so by themselves.
        services: Further children, besides link and cycle.
        escalation: Budgets and acts of the restart ladder; None: budgets in memory, and a cycle
            beyond its own ends the daemon.
        note: Takes each event that no cycle made; None: recorder, link and log.
        restarts_max, window_s: Restarts of link and cycle in a sliding window.
        begin_cycle: Awaited each time before the cycle starts: a wait after too many crashes.
        end_begins: Called first of all at the end, before anything stops: the service manager.
        ended: Called last of all, when the recording is closed: the store.
        supervised: Told of the supervisor once it is made, for the status.
    """

    rate_group: RateGroup
    cycle: Cycle[Any, Any]
    image: DaemonImage
    recorder: DaemonRecorder
    link: Link
    safe_desired: Float64s
    now_ns: Callable[[], int]
    reconcile: Callable[[int], None] | None = None
    services: Sequence[Child] = ()
    escalation: Escalation | None = None
    note: Callable[[Event], None] | None = None
    restarts_max: int = TASK_RESTARTS_MAX
    window_s: float = RESTART_WINDOW_S
    begin_cycle: Callable[[], Awaitable[None]] | None = None
    end_begins: Callable[[], object] = lambda: None
    ended: Callable[[], object] = lambda: None
    supervised: Callable[[Supervisor], None] = lambda _supervisor: None


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonReport:
    """What the daemon used and how well it kept its period."""

    cycles: int
    period_p50_ms: float
    period_p99_ms: float
    period_max_ms: float
    overruns: int
    missed_cycles: int
    late_cycles: int
    lateness_classes: list[list[float]]
    cpu_s: float
    rss_mib: float
    rows_lost: int
    messages_lost: int

    def lines(self) -> str:
        """Return the report for people, at most 80 columns."""
        classes = "".join(
            f"lateness      up to {edge_ms:>6.4g} ms {count:>9.0f}\n"
            for edge_ms, count in self.lateness_classes
        )
        return (
            f"cycles        {self.cycles} ({self.overruns} overruns, {self.late_cycles} late)\n"
            f"cycle period  p50 {self.period_p50_ms:.1f} ms, p99 {self.period_p99_ms:.1f} ms, "
            f"max {self.period_max_ms:.1f} ms\n"
            f"missed        {self.missed_cycles} deadlines\n"
            f"{classes}"
            f"CPU           {self.cpu_s:.2f} s\n"
            f"RSS           {self.rss_mib:.1f} MiB\n"
            f"lost          {self.rows_lost} recorded cycles, {self.messages_lost} messages\n"
        )


def safe_values(points: PointTable) -> Float64s:
    """Return the safe value of each writable point; NaN, where there is none, leaves it alone."""
    writables = (points.points[i].writable for i in points.writable_indices)
    return np.array([w.safe for w in writables if w is not None], np.float64)


async def run_daemon(
    parts: DaemonParts,
    *,
    ending: Ending,
    handle_signals: bool = True,
    write: Callable[[str], object] = sys.stdout.write,
    exit_guard: ExitGuard | None = None,
) -> int:
    """Run until SIGTERM, SIGINT or `ending`; return the exit code.

    Args:
        handle_signals: Whether SIGTERM and SIGINT end it in order, and stray errors are told. False
            in virtual time, whose loop has neither signals nor threads.
        write: Takes the report at the end.
        exit_guard: Armed once the services have ended; whoever gave it disarms it.
    """
    cycle_stop = asyncio.Event()
    supervisor = Supervisor(
        _children(parts, cycle_stop),
        now_ns=parts.now_ns,
        on_event=parts.note or _note_of(parts),
        on_budget_spent=lambda child, _error: _end_without_ladder(parts, ending, child),
        escalation=parts.escalation,
    )
    parts.supervised(supervisor)
    try:
        with _outer_world(parts, ending) if handle_signals else contextlib.nullcontext():
            async with asyncio.TaskGroup() as group:
                group.create_task(supervisor.run(), name="supervisor")
                await ending.event.wait()
                parts.end_begins()
                await supervisor.stop("cycle")
                _write_safe(parts)
                parts.cycle.interrupt()
                await supervisor.shutdown()
    except BaseException:
        ending.end(EXIT_BUG)  # whatever it was, it was no end in order
        raise
    finally:
        if exit_guard is not None:
            exit_guard.arm(EXIT_BUG)
        _finish(parts, ending, supervisor)
        write(measure(parts).lines())
        if exit_guard is not None:
            exit_guard.arm(ending.exit_code)
    return ending.exit_code


def _finish(parts: DaemonParts, ending: Ending, supervisor: Supervisor) -> None:
    """Do the last acts, each of them whatever became of the others; then raise the first error."""
    errors = []
    acts = (
        lambda: _write_safe(parts),
        lambda: _tell_of_left(parts, supervisor),
        parts.recorder.close,
        parts.ended,
    )
    for act in acts:
        try:
            act()
        except Exception as error:  # noqa: BLE001  # our bug: it is raised once all is done
            ending.end(EXIT_BUG)
            errors.append(error)
    if errors:
        raise errors[0]


def _tell_of_left(parts: DaemonParts, supervisor: Supervisor) -> None:
    """Name the tasks that ignore their end: they hold the end of the process up."""
    names = ", ".join(task.name for task in supervisor.tree().children if task.abandoned)
    if names:
        text = f"{names}: still there at the end of the daemon, the process ends without"
        event = Event(parts.now_ns(), "daemon.task_left", Severity.WARNING, "daemon", text)
        (parts.note or _note_of(parts))(event)


def _children(parts: DaemonParts, cycle_stop: asyncio.Event) -> list[Child]:
    """Return all children; they end in the reverse order, so the link is the last."""

    async def run_cycle() -> None:
        if parts.begin_cycle is not None:
            await parts.begin_cycle()
        await parts.rate_group.run(cycle_stop)

    link, stats = parts.link, parts.rate_group.stats
    return [
        Child(
            name="link",
            start=link.run,
            stop=link.request_end,
            progress=lambda: link.progress,
            stall_s=LINK_STALL_S,
            restarts_max=parts.restarts_max,
            window_s=parts.window_s,
            is_link=True,
            is_optional=True,
        ),
        *parts.services,
        Child(
            name="cycle",
            start=run_cycle,
            restarts_max=parts.restarts_max,
            window_s=parts.window_s,
            stop=cycle_stop.set,
            rungs=(Rung.SAFE, Rung.EXIT, Rung.WATCHDOG),
            is_vital=True,
            lateness=stats.lateness,
        ),
    ]


def _note_of(parts: DaemonParts) -> Callable[[Event], None]:
    def note(event: Event) -> None:
        parts.recorder.note(event)
        parts.link.note(event)
        log_event(event)

    return note


def _end_without_ladder(parts: DaemonParts, ending: Ending, child: Child) -> None:
    """Without a ladder the next rung is whoever restarts the process."""
    if parts.escalation is None and child.name == "cycle":
        ending.end(EXIT_BUG)


def measure(parts: DaemonParts) -> DaemonReport:
    """Return what the daemon has used and done so far."""
    stats = parts.rate_group.stats
    usage = resource.getrusage(resource.RUSAGE_SELF)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return DaemonReport(
        cycles=stats.lateness.count,
        period_p50_ms=stats.period.percentile_ns(0.5) / 1e6,
        period_p99_ms=stats.period.percentile_ns(0.99) / 1e6,
        period_max_ms=stats.period.max_ns / 1e6,
        overruns=stats.overruns,
        missed_cycles=stats.skipped,
        late_cycles=parts.cycle.late_count,
        lateness_classes=stats.lateness.classes(),
        cpu_s=usage.ru_utime + usage.ru_stime,
        rss_mib=pages * resource.getpagesize() / 2**20,
        rows_lost=parts.recorder.health.rows_lost,
        messages_lost=sum(parts.link.outbox.lost),
    )


def _write_safe(parts: DaemonParts) -> None:
    """Write the safe values and make drivers hosted here take them; no cancel can part it."""
    parts.image.write_desired(parts.safe_desired, parts.cycle.epoch)
    parts.image.beat(parts.cycle.epoch)
    if parts.reconcile is not None:
        parts.reconcile(parts.now_ns())


@contextlib.contextmanager
def _outer_world(parts: DaemonParts, ending: Ending) -> Iterator[None]:
    """Listen to signals and to errors that no task holds."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, ending.end)
    try:
        with stray_errors_told(parts.note or _note_of(parts), parts.now_ns):
            yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
