"""`nightside replay`: run the decisions of a recording again and compare them."""

import argparse
from pathlib import Path

from flight.commands import EXIT_OK, EXIT_VIOLATED, Commands, run_number


def add(commands: Commands) -> None:
    """Declare the command."""
    replay = commands.add_parser(
        "replay", help="run the decisions of a recording again and compare them"
    )
    replay.add_argument(
        "flight", nargs="?", type=Path, help="a flight's folder or recording (default: the newest)"
    )
    replay.add_argument("--from", dest="begin", metavar="T", help="time in the flight, e.g. 2601s")
    replay.add_argument("--to", dest="end", metavar="T")
    replay.add_argument(
        "--run", dest="run_number", type=run_number, metavar="N", help="default: the newest"
    )
    replay.add_argument(
        "--set",
        dest="changes",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a key of the configuration: what would have been decided?",
    )
    replay.add_argument("--json", action="store_true", help="the report as JSON")
    replay.set_defaults(run=_replay)


def _replay(arguments: argparse.Namespace) -> int:
    from flight.build_identity import build_identity
    from flight.config_change import changed_config
    from flight.flights import open_recording, reading
    from flight.replay import recorded_config, replay
    from flight.replay_text import report_json, report_lines
    from flight.times import parse_span

    path, reader = open_recording(arguments.flight, arguments.run_number)
    with reader, reading(path):
        span = parse_span(reader, arguments.begin, arguments.end)
        report = replay(
            reader,
            config=changed_config(recorded_config(reader), arguments.changes),
            is_exact=reader.meta["build"] == build_identity(),
            from_ns=span.from_ns,
            to_ns=span.to_ns,
        )
    if arguments.json:
        print(report_json(report))
    else:
        print(f"{path}, run {reader.run}")
        for line in report_lines(report):
            print(line)
    return EXIT_VIOLATED if report.differing else EXIT_OK
