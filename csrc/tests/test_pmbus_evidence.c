#include <stdbool.h>
#include <string.h>

#include "check.h"
#include "fake_pmbus.h"
#include "nightside/codec.h"
#include "nightside/pmbus.h"

/* Alarm, evidence, requests, peaks and energy. */

static fake_pmbus_t part;
static ns_pmbus_t device;

static void open_part(uint32_t kind) {
    bool is_hot_swap = kind >= NS_PMBUS_PART_ADM1272 && kind <= NS_PMBUS_PART_LM5066;
    ns_pmbus_config_t config = {.address = FAKE_ADDRESS,
                                .has_page = is_hot_swap ? 0 : 1,
                                .page = is_hot_swap ? 0 : 2,
                                .has_pec = 1,
                                .timeout_us = FAKE_TIMEOUT_US,
                                .part = kind,
                                .shunt_uohm = is_hot_swap ? 1000 : 0};
    fake_pmbus_init(&part);
    part.has_strict_lock = kind != NS_PMBUS_PART_LTC3887;
    fake_pmbus_define(&part, 0xEF, 1, 0x60);
    CHECK_STATUS(ns_pmbus_open(&device, &config, &fake_pmbus_ops, &part), NS_OK);
}

static ns_status_t begin(int64_t now_ns) {
    return ns_pmbus_ops.begin(&device, now_ns, UINT64_MAX);
}

static ns_status_t request(ns_request_kind_t kind) {
    return ns_pmbus_ops.request(&device, kind);
}

static double value_of(uint32_t channel) {
    double value = (double)NAN;
    CHECK_STATUS(ns_pmbus_ops.read(&device, channel, &value), NS_OK);
    return value;
}

static void an_alarm_is_a_fault_and_not_a_state(void) {
    open_part(NS_PMBUS_PART_GENERIC);
    CHECK(ns_pmbus_ops.alarm(&device) == 0);
    part.words[2][0x79] = 0x08C1; /* busy, off, no power good, none of the above */
    CHECK_STATUS(begin(0), NS_OK);
    CHECK(ns_pmbus_ops.alarm(&device) == 0);
    part.words[2][0x79] = 0x4850;
    CHECK_STATUS(begin(0), NS_OK);
    CHECK(ns_pmbus_ops.alarm(&device) == 0x4010);
    part.words[2][0x79] = 0x0040; /* without a status point it is fetched with each tenth check */
    for (int i = 0; i < 10; i++) {
        CHECK_STATUS(ns_pmbus_ops.begin(&device, 0, 0), NS_OK);
    }
    CHECK(ns_pmbus_ops.alarm(&device) == 0);
}

static void open_lm5066(void) {
    open_part(NS_PMBUS_PART_LM5066);
    fake_pmbus_define(&part, 0xD9, 1, 0);
    fake_pmbus_define(&part, 0x7C, 1, 0x30); /* VIN_UV_FAULT, VIN_UV_WARN */
    fake_pmbus_define(&part, 0x80, 1, 0x10); /* defaults loaded */
    fake_pmbus_define(&part, 0x79, 2, 0x3848);
    CHECK_STATUS(begin(0), NS_OK);
}

static uint32_t alarm_with(uint16_t word, uint8_t input, uint8_t specific) {
    part.words[0][0x79] = word;
    part.words[0][0x7C] = input;
    part.words[0][0x80] = specific;
    CHECK_STATUS(begin(0), NS_OK);
    return ns_pmbus_ops.alarm(&device);
}

/** The LM5066 starts with VIN_UV set: no alarm until it has been seen clear. */
static void what_a_part_sets_at_power_up_is_no_alarm(void) {
    open_lm5066();
    CHECK(ns_pmbus_ops.alarm(&device) == 0);
    CHECK(alarm_with(0x7848, 0x30, 0x10) == 0x4000); /* another fault beside it */
    CHECK(alarm_with(0x0840, 0, 0) == 0);
    CHECK(alarm_with(0x3848, 0x30, 0x10) == 0x3008); /* now it is one */
}

