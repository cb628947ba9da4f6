/** @file cases_outputs.c  Switch, limits, evidence, lock of PMBus parts. */
#include <string.h>

#include "cases.h"

#define STATUS_OFF 0x0040u
#define STATUS_POWER_GOOD_N 0x0800u
#define GOOD_RATIO 0.85
#define TRIP_US 30000 /* above the trip time, and above 20 ms of rise */
#define PROTECT_MOST 0x40u
#define CHECK_ROUNDS 12

static double read_now(uint32_t channel) {
    double value = (double)NAN;
    CHECK(contract_begin() == NS_OK);
    CHECK(contract_read(channel, &value) == NS_OK);
    return value;
}

static unsigned status_now(void) {
    return (unsigned)read_now(NS_PMBUS_STATUS);
}

static sim_rail_t *rail(void) {
    return &contract.part->rail[contract.row->page];
}

void enable_switches_and_reads_back(const contract_part_t *row) {
    if (!contract_is_simulated(row, __func__)) {
        return;
    }
    contract_open(row, true);
    double nominal_v = row->nominal[SIM_VOUT];
    contract.part->pmbus.wiring[row->page].voltage_good_v = GOOD_RATIO * nominal_v;
    for (int round = 0; round < 2; round++) {
        CHECK(contract_begin() == NS_OK && contract_write(NS_PMBUS_ENABLE, 0.0) == NS_OK);
        CHECK(rail()->enabled == 0.0 && read_now(NS_PMBUS_ENABLE) == 0.0);
        rail()->truth[SIM_VOUT] = 0.0;
        CHECK((status_now() & STATUS_OFF) != 0 && (status_now() & STATUS_POWER_GOOD_N) != 0);
        rail()->truth[SIM_VOUT] = nominal_v;
        CHECK(contract_begin() == NS_OK && contract_write(NS_PMBUS_ENABLE, 1.0) == NS_OK);
        CHECK(rail()->enabled == 1.0 && read_now(NS_PMBUS_ENABLE) == 1.0);
        CHECK((status_now() & STATUS_OFF) == 0 && (status_now() & STATUS_POWER_GOOD_N) == 0);
    }
}

/** Even when nothing was polled since a power cycle. */
void limits_are_there_before_the_output_comes_on(const contract_part_t *row) {
    if (row->limits[0].field == 0 || !contract_is_simulated(row, __func__)) {
        return;
    }
    for (int is_cycled = 0; is_cycled < 2; is_cycled++) {
        contract_open(row, true);
        CHECK(contract_write(NS_PMBUS_ENABLE, 0.0) == NS_OK || contract_begin() == NS_OK);
        CHECK(contract_write(NS_PMBUS_ENABLE, 0.0) == NS_OK && rail()->enabled == 0.0);
        contract.may_change_range = is_cycled != 0;
        if (is_cycled != 0) {
            contract.part->brown_out = 1.0;
            contract_pass(1000);
            (void)contract_write(NS_PMBUS_ENABLE, 0.0);
            CHECK(contract_write(NS_PMBUS_ENABLE, 0.0) == NS_OK && rail()->enabled == 0.0);
        }
        contract.limit_when_on = (double)NAN;
        CHECK(contract_write(NS_PMBUS_ENABLE, 1.0) == NS_OK && rail()->enabled == 1.0);
        CHECK(fabs(contract.limit_when_on - contract_programmed(&row->limits[0])) == 0.0);
        for (size_t i = 0; i < CONTRACT_LIMITS && row->limits[i].field != 0; i++) {
            CHECK(contract_is_programmed(&row->limits[i]));
        }
    }
}

static void open_running(const contract_part_t *row, const contract_limit_t *limit) {
    contract_open_limit(row, limit);
    CHECK(contract_begin() == NS_OK && contract_write(NS_PMBUS_ENABLE, 1.0) == NS_OK);
    contract_pass(TRIP_US);
    CHECK(contract_request(NS_REQUEST_CLEAR) == NS_OK);
    CHECK((status_now() & limit->status) == 0);
}

static void put_truth(const contract_limit_t *limit, double value) {
    contract.row->set_truth(contract.row, contract.row->page, limit->truth, value);
    contract_pass(TRIP_US);
}

static void check_limit(const contract_part_t *row, const contract_limit_t *limit) {
    double away = limit->field == FIELD_LOW ? -1.0 : 1.0;
    double step = limit->step > 0.0 ? limit->step : limit->value / 512.0;
    double hair = 1e-6 * limit->value;
    open_running(row, limit);
    put_truth(limit, limit->value - away * (step + hair));
    if ((status_now() & limit->status) != 0 || rail()->enabled != 1.0) {
        (void)fprintf(stderr, "%s: limit 0x%02X acts too early\n", row->name, limit->code);
    }
    CHECK((status_now() & limit->status) == 0 && rail()->enabled == 1.0);
    put_truth(limit, limit->value + away * hair);
    if ((status_now() & limit->status) == 0) {
        (void)fprintf(stderr, "%s: limit 0x%02X does not act\n", row->name, limit->code);
    }
    CHECK((status_now() & limit->status) != 0);
    CHECK((rail()->enabled == 0.0) == limit->switches_off);
    put_truth(limit, limit->truth < SIM_MEASURED ? row->nominal[limit->truth] : 60.0);
    CHECK((status_now() & limit->status) != 0); /* latched */
    CHECK(limit->comes_back || (rail()->enabled == 0.0) == limit->switches_off);
}

