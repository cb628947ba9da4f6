/**
 * @file model_multiphase.c
 * @brief Multiphase controllers ISL68137, RAA228xxx (Renesas) and MP2975 (Monolithic Power).
 *
 * Sources: ISL68137 data sheet FN8757, p. 23; numbers of the family in DIRECT with m = 1, b = 0:
 * R as published for the ISL68224 in the pmbus library of Oxide (VIN 2, IIN 2, IOUT 1, temperature
 * and power 0, VOUT by VOUT_MODE); ISL68137 VIN R = 3 (Linux hwmon driver notes, unverified).
 * MP2975: faults need CLEAR_CAT_FAULTS (0xFD) and CLEAR_FAULTS (0x03), statement of the maker in
 * Mellanox/hw-mgmt#2052, as a write of the data byte 0. Its formats as in the Linux hwmon driver
 * mp2975: VIN and IIN LINEAR11, VOUT 1 mV, IOUT 1 A, power 1 W, temperature 1 degC, peaks 0.25 A
 * and 0.25 W in 13 bits; bit 15 of MFR_DC_LOOP_CTRL chooses VID for VOUT, which is not modelled.
 * Unverified: READ_IOUT by PHASE, all of the MP2975 against its data sheet,
 * and that it acknowledges unknown commands.
 */
#include <math.h>

#include "pmbus_part.h"
#include "pmbus_rows.h"

#define LATCH_OFF 0x80u
#define CLEAR_CAT_FAULTS 0xFD
#define MFR_DC_LOOP_CTRL 0x59
#define MFR_READ_IOUT_PK 0x90
#define MFR_READ_POUT_PK 0x91
#define PEAK_STEPS 4.0 /* of an ampere or a watt */
#define PEAK_MAX 8191.0
#define NO_UPPER 0x7FFF
#define PAGED SIM_PAGED

#define COMMON_ROWS(input)                                                                         \
    SIM_ROW_PAGE, {SIM_PHASE, SIM_AS_BYTE, SIM_RW | SIM_ALWAYS_OPEN, SIM_DO_PHASE, 0, SIM_RAW, 0}, \
        SIM_ROW_OPERATION, SIM_ROW_CLEAR_FAULTS, SIM_ROW_WRITE_PROTECT(0x00),                      \
        SIM_ROW_CONSTANT(SIM_CAPABILITY, 0xD0), SIM_ROW_CONSTANT(SIM_PMBUS_REVISION, 0x33),        \
        SIM_ROW_VOUT_MODE(0x40), SIM_ROW_STATUS_BYTE, SIM_ROW_STATUS_WORD,                         \
        SIM_ROW_STATUS(SIM_STATUS_VOUT, SIM_RW | SIM_PAGED, SIM_IN_VOUT),                          \
        SIM_ROW_STATUS(SIM_STATUS_IOUT, SIM_RW | SIM_PAGED, SIM_IN_IOUT),                          \
        SIM_ROW_STATUS(SIM_STATUS_INPUT, SIM_RW | SIM_PAGED, SIM_IN_INPUT),                        \
        SIM_ROW_STATUS(SIM_STATUS_TEMPERATURE, SIM_RW | SIM_PAGED, SIM_IN_TEMPERATURE),            \
        SIM_ROW_STATUS(SIM_STATUS_CML, SIM_RW, SIM_IN_CML),                                        \
        SIM_ROW_STATUS(SIM_STATUS_MFR_SPECIFIC, SIM_RW | SIM_PAGED, SIM_IN_MFR), SIM_ROW_TEXTS,    \
        SIM_ROW_LIMIT(SIM_VOUT_OV_FAULT_LIMIT, PAGED, SIM_VOUT, SIM_DIRECT, NO_UPPER),             \
        SIM_ROW_LIMIT(SIM_VOUT_UV_FAULT_LIMIT, PAGED, SIM_VOUT, SIM_DIRECT, 0),                    \
        SIM_ROW_LIMIT(SIM_IOUT_OC_FAULT_LIMIT, PAGED, SIM_IOUT, SIM_DIRECT, NO_UPPER),             \
        SIM_ROW_LIMIT(SIM_OT_FAULT_LIMIT, PAGED, SIM_TEMP_1, SIM_DIRECT, NO_UPPER),                \
        SIM_ROW_LIMIT(SIM_OT_WARN_LIMIT, PAGED, SIM_TEMP_1, SIM_DIRECT, NO_UPPER),                 \
        SIM_ROW_LIMIT(SIM_VIN_OV_FAULT_LIMIT, PAGED, SIM_VIN, input, NO_UPPER),                    \
        SIM_ROW_LIMIT(SIM_VIN_UV_FAULT_LIMIT, PAGED, SIM_VIN, input, 0),                           \
        SIM_ROW_LIMIT(SIM_IIN_OC_FAULT_LIMIT, PAGED, SIM_IIN, input, NO_UPPER),                    \
        SIM_ROW_RESPONSE(SIM_VOUT_OV_FAULT_RESPONSE, PAGED, LATCH_OFF),                            \
        SIM_ROW_RESPONSE(SIM_VOUT_UV_FAULT_RESPONSE, PAGED, LATCH_OFF),                            \
        SIM_ROW_RESPONSE(SIM_IOUT_OC_FAULT_RESPONSE, PAGED, LATCH_OFF),                            \
        SIM_ROW_RESPONSE(SIM_OT_FAULT_RESPONSE, PAGED, LATCH_OFF),                                 \
        SIM_ROW_READ(SIM_READ_VIN, PAGED, SIM_VIN, input),                                         \
        SIM_ROW_READ(SIM_READ_IIN, PAGED, SIM_IIN, input),                                         \
        SIM_ROW_READ(SIM_READ_VOUT, PAGED, SIM_VOUT, SIM_DIRECT),                                  \
        SIM_ROW_READ(SIM_READ_IOUT, PAGED, SIM_IOUT, SIM_DIRECT),                                  \
        SIM_ROW_READ(SIM_READ_TEMPERATURE_1, PAGED, SIM_TEMP_1, SIM_DIRECT),                       \
        SIM_ROW_READ(SIM_READ_TEMPERATURE_2, PAGED, SIM_TEMP_2, SIM_DIRECT),                       \
        SIM_ROW_READ(SIM_READ_POUT, PAGED, SIM_POUT, SIM_DIRECT),                                  \
        SIM_ROW_READ(SIM_READ_PIN, PAGED, SIM_PIN, SIM_DIRECT)

