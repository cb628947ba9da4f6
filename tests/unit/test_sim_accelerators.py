"""The accelerators of the plant: power, clock, protection, memory, transients, events."""

import math

import numpy as np
import pytest
from pydantic import ValidationError

from sim_hw._native import lib
from sim_hw.config_accelerators import AcceleratorConfig
from tests.unit.accelerators_bench import BUS_V, AcceleratorBench, config_struct, field_view

IDLE, CLOCK_SETTING, POWER_CAP, HW_SLOWDOWN, SW_THERMAL, HW_THERMAL = 1, 2, 4, 8, 32, 64
MASK = (1.6, 1.5, 1.2, 1.1)
NOMINAL_W = 700.0
REFLEX_W = 735.0  # of the module rails: flight/node.py, TRANSIENT_MASK
DYNAMIC_W = 720.0 - (70.0 + 0.23 * 70.0 * (math.exp(0.02 * 40.0) - 1.0))


def busy_bench(**config: float) -> AcceleratorBench:
    """Return accelerators at full load, settled."""
    bench = AcceleratorBench(AcceleratorConfig(**config))
    bench.utilisation_target[:] = 1.0
    bench.advance(5.0)
    return bench


def reasons(bench: AcceleratorBench, index: int = 0) -> int:
    return int(bench.image.truth.accel_event_reasons[index])


def test_idle_and_full_power_are_those_of_ref1_at_their_reference_temperatures():
    bench = AcceleratorBench()
    assert bench.advance(5.0) == pytest.approx(8 * 70.0, rel=1e-9)
    bench.utilisation_target[:] = 1.0
    bench.image.knobs.accel_cap_ignored[:] = 1.0
    bench.image.truth.accel_core_temp_c[:] = 75.0
    assert bench.advance(5.0) == pytest.approx(8 * 720.0, rel=1e-9)


@pytest.mark.parametrize("core_c", [35.0, 60.0, 82.0])
def test_at_the_highest_cap_a_loaded_accelerator_draws_the_cap_hot_or_warm(core_c):
    bench = busy_bench()
    bench.image.truth.accel_core_temp_c[:] = core_c
    assert bench.advance(5.0) == pytest.approx(5600.0, rel=1e-9)
    assert reasons(bench) & POWER_CAP


@pytest.mark.parametrize("core_c", [35.0, 60.0, 75.0, 87.0])
def test_one_that_ignores_its_cap_is_above_it_and_below_what_opens_its_rail(core_c):
    bench = busy_bench()
    bench.image.knobs.accel_cap_ignored[:] = 1.0
    bench.image.truth.accel_core_temp_c[:] = core_c
    bench.advance(5.0)
    assert NOMINAL_W < bench.image.truth.accel_power_w[0] < REFLEX_W - 5.0


def test_python_and_c_agree_on_the_static_power():
    config = AcceleratorConfig()
    for core_c in (-20.0, 35.0, 60.0, 95.0):
        static_w = lib.sim_accelerator_static_w(config_struct(config), core_c)
        assert static_w == pytest.approx(config.static_power_w(core_c), rel=1e-12)
    assert lib.sim_accelerator_dynamic_w(config_struct(config)) == pytest.approx(DYNAMIC_W)


def test_leakage_grows_with_the_core_and_doubles_in_35_k():
    bench = AcceleratorBench()
    truth = bench.image.truth
    truth.accel_core_temp_c[:] = [
        0.0,
        20.0,
        35.0,
        50.0,
        60.0,
        70.0,
        80.0,
        35.0 + math.log(2) / 0.02,
    ]
    bench.advance(10.0)
    assert np.all(np.diff(truth.accel_power_w[:7]) > 0.0)
    assert truth.accel_power_w[7] == pytest.approx(70.0 * 1.23)
    assert truth.accel_power_w[2] == pytest.approx(70.0)


def test_leakage_under_a_cap_costs_clock_and_no_power():
    bench = busy_bench()
    truth = bench.image.truth
    bench.image.setpoint.accel_cap_w[:] = 400.0
    truth.accel_core_temp_c[1] = 85.0
    bench.advance(3.0)
    assert truth.accel_power_w[0] == pytest.approx(truth.accel_power_w[1])
    assert truth.accel_clock_mhz[1] < truth.accel_clock_mhz[0] - 50.0


