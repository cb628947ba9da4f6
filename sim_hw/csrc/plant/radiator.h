/**
 * @file radiator.h
 * @brief The radiator: nodes along the flow, each with its coolant, its root and its fins.
 *
 * A root at T (kelvin) with fins of length L, thickness t, conductivity k and `faces` faces gives
 * off  e(P) (faces A epsilon sigma T^4 - absorbed),  P = faces epsilon sigma T^3 L^2 / (k t).
 * The fin efficiency e(P) = (1 + 13 P / 15) / (1 + 11 P / 5) is our own: the equation of the fin,
 * t'' = P t^4, solved by expansion, 1 - 4 P / 3 + 44 P^2 / 15, and continued as a fraction. The
 * familiar tanh(mL) / (mL) with (mL)^2 = 4 P has 32/15 in place of 44/15: it lets the loss of a fin
 * fall linearly with temperature. Heat capacity of the fins is in the root's.
 * Coolant moves by a flux-limited scheme (van Leer 1974) of second order that conserves enthalpy;
 * coolant and root exchange and the root radiates in one implicit step of two unknowns.
 * Where a root is below freezing its tubes fill with ice and coolant passes in the header alone, of
 * which a part of the film is left: a cold radiator turns itself down, and thaws by warm coolant.
 */
#ifndef NIGHTSIDE_SIM_RADIATOR_H
#define NIGHTSIDE_SIM_RADIATOR_H

#include <stdint.h>

#include "environment.h"

/* cffi: begin */
#define SIM_RADIATOR_NODES_MAX 64

/** Section [plant.radiator]. */
typedef struct sim_radiator_config {
    int32_t faces;  /* 1 body-mounted, 2 free */
    double area_m2; /* of one face, whole */
    double emissivity_ratio;
    double absorptance_ratio;
    int32_t node_count; /* along the flow, 1 .. 64 */
    double panel_j_per_k;
    double fluid_mass_kg;
    double film_w_per_k;      /* coolant to root, whole radiator */
    double header_film_ratio; /* of that, what is left where the tubes are frozen */
    double fin_length_m;      /* half the distance between two tubes */
    double fin_thickness_m;
    double fin_conductivity_w_per_m_k;
    double lateral_w_per_k; /* between neighbouring nodes */
} sim_radiator_config_t;

/** State and results. */
typedef struct sim_radiator {
    double fluid_c[64];
    double root_c[64];
    double outlet_c;    /* coolant out, mixed over the last step */
    double radiated_w;  /* to space, whole, of the last step */
    double absorbed_w;  /* of Sun, albedo and Earth, of the last step */
    double sink_temp_k; /* temperature at which the panel gives off what it absorbs */
    double open_ratio;  /* part of the tubes that is not frozen */
} sim_radiator_t;

/** What the surroundings and ageing make of it, for one step. */
typedef struct sim_radiator_inputs {
    double solar_w_per_m2;    /* on all faces together, per square metre of one */
    double infrared_w_per_m2; /* the same of the Earth */
    double emissivity_ratio;  /* ageing: factor on the configured one, 1 neutral */
    double absorptance_ratio;
    double freeze_temp_c;
    double slush_k; /* tubes close over this, from freezing on */
} sim_radiator_inputs_t;

/** Net heat of a panel at temp_k facing sink_k, in W (check cases 7, 7b, 8). */
double sim_radiated_w(double faces, double area_m2, double emissivity_ratio, double temp_k,
                      double sink_k);

/** Heat of fins over that of fins at the root's temperature; profile_ratio is P above, >= 0. */
double sim_fin_efficiency_ratio(double profile_ratio);

/** P of the configured fins with their root at temp_k. */
double sim_fin_profile_ratio(const sim_radiator_config_t *config, double emissivity_ratio,
                             double temp_k);

/** Put all nodes at one temperature. */
void sim_radiator_init(sim_radiator_t *self, const sim_radiator_config_t *config, double temp_c);

/**
 * Advance by dt_s > 0.
 * @param j_per_kg_k  of the coolant; 0: none in it
 * @param mass_kg     of coolant that passes, 0 .. that of one node
 * @param inlet_c     its temperature
 */
void sim_radiator_advance(sim_radiator_t *self, const sim_radiator_config_t *config, double dt_s,
                          const sim_radiator_inputs_t *inputs, double j_per_kg_k, double mass_kg,
                          double inlet_c);

/** Let coolant of neighbouring nodes exchange heat, when it stands. */
void sim_radiator_mix(sim_radiator_t *self, const sim_radiator_config_t *config, double j_per_kg_k,
                      double w_per_k, double dt_s);
/* cffi: end */

#endif
