/** @file test_sim_parts.c  What all PMBus parts have in common, on the generic ones. */
#include "wire.h"

#define PART 0x20u

static sim_bench_t bench;
static sim_part_t *part;

static void start(sim_part_kind_t kind, uint8_t pages) {
    sim_bench_open(&bench, 400000);
    part = sim_part_open(&bench, kind, PART, pages);
    CHECK(part != NULL);
    CHECK(put(&bench, PART, 1, SIM_WRITE_PROTECT, 0x00) == NS_OK);
}

static void set_limit(uint8_t code, double value) {
    CHECK(put(&bench, PART, 2, code, sim_linear11_from(value)) == NS_OK);
}

/* PMBus part II, 11.10: «PAGE ... FFh: all commands apply to all pages». */
static void page_ff_writes_to_all_pages_and_reads_none(void) {
    start(SIM_PART_GENERIC, 3);
    CHECK(put(&bench, PART, 1, SIM_PAGE, 0xFF) == NS_OK);
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x80) == NS_OK);
    for (unsigned page = 0; page < 3; page++) {
        CHECK(part->rail[page].enabled == 1.0);
    }
    CHECK(get(&bench, PART, 1, SIM_PAGE) == 0xFF);
    CHECK(get(&bench, PART, 1, SIM_STATUS_CML) == 0);
    (void)get(&bench, PART, 1, SIM_OPERATION);
    CHECK(get(&bench, PART, 1, SIM_STATUS_CML) == SIM_CML_DATA);
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x55) == NS_E_NACK);
}

/* PMBus part II, 11.1: 0x80, 0x40 and 0x20 leave less and less closed. */
static void write_protect_has_three_levels(void) {
    static const struct {
        uint8_t level;
        bool operation;
        bool clear;
        bool limit;
    } cases[] = {{0x80, false, false, false},
                 {0x40, true, true, false},
                 {0x20, true, true, false},
                 {0x00, true, true, true}};
    for (size_t i = 0; i < 4; i++) {
        start(SIM_PART_GENERIC, 2);
        CHECK(put(&bench, PART, 1, SIM_WRITE_PROTECT, cases[i].level) == NS_OK);
        CHECK(get(&bench, PART, 1, SIM_WRITE_PROTECT) == cases[i].level);
        CHECK((put(&bench, PART, 1, SIM_OPERATION, 0x80) == NS_OK) == cases[i].operation);
        CHECK((put(&bench, PART, 0, SIM_CLEAR_FAULTS, 0) == NS_OK) == cases[i].clear);
        CHECK((put(&bench, PART, 2, SIM_IOUT_OC_WARN_LIMIT, 0xD300) == NS_OK) == cases[i].limit);
        CHECK(put(&bench, PART, 1, SIM_PAGE, 1) == NS_OK);
    }
    CHECK(put(&bench, PART, 1, SIM_WRITE_PROTECT, 0xC0) == NS_E_NACK);
}

static void warnings_latch_until_they_are_cleared_one_by_one(void) {
    start(SIM_PART_GENERIC, 1);
    set_limit(SIM_IOUT_OC_WARN_LIMIT, 10.0);
    set_limit(SIM_OT_WARN_LIMIT, 80.0);
    part->rail[0].truth[SIM_IOUT] = 10.0;
    sim_bench_advance(&bench, 1000);
    CHECK(get(&bench, PART, 1, SIM_STATUS_IOUT) == 0); /* at the limit is not above it */
    part->rail[0].truth[SIM_IOUT] = 10.1;
    part->rail[0].truth[SIM_TEMP_1] = 90.0;
    sim_bench_advance(&bench, 1000);
    part->rail[0].truth[SIM_IOUT] = part->rail[0].truth[SIM_TEMP_1] = 0.0;
    sim_bench_advance(&bench, 1000);
    CHECK(get(&bench, PART, 1, SIM_STATUS_IOUT) == SIM_STATUS_IOUT_OC_WARN);
    CHECK(get(&bench, PART, 1, SIM_STATUS_TEMPERATURE) == SIM_STATUS_OVER_WARN);
    unsigned word = get(&bench, PART, 2, SIM_STATUS_WORD);
    CHECK(word == (SIM_STATUS_IOUT_POUT | SIM_STATUS_TEMPERATURE_SUMMARY | SIM_STATUS_OFF));
    CHECK(put(&bench, PART, 1, SIM_STATUS_TEMPERATURE, SIM_STATUS_OVER_WARN) == NS_OK);
    CHECK(get(&bench, PART, 1, SIM_STATUS_TEMPERATURE) == 0);
    CHECK(get(&bench, PART, 1, SIM_STATUS_IOUT) == SIM_STATUS_IOUT_OC_WARN);
    CHECK(get(&bench, PART, 1, SIM_STATUS_BYTE) == (SIM_STATUS_OFF | SIM_STATUS_NONE_OF_THE_ABOVE));
}

