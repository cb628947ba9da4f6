#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "fake_pmbus.h"
#include "nightside/codec.h"
#include "nightside/pmbus.h"

/* What a generic part says about itself, and how far it is believed. */

#define KNOWN_LINEAR 0xA0  /* known, readable, linear */
#define KNOWN_HALF 0xA8    /* format 2 */
#define KNOWN_DIRECT 0xAC  /* format 3 */
#define KNOWN_VID 0xB4     /* format 5 */
#define KNOWN_SPECIAL 0xB8 /* format 6: the maker's own */

static fake_pmbus_t part;
static ns_pmbus_t device;

static void open_part(uint8_t vout_mode) {
    ns_pmbus_config_t config = {
        .address = FAKE_ADDRESS, .has_pec = 1, .timeout_us = FAKE_TIMEOUT_US};
    fake_pmbus_init(&part);
    fake_pmbus_define(&part, 0x20, 1, vout_mode);
    CHECK_STATUS(ns_pmbus_open(&device, &config, &fake_pmbus_ops, &part), NS_OK);
}

static ns_status_t begin(void) {
    return ns_pmbus_ops.begin(&device, 0, UINT64_MAX);
}

static ns_status_t read_channel(uint32_t channel, double *out) {
    return ns_pmbus_ops.read(&device, channel, out);
}

static void check_value(uint32_t channel, double expected) {
    double value = (double)NAN;
    CHECK_STATUS(read_channel(channel, &value), NS_OK);
    CHECK_NEAR(value, expected);
}

static void check_unsupported(uint32_t channel) {
    double value = 7.0;
    CHECK_STATUS(read_channel(channel, &value), NS_E_UNSUPPORTED);
    CHECK_EXACT(value, 7.0);
}

static void set_coefficients(uint8_t command, int32_t m, int32_t b, int32_t r) {
    const uint8_t bytes[5] = {(uint8_t)m, (uint8_t)((uint32_t)m >> 8), (uint8_t)b,
                              (uint8_t)((uint32_t)b >> 8), (uint8_t)r};
    memcpy(part.coefficients[command], bytes, sizeof bytes);
}

/** Asking would leave a fault in STATUS_CML that nobody may clear. */
static void a_linear_part_is_not_asked_what_it_may_not_know(void) {
    open_part(0x17);
    CHECK_STATUS(begin(), NS_OK);
    CHECK(part.read_count[0x1A] == 0 && part.words[0][0x7E] == 0);
    CHECK(ns_pmbus_ops.alarm(&device) == 0);
    check_value(NS_PMBUS_VOLTAGE_V, 54.0);
    unsigned learnt = part.read_count[0x19] + part.read_count[0x20];
    for (int i = 0; i < 20; i++) {
        CHECK_STATUS(begin(), NS_OK);
    }
    CHECK(part.read_count[0x19] + part.read_count[0x20] == learnt);
}

static void formats_and_coefficients_are_asked_for(void) {
    open_part(0x40);
    part.has_query = true;
    part.query[0x8B] = KNOWN_DIRECT;
    part.query[0x8C] = KNOWN_DIRECT;
    part.query[0x96] = KNOWN_LINEAR;
    part.query[0x8D] = KNOWN_HALF;
    part.query[0x88] = KNOWN_SPECIAL;
    part.query[0x89] = 0x20; /* not known */
    part.query[0x97] = KNOWN_DIRECT;
    set_coefficients(0x8B, 19199, 0, -2);
    set_coefficients(0x8C, -807, 20475, -1);
    set_coefficients(0x97, 0, 5, 1); /* m of 0 has no meaning */
    fake_pmbus_define(&part, 0x8B, 2, 0x0900);
    fake_pmbus_define(&part, 0x8D, 2, 0x4A00);
    CHECK_STATUS(begin(), NS_OK);
    check_value(NS_PMBUS_VOLTAGE_V, 230400.0 / 19199.0);
    fake_pmbus_define(&part, 0x8C, 2, 0x0C00);
    check_value(NS_PMBUS_CURRENT_A, -10245.0 / 807.0);
    check_value(NS_PMBUS_POWER_W, 250.0);
    check_value(NS_PMBUS_TEMP_C, 12.0);
    check_unsupported(NS_PMBUS_INPUT_VOLTAGE_V);
    check_unsupported(NS_PMBUS_INPUT_CURRENT_A);
    check_unsupported(NS_PMBUS_INPUT_POWER_W);
    check_unsupported(NS_PMBUS_EXTERNAL_TEMP_C);
}

