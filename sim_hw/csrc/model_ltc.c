/**
 * @file model_ltc.c
 * @brief Power system manager LTC2978 (eight channels) and regulator LTC3887 (two channels).
 *
 * Sources: LTC2978A data sheet 2978afa, p. 24 .. 56, summary table p. 25 .. 28; LTC3880 data sheet
 * 3880fc, p. 34, 37, 63, 66, 71, 92, 95, 102, whose command set the LTC3887 shares. MFR_COMMON of
 * the LTC2978 has no busy bits: 7:2 always read 0 (p. 54). Unverified: MFR_COMMON bits 7 .. 3 of
 * the LTC3887 (Linux hwmon driver notes), length of its busy and pending times, MFR_SPECIAL_ID of
 * the LTC3887, responses after power-up, layout inside the fault logs.
 */
#include <string.h>

#include "pmbus_part.h"
#include "pmbus_rows.h"

#define MFR_IOUT_PEAK 0xD7
#define MFR_RETRY_DELAY 0xDB
#define MFR_VOUT_PEAK 0xDD
#define MFR_VIN_PEAK 0xDE
#define MFR_TEMP_1_PEAK 0xDF
#define MFR_CLEAR_PEAKS 0xE3 /* LTC3887; the watchdog interval of the LTC2978 */
#define MFR_PADS 0xE5
#define MFR_SPECIAL_ID 0xE7
#define MFR_FAULT_LOG_STORE 0xEA
#define MFR_FAULT_LOG_RESTORE 0xEB
#define MFR_FAULT_LOG_CLEAR 0xEC
#define MFR_FAULT_LOG_STATUS 0xED
#define MFR_FAULT_LOG 0xEE
#define MFR_COMMON 0xEF
#define MFR_TEMP_2_PEAK 0xF4
#define MFR_VOUT_MIN 0xFB
#define MFR_VIN_MIN 0xFC
#define MFR_TEMP_MIN 0xFD /* LTC2978; MFR_RESET of the LTC3887 */

#define LATCH_OFF 0x80u
#define LTC2978_LOG_BYTES 255u /* 0xFF, then 255 bytes: p. 28 */
#define LTC3887_LOG_BYTES 147u /* p. 102 */
#define LOG_PRESENT 0x08u      /* LTC3887, STATUS_MFR_SPECIFIC bit 3 */
#define NS_PER_US 1000
#define NS_PER_MS 1000000
#define PENDING_US 10000 /* assumed: calculations after a write */
#define PAGED SIM_PAGED

/* MFR_COMMON of the LTC3887. */
enum {
    COMMON_ALERT_HIGH = 0x80,
    COMMON_NOT_BUSY = 0x40,
    COMMON_NOT_PENDING = 0x20,
    COMMON_NOT_IN_TRANSITION = 0x10,
    COMMON_MEMORY_READY = 0x08
};

#define CONTROL_ROWS                                                                               \
    SIM_ROW_PAGE, SIM_ROW_OPERATION, SIM_ROW_CLEAR_FAULTS, SIM_ROW_WRITE_PROTECT(0x00)

#define VOUT_ROWS(ov, ov_warn, uv_warn, uv)                                                        \
    SIM_ROW_LIMIT(SIM_VOUT_OV_FAULT_LIMIT, PAGED, SIM_VOUT, SIM_LINEAR16, ov),                     \
        SIM_ROW_LIMIT(SIM_VOUT_OV_WARN_LIMIT, PAGED, SIM_VOUT, SIM_LINEAR16, ov_warn),             \
        SIM_ROW_LIMIT(SIM_VOUT_UV_WARN_LIMIT, PAGED, SIM_VOUT, SIM_LINEAR16, uv_warn),             \
        SIM_ROW_LIMIT(SIM_VOUT_UV_FAULT_LIMIT, PAGED, SIM_VOUT, SIM_LINEAR16, uv),                 \
        SIM_ROW_RESPONSE(SIM_VOUT_OV_FAULT_RESPONSE, PAGED, LATCH_OFF),                            \
        SIM_ROW_RESPONSE(SIM_VOUT_UV_FAULT_RESPONSE, PAGED, LATCH_OFF),                            \
        SIM_ROW_READ(SIM_READ_VOUT, PAGED, SIM_VOUT, SIM_LINEAR16)

