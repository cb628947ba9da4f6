/**
 * @file environment.c
 * @brief Interpolation of the orbit's table; the part of the Sun that is seen.
 */
#include "environment.h"

#include <math.h>

static const double GRID_S = 10.0;
static const double PI = 3.14159265358979323846;

double sim_sunlight_ratio(double elevation) {
    if (elevation >= 1.0) {
        return 1.0;
    }
    if (elevation <= -1.0) {
        return 0.0;
    }
    /* A circular segment: area between the disc's edge and a chord at `elevation` radii. */
    const double chord = elevation * sqrt(1.0 - elevation * elevation);
    return 0.5 + (chord + asin(elevation)) / PI;
}

static double between(const double *column, int32_t row, double part) {
    return column[row] + (column[row + 1] - column[row]) * part;
}

void sim_environment_at(const sim_orbit_table_t *table, double time_s, sim_environment_t *out) {
    const double place = (time_s - table->low_s) / GRID_S;
    const double last = (double)(SIM_ORBIT_ROWS - 2);
    const int32_t row = (int32_t)fmin(fmax(floor(place), 0.0), last);
    const double part = place - (double)row;
    const double elevation = between(table->elevation, row, part);
    double sunlight = elevation > 0.0 ? 1.0 : 0.0;
    if (table->is_conical != 0.0) {
        sunlight = sim_sunlight_ratio(elevation);
    }
    const double direct = between(table->radiator_direct_w_per_m2, row, part);
    const double albedo = between(table->radiator_albedo_w_per_m2, row, part);
    out->sunlight_ratio = sunlight;
    out->solar_w_per_m2 = between(table->solar_w_per_m2, row, part);
    out->array_cos = between(table->array_cos, row, part);
    out->array_albedo_w_per_m2 = between(table->array_albedo_w_per_m2, row, part);
    out->radiator_solar_w_per_m2 = sunlight * direct + albedo;
    out->radiator_infrared_w_per_m2 = between(table->radiator_infrared_w_per_m2, row, part);
}
