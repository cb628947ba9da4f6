"""Radiator, loop and stack against closed forms and fine finite-difference solutions."""

import math

import numpy as np
import pytest

from sim_hw._native import ffi, lib
from sim_hw.config_heat import LoopConfig, RadiatorConfig
from sim_hw.plant_config import PlantConfig
from tests.check_cases.heat_cases import IDEAL_FINS
from tests.unit.heat_bench import STEFAN_BOLTZMANN_W_PER_M2_K4, ZERO_C_K, HeatBench
from tests.verify.figures import keep_figure
from tests.verify.fine_heat import FineLoop, fin_efficiency

pytestmark = pytest.mark.verify
CONFIG = PlantConfig()
LIMIT_K = 0.2
DT_S = 0.1
SINK_K = 190.0
FLOW_KG_PER_S = CONFIG.loop.nominal_flow_kg_per_s
FLOW_W_PER_K = FLOW_KG_PER_S * CONFIG.loop.specific_heat_j_per_kg_k
PLAIN = RadiatorConfig(film_w_per_k=1e6, lateral_w_per_k=0.0, **IDEAL_FINS)
RADIATION_W_PER_K4 = 2.0 * PLAIN.area_m2 * PLAIN.emissivity_ratio * STEFAN_BOLTZMANN_W_PER_M2_K4
RADIATOR_J_PER_K = PLAIN.panel_j_per_k + PLAIN.fluid_mass_kg * CONFIG.loop.specific_heat_j_per_kg_k


def cooled_k(start_k: float, sink_k: float, exposure_s_per_j_k: float) -> float:
    """Return where dT/dx = -k (T^4 - Ts^4) leads from start_k over an exposure of k x.

    The integral is in closed form; only its inversion is by bisection, to 1e-9 K.
    """

    def passed(temp_k: float) -> float:
        if sink_k == 0.0:
            return 1.0 / (3.0 * temp_k**3)
        ratio = math.log((temp_k + sink_k) / (temp_k - sink_k)) / 2.0
        return (ratio + math.atan(temp_k / sink_k)) / (2.0 * sink_k**3)

    low, high = sink_k + 1e-9, start_k
    while high - low > 1e-9:
        middle = 0.5 * (low + high)
        is_too_warm = passed(middle) - passed(start_k) < exposure_s_per_j_k
        low, high = (low, middle) if is_too_warm else (middle, high)
    return 0.5 * (low + high)


def plain_bench(temp_c: float, sink_k: float) -> HeatBench:
    """Return a loop whose radiator has no film and fins as warm as their roots."""
    never_frozen = LoopConfig(freeze_temp_c=-100.0)
    bench = HeatBench(PlantConfig(radiator=PLAIN, loop=never_frozen), temp_c=temp_c)
    bench.set_sink(sink_k)
    return bench


@pytest.mark.parametrize("sink_k", [0.0, SINK_K])
def test_a_radiator_without_flow_cools_as_the_closed_form_says(sink_k: float) -> None:
    bench = plain_bench(60.0, sink_k)
    worst_k = 0.0
    for n in range(1, 36_001):
        bench.advance()
        if n % 600 == 0:
            exposure = RADIATION_W_PER_K4 / RADIATOR_J_PER_K * n * DT_S
            expected_k = cooled_k(60.0 + ZERO_C_K, sink_k, exposure)
            worst_k = max(worst_k, abs(bench.cells_c[-1] + ZERO_C_K - expected_k))
    keep_figure(
        f"radiator cooling for an hour without flow, sink {sink_k:g} K",
        against="closed form", value=worst_k, limit=LIMIT_K, unit="K",
    )  # fmt: skip


def settle(bench: HeatBench, heat_w: float) -> None:
    """Carry a steady heat until nothing changes."""
    bench.inputs.flow_kg_per_s = FLOW_KG_PER_S
    bench.inputs.heater_w[0] = heat_w
    for _ in range(round(6000.0 / DT_S)):
        bench.advance()
    assert bench.heat.radiated_w - bench.heat.absorbed_w == pytest.approx(heat_w, rel=1e-3)


@pytest.mark.parametrize("heat_w", [1000.0, 6053.0])
def test_a_radiator_in_steady_flow_has_the_outlet_of_the_closed_form(heat_w: float) -> None:
    near_k = (heat_w / RADIATION_W_PER_K4 + SINK_K**4) ** 0.25
    bench = plain_bench(near_k - ZERO_C_K, SINK_K)
    settle(bench, heat_w)
    inlet_k = lib.sim_line_outlet_c(ffi.addressof(bench.heat, "hot_pipe")) + ZERO_C_K
    expected_k = cooled_k(inlet_k, SINK_K, RADIATION_W_PER_K4 / FLOW_W_PER_K)
    keep_figure(
        f"radiator outlet in steady flow at {heat_w:g} W",
        against="closed form",
        value=abs(bench.heat.radiator.outlet_c + ZERO_C_K - expected_k), limit=LIMIT_K, unit="K",
    )  # fmt: skip


