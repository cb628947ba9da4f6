"""Puts the shipped daemon around a simulated flight: recorder, link, supervisor, either time."""

import asyncio
import contextlib
import gc
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from flight.assembly import Daemon
from flight.config import config_hash
from flight.core.types import Decision, Event, Inputs
from flight.daemon_place import Place, Sinks
from flight.link.memory import MemoryBroker, MemoryTransport
from flight.link.transport import Transport
from flight.services.cycle import CycleSink
from flight.services.daemon import Ending, EventLogger, run_daemon
from flight.services.link import Link
from flight.services.rate_group import Entry
from flight.services.store import HostBoot
from sim_hw.clock import SimLoop, run_simulated
from sim_hw.flight import Flight, FlightSetup, link_outages_s
from sim_hw.orbit_belief import element_set_of

NS_PER_S = 1_000_000_000
EVENTS_NAME = "events.jsonl"
GARBAGE_OBJECTS = 20_000  # of the youngest generation before it is looked at: some 2 MB
PACE_SLICE_S = 0.05  # a paced flight sleeps at most this long at a time


class EventLog:
    """Writes all events of a flight as JSON lines, and keeps none. Implements CycleSink.

    Args:
        file: None: they are only counted.
    """

    def __init__(self, file: IO[str] | None) -> None:
        self.count = 0
        self._file = file

    def record(self, inputs: Inputs, decision: Decision) -> None:
        """Take the events of one cycle."""
        for event in decision.events:
            self.note(event)

    def note(self, event: Event) -> None:
        """Take one event."""
        self.count += 1
        if self._file is None:
            return
        line = {
            "t_s": event.time_ns / NS_PER_S,
            "id": event.event_id,
            "severity": event.severity.name,
            "subject": event.subject,
            "text": event.text,
            "value": event.value,
        }
        self._file.write(json.dumps(line) + "\n")


@dataclass(kw_only=True)
class FlownFlight:
    """A flight that ended, and what its daemon and its machine say about it."""

    flight: Flight
    simulated_ns: int
    wall_s: float
    cpu_s: float
    interrupted: bool = False
    bug: BaseException | None = None


