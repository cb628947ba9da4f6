/**
 * @file environment.h
 * @brief What the surroundings do to the node: from the orbit's table.
 *
 * Python fills the table (sim_hw/orbit.py, sim_hw/surroundings.py), six hours at a time; a step
 * only interpolates. Sunlight is not interpolated itself: the height of the Sun above the Earth's
 * limb is, nearly a straight line in time at both ends of an eclipse, so that the penumbra of 8 s
 * keeps its shape on a grid of 10 s.
 */
#ifndef NIGHTSIDE_SIM_ENVIRONMENT_H
#define NIGHTSIDE_SIM_ENVIRONMENT_H

#include <stdbool.h>
#include <stdint.h>

/* cffi: begin */
#define SIM_ORBIT_ROWS 2161 /* six hours on a grid of 10 s, both ends */

/** A row for each 10 s from low_s on. Fluxes are those of an unshadowed Sun. */
typedef struct sim_orbit_table {
    double low_s;      /* time of the first row */
    double is_conical; /* 1: the Sun has a disc and a penumbra; 0: parallel rays, a hard edge */
    double elevation[SIM_ORBIT_ROWS];      /* Sun's centre above the limb, in radii of the Sun */
    double solar_w_per_m2[SIM_ORBIT_ROWS]; /* at the present distance of the Sun */
    double array_cos[SIM_ORBIT_ROWS];      /* Sun to the array's normal, 0..1 */
    double array_albedo_w_per_m2[SIM_ORBIT_ROWS];      /* onto the array's face */
    double radiator_direct_w_per_m2[SIM_ORBIT_ROWS];   /* sunlight onto all faces together */
    double radiator_albedo_w_per_m2[SIM_ORBIT_ROWS];   /* reflected by the Earth, all faces */
    double radiator_infrared_w_per_m2[SIM_ORBIT_ROWS]; /* emitted by the Earth, all faces */
} sim_orbit_table_t;

/** At one instant. Fluxes on the radiator are sums over its faces, per square metre of one face. */
typedef struct sim_environment {
    double sunlight_ratio;             /* part of the Sun's disc that is seen, 0 umbra .. 1 */
    double solar_w_per_m2;             /* of the unshadowed Sun at its present distance */
    double array_cos;                  /* Sun to the array's normal, 0..1 */
    double array_albedo_w_per_m2;      /* reflected by the Earth onto the array's face */
    double radiator_solar_w_per_m2;    /* direct and reflected sunlight, before absorptance */
    double radiator_infrared_w_per_m2; /* of the Earth, before emissivity */
} sim_environment_t;

/**
 * @brief Interpolate the table.
 * @param[in]  table  covers time_s; a time outside gets the first or last interval, extended
 * @param[in]  time_s since the start of the flight
 * @param[out] out    all fields are written
 */
void sim_environment_at(const sim_orbit_table_t *table, double time_s, sim_environment_t *out);

/**
 * @brief Visible part of the Sun's disc.
 * @param[in] elevation height of its centre above the limb, in radii of the Sun
 * @return 0 umbra .. 1; the limb is taken as straight: the Earth's is 250 times larger
 */
double sim_sunlight_ratio(double elevation);
/* cffi: end */

#endif
