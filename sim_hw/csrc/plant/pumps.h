/**
 * @file pumps.h
 * @brief The two pumps of the coolant loop: speed, head, flow, electrical power; the accumulator.
 *
 * With speed s, flow q and head h in units of the nominal point of one pump:
 *   pump, by the affinity laws   h = shut_off s^2 - (shut_off - 1) q^2
 *   loop, orifices rule          h = q^2
 *   efficiency, a parabola       e(q / s) = e_nominal (q / s) (2 - q / s)
 * so that electrical power is p = p_nominal h s / (2 - q / s), finite at a shut valve. Each pump
 * has a check valve: a slow or stopped one passes nothing backwards. All electrical power ends as
 * heat in the coolant. Not modelled: viscosity (orifices rule), inertia of the coolant.
 */
#ifndef NIGHTSIDE_SIM_PUMPS_H
#define NIGHTSIDE_SIM_PUMPS_H

#include <stdbool.h>
#include <stdint.h>

#include "../plant_image.h"

/* cffi: begin */
/** Section [plant.loop]; units are in the names, sources in config_heat.py. */
typedef struct sim_loop_config {
    double enabled; /* 0: the node has no loop and cools by conduction */
    double specific_heat_j_per_kg_k;
    double nominal_flow_kg_per_s;
    double nominal_speed_rpm;
    double speed_max_rpm;
    double nominal_pressure_kpa;
    double shut_off_pressure_kpa;
    double pump_power_w;
    double spin_up_s;
    double coast_down_s;
    double stall_current_a;
    double pipe_mass_kg;
    double manifold_mass_kg;
    int32_t pipe_cells;
    double stagnant_mixing_w_per_k;
    double bypass_travel_s;
    double freeze_temp_c;
    double slush_k;
    double boil_temp_c;
    double heater_a_w;
    double heater_b_w;
    double accumulator_ratio_at_20_c;
    double accumulator_ratio_per_k;
    double accumulator_kg;
    double prime_loss_kg;
} sim_loop_config_t;

/** Written by the fault injector. */
typedef struct sim_pumps_faults {
    double torque_ratio[2]; /* 1 healthy .. 0 stopped */
    double breaker_open[2]; /* 1: no supply, the current reads 0 */
    double head_ratio[2];   /* 1 healthy; below: worn, or gas in the coolant */
    double leak_kg_per_s;   /* coolant lost to space; the accumulator gives it */
} sim_pumps_faults_t;

/** State and results of both pumps. */
typedef struct sim_pumps {
    double speed_rpm[2];
    double flow_kg_per_s;     /* through all plates together */
    double power_w;           /* electrical, of both */
    double accumulator_ratio; /* 0 empty .. 1 full, as its truth */
    double leaked_kg;         /* coolant lost so far */
    double prime_ratio;       /* 1; below: gas takes this part of the head */
} sim_pumps_t;

/** Make all faults neutral. */
void sim_pumps_faults_init(sim_pumps_faults_t *faults);

/** Start both pumps at given speeds, in rpm. */
void sim_pumps_init(sim_pumps_t *self, const sim_loop_config_t *config, sim_plant_image_t *image,
                    double speed_a_rpm, double speed_b_rpm, double bus28_voltage_v,
                    double fluid_temp_c);

/**
 * Advance by 0 < dt_s <= 0.2; writes the truths of pumps, flow, pressure and accumulator.
 * @param bus28_voltage_v  of the bus that feeds them; 0: off
 * @param fluid_temp_c     mean of the coolant: its expansion fills the accumulator
 */
void sim_pumps_advance(sim_pumps_t *self, const sim_loop_config_t *config,
                       const sim_pumps_faults_t *faults, sim_plant_image_t *image, double dt_s,
                       double bus28_voltage_v, double fluid_temp_c);

/**
 * Where two pumps and the loop agree, in units of the nominal point.
 * @param shut_off_ratio  of the nominal head, > 1
 * @param head_a, head_b  of each pump without flow
 * @param out_flow        of each pump
 * @return the flow of both
 */
double sim_pumps_flow_ratio(double shut_off_ratio, double head_a, double head_b,
                            double out_flow[2]);
/* cffi: end */

#endif
