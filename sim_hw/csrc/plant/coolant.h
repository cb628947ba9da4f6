/**
 * @file coolant.h
 * @brief A pipe full of coolant as a line of parcels: what goes in comes out later, unblurred.
 *
 * The flow pushes parcels in at one end and pulls them out at the other; nothing is interpolated,
 * so enthalpy is conserved to rounding and a front stays as sharp as one parcel. A parcel is filled
 * up to 1/cells of the pipe before the next begins. Enthalpy is counted in kg degC: times the
 * specific heat it is joules above 0 degC.
 */
#ifndef NIGHTSIDE_SIM_COOLANT_H
#define NIGHTSIDE_SIM_COOLANT_H

#include <stdint.h>

/* cffi: begin */
#define SIM_CELLS_MAX 64
#define SIM_PARCELS_MAX 66 /* the newest and the oldest are in part */

/** One pipe. Its mass never changes: push and pull alike. */
typedef struct sim_line {
    double mass_kg[66];
    double temp_c[66];
    double cell_kg;
    int32_t oldest; /* index of the parcel that leaves next */
    int32_t count;
} sim_line_t;

/** Fill a pipe of mass_kg, 1 .. 64 cells, at one temperature. */
void sim_line_init(sim_line_t *self, double mass_kg, int32_t cells, double temp_c);

/** Push in coolant, 0 <= mass_kg. */
void sim_line_push(sim_line_t *self, double mass_kg, double temp_c);

/** Pull out coolant, 0 <= mass_kg < mass of the pipe; return its enthalpy in kg degC. */
double sim_line_pull(sim_line_t *self, double mass_kg);

/** Temperature of what leaves next, in degC. */
double sim_line_outlet_c(const sim_line_t *self);

/** Enthalpy of all parcels in kg degC. */
double sim_line_held(const sim_line_t *self);

/** Coldest and warmest parcel, in degC, joined to what the arguments hold. */
void sim_line_extremes(const sim_line_t *self, double *coldest_c, double *warmest_c);

/** Let neighbours exchange heat for dt_s: j_per_kg_k of the coolant, w_per_k between two cells. */
void sim_line_mix(sim_line_t *self, double j_per_kg_k, double w_per_k, double dt_s);
/* cffi: end */

#endif
