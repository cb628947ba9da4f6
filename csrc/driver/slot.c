#include <math.h>

#include "driver_state.h"

#define MASK_CHANNELS 64U
#define PAUSE_FIRST_PERIODS 2

static bool is_transient(ns_status_t status) {
    return status == NS_E_NACK || status == NS_E_PEC || status == NS_E_TIMEOUT ||
           status == NS_E_BUSY;
}

bool ns_driver_tries_again(ns_driver_t *self, ns_status_t status, uint32_t *retries_left) {
    if (status == NS_E_PEC) {
        ns_bus_port_count_pec_error(self->port);
    }
    if (*retries_left == 0 || !is_transient(status) || !ns_bus_port_has_time(self->port)) {
        return false;
    }
    (*retries_left)--;
    ns_bus_port_count_retry(self->port);
    return true;
}

void ns_driver_forget_applied(ns_driver_t *self, uint32_t device) {
    const ns_device_state_t *state = &self->devices[device];
    for (uint32_t i = state->first; i < state->end; i++) {
        self->states[self->order[i]].is_applied = false;
    }
}

void ns_driver_note_error(ns_driver_t *self, uint32_t device, ns_status_t status) {
    self->health.transfer_error_count++;
    if (status == NS_E_NACK || status == NS_E_TIMEOUT || status == NS_E_ABSENT) {
        self->devices[device].status = status;
    }
    if (status == NS_E_ABSENT || status == NS_E_RESET || status == NS_E_LAYOUT) {
        ns_driver_forget_applied(self, device); /* all is written again when it comes back */
    }
}

void ns_driver_note_answer(ns_device_state_t *device) {
    device->has_answered = true;
    device->silent_rounds = 0;
    device->pause_ns = 0;
    device->next_try_ns = 0;
}

void ns_driver_end_pause(ns_driver_t *self, uint32_t point) {
    self->devices[self->points[point].device].next_try_ns = 0;
}

/** The next k * period + phase; most often that is one period on. */
static void schedule(ns_point_state_t *state, const ns_point_t *point, int64_t now_ns) {
    state->next_due_ns += point->period_ns;
    if (state->has_schedule && now_ns < state->next_due_ns) {
        return;
    }
    int64_t since_ns = now_ns - point->phase_ns;
    int64_t into_ns = since_ns % point->period_ns;
    if (into_ns < 0) { /* before the first time of the grid */
        into_ns += point->period_ns;
    }
    state->next_due_ns = now_ns - into_ns + point->period_ns;
    state->has_schedule = true;
}

/** Mark the due points and schedule them anew. False: none is due. */
static bool gather_due(ns_driver_t *self, const ns_device_state_t *device, int64_t now_ns,
                       uint64_t *out_mask) {
    bool is_any = false;
    *out_mask = 0;
    for (uint32_t i = device->first; i < device->end; i++) {
        uint32_t index = self->order[i];
        ns_point_state_t *state = &self->states[index];
        const ns_point_t *point = &self->points[index];
        state->is_sampled = false;
        state->is_due = !state->has_schedule || now_ns >= state->next_due_ns;
        if (!state->is_due) {
            continue;
        }
        is_any = true;
        schedule(state, point, now_ns);
        if (point->channel < MASK_CHANNELS) {
            *out_mask |= 1ULL << point->channel;
        }
    }
    return is_any;
}

static void begin_device(ns_driver_t *self, uint32_t index, int64_t now_ns, uint64_t due) {
    ns_device_state_t *state = &self->devices[index];
    const ns_device_ops_t *ops = state->device.ops;
    state->status = NS_OK;
    if (ops->begin == NULL) {
        return;
    }
    uint32_t retries_left = self->entry->retry_count;
    ns_status_t status = NS_OK;
    do {
        status = ops->begin(state->device.ctx, now_ns, due);
    } while (ns_driver_tries_again(self, status, &retries_left));
    if (status != NS_OK) {
        ns_driver_note_error(self, index, status);
        state->status = status;
    }
}