/* PMBus part II, 15.1: «If the fault is still present when the bit is cleared, the fault bit shall
   immediately be set again». */
static void what_is_still_there_comes_back_after_clear_faults(void) {
    start(SIM_PART_GENERIC, 1);
    set_limit(SIM_IOUT_OC_WARN_LIMIT, 10.0);
    part->rail[0].truth[SIM_IOUT] = 12.0;
    sim_bench_advance(&bench, 1000);
    CHECK(put(&bench, PART, 0, SIM_CLEAR_FAULTS, 0) == NS_OK);
    CHECK(get(&bench, PART, 1, SIM_STATUS_IOUT) == SIM_STATUS_IOUT_OC_WARN);
    CHECK(sim_i2c_is_alerting(&bench.i2c));
    part->rail[0].truth[SIM_IOUT] = 0.0;
    CHECK(put(&bench, PART, 0, SIM_CLEAR_FAULTS, 0) == NS_OK);
    CHECK(get(&bench, PART, 1, SIM_STATUS_IOUT) == 0 && !sim_i2c_is_alerting(&bench.i2c));
}

static void each_limit_sets_its_own_bit(void) {
    static const struct {
        uint8_t code;
        uint8_t quantity;
        double limit;
        double bad;
        uint8_t status;
        uint8_t bit;
    } cases[] = {
        {SIM_VIN_OV_FAULT_LIMIT, SIM_VIN, 60.0, 61.0, SIM_STATUS_INPUT, SIM_STATUS_OVER_FAULT},
        {SIM_VIN_OV_WARN_LIMIT, SIM_VIN, 58.0, 59.0, SIM_STATUS_INPUT, SIM_STATUS_OVER_WARN},
        {SIM_VIN_UV_WARN_LIMIT, SIM_VIN, 40.0, 39.0, SIM_STATUS_INPUT, SIM_STATUS_UNDER_WARN},
        {SIM_VIN_UV_FAULT_LIMIT, SIM_VIN, 36.0, 35.0, SIM_STATUS_INPUT, SIM_STATUS_UNDER_FAULT},
        {SIM_OT_FAULT_LIMIT, SIM_TEMP_1, 90.0, 95.0, SIM_STATUS_TEMPERATURE, SIM_STATUS_OVER_FAULT},
        {SIM_UT_WARN_LIMIT, SIM_TEMP_1, -20.0, -25.0, SIM_STATUS_TEMPERATURE,
         SIM_STATUS_UNDER_WARN},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start(SIM_PART_GENERIC, 1);
        part->rail[0].truth[SIM_VIN] = 54.0;
        set_limit(cases[i].code, cases[i].limit);
        sim_bench_advance(&bench, 1000);
        CHECK(get(&bench, PART, 1, cases[i].status) == 0);
        part->rail[0].truth[cases[i].quantity] = cases[i].bad;
        sim_bench_advance(&bench, 1000);
        CHECK(get(&bench, PART, 1, cases[i].status) == cases[i].bit);
    }
}

