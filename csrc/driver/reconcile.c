#include <math.h>

#include "driver_state.h"

#define NS_PER_S 1e9
#define MISMATCHES_MAX 2U         /* one wrong read-back may be a bad read */
#define FLOAT32_RESOLUTION 1.2e-7 /* 2^-23: controllers speak float32 */

static double magnitude(double value) {
    return value < 0.0 ? -value : value;
}

void ns_driver_start_ramp(ns_driver_t *self, uint32_t point, double from, int64_t now_ns) {
    ns_point_state_t *state = &self->states[point];
    state->is_ramping = self->points[point].ramp_per_s > 0.0;
    state->ramp_value = from;
    state->ramp_ns = now_ns;
}

/** One step of the ramp toward the target; it ends when the target is reached. */
static double follow_ramp(ns_point_state_t *state, const ns_point_t *point, double target,
                          int64_t now_ns) {
    double step = point->ramp_per_s * ((double)(now_ns - state->ramp_ns) / NS_PER_S);
    double distance = target - state->ramp_value;
    state->ramp_ns = now_ns;
    if (magnitude(distance) <= step) {
        state->is_ramping = false;
        return target;
    }
    state->ramp_value += distance > 0.0 ? step : -step;
    return state->ramp_value;
}

/** What the point should be now: reflex before lease before desired value. False: left alone. */
static bool wanted_value(ns_driver_t *self, uint32_t index, int64_t now_ns, double *out) {
    ns_point_state_t *state = &self->states[index];
    const ns_point_t *point = &self->points[index];
    const ns_reflex_state_t *reflex = ns_driver_holding_reflex(self, index);
    if (reflex != NULL) {
        *out = reflex->rule.action_value;
        return true;
    }
    if (state->is_locked) {
        *out = point->abandon_value;
        return true;
    }
    bool is_safe = point->lease_ns > 0 && (state->phase != NS_LEASE_HELD || !state->is_accepted);
    if (is_safe && isnan(point->safe)) { /* a lapse may hold a value, but never move it */
        *out = state->applied;
        return state->is_applied;
    }
    if (is_safe) {
        ns_driver_start_ramp(self, index, point->safe, now_ns); /* whenever it ends, from here */
        *out = point->safe;
        return true;
    }
    if (!state->is_accepted) {
        return false;
    }
    *out = state->is_ramping ? follow_ramp(state, point, state->accepted, now_ns) : state->accepted;
    return true;
}

/** A device that is skipped gets one try a reconcile, so that a part that cannot be read can still
 *  be switched off; a device that is absent gets none, and a silent one only between pauses. */
static bool write_is_allowed(ns_device_state_t *device, int64_t now_ns) {
    if (device->status == NS_OK) {
        return true;
    }
    if (device->status == NS_E_ABSENT || device->is_write_tried || now_ns < device->next_try_ns) {
        return false;
    }
    device->is_write_tried = true;
    return true;
}

void ns_driver_allow_writes(ns_driver_t *self) {
    for (uint32_t i = 0; i < self->device_count; i++) {
        self->devices[i].is_write_tried = false;
    }
}

static ns_status_t write_point(ns_driver_t *self, const ns_point_t *point, double value) {
    const ns_device_state_t *device = &self->devices[point->device];
    uint32_t retries_left = device->status == NS_OK ? self->entry->retry_count : 0U;
    ns_status_t status = NS_OK;
    ns_bus_port_start_call(self->port, self->deadline_ns);
    do {
        status = device->device.ops->write(device->device.ctx, point->channel, value);
    } while (ns_driver_tries_again(self, status, &retries_left));
    ns_bus_port_end_call(self->port, status);
    return status;
}

static void note_failure(ns_driver_t *self, uint32_t index, ns_status_t status, double value) {
    uint32_t device = self->points[index].device;
    bool is_first = (self->samples.flags[index] & NS_FLAG_WRITE_FAILED) == 0;
    self->samples.flags[index] |= NS_FLAG_WRITE_FAILED;
    ns_driver_note_error(self, device, status);
    if (is_first) {
        ns_driver_keep(self, NS_CAUSE_WRITE_FAILED, device, index, status, value, (double)NAN);
    }
}

void ns_driver_write(ns_driver_t *self, uint32_t index, double value) {
    const ns_point_t *point = &self->points[index];
    ns_point_state_t *state = &self->states[index];
    ns_device_state_t *device = &self->devices[point->device];
    state->is_applied = false;
    if (!write_is_allowed(device, self->now_ns)) {
        return;
    }
    ns_status_t status = write_point(self, point, value);
    if (status != NS_OK) {
        note_failure(self, index, status, value);
        return;
    }
    self->samples.flags[index] &= ~(uint32_t)NS_FLAG_WRITE_FAILED;
    if (device->silent_rounds > 0) {
        ns_driver_note_answer(device);
    }
    state->is_applied = true;
    state->applied = value;
    state->mismatch_count = 0;
    state->readback_is_fresh = false; /* the last sample is older than this write */
}

static void scrub(ns_driver_t *self, uint32_t index, double wanted) {
    ns_point_state_t *state = &self->states[index];
    if (!state->readback_is_fresh) {
        return;
    }
    state->readback_is_fresh = false;
    double error = magnitude(self->samples.values[index] - wanted);
    if (error <= self->points[index].tolerance + FLOAT32_RESOLUTION * magnitude(wanted)) {
        state->mismatch_count = 0;
        return;
    }
    if (self->points[index].repairs_down != 0 && self->samples.values[index] < wanted) {
        state->mismatch_count = 0; /* who wants it closed again says so: off, then on */
        return;
    }
    state->mismatch_count++;
    if (state->mismatch_count >= MISMATCHES_MAX) {
        self->health.repair_count++;
        ns_driver_keep(self, NS_CAUSE_REPAIR, self->points[index].device, index, NS_OK,
                       self->samples.values[index], wanted);
        ns_driver_write(self, index, wanted);
    }
}

ns_status_t ns_driver_reconcile(ns_driver_t *self, int64_t now_ns) {
    if (self == NULL || now_ns < self->now_ns) {
        return NS_E_ARG;
    }
    self->now_ns = now_ns;
    ns_driver_allow_writes(self);
    ns_driver_update_leases(self, now_ns);
    for (uint32_t i = 0; i < self->point_count; i++) {
        double wanted = 0.0;
        if (self->points[i].is_writable == 0 || !wanted_value(self, i, now_ns, &wanted)) {
            continue;
        }
        ns_point_state_t *state = &self->states[i];
        if (state->is_applied && state->applied >= wanted && state->applied <= wanted) {
            scrub(self, i, wanted);
        } else {
            ns_driver_write(self, i, wanted);
        }
    }
    (void)ns_image_set_health(self->image, self->index, &self->health);
    ns_status_t result = self->is_refusal_pending ? NS_E_REFUSED : NS_OK;
    self->is_refusal_pending = false;
    return result;
}
