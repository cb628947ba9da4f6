/** @file test_sim_regulators.c  LTC2978, LTC3887, ISL68137, RAA228, MP2975, UCD90320. */
#include "wire.h"

#define PART 0x5Cu
#define MFR_IOUT_PEAK 0xD7
#define MFR_RETRY_DELAY 0xDB
#define MFR_VOUT_PEAK 0xDD
#define MFR_VIN_PEAK 0xDE
#define MFR_CLEAR_PEAKS 0xE3
#define MFR_SPECIAL_ID 0xE7
#define MFR_FAULT_LOG_STORE 0xEA
#define MFR_FAULT_LOG_RESTORE 0xEB
#define MFR_FAULT_LOG_CLEAR 0xEC
#define MFR_FAULT_LOG_STATUS 0xED
#define MFR_FAULT_LOG 0xEE
#define MFR_COMMON 0xEF
#define MFR_VOUT_MIN 0xFB
#define CLEAR_CAT_FAULTS 0xFD
#define LOGGED_FAULTS 0xEA
#define NOT_BUSY 0x40u
#define NOT_PENDING 0x20u

static sim_bench_t bench;
static sim_part_t *part;

static void start(sim_part_kind_t kind, uint8_t pages) {
    sim_bench_open(&bench, 400000);
    part = sim_part_open(&bench, kind, PART, pages);
    CHECK(part != NULL);
    for (uint8_t page = 0; page < pages; page++) {
        part->rail[page].truth[SIM_VOUT] = 1.0;
        part->rail[page].truth[SIM_VIN] = 12.0;
        part->rail[page].truth[SIM_IOUT] = 5.0;
        part->rail[page].truth[SIM_TEMP_1] = 40.0;
    }
    sim_bench_advance(&bench, 300000);
}

static void settle(void) {
    sim_bench_advance(&bench, 20000);
}

static double linear11(uint8_t code) {
    return sim_linear11_value((uint16_t)get(&bench, PART, 2, code));
}

/* Over-voltage for a moment: latched, and back to normal. */
static void over_voltage(uint8_t page) {
    part->rail[page].truth[SIM_VOUT] = 2.0;
    sim_bench_advance(&bench, 1000);
    part->rail[page].truth[SIM_VOUT] = 1.0;
    sim_bench_advance(&bench, 300000);
}

/* ---- LTC2978A ---- */

/* p. 25 .. 28: OPERATION 0x00, WRITE_PROTECT 0x00, CAPABILITY 0xE0, VOUT_MODE 0x13, VOUT_COMMAND
   0x2000 (1.0 V), OV fault 0x2333 (1.1 V), PMBUS_REVISION 0x11, MFR_SPECIAL_ID 0x0124. */
static void ltc2978_comes_up_as_its_summary_table_says(void) {
    static const struct {
        uint8_t code;
        size_t size;
        unsigned value;
    } cases[] = {{SIM_PAGE, 1, 0x00},
                 {SIM_OPERATION, 1, 0x00},
                 {SIM_WRITE_PROTECT, 1, 0x00},
                 {SIM_CAPABILITY, 1, 0xE0},
                 {SIM_VOUT_MODE, 1, 0x13},
                 {SIM_VOUT_COMMAND, 2, 0x2000},
                 {SIM_VOUT_OV_FAULT_LIMIT, 2, 0x2333},
                 {SIM_PMBUS_REVISION, 1, 0x11},
                 {MFR_SPECIAL_ID, 2, 0x0124}};
    start(SIM_PART_LTC2978, 8);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        CHECK(get(&bench, PART, cases[i].size, cases[i].code) == cases[i].value);
    }
    CHECK(try_get(&bench, PART, 2, SIM_READ_IOUT) == NS_E_NACK); /* it measures voltages */
}

/* p. 54: «MFR_COMMON b[7:2] Reserved. Read only, always returns 0s»: no busy bit to wait for. */
static void ltc2978_common_has_no_busy_bit(void) {
    start(SIM_PART_LTC2978, 8);
    CHECK(get(&bench, PART, 1, MFR_COMMON) == 0x00);
}

