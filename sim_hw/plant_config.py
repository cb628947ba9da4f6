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

    @model_validator(mode="after")
    def _host_feeds_its_rails(self) -> "PlantConfig":
        host, rails = self.host, self.rails
        drawn_w = 0.0
        for i in range(len(host.rail_voltage_v)):
            output_w = host.rail_voltage_v[i] * host.rail_current_a[i]
            square_w = rails.loss_square_ratio[i] * output_w**2 / rails.rail_power_w_max[i]
            drawn_w += output_w * (1.0 + rails.loss_linear_ratio[i]) + rails.loss_fixed_w[i]
            drawn_w += square_w
            if output_w > rails.rail_power_w_max[i]:
                raise ValueError(
                    f"rails.rail_power_w_max[{i}] = {rails.rail_power_w_max[i]:g} is below the "
                    f"{output_w:g} W of host.rail_voltage_v and rail_current_a; raise it"
                )
        if host.power_w < drawn_w - 1.0:
            raise ValueError(
                f"host.power_w = {host.power_w:g} is below the {drawn_w:.0f} W that its rails and "
                "their converters draw; raise it, or lower host.rail_current_a"
            )
        return self

    @model_validator(mode="after")
    def _limits_are_within_the_hardware(self) -> "PlantConfig":
        """A flight is not judged by limits that its own hardware could not stand."""
        limits, accelerators, loop = self.limits, self.accelerators, self.loop
        bounds: list[tuple[str, float, bool, str, float]] = [
            ("core_temp_c_max", limits.core_temp_c_max, True,
             "accelerators.slowdown_temp_c", accelerators.slowdown_temp_c),
            ("core_temp_c_shutdown", limits.core_temp_c_shutdown, True,
             "accelerators.shutdown_temp_c", accelerators.shutdown_temp_c),
            ("charge_ratio_min", limits.charge_ratio_min, False,
             "battery.cutoff_ratio", self.battery.cutoff_ratio),
        ]  # fmt: skip
        if loop.enabled:
            bounds += [
                ("coolant_temp_c_min", limits.coolant_temp_c_min, False,
                 "loop.freeze_temp_c", loop.freeze_temp_c),
                ("coolant_temp_c_max", limits.coolant_temp_c_max, True,
                 "loop.boil_temp_c", loop.boil_temp_c),
            ]  # fmt: skip
            if limits.flow_kg_per_s_min <= 0.0 or limits.pump_speed_rpm_safe <= 0.0:
                raise ValueError(
                    "limits.flow_kg_per_s_min and pump_speed_rpm_safe are 0 only where "
                    "loop.enabled = false; give what the loop needs"
                )
        for name, value, is_upper, other, bound in bounds:
            if value > bound if is_upper else value < bound:
                side, mend = ("above", "lower") if is_upper else ("below", "raise")
                raise ValueError(
                    f"limits.{name} = {value:g} is {side} {other} = {bound:g}; {mend} it"
                )
        return self
