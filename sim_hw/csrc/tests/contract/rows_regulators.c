/**
 * @file rows_regulators.c
 * @brief LTC2978, LTC3887, ISL68137, RAA228, MP2975, UCD90320: the device is page 1 of several.
 */
#include "rows.h"

#define LINEAR16_13 (1.0 / 8192.0) /* VOUT_MODE 0x13: 2^-13 V */
#define LINEAR16_12 (1.0 / 4096.0) /* VOUT_MODE 0x14 */

/* A regulator: 1 V, 10 A, from 12 V: inside the limits that the LTC parts have after reset. */
#define NOMINAL                                                                                    \
    {[SIM_VOUT] = 1.0, [SIM_IOUT] = 10.0,   [SIM_VIN] = 12.0,                                      \
     [SIM_IIN] = 3.0,  [SIM_TEMP_1] = 40.0, [SIM_TEMP_2] = 35.0}
#define SETTLE_US 400000 /* two windows of the slowest converter */
#define PROTECT_BITS {0x10, 6, 2, 0}

/* Renesas, all DIRECT with m 1: see the models' sources. */
#define RENESAS_CHANNELS(vin_step)                                                                 \
    {                                                                                              \
        [NS_PMBUS_VOLTAGE_V] = SWEPT(SIM_VOUT, 0.0, 3.0, 1e-3),                                    \
        [NS_PMBUS_CURRENT_A] = SWEPT(SIM_IOUT, -20.0, 500.0, 0.1),                                 \
        [NS_PMBUS_POWER_W] = SWEPT(TRUTH_POUT, 0.0, 600.0, 1.0),                                   \
        [NS_PMBUS_TEMP_C] = SWEPT(SIM_TEMP_1, -40.0, 125.0, 1.0),                                  \
        [NS_PMBUS_STATUS] = STATE,                                                                 \
        [NS_PMBUS_ENABLE] = STATE,                                                                 \
        [NS_PMBUS_INPUT_VOLTAGE_V] = SWEPT(SIM_VIN, 0.0, 20.0, vin_step),                          \
        [NS_PMBUS_INPUT_CURRENT_A] = SWEPT(SIM_IIN, 0.0, 80.0, 0.01),                              \
        [NS_PMBUS_INPUT_POWER_W] = SWEPT(TRUTH_PIN, 0.0, 900.0, 1.0),                              \
        [NS_PMBUS_ENERGY_J] = ABSENT,                                                              \
        [NS_PMBUS_VOLTAGE_V_PEAK] = ABSENT,                                                        \
        [NS_PMBUS_CURRENT_A_PEAK] = ABSENT,                                                        \
        [NS_PMBUS_POWER_W_PEAK] = ABSENT,                                                          \
        [NS_PMBUS_TEMP_C_PEAK] = ABSENT,                                                           \
        [NS_PMBUS_CURRENT_A_AVERAGE] = ABSENT,                                                     \
        [NS_PMBUS_POWER_W_AVERAGE] = ABSENT,                                                       \
        [NS_PMBUS_EXTERNAL_TEMP_C] = SWEPT(SIM_TEMP_2, -40.0, 125.0, 1.0),                         \
    }
#define RENESAS_LIMITS                                                                             \
    {                                                                                              \
        {FIELD_CURRENT, 0x46, SIM_IOUT, 100.03, 0.1, SHOWS_IOUT, true},                            \
        {FIELD_HIGH, 0x40, SIM_VOUT, 1.5004, 1e-3, SHOWS_VOUT, true},                              \
        {FIELD_LOW, 0x44, SIM_VOUT, 0.9004, 1e-3, SHOWS_VOUT, true},                               \
        {FIELD_TEMP, 0x4F, SIM_TEMP_1, 100.5, 1.0, SHOWS_TEMP, true},                              \
    }
#define RENESAS_REGISTERS                                                                          \
    {{0x46, 0, 16, 0}, {0x40, 0, 16, 0}, {0x44, 0, 16, 0}, {0x4F, 0, 16, 0}, PROTECT_BITS}

