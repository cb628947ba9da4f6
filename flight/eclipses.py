"""Eclipses over a span of a recording, as the node believed them to be."""

from flight.core.types import OrbitForecast
from flight.services.recording import NS_PER_S, RecordingReader
from flight.times import Span


def eclipses_of(reader: RecordingReader, span: Span) -> list[tuple[int, int]]:
    """Return begin and end, in ns, of each eclipse in a span, as the node then knew it."""
    first_s, last_s = reader.span_s()
    begin_ns = max(span.from_ns, round(first_s * NS_PER_S))
    end_ns = min(span.to_ns, round(last_s * NS_PER_S))
    line = reader.rares(begin_ns, end_ns).inputs["orbit"]
    changes_ns = [begin_ns, *(at for at in line.times_ns if begin_ns < at < end_ns), end_ns]
    found: list[tuple[int, int]] = []
    for i, from_ns in enumerate(changes_ns[:-1]):
        forecast: OrbitForecast | None = line.at(from_ns)
        if forecast is None:
            continue
        until_ns = min(changes_ns[i + 1], forecast.valid_until_ns)
        for entry_ns, exit_ns in forecast.spans_ns:
            low_ns, high_ns = max(entry_ns, from_ns), min(exit_ns, until_ns)
            if low_ns >= high_ns:
                continue
            if found and low_ns <= found[-1][1]:
                found[-1] = (found[-1][0], high_ns)
            else:
                found.append((low_ns, high_ns))
    return found
