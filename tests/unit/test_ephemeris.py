"""What the node believes of its orbit: against skyfield, against the plant, and at the edges."""

import json
import math
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skyfield_data
from skyfield import api as skyfield_api

from flight.plan.element_set import (
    DAY_S,
    ElementSet,
    circular_element_set,
    parse_element_set,
)
from flight.plan.ephemeris import CannotPropagate, Edge, Ephemeris
from sim_hw.orbit import Orbit

CBERS2 = (Path(__file__).parents[2] / "examples" / "orbits" / "cbers2.tle").read_text("ascii")
NAME, LINE1, LINE2 = CBERS2.splitlines()
TOLERANCE_S = 10.0
EPOCH = datetime(2030, 3, 20, 12, tzinfo=UTC)


def omm(**changes: float | str) -> str:
    """Return an element set as OMM values, in low orbit by default."""
    values: dict[str, float | str] = {
        "OBJECT_NAME": "TEST", "EPOCH": "2026-06-21T03:00:00.000", "MEAN_MOTION": 15.5,
        "ECCENTRICITY": 0.001, "INCLINATION": 51.6, "RA_OF_ASC_NODE": 100.0,
        "ARG_OF_PERICENTER": 30.0, "MEAN_ANOMALY": 200.0, "BSTAR": 1e-4,
    }  # fmt: skip
    return json.dumps(values | changes)


ELEMENT_SETS = {
    "cbers2": CBERS2,
    "station": omm(),
    "dawn_dusk": omm(MEAN_MOTION=15.05, INCLINATION=97.6, RA_OF_ASC_NODE=30.0),
    "molniya": omm(
        MEAN_MOTION=2.006, ECCENTRICITY=0.72, INCLINATION=63.4, ARG_OF_PERICENTER=270.0, BSTAR=0.0
    ),
    "geostationary": omm(
        MEAN_MOTION=1.0027, ECCENTRICITY=0.0002, INCLINATION=0.1, EPOCH="2026-03-18T00:00:00"
    ),
}


@contextmanager
def skyfield() -> Iterator[tuple[Any, Any]]:
    """Open skyfield's timescale and planets."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the table of UT1 of skyfield-data has an expiry date
        data_path = skyfield_data.get_skyfield_data_path()
    planets = skyfield_api.Loader(data_path, expire=False)("de421.bsp")
    try:
        yield skyfield_api.load.timescale(builtin=True), planets
    finally:
        planets.close()


@pytest.mark.parametrize("name", ELEMENT_SETS)
def test_eclipses_agree_with_skyfield_within_10_s_for_days_around_the_epoch(name: str) -> None:
    """Lit or dark as skyfield says at random times, and 10 s to each side of each edge."""
    elements = parse_element_set(ELEMENT_SETS[name])
    from_s, span_s = elements.epoch_utc_s - 2.0 * DAY_S, 5.0 * DAY_S
    spans = Ephemeris(elements).eclipses(from_s, span_s)
    assert len(spans) >= (4 if name == "geostationary" else 8)
    edges_s = np.array(spans).ravel()
    random_s = from_s + np.random.default_rng(5).uniform(0.0, span_s, 400)
    far = np.abs(random_s[:, None] - edges_s).min(axis=1) > TOLERANCE_S
    times_s = np.concatenate((edges_s - TOLERANCE_S, edges_s + TOLERANCE_S, random_s[far]))
    times_s = times_s[(times_s >= from_s) & (times_s < from_s + span_s)]
    dark = np.array([any(entry <= t < exit_ for entry, exit_ in spans) for t in times_s])
    with skyfield() as (timescale, planets):
        satellite = skyfield_api.EarthSatellite.from_satrec(elements.satellite, timescale)
        days = (times_s - elements.epoch_utc_s) / DAY_S
        lit = satellite.at(timescale.tt_jd(satellite.epoch.tt + days)).is_sunlit(planets)
    wrong = times_s[np.asarray(lit) == dark] - elements.epoch_utc_s
    assert not wrong.size, f"{name}: skyfield disagrees at {wrong[:5]} s after the epoch"


PLANT_ORBITS = [
    (550.0, 97.593, 0.0), (550.0, 97.593, 45.0), (550.0, 97.593, -60.0), (400.0, 51.6, 20.0),
    (1200.0, 88.0, -30.0), (550.0, 97.593, 68.0),
]  # fmt: skip


def twin(orbit: Orbit, altitude_km: float, inclination_deg: float) -> ElementSet:
    """Return the elements of the plant's circular orbit."""
    path: Any = orbit.propagator
    return circular_element_set(
        altitude_km=altitude_km,
        inclination_deg=inclination_deg,
        raan_deg=math.degrees(path.node_rad),
        argument_of_latitude_deg=math.degrees(path.argument_rad),
        epoch_utc=orbit.epoch_utc,
    )