static void two_sensors_have_two_scales(void) {
    open_part(0x40);
    part.has_query = true;
    part.query[0x8D] = KNOWN_DIRECT;
    part.query[0x8E] = KNOWN_DIRECT;
    set_coefficients(0x8D, 42, 31871, -1);
    set_coefficients(0x8E, 1, 0, 1);
    fake_pmbus_define(&part, 0x8D, 2, 0x0CDC);
    fake_pmbus_define(&part, 0x8E, 2, 251);
    CHECK_STATUS(begin(), NS_OK);
    check_value(NS_PMBUS_TEMP_C, 1049.0 / 42.0);
    check_value(NS_PMBUS_EXTERNAL_TEMP_C, 25.1);
}

/** Its limit is then written in its own format, and rounded by value although m is negative. */
static void a_learnt_format_holds_for_the_limit_too(void) {
    open_part(0x40);
    part.has_query = true;
    part.query[0x8C] = KNOWN_DIRECT;
    set_coefficients(0x8C, -100, 0, -1); /* 0.1 A a step, downward */
    device.config.current_limit_a = 0.0;
    ns_pmbus_config_t config = device.config;
    config.current_limit_a = 3.33;
    CHECK_STATUS(ns_pmbus_open(&device, &config, &fake_pmbus_ops, &part), NS_OK);
    CHECK_STATUS(ns_pmbus_ops.write(&device, NS_PMBUS_ENABLE, 1.0), NS_OK);
    CHECK(part.words[0][0x46] == (uint16_t)-33); /* 3.3 A: not above what was asked */
}

static void a_direct_voltage_without_coefficients_is_unsupported(void) {
    open_part(0x40); /* QUERY is not known */
    CHECK_STATUS(begin(), NS_OK);
    check_unsupported(NS_PMBUS_VOLTAGE_V);
    check_value(NS_PMBUS_CURRENT_A, 10.0);
    open_part(0x40); /* COEFFICIENTS alone is not known */
    part.has_query = true;
    part.query[0x8B] = KNOWN_DIRECT;
    part.fails_command = 0x30;
    part.failure = NS_E_NACK;
    CHECK_STATUS(begin(), NS_OK);
    check_unsupported(NS_PMBUS_VOLTAGE_V);
}

