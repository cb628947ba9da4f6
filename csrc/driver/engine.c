#include <assert.h>
#include <math.h>
#include <string.h>

#include "driver_state.h"

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

static bool driver_exists(const ns_image_t *image, uint32_t driver, uint32_t reflex_count) {
    return image != NULL && driver < image->driver_count &&
           image->drivers[driver].device_count <= NS_DRIVER_DEVICES_MAX &&
           reflex_count <= NS_DRIVER_REFLEXES_MAX;
}

size_t ns_driver_size(const ns_image_t *image, uint32_t driver, uint32_t reflex_count) {
    if (!driver_exists(image, driver, reflex_count)) {
        return 0;
    }
    const ns_driver_entry_t *entry = &image->drivers[driver];
    return parts_of(entry->point_count, entry->device_count, reflex_count).end;
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

static bool reflexes_are_valid(const ns_image_t *image, const ns_driver_entry_t *entry,
                               const ns_reflex_t *reflexes, uint32_t count) {
    uint32_t first = entry->first_point;
    uint32_t end = first + entry->point_count;
    for (uint32_t i = 0; i < count; i++) {
        const ns_reflex_t *rule = &reflexes[i];
        if (rule->point < first || rule->point >= end || rule->action_point < first ||
            rule->action_point >= end || isnan(rule->threshold) || rule->persistence_ns < 0) {
            return false;
        }
        const ns_point_t *action = &image->points[rule->action_point];
        if (action->is_writable == 0 ||
            !(rule->action_value >= action->low && rule->action_value <= action->high)) {
            return false;
        }
    }
    return true;
}

static void order_by_device(ns_driver_t *self) {
    uint32_t used = 0;
    for (uint32_t device = 0; device < self->device_count; device++) {
        for (uint32_t i = 0; i < self->point_count; i++) {
            if (self->points[i].device == device) {
                self->order[used++] = i;
            }
        }
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

ns_status_t ns_driver_open(void *memory, size_t size, const ns_image_t *image, uint32_t driver,
                           const ns_device_t *devices, uint32_t device_count,
                           const ns_reflex_t *reflexes, uint32_t reflex_count, ns_driver_t **out) {
    if (memory == NULL || (uintptr_t)memory % 8 != 0 || out == NULL ||
        !driver_exists(image, driver, reflex_count) || (devices == NULL && device_count > 0) ||
        (reflexes == NULL && reflex_count > 0)) {
        return NS_E_ARG;
    }
    const ns_driver_entry_t *entry = &image->drivers[driver];
    if (device_count != entry->device_count || !devices_are_valid(devices, device_count) ||
        !reflexes_are_valid(image, entry, reflexes, reflex_count)) {
        return NS_E_ARG;
    }
    parts_t at = parts_of(entry->point_count, device_count, reflex_count);
    if (size < at.end) {
        return NS_E_FULL;
    }
    memset(memory, 0, at.end);
    ns_driver_t *self = memory;
    self->image = image;
    self->points = &image->points[entry->first_point];
    self->index = driver;
    self->first_point = entry->first_point;
    self->point_count = entry->point_count;
    self->device_count = device_count;
    self->reflex_count = reflex_count;
    self->heartbeat = ns_image_heartbeat(image); /* only a change of it counts as a beat */
    self->rearm_count = ns_image_rearm_count(image, driver);
    place_parts(self, memory, &at);
    ns_samples_clear(&self->samples, self->point_count);
    for (uint32_t i = 0; i < device_count; i++) {
        self->devices[i].device = devices[i];
    }
    for (uint32_t i = 0; i < reflex_count; i++) {
        self->reflexes[i].rule = reflexes[i];
    }
    order_by_device(self);
    number_writable_points(self);
    *out = self;
    return NS_OK;
}

bool ns_status_is_transient(ns_status_t status) {
    return status == NS_E_NACK || status == NS_E_PEC || status == NS_E_TIMEOUT;
}

void ns_driver_note_error(ns_driver_t *self, uint32_t device, ns_status_t status) {
    self->health.transfer_error_count++;
    if (status == NS_E_NACK || status == NS_E_TIMEOUT || status == NS_E_ABSENT) {
        self->devices[device].status = status;
    }
    if (status != NS_E_ABSENT) {
        return;
    }
    for (uint32_t i = 0; i < self->point_count; i++) {
        if (self->points[i].device == device) {
            self->states[i].is_applied = false; /* all is written again when it comes back */
        }
    }
}

static void begin_device(ns_driver_t *self, uint32_t index, int64_t now_ns) {
    ns_device_state_t *state = &self->devices[index];
    state->has_begun = true;
    state->status = NS_OK;
    if (state->device.ops->begin == NULL) {
        return;
    }
    ns_status_t status = state->device.ops->begin(state->device.ctx, now_ns, UINT64_MAX);
    if (ns_status_is_transient(status)) {
        status = state->device.ops->begin(state->device.ctx, now_ns, UINT64_MAX);
    }
    if (status != NS_OK) {
        ns_driver_note_error(self, index, status);
        state->status = status;
    }
}

static ns_status_t read_point(ns_driver_t *self, const ns_point_t *point, double *out_value) {
    ns_device_state_t *state = &self->devices[point->device];
    const ns_device_ops_t *ops = state->device.ops;
    ns_status_t status = ops->read(state->device.ctx, point->channel, out_value);
    if (ns_status_is_transient(status)) {
        status = ops->read(state->device.ctx, point->channel, out_value);
    }
    if (status == NS_OK && !isfinite(*out_value)) {
        return NS_E_RANGE;
    }
    if (status != NS_OK && status != NS_E_UNSUPPORTED) {
        ns_driver_note_error(self, point->device, status);
    }
    return status;
}

static void poll_point(ns_driver_t *self, uint32_t index, int64_t now_ns) {
    const ns_point_t *point = &self->points[index];
    ns_point_state_t *state = &self->states[index];
    ns_device_state_t *device = &self->devices[point->device];
    bool is_late = now_ns - state->next_due_ns >= point->period_ns;
    state->next_due_ns = (is_late ? now_ns : state->next_due_ns) + point->period_ns;
    if (!device->has_begun) {
        begin_device(self, point->device, now_ns);
    }
    double value = 0.0;
    ns_status_t status = device->status;
    if (status == NS_OK) {
        status = read_point(self, point, &value);
    }
    self->samples.status[index] = status;
    if (status != NS_OK) {
        return;
    }
    self->samples.values[index] = value;
    self->samples.time_ns[index] = now_ns == 0 ? 1 : now_ns; /* 0 says never */
    state->is_sampled = true;
    state->readback_is_fresh = true;
}

static bool advance_time(ns_driver_t *self, int64_t now_ns) {
    if (self == NULL || now_ns < self->now_ns) {
        return false;
    }
    self->now_ns = now_ns;
    return true;
}

static uint32_t flags_of(const ns_driver_t *self, uint32_t index) {
    uint32_t kept = self->samples.flags[index] & (NS_FLAG_REFUSED | NS_FLAG_WRITE_FAILED);
    uint32_t lapsed = self->states[index].phase == NS_LEASE_LAPSED ? NS_FLAG_LAPSED : 0U;
    uint32_t held = ns_driver_holding_reflex(self, index) != NULL ? NS_FLAG_REFLEX : 0U;
    return kept | lapsed | held;
}

ns_status_t ns_driver_poll(ns_driver_t *self, int64_t now_ns) {
    if (!advance_time(self, now_ns)) {
        return NS_E_ARG;
    }
    for (uint32_t i = 0; i < self->device_count; i++) {
        self->devices[i].has_begun = false;
    }
    for (uint32_t i = 0; i < self->point_count; i++) {
        uint32_t index = self->order[i];
        self->states[index].is_sampled = false;
        if (now_ns >= self->states[index].next_due_ns) {
            poll_point(self, index, now_ns);
        }
    }
    ns_driver_allow_writes(self);
    ns_driver_update_leases(self, now_ns);
    ns_driver_run_reflexes(self, now_ns);
    for (uint32_t i = 0; i < self->point_count; i++) {
        if (self->points[i].is_writable != 0) {
            self->samples.flags[i] = flags_of(self, i);
        }
    }
    self->health.poll_count++;
    self->health.last_poll_ns = now_ns;
    (void)ns_image_publish(self->image, self->index, &self->samples);
    (void)ns_image_set_health(self->image, self->index, &self->health);
    return NS_OK;
}

ns_status_t ns_driver_step(ns_driver_t *self, int64_t now_ns) {
    ns_status_t status = ns_driver_poll(self, now_ns);
    return status != NS_OK ? status : ns_driver_reconcile(self, now_ns);
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
}

typedef ns_status_t (*driver_call_t)(ns_driver_t *self, int64_t now_ns);

static ns_status_t call_all(driver_call_t call, ns_driver_t *const *drivers, uint32_t count,
                            int64_t now_ns) {
    if (drivers == NULL && count > 0) {
        return NS_E_ARG;
    }
    ns_status_t worst = NS_OK;
    for (uint32_t i = 0; i < count; i++) {
        ns_status_t status = call(drivers[i], now_ns);
        if (status != NS_OK && worst != NS_E_ARG) {
            worst = status;
        }
    }
    return worst;
}

ns_status_t ns_drivers_poll(ns_driver_t *const *drivers, uint32_t count, int64_t now_ns) {
    return call_all(ns_driver_poll, drivers, count, now_ns);
}

ns_status_t ns_drivers_reconcile(ns_driver_t *const *drivers, uint32_t count, int64_t now_ns) {
    return call_all(ns_driver_reconcile, drivers, count, now_ns);
}

ns_status_t ns_drivers_step(ns_driver_t *const *drivers, uint32_t count, int64_t now_ns) {
    return call_all(ns_driver_step, drivers, count, now_ns);
}
