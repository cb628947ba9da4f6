#include <math.h>
#include <string.h>

#include "check.h"
#include "fake_pmbus.h"
#include "nightside/pmbus.h"

/* Registers that decide how the words of a part are read, and what else its settings do. */

static fake_pmbus_t part;
static ns_pmbus_t device;

static ns_pmbus_config_t config_of(uint32_t kind, uint32_t shunt_uohm) {
    return (ns_pmbus_config_t){.address = FAKE_ADDRESS,
                               .has_pec = 1,
                               .timeout_us = FAKE_TIMEOUT_US,
                               .part = kind,
                               .shunt_uohm = shunt_uohm};
}

static void open_with(const ns_pmbus_config_t *config) {
    CHECK_STATUS(ns_pmbus_open(&device, config, &fake_pmbus_ops, &part), NS_OK);
}

static ns_status_t begin_at(int64_t now_ns) {
    return ns_pmbus_ops.begin(&device, now_ns, UINT64_MAX);
}

static double value_of(uint32_t channel) {
    double value = (double)NAN;
    CHECK_STATUS(ns_pmbus_ops.read(&device, channel, &value), NS_OK);
    return value;
}

static ns_status_t status_of(uint32_t channel) {
    double value = 7.0;
    return ns_pmbus_ops.read(&device, channel, &value);
}

static void init_adm1275(uint8_t monitor) {
    fake_pmbus_init(&part);
    part.size[0x10] = 0; /* no WRITE_PROTECT */
    part.size[0x20] = 0; /* no VOUT_MODE */
    part.size[0x46] = 0; /* the limit is strapped */
    fake_pmbus_define(&part, 0x4A, 2, 0x0FFF);
    fake_pmbus_define(&part, 0xD3, 1, 0x00);
    fake_pmbus_define(&part, 0xD4, 1, monitor);
    fake_pmbus_define(&part, 0xD8, 1, 0x00);
    fake_pmbus_define(&part, 0xD9, FAKE_SEND, 0);
}

static void init_lm(uint8_t setup) {
    fake_pmbus_init(&part);
    part.size[0x10] = 0;
    part.size[0x20] = 0;
    part.size[0x46] = 0;
    fake_pmbus_define(&part, 0xD9, 1, setup);
}

static void without_the_range_of_its_pin_a_hot_swap_has_no_current(void) {
    static const uint32_t kinds[] = {NS_PMBUS_PART_LM25066, NS_PMBUS_PART_LM5066};
    for (size_t i = 0; i < 2; i++) {
        for (uint8_t setup = 0x00; setup <= 0x10; setup = (uint8_t)(setup + 0x10)) {
            init_lm(setup);
            ns_pmbus_config_t config = config_of(kinds[i], 1000);
            open_with(&config);
            CHECK_STATUS(begin_at(0), NS_OK);
            CHECK_STATUS(status_of(NS_PMBUS_CURRENT_A), NS_E_UNSUPPORTED);
            CHECK_STATUS(status_of(NS_PMBUS_INPUT_POWER_W), NS_E_UNSUPPORTED);
            config.sense_range = 3;
            CHECK_STATUS(ns_pmbus_open(&device, &config, &fake_pmbus_ops, &part), NS_E_ARG);
        }
    }
}

static void a_monitor_that_has_only_just_started_gives_no_reading(void) {
    init_adm1275(0x2C);
    ns_pmbus_config_t config = config_of(NS_PMBUS_PART_ADM1275, 1000);
    open_with(&config);
    CHECK_STATUS(begin_at(0), NS_OK);
    CHECK_STATUS(status_of(NS_PMBUS_CURRENT_A), NS_E_STALE);
    CHECK_EXACT(value_of(NS_PMBUS_ENABLE), 0.0);
    CHECK_STATUS(begin_at(49999999), NS_OK);
    CHECK_STATUS(status_of(NS_PMBUS_CURRENT_A), NS_E_STALE);
    CHECK_STATUS(begin_at(50000000), NS_OK);
    CHECK_STATUS(status_of(NS_PMBUS_CURRENT_A), NS_OK);
}

/** The part restarts between two rounds, or a bit turns over: the word means something else. */
static void a_range_that_changes_is_followed_at_once(void) {
    init_adm1275(0xAC);
    fake_pmbus_define(&part, 0x88, 2, 0x0900);
    fake_pmbus_define(&part, 0xD3, 1, 0x01);
    ns_pmbus_config_t config = config_of(NS_PMBUS_PART_ADM1275, 1000);
    config.current_limit_a = 10.0;
    open_with(&config);
    CHECK_STATUS(begin_at(0), NS_OK);
    CHECK_NEAR(value_of(NS_PMBUS_INPUT_VOLTAGE_V), 230400.0 / 19199.0);
    part.words[0][0xD4] = 0x8C;
    CHECK_STATUS(begin_at(200000000), NS_OK);
    CHECK_NEAR(value_of(NS_PMBUS_INPUT_VOLTAGE_V), 23040.0 / 6720.0);
    part.words[0][0xD3] = 0x00; /* stopped: found at the tenth round, which starts it */
    for (int round = 3; round < 13; round++) {
        CHECK_STATUS(begin_at(round * 100000000LL), NS_OK);
    }
    CHECK(part.words[0][0xD3] == 0x01);
}

