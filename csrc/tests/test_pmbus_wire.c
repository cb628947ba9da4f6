#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "device/pmbus_state.h"
#include "fake_pmbus.h"

/* What goes over the wire: blocks, calls, patience, and what may be written at all. */

static fake_pmbus_t part;
static ns_pmbus_t device;

static void open_part(uint32_t kind) {
    ns_pmbus_config_t config = {
        .address = FAKE_ADDRESS,
        .has_pec = 1,
        .timeout_us = FAKE_TIMEOUT_US,
        .part = kind,
        .shunt_uohm = kind >= NS_PMBUS_PART_ADM1272 && kind <= NS_PMBUS_PART_LM5066 ? 1000 : 0};
    fake_pmbus_init(&part);
    CHECK_STATUS(ns_pmbus_open(&device, &config, &fake_pmbus_ops, &part), NS_OK);
}

static void a_block_is_read_length_first_then_whole(void) {
    static const uint8_t block[] = {3, 'L', 'T', 'C'};
    uint8_t out[32] = {0};
    size_t size = 0;
    open_part(NS_PMBUS_PART_GENERIC);
    part.blocks[0x99] = block;
    CHECK_STATUS(ns_pmbus_read_block(&device, 0x99, out, sizeof out, &size), NS_OK);
    CHECK(size == 3 && memcmp(out, "LTC", 3) == 0 && part.transfer_count == 2);
    part.pec_error = 1;
    CHECK_STATUS(ns_pmbus_read_block(&device, 0x99, out, sizeof out, &size), NS_E_PEC);
    part.pec_error = 0;
    CHECK_STATUS(ns_pmbus_read_block(&device, 0x99, out, 2, &size), NS_E_PROTOCOL);
    CHECK(size == 3);
}

static void a_block_of_a_bad_length_is_refused(void) {
    uint8_t block[256] = {0};
    uint8_t out[64] = {0};
    size_t size = 0;
    static const uint8_t bad[] = {0, 33, 255};
    for (size_t i = 0; i < sizeof bad; i++) {
        open_part(NS_PMBUS_PART_GENERIC);
        block[0] = bad[i];
        part.blocks[0x99] = block;
        CHECK_STATUS(ns_pmbus_read_block(&device, 0x99, out, sizeof out, &size), NS_E_PROTOCOL);
        CHECK(part.transfer_count == 1 && size == 0);
    }
    open_part(NS_PMBUS_PART_GENERIC);
    block[0] = 32; /* the longest there is */
    part.blocks[0x99] = block;
    CHECK_STATUS(ns_pmbus_read_block(&device, 0x99, out, sizeof out, &size), NS_OK);
    CHECK(size == 32);
}

/** The length changes between the two reads: a part that restarted. */
static ns_status_t moody_transfer(void *ctx, uint8_t address, const uint8_t *write,
                                  size_t write_size, uint8_t *read, size_t read_size,
                                  uint32_t timeout_us) {
    static const uint8_t first[64] = {40};
    static const uint8_t second[64] = {2};
    fake_pmbus_t *self = ctx;
    self->blocks[write[0]] = self->transfer_count % 2 == 0 ? first : second;
    return fake_pmbus_ops.transfer(ctx, address, write, write_size, read, read_size, timeout_us);
}

static void a_length_that_changes_is_refused(void) {
    static const ns_bus_ops_t moody = {.abi = NS_BUS_OPS_ABI, .transfer = moody_transfer};
    uint8_t out[32] = {0};
    size_t size = 0;
    open_part(NS_PMBUS_PART_GENERIC);
    device.bus_ops = &moody;
    part.has_pec = false;
    device.has_pec = false;
    CHECK_STATUS(ns_pmbus_read_log(&device, 0xEE, 0, out, 8, &size), NS_E_PROTOCOL);
    part.transfer_count = 1; /* short first, long then */
    CHECK_STATUS(ns_pmbus_read_block(&device, 0x99, out, 8, &size), NS_E_PROTOCOL);
    CHECK(size == 0);
}

