"""The South Atlantic Anomaly: where the satellite is above the Earth, and when it is inside."""

from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from skyfield.api import load

from sim_hw.anomaly import ANOMALY, AnomalyPasses, earth_rotation_deg, geographic_deg
from sim_hw.orbit import Orbit, days_since_j2000
from sim_hw.sun import DAY_S

SPAN_D = 60.0


@pytest.fixture(scope="module")
def passes():
    return AnomalyPasses.of(Orbit.circular(550.0), SPAN_D * DAY_S)


@pytest.mark.parametrize(
    ("box", "share", "per_day", "mean_min", "longest_min"),
    [("outer", 0.101, 12.0, 12.2, 13.5), ("core", 0.028, 5.6, 7.3, 8.1)],
)
def test_passes_at_550_km_are_those_of_the_models(
    passes, box, share, per_day, mean_min, longest_min
):
    lengths_s = [one.length_s for one in getattr(passes, box)]
    assert sum(lengths_s) / (SPAN_D * DAY_S) == pytest.approx(share, abs=0.001)
    assert len(lengths_s) / SPAN_D == pytest.approx(per_day, abs=0.15)
    assert sum(lengths_s) / len(lengths_s) / 60.0 == pytest.approx(mean_min, abs=0.15)
    assert max(lengths_s) / 60.0 == pytest.approx(longest_min, abs=0.1)


def test_each_core_pass_lies_in_an_outer_one_and_none_overlap(passes):
    for several in (passes.outer, passes.core):
        assert all(a.exit_s < b.entry_s for a, b in pairwise(several))
    for core in passes.core:
        assert any(p.entry_s <= core.entry_s and core.exit_s <= p.exit_s for p in passes.outer)


def test_a_pass_over_a_border_of_six_hours_is_one(passes):
    over = [p for p in passes.outer if p.entry_s // 21_600.0 != p.exit_s // 21_600.0]
    assert over, "the span is too short to show one"
    orbit = Orbit.circular(550.0)
    for one in over[:5]:
        inside = np.linspace(one.entry_s + 1.0, one.exit_s - 1.0, 200)
        outside = np.array([one.entry_s - 1.0, one.exit_s + 1.0])
        assert np.all(ANOMALY.holds(*geographic_deg(orbit, inside)) >= 0.0)
        assert np.all(ANOMALY.holds(*geographic_deg(orbit, outside)) < 0.0)


def test_passes_are_cut_at_the_start_and_the_end_of_a_flight(passes):
    first = passes.outer[0]
    middle_s = 0.5 * (first.entry_s + first.exit_s)
    cut = AnomalyPasses.of(Orbit.circular(550.0), middle_s)
    assert cut.outer[-1].exit_s == middle_s
    assert cut.outer[-1].entry_s == pytest.approx(first.entry_s, abs=0.2)


def test_an_equatorial_orbit_touches_the_border_and_a_high_inclination_stays_away_for_long():
    orbit = Orbit.circular(550.0, 0.0, inclination_deg=28.5)
    assert 6.0 <= len(AnomalyPasses.of(orbit, DAY_S).outer) <= 15.0


@pytest.mark.parametrize("year", [2000, 2026, 2031])
def test_the_earth_turns_as_skyfield_says(year):
    times = load.timescale(builtin=True)
    for month in (1, 5, 9):
        when = datetime(year, month, 11, 7, 31, tzinfo=UTC)
        ours = float(earth_rotation_deg(np.array([days_since_j2000(when)]))[0])
        theirs = 15.0 * times.from_datetime(when).gmst
        # UT1 is taken as UTC, and precession over 30 years is left out: below 0.02 deg.
        assert (ours - theirs + 180.0) % 360.0 - 180.0 == pytest.approx(0.0, abs=0.02)


def test_longitudes_stay_within_half_a_turn_and_latitudes_below_the_inclination():
    time_s = np.arange(0.0, DAY_S, 30.0)
    latitude, longitude = geographic_deg(Orbit.circular(550.0), time_s)
    assert np.abs(latitude).max() == pytest.approx(180.0 - 97.593, abs=0.1)
    assert longitude.min() == pytest.approx(-180.0, abs=2.0)
    assert longitude.max() == pytest.approx(180.0, abs=2.0)
