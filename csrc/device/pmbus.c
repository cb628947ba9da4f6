#include <math.h>
#include <string.h>

#include "pmbus_state.h"

#define PAGE_MAX 31U
#define ADDRESS_MIN 0x08U /* below and above: reserved by SMBus */
#define ADDRESS_MAX 0x77U
#define CHECK_PERIOD 10U /* assumed: once a second at 10 Hz, so that a check costs 2 % of the bus */
#define VID_MAX NS_VID_AMD
#define SENSE_RANGE_MAX 2U

#define OPERATION_FLOATING 0xFFU
#define OPERATION_SOURCE 0x30U /* bits 5:4, where the voltage comes from */
#define OPERATION_AVS 0x30U
#define CML_INVALID_COMMAND 0x80U

static ns_status_t begin_slot(ns_pmbus_t *self, uint64_t due) {
    self->status_is_known = false;
    ns_status_t status = ns_pmbus_select(self);
    if (status == NS_OK) {
        status = ns_pmbus_ensure_learnt(self);
    }
    if (status != NS_OK) {
        return status;
    }
    bool is_check = self->check_countdown == 0;
    if (is_check) {
        status = ns_pmbus_ensure_limits(self);
        if (status != NS_OK) {
            return status;
        }
        self->check_countdown = CHECK_PERIOD;
    }
    self->check_countdown--;
    if ((due >> NS_PMBUS_STATUS & 1U) == 0 && !is_check) {
        return NS_OK;
    }
    return ns_pmbus_fetch_status(self);
}

static ns_status_t begin(void *ctx, int64_t now_ns, uint64_t due) {
    ns_pmbus_t *self = ctx;
    self->now_ns = now_ns;
    ns_status_t status = begin_slot(self, due);
    if (status != NS_OK) { /* it may come back from a power cycle: trust nothing learnt before */
        ns_pmbus_forget(self);
    }
    return status;
}

/** A command that a part does not know looks like a lost byte. It is one when the part, asked at
 *  once, says «invalid command», and then does the same again. */
static ns_status_t read_doubtful(ns_pmbus_t *self, uint32_t channel, uint16_t *out) {
    uint8_t command = ns_pmbus_data(self)->readings[channel].command;
    ns_status_t status = ns_pmbus_read_word(self, command, out);
    if (status != NS_E_NACK || self->config.part != NS_PMBUS_PART_GENERIC) {
        return status;
    }
    uint8_t cml = 0;
    status = ns_pmbus_read_byte(self, STATUS_CML, &cml);
    if (status != NS_OK || (cml & CML_INVALID_COMMAND) == 0 || cml == UINT8_MAX) {
        return NS_E_NACK;
    }
    status = ns_pmbus_read_word(self, command, out);
    if (status != NS_E_NACK) {
        return status;
    }
    self->unsupported |= 1U << channel;
    return NS_E_UNSUPPORTED;
}

ns_status_t ns_pmbus_read_number(ns_pmbus_t *self, uint32_t channel, double *out_value) {
    const ns_pmbus_reading_t *reading = &ns_pmbus_data(self)->readings[channel];
    const ns_pmbus_scale_t *scale = &self->scales[reading->quantity];
    if (reading->command == 0) {
        return NS_E_UNSUPPORTED;
    }
    if (!self->is_learnt) { /* its words may mean something else by now */
        return NS_E_STALE;
    }
    if (scale->format == NS_FORMAT_NONE || (self->unsupported >> channel & 1U) != 0) {
        return NS_E_UNSUPPORTED;
    }
    if (self->now_ns < self->settle_until_ns) {
        return NS_E_STALE;
    }
    uint16_t raw = 0;
    ns_status_t status = read_doubtful(self, channel, &raw);
    if (status != NS_OK) {
        return status;
    }
    double value = 0.0;
    status = ns_pmbus_decode(scale, reading->mask == 0 ? raw : raw & reading->mask, &value);
    if (status == NS_OK) {
        value = reading->divisor == 0 ? value : value / (double)reading->divisor;
        *out_value = ns_pmbus_keep_peak(self, channel, value);
    }
    return status;
}

