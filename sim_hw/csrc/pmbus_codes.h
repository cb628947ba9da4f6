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
    SIM_ON_OFF_CONFIG = 0x02,
    SIM_CLEAR_FAULTS = 0x03,
    SIM_PHASE = 0x04,
    SIM_WRITE_PROTECT = 0x10,
    SIM_CAPABILITY = 0x19,
    SIM_QUERY = 0x1A,
    SIM_SMBALERT_MASK = 0x1B,
    SIM_VOUT_MODE = 0x20,
    SIM_VOUT_COMMAND = 0x21,
    SIM_COEFFICIENTS = 0x30,
    SIM_VOUT_OV_FAULT_LIMIT = 0x40,
    SIM_VOUT_OV_FAULT_RESPONSE = 0x41,
    SIM_VOUT_OV_WARN_LIMIT = 0x42,
    SIM_VOUT_UV_WARN_LIMIT = 0x43,
    SIM_VOUT_UV_FAULT_LIMIT = 0x44,
    SIM_VOUT_UV_FAULT_RESPONSE = 0x45,
    SIM_IOUT_OC_FAULT_LIMIT = 0x46,
    SIM_IOUT_OC_FAULT_RESPONSE = 0x47,
    SIM_IOUT_OC_WARN_LIMIT = 0x4A,
    SIM_OT_FAULT_LIMIT = 0x4F,
    SIM_OT_FAULT_RESPONSE = 0x50,
    SIM_OT_WARN_LIMIT = 0x51,
    SIM_UT_WARN_LIMIT = 0x52,
    SIM_UT_FAULT_LIMIT = 0x53,
    SIM_VIN_OV_FAULT_LIMIT = 0x55,
    SIM_VIN_OV_FAULT_RESPONSE = 0x56,
    SIM_VIN_OV_WARN_LIMIT = 0x57,
    SIM_VIN_UV_WARN_LIMIT = 0x58,
    SIM_VIN_UV_FAULT_LIMIT = 0x59,
    SIM_VIN_UV_FAULT_RESPONSE = 0x5A,
    SIM_IIN_OC_FAULT_LIMIT = 0x5B,
    SIM_IIN_OC_WARN_LIMIT = 0x5D,
    SIM_POWER_GOOD_ON = 0x5E,
    SIM_POWER_GOOD_OFF = 0x5F,
    SIM_PIN_OP_WARN_LIMIT = 0x6B,
    SIM_STATUS_BYTE = 0x78,
    SIM_STATUS_WORD = 0x79,
    SIM_STATUS_VOUT = 0x7A,
    SIM_STATUS_IOUT = 0x7B,
    SIM_STATUS_INPUT = 0x7C,
    SIM_STATUS_TEMPERATURE = 0x7D,
    SIM_STATUS_CML = 0x7E,
    SIM_STATUS_OTHER = 0x7F,
    SIM_STATUS_MFR_SPECIFIC = 0x80,
    SIM_READ_EIN = 0x86,
    SIM_READ_VIN = 0x88,
    SIM_READ_IIN = 0x89,
    SIM_READ_VOUT = 0x8B,
    SIM_READ_IOUT = 0x8C,
    SIM_READ_TEMPERATURE_1 = 0x8D,
    SIM_READ_TEMPERATURE_2 = 0x8E,
    SIM_READ_POUT = 0x96,
    SIM_READ_PIN = 0x97,
    SIM_PMBUS_REVISION = 0x98,
    SIM_MFR_ID = 0x99,
    SIM_MFR_MODEL = 0x9A,
    SIM_MFR_REVISION = 0x9B,
    SIM_IC_DEVICE_ID = 0xAD
};

/* STATUS_WORD; PMBus part II, 17.1 and 17.2. */
enum {
    SIM_STATUS_VOUT_SUMMARY = 0x8000,
    SIM_STATUS_IOUT_POUT = 0x4000,
    SIM_STATUS_INPUT_SUMMARY = 0x2000,
    SIM_STATUS_MFR_SUMMARY = 0x1000,
    SIM_STATUS_POWER_GOOD_N = 0x0800,
    SIM_STATUS_OTHER_SUMMARY = 0x0200,
    SIM_STATUS_BUSY = 0x0080,
    SIM_STATUS_OFF = 0x0040,
    SIM_STATUS_VOUT_OV = 0x0020,
    SIM_STATUS_IOUT_OC = 0x0010,
    SIM_STATUS_VIN_UV = 0x0008,
    SIM_STATUS_TEMPERATURE_SUMMARY = 0x0004,
    SIM_STATUS_CML_SUMMARY = 0x0002,
    SIM_STATUS_NONE_OF_THE_ABOVE = 0x0001
};

/* One byte registers of status; 7 over fault, 6 over warning, 5 under warning, 4 under fault. */
enum {
    SIM_STATUS_OVER_FAULT = 0x80,
    SIM_STATUS_OVER_WARN = 0x40,
    SIM_STATUS_UNDER_WARN = 0x20,
    SIM_STATUS_UNDER_FAULT = 0x10,
    SIM_STATUS_IOUT_OC_FAULT = 0x80, /* STATUS_IOUT */
    SIM_STATUS_IOUT_OC_WARN = 0x20,
    SIM_STATUS_INPUT_OFF = 0x08, /* STATUS_INPUT */
    SIM_STATUS_IIN_OC_FAULT = 0x04,
    SIM_STATUS_IIN_OC_WARN = 0x02,
    SIM_STATUS_PIN_OP_WARN = 0x01,
    SIM_CML_COMMAND = 0x80, /* invalid or unsupported command */
    SIM_CML_DATA = 0x40,    /* invalid or unsupported data */
    SIM_CML_PEC = 0x20,
    SIM_CML_OTHER = 0x02 /* another communication fault: too few or too many bytes */
};

enum { SIM_OPERATION_ON = 0x80, SIM_OPERATION_SOFT_OFF = 0x40, SIM_OPERATION_OFF = 0x00 };

/** DIRECT: word = (m x value + b) x 10^R. */
typedef struct sim_coefficients {
    double m;
    double b;
    int exponent; /**< R */
} sim_coefficients_t;

/** @brief CRC-8 of SMBus: polynomial 0x07, start 0. `crc` is the value so far. */
uint8_t sim_pec_update(uint8_t crc, const uint8_t *bytes, size_t size);

/** @brief Nearest LINEAR11 of a value; out of range saturates, NaN reads as 0. */
uint16_t sim_linear11_from(double value);

/** @brief Value of a LINEAR11 word. */
double sim_linear11_value(uint16_t raw);

/** @brief Nearest LINEAR16 of a value for a VOUT_MODE in linear mode; saturates at 0 and 0xFFFF. */
uint16_t sim_linear16_from(double value, uint8_t vout_mode);

/** @brief Value of a LINEAR16 word. */
double sim_linear16_value(uint16_t raw, uint8_t vout_mode);

/** @brief Nearest DIRECT word within low .. high, which it saturates at; NaN reads as low. */
uint16_t sim_direct_from(double value, const sim_coefficients_t *coefficients, int low, int high);

/** @brief Value of a DIRECT word, taken as a signed number of 16 bits. */
double sim_direct_value(uint16_t raw, const sim_coefficients_t *coefficients);

#endif