/* p. 30: «The only commands that support PAGE = 0xFF are OPERATION and ON_OFF_CONFIG. Reading any
   paged register with PAGE = 0xFF ... will trigger a CML fault». */
static void ltc2978_page_ff_is_for_two_commands(void) {
    start(SIM_PART_LTC2978, 8);
    CHECK(put(&bench, PART, 1, SIM_PAGE, 0xFF) == NS_OK);
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x80) == NS_OK);
    CHECK(part->rail[0].enabled == 1.0 && part->rail[7].enabled == 1.0);
    CHECK(put(&bench, PART, 2, SIM_VOUT_OV_FAULT_LIMIT, 0x2400) == NS_E_NACK);
    CHECK(put(&bench, PART, 1, SIM_PAGE, 8) == NS_E_NACK);
    (void)get(&bench, PART, 2, SIM_READ_VOUT);
    CHECK((get(&bench, PART, 1, SIM_STATUS_CML) & SIM_CML_DATA) != 0);
}

/* p. 55: MFR_VOUT_MIN «is reset to 0xFFFF ... when a CLEAR_FAULTS command is executed»; peaks the
   same. */
static void ltc2978_clear_faults_wipes_peaks(void) {
    start(SIM_PART_LTC2978, 8);
    part->rail[0].truth[SIM_VIN] = 14.0;
    sim_bench_advance(&bench, 400000);
    part->rail[0].truth[SIM_VIN] = 12.0;
    sim_bench_advance(&bench, 400000);
    CHECK_NEAR(linear11(MFR_VIN_PEAK), 14.0, 0.02);
    CHECK(get(&bench, PART, 2, MFR_VOUT_MIN) == 0x2000);
    CHECK(put(&bench, PART, 0, SIM_CLEAR_FAULTS, 0) == NS_OK);
    CHECK(get(&bench, PART, 2, MFR_VIN_PEAK) == 0x7C00);
    CHECK(get(&bench, PART, 2, MFR_VOUT_MIN) == 0xFFFF);
    sim_bench_advance(&bench, 400000);
    CHECK_NEAR(linear11(MFR_VIN_PEAK), 12.0, 0.02);
}

/* p. 28: «0xEE Fault log ... 256 Bytes: 0xFF followed by 255»; p. 24: internal fault log 10 ms,
   MFR_FAULT_LOG_CLEAR 175 ms: «The command byte will be NACKed». */
static void ltc2978_logs_the_first_fault_and_is_deaf_meanwhile(void) {
    uint8_t log[255];
    uint8_t again[255];
    start(SIM_PART_LTC2978, 8);
    CHECK(get(&bench, PART, 1, MFR_FAULT_LOG_STATUS) == 0);
    CHECK(get_block(&bench, PART, MFR_FAULT_LOG, log) == 255 && log[0] == 0xFF);
    part->rail[3].truth[SIM_VOUT] = 2.0;
    sim_bench_advance(&bench, 1000);
    CHECK(try_get(&bench, PART, 1, SIM_STATUS_BYTE) == NS_E_NACK);
    settle();
    CHECK(get(&bench, PART, 1, MFR_FAULT_LOG_STATUS) == 1);
    CHECK(get_block(&bench, PART, MFR_FAULT_LOG, log) == 255 && log[0] == 3);
    over_voltage(5); /* a second fault changes nothing */
    CHECK(get_block(&bench, PART, MFR_FAULT_LOG, again) == 255 && memcmp(log, again, 255) == 0);
    part->supply = 0.0;
    settle();
    part->supply = 1.0;
    settle();
    CHECK(get(&bench, PART, 1, MFR_FAULT_LOG_STATUS) == 1); /* EEPROM */
    CHECK(put(&bench, PART, 0, MFR_FAULT_LOG_RESTORE, 0) == NS_OK);
    settle();
    CHECK(put(&bench, PART, 0, MFR_FAULT_LOG_CLEAR, 0) == NS_OK);
    sim_bench_advance(&bench, 170000);
    CHECK(try_get(&bench, PART, 1, SIM_PAGE) == NS_E_NACK);
    sim_bench_advance(&bench, 10000);
    CHECK(get(&bench, PART, 1, MFR_FAULT_LOG_STATUS) == 0);
}

