/**
 * @file pmbus_codes.h
 * @brief PMBus command codes, status bits and number formats as the simulated parts know them.
 *
 * Declared and encoded here and not with the flight codec: a mistake common to both ends of a wire
 * would cancel out and never be seen.
 */
#ifndef NIGHTSIDE_SIM_PMBUS_CODES_H
#define NIGHTSIDE_SIM_PMBUS_CODES_H

#include <stddef.h>
#include <stdint.h>

/* Command codes: PMBus specification part II, table of commands. */
enum {
    SIM_PAGE = 0x00,
    SIM_OPERATION = 0x01,
    SIM_CLEAR_FAULTS = 0x03,
    SIM_WRITE_PROTECT = 0x10,
    SIM_CAPABILITY = 0x19,
    SIM_VOUT_MODE = 0x20,
    SIM_IOUT_OC_FAULT_LIMIT = 0x46,
    SIM_STATUS_BYTE = 0x78,
    SIM_STATUS_WORD = 0x79,
    SIM_STATUS_IOUT = 0x7B,
    SIM_STATUS_CML = 0x7E,
    SIM_READ_VOUT = 0x8B,
    SIM_READ_IOUT = 0x8C,
    SIM_READ_TEMPERATURE_1 = 0x8D,
    SIM_READ_POUT = 0x96,
    SIM_PMBUS_REVISION = 0x98
};

/* STATUS_WORD, STATUS_IOUT and STATUS_CML bits. */
enum {
    SIM_STATUS_IOUT_POUT = 0x4000,
    SIM_STATUS_POWER_GOOD_N = 0x0800,
    SIM_STATUS_OFF = 0x0040,
    SIM_STATUS_IOUT_OC = 0x0010,
    SIM_STATUS_CML_SUMMARY = 0x0002,
    SIM_STATUS_IOUT_OC_FAULT = 0x80,
    SIM_CML_COMMAND = 0x80, /* invalid or unsupported command */
    SIM_CML_DATA = 0x40,    /* invalid or unsupported data */
    SIM_CML_PEC = 0x20,
    SIM_CML_OTHER = 0x02 /* another communication fault: too few or too many bytes */
};

enum { SIM_OPERATION_ON = 0x80, SIM_OPERATION_SOFT_OFF = 0x40, SIM_OPERATION_OFF = 0x00 };

/** @brief CRC-8 of SMBus: polynomial 0x07, start 0. `crc` is the value so far. */
uint8_t sim_pec_update(uint8_t crc, const uint8_t *bytes, size_t size);

/** @brief Nearest LINEAR11 of a value; out of range saturates, NaN reads as 0. */
uint16_t sim_linear11_from(double value);

/** @brief Value of a LINEAR11 word. */
double sim_linear11_value(uint16_t raw);

/** @brief Nearest LINEAR16 of a value for a VOUT_MODE in linear mode; saturates at 0 and 0xFFFF. */
uint16_t sim_linear16_from(double value, uint8_t vout_mode);

#endif
