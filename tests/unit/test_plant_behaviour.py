"""How the plant behaves: default flight, pumps, switches, caps, protection, faults, determinism."""

import tomllib
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from sim_hw.config_accelerators import AcceleratorConfig
from sim_hw.devices import PlantImage
from sim_hw.orbit import Orbit
from sim_hw.plant import Plant, PlantStart
from sim_hw.plant_config import PlantConfig
from tests.unit.plant_stand_in import running_plant

REASON_IDLE, REASON_POWER_CAP, REASON_HW_SLOWDOWN = 0x1, 0x4, 0x8  # NVML clocks event reasons

CONFIG = AcceleratorConfig()
DYNAMIC_W = CONFIG.full_power_w - CONFIG.static_power_w(CONFIG.full_power_temp_c)
REF1_PATH = Path(__file__).parents[2] / "examples" / "configs" / "ref1.toml"


def advance(plant: Plant, seconds: float) -> None:
    """Advance by cycles of 100 ms."""
    for _ in range(round(seconds * 10.0)):
        plant.advance(0.1)


def truth_bytes(image: PlantImage) -> bytes:
    """Return all truths as bytes, in the order of the header."""
    return b"".join(value.tobytes() for value in vars(image.truth).values())


def test_ref1_file_names_every_number_of_the_plant() -> None:
    tables = tomllib.loads(REF1_PATH.read_text(encoding="utf-8"))["plant"]
    assert PlantConfig.model_validate(tables) == PlantConfig()
    for name, section in PlantConfig():
        if name == "limits":
            continue  # requirements: REF-1 flies under the defaults, nothing of it is set here
        assert set(tables[name]) == set(type(section).model_fields)


def test_an_unknown_key_or_a_value_out_of_range_is_refused() -> None:
    with pytest.raises(ValidationError, match="radiator"):
        PlantConfig.model_validate({"radiator": {"area_mm2": 6.0}})
    with pytest.raises(ValidationError, match="emissivity_ratio"):
        PlantConfig.model_validate({"radiator": {"emissivity_ratio": 1.2}})
    with pytest.raises(ValidationError, match="shut_off_pressure_kpa is not above"):
        PlantConfig.model_validate({"loop": {"shut_off_pressure_kpa": 140.0}})


@pytest.mark.parametrize("seed", [1, 2, 3, 7])
def test_default_flight_is_hot_and_at_full_load_at_2600_s(seed: int) -> None:
    plant, image = running_plant(seed=seed)
    advance(plant, 60.0)
    plant.utilisation_target[:] = 1.0
    advance(plant, 2540.0)
    hottest_c = float(image.truth.accel_core_temp_c.max())
    assert 79.0 < hottest_c < 82.5
    assert plant.accelerator_power_w == pytest.approx(5600.0, rel=1e-3)
    assert image.truth.array_power_w[0] > 5000.0


def test_same_seed_same_bytes_and_another_seed_other_bytes() -> None:
    def fly(seed: int) -> bytes:
        plant, image = running_plant(seed=seed)
        plant.utilisation_target[:] = 1.0
        advance(plant, 60.0)
        return truth_bytes(image)

    assert fly(7) == fly(7)
    assert fly(7) != fly(8)


def test_splitting_a_cycle_hardly_changes_where_the_plant_goes() -> None:
    plants = [running_plant() for _ in range(2)]
    for plant, _ in plants:
        plant.utilisation_target[:] = 1.0
    for _ in range(600):
        plants[0][0].advance(0.1)
        plants[1][0].advance(0.037)
        plants[1][0].advance(0.063)
    first, second = (image.truth.accel_core_temp_c for _, image in plants)
    assert np.max(np.abs(first - second)) < 0.1


@pytest.mark.parametrize("dt_s", [0.0, -0.1, 0.21])
def test_a_step_out_of_range_is_a_bug_of_the_caller(dt_s: float) -> None:
    plant, _ = running_plant()
    with pytest.raises(ValueError, match="dt_s out of range"):
        plant.advance(dt_s)


