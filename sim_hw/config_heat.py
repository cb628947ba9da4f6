"""Accelerator stack, coolant loop, radiator, host and battery node: numbers, units, sources.

The structures of the same names are in sim_hw/csrc/plant/{heat_stack,pumps,radiator,heat}.h, which
hold the equations.
"""

from pydantic import Field, model_validator

from sim_hw.config_section import Section


class StackConfig(Section):
    """Core, package, memory and cold plate of an accelerator, all alike but for the core."""

    core_k_per_w_min: float = Field(
        0.040,
        ge=0.001,
        le=10.0,
        description="1c, core to mean coolant of its plate at nominal flow, drawn by seed",
    )
    core_k_per_w_max: float = Field(0.050, ge=0.001, le=10.0, description="1c")
    core_package_ratio: float = Field(
        0.20, gt=0.0, lt=1.0, description="assumed: part of it between core and package"
    )
    plate_film_ratio: float = Field(
        0.25, gt=0.0, lt=1.0, description="assumed: part of it between plate and mean coolant"
    )
    core_j_per_k: float = Field(60.0, ge=0.1, le=1e6, description="assumed; 1c, core 0.5-3 s")
    package_j_per_k: float = Field(
        505.0, ge=0.1, le=1e6, description="REF-1: core, package and memory 600 J/K together"
    )
    plate_j_per_k: float = Field(277.0, ge=1.0, le=1e6, description="REF-1, plate and its coolant")
    memory_k_per_w: float = Field(
        0.035, gt=0.0, le=10.0, description="assumed: memory above plate, by power of the module"
    )
    memory_lag_s: float = Field(8.0, gt=0.0, le=600.0, description="assumed, 1c gives 0.5-40 s")
    memory_power_ratio: float = Field(
        0.15, ge=0.0, le=0.9, description="assumed: memory's part of the power of the module"
    )
    strap_w_per_k: float = Field(
        5.0, gt=0.0, le=1e4, description="assumed: plate to radiator, of a node without a loop"
    )

    @model_validator(mode="after")
    def _parts_fit(self) -> "StackConfig":
        if self.core_k_per_w_min > self.core_k_per_w_max:
            raise ValueError("core_k_per_w_min is above core_k_per_w_max; swap them")
        if self.core_package_ratio + self.plate_film_ratio >= 1.0:
            raise ValueError(
                "core_package_ratio and plate_film_ratio leave nothing for the interface between "
                "package and plate; lower one"
            )
        return self


class LoopConfig(Section):
    """The coolant loop: eight plates in parallel, two pipes, two pumps, a bypass, two heaters."""

    enabled: bool = Field(True, description="false: plates and host conduct to the radiator")
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
    pipe_mass_kg: float = Field(
        2.0, ge=0.05, le=1e4, description="assumed: coolant in each of the hot and the cold pipe"
    )
    manifold_mass_kg: float = Field(
        0.2, gt=0.0, le=1e4, description="assumed: mixed coolant where host and heaters sit"
    )
    pipe_cells: int = Field(32, ge=1, le=64, description="of each pipe; a front is so sharp")
    stagnant_mixing_w_per_k: float = Field(
        0.5, ge=0.0, le=1e4, description="assumed, between two cells, below 1 % of nominal flow"
    )
    bypass_travel_s: float = Field(
        10.0, gt=0.0, le=600.0, description="assumed: the valve from one end to the other"
    )
    freeze_temp_c: float = Field(-8.9, ge=-100.0, le=20.0, description="1c, PG25 by volume")
    slush_k: float = Field(
        3.0, gt=0.0, le=50.0, description="assumed: so far below freezing its tubes are shut"
    )
    boil_temp_c: float = Field(
        101.0, ge=30.0, le=400.0, description="assumed: at one atmosphere, the loop holds more"
    )
    heater_a_w: float = Field(200.0, ge=0.0, le=1e5, description="assumed")
    heater_b_w: float = Field(
        1400.0, ge=0.0, le=1e5, description="sized: a SAFE node keeps its radiator above -40 degC"
    )
    accumulator_ratio_at_20_c: float = Field(0.5, ge=0.0, le=1.0, description="assumed")
    accumulator_ratio_per_k: float = Field(0.004, ge=0.0, le=0.1, description="assumed")
    accumulator_kg: float = Field(1.0, gt=0.0, le=1e4, description="assumed: coolant when full")
    prime_loss_kg: float = Field(
        0.2, gt=0.0, le=1e4, description="assumed: so much lost beyond it, pumps lift no more"
    )

    @model_validator(mode="after")
    def _pump_lifts(self) -> "LoopConfig":
        if self.shut_off_pressure_kpa <= self.nominal_pressure_kpa:
            raise ValueError("shut_off_pressure_kpa is not above nominal_pressure_kpa; raise it")
        return self


