"""The plant: orbit, power system, coolant loop and accelerators of one node, advanced together.

Truths go into the plant image, set-points and knobs come from it; the plant touches nothing else.
The equations are in C, one file per discipline (sim_hw/csrc/plant/). Same config, seed, start,
set-points and faults: same numbers.
"""

import random
from dataclasses import dataclass
from typing import Any

import numpy as np

from sim_hw.devices import Fields, PlantImage
from sim_hw.orbit import Orbit
from sim_hw.plant_config import PlantConfig
from sim_hw.plant_native import ACCELERATORS_MAX, NativePlant
from sim_hw.sun import Float64s

DT_S_MAX = 0.2
"""The longest step, in s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantStart:
    """The state a flight begins in.

    Args:
        charge_ratio: Of the battery, 0..1.
        temp_c: Of all nodes that have no override.
        core_temp_c: Override, one per accelerator.
        coolant_temp_c: Override for plates, pipes and radiator.
        battery_temp_c: Override.
        rails_on: True: switches are closed, accelerators booted with caps at their maximum, pump a
            at nominal speed; the set-points are written to say so. False: they are left alone.
    """

    charge_ratio: float = 0.95
    temp_c: float = 35.0
    core_temp_c: tuple[float, ...] | None = None
    coolant_temp_c: float | None = None
    battery_temp_c: float | None = None
    rails_on: bool = False

    def __post_init__(self) -> None:
        if not 0.0 <= self.charge_ratio <= 1.0:
            raise ValueError(f"charge_ratio = {self.charge_ratio}: give 0 to 1")
        if self.core_temp_c is not None and len(self.core_temp_c) != ACCELERATORS_MAX:
            count = len(self.core_temp_c)
            raise ValueError(f"core_temp_c has {count} values: give {ACCELERATORS_MAX}")


@dataclass(slots=True)
class EnergyLedger:
    """Energy in, out and held since the start, in J: check case 27.

    Electrical: array in, loads and battery losses out, battery held. Thermal: loads and battery
    losses in, what the radiator gives off and the battery leaks out, all nodes held. What
    converters and wiring lose (`converter_loss_j`) counts with the loads; in `rejected_j` what the
    radiator takes up (`absorbed_j`) is subtracted, and what leaks (`leaked_j`) is contained.
    """

    generated_j: float = 0.0
    load_j: float = 0.0
    loss_j: float = 0.0
    rejected_j: float = 0.0
    converter_loss_j: float = 0.0
    absorbed_j: float = 0.0
    leaked_j: float = 0.0
    stored_start_j: float = 0.0
    stored_j: float = 0.0
    heat_start_j: float = 0.0
    heat_j: float = 0.0

    @property
    def electrical_error_ratio(self) -> float:
        """Imbalance of the electrical side over its throughput, >= 0."""
        balance = self.generated_j - self.load_j - self.loss_j
        error = abs(balance - (self.stored_j - self.stored_start_j))
        return error / max(self.generated_j, self.load_j, 1.0)

    @property
    def thermal_error_ratio(self) -> float:
        """Imbalance of the thermal side over its throughput, >= 0."""
        balance = self.load_j + self.loss_j - self.rejected_j
        error = abs(balance - (self.heat_j - self.heat_start_j))
        return error / max(self.load_j + self.loss_j, self.rejected_j, 1.0)


class Plant:
    """One node's physics over a plant image.

    Attributes:
        utilisation_target: What the workload asks of each accelerator, 0..1; write in place.
        faults: Faults that live in the plant, neutral at start; write the arrays in place.
        core_k_per_w: Core to coolant, drawn by seed.
    """

    utilisation_target: Float64s
    faults: Fields
    core_k_per_w: Float64s

    def __init__(
        self,
        config: PlantConfig,
        image: PlantImage,
        orbit: Orbit,
        *,
        start: PlantStart,
        seed: int,
        accelerator_count: int = ACCELERATORS_MAX,
    ) -> None:
        """Put the plant into its start state and write all truths once.

        Args:
            accelerator_count: 1..8; what the image holds of the others stays 0.

        Raises:
            ValueError: accelerator_count is out of range (a bug in the caller).
        """
        if not 1 <= accelerator_count <= ACCELERATORS_MAX:
            raise ValueError(f"accelerator_count out of range: {accelerator_count}")
        rng = random.Random(f"plant {seed}")
        low, high = config.stack.core_k_per_w_min, config.stack.core_k_per_w_max
        coolant = start.temp_c if start.coolant_temp_c is None else start.coolant_temp_c
        battery = start.temp_c if start.battery_temp_c is None else start.battery_temp_c
        values: dict[str, Any] = {
            "accelerator_count": accelerator_count,
            "rails_on": int(start.rails_on),
            "seed": seed,
            "charge_ratio": start.charge_ratio,
            "host_temp_c": start.temp_c,
            "coolant_temp_c": coolant,
            "battery_temp_c": battery,
            "core_temp_c": start.core_temp_c or (start.temp_c,) * ACCELERATORS_MAX,
            "core_k_per_w": [rng.uniform(low, high) for _ in range(ACCELERATORS_MAX)],
        }
        self.native = NativePlant(config, image, orbit, values)
        data = self._data = self.native.data
        self.faults = self.native.faults
        self.utilisation_target = self.native.view(data.accelerators, "utilisation_target")
        self.core_k_per_w = np.array(values["core_k_per_w"][:accelerator_count])

    @property
    def time_s(self) -> float:
        """Time since the start of the flight."""
        return float(self._data.time_s)

    @property
    def load_w(self) -> float:
        """What the node took from array and battery in the last step: loads, converters, wiring."""
        return float(self._data.load_w)

    @property
    def accelerator_power_w(self) -> float:
        """All modules in the last step."""
        return float(self._data.modules_w)

    @property
    def energy(self) -> EnergyLedger:
        """The energy ledger as it is now."""
        data = self._data.ledger
        return EnergyLedger(
            generated_j=data.generated_j,
            load_j=data.load_j,
            loss_j=data.battery_loss_j,
            rejected_j=data.radiated_j - data.absorbed_j + data.leak_j,
            converter_loss_j=data.converter_loss_j,
            absorbed_j=data.absorbed_j,
            leaked_j=data.leak_j,
            stored_start_j=data.stored_start_j,
            stored_j=self._data.power.stored_j,
            heat_start_j=data.heat_start_j,
            heat_j=self._data.heat.heat_j,
        )

    def advance(self, dt_s: float) -> None:
        """Advance all truths by one step with the set-points, knobs and faults as they are now.

        Args:
            dt_s: 0 < dt_s <= 0.2.

        Raises:
            ValueError: dt_s is out of range (a bug in the caller).
        """
        if not 0.0 < dt_s <= DT_S_MAX:
            raise ValueError(f"dt_s out of range: {dt_s}")
        self.native.advance(dt_s)

    def follow_switches(self) -> None:
        """Let a switch that a part has just opened by itself take its load's supply at once."""
        self.native.follow_switches()
