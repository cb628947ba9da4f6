"""[judge]: configuration of the checks of readings."""

from typing import Any

from pydantic import Field, model_validator

from flight.core.section import Section


class Comparison(Section):
    """One comparison of a reading with another source of the same truth."""

    enabled: bool = Field(True, description="False: not compared.")
    tolerance: float = Field(1.0, ge=0.0, le=1e4, description="In the unit of the point.")
    ratio: float = Field(0.0, ge=0.0, le=1.0, description="And this part of the other source.")
    persistence_s: float = Field(5.0, ge=0.0, le=3600.0, description="Apart for so long.")


class CompareConfig(Section):
    """[judge.compare]: which readings are compared with what, and how far apart they may be."""

    accel_power: Comparison = Field(
        Comparison(tolerance=60.0, ratio=0.1, persistence_s=5.0),
        description="Accelerator's own meter with its rail's; one is a mean over 1 s; assumed.",
    )
    module_voltage: Comparison = Field(
        Comparison(tolerance=1.5, persistence_s=5.0),
        description="A closed module rail with payload_54v; drop of a switch; assumed.",
    )
    battery_voltage: Comparison = Field(
        Comparison(tolerance=1.0, persistence_s=5.0),
        description="Battery with the payload bus it feeds; assumed.",
    )
    payload_current: Comparison = Field(
        Comparison(tolerance=5.0, ratio=0.05, persistence_s=5.0),
        description="payload_54v with the sum of its modules; meter errors; assumed.",
    )
    loop_flow: Comparison = Field(
        Comparison(tolerance=0.01, ratio=0.15, persistence_s=5.0),
        description="Flow with what the faster pump's speed gives; models, fault T2; assumed.",
    )
    return_temp: Comparison = Field(
        Comparison(tolerance=4.0, persistence_s=30.0),
        description="Return with the mean of the plates' outlets; sensor lags; assumed.",
    )
    core_temp: Comparison = Field(
        Comparison(tolerance=12.0, persistence_s=30.0),
        description="A core with the median of cores at like power; REF-1 spread 7 K; assumed.",
    )
    plate_temp: Comparison = Field(
        Comparison(tolerance=6.0, persistence_s=30.0),
        description="A plate's outlet with the median of plates at like power; assumed.",
    )

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, data: Any) -> Any:
        """Let a table that gives some keys keep the others of its own comparison."""
        if not isinstance(data, dict):
            return data
        whole = dict(data)
        for name, given in data.items():
            if name in cls.model_fields and isinstance(given, dict):
                default = cls.model_fields[name].default
                whole[name] = {**default.model_dump(), **given}
        return whole


class JudgeConfig(Section):
    """[judge]: how long a doubted or missing reading may be replaced by the last good one."""

    hold_s: float = Field(
        0.5, ge=0.0, le=5.0, description="The last good value stands in this long; assumed."
    )
    stuck_check_period_s: float = Field(
        0.5, ge=0.1, le=10.0, description="Stuck sensors are looked for this often; assumed."
    )
    compare_period_s: float = Field(
        2.3,
        ge=0.1,
        le=10.0,
        description="Readings are compared this often; out of step with spikes; assumed.",
    )
    like_power_w: float = Field(
        80.0,
        gt=0.0,
        le=1000.0,
        description="Peers that draw so much more or less count as like; assumed.",
    )
    compare: CompareConfig = Field(
        CompareConfig(), description="What is compared with what: a table for each comparison."
    )
