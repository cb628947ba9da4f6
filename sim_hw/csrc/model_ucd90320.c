/**
 * @file model_ucd90320.c
 * @brief Sequencer UCD90320 (Texas Instruments), of the UCD90xxx family: 32 rails.
 *
 * Sources: UCD90320 PMBus command reference SLVUAW9C, section 2 (formats), table 44 (LOGGED_FAULTS:
 * 37 bytes, non-paged, four of GPI, then one a page); openbmc#1722: zeros written to LOGGED_FAULTS
 * clear it, CLEAR_FAULTS does not. Unverified: the bits inside a fault byte, MFR_STATUS, DEVICE_ID.
 */
#include <string.h>

#include "pmbus_part.h"
#include "pmbus_rows.h"

#define LOGGED_FAULTS 0xEA
#define MFR_STATUS 0xF3
#define DEVICE_ID 0xFD
#define LOG_BYTES 37u
#define LOG_PAGE_0 5u
#define LATCH_OFF 0x80u
#define PAGED SIM_PAGED
#define STATUS_LOG_NOT_EMPTY 0x01u /* unverified */

/* Bits of a page's byte: unverified. */
enum { LOG_VOUT_OV = 0x01, LOG_VOUT_UV = 0x02, LOG_IOUT_OC = 0x08, LOG_TEMP = 0x20 };

static const char device_id[] = "UCD90320|4.0.0.1|0000";

static const sim_command_t commands[] = {
    SIM_ROW_PAGE,
    SIM_ROW_OPERATION,
    SIM_ROW_CLEAR_FAULTS,
    SIM_ROW_CONSTANT(SIM_CAPABILITY, 0xB0),
    SIM_ROW_CONSTANT(SIM_PMBUS_REVISION, 0x11),
    SIM_ROW_VOUT_MODE(0x13),
    SIM_ROW_STATUS_BYTE,
    SIM_ROW_STATUS_WORD,
    SIM_ROW_STATUS(SIM_STATUS_VOUT, SIM_R | SIM_PAGED, SIM_IN_VOUT),
    SIM_ROW_STATUS(SIM_STATUS_IOUT, SIM_R | SIM_PAGED, SIM_IN_IOUT),
    SIM_ROW_STATUS(SIM_STATUS_TEMPERATURE, SIM_R | SIM_PAGED, SIM_IN_TEMPERATURE),
    SIM_ROW_STATUS(SIM_STATUS_CML, SIM_R, SIM_IN_CML),
    SIM_ROW_STATUS(SIM_STATUS_MFR_SPECIFIC, SIM_R, SIM_IN_MFR),
    SIM_ROW_TEXTS,
    SIM_ROW_LIMIT(SIM_VOUT_OV_FAULT_LIMIT, PAGED, SIM_VOUT, SIM_LINEAR16, 0xFFFF),
    SIM_ROW_LIMIT(SIM_VOUT_OV_WARN_LIMIT, PAGED, SIM_VOUT, SIM_LINEAR16, 0xFFFF),
    SIM_ROW_LIMIT(SIM_VOUT_UV_WARN_LIMIT, PAGED, SIM_VOUT, SIM_LINEAR16, 0),
    SIM_ROW_LIMIT(SIM_VOUT_UV_FAULT_LIMIT, PAGED, SIM_VOUT, SIM_LINEAR16, 0),
    SIM_ROW_LIMIT(SIM_IOUT_OC_FAULT_LIMIT, PAGED, SIM_IOUT, SIM_LINEAR11, 0x7BFF),
    SIM_ROW_LIMIT(SIM_OT_FAULT_LIMIT, PAGED, SIM_TEMP_2, SIM_LINEAR11, 0x7BFF),
    SIM_ROW_READ(SIM_READ_VOUT, PAGED, SIM_VOUT, SIM_LINEAR16),
    SIM_ROW_READ(SIM_READ_IOUT, PAGED, SIM_IOUT, SIM_LINEAR11),
    SIM_ROW_READ(SIM_READ_TEMPERATURE_1, 0, SIM_TEMP_1, SIM_LINEAR11),
    SIM_ROW_READ(SIM_READ_TEMPERATURE_2, PAGED, SIM_TEMP_2, SIM_LINEAR11),
    SIM_ROW_MFR(LOGGED_FAULTS, SIM_AS_BLOCK, SIM_RW),
    SIM_ROW_MFR(MFR_STATUS, SIM_AS_BLOCK, SIM_R),
    SIM_ROW_MFR(DEVICE_ID, SIM_AS_BLOCK, SIM_R)};

