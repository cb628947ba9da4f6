"""Element sets for SGP4: from two lines, from OMM values, or of a circular orbit.

What is wrong with one is a ValueError whose text names the line or key, the value and the mend.
"""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from sgp4.api import SGP4_ERRORS, WGS72, Satrec

MU_KM3_PER_S2: Final = 398_600.441_8  # EGM96
EARTH_RADIUS_KM: Final = 6378.137  # altitudes count from here: equatorial, WGS 84
DAY_S: Final = 86_400.0
J2000_JD: Final = 2_451_545.0
UNIX_JD: Final = 2_440_587.5
_EPOCH_1949_JD: Final = 2_433_281.5  # SGP4 counts days from 1949-12-31
_LINE_LENGTH: Final = 69
_TEXT_LENGTH_MAX: Final = 4096

_OMM_RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "MEAN_MOTION": (0.05, 18.0),  # revolutions per day
    "ECCENTRICITY": (0.0, 0.999),
    "INCLINATION": (0.0, 180.0),
    "RA_OF_ASC_NODE": (0.0, 360.0),
    "ARG_OF_PERICENTER": (0.0, 360.0),
    "MEAN_ANOMALY": (0.0, 360.0),
    "BSTAR": (-1.0, 1.0),
}


class ElementSet(NamedTuple):
    """One element set, ready to fly. `text`: what it was made from; equal text, equal orbit."""

    name: str
    text: str
    satellite: Satrec
    epoch_utc_s: float
    period_s: float


def parse_element_set(text: str) -> ElementSet:
    """Return the element set in a text: two lines with an optional name line before them, or a
    JSON object with the keys of a CCSDS orbit mean-elements message.

    Raises:
        ValueError: It is neither; the message says what to mend.
    """
    if len(text) > _TEXT_LENGTH_MAX:
        raise ValueError(f"element set: {len(text)} characters; give one, not a catalogue")
    return _from_omm(text) if text.lstrip().startswith("{") else _from_lines(text)


def circular_element_set(
    *,
    altitude_km: float,
    inclination_deg: float,
    raan_deg: float,
    argument_of_latitude_deg: float,
    epoch_utc: datetime,
) -> ElementSet:
    """Return the elements of an orbit that stays circular but for the Earth's own bumps.

    Its mean motion is chosen so that it passes the equator as often as a Kepler orbit of this
    altitude does: the rates that SGP4 adds for the flattening of the Earth are taken off again.

    Args:
        altitude_km: Over the equatorial radius.
        argument_of_latitude_deg: Angle from the ascending node to the satellite at the epoch.
        epoch_utc: Naive is taken as UTC.
    """
    radius_km = EARTH_RADIUS_KM + altitude_km
    wanted = 60.0 * math.sqrt(MU_KM3_PER_S2 / (radius_km * radius_km * radius_km))  # rad/min
    epoch_utc_s = (epoch_utc if epoch_utc.tzinfo else epoch_utc.replace(tzinfo=UTC)).timestamp()
    mean_motion, eccentricity = wanted, 0.0
    for _ in range(4):  # it settles in three
        satellite = _satellite(
            epoch_utc_s=epoch_utc_s,
            bstar=0.0,
            eccentricity=eccentricity,
            perigee_rad=1.5 * math.pi,
            inclination_rad=math.radians(inclination_deg),
            anomaly_rad=math.radians((argument_of_latitude_deg + 90.0) % 360.0),
            mean_motion=mean_motion,
            node_rad=math.radians(raan_deg % 360.0),
        )
        mean_motion += wanted - (satellite.mdot + satellite.argpdot)
        # SGP4 lifts the northern half of the orbit (J3); a perigee in the south undoes it.
        eccentricity = -0.5 * satellite.j3oj2 * math.sin(satellite.inclo) / satellite.a
    text = (
        f"circular {altitude_km!r} km, {inclination_deg!r} deg, node {raan_deg!r} deg, "
        f"argument {argument_of_latitude_deg!r} deg at {epoch_utc_s!r} s"
    )
    name = f"circular {altitude_km:g} km"
    return ElementSet(name, text, satellite, epoch_utc_s, 60.0 * math.tau / wanted)


