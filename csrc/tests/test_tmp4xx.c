#include "nightside/tmp4xx.h"

#include <string.h>

#include "check.h"
#include "register_bench.h"

#define NO_LIMIT ((double)NAN)

static register_part_t part;
static ns_tmp4xx_t device;

/** Registers after power-up, from the data sheets. */
static void power_up(ns_tmp4xx_part_t kind) {
    static const uint8_t ids[] = {0x21, 0x22, 0x23};
    static const uint8_t config2[] = {0x1C, 0x3C, 0x7C};
    register_part_clear(&part);
    if (kind == NS_TMP464) {
        part.value[0x30] = 0x0F9C;
        part.value[0xFE] = 0x5449;
        part.value[0xFF] = 0x1468;
        for (int i = 0; i < 5; i++) {
            part.value[0x39 + (i > 0 ? 1 + 8 * i : 0)] = 0x7FC0;
        }
        part.is_locking = true;
        part.lock_word = 0x5CA6;
        return;
    }
    memset(part.size, 1, sizeof part.size);
    part.value[0x0A] = config2[kind];
    part.value[0x0B] = 0x07;
    part.value[0xFE] = 0x55;
    part.value[0xFF] = ids[kind];
}

static ns_status_t open_part(ns_tmp4xx_part_t kind, double limit_c) {
    power_up(kind);
    ns_tmp4xx_config_t config = {.part = kind,
                                 .address = BENCH_ADDRESS,
                                 .timeout_us = BENCH_TIMEOUT_US,
                                 .temp_limit_c = limit_c};
    return ns_tmp4xx_open(&device, &config, &register_bus_ops, &part);
}

static ns_status_t begin(void) {
    return ns_tmp4xx_ops.begin(&device, 0, UINT64_MAX);
}

static double value_of(uint32_t channel) {
    double value = -1e9;
    CHECK_STATUS(ns_tmp4xx_ops.read(&device, channel, &value), NS_OK);
    return value;
}

static ns_status_t read_status(uint32_t channel) {
    double value = 7.0;
    ns_status_t status = ns_tmp4xx_ops.read(&device, channel, &value);
    CHECK(status == NS_OK || (value >= 7.0 && value <= 7.0));
    return status;
}

/** SBOS398, table of the extended range: -64 degC 0x0000, 0 degC 0x4000, 127.9375 degC 0xBFF0. */
static void tmp421_reads_as_its_data_sheet_says(void) {
    static const struct {
        uint8_t high, low;
        double temp_c;
    } rows[] = {{0x00, 0x00, -64.0}, {0x3F, 0x00, -1.0},  {0x40, 0x00, 0.0},
                {0x41, 0x00, 1.0},   {0x59, 0x80, 25.5},  {0xBF, 0xF0, 127.9375},
                {0xD6, 0x00, 150.0}, {0x40, 0x10, 0.0625}};
    CHECK_STATUS(open_part(NS_TMP423, NO_LIMIT), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    CHECK(part.value[0x09] == 0x04 && part.value[0x0A] == 0x7C && part.value[0x0B] == 0x07);
    for (uint32_t channel = 0; channel < 4; channel++) {
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            part.value[channel] = rows[i].high;
            part.value[channel + 0x10] = rows[i].low;
            CHECK_NEAR(value_of(channel), rows[i].temp_c);
        }
    }
    CHECK_STATUS(read_status(NS_TMP4XX_REMOTE4_TEMP_C), NS_E_UNSUPPORTED);
    CHECK_STATUS(read_status(NS_TMP4XX_ALERT), NS_E_UNSUPPORTED);
}

static void a_part_has_the_diodes_of_its_kind(void) {
    for (uint32_t kind = NS_TMP421; kind <= NS_TMP464; kind++) {
        CHECK_STATUS(open_part((ns_tmp4xx_part_t)kind, NO_LIMIT), NS_OK);
        CHECK_STATUS(begin(), NS_OK);
        for (uint32_t channel = 0; channel <= 4; channel++) {
            CHECK_STATUS(read_status(channel), channel <= kind + 1 ? NS_OK : NS_E_UNSUPPORTED);
        }
    }
}