static ns_status_t read_status(ns_pmbus_t *self, double *out_value) {
    uint16_t word = self->status_word;
    ns_status_t status =
        self->status_is_known ? NS_OK : ns_pmbus_read_word(self, STATUS_WORD, &word);
    if (status == NS_OK) {
        *out_value = (double)word;
    }
    return status;
}

ns_status_t ns_pmbus_read_operation(ns_pmbus_t *self, uint8_t *out) {
    uint8_t operation = 0;
    ns_status_t status = ns_pmbus_read_byte(self, OPERATION, &operation);
    if (status != NS_OK) {
        return status;
    }
    if (operation == OPERATION_FLOATING) {
        return NS_E_RANGE;
    }
    *out = operation;
    return NS_OK;
}

static ns_status_t read_enable(ns_pmbus_t *self, double *out_value) {
    uint8_t operation = 0;
    ns_status_t status = ns_pmbus_read_operation(self, &operation);
    if (status == NS_OK) {
        *out_value = (operation & OPERATION_ON) != 0 ? 1.0 : 0.0;
    }
    return status;
}

static ns_status_t read_channel(void *ctx, uint32_t channel, double *out_value) {
    ns_pmbus_t *self = ctx;
    switch (channel) {
    case NS_PMBUS_STATUS:
        return read_status(self, out_value);
    case NS_PMBUS_ENABLE:
        return read_enable(self, out_value);
    case NS_PMBUS_ENERGY_J:
        return ns_pmbus_data(self)->energy == 0 ? NS_E_UNSUPPORTED
                                                : ns_pmbus_read_energy(self, out_value);
    default:
        return channel < NS_PMBUS_CHANNEL_COUNT ? ns_pmbus_read_number(self, channel, out_value)
                                                : NS_E_ARG;
    }
}

/** An output that is on under AVSBus keeps its voltage: writing OPERATION would take it away.
 *  AVSBus is never selected here, so no stale set-point of it can come up. */
static ns_status_t avs_holds_output(ns_pmbus_t *self, bool *out) {
    uint8_t operation = 0;
    *out = false;
    if (!ns_pmbus_data(self)->has_avs) {
        return NS_OK;
    }
    ns_status_t status = ns_pmbus_read_operation(self, &operation);
    if (status == NS_OK) {
        *out = (operation & OPERATION_ON) != 0 && (operation & OPERATION_SOURCE) == OPERATION_AVS;
    }
    return status;
}

/** Silicon first: the output comes on behind its limits, and on the page that was verified. */
static ns_status_t try_switch_on(ns_pmbus_t *self) {
    bool is_held = false;
    ns_status_t status = ns_pmbus_ensure_learnt(self);
    if (status == NS_OK) {
        status = ns_pmbus_ensure_limits(self);
    }
    if (status == NS_OK) {
        status = avs_holds_output(self, &is_held);
    }
    if (status == NS_OK) {
        status = ns_pmbus_verify_page(self);
    }
    if (status != NS_OK) {
        ns_pmbus_forget(self);
        return status;
    }
    return is_held ? NS_OK : ns_pmbus_write(self, OPERATION, 1, OPERATION_ON);
}

/** A restart may have taken away what OPERATION needs to be acknowledged, and the page. */
static ns_status_t switch_on(ns_pmbus_t *self) {
    ns_status_t status = try_switch_on(self);
    if (status != NS_E_NACK) {
        return status;
    }
    ns_pmbus_forget(self);
    status = ns_pmbus_select(self);
    return status == NS_OK ? try_switch_on(self) : status;
}

/** What cannot be learnt does not keep an output on. */
static ns_status_t switch_off(ns_pmbus_t *self) {
    ns_status_t status = ns_pmbus_write(self, OPERATION, 1, OPERATION_OFF);
    if (status != NS_E_NACK) {
        return status;
    }
    ns_pmbus_forget(self);
    status = ns_pmbus_select(self);
    if (status == NS_OK && ns_pmbus_ensure_learnt(self) == NS_E_TIMEOUT) {
        status = NS_E_TIMEOUT;
    }
    if (status == NS_OK) {
        status = ns_pmbus_verify_page(self);
    }
    return status == NS_OK ? ns_pmbus_write(self, OPERATION, 1, OPERATION_OFF) : status;
}

