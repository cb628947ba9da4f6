/**
 * @file model_generic.c
 * @brief A multi-page regulator, hot-swap or monitor that keeps to the PMBus specification and no
 * more.
 *
 * Source: PMBus part II, revision 1.3; CAPABILITY 0xB0 (PEC, 400 kHz, SMBALERT#) as in the ADM127x
 * and LM5066. Responses latch off unless written otherwise; delay unit and retry delay are assumed.
 */
#include "pmbus_part.h"
#include "pmbus_rows.h"

#define RETRY_DELAY_US 100000u /* assumed */
#define LATCH_OFF 0x80u
#define NO_UPPER_11 0x7BFFu /* the greatest LINEAR11: never met */
#define NO_UPPER_16 0xFFFFu
#define NO_LOWER 0x0000u
#define NO_LOWER_TEMP 0x7C00u
#define NO_UPPER_DIRECT 0x7FFFu
#define NO_LOWER_DIRECT 0x8000u

#define STATUS_ROWS                                                                                \
    SIM_ROW_STATUS_BYTE, SIM_ROW_STATUS_WORD,                                                      \
        SIM_ROW_STATUS(SIM_STATUS_VOUT, SIM_RW | SIM_PAGED, SIM_IN_VOUT),                          \
        SIM_ROW_STATUS(SIM_STATUS_IOUT, SIM_RW | SIM_PAGED, SIM_IN_IOUT),                          \
        SIM_ROW_STATUS(SIM_STATUS_INPUT, SIM_RW, SIM_IN_INPUT),                                    \
        SIM_ROW_STATUS(SIM_STATUS_TEMPERATURE, SIM_RW | SIM_PAGED, SIM_IN_TEMPERATURE),            \
        SIM_ROW_STATUS(SIM_STATUS_CML, SIM_RW, SIM_IN_CML)

#define CONTROL_ROWS                                                                               \
    SIM_ROW_PAGE, SIM_ROW_OPERATION, SIM_ROW_CLEAR_FAULTS, SIM_ROW_WRITE_PROTECT(0x40),            \
        {SIM_PHASE, SIM_AS_BYTE, SIM_RW | SIM_ALWAYS_OPEN, SIM_DO_PHASE, 0, SIM_RAW, 0},           \
        SIM_ROW_CONSTANT(SIM_CAPABILITY, 0xB0), SIM_ROW_CONSTANT(SIM_PMBUS_REVISION, 0x33),        \
        {SIM_QUERY, SIM_AS_CALL, SIM_R, SIM_DO_QUERY, 0, SIM_RAW, 0},                              \
        {SIM_SMBALERT_MASK, SIM_AS_WORD, SIM_RW, SIM_DO_ALERT_MASK, 0, SIM_RAW, 0},                \
        SIM_ROW_RESPONSE(SIM_VOUT_OV_FAULT_RESPONSE, SIM_PAGED, LATCH_OFF),                        \
        SIM_ROW_RESPONSE(SIM_VOUT_UV_FAULT_RESPONSE, SIM_PAGED, LATCH_OFF),                        \
        SIM_ROW_RESPONSE(SIM_IOUT_OC_FAULT_RESPONSE, SIM_PAGED, LATCH_OFF),                        \
        SIM_ROW_RESPONSE(SIM_OT_FAULT_RESPONSE, SIM_PAGED, LATCH_OFF),                             \
        SIM_ROW_RESPONSE(SIM_VIN_OV_FAULT_RESPONSE, 0, LATCH_OFF),                                 \
        SIM_ROW_RESPONSE(SIM_VIN_UV_FAULT_RESPONSE, 0, LATCH_OFF)