class RadiatorConfig(Section):
    """The radiator: tubes with fins, cut into nodes along the flow."""

    faces: int = Field(2, ge=1, le=2, description="REF-1, free on both sides; 1: body-mounted")
    area_m2: float = Field(
        6.68, gt=0.0, le=1e4, description="sized: does what 6.12 m2 effective of REF-1 does"
    )
    emissivity_ratio: float = Field(0.90, gt=0.0, le=1.0, description="1c, white silicate paint")
    absorptance_ratio: float = Field(0.14, ge=0.0, le=1.0, description="1c, the same, aged")
    node_count: int = Field(16, ge=1, le=64, description="see docs/design/simulation.md")
    panel_j_per_k: float = Field(
        63_004.0,
        ge=100.0,
        le=1e9,
        description="1c, case 18: plates, coolant and panel hold 105 kJ/K",
    )
    fluid_mass_kg: float = Field(6.0, gt=0.0, le=1e4, description="assumed: coolant in its tubes")
    film_w_per_k: float = Field(
        3000.0, gt=0.0, le=1e6, description="assumed: coolant to tubes, whole radiator"
    )
    header_film_ratio: float = Field(
        0.05, gt=0.0, le=1.0, description="assumed: of that, what is left where tubes are frozen"
    )
    fin_length_m: float = Field(
        0.06, gt=0.0, le=2.0, description="assumed: half the distance between two tubes"
    )
    fin_thickness_m: float = Field(0.001, gt=0.0, le=0.1, description="assumed")
    fin_conductivity_w_per_m_k: float = Field(
        167.0, gt=0.0, le=3000.0, description="aluminium 6061-T6"
    )
    lateral_w_per_k: float = Field(
        0.4, ge=0.0, le=1e4, description="assumed: between neighbouring nodes"
    )


class HostConfig(Section):
    """The host computer."""

    power_w: float = Field(
        368.0,
        ge=0.0,
        le=1e5,
        description="at the 28 V bus, rails and auxiliaries; all heat of the loop. REF-1: with one "
        "pump and the avionics converter's loss 453 W",
    )
    rail_voltage_v: tuple[float, float, float, float] = Field(
        (12.0, 5.0, 3.3, 1.8), description="REF-1"
    )
    rail_current_a: tuple[float, float, float, float] = Field(
        (22.0, 6.0, 8.0, 12.0), description="assumed, sums to about 340 W"
    )
    heat_capacity_j_per_k: float = Field(
        6_000.0, ge=10.0, le=1e7, description="assumed, 7 kg of boards and frame"
    )
    cooling_w_per_k: float = Field(
        60.0, gt=0.0, le=1e5, description="assumed: to the coolant, or by strap to the radiator"
    )
    cpu_k_per_w: float = Field(
        0.02, ge=0.0, le=10.0, description="assumed: processor above its boards, by host power"
    )
    nvme_offset_k: float = Field(8.0, ge=0.0, le=100.0, description="assumed, above the supply")
    rail_offset_k: float = Field(12.0, ge=0.0, le=100.0, description="assumed, above the supply")
    lag_s: float = Field(60.0, gt=0.0, le=3600.0, description="assumed, temperatures of the host")
    nvme_wear_ratio: float = Field(0.02, ge=0.0, le=1.0, description="assumed")
    disk_free_ratio: float = Field(0.8, ge=0.0, le=1.0, description="assumed")


class BatteryNodeConfig(Section):
    """The battery as a body that is warmed and leaks heat."""

    heat_capacity_j_per_k: float = Field(70_000.0, ge=10.0, le=1e8, description="assumed, 70 kg")
    leak_w_per_k: float = Field(8.0, ge=0.0, le=1e4, description="assumed, to the structure")
    structure_temp_c: float = Field(10.0, ge=-150.0, le=80.0, description="assumed")
