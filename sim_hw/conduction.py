"""The heat path of a node without a coolant loop: cores, spreaders, straps, one radiator node.

    core --R--> spreader --strap--> radiator --> space
                            host ------^

Explicit Euler at 0.1 s; the fastest node, a spreader, has a minute. The radiator is one node: what
its fins lose is in its effective area. The truths of a loop that a node has not (supply, return,
plates) follow the radiator.
"""

from typing import Any

from sim_hw.plant_config import PlantConfig
from sim_hw.sun import Float64s
from sim_hw.thermal import ZERO_C_K, radiated_w


class ConductionPath:
    """Temperatures of accelerators and radiator.

    Attributes:
        core_k_per_w: Core to its spreader, one per accelerator.
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
        accelerator_count: int,
    ) -> None:
        """Start with spreaders and radiator at `coolant_temp_c` and each core at its own."""
        self.core_k_per_w = core_k_per_w
        self.radiated_w = 0.0
        self._config = config
        self._truth = image.truth
        self._count = accelerator_count
        self._core_c: list[float] = core_temp_c[:accelerator_count].tolist()
        self._spreader_c = [coolant_temp_c] * accelerator_count
        self._memory_c = list(self._core_c)
        self._radiator_c = coolant_temp_c
        image.truth.accel_core_temp_c[:] = core_temp_c
        image.truth.accel_memory_temp_c[:] = core_temp_c
        self._publish()

    @property
    def heat_j(self) -> float:
        """Heat held by all nodes above 0 degC."""
        accelerators = self._config.accelerators
        held = accelerators.core_j_per_k * sum(self._core_c)
        held += accelerators.plate_j_per_k * sum(self._spreader_c)
        return held + self._config.radiator.heat_capacity_j_per_k * self._radiator_c

    @property
    def supply_temp_c(self) -> float:
        """Of the radiator, on which everything sits."""
        return self._radiator_c

    @property
    def mean_coolant_temp_c(self) -> float:
        """Of the radiator; there is no coolant."""
        return self._radiator_c

    def advance(
        self,
        dt_s: float,
        *,
        flow_kg_per_s: float,
        bypass_ratio: float,
        heat_w: float,
        sink_k: float,
    ) -> None:
        """Advance by 0 < dt_s <= 0.2. Flow and bypass mean nothing here; heat_w: of the host."""
        accelerators, radiator = self._config.accelerators, self._config.radiator
        into_w = heat_w
        for i, power_w in enumerate(self._truth.accel_power_w[: self._count].tolist()):
            core_w = (self._core_c[i] - self._spreader_c[i]) / self.core_k_per_w.item(i)
            strap_w = (self._spreader_c[i] - self._radiator_c) * radiator.strap_w_per_k
            memory_c = self._spreader_c[i] + accelerators.memory_k_per_w * power_w
            self._memory_c[i] += (memory_c - self._memory_c[i]) * dt_s / accelerators.memory_lag_s
            self._core_c[i] += (power_w - core_w) * dt_s / accelerators.core_j_per_k
            self._spreader_c[i] += (core_w - strap_w) * dt_s / accelerators.plate_j_per_k
            into_w += strap_w
        area_m2, emissivity = radiator.area_m2, radiator.emissivity_ratio
        self.radiated_w = radiated_w(area_m2, emissivity, self._radiator_c + ZERO_C_K, sink_k)
        change_j = (into_w - self.radiated_w) * dt_s
        self._radiator_c += change_j / radiator.heat_capacity_j_per_k
        self._publish()

    def _publish(self) -> None:
        truth, count = self._truth, self._count
        truth.accel_core_temp_c[:count] = self._core_c
        truth.accel_memory_temp_c[:count] = self._memory_c
        truth.plate_outlet_temp_c[:] = self._radiator_c
        for field in (truth.supply_temp_c, truth.return_temp_c, truth.radiator_out_temp_c):
            field[0] = self._radiator_c
