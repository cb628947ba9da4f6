#include "nightside/ina2xx.h"

#include <math.h>
#include <string.h>

#include "register_wire.h"

#define MANUFACTURER_TI 0x5449U
#define RULES_MAX 3U
#define NO_REGISTER 0xE0U /* no part here has one of that number */
#define WORD_FLOATING 0xFFFFU

/** What differs between the parts; registers and steps from their data sheets. */
typedef struct part_data {
    uint8_t bus_register, shunt_register, alert_register, limit_register;
    uint8_t manufacturer_register, device_register;
    uint8_t value_size;  /**< bytes of the bus and shunt registers */
    uint8_t value_shift; /**< left-justified by so many bits */
    uint8_t bus_shift;   /**< more of it for the bus register */
    uint8_t value_bits;  /**< of the shunt value, signed */
    uint16_t device_id, device_mask;
    double bus_step_v, shunt_step_v, limit_step_v;
    uint16_t alert_flag;   /**< bit of the alert register: the shunt crossed its upper limit */
    uint16_t alert_enable; /**< bits to write: function and latch */
    uint16_t alert_mask;   /**< bits of alert_enable that read back as written */
    uint16_t bus_invalid;  /**< bits that are never set in a bus word */
    ns_register_rule_t configuration;
} part_data_t;

static const part_data_t parts[] = {
    [NS_INA219] =
        {
            .bus_register = 0x02,
            .shunt_register = 0x01,
            .alert_register = NO_REGISTER,
            .limit_register = NO_REGISTER,
            .manufacturer_register = NO_REGISTER,
            .device_register = NO_REGISTER,
            .value_size = 2,
            .bus_shift = 3, /* bit 1 conversion ready, bit 0 overflow of its own arithmetic */
            .value_bits = 16,
            .bus_step_v = 4e-3,
            .shunt_step_v = 10e-6,
            .bus_invalid = 0x0004,
            /* 32 V, 320 mV, 12 bits, continuous: also its power-up value */
            .configuration = {.number = 0x00, .value = 0x399F, .mask = 0x3FFF},
        },
    [NS_INA226] =
        {
            .bus_register = 0x02,
            .shunt_register = 0x01,
            .alert_register = 0x06,
            .limit_register = 0x07,
            .manufacturer_register = 0xFE,
            .device_register = 0xFF,
            .value_size = 2,
            .value_bits = 16,
            .device_id = 0x2260,
            .device_mask = 0xFFF0, /* the last digit is the revision */
            .bus_step_v = 1.25e-3,
            .shunt_step_v = 2.5e-6,
            .limit_step_v = 2.5e-6,
            .alert_flag = 0x0010,   /* AFF: alert function flag */
            .alert_enable = 0x8001, /* SOL: shunt over limit; LEN: latched */
            .alert_mask = 0xFC03,
            .bus_invalid = 0x8000,
            /* average of 4, 1.1 ms each, shunt and bus continuously; power-up is 0x4127 */
            .configuration = {.number = 0x00, .value = 0x4327, .mask = 0x0FFF},
        },
    [NS_INA228] =
        {
            .bus_register = 0x05,
            .shunt_register = 0x04,
            .alert_register = 0x0B,
            .limit_register = 0x0C,
            .manufacturer_register = 0x3E,
            .device_register = 0x3F,
            .value_size = 3,
            .value_shift = 4,
            .value_bits = 20,
            .device_id = 0x2280,
            .device_mask = 0xFFF0,
            .bus_step_v = 195.3125e-6,
            .shunt_step_v = 312.5e-9,
            .limit_step_v = 5e-6,
            .alert_flag = 0x0040,   /* SHNTOL */
            .alert_enable = 0x8001, /* ALATCH; bit 0 is MEMSTAT, 1 while the memory is sound */
            .alert_mask = 0xF001,
            /* ADC_CONFIG: all three continuously, 1052 us, average of 4; power-up is 0xFB68 */
            .configuration = {.number = 0x01, .value = 0xFB69, .mask = 0xFFFF},
        },
};
#define PART_COUNT (sizeof parts / sizeof parts[0])