/** The programmed current limit is a warning of STATUS_INPUT, the breaker a bit of the other. */
static void behind_what_a_part_sets_at_power_up_no_other_bit_hides(void) {
    open_lm5066();
    CHECK(alarm_with(0x3848, 0x32, 0x10) == 0x2000); /* IIN_OC_WARN */
    CHECK(alarm_with(0x3848, 0x30, 0x10) == 0);
    CHECK(alarm_with(0x3848, 0x31, 0x10) == 0x2000); /* PIN_OP_WARN */
    CHECK(alarm_with(0x3848, 0x30, 0x90) == 0x1000); /* circuit breaker */
    CHECK(alarm_with(0x3848, 0x10, 0x10) == 0);
    CHECK(alarm_with(0x3848, 0x30, 0x10) == 0x2000); /* the warning was clear in between */
    part.fails_command = 0x7C;
    part.failure = NS_E_TIMEOUT;
    CHECK_STATUS(begin(0), NS_E_TIMEOUT);
    part.fails_command = 0x80;
    CHECK_STATUS(begin(0), NS_E_TIMEOUT);
}

/** Once: a part that failed is learnt again, and its faults stay faults. */
static void learning_again_hides_no_alarm(void) {
    open_lm5066();
    CHECK(alarm_with(0x0840, 0, 0) == 0);
    CHECK(alarm_with(0x2848, 0x30, 0) == 0x2008);
    part.fails_command = 256;
    part.failure = NS_E_NACK;
    CHECK_STATUS(begin(0), NS_E_NACK);
    part.fails_command = -1;
    CHECK_STATUS(begin(0), NS_OK);
    CHECK(ns_pmbus_ops.alarm(&device) == 0x2008);
}

static void define_details(void) {
    fake_pmbus_define(&part, 0x7A, 1, 0x80);
    fake_pmbus_define(&part, 0x7B, 1, 0x81);
    fake_pmbus_define(&part, 0x7C, 1, 0x82);
    fake_pmbus_define(&part, 0x7D, 1, 0x83);
    fake_pmbus_define(&part, 0x7E, 1, 0x04);
    fake_pmbus_define(&part, 0x80, 1, 0x85);
}

static void evidence_is_the_registers_that_status_word_points_at(void) {
    static const uint8_t expected[] = {0x00, 1, 2,    0x79, 2, 0x12, 0x40,
                                       0x7B, 1, 0x81, 0x7E, 1, 0x04};
    uint8_t out[NS_EVIDENCE_BYTES] = {0};
    size_t size = 0;
    open_part(NS_PMBUS_PART_GENERIC);
    define_details();
    part.words[2][0x79] = 0x4812;
    CHECK_STATUS(begin(0), NS_OK);
    unsigned writes = part.write_count;
    part.words[0][0x00] = 0;
    CHECK_STATUS(ns_pmbus_ops.capture(&device, out, sizeof out, &size), NS_OK);
    CHECK(size == sizeof expected && memcmp(out, expected, size) == 0);
    CHECK(part.write_count == writes && part.words[0][0x00] == 2); /* nothing is cleared */
}

/** PMBus part II, STATUS_WORD, bit by bit: an alarm or not, and the register with the details. */
static void each_bit_of_status_word_has_its_meaning(void) {
    static const struct {
        uint16_t bit;
        bool is_fault;
        uint8_t command; /* 0: none is read */
    } rows[] = {
        {0x8000, true, 0x7A},  {0x4000, true, 0x7B},  {0x2000, true, 0x7C}, {0x1000, true, 0x80},
        {0x0800, false, 0x00}, {0x0400, true, 0x00},  {0x0200, true, 0x00}, {0x0100, true, 0x00},
        {0x0080, false, 0x00}, {0x0040, false, 0x00}, {0x0020, true, 0x7A}, {0x0010, true, 0x7B},
        {0x0008, true, 0x7C},  {0x0004, true, 0x7D},  {0x0002, true, 0x7E}, {0x0001, false, 0x00},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t out[NS_EVIDENCE_BYTES] = {0};
        size_t size = 0;
        open_part(NS_PMBUS_PART_GENERIC);
        define_details();
        part.words[2][0x79] = rows[i].bit;
        CHECK_STATUS(begin(0), NS_OK);
        CHECK(ns_pmbus_ops.alarm(&device) == (rows[i].is_fault ? rows[i].bit : 0U));
        CHECK_STATUS(ns_pmbus_ops.capture(&device, out, sizeof out, &size), NS_OK);
        CHECK(size == (rows[i].command != 0 ? 10 : 7) && out[7] == rows[i].command);
    }
}