static void the_head_of_a_long_log_is_read(void) {
    uint8_t block[256];
    uint8_t out[64] = {0};
    size_t size = 0;
    for (size_t i = 0; i < sizeof block; i++) {
        block[i] = (uint8_t)i;
    }
    block[0] = 147;
    open_part(NS_PMBUS_PART_GENERIC);
    part.blocks[0xEE] = block;
    CHECK_STATUS(ns_pmbus_read_log(&device, 0xEE, 147, out, sizeof out, &size), NS_OK);
    CHECK(size == 32 && out[0] == 1 && out[31] == 32 && out[32] == 0);
    CHECK_STATUS(ns_pmbus_read_log(&device, 0xEE, 0, out, 8, &size), NS_OK);
    CHECK(size == 8);
    CHECK_STATUS(ns_pmbus_read_log(&device, 0xEE, 255, out, sizeof out, &size), NS_E_PROTOCOL);
    block[0] = 255; /* a floating bus, unless the part says so */
    CHECK_STATUS(ns_pmbus_read_log(&device, 0xEE, 0, out, sizeof out, &size), NS_E_PROTOCOL);
    CHECK_STATUS(ns_pmbus_read_log(&device, 0xEE, 255, out, sizeof out, &size), NS_OK);
    block[0] = 12; /* short enough for its check code */
    CHECK_STATUS(ns_pmbus_read_log(&device, 0xEE, 0, out, sizeof out, &size), NS_OK);
    CHECK(size == 12);
    part.fails_command = 0xEE;
    part.failure = NS_E_NACK;
    CHECK_STATUS(ns_pmbus_read_log(&device, 0xEE, 0, out, sizeof out, &size), NS_E_NACK);
}

static void a_call_checks_the_length_of_its_answer(void) {
    static const uint8_t argument[3] = {0x8B, 1, 0};
    uint8_t out[40] = {0};
    open_part(NS_PMBUS_PART_GENERIC);
    part.has_query = true;
    part.coefficients[0x8B][0] = 7;
    CHECK_STATUS(ns_pmbus_call(&device, 0x30, argument, 2, out, 5), NS_OK);
    CHECK(out[0] == 7);
    CHECK_STATUS(ns_pmbus_call(&device, 0x30, argument, 2, out, 4), NS_E_PEC);
    device.has_pec = false;
    part.has_pec = false;
    CHECK_STATUS(ns_pmbus_call(&device, 0x30, argument, 2, out, 4), NS_E_PROTOCOL);
    CHECK_STATUS(ns_pmbus_call(&device, 0x30, argument, 3, out, 5), NS_E_ARG);
    CHECK_STATUS(ns_pmbus_call(&device, 0x30, argument, 2, out, 33), NS_E_ARG);
}

/** Whatever the part, only what its list says can leave; VOUT_COMMAND, STORE_*, RESTORE_* never. */
static void only_listed_commands_can_be_written(void) {
    static const uint8_t forbidden[] = {0x02, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16,
                                        0x17, 0x18, 0x20, 0x21, 0x22, 0x24, 0x25,
                                        0x26, 0x38, 0x41, 0x47, 0xE4, 0xEA, 0xEC};
    for (uint32_t kind = 0; kind < NS_PMBUS_PART_COUNT; kind++) {
        open_part(kind);
        for (unsigned size = 0; size <= 4; size++) {
            unsigned allowed = 0;
            for (unsigned command = 0; command < 256; command++) {
                part.size[command] = size == 0 ? FAKE_SEND : (uint8_t)size;
                part.write_count = 0;
                part.words[0][0x10] = 0;
                ns_status_t status = ns_pmbus_write(&device, (uint8_t)command, size, 0);
                CHECK(status == NS_E_ARG || size <= 2);
                allowed += status != NS_E_ARG ? 1U : 0U;
            }
            CHECK(allowed <= 11);
        }
        unsigned before = part.transfer_count;
        for (size_t i = 0; i < sizeof forbidden; i++) {
            for (unsigned size = 0; size <= 2; size++) {
                CHECK_STATUS(ns_pmbus_write(&device, forbidden[i], size, 0), NS_E_ARG);
            }
        }
        CHECK(part.transfer_count == before);
    }
    open_part(NS_PMBUS_PART_LTC3887);
    CHECK_STATUS(ns_pmbus_write(&device, 0xFD, 0, 0), NS_E_ARG); /* MFR_RESET here */
    open_part(NS_PMBUS_PART_LM25066);
    CHECK_STATUS(ns_pmbus_write(&device, 0xD9, 0, 0), NS_E_ARG); /* DEVICE_SETUP here */
    CHECK_STATUS(ns_pmbus_write(&device, 0x00, 0, 0), NS_E_ARG);
}

