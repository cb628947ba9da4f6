/** @file test_sim_monitors.c  INA219, INA226, INA228, TMP1075, TMP421, TMP464. */
#include "wire.h"

#define PART 0x40u
#define SHUNT_OHM 0.002

static sim_bench_t bench;
static sim_part_t *part;

static void start(sim_part_kind_t kind) {
    sim_bench_open(&bench, 400000);
    part = sim_part_open(&bench, kind, PART, 0);
    CHECK(part != NULL);
    part->rail[0].truth[SIM_VOUT] = 12.0;
    part->rail[0].truth[SIM_IOUT] = 10.0;
    part->rail[0].truth[SIM_TEMP_1] = 25.0;
}

static int32_t signed16(uint64_t word) {
    return (int16_t)(uint16_t)word;
}

/* ---- INA219, SBOS448G ---- */

/* Table 2: configuration 0x399F; 8.6.3.1: shunt LSB 10 uV; 8.6.3.2: bus in bits 15:3, LSB 4 mV,
   CNVR bit 1; 8.5: current = shunt x cal / 4096, power = current x bus / 5000. */
static void ina219_counts_as_its_equations_say(void) {
    start(SIM_PART_INA219);
    CHECK(get_be(&bench, PART, 2, 0) == 0x399F);
    CHECK(get_be(&bench, PART, 2, 2) == 0); /* nothing converted yet */
    sim_bench_advance(&bench, 2000);
    CHECK(get_be(&bench, PART, 2, 1) == 2000);
    CHECK(get_be(&bench, PART, 2, 2) == (3000u << 3 | 2u));
    CHECK(get_be(&bench, PART, 2, 4) == 0); /* «remains at 0 until the calibration is programmed» */
    /* cal = 0.04096 / (current LSB x R): 1 mA, 2 mOhm */
    CHECK(put_be(&bench, PART, 5, 20480) == NS_OK);
    sim_bench_advance(&bench, 2000);
    CHECK(get_be(&bench, PART, 2, 4) == 10000);
    CHECK(get_be(&bench, PART, 2, 3) == 6000);     /* 20 mW a bit: 120 W */
    CHECK((get_be(&bench, PART, 2, 2) & 2u) == 0); /* reading the power clears CNVR */
    CHECK(put_be(&bench, PART, 5, 20481) == NS_OK && get_be(&bench, PART, 2, 5) == 20480);
}

/* Table 4: PG 00 .. 11 is 40, 80, 160, 320 mV; BRNG 0 is 16 V. */
static void ina219_saturates_at_its_ranges(void) {
    start(SIM_PART_INA219);
    part->rail[0].truth[SIM_IOUT] = -100.0; /* -200 mV */
    part->rail[0].truth[SIM_VOUT] = 20.0;
    static const int32_t expected[] = {-4000, -8000, -16000, -20000};
    for (unsigned range = 0; range < 4; range++) {
        CHECK(put_be(&bench, PART, 0, 0x019Fu | range << 11) == NS_OK);
        sim_bench_advance(&bench, 2000);
        CHECK(signed16(get_be(&bench, PART, 2, 1)) == expected[range]);
        CHECK(get_be(&bench, PART, 2, 2) >> 3 == 4000);
    }
}

/* Table 5: 128 samples take 68.10 ms, of each. */
static void ina219_averages_for_as_long_as_it_says(void) {
    start(SIM_PART_INA219);
    CHECK(put_be(&bench, PART, 0, 0x3FFF) == NS_OK);
    for (int ms = 0; ms < 136; ms++) {
        part->rail[0].truth[SIM_VOUT] = ms % 2 == 0 ? 10.0 : 14.0;
        CHECK((get_be(&bench, PART, 2, 2) & 2u) == 0);
        sim_bench_advance(&bench, 1000);
    }
    sim_bench_advance(&bench, 1000);
    uint64_t bus = get_be(&bench, PART, 2, 2);
    CHECK((bus & 2u) != 0);
    CHECK_NEAR((double)(bus >> 3) * 4e-3, 12.0, 0.05);
}

