"""Fine solutions of the thermal plant's equations, in numpy: nothing of them is shared with it."""

import numpy as np
from numpy.typing import NDArray

from sim_hw.plant_config import PlantConfig
from tests.unit.heat_bench import STEFAN_BOLTZMANN_W_PER_M2_K4, ZERO_C_K

Float64s = NDArray[np.float64]


def fin_efficiency(profile_ratio: float, sink_ratio: float, cells: int = 400) -> float:
    """Return what a fin gives off over what it would at its root's temperature.

    Newton's method on t'' = P (t^4 - s^4), t(0) = 1, t'(1) = 0, in finite differences.

    Args:
        sink_ratio: Temperature of the surroundings over that of the root.
    """
    step = 1.0 / cells
    t = np.ones(cells + 1)
    for _ in range(20):
        curve = np.zeros_like(t)
        curve[1:-1] = (t[:-2] - 2.0 * t[1:-1] + t[2:]) / step**2
        curve[-1] = 2.0 * (t[-2] - t[-1]) / step**2
        error = curve - profile_ratio * (t**4 - sink_ratio**4)
        error[0] = t[0] - 1.0
        jacobian = np.diag(np.full(cells + 1, -2.0 / step**2) - 4.0 * profile_ratio * t**3)
        jacobian += np.diag(np.full(cells, 1.0 / step**2), 1)
        jacobian += np.diag(np.full(cells, 1.0 / step**2), -1)
        jacobian[-1, -2] *= 2.0
        jacobian[0] = 0.0
        jacobian[0, 0] = 1.0
        t -= np.linalg.solve(jacobian, error)
    loss = t**4 - sink_ratio**4
    return float(np.sum(loss[1:] + loss[:-1]) / 2.0 * step / loss[0])


class FineLoop:
    """The loop with a cell for what flows in 0.05 s: coolant moves a cell a step, exactly.

    Attributes:
        core_c, supply_c, radiator_out_c: Results.
    """

    def __init__(
        self, config: PlantConfig, *, temp_c: float, sink_k: float, flow_kg_per_s: float
    ) -> None:
        self._stack, self._radiator, self._host = config.stack, config.radiator, config.host
        self._dt_s = 0.05
        self._cell_kg = flow_kg_per_s * self._dt_s
        self._j_per_kg_k = config.loop.specific_heat_j_per_kg_k
        pipe = round(config.loop.pipe_mass_kg / self._cell_kg)
        tubes = round(config.radiator.fluid_mass_kg / self._cell_kg)
        self._tubes = slice(pipe, pipe + tubes)
        self._cells_c = np.full(2 * pipe + tubes, temp_c)
        self._root_c = np.full(tubes, temp_c)
        self._manifold_j = config.loop.manifold_mass_kg * self._j_per_kg_k
        self._plate_flow_w_per_k = flow_kg_per_s * self._j_per_kg_k / 8.0
        self._sink_k = sink_k
        self.core_c = self.supply_c = self.radiator_out_c = temp_c
        self._package_c = self._plate_c = self._memory_c = temp_c
        self._manifold_c = self._host_c = temp_c
        self._set_conductances(0.045)
        roots_k = np.linspace(230.0, 390.0, 41)
        profiles = self._profile_per_k3() * roots_k**3
        self._efficiency = (
            roots_k, np.array([fin_efficiency(p, sink_k / k, 100) for p, k in
                               zip(profiles.tolist(), roots_k.tolist(), strict=True)]),
        )  # fmt: skip

    def _profile_per_k3(self) -> float:
        radiator = self._radiator
        conductance = radiator.fin_conductivity_w_per_m_k * radiator.fin_thickness_m
        radiation = radiator.faces * radiator.emissivity_ratio * STEFAN_BOLTZMANN_W_PER_M2_K4
        return radiation * radiator.fin_length_m**2 / conductance

    def _set_conductances(self, core_k_per_w: float) -> None:
        """Share out the resistance of the core: per watt of the module, at this flow."""
        stack = self._stack
        part = 1.0 - stack.memory_power_ratio
        interface = 1.0 - stack.core_package_ratio - stack.plate_film_ratio
        self._inner = part / (core_k_per_w * stack.core_package_ratio)
        self._outer = part / (core_k_per_w * interface)
        # The plate's heat is flow x rise, and plate - mean coolant = film x heat.
        film = core_k_per_w * stack.plate_film_ratio
        self._sink_w_per_k = 1.0 / (film + 0.5 / self._plate_flow_w_per_k)
        self._memory = stack.memory_power_ratio / stack.memory_k_per_w

    def advance(self, dt_s: float, *, power_w: float, host_w: float, pump_w: float) -> None:
        """Advance by whole steps of 0.05 s."""
        for _ in range(round(dt_s / self._dt_s)):
            return_c = self._advance_stack(power_w)
            for _ in range(5):
                part_s = self._dt_s / 5.0
                from_host_w = self._host.cooling_w_per_k * (self._host_c - self._manifold_c)
                flow_w_per_k = 8.0 * self._plate_flow_w_per_k
                into_w = from_host_w + pump_w + flow_w_per_k * (return_c - self._manifold_c)
                self._manifold_c += into_w * part_s / self._manifold_j
                self._host_c += (host_w - from_host_w) * part_s / self._host.heat_capacity_j_per_k
            self._advance_coolant()

    def _advance_stack(self, power_w: float) -> float:
        """Advance one accelerator, of eight alike, and return what the coolant leaves with."""
        stack, part_s = self._stack, self._dt_s / 5.0
        carried_j = 0.0
        self.supply_c = float(self._cells_c[-1])
        memory_j = stack.memory_lag_s * self._memory
        for _ in range(5):
            inner_w = self._inner * (self.core_c - self._package_c)
            outer_w = self._outer * (self._package_c - self._plate_c)
            memory_w = self._memory * (self._memory_c - self._plate_c)
            sink_w = self._sink_w_per_k * (self._plate_c - self.supply_c)
            given_w = stack.memory_power_ratio * power_w
            self.core_c += (power_w - given_w - inner_w) * part_s / stack.core_j_per_k
            self._package_c += (inner_w - outer_w) * part_s / stack.package_j_per_k
            self._plate_c += (outer_w + memory_w - sink_w) * part_s / stack.plate_j_per_k
            self._memory_c += (given_w - memory_w) * part_s / memory_j
            carried_j += sink_w * part_s
        return self.supply_c + carried_j / (self._plate_flow_w_per_k * self._dt_s)

    def _advance_coolant(self) -> None:
        cells, tubes, radiator = self._cells_c, self._tubes, self._radiator
        count = tubes.stop - tubes.start
        cells[1:] = cells[:-1].copy()
        cells[0] = self._manifold_c
        root_k = self._root_c + ZERO_C_K
        film_w = radiator.film_w_per_k / count * (cells[tubes] - self._root_c)
        loss = radiator.faces * radiator.area_m2 / count * radiator.emissivity_ratio
        loss *= STEFAN_BOLTZMANN_W_PER_M2_K4
        loss_w = loss * (root_k**4 - self._sink_k**4) * np.interp(root_k, *self._efficiency)
        root_j = radiator.panel_j_per_k / count
        self._root_c += (film_w - loss_w) * self._dt_s / root_j
        cells[tubes] -= film_w * self._dt_s / (self._cell_kg * self._j_per_kg_k)
        self.radiator_out_c = float(cells[tubes.stop - 1])
