/**
 * @file limiter.h
 * @brief Latching current limiters of the spacecraft's outlets, and inrush into a capacitance.
 *
 * A limiter carries its class current for ever, holds an overload at its limit, and opens when it
 * has held it for the trip-off time. That takes milliseconds, a step of the plant a hundred: what
 * happens inside a step is in closed form.
 */
#ifndef NIGHTSIDE_SIM_PLANT_LIMITER_H
#define NIGHTSIDE_SIM_PLANT_LIMITER_H

#include <stdbool.h>
#include <stdint.h>

/* cffi: begin */
/** Numbers and their sources: LimiterConfig in sim_hw/config_power.py. */
typedef struct sim_limiter_config {
    double class_current_a; /* greatest current for ever */
    double limit_ratio;     /* current while limiting, over class_current_a */
    double trip_off_s;      /* limiting so long opens it */
    double retrigger_s;     /* closes again after so long; 0: stays open */
    double undervoltage_v;  /* input below it: opens */
} sim_limiter_config_t;

/** State. */
typedef struct sim_limiter {
    int32_t is_closed;
    int32_t trip_count;
    double open_s;    /* since it opened */
    double trip_seen; /* last value of its fault */
} sim_limiter_t;

/** Time in s to charge a capacitance in F to a voltage in V by a constant current in A. */
double sim_inrush_s(double capacitance_f, double voltage_v, double current_a);

/** Energy in J in a charged capacitance. As much again is lost while it charges. */
double sim_inrush_j(double capacitance_f, double voltage_v);

/** Current in A at which an overload is held. */
double sim_limit_current_a(const sim_limiter_config_t *config);

/** @brief Tell whether a limiter opens on a current pulse.
 * @param[in] current_a what the load asks for   @param[in] seconds for how long */
bool sim_limiter_trips(const sim_limiter_config_t *config, double current_a, double seconds);

/** @brief Tell whether charging a capacitance through a limiter opens it.
 * @param[in] steady_a    what the other loads draw meanwhile
 * @param[in] inrush_a    what the load's own switch lets through; the limiter may leave less */
bool sim_limiter_trips_on_inrush(const sim_limiter_config_t *config, double capacitance_f,
                                 double voltage_v, double steady_a, double inrush_a);

/** Start closed. */
void sim_limiter_init(sim_limiter_t *self);

/**
 * @brief Follow one step.
 * @param[in] current_a     drawn all through the step
 * @param[in] is_overloaded an event inside the step trips it, whatever current_a says
 * @param[in] input_v       voltage before it
 * @param[in] trip          fault: a rise to 1 opens it without a cause
 */
void sim_limiter_advance(sim_limiter_t *self, const sim_limiter_config_t *config, double current_a,
                         bool is_overloaded, double input_v, double trip, double dt_s);
/* cffi: end */

#endif
