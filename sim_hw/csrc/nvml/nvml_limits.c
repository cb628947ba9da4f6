/** @file nvml_limits.c  Power limits and clock locks. The driver load defaults are set by
 * sim_devices. */
#include "nvml_defaults.h"
#include "nvml_state.h"

#define MW_PER_W 1000.0

ns_nvml_return_t nvmlDeviceGetPowerManagementLimit(ns_nvml_device_t device, uint32_t *out) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find_for(device, out, &index);
    if (code == NS_NVML_SUCCESS) {
        *out = sim_nvml_scaled(sim_nvml.image->setpoint.accel_cap_w[index], MW_PER_W);
    }
    return code;
}

ns_nvml_return_t nvmlDeviceGetEnforcedPowerLimit(ns_nvml_device_t device, uint32_t *out) {
    return nvmlDeviceGetPowerManagementLimit(device, out);
}

ns_nvml_return_t nvmlDeviceGetPowerManagementDefaultLimit(ns_nvml_device_t device, uint32_t *out) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find_for(device, out, &index);
    if (code == NS_NVML_SUCCESS) {
        *out = sim_nvml_scaled(SIM_NVML_CAP_W_MAX, MW_PER_W);
    }
    return code;
}

ns_nvml_return_t nvmlDeviceGetPowerManagementLimitConstraints(ns_nvml_device_t device,
                                                              uint32_t *minimum,
                                                              uint32_t *maximum) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find_for(device, minimum, &index);
    if (code != NS_NVML_SUCCESS || maximum == NULL) {
        return code != NS_NVML_SUCCESS ? code : NS_NVML_INVALID_ARGUMENT;
    }
    *minimum = sim_nvml_scaled(SIM_NVML_CAP_W_MIN, MW_PER_W);
    *maximum = sim_nvml_scaled(SIM_NVML_CAP_W_MAX, MW_PER_W);
    return NS_NVML_SUCCESS;
}

ns_nvml_return_t nvmlDeviceSetPowerManagementLimit(ns_nvml_device_t device, uint32_t limit_mw) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find(device, &index);
    if (code != NS_NVML_SUCCESS) {
        return code;
    }
    double limit_w = (double)limit_mw / MW_PER_W;
    if (limit_w < SIM_NVML_CAP_W_MIN || limit_w > SIM_NVML_CAP_W_MAX) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    sim_nvml.image->setpoint.accel_cap_w[index] = limit_w;
    return NS_NVML_SUCCESS;
}

ns_nvml_return_t nvmlDeviceSetGpuLockedClocks(ns_nvml_device_t device, uint32_t minimum_mhz,
                                              uint32_t maximum_mhz) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find(device, &index);
    if (code != NS_NVML_SUCCESS) {
        return code;
    }
    if (minimum_mhz > maximum_mhz || (double)maximum_mhz < SIM_NVML_CLOCK_MHZ_MIN ||
        (double)maximum_mhz > SIM_NVML_CLOCK_MHZ_MAX) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    sim_nvml.image->setpoint.accel_clock_max_mhz[index] = (double)maximum_mhz;
    return NS_NVML_SUCCESS;
}

ns_nvml_return_t nvmlDeviceResetGpuLockedClocks(ns_nvml_device_t device) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find(device, &index);
    if (code == NS_NVML_SUCCESS) {
        sim_nvml.image->setpoint.accel_clock_max_mhz[index] = SIM_NVML_CLOCK_MHZ_MAX;
    }
    return code;
}
