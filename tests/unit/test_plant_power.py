"""How the plant's array and battery behave: power, temperature, voltage, limits, cells, ageing."""

import math
from typing import Any

import pytest
from pydantic import ValidationError

from sim_hw._native import ffi, lib
from sim_hw.config_power import ArrayConfig, BatteryConfig
from tests.check_cases.power_system import DT_S, fly, power_system, struct

MARCH_W_PER_M2 = 1372.4  # of the Sun on the default flight's day


# Array


def test_ref1_gives_10_kw_in_full_sun_of_march_when_it_is_warm() -> None:
    eps = power_system()
    eps.environment.solar_w_per_m2 = MARCH_W_PER_M2
    fly(eps, 2000.0, sun=1.0, modules_w=8000.0)
    assert eps.state.array.available_w == pytest.approx(10_000.0, rel=1e-3)
    assert eps.state.generated_w == pytest.approx(10_000.0, rel=1e-3)
    assert 40.0 < eps.state.array.temp_c < 60.0


def test_cells_cool_in_the_dark_and_a_regulator_holds_what_cold_ones_give() -> None:
    eps = power_system(charge_ratio=0.9)
    fly(eps, 2100.0, sun=0.0)
    assert -100.0 < eps.state.array.temp_c < -50.0
    fly(eps, 1.0, sun=1.0)
    assert eps.state.array.available_w == pytest.approx(8 * 1275.0)
    unlimited = ArrayConfig(string_power_w_max=1e5)
    eps = power_system(charge_ratio=0.9, array=unlimited)
    fly(eps, 2100.0, sun=0.0)
    fly(eps, 1.0, sun=1.0)
    assert eps.state.array.available_w > 1.15 * 8 * 1275.0


def test_power_that_nobody_takes_warms_the_panel() -> None:
    array = struct("sim_array_config_t", ArrayConfig())
    state = ffi.new("sim_array_t *")
    lib.sim_array_init(state, array)
    used, shunted = (
        lib.sim_array_steady_temp_c(state, array, 1361.0, ratio) for ratio in (1.0, 0.0)
    )
    # Both faces radiate what stays: absorbed sunlight and infra-red less electrical power.
    heat = 0.88 * 1361.0 + 0.8 * 155.0
    assert shunted == pytest.approx((heat / (1.6 * 5.670374419e-8)) ** 0.25 - 273.15, abs=1e-6)
    assert 15.0 < shunted - used < 40.0


@pytest.mark.parametrize(
    ("changes", "ratio"),
    [
        ({"incidence_deg": 60.0}, 0.5),
        ({"age_years": 10.0}, 0.975**10),
        ({"string_count": 4}, 0.5),
        ({"regulation_efficiency_ratio": 0.9}, 0.9),
        ({"enabled": False}, 0.0),
    ],
)
def test_what_takes_from_the_array(changes: dict[str, Any], ratio: float) -> None:
    plain = {"power_temp_ratio_per_k": 0.0, "string_power_w_max": 1e5}
    whole, less = (power_system(array=ArrayConfig(**plain, **more)) for more in ({}, changes))
    for eps in (whole, less):
        eps.advance(DT_S, 1.0, 8000.0, 0.0)
    assert less.state.array.available_w == pytest.approx(
        ratio * whole.state.array.available_w, rel=1e-9
    )


def test_a_lost_string_a_jammed_drive_and_albedo() -> None:
    eps = power_system()
    eps.advance(DT_S, 1.0, 8000.0, 0.0)
    before_w = eps.state.array.available_w
    eps.faults.string_ok[2] = 0.0
    eps.advance(DT_S, 1.0, 8000.0, 0.0)
    truth = eps.image.truth
    assert eps.state.array.available_w == pytest.approx(before_w * 7 / 8, rel=1e-3)
    assert truth.string_current_a[2] == 0.0
    volts, amperes = truth.bus54_voltage_v, sum(truth.string_current_a)
    assert volts * amperes == pytest.approx(truth.array_power_w, rel=0.005)
    eps.faults.string_ok[2], eps.faults.pointing_ratio = 1.0, 0.5
    eps.advance(DT_S, 1.0, 8000.0, 0.0)
    assert eps.state.array.available_w == pytest.approx(before_w / 2, rel=1e-2)
    eps.environment.array_albedo_w_per_m2 = 1361.0
    eps.advance(DT_S, 0.0, 8000.0, 0.0)
    assert eps.state.array.available_w == pytest.approx(before_w / 2, rel=1e-2)


