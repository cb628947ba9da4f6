"""`nightside sim`: load, fly in virtual time, judge, write, show."""

import sys
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from flight.config import NodeConfig, build_points, config_hash
from flight.config_check import check_config
from flight.core.commands import COMMAND_ARGUMENTS
from flight.dictionary.events import EVENT_IDS
from flight.durations import parse_duration
from flight.examples import default_config_path, default_scenario_path
from flight.log import configure_logging
from flight.operator_error import OperatorError, explain_validation
from flight.services.folder_lock import only_daemon_in
from flight.services.parameter_commands import ARGUMENTS as PARAMETER_COMMANDS
from flight.toml_lines import with_lines
from sim_hw.attitude import Attitude
from sim_hw.expectations import ExpectationResult
from sim_hw.fault_injector import SimulationInjector
from sim_hw.flight import Flight, FlightSetup
from sim_hw.flight_runner import FlightRunner, FlownFlight
from sim_hw.fly_output import SUMMARY_NAME, prepare_folder
from sim_hw.orbit import Orbit
from sim_hw.plant_config import PlantConfig
from sim_hw.progress import FlightView, Progress
from sim_hw.radiation import draw_radiation
from sim_hw.scenario import Scenario, load_scenario
from sim_hw.scenario_check import Dictionary
from sim_hw.scenario_times import resolve
from sim_hw.summary import OrbitFacts, RunFacts, build_summary, write_summary
from sim_hw.summary_text import print_summary
from sim_hw.surroundings import Surroundings
from sim_hw.timeline import OrbitEvents
from sim_hw.workload import build_workload

NS_PER_S = 1_000_000_000
RadiationLevel = Literal["none", "nominal", "accelerated"]
EXIT_OK, EXIT_VIOLATED, EXIT_BUG, EXIT_INTERRUPTED = 0, 1, 3, 130
DEFAULT_SEED = 7
REPORT_S_MIN = 600.0  # of a shorter flight a report is written only when asked for
DURATION_S_MAX = 400.0 * 86400.0
NO_FAULTS = Scenario(
    title="No faults",
    shows="Flown with no faults; the safety properties are checked.",
)
FOREIGN_ORBIT = Scenario(
    title="No faults",
    shows="A foreign orbit, flown with no faults; the safety properties are checked.",
)


@dataclass(frozen=True, kw_only=True)
class FlightRequest:
    """What the command line asked for; None: the default.

    with_report: write report.html; None: of flights of REPORT_S_MIN or longer.
    """

    config_path: Path
    scenario_path: Path | None = None
    orbit_path: Path | None = None
    seed: int | None = None
    duration: str | None = None
    out: Path | None = None
    realtime_speed: float | None = None
    as_json: bool = False
    with_report: bool | None = False
    radiation: RadiationLevel = "none"

    @property
    def command(self) -> tuple[str, ...]:
        """The words of a command that flies the same, for the seed and duration it was given."""
        words = ["nightside", "sim"]
        if self.config_path != default_config_path():
            words.append(str(self.config_path))
        options = (
            ("--scenario", self.scenario_path),
            ("--orbit", self.orbit_path),
            ("--duration", self.duration),
            ("--radiation", None if self.radiation == "none" else self.radiation),
        )
        for name, value in options:
            words += [] if value is None else [name, str(value)]
        return tuple(words)


def fly(request: FlightRequest) -> int:
    """Fly what was asked for, write the flight's folder, print the summary; return the exit code.

    Raises:
        OperatorError: anything of the request cannot be used; nothing was flown then.
    """
    setup, name = prepare(request)
    configure_logging(level="error")  # events are in the summary and in events.jsonl
    folder = _free_folder(request.out or Path("flights") / f"{name}-seed{setup.plan.seed}")
    if setup.plan.left_out:
        count = len(setup.plan.left_out)
        sys.stderr.write(f"nightside: {count} entries of the default plan come after the end\n")
    progress = _Progress(setup)
    runner = FlightRunner(setup, folder, on_cycle=progress.step)
    with runner.flight:
        flown = runner.fly_virtual(realtime_speed=request.realtime_speed)
        progress.finish()
        if flown.bug is not None:
            traceback.print_exception(flown.bug)
            sys.stderr.write("nightside: this is a bug in nightside, not in your input\n")
            return EXIT_BUG
        summary = summarise(flown, command=request.command)
    write_summary(summary, folder / SUMMARY_NAME)
    if request.as_json:
        sys.stdout.write((folder / SUMMARY_NAME).read_text(encoding="utf-8"))
    else:
        print_summary(summary, sys.stdout)
        sys.stdout.write(f"written to {folder}/\n")
    _report(request, folder, summary)
    if flown.interrupted:
        return EXIT_INTERRUPTED
    return EXIT_OK if summary["ok"] else EXIT_VIOLATED


