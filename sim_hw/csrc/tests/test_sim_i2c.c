/** @file test_sim_i2c.c  Time on the wire, and the faults of a wire. */
#include "wire.h"

#define PART 0x20u

static sim_bench_t bench;
static sim_part_t *part;
static ns_bus_t bus;

static void start(uint32_t bus_hz) {
    sim_bench_open(&bench, bus_hz);
    part = sim_part_open(&bench, SIM_PART_GENERIC, PART, 2);
    CHECK(part != NULL);
    part->rail[0].truth[SIM_VOUT] = 3.3;
    sim_bench_advance(&bench, 1000);
    bus = sim_bench_bus(&bench);
}

static int64_t now(void) {
    return bus.ops->now_ns(bus.ctx);
}

static ns_status_t read_vout(uint32_t timeout_us, uint8_t *answer) {
    uint8_t code = SIM_READ_VOUT;
    return bus.ops->transfer(bus.ctx, PART, &code, 1, answer, 3, timeout_us);
}

/* «word read + PEC .57/.14 ms at 100 k/400 k»: six bytes of nine bits, two STARTs, STOP. */
static void a_word_with_pec_takes_57_bits(void) {
    static const struct {
        uint32_t bus_hz;
        int64_t expected_ns;
    } cases[] = {{100000, 570000}, {400000, 142500}};
    for (size_t i = 0; i < 2; i++) {
        uint8_t answer[3];
        start(cases[i].bus_hz);
        int64_t before_ns = now();
        CHECK(read_vout(1000, answer) == NS_OK);
        CHECK(now() - before_ns == cases[i].expected_ns);
        CHECK(bench.i2c.occupied_ns == cases[i].expected_ns && bench.i2c.transfer_count == 1);
    }
}

static void a_write_an_empty_message_and_a_nack_take_their_bits(void) {
    uint8_t bytes[] = {SIM_PAGE, 1};
    start(100000);
    int64_t before_ns = now();
    CHECK(bus.ops->transfer(bus.ctx, PART, bytes, 2, NULL, 0, 1000) == NS_OK);
    CHECK(now() - before_ns == (2 + 27) * 10000);
    before_ns = now();
    CHECK(bus.ops->transfer(bus.ctx, PART, NULL, 0, NULL, 0, 1000) == NS_OK);
    CHECK(now() - before_ns == (2 + 9) * 10000);
    before_ns = now();
    CHECK(bus.ops->transfer(bus.ctx, 0x55, NULL, 0, NULL, 0, 1000) == NS_E_NACK);
    CHECK(now() - before_ns == (2 + 9) * 10000 && bench.i2c.nack_count == 1);
}

static void the_time_of_the_plant_starts_the_wire_anew(void) {
    uint8_t answer[3];
    start(400000);
    CHECK(read_vout(1000, answer) == NS_OK);
    sim_bench_advance(&bench, 5000);
    CHECK(now() == 6000000 && bench.i2c.occupied_ns == 142500);
    bus.ops->delay(bus.ctx, 70);
    CHECK(now() == 6070000 && bench.i2c.occupied_ns == 142500); /* waiting is not traffic */
}

static void a_message_longer_than_its_time_out_is_cut(void) {
    for (int ideal = 0; ideal < 2; ideal++) {
        uint8_t answer[3] = {7, 7, 7};
        start(100000);
        bench.i2c.is_ideal = ideal == 1;
        int64_t before_ns = now();
        CHECK(read_vout(569, answer) == NS_E_TIMEOUT);
        CHECK(now() - before_ns == 569000);
        CHECK(answer[0] == 7);
        CHECK(read_vout(570, answer) == NS_OK);
    }
}

static void a_stretch_is_waited_for_up_to_the_time_out(void) {
    uint8_t answer[3];
    start(400000);
    part->seat->stretch_us = 3000;
    part->seat->stretch_left = 2;
    int64_t before_ns = now();
    CHECK(read_vout(5000, answer) == NS_OK);
    CHECK(now() - before_ns == 3142500);
    before_ns = now();
    CHECK(read_vout(2000, answer) == NS_E_TIMEOUT);
    CHECK(now() - before_ns == 2000000);
    CHECK(read_vout(900, answer) == NS_E_TIMEOUT); /* SCL is still low */
    CHECK(bus.ops->recover(bus.ctx) == NS_E_TIMEOUT);
    bus.ops->delay(bus.ctx, 200);
    CHECK(bus.ops->recover(bus.ctx) == NS_OK);
    CHECK(read_vout(5000, answer) == NS_OK);
}

