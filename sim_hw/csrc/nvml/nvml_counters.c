/** @file nvml_counters.c  ECC, remapped rows, PCIe replays, violation times. */
#include "nvml_state.h"

#define ECC_COUNTERS 2u /* volatile, aggregate: the same here, nothing survives a reload */
#define ECC_TYPES 2u    /* corrected, uncorrected */
#define LOCATION_DEVICE_MEMORY 2u
#define LOCATIONS 8u
#define REMAP_BANKS 640u /* assumed: memory banks that have spare rows; unverified for H100 */
#define NS_PER_S 1e9
#define US_PER_S 1e6

enum { POLICY_POWER = 0, POLICY_THERMAL = 1, POLICY_BOARD_LIMIT = 3, POLICY_COUNT = 12 };

static unsigned long long ecc_count(uint32_t board, uint32_t type) {
    const sim_truth_t *truth = &sim_nvml.image->truth;
    return sim_nvml_scaled(type == 0u ? truth->accel_ecc_corrected_count[board]
                                      : truth->accel_ecc_uncorrected_count[board],
                           1.0);
}

ns_nvml_return_t nvmlDeviceGetTotalEccErrors(ns_nvml_device_t device, uint32_t type,
                                             uint32_t counter, unsigned long long *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        if (type >= ECC_TYPES || counter >= ECC_COUNTERS) {
            call.code = NS_NVML_INVALID_ARGUMENT;
        } else {
            *out = ecc_count(call.board, type);
        }
    }
    return sim_nvml_leave(&call);
}

/* The plant knows errors of the device memory only. */
ns_nvml_return_t nvmlDeviceGetMemoryErrorCounter(ns_nvml_device_t device, uint32_t type,
                                                 uint32_t counter, uint32_t location,
                                                 unsigned long long *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        if (type >= ECC_TYPES || counter >= ECC_COUNTERS || location >= LOCATIONS) {
            call.code = NS_NVML_INVALID_ARGUMENT;
        } else {
            *out = location == LOCATION_DEVICE_MEMORY ? ecc_count(call.board, type) : 0u;
        }
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetPcieReplayCounter(ns_nvml_device_t device, uint32_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        *out = sim_nvml_scaled(sim_nvml.image->truth.accel_pcie_replay_count[call.board], 1.0);
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetRemappedRows(ns_nvml_device_t device, uint32_t *corrected,
                                           uint32_t *uncorrected, uint32_t *is_pending,
                                           uint32_t *has_failed) {
    sim_nvml_call_t call;
    const void *out = uncorrected == NULL || is_pending == NULL || has_failed == NULL
                          ? NULL
                          : (const void *)corrected;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        const sim_knobs_t *knobs = &sim_nvml.image->knobs;
        *corrected = sim_nvml_scaled(knobs->accel_remapped_corrected_count[call.board], 1.0);
        *uncorrected = sim_nvml_scaled(knobs->accel_remapped_uncorrected_count[call.board], 1.0);
        *is_pending = knobs->accel_remap_pending[call.board] != 0.0 ? 1u : 0u;
        *has_failed = knobs->accel_remap_failed[call.board] != 0.0 ? 1u : 0u;
    }
    return sim_nvml_leave(&call);
}

/* Each remapped row is taken to be in a bank of its own, which then still has spares. */
ns_nvml_return_t nvmlDeviceGetRowRemapperHistogram(ns_nvml_device_t device,
                                                   sim_nvml_remap_histogram_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        const sim_knobs_t *knobs = &sim_nvml.image->knobs;
        uint32_t used = sim_nvml_scaled(knobs->accel_remapped_corrected_count[call.board] +
                                            knobs->accel_remapped_uncorrected_count[call.board],
                                        1.0);
        used = used > REMAP_BANKS ? REMAP_BANKS : used;
        uint32_t none = knobs->accel_remap_failed[call.board] != 0.0 && used > 0u ? 1u : 0u;
        *out = (sim_nvml_remap_histogram_t){
            .maximum = REMAP_BANKS - used, .high = used - none, .none = none};
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetViolationStatus(ns_nvml_device_t device, uint32_t policy,
                                              sim_nvml_violation_t *out) {
    sim_nvml_call_t call;
    if (!sim_nvml_enter(&call, device, __func__, out)) {
        return sim_nvml_leave(&call);
    }
    const sim_boards_t *boards = &sim_nvml.image->boards;
    double violation_s = 0.0;
    if (policy == POLICY_POWER) {
        violation_s = boards->power_violation_s[call.board];
    } else if (policy == POLICY_THERMAL) {
        violation_s = boards->thermal_violation_s[call.board];
    } else if (policy == POLICY_BOARD_LIMIT) {
        violation_s = boards->brake_violation_s[call.board];
    } else {
        call.code = policy < POLICY_COUNT ? NS_NVML_NOT_SUPPORTED : NS_NVML_INVALID_ARGUMENT;
        return sim_nvml_leave(&call);
    }
    *out =
        (sim_nvml_violation_t){.reference_us = sim_nvml_counter(sim_nvml.image->time_s * US_PER_S),
                               .violation_ns = sim_nvml_counter(violation_s * NS_PER_S)};
    return sim_nvml_leave(&call);
}
