/**
 * @file pmbus_rows.h
 * @brief Rows that the command tables of several models have in common.
 */
#ifndef NIGHTSIDE_SIM_PMBUS_ROWS_H
#define NIGHTSIDE_SIM_PMBUS_ROWS_H

#include "pmbus_model.h"

/* PMBus part II, 11.1: 0x80 leaves WRITE_PROTECT, 0x40 also OPERATION and PAGE, 0x20 also
   ON_OFF_CONFIG and VOUT_COMMAND. CLEAR_FAULTS stays open under 0x40: LTC2978A data sheet, p. 33,
   level 2; LTC3880 data sheet, p. 63. */
#define SIM_ALWAYS_OPEN (SIM_OPEN_AT_80 | SIM_OPEN_AT_40 | SIM_OPEN_AT_20)
#define SIM_MOSTLY_OPEN (SIM_OPEN_AT_40 | SIM_OPEN_AT_20)

#define SIM_ROW_PAGE {SIM_PAGE, SIM_AS_BYTE, SIM_RW | SIM_ALWAYS_OPEN, SIM_DO_PAGE, 0, SIM_RAW, 0}
#define SIM_ROW_OPERATION                                                                          \
    {SIM_OPERATION, SIM_AS_BYTE, SIM_RW | SIM_PAGED | SIM_MOSTLY_OPEN, SIM_DO_OPERATION, 0, 0, 0}
#define SIM_ROW_CLEAR_FAULTS                                                                       \
    {SIM_CLEAR_FAULTS,                                                                             \
     SIM_AS_SEND,                                                                                  \
     SIM_W | SIM_PAGED | SIM_MOSTLY_OPEN,                                                          \
     SIM_DO_CLEAR_FAULTS,                                                                          \
     0,                                                                                            \
     0,                                                                                            \
     0}
#define SIM_ROW_WRITE_PROTECT(reset)                                                               \
    {SIM_WRITE_PROTECT, SIM_AS_BYTE, SIM_RW | SIM_ALWAYS_OPEN, SIM_DO_WRITE_PROTECT, 0, 0, reset}
#define SIM_ROW_VOUT_MODE(reset)                                                                   \
    {SIM_VOUT_MODE, SIM_AS_BYTE, SIM_R | SIM_PAGED, SIM_DO_VOUT_MODE, 0, SIM_RAW, reset}
#define SIM_ROW_CONSTANT(code, reset) {code, SIM_AS_BYTE, SIM_R, SIM_DO_REGISTER, 0, SIM_RAW, reset}
#define SIM_ROW_REGISTER(code, kind, reset) {code, kind, SIM_RW, SIM_DO_REGISTER, 0, SIM_RAW, reset}
#define SIM_ROW_RESPONSE(code, paged, reset)                                                       \
    {code, SIM_AS_BYTE, SIM_RW | (paged), SIM_DO_REGISTER, 0, SIM_RAW, reset}
#define SIM_ROW_LIMIT(code, paged, quantity, format, reset)                                        \
    {code, SIM_AS_WORD, SIM_RW | (paged), SIM_DO_LIMIT, quantity, format, reset}
#define SIM_ROW_READ(code, paged, quantity, format)                                                \
    {code, SIM_AS_WORD, SIM_R | (paged), SIM_DO_READ, quantity, format, 0}
#define SIM_ROW_PEAK(code, traits, quantity, format, reset)                                        \
    {code, SIM_AS_WORD, traits, SIM_DO_PEAK, quantity, format, reset}
#define SIM_ROW_LOW(code, traits, quantity, format, reset)                                         \
    {code, SIM_AS_WORD, traits, SIM_DO_LOW, quantity, format, reset}
#define SIM_ROW_STATUS(code, access, in)                                                           \
    {code, SIM_AS_BYTE, (access) | SIM_MOSTLY_OPEN, SIM_DO_STATUS, in, SIM_RAW, 0}
#define SIM_ROW_STATUS_BYTE                                                                        \
    {SIM_STATUS_BYTE, SIM_AS_BYTE, SIM_R | SIM_PAGED, SIM_DO_STATUS_BYTE, 0, SIM_RAW, 0}
#define SIM_ROW_STATUS_WORD                                                                        \
    {SIM_STATUS_WORD, SIM_AS_WORD, SIM_R | SIM_PAGED, SIM_DO_STATUS_WORD, 0, SIM_RAW, 0}
#define SIM_ROW_TEXT(code, which) {code, SIM_AS_BLOCK, SIM_R, SIM_DO_TEXT, which, SIM_RAW, 0}
#define SIM_ROW_TEXTS                                                                              \
    SIM_ROW_TEXT(SIM_MFR_ID, 0), SIM_ROW_TEXT(SIM_MFR_MODEL, 1), SIM_ROW_TEXT(SIM_MFR_REVISION, 2)
#define SIM_ROW_MFR(code, kind, traits) {code, kind, traits, SIM_DO_MFR, 0, SIM_RAW, 0}

/* Comparators of a regulator. */
#define SIM_OVER(code, response, quantity, in, bit)                                                \
    {code, response, quantity, in, bit, true, true, false}
#define SIM_OVER_WARN(code, quantity, in, bit) {code, 0, quantity, in, bit, true, false, false}
#define SIM_UNDER(code, response, quantity, in, bit, is_for_output)                                \
    {code, response, quantity, in, bit, false, true, is_for_output}
#define SIM_UNDER_WARN(code, quantity, in, bit, is_for_output)                                     \
    {code, 0, quantity, in, bit, false, false, is_for_output}

#define SIM_COUNT(table) (sizeof(table) / sizeof((table)[0]))

#endif
