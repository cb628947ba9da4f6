/**
 * @file rows_hot_swaps.c
 * @brief ADM1272, ADM1275, LM25066, LM5066 over a shunt of 1 mOhm.
 *
 * A step is 10^-R / m of the coefficients; a range ends where the word is 12 bits long (power of
 * the ADM1272: 15), and begins where it is 0.
 */
#include "rows.h"

#define ADM1272_PMON_CONFIG 0xD4
#define ADM1275_PMON_CONFIG 0xD4
#define DEVICE_CONFIG 0xD8
#define PMON_CONTROL 0xD3
#define DEVICE_SETUP 0xD9

/* ADM1272: current by IRANGE, voltage by VRANGE, power by both. */
#define ADM1272_CHANNELS(volt_max, volt_step, ampere_max, ampere_step, watt_max, watt_step)        \
    {                                                                                              \
        [NS_PMBUS_VOLTAGE_V] = SWEPT(SIM_VOUT, 0.5, volt_max, volt_step),                          \
        [NS_PMBUS_CURRENT_A] = SWEPT(SIM_IOUT, -0.98 * (ampere_max), ampere_max, ampere_step),     \
        [NS_PMBUS_POWER_W] = SWEPT(TRUTH_PIN, 0.0, watt_max, watt_step),                           \
        [NS_PMBUS_TEMP_C] = SWEPT(SIM_TEMP_1, -40.0, 150.0, 10.0 / 42.0),                          \
        [NS_PMBUS_STATUS] = STATE,                                                                 \
        [NS_PMBUS_ENABLE] = STATE,                                                                 \
        [NS_PMBUS_INPUT_VOLTAGE_V] = SWEPT(SIM_VIN, 0.5, volt_max, volt_step),                     \
        [NS_PMBUS_INPUT_CURRENT_A] = SWEPT(SIM_IOUT, 0.0, ampere_max, ampere_step),                \
        [NS_PMBUS_INPUT_POWER_W] = SWEPT(TRUTH_PIN, 0.0, watt_max, watt_step),                     \
        [NS_PMBUS_ENERGY_J] = STATE,                                                               \
        [NS_PMBUS_VOLTAGE_V_PEAK] = HIGHEST(SIM_VOUT, 12.5, volt_max, volt_step),                  \
        [NS_PMBUS_CURRENT_A_PEAK] = HIGHEST(SIM_IOUT, 5.5, ampere_max, ampere_step),               \
        [NS_PMBUS_POWER_W_PEAK] = HIGHEST(TRUTH_PIN, 61.0, watt_max, watt_step),                   \
        [NS_PMBUS_TEMP_C_PEAK] = HIGHEST(SIM_TEMP_1, 31.0, 150.0, 10.0 / 42.0),                    \
        [NS_PMBUS_CURRENT_A_AVERAGE] = ABSENT,                                                     \
        [NS_PMBUS_POWER_W_AVERAGE] = ABSENT,                                                       \
        [NS_PMBUS_EXTERNAL_TEMP_C] = ABSENT,                                                       \
    }
#define ADM1272_LIMITS(volt_step, ampere_step, watt_step)                                          \
    {                                                                                              \
        {FIELD_CURRENT, 0x4A, SIM_IOUT, 12.001, ampere_step, SHOWS_IOUT, false},                   \
        {FIELD_HIGH, 0x42, SIM_VOUT, 14.001, volt_step, SHOWS_VOUT, false},                        \
        {FIELD_LOW, 0x43, SIM_VOUT, 9.001, volt_step, SHOWS_VOUT, false},                          \
        {FIELD_TEMP, 0x4F, SIM_TEMP_1, 90.01, 10.0 / 42.0, SHOWS_TEMP, true},                      \
        {FIELD_POWER, 0x6B, TRUTH_PIN, 200.01, watt_step, SHOWS_INPUT, false},                     \
    }
#define ADM1272_REGISTERS                                                                          \
    {                                                                                              \
        {0x4A, 0, 12, 0},                                                                          \
        {0x42, 0, 12, 0},                                                                          \
        {0x43, 0, 12, 0},                                                                          \
        {0x4F, 0, 12, 0},                                                                          \
        {0x6B, 0, 15, 0},                                                                          \
        {PMON_CONTROL, 0, 1, 0},                                                                   \
        {ADM1272_PMON_CONFIG, 0, 6, 0x0021},                                                       \
    }