/** LTC3887: all details, the head of the fault log. */
static void open_with_all(void) {
    static uint8_t log_block[256];
    log_block[0] = 147;
    log_block[1] = 0xA5;
    open_part(NS_PMBUS_PART_LTC3887);
    define_details();
    fake_pmbus_define(&part, 0xDD, 2, 0x3700);
    fake_pmbus_define(&part, 0xD7, 2, 0xD300);
    fake_pmbus_define(&part, 0xDF, 2, 0xEB00);
    part.blocks[0xEE] = log_block;
    part.words[2][0x79] = 0xF83E;
    CHECK_STATUS(begin(0), NS_OK);
}

static ns_status_t capture(uint8_t *out, size_t capacity, size_t *size) {
    *size = SIZE_MAX;
    return ns_pmbus_ops.capture(&device, out, capacity, size);
}

/** Walk the elements; returns how many, and checks that they end where they should. */
static unsigned count_elements(const uint8_t *bytes, size_t size) {
    unsigned count = 0;
    size_t at = 0;
    while (at < size) {
        CHECK(at + 2 <= size && bytes[at + 1] > 0);
        at += (size_t)bytes[at + 1] + 2;
        count++;
    }
    CHECK(at == size);
    return count;
}

static void evidence_holds_the_head_of_the_log(void) {
    uint8_t out[NS_EVIDENCE_BYTES] = {0};
    size_t size = 0;
    open_with_all();
    CHECK_STATUS(capture(out, sizeof out, &size), NS_OK);
    CHECK(count_elements(out, size) == 2 + 6 + 1);
    CHECK(out[size - 34] == 0xEE && out[size - 33] == 32 && out[size - 32] == 0xA5);
    for (size_t capacity = 0; capacity < size; capacity++) { /* it says that it is not all */
        uint8_t guarded[NS_EVIDENCE_BYTES];
        size_t used = 0;
        memset(guarded, 0x5A, sizeof guarded);
        CHECK_STATUS(capture(guarded, capacity, &used), NS_E_FULL);
        CHECK(used <= capacity && guarded[capacity] == 0x5A);
        (void)count_elements(guarded, used);
    }
}

/** Busy, off, power good and none of the above tell a state; readings and peaks move. */
static void the_same_faults_give_the_same_bytes(void) {
    uint8_t out[NS_EVIDENCE_BYTES] = {0};
    uint8_t again[NS_EVIDENCE_BYTES] = {0};
    size_t size = 0;
    size_t size_again = 0;
    open_with_all();
    CHECK_STATUS(capture(out, sizeof out, &size), NS_OK);
    part.words[2][0x79] ^= 0x08C1;
    part.words[2][0xDD] = 0x3800;
    part.words[2][0x8B] = 0;
    CHECK_STATUS(capture(again, sizeof again, &size_again), NS_OK);
    CHECK(size == size_again && memcmp(out, again, size) == 0);
    part.words[2][0x7B] ^= 0x20;
    CHECK_STATUS(capture(again, sizeof again, &size_again), NS_OK);
    CHECK(size == size_again && memcmp(out, again, size) != 0);
}