static void a_reset_and_a_read_only_register(void) {
    start(SIM_PART_INA219);
    CHECK(put_be(&bench, PART, 5, 4096) == NS_OK);
    CHECK(put_be(&bench, PART, 1, 4096) == NS_OK && get_be(&bench, PART, 2, 1) != 4096);
    CHECK(put_be(&bench, PART, 0, 0x8000) == NS_OK);
    CHECK(get_be(&bench, PART, 2, 0) == 0x399F && get_be(&bench, PART, 2, 5) == 0);
    CHECK(get_be(&bench, PART, 2, 0xFE) == 0xFFFF); /* no identity on this one */
}

/* ---- INA226, SBOS547A ---- */

/* Table 3: configuration 0x4127, 0xFE 0x5449, 0xFF 0x2260; shunt LSB 2.5 uV, bus 1.25 mV, power 25
   times the current; cal = 0.00512 / (current LSB x R). */
static void ina226_counts_as_its_equations_say(void) {
    start(SIM_PART_INA226);
    CHECK(get_be(&bench, PART, 2, 0) == 0x4127);
    CHECK(get_be(&bench, PART, 2, 0xFE) == 0x5449 && get_be(&bench, PART, 2, 0xFF) == 0x2260);
    CHECK(put_be(&bench, PART, 5, 2560) == NS_OK); /* 1 mA a bit */
    sim_bench_advance(&bench, 5000);
    CHECK(get_be(&bench, PART, 2, 1) == 8000 && get_be(&bench, PART, 2, 2) == 9600);
    CHECK(get_be(&bench, PART, 2, 4) == 10000 && get_be(&bench, PART, 2, 3) == 4800);
    part->rail[0].truth[SIM_IOUT] = -10.0;
    sim_bench_advance(&bench, 5000);
    CHECK(signed16(get_be(&bench, PART, 2, 4)) == -10000);
    CHECK(get_be(&bench, PART, 2, 3) == 4800); /* the power has no sign */
}

/* 7.6.7: CVRF «clears when ... the Mask/Enable register is read»; one conversion of both at 1.1 ms
   takes 2.2 ms. */
static void ina226_ready_flag_and_conversion_time(void) {
    start(SIM_PART_INA226);
    sim_bench_advance(&bench, 2100);
    CHECK((get_be(&bench, PART, 2, 6) & 0x0008u) == 0);
    sim_bench_advance(&bench, 200);
    CHECK((get_be(&bench, PART, 2, 6) & 0x0008u) != 0);
    CHECK((get_be(&bench, PART, 2, 6) & 0x0008u) == 0);
    CHECK(put_be(&bench, PART, 0, 0x4123) == NS_OK); /* one shot of both */
    sim_bench_advance(&bench, 2300);
    CHECK((get_be(&bench, PART, 2, 6) & 0x0008u) != 0);
    part->rail[0].truth[SIM_VOUT] = 5.0;
    sim_bench_advance(&bench, 10000);
    CHECK(get_be(&bench, PART, 2, 2) == 9600);       /* the old result stays */
    CHECK(put_be(&bench, PART, 0, 0x4120) == NS_OK); /* shut down */
    sim_bench_advance(&bench, 10000);
    CHECK(get_be(&bench, PART, 2, 2) == 9600);
}

/* 7.6.7: SOL 15, SUL 14, BOL 13, BUL 12, POL 11, AFF 4, LEN 0 (latched until it is read). */
static void ina226_alerts_by_the_highest_function(void) {
    static const struct {
        unsigned mask;
        unsigned limit;
        double bus_v;
        double current_a;
        bool is_alert;
    } cases[] = {{0x8000, 8000, 12.0, 10.1, true}, {0x8000, 8000, 12.0, 10.0, false},
                 {0x4000, 8000, 12.0, 9.9, true},  {0x2000, 9600, 12.1, 10.0, true},
                 {0x1000, 9600, 11.9, 10.0, true}, {0x1000, 9600, 12.1, 10.0, false},
                 {0x0800, 4800, 12.0, 10.2, true}, {0xA000, 8000, 30.0, 9.0, false},
                 {0x0000, 0, 30.0, 30.0, false}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start(SIM_PART_INA226);
        CHECK(put_be(&bench, PART, 5, 2560) == NS_OK);
        CHECK(put_be(&bench, PART, 6, cases[i].mask | 1u) == NS_OK);
        CHECK(put_be(&bench, PART, 7, cases[i].limit) == NS_OK);
        part->rail[0].truth[SIM_VOUT] = cases[i].bus_v;
        part->rail[0].truth[SIM_IOUT] = cases[i].current_a;
        sim_bench_advance(&bench, 10000);
        CHECK(sim_i2c_is_alerting(&bench.i2c) == cases[i].is_alert);
        part->rail[0].truth[SIM_VOUT] = 12.0;
        part->rail[0].truth[SIM_IOUT] = 10.0;
        sim_bench_advance(&bench, 10000);
        CHECK(((get_be(&bench, PART, 2, 6) & 0x0010u) != 0) == cases[i].is_alert);
        CHECK(!sim_i2c_is_alerting(&bench.i2c));
    }
}

