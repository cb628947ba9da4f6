"""The pumps in C: where they meet the loop, what they draw, and what a leak does to them."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim_hw._native import ffi, lib
from sim_hw.config_heat import LoopConfig
from sim_hw.plant_config import PlantConfig
from tests.unit.heat_bench import HeatBench

SHUT_OFF = 180.0 / 150.0
NOMINAL_RPM = 4000.0
BUS_V = 28.0


def flows(head_a: float, head_b: float, shut_off: float = SHUT_OFF) -> tuple[float, float]:
    """Return the flow of each pump in units of the nominal."""
    out = ffi.new("double[2]")
    total = lib.sim_pumps_flow_ratio(shut_off, head_a, head_b, out)
    assert total == pytest.approx(out[0] + out[1])
    return float(out[0]), float(out[1])


@given(speed_a=st.floats(0.0, 1.5), speed_b=st.floats(0.0, 1.5), shut_off=st.floats(1.01, 5.0))
def test_both_pumps_meet_the_loop_on_their_curves_and_nothing_runs_backwards(
    speed_a: float, speed_b: float, shut_off: float
) -> None:
    heads = [shut_off * speed**2 for speed in (speed_a, speed_b)]
    passed = flows(*heads, shut_off)
    lift = sum(passed) ** 2  # the loop's curve
    assert min(passed) >= 0.0
    for head, flow in zip(heads, passed, strict=True):
        if flow > 1e-5:
            assert head - (shut_off - 1.0) * flow**2 == pytest.approx(lift, rel=1e-6, abs=1e-9)
        else:
            assert head <= lift + 1e-9  # its check valve is shut


@pytest.mark.parametrize(
    ("rpm", "flow_ratio"),
    [
        ((4000.0, 0.0), 1.0),
        ((0.0, 4000.0), 1.0),
        ((2000.0, 0.0), 0.5),
        ((4000.0, 4000.0), math.sqrt(180.0 / 157.5)),
        ((4000.0, 2000.0), 1.0),
        ((9000.0, 0.0), 1.5),
    ],
)
def test_flow_pressure_and_speed_of_both_pumps(rpm: tuple[float, float], flow_ratio: float) -> None:
    bench = HeatBench(temp_c=35.0, pump_rpm=rpm)
    bench.fly(10.0)
    truth = bench.truth
    assert truth.flow_kg_per_s == pytest.approx(0.144 * flow_ratio, rel=1e-6)
    assert truth.pressure_kpa == pytest.approx(150.0 * flow_ratio**2, rel=1e-6)
    assert max(truth.pump_speed_rpm) <= 6000.0


def test_power_is_that_of_the_efficiency_curve() -> None:
    drawn_w = {}
    for rpm in ((4000.0, 0.0), (2000.0, 0.0), (4000.0, 4000.0), (4000.0, 3600.0)):
        bench = HeatBench(temp_c=35.0, pump_rpm=rpm)
        bench.fly(10.0)
        drawn_w[rpm] = [current * BUS_V for current in bench.truth.pump_current_a]
        assert bench.pumps.power_w == pytest.approx(sum(drawn_w[rpm]))
    assert drawn_w[4000.0, 0.0] == pytest.approx([53.0, 0.0])
    assert drawn_w[2000.0, 0.0] == pytest.approx([53.0 / 8.0, 0.0])  # the cube of speed
    each = 0.5 * math.sqrt(180.0 / 157.5)
    twice_w = 53.0 * (2.0 * each) ** 2 / (2.0 - each)
    assert drawn_w[4000.0, 4000.0] == pytest.approx([twice_w, twice_w])
    # A shut check valve: head without flow, 180 kPa (0.9 x 0.9), at half the efficiency's slope.
    assert drawn_w[4000.0, 3600.0][1] == pytest.approx(53.0 * 1.2 * 0.9**3 / 2.0)


def test_a_stopped_pump_coasts_down_and_the_other_brings_flow_back_within_3_s() -> None:
    bench = HeatBench(temp_c=35.0, pump_rpm=(NOMINAL_RPM, 0.0))
    bench.pumps_faults.torque_ratio[0] = 0.0
    bench.pumps_faults.breaker_open[0] = 1.0
    bench.advance_pumps()
    assert bench.truth.pump_current_a[0] == 0.0
    for _ in range(50):
        bench.advance_pumps()
    assert bench.truth.flow_kg_per_s < 0.01 * 0.144
    bench.setpoint.pump_speed_target_rpm[1] = NOMINAL_RPM
    for _ in range(30):
        bench.advance_pumps()
    assert bench.truth.flow_kg_per_s == pytest.approx(0.144, rel=0.01)
    for _ in range(300):
        bench.advance_pumps()
    assert list(bench.truth.pump_speed_rpm) == [0.0, NOMINAL_RPM]


def test_a_pump_without_torque_draws_its_stall_current_and_a_dead_bus_none() -> None:
    bench = HeatBench(temp_c=35.0, pump_rpm=(NOMINAL_RPM, 0.0))
    bench.pumps_faults.torque_ratio[0] = 0.0
    bench.fly(20.0)
    assert bench.truth.pump_current_a[0] == pytest.approx(4.0)
    assert bench.truth.flow_kg_per_s == 0.0
    bench.bus28_voltage_v = 0.0
    bench.advance_pumps()
    assert bench.truth.pump_current_a[0] == bench.pumps.power_w == 0.0


def test_a_worn_pump_moves_less() -> None:
    bench = HeatBench(temp_c=35.0, pump_rpm=(NOMINAL_RPM, 0.0))
    bench.pumps_faults.head_ratio[0] = 0.49
    bench.fly(10.0)
    assert bench.truth.flow_kg_per_s == pytest.approx(0.7 * 0.144, rel=1e-6)
    assert bench.truth.pump_speed_rpm[0] == NOMINAL_RPM


def test_a_leak_empties_the_accumulator_and_then_starves_the_pumps() -> None:
    bench = HeatBench(temp_c=20.0, pump_rpm=(NOMINAL_RPM, 0.0))
    assert bench.truth.accumulator_ratio == pytest.approx(0.5)
    bench.pumps_faults.leak_kg_per_s = 0.01
    for _ in range(250):
        bench.advance_pumps()
    assert bench.truth.accumulator_ratio == pytest.approx(0.25)
    assert bench.truth.flow_kg_per_s == pytest.approx(0.144)
    for _ in range(350):
        bench.advance_pumps()
    assert bench.truth.accumulator_ratio == 0.0
    assert 0.0 < bench.truth.flow_kg_per_s < 0.144
    for _ in range(200):
        bench.advance_pumps()
    assert bench.truth.flow_kg_per_s == 0.0


def test_warm_coolant_fills_the_accumulator() -> None:
    bench = HeatBench(temp_c=45.0, pump_rpm=(NOMINAL_RPM, 0.0))
    loop = PlantConfig().loop
    expected = loop.accumulator_ratio_at_20_c + 25.0 * loop.accumulator_ratio_per_k
    assert bench.truth.accumulator_ratio == pytest.approx(expected)


def test_a_node_without_a_loop_has_no_pumps() -> None:
    config = PlantConfig(loop=LoopConfig(enabled=False))
    bench = HeatBench(config, temp_c=35.0, pump_rpm=(NOMINAL_RPM, 0.0))
    bench.fly(1.0)
    assert bench.truth.flow_kg_per_s == bench.truth.pump_current_a[0] == bench.pumps.power_w == 0.0


@pytest.mark.parametrize("pair", [(0.1, 0.02), (0.2, 0.05)])
def test_cutting_a_step_changes_nothing(pair: tuple[float, float]) -> None:
    speeds = []
    for dt_s in pair:
        bench = HeatBench(temp_c=35.0)
        bench.setpoint.pump_speed_target_rpm[0] = NOMINAL_RPM
        for _ in range(round(0.8 / dt_s)):
            bench.advance_pumps(dt_s)
        speeds.append(bench.truth.pump_speed_rpm[0])
    assert speeds[0] == pytest.approx(speeds[1], rel=1e-9)
