/** @file cases_messages.c  One message goes wrong: every one of every call, in turn. */
#include "cases.h"

#define MESSAGES_MAX 200u
#define PERIOD_US 60000 /* more than a monitor needs that was only just started */
#define CLEAN_ROUNDS 9  /* the tenth begin checks limits and lock */

/** The calls that the fault falls into. */
typedef enum operation {
    OPERATION_FIRST_ROUND,
    OPERATION_CHECK_ROUND,
    OPERATION_SWITCH_ON,
    OPERATION_CAPTURE,
    OPERATION_CLEAR,
    OPERATION_KINDS
} operation_t;

static void prepare(const contract_part_t *row, operation_t operation) {
    contract_open(row, true);
    contract.period_us = PERIOD_US;
    if (operation == OPERATION_FIRST_ROUND) {
        return;
    }
    CHECK(contract_round() == NS_OK || contract_round() == NS_OK);
    for (int i = 1; operation == OPERATION_CHECK_ROUND && i < CLEAN_ROUNDS; i++) {
        CHECK(contract_round() == NS_OK);
    }
    if (operation == OPERATION_SWITCH_ON) {
        CHECK(contract_write(NS_PMBUS_ENABLE, 0.0) == NS_OK);
        contract.limit_when_on = (double)NAN;
    }
}

static ns_status_t carry_out(operation_t operation) {
    uint8_t evidence[NS_EVIDENCE_BYTES];
    size_t size = 0;
    switch (operation) {
    case OPERATION_SWITCH_ON:
        return contract_write(NS_PMBUS_ENABLE, 1.0);
    case OPERATION_CAPTURE:
        return contract_capture(evidence, sizeof(evidence), &size);
    case OPERATION_CLEAR:
        return contract_request(NS_REQUEST_CLEAR);
    default: {
        ns_status_t status = contract_round();
        return status == NS_OK ? contract_round() : status;
    }
    }
}

/** An output that came on did so behind its limit, and other pages kept what they had. */
static void check_harm(const contract_part_t *row) {
    const contract_limit_t *limit = &row->limits[0];
    if (row->class != CONTRACT_PMBUS || limit->field == 0) {
        return;
    }
    if (!isnan(contract.limit_when_on)) {
        CHECK(contract.limit_when_on <= limit->value);
    }
    const sim_pmbus_part_t *part = &contract.part->pmbus;
    for (uint8_t page = 0; page < row->pages; page++) {
        const sim_command_t *command = sim_pmbus_find(part, limit->code);
        bool is_other = page != row->page && (command->traits & SIM_PAGED) != 0;
        uint16_t reset = command->reset;
        CHECK(!is_other || sim_pmbus_word(part, page, limit->code) == reset);
        CHECK(page == row->page || part->registers[page].operation == part->wiring[page].operation);
    }
}

static void check_recovery(const contract_part_t *row) {
    for (int i = 0; i < CONTRACT_CHECK_ROUNDS; i++) {
        (void)contract_round();
    }
    ns_status_t status = contract_round();
    if (status != NS_OK) {
        (void)fprintf(stderr, "%s: after message %u still %s\n", row->name,
                      (unsigned)contract.fault_at, ns_status_name(status));
    }
    CHECK(status == NS_OK);
    for (size_t i = 0; i < CONTRACT_LIMITS && row->limits[i].field != 0; i++) {
        CHECK(contract_is_programmed(&row->limits[i]));
    }
    CHECK(!row->has_protect || contract.part->pmbus.write_protect == 0x40u);
}

static void fail_each_message(const contract_part_t *row, operation_t operation,
                              contract_fault_t fault) {
    for (uint32_t at = 0;; at++) {
        CHECK(at < MESSAGES_MAX);
        prepare(row, operation);
        contract_arm(fault, at);
        ns_status_t status = carry_out(operation);
        bool has_fired = contract.has_fired;
        contract.fault = FAULT_NONE;
        CHECK(has_fired || status == NS_OK || status == NS_E_STALE);
        if (operation == OPERATION_SWITCH_ON && status == NS_OK) {
            CHECK(contract.part->rail[row->page].enabled == 1.0 || fault == FAULT_BROWN_OUT);
        }
        check_harm(row);
        check_recovery(row);
        check_harm(row);
        if (!has_fired) {
            return;
        }
    }
}

static void fail_each_operation(const contract_part_t *row, contract_fault_t fault) {
    bool is_pmbus = row->class == CONTRACT_PMBUS;
    for (int i = 0; i < OPERATION_KINDS; i++) {
        if (is_pmbus || i == OPERATION_FIRST_ROUND || i == OPERATION_CHECK_ROUND) {
            fail_each_message(row, (operation_t)i, fault);
        }
    }
}

void one_lost_message_does_no_harm(const contract_part_t *row) {
    if (contract_is_simulated(row, __func__)) {
        fail_each_operation(row, FAULT_NACK);
        fail_each_operation(row, FAULT_LOST);
    }
}

void one_wrong_check_code_does_no_harm(const contract_part_t *row) {
    if (contract_is_simulated(row, __func__)) {
        fail_each_operation(row, FAULT_PEC);
    }
}

static ns_status_t carry_out_blind(operation_t operation) {
    return operation == OPERATION_CHECK_ROUND ? contract_begin() : carry_out(operation);
}

static void brown_out_at_each_message(const contract_part_t *row, operation_t operation) {
    for (uint32_t at = 0;; at++) {
        CHECK(at < MESSAGES_MAX);
        prepare(row, operation);
        contract.may_change_range = true;
        contract_arm(FAULT_BROWN_OUT, at);
        (void)carry_out_blind(operation);
        bool has_fired = contract.has_fired;
        contract.fault = FAULT_NONE;
        if (contract.write_after > 1) {
            check_harm(row);
        }
        contract.period_us = row->settle_us;
        check_recovery(row);
        if (!has_fired) {
            return;
        }
    }
}

/** A restart in the middle of a round: until the next begin a paged part may read another page, so
 *  only what comes after is claimed of readings. Nothing is written to another page, unless the
 *  part restarts right before the write, or before it is asked whether it is busy for that write:
 *  docs/reference/pmbus-parts.md. */
void a_brown_out_at_any_message_is_mended(const contract_part_t *row) {
    if (row->forgets_range || !contract_is_simulated(row, __func__)) {
        return;
    }
    brown_out_at_each_message(row, OPERATION_CHECK_ROUND);
    if (row->class == CONTRACT_PMBUS) {
        brown_out_at_each_message(row, OPERATION_SWITCH_ON);
        brown_out_at_each_message(row, OPERATION_CLEAR);
    }
}