/* ---- INA228, SLYS021A ---- */

static int32_t signed20(uint64_t word) {
    int32_t code = (int32_t)(word >> 4);
    return code > 524287 ? code - 1048576 : code;
}

/* Table 7-3: ADC_CONFIG 0xFB68, SHUNT_CAL 0x1000, 0x3E 0x5449, 0x3F 0x228x; 20 bits in 23:4: shunt
   312.5 nV, bus 195.3125 uV; die 7.8125 m degC; SHUNT_CAL = 13107.2e6 x LSB x R; power 3.2 LSB. */
static void ina228_counts_in_twenty_bits(void) {
    start(SIM_PART_INA228);
    CHECK(get_be(&bench, PART, 2, 1) == 0xFB68 && get_be(&bench, PART, 2, 2) == 0x1000);
    CHECK(get_be(&bench, PART, 2, 0x3E) == 0x5449 && get_be(&bench, PART, 2, 0x3F) >> 4 == 0x228);
    double lsb_a = 20.0 / 524288.0; /* 20 A full scale */
    unsigned cal = (unsigned)(13107.2e6 * lsb_a * SHUNT_OHM + 0.5);
    CHECK(put_be(&bench, PART, 2, cal) == NS_OK);
    part->rail[0].truth[SIM_IOUT] = -10.0;
    sim_bench_advance(&bench, 10000);
    CHECK(signed20(get_be(&bench, PART, 3, 4)) == -64000);
    CHECK_NEAR(signed20(get_be(&bench, PART, 3, 5)) * 195.3125e-6, 12.0, 1e-4);
    CHECK_NEAR(signed20(get_be(&bench, PART, 3, 7)) * lsb_a, -10.0, 0.002);
    CHECK_NEAR((double)get_be(&bench, PART, 3, 8) * 3.2 * lsb_a, 120.0, 0.03);
    CHECK(signed16(get_be(&bench, PART, 2, 6)) == 3200);
    CHECK(put_be(&bench, PART, 0, 0x0010) == NS_OK); /* ADCRANGE: 78.125 nV, and 4 times the cal */
    CHECK(put_be(&bench, PART, 2, 4u * cal) == NS_OK);
    sim_bench_advance(&bench, 5000);
    CHECK(signed20(get_be(&bench, PART, 3, 4)) == -256000);
    CHECK_NEAR(signed20(get_be(&bench, PART, 3, 7)) * lsb_a, -10.0, 0.002);
}

/* 8.1.2: energy = 16 x 3.2 x current LSB x ENERGY, 40 bits; charge = current LSB x CHARGE; RSTACC
   (CONFIG bit 14) clears both. */
static void ina228_accumulates_energy_and_charge(void) {
    start(SIM_PART_INA228);
    double lsb_a = 20.0 / 524288.0;
    CHECK(put_be(&bench, PART, 2, (unsigned)(13107.2e6 * lsb_a * SHUNT_OHM + 0.5)) == NS_OK);
    CHECK(put_be(&bench, PART, 0, 0x4000) == NS_OK);
    CHECK(get_be(&bench, PART, 2, 0) == 0);
    sim_bench_advance(&bench, 10000000);
    CHECK_NEAR((double)get_be(&bench, PART, 5, 9) * 16.0 * 3.2 * lsb_a, 1200.0, 2.0);
    CHECK_NEAR((double)get_be(&bench, PART, 5, 10) * lsb_a, 100.0, 0.2);
    CHECK(put_be(&bench, PART, 0, 0x4000) == NS_OK);
    CHECK(get_be(&bench, PART, 5, 9) == 0 && get_be(&bench, PART, 5, 10) == 0);
}

