"""Radiator, loop and cores against closed forms and a fine finite-difference solution."""

import math
from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from sim_hw.plant_config import PlantConfig
from sim_hw.thermal import STEFAN_BOLTZMANN_W_PER_M2_K4, ZERO_C_K, HeatPath
from tests.check_cases.heat_cases import heat_path
from tests.unit.plant_stand_in import blank_image
from tests.verify.figures import keep_figure

pytestmark = pytest.mark.verify
CONFIG = PlantConfig()
LIMIT_K = 0.2
DT_S = 0.1
FLOW_KG_PER_S = CONFIG.loop.nominal_flow_kg_per_s
FLOW_W_PER_K = FLOW_KG_PER_S * CONFIG.loop.specific_heat_j_per_kg_k
PIPE_J_PER_K = CONFIG.loop.pipe_mass_kg * CONFIG.loop.specific_heat_j_per_kg_k
PLATES_J_PER_K = 8.0 * CONFIG.accelerators.plate_j_per_k
RADIATOR_J_PER_K = CONFIG.loop.heat_capacity_j_per_k - PLATES_J_PER_K - 2.0 * PIPE_J_PER_K
RADIATION_W_PER_K4 = (
    2.0 * CONFIG.radiator.area_m2 * CONFIG.radiator.emissivity_ratio * STEFAN_BOLTZMANN_W_PER_M2_K4
)
Float64s = NDArray[np.float64]


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


@pytest.mark.parametrize("sink_k", [0.0, 190.0])
def test_a_radiator_without_flow_cools_as_the_closed_form_says(sink_k: float) -> None:
    image = blank_image()
    heat = heat_path(temp_c=60.0, image=image)
    worst_k = 0.0
    for n in range(1, 36_001):
        heat.advance(DT_S, flow_kg_per_s=0.0, bypass_ratio=0.0, heat_w=0.0, sink_k=sink_k)
        if n % 600 == 0:
            exposure = RADIATION_W_PER_K4 / RADIATOR_J_PER_K * n * DT_S
            expected_k = cooled_k(60.0 + ZERO_C_K, sink_k, exposure)
            ours_k = float(image.truth.radiator_out_temp_c[0]) + ZERO_C_K
            worst_k = max(worst_k, abs(ours_k - expected_k))
    keep_figure(
        f"radiator cooling for an hour without flow, sink {sink_k:g} K",
        against="closed form", value=worst_k, limit=LIMIT_K, unit="K",
    )  # fmt: skip


def settled(heat_w: float) -> tuple[HeatPath, SimpleNamespace]:
    """Return a loop that has carried a steady heat, from near its balance on."""
    image = blank_image()
    near_k = (heat_w / RADIATION_W_PER_K4 + 190.0**4) ** 0.25
    heat = heat_path(temp_c=near_k - ZERO_C_K, image=image)
    for _ in range(round(6000.0 / DT_S)):
        heat.advance(
            DT_S, flow_kg_per_s=FLOW_KG_PER_S, bypass_ratio=0.0, heat_w=heat_w, sink_k=190.0
        )
    return heat, image


@pytest.mark.parametrize("heat_w", [1000.0, 6053.0])
def test_a_radiator_in_steady_flow_has_the_outlet_of_the_closed_form(heat_w: float) -> None:
    heat, image = settled(heat_w)
    assert heat.radiated_w == pytest.approx(heat_w, rel=1e-3)
    inlet_k = float(heat._cells_c[3]) + ZERO_C_K
    expected_k = cooled_k(inlet_k, 190.0, RADIATION_W_PER_K4 / FLOW_W_PER_K)
    ours_k = float(image.truth.radiator_out_temp_c[0]) + ZERO_C_K
    keep_figure(
        f"radiator outlet in steady flow at {heat_w:g} W",
        against="closed form", value=abs(ours_k - expected_k), limit=LIMIT_K, unit="K",
    )  # fmt: skip


