/**
 * @file array.h
 * @brief The solar array: what its strings could give, and how warm its cells are.
 *
 * All strings see the same Sun and are equally warm. Power is what the regulators can put on the
 * bus; what nobody takes stays in the panel as heat.
 */
#ifndef NIGHTSIDE_SIM_PLANT_ARRAY_H
#define NIGHTSIDE_SIM_PLANT_ARRAY_H

#include "environment.h"

/* cffi: begin */
/** Numbers and their sources: ArrayConfig in sim_hw/config_power.py. */
typedef struct sim_array_config {
    double enabled;
    int32_t string_count;            /* 1..8 */
    double string_power_w;           /* one new string, 1361 W/m2, at reference_temp_c */
    double string_power_w_max;       /* rating of its regulator */
    double incidence_deg;            /* fixed error of pointing, on top of the attitude */
    double reference_temp_c;         /* of the rating */
    double power_temp_ratio_per_k;   /* change of power at its maximum */
    double voltage_temp_ratio_per_k; /* change of voltage, for direct energy transfer */
    double age_years;
    double degradation_ratio_per_year;
    double regulation_efficiency_ratio; /* array to bus */
    double peak_power_tracking;         /* 0: direct energy transfer, at the voltage of the bus */
    double string_peak_power_v;         /* of a string, at reference_temp_c */
    double string_open_circuit_v;       /* of a string, at reference_temp_c */
    double peak_power_current_ratio;    /* current at peak power over short-circuit current */
    double cell_efficiency_ratio;       /* of the rating: gives the area that is warmed */
    double absorptance_ratio;
    double emissivity_ratio;  /* mean of both faces */
    double infrared_w_per_m2; /* of the Earth on both faces together, over an orbit */
    double heat_capacity_j_per_m2_k;
} sim_array_config_t;

/** State. */
typedef struct sim_array {
    double available_w; /* all healthy strings together, into the bus */
    double string_w;    /* one healthy string */
    double healthy;     /* sum of string_ok over the strings that exist */
    double temp_c;      /* of the cells */
    double aged_ratio;  /* power left of a new array's */
    double incidence_cos;
    double density_w_per_m2; /* rated power on the panel's area */
    int32_t is_warm;         /* 0: the first step puts the cells at their sunlit steady state */
} sim_array_t;

/** @brief Part of the power at peak that a string gives at a fixed voltage, 0..1.
 * @param[in] voltage_v of the bus   @param[in] temp_c of the cells */
double sim_array_voltage_ratio(const sim_array_config_t *config, double voltage_v, double temp_c);

/** @brief Temperature at which the cells settle, in degC.
 * @param[in] irradiance_w_per_m2 on the face   @param[in] used_ratio part of the power taken */
double sim_array_steady_temp_c(const sim_array_t *self, const sim_array_config_t *config,
                               double irradiance_w_per_m2, double used_ratio);

/** Start with cold figures; no time passes. */
void sim_array_init(sim_array_t *self, const sim_array_config_t *config);

/** @brief Find what the array could give now: available_w and string_w.
 * @param[in] string_ok 1 healthy .. 0 lost, eight values
 * @param[in] pointing_ratio part of the cosine that a jammed drive leaves, 1 healthy
 * @param[in] bus_voltage_v where the strings work without peak power tracking */
void sim_array_look(sim_array_t *self, const sim_array_config_t *config,
                    const sim_environment_t *environment, const double *string_ok,
                    double pointing_ratio, double bus_voltage_v);

/** @brief Advance the cells' temperature.
 * @param[in] generated_w taken by the bus   @param[in] pointing_ratio as in sim_array_look */
void sim_array_warm(sim_array_t *self, const sim_array_config_t *config,
                    const sim_environment_t *environment, double pointing_ratio, double generated_w,
                    double dt_s);
/* cffi: end */

#endif
