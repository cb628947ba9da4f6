/**
 * @file model_adm127x.c
 * @brief Hot-swap controllers ADM1272 and ADM1275 (Analog Devices).
 *
 * Sources: ADM1275 data sheet rev. D, table 11 and p. 36 .. 42; ADM1276 rev. C, p. 35 .. 44, for
 * the energy counter that the ADM1272 shares. Coefficients at 1 mOhm: constants published for the
 * family (Linux hwmon documentation). Unverified: reset values of PMON_CONFIG and DEVICE_CONFIG of
 * the ADM1272, that it takes OPERATION without an enable bit, the split of its READ_EIN_EXT, the
 * sampling time, the 5 s of POWER_CYCLE on the ADM1275.
 */
#include <math.h>

#include "pmbus_part.h"
#include "pmbus_rows.h"

#define PEAK_IOUT 0xD0
#define PEAK_VIN 0xD1
#define PEAK_VOUT 0xD2
#define PMON_CONTROL 0xD3
#define PMON_CONFIG 0xD4
#define ALERT1_CONFIG 0xD5
#define ALERT2_CONFIG 0xD6
#define IOUT_WARN2_LIMIT 0xD7 /* ADM1275 */
#define PEAK_TEMPERATURE 0xD7 /* ADM1272 */
#define DEVICE_CONFIG 0xD8
#define POWER_CYCLE 0xD9
#define PEAK_PIN 0xDA
#define READ_PIN_EXT 0xDB
#define READ_EIN_EXT 0xDC
#define RESTART_TIME 0xCC

#define CONVERT 0x01u              /* PMON_CONTROL */
#define VRANGE 0x0020u             /* PMON_CONFIG, both parts */
#define ADM1275_CONTINUOUS 0x80u   /* PMON_CONFIG */
#define ADM1275_SAMPLES_VOUT 0x40u /* VIN_VOUT_SELECT */
#define ADM1272_CONTINUOUS 0x0010u
#define ADM1272_TEMP 0x0008u
#define ADM1272_VIN 0x0004u
#define ADM1272_VOUT 0x0002u
#define ADM1272_IRANGE_30MV 0x0001u
#define OPERATION_ENABLE 0x20u /* DEVICE_CONFIG, ADM1275 and ADM1276 p. 44 */
#define SAMPLE_NS 200000       /* assumed: one sample of all channels */
#define ADM1275_OFF_NS 5000000000
#define NO_LIMIT 0x0FFF
#define NO_POWER_LIMIT 0x7FFF

