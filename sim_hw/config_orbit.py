"""The orbit and its surroundings: numbers, units, sources."""

from datetime import UTC, datetime

from pydantic import AwareDatetime, Field, model_validator

from sim_hw.config_section import Section


class OrbitConfig(Section):
    """A circular orbit; an element set given on the command line takes its place."""

    altitude_km: float = Field(550.0, ge=200.0, le=40_000.0, description="1a, reference orbit")
    beta_deg: float = Field(0.0, ge=-90.0, le=90.0, description="Sun to orbital plane at the start")
    inclination_deg: float = Field(
        97.593, ge=0.0, le=180.0, description="1a, Sun-synchronous at 550 km, so that beta stays"
    )
    start_utc: AwareDatetime = Field(
        datetime(2030, 3, 20, 12, tzinfo=UTC), description="assumed; sets the season"
    )
    sink_dark_temp_k: float = Field(
        181.0, ge=3.0, le=300.0, description="1c, edge-on radiator, Earth infra-red only"
    )
    sink_full_albedo_temp_k: float = Field(
        192.0, ge=3.0, le=300.0, description="1c, with full albedo, absorptance 0.14"
    )

    @model_validator(mode="after")
    def _sink_is_ordered(self) -> "OrbitConfig":
        if self.sink_dark_temp_k > self.sink_full_albedo_temp_k:
            raise ValueError("sink_dark_temp_k is above sink_full_albedo_temp_k; swap them")
        return self
