/** @file nvml_readings.c  Power, temperatures, clocks, utilisation and counters. */
#include <math.h>
#include <string.h>

#include "nvml_defaults.h"
#include "nvml_state.h"

#define POWER_AVERAGE_S                                                                            \
    0.5 /* assumed: a first-order lag that stands for the 1 s mean of PowerUsage */
#define MW_PER_W 1000.0
#define MEMORY_TOTAL_BYTES (80ull << 30)
#define MEMORY_RESERVED_BYTES (600ull << 20)
#define CLOCK_MEMORY 2u
#define CLOCK_TYPES 4u
#define ECC_COUNTERS 2u /* volatile, aggregate: the same here, nothing survives a reload */

/* NVML's temperature threshold types. */
enum {
    THRESHOLD_SHUTDOWN = 0,
    THRESHOLD_SLOWDOWN = 1,
    THRESHOLD_MEMORY_MAX = 2,
    THRESHOLD_MAX = 3
};

static struct {
    double value_w;
    double time_s;
    bool is_started;
} average[SIM_ACCELERATORS_MAX];

void sim_nvml_forget_readings(void) {
    memset(average, 0, sizeof(average));
}

double sim_nvml_power_w(uint32_t index) {
    return sim_sensor_read(&sim_nvml.sensors, SIM_WORD(accel_power_w) + index);
}

double sim_nvml_power_average_w(uint32_t index) {
    double power_w = sim_nvml_power_w(index);
    double now_s = sim_nvml.image->time_s;
    if (!average[index].is_started) {
        average[index].value_w = power_w;
        average[index].is_started = true;
    } else {
        double step_s = fmax(0.0, now_s - average[index].time_s);
        double share = step_s / (POWER_AVERAGE_S + step_s);
        average[index].value_w += (power_w - average[index].value_w) * share;
    }
    average[index].time_s = now_s;
    return average[index].value_w;
}

/* NVML reports whole degrees, whatever quantum the sensor is configured with. */
double sim_nvml_core_temp_c(uint32_t index) {
    return floor(sim_sensor_read(&sim_nvml.sensors, SIM_WORD(accel_core_temp_c) + index) + 0.5);
}

double sim_nvml_memory_temp_c(uint32_t index) {
    return floor(sim_sensor_read(&sim_nvml.sensors, SIM_WORD(accel_memory_temp_c) + index) + 0.5);
}

uint64_t sim_nvml_energy_mj(uint32_t index) {
    double energy_mj =
        sim_sensor_read(&sim_nvml.sensors, SIM_WORD(accel_energy_j) + index) * 1000.0;
    return energy_mj > 0.0 && energy_mj < 1.8e19 ? (uint64_t)(energy_mj + 0.5) : 0u;
}

ns_nvml_return_t nvmlDeviceGetPowerUsage(ns_nvml_device_t device, uint32_t *out) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find_for(device, out, &index);
    if (code == NS_NVML_SUCCESS) {
        *out = sim_nvml_scaled(sim_nvml_power_average_w(index), MW_PER_W);
    }
    return code;
}

ns_nvml_return_t nvmlDeviceGetTotalEnergyConsumption(ns_nvml_device_t device,
                                                     unsigned long long *out) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find_for(device, out, &index);
    if (code == NS_NVML_SUCCESS) {
        *out = sim_nvml_energy_mj(index);
    }
    return code;
}

ns_nvml_return_t nvmlDeviceGetTemperature(ns_nvml_device_t device, uint32_t sensor, uint32_t *out) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find_for(device, out, &index);
    if (code != NS_NVML_SUCCESS) {
        return code;
    }
    if (sensor != NS_NVML_TEMPERATURE_CORE) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    *out = sim_nvml_scaled(sim_nvml_core_temp_c(index), 1.0);
    return NS_NVML_SUCCESS;
}

/* A double that may come from a fault knob, as a whole number. */
static int32_t whole(double value) {
    return isnan(value) ? 0 : (int32_t)fmin(fmax(value, -1e6), 1e6);
}