/* p. 37: «CLEAR_FAULTS ... does not clear a faulted off state nor allow a channel to turn back on»;
   «001b-111b: attempts to restart continuously ... using Mfr_retry_delay». */
static void ltc2978_stays_off_after_clear_faults_and_retries_if_told(void) {
    start(SIM_PART_LTC2978, 8);
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x80) == NS_OK);
    over_voltage(0);
    CHECK(part->rail[0].enabled == 0.0);
    CHECK(put(&bench, PART, 0, SIM_CLEAR_FAULTS, 0) == NS_OK);
    settle();
    CHECK(get(&bench, PART, 1, SIM_STATUS_VOUT) == 0 && part->rail[0].enabled == 0.0);
    CHECK(put(&bench, PART, 1, SIM_VOUT_OV_FAULT_RESPONSE, 0x88) == NS_OK);
    CHECK(put(&bench, PART, 2, MFR_RETRY_DELAY, sim_linear11_from(50.0)) == NS_OK);
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x00) == NS_OK);
    CHECK(put(&bench, PART, 1, SIM_OPERATION, 0x80) == NS_OK);
    for (int k = 0; k < 5; k++) {
        part->rail[0].truth[SIM_VOUT] = 2.0;
        sim_bench_advance(&bench, 5000);
        CHECK(part->rail[0].enabled == 0.0);
        part->rail[0].truth[SIM_VOUT] = 1.0;
        sim_bench_advance(&bench, 55000);
        CHECK(part->rail[0].enabled == 1.0);
    }
}

/* p. 33: level 2 leaves «WRITE_PROTECT, PAGE, ... OPERATION, ... and CLEAR_FAULTS». */
static void ltc2978_has_two_levels_of_protection(void) {
    start(SIM_PART_LTC2978, 8);
    CHECK(put(&bench, PART, 1, SIM_WRITE_PROTECT, 0x20) == NS_E_NACK);
    CHECK(put(&bench, PART, 1, SIM_WRITE_PROTECT, 0x40) == NS_OK);
    CHECK(put(&bench, PART, 2, SIM_VOUT_OV_FAULT_LIMIT, 0x2400) == NS_E_NACK);
    CHECK(put(&bench, PART, 0, SIM_CLEAR_FAULTS, 0) == NS_OK);
    CHECK(put(&bench, PART, 1, SIM_STATUS_VOUT, 0x80) == NS_E_NACK); /* «R Byte»: read only */
}

/* ---- LTC3887 ---- */

static void ltc3887_measures_currents_too(void) {
    start(SIM_PART_LTC3887, 2);
    part->rail[1].truth[SIM_VOUT] = 1.01;
    part->rail[1].truth[SIM_IOUT] = 9.0;
    sim_bench_advance(&bench, 300000);
    CHECK(put(&bench, PART, 1, SIM_PAGE, 1) == NS_OK);
    settle();
    CHECK(get(&bench, PART, 2, SIM_READ_VOUT) == 4137); /* 2^-12 V: p. 71 */
    CHECK_NEAR(linear11(SIM_READ_IOUT), 9.0, 0.01);
    CHECK_NEAR(linear11(MFR_IOUT_PEAK), 9.0, 0.01);
    CHECK_NEAR(linear11(SIM_READ_POUT), 9.09, 0.01);
    CHECK(put(&bench, PART, 1, SIM_PAGE, 0xFF) == NS_OK);
    settle();
    CHECK(get(&bench, PART, 2, SIM_READ_VOUT) == 4096); /* p. 63: «the same value as PAGE 0» */
    CHECK(get(&bench, PART, 1, SIM_STATUS_CML) == 0);
}