const contract_part_t contract_regulators[] = {
    {.name = "LTC2978",
     SIMULATED,
     .kind = SIM_PART_LTC2978,
     .part = NS_PMBUS_PART_LTC2978,
     .pages = 8,
     .page = 1,
     .has_protect = true,
     .settle_us = SETTLE_US,
     .nominal = NOMINAL,
     .channels =
         {
             [NS_PMBUS_VOLTAGE_V] = SWEPT(SIM_VOUT, 0.0, 6.0, LINEAR16_13),
             [NS_PMBUS_CURRENT_A] = ABSENT,
             [NS_PMBUS_POWER_W] = ABSENT,
             [NS_PMBUS_TEMP_C] = SWEPT(SIM_TEMP_1, -40.0, 105.0, 0.0),
             [NS_PMBUS_STATUS] = STATE,
             [NS_PMBUS_ENABLE] = STATE,
             [NS_PMBUS_INPUT_VOLTAGE_V] = SWEPT(SIM_VIN, 0.0, 15.0, 0.0),
             [NS_PMBUS_INPUT_CURRENT_A] = ABSENT,
             [NS_PMBUS_INPUT_POWER_W] = ABSENT,
             [NS_PMBUS_ENERGY_J] = ABSENT,
             [NS_PMBUS_VOLTAGE_V_PEAK] = HIGHEST(SIM_VOUT, 1.1, 6.0, LINEAR16_13),
             [NS_PMBUS_CURRENT_A_PEAK] = ABSENT,
             [NS_PMBUS_POWER_W_PEAK] = ABSENT,
             [NS_PMBUS_TEMP_C_PEAK] = HIGHEST(SIM_TEMP_1, 41.0, 105.0, 0.0),
             [NS_PMBUS_CURRENT_A_AVERAGE] = ABSENT,
             [NS_PMBUS_POWER_W_AVERAGE] = ABSENT,
             [NS_PMBUS_EXTERNAL_TEMP_C] = ABSENT,
         },
     .limits = {{FIELD_HIGH, 0x40, SIM_VOUT, 1.05005, LINEAR16_13, SHOWS_VOUT, true},
                {FIELD_LOW, 0x44, SIM_VOUT, 0.95005, LINEAR16_13, SHOWS_VOUT, true},
                {FIELD_TEMP, 0x4F, SIM_TEMP_1, 80.03, 0.0, SHOWS_TEMP, true}},
     .registers = {{0x40, 0, 16, 0}, {0x44, 0, 16, 0}, {0x4F, 0, 16, 0}, PROTECT_BITS}},
    {.name = "LTC3887",
     SIMULATED,
     .kind = SIM_PART_LTC3887,
     .part = NS_PMBUS_PART_LTC3887,
     .pages = 2,
     .page = 1,
     .has_protect = true,
     .settle_us = SETTLE_US,
     .nominal = NOMINAL,
     .channels =
         {
             [NS_PMBUS_VOLTAGE_V] = SWEPT(SIM_VOUT, 0.0, 5.5, LINEAR16_12),
             [NS_PMBUS_CURRENT_A] = SWEPT(SIM_IOUT, -5.0, 60.0, 0.0),
             [NS_PMBUS_POWER_W] = SWEPT(TRUTH_POUT, 0.0, 70.0, 0.0),
             [NS_PMBUS_TEMP_C] = SWEPT(SIM_TEMP_1, -40.0, 125.0, 0.0),
             [NS_PMBUS_STATUS] = STATE,
             [NS_PMBUS_ENABLE] = STATE,
             [NS_PMBUS_INPUT_VOLTAGE_V] = SWEPT(SIM_VIN, 4.5, 24.0, 0.0),
             [NS_PMBUS_INPUT_CURRENT_A] = SWEPT(SIM_IIN, 0.0, 20.0, 0.0),
             [NS_PMBUS_INPUT_POWER_W] = ABSENT,
             [NS_PMBUS_ENERGY_J] = ABSENT,
             [NS_PMBUS_VOLTAGE_V_PEAK] = HIGHEST(SIM_VOUT, 1.1, 5.5, LINEAR16_12),
             [NS_PMBUS_CURRENT_A_PEAK] = HIGHEST(SIM_IOUT, 11.0, 60.0, 0.0),
             [NS_PMBUS_POWER_W_PEAK] = ABSENT,
             [NS_PMBUS_TEMP_C_PEAK] = HIGHEST(SIM_TEMP_1, 41.0, 125.0, 0.0),
             [NS_PMBUS_CURRENT_A_AVERAGE] = ABSENT,
             [NS_PMBUS_POWER_W_AVERAGE] = ABSENT,
             [NS_PMBUS_EXTERNAL_TEMP_C] = SWEPT(SIM_TEMP_2, -40.0, 125.0, 0.0),
         },
     .limits = {{FIELD_CURRENT, 0x46, SIM_IOUT, 18.01, 0.0, SHOWS_IOUT, false},
                {FIELD_HIGH, 0x40, SIM_VOUT, 1.05005, LINEAR16_12, SHOWS_VOUT, true},
                {FIELD_LOW, 0x44, SIM_VOUT, 0.95005, LINEAR16_12, SHOWS_VOUT, true},
                {FIELD_TEMP, 0x4F, SIM_TEMP_1, 80.03, 0.0, SHOWS_TEMP, true, true}},
     .registers =
         {{0x46, 0, 16, 0}, {0x40, 0, 16, 0}, {0x44, 0, 16, 0}, {0x4F, 0, 16, 0}, PROTECT_BITS}},
    {.name = "ISL68137",
     SIMULATED,
     .kind = SIM_PART_ISL68137,
     .part = NS_PMBUS_PART_ISL68137,
     .pages = 2,
     .page = 1,
     .has_protect = true,
     .settle_us = SETTLE_US,
     .nominal = NOMINAL,
     .channels = RENESAS_CHANNELS(1e-3),
     .limits = RENESAS_LIMITS,
     .registers = RENESAS_REGISTERS},
    {.name = "ISL68137, phase 2 of 4",
     SIMULATED,
     .kind = SIM_PART_ISL68137,
     .part = NS_PMBUS_PART_ISL68137,
     .pages = 2,
     .page = 1,
     .phases = 4,
     .has_protect = true,
     .settle_us = SETTLE_US,
     .nominal = NOMINAL,
     .channels = RENESAS_CHANNELS(1e-3),
     .registers = {PROTECT_BITS}},
    {.name = "RAA228",
     SIMULATED,
     .kind = SIM_PART_RAA228,
     .part = NS_PMBUS_PART_RAA228,
     .pages = 3,
     .page = 1,
     .has_protect = true,
     .settle_us = SETTLE_US,
     .nominal = NOMINAL,
     .channels = RENESAS_CHANNELS(1e-2),
     .limits = RENESAS_LIMITS,
     .registers = RENESAS_REGISTERS},
    {.name = "MP2975",
     SIMULATED,
     .kind = SIM_PART_MP2975,
     .part = NS_PMBUS_PART_MP2975,
     .pages = 2,
     .page = 1,
     .settle_us = SETTLE_US,
     .nominal = NOMINAL,
     .channels =
         {
             [NS_PMBUS_VOLTAGE_V] = SWEPT(SIM_VOUT, 0.0, 3.0, 1e-3),
             [NS_PMBUS_CURRENT_A] = SWEPT(SIM_IOUT, 0.0, 500.0, 1.0),
             [NS_PMBUS_POWER_W] = SWEPT(TRUTH_POUT, 0.0, 600.0, 1.0),
             [NS_PMBUS_TEMP_C] = SWEPT(SIM_TEMP_1, 0.0, 125.0, 1.0),
             [NS_PMBUS_STATUS] = STATE,
             [NS_PMBUS_ENABLE] = STATE,
             [NS_PMBUS_INPUT_VOLTAGE_V] = SWEPT(SIM_VIN, 0.0, 20.0, 0.0),
             [NS_PMBUS_INPUT_CURRENT_A] = SWEPT(SIM_IIN, 0.0, 80.0, 0.0),
             [NS_PMBUS_INPUT_POWER_W] = SWEPT(TRUTH_PIN, 0.0, 900.0, 1.0),
             [NS_PMBUS_ENERGY_J] = ABSENT,
             [NS_PMBUS_VOLTAGE_V_PEAK] = ABSENT,
             [NS_PMBUS_CURRENT_A_PEAK] = HIGHEST(SIM_IOUT, 11.0, 500.0, 0.25),
             [NS_PMBUS_POWER_W_PEAK] = HIGHEST(TRUTH_POUT, 11.0, 600.0, 0.25),
             [NS_PMBUS_TEMP_C_PEAK] = ABSENT,
             [NS_PMBUS_CURRENT_A_AVERAGE] = ABSENT,
             [NS_PMBUS_POWER_W_AVERAGE] = ABSENT,
             [NS_PMBUS_EXTERNAL_TEMP_C] = ABSENT,
         },
     .limits = {{FIELD_TEMP, 0x4F, SIM_TEMP_1, 100.5, 1.0, SHOWS_TEMP, true}},
     .registers = {{0x4F, 0, 8, 0}}},
    {.name = "UCD90320",
     SIMULATED,
     .kind = SIM_PART_UCD90320,
     .part = NS_PMBUS_PART_UCD90XXX,
     .pages = 4,
     .page = 1,
     .settle_us = SETTLE_US,
     .nominal = NOMINAL,
     .channels =
         {
             [NS_PMBUS_VOLTAGE_V] = SWEPT(SIM_VOUT, 0.0, 7.9, LINEAR16_13),
             [NS_PMBUS_CURRENT_A] = SWEPT(SIM_IOUT, 0.0, 100.0, 0.0),
             [NS_PMBUS_POWER_W] = ABSENT,
             [NS_PMBUS_TEMP_C] = SWEPT(SIM_TEMP_1, -40.0, 125.0, 0.0),
             [NS_PMBUS_STATUS] = STATE,
             [NS_PMBUS_ENABLE] = STATE,
             [NS_PMBUS_INPUT_VOLTAGE_V] = ABSENT,
             [NS_PMBUS_INPUT_CURRENT_A] = ABSENT,
             [NS_PMBUS_INPUT_POWER_W] = ABSENT,
             [NS_PMBUS_ENERGY_J] = ABSENT,
             [NS_PMBUS_VOLTAGE_V_PEAK] = ABSENT,
             [NS_PMBUS_CURRENT_A_PEAK] = ABSENT,
             [NS_PMBUS_POWER_W_PEAK] = ABSENT,
             [NS_PMBUS_TEMP_C_PEAK] = ABSENT,
             [NS_PMBUS_CURRENT_A_AVERAGE] = ABSENT,
             [NS_PMBUS_POWER_W_AVERAGE] = ABSENT,
             [NS_PMBUS_EXTERNAL_TEMP_C] = SWEPT(SIM_TEMP_2, -40.0, 125.0, 0.0),
         },
     .limits = {{FIELD_CURRENT, 0x46, SIM_IOUT, 40.01, 0.0, SHOWS_IOUT, true},
                {FIELD_HIGH, 0x40, SIM_VOUT, 1.50005, LINEAR16_13, SHOWS_VOUT, true},
                {FIELD_LOW, 0x44, SIM_VOUT, 0.90005, LINEAR16_13, SHOWS_VOUT, true},
                {FIELD_TEMP, 0x4F, SIM_TEMP_2, 90.03, 0.0, SHOWS_TEMP, true}},
     .registers = {{0x46, 0, 16, 0}, {0x40, 0, 16, 0}, {0x44, 0, 16, 0}, {0x4F, 0, 16, 0}}},
};
const size_t contract_regulator_count = ROW_COUNT(contract_regulators);
