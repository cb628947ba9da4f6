"""The plant: orbit, power system, coolant loop and accelerators of one node, advanced together.

Truths go into the plant image, set-points and knobs come from it; the plant touches nothing else.
One `advance` per cycle costs about 30 us. Same config, seed, start, set-points and faults: same
numbers.
"""

import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sim_hw.accelerators import Accelerators
from sim_hw.conduction import ConductionPath
from sim_hw.eps import PowerSystem, SpacecraftBus
from sim_hw.orbit import Orbit
from sim_hw.plant_config import PlantConfig
from sim_hw.pumps import Pumps
from sim_hw.sun import Float64s
from sim_hw.thermal import HeatPath

_COUNT = 8
_DT_S_MAX = 0.2
_SLOW_S = 1.0


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
        if self.core_temp_c is not None and len(self.core_temp_c) != _COUNT:
            raise ValueError(f"core_temp_c has {len(self.core_temp_c)} values: give {_COUNT}")


@dataclass(slots=True)
class PlantFaults:
    """Faults that live in the plant; neutral at start.

    The injector writes the arrays in place: the parts of the plant hold the same arrays.
    """

    pump_torque_ratio: Float64s = field(default_factory=lambda: np.ones(2))  # 1 healthy, 0 stopped
    pump_breaker_open: Float64s = field(default_factory=lambda: np.zeros(2))  # 1: no supply
    latch_current_a: Float64s = field(default_factory=lambda: np.zeros(_COUNT))  # auxiliary rails
    string_ok: Float64s = field(default_factory=lambda: np.ones(_COUNT))  # 1 healthy, 0 lost


