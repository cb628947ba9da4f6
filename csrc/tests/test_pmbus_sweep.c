#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "fake_pmbus.h"
#include "nightside/codec.h"
#include "nightside/pmbus.h"

/* Every operation of every kind of part, with each of its transfers failing in turn, with a
 * brown-out before each, and on a bus that answers in the last microsecond. */

#define OPERATION 0x01
#define PROTECT 0x10
#define RAIL 2
#define DEADLINE_NS INT64_C(100000000)
#define TRANSFERS_MAX 80U

/** A part, its configuration, and what must be in it before its output comes on. */
typedef struct rail {
    uint32_t kind;
    double limit_a;
    uint8_t limit;       /* command of the current limit, 0: none */
    uint16_t limit_word; /* as it must be */
    uint8_t shunt;       /* in mohm */
    uint8_t has_page;
    uint8_t has_phase;
    uint8_t has_lock;
    uint8_t vout_mode; /* 0: not known to the part */
} rail_t;

static const rail_t rails[] = {
    {NS_PMBUS_PART_GENERIC, 3.3, 0x46, 0xC34C, 0, 1, 0, 1, 0x17},
    {NS_PMBUS_PART_GENERIC, 3.3, 0x46, 0xC34C, 0, 1, 0, 1, 0x40},
    {NS_PMBUS_PART_ADM1272, 20.0, 0x4A, 3374, 1, 0, 0, 0, 0},
    {NS_PMBUS_PART_ADM1275, 10.0, 0x4A, 2854, 1, 0, 0, 0, 0},
    {NS_PMBUS_PART_LM5066, 20.0, 0xD3, 1075, 1, 0, 0, 0, 0},
    {NS_PMBUS_PART_LTC2978, 0.0, 0, 0, 0, 1, 0, 1, 0x13},
    {NS_PMBUS_PART_LTC3887, 3.3, 0x46, 0xC34C, 0, 1, 0, 1, 0x14},
    {NS_PMBUS_PART_ISL68137, 30.0, 0x46, 300, 0, 1, 1, 1, 0x40},
    {NS_PMBUS_PART_MP2975, 0.0, 0, 0, 0, 1, 0, 0, 0},
    {NS_PMBUS_PART_UCD90XXX, 3.3, 0x46, 0xC34C, 0, 1, 0, 0, 0x17},
};
#define RAIL_COUNT (sizeof rails / sizeof rails[0])

static fake_pmbus_t part;
static fake_port_t port;
static ns_pmbus_t device;
static const rail_t *rail;

/** Logs as long as the parts say. */
static void define_logs(void) {
    static uint8_t ltc_log[256];
    static const uint8_t other_log[5] = {4, 1, 2, 3, 4};
    ltc_log[0] = rail->kind == NS_PMBUS_PART_LTC2978 ? 255 : 147;
    part.blocks[0xEE] = ltc_log;
    part.blocks[0xEA] = other_log;
    part.blocks[0xF3] = other_log;
    part.blocks[0xE0] = other_log;
}

static void define_hot_swap(void) {
    part.size[PROTECT] = 0;
    part.size[0x46] = 0;
    fake_pmbus_define(&part, rail->limit, 2, 0x0FFF);
    if (rail->kind == NS_PMBUS_PART_LM5066) {
        fake_pmbus_define(&part, 0xD9, 1, 0x04); /* the high range, by the register */
        return;
    }
    fake_pmbus_define(&part, 0xD3, 1, 0);
    fake_pmbus_define(&part, 0xD4, rail->kind == NS_PMBUS_PART_ADM1272 ? 2 : 1, 0x2D);
    fake_pmbus_define(&part, 0xD8, 1, 0);
    fake_pmbus_define(&part, 0xD9, FAKE_SEND, 0);
}

static void define_part(void) {
    fake_pmbus_init(&part);
    part.has_strict_lock =
        rail->kind != NS_PMBUS_PART_LTC2978 && rail->kind != NS_PMBUS_PART_LTC3887;
    part.is_shared[0x04] = true;
    part.limit = rail->limit;
    define_logs();
    if (rail->vout_mode == 0) {
        part.size[0x20] = 0;
    } else {
        fake_pmbus_define(&part, 0x20, 1, rail->vout_mode);
    }
    if (rail->has_lock == 0) {
        part.size[PROTECT] = 0;
    }
    if (rail->shunt != 0) {
        define_hot_swap();
    } else {
        fake_pmbus_define(&part, 0x04, 1, 0xFF);
        fake_pmbus_define(&part, 0x59, 2, 0x8000);
        fake_pmbus_define(&part, 0x1D, 2, 0);
        fake_pmbus_define(&part, 0x0D, 2, 0);
        fake_pmbus_define(&part, 0xFD, 1, 0);
        fake_pmbus_define(&part, 0xE7, 2, 0x0130);
        fake_pmbus_define(&part, 0xEF, 1, 0x60);
        fake_pmbus_define(&part, 0xDD, 2, 0x1000);
    }
}

