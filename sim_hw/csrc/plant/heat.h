/**
 * @file heat.h
 * @brief All heat of the node: accelerators, host, battery, coolant loop, radiator.
 *
 *   plates ==> manifold ==> hot pipe ==> radiator ==> cold pipe ==> plates
 *              ^ host, pumps, heaters  \____ bypass ____/
 *
 * Without a loop (loop.enabled 0) plates and host conduct to the radiator's roots by straps.
 * No temperature is ever clipped: steps with coolant outside its range are counted. Latent heat is
 * not modelled.
 * Every W that comes in leaves by radiation or to the structure, or is held: `heat_j`.
 */
#ifndef NIGHTSIDE_SIM_HEAT_H
#define NIGHTSIDE_SIM_HEAT_H

#include <stdint.h>

#include "../plant_image.h"
#include "coolant.h"
#include "environment.h"
#include "heat_stack.h"
#include "pumps.h"
#include "radiator.h"

/* cffi: begin */
/** Section [plant.host]. */
typedef struct sim_host_config {
    double power_w;
    double rail_voltage_v[4];
    double rail_current_a[4];
    double heat_capacity_j_per_k;
    double cooling_w_per_k; /* host to coolant, or strap to the radiator */
    double cpu_k_per_w;
    double nvme_offset_k;
    double rail_offset_k;
    double lag_s;
    double nvme_wear_ratio;
    double disk_free_ratio;
} sim_host_config_t;

/** Section [plant.battery_node]. */
typedef struct sim_battery_node_config {
    double heat_capacity_j_per_k;
    double leak_w_per_k; /* to the structure */
    double structure_temp_c;
} sim_battery_node_config_t;

/** The sections that heat reads. */
typedef struct sim_heat_config {
    sim_stack_config_t stack;
    sim_loop_config_t loop;
    sim_radiator_config_t radiator;
    sim_host_config_t host;
    sim_battery_node_config_t battery_node;
} sim_heat_config_t;

/** Written by the fault injector. */
typedef struct sim_heat_faults {
    double interface_ratio[8]; /* T8: resistance of the thermal interface over healthy, 1 neutral */
    double plate_open_ratio[8]; /* T8: 1 clear .. 0 blocked; the other plates take the flow */
    double emissivity_ratio;    /* T7: over new, 1 neutral */
    double absorptance_ratio;   /* T7: over new, 1 neutral */
    double bypass_stuck;        /* T4, T5: 1 stays where it is */
    double bypass_drive_cold;   /* T4: 1 travels to all through the radiator */
    double bypass_drive_hot;    /* T5: 1 travels to all past the radiator */
    double heater_stuck_on[2];  /* T11 */
    double heater_stuck_off[2]; /* T11 */
} sim_heat_faults_t;

/** What a step begins with. */
typedef struct sim_heat_start {
    int32_t accelerator_count; /* 1 .. 8 */
    double core_k_per_w[8];    /* core above mean coolant, per watt of the module */
    double core_temp_c[8];
    double coolant_temp_c; /* plates, pipes, radiator */
    double host_temp_c;
    double battery_temp_c;
} sim_heat_start_t;

/** What the other parts hand over for one step. Powers of accelerators are read from the truths. */
typedef struct sim_heat_inputs {
    sim_environment_t environment;
    double flow_kg_per_s;    /* >= 0 */
    double bypass_ratio;     /* asked for: the valve travels there */
    double pump_w;           /* into the coolant */
    double heater_w[2];      /* into the coolant: sim_loop_heater_w */
    double host_w;           /* into the host node */
    double converter_loss_w; /* of all converters and switches, into the host node */
    double battery_loss_w;   /* into the battery */
    double battery_heater_w;
} sim_heat_inputs_t;

/** State and results. */
typedef struct sim_heat {
    sim_stack_t stack;
    sim_line_t hot_pipe;
    sim_line_t cold_pipe;
    sim_radiator_t radiator;
    double manifold_c;
    double host_temp_c;
    double battery_temp_c;
    double bypass_ratio; /* where the valve stands: 0 all through the radiator .. 1 all past it */
    double supply_temp_c;
    double return_temp_c;
    double mean_coolant_temp_c;
    double radiated_w;  /* to space, of the last step */
    double absorbed_w;  /* from Sun and Earth */
    double leak_w;      /* battery to structure */
    double heat_j;      /* held by all nodes above 0 degC */
    double sink_temp_k; /* of the radiator */
    double open_ratio;  /* of the radiator: part of its tubes that is not frozen */
    double coldest_c;   /* coolant anywhere */
    double warmest_c;
    int32_t frozen_count; /* steps that ended with coolant below freezing */
    int32_t boiling_count;
    int32_t is_prepared;
    double prepared_for[18]; /* step, flow, faults of plates */
} sim_heat_t;

/** Make all faults neutral. */
void sim_heat_faults_init(sim_heat_faults_t *faults);

/** Put all nodes where the start says; writes the truths. */
void sim_heat_init(sim_heat_t *self, const sim_heat_config_t *config, sim_plant_image_t *image,
                   const sim_heat_start_t *start);

/** Advance by 0 < dt_s <= 0.2; cut into smaller steps where the flow is too fast for the cells. */
void sim_heat_advance(sim_heat_t *self, const sim_heat_config_t *config,
                      const sim_heat_faults_t *faults, sim_plant_image_t *image, double dt_s,
                      const sim_heat_inputs_t *inputs);

/** Power of loop heater 0 or 1 as its switch and faults have it, in W; the bus must be on. */
double sim_loop_heater_w(const sim_loop_config_t *config, const sim_heat_faults_t *faults,
                         const sim_plant_image_t *image, int32_t heater);

/** Let processor, disks and rails of the host follow; once a second is enough. */
void sim_host_advance(const sim_heat_t *self, const sim_heat_config_t *config,
                      sim_plant_image_t *image, double dt_s, double host_w);
/* cffi: end */

#endif