ns_nvml_return_t nvmlDeviceGetTemperatureV(ns_nvml_device_t device, sim_nvml_temperature_t *out) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find_for(device, out, &index);
    if (code != NS_NVML_SUCCESS) {
        return code;
    }
    if (out->version != SIM_NVML_TEMPERATURE_V1) {
        return NS_NVML_ARGUMENT_VERSION_MISMATCH;
    }
    if (out->sensor != NS_NVML_TEMPERATURE_CORE) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    out->temperature_c = whole(sim_nvml_core_temp_c(index));
    return NS_NVML_SUCCESS;
}

ns_nvml_return_t nvmlDeviceGetMarginTemperature(ns_nvml_device_t device,
                                                ns_nvml_margin_temperature_t *out) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find_for(device, out, &index);
    if (code != NS_NVML_SUCCESS) {
        return code;
    }
    if (out->version != NS_NVML_MARGIN_TEMPERATURE_V1) {
        return NS_NVML_ARGUMENT_VERSION_MISMATCH;
    }
    out->margin_c = whole(SIM_NVML_CORE_TEMP_C_MAX - sim_nvml_core_temp_c(index));
    return NS_NVML_SUCCESS;
}

ns_nvml_return_t nvmlDeviceGetTemperatureThreshold(ns_nvml_device_t device, uint32_t type,
                                                   uint32_t *out) {
    static const double threshold_c[] = {
        [THRESHOLD_SHUTDOWN] = SIM_NVML_CORE_TEMP_C_MAX - SIM_NVML_MARGIN_SHUTDOWN_C,
        [THRESHOLD_SLOWDOWN] = SIM_NVML_CORE_TEMP_C_MAX - SIM_NVML_MARGIN_SLOWDOWN_C,
        [THRESHOLD_MEMORY_MAX] = SIM_NVML_MEMORY_TEMP_C_MAX,
        [THRESHOLD_MAX] = SIM_NVML_CORE_TEMP_C_MAX};
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find_for(device, out, &index);
    if (code != NS_NVML_SUCCESS) {
        return code;
    }
    if (type >= sizeof(threshold_c) / sizeof(threshold_c[0])) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    *out = sim_nvml_scaled(threshold_c[type], 1.0);
    return NS_NVML_SUCCESS;
}

ns_nvml_return_t nvmlDeviceGetUtilizationRates(ns_nvml_device_t device,
                                               ns_nvml_utilization_t *out) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find_for(device, out, &index);
    if (code == NS_NVML_SUCCESS) {
        size_t word = SIM_WORD(accel_utilisation_ratio) + index;
        uint32_t percent = sim_nvml_scaled(sim_sensor_read(&sim_nvml.sensors, word), 100.0);
        out->gpu = percent;
        out->memory = percent; /* assumed: the plant knows one utilisation */
    }
    return code;
}

ns_nvml_return_t nvmlDeviceGetClockInfo(ns_nvml_device_t device, uint32_t type, uint32_t *out) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find_for(device, out, &index);
    if (code != NS_NVML_SUCCESS) {
        return code;
    }
    if (type >= CLOCK_TYPES) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    double clock_mhz = sim_sensor_read(&sim_nvml.sensors, SIM_WORD(accel_clock_mhz) + index);
    *out = type == CLOCK_MEMORY ? SIM_NVML_CLOCK_MEMORY_MHZ : sim_nvml_scaled(clock_mhz, 1.0);
    return NS_NVML_SUCCESS;
}

ns_nvml_return_t nvmlDeviceGetMaxClockInfo(ns_nvml_device_t device, uint32_t type, uint32_t *out) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find_for(device, out, &index);
    if (code != NS_NVML_SUCCESS) {
        return code;
    }
    if (type >= CLOCK_TYPES) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    *out = type == CLOCK_MEMORY ? SIM_NVML_CLOCK_MEMORY_MHZ : (uint32_t)SIM_NVML_CLOCK_MHZ_MAX;
    return NS_NVML_SUCCESS;
}

