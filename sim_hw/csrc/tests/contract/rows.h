/**
 * @file rows.h
 * @brief Every simulated part as a row of the contract.
 */
#ifndef NIGHTSIDE_CONTRACT_ROWS_H
#define NIGHTSIDE_CONTRACT_ROWS_H

#include "contract.h"

extern const contract_part_t contract_hot_swaps[];
extern const size_t contract_hot_swap_count;
extern const contract_part_t contract_regulators[];
extern const size_t contract_regulator_count;
extern const contract_part_t contract_generics[];
extern const size_t contract_generic_count;
extern const contract_part_t contract_sensors[];
extern const size_t contract_sensor_count;

#define ROW_COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

#define SWEPT(truth, low, high, step) {CONTRACT_SWEPT, truth, low, high, step}
#define HIGHEST(truth, low, high, step) {CONTRACT_HIGHEST, truth, low, high, step}
#define STATE {CONTRACT_STATE, 0, 0.0, 0.0, 0.0}
#define ABSENT {CONTRACT_ABSENT, 0, 0.0, 0.0, 0.0}
#define SIMULATED .power = contract_sim_power, .set_truth = contract_sim_set_truth

/* STATUS_WORD: PMBus part II, table of bits. */
#define SHOWS_VOUT 0x8000u
#define SHOWS_IOUT 0x4000u
#define SHOWS_INPUT 0x2000u
#define SHOWS_TEMP 0x0004u

#endif