/* Table 7-16: ALATCH 15, TMPOL 7, SHNTOL 6, SHNTUL 5, BUSOL 4, BUSUL 3, POL 2. Limits: 5 uV, 3.125
   mV, 7.8125 m degC, 256 power LSB. */
static void ina228_flags_each_limit(void) {
    static const struct {
        uint8_t limit;
        unsigned value;
        unsigned flag;
    } cases[] = {{0x0C, 3999, 0x40}, {0x0D, 4001, 0x20}, {0x0E, 3839, 0x10},
                 {0x0F, 3841, 0x08}, {0x10, 3199, 0x80}, {0x11, 1, 0x04}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start(SIM_PART_INA228);
        CHECK(put_be(&bench, PART, 0x0B, 0x8000) == NS_OK); /* latched until it is read */
        CHECK(put_be(&bench, PART, cases[i].limit, cases[i].value) == NS_OK);
        sim_bench_advance(&bench, 5000);
        CHECK((get_be(&bench, PART, 2, 0x0B) & 0xFCu) == cases[i].flag);
        CHECK(get_be(&bench, PART, 2, cases[i].limit) == cases[i].value);
    }
}

static void an_upset_of_the_calibration_changes_the_current(void) {
    start(SIM_PART_INA226);
    CHECK(put_be(&bench, PART, 5, 2560) == NS_OK);
    CHECK(sim_part_flip(part, 0, 5, 9)); /* 2560 to 2048 */
    sim_bench_advance(&bench, 5000);
    CHECK(get_be(&bench, PART, 2, 4) == 8000);
    CHECK(!sim_part_flip(part, 0, 1, 0) && !sim_part_flip(part, 0, 5, 16));
    part->brown_out = 1.0;
    sim_bench_advance(&bench, 5000);
    CHECK(get_be(&bench, PART, 2, 4) == 0);
    part->supply = 0.0;
    sim_bench_advance(&bench, 5000);
    uint8_t answer[2];
    uint8_t index = 0;
    CHECK(wire(&bench, PART, &index, 1, answer, 2) == NS_E_NACK);
    part->supply = 1.0;
    sim_bench_advance(&bench, 5000);
    CHECK(get_be(&bench, PART, 2, 2) == 9600);
    part->nack = 1.0;
    sim_bench_advance(&bench, 1000);
    CHECK(wire(&bench, PART, &index, 1, answer, 2) == NS_E_NACK);
}

/* ---- temperature ---- */

/* TMP1075, SBOS854F: 12 bits left in the word, 0.0625 degC; config 0x00FF, TLOW 0x4B00, THIGH
   0x5000 (75, 80 degC), device 0x7500; 27.5 ms a conversion. */
static void tmp1075_reads_sixteenths_and_alerts(void) {
    static const struct {
        double temp_c;
        unsigned word;
    } cases[] = {{127.9375, 0x7FF0}, {25.0, 0x1900},    {0.0625, 0x0010},
                 {0.0, 0x0000},      {-0.0625, 0xFFF0}, {-25.0, 0xE700}};
    start(SIM_PART_TMP1075);
    CHECK(get_be(&bench, PART, 2, 1) == 0x00FF && get_be(&bench, PART, 2, 0x0F) == 0x7500);
    CHECK(get_be(&bench, PART, 2, 2) == 0x4B00 && get_be(&bench, PART, 2, 3) == 0x5000);
    CHECK(get_be(&bench, PART, 2, 7) == 0xFFFF);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        part->rail[0].truth[SIM_TEMP_1] = cases[i].temp_c;
        sim_bench_advance(&bench, 30000);
        CHECK(get_be(&bench, PART, 2, 0) == cases[i].word);
    }
    CHECK(put_be(&bench, PART, 3, 0x3000) == NS_OK && put_be(&bench, PART, 2, 0x2800) == NS_OK);
    static const double course[] = {47.0, 48.0, 45.0, 39.0};
    static const bool alert[] = {false, true, true, false};
    for (size_t i = 0; i < 4; i++) {
        part->rail[0].truth[SIM_TEMP_1] = course[i];
        sim_bench_advance(&bench, 30000);
        CHECK(sim_i2c_is_alerting(&bench.i2c) == alert[i]);
    }
}

