/** @file sim_bench.c */
#include "sim_bench.h"

#include <string.h>

#define NS_PER_US 1000
#define FINE_STEP_NS 100000 /* the shortest time constant here is the trip time */
#define STEP_NS 1000000
#define FINE_UNTIL_NS 1000000
#define TRIP_NS 100000        /* assumed, as in REF-1 */
#define SHUNT_MOHM 1.0        /* the scale of the data sheets' coefficients */
#define HOT_SWAP_LIMIT_A 25.0 /* assumed: what the resistors of the bench set */
#define INA_SHUNT_OHM 0.002   /* the example of SBOS547A, 7.5 */
#define GOOD_RATIO 0.85
#define LATCH_OFF 0x80u

static const sim_pmbus_model_t *const models[] = {
    [SIM_PART_GENERIC] = &sim_model_generic,
    [SIM_PART_GENERIC_DIRECT] = &sim_model_generic_direct,
    [SIM_PART_ADM1272] = &sim_model_adm1272,
    [SIM_PART_ADM1275] = &sim_model_adm1275,
    [SIM_PART_LM25066] = &sim_model_lm25066,
    [SIM_PART_LM5066] = &sim_model_lm5066,
    [SIM_PART_LTC2978] = &sim_model_ltc2978,
    [SIM_PART_LTC3887] = &sim_model_ltc3887,
    [SIM_PART_ISL68137] = &sim_model_isl68137,
    [SIM_PART_RAA228] = &sim_model_raa228,
    [SIM_PART_MP2975] = &sim_model_mp2975,
    [SIM_PART_UCD90320] = &sim_model_ucd90320};

void sim_bench_open(sim_bench_t *self, uint32_t bus_hz) {
    memset(self, 0, sizeof(*self));
    sim_i2c_open(&self->i2c, bus_hz);
}

static bool is_pmbus(sim_part_kind_t kind) {
    return kind < SIM_PART_INA219;
}

/* Hot-swaps come up on, regulators and sequencers off (OPERATION after reset: ADM1275 table 11,
   LM5066 table 2 and LTC3880 p. 66 0x80, LTC2978A p. 25 0x00). */
static uint8_t first_operation(sim_part_kind_t kind) {
    bool is_on = (kind >= SIM_PART_ADM1272 && kind <= SIM_PART_LM5066) || kind == SIM_PART_LTC3887;
    return is_on ? SIM_OPERATION_ON : SIM_OPERATION_OFF;
}

static void wire_page(sim_part_t *part, uint8_t page) {
    sim_rail_t *rail = &part->rail[page];
    sim_pmbus_wiring_t *wiring = &part->pmbus.wiring[page];
    for (uint8_t quantity = 0; quantity < SIM_MEASURED; quantity++) {
        wiring->truth[quantity] = &rail->truth[quantity];
    }
    bool is_hot_swap = part->kind >= SIM_PART_ADM1272 && part->kind <= SIM_PART_LM5066;
    wiring->enabled = &rail->enabled;
    wiring->operation = first_operation(part->kind);
    wiring->current_limit_a = is_hot_swap ? HOT_SWAP_LIMIT_A : 0.0;
}

static bool open_pmbus(sim_part_t *part, uint8_t address, uint8_t page_count) {
    sim_pmbus_part_t *pmbus = &part->pmbus;
    pmbus->model = models[part->kind];
    if (page_count == 0 || page_count > pmbus->model->page_count) {
        return false;
    }
    pmbus->address = address;
    pmbus->page_count = page_count;
    pmbus->trip_ns = TRIP_NS;
    pmbus->shunt_mohm = SHUNT_MOHM;
    pmbus->hardware_response = LATCH_OFF;
    pmbus->has_power = pmbus->has_pec = true;
    pmbus->supply = &part->supply;
    pmbus->brown_out = &part->brown_out;
    for (uint8_t page = 0; page < page_count; page++) {
        wire_page(part, page);
    }
    pmbus->wiring[0].nack = &part->nack;
    pmbus->wiring[0].fail_closed = &part->fail_closed;
    pmbus->wiring[0].spurious_trip = &part->spurious_trip;
    sim_pmbus_open(pmbus);
    return true;
}

static void open_ina(sim_part_t *part) {
    part->ina.kind = (sim_ina_kind_t)(part->kind - SIM_PART_INA219);
    part->ina.bus_v = &part->rail[0].truth[SIM_VOUT];
    part->ina.current_a = &part->rail[0].truth[SIM_IOUT];
    part->ina.temp_c = &part->rail[0].truth[SIM_TEMP_1];
    part->ina.shunt_ohm = INA_SHUNT_OHM;
    sim_ina_power_up(&part->ina);
}

