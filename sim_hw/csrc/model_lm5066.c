/**
 * @file model_lm5066.c
 * @brief Hot-swap controllers LM5066 and LM25066 (Texas Instruments).
 *
 * Sources: LM5066 data sheet SNVS655G, p. 33 .. 53, tables 2 .. 43 (coefficients: tables 41, 42);
 * LM25066 data sheet, tables 14 .. 38; power-up state of the input bits: report hubris#2073 of
 * Oxide. LM25066 coefficients: constants published for the part (Linux hwmon documentation).
 * There is no VOUT_MODE, no READ_IOUT and no READ_IIN: the current is MFR_READ_IIN.
 * Unverified: DEVICE_SETUP after power-up, the retry times.
 */
#include <math.h>

#include "pmbus_part.h"
#include "pmbus_rows.h"

#define READ_VAUX 0xD0
#define MFR_READ_IIN 0xD1
#define MFR_READ_PIN 0xD2
#define MFR_IIN_OC_WARN_LIMIT 0xD3
#define MFR_PIN_OP_WARN_LIMIT 0xD4
#define READ_PIN_PEAK 0xD5
#define CLEAR_PIN_PEAK 0xD6
#define GATE_MASK 0xD7
#define ALERT_MASK 0xD8
#define DEVICE_SETUP 0xD9
#define BLOCK_READ 0xDA
#define SAMPLES_FOR_AVG 0xDB
#define READ_AVG_VIN 0xDC
#define READ_AVG_VOUT 0xDD
#define READ_AVG_IIN 0xDE
#define READ_AVG_PIN 0xDF
#define BLACK_BOX_READ 0xE0
#define READ_DIAGNOSTIC_WORD 0xE1
#define AVG_BLOCK_READ 0xE2

#define SETUP_RANGE 0x10u /* current limit setting */
#define SETUP_BY_REGISTER 0x04u
#define SAMPLES_MAX 0x0C
#define NS_PER_MS 1000000
#define MFR_DEFAULTS_LOADED 0x10u

static const sim_command_t commands[] = {
    SIM_ROW_OPERATION,
    SIM_ROW_CLEAR_FAULTS,
    SIM_ROW_CONSTANT(SIM_CAPABILITY, 0xB0),
    SIM_ROW_CONSTANT(SIM_PMBUS_REVISION, 0x11),
    SIM_ROW_STATUS_BYTE,
    SIM_ROW_STATUS_WORD,
    SIM_ROW_STATUS(SIM_STATUS_VOUT, SIM_R, SIM_IN_VOUT),
    SIM_ROW_STATUS(SIM_STATUS_INPUT, SIM_R, SIM_IN_INPUT),
    SIM_ROW_STATUS(SIM_STATUS_TEMPERATURE, SIM_R, SIM_IN_TEMPERATURE),
    SIM_ROW_STATUS(SIM_STATUS_CML, SIM_R, SIM_IN_CML),
    SIM_ROW_STATUS(SIM_STATUS_OTHER, SIM_R, SIM_IN_OTHER),
    SIM_ROW_STATUS(SIM_STATUS_MFR_SPECIFIC, SIM_R, SIM_IN_MFR),
    SIM_ROW_TEXTS,
    SIM_ROW_LIMIT(SIM_VOUT_UV_WARN_LIMIT, 0, SIM_VOUT, SIM_DIRECT, 0),
    SIM_ROW_LIMIT(SIM_OT_FAULT_LIMIT, 0, SIM_TEMP_1, SIM_DIRECT, 0x0960), /* 150 degC */
    SIM_ROW_LIMIT(SIM_OT_WARN_LIMIT, 0, SIM_TEMP_1, SIM_DIRECT, 0x0FFF),
    SIM_ROW_LIMIT(SIM_VIN_OV_WARN_LIMIT, 0, SIM_VIN, SIM_DIRECT, 0x0FFF),
    SIM_ROW_LIMIT(SIM_VIN_UV_WARN_LIMIT, 0, SIM_VIN, SIM_DIRECT, 0),
    SIM_ROW_LIMIT(MFR_IIN_OC_WARN_LIMIT, 0, SIM_IIN, SIM_DIRECT, 0x0FFF),
    SIM_ROW_LIMIT(MFR_PIN_OP_WARN_LIMIT, 0, SIM_PIN, SIM_DIRECT, 0x0FFF),
    SIM_ROW_READ(SIM_READ_VIN, 0, SIM_VIN, SIM_DIRECT),
    SIM_ROW_READ(SIM_READ_VOUT, 0, SIM_VOUT, SIM_DIRECT),
    SIM_ROW_READ(SIM_READ_TEMPERATURE_1, 0, SIM_TEMP_1, SIM_DIRECT),
    SIM_ROW_READ(MFR_READ_IIN, 0, SIM_IIN, SIM_DIRECT),
    SIM_ROW_READ(MFR_READ_PIN, 0, SIM_PIN, SIM_DIRECT),
    SIM_ROW_PEAK(READ_PIN_PEAK, SIM_R, SIM_PIN, SIM_DIRECT, 0),
    {READ_VAUX, SIM_AS_WORD, SIM_R, SIM_DO_REGISTER, 0, SIM_RAW, 0},
    SIM_ROW_REGISTER(GATE_MASK, SIM_AS_BYTE, 0x00),
    SIM_ROW_REGISTER(ALERT_MASK, SIM_AS_WORD, 0x0820),
    SIM_ROW_REGISTER(DEVICE_SETUP, SIM_AS_BYTE, 0x00),
    SIM_ROW_MFR(SAMPLES_FOR_AVG, SIM_AS_BYTE, SIM_RW),
    SIM_ROW_MFR(CLEAR_PIN_PEAK, SIM_AS_SEND, SIM_W),
    SIM_ROW_MFR(READ_AVG_VIN, SIM_AS_WORD, SIM_R),
    SIM_ROW_MFR(READ_AVG_VOUT, SIM_AS_WORD, SIM_R),
    SIM_ROW_MFR(READ_AVG_IIN, SIM_AS_WORD, SIM_R),
    SIM_ROW_MFR(READ_AVG_PIN, SIM_AS_WORD, SIM_R),
    SIM_ROW_MFR(BLOCK_READ, SIM_AS_BLOCK, SIM_R),
    SIM_ROW_MFR(BLACK_BOX_READ, SIM_AS_BLOCK, SIM_R),
    SIM_ROW_MFR(AVG_BLOCK_READ, SIM_AS_BLOCK, SIM_R),
    SIM_ROW_MFR(READ_DIAGNOSTIC_WORD, SIM_AS_WORD, SIM_R)};

