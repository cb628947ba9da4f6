"""Array, battery, buses, converters and outlets: numbers, units, sources."""

from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, model_validator

from sim_hw.config_section import Section

Ratio = Annotated[float, Field(ge=0.0, le=1.0)]
Watts = Annotated[float, Field(ge=0.0, le=1e6)]
FourRatios = tuple[Ratio, Ratio, Ratio, Ratio]
FourWatts = tuple[Watts, Watts, Watts, Watts]


class ArrayConfig(Section):
    """The solar array. A string's power is that of its panel after the string's regulator."""

    enabled: bool = Field(True, description="false: none")
    string_count: int = Field(8, ge=1, le=8, description="REF-1")
    string_power_w: float = Field(
        1293.8, ge=0.0, le=1e5,
        description="one string at 1361 W/m2 and reference_temp_c when new: sized so that REF-1 "
        "gives 10.0 kW in full Sun, warm, in March",
    )  # fmt: skip
    string_power_w_max: float = Field(
        1275.0, gt=0.0, le=1e5,
        description="assumed, rating of a string's regulator: 2 % above REF-1's 1250 W",
    )  # fmt: skip
    incidence_deg: float = Field(
        0.0, ge=0.0, le=90.0, description="error of pointing, on top of the attitude"
    )
    reference_temp_c: float = Field(28.0, ge=-50.0, le=100.0, description="1b, standard rating")
    power_temp_ratio_per_k: float = Field(
        -0.0023, ge=-0.01, le=0.0, description="assumed, triple-junction class"
    )
    voltage_temp_ratio_per_k: float = Field(
        -0.0028, ge=-0.01, le=0.0, description="assumed, triple-junction class"
    )
    age_years: float = Field(0.0, ge=0.0, le=30.0, description="in orbit")
    degradation_ratio_per_year: float = Field(0.025, ge=0.0, le=0.2, description="1b, 2-3 %")
    regulation_efficiency_ratio: float = Field(
        1.0, gt=0.0, le=1.0, description="array to bus; the rating is at the bus"
    )
    peak_power_tracking: bool = Field(
        True, description="false: direct energy transfer, the strings work at the bus voltage"
    )
    string_peak_power_v: float = Field(
        66.0, gt=0.0, le=400.0, description="assumed: 57 V of the bus are kept when hot"
    )
    string_open_circuit_v: float = Field(
        74.5, gt=0.0, le=400.0, description="assumed: peak power at 0.886 of it, triple-junction"
    )
    peak_power_current_ratio: float = Field(
        0.97, gt=0.5, lt=1.0, description="assumed: current at peak power over short circuit"
    )
    cell_efficiency_ratio: float = Field(
        0.295, gt=0.0, le=0.6, description="1b, triple-junction at 28 degC"
    )
    absorptance_ratio: float = Field(0.88, ge=0.0, le=1.0, description="1c, GaAs cell")
    emissivity_ratio: float = Field(0.80, gt=0.0, le=1.0, description="1c, GaAs cell; back alike")
    infrared_w_per_m2: float = Field(
        155.0, ge=0.0, le=500.0,
        description="computed: 237 W/m2 by 0.65, mean of both faces' view factors at 550 km",
    )  # fmt: skip
    heat_capacity_j_per_m2_k: float = Field(
        2800.0, gt=200.0, le=1e5, description="assumed: 3.2 kg/m2 of sandwich panel"
    )

    @model_validator(mode="after")
    def _peak_power_lies_below_open_circuit(self) -> Self:
        if self.string_peak_power_v >= self.string_open_circuit_v:
            raise ValueError(
                f"string_peak_power_v = {self.string_peak_power_v:g} is not below "
                f"string_open_circuit_v = {self.string_open_circuit_v:g}; lower it"
            )
        return self


