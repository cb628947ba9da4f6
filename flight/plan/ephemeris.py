"""Where the node believes it is: eclipses and beta from an element set, by SGP4.

The shadow is that of a spherical Earth. An eclipse begins and ends when the centre of the Sun
crosses the Earth's limb as seen from the satellite, half-way through the penumbra (8 s long at
550 km); `Edge` names the two other instants. Scalar floats and bisection: two orbits cost a few
milliseconds, and `search` can be taken in slices so that nobody else waits.

Times are UTC in seconds since 1970, as `datetime.timestamp` gives them.
"""

import math
from collections.abc import Generator
from enum import Enum
from typing import Final, NamedTuple

from sgp4.api import SGP4_ERRORS

from flight.plan.element_set import DAY_S, J2000_JD, UNIX_JD, ElementSet
from flight.plan.sun import sun_position

EARTH_RADIUS_KM: Final = 6378.137  # equatorial, WGS 84
SUN_RADIUS_KM: Final = 695_700.0  # nominal solar radius, IAU 2015 resolution B3

_STEPS_PER_ORBIT: Final = 96  # the Sun's height over the limb has one dip in an orbit
_TOLERANCE_S: Final = 0.001
_SLICE_CALLS: Final = 24  # about 0.2 ms

Span = tuple[float, float]
Search = Generator[None, None, tuple[Span, ...]]


class CannotPropagate(ValueError):  # noqa: N818  # says what happened
    """SGP4 cannot carry the element set to the time asked for; the text says why."""


class Edge(Enum):
    """Which instant counts as the edge of an eclipse, in radii of the Sun over the limb."""

    PENUMBRA = 1.0  # the first part of the Sun is covered
    CENTRE = 0.0  # half of it: what the forecast and the plant mean
    UMBRA = -1.0  # all of it


class OrbitalEvent(NamedTuple):
    """`name` is eclipse_entry or eclipse_exit."""

    utc_s: float
    name: str


