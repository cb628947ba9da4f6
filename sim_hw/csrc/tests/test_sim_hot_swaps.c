/** @file test_sim_hot_swaps.c  ADM1272, ADM1275, LM5066, LM25066: each test quotes its fact. */
#include "wire.h"

#define PART 0x10u
#define PEAK_IOUT 0xD0
#define PEAK_VIN 0xD1
#define PMON_CONTROL 0xD3
#define PMON_CONFIG 0xD4
#define DEVICE_CONFIG 0xD8
#define POWER_CYCLE 0xD9
#define RESTART_TIME 0xCC
#define READ_PIN_EXT 0xDB
#define READ_EIN_EXT 0xDC
#define MFR_READ_IIN 0xD1
#define MFR_READ_PIN 0xD2
#define READ_PIN_PEAK 0xD5
#define CLEAR_PIN_PEAK 0xD6
#define DEVICE_SETUP 0xD9
#define BLOCK_READ 0xDA
#define SAMPLES_FOR_AVG 0xDB
#define READ_AVG_IIN 0xDE
#define BLACK_BOX_READ 0xE0
#define DIAGNOSTIC 0xE1
#define AVG_BLOCK_READ 0xE2

static sim_bench_t bench;
static sim_part_t *part;

static void start(sim_part_kind_t kind) {
    sim_bench_open(&bench, 400000);
    part = sim_part_open(&bench, kind, PART, 1);
    CHECK(part != NULL);
    part->rail[0].truth[SIM_VIN] = part->rail[0].truth[SIM_VOUT] = 48.0;
    part->rail[0].truth[SIM_IOUT] = 10.0;
    part->rail[0].truth[SIM_TEMP_1] = 25.0;
    sim_bench_advance(&bench, 100000);
}

/* X = (Y 10^-R - b) / m, PMBus part II, 7.4. */
static double direct(uint8_t code, double m, double b, double power_of_ten) {
    return ((double)get(&bench, PART, 2, code) * power_of_ten - b) / m;
}

static void write_config(uint16_t config, size_t size) {
    CHECK(put(&bench, PART, 1, PMON_CONTROL, 0x00) == NS_OK);
    CHECK(put(&bench, PART, size, PMON_CONFIG, config) == NS_OK);
    CHECK(put(&bench, PART, 1, PMON_CONTROL, 0x01) == NS_OK);
    sim_bench_advance(&bench, 100000);
}

/* ---- ADM1275, data sheet rev. D ---- */

/* Table 11: «0x01 OPERATION 0x80; 0x19 CAPABILITY 0xB0; 0x42 0x0FFF; 0x98 PMBUS_REVISION 0x11; 0x9A
   «ADM1275-x»; 0xD3 PMON_CONTROL 0x00; 0xD4 PMON_CONFIG 0x2C; 0xD6 0x8000; 0xD8 0x00». */
static void adm1275_comes_up_as_table_11_says(void) {
    static const struct {
        uint8_t code;
        size_t size;
        unsigned value;
    } cases[] = {{SIM_OPERATION, 1, 0x80},
                 {SIM_CAPABILITY, 1, 0xB0},
                 {SIM_VOUT_OV_WARN_LIMIT, 2, 0x0FFF},
                 {SIM_VOUT_UV_WARN_LIMIT, 2, 0x0000},
                 {SIM_STATUS_WORD, 2, 0x0000},
                 {SIM_PMBUS_REVISION, 1, 0x11},
                 {PEAK_IOUT, 2, 0x0000},
                 {PMON_CONTROL, 1, 0x00},
                 {PMON_CONFIG, 1, 0x2C},
                 {0xD5, 2, 0x0000},
                 {0xD6, 2, 0x8000},
                 {DEVICE_CONFIG, 1, 0x00}};
    start(SIM_PART_ADM1275);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK(get(&bench, PART, cases[i].size, cases[i].code) == cases[i].value);
    }
    uint8_t data[255];
    CHECK(get_block(&bench, PART, SIM_MFR_ID, data) == 3 && memcmp(data, "ADI", 3) == 0);
    CHECK(get_block(&bench, PART, SIM_MFR_MODEL, data) == 9);
}

