"""The orbit and its surroundings: numbers, units, sources."""

from datetime import UTC, datetime

from pydantic import AwareDatetime, Field

from sim_hw.attitude import AttitudeMode
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
    attitude: AttitudeMode = Field(
        "sun_edge_on",
        description="array to the Sun and radiator edge-on; or nadir, with one axis; or tumbling",
    )
    tumbling_period_s: float = Field(
        900.0, ge=300.0, le=86_400.0, description="assumed; one turn, where it tumbles"
    )
    tumbling_seed: int = Field(1, ge=0, description="draws the axis of tumbling")