def test_a_core_settles_at_coolant_plus_power_times_its_resistance() -> None:
    plant, image = running_plant()
    plant.utilisation_target[:] = 1.0
    advance(plant, 3000.0)
    truth = image.truth
    coolant_c = 0.5 * (truth.supply_temp_c[0] + truth.plate_outlet_temp_c)
    expected_c = coolant_c + 700.0 * plant.core_k_per_w
    assert np.max(np.abs(truth.accel_core_temp_c - expected_c)) < 0.3
    assert np.all((plant.core_k_per_w >= 0.04) & (plant.core_k_per_w <= 0.05))


def test_a_step_of_heat_comes_round_to_the_plates_after_the_transport_delay() -> None:
    (loaded, hot), (idle, cold) = running_plant(), running_plant()
    loaded.utilisation_target[:] = 1.0
    for plant in (loaded, idle):
        advance(plant, 15.0)  # the pipes alone hold 28 s of flow
    assert hot.truth.return_temp_c[0] > cold.truth.return_temp_c[0] + 3.0
    assert hot.truth.supply_temp_c[0] < cold.truth.supply_temp_c[0] + 0.05
    for plant in (loaded, idle):
        advance(plant, 200.0)
    assert hot.truth.supply_temp_c[0] > cold.truth.supply_temp_c[0] + 3.0


def test_a_bypassed_radiator_cools_no_more() -> None:
    plant, image = running_plant(start=PlantStart(temp_c=20.0, rails_on=True))
    advance(plant, 120.0)
    image.setpoint.bypass_ratio[0] = 1.0
    advance(plant, 300.0)
    truth = image.truth
    assert truth.supply_temp_c[0] > truth.radiator_out_temp_c[0] + 5.0


def test_a_stopped_pump_loses_flow_and_the_other_brings_it_back_within_3_s() -> None:
    plant, image = running_plant()
    plant.utilisation_target[:] = 1.0
    advance(plant, 10.0)
    assert image.truth.flow_kg_per_s[0] == pytest.approx(0.144)
    plant.faults.pump_torque_ratio[0] = 0.0
    plant.faults.pump_breaker_open[0] = 1.0
    plant.advance(0.1)
    assert image.truth.pump_current_a[0] == 0.0
    advance(plant, 5.0)
    assert image.truth.flow_kg_per_s[0] < 0.01 * 0.144
    image.setpoint.pump_speed_target_rpm[1] = 4000.0
    advance(plant, 1.0)
    assert image.truth.pump_speed_rpm[1] == pytest.approx(0.95 * 4000.0, rel=0.01)
    advance(plant, 2.0)
    assert image.truth.flow_kg_per_s[0] == pytest.approx(0.144, rel=0.01)


def test_a_pump_without_torque_but_with_supply_draws_its_stall_current() -> None:
    plant, image = running_plant()
    plant.faults.pump_torque_ratio[0] = 0.0
    advance(plant, 10.0)
    assert image.truth.pump_current_a[0] == pytest.approx(4.0, rel=0.01)


def test_two_pumps_give_a_little_more_than_one_and_no_pump_pushes_backwards() -> None:
    plant, image = running_plant()
    image.setpoint.pump_speed_target_rpm[:] = (4000.0, 4000.0)
    advance(plant, 5.0)
    assert image.truth.flow_kg_per_s[0] == pytest.approx(0.144 * (180.0 / 157.5) ** 0.5, rel=1e-3)
    image.setpoint.pump_speed_target_rpm[:] = (4000.0, 2000.0)
    advance(plant, 10.0)
    assert image.truth.flow_kg_per_s[0] == pytest.approx(0.144, rel=1e-6)
    image.setpoint.pump_speed_target_rpm[:] = (9000.0, 0.0)
    advance(plant, 5.0)
    assert image.truth.pump_speed_rpm[0] == pytest.approx(6000.0)


