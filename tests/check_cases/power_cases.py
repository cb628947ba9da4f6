"""Check cases 13 to 15 and 27: battery, orbit energy, conservation."""

from datetime import UTC, datetime
from functools import cache

import numpy as np

from sim_hw.config_power import ArrayConfig, BatteryConfig
from sim_hw.eps import PowerSystem
from sim_hw.orbit import Orbit
from sim_hw.plant import Plant, PlantStart
from sim_hw.seasons import design_orbit, find_seasons
from tests.check_cases.case import CheckCase
from tests.unit.plant_stand_in import blank_image, running_plant

DT_S = 0.1
_CLOSED = "closed form, computed"
_ROUND_TRIP_RATIO = 0.90


def power_system(
    battery: BatteryConfig, *, charge_ratio: float, array: ArrayConfig | None = None
) -> PowerSystem:
    """Return a power system alone, with all strings healthy."""
    return PowerSystem(
        array or ArrayConfig(),
        battery,
        blank_image(),
        charge_ratio=charge_ratio,
        temp_c=20.0,
        bus28_voltage_v=28.0,
        string_ok=np.ones(8),
    )


def drawn_ratio(load_w: float, seconds: float, capacity_wh: float) -> float:
    """Return the depth of discharge after a load in the dark."""
    eps = power_system(BatteryConfig(capacity_wh=capacity_wh), charge_ratio=0.95)
    steps = round(seconds / DT_S)
    for _ in range(steps):
        eps.advance(seconds / steps, 0.0, load_w, 0.0)
    return 0.95 - eps.charge_ratio


def drawn_wh() -> float:
    """Return what case 13 takes out of the cells."""
    return 12_000.0 * drawn_ratio(6000.0, 2136.7, 12_000.0)


def charge_change_over_an_orbit() -> float:
    """Return the change of charge over one orbit with the array of case 14, in per cent."""
    orbit = Orbit.circular(550.0, 0.0, shadow="cylinder")
    battery = BatteryConfig(charge_efficiency_ratio=_ROUND_TRIP_RATIO / 0.95)
    array = ArrayConfig(string_power_w=9954.0 / 8.0)
    eps = power_system(battery, charge_ratio=0.9, array=array)
    steps = round(orbit.period_s)
    dt_s = orbit.period_s / steps
    for n in range(steps):
        sunlight_ratio = orbit.sunlight_ratio((n + 0.5) * dt_s)
        for _ in range(5):
            eps.advance(dt_s / 5.0, sunlight_ratio, 6000.0, 0.0)
    return 100.0 * (eps.charge_ratio - 0.9)


@cache
def longest_eclipse_s() -> float:
    """Return the longest eclipse of a dawn-dusk year at 600 km, circular Sun, cylinder."""
    start_utc = datetime(2030, 3, 20, 12, tzinfo=UTC)
    orbit = design_orbit(600.0, inclination_deg=None, ltan_h=18.0, start_utc=start_utc)
    return find_seasons(orbit, shadow="cylinder", sun="circular").longest_s


def troubled_plant() -> Plant:
    """Return a plant flown through faults, switches and uneven steps for 4000 s."""
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
    return plant


@cache
def energy_error_percent() -> float:
    """Return the greater imbalance, electrical or thermal, in per cent of the throughput."""
    energy = troubled_plant().energy
    return 100.0 * max(energy.electrical_error_ratio, energy.thermal_error_ratio)


POWER_CASES = (
    CheckCase(
        number="13a", what="depth of discharge P Te / (η C): 6 kW, 2136.7 s, η 0.95, 12 kWh",
        source=_CLOSED, unit="%", expected=31.24, tolerance=0.1,
        ours=lambda: 100.0 * drawn_ratio(6000.0, 2136.7, 12_000.0),
    ),
    CheckCase(
        number="13b", what="the same: drawn from the cells", source=_CLOSED, unit="Wh",
        expected=3749.0, tolerance=2.0, ours=drawn_wh, digits=1,
    ),
    CheckCase(
        number="14", what="charge over an orbit with P (1 + Te / (0.90 Td)) = 9954 W for 6 kW",
        source=_CLOSED, unit="% of charge", expected=0.0, tolerance=0.1,
        ours=charge_change_over_an_orbit, digits=4,
    ),
    CheckCase(
        number="15a", what="energy of the longest eclipse, 600 km dawn-dusk, 120 kW",
        source="AI1 as published in the press; computed", unit="kWh", expected=41.4,
        tolerance=0.005 * 41.4, ours=lambda: 120.0 * longest_eclipse_s() / 3600.0,
    ),
    CheckCase(
        number="15b", what="depth of discharge of 145 kWh in it, η 0.95", source=_CLOSED,
        unit="%", expected=30.0, tolerance=0.005 * 30.0,
        ours=lambda: 100.0 * drawn_ratio(120_000.0, longest_eclipse_s(), 145_000.0),
    ),
    CheckCase(
        number="27", what="energy in, out and held, through faults and uneven steps, 4000 s",
        source="conservation of energy", unit="% of throughput", expected=0.0, tolerance=0.1,
        ours=energy_error_percent, digits=5,
    ),
)  # fmt: skip
