/** @file nvml_fields.c  Field values: all that are due in one call, each with a code of its own. */
#include <math.h>

#include "nvml_state.h"

#define MILLI 1000.0

static const struct {
    uint32_t channel;
    uint32_t field_id;
    double scale;
} rows[NS_NVML_F_COUNT] = {
    [NS_NVML_F_POWER] = {NS_NVML_POWER_W, NS_NVML_FIELD_POWER_INSTANT, MILLI},
    [NS_NVML_F_POWER_AVERAGE] = {NS_NVML_POWER_W_AVERAGE, NS_NVML_FIELD_POWER_AVERAGE, MILLI},
    [NS_NVML_F_MEMORY_TEMP] = {NS_NVML_MEMORY_TEMP_C, NS_NVML_FIELD_MEMORY_TEMP, 1.0},
    [NS_NVML_F_ENERGY] = {NS_NVML_ENERGY_J, NS_NVML_FIELD_ENERGY, MILLI},
    [NS_NVML_F_ECC_CORRECTED] = {NS_NVML_ECC_CORRECTED_COUNT, NS_NVML_FIELD_ECC_SBE_VOLATILE, 1.0},
    [NS_NVML_F_ECC_UNCORRECTED] = {NS_NVML_ECC_UNCORRECTED_COUNT, NS_NVML_FIELD_ECC_DBE_VOLATILE,
                                   1.0},
    [NS_NVML_F_RECOVERY] = {NS_NVML_RECOVERY_ACTION, NS_NVML_FIELD_RECOVERY_ACTION, 1.0},
    [NS_NVML_F_REPLAY] = {NS_NVML_PCIE_REPLAY_COUNT, NS_NVML_FIELD_PCIE_REPLAY, 1.0},
    [NS_NVML_F_REMAPPED_CORRECTED] = {NS_NVML_REMAPPED_CORRECTED_COUNT,
                                      NS_NVML_FIELD_REMAPPED_CORRECTED, 1.0},
    [NS_NVML_F_REMAPPED_UNCORRECTED] = {NS_NVML_REMAPPED_UNCORRECTED_COUNT,
                                        NS_NVML_FIELD_REMAPPED_UNCORRECTED, 1.0},
    [NS_NVML_F_REMAP_PENDING] = {NS_NVML_REMAP_PENDING, NS_NVML_FIELD_REMAPPED_PENDING, 1.0},
    [NS_NVML_F_REMAP_FAILED] = {NS_NVML_REMAP_FAILED, NS_NVML_FIELD_REMAPPED_FAILURE, 1.0},
};

static_assert(NS_NVML_CHANNEL_COUNT <= 64, "masks of channels are 64 bits");

uint64_t ns_nvml_field_channels(void) {
    uint64_t mask = 0;
    for (uint32_t i = 0; i < NS_NVML_F_COUNT; i++) {
        mask |= UINT64_C(1) << rows[i].channel;
    }
    return mask;
}

/** A library that lies about its own cost must neither turn the sum back nor wrap it. */
static void charge(ns_nvml_state_t *self, int64_t latency_us) {
    if (latency_us > 0) {
        uint64_t room_us = UINT64_MAX - self->cost_us;
        uint64_t cost_us = (uint64_t)latency_us;
        self->cost_us += cost_us < room_us ? cost_us : room_us;
    }
}

static int32_t ask_for(uint64_t channels, ns_nvml_field_value_t *asked, uint32_t *places) {
    int32_t count = 0;
    for (uint32_t i = 0; i < NS_NVML_F_COUNT; i++) {
        if ((channels >> rows[i].channel & 1U) != 0) {
            places[count] = i;
            asked[count++] = (ns_nvml_field_value_t){.field_id = rows[i].field_id,
                                                     .return_code = NS_NVML_NO_DATA};
        }
    }
    return count;
}

ns_status_t ns_nvml_fetch(ns_nvml_state_t *self, uint64_t channels, ns_nvml_batch_t *out) {
    ns_nvml_field_value_t asked[NS_NVML_F_COUNT];
    uint32_t places[NS_NVML_F_COUNT];
    for (uint32_t i = 0; i < NS_NVML_F_COUNT; i++) {
        out->fields[i] = (ns_nvml_field_value_t){.return_code = NS_NVML_NO_DATA};
    }
    uint64_t wanted = channels & ns_nvml_field_channels() & ~self->unsupported_reads;
    int32_t count = ask_for(wanted, asked, places);
    if (count == 0) {
        return NS_OK;
    }
    ns_status_t status = ns_nvml_settle(self, self->library.fields(self->device, count, asked));
    if (status == NS_E_UNSUPPORTED) {
        self->unsupported_reads |= wanted;
        return NS_OK;
    }
    for (int32_t i = 0; status == NS_OK && i < count; i++) {
        out->fields[places[i]] = asked[i];
        charge(self, asked[i].latency_us);
    }
    return status;
}

static bool number_of(const ns_nvml_field_value_t *field, double *out) {
    switch (field->value_type) {
    case NS_NVML_VALUE_DOUBLE:
        *out = field->value.f64;
        return isfinite(field->value.f64);
    case NS_NVML_VALUE_U32:
        *out = (double)field->value.u32;
        return true;
    case NS_NVML_VALUE_ULONG:
        *out = (double)field->value.ulong;
        return true;
    case NS_NVML_VALUE_U64:
        *out = (double)field->value.u64;
        return true;
    case NS_NVML_VALUE_I64:
        *out = (double)field->value.i64;
        return true;
    case NS_NVML_VALUE_I32:
        *out = (double)field->value.i32;
        return true;
    case NS_NVML_VALUE_U16:
        *out = (double)field->value.u16;
        return true;
    default:
        return false;
    }
}

ns_status_t ns_nvml_field_value(const ns_nvml_batch_t *batch, uint32_t channel, double *out_value) {
    uint32_t i = 0;
    while (i < NS_NVML_F_COUNT && rows[i].channel != channel) {
        i++;
    }
    if (i == NS_NVML_F_COUNT) {
        return NS_E_ARG;
    }
    const ns_nvml_field_value_t *field = &batch->fields[i];
    ns_status_t status = ns_nvml_classify(field->return_code);
    if (status != NS_OK) {
        return status;
    }
    double number = 0.0;
    if (field->field_id != rows[i].field_id || !number_of(field, &number)) {
        return NS_E_RANGE; /* the answer to another question, or none that we can read */
    }
    *out_value = number / rows[i].scale;
    return NS_OK;
}
