#include "nightside/ina2xx.h"

#include <string.h>

#include "check.h"
#include "register_bench.h"

static register_part_t part;
static ns_ina2xx_t device;

/** Registers after power-up, from the data sheets. */
static void power_up(ns_ina2xx_part_t kind) {
    register_part_clear(&part);
    if (kind == NS_INA219) {
        part.value[0x00] = 0x399F;
    } else if (kind == NS_INA226) {
        part.value[0x00] = 0x4127;
        part.value[0xFE] = 0x5449;
        part.value[0xFF] = 0x2260;
    } else {
        part.value[0x01] = 0xFB68;
        part.value[0x02] = 0x1000;
        part.value[0x0B] = 0x0001;
        part.value[0x0C] = 0x7FFF;
        part.value[0x3E] = 0x5449;
        part.value[0x3F] = 0x2281;
        part.size[0x04] = part.size[0x05] = 3;
        part.size[0x09] = part.size[0x0A] = 5;
    }
}

static ns_status_t open_part(ns_ina2xx_part_t kind, double shunt_ohm, double limit_a) {
    power_up(kind);
    ns_ina2xx_config_t config = {.part = kind,
                                 .address = BENCH_ADDRESS,
                                 .timeout_us = BENCH_TIMEOUT_US,
                                 .shunt_ohm = shunt_ohm,
                                 .current_limit_a = limit_a};
    return ns_ina2xx_open(&device, &config, &register_bus_ops, &part);
}

static ns_status_t begin(void) {
    return ns_ina2xx_ops.begin(&device, 0, UINT64_MAX);
}

static double value_of(uint32_t channel) {
    double value = -1e9;
    CHECK_STATUS(ns_ina2xx_ops.read(&device, channel, &value), NS_OK);
    return value;
}

static ns_status_t read_status(uint32_t channel) {
    double value = 7.0;
    ns_status_t status = ns_ina2xx_ops.read(&device, channel, &value);
    CHECK(status == NS_OK || (value >= 7.0 && value <= 7.0));
    return status;
}

/** SBOS448: bus register 4 mV above bit 3; shunt 10 uV, two's complement; -320 mV is 0x8300. */
static void ina219_reads_as_its_data_sheet_says(void) {
    CHECK_STATUS(open_part(NS_INA219, 0.1, 0.0), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    part.value[0x02] = 3000U << 3 | 2U; /* 12 V, conversion ready */
    part.value[0x01] = 0x07D0;          /* 20 mV */
    CHECK_NEAR(value_of(NS_INA2XX_BUS_VOLTAGE_V), 12.0);
    CHECK_NEAR(value_of(NS_INA2XX_SHUNT_VOLTAGE_V), 0.02);
    CHECK_NEAR(value_of(NS_INA2XX_CURRENT_A), 0.2);
    CHECK_NEAR(value_of(NS_INA2XX_POWER_W), 2.4);
    part.value[0x01] = 0x8300;
    CHECK_NEAR(value_of(NS_INA2XX_SHUNT_VOLTAGE_V), -0.32);
    static const uint32_t missing[] = {NS_INA2XX_ENERGY_J, NS_INA2XX_CHARGE_C, NS_INA2XX_TEMP_C,
                                       NS_INA2XX_ALERT};
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
        CHECK_STATUS(read_status(missing[i]), NS_E_UNSUPPORTED);
    }
}

