"""Which point is backed by which sensor, and how good the sensors of REF-1 are.

Set-points, registers and what a part computes from others (power of a 54 V rail, margin of an
accelerator) have no sensor of their own: a fault is injected in what they are computed from.
"""

from fnmatch import fnmatchcase
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Float64s = NDArray[np.float64]


class SensorSpec(NamedTuple):
    """Quality of the sensors of all points that match `pattern`.

    noise: one sigma, in the unit of the point. lsb: quantum, 0 for none. lag_s: first-order lag.
    source: where the numbers come from.
    """

    pattern: str
    noise: float
    lsb: float
    lag_s: float
    source: str


class SensorTables(Protocol):
    """What configure_sensors needs of the plant image (sim_hw/devices.py)."""

    sensor_mode: Float64s
    sensor_value: Float64s
    sensor_noise: Float64s
    sensor_lsb: Float64s
    sensor_lag_s: Float64s

    def truth_word(self, field: str, element: int = 0) -> int:
        """Return the word index of a truth."""


# The first pattern that matches a point counts. The encoding of PMBus quantises once more.
SENSORS: tuple[SensorSpec, ...] = (
    SensorSpec("accel*.power_w", 1.0, 0.001, 0.0, "quantum: NVML reports mW; noise assumed"),
    SensorSpec("accel*.core_temp_c", 0.1, 1.0, 0.0, "quantum: NVML reports degC; noise assumed"),
    SensorSpec("accel*.memory_temp_c", 0.1, 1.0, 0.0, "quantum: NVML reports degC; noise assumed"),
    SensorSpec("accel*.utilisation_ratio", 0.0, 0.01, 0.0, "NVML reports percent"),
    SensorSpec("accel*.clock_mhz", 0.0, 1.0, 0.0, "NVML reports MHz"),
    SensorSpec("accel*.energy_j", 0.0, 0.001, 0.0, "NVML reports mJ"),
    SensorSpec("rail.*_54v.voltage_v", 0.01, 0.0246, 0.0, "ADM1272, 100 V range; noise assumed"),
    SensorSpec("rail.payload_54v.current_a", 0.1, 0.05, 0.0, "assumed: 12 bits of 200 A"),
    SensorSpec("rail.*_54v.current_a", 0.02, 0.01, 0.0, "assumed: 12 bits of 40 A"),
    SensorSpec("rail.*.current_a", 0.02, 0.005, 0.0, "assumed: 12 bits of 20 A"),
    SensorSpec("rail.*.voltage_v", 0.002, 0.001, 0.0, "assumed"),
    SensorSpec("rail.*.temp_c", 0.1, 0.25, 0.0, "assumed: 10 bits of a diode sensor"),
    SensorSpec("loop.pump_?.speed_rpm", 5.0, 1.0, 0.0, "assumed: tachometer"),
    SensorSpec("loop.pump_?.current_a", 0.02, 0.005, 0.0, "assumed"),
    SensorSpec("loop.flow_kg_per_s", 0.0005, 0.0001, 0.1, "assumed: turbine, 0.3 % of 0.144 kg/s"),
    SensorSpec("host.radiator_temp_c", 0.05, 0.1, 0.5, "assumed: thermistor on the panel"),
    SensorSpec("loop.*_temp_c", 0.05, 0.1, 0.5, "assumed: thermistor on the line"),
    SensorSpec("plate*.outlet_temp_c", 0.05, 0.1, 0.5, "assumed: thermistor on the line"),
    SensorSpec("loop.pressure_kpa", 0.2, 0.1, 0.05, "assumed"),
    SensorSpec("loop.accumulator_ratio", 0.0005, 0.001, 0.0, "assumed"),
    SensorSpec("eps.array_power_w", 5.0, 1.0, 0.0, "assumed"),
    SensorSpec("eps.string?.current_a", 0.02, 0.01, 0.0, "assumed"),
    SensorSpec("eps.battery.voltage_v", 0.01, 0.01, 0.0, "assumed"),
    SensorSpec("eps.battery.current_a", 0.05, 0.02, 0.0, "assumed"),
    SensorSpec("eps.battery.temp_c", 0.05, 0.1, 1.0, "assumed: thermistor on a cell"),
    SensorSpec("eps.battery.charge_ratio", 0.0, 0.0001, 0.0, "assumed: coulomb counter"),
    SensorSpec("eps.bus*.voltage_v", 0.01, 0.01, 0.0, "assumed"),
    SensorSpec(
        "host.cpu_temp_c", 0.1, 1.0, 0.0, "quantum: hwmon drivers report degC; noise assumed"
    ),
    SensorSpec("host.nvme?.temp_c", 0.1, 1.0, 0.0, "quantum: NVMe health log, 1 K; noise assumed"),
    SensorSpec("host.nvme?.wear_ratio", 0.0, 0.01, 0.0, "NVMe health log reports percent"),
)

