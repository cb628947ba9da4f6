#include <assert.h>
#include <string.h>

#include "driver_state.h"
#include "nightside/codec.h"

static_assert(sizeof(ns_point_state_t) % 8 == 0 && sizeof(ns_device_state_t) % 8 == 0 &&
                  sizeof(ns_reflex_state_t) % 8 == 0 && sizeof(struct ns_driver) % 8 == 0,
              "the parts of a driver follow each other in one block");

/** Parts of the block; every part is a multiple of 8 bytes. */
typedef struct parts {
    size_t states, devices, reflexes, values, time_ns, status, flags, order, end;
} parts_t;

static size_t words_of(size_t count) {
    return (count * sizeof(uint32_t) + 7) / 8 * 8;
}

static parts_t parts_of(uint32_t point_count, uint32_t device_count, uint32_t reflex_count) {
    parts_t at;
    at.states = sizeof(struct ns_driver);
    at.devices = at.states + point_count * sizeof(ns_point_state_t);
    at.reflexes = at.devices + device_count * sizeof(ns_device_state_t);
    at.values = at.reflexes + reflex_count * sizeof(ns_reflex_state_t);
    at.time_ns = at.values + point_count * sizeof(double);
    at.status = at.time_ns + point_count * sizeof(int64_t);
    at.flags = at.status + words_of(point_count);
    at.order = at.flags + words_of(point_count);
    at.end = at.order + words_of(point_count);
    return at;
}

static bool driver_exists(const ns_image_t *image, uint32_t driver) {
    return image != NULL && driver < image->driver_count &&
           image->drivers[driver].device_count <= NS_DRIVER_DEVICES_MAX &&
           image->drivers[driver].reflex_count <= NS_DRIVER_REFLEXES_MAX;
}

size_t ns_driver_size(const ns_image_t *image, uint32_t driver) {
    if (!driver_exists(image, driver)) {
        return 0;
    }
    const ns_driver_entry_t *entry = &image->drivers[driver];
    return parts_of(entry->point_count, entry->device_count, entry->reflex_count).end;
}

static bool devices_are_valid(const ns_device_t *devices, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        const ns_device_ops_t *ops = devices[i].ops;
        if (ops == NULL || ops->abi != NS_DEVICE_OPS_ABI || ops->read == NULL ||
            ops->write == NULL) {
            return false;
        }
    }
    return true;
}

static void order_by_device(ns_driver_t *self) {
    uint32_t used = 0;
    for (uint32_t index = 0; index < self->device_count; index++) {
        ns_device_state_t *device = &self->devices[index];
        device->first = used;
        for (uint32_t i = 0; i < self->point_count; i++) {
            if (self->points[i].device != index) {
                continue;
            }
            self->order[used++] = i;
            if (device->period_ns == 0 || self->points[i].period_ns < device->period_ns) {
                device->period_ns = self->points[i].period_ns;
            }
        }
        device->end = used;
    }
}

/** Writable points of the drivers before this one come first in the desired table. */
static void number_writable_points(ns_driver_t *self) {
    uint32_t next = 0;
    for (uint32_t i = 0; i < self->first_point; i++) {
        next += self->image->points[i].is_writable;
    }
    for (uint32_t i = 0; i < self->point_count; i++) {
        self->states[i].writable_index = next;
        next += self->points[i].is_writable;
    }
}

static void place_parts(ns_driver_t *self, unsigned char *memory, const parts_t *at) {
    self->states = (ns_point_state_t *)(void *)(memory + at->states);
    self->devices = (ns_device_state_t *)(void *)(memory + at->devices);
    self->reflexes = (ns_reflex_state_t *)(void *)(memory + at->reflexes);
    self->samples.values = (double *)(void *)(memory + at->values);
    self->samples.time_ns = (int64_t *)(void *)(memory + at->time_ns);
    self->samples.status = (int32_t *)(void *)(memory + at->status);
    self->samples.flags = (uint32_t *)(void *)(memory + at->flags);
    self->order = (uint32_t *)(void *)(memory + at->order);
}

/** What a driver before this one kept must be durable, too, before its device may be cleared. */
static void adopt_evidence(ns_driver_t *self) {
    uint64_t seen = 0;
    for (uint32_t i = 0; i < NS_CAUSE_COUNT * NS_EVIDENCE_PER_CAUSE_MAX; i++) {
        ns_evidence_t record;
        uint32_t count = 0;
        uint64_t lost = 0;
        (void)ns_image_read_evidence(self->image, self->index, seen, &record, 1, &count, &lost);
        if (count == 0) {
            return;
        }
        seen = record.sequence;
        if (record.device < self->device_count && record.cause != NS_CAUSE_REQUEST) {
            ns_device_state_t *device = &self->devices[record.device];
            device->evidence_sequence = seen;
            if (record.cause == NS_CAUSE_DEVICE_FAULT) {
                device->captured_crc = ns_crc32c(0, record.bytes, record.size);
            }
        }
    }
}