static const sim_limit_t limits[] = {
    SIM_OVER(0, 0, SIM_IIN, SIM_IN_INPUT, SIM_STATUS_IIN_OC_FAULT),
    SIM_OVER_WARN(MFR_IIN_OC_WARN_LIMIT, SIM_IIN, SIM_IN_INPUT, SIM_STATUS_IIN_OC_WARN),
    SIM_OVER_WARN(MFR_PIN_OP_WARN_LIMIT, SIM_PIN, SIM_IN_INPUT, SIM_STATUS_PIN_OP_WARN),
    SIM_OVER_WARN(SIM_VIN_OV_WARN_LIMIT, SIM_VIN, SIM_IN_INPUT, SIM_STATUS_OVER_WARN),
    SIM_UNDER_WARN(SIM_VIN_UV_WARN_LIMIT, SIM_VIN, SIM_IN_INPUT, SIM_STATUS_UNDER_WARN, false),
    SIM_UNDER_WARN(SIM_VOUT_UV_WARN_LIMIT, SIM_VOUT, SIM_IN_VOUT, SIM_STATUS_UNDER_WARN, false),
    SIM_OVER(SIM_OT_FAULT_LIMIT, 0, SIM_TEMP_1, SIM_IN_TEMPERATURE, SIM_STATUS_OVER_FAULT),
    SIM_OVER_WARN(SIM_OT_WARN_LIMIT, SIM_TEMP_1, SIM_IN_TEMPERATURE, SIM_STATUS_OVER_WARN)};

/* The range of the current: by pin (CL to VDD, the low one, on this board) unless bit 2 lets the
   register rule (SNVS655G, below table 30; SNVS824C, below table 33). There bit 4 is 1 for the high
   range of the LM25066 (table 33) and 0 for that of the LM5066 (Linux hwmon list, 11 June 2026:
   coefficients of LM5064, LM5066 and LM5066I swapped). */
static bool is_high_range(const sim_pmbus_part_t *part) {
    unsigned setup = sim_pmbus_word(part, 0, DEVICE_SETUP);
    bool is_set = (setup & SETUP_RANGE) != 0;
    return (setup & SETUP_BY_REGISTER) != 0 && is_set == (part->model == &sim_model_lm25066);
}

