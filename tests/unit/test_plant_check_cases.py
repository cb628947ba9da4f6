"""What the check cases rest on: charging, shunting, and a ledger that tells."""

import math
from dataclasses import replace

import pytest

from sim_hw.config_power import BatteryConfig
from sim_hw.orbit import Orbit
from sim_hw.plant import Plant, PlantStart
from tests.check_cases.power_system import PowerSystem, paper_array, paper_config
from tests.unit.plant_stand_in import running_plant

DT_S = 0.1


def advance(plant: Plant, seconds: float) -> None:
    """Advance by whole cycles."""
    for _ in range(round(seconds / DT_S)):
        plant.advance(DT_S)


def test_case_27_sees_an_imbalance() -> None:
    plant, _ = running_plant()
    advance(plant, 10.0)
    energy = replace(plant.energy, load_j=1.01 * plant.energy.load_j)
    assert energy.electrical_error_ratio > 1e-3
    assert energy.thermal_error_ratio > 1e-3


def test_a_fully_charged_battery_takes_no_more_and_the_array_is_shunted() -> None:
    orbit = Orbit.circular(start_phase_ratio=0.4)
    plant, image = running_plant(orbit=orbit, start=PlantStart(charge_ratio=0.996, rails_on=True))
    advance(plant, 600.0)
    assert 0.996 < image.truth.charge_ratio[0] <= 1.0
    assert image.truth.array_power_w[0] < 1500.0
    assert math.isclose(
        float(image.truth.string_current_a.sum() * image.truth.bus54_voltage_v[0]),
        float(image.truth.array_power_w[0]),
        rel_tol=1e-6,
    )


def test_charging_loses_its_efficiency() -> None:
    battery = BatteryConfig(capacity_wh=12_000.0, fade_ratio_per_year=0.0, fade_ratio_per_cycle=0.0)
    eps = PowerSystem(paper_config(battery, paper_array(10_000.0)), charge_ratio=0.5)
    flow_j, before_j = 0.0, eps.stored_j
    for _ in range(6000):
        eps.advance(DT_S, 1.0, 1000.0, 0.0)
        flow_j += (eps.state.generated_w - 1000.0) * DT_S
    assert (eps.stored_j - before_j) / flow_j == pytest.approx(0.95, rel=1e-6)
