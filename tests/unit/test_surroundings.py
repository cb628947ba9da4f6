"""Fluxes of Sun and Earth on array and radiator: view factors, attitudes, sink temperatures."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest

from sim_hw.attitude import Attitude
from sim_hw.orbit import Orbit
from sim_hw.sun import DAY_S, EARTH_RADIUS_KM, sun_direction
from sim_hw.surroundings import Surroundings, sphere_view_factor

RATIO_550 = (EARTH_RADIUS_KM + 550.0) / EARTH_RADIUS_KM


def view(cos_nadir, ratio=RATIO_550):
    return float(sphere_view_factor(np.array([cos_nadir]), np.array([ratio]))[0])


def by_monte_carlo(cos_nadir, ratio, count=400_000):
    """The part of rays, by the cosine law from one face, that meets a sphere of radius 1."""
    rng = np.random.default_rng(5)
    up, turn = np.sqrt(rng.random(count)), math.tau * rng.random(count)
    across = np.sqrt(1.0 - up * up)
    sin_nadir = math.sqrt(1.0 - cos_nadir * cos_nadir)
    along = up * cos_nadir + across * np.cos(turn) * sin_nadir  # towards the centre
    return float(np.mean(along > math.sqrt(1.0 - 1.0 / ratio**2)))


@pytest.mark.parametrize(("cos_nadir", "expected"), [(1.0, 0.8475), (0.0, 0.2579), (-1.0, 0.0)])
def test_view_factors_at_550_km_are_those_of_the_models(cos_nadir, expected):
    assert view(cos_nadir) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize("ratio", [1.03, RATIO_550, 1.22, 3.0])
@pytest.mark.parametrize("angle_deg", [10.0, 50.0, 75.0, 90.0, 110.0, 140.0])
def test_the_view_factor_of_a_tilted_plate_is_that_of_drawn_rays(ratio, angle_deg):
    cos_nadir = math.cos(math.radians(angle_deg))
    drawn = by_monte_carlo(cos_nadir, ratio)
    assert view(cos_nadir, ratio) == pytest.approx(drawn, abs=0.004)  # five sigma of the rays


def test_the_view_factor_has_no_step_where_the_limb_crosses_the_plate():
    cos_nadir = np.linspace(-1.0, 1.0, 20_001)
    factors = sphere_view_factor(cos_nadir, np.full(cos_nadir.shape, RATIO_550))
    assert np.all(np.diff(factors) >= -1e-12)
    assert np.max(np.diff(factors)) < 2e-4


def panel_sink_k(cos_nadir, albedo_ratio, faces=(1.0, -1.0)):
    """The sink of a panel under a Sun at one astronomical unit, in the mean of some faces."""
    factor = sum(view(face * cos_nadir) for face in faces) * 2.0 / len(faces)
    return Surroundings().sink_temp_k(0.30 * 1361.0 * factor * albedo_ratio, 237.0 * factor)


def test_sink_temperatures_are_those_of_the_models():
    assert panel_sink_k(0.0, albedo_ratio=0.0) == pytest.approx(181.0, abs=0.5)
    assert panel_sink_k(0.0, albedo_ratio=1.0) == pytest.approx(192.0, abs=0.5)
    assert panel_sink_k(1.0, albedo_ratio=1.0, faces=(1.0,)) == pytest.approx(259.0, abs=0.5)


def fluxes(attitude, beta_deg=0.0, start_utc=datetime(2030, 3, 20, 12, tzinfo=UTC), faces=2):
    orbit = Orbit.circular(550.0, beta_deg, start_utc=start_utc)
    time_s = np.arange(0.0, orbit.period_s, 10.0)
    position, normal = orbit.propagator.state(time_s)
    sun, distance_km = sun_direction(orbit.epoch_days + time_s / DAY_S)
    around = Surroundings(attitude=attitude, faces=faces)
    return around.fluxes(time_s, position, normal, sun, distance_km)


def test_edge_on_the_panel_sees_no_sun_and_always_the_same_of_the_earth():
    got = fluxes(Attitude(), beta_deg=30.0)
    assert np.all(got.array_cos == 1.0)
    assert np.all(got.radiator_direct_w_per_m2 == 0.0)
    assert got.radiator_infrared_w_per_m2 == pytest.approx(2.0 * 0.25789 * 237.0, rel=1e-4)
    assert got.radiator_albedo_w_per_m2.max() == pytest.approx(
        2.0 * 0.25789 * 0.30 * got.solar_w_per_m2[0] * math.cos(math.radians(30.0)), rel=1e-3
    )
    assert got.radiator_albedo_w_per_m2.min() == 0.0


@pytest.mark.parametrize("beta_deg", [0.0, 40.0, -60.0])
def test_facing_nadir_the_array_is_off_the_sun_by_beta(beta_deg):
    got = fluxes(Attitude(mode="nadir"), beta_deg)
    assert got.array_cos == pytest.approx(math.cos(math.radians(beta_deg)), abs=1e-3)
    assert got.radiator_infrared_w_per_m2 == pytest.approx(0.84753 * 237.0, rel=1e-4)
    highest = got.solar_w_per_m2[0] * math.cos(math.radians(beta_deg))
    assert got.radiator_direct_w_per_m2.max() == pytest.approx(highest, rel=1e-3)


def test_facing_nadir_the_array_looks_along_the_sun_s_part_in_the_plane():
    time_s = np.zeros(1)
    north, nadir = np.array([[0.0, 0.0, 1.0]]), np.array([[1.0, 0.0, 0.0]])
    # 60 deg above the plane, and in the plane 30 deg from the nadir.
    sun = np.array([[0.5 * math.sqrt(0.75), 0.25, math.sqrt(0.75)]])
    got = Attitude(mode="nadir").pointing(time_s, nadir, north, sun)
    assert float(got.array_sun[0]) == pytest.approx(0.5)
    assert float(got.array_nadir[0]) == pytest.approx(math.sqrt(0.75))
    assert float(got.panel_sun[0]) == pytest.approx(-0.5 * math.sqrt(0.75))  # from behind


def test_facing_nadir_with_the_sun_on_the_axis_there_is_no_sunlight_and_no_crash():
    time_s = np.zeros(1)
    north, nadir = np.array([[0.0, 0.0, 1.0]]), np.array([[-1.0, 0.0, 0.0]])
    got = Attitude(mode="nadir").pointing(time_s, nadir, north, north)
    assert [float(cosine[0]) for cosine in got] == [0.0, 0.0, 0.0, -1.0]


def test_a_panel_on_the_body_takes_up_half_as_much_edge_on_and_has_the_same_sink():
    both, one = fluxes(Attitude()), fluxes(Attitude(), faces=1)
    for name in ("radiator_albedo_w_per_m2", "radiator_infrared_w_per_m2"):
        assert getattr(one, name) == pytest.approx(0.5 * getattr(both, name))
    infrared = [float(around.radiator_infrared_w_per_m2[0]) for around in (both, one)]
    sinks = [Surroundings(faces=2 - i).sink_temp_k(0.0, infrared[i]) for i in range(2)]
    assert sinks == pytest.approx([181.0, 181.0], abs=0.5)


def test_a_panel_on_the_body_looks_away_from_the_earth_and_sees_the_sun_from_one_side():
    got = fluxes(Attitude(mode="nadir"), faces=1)
    both = fluxes(Attitude(mode="nadir"))
    assert not got.radiator_infrared_w_per_m2.any() and not got.radiator_albedo_w_per_m2.any()
    lit = got.radiator_direct_w_per_m2 > 0.0
    assert 0.45 < lit.mean() < 0.55
    assert got.radiator_direct_w_per_m2[lit] == pytest.approx(both.radiator_direct_w_per_m2[lit])


def test_tumbling_turns_evenly_by_period_and_seed():
    orbit_s = np.array([0.0, 100.0, 900.0, 1000.0])
    towards = np.tile([0.0, 0.0, 1.0], (4, 1))
    across = np.tile([1.0, 0.0, 0.0], (4, 1))
    attitude = Attitude(mode="tumbling", tumbling_period_s=900.0)
    got = attitude.pointing(orbit_s, towards, across, across)
    for cosine in got:
        assert np.all(np.abs(cosine) <= 1.0 + 1e-12)
        assert cosine[:2] == pytest.approx(cosine[2:], abs=1e-9)  # a whole turn later
        assert cosine[0] != pytest.approx(cosine[1], abs=1e-3)
    other = Attitude(mode="tumbling", tumbling_seed=2).pointing(orbit_s, towards, across, across)
    assert other.array_sun[0] != pytest.approx(got.array_sun[0], abs=1e-3)


def test_a_tumbling_body_stays_rigid_its_panel_at_a_right_angle_to_the_array():
    time_s = np.array([0.0, 130.0, 777.0])
    attitude = Attitude(mode="tumbling", tumbling_seed=9)
    axes = [np.tile(axis, (3, 1)) for axis in np.eye(3)]
    seen = [attitude.pointing(time_s, axis, axis, axis) for axis in axes]
    array = np.stack([one.array_sun for one in seen], axis=1)
    panel = np.stack([one.panel_sun for one in seen], axis=1)
    assert np.einsum("ij,ij->i", array, array) == pytest.approx(1.0)
    assert np.einsum("ij,ij->i", panel, panel) == pytest.approx(1.0)
    assert np.einsum("ij,ij->i", array, panel) == pytest.approx(0.0, abs=1e-12)


def test_a_tumbling_array_has_no_power_while_it_looks_away():
    got = fluxes(Attitude(mode="tumbling"))
    assert got.array_cos.min() == 0.0
    assert 0.5 < got.array_cos.max() <= 1.0
    assert np.all(got.radiator_direct_w_per_m2 >= 0.0)


def test_sunlight_follows_the_distance_of_the_sun():
    january, july = (
        fluxes(Attitude(), start_utc=datetime(2030, month, 4, tzinfo=UTC)).solar_w_per_m2[0]
        for month in (1, 7)
    )
    assert january == pytest.approx(1361.0 / 0.98330**2, rel=2e-4)  # perihelion, au
    assert july == pytest.approx(1361.0 / 1.01666**2, rel=2e-4)  # aphelion, au
