/** @file rail.c */
#include "rail.h"

#include <math.h>

void sim_rail_advance(sim_rail_t *self, double step_s) {
    if (!self->is_modelled) {
        return;
    }
    double *voltage_v = &self->truth[SIM_VOUT];
    if (self->enabled == 0.0) {
        *voltage_v *= exp(-step_s / self->discharge_s);
        self->truth[SIM_IOUT] = 0.0; /* what discharges it does not pass the switch */
        return;
    }
    double slope_v_per_s = self->nominal_v / self->rise_s;
    bool is_rising = *voltage_v < self->nominal_v;
    *voltage_v = fmin(self->nominal_v, *voltage_v + slope_v_per_s * step_s);
    double load_a = self->load_a * *voltage_v / self->nominal_v;
    self->truth[SIM_IOUT] = load_a + (is_rising ? self->capacitance_f * slope_v_per_s : 0.0);
}