def _report(request: FlightRequest, folder: Path, summary: Mapping[str, Any]) -> None:
    """Write the report where one is wanted; its path is the last line.

    A report that cannot be written is told and changes nothing about the flight.
    """
    is_long = summary["simulated_s"] >= REPORT_S_MIN
    if not (is_long if request.with_report is None else request.with_report):
        return
    from flight.report.writing import write_report  # noqa: PLC0415 - only for who wants one

    try:
        path = write_report(folder)
    except OperatorError as error:
        sys.stderr.writelines(f"nightside: no report: {line}\n" for line in error.lines)
        return
    if not request.as_json:
        sys.stdout.write(f"{path}\n")


def _free_folder(folder: Path) -> Path:
    """Return the folder without an earlier flight. Raises: OperatorError, as when one is on."""
    if folder.is_dir():
        with only_daemon_in(folder):  # else what a running daemon keeps there would be deleted
            return prepare_folder(folder)
    return prepare_folder(folder)


def summarise(flown: FlownFlight, *, command: Sequence[str] = ()) -> dict[str, Any]:
    """Return the summary of a flight that ended (docs/reference/summary.schema.json).

    Args:
        command: The command that flies it again, but for the seed; empty: there is none.
    """
    flight = flown.flight
    setup, node = flight.setup, flight.node
    flight.energy_is_judged = True  # by the summary
    radiation = setup.radiation
    run = RunFacts(
        simulated_s=flown.simulated_ns / NS_PER_S,
        wall_s=flown.wall_s,
        cpu_s=flown.cpu_s,
        config_hash=config_hash(setup.config),
        trace_hash=node.cycle.trace_hash,
        is_interrupted=flown.interrupted,
        command=(*command, "--seed", str(setup.plan.seed)) if command else (),
    )
    orbit = OrbitFacts(
        source=setup.orbit.source, period_s=setup.orbit.period_s, eclipse_s=setup.orbit.eclipse_s
    )
    return build_summary(
        plan=setup.plan,
        run=run,
        orbit=orbit,
        checker=flight.properties,
        expectations=(*flight.expectations.finish(flown.simulated_ns), *_refusals(flight)),
        stories=flight.stories.stories,
        meter=flight.meter,
        energy=node.plant.energy,
        radiation=None if radiation is None else radiation.facts(run.simulated_s, flight.upsets),
        work=flight.work(),
        properties={"S14": node.witness.differed == 0 if node.witness.compared else None},
    )


def _refusals(flight: Flight) -> list[ExpectationResult]:
    """A scenario expects its commands to be carried out: each refusal is a failed expectation."""
    return [
        ExpectationResult(
            id=ack.command_id,
            ok=False,
            value=None,
            unit="",
            low=None,
            high=None,
            margin=None,
            text=f"command refused: {ack.reason}",
        )
        for ack in flight.refused
    ]


class _Progress:
    """Shows a flight while it flies."""

    def __init__(self, setup: FlightSetup) -> None:
        self._flight: Flight | None = None
        self._orbit = setup.orbit
        self._progress = Progress(duration_s=setup.plan.duration_ns / NS_PER_S, view=self._view)

    def step(self, flight: Flight, now_ns: int) -> None:
        """Take one cycle."""
        self._flight = flight
        self._progress.step(now_ns)

    def finish(self) -> None:
        """Leave the terminal as it was found."""
        self._progress.finish()

    def _view(self) -> FlightView:
        assert self._flight is not None
        node = self._flight.node
        truth, decision = node.image.truth, node.cycle.last_decision
        time_s = node.plant.time_s
        return FlightView(
            orbit_phase=time_s / self._orbit.period_s % 1.0,
            is_sunlit=self._orbit.sunlight_ratio(time_s) > 0.5,
            mode="BOOT" if decision is None else str(decision.mode),
            core_temp_c=float(truth.accel_core_temp_c.max()),
            draw_w=float(truth.accel_power_w.sum()),
            charge_ratio=float(truth.charge_ratio[0]),
        )