#define VIN_ROWS                                                                                   \
    SIM_ROW_LIMIT(SIM_VIN_OV_FAULT_LIMIT, 0, SIM_VIN, SIM_LINEAR11, 0xD3C0), /* 15 V */            \
        SIM_ROW_LIMIT(SIM_VIN_UV_WARN_LIMIT, 0, SIM_VIN, SIM_LINEAR11, 0x8000),                    \
        SIM_ROW_RESPONSE(SIM_VIN_OV_FAULT_RESPONSE, 0, LATCH_OFF),                                 \
        SIM_ROW_READ(SIM_READ_VIN, 0, SIM_VIN, SIM_LINEAR11)

static const sim_command_t ltc2978_commands[] = {
    CONTROL_ROWS,
    SIM_ROW_CONSTANT(SIM_CAPABILITY, 0xE0),
    SIM_ROW_CONSTANT(SIM_PMBUS_REVISION, 0x11),
    SIM_ROW_VOUT_MODE(0x13),
    {SIM_ON_OFF_CONFIG, SIM_AS_BYTE, SIM_RW | SIM_PAGED, SIM_DO_REGISTER, 0, SIM_RAW, 0x12},
    {SIM_VOUT_COMMAND, SIM_AS_WORD, SIM_RW | SIM_PAGED, SIM_DO_REGISTER, 0, SIM_LINEAR16, 0x2000},
    VOUT_ROWS(0x2333, 0x2266, 0x1D9A, 0x1CCD), /* 1.1, 1.075, 0.925, 0.9 V */
    VIN_ROWS,
    SIM_ROW_LIMIT(SIM_OT_FAULT_LIMIT, 0, SIM_TEMP_1, SIM_LINEAR11, 0xEB48), /* 105 degC */
    SIM_ROW_RESPONSE(SIM_OT_FAULT_RESPONSE, 0, LATCH_OFF),
    SIM_ROW_READ(SIM_READ_TEMPERATURE_1, 0, SIM_TEMP_1, SIM_LINEAR11),
    SIM_ROW_STATUS_BYTE,
    SIM_ROW_STATUS_WORD,
    SIM_ROW_STATUS(SIM_STATUS_VOUT, SIM_R | SIM_PAGED, SIM_IN_VOUT),
    SIM_ROW_STATUS(SIM_STATUS_INPUT, SIM_R, SIM_IN_INPUT),
    SIM_ROW_STATUS(SIM_STATUS_TEMPERATURE, SIM_R, SIM_IN_TEMPERATURE),
    SIM_ROW_STATUS(SIM_STATUS_CML, SIM_R, SIM_IN_CML),
    SIM_ROW_STATUS(SIM_STATUS_MFR_SPECIFIC, SIM_R | SIM_PAGED, SIM_IN_MFR),
    {MFR_RETRY_DELAY, SIM_AS_WORD, SIM_RW, SIM_DO_REGISTER, 0, SIM_LINEAR11, 0xF320}, /* 200 ms */
    SIM_ROW_PEAK(MFR_VOUT_PEAK, SIM_R | SIM_PAGED, SIM_VOUT, SIM_LINEAR16, 0x0000),
    SIM_ROW_PEAK(MFR_VIN_PEAK, SIM_R, SIM_VIN, SIM_LINEAR11, 0x7C00),
    SIM_ROW_PEAK(MFR_TEMP_1_PEAK, SIM_R, SIM_TEMP_1, SIM_LINEAR11, 0x7C00),
    SIM_ROW_LOW(MFR_VOUT_MIN, SIM_R | SIM_PAGED, SIM_VOUT, SIM_LINEAR16, 0xFFFF),
    SIM_ROW_LOW(MFR_VIN_MIN, SIM_R, SIM_VIN, SIM_LINEAR11, 0x7BFF),
    SIM_ROW_LOW(MFR_TEMP_MIN, SIM_R, SIM_TEMP_1, SIM_LINEAR11, 0x7BFF),
    {MFR_SPECIAL_ID, SIM_AS_WORD, SIM_R, SIM_DO_REGISTER, 0, SIM_RAW, 0x0124},
    SIM_ROW_MFR(MFR_FAULT_LOG_STORE, SIM_AS_SEND, SIM_W),
    SIM_ROW_MFR(MFR_FAULT_LOG_RESTORE, SIM_AS_SEND, SIM_W),
    SIM_ROW_MFR(MFR_FAULT_LOG_CLEAR, SIM_AS_SEND, SIM_W),
    SIM_ROW_MFR(MFR_FAULT_LOG_STATUS, SIM_AS_BYTE, SIM_R),
    SIM_ROW_MFR(MFR_FAULT_LOG, SIM_AS_BLOCK, SIM_R),
    SIM_ROW_MFR(MFR_COMMON, SIM_AS_BYTE, SIM_R)};

