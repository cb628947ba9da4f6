"""Spans of a recording as people ask for them."""

from typing import NamedTuple

from flight.durations import parse_duration
from flight.operator_error import OperatorError
from flight.services.recording import FOREVER_NS, NS_PER_S, RecordingReader


class Span(NamedTuple):
    """Both ends included."""

    from_ns: int
    to_ns: int

    @property
    def from_s(self) -> float:
        """The begin in s."""
        return self.from_ns / NS_PER_S

    @property
    def to_s(self) -> float:
        """The end in s."""
        return self.to_ns / NS_PER_S


def parse_span(reader: RecordingReader, begin: str | None, end: str | None) -> Span:
    """Return the span that --from and --to ask for; None: from or to the end of the recording.

    Raises: OperatorError, for what is no time, or a span that the recording does not hold.
    """
    try:
        first_s, last_s = reader.span_s()
    except LookupError as error:
        raise OperatorError(f"{error} yet") from None
    from_ns, to_ns = parse_bounds(begin, end)
    if from_ns > last_s * NS_PER_S or to_ns < first_s * NS_PER_S:
        raise OperatorError(
            f"--from {begin or 'the begin'} --to {end or 'the end'}: the recording holds "
            f"{first_s:g} s to {last_s:g} s, nothing of that"
        )
    return Span(from_ns, to_ns)


def parse_bounds(begin: str | None, end: str | None) -> Span:
    """Return the span that --from and --to ask for, of whatever recording; None: open.

    Raises: OperatorError, for what is no time, or an end before the begin.
    """
    from_ns = 0 if begin is None else _time_ns(begin, "--from")
    to_ns = FOREVER_NS if end is None else _time_ns(end, "--to")
    if from_ns > to_ns:
        raise OperatorError(f"--from {begin!r} is behind --to {end!r}: swap them")
    return Span(from_ns, to_ns)


def _time_ns(text: str, what: str) -> int:
    if text.strip() in ("0", "0s"):
        return 0
    return round(parse_duration(text, what=what) * NS_PER_S)
