r"""The heat path: cores, memories, cold plates, coolant loop, radiator.

    core --R--> plate ==flow==> hot pipe ==> radiator ==> cold pipe ==> plates
                                    \______ bypass ______/

Every node is explicit Euler at 0.1 s; the fastest (a plate at full flow) has 1.3 s. The coolant is
a row of cells, so that a change travels with the flow (transport delay) and blurs a little. Heat of
host, pumps and heaters enters the first cell of the hot pipe. A memory is a reading, not a store of
heat: its capacity is in its core's. Not modelled: lateral conduction, natural convection when the
flow is zero, freezing.
"""

from typing import Any

import numpy as np

from sim_hw.plant_config import PlantConfig
from sim_hw.sun import Float64s

STEFAN_BOLTZMANN_W_PER_M2_K4 = 5.670_374_419e-8  # CODATA 2018
ZERO_C_K = 273.15

_COUNT = 8
_PIPE_CELLS = 4
_RADIATOR_CELLS = 4
_HOT_LAST = _PIPE_CELLS - 1
_RADIATOR_FIRST = _PIPE_CELLS
_RADIATOR_LAST = _PIPE_CELLS + _RADIATOR_CELLS - 1
_COLD_FIRST = _RADIATOR_LAST + 1
_CELLS = 2 * _PIPE_CELLS + _RADIATOR_CELLS
_MIXED_FLOW_RATIO = 0.2  # assumed: below this part of nominal a plate's coolant begins to mix


def radiated_w(area_m2: float, emissivity_ratio: float, temp_k: float, sink_k: float) -> float:
    """Return the net heat of a two-sided panel, in W (check cases 7 and 7b).

    Args:
        area_m2: Of the panel; both sides radiate.
    """
    conductance = 2.0 * area_m2 * emissivity_ratio * STEFAN_BOLTZMANN_W_PER_M2_K4
    return conductance * (temp_k**4 - sink_k**4)