static void an_output_too_high_or_too_low_is_a_fault(void) {
    start(SIM_PART_GENERIC, 1);
    uint8_t mode = (uint8_t)get(&bench, PART, 1, SIM_VOUT_MODE);
    CHECK(put(&bench, PART, 2, SIM_VOUT_OV_FAULT_LIMIT, sim_linear16_from(3.6, mode)) == NS_OK);
    CHECK(put(&bench, PART, 2, SIM_VOUT_UV_FAULT_LIMIT, sim_linear16_from(3.0, mode)) == NS_OK);
    part->rail[0].truth[SIM_VOUT] = 0.0; /* off: not judged as too low */
    sim_bench_advance(&bench, 50000);
    CHECK(get(&bench, PART, 1, SIM_STATUS_VOUT) == 0);
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x80) == NS_OK);
    part->rail[0].truth[SIM_VOUT] = 2.0;
    sim_bench_advance(&bench, 50000);
    CHECK(get(&bench, PART, 1, SIM_STATUS_VOUT) == SIM_STATUS_UNDER_FAULT);
    CHECK(part->rail[0].enabled == 0.0);
    part->rail[0].truth[SIM_VOUT] = 4.0;
    sim_bench_advance(&bench, 50000);
    CHECK((get(&bench, PART, 2, SIM_STATUS_WORD) & SIM_STATUS_VOUT_OV) != 0);
}

static unsigned restarts(unsigned milliseconds) {
    unsigned count = 0;
    double before = part->rail[0].enabled;
    for (unsigned i = 0; i < milliseconds; i++) {
        part->rail[0].truth[SIM_IOUT] = part->rail[0].enabled != 0.0 ? 30.0 : 0.0;
        sim_bench_advance(&bench, 1000);
        count += before == 0.0 && part->rail[0].enabled != 0.0 ? 1u : 0u;
        before = part->rail[0].enabled;
    }
    return count;
}

/* PMBus part II, 10.5.1, table 4: bits 7:6 the response, 5:3 the retries, 000 none, 111 without
   end. */
static void a_short_is_answered_as_the_response_byte_says(void) {
    static const struct {
        uint8_t response;
        unsigned restarts_min;
        unsigned restarts_max;
        double enabled_at_end;
    } cases[] = {
        {0x00, 0, 0, 1.0},   /* goes on */
        {0x80, 0, 0, 0.0},   /* latches off */
        {0x90, 2, 2, 0.0},   /* two more tries */
        {0xB8, 15, 25, 0.0}, /* hiccups for ever */
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start(SIM_PART_GENERIC, 1);
        set_limit(SIM_IOUT_OC_FAULT_LIMIT, 20.0);
        CHECK(put(&bench, PART, 1, SIM_IOUT_OC_FAULT_RESPONSE, cases[i].response) == NS_OK);
        CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x80) == NS_OK);
        unsigned count = restarts(2050);
        CHECK(count >= cases[i].restarts_min && count <= cases[i].restarts_max);
        CHECK(part->rail[0].enabled == cases[i].enabled_at_end);
        CHECK(get(&bench, PART, 1, SIM_STATUS_IOUT) == SIM_STATUS_IOUT_OC_FAULT);
    }
}

static void the_tries_count_anew_after_a_good_start(void) {
    start(SIM_PART_GENERIC, 1);
    set_limit(SIM_IOUT_OC_FAULT_LIMIT, 20.0);
    CHECK(put(&bench, PART, 1, SIM_IOUT_OC_FAULT_RESPONSE, 0x88) == NS_OK); /* one try */
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x80) == NS_OK);
    for (int fault = 0; fault < 3; fault++) {
        part->rail[0].truth[SIM_IOUT] = 30.0;
        sim_bench_advance(&bench, 10000);
        CHECK(part->rail[0].enabled == 0.0);
        part->rail[0].truth[SIM_IOUT] = 0.0;
        sim_bench_advance(&bench, 1000000);
        CHECK(part->rail[0].enabled == 1.0);
    }
}

static void a_delayed_response_rides_through_and_a_held_one_comes_back(void) {
    start(SIM_PART_GENERIC, 1);
    set_limit(SIM_OT_FAULT_LIMIT, 90.0);
    CHECK(put(&bench, PART, 1, SIM_OT_FAULT_RESPONSE, 0x42) == NS_OK); /* two units of delay */
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x80) == NS_OK);
    part->rail[0].truth[SIM_TEMP_1] = 95.0;
    sim_bench_advance(&bench, 15000);
    CHECK(part->rail[0].enabled == 1.0);
    sim_bench_advance(&bench, 10000);
    CHECK(part->rail[0].enabled == 0.0);
    CHECK(put(&bench, PART, 1, SIM_OT_FAULT_RESPONSE, 0xC0) == NS_OK); /* off while it is there */
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x00) == NS_OK);
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x80) == NS_OK);
    sim_bench_advance(&bench, 10000);
    CHECK(part->rail[0].enabled == 0.0);
    part->rail[0].truth[SIM_TEMP_1] = 80.0;
    sim_bench_advance(&bench, 10000);
    CHECK(part->rail[0].enabled == 1.0);
}

