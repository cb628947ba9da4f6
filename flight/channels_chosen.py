"""Channels of a recording as people choose them, and their samples at a chosen interval."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

import numpy as np

from flight.core.types import Float64s, Int64s
from flight.durations import parse_duration
from flight.operator_error import OperatorError, suggest
from flight.services.recording import NS_PER_S, RecordingReader
from flight.times import Span

INTERVAL_S_MIN = 0.1  # a cycle


class Samples(NamedTuple):
    """What some channels read. values: [cycle, name], NaN where a reading failed; times_ns: of the
    cycles.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    times_ns: Int64s
    values: Float64s


def choose_channels(reader: RecordingReader, patterns: Sequence[str]) -> tuple[str, ...]:
    """Return the channels that match any of some shell patterns, in the order of the recording.

    Raises: OperatorError, one line for each pattern that matches none.
    """
    known = reader.channels()
    unknown = [p for p in patterns if not any(fnmatchcase(name, p) for name in known)]
    if unknown:
        raise OperatorError(
            [f"--channels {p!r}: no such channel{_suggest(p, known)}" for p in unknown]
        )
    return tuple(name for name in known if any(fnmatchcase(name, p) for p in patterns))


def _suggest(pattern: str, known: Sequence[str]) -> str:
    heads = sorted({name.rpartition(".")[0] for name in known})
    return suggest(pattern, known) or f"; channels begin with {', '.join(heads[:6])}, ..."


def parse_interval_ns(text: str | None) -> int:
    """Return the interval between samples; None: every cycle. Raises: OperatorError."""
    if text is None:
        return 0
    every_s = parse_duration(text, what="--every")
    if every_s < INTERVAL_S_MIN:
        raise OperatorError(f"--every {text!r}: a cycle takes {INTERVAL_S_MIN} s, write no less")
    return round(every_s * NS_PER_S)


def read_samples(
    reader: RecordingReader, names: tuple[str, ...], span: Span, every_ns: int
) -> Samples:
    """Return the samples of a span: of each interval the first cycle in it.

    Raises: OperatorError, when the span holds no cycle.
    """
    times_ns, values = reader.series(names, span.from_s, span.to_s, without_failed=True)
    if not len(times_ns):
        raise OperatorError("the recording holds no cycle in this span")
    if every_ns:
        slots = (times_ns - times_ns[0]) // every_ns
        is_first = np.concatenate(([True], slots[1:] != slots[:-1]))
        times_ns, values = times_ns[is_first], values[is_first]
    return Samples(names, tuple(reader.units[name] for name in names), times_ns, values)