/* INA228 only. With the current step chosen as full scale / 2^19, SHUNT_CAL is 4096 for every
 * shunt, which is also its power-up value: 13107.2e6 x (0.16384 V / R / 2^19) x R. */
#define SHUNT_CAL_REGISTER 0x02U
#define SHUNT_CAL 0x1000U
#define DIE_TEMP_REGISTER 0x06U
#define DIE_TEMP_STEP_C 7.8125e-3
#define ENERGY_REGISTER 0x09U
#define CHARGE_REGISTER 0x0AU
#define COUNTER_SIZE 5U
#define COUNTER_SPAN 1099511627776.0 /* 2^40 */
#define FULL_SCALE_V 0.16384
#define CURRENT_STEPS 524288.0
#define ENERGY_PER_CURRENT_STEP (16.0 * 3.2)

static const part_data_t *data_of(const ns_ina2xx_t *self) {
    return &parts[self->config.part];
}

static ns_register_wire_t wire_of(const ns_ina2xx_t *self) {
    return (ns_register_wire_t){.ops = self->bus_ops,
                                .ctx = self->bus_ctx,
                                .address = self->config.address,
                                .timeout_us = self->config.timeout_us};
}

/** What this device keeps programmed; returns how many. */
static uint32_t rules_of(const ns_ina2xx_t *self, ns_register_rule_t rules[RULES_MAX]) {
    const part_data_t *data = data_of(self);
    uint32_t count = 0;
    rules[count++] = data->configuration;
    if (self->config.part == NS_INA228) {
        rules[count++] =
            (ns_register_rule_t){.number = SHUNT_CAL_REGISTER, .value = SHUNT_CAL, .mask = 0x7FFF};
    }
    if (self->limit_raw != 0) {
        rules[count++] = (ns_register_rule_t){
            .number = data->limit_register, .value = self->limit_raw, .mask = 0xFFFF};
    }
    return count;
}

static ns_status_t check_register(const ns_register_wire_t *wire, uint8_t number, uint16_t expected,
                                  uint16_t mask) {
    uint64_t value = 0;
    if (number == NO_REGISTER) {
        return NS_OK;
    }
    ns_status_t status = ns_register_read(wire, number, 2, &value);
    if (status != NS_OK) {
        return status;
    }
    return ((uint16_t)value & mask) == expected ? NS_OK : NS_E_REFUSED;
}

/** The read releases the part's latch, so ours keeps what was seen first: later words differ by
 *  bits that move with each conversion. */
static ns_status_t take_alert(ns_ina2xx_t *self, const ns_register_wire_t *wire,
                              bool *out_is_enabled) {
    const part_data_t *data = data_of(self);
    uint64_t word = 0;
    ns_status_t status = ns_register_read(wire, data->alert_register, 2, &word);
    if (status != NS_OK) {
        return status;
    }
    if (word == WORD_FLOATING) { /* over and under limit at once */
        return NS_E_RANGE;
    }
    if (((uint16_t)word & data->alert_flag) != 0 && !self->is_alert_latched) {
        self->is_alert_latched = true;
        self->alert_word = (uint16_t)word;
    }
    *out_is_enabled =
        ((uint16_t)word & data->alert_mask) == (data->alert_enable & data->alert_mask);
    return NS_OK;
}

/** What the part latched while it was not heard is taken before it is written to. */
static ns_status_t program_alert(ns_ina2xx_t *self, const ns_register_wire_t *wire) {
    const part_data_t *data = data_of(self);
    bool is_enabled = false;
    ns_status_t status = take_alert(self, wire, &is_enabled);
    if (status == NS_OK) {
        status = ns_register_write(wire, data->alert_register, data->alert_enable);
    }
    if (status == NS_OK) {
        status = take_alert(self, wire, &is_enabled);
    }
    if (status != NS_OK) {
        return status;
    }
    return is_enabled ? NS_OK : NS_E_RANGE;
}

