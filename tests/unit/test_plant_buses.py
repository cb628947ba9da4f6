"""How the plant's buses behave: converter, supply, outlets, inrush, under-voltage."""

import math

import pytest

from sim_hw._native import lib
from sim_hw.config_heat import HostConfig
from sim_hw.config_power import (
    ArrayConfig,
    AvionicsConfig,
    BatteryConfig,
    BusConfig,
    HostLimiterConfig,
    LimiterConfig,
    RailsConfig,
)
from tests.check_cases.power_system import DT_S, fly, power_system, struct

PUMP_W = 53.0


# Buses, converter, supply


def test_ref1_draws_453_w_besides_accelerators() -> None:
    host = HostConfig()
    rails = struct("sim_rails_config_t", RailsConfig())
    out_w = [v * a for v, a in zip(host.rail_voltage_v, host.rail_current_a, strict=True)]
    drawn_w = lib.sim_rails_drawn_w(rails, out_w, [1.0] * 4)
    assert drawn_w == pytest.approx(host.power_w, abs=0.5)
    assert lib.sim_rails_drawn_w(rails, out_w, [0.0, 1.0, 1.0, 1.0]) < drawn_w - 260.0
    eps = power_system()
    eps.advance(DT_S, 0.0, 0.0, host.power_w + PUMP_W)
    assert host.power_w + PUMP_W + eps.state.avionics_loss_w == pytest.approx(453.0, abs=0.5)


def test_the_converter_is_best_near_its_load_and_bad_when_idle() -> None:
    avionics = AvionicsConfig()

    def efficiency(output_w: float) -> float:
        loss_w = lib.sim_converter_loss_w(
            output_w, avionics.power_w_max, avionics.loss_fixed_w, avionics.loss_linear_ratio,
            avionics.loss_square_ratio,
        )  # fmt: skip
        return float(output_w / (output_w + loss_w))

    assert efficiency(421.0) == pytest.approx(0.93, abs=0.002)
    assert efficiency(20.0) < 0.75
    assert efficiency(1500.0) < efficiency(500.0)


def test_an_overload_of_the_converter_takes_the_28_v_bus_away_for_a_while() -> None:
    eps = power_system()
    fly(eps, 0.1, sun=0.0, host_w=3100.0)
    assert eps.state.bus28_voltage_v == 0.0 and eps.state.bus54_voltage_v > 48.0
    fly(eps, 0.8, sun=0.0)
    assert eps.state.bus28_voltage_v == 0.0
    fly(eps, 0.4, sun=0.0)
    assert eps.state.bus28_voltage_v == pytest.approx(28.0 - 0.005 * 421.0 / 28.0, abs=0.01)


def test_a_node_without_converter_has_one_bus() -> None:
    eps = power_system(avionics=AvionicsConfig(enabled=False))
    fly(eps, 1.0, sun=0.0)
    assert eps.state.bus28_voltage_v == eps.state.bus54_voltage_v > 48.0
    assert eps.state.avionics_loss_w == 0.0


def test_a_node_without_battery_hangs_on_a_stiff_supply() -> None:
    eps = power_system(
        array=ArrayConfig(enabled=False), battery=BatteryConfig(enabled=False),
        bus=BusConfig(source_ohm=0.002),
    )  # fmt: skip
    fly(eps, 10.0, sun=0.0)
    truth = eps.image.truth
    demand_w = 5600.0 + 421.0 + eps.state.loss_w
    assert eps.state.generated_w == pytest.approx(demand_w, rel=1e-12)
    assert truth.bus54_voltage_v == pytest.approx(54.0 - 0.002 * demand_w / 53.8, abs=0.01)
    assert truth.array_power_w == 0.0
    assert math.isnan(truth.battery_voltage_v) and math.isnan(truth.charge_ratio)


def test_a_load_beyond_what_the_harness_carries_collapses_the_bus() -> None:
    eps = power_system(
        battery=BatteryConfig(enabled=False), bus=BusConfig(source_ohm=0.2),
    )  # fmt: skip
    fly(eps, 0.1, sun=0.0)  # 54 V^2 / (4 x 0.2 ohm) = 3645 W
    assert eps.state.bus54_voltage_v == 0.0
    fly(eps, 3.0, sun=0.0, modules_w=1000.0)
    assert eps.state.bus54_voltage_v > 46.0


# Outlets and inrush


def test_a_limiter_holds_an_overload_for_its_time_and_then_opens() -> None:
    limiter = struct("sim_limiter_config_t", LimiterConfig(class_current_a=10.0, trip_off_s=0.006))
    assert lib.sim_limit_current_a(limiter) == pytest.approx(14.0)
    trips = lib.sim_limiter_trips
    assert not trips(limiter, 14.0, 3600.0)
    assert not trips(limiter, 14.1, 0.0059)
    assert trips(limiter, 14.1, 0.0061)