/** What OPERATION needs to be acknowledged is gone with a restart: off must still be off. */
static void off_works_after_a_restart(void) {
    init_adm1275(0xAC);
    ns_pmbus_config_t config = config_of(NS_PMBUS_PART_ADM1275, 1000);
    open_with(&config);
    part.fails_command = 0x01;
    part.failure = NS_E_NACK;
    CHECK_STATUS(ns_pmbus_ops.write(&device, NS_PMBUS_ENABLE, 0.0), NS_E_NACK);
    CHECK(part.words[0][0xD8] == 0x20); /* enabled in between */
}

/** The range is at once as it was, the rest is not: only the limit tells of the restart. */
static void a_restart_found_by_a_switch_is_learnt_again_before_anything_is_read(void) {
    static const double limits_a[] = {10.0, 0.0};
    for (size_t i = 0; i < 2; i++) {
        init_adm1275(0xAC);
        part.gate = 0xD8;
        ns_pmbus_config_t config = config_of(NS_PMBUS_PART_ADM1275, 1000);
        config.current_limit_a = limits_a[i];
        open_with(&config);
        CHECK_STATUS(begin_at(0), NS_OK);
        CHECK_STATUS(begin_at(100000000), NS_OK);
        CHECK_STATUS(status_of(NS_PMBUS_CURRENT_A), NS_OK);
        fake_pmbus_power_up(&part);
        CHECK_STATUS(ns_pmbus_ops.write(&device, NS_PMBUS_ENABLE, 1.0), NS_OK);
        CHECK(part.words[0][0x01] == 0x80 && part.words[0][0xD3] == 0x01);
        CHECK(part.words[0][0x4A] == (i == 0 ? 2854 : 0x0FFF));
        CHECK_STATUS(status_of(NS_PMBUS_CURRENT_A), NS_E_STALE);
        CHECK_STATUS(begin_at(200000000), NS_OK);
        CHECK_STATUS(status_of(NS_PMBUS_CURRENT_A), NS_OK);
    }
}

static void what_is_not_learnt_again_is_not_read(void) {
    init_adm1275(0xAC);
    part.gate = 0xD8;
    ns_pmbus_config_t config = config_of(NS_PMBUS_PART_ADM1275, 1000);
    open_with(&config);
    CHECK_STATUS(begin_at(0), NS_OK);
    CHECK_STATUS(begin_at(100000000), NS_OK);
    fake_pmbus_power_up(&part);
    part.fails_command = 0xD8;
    part.failure = NS_E_NACK;
    CHECK_STATUS(ns_pmbus_ops.write(&device, NS_PMBUS_ENABLE, 1.0), NS_E_NACK);
    CHECK_STATUS(status_of(NS_PMBUS_CURRENT_A), NS_E_STALE);
    part.fails_command = -1;
    CHECK_STATUS(begin_at(200000000), NS_OK);
    CHECK_STATUS(begin_at(300000000), NS_OK);
    CHECK_STATUS(status_of(NS_PMBUS_CURRENT_A), NS_OK);
}

/** OPERATION_CMD_EN by itself, as by an upset. */
static void device_config_is_part_of_the_tenth_check(void) {
    init_adm1275(0xAC);
    ns_pmbus_config_t config = config_of(NS_PMBUS_PART_ADM1275, 1000);
    open_with(&config);
    CHECK_STATUS(begin_at(0), NS_OK);
    part.words[0][0xD8] = 0x00;
    for (int round = 1; round <= 10; round++) {
        CHECK_STATUS(begin_at(round * 100000000LL), NS_OK);
    }
    CHECK(part.words[0][0xD8] == 0x20);
}

static void a_limit_needs_the_range_of_the_pin(void) {
    init_lm(0x00);
    fake_pmbus_define(&part, 0xD3, 2, 0x0FFF);
    ns_pmbus_config_t config = config_of(NS_PMBUS_PART_LM5066, 1000);
    config.current_limit_a = 20.0;
    open_with(&config);
    CHECK_STATUS(begin_at(0), NS_E_UNSUPPORTED);
    CHECK_STATUS(ns_pmbus_ops.write(&device, NS_PMBUS_ENABLE, 1.0), NS_E_UNSUPPORTED);
    CHECK(part.words[0][0x01] == 0);
}

int main(void) {
    a_restart_found_by_a_switch_is_learnt_again_before_anything_is_read();
    what_is_not_learnt_again_is_not_read();
    device_config_is_part_of_the_tenth_check();
    a_limit_needs_the_range_of_the_pin();
    without_the_range_of_its_pin_a_hot_swap_has_no_current();
    a_monitor_that_has_only_just_started_gives_no_reading();
    a_range_that_changes_is_followed_at_once();
    off_works_after_a_restart();
    return 0;
}
