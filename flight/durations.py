"""Durations as people write them: 90, 90s, 15 min, 1.5h, 3d, 1orbit."""

import re

from flight.operator_error import OperatorError, suggest

_UNITS_S = {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_PATTERN = re.compile(r"^\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]*)\s*$")


def parse_duration(text: str, *, what: str, orbit_s: float | None = None) -> float:
    """Return seconds.

    Args:
        what: What the duration is for, named in the message, e.g. "--duration".
        orbit_s: Length of an orbit; None where orbits make no sense.

    Raises:
        OperatorError: not a duration, an unknown unit, or zero.
    """
    match = _PATTERN.match(text)
    if match is None:
        raise OperatorError(
            f"{what} {text!r}: is not a duration; write e.g. 5400s, 90min, 3d or 1orbit"
        )
    number, unit = float(match[1]), match[2] or "s"
    units = dict(_UNITS_S)
    if orbit_s is not None:
        units["orbit"] = units["orbits"] = orbit_s
    if unit not in units:
        near = suggest(unit, units) or f"; known units: {', '.join(units)}"
        raise OperatorError(f"{what} {text!r}: unknown unit {unit!r}{near}")
    if number <= 0.0:
        raise OperatorError(f"{what} {text!r}: must be longer than zero")
    return number * units[unit]
