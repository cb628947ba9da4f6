"""[loop]: configuration of pumps, pump loss, bypass and heaters."""

from typing import Literal, Self

from pydantic import Field, model_validator

from flight.core.section import Section


class LoopConfig(Section):
    """[loop]: pumps, pump loss, bypass and heaters."""

    lead_pump: Literal["a", "b"] = Field(
        "a", description="The pump that runs; the other stands by."
    )
    pump_speed_rpm_nominal: float = Field(4000.0, ge=500.0, le=6000.0, description="Assumed.")
    pump_speed_rpm_max: float = Field(6000.0, ge=500.0, le=20000.0, description="Assumed.")
    pump_speed_rpm_trickle: float = Field(
        2000.0, ge=0.0, le=6000.0, description="SURVIVAL; assumed."
    )
    pump_speed_ratio_min: float = Field(
        0.8,
        gt=0.1,
        lt=1.0,
        description="A running pump below this part of its target is failing; assumed.",
    )
    pump_current_a_min: float = Field(
        0.2, ge=0.0, le=5.0, description="Below it, and slowing, a pump has lost power; assumed."
    )
    flow_kg_per_s_min: float = Field(
        0.10, gt=0.0, le=10.0, description="70 % of the nominal 0.144 kg/s; assumed."
    )
    spin_up_s: float = Field(
        2.5, ge=0.1, le=30.0, description="A pump is not judged before; REF-1 spin-up 1 s."
    )
    loss_confirm_s: float = Field(
        0.2, gt=0.0, le=1.0, description="Persistence of a pump loss; at most 0.3 s."
    )
    no_flow_off_s: float = Field(
        4.5,
        ge=1.0,
        le=30.0,
        description="First sign of loss to accelerators off; rails open by 6 s (T1).",
    )
    flow_back_s: float = Field(
        1.0, ge=0.2, le=10.0, description="Flow good for so long ends a stretch of none; assumed."
    )
    flow_good_s: float = Field(
        10.0, ge=1.0, le=600.0, description="Good flow before caps are released; REF-1."
    )
    supply_temp_c_min: float = Field(2.0, ge=-60.0, le=40.0, description="S2 cold alarm; assumed.")
    supply_temp_c_max: float = Field(
        65.0, ge=20.0, le=120.0, description="S2 hot alarm; models 1c."
    )
    return_temp_c_max: float = Field(75.0, ge=20.0, le=120.0, description="Assumed.")
    radiator_temp_c_min: float = Field(-40.0, ge=-100.0, le=20.0, description="Assumed.")
    pressure_kpa_max: float = Field(
        400.0, gt=0.0, le=5000.0, description="Assumed; nominal 150 kPa."
    )
    accumulator_ratio_min: float = Field(0.1, ge=0.0, le=1.0, description="Leak alarm; assumed.")
    bypass_setpoint_c: float = Field(
        15.0, ge=-50.0, le=60.0, description="The bypass keeps the supply above this; assumed."
    )
    bypass_gain_per_k_s: float = Field(
        0.0007,
        gt=0.0,
        le=1.0,
        description="Integral gain: 50 K between its ends, 28 s of delay at trickle; assumed.",
    )
    bypass_ratio_max: float = Field(
        0.98, ge=0.0, le=1.0, description="Some flow always passes the radiator; assumed."
    )
    heater_on_c: float = Field(
        10.0, ge=-50.0, le=60.0, description="Supply below: heaters on; assumed."
    )
    heater_off_c: float = Field(13.0, ge=-50.0, le=60.0, description="Supply above: off; assumed.")
    radiator_heater_on_c: float = Field(
        -25.0, ge=-90.0, le=20.0, description="Radiator outlet below: heaters on; assumed."
    )
    radiator_heater_off_c: float = Field(
        -20.0, ge=-90.0, le=30.0, description="Radiator outlet above: off; assumed."
    )
    battery_heater_on_c: float = Field(
        5.0, ge=-40.0, le=40.0, description="Charging below 0 plates the cells (models, fault P5)."
    )
    battery_heater_off_c: float = Field(8.0, ge=-40.0, le=40.0, description="Assumed.")
    heater_a_w: float = Field(
        200.0, ge=0.0, le=1e4, description="Loop heater for a cold supply; assumed."
    )
    heater_b_w: float = Field(
        1400.0,
        ge=0.0,
        le=1e4,
        description="Loop heater that joins it for a cold radiator: 2 kW hold it at -25 degC.",
    )
    battery_heater_w: float = Field(60.0, ge=0.0, le=1e4, description="Assumed.")
    heater_wait_s: float = Field(
        1.0, ge=0.1, le=60.0, description="Accelerators give up its watts before a heater; assumed."
    )

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.pump_speed_rpm_nominal > self.pump_speed_rpm_max:
            raise ValueError(
                f"pump_speed_rpm_nominal = {self.pump_speed_rpm_nominal} must not exceed"
                f" pump_speed_rpm_max = {self.pump_speed_rpm_max}"
            )
        if not self.heater_on_c < self.heater_off_c:
            raise ValueError(
                f"heater_on_c = {self.heater_on_c} must be below heater_off_c = {self.heater_off_c}"
            )
        if not self.radiator_temp_c_min < self.radiator_heater_on_c < self.radiator_heater_off_c:
            raise ValueError(
                f"radiator_heater_on_c = {self.radiator_heater_on_c} must lie between"
                f" radiator_temp_c_min = {self.radiator_temp_c_min} and radiator_heater_off_c ="
                f" {self.radiator_heater_off_c}"
            )
        if not self.battery_heater_on_c < self.battery_heater_off_c:
            raise ValueError(
                f"battery_heater_on_c = {self.battery_heater_on_c} must be below"
                f" battery_heater_off_c = {self.battery_heater_off_c}"
            )
        if not self.supply_temp_c_min < self.heater_on_c < self.supply_temp_c_max:
            raise ValueError(
                f"heater_on_c = {self.heater_on_c} must lie between supply_temp_c_min ="
                f" {self.supply_temp_c_min} and supply_temp_c_max = {self.supply_temp_c_max}"
            )
        if self.no_flow_off_s <= self.spin_up_s + self.loss_confirm_s:
            raise ValueError(
                f"no_flow_off_s = {self.no_flow_off_s} must be longer than spin_up_s +"
                f" loss_confirm_s = {self.spin_up_s + self.loss_confirm_s}: the standby pump would"
                " have no chance"
            )
        return self