static sim_coefficients_t coefficients(const sim_pmbus_part_t *part, uint8_t quantity) {
    bool is_high = is_high_range(part);
    bool is_25 = part->model == &sim_model_lm25066;
    double shunt = part->shunt_mohm;
    switch (quantity) {
    case SIM_VIN:
        return is_25 ? (sim_coefficients_t){22070.0, -1800.0, -2}
                     : (sim_coefficients_t){4587.0, -1200.0, -2};
    case SIM_VOUT:
        return is_25 ? (sim_coefficients_t){22070.0, -1800.0, -2}
                     : (sim_coefficients_t){4587.0, -2400.0, -2};
    case SIM_IIN:
        if (is_25) {
            return is_high ? (sim_coefficients_t){6854.0 * shunt, -3100.0, -2}
                           : (sim_coefficients_t){13661.0 * shunt, -5200.0, -2};
        }
        return is_high ? (sim_coefficients_t){5405.0 * shunt, -600.0, -2}
                       : (sim_coefficients_t){10753.0 * shunt, -1200.0, -2};
    case SIM_PIN:
        if (is_25) {
            return is_high ? (sim_coefficients_t){369.0 * shunt, -1900.0, -2}
                           : (sim_coefficients_t){736.0 * shunt, -3300.0, -2};
        }
        return is_high ? (sim_coefficients_t){605.0 * shunt, -8000.0, -3}
                       : (sim_coefficients_t){1204.0 * shunt, -6000.0, -3};
    default:
        return (sim_coefficients_t){16000.0, 0.0, -3};
    }
}

/* hubris#2073: after power-up the input bits are set and stay until CLEAR_FAULTS. */
static void power_up(sim_pmbus_part_t *part) {
    sim_pmbus_latch(part, 0, SIM_IN_INPUT, SIM_STATUS_UNDER_FAULT | SIM_STATUS_UNDER_WARN);
    sim_pmbus_latch(part, 0, SIM_IN_MFR, MFR_DEFAULTS_LOADED);
    part->is_alerting = false;
    part->memory_size = 0;
    part->samples_code = 0;
    part->average_span_ns = 0;
    for (uint8_t i = 0; i < SIM_QUANTITIES; i++) {
        part->average[i] = part->average_sum[i] = 0.0;
    }
}

static size_t put_word(uint8_t *data, uint16_t word) {
    data[0] = (uint8_t)(word & 0xFFu);
    data[1] = (uint8_t)(word >> 8);
    return 2;
}

/* LM25066 data sheet, table 38. */
static uint16_t diagnostic(const sim_pmbus_part_t *part) {
    const sim_pmbus_page_t *page = &part->registers[0];
    unsigned input = page->status[SIM_IN_INPUT];
    unsigned temp = page->status[SIM_IN_TEMPERATURE];
    unsigned word = sim_pmbus_status_word(part, 0);
    unsigned out = 0;
    out |= page->status[SIM_IN_VOUT] != 0 ? 0x8000u : 0u;
    out |= (input & (SIM_STATUS_IIN_OC_WARN | SIM_STATUS_PIN_OP_WARN)) != 0 ? 0x4000u : 0u;
    out |= (input & SIM_STATUS_UNDER_WARN) != 0 ? 0x2000u : 0u;
    out |= (input & SIM_STATUS_OVER_WARN) != 0 ? 0x1000u : 0u;
    out |= (word & SIM_STATUS_POWER_GOOD_N) == 0 ? 0x0800u : 0u;
    out |= (temp & SIM_STATUS_OVER_WARN) != 0 ? 0x0400u : 0u;
    out |= page->is_tripped && page->retry_ns == 0 ? 0x0200u : 0u;
    out |= (page->status[SIM_IN_MFR] & MFR_DEFAULTS_LOADED) != 0 ? 0x0080u : 0u;
    out |= (word & SIM_STATUS_OFF) != 0 ? 0x0040u : 0u;
    out |= (input & SIM_STATUS_UNDER_FAULT) != 0 ? 0x0020u : 0u;
    out |= (input & SIM_STATUS_OVER_FAULT) != 0 ? 0x0010u : 0u;
    out |= (input & SIM_STATUS_IIN_OC_FAULT) != 0 ? 0x0008u : 0u;
    out |= (temp & SIM_STATUS_OVER_FAULT) != 0 ? 0x0004u : 0u;
    return (uint16_t)(out | (part->status_cml != 0 ? 0x0002u : 0u));
}

static uint16_t word_of(sim_pmbus_part_t *part, uint8_t quantity, bool is_average) {
    double value = is_average ? part->average[quantity] : sim_pmbus_reading(part, 0, quantity);
    return sim_pmbus_encode(part, 0, SIM_DIRECT, quantity, value);
}

/* BLOCK_READ, table 31: diagnostic word, IIN, VOUT, VIN, PIN, temperature. */
static size_t block(sim_pmbus_part_t *part, bool is_average, uint8_t *data) {
    static const uint8_t order[] = {SIM_IIN, SIM_VOUT, SIM_VIN, SIM_PIN, SIM_TEMP_1};
    size_t size = put_word(data, diagnostic(part));
    for (size_t i = 0; i < SIM_COUNT(order); i++) {
        bool is_average_here = is_average && order[i] != SIM_TEMP_1;
        size += put_word(&data[size], word_of(part, order[i], is_average_here));
    }
    return size;
}

