#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "fake_pmbus.h"
#include "nightside/codec.h"
#include "nightside/pmbus.h"

/* One rail of a generic part: page, limit, lock, switch. */

#define LIMIT 0x46
#define PROTECT 0x10
#define OPERATION 0x01

static fake_pmbus_t part;
static ns_pmbus_t device;

static ns_pmbus_config_t config_of(bool has_page, double limit_a) {
    return (ns_pmbus_config_t){.address = FAKE_ADDRESS,
                               .has_page = has_page ? 1 : 0,
                               .page = has_page ? 2 : 0,
                               .has_pec = 1,
                               .timeout_us = FAKE_TIMEOUT_US,
                               .current_limit_a = limit_a};
}

/** Page 2 of a four-page part with a limit of 3.3 A. */
static void open_device(void) {
    fake_pmbus_init(&part);
    ns_pmbus_config_t config = config_of(true, 3.3);
    CHECK_STATUS(ns_pmbus_open(&device, &config, &fake_pmbus_ops, &part), NS_OK);
}

static ns_status_t begin(void) {
    return ns_pmbus_ops.begin(&device, 0, UINT64_MAX);
}

static ns_status_t read_channel(uint32_t channel, double *out) {
    return ns_pmbus_ops.read(&device, channel, out);
}

static ns_status_t enable(double value) {
    return ns_pmbus_ops.write(&device, NS_PMBUS_ENABLE, value);
}

static void every_channel_of_the_part_is_decoded(void) {
    static const double expected[] = {54.0, 10.0, 250.0, 50.0, 0x0840, 0.0};
    open_device();
    CHECK_STATUS(begin(), NS_OK);
    for (uint32_t channel = 0; channel <= NS_PMBUS_ENABLE; channel++) {
        double value = -1.0;
        CHECK_STATUS(read_channel(channel, &value), NS_OK);
        CHECK_EXACT(value, expected[channel]);
    }
    double value = -1.0;
    part.words[2][OPERATION] = 0x80;
    CHECK_STATUS(read_channel(NS_PMBUS_ENABLE, &value), NS_OK);
    CHECK_EXACT(value, 1.0);
    CHECK_STATUS(read_channel(NS_PMBUS_CHANNEL_COUNT, &value), NS_E_ARG);
}

/** The bus time of a poll: PAGE, its read-back, then one transfer a channel. */
static void a_poll_costs_no_transfer_beside_page_and_channels(void) {
    open_device();
    CHECK_STATUS(begin(), NS_OK);
    unsigned before = part.transfer_count;
    CHECK_STATUS(begin(), NS_OK);
    double value = 0.0;
    for (uint32_t channel = 0; channel <= NS_PMBUS_ENABLE; channel++) {
        CHECK_STATUS(read_channel(channel, &value), NS_OK);
    }
    CHECK(part.transfer_count - before == 2 + 6);
    before = part.transfer_count;
    CHECK_STATUS(ns_pmbus_ops.begin(&device, 0, 0), NS_OK); /* STATUS_WORD is not due */
    CHECK(part.transfer_count - before == 2);
}

/** The limit is in the silicon and locked before anything is enabled, rounded down. */
static void the_limit_is_programmed_and_locked_at_the_first_begin(void) {
    open_device();
    CHECK_STATUS(begin(), NS_OK);
    CHECK(part.words[2][LIMIT] == 0xC34C); /* 3.296875; nearest would be 3.30078 */
    CHECK(part.words[0][PROTECT] == 0x40);
    CHECK(part.words[0][LIMIT] == 0x0005 && device.program_count == 1);
}

static void a_limit_is_verified_by_value_not_by_word(void) {
    open_device();
    ns_pmbus_config_t config = config_of(true, 8.0);
    CHECK_STATUS(ns_pmbus_open(&device, &config, &fake_pmbus_ops, &part), NS_OK);
    part.words[2][LIMIT] = 0x1801; /* 8 A with another exponent than ours */
    part.words[0][PROTECT] = 0x40;
    CHECK_STATUS(begin(), NS_OK);
    CHECK(device.program_count == 0 && part.write_count == 0);
}