static void open_rail(void) {
    define_part();
    ns_pmbus_config_t config = {.address = FAKE_ADDRESS,
                                .has_page = rail->has_page,
                                .page = rail->has_page != 0 ? RAIL : 0,
                                .has_pec = 1,
                                .timeout_us = FAKE_TIMEOUT_US,
                                .current_limit_a = rail->limit_a,
                                .part = rail->kind,
                                .shunt_uohm = rail->shunt * 1000U,
                                .has_phase = rail->has_phase,
                                .phase = 1};
    port = (fake_port_t){.part = &part, .deadline_ns = INT64_MAX / 2};
    CHECK_STATUS(ns_pmbus_open(&device, &config, &fake_port_ops, &port), NS_OK);
}

static ns_status_t do_begin(void) {
    return ns_pmbus_ops.begin(&device, 0, UINT64_MAX);
}

static ns_status_t do_switch_on(void) {
    return ns_pmbus_ops.write(&device, NS_PMBUS_ENABLE, 1.0);
}

static ns_status_t do_switch_off(void) {
    return ns_pmbus_ops.write(&device, NS_PMBUS_ENABLE, 0.0);
}

static ns_status_t do_capture(void) {
    uint8_t out[NS_EVIDENCE_BYTES];
    size_t size = 0;
    return ns_pmbus_ops.capture(&device, out, sizeof out, &size);
}

static ns_status_t do_clear(void) {
    return ns_pmbus_ops.request(&device, NS_REQUEST_CLEAR);
}

static ns_status_t do_power_cycle(void) {
    ns_status_t status = ns_pmbus_ops.request(&device, NS_REQUEST_POWER_CYCLE);
    return status == NS_E_UNSUPPORTED || status == NS_E_REFUSED ? NS_OK : status;
}

typedef ns_status_t (*operation_t)(void);
static const operation_t operations[] = {do_begin,   do_switch_on, do_switch_off,
                                         do_capture, do_clear,     do_power_cycle};
#define OPERATION_COUNT (sizeof operations / sizeof operations[0])

static uint8_t rail_page(void) {
    return rail->has_page != 0 ? RAIL : 0;
}

/** A setting that is shared by all pages may be written on any. */
static bool is_of_a_page(uint8_t command) {
    return command != PROTECT && command != 0x04;
}

/** The part restarted just before this write: after PAGE was read back for the last time. A part
 *  that is asked whether it is busy has one transfer more in between. */
static bool is_unlucky(const fake_write_t *write) {
    unsigned window = device.ready_mask != 0 ? 1 : 0;
    return part.browns_out_at != 0 && write->transfer >= part.browns_out_at &&
           write->transfer - part.browns_out_at <= window;
}

/** Nothing was written that may not be: right page, right word, and no output without its limit. */
static void check_writes(void) {
    bool is_limited = rail->limit == 0;
    for (unsigned i = 0; i < part.write_count; i++) {
        const fake_write_t *write = &part.writes[i];
        CHECK(!is_of_a_page(write->command) || write->page == rail_page() || is_unlucky(write));
        CHECK(write->command != rail->limit || write->value == rail->limit_word);
        is_limited = is_limited || write->command == rail->limit;
        if (write->command == OPERATION && write->value == 0x80 && !is_unlucky(write)) {
            CHECK(is_limited);
            CHECK(rail->limit == 0 || write->limit == rail->limit_word);
        }
    }
}

static void check_state_after_recovery(void) {
    part.fails_at = 0;
    part.browns_out_at = 0;
    for (int i = 0; i < 11; i++) {
        ns_status_t status = do_begin();
        CHECK(status == NS_OK || (i == 0 && status != NS_E_ARG));
    }
    CHECK(rail->limit == 0 || part.words[rail_page()][rail->limit] == rail->limit_word);
    CHECK(rail->has_lock == 0 || part.words[0][PROTECT] == 0x40);
}

