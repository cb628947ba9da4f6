"""Configuration of the pure core: every limit, time and gain of judge and decide.

Checked once, at construction: an impossible combination is refused with a message that names both
values. Each number has a source or is marked assumed; the units are part of the names.
"""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from flight.core import rail_order
from flight.core.config_accelerators import AcceleratorsConfig
from flight.core.config_faults import FaultsConfig
from flight.core.config_judge import JudgeConfig
from flight.core.config_loop import LoopConfig
from flight.core.config_trends import TrendsConfig
from flight.core.section import Section


class CycleConfig(Section):
    """[cycle]: the rate of the loop."""

    period_s: float = Field(
        0.1, ge=0.01, le=1.0, description="Cycle period; docs/design/overview.md."
    )
    gap_s_max: float = Field(
        0.3,
        ge=0.02,
        le=5.0,
        description="A longer pause between cycles counts as this long: no ramp leaps after it.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.gap_s_max <= self.period_s:
            raise ValueError(
                f"gap_s_max = {self.gap_s_max} must be longer than period_s = {self.period_s}"
            )
        return self


class GuardConfig(Section):
    """[guard]: thermal guard law, one per accelerator."""

    setpoint_c: float = Field(82.0, ge=40.0, le=95.0, description="Core set-point; REF-1.")
    core_temp_c_max: float = Field(
        87.0,
        ge=50.0,
        le=100.0,
        description="Maximum, H100 87 (models 1c); only bounds over_temperature_c.",
    )
    over_temperature_c: float = Field(
        86.0,
        ge=45.0,
        le=100.0,
        description="Readings from here on switch the accelerator off; assumed.",
    )
    over_temperature_s: float = Field(
        0.5, ge=0.1, le=10.0, description="... after so long; assumed."
    )
    memory_setpoint_c: float = Field(
        92.0, ge=40.0, le=110.0, description="Memory limit; HBM throttles from 95 (models 1c)."
    )
    memory_over_temperature_c: float = Field(
        100.0, ge=50.0, le=120.0, description="Memory readings from here on switch off; assumed."
    )
    gain_p_w_per_k: float = Field(
        44.0, gt=0.0, le=500.0, description="Gain; 30 s / (0.045 K/W x 15 s closed loop)."
    )
    integral_time_s: float = Field(
        30.0, gt=0.0, le=1000.0, description="Equal to the core time constant 0.05 K/W x 600 J/K."
    )
    filter_time_s: float = Field(
        2.0, ge=0.0, le=30.0, description="Smooths whole-degree readings; assumed."
    )
    reflex_release_c: float = Field(
        78.0, ge=30.0, le=90.0, description="A reflex is re-armed below this core reading; assumed."
    )
    reflex_release_s: float = Field(
        5.0, ge=0.5, le=600.0, description="... held for so long; assumed."
    )
    blind_off_s: float = Field(
        10.0,
        ge=1.0,
        le=600.0,
        description="Off when core and rail power are both unknown; assumed.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.setpoint_c < self.over_temperature_c:
            raise ValueError(
                f"setpoint_c = {self.setpoint_c} must be below over_temperature_c ="
                f" {self.over_temperature_c}: the guard would regulate to a switch-off"
            )
        if not self.over_temperature_c < self.core_temp_c_max:
            raise ValueError(
                f"over_temperature_c = {self.over_temperature_c} must be below core_temp_c_max ="
                f" {self.core_temp_c_max}: the last step would come after the limit"
            )
        if not self.memory_setpoint_c < self.memory_over_temperature_c:
            raise ValueError(
                f"memory_setpoint_c = {self.memory_setpoint_c} must be below"
                f" memory_over_temperature_c = {self.memory_over_temperature_c}"
            )
        if not self.reflex_release_c < self.setpoint_c:
            raise ValueError(
                f"reflex_release_c = {self.reflex_release_c} must be below setpoint_c ="
                f" {self.setpoint_c}: a reflex would be released into the heat that set it"
            )
        return self


def _checked_depends(depends: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    rail_order.check(depends)
    return depends


class RailsConfig(Section):
    """[rails]: sequencing of the payload bus and of each accelerator's two rails."""

    depends: Annotated[dict[str, tuple[str, ...]], AfterValidator(_checked_depends)] = Field(
        dict(rail_order.DEFAULT),
        description="Rail -> what must be good before it is switched on; REF-1 rail order.",
    )

    aux_voltage_v_min: float = Field(
        3.0, ge=0.5, le=5.0, description="Power good of the 3.3 V auxiliary rail; assumed -9 %."
    )
    module_voltage_v_min: float = Field(
        46.0, ge=10.0, le=60.0, description="Power good of 54 V rails; bus range 48-57 V less drop."
    )
    aux_zero_current_a: float = Field(
        0.1, gt=0.0, le=2.0, description="Below this an auxiliary rail is dead; assumed."
    )
    zero_current_a: float = Field(
        0.5, gt=0.0, le=5.0, description="Above this a rail commanded off failed closed; assumed."
    )
    module_current_a_max: float = Field(
        15.6,
        gt=0.05,
        le=100.0,
        description="1.2 x 12.96 A; the transient mask ends at 20 ms (case 22).",
    )
    payload_current_a_max: float = Field(
        125.0, gt=0.05, le=500.0, description="1.2 x 8 x 12.96 A; assumed."
    )
    power_good_timeout_s: float = Field(0.5, ge=0.1, le=10.0, description="REF-1 rail order.")
    stagger_s: float = Field(0.3, ge=0.0, le=10.0, description="Between module switch-ons; REF-1.")
    off_time_s: float = Field(0.5, ge=0.0, le=60.0, description="Minimum off-time; REF-1.")
    spurious_off_time_s: float = Field(
        1.0, ge=0.0, le=60.0, description="Off-time after a trip without cause; models, fault P8."
    )
    hot_off_time_s: float = Field(
        60.0,
        ge=0.0,
        le=3600.0,
        description="Cool-down after an over-temperature switch-off; assumed.",
    )
    accelerator_boot_s_max: float = Field(
        10.0,
        ge=1.0,
        le=300.0,
        description="Power good to first core reading; assumed (sim boots in 1 s).",
    )
    off_confirm_s: float = Field(
        2.0,
        ge=0.5,
        le=60.0,
        description="A switch-off that safety needs, unconfirmed this long: payload bus; assumed.",
    )
    lost_power_cycle_s: float = Field(
        30.0,
        ge=1.0,
        le=600.0,
        description="A lost accelerator is power-cycled; models, fault G1 <= 60 s.",
    )
    lost_hot_s: float = Field(
        4.0,
        ge=1.0,
        le=60.0,
        description="... so soon while its rail is above the safe cap; models, fault G1 <= 5 s.",
    )
    lost_retry_count_max: int = Field(
        2, ge=0, le=10, description="Power-cycles of a lost one in the window; models, fault G1."
    )
    probation_s: float = Field(
        5.0, ge=0.0, le=600.0, description="Good readings at the safe cap before service; assumed."
    )
    retry_count_max: int = Field(3, ge=0, le=10, description="Switch-on retries in the window; S4.")
    retry_window_s: float = Field(600.0, ge=10.0, le=86400.0, description="S4: 10 min.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.aux_zero_current_a > self.zero_current_a:
            raise ValueError(
                f"aux_zero_current_a = {self.aux_zero_current_a} must not exceed zero_current_a ="
                f" {self.zero_current_a}"
            )
        if self.spurious_off_time_s < self.off_time_s:
            raise ValueError(
                f"spurious_off_time_s = {self.spurious_off_time_s} must not be shorter than"
                f" off_time_s = {self.off_time_s}"
            )
        return self


class LatchUpConfig(Section):
    """[latch_up]: detection on the auxiliary rails."""

    aux_current_a_max: float = Field(
        1.4, gt=0.1, le=20.0, description="Nominal 0.8 A, latch-up +1.2 A; assumed."
    )
    aux_current_a_nominal: float = Field(0.8, gt=0.0, le=20.0, description="Assumed.")
    confirm_s: float = Field(
        0.09, gt=0.0, le=1.0, description="Two samples 100 ms apart; one sample never trips (S5)."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.aux_current_a_max > self.aux_current_a_nominal:
            raise ValueError(
                f"aux_current_a_max = {self.aux_current_a_max} must be above"
                f" aux_current_a_nominal = {self.aux_current_a_nominal}: every rail would trip"
            )
        return self


class ArbiterConfig(Section):
    """[arbiter]: range of the caps, ramps, node budget."""

    cap_w_min: float = Field(200.0, ge=1.0, le=5000.0, description="Smallest cap; H100 200 W.")
    cap_w_safe: float = Field(200.0, ge=1.0, le=5000.0, description="The safe cap.")
    cap_w_max: float = Field(700.0, ge=1.0, le=5000.0, description="Largest cap; H100 700 W.")
    ramp_w_per_s: float = Field(
        25.0,
        gt=0.0,
        le=1000.0,
        description="Up, per accelerator: 200 W/s per node of eight; models, fault P10.",
    )
    node_power_w_max: float = Field(
        7000.0,
        ge=5.0,
        le=1e6,
        description="Budget of the whole node; assumed: never binds in REF-1.",
    )
    allotment_fallback_w: float = Field(
        2200.0, ge=5.0, le=1e6, description="When a spacecraft's grant has lapsed; assumed."
    )
    plan_fallback_w: float = Field(
        700.0,
        ge=1.0,
        le=5000.0,
        description="Cap when a plan has lapsed; the largest cap: none; assumed.",
    )
    overhead_w: float = Field(
        480.0,
        ge=0.0,
        le=1e5,
        description="Load besides accelerators, at least; REF-1 453 W, rounded up.",
    )
    budget_margin_ratio: float = Field(
        0.01,
        ge=0.0,
        le=0.2,
        description="Held back for overshoot of the device's own cap loop; assumed.",
    )
    clock_max_mhz: float = Field(1980.0, ge=100.0, le=10000.0, description="H100 maximum clock.")
    clock_low_mhz: float = Field(
        345.0,
        ge=10.0,
        le=10000.0,
        description="Second path when a cap is not obeyed (G4); assumed.",
    )
    cap_tolerance_ratio: float = Field(
        0.05, gt=0.0, le=0.5, description="P > cap + 5 %; models, fault G4."
    )
    cap_excess_s: float = Field(3.0, ge=0.2, le=10.0, description="... for 3 s; models, fault G4.")
    cap_excess_off_s: float = Field(
        6.5, ge=0.4, le=10.0, description="Then rail off; S6 10 s in all."
    )
    cap_obeyed_s: float = Field(
        5.0, ge=0.5, le=600.0, description="Obeyed this long: the clock rises again; assumed."
    )
    clock_ramp_mhz_per_s: float = Field(
        50.0,
        gt=0.0,
        le=1000.0,
        description="... this fast, while the cap is kept: about 25 W/s; assumed.",
    )
    bus28_voltage_v_nominal: float = Field(
        28.0, ge=1.0, le=100.0, description="Pumps hang on the avionics bus; REF-1."
    )
    bus54_voltage_v_min: float = Field(
        48.0, ge=1.0, le=400.0, description="Below: minimum caps at once; models, fault P7."
    )
    bus_recover_s: float = Field(
        5.0, ge=0.0, le=600.0, description="Good bus before release; assumed."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not self.cap_w_min < self.cap_w_max:
            raise ValueError(
                f"the cap range is empty: cap_w_min = {self.cap_w_min} must be below cap_w_max ="
                f" {self.cap_w_max}"
            )
        if not self.cap_w_min <= self.cap_w_safe <= self.cap_w_max:
            raise ValueError(
                f"cap_w_safe = {self.cap_w_safe} must lie between cap_w_min = {self.cap_w_min} and"
                f" cap_w_max = {self.cap_w_max}"
            )
        if not self.cap_w_min <= self.plan_fallback_w <= self.cap_w_max:
            raise ValueError(
                f"plan_fallback_w = {self.plan_fallback_w} must lie between cap_w_min ="
                f" {self.cap_w_min} and cap_w_max = {self.cap_w_max}"
            )
        if not self.clock_low_mhz < self.clock_max_mhz:
            raise ValueError(
                f"clock_low_mhz = {self.clock_low_mhz} must be below clock_max_mhz ="
                f" {self.clock_max_mhz}"
            )
        if not self.cap_excess_s < self.cap_excess_off_s:
            raise ValueError(
                f"cap_excess_s = {self.cap_excess_s} must be shorter than cap_excess_off_s ="
                f" {self.cap_excess_off_s}: the clock is lowered first"
            )
        if self.node_power_w_max <= self.overhead_w:
            raise ValueError(
                f"node_power_w_max = {self.node_power_w_max} must be above overhead_w ="
                f" {self.overhead_w}: nothing would be left for an accelerator"
            )
        return self


class LadderConfig(Section):
    """[ladder]: state of charge. Each rung is entered below its threshold (models 1b, assumed)."""

    cap_ratio: float = Field(0.60, gt=0.0, lt=1.0, description="Below: accelerators at cap_w.")
    shed_ratio: float = Field(0.50, gt=0.0, lt=1.0, description="Below: one accelerator, at idle.")
    safe_ratio: float = Field(
        0.40, gt=0.0, lt=1.0, description="Below: SAFE. The hard floor of S3."
    )
    survival_ratio: float = Field(0.25, gt=0.0, lt=1.0, description="Below: SURVIVAL.")
    hysteresis_ratio: float = Field(0.05, gt=0.0, le=0.2, description="Left this much higher.")
    cap_w: float = Field(400.0, ge=1.0, le=5000.0, description="Cap on the first rung.")
    down_s: float = Field(
        8.0, ge=0.5, le=9.5, description="Persistence down; S3: acts within 10 s."
    )
    up_s: float = Field(30.0, ge=1.0, le=3600.0, description="Persistence up; assumed.")
    unknown_s: float = Field(
        60.0,
        ge=1.0,
        le=3600.0,
        description="Charge unknown this long: first rung at least; assumed.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        rungs = (self.cap_ratio, self.shed_ratio, self.safe_ratio, self.survival_ratio)
        for upper, lower in pairwise(rungs):
            if lower + self.hysteresis_ratio > upper:
                raise ValueError(
                    "the rungs must fall, cap > shed > safe > survival, by at least"
                    f" hysteresis_ratio = {self.hysteresis_ratio};"
                    f" given {', '.join(map(str, rungs))}"
                )
        return self


class ModesConfig(Section):
    """[modes]: where BOOT leads, and the times of the mode machine."""

    autostart_mode: Literal["STANDBY", "NOMINAL", "SAFE"] = Field(
        "NOMINAL", description="Where BOOT leads once readings and flow are good."
    )
    boot_s: float = Field(
        2.0, ge=0.0, le=600.0, description="Readings and flow good for so long end BOOT; assumed."
    )
    boot_s_max: float = Field(
        60.0, ge=1.0, le=3600.0, description="BOOT longer than this: SAFE; assumed."
    )
    degraded_s: float = Field(
        10.0, ge=0.0, le=3600.0, description="Good readings end DEGRADED; docs/design/modes.md."
    )
    restart_count_max: int = Field(
        3,
        ge=1,
        le=100,
        description="Unplanned restarts in 10 min that lead to SAFE; docs/design/modes.md.",
    )
    loop_blind_s: float = Field(
        30.0, ge=1.0, le=3600.0, description="Loop controller lost this long: SAFE; assumed."
    )
    verify_s: float = Field(
        60.0,
        ge=0.0,
        le=86400.0,
        description="Charge restored this long ends a SAFE it caused; assumed.",
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.boot_s >= self.boot_s_max:
            raise ValueError(
                f"boot_s = {self.boot_s} must be shorter than boot_s_max = {self.boot_s_max}"
            )
        return self


class CoreConfig(Section):
    """All sections of the core. The TOML tables are top-level: [guard], [rails], ..."""

    cycle: CycleConfig = CycleConfig()
    judge: JudgeConfig = JudgeConfig()
    guard: GuardConfig = GuardConfig()
    rails: RailsConfig = RailsConfig()
    latch_up: LatchUpConfig = LatchUpConfig()
    loop: LoopConfig = LoopConfig()
    arbiter: ArbiterConfig = ArbiterConfig()
    ladder: LadderConfig = LadderConfig()
    modes: ModesConfig = ModesConfig()
    faults: FaultsConfig = FaultsConfig()
    trends: TrendsConfig = TrendsConfig()
    accelerators: AcceleratorsConfig = AcceleratorsConfig()

    @model_validator(mode="after")
    def _check(self) -> Self:
        cap = self.ladder.cap_w
        if not self.arbiter.cap_w_min <= cap <= self.arbiter.cap_w_max:
            raise ValueError(
                f"[ladder] cap_w = {cap} must lie between [arbiter] cap_w_min ="
                f" {self.arbiter.cap_w_min} and cap_w_max = {self.arbiter.cap_w_max}"
            )
        if self.latch_up.confirm_s >= 2.0 * self.cycle.period_s:
            raise ValueError(
                f"[latch_up] confirm_s = {self.latch_up.confirm_s} with [cycle] period_s ="
                f" {self.cycle.period_s} needs more than two samples: the rail would open"
                " later than 250 ms (S5)"
            )
        if self.loop.bypass_setpoint_c >= self.guard.setpoint_c:
            raise ValueError(
                f"[loop] bypass_setpoint_c = {self.loop.bypass_setpoint_c} must be below [guard]"
                f" setpoint_c = {self.guard.setpoint_c}"
            )
        return self
