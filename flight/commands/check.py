"""`nightside check`: a configuration, and a scenario, checked on the ground."""

import argparse
from pathlib import Path

from flight.commands import EXIT_OK, Commands


def add(commands: Commands) -> None:
    """Declare the command."""
    check = commands.add_parser("check", help="check a configuration (and scenario) on the ground")
    check.add_argument("config", type=Path)
    check.add_argument("--scenario", type=Path, metavar="FILE")
    check.set_defaults(run=_check)


def _check(arguments: argparse.Namespace) -> int:
    from sim_hw.fly import check

    for line in check(arguments.config, arguments.scenario):
        print(line)
    return EXIT_OK
