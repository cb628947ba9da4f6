"""Accelerators and their cold plates: numbers, units, sources."""

from pydantic import Field, model_validator

from sim_hw.config_section import Section


class AcceleratorConfig(Section):
    """The accelerators and their cold plates, all alike but for the core resistance."""

    cap_max_w: float = Field(700.0, gt=0.0, le=1e4, description="1b, after power-up")
    cap_min_w: float = Field(200.0, gt=0.0, le=1e4, description="1b, smallest that is accepted")
    idle_power_w: float = Field(70.0, ge=0.0, le=1e4, description="1b, 60-100 W")
    full_power_w: float = Field(
        720.0, gt=0.0, le=1e4, description="assumed: draw at utilisation 1 and full clock, no cap"
    )
    clock_max_mhz: float = Field(1980.0, gt=0.0, le=1e4, description="assumed, H100 class")
    clock_idle_mhz: float = Field(345.0, gt=0.0, le=1e4, description="assumed, H100 class")
    lag_s: float = Field(0.15, gt=0.0, le=10.0, description="REF-1, own first-order lag of power")
    boot_s: float = Field(1.0, gt=0.0, le=600.0, description="REF-1, power to answering")
    slowdown_temp_c: float = Field(89.0, ge=0.0, le=200.0, description="1c, halves the clock")
    slowdown_release_k: float = Field(3.0, gt=0.0, le=50.0, description="assumed hysteresis")
    shutdown_temp_c: float = Field(95.0, ge=0.0, le=200.0, description="1c, off until power-cycled")
    core_k_per_w_min: float = Field(
        0.040, ge=0.001, le=1.0, description="1c, core to mean coolant of its plate, drawn by seed"
    )
    core_k_per_w_max: float = Field(0.050, ge=0.001, le=1.0, description="1c")
    core_j_per_k: float = Field(600.0, ge=50.0, le=1e6, description="REF-1, core and package")
    plate_j_per_k: float = Field(277.0, ge=50.0, le=1e6, description="REF-1, plate and its coolant")
    memory_k_per_w: float = Field(
        0.046, ge=0.0, le=1.0, description="assumed: memory above plate, by power of the module"
    )
    memory_lag_s: float = Field(8.0, gt=0.0, le=600.0, description="assumed, 1c gives 0.5-40 s")
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
        if self.core_k_per_w_min > self.core_k_per_w_max:
            raise ValueError("core_k_per_w_min is above core_k_per_w_max; swap them")
        if self.cap_min_w >= self.cap_max_w:
            raise ValueError("cap_min_w is not below cap_max_w; lower it")
        if self.idle_power_w >= self.full_power_w:
            raise ValueError("idle_power_w is not below full_power_w; lower it")
        return self
