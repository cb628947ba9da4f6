#define _POSIX_C_SOURCE 200809L

#include "nightside/kmsg.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kmsg_parse.h"

#define NAMED_FOR_RECORDS 4U /* assumed: a loss told in three records, one of another in between */
#define XID_ITEM 20U
#define EARLIER_ITEM 8U
#define DROPPED_ITEM 4U
#define ITEM_HEADER 2U
#define US_PER_MS 1000

/** One accelerator: what it is called, and what the log said. */
typedef struct device {
    ns_xid_report_t name; /* address and UUID only */
    uint32_t xid;
    uint32_t count;
} device_t;

/** One Xid that was counted. */
typedef struct kept_xid {
    uint64_t sequence;
    int64_t time_us;
    uint32_t xid;
    uint8_t device;
    uint8_t source;
} kept_xid_t;

typedef struct kmsg_state {
    int descriptor;
    ns_kmsg_read_fn read;
    uint32_t device_count;
    uint32_t named;     /**< accelerator of the last line that only named one */
    uint32_t named_for; /**< records for which that holds */
    bool has_sequence;
    bool has_gap; /**< the kernel said that records were overwritten */
    uint64_t next_sequence;
    uint64_t lost_count;
    uint32_t unassigned_count;
    uint32_t admitted_count;
    uint32_t captured_count; /**< of these, what some evidence had room for */
    uint32_t dropped_count;  /**< left the ring before they were captured */
    kept_xid_t ring[NS_KMSG_XIDS_KEPT];
    ns_xid_filter_t own_filter;
    ns_xid_filter_t *filter;
    device_t devices[NS_KMSG_DEVICES_MAX];
    ns_kmsg_record_t parts;
    char last_text[NS_KMSG_TEXT_SIZE]; /**< of the last Xid counted */
    char record[NS_KMSG_RECORD_SIZE];
} kmsg_state_t;

static_assert(sizeof(kmsg_state_t) <= sizeof(ns_kmsg_t), "the caller's memory holds the state");
static_assert(sizeof(ns_kmsg_t) == NS_KMSG_MEMORY_SIZE, "as declared");
static_assert(sizeof((ns_xid_report_t *)0)->uuid == NS_KMSG_UUID_SIZE, "as declared");
static_assert(2 * NS_KMSG_DEVICES_MAX == NS_KMSG_LOST_COUNT, "two channels per accelerator");

static kmsg_state_t *state_of(void *ctx) {
    return ctx;
}

static bool is_named(const ns_xid_report_t *device, const ns_xid_report_t *report) {
    if (report->has_address != 0) {
        return device->domain == report->domain && device->bus == report->bus &&
               device->slot == report->slot;
    }
    return report->uuid[0] != '\0' && strcmp(device->uuid, report->uuid) == 0;
}

/** The accelerator that a report is about, or device_count. */
static uint32_t device_of(const kmsg_state_t *self, const ns_xid_report_t *report) {
    if (report->has_address == 0 && report->uuid[0] == '\0') {
        return self->named_for > 0 ? self->named : self->device_count;
    }
    uint32_t device = 0;
    while (device < self->device_count && !is_named(&self->devices[device].name, report)) {
        device++;
    }
    return device;
}

/** The Xid counted `back` before the last one. */
static kept_xid_t *kept_xid(kmsg_state_t *self, uint32_t back) {
    return &self->ring[(self->admitted_count - 1U - back) % NS_KMSG_XIDS_KEPT];
}

static void keep_in_ring(kmsg_state_t *self, kept_xid_t xid) {
    if (self->admitted_count - self->captured_count >= NS_KMSG_XIDS_KEPT) {
        self->captured_count++; /* the oldest goes unseen */
        self->dropped_count++;
    }
    self->admitted_count++;
    *kept_xid(self, 0) = xid;
    memcpy(self->last_text, self->parts.text, sizeof self->last_text);
}

static void keep(kmsg_state_t *self, const ns_xid_report_t *report, int64_t now_ns) {
    uint32_t index = device_of(self, report);
    if (report->xid == 0) {
        self->named = index;
        self->named_for = NAMED_FOR_RECORDS;
        return;
    }
    if (index == self->device_count) {
        self->unassigned_count++;
        return;
    }
    ns_xid_source_t source = report->is_inferred != 0 ? NS_XID_FROM_TEXT : NS_XID_FROM_LOG;
    if (!ns_xid_filter_admit(self->filter, source, index, report->xid, now_ns)) {
        return;
    }
    self->devices[index].xid = report->xid;
    self->devices[index].count++;
    keep_in_ring(self, (kept_xid_t){.sequence = report->sequence,
                                    .time_us = report->time_us,
                                    .xid = report->xid,
                                    .device = (uint8_t)index,
                                    .source = (uint8_t)source});
}