static void a_fault_of_the_input_takes_all_pages_down(void) {
    start(SIM_PART_GENERIC, 3);
    set_limit(SIM_VIN_OV_FAULT_LIMIT, 60.0);
    CHECK(put(&bench, PART, 1, SIM_PAGE, 0xFF) == NS_OK);
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x80) == NS_OK);
    part->rail[0].truth[SIM_VIN] = 70.0;
    sim_bench_advance(&bench, 1000);
    for (unsigned page = 0; page < 3; page++) {
        CHECK(part->rail[page].enabled == 0.0);
    }
}

static void call(uint8_t code, const uint8_t *request, uint8_t size, uint8_t *answer,
                 size_t answer_size) {
    uint8_t write[8] = {code, size};
    memcpy(&write[2], request, size);
    CHECK(wire(&bench, PART, write, 2u + size, answer, answer_size) == NS_OK);
    uint8_t head = PART << 1;
    uint8_t pec = sim_pec_update(sim_pec_update(0, &head, 1), write, 2u + size);
    head |= 1u;
    pec = sim_pec_update(sim_pec_update(pec, &head, 1), answer, answer_size - 1u);
    CHECK(pec == answer[answer_size - 1u]);
}

/* PMBus part II, 11.13: bit 7 supported, 6 write, 5 read, 4:2 format (000 LINEAR, 011 DIRECT). */
static void query_tells_what_a_command_is(void) {
    static const struct {
        sim_part_kind_t kind;
        uint8_t code;
        uint8_t answer;
    } cases[] = {{SIM_PART_GENERIC, SIM_READ_IOUT, 0xA0},
                 {SIM_PART_GENERIC_DIRECT, SIM_READ_IOUT, 0xAC},
                 {SIM_PART_GENERIC_DIRECT, SIM_IOUT_OC_FAULT_LIMIT, 0xEC},
                 {SIM_PART_GENERIC, SIM_OPERATION, 0xF0},
                 {SIM_PART_GENERIC, SIM_CLEAR_FAULTS, 0xDC},
                 {SIM_PART_GENERIC, 0xD0, 0x00}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t answer[3];
        start(cases[i].kind, 1);
        call(SIM_QUERY, &cases[i].code, 1, answer, 3);
        CHECK(answer[0] == 1 && answer[1] == cases[i].answer);
    }
}

/* PMBus part II, 14.1: five bytes, m and b low byte first, then R; X = (Y 10^-R - b) / m. */
static void coefficients_undo_what_the_part_encodes(void) {
    static const struct {
        uint8_t code;
        uint8_t quantity;
        double value;
        double tolerance;
    } cases[] = {{SIM_READ_VOUT, SIM_VOUT, 12.34, 0.003},
                 {SIM_READ_IOUT, SIM_IOUT, 21.5, 0.007},
                 {SIM_READ_VIN, SIM_VIN, 53.9, 0.012},
                 {SIM_READ_TEMPERATURE_1, SIM_TEMP_1, -40.0, 0.04},
                 {SIM_READ_TEMPERATURE_1, SIM_TEMP_1, 90.0, 0.04}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start(SIM_PART_GENERIC_DIRECT, 1);
        uint8_t request[2] = {cases[i].code, 1};
        uint8_t answer[7];
        part->rail[0].truth[cases[i].quantity] = cases[i].value;
        call(SIM_COEFFICIENTS, request, 2, answer, 7);
        CHECK(answer[0] == 5);
        sim_coefficients_t c = {(int16_t)(answer[1] | answer[2] << 8),
                                (int16_t)(answer[3] | answer[4] << 8), (int8_t)answer[5]};
        uint16_t raw = (uint16_t)get(&bench, PART, 2, cases[i].code);
        CHECK_NEAR(sim_direct_value(raw, &c), cases[i].value, cases[i].tolerance);
    }
    uint8_t wrong[] = {SIM_COEFFICIENTS, 2, SIM_OPERATION, 1};
    uint8_t answer[7];
    CHECK(wire(&bench, PART, wrong, 4, answer, 7) == NS_E_NACK);
    wrong[1] = 1;
    CHECK(wire(&bench, PART, wrong, 4, answer, 7) == NS_E_NACK);
    CHECK(wire(&bench, PART, wrong, 1, answer, 7) == NS_E_NACK);
}

