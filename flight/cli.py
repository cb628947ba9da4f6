"""The command line: `nightside sim | run | check | explain | --version`.

Exit codes: 0 good, 1 something was violated, 2 bad input, 3 our own bug, 130 ended by Ctrl-C.
"""

import argparse
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from flight.examples import default_config_path
from flight.operator_error import OperatorError, suggest
from flight.version import VERSION

EXIT_OK = 0
EXIT_VIOLATED = 1
EXIT_BAD_INPUT = 2
EXIT_BUG = 3
EXIT_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; never raises."""
    try:
        options, command = _split(sys.argv[1:] if argv is None else argv)
        arguments = _parser().parse_args(options, argparse.Namespace(shell_command=command))
        return int(arguments.run(arguments))
    except OperatorError as error:
        for line in error.lines:
            print(f"nightside: {line}", file=sys.stderr)
        return EXIT_BAD_INPUT
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away: nothing left to say it to
        sys.stderr.close()
        return EXIT_OK
    except Exception:  # the outermost edge: anything here is our own bug, and is said to be one
        traceback.print_exc()
        print("nightside: this is a bug in nightside, not in your input", file=sys.stderr)
        return EXIT_BUG


def _split(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Cut off the command after `--`, which belongs to --nvml-shell alone.

    Raises:
        OperatorError: there is one, for `sim` without --nvml-shell.
    """
    words = list(argv)
    if "--" not in words:
        return words, []
    cut = words.index("--")
    options, command = words[:cut], words[cut + 1 :]
    if "--nvml-shell" in options:
        return options, command
    if "sim" in options[:1]:
        raise OperatorError(
            f"what follows --{''.join(f' {word}' for word in command[:1])} is run in the shell of "
            "--nvml-shell, which is not given: write sim --realtime --nvml-shell -- COMMAND"
        )
    return words, []


class _Parser(argparse.ArgumentParser):
    """argparse whose mistakes come out like every other operator error."""

    def error(self, message: str) -> NoReturn:
        raise OperatorError(f"{message} (see: {self.prog} --help)")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="nightside", description="Flight software for onboard data-center nodes.")
    parser.add_argument("--version", action="version", version=f"nightside {VERSION}")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=_Parser
    )
    _add_sim(commands)
    _add_run(commands)
    _add_check(commands)
    _add_explain(commands)
    return parser


if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[_Parser]  # noqa: SLF001  # it has no public name


def _add_sim(commands: "_Commands") -> None:
    sim = commands.add_parser("sim", help="fly a simulated node in virtual time")
    sim.add_argument("config", nargs="?", type=Path, help="node configuration (default: REF-1)")
    sim.add_argument("--scenario", type=Path, metavar="FILE", help="faults, actions, expectations")
    sim.add_argument("--orbit", type=Path, metavar="FILE.tle", help="a real element set")
    sim.add_argument("--seed", type=_seed, metavar="N", help="default: the scenario's, else 7")
    sim.add_argument("--duration", metavar="TIME", help="1orbit (default), 5400s, 90min, 3d")
    sim.add_argument("--out", type=Path, metavar="DIR", help="default: flights/NAME-seedN")
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
    sim.add_argument("--json", action="store_true", help="print summary.json instead of the text")
    sim.set_defaults(run=_sim)


def _add_run(commands: "_Commands") -> None:
    run = commands.add_parser("run", help="run the daemon in real time")
    run.add_argument("config", type=Path, help="node configuration")
    run.add_argument("--duration", metavar="TIME", help="end by itself after TIME, e.g. 60s")
    run.add_argument("--out", type=Path, metavar="DIR", help="default: flights/run")
    run.set_defaults(run=_run)


def _add_check(commands: "_Commands") -> None:
    check = commands.add_parser("check", help="check a configuration (and scenario) on the ground")
    check.add_argument("config", type=Path)
    check.add_argument("--scenario", type=Path, metavar="FILE")
    check.set_defaults(run=_check)


def _add_explain(commands: "_Commands") -> None:
    explain = commands.add_parser("explain", help="why each accelerator had its cap at a time")
    explain.add_argument(
        "flight", nargs="?", type=Path, help="a flight's folder (default: the newest)"
    )
    explain.add_argument("--at", required=True, metavar="T", help="time in the flight, e.g. 2601s")
    explain.set_defaults(run=_explain)


def _seed(text: str) -> int:
    try:
        seed = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
    if not 0 <= seed < 2**32:
        raise argparse.ArgumentTypeError(f"{seed} is outside 0 to {2**32 - 1}")
    return seed


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

    request = FlightRequest(
        config_path=arguments.config or default_config_path(),
        scenario_path=arguments.scenario,
        orbit_path=arguments.orbit,
        seed=arguments.seed,
        duration=arguments.duration,
        out=arguments.out,
        realtime_speed=arguments.realtime,
        as_json=arguments.json,
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


def _run(arguments: argparse.Namespace) -> int:
    from sim_hw.fly_realtime import (
        run_realtime,
    )  # until driver processes exist, devices are simulated

    return run_realtime(
        config_path=arguments.config, duration=arguments.duration, out=arguments.out
    )


def _check(arguments: argparse.Namespace) -> int:
    from sim_hw.fly import check

    for line in check(arguments.config, arguments.scenario):
        print(line)
    return EXIT_OK


def _explain(arguments: argparse.Namespace) -> int:
    from flight.explain import explain

    print(explain(arguments.flight, arguments.at))
    return EXIT_OK
