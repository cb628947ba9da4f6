/** @file cases_channels.c  What the channels read. */
#include "cases.h"

#define POINTS 24

void every_channel_is_declared(const contract_part_t *row) {
    uint32_t swept = 0;
    for (uint32_t i = 0; i < contract_channel_count(row); i++) {
        const contract_channel_t *channel = &row->channels[i];
        bool is_ranged = channel->claim == CONTRACT_SWEPT || channel->claim == CONTRACT_HIGHEST;
        if (channel->claim == CONTRACT_UNDECLARED) {
            (void)fprintf(stderr, "%s: nothing is declared of channel %u\n", row->name,
                          (unsigned)i);
        }
        CHECK(channel->claim != CONTRACT_UNDECLARED);
        CHECK(!is_ranged || channel->high > channel->low);
        swept += channel->claim == CONTRACT_SWEPT ? 1u : 0u;
    }
    CHECK(swept > 0);
}

static void check_point(uint32_t number, const contract_channel_t *channel, double truth) {
    double value = (double)NAN;
    contract_set(channel, truth);
    contract_pass(contract.row->settle_us);
    ns_status_t status = contract_begin();
    status = status == NS_OK ? contract_read(number, &value) : status;
    bool is_true = status == NS_OK && fabs(value - truth) <= contract_tolerance(channel, truth);
    if (!is_true) {
        (void)fprintf(stderr, "%s: channel %u of %.9g reads %.9g (%s), tolerance %.3g\n",
                      contract.row->name, (unsigned)number, truth, value, ns_status_name(status),
                      contract_tolerance(channel, truth));
    }
    CHECK(is_true);
}

static void sweep(const contract_part_t *row, uint32_t number) {
    const contract_channel_t *channel = &row->channels[number];
    contract_open(row, row->class != CONTRACT_PMBUS);
    CHECK(contract_begin() == NS_OK);
    for (int i = 0; i < POINTS; i++) {
        double ratio = (double)i / (POINTS - 1);
        check_point(number, channel, channel->low + ratio * (channel->high - channel->low));
    }
}

void every_channel_reads_the_truth_over_its_range(const contract_part_t *row) {
    for (uint32_t i = 0; i < contract_channel_count(row); i++) {
        if (row->channels[i].claim == CONTRACT_SWEPT && contract_is_simulated(row, __func__)) {
            sweep(row, i);
        }
    }
}

/** Up over the range, and down again: the greatest stays. */
void peaks_are_the_greatest_truth(const contract_part_t *row) {
    for (uint32_t i = 0; i < contract_channel_count(row); i++) {
        const contract_channel_t *channel = &row->channels[i];
        if (channel->claim != CONTRACT_HIGHEST || !contract_is_simulated(row, __func__)) {
            continue;
        }
        sweep(row, i);
        double value = 0.0;
        contract_set(channel, channel->low);
        contract_pass(row->settle_us);
        CHECK(contract_begin() == NS_OK && contract_read(i, &value) == NS_OK);
        CHECK_NEAR(value, channel->high, contract_tolerance(channel, channel->high));
    }
}

void absent_channels_say_so(const contract_part_t *row) {
    contract_open(row, row->class != CONTRACT_PMBUS);
    CHECK(contract_begin() == NS_OK);
    double value = 77.0;
    for (uint32_t i = 0; i < contract_channel_count(row); i++) {
        bool is_absent = row->channels[i].claim == CONTRACT_ABSENT;
        ns_status_t status = contract_read(i, &value);
        if (is_absent != (status == NS_E_UNSUPPORTED)) {
            (void)fprintf(stderr, "%s: channel %u says %s\n", row->name, (unsigned)i,
                          ns_status_name(status));
        }
        CHECK(is_absent == (status == NS_E_UNSUPPORTED));
    }
    uint32_t beyond = contract_channel_count(row);
    CHECK(contract.device.ops->read(contract.device.ctx, beyond, &value) == NS_E_ARG);
    CHECK(contract.device.ops->write(contract.device.ctx, beyond, 1.0) == NS_E_ARG);
}