/* «PMON_CONTROL 0: Default. Power monitor is not running»; READ_VIN after reset 0x0000. */
static void adm1275_measures_nothing_before_it_is_told_to(void) {
    start(SIM_PART_ADM1275);
    part->rail[0].truth[SIM_VIN] = 12.0;
    sim_bench_advance(&bench, 1000000);
    CHECK(get(&bench, PART, 2, SIM_READ_VIN) == 0 && get(&bench, PART, 2, SIM_READ_IOUT) == 0);
    CHECK(put(&bench, PART, 1, PMON_CONTROL, 0x01) == NS_OK);
    sim_bench_advance(&bench, 100000);
    /* reference vectors of DIRECT: 12 V reads 0x0900 at m 19199, b 0, R -2 */
    CHECK(get(&bench, PART, 2, SIM_READ_VIN) == 0x0900);
    /* «In single shot mode, this bit clears itself after one complete cycle» */
    CHECK(get(&bench, PART, 1, PMON_CONTROL) == 0);
}

static void adm1275_current_and_both_voltage_ranges(void) {
    start(SIM_PART_ADM1275);
    part->rail[0].truth[SIM_VIN] = 5.0;
    part->rail[0].truth[SIM_VOUT] = 4.0;
    part->rail[0].truth[SIM_IOUT] = 12.695;
    write_config(0xA8, 1);                                /* continuous, 0 .. 20 V, VIN */
    CHECK(get(&bench, PART, 2, SIM_READ_IOUT) == 0x0C00); /* 807, 20475, -1 */
    CHECK_NEAR(direct(SIM_READ_VIN, 19199.0, 0.0, 100.0), 5.0, 0.003);
    CHECK(get(&bench, PART, 2, SIM_READ_VOUT) == 0);
    write_config(0x88, 1); /* 0 .. 6 V */
    CHECK_NEAR(direct(SIM_READ_VIN, 6720.0, 0.0, 10.0), 5.0, 0.001);
    write_config(0xC8, 1); /* VOUT instead of VIN */
    CHECK_NEAR(direct(SIM_READ_VOUT, 6720.0, 0.0, 10.0), 4.0, 0.001);
    part->pmbus.shunt_mohm = 0.5;
    sim_bench_advance(&bench, 10000);
    CHECK_NEAR(direct(SIM_READ_IOUT, 403.5, 20475.0, 10.0), 12.695, 0.02);
}

/* ADM1276 p. 44, the same bit: «OPERATION_CMD_EN 0 Default. The OPERATION command is disabled, and
   the part issues a no acknowledge if the command is received». */
static void adm1275_takes_operation_only_when_enabled(void) {
    start(SIM_PART_ADM1275);
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x00) == NS_E_NACK);
    CHECK(part->rail[0].enabled == 1.0);
    CHECK(put(&bench, PART, 1, DEVICE_CONFIG, 0x20) == NS_OK);
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x00) == NS_OK && part->rail[0].enabled == 0.0);
}

/* p. 42: «writing 0x0000 clears the peak value»; p. 32: «updated only after the power monitor has
   sampled and averaged». */
static void adm1275_peaks_are_cleared_one_by_one(void) {
    start(SIM_PART_ADM1275);
    write_config(0xA8, 1);
    part->rail[0].truth[SIM_VIN] = 15.0;
    sim_bench_advance(&bench, 100000);
    part->rail[0].truth[SIM_VIN] = 12.0;
    sim_bench_advance(&bench, 100000);
    CHECK_NEAR(direct(PEAK_VIN, 19199.0, 0.0, 100.0), 19.9, 20.0);
    CHECK(get(&bench, PART, 2, PEAK_VIN) > 0x0900);
    unsigned current = get(&bench, PART, 2, PEAK_IOUT);
    CHECK(put(&bench, PART, 2, PEAK_VIN, 0x0001) == NS_E_NACK);
    CHECK(put(&bench, PART, 2, PEAK_VIN, 0x0000) == NS_OK);
    CHECK(get(&bench, PART, 2, PEAK_VIN) == 0);
    sim_bench_advance(&bench, 100000);
    CHECK(get(&bench, PART, 2, PEAK_VIN) == 0x0900 && get(&bench, PART, 2, PEAK_IOUT) == current);
}

