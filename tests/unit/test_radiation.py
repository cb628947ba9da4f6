"""Radiation: exposure, Poisson processes of each class, solar particle events, dose."""

import math
import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from sim_hw.anomaly import AnomalyPasses, Pass
from sim_hw.config_radiation import RadiationConfig
from sim_hw.exposure import YEAR_S, Exposure, ParticleEvent, draw_events
from sim_hw.fault_effects import EFFECTS
from sim_hw.faults import FAULTS, check_parameter, check_target
from sim_hw.orbit import Orbit
from sim_hw.radiation import SPACING_S, Upsets, draw_radiation, poisson_times
from sim_hw.radiation_classes import CLASSES
from sim_hw.scenario_times import FOREVER_NS, PlannedFault
from sim_hw.sun import DAY_S

S = 1_000_000_000
ORBIT = Orbit.circular()
QUIET = RadiationConfig(particle_events_per_year=0.0)
NOWHERE = AnomalyPasses((), ())
NODE_LEVEL = {"daemon", "rails_a", "rails_b", "rails_host"}


def drawn(level="accelerated", *, config=QUIET, orbits=1.0, seed=7, count=8, planned=()):
    return draw_radiation(
        config,
        ORBIT,
        level=level,
        duration_s=orbits * ORBIT.period_s,
        seed=seed,
        accelerator_count=count,
        planned=planned,
    )


def even(duration_s):
    """An exposure that is time itself."""
    return Exposure(np.array([0.0, duration_s]), np.array([0.0, duration_s]))


def test_a_month_of_the_reference_orbit_is_a_month_of_exposure():
    month_s = 30.0 * DAY_S
    passes = AnomalyPasses.of(ORBIT, month_s)
    exposure = Exposure.of(QUIET, passes, (), month_s)
    assert exposure.total_s == pytest.approx(month_s, rel=0.01)


def test_exposure_grows_by_the_ratios_inside_and_outside():
    passes = AnomalyPasses((Pass(100.0, 400.0),), (Pass(200.0, 300.0),))
    exposure = Exposure.of(QUIET, passes, (), 1000.0)
    unit = 1.0 / QUIET.mean_ratio
    assert exposure.at(100.0) == pytest.approx(100.0 * unit)
    assert exposure.at(200.0) - exposure.at(100.0) == pytest.approx(1000.0 * unit)
    assert exposure.at(300.0) - exposure.at(200.0) == pytest.approx(5000.0 * unit)
    assert exposure.at(1000.0) - exposure.at(400.0) == pytest.approx(600.0 * unit)
    assert exposure.time_of(exposure.at(250.0)) == pytest.approx(250.0)
    assert math.isinf(exposure.time_of(exposure.total_s))


def test_a_particle_event_rises_to_its_peak_and_decays():
    event = ParticleEvent(start_s=1000.0, rise_s=500.0, decay_s=2000.0, peak_ratio=101.0)
    times = np.array([0.0, 1000.0, 1250.0, 1500.0, 3500.0, event.end_s])
    expected = [1.0, 1.0, 51.0, 101.0, 1.0 + 100.0 / math.e, 1.0]
    assert event.ratio(times) == pytest.approx(expected, abs=1e-3)


def test_exposure_in_a_particle_event_is_its_integral():
    event = ParticleEvent(start_s=1000.0, rise_s=600.0, decay_s=2000.0, peak_ratio=101.0)
    exposure = Exposure.of(QUIET, NOWHERE, (event,), 100_000.0)
    extra_s = 100.0 * (0.5 * 600.0 + 2000.0)
    whole_s = (100_000.0 + extra_s) / QUIET.mean_ratio
    assert exposure.total_s == pytest.approx(whole_s, rel=1e-3)


def test_a_particle_event_comes_when_it_is_told_and_else_by_its_rate():
    told = RadiationConfig(particle_event_start_s=5.0, particle_event_peak_ratio=10.0)
    (event,) = draw_events(told, DAY_S, seed=1)
    assert (event.start_s, event.peak_ratio) == (5.0, 10.0)
    years = [len(draw_events(RadiationConfig(), YEAR_S, seed=seed)) for seed in range(300)]
    assert sum(years) == pytest.approx(900, abs=3.0 * math.sqrt(900.0))
    assert draw_events(QUIET, YEAR_S, seed=1) == ()