#define ADM1275_LIMITS(volt_step)                                                                  \
    {                                                                                              \
        {FIELD_CURRENT, 0x4A, SIM_IOUT, 12.001, 10.0 / 807.0, SHOWS_IOUT, false},                  \
        {FIELD_HIGH, 0x42, SIM_VOUT, 5.501, volt_step, SHOWS_VOUT, false},                         \
        {FIELD_LOW, 0x43, SIM_VOUT, 4.001, volt_step, SHOWS_VOUT, false},                          \
    }
#define ADM1275_REGISTERS                                                                          \
    {                                                                                              \
        {0x4A, 0, 12, 0},                                                                          \
        {PMON_CONTROL, 0, 1, 0},                                                                   \
        {DEVICE_CONFIG, 0, 8, 0xDF},                                                               \
        {ADM1275_PMON_CONFIG, 0, 6, 0x3F},                                                         \
        {ADM1275_PMON_CONFIG, 7, 1, 0},                                                            \
    }
#define ADM1275_CHANNELS(input, output, output_peak)                                               \
    {                                                                                              \
        [NS_PMBUS_VOLTAGE_V] = output,                                                             \
        [NS_PMBUS_CURRENT_A] = SWEPT(SIM_IOUT, -25.0, 25.3, 10.0 / 807.0),                         \
        [NS_PMBUS_POWER_W] = ABSENT,                                                               \
        [NS_PMBUS_TEMP_C] = ABSENT,                                                                \
        [NS_PMBUS_STATUS] = STATE,                                                                 \
        [NS_PMBUS_ENABLE] = STATE,                                                                 \
        [NS_PMBUS_INPUT_VOLTAGE_V] = input,                                                        \
        [NS_PMBUS_INPUT_CURRENT_A] = SWEPT(SIM_IOUT, 0.0, 25.3, 10.0 / 807.0),                     \
        [NS_PMBUS_INPUT_POWER_W] = ABSENT,                                                         \
        [NS_PMBUS_ENERGY_J] = ABSENT,                                                              \
        [NS_PMBUS_VOLTAGE_V_PEAK] = output_peak,                                                   \
        [NS_PMBUS_CURRENT_A_PEAK] = HIGHEST(SIM_IOUT, 5.5, 25.3, 10.0 / 807.0),                    \
        [NS_PMBUS_POWER_W_PEAK] = ABSENT,                                                          \
        [NS_PMBUS_TEMP_C_PEAK] = ABSENT,                                                           \
        [NS_PMBUS_CURRENT_A_AVERAGE] = ABSENT,                                                     \
        [NS_PMBUS_POWER_W_AVERAGE] = ABSENT,                                                       \
        [NS_PMBUS_EXTERNAL_TEMP_C] = ABSENT,                                                       \
    }

#define LM_CHANNELS(volt_max, volt_step, ampere_max, ampere_step, watt_low, watt_max, watt_step)   \
    {                                                                                              \
        [NS_PMBUS_VOLTAGE_V] = SWEPT(SIM_VOUT, 1.0, volt_max, volt_step),                          \
        [NS_PMBUS_CURRENT_A] = SWEPT(SIM_IOUT, 0.5, ampere_max, ampere_step),                      \
        [NS_PMBUS_POWER_W] = SWEPT(TRUTH_PIN, watt_low, watt_max, watt_step),                      \
        [NS_PMBUS_TEMP_C] = SWEPT(SIM_TEMP_1, -40.0, 150.0, 1.0 / 16.0),                           \
        [NS_PMBUS_STATUS] = STATE,                                                                 \
        [NS_PMBUS_ENABLE] = STATE,                                                                 \
        [NS_PMBUS_INPUT_VOLTAGE_V] = SWEPT(SIM_VIN, 1.0, volt_max, volt_step),                     \
        [NS_PMBUS_INPUT_CURRENT_A] = SWEPT(SIM_IOUT, 0.5, ampere_max, ampere_step),                \
        [NS_PMBUS_INPUT_POWER_W] = SWEPT(TRUTH_PIN, watt_low, watt_max, watt_step),                \
        [NS_PMBUS_ENERGY_J] = ABSENT,                                                              \
        [NS_PMBUS_VOLTAGE_V_PEAK] = ABSENT,                                                        \
        [NS_PMBUS_CURRENT_A_PEAK] = ABSENT,                                                        \
        [NS_PMBUS_POWER_W_PEAK] = HIGHEST(TRUTH_PIN, 61.0, watt_max, watt_step),                   \
        [NS_PMBUS_TEMP_C_PEAK] = ABSENT,                                                           \
        [NS_PMBUS_CURRENT_A_AVERAGE] = SWEPT(SIM_IOUT, 0.5, ampere_max, ampere_step),              \
        [NS_PMBUS_POWER_W_AVERAGE] = SWEPT(TRUTH_PIN, watt_low, watt_max, watt_step),              \
        [NS_PMBUS_EXTERNAL_TEMP_C] = ABSENT,                                                       \
    }
