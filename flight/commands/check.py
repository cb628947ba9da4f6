"""`nightside check`: a configuration, and a scenario, checked on the ground."""

import argparse
from pathlib import Path

from flight.commands import EXIT_OK, Commands


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
    from flight.config_check import check_config
    from flight.config_diff import keys_in_flight, table
    from sim_hw.fly import plant_mistakes

    checked = check_config(arguments.config, (plant_mistakes,))
    if arguments.diff is not None:
        old = check_config(arguments.diff, with_files=False).config
        lines = table(old, checked.config, keys_in_flight())
    else:
        lines = checked.lines
    if arguments.scenario is not None:
        from sim_hw.fly import check_scenario_file

        lines = [*lines, check_scenario_file(arguments.scenario, checked.config)]
    for line in lines:
        print(line)
    return EXIT_OK
