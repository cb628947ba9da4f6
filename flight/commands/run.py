"""`nightside run`: the daemon in real time."""

import argparse
from pathlib import Path

from flight.commands import Commands


def add(commands: Commands) -> None:
    """Declare the command."""
    run = commands.add_parser("run", help="run the daemon in real time")
    run.add_argument("config", type=Path, help="node configuration")
    run.add_argument("--duration", metavar="TIME", help="end by itself after TIME, e.g. 60s")
    run.add_argument("--out", type=Path, metavar="DIR", help="default: flights/run")
    run.add_argument(
        "--scenario",
        type=Path,
        metavar="FILE",
        help="start, faults and actions of simulated devices; expectations are not judged",
    )
    run.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    import flight.assembly  # noqa: F401  # the daemon's own code, counted as its memory
    from flight.services.memory_watch import read_rss_mib

    daemon_rss_mib = read_rss_mib()  # what is loaded from here on is the simulation
    from sim_hw.fly_realtime import run_realtime  # until driver processes exist

    return run_realtime(
        config_path=arguments.config,
        duration=arguments.duration,
        out=arguments.out,
        scenario_path=arguments.scenario,
        daemon_rss_mib=daemon_rss_mib,
    )
