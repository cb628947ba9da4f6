"""[trends]: configuration of what is derived slowly from several readings (trends.py)."""

from typing import Self

from pydantic import Field, model_validator

from flight.core.section import Section


class TrendsConfig(Section):
    """[trends]: models and rates that are looked at about once a second, and their limits."""

    period_s: float = Field(
        1.1, ge=0.2, le=10.0, description="Looked at this often; out of step with spikes; assumed."
    )
    string_current_a_min: float = Field(
        0.5, gt=0.0, le=50.0, description="Strings below it are in the dark; assumed."
    )
    string_deficit_ratio_max: float = Field(
        0.5, gt=0.0, lt=1.0, description="A string this far below its peers is lost; models, P1."
    )
    string_confirm_s: float = Field(
        5.0, ge=0.0, le=600.0, description="... for so long; within the 30 s of models, fault P1."
    )
    sunlit_discharge_a_max: float = Field(
        5.0, ge=0.0, le=500.0, description="In sunlight the battery gives at most this; assumed."
    )
    sunlit_discharge_s: float = Field(
        30.0, ge=1.0, le=3600.0, description="... for so long; longer than a penumbra of 8.5 s."
    )
    charge_cold_a_max: float = Field(
        1.0, ge=0.0, le=100.0, description="Into a battery below battery_temp_c_min; models, P5."
    )
    pump_current_a_nominal: float = Field(
        1.89, gt=0.0, le=50.0, description="At nominal speed; 53 W on 28 V (models 1c)."
    )
    pump_wear_ratio_max: float = Field(
        1.25, gt=1.0, le=10.0, description="Current above the cube law of the speed; assumed."
    )
    pump_wear_s: float = Field(30.0, ge=1.0, le=3600.0, description="... for so long; assumed.")
    pressure_kpa_nominal: float = Field(
        150.0, gt=0.0, le=5000.0, description="At nominal flow; models 1c."
    )
    flow_kg_per_s_nominal: float = Field(
        0.144, gt=0.0, le=10.0, description="One pump at nominal speed; REF-1."
    )
    pressure_ratio_min: float = Field(
        0.6, gt=0.0, lt=1.0, description="Below this part of the square law: gas; models, T2."
    )
    pressure_ratio_max: float = Field(
        1.5, gt=1.0, le=10.0, description="Above it: a blockage; assumed."
    )
    pressure_s: float = Field(
        10.0, ge=1.0, le=3600.0, description="... for so long; models, fault T2."
    )
    accumulator_ratio_per_k: float = Field(
        0.004, ge=0.0, le=0.1, description="Thermal expansion of the coolant; assumed."
    )
    leak_ratio_max: float = Field(
        0.03, gt=0.0, le=1.0, description="Level below its slow mean: a leak; models, fault T3."
    )
    leak_filter_s: float = Field(
        7200.0, ge=60.0, le=1e6, description="Time of that mean, longer than an orbit; assumed."
    )
    radiator_area_m2: float = Field(6.12, gt=0.0, le=1e4, description="Panel, two-sided; REF-1.")
    radiator_emissivity_ratio: float = Field(0.90, gt=0.0, le=1.0, description="REF-1.")
    sink_temp_k: float = Field(
        190.0, ge=3.0, le=300.0, description="Mean sink of an edge-on radiator; models 1c."
    )
    specific_heat_j_per_kg_k: float = Field(
        3900.0, gt=100.0, le=10000.0, description="PG25-like coolant; REF-1."
    )
    radiator_shortfall_ratio_max: float = Field(
        0.4,
        gt=0.0,
        lt=1.0,
        description="Rejects this part less than it should; models, T7; assumed.",
    )
    radiator_s: float = Field(600.0, ge=10.0, le=1e5, description="... for so long; assumed.")
    radiator_drift_k: float = Field(
        0.3, gt=0.0, le=10.0, description="Return moves less in a minute: steady; assumed."
    )
    peer_power_w_min: float = Field(
        250.0, gt=0.0, le=5000.0, description="Accelerators below it have no say; assumed."
    )
    plate_rise_ratio_max: float = Field(
        1.5, gt=1.0, le=10.0, description="Rise per watt over its peers: blocked; models, T8."
    )
    plate_rise_s: float = Field(
        60.0,
        ge=1.0,
        le=3600.0,
        description="... for so long: after a step of load down a plate lags 40 s, measured.",
    )
    core_rise_ratio_max: float = Field(
        1.4, gt=1.0, le=10.0, description="As above, core over its plate: paste; REF-1 spread 1.25."
    )
    core_rise_s: float = Field(
        60.0, ge=1.0, le=3600.0, description="... for so long: two time constants of a core."
    )
    error_filter_s: float = Field(
        60.0, ge=1.0, le=3600.0, description="Time of the mean rate of errors; assumed."
    )
    error_rate_per_s_max: float = Field(
        0.1, gt=0.0, le=1e6, description="Corrected errors, six in a minute; models, R4; assumed."
    )
    replay_rate_per_s_max: float = Field(
        0.1, gt=0.0, le=1e6, description="PCIe replays, six in a minute; models, G3; assumed."
    )
    slowdown_s: float = Field(
        1.0, ge=0.0, le=60.0, description="The device brakes itself this long; models, fault T10."
    )
    cap_apart_w_max: float = Field(
        15.0, gt=1.0, le=500.0, description="Cap read back against the one granted; assumed."
    )
    cap_apart_s: float = Field(5.0, ge=0.5, le=600.0, description="... for so long; assumed.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.sunlit_discharge_s <= self.period_s:
            raise ValueError(
                f"sunlit_discharge_s = {self.sunlit_discharge_s} must be longer than period_s ="
                f" {self.period_s}"
            )
        return self