def test_power_follows_a_lower_cap_with_the_lag_of_the_device() -> None:
    plant, image = running_plant()
    plant.utilisation_target[:] = 1.0
    advance(plant, 5.0)
    image.setpoint.accel_cap_w[:] = 200.0
    advance(plant, 0.3)  # two lags
    assert image.truth.accel_power_w[0] == pytest.approx(200.0 + 500.0 * np.exp(-2.0), rel=0.01)
    advance(plant, 2.0)
    assert image.truth.accel_power_w[0] == pytest.approx(200.0, abs=0.1)
    assert int(image.truth.accel_event_reasons[0]) & REASON_POWER_CAP
    assert 345.0 < image.truth.accel_clock_mhz[0] < 1000.0


def test_an_ignored_cap_leaves_the_accelerator_at_its_demand() -> None:
    plant, image = running_plant()
    plant.utilisation_target[:] = 1.0
    image.knobs.accel_cap_ignored[3] = 1.0
    image.setpoint.accel_cap_w[:] = 200.0
    advance(plant, 5.0)
    demand_w = DYNAMIC_W + CONFIG.static_power_w(image.truth.accel_core_temp_c[3])
    assert image.truth.accel_power_w[3] == pytest.approx(demand_w, abs=1.0)
    assert image.truth.accel_power_w[2] == pytest.approx(200.0, abs=1.0)


def test_a_lower_clock_lowers_demand_and_an_idle_accelerator_draws_idle_power() -> None:
    plant, image = running_plant()
    plant.utilisation_target[:4] = 1.0
    image.setpoint.accel_clock_max_mhz[0] = 990.0
    advance(plant, 5.0)
    truth = image.truth
    idle_w = [CONFIG.static_power_w(temp_c) for temp_c in truth.accel_core_temp_c]
    assert truth.accel_power_w[0] == pytest.approx(idle_w[0] + DYNAMIC_W / 4.0, rel=1e-3)
    assert truth.accel_clock_mhz[0] == pytest.approx(990.0)
    assert truth.accel_power_w[7] == pytest.approx(idle_w[7], rel=1e-3)
    assert CONFIG.static_power_w(35.0) == 70.0
    assert int(truth.accel_event_reasons[7]) == REASON_IDLE
    assert truth.accel_utilisation_ratio[7] == 0.0


@pytest.mark.parametrize("switch", ["module_enabled", "aux_enabled", "payload_enabled"])
def test_an_open_switch_takes_the_accelerator_off_at_once_and_it_boots_for_1_s(switch: str) -> None:
    plant, image = running_plant()
    plant.utilisation_target[:] = 1.0
    advance(plant, 5.0)
    getattr(image.setpoint, switch)[0] = 0.0
    plant.advance(0.1)
    truth = image.truth
    assert truth.accel_power_w[0] == truth.accel_alive[0] == truth.module_current_a[0] == 0.0
    getattr(image.setpoint, switch)[0] = 1.0
    advance(plant, 0.9)
    assert truth.accel_alive[0] == 0.0
    assert truth.accel_utilisation_ratio[0] == 0.0
    plant.advance(0.1)
    assert truth.accel_alive[0] == 1.0


def test_a_module_switch_opens_its_voltage_and_the_payload_switch_all() -> None:
    plant, image = running_plant()
    image.setpoint.module_enabled[4] = 0.0
    advance(plant, 0.2)
    truth = image.truth
    assert truth.module_voltage_v[4] == 0.0
    assert 48.0 <= truth.module_voltage_v[3] <= 57.0
    assert truth.aux_voltage_v[4] == pytest.approx(3.3)
    image.setpoint.payload_enabled[0] = 0.0
    advance(plant, 0.2)
    assert not truth.module_voltage_v.any()
    assert truth.payload_voltage_v[0] == truth.payload_current_a[0] == 0.0