@dataclass(slots=True)
class EnergyLedger:
    """Energy in, out and held since the start, in J: check case 27.

    Electrical: array in, loads and battery losses out, battery held. Thermal: loads and battery
    losses in, radiator and battery leak out, all nodes held.
    """

    generated_j: float = 0.0
    load_j: float = 0.0
    loss_j: float = 0.0
    rejected_j: float = 0.0
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
    """One node's physics over a plant image (`sim_plant_image_t` as numpy views).

    Attributes:
        time_s: Since the start of the flight.
        utilisation_target: What the workload asks of each accelerator, 0..1; write in place.
        faults: Faults that live in the plant; write its arrays in place.
        core_k_per_w: Core to coolant, drawn by seed.
        load_w: All electrical loads in the last step.
        accelerator_power_w: All modules in the last step.
    """

    def __init__(
        self,
        config: PlantConfig,
        image: Any,
        orbit: Orbit,
        *,
        start: PlantStart,
        seed: int,
        accelerator_count: int = _COUNT,
    ) -> None:
        """Put the plant into its start state and write all truths once.

        Args:
            accelerator_count: Of a node without a loop; with one there are always eight plates.
        """
        rng = random.Random(f"plant {seed}")
        low, high = config.accelerators.core_k_per_w_min, config.accelerators.core_k_per_w_max
        self.time_s = 0.0
        self.faults = PlantFaults()
        self.core_k_per_w = np.array([rng.uniform(low, high) for _ in range(_COUNT)])
        self.load_w = self.accelerator_power_w = 0.0
        self._config = config
        self._image = image
        self._orbit = orbit
        self._slow_s = 0.0
        if start.rails_on:
            _close_all_switches(config, image, accelerator_count)
        self._accelerators = Accelerators(config.accelerators, image, self.faults.latch_current_a)
        self.utilisation_target = self._accelerators.utilisation_target
        core_temp_c = start.core_temp_c or (start.temp_c,) * _COUNT
        coolant = start.temp_c if start.coolant_temp_c is None else start.coolant_temp_c
        battery = start.temp_c if start.battery_temp_c is None else start.battery_temp_c
        self._heat = _heat_path(
            config, image, self.core_k_per_w, core_temp_c, coolant, accelerator_count
        )
        self._eps = _power_system(config, image, start.charge_ratio, battery, self.faults.string_ok)
        self._pumps = Pumps(
            config.loop,
            image,
            bus_voltage_v=config.host.bus28_voltage_v,
            torque_ratio=self.faults.pump_torque_ratio,
            breaker_open=self.faults.pump_breaker_open,
        )
        if start.rails_on:
            self._accelerators.skip_boot()
            self._pumps.set_speed((config.loop.nominal_speed_rpm * config.loop.enabled, 0.0))
            self._pumps.advance(0.1, bus_on=True)
        self._accelerators.advance(1e-9, self._eps.bus_voltage_v)
        self._start_slow_truths(start.temp_c)
        self._ledger = EnergyLedger(
            stored_start_j=self._eps.stored_j, heat_start_j=self._held_heat_j()
        )
        image.time_s[0] = 0.0

    @property
    def energy(self) -> EnergyLedger:
        """The energy ledger, brought up to now. The same object each time."""
        self._ledger.stored_j = self._eps.stored_j
        self._ledger.heat_j = self._held_heat_j()
        return self._ledger

    def advance(self, dt_s: float) -> None:
        """Advance all truths by one step with the set-points, knobs and faults as they are now.

        Args:
            dt_s: 0 < dt_s <= 0.2.

        Raises:
            ValueError: dt_s is out of range (a bug in the caller).
        """
        if not 0.0 < dt_s <= _DT_S_MAX:
            raise ValueError(f"dt_s out of range: {dt_s}")
        setpoint, eps, pumps = self._image.setpoint, self._eps, self._pumps
        accelerators, heat, ledger = self._accelerators, self._heat, self._ledger
        environment = self._orbit.environment(self.time_s + 0.5 * dt_s)
        bus_on = eps.bus_on
        modules_w = accelerators.advance(dt_s, eps.bus_voltage_v)
        pumps.advance(dt_s, bus_on=bus_on)
        other_w = battery_heater_w = 0.0
        if bus_on:
            other_w = self._config.host.power_w + pumps.power_w + accelerators.latch_power_w
            heaters_on = sum(setpoint.loop_heater_on.tolist())
            other_w += heaters_on * self._config.loop.heater_w
            battery_heater_w = setpoint.battery_heater_on.item() * self._config.battery.heater_w
        heat.advance(
            dt_s,
            flow_kg_per_s=pumps.flow_kg_per_s,
            bypass_ratio=setpoint.bypass_ratio.item(),
            heat_w=other_w,
            sink_k=environment.sink_temp_k,
        )
        load_w = modules_w + other_w + battery_heater_w
        eps.advance(dt_s, environment.sunlight_ratio, load_w, battery_heater_w)
        ledger.generated_j += eps.generated_w * dt_s
        ledger.load_j += load_w * dt_s
        ledger.loss_j += eps.loss_w * dt_s
        ledger.rejected_j += (heat.radiated_w + eps.leak_w) * dt_s
        self.load_w = load_w
        self.accelerator_power_w = modules_w
        self.time_s += dt_s
        self._image.time_s[0] = self.time_s
        self._slow_s += dt_s
        if self._slow_s >= _SLOW_S:
            self._advance_slow_truths(self._slow_s)
            self._slow_s = 0.0

    def follow_switches(self) -> None:
        """Let a switch that a part has just opened by itself take its load's supply at once."""
        self._accelerators.follow_switches(bus_on=self._eps.bus_voltage_v > 0.0)

    def _held_heat_j(self) -> float:
        if not self._config.battery.enabled:
            return self._heat.heat_j
        battery_j = self._eps.temp_c * self._config.battery.heat_capacity_j_per_k
        return self._heat.heat_j + battery_j

    def _start_slow_truths(self, temp_c: float) -> None:
        truth, host = self._image.truth, self._config.host
        for name in ("module_temp_c", "payload_temp_c", "cpu_temp_c"):
            getattr(truth, name)[:] = temp_c
        truth.host_rail_temp_c[:] = temp_c
        truth.nvme_temp_c[:] = temp_c
        truth.nvme_wear_ratio[:] = host.nvme_wear_ratio
        truth.disk_free_ratio[0] = host.disk_free_ratio
        self._advance_slow_truths(1e-9)

    def _advance_slow_truths(self, dt_s: float) -> None:
        """Advance what takes many seconds to change: switches, host, accumulator."""
        truth, host, loop = self._image.truth, self._config.host, self._config.loop
        accelerators = self._config.accelerators
        supply_c = self._heat.supply_temp_c
        bus_on = 1.0 if self._eps.bus_on else 0.0
        part = min(1.0, dt_s / accelerators.switch_lag_s)
        wanted_c = supply_c + accelerators.switch_k_per_a * truth.module_current_a
        truth.module_temp_c[:] += part * (wanted_c - truth.module_temp_c)
        mean_a = truth.payload_current_a / _COUNT
        wanted_c = supply_c + accelerators.switch_k_per_a * mean_a
        truth.payload_temp_c[:] += part * (wanted_c - truth.payload_temp_c)
        part = min(1.0, dt_s / host.lag_s)
        cpu_c = supply_c + host.cpu_k_per_w * host.power_w * bus_on
        truth.cpu_temp_c[:] += part * (cpu_c - truth.cpu_temp_c)
        truth.nvme_temp_c[:] += part * (supply_c + host.nvme_offset_k - truth.nvme_temp_c)
        truth.host_rail_temp_c[:] += part * (supply_c + host.rail_offset_k - truth.host_rail_temp_c)
        on = self._image.setpoint.host_rail_enabled * bus_on
        truth.host_rail_voltage_v[:] = on * host.rail_voltage_v
        truth.host_rail_current_a[:] = on * host.rail_current_a
        above_k = self._heat.mean_coolant_temp_c - 20.0
        level = loop.accumulator_ratio_at_20_c + loop.accumulator_ratio_per_k * above_k
        truth.accumulator_ratio[0] = min(max(level, 0.0), 1.0)


