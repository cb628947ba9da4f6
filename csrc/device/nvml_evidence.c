/** @file nvml_evidence.c  What an engineer needs of an accelerator after a fault, in 144 bytes. */
#include <string.h>

#include "nvml_state.h"

#define UUID_TAIL 12U
#define ITEM_HEADER 2U
#define XID_ITEM 8U

/** Bytes as they are filled; an item that does not fit is left out whole. */
typedef struct writer {
    uint8_t *bytes;
    size_t size;
    size_t capacity;
} writer_t;

static void put_number(writer_t *out, uint64_t number, size_t size) {
    for (size_t i = 0; i < size; i++) {
        out->bytes[out->size++] = (uint8_t)(number >> (8U * i));
    }
}

static bool put_header(writer_t *out, ns_nvml_evidence_tag_t tag, size_t size) {
    if (out->capacity - out->size < ITEM_HEADER + size) {
        return false;
    }
    put_number(out, (uint64_t)tag, 1);
    put_number(out, size, 1);
    return true;
}

static void put_xids(const ns_nvml_state_t *self, writer_t *out) {
    const ns_nvml_events_t *events = &self->events;
    uint32_t count =
        events->seen_count < NS_NVML_XIDS_KEPT ? events->seen_count : NS_NVML_XIDS_KEPT;
    if (!put_header(out, NS_NVML_EVIDENCE_XIDS, count * XID_ITEM)) {
        return;
    }
    for (uint32_t i = 1; i <= count; i++) {
        const ns_nvml_xid_t *xid = &events->ring[(events->seen_count - i) % NS_NVML_XIDS_KEPT];
        put_number(out, xid->xid, 2);
        put_number(out, (uint64_t)(xid->time_ns / NS_NVML_NS_PER_MS), 6);
    }
}

/** Numbers of one item; it is left out when one of them cannot be had. */
static void put_fields(const ns_nvml_batch_t *batch, writer_t *out, ns_nvml_evidence_tag_t tag,
                       const uint32_t *channels, size_t count, size_t size) {
    uint64_t numbers[4] = {0};
    for (size_t i = 0; i < count; i++) {
        double value = 0.0;
        if (ns_nvml_field_value(batch, channels[i], &value) != NS_OK ||
            !(value >= 0.0 && value < 9.0e15)) {
            return;
        }
        numbers[i] = (uint64_t)value;
    }
    if (!put_header(out, tag, count * size)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        put_number(out, numbers[i], size);
    }
}

static void put_counters(const ns_nvml_batch_t *batch, writer_t *out) {
    static const uint32_t recovery[] = {NS_NVML_RECOVERY_ACTION};
    static const uint32_t ecc[] = {NS_NVML_ECC_CORRECTED_COUNT, NS_NVML_ECC_UNCORRECTED_COUNT};
    static const uint32_t remap[] = {NS_NVML_REMAPPED_CORRECTED_COUNT,
                                     NS_NVML_REMAPPED_UNCORRECTED_COUNT, NS_NVML_REMAP_PENDING,
                                     NS_NVML_REMAP_FAILED};
    put_fields(batch, out, NS_NVML_EVIDENCE_RECOVERY, recovery, 1, 1);
    put_fields(batch, out, NS_NVML_EVIDENCE_ECC, ecc, 2, 8);
    put_fields(batch, out, NS_NVML_EVIDENCE_REMAP, remap, 4, 4);
}

static uint64_t evidence_channels(void) {
    return UINT64_C(1) << NS_NVML_RECOVERY_ACTION | UINT64_C(1) << NS_NVML_ECC_CORRECTED_COUNT |
           UINT64_C(1) << NS_NVML_ECC_UNCORRECTED_COUNT |
           UINT64_C(1) << NS_NVML_REMAPPED_CORRECTED_COUNT |
           UINT64_C(1) << NS_NVML_REMAPPED_UNCORRECTED_COUNT |
           UINT64_C(1) << NS_NVML_REMAP_PENDING | UINT64_C(1) << NS_NVML_REMAP_FAILED;
}

/* The same faults give the same bytes: times and counters, no ages and no live readings. */
ns_status_t ns_nvml_capture(ns_nvml_state_t *self, uint8_t *out, size_t capacity,
                            size_t *out_size) {
    writer_t writer = {.bytes = out, .capacity = capacity};
    ns_nvml_batch_t batch;
    ns_status_t status = NS_OK;
    put_xids(self, &writer);
    if (self->is_attached) {
        status = ns_nvml_fetch(self, evidence_channels(), &batch);
    }
    if (self->is_attached && status == NS_OK) {
        put_counters(&batch, &writer);
    }
    size_t length = strlen(self->uuid);
    size_t tail = length < UUID_TAIL ? length : UUID_TAIL;
    if (put_header(&writer, NS_NVML_EVIDENCE_UUID, tail)) {
        memcpy(&writer.bytes[writer.size], &self->uuid[length - tail], tail);
        writer.size += tail;
    }
    *out_size = writer.size;
    return status == NS_E_UNSUPPORTED ? NS_OK : status; /* what is not there for good is all */
}
