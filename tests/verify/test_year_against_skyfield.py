"""Eclipses, beta and Sun over a year against skyfield, for three element sets.

Same shadow on both sides: a sphere and a point Sun at its true distance. skyfield's Earth radius is
6378.1366 km (ours 6378.137), its Sun comes from DE421, its frames from the IAU's precession and
nutation. It is asked around each of our edges where its own lies, and once in the middle of each
of our eclipses and sunlit spans, so that none is missed on either side.
"""

import warnings
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import skyfield_data
from numpy.typing import NDArray
from sgp4.exporter import export_tle
from skyfield import api as skyfield_api
from skyfield.framelib import true_equator_and_equinox_of_date

from flight.plan.element_set import circular_element_set
from sim_hw.orbit import Orbit, OrbitEvent
from sim_hw.seasons import design_orbit, find_seasons, secular_orbit
from sim_hw.sun import DAY_S, sun_direction
from tests.verify.figures import keep_figure

pytestmark = pytest.mark.verify
YEAR_S = 365.25 * DAY_S
SPREAD_S = 3.0  # how far from our edge skyfield's is looked for
SHORT_S = 180.0  # a grazing eclipse below this has no sharp edges: they are not compared
STEP_S = 3600.0
CBERS2 = Path(__file__).parents[2] / "examples" / "orbits" / "cbers2.tle"
STATION = """ISS (ZARYA)
1 25544U 98067A   19343.69339541  .00001764  00000-0  38792-4 0  9991
2 25544  51.6439 211.2001 0007417  17.6667  85.6398 15.50103472202482
"""  # from the documentation of the sgp4 package
NAMES = ("CBERS 2", "station", "dawn-dusk")
Float64s = NDArray[np.float64]


class Flown(NamedTuple):
    """A year of one element set, ours and skyfield's."""

    orbit: Orbit
    edges: tuple[OrbitEvent, ...]
    satellite: Any
    timescale: Any
    planets: Any


def _dawn_dusk() -> str:
    """Return two lines of a dawn-dusk orbit at 600 km."""
    import datetime as dt

    start_utc = dt.datetime(2030, 3, 20, 12, tzinfo=dt.UTC)
    wanted = design_orbit(600.0, inclination_deg=None, ltan_h=18.0, start_utc=start_utc)
    made = circular_element_set(
        altitude_km=600.0,
        inclination_deg=wanted.inclination_deg,
        raan_deg=float(np.degrees(wanted.node_rad)),
        argument_of_latitude_deg=0.0,
        epoch_utc=start_utc,
    )
    return "\n".join(("DAWN DUSK", *export_tle(made.satellite)))