static const sim_command_t ltc3887_commands[] = {
    CONTROL_ROWS,
    SIM_ROW_CONSTANT(SIM_CAPABILITY, 0xB0),
    SIM_ROW_CONSTANT(SIM_PMBUS_REVISION, 0x22),
    SIM_ROW_VOUT_MODE(0x14),
    {SIM_ON_OFF_CONFIG, SIM_AS_BYTE, SIM_RW | SIM_PAGED, SIM_DO_REGISTER, 0, SIM_RAW, 0x1E},
    {SIM_VOUT_COMMAND, SIM_AS_WORD, SIM_RW | SIM_PAGED, SIM_DO_REGISTER, 0, SIM_LINEAR16, 0x1000},
    VOUT_ROWS(0x119A, 0x1133, 0x0ECD, 0x0E66), /* p. 71 */
    VIN_ROWS,
    SIM_ROW_LIMIT(SIM_IOUT_OC_FAULT_LIMIT, PAGED, SIM_IOUT, SIM_LINEAR11, 0xDBB8), /* 29.75 A */
    SIM_ROW_LIMIT(SIM_IOUT_OC_WARN_LIMIT, PAGED, SIM_IOUT, SIM_LINEAR11, 0xDA80),  /* 20 A */
    SIM_ROW_RESPONSE(SIM_IOUT_OC_FAULT_RESPONSE, PAGED, 0x00),
    SIM_ROW_LIMIT(SIM_OT_FAULT_LIMIT, PAGED, SIM_TEMP_1, SIM_LINEAR11, 0xEB20), /* 100 degC */
    SIM_ROW_LIMIT(SIM_OT_WARN_LIMIT, PAGED, SIM_TEMP_1, SIM_LINEAR11, 0xEAA8),  /* 85 degC */
    SIM_ROW_RESPONSE(SIM_OT_FAULT_RESPONSE, PAGED, 0xB8),
    SIM_ROW_READ(SIM_READ_IIN, 0, SIM_IIN, SIM_LINEAR11),
    SIM_ROW_READ(SIM_READ_IOUT, PAGED, SIM_IOUT, SIM_LINEAR11),
    SIM_ROW_READ(SIM_READ_TEMPERATURE_1, PAGED, SIM_TEMP_1, SIM_LINEAR11),
    SIM_ROW_READ(SIM_READ_TEMPERATURE_2, 0, SIM_TEMP_2, SIM_LINEAR11),
    SIM_ROW_READ(SIM_READ_POUT, PAGED, SIM_POUT, SIM_LINEAR11),
    SIM_ROW_STATUS_BYTE,
    SIM_ROW_STATUS_WORD,
    SIM_ROW_STATUS(SIM_STATUS_VOUT, SIM_RW | SIM_PAGED, SIM_IN_VOUT),
    SIM_ROW_STATUS(SIM_STATUS_IOUT, SIM_RW | SIM_PAGED, SIM_IN_IOUT),
    SIM_ROW_STATUS(SIM_STATUS_INPUT, SIM_RW, SIM_IN_INPUT),
    SIM_ROW_STATUS(SIM_STATUS_TEMPERATURE, SIM_RW | SIM_PAGED, SIM_IN_TEMPERATURE),
    SIM_ROW_STATUS(SIM_STATUS_CML, SIM_RW, SIM_IN_CML),
    SIM_ROW_STATUS(SIM_STATUS_MFR_SPECIFIC, SIM_RW | SIM_PAGED, SIM_IN_MFR),
    {MFR_RETRY_DELAY, SIM_AS_WORD, SIM_RW, SIM_DO_REGISTER, 0, SIM_LINEAR11, 0xFABC},
    SIM_ROW_PEAK(MFR_IOUT_PEAK, SIM_R | SIM_PAGED, SIM_IOUT, SIM_LINEAR11, 0x7C00),
    SIM_ROW_PEAK(MFR_VOUT_PEAK, SIM_R | SIM_PAGED, SIM_VOUT, SIM_LINEAR16, 0x0000),
    SIM_ROW_PEAK(MFR_VIN_PEAK, SIM_R, SIM_VIN, SIM_LINEAR11, 0x7C00),
    SIM_ROW_PEAK(MFR_TEMP_1_PEAK, SIM_R | SIM_PAGED, SIM_TEMP_1, SIM_LINEAR11, 0x7C00),
    SIM_ROW_PEAK(MFR_TEMP_2_PEAK, SIM_R, SIM_TEMP_2, SIM_LINEAR11, 0x7C00),
    {MFR_CLEAR_PEAKS, SIM_AS_SEND, SIM_W | SIM_MOSTLY_OPEN, SIM_DO_MFR, 0, SIM_RAW, 0},
    {MFR_PADS, SIM_AS_WORD, SIM_R, SIM_DO_REGISTER, 0, SIM_RAW, 0x0000},
    {MFR_SPECIAL_ID, SIM_AS_WORD, SIM_R, SIM_DO_REGISTER, 0, SIM_RAW, 0x4700},
    SIM_ROW_MFR(MFR_FAULT_LOG_STORE, SIM_AS_SEND, SIM_W),
    SIM_ROW_MFR(MFR_FAULT_LOG_CLEAR, SIM_AS_SEND, SIM_W),
    SIM_ROW_MFR(MFR_FAULT_LOG, SIM_AS_BLOCK, SIM_R),
    SIM_ROW_MFR(MFR_COMMON, SIM_AS_BYTE, SIM_R | SIM_OPEN_WHEN_BUSY)};