static void a_voltage_in_vid_needs_its_table(void) {
    open_part(0x3F); /* VID of the maker's own */
    CHECK_STATUS(begin(), NS_OK);
    check_unsupported(NS_PMBUS_VOLTAGE_V);
    ns_pmbus_config_t config = device.config;
    config.vid = 3; /* VR13 */
    part.has_query = true;
    part.query[0x8B] = KNOWN_VID;
    part.query[0x8C] = KNOWN_LINEAR;
    CHECK_STATUS(ns_pmbus_open(&device, &config, &fake_pmbus_ops, &part), NS_OK);
    fake_pmbus_define(&part, 0x8B, 2, 0x01);
    CHECK_STATUS(begin(), NS_OK);
    check_value(NS_PMBUS_VOLTAGE_V, 0.5);
    double value = 7.0;
    part.words[0][0x8B] = 0x0100; /* no such code */
    CHECK_STATUS(read_channel(NS_PMBUS_VOLTAGE_V, &value), NS_E_RANGE);
    config.voltage_limit_v_high = 1.256; /* between two codes */
    fake_pmbus_define(&part, 0x40, 2, 0);
    CHECK_STATUS(ns_pmbus_open(&device, &config, &fake_pmbus_ops, &part), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    CHECK(part.words[0][0x40] == 76); /* 1.25 V */
}

static void half_precision_is_read_where_the_part_says_so(void) {
    open_part(0x60);
    fake_pmbus_define(&part, 0x19, 1, 0xB8); /* CAPABILITY: IEEE half */
    fake_pmbus_define(&part, 0x8B, 2, 0x3ACD);
    fake_pmbus_define(&part, 0x8C, 2, 0xC000);
    fake_pmbus_define(&part, 0x4F, 2, 0);
    ns_pmbus_config_t config = device.config;
    config.temp_limit_c = 85.01;
    CHECK_STATUS(ns_pmbus_open(&device, &config, &fake_pmbus_ops, &part), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    check_value(NS_PMBUS_VOLTAGE_V, 0.85009765625);
    check_value(NS_PMBUS_CURRENT_A, -2.0);
    CHECK(part.words[0][0x4F] == 0x5550); /* 85.0 */
    double value = 7.0;
    part.words[0][0x8C] = 0x7C00; /* infinity */
    CHECK_STATUS(read_channel(NS_PMBUS_CURRENT_A, &value), NS_E_RANGE);
}

static void a_part_without_vout_mode_still_has_its_other_channels(void) {
    open_part(0x17);
    part.size[0x20] = 0;
    part.size[0x19] = 0;
    CHECK_STATUS(begin(), NS_OK);
    check_unsupported(NS_PMBUS_VOLTAGE_V);
    check_value(NS_PMBUS_CURRENT_A, 10.0);
}

static void a_mode_that_cannot_be_is_refused(void) {
    open_part(0x5F); /* direct with a parameter */
    CHECK_STATUS(begin(), NS_E_RANGE);
}

static void limits_relative_to_vout_command_are_refused(void) {
    open_part(0x97); /* linear, relative */
    CHECK_STATUS(begin(), NS_OK);
    check_value(NS_PMBUS_VOLTAGE_V, 54.0);
    ns_pmbus_config_t config = device.config;
    config.voltage_limit_v_high = 60.0;
    config.voltage_limit_v_low = (double)NAN; /* none */
    CHECK_STATUS(ns_pmbus_open(&device, &config, &fake_pmbus_ops, &part), NS_OK);
    CHECK_STATUS(begin(), NS_E_UNSUPPORTED);
    CHECK_STATUS(ns_pmbus_ops.write(&device, NS_PMBUS_ENABLE, 1.0), NS_E_UNSUPPORTED);
    CHECK(!fake_pmbus_wrote(&part, 0x01));
}

/** A part that says PEC and shows it gets PEC; one that only says so does not. */
static void pec_is_used_where_it_is_proved(void) {
    open_part(0x17);
    ns_pmbus_config_t config = device.config;
    config.has_pec = 0;
    CHECK_STATUS(ns_pmbus_open(&device, &config, &fake_pmbus_ops, &part), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    CHECK(device.has_pec && part.words[0][0x10] == 0x40); /* the lock was written with PEC */
    part.pec_error = 1;
    double value = 7.0;
    CHECK_STATUS(read_channel(NS_PMBUS_CURRENT_A, &value), NS_E_PEC);
    CHECK_STATUS(ns_pmbus_open(&device, &config, &fake_pmbus_ops, &part), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    CHECK(!device.has_pec);
    check_value(NS_PMBUS_CURRENT_A, 10.0);
    CHECK_STATUS(ns_pmbus_open(&device, &config, &fake_pmbus_ops, &part), NS_OK);
    part.pec_error = 0;
    part.fails_at = part.transfer_count + 4; /* the second proof */
    part.fails_until = part.fails_at;
    part.failure = NS_E_TIMEOUT;
    CHECK_STATUS(begin(), NS_E_TIMEOUT);
}

static void a_command_that_is_not_there_is_given_up_for_good(void) {
    open_part(0x17);
    CHECK_STATUS(begin(), NS_OK);
    check_unsupported(NS_PMBUS_INPUT_VOLTAGE_V);
    unsigned before = part.transfer_count;
    check_unsupported(NS_PMBUS_INPUT_VOLTAGE_V);
    CHECK(part.transfer_count == before);
}

/** A lost byte is not a missing command, whatever an old STATUS_CML says. */
static void one_nack_gives_up_nothing(void) {
    double value = 0.0;
    open_part(0x17);
    CHECK_STATUS(begin(), NS_OK);
    part.fails_at = part.transfer_count + 1;
    part.fails_until = part.fails_at;
    part.failure = NS_E_NACK;
    CHECK_STATUS(read_channel(NS_PMBUS_CURRENT_A, &value), NS_E_NACK);
    check_value(NS_PMBUS_CURRENT_A, 10.0);
    part.words[0][0x7E] = 0x80;
    part.fails_at = part.transfer_count + 1;
    part.fails_until = part.fails_at;
    check_value(NS_PMBUS_CURRENT_A, 10.0);
    part.fails_at = part.transfer_count + 1; /* the whole part is gone */
    part.fails_until = part.fails_at + 10;
    CHECK_STATUS(read_channel(NS_PMBUS_CURRENT_A, &value), NS_E_NACK);
    part.fails_at = 0;
    check_value(NS_PMBUS_CURRENT_A, 10.0);
}

int main(void) {
    a_linear_part_is_not_asked_what_it_may_not_know();
    formats_and_coefficients_are_asked_for();
    two_sensors_have_two_scales();
    a_learnt_format_holds_for_the_limit_too();
    a_direct_voltage_without_coefficients_is_unsupported();
    a_voltage_in_vid_needs_its_table();
    half_precision_is_read_where_the_part_says_so();
    a_part_without_vout_mode_still_has_its_other_channels();
    a_mode_that_cannot_be_is_refused();
    limits_relative_to_vout_command_are_refused();
    pec_is_used_where_it_is_proved();
    a_command_that_is_not_there_is_given_up_for_good();
    one_nack_gives_up_nothing();
    return 0;
}
