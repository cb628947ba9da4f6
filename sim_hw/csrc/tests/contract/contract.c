/** @file contract.c */
#include "contract.h"

#include <string.h>

#define PERIOD_US 100000
#define NS_PER_US 1000
#define PORT_BYTES 8192
#define PHASE 2
#define NEIGHBOUR_RATIO 0.97 /* other pages differ, so that a reading of theirs shows */
#define ROUNDING 1e-9
#define RECOVERY_NS 200000  /* on top of a deadline: bus_port.h */
#define INA_SHUNT_OHM 0.002 /* of the bench */

contract_t contract;
static uint64_t port_memory[PORT_BYTES / 8];

/* ---- the seam ---- */

static void brown_out(void) {
    switch (contract.row->class) {
    case CONTRACT_PMBUS:
        contract.part->brown_out = 1.0;
        sim_pmbus_follow_supply(&contract.part->pmbus);
        break;
    case CONTRACT_INA2XX:
        sim_ina_power_up(&contract.part->ina);
        break;
    default:
        sim_tmp_power_up(&contract.part->tmp);
        break;
    }
}

static ns_status_t pass_on(uint8_t address, const uint8_t *write, size_t write_size, uint8_t *read,
                           size_t read_size, uint32_t timeout_us) {
    const double *enabled =
        contract.part != NULL ? &contract.part->rail[contract.row->page].enabled : NULL;
    double was_on = enabled != NULL ? *enabled : 0.0;
    ns_status_t status = contract.bus.ops->transfer(contract.bus.ctx, address, write, write_size,
                                                    read, read_size, timeout_us);
    bool is_switched_on = enabled != NULL && was_on == 0.0 && *enabled != 0.0;
    if (is_switched_on && contract.row->limits[0].field != 0) {
        contract.limit_when_on = contract_programmed(&contract.row->limits[0]);
    }
    return status;
}

static ns_status_t with_wrong_pec(uint8_t address, const uint8_t *write, size_t write_size,
                                  uint8_t *read, size_t read_size, uint32_t timeout_us) {
    uint8_t sent[8] = {0};
    CHECK(write_size > 0 && write_size <= sizeof(sent));
    memcpy(sent, write, write_size);
    if (read_size == 0) { /* a data byte where there is one; the last is the check code */
        sent[write_size > 2 ? 1 : 0] ^= 0x10u;
    }
    ns_status_t status = pass_on(address, sent, write_size, read, read_size, timeout_us);
    if (status == NS_OK && read_size > 0) {
        read[0] ^= 0x10u;
    }
    return status;
}

static ns_status_t seam_transfer(void *ctx, uint8_t address, const uint8_t *write,
                                 size_t write_size, uint8_t *read, size_t read_size,
                                 uint32_t timeout_us) {
    (void)ctx;
    uint8_t ignored[64];
    bool is_hit = contract.fault != FAULT_NONE && contract.messages++ == contract.fault_at;
    if (read_size == 0 && (contract.has_fired || is_hit) && contract.write_after == UINT32_MAX) {
        contract.write_after = contract.messages - 1 - contract.fault_at;
    }
    if (!is_hit) {
        return pass_on(address, write, write_size, read, read_size, timeout_us);
    }
    contract.has_fired = true;
    switch (contract.fault) {
    case FAULT_NACK:
        return NS_E_NACK;
    case FAULT_LOST:
        CHECK(read_size <= sizeof(ignored));
        (void)pass_on(address, write, write_size, ignored, read_size, timeout_us);
        return NS_E_NACK;
    case FAULT_PEC:
        return with_wrong_pec(address, write, write_size, read, read_size, timeout_us);
    default:
        brown_out();
        return pass_on(address, write, write_size, read, read_size, timeout_us);
    }
}

static int64_t seam_now_ns(void *ctx) {
    (void)ctx;
    return contract.bus.ops->now_ns(contract.bus.ctx);
}

static void seam_delay(void *ctx, uint32_t us) {
    (void)ctx;
    contract.bus.ops->delay(contract.bus.ctx, us);
}

static ns_status_t seam_recover(void *ctx) {
    (void)ctx;
    return contract.bus.ops->recover(contract.bus.ctx);
}

static const ns_bus_ops_t seam_ops = {.abi = NS_BUS_OPS_ABI,
                                      .transfer = seam_transfer,
                                      .now_ns = seam_now_ns,
                                      .delay = seam_delay,
                                      .recover = seam_recover};

