"""The electrical power system: array, battery, buses.

A charge and a discharge efficiency stand for all losses between bus and cells. What the array could
give beyond load and charging is shunted and never appears. Not modelled: cell imbalance, ageing,
bus dynamics faster than one step.
"""

import math
from typing import Any

import numpy as np

from sim_hw.config_heat import HostConfig
from sim_hw.config_power import ArrayConfig, BatteryConfig
from sim_hw.sun import Float64s

_J_PER_WH = 3600.0


class PowerSystem:
    """Array and battery on the 54 V bus.

    Attributes:
        charge_ratio: State of charge, 0..1.
        temp_c: Battery temperature.
        bus_on: False while the battery is empty and the array does not carry the load.
        bus_voltage_v: Payload bus.
        generated_w, loss_w, leak_w: Of the last step: from the array; lost in the battery as heat;
            from the battery to the structure.
        string_ok: 1 healthy .. 0 lost, per string; written by the fault injector.
    """

    def __init__(
        self,
        array: ArrayConfig,
        battery: BatteryConfig,
        image: Any,
        *,
        charge_ratio: float,
        temp_c: float,
        bus28_voltage_v: float,
        string_ok: Float64s,
    ) -> None:
        """Start with a charge in 0..1 and a temperature."""
        self.charge_ratio = charge_ratio
        self.temp_c = temp_c
        self.bus_on = True
        self.generated_w = self.loss_w = self.leak_w = 0.0
        self._array = array
        self._battery = battery
        self._truth = image.truth
        self._string_ok = string_ok
        self._string_w = array.string_power_w * math.cos(math.radians(array.incidence_deg))
        self._capacity_j = battery.capacity_wh * _J_PER_WH
        self._bus28_voltage_v = bus28_voltage_v
        self._voltages = battery.open_circuit_v
        self._current_a = 0.0
        self.bus_voltage_v = self._terminal_voltage_v()
        self._publish(0.0)

    @property
    def stored_j(self) -> float:
        """Energy in the cells."""
        return self.charge_ratio * self._capacity_j

    def advance(self, dt_s: float, sunlight_ratio: float, load_w: float, heater_w: float) -> None:
        """Advance by 0 < dt_s <= 0.2.

        Args:
            sunlight_ratio: Visible part of the Sun, 0..1.
            load_w: All loads, the battery heater included.
            heater_w: Power of the battery heater, which warms it.
        """
        battery = self._battery
        string_w = self._string_w * sunlight_ratio
        available_w = string_w * sum(self._string_ok.tolist())
        surplus_w = available_w - load_w
        if surplus_w >= 0.0:
            room = (1.0 - self.charge_ratio) / battery.charge_taper_ratio
            limit_w = battery.charge_power_max_w * min(1.0, max(0.0, room))
            flow_w = min(surplus_w, limit_w)
            stored_w = flow_w * battery.charge_efficiency_ratio
            self.loss_w = flow_w - stored_w
        else:
            flow_w = surplus_w
            stored_w = flow_w / battery.discharge_efficiency_ratio
            self.loss_w = flow_w - stored_w
        self.generated_w = load_w + flow_w
        self.charge_ratio += stored_w * dt_s / self._capacity_j
        if self.charge_ratio <= 0.0 and surplus_w < 0.0:
            self.bus_on = False
        elif not self.bus_on and self.charge_ratio > battery.reconnect_ratio:
            self.bus_on = True
        self.leak_w = battery.leak_w_per_k * (self.temp_c - battery.structure_temp_c)
        heat_w = self.loss_w + heater_w - self.leak_w
        self.temp_c += heat_w * dt_s / battery.heat_capacity_j_per_k
        self._current_a = flow_w / self.bus_voltage_v if self.bus_voltage_v else 0.0
        self.bus_voltage_v = self._terminal_voltage_v()
        share = self.generated_w / available_w if available_w > 0.0 else 0.0
        self._publish(string_w * share / self.bus_voltage_v if self.bus_voltage_v else 0.0)

    def _terminal_voltage_v(self) -> float:
        if not self.bus_on:
            return 0.0
        table = self._voltages
        place = min(max(self.charge_ratio, 0.0), 1.0) * (len(table) - 1)
        i = min(int(place), len(table) - 2)
        voltage_v = table[i] + (table[i + 1] - table[i]) * (place - i)
        voltage_v += self._current_a * self._battery.resistance_ohm
        return min(max(voltage_v, self._battery.bus_voltage_min_v), self._battery.bus_voltage_max_v)

    def _publish(self, string_current_a: float) -> None:
        truth = self._truth
        np.multiply(self._string_ok, string_current_a, truth.string_current_a)
        truth.array_power_w[0] = self.generated_w
        truth.battery_voltage_v[0] = self.bus_voltage_v
        truth.battery_current_a[0] = self._current_a
        truth.battery_temp_c[0] = self.temp_c
        truth.charge_ratio[0] = self.charge_ratio
        truth.bus54_voltage_v[0] = self.bus_voltage_v
        truth.bus28_voltage_v[0] = self._bus28_voltage_v if self.bus_on else 0.0


class SpacecraftBus:
    """The buses of a node that its spacecraft feeds: a stiff source behind a resistance.

    It has the attributes of PowerSystem; those of a battery are NaN in the truths.
    """

    def __init__(self, host: HostConfig, image: Any) -> None:
        """Start without load."""
        self.charge_ratio = self.temp_c = math.nan
        self.bus_on = True
        self.generated_w = self.loss_w = self.leak_w = self.stored_j = 0.0
        self.bus_voltage_v = host.bus54_voltage_v
        self._host = host
        self._truth = image.truth
        for name in ("battery_voltage_v", "battery_current_a", "battery_temp_c", "charge_ratio"):
            getattr(image.truth, name)[0] = math.nan
        self._publish()

    def advance(self, dt_s: float, sunlight_ratio: float, load_w: float, heater_w: float) -> None:
        """Advance by 0 < dt_s <= 0.2. Only the load counts."""
        self.generated_w = load_w
        current_a = load_w / self.bus_voltage_v
        self.bus_voltage_v = (
            self._host.bus54_voltage_v - current_a * self._host.bus54_resistance_ohm
        )
        self._publish()

    def _publish(self) -> None:
        self._truth.bus54_voltage_v[0] = self.bus_voltage_v
        self._truth.bus28_voltage_v[0] = self._host.bus28_voltage_v