/** SBOS835, table of temperatures: 25 degC 0x0C80, -0.0625 degC 0xFFF8, -55 degC 0xE480. */
static void tmp464_reads_as_its_data_sheet_says(void) {
    static const struct {
        uint16_t raw;
        double temp_c;
    } rows[] = {{0x0000, 0.0},   {0x0008, 0.0625},  {0x0C80, 25.0}, {0x3E80, 125.0},
                {0x5F80, 191.0}, {0xFFF8, -0.0625}, {0xE480, -55.0}};
    CHECK_STATUS(open_part(NS_TMP464, 100.0), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        part.value[0x02] = rows[i].raw;
        CHECK_NEAR(value_of(NS_TMP4XX_REMOTE2_TEMP_C), rows[i].temp_c);
    }
    CHECK_NEAR(value_of(NS_TMP4XX_ALERT), 0.0);
}

static void limits_are_rounded_down_and_locked(void) {
    static const uint8_t registers[] = {0x39, 0x42, 0x4A, 0x52, 0x5A};
    for (int halves = -100; halves < 375; halves += 7) { /* bits 5:0 are 0 */
        double limit_c = (double)halves / 2.0 + 0.49;
        CHECK_STATUS(open_part(NS_TMP464, limit_c), NS_OK);
        CHECK_STATUS(begin(), NS_OK);
        for (size_t i = 0; i < 5; i++) {
            int16_t raw = (int16_t)(uint16_t)part.value[registers[i]];
            CHECK(raw == halves * 64);
        }
        CHECK(part.lock_word == 0x5CA6);
    }
    CHECK_STATUS(open_part(NS_TMP464, 256.0), NS_E_RANGE);
    CHECK_STATUS(open_part(NS_TMP464, -257.0), NS_E_RANGE);
    CHECK_STATUS(open_part(NS_TMP464, (double)INFINITY), NS_E_RANGE);
    CHECK_STATUS(open_part(NS_TMP421, 100.0), NS_E_UNSUPPORTED);
}