def _from_lines(text: str) -> ElementSet:
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    name = ""
    if lines and not lines[0].startswith("1 "):
        name = lines.pop(0).removeprefix("0 ").strip()
    if len(lines) != 2 or not lines[0].startswith("1 ") or not lines[1].startswith("2 "):
        raise ValueError(
            "element set: give an optional name line, then one line that begins with '1 ' and one "
            "with '2 '"
        )
    for number, line in enumerate(lines, start=1):
        _check_line(number, line)
    if lines[0][2:7] != lines[1][2:7]:
        raise ValueError(
            f"element set, line 2: satellite {lines[1][2:7]}, line 1 says {lines[0][2:7]}; take "
            "both from one element set"
        )
    try:
        satellite = Satrec.twoline2rv(lines[0], lines[1])
    except ValueError as error:
        raise ValueError(f"element set: {error}; restore it from its source") from None
    return _ready(name or f"satellite {lines[0][2:7]}", text, satellite)


def _check_line(number: int, line: str) -> None:
    if len(line) != _LINE_LENGTH or not line.isascii():
        raise ValueError(
            f"element set, line {number}: {len(line)} characters, an element line has "
            f"{_LINE_LENGTH} in ASCII; restore the line from its source"
        )
    total = sum(int(c) for c in line[:-1] if c.isdigit()) + line[:-1].count("-")
    if line[-1] != str(total % 10):
        raise ValueError(
            f"element set, line {number}: checksum is {line[-1]!r}, the line adds up to "
            f"{total % 10}; restore the line from its source"
        )


def _from_omm(text: str) -> ElementSet:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"element set: is not valid JSON: {error}") from None
    values = {key: _omm_number(fields, key) for key in _OMM_RANGES}
    satellite = _satellite(
        epoch_utc_s=_omm_epoch_s(fields),
        bstar=values["BSTAR"],
        eccentricity=values["ECCENTRICITY"],
        perigee_rad=math.radians(values["ARG_OF_PERICENTER"]),
        inclination_rad=math.radians(values["INCLINATION"]),
        anomaly_rad=math.radians(values["MEAN_ANOMALY"]),
        mean_motion=values["MEAN_MOTION"] * math.tau / 1440.0,
        node_rad=math.radians(values["RA_OF_ASC_NODE"]),
    )
    return _ready(str(fields.get("OBJECT_NAME", "the satellite"))[:64], text, satellite)


def _omm_number(fields: Mapping[str, Any], key: str) -> float:
    if key not in fields:
        raise ValueError(f"element set: {key} is missing; add it")
    try:
        value = float(fields[key])
    except (TypeError, ValueError, OverflowError):
        value = math.nan
    low, high = _OMM_RANGES[key]
    if not low <= value <= high:
        raise ValueError(f"element set: {key} = {fields[key]!r}: give {low:g} to {high:g}")
    return value


def _omm_epoch_s(fields: Mapping[str, Any]) -> float:
    try:
        epoch = datetime.fromisoformat(str(fields["EPOCH"]))
    except (KeyError, ValueError):
        given = fields.get("EPOCH")
        raise ValueError(
            f"element set: EPOCH = {given!r}: give a time such as 2030-03-20T12:00:00.000"
        ) from None
    return (epoch if epoch.tzinfo else epoch.replace(tzinfo=UTC)).timestamp()


def _satellite(
    *,
    epoch_utc_s: float,
    bstar: float,
    eccentricity: float,
    perigee_rad: float,
    inclination_rad: float,
    anomaly_rad: float,
    mean_motion: float,
    node_rad: float,
) -> Satrec:
    """Return an initialised satellite; mean_motion is in rad/min."""
    satellite = Satrec()
    satellite.sgp4init(
        WGS72,  # the constants that element sets are made with
        "i",
        0,
        epoch_utc_s / DAY_S + (UNIX_JD - _EPOCH_1949_JD),
        bstar,
        0.0,
        0.0,
        eccentricity,
        perigee_rad,
        inclination_rad,
        anomaly_rad,
        mean_motion,
        node_rad,
    )
    return satellite


def _ready(name: str, text: str, satellite: Satrec) -> ElementSet:
    if satellite.error:
        why = SGP4_ERRORS.get(satellite.error, f"error {satellite.error}")
        raise ValueError(f"element set: SGP4 cannot fly it: {why}; restore it from its source")
    period_s = 60.0 * math.tau / satellite.no_kozai
    epoch_s = (satellite.jdsatepoch - UNIX_JD) * DAY_S + satellite.jdsatepochF * DAY_S
    return ElementSet(name, text, satellite, epoch_s, period_s)