static const sim_limit_t limits[] = {
    SIM_OVER(SIM_VOUT_OV_FAULT_LIMIT, SIM_VOUT_OV_FAULT_RESPONSE, SIM_VOUT, SIM_IN_VOUT,
             SIM_STATUS_OVER_FAULT),
    SIM_OVER_WARN(SIM_VOUT_OV_WARN_LIMIT, SIM_VOUT, SIM_IN_VOUT, SIM_STATUS_OVER_WARN),
    SIM_UNDER_WARN(SIM_VOUT_UV_WARN_LIMIT, SIM_VOUT, SIM_IN_VOUT, SIM_STATUS_UNDER_WARN, true),
    SIM_UNDER(SIM_VOUT_UV_FAULT_LIMIT, SIM_VOUT_UV_FAULT_RESPONSE, SIM_VOUT, SIM_IN_VOUT,
              SIM_STATUS_UNDER_FAULT, true),
    SIM_OVER(SIM_VIN_OV_FAULT_LIMIT, SIM_VIN_OV_FAULT_RESPONSE, SIM_VIN, SIM_IN_INPUT,
             SIM_STATUS_OVER_FAULT),
    SIM_UNDER_WARN(SIM_VIN_UV_WARN_LIMIT, SIM_VIN, SIM_IN_INPUT, SIM_STATUS_UNDER_WARN, false),
    SIM_OVER(SIM_OT_FAULT_LIMIT, SIM_OT_FAULT_RESPONSE, SIM_TEMP_1, SIM_IN_TEMPERATURE,
             SIM_STATUS_OVER_FAULT),
    SIM_OVER_WARN(SIM_OT_WARN_LIMIT, SIM_TEMP_1, SIM_IN_TEMPERATURE, SIM_STATUS_OVER_WARN),
    SIM_OVER(SIM_IOUT_OC_FAULT_LIMIT, SIM_IOUT_OC_FAULT_RESPONSE, SIM_IOUT, SIM_IN_IOUT,
             SIM_STATUS_IOUT_OC_FAULT),
    SIM_OVER_WARN(SIM_IOUT_OC_WARN_LIMIT, SIM_IOUT, SIM_IN_IOUT, SIM_STATUS_IOUT_OC_WARN)};

