#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "nightside/codec.h"
#include "nightside/pmbus.h"

#define PAGES 4

/** A part with PEC and pages; its registers survive nothing. */
typedef struct fake_part {
    uint8_t page;
    uint8_t protect;
    uint8_t operation[PAGES];
    uint16_t limit[PAGES];
    uint16_t vout[PAGES];
    uint8_t vout_mode;
    uint16_t status_word;
    bool has_pec;
    bool is_page_stuck;
    bool is_limit_stuck;
    bool is_protect_stuck;
    bool is_floating;
    uint8_t pec_error;
    uint8_t fails_at; /**< command answered with `failure` */
    ns_status_t failure;
    unsigned transfer_count;
    unsigned write_count; /**< of registers other than PAGE */
} fake_part_t;

static fake_part_t part;
static ns_pmbus_t device;

static void power_up(void) {
    part.page = 0;
    part.protect = 0;
    for (int i = 0; i < PAGES; i++) {
        part.operation[i] = 0;
        part.limit[i] = 0x0005;
    }
}

static uint16_t register_value(uint8_t command) {
    switch (command) {
    case 0x00:
        return part.page;
    case 0x01:
        return part.operation[part.page];
    case 0x10:
        return part.protect;
    case 0x20:
        return part.vout_mode;
    case 0x46:
        return part.limit[part.page];
    case 0x79:
        return part.status_word;
    case 0x8B:
        return part.vout[part.page];
    case 0x8C:
        return 0xD280; /* 10 A */
    case 0x8D:
        return 0xE320; /* 50 degC */
    case 0x96:
        return 0xF3E8; /* 250 W */
    default:
        CHECK(false);
        return 0;
    }
}

static void write_register(uint8_t command, uint16_t value) {
    if (command == 0x00) {
        part.page = part.is_page_stuck ? part.page : (uint8_t)value;
        return;
    }
    part.write_count++;
    if (command == 0x10) {
        part.protect = part.is_protect_stuck ? part.protect : (uint8_t)value;
    } else if (command == 0x01) {
        part.operation[part.page] = (uint8_t)value;
    } else {
        CHECK(command == 0x46 && part.protect == 0);
        part.limit[part.page] = part.is_limit_stuck ? part.limit[part.page] : value;
    }
}

static ns_status_t fake_transfer(void *ctx, uint8_t address, const uint8_t *write,
                                 size_t write_size, uint8_t *read, size_t read_size,
                                 uint32_t timeout_us) {
    CHECK(ctx == &part && address == 0x40 && timeout_us == 35000);
    part.transfer_count++;
    uint8_t command = write[0];
    if (part.failure != NS_OK && (part.fails_at == command || part.fails_at == 0xFF)) {
        return part.failure;
    }
    uint8_t head[3] = {0x80, command, 0x81};
    if (read_size == 0) {
        size_t size = write_size - (part.has_pec ? 1 : 0);
        uint8_t pec = ns_pec(ns_pec(0, head, 1), write, size);
        CHECK(!part.has_pec || pec == write[size]);
        write_register(command, (uint16_t)(write[1] | (size > 2 ? write[2] << 8 : 0)));
        return NS_OK;
    }
    size_t size = read_size - (part.has_pec ? 1 : 0);
    uint16_t value = part.is_floating ? 0xFFFF : register_value(command);
    read[0] = (uint8_t)value;
    read[1] = (uint8_t)(value >> 8);
    if (part.has_pec) {
        read[size] = (uint8_t)(ns_pec(ns_pec(0, head, 3), read, size) ^ part.pec_error);
    }
    return NS_OK;
}

static const ns_bus_ops_t bus_ops = {.abi = NS_BUS_OPS_ABI, .transfer = fake_transfer};

static ns_pmbus_config_t config_of(bool has_page, double limit_a) {
    return (ns_pmbus_config_t){.address = 0x40,
                               .has_page = has_page ? 1 : 0,
                               .page = has_page ? 2 : 0,
                               .has_pec = 1,
                               .timeout_us = 35000,
                               .current_limit_a = limit_a};
}