void contract_arm(contract_fault_t fault, uint32_t at) {
    contract.fault = fault;
    contract.fault_at = at;
    contract.messages = 0;
    contract.write_after = UINT32_MAX;
    contract.has_fired = false;
}

/* ---- opening ---- */

static void put_limit(ns_pmbus_config_t *config, const contract_limit_t *limit) {
    switch (limit->field) {
    case FIELD_CURRENT:
        config->current_limit_a = limit->value;
        break;
    case FIELD_HIGH:
        config->voltage_limit_v_high = limit->value;
        break;
    case FIELD_LOW:
        config->voltage_limit_v_low = limit->value;
        break;
    case FIELD_TEMP:
        config->temp_limit_c = limit->value;
        break;
    default:
        config->power_limit_w = limit->value;
        break;
    }
}

static void open_pmbus(const contract_part_t *row, const contract_limit_t *limits, size_t count) {
    bool is_hot_swap = row->kind >= SIM_PART_ADM1272 && row->kind <= SIM_PART_LM5066;
    ns_pmbus_config_t config = {.address = CONTRACT_ADDRESS,
                                .has_page = row->pages > 1,
                                .page = row->page,
                                .has_pec = 1,
                                .timeout_us = CONTRACT_TIMEOUT_US,
                                .part = row->part,
                                .shunt_uohm = is_hot_swap ? 1000 : 0,
                                .sense_range = row->sense_range,
                                .has_phase = row->phases > 0,
                                .phase = PHASE};
    for (size_t i = 0; i < count && limits[i].field != 0; i++) {
        put_limit(&config, &limits[i]);
    }
    ns_pmbus_t *device = &contract.memory.pmbus;
    CHECK(ns_pmbus_open(device, &config, ns_bus_port_ops(contract.port), contract.port) == NS_OK);
    contract.device = (ns_device_t){.ops = &ns_pmbus_ops, .ctx = device};
}

static void open_ina(const contract_part_t *row, double limit) {
    ns_ina2xx_config_t config = {.part = row->part,
                                 .address = CONTRACT_ADDRESS,
                                 .timeout_us = CONTRACT_TIMEOUT_US,
                                 .shunt_ohm = INA_SHUNT_OHM,
                                 .current_limit_a = limit};
    ns_ina2xx_t *device = &contract.memory.ina;
    CHECK(ns_ina2xx_open(device, &config, ns_bus_port_ops(contract.port), contract.port) == NS_OK);
    contract.device = (ns_device_t){.ops = &ns_ina2xx_ops, .ctx = device};
}

static void open_tmp(const contract_part_t *row, double limit) {
    ns_tmp4xx_config_t config = {.part = row->part,
                                 .address = CONTRACT_ADDRESS,
                                 .timeout_us = CONTRACT_TIMEOUT_US,
                                 .temp_limit_c = limit > 0.0 ? limit : (double)NAN};
    ns_tmp4xx_t *device = &contract.memory.tmp;
    CHECK(ns_tmp4xx_open(device, &config, ns_bus_port_ops(contract.port), contract.port) == NS_OK);
    contract.device = (ns_device_t){.ops = &ns_tmp4xx_ops, .ctx = device};
}

ns_bus_t contract_sim_power(const contract_part_t *row) {
    sim_bench_open(&contract.bench, 400000);
    contract.part = sim_part_open(&contract.bench, row->kind, CONTRACT_ADDRESS, row->pages);
    CHECK(contract.part != NULL);
    for (uint8_t page = 0; page < SIM_PAGES_MAX; page++) {
        for (int i = 0; i < SIM_MEASURED; i++) {
            bool is_output = i == SIM_VOUT || i == SIM_IOUT;
            double ratio = page != row->page && is_output ? NEIGHBOUR_RATIO : 1.0;
            contract.part->rail[page].truth[i] = ratio * row->nominal[i];
        }
    }
    contract.part->pmbus.wiring[row->page].phase_count = row->phases;
    if (row->strap_code != 0) {
        sim_part_strap(contract.part, row->page, row->strap_code, row->strap_word);
    }
    return sim_bench_bus(&contract.bench);
}

/** Input and temperatures are not always paged: all pages have the same. */
static void put_everywhere(uint8_t quantity, double value) {
    bool is_tmp = contract.row->class == CONTRACT_TMP4XX;
    for (uint8_t page = 0; page < (is_tmp ? 1 : SIM_PAGES_MAX); page++) {
        contract.part->rail[page].truth[quantity] = value;
    }
}