/** Sequence numbers of /dev/kmsg count every record, so a gap says how many were lost. */
static void count_lost(kmsg_state_t *self, uint64_t sequence) {
    if (self->has_gap) {
        bool is_ahead = self->has_sequence && sequence > self->next_sequence;
        self->lost_count += is_ahead ? sequence - self->next_sequence : 1U;
    }
    self->has_gap = false;
    self->has_sequence = true;
    self->next_sequence = sequence + 1U;
}

static void take_record(kmsg_state_t *self, size_t size, int64_t now_ns) {
    ns_xid_report_t report;
    if (ns_kmsg_split(self->record, size, &self->parts) != NS_OK) {
        return;
    }
    count_lost(self, self->parts.sequence);
    self->named_for -= self->named_for > 0 ? 1U : 0U;
    if (ns_kmsg_interpret(&self->parts, &report) == NS_OK) {
        keep(self, &report, now_ns);
    }
}

/** What a failed read means; NS_E_BUSY: go on reading. */
static ns_status_t settle(kmsg_state_t *self, int error) {
    switch (error) {
    case EAGAIN:
        return NS_OK;
    case EPIPE:
        self->has_gap = true;
        return NS_E_BUSY;
    case EINVAL: /* longer than the buffer; the kernel has gone past it */
        self->lost_count++;
        return NS_E_BUSY;
    case EINTR:
        return NS_E_BUSY;
    case EPERM:
    case EACCES:
        return NS_E_REFUSED;
    default:
        return NS_E_IO;
    }
}

static ns_status_t begin(void *ctx, int64_t now_ns, uint64_t due) {
    (void)due;
    kmsg_state_t *self = state_of(ctx);
    for (uint32_t i = 0; i < NS_KMSG_RECORDS_MAX; i++) {
        ssize_t size = self->read(self->descriptor, self->record, sizeof self->record);
        if (size == 0) {
            return NS_E_ABSENT;
        }
        if (size > 0) {
            take_record(self, (size_t)size, now_ns);
            continue;
        }
        ns_status_t status = settle(self, errno);
        if (status != NS_E_BUSY) {
            return status;
        }
    }
    return NS_OK;
}

static ns_status_t read_channel(void *ctx, uint32_t channel, double *out_value) {
    const kmsg_state_t *self = state_of(ctx);
    if (channel == NS_KMSG_LOST_COUNT) {
        *out_value = (double)self->lost_count;
        return NS_OK;
    }
    if (channel == NS_KMSG_UNASSIGNED_COUNT) {
        *out_value = (double)self->unassigned_count;
        return NS_OK;
    }
    if (channel >= NS_KMSG_CHANNEL_COUNT) {
        return NS_E_ARG;
    }
    if (channel / 2U >= self->device_count) {
        return NS_E_UNSUPPORTED;
    }
    const device_t *device = &self->devices[channel / 2U];
    *out_value = channel % 2U == NS_KMSG_XID ? (double)device->xid : (double)device->count;
    return NS_OK;
}

static ns_status_t write_channel(void *ctx, uint32_t channel, double value) {
    (void)ctx;
    (void)value;
    return channel < NS_KMSG_CHANNEL_COUNT ? NS_E_UNSUPPORTED : NS_E_ARG;
}

static uint32_t alarm_number(void *ctx) {
    kmsg_state_t *self = state_of(ctx);
    uint32_t alarm = 0;
    for (uint32_t i = 0; i < self->device_count; i++) {
        if (self->devices[i].xid != 0) {
            alarm = (self->admitted_count & 0xFFFFU) << 16U | kept_xid(self, 0)->xid;
        }
    }
    return alarm;
}

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

static bool put_header(writer_t *out, ns_kmsg_evidence_tag_t tag, size_t size) {
    if (out->capacity - out->size < ITEM_HEADER + size) {
        return false;
    }
    put_number(out, (uint64_t)tag, 1);
    put_number(out, size, 1);
    return true;
}

static void put_name(writer_t *out, const kept_xid_t *xid) {
    put_number(out, xid->device, 1);
    put_number(out, xid->source, 1);
    put_number(out, xid->xid, 2);
}