static ns_status_t identify_and_program(ns_ina2xx_t *self) {
    const part_data_t *data = data_of(self);
    ns_register_wire_t wire = wire_of(self);
    ns_status_t status =
        check_register(&wire, data->manufacturer_register, MANUFACTURER_TI, 0xFFFF);
    if (status == NS_OK) {
        status = check_register(&wire, data->device_register, data->device_id, data->device_mask);
    }
    ns_register_rule_t rules[RULES_MAX];
    uint32_t count = rules_of(self, rules);
    for (uint32_t i = 0; status == NS_OK && i < count; i++) {
        status = ns_register_program(&wire, &rules[i]);
    }
    if (status == NS_OK && self->limit_raw != 0) {
        status = program_alert(self, &wire);
    }
    self->is_identified = status == NS_OK;
    return status;
}

/** An alert that is not enabled is lost by a brown-out: all is programmed at the next begin. */
static ns_status_t follow_alert(ns_ina2xx_t *self, const ns_register_wire_t *wire) {
    bool is_enabled = false;
    ns_status_t status = take_alert(self, wire, &is_enabled);
    if (status == NS_OK && !is_enabled) {
        self->is_identified = false;
    }
    return status;
}

static ns_status_t begin(void *ctx, int64_t now_ns, uint64_t due) {
    (void)now_ns;
    (void)due;
    ns_ina2xx_t *self = ctx;
    if (!self->is_identified) {
        return identify_and_program(self);
    }
    ns_register_wire_t wire = wire_of(self);
    ns_register_rule_t rules[RULES_MAX];
    uint32_t count = rules_of(self, rules);
    ns_status_t status =
        ns_register_scrub(&wire, &rules[self->scrub_next % count], &self->repair_count);
    self->scrub_next++;
    if (status == NS_OK && self->limit_raw != 0) {
        status = follow_alert(self, &wire);
    }
    if (status != NS_OK) {
        self->is_identified = false; /* it may come back from a power cycle */
    }
    return status;
}

/** A part that answers all ones to its configuration, too, is not there. */
static ns_status_t confirm_presence(const ns_ina2xx_t *self) {
    ns_register_wire_t wire = wire_of(self);
    const ns_register_rule_t *rule = &data_of(self)->configuration;
    uint64_t word = 0;
    ns_status_t status = ns_register_read(&wire, rule->number, 2, &word);
    if (status != NS_OK) {
        return status;
    }
    return ((uint16_t)word & rule->mask) == (rule->value & rule->mask) ? NS_OK : NS_E_RANGE;
}

static ns_status_t read_bus_voltage(const ns_ina2xx_t *self, double *out_value) {
    const part_data_t *data = data_of(self);
    ns_register_wire_t wire = wire_of(self);
    uint64_t raw = 0;
    ns_status_t status = ns_register_read(&wire, data->bus_register, data->value_size, &raw);
    if (status != NS_OK) {
        return status;
    }
    uint64_t ones = (1ULL << 8U * data->value_size) - 1U;
    if ((raw & data->bus_invalid) != 0 || raw == ones) {
        return NS_E_RANGE;
    }
    *out_value = (double)(raw >> (data->value_shift + data->bus_shift)) * data->bus_step_v;
    return NS_OK;
}

static ns_status_t read_shunt_voltage(const ns_ina2xx_t *self, double *out_value) {
    const part_data_t *data = data_of(self);
    ns_register_wire_t wire = wire_of(self);
    uint64_t raw = 0;
    ns_status_t status = ns_register_read(&wire, data->shunt_register, data->value_size, &raw);
    if (status != NS_OK) {
        return status;
    }
    if (raw == (1ULL << 8U * data->value_size) - 1U) {
        status = confirm_presence(self);
    }
    if (status != NS_OK) {
        return status;
    }
    int64_t steps = ns_register_signed(raw >> data->value_shift, data->value_bits);
    *out_value = (double)steps * data->shunt_step_v;
    return NS_OK;
}

static ns_status_t read_current(const ns_ina2xx_t *self, double *out_value) {
    double shunt_v = 0.0;
    ns_status_t status = read_shunt_voltage(self, &shunt_v);
    if (status == NS_OK) {
        *out_value = shunt_v / self->config.shunt_ohm;
    }
    return status;
}