class HeatPath:
    """Temperatures of accelerators, coolant and radiator.

    Attributes:
        core_k_per_w: Core to mean coolant of its plate, one per accelerator.
        supply_temp_c: Coolant into the plates.
        radiated_w: Of the last step.
    """

    def __init__(
        self,
        config: PlantConfig,
        image: Any,
        *,
        core_k_per_w: Float64s,
        core_temp_c: Float64s,
        coolant_temp_c: float,
    ) -> None:
        """Start with plates, pipes and radiator at one temperature and each core at its own."""
        accelerators, loop = config.accelerators, config.loop
        self.core_k_per_w = core_k_per_w
        self.supply_temp_c = coolant_temp_c
        self.radiated_w = 0.0
        self._accelerators = accelerators
        self._loop = loop
        self._truth = image.truth
        self._power_w: Float64s = image.truth.accel_power_w
        self._core_c: Float64s = image.truth.accel_core_temp_c
        self._memory_c: Float64s = image.truth.accel_memory_temp_c
        self._outlet_c: Float64s = image.truth.plate_outlet_temp_c
        self._plate_c = np.full(_COUNT, coolant_temp_c)
        self._cells_c = np.full(_CELLS, coolant_temp_c)
        self._cells_j_per_k = _cell_capacities(config)
        self._core_w_per_k = 1.0 / core_k_per_w
        self._radiation_w_per_k4 = (
            radiated_w(config.radiator.area_m2, config.radiator.emissivity_ratio, 1.0, 0.0)
            / _RADIATOR_CELLS
        )
        self._core_c[:] = core_temp_c
        self._memory_c[:] = core_temp_c
        self._outlet_c[:] = coolant_temp_c
        self._heat_w, self._rise_k, self._scratch = np.zeros((3, _COUNT))
        self._step_k = np.zeros(_CELLS)
        self._gain = np.zeros(_CELLS)
        self._fourth = np.zeros(_RADIATOR_CELLS)
        # Views, made once.
        self._up_c, self._down_c = self._cells_c[:-1], self._cells_c[1:]
        self._step_down_k = self._step_k[1:]
        self._radiator_c = self._cells_c[_RADIATOR_FIRST:_COLD_FIRST]
        self._gain_inputs: tuple[float, ...] = ()
        self._publish(coolant_temp_c)

    @property
    def heat_j(self) -> float:
        """Heat held by all nodes above 0 degC."""
        held = self._accelerators.core_j_per_k * float(self._core_c.sum())
        held += self._accelerators.plate_j_per_k * float(self._plate_c.sum())
        return held + float((self._cells_j_per_k * self._cells_c).sum())

    @property
    def mean_coolant_temp_c(self) -> float:
        """Mean temperature of pipes and radiator."""
        return float(self._cells_c.mean())

    def advance(
        self,
        dt_s: float,
        *,
        flow_kg_per_s: float,
        bypass_ratio: float,
        heat_w: float,
        sink_k: float,
    ) -> None:
        """Advance by 0 < dt_s <= 0.2.

        Args:
            flow_kg_per_s: Through all plates together, >= 0.
            bypass_ratio: Part of the flow that passes the radiator by, 0..1.
            heat_w: Heat of host, pumps and heaters into the hot pipe.
            sink_k: Equivalent sink temperature of the radiator.
        """
        return_c = self._advance_plates(dt_s, flow_kg_per_s)
        cells = self._cells_c
        np.subtract(self._up_c, self._down_c, self._step_down_k)
        self._step_k[0] = return_c - cells.item(0)
        bypass_ratio = min(max(bypass_ratio, 0.0), 1.0)
        if bypass_ratio > 0.0:
            mixed_c = cells.item(_RADIATOR_LAST) * (1.0 - bypass_ratio)
            mixed_c += cells.item(_HOT_LAST) * bypass_ratio
            self._step_k[_COLD_FIRST] = mixed_c - cells.item(_COLD_FIRST)
        self._set_gain(dt_s, flow_kg_per_s, bypass_ratio)
        np.multiply(self._step_k, self._gain, self._step_k)
        fourth = self._fourth
        np.add(self._radiator_c, ZERO_C_K, fourth)
        np.multiply(fourth, fourth, fourth)
        np.multiply(fourth, fourth, fourth)
        net_k4 = sum(fourth.tolist()) - _RADIATOR_CELLS * sink_k**4
        self.radiated_w = self._radiation_w_per_k4 * net_k4
        np.subtract(fourth, sink_k**4, fourth)
        radiator_j_per_k = self._cells_j_per_k.item(_RADIATOR_FIRST)
        np.multiply(fourth, self._radiation_w_per_k4 * dt_s / radiator_j_per_k, fourth)
        np.add(cells, self._step_k, cells)
        np.subtract(self._radiator_c, fourth, self._radiator_c)
        cells[0] += heat_w * dt_s / self._cells_j_per_k.item(0)
        self._publish(return_c)

    def _advance_plates(self, dt_s: float, flow_kg_per_s: float) -> float:
        """Advance cores, memories and plates; return the mixed temperature out of the plates."""
        config, loop = self._accelerators, self._loop
        core, plate, memory = self._core_c, self._plate_c, self._memory_c
        heat, rise, scratch = self._heat_w, self._rise_k, self._scratch
        # The coolant warms in a straight line along the plate: outlet - inlet = 2 (mean - inlet).
        slope = 1.0 + min(1.0, flow_kg_per_s / (_MIXED_FLOW_RATIO * loop.nominal_flow_kg_per_s))
        np.subtract(plate, self.supply_temp_c, rise)
        np.multiply(rise, slope, rise)
        np.add(rise, self.supply_temp_c, self._outlet_c)

        np.subtract(core, plate, heat)
        np.multiply(heat, self._core_w_per_k, heat)
        np.subtract(self._power_w, heat, scratch)
        np.multiply(scratch, dt_s / config.core_j_per_k, scratch)
        np.add(core, scratch, core)

        np.multiply(self._power_w, config.memory_k_per_w, scratch)
        np.add(scratch, plate, scratch)
        np.subtract(scratch, memory, scratch)
        np.multiply(scratch, dt_s / config.memory_lag_s, scratch)
        np.add(memory, scratch, memory)

        flow_w_per_k = flow_kg_per_s * loop.specific_heat_j_per_kg_k / _COUNT
        mean_rise_k: float = sum(rise.tolist()) / _COUNT
        np.multiply(rise, flow_w_per_k, rise)
        np.subtract(heat, rise, heat)
        np.multiply(heat, dt_s / config.plate_j_per_k, heat)
        np.add(plate, heat, plate)
        return self.supply_temp_c + mean_rise_k

    def _set_gain(self, dt_s: float, flow_kg_per_s: float, bypass_ratio: float) -> None:
        """Set the part of each cell that the flow replaces in one step."""
        inputs = (dt_s, flow_kg_per_s, bypass_ratio)
        if inputs == self._gain_inputs:
            return
        self._gain_inputs = inputs
        carried_j_per_k = dt_s * flow_kg_per_s * self._loop.specific_heat_j_per_kg_k
        np.divide(carried_j_per_k, self._cells_j_per_k, self._gain)
        self._gain[_RADIATOR_FIRST:_COLD_FIRST] *= 1.0 - bypass_ratio

    def _publish(self, return_c: float) -> None:
        self.supply_temp_c = self._cells_c.item(_CELLS - 1)
        self._truth.supply_temp_c[0] = self.supply_temp_c
        self._truth.return_temp_c[0] = return_c
        self._truth.radiator_out_temp_c[0] = self._cells_c.item(_RADIATOR_LAST)


def _cell_capacities(config: PlantConfig) -> Float64s:
    """Return the heat capacity of each cell in J/K; plates and cells make up the loop's total."""
    loop = config.loop
    pipe = loop.pipe_mass_kg * loop.specific_heat_j_per_kg_k
    plates = _COUNT * config.accelerators.plate_j_per_k
    radiator = loop.heat_capacity_j_per_k - plates - 2.0 * pipe
    cells = np.full(_CELLS, pipe / _PIPE_CELLS)
    cells[_RADIATOR_FIRST:_COLD_FIRST] = radiator / _RADIATOR_CELLS
    return cells