def test_direct_energy_transfer_follows_the_voltage_of_the_bus() -> None:
    array = struct("sim_array_config_t", ArrayConfig())
    peak_v, open_v = array.string_peak_power_v, array.string_open_circuit_v
    ratios = [lib.sim_array_voltage_ratio(array, v, 28.0) for v in (20.0, 54.0, peak_v, open_v)]
    assert ratios[2] == pytest.approx(1.0, abs=1e-9)
    assert 0.0 < ratios[0] < ratios[1] < ratios[2] and ratios[3] == 0.0
    assert ratios[0] == pytest.approx(20.0 / peak_v / 0.97, rel=1e-3)  # nearly the short circuit
    hot = lib.sim_array_voltage_ratio(array, 57.0, 90.0)
    assert lib.sim_array_voltage_ratio(array, 57.0, 28.0) < hot <= 1.0  # its peak has come nearer
    direct = power_system(charge_ratio=0.3, array=ArrayConfig(peak_power_tracking=False))
    tracked = power_system(charge_ratio=0.3)
    for eps in (direct, tracked):
        eps.advance(DT_S, 1.0, 8000.0, 0.0)
    assert 0.7 < direct.state.array.available_w / tracked.state.array.available_w < 0.9


# Battery


def test_the_battery_sags_under_load_and_more_so_when_cold_or_old() -> None:
    volts = {}
    for name, temp_c, years in (("new", 20.0, 0.0), ("cold", -10.0, 0.0), ("old", 20.0, 10.0)):
        battery = BatteryConfig(age_years=years)
        eps = power_system(temp_c=temp_c, battery=battery)
        eps.advance(DT_S, 0.0, 6000.0, 0.0)
        volts[name] = eps.state.battery.terminal_v
    rest_v = lib.sim_battery_open_circuit_v(struct("sim_battery_config_t", BatteryConfig()), 0.6)
    demand_w = 6000.0 + 8.0  # with the idle converter
    assert volts["new"] == pytest.approx(rest_v - 0.008 * demand_w / volts["new"], abs=0.02)
    assert volts["cold"] < volts["new"] - 0.5
    assert volts["old"] < volts["new"] - 0.2


def test_resistance_follows_arrhenius_and_age() -> None:
    battery = struct("sim_battery_config_t", BatteryConfig())
    ohm = lib.sim_battery_resistance_ohm
    assert ohm(battery, 20.0, 0.0) == pytest.approx(0.008)
    expected = 0.008 * math.exp(20_000.0 / 8.314 * (1 / 263.15 - 1 / 293.15))
    assert ohm(battery, -10.0, 0.0) == pytest.approx(expected, rel=0.01)
    assert ohm(battery, 20.0, 0.2) == pytest.approx(0.012)


def test_a_cold_battery_loses_more() -> None:
    drawn = []
    for temp_c in (20.0, -10.0):
        eps = power_system(temp_c=temp_c)
        start_j = eps.stored_j
        fly(eps, 60.0, sun=0.0)
        drawn.append(start_j - eps.stored_j)
    assert drawn[1] > 1.01 * drawn[0]


@pytest.mark.parametrize(("temp_c", "charges"), [(-0.1, False), (0.1, True), (50.1, False)])
def test_no_charge_goes_in_outside_the_window(temp_c: float, charges: bool) -> None:
    eps = power_system(temp_c=temp_c)
    fly(eps, 5.0, sun=1.0)
    assert (eps.state.battery.current_a > 1.0) is charges
    assert eps.state.bus_on and eps.state.generated_w > 6000.0  # the array carries the node


