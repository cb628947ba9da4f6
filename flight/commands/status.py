"""`nightside status`: what a running daemon says of itself."""

import argparse
import json
from pathlib import Path

from flight.commands import EXIT_OK, EXIT_VIOLATED, Commands
from flight.commands.top import RUN_FOLDER


def add(commands: Commands) -> None:
    """Declare the command."""
    status = commands.add_parser(
        "status", help="the daemon's tasks, restarts, lateness, link, recorder, store"
    )
    status.add_argument(
        "folder", nargs="?", type=Path, default=RUN_FOLDER, help="its --out (default: flights/run)"
    )
    status.add_argument("--json", action="store_true", help="print status.json")
    status.set_defaults(run=_status)


def _status(arguments: argparse.Namespace) -> int:
    from flight.status_text import is_well, render
    from flight.terminal import make_console
    from flight.top.sources import RunSource

    document = RunSource(arguments.folder).read(None)
    if arguments.json:
        print(json.dumps(document, indent=2))
    else:
        make_console().print(render(document), soft_wrap=True)
    return EXIT_OK if is_well(document) else EXIT_VIOLATED