static void an_open_diode_has_no_temperature(void) {
    CHECK_STATUS(open_part(NS_TMP421, NO_LIMIT), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    part.value[0x11] = 0x01;
    CHECK_STATUS(read_status(NS_TMP4XX_REMOTE1_TEMP_C), NS_E_RANGE);
    CHECK_STATUS(read_status(NS_TMP4XX_LOCAL_TEMP_C), NS_OK);
    CHECK_STATUS(open_part(NS_TMP464, NO_LIMIT), NS_OK);
    part.value[0x23] = 0x0200; /* remote 2 */
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(read_status(NS_TMP4XX_REMOTE1_TEMP_C), NS_OK);
    CHECK_STATUS(read_status(NS_TMP4XX_REMOTE2_TEMP_C), NS_E_RANGE);
    CHECK_STATUS(read_status(NS_TMP4XX_REMOTE3_TEMP_C), NS_OK);
    CHECK(ns_tmp4xx_ops.alarm(&device) == 0x0200);
    part.value[0x23] = 0; /* read once, the bit is gone until the next conversion */
    part.value[0x02] = 0x8000;
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(read_status(NS_TMP4XX_REMOTE2_TEMP_C), NS_E_RANGE);
}

static void a_value_that_moves_between_its_bytes_is_read_again(void) {
    CHECK_STATUS(open_part(NS_TMP421, NO_LIMIT), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    part.value[0x01] = 0x59;
    part.moves = 0x01;
    part.move_step = 1; /* with each read: never twice the same */
    CHECK_STATUS(read_status(NS_TMP4XX_REMOTE1_TEMP_C), NS_E_STALE);
    part.move_step = 0;
    CHECK_STATUS(read_status(NS_TMP4XX_REMOTE1_TEMP_C), NS_OK);
}

static void a_crossed_limit_shows_as_alert_with_evidence(void) {
    uint8_t bytes[4];
    size_t size = 0;
    CHECK_STATUS(open_part(NS_TMP464, 100.0), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    part.value[0x21] = 0x0180; /* local and remote 1 */
    CHECK_STATUS(begin(), NS_OK);
    CHECK_NEAR(value_of(NS_TMP4XX_ALERT), 1.0);
    CHECK(ns_tmp4xx_ops.alarm(&device) == 0x01800000U);
    CHECK_STATUS(ns_tmp4xx_ops.capture(&device, bytes, sizeof bytes, &size), NS_OK);
    CHECK(size == 4 && bytes[0] == 0x01 && bytes[1] == 0x80);
    CHECK_STATUS(ns_tmp4xx_ops.capture(&device, bytes, 3, &size), NS_E_ARG);
}

static void a_power_cycle_is_noticed_and_all_is_programmed_again(void) {
    CHECK_STATUS(open_part(NS_TMP464, 100.0), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    power_up(NS_TMP464);
    for (int round = 0; round < 6; round++) {
        CHECK_STATUS(begin(), NS_OK);
    }
    CHECK(part.value[0x39] == 100U * 16U << 3 && part.value[0x5A] == 100U * 16U << 3);
    CHECK(device.repair_count == 1);
    CHECK_STATUS(open_part(NS_TMP421, NO_LIMIT), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    power_up(NS_TMP421);
    for (int round = 0; round < 3; round++) {
        CHECK_STATUS(begin(), NS_OK);
    }
    CHECK(part.value[0x09] == 0x04 && device.repair_count == 1);
}

static void a_wrong_or_stuck_part_is_an_error(void) {
    CHECK_STATUS(open_part(NS_TMP421, NO_LIMIT), NS_OK);
    part.value[0xFF] = 0x22;
    CHECK_STATUS(begin(), NS_E_REFUSED);
    part.value[0xFF] = 0x21;
    part.is_stuck[0x09] = true;
    CHECK_STATUS(begin(), NS_E_RANGE);
    CHECK_STATUS(open_part(NS_TMP464, 100.0), NS_OK);
    part.value[0xFE] = 0x5448;
    CHECK_STATUS(begin(), NS_E_REFUSED);
    CHECK(part.write_count == 0);
    part.value[0xFE] = 0x5449;
    part.is_stuck[0x4A] = true;
    CHECK_STATUS(begin(), NS_E_RANGE);
    CHECK(part.lock_word == 0x5CA6); /* locked whatever happened */
}

static void a_floating_bus_gives_no_values(void) {
    for (uint32_t kind = NS_TMP421; kind <= NS_TMP464; kind++) {
        CHECK_STATUS(open_part((ns_tmp4xx_part_t)kind, NO_LIMIT), NS_OK);
        CHECK_STATUS(begin(), NS_OK);
        part.is_floating = true;
        CHECK_STATUS(read_status(NS_TMP4XX_LOCAL_TEMP_C), NS_E_RANGE);
        CHECK(begin() != NS_OK);
        part.is_floating = false;
        CHECK_STATUS(begin(), NS_OK);
    }
    CHECK_STATUS(open_part(NS_TMP464, NO_LIMIT), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    part.value[0x23] = 0xFFFF;
    CHECK_STATUS(begin(), NS_E_RANGE);
}

/** Whichever transfer fails, its status comes up, and the next round is good again. */
static void every_transfer_may_fail(void) {
    for (uint32_t kind = NS_TMP421; kind <= NS_TMP464; kind++) {
        for (int at = 0; at < 24; at++) {
            CHECK_STATUS(open_part((ns_tmp4xx_part_t)kind, kind == NS_TMP464 ? 90.0 : NO_LIMIT),
                         NS_OK);
            part.fails_at = at;
            part.failure = NS_E_NACK;
            ns_status_t seen = begin();
            seen = seen != NS_OK ? seen : begin();
            seen = seen != NS_OK ? seen : read_status(NS_TMP4XX_REMOTE1_TEMP_C);
            CHECK(part.fails_at >= 0 || seen == NS_E_NACK);
            part.fails_at = -1;
            CHECK_STATUS(begin(), NS_OK);
            CHECK(kind != NS_TMP464 || part.lock_word == 0x5CA6);
        }
    }
}

static void what_cannot_be_is_refused_at_opening(void) {
    ns_tmp4xx_config_t good = {.part = NS_TMP421,
                               .address = BENCH_ADDRESS,
                               .timeout_us = BENCH_TIMEOUT_US,
                               .temp_limit_c = NO_LIMIT};
    CHECK_STATUS(ns_tmp4xx_open(&device, &good, &register_bus_ops, &part), NS_OK);
    CHECK_STATUS(ns_tmp4xx_open(NULL, &good, &register_bus_ops, &part), NS_E_ARG);
    CHECK_STATUS(ns_tmp4xx_open(&device, NULL, &register_bus_ops, &part), NS_E_ARG);
    CHECK_STATUS(ns_tmp4xx_open(&device, &good, NULL, &part), NS_E_ARG);
    ns_tmp4xx_config_t bad = good;
    bad.part = 4;
    CHECK_STATUS(ns_tmp4xx_open(&device, &bad, &register_bus_ops, &part), NS_E_ARG);
    bad = good;
    bad.timeout_us = 0;
    CHECK_STATUS(ns_tmp4xx_open(&device, &bad, &register_bus_ops, &part), NS_E_ARG);
    CHECK_STATUS(ns_tmp4xx_ops.write(&device, 0, 1.0), NS_E_UNSUPPORTED);
    CHECK_STATUS(ns_tmp4xx_ops.write(&device, NS_TMP4XX_CHANNEL_COUNT, 1.0), NS_E_ARG);
    CHECK_STATUS(read_status(NS_TMP4XX_CHANNEL_COUNT), NS_E_ARG);
}

/** The bus of a call that has an end: each transfer takes all the time it is given, to the last
 *  microsecond, and nothing may be asked for once the time is over. */
typedef struct slow_bus {
    int64_t left_us;
    bool is_over;
    unsigned transfers_when_over;
} slow_bus_t;

static ns_status_t slow_transfer(void *ctx, uint8_t address, const uint8_t *write,
                                 size_t write_size, uint8_t *read, size_t read_size,
                                 uint32_t timeout_us) {
    slow_bus_t *self = ctx;
    self->transfers_when_over += self->is_over ? 1U : 0U;
    if (self->left_us <= 0) {
        self->is_over = true;
        return NS_E_TIMEOUT;
    }
    int64_t granted_us = timeout_us < self->left_us ? (int64_t)timeout_us : self->left_us;
    self->left_us -= granted_us > 1 ? granted_us - 1 : granted_us;
    return register_bus_ops.transfer(&part, address, write, write_size, read, read_size,
                                     BENCH_TIMEOUT_US);
}

static const ns_bus_ops_t slow_bus_ops = {.abi = NS_BUS_OPS_ABI, .transfer = slow_transfer};
static slow_bus_t slow_bus;

#define SLOW_TIMEOUT_US 35000U
#define DEADLINE_US INT64_C(100000)

static void check_call(ns_status_t status) {
    CHECK(slow_bus.transfers_when_over == 0 && slow_bus.left_us >= 0);
    CHECK(!slow_bus.is_over || status == NS_E_TIMEOUT);
    slow_bus = (slow_bus_t){.left_us = DEADLINE_US};
}

static void every_call_ends_with_its_deadline(void) {
    for (uint32_t kind = NS_TMP421; kind <= NS_TMP464; kind++) {
        power_up((ns_tmp4xx_part_t)kind);
        ns_tmp4xx_config_t config = {.part = kind,
                                     .address = BENCH_ADDRESS,
                                     .timeout_us = SLOW_TIMEOUT_US,
                                     .temp_limit_c = kind == NS_TMP464 ? 90.0 : NO_LIMIT};
        slow_bus = (slow_bus_t){.left_us = DEADLINE_US};
        CHECK_STATUS(ns_tmp4xx_open(&device, &config, &slow_bus_ops, &slow_bus), NS_OK);
        ns_status_t status = begin();
        CHECK_STATUS(status, NS_E_TIMEOUT);
        check_call(status);
        slow_bus.left_us = INT64_MAX; /* once with all the time it wants */
        CHECK_STATUS(begin(), NS_OK);
        check_call(NS_OK);
        for (int round = 0; round < 12; round++) {
            if (round == 6) {
                power_up((ns_tmp4xx_part_t)kind); /* then it programs in a slot of a round */
            }
            check_call(begin());
            for (uint32_t channel = 0; channel < NS_TMP4XX_CHANNEL_COUNT; channel++) {
                check_call(read_status(channel));
            }
        }
    }
}

int main(void) {
    every_call_ends_with_its_deadline();
    tmp421_reads_as_its_data_sheet_says();
    a_part_has_the_diodes_of_its_kind();
    tmp464_reads_as_its_data_sheet_says();
    limits_are_rounded_down_and_locked();
    an_open_diode_has_no_temperature();
    a_value_that_moves_between_its_bytes_is_read_again();
    a_crossed_limit_shows_as_alert_with_evidence();
    a_power_cycle_is_noticed_and_all_is_programmed_again();
    a_wrong_or_stuck_part_is_an_error();
    a_floating_bus_gives_no_values();
    every_transfer_may_fail();
    what_cannot_be_is_refused_at_opening();
    return 0;
}
