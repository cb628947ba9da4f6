"""`nightside log`: the events of a flight."""

import argparse
from pathlib import Path

from flight.commands import EXIT_OK, Commands, run_number


def add(commands: Commands) -> None:
    """Declare the command."""
    log = commands.add_parser("log", help="the events of a flight")
    log.add_argument(
        "flight", nargs="?", type=Path, help="a flight's folder or recording (default: the newest)"
    )
    log.add_argument(
        "--severity",
        default="info",
        metavar="LEVEL",
        help="at least: debug, info, warning, critical",
    )
    log.add_argument("--id", default="*", metavar="GLOB", help="e.g. 'rail.*'")
    log.add_argument("--subject", default="*", metavar="GLOB", help="e.g. 'accel3*'")
    log.add_argument("--from", dest="begin", metavar="T", help="time in the flight, e.g. 2601s")
    log.add_argument("--to", dest="end", metavar="T")
    log.add_argument(
        "--run",
        dest="run_number",
        type=run_number,
        metavar="N",
        help="default: all runs of the recording",
    )
    log.add_argument(
        "--follow", action="store_true", help="go on with what is recorded from now on"
    )
    log.add_argument("--json", action="store_true", help="one JSON object per line")
    log.set_defaults(run=_log)


def _log(arguments: argparse.Namespace) -> int:
    from flight.event_list import EventFilter, event_lines, follow, parse_severity
    from flight.times import parse_bounds

    span = parse_bounds(arguments.begin, arguments.end)
    wanted = EventFilter(
        severity_min=parse_severity(arguments.severity),
        ids=arguments.id,
        subjects=arguments.subject,
        from_ns=span.from_ns,
        to_ns=span.to_ns,
    )
    if arguments.follow:
        follow(
            arguments.flight, wanted, as_json=arguments.json,
            write=lambda line: print(line, flush=True),
        )  # fmt: skip
        return EXIT_OK
    lines = event_lines(arguments.flight, wanted, run=arguments.run_number, as_json=arguments.json)
    for line in lines:
        print(line)
    return EXIT_OK
