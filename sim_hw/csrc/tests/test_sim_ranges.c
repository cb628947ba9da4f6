/** @file test_sim_ranges.c  Every channel over its range: the reading is the truth, rounded. */
#include "pmbus_rows.h"
#include "sim_ranges.h"
#include "wire.h"

#define PART 0x40u
#define STEPS 60

static sim_bench_t bench;
static sim_part_t *part;

static void start(sim_part_kind_t kind) {
    sim_bench_open(&bench, 400000);
    part = sim_part_open(&bench, kind, PART, 1);
    CHECK(part != NULL);
    if (kind == SIM_PART_ADM1272) { /* all channels, 100 V, 30 mV, no averaging */
        sim_part_strap(part, 0, 0xD4, 0x003F);
    } else if (kind == SIM_PART_ADM1275) { /* VIN, 20 V, no averaging, running */
        sim_part_strap(part, 0, 0xD4, 0xA8);
        sim_part_strap(part, 0, 0xD3, 0x01);
    } else if (kind == SIM_PART_INA219) { /* 32 V, 320 mV */
        CHECK(put_be(&bench, PART, 0, 0x399F) == NS_OK);
    }
}

static double read_pmbus(sim_quantity_t quantity) {
    const sim_pmbus_model_t *model = part->pmbus.model;
    for (uint8_t i = 0; i < model->command_count; i++) {
        const sim_command_t *command = &model->commands[i];
        if (command->action == SIM_DO_READ && command->place == quantity) {
            uint16_t raw = (uint16_t)get(&bench, PART, 2, command->code);
            return sim_pmbus_decode(&part->pmbus, 0, command->format, command->place, raw);
        }
    }
    return NAN;
}

static double read_ina(sim_part_kind_t kind, sim_quantity_t quantity) {
    static const double shunt_v[] = {10e-6, 2.5e-6, 312.5e-9 / 16.0};
    static const double bus_v[] = {0.5e-3, 1.25e-3, 195.3125e-6 / 16.0};
    size_t i = (size_t)(kind - SIM_PART_INA219);
    bool is_228 = kind == SIM_PART_INA228;
    if (quantity == SIM_TEMP_1) {
        return (int16_t)(uint16_t)get_be(&bench, PART, 2, 6) * 7.8125e-3;
    }
    if (quantity == SIM_VOUT) {
        uint64_t raw = get_be(&bench, PART, is_228 ? 3 : 2, is_228 ? 5 : 2);
        return (double)(kind == SIM_PART_INA219 ? raw & 0xFFF8u : raw) * bus_v[i];
    }
    uint64_t raw = get_be(&bench, PART, is_228 ? 3 : 2, is_228 ? 4 : 1);
    double code = is_228 ? (double)raw - (raw > 0x7FFFFFu ? 16777216.0 : 0.0)
                         : (double)(int16_t)(uint16_t)raw;
    return code * shunt_v[i] / 0.002;
}

static double read_tmp(sim_part_kind_t kind) {
    if (kind == SIM_PART_TMP421) {
        int8_t whole = (int8_t)(uint8_t)get_be(&bench, PART, 1, 0x00);
        return whole + (double)(get_be(&bench, PART, 1, 0x10) >> 4) / 16.0;
    }
    double step = kind == SIM_PART_TMP1075 ? 256.0 : 128.0;
    return (int16_t)(uint16_t)get_be(&bench, PART, 2, 0) / step;
}

static double reading(const sim_range_t *range) {
    if (range->kind < SIM_PART_INA219) {
        return read_pmbus(range->quantity);
    }
    return range->kind <= SIM_PART_INA228 ? read_ina(range->kind, range->quantity)
                                          : read_tmp(range->kind);
}

static void every_channel_reads_its_truth_over_its_range(void) {
    size_t count = 0;
    const sim_range_t *ranges = sim_ranges(&count);
    for (size_t i = 0; i < count; i++) {
        const sim_range_t *range = &ranges[i];
        bool is_iin_of_hot_swap = range->quantity == SIM_IIN && range->kind <= SIM_PART_LM5066;
        size_t truth = is_iin_of_hot_swap ? SIM_IOUT : range->quantity;
        start(range->kind);
        for (int step = 0; step <= STEPS; step++) {
            double value = range->low + (range->high - range->low) * step / STEPS;
            part->rail[0].truth[truth] = value;
            sim_bench_advance(&bench, 400000);
            double error = fabs(reading(range) - value);
            if (!(error <= range->tolerance)) {
                fprintf(stderr, "kind %d quantity %d: %g reads %g\n", (int)range->kind,
                        (int)range->quantity, value, reading(range));
            }
            CHECK(error <= range->tolerance);
        }
    }
}

static void every_part_has_a_channel(void) {
    size_t count = 0;
    const sim_range_t *ranges = sim_ranges(&count);
    for (int kind = 0; kind < SIM_PART_KINDS; kind++) {
        bool is_there = false;
        for (size_t i = 0; i < count; i++) {
            is_there = is_there || ranges[i].kind == (sim_part_kind_t)kind;
        }
        CHECK(is_there);
    }
}

int main(void) {
    every_channel_reads_its_truth_over_its_range();
    every_part_has_a_channel();
    return 0;
}
