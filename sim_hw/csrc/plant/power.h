/**
 * @file power.h
 * @brief The power system: array and battery on the main bus, outlets, converter, ledger.
 *
 *     array ---.                 .-- payload outlet --- modules (54 V bus)
 *              +-- main bus --R--+
 *     battery -'                 '-- host outlet --- converter --- host, auxiliary rails, pumps,
 *                                                                 heaters (28 V bus)
 *
 * A node without battery hangs on a stiff supply through the same R. A node without converter has
 * its 28 V loads on the main bus.
 */
#ifndef NIGHTSIDE_SIM_PLANT_POWER_H
#define NIGHTSIDE_SIM_PLANT_POWER_H

#include "../plant_image.h"
#include "array.h"
#include "battery.h"
#include "environment.h"
#include "limiter.h"

/* cffi: begin */
/** Numbers and their sources: BusConfig in sim_hw/config_power.py. */
typedef struct sim_bus_config {
    double bus54_voltage_v;      /* of the stiff supply of a node without battery */
    double source_ohm;           /* terminals or supply to the outlets */
    double module_capacitance_f; /* input of one module */
    double module_inrush_a;      /* let through by its hot-swap while it charges */
} sim_bus_config_t;

/** The avionics converter: AvionicsConfig. Loss = fixed + linear P + square P^2 / rated. */
typedef struct sim_avionics_config {
    double enabled;
    double voltage_v;
    double droop_ohm;
    double power_w_max; /* rated output; above it the output is switched off */
    double restart_s;   /* ... for so long */
    double loss_fixed_w;
    double loss_linear_ratio;
    double loss_square_ratio;
} sim_avionics_config_t;

/** Converters of the host's rails, 12, 5, 3.3 and 1.8 V: RailsConfig. Their loss is in host_w. */
typedef struct sim_rails_config {
    double rail_power_w_max[4];
    double loss_fixed_w[4];
    double loss_linear_ratio[4];
    double loss_square_ratio[4];
} sim_rails_config_t;

/** All sections of the power system. */
typedef struct sim_power_config {
    sim_array_config_t array;
    sim_battery_config_t battery;
    sim_bus_config_t bus;
    sim_avionics_config_t avionics;
    sim_rails_config_t rails;
    sim_limiter_config_t payload_limiter;
    sim_limiter_config_t host_limiter;
} sim_power_config_t;

/** What the fault injector writes. Neutral values are set by sim_power_init. */
typedef struct sim_power_faults {
    double string_ok[8];    /* 1 healthy .. 0 lost */
    double pointing_ratio;  /* 1; a jammed drive leaves less of the cosine */
    double cell_short[16];  /* 1: shorted inside */
    double strands_open;    /* 0; so many parallel strands of the battery are lost */
    double limiter_trip[2]; /* payload, host: a rise to 1 opens it without a cause */
    double payload_short_a; /* 0; current of a short on the payload bus */
} sim_power_faults_t;

/** What the node draws in this step, in W, and the battery's temperature. */
typedef struct sim_power_loads {
    double modules_w; /* 54 V bus */
    double host_w;    /* this and below: 28 V bus */
    double pumps_w;
    double heaters_w;
    double latch_w;
    double battery_temp_c;
} sim_power_loads_t;

/** State a flight begins in. */
typedef struct sim_power_start {
    double charge_ratio;
} sim_power_start_t;

/** State and results of the last step. */
typedef struct sim_power {
    sim_array_t array;
    sim_battery_t battery;
    sim_limiter_t payload_limiter;
    sim_limiter_t host_limiter;
    double generated_w; /* put on the main bus by array or supply */
    double loss_w;      /* battery_loss_w + converter_loss_w */
    double battery_loss_w;
    double converter_loss_w; /* converter, wiring, inrush, shorts */
    double avionics_loss_w;  /* part of converter_loss_w */
    double main_voltage_v;   /* at the outlets */
    double bus54_voltage_v;  /* behind the payload outlet */
    double bus28_voltage_v;
    int32_t bus_on; /* the main bus is alive */
    double charge_ratio;
    double stored_j;    /* cells and module capacitances */
    double module_j[8]; /* held by the input of each module */
    double bus_off_s;
    double avionics_off_s; /* > 0: time left until the converter restarts */
} sim_power_t;

/** Loss in W of a converter that puts out so many W. */
double sim_converter_loss_w(double output_w, double rated_w, double fixed_w, double linear_ratio,
                            double square_ratio);

/** What the host's rails draw from the 28 V bus, in W, converters included, with these rails on.
 * @param[in] output_w   four   @param[in] enabled   four, 1 on */
double sim_rails_drawn_w(const sim_rails_config_t *config, const double *output_w,
                         const double *enabled);

/** Start with closed outlets and the bus on; writes the neutral faults and the truths. */
void sim_power_init(sim_power_t *self, const sim_power_config_t *config, sim_power_faults_t *faults,
                    sim_plant_image_t *image, const sim_power_start_t *start);

/**
 * @brief Advance by 0 < dt_s <= 0.2.
 *
 * generated_w dt = loads + loss_w dt + change of stored_j. A protection opens at the end of the
 * step in which its limit was passed, so that what the loads drew in the step is always served.
 */
void sim_power_advance(sim_power_t *self, const sim_power_config_t *config,
                       const sim_power_faults_t *faults, sim_plant_image_t *image, double dt_s,
                       const sim_environment_t *environment, const sim_power_loads_t *loads);
/* cffi: end */

#endif