static bool is_ltc2978(const sim_pmbus_part_t *part) {
    return part->model == &sim_model_ltc2978;
}

/* ---- fault log: written once at the first fault, kept without supply, until it is cleared ---- */

static void write_log(sim_pmbus_part_t *part, uint8_t page) {
    if (part->has_memory) {
        return;
    }
    memset(part->memory, 0, sizeof(part->memory));
    part->memory[0] = page; /* the channel that tripped; the layout is ours, see above */
    for (uint8_t i = 0; i < part->page_count; i++) {
        uint16_t status = sim_pmbus_status_word(part, i);
        uint16_t vout =
            sim_linear16_from(sim_pmbus_truth(part, i, SIM_VOUT), part->registers[i].vout_mode);
        uint8_t *entry = &part->memory[1u + 4u * i];
        entry[0] = (uint8_t)(status & 0xFFu);
        entry[1] = (uint8_t)(status >> 8);
        entry[2] = (uint8_t)(vout & 0xFFu);
        entry[3] = (uint8_t)(vout >> 8);
    }
    part->memory_size = (uint8_t)(is_ltc2978(part) ? LTC2978_LOG_BYTES : LTC3887_LOG_BYTES);
    part->has_memory = true;
    if (!is_ltc2978(part)) {
        sim_pmbus_latch(part, page, SIM_IN_MFR, LOG_PRESENT);
    }
}

static void faulted(sim_pmbus_part_t *part, uint8_t page, const sim_limit_t *limit) {
    (void)limit;
    bool is_new = !part->has_memory;
    write_log(part, page);
    if (is_new) { /* p. 24, internal fault log: 10 ms without an answer */
        part->busy_until_ns = part->now_ns + 10 * (int64_t)NS_PER_MS;
    }
}

/* ---- manufacturer commands ---- */

static uint8_t common(const sim_pmbus_part_t *part) {
    if (is_ltc2978(part)) {
        return 0; /* share clock active, write protect pin low, 7:2 always 0 */
    }
    unsigned bits = COMMON_NOT_IN_TRANSITION | COMMON_MEMORY_READY;
    bits |= part->is_alerting ? 0u : COMMON_ALERT_HIGH;
    bits |= part->now_ns >= part->busy_until_ns ? COMMON_NOT_BUSY : 0u;
    bits |= part->now_ns >= part->pending_until_ns ? COMMON_NOT_PENDING : 0u;
    return (uint8_t)bits;
}

static size_t read_mfr(sim_pmbus_part_t *part, const sim_command_t *command, uint8_t *data) {
    if (command->code == MFR_COMMON) {
        data[0] = common(part);
        return 1;
    }
    if (command->code == MFR_FAULT_LOG_STATUS) {
        data[0] = part->has_memory ? 0x01u : 0x00u;
        return 1;
    }
    size_t size = part->has_memory ? part->memory_size : 0; /* 3880fc p. 102: length 0 if none */
    if (!part->has_memory && is_ltc2978(part)) {
        size = LTC2978_LOG_BYTES; /* always 255: an erased log reads 0xFF (unverified) */
        memset(data, 0xFF, size);
        return size;
    }
    memcpy(data, part->memory, size);
    return size;
}

static void forget_log(sim_pmbus_part_t *part) {
    part->has_memory = false;
    part->memory_size = 0;
    for (uint8_t page = 0; page < part->page_count; page++) {
        part->registers[page].status[SIM_IN_MFR] &= (uint8_t)~LOG_PRESENT;
    }
}

