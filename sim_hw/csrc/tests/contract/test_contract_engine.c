/**
 * @file test_contract_engine.c
 * @brief Image, engine, port, five drivers and five parts on one bus.
 */
#include <string.h>

#include "check.h"
#include "nightside/driver.h"
#include "nightside/ina2xx.h"
#include "nightside/pmbus.h"
#include "nightside/tmp4xx.h"
#include "sim_bench.h"

#define MS 1000000LL
#define CYCLE_US 100000
#define DEADLINE_NS (100 * MS)
#define IMAGE_BYTES (1u << 20)
#define DRIVER_BYTES (1u << 17)
#define PORT_BYTES 8192
#define DEVICES 5
#define TIMEOUT_US 25000u
#define LEFT_ALONE ((double)NAN)

enum { GENERIC, REGULATOR, HOT_SWAP, MONITOR, SENSOR };
enum {
    RAIL_V,
    RAIL_A,
    RAIL_STATUS,
    RAIL_ENABLE,
    CORE_V,
    CORE_ENABLE,
    INPUT_V,
    INPUT_W,
    BOARD_V,
    BOARD_A,
    BOARD_C,
    POINTS
};

#define POINT(name_, device_, channel_)                                                            \
    {.name = name_, .device = (device_), .channel = (channel_), .period_ns = 100 * MS}
#define SWITCH(name_, device_)                                                                     \
    {.name = name_,                                                                                \
     .device = (device_),                                                                          \
     .channel = NS_PMBUS_ENABLE,                                                                   \
     .period_ns = 100 * MS,                                                                        \
     .is_writable = 1,                                                                             \
     .low = 0.0,                                                                                   \
     .high = 1.0,                                                                                  \
     .safe = LEFT_ALONE}

static const ns_point_t points[POINTS] = {
    POINT("rail.voltage_v", GENERIC, NS_PMBUS_VOLTAGE_V),
    POINT("rail.current_a", GENERIC, NS_PMBUS_CURRENT_A),
    POINT("rail.status", GENERIC, NS_PMBUS_STATUS),
    SWITCH("rail.enable", GENERIC),
    POINT("core.voltage_v", REGULATOR, NS_PMBUS_VOLTAGE_V),
    SWITCH("core.enable", REGULATOR),
    POINT("input.voltage_v", HOT_SWAP, NS_PMBUS_INPUT_VOLTAGE_V),
    POINT("input.power_w", HOT_SWAP, NS_PMBUS_INPUT_POWER_W),
    POINT("board.voltage_v", MONITOR, NS_INA2XX_BUS_VOLTAGE_V),
    POINT("board.current_a", MONITOR, NS_INA2XX_CURRENT_A),
    POINT("board.temp_c", SENSOR, NS_TMP4XX_LOCAL_TEMP_C),
};
static const ns_reflex_t reflex = {.point = RAIL_A,
                                   .action_point = RAIL_ENABLE,
                                   .threshold = 15.0,
                                   .persistence_ns = 100 * MS,
                                   .action_value = 0.0};

static sim_bench_t bench;
static sim_part_t *part[DEVICES];
static _Alignas(NS_IMAGE_ALIGNMENT) uint8_t image_memory[IMAGE_BYTES];
static uint64_t driver_memory[DRIVER_BYTES / 8];
static uint64_t port_memory[PORT_BYTES / 8];
static ns_image_t image;
static ns_driver_t *driver;
static ns_bus_port_t *port;
static ns_pmbus_t pmbus[3];
static ns_ina2xx_t ina;
static ns_tmp4xx_t tmp;