static const sim_command_t renesas_commands[] = {COMMON_ROWS(SIM_DIRECT)};
static const sim_command_t mp2975_commands[] = {
    COMMON_ROWS(SIM_LINEAR11), SIM_ROW_REGISTER(MFR_DC_LOOP_CTRL, SIM_AS_WORD, 0x0000),
    SIM_ROW_MFR(MFR_READ_IOUT_PK, SIM_AS_WORD, SIM_R | SIM_PAGED),
    SIM_ROW_MFR(MFR_READ_POUT_PK, SIM_AS_WORD, SIM_R | SIM_PAGED),
    SIM_ROW_MFR(CLEAR_CAT_FAULTS, SIM_AS_BYTE, SIM_W)};

static const sim_limit_t limits[] = {
    SIM_OVER(SIM_IOUT_OC_FAULT_LIMIT, SIM_IOUT_OC_FAULT_RESPONSE, SIM_IOUT, SIM_IN_IOUT,
             SIM_STATUS_IOUT_OC_FAULT),
    SIM_OVER(SIM_VOUT_OV_FAULT_LIMIT, SIM_VOUT_OV_FAULT_RESPONSE, SIM_VOUT, SIM_IN_VOUT,
             SIM_STATUS_OVER_FAULT),
    SIM_UNDER(SIM_VOUT_UV_FAULT_LIMIT, SIM_VOUT_UV_FAULT_RESPONSE, SIM_VOUT, SIM_IN_VOUT,
              SIM_STATUS_UNDER_FAULT, true),
    SIM_OVER(SIM_OT_FAULT_LIMIT, SIM_OT_FAULT_RESPONSE, SIM_TEMP_1, SIM_IN_TEMPERATURE,
             SIM_STATUS_OVER_FAULT),
    SIM_OVER_WARN(SIM_OT_WARN_LIMIT, SIM_TEMP_1, SIM_IN_TEMPERATURE, SIM_STATUS_OVER_WARN),
    SIM_OVER(SIM_VIN_OV_FAULT_LIMIT, 0, SIM_VIN, SIM_IN_INPUT, SIM_STATUS_OVER_FAULT),
    SIM_UNDER(SIM_VIN_UV_FAULT_LIMIT, 0, SIM_VIN, SIM_IN_INPUT, SIM_STATUS_UNDER_FAULT, true),
    SIM_OVER(SIM_IIN_OC_FAULT_LIMIT, 0, SIM_IIN, SIM_IN_INPUT, SIM_STATUS_IIN_OC_FAULT)};