def test_clock_follows_from_the_power_that_a_cap_leaves():
    bench = busy_bench()
    bench.image.setpoint.accel_cap_w[:] = [200.0, 300.0, 400.0, 500.0, 600.0, 700.0, 700.0, 700.0]
    bench.advance(3.0)
    truth = bench.image.truth
    expected = 1980.0 * np.sqrt((bench.image.setpoint.accel_cap_w - 70.0) / DYNAMIC_W)
    assert np.allclose(truth.accel_clock_mhz, expected)
    assert np.allclose(truth.accel_power_w, bench.image.setpoint.accel_cap_w, rtol=1e-6)


def test_a_clock_limit_shows_its_reason_and_lowers_power_by_its_square():
    bench = busy_bench()
    bench.image.setpoint.accel_clock_max_mhz[:] = 990.0
    bench.advance(5.0)
    assert bench.image.truth.accel_power_w[0] == pytest.approx(70.0 + DYNAMIC_W / 4.0, rel=1e-6)
    assert reasons(bench) == CLOCK_SETTING
    bench.utilisation_target[:] = 0.0
    bench.advance(5.0)
    assert reasons(bench) == IDLE | CLOCK_SETTING
    assert bench.image.truth.accel_clock_mhz[0] == 345.0


def test_power_follows_with_the_lag_of_the_device_whatever_the_step():
    for dt_s in (0.1, 0.05, 0.2):
        bench = busy_bench()
        bench.image.setpoint.accel_cap_w[:] = 200.0
        bench.advance(0.6, dt_s=dt_s)
        expected = 200.0 + 500.0 * math.exp(-4.0)
        assert bench.image.truth.accel_power_w[0] == pytest.approx(expected, rel=1e-6)


def test_the_device_throttles_itself_between_maximum_operating_and_slowdown():
    bench = busy_bench()
    truth = bench.image.truth
    clocks = []
    for core_c in (86.9, 87.5, 88.0, 88.9, 89.0):
        truth.accel_core_temp_c[:] = core_c
        bench.advance(0.1)
        clocks.append(float(truth.accel_clock_mhz[0]))
        assert bool(reasons(bench) & SW_THERMAL) == (core_c > 87.0)
        assert bool(reasons(bench) & HW_SLOWDOWN) == (core_c >= 89.0)
    assert clocks == sorted(clocks, reverse=True)
    assert clocks[2] == pytest.approx(0.85 * 1980.0)
    assert clocks[4] == pytest.approx(0.5 * 1980.0)


def test_slowdown_halves_the_clock_until_3_k_below():
    bench = busy_bench(throttle_per_k=0.0)
    truth = bench.image.truth
    for core_c, is_slow in (
        (88.9, False),
        (89.0, True),
        (86.1, True),
        (86.0, False),
        (88.0, False),
    ):
        truth.accel_core_temp_c[:] = core_c
        bench.advance(0.1)
        assert bool(reasons(bench) & HW_THERMAL) is is_slow, core_c
        assert bool(truth.accel_clock_mhz[0] <= 990.0) is is_slow, core_c


def test_shutdown_lasts_until_a_power_cycle():
    bench = busy_bench()
    truth = bench.image.truth
    truth.accel_core_temp_c[4] = 95.0
    bench.advance(0.1)
    assert truth.accel_power_w[4] == truth.accel_alive[4] == truth.accel_clock_mhz[4] == 0.0
    truth.accel_core_temp_c[4] = 40.0
    bench.image.boards.reset_count[3] += 1.0
    bench.advance(10.0)
    assert truth.accel_alive[4] == 0.0
    bench.image.setpoint.module_enabled[4] = 0.0
    bench.advance(0.1)
    bench.image.setpoint.module_enabled[4] = 1.0
    bench.advance(1.5)
    assert truth.accel_alive[4] == 1.0
    assert truth.accel_power_w[4] > 500.0


def test_hot_memory_loses_bandwidth_and_nothing_else_shows_it():
    bench = busy_bench()
    truth = bench.image.truth
    before = (float(truth.accel_clock_mhz[5]), reasons(bench, 5), float(truth.accel_power_w[5]))
    for memory_c, ratio in ((95.0, 1.0), (95.1, 0.742), (92.1, 0.742), (92.0, 1.0)):
        truth.accel_memory_temp_c[5] = memory_c
        bench.advance(0.1)
        assert truth.accel_memory_bandwidth_ratio[5] == ratio, memory_c
        after = (float(truth.accel_clock_mhz[5]), reasons(bench, 5), float(truth.accel_power_w[5]))
        assert after == pytest.approx(before)
    assert truth.accel_memory_bandwidth_ratio[4] == 1.0