@pytest.mark.parametrize(
    ("capacitance_f", "steady_a", "inrush_a", "opens"),
    [
        (0.001, 0.0, 10.0, False),  # never limits
        (0.001, 0.0, 100.0, False),  # check case 21: 2.7 ms
        (0.003, 0.0, 100.0, True),  # 8.1 ms
        (0.001, 15.0, 10.0, True),  # 5 A are left: 10.8 ms
        (0.001, 20.0, 10.0, True),  # none are left
    ],
)
def test_inrush_through_a_limiter_against_a_fine_integration(
    capacitance_f: float, steady_a: float, inrush_a: float, opens: bool
) -> None:
    limiter = struct("sim_limiter_config_t", LimiterConfig(class_current_a=20.0 / 1.4))
    told = lib.sim_limiter_trips_on_inrush(limiter, capacitance_f, 54.0, steady_a, inrush_a)
    limited_s = volts = 0.0
    dt_s = 1e-6
    while volts < 54.0 and limited_s < 0.006:
        wanted_a = steady_a + inrush_a
        limited_s += dt_s if wanted_a > 20.0 else 0.0
        volts += max(min(wanted_a, 20.0) - steady_a, 0.0) * dt_s / capacitance_f
    assert told is opens is (limited_s >= 0.006)


def test_switching_a_module_on_takes_twice_what_its_input_holds() -> None:
    eps, still = power_system(), power_system()
    for each in (eps, still):
        each.image.setpoint.payload_enabled = 1.0
        fly(each, 1.0, sun=0.0, modules_w=0.0)
    eps.image.setpoint.module_enabled[0] = 1.0
    volts = eps.state.bus54_voltage_v
    for each in (eps, still):
        fly(each, 0.1, sun=0.0, modules_w=0.0)
    held_j = lib.sim_inrush_j(0.001, volts)
    assert eps.state.module_j[0] == pytest.approx(held_j)
    lost_w = eps.state.converter_loss_w - still.state.converter_loss_w
    assert lost_w * DT_S == pytest.approx(held_j, rel=1e-6)
    assert eps.state.payload_limiter.trip_count == 0
    eps.image.setpoint.module_enabled[0] = 0.0
    for each in (eps, still):
        fly(each, 0.1, sun=0.0, modules_w=0.0)
    lost_w = eps.state.converter_loss_w - still.state.converter_loss_w
    assert lost_w * DT_S == pytest.approx(held_j, rel=1e-4)
    assert eps.state.module_j[0] == 0.0


def test_all_modules_at_once_open_a_small_outlet_only() -> None:
    for class_a, opens in ((125.0, False), (20.0, True)):
        limiter = LimiterConfig(class_current_a=class_a)
        eps = power_system(payload_limiter=limiter)
        eps.image.setpoint.payload_enabled = 1.0
        for i in range(8):
            eps.image.setpoint.module_enabled[i] = 1.0
        fly(eps, 0.1, sun=0.0, modules_w=0.0)
        assert (eps.state.bus54_voltage_v == 0.0) is opens
        assert eps.state.payload_limiter.trip_count == opens


@pytest.mark.parametrize(
    ("index", "dark", "lit"),
    [(0, "bus54_voltage_v", "bus28_voltage_v"), (1, "bus28_voltage_v", "bus54_voltage_v")],
)
def test_an_outlet_that_trips_without_a_cause_darkens_its_bus_for_a_second(
    index: int, dark: str, lit: str
) -> None:
    eps = power_system()
    fly(eps, 1.0, sun=0.0)
    eps.faults.limiter_trip[index] = 1.0
    fly(eps, 0.1, sun=0.0)
    for _ in range(9):
        assert getattr(eps.image.truth, dark) == 0.0
        assert getattr(eps.image.truth, lit) > 20.0
        fly(eps, 0.1, sun=0.0)
    for _ in range(5):  # the fault still stands: only its rise trips
        fly(eps, 0.2, sun=0.0)
        assert getattr(eps.image.truth, dark) > 20.0


def test_a_limiter_that_latches_stays_open() -> None:
    eps = power_system(payload_limiter=LimiterConfig(retrigger_s=0.0))
    eps.faults.limiter_trip[0] = 1.0
    fly(eps, 60.0, sun=0.0)
    assert eps.image.truth.bus54_voltage_v == 0.0


