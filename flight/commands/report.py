"""`nightside report`: a flight, or two beside each other, as one HTML file."""

import argparse
from pathlib import Path

from flight.commands import EXIT_OK, Commands, run_number
from flight.operator_error import OperatorError


def add(commands: Commands) -> None:
    """Declare the command."""
    report = commands.add_parser("report", help="a flight, or two compared, as one HTML file")
    report.add_argument(
        "flight", nargs="?", type=Path, help="a flight's folder or recording (default: the newest)"
    )
    report.add_argument("other", nargs="?", type=Path, help="compare with this flight")
    report.add_argument(
        "--out", type=Path, metavar="FILE", help="default: report.html beside the recording"
    )
    report.add_argument(
        "--run", dest="run_number", type=run_number, metavar="N", help="default: the newest"
    )
    report.set_defaults(run=_report)


def _report(arguments: argparse.Namespace) -> int:
    from flight.report.writing import write_comparison, write_report

    if arguments.other is None:
        print(write_report(arguments.flight, arguments.out, arguments.run_number))
        return EXIT_OK
    if arguments.run_number is not None:
        raise OperatorError("--run goes with one flight: a comparison takes the newest run of each")
    print(write_comparison(arguments.flight, arguments.other, arguments.out))
    return EXIT_OK