static void a_sensor_that_sleeps_keeps_its_result(void) {
    start(SIM_PART_TMP1075);
    sim_bench_advance(&bench, 30000);
    CHECK(put_be(&bench, PART, 1, 0x0100) == NS_OK);
    part->rail[0].truth[SIM_TEMP_1] = 60.0;
    sim_bench_advance(&bench, 200000);
    CHECK(get_be(&bench, PART, 2, 0) == 0x1900);
    CHECK(put_be(&bench, PART, 1, 0x8100) == NS_OK); /* one shot */
    sim_bench_advance(&bench, 30000);
    CHECK(get_be(&bench, PART, 2, 0) == 0x3C00);
    CHECK(put_be(&bench, PART, 1, 0x0000) == NS_OK);
    part->rail[0].truth[SIM_TEMP_1] = 61.0;
    sim_bench_advance(&bench, 30000);
    CHECK(get_be(&bench, PART, 2, 0) == 0x3D00);
}

static unsigned byte_of(uint8_t index) {
    return (unsigned)get_be(&bench, PART, 1, index);
}

static ns_status_t put_byte(uint8_t index, uint8_t value) {
    uint8_t bytes[] = {index, value};
    return wire(&bench, PART, bytes, 2, NULL, 0);
}

/* TMP421, SBOS398C: high bytes 0x00, 0x01, low bytes 0x10, 0x11 the fraction in 7:4, OPEN in
   bit 0; identity 0x55, 0x21; in the extended range the value is offset by 64 degC. */
static void tmp421_gives_bytes_and_tells_of_an_open_diode(void) {
    start(SIM_PART_TMP421);
    part->rail[0].truth[SIM_TEMP_1] = 25.5;
    part->rail[1].truth[SIM_TEMP_1] = 61.25;
    sim_bench_advance(&bench, 200000);
    CHECK(byte_of(0xFE) == 0x55 && byte_of(0xFF) == 0x21 && byte_of(0x0B) == 7);
    CHECK(byte_of(0x00) == 25 && byte_of(0x10) == 0x80);
    CHECK(byte_of(0x01) == 61 && byte_of(0x11) == 0x40);
    CHECK(get_be(&bench, PART, 2, 0x00) == (25u << 8 | 61u)); /* the pointer goes on */
    CHECK(put_byte(0x09, 0x04) == NS_OK && byte_of(0x01) == 125);
    CHECK(byte_of(0x09) == 0x04 && byte_of(0x0A) == 0x1C && byte_of(0x30) == 0xFF);
    part->tmp.is_open[1] = true;
    sim_bench_advance(&bench, 200000);
    CHECK((byte_of(0x11) & 1u) != 0 && (byte_of(0x10) & 1u) == 0);
    part->tmp.is_open[1] = false;
    CHECK(put_byte(0x09, 0x40) == NS_OK); /* shut down, standard range */
    sim_bench_advance(&bench, 500000);
    CHECK(put_byte(0x0F, 0x00) == NS_OK && (byte_of(0x08) & 0x80u) != 0);
    sim_bench_advance(&bench, 120000);
    CHECK((byte_of(0x08) & 0x80u) == 0 && byte_of(0x01) == 61);
    CHECK(put_byte(0x0B, 4) == NS_OK && byte_of(0x0B) == 4);
    CHECK(put_byte(0xFC, 0) == NS_OK && byte_of(0x0B) == 7 && byte_of(0x09) == 0);
}

/* TMP464, SBOS835C, table 1: 25 degC 0x0C80, -64 degC 0xE000, 0.0625 degC 0x0008; identity 0x5449,
   0x1468. */
static void tmp464_words_are_those_of_table_1(void) {
    static const struct {
        double temp_c;
        unsigned word;
    } cases[] = {
        {25.0, 0x0C80}, {-64.0, 0xE000}, {-0.0625, 0xFFF8}, {0.0625, 0x0008}, {100.0, 0x3200}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        start(SIM_PART_TMP464);
        part->rail[4].truth[SIM_TEMP_1] = cases[i].temp_c;
        sim_bench_advance(&bench, 100000);
        CHECK(get_be(&bench, PART, 2, 4) == cases[i].word);
        CHECK(get_be(&bench, PART, 2, 0) == 0x0C80);
    }
    CHECK(get_be(&bench, PART, 2, 0xFE) == 0x5449 && get_be(&bench, PART, 2, 0xFF) == 0x1468);
    CHECK(get_be(&bench, PART, 2, 0x21) == 0 && get_be(&bench, PART, 2, 0x90) == 0xFFFF);
}

