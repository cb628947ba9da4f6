"""`nightside faults`: what a node watches, and what of it is raised now."""

import argparse
import contextlib
import json
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

from flight.commands import EXIT_OK, Commands
from flight.operator_error import OperatorError

if TYPE_CHECKING:
    from flight.config import NodeConfig

RUN_FOLDER = Path("flights/run")


def add(commands: Commands) -> None:
    """Declare the command."""
    faults = commands.add_parser("faults", help="the fault table, and what of it is raised now")
    faults.add_argument("config", nargs="?", type=Path, help="node configuration (default: REF-1)")
    faults.add_argument("--id", metavar="ID", help="one fault in full, or a pattern such as eps.*")
    faults.add_argument(
        "--run",
        dest="folder",
        type=Path,
        metavar="DIR",
        help=f"a running node's folder (default: {RUN_FOLDER})",
    )
    faults.add_argument("--json", action="store_true", help="for programs")
    faults.set_defaults(run=_faults)


def _flown_config(arguments: argparse.Namespace) -> "NodeConfig":
    """Return the configuration that was named, else that of the node that is looked at."""
    from flight.config_check import check_config
    from flight.examples import default_config_path
    from flight.flights import RECORDING_NAME
    from flight.replay import recorded_config
    from flight.services.recording import RecordingReader

    recording = (arguments.folder or RUN_FOLDER) / RECORDING_NAME
    if arguments.config is None and recording.is_file():
        errors = (OperatorError, sqlite3.Error, ValueError, LookupError)
        with contextlib.suppress(*errors), RecordingReader(recording) as reader:
            return recorded_config(reader)
    return check_config(arguments.config or default_config_path(), with_files=False).config


def _faults(arguments: argparse.Namespace) -> int:
    from flight.fault_list import chosen, live_states, print_list, print_one
    from flight.fault_table import rows

    config = _flown_config(arguments)
    found = chosen(rows(config), arguments.id)
    live = live_states(arguments.folder, RUN_FOLDER)
    if arguments.json:
        from dataclasses import asdict

        print(
            json.dumps(
                {
                    "faults": [asdict(row) for row in found],
                    "states": None if live is None else [asdict(state) for state in live.states],
                    "is_now": live is not None and live.is_now,
                },
                indent=2,
            )
        )
    elif len(found) == 1:
        print_one(found[0], live)
    else:
        print_list(found, live)
    return EXIT_OK