@pytest.mark.parametrize(("altitude_km", "inclination_deg", "beta_deg"), PLANT_ORBITS)
def test_a_circular_element_set_has_the_eclipses_of_the_plant_for_a_day(
    altitude_km: float, inclination_deg: float, beta_deg: float
) -> None:
    """The plant leaves out what J2 does within an orbit: 2 s at an edge on the first day."""
    orbit = Orbit.circular(altitude_km, beta_deg, inclination_deg=inclination_deg)
    ephemeris = Ephemeris(twin(orbit, altitude_km, inclination_deg))
    start_s = orbit.epoch_utc.timestamp()
    for day, difference_s in ((0.0, 2.5), (7.0, TOLERANCE_S)):
        from_s = day * DAY_S + 60.0
        expected = np.array(orbit.eclipses(from_s, from_s + DAY_S))
        actual = np.array(ephemeris.eclipses(start_s + from_s, DAY_S)) - start_s
        assert actual.shape == expected.shape
        assert bool(expected.size) == (beta_deg < 68.0)
        worst_s = np.max(np.abs(actual - expected), initial=0.0)
        assert worst_s < difference_s, f"day {day}: {worst_s:.2f} s"
    for time_s in (0.0, 0.5 * DAY_S, DAY_S - 1.0):
        assert abs(ephemeris.beta_deg(start_s + time_s) - orbit.beta_deg(time_s)) < 0.05
    assert ephemeris.period_s == pytest.approx(orbit.period_s, abs=1e-6)


def circular(raan_deg: float) -> Ephemeris:
    return Ephemeris(
        circular_element_set(
            altitude_km=550.0, inclination_deg=97.593, raan_deg=raan_deg,
            argument_of_latitude_deg=0.0, epoch_utc=EPOCH,
        )
    )  # fmt: skip


def test_a_short_eclipse_between_two_steps_is_found() -> None:
    """Near the beta that has none, eclipses are far shorter than a step of 60 s."""
    from_s = EPOCH.timestamp() + 60.0

    def lowest(raan_deg: float) -> tuple[float, float]:
        ephemeris = circular(raan_deg)
        times_s = from_s + np.arange(0.0, ephemeris.period_s, 5.0)
        return min((ephemeris.sun_height_rad(float(t)), float(t)) for t in times_s)

    dark_deg, lit_deg = 64.0, 72.0
    while lit_deg - dark_deg > 0.001:
        middle_deg = 0.5 * (dark_deg + lit_deg)
        is_dark = lowest(middle_deg)[0] < 0.0
        dark_deg, lit_deg = (middle_deg, lit_deg) if is_dark else (dark_deg, middle_deg)
    lengths_s = []
    for inside_deg in (0.0, 0.002, 0.005, 0.01, 0.02, 0.05):
        ephemeris = circular(dark_deg - inside_deg)
        deepest_s = lowest(dark_deg - inside_deg)[1]
        for shift_s in range(0, 60, 4):  # wherever the steps fall
            spans = ephemeris.eclipses(deepest_s - 1000.0 - shift_s, 2000.0)
            assert len(spans) == 1, f"{inside_deg} deg inside, {shift_s} s: an eclipse is missed"
            entry_s, exit_s = spans[0]
            assert entry_s < deepest_s < exit_s
        lengths_s.append(exit_s - entry_s)
    assert lengths_s == sorted(lengths_s) and lengths_s[0] < 40.0
    assert circular(lit_deg + 0.01).eclipses(from_s, ephemeris.period_s) == ()


def test_an_eclipse_that_has_begun_is_told_whole_and_one_that_is_over_is_not() -> None:
    ephemeris = circular(0.0)
    (entry_s, exit_s), (next_s, _) = ephemeris.eclipses(EPOCH.timestamp() + 3000.0, 6000.0)[:2]
    middle_s = 0.5 * (entry_s + exit_s)
    [(begun_s, ends_s)] = ephemeris.eclipses(middle_s, 1.0)
    assert begun_s == pytest.approx(entry_s, abs=0.01)
    assert ends_s == pytest.approx(exit_s, abs=0.01)
    assert ephemeris.eclipses(exit_s + 1.0, next_s - exit_s - 2.0) == ()
    events = ephemeris.events(middle_s, next_s + 1.0 - middle_s)
    assert [event.name for event in events] == ["eclipse_exit", "eclipse_entry"]


