"""The orbit as the plant feels it: sunlight, sink temperature, beta, eclipses.

Two sources, one face: a circular orbit with the secular regression of its node by J2, or an element
set flown by SGP4. Geometry is computed in numpy by chunks of six hours on a 10 s grid; a cycle only
interpolates (sim_hw/csrc/plant/environment.c). What is interpolated is the Sun's height above the
Earth's limb, nearly a straight line in time at both ends of an eclipse, so that the penumbra of 8 s
keeps its shape (error 0.02 s).
"""

import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
from sgp4.api import Satrec

from sim_hw.propagators import CircularPropagator, ElementSetPropagator, Propagator
from sim_hw.sun import (
    DAY_S,
    EARTH_RADIUS_KM,
    J2000_JD,
    SUN_RADIUS_KM,
    Float64s,
    limb_elevation_rad,
    sun_direction,
)
from sim_hw.surroundings import Fluxes, Surroundings
from sim_hw.tle import read_element_set

Shadow = Literal["cone", "cylinder"]

_GRID_S: Final = 10.0
_CHUNK_S: Final = 21_600.0
_CHUNK_POINTS: Final = 2_161  # both ends included
_CHUNKS_KEPT: Final = 8
_EDGE_TOLERANCE_S: Final = 1.0e-4
_GRAZE_SUN_RADII: Final = 3.0  # the Sun moves 2.3 of its radii in one grid step at 550 km


class OrbitEvent(NamedTuple):
    """An orbital event: `name` is eclipse_entry or eclipse_exit, at `time_s` since the start."""

    time_s: float
    name: str


class Environment(NamedTuple):
    """What the orbit does to the node at one instant."""

    sunlight_ratio: float  # 0 umbra .. 1 full Sun
    sink_temp_k: float  # at which the radiator would radiate what it absorbs


class _Chunk(NamedTuple):
    low_s: float
    elevation: list[float]  # Sun's centre above the limb, in radii of the Sun
    fluxes: Fluxes
    beta_deg: list[float]
    edges: tuple[OrbitEvent, ...]