static void open_busy(unsigned polls) {
    open_part(NS_PMBUS_PART_LTC3887);
    fake_pmbus_define(&part, 0xEF, 1, 0x60);
    part.busy_polls = polls;
}

static void a_busy_part_is_waited_for(void) {
    uint16_t word = 0;
    open_busy(30);
    CHECK_STATUS(ns_pmbus_read_word(&device, 0x8C, &word), NS_OK);
    CHECK(word == 0xD280 && part.read_count[0x8C] == 1);
    open_busy(0);
    part.words[0][0xEF] = 0x40; /* not busy, but calculations pending */
    CHECK_STATUS(ns_pmbus_read_word(&device, 0x8C, &word), NS_E_BUSY);
    CHECK(part.now_ns >= 100000000 && part.now_ns < 105000000 && part.read_count[0x8C] == 0);
    CHECK_STATUS(ns_pmbus_write(&device, 0x01, 1, 0x80), NS_E_BUSY);
    CHECK(part.words[0][0x01] == 0);
}

static void patience_ends_by_count_on_a_bus_without_a_clock(void) {
    static ns_bus_ops_t bare;
    bare = fake_pmbus_ops;
    bare.now_ns = NULL;
    bare.delay = NULL;
    uint16_t word = 0;
    open_busy(0);
    device.bus_ops = &bare;
    part.words[0][0xEF] = 0x00;
    CHECK_STATUS(ns_pmbus_read_word(&device, 0x8C, &word), NS_E_BUSY);
    CHECK(part.transfer_count == 200);
}

static void waiting_ends_at_once_when_time_or_bus_is_gone(void) {
    static const ns_status_t ends[] = {NS_E_TIMEOUT, NS_E_IO};
    uint16_t word = 0;
    for (size_t i = 0; i < 2; i++) {
        open_busy(0);
        part.fails_command = 0xEF;
        part.failure = ends[i];
        CHECK_STATUS(ns_pmbus_read_word(&device, 0x8C, &word), ends[i]);
        CHECK(part.transfer_count == 1);
    }
    open_busy(0);
    part.fails_command = 0xEF; /* nobody there at all: no 100 ms for a part that is gone */
    part.failure = NS_E_NACK;
    CHECK_STATUS(ns_pmbus_read_word(&device, 0x8C, &word), NS_E_NACK);
    CHECK(part.transfer_count == 20);
    open_busy(0);
    part.has_pec = false;
    device.has_pec = false;
    part.words[0][0xEF] = 0xFF; /* all ones is a floating bus, not a part that is ready */
    CHECK_STATUS(ns_pmbus_read_word(&device, 0x8C, &word), NS_E_BUSY);
}

/** LTC2977 and later have one bit, the LTC2978 none; a block waits as well. */
static void a_manager_is_polled_as_its_identity_says(void) {
    static const uint8_t block[] = {1, 9};
    uint8_t out[8] = {0};
    size_t size = 0;
    open_part(NS_PMBUS_PART_LTC2978);
    fake_pmbus_define(&part, 0xE7, 2, 0x0130);
    fake_pmbus_define(&part, 0xEF, 1, 0x5C);
    CHECK_STATUS(ns_pmbus_ops.begin(&device, 0, UINT64_MAX), NS_OK);
    CHECK(part.read_count[0xEF] > 0);
    part.blocks[0x99] = block;
    part.words[0][0xEF] = 0x1C;
    CHECK_STATUS(ns_pmbus_read_block(&device, 0x99, out, sizeof out, &size), NS_E_BUSY);
    CHECK_STATUS(ns_pmbus_read_log(&device, 0x99, 0, out, sizeof out, &size), NS_E_BUSY);
    open_part(NS_PMBUS_PART_LTC2978);
    fake_pmbus_define(&part, 0xE7, 2, 0x0122);
    CHECK_STATUS(ns_pmbus_ops.begin(&device, 0, UINT64_MAX), NS_OK);
    CHECK(part.read_count[0xEF] == 0);
}

int main(void) {
    a_block_is_read_length_first_then_whole();
    a_block_of_a_bad_length_is_refused();
    a_length_that_changes_is_refused();
    the_head_of_a_long_log_is_read();
    a_call_checks_the_length_of_its_answer();
    only_listed_commands_can_be_written();
    a_busy_part_is_waited_for();
    patience_ends_by_count_on_a_bus_without_a_clock();
    waiting_ends_at_once_when_time_or_bus_is_gone();
    a_manager_is_polled_as_its_identity_says();
    return 0;
}
