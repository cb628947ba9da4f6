"""Nodes of other shapes: without a loop, fed by their satellite, of any number of accelerators."""

import re
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from sim_hw.devices import PlantImage
from sim_hw.fly import surroundings_of
from sim_hw.orbit import Orbit
from sim_hw.plant import Plant, PlantStart
from sim_hw.plant_config import PlantConfig

EDGE = PlantConfig.model_validate({
    "array": {"string_power_w": 20.5, "string_power_w_max": 21.0},
    "battery": {
        "capacity_wh": 180.0, "charge_power_max_w": 90.0, "resistance_ohm": 0.08, "cell_count": 8,
        "open_circuit_v": (27.7, 28.6, 29.1, 29.4, 29.6, 29.8, 30.2, 30.8, 31.4, 31.9, 32.4),
        "bus_voltage_max_v": 34.0, "charge_current_a_max": 3.5, "discharge_current_a_max": 7.0,
    },
    "battery_node": {"heat_capacity_j_per_k": 1000.0, "leak_w_per_k": 0.1},
    "bus": {"module_capacitance_f": 1e-4},
    "avionics": {"enabled": False},
    "rails": {"loss_fixed_w": (0.1, 0.05, 0.05, 0.05)},
    "payload_limiter": {"class_current_a": 5.0, "undervoltage_v": 20.0},
    "host_limiter": {"class_current_a": 3.0, "undervoltage_v": 20.0},
    "loop": {"enabled": False},
    "radiator": {"faces": 1, "area_m2": 0.18, "node_count": 4, "panel_j_per_k": 3000.0,
                 "fin_length_m": 0.03, "fin_thickness_m": 0.003, "lateral_w_per_k": 20.0},
    "stack": {"core_k_per_w_min": 0.25, "core_k_per_w_max": 0.30, "core_j_per_k": 20.0,
              "package_j_per_k": 60.0, "plate_j_per_k": 250.0, "strap_w_per_k": 4.0},
    "accelerators": {"cap_max_w": 60.0, "cap_min_w": 15.0, "idle_power_w": 5.0,
                     "full_power_w": 66.0, "clock_max_mhz": 1300.0},
    "host": {"power_w": 20.0, "rail_current_a": (0.8, 0.6, 0.8, 1.0),
             "heat_capacity_j_per_k": 500.0, "cooling_w_per_k": 3.0},
})  # fmt: skip
AI1 = PlantConfig.model_validate({
    "orbit": {"altitude_km": 600.0, "inclination_deg": 97.788, "beta_deg": 80.0},
    "array": {"enabled": False},
    "battery": {"enabled": False},
    "bus": {"bus54_voltage_v": 54.0, "source_ohm": 0.01},
    "radiator": {"area_m2": 4.9},
})  # fmt: skip


def loaded(
    config: PlantConfig, *, count: int = 8, seconds: float = 6000.0, cap_w: float = 700.0
) -> tuple[Plant, PlantImage]:
    """Return a plant after a while at full load under a cap, and its image."""
    image, around = PlantImage(), config.orbit
    orbit = Orbit.circular(
        around.altitude_km, around.beta_deg, inclination_deg=around.inclination_deg
    )
    start = PlantStart(rails_on=True)
    plant = Plant(config, image, orbit, start=start, seed=7, accelerator_count=count)
    plant.utilisation_target[:] = 1.0
    image.setpoint.accel_cap_w[:] = min(cap_w, config.accelerators.cap_max_w)
    for _ in range(round(seconds * 10.0)):
        plant.advance(0.1)
    return plant, image


def closes(plant: Plant) -> bool:
    """Tell whether both sides of the ledger close to 1e-6."""
    energy = plant.energy
    return max(energy.electrical_error_ratio, energy.thermal_error_ratio) < 1e-6


