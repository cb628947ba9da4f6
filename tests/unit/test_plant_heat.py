"""Heat in C: energy closes, fronts stay sharp, faults do what they say, any shape of node runs."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim_hw._native import ffi, lib
from sim_hw.config_heat import HostConfig, LoopConfig, RadiatorConfig, StackConfig
from sim_hw.plant_config import PlantConfig
from tests.unit.heat_bench import ZERO_C_K, HeatBench
from tests.unit.heat_convergence import by_nodes, by_step

NOMINAL_KG_PER_S = 0.144
EDGE = PlantConfig(
    loop=LoopConfig(enabled=False),
    radiator=RadiatorConfig(faces=1, area_m2=0.25, panel_j_per_k=2_000.0, node_count=4),
    stack=StackConfig(core_k_per_w_min=0.2, core_k_per_w_max=0.3),
    host=HostConfig(
        rail_current_a=(0.1, 0.1, 0.1, 0.1),
        power_w=10.0,
        heat_capacity_j_per_k=500.0,
        cooling_w_per_k=2.0,
    ),
)


def loaded(config: PlantConfig | None = None, *, seconds: float = 600.0) -> HeatBench:
    """Return REF-1, or another node with a loop, warmed by a full load for some time."""
    bench = HeatBench(config, temp_c=35.0)
    bench.inputs.flow_kg_per_s = NOMINAL_KG_PER_S
    bench.inputs.host_w = 400.0
    bench.set_power(700.0)
    bench.set_sink(190.0)
    for _ in range(round(seconds / 0.1)):
        bench.advance()
    return bench


def is_finite(bench: HeatBench) -> bool:
    """Tell whether every result is a number."""
    heat = bench.heat
    found = [heat.heat_j, heat.radiated_w, heat.supply_temp_c, heat.manifold_c, heat.host_temp_c]
    found += [*heat.stack.core_c, *heat.stack.plate_c, *heat.radiator.root_c, *heat.stack.memory_c]
    return all(math.isfinite(value) for value in found)


# ---- the pipe ----


MASSES_KG = st.just(0.0) | st.floats(1e-12, 0.9)


def pipe(mass_kg: float, cells: int, temp_c: float) -> Any:
    """Return a pipe at one temperature."""
    line = ffi.new("sim_line_t *")
    lib.sim_line_init(line, mass_kg, cells, temp_c)
    return line


@given(
    cells=st.integers(1, 64),
    flows=st.lists(st.tuples(MASSES_KG, st.floats(-60.0, 130.0)), max_size=300),
    mixing_w_per_k=st.floats(0.0, 100.0),
)
def test_enthalpy_is_conserved_and_no_temperature_is_invented(
    cells: int, flows: list[tuple[float, float]], mixing_w_per_k: float
) -> None:
    line = pipe(1.0, cells, 20.0)
    put = taken = 0.0
    seen = [20.0]
    start = lib.sim_line_held(line)
    for mass_kg, temp_c in flows:
        lib.sim_line_push(line, mass_kg, temp_c)
        got = lib.sim_line_pull(line, mass_kg)
        lib.sim_line_mix(line, 3900.0, mixing_w_per_k, 0.2)
        put, taken = put + mass_kg * temp_c, taken + got
        seen.append(temp_c)
        if mass_kg > 0.0:
            assert min(seen) - 1e-6 <= got / mass_kg <= max(seen) + 1e-6
    scale = 130.0 * (1.0 + sum(mass for mass, _ in flows))
    assert abs(start + put - taken - lib.sim_line_held(line)) < 1e-9 * scale
    order = [(line.oldest + n) % 66 for n in range(line.count)]
    assert math.isclose(sum(line.mass_kg[i] for i in order), 1.0, rel_tol=1e-9)


@pytest.mark.parametrize("cells", [4, 32, 64])
@pytest.mark.parametrize("step_kg", [0.0005, 0.0144, 0.05])
def test_a_front_arrives_after_one_pipe_of_coolant_and_within_one_cell(
    cells: int, step_kg: float
) -> None:
    line = pipe(2.0, cells, 20.0)
    between_kg, arrived_kg, pushed_kg = 0.0, 0.0, 0.0
    while pushed_kg < 3.0:
        lib.sim_line_push(line, step_kg, 30.0)
        temp_c = lib.sim_line_pull(line, step_kg) / step_kg
        pushed_kg += step_kg
        between_kg += step_kg * (22.0 < temp_c < 28.0)
        arrived_kg = arrived_kg or pushed_kg * (temp_c >= 25.0)
    assert between_kg <= 2.0 / cells + 2.0 * step_kg
    assert arrived_kg == pytest.approx(2.0, abs=2.0 / cells + 2.0 * step_kg)


def test_a_front_travels_around_the_loop_without_a_blur() -> None:
    bench = HeatBench(temp_c=20.0)
    bench.inputs.flow_kg_per_s = NOMINAL_KG_PER_S
    lib.sim_line_init(ffi.addressof(bench.heat, "cold_pipe"), 1.0, 16, 20.0)
    for _ in range(16):  # the other half of the pipe is 10 K warmer
        lib.sim_line_push(ffi.addressof(bench.heat, "cold_pipe"), 1.0 / 16.0, 30.0)
    supply_c = []
    for _ in range(120):
        bench.advance()
        supply_c.append(bench.heat.supply_temp_c)
    assert supply_c[60] == pytest.approx(20.0, abs=1e-6)
    assert sum(22.0 < value < 28.0 for value in supply_c) <= 1
    assert supply_c[75] == pytest.approx(30.0, abs=1e-6)


# ---- energy ----


@settings(deadline=None)
@given(data=st.data())
def test_heat_closes_for_any_sequence_of_flow_load_valve_and_fault(data: st.DataObject) -> None:
    bench = HeatBench(temp_c=data.draw(st.floats(-30.0, 90.0)), count=data.draw(st.integers(1, 8)))
    inputs, faults = bench.inputs, bench.faults
    for _ in range(data.draw(st.integers(1, 12))):
        inputs.flow_kg_per_s = data.draw(
            st.sampled_from([0.0, 5e-324, 1e-9, 1e-4, 0.144, 0.4, 3.0])
        )
        inputs.bypass_ratio = data.draw(st.floats(-0.5, 1.5))
        inputs.host_w = data.draw(st.floats(0.0, 500.0))
        inputs.pump_w = data.draw(st.floats(0.0, 100.0))
        inputs.heater_w = [data.draw(st.sampled_from([0.0, 100.0]))] * 2
        inputs.converter_loss_w = data.draw(st.floats(0.0, 100.0))
        inputs.battery_loss_w = data.draw(st.floats(0.0, 300.0))
        inputs.environment.radiator_solar_w_per_m2 = data.draw(st.floats(0.0, 2800.0))
        bench.set_sink(data.draw(st.floats(3.0, 260.0)))
        bench.set_power(data.draw(st.floats(0.0, 1000.0)))
        faults.interface_ratio[0] = data.draw(st.floats(1.0, 20.0))
        faults.plate_open_ratio[0] = data.draw(st.floats(0.0, 1.0))
        faults.emissivity_ratio = data.draw(st.floats(0.5, 1.0))
        dt_s = data.draw(st.floats(1e-3, 0.2))
        for _ in range(data.draw(st.integers(1, 40))):
            bench.advance(dt_s)
    assert is_finite(bench)
    assert bench.unclosed_ratio < 1e-9


@pytest.mark.parametrize("config", [PlantConfig(), EDGE], ids=["ref1", "edge"])
def test_what_comes_in_is_radiated_in_the_end(config: PlantConfig) -> None:
    power_w = 700.0 if config.loop.enabled else 60.0
    bench = HeatBench(config, temp_c=35.0, count=8 if config.loop.enabled else 1)
    bench.inputs.flow_kg_per_s = NOMINAL_KG_PER_S
    bench.inputs.host_w = config.host.power_w
    bench.set_power(power_w)
    bench.set_sink(190.0)
    for _ in range(200_000):
        bench.advance(0.2)
    heat = bench.heat
    given_w = power_w * heat.stack.count + config.host.power_w
    assert heat.radiated_w - heat.absorbed_w == pytest.approx(given_w, rel=1e-6)
    assert bench.unclosed_ratio < 1e-9
    assert heat.sink_temp_k == pytest.approx(190.0)


def test_ref1_holds_105_kj_per_k_in_its_loop_and_600_j_per_k_in_an_accelerator() -> None:
    config = PlantConfig()
    loop, radiator, stack = config.loop, config.radiator, config.stack
    coolant_kg = 2.0 * loop.pipe_mass_kg + loop.manifold_mass_kg + radiator.fluid_mass_kg
    held = loop.specific_heat_j_per_kg_k * coolant_kg + radiator.panel_j_per_k
    assert held + 8.0 * stack.plate_j_per_k == pytest.approx(105_000.0)
    memory_j = stack.memory_lag_s * stack.memory_power_ratio / stack.memory_k_per_w
    assert stack.core_j_per_k + stack.package_j_per_k + memory_j == pytest.approx(600.0, rel=2e-3)


def test_core_above_mean_coolant_is_what_the_configuration_says() -> None:
    bench = loaded(seconds=3000.0)
    truth = bench.truth
    for i in range(8):
        coolant_c = 0.5 * (truth.supply_temp_c + truth.plate_outlet_temp_c[i])
        assert truth.accel_core_temp_c[i] - coolant_c == pytest.approx(700.0 * 0.045, abs=0.1)
    above_k = truth.accel_memory_temp_c[0] - bench.heat.stack.plate_c[0]
    assert above_k == pytest.approx(700.0 * PlantConfig().stack.memory_k_per_w, abs=0.1)


def test_case_7_holds_in_the_flying_radiator_of_ref1() -> None:
    bench = HeatBench(temp_c=50.0)
    bench.set_sink(190.0)
    bench.advance(1e-3)
    radiator = PlantConfig().radiator
    profile = lib.sim_fin_profile_ratio(
        ffi.addressof(bench.native, "radiator"), radiator.emissivity_ratio, 50.0 + ZERO_C_K
    )
    ideal_w = lib.sim_radiated_w(2.0, radiator.area_m2, 0.9, 50.0 + ZERO_C_K, 190.0)
    expected_w = ideal_w * lib.sim_fin_efficiency_ratio(profile)
    assert bench.heat.radiated_w - bench.heat.absorbed_w == pytest.approx(expected_w, rel=1e-4)
    assert 0.85 < expected_w / ideal_w < 0.95


# ---- no flow, ice, valve ----


def test_without_flow_plates_keep_their_heat_and_standing_coolant_only_evens_out() -> None:
    bench = loaded()
    bench.inputs.flow_kg_per_s = 0.0
    core_c, radiator_c = bench.core_c, bench.cells_c
    supply_c = bench.heat.supply_temp_c
    for _ in range(100):
        bench.advance()
    assert bench.core_c > core_c + 3.0
    assert bench.heat.supply_temp_c == pytest.approx(supply_c, abs=0.5)
    assert (bench.cells_c < radiator_c).all()  # it radiates on
    assert bench.unclosed_ratio < 1e-9


def test_coolant_that_stands_in_the_radiator_evens_out() -> None:
    apart = RadiatorConfig(film_w_per_k=1e-9, lateral_w_per_k=0.0)
    bench = HeatBench(PlantConfig(radiator=apart), temp_c=30.0)
    bench.inputs.flow_kg_per_s = 0.0
    bench.heat.radiator.fluid_c[3] = 40.0
    bench.fly(60.0)
    fluid_c = np.array(list(bench.heat.radiator.fluid_c[0 : apart.node_count]))
    node_j_per_k = 3900.0 * apart.fluid_mass_kg / apart.node_count
    given_k = 10.0 * 60.0 * 0.5 / node_j_per_k  # 0.5 W/K to each neighbour, at first
    assert fluid_c.sum() == pytest.approx(30.0 * apart.node_count + 10.0, abs=1e-6)
    assert fluid_c[[2, 4]] - 30.0 == pytest.approx(given_k, rel=0.1)


def test_a_cold_radiator_freezes_node_by_node_and_warm_coolant_thaws_it() -> None:
    bench = HeatBench(temp_c=5.0)
    bench.inputs.flow_kg_per_s = 0.002
    bench.set_sink(185.0)
    opened = []
    for _ in range(10_000):
        bench.advance(0.2)
        opened.append(bench.heat.open_ratio)
    assert opened[0] == 1.0
    assert opened[-1] < 0.2
    assert len({round(value, 1) for value in opened}) > 5
    assert bench.heat.frozen_count > 0
    assert bench.cells_c.min() < PlantConfig().loop.freeze_temp_c - 20.0  # never clipped
    bench.inputs.flow_kg_per_s = NOMINAL_KG_PER_S
    bench.set_power(700.0)
    for _ in range(12_000):
        bench.advance(0.2)
    assert bench.heat.open_ratio == 1.0
    assert bench.unclosed_ratio < 1e-9


def test_ice_keeps_heat_in_the_loop() -> None:
    frozen, clear = (
        HeatBench(PlantConfig(radiator=RadiatorConfig(header_film_ratio=ratio)), temp_c=-20.0)
        for ratio in (0.05, 1.0)
    )
    for bench in (frozen, clear):
        bench.inputs.flow_kg_per_s = 0.01
        bench.inputs.host_w = 400.0
        bench.set_sink(185.0)
        for _ in range(3_000):
            bench.advance(0.2)
        assert bench.heat.open_ratio < 0.2
    assert frozen.heat.supply_temp_c > clear.heat.supply_temp_c + 1.5
    assert frozen.heat.radiated_w < clear.heat.radiated_w


def test_boiling_is_counted_and_not_clipped() -> None:
    bench = HeatBench(temp_c=100.9)
    bench.set_power(700.0)
    for _ in range(100):
        bench.advance()
    assert bench.heat.boiling_count > 0
    assert bench.heat.warmest_c > 101.0


BYPASS = [
    ({}, 0.0, 1.0, 0.5),
    ({"bypass_stuck": 1.0}, 0.0, 1.0, 0.0),
    ({"bypass_drive_cold": 1.0}, 1.0, 1.0, 0.5),
    ({"bypass_drive_hot": 1.0}, 0.0, 0.0, 0.5),
]


@pytest.mark.parametrize(("faults", "start", "asked", "after_5_s"), BYPASS)
def test_the_valve_travels_at_its_rate_and_faults_hold_or_drive_it(
    faults: dict[str, float], start: float, asked: float, after_5_s: float
) -> None:
    bench = HeatBench(temp_c=35.0)
    bench.heat.bypass_ratio, bench.inputs.bypass_ratio = start, asked
    for name, value in faults.items():
        setattr(bench.faults, name, value)
    for _ in range(50):
        bench.advance()
    assert bench.heat.bypass_ratio == pytest.approx(after_5_s)


HEATERS = [
    (1.0, 0.0, 0.0, 1.0),
    (0.0, 0.0, 0.0, 0.0),
    (0.0, 1.0, 0.0, 1.0),
    (1.0, 0.0, 1.0, 0.0),
    (1.0, 1.0, 1.0, 0.0),
]


@pytest.mark.parametrize(("switch", "stuck_on", "stuck_off", "expected"), HEATERS)
@pytest.mark.parametrize(("heater", "heater_w"), [(0, 200.0), (1, 1400.0)])
def test_a_heater_follows_its_switch_unless_it_is_stuck(
    heater: int, heater_w: float, switch: float, stuck_on: float, stuck_off: float, expected: float
) -> None:
    bench = HeatBench(temp_c=35.0)
    bench.setpoint.loop_heater_on[heater] = switch
    bench.faults.heater_stuck_on[heater] = stuck_on
    bench.faults.heater_stuck_off[heater] = stuck_off
    assert bench.loop_heater_w(heater) == heater_w * expected
    assert bench.loop_heater_w(1 - heater) == 0.0


# ---- faults of plates and radiator ----


def test_a_worn_interface_warms_its_core_by_its_share_and_no_other() -> None:
    bench = loaded(seconds=2000.0)
    before = list(bench.truth.accel_core_temp_c)
    bench.faults.interface_ratio[2] = 1.5
    for _ in range(3000):
        bench.advance()
    rise = [now - then for now, then in zip(bench.truth.accel_core_temp_c, before, strict=True)]
    assert rise[2] - rise[3] == pytest.approx(0.5 * 0.55 * 0.045 * 700.0, rel=0.01)


def test_a_blocked_plate_overheats_and_the_others_take_its_flow() -> None:
    clear, blocked = loaded(), loaded()
    blocked.faults.plate_open_ratio[5] = 0.1
    for _ in range(1200):
        clear.advance()
        blocked.advance()
    outlets_k = [
        b - a
        for a, b in zip(
            clear.truth.plate_outlet_temp_c, blocked.truth.plate_outlet_temp_c, strict=True
        )
    ]
    assert outlets_k[5] > 20.0
    supplies_c = clear.truth.supply_temp_c, blocked.truth.supply_temp_c
    rises_k = (
        clear.truth.plate_outlet_temp_c[0] - supplies_c[0],
        blocked.truth.plate_outlet_temp_c[0] - supplies_c[1],
    )
    assert rises_k[1] / rises_k[0] == pytest.approx(7.1 / 8.0, rel=0.01)
    assert blocked.truth.accel_core_temp_c[5] > clear.truth.accel_core_temp_c[5] + 20.0


@pytest.mark.parametrize(
    ("fault", "value", "solar"), [("emissivity_ratio", 0.8, 0.0), ("absorptance_ratio", 3.0, 500.0)]
)
def test_an_aged_radiator_runs_warmer(fault: str, value: float, solar: float) -> None:
    benches = [loaded(seconds=0.1) for _ in range(2)]
    setattr(benches[1].faults, fault, value)
    for bench in benches:
        bench.inputs.environment.radiator_solar_w_per_m2 = solar
        for _ in range(6000):
            bench.advance()
    assert benches[1].heat.supply_temp_c > benches[0].heat.supply_temp_c + 1.0


# ---- shapes of node, steps ----


@settings(deadline=None, max_examples=60)
@given(
    dt_s=st.floats(1e-3, 0.2),
    nodes=st.integers(1, 64),
    cells=st.integers(1, 64),
    count=st.integers(1, 8),
    has_loop=st.booleans(),
    light=st.floats(0.01, 1.0),
    flow_kg_per_s=st.floats(0.0, 2.0),
)
def test_any_shape_is_stable_at_any_step(
    dt_s: float,
    nodes: int,
    cells: int,
    count: int,
    has_loop: bool,
    light: float,
    flow_kg_per_s: float,
) -> None:
    config = PlantConfig(
        loop=LoopConfig(enabled=has_loop, pipe_cells=cells, pipe_mass_kg=0.05 + 2.0 * light),
        radiator=RadiatorConfig(
            node_count=nodes, panel_j_per_k=500.0 + 6e4 * light, fluid_mass_kg=0.05 + 6.0 * light
        ),
        stack=StackConfig(core_j_per_k=60.0 * light, package_j_per_k=500.0 * light),
    )
    bench = HeatBench(config, temp_c=60.0, count=count)
    bench.inputs.flow_kg_per_s = flow_kg_per_s
    bench.set_sink(190.0)
    for _ in range(300):
        bench.advance(dt_s)
    # Nothing is heated: nothing is warmer than at the start, nor colder than what it radiates to.
    heat = bench.heat
    found = [*heat.stack.core_c[0:count], *heat.stack.plate_c[0:count], heat.supply_temp_c]
    found += [*heat.radiator.root_c[0:nodes], *heat.radiator.fluid_c[0:nodes], heat.manifold_c]
    assert all(190.0 - ZERO_C_K - 1e-6 < value < 60.0 + 1e-6 for value in found)
    assert bench.unclosed_ratio < 1e-9


def test_the_error_of_a_step_falls_with_it() -> None:
    rows = by_step()
    errors_k = [row.core_k for row in rows]
    assert errors_k[0] < 0.06
    assert all(later < 0.6 * sooner for sooner, later in pairwise(errors_k))
    assert all(row.supply_k < 0.2 for row in rows)


def test_the_number_of_nodes_hardly_matters() -> None:
    errors_k = {row.value: row.core_k for row in by_nodes()}
    assert errors_k[16] < 0.02
    assert errors_k[16] < 0.5 * errors_k[8] < 0.25 * errors_k[4]


def test_an_accelerator_that_is_not_there_stays_zero() -> None:
    bench = HeatBench(EDGE, temp_c=20.0, count=1)
    bench.set_power(60.0)
    bench.advance()
    assert list(bench.truth.accel_core_temp_c)[1:] == [0.0] * 7
    assert bench.truth.accel_core_temp_c[0] > 20.0


# ---- the host ----


def test_host_temperatures_settle_above_boards_and_supply() -> None:
    bench = HeatBench(temp_c=30.0)
    bench.heat.host_temp_c = 45.0
    for _ in range(1000):
        bench.advance_host(1.0, 400.0)
    host, truth = PlantConfig().host, bench.truth
    assert truth.cpu_temp_c == pytest.approx(45.0 + host.cpu_k_per_w * 400.0, abs=0.01)
    assert truth.nvme_temp_c[1] == pytest.approx(30.0 + host.nvme_offset_k, abs=0.01)
    assert truth.host_rail_temp_c[3] == pytest.approx(30.0 + host.rail_offset_k, abs=0.01)