def test_charging_holds_the_bus_at_its_greatest_voltage_and_tapers() -> None:
    eps = power_system(charge_ratio=0.93)
    powers = []
    for _ in range(40):
        fly(eps, 100.0, sun=1.0, modules_w=500.0)
        powers.append(eps.state.battery.current_a)
        assert eps.state.battery.terminal_v <= 57.0 + 0.01
        assert eps.state.battery.current_a <= 125.0 + 0.1
    assert powers == sorted(powers, reverse=True)
    assert 0.99 < eps.charge_ratio <= 1.0 and powers[-1] < 10.0


def test_the_last_3_percent_are_charged_ever_more_slowly() -> None:
    wide = BatteryConfig(bus_voltage_max_v=100.0, charge_current_a_max=1e4, imbalance_ratio=0.0)
    limits_w = []
    for charge_ratio in (0.96, 0.985, 0.9925):
        eps = power_system(charge_ratio=charge_ratio, battery=wide)
        battery = ffi.addressof(eps.state, "battery")
        limits_w.append(
            lib.sim_battery_charge_limit_w(battery, struct("sim_battery_config_t", wide), 20.0, 0.1)
        )
    assert limits_w == pytest.approx([6250.0, 3125.0, 1562.5], rel=1e-6)


@pytest.mark.parametrize(
    ("temp_c", "feeds"), [(-20.1, False), (-19.9, True), (59.9, True), (60.1, False)]
)
def test_nothing_is_drawn_outside_the_window(temp_c: float, feeds: bool) -> None:
    eps = power_system(temp_c=temp_c)
    fly(eps, 1.0, sun=0.0, modules_w=500.0)
    assert bool(eps.state.bus_on) is feeds


def test_half_the_strands_sag_twice_as_much() -> None:
    sags_v = []
    for strands_open in (0.0, 4.0):
        eps = power_system()
        eps.faults.strands_open = strands_open
        eps.advance(DT_S, 0.0, 5000.0, 0.0)
        rest_v = lib.sim_battery_open_circuit_v(
            struct("sim_battery_config_t", BatteryConfig()), 0.6
        )
        sags_v.append((rest_v - eps.state.battery.terminal_v) / -eps.state.battery.current_a)
    assert sags_v == pytest.approx([0.008, 0.016], rel=0.02)


def test_a_current_above_the_limit_opens_the_bus_and_it_comes_back() -> None:
    eps = power_system(battery=BatteryConfig(discharge_current_a_max=100.0, reconnect_s=2.0))
    fly(eps, 0.2, sun=0.0)
    assert not eps.state.bus_on and eps.image.truth.bus54_voltage_v == 0.0
    fly(eps, 1.5, sun=0.0)
    assert not eps.state.bus_on
    fly(eps, 1.0, sun=0.0, modules_w=1000.0)
    assert eps.state.bus_on


def test_the_weakest_cell_ends_the_discharge_and_the_strongest_the_charge() -> None:
    ends = {}
    for spread in (0.0, 0.1):
        battery = BatteryConfig(imbalance_ratio=spread, balance_w=0.0)
        eps = power_system(charge_ratio=0.1, battery=battery)
        fly(eps, 800.0, sun=0.0)
        assert not eps.state.bus_on
        low = eps.charge_ratio
        eps = power_system(charge_ratio=0.9, battery=battery)
        fly(eps, 6000.0, sun=1.0, modules_w=500.0)
        ends[spread] = (low, eps.charge_ratio)
        assert eps.state.battery.strongest_ratio > 0.99
    assert ends[0.1][0] == pytest.approx(ends[0.0][0] + 0.05, abs=0.005)
    assert ends[0.1][1] == pytest.approx(ends[0.0][1] - 0.05, abs=0.005)


def test_bleeders_close_the_gap_slowly_while_charging() -> None:
    battery = BatteryConfig(imbalance_ratio=0.05, balance_w=20.0)
    eps = power_system(charge_ratio=0.5, battery=battery)
    fly(eps, 1800.0, sun=1.0)
    state = eps.state.battery
    gap = state.strongest_ratio - state.weakest_ratio
    cell_j = state.capacity_j / 14
    assert gap == pytest.approx(0.05 - 20.0 * 1800.0 / cell_j, rel=0.01)
    assert state.loss_w > 100.0