#define COMMON_ROWS                                                                                \
    SIM_ROW_OPERATION, SIM_ROW_CLEAR_FAULTS, SIM_ROW_CONSTANT(SIM_CAPABILITY, 0xB0),               \
        SIM_ROW_STATUS_BYTE, SIM_ROW_STATUS_WORD,                                                  \
        SIM_ROW_STATUS(SIM_STATUS_VOUT, SIM_R, SIM_IN_VOUT),                                       \
        SIM_ROW_STATUS(SIM_STATUS_IOUT, SIM_R, SIM_IN_IOUT),                                       \
        SIM_ROW_STATUS(SIM_STATUS_INPUT, SIM_R, SIM_IN_INPUT),                                     \
        SIM_ROW_STATUS(SIM_STATUS_MFR_SPECIFIC, SIM_R, SIM_IN_MFR), SIM_ROW_TEXTS,                 \
        SIM_ROW_LIMIT(SIM_VOUT_OV_WARN_LIMIT, 0, SIM_VOUT, SIM_DIRECT, NO_LIMIT),                  \
        SIM_ROW_LIMIT(SIM_VOUT_UV_WARN_LIMIT, 0, SIM_VOUT, SIM_DIRECT, 0),                         \
        SIM_ROW_LIMIT(SIM_IOUT_OC_WARN_LIMIT, 0, SIM_IOUT, SIM_DIRECT, NO_LIMIT),                  \
        SIM_ROW_LIMIT(SIM_VIN_OV_WARN_LIMIT, 0, SIM_VIN, SIM_DIRECT, NO_LIMIT),                    \
        SIM_ROW_LIMIT(SIM_VIN_UV_WARN_LIMIT, 0, SIM_VIN, SIM_DIRECT, 0),                           \
        SIM_ROW_READ(SIM_READ_VIN, 0, SIM_VIN, SIM_DIRECT),                                        \
        SIM_ROW_READ(SIM_READ_VOUT, 0, SIM_VOUT, SIM_DIRECT),                                      \
        SIM_ROW_READ(SIM_READ_IOUT, 0, SIM_IOUT, SIM_DIRECT),                                      \
        SIM_ROW_PEAK(PEAK_IOUT, SIM_RW, SIM_IOUT, SIM_DIRECT, 0),                                  \
        SIM_ROW_PEAK(PEAK_VIN, SIM_RW, SIM_VIN, SIM_DIRECT, 0),                                    \
        SIM_ROW_PEAK(PEAK_VOUT, SIM_RW, SIM_VOUT, SIM_DIRECT, 0),                                  \
        SIM_ROW_REGISTER(ALERT1_CONFIG, SIM_AS_WORD, 0x0000),                                      \
        SIM_ROW_REGISTER(ALERT2_CONFIG, SIM_AS_WORD, 0x8000),                                      \
        SIM_ROW_MFR(POWER_CYCLE, SIM_AS_SEND, SIM_W)

static const sim_command_t adm1275_commands[] = {
    COMMON_ROWS,
    SIM_ROW_CONSTANT(SIM_PMBUS_REVISION, 0x11),
    SIM_ROW_REGISTER(PMON_CONTROL, SIM_AS_BYTE, 0x00),
    SIM_ROW_REGISTER(PMON_CONFIG, SIM_AS_BYTE, 0x2C),
    SIM_ROW_REGISTER(DEVICE_CONFIG, SIM_AS_BYTE, 0x00),
    SIM_ROW_REGISTER(IOUT_WARN2_LIMIT, SIM_AS_WORD, 0x0000)};

static const sim_command_t adm1272_commands[] = {
    COMMON_ROWS,
    SIM_ROW_CONSTANT(SIM_PMBUS_REVISION, 0x22),
    SIM_ROW_STATUS(SIM_STATUS_TEMPERATURE, SIM_R, SIM_IN_TEMPERATURE),
    SIM_ROW_STATUS(SIM_STATUS_CML, SIM_R, SIM_IN_CML),
    SIM_ROW_LIMIT(SIM_OT_FAULT_LIMIT, 0, SIM_TEMP_1, SIM_DIRECT, NO_LIMIT),
    SIM_ROW_LIMIT(SIM_OT_WARN_LIMIT, 0, SIM_TEMP_1, SIM_DIRECT, NO_LIMIT),
    SIM_ROW_LIMIT(SIM_PIN_OP_WARN_LIMIT, 0, SIM_PIN, SIM_DIRECT, NO_POWER_LIMIT),
    SIM_ROW_READ(SIM_READ_TEMPERATURE_1, 0, SIM_TEMP_1, SIM_DIRECT),
    SIM_ROW_READ(SIM_READ_PIN, 0, SIM_PIN, SIM_DIRECT),
    SIM_ROW_PEAK(PEAK_TEMPERATURE, SIM_RW, SIM_TEMP_1, SIM_DIRECT, 0),
    SIM_ROW_PEAK(PEAK_PIN, SIM_RW, SIM_PIN, SIM_DIRECT, 0),
    SIM_ROW_REGISTER(PMON_CONTROL, SIM_AS_BYTE, 0x01),
    SIM_ROW_REGISTER(PMON_CONFIG, SIM_AS_WORD, 0x3F35),
    SIM_ROW_REGISTER(DEVICE_CONFIG, SIM_AS_WORD, 0x0000),
    SIM_ROW_REGISTER(RESTART_TIME, SIM_AS_BYTE, 0x64),
    SIM_ROW_MFR(SIM_READ_EIN, SIM_AS_BLOCK, SIM_R),
    SIM_ROW_MFR(READ_PIN_EXT, SIM_AS_BLOCK, SIM_R),
    SIM_ROW_MFR(READ_EIN_EXT, SIM_AS_BLOCK, SIM_R)};