def test_everything_is_off_when_rails_start_off() -> None:
    image = PlantImage()
    plant = Plant(PlantConfig(), image, Orbit.circular(), start=PlantStart(), seed=7)
    plant.utilisation_target[:] = 1.0
    advance(plant, 3.0)
    truth = image.truth
    assert not truth.accel_power_w.any()
    assert not truth.accel_alive.any()
    assert truth.flow_kg_per_s[0] == 0.0
    assert plant.load_w < 10.0  # the converter idles, as the rails of the host are off, too
    assert all(not value.any() for value in vars(image.setpoint).values())


def test_what_latched_rails_draw_warms_the_host() -> None:
    plant, _image = running_plant()
    plant.faults.latch_current_a[:] = 10.0
    advance(plant, 60.0)
    energy = plant.energy
    assert max(energy.electrical_error_ratio, energy.thermal_error_ratio) < 1e-6


def test_the_payload_switch_is_as_warm_as_its_mean_module_switch() -> None:
    plant, image = running_plant()
    plant.utilisation_target[:] = 1.0
    advance(plant, 300.0)
    mean_c = float(image.truth.module_temp_c.mean())
    assert image.truth.payload_temp_c[0] == pytest.approx(mean_c, abs=0.2)
    assert mean_c > float(image.truth.supply_temp_c[0]) + 10.0


def test_the_host_draws_what_its_rails_take_that_are_on() -> None:
    config = PlantConfig()
    plant, image = running_plant(config)
    image.setpoint.payload_enabled[0] = image.setpoint.pump_speed_target_rpm[0] = 0.0
    advance(plant, 30.0)
    load_w = plant.load_w
    image.setpoint.host_rail_enabled[1] = 0.0
    advance(plant, 2.0)
    output_w = config.host.rail_voltage_v[1] * config.host.rail_current_a[1]
    assert 1.05 * output_w < load_w - plant.load_w < 1.25 * output_w
    assert image.truth.host_rail_voltage_v[1] == image.truth.host_rail_current_a[1] == 0.0


def test_the_processor_follows_its_boards_when_the_coolant_stands() -> None:
    plant, image = running_plant()
    advance(plant, 300.0)
    cpu_c, supply_c = float(image.truth.cpu_temp_c[0]), float(image.truth.supply_temp_c[0])
    image.setpoint.pump_speed_target_rpm[:] = 0.0
    image.setpoint.payload_enabled[0] = 0.0
    advance(plant, 300.0)
    assert image.truth.cpu_temp_c[0] > cpu_c + 8.0  # 368 W, 6 kJ/K and a manifold that stands
    assert abs(image.truth.supply_temp_c[0] - supply_c) < 5.0


def test_a_latched_rail_draws_more_until_it_was_off_for_100_ms() -> None:
    plant, image = running_plant()
    plant.faults.latch_current_a[3] = 1.2
    advance(plant, 2.0)
    aux_a = image.truth.aux_current_a
    assert aux_a[3] == pytest.approx(2.0)
    assert aux_a[2] == pytest.approx(0.8)
    image.setpoint.aux_enabled[3] = 0.0
    plant.advance(0.06)
    assert aux_a[3] == 0.0
    image.setpoint.aux_enabled[3] = 1.0
    plant.advance(0.1)
    assert aux_a[3] == pytest.approx(2.0)  # off for too short a time
    image.setpoint.aux_enabled[3] = 0.0
    plant.advance(0.1)
    image.setpoint.aux_enabled[3] = 1.0
    plant.advance(0.1)
    assert aux_a[3] == pytest.approx(0.8)
    assert plant.faults.latch_current_a[3] == 0.0