def test_a_node_without_a_loop_conducts_to_its_radiator_and_lives_on_its_own_power() -> None:
    plant, image = loaded(EDGE, count=1)
    truth = image.truth
    assert truth.accel_power_w[0] == pytest.approx(60.0, abs=0.5)
    assert not truth.accel_power_w[1:].any() and not truth.accel_core_temp_c[1:].any()
    assert truth.flow_kg_per_s[0] == 0.0 and not truth.pump_speed_rpm.any()
    root_c = float(truth.radiator_out_temp_c[0])
    assert 30.0 < root_c < 60.0
    over_root_k = 60.0 * (1.0 / EDGE.stack.strap_w_per_k + float(plant.core_k_per_w[0]))
    assert truth.accel_core_temp_c[0] == pytest.approx(root_c + over_root_k, abs=8.0)
    assert 24.0 < truth.bus54_voltage_v[0] < 34.0
    assert truth.bus28_voltage_v[0] == pytest.approx(truth.bus54_voltage_v[0], abs=0.5)
    assert truth.charge_ratio[0] > 0.6
    assert closes(plant)


def test_a_radiator_on_the_body_has_the_sink_of_one_face() -> None:
    around, image = EDGE.orbit, PlantImage()
    orbit = Orbit.circular(around.altitude_km, surroundings=surroundings_of(EDGE))
    plant = Plant(EDGE, image, orbit, start=PlantStart(), seed=7, accelerator_count=1)
    for _ in range(10):
        plant.advance(0.1)
    assert plant.native.data.heat.sink_temp_k == pytest.approx(181.0, abs=0.5)  # in the dark


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"limits": {"core_temp_c_max": 90.0}}, "core_temp_c_max = 90 is above accelerators.slow"),
        ({"limits": {"core_temp_c_shutdown": 99.0}}, "above accelerators.shutdown_temp_c = 95"),
        ({"limits": {"charge_ratio_min": 0.0}}, "is below battery.cutoff_ratio = 0.01; raise it"),
        ({"limits": {"coolant_temp_c_min": -20.0}}, "is below loop.freeze_temp_c = -8.9"),
        ({"limits": {"coolant_temp_c_max": 120.0}}, "above loop.boil_temp_c = 101; lower it"),
        ({"limits": {"flow_kg_per_s_min": 0.0}}, "are 0 only where loop.enabled = false"),
        ({"host": {"power_w": 100.0}}, "host.power_w = 100 is below the 368 W that its rails"),
        ({"rails": {"rail_power_w_max": (200.0, 60.0, 50.0, 40.0)}}, "below the 264 W of host.r"),
    ],
)
def test_sections_that_contradict_each_other_are_refused(given: Any, problem: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(problem)):
        PlantConfig.model_validate(given)


def test_a_node_fed_by_its_satellite_has_a_stiff_bus_and_no_battery() -> None:
    plant, image = loaded(AI1, cap_w=540.0)  # 4.8 kW with the host: 120 kW / 25
    truth = image.truth
    drawn_a = plant.load_w / float(truth.bus54_voltage_v[0])
    assert truth.bus54_voltage_v[0] == pytest.approx(54.0 - 0.01 * drawn_a, abs=0.1)
    assert truth.array_power_w[0] == 0.0 and not truth.string_current_a.any()
    assert np.isnan(truth.charge_ratio[0]) and np.isnan(truth.battery_voltage_v[0])
    assert plant.accelerator_power_w == pytest.approx(8 * 540.0, rel=1e-3)
    assert closes(plant)


@pytest.mark.parametrize("count", range(1, 9))
def test_any_number_of_accelerators_shares_the_flow(count: int) -> None:
    plant, image = loaded(PlantConfig(), count=count, seconds=1500.0)
    truth = image.truth
    rise_k = float(truth.return_temp_c[0] - truth.supply_temp_c[0])
    assert rise_k == pytest.approx(count * 700.0 / (0.144 * 3900.0), rel=0.02)
    assert truth.accel_alive.sum() == count
    assert plant.core_k_per_w.shape == (count,)
    assert closes(plant)


@pytest.mark.parametrize("count", [0, 9])
def test_a_number_that_the_image_cannot_hold_is_a_bug_of_the_caller(count: int) -> None:
    with pytest.raises(ValueError, match="accelerator_count out of range"):
        loaded(PlantConfig(), count=count, seconds=0.0)


def test_a_node_without_battery_leaks_nothing_of_one() -> None:
    """The report would tell of heat that has no source."""
    plant, _ = loaded(AI1, seconds=60.0)
    assert plant.energy.leaked_j == 0.0 and plant.energy.absorbed_j > 0.0
    assert closes(plant)
    plant, _ = loaded(PlantConfig(), seconds=60.0)
    assert plant.energy.leaked_j > 0.0
