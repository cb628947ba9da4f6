#include <math.h>

#include "driver_state.h"
#include "nightside/codec.h"

void ns_driver_keep_record(ns_driver_t *self, ns_evidence_t *record) {
    record->time_ns = self->now_ns;
    ns_status_t status = ns_image_put_evidence(self->image, self->index, record);
    bool is_of_device = record->cause != NS_CAUSE_REQUEST && record->device < self->device_count;
    if (status != NS_OK || !is_of_device) {
        return;
    }
    uint64_t *newest = &self->devices[record->device].evidence_sequence;
    if (record->sequence > *newest) { /* folded into an older record, it stays */
        *newest = record->sequence;
    }
}

void ns_driver_keep(ns_driver_t *self, uint32_t cause, uint32_t device, uint32_t point,
                    ns_status_t status, double value, double limit) {
    ns_evidence_t record = {.cause = cause,
                            .device = device,
                            .point = point == NS_NO_POINT ? point : self->first_point + point,
                            .status = status,
                            .value = value,
                            .limit = limit};
    ns_driver_keep_record(self, &record);
}

/** What the device shows now; without a capture, its alarm alone. */
static ns_evidence_t capture(ns_driver_t *self, uint32_t index) {
    const ns_device_state_t *state = &self->devices[index];
    const ns_device_t *device = &state->device;
    ns_evidence_t record = {.cause = NS_CAUSE_DEVICE_FAULT,
                            .device = index,
                            .point = NS_NO_POINT,
                            .value = (double)state->alarm,
                            .limit = (double)NAN};
    if (device->ops->capture == NULL) {
        return record;
    }
    size_t size = 0;
    ns_bus_port_start_call(self->port, self->deadline_ns);
    ns_status_t status =
        device->ops->capture(device->ctx, record.bytes, sizeof record.bytes, &size);
    ns_bus_port_end_call(self->port, status);
    if (size > sizeof record.bytes) { /* nothing of it is believed */
        size = 0;
        status = NS_E_RANGE;
    }
    record.status = status;
    record.size = (uint32_t)size;
    return record;
}

static void keep_capture(ns_driver_t *self, ns_evidence_t *record) {
    ns_device_state_t *device = &self->devices[record->device];
    device->captured_crc = ns_crc32c(0, record->bytes, record->size);
    ns_driver_keep_record(self, record);
}

void ns_driver_watch_alarm(ns_driver_t *self, uint32_t index) {
    ns_device_state_t *state = &self->devices[index];
    const ns_device_ops_t *ops = state->device.ops;
    /* An accelerator that is lost still says why; one that a bus does not reach says nothing. */
    bool can_tell =
        state->status == NS_OK || state->status == NS_E_ABSENT || state->status == NS_E_RESET;
    if (ops->alarm == NULL || !can_tell) {
        return;
    }
    uint32_t alarm = ops->alarm(state->device.ctx);
    if (alarm != state->alarm) {
        state->alarm = alarm;
        state->capture_tries_left = alarm == 0 ? 0U : (uint32_t)NS_DRIVER_CAPTURE_TRIES;
        state->clear_refusals = 0;
    }
    if (state->capture_tries_left == 0) {
        return;
    }
    ns_evidence_t record = capture(self, index);
    state->capture_tries_left--;
    if (record.status == NS_OK) {
        state->capture_tries_left = 0;
    }
    keep_capture(self, &record);
}

bool ns_driver_evidence_is_current(ns_driver_t *self, uint32_t index) {
    const ns_device_state_t *state = &self->devices[index];
    if (state->device.ops->capture == NULL) {
        return true;
    }
    ns_evidence_t record = capture(self, index);
    bool is_known = ns_crc32c(0, record.bytes, record.size) == state->captured_crc;
    if (record.status == NS_OK && is_known) {
        return true;
    }
    keep_capture(self, &record);
    return false;
}
