/**
 * @file rail.h
 * @brief A power rail behind a switch: rise with inrush, load, discharge.
 *
 * Modelled: linear rise while the output capacitor is charged, a resistive load, exponential decay
 * after the switch has opened. Not modelled: regulation, ripple, cable inductance.
 */
#ifndef NIGHTSIDE_SIM_RAIL_H
#define NIGHTSIDE_SIM_RAIL_H

#include <stdbool.h>

#include "pmbus_model.h"

/** One rail; truths first, so that a part can be wired to them. */
typedef struct sim_rail {
    double truth[SIM_MEASURED]; /**< by sim_quantity; SIM_VOUT and SIM_IOUT follow when modelled */
    double enabled;             /**< 1: the switch conducts; written by the part */
    bool is_modelled;           /**< false: truths are what the test writes */
    double nominal_v;           /**< > 0 when modelled */
    double load_a;              /**< current of the load at nominal voltage */
    double rise_s;              /**< from 0 to nominal, > 0 */
    double discharge_s;         /**< time constant after switch-off, > 0 */
    double capacitance_f;       /**< charged while rising: the inrush */
} sim_rail_t;

/** @brief Let `step_s` pass. Steps are short beside rise_s and discharge_s. */
void sim_rail_advance(sim_rail_t *self, double step_s);

#endif