def test_the_dose_of_a_quiet_month_is_a_twelfth_of_the_year_and_an_event_adds():
    month = 30.0 * DAY_S / ORBIT.period_s
    quiet = drawn("nominal", orbits=month)
    span_s = month * ORBIT.period_s
    assert quiet.dose_rad(span_s) == pytest.approx(150.0 * 30.0 / 365.25, rel=0.01)
    assert quiet.dose_rad(0.0) == 0.0
    event = drawn("nominal", orbits=month, config=RadiationConfig(particle_event_start_s=0.0))
    assert event.dose_rad(span_s) > 1.3 * quiet.dose_rad(span_s)


@pytest.mark.parametrize("per_day", [0.5, 20.0])
def test_strikes_are_poisson_in_number_and_even_in_place(per_day):
    exposure = even(DAY_S)
    draw = random.Random("strikes")
    days = [poisson_times(per_day / DAY_S, exposure, draw) for _ in range(4000)]
    counts = np.array([len(times) for times in days])
    total = per_day * len(days)
    assert counts.sum() == pytest.approx(total, abs=3.0 * math.sqrt(total))
    assert counts.var() == pytest.approx(per_day, rel=0.15)
    assert np.mean([t for times in days for t in times]) == pytest.approx(0.5 * DAY_S, rel=0.05)


def test_no_rate_strikes_never():
    assert poisson_times(0.0, even(DAY_S), random.Random(1)) == ()


def test_most_strikes_of_a_day_with_passes_fall_into_the_anomaly():
    exposure = Exposure.of(QUIET, AnomalyPasses.of(ORBIT, DAY_S), (), DAY_S)
    passes = AnomalyPasses.of(ORBIT, DAY_S).outer
    draw = random.Random("in the anomaly")
    times = [t for _ in range(200) for t in poisson_times(50.0 / DAY_S, exposure, draw)]
    inside = sum(any(p.entry_s <= t < p.exit_s for p in passes) for t in times)
    # Outer box at 10, core at 50, of a mean of 3.03: 70 of 100.
    assert inside / len(times) == pytest.approx(0.70, abs=0.03)


def test_each_class_can_be_injected_with_what_it_gives():
    for kind in CLASSES:
        assert bool(kind.effects) != bool(kind.counter), kind.id
        for effect in kind.effects:
            fault = FAULTS[effect.fault]
            assert effect.fault in EFFECTS
            for target in effect.targets:
                assert kind.is_of_node or "{}" in target
                assert check_target(fault, target.format(0), None) is None, (kind.id, target)
            for name, values in effect.parameters.items():
                assert all(check_parameter(fault, name, v) is None for v in values), (kind.id, name)


def test_an_accelerated_orbit_shows_each_class_about_once():
    seeds = range(150)
    flights = [drawn(seed=seed) for seed in seeds]
    for n, kind in enumerate(CLASSES):
        assert flights[0].strikes[n].kind is kind
        if kind.counter:
            assert flights[0].strikes[n].expected >= 1.0
            continue
        assert flights[0].strikes[n].expected == pytest.approx(1.0)
        mean = sum(len(flight.strikes[n].time_s) for flight in flights) / len(seeds)
        assert mean == pytest.approx(1.0, abs=0.3), kind.id


def test_a_nominal_orbit_shows_nearly_nothing_but_counted_upsets():
    faults = [fault for seed in range(100) for fault in drawn("nominal", seed=seed).faults]
    assert 0 < len(faults) < 50
    assert {one.factor for one in drawn("nominal").strikes} == {1.0}


def test_accelerated_strikes_keep_their_distance_from_each_other_and_from_planned_faults():
    pump = PlannedFault(
        id="pump", name="pump_stop", target="pump_a", parameters={},
        start_ns=2000 * S, end_ns=2600 * S,
    )  # fmt: skip
    latch = PlannedFault(
        id="latch", name="latch_up", target="accel3_aux", parameters={},
        start_ns=4300 * S, end_ns=FOREVER_NS,
    )  # fmt: skip
    for seed in range(60):
        flown = drawn(seed=seed, planned=(pump, latch))
        times = sorted(t for one in flown.strikes for t in one.time_s)
        assert all(later - before >= SPACING_S for before, later in pairwise(times)), seed
        assert all(SPACING_S <= t < ORBIT.period_s for t in times), seed
        assert not any(2000.0 - SPACING_S <= t < 2600.0 + SPACING_S for t in times), seed
        assert not any(4300.0 - SPACING_S <= t < 4600.0 + SPACING_S for t in times), seed


