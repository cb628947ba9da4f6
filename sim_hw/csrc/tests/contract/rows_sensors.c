/**
 * @file rows_sensors.c
 * @brief INA219, INA226, INA228 over a shunt of 2 mOhm; TMP421, TMP464.
 *
 * Power is the product of two words: its step is that of either times the greatest of the other.
 */
#include "rows.h"

#define SHUNT_OHM 0.002
#define BUS_V 12.0
#define INA_SETTLE_US 100000
#define TMP_SETTLE_US 400000 /* three conversions of the slower part */

#define INA_CHANNELS(volt_max, volt, shunt_max, shunt, energy, degree, alert)                      \
    {                                                                                              \
        [NS_INA2XX_BUS_VOLTAGE_V] = SWEPT(SIM_VOUT, 0.0, volt_max, volt),                          \
        [NS_INA2XX_SHUNT_VOLTAGE_V] = SWEPT(TRUTH_SHUNT, -(shunt_max), shunt_max, shunt),          \
        [NS_INA2XX_CURRENT_A] = SWEPT(SIM_IOUT, -(shunt_max) / SHUNT_OHM, (shunt_max) / SHUNT_OHM, \
                                      (shunt) / SHUNT_OHM),                                        \
        [NS_INA2XX_POWER_W] =                                                                      \
            SWEPT(TRUTH_POUT, 0.0, BUS_V * (shunt_max) / SHUNT_OHM,                                \
                  BUS_V * (shunt) / SHUNT_OHM + (volt) * (shunt_max) / SHUNT_OHM),                 \
        [NS_INA2XX_ENERGY_J] = energy,                                                             \
        [NS_INA2XX_CHARGE_C] = energy,                                                             \
        [NS_INA2XX_TEMP_C] = degree,                                                               \
        [NS_INA2XX_ALERT] = alert,                                                                 \
    }
#define INA_NOMINAL {[SIM_VOUT] = BUS_V, [SIM_IOUT] = 5.0, [SIM_TEMP_1] = 30.0}
#define TMP_NOMINAL {[SIM_TEMP_1] = 30.0}
#define DEGREE SWEPT(SIM_TEMP_1, -40.0, 125.0, 1.0 / 16.0)
#define DIODE(n) SWEPT(TRUTH_DIODE_##n, -40.0, 125.0, 1.0 / 16.0)

const contract_part_t contract_sensors[] = {
    {.name = "INA219",
     SIMULATED,
     .kind = SIM_PART_INA219,
     .class = CONTRACT_INA2XX,
     .part = NS_INA219,
     .pages = 1,
     .settle_us = INA_SETTLE_US,
     .nominal = INA_NOMINAL,
     .channels = INA_CHANNELS(32.0, 4e-3, 0.32, 10e-6, ABSENT, ABSENT, ABSENT),
     .registers = {{0x00, 0, 14, 0}}},
    {.name = "INA226",
     SIMULATED,
     .kind = SIM_PART_INA226,
     .class = CONTRACT_INA2XX,
     .part = NS_INA226,
     .pages = 1,
     .settle_us = INA_SETTLE_US,
     .limit = 10.0005,
     .nominal = INA_NOMINAL,
     .channels = INA_CHANNELS(36.0, 1.25e-3, 0.0819, 2.5e-6, ABSENT, ABSENT, STATE),
     .registers = {{0x00, 0, 12, 0}, {0x07, 0, 16, 0}, {0x06, 15, 1, 0}}},
    {.name = "INA228",
     SIMULATED,
     .kind = SIM_PART_INA228,
     .class = CONTRACT_INA2XX,
     .part = NS_INA228,
     .pages = 1,
     .settle_us = INA_SETTLE_US,
     .limit = 10.0005,
     .nominal = INA_NOMINAL,
     .channels = INA_CHANNELS(85.0, 195.3125e-6, 0.1638, 312.5e-9, STATE,
                              SWEPT(SIM_TEMP_1, -40.0, 125.0, 7.8125e-3), STATE),
     .registers = {{0x01, 0, 16, 0}, {0x02, 0, 15, 0}, {0x0C, 0, 16, 0}, {0x0B, 15, 1, 0}}},
    {.name = "TMP421",
     SIMULATED,
     .kind = SIM_PART_TMP421,
     .class = CONTRACT_TMP4XX,
     .part = NS_TMP421,
     .pages = 1,
     .settle_us = TMP_SETTLE_US,
     .nominal = TMP_NOMINAL,
     .channels = {[NS_TMP4XX_LOCAL_TEMP_C] = DEGREE,
                  [NS_TMP4XX_REMOTE1_TEMP_C] = DIODE(1),
                  [NS_TMP4XX_REMOTE2_TEMP_C] = ABSENT,
                  [NS_TMP4XX_REMOTE3_TEMP_C] = ABSENT,
                  [NS_TMP4XX_REMOTE4_TEMP_C] = ABSENT,
                  [NS_TMP4XX_ALERT] = ABSENT}},
    {.name = "TMP464",
     SIMULATED,
     .kind = SIM_PART_TMP464,
     .class = CONTRACT_TMP4XX,
     .part = NS_TMP464,
     .pages = 1,
     .settle_us = TMP_SETTLE_US,
     .limit = 90.3,
     .nominal = TMP_NOMINAL,
     .channels = {[NS_TMP4XX_LOCAL_TEMP_C] = DEGREE,
                  [NS_TMP4XX_REMOTE1_TEMP_C] = DIODE(1),
                  [NS_TMP4XX_REMOTE2_TEMP_C] = DIODE(2),
                  [NS_TMP4XX_REMOTE3_TEMP_C] = DIODE(3),
                  [NS_TMP4XX_REMOTE4_TEMP_C] = DIODE(4),
                  [NS_TMP4XX_ALERT] = STATE}},
};
const size_t contract_sensor_count = ROW_COUNT(contract_sensors);