static void power_parts(void) {
    static const struct {
        sim_part_kind_t kind;
        uint8_t address;
        uint8_t pages;
        double truth[SIM_MEASURED]; /* VOUT, IOUT, VIN, IIN, temperatures */
    } rows[DEVICES] = {
        {SIM_PART_GENERIC, 0x20, 2, {54.0, 13.0, 54.5, 13.5, 40.0, 35.0}},
        {SIM_PART_LTC3887, 0x30, 2, {1.0, 10.0, 12.0, 3.0, 40.0, 35.0}},
        {SIM_PART_ADM1272, 0x10, 1, {54.0, 20.0, 54.5, 20.0, 30.0, 0.0}},
        {SIM_PART_INA226, 0x40, 1, {12.0, 5.0, 0.0, 0.0, 30.0, 0.0}},
        {SIM_PART_TMP464, 0x48, 1, {0.0, 0.0, 0.0, 0.0, 31.0, 0.0}},
    };
    sim_bench_open(&bench, 400000);
    for (int i = 0; i < DEVICES; i++) {
        part[i] = sim_part_open(&bench, rows[i].kind, rows[i].address, rows[i].pages);
        CHECK(part[i] != NULL);
        for (uint8_t page = 0; page < SIM_PAGES_MAX; page++) {
            memcpy(part[i]->rail[page].truth, rows[i].truth, sizeof(rows[i].truth));
        }
    }
    sim_bench_advance(&bench, 500000);
}

static void open_devices(ns_device_t *out) {
    ns_pmbus_config_t configs[3] = {
        {.address = 0x20, .has_page = 1, .page = 1, .current_limit_a = 20.0},
        {.address = 0x30,
         .has_page = 1,
         .page = 1,
         .part = NS_PMBUS_PART_LTC3887,
         .voltage_limit_v_high = 1.05},
        {.address = 0x10, .part = NS_PMBUS_PART_ADM1272, .shunt_uohm = 1000},
    };
    ns_ina2xx_config_t ina_config = {
        .part = NS_INA226, .address = 0x40, .timeout_us = TIMEOUT_US, .shunt_ohm = 0.002};
    ns_tmp4xx_config_t tmp_config = {
        .part = NS_TMP464, .address = 0x48, .timeout_us = TIMEOUT_US, .temp_limit_c = (double)NAN};
    const void *ops = ns_bus_port_ops(port);
    for (int i = 0; i < 3; i++) {
        configs[i].has_pec = 1;
        configs[i].timeout_us = TIMEOUT_US;
        CHECK(ns_pmbus_open(&pmbus[i], &configs[i], ops, port) == NS_OK);
        out[i] = (ns_device_t){.ops = &ns_pmbus_ops, .ctx = &pmbus[i]};
    }
    CHECK(ns_ina2xx_open(&ina, &ina_config, ops, port) == NS_OK);
    CHECK(ns_tmp4xx_open(&tmp, &tmp_config, ops, port) == NS_OK);
    out[MONITOR] = (ns_device_t){.ops = &ns_ina2xx_ops, .ctx = &ina};
    out[SENSOR] = (ns_device_t){.ops = &ns_tmp4xx_ops, .ctx = &tmp};
}

static void start(void) {
    static const ns_driver_entry_t entry = {.name = "board",
                                            .device_count = DEVICES,
                                            .retry_count = 1,
                                            .deadline_ns = DEADLINE_NS,
                                            .backoff_max_ns = 800 * MS};
    ns_image_config_t config = {.points = points,
                                .drivers = &entry,
                                .reflexes = &reflex,
                                .point_count = POINTS,
                                .driver_count = 1,
                                .reflex_count = 1};
    ns_device_t devices[DEVICES];
    power_parts();
    ns_bus_t bus = sim_bench_bus(&bench);
    CHECK(ns_bus_port_size() <= sizeof(port_memory));
    CHECK(ns_bus_port_open(port_memory, sizeof(port_memory), bus.ops, bus.ctx, NULL, NULL, &port) ==
          NS_OK);
    CHECK(ns_image_size(&config) <= sizeof(image_memory));
    memset(image_memory, 0, sizeof(image_memory));
    CHECK(ns_image_create(image_memory, sizeof(image_memory), &config, &image) == NS_OK);
    open_devices(devices);
    CHECK(ns_driver_size(&image, 0) <= sizeof(driver_memory));
    CHECK(ns_driver_open(driver_memory, sizeof(driver_memory), &image, 0, devices, DEVICES, port,
                         &driver) == NS_OK);
}

