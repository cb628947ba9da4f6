"""Puts the shipped daemon around a simulated flight: recorder, link, supervisor, either time."""

import asyncio
import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from flight.config import NodeConfig, build_points, config_hash
from flight.core.types import Decision, Event, Inputs
from flight.dictionary.packets import PACKETS, dictionary_hash
from flight.link.memory import MemoryBroker, MemoryTransport
from flight.link.topics import Topics
from flight.services.cycle import CycleSink
from flight.services.daemon import DaemonParts, EventLogger, run_daemon, safe_values
from flight.services.link import Link, LinkInfo
from flight.services.rate_group import Entry, RateGroup
from flight.services.recorder import RecorderBatch, RecorderHealth, RecorderThread
from flight.services.recording_schema import RecordingInfo
from flight.version import VERSION
from sim_hw.clock import SimLoop, run_simulated
from sim_hw.flight import Flight, FlightSetup, link_outages_s

NS_PER_S = 1_000_000_000
RECORDING_NAME = "recording.db"
EVENTS_NAME = "events.jsonl"
PACE_SLICE_S = 0.05  # a paced flight sleeps at most this long at a time


class EventLog:
    """All events of a flight, kept and written as JSON lines. Implements CycleSink."""

    def __init__(self, file: IO[str]) -> None:
        self.events: list[Event] = []
        self._file = file

    def record(self, inputs: Inputs, decision: Decision) -> None:
        """Take the events of one cycle."""
        for event in decision.events:
            self.events.append(event)
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
    events: list[Event]
    simulated_ns: int
    wall_s: float
    cpu_s: float
    interrupted: bool = False
    bug: BaseException | None = None
    notes: list[str] = field(default_factory=list)


class FlightRunner:
    """Runs one flight with the whole daemon around it.

    Args:
        setup: The flight.
        out: An existing folder that receives recording and events.
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
        self._end_ns = setup.plan.duration_ns
        self._on_cycle = on_cycle
        self._stop: asyncio.Event | None = None
        self._bug: BaseException | None = None
        self._events_file = (out / EVENTS_NAME).open("w", encoding="utf-8")
        self.events = EventLog(self._events_file)
        self.recorder = _recorder(setup, out / RECORDING_NAME, realtime=realtime)
        self.link: Link | None = None  # made once the event loop runs
        self._link_sink = _Forward()
        sinks: list[CycleSink] = [self.events, self._link_sink]
        if realtime:
            sinks.append(EventLogger())
        if self.recorder is not None:
            sinks.insert(0, self.recorder)
        self.flight = Flight(setup, sinks=sinks)

    def parts(self, now_ns: Callable[[], int], session_id: str) -> DaemonParts:
        """Return the daemon's parts on the given clock. Call it inside the running event loop."""
        setup, node = self._setup, self.flight.node
        link = _link(setup, now_ns, session_id)
        self.link = self._link_sink.target = link
        return DaemonParts(
            rate_group=RateGroup(node.period_ns, self._entries(), now_ns),
            cycle=node.cycle,
            image=node.node_image,
            recorder=self.recorder or _NoRecorder(),
            link=link,
            safe_desired=safe_values(node.table),
            now_ns=now_ns,
            reconcile=node.drivers.reconcile,
        )

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
            run_simulated(self._fly_virtual(), before_jump=pace)
        except KeyboardInterrupt:
            interrupted = True
        finally:
            self.close_files()
        return FlownFlight(
            flight=self.flight,
            events=self.events.events,
            simulated_ns=self.flight.node.now_ns,
            wall_s=time.perf_counter() - wall_s,
            cpu_s=time.process_time() - cpu_s,
            interrupted=interrupted,
            bug=self._bug,
        )

    async def _fly_virtual(self) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SimLoop)
        self._stop = asyncio.Event()
        seed = self._setup.plan.seed
        parts = self.parts(loop.now_ns, f"sim-{seed}-{config_hash(self._setup.config)}")
        await run_daemon(parts, stop=self._stop, write=lambda _report: None)

    def stop_with(self, stop: asyncio.Event) -> None:
        """Set `stop` when the plan's duration is over or a part of the flight fails."""
        self._stop = stop

    def stop(self) -> None:
        """End the flight after the present cycle."""
        if self._stop is not None:
            self._stop.set()

    def close_files(self) -> None:
        """Close what the flight wrote."""
        if not self._events_file.closed:
            self._events_file.flush()
            os.fsync(self._events_file.fileno())
            self._events_file.close()

    def _entries(self) -> tuple[Entry, ...]:
        entries = [(name, self._watched(entry)) for name, entry in self.flight.node.entries]
        return (*entries, ("flight.end", self._watched(self._end_of_cycle)))

    def _watched(self, entry: Callable[[int], None]) -> Callable[[int], None]:
        """End the flight on an exception: what a supervisor would restart is a bug here."""

        def run(now_ns: int) -> None:
            try:
                entry(now_ns)
            except Exception as error:
                self._bug = self._bug or error
                if self._stop is not None:
                    self._stop.set()
                raise

        return run

    def _end_of_cycle(self, now_ns: int) -> None:
        if self._on_cycle is not None:
            self._on_cycle(self.flight, now_ns)
        if now_ns >= self._end_ns and self._stop is not None:
            self._stop.set()


class _NoRecorder:
    """Stands in when the configuration switches the recorder off."""

    health = RecorderHealth(ok=True, rows_written=0, rows_lost=0, rares_lost=0, error="")

    def note(self, event: Event) -> None:
        """Nothing is kept."""

    def close(self) -> None:
        """Nothing to close."""


class _Forward:
    """A sink whose target is known only once the event loop runs."""

    def __init__(self) -> None:
        self.target: CycleSink | None = None

    def record(self, inputs: Inputs, decision: Decision) -> None:
        if self.target is not None:
            self.target.record(inputs, decision)


def _recorder(
    setup: FlightSetup, path: Path, *, realtime: bool
) -> RecorderBatch | RecorderThread | None:
    config = setup.config
    if not config.recorder.enabled:
        return None
    points = build_points(config)
    info = RecordingInfo(
        points=points,
        accelerators=config.node.accelerator_count,
        config_text=config.model_dump_json(),
        config_hash=config_hash(config),
        seed=setup.plan.seed,
        dictionary_hash=dictionary_hash(points, PACKETS),
        simulated=True,
        version=VERSION,
    )
    if realtime:
        commit_ns = round(config.recorder.commit_s * NS_PER_S)
        return RecorderThread(path, info, commit_every_ns=commit_ns)
    return RecorderBatch(path, info)


def _link(setup: FlightSetup, now_ns: Callable[[], int], session_id: str) -> Link:
    config: NodeConfig = setup.config
    node = config.node
    topics = Topics(fleet=node.fleet, satellite=node.satellite, node=node.name)
    return Link(
        info=LinkInfo(topics=topics, session_id=session_id, simulated=True, version=VERSION),
        points=build_points(config),
        transport=MemoryTransport(
            MemoryBroker(), now_ns=now_ns, outages=link_outages_s(setup.plan)
        ),
        now_ns=now_ns,
    )


def _pacer(speed: float) -> Callable[[int], None]:
    """Return a function that sleeps until virtual time may pass, at `speed` times real time."""
    start_s = time.monotonic()

    def pace(to_ns: int) -> None:
        due_s = start_s + to_ns / NS_PER_S / speed
        while (left_s := due_s - time.monotonic()) > 0.0:
            time.sleep(min(left_s, PACE_SLICE_S))

    return pace
