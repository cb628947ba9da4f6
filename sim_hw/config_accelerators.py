"""Accelerators: numbers, units, sources. Their heat is in config_heat.StackConfig."""

import math

from pydantic import Field, model_validator

from sim_hw.config_section import Section


class AcceleratorConfig(Section):
    """The accelerators, all alike."""

    cap_max_w: float = Field(700.0, gt=0.0, le=1e4, description="1b, after power-up")
    cap_min_w: float = Field(200.0, gt=0.0, le=1e4, description="1b, smallest that is accepted")
    idle_power_w: float = Field(70.0, ge=0.0, le=1e4, description="1b, 60-100 W")
    full_power_w: float = Field(
        720.0, gt=0.0, le=1e4, description="assumed: draw at utilisation 1 and full clock, no cap"
    )
    full_power_temp_c: float = Field(
        75.0, ge=-50.0, le=150.0, description="assumed: core temperature of full_power_w"
    )
    leakage_ratio: float = Field(
        0.23,
        ge=0.0,
        le=1.0,
        description="assumed: part of the idle power that leaks, at the reference temperature",
    )
    leakage_per_k: float = Field(
        0.02, ge=0.0, le=0.1, description="assumed: leakage doubles in 35 K, FinFET class"
    )
    leakage_reference_temp_c: float = Field(
        35.0, ge=-50.0, le=150.0, description="assumed: core temperature of idle_power_w"
    )
    clock_max_mhz: float = Field(1980.0, gt=0.0, le=1e4, description="assumed, H100 class")
    clock_idle_mhz: float = Field(345.0, gt=0.0, le=1e4, description="assumed, H100 class")
    lag_s: float = Field(0.15, gt=0.0, le=10.0, description="REF-1, own first-order lag of power")
    boot_s: float = Field(1.0, gt=0.0, le=600.0, description="REF-1, power to answering")
    throttle_temp_c: float = Field(
        87.0, ge=0.0, le=200.0, description="1c, maximum operating: the device lowers its own clock"
    )
    throttle_per_k: float = Field(
        0.15, ge=0.0, le=10.0, description="assumed: part of the clock per kelvin, down to half"
    )
    slowdown_temp_c: float = Field(89.0, ge=0.0, le=200.0, description="1c, halves the clock")
    slowdown_release_k: float = Field(3.0, gt=0.0, le=50.0, description="assumed hysteresis")
    shutdown_temp_c: float = Field(95.0, ge=0.0, le=200.0, description="1c, off until power-cycled")
    memory_throttle_temp_c: float = Field(
        95.0, ge=0.0, le=200.0, description="1c, memory slows by itself above this"
    )
    memory_throttle_release_k: float = Field(3.0, gt=0.0, le=50.0, description="assumed hysteresis")
    memory_throttle_ratio: float = Field(
        0.742, gt=0.0, le=1.0, description="1c, bandwidth left: 2.3 of 3.1 TB/s"
    )
    spare_row_count: float = Field(
        512.0, ge=0.0, le=1e6, description="A100 memory error guide: rows that can be remapped"
    )
    aux_voltage_v: float = Field(3.3, gt=0.0, le=60.0, description="REF-1")
    aux_current_a: float = Field(
        0.8, ge=0.0, le=100.0, description="assumed; its power is in that of the host"
    )
    latch_clear_s: float = Field(
        0.1, ge=0.0, le=60.0, description="REF-1: a latch-up ends when its rail was off this long"
    )
    switch_k_per_a: float = Field(1.2, ge=0.0, le=50.0, description="assumed, module switch")
    switch_lag_s: float = Field(20.0, gt=0.0, le=3600.0, description="assumed")

    @model_validator(mode="after")
    def _ranges_are_ordered(self) -> "AcceleratorConfig":
        if self.cap_min_w >= self.cap_max_w:
            raise ValueError("cap_min_w is not below cap_max_w; lower it")
        if self.idle_power_w >= self.full_power_w:
            raise ValueError("idle_power_w is not below full_power_w; lower it")
        if self.static_power_w(self.full_power_temp_c) >= self.full_power_w:
            raise ValueError("leakage alone exceeds full_power_w at full_power_temp_c; lower it")
        if not self.throttle_temp_c <= self.slowdown_temp_c <= self.shutdown_temp_c:
            raise ValueError(
                "throttle_temp_c, slowdown_temp_c, shutdown_temp_c do not rise; put them in order"
            )
        return self

    def static_power_w(self, core_temp_c: float) -> float:
        """Return what one draws at utilisation 0, as sim_accelerator_static_w of the plant does."""
        above_k = core_temp_c - self.leakage_reference_temp_c
        growth = math.exp(self.leakage_per_k * above_k) - 1.0
        return self.idle_power_w * (1.0 + self.leakage_ratio * growth)
