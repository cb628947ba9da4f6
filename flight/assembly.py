"""The daemon put together: which services it has and how they are wired, in real or virtual time.

`Daemon` is made inside a running event loop. What differs between a flight in simulation and one
on hardware is in `Place`; everything else is the same code.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from functools import partial

from flight.config import NodeConfig
from flight.core.points import PointTable
from flight.core.reconfigure import adapt
from flight.core.state import State
from flight.core.step import StepConfig, compile_config, initial_state
from flight.core.types import Ack, Command, Event, Severity
from flight.daemon_inputs import DaemonInputs
from flight.daemon_place import Place, Service, Sinks
from flight.daemon_recording import make_recorder, recording_info, refuse_foreign
from flight.daemon_status import sections
from flight.link.outbox import Outbox
from flight.link.topics import Topics
from flight.services.boot import Boot
from flight.services.cycle import Cycle
from flight.services.daemon import (
    EXIT_BUG,
    EXIT_RENEW,
    DaemonParts,
    Ending,
    log_answer,
    log_event,
    safe_values,
)
from flight.services.event_budget import EventBudget
from flight.services.evidence import EvidenceService
from flight.services.link import Link, LinkInfo
from flight.services.loop_watch import Finding, LoopWatch
from flight.services.memory_watch import MemoryWatch
from flight.services.notify import SystemdNotify
from flight.services.parameter_commands import ARGUMENTS as PARAMETER_COMMANDS
from flight.services.parameter_commands import ParameterCommands
from flight.services.parameters import Parameters
from flight.services.priority import take_priority
from flight.services.rate_group import Entry, RateGroup
from flight.services.recording_schema import RecordingInfo
from flight.services.restart_budget import Escalation
from flight.services.restart_ladder import Rung
from flight.services.slot_file import MemoryFiles
from flight.services.status import STATUS_NAME, StatusWriter
from flight.services.store import Store
from flight.services.stray_errors import say_error
from flight.services.supervised import Child, Policy
from flight.services.supervisor import Supervisor
from flight.services.time_source import TimeSource
from flight.services.watchdog import Watchdog
from flight.version import VERSION
from flight.view import ViewBuilder
from hal import NodeImage

NS_PER_S = 1_000_000_000
STORE_NAME = "store.bin"
RUNNING_AFTER_S = 1.0  # in control for so long: the start is over


class Daemon:
    """All services of one daemon around a cycle; `parts` is what runs.

    Args:
        config: Of the file; `parameters.config` is the one in force.
        cycle: Made with `config`; its sinks are `sinks`.
        entries: Of the rate group, the cycle among them.
        reconcile: Makes drivers in this process act on the image; None: they are processes.
        listeners: Take each event that no cycle made, besides recorder, link, status and log.
        answers: Take each answer to a command that no cycle carries out.
    """

    def __init__(
        self,
        *,
        config: NodeConfig,
        table: PointTable,
        place: Place,
        cycle: Cycle[StepConfig, State],
        image: NodeImage,
        sinks: Sinks,
        entries: Sequence[Entry],
        reconcile: Callable[[int], None] | None,
        ending: Ending,
        listeners: Sequence[Callable[[Event], None]] = (),
        answers: Sequence[Callable[[Ack], None]] = (),
    ) -> None:
        self.place = place
        self.cycle = cycle
        self.supervisor: Supervisor | None = None
        self._config, self._table, self._image = config, table, image
        self._ending = ending
        self._listeners = tuple(listeners)
        self._answers = tuple(answers)
        self._early: list[Event] | None = []  # of the start, before anybody can take them
        self._safe_requests = 0
        self.control_ns = 0  # when a cycle first wrote; 0: not yet
        self._sinks = sinks
        sinks.on_error = self._note_failed_taker
        refuse_foreign(place.folder, config)
        self._begin(config)
        self._make_outputs(config)
        self.inputs = DaemonInputs(config, place, self.time, self.note)
        self._make_guards(config)
        self.rate_group = RateGroup(
            round(config.cycle.period_s * NS_PER_S),
            (("loop beat", self._beat), ("feed", self._feed), *entries),
            place.now_ns,
            leap=place.leap,
        )
        cycle.feed.restored = self.start.restored
        cycle.remember = lambda: self.store.restored(self.start.restored.restart_count)
        cycle.on_answer = self._tell_answer
        if self.parameters.config is not config:
            compiled = compile_config(self.parameters.config, table)
            cycle.reconfigure(compiled, lambda _state: initial_state(compiled))
        sinks.sinks += [self.recorder, self.link, self.store, self.status]
        sinks.sinks += [self.evidence, self.inputs.workload]
        early, self._early = self._early, None
        for event in early or ():
            self.note(event)
        self.parts = self._parts(reconcile)

    # ---- making the services ----

    def _begin(self, config: NodeConfig) -> None:
        """Open the store, write down that a run starts, take parameters over."""
        place = self.place
        self.store = Store(
            place.folder / STORE_NAME,
            host=place.host,
            now_ns=place.now_ns,
            core_state=self._state_to_keep,
            on_event=self.note,
            files=MemoryFiles() if place.is_virtual else None,
            in_thread=not place.is_virtual,
        )
        self.boot = Boot(
            self.store,
            place.host,
            now_ns=place.now_ns,
            on_event=self.note,
            safe_start_count=config.modes.restart_count_max,
        )
        self.start = self.boot.begin()
        self._wait_s = self.start.wait_s
        self.parameters = Parameters(
            config,
            self.store.state.parameters,
            save=lambda new: self.store.update(parameters=new),
            boottime_ns=place.host.now_ns,
            now_ns=place.now_ns,
            on_event=self.note,
            on_change=self._reconfigure,
            why_unusable=self._why_unusable,
            use_golden=self.start.use_golden,
        )
        self.commands = ParameterCommands(
            self.parameters, secure=self.store.secure, answer=self._answer
        )

    def _make_outputs(self, config: NodeConfig) -> None:
        place = self.place
        self.time = TimeSource(
            section=config.time,
            now_ns=place.now_ns,
            utc_ns=place.utc_ns,
            is_synchronised=place.is_synchronised,
            on_event=self.note,
        )
        self.recorder = make_recorder(
            config, self._recording_info(self.parameters.config), place, lambda: self.cycle.state
        )
        self.budget = EventBudget(config.events)
        node = config.node
        self.link = Link(
            info=LinkInfo(
                topics=Topics(fleet=node.fleet, satellite=node.satellite, node=node.name),
                session_id=place.session_id,
                simulated=place.simulated,
                version=VERSION,
            ),
            points=self._table,
            transport=place.transport,
            now_ns=place.now_ns,
            stamp=self.time.stamp,
            outbox=Outbox(config.link.depths.by_priority()),
            budget=self.budget,
            on_event=self.note,
        )
        self.evidence = EvidenceService(
            image=self._image,
            store=self.recorder,
            drivers=[driver.name for driver in self._image.drivers],
            device_of={point.name: point.device for point in self._image.points},
            epoch=lambda: self.cycle.epoch,
            now_ns=place.now_ns,
        )
        self.status = StatusWriter(
            place.folder / STATUS_NAME,
            identity={
                "node": f"{node.fleet}/{node.satellite}/{node.name}",
                "session": place.session_id,
                "pid": os.getpid(),
                "version": VERSION,
                "simulated": place.simulated,
            },
            view=ViewBuilder(self._table, node.accelerator_count),
            sections=sections(self),
            stamp=self.time.stamp,
        )

    def _make_guards(self, config: NodeConfig) -> None:
        """The services that look after the daemon itself."""
        place, supervision = self.place, config.supervision
        self.notify = SystemdNotify({} if place.is_virtual else os.environ)
        self.loop_watch = LoopWatch(
            beat_period_s=config.cycle.period_s,
            now_ns=place.now_ns,
            on_event=self.note,
            on_found=self._log_block,
            blocked_s=supervision.blocked_s,
        )
        self.memory = MemoryWatch(
            rss_mib_max=supervision.rss_mib_max,
            renew=self._renew,
            now_ns=place.now_ns,
            boot_ns=place.host.now_ns,
            store=self.store,
            on_event=self.note,
        )
        self.watchdog = Watchdog(
            stroke=self.notify.stroke,
            progress={"cycle": self._cycle_progress},
            acted_ns=lambda: place.now_ns() if self._wait_s > 0.0 else self.cycle.acted_ns,
            # Not the store: a full disk is told, and no reset of the host would empty it.
            checks={"supervisor": self._unhealthy},
            now_ns=place.now_ns,
            period_s=supervision.watchdog_period_s,
            on_event=self.note,
        )

    # ---- what runs ----

    def _parts(self, reconcile: Callable[[int], None] | None) -> DaemonParts:
        place, config = self.place, self._config.supervision
        escalation = Escalation(
            boot_ns=place.host.now_ns,
            store=self.store,
            rungs=config.rungs(),
            acts={
                Rung.SAFE: self._ask_for_safe,
                Rung.EXIT: self._exit,
                Rung.WATCHDOG: lambda name: self.watchdog.withhold(
                    f"{name} is beyond repair", config.watchdog_timeout_s * 2.0
                ),
                Rung.LAST: self._ask_for_safe,
            },
            back_off_s=config.back_off_s,
            link_back_off_s=config.link_back_off_s,
        )
        return DaemonParts(
            rate_group=self.rate_group,
            cycle=self.cycle,
            image=self._image,
            recorder=self.recorder,
            link=self.link,
            safe_desired=safe_values(self._table),
            now_ns=place.now_ns,
            reconcile=reconcile,
            services=self._children(),
            restarts_max=config.task_restarts_max,
            window_s=config.task_window_s,
            escalation=escalation,
            note=self.note,
            begin_cycle=self._wait_for_control,
            end_begins=self.notify.stopping,
            ended=self._ended,
            supervised=self._supervised,
        )

    def _children(self) -> tuple[Child, ...]:
        """Return the services besides link and cycle; the node flies without any of them."""
        supervision = self._config.supervision
        stall_s = supervision.stall_s
        made: dict[str, Service] = {
            "store": self.store,
            "evidence": self.evidence,
            "time": self.time,
            **self.inputs.services(),
            "parameters": self.commands,
        }
        if not self.place.is_virtual:
            made |= {
                "status": self.status,
                "loop_watch": self.loop_watch,
                "memory": self.memory,
                "watchdog": self.watchdog,
            }
        children = [
            Child(
                name=name,
                start=service.run,
                stop=service.request_end,
                progress=partial(getattr, service, "progress"),
                stall_s=3.0 * stall_s if name == "store" else stall_s,
                restarts_max=supervision.task_restarts_max,
                window_s=supervision.task_window_s,
                is_optional=True,
            )
            for name, service in made.items()
        ]
        begun = Child(
            name="start", start=self._note_running, policy=Policy.TRANSIENT, is_optional=True
        )
        return (*children, begun)

    def _take_priority(self) -> None:
        """Ask for the real-time priority of the configuration; without it the node flies too."""
        refused = take_priority(self._config.supervision.realtime_priority)
        if refused:
            now_ns = self.place.now_ns()
            self.note(Event(now_ns, "priority.refused", Severity.WARNING, "cycle", refused))

    async def _wait_for_control(self) -> None:
        """Wait, after too many crashes, before control is attempted for the first time.

        The wait is meant: the service manager hears that the daemon is ready and alive, or it
        would end the process, and the link with it, long before the wait is over.
        """
        if self._wait_s > 0.0:
            self.notify.ready()
            await asyncio.sleep(self._wait_s)
            self._wait_s = 0.0  # a cycle that fails from here on has its own ladder
            self.boot.attempt()
            await self.store.secure()

    def _cycle_progress(self) -> int:
        """Return a count that grows while the cycle does what it should, waiting too."""
        return self.place.now_ns() if self._wait_s > 0.0 else self.rate_group.stats.lateness.count

    async def _note_running(self) -> None:
        """Say that the start is over once the cycle has been in control for a while."""
        while self.cycle.acted_ns == 0:  # noqa: ASYNC110  # the cycle must not know of us
            await asyncio.sleep(RUNNING_AFTER_S)
        await asyncio.sleep(RUNNING_AFTER_S)
        self.boot.running()
        self.notify.ready()

    def _ended(self) -> None:
        """The last act: of an end in order, the store says so."""
        if self._ending.exit_code in (0, EXIT_RENEW):
            self.boot.end()
        else:
            self.store.commit()
        self.status.write("ended")

    def _supervised(self, supervisor: Supervisor) -> None:
        """Take note of the supervisor: once in a run, in the thread of the loop."""
        self.supervisor = supervisor
        if not self.place.is_virtual:
            self._take_priority()

    # ---- what goes in and out ----

    def note(self, event: Event) -> None:
        """Take an event that no cycle made: recorder, link, status, log."""
        if self._early is not None:
            self._early.append(event)
            return
        takers = [self.recorder.note, self.link.note, self.status.note, *self._listeners]
        if not self.place.is_virtual:
            takers.append(log_event)
        for take in takers:
            try:
                take(event)
            except Exception as error:  # noqa: BLE001  # a bug of one taker must not silence all
                self._sinks.fail(getattr(take, "__qualname__", repr(take)), error)

    def _note_failed_taker(self, name: str, error: Exception) -> None:
        text = f"{name} failed, and all others go on: {say_error(error)}"
        event = Event(
            self.place.now_ns(), "daemon.service_failed", Severity.WARNING, "daemon", text
        )
        self.note(event)

    def submit(self, command: Command) -> None:
        """Take an accepted command: one of parameters here, any other in the next cycle."""
        if command.name in PARAMETER_COMMANDS:
            self.commands.submit(command)
        else:
            self.cycle.submit(command)

    def _answer(self, ack: Ack) -> None:
        self.cycle.acks.append(ack)
        self._tell_answer(ack)

    def _tell_answer(self, ack: Ack) -> None:
        """Tell everybody of an answer that no decision carries."""
        self.link.answer(self.place.now_ns(), ack)
        for listener in self._answers:
            listener(ack)
        if not self.place.is_virtual:
            log_answer(ack)

    def _beat(self, now_ns: int) -> None:
        """Show the watch of the loop that it turns; an entry of the rate group."""
        if not self.place.is_virtual:
            self.loop_watch.beat(now_ns)

    def _log_block(self, finding: Finding) -> None:
        """Log what holds the loop, from a thread: the loop may never come back to tell."""
        now_ns = self.place.now_ns()
        log_event(Event(now_ns, "daemon.blocked", Severity.WARNING, "daemon", finding.say()))

    def _state_to_keep(self) -> State | None:
        """Return the core's state, None before it holds what earlier runs have left."""
        return self.cycle.state if self.cycle.feed.restored is None else None

    def _feed(self, _now_ns: int) -> None:
        """Lay out for the cycle what the services know; an entry of the rate group."""
        if self.control_ns == 0:
            self.control_ns = self.cycle.acted_ns
        self.inputs.lay_out(self.cycle.feed)

    def _why_unusable(self, config: NodeConfig) -> str:
        """Return why no step can be compiled from a configuration, "" when it can."""
        try:
            compile_config(config, self._table)
        except ValueError as error:
            return str(error)
        return ""

    def _reconfigure(self, config: NodeConfig) -> None:
        """Put parameters in force between two cycles; the recording goes on as a new run."""
        compiled = compile_config(config, self._table)
        self.cycle.reconfigure(compiled, partial(adapt, compiled))
        self.recorder.begin_run(self._recording_info(config))

    def _recording_info(self, config: NodeConfig) -> RecordingInfo:
        return recording_info(config, self._table, self.place, self.time)

    # ---- rungs of the restart ladder ----

    def _ask_for_safe(self, name: str) -> None:
        self._safe_requests += 1
        command_id = f"supervisor-{self._safe_requests}-{name}"
        self.cycle.submit(Command(command_id, "set_mode", (("mode", "SAFE"),)))

    def _exit(self, _name: str) -> None:
        self._ending.end(EXIT_BUG)

    def _renew(self, _reason: str) -> None:
        self._ending.end(EXIT_RENEW)

    def _unhealthy(self) -> str:
        return "" if self.supervisor is None else self.supervisor.why_unhealthy()