class Orbit:
    """Sunlight, sink and eclipses over time since the start of the flight, in s.

    Build it with `circular` or `from_tle`. Any time may be asked for, before the start too; times
    that grow are cheapest. An edge of an eclipse is the instant the Sun's centre crosses the limb,
    half-way through the penumbra. Eclipses shorter than 1 s are missed. Not safe across threads.

    Attributes:
        source: What it was built from, for reports.
        period_s: Orbital period.
        eclipse_s: Length of the first eclipse that begins within one period, 0 for none.
        epoch_utc: Calendar time at t = 0.
        epoch_days: The same in days since JD 2451545.0.
    """

    def __init__(
        self,
        propagator: Propagator,
        *,
        source: str,
        period_s: float,
        epoch_utc: datetime,
        shadow: Shadow = "cone",
        surroundings: Surroundings | None = None,
        earth_radius_km: float = EARTH_RADIUS_KM,
    ) -> None:
        """Wrap a propagator; `circular` and `from_tle` are the usual ways in.

        Args:
            shadow: `cone` for a Sun with a disc and a penumbra, `cylinder` for parallel rays and a
                hard edge.
        """
        self.source = source
        self.period_s = period_s
        self.epoch_utc = epoch_utc
        self._propagator = propagator
        self._shadow: Shadow = shadow
        self._surroundings = surroundings or Surroundings()
        self._earth_radius_km = earth_radius_km
        self.epoch_days = days_since_j2000(epoch_utc)
        self._chunks: dict[int, _Chunk] = {}
        self._now = self._chunk(0)
        self._high_s = _CHUNK_S
        first = self.eclipses(0.0, period_s)
        begun = [exit_s - entry_s for entry_s, exit_s in first if entry_s >= 0.0]
        self.eclipse_s = begun[0] if begun else 0.0

    @classmethod
    def circular(
        cls,
        altitude_km: float = 550.0,
        beta_deg: float = 0.0,
        *,
        inclination_deg: float = 97.593,
        start_utc: datetime = datetime(2030, 3, 20, 12, tzinfo=UTC),
        start: Literal["eclipse_entry"] = "eclipse_entry",
        start_phase_ratio: float = 0.0,
        shadow: Shadow = "cone",
        surroundings: Surroundings | None = None,
        earth_radius_km: float = EARTH_RADIUS_KM,
    ) -> "Orbit":
        """Return a circular orbit that has the wanted beta at the start.

        Args:
            altitude_km: 200..40000.
            beta_deg: Angle between the Sun and the orbital plane at the start, -90..90.
            inclination_deg: 0..180; the default is Sun-synchronous at 550 km, so that beta stays.
            start_utc: Calendar time of t = 0; sets the season.
            start: What phase 0 means: the entry into eclipse, or the deepest point of the Sun where
                the orbit has no eclipse.
            start_phase_ratio: Phase at t = 0, in periods after that, 0..1.

        Raises:
            ValueError: A value is out of range, or the inclination cannot give that beta on that
                date.
        """
        if not 200.0 <= altitude_km <= 40_000.0:
            raise ValueError(f"altitude_km = {altitude_km}: give 200 to 40000")
        if not 0.0 <= start_phase_ratio <= 1.0:
            raise ValueError(f"start_phase_ratio = {start_phase_ratio}: give 0 to 1")
        if start != "eclipse_entry":
            raise ValueError(f"start = {start!r}: give 'eclipse_entry' and a start_phase_ratio")
        radius_km = EARTH_RADIUS_KM + altitude_km
        inclination_rad = math.radians(inclination_deg)
        node_rad = _node_for_beta(beta_deg, inclination_deg, days_since_j2000(start_utc))

        def at_argument(argument_rad: float) -> Orbit:
            path = CircularPropagator(radius_km, inclination_rad, node_rad, argument_rad)
            return cls(
                path,
                source=f"circular {altitude_km:g} km, beta {beta_deg:g} deg",
                period_s=math.tau / path.rate_rad_per_s,
                epoch_utc=start_utc,
                shadow=shadow,
                surroundings=surroundings,
                earth_radius_km=earth_radius_km,
            )

        argument_rad = 0.0
        orbit = at_argument(argument_rad)
        for _ in range(3):  # moving along the orbit moves node and Sun by less each time
            argument_rad += math.tau * orbit.phase_reference_s() / orbit.period_s
            orbit = at_argument(argument_rad)
        if start_phase_ratio:
            orbit = at_argument(argument_rad + math.tau * start_phase_ratio)
        return orbit

    @classmethod
    def from_tle(
        cls,
        path: Path | str,
        start_utc: datetime | None = None,
        *,
        shadow: Shadow = "cone",
        surroundings: Surroundings | None = None,
        earth_radius_km: float = EARTH_RADIUS_KM,
    ) -> "Orbit":
        """Return the orbit of the element set in a file (an optional name line, then two lines).

        Args:
            start_utc: Calendar time of t = 0 (naive: taken as UTC); None for the element epoch.

        Raises:
            ValueError: The file is no element set (the message names file, line and mend), or SGP4
                cannot fly it.
        """
        element_set = read_element_set(Path(path))
        satellite = Satrec.twoline2rv(element_set.line1, element_set.line2)
        epoch_days = (satellite.jdsatepoch - J2000_JD) + satellite.jdsatepochF
        epoch_utc = datetime(2000, 1, 1, 12, tzinfo=UTC) + timedelta(days=epoch_days)
        if start_utc is None:
            start_utc, offset_s = epoch_utc, 0.0
        else:
            start_utc = start_utc if start_utc.tzinfo else start_utc.replace(tzinfo=UTC)
            offset_s = (start_utc - epoch_utc).total_seconds()
        propagator = ElementSetPropagator(satellite, str(path), offset_s)
        return cls(
            propagator,
            source=f"element set {element_set.name or satellite.satnum} ({Path(path).name})",
            period_s=60.0 * math.tau / satellite.no_kozai,
            epoch_utc=start_utc,
            shadow=shadow,
            surroundings=surroundings,
            earth_radius_km=earth_radius_km,
        )

    @property
    def propagator(self) -> Propagator:
        """What it flies: for whoever makes elements of the same orbit."""
        return self._propagator

    def needs_chunk(self, table: Any, time_s: float) -> bool:
        """Whether a table (sim_orbit_table_t) must be filled anew before this time is asked for."""
        return not 0.0 <= time_s - table.low_s < _CHUNK_S

    def fill_table(self, table: Any, time_s: float) -> None:
        """Write the six hours that hold this time into a table (sim_orbit_table_t)."""
        chunk = self._chunk(math.floor(time_s / _CHUNK_S))
        table.low_s = chunk.low_s
        table.is_conical = float(self._shadow == "cone")
        table.elevation[0:_CHUNK_POINTS] = chunk.elevation
        for name, column in chunk.fluxes._asdict().items():
            getattr(table, name)[0:_CHUNK_POINTS] = column.tolist()

    def environment(self, time_s: float) -> Environment:
        """Return sunlight and sink together."""
        sunlight, fluxes = self.sunlight_ratio(time_s), self._now.fluxes
        row = int((time_s - self._now.low_s) / _GRID_S)
        part = (time_s - self._now.low_s) / _GRID_S - row

        def between(column: Float64s) -> float:
            return float(column[row] + (column[row + 1] - column[row]) * part)

        solar = sunlight * between(fluxes.radiator_direct_w_per_m2)
        solar += between(fluxes.radiator_albedo_w_per_m2)
        infrared = between(fluxes.radiator_infrared_w_per_m2)
        return Environment(sunlight, self._surroundings.sink_temp_k(solar, infrared))

    def sunlight_ratio(self, time_s: float) -> float:
        """Return the visible part of the Sun's disc, 0..1."""
        if not self._now.low_s <= time_s < self._high_s:
            self._turn_to(time_s)
        chunk = self._now
        place = (time_s - chunk.low_s) / _GRID_S
        i = int(place)
        elevation = chunk.elevation[i]
        elevation += (chunk.elevation[i + 1] - elevation) * (place - i)
        if elevation >= 1.0:
            return 1.0
        return 0.0 if elevation <= -1.0 else self._visible_ratio(elevation)

    def sink_temp_k(self, time_s: float) -> float:
        """Return the equivalent sink temperature of the radiator, in K."""
        return self.environment(time_s).sink_temp_k

    def beta_deg(self, time_s: float) -> float:
        """Return the angle between the Sun and the orbital plane, -90..90."""
        if not self._now.low_s <= time_s < self._high_s:
            self._turn_to(time_s)
        return self._now.beta_deg[int((time_s - self._now.low_s) / _GRID_S)]

    def events(self, start_s: float, end_s: float) -> tuple[OrbitEvent, ...]:
        """Return the edges of eclipses in start_s <= time < end_s, in order, to 1 ms."""
        return tuple(edge for edge in self._edges(start_s, end_s) if start_s <= edge.time_s < end_s)

    def eclipses(self, start_s: float, end_s: float) -> tuple[tuple[float, float], ...]:
        """Return (entry, exit) of each eclipse that overlaps start_s..end_s, whole, in order."""
        found: list[tuple[float, float]] = []
        entry_s: float | None = None
        for edge in self._edges(start_s - _CHUNK_S, end_s + _CHUNK_S):
            if edge.name == "eclipse_entry":
                entry_s = edge.time_s
            elif entry_s is not None:
                if entry_s < end_s and edge.time_s > start_s:
                    found.append((entry_s, edge.time_s))
                entry_s = None
        return tuple(found)

    def _visible_ratio(self, elevation: float) -> float:
        if self._shadow == "cylinder":
            return 1.0 if elevation > 0.0 else 0.0
        # A disc cut by a straight limb: the Earth's is 250 times larger.
        chord = elevation * math.sqrt(1.0 - elevation * elevation)
        return 0.5 + (chord + math.asin(elevation)) / math.pi

    def _turn_to(self, time_s: float) -> None:
        self._now = self._chunk(math.floor(time_s / _CHUNK_S))
        self._high_s = self._now.low_s + _CHUNK_S

    def _edges(self, start_s: float, end_s: float) -> list[OrbitEvent]:
        edges: list[OrbitEvent] = []
        first, last = math.floor(start_s / _CHUNK_S), math.floor(end_s / _CHUNK_S)
        for number in range(first - 1, last + 1):  # an edge rounded up belongs to the chunk before
            edges.extend(self._chunk(number).edges)
        return edges

    def _chunk(self, number: int) -> _Chunk:
        chunk = self._chunks.get(number)
        if chunk is None:
            chunk = self._chunks[number] = self._compute_chunk(number * _CHUNK_S)
            if len(self._chunks) > _CHUNKS_KEPT:
                del self._chunks[next(iter(self._chunks))]
        return chunk

    def _compute_chunk(self, low_s: float) -> _Chunk:
        time_s = low_s + _GRID_S * np.arange(_CHUNK_POINTS, dtype=np.float64)
        position, normal = self._propagator.state(time_s)
        sun, distance_km = sun_direction(self.epoch_days + time_s / DAY_S)
        elevation = self._elevation(position, sun, distance_km)
        fluxes = self._surroundings.fluxes(time_s, position, normal, sun, distance_km)
        beta = np.degrees(np.arcsin(np.einsum("ij,ij->i", normal, sun)))
        return _Chunk(
            low_s,
            elevation.tolist(),
            fluxes,
            beta.tolist(),
            self._find_edges(time_s, elevation),
        )

    def _elevation(self, position: Float64s, sun: Float64s, distance_km: Float64s) -> Float64s:
        """Height of the Sun's centre above the limb in radii of the Sun."""
        parallel = self._shadow == "cylinder"
        rad = limb_elevation_rad(
            position, sun, None if parallel else distance_km, self._earth_radius_km
        )
        return rad / np.arcsin(SUN_RADIUS_KM / distance_km)

    def _elevation_at(self, time_s: Float64s) -> Float64s:
        position, _ = self._propagator.state(time_s)
        return self._elevation(position, *sun_direction(self.epoch_days + time_s / DAY_S))

    def _find_edges(self, time_s: Float64s, elevation: Float64s) -> tuple[OrbitEvent, ...]:
        low_s, high_s, falls = _brackets(time_s, elevation)
        dips = (elevation[1:-1] > 0.0) & (elevation[1:-1] < _GRAZE_SUN_RADII)
        dips &= (elevation[1:-1] < elevation[:-2]) & (elevation[1:-1] <= elevation[2:])
        for dip in np.flatnonzero(dips) + 1:  # a short eclipse may hide between two grid points
            fine_s = time_s[dip - 1] + np.arange(21.0, dtype=np.float64)
            more = _brackets(fine_s, self._elevation_at(fine_s))
            low_s, high_s, falls = (
                np.concatenate(pair) for pair in zip((low_s, high_s, falls), more, strict=True)
            )
        if not low_s.size:
            return ()
        while float(np.max(high_s - low_s)) > _EDGE_TOLERANCE_S:
            middle_s = 0.5 * (low_s + high_s)
            before = (self._elevation_at(middle_s) > 0.0) == (falls > 0.0)
            low_s = np.where(before, middle_s, low_s)
            high_s = np.where(before, high_s, middle_s)
        edges = [
            OrbitEvent(round(float(at_s), 3) + 0.0, "eclipse_entry" if fall else "eclipse_exit")
            for at_s, fall in zip(0.5 * (low_s + high_s), falls, strict=True)
        ]
        return tuple(sorted(edges))

    def phase_reference_s(self) -> float:
        """Return the entry into eclipse nearest to t = 0; without one, the Sun's deepest point."""
        entries = [entry_s for entry_s, _ in self.eclipses(-self.period_s, self.period_s)]
        if entries:
            return min(entries, key=abs)
        time_s = self.period_s * (np.arange(5_741, dtype=np.float64) / 5_740.0 - 0.5)
        return float(time_s[int(np.argmin(self._elevation_at(time_s)))])


