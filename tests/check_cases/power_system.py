"""The power system of the plant (C) by itself, as check cases and comparisons ask it."""

from dataclasses import dataclass, field, replace
from typing import Any

from sim_hw._native import ffi, lib
from sim_hw.config_power import (
    ArrayConfig,
    AvionicsConfig,
    BatteryConfig,
    BusConfig,
    HostLimiterConfig,
    LimiterConfig,
    RailsConfig,
)
from sim_hw.native_config import fill_struct

SOLAR_W_PER_M2 = 1361.0
DT_S = 0.1


@dataclass(frozen=True, kw_only=True)
class PowerConfig:
    """The sections of the power system; the defaults are REF-1."""

    array: ArrayConfig = field(default_factory=ArrayConfig)
    battery: BatteryConfig = field(default_factory=BatteryConfig)
    bus: BusConfig = field(default_factory=BusConfig)
    avionics: AvionicsConfig = field(default_factory=AvionicsConfig)
    rails: RailsConfig = field(default_factory=RailsConfig)
    payload_limiter: LimiterConfig = field(default_factory=LimiterConfig)
    host_limiter: HostLimiterConfig = field(default_factory=HostLimiterConfig)


def paper_array(array_w: float, **changes: Any) -> ArrayConfig:
    """Return an array as a relation on paper has it: no temperature, no rating of a regulator."""
    return ArrayConfig(
        string_power_w=array_w / 8.0,
        power_temp_ratio_per_k=0.0,
        string_power_w_max=1e5,
        **changes,
    )


def paper_config(battery: BatteryConfig, array: ArrayConfig | None = None) -> PowerConfig:
    """Return a power system whose only losses are the efficiencies of array and battery."""
    return PowerConfig(
        array=array or paper_array(0.0),
        battery=battery,
        bus=BusConfig(source_ohm=0.0, module_capacitance_f=0.0),
        avionics=AvionicsConfig(enabled=False),
        payload_limiter=LimiterConfig(class_current_a=1e5),
    )


class PowerSystem:
    """A `sim_power_t` with its configuration, faults and plant image.

    Attributes:
        state, faults, image, environment, loads: The C structs; read and write their fields.
    """

    def __init__(self, config: PowerConfig, *, charge_ratio: float, temp_c: float = 20.0) -> None:
        self.config = ffi.new("sim_power_config_t *")
        for name in vars(config):
            fill_struct(getattr(self.config, name), getattr(config, name))
        self.state: Any = ffi.new("sim_power_t *")
        self.faults: Any = ffi.new("sim_power_faults_t *")
        self.image: Any = ffi.new("sim_plant_image_t *")
        self.environment: Any = ffi.new(
            "sim_environment_t *", {"solar_w_per_m2": SOLAR_W_PER_M2, "array_cos": 1.0}
        )
        self.loads: Any = ffi.new("sim_power_loads_t *", {"battery_temp_c": temp_c})
        start = ffi.new("sim_power_start_t *", {"charge_ratio": charge_ratio})
        lib.sim_power_init(self.state, self.config, self.faults, self.image, start)

    @property
    def charge_ratio(self) -> float:
        """State of charge, 0..1."""
        return float(self.state.charge_ratio)

    @property
    def stored_j(self) -> float:
        """Energy in cells and module inputs."""
        return float(self.state.stored_j)

    def advance(self, dt_s: float, sunlight_ratio: float, modules_w: float, host_w: float) -> None:
        """Advance by 0 < dt_s <= 0.2 with loads on the payload bus and on the 28 V bus."""
        self.environment.sunlight_ratio = sunlight_ratio
        self.loads.modules_w = modules_w
        self.loads.host_w = host_w
        self.step(dt_s)

    def step(self, dt_s: float) -> None:
        """Advance with environment and loads as they stand in their structs."""
        lib.sim_power_advance(
            self.state, self.config, self.faults, self.image, dt_s, self.environment, self.loads
        )


def power_system(charge_ratio: float = 0.6, temp_c: float = 20.0, **sections: Any) -> PowerSystem:
    """Return REF-1's power system, with sections replaced."""
    return PowerSystem(replace(PowerConfig(), **sections), charge_ratio=charge_ratio, temp_c=temp_c)


def fly(
    eps: PowerSystem,
    seconds: float,
    *,
    sun: float,
    modules_w: float = 5600.0,
    host_w: float = 421.0,
) -> None:
    """Advance by cycles of 100 ms; a bus without voltage feeds nobody."""
    for _ in range(round(seconds / DT_S)):
        payload = modules_w if eps.state.bus54_voltage_v > 0.0 else 0.0
        host = host_w if eps.state.bus28_voltage_v > 0.0 else 0.0
        eps.advance(DT_S, sun, payload, host)


def struct(kind: str, section: Any) -> Any:
    """Return a section as C has it."""
    pointer = ffi.new(f"{kind} *")
    fill_struct(pointer, section)
    return pointer