def test_an_accelerator_halves_its_clock_at_89_degc_and_shuts_down_at_95() -> None:
    plant, image = running_plant(start=PlantStart(temp_c=60.0, rails_on=True))
    image.setpoint.pump_speed_target_rpm[:] = 0.0
    plant.utilisation_target[:] = 1.0
    truth = image.truth
    slowed, hottest_c = False, 0.0
    while truth.accel_alive[0] and plant.time_s < 600.0:
        hottest_c = max(hottest_c, truth.accel_core_temp_c[0])
        plant.advance(0.1)
        if int(truth.accel_event_reasons[0]) & REASON_HW_SLOWDOWN and not slowed:
            slowed = True
            assert truth.accel_core_temp_c[0] >= 88.9
            assert truth.accel_clock_mhz[0] <= 990.0
    assert slowed
    assert hottest_c == pytest.approx(95.0, abs=0.2)
    assert truth.accel_power_w[0] == 0.0
    advance(plant, 5.0)
    assert truth.accel_alive[0] == 0.0  # a shutdown waits for a power-cycle


def test_a_lost_string_takes_an_eighth_of_the_array() -> None:
    orbit = Orbit.circular(start_phase_ratio=0.7)  # long in sunlight: the cells are warm
    plant, image = running_plant(orbit=orbit, start=PlantStart(charge_ratio=0.5, rails_on=True))
    plant.utilisation_target[:] = 1.0
    advance(plant, 5.0)
    before_w = float(image.truth.array_power_w[0])
    plant.faults.string_ok[2] = 0.0
    plant.advance(0.1)
    assert before_w == pytest.approx(10_000.0, rel=0.01)
    assert image.truth.array_power_w[0] == pytest.approx(before_w * 7.0 / 8.0, rel=1e-3)
    assert image.truth.string_current_a[2] == 0.0


def test_an_empty_battery_in_eclipse_takes_the_bus_down_and_sunlight_brings_it_back() -> None:
    orbit = Orbit.circular(start_phase_ratio=0.355)  # longer in the dark, and the radiator freezes
    plant, image = running_plant(orbit=orbit, start=PlantStart(charge_ratio=0.012, rails_on=True))
    plant.utilisation_target[:] = 1.0
    advance(plant, 60.0)
    truth = image.truth
    assert truth.bus54_voltage_v[0] == 0.0
    assert not truth.accel_alive.any()
    assert plant.load_w == 0.0
    advance(plant, 600.0)
    assert truth.bus54_voltage_v[0] >= 48.0
    assert truth.accel_alive.all()


def test_heaters_warm_the_battery_and_the_loop() -> None:
    plants = [running_plant(start=PlantStart(temp_c=5.0, rails_on=True)) for _ in range(2)]
    warm = plants[1][1]
    warm.setpoint.battery_heater_on[0] = 1.0
    warm.setpoint.loop_heater_on[:] = 1.0
    for plant, _ in plants:
        advance(plant, 300.0)
    cold = plants[0][1]
    assert warm.truth.battery_temp_c[0] > cold.truth.battery_temp_c[0] + 0.2
    assert warm.truth.supply_temp_c[0] > cold.truth.supply_temp_c[0] + 2.0
    more_w = plants[1][0].load_w - plants[0][0].load_w
    more_w -= float(warm.truth.accel_power_w.sum() - cold.truth.accel_power_w.sum())  # leakage
    assert 1660.0 < more_w < 1900.0  # the heaters, and what the converter loses of theirs


def test_a_start_with_overrides_puts_each_node_where_it_says() -> None:
    start = PlantStart(
        core_temp_c=(70.0,) * 8, coolant_temp_c=45.0, battery_temp_c=15.0, rails_on=True
    )
    _, image = running_plant(start=start)
    assert image.truth.accel_core_temp_c[0] == 70.0
    assert image.truth.supply_temp_c[0] == 45.0
    assert image.truth.battery_temp_c[0] == 15.0
    with pytest.raises(ValueError, match="charge_ratio"):
        PlantStart(charge_ratio=1.5)
    with pytest.raises(ValueError, match="give 8"):
        PlantStart(core_temp_c=(70.0,))