class BatteryConfig(Section):
    """The battery and its management. Its terminals are the main bus."""

    enabled: bool = Field(True, description="false: the node hangs on a stiff supply")
    capacity_wh: float = Field(12_500.0, gt=0.0, le=1e7, description="1b, 30 % depth at beta 0")
    charge_efficiency_ratio: float = Field(0.95, gt=0.0, le=1.0, description="REF-1")
    discharge_efficiency_ratio: float = Field(0.95, gt=0.0, le=1.0, description="REF-1")
    charge_power_max_w: float = Field(6_250.0, gt=0.0, le=1e7, description="assumed, C/2")
    charge_current_a_max: float = Field(125.0, gt=0.0, le=1e5, description="assumed, C/2")
    discharge_current_a_max: float = Field(
        250.0, gt=0.0, le=1e5, description="assumed, 1 C: more opens the bus"
    )
    charge_taper_ratio: float = Field(
        0.03, gt=0.0, le=0.5, description="assumed: charging falls linearly to 0 in the last 3 %"
    )
    open_circuit_v: tuple[float, ...] = Field(
        (48.4, 50.1, 50.9, 51.4, 51.8, 52.2, 52.9, 53.9, 54.9, 55.8, 56.7),
        min_length=2,
        max_length=16,
        description="assumed, 14 Li-ion cells in series, at charge 0 to 1 in even steps",
    )
    bus_voltage_max_v: float = Field(
        57.0, gt=0.0, le=400.0, description="1b, payload bus 48-57 V; charging holds it there"
    )
    resistance_ohm: float = Field(0.008, ge=0.0, le=10.0, description="assumed, new")
    resistance_temp_c: float = Field(20.0, ge=-50.0, le=80.0, description="assumed, of it")
    resistance_activation_k: float = Field(
        2400.0, ge=0.0, le=1e4, description="assumed: 20 kJ/mol over the gas constant"
    )
    charge_temp_c_min: float = Field(
        0.0, ge=-100.0, le=40.0, description="1b, below it charging plates the cells: none"
    )
    charge_temp_c_max: float = Field(50.0, ge=0.0, le=100.0, description="1b, window 0-50 degC")
    discharge_temp_c_min: float = Field(-20.0, ge=-100.0, le=40.0, description="assumed")
    discharge_temp_c_max: float = Field(60.0, ge=0.0, le=150.0, description="assumed")
    cutoff_ratio: float = Field(
        0.01, ge=0.0, le=0.5, description="assumed: the weakest cell at it opens the bus"
    )
    reconnect_ratio: float = Field(
        0.05, ge=0.0, le=1.0, description="assumed: the bus of an empty battery returns above this"
    )
    reconnect_s: float = Field(1.0, ge=0.0, le=3600.0, description="assumed: ... and after this")
    cell_count: int = Field(14, ge=1, le=16, description="assumed, in series: 54 V of Li-ion")
    strand_count: int = Field(8, ge=1, le=1000, description="assumed, in parallel")
    imbalance_ratio: float = Field(
        0.004, ge=0.0, le=0.2, description="assumed: charge of the strongest less the weakest cell"
    )
    balance_w: float = Field(0.5, ge=0.0, le=100.0, description="assumed, bleeder of one cell")
    balance_threshold_ratio: float = Field(
        0.005, ge=0.0, le=0.2, description="assumed: cells so far above the weakest are bled"
    )
    cell_short_ohm: float = Field(0.01, gt=0.0, le=10.0, description="assumed, in a shorted cell")
    age_years: float = Field(0.0, ge=0.0, le=30.0, description="at the start")
    age_cycles: float = Field(0.0, ge=0.0, le=1e5, description="at the start, full ones")
    fade_ratio_per_year: float = Field(0.015, ge=0.0, le=0.5, description="assumed, of capacity")
    fade_ratio_per_cycle: float = Field(
        4e-5, ge=0.0, le=0.01, description="assumed: 20 % after 5000 full cycles"
    )
    resistance_growth_per_fade: float = Field(
        2.5, ge=0.0, le=50.0, description="assumed: half as much again at 20 % of fade"
    )
    heater_w: float = Field(60.0, ge=0.0, le=1e4, description="assumed")

    @model_validator(mode="after")
    def _the_voltages_can_be(self) -> Self:
        table = self.open_circuit_v
        if any(low > high for low, high in pairwise(table)) or table[0] <= 0.0:
            raise ValueError("open_circuit_v falls; give voltages that rise with the charge")
        if self.bus_voltage_max_v <= table[-1]:
            raise ValueError(
                f"bus_voltage_max_v = {self.bus_voltage_max_v:g} is not above the full battery's "
                f"{table[-1]:g} V in open_circuit_v; raise it"
            )
        if self.cutoff_ratio >= self.reconnect_ratio:
            raise ValueError("cutoff_ratio is not below reconnect_ratio; lower it")
        return self


