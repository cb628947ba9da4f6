/**
 * @file environment.h
 * @brief What the surroundings do to the node: from the orbit's table.
 *
 * Python fills the table (sim_hw/orbit.py and its neighbours), six hours at a time; a step only
 * interpolates.
 */
#ifndef NIGHTSIDE_SIM_ENVIRONMENT_H
#define NIGHTSIDE_SIM_ENVIRONMENT_H

#include <stdbool.h>
#include <stdint.h>

/* cffi: begin */
/** At one instant. Fluxes on the radiator are sums over its faces, per square metre of one face. */
typedef struct sim_environment {
    double sunlight_ratio;             /* part of the Sun's disc that is seen, 0 umbra .. 1 */
    double solar_w_per_m2;             /* of the unshadowed Sun at its present distance */
    double array_cos;                  /* Sun to the array's normal, 0..1 */
    double array_albedo_w_per_m2;      /* reflected by the Earth onto the array's face */
    double radiator_solar_w_per_m2;    /* direct and reflected sunlight, before absorptance */
    double radiator_infrared_w_per_m2; /* of the Earth, before emissivity */
} sim_environment_t;
/* cffi: end */

#endif
