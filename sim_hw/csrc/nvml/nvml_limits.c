/** @file nvml_limits.c  Power limits, clock locks, persistence; what may be refused or clamped. */
#include "nvml_board.h"
#include "nvml_defaults.h"
#include "nvml_state.h"

#define MW_PER_W 1000.0
#define SCOPE_GPU 0u

ns_nvml_return_t nvmlDeviceGetPowerManagementLimit(ns_nvml_device_t device, uint32_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        *out = sim_nvml_scaled(sim_nvml_requested_cap_w(sim_nvml.image, call.board), MW_PER_W);
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetEnforcedPowerLimit(ns_nvml_device_t device, uint32_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        *out = sim_nvml_scaled(sim_nvml.image->setpoint.accel_cap_w[call.board], MW_PER_W);
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetPowerManagementDefaultLimit(ns_nvml_device_t device, uint32_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        *out = sim_nvml_scaled(sim_nvml_cap_w_max(sim_nvml.image), MW_PER_W);
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetPowerManagementLimitConstraints(ns_nvml_device_t device,
                                                              uint32_t *minimum,
                                                              uint32_t *maximum) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, minimum)) {
        if (maximum == NULL) {
            call.code = NS_NVML_INVALID_ARGUMENT;
        } else {
            *minimum = sim_nvml_scaled(sim_nvml_cap_w_min(sim_nvml.image), MW_PER_W);
            *maximum = sim_nvml_scaled(sim_nvml_cap_w_max(sim_nvml.image), MW_PER_W);
        }
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetPowerManagementMode(ns_nvml_device_t device, uint32_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        *out = 1;
    }
    return sim_nvml_leave(&call);
}

static void set_limit(sim_nvml_call_t *call, uint32_t limit_mw) {
    double limit_w = (double)limit_mw / MW_PER_W;
    if (limit_w < sim_nvml_cap_w_min(sim_nvml.image) ||
        limit_w > sim_nvml_cap_w_max(sim_nvml.image)) {
        call->code = NS_NVML_INVALID_ARGUMENT;
    } else {
        sim_nvml_request_cap(sim_nvml.image, call->board, limit_w);
    }
}

ns_nvml_return_t nvmlDeviceSetPowerManagementLimit(ns_nvml_device_t device, uint32_t limit_mw) {
    sim_nvml_call_t call;
    if (sim_nvml_enter_setter(&call, device, __func__)) {
        set_limit(&call, limit_mw);
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceSetPowerManagementLimit_v2(ns_nvml_device_t device,
                                                      const sim_nvml_power_value_t *value) {
    sim_nvml_call_t call;
    if (sim_nvml_enter_setter(&call, device, __func__)) {
        if (value == NULL) {
            call.code = NS_NVML_INVALID_ARGUMENT;
        } else if (value->version != SIM_NVML_POWER_VALUE_V2) {
            call.code = NS_NVML_ARGUMENT_VERSION_MISMATCH;
        } else if (value->scope != SCOPE_GPU) {
            call.code = NS_NVML_NOT_SUPPORTED;
        } else {
            set_limit(&call, value->limit_mw);
        }
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceSetGpuLockedClocks(ns_nvml_device_t device, uint32_t minimum_mhz,
                                              uint32_t maximum_mhz) {
    sim_nvml_call_t call;
    if (sim_nvml_enter_setter(&call, device, __func__)) {
        if (minimum_mhz > maximum_mhz || (double)maximum_mhz < SIM_NVML_CLOCK_MHZ_MIN ||
            (double)maximum_mhz > SIM_NVML_CLOCK_MHZ_MAX) {
            call.code = NS_NVML_INVALID_ARGUMENT;
        } else {
            sim_nvml_request_clock(sim_nvml.image, call.board, (double)maximum_mhz);
        }
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceResetGpuLockedClocks(ns_nvml_device_t device) {
    sim_nvml_call_t call;
    if (sim_nvml_enter_setter(&call, device, __func__)) {
        sim_nvml_request_clock(sim_nvml.image, call.board, 0.0);
    }
    return sim_nvml_leave(&call);
}

/* The plant's power does not depend on the memory clock; the lock is kept and shown. */
ns_nvml_return_t nvmlDeviceSetMemoryLockedClocks(ns_nvml_device_t device, uint32_t minimum_mhz,
                                                 uint32_t maximum_mhz) {
    sim_nvml_call_t call;
    if (sim_nvml_enter_setter(&call, device, __func__)) {
        if (minimum_mhz > maximum_mhz || maximum_mhz == 0u ||
            maximum_mhz > SIM_NVML_CLOCK_MEMORY_MHZ) {
            call.code = NS_NVML_INVALID_ARGUMENT;
        } else {
            sim_nvml.image->boards.memory_clock_max_mhz[call.board] = (double)maximum_mhz;
        }
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceResetMemoryLockedClocks(ns_nvml_device_t device) {
    sim_nvml_call_t call;
    if (sim_nvml_enter_setter(&call, device, __func__)) {
        sim_nvml.image->boards.memory_clock_max_mhz[call.board] = 0.0;
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetPersistenceMode(ns_nvml_device_t device, uint32_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        *out = sim_nvml.image->boards.persistence[call.board] != 0.0 ? 1u : 0u;
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceSetPersistenceMode(ns_nvml_device_t device, uint32_t mode) {
    sim_nvml_call_t call;
    if (sim_nvml_enter_setter(&call, device, __func__)) {
        if (mode > 1u) {
            call.code = NS_NVML_INVALID_ARGUMENT;
        } else {
            sim_nvml.image->boards.persistence[call.board] = (double)mode;
        }
    }
    return sim_nvml_leave(&call);
}
