"""`nightside check`: a configuration, and a scenario, checked on the ground."""

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from flight.commands import EXIT_OK, Commands
from flight.operator_error import OperatorError

if TYPE_CHECKING:
    from flight.config import NodeConfig


def add(commands: Commands) -> None:
    """Declare the command."""
    check = commands.add_parser("check", help="check a configuration (and scenario) on the ground")
    check.add_argument("config", type=Path)
    check.add_argument("--scenario", type=Path, metavar="FILE")
    check.add_argument(
        "--diff", type=Path, metavar="OLD", help="what changes from OLD, and what restarts for it"
    )
    check.set_defaults(run=_check)


def _check(arguments: argparse.Namespace) -> int:
    from flight.config import load_config
    from flight.config_check import check_config
    from flight.config_diff import table

    checked = check_config(arguments.config, (_plant,))
    if arguments.diff is not None:
        lines = table(load_config(arguments.diff), checked.config)
    else:
        lines = checked.lines
    if arguments.scenario is not None:
        from sim_hw.fly import check_scenario_file

        lines = [*lines, check_scenario_file(arguments.scenario, checked.config)]
    for line in lines:
        print(line)
    return EXIT_OK


def _plant(path: Path, config: "NodeConfig") -> Iterable[str]:
    """Check the simulated plant, where the node is a simulated one."""
    from sim_hw.fly import load_plant_config

    try:
        load_plant_config(config, path)
    except OperatorError as error:
        return error.lines
    return ()
