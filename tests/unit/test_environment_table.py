"""The table that a step interpolates, against the orbit that filled it."""

import random

import pytest

from sim_hw._native import ffi, lib
from sim_hw.attitude import Attitude
from sim_hw.orbit import Orbit
from sim_hw.surroundings import Surroundings

CHUNK_S = 21_600.0
SEED = 3


def at(table, time_s):
    out = ffi.new("sim_environment_t *")
    lib.sim_environment_at(table, time_s, out)
    return out


def filled(orbit, time_s=0.0):
    table = ffi.new("sim_orbit_table_t *")
    orbit.fill_table(table, time_s)
    return table


def instants(orbit, low_s):
    """Times all over six hours, and around each edge of its eclipses."""
    draw = random.Random(SEED)
    edges = [edge.time_s for edge in orbit.events(low_s, low_s + CHUNK_S)]
    near = [edge_s + draw.uniform(-8.0, 8.0) for edge_s in edges for _ in range(100)]
    times = near + [low_s + draw.uniform(0.0, CHUNK_S) for _ in range(500)]
    return [time_s for time_s in times if low_s <= time_s < low_s + CHUNK_S]


@pytest.mark.parametrize("shadow", ["cone", "cylinder"])
@pytest.mark.parametrize("low_s", [0.0, 5.0 * CHUNK_S, -CHUNK_S])
def test_sunlight_of_the_table_is_that_of_the_orbit(shadow, low_s):
    orbit = Orbit.circular(550.0, 40.0, shadow=shadow)
    table = filled(orbit, low_s)
    seen = set()
    for time_s in instants(orbit, low_s):
        ratio = at(table, time_s).sunlight_ratio
        assert ratio == pytest.approx(orbit.sunlight_ratio(time_s), abs=1e-9), (SEED, time_s)
        seen.add(ratio)
    assert {0.0, 1.0} <= seen
    assert (len(seen) > 2) == (shadow == "cone")  # a penumbra was met, where there is one


def test_the_sink_of_the_table_is_that_of_the_orbit_in_each_attitude():
    for mode in ("sun_edge_on", "nadir", "tumbling"):
        around = Surroundings(attitude=Attitude(mode=mode))
        orbit = Orbit.circular(surroundings=around)
        table = filled(orbit)
        for time_s in instants(orbit, 0.0):
            now = at(table, time_s)
            sink_k = around.sink_temp_k(now.radiator_solar_w_per_m2, now.radiator_infrared_w_per_m2)
            assert sink_k == pytest.approx(orbit.sink_temp_k(time_s), abs=1e-9), (SEED, time_s)


def test_in_the_umbra_a_panel_that_faces_the_sun_gets_nothing_of_it():
    orbit = Orbit.circular(surroundings=Surroundings(attitude=Attitude(mode="nadir")))
    table = filled(orbit)
    dark, lit = at(table, 1000.0), at(table, 4000.0)
    assert dark.sunlight_ratio == 0.0
    assert dark.radiator_solar_w_per_m2 == 0.0
    assert dark.solar_w_per_m2 == pytest.approx(1372.4, abs=0.1)  # of the Sun unshadowed
    assert lit.radiator_solar_w_per_m2 > 1000.0


def test_a_table_is_due_at_its_end_and_before_its_begin():
    orbit = Orbit.circular()
    table = filled(orbit, 30_000.0)
    assert table.low_s == CHUNK_S
    assert not orbit.needs_chunk(table, CHUNK_S)
    assert not orbit.needs_chunk(table, 2.0 * CHUNK_S - 0.01)
    assert orbit.needs_chunk(table, 2.0 * CHUNK_S)
    assert orbit.needs_chunk(table, CHUNK_S - 0.01)
    assert orbit.needs_chunk(ffi.new("sim_orbit_table_t *"), 2.0 * CHUNK_S)


def test_two_tables_meet_at_the_border():
    orbit = Orbit.circular(surroundings=Surroundings(attitude=Attitude(mode="tumbling")))
    before, after = at(filled(orbit, 0.0), CHUNK_S), at(filled(orbit, CHUNK_S), CHUNK_S)
    for name in dir(before):
        assert getattr(before, name) == pytest.approx(getattr(after, name), abs=1e-9), name
