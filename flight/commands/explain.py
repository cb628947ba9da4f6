"""`nightside explain`: why each accelerator had its cap at one time of a flight."""

import argparse
from pathlib import Path

from flight.commands import EXIT_OK, Commands


def add(commands: Commands) -> None:
    """Declare the command."""
    explain = commands.add_parser("explain", help="why each accelerator had its cap at a time")
    explain.add_argument(
        "flight", nargs="?", type=Path, help="a flight's folder (default: the newest)"
    )
    explain.add_argument("--at", required=True, metavar="T", help="time in the flight, e.g. 2601s")
    explain.set_defaults(run=_explain)


def _explain(arguments: argparse.Namespace) -> int:
    from flight.explain import explain

    print(explain(arguments.flight, arguments.at))
    return EXIT_OK