/* «IOUT_OC_FAULT Latched: the time limit set by the capacitor on the TIMER pin has elapsed». */
static void adm1275_trips_by_resistor_and_latches(void) {
    start(SIM_PART_ADM1275);
    part->rail[0].truth[SIM_IOUT] = 26.0;
    sim_bench_advance(&bench, 1000);
    part->rail[0].truth[SIM_IOUT] = 0.0;
    sim_bench_advance(&bench, 1000);
    CHECK(part->rail[0].enabled == 0.0);
    unsigned status = get(&bench, PART, 2, SIM_STATUS_WORD);
    CHECK((status & (SIM_STATUS_OFF | SIM_STATUS_IOUT_OC)) ==
          (SIM_STATUS_OFF | SIM_STATUS_IOUT_OC));
    CHECK(put(&bench, PART, 0, SIM_CLEAR_FAULTS, 0) == NS_OK);
    CHECK(get(&bench, PART, 2, SIM_STATUS_WORD) == SIM_STATUS_OFF); /* HOTSWAP_OFF is live */
    CHECK(part->rail[0].enabled == 0.0);
}

/* ---- ADM1272 ---- */

/* Vectors: 48 V reads 0x079E in the 100 V range (4062, 0, -2); 25 degC reads 0x0CDC (42, 31871,
   -1). */
static void adm1272_ranges_change_the_coefficients(void) {
    start(SIM_PART_ADM1272);
    write_config(0x003F, 2); /* 100 V, 30 mV, temperature, VIN and VOUT sampled */
    CHECK(get(&bench, PART, 2, SIM_READ_VIN) == 0x079E);
    CHECK(get(&bench, PART, 2, SIM_READ_TEMPERATURE_1) == 0x0CDC);
    CHECK_NEAR(direct(SIM_READ_IOUT, 663.0, 20480.0, 10.0), 10.0, 0.01);
    CHECK_NEAR(direct(SIM_READ_PIN, 10535.0, 0.0, 1000.0), 480.0, 0.1);
    write_config(0x003E, 2); /* 15 mV */
    CHECK_NEAR(direct(SIM_READ_IOUT, 1326.0, 20480.0, 10.0), 10.0, 0.005);
    CHECK_NEAR(direct(SIM_READ_PIN, 21071.0, 0.0, 1000.0), 480.0, 0.1);
    write_config(0x001F, 2); /* 60 V, 30 mV */
    CHECK_NEAR(direct(SIM_READ_VOUT, 6770.0, 0.0, 100.0), 48.0, 0.01);
    part->rail[0].truth[SIM_IOUT] = 2.0;
    sim_bench_advance(&bench, 100000);
    CHECK_NEAR(direct(SIM_READ_PIN, 17561.0, 0.0, 1000.0), 96.0, 0.1);
    write_config(0x001E, 2); /* 60 V, 15 mV */
    CHECK_NEAR(direct(SIM_READ_PIN, 3512.0, 0.0, 100.0), 96.0, 0.1);
}

/* Linux, «Fix problems with temperature monitoring on ADM1272»: it is not sampled after reset. */
static void adm1272_samples_only_what_is_enabled(void) {
    start(SIM_PART_ADM1272);
    CHECK(get(&bench, PART, 2, SIM_READ_TEMPERATURE_1) == 0);
    CHECK(get(&bench, PART, 2, SIM_READ_VOUT) == 0);
    CHECK(get(&bench, PART, 2, SIM_READ_VIN) == 0x079E);
}

static uint64_t little(const uint8_t *bytes, size_t size) {
    uint64_t value = 0;
    for (size_t i = size; i > 0; i--) {
        value = value << 8 | bytes[i - 1u];
    }
    return value;
}

/* ADM1276 p. 40: «READ_EIN: energy, roll-over count, sample count ... rolled over from 0x7FFF to
   0x0000». Mean power = energy counted / samples counted, in READ_PIN words. The eight bits of
   roll-over come round within a second at this power: it has to be read more often. */
