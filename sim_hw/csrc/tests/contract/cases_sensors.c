/** @file cases_sensors.c  What sensors have beside readings. */
#include "cases.h"

#define ROUNDS 50
#define SENSOR_ROUNDS 8
#define CYCLE_S 0.0127 /* INA228: three conversions of 1.052 ms, four of each averaged */

static double value_of(uint32_t channel) {
    double value = (double)NAN;
    CHECK(contract_read(channel, &value) == NS_OK);
    return value;
}

static void settle(void) {
    contract_pass(contract.row->settle_us);
    CHECK(contract_begin() == NS_OK);
}

static void open_settled(const contract_part_t *row) {
    contract_open(row, true);
    CHECK(contract_begin() == NS_OK);
    settle();
}

/** One step of the part's limit below nothing, one above the alert; it stays, as evidence does,
 *  until CLEAR. Limits: 2.5 uV (INA226), 5 uV (INA228) of the shunt. */
void an_alert_stays_until_it_is_cleared(const contract_part_t *row) {
    uint8_t evidence[4] = {0};
    size_t size = 0;
    if (row->class != CONTRACT_INA2XX || row->limit <= 0.0 ||
        !contract_is_simulated(row, __func__)) {
        return;
    }
    double step_a = row->kind == SIM_PART_INA226 ? 0.00125 : 0.0025;
    open_settled(row);
    double *current_a = &contract.part->rail[0].truth[SIM_IOUT];
    *current_a = row->limit - 2.0 * step_a;
    settle();
    CHECK(value_of(NS_INA2XX_ALERT) == 0.0 && contract.device.ops->alarm(contract.device.ctx) == 0);
    *current_a = row->limit + 2.0 * step_a;
    settle();
    CHECK(value_of(NS_INA2XX_ALERT) == 1.0);
    *current_a = 5.0;
    settle();
    settle();
    CHECK(value_of(NS_INA2XX_ALERT) == 1.0 && contract.device.ops->alarm(contract.device.ctx) != 0);
    CHECK(contract_capture(evidence, sizeof(evidence), &size) == NS_OK && size == 4);
    CHECK((evidence[0] << 8 | evidence[1]) != 0);
    CHECK(contract_request(NS_REQUEST_CLEAR) == NS_OK);
    settle();
    CHECK(value_of(NS_INA2XX_ALERT) == 0.0 && contract.device.ops->alarm(contract.device.ctx) == 0);
}

void counters_count_energy_and_charge(const contract_part_t *row) {
    if (row->kind != SIM_PART_INA228 || !contract_is_simulated(row, __func__)) {
        return;
    }
    open_settled(row);
    double current_a = row->nominal[SIM_IOUT];
    double power_w = current_a * row->nominal[SIM_VOUT];
    double energy_j = value_of(NS_INA2XX_ENERGY_J);
    double charge_c = value_of(NS_INA2XX_CHARGE_C);
    for (int i = 0; i < ROUNDS; i++) {
        CHECK(contract_begin() == NS_OK);
    }
    double elapsed_s = (double)ROUNDS * (double)contract.period_us * 1e-6;
    double rounding = 0.001; /* power in whole steps, steps of 16 */
    CHECK_NEAR(value_of(NS_INA2XX_ENERGY_J) - energy_j, power_w * elapsed_s,
               power_w * (CYCLE_S + rounding * elapsed_s));
    CHECK_NEAR(value_of(NS_INA2XX_CHARGE_C) - charge_c, current_a * elapsed_s,
               current_a * (CYCLE_S + rounding * elapsed_s));
}

void an_open_diode_has_no_temperature(const contract_part_t *row) {
    double value = 0.0;
    if (row->class != CONTRACT_TMP4XX || !contract_is_simulated(row, __func__)) {
        return;
    }
    open_settled(row);
    uint8_t diode = row->kind == SIM_PART_TMP421 ? 1 : 2;
    contract.part->tmp.is_open[diode] = true;
    settle();
    for (int i = 0; i < ROUNDS; i++) { /* also between two conversions, when its bit is gone */
        contract.period_us = 10000;
        CHECK(contract_begin() == NS_OK);
        CHECK(contract_read(diode, &value) == NS_E_RANGE);
        CHECK(contract_read(NS_TMP4XX_LOCAL_TEMP_C, &value) == NS_OK);
        CHECK(diode == 1 || contract_read(NS_TMP4XX_REMOTE1_TEMP_C, &value) == NS_OK);
    }
    contract.part->tmp.is_open[diode] = false;
    settle();
    settle();
    CHECK_NEAR(value_of(diode), 30.0, 1.0 / 32.0);
}

/** Limit 90.3 degC, in steps of 0.5 degC rounded down: 90.0 degC. Nothing is latched. */
void a_hot_sensor_raises_the_alert(const contract_part_t *row) {
    static const uint8_t truths[] = {SIM_TEMP_1, TRUTH_DIODE_1, TRUTH_DIODE_4};
    if (row->kind != SIM_PART_TMP464 || !contract_is_simulated(row, __func__)) {
        return;
    }
    for (size_t i = 0; i < sizeof(truths); i++) {
        open_settled(row);
        row->set_truth(row, 0, truths[i], 90.0);
        settle();
        CHECK(value_of(NS_TMP4XX_ALERT) == 0.0);
        row->set_truth(row, 0, truths[i], 90.1);
        settle();
        CHECK(value_of(NS_TMP4XX_ALERT) == 1.0);
        CHECK(contract.device.ops->alarm(contract.device.ctx) != 0);
        row->set_truth(row, 0, truths[i], 30.0);
        settle();
        CHECK(value_of(NS_TMP4XX_ALERT) == 0.0);
    }
}

static void check_repair(const contract_part_t *row, uint16_t *word, uint16_t bit) {
    uint16_t before = *word;
    *word ^= bit;
    for (int i = 0; i < SENSOR_ROUNDS; i++) {
        contract_pass(row->settle_us);
        (void)contract_begin();
    }
    CHECK(*word == before);
    CHECK(contract_round() == NS_OK);
}

void flipped_bits_of_a_temperature_sensor_are_found(const contract_part_t *row) {
    if (row->class != CONTRACT_TMP4XX || !contract_is_simulated(row, __func__)) {
        return;
    }
    open_settled(row);
    sim_tmp_t *part = &contract.part->tmp;
    bool is_421 = row->kind == SIM_PART_TMP421;
    check_repair(row, &part->config, is_421 ? 0x04 : 0x10); /* range; rate */
    check_repair(row, &part->config, is_421 ? 0x40 : 0x20); /* shutdown */
    for (int i = 0; !is_421 && i < SIM_TMP_CHANNELS; i++) {
        check_repair(row, &part->therm[i], 0x0400);
    }
}
