/**
 * @file heat_stack.h
 * @brief The accelerator stack: core, package and memory over a cold plate.
 *
 *   core --R1-- package --R2-- plate --film-- coolant          (R2: thermal interface)
 *   memory --------Rm--------- plate
 *
 * The coolant warms along an isothermal plate: outlet - inlet = e (plate - inlet) with
 * e = 1 - exp(-film conductance / (flow x specific heat)); the film is laminar, so its conductance
 * does not depend on the flow. `core_k_per_w` is what a data sheet gives: core above the mean of
 * inlet and outlet, per watt of the module, at nominal flow; configured ratios share it out.
 * Four equations per accelerator, solved by elimination in two implicit stages of second order: any
 * step is stable.
 */
#ifndef NIGHTSIDE_SIM_HEAT_STACK_H
#define NIGHTSIDE_SIM_HEAT_STACK_H

#include <stdint.h>

/* cffi: begin */
/** Section [plant.stack]. */
typedef struct sim_stack_config {
    double core_k_per_w_min;
    double core_k_per_w_max;
    double core_package_ratio; /* part of core_k_per_w between core and package */
    double plate_film_ratio;   /* part of it between plate and mean coolant */
    double core_j_per_k;
    double package_j_per_k;
    double plate_j_per_k;  /* with the coolant in it */
    double memory_k_per_w; /* memory above plate, by power of the module */
    double memory_lag_s;
    double memory_power_ratio; /* part of the module's power that is its memory's */
    double strap_w_per_k;      /* plate to radiator, of a node without a loop */
} sim_stack_config_t;

/** Temperatures of one accelerator, in degC. */
typedef struct sim_stack_node {
    double core_c;
    double package_c;
    double memory_c;
    double plate_c;
} sim_stack_node_t;

/** State of all accelerators, and what was worked out for the present flow, faults and step. */
typedef struct sim_stack {
    double core_c[8];
    double package_c[8];
    double memory_c[8];
    double plate_c[8];
    double sink_c[8];        /* coolant into the plate, or the radiator's root */
    double sink_w_per_k[8];  /* plate to that */
    double warming_ratio[8]; /* of the coolant: (outlet - inlet) / (plate - inlet) */
    double film_w_per_k[8];
    double core_package_w_per_k[8];
    double interface_w_per_k[8];
    double memory_w_per_k;
    double interface_j_per_k[8]; /* from here on: of one stage of a step */
    double memory_gain;
    double core_keep[8];
    double core_gain[8];
    double package_keep[8];
    double package_gain[8];
    double plate_keep[8];
    int32_t count;
} sim_stack_t;

/**
 * Put cores, packages and memories at core_temp_c and plates at plate_temp_c.
 * @param plate_flow_w_per_k  flow x specific heat of one plate at nominal flow; 0: no loop
 */
void sim_stack_init(sim_stack_t *self, const sim_stack_config_t *config, int32_t count,
                    const double core_k_per_w[8], const double core_temp_c[8], double plate_temp_c,
                    double plate_flow_w_per_k);

/** Set what plate i gives its heat to: coolant of flow x specific heat flow_w_per_k, >= 0. */
void sim_stack_set_flow(sim_stack_t *self, int32_t i, double flow_w_per_k);

/** Work out the elimination for steps of dt_s; interface_ratio: resistance of R2 over healthy. */
void sim_stack_prepare(sim_stack_t *self, const sim_stack_config_t *config,
                       const double interface_ratio[8], double dt_s);

/** Advance by the prepared step over self->sink_c; return the heat into each sink, in W. */
void sim_stack_advance(sim_stack_t *self, const sim_stack_config_t *config, const double power_w[8],
                       double dt_s, double out_w[8]);

/** Heat held above 0 degC, in J. */
double sim_stack_held_j(const sim_stack_t *self, const sim_stack_config_t *config);
/* cffi: end */

#endif