static void adm1272_energy_divided_by_samples_is_the_power(void) {
    uint8_t first[255];
    uint8_t then[255];
    start(SIM_PART_ADM1272);
    CHECK(get_block(&bench, PART, SIM_READ_EIN, first) == 6);
    sim_bench_advance(&bench, 200000);
    CHECK(get_block(&bench, PART, SIM_READ_EIN, then) == 6);
    uint64_t energy = little(then, 2) + (little(&then[2], 1) << 15);
    energy = (energy - little(first, 2) - (little(&first[2], 1) << 15)) & 0x7FFFFFu;
    uint64_t samples = little(&then[3], 3) - little(&first[3], 3);
    CHECK(samples == 1000);
    CHECK_NEAR((double)energy / (double)samples * 1000.0 / 10535.0, 480.0, 0.5);
}

/* The same without truncation: 8 bits more of energy, 8 more of roll-over. */
static void adm1272_extended_energy_and_power(void) {
    uint8_t first[255];
    uint8_t then[255];
    start(SIM_PART_ADM1272);
    CHECK(get_block(&bench, PART, READ_EIN_EXT, first) == 8);
    sim_bench_advance(&bench, 10000000);
    CHECK(get_block(&bench, PART, READ_EIN_EXT, then) == 8);
    uint64_t energy = little(then, 3) + (little(&then[3], 2) << 23);
    energy -= little(first, 3) + (little(&first[3], 2) << 23);
    uint64_t samples = little(&then[5], 3) - little(&first[5], 3);
    CHECK_NEAR((double)energy / 256.0 / (double)samples * 1000.0 / 10535.0, 480.0, 0.01);
    CHECK(get_block(&bench, PART, READ_PIN_EXT, then) == 3);
    CHECK_NEAR((double)little(then, 3) / 256.0 * 1000.0 / 10535.0, 480.0, 0.01);
}

/* POWER_CYCLE D9; RESTART_TIME CC: «0x00 0.1 s, 0x64 10.1 s». */
static void adm1272_cycles_its_power_by_itself(void) {
    start(SIM_PART_ADM1272);
    CHECK(get(&bench, PART, 1, RESTART_TIME) == 0x64);
    CHECK(put(&bench, PART, 1, RESTART_TIME, 0x04) == NS_OK);
    CHECK(put(&bench, PART, 0, POWER_CYCLE, 0) == NS_OK && part->rail[0].enabled == 0.0);
    sim_bench_advance(&bench, 499000);
    CHECK(part->rail[0].enabled == 0.0);
    sim_bench_advance(&bench, 2000);
    CHECK(part->rail[0].enabled == 1.0);
}

/* Table 9 of the ADM1276: «PIN_OP_WARN_LIMIT ... 0x7FFF»; p. 37: of the VIN x IOUT product. */
static void a_power_limit_warns_on_the_product(void) {
    start(SIM_PART_ADM1272);
    sim_part_strap(part, 0, SIM_PIN_OP_WARN_LIMIT, 5000); /* 474.6 W */
    CHECK(get(&bench, PART, 2, SIM_PIN_OP_WARN_LIMIT) == 5000);
    part->rail[0].truth[SIM_IOUT] = 9.8;
    sim_bench_advance(&bench, 1000);
    CHECK(get(&bench, PART, 1, SIM_STATUS_INPUT) == 0);
    part->rail[0].truth[SIM_IOUT] = 10.0;
    sim_bench_advance(&bench, 1000);
    CHECK(get(&bench, PART, 1, SIM_STATUS_INPUT) == SIM_STATUS_PIN_OP_WARN);
    CHECK(part->rail[0].enabled == 1.0);
}

/* ---- LM5066, SNVS655G ---- */

/* Table 41: VIN 4587, -1200, -2; VOUT 4587, -2400, -2; temperature 16000, 0, -3. Table 42, 1 mOhm,
   CL = VDD: IIN 10753, -1200, -2; PIN 1204, -6000, -3; CL = GND: 5405, -600, -2; 605, -8000, -3. */