def test_fins_of_ref1_give_off_what_a_fine_solution_of_their_equation_says() -> None:
    radiator = CONFIG.radiator
    conductance = radiator.fin_conductivity_w_per_m_k * radiator.fin_thickness_m
    worst = 0.0
    for root_k in (250.0, 290.0, 330.0, 370.0):
        profile = radiator.faces * radiator.emissivity_ratio * STEFAN_BOLTZMANN_W_PER_M2_K4
        profile *= root_k**3 * radiator.fin_length_m**2 / conductance
        ours = lib.sim_fin_efficiency_ratio(profile)
        worst = max(worst, abs(ours - fin_efficiency(profile, SINK_K / root_k)))
    keep_figure(
        "fin efficiency between 250 and 370 K",
        against="400 cells", value=100.0 * worst, limit=0.2, unit="%",
    )  # fmt: skip


def test_the_loop_of_ref1_follows_a_step_of_power_as_the_fine_solution_does() -> None:
    bench = HeatBench(temp_c=35.0)
    bench.set_sink(SINK_K)
    bench.set_power(700.0)
    bench.inputs.flow_kg_per_s = FLOW_KG_PER_S
    bench.inputs.host_w, bench.inputs.pump_w = 400.0, 53.0
    fine = FineLoop(CONFIG, temp_c=35.0, sink_k=SINK_K, flow_kg_per_s=FLOW_KG_PER_S)
    worst_k = dict.fromkeys(("core", "radiator outlet", "supply"), 0.0)
    for _ in range(round(2400.0 / DT_S)):
        bench.advance()
        fine.advance(DT_S, power_w=700.0, host_w=400.0, pump_w=53.0)
        heat = bench.heat
        for name, ours, theirs in (
            ("core", bench.core_c, fine.core_c),
            ("radiator outlet", heat.radiator.outlet_c, fine.radiator_out_c),
            ("supply", heat.supply_temp_c, fine.supply_c),
        ):
            worst_k[name] = max(worst_k[name], abs(ours - theirs))
    for name, value in worst_k.items():
        keep_figure(
            f"{name} for 40 min after a step to full load",
            against="1388 cells at 0.05 s", value=value, limit=LIMIT_K, unit="K",
        )  # fmt: skip


def test_the_stack_follows_the_exponentials_of_conduction() -> None:
    """A step of 700 W over a supply that is held: four nodes, solved exactly."""
    stack, power_w = CONFIG.stack, 700.0
    bench = HeatBench(temp_c=40.0)
    bench.inputs.flow_kg_per_s = FLOW_KG_PER_S
    bench.set_power(power_w)
    bench.advance(1e-9)  # conductances are worked out by the first step
    native = bench.heat.stack
    inner, outer = native.core_package_w_per_k[0], native.interface_w_per_k[0]
    memory, sink = native.memory_w_per_k, native.sink_w_per_k[0]
    flows = np.array(
        [
            [-inner, inner, 0.0, 0.0],
            [inner, -inner - outer, outer, 0.0],
            [0.0, outer, -outer - memory - sink, memory],
            [0.0, 0.0, memory, -memory],
        ]
    )
    part = stack.memory_power_ratio
    given = np.array([(1.0 - part) * power_w, 0.0, 0.0, part * power_w])
    memory_j = stack.memory_lag_s * memory
    capacity = np.array([stack.core_j_per_k, stack.package_j_per_k, stack.plate_j_per_k, memory_j])
    values, vectors = np.linalg.eig(flows / capacity[:, None])
    steady = np.linalg.solve(flows, -given)
    weights = np.linalg.solve(vectors, -steady)
    worst_k = 0.0
    for n in range(1, 3001):
        lib.sim_line_init(ffi.addressof(bench.heat, "cold_pipe"), 2.0, 32, 40.0)
        bench.advance()
        expected = steady + vectors @ (weights * np.exp(values * n * DT_S)) + 40.0
        ours = np.array([native.core_c[0], native.package_c[0], native.plate_c[0]])
        worst_k = max(worst_k, float(np.abs(ours - expected[:3]).max()))
    keep_figure(
        "core, package and plate after a step of 700 W",
        against="closed form", value=worst_k, limit=LIMIT_K, unit="K",
    )  # fmt: skip