static void a_masked_bit_does_not_pull_the_alert_line(void) {
    start(SIM_PART_GENERIC, 1);
    set_limit(SIM_IOUT_OC_WARN_LIMIT, 10.0);
    CHECK(put(&bench, PART, 2, SIM_SMBALERT_MASK, SIM_STATUS_IOUT | 0x2000u) == NS_OK);
    uint8_t request = SIM_STATUS_IOUT;
    uint8_t answer[3];
    call(SIM_SMBALERT_MASK, &request, 1, answer, 3);
    CHECK(answer[1] == SIM_STATUS_IOUT_OC_WARN);
    part->rail[0].truth[SIM_IOUT] = 12.0;
    sim_bench_advance(&bench, 1000);
    CHECK(get(&bench, PART, 1, SIM_STATUS_IOUT) == SIM_STATUS_IOUT_OC_WARN);
    CHECK(!sim_i2c_is_alerting(&bench.i2c));
    CHECK(put(&bench, PART, 2, SIM_SMBALERT_MASK, SIM_READ_IOUT | 0x2000u) == NS_E_NACK);
}

/* An upset changes what the part does, not only what it says. */
static void a_flipped_bit_acts(void) {
    start(SIM_PART_GENERIC, 2);
    set_limit(SIM_IOUT_OC_FAULT_LIMIT, 12.0); /* 0xD300 */
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x80) == NS_OK);
    part->rail[0].truth[SIM_IOUT] = 10.0;
    sim_bench_advance(&bench, 1000);
    CHECK(part->rail[0].enabled == 1.0);
    CHECK(sim_part_flip(part, 0, SIM_IOUT_OC_FAULT_LIMIT, 9)); /* 0xD100: 4 A */
    CHECK(get(&bench, PART, 2, SIM_IOUT_OC_FAULT_LIMIT) == 0xD100);
    sim_bench_advance(&bench, 1000);
    CHECK(part->rail[0].enabled == 0.0);
    CHECK(sim_part_flip(part, 1, SIM_OPERATION, 7) && part->rail[1].enabled == 1.0);
    CHECK(sim_part_flip(part, 0, SIM_PAGE, 0) && get(&bench, PART, 1, SIM_PAGE) == 1);
    CHECK(sim_part_flip(part, 0, SIM_PAGE, 5) && get(&bench, PART, 1, SIM_PAGE) == 0);
    CHECK(sim_part_flip(part, 0, SIM_WRITE_PROTECT, 6));
    CHECK(get(&bench, PART, 1, SIM_WRITE_PROTECT) == 0x40);
    CHECK(sim_part_flip(part, 0, SIM_VOUT_MODE, 0) && get(&bench, PART, 1, SIM_VOUT_MODE) == 0x16);
    CHECK(sim_part_flip(part, 0, SIM_STATUS_INPUT, 3));
    CHECK(get(&bench, PART, 1, SIM_STATUS_INPUT) == SIM_STATUS_INPUT_OFF);
    CHECK(!sim_part_flip(part, 0, SIM_READ_VOUT, 3) && !sim_part_flip(part, 0, 0xD0, 0));
    CHECK(!sim_part_flip(part, 2, SIM_OPERATION, 7) && !sim_part_flip(part, 0, SIM_PAGE, 16));
}

