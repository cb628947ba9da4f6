"""`nightside export`: channels of a flight for other tools."""

import argparse
from pathlib import Path

from flight.commands import EXIT_OK, Commands, run_number


def add(commands: Commands) -> None:
    """Declare the command."""
    export = commands.add_parser("export", help="channels of a flight as CSV, NPZ or Parquet")
    add_choice(export)
    export.add_argument(
        "--format", required=True, choices=("csv", "npz", "parquet"), help="kind of file"
    )
    export.add_argument("--out", required=True, type=Path, metavar="FILE")
    export.add_argument("--every", metavar="TIME", help="one sample each, e.g. 1s (default: all)")
    export.set_defaults(run=_export)


def add_choice(parser: argparse.ArgumentParser) -> None:
    """Declare what chooses channels and a span of a flight."""
    parser.add_argument(
        "flight", nargs="?", type=Path, help="a flight's folder or recording (default: the newest)"
    )
    parser.add_argument(
        "--channels", required=True, nargs="+", metavar="GLOB", help="e.g. 'accel*.core_temp_c'"
    )
    parser.add_argument("--from", dest="begin", metavar="T", help="time in the flight, e.g. 2601s")
    parser.add_argument("--to", dest="end", metavar="T")
    parser.add_argument(
        "--run", dest="run_number", type=run_number, metavar="N", help="default: the newest"
    )


def _export(arguments: argparse.Namespace) -> int:
    from flight.channels_chosen import choose_channels, parse_interval_ns, read_samples
    from flight.export import write_samples
    from flight.flights import open_recording, reading
    from flight.times import parse_span

    every_ns = parse_interval_ns(arguments.every)
    path, reader = open_recording(arguments.flight, arguments.run_number)
    with reader, reading(path):
        names = choose_channels(reader, arguments.channels)
        span = parse_span(reader, arguments.begin, arguments.end)
        samples = read_samples(reader, names, span, every_ns)
    write_samples(samples, arguments.format, arguments.out)
    print(f"{arguments.out}: {len(samples.times_ns)} samples of {len(names)} channels")
    return EXIT_OK
