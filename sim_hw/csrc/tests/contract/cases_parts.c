/** @file cases_parts.c  What one part alone promises. */
#include <string.h>

#include "cases.h"

#define ROUNDS 50
#define LTC3887_BUSY_US 500000 /* five times what the driver waits: pmbus.h, NS_E_BUSY */
#define CYCLE_US 11000000      /* RESTART_TIME 0x64: 10.1 s; the ADM1275 takes 5 s */
#define TRIP_US 30000
#define LOG_PAGE_0 5 /* of LOGGED_FAULTS, behind four bytes of GPI: SLVUAW9C, table 44 */

static bool is_kind(const contract_part_t *row, sim_part_kind_t kind, const char *test) {
    return row->kind == kind && contract_is_simulated(row, test);
}

static double value_of(uint32_t channel) {
    double value = (double)NAN;
    CHECK(contract_read(channel, &value) == NS_OK);
    return value;
}

static void open_measuring(const contract_part_t *row) {
    contract_open(row, true);
    CHECK(contract_round() == NS_OK || contract_round() == NS_OK);
}

/** Within one power word in 256, what is cut off of each sample: ADM1276 data sheet, READ_EIN_EXT;
 *  and one sample at either end. */
void energy_is_power_times_time(const contract_part_t *row) {
    if (!is_kind(row, SIM_PART_ADM1272, __func__)) {
        return;
    }
    open_measuring(row);
    double power_w = contract_expected(&row->channels[NS_PMBUS_POWER_W]);
    double step_w = row->channels[NS_PMBUS_POWER_W].step;
    CHECK(contract_begin() == NS_OK);
    double start_j = value_of(NS_PMBUS_ENERGY_J);
    for (int i = 0; i < ROUNDS; i++) {
        CHECK(contract_begin() == NS_OK);
        (void)value_of(NS_PMBUS_ENERGY_J);
    }
    double elapsed_s = (double)ROUNDS * (double)contract.period_us * 1e-6;
    double energy_j = value_of(NS_PMBUS_ENERGY_J) - start_j;
    CHECK_NEAR(energy_j, power_w * elapsed_s, step_w * elapsed_s + power_w * 0.001);
}

void a_power_cycle_ends_with_the_output_on_behind_its_limits(const contract_part_t *row) {
    bool has_cycle = row->kind == SIM_PART_ADM1272 || row->kind == SIM_PART_ADM1275;
    contract_open(row, true);
    CHECK(contract_begin() == NS_OK);
    if (!has_cycle) {
        CHECK(contract_request(NS_REQUEST_POWER_CYCLE) == NS_E_UNSUPPORTED);
        return;
    }
    if (!contract_is_simulated(row, __func__)) {
        return;
    }
    const double *enabled = &contract.part->rail[row->page].enabled;
    CHECK(contract_request(NS_REQUEST_POWER_CYCLE) == NS_OK && *enabled == 0.0);
    contract_pass(CYCLE_US);
    CHECK(*enabled == 1.0);
    CHECK(contract_is_programmed(&row->limits[0]));
    CHECK(contract_write(NS_PMBUS_ENABLE, 0.0) == NS_OK && *enabled == 0.0);
    CHECK(contract_request(NS_REQUEST_POWER_CYCLE) == NS_E_REFUSED && *enabled == 0.0);
}

/** CLEAR_FAULTS wipes the part's own (LTC2978A data sheet, LTC3880 data sheet: peak commands). */
void peaks_outlive_a_clear(const contract_part_t *row) {
    for (uint32_t i = 0; i < contract_channel_count(row); i++) {
        const contract_channel_t *channel = &row->channels[i];
        if (channel->claim != CONTRACT_HIGHEST || !contract_is_simulated(row, __func__)) {
            continue;
        }
        double nominal = 0.0;
        contract_open(row, false);
        CHECK(contract_begin() == NS_OK);
        nominal = contract_expected(channel);
        contract_set(channel, channel->high);
        contract_pass(row->settle_us);
        contract_set(channel, nominal);
        contract_pass(row->settle_us);
        CHECK(contract_begin() == NS_OK);
        CHECK(contract_request(NS_REQUEST_CLEAR) == NS_OK); /* nobody has read the peak before */
        contract_pass(row->settle_us);
        CHECK(contract_begin() == NS_OK);
        CHECK_NEAR(value_of(i), channel->high, contract_tolerance(channel, channel->high));
    }
}