/* All comparisons are strict (ADM1275, p. 32). The trip is set by resistors: no limit register. */
static const sim_limit_t limits[] = {
    SIM_OVER(0, 0, SIM_IOUT, SIM_IN_IOUT, SIM_STATUS_IOUT_OC_FAULT),
    SIM_OVER_WARN(SIM_IOUT_OC_WARN_LIMIT, SIM_IOUT, SIM_IN_IOUT, SIM_STATUS_IOUT_OC_WARN),
    SIM_OVER_WARN(SIM_VOUT_OV_WARN_LIMIT, SIM_VOUT, SIM_IN_VOUT, SIM_STATUS_OVER_WARN),
    SIM_UNDER_WARN(SIM_VOUT_UV_WARN_LIMIT, SIM_VOUT, SIM_IN_VOUT, SIM_STATUS_UNDER_WARN, false),
    SIM_OVER_WARN(SIM_VIN_OV_WARN_LIMIT, SIM_VIN, SIM_IN_INPUT, SIM_STATUS_OVER_WARN),
    SIM_UNDER_WARN(SIM_VIN_UV_WARN_LIMIT, SIM_VIN, SIM_IN_INPUT, SIM_STATUS_UNDER_WARN, false),
    SIM_OVER(SIM_OT_FAULT_LIMIT, 0, SIM_TEMP_1, SIM_IN_TEMPERATURE, SIM_STATUS_OVER_FAULT),
    SIM_OVER_WARN(SIM_OT_WARN_LIMIT, SIM_TEMP_1, SIM_IN_TEMPERATURE, SIM_STATUS_OVER_WARN),
    SIM_OVER_WARN(SIM_PIN_OP_WARN_LIMIT, SIM_PIN, SIM_IN_INPUT, SIM_STATUS_PIN_OP_WARN)};

static bool is_adm1272(const sim_pmbus_part_t *part) {
    return part->model == &sim_model_adm1272;
}

/* Current and power of a shunt of 1 mOhm, times the real one; voltage by VRANGE, current by
   IRANGE. */
static sim_coefficients_t coefficients(const sim_pmbus_part_t *part, uint8_t quantity) {
    unsigned config = sim_pmbus_word(part, 0, PMON_CONFIG);
    bool is_high = (config & VRANGE) != 0;
    double shunt = part->shunt_mohm;
    if (!is_adm1272(part)) {
        if (quantity == SIM_IOUT) {
            return (sim_coefficients_t){807.0 * shunt, 20475.0, -1};
        }
        return is_high ? (sim_coefficients_t){19199.0, 0.0, -2}
                       : (sim_coefficients_t){6720.0, 0.0, -1};
    }
    bool is_30mv = (config & ADM1272_IRANGE_30MV) != 0;
    if (quantity == SIM_IOUT) {
        return (sim_coefficients_t){(is_30mv ? 663.0 : 1326.0) * shunt, 20480.0, -1};
    }
    if (quantity == SIM_TEMP_1) {
        return (sim_coefficients_t){42.0, 31871.0, -1};
    }
    if (quantity == SIM_PIN && is_30mv) {
        return (sim_coefficients_t){(is_high ? 10535.0 : 17561.0) * shunt, 0.0, -3};
    }
    if (quantity == SIM_PIN) {
        return is_high ? (sim_coefficients_t){21071.0 * shunt, 0.0, -3}
                       : (sim_coefficients_t){3512.0 * shunt, 0.0, -2};
    }
    return (sim_coefficients_t){is_high ? 4062.0 : 6770.0, 0.0, -2};
}

