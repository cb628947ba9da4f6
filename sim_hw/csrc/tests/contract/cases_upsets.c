/** @file cases_upsets.c  Bits turn over, supplies dip. */
#include "cases.h"

#define SENSOR_ROUNDS 6 /* one register a round, at most six of them: ina2xx.h, tmp4xx.h */

static int rounds_of(const contract_part_t *row) {
    return row->class == CONTRACT_PMBUS ? CONTRACT_CHECK_ROUNDS : SENSOR_ROUNDS;
}

static uint16_t register_now(const contract_part_t *row, uint8_t code) {
    if (row->class == CONTRACT_INA2XX) {
        return contract.part->ina.reg[code];
    }
    return code == SIM_WRITE_PROTECT ? contract.part->pmbus.write_protect
                                     : sim_pmbus_word(&contract.part->pmbus, row->page, code);
}

/** Meanwhile a reading may be wrong: it is the time until it is found that is promised. */
static void run_unseen(const contract_part_t *row, int rounds) {
    for (int i = 0; i < rounds; i++) {
        contract_pass(row->settle_us);
        (void)contract_begin();
    }
}

static void check_flip(const contract_part_t *row, const contract_register_t *target, uint8_t bit) {
    contract_open(row, true);
    contract.period_us = row->settle_us;
    contract.may_change_range = true;
    CHECK(contract_round() == NS_OK || contract_round() == NS_OK);
    uint16_t before = register_now(row, target->code);
    CHECK(sim_part_flip(contract.part, row->page, target->code, bit));
    CHECK(register_now(row, target->code) != before);
    run_unseen(row, rounds_of(row));
    bool is_followed = (target->followed >> bit & 1u) != 0;
    bool is_repaired = register_now(row, target->code) == before;
    ns_status_t status = contract_round();
    if ((!is_followed && !is_repaired) || status != NS_OK) {
        (void)fprintf(stderr, "%s: bit %u of 0x%02X: 0x%04X, %s\n", row->name, (unsigned)bit,
                      target->code, register_now(row, target->code), ns_status_name(status));
    }
    CHECK((is_followed || is_repaired) && status == NS_OK);
    for (size_t i = 0; i < CONTRACT_LIMITS && row->limits[i].field != 0; i++) {
        CHECK(is_followed || contract_is_programmed(&row->limits[i]));
    }
}

void a_flipped_bit_is_found_within_the_stated_rounds(const contract_part_t *row) {
    for (size_t i = 0; i < CONTRACT_REGISTERS && row->registers[i].count > 0; i++) {
        const contract_register_t *target = &row->registers[i];
        for (uint8_t bit = 0; bit < target->count && contract_is_simulated(row, __func__); bit++) {
            check_flip(row, target, (uint8_t)(target->first + bit));
        }
    }
}

/** PAGE and limits are gone, yet the part answers: never a reading of another page, and the limits
 *  are back within the stated rounds. */
void a_brown_out_between_polls_is_mended(const contract_part_t *row) {
    if (row->forgets_range || !contract_is_simulated(row, __func__)) {
        return;
    }
    contract_open(row, true);
    contract.period_us = row->settle_us;
    contract.may_change_range = true;
    CHECK(contract_round() == NS_OK || contract_round() == NS_OK);
    contract.part->brown_out = 1.0;
    for (int i = 0; i < rounds_of(row); i++) {
        (void)contract_round(); /* checks what it reads */
    }
    CHECK(contract_round() == NS_OK);
    for (size_t i = 0; i < CONTRACT_LIMITS && row->limits[i].field != 0; i++) {
        CHECK(contract_is_programmed(&row->limits[i]));
    }
}