class FlightRunner:
    """Runs one flight with the whole daemon around it.

    Args:
        setup: The flight.
        out: An existing folder that receives recording and events.
        realtime: A daemon that may run for years: its events are in the recording, which has a
            bound, and in no file besides.
        on_cycle: Called after each cycle with the flight and the time in ns, e.g. for a progress
        bar.
    """

    def __init__(
        self,
        setup: FlightSetup,
        out: Path,
        *,
        on_cycle: Callable[[Flight, int], None] | None = None,
        realtime: bool = False,
    ) -> None:
        self._setup = setup
        self._out = out
        self._realtime = realtime
        self._end_ns = setup.plan.duration_ns
        self._on_cycle = on_cycle
        self._ending: Ending | None = None
        self._bug: BaseException | None = None
        self._events_file = None if realtime else (out / EVENTS_NAME).open("w", encoding="utf-8")
        self.events = EventLog(self._events_file)
        self.daemon: Daemon | None = None  # made once the event loop runs
        first: list[CycleSink] = [self.events]
        self._sinks = Sinks([*first, EventLogger()] if realtime else first)
        self.flight = Flight(setup, sinks=[self._sinks])
        self.cpu_ns: dict[str, int] = {}  # of each entry of the rate group, in real time

    @property
    def link(self) -> Link | None:
        """The daemon's link, once there is a daemon."""
        return None if self.daemon is None else self.daemon.link

    def make_daemon(
        self,
        now_ns: Callable[[], int],
        session_id: str,
        ending: Ending,
        *,
        host: HostBoot | None = None,
        transport: Transport | None = None,
        leap: Callable[[int], bool] | None = None,
    ) -> Daemon:
        """Return the daemon on the given clock. Call it inside the running event loop.

        Args:
            host: The boot of the host; None: one of its own on the given clock.
            transport: To a broker; None: one in memory, with the outages of the plan.
            leap: Of virtual time, as in RateGroup.
        """
        setup, node = self._setup, self.flight.node
        self._ending = ending
        start_utc_ns = round(setup.orbit.epoch_utc.timestamp() * NS_PER_S)
        place = Place(
            folder=self._out,
            host=host or HostBoot(boot_id="simulated", now_ns=now_ns),
            now_ns=now_ns,
            utc_ns=lambda: start_utc_ns + now_ns(),
            is_synchronised=lambda: True,
            session_id=session_id,
            transport=transport
            or MemoryTransport(MemoryBroker(), now_ns=now_ns, outages=link_outages_s(setup.plan)),
            simulated=True,
            seed=setup.plan.seed,
            element_set=element_set_of(setup.orbit),
            is_virtual=not self._realtime,
            leap=leap,
        )
        daemon = Daemon(
            config=node.config,
            table=node.table,
            place=place,
            cycle=node.cycle,
            image=node.node_image,
            sinks=self._sinks,
            entries=self._entries(),
            reconcile=node.drivers.reconcile,
            ending=ending,
            listeners=[self.events.note],
            answers=[self.flight.note_answer],
        )
        self.flight.command_port = daemon
        self.daemon = daemon
        return daemon

    def fly_virtual(
        self, *, realtime_speed: float | None = None, pace: Callable[[int], None] | None = None
    ) -> FlownFlight:
        """Fly in virtual time to the end of the plan, `stop`, Ctrl-C or our own bug.

        Args:
            realtime_speed: Pace the flight at so many times real time; None: as fast as it goes.
            pace: Paces it instead; called with the time in ns that the clock is about to jump to.
        """
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        if realtime_speed is not None:
            pace = _pacer(realtime_speed)
        interrupted = False
        try:
            with _few_collections():
                run_simulated(self._fly_virtual(), before_jump=pace)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            self.close_files()
        if interrupted or self._bug is not None:  # perhaps in the middle of a step of the plant
            self.flight.energy_is_judged = True
        return FlownFlight(
            flight=self.flight,
            simulated_ns=self.flight.node.now_ns,
            wall_s=time.perf_counter() - wall_s,
            cpu_s=time.process_time() - cpu_s,
            interrupted=interrupted,
            bug=self._bug,
        )

    async def _fly_virtual(self) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        seed = self._setup.plan.seed
        ending = Ending()
        session_id = f"sim-{seed}-{config_hash(self._setup.config)}"
        daemon = self.make_daemon(loop.now_ns, session_id, ending, leap=loop.leap)
        await run_daemon(
            daemon.parts, ending=ending, handle_signals=False, write=lambda _report: None
        )

    def stop(self) -> None:
        """End the flight after the present cycle."""
        if self._ending is not None:
            self._ending.end()

    def close_files(self) -> None:
        """Close what the flight wrote."""
        if self._events_file is not None and not self._events_file.closed:
            self._events_file.flush()
            os.fsync(self._events_file.fileno())
            self._events_file.close()

    def _entries(self) -> tuple[Entry, ...]:
        entries = [(name, self._watched(entry)) for name, entry in self.flight.node.entries]
        if self._realtime:
            entries = [(name, self._metered(name, entry)) for name, entry in entries]
        return (*entries, ("flight.end", self._watched(self._end_of_cycle)))

    def _metered(self, name: str, entry: Callable[[int], None]) -> Callable[[int], None]:
        """Add up the CPU time of an entry: the simulated world is no part of the daemon."""
        cpu_ns = self.cpu_ns
        cpu_ns[name] = 0

        def run(now_ns: int) -> None:
            start_ns = time.thread_time_ns()
            entry(now_ns)
            cpu_ns[name] += time.thread_time_ns() - start_ns

        return run

    def _watched(self, entry: Callable[[int], None]) -> Callable[[int], None]:
        """End the flight on an exception: what a supervisor would restart is a bug here. In real
        time it is the supervisor's.
        """
        if self._realtime:
            return entry

        def run(now_ns: int) -> None:
            try:
                entry(now_ns)
            except Exception as error:
                self._bug = self._bug or error
                self.stop()
                raise

        return run

    def _end_of_cycle(self, now_ns: int) -> None:
        if self._sinks.first_error is not None and not self._realtime:
            raise self._sinks.first_error  # in flight the others go on; here it is a bug
        if self._on_cycle is not None:
            self._on_cycle(self.flight, now_ns)
        if now_ns >= self._end_ns:
            self.stop()


@contextlib.contextmanager
def _few_collections() -> Iterator[None]:
    """Look for cycles of garbage seldom: a flight makes few, and what it queues for the recorder
    would be looked at again and again.
    """
    before = gc.get_threshold()
    gc.set_threshold(GARBAGE_OBJECTS, *before[1:])
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)


def _pacer(speed: float) -> Callable[[int], None]:
    """Return a function that sleeps until virtual time may pass, at `speed` times real time."""
    start_s = time.monotonic()

    def pace(to_ns: int) -> None:
        due_s = start_s + to_ns / NS_PER_S / speed
        while (left_s := due_s - time.monotonic()) > 0.0:
            time.sleep(min(left_s, PACE_SLICE_S))

    return pace