def load_plant_config(config: NodeConfig, path: Path) -> PlantConfig:
    """Return the checked [plant] tables of a configuration.

    Raises:
        OperatorError: one line per mistake.
    """
    plant = _read_plant(config, path)
    lines = [f"{path}: {mistake}" for mistake in shape_mistakes(config, plant)]
    if lines:
        raise OperatorError(with_lines(path, path.read_text(encoding="utf-8"), lines))
    return plant


def shape_mistakes(config: NodeConfig, plant: PlantConfig) -> Iterator[str]:
    """Yield where the node that is flown and the one that is simulated are not the same kind."""
    node, on = config.node, {True: "true", False: "false"}
    pairs = (
        ("loop.enabled", plant.loop.enabled, "cooling", node.cooling, node.has_loop),
        ("battery.enabled", plant.battery.enabled, "power_system", node.power_system,
         node.has_power_system),
    )  # fmt: skip
    for key, given, switch, word, wanted in pairs:
        if given is not wanted:
            yield (
                f'plant.{key} = {on[given]}: node.{switch} = "{word}" needs {on[wanted]}: '
                "the simulated hardware must be of the kind that is flown"
            )
    low_w, high_w = plant.accelerators.cap_min_w, plant.accelerators.cap_max_w
    if config.arbiter.cap_w_min < low_w or config.arbiter.cap_w_max > high_w:
        yield (
            f"arbiter.cap_w_min {config.arbiter.cap_w_min:g} and cap_w_max "
            f"{config.arbiter.cap_w_max:g} are outside what the simulated accelerators accept, "
            f"plant.accelerators {low_w:g} to {high_w:g}"
        )


def _read_plant(config: NodeConfig, path: Path) -> PlantConfig:
    try:
        return PlantConfig.model_validate(config.plant)
    except ValidationError as error:
        lines = explain_validation(path, error, PlantConfig, config.plant)
        lines = [line.replace(f"{path}: ", f"{path}: plant.", 1) for line in lines]
        text = path.read_text(encoding="utf-8")
        raise OperatorError(with_lines(path, text, lines)) from None


def plant_mistakes(path: Path, config: NodeConfig) -> Sequence[str]:
    """Return one line per mistake in what is simulated; of a real node, in [plant] alone."""
    try:
        if config.node.simulated:
            load_plant_config(config, path)
        else:
            _read_plant(config, path)
    except OperatorError as error:
        return error.lines
    return ()


def surroundings_of(plant: PlantConfig) -> Surroundings:
    """Return attitude and coating as configured."""
    orbit, radiator = plant.orbit, plant.radiator
    attitude = Attitude(
        mode=orbit.attitude,
        tumbling_period_s=orbit.tumbling_period_s,
        tumbling_seed=orbit.tumbling_seed,
    )
    return Surroundings(
        attitude=attitude,
        faces=radiator.faces,
        absorptance_ratio=radiator.absorptance_ratio,
        emissivity_ratio=radiator.emissivity_ratio,
    )


def load_orbit(plant: PlantConfig, orbit_path: Path | None, phase_ratio: float) -> Orbit:
    """Return the configured circular orbit, or that of an element set.

    Raises:
        OperatorError: the file is no element set; names file, line and mend.
    """
    orbit = plant.orbit
    surroundings = surroundings_of(plant)
    try:
        if orbit_path is not None:
            return Orbit.from_tle(orbit_path, surroundings=surroundings)
        return Orbit.circular(
            orbit.altitude_km,
            orbit.beta_deg,
            inclination_deg=orbit.inclination_deg,
            start_utc=orbit.start_utc,
            start_phase_ratio=phase_ratio,
            surroundings=surroundings,
        )
    except ValueError as error:
        raise OperatorError(str(error)) from None


def dictionary_of(config: NodeConfig) -> Dictionary:
    """Return the names a scenario may use on this node."""
    of_parameters = {name: must | may for name, (must, may) in PARAMETER_COMMANDS.items()}
    return Dictionary(
        points=build_points(config),
        commands={**COMMAND_ARGUMENTS, **of_parameters},
        event_ids=EVENT_IDS,
    )