static void what_cannot_be_read_is_told(void) {
    static const uint8_t commands[] = {0x7A, 0x7B, 0x7C, 0x7D, 0x7E, 0x80, 0xEE, 0x79};
    uint8_t out[NS_EVIDENCE_BYTES] = {0};
    size_t size = 0;
    for (size_t i = 0; i < sizeof commands; i++) {
        open_with_all();
        part.fails_command = commands[i];
        part.failure = NS_E_IO;
        CHECK_STATUS(capture(out, sizeof out, &size), NS_E_IO);
        CHECK(count_elements(out, size) == (commands[i] == 0x79 ? 2 : 8)); /* all the others */
    }
    open_with_all();
    part.size[0x7D] = 0;
    part.fails_command = 0xEE;
    part.failure = NS_E_PEC;
    CHECK_STATUS(capture(out, sizeof out, &size), NS_E_NACK); /* the first */
    part.fails_command = 0x7B;                                /* no time is left from here on */
    part.failure = NS_E_TIMEOUT;
    unsigned before = part.transfer_count;
    CHECK_STATUS(capture(out, sizeof out, &size), NS_E_TIMEOUT);
    CHECK(count_elements(out, size) == 3 && part.transfer_count - before == 10);
    part.fails_command = 0x00;
    CHECK_STATUS(capture(out, sizeof out, &size), NS_E_TIMEOUT);
    CHECK(size == 0);
}

/** A register that a part is known not to have is not asked for; a generic part is asked once. */
static void what_a_part_does_not_have_is_no_error(void) {
    uint8_t out[NS_EVIDENCE_BYTES] = {0};
    uint8_t again[NS_EVIDENCE_BYTES] = {0};
    size_t size = 0;
    size_t size_again = 0;
    open_part(NS_PMBUS_PART_UCD90XXX);
    define_details();
    part.size[0x7C] = 0;
    part.words[2][0x79] = 0x6010;
    part.blocks[0xEA] = part.blocks[0xF3] = (const uint8_t[]){1, 2};
    CHECK_STATUS(begin(0), NS_OK);
    CHECK_STATUS(capture(out, sizeof out, &size), NS_OK);
    CHECK(count_elements(out, size) == 5 && part.read_count[0x7C] == 0);
    open_part(NS_PMBUS_PART_GENERIC);
    define_details();
    part.size[0x80] = 0;
    part.words[2][0x79] = 0x5002; /* a wrong command: its question for 0x80 says so, too */
    part.words[2][0x7E] = 0;
    CHECK_STATUS(begin(0), NS_OK);
    CHECK_STATUS(capture(out, sizeof out, &size), NS_OK);
    CHECK(count_elements(out, size) == 4 && part.read_count[0x80] == 2);
    CHECK(out[size - 3] == 0x7E && out[size - 1] == 0x80);
    CHECK_STATUS(capture(again, sizeof again, &size_again), NS_OK);
    CHECK(size == size_again && memcmp(out, again, size) == 0 && part.read_count[0x80] == 2);
}

static void a_part_that_holds_no_log_has_no_element_for_it(void) {
    static const uint8_t empty[] = {0};
    uint8_t out[NS_EVIDENCE_BYTES] = {0};
    size_t size = 0;
    open_with_all();
    part.blocks[0xEE] = empty;
    CHECK_STATUS(capture(out, sizeof out, &size), NS_OK);
    CHECK(count_elements(out, size) == 2 + 6);
    part.pec_error = 1;
    CHECK(capture(out, sizeof out, &size) != NS_OK);
    part.pec_error = 0;
    part.fails_command = 0xEE;
    part.failure = NS_E_PEC; /* the length may be wrong, so it is none */
    CHECK_STATUS(capture(out, sizeof out, &size), NS_E_PEC);
}

