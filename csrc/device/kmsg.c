#define _POSIX_C_SOURCE 200809L

#include "nightside/kmsg.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "kmsg_parse.h"

#define NAMED_FOR_RECORDS 4U /* assumed: a loss told in three records, one of another in between */
#define XID_ITEM 20U
#define ITEM_HEADER 2U

/** One accelerator: what it is called, and what the log said. */
typedef struct device {
    ns_xid_report_t name; /* address and UUID only */
    uint32_t xid;
    uint32_t count;
} device_t;

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
    uint32_t last_device; /**< of the last Xid counted, as is the text */
    ns_xid_report_t last;
    ns_xid_filter_t own_filter;
    ns_xid_filter_t *filter;
    device_t devices[NS_KMSG_DEVICES_MAX];
    ns_kmsg_record_t parts;
    char last_text[NS_KMSG_TEXT_SIZE];
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
    self->admitted_count++;
    self->last_device = index;
    self->last = *report;
    memcpy(self->last_text, self->parts.text, sizeof self->last_text);
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
    const kmsg_state_t *self = state_of(ctx);
    uint32_t alarm = 0;
    for (uint32_t i = 0; i < self->device_count; i++) {
        if (self->devices[i].xid != 0) {
            alarm = (self->admitted_count & 0xFFFFU) << 16U | self->last.xid;
        }
    }
    return alarm;
}

static size_t put_number(uint8_t *out, uint64_t number, size_t size) {
    for (size_t i = 0; i < size; i++) {
        out[i] = (uint8_t)(number >> (8U * i));
    }
    return size;
}

static ns_status_t capture(void *ctx, uint8_t *out, size_t capacity, size_t *out_size) {
    const kmsg_state_t *self = state_of(ctx);
    *out_size = 0;
    if (self->admitted_count == 0 || capacity < ITEM_HEADER + XID_ITEM + ITEM_HEADER) {
        return NS_OK;
    }
    ns_xid_source_t source = self->last.is_inferred != 0 ? NS_XID_FROM_TEXT : NS_XID_FROM_LOG;
    size_t size = put_number(out, NS_KMSG_EVIDENCE_XID, 1);
    size += put_number(out + size, XID_ITEM, 1);
    size += put_number(out + size, self->last_device, 1);
    size += put_number(out + size, source, 1);
    size += put_number(out + size, self->last.xid, 2);
    size += put_number(out + size, self->last.sequence, 8);
    size += put_number(out + size, (uint64_t)self->last.time_us, 8);
    size_t room = capacity - size - ITEM_HEADER;
    room = room < UINT8_MAX ? room : UINT8_MAX;
    size_t length = strlen(self->last_text);
    length = length < room ? length : room;
    size += put_number(out + size, NS_KMSG_EVIDENCE_TEXT, 1);
    size += put_number(out + size, length, 1);
    memcpy(out + size, self->last_text, length);
    *out_size = size + length;
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