static void a_power_cycle_is_found_before_the_output_is_enabled(void) {
    open_device();
    CHECK_STATUS(enable(1.0), NS_OK);
    CHECK(part.words[2][LIMIT] == 0xC34C && part.words[0][PROTECT] == 0x40);
    CHECK(part.words[2][OPERATION] == 0x80);
    fake_pmbus_power_up(&part);
    CHECK_STATUS(enable(1.0), NS_OK);
    CHECK(part.words[2][LIMIT] == 0xC34C && part.words[0][PROTECT] == 0x40);
    CHECK(part.words[2][OPERATION] == 0x80 && device.program_count == 2);
    CHECK(part.words[0][0x00] == 2);
    static const uint8_t locks[] = {0x00, 0x80}; /* the lock alone is gone, or another one */
    for (size_t i = 0; i < sizeof locks; i++) {
        part.words[0][PROTECT] = locks[i];
        CHECK_STATUS(enable(1.0), NS_OK);
        CHECK(part.words[0][PROTECT] == 0x40 && device.program_count == 2);
    }
}

static void a_power_cycle_is_found_by_the_scrub(void) {
    open_device();
    CHECK_STATUS(begin(), NS_OK);
    fake_pmbus_power_up(&part);
    for (int i = 0; i < 9; i++) {
        CHECK_STATUS(begin(), NS_OK);
        CHECK(part.words[2][LIMIT] == 0x0005);
    }
    CHECK_STATUS(begin(), NS_OK);
    CHECK(part.words[2][LIMIT] == 0xC34C && part.words[0][PROTECT] == 0x40);
}

/** It says the voltage in another format since its restart: no reading by the old one. */
static void a_part_that_lost_its_limit_is_learnt_again_in_the_same_slot(void) {
    open_device();
    CHECK_STATUS(begin(), NS_OK);
    fake_pmbus_power_up(&part);
    part.words[2][0x20] = 0x18;
    for (int i = 0; i < 10; i++) {
        CHECK_STATUS(begin(), NS_OK);
    }
    double value = 0.0;
    CHECK_STATUS(read_channel(NS_PMBUS_VOLTAGE_V, &value), NS_OK);
    CHECK_EXACT(value, 108.0);
    part.words[0][PROTECT] = 0x00; /* the lock tells it, too */
    part.words[2][0x20] = 0x17;
    for (int i = 0; i < 10; i++) {
        CHECK_STATUS(begin(), NS_OK);
    }
    CHECK_STATUS(read_channel(NS_PMBUS_VOLTAGE_V, &value), NS_OK);
    CHECK_EXACT(value, 54.0);
    CHECK(part.words[0][PROTECT] == 0x40 && device.program_count == 2);
}

static void one_wrong_read_of_the_lock_is_not_a_restart(void) {
    open_device();
    CHECK_STATUS(begin(), NS_OK);
    unsigned writes = part.write_count;
    unsigned learnt = part.read_count[0x20];
    part.wrong_reads[PROTECT] = 1U << part.read_count[PROTECT];
    for (int i = 0; i < 10; i++) {
        CHECK_STATUS(begin(), NS_OK);
    }
    CHECK(part.wrong_reads[PROTECT] < 1U << part.read_count[PROTECT]); /* it was read */
    CHECK(part.write_count == writes && part.read_count[0x20] == learnt);
}

/** The part restarts on page 0 just before OPERATION and does not acknowledge it. */
static void an_operation_that_is_not_acknowledged_is_tried_once_more(void) {
    static const double values[] = {1.0, 0.0};
    for (size_t i = 0; i < 2; i++) {
        open_device();
        CHECK_STATUS(begin(), NS_OK);
        unsigned before = part.transfer_count;
        CHECK_STATUS(enable(values[i]), NS_OK);
        unsigned count = part.transfer_count - before;
        part.words[2][OPERATION] = 0x55;
        part.fails_at = part.transfer_count + count;
        part.fails_until = part.fails_at;
        part.browns_out_at = part.fails_at;
        part.failure = NS_E_NACK;
        CHECK_STATUS(enable(values[i]), NS_OK);
        CHECK(part.words[2][OPERATION] == (i == 0 ? 0x80 : 0x00));
        CHECK(part.writes[part.write_count - 1].page == 2);
        CHECK(part.words[2][LIMIT] == 0xC34C || i == 1);
        part.fails_at = 0;
        part.browns_out_at = 0;
        part.fails_command = OPERATION; /* once more, and not for ever */
        before = part.transfer_count;
        CHECK_STATUS(enable(values[i]), NS_E_NACK);
        CHECK(part.transfer_count - before < 40);
    }
}