def test_umbra_lies_inside_and_penumbra_outside_by_half_the_disc_of_the_sun() -> None:
    ephemeris = circular(0.0)
    start_s = EPOCH.timestamp() + 3000.0
    outer, middle, inner = (
        ephemeris.eclipses(start_s, 6000.0, edge)[0]
        for edge in (Edge.PENUMBRA, Edge.CENTRE, Edge.UMBRA)
    )
    half_s = (0.5 * 0.533) / (360.0 / ephemeris.period_s)  # the disc is 0.533 deg wide
    for a, b in ((outer[0], middle[0]), (middle[0], inner[0]), (inner[1], middle[1])):
        assert b - a == pytest.approx(half_s, rel=0.35)  # the limb is crossed at a slant


def test_two_orbits_cost_few_evaluations_and_come_in_slices(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Counted, not timed: 24 evaluations are about 0.2 ms."""
    ephemeris = circular(0.0)
    calls = []
    height = ephemeris._height

    def counted(utc_s: float, edge: Edge) -> float:
        calls.append(utc_s)
        return height(utc_s, edge)

    monkeypatch.setattr(ephemeris, "_height", counted)
    search = ephemeris.search(EPOCH.timestamp(), 2.0 * ephemeris.period_s)
    per_slice = []
    for _ in search:
        per_slice.append(len(calls) - sum(per_slice))
    assert len(calls) < 500
    assert len(per_slice) >= 10 and max(per_slice) < 100


def test_an_orbit_that_decays_is_refused_by_name() -> None:
    ephemeris = Ephemeris(parse_element_set(omm(MEAN_MOTION=16.4, BSTAR=0.3)))
    start_s = ephemeris.element_set.epoch_utc_s
    with pytest.raises(CannotPropagate, match="TEST"):
        ephemeris.eclipses(start_s + 30.0 * DAY_S, DAY_S)


def test_two_lines_and_omm_values_give_the_same_orbit() -> None:
    lines = parse_element_set(CBERS2)
    satellite = lines.satellite
    epoch = datetime.fromtimestamp(lines.epoch_utc_s, UTC).isoformat()
    values = parse_element_set(
        omm(
            EPOCH=epoch, MEAN_MOTION=satellite.no_kozai * 1440.0 / math.tau,
            ECCENTRICITY=satellite.ecco, INCLINATION=math.degrees(satellite.inclo),
            RA_OF_ASC_NODE=math.degrees(satellite.nodeo), MEAN_ANOMALY=math.degrees(satellite.mo),
            ARG_OF_PERICENTER=math.degrees(satellite.argpo), BSTAR=satellite.bstar,
        )
    )  # fmt: skip
    from_s = lines.epoch_utc_s + 86_400.0
    for ours, theirs in zip(
        Ephemeris(values).eclipses(from_s, 2e4), Ephemeris(lines).eclipses(from_s, 2e4), strict=True
    ):
        assert ours == pytest.approx(theirs, abs=0.1)


def without(key: str) -> str:
    """Return OMM values that lack one."""
    return json.dumps({k: v for k, v in json.loads(omm()).items() if k != key})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "give an optional name line"),
        (NAME, "give an optional name line"),
        (f"{LINE1}\n{LINE2}\n{LINE2}", "give an optional name line"),
        (f"{LINE1[:60]}\n{LINE2}", "line 1: 60 characters, an element line has 69"),
        (f"{LINE1}\n{LINE2[:-1]}7", "line 2: checksum is '7'"),
        (f"{LINE1}\n2 28058{LINE2[7:-1]}1", "line 2: satellite 28058, line 1 says 28057"),
        ("{", "is not valid JSON"),
        ("{" * 3000, "is not valid JSON"),
        ("x" * 5000, "5000 characters; give one, not a catalogue"),
        (without("BSTAR"), "BSTAR is missing; add it"),
        (without("EPOCH"), "EPOCH = None: give a time such as"),
        (omm(EPOCH="tomorrow"), "EPOCH = 'tomorrow': give a time such as"),
        (omm(MEAN_MOTION="fast"), "MEAN_MOTION = 'fast': give 0.05 to 18"),
        (omm(INCLINATION=181.0), "INCLINATION = 181.0: give 0 to 180"),
        (omm(ECCENTRICITY=float("nan")), "ECCENTRICITY = nan: give 0 to 0.999"),
        (omm(MEAN_MOTION=17.5), "decayed|SGP4 cannot fly it"),
    ],
)
def test_a_bad_element_set_is_refused_with_its_mend(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Ephemeris(parse_element_set(text)).eclipses(EPOCH.timestamp(), 6000.0)