/* p. 92: «BUSY: A fault was declared because the LTC3880 was unable to respond». */
static void ltc3887_is_deaf_after_a_write_but_for_mfr_common(void) {
    start(SIM_PART_LTC3887, 2);
    CHECK((get(&bench, PART, 1, MFR_COMMON) & (NOT_BUSY | NOT_PENDING)) ==
          (NOT_BUSY | NOT_PENDING));
    CHECK(put(&bench, PART, 2, SIM_VOUT_OV_FAULT_LIMIT, 0x1200) == NS_OK);
    CHECK((get(&bench, PART, 1, MFR_COMMON) & (NOT_BUSY | NOT_PENDING)) == 0);
    CHECK(try_get(&bench, PART, 2, SIM_READ_VOUT) == NS_E_NACK);
    sim_bench_advance(&bench, 1000);
    CHECK((get(&bench, PART, 1, MFR_COMMON) & (NOT_BUSY | NOT_PENDING)) == NOT_BUSY);
    CHECK((get(&bench, PART, 1, SIM_STATUS_BYTE) & SIM_STATUS_BUSY) != 0);
    settle();
    CHECK((get(&bench, PART, 1, MFR_COMMON) & NOT_PENDING) != 0);
    CHECK(put(&bench, PART, 0, SIM_CLEAR_FAULTS, 0) == NS_OK);
    settle();
    CHECK((get(&bench, PART, 1, SIM_STATUS_BYTE) & SIM_STATUS_BUSY) == 0);
}

/* p. 95: «Any supported bit may be cleared by writing a 1»; «Exception: The fault log present bit
   can only be cleared by issuing the MFR_FAULT_LOG_CLEAR command». p. 102: length 0 without a log,
   else 147 bytes. */
static void ltc3887_fault_log_bit_outlives_everything_but_its_clear(void) {
    uint8_t log[255];
    start(SIM_PART_LTC3887, 2);
    CHECK(get_block(&bench, PART, MFR_FAULT_LOG, log) == 0);
    over_voltage(0);
    CHECK(get_block(&bench, PART, MFR_FAULT_LOG, log) == 147);
    CHECK(get(&bench, PART, 1, SIM_STATUS_MFR_SPECIFIC) == 0x08);
    CHECK(put(&bench, PART, 1, SIM_STATUS_MFR_SPECIFIC, 0x08) == NS_OK);
    settle();
    CHECK(get(&bench, PART, 1, SIM_STATUS_MFR_SPECIFIC) == 0x08);
    CHECK(put(&bench, PART, 1, SIM_STATUS_VOUT, SIM_STATUS_OVER_FAULT) == NS_OK);
    settle();
    CHECK(get(&bench, PART, 1, SIM_STATUS_VOUT) == SIM_STATUS_OVER_WARN);
    CHECK(put(&bench, PART, 0, SIM_CLEAR_FAULTS, 0) == NS_OK);
    settle();
    CHECK(get(&bench, PART, 1, SIM_STATUS_MFR_SPECIFIC) == 0x08);
    part->brown_out = 1.0;
    settle();
    CHECK(get(&bench, PART, 1, SIM_STATUS_MFR_SPECIFIC) == 0x08);
    CHECK(put(&bench, PART, 0, MFR_FAULT_LOG_CLEAR, 0) == NS_OK);
    sim_bench_advance(&bench, 200000);
    CHECK(get(&bench, PART, 1, SIM_STATUS_MFR_SPECIFIC) == 0);
    CHECK(put(&bench, PART, 0, MFR_FAULT_LOG_STORE, 0) == NS_OK);
    sim_bench_advance(&bench, 30000);
    CHECK(get_block(&bench, PART, MFR_FAULT_LOG, log) == 147);
}

static void ltc3887_clear_peaks_and_clear_faults_forget_peaks(void) {
    static const uint8_t codes[] = {MFR_CLEAR_PEAKS, SIM_CLEAR_FAULTS};
    for (size_t i = 0; i < 2; i++) {
        start(SIM_PART_LTC3887, 2);
        CHECK(get(&bench, PART, 2, MFR_VOUT_PEAK) == 4096);
        CHECK(put(&bench, PART, 0, codes[i], 0) == NS_OK);
        sim_bench_advance(&bench, 1000);
        CHECK(get(&bench, PART, 2, MFR_VOUT_PEAK) == 0);
    }
}