/** A single bad read-back is not a reason to write. */
static void one_mismatching_read_repairs_nothing(void) {
    open_device();
    part.words[2][LIMIT] = 0xC34C;
    part.words[0][PROTECT] = 0x40;
    part.wrong_reads[LIMIT] = 0x1;
    CHECK_STATUS(enable(1.0), NS_OK);
    CHECK(part.write_count == 1 && device.program_count == 0); /* OPERATION */
    CHECK(part.read_count[LIMIT] == 2);
}

/** Neither limit was found wrong twice, and not all were found right: nothing is known. */
static void reads_that_disagree_about_two_limits_enable_nothing(void) {
    open_device();
    ns_pmbus_config_t config = config_of(true, 3.3);
    config.voltage_limit_v_high = 60.0;
    config.voltage_limit_v_low = 48.01;
    fake_pmbus_define(&part, 0x40, 2, 60 << 9);
    fake_pmbus_define(&part, 0x44, 2, 24582); /* 48.0117 V: upward */
    part.words[2][LIMIT] = 0xC34C;
    part.words[0][PROTECT] = 0x40;
    part.wrong_reads[LIMIT] = 0x1;
    part.wrong_reads[0x40] = 0x2;
    CHECK_STATUS(ns_pmbus_open(&device, &config, &fake_pmbus_ops, &part), NS_OK);
    CHECK_STATUS(enable(1.0), NS_E_RANGE);
    CHECK(part.write_count == 0);
    CHECK_STATUS(enable(1.0), NS_OK);
    CHECK(part.write_count == 1 && part.words[2][OPERATION] == 0x80);
    part.words[2][0x44] = 0; /* one of three is gone: it alone is written */
    CHECK_STATUS(begin(), NS_OK);
    CHECK(part.words[2][0x44] == 24582 && !fake_pmbus_wrote(&part, LIMIT));
}

/** It restarts after PAGE was verified: its limits are read on page 0, then looked for again. */
static void a_part_that_restarts_in_a_slot_is_programmed_in_it(void) {
    open_device();
    CHECK_STATUS(begin(), NS_OK);
    part.browns_out_at = part.transfer_count + 3;
    CHECK_STATUS(enable(1.0), NS_OK);
    CHECK(part.words[2][LIMIT] == 0xC34C && part.words[2][OPERATION] == 0x80);
    CHECK(part.words[0][LIMIT] == 0x0005 && part.words[0][OPERATION] == 0);
}

static void a_part_that_failed_is_checked_when_it_is_back(void) {
    open_device();
    CHECK_STATUS(begin(), NS_OK);
    part.fails_command = 256;
    part.failure = NS_E_NACK;
    CHECK_STATUS(begin(), NS_E_NACK);
    fake_pmbus_power_up(&part);
    part.words[2][0x20] = 0x18;
    part.fails_command = -1;
    CHECK_STATUS(begin(), NS_OK);
    CHECK(part.words[2][LIMIT] == 0xC34C);
    double value = 0.0;
    CHECK_STATUS(read_channel(NS_PMBUS_VOLTAGE_V, &value), NS_OK);
    CHECK_EXACT(value, 108.0);
}

static void no_output_without_a_verified_limit(void) {
    open_device();
    part.is_stuck[LIMIT] = true;
    CHECK_STATUS(enable(1.0), NS_E_RANGE);
    CHECK(part.words[2][OPERATION] == 0 && part.words[0][PROTECT] == 0x40);
    CHECK_STATUS(begin(), NS_E_RANGE);
    part.is_stuck[LIMIT] = false;
    part.is_stuck[PROTECT] = true;
    CHECK_STATUS(enable(1.0), NS_E_RANGE);
    CHECK(part.words[2][OPERATION] == 0);
    part.words[0][PROTECT] = 0x80; /* neither open nor as it should be */
    CHECK_STATUS(enable(1.0), NS_E_RANGE);
    CHECK(part.words[2][OPERATION] == 0);
}

