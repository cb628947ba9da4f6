"""How the thermal plant's results depend on the step and on the number of nodes.

REF-1 goes from idle to full load and, hot, loses a pump until the other one takes over. Each figure
is the largest difference from the finest solution at any time.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sim_hw.config_heat import LoopConfig, RadiatorConfig
from sim_hw.plant_config import PlantConfig
from tests.unit.heat_bench import HeatBench

Float64s = NDArray[np.float64]

STEPS_S = (0.2, 0.1, 0.05, 0.025)
FINEST_S = 0.1 / 16.0
NODES = (4, 8, 16, 32)
FINEST_NODES = 64
_EACH_S = 0.2  # results are compared at these instants
_SECONDS = 400.0
NOMINAL_RPM = 4000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """Core and supply at the same instants, in degC."""

    core_c: Float64s
    supply_c: Float64s


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Largest differences from the finest solution, in K."""

    value: float
    core_k: float
    supply_k: float


def fly(config: PlantConfig, dt_s: float) -> Flight:
    """Return the case, computed in steps of dt_s: a part of 0.2 s."""
    bench = HeatBench(config, temp_c=40.0, core_k_per_w=0.05, pump_rpm=(NOMINAL_RPM, 0.0))
    bench.inputs.host_w = 400.0
    bench.set_sink(190.0)
    results = np.empty((2, round(_SECONDS / _EACH_S)))
    for n in range(results.shape[1]):
        time_s = n * _EACH_S
        bench.set_power(70.0 if time_s < 20.0 else 700.0 if time_s < 302.0 else 200.0)
        bench.pumps_faults.torque_ratio[0] = 1.0 if time_s < 300.0 else 0.0
        bench.setpoint.pump_speed_target_rpm[1] = 0.0 if time_s < 304.0 else NOMINAL_RPM
        bench.fly(_EACH_S, dt_s)
        results[:, n] = bench.core_c, bench.heat.supply_temp_c
    return Flight(core_c=results[0], supply_c=results[1])


def compare(flight: Flight, finest: Flight, value: float) -> Row:
    """Return the largest differences of two flights."""
    return Row(
        value=value,
        core_k=float(np.abs(flight.core_c - finest.core_c).max()),
        supply_k=float(np.abs(flight.supply_c - finest.supply_c).max()),
    )


def by_step() -> list[Row]:
    """Return a row for each step."""
    finest = fly(PlantConfig(), FINEST_S)
    return [compare(fly(PlantConfig(), dt_s), finest, dt_s) for dt_s in STEPS_S]


def by_nodes() -> list[Row]:
    """Return a row for each number of nodes of the radiator and twice as many cells of a pipe."""

    def cut(nodes: int) -> Flight:
        config = PlantConfig(
            radiator=RadiatorConfig(node_count=nodes),
            loop=LoopConfig(pipe_cells=min(2 * nodes, FINEST_NODES)),
        )
        return fly(config, 0.025)

    finest = cut(FINEST_NODES)
    return [compare(cut(nodes), finest, nodes) for nodes in NODES]
