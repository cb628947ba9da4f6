"""How near each channel of the simulated NVML library comes to the plant's truth, and over what
range.

The tolerances hold for a plant that is held during the reading, with the sensors of
sim_hw/sensors.py: six times the noise (the simulated noise never goes beyond), half of each
quantum on the way. The sweeps over all channels in the tests read this table.
"""

from typing import NamedTuple

NOISE_SIGMAS = 6.0  # csrc/sensors.c: the sum of twelve uniform draws


class NvmlChannel(NamedTuple):
    """One channel: what a client calls, and what it may expect.

    Args:
        call: Function of NVML without its prefix, or `field N` of nvmlDeviceGetFieldValues.
        part: `truth` or `setpoint` of the plant image, with `name` the field in it.
        per_unit: What the client reads for one unit of the plant.
        offset: What the client reads for zero.
        low, high: Range of the plant's value in which the tolerance holds; outside it the value is
            clamped or has no meaning.
        tolerance: In units of the plant.
    """

    call: str
    part: str
    name: str
    per_unit: float
    offset: float
    low: float
    high: float
    tolerance: float


_POWER_W = NOISE_SIGMAS * 1.0 + 0.001  # noise, quantum
_TEMP_C = NOISE_SIGMAS * 0.1 + 0.5  # noise, whole degrees
_MARGIN_AT_ZERO_C = 87.0  # csrc/nvml/nvml_defaults.h, SIM_NVML_CORE_TEMP_C_MAX

NVML_CHANNELS: tuple[NvmlChannel, ...] = (
    NvmlChannel("PowerUsage", "truth", "accel_power_w", 1e3, 0.0, 10.0, 1200.0, _POWER_W),
    NvmlChannel("field 185", "truth", "accel_power_w", 1e3, 0.0, 10.0, 1200.0, _POWER_W),
    NvmlChannel("field 186", "truth", "accel_power_w", 1e3, 0.0, 10.0, 1200.0, _POWER_W),
    NvmlChannel("TotalEnergyConsumption", "truth", "accel_energy_j", 1e3, 0.0, 0.0, 1e9, 0.001),
    NvmlChannel("field 83", "truth", "accel_energy_j", 1e3, 0.0, 0.0, 1e9, 0.001),
    NvmlChannel("Temperature", "truth", "accel_core_temp_c", 1.0, 0.0, 1.0, 150.0, _TEMP_C),
    NvmlChannel("TemperatureV", "truth", "accel_core_temp_c", 1.0, 0.0, -40.0, 150.0, _TEMP_C),
    NvmlChannel(
        "MarginTemperature",
        "truth",
        "accel_core_temp_c",
        -1.0,
        _MARGIN_AT_ZERO_C,
        -40.0,
        150.0,
        _TEMP_C,
    ),
    NvmlChannel("field 82", "truth", "accel_memory_temp_c", 1.0, 0.0, 1.0, 150.0, _TEMP_C),
    NvmlChannel(
        "UtilizationRates", "truth", "accel_utilisation_ratio", 100.0, 0.0, 0.0, 1.0, 0.00501
    ),
    NvmlChannel("ClockInfo", "truth", "accel_clock_mhz", 1.0, 0.0, 0.0, 1980.0, 0.501),
    NvmlChannel("EnforcedPowerLimit", "setpoint", "accel_cap_w", 1e3, 0.0, 200.0, 700.0, 0.00051),
    NvmlChannel("PowerManagementLimit", "setpoint", "accel_cap_w", 1e3, 0.0, 200.0, 700.0, 0.00051),
    NvmlChannel("field 190", "setpoint", "accel_cap_w", 1e3, 0.0, 200.0, 700.0, 0.00051),
    NvmlChannel("field 3", "truth", "accel_ecc_corrected_count", 1.0, 0.0, 0.0, 4e9, 0.5),
    NvmlChannel("field 4", "truth", "accel_ecc_uncorrected_count", 1.0, 0.0, 0.0, 4e9, 0.5),
    NvmlChannel("field 94", "truth", "accel_pcie_replay_count", 1.0, 0.0, 0.0, 4e9, 0.5),
    NvmlChannel("PcieReplayCounter", "truth", "accel_pcie_replay_count", 1.0, 0.0, 0.0, 4e9, 0.5),
    NvmlChannel("field 230", "truth", "accel_recovery_action", 1.0, 0.0, 0.0, 7.0, 0.5),
)


def memory_used_bytes(utilisation_ratio: float) -> int:
    """Return what version 2 of the memory info gives as used, 0..1; csrc/nvml/nvml_memory.c."""
    if utilisation_ratio <= 0.0:
        return 0
    return (512 << 20) + int((64 << 30) * min(1.0, utilisation_ratio)) >> 20 << 20