/* Samples averaged: 2 to the power of three bits of PMON_CONFIG. */
static unsigned averaged(const sim_pmbus_part_t *part) {
    unsigned config = sim_pmbus_word(part, 0, PMON_CONFIG);
    return is_adm1272(part) ? config >> 8 & 7u : config & 7u;
}

/* Which channels the monitor samples, as bits by quantity. */
static unsigned sampled(const sim_pmbus_part_t *part) {
    unsigned config = sim_pmbus_word(part, 0, PMON_CONFIG);
    unsigned always = 1u << SIM_IOUT | 1u << SIM_IIN;
    if (!is_adm1272(part)) {
        return always | 1u << ((config & ADM1275_SAMPLES_VOUT) != 0 ? SIM_VOUT : SIM_VIN);
    }
    always |= (config & ADM1272_TEMP) != 0 ? 1u << SIM_TEMP_1 : 0u;
    always |= (config & ADM1272_VIN) != 0 ? 1u << SIM_VIN : 0u;
    return always | ((config & ADM1272_VOUT) != 0 ? 1u << SIM_VOUT : 0u);
}

static bool is_continuous(const sim_pmbus_part_t *part) {
    unsigned bit = is_adm1272(part) ? ADM1272_CONTINUOUS : ADM1275_CONTINUOUS;
    return (sim_pmbus_word(part, 0, PMON_CONFIG) & bit) != 0;
}

static void power_up(sim_pmbus_part_t *part) {
    part->energy_count = 0.0;
    part->sample_count = 0;
    part->sample_ns = 0;
    part->window_ns = SAMPLE_NS; /* readings are what the monitor left, 0 until then */
    part->registers[0].has_reading = true;
    part->registers[0].is_frozen = true;
}

/* READ_PIN counts, 24 bits with 8 below the word; the sum rolls over at 23 bits: ADM1276, p. 40. */
static double pin_ext(sim_pmbus_part_t *part) {
    sim_coefficients_t pin = coefficients(part, SIM_PIN);
    double power_w = sim_pmbus_reading(part, 0, SIM_PIN);
    return floor(pin.m * power_w * pow(10.0, pin.exponent) * 256.0);
}

static void finish_sample(sim_pmbus_part_t *part) {
    sim_pmbus_page_t *page = &part->registers[0];
    unsigned channels = sampled(part);
    for (uint8_t quantity = 0; quantity < SIM_MEASURED; quantity++) {
        bool is_sampled = (channels & 1u << quantity) != 0;
        page->reading[quantity] =
            is_sampled ? page->sum[quantity] / (double)page->span_ns : page->reading[quantity];
        page->sum[quantity] = 0.0;
    }
    page->span_ns = 0;
    page->sampled |= (uint8_t)channels;
    sim_pmbus_keep_peaks(part, 0);
    if (!is_continuous(part)) { /* CONVERT clears itself after one cycle */
        sim_pmbus_set_word(part, 0, PMON_CONTROL, 0);
    }
}

static void advance(sim_pmbus_part_t *part, int64_t step_ns) {
    sim_pmbus_page_t *page = &part->registers[0];
    if ((sim_pmbus_word(part, 0, PMON_CONTROL) & CONVERT) == 0) {
        return;
    }
    for (uint8_t quantity = 0; quantity < SIM_MEASURED; quantity++) {
        page->sum[quantity] += sim_pmbus_truth(part, 0, quantity) * (double)step_ns;
    }
    page->span_ns += step_ns;
    part->sample_ns += step_ns;
    int64_t samples = part->sample_ns / SAMPLE_NS;
    part->sample_ns -= samples * SAMPLE_NS;
    part->sample_count += (uint64_t)samples;
    part->energy_count += pin_ext(part) * (double)samples;
    if (page->span_ns >= (int64_t)SAMPLE_NS << averaged(part)) {
        finish_sample(part);
    }
}

