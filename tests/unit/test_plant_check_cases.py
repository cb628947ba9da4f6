"""Check cases 7, 13, 16, 17, 18, 20 and 27 of docs/models.md on the plant itself."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from sim_hw.eps import PowerSystem
from sim_hw.orbit import Orbit
from sim_hw.plant import Plant, PlantStart
from sim_hw.plant_config import (
    AcceleratorConfig,
    ArrayConfig,
    BatteryConfig,
    PlantConfig,
    RadiatorConfig,
)
from sim_hw.thermal import HeatPath, radiated_w
from tests.unit.plant_stand_in import blank_image, running_plant

DT_S = 0.1
NO_PROTECTION = {"slowdown_temp_c": 200.0, "shutdown_temp_c": 200.0}


def advance(plant: Plant, seconds: float) -> None:
    """Advance by whole cycles."""
    for _ in range(round(seconds / DT_S)):
        plant.advance(DT_S)


def test_case_7_radiator_area_for_1_kw_at_300_k() -> None:
    assert radiated_w(1.2096, 0.9, 300.0, 0.0) == pytest.approx(1000.0, rel=1e-3)
    assert radiated_w(1.0, 0.9, 300.0, 0.0) / 2.0 == pytest.approx(413.4, rel=1e-3)
    assert radiated_w(0.9141, 0.9, 333.15, 200.0) == pytest.approx(1000.0, rel=1e-3)  # case 7b


def test_case_7_holds_in_the_flying_radiator() -> None:
    image = blank_image()
    heat = HeatPath(
        PlantConfig(),
        image,
        core_k_per_w=np.full(8, 0.045),
        core_temp_c=np.full(8, 50.0),
        coolant_temp_c=50.0,
    )
    heat.advance(DT_S, flow_kg_per_s=0.144, bypass_ratio=0.0, heat_w=0.0, sink_k=190.0)
    assert heat.radiated_w == pytest.approx(radiated_w(6.12, 0.9, 323.15, 190.0), rel=1e-3)


def test_case_13_depth_of_discharge_after_an_eclipse_at_6_kw() -> None:
    image = blank_image()
    eps = PowerSystem(
        ArrayConfig(),
        BatteryConfig(capacity_wh=12_000.0),
        image,
        charge_ratio=0.95,
        temp_c=20.0,
        bus28_voltage_v=28.0,
        string_ok=np.ones(8),
    )
    for _ in range(21_367):
        eps.advance(DT_S, 0.0, 6000.0, 0.0)
    assert 0.95 - eps.charge_ratio == pytest.approx(0.3124, abs=0.001)
    drawn_wh = (0.95 * 12_000.0 * 3600.0 - eps.stored_j) / 3600.0
    assert drawn_wh == pytest.approx(3749.0, abs=2.0)


def core_above_fixed_coolant() -> tuple[HeatPath, SimpleNamespace]:
    """Return a heat path with 0.05 K/W whose coolant is to stay at 45 degC."""
    image = blank_image()
    heat = HeatPath(
        PlantConfig(),
        image,
        core_k_per_w=np.full(8, 0.05),
        core_temp_c=np.full(8, 45.0),
        coolant_temp_c=45.0,
    )
    return heat, image


def test_case_16_core_step_is_a_first_order_lag_of_30_s() -> None:
    heat, image = core_above_fixed_coolant()
    image.truth.accel_power_w[:] = 700.0
    core_c = []
    for _ in range(3000):
        heat._plate_c[:] = 45.0  # the case holds the coolant
        heat.advance(DT_S, flow_kg_per_s=0.144, bypass_ratio=0.0, heat_w=0.0, sink_k=190.0)
        core_c.append(float(image.truth.accel_core_temp_c[0]))
    assert core_c[299] == pytest.approx(67.1, abs=0.3)
    assert core_c[899] == pytest.approx(78.3, abs=0.3)
    assert core_c[-1] == pytest.approx(80.0, abs=0.3)
    first_at_75_s = DT_S * (1 + next(i for i, value in enumerate(core_c) if value >= 75.0))
    assert first_at_75_s == pytest.approx(58.4, abs=0.5)


def stagnant_plant(start_c: float, power_w: float) -> tuple[Plant, SimpleNamespace]:
    """Return a plant with both pumps dead, core and plate all but one node, and a fixed power."""
    lumped = AcceleratorConfig(core_k_per_w_min=0.002, core_k_per_w_max=0.002, **NO_PROTECTION)
    plant, image = running_plant(
        PlantConfig(accelerators=lumped), start=PlantStart(temp_c=start_c, rails_on=True)
    )
    plant.faults.pump_torque_ratio[:] = 0.0
    image.setpoint.accel_cap_w[:] = power_w
    plant.utilisation_target[:] = 1.0
    return plant, image


def seconds_between(low_c: float, high_c: float, power_w: float) -> float:
    """Return how long a core without flow takes from one temperature to the other."""
    plant, image = stagnant_plant(low_c - 10.0, power_w)
    core = image.truth.accel_core_temp_c
    marks: list[float] = []
    for limit_c in (low_c, high_c):
        while core[0] < limit_c:
            plant.advance(0.02)
        marks.append(plant.time_s)
    return marks[1] - marks[0]


def test_case_17_core_and_plate_without_flow_warm_by_power_over_capacity() -> None:
    plant, image = stagnant_plant(30.0, 700.0)
    advance(plant, 20.0)  # the pump coasts down
    assert image.truth.flow_kg_per_s[0] == 0.0
    before_c = float(image.truth.accel_core_temp_c[0])
    advance(plant, 10.0)
    slope = (float(image.truth.accel_core_temp_c[0]) - before_c) / 10.0
    assert slope == pytest.approx(0.798, rel=0.02)
    image.setpoint.accel_cap_w[:] = 70.0
    advance(plant, 5.0)
    before_c = float(image.truth.accel_core_temp_c[0])
    advance(plant, 10.0)
    slope = (float(image.truth.accel_core_temp_c[0]) - before_c) / 10.0
    assert slope == pytest.approx(0.080, rel=0.02)


def test_case_17_from_80_to_87_in_8_78_s_and_from_60_to_95_in_43_9_s() -> None:
    assert seconds_between(80.0, 87.0, 700.0) == pytest.approx(8.78, rel=0.02)
    assert seconds_between(60.0, 95.0, 700.0) == pytest.approx(43.9, rel=0.02)


def test_case_18_the_loop_warms_by_power_over_capacity_without_rejection() -> None:
    config = PlantConfig(
        radiator=RadiatorConfig(emissivity_ratio=1e-9),
        accelerators=AcceleratorConfig(core_j_per_k=50.0),  # cores are not part of the loop
    )
    heat = HeatPath(
        config,
        blank_image(),
        core_k_per_w=np.full(8, 0.045),
        core_temp_c=np.full(8, 20.0),
        coolant_temp_c=20.0,
    )
    mean_c = []
    for _ in range(8000):
        heat.advance(DT_S, flow_kg_per_s=0.144, bypass_ratio=0.0, heat_w=5600.0, sink_k=190.0)
        mean_c.append(heat.mean_coolant_temp_c)
    slope = (mean_c[-1] - mean_c[-4001]) / 400.0
    assert slope == pytest.approx(0.0533, rel=0.01)


def test_case_20_coolant_warms_by_10_k_at_5_6_kw_and_the_pump_takes_53_w() -> None:
    plant, image = running_plant()
    plant.utilisation_target[:] = 1.0
    image.setpoint.pump_speed_target_rpm[0] = 4000.0 * 0.1436 / 0.144
    advance(plant, 2600.0)
    truth = image.truth
    assert float(truth.accel_power_w.sum()) == pytest.approx(5600.0, rel=1e-3)
    assert truth.flow_kg_per_s[0] == pytest.approx(0.1436, rel=1e-3)
    assert truth.return_temp_c[0] - truth.supply_temp_c[0] == pytest.approx(10.0, rel=0.01)
    assert truth.pump_current_a[0] * truth.bus28_voltage_v[0] == pytest.approx(53.0, rel=0.01)


def test_case_27_energy_is_conserved_through_faults_switches_and_uneven_steps() -> None:
    plant, image = running_plant(seed=3, start=PlantStart(charge_ratio=0.6, rails_on=True))
    plant.utilisation_target[:] = 1.0
    setpoint = image.setpoint
    for n in range(40_000):
        if n == 3_000:
            plant.faults.pump_torque_ratio[0] = 0.0
            setpoint.pump_speed_target_rpm[1] = 5000.0
        if n == 6_000:
            setpoint.module_enabled[2] = 0.0
            setpoint.bypass_ratio[0] = 0.4
            plant.faults.latch_current_a[5] = 1.2
            plant.faults.string_ok[1] = 0.0
        if n == 20_000:
            setpoint.loop_heater_on[:] = 1.0
            setpoint.battery_heater_on[0] = 1.0
            setpoint.aux_enabled[5] = 0.0
        if n % 7 == 0:
            plant.advance(0.031)
            plant.advance(0.069)
        else:
            plant.advance(DT_S)
    assert plant.energy.generated_j > 1e7
    assert plant.energy.electrical_error_ratio < 1e-3
    assert plant.energy.thermal_error_ratio < 1e-3


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
    eps = PowerSystem(
        ArrayConfig(),
        BatteryConfig(capacity_wh=12_000.0),
        blank_image(),
        charge_ratio=0.5,
        temp_c=20.0,
        bus28_voltage_v=28.0,
        string_ok=np.ones(8),
    )
    flow_j, before_j = 0.0, eps.stored_j
    for _ in range(6000):
        eps.advance(DT_S, 1.0, 1000.0, 0.0)
        flow_j += (eps.generated_w - 1000.0) * DT_S
    assert (eps.stored_j - before_j) / flow_j == pytest.approx(0.95, rel=1e-6)