static sim_coefficients_t coefficients(const sim_pmbus_part_t *part, uint8_t quantity) {
    static const int exponent[SIM_QUANTITIES] = {
        [SIM_VOUT] = 3, [SIM_IOUT] = 1, [SIM_VIN] = 2, [SIM_IIN] = 2};
    bool is_fine = quantity == SIM_VIN && part->model == &sim_model_isl68137;
    if (part->model == &sim_model_mp2975) {
        return (sim_coefficients_t){1.0, 0.0, quantity == SIM_VOUT ? 3 : 0};
    }
    return (sim_coefficients_t){1.0, 0.0, is_fine ? 3 : exponent[quantity]};
}

static size_t read_mfr(sim_pmbus_part_t *part, const sim_command_t *command, uint8_t *data) {
    const sim_pmbus_page_t *page = &part->registers[part->page < part->page_count ? part->page : 0];
    double peak = page->peak[command->code == MFR_READ_IOUT_PK ? SIM_IOUT : SIM_POUT];
    double steps = page->has_peak ? fmin(fmax(floor(peak * PEAK_STEPS + 0.5), 0.0), PEAK_MAX) : 0.0;
    unsigned word = (unsigned)steps;
    data[0] = (uint8_t)(word & 0xFFu);
    data[1] = (uint8_t)(word >> 8);
    return 2;
}

/* CLEAR_CAT_FAULTS drops what CLEAR_FAULTS would bring back, but leaves the status bits. */
static ns_status_t write_mfr(sim_pmbus_part_t *part, const sim_command_t *command,
                             const uint8_t *data, size_t size) {
    (void)command;
    (void)data;
    (void)size;
    for (uint8_t page = 0; page < part->page_count; page++) {
        for (uint8_t in = 0; in < SIM_STATUS_COUNT; in++) {
            part->registers[page].apart[in] = 0;
        }
    }
    return NS_OK;
}

const sim_pmbus_model_t sim_model_isl68137 = {.name = "isl68137",
                                              .commands = renesas_commands,
                                              .command_count = SIM_COUNT(renesas_commands),
                                              .limits = limits,
                                              .limit_count = SIM_COUNT(limits),
                                              .page_count = 2,
                                              .write_protect = 0xE0,
                                              .habits = SIM_ALL_PAGES_WRITES,
                                              .retry_delay_us = 100000,         /* assumed */
                                              .text = {"ISL", "ISL68137", "1"}, /* unverified */
                                              .coefficients = coefficients};

const sim_pmbus_model_t sim_model_raa228 = {.name = "raa228",
                                            .commands = renesas_commands,
                                            .command_count = SIM_COUNT(renesas_commands),
                                            .limits = limits,
                                            .limit_count = SIM_COUNT(limits),
                                            .page_count = 3,
                                            .write_protect = 0xE0,
                                            .habits = SIM_ALL_PAGES_WRITES,
                                            .retry_delay_us = 100000,       /* assumed */
                                            .text = {"REN", "RAA228", "1"}, /* unverified */
                                            .coefficients = coefficients};

const sim_pmbus_model_t sim_model_mp2975 = {.name = "mp2975",
                                            .commands = mp2975_commands,
                                            .command_count = SIM_COUNT(mp2975_commands),
                                            .limits = limits,
                                            .limit_count = SIM_COUNT(limits),
                                            .page_count = 2,
                                            .write_protect = 0x80,
                                            .habits = SIM_LATCHES_TWICE | SIM_UNKNOWN_READS_FF |
                                                      SIM_HAS_PEAKS,
                                            .retry_delay_us = 100000,       /* assumed */
                                            .text = {"MPS", "MP2975", "1"}, /* unverified */
                                            .coefficients = coefficients,
                                            .read = read_mfr,
                                            .write = write_mfr};
