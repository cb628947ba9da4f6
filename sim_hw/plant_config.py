"""Every number of the plant, with its unit, range and source. The defaults are REF-1.

Sources are sections of docs/models.md; `assumed` marks engineering judgement without one.
Temperatures are degC, except where a field says kelvin.
"""

from pydantic import Field, model_validator

from sim_hw.config_accelerators import AcceleratorConfig
from sim_hw.config_heat import HostConfig, LoopConfig, RadiatorConfig
from sim_hw.config_orbit import OrbitConfig
from sim_hw.config_power import ArrayConfig, BatteryConfig
from sim_hw.config_section import Section
from sim_hw.property_limits import PropertyLimits


class PlantConfig(Section):
    """The plant: the `[plant]` tables of a configuration file. Immutable."""

    orbit: OrbitConfig = OrbitConfig()
    array: ArrayConfig = ArrayConfig()
    battery: BatteryConfig = BatteryConfig()
    loop: LoopConfig = LoopConfig()
    radiator: RadiatorConfig = RadiatorConfig()
    accelerators: AcceleratorConfig = AcceleratorConfig()
    host: HostConfig = HostConfig()
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

    @model_validator(mode="after")
    def _pipes_and_plates_fit_the_loop(self) -> "PlantConfig":
        pipes = 2.0 * self.loop.pipe_mass_kg * self.loop.specific_heat_j_per_kg_k
        plates = 8.0 * self.accelerators.plate_j_per_k
        if pipes + plates >= self.loop.heat_capacity_j_per_k:
            raise ValueError(
                f"loop.heat_capacity_j_per_k = {self.loop.heat_capacity_j_per_k:g} leaves nothing "
                f"for the radiator: pipes and plates alone hold {pipes + plates:g}; raise it"
            )
        if self.battery.bus_voltage_min_v >= self.battery.bus_voltage_max_v:
            raise ValueError("battery.bus_voltage_min_v is not below bus_voltage_max_v; swap them")
        if self.loop.shut_off_pressure_kpa <= self.loop.nominal_pressure_kpa:
            raise ValueError(
                "loop.shut_off_pressure_kpa is not above nominal_pressure_kpa; raise it"
            )
        return self