static size_t put(uint8_t *data, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; i++) {
        data[i] = (uint8_t)(value >> 8u * i & 0xFFu);
    }
    return size;
}

/* READ_EIN: 15 bits of energy, 8 of roll-over, 24 of samples. READ_EIN_EXT: 23, 16 and 24. */
static size_t read_mfr(sim_pmbus_part_t *part, const sim_command_t *command, uint8_t *data) {
    if (command->code == READ_PIN_EXT) {
        return put(data, (uint64_t)fmax(0.0, pin_ext(part)), 3);
    }
    uint64_t energy = (uint64_t)part->energy_count;
    uint64_t count = energy & 0x7FFFFFu;
    uint64_t rolls = energy >> 23;
    size_t size = 0;
    if (command->code == SIM_READ_EIN) {
        size = put(data, count >> 8, 2);
        size += put(&data[size], rolls & 0xFFu, 1);
    } else {
        size = put(data, count, 3);
        size += put(&data[size], rolls & 0xFFFFu, 2);
    }
    return size + put(&data[size], part->sample_count & 0xFFFFFFu, 3);
}

/* POWER_CYCLE: off now, on again by itself. RESTART_TIME is in 0.1 s, 0x64 for 10.1 s. */
static ns_status_t write_mfr(sim_pmbus_part_t *part, const sim_command_t *command,
                             const uint8_t *data, size_t size) {
    (void)command;
    (void)data;
    (void)size;
    sim_pmbus_page_t *page = &part->registers[0];
    int64_t tenths = sim_pmbus_word(part, 0, RESTART_TIME) + 1;
    page->is_tripped = true;
    page->is_held = false;
    page->retries_left = 1;
    page->retry_ns = is_adm1272(part) ? tenths * 100000000 : ADM1275_OFF_NS;
    sim_pmbus_drive(part, 0);
    return NS_OK;
}

static bool allows(const sim_pmbus_part_t *part, const sim_command_t *command) {
    return command->code != SIM_OPERATION || is_adm1272(part) ||
           (sim_pmbus_word(part, 0, DEVICE_CONFIG) & OPERATION_ENABLE) != 0;
}

/* A new range means new numbers for the same words. */
static void wrote(sim_pmbus_part_t *part, const sim_command_t *command) {
    if (command->code == PMON_CONFIG) {
        sim_pmbus_learn_limits(part, 0);
    }
}

const sim_pmbus_model_t sim_model_adm1275 = {.name = "adm1275",
                                             .commands = adm1275_commands,
                                             .command_count = SIM_COUNT(adm1275_commands),
                                             .limits = limits,
                                             .limit_count = SIM_COUNT(limits),
                                             .page_count = 1,
                                             .habits = SIM_IIN_IS_IOUT | SIM_DIRECT_12_BITS,
                                             .retry_delay_us = 500000, /* assumed */
                                             .text = {"ADI", "ADM1275-1", "1"},
                                             .coefficients = coefficients,
                                             .power_up = power_up,
                                             .advance = advance,
                                             .write = write_mfr,
                                             .allows = allows,
                                             .wrote = wrote};

const sim_pmbus_model_t sim_model_adm1272 = {.name = "adm1272",
                                             .commands = adm1272_commands,
                                             .command_count = SIM_COUNT(adm1272_commands),
                                             .limits = limits,
                                             .limit_count = SIM_COUNT(limits),
                                             .page_count = 1,
                                             .habits = SIM_IIN_IS_IOUT | SIM_DIRECT_12_BITS |
                                                       SIM_POWER_15_BITS,
                                             .retry_delay_us = 500000,          /* assumed */
                                             .text = {"ADI", "ADM1272-1", "1"}, /* unverified */
                                             .coefficients = coefficients,
                                             .power_up = power_up,
                                             .advance = advance,
                                             .read = read_mfr,
                                             .write = write_mfr,
                                             .wrote = wrote};
