"""The thermal plant in C on a bench: heat and pumps by themselves, inputs given by hand."""

import numpy as np
from numpy.typing import NDArray

from sim_hw._native import ffi, lib
from sim_hw.native_config import fill_struct
from sim_hw.plant_config import PlantConfig

STEFAN_BOLTZMANN_W_PER_M2_K4 = 5.670_374_419e-8
ZERO_C_K = 273.15
DT_S = 0.1
_SECTIONS = ("stack", "loop", "radiator", "host", "battery_node")


class HeatBench:
    """`sim_heat_t` with a blank image; the flow is given, or comes from pumps driven at a speed.

    Attributes:
        heat, faults, inputs, pumps, pumps_faults, truth, setpoint: The structs of C.
    """

    def __init__(
        self,
        config: PlantConfig | None = None,
        *,
        temp_c: float,
        core_temp_c: float | None = None,
        core_k_per_w: float | tuple[float, ...] = 0.045,
        count: int = 8,
        pump_rpm: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        self.config = config or PlantConfig()
        self.native = ffi.new("sim_heat_config_t *")
        for name in _SECTIONS:
            fill_struct(getattr(self.native, name), getattr(self.config, name))
        self._loop = ffi.addressof(self.native, "loop")
        self._image = ffi.new("sim_plant_image_t *")
        self.truth, self.setpoint = self._image.truth, self._image.setpoint
        self.heat = ffi.new("sim_heat_t *")
        self.pumps = ffi.new("sim_pumps_t *")
        self.faults = ffi.new("sim_heat_faults_t *")
        self.pumps_faults = ffi.new("sim_pumps_faults_t *")
        self.inputs = ffi.new("sim_heat_inputs_t *")
        lib.sim_heat_faults_init(self.faults)
        lib.sim_pumps_faults_init(self.pumps_faults)
        start = ffi.new("sim_heat_start_t *")
        start.accelerator_count = count
        start.coolant_temp_c = start.host_temp_c = start.battery_temp_c = temp_c
        start.core_temp_c = [temp_c if core_temp_c is None else core_temp_c] * 8
        per_core = core_k_per_w if isinstance(core_k_per_w, tuple) else (core_k_per_w,) * 8
        start.core_k_per_w = per_core
        lib.sim_heat_init(self.heat, self.native, self._image, start)
        self.bus28_voltage_v = self.config.avionics.voltage_v
        self.setpoint.pump_speed_target_rpm = pump_rpm
        lib.sim_pumps_init(
            self.pumps, self._loop, self._image, *pump_rpm, self.bus28_voltage_v, temp_c
        )
        self.given_j = self.lost_j = 0.0
        self._start_j = self.heat.heat_j

    @property
    def cells_c(self) -> NDArray[np.float64]:
        """Coolant of the radiator, node by node."""
        count = self.config.radiator.node_count
        return np.array(list(self.heat.radiator.fluid_c)[:count])

    @property
    def core_c(self) -> float:
        """Core of accelerator 0."""
        return float(self.heat.stack.core_c[0])

    @property
    def unclosed_ratio(self) -> float:
        """Imbalance of heat over its throughput since the start, >= 0."""
        error = self.given_j - self.lost_j - (self.heat.heat_j - self._start_j)
        # What is held is some MJ, rounded to 1e-9 J at each step.
        return float(abs(error)) / max(self.given_j, self.lost_j, 1000.0)

    def set_power(self, power_w: float) -> None:
        """Let every accelerator draw this."""
        self.truth.accel_power_w[0 : self.heat.stack.count] = [power_w] * self.heat.stack.count

    def set_sink(self, sink_k: float) -> None:
        """Let the Earth shine on the radiator as a surrounding of this temperature would."""
        faces = self.config.radiator.faces
        flux = faces * STEFAN_BOLTZMANN_W_PER_M2_K4 * sink_k**4
        self.inputs.environment.radiator_infrared_w_per_m2 = flux

    def advance(self, dt_s: float = DT_S) -> None:
        """Advance heat by one step with the inputs as they are."""
        inputs, heat = self.inputs, self.heat
        lib.sim_heat_advance(heat, self.native, self.faults, self._image, dt_s, inputs)
        power_w = sum(self.truth.accel_power_w[0 : heat.stack.count])
        power_w += inputs.pump_w + sum(inputs.heater_w) + inputs.host_w + inputs.converter_loss_w
        power_w += inputs.battery_loss_w + inputs.battery_heater_w
        self.given_j += (power_w + heat.absorbed_w) * dt_s
        self.lost_j += (heat.radiated_w + heat.leak_w) * dt_s

    def advance_pumps(self, dt_s: float = DT_S) -> None:
        """Advance the pumps and hand their flow and power to the heat."""
        lib.sim_pumps_advance(
            self.pumps,
            self._loop,
            self.pumps_faults,
            self._image,
            dt_s,
            self.bus28_voltage_v,
            self.heat.mean_coolant_temp_c,
        )
        self.inputs.flow_kg_per_s = self.pumps.flow_kg_per_s
        self.inputs.pump_w = self.pumps.power_w

    def fly(self, seconds: float, dt_s: float = DT_S) -> None:
        """Advance pumps and heat by whole steps."""
        for _ in range(round(seconds / dt_s)):
            self.advance_pumps(dt_s)
            self.advance(dt_s)

    def loop_heater_w(self, heater: int) -> float:
        """Return the power of a loop heater as its switch and faults have it."""
        return float(lib.sim_loop_heater_w(self._loop, self.faults, self._image, heater))

    def advance_host(self, dt_s: float, host_w: float) -> None:
        """Advance the temperatures inside the host."""
        lib.sim_host_advance(self.heat, self.native, self._image, dt_s, host_w)