static const sim_limit_t limits[] = {
    SIM_OVER(SIM_VOUT_OV_FAULT_LIMIT, 0, SIM_VOUT, SIM_IN_VOUT, SIM_STATUS_OVER_FAULT),
    SIM_OVER_WARN(SIM_VOUT_OV_WARN_LIMIT, SIM_VOUT, SIM_IN_VOUT, SIM_STATUS_OVER_WARN),
    SIM_UNDER_WARN(SIM_VOUT_UV_WARN_LIMIT, SIM_VOUT, SIM_IN_VOUT, SIM_STATUS_UNDER_WARN, true),
    SIM_UNDER(SIM_VOUT_UV_FAULT_LIMIT, 0, SIM_VOUT, SIM_IN_VOUT, SIM_STATUS_UNDER_FAULT, true),
    SIM_OVER(SIM_IOUT_OC_FAULT_LIMIT, 0, SIM_IOUT, SIM_IN_IOUT, SIM_STATUS_IOUT_OC_FAULT),
    SIM_OVER(SIM_OT_FAULT_LIMIT, 0, SIM_TEMP_2, SIM_IN_TEMPERATURE, SIM_STATUS_OVER_FAULT)};

static void faulted(sim_pmbus_part_t *part, uint8_t page, const sim_limit_t *limit) {
    uint8_t bit = LOG_TEMP;
    if (limit->quantity == SIM_VOUT) {
        bit = limit->is_upper ? LOG_VOUT_OV : LOG_VOUT_UV;
    } else if (limit->quantity == SIM_IOUT) {
        bit = LOG_IOUT_OC;
    }
    part->memory[LOG_PAGE_0 + page] |= bit;
}

static size_t read_mfr(sim_pmbus_part_t *part, const sim_command_t *command, uint8_t *data) {
    if (command->code == LOGGED_FAULTS) {
        memcpy(data, part->memory, LOG_BYTES);
        return LOG_BYTES;
    }
    if (command->code == DEVICE_ID) {
        memcpy(data, device_id, sizeof(device_id) - 1u);
        return sizeof(device_id) - 1u;
    }
    memset(data, 0, 4);
    for (size_t i = 0; i < LOG_BYTES; i++) {
        data[0] |= part->memory[i] != 0 ? (uint8_t)STATUS_LOG_NOT_EMPTY : 0u;
    }
    return 4;
}

/* Only zeros can be written: one, or the whole block. */
static ns_status_t write_mfr(sim_pmbus_part_t *part, const sim_command_t *command,
                             const uint8_t *data, size_t size) {
    (void)command;
    for (size_t i = 0; i < size; i++) {
        if (data[i] != 0) {
            return NS_E_NACK;
        }
    }
    memset(part->memory, 0, LOG_BYTES);
    return NS_OK;
}

const sim_pmbus_model_t sim_model_ucd90320 = {.name = "ucd90320",
                                              .commands = commands,
                                              .command_count = SIM_COUNT(commands),
                                              .limits = limits,
                                              .limit_count = SIM_COUNT(limits),
                                              .page_count = 32,
                                              .habits = SIM_ALL_PAGES_WRITES,
                                              .retry_delay_us = 100000,        /* assumed */
                                              .text = {"TI", "UCD90320", "1"}, /* unverified */
                                              .read = read_mfr,
                                              .write = write_mfr,
                                              .faulted = faulted};