@pytest.mark.parametrize("switch", ["module_enabled", "aux_enabled", "payload_enabled"])
def test_off_means_nothing_at_all_and_power_boots_it_in_a_second(switch):
    bench = busy_bench()
    truth = bench.image.truth
    getattr(bench.image.setpoint, switch)[0] = 0.0
    bench.follow_switches()  # no time passes
    for name in ("power_w", "alive", "utilisation_ratio", "clock_mhz", "event_reasons"):
        assert getattr(truth, f"accel_{name}")[0] == 0.0, name
    assert truth.accel_memory_bandwidth_ratio[0] == truth.module_current_a[0] == 0.0
    bench.advance(0.1)
    getattr(bench.image.setpoint, switch)[0] = 1.0
    bench.advance(0.9)
    assert truth.accel_alive[0] == 0.0
    bench.advance(0.1)
    assert truth.accel_alive[0] == 1.0


def test_a_bus_that_is_down_takes_all_off():
    bench = busy_bench()
    assert bench.advance(0.1, bus_v=0.0) == 0.0
    truth = bench.image.truth
    assert not truth.accel_power_w.any()
    assert not truth.module_voltage_v.any()
    assert truth.aux_voltage_v.all()  # these hang on the avionics bus
    assert truth.payload_voltage_v[0] == truth.payload_current_a[0] == 0.0
    bench.advance(0.1, bus_v=0.0, bus28_v=0.0)
    assert not truth.aux_voltage_v.any() and not truth.aux_current_a.any()


def test_without_the_avionics_bus_modules_keep_their_voltage_and_draw_nothing():
    bench = busy_bench()
    assert bench.advance(0.1, bus28_v=0.0) == 0.0
    truth = bench.image.truth
    assert truth.module_voltage_v.all() and not truth.accel_alive.any()
    assert not truth.aux_voltage_v.any()


def test_one_accelerator_leaves_the_rest_of_the_image_alone():
    bench = AcceleratorBench(count=1)
    bench.utilisation_target[:] = 1.0
    assert bench.advance(5.0) == pytest.approx(700.0, rel=1e-6)
    for values in vars(bench.image.truth).values():
        if len(values) == 8 and values is not bench.image.truth.accel_core_temp_c:
            assert not values[1:].any() or values[1] == 35.0


def test_a_latched_rail_lasts_until_it_was_off_for_100_ms():
    bench = busy_bench()
    field_view(bench.faults, "latch_current_a")[3] = 1.2
    bench.advance(1.0)
    aux_a, aux_on = bench.image.truth.aux_current_a, bench.image.setpoint.aux_enabled
    assert aux_a[3] == pytest.approx(2.0)
    assert bench.state.latch_power_w == pytest.approx(1.2 * 3.3)
    for off_s, current_a in ((0.06, 2.0), (0.1, 0.8)):
        aux_on[3] = 0.0
        bench.advance(off_s, dt_s=off_s)
        assert aux_a[3] == 0.0
        aux_on[3] = 1.0
        bench.advance(0.1)
        assert aux_a[3] == pytest.approx(current_a)


# ---- transients ----


def test_the_mask_is_the_published_one():
    assert tuple(lib.sim_peak_mask_ratio(k) for k in range(4)) == MASK
    assert lib.sim_peak_mask_ratio(-1) == lib.sim_peak_mask_ratio(4) == 1.0


def draw_peaks(seed: int, steps: int = 60, *, is_cap_ignored: bool = False) -> np.ndarray:
    """Return the peaks of many load steps of all modules, in times nominal, by window."""
    bench = AcceleratorBench(seed=seed)
    if is_cap_ignored:
        bench.image.knobs.accel_cap_ignored[:] = 1.0
        bench.image.truth.accel_core_temp_c[:] = 87.0  # 4 % above the cap
    found = []
    for k in range(steps):
        bench.utilisation_target[:] = 1.0 if k % 2 == 0 else 0.0
        bench.advance(0.1)
        found.append(bench.image.truth.module_peak_current_a.reshape(8, 4) * BUS_V / NOMINAL_W)
        bench.advance(0.9)
        assert not bench.image.truth.module_peak_current_a.any()  # of the last step only
    return np.array(found)