def test_a_short_on_the_payload_bus_opens_its_outlet_again_and_again_until_it_ends() -> None:
    eps = power_system()
    eps.faults.payload_short_a = 300.0
    fly(eps, 5.0, sun=0.0)
    assert 3 <= eps.state.payload_limiter.trip_count <= 5
    assert eps.state.bus28_voltage_v > 27.0
    eps.faults.payload_short_a = 0.0
    fly(eps, 2.0, sun=0.0)
    assert eps.state.bus54_voltage_v > 48.0


def test_under_voltage_opens_the_outlets() -> None:
    low = tuple(v - 8.0 for v in BatteryConfig().open_circuit_v)
    eps = power_system(charge_ratio=0.2, battery=BatteryConfig(open_circuit_v=low))
    fly(eps, 0.2, sun=0.0)
    assert eps.state.bus_on
    assert eps.state.bus54_voltage_v == eps.state.bus28_voltage_v == 0.0


def test_a_small_node_on_28_v_keeps_its_charge_over_an_orbit() -> None:
    eps = power_system(
        0.9,
        array=ArrayConfig(string_power_w=20.7, string_power_w_max=20.4),
        battery=BatteryConfig(
            capacity_wh=180.0, charge_power_max_w=90.0, charge_current_a_max=3.2,
            discharge_current_a_max=6.4, cell_count=8, strand_count=2, resistance_ohm=0.08,
            open_circuit_v=(27.7, 28.6, 29.1, 29.4, 29.6, 29.8, 30.2, 30.8, 31.4, 31.9, 32.4),
            bus_voltage_max_v=34.0, balance_w=0.02, cell_short_ohm=0.5,
        ),
        bus=BusConfig(source_ohm=0.02, module_capacitance_f=0.0002, module_inrush_a=4.0),
        avionics=AvionicsConfig(enabled=False),
        payload_limiter=LimiterConfig(class_current_a=4.0, undervoltage_v=20.0),
        host_limiter=HostLimiterConfig(class_current_a=2.0, undervoltage_v=20.0),
    )  # fmt: skip
    truth = eps.image.truth
    eps.image.setpoint.payload_enabled = eps.image.setpoint.module_enabled[0] = 1.0
    fly(eps, 2136.7, sun=0.0, modules_w=60.0, host_w=22.0)
    assert 0.55 < eps.charge_ratio < 0.65
    assert 29.0 < truth.bus54_voltage_v == truth.bus28_voltage_v < 30.2
    fly(eps, 3602.0, sun=1.0, modules_w=60.0, host_w=22.0)
    assert eps.charge_ratio > 0.9
    assert eps.state.payload_limiter.trip_count == eps.state.host_limiter.trip_count == 0


def test_an_empty_battery_takes_the_bus_down_and_sunlight_brings_it_back() -> None:
    eps = power_system(0.03)
    truth = eps.image.truth
    fly(eps, 300.0, sun=0.0)
    assert truth.bus54_voltage_v == truth.bus28_voltage_v == 0.0
    assert eps.state.main_voltage_v == 0.0 and truth.battery_voltage_v > 48.0
    assert eps.state.battery.weakest_ratio == pytest.approx(0.01, abs=1e-4)
    fly(eps, 60.0, sun=1.0)
    assert truth.bus54_voltage_v == 0.0
    drawn_w = sum(truth.string_current_a) * truth.battery_voltage_v
    assert drawn_w == pytest.approx(truth.array_power_w, rel=1e-9) and drawn_w > 6000.0
    fly(eps, 600.0, sun=1.0)
    assert truth.bus54_voltage_v > 48.0 and truth.bus28_voltage_v > 27.0


def test_a_node_that_starts_with_an_empty_battery_starts_dark() -> None:
    eps = power_system(0.005)
    assert not eps.state.bus_on and eps.image.truth.bus54_voltage_v == 0.0
    fly(eps, 60.0, sun=0.0)
    assert eps.charge_ratio == pytest.approx(0.005, abs=1e-6)


@pytest.mark.parametrize("dt_s", [0.031, 0.05, 0.2])
def test_the_length_of_a_step_hardly_matters(dt_s: float) -> None:
    ends = []
    for step_s in (0.1, dt_s):
        eps = power_system(0.8)
        for sun in (0.0, 1.0):
            for _ in range(round(600.0 / step_s)):
                eps.advance(step_s, sun, 5600.0, 421.0)
        ends.append((eps.charge_ratio, eps.state.bus54_voltage_v, eps.state.array.temp_c))
    for ours, other, tolerance in zip(ends[1], ends[0], (1e-5, 0.01, 0.05), strict=True):
        assert ours == pytest.approx(other, abs=tolerance)