class BusConfig(Section):
    """The main bus and the inputs of the modules."""

    bus54_voltage_v: float = Field(
        54.0, gt=0.0, le=400.0, description="1b, stiff supply of a node without battery"
    )
    source_ohm: float = Field(
        0.0005, ge=0.0, le=10.0, description="assumed, harness to the outlets"
    )
    module_capacitance_f: float = Field(
        0.001, ge=0.0, le=1.0, description="1b, inrush case: input of one module"
    )
    module_inrush_a: float = Field(
        20.0, gt=0.0, le=1e4, description="1b, inrush case: let through by its hot-swap"
    )


class AvionicsConfig(Section):
    """The converter of the 28 V bus. Loss: fixed + linear P + square P^2 / rated."""

    enabled: bool = Field(True, description="false: 28 V loads hang on the main bus")
    voltage_v: float = Field(28.0, gt=0.0, le=100.0, description="1b, avionics bus, regulated")
    droop_ohm: float = Field(0.005, ge=0.0, le=10.0, description="assumed, output and harness")
    power_w_max: float = Field(
        3000.0, gt=0.0, le=1e6, description="assumed, rated output: host, pump and all heaters"
    )
    restart_s: float = Field(1.0, gt=0.0, le=3600.0, description="assumed, off after an overload")
    loss_fixed_w: float = Field(8.0, ge=0.0, le=1e4, description="assumed")
    loss_linear_ratio: float = Field(
        0.045, ge=0.0, le=1.0, description="assumed: 93 % with the 421 W of REF-1"
    )
    loss_square_ratio: float = Field(0.086, ge=0.0, le=1.0, description="assumed")


class RailsConfig(Section):
    """The converters of the host's rails, 12, 5, 3.3, 1.8 V; their losses are in host.power_w."""

    rail_power_w_max: FourWatts = Field((400.0, 60.0, 50.0, 40.0), description="assumed, rated")
    loss_fixed_w: FourWatts = Field((1.5, 0.5, 0.5, 0.5), description="assumed")
    loss_linear_ratio: FourRatios = Field((0.036, 0.05, 0.06, 0.07), description="assumed")
    loss_square_ratio: FourRatios = Field((0.037, 0.05, 0.06, 0.07), description="assumed")


class LimiterConfig(Section):
    """A latching current limiter at an outlet."""

    class_current_a: float = Field(
        125.0, gt=0.0, le=1e5, description="assumed: 8 x 12.96 A and a fifth"
    )
    limit_ratio: float = Field(
        1.4, gt=1.0, le=3.0, description="1b, 1.2-1.7 of the class; a placeholder"
    )
    trip_off_s: float = Field(
        0.006, gt=0.0, le=0.1, description="1b, 6-24 ms by class; a placeholder"
    )
    retrigger_s: float = Field(
        1.0, ge=0.0, le=3600.0, description="models, fault P8; 0: stays open"
    )
    undervoltage_v: float = Field(44.0, ge=0.0, le=400.0, description="assumed: opens below it")


class HostLimiterConfig(LimiterConfig):
    """The outlet of the avionics converter."""

    class_current_a: float = Field(
        60.0, gt=0.0, le=1e5, description="assumed: the converter's rating at 54 V"
    )
    trip_off_s: float = Field(
        0.012, gt=0.0, le=0.1, description="1b, 6-24 ms by class; a placeholder"
    )
