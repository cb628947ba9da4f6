"""One simulated flight: a node, its world, a resolved scenario and everything that watches.

Used by `nightside sim`, by `nightside run` on simulated devices and by the property-based tests;
the code under test is the shipped daemon in all three.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from flight.config import NodeConfig
from flight.core.types import Ack, Command, Decision, Inputs, Mode
from flight.services.cycle import CycleSink
from sim_hw.energy import EnergyError, EnergyVerdict
from sim_hw.expectations import ExpectationChecker
from sim_hw.fault_injector import FaultInjector
from sim_hw.fault_story import FaultStories
from sim_hw.meter import FlightMeter
from sim_hw.orbit import Orbit
from sim_hw.plant import PlantStart
from sim_hw.plant_config import PlantConfig
from sim_hw.properties import PropertyChecker
from sim_hw.property_budget import NodeBudget
from sim_hw.radiation import Radiation, Upsets
from sim_hw.scenario import StartTable
from sim_hw.scenario_check import WORLD_ACTIONS
from sim_hw.scenario_times import FlightPlan, PlannedAction
from sim_hw.simulated_node import SimulatedNode
from sim_hw.spacecraft import Spacecraft
from sim_hw.workload import ConstantWorkload, Job, Workload, build_workload
from sim_hw.workload_account import WorkLedger

NS_PER_S = 1_000_000_000
DEFAULT_CHARGE_RATIO = 0.95  # REF-1, pinned
DEFAULT_TEMP_C = 35.0  # REF-1, pinned
REFUSED_KEPT = 256  # one of them fails the flight; the recording has them all


@dataclass(frozen=True, kw_only=True)
class FlightSetup:
    """All that decides how a flight goes: two equal setups fly the same flight to the last bit.

    Args:
        plan: With the faults of the radiation among its own.
        folder: Where the scenario's own files (workload traces) are looked up.
        radiation: None: there is none.
    """

    config: NodeConfig
    plant_config: PlantConfig
    orbit: Orbit
    plan: FlightPlan
    folder: Path = Path()
    radiation: Radiation | None = None


class CommandPort(Protocol):
    """Takes the commands of a scenario, as it takes those of an operator."""

    def submit(self, command: Command) -> None:
        """Take an accepted command."""


class Flight:
    """A node in its world with the plan's faults, actions, workload and checks attached.

    Attributes:
        node: Plant, devices, drivers and the daemon's cycle.
        injector: Applies the faults; `injector.applied` says what happened when.
        properties: Safety properties, checked at every step on plant truth.
        expectations: The scenario's, judged on telemetry.
        stories: What became of each fault. meter: Work and peaks.
        upsets: Of memories by radiation, as far as they are only counted.
        refused: The first answers to commands of the scenario that the node refused.
        energy_is_judged: Whether someone else tells that the energy closes or why it need not;
            else `close` raises when it does not.
    """

    def __init__(self, setup: FlightSetup, *, sinks: Sequence[CycleSink] = ()) -> None:
        self.setup = setup
        plan = setup.plan
        config = _with_start_mode(setup.config, plan.start)
        self.node = SimulatedNode(
            config=config,
            plant_config=setup.plant_config,
            orbit=setup.orbit,
            start=plant_start(plan.start),
            seed=plan.seed,
            sinks=(self, *sinks),
        )
        self.injector = FaultInjector(
            plan.faults,
            plant=self.node.plant,
            image=self.node.image,
            cycle_gate=self.node.gate,
            function_number=self.node.devices.nvml_function_number,
        )
        self.properties = PropertyChecker(
            self.node.image,
            plant=self.node.plant,
            node_image=self.node.node_image,
            budget=NodeBudget(
                config.arbiter.node_power_w_max,
                config.arbiter.allotment_fallback_w,
                is_allotted=not config.node.has_power_system,
            ),
            applied=self.injector.applied,
            limits=setup.plant_config.limits,
            accelerator_count=config.node.accelerator_count,
        )
        self.expectations = ExpectationChecker(plan.expectations, self.node.table)
        self.stories = FaultStories(self.node.table, self.injector.applied)
        self.meter = FlightMeter(self.node.image, has_loop=config.node.has_loop)
        self.nominal_since_s: float | None = None
        self.refused: list[Ack] = []
        self.energy_is_judged = self._is_closed = False
        self.command_port: CommandPort = self.node.cycle  # or the daemon around it
        self._actions = list(plan.actions)
        radiation = setup.radiation
        self.upsets: tuple[Upsets, ...] = () if radiation is None else radiation.new_upsets()
        self._command_count = 0
        self._workload: Workload = ConstantWorkload(accelerator_count=config.node.accelerator_count)
        self._job: Job | None = None
        self._work = WorkLedger()
        self._spacecraft = Spacecraft()
        self.node.attach(injector=self.injector, before=self._before_plant, after=self._after_step)

    def record(self, inputs: Inputs, decision: Decision) -> None:
        """Hand a cycle to everything that judges it. Implements CycleSink."""
        if self.nominal_since_s is None and decision.mode is Mode.NOMINAL:
            self.nominal_since_s = inputs.now_ns / NS_PER_S
        self.properties.record(inputs, decision)
        self.expectations.record(inputs, decision)
        self.stories.record(inputs, decision)
        for ack in decision.acks:
            self.note_answer(ack)

    def note_answer(self, ack: Ack) -> None:
        """Keep the answer to a command that was refused: each is a failed expectation."""
        if not ack.ok and len(self.refused) < REFUSED_KEPT:
            self.refused.append(ack)

    def work(self) -> dict[str, float]:
        """Return what the accelerators did, for the summary."""
        work = self.meter.work()
        return {**work, **self._work.figures(work["utilisation_seconds"])}

    def fly(self, duration_s: float) -> None:
        """Fly on for duration_s without an event loop."""
        self.node.fly(duration_s)

    def close(self) -> None:
        """Release the node; a second call does nothing.

        Raises:
            EnergyError: the energy of the flight does not close, and nobody else has told so.
        """
        is_first, self._is_closed = not self._is_closed, True
        energy = EnergyVerdict.of(self.node.plant.energy) if is_first else None
        self.node.close()
        if energy is None or energy.ok or self.energy_is_judged or sys.exception() is not None:
            return
        raise EnergyError(f"seed {self.setup.plan.seed}: {energy.text}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()

    def _before_plant(self, now_ns: int) -> None:
        while self._actions and self._actions[0].time_ns <= now_ns:
            self._act(self._actions.pop(0), now_ns)
        grant = self._spacecraft.grant(now_ns)
        if grant is not None:
            self.node.cycle.feed.allotment = grant
        for upsets in self.upsets:
            if upsets.next_ns <= now_ns:
                upsets.apply_due(now_ns, self.node.image.truth)
        targets = self._workload.targets(now_ns / NS_PER_S, self.nominal_since_s)
        self.node.plant.utilisation_target[: len(targets)] = targets

    def _after_step(self, now_ns: int) -> None:
        self.properties.check(now_ns)
        self.meter.sample(now_ns)
        if self._job is not None:
            self._job.observe(now_ns / NS_PER_S, self.node.image.truth)

    def _act(self, action: PlannedAction, now_ns: int) -> None:
        if action.do == "allotment":
            self._spacecraft.order(action.parameters, now_ns)
        elif action.do == "workload":
            self._begin(action)
        elif action.do not in WORLD_ACTIONS:
            self._command_count += 1
            arguments = tuple(
                (name, value if isinstance(value, str) else float(value))
                for name, value in action.parameters.items()
            )
            self.command_port.submit(
                Command(f"{action.do}-{self._command_count}", action.do, arguments)
            )

    def _begin(self, action: PlannedAction) -> None:
        """Let another workload ask from now on."""
        workload = build_workload(
            action.parameters,
            seed=self.setup.plan.seed,
            folder=self.setup.folder,
            accelerator_count=self.setup.config.node.accelerator_count,
            clock_max_mhz=self.setup.plant_config.accelerators.clock_max_mhz,
        )
        self._workload = workload
        self._job = workload if isinstance(workload, Job) else None
        account = None if self._job is None else self._job.account
        self._work.begin(account, self.meter.work()["utilisation_seconds"])


def plant_start(start: StartTable) -> PlantStart:
    """Return the plant state that a scenario's [start] asks for, else REF-1's pinned start."""
    return PlantStart(
        charge_ratio=DEFAULT_CHARGE_RATIO if start.charge_ratio is None else start.charge_ratio,
        temp_c=DEFAULT_TEMP_C if start.temp_c is None else start.temp_c,
    )


def link_outages_s(plan: FlightPlan) -> tuple[tuple[float, float], ...]:
    """Return the windows without a link, in s: from each closing `link_window` to the next opening
    one.
    """
    windows: list[tuple[float, float]] = []
    closed_s: float | None = None
    for action in plan.actions:
        if action.do != "link_window":
            continue
        time_s = action.time_ns / NS_PER_S
        is_open = bool(action.parameters["open"])
        if not is_open and closed_s is None:
            closed_s = time_s
        elif is_open and closed_s is not None:
            windows.append((closed_s, time_s))
            closed_s = None
    if closed_s is not None:
        windows.append((closed_s, plan.duration_ns / NS_PER_S + 1.0))
    return tuple(windows)


def _with_start_mode(config: NodeConfig, start: StartTable) -> NodeConfig:
    if start.mode is None:
        return config
    modes = config.modes.model_copy(update={"autostart_mode": start.mode})
    return config.model_copy(update={"modes": modes})