static void a_sequencer_gives_its_two_logs_and_a_phase_is_named(void) {
    static const uint8_t faults[] = {5, 0, 1, 0, 2, 0};
    static const uint8_t state[] = {4, 9, 8, 7, 6};
    uint8_t out[NS_EVIDENCE_BYTES] = {0};
    size_t size = 0;
    open_part(NS_PMBUS_PART_UCD90XXX);
    part.blocks[0xEA] = faults;
    part.blocks[0xF3] = state;
    CHECK_STATUS(begin(0), NS_OK);
    CHECK_STATUS(ns_pmbus_ops.capture(&device, out, sizeof out, &size), NS_OK);
    CHECK(count_elements(out, size) == 4 && out[size - 6] == 0xF3 && out[size - 13] == 0xEA);
    open_part(NS_PMBUS_PART_GENERIC);
    fake_pmbus_define(&part, 0x04, 1, 0xFF);
    device.config.has_phase = 1;
    device.config.phase = NS_PMBUS_PHASE_ALL;
    CHECK_STATUS(begin(0), NS_OK);
    CHECK_STATUS(ns_pmbus_ops.capture(&device, out, sizeof out, &size), NS_OK);
    CHECK(count_elements(out, size) == 3 && out[3] == 0x04 && out[5] == 0xFF);
}

/** Only by request, only this page, and locked again. */
static void clearing_is_by_request_alone(void) {
    open_part(NS_PMBUS_PART_GENERIC);
    for (int i = 0; i < 30; i++) {
        CHECK_STATUS(begin(0), NS_OK);
    }
    CHECK_STATUS(ns_pmbus_ops.write(&device, NS_PMBUS_ENABLE, 1.0), NS_OK);
    CHECK_STATUS(ns_pmbus_ops.write(&device, NS_PMBUS_ENABLE, 0.0), NS_OK);
    CHECK(!fake_pmbus_wrote(&part, 0x03));
    CHECK_STATUS(request(NS_REQUEST_CLEAR), NS_OK);
    CHECK(part.writes[part.write_count - 2].command == 0x03);
    CHECK(part.writes[part.write_count - 2].page == 2 && part.words[0][0x10] == 0x40);
    CHECK_STATUS(request(NS_REQUEST_RESET), NS_E_UNSUPPORTED);
    CHECK_STATUS(request(NS_REQUEST_REARM), NS_E_UNSUPPORTED);
    CHECK_STATUS(request(NS_REQUEST_POWER_CYCLE), NS_E_UNSUPPORTED);
}

static void a_clear_that_fails_leaves_the_lock(void) {
    open_part(NS_PMBUS_PART_GENERIC);
    CHECK_STATUS(begin(0), NS_OK);
    part.fails_command = 0x03;
    part.failure = NS_E_NACK;
    CHECK_STATUS(request(NS_REQUEST_CLEAR), NS_E_NACK);
    CHECK(part.words[0][0x10] == 0x40);
    part.failure = NS_E_TIMEOUT; /* no time for the lock: the next begin sets it */
    CHECK_STATUS(request(NS_REQUEST_CLEAR), NS_E_TIMEOUT);
    CHECK(part.words[0][0x10] == 0x00);
    part.fails_command = -1;
    CHECK_STATUS(begin(0), NS_OK);
    CHECK(part.words[0][0x10] == 0x40);
}

static void mp2975_needs_two_clears(void) {
    open_part(NS_PMBUS_PART_MP2975);
    fake_pmbus_define(&part, 0x59, 2, 0);
    fake_pmbus_define(&part, 0xFD, 1, 0x55);
    CHECK_STATUS(begin(0), NS_OK);
    CHECK_STATUS(request(NS_REQUEST_CLEAR), NS_OK);
    CHECK(part.writes[part.write_count - 2].command == 0xFD);
    CHECK(part.writes[part.write_count - 2].value == 0);
    CHECK(part.writes[part.write_count - 1].command == 0x03);
    part.fails_command = 0xFD;
    part.failure = NS_E_NACK;
    part.write_count = 0;
    CHECK_STATUS(request(NS_REQUEST_CLEAR), NS_E_NACK);
    CHECK(!fake_pmbus_wrote(&part, 0x03));
}

