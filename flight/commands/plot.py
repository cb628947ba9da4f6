"""`nightside plot`: channels of a flight as a picture."""

import argparse
from pathlib import Path

from flight.commands import EXIT_OK, Commands
from flight.commands.export import add_choice


def add(commands: Commands) -> None:
    """Declare the command."""
    plot = commands.add_parser("plot", help="channels of a flight as a PNG or SVG picture")
    add_choice(plot)
    plot.add_argument("--out", required=True, type=Path, metavar="FILE.png|FILE.svg")
    plot.set_defaults(run=_plot)


def _plot(arguments: argparse.Namespace) -> int:
    from flight.channels_chosen import choose_channels, read_samples
    from flight.eclipses import eclipses_of
    from flight.flights import open_recording, reading
    from flight.plot import plot_samples
    from flight.times import parse_span

    path, reader = open_recording(arguments.flight, arguments.run_number)
    with reader, reading(path):
        names = choose_channels(reader, arguments.channels)
        span = parse_span(reader, arguments.begin, arguments.end)
        samples = read_samples(reader, names, span, 0)
        modes, eclipses = reader.modes(span.from_s, span.to_s), eclipses_of(reader, span)
        events = reader.events(span.from_s, span.to_s)
    title = f"{path}, run {reader.run}"
    plot_samples(samples, arguments.out, modes=modes, eclipses=eclipses, events=events, title=title)
    print(f"{arguments.out}: {len(names)} channels, {len(samples.times_ns)} samples each")
    return EXIT_OK
