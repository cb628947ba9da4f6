/** @file cases_wire.c  A sick bus. */
#include "cases.h"

#define NS_PER_US 1000
#define LONGEST_MESSAGE_US 1000u /* a block of 33 bytes with PEC takes 0.9 ms at 400 kHz */
#define ROUNDS_FREE 14
#define STUCK_ROUNDS 12

static void open_running(const contract_part_t *row) {
    contract_open(row, true);
    contract.period_us = row->settle_us;
    CHECK(contract_round() == NS_OK || contract_round() == NS_OK);
}

static ns_bus_statistics_t statistics(void) {
    ns_bus_statistics_t now;
    CHECK(ns_bus_port_statistics(contract.port, &now) == NS_OK);
    return now;
}

/** A round until it is good; fails when it takes too many. */
static void wait_good(int rounds_max) {
    ns_status_t status = NS_E_TIMEOUT;
    for (int i = 0; i < rounds_max && status != NS_OK; i++) {
        status = contract_round();
    }
    CHECK(status == NS_OK);
}

void a_stretched_clock_is_waited_for_until_the_time_out(const contract_part_t *row) {
    if (!contract_is_simulated(row, __func__)) {
        return;
    }
    sim_i2c_slot_t *seat = NULL;
    open_running(row);
    seat = contract.part->seat;
    uint64_t before = statistics().timeout_count;
    seat->stretch_us = CONTRACT_TIMEOUT_US - LONGEST_MESSAGE_US;
    seat->stretch_left = 2;
    CHECK(contract_round() == NS_OK && statistics().timeout_count == before);
    for (int is_late = 0; is_late < 2; is_late++) {
        seat->is_stretch_late = is_late != 0;
        seat->stretch_us = CONTRACT_TIMEOUT_US + 1;
        seat->stretch_left = 1;
        CHECK(contract_round() == NS_E_TIMEOUT && statistics().timeout_count > before);
        wait_good(2);
    }
    seat->stretch_left = SIM_I2C_FOR_EVER;
    for (int i = 0; i < STUCK_ROUNDS; i++) {
        CHECK(contract_round() == NS_E_TIMEOUT);
    }
    seat->stretch_left = 0;
    wait_good(ROUNDS_FREE);
}

void a_stuck_bus_is_freed_or_given_up(const contract_part_t *row) {
    if (!contract_is_simulated(row, __func__)) {
        return;
    }
    open_running(row);
    contract.bench.i2c.faults.sda_clocks = 9;
    wait_good(3); /* the second time-out in a row has the bus recover: bus_port.h */
    CHECK(statistics().recovery_count == 1);
    contract.bench.i2c.faults.sda_clocks = SIM_I2C_FOR_EVER;
    for (int i = 0; i < STUCK_ROUNDS; i++) {
        CHECK(contract_round() == NS_E_TIMEOUT);
    }
    int64_t elapsed_s = contract.bench.now_ns / 1000000000;
    CHECK(statistics().recovery_count <= 2u + (uint64_t)elapsed_s);
    contract.bench.i2c.faults.sda_clocks = 0;
    wait_good(2);
}

/** Each transfer takes its whole time-out: no call is longer than its deadline (contract.c checks),
 *  and none of them is refused for ever. */
void answers_in_the_last_microsecond_keep_every_deadline(const contract_part_t *row) {
    uint8_t evidence[NS_EVIDENCE_BYTES];
    size_t size = 0;
    if (!contract_is_simulated(row, __func__)) {
        return;
    }
    for (int is_fresh = 0; is_fresh < 2; is_fresh++) {
        contract_open(row, true);
        if (is_fresh == 0) {
            CHECK(contract_round() == NS_OK || contract_round() == NS_OK);
        }
        contract.bench.i2c.faults.is_last_moment = true;
        for (int i = 0; i < STUCK_ROUNDS; i++) {
            ns_status_t status = contract_round();
            CHECK(status == NS_E_TIMEOUT || status == NS_OK || status == NS_E_STALE);
            contract_pass(100000);
            if (row->class == CONTRACT_PMBUS) {
                (void)contract_write(NS_PMBUS_ENABLE, i % 2 == 0 ? 0.0 : 1.0);
                contract_pass(100000);
                (void)contract_capture(evidence, sizeof(evidence), &size);
                contract_pass(100000);
                (void)contract_request(NS_REQUEST_CLEAR);
            }
        }
        contract.bench.i2c.faults.is_last_moment = false;
        wait_good(ROUNDS_FREE);
        for (size_t i = 0; i < CONTRACT_LIMITS && row->limits[i].field != 0; i++) {
            CHECK(contract_is_programmed(&row->limits[i]));
        }
    }
}

/** Busy or unpowered for a while: an error meanwhile, everything as before afterwards. */
void a_silent_part_comes_back(const contract_part_t *row) {
    if (row->forgets_range || !contract_is_simulated(row, __func__)) {
        return;
    }
    open_running(row);
    contract.may_change_range = true;
    contract.part->seat->is_deaf = true;
    contract.part->nack = 1.0;
    for (int i = 0; i < STUCK_ROUNDS; i++) {
        CHECK(contract_round() == NS_E_NACK);
    }
    contract.part->nack = 0.0;
    contract.part->seat->is_deaf = false;
    wait_good(2);
    contract.part->supply = 0.0;
    CHECK(contract_round() == NS_E_NACK);
    contract.part->supply = 1.0;
    (void)contract_round(); /* it may have measured nothing yet */
    wait_good(2);
    for (size_t i = 0; i < CONTRACT_LIMITS && row->limits[i].field != 0; i++) {
        CHECK(contract_is_programmed(&row->limits[i])); /* noticed, because it was silent */
    }
}