/** CLEAR_FAULTS of this family wipes the peaks: they are read before, and kept. */
static void peaks_outlive_a_clear(void) {
    open_part(NS_PMBUS_PART_LTC3887);
    fake_pmbus_define(&part, 0xDD, 2, 54 << 9);
    fake_pmbus_define(&part, 0xD7, 2, 0xD280);
    fake_pmbus_define(&part, 0xDF, 2, 0xE320);
    CHECK_STATUS(begin(0), NS_OK);
    part.words[2][0xDD] = 60 << 9; /* never read before the clear */
    CHECK_STATUS(request(NS_REQUEST_CLEAR), NS_OK);
    CHECK(part.writes[part.write_count - 1].command == 0x03); /* passes the lock */
    part.words[2][0xDD] = 54 << 9;
    part.words[2][0xD7] = 0x0000;
    CHECK_STATUS(begin(0), NS_OK);
    CHECK_EXACT(value_of(NS_PMBUS_VOLTAGE_V_PEAK), 60.0);
    CHECK_EXACT(value_of(NS_PMBUS_CURRENT_A_PEAK), 10.0);
    part.words[2][0xD7] = 0xD300;
    CHECK_EXACT(value_of(NS_PMBUS_CURRENT_A_PEAK), 12.0);
    part.fails_command = 0xDD; /* a peak that is lost does not stop the clear, lost time does */
    part.failure = NS_E_NACK;
    CHECK_STATUS(request(NS_REQUEST_CLEAR), NS_OK);
    part.failure = NS_E_TIMEOUT;
    CHECK_STATUS(request(NS_REQUEST_CLEAR), NS_E_TIMEOUT);
}

static void open_adm1272(double limit_a) {
    open_part(NS_PMBUS_PART_ADM1272);
    part.size[0x10] = 0;
    fake_pmbus_define(&part, 0x4A, 2, 0x0FFF);
    fake_pmbus_define(&part, 0xD3, 1, 1);
    fake_pmbus_define(&part, 0xD4, 2, 0x3F3F);
    fake_pmbus_define(&part, 0xD9, FAKE_SEND, 0);
    ns_pmbus_config_t config = device.config;
    config.current_limit_a = limit_a;
    CHECK_STATUS(ns_pmbus_open(&device, &config, &fake_pmbus_ops, &part), NS_OK);
}

static void a_power_cycle_goes_behind_verified_limits(void) {
    open_adm1272(20.0);
    CHECK_STATUS(request(NS_REQUEST_POWER_CYCLE), NS_E_REFUSED); /* it is off */
    CHECK(!fake_pmbus_wrote(&part, 0xD9));
    part.words[0][0x01] = 0x80;
    CHECK_STATUS(request(NS_REQUEST_POWER_CYCLE), NS_OK);
    CHECK(fake_pmbus_wrote(&part, 0xD9));
    double value = 7.0; /* nothing is read until it has been learnt again */
    CHECK_STATUS(ns_pmbus_ops.read(&device, NS_PMBUS_ENERGY_J, &value), NS_E_STALE);
    CHECK_STATUS(ns_pmbus_ops.read(&device, NS_PMBUS_TEMP_C, &value), NS_E_STALE);
    CHECK(part.words[0][0x4A] == 3374); /* (663 x 20 + 20480) / 10 */
    part.write_count = 0;
    part.words[0][0x4A] = 0x0FFF;
    part.is_stuck[0x4A] = true;
    CHECK_STATUS(request(NS_REQUEST_POWER_CYCLE), NS_E_RANGE);
    part.is_stuck[0x4A] = false;
    part.words[0][0x01] = 0xFF;
    CHECK_STATUS(request(NS_REQUEST_POWER_CYCLE), NS_E_RANGE);
    part.size[0xD4] = 0;
    CHECK_STATUS(request(NS_REQUEST_POWER_CYCLE), NS_E_NACK);
    CHECK(!fake_pmbus_wrote(&part, 0xD9));
}