def prepare(request: FlightRequest) -> tuple[FlightSetup, str]:
    """Return the flight that was asked for and a short name of it.

    Raises:
        OperatorError: anything of the request cannot be used.
    """
    # Files that only the node has, such as that of a password, are no matter of a simulation.
    config = check_config(request.config_path, (plant_mistakes,), with_files=False).config
    plant_config = load_plant_config(config, request.config_path)
    scenario, folder, name = _scenario(request, config)
    if request.orbit_path is not None and scenario.start.orbit_phase is not None:
        raise OperatorError(
            f"{request.scenario_path}: start.orbit_phase cannot be chosen with --orbit: "
            "an element set says itself where the flight begins; remove one of them"
        )
    orbit = load_orbit(plant_config, request.orbit_path, scenario.start.orbit_phase or 0.0)
    text, what = request.duration, "--duration"
    if text is None:
        text, what = scenario.duration or "1orbit", f"{request.scenario_path}: duration"
    duration_s = parse_duration(text, what=what, orbit_s=orbit.period_s)
    if duration_s > DURATION_S_MAX:
        raise OperatorError(f"{what} {text!r}: is longer than {DURATION_S_MAX / 86400.0:g} days")
    seed = request.seed if request.seed is not None else scenario.seed
    plan = resolve(
        scenario,
        OrbitEvents.of(orbit.events(-0.5, duration_s)),
        duration_s=duration_s,
        seed=DEFAULT_SEED if seed is None else seed,
        path=str(request.scenario_path or name),
        leave_out_late=request.scenario_path is None,
    )
    setup = FlightSetup(
        config=config, plant_config=plant_config, orbit=orbit, plan=plan, folder=folder
    )
    return irradiated(setup, request.radiation), name


def irradiated(setup: FlightSetup, level: RadiationLevel) -> FlightSetup:
    """Return a flight with the radiation of a level, its faults among those of the plan."""
    if level == "none":
        return setup
    plan = setup.plan
    radiation = draw_radiation(
        setup.plant_config.radiation,
        setup.orbit,
        level=level,
        duration_s=plan.duration_ns / NS_PER_S,
        seed=plan.seed,
        accelerator_count=setup.config.node.accelerator_count,
        planned=plan.faults,
    )
    faults = sorted((*plan.faults, *radiation.faults), key=lambda fault: fault.start_ns)
    return replace(setup, plan=replace(plan, faults=tuple(faults)), radiation=radiation)


def _scenario(request: FlightRequest, config: NodeConfig) -> tuple[Scenario, Path, str]:
    path = request.scenario_path
    if path is None and request.orbit_path is not None:
        return FOREIGN_ORBIT, Path(), request.orbit_path.stem
    if path is None:
        path = default_scenario_path(config.node.power_system, config.node.cooling)
    if path is None:
        return NO_FAULTS, Path(), request.config_path.stem
    return read_scenario(path, config)


def read_scenario(path: Path, config: NodeConfig) -> tuple[Scenario, Path, str]:
    """Return a checked scenario, the folder of its files, and a short name.

    Raises:
        OperatorError: one line per mistake.
    """
    scenario = load_scenario(path, dictionary_of(config), (SimulationInjector(),))
    _check_traces(scenario, path.parent, config)
    return scenario, path.parent, path.stem


def _check_traces(scenario: Scenario, folder: Path, config: NodeConfig) -> None:
    """Read the workload traces that a scenario names, so that a bad one is found on the ground."""
    for action in scenario.action:
        if action.do == "workload":
            build_workload(
                action.parameters,
                seed=0,
                folder=folder,
                accelerator_count=config.node.accelerator_count,
            )


def check_scenario_file(path: Path, config: NodeConfig) -> str:
    """Return what a good scenario amounts to, in one line.

    Raises:
        OperatorError: one line per mistake.
    """
    try:
        scenario = load_scenario(path, dictionary_of(config), (SimulationInjector(),))
        _check_traces(scenario, path.parent, config)
    except OperatorError as error:
        if not path.is_file():
            raise
        text = path.read_text(encoding="utf-8", errors="replace")
        raise OperatorError(with_lines(path, text, error.lines)) from None
    return (
        f"{path}: good: {scenario.title}: {len(scenario.fault)} faults, "
        f"{len(scenario.action)} actions, {len(scenario.expect)} expectations"
    )
