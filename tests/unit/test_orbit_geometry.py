"""Orbit geometry: eclipses, penumbra, beta, start phase, sink."""

import math
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from sim_hw.orbit import Orbit, OrbitEvent


@pytest.mark.parametrize(
    ("beta_deg", "expected_min", "tolerance_s"),
    [
        (30.0, 33.58, 5.0),
        (50.0, 27.95, 5.0),
        (60.0, 20.54, 5.0),
        (64.0, 14.37, 5.0),
        (66.0, 8.64, 5.0),
        (67.0, 1.10, 10.0),
        (-60.0, 20.54, 5.0),
    ],
)
def test_case_3_holds_behind_a_cone_too(
    beta_deg: float, expected_min: float, tolerance_s: float
) -> None:
    orbit = Orbit.circular(550.0, beta_deg, shadow="cone")
    assert orbit.eclipse_s == pytest.approx(60.0 * expected_min, abs=tolerance_s)


@pytest.mark.parametrize(
    ("altitude_km", "critical_deg"), [(550.0, 67.016), (600.0, 66.067), (650.0, 65.164)]
)
def test_case_4_no_eclipse_above_the_critical_beta(altitude_km: float, critical_deg: float) -> None:
    assert Orbit.circular(altitude_km, critical_deg - 0.02, shadow="cylinder").eclipse_s > 0.0
    above = Orbit.circular(altitude_km, critical_deg + 0.02, shadow="cylinder")
    assert above.eclipse_s == 0.0
    assert above.events(0.0, above.period_s) == ()


def test_sunlight_falls_steadily_through_the_penumbra_and_is_half_at_the_entry() -> None:
    orbit = Orbit.circular(550.0, 0.0)
    ratios = [orbit.sunlight_ratio(-10.0 + 0.1 * n) for n in range(201)]
    assert ratios[0] == 1.0
    assert ratios[-1] == 0.0
    assert all(later <= earlier for earlier, later in pairwise(ratios))
    assert orbit.sunlight_ratio(0.0) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("beta_deg", [-70.0, 0.0, 45.0])
def test_beta_at_the_start_is_the_one_asked_for_and_moves_slowly(beta_deg: float) -> None:
    orbit = Orbit.circular(550.0, beta_deg)
    assert orbit.beta_deg(0.0) == pytest.approx(beta_deg, abs=1e-6)
    assert abs(orbit.beta_deg(86_400.0) - beta_deg) < 1.0


def test_the_node_of_a_sun_synchronous_orbit_follows_the_sun_for_a_month() -> None:
    orbit = Orbit.circular(550.0, 0.0, inclination_deg=97.593)
    inclined = Orbit.circular(550.0, 0.0, inclination_deg=51.6)
    assert abs(orbit.beta_deg(30.0 * 86_400.0)) < 3.0  # the true Sun against the mean one
    assert abs(inclined.beta_deg(10.0 * 86_400.0)) > 30.0


def test_the_flight_starts_at_eclipse_entry_or_at_the_phase_given() -> None:
    default = Orbit.circular(550.0, 0.0)
    assert default.events(0.0, 1.0) == (OrbitEvent(0.0, "eclipse_entry"),)
    half = Orbit.circular(550.0, 0.0, start_phase_ratio=0.5)
    next_entry_s = half.events(0.0, half.period_s)[0].time_s
    assert next_entry_s == pytest.approx(0.5 * half.period_s, abs=1.0)


def test_eclipses_that_overlap_the_window_are_given_whole() -> None:
    orbit = Orbit.circular(550.0, 0.0)
    ((entry_s, exit_s),) = orbit.eclipses(1000.0, 1001.0)
    assert entry_s == 0.0
    assert exit_s == pytest.approx(2136.9, abs=0.5)
    assert orbit.eclipses(2200.0, 5700.0) == ()
    assert len(orbit.eclipses(0.0, 86_400.0)) == 16


def test_events_do_not_depend_on_what_was_asked_before() -> None:
    fresh, used = Orbit.circular(550.0, 20.0), Orbit.circular(550.0, 20.0)
    for day in range(5):
        used.sunlight_ratio(day * 86_400.0)
    assert used.events(0.0, 86_400.0) == fresh.events(0.0, 86_400.0)
    split = [e for n in range(24) for e in fresh.events(n * 3600.0, (n + 1) * 3600.0)]
    assert tuple(split) == fresh.events(0.0, 86_400.0)


def test_a_grazing_eclipse_between_two_grid_points_is_found() -> None:
    orbit = Orbit.circular(550.0, 67.015, shadow="cylinder")
    assert 1.0 < orbit.eclipse_s < 30.0


def test_the_sink_stays_between_infra_red_alone_and_full_albedo_and_has_no_steps() -> None:
    orbit = Orbit.circular(550.0, 0.0)
    sinks = [orbit.sink_temp_k(float(second)) for second in range(5739)]
    assert min(sinks) == pytest.approx(181.0, abs=0.5)
    assert max(sinks) == pytest.approx(192.0, abs=0.5)
    assert max(abs(b - a) for a, b in pairwise(sinks)) < 0.03
    assert orbit.sink_temp_k(1000.0) == min(sinks)  # in eclipse


def test_a_beta_that_the_inclination_cannot_reach_is_refused_with_the_range() -> None:
    with pytest.raises(ValueError, match=r"beta_deg = 80 is out of reach .* give -\d"):
        Orbit.circular(550.0, 80.0, inclination_deg=51.6)


@pytest.mark.parametrize("altitude_km", [100.0, 50_000.0])
def test_an_altitude_out_of_range_is_refused(altitude_km: float) -> None:
    with pytest.raises(ValueError, match="altitude_km"):
        Orbit.circular(altitude_km)


def test_the_season_moves_the_declination_of_the_sun() -> None:
    june = Orbit.circular(550.0, 0.0, start_utc=datetime(2030, 6, 21, tzinfo=UTC))
    assert june.beta_deg(0.0) == pytest.approx(0.0, abs=1e-6)
    assert june.eclipse_s == pytest.approx(2136.7, abs=2.0)
    assert math.isclose(june.period_s, Orbit.circular().period_s)