static void lm5066_numbers_of_tables_41_and_42(void) {
    start(SIM_PART_LM5066);
    CHECK_NEAR(direct(SIM_READ_VIN, 4587.0, -1200.0, 100.0), 48.0, 0.011);
    CHECK_NEAR(direct(SIM_READ_VOUT, 4587.0, -2400.0, 100.0), 48.0, 0.011);
    CHECK_NEAR(direct(SIM_READ_TEMPERATURE_1, 16000.0, 0.0, 1000.0), 25.0, 0.04);
    CHECK_NEAR(direct(MFR_READ_IIN, 10753.0, -1200.0, 100.0), 10.0, 0.005);
    CHECK_NEAR(direct(MFR_READ_PIN, 1204.0, -6000.0, 1000.0), 480.0, 0.5);
    CHECK(put(&bench, PART, 1, DEVICE_SETUP, 0x04) == NS_OK); /* 50 mV, and the register rules */
    CHECK_NEAR(direct(MFR_READ_IIN, 5405.0, -600.0, 100.0), 10.0, 0.01);
    CHECK_NEAR(direct(MFR_READ_PIN, 605.0, -8000.0, 1000.0), 480.0, 1.0);
    CHECK(put(&bench, PART, 1, DEVICE_SETUP, 0x10) == NS_OK); /* without bit 2 the pin rules */
    CHECK_NEAR(direct(MFR_READ_IIN, 10753.0, -1200.0, 100.0), 10.0, 0.005);
    /* p. 49: «a 5 mOhm sense resistor ... m = 5359, b = -120, R = -1» */
    part->pmbus.shunt_mohm = 5.0;
    part->rail[0].truth[SIM_IOUT] = 2.0;
    CHECK_NEAR(direct(MFR_READ_IIN, 5359.0, -120.0, 10.0), 2.0, 0.01);
}

static void lm25066_has_its_own_numbers(void) {
    start(SIM_PART_LM25066);
    part->rail[0].truth[SIM_VIN] = part->rail[0].truth[SIM_VOUT] = 12.0;
    CHECK(get(&bench, PART, 2, SIM_READ_VIN) == 0x0A46); /* vector: 12 V at 22070, -1800, -2 */
    CHECK_NEAR(direct(MFR_READ_IIN, 13661.0, -5200.0, 100.0), 10.0, 0.005);
    CHECK_NEAR(direct(MFR_READ_PIN, 736.0, -3300.0, 100.0), 120.0, 0.1);
    CHECK(put(&bench, PART, 1, DEVICE_SETUP, 0x14) == NS_OK);
    CHECK_NEAR(direct(MFR_READ_IIN, 6854.0, -3100.0, 100.0), 10.0, 0.01);
    CHECK_NEAR(direct(MFR_READ_PIN, 369.0, -1900.0, 100.0), 120.0, 0.2);
}

/* pmbus library of Oxide: «VOUT_MODE is an illegal command» on this part; no READ_IOUT, no PAGE. */
static void lm5066_lacks_what_most_parts_have(void) {
    static const uint8_t codes[] = {SIM_VOUT_MODE, SIM_READ_IOUT,     SIM_READ_IIN,
                                    SIM_PAGE,      SIM_WRITE_PROTECT, SIM_IOUT_OC_FAULT_LIMIT};
    start(SIM_PART_LM5066);
    for (size_t i = 0; i < sizeof(codes); i++) {
        CHECK(try_get(&bench, PART, 1, codes[i]) == NS_E_NACK);
        CHECK((get(&bench, PART, 1, SIM_STATUS_CML) & SIM_CML_COMMAND) != 0);
    }
}

/* hubris#2073: «In practice, we see the fault flag set in all three» after start, cleared by
   CLEAR_FAULTS. */
static void lm5066_starts_with_input_faults(void) {
    start(SIM_PART_LM5066);
    CHECK((get(&bench, PART, 1, SIM_STATUS_BYTE) & SIM_STATUS_VIN_UV) != 0);
    CHECK((get(&bench, PART, 2, SIM_STATUS_WORD) & SIM_STATUS_INPUT_SUMMARY) != 0);
    CHECK((get(&bench, PART, 1, SIM_STATUS_INPUT) & SIM_STATUS_UNDER_FAULT) != 0);
    CHECK(put(&bench, PART, 0, SIM_CLEAR_FAULTS, 0) == NS_OK);
    CHECK(get(&bench, PART, 2, SIM_STATUS_WORD) == 0);
    CHECK(get(&bench, PART, 2, DIAGNOSTIC) == 0x0800); /* power good alone */
}