static ns_status_t read_point(ns_driver_t *self, const ns_point_t *point, double *out_value) {
    const ns_device_t *device = &self->devices[point->device].device;
    uint32_t retries_left = self->entry->retry_count;
    ns_status_t status = NS_OK;
    do {
        status = device->ops->read(device->ctx, point->channel, out_value);
    } while (ns_driver_tries_again(self, status, &retries_left));
    if (status == NS_OK && !isfinite(*out_value)) {
        return NS_E_RANGE;
    }
    if (status != NS_OK && status != NS_E_UNSUPPORTED) {
        ns_driver_note_error(self, point->device, status);
    }
    return status;
}

static void take_sample(ns_driver_t *self, uint32_t index, double value, int64_t now_ns) {
    self->samples.values[index] = value;
    self->samples.time_ns[index] = now_ns == 0 ? 1 : now_ns; /* 0 says never */
    self->states[index].is_sampled = true;
    self->states[index].readback_is_fresh = true;
}

/** Read the due points; true when the device gave nothing but errors. */
static bool read_due(ns_driver_t *self, const ns_device_state_t *device, int64_t now_ns) {
    uint32_t good_count = 0;
    uint32_t error_count = 0;
    for (uint32_t i = device->first; i < device->end; i++) {
        uint32_t index = self->order[i];
        if (!self->states[index].is_due) {
            continue;
        }
        double value = 0.0;
        ns_status_t status = device->status;
        if (status == NS_OK) {
            status = read_point(self, &self->points[index], &value);
        }
        self->samples.status[index] = status;
        if (status == NS_OK) {
            take_sample(self, index, value, now_ns);
            good_count++;
        } else if (status != NS_E_UNSUPPORTED) {
            error_count++;
        }
    }
    return good_count == 0 && error_count > 0;
}

static void note_silence(ns_driver_t *self, uint32_t index, int64_t now_ns) {
    ns_device_state_t *device = &self->devices[index];
    if (device->silent_rounds < UINT32_MAX) {
        device->silent_rounds++;
    }
    if (device->silent_rounds < NS_DRIVER_SILENT_ROUNDS) {
        return;
    }
    if (device->has_answered) { /* what never was there has not fallen silent */
        device->has_answered = false;
        ns_driver_keep(self, NS_CAUSE_SILENCE, index, NS_NO_POINT, device->status,
                       (double)device->silent_rounds, (double)NAN);
    }
    int64_t pause_ns = device->pause_ns == 0 ? device->period_ns : device->pause_ns;
    int64_t longest_ns = self->entry->backoff_max_ns;
    device->pause_ns =
        pause_ns < longest_ns / PAUSE_FIRST_PERIODS ? PAUSE_FIRST_PERIODS * pause_ns : longest_ns;
    device->next_try_ns = now_ns + device->pause_ns;
}

/** A device that is not tried keeps its status, and so do its points. */
static void carry_status(ns_driver_t *self, const ns_device_state_t *device) {
    for (uint32_t i = device->first; i < device->end; i++) {
        uint32_t index = self->order[i];
        if (self->states[index].is_due && device->status != NS_OK) {
            self->samples.status[index] = device->status;
        }
    }
}

void ns_driver_poll_device(ns_driver_t *self, uint32_t index, int64_t now_ns) {
    ns_device_state_t *device = &self->devices[index];
    uint64_t due = 0;
    if (!gather_due(self, device, now_ns, &due)) {
        return;
    }
    if (now_ns < device->next_try_ns) {
        carry_status(self, device);
        return;
    }
    ns_bus_port_start_call(self->port, self->deadline_ns);
    begin_device(self, index, now_ns, due);
    bool is_silent = read_due(self, device, now_ns);
    ns_bus_port_end_call(self->port, device->status);
    if (is_silent) {
        note_silence(self, index, now_ns);
    } else {
        ns_driver_note_answer(device);
    }
    ns_driver_watch_alarm(self, index);
}
