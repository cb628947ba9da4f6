"""A year of beta and eclipses in closed form: nothing is stepped through.

A circular orbit with secular rates, a sphere for the Earth. Behind it the shadow is a circle around
the point opposite the Sun, of radius x as seen from the Earth's centre, and an orbit at beta cuts
it over an arc of 2 acos(cos x / cos beta): x = asin(R / a) behind a cylinder, widened by the Sun's
parallax and disc behind a cone. Entry and exit are then found by fixed point, each with Sun and
node of its own instant, for all orbits of the year at once.

Left out: eccentricity, drag, the waves of J2 within an orbit. An eclipse of less than half a minute
may be off by some seconds.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple

import numpy as np

from sim_hw.orbit import Orbit, Shadow, days_since_j2000
from sim_hw.propagators import J2, MU_KM3_PER_S2, CircularPropagator, ElementSetPropagator
from sim_hw.sun import (
    DAY_S,
    EARTH_RADIUS_KM,
    SUN_DEG_PER_DAY,
    SUN_RADIUS_KM,
    Float64s,
    circular_sun_direction,
    mean_longitude_deg,
    sun_direction,
)

SunModel = Literal["apparent", "circular"]
YEAR_DAYS: Final = 365.242_2  # tropical
ECCENTRICITY_MAX: Final = 0.01  # moves an edge by 2 e of a radian at most: 18 s at 550 km

_WGS72_RADIUS_KM: Final = 6378.135  # the length that SGP4 counts in
_ROUNDS: Final = 3  # each takes off all but 1/5000 of the error


@dataclass(frozen=True, slots=True, kw_only=True)
class SecularOrbit:
    """A circular orbit whose node and argument move evenly.

    Args:
        source: What it was made from, for reports.
        argument_rad: Argument of latitude at the epoch.
    """

    source: str
    epoch_utc: datetime
    radius_km: float
    inclination_rad: float
    node_rad: float
    argument_rad: float
    node_rate_rad_per_s: float
    argument_rate_rad_per_s: float

    @property
    def period_s(self) -> float:
        """From node to node."""
        return math.tau / self.argument_rate_rad_per_s

    @property
    def altitude_km(self) -> float:
        """Over the equatorial radius."""
        return self.radius_km - EARTH_RADIUS_KM

    @property
    def inclination_deg(self) -> float:
        """Inclination in deg."""
        return math.degrees(self.inclination_rad)

    @property
    def beta_critical_deg(self) -> float:
        """No eclipse above this beta, behind a cylinder (check case 4)."""
        return math.degrees(math.asin(EARTH_RADIUS_KM / self.radius_km))


class Season(NamedTuple):
    """Consecutive orbits with an eclipse each."""

    begin_s: float
    end_s: float
    eclipse_count: int
    longest_s: float
    longest_at_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Seasons:
    """What a span looks like to an orbit. Arrays have one value per orbit, at `time_s`.

    Args:
        time_s: When the satellite is farthest behind the Earth, in s after the epoch.
        eclipse_s: From entry to exit, 0 without one. An edge is where the Sun's centre crosses the
            limb, half-way through the penumbra.
        umbra_s: Of it, without any Sun.
        penumbra_s: Entry into penumbra until exit from it.
        entry_s, exit_s: Of the eclipses alone.
        sunlit_ratio: Over the whole span.
    """

    orbit: SecularOrbit
    shadow: Shadow
    sun: SunModel
    span_s: float
    time_s: Float64s
    beta_deg: Float64s
    eclipse_s: Float64s
    umbra_s: Float64s
    penumbra_s: Float64s
    entry_s: Float64s
    exit_s: Float64s
    sunlit_ratio: float

    @property
    def eclipse_days(self) -> float:
        """Days made up by the orbits that have an eclipse."""
        return self.entry_s.size * self.orbit.period_s / DAY_S

    @property
    def longest_s(self) -> float:
        """The longest eclipse, 0 for none."""
        return float(self.eclipse_s.max(initial=0.0))

    def seasons(self) -> tuple[Season, ...]:
        """Return the stretches of orbits with eclipses, in order."""
        dark = np.concatenate(([False], self.eclipse_s > 0.0, [False]))
        edges = np.flatnonzero(dark[1:] != dark[:-1])
        found = []
        for first, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
            deepest = first + int(np.argmax(self.eclipse_s[first:end]))
            found.append(
                Season(
                    float(self.time_s[first]),
                    float(self.time_s[end - 1]),
                    end - first,
                    float(self.eclipse_s[deepest]),
                    float(self.time_s[deepest]),
                )
            )
        return tuple(found)


def sun_synchronous_inclination_deg(altitude_km: float) -> float:
    """Return the inclination at which J2 turns the node as fast as the mean Sun.

    Raises:
        ValueError: there is none so high up.
    """
    radius_km = EARTH_RADIUS_KM + altitude_km
    rate = math.sqrt(MU_KM3_PER_S2 / radius_km**3)
    cosine = math.radians(SUN_DEG_PER_DAY) / DAY_S
    cosine /= -1.5 * rate * J2 * (EARTH_RADIUS_KM / radius_km) ** 2
    if cosine < -1.0:
        raise ValueError(
            f"altitude {altitude_km:g} km: no inclination is Sun-synchronous above 5974 km; "
            "give an inclination"
        )
    return math.degrees(math.acos(cosine))


def design_orbit(
    altitude_km: float, *, inclination_deg: float | None, ltan_h: float, start_utc: datetime
) -> SecularOrbit:
    """Return the orbit of a given altitude whose node is crossed northward at a local time.

    Args:
        altitude_km: 200..40000.
        inclination_deg: 0..180; None for Sun-synchronous.
        ltan_h: Local mean solar time of the ascending node at the start, 0..24.
        start_utc: The epoch; naive is taken as UTC.

    Raises:
        ValueError: a value is out of range; the text names it and the mend.
    """
    if not 200.0 <= altitude_km <= 40_000.0:
        raise ValueError(f"altitude {altitude_km:g} km: give 200 to 40000")
    is_synchronous = inclination_deg is None
    if inclination_deg is None:
        inclination_deg = sun_synchronous_inclination_deg(altitude_km)
    if not 0.0 <= inclination_deg <= 180.0:
        raise ValueError(f"inclination {inclination_deg:g} deg: give 0 to 180, or sso")
    if not 0.0 <= ltan_h <= 24.0:
        raise ValueError(f"local time of the node {ltan_h:g} h: give 0 to 24")
    mean_sun_deg = float(mean_longitude_deg(np.array([days_since_j2000(start_utc)]))[0])
    path = CircularPropagator(
        EARTH_RADIUS_KM + altitude_km,
        math.radians(inclination_deg),
        math.radians(mean_sun_deg + 15.0 * (ltan_h - 12.0)),
        0.0,
    )
    kind = "Sun-synchronous" if is_synchronous else "circular"
    minutes = round(60.0 * ltan_h)
    node_time = f"{minutes // 60:02d}:{minutes % 60:02d}"
    source = f"{kind} {altitude_km:g} km, {inclination_deg:.3f} deg, node at {node_time}"
    return _of_circular(path, source, start_utc)


def secular_orbit(orbit: Orbit) -> SecularOrbit:
    """Return the secular orbit of one of the plant's orbits.

    Raises:
        ValueError: it is too far from a circle.
    """
    path = orbit.propagator
    if isinstance(path, CircularPropagator):
        return _of_circular(path, orbit.source, orbit.epoch_utc)
    if not isinstance(path, ElementSetPropagator):
        raise TypeError(f"{type(path).__name__} has no secular rates")
    satellite = path.satellite
    if satellite.ecco > ECCENTRICITY_MAX:
        raise ValueError(
            f"{path.name}: eccentricity {satellite.ecco:g}: seasons are computed for a circle, up "
            f"to {ECCENTRICITY_MAX:g}; fly it with sim --orbit"
        )
    # SGP4 flies a circle above its mean axis: the constant term of its short-period radius.
    tilt = 3.0 * math.cos(satellite.inclo) ** 2 - 1.0
    lift = 1.0 - 0.75 * satellite.j2 * tilt / satellite.a**2
    argument_rate = (satellite.mdot + satellite.argpdot) / 60.0
    node_rate = satellite.nodedot / 60.0
    return SecularOrbit(
        source=orbit.source,
        epoch_utc=orbit.epoch_utc,
        radius_km=satellite.a * lift * _WGS72_RADIUS_KM,
        inclination_rad=satellite.inclo,
        node_rad=satellite.nodeo + node_rate * path.offset_s,
        argument_rad=satellite.argpo + satellite.mo + argument_rate * path.offset_s,
        node_rate_rad_per_s=node_rate,
        argument_rate_rad_per_s=argument_rate,
    )


def _of_circular(path: CircularPropagator, source: str, epoch_utc: datetime) -> SecularOrbit:
    return SecularOrbit(
        source=source,
        epoch_utc=epoch_utc if epoch_utc.tzinfo else epoch_utc.replace(tzinfo=UTC),
        radius_km=path.radius_km,
        inclination_rad=path.inclination_rad,
        node_rad=path.node_rad,
        argument_rad=path.argument_rad,
        node_rate_rad_per_s=path.node_rate_rad_per_s,
        argument_rate_rad_per_s=path.rate_rad_per_s,
    )


def find_seasons(
    orbit: SecularOrbit,
    *,
    days: float = YEAR_DAYS,
    shadow: Shadow = "cone",
    sun: SunModel = "apparent",
) -> Seasons:
    """Return betas and eclipses of all orbits in a span from the epoch.

    Args:
        days: 0 < days <= 3660.
        shadow: As of `Orbit`.
        sun: `apparent` for the Sun of the Almanac, `circular` for one that moves evenly.

    Raises:
        ValueError: days is out of range.
    """
    if not 0.0 < days <= 3660.0:
        raise ValueError(f"days = {days:g}: give up to 3660")
    span_s = days * DAY_S
    path = _ShadowPath(orbit, shadow=shadow, sun=sun)
    numbers = np.arange(-2, math.ceil(span_s / orbit.period_s) + 3, dtype=np.float64)
    time_s = path.settle(numbers, orbit.period_s * numbers, 0.0, 0.0)
    half_s, umbra_s, penumbra_s = (
        tuple(path.settle(numbers, time_s, side, discs) for side in (-1.0, 1.0))
        for discs in (0.0, -1.0, 1.0)
    )
    entry_s, exit_s = half_s
    eclipse_s = exit_s - entry_s
    is_dark = (eclipse_s > 0.0) & (exit_s > 0.0) & (entry_s < span_s)
    dark_s = np.minimum(exit_s, span_s) - np.maximum(entry_s, 0.0)
    inside = ((time_s >= 0.0) & (time_s < span_s)) | is_dark
    return Seasons(
        orbit=orbit,
        shadow=shadow,
        sun=sun,
        span_s=span_s,
        time_s=time_s[inside],
        beta_deg=np.degrees(path.look(time_s[inside]).beta),
        eclipse_s=eclipse_s[inside],
        umbra_s=(umbra_s[1] - umbra_s[0])[inside],
        penumbra_s=(penumbra_s[1] - penumbra_s[0])[inside],
        entry_s=entry_s[is_dark],
        exit_s=exit_s[is_dark],
        sunlit_ratio=1.0 - float(dark_s[is_dark].sum()) / span_s,
    )


class _Look(NamedTuple):
    beta: Float64s
    opposite: Float64s  # argument of latitude opposite the Sun, without jumps
    distance_km: Float64s


class _ShadowPath:
    """Where an orbit meets the shadow."""

    def __init__(self, orbit: SecularOrbit, *, shadow: Shadow, sun: SunModel) -> None:
        self._orbit = orbit
        self._shadow = shadow
        self._sun = sun_direction if sun == "apparent" else circular_sun_direction
        self._epoch_days = days_since_j2000(orbit.epoch_utc)
        self._argument = orbit.argument_rad % math.tau  # so that orbit 0 passes near the epoch
        self._limb = math.asin(EARTH_RADIUS_KM / orbit.radius_km)

    def look(self, time_s: Float64s) -> _Look:
        """Return the Sun as the orbital plane sees it; times ascend, at most an orbit apart."""
        orbit = self._orbit
        sun, distance_km = self._sun(self._epoch_days + time_s / DAY_S)
        node = orbit.node_rad + orbit.node_rate_rad_per_s * time_s
        cos_node, sin_node = np.cos(node), np.sin(node)
        cos_i, sin_i = math.cos(orbit.inclination_rad), math.sin(orbit.inclination_rad)
        along = sun[:, 0] * cos_node + sun[:, 1] * sin_node
        level = sun[:, 1] * cos_node - sun[:, 0] * sin_node
        across = level * cos_i + sun[:, 2] * sin_i
        normal = sun[:, 2] * cos_i - level * sin_i
        beta = np.arcsin(np.clip(normal, -1.0, 1.0))
        return _Look(beta, np.unwrap(np.arctan2(-across, -along)), distance_km)

    def settle(self, numbers: Float64s, time_s: Float64s, side: float, discs: float) -> Float64s:
        """Return when each orbit is `side` half arcs from the middle of the shadow.

        Args:
            numbers: Of the orbits; number 0 passes the middle within one period of the epoch.
            time_s: First guess.
            side: -1 entry, 0 middle, 1 exit.
            discs: Height of the Sun's centre over the limb that counts as the edge, in its radii.
        """
        orbit = self._orbit
        for _ in range(_ROUNDS):
            look = self.look(time_s)
            wanted = look.opposite + math.tau * numbers
            if side:
                wanted = wanted + side * self._half_arc(look, discs)
            time_s = (wanted - self._argument) / orbit.argument_rate_rad_per_s
        return time_s

    def _half_arc(self, look: _Look, discs: float) -> Float64s:
        """Return half of what the shadow cuts from the orbit, in rad; 0 where it misses."""
        reach: Float64s | float = self._limb
        if self._shadow == "cone":
            at_satellite = self._limb + discs * np.arcsin(SUN_RADIUS_KM / look.distance_km)
            parallax = self._orbit.radius_km * np.sin(at_satellite) / look.distance_km
            reach = at_satellite + np.arcsin(parallax)
        cosine = np.cos(reach) / np.maximum(np.cos(look.beta), 1.0e-12)
        half: Float64s = np.arccos(np.minimum(cosine, 1.0))
        return half