static const uint8_t *find_element(const uint8_t *evidence, size_t size, uint8_t tag) {
    for (size_t at = 0; at + 2 <= size; at += 2u + evidence[at + 1]) {
        if (evidence[at] == tag) {
            return &evidence[at];
        }
    }
    return NULL;
}

/** The log is written at the first fault and stays: CLEAR leaves it. */
void the_log_of_the_part_is_evidence(const contract_part_t *row) {
    bool is_ucd = row->kind == SIM_PART_UCD90320;
    bool has_log = is_ucd || row->kind == SIM_PART_LTC2978 || row->kind == SIM_PART_LTC3887;
    uint8_t evidence[NS_EVIDENCE_BYTES];
    size_t size = 0;
    if (!has_log || !contract_is_simulated(row, __func__)) {
        return;
    }
    contract_open(row, true);
    CHECK(contract_begin() == NS_OK && contract_write(NS_PMBUS_ENABLE, 1.0) == NS_OK);
    contract_pass(TRIP_US);
    contract.part->rail[row->page].truth[SIM_VOUT] = 1.6;
    contract_pass(TRIP_US);
    contract.part->rail[row->page].truth[SIM_VOUT] = row->nominal[SIM_VOUT];
    for (int is_cleared = 0; is_cleared < 2; is_cleared++) {
        CHECK(contract_begin() == NS_OK);
        CHECK(contract_capture(evidence, sizeof(evidence), &size) == NS_OK);
        const uint8_t *log = find_element(evidence, size, is_ucd ? 0xEA : 0xEE);
        CHECK(log != NULL && log[1] == 32); /* its head: pmbus.h */
        uint8_t told = is_ucd ? log[2 + LOG_PAGE_0 + row->page] : log[2];
        CHECK(is_ucd ? told != 0 : told == row->page);
        CHECK(!is_ucd || find_element(evidence, size, 0xF3) != NULL);
        CHECK(contract_request(NS_REQUEST_CLEAR) == NS_OK);
    }
}

/** LTC3887: busy after each write, pending after each number; MFR_COMMON says so. No message is
 *  ever refused, and one that stays busy costs no more than the deadline. */
void a_busy_part_is_waited_for(const contract_part_t *row) {
    if (!is_kind(row, SIM_PART_LTC3887, __func__)) {
        return;
    }
    contract_open(row, true);
    for (int i = 0; i < CONTRACT_CHECK_ROUNDS; i++) {
        CHECK(contract_round() == NS_OK);
        CHECK(contract_write(NS_PMBUS_ENABLE, i % 2 == 0 ? 0.0 : 1.0) == NS_OK);
        CHECK(contract_request(NS_REQUEST_CLEAR) == NS_OK);
    }
    CHECK(contract.bench.i2c.nack_count == 0);
    sim_pmbus_part_t *part = &contract.part->pmbus;
    part->busy_until_ns = contract.bench.now_ns + LTC3887_BUSY_US * 1000LL;
    ns_status_t status = contract_round();
    CHECK(status == NS_E_BUSY || status == NS_E_TIMEOUT);
    part->pending_until_ns = contract.bench.now_ns + LTC3887_BUSY_US * 1000LL;
    status = contract_round();
    CHECK(status == NS_E_BUSY || status == NS_E_TIMEOUT);
    contract_pass(2 * LTC3887_BUSY_US);
    CHECK(contract_round() == NS_OK);
}