_ACCELERATORS = 8
_PER_ACCELERATOR = {
    "accel{}.power_w": "accel_power_w",
    "accel{}.core_temp_c": "accel_core_temp_c",
    "accel{}.memory_temp_c": "accel_memory_temp_c",
    "accel{}.utilisation_ratio": "accel_utilisation_ratio",
    "accel{}.clock_mhz": "accel_clock_mhz",
    "accel{}.energy_j": "accel_energy_j",
    "rail.accel{}_54v.voltage_v": "module_voltage_v",
    "rail.accel{}_54v.current_a": "module_current_a",
    "rail.accel{}_54v.temp_c": "module_temp_c",
    "rail.accel{}_aux.voltage_v": "aux_voltage_v",
    "rail.accel{}_aux.current_a": "aux_current_a",
    "plate{}.outlet_temp_c": "plate_outlet_temp_c",
    "eps.string{}.current_a": "string_current_a",
}
_SINGLE = {
    "rail.payload_54v.voltage_v": ("payload_voltage_v", 0),
    "rail.payload_54v.current_a": ("payload_current_a", 0),
    "rail.payload_54v.temp_c": ("payload_temp_c", 0),
    "loop.pump_a.speed_rpm": ("pump_speed_rpm", 0),
    "loop.pump_a.current_a": ("pump_current_a", 0),
    "loop.pump_b.speed_rpm": ("pump_speed_rpm", 1),
    "loop.pump_b.current_a": ("pump_current_a", 1),
    "loop.flow_kg_per_s": ("flow_kg_per_s", 0),
    "loop.supply_temp_c": ("supply_temp_c", 0),
    "loop.return_temp_c": ("return_temp_c", 0),
    "loop.radiator_out_temp_c": ("radiator_out_temp_c", 0),
    "host.radiator_temp_c": ("radiator_out_temp_c", 0),
    "loop.pressure_kpa": ("pressure_kpa", 0),
    "loop.accumulator_ratio": ("accumulator_ratio", 0),
    "eps.array_power_w": ("array_power_w", 0),
    "eps.battery.voltage_v": ("battery_voltage_v", 0),
    "eps.battery.current_a": ("battery_current_a", 0),
    "eps.battery.temp_c": ("battery_temp_c", 0),
    "eps.battery.charge_ratio": ("charge_ratio", 0),
    "eps.bus54.voltage_v": ("bus54_voltage_v", 0),
    "eps.bus28.voltage_v": ("bus28_voltage_v", 0),
    "host.cpu_temp_c": ("cpu_temp_c", 0),
    "host.edac_corrected_count": ("edac_corrected_count", 0),
    "host.nvme0.temp_c": ("nvme_temp_c", 0),
    "host.nvme0.wear_ratio": ("nvme_wear_ratio", 0),
    "host.nvme1.temp_c": ("nvme_temp_c", 1),
    "host.nvme1.wear_ratio": ("nvme_wear_ratio", 1),
    "host.disk_free_ratio": ("disk_free_ratio", 0),
}


def _all_places() -> dict[str, tuple[str, int]]:
    places = dict(_SINGLE)
    for template, field in _PER_ACCELERATOR.items():
        places.update({template.format(i): (field, i) for i in range(_ACCELERATORS)})
    for i, rail in enumerate(("host_12v", "host_5v", "host_3v3", "host_1v8")):
        for name in ("voltage_v", "current_a", "temp_c"):
            places[f"rail.{rail}.{name}"] = (f"host_rail_{name}", i)
    return places


PLACES: dict[str, tuple[str, int]] = _all_places()
"""Truth field and element behind each point that has a sensor, by point name."""


def truth_of(point_name: str) -> tuple[str, int] | None:
    """Return truth field and element behind a point, None when it has no sensor of its own."""
    return PLACES.get(point_name)


def sensor_of(point_name: str) -> SensorSpec | None:
    """Return the quality of a point's sensor, None when it is taken as perfect."""
    return next((spec for spec in SENSORS if fnmatchcase(point_name, spec.pattern)), None)


# Meters whose range is chosen by what they measure: on a smaller node they are finer.
SCALED = ("accel*.power_w", "rail.*_54v.current_a", "eps.array_power_w", "eps.battery.current_a")


def configure_sensors(image: SensorTables, power_scale: float = 1.0) -> None:
    """Give every sensor of the plant image its quality of SENSORS and no fault.

    Args:
        power_scale: Power of an accelerator over that of REF-1.
    """
    make_sensors_ideal(image)
    for name, place in PLACES.items():
        spec = sensor_of(name)
        if spec is not None:
            word = image.truth_word(*place)
            scale = power_scale if any(fnmatchcase(name, p) for p in SCALED) else 1.0
            image.sensor_noise[word] = spec.noise * scale
            image.sensor_lsb[word] = spec.lsb * scale
            image.sensor_lag_s[word] = spec.lag_s


def make_sensors_ideal(image: SensorTables) -> None:
    """Take noise, quantum, lag and faults from all sensors, for tests that force a truth."""
    for table in (
        image.sensor_mode,
        image.sensor_value,
        image.sensor_noise,
        image.sensor_lsb,
        image.sensor_lag_s,
    ):
        table[:] = 0.0