@pytest.fixture(scope="module", params=NAMES)
def flown(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flown]:
    """Fly a year on our side, and open skyfield beside it."""
    texts = {"station": STATION, "dawn-dusk": _dawn_dusk()}
    text = texts.get(request.param) or CBERS2.read_text(encoding="ascii")
    path = tmp_path_factory.mktemp("orbit") / f"{request.param}.tle"
    path.write_text(text, encoding="ascii")
    orbit = Orbit.from_tle(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the table of UT1 of skyfield-data has an expiry date
        data_path = skyfield_data.get_skyfield_data_path()
    planets = skyfield_api.Loader(data_path, expire=False)("de421.bsp")
    timescale = skyfield_api.load.timescale(builtin=True)
    name, line1, line2 = text.splitlines()
    satellite = skyfield_api.EarthSatellite(line1, line2, name, timescale)
    yield Flown(orbit, orbit.events(0.0, YEAR_S), satellite, timescale, planets)
    planets.close()


def times_of(flown: Flown, time_s: Float64s) -> Any:
    return flown.timescale.tt_jd(flown.satellite.epoch.tt + time_s / DAY_S)


def is_sunlit(flown: Flown, time_s: Float64s) -> NDArray[np.bool_]:
    lit = [
        flown.satellite.at(times_of(flown, part)).is_sunlit(flown.planets)
        for part in np.array_split(time_s, max(1, time_s.size // 4000))
    ]
    return np.concatenate([np.atleast_1d(part) for part in lit])


def skyfield_edges(flown: Flown, edges_s: Float64s, falls: NDArray[np.bool_]) -> Float64s:
    """Return skyfield's edge near each of ours, to 0.03 s."""
    low_s, high_s = edges_s - SPREAD_S, edges_s + SPREAD_S
    assert bool((is_sunlit(flown, low_s) == falls).all()), "skyfield has an edge much earlier"
    assert bool((is_sunlit(flown, high_s) != falls).all()), "skyfield has an edge much later"
    for _ in range(7):
        middle_s = 0.5 * (low_s + high_s)
        before = is_sunlit(flown, middle_s) == falls
        low_s, high_s = np.where(before, middle_s, low_s), np.where(before, high_s, middle_s)
    return 0.5 * (low_s + high_s)


def test_eclipse_edges_of_a_year_agree_within_2_s(flown: Flown) -> None:
    edges_s = np.array([event.time_s for event in flown.edges])
    falls = np.array([event.name == "eclipse_entry" for event in flown.edges])
    first = 0 if falls[0] else 1
    entry_s, exit_s = edges_s[first::2], edges_s[first + 1 :: 2]
    entry_s = entry_s[: exit_s.size]
    long = exit_s - entry_s > SHORT_S
    chosen_s = np.concatenate((entry_s[long], exit_s[long]))
    chosen_falls = np.concatenate((np.ones(long.sum(), bool), np.zeros(long.sum(), bool)))
    expected_s = skyfield_edges(flown, chosen_s, chosen_falls)
    keep_figure(
        f"{2 * int(long.sum())} edges of eclipses, {flown.satellite.name}, one year",
        against="skyfield", value=float(np.abs(chosen_s - expected_s).max()), limit=2.0, unit="s",
    )  # fmt: skip


def test_neither_side_has_an_eclipse_that_the_other_lacks(flown: Flown) -> None:
    spans = [(a.name == "eclipse_exit", a.time_s, b.time_s) for a, b in pairwise(flown.edges)]
    spans = [span for span in spans if span[2] - span[1] > SHORT_S]
    ours = np.array([lit for lit, _, _ in spans])
    for part in (0.2, 0.5, 0.8):
        inside_s = np.array([begin + part * (end - begin) for _, begin, end in spans])
        assert bool((is_sunlit(flown, inside_s) == ours).all())


@cache
def hours() -> Float64s:
    return np.arange(0.0, YEAR_S, STEP_S)


def sun_of_date(flown: Flown) -> Float64s:
    """Return skyfield's apparent Sun in the true equator of date, unit vectors (n, 3)."""
    earth, sun = flown.planets["earth"], flown.planets["sun"]
    seen = earth.at(times_of(flown, hours())).observe(sun).apparent()
    position = seen.frame_xyz(true_equator_and_equinox_of_date).km.T
    return np.asarray(position / np.linalg.norm(position, axis=1, keepdims=True))


def angle_deg(a: Float64s, b: Float64s) -> Float64s:
    return np.degrees(2.0 * np.arcsin(0.5 * np.linalg.norm(a - b, axis=1)))


def test_the_sun_of_a_year_agrees_within_two_hundredths_of_a_degree(flown: Flown) -> None:
    ours = sun_direction(flown.orbit.epoch_days + hours() / DAY_S)[0]
    worst_deg = float(angle_deg(ours, sun_of_date(flown)).max())
    keep_figure(
        f"direction of the Sun, from the epoch of {flown.satellite.name}, one year",
        against="skyfield", value=worst_deg, limit=0.02, unit="deg",
    )  # fmt: skip


def test_beta_of_a_year_agrees_within_two_hundredths_of_a_degree(flown: Flown) -> None:
    at = flown.satellite.at(times_of(flown, hours()))
    earth, sun = flown.planets["earth"], flown.planets["sun"]
    seen = earth.at(times_of(flown, hours())).observe(sun).apparent().position.km.T
    normal = np.cross(at.position.km.T, at.velocity.km_per_s.T)
    cosine = np.einsum("ij,ij->i", normal, seen)
    cosine /= np.linalg.norm(normal, axis=1) * np.linalg.norm(seen, axis=1)
    expected_deg = np.degrees(np.arcsin(cosine))
    worst_deg = 0.0
    for time_s, expected in zip(hours()[::6].tolist(), expected_deg[::6].tolist(), strict=True):
        worst_deg = max(worst_deg, abs(flown.orbit.beta_deg(time_s) - expected))
    keep_figure(
        f"beta, {flown.satellite.name}, one year",
        against="skyfield", value=worst_deg, limit=0.02, unit="deg",
    )  # fmt: skip


def test_seasons_in_closed_form_have_the_eclipses_of_the_year(flown: Flown) -> None:
    """Drag and the waves of J2 are not in the closed form; lengths are what seasons are for."""
    found = find_seasons(secular_orbit(flown.orbit), days=YEAR_S / DAY_S)
    edges = flown.edges
    entries = [event.time_s for event in edges if event.name == "eclipse_entry"]
    lengths = [b.time_s - a.time_s for a, b in pairwise(edges) if a.name == "eclipse_entry"]
    keep_figure(
        f"longest eclipse in closed form, {flown.satellite.name}, one year",
        against="SGP4", value=found.longest_s - max(lengths), limit=15.0, unit="s",
    )  # fmt: skip
    keep_figure(
        f"number of eclipses in closed form, {flown.satellite.name}, one year",
        against="SGP4", value=100.0 * (found.entry_s.size / len(entries) - 1.0), limit=2.0,
        unit="%",
    )  # fmt: skip