/* p. 33: «Writing only an ON after a fault-triggered shutdown will not clear the fault registers or
   re-enable the device ... an OFF command, followed by an ON command, will». */
static void lm5066_wants_off_and_on_after_a_trip(void) {
    start(SIM_PART_LM5066);
    CHECK(put(&bench, PART, 0, SIM_CLEAR_FAULTS, 0) == NS_OK);
    part->rail[0].truth[SIM_IOUT] = 40.0;
    sim_bench_advance(&bench, 1000);
    part->rail[0].truth[SIM_IOUT] = 0.0;
    CHECK(part->rail[0].enabled == 0.0);
    CHECK((get(&bench, PART, 1, SIM_STATUS_INPUT) & SIM_STATUS_IIN_OC_FAULT) != 0);
    CHECK((get(&bench, PART, 2, DIAGNOSTIC) & 0x0248u) == 0x0248u);
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x80) == NS_OK && part->rail[0].enabled == 0.0);
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x00) == NS_OK);
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x80) == NS_OK && part->rail[0].enabled == 1.0);
    CHECK(get(&bench, PART, 1, SIM_STATUS_INPUT) == 0);
}

/* DEVICE_SETUP 7:5: 010 one retry, 111 without end. */
static void lm5066_retries_as_device_setup_says(void) {
    static const struct {
        uint8_t setup;
        unsigned tries_min;
        unsigned tries_max;
    } cases[] = {{0x20, 0, 0}, {0x40, 1, 1}, {0x60, 2, 2}, {0xE0, 8, 12}};
    for (size_t i = 0; i < 4; i++) {
        start(SIM_PART_LM5066);
        CHECK(put(&bench, PART, 1, DEVICE_SETUP, cases[i].setup) == NS_OK);
        unsigned tries = 0;
        double before = 1.0;
        for (int ms = 0; ms < 1050; ms++) {
            part->rail[0].truth[SIM_IOUT] = part->rail[0].enabled != 0.0 ? 40.0 : 0.0;
            sim_bench_advance(&bench, 1000);
            tries += before == 0.0 && part->rail[0].enabled != 0.0 ? 1u : 0u;
            before = part->rail[0].enabled;
        }
        CHECK(tries >= cases[i].tries_min && tries <= cases[i].tries_max);
    }
}

/* Table 32: 2^AVGN samples, one a millisecond; «will mirror the instantaneous telemetry until a
   value higher than zero is programmed». */
static void lm5066_averages_over_its_window(void) {
    start(SIM_PART_LM5066);
    CHECK(put(&bench, PART, 1, SAMPLES_FOR_AVG, 0x0D) == NS_E_NACK);
    CHECK(put(&bench, PART, 1, SAMPLES_FOR_AVG, 0x06) == NS_OK); /* 64 ms */
    CHECK(get(&bench, PART, 1, SAMPLES_FOR_AVG) == 6);
    for (int ms = 0; ms < 256; ms++) {
        part->rail[0].truth[SIM_IOUT] = ms % 4 == 0 ? 20.0 : 4.0;
        sim_bench_advance(&bench, 1000);
    }
    CHECK_NEAR(direct(READ_AVG_IIN, 10753.0, -1200.0, 100.0), 8.0, 0.3);
    CHECK_NEAR(direct(MFR_READ_IIN, 10753.0, -1200.0, 100.0), 4.0, 0.01);
    CHECK_NEAR(direct(0xDC, 4587.0, -1200.0, 100.0), 48.0, 0.02);
    CHECK_NEAR(direct(0xDD, 4587.0, -2400.0, 100.0), 48.0, 0.02);
    CHECK_NEAR(direct(0xDF, 1204.0, -6000.0, 1000.0), 384.0, 15.0);
    CHECK_NEAR(direct(READ_PIN_PEAK, 1204.0, -6000.0, 1000.0), 960.0, 2.0);
    CHECK(put(&bench, PART, 0, CLEAR_PIN_PEAK, 0) == NS_OK);
    CHECK(get(&bench, PART, 2, READ_PIN_PEAK) == 0);
}