/** A cycle of the daemon. NaN leaves a switch alone. */
static void cycle(double rail_enable, double core_enable) {
    double desired[2] = {rail_enable, core_enable};
    sim_bench_advance(&bench, CYCLE_US);
    int64_t now_ns = bench.now_ns;
    CHECK(ns_driver_poll(driver, now_ns) == NS_OK);
    CHECK(ns_image_write_desired(&image, desired, 2, 1) == NS_OK);
    CHECK(ns_image_beat(&image, 1) == NS_OK);
    CHECK(ns_driver_reconcile(driver, now_ns) == NS_OK);
}

static void run(int cycles) {
    for (int i = 0; i < cycles; i++) {
        cycle(LEFT_ALONE, LEFT_ALONE);
    }
}

static ns_sample_t sample(uint32_t point) {
    ns_sample_t now;
    CHECK(ns_image_read_sample(&image, point, &now) == NS_OK);
    return now;
}

static ns_bus_statistics_t statistics(void) {
    ns_bus_statistics_t now;
    CHECK(ns_image_statistics(&image, 0, &now) == NS_OK);
    return now;
}

/** Each within half a step of its part's words. */
static void check_samples(void) {
    static const struct {
        uint32_t point;
        double value;
        double tolerance;
    } rows[] = {
        {RAIL_V, 54.0, 1.0 / 1024.0},
        {RAIL_A, 13.0, 13.0 / 1024.0},
        {CORE_V, 1.0, 1.0 / 8192.0},
        {INPUT_V, 54.5, 50.0 / 4062.0},
        {INPUT_W, 1090.0, 500.0 / 10535.0},
        {BOARD_V, 12.0, 0.00063},
        {BOARD_A, 5.0, 0.00063},
        {BOARD_C, 31.0, 0.032},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ns_sample_t now = sample(rows[i].point);
        CHECK(now.status == NS_OK);
        CHECK_NEAR(now.value, rows[i].value, rows[i].tolerance);
    }
}

static uint32_t read_evidence(ns_evidence_t *out, uint32_t capacity) {
    uint32_t count = 0;
    uint64_t lost = 0;
    CHECK(ns_image_read_evidence(&image, 0, 0, out, capacity, &count, &lost) == NS_OK);
    return count;
}

static uint32_t count_of(uint32_t cause, uint32_t device) {
    static ns_evidence_t records[64];
    uint32_t count = read_evidence(records, 64);
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        found += records[i].cause == cause && records[i].device == device ? 1u : 0u;
    }
    return found;
}

static void what_the_parts_measure_reaches_the_image(void) {
    start();
    run(2);
    for (int i = 0; i < 30; i++) {
        run(1);
        check_samples();
    }
    ns_bus_statistics_t bus = statistics();
    CHECK(bus.nack_count == 0 && bus.timeout_count == 0 && bus.transfer_count > 400);
    CHECK(bus.busy_ns > 0 && bus.overrun_count == 0);
}

static void a_desired_switch_is_kept_against_upsets(void) {
    start();
    cycle(1.0, 1.0);
    CHECK(part[GENERIC]->rail[1].enabled == 1.0 && part[REGULATOR]->rail[1].enabled == 1.0);
    CHECK(part[GENERIC]->rail[0].enabled == 0.0); /* the other page is nobody's */
    CHECK_NEAR(part[GENERIC]->pmbus.registers[1].limit[0], 20.0, 1e-9);
    run(3);
    CHECK(sim_part_flip(part[GENERIC], 1, SIM_OPERATION, 7));
    CHECK(part[GENERIC]->rail[1].enabled == 0.0);
    run(3);
    CHECK(part[GENERIC]->rail[1].enabled == 1.0);
    CHECK(count_of(NS_CAUSE_REPAIR, GENERIC) == 1);
    cycle(0.0, 1.0);
    CHECK(part[GENERIC]->rail[1].enabled == 0.0 && part[REGULATOR]->rail[1].enabled == 1.0);
}

static ns_status_t ask_clear(uint32_t device) {
    uint64_t ticket = 0;
    int32_t status = 1;
    ns_request_t request = {.kind = NS_REQUEST_CLEAR,
                            .device = device,
                            .epoch = 1,
                            .deadline_ns = bench.now_ns + 1000 * MS};
    CHECK(ns_image_send_request(&image, 0, &request, &ticket) == NS_OK);
    run(1);
    CHECK(ns_image_request_status(&image, 0, ticket, &status) == NS_OK);
    return (ns_status_t)status;
}