/** How many transfers an operation takes on a fresh device; they are failed one by one. */
static unsigned transfers_of(operation_t operation, bool is_begun) {
    open_rail();
    if (is_begun) {
        CHECK_STATUS(do_begin(), NS_OK);
    }
    unsigned before = part.transfer_count;
    CHECK_STATUS(operation(), NS_OK);
    CHECK(part.transfer_count - before <= TRANSFERS_MAX);
    return part.transfer_count - before;
}

static void fail_each_transfer(operation_t operation, bool is_begun, ns_status_t failure) {
    unsigned count = transfers_of(operation, is_begun);
    for (unsigned n = 1; n <= count; n++) {
        open_rail();
        if (is_begun) {
            CHECK_STATUS(do_begin(), NS_OK);
        }
        part.failure = failure;
        part.fails_at = part.transfer_count + n;
        part.fails_until = part.fails_at;
        ns_status_t status = operation();
        CHECK(status == NS_OK || status == failure || status == NS_E_NACK);
        CHECK(part.words[rail_page()][OPERATION] == 0 || status == NS_OK);
        check_writes();
        check_state_after_recovery();
    }
}

static void a_failure_at_any_transfer_writes_nothing_wrong(void) {
    static const ns_status_t failures[] = {NS_E_NACK, NS_E_PEC, NS_E_TIMEOUT, NS_E_IO};
    for (size_t r = 0; r < RAIL_COUNT; r++) {
        rail = &rails[r];
        for (size_t o = 0; o < OPERATION_COUNT; o++) {
            for (size_t f = 0; f < sizeof failures / sizeof failures[0]; f++) {
                fail_each_transfer(operations[o], false, failures[f]);
                fail_each_transfer(operations[o], true, failures[f]);
            }
        }
    }
}

static void brown_out_before_each_transfer(operation_t operation, bool is_begun) {
    unsigned count = transfers_of(operation, is_begun);
    for (unsigned n = 1; n <= count; n++) {
        open_rail();
        if (is_begun) {
            CHECK_STATUS(do_begin(), NS_OK);
        }
        part.browns_out_at = part.transfer_count + n;
        (void)operation();
        check_writes();
        check_state_after_recovery();
    }
}

/** A write that goes to another page is possible only where the part restarts just before it. */
static void a_brown_out_before_any_transfer_writes_nothing_wrong(void) {
    for (size_t r = 0; r < RAIL_COUNT; r++) {
        rail = &rails[r];
        for (size_t o = 0; o < OPERATION_COUNT; o++) {
            brown_out_before_each_transfer(operations[o], false);
            brown_out_before_each_transfer(operations[o], true);
        }
    }
}

/** Each transfer takes all it may: the call ends with its deadline, and asks for nothing after. */
static void every_call_ends_with_its_deadline(void) {
    for (size_t r = 0; r < RAIL_COUNT; r++) {
        rail = &rails[r];
        for (size_t o = 0; o < OPERATION_COUNT; o++) {
            for (int is_busy = 0; is_busy < 2; is_busy++) {
                open_rail();
                part.takes_all_time = true;
                part.words[0][0xEF] = is_busy != 0 ? 0 : part.words[0][0xEF];
                port.deadline_ns = DEADLINE_NS;
                ns_status_t status = operations[o]();
                CHECK(part.now_ns <= DEADLINE_NS);
                CHECK(port.transfers_when_over == 0);
                CHECK(status == NS_OK || status == NS_E_TIMEOUT || status == NS_E_BUSY);
                check_writes();
            }
        }
    }
}

static void no_read_outlasts_its_deadline(void) {
    for (size_t r = 0; r < RAIL_COUNT; r++) {
        rail = &rails[r];
        open_rail();
        CHECK_STATUS(do_begin(), NS_OK);
        part.takes_all_time = true;
        for (uint32_t channel = 0; channel < NS_PMBUS_CHANNEL_COUNT; channel++) {
            double value = 0.0;
            int64_t start_ns = part.now_ns;
            port.deadline_ns = start_ns + DEADLINE_NS;
            port.is_over = false;
            part.words[0][0xEF] = 0;
            (void)ns_pmbus_ops.read(&device, channel, &value);
            CHECK(part.now_ns <= start_ns + DEADLINE_NS && port.transfers_when_over == 0);
        }
    }
}

int main(void) {
    a_failure_at_any_transfer_writes_nothing_wrong();
    a_brown_out_before_any_transfer_writes_nothing_wrong();
    every_call_ends_with_its_deadline();
    no_read_outlasts_its_deadline();
    return 0;
}
