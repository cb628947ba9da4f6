"""The two pumps of the coolant loop: speed, flow, pressure, current.

Affinity laws on a quadratic loop: with speed s and flow q in units of the nominal point, the head
is shut_off s^2 - (shut_off - nominal) q^2 for a pump and nominal q^2 for the loop. Each pump has a
check valve: a slow or stopped one passes nothing backwards. Not modelled: cavitation, wear, the
inertia of the coolant.
"""

import math
from typing import Any

from sim_hw.config_heat import LoopConfig
from sim_hw.sun import Float64s

_SETTLED_RPM = 0.01
_BISECTIONS = 16  # of a bracket 7 % wide: 1e-6


class Pumps:
    """Pump a and pump b, driven by their speed targets.

    Attributes:
        flow_kg_per_s: Through all plates together.
        power_w: Electrical power of both; all of it ends as heat in the coolant.
    """

    def __init__(
        self,
        config: LoopConfig,
        image: Any,
        *,
        bus_voltage_v: float,
        torque_ratio: Float64s,
        breaker_open: Float64s,
    ) -> None:
        """Start both at rest; `set_speed` puts them at a speed.

        Args:
            bus_voltage_v: Of the bus that feeds them.
            torque_ratio: 1 healthy .. 0 stopped, per pump; written by the fault injector.
            breaker_open: 1: no supply, the current reads 0; written by the fault injector.
        """
        self.flow_kg_per_s = 0.0
        self.power_w = 0.0
        self._config = config
        self._bus_voltage_v = bus_voltage_v
        self._torque_ratio = torque_ratio
        self._breaker_open = breaker_open
        self._target_rpm: Float64s = image.setpoint.pump_speed_target_rpm
        self._truth = image.truth
        self._speed_rpm = [0.0, 0.0]
        self._settled_for: tuple[Any, ...] | None = None
        self.advance(0.1, bus_on=True)

    def set_speed(self, speed_rpm: tuple[float, float]) -> None:
        """Put both pumps at a speed at once, as a start state."""
        self._speed_rpm = list(speed_rpm)
        self._settled_for = None

    def advance(self, dt_s: float, *, bus_on: bool) -> None:
        """Advance by 0 < dt_s <= 0.2."""
        inputs = (
            self._target_rpm.tobytes(),
            self._torque_ratio.tobytes(),
            self._breaker_open.tobytes(),
            bus_on,
        )
        if inputs == self._settled_for:
            return
        settled = True
        torques = self._torque_ratio.tolist()
        breakers = self._breaker_open.tolist()
        config = self._config
        power_w = 0.0
        for i, asked_rpm in enumerate(self._target_rpm.tolist()):
            supplied = bus_on and breakers[i] < 0.5
            target_rpm = min(max(asked_rpm, 0.0), config.speed_max_rpm)
            goal_rpm = target_rpm * torques[i] if supplied else 0.0
            speed_rpm = self._speed_rpm[i]
            step_s = config.spin_up_s if goal_rpm > speed_rpm else config.coast_down_s
            speed_rpm += (goal_rpm - speed_rpm) * (1.0 - math.exp(-3.0 * dt_s / step_s))
            if abs(goal_rpm - speed_rpm) < _SETTLED_RPM:
                speed_rpm = goal_rpm
            else:
                settled = False
            self._speed_rpm[i] = speed_rpm
            current_a = self._current_a(i, torques[i]) if supplied and target_rpm > 0.0 else 0.0
            power_w += current_a * self._bus_voltage_v
            self._truth.pump_speed_rpm[i] = speed_rpm
            self._truth.pump_current_a[i] = current_a
        self.power_w = power_w
        flow_ratio = self._flow_ratio()
        self.flow_kg_per_s = flow_ratio * config.nominal_flow_kg_per_s
        self._truth.flow_kg_per_s[0] = self.flow_kg_per_s
        self._truth.pressure_kpa[0] = config.nominal_pressure_kpa * flow_ratio * flow_ratio
        self._settled_for = inputs if settled else None

    def _current_a(self, pump: int, torque_ratio: float) -> float:
        config = self._config
        speed_ratio = self._speed_rpm[pump] / config.nominal_speed_rpm
        running_a = config.pump_power_w * speed_ratio**3 / self._bus_voltage_v
        return running_a + max(0.0, 1.0 - torque_ratio) * config.stall_current_a

    def _flow_ratio(self) -> float:
        """Solve the flow where the heads meet, in units of the nominal flow."""
        slow, fast = sorted(speed / self._config.nominal_speed_rpm for speed in self._speed_rpm)
        shut_off, nominal = self._config.shut_off_pressure_kpa, self._config.nominal_pressure_kpa
        inner = shut_off - nominal
        if shut_off * slow * slow <= nominal * fast * fast:
            return fast  # the check valve of the slower pump is shut
        slow_head, fast_head = shut_off * slow * slow, shut_off * fast * fast
        low, high = fast, fast * math.sqrt(shut_off / (nominal + 0.25 * inner))  # both at `fast`
        for _ in range(_BISECTIONS):
            flow = 0.5 * (low + high)
            head = nominal * flow * flow
            passed = math.sqrt(max(0.0, slow_head - head) / inner)
            passed += math.sqrt(max(0.0, fast_head - head) / inner)
            if passed > flow:
                low = flow
            else:
                high = flow
        return 0.5 * (low + high)
