#include <math.h>

#include "driver_state.h"

const ns_reflex_state_t *ns_driver_holding_reflex(const ns_driver_t *self, uint32_t point) {
    if (self->latched_count == 0) {
        return NULL;
    }
    for (uint32_t i = 0; i < self->reflex_count; i++) {
        const ns_reflex_state_t *reflex = &self->reflexes[i];
        if (reflex->is_latched && reflex->rule.action_point == self->first_point + point) {
            return reflex;
        }
    }
    return NULL;
}

static bool is_beyond(const ns_reflex_state_t *reflex) {
    return reflex->rule.comparison == NS_BELOW ? reflex->value < reflex->rule.threshold
                                               : reflex->value > reflex->rule.threshold;
}

static bool look_at_own(const ns_driver_t *self, ns_reflex_state_t *reflex) {
    uint32_t point = reflex->rule.point - self->first_point;
    reflex->is_source_good = self->samples.status[point] == NS_OK;
    if (!self->states[point].is_sampled) {
        return false;
    }
    reflex->value = self->samples.values[point];
    return true;
}

/** Nothing that another process wrote is believed to be new before it is seen to change. */
static bool look_at_foreign(const ns_driver_t *self, ns_reflex_state_t *reflex, int64_t now_ns) {
    ns_sample_t sample;
    if (ns_image_read_sample(self->image, reflex->rule.point, &sample) != NS_OK) {
        return false;
    }
    bool has_changed = reflex->is_source_known && sample.time_ns != reflex->seen_ns;
    reflex->is_source_known = true;
    reflex->seen_ns = sample.time_ns;
    reflex->is_source_good = sample.status == NS_OK && isfinite(sample.value);
    if (!has_changed || !isfinite(sample.value)) {
        return false;
    }
    reflex->has_changed = true;
    reflex->changed_ns = now_ns;
    reflex->value = sample.value;
    return true;
}

/** Follow this round's sample, if there is one; true when the rule trips now. */
static bool follow(ns_driver_t *self, ns_reflex_state_t *reflex, int64_t now_ns) {
    bool is_new =
        reflex->is_foreign ? look_at_foreign(self, reflex, now_ns) : look_at_own(self, reflex);
    if (!is_new) {
        return false;
    }
    if (!is_beyond(reflex)) {
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

static bool condition_is_gone(const ns_reflex_state_t *reflex, int64_t now_ns) {
    bool is_fresh = !reflex->is_foreign ||
                    (reflex->has_changed && now_ns - reflex->changed_ns <= reflex->rule.max_age_ns);
    return is_fresh && reflex->is_source_good && !is_beyond(reflex);
}

static void trip(ns_driver_t *self, ns_reflex_state_t *reflex) {
    uint32_t point = reflex->rule.action_point - self->first_point;
    reflex->is_latched = true;
    self->latched_count++;
    self->health.reflex_trip_count++;
    ns_driver_end_pause(self, point);
    ns_driver_write(self, point, reflex->rule.action_value);
    ns_evidence_t record = {.cause = NS_CAUSE_REFLEX,
                            .device = self->points[point].device,
                            .point = reflex->rule.point,
                            .value = reflex->value,
                            .limit = reflex->rule.threshold};
    ns_driver_keep_record(self, &record);
}

static void release(ns_driver_t *self, ns_reflex_state_t *reflex, int64_t now_ns) {
    uint32_t point = reflex->rule.action_point - self->first_point;
    reflex->is_latched = false;
    self->latched_count--;
    if (ns_driver_holding_reflex(self, point) == NULL) {
        ns_driver_start_ramp(self, point, reflex->rule.action_value, now_ns);
        ns_driver_end_pause(self, point);
    }
}

/** An edge: what cannot be released now must be asked for again. */
static void finish_rearm(ns_driver_t *self) {
    ns_status_t status = self->latched_count == 0 ? NS_OK : NS_E_REFUSED;
    (void)ns_image_finish_request(self->image, self->index, self->rearm_ticket, status);
    ns_driver_keep(self, NS_CAUSE_REQUEST, NS_NO_POINT, NS_NO_POINT, status,
                   (double)NS_REQUEST_REARM, (double)NAN);
}

void ns_driver_run_reflexes(ns_driver_t *self, int64_t now_ns) {
    for (uint32_t i = 0; i < self->reflex_count; i++) {
        ns_reflex_state_t *reflex = &self->reflexes[i];
        if (follow(self, reflex, now_ns)) {
            trip(self, reflex);
        } else if (self->is_rearmed && reflex->is_latched && condition_is_gone(reflex, now_ns)) {
            release(self, reflex, now_ns);
        }
    }
    if (self->is_rearmed) {
        finish_rearm(self);
    }
}