void limits_trip_just_above_and_not_just_below(const contract_part_t *row) {
    for (size_t i = 0; i < CONTRACT_LIMITS && row->limits[i].field != 0; i++) {
        if (contract_is_simulated(row, __func__)) {
            check_limit(row, &row->limits[i]);
        }
    }
}

/* ---- evidence ---- */

/** Bytes of a register as the part gives them on the wire, without PEC; blocks without count. */
static size_t wire_bytes(uint8_t code, uint8_t *out, size_t size) {
    uint8_t bytes[64] = {0};
    const sim_command_t *command = sim_pmbus_find(&contract.part->pmbus, code);
    CHECK(command != NULL && size < sizeof(bytes) - 1);
    size_t head = command->kind == SIM_AS_BLOCK ? 1 : 0;
    ns_bus_t bus = contract.bus;
    CHECK(bus.ops->transfer(bus.ctx, CONTRACT_ADDRESS, &code, 1, bytes, size + head,
                            CONTRACT_TIMEOUT_US) == NS_OK);
    memcpy(out, &bytes[head], size);
    return size;
}

static void check_evidence(const uint8_t *evidence, size_t size) {
    uint8_t held[64];
    size_t at = 0;
    while (at < size) {
        CHECK(at + 2 <= size && at + 2 + evidence[at + 1] <= size);
        if (sim_pmbus_find(&contract.part->pmbus, evidence[at]) == NULL) {
            CHECK(evidence[at] == SIM_PAGE && evidence[at + 2] == 0); /* said of every part */
            at += 2u + evidence[at + 1];
            continue;
        }
        size_t count = wire_bytes(evidence[at], held, evidence[at + 1]);
        if (evidence[at] == 0x79) { /* its fault bits: pmbus.h */
            held[0] &= 0x3E;
            held[1] &= 0xF7;
        }
        if (memcmp(held, &evidence[at + 2], count) != 0) {
            (void)fprintf(stderr, "%s: evidence 0x%02X differs\n", contract.row->name,
                          evidence[at]);
        }
        CHECK(memcmp(held, &evidence[at + 2], count) == 0);
        at += 2u + evidence[at + 1];
    }
    CHECK(at == size);
}

static bool holds(const uint8_t *evidence, size_t size, uint8_t tag) {
    for (size_t at = 0; at + 2 <= size; at += 2u + evidence[at + 1]) {
        if (evidence[at] == tag) {
            return true;
        }
    }
    return false;
}

/** The register that a bit of STATUS_WORD points at: PMBus part II, 17.2. */
static uint8_t register_of(uint16_t status) {
    switch (status) {
    case 0x8000u:
        return 0x7A;
    case 0x4000u:
        return 0x7B;
    case 0x2000u:
        return 0x7C;
    default:
        return 0x7D;
    }
}

static void check_clear(const contract_part_t *row, const contract_limit_t *limit) {
    uint8_t evidence[NS_EVIDENCE_BYTES];
    uint8_t again[NS_EVIDENCE_BYTES];
    size_t size = 0;
    size_t size_again = 0;
    double away = limit->field == FIELD_LOW ? -1.0 : 1.0;
    open_running(row, limit);
    put_truth(limit, limit->value + away * 0.01 * limit->value);
    CHECK(contract_begin() == NS_OK);
    uint32_t alarm = contract.device.ops->alarm(contract.device.ctx);
    CHECK((alarm & limit->status) != 0);
    put_truth(limit, limit->truth < SIM_MEASURED ? row->nominal[limit->truth] : 60.0);
    CHECK(contract_begin() == NS_OK);
    CHECK(contract_capture(evidence, sizeof(evidence), &size) == NS_OK);
    CHECK(holds(evidence, size, 0x79) && holds(evidence, size, register_of(limit->status)));
    check_evidence(evidence, size);
    CHECK(contract_capture(again, sizeof(again), &size_again) == NS_OK); /* it clears nothing */
    CHECK(size == size_again && memcmp(evidence, again, size) == 0);
    CHECK(contract_request(NS_REQUEST_CLEAR) == NS_OK);
    CHECK(contract_begin() == NS_OK);
    alarm = contract.device.ops->alarm(contract.device.ctx);
    if ((alarm & limit->status) != 0) {
        (void)fprintf(stderr, "%s: 0x%02X stays after CLEAR\n", row->name, limit->code);
    }
    CHECK((alarm & limit->status) == 0);
}

void evidence_is_what_the_part_holds_and_clear_clears_it(const contract_part_t *row) {
    for (size_t i = 0; i < CONTRACT_LIMITS && row->limits[i].field != 0; i++) {
        if (contract_is_simulated(row, __func__)) {
            check_clear(row, &row->limits[i]);
        }
    }
}

void lock_is_kept(const contract_part_t *row) {
    if (!row->has_protect || !contract_is_simulated(row, __func__)) {
        return;
    }
    contract_open(row, true);
    for (int i = 0; i < CHECK_ROUNDS; i++) {
        CHECK(contract_round() == NS_OK);
        CHECK(contract.part->pmbus.write_protect == PROTECT_MOST);
        CHECK(contract_write(NS_PMBUS_ENABLE, 1.0) == NS_OK);
        CHECK(contract.part->pmbus.write_protect == PROTECT_MOST);
    }
    CHECK(contract_request(NS_REQUEST_CLEAR) == NS_OK);
    CHECK(contract.part->pmbus.write_protect == PROTECT_MOST);
}
