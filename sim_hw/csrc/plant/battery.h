/**
 * @file battery.h
 * @brief The battery: cells in series, each a group of parallel strands, and its own management.
 *
 * Energy is what is counted: charge is energy held over energy that fits. All cells carry the same
 * current. The battery's temperature belongs to the heat plant.
 */
#ifndef NIGHTSIDE_SIM_PLANT_BATTERY_H
#define NIGHTSIDE_SIM_PLANT_BATTERY_H

#include <stdbool.h>
#include <stdint.h>

/* cffi: begin */
#define SIM_BATTERY_CELLS_MAX 16
#define SIM_CURVE_MAX 16

/** Numbers and their sources: BatteryConfig in sim_hw/config_power.py. */
typedef struct sim_battery_config {
    double enabled;
    double capacity_wh; /* new */
    double charge_efficiency_ratio;
    double discharge_efficiency_ratio;
    double charge_power_max_w;
    double charge_current_a_max;
    double discharge_current_a_max;
    double charge_taper_ratio; /* charging falls linearly to 0 in this last part */
    double open_circuit_v[16]; /* of all cells in series, at charge 0 to 1 in even steps */
    int32_t open_circuit_v_count;
    double bus_voltage_max_v; /* charging holds the terminals at or below it */
    double resistance_ohm;    /* new, at resistance_temp_c */
    double resistance_temp_c;
    double resistance_activation_k; /* activation energy over the gas constant */
    double charge_temp_c_min;
    double charge_temp_c_max;
    double discharge_temp_c_min;
    double discharge_temp_c_max;
    double cutoff_ratio;            /* the weakest cell at it: the bus is opened */
    double reconnect_ratio;         /* the weakest cell above it: it may close again */
    double reconnect_s;             /* ... and so long after it opened */
    int32_t cell_count;             /* in series, 1..16 */
    int32_t strand_count;           /* in parallel */
    double imbalance_ratio;         /* strongest less weakest cell at the start */
    double balance_w;               /* bleeder of one cell, at work while charging */
    double balance_threshold_ratio; /* above the weakest cell */
    double cell_short_ohm;          /* inside a shorted cell */
    double age_years;
    double age_cycles; /* full ones */
    double fade_ratio_per_year;
    double fade_ratio_per_cycle;
    double resistance_growth_per_fade;
    double heater_w; /* draws from the 28 V bus */
} sim_battery_config_t;

/** State. */
typedef struct sim_battery {
    double cell_charge_ratio[16];
    double isolated_j[16]; /* held by strands that are open, per cell */
    double charge_ratio;   /* mean of all cells */
    double weakest_ratio;  /* of the cells that are not shorted */
    double strongest_ratio;
    double capacity_j; /* of all cells that can be reached, as aged */
    double stored_j;   /* in all cells, open strands included */
    double terminal_v;
    double current_a;  /* positive: charging */
    double loss_w;     /* all heat of the last step */
    double fade_ratio; /* of the capacity, since new */
    double cycles;     /* full ones, since new */
    double strands_open;
    double capacity_new_j;
    int32_t cell_count;
    int32_t short_count;
} sim_battery_t;

/** Open-circuit voltage of all cells in series, in V, at a charge of 0..1. */
double sim_battery_open_circuit_v(const sim_battery_config_t *config, double charge_ratio);

/** Resistance in ohm of a battery with a part of its capacity faded, all strands healthy. */
double sim_battery_resistance_ohm(const sim_battery_config_t *config, double temp_c,
                                  double fade_ratio);

/** @brief Start with a mean charge of 0..1 at rest, the cells spread about it. */
void sim_battery_init(sim_battery_t *self, const sim_battery_config_t *config, double charge_ratio);

/** Greatest power in W that the management lets into the terminals during a step, >= 0. */
double sim_battery_charge_limit_w(const sim_battery_t *self, const sim_battery_config_t *config,
                                  double temp_c, double dt_s);

/** Tell whether the management lets the battery feed the bus: temperature, charge, strands. */
bool sim_battery_can_discharge(const sim_battery_t *self, const sim_battery_config_t *config,
                               double temp_c, double charge_ratio_min);

/**
 * @brief Advance by 0 < dt_s <= 0.2.
 * @param[in] cell_short   16 values, 1: that cell is shorted inside
 * @param[in] strands_open strands whose cells are lost, 0 .. strand_count
 * @param[in] flow_w       into the terminals; negative: out of them
 */
void sim_battery_advance(sim_battery_t *self, const sim_battery_config_t *config,
                         const double *cell_short, double strands_open, double flow_w,
                         double temp_c, double dt_s);
/* cffi: end */

#endif
