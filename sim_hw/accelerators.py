"""The electrical side of the accelerators: switches, boot, power, clock, own protection.

Power follows min(cap, demand) with the device's own lag; demand is idle plus a part that goes with
utilisation and the square of the clock (assumed). What changes rarely (switches, caps, utilisation)
is recomputed only when it changed. Not modelled: power transients below 0.1 s, ECC and Xid events,
which the fault injector writes.
"""

import math
from typing import Any

import numpy as np

from sim_hw.config_accelerators import AcceleratorConfig
from sim_hw.sun import Float64s

REASON_IDLE = 0x01  # NVML clocks event reasons
REASON_CLOCK_SETTING = 0x02
REASON_POWER_CAP = 0x04
REASON_HW_SLOWDOWN = 0x08
REASON_HW_THERMAL = 0x40

_COUNT = 8
_NO_CAP_W = 1.0e9


class Accelerators:
    """Eight accelerators behind their module and auxiliary switches.

    Attributes:
        utilisation_target: What the workload asks for, 0..1 each; written by the workload.
        latch_current_a: Extra current of a latched auxiliary rail; written by the fault injector,
            cleared here once that rail has been off long enough.
        latch_power_w: Power of all latched currents in the last step.
    """

    def __init__(self, config: AcceleratorConfig, image: Any, latch_current_a: Float64s) -> None:
        """Start with every switch open."""
        self.utilisation_target = np.zeros(_COUNT)
        self.latch_current_a = latch_current_a
        self.latch_power_w = 0.0
        self._config = config
        self._truth = image.truth
        self._setpoint = image.setpoint
        self._knobs = image.knobs
        self._reset_count: Float64s = image.boards.reset_count
        self._resets_seen = self._reset_count.copy()
        self._power_w: Float64s = image.truth.accel_power_w
        self._energy_j: Float64s = image.truth.accel_energy_j
        self._core_temp_c: Float64s = image.truth.accel_core_temp_c
        self._alive: Float64s = image.truth.accel_alive
        self._target_w = np.zeros(_COUNT)
        self._scratch = np.zeros(_COUNT)
        self._capped = np.zeros(_COUNT, dtype=np.bool_)
        self._demand_w, self._per_full_w, self._room_offset_w = np.zeros((3, _COUNT))
        self._on, self._reasons = np.zeros((2, _COUNT))
        self._powered = np.zeros(_COUNT)
        self._module_feed = np.zeros(_COUNT)
        self._slowdown_ratio = np.ones(_COUNT)
        self._shut_down = np.zeros(_COUNT)
        self._booted_s = np.zeros(_COUNT)
        self._aux_off_s = np.zeros(_COUNT)
        self._booting = False
        self._protecting = False
        self._latched = False
        self._switch_inputs: tuple[Any, ...] = ()
        self._target_inputs: tuple[Any, ...] = ()
        self._cap_input = b""

    def skip_boot(self) -> None:
        """Let whatever is powered be booted at once, drawing idle power, as a start state."""
        self.follow_switches(bus_on=True)
        self._booted_s[:] = self._powered * self._config.boot_s
        self._alive[:] = self._powered
        self._power_w[:] = self._powered * self._config.idle_power_w
        self._booting = False

    def advance(self, dt_s: float, bus_voltage_v: float) -> float:
        """Advance by 0 < dt_s <= 0.2 and return the power of all modules, in W."""
        self.follow_switches(bus_on=bus_voltage_v > 0.0)
        if self._reset_count.tobytes() != self._resets_seen.tobytes():
            self._follow_resets()
        if self._booting:
            self._boot(dt_s)
        if self._protecting or max(self._core_temp_c.tolist()) >= self._config.slowdown_temp_c:
            self._protect()
        self._follow_targets()
        if self._latched or any(self.latch_current_a.tolist()):
            self._advance_latches(dt_s)
        power_w, scratch, truth = self._power_w, self._scratch, self._truth
        np.subtract(self._target_w, power_w, scratch)
        np.multiply(scratch, 1.0 - math.exp(-dt_s / self._config.lag_s), scratch)
        np.add(power_w, scratch, power_w)
        np.multiply(power_w, dt_s, scratch)
        np.add(self._energy_j, scratch, self._energy_j)
        total_w = float(sum(power_w.tolist()))
        np.multiply(self._module_feed, bus_voltage_v, truth.module_voltage_v)
        if bus_voltage_v > 0.0:
            np.multiply(power_w, 1.0 / bus_voltage_v, truth.module_current_a)
            payload_on = self._setpoint.payload_enabled.item() > 0.5
            truth.payload_voltage_v[0] = bus_voltage_v if payload_on else 0.0
            truth.payload_current_a[0] = total_w / bus_voltage_v
        return total_w

    def follow_switches(self, *, bus_on: bool) -> None:
        """Feed or starve what hangs on the switches as they are now; no time passes."""
        setpoint = self._setpoint
        inputs = (
            setpoint.module_enabled.tobytes(),
            setpoint.aux_enabled.tobytes(),
            setpoint.payload_enabled.item(),
            bus_on,
        )
        if inputs == self._switch_inputs:
            return
        self._switch_inputs = inputs
        self._target_inputs = ()
        payload_on = bus_on and inputs[2] > 0.5
        aux_on = (setpoint.aux_enabled > 0.5) & bus_on
        module_on = (setpoint.module_enabled > 0.5) & payload_on
        powered = module_on & aux_on
        self._module_feed[:] = module_on
        self._powered[:] = powered
        for array in (self._power_w, self._booted_s, self._alive, self._shut_down):
            array[~powered] = 0.0
        self._slowdown_ratio[~powered] = 1.0
        self._truth.aux_voltage_v[:] = self._config.aux_voltage_v * aux_on
        self._truth.aux_current_a[:] = (self._config.aux_current_a + self.latch_current_a) * aux_on
        if not bus_on:
            self._truth.module_current_a[:] = 0.0
            self._truth.payload_voltage_v[0] = self._truth.payload_current_a[0] = 0.0
        self._booting = True

    def _follow_resets(self) -> None:
        """Boot anew whatever the library has removed and found again."""
        reset = self._reset_count != self._resets_seen
        self._resets_seen[:] = self._reset_count
        for array in (self._booted_s, self._alive, self._shut_down):
            array[reset] = 0.0
        self._booting = True
        self._target_inputs = ()

    def _boot(self, dt_s: float) -> None:
        """Count the time since power came; afterwards the accelerator answers."""
        boot_s = self._config.boot_s
        np.add(self._booted_s, self._powered * dt_s, self._booted_s)
        ready = (self._booted_s >= boot_s - 1e-9) & (self._powered > 0.5) & (self._shut_down < 0.5)
        self._alive[:] = ready
        self._target_inputs = ()
        self._booting = bool(np.any((self._powered > 0.5) & (self._booted_s < boot_s - 1e-9)))

    def _protect(self) -> None:
        """Apply the device's own slowdown, and its shutdown that only a power-cycle ends."""
        config, core = self._config, self._core_temp_c
        release_c = config.slowdown_temp_c - config.slowdown_release_k
        slow = (core >= config.slowdown_temp_c) | (
            (self._slowdown_ratio < 1.0) & (core > release_c)
        )
        self._slowdown_ratio[:] = np.where(slow, 0.5, 1.0)
        shut = (core >= config.shutdown_temp_c) & (self._powered > 0.5)
        self._shut_down[shut] = 1.0
        self._power_w[shut] = 0.0
        self._alive[self._shut_down > 0.5] = 0.0
        self._target_inputs = ()
        self._protecting = bool(slow.any())

    def _follow_targets(self) -> None:
        """Recompute the power each accelerator settles at, its clock and its event reasons."""
        setpoint = self._setpoint
        inputs = (
            setpoint.accel_clock_max_mhz.tobytes(),
            self._knobs.accel_cap_ignored.tobytes(),
            self.utilisation_target.tobytes(),
        )
        cap_input = setpoint.accel_cap_w.tobytes()
        if inputs != self._target_inputs:
            self._target_inputs = inputs
            self._follow_demand()
        elif cap_input == self._cap_input:
            return
        self._cap_input = cap_input
        # A guard at work moves caps in every cycle: this part stays cheap.
        config, truth, scratch = self._config, self._truth, self._scratch
        np.add(setpoint.accel_cap_w, self._room_offset_w, scratch)
        np.maximum(scratch, 0.0, out=scratch)  # room above idle
        np.less(scratch, self._demand_w, self._capped)
        np.minimum(scratch, self._demand_w, out=scratch)
        np.add(scratch, config.idle_power_w, self._target_w)
        np.multiply(self._target_w, self._on, self._target_w)
        np.multiply(scratch, self._per_full_w, scratch)
        np.sqrt(scratch, scratch)
        np.multiply(scratch, config.clock_max_mhz, scratch)
        np.maximum(scratch, config.clock_idle_mhz, out=scratch)
        np.multiply(scratch, self._alive, truth.accel_clock_mhz)
        np.multiply(self._capped, float(REASON_POWER_CAP), scratch)
        np.add(scratch, self._reasons, truth.accel_event_reasons)

    def _follow_demand(self) -> None:
        """Recompute what each accelerator would draw without a cap."""
        config, alive = self._config, self._alive
        utilisation = np.minimum(np.maximum(self.utilisation_target, 0.0), 1.0) * alive
        wanted_mhz = self._setpoint.accel_clock_max_mhz  # 0 means that no limit was ever set
        limit = np.where(wanted_mhz > 0.0, wanted_mhz / config.clock_max_mhz, 1.0)
        is_limited = limit < 1.0
        limit = np.minimum(limit, 1.0) * self._slowdown_ratio
        full_w = (config.full_power_w - config.idle_power_w) * utilisation
        self._demand_w[:] = full_w * limit * limit
        self._per_full_w[:] = 1.0 / np.where(full_w > 0.0, full_w, np.inf)
        self._room_offset_w[:] = _NO_CAP_W * self._knobs.accel_cap_ignored - config.idle_power_w
        self._on[:] = self._powered * (1.0 - self._shut_down)
        is_slow = self._slowdown_ratio < 1.0
        reasons = np.where(full_w > 0.0, 0, REASON_IDLE) + REASON_CLOCK_SETTING * is_limited
        reasons = reasons + (REASON_HW_SLOWDOWN | REASON_HW_THERMAL) * is_slow
        self._reasons[:] = reasons * alive
        self._truth.accel_utilisation_ratio[:] = utilisation

    def _advance_latches(self, dt_s: float) -> None:
        """Carry latched currents; one ends when its rail has been off for latch_clear_s."""
        aux_on = self._truth.aux_voltage_v > 0.0
        self._aux_off_s[aux_on] = 0.0
        self._aux_off_s[~aux_on] += dt_s
        cleared = self._aux_off_s >= self._config.latch_clear_s - 1e-9
        self.latch_current_a[cleared] = 0.0
        self._truth.aux_current_a[:] = (self._config.aux_current_a + self.latch_current_a) * aux_on
        extra_a = float((self.latch_current_a * aux_on).sum())
        self.latch_power_w = extra_a * self._config.aux_voltage_v
        self._latched = bool(self.latch_current_a.any())
        if not self._latched:
            self._aux_off_s[:] = 0.0