#define LM_LIMITS(volt_step, ampere_step, watt_step)                                               \
    {                                                                                              \
        {FIELD_CURRENT, 0xD3, SIM_IOUT, 12.001, ampere_step, SHOWS_INPUT, false},                  \
        {FIELD_LOW, 0x43, SIM_VOUT, 9.001, volt_step, SHOWS_VOUT, false},                          \
        {FIELD_TEMP, 0x4F, SIM_TEMP_1, 90.01, 1.0 / 16.0, SHOWS_TEMP, true},                       \
        {FIELD_POWER, 0xD4, TRUTH_PIN, 200.01, watt_step, SHOWS_INPUT, false},                     \
    }
#define LM_REGISTERS                                                                               \
    {                                                                                              \
        {0xD3, 0, 12, 0}, {0x43, 0, 12, 0},           {0x4F, 0, 12, 0},                            \
        {0xD4, 0, 12, 0}, {DEVICE_SETUP, 0, 5, 0x1F},                                              \
    }

/* VOUT VIN IIN: one current; 12 V, 5 A, 60 W. */
#define NOMINAL {[SIM_VOUT] = 12.0, [SIM_IOUT] = 5.0, [SIM_VIN] = 12.0, [SIM_TEMP_1] = 30.0}
/* Within both voltage ranges of the ADM1275. */
#define NOMINAL_5V {[SIM_VOUT] = 5.0, [SIM_IOUT] = 5.0, [SIM_VIN] = 5.0, [SIM_TEMP_1] = 30.0}
#define SETTLE_US 300000