/** SBOS547, example: 2 mOhm, 10 A: shunt 20 mV = 0x1F40, bus 0x2570 = 11.98 V. */
static void ina226_reads_as_its_data_sheet_says(void) {
    CHECK_STATUS(open_part(NS_INA226, 0.002, 15.0), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    CHECK(part.value[0x00] == 0x4327 && part.value[0x06] == 0x8001);
    CHECK(part.value[0x07] == 12000); /* 15 A x 2 mOhm = 30 mV = 12000 x 2.5 uV */
    part.value[0x01] = 0x1F40;
    part.value[0x02] = 0x2570;
    CHECK_NEAR(value_of(NS_INA2XX_CURRENT_A), 10.0);
    CHECK_NEAR(value_of(NS_INA2XX_BUS_VOLTAGE_V), 11.98);
    CHECK_NEAR(value_of(NS_INA2XX_POWER_W), 119.8);
    part.value[0x01] = 0x8000; /* most negative: -81.92 mV */
    CHECK_NEAR(value_of(NS_INA2XX_SHUNT_VOLTAGE_V), -0.08192);
}

/** SLYS021A: 20 bits left-justified in 24; 312.5 nV, 195.3125 uV, 7.8125 m degC. */
static void ina228_reads_as_its_data_sheet_says(void) {
    CHECK_STATUS(open_part(NS_INA228, 0.001, 100.0), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    CHECK(part.value[0x01] == 0xFB69 && part.value[0x02] == 0x1000 && part.value[0x0B] == 0x8001);
    CHECK(part.value[0x0C] == 20000);         /* 100 mV in steps of 5 uV */
    part.value[0x05] = (uint64_t)276480 << 4; /* 54 V */
    part.value[0x04] = (uint64_t)32000 << 4;  /* 10 mV */
    part.value[0x06] = 0x0C80;                /* 25 degC */
    CHECK_NEAR(value_of(NS_INA2XX_BUS_VOLTAGE_V), 54.0);
    CHECK_NEAR(value_of(NS_INA2XX_CURRENT_A), 10.0);
    CHECK_NEAR(value_of(NS_INA2XX_TEMP_C), 25.0);
    part.value[0x04] = 0xFFFFF0; /* -1 step */
    CHECK_NEAR(value_of(NS_INA2XX_SHUNT_VOLTAGE_V), -312.5e-9);
    part.value[0x06] = 0xEC00; /* -40 degC */
    CHECK_NEAR(value_of(NS_INA2XX_TEMP_C), -40.0);
}

static void counters_go_on_over_their_end_and_begin_again_after_a_reset(void) {
    double step_a = 0.16384 / 0.001 / 524288.0;
    CHECK_STATUS(open_part(NS_INA228, 0.001, 0.0), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    part.value[0x09] = 1000;
    CHECK_NEAR(value_of(NS_INA2XX_ENERGY_J), 1000.0 * 51.2 * step_a);
    part.value[0x09] = 0xFFFFFFFFFFULL;
    double before_j = value_of(NS_INA2XX_ENERGY_J);
    part.value[0x09] = 5; /* six steps later */
    CHECK(fabs((value_of(NS_INA2XX_ENERGY_J) - before_j) / (51.2 * step_a) - 6.0) < 0.01);
    part.value[0x09] = 3; /* power-cycled */
    CHECK_NEAR(value_of(NS_INA2XX_ENERGY_J), 3.0 * 51.2 * step_a);
    part.value[0x0A] = 0x7FFFFFFFFFULL;
    double before_c = value_of(NS_INA2XX_CHARGE_C);
    part.value[0x0A] = 0x8000000001ULL;
    CHECK(fabs((value_of(NS_INA2XX_CHARGE_C) - before_c) / step_a - 2.0) < 0.01);
    part.value[0x0A] = 0x7FFFFFFFFEULL;
    CHECK(fabs((value_of(NS_INA2XX_CHARGE_C) - before_c) / step_a + 1.0) < 0.01);
}

/** The part may alert early, never late: its limit in amperes is at most the one asked for. */
static void limits_are_rounded_toward_safe(void) {
    static const struct {
        ns_ina2xx_part_t kind;
        double step_v;
        uint8_t number;
    } rows[] = {{NS_INA226, 2.5e-6, 0x07}, {NS_INA228, 5e-6, 0x0C}};
    for (size_t i = 0; i < 2; i++) {
        for (uint32_t raw = 1; raw < 32767; raw += 331) {
            double shunt_ohm = 0.0005;
            double limit_a = ((double)raw + 0.7) * rows[i].step_v / shunt_ohm;
            CHECK_STATUS(open_part(rows[i].kind, shunt_ohm, limit_a), NS_OK);
            CHECK_STATUS(begin(), NS_OK);
            CHECK(part.value[rows[i].number] == raw);
        }
        double full_a = 32768.0 * rows[i].step_v / 0.0005;
        CHECK_STATUS(open_part(rows[i].kind, 0.0005, full_a * 1.001), NS_E_RANGE);
        CHECK_STATUS(open_part(rows[i].kind, 0.0005, 1e-6), NS_E_RANGE);
    }
    CHECK_STATUS(open_part(NS_INA219, 0.1, 1.0), NS_E_UNSUPPORTED);
}

static void an_alert_is_kept_until_it_is_cleared(void) {
    uint8_t bytes[8];
    size_t size = 0;
    CHECK_STATUS(open_part(NS_INA226, 0.002, 15.0), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    CHECK(ns_ina2xx_ops.alarm(&device) == 0);
    part.value[0x06] = 0x8011; /* the function flag */
    CHECK_STATUS(begin(), NS_OK);
    part.value[0x06] = 0x8001; /* released by the read */
    CHECK_STATUS(begin(), NS_OK);
    CHECK(ns_ina2xx_ops.alarm(&device) == 0x8011);
    CHECK_NEAR(value_of(NS_INA2XX_ALERT), 1.0);
    CHECK_STATUS(ns_ina2xx_ops.capture(&device, bytes, sizeof bytes, &size), NS_OK);
    CHECK(size == 4 && bytes[0] == 0x80 && bytes[1] == 0x11 && bytes[2] == 0x2E &&
          bytes[3] == 0xE0);
    CHECK_STATUS(ns_ina2xx_ops.capture(&device, bytes, 3, &size), NS_E_ARG);
    CHECK_STATUS(ns_ina2xx_ops.request(&device, NS_REQUEST_RESET), NS_E_UNSUPPORTED);
    CHECK_STATUS(ns_ina2xx_ops.request(&device, NS_REQUEST_CLEAR), NS_OK);
    CHECK(ns_ina2xx_ops.alarm(&device) == 0);
    CHECK_NEAR(value_of(NS_INA2XX_ALERT), 0.0);
}

static void a_power_cycle_is_noticed_and_all_is_programmed_again(void) {
    CHECK_STATUS(open_part(NS_INA226, 0.002, 15.0), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    power_up(NS_INA226);
    for (int round = 0; round < 3; round++) {
        CHECK_STATUS(begin(), NS_OK);
    }
    CHECK(part.value[0x00] == 0x4327 && part.value[0x06] == 0x8001 && part.value[0x07] == 12000);
}

static void one_flipped_bit_is_repaired_one_bad_read_is_not(void) {
    CHECK_STATUS(open_part(NS_INA228, 0.001, 100.0), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    part.value[0x0C] ^= 0x4000;
    for (int round = 0; round < 3; round++) {
        CHECK_STATUS(begin(), NS_OK);
    }
    CHECK(part.value[0x0C] == 20000 && device.repair_count == 1);
    part.moves = 0x0C; /* one read is wrong, the next is right */
    part.value[0x0C] = 19999;
    part.move_step = 1;
    unsigned writes = part.write_count;
    for (int round = 0; round < 3 && part.value[0x0C] != 20001; round++) {
        CHECK_STATUS(begin(), NS_OK);
        if (part.value[0x0C] >= 20001) {
            break;
        }
    }
    CHECK(part.write_count == writes && device.repair_count == 1);
}

static void another_part_at_the_address_is_refused(void) {
    CHECK_STATUS(open_part(NS_INA226, 0.002, 0.0), NS_OK);
    part.value[0xFE] = 0x5448;
    CHECK_STATUS(begin(), NS_E_REFUSED);
    part.value[0xFE] = 0x5449;
    part.value[0xFF] = 0x2270;
    CHECK_STATUS(begin(), NS_E_REFUSED);
    part.value[0xFF] = 0x2261; /* another revision */
    CHECK_STATUS(begin(), NS_OK);
    CHECK(part.write_count == 1);
}

static void a_floating_bus_gives_no_values(void) {
    static const ns_ina2xx_part_t kinds[] = {NS_INA219, NS_INA226, NS_INA228};
    for (size_t i = 0; i < 3; i++) {
        CHECK_STATUS(open_part(kinds[i], 0.002, kinds[i] == NS_INA219 ? 0.0 : 10.0), NS_OK);
        CHECK_STATUS(begin(), NS_OK);
        part.is_floating = true;
        CHECK_STATUS(read_status(NS_INA2XX_BUS_VOLTAGE_V), NS_E_RANGE);
        CHECK_STATUS(read_status(NS_INA2XX_SHUNT_VOLTAGE_V), NS_E_RANGE);
        CHECK_STATUS(read_status(NS_INA2XX_CURRENT_A), NS_E_RANGE);
        CHECK_STATUS(read_status(NS_INA2XX_POWER_W), NS_E_RANGE);
        if (kinds[i] == NS_INA228) {
            CHECK_STATUS(read_status(NS_INA2XX_TEMP_C), NS_E_RANGE);
        }
        CHECK(begin() != NS_OK);
        part.is_floating = false;
        CHECK_STATUS(begin(), NS_OK);
    }
}

/** All ones in the shunt register are -1 step of a part whose other registers are sound. */
static void minus_one_step_is_a_value(void) {
    CHECK_STATUS(open_part(NS_INA226, 0.002, 0.0), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    part.value[0x01] = 0xFFFF;
    CHECK_NEAR(value_of(NS_INA2XX_SHUNT_VOLTAGE_V), -2.5e-6);
}

static void a_register_that_stays_wrong_is_an_error(void) {
    CHECK_STATUS(open_part(NS_INA226, 0.002, 15.0), NS_OK);
    part.is_stuck[0x07] = true;
    CHECK_STATUS(begin(), NS_E_RANGE);
    part.is_stuck[0x07] = false;
    part.is_stuck[0x06] = true;
    CHECK_STATUS(begin(), NS_E_RANGE);
}

/** Whichever transfer fails, its status comes up, and the next round is good again. */
static void every_transfer_may_fail(void) {
    static const ns_status_t failures[] = {NS_E_NACK, NS_E_TIMEOUT, NS_E_IO};
    for (size_t kind = 0; kind < 3; kind++) {
        for (int at = 0; at < 16; at++) {
            for (size_t i = 0; i < 3; i++) {
                CHECK_STATUS(open_part(NS_INA228, 0.001, 100.0), NS_OK);
                part.fails_at = at;
                part.failure = failures[i];
                ns_status_t seen = begin();
                seen = seen != NS_OK ? seen : begin();
                for (uint32_t channel = 0; seen == NS_OK && channel < 8; channel++) {
                    seen = read_status(channel);
                }
                CHECK(part.fails_at >= 0 || seen == failures[i]);
                CHECK_STATUS(begin(), NS_OK);
            }
        }
    }
}

static void what_cannot_be_is_refused_at_opening(void) {
    ns_ina2xx_config_t good = {.part = NS_INA226,
                               .address = BENCH_ADDRESS,
                               .timeout_us = BENCH_TIMEOUT_US,
                               .shunt_ohm = 0.002};
    ns_bus_ops_t old = register_bus_ops;
    old.abi = 1;
    CHECK_STATUS(ns_ina2xx_open(&device, &good, &register_bus_ops, &part), NS_OK);
    CHECK_STATUS(ns_ina2xx_open(NULL, &good, &register_bus_ops, &part), NS_E_ARG);
    CHECK_STATUS(ns_ina2xx_open(&device, NULL, &register_bus_ops, &part), NS_E_ARG);
    CHECK_STATUS(ns_ina2xx_open(&device, &good, NULL, &part), NS_E_ARG);
    CHECK_STATUS(ns_ina2xx_open(&device, &good, &old, &part), NS_E_ARG);
    static const double shunts[] = {0.0, -1.0, (double)INFINITY, (double)NAN};
    for (size_t i = 0; i < 4; i++) {
        ns_ina2xx_config_t bad = good;
        bad.shunt_ohm = shunts[i];
        CHECK_STATUS(ns_ina2xx_open(&device, &bad, &register_bus_ops, &part), NS_E_ARG);
    }
    ns_ina2xx_config_t bad = good;
    bad.part = 3;
    CHECK_STATUS(ns_ina2xx_open(&device, &bad, &register_bus_ops, &part), NS_E_ARG);
    bad = good;
    bad.current_limit_a = (double)NAN;
    CHECK_STATUS(ns_ina2xx_open(&device, &bad, &register_bus_ops, &part), NS_E_ARG);
    bad = good;
    bad.address = 0x78;
    CHECK_STATUS(ns_ina2xx_open(&device, &bad, &register_bus_ops, &part), NS_E_ARG);
    CHECK_STATUS(ns_ina2xx_ops.write(&device, NS_INA2XX_CURRENT_A, 1.0), NS_E_UNSUPPORTED);
    CHECK_STATUS(ns_ina2xx_ops.write(&device, NS_INA2XX_CHANNEL_COUNT, 1.0), NS_E_ARG);
    CHECK_STATUS(read_status(NS_INA2XX_CHANNEL_COUNT), NS_E_ARG);
}

/** Reading the alert register releases the latch, writing it does not (SBOS547, Mask/Enable;
 *  SBOSA20, DIAG_ALRT; that a write keeps it: unverified). */
static ns_status_t latching_transfer(void *ctx, uint8_t address, const uint8_t *write,
                                     size_t write_size, uint8_t *read, size_t read_size,
                                     uint32_t timeout_us) {
    uint8_t alert = device.config.part == NS_INA226 ? 0x06 : 0x0B;
    uint64_t flag = device.config.part == NS_INA226 ? 0x0010 : 0x0040;
    uint64_t latched = part.value[alert] & flag;
    ns_status_t status =
        register_bus_ops.transfer(ctx, address, write, write_size, read, read_size, timeout_us);
    if (status == NS_OK && write[0] == alert) {
        part.value[alert] &= ~flag;
        part.value[alert] |= read_size == 0 ? latched : 0;
    }
    return status;
}

static const ns_bus_ops_t latching_bus_ops = {.abi = NS_BUS_OPS_ABI, .transfer = latching_transfer};

static void an_alert_of_before_is_not_swallowed_by_programming(void) {
    static const struct {
        ns_ina2xx_part_t kind;
        uint8_t number;
        uint16_t word;
    } rows[] = {{NS_INA226, 0x06, 0x8011}, {NS_INA228, 0x0B, 0x8041}};
    for (size_t i = 0; i < 2; i++) {
        CHECK_STATUS(open_part(rows[i].kind, 0.002, 15.0), NS_OK);
        ns_ina2xx_config_t config = device.config;
        CHECK_STATUS(ns_ina2xx_open(&device, &config, &latching_bus_ops, &part), NS_OK);
        part.value[rows[i].number] = rows[i].word; /* at the start */
        CHECK_STATUS(begin(), NS_OK);
        CHECK(ns_ina2xx_ops.alarm(&device) == rows[i].word);
        CHECK_STATUS(ns_ina2xx_ops.request(&device, NS_REQUEST_CLEAR), NS_OK);
        CHECK_STATUS(begin(), NS_OK);
        CHECK(ns_ina2xx_ops.alarm(&device) == 0);
        part.value[rows[i].number] = rows[i].word; /* after a round that failed */
        part.fails_at = 0;
        part.failure = NS_E_NACK;
        CHECK_STATUS(begin(), NS_E_NACK);
        CHECK_STATUS(begin(), NS_OK);
        CHECK(ns_ina2xx_ops.alarm(&device) == rows[i].word);
    }
}

/** It comes between the two reads: the write keeps it, the read-back shows it. */
static void an_alert_while_it_is_programmed_is_kept(void) {
    CHECK_STATUS(open_part(NS_INA226, 0.002, 15.0), NS_OK);
    part.value[0x06] = 0x8001;
    part.is_stuck[0x06] = true; /* as it is already */
    part.moves = 0x06;
    part.move_step = 0x10; /* the flag, after the first read */
    CHECK_STATUS(begin(), NS_OK);
    CHECK(ns_ina2xx_ops.alarm(&device) == 0x8011);
}

/** Bits that come and go with each conversion are not another alert. */
static void evidence_of_one_alert_does_not_move(void) {
    uint8_t first[4];
    uint8_t second[4];
    size_t size = 0;
    CHECK_STATUS(open_part(NS_INA226, 0.002, 15.0), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    part.value[0x06] = 0x8011;
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(ns_ina2xx_ops.capture(&device, first, sizeof first, &size), NS_OK);
    part.value[0x06] = 0x8019; /* conversion ready */
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(ns_ina2xx_ops.capture(&device, second, sizeof second, &size), NS_OK);
    CHECK(size == 4 && memcmp(first, second, size) == 0);
    CHECK(ns_ina2xx_ops.alarm(&device) == 0x8011);
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
    for (uint32_t kind = NS_INA219; kind <= NS_INA228; kind++) {
        power_up((ns_ina2xx_part_t)kind);
        ns_ina2xx_config_t config = {.part = kind,
                                     .address = BENCH_ADDRESS,
                                     .timeout_us = SLOW_TIMEOUT_US,
                                     .shunt_ohm = 0.002,
                                     .current_limit_a = kind == NS_INA219 ? 0.0 : 10.0};
        slow_bus = (slow_bus_t){.left_us = DEADLINE_US};
        CHECK_STATUS(ns_ina2xx_open(&device, &config, &slow_bus_ops, &slow_bus), NS_OK);
        ns_status_t status = begin();
        CHECK_STATUS(status, kind == NS_INA219 ? NS_OK : NS_E_TIMEOUT);
        check_call(status);
        slow_bus.left_us = INT64_MAX; /* once with all the time it wants */
        CHECK_STATUS(begin(), NS_OK);
        check_call(NS_OK);
        for (int round = 0; round < 12; round++) {
            if (round == 6) {
                power_up((ns_ina2xx_part_t)kind); /* then it programs in a slot of a round */
            }
            check_call(begin());
            for (uint32_t channel = 0; channel < NS_INA2XX_CHANNEL_COUNT; channel++) {
                check_call(read_status(channel));
            }
            check_call(ns_ina2xx_ops.request(&device, NS_REQUEST_CLEAR));
        }
    }
}

int main(void) {
    an_alert_of_before_is_not_swallowed_by_programming();
    an_alert_while_it_is_programmed_is_kept();
    evidence_of_one_alert_does_not_move();
    every_call_ends_with_its_deadline();
    ina219_reads_as_its_data_sheet_says();
    ina226_reads_as_its_data_sheet_says();
    ina228_reads_as_its_data_sheet_says();
    counters_go_on_over_their_end_and_begin_again_after_a_reset();
    limits_are_rounded_toward_safe();
    an_alert_is_kept_until_it_is_cleared();
    a_power_cycle_is_noticed_and_all_is_programmed_again();
    one_flipped_bit_is_repaired_one_bad_read_is_not();
    another_part_at_the_address_is_refused();
    a_floating_bus_gives_no_values();
    minus_one_step_is_a_value();
    a_register_that_stays_wrong_is_an_error();
    every_transfer_may_fail();
    what_cannot_be_is_refused_at_opening();
    return 0;
}