void contract_sim_set_truth(const contract_part_t *row, uint8_t page, uint8_t truth, double value) {
    double *truths = contract.part->rail[page].truth;
    bool is_hot_swap = row->kind >= SIM_PART_ADM1272 && row->kind <= SIM_PART_LM5066;
    switch (truth) {
    case TRUTH_POUT:
        truths[SIM_IOUT] = value / truths[SIM_VOUT];
        break;
    case TRUTH_PIN:
        put_everywhere(is_hot_swap ? SIM_IOUT : SIM_IIN, value / truths[SIM_VIN]);
        break;
    case TRUTH_SHUNT:
        truths[SIM_IOUT] = value / INA_SHUNT_OHM;
        break;
    case TRUTH_DIODE_1:
    case TRUTH_DIODE_2:
    case TRUTH_DIODE_3:
    case TRUTH_DIODE_4:
        contract.part->rail[1 + truth - TRUTH_DIODE_1].truth[SIM_TEMP_1] = value;
        break;
    case SIM_VOUT:
        truths[SIM_VOUT] = value;
        break;
    case SIM_IOUT:
        truths[SIM_IOUT] = row->phases > 0 ? value * row->phases : value;
        break;
    default:
        put_everywhere(truth, value);
        break;
    }
}

void contract_set(const contract_channel_t *channel, double value) {
    contract.row->set_truth(contract.row, contract.row->page, channel->truth, value);
}

static void open_row(const contract_part_t *row, const contract_limit_t *limits, size_t count) {
    memset(&contract, 0, sizeof(contract));
    contract.row = row;
    contract.period_us = PERIOD_US;
    contract.limit_when_on = (double)NAN;
    contract.bus = row->power(row);
    CHECK(ns_bus_port_size() <= sizeof(port_memory));
    CHECK(ns_bus_port_open(port_memory, sizeof(port_memory), &seam_ops, NULL, NULL, NULL,
                           &contract.port) == NS_OK);
    double limit = count > 0 ? row->limit : 0.0;
    switch (row->class) {
    case CONTRACT_PMBUS:
        open_pmbus(row, limits, count);
        break;
    case CONTRACT_INA2XX:
        open_ina(row, limit);
        break;
    default:
        open_tmp(row, limit);
        break;
    }
    contract_pass(row->settle_us);
}

void contract_open(const contract_part_t *row, bool has_limits) {
    open_row(row, row->limits, has_limits ? CONTRACT_LIMITS : 0);
}

void contract_open_limit(const contract_part_t *row, const contract_limit_t *limit) {
    open_row(row, limit, 1);
}

void contract_pass(int64_t us) {
    if (contract.part != NULL) {
        sim_bench_advance(&contract.bench, us);
    } else {
        contract.bus.ops->delay(contract.bus.ctx, (uint32_t)us);
    }
}

/* ---- calls ---- */

static int64_t start_call(void) {
    ns_bus_port_start_call(contract.port, CONTRACT_DEADLINE_NS);
    return seam_now_ns(NULL);
}

static ns_status_t end_call(int64_t start_ns, ns_status_t status) {
    ns_bus_port_end_call(contract.port, status);
    CHECK(seam_now_ns(NULL) - start_ns <= CONTRACT_DEADLINE_NS + RECOVERY_NS);
    CHECK(status != NS_E_ARG);
    return status;
}

static ns_status_t begin(void) {
    return contract.device.ops->begin(contract.device.ctx, seam_now_ns(NULL), UINT64_MAX);
}

ns_status_t contract_begin(void) {
    contract_pass(contract.period_us);
    int64_t start_ns = start_call();
    return end_call(start_ns, begin());
}

static void check_reading(const contract_channel_t *channel, uint32_t number, double value) {
    if (channel->claim != CONTRACT_SWEPT) {
        return;
    }
    double expected = contract_expected(channel);
    double error = fabs(value - expected);
    if (!(error <= contract_tolerance(channel, expected))) {
        (void)fprintf(stderr, "%s: channel %u reads %.9g, is %.9g\n", contract.row->name,
                      (unsigned)number, value, expected);
    }
    CHECK(error <= contract_tolerance(channel, expected));
}

