/**
 * @file test_contract_ranges.c
 * @brief What the models declare is what the drivers read: every part and every declared channel,
 *        over its range, within its tolerance.
 */
#include "cases.h"
#include "rows.h"
#include "sim_ranges.h"

#define POINTS 37 /* no divisor of any range: points between the words */

static const contract_part_t *find_row(sim_part_kind_t kind) {
    const struct {
        const contract_part_t *rows;
        size_t count;
    } groups[] = {{contract_hot_swaps, contract_hot_swap_count},
                  {contract_regulators, contract_regulator_count},
                  {contract_generics, contract_generic_count},
                  {contract_sensors, contract_sensor_count}};
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        for (size_t k = 0; k < groups[i].count; k++) {
            if (groups[i].rows[k].kind == kind) {
                return &groups[i].rows[k];
            }
        }
    }
    return NULL;
}

/** Parts that the flight library has no driver for. */
static bool has_driver(sim_part_kind_t kind) {
    return kind != SIM_PART_TMP1075;
}

static void every_part_has_a_row(void) {
    for (int kind = 0; kind < SIM_PART_KINDS; kind++) {
        CHECK((find_row((sim_part_kind_t)kind) != NULL) == has_driver((sim_part_kind_t)kind));
    }
}

/** Of a hot-swap the input current is the current of its one shunt. */
static const contract_channel_t *find_channel(const contract_part_t *row, sim_quantity_t quantity,
                                              uint32_t *out_number) {
    bool is_hot_swap = row->kind >= SIM_PART_ADM1272 && row->kind <= SIM_PART_LM5066;
    uint8_t truth = is_hot_swap && quantity == SIM_IIN ? SIM_IOUT : (uint8_t)quantity;
    for (uint32_t i = 0; i < contract_channel_count(row); i++) {
        if (row->channels[i].claim == CONTRACT_SWEPT && row->channels[i].truth == truth) {
            *out_number = i;
            return &row->channels[i];
        }
    }
    return NULL;
}

static void sweep(const sim_range_t *range) {
    uint32_t number = 0;
    const contract_part_t *row = find_row(range->kind);
    CHECK(row != NULL);
    const contract_channel_t *channel = find_channel(row, range->quantity, &number);
    if (channel == NULL) {
        (void)fprintf(stderr, "%s: no channel reads quantity %d\n", row->name, range->quantity);
    }
    CHECK(channel != NULL);
    double low = fmax(range->low, channel->low);
    double high = fmin(range->high, channel->high);
    CHECK(high - low >= 0.5 * (range->high - range->low));
    contract_open(row, row->class != CONTRACT_PMBUS);
    CHECK(contract_begin() == NS_OK);
    for (int i = 0; i < POINTS; i++) {
        double truth = low + (high - low) * (double)i / (POINTS - 1);
        double value = (double)NAN;
        contract_set(channel, truth);
        contract_pass(row->settle_us);
        CHECK(contract_begin() == NS_OK && contract_read(number, &value) == NS_OK);
        if (!(fabs(value - truth) <= range->tolerance)) {
            (void)fprintf(stderr, "%s: quantity %d of %.9g reads %.9g\n", row->name,
                          range->quantity, truth, value);
        }
        CHECK_NEAR(value, truth, range->tolerance);
    }
}

int main(void) {
    size_t count = 0;
    const sim_range_t *ranges = sim_ranges(&count);
    every_part_has_a_row();
    CHECK(count > 0);
    for (size_t i = 0; i < count; i++) {
        if (has_driver(ranges[i].kind)) {
            sweep(&ranges[i]);
        }
    }
    return 0;
}