class Ephemeris:
    """The orbit of one element set.

    Attributes:
        element_set: What it was built from.
        period_s: Orbital period.
    """

    def __init__(self, element_set: ElementSet) -> None:
        self.element_set = element_set
        self.period_s = element_set.period_s
        self._satellite = element_set.satellite

    def eclipses(
        self, from_utc_s: float, span_s: float, edge: Edge = Edge.CENTRE
    ) -> tuple[Span, ...]:
        """Return (entry, exit) of each eclipse that overlaps the span, whole, ascending.

        Raises:
            CannotPropagate: The orbit has decayed, or the elements cannot be flown so far.
        """
        search = self.search(from_utc_s, span_s, edge)
        while True:
            try:
                next(search)
            except StopIteration as end:
                found: tuple[Span, ...] = end.value
                return found

    def events(self, from_utc_s: float, span_s: float) -> tuple[OrbitalEvent, ...]:
        """Return the entries and exits inside the span, ascending."""
        return tuple(
            OrbitalEvent(utc_s, name)
            for span in self.eclipses(from_utc_s, span_s)
            for utc_s, name in zip(span, ("eclipse_entry", "eclipse_exit"), strict=True)
            if from_utc_s <= utc_s < from_utc_s + span_s
        )

    def search(self, from_utc_s: float, span_s: float, edge: Edge = Edge.CENTRE) -> Search:
        """Yield after each slice of work of a fraction of a millisecond; return the eclipses."""
        step_s = self.period_s / _STEPS_PER_ORBIT
        end_s = from_utc_s + span_s
        found: list[Span] = []
        entry_s: float | None = None
        # Begins one orbit early: an eclipse that has begun is told with its true entry.
        low_s = from_utc_s - self.period_s
        before = low = self._height(low_s, edge)
        calls = 0
        while low_s < end_s or (entry_s is not None and low_s < end_s + self.period_s):
            high_s = low_s + step_s
            high = self._height(high_s, edge)
            for edge_s, is_entry in self._edges(low_s, high_s, (before, low, high), edge):
                if is_entry:
                    entry_s = edge_s
                elif entry_s is not None:
                    if entry_s < end_s and edge_s > from_utc_s:
                        found.append((entry_s, edge_s))
                    entry_s = None
            before, low, low_s = low, high, high_s
            calls += 1
            if calls % _SLICE_CALLS == 0:
                yield
        return tuple(found)

    def beta_deg(self, utc_s: float) -> float:
        """Return the angle between the Sun and the orbital plane, -90..90."""
        (x, y, z), (vx, vy, vz) = self._state(utc_s)
        normal = (y * vz - z * vy, z * vx - x * vz, x * vy - y * vx)
        sun = sun_position(_days_since_j2000(utc_s))
        cosine = sum(a * b for a, b in zip(normal, sun, strict=True))
        return math.degrees(math.asin(cosine / math.hypot(*normal) / math.hypot(*sun)))

    def sun_height_rad(self, utc_s: float) -> float:
        """Return how far the Sun's centre stands over the Earth's limb; negative: in shadow."""
        return self._height(utc_s, Edge.CENTRE)

    def _height(self, utc_s: float, edge: Edge) -> float:
        (x, y, z), _ = self._state(utc_s)
        sun_x, sun_y, sun_z = sun_position(_days_since_j2000(utc_s))
        to_x, to_y, to_z = sun_x - x, sun_y - y, sun_z - z
        radius = math.sqrt(x * x + y * y + z * z)
        distance = math.sqrt(to_x * to_x + to_y * to_y + to_z * to_z)
        cosine = -(x * to_x + y * to_y + z * to_z) / (radius * distance)
        height = math.acos(min(max(cosine, -1.0), 1.0)) - math.asin(EARTH_RADIUS_KM / radius)
        return height - edge.value * math.asin(SUN_RADIUS_KM / distance)

    def _state(self, utc_s: float) -> tuple[tuple[float, ...], tuple[float, ...]]:
        days, seconds = divmod(utc_s, DAY_S)
        error, position, velocity = self._satellite.sgp4(UNIX_JD + days, seconds / DAY_S)
        if error:
            raise CannotPropagate(
                f"{self.element_set.name}: cannot be flown to "
                f"{(utc_s - self.element_set.epoch_utc_s) / DAY_S:.1f} days after its epoch: "
                f"{SGP4_ERRORS.get(error, f'error {error}')}"
            )
        if not math.hypot(*position) > EARTH_RADIUS_KM:  # below the ground, or no number at all
            raise CannotPropagate(f"{self.element_set.name}: its orbit has decayed")
        return position, velocity

    def _edges(
        self, low_s: float, high_s: float, heights: tuple[float, float, float], edge: Edge
    ) -> list[tuple[float, bool]]:
        """Return the edges between two steps. heights: one step before, at low_s, at high_s.

        A dip that stays lit at the steps on both sides of it may still hide a short eclipse; it is
        looked into once its far side is known, so the eclipse may lie one step before low_s.
        """
        before, low, high = heights
        if (low > 0.0) != (high > 0.0):
            return [(self._cross(low_s, high_s, edge), low > 0.0)]
        if low > 0.0 and before > low <= high:
            return self._grazed(2.0 * low_s - high_s, high_s, edge)
        return []

    def _grazed(self, low_s: float, high_s: float, edge: Edge) -> list[tuple[float, bool]]:
        """Return both edges of an eclipse shorter than a step, or nothing."""
        first_s, last_s = low_s, high_s
        while last_s - first_s > 0.1:  # an eclipse shorter than this is not worth telling
            third_s = (last_s - first_s) / 3.0
            left_s, right_s = first_s + third_s, last_s - third_s
            left, right = self._height(left_s, edge), self._height(right_s, edge)
            if left <= 0.0 or right <= 0.0:
                deep_s = left_s if left <= 0.0 else right_s
                entry_s = self._cross(low_s, deep_s, edge)
                return [(entry_s, True), (self._cross(deep_s, high_s, edge), False)]
            if left < right:
                last_s = right_s
            else:
                first_s = left_s
        return []

    def _cross(self, low_s: float, high_s: float, edge: Edge) -> float:
        is_lit_first = self._height(low_s, edge) > 0.0
        while high_s - low_s > _TOLERANCE_S:
            middle_s = 0.5 * (low_s + high_s)
            if (self._height(middle_s, edge) > 0.0) == is_lit_first:
                low_s = middle_s
            else:
                high_s = middle_s
        return 0.5 * (low_s + high_s)


def _days_since_j2000(utc_s: float) -> float:
    return utc_s / DAY_S + (UNIX_JD - J2000_JD)
