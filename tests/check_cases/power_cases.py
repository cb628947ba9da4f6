"""Check cases 13 to 15, 21 and 27: battery, orbit energy, inrush, conservation."""

from datetime import UTC, datetime
from functools import cache
from typing import Any

from sim_hw._native import ffi, lib
from sim_hw.config_power import ArrayConfig, BatteryConfig, LimiterConfig
from sim_hw.native_config import fill_struct
from sim_hw.orbit import Orbit
from sim_hw.plant import Plant, PlantStart
from sim_hw.seasons import design_orbit, find_seasons
from tests.check_cases.case import CheckCase
from tests.check_cases.power_system import PowerSystem, paper_array, paper_config
from tests.unit.plant_stand_in import running_plant

DT_S = 0.1
_CLOSED = "closed form, computed"
_SMAD = "Wertz, Larson: Space Mission Analysis and Design, sizing of a solar array"
_ROUND_TRIP_RATIO = 0.90


def drawn_ratio(load_w: float, seconds: float, capacity_wh: float) -> float:
    """Return the depth of discharge after a load in the dark; the battery scales with its size."""
    scale = capacity_wh / 12_500.0
    battery = BatteryConfig(
        capacity_wh=capacity_wh, resistance_ohm=0.008 / scale, discharge_current_a_max=250.0 * scale
    )
    eps = PowerSystem(paper_config(battery), charge_ratio=0.95)
    steps = round(seconds / DT_S)
    for _ in range(steps):
        eps.advance(seconds / steps, 0.0, load_w, 0.0)
    assert eps.state.bus_on
    return 0.95 - eps.charge_ratio


def drawn_wh() -> float:
    """Return what case 13 takes out of the cells."""
    return 12_000.0 * drawn_ratio(6000.0, 2136.7, 12_000.0)


def charge_change_over_an_orbit(array: ArrayConfig, round_trip_ratio: float) -> float:
    """Return the change of charge over one orbit of 6 kW, in per cent."""
    orbit = Orbit.circular(550.0, 0.0, shadow="cylinder")
    battery = BatteryConfig(charge_efficiency_ratio=round_trip_ratio / 0.95)
    eps = PowerSystem(paper_config(battery, array), charge_ratio=0.9)
    steps = round(orbit.period_s)
    dt_s = orbit.period_s / steps
    for n in range(steps):
        sunlight_ratio = orbit.sunlight_ratio((n + 0.5) * dt_s)
        for _ in range(5):
            eps.advance(dt_s / 5.0, sunlight_ratio, 6000.0, 0.0)
    return 100.0 * (eps.charge_ratio - 0.9)


def smad_charge_change(array_w: float, direct_ratio: float, battery_ratio: float) -> float:
    """Return the same with efficiencies from the array straight and through the battery."""
    array = paper_array(array_w, regulation_efficiency_ratio=direct_ratio)
    return charge_change_over_an_orbit(array, battery_ratio / direct_ratio)


def limiter(limit_a: float, trip_off_s: float) -> Any:
    """Return a limiter in C that holds an overload at a current."""
    section = LimiterConfig(class_current_a=limit_a / 1.4, limit_ratio=1.4, trip_off_s=trip_off_s)
    config = ffi.new("sim_limiter_config_t *")
    fill_struct(config, section)
    return config


def trips_on_inrush(trip_off_s: float) -> float:
    """Return 1 where 1 mF at 54 V opens a limiter of 20 A, else 0."""
    config = limiter(20.0, trip_off_s)
    return float(lib.sim_limiter_trips_on_inrush(config, 0.001, 54.0, 0.0, 100.0))


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
        number="14a", what="charge over an orbit with P (1 + Te / (0.90 Td)) = 9954 W for 6 kW",
        source=_CLOSED, unit="% of charge", expected=0.0, tolerance=0.1,
        ours=lambda: charge_change_over_an_orbit(paper_array(9954.0), _ROUND_TRIP_RATIO), digits=4,
    ),
    CheckCase(
        number="14b", what="14a, direct energy transfer: 12,534 W; straight 0.85, by battery 0.65",
        source=_SMAD, unit="% of charge", expected=0.0, tolerance=0.1,
        ours=lambda: smad_charge_change(12_534.0, 0.85, 0.65), digits=4,
    ),
    CheckCase(
        number="14c", what="14a, peak power tracking: 13,431 W; straight 0.80, by battery 0.60",
        source=_SMAD, unit="% of charge", expected=0.0, tolerance=0.1,
        ours=lambda: smad_charge_change(13_431.0, 0.80, 0.60), digits=4,
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
        number="21a", what="inrush t = C V / I: 1 mF, 54 V, 20 A", source=_CLOSED, unit="ms",
        expected=2.70, tolerance=0.05, ours=lambda: 1e3 * lib.sim_inrush_s(0.001, 54.0, 20.0),
    ),
    CheckCase(
        number="21b", what="the same: energy held, C V^2 / 2", source=_CLOSED, unit="J",
        expected=1.458, tolerance=0.0005, ours=lambda: lib.sim_inrush_j(0.001, 54.0), digits=3,
    ),
    CheckCase(
        number="21c", what="the same through a limiter of 20 A and 6 ms: it opens",
        source="ECSS-E-ST-20-20C, definitions", unit="times", expected=0.0, tolerance=0.0,
        ours=lambda: trips_on_inrush(0.006), digits=0,
    ),
    CheckCase(
        number="27", what="energy in, out and held, through faults and uneven steps, 4000 s",
        source="conservation of energy", unit="% of throughput", expected=0.0, tolerance=0.1,
        ours=energy_error_percent, digits=5,
    ),
)  # fmt: skip