static void a_fault_is_kept_then_cleared(void) {
    static ns_evidence_t records[64];
    start();
    cycle(1.0, 1.0);
    run(2);
    part[GENERIC]->rail[1].truth[SIM_IOUT] = 21.0; /* silicon opens it */
    sim_bench_advance(&bench, 1000);
    CHECK(part[GENERIC]->rail[1].enabled == 0.0);
    part[GENERIC]->rail[1].truth[SIM_IOUT] = 13.0;
    run(2);
    CHECK(count_of(NS_CAUSE_DEVICE_FAULT, GENERIC) == 1);
    CHECK(((unsigned)sample(RAIL_STATUS).value & 0x4000u) != 0);
    CHECK(ask_clear(GENERIC) == NS_E_REFUSED); /* the evidence is not stored yet */
    CHECK(((unsigned)sample(RAIL_STATUS).value & 0x4000u) != 0);
    uint32_t count = read_evidence(records, 64);
    CHECK(ns_image_mark_durable(&image, 0, records[count - 1].sequence) == NS_OK);
    CHECK(ask_clear(GENERIC) == NS_OK);
    run(1);
    CHECK(((unsigned)sample(RAIL_STATUS).value & 0x4000u) == 0);
}

static void a_reflex_opens_the_switch_without_the_daemon(void) {
    start();
    cycle(1.0, 1.0);
    run(2);
    part[GENERIC]->rail[1].truth[SIM_IOUT] = 16.0; /* above the reflex, below the silicon */
    for (int i = 0; i < 3; i++) {
        sim_bench_advance(&bench, CYCLE_US);
        CHECK(ns_driver_step(driver, bench.now_ns) == NS_OK);
    }
    CHECK(part[GENERIC]->rail[1].enabled == 0.0);
    CHECK(count_of(NS_CAUSE_REFLEX, GENERIC) == 1);
}

static void a_silent_part_starves_nobody(void) {
    start();
    run(3);
    for (int device = 0; device < DEVICES; device++) {
        part[device]->supply = 0.0;
        for (int i = 0; i < 12; i++) {
            run(1);
            for (uint32_t point = 0; point < POINTS; point++) {
                bool is_silent = points[point].device == (uint32_t)device;
                CHECK((sample(point).status == NS_OK) != is_silent);
            }
        }
        CHECK(count_of(NS_CAUSE_SILENCE, (uint32_t)device) == 1);
        part[device]->supply = 1.0;
        run(20); /* the longest pause, and a first measurement */
        check_samples();
    }
    CHECK_NEAR(part[GENERIC]->pmbus.registers[1].limit[0], 20.0, 1e-9);
}

static void a_stuck_bus_is_freed(void) {
    start();
    run(3);
    bench.i2c.faults.sda_clocks = 9;
    run(20);
    check_samples();
    CHECK(statistics().recovery_count == 1);
}

/** A poll takes at most 2 x devices + 1 deadlines, and one more for the rule: driver.h. */
static void the_slowest_bus_keeps_the_bound_of_a_poll(void) {
    start();
    run(3);
    bench.i2c.faults.is_last_moment = true;
    for (int i = 0; i < 20; i++) {
        sim_bench_advance(&bench, CYCLE_US);
        int64_t start_ns = sim_i2c_bus_ops.now_ns(&bench.i2c);
        CHECK(ns_driver_poll(driver, bench.now_ns) == NS_OK);
        int64_t taken_ns = sim_i2c_bus_ops.now_ns(&bench.i2c) - start_ns;
        CHECK(taken_ns <= (2 * DEVICES + 2) * DEADLINE_NS + 2 * MS); /* and two recoveries */
        sim_bench_advance(&bench, 3000000);
    }
    bench.i2c.faults.is_last_moment = false;
    run(20);
    check_samples();
}

int main(void) {
    what_the_parts_measure_reaches_the_image();
    a_desired_switch_is_kept_against_upsets();
    a_fault_is_kept_then_cleared();
    a_reflex_opens_the_switch_without_the_daemon();
    a_silent_part_starves_nobody();
    a_stuck_bus_is_freed();
    the_slowest_bus_keeps_the_bound_of_a_poll();
    return 0;
}