def test_a_rise_of_load_peaks_up_to_the_mask_and_a_fall_does_not():
    peaks = draw_peaks(7)
    assert not peaks[1::2].any()
    rises = peaks[0::2]
    assert np.all(rises <= np.array(MASK) + 1e-12)
    assert np.all(rises >= 1.0 - 1e-12)  # over the draw that the step settles at
    assert rises[:, :, 0].max() > 1.45
    assert rises[:, :, 0].mean() == pytest.approx(1.0 + 0.5 * 0.6 * 630.0 / 700.0, abs=0.04)
    assert np.all(np.diff(rises, axis=2) <= 0.0)  # the longer the window, the lower


def test_no_peak_leaves_the_mask_where_the_cap_is_ignored():
    rises = draw_peaks(7, is_cap_ignored=True)[0::2]
    assert rises[:, :, 3].max() == pytest.approx(1.1, abs=1e-12)  # it would, but for the mask


def test_peaks_follow_from_the_seed():
    assert np.array_equal(draw_peaks(7, 4), draw_peaks(7, 4))
    assert not np.array_equal(draw_peaks(7, 4), draw_peaks(8, 4))


def test_a_small_rise_has_no_peak_and_a_smaller_one_a_smaller_peak():
    bench = AcceleratorBench()
    bench.advance(1.0)
    bench.utilisation_target[:] = 0.15
    bench.advance(0.1)
    assert not bench.image.truth.module_peak_current_a.any()
    bench.utilisation_target[:] = 0.5
    bench.advance(0.1)
    peak_w = bench.image.truth.module_peak_current_a.reshape(8, 4)[:, 0] * BUS_V
    assert np.all(peak_w < 70.0 + 650.0 * 0.5 + 0.6 * NOMINAL_W * 0.5)


def test_a_peak_is_in_neither_power_nor_energy_nor_current():
    bench = AcceleratorBench()
    bench.utilisation_target[:] = 1.0
    bench.advance(0.1)
    truth = bench.image.truth
    assert truth.module_peak_current_a.any()
    expected_w = 70.0 + 630.0 * (1.0 - math.exp(-0.1 / 0.15))
    assert truth.accel_power_w[0] == pytest.approx(expected_w)
    assert truth.module_current_a[0] == pytest.approx(expected_w / BUS_V)
    assert truth.accel_energy_j[0] == pytest.approx(0.1 * expected_w)


# ---- events ----


def strike(bench: AcceleratorBench, name: str, index: int, value: float = 1.0) -> None:
    field_view(bench.faults, name)[index] = value


def test_corrected_errors_are_counted_and_nothing_happens():
    bench = busy_bench()
    strike(bench, "ecc_corrected_pending", 2, 17.0)
    strike(bench, "pcie_replay_pending", 2, 5.0)
    assert bench.xids(2) == []
    assert bench.image.truth.accel_ecc_corrected_count[2] == 17.0
    assert bench.image.truth.accel_pcie_replay_count[2] == 5.0
    assert bench.state.lost_work_count[2] == 0.0
    assert not field_view(bench.faults, "ecc_corrected_pending").any()


def test_a_contained_error_loses_the_work_and_leaves_a_row_pending():
    bench = busy_bench()
    truth, knobs = bench.image.truth, bench.image.knobs
    strike(bench, "ecc_uncorrected_pending", 2)
    assert bench.xids(2) == [94, 63]
    assert truth.accel_ecc_uncorrected_count[2] == 1.0
    assert knobs.accel_remapped_uncorrected_count[2] == knobs.accel_remap_pending[2] == 1.0
    assert knobs.accel_remap_failed[2] == 0.0
    assert truth.accel_recovery_action[2] == 1.0
    assert bench.state.lost_work_count[2] == 1.0
    assert truth.accel_utilisation_ratio[2] == 1.0  # other work goes on