/** Page 2 of a four-page part with a limit of 3.3 A. */
static void open_device(void) {
    memset(&part, 0, sizeof part);
    part.has_pec = true;
    part.vout_mode = 0x17;
    part.status_word = 0x0840;
    part.vout[2] = 54 << 9;
    power_up();
    ns_pmbus_config_t config = config_of(true, 3.3);
    CHECK_STATUS(ns_pmbus_open(&device, &config, &bus_ops, &part), NS_OK);
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

static void every_channel_is_decoded(void) {
    static const double expected[] = {54.0, 10.0, 250.0, 50.0, 0x0840, 0.0};
    open_device();
    CHECK_STATUS(begin(), NS_OK);
    for (uint32_t channel = 0; channel < NS_PMBUS_CHANNEL_COUNT; channel++) {
        double value = -1.0;
        CHECK_STATUS(read_channel(channel, &value), NS_OK);
        CHECK_EXACT(value, expected[channel]);
    }
    double value = -1.0;
    part.operation[2] = 0x80;
    CHECK_STATUS(read_channel(NS_PMBUS_ENABLE, &value), NS_OK);
    CHECK_EXACT(value, 1.0);
    CHECK_STATUS(read_channel(NS_PMBUS_CHANNEL_COUNT, &value), NS_E_ARG);
}

/** The limit is in the silicon and locked before anything is enabled, rounded down. */
static void the_limit_is_programmed_and_locked_at_the_first_begin(void) {
    open_device();
    CHECK_STATUS(begin(), NS_OK);
    CHECK(part.limit[2] == 0xC34C && part.protect == 0x40); /* 3.296875; nearest would be 3.30078 */
    CHECK(part.limit[0] == 0x0005 && device.program_count == 1);
}

static void a_limit_is_verified_by_value_not_by_word(void) {
    open_device();
    ns_pmbus_config_t config = config_of(true, 8.0);
    CHECK_STATUS(ns_pmbus_open(&device, &config, &bus_ops, &part), NS_OK);
    part.limit[2] = 0x1801; /* 8 A with another exponent than ours */
    part.protect = 0x40;
    CHECK_STATUS(begin(), NS_OK);
    CHECK(device.program_count == 0 && part.write_count == 0);
}

static void a_power_cycle_is_found_before_the_output_is_enabled(void) {
    open_device();
    CHECK_STATUS(enable(1.0), NS_OK);
    CHECK(part.limit[2] == 0xC34C && part.protect == 0x40 && part.operation[2] == 0x80);
    power_up();
    CHECK_STATUS(enable(1.0), NS_OK);
    CHECK(part.limit[2] == 0xC34C && part.protect == 0x40 && part.operation[2] == 0x80);
    CHECK(device.program_count == 2 && part.page == 2);
    part.protect = 0; /* the lock alone is gone */
    CHECK_STATUS(enable(1.0), NS_OK);
    CHECK(part.protect == 0x40 && device.program_count == 2);
}

static void a_power_cycle_is_found_by_the_scrub(void) {
    open_device();
    CHECK_STATUS(begin(), NS_OK);
    power_up();
    for (int i = 0; i < 10; i++) {
        CHECK_STATUS(begin(), NS_OK);
    }
    CHECK(part.limit[2] == 0xC34C && part.protect == 0x40);
}

static void a_part_that_failed_is_checked_when_it_is_back(void) {
    open_device();
    CHECK_STATUS(begin(), NS_OK);
    part.fails_at = 0xFF;
    part.failure = NS_E_NACK;
    CHECK_STATUS(begin(), NS_E_NACK);
    power_up();
    part.vout_mode = 0x18;
    part.failure = NS_OK;
    CHECK_STATUS(begin(), NS_OK);
    CHECK(part.limit[2] == 0xC34C);
    double value = 0.0;
    CHECK_STATUS(read_channel(NS_PMBUS_VOLTAGE_V, &value), NS_OK);
    CHECK_EXACT(value, 108.0);
}

static void no_output_without_a_verified_limit(void) {
    open_device();
    part.is_limit_stuck = true;
    CHECK_STATUS(enable(1.0), NS_E_RANGE);
    CHECK(part.operation[2] == 0 && part.protect == 0x40);
    CHECK_STATUS(begin(), NS_E_RANGE);
    part.is_limit_stuck = false;
    part.is_protect_stuck = true;
    CHECK_STATUS(enable(1.0), NS_E_RANGE);
    CHECK(part.operation[2] == 0);
    part.protect = 0x80; /* neither open nor as it should be */
    CHECK_STATUS(enable(1.0), NS_E_RANGE);
}

static void switching_off_needs_no_limit(void) {
    open_device();
    part.operation[2] = 0x80;
    part.is_limit_stuck = true;
    part.is_protect_stuck = true;
    CHECK_STATUS(enable(0.0), NS_OK);
    CHECK(part.operation[2] == 0 && part.transfer_count == 3); /* PAGE, its read-back, OPERATION */
}

static void a_page_that_does_not_stay_stops_everything(void) {
    open_device();
    CHECK_STATUS(begin(), NS_OK);
    part.page = 1;
    part.is_page_stuck = true;
    CHECK_STATUS(begin(), NS_E_PAGE);
    CHECK_STATUS(enable(1.0), NS_E_PAGE);
    CHECK_STATUS(enable(0.0), NS_E_PAGE);
    CHECK(part.operation[1] == 0);
}

static void a_part_with_one_page_is_never_paged(void) {
    open_device();
    ns_pmbus_config_t config = config_of(false, 0.0);
    CHECK_STATUS(ns_pmbus_open(&device, &config, &bus_ops, &part), NS_OK);
    part.fails_at = 0x00;
    part.failure = NS_E_NACK;
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(enable(1.0), NS_OK);
    CHECK(part.operation[0] == 0x80 && part.protect == 0x40); /* no limit, and locked */
}

static void a_wrong_check_code_is_noticed(void) {
    open_device();
    CHECK_STATUS(begin(), NS_OK);
    part.pec_error = 1;
    double value = 7.0;
    for (uint32_t channel = 0; channel < NS_PMBUS_CHANNEL_COUNT; channel++) {
        CHECK_STATUS(read_channel(channel, &value), NS_E_PEC);
    }
    CHECK_STATUS(begin(), NS_E_PEC);
    CHECK_EXACT(value, 7.0);
}

static void without_pec_a_floating_bus_is_refused(void) {
    open_device();
    ns_pmbus_config_t config = config_of(false, 0.0);
    config.has_pec = 0;
    part.has_pec = false;
    CHECK_STATUS(ns_pmbus_open(&device, &config, &bus_ops, &part), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    part.is_floating = true;
    double value = 7.0;
    for (uint32_t channel = 0; channel < NS_PMBUS_CHANNEL_COUNT; channel++) {
        CHECK_STATUS(read_channel(channel, &value), NS_E_RANGE);
    }
    CHECK_EXACT(value, 7.0);
}

static void with_pec_all_ones_is_a_number(void) {
    open_device();
    CHECK_STATUS(begin(), NS_OK);
    part.is_floating = true;
    double value = 7.0;
    CHECK_STATUS(read_channel(NS_PMBUS_CURRENT_A, &value), NS_OK);
    CHECK_EXACT(value, -0.5);
    CHECK_STATUS(read_channel(NS_PMBUS_ENABLE, &value), NS_E_RANGE); /* no such OPERATION */
}

static void a_voltage_that_is_not_linear_is_unsupported(void) {
    open_device();
    part.vout_mode = 0x21;
    CHECK_STATUS(begin(), NS_OK);
    double value = 7.0;
    CHECK_STATUS(read_channel(NS_PMBUS_VOLTAGE_V, &value), NS_E_UNSUPPORTED);
    CHECK_STATUS(read_channel(NS_PMBUS_CURRENT_A, &value), NS_OK);
}

/** Whatever step fails, its status comes out and the output is not enabled. */
static void a_failure_at_any_step_comes_out(void) {
    static const uint8_t steps[] = {0x00, 0x10, 0x46, 0x01};
    for (size_t i = 0; i < sizeof steps; i++) {
        open_device();
        part.fails_at = steps[i];
        part.failure = NS_E_TIMEOUT;
        CHECK_STATUS(enable(1.0), NS_E_TIMEOUT);
        CHECK(part.operation[2] == 0);
    }
    open_device();
    part.fails_at = 0x20;
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
    ns_pmbus_config_t good = config_of(true, 3.3);
    ns_pmbus_config_t bad[6];
    for (int i = 0; i < 6; i++) {
        bad[i] = good;
    }
    bad[0].address = 0x07;
    bad[1].address = 0x78;
    bad[2].page = 32;
    bad[3].timeout_us = 0;
    bad[4].current_limit_a = -1.0;
    bad[5].current_limit_a = (double)NAN;
    for (int i = 0; i < 6; i++) {
        CHECK_STATUS(ns_pmbus_open(&device, &bad[i], &bus_ops, &part), NS_E_ARG);
    }
    bad[0] = good;
    bad[0].current_limit_a = 1e9;
    CHECK_STATUS(ns_pmbus_open(&device, &bad[0], &bus_ops, &part), NS_E_RANGE);
    ns_bus_ops_t ops[2] = {bus_ops, bus_ops};
    ops[0].abi++;
    ops[1].transfer = NULL;
    CHECK_STATUS(ns_pmbus_open(&device, &good, &ops[0], &part), NS_E_ARG);
    CHECK_STATUS(ns_pmbus_open(&device, &good, &ops[1], &part), NS_E_ARG);
    CHECK_STATUS(ns_pmbus_open(&device, &good, NULL, &part), NS_E_ARG);
    CHECK_STATUS(ns_pmbus_open(&device, NULL, &bus_ops, &part), NS_E_ARG);
    CHECK_STATUS(ns_pmbus_open(NULL, &good, &bus_ops, &part), NS_E_ARG);
}

int main(void) {
    every_channel_is_decoded();
    the_limit_is_programmed_and_locked_at_the_first_begin();
    a_limit_is_verified_by_value_not_by_word();
    a_power_cycle_is_found_before_the_output_is_enabled();
    a_power_cycle_is_found_by_the_scrub();
    a_part_that_failed_is_checked_when_it_is_back();
    no_output_without_a_verified_limit();
    switching_off_needs_no_limit();
    a_page_that_does_not_stay_stops_everything();
    a_part_with_one_page_is_never_paged();
    a_wrong_check_code_is_noticed();
    without_pec_a_floating_bus_is_refused();
    with_pec_all_ones_is_a_number();
    a_voltage_that_is_not_linear_is_unsupported();
    a_failure_at_any_step_comes_out();
    only_enable_can_be_written_and_only_on_or_off();
    opening_checks_its_arguments();
    return 0;
}