/* SCL may be low before the part acts or after: a write that timed out may have taken effect. */
static void a_write_that_timed_out_took_effect_or_not(void) {
    for (int late = 0; late < 2; late++) {
        start(400000);
        part->seat->stretch_us = 3000;
        part->seat->stretch_left = 1;
        part->seat->is_stretch_late = late == 1;
        uint8_t bytes[] = {SIM_OPERATION, 0x80};
        CHECK(bus.ops->transfer(bus.ctx, PART, bytes, 2, NULL, 0, 1000) == NS_E_TIMEOUT);
        CHECK(part->rail[0].enabled == (late == 1 ? 1.0 : 0.0));
    }
}

static void a_late_read_that_timed_out_leaves_the_output_alone(void) {
    uint8_t answer[3] = {7, 7, 7};
    start(400000);
    part->seat->stretch_us = 3000;
    part->seat->stretch_left = SIM_I2C_FOR_EVER;
    part->seat->is_stretch_late = true;
    CHECK(read_vout(1000, answer) == NS_E_TIMEOUT && answer[0] == 7);
}

/* UM10204, 3.1.16: «the master should send nine clock pulses». */
static void nine_clocks_free_sda_unless_it_is_stuck(void) {
    static const struct {
        uint32_t clocks;
        int recoveries; /* until the bus is free; 0: never */
    } cases[] = {{1, 1}, {9, 1}, {10, 2}, {SIM_I2C_FOR_EVER, 0}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t answer[3];
        start(100000);
        bench.i2c.faults.sda_clocks = cases[i].clocks;
        int64_t before_ns = now();
        CHECK(read_vout(25000, answer) == NS_E_TIMEOUT);
        CHECK(now() - before_ns == 25000000);
        int needed = 0;
        for (int k = 1; k <= 3 && needed == 0; k++) {
            before_ns = now();
            needed = bus.ops->recover(bus.ctx) == NS_OK ? k : 0;
            CHECK(now() - before_ns == 100000); /* nine clocks and STOP */
        }
        CHECK(needed == cases[i].recoveries);
        CHECK(read_vout(25000, answer) == (needed > 0 ? NS_OK : NS_E_TIMEOUT));
    }
}

static void an_answer_may_come_in_the_last_microsecond(void) {
    uint8_t answer[3];
    start(400000);
    bench.i2c.faults.is_last_moment = true;
    int64_t before_ns = now();
    CHECK(read_vout(4000, answer) == NS_OK);
    CHECK(now() - before_ns == 3999000);
    before_ns = now();
    CHECK(read_vout(143, answer) == NS_OK); /* no time left to be late in */
    CHECK(now() - before_ns == 142500);
}

/* One turned bit in any byte of a message: the check code must tell, or nobody listens. */
static void each_bit_error_shows(void) {
    for (uint16_t byte = 0; byte < 6; byte++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            uint8_t code = SIM_READ_VOUT;
            uint8_t answer[3];
            start(400000);
            bench.i2c.faults.flip_count = 1;
            bench.i2c.faults.flip_byte = byte;
            bench.i2c.faults.flip_mask = (uint8_t)(1u << bit);
            ns_status_t status = read_vout(1000, answer);
            uint8_t head[] = {PART << 1, code, (PART << 1) + 1};
            uint8_t pec = sim_pec_update(sim_pec_update(0, head, 3), answer, 2);
            CHECK(status != NS_OK || pec != answer[2]);
            CHECK(read_vout(1000, answer) == NS_OK); /* once, and no more */
            CHECK(sim_pec_update(sim_pec_update(0, head, 3), answer, 2) == answer[2]);
        }
    }
}

static void a_bit_error_in_a_write_is_caught_by_the_part(void) {
    start(400000);
    bench.i2c.faults.flip_skip = 1;
    bench.i2c.faults.flip_count = 1;
    bench.i2c.faults.flip_byte = 2;
    bench.i2c.faults.flip_mask = 0x40;
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x00) == NS_OK);
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x80) == NS_E_NACK);
    CHECK(part->rail[0].enabled == 0.0);
    CHECK(get(&bench, PART, 1, SIM_STATUS_CML) == SIM_CML_PEC);
}