def test_an_uncontained_error_ends_all_work_until_a_reset():
    bench = busy_bench()
    truth, knobs = bench.image.truth, bench.image.knobs
    strike(bench, "ecc_uncontained_pending", 2)
    assert bench.xids(2) == [48, 95, 63]
    assert truth.accel_alive[2] == 1.0
    assert truth.accel_utilisation_ratio[2] == 0.0
    assert truth.accel_power_w[2] == pytest.approx(70.0)
    bench.image.boards.reset_count[2] += 1.0
    bench.advance(2.0)
    assert truth.accel_utilisation_ratio[2] == 1.0
    assert truth.accel_recovery_action[2] == knobs.accel_remap_pending[2] == 0.0
    assert knobs.accel_remapped_uncorrected_count[2] == 1.0  # a row stays replaced


def test_a_row_without_a_spare_fails_to_remap_for_good():
    bench = busy_bench(spare_row_count=2.0)
    knobs = bench.image.knobs
    strike(bench, "ecc_uncorrected_pending", 2, 2.0)
    assert bench.xids(2) == [94, 63]
    strike(bench, "ecc_uncorrected_pending", 2)
    assert bench.xids(2) == [94, 64]
    bench.image.boards.reset_count[2] += 1.0
    bench.advance(2.0)
    assert knobs.accel_remap_failed[2] == 1.0
    assert knobs.accel_remapped_uncorrected_count[2] == 2.0


def test_one_that_hangs_stands_still_until_its_power_goes():
    bench = busy_bench()
    truth = bench.image.truth
    strike(bench, "hang_pending", 6)
    assert bench.xids(6) == [119]
    bench.utilisation_target[:] = 0.3
    bench.image.setpoint.accel_cap_w[:] = 200.0
    bench.advance(5.0)
    assert truth.accel_power_w[6] == pytest.approx(700.0)
    assert truth.accel_utilisation_ratio[6] == truth.accel_hung[6] == 1.0
    assert truth.accel_power_w[5] <= 200.0 + 1e-9
    bench.image.setpoint.module_enabled[6] = 0.0
    bench.advance(0.5)
    assert truth.accel_power_w[6] == truth.accel_hung[6] == 0.0
    bench.image.setpoint.module_enabled[6] = 1.0
    bench.advance(2.0)
    assert truth.accel_utilisation_ratio[6] == 0.3


def test_the_hardware_still_protects_one_that_hangs():
    bench = busy_bench()
    strike(bench, "hang_pending", 6)
    bench.advance(0.1)
    bench.image.truth.accel_core_temp_c[6] = 95.0
    bench.advance(0.1)
    assert bench.image.truth.accel_power_w[6] == 0.0


def test_one_off_the_bus_is_lost_and_draws_on_until_its_power_goes():
    bench = busy_bench()
    truth = bench.image.truth
    strike(bench, "off_bus_pending", 1)
    assert bench.xids(1) == [79]
    assert truth.accel_alive[1] == 0.0
    assert truth.module_current_a[1] == pytest.approx(70.0 / BUS_V, rel=1e-3)
    bench.image.boards.reset_count[1] += 1.0
    bench.advance(3.0)
    assert truth.accel_alive[1] == 0.0
    bench.image.setpoint.aux_enabled[1] = 0.0
    bench.advance(0.2)
    assert truth.module_current_a[1] == 0.0
    bench.image.setpoint.aux_enabled[1] = 1.0
    bench.advance(2.0)
    assert truth.accel_alive[1] == 1.0
    assert bench.state.lost_work_count[1] == 1.0


def test_the_same_xid_twice_is_seen_twice():
    bench = busy_bench()
    told = []
    for _ in range(40):
        if len(told) in (0, 5):
            strike(bench, "xid_pending", 0, 31.0)
        bench.advance(0.1)
        told.append(int(bench.image.truth.accel_xid[0]))
    rises = [k for k in range(1, 40) if told[k] == 31 and told[k - 1] == 0]
    assert len(rises) + (told[0] == 31) == 2


def test_what_is_off_has_no_errors():
    bench = busy_bench()
    bench.image.setpoint.module_enabled[2] = 0.0
    bench.advance(0.1)
    strike(bench, "ecc_uncorrected_pending", 2)
    strike(bench, "hang_pending", 2)
    assert bench.xids(2) == []
    assert bench.image.truth.accel_ecc_uncorrected_count[2] == 0.0


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"throttle_temp_c": 90.0}, "do not rise"),
        ({"leakage_per_k": 0.1}, "leakage alone exceeds full_power_w"),
    ],
)
def test_a_configuration_that_cannot_be_is_refused(given, problem):
    with pytest.raises(ValidationError, match=problem):
        AcceleratorConfig(**given)
