"""Every number of the plant, with its unit, range and source. The defaults are REF-1.

Sources are sections of docs/models.md; `assumed` marks engineering judgement without one.
Temperatures are degC, except where a field says kelvin.
"""

from datetime import UTC, datetime

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class OrbitConfig(_Section):
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


class ArrayConfig(_Section):
    """The solar array: 8 strings, Sun-pointing unless told otherwise."""

    string_power_w: float = Field(
        1250.0, ge=0.0, le=1e5, description="one string in full Sun: REF-1 10.0 kW / 8; 1562.5 new"
    )
    incidence_deg: float = Field(0.0, ge=0.0, le=90.0, description="Sun to array normal")


class BatteryConfig(_Section):
    """The battery. The bus voltage is its terminal voltage, clamped to the range of the bus."""

    capacity_wh: float = Field(12_500.0, gt=0.0, le=1e7, description="1b, 30 % depth at beta 0")
    charge_efficiency_ratio: float = Field(0.95, gt=0.0, le=1.0, description="REF-1")
    discharge_efficiency_ratio: float = Field(0.95, gt=0.0, le=1.0, description="REF-1")
    charge_power_max_w: float = Field(6_250.0, gt=0.0, le=1e7, description="assumed, C/2")
    charge_taper_ratio: float = Field(
        0.03, gt=0.0, le=0.5, description="assumed: charging falls linearly to 0 in the last 3 %"
    )
    open_circuit_v: tuple[float, ...] = Field(
        (48.4, 50.1, 50.9, 51.4, 51.8, 52.2, 52.9, 53.9, 54.9, 55.8, 56.7),
        min_length=2,
        description="assumed, 14 Li-ion cells in series, at charge 0 to 1 in even steps",
    )
    resistance_ohm: float = Field(0.008, ge=0.0, le=1.0, description="assumed")
    bus_voltage_min_v: float = Field(48.0, gt=0.0, le=400.0, description="1b, payload bus 48-57 V")
    bus_voltage_max_v: float = Field(57.0, gt=0.0, le=400.0, description="1b, payload bus 48-57 V")
    reconnect_ratio: float = Field(
        0.05, ge=0.0, le=1.0, description="assumed: the bus of an empty battery returns above this"
    )
    heat_capacity_j_per_k: float = Field(70_000.0, gt=0.0, le=1e8, description="assumed, 70 kg")
    leak_w_per_k: float = Field(8.0, ge=0.0, le=1e4, description="assumed, to the structure")
    structure_temp_c: float = Field(10.0, ge=-150.0, le=80.0, description="assumed")
    heater_w: float = Field(60.0, ge=0.0, le=1e4, description="assumed")


class LoopConfig(_Section):
    """The coolant loop: eight plates in parallel, two pipes, two pumps, a bypass, two heaters."""

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


class RadiatorConfig(_Section):
    """The radiator: two-sided, edge-on."""

    area_m2: float = Field(
        6.12, gt=0.0, le=1e4, description="REF-1; panel, effective: fin efficiency is in it"
    )
    emissivity_ratio: float = Field(0.90, gt=0.0, le=1.0, description="1c, white silicate paint")


class AcceleratorConfig(_Section):
    """The accelerators and their cold plates, all alike but for the core resistance."""

    cap_max_w: float = Field(700.0, gt=0.0, le=1e4, description="1b, after power-up")
    idle_power_w: float = Field(70.0, ge=0.0, le=1e4, description="1b, 60-100 W")
    full_power_w: float = Field(
        720.0, gt=0.0, le=1e4, description="assumed: draw at utilisation 1 and full clock, no cap"
    )
    clock_max_mhz: float = Field(1980.0, gt=0.0, le=1e4, description="assumed, H100 class")
    clock_idle_mhz: float = Field(345.0, gt=0.0, le=1e4, description="assumed, H100 class")
    lag_s: float = Field(0.15, gt=0.0, le=10.0, description="REF-1, own first-order lag of power")
    boot_s: float = Field(1.0, gt=0.0, le=600.0, description="REF-1, power to answering")
    slowdown_temp_c: float = Field(89.0, ge=0.0, le=200.0, description="1c, halves the clock")
    slowdown_release_k: float = Field(3.0, gt=0.0, le=50.0, description="assumed hysteresis")
    shutdown_temp_c: float = Field(95.0, ge=0.0, le=200.0, description="1c, off until power-cycled")
    core_k_per_w_min: float = Field(
        0.040, ge=0.001, le=1.0, description="1c, core to mean coolant of its plate, drawn by seed"
    )
    core_k_per_w_max: float = Field(0.050, ge=0.001, le=1.0, description="1c")
    core_j_per_k: float = Field(600.0, ge=50.0, le=1e6, description="REF-1, core and package")
    plate_j_per_k: float = Field(277.0, ge=50.0, le=1e6, description="REF-1, plate and its coolant")
    memory_k_per_w: float = Field(
        0.046, ge=0.0, le=1.0, description="assumed: memory above plate, by power of the module"
    )
    memory_lag_s: float = Field(8.0, gt=0.0, le=600.0, description="assumed, 1c gives 0.5-40 s")
    aux_voltage_v: float = Field(3.3, gt=0.0, le=60.0, description="REF-1")
    aux_current_a: float = Field(
        0.8, ge=0.0, le=100.0, description="assumed; its power is in that of the host"
    )
    latch_clear_s: float = Field(
        0.1, ge=0.0, le=60.0, description="REF-1: a latch-up ends when its rail was off this long"
    )
    switch_k_per_a: float = Field(1.2, ge=0.0, le=50.0, description="assumed, module switch")
    switch_lag_s: float = Field(20.0, gt=0.0, le=3600.0, description="assumed")

    @model_validator(mode="after")
    def _ranges_are_ordered(self) -> "AcceleratorConfig":
        if self.core_k_per_w_min > self.core_k_per_w_max:
            raise ValueError("core_k_per_w_min is above core_k_per_w_max; swap them")
        if self.idle_power_w >= self.full_power_w:
            raise ValueError("idle_power_w is not below full_power_w; lower it")
        return self


class HostConfig(_Section):
    """The host computer and the 28 V bus."""

    power_w: float = Field(
        400.0, ge=0.0, le=1e5, description="REF-1; all of it heats the loop; auxiliaries included"
    )
    bus28_voltage_v: float = Field(28.0, gt=0.0, le=60.0, description="1b, avionics bus, regulated")
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


class PlantConfig(_Section):
    """The plant: the `[plant]` tables of a configuration file. Immutable."""

    orbit: OrbitConfig = OrbitConfig()
    array: ArrayConfig = ArrayConfig()
    battery: BatteryConfig = BatteryConfig()
    loop: LoopConfig = LoopConfig()
    radiator: RadiatorConfig = RadiatorConfig()
    accelerators: AcceleratorConfig = AcceleratorConfig()
    host: HostConfig = HostConfig()

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