#define MEASURING_ROWS(out, other, no_upper_out, no_upper, no_lower_temp)                          \
    SIM_ROW_LIMIT(SIM_VOUT_OV_FAULT_LIMIT, SIM_PAGED, SIM_VOUT, out, no_upper_out),                \
        SIM_ROW_LIMIT(SIM_VOUT_OV_WARN_LIMIT, SIM_PAGED, SIM_VOUT, out, no_upper_out),             \
        SIM_ROW_LIMIT(SIM_VOUT_UV_WARN_LIMIT, SIM_PAGED, SIM_VOUT, out, NO_LOWER),                 \
        SIM_ROW_LIMIT(SIM_VOUT_UV_FAULT_LIMIT, SIM_PAGED, SIM_VOUT, out, NO_LOWER),                \
        SIM_ROW_LIMIT(SIM_IOUT_OC_FAULT_LIMIT, SIM_PAGED, SIM_IOUT, other, no_upper),              \
        SIM_ROW_LIMIT(SIM_IOUT_OC_WARN_LIMIT, SIM_PAGED, SIM_IOUT, other, no_upper),               \
        SIM_ROW_LIMIT(SIM_OT_FAULT_LIMIT, SIM_PAGED, SIM_TEMP_1, other, no_upper),                 \
        SIM_ROW_LIMIT(SIM_OT_WARN_LIMIT, SIM_PAGED, SIM_TEMP_1, other, no_upper),                  \
        SIM_ROW_LIMIT(SIM_UT_WARN_LIMIT, SIM_PAGED, SIM_TEMP_1, other, no_lower_temp),             \
        SIM_ROW_LIMIT(SIM_VIN_OV_FAULT_LIMIT, 0, SIM_VIN, other, no_upper),                        \
        SIM_ROW_LIMIT(SIM_VIN_OV_WARN_LIMIT, 0, SIM_VIN, other, no_upper),                         \
        SIM_ROW_LIMIT(SIM_VIN_UV_WARN_LIMIT, 0, SIM_VIN, other, NO_LOWER),                         \
        SIM_ROW_LIMIT(SIM_VIN_UV_FAULT_LIMIT, 0, SIM_VIN, other, NO_LOWER),                        \
        SIM_ROW_READ(SIM_READ_VIN, 0, SIM_VIN, other),                                             \
        SIM_ROW_READ(SIM_READ_IIN, 0, SIM_IIN, other),                                             \
        SIM_ROW_READ(SIM_READ_VOUT, SIM_PAGED, SIM_VOUT, out),                                     \
        SIM_ROW_READ(SIM_READ_IOUT, SIM_PAGED, SIM_IOUT, other),                                   \
        SIM_ROW_READ(SIM_READ_TEMPERATURE_1, SIM_PAGED, SIM_TEMP_1, other),                        \
        SIM_ROW_READ(SIM_READ_TEMPERATURE_2, SIM_PAGED, SIM_TEMP_2, other),                        \
        SIM_ROW_READ(SIM_READ_POUT, SIM_PAGED, SIM_POUT, other)

static const sim_command_t linear_commands[] = {
    CONTROL_ROWS, STATUS_ROWS, SIM_ROW_VOUT_MODE(0x17), SIM_ROW_TEXTS,
    MEASURING_ROWS(SIM_LINEAR16, SIM_LINEAR11, NO_UPPER_16, NO_UPPER_11, NO_LOWER_TEMP)};

static const sim_command_t direct_commands[] = {
    CONTROL_ROWS,
    STATUS_ROWS,
    SIM_ROW_VOUT_MODE(0x40),
    SIM_ROW_TEXTS,
    MEASURING_ROWS(SIM_DIRECT, SIM_DIRECT, NO_UPPER_DIRECT, NO_UPPER_DIRECT, NO_LOWER_DIRECT),
    {SIM_COEFFICIENTS, SIM_AS_CALL, SIM_R, SIM_DO_COEFFICIENTS, 0, SIM_RAW, 0}};

