"""`nightside faults`: what a node watches, and what of it is raised now."""

import argparse
import json
from pathlib import Path

from flight.commands import EXIT_OK, Commands

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


def _faults(arguments: argparse.Namespace) -> int:
    from flight.config import load_config
    from flight.examples import default_config_path
    from flight.fault_list import chosen, live_states, print_list, print_one
    from flight.fault_table import rows

    found = chosen(rows(load_config(arguments.config or default_config_path())), arguments.id)
    states = live_states(arguments.folder, RUN_FOLDER)
    if arguments.json:
        from dataclasses import asdict

        print(
            json.dumps(
                {
                    "faults": [asdict(row) for row in found],
                    "states": None if states is None else [asdict(state) for state in states],
                },
                indent=2,
            )
        )
    elif len(found) == 1:
        print_one(found[0], states)
    else:
        print_list(found, states)
    return EXIT_OK