static ns_status_t read_power(const ns_ina2xx_t *self, double *out_value) {
    double current_a = 0.0;
    double voltage_v = 0.0;
    ns_status_t status = read_current(self, &current_a);
    if (status == NS_OK) {
        status = read_bus_voltage(self, &voltage_v);
    }
    if (status == NS_OK) {
        *out_value = voltage_v * current_a;
    }
    return status;
}

static double current_step_a(const ns_ina2xx_t *self) {
    return FULL_SCALE_V / self->config.shunt_ohm / CURRENT_STEPS;
}

/** Follow a 40-bit counter over its end. A step of more than half the span is a wrap, unless the
 *  counter stands near its start: then the part began again. */
static ns_status_t read_counter(const ns_ina2xx_t *self, uint8_t number, bool is_signed,
                                uint64_t *last_raw, double *base, double *out_steps) {
    ns_register_wire_t wire = wire_of(self);
    uint64_t raw = 0;
    ns_status_t status = ns_register_read(&wire, number, COUNTER_SIZE, &raw);
    if (status != NS_OK) {
        return status;
    }
    double before = is_signed ? (double)ns_register_signed(*last_raw, 40) : (double)*last_raw;
    double now = is_signed ? (double)ns_register_signed(raw, 40) : (double)raw;
    if (before - now > 0.5 * COUNTER_SPAN) {
        *base += COUNTER_SPAN;
    } else if (now - before > 0.5 * COUNTER_SPAN) {
        *base -= COUNTER_SPAN;
    } else if (!is_signed && now < before) {
        *base = 0.0;
    }
    *last_raw = raw;
    *out_steps = *base + now;
    return NS_OK;
}

static ns_status_t read_energy(ns_ina2xx_t *self, double *out_value) {
    double steps = 0.0;
    ns_status_t status =
        read_counter(self, ENERGY_REGISTER, false, &self->energy_raw, &self->energy_base, &steps);
    if (status == NS_OK) {
        *out_value = steps * ENERGY_PER_CURRENT_STEP * current_step_a(self);
    }
    return status;
}

static ns_status_t read_charge(ns_ina2xx_t *self, double *out_value) {
    double steps = 0.0;
    ns_status_t status =
        read_counter(self, CHARGE_REGISTER, true, &self->charge_raw, &self->charge_base, &steps);
    if (status == NS_OK) {
        *out_value = steps * current_step_a(self);
    }
    return status;
}

static ns_status_t read_die_temp(const ns_ina2xx_t *self, double *out_value) {
    ns_register_wire_t wire = wire_of(self);
    uint64_t raw = 0;
    ns_status_t status = ns_register_read(&wire, DIE_TEMP_REGISTER, 2, &raw);
    if (status == NS_OK && raw == WORD_FLOATING) {
        status = confirm_presence(self);
    }
    if (status == NS_OK) {
        *out_value = (double)ns_register_signed(raw, 16) * DIE_TEMP_STEP_C;
    }
    return status;
}

static ns_status_t read_alert(const ns_ina2xx_t *self, double *out_value) {
    if (self->limit_raw == 0) {
        return NS_E_UNSUPPORTED;
    }
    *out_value = self->is_alert_latched ? 1.0 : 0.0;
    return NS_OK;
}

static ns_status_t read_channel(void *ctx, uint32_t channel, double *out_value) {
    ns_ina2xx_t *self = ctx;
    bool has_counters = self->config.part == NS_INA228;
    switch (channel) {
    case NS_INA2XX_BUS_VOLTAGE_V:
        return read_bus_voltage(self, out_value);
    case NS_INA2XX_SHUNT_VOLTAGE_V:
        return read_shunt_voltage(self, out_value);
    case NS_INA2XX_CURRENT_A:
        return read_current(self, out_value);
    case NS_INA2XX_POWER_W:
        return read_power(self, out_value);
    case NS_INA2XX_ENERGY_J:
        return has_counters ? read_energy(self, out_value) : NS_E_UNSUPPORTED;
    case NS_INA2XX_CHARGE_C:
        return has_counters ? read_charge(self, out_value) : NS_E_UNSUPPORTED;
    case NS_INA2XX_TEMP_C:
        return has_counters ? read_die_temp(self, out_value) : NS_E_UNSUPPORTED;
    case NS_INA2XX_ALERT:
        return read_alert(self, out_value);
    default:
        return NS_E_ARG;
    }
}