def test_the_same_seed_draws_the_same_and_another_does_not():
    one, same, other = drawn(seed=1), drawn(seed=1), drawn(seed=2)
    assert one.faults == same.faults
    assert one.faults != other.faults
    assert [u.next_ns for u in one.new_upsets()] == [u.next_ns for u in same.new_upsets()]


def test_faults_come_in_order_with_names_of_their_own_and_strike_what_is_there():
    flown = drawn(orbits=20.0, count=1)
    names = [fault.id for fault in flown.faults]
    assert len(set(names)) == len(names)
    starts = [fault.start_ns for fault in flown.faults]
    assert starts == sorted(starts)
    for fault in flown.faults:
        assert fault.target in NODE_LEVEL or "accel0" in fault.target, fault
        assert fault.end_ns > fault.start_ns
        assert "duration_s" not in fault.parameters


class Truth:
    """Counters of the plant image."""

    def __init__(self):
        self.accel_ecc_corrected_count = np.zeros(8)
        self.edac_corrected_count = np.zeros(1)


def test_counted_upsets_reach_their_counters_each_at_its_time():
    (kind,) = (kind for kind in CLASSES if kind.id == "R4")
    truth, upsets = Truth(), Upsets(kind, 1.0, even(1000.0), seed=4, accelerator_count=8)
    before, now_ns = 0, 0
    gaps_s = []
    while upsets.next_ns < FOREVER_NS:
        gaps_s.append((upsets.next_ns - now_ns) / S)
        now_ns = upsets.next_ns
        upsets.apply_due(now_ns - 1, truth)
        assert truth.accel_ecc_corrected_count.sum() == before, "too early"
        upsets.apply_due(now_ns, truth)
        before = upsets.count
    assert truth.accel_ecc_corrected_count.sum() == upsets.count
    assert upsets.count == pytest.approx(1000, abs=3.0 * math.sqrt(1000.0))
    assert truth.accel_ecc_corrected_count.min() > 60.0  # of 125 each
    assert np.std(gaps_s) == pytest.approx(1.0, abs=0.15)  # without memory, as Poisson's are
    assert now_ns < 1000 * S


def test_a_node_of_one_accelerator_counts_no_upsets_of_others():
    truth = Truth()
    for upsets in drawn("nominal", orbits=50.0, count=1).new_upsets():
        while upsets.next_ns < FOREVER_NS:
            upsets.apply_due(upsets.next_ns, truth)
    assert truth.accel_ecc_corrected_count[0] > 0.0
    assert truth.accel_ecc_corrected_count[1:].max() == 0.0
    assert truth.edac_corrected_count[0] > 0.0


def test_facts_tell_of_what_was_flown_and_not_of_what_was_planned():
    flown = drawn(orbits=3.0)
    whole, nothing = flown.facts(3.0 * ORBIT.period_s), flown.facts(0.0)
    assert sum(kind["count"] for kind in whole["classes"]) == sum(
        len(one.time_s) for one in flown.strikes
    )
    assert all(kind["count"] == 0 for kind in nothing["classes"])
    assert nothing["dose_rad"] == nothing["anomaly_s"] == nothing["anomaly_pass_count"] == 0
    assert whole["anomaly_pass_count"] == len(flown.passes.outer)


def test_the_page_has_each_class_with_its_rate_and_source():
    page = (Path(__file__).parents[2] / "docs" / "design" / "radiation.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    for kind in CLASSES:
        (row,) = (row for row in rows if row.startswith(f"| {kind.id} |"))
        assert kind.what in row
        assert f"| {kind.per_day:.3g} " in row
        assert kind.source in row
        assert all(f"`{effect.fault}`" in row for effect in kind.effects)
