"""Array, battery and buses: numbers, units, sources."""

from pydantic import Field

from sim_hw.config_section import Section


class ArrayConfig(Section):
    """The solar array: 8 strings, Sun-pointing unless told otherwise."""

    enabled: bool = Field(True, description="false: none; the spacecraft feeds the buses")
    string_power_w: float = Field(
        1250.0, ge=0.0, le=1e5, description="one string in full Sun: REF-1 10.0 kW / 8; 1562.5 new"
    )
    incidence_deg: float = Field(0.0, ge=0.0, le=90.0, description="Sun to array normal")


class BatteryConfig(Section):
    """The battery. The bus voltage is its terminal voltage, clamped to the range of the bus."""

    enabled: bool = Field(True, description="false: none; the spacecraft feeds the buses")
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