ns_nvml_return_t nvmlDeviceGetCurrentClocksEventReasons(ns_nvml_device_t device,
                                                        unsigned long long *out) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find_for(device, out, &index);
    if (code == NS_NVML_SUCCESS) {
        *out = sim_nvml_scaled(sim_nvml.image->truth.accel_event_reasons[index], 1.0);
    }
    return code;
}

ns_nvml_return_t nvmlDeviceGetCurrentClocksThrottleReasons(ns_nvml_device_t device,
                                                           unsigned long long *out) {
    return nvmlDeviceGetCurrentClocksEventReasons(device, out);
}

ns_nvml_return_t nvmlDeviceGetTotalEccErrors(ns_nvml_device_t device, uint32_t type,
                                             uint32_t counter, unsigned long long *out) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find_for(device, out, &index);
    if (code != NS_NVML_SUCCESS) {
        return code;
    }
    if (type > 1u || counter >= ECC_COUNTERS) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    const sim_truth_t *truth = &sim_nvml.image->truth;
    *out = sim_nvml_scaled(type == 0u ? truth->accel_ecc_corrected_count[index]
                                      : truth->accel_ecc_uncorrected_count[index],
                           1.0);
    return NS_NVML_SUCCESS;
}

ns_nvml_return_t nvmlDeviceGetPcieReplayCounter(ns_nvml_device_t device, uint32_t *out) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find_for(device, out, &index);
    if (code == NS_NVML_SUCCESS) {
        *out = sim_nvml_scaled(sim_nvml.image->truth.accel_pcie_replay_count[index], 1.0);
    }
    return code;
}

ns_nvml_return_t nvmlDeviceGetMemoryInfo(ns_nvml_device_t device, sim_nvml_memory_t *out) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find_for(device, out, &index);
    if (code == NS_NVML_SUCCESS) {
        *out = (sim_nvml_memory_t){.total = MEMORY_TOTAL_BYTES,
                                   .free = MEMORY_TOTAL_BYTES - MEMORY_RESERVED_BYTES,
                                   .used = MEMORY_RESERVED_BYTES};
    }
    return code;
}

ns_nvml_return_t nvmlDeviceGetMemoryInfo_v2(ns_nvml_device_t device, sim_nvml_memory_v2_t *out) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find_for(device, out, &index);
    if (code != NS_NVML_SUCCESS) {
        return code;
    }
    if (out->version != SIM_NVML_MEMORY_V2) {
        return NS_NVML_ARGUMENT_VERSION_MISMATCH;
    }
    *out = (sim_nvml_memory_v2_t){.version = SIM_NVML_MEMORY_V2,
                                  .total = MEMORY_TOTAL_BYTES,
                                  .reserved = MEMORY_RESERVED_BYTES,
                                  .free = MEMORY_TOTAL_BYTES - MEMORY_RESERVED_BYTES};
    return NS_NVML_SUCCESS;
}

static ns_nvml_return_t give_constant(ns_nvml_device_t device, uint32_t value, uint32_t *out) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find_for(device, out, &index);
    if (code == NS_NVML_SUCCESS) {
        *out = value;
    }
    return code;
}

ns_nvml_return_t nvmlDeviceGetPerformanceState(ns_nvml_device_t device, uint32_t *out) {
    return give_constant(device, 0, out);
}

ns_nvml_return_t nvmlDeviceGetPersistenceMode(ns_nvml_device_t device, uint32_t *out) {
    return give_constant(device, 1, out);
}

ns_nvml_return_t nvmlDeviceGetDisplayActive(ns_nvml_device_t device, uint32_t *out) {
    return give_constant(device, 0, out);
}

ns_nvml_return_t nvmlDeviceGetComputeMode(ns_nvml_device_t device, uint32_t *out) {
    return give_constant(device, 0, out);
}

ns_nvml_return_t nvmlDeviceGetEccMode(ns_nvml_device_t device, uint32_t *current,
                                      uint32_t *pending) {
    ns_nvml_return_t code = give_constant(device, 1, current);
    return code != NS_NVML_SUCCESS ? code : give_constant(device, 1, pending);
}