def fine_loop(heat_w: float, seconds: float, cells: int = 200) -> Callable[[float], float]:
    """Return radiator outlet over time of a loop cut into 3 x `cells` parts, at 0.02 s.

    Like the plant it has a node for cores and one for plates, and heat enters the hot pipe's first
    quarter.
    """
    dt_s = 0.02
    temps = np.full(3 * cells, 35.0)
    capacity = np.repeat([PIPE_J_PER_K, RADIATOR_J_PER_K, PIPE_J_PER_K], cells) / cells
    radiator = slice(cells, 2 * cells)
    gain = dt_s * FLOW_W_PER_K / capacity
    assert gain.max() < 1.0
    core_c = plate_c = 35.0
    outlet = []
    cores_j_per_k = 8.0 * CONFIG.accelerators.core_j_per_k
    for _ in range(round(seconds / dt_s)):
        supply_c = temps[-1]
        return_c = supply_c + 2.0 * (plate_c - supply_c)
        from_cores_w = 8.0 * (core_c - plate_c) / 0.045
        core_c -= dt_s * from_cores_w / cores_j_per_k
        carried_w = FLOW_W_PER_K * (return_c - supply_c)
        plate_c += dt_s * (from_cores_w - carried_w) / PLATES_J_PER_K
        step = np.empty_like(temps)
        step[1:] = temps[:-1] - temps[1:]
        step[0] = return_c - temps[0]
        lost = (temps[radiator] + ZERO_C_K) ** 4 - 190.0**4
        temps += gain * step
        temps[radiator] -= dt_s * RADIATION_W_PER_K4 / cells * lost / capacity[cells]
        # Spread over what is one cell of the plant.
        quarter = cells // 4
        temps[:quarter] += heat_w * dt_s / (PIPE_J_PER_K / 4.0)
        outlet.append(float(temps[2 * cells - 1]))
    return lambda time_s: outlet[round(time_s / dt_s) - 1]


def test_the_loop_follows_a_step_of_heat_as_the_fine_solution_does() -> None:
    """Known and bounded: four cells blur the front of a step, turn after turn, and radiate at the
    temperature that leaves each, so that at a given heat all the coolant is 1.2 K warmer.
    """
    seconds, heat_w = 2400.0, 6053.0
    fine = fine_loop(heat_w, seconds)
    image = blank_image()
    heat = heat_path(temp_c=35.0, image=image)
    differences_k = []
    for n in range(1, round(seconds / DT_S) + 1):
        heat.advance(
            DT_S, flow_kg_per_s=FLOW_KG_PER_S, bypass_ratio=0.0, heat_w=heat_w, sink_k=190.0
        )
        differences_k.append(float(image.truth.radiator_out_temp_c[0]) - fine(n * DT_S))
    keep_figure(
        "radiator outlet after a step of 6053 W, while its front passes",
        against="600 cells at 0.02 s", value=float(np.abs(differences_k).max()), limit=6.0,
        unit="K",
    )  # fmt: skip
    turn = round(CONFIG.loop.heat_capacity_j_per_k / FLOW_W_PER_K / DT_S)
    keep_figure(
        "radiator outlet after a step of 6053 W, mean of the last turn of the coolant in 40 min",
        against="600 cells at 0.02 s", value=abs(float(np.mean(differences_k[-turn:]))),
        limit=1.5, unit="K",
    )  # fmt: skip


def test_core_and_plate_follow_the_two_exponentials_of_conduction() -> None:
    """A step of 700 W into cores over a supply that is held: two nodes, solved exactly."""
    power_w, core_k_per_w = 700.0, 0.045
    core_j, plate_j = CONFIG.accelerators.core_j_per_k, CONFIG.accelerators.plate_j_per_k
    through, away = 1.0 / core_k_per_w, 2.0 * FLOW_W_PER_K / 8.0
    matrix = np.array(
        [[-through / core_j, through / core_j], [through / plate_j, -(through + away) / plate_j]]
    )
    values, vectors = np.linalg.eig(matrix)
    plate_k = power_w / away
    steady = np.array([plate_k + power_w * core_k_per_w, plate_k])
    weights = np.linalg.solve(vectors, -steady)
    image = blank_image()
    heat = heat_path(temp_c=40.0, core_k_per_w=core_k_per_w, image=image)
    image.truth.accel_power_w[:] = power_w
    worst_k = 0.0
    for n in range(1, 3001):
        heat._cells_c[:] = 40.0
        heat.supply_temp_c = 40.0
        heat.advance(DT_S, flow_kg_per_s=FLOW_KG_PER_S, bypass_ratio=0.0, heat_w=0.0, sink_k=190.0)
        expected = steady + vectors @ (weights * np.exp(values * n * DT_S)) + 40.0
        ours = np.array([float(image.truth.accel_core_temp_c[0]), float(heat._plate_c[0])])
        worst_k = max(worst_k, float(np.abs(ours - expected).max()))
    keep_figure(
        "core and plate after a step of 700 W",
        against="closed form", value=worst_k, limit=LIMIT_K, unit="K",
    )  # fmt: skip