/* ---- multiphase ---- */

/* DIRECT with m 1, b 0: VOUT R 3, IOUT R 1, IIN R 2, temperature R 0 («0xFFD8 is -40 degC»), power
   R 0; VIN R 3 on the ISL68137, R 2 on the later parts. */
static void renesas_parts_report_in_direct(void) {
    static const struct {
        sim_part_kind_t kind;
        unsigned vin;
    } cases[] = {{SIM_PART_ISL68137, 12340}, {SIM_PART_RAA228, 1234}};
    for (size_t i = 0; i < 2; i++) {
        start(cases[i].kind, 2);
        sim_rail_t *rail = &part->rail[1];
        rail->truth[SIM_VIN] = 12.34;
        rail->truth[SIM_VOUT] = 0.85;
        rail->truth[SIM_IOUT] = 123.4;
        rail->truth[SIM_IIN] = 9.87;
        rail->truth[SIM_TEMP_1] = -40.0;
        CHECK(get(&bench, PART, 1, SIM_VOUT_MODE) == 0x40);
        CHECK(put(&bench, PART, 1, SIM_PAGE, 1) == NS_OK);
        CHECK(get(&bench, PART, 2, SIM_READ_VIN) == cases[i].vin);
        CHECK(get(&bench, PART, 2, SIM_READ_VOUT) == 850);
        CHECK(get(&bench, PART, 2, SIM_READ_IOUT) == 1234);
        CHECK(get(&bench, PART, 2, SIM_READ_IIN) == 987);
        CHECK(get(&bench, PART, 2, SIM_READ_TEMPERATURE_1) == 0xFFD8);
        CHECK(get(&bench, PART, 2, SIM_READ_POUT) == 105);
        CHECK(get(&bench, PART, 2, SIM_READ_PIN) == 122);
    }
}

static void isl68137_gives_the_current_of_a_phase(void) {
    start(SIM_PART_ISL68137, 2);
    part->pmbus.wiring[0].phase_count = 5;
    CHECK(get(&bench, PART, 2, SIM_READ_IOUT) == 50);
    CHECK(put(&bench, PART, 1, SIM_PHASE, 2) == NS_OK);
    CHECK(get(&bench, PART, 2, SIM_READ_IOUT) == 10);
}

/* Mellanox/hw-mgmt#2052: «clear the faults by writing 0 to CLEAR_CAT_FAULTS (0xFD) register and
   CLEAR_FAULTS (0x03) register». */
static void mp2975_needs_both_clears(void) {
    static const struct {
        bool cat;
        bool clear;
        bool is_cleared;
    } cases[] = {{false, true, false}, {true, false, false}, {true, true, true}};
    for (size_t i = 0; i < 3; i++) {
        start(SIM_PART_MP2975, 2);
        CHECK(put(&bench, PART, 2, SIM_IOUT_OC_FAULT_LIMIT, 10) == NS_OK); /* 10 A */
        part->rail[0].truth[SIM_IOUT] = 20.0;
        sim_bench_advance(&bench, 1000);
        part->rail[0].truth[SIM_IOUT] = 0.0;
        sim_bench_advance(&bench, 1000);
        CHECK(get(&bench, PART, 1, SIM_STATUS_IOUT) == SIM_STATUS_IOUT_OC_FAULT);
        if (cases[i].cat) {
            CHECK(put(&bench, PART, 1, CLEAR_CAT_FAULTS, 0) == NS_OK);
        }
        if (cases[i].clear) {
            CHECK(put(&bench, PART, 0, SIM_CLEAR_FAULTS, 0) == NS_OK);
        }
        CHECK((get(&bench, PART, 1, SIM_STATUS_IOUT) == 0) == cases[i].is_cleared);
    }
}

