/** @file nvml_fields.c  nvmlDeviceGetFieldValues: many readings in one call, each with its own
 * code. */
#include "nvml_board.h"
#include "nvml_defaults.h"
#include "nvml_state.h"

#define FIELDS_MAX 256 /* assumed: more in one call is a mistake */
#define FIELD_ECC_SBE_AGGREGATE 5u
#define FIELD_ECC_DBE_AGGREGATE 6u
#define FIELD_REMAPPED_CORRECTED 142u
#define FIELD_REMAPPED_UNCORRECTED 143u
#define FIELD_REMAPPED_PENDING 144u
#define FIELD_REMAPPED_FAILURE 145u
#define MW_PER_W 1000.0

static void give_u32(ns_nvml_field_value_t *field, double value, double scale) {
    field->value_type = NS_NVML_VALUE_U32;
    field->value.u32 = sim_nvml_scaled(value, scale);
}

static void give_u64(ns_nvml_field_value_t *field, uint64_t value) {
    field->value_type = NS_NVML_VALUE_U64;
    field->value.u64 = value;
}

static void give_i32(ns_nvml_field_value_t *field, int32_t value) {
    field->value_type = NS_NVML_VALUE_I32;
    field->value.i32 = value;
}

static ns_nvml_return_t give_limit(uint32_t board, ns_nvml_field_value_t *field) {
    switch (field->field_id) {
    case NS_NVML_FIELD_POWER_LIMIT_MIN:
        give_u32(field, sim_nvml_cap_w_min(sim_nvml.image), MW_PER_W);
        return NS_NVML_SUCCESS;
    case NS_NVML_FIELD_POWER_LIMIT_MAX:
    case NS_NVML_FIELD_POWER_LIMIT_DEFAULT:
        give_u32(field, sim_nvml_cap_w_max(sim_nvml.image), MW_PER_W);
        return NS_NVML_SUCCESS;
    case NS_NVML_FIELD_POWER_LIMIT_CURRENT: /* the enforced one: differs when clamped */
        give_u32(field, sim_nvml.image->setpoint.accel_cap_w[board], MW_PER_W);
        return NS_NVML_SUCCESS;
    case NS_NVML_FIELD_POWER_LIMIT_REQUESTED:
        give_u32(field, sim_nvml_requested_cap_w(sim_nvml.image, board), MW_PER_W);
        return NS_NVML_SUCCESS;
    case NS_NVML_FIELD_MARGIN_SHUTDOWN:
        give_i32(field, SIM_NVML_MARGIN_SHUTDOWN_C);
        return NS_NVML_SUCCESS;
    case NS_NVML_FIELD_MARGIN_SLOWDOWN:
        give_i32(field, SIM_NVML_MARGIN_SLOWDOWN_C);
        return NS_NVML_SUCCESS;
    case NS_NVML_FIELD_MARGIN_MEMORY_MAX:
    case NS_NVML_FIELD_MARGIN_CORE_MAX:
        give_i32(field, 0);
        return NS_NVML_SUCCESS;
    default:
        return NS_NVML_NOT_SUPPORTED;
    }
}

static ns_nvml_return_t give_remap(uint32_t board, ns_nvml_field_value_t *field) {
    const sim_knobs_t *knobs = &sim_nvml.image->knobs;
    switch (field->field_id) {
    case FIELD_REMAPPED_CORRECTED:
        give_u32(field, knobs->accel_remapped_corrected_count[board], 1.0);
        return NS_NVML_SUCCESS;
    case FIELD_REMAPPED_UNCORRECTED:
        give_u32(field, knobs->accel_remapped_uncorrected_count[board], 1.0);
        return NS_NVML_SUCCESS;
    case FIELD_REMAPPED_PENDING:
        give_u32(field, knobs->accel_remap_pending[board] != 0.0 ? 1.0 : 0.0, 1.0);
        return NS_NVML_SUCCESS;
    case FIELD_REMAPPED_FAILURE:
        give_u32(field, knobs->accel_remap_failed[board] != 0.0 ? 1.0 : 0.0, 1.0);
        return NS_NVML_SUCCESS;
    default:
        return give_limit(board, field);
    }
}

static ns_nvml_return_t give_field(uint32_t board, ns_nvml_field_value_t *field) {
    const sim_truth_t *truth = &sim_nvml.image->truth;
    switch (field->field_id) {
    case NS_NVML_FIELD_ECC_SBE_VOLATILE:
    case FIELD_ECC_SBE_AGGREGATE:
        give_u64(field, sim_nvml_scaled(truth->accel_ecc_corrected_count[board], 1.0));
        return NS_NVML_SUCCESS;
    case NS_NVML_FIELD_ECC_DBE_VOLATILE:
    case FIELD_ECC_DBE_AGGREGATE:
        give_u64(field, sim_nvml_scaled(truth->accel_ecc_uncorrected_count[board], 1.0));
        return NS_NVML_SUCCESS;
    case NS_NVML_FIELD_MEMORY_TEMP:
        give_u32(field, sim_nvml_memory_temp_c(board), 1.0);
        return NS_NVML_SUCCESS;
    case NS_NVML_FIELD_ENERGY:
        give_u64(field, sim_nvml_energy_mj(board));
        return NS_NVML_SUCCESS;
    case NS_NVML_FIELD_PCIE_REPLAY:
        give_u32(field, truth->accel_pcie_replay_count[board], 1.0);
        return NS_NVML_SUCCESS;
    case NS_NVML_FIELD_POWER_AVERAGE:
        give_u32(field, sim_nvml_power_average_w(board), MW_PER_W);
        return NS_NVML_SUCCESS;
    case NS_NVML_FIELD_POWER_INSTANT:
        give_u32(field, sim_nvml_power_w(board), MW_PER_W);
        return NS_NVML_SUCCESS;
    case NS_NVML_FIELD_RECOVERY_ACTION:
        give_u32(field, truth->accel_recovery_action[board], 1.0);
        return NS_NVML_SUCCESS;
    default:
        return give_remap(board, field);
    }
}

ns_nvml_return_t nvmlDeviceGetFieldValues(ns_nvml_device_t device, int32_t count,
                                          ns_nvml_field_value_t *values) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, values)) {
        if (count < 1 || count > FIELDS_MAX) {
            call.code = NS_NVML_INVALID_ARGUMENT;
            return sim_nvml_leave(&call);
        }
        int64_t now_us = (int64_t)sim_nvml_counter(sim_nvml.image->time_s * 1e6);
        for (int32_t i = 0; i < count; i++) {
            values[i].timestamp_us = now_us;
            values[i].latency_us = 0; /* not modelled */
            values[i].return_code = (uint32_t)give_field(call.board, &values[i]);
        }
    }
    return sim_nvml_leave(&call);
}