/** False: there is no room. */
static bool put_earlier(kmsg_state_t *self, writer_t *out) {
    uint32_t count =
        self->admitted_count < NS_KMSG_XIDS_KEPT ? self->admitted_count : NS_KMSG_XIDS_KEPT;
    if (count < 2) {
        return true;
    }
    if (!put_header(out, NS_KMSG_EVIDENCE_EARLIER, (count - 1U) * EARLIER_ITEM)) {
        return false;
    }
    for (uint32_t back = 1; back < count; back++) {
        const kept_xid_t *xid = kept_xid(self, back);
        int64_t age_ms = (kept_xid(self, 0)->time_us - xid->time_us) / US_PER_MS;
        put_name(out, xid);
        put_number(out, age_ms < 0 ? 0 : age_ms < UINT32_MAX ? (uint64_t)age_ms : UINT32_MAX, 4);
    }
    return true;
}

static void put_text(const kmsg_state_t *self, writer_t *out) {
    size_t length = strlen(self->last_text);
    size_t room = out->capacity - out->size;
    room = room < ITEM_HEADER ? 0 : room - ITEM_HEADER;
    room = room < UINT8_MAX ? room : UINT8_MAX;
    length = length < room ? length : room;
    if (put_header(out, NS_KMSG_EVIDENCE_TEXT, length)) {
        memcpy(&out->bytes[out->size], self->last_text, length);
        out->size += length;
    }
}

static ns_status_t capture(void *ctx, uint8_t *out, size_t capacity, size_t *out_size) {
    kmsg_state_t *self = state_of(ctx);
    writer_t writer = {.bytes = out, .capacity = capacity};
    *out_size = 0;
    if (self->admitted_count == 0 || !put_header(&writer, NS_KMSG_EVIDENCE_XID, XID_ITEM)) {
        return NS_OK;
    }
    const kept_xid_t *last = kept_xid(self, 0);
    put_name(&writer, last);
    put_number(&writer, last->sequence, 8);
    put_number(&writer, (uint64_t)last->time_us, 8);
    bool has_all = put_earlier(self, &writer);
    if (self->dropped_count > 0 && put_header(&writer, NS_KMSG_EVIDENCE_DROPPED, DROPPED_ITEM)) {
        put_number(&writer, self->dropped_count, DROPPED_ITEM);
    }
    put_text(self, &writer);
    if (has_all) {
        self->captured_count = self->admitted_count;
    }
    *out_size = writer.size;
    return NS_OK;
}

static ns_status_t request(void *ctx, ns_request_kind_t kind) {
    kmsg_state_t *self = state_of(ctx);
    if (kind != NS_REQUEST_CLEAR) {
        return NS_E_UNSUPPORTED;
    }
    for (uint32_t i = 0; i < self->device_count; i++) {
        self->devices[i].xid = 0;
    }
    return NS_OK;
}

const ns_device_ops_t ns_kmsg_ops = {
    .abi = NS_DEVICE_OPS_ABI,
    .name = "kmsg",
    .begin = begin,
    .read = read_channel,
    .write = write_channel,
    .alarm = alarm_number,
    .capture = capture,
    .request = request,
};

static bool name_device(device_t *device, const ns_kmsg_device_t *given) {
    if (given->pci_bus_id == NULL || !ns_kmsg_find_address(given->pci_bus_id, &device->name)) {
        return false;
    }
    return given->uuid == NULL || ns_kmsg_find_uuid(given->uuid, device->name.uuid);
}

ns_status_t ns_kmsg_open(ns_kmsg_t *self, int descriptor, const ns_kmsg_device_t *devices,
                         uint32_t device_count, ns_xid_filter_t *filter) {
    if (self == NULL || devices == NULL || descriptor < 0 || device_count < 1 ||
        device_count > NS_KMSG_DEVICES_MAX) {
        return NS_E_ARG;
    }
    memset(self, 0, sizeof *self);
    kmsg_state_t *state = state_of(self);
    for (uint32_t i = 0; i < device_count; i++) {
        if (!name_device(&state->devices[i], &devices[i])) {
            return NS_E_ARG;
        }
    }
    state->descriptor = descriptor;
    state->read = read;
    state->device_count = device_count;
    state->filter = filter != NULL ? filter : &state->own_filter;
    return NS_OK;
}

void ns_kmsg_set_read(ns_kmsg_t *self, ns_kmsg_read_fn function) {
    state_of(self)->read = function != NULL ? function : read;
}
