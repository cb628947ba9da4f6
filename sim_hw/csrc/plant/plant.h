/**
 * @file plant.h
 * @brief One node's physics: the order of a step, the ledger of energy, the host's slow truths.
 *
 * Owns the state of all domains. Truths go into the plant image, set-points and knobs come from it;
 * the plant touches nothing else. Same configuration, start, set-points and faults: same numbers.
 */
#ifndef NIGHTSIDE_SIM_PLANT_H
#define NIGHTSIDE_SIM_PLANT_H

#include <stdbool.h>
#include <stdint.h>

#include "../plant_image.h"
#include "accelerators.h"
#include "environment.h"
#include "heat.h"
#include "power.h"
#include "pumps.h"

/* cffi: begin */
/** All sections of [plant]; heat and power hold several. */
typedef struct sim_plant_config {
    sim_accelerators_config_t accelerators;
    sim_heat_config_t heat;
    sim_power_config_t power;
} sim_plant_config_t;

/** What the fault injector writes; sim_plant_init sets neutral values. */
typedef struct sim_plant_faults {
    sim_accelerators_faults_t accelerators;
    sim_pumps_faults_t pumps;
    sim_heat_faults_t heat;
    sim_power_faults_t power;
} sim_plant_faults_t;

/** The state in which a flight begins. */
typedef struct sim_plant_start {
    int32_t accelerator_count; /* 1 .. SIM_ACCELERATORS_MAX */
    int32_t rails_on;          /* 1: switches closed, accelerators booted, pump a at speed */
    double seed;               /* whole number: of what the plant draws by itself */
    double charge_ratio;
    double host_temp_c;
    double coolant_temp_c;
    double battery_temp_c;
    double core_temp_c[8];
    double core_k_per_w[8];
} sim_plant_start_t;

/** Sums since the start, J; with what is held, each side closes (check case 27). */
typedef struct sim_ledger {
    double generated_j;      /* into the bus */
    double load_j;           /* of all consumers, with what converters and wiring lose */
    double converter_loss_j; /* part of load_j: converters, wiring, inrush, shorts */
    double battery_loss_j;
    double radiated_j;
    double absorbed_j; /* by the radiator from Sun and Earth */
    double leak_j;     /* into the structure */
    double stored_start_j;
    double heat_start_j;
} sim_ledger_t;

typedef struct sim_plant {
    sim_plant_config_t config;
    sim_plant_faults_t faults;
    sim_orbit_table_t orbit;
    sim_environment_t environment; /* of the last step's middle */
    sim_accelerators_t accelerators;
    sim_pumps_t pumps;
    sim_power_t power;
    sim_heat_t heat;
    sim_ledger_t ledger;
    double time_s;
    double slow_s;    /* since the slow truths were advanced */
    double load_w;    /* of the last step: all consumers, converters, wiring */
    double modules_w; /* of the last step, all accelerators */
    sim_plant_image_t *image;
} sim_plant_t;

/**
 * @brief Put the plant into its start state and write all truths once.
 * @param[in,out] self  config and orbit are filled by the caller, all else is set here
 * @param[in]     image kept; it must outlive the plant
 */
void sim_plant_init(sim_plant_t *self, sim_plant_image_t *image, const sim_plant_start_t *start);

/** @brief Advance all truths by one step, 0 < dt_s <= 0.2. The orbit's table must cover it. */
void sim_plant_advance(sim_plant_t *self, double dt_s);

/** @brief Let a switch that has just opened by itself take its load's supply; no time passes. */
void sim_plant_follow_switches(sim_plant_t *self);

/** @brief Heat held by all nodes, J above 0 degC. */
double sim_plant_held_heat_j(const sim_plant_t *self);
/* cffi: end */

#endif
