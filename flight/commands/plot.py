"""`nightside plot`: channels of a flight as a picture."""

import argparse
from pathlib import Path

from flight.commands import EXIT_OK, Commands
from flight.commands.export import add_choice
from flight.operator_error import OperatorError


def add(commands: Commands) -> None:
    """Declare the command."""
    plot = commands.add_parser("plot", help="channels of a flight as a PNG or SVG picture")
    add_choice(plot)
    plot.add_argument("--out", required=True, type=Path, metavar="FILE.png|FILE.svg")
    plot.set_defaults(run=_plot)


def _plot(arguments: argparse.Namespace) -> int:
    from flight.channels_chosen import choose_channels, read_samples
    from flight.flights import open_recording
    from flight.plot import plot_samples
    from flight.times import parse_span

    path, reader = open_recording(arguments.flight, arguments.run_number)
    with reader:
        try:
            names = choose_channels(reader, arguments.channels)
            span = parse_span(reader, arguments.begin, arguments.end)
            samples = read_samples(reader, names, span, 0)
        except OperatorError as error:
            raise OperatorError([f"{path}: {line}" for line in error.lines]) from None
        plot_samples(
            samples,
            arguments.out,
            modes=reader.modes(span.from_s, span.to_s),
            events=reader.events(span.from_s, span.to_s),
            title=f"{path}, run {reader.run}",
        )
    print(f"{arguments.out}: {len(names)} channels, {len(samples.times_ns)} samples each")
    return EXIT_OK
