"""What the check cases rest on: charging, shunting, and a ledger that tells."""

import math

import pytest

from sim_hw.config_power import BatteryConfig
from sim_hw.orbit import Orbit
from sim_hw.plant import PlantStart
from sim_hw.plant_config import PlantConfig
from sim_hw.thermal import radiated_w
from tests.check_cases.heat_cases import advance, heat_path
from tests.check_cases.power_cases import power_system
from tests.unit.plant_stand_in import running_plant

DT_S = 0.1


def test_case_7_holds_in_the_flying_radiator_of_ref1() -> None:
    heat = heat_path(PlantConfig(), temp_c=50.0)
    heat.advance(DT_S, flow_kg_per_s=0.144, bypass_ratio=0.0, heat_w=0.0, sink_k=190.0)
    assert heat.radiated_w == pytest.approx(radiated_w(6.12, 0.9, 323.15, 190.0), rel=1e-3)


def test_case_27_sees_an_imbalance() -> None:
    plant, _ = running_plant()
    advance(plant, 10.0)
    plant.energy.load_j *= 1.01
    assert plant.energy.electrical_error_ratio > 1e-3
    assert plant.energy.thermal_error_ratio > 1e-3


def test_a_fully_charged_battery_takes_no_more_and_the_array_is_shunted() -> None:
    orbit = Orbit.circular(start_phase_ratio=0.4)
    plant, image = running_plant(orbit=orbit, start=PlantStart(charge_ratio=0.999, rails_on=True))
    advance(plant, 600.0)
    assert 0.999 < image.truth.charge_ratio[0] <= 1.0
    assert image.truth.array_power_w[0] < 1500.0
    assert math.isclose(
        float(image.truth.string_current_a.sum() * image.truth.bus54_voltage_v[0]),
        float(image.truth.array_power_w[0]),
        rel_tol=1e-6,
    )


def test_charging_loses_its_efficiency() -> None:
    eps = power_system(BatteryConfig(capacity_wh=12_000.0), charge_ratio=0.5)
    flow_j, before_j = 0.0, eps.stored_j
    for _ in range(6000):
        eps.advance(DT_S, 1.0, 1000.0, 0.0)
        flow_j += (eps.generated_w - 1000.0) * DT_S
    assert (eps.stored_j - before_j) / flow_j == pytest.approx(0.95, rel=1e-6)
