#include "driver_state.h"

const ns_reflex_state_t *ns_driver_holding_reflex(const ns_driver_t *self, uint32_t point) {
    for (uint32_t i = 0; i < self->reflex_count; i++) {
        const ns_reflex_state_t *reflex = &self->reflexes[i];
        if (reflex->is_latched && reflex->rule.action_point == self->first_point + point) {
            return reflex;
        }
    }
    return NULL;
}

static bool condition_is_gone(const ns_driver_t *self, const ns_reflex_state_t *reflex) {
    uint32_t point = reflex->rule.point - self->first_point;
    return self->samples.status[point] == NS_OK &&
           !(self->samples.values[point] > reflex->rule.threshold);
}

/** Follow this round's sample; true when the rule trips now. */
static bool follow(ns_driver_t *self, ns_reflex_state_t *reflex, int64_t now_ns) {
    uint32_t point = reflex->rule.point - self->first_point;
    if (!self->states[point].is_sampled) {
        return false;
    }
    if (!(self->samples.values[point] > reflex->rule.threshold)) {
        reflex->over_count = 0;
        return false;
    }
    if (reflex->over_count == 0) {
        reflex->over_since_ns = now_ns;
    }
    if (reflex->over_count < UINT32_MAX) {
        reflex->over_count++;
    }
    return !reflex->is_latched && reflex->over_count >= 2 &&
           now_ns - reflex->over_since_ns >= reflex->rule.persistence_ns;
}

static void release(ns_driver_t *self, ns_reflex_state_t *reflex, int64_t now_ns) {
    uint32_t point = reflex->rule.action_point - self->first_point;
    reflex->is_latched = false;
    if (ns_driver_holding_reflex(self, point) == NULL) {
        ns_driver_start_ramp(self, point, reflex->rule.action_value, now_ns);
    }
}

void ns_driver_run_reflexes(ns_driver_t *self, int64_t now_ns) {
    uint64_t rearm_count = ns_image_rearm_count(self->image, self->index);
    bool is_rearmed = rearm_count != self->rearm_count;
    self->rearm_count = rearm_count; /* an edge: what cannot be released now must be asked again */
    for (uint32_t i = 0; i < self->reflex_count; i++) {
        ns_reflex_state_t *reflex = &self->reflexes[i];
        if (follow(self, reflex, now_ns)) {
            reflex->is_latched = true;
            self->health.reflex_trip_count++;
            ns_driver_write(self, reflex->rule.action_point - self->first_point,
                            reflex->rule.action_value);
        } else if (is_rearmed && reflex->is_latched && condition_is_gone(self, reflex)) {
            release(self, reflex, now_ns);
        }
    }
}