static void an_unknown_command_may_be_acknowledged_and_read_ff(void) {
    uint8_t code = 0xC8;
    uint8_t answer[2] = {0, 0};
    uint8_t bytes[] = {0xC8, 1};
    start(SIM_PART_MP2975, 2);
    CHECK(wire(&bench, PART, &code, 1, answer, 2) == NS_OK);
    CHECK(answer[0] == 0xFF && answer[1] == 0xFF);
    CHECK(get(&bench, PART, 1, SIM_STATUS_CML) == SIM_CML_COMMAND);
    CHECK(put(&bench, PART, 0, SIM_CLEAR_FAULTS, 0) == NS_OK);
    CHECK(wire(&bench, PART, bytes, 2, NULL, 0) == NS_OK);
    CHECK(get(&bench, PART, 1, SIM_STATUS_CML) == SIM_CML_COMMAND);
}

/* ---- UCD90320 ---- */

/* SLVUAW9C, table 44: «BYTE_COUNT = 37: Non-Paged Faults, GPI Faults (4), Page 0 .. 31 Faults»;
   openbmc#1722: «Logged faults can be cleared by writing 0x00 to register 0xEA». */
static void ucd90320_logs_faults_by_page_until_zeros_are_written(void) {
    uint8_t log[255];
    start(SIM_PART_UCD90320, 32);
    CHECK(get_block(&bench, PART, LOGGED_FAULTS, log) == 37);
    CHECK(put(&bench, PART, 1, SIM_PAGE, 31) == NS_OK);
    CHECK(put(&bench, PART, 2, SIM_VOUT_OV_FAULT_LIMIT, 0x2333) == NS_OK);
    CHECK(put(&bench, PART, 2, SIM_IOUT_OC_FAULT_LIMIT, sim_linear11_from(8.0)) == NS_OK);
    over_voltage(31);
    CHECK(get(&bench, PART, 1, SIM_STATUS_VOUT) == SIM_STATUS_OVER_FAULT);
    part->rail[31].truth[SIM_IOUT] = 9.0;
    settle();
    CHECK(put(&bench, PART, 0, SIM_CLEAR_FAULTS, 0) == NS_OK);
    CHECK(get_block(&bench, PART, LOGGED_FAULTS, log) == 37);
    CHECK(log[36] == 0x09 && log[35] == 0 && log[0] == 0);
    CHECK(get_block(&bench, PART, 0xF3, log) == 4 && log[0] == 1);
    uint8_t wrong[] = {LOGGED_FAULTS, 1, 5};
    CHECK(wire(&bench, PART, wrong, 3, NULL, 0) == NS_E_NACK);
    CHECK(wire(&bench, PART, wrong, 1, NULL, 0) == NS_E_NACK);
    uint8_t zeros[39] = {LOGGED_FAULTS, 37};
    CHECK(wire(&bench, PART, zeros, 39, NULL, 0) == NS_OK);
    CHECK(get_block(&bench, PART, LOGGED_FAULTS, log) == 37 && log[36] == 0);
    CHECK(get_block(&bench, PART, 0xFD, log) > 8 && memcmp(log, "UCD90320", 8) == 0);
}

int main(void) {
    ltc2978_comes_up_as_its_summary_table_says();
    ltc2978_common_has_no_busy_bit();
    ltc2978_page_ff_is_for_two_commands();
    ltc2978_clear_faults_wipes_peaks();
    ltc2978_logs_the_first_fault_and_is_deaf_meanwhile();
    ltc2978_stays_off_after_clear_faults_and_retries_if_told();
    ltc2978_has_two_levels_of_protection();
    ltc3887_measures_currents_too();
    ltc3887_is_deaf_after_a_write_but_for_mfr_common();
    ltc3887_fault_log_bit_outlives_everything_but_its_clear();
    ltc3887_clear_peaks_and_clear_faults_forget_peaks();
    renesas_parts_report_in_direct();
    isl68137_gives_the_current_of_a_phase();
    mp2975_needs_both_clears();
    an_unknown_command_may_be_acknowledged_and_read_ff();
    ucd90320_logs_faults_by_page_until_zeros_are_written();
    return 0;
}