static size_t read_mfr(sim_pmbus_part_t *part, const sim_command_t *command, uint8_t *data) {
    switch (command->code) {
    case READ_AVG_VIN:
        return put_word(data, word_of(part, SIM_VIN, true));
    case READ_AVG_VOUT:
        return put_word(data, word_of(part, SIM_VOUT, true));
    case READ_AVG_IIN:
        return put_word(data, word_of(part, SIM_IIN, true));
    case READ_AVG_PIN:
        return put_word(data, word_of(part, SIM_PIN, true));
    case READ_DIAGNOSTIC_WORD:
        return put_word(data, diagnostic(part));
    case SAMPLES_FOR_AVG:
        data[0] = part->samples_code;
        return 1;
    case AVG_BLOCK_READ:
        return block(part, true, data);
    case BLACK_BOX_READ:
        for (size_t i = 0; i < part->memory_size; i++) {
            data[i] = part->memory[i];
        }
        return part->memory_size;
    default:
        return block(part, false, data);
    }
}

static ns_status_t write_mfr(sim_pmbus_part_t *part, const sim_command_t *command,
                             const uint8_t *data, size_t size) {
    if (command->code == CLEAR_PIN_PEAK) {
        sim_pmbus_forget_peaks(part, 0);
        return NS_OK;
    }
    if (size != 1u || data[0] > SAMPLES_MAX) {
        return NS_E_NACK;
    }
    part->samples_code = data[0];
    return NS_OK;
}

/* The averages: 2^n samples, one each millisecond (table 32). The black box takes what BLOCK_READ
   was when the alert line went low, once, until CLEAR_FAULTS. */
static void advance(sim_pmbus_part_t *part, int64_t step_ns) {
    part->average_span_ns += step_ns;
    bool is_done = part->average_span_ns >= (int64_t)NS_PER_MS << part->samples_code;
    for (uint8_t i = 0; i < SIM_QUANTITIES; i++) {
        part->average_sum[i] += sim_pmbus_reading(part, 0, i) * (double)step_ns;
        if (is_done) {
            part->average[i] = part->average_sum[i] / (double)part->average_span_ns;
            part->average_sum[i] = 0.0;
        }
    }
    part->average_span_ns = is_done ? 0 : part->average_span_ns;
    if (part->is_alerting && part->memory_size == 0) {
        part->memory_size = (uint8_t)block(part, false, part->memory);
    }
}

/* DEVICE_SETUP bits 7:5: 000 by pin, 001 none, 010 .. 110 1, 2, 4, 8, 16 tries, 111 without end. */
static void wrote(sim_pmbus_part_t *part, const sim_command_t *command) {
    if (command->code == SIM_CLEAR_FAULTS) {
        part->memory_size = 0;
    } else if (command->code == DEVICE_SETUP) {
        unsigned retry = sim_pmbus_word(part, 0, DEVICE_SETUP) >> 5;
        static const uint8_t tries[] = {0, 0, 1, 2, 4, 6, 6, 7}; /* a response counts up to 6 */
        part->hardware_response = (uint8_t)(0x80u | (unsigned)tries[retry] << 3);
        sim_pmbus_learn_limits(part, 0);
    }
}

const sim_pmbus_model_t sim_model_lm5066 = {.name = "lm5066",
                                            .commands = commands,
                                            .command_count = SIM_COUNT(commands),
                                            .limits = limits,
                                            .limit_count = SIM_COUNT(limits),
                                            .page_count = 1,
                                            .habits = SIM_DIRECT_12_BITS | SIM_HAS_PEAKS |
                                                      SIM_IIN_IS_IOUT,
                                            .retry_delay_us = 100000, /* assumed */
                                            .text = {"NSC", "LM5066", "AA"},
                                            .coefficients = coefficients,
                                            .power_up = power_up,
                                            .advance = advance,
                                            .read = read_mfr,
                                            .write = write_mfr,
                                            .wrote = wrote};

const sim_pmbus_model_t sim_model_lm25066 = {.name = "lm25066",
                                             .commands = commands,
                                             .command_count = SIM_COUNT(commands),
                                             .limits = limits,
                                             .limit_count = SIM_COUNT(limits),
                                             .page_count = 1,
                                             .habits = SIM_DIRECT_12_BITS | SIM_HAS_PEAKS |
                                                       SIM_IIN_IS_IOUT,
                                             .retry_delay_us = 100000, /* assumed */
                                             .text = {"NSC", "LM25066", "AA"},
                                             .coefficients = coefficients,
                                             .power_up = power_up,
                                             .advance = advance,
                                             .read = read_mfr,
                                             .write = write_mfr,
                                             .wrote = wrote};
