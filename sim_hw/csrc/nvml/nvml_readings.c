/** @file nvml_readings.c  Power, temperatures, clocks and utilisation. */
#include <math.h>
#include <string.h>

#include "nvml_board.h"
#include "nvml_defaults.h"
#include "nvml_state.h"

#define POWER_AVERAGE_S                                                                            \
    0.5 /* assumed: a first-order lag that stands for the 1 s mean of PowerUsage */
#define MW_PER_W 1000.0
#define CLOCK_MEMORY 2u
#define CLOCK_TYPES 4u

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

/* A spike is one sample of the flight: another process that looks must not take it away. */
double sim_nvml_sample(size_t word) {
    if (!sim_nvml.is_attached && sim_nvml.image->sensor_mode[word] == SIM_SENSOR_SPIKE) {
        return sim_truth_of(&sim_nvml.sensors, word);
    }
    return sim_sensor_read(&sim_nvml.sensors, word);
}

double sim_nvml_power_w(uint32_t board) {
    return sim_nvml_sample(SIM_WORD(accel_power_w) + board);
}

double sim_nvml_power_average_w(uint32_t board) {
    double power_w = sim_nvml_power_w(board);
    double now_s = sim_nvml.image->time_s;
    if (!average[board].is_started) {
        average[board].value_w = power_w;
        average[board].is_started = true;
    } else {
        double step_s = fmax(0.0, now_s - average[board].time_s);
        double share = step_s / (POWER_AVERAGE_S + step_s);
        average[board].value_w += (power_w - average[board].value_w) * share;
    }
    average[board].time_s = now_s;
    return average[board].value_w;
}

/* NVML reports whole degrees, whatever quantum the sensor is configured with. */
double sim_nvml_core_temp_c(uint32_t board) {
    return floor(sim_nvml_sample(SIM_WORD(accel_core_temp_c) + board) + 0.5);
}

double sim_nvml_memory_temp_c(uint32_t board) {
    return floor(sim_nvml_sample(SIM_WORD(accel_memory_temp_c) + board) + 0.5);
}

uint64_t sim_nvml_counter(double value) {
    return value > 0.0 && value < 1.8e19 ? (uint64_t)(value + 0.5) : 0u;
}

uint64_t sim_nvml_energy_mj(uint32_t board) {
    return sim_nvml_counter(sim_nvml_sample(SIM_WORD(accel_energy_j) + board) * 1000.0);
}

uint32_t sim_nvml_utilisation_percent(uint32_t board) {
    return sim_nvml_scaled(sim_nvml_sample(SIM_WORD(accel_utilisation_ratio) + board), 100.0);
}

ns_nvml_return_t nvmlDeviceGetPowerUsage(ns_nvml_device_t device, uint32_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        *out = sim_nvml_scaled(sim_nvml_power_average_w(call.board), MW_PER_W);
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetTotalEnergyConsumption(ns_nvml_device_t device,
                                                     unsigned long long *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        *out = sim_nvml_energy_mj(call.board);
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetTemperature(ns_nvml_device_t device, uint32_t sensor, uint32_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        if (sensor != NS_NVML_TEMPERATURE_CORE) {
            call.code = NS_NVML_INVALID_ARGUMENT;
        } else {
            *out = sim_nvml_scaled(sim_nvml_core_temp_c(call.board), 1.0);
        }
    }
    return sim_nvml_leave(&call);
}

/* A double that may come from a fault knob, as a whole number. */
static int32_t whole(double value) {
    return isnan(value) ? 0 : (int32_t)fmin(fmax(value, -1e6), 1e6);
}

ns_nvml_return_t nvmlDeviceGetTemperatureV(ns_nvml_device_t device, sim_nvml_temperature_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        if (out->version != SIM_NVML_TEMPERATURE_V1) {
            call.code = NS_NVML_ARGUMENT_VERSION_MISMATCH;
        } else if (out->sensor != NS_NVML_TEMPERATURE_CORE) {
            call.code = NS_NVML_INVALID_ARGUMENT;
        } else {
            out->temperature_c = whole(sim_nvml_core_temp_c(call.board));
        }
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetMarginTemperature(ns_nvml_device_t device,
                                                ns_nvml_margin_temperature_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        if (out->version != NS_NVML_MARGIN_TEMPERATURE_V1) {
            call.code = NS_NVML_ARGUMENT_VERSION_MISMATCH;
        } else {
            out->margin_c = whole(SIM_NVML_CORE_TEMP_C_MAX - sim_nvml_core_temp_c(call.board));
        }
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetTemperatureThreshold(ns_nvml_device_t device, uint32_t type,
                                                   uint32_t *out) {
    static const double threshold_c[] = {
        [THRESHOLD_SHUTDOWN] = SIM_NVML_CORE_TEMP_C_MAX - SIM_NVML_MARGIN_SHUTDOWN_C,
        [THRESHOLD_SLOWDOWN] = SIM_NVML_CORE_TEMP_C_MAX - SIM_NVML_MARGIN_SLOWDOWN_C,
        [THRESHOLD_MEMORY_MAX] = SIM_NVML_MEMORY_TEMP_C_MAX,
        [THRESHOLD_MAX] = SIM_NVML_CORE_TEMP_C_MAX};
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        if (type >= sizeof(threshold_c) / sizeof(threshold_c[0])) {
            call.code = NS_NVML_INVALID_ARGUMENT;
        } else {
            *out = sim_nvml_scaled(threshold_c[type], 1.0);
        }
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetUtilizationRates(ns_nvml_device_t device,
                                               ns_nvml_utilization_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        out->gpu = sim_nvml_utilisation_percent(call.board);
        out->memory = out->gpu; /* assumed: the plant knows one utilisation */
    }
    return sim_nvml_leave(&call);
}

static uint32_t memory_clock_mhz(uint32_t board) {
    double lock_mhz = sim_nvml.image->boards.memory_clock_max_mhz[board];
    return lock_mhz > 0.0 ? sim_nvml_scaled(lock_mhz, 1.0) : SIM_NVML_CLOCK_MEMORY_MHZ;
}

ns_nvml_return_t nvmlDeviceGetClockInfo(ns_nvml_device_t device, uint32_t type, uint32_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        if (type >= CLOCK_TYPES) {
            call.code = NS_NVML_INVALID_ARGUMENT;
        } else if (type == CLOCK_MEMORY) {
            *out = memory_clock_mhz(call.board);
        } else {
            *out = sim_nvml_scaled(sim_nvml_sample(SIM_WORD(accel_clock_mhz) + call.board), 1.0);
        }
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetMaxClockInfo(ns_nvml_device_t device, uint32_t type, uint32_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        if (type >= CLOCK_TYPES) {
            call.code = NS_NVML_INVALID_ARGUMENT;
        } else {
            *out =
                type == CLOCK_MEMORY ? SIM_NVML_CLOCK_MEMORY_MHZ : (uint32_t)SIM_NVML_CLOCK_MHZ_MAX;
        }
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetCurrentClocksEventReasons(ns_nvml_device_t device,
                                                        unsigned long long *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        *out = sim_nvml_event_reasons(sim_nvml.image, call.board);
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetCurrentClocksThrottleReasons(ns_nvml_device_t device,
                                                           unsigned long long *out) {
    return nvmlDeviceGetCurrentClocksEventReasons(device, out);
}