/* TI E2E 813082: «We read out 256 (1000 0000 0000 0000) ... The RxOP bit value is 1. After reading
   RXOP once» it is gone. */
static void tmp464_open_diode_reads_minus_256_and_sets_its_bit(void) {
    start(SIM_PART_TMP464);
    part->tmp.is_open[2] = true;
    sim_bench_advance(&bench, 100000);
    CHECK(get_be(&bench, PART, 2, 2) == 0x8000 && get_be(&bench, PART, 2, 1) == 0x0000);
    uint8_t open_status = 0x23;
    CHECK(wire(&bench, PART, &open_status, 1, NULL, 0) == NS_OK); /* only sets the pointer */
    CHECK(get_be(&bench, PART, 2, 0x23) == 0x0200); /* remote 2: Linux hwmon driver tmp464 */
    CHECK(get_be(&bench, PART, 2, 0x23) == 0x0000);
    part->rail[2].truth[SIM_TEMP_1] = 25.0;
    part->tmp.is_open[2] = false;
    sim_bench_advance(&bench, 100000);
    CHECK(get_be(&bench, PART, 2, 2) == 0x0C80);
}

/* 7.5.3: 0x5CA6 locks, 0xEB19 unlocks. Reset: bit 15 of 0x20. */
static void tmp464_lock_reset_and_supply(void) {
    start(SIM_PART_TMP464);
    CHECK((get_be(&bench, PART, 2, 0x30) & 0xFFFDu) == 0x0F9C);
    CHECK(put_be(&bench, PART, 0xC4, 0x5CA6) == NS_OK && get_be(&bench, PART, 2, 0xC4) == 0x5CA6);
    CHECK(put_be(&bench, PART, 0x30, 0x0FBC) == NS_OK);
    CHECK((get_be(&bench, PART, 2, 0x30) & 0xFFFDu) == 0x0F9C);
    CHECK(put_be(&bench, PART, 0xC4, 0x1234) == NS_OK && get_be(&bench, PART, 2, 0xC4) == 0x5CA6);
    CHECK(put_be(&bench, PART, 0xC4, 0xEB19) == NS_OK && get_be(&bench, PART, 2, 0xC4) == 0x8000);
    CHECK(put_be(&bench, PART, 0x30, 0x0FBC) == NS_OK);
    CHECK(get_be(&bench, PART, 2, 0x30) == 0x0FBC); /* shut down: not busy */
    CHECK(put_be(&bench, PART, 0x20, 0x8000) == NS_OK && get_be(&bench, PART, 2, 0x20) == 0);
    CHECK((get_be(&bench, PART, 2, 0x30) & 0xFFFDu) == 0x0F9C);
    part->supply = 0.0;
    sim_bench_advance(&bench, 1000);
    uint8_t answer[2];
    uint8_t index = 0;
    CHECK(wire(&bench, PART, &index, 1, answer, 2) == NS_E_NACK);
    part->supply = 1.0;
    sim_bench_advance(&bench, 1000);
    CHECK(get_be(&bench, PART, 2, 0) == 0); /* nothing converted yet */
    CHECK(!sim_part_flip(part, 0, 0x30, 3));
}

int main(void) {
    ina219_counts_as_its_equations_say();
    ina219_saturates_at_its_ranges();
    ina219_averages_for_as_long_as_it_says();
    a_reset_and_a_read_only_register();
    ina226_counts_as_its_equations_say();
    ina226_ready_flag_and_conversion_time();
    ina226_alerts_by_the_highest_function();
    ina228_counts_in_twenty_bits();
    ina228_accumulates_energy_and_charge();
    ina228_flags_each_limit();
    an_upset_of_the_calibration_changes_the_current();
    tmp1075_reads_sixteenths_and_alerts();
    a_sensor_that_sleeps_keeps_its_result();
    tmp421_gives_bytes_and_tells_of_an_open_diode();
    tmp464_words_are_those_of_table_1();
    tmp464_open_diode_reads_minus_256_and_sets_its_bit();
    tmp464_lock_reset_and_supply();
    return 0;
}