static ns_status_t write_channel(void *ctx, uint32_t channel, double value) {
    ns_pmbus_t *self = ctx;
    if (channel >= NS_PMBUS_CHANNEL_COUNT) {
        return NS_E_ARG;
    }
    if (channel != NS_PMBUS_ENABLE) {
        return NS_E_UNSUPPORTED;
    }
    bool is_on = value >= 1.0 && value <= 1.0;
    bool is_off = value >= 0.0 && value <= 0.0;
    if (!is_on && !is_off) {
        return NS_E_RANGE;
    }
    ns_status_t status = ns_pmbus_select(self);
    if (status != NS_OK) {
        return status;
    }
    return is_on ? switch_on(self) : switch_off(self);
}

const ns_device_ops_t ns_pmbus_ops = {
    .abi = NS_DEVICE_OPS_ABI,
    .name = "pmbus",
    .begin = begin,
    .read = read_channel,
    .write = write_channel,
    .alarm = ns_pmbus_alarm,
    .capture = ns_pmbus_capture,
    .request = ns_pmbus_request,
    .close = NULL,
};

static bool is_limit(double value) {
    return isnan(value) || (isfinite(value) && value >= 0.0);
}

static bool config_is_valid(const ns_pmbus_config_t *config) {
    const ns_pmbus_part_data_t *data = ns_pmbus_part_data(config->part);
    bool is_addressed = config->address >= ADDRESS_MIN && config->address <= ADDRESS_MAX &&
                        config->page <= PAGE_MAX && config->timeout_us > 0 &&
                        (config->phase <= PAGE_MAX || config->phase == NS_PMBUS_PHASE_ALL);
    bool has_limits = config->current_limit_a >= 0.0 && is_limit(config->voltage_limit_v_high) &&
                      is_limit(config->voltage_limit_v_low) && is_limit(config->power_limit_w) &&
                      !isinf(config->temp_limit_c);
    return data != NULL && is_addressed && has_limits && config->vid <= VID_MAX &&
           config->sense_range <= SENSE_RANGE_MAX &&
           config->shunt_uohm <= NS_PMBUS_SHUNT_UOHM_MAX &&
           (config->shunt_uohm > 0) == data->needs_shunt;
}

ns_status_t ns_pmbus_open(ns_pmbus_t *self, const ns_pmbus_config_t *config, const void *bus_ops,
                          void *bus_ctx) {
    const ns_bus_ops_t *ops = bus_ops;
    if (self == NULL || config == NULL || ops == NULL || ops->abi != NS_BUS_OPS_ABI ||
        ops->transfer == NULL || !config_is_valid(config)) {
        return NS_E_ARG;
    }
    ns_pmbus_t opened;
    memset(&opened, 0, sizeof opened);
    opened.bus_ops = bus_ops;
    opened.bus_ctx = bus_ctx;
    opened.part = ns_pmbus_part_data(config->part);
    opened.config = *config;
    opened.has_pec = config->has_pec != 0;
    opened.ready_mask = ns_pmbus_data(&opened)->ready_mask;
    opened.ignored_input = ns_pmbus_data(&opened)->power_up_input;
    opened.ignored_specific = ns_pmbus_data(&opened)->power_up_specific;
    opened.has_protect = ns_pmbus_data(&opened)->protect != NS_PROTECT_ABSENT;
    for (int i = 0; i < NS_QUANTITY_COUNT; i++) {
        opened.scales[i] = ns_pmbus_data(&opened)->scales[i];
    }
    for (size_t i = 0; i < sizeof opened.peaks / sizeof opened.peaks[0]; i++) {
        opened.peaks[i] = (double)NAN;
    }
    ns_status_t status = ns_pmbus_set_limits(&opened);
    if (status == NS_OK) {
        *self = opened;
    }
    return status;
}