static void open_tmp(sim_part_t *part) {
    static const uint8_t channels[] = {1, 2, 5};
    part->tmp.kind = (sim_tmp_kind_t)(part->kind - SIM_PART_TMP1075);
    for (uint8_t channel = 0; channel < channels[part->tmp.kind]; channel++) {
        part->tmp.temp_c[channel] = &part->rail[channel].truth[SIM_TEMP_1];
    }
    sim_tmp_power_up(&part->tmp);
}

sim_part_t *sim_part_open(sim_bench_t *self, sim_part_kind_t kind, uint8_t address,
                          uint8_t page_count) {
    if (self->part_count >= SIM_BENCH_PARTS || kind >= SIM_PART_KINDS) {
        return NULL;
    }
    sim_part_t *part = &self->part[self->part_count];
    memset(part, 0, sizeof(*part));
    part->kind = kind;
    part->supply = 1.0;
    if (is_pmbus(kind)) {
        bool is_open = open_pmbus(part, address, page_count);
        part->seat =
            is_open ? sim_i2c_add(&self->i2c, address, &sim_pmbus_i2c_ops, &part->pmbus) : NULL;
    } else if (kind <= SIM_PART_INA228) {
        open_ina(part);
        part->seat = sim_i2c_add(&self->i2c, address, &sim_ina_i2c_ops, &part->ina);
    } else {
        open_tmp(part);
        part->seat = sim_i2c_add(&self->i2c, address, &sim_tmp_i2c_ops, &part->tmp);
    }
    if (part->seat == NULL) {
        return NULL;
    }
    self->part_count++;
    return part;
}

/* INA and TMP come back with power-up registers too; the PMBus engine sees to its own. */
static void follow_power(sim_part_t *part) {
    bool is_powered = part->supply != 0.0;
    bool is_reset = part->brown_out != 0.0;
    part->brown_out = 0.0;
    part->seat->is_deaf = part->nack != 0.0;
    if (part->kind <= SIM_PART_INA228) {
        if (is_reset || (is_powered && !part->ina.is_powered)) {
            sim_ina_power_up(&part->ina);
        }
        part->ina.is_powered = is_powered;
        return;
    }
    if (is_reset || (is_powered && !part->tmp.is_powered)) {
        sim_tmp_power_up(&part->tmp);
    }
    part->tmp.is_powered = is_powered;
}

static void advance_part(sim_part_t *part, int64_t now_ns, int64_t step_ns) {
    for (uint8_t page = 0; is_pmbus(part->kind) && page < part->pmbus.page_count; page++) {
        sim_rail_advance(&part->rail[page], (double)step_ns / 1e9);
    }
    if (is_pmbus(part->kind)) {
        part->pmbus.now_ns = now_ns;
        sim_pmbus_advance(&part->pmbus, step_ns);
        return;
    }
    follow_power(part);
    if (part->kind <= SIM_PART_INA228) {
        sim_ina_advance(&part->ina, now_ns);
    } else {
        sim_tmp_advance(&part->tmp, now_ns);
    }
}

void sim_bench_advance(sim_bench_t *self, int64_t duration_us) {
    int64_t left_ns = duration_us * NS_PER_US;
    int64_t spent_ns = 0;
    while (left_ns > 0) {
        int64_t step_ns = spent_ns < FINE_UNTIL_NS ? FINE_STEP_NS : STEP_NS;
        step_ns = step_ns < left_ns ? step_ns : left_ns;
        left_ns -= step_ns;
        spent_ns += step_ns;
        self->now_ns += step_ns;
        for (uint8_t i = 0; i < self->part_count; i++) {
            advance_part(&self->part[i], self->now_ns, step_ns);
        }
    }
    sim_i2c_set_time(&self->i2c, self->now_ns);
}

ns_bus_t sim_bench_bus(sim_bench_t *self) {
    return (ns_bus_t){.ops = &sim_i2c_bus_ops, .ctx = &self->i2c};
}

void sim_part_strap(sim_part_t *self, uint8_t page, uint8_t code, uint16_t word) {
    if (is_pmbus(self->kind)) {
        sim_pmbus_set_word(&self->pmbus, page, code, word);
    }
}

bool sim_part_flip(sim_part_t *self, uint8_t page, uint8_t code, uint8_t bit) {
    if (is_pmbus(self->kind)) {
        return sim_pmbus_flip(&self->pmbus, page, code, bit);
    }
    return self->kind <= SIM_PART_INA228 && sim_ina_flip(&self->ina, code, bit);
}