static void switching_off_needs_no_limit(void) {
    open_device();
    part.words[2][OPERATION] = 0x80;
    part.is_stuck[LIMIT] = true;
    part.is_stuck[PROTECT] = true;
    CHECK_STATUS(enable(0.0), NS_OK);
    CHECK(part.words[2][OPERATION] == 0);
    CHECK(part.transfer_count == 3); /* PAGE, its read-back, OPERATION */
}

static void a_page_that_does_not_stay_stops_everything(void) {
    open_device();
    CHECK_STATUS(begin(), NS_OK);
    part.words[0][0x00] = 1;
    part.is_stuck[0x00] = true;
    CHECK_STATUS(begin(), NS_E_PAGE);
    CHECK_STATUS(enable(1.0), NS_E_PAGE);
    CHECK_STATUS(enable(0.0), NS_E_PAGE);
    CHECK_STATUS(ns_pmbus_ops.request(&device, NS_REQUEST_CLEAR), NS_E_PAGE);
    CHECK(part.words[1][OPERATION] == 0 && !fake_pmbus_wrote(&part, OPERATION));
    CHECK(!fake_pmbus_wrote(&part, 0x03));
}

static void a_part_with_one_page_is_never_paged(void) {
    open_device();
    ns_pmbus_config_t config = config_of(false, 0.0);
    CHECK_STATUS(ns_pmbus_open(&device, &config, &fake_pmbus_ops, &part), NS_OK);
    part.fails_command = 0x00;
    part.failure = NS_E_NACK;
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(enable(1.0), NS_OK);
    CHECK(part.words[0][OPERATION] == 0x80 && part.words[0][PROTECT] == 0x40);
}

static void a_wrong_check_code_is_noticed(void) {
    open_device();
    CHECK_STATUS(begin(), NS_OK);
    part.pec_error = 1;
    double value = 7.0;
    for (uint32_t channel = 0; channel <= NS_PMBUS_ENABLE; channel++) {
        if (channel != NS_PMBUS_STATUS) { /* known since begin */
            CHECK_STATUS(read_channel(channel, &value), NS_E_PEC);
        }
    }
    CHECK_STATUS(begin(), NS_E_PEC);
    CHECK_STATUS(read_channel(NS_PMBUS_STATUS, &value), NS_E_PEC);
    CHECK_EXACT(value, 7.0);
}

