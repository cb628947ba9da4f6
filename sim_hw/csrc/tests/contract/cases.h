/**
 * @file cases.h
 * @brief What every row is held to. Each case takes one row; a claim that fails ends the program.
 */
#ifndef NIGHTSIDE_CONTRACT_CASES_H
#define NIGHTSIDE_CONTRACT_CASES_H

#include "contract.h"

typedef void (*contract_case_t)(const contract_part_t *row);

/** @brief Hold each of `count` rows to each case of a list that ends with NULL. */
void contract_run(const contract_part_t *rows, size_t count, const contract_case_t *cases);

/** @brief Cases of every class. */
extern const contract_case_t contract_common_cases[];

/** @brief Cases of PMBus parts. */
extern const contract_case_t contract_pmbus_cases[];

/** @brief Cases of sensors. */
extern const contract_case_t contract_sensor_cases[];

/* cases_channels.c */
void every_channel_is_declared(const contract_part_t *row);
void every_channel_reads_the_truth_over_its_range(const contract_part_t *row);
void peaks_are_the_greatest_truth(const contract_part_t *row);
void absent_channels_say_so(const contract_part_t *row);

/* cases_outputs.c */
void enable_switches_and_reads_back(const contract_part_t *row);
void limits_are_there_before_the_output_comes_on(const contract_part_t *row);
void limits_trip_just_above_and_not_just_below(const contract_part_t *row);
void evidence_is_what_the_part_holds_and_clear_clears_it(const contract_part_t *row);
void lock_is_kept(const contract_part_t *row);

/* cases_messages.c */
void one_lost_message_does_no_harm(const contract_part_t *row);
void one_wrong_check_code_does_no_harm(const contract_part_t *row);
void a_brown_out_at_any_message_is_mended(const contract_part_t *row);

/* cases_wire.c */
void a_stretched_clock_is_waited_for_until_the_time_out(const contract_part_t *row);
void a_stuck_bus_is_freed_or_given_up(const contract_part_t *row);
void answers_in_the_last_microsecond_keep_every_deadline(const contract_part_t *row);
void a_silent_part_comes_back(const contract_part_t *row);

/* cases_parts.c: what one part alone promises; nothing on the others */
void energy_is_power_times_time(const contract_part_t *row);
void a_power_cycle_ends_with_the_output_on_behind_its_limits(const contract_part_t *row);
void peaks_outlive_a_clear(const contract_part_t *row);
void the_log_of_the_part_is_evidence(const contract_part_t *row);
void a_busy_part_is_waited_for(const contract_part_t *row);

/* cases_sensors.c */
void an_alert_stays_until_it_is_cleared(const contract_part_t *row);
void counters_count_energy_and_charge(const contract_part_t *row);
void an_open_diode_has_no_temperature(const contract_part_t *row);
void a_hot_sensor_raises_the_alert(const contract_part_t *row);
void flipped_bits_of_a_temperature_sensor_are_found(const contract_part_t *row);

/* cases_upsets.c */
void a_flipped_bit_is_found_within_the_stated_rounds(const contract_part_t *row);
void a_brown_out_between_polls_is_mended(const contract_part_t *row);

#endif