const contract_part_t contract_hot_swaps[] = {
    {.name = "ADM1272, 100 V, 30 mV",
     SIMULATED,
     .kind = SIM_PART_ADM1272,
     .part = NS_PMBUS_PART_ADM1272,
     .pages = 1,
     .settle_us = SETTLE_US,
     .nominal = NOMINAL,
     .channels =
         ADM1272_CHANNELS(100.0, 100.0 / 4062.0, 30.8, 10.0 / 663.0, 369.0, 1000.0 / 10535.0),
     .limits = ADM1272_LIMITS(100.0 / 4062.0, 10.0 / 663.0, 1000.0 / 10535.0),
     .registers = ADM1272_REGISTERS},
    {.name = "ADM1272, 60 V, 15 mV",
     SIMULATED,
     .kind = SIM_PART_ADM1272,
     .part = NS_PMBUS_PART_ADM1272,
     .pages = 1,
     .strap_code = ADM1272_PMON_CONFIG,
     .strap_word = 0x3F14,
     .coarser = 3.4,
     .settle_us = SETTLE_US,
     .nominal = NOMINAL,
     .channels = ADM1272_CHANNELS(60.0, 100.0 / 6770.0, 15.3, 10.0 / 1326.0, 183.0, 100.0 / 3512.0),
     .limits = ADM1272_LIMITS(100.0 / 6770.0, 10.0 / 1326.0, 100.0 / 3512.0),
     .registers = ADM1272_REGISTERS},
    {.name = "ADM1275, VIN, 20 V",
     SIMULATED,
     .kind = SIM_PART_ADM1275,
     .part = NS_PMBUS_PART_ADM1275,
     .pages = 1,
     .settle_us = SETTLE_US,
     .nominal = NOMINAL_5V,
     .channels = ADM1275_CHANNELS(SWEPT(SIM_VIN, 0.5, 20.0, 100.0 / 19199.0), ABSENT, ABSENT),
     .limits = {{FIELD_CURRENT, 0x4A, SIM_IOUT, 12.001, 10.0 / 807.0, SHOWS_IOUT, false}},
     .registers = ADM1275_REGISTERS},
    {.name = "ADM1275, VOUT, 20 V",
     SIMULATED,
     .kind = SIM_PART_ADM1275,
     .part = NS_PMBUS_PART_ADM1275,
     .pages = 1,
     .strap_code = ADM1275_PMON_CONFIG,
     .strap_word = 0x6C,
     .forgets_range = true,
     .settle_us = SETTLE_US,
     .nominal = NOMINAL_5V,
     .channels = ADM1275_CHANNELS(ABSENT, SWEPT(SIM_VOUT, 0.5, 20.0, 100.0 / 19199.0),
                                  HIGHEST(SIM_VOUT, 5.5, 20.0, 100.0 / 19199.0)),
     .limits = ADM1275_LIMITS(100.0 / 19199.0),
     .registers = ADM1275_REGISTERS},
    {.name = "LM25066, 25 mV by its pin",
     SIMULATED,
     .kind = SIM_PART_LM25066,
     .part = NS_PMBUS_PART_LM25066,
     .pages = 1,
     .sense_range = 1,
     .coarser = 2.1,
     .settle_us = SETTLE_US,
     .nominal = NOMINAL,
     .channels =
         LM_CHANNELS(18.0, 100.0 / 22070.0, 30.0, 100.0 / 13661.0, 5.0, 360.0, 100.0 / 736.0),
     .limits = LM_LIMITS(100.0 / 22070.0, 100.0 / 13661.0, 100.0 / 736.0),
     .registers = LM_REGISTERS},
    {.name = "LM25066, 46 mV by its register",
     SIMULATED,
     .kind = SIM_PART_LM25066,
     .part = NS_PMBUS_PART_LM25066,
     .pages = 1,
     .sense_range = 1,
     .strap_code = DEVICE_SETUP,
     .strap_word = 0x14,
     .settle_us = SETTLE_US,
     .nominal = NOMINAL,
     .channels =
         LM_CHANNELS(18.0, 100.0 / 22070.0, 60.0, 100.0 / 6854.0, 6.0, 720.0, 100.0 / 369.0),
     .limits = LM_LIMITS(100.0 / 22070.0, 100.0 / 6854.0, 100.0 / 369.0),
     .registers = LM_REGISTERS},
    {.name = "LM5066, 26 mV by its pin",
     SIMULATED,
     .kind = SIM_PART_LM5066,
     .part = NS_PMBUS_PART_LM5066,
     .pages = 1,
     .sense_range = 1,
     .coarser = 2.1,
     .settle_us = SETTLE_US,
     .nominal = NOMINAL,
     .channels =
         LM_CHANNELS(89.0, 100.0 / 4587.0, 38.0, 100.0 / 10753.0, 6.0, 450.0, 1000.0 / 1204.0),
     .limits = LM_LIMITS(100.0 / 4587.0, 100.0 / 10753.0, 1000.0 / 1204.0),
     .registers = LM_REGISTERS},
    {.name = "LM5066, 50 mV by its register",
     SIMULATED,
     .kind = SIM_PART_LM5066,
     .part = NS_PMBUS_PART_LM5066,
     .pages = 1,
     .sense_range = 1,
     .strap_code = DEVICE_SETUP,
     .strap_word = 0x04,
     .settle_us = SETTLE_US,
     .nominal = NOMINAL,
     .channels =
         LM_CHANNELS(89.0, 100.0 / 4587.0, 75.0, 100.0 / 5405.0, 14.0, 900.0, 1000.0 / 605.0),
     .limits = LM_LIMITS(100.0 / 4587.0, 100.0 / 5405.0, 1000.0 / 605.0),
     .registers = LM_REGISTERS},
};
const size_t contract_hot_swap_count = ROW_COUNT(contract_hot_swaps);
