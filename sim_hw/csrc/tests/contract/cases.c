/** @file cases.c */
#include "cases.h"

const contract_case_t contract_common_cases[] = {
    every_channel_is_declared,
    every_channel_reads_the_truth_over_its_range,
    absent_channels_say_so,
    one_lost_message_does_no_harm,
    a_brown_out_at_any_message_is_mended,
    a_stretched_clock_is_waited_for_until_the_time_out,
    a_stuck_bus_is_freed_or_given_up,
    answers_in_the_last_microsecond_keep_every_deadline,
    a_silent_part_comes_back,
    a_flipped_bit_is_found_within_the_stated_rounds,
    a_brown_out_between_polls_is_mended,
    NULL,
};

const contract_case_t contract_pmbus_cases[] = {
    peaks_are_the_greatest_truth,
    enable_switches_and_reads_back,
    limits_are_there_before_the_output_comes_on,
    limits_trip_just_above_and_not_just_below,
    evidence_is_what_the_part_holds_and_clear_clears_it,
    lock_is_kept,
    one_wrong_check_code_does_no_harm,
    energy_is_power_times_time,
    a_power_cycle_ends_with_the_output_on_behind_its_limits,
    peaks_outlive_a_clear,
    the_log_of_the_part_is_evidence,
    a_busy_part_is_waited_for,
    NULL,
};

const contract_case_t contract_sensor_cases[] = {
    an_alert_stays_until_it_is_cleared,
    counters_count_energy_and_charge,
    an_open_diode_has_no_temperature,
    a_hot_sensor_raises_the_alert,
    flipped_bits_of_a_temperature_sensor_are_found,
    NULL,
};

void contract_run(const contract_part_t *rows, size_t count, const contract_case_t *cases) {
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; cases[k] != NULL; k++) {
            cases[k](&rows[i]);
        }
    }
}