static uint8_t energy_block[9] = {8};

static void set_energy(uint64_t sum, uint32_t samples) {
    uint32_t count = (uint32_t)(sum & 0x7FFFFF); /* rolls over at 2^23 */
    uint32_t rollovers = (uint32_t)(sum >> 23 & 0xFFFF);
    const uint32_t bytes[8] = {count,          count >> 8, count >> 16,  rollovers,
                               rollovers >> 8, samples,    samples >> 8, samples >> 16};
    for (int i = 0; i < 8; i++) {
        energy_block[i + 1] = (uint8_t)bytes[i];
    }
}

static double energy_at(int64_t now_ns, uint64_t sum, uint32_t samples) {
    part.blocks[0xDC] = energy_block;
    set_energy(sum, samples);
    CHECK_STATUS(begin(now_ns), NS_OK);
    return value_of(NS_PMBUS_ENERGY_J);
}

/** 1000 W is word 10535 over 1 mohm; its samples are 256 times finer. */
static void energy_follows_rollovers_and_sample_counts(void) {
    const uint64_t kilowatt = UINT64_C(10535) * 256;
    uint64_t sum = 0x7FFFF0; /* just before a rollover */
    uint32_t samples = 0xFFFFFE;
    open_adm1272(0.0);
    CHECK_EXACT(energy_at(0, sum, samples), 0.0);
    sum += 1000 * kilowatt; /* both counters wrap */
    samples = (samples + 1000) & 0xFFFFFF;
    CHECK_NEAR(energy_at(1000000000, sum, samples), 1000.0);
    CHECK_NEAR(energy_at(2000000000, sum, samples), 1000.0); /* no sample since */
    sum += 2000 * kilowatt;
    samples += 2000;
    CHECK_NEAR(energy_at(3000000000, sum, samples), 3000.0); /* the time since counts now */
    sum = (UINT64_C(0xFFFF) << 23) + 0x7FFFFF;               /* the rollover count wraps too */
    CHECK_NEAR(energy_at(4000000000, sum, 5000), 3000.0);    /* not of one run: a fresh start */
    CHECK_NEAR(energy_at(5000000000, 100 * kilowatt - 1, 5100), 4000.0);
    CHECK_NEAR(energy_at(6000000000, 0, 3), 4000.0); /* a power cycle: counters from zero */
    CHECK_NEAR(energy_at(7000000000, 100 * kilowatt, 103), 5000.0);
    energy_block[0] = 6;
    double value = 7.0;
    CHECK_STATUS(ns_pmbus_ops.read(&device, NS_PMBUS_ENERGY_J, &value), NS_E_PROTOCOL);
    energy_block[0] = 8;
    part.fails_command = 0xDC;
    part.failure = NS_E_NACK;
    CHECK_STATUS(ns_pmbus_ops.read(&device, NS_PMBUS_ENERGY_J, &value), NS_E_NACK);
    CHECK_EXACT(value, 7.0);
}

int main(void) {
    an_alarm_is_a_fault_and_not_a_state();
    what_a_part_sets_at_power_up_is_no_alarm();
    behind_what_a_part_sets_at_power_up_no_other_bit_hides();
    learning_again_hides_no_alarm();
    evidence_is_the_registers_that_status_word_points_at();
    each_bit_of_status_word_has_its_meaning();
    evidence_holds_the_head_of_the_log();
    the_same_faults_give_the_same_bytes();
    what_cannot_be_read_is_told();
    what_a_part_does_not_have_is_no_error();
    a_part_that_holds_no_log_has_no_element_for_it();
    a_sequencer_gives_its_two_logs_and_a_phase_is_named();
    clearing_is_by_request_alone();
    a_clear_that_fails_leaves_the_lock();
    mp2975_needs_two_clears();
    peaks_outlive_a_clear();
    a_power_cycle_goes_behind_verified_limits();
    energy_follows_rollovers_and_sample_counts();
    return 0;
}