ns_status_t contract_round(void) {
    contract_pass(contract.period_us);
    int64_t start_ns = start_call();
    ns_status_t first = begin();
    uint32_t count = first == NS_OK ? contract_channel_count(contract.row) : 0;
    for (uint32_t i = 0; i < count; i++) {
        const contract_channel_t *channel = &contract.row->channels[i];
        double value = (double)NAN;
        if (channel->claim == CONTRACT_ABSENT) {
            continue;
        }
        ns_status_t status = contract.device.ops->read(contract.device.ctx, i, &value);
        CHECK(status != NS_E_UNSUPPORTED);
        if (status == NS_OK) {
            check_reading(channel, i, value);
        } else if (first == NS_OK) {
            first = status;
        }
    }
    return end_call(start_ns, first);
}

ns_status_t contract_read(uint32_t channel, double *out_value) {
    int64_t start_ns = start_call();
    return end_call(start_ns, contract.device.ops->read(contract.device.ctx, channel, out_value));
}

ns_status_t contract_write(uint32_t channel, double value) {
    int64_t start_ns = start_call();
    return end_call(start_ns, contract.device.ops->write(contract.device.ctx, channel, value));
}

ns_status_t contract_capture(uint8_t *out, size_t capacity, size_t *out_size) {
    int64_t start_ns = start_call();
    return end_call(start_ns,
                    contract.device.ops->capture(contract.device.ctx, out, capacity, out_size));
}

ns_status_t contract_request(ns_request_kind_t kind) {
    int64_t start_ns = start_call();
    return end_call(start_ns, contract.device.ops->request(contract.device.ctx, kind));
}

/* ---- what should be ---- */

double contract_tolerance(const contract_channel_t *channel, double value) {
    double step = channel->step > 0.0 ? channel->step : fabs(value) / 512.0;
    double coarser = contract.may_change_range ? fmax(1.0, contract.row->coarser) : 1.0;
    return 0.5 * step * coarser + ROUNDING * (1.0 + fabs(value));
}

double contract_expected(const contract_channel_t *channel) {
    const double *truth = contract.part->rail[contract.row->page].truth;
    bool is_hot_swap =
        contract.row->kind >= SIM_PART_ADM1272 && contract.row->kind <= SIM_PART_LM5066;
    switch (channel->truth) {
    case TRUTH_POUT:
        return truth[SIM_VOUT] * truth[SIM_IOUT];
    case TRUTH_PIN:
        return truth[SIM_VIN] * truth[is_hot_swap ? SIM_IOUT : SIM_IIN];
    case TRUTH_SHUNT:
        return truth[SIM_IOUT] * INA_SHUNT_OHM;
    case TRUTH_DIODE_1:
    case TRUTH_DIODE_2:
    case TRUTH_DIODE_3:
    case TRUTH_DIODE_4:
        return contract.part->rail[1 + channel->truth - TRUTH_DIODE_1].truth[SIM_TEMP_1];
    case SIM_IOUT:
        return contract.row->phases > 0 ? truth[SIM_IOUT] / contract.row->phases : truth[SIM_IOUT];
    default:
        return truth[channel->truth];
    }
}

double contract_programmed(const contract_limit_t *limit) {
    const sim_pmbus_model_t *model = contract.part->pmbus.model;
    for (uint8_t i = 0; i < model->limit_count; i++) {
        const sim_command_t *command = sim_pmbus_find(&contract.part->pmbus, limit->code);
        if (model->limits[i].code == limit->code && command != NULL) {
            uint8_t page = (command->traits & SIM_PAGED) != 0 ? contract.row->page : 0;
            return contract.part->pmbus.registers[page].limit[i];
        }
    }
    return (double)NAN;
}

bool contract_is_programmed(const contract_limit_t *limit) {
    double coarser = contract.may_change_range ? fmax(1.0, contract.row->coarser) : 1.0;
    double step = (limit->step > 0.0 ? limit->step : limit->value / 512.0) * coarser;
    double error = contract_programmed(limit) - limit->value;
    error = limit->field == FIELD_LOW ? -error : error;
    return error <= ROUNDING * limit->value && error > -step - ROUNDING;
}

uint32_t contract_channel_count(const contract_part_t *row) {
    static const uint32_t counts[] = {NS_PMBUS_CHANNEL_COUNT, NS_INA2XX_CHANNEL_COUNT,
                                      NS_TMP4XX_CHANNEL_COUNT};
    return counts[row->class];
}

bool contract_is_simulated(const contract_part_t *row, const char *test) {
    if (row->set_truth == NULL) {
        (void)printf("NOT RUN: %s on %s: nobody can set its truth\n", test, row->name);
    }
    return row->set_truth != NULL;
}
