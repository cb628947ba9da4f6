"""Times as people write them: `2600 s`, `eclipse_exit + 60 s`, `eclipse_entry[2] - 30 s`,
`pump_a_stop + 10 s`.

A time is parsed once (`parse_time`) and becomes integer nanoseconds later (`resolve_time`), when
the orbit and the other instants of the flight are known. Time 0 is the start of the run.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Self

from flight.operator_error import suggest

NS_PER_S = 1_000_000_000

UNIT_NS: Mapping[str, int] = {
    "ms": 1_000_000,
    "s": NS_PER_S,
    "min": 60 * NS_PER_S,
    "h": 3600 * NS_PER_S,
    "d": 86_400 * NS_PER_S,
}
START = "start"
END = "end"
ECLIPSE_ENTRY = "eclipse_entry"
ECLIPSE_EXIT = "eclipse_exit"
RESERVED_ANCHORS = (START, END, ECLIPSE_ENTRY, ECLIPSE_EXIT)

_TERM = re.compile(r"\s*([+-]?)\s*(\d+(?:\.\d+)?|\.\d+)\s*([a-zA-Z]+)")
_ANCHOR = re.compile(r"\s*([A-Za-z][A-Za-z0-9_]*)\s*(?:\[\s*(\d+)\s*\])?")
_FORMS = "'2600 s', '43 min', 'eclipse_exit + 60 s' or 'pump_a_stop + 10 s'"


class TimeError(ValueError):
    """A time that cannot be understood or does not exist; the text says what would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeExpression:
    """A parsed time: an anchor and an offset.

    Args:
        text: As it was written.
        anchor: `start`, `end`, `eclipse_entry`, `eclipse_exit` or the id of a fault.
        occurrence: Which occurrence of an orbital event, counted from 1; 1 for every other anchor.
        offset_ns: Added to the anchor; may be negative.
        is_fine: It was written to the millisecond, so nobody moves it inside a cycle.
    """

    text: str
    anchor: str = START
    occurrence: int = 1
    offset_ns: int = 0
    is_fine: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OrbitEvents:
    """Edges of eclipses inside a run, s after its start, each in rising order."""

    eclipse_entry_s: Sequence[float] = ()
    eclipse_exit_s: Sequence[float] = ()

    @classmethod
    def of(cls, events: Iterable[tuple[float, str]], *, start_s: float = 0.0) -> Self:
        """Return the events of an orbit, pairs of time and name, for a run that starts at
        `start_s`.
        """
        pairs = [(time_s - start_s, name) for time_s, name in events]
        return cls(
            eclipse_entry_s=tuple(max(0.0, t) for t, name in pairs if name == ECLIPSE_ENTRY),
            eclipse_exit_s=tuple(max(0.0, t) for t, name in pairs if name == ECLIPSE_EXIT),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchors:
    """What a time may lean on: the end of the run, orbital events, instants of faults by id."""

    end_ns: int
    orbit: OrbitEvents = field(default_factory=OrbitEvents)
    instants_ns: Mapping[str, int] = field(default_factory=dict)


def parse_time(text: str) -> TimeExpression:
    """Parse one time.

    Raises:
        TimeError: The text is no time; the message names the part and the right form.
    """
    match = _ANCHOR.match(text)
    anchor, occurrence, position = START, 1, 0
    if match is not None:
        anchor, position = match.group(1), match.end()
        if match.group(2) is not None:
            occurrence = _occurrence(anchor, int(match.group(2)))
    offset_ns, is_fine = 0, False
    while position < len(text) and text[position:].strip():
        term = _TERM.match(text, position)
        if term is None:
            raise TimeError(_explain(text, text[position:].strip()))
        sign, number, unit = term.groups()
        if not sign and position > 0:
            raise TimeError(f"'+' or '-' is missing before '{number} {unit}'")
        amount_ns = _amount_ns(number, unit)
        offset_ns += -amount_ns if sign == "-" else amount_ns
        is_fine = is_fine or unit == "ms" or amount_ns % (UNIT_NS["ms"] * 100) != 0
        position = term.end()
    if not text.strip():
        raise TimeError(f"empty; write a time such as {_FORMS}")
    return TimeExpression(
        text=text, anchor=anchor, occurrence=occurrence, offset_ns=offset_ns, is_fine=is_fine
    )


def resolve_time(expression: TimeExpression, anchors: Anchors) -> int:
    """Return the time in ns since the start of the run.

    Raises:
        TimeError: The anchor does not exist in this run, or the time is before the start.
    """
    time_ns = _anchor_ns(expression, anchors) + expression.offset_ns
    if time_ns < 0:
        raise TimeError(
            f"'{expression.text}' is {-time_ns / NS_PER_S:g} s before the start of the run"
        )
    return time_ns


def _anchor_ns(expression: TimeExpression, anchors: Anchors) -> int:
    name = expression.anchor
    if name == START:
        return 0
    if name == END:
        return anchors.end_ns
    if name in (ECLIPSE_ENTRY, ECLIPSE_EXIT):
        orbit = anchors.orbit
        times_s = orbit.eclipse_entry_s if name == ECLIPSE_ENTRY else orbit.eclipse_exit_s
        if expression.occurrence > len(times_s):
            raise TimeError(
                f"'{expression.text}': this run has {len(times_s)} {name}, "
                f"so {name}[{expression.occurrence}] does not happen; fly longer"
            )
        return round(times_s[expression.occurrence - 1] * NS_PER_S)
    if name not in anchors.instants_ns:
        known = (*RESERVED_ANCHORS, *anchors.instants_ns)
        raise TimeError(
            f"'{expression.text}': '{name}' is neither an orbital event nor the id of a fault"
            + (suggest(name, known) or f"; known are {', '.join(known)}")
        )
    return anchors.instants_ns[name]


def _occurrence(anchor: str, occurrence: int) -> int:
    if anchor not in (ECLIPSE_ENTRY, ECLIPSE_EXIT):
        raise TimeError(f"'{anchor}[{occurrence}]': only orbital events are counted")
    if occurrence < 1:
        raise TimeError(f"'{anchor}[{occurrence}]': events are counted from 1")
    return occurrence


def _amount_ns(number: str, unit: str) -> int:
    if not unit:
        raise TimeError(f"'{number}' has no unit; write '{number} s'")
    if unit not in UNIT_NS:
        known = ", ".join(UNIT_NS)
        raise TimeError(f"'{unit}' is no unit of time; write one of {known}")
    return int(Decimal(number) * UNIT_NS[unit])


def _explain(text: str, rest: str) -> str:
    bare = re.fullmatch(r"[+-]?\s*(\d+(?:\.\d+)?|\.\d+)", rest)
    if bare is not None:
        return f"'{text}' has no unit; write '{text.strip()} s'"
    return f"'{rest}' is no time; write {_FORMS}"