static unsigned errors_of(uint64_t seed) {
    unsigned bits = 0;
    start(400000);
    bench.i2c.faults.byte_error_rate = 0.02;
    bench.i2c.faults.random = seed;
    for (unsigned i = 0; i < 32; i++) {
        uint8_t answer[3];
        uint8_t head[] = {PART << 1, SIM_READ_VOUT, (PART << 1) + 1};
        ns_status_t status = read_vout(1000, answer);
        uint8_t pec = sim_pec_update(sim_pec_update(0, head, 3), answer, 2);
        bits |= status != NS_OK || pec != answer[2] ? 1u << i : 0u;
    }
    return bits;
}

static void random_errors_follow_from_the_seed(void) {
    unsigned first = errors_of(5);
    CHECK(first != 0 && first != UINT32_MAX);
    CHECK(errors_of(5) == first);
    CHECK(errors_of(6) != first);
}

/* SMBus 2.0, 5.2: the lowest address of all alerting parts answers, and lets go of the line. */
static void the_lowest_address_answers_the_alert(void) {
    start(400000);
    sim_part_t *other = sim_part_open(&bench, SIM_PART_GENERIC, 0x11, 1);
    uint8_t answer = 0;
    CHECK(!sim_i2c_is_alerting(&bench.i2c));
    CHECK(wire(&bench, SIM_I2C_ALERT_RESPONSE, NULL, 0, &answer, 1) == NS_E_NACK);
    part->pmbus.is_alerting = other->pmbus.is_alerting = true;
    CHECK(sim_i2c_is_alerting(&bench.i2c));
    CHECK(wire(&bench, SIM_I2C_ALERT_RESPONSE, NULL, 0, &answer, 1) == NS_OK && answer == 0x22);
    CHECK(wire(&bench, SIM_I2C_ALERT_RESPONSE, NULL, 0, &answer, 1) == NS_OK && answer == 0x40);
    CHECK(!sim_i2c_is_alerting(&bench.i2c));
}

static void a_deaf_part_and_bad_arguments_are_refused(void) {
    uint8_t byte = 0;
    static uint8_t many[400];
    start(400000);
    CHECK(bus.ops->transfer(NULL, PART, &byte, 1, NULL, 0, 1000) == NS_E_ARG);
    CHECK(bus.ops->transfer(bus.ctx, 0x80, &byte, 1, NULL, 0, 1000) == NS_E_ARG);
    CHECK(bus.ops->transfer(bus.ctx, PART, NULL, 1, NULL, 0, 1000) == NS_E_ARG);
    CHECK(bus.ops->transfer(bus.ctx, PART, &byte, 1, NULL, 1, 1000) == NS_E_ARG);
    CHECK(bus.ops->transfer(bus.ctx, PART, &byte, 1, many, 400, TIMEOUT_US) == NS_E_ARG);
    CHECK(sim_i2c_add(&bench.i2c, PART, &sim_pmbus_i2c_ops, part) == NULL);
    CHECK(sim_i2c_add(&bench.i2c, 0x80, &sim_pmbus_i2c_ops, part) == NULL);
    part->seat->is_deaf = true;
    CHECK(try_get(&bench, PART, 1, SIM_PAGE) == NS_E_NACK);
}

int main(void) {
    a_word_with_pec_takes_57_bits();
    a_write_an_empty_message_and_a_nack_take_their_bits();
    the_time_of_the_plant_starts_the_wire_anew();
    a_message_longer_than_its_time_out_is_cut();
    a_stretch_is_waited_for_up_to_the_time_out();
    a_write_that_timed_out_took_effect_or_not();
    a_late_read_that_timed_out_leaves_the_output_alone();
    nine_clocks_free_sda_unless_it_is_stuck();
    an_answer_may_come_in_the_last_microsecond();
    each_bit_error_shows();
    a_bit_error_in_a_write_is_caught_by_the_part();
    random_errors_follow_from_the_seed();
    the_lowest_address_answers_the_alert();
    a_deaf_part_and_bad_arguments_are_refused();
    return 0;
}