static void without_pec_a_floating_bus_is_refused(void) {
    open_device();
    ns_pmbus_config_t config = config_of(false, 0.0);
    config.has_pec = 0;
    part.has_pec = false;
    part.words[0][0x19] = 0x30; /* CAPABILITY without PEC */
    CHECK_STATUS(ns_pmbus_open(&device, &config, &fake_pmbus_ops, &part), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    part.is_floating = true;
    double value = 7.0;
    for (uint32_t channel = 0; channel <= NS_PMBUS_ENABLE; channel++) {
        if (channel != NS_PMBUS_STATUS) {
            CHECK_STATUS(read_channel(channel, &value), NS_E_RANGE);
        }
    }
    CHECK_STATUS(begin(), NS_E_RANGE);
    CHECK_EXACT(value, 7.0);
}

static void with_pec_all_ones_is_a_number(void) {
    open_device();
    CHECK_STATUS(begin(), NS_OK);
    part.words[2][0x8C] = 0xFFFF;
    part.words[2][OPERATION] = 0xFF;
    double value = 7.0;
    CHECK_STATUS(read_channel(NS_PMBUS_CURRENT_A, &value), NS_OK);
    CHECK_EXACT(value, -0.5);
    CHECK_STATUS(read_channel(NS_PMBUS_ENABLE, &value), NS_E_RANGE); /* no such OPERATION */
}

/** Whatever step fails, its status comes out and the output is not enabled. */
static void a_failure_at_any_step_comes_out(void) {
    static const uint8_t steps[] = {0x00, PROTECT, LIMIT, OPERATION, 0x20, 0x19};
    for (size_t i = 0; i < sizeof steps; i++) {
        open_device();
        part.fails_command = steps[i];
        part.failure = NS_E_TIMEOUT;
        CHECK_STATUS(enable(1.0), NS_E_TIMEOUT);
        CHECK(part.words[2][OPERATION] == 0);
    }
    open_device();
    part.fails_command = 0x20;
    part.failure = NS_E_TIMEOUT;
    CHECK_STATUS(begin(), NS_E_TIMEOUT);
}

static void only_enable_can_be_written_and_only_on_or_off(void) {
    open_device();
    CHECK_STATUS(ns_pmbus_ops.write(&device, NS_PMBUS_VOLTAGE_V, 1.0), NS_E_UNSUPPORTED);
    CHECK_STATUS(ns_pmbus_ops.write(&device, NS_PMBUS_CHANNEL_COUNT, 1.0), NS_E_ARG);
    CHECK_STATUS(enable(0.5), NS_E_RANGE);
    CHECK_STATUS(enable((double)NAN), NS_E_RANGE);
    CHECK(part.transfer_count == 0);
}

static void opening_checks_its_arguments(void) {
    enum { BAD_COUNT = 14 };
    ns_pmbus_config_t good = config_of(true, 3.3);
    ns_pmbus_config_t bad[BAD_COUNT];
    for (int i = 0; i < BAD_COUNT; i++) {
        bad[i] = good;
    }
    bad[0].address = 0x07;
    bad[1].address = 0x78;
    bad[2].page = 32;
    bad[3].timeout_us = 0;
    bad[4].current_limit_a = -1.0;
    bad[5].current_limit_a = (double)NAN;
    bad[6].part = NS_PMBUS_PART_COUNT;
    bad[7].shunt_uohm = 300;             /* this part needs none */
    bad[8].part = NS_PMBUS_PART_ADM1272; /* that one does */
    bad[9].phase = 32;
    bad[10].vid = 6;
    bad[11].voltage_limit_v_high = (double)INFINITY;
    bad[12].power_limit_w = -1.0;
    bad[13].temp_limit_c = -(double)INFINITY;
    for (int i = 0; i < BAD_COUNT; i++) {
        CHECK_STATUS(ns_pmbus_open(&device, &bad[i], &fake_pmbus_ops, &part), NS_E_ARG);
    }
    bad[0] = good;
    bad[0].current_limit_a = 1e9;
    CHECK_STATUS(ns_pmbus_open(&device, &bad[0], &fake_pmbus_ops, &part), NS_E_RANGE);
    ns_bus_ops_t ops[2] = {fake_pmbus_ops, fake_pmbus_ops};
    ops[0].abi++;
    ops[1].transfer = NULL;
    CHECK_STATUS(ns_pmbus_open(&device, &good, &ops[0], &part), NS_E_ARG);
    CHECK_STATUS(ns_pmbus_open(&device, &good, &ops[1], &part), NS_E_ARG);
    CHECK_STATUS(ns_pmbus_open(&device, &good, NULL, &part), NS_E_ARG);
    CHECK_STATUS(ns_pmbus_open(&device, NULL, &fake_pmbus_ops, &part), NS_E_ARG);
    CHECK_STATUS(ns_pmbus_open(NULL, &good, &fake_pmbus_ops, &part), NS_E_ARG);
}

int main(void) {
    every_channel_of_the_part_is_decoded();
    a_poll_costs_no_transfer_beside_page_and_channels();
    the_limit_is_programmed_and_locked_at_the_first_begin();
    a_limit_is_verified_by_value_not_by_word();
    a_power_cycle_is_found_before_the_output_is_enabled();
    a_power_cycle_is_found_by_the_scrub();
    a_part_that_lost_its_limit_is_learnt_again_in_the_same_slot();
    one_wrong_read_of_the_lock_is_not_a_restart();
    an_operation_that_is_not_acknowledged_is_tried_once_more();
    one_mismatching_read_repairs_nothing();
    reads_that_disagree_about_two_limits_enable_nothing();
    a_part_that_restarts_in_a_slot_is_programmed_in_it();
    a_part_that_failed_is_checked_when_it_is_back();
    no_output_without_a_verified_limit();
    switching_off_needs_no_limit();
    a_page_that_does_not_stay_stops_everything();
    a_part_with_one_page_is_never_paged();
    a_wrong_check_code_is_noticed();
    without_pec_a_floating_bus_is_refused();
    with_pec_all_ones_is_a_number();
    a_failure_at_any_step_comes_out();
    only_enable_can_be_written_and_only_on_or_off();
    opening_checks_its_arguments();
    return 0;
}