static ns_status_t write_channel(void *ctx, uint32_t channel, double value) {
    (void)ctx;
    (void)value;
    return channel < NS_INA2XX_CHANNEL_COUNT ? NS_E_UNSUPPORTED : NS_E_ARG;
}

static uint32_t alarm_of(void *ctx) {
    const ns_ina2xx_t *self = ctx;
    return self->is_alert_latched ? self->alert_word : 0U;
}

static ns_status_t capture(void *ctx, uint8_t *out, size_t capacity, size_t *out_size) {
    const ns_ina2xx_t *self = ctx;
    if (out == NULL || out_size == NULL || capacity < 4) {
        return NS_E_ARG;
    }
    out[0] = (uint8_t)(self->alert_word >> 8);
    out[1] = (uint8_t)(self->alert_word & 0xFFU);
    out[2] = (uint8_t)(self->limit_raw >> 8);
    out[3] = (uint8_t)(self->limit_raw & 0xFFU);
    *out_size = 4;
    return NS_OK;
}

static ns_status_t request(void *ctx, ns_request_kind_t kind) {
    ns_ina2xx_t *self = ctx;
    if (kind != NS_REQUEST_CLEAR) {
        return NS_E_UNSUPPORTED;
    }
    self->is_alert_latched = false; /* the part's own was released by the read */
    self->alert_word = 0;
    return NS_OK;
}

const ns_device_ops_t ns_ina2xx_ops = {
    .abi = NS_DEVICE_OPS_ABI,
    .name = "ina2xx",
    .begin = begin,
    .read = read_channel,
    .write = write_channel,
    .alarm = alarm_of,
    .capture = capture,
    .request = request,
    .close = NULL,
};

/** Toward safe: the part must alert at or below the limit. */
static ns_status_t encode_limit(const ns_ina2xx_config_t *config, uint16_t *out_raw) {
    const part_data_t *data = &parts[config->part];
    if (!(config->current_limit_a > 0.0)) {
        *out_raw = 0;
        return NS_OK;
    }
    if (data->limit_register == NO_REGISTER) {
        return NS_E_UNSUPPORTED;
    }
    double steps = floor(config->current_limit_a * config->shunt_ohm / data->limit_step_v);
    if ((steps + 1.0) * data->limit_step_v / config->shunt_ohm <= config->current_limit_a) {
        steps += 1.0; /* the quotient of a whole number of steps came out a hair below it */
    }
    if (!(steps >= 1.0 && steps <= 32767.0)) {
        return NS_E_RANGE;
    }
    *out_raw = (uint16_t)steps;
    return NS_OK;
}

ns_status_t ns_ina2xx_open(ns_ina2xx_t *self, const ns_ina2xx_config_t *config, const void *bus_ops,
                           void *bus_ctx) {
    if (self == NULL || config == NULL || config->part >= PART_COUNT ||
        !(config->shunt_ohm > 0.0) || !isfinite(config->shunt_ohm) ||
        !(config->current_limit_a >= 0.0)) {
        return NS_E_ARG;
    }
    ns_register_wire_t wire = {.ops = bus_ops,
                               .ctx = bus_ctx,
                               .address = config->address,
                               .timeout_us = config->timeout_us};
    if (!ns_register_wire_is_valid(&wire)) {
        return NS_E_ARG;
    }
    uint16_t limit_raw = 0;
    ns_status_t status = encode_limit(config, &limit_raw);
    if (status != NS_OK) {
        return status;
    }
    memset(self, 0, sizeof *self);
    self->bus_ops = bus_ops;
    self->bus_ctx = bus_ctx;
    self->config = *config;
    self->limit_raw = limit_raw;
    return NS_OK;
}
