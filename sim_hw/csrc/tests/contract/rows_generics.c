/**
 * @file rows_generics.c
 * @brief Parts that keep to the PMBus specification: linear with and without pages, and DIRECT
 *        with its coefficients asked for.
 */
#include "rows.h"

#define LINEAR16_9 (1.0 / 512.0) /* VOUT_MODE 0x17 */
#define SETTLE_US 10000
#define PROTECT_BITS {0x10, 6, 2, 0}

/* A hot-swap of a module: 54 V, 13 A. */
#define NOMINAL                                                                                    \
    {[SIM_VOUT] = 54.0, [SIM_IOUT] = 13.0,   [SIM_VIN] = 54.5,                                     \
     [SIM_IIN] = 13.5,  [SIM_TEMP_1] = 40.0, [SIM_TEMP_2] = 35.0}
#define CHANNELS(volt, ampere, watt, degree, vin, iin, degree_2)                                   \
    {                                                                                              \
        [NS_PMBUS_VOLTAGE_V] = SWEPT(SIM_VOUT, 0.0, 127.0, volt),                                  \
        [NS_PMBUS_CURRENT_A] = SWEPT(SIM_IOUT, -380.0, 380.0, ampere),                             \
        [NS_PMBUS_POWER_W] = SWEPT(TRUTH_POUT, 0.0, 1500.0, watt),                                 \
        [NS_PMBUS_TEMP_C] = SWEPT(SIM_TEMP_1, -55.0, 150.0, degree),                               \
        [NS_PMBUS_STATUS] = STATE,                                                                 \
        [NS_PMBUS_ENABLE] = STATE,                                                                 \
        [NS_PMBUS_INPUT_VOLTAGE_V] = SWEPT(SIM_VIN, 0.0, 100.0, vin),                              \
        [NS_PMBUS_INPUT_CURRENT_A] = SWEPT(SIM_IIN, 0.0, 100.0, iin),                              \
        [NS_PMBUS_INPUT_POWER_W] = ABSENT,                                                         \
        [NS_PMBUS_ENERGY_J] = ABSENT,                                                              \
        [NS_PMBUS_VOLTAGE_V_PEAK] = ABSENT,                                                        \
        [NS_PMBUS_CURRENT_A_PEAK] = ABSENT,                                                        \
        [NS_PMBUS_POWER_W_PEAK] = ABSENT,                                                          \
        [NS_PMBUS_TEMP_C_PEAK] = ABSENT,                                                           \
        [NS_PMBUS_CURRENT_A_AVERAGE] = ABSENT,                                                     \
        [NS_PMBUS_POWER_W_AVERAGE] = ABSENT,                                                       \
        [NS_PMBUS_EXTERNAL_TEMP_C] = SWEPT(SIM_TEMP_2, -40.0, 150.0, degree_2),                    \
    }
#define LINEAR_CHANNELS CHANNELS(LINEAR16_9, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
#define LIMITS(volt, ampere, degree)                                                               \
    {                                                                                              \
        {FIELD_CURRENT, 0x46, SIM_IOUT, 20.003, ampere, SHOWS_IOUT, true},                         \
        {FIELD_HIGH, 0x40, SIM_VOUT, 60.001, volt, SHOWS_VOUT, true},                              \
        {FIELD_LOW, 0x44, SIM_VOUT, 40.001, volt, SHOWS_VOUT, true},                               \
        {FIELD_TEMP, 0x4F, SIM_TEMP_1, 90.03, degree, SHOWS_TEMP, true},                           \
    }
#define REGISTERS                                                                                  \
    {{0x46, 0, 16, 0}, {0x40, 0, 16, 0}, {0x44, 0, 16, 0}, {0x4F, 0, 16, 0}, PROTECT_BITS}

const contract_part_t contract_generics[] = {
    {.name = "generic, linear, one page",
     SIMULATED,
     .kind = SIM_PART_GENERIC,
     .part = NS_PMBUS_PART_GENERIC,
     .pages = 1,
     .has_protect = true,
     .settle_us = SETTLE_US,
     .nominal = NOMINAL,
     .channels = LINEAR_CHANNELS,
     .limits = LIMITS(LINEAR16_9, 0.0, 0.0),
     .registers = REGISTERS},
    {.name = "generic, linear, page 1 of 4",
     SIMULATED,
     .kind = SIM_PART_GENERIC,
     .part = NS_PMBUS_PART_GENERIC,
     .pages = 4,
     .page = 1,
     .has_protect = true,
     .settle_us = SETTLE_US,
     .nominal = NOMINAL,
     .channels = LINEAR_CHANNELS,
     .limits = LIMITS(LINEAR16_9, 0.0, 0.0),
     .registers = REGISTERS},
    {.name = "generic, DIRECT, page 1 of 2",
     SIMULATED,
     .kind = SIM_PART_GENERIC_DIRECT,
     .part = NS_PMBUS_PART_GENERIC,
     .pages = 2,
     .page = 1,
     .has_protect = true,
     .settle_us = SETTLE_US,
     .nominal = NOMINAL,
     .channels = CHANNELS(10.0 / 2000.0, 10.0 / 850.0, 1000.0 / 17561.0, 1.0 / 13.0, 100.0 / 4587.0,
                          100.0 / 10753.0, 1000.0 / 16000.0),
     .limits = LIMITS(10.0 / 2000.0, 10.0 / 850.0, 1.0 / 13.0),
     .registers = REGISTERS},
};
const size_t contract_generic_count = ROW_COUNT(contract_generics);