def _heat_path(
    config: PlantConfig,
    image: Any,
    core_k_per_w: Float64s,
    core_temp_c: tuple[float, ...],
    coolant_temp_c: float,
    accelerator_count: int,
) -> HeatPath | ConductionPath:
    """Return the loop, or the straps of a node that has none."""
    if config.loop.enabled:
        return HeatPath(
            config,
            image,
            core_k_per_w=core_k_per_w,
            core_temp_c=np.array(core_temp_c),
            coolant_temp_c=coolant_temp_c,
        )
    return ConductionPath(
        config,
        image,
        core_k_per_w=core_k_per_w,
        core_temp_c=np.array(core_temp_c),
        coolant_temp_c=coolant_temp_c,
        accelerator_count=accelerator_count,
    )


def _power_system(
    config: PlantConfig, image: Any, charge_ratio: float, temp_c: float, string_ok: Float64s
) -> PowerSystem | SpacecraftBus:
    """Return array and battery, or the bus of a spacecraft that has them."""
    if not config.battery.enabled:
        return SpacecraftBus(config.host, image)
    return PowerSystem(
        config.array,
        config.battery,
        image,
        charge_ratio=charge_ratio,
        temp_c=temp_c,
        bus28_voltage_v=config.host.bus28_voltage_v,
        string_ok=string_ok,
    )


def _close_all_switches(config: PlantConfig, image: Any, accelerator_count: int) -> None:
    """Write the set-points of a node that already runs; the only set-points a plant ever writes."""
    setpoint = image.setpoint
    setpoint.module_enabled[:accelerator_count] = setpoint.aux_enabled[:accelerator_count] = 1.0
    setpoint.payload_enabled[:] = setpoint.host_rail_enabled[:] = 1.0
    setpoint.accel_cap_w[:] = config.accelerators.cap_max_w
    setpoint.accel_clock_max_mhz[:] = config.accelerators.clock_max_mhz
    setpoint.pump_speed_target_rpm[:] = (config.loop.nominal_speed_rpm * config.loop.enabled, 0.0)