static const sim_limit_t limits[] = {
    SIM_OVER(SIM_IOUT_OC_FAULT_LIMIT, SIM_IOUT_OC_FAULT_RESPONSE, SIM_IOUT, SIM_IN_IOUT,
             SIM_STATUS_IOUT_OC_FAULT),
    SIM_OVER_WARN(SIM_IOUT_OC_WARN_LIMIT, SIM_IOUT, SIM_IN_IOUT, SIM_STATUS_IOUT_OC_WARN),
    SIM_OVER(SIM_VOUT_OV_FAULT_LIMIT, SIM_VOUT_OV_FAULT_RESPONSE, SIM_VOUT, SIM_IN_VOUT,
             SIM_STATUS_OVER_FAULT),
    SIM_OVER_WARN(SIM_VOUT_OV_WARN_LIMIT, SIM_VOUT, SIM_IN_VOUT, SIM_STATUS_OVER_WARN),
    SIM_UNDER_WARN(SIM_VOUT_UV_WARN_LIMIT, SIM_VOUT, SIM_IN_VOUT, SIM_STATUS_UNDER_WARN, true),
    SIM_UNDER(SIM_VOUT_UV_FAULT_LIMIT, SIM_VOUT_UV_FAULT_RESPONSE, SIM_VOUT, SIM_IN_VOUT,
              SIM_STATUS_UNDER_FAULT, true),
    SIM_OVER(SIM_OT_FAULT_LIMIT, SIM_OT_FAULT_RESPONSE, SIM_TEMP_1, SIM_IN_TEMPERATURE,
             SIM_STATUS_OVER_FAULT),
    SIM_OVER_WARN(SIM_OT_WARN_LIMIT, SIM_TEMP_1, SIM_IN_TEMPERATURE, SIM_STATUS_OVER_WARN),
    SIM_UNDER_WARN(SIM_UT_WARN_LIMIT, SIM_TEMP_1, SIM_IN_TEMPERATURE, SIM_STATUS_UNDER_WARN, false),
    SIM_OVER(SIM_VIN_OV_FAULT_LIMIT, SIM_VIN_OV_FAULT_RESPONSE, SIM_VIN, SIM_IN_INPUT,
             SIM_STATUS_OVER_FAULT),
    SIM_OVER_WARN(SIM_VIN_OV_WARN_LIMIT, SIM_VIN, SIM_IN_INPUT, SIM_STATUS_OVER_WARN),
    SIM_UNDER_WARN(SIM_VIN_UV_WARN_LIMIT, SIM_VIN, SIM_IN_INPUT, SIM_STATUS_UNDER_WARN, false),
    SIM_UNDER(SIM_VIN_UV_FAULT_LIMIT, SIM_VIN_UV_FAULT_RESPONSE, SIM_VIN, SIM_IN_INPUT,
              SIM_STATUS_UNDER_FAULT, false)};

/* Chosen so that no quantity has the coefficients of another and one slope is negative. */
static sim_coefficients_t coefficients(const sim_pmbus_part_t *part, uint8_t quantity) {
    static const sim_coefficients_t table[SIM_QUANTITIES] = {
        [SIM_VOUT] = {2000.0, 0.0, -1},    [SIM_IOUT] = {850.0, -600.0, -1},
        [SIM_VIN] = {4587.0, -1200.0, -2}, [SIM_IIN] = {10753.0, -1200.0, -2},
        [SIM_TEMP_1] = {-13.0, 3000.0, 0}, [SIM_TEMP_2] = {16000.0, 0.0, -3},
        [SIM_POUT] = {17561.0, 0.0, -3},   [SIM_PIN] = {1204.0, -6000.0, -3}};
    (void)part;
    return table[quantity];
}

const sim_pmbus_model_t sim_model_generic = {.name = "generic",
                                             .commands = linear_commands,
                                             .command_count = SIM_COUNT(linear_commands),
                                             .limits = limits,
                                             .limit_count = SIM_COUNT(limits),
                                             .page_count = SIM_PAGES_MAX,
                                             .write_protect = 0xE0,
                                             .habits = SIM_ALL_PAGES_WRITES,
                                             .retry_delay_us = RETRY_DELAY_US,
                                             .text = {"SIM", "GENERIC", "1"}};

const sim_pmbus_model_t sim_model_generic_direct = {.name = "generic_direct",
                                                    .commands = direct_commands,
                                                    .command_count = SIM_COUNT(direct_commands),
                                                    .limits = limits,
                                                    .limit_count = SIM_COUNT(limits),
                                                    .page_count = SIM_PAGES_MAX,
                                                    .write_protect = 0xE0,
                                                    .habits = SIM_ALL_PAGES_WRITES,
                                                    .retry_delay_us = RETRY_DELAY_US,
                                                    .text = {"SIM", "GENERIC-D", "1"},
                                                    .coefficients = coefficients};
