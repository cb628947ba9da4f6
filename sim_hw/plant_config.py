"""Every number of the plant, with its unit, range and source. The defaults are REF-1.

Sources are sections of docs/models.md; `assumed` marks engineering judgement without one.
Temperatures are degC, except where a field says kelvin.
"""

from pydantic import Field, model_validator

from sim_hw.config_accelerators import AcceleratorConfig
from sim_hw.config_heat import (
    BatteryNodeConfig,
    HostConfig,
    LoopConfig,
    RadiatorConfig,
    StackConfig,
)
from sim_hw.config_orbit import OrbitConfig
from sim_hw.config_power import (
    ArrayConfig,
    AvionicsConfig,
    BatteryConfig,
    BusConfig,
    HostLimiterConfig,
    LimiterConfig,
    RailsConfig,
)
from sim_hw.config_radiation import RadiationConfig
from sim_hw.config_section import Section
from sim_hw.property_limits import PropertyLimits


class PlantConfig(Section):
    """The plant: the `[plant]` tables of a configuration file. Immutable."""

    orbit: OrbitConfig = OrbitConfig()
    array: ArrayConfig = ArrayConfig()
    battery: BatteryConfig = BatteryConfig()
    bus: BusConfig = BusConfig()
    avionics: AvionicsConfig = AvionicsConfig()
    rails: RailsConfig = RailsConfig()
    payload_limiter: LimiterConfig = LimiterConfig()
    host_limiter: HostLimiterConfig = HostLimiterConfig()
    loop: LoopConfig = LoopConfig()
    radiator: RadiatorConfig = RadiatorConfig()
    stack: StackConfig = StackConfig()
    battery_node: BatteryNodeConfig = BatteryNodeConfig()
    accelerators: AcceleratorConfig = AcceleratorConfig()
    host: HostConfig = HostConfig()
    radiation: RadiationConfig = RadiationConfig()
    limits: PropertyLimits = Field(
        PropertyLimits(),
        description="What the safety properties compare plant truth with: requirements of the "
        "hardware, which the flight software does not read.",
    )

    @model_validator(mode="after")
    def _array_and_battery_go_together(self) -> "PlantConfig":
        if self.array.enabled != self.battery.enabled:
            array, battery = str(self.array.enabled).lower(), str(self.battery.enabled).lower()
            raise ValueError(
                f"array.enabled = {array} with battery.enabled = {battery}:"
                " a node has both, or its spacecraft has"
            )
        return self