/* Times of p. 24: after these the part answers nothing until it is done. */
static ns_status_t write_mfr(sim_pmbus_part_t *part, const sim_command_t *command,
                             const uint8_t *data, size_t size) {
    (void)data;
    (void)size;
    int64_t busy_ms = 0;
    if (command->code == MFR_CLEAR_PEAKS) {
        for (uint8_t page = 0; page < part->page_count; page++) {
            sim_pmbus_forget_peaks(part, page);
        }
    } else if (command->code == MFR_FAULT_LOG_STORE) {
        write_log(part, 0);
        busy_ms = 20;
    } else if (command->code == MFR_FAULT_LOG_CLEAR) {
        forget_log(part);
        busy_ms = 175;
    } else {
        busy_ms = 2; /* MFR_FAULT_LOG_RESTORE */
    }
    part->busy_until_ns = part->now_ns + busy_ms * NS_PER_MS;
    part->is_busy_set = busy_ms > 0;
    return NS_OK;
}

/* The log is there after a power cycle, and the LTC3887 says so. */
static void power_up(sim_pmbus_part_t *part) {
    if (part->has_memory && !is_ltc2978(part)) {
        sim_pmbus_latch(part, 0, SIM_IN_MFR, LOG_PRESENT);
    }
}

/* The fault log bit alone stays: only MFR_FAULT_LOG_CLEAR takes it (3880fc p. 95). */
static void wrote(sim_pmbus_part_t *part, const sim_command_t *command) {
    bool is_clear = command->action == SIM_DO_CLEAR_FAULTS || command->action == SIM_DO_STATUS;
    if (is_clear && part->has_memory && !is_ltc2978(part)) {
        part->registers[0].status[SIM_IN_MFR] |= LOG_PRESENT;
    }
    if (command->code == MFR_RETRY_DELAY) {
        double delay_ms = sim_linear11_value(sim_pmbus_word(part, 0, MFR_RETRY_DELAY));
        part->retry_delay_us = delay_ms > 0.0 ? (uint32_t)(delay_ms * 1000.0) : 0;
    }
    bool is_number = command->action == SIM_DO_LIMIT || command->code == SIM_VOUT_COMMAND;
    if (is_number && !is_ltc2978(part)) {
        part->pending_until_ns = part->now_ns + PENDING_US * (int64_t)NS_PER_US;
    }
}

/* LTC2978A p. 30: PAGE 0xFF is for OPERATION and ON_OFF_CONFIG alone. */
static bool allows(const sim_pmbus_part_t *part, const sim_command_t *command) {
    bool is_for_all = (command->traits & SIM_PAGED) == 0 || command->code == SIM_OPERATION ||
                      command->code == SIM_ON_OFF_CONFIG;
    return part->page != SIM_ALL_PAGES || is_for_all;
}

const sim_pmbus_model_t sim_model_ltc2978 = {
    .name = "ltc2978",
    .commands = ltc2978_commands,
    .command_count = SIM_COUNT(ltc2978_commands),
    .limits = limits,
    .limit_count = SIM_COUNT(limits),
    .page_count = 8,
    .write_protect = 0xC0,
    .habits = SIM_ALL_PAGES_WRITES | SIM_CLEAR_WIPES_PEAKS | SIM_HAS_PEAKS | SIM_RETRY_IS_FOR_EVER,
    .window_us = 160000, /* one round of the converter over all channels: unverified */
    .retry_delay_us = 200000,
    .text = {"LTC", "LTC2978", ""},
    .power_up = power_up,
    .read = read_mfr,
    .write = write_mfr,
    .allows = allows,
    .wrote = wrote,
    .faulted = faulted};

const sim_pmbus_model_t sim_model_ltc3887 = {
    .name = "ltc3887",
    .commands = ltc3887_commands,
    .command_count = SIM_COUNT(ltc3887_commands),
    .limits = limits,
    .limit_count = SIM_COUNT(limits),
    .page_count = 2,
    .write_protect = 0xE0,
    .habits = SIM_ALL_PAGES_WRITES | SIM_ALL_PAGES_READS_0 | SIM_CLEAR_WIPES_PEAKS | SIM_HAS_PEAKS |
              SIM_RETRY_IS_FOR_EVER | SIM_BUSY_IS_STATUS,
    .window_us = 100000, /* unverified */
    .busy_us = 500,      /* assumed */
    .retry_delay_us = 350000,
    .text = {"LTC", "LTC3887", ""},
    .power_up = power_up,
    .read = read_mfr,
    .write = write_mfr,
    .wrote = wrote,
    .faulted = faulted};
