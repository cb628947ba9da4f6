"""`nightside sim`: a simulated node flown in virtual time."""

import argparse
from pathlib import Path

from flight.commands import Commands
from flight.examples import default_config_path
from flight.operator_error import OperatorError, suggest

RUNS_MAX = 100_000
JOBS_MAX = 1024  # processes; a machine with more cores can fly in two folders


def add(commands: Commands) -> None:
    """Declare the command."""
    sim = commands.add_parser("sim", help="fly a simulated node in virtual time")
    sim.add_argument(
        "config",
        nargs="?",
        type=Path,
        help="node configuration (default: the scenario's, else REF-1)",
    )
    sim.add_argument("--scenario", type=Path, metavar="FILE", help="faults, actions, expectations")
    sim.add_argument("--orbit", type=Path, metavar="FILE.tle", help="a real element set")
    sim.add_argument("--seed", type=_seed, metavar="N", help="default: the scenario's, else 7")
    sim.add_argument("--duration", metavar="TIME", help="1orbit (default), 5400s, 90min, 3d")
    sim.add_argument("--out", type=Path, metavar="DIR", help="default: flights/NAME-seedN")
    sim.add_argument(
        "--radiation",
        choices=("none", "nominal", "accelerated"),
        default="none",
        help="particles by their rates, or each kind about once in an orbit (default none)",
    )
    sim.add_argument(
        "--realtime",
        nargs="?",
        type=_speed,
        const=1.0,
        metavar="SPEED",
        help="pace the flight at SPEED x real time (default 1)",
    )
    sim.add_argument(
        "--nvml-shell",
        action="store_true",
        help="with --realtime: start a shell, or the command after --, in which NVML tools see the "
        "simulated accelerators; the flight ends with it",
    )
    sim.add_argument(
        "--runs", type=_runs, metavar="N", help="fly N times, with the seed and those after it"
    )
    sim.add_argument(
        "--jobs", type=_jobs, metavar="J", help="with --runs: so many at a time (default: cores)"
    )
    sim.add_argument(
        "--json", action="store_true", help="print summary.json (runs.json) instead of the text"
    )
    sim.add_argument(
        "--report",
        action=argparse.BooleanOptionalAction,
        help="write report.html, or do not (default: of flights of 10 minutes and more; of many "
        "runs a page of all, and of each that is not good)",
    )
    sim.set_defaults(run=_sim)


def _seed(text: str) -> int:
    return _whole(text, 0, 2**32 - 1)


def _runs(text: str) -> int:
    return _whole(text, 1, RUNS_MAX)


def _jobs(text: str) -> int:
    return _whole(text, 1, JOBS_MAX)


def _whole(text: str, low: int, high: int) -> int:
    try:
        number = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if not low <= number <= high:
        raise argparse.ArgumentTypeError(f"{number} is outside {low} to {high}")
    return number


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        near = suggest(text, ["1", "10", "100"])
        raise argparse.ArgumentTypeError(f"{text!r} is not a speed such as 10{near}") from None
    if not 0.01 <= speed <= 1000.0:
        raise argparse.ArgumentTypeError(f"{text} is outside 0.01 to 1000")
    return speed


def _sim(arguments: argparse.Namespace) -> int:
    from sim_hw.fly import FlightRequest, fly  # the simulation is loaded only by who asks for it
    from sim_hw.scenario import config_of

    config_path: Path | None = arguments.config
    if config_path is None and arguments.scenario is not None:
        config_path = config_of(arguments.scenario)
    request = FlightRequest(
        config_path=config_path or default_config_path(),
        scenario_path=arguments.scenario,
        orbit_path=arguments.orbit,
        seed=arguments.seed,
        duration=arguments.duration,
        out=arguments.out,
        realtime_speed=arguments.realtime,
        as_json=arguments.json,
        with_report=arguments.report,
        radiation=arguments.radiation,
    )
    if arguments.runs is not None:
        _refuse_realtime(arguments)
        from sim_hw.runs.fly import RunsRequest, fly_runs

        return fly_runs(RunsRequest(flight=request, runs=arguments.runs, jobs=arguments.jobs))
    if arguments.jobs is not None:
        raise OperatorError(
            "--jobs goes with --runs, which is not given: one flight is flown by one process"
        )
    if not arguments.nvml_shell:
        return fly(request)
    if arguments.realtime is None:
        raise OperatorError(
            "--nvml-shell goes with --realtime, which is not given: NVML tools live in real time"
        )
    if arguments.json:
        raise OperatorError(
            "--nvml-shell goes with --realtime and not with --json: its command owns the output, "
            "and summary.json is written to the flight's folder all the same"
        )
    from sim_hw.nvml_shell import fly_with_shell

    return fly_with_shell(request, arguments.shell_command)


def _refuse_realtime(arguments: argparse.Namespace) -> None:
    if arguments.nvml_shell:
        raise OperatorError("--runs goes without --nvml-shell: a shell is in one flight")
    if arguments.realtime is not None:
        raise OperatorError(
            "--runs goes without --realtime: many flights are flown as fast as the cores allow"
        )