static void loss_of_supply_and_brown_out_forget_everything(void) {
    for (int brown_out = 0; brown_out < 2; brown_out++) {
        start(SIM_PART_GENERIC, 2);
        CHECK(put(&bench, PART, 1, SIM_PAGE, 1) == NS_OK);
        set_limit(SIM_IOUT_OC_FAULT_LIMIT, 12.0);
        CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x80) == NS_OK);
        if (brown_out == 1) {
            part->brown_out = 1.0;
        } else {
            part->supply = 0.0;
            sim_bench_advance(&bench, 1000);
            CHECK(try_get(&bench, PART, 1, SIM_PAGE) == NS_E_NACK);
            part->supply = 1.0;
        }
        sim_bench_advance(&bench, 1000);
        CHECK(part->brown_out == 0.0 && part->rail[1].enabled == 0.0);
        CHECK(get(&bench, PART, 1, SIM_PAGE) == 0);
        CHECK(get(&bench, PART, 1, SIM_WRITE_PROTECT) == 0x40);
        CHECK(put(&bench, PART, 1, SIM_PAGE, 1) == NS_OK);
        CHECK(get(&bench, PART, 2, SIM_IOUT_OC_FAULT_LIMIT) == 0x7BFF);
    }
}

static void a_part_without_pec_takes_the_extra_byte_for_data(void) {
    start(SIM_PART_GENERIC, 1);
    part->pmbus.has_pec = false;
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x80) == NS_E_NACK);
    uint8_t code = SIM_OPERATION;
    uint8_t answer[2];
    CHECK(wire(&bench, PART, &code, 1, answer, 2) == NS_OK && answer[1] == 0xFF);
}

static void a_slow_converter_gives_the_mean_of_its_window(void) {
    start(SIM_PART_GENERIC, 1);
    part->pmbus.window_ns = 10000000;
    part->rail[0].truth[SIM_VIN] = 10.0;
    sim_bench_advance(&bench, 10000);
    for (int i = 0; i < 10; i++) { /* ten steps of 1 ms, half of them at 30 V */
        part->rail[0].truth[SIM_VIN] = i % 2 == 0 ? 10.0 : 30.0;
        sim_bench_advance(&bench, 1000);
        double vin_v = sim_linear11_value((uint16_t)get(&bench, PART, 2, SIM_READ_VIN));
        CHECK_NEAR(vin_v, i < 9 ? 10.0 : 20.0, 0.1);
    }
}

/* i = C dv/dt: 1 mF to 54 V in 10 ms draws 5.4 A above the load. */
static void a_rail_rises_with_inrush_and_decays_when_it_is_off(void) {
    start(SIM_PART_GENERIC, 1);
    sim_rail_t *rail = &part->rail[0];
    rail->is_modelled = true;
    rail->nominal_v = 54.0;
    rail->load_a = 2.0;
    rail->rise_s = 0.010;
    rail->discharge_s = 0.050;
    rail->capacitance_f = 1e-3;
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x80) == NS_OK);
    sim_bench_advance(&bench, 5000);
    CHECK_NEAR(rail->truth[SIM_VOUT], 27.0, 1.0);
    CHECK_NEAR(rail->truth[SIM_IOUT], 1.0 + 5.4, 0.1);
    sim_bench_advance(&bench, 20000);
    CHECK(rail->truth[SIM_VOUT] == 54.0);
    CHECK(rail->truth[SIM_IOUT] == 2.0);
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x00) == NS_OK);
    sim_bench_advance(&bench, 50000);
    CHECK_NEAR(rail->truth[SIM_VOUT], 54.0 * 0.36788, 0.01);
    CHECK(rail->truth[SIM_IOUT] == 0.0);
}

static void an_inrush_above_the_limit_trips_a_part_that_latches(void) {
    start(SIM_PART_GENERIC, 1);
    sim_rail_t *rail = &part->rail[0];
    *rail = (sim_rail_t){.is_modelled = true,
                         .nominal_v = 54.0,
                         .load_a = 2.0,
                         .rise_s = 0.002,
                         .discharge_s = 0.05,
                         .capacitance_f = 1e-3};
    set_limit(SIM_IOUT_OC_FAULT_LIMIT, 20.0);
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x80) == NS_OK);
    sim_bench_advance(&bench, 5000);
    CHECK(rail->enabled == 0.0 && rail->truth[SIM_VOUT] < 54.0);
}

