"""The South Atlantic Anomaly: when the satellite is inside, by its place above the turning Earth.

Two boxes in latitude and longitude stand for the contour of trapped protons: an outer one and a
core within it (docs/models.md 1a). Latitude is geocentric; the boxes are far cruder than that.
"""

import math
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np

from sim_hw.propagators import Propagator
from sim_hw.sun import DAY_S, Float64s

_GRID_S: Final = 10.0
_CHUNK_S: Final = 21_600.0


class HasPath(Protocol):
    """An orbit, as far as its place is concerned; `Orbit` is one."""

    @property
    def propagator(self) -> Propagator:
        """Where the satellite is."""

    @property
    def epoch_days(self) -> float:
        """Calendar time at t = 0 in days since JD 2451545.0."""


class Box(NamedTuple):
    """A part of the Earth's surface, in deg; east is positive."""

    latitude_min_deg: float
    latitude_max_deg: float
    longitude_min_deg: float
    longitude_max_deg: float

    def holds(self, latitude_deg: Float64s, longitude_deg: Float64s) -> Float64s:
        """Return how far inside each place is, in deg of the nearest border; negative: outside."""
        return np.minimum(
            np.minimum(latitude_deg - self.latitude_min_deg, self.latitude_max_deg - latitude_deg),
            np.minimum(
                longitude_deg - self.longitude_min_deg, self.longitude_max_deg - longitude_deg
            ),
        )


ANOMALY: Final = Box(-50.0, 0.0, -90.0, 40.0)
CORE: Final = Box(-40.0, -10.0, -70.0, -10.0)


class Pass(NamedTuple):
    """A stay inside a box, in s since the start of the flight."""

    entry_s: float
    exit_s: float

    @property
    def length_s(self) -> float:
        """How long it lasts."""
        return self.exit_s - self.entry_s


@dataclass(frozen=True, slots=True)
class AnomalyPasses:
    """The passes of a flight, cut off at its start and end. Core passes lie within the outer."""

    outer: tuple[Pass, ...]
    core: tuple[Pass, ...]

    @classmethod
    def of(cls, orbit: HasPath, duration_s: float) -> "AnomalyPasses":
        """Find the passes of the first duration_s of an orbit."""
        found: tuple[list[Pass], list[Pass]] = ([], [])
        low_s = 0.0
        while low_s < duration_s:
            high_s = min(low_s + _CHUNK_S, duration_s)
            count = max(2, math.ceil((high_s - low_s) / _GRID_S) + 1)
            time_s = np.linspace(low_s, high_s, count)
            places = geographic_deg(orbit, time_s)
            for passes, box in zip(found, (ANOMALY, CORE), strict=True):
                _append(passes, time_s, box.holds(*places))
            low_s = high_s
        return cls(*(tuple(passes) for passes in found))


def earth_rotation_deg(days_since_j2000: Float64s) -> Float64s:
    """Return the mean sidereal time of Greenwich.

    Source: IAU 1982 expression, its linear part (J. Meeus, Astronomical Algorithms, 12.4).
    """
    turned: Float64s = (280.460_618_37 + 360.985_647_366_29 * days_since_j2000) % 360.0
    return turned


def geographic_deg(orbit: HasPath, time_s: Float64s) -> tuple[Float64s, Float64s]:
    """Return geocentric latitude and longitude (-180..180) under the satellite."""
    position, _ = orbit.propagator.state(time_s)
    radius = np.sqrt(np.einsum("ij,ij->i", position, position))
    latitude: Float64s = np.degrees(np.arcsin(position[:, 2] / radius))
    ascension = np.degrees(np.arctan2(position[:, 1], position[:, 0]))
    turned = earth_rotation_deg(orbit.epoch_days + time_s / DAY_S)
    longitude: Float64s = (ascension - turned + 180.0) % 360.0 - 180.0
    return latitude, longitude


def _append(passes: list[Pass], time_s: Float64s, inside: Float64s) -> None:
    """Add the stays of a stretch of time; one that goes on from the stretch before is joined.

    Borders are found by a straight line between grid points: 0.1 s, as fine as the boxes allow.
    """
    is_in = inside >= 0.0
    at = np.flatnonzero(is_in[1:] != is_in[:-1])
    part = inside[at] / (inside[at] - inside[at + 1])
    edges = (time_s[at] + part * (time_s[at + 1] - time_s[at])).tolist()
    if is_in[0]:
        edges.insert(0, float(time_s[0]))
    if is_in[-1]:
        edges.append(float(time_s[-1]))
    for entry_s, exit_s in zip(edges[::2], edges[1::2], strict=True):
        joins = bool(passes) and passes[-1].exit_s >= entry_s
        begun_s = passes.pop().entry_s if joins else entry_s
        passes.append(Pass(begun_s, exit_s))
