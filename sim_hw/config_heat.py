"""Coolant loop, radiator and host: numbers, units, sources."""

from pydantic import Field

from sim_hw.config_section import Section


class LoopConfig(Section):
    """The coolant loop: eight plates in parallel, two pipes, two pumps, a bypass, two heaters."""

    enabled: bool = Field(True, description="false: none; accelerators conduct to the radiator")
    specific_heat_j_per_kg_k: float = Field(3900.0, gt=0.0, le=1e4, description="1c, PG25-like")
    nominal_flow_kg_per_s: float = Field(
        0.144, gt=0.0, le=100.0, description="1c, one pump at nominal speed"
    )
    nominal_speed_rpm: float = Field(4000.0, gt=0.0, le=1e5, description="assumed")
    speed_max_rpm: float = Field(6000.0, gt=0.0, le=1e5, description="assumed")
    nominal_pressure_kpa: float = Field(150.0, gt=0.0, le=1e4, description="1c, pump power")
    shut_off_pressure_kpa: float = Field(
        180.0, gt=0.0, le=1e4, description="assumed: head of one pump at nominal speed without flow"
    )
    pump_power_w: float = Field(
        53.0, ge=0.0, le=1e5, description="1c, one pump at nominal; cube of speed; all becomes heat"
    )
    spin_up_s: float = Field(
        1.0, gt=0.0, le=60.0, description="REF-1; first order, 95 % of a step after this time"
    )
    coast_down_s: float = Field(
        1.5, gt=0.0, le=60.0, description="assumed; first order, 95 % after this time"
    )
    stall_current_a: float = Field(4.0, ge=0.0, le=100.0, description="assumed; powered, no torque")
    heat_capacity_j_per_k: float = Field(
        105_000.0, gt=0.0, le=1e9, description="1c, case 18: plates, pipes and radiator in all"
    )
    pipe_mass_kg: float = Field(
        2.0, gt=0.0, le=1e4, description="assumed: coolant in each of the hot and the cold pipe"
    )
    heater_w: float = Field(100.0, ge=0.0, le=1e5, description="assumed, each of two")
    accumulator_ratio_at_20_c: float = Field(0.5, ge=0.0, le=1.0, description="assumed")
    accumulator_ratio_per_k: float = Field(0.004, ge=0.0, le=0.1, description="assumed")


class RadiatorConfig(Section):
    """The radiator: two-sided, edge-on. The last two are for a node without a loop."""

    area_m2: float = Field(
        6.12, gt=0.0, le=1e4, description="REF-1; panel, effective: fin efficiency is in it"
    )
    emissivity_ratio: float = Field(0.90, gt=0.0, le=1.0, description="1c, white silicate paint")
    strap_w_per_k: float = Field(
        4.0, gt=0.0, le=1e4, description="assumed: from each accelerator's spreader to the radiator"
    )
    heat_capacity_j_per_k: float = Field(
        3000.0, gt=0.0, le=1e8, description="assumed: panel and what is bolted to it"
    )


class HostConfig(Section):
    """The host computer and the 28 V bus."""

    power_w: float = Field(
        400.0, ge=0.0, le=1e5, description="REF-1; all of it heats the loop; auxiliaries included"
    )
    bus28_voltage_v: float = Field(28.0, gt=0.0, le=60.0, description="1b, avionics bus, regulated")
    bus54_voltage_v: float = Field(
        54.0,
        gt=0.0,
        le=400.0,
        description="1b, payload bus, nominal; without a battery: its source",
    )
    bus54_resistance_ohm: float = Field(
        0.01, ge=0.0, le=10.0, description="assumed: of the spacecraft's bus, without a battery"
    )
    rail_voltage_v: tuple[float, float, float, float] = Field(
        (12.0, 5.0, 3.3, 1.8), description="REF-1"
    )
    rail_current_a: tuple[float, float, float, float] = Field(
        (22.0, 6.0, 8.0, 12.0), description="assumed, sums to about 340 W"
    )
    cpu_k_per_w: float = Field(0.06, ge=0.0, le=10.0, description="assumed, above the supply")
    nvme_offset_k: float = Field(8.0, ge=0.0, le=100.0, description="assumed, above the supply")
    rail_offset_k: float = Field(12.0, ge=0.0, le=100.0, description="assumed")
    lag_s: float = Field(60.0, gt=0.0, le=3600.0, description="assumed, temperatures of the host")
    nvme_wear_ratio: float = Field(0.02, ge=0.0, le=1.0, description="assumed")
    disk_free_ratio: float = Field(0.8, ge=0.0, le=1.0, description="assumed")