def test_bleeders_rest_while_the_battery_feeds_the_bus() -> None:
    battery = BatteryConfig(imbalance_ratio=0.05, balance_w=20.0)
    eps = power_system(charge_ratio=0.5, battery=battery)
    fly(eps, 600.0, sun=0.0, modules_w=500.0)
    gap = eps.state.battery.strongest_ratio - eps.state.battery.weakest_ratio
    assert gap == pytest.approx(0.05, abs=1e-5)  # fade alone moves it


def test_a_shorted_cell_takes_its_voltage_away_and_heats() -> None:
    eps = power_system()
    fly(eps, 1.0, sun=0.0)
    before_v, before_w = eps.state.battery.terminal_v, eps.state.battery.loss_w
    eps.faults.cell_short[3] = 1.0
    fly(eps, 0.2, sun=0.0)
    assert eps.state.battery.terminal_v == pytest.approx(before_v * 13 / 14, abs=0.2)
    assert eps.state.battery.loss_w > before_w + 1000.0
    fly(eps, 3000.0, sun=1.0)
    assert eps.state.battery.cell_charge_ratio[3] == pytest.approx(0.0, abs=1e-9)
    assert eps.charge_ratio < 0.97 * eps.state.battery.cell_charge_ratio[0]


def test_open_strands_leave_less_capacity_and_give_it_back() -> None:
    eps = power_system()
    start_j = eps.stored_j
    eps.faults.strands_open = 4.0
    fly(eps, 600.0, sun=0.0)
    state = eps.state.battery
    whole = power_system()
    fly(whole, 600.0, sun=0.0)
    assert 0.6 - eps.charge_ratio == pytest.approx(2 * (0.6 - whole.charge_ratio), rel=0.02)
    assert state.terminal_v < whole.state.battery.terminal_v - 0.3
    drawn_j = start_j - eps.stored_j
    eps.faults.strands_open = 0.0
    fly(eps, 0.1, sun=0.0, modules_w=0.0, host_w=0.0)
    assert eps.stored_j == pytest.approx(start_j - drawn_j, rel=1e-6)
    assert (
        0.0 < whole.charge_ratio - eps.charge_ratio < 2e-3
    )  # half the strands: twice the loss in R
    eps.faults.strands_open = 8.0
    fly(eps, 0.2, sun=0.0)
    assert not eps.state.bus_on


def test_throughput_and_years_age_the_battery() -> None:
    battery = BatteryConfig(age_years=4.0, age_cycles=1000.0)
    eps = power_system(battery=battery)
    state = eps.state.battery
    assert state.fade_ratio == pytest.approx(4 * 0.015 + 1000 * 4e-5)
    assert state.capacity_j == pytest.approx(12_500 * 3600 * (1 - state.fade_ratio))
    before, stored_j = state.fade_ratio, eps.stored_j
    fly(eps, 600.0, sun=0.0)
    cycles = state.cycles - 1000.0
    assert cycles == pytest.approx(0.5 * (stored_j - eps.stored_j) / state.capacity_j, rel=1e-3)
    expected = 4e-5 * cycles + 0.015 * 600.0 / 31_557_600.0
    assert state.fade_ratio - before == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("section", "values", "message"),
    [
        (ArrayConfig, {"string_peak_power_v": 80.0}, "is not below string_open_circuit_v"),
        (BatteryConfig, {"open_circuit_v": (54.0, 50.0)}, "open_circuit_v falls"),
        (BatteryConfig, {"bus_voltage_max_v": 56.0}, "is not above the full battery"),
        (BatteryConfig, {"cutoff_ratio": 0.05}, "not below reconnect_ratio"),
        (BatteryConfig, {"cell_count": 17}, "cell_count"),
    ],
)
def test_numbers_that_cannot_be_are_refused(
    section: Any, values: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        section(**values)
