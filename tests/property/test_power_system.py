"""Any loads, Sun, temperature, switches and faults: energy closes, charge stays in 0..1.

The power system is the plant's own (C); a step is what one cycle of a flight asks for.
"""

import math
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from sim_hw.config_power import AvionicsConfig, BatteryConfig, LimiterConfig
from tests.check_cases.power_system import PowerConfig, PowerSystem

DT_S = st.sampled_from((0.031, 0.069, 0.1, 0.2))


@dataclass(frozen=True)
class Step:
    """What the surroundings do for some steps."""

    count: int
    dt_s: float
    sunlight_ratio: float
    modules_w: float
    host_w: float
    temp_c: float
    module: int
    fault: str
    amount: float


STEPS = st.builds(
    Step,
    count=st.integers(1, 40),
    dt_s=DT_S,
    sunlight_ratio=st.floats(0.0, 1.0),
    modules_w=st.floats(0.0, 12_000.0),
    host_w=st.floats(0.0, 1_400.0),
    temp_c=st.floats(-40.0, 80.0),
    module=st.integers(0, 7),
    fault=st.sampled_from(
        ("", "", "", "string", "short", "strands", "payload_trip", "host_trip", "payload_short")
    ),
    amount=st.floats(0.0, 1.0),
)
CONFIGS = st.builds(
    PowerConfig,
    battery=st.builds(
        BatteryConfig,
        enabled=st.booleans(),
        capacity_wh=st.sampled_from((4_000.0, 12_500.0)),
        imbalance_ratio=st.sampled_from((0.0, 0.004, 0.1)),
        cell_count=st.integers(1, 16),
        age_years=st.floats(0.0, 10.0),
        age_cycles=st.floats(0.0, 5_000.0),
    ),
    avionics=st.builds(AvionicsConfig, enabled=st.booleans()),
    payload_limiter=st.builds(LimiterConfig, retrigger_s=st.sampled_from((0.0, 1.0))),
)


def strike(eps: PowerSystem, step: Step) -> None:
    """Set one fault, or clear all where the step names none."""
    faults = eps.faults
    if step.fault == "string":
        faults.string_ok[step.module] = step.amount
    elif step.fault == "short":
        faults.cell_short[step.module] = 1.0
    elif step.fault == "strands":
        faults.strands_open = round(8.0 * step.amount)
    elif step.fault == "payload_trip":
        faults.limiter_trip[0] = 1.0
    elif step.fault == "host_trip":
        faults.limiter_trip[1] = 1.0
    elif step.fault == "payload_short":
        faults.payload_short_a = 300.0 * step.amount
    else:
        faults.payload_short_a = faults.strands_open = 0.0
        faults.limiter_trip[0] = faults.limiter_trip[1] = 0.0
        for i in range(16):
            faults.cell_short[i] = 0.0


@given(config=CONFIGS, charge_ratio=st.floats(0.0, 1.0), steps=st.lists(STEPS, max_size=12))
def test_energy_closes_and_the_charge_stays_in_its_range(
    config: PowerConfig, charge_ratio: float, steps: list[Step]
) -> None:
    eps = PowerSystem(config, charge_ratio=charge_ratio)
    state, setpoint = eps.state, eps.image.setpoint
    setpoint.payload_enabled = 1.0
    in_j, out_j, start_j = [], [], eps.stored_j
    for step in steps:
        strike(eps, step)
        setpoint.module_enabled[step.module] = float(step.amount > 0.5)
        eps.loads.battery_temp_c = step.temp_c
        for _ in range(step.count):
            modules_w = step.modules_w if state.bus54_voltage_v > 0.0 else 0.0
            host_w = step.host_w if state.bus28_voltage_v > 0.0 else 0.0
            eps.advance(step.dt_s, step.sunlight_ratio, modules_w, host_w)
            in_j.append(state.generated_w * step.dt_s)
            out_j.append((modules_w + host_w + state.loss_w) * step.dt_s)
            values = [state.charge_ratio, *state.battery.cell_charge_ratio]
            assert all(-1e-12 <= value <= 1.0 + 1e-12 for value in values)
            assert state.generated_w >= 0.0 and state.converter_loss_w >= 0.0
            assert 0.0 <= state.bus54_voltage_v <= 60.0 and 0.0 <= state.bus28_voltage_v <= 60.0
            cold = step.temp_c < config.battery.charge_temp_c_min
            assert not (cold and state.battery.current_a > 0.0)
    balance_j = math.fsum(in_j) - math.fsum(out_j) - (eps.stored_j - start_j)
    scale_j = max(math.fsum(in_j), math.fsum(out_j), start_j * 1e-3, 1.0)
    assert abs(balance_j) <= 1e-9 * scale_j


@given(
    low_w=st.floats(0.0, 9_000.0), more_w=st.floats(1.0, 3_000.0), charge=st.floats(0.1, 1.0),
    temp_c=st.floats(-15.0, 50.0), years=st.floats(0.0, 15.0),
)  # fmt: skip
def test_more_load_means_less_voltage(
    low_w: float, more_w: float, charge: float, temp_c: float, years: float
) -> None:
    volts = []
    for load_w in (low_w, low_w + more_w):
        config = PowerConfig(battery=BatteryConfig(age_years=years))
        eps = PowerSystem(config, charge_ratio=charge, temp_c=temp_c)
        for _ in range(3):
            eps.advance(0.1, 0.0, load_w, 0.2 * load_w * 0.1)
        volts.append((eps.state.bus54_voltage_v, eps.state.bus28_voltage_v))
    for low_v, high_v in zip(volts[1], volts[0], strict=True):
        assert low_v < high_v or low_v == 0.0
    assert volts[0][0] > 0.0 or low_w > 5_000.0