static void knobs_trip_once_and_hold_a_switch_closed(void) {
    start(SIM_PART_GENERIC, 1);
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x80) == NS_OK);
    part->spurious_trip = 1.0;
    sim_bench_advance(&bench, 1000);
    CHECK(part->rail[0].enabled == 0.0 && part->spurious_trip == 0.0);
    part->fail_closed = 1.0;
    sim_bench_advance(&bench, 1000);
    CHECK(part->rail[0].enabled == 1.0);
    part->nack = 1.0;
    CHECK(try_get(&bench, PART, 1, SIM_OPERATION) == NS_E_NACK);
}

static void phases_share_the_current(void) {
    start(SIM_PART_GENERIC, 1);
    part->pmbus.wiring[0].phase_count = 4;
    part->rail[0].truth[SIM_IOUT] = 40.0;
    CHECK(get(&bench, PART, 1, SIM_PHASE) == 0xFF);
    CHECK(sim_linear11_value((uint16_t)get(&bench, PART, 2, SIM_READ_IOUT)) == 40.0);
    CHECK(put(&bench, PART, 1, SIM_PHASE, 3) == NS_OK);
    CHECK(sim_linear11_value((uint16_t)get(&bench, PART, 2, SIM_READ_IOUT)) == 10.0);
    CHECK(put(&bench, PART, 1, SIM_PHASE, 4) == NS_OK);
    CHECK(sim_linear11_value((uint16_t)get(&bench, PART, 2, SIM_READ_IOUT)) == 0.0);
}

static void blocks_carry_their_size_and_texts(void) {
    uint8_t data[255];
    start(SIM_PART_GENERIC, 1);
    CHECK(get_block(&bench, PART, SIM_MFR_ID, data) == 3 && memcmp(data, "SIM", 3) == 0);
    CHECK(get_block(&bench, PART, SIM_MFR_MODEL, data) == 7 && memcmp(data, "GENERIC", 7) == 0);
}

static void a_bench_refuses_what_does_not_fit(void) {
    start(SIM_PART_GENERIC, 1);
    CHECK(sim_part_open(&bench, SIM_PART_GENERIC, PART, 1) == NULL);
    CHECK(sim_part_open(&bench, SIM_PART_MP2975, 0x30, 3) == NULL);
    CHECK(sim_part_open(&bench, SIM_PART_MP2975, 0x30, 0) == NULL);
    CHECK(sim_part_open(&bench, SIM_PART_KINDS, 0x30, 1) == NULL);
    for (uint8_t i = 1; i < SIM_BENCH_PARTS; i++) {
        CHECK(sim_part_open(&bench, SIM_PART_INA226, (uint8_t)(0x40u + i), 0) != NULL);
    }
    CHECK(sim_part_open(&bench, SIM_PART_INA226, 0x50, 0) == NULL);
}

int main(void) {
    page_ff_writes_to_all_pages_and_reads_none();
    write_protect_has_three_levels();
    warnings_latch_until_they_are_cleared_one_by_one();
    what_is_still_there_comes_back_after_clear_faults();
    each_limit_sets_its_own_bit();
    an_output_too_high_or_too_low_is_a_fault();
    a_short_is_answered_as_the_response_byte_says();
    the_tries_count_anew_after_a_good_start();
    a_delayed_response_rides_through_and_a_held_one_comes_back();
    a_fault_of_the_input_takes_all_pages_down();
    query_tells_what_a_command_is();
    coefficients_undo_what_the_part_encodes();
    a_masked_bit_does_not_pull_the_alert_line();
    a_flipped_bit_acts();
    loss_of_supply_and_brown_out_forget_everything();
    a_part_without_pec_takes_the_extra_byte_for_data();
    a_slow_converter_gives_the_mean_of_its_window();
    a_rail_rises_with_inrush_and_decays_when_it_is_off();
    an_inrush_above_the_limit_trips_a_part_that_latches();
    knobs_trip_once_and_hold_a_switch_closed();
    phases_share_the_current();
    blocks_carry_their_size_and_texts();
    a_bench_refuses_what_does_not_fit();
    return 0;
}
