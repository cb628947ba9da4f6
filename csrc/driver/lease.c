#include "driver_state.h"

#include <math.h>

/* Timestamps of other processes are not trusted: only changes of the heartbeat word are timed, on
 * the driver's own clock. */

static uint64_t greater(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static void follow_heartbeat(ns_driver_t *self, int64_t now_ns) {
    uint64_t word = ns_image_heartbeat(self->image);
    if (!self->has_begun) { /* a driver that never saw a beat counts the silence from here */
        self->has_begun = true;
        self->beat_ns = now_ns;
    }
    if (word != self->heartbeat) {
        self->heartbeat = word;
        self->beat_ns = now_ns;
        self->is_beat_seen = true;
    }
}

/** A slot found at opening may be of a daemon that died long ago: it is news only when the heart
 *  beats, and is then of who is alive. */
static bool slot_is_new(const ns_driver_t *self, const ns_point_state_t *state,
                        const ns_desired_t *slot) {
    if (slot->write_count != state->desired.write_count) {
        return true;
    }
    return state->is_inherited && self->is_beat_seen && slot->epoch >= self->heartbeat >> 32;
}

/** Take a new desired value if it is inside the immutable limits. */
static void follow_slot(ns_driver_t *self, uint32_t index) {
    ns_point_state_t *state = &self->states[index];
    const ns_point_t *point = &self->points[index];
    ns_desired_t slot;
    /* A slot whose writer moves or died keeps its last copy. */
    if (ns_image_read_desired(self->image, state->writable_index, &slot) != NS_OK ||
        !slot_is_new(self, state, &slot)) {
        return;
    }
    state->desired = slot;
    state->is_inherited = false;
    if (!(state->desired.value >= point->low && state->desired.value <= point->high)) {
        self->samples.flags[index] |= NS_FLAG_REFUSED;
        self->health.refused_count++;
        self->is_refusal_pending = true;
        return;
    }
    self->samples.flags[index] &= ~(uint32_t)NS_FLAG_REFUSED;
    bool is_same = state->is_accepted && state->accepted >= state->desired.value &&
                   state->accepted <= state->desired.value;
    if (!is_same) {
        ns_driver_end_pause(self, index);
    }
    state->accepted = state->desired.value;
    state->is_accepted = true;
}

/** What the device was last told, and what it is told now. */
static void keep_change(ns_driver_t *self, uint32_t cause, uint32_t index, double limit) {
    const ns_point_state_t *state = &self->states[index];
    double applied = state->is_applied ? state->applied : (double)NAN;
    ns_driver_keep(self, cause, self->points[index].device, index, NS_OK, applied, limit);
}

static void lapse(ns_driver_t *self, uint32_t index, uint64_t epoch) {
    ns_point_state_t *state = &self->states[index];
    state->phase = NS_LEASE_LAPSED;
    state->lapse_epoch = epoch;
    state->is_accepted = false; /* what was desired before is not desired any more */
    state->is_ramping = false;
    self->health.lapse_count++;
    ns_driver_end_pause(self, index);
    keep_change(self, NS_CAUSE_LAPSE, index, self->points[index].safe);
}

static void follow_lease(ns_driver_t *self, uint32_t index, int64_t now_ns) {
    ns_point_state_t *state = &self->states[index];
    const ns_point_t *point = &self->points[index];
    uint64_t beat_epoch = self->heartbeat >> 32;
    bool is_alive = self->is_beat_seen && now_ns - self->beat_ns < point->lease_ns;
    bool is_current = state->desired.write_count > 0 && state->desired.epoch >= beat_epoch;
    if (state->phase == NS_LEASE_HELD) {
        if (!is_alive) {
            lapse(self, index, greater(state->desired.epoch, beat_epoch));
        } else if (!is_current) {
            lapse(self, index, state->desired.epoch);
        }
        return;
    }
    if (state->phase == NS_LEASE_LAPSED && !is_alive) {
        state->lapse_epoch = greater(state->lapse_epoch, beat_epoch);
        return;
    }
    bool is_newer = state->phase == NS_LEASE_STARTING || state->desired.epoch > state->lapse_epoch;
    if (is_alive && is_current && is_newer) {
        state->phase = NS_LEASE_HELD;
        ns_driver_start_ramp(self, index, point->safe, now_ns);
    }
}

/** After a long silence what was desired before is forgotten. Who comes back may still believe that
 *  it is in force: only after asking for the abandon value does it get another one. */
static void follow_abandonment(ns_driver_t *self, uint32_t index, int64_t now_ns) {
    ns_point_state_t *state = &self->states[index];
    const ns_point_t *point = &self->points[index];
    bool was_abandoned = state->is_abandoned;
    state->is_abandoned = now_ns - self->beat_ns >= point->abandon_ns;
    if (state->is_abandoned && !was_abandoned) {
        ns_driver_end_pause(self, index);
        keep_change(self, NS_CAUSE_ABANDONMENT, index, point->abandon_value);
    }
    state->is_locked = state->is_locked || state->is_abandoned;
    if (!state->is_locked) {
        return;
    }
    bool is_asked_for = !state->is_abandoned && state->is_accepted &&
                        fabs(state->accepted - point->abandon_value) <= point->tolerance;
    state->is_locked = !is_asked_for;
    state->is_accepted = is_asked_for;
}

void ns_driver_update_leases(ns_driver_t *self, int64_t now_ns) {
    follow_heartbeat(self, now_ns);
    for (uint32_t i = 0; i < self->point_count; i++) {
        if (self->points[i].is_writable == 0) {
            continue;
        }
        follow_slot(self, i);
        if (self->points[i].lease_ns > 0) {
            follow_lease(self, i, now_ns);
        }
        if (self->points[i].abandon_ns > 0) {
            follow_abandonment(self, i, now_ns);
        }
    }
}