/* A draw of 43 A for 2 ms, gone before the step ends: a reading, a limit and a trip are of what
   lasts, the peak registers are not. The resistors trip at 25 A. */
static void a_transient_shows_in_the_peaks_alone(void) {
    static const double transient_a = 43.0;
    start(SIM_PART_LM5066);
    CHECK(put(&bench, PART, 0, SIM_CLEAR_FAULTS, 0) == NS_OK);
    CHECK(put(&bench, PART, 0, CLEAR_PIN_PEAK, 0) == NS_OK);
    part->rail[0].truth[SIM_IOUT] = 5.0;
    part->rail[0].truth[SIM_IIN] = 5.0;
    part->pmbus.wiring[0].peak_current_a = &transient_a;
    sim_bench_advance(&bench, 100000);
    part->pmbus.wiring[0].peak_current_a = NULL;
    sim_bench_advance(&bench, 100000);
    CHECK_NEAR(direct(READ_PIN_PEAK, 1204.0, -6000.0, 1000.0), 43.0 * 48.0, 2.0);
    CHECK_NEAR(direct(MFR_READ_IIN, 10753.0, -1200.0, 100.0), 5.0, 0.02);
    CHECK((get(&bench, PART, 2, SIM_STATUS_WORD) & SIM_STATUS_IOUT_OC) == 0);
    CHECK(part->rail[0].enabled != 0.0);
}

/* Table 31: «always 12: DIAGNOSTIC_WORD, IIN, VOUT, VIN, PIN, TEMP». Black box: «latched in at the
   first assertion of SMBA. It is re-armed with the CLEAR_FAULTS command». */
static void lm5066_blocks_and_black_box(void) {
    uint8_t now[255];
    uint8_t box[255];
    start(SIM_PART_LM5066);
    CHECK(put(&bench, PART, 0, SIM_CLEAR_FAULTS, 0) == NS_OK);
    CHECK(get_block(&bench, PART, BLOCK_READ, now) == 12);
    unsigned iin = (unsigned)(now[2] | now[3] << 8);
    CHECK(iin == get(&bench, PART, 2, MFR_READ_IIN));
    CHECK(get_block(&bench, PART, AVG_BLOCK_READ, now) == 12);
    CHECK(get_block(&bench, PART, BLACK_BOX_READ, box) == 0);
    part->rail[0].truth[SIM_IOUT] = 40.0;
    sim_bench_advance(&bench, 1000);
    part->rail[0].truth[SIM_IOUT] = 0.0;
    sim_bench_advance(&bench, 100000);
    CHECK(get_block(&bench, PART, BLACK_BOX_READ, box) == 12);
    CHECK((box[2] | box[3] << 8) == 0x0FFF); /* the current that tripped it, above full scale */
    CHECK(put(&bench, PART, 0, SIM_CLEAR_FAULTS, 0) == NS_OK);
    CHECK(get_block(&bench, PART, BLACK_BOX_READ, box) == 0);
}

int main(void) {
    adm1275_comes_up_as_table_11_says();
    adm1275_measures_nothing_before_it_is_told_to();
    adm1275_current_and_both_voltage_ranges();
    adm1275_takes_operation_only_when_enabled();
    adm1275_peaks_are_cleared_one_by_one();
    adm1275_trips_by_resistor_and_latches();
    adm1272_ranges_change_the_coefficients();
    adm1272_samples_only_what_is_enabled();
    adm1272_energy_divided_by_samples_is_the_power();
    adm1272_extended_energy_and_power();
    adm1272_cycles_its_power_by_itself();
    a_power_limit_warns_on_the_product();
    lm5066_numbers_of_tables_41_and_42();
    lm25066_has_its_own_numbers();
    lm5066_lacks_what_most_parts_have();
    lm5066_starts_with_input_faults();
    lm5066_wants_off_and_on_after_a_trip();
    lm5066_retries_as_device_setup_says();
    lm5066_averages_over_its_window();
    a_transient_shows_in_the_peaks_alone();
    lm5066_blocks_and_black_box();
    return 0;
}
