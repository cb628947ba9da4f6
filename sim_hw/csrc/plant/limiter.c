#include "limiter.h"

#include <math.h>

/* Definitions (class current, trip-off time, retrigger interval): ECSS-E-ST-20-20C. Inrush, check
 * case 21: a constant current I charges C to V in t = C V / I. */

double sim_inrush_s(double capacitance_f, double voltage_v, double current_a) {
    return current_a > 0.0 ? capacitance_f * voltage_v / current_a : INFINITY;
}

double sim_inrush_j(double capacitance_f, double voltage_v) {
    return 0.5 * capacitance_f * voltage_v * voltage_v;
}

double sim_limit_current_a(const sim_limiter_config_t *config) {
    return config->class_current_a * config->limit_ratio;
}

bool sim_limiter_trips(const sim_limiter_config_t *config, double current_a, double seconds) {
    return current_a > sim_limit_current_a(config) && seconds >= config->trip_off_s;
}

bool sim_limiter_trips_on_inrush(const sim_limiter_config_t *config, double capacitance_f,
                                 double voltage_v, double steady_a, double inrush_a) {
    const double limit_a = sim_limit_current_a(config);
    if (steady_a + inrush_a <= limit_a) {
        return false; /* it never limits */
    }
    const double seconds = sim_inrush_s(capacitance_f, voltage_v, limit_a - steady_a);
    return sim_limiter_trips(config, steady_a + inrush_a, seconds);
}

void sim_limiter_init(sim_limiter_t *self) {
    *self = (sim_limiter_t){.is_closed = 1};
}

void sim_limiter_advance(sim_limiter_t *self, const sim_limiter_config_t *config, double current_a,
                         bool is_overloaded, double input_v, double trip, double dt_s) {
    const bool is_struck = trip > 0.5 && self->trip_seen < 0.5;
    self->trip_seen = trip;
    if (self->is_closed) {
        if (is_struck || is_overloaded || input_v < config->undervoltage_v ||
            sim_limiter_trips(config, current_a, dt_s)) {
            self->is_closed = 0;
            self->open_s = 0.0;
            self->trip_count++;
        }
        return;
    }
    self->open_s += dt_s;
    if (config->retrigger_s > 0.0 && self->open_s >= config->retrigger_s &&
        input_v >= config->undervoltage_v) {
        self->is_closed = 1;
    }
}