static void fill_reflexes(ns_driver_t *self) {
    const ns_reflex_t *rules = &self->image->reflexes[self->entry->first_reflex];
    for (uint32_t i = 0; i < self->reflex_count; i++) {
        ns_reflex_state_t *reflex = &self->reflexes[i];
        reflex->rule = rules[i];
        /* Unsigned: a point before the first one is far behind the last one. */
        reflex->is_foreign = rules[i].point - self->first_point >= self->point_count;
    }
}

static void latch_rules_of(ns_driver_t *self, uint32_t point) {
    for (uint32_t i = 0; i < self->reflex_count; i++) {
        ns_reflex_state_t *reflex = &self->reflexes[i];
        if (reflex->rule.action_point == self->first_point + point) {
            reflex->is_latched = true;
            self->latched_count++;
        }
    }
}

/** Latched is latched, whoever drives: the flags say what a driver before this one held. Which of
 *  the rules of a point had tripped is not known, so all have. */
static void adopt_latches(ns_driver_t *self) {
    for (uint32_t i = 0; i < self->point_count; i++) {
        ns_point_state_t *state = &self->states[i];
        ns_sample_t sample;
        if (self->points[i].is_writable == 0) {
            continue;
        }
        (void)ns_image_read_desired(self->image, state->writable_index, &state->desired);
        state->is_inherited = state->desired.write_count > 0;
        if (ns_image_read_sample(self->image, self->first_point + i, &sample) != NS_OK) {
            continue; /* only where another driver still publishes */
        }
        state->is_locked =
            (sample.flags & NS_FLAG_ABANDONED) != 0 && self->points[i].abandon_ns > 0;
        if ((sample.flags & NS_FLAG_LAPSED) != 0 && self->points[i].lease_ns > 0) {
            uint64_t beat_epoch = self->heartbeat >> 32;
            uint64_t slot_epoch = state->desired.epoch;
            state->phase = NS_LEASE_LAPSED;
            state->lapse_epoch = slot_epoch > beat_epoch ? slot_epoch : beat_epoch;
        }
        if ((sample.flags & NS_FLAG_REFLEX) != 0) {
            latch_rules_of(self, i);
        }
    }
}

ns_status_t ns_driver_open(void *memory, size_t size, const ns_image_t *image, uint32_t driver,
                           const ns_device_t *devices, uint32_t device_count, ns_bus_port_t *port,
                           ns_driver_t **out) {
    if (memory == NULL || (uintptr_t)memory % 8 != 0 || out == NULL ||
        !driver_exists(image, driver) || (devices == NULL && device_count > 0)) {
        return NS_E_ARG;
    }
    const ns_driver_entry_t *entry = &image->drivers[driver];
    if (device_count != entry->device_count || !devices_are_valid(devices, device_count)) {
        return NS_E_ARG;
    }
    parts_t at = parts_of(entry->point_count, device_count, entry->reflex_count);
    if (size < at.end) {
        return NS_E_FULL;
    }
    memset(memory, 0, at.end);
    ns_driver_t *self = memory;
    self->image = image;
    self->entry = entry;
    self->points = &image->points[entry->first_point];
    self->port = port;
    self->index = driver;
    self->first_point = entry->first_point;
    self->point_count = entry->point_count;
    self->device_count = device_count;
    self->reflex_count = entry->reflex_count;
    self->deadline_ns = entry->deadline_ns > 0 ? entry->deadline_ns : NS_CALL_DEADLINE_US * 1000LL;
    self->heartbeat = ns_image_heartbeat(image); /* only a change of it counts as a beat */
    place_parts(self, memory, &at);
    ns_samples_clear(&self->samples, self->point_count);
    for (uint32_t i = 0; i < device_count; i++) {
        self->devices[i].device = devices[i];
    }
    adopt_evidence(self);
    fill_reflexes(self);
    order_by_device(self);
    number_writable_points(self);
    adopt_latches(self);
    (void)ns_image_drop_requests(image, driver);
    *out = self;
    return NS_OK;
}

void ns_driver_close(ns_driver_t *self) {
    if (self == NULL) {
        return;
    }
    for (uint32_t i = 0; i < self->device_count; i++) {
        const ns_device_t *device = &self->devices[i].device;
        if (device->ops->close != NULL) {
            device->ops->close(device->ctx);
        }
    }
    self->device_count = 0;
    self->point_count = 0;
    self->reflex_count = 0;
}