def _brackets(time_s: Float64s, elevation: Float64s) -> tuple[Float64s, Float64s, Float64s]:
    """Return both ends of each interval where the Sun crosses the limb, and 1 where it sets."""
    lit = elevation > 0.0
    at = np.flatnonzero(lit[1:] != lit[:-1])
    return time_s[at], time_s[at + 1], lit[at].astype(np.float64)


def days_since_j2000(when: datetime) -> float:
    """Return days since JD 2451545.0; a naive time is taken as UTC."""
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return (when - datetime(2000, 1, 1, 12, tzinfo=UTC)) / timedelta(days=1)


def _node_for_beta(beta_deg: float, inclination_deg: float, days: float) -> float:
    """Solve sin(beta) = cos(ds) sin(i) sin(node - RAs) + sin(ds) cos(i) for the node, in rad."""
    sun = sun_direction(np.array([days]))[0][0]
    right_ascension, sin_declination = math.atan2(sun[1], sun[0]), float(sun[2])
    inclination = math.radians(inclination_deg)
    reach = math.sqrt(1.0 - sin_declination**2) * math.sin(inclination)
    offset = sin_declination * math.cos(inclination)
    wanted = math.sin(math.radians(beta_deg)) - offset
    if abs(wanted) > reach:
        low, high = math.degrees(math.asin(offset - reach)), math.degrees(math.asin(offset + reach))
        raise ValueError(
            f"beta_deg = {beta_deg:g} is out of reach of an inclination of {inclination_deg:g} deg "
            f"on this date: give {low:.1f} to {high:.1f}, another date or another inclination"
        )
    return right_ascension + math.asin(wanted / reach)
