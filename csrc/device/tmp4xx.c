#include "nightside/tmp4xx.h"

#include <math.h>
#include <string.h>

#include "register_wire.h"

#define STEP_C 0.0625
#define TEMP_RAW_FLOATING 0xFFFFU

/* TMP464: registers of 16 bits. */
#define TMP464_THERM_STATUS 0x21U /* bit 7 local, bits 8 to 11 remote 1 to 4 */
#define TMP464_OPEN_STATUS 0x23U  /* bits 8 to 11 remote 1 to 4 */
#define TMP464_CONFIG 0x30U
#define TMP464_LOCK 0xC4U
#define TMP464_UNLOCK_WORD 0xEB19U
#define TMP464_LOCK_WORD 0x5CA6U
#define TMP464_SHIFT 3U /* 13 bits, left-justified */
#define TMP464_REMOTES 4U
#define TMP464_MANUFACTURER 0x5449U
#define TMP464_DEVICE 0x1468U     /* as the Linux hwmon driver tmp464 expects it */
#define TMP464_OPEN_DIODE 0x8000U /* TI E2E thread 813082 */
#define TMP464_LIMIT_STEP_C 0.5   /* bits 5:0 are 0: Linux hwmon driver tmp464 */
#define TMP464_LIMIT_SHIFT 6U
static const uint8_t tmp464_limit_registers[] = {0x39, 0x42, 0x4A, 0x52, 0x5A};
/* All five sensors on, continuous, conversion rate as at power-up, BUSY (bit 1) is the part's. */
static const ns_register_rule_t tmp464_config = {
    .number = TMP464_CONFIG, .value = 0x0F9C, .mask = 0x0FBC};

/* TMP421 family: registers of 8 bits; a value has its high byte at n and its low byte at n + 16. */
#define TMP421_CONFIG1 0x09U
#define TMP421_CONFIG1_EXTENDED 0x04U
#define TMP421_CONFIG2 0x0AU
#define TMP421_RATE 0x0BU
#define TMP421_LOW 0x10U
#define TMP421_OPEN 0x01U /* low byte: the diode is open */
#define TMP421_MANUFACTURER 0x55U
#define TMP421_OFFSET_C 64.0 /* of the extended range */
#define REGISTER_MANUFACTURER 0xFEU
#define REGISTER_DEVICE 0xFFU

/** What differs inside the TMP421 family; TMP464 only shares the number of diodes. */
static const struct {
    uint8_t remotes, device_id, config2;
} parts[] = {
    [NS_TMP421] = {1, 0x21, 0x1C}, /* REN1, LEN, RC: sensors on, resistance corrected */
    [NS_TMP422] = {2, 0x22, 0x3C},
    [NS_TMP423] = {3, 0x23, 0x7C},
    [NS_TMP464] = {TMP464_REMOTES, 0, 0},
};
#define PART_COUNT (sizeof parts / sizeof parts[0])
#define RULES_421 3U

static ns_register_wire_t wire_of(const ns_tmp4xx_t *self) {
    return (ns_register_wire_t){.ops = self->bus_ops,
                                .ctx = self->bus_ctx,
                                .address = self->config.address,
                                .timeout_us = self->config.timeout_us};
}

static bool is_wide(const ns_tmp4xx_t *self) {
    return self->config.part == NS_TMP464;
}

static ns_status_t read_byte(const ns_tmp4xx_t *self, uint8_t number, uint8_t *out) {
    ns_register_wire_t wire = wire_of(self);
    uint64_t value = 0;
    ns_status_t status = ns_register_read(&wire, number, 1, &value);
    if (status == NS_OK) {
        *out = (uint8_t)value;
    }
    return status;
}

static ns_status_t write_byte(const ns_tmp4xx_t *self, uint8_t number, uint8_t value) {
    const ns_bus_ops_t *ops = self->bus_ops;
    const uint8_t message[2] = {number, value};
    return ops->transfer(self->bus_ctx, self->config.address, message, sizeof message, NULL, 0,
                         self->config.timeout_us);
}

/** Rule `index` of the TMP421 family: configuration 1 and 2, conversion rate (8 a second). */
static void rule_421(const ns_tmp4xx_t *self, uint32_t index, uint8_t *out_number,
                     uint8_t *out_value) {
    const uint8_t numbers[RULES_421] = {TMP421_CONFIG1, TMP421_CONFIG2, TMP421_RATE};
    const uint8_t values[RULES_421] = {TMP421_CONFIG1_EXTENDED, parts[self->config.part].config2,
                                       0x07};
    *out_number = numbers[index];
    *out_value = values[index];
}

static ns_status_t program_421(const ns_tmp4xx_t *self, uint32_t index) {
    uint8_t number = 0;
    uint8_t value = 0;
    uint8_t read_back = 0;
    rule_421(self, index, &number, &value);
    ns_status_t status = write_byte(self, number, value);
    if (status == NS_OK) {
        status = read_byte(self, number, &read_back);
    }
    if (status != NS_OK) {
        return status;
    }
    return read_back == value ? NS_OK : NS_E_RANGE;
}

static ns_status_t scrub_421(ns_tmp4xx_t *self, uint32_t index) {
    uint8_t number = 0;
    uint8_t value = 0;
    uint8_t read_back = 0;
    rule_421(self, index, &number, &value);
    for (int attempt = 0; attempt < 2; attempt++) {
        ns_status_t status = read_byte(self, number, &read_back);
        if (status != NS_OK || read_back == value) {
            return status;
        }
    }
    self->repair_count++;
    return program_421(self, index);
}

static ns_register_rule_t limit_rule(const ns_tmp4xx_t *self, uint32_t sensor) {
    return (ns_register_rule_t){
        .number = tmp464_limit_registers[sensor], .value = self->limit_raw, .mask = 0xFFFF};
}

/** The configuration and, with a limit, that of each sensor. */
static uint32_t rule_count_464(const ns_tmp4xx_t *self) {
    return 1U + (self->has_limit ? TMP464_REMOTES + 1U : 0U);
}

static ns_register_rule_t rule_464(const ns_tmp4xx_t *self, uint32_t index) {
    return index == 0 ? tmp464_config : limit_rule(self, index - 1U);
}

/** Registers are written between unlock and lock, and locked whatever happened between; when no
 *  time is left for that either, the next begin programs and locks. */
static ns_status_t program_464(const ns_tmp4xx_t *self) {
    ns_register_wire_t wire = wire_of(self);
    ns_status_t status = ns_register_write(&wire, TMP464_LOCK, TMP464_UNLOCK_WORD);
    for (uint32_t i = 0; status == NS_OK && i < rule_count_464(self); i++) {
        ns_register_rule_t rule = rule_464(self, i);
        status = ns_register_program(&wire, &rule);
    }
    if (status == NS_E_TIMEOUT) {
        return status;
    }
    ns_status_t lock_status = ns_register_write(&wire, TMP464_LOCK, TMP464_LOCK_WORD);
    return status != NS_OK ? status : lock_status;
}

/** Two reads must agree that a register is wrong; then all are programmed. */
static ns_status_t scrub_464(ns_tmp4xx_t *self, uint32_t index) {
    ns_register_wire_t wire = wire_of(self);
    ns_register_rule_t rule = rule_464(self, index);
    for (int attempt = 0; attempt < 2; attempt++) {
        uint64_t value = 0;
        ns_status_t status = ns_register_read(&wire, rule.number, 2, &value);
        if (status != NS_OK) {
            return status;
        }
        if (((uint16_t)value & rule.mask) == (rule.value & rule.mask)) {
            return NS_OK;
        }
    }
    self->repair_count++;
    return program_464(self);
}

static ns_status_t identify(const ns_tmp4xx_t *self) {
    ns_register_wire_t wire = wire_of(self);
    size_t size = is_wide(self) ? 2 : 1;
    uint64_t manufacturer = 0;
    uint64_t device = 0;
    ns_status_t status = ns_register_read(&wire, REGISTER_MANUFACTURER, size, &manufacturer);
    if (status == NS_OK) {
        status = ns_register_read(&wire, REGISTER_DEVICE, size, &device);
    }
    if (status != NS_OK) {
        return status;
    }
    bool is_known = is_wide(self) ? manufacturer == TMP464_MANUFACTURER && device == TMP464_DEVICE
                                  : manufacturer == TMP421_MANUFACTURER &&
                                        device == parts[self->config.part].device_id;
    return is_known ? NS_OK : NS_E_REFUSED;
}

static ns_status_t identify_and_program(ns_tmp4xx_t *self) {
    ns_status_t status = identify(self);
    if (is_wide(self)) {
        status = status != NS_OK ? status : program_464(self);
    }
    for (uint32_t i = 0; status == NS_OK && !is_wide(self) && i < RULES_421; i++) {
        status = program_421(self, i);
    }
    return status;
}

static ns_status_t read_status_464(ns_tmp4xx_t *self) {
    ns_register_wire_t wire = wire_of(self);
    uint64_t open_bits = 0;
    uint64_t alert_bits = 0;
    ns_status_t status = ns_register_read(&wire, TMP464_OPEN_STATUS, 2, &open_bits);
    if (status == NS_OK && self->has_limit) {
        status = ns_register_read(&wire, TMP464_THERM_STATUS, 2, &alert_bits);
    }
    if (status != NS_OK) {
        return status;
    }
    if (open_bits == TEMP_RAW_FLOATING || alert_bits == TEMP_RAW_FLOATING) {
        return NS_E_RANGE; /* bits that the part does not have */
    }
    self->open_bits = (uint16_t)open_bits;
    self->alert_bits = (uint16_t)alert_bits;
    return NS_OK;
}

static ns_status_t scrub(ns_tmp4xx_t *self) {
    uint32_t count = is_wide(self) ? rule_count_464(self) : RULES_421;
    uint32_t index = self->scrub_next++ % count;
    return is_wide(self) ? scrub_464(self, index) : scrub_421(self, index);
}

static ns_status_t begin(void *ctx, int64_t now_ns, uint64_t due) {
    (void)now_ns;
    (void)due;
    ns_tmp4xx_t *self = ctx;
    ns_status_t status = self->is_identified ? scrub(self) : identify_and_program(self);
    if (status == NS_OK && is_wide(self)) {
        status = read_status_464(self);
    }
    self->is_identified = status == NS_OK; /* it may come back from a power cycle */
    return status;
}

/** The high byte before and after the low one: a value that moved between them is read again. */
static ns_status_t read_narrow(const ns_tmp4xx_t *self, uint8_t sensor, double *out_value) {
    for (int attempt = 0; attempt < 2; attempt++) {
        uint8_t high = 0;
        uint8_t low = 0;
        uint8_t again = 0;
        ns_status_t status = read_byte(self, sensor, &high);
        if (status == NS_OK) {
            status = read_byte(self, (uint8_t)(sensor + TMP421_LOW), &low);
        }
        if (status == NS_OK) {
            status = read_byte(self, sensor, &again);
        }
        if (status != NS_OK) {
            return status;
        }
        if ((low & TMP421_OPEN) != 0) { /* also what a floating bus says */
            return NS_E_RANGE;
        }
        if (high == again) {
            *out_value = (double)high - TMP421_OFFSET_C + (double)(low >> 4) * STEP_C;
            return NS_OK;
        }
    }
    return NS_E_STALE;
}

static ns_status_t read_wide(const ns_tmp4xx_t *self, uint8_t sensor, double *out_value) {
    if (sensor > 0 && (self->open_bits & 1U << (7U + sensor)) != 0) {
        return NS_E_RANGE;
    }
    ns_register_wire_t wire = wire_of(self);
    uint64_t raw = 0;
    ns_status_t status = ns_register_read(&wire, sensor, 2, &raw);
    if (status != NS_OK) {
        return status;
    }
    if ((raw & ((1U << TMP464_SHIFT) - 1U)) != 0) { /* always 0; all ones on a floating bus */
        return NS_E_RANGE;
    }
    if (raw == TMP464_OPEN_DIODE) { /* its status bit is gone once read, until it converts again */
        return NS_E_RANGE;
    }
    *out_value = (double)ns_register_signed(raw >> TMP464_SHIFT, 13) * STEP_C;
    return NS_OK;
}

static ns_status_t read_channel(void *ctx, uint32_t channel, double *out_value) {
    const ns_tmp4xx_t *self = ctx;
    if (channel >= NS_TMP4XX_CHANNEL_COUNT) {
        return NS_E_ARG;
    }
    if (channel == NS_TMP4XX_ALERT) {
        if (!self->has_limit) {
            return NS_E_UNSUPPORTED;
        }
        *out_value = self->alert_bits != 0 ? 1.0 : 0.0;
        return NS_OK;
    }
    if (channel > parts[self->config.part].remotes) {
        return NS_E_UNSUPPORTED;
    }
    return is_wide(self) ? read_wide(self, (uint8_t)channel, out_value)
                         : read_narrow(self, (uint8_t)channel, out_value);
}

static ns_status_t write_channel(void *ctx, uint32_t channel, double value) {
    (void)ctx;
    (void)value;
    return channel < NS_TMP4XX_CHANNEL_COUNT ? NS_E_UNSUPPORTED : NS_E_ARG;
}

static uint32_t alarm_of(void *ctx) {
    const ns_tmp4xx_t *self = ctx;
    return (uint32_t)self->alert_bits << 16 | self->open_bits;
}

static ns_status_t capture(void *ctx, uint8_t *out, size_t capacity, size_t *out_size) {
    const ns_tmp4xx_t *self = ctx;
    if (out == NULL || out_size == NULL || capacity < 4) {
        return NS_E_ARG;
    }
    out[0] = (uint8_t)(self->alert_bits >> 8);
    out[1] = (uint8_t)(self->alert_bits & 0xFFU);
    out[2] = (uint8_t)(self->open_bits >> 8);
    out[3] = (uint8_t)(self->open_bits & 0xFFU);
    *out_size = 4;
    return NS_OK;
}

const ns_device_ops_t ns_tmp4xx_ops = {
    .abi = NS_DEVICE_OPS_ABI,
    .name = "tmp4xx",
    .begin = begin,
    .read = read_channel,
    .write = write_channel,
    .alarm = alarm_of,
    .capture = capture,
    .request = NULL, /* nothing is latched */
    .close = NULL,
};

ns_status_t ns_tmp4xx_open(ns_tmp4xx_t *self, const ns_tmp4xx_config_t *config, const void *bus_ops,
                           void *bus_ctx) {
    if (self == NULL || config == NULL || config->part >= PART_COUNT) {
        return NS_E_ARG;
    }
    ns_register_wire_t wire = {.ops = bus_ops,
                               .ctx = bus_ctx,
                               .address = config->address,
                               .timeout_us = config->timeout_us};
    if (!ns_register_wire_is_valid(&wire)) {
        return NS_E_ARG;
    }
    bool has_limit = !isnan(config->temp_limit_c);
    if (has_limit && config->part != NS_TMP464) {
        return NS_E_UNSUPPORTED;
    }
    double steps = has_limit ? floor(config->temp_limit_c / TMP464_LIMIT_STEP_C) : 0.0;
    if (!(steps >= -512.0 && steps <= 511.0)) { /* rounded down: toward safe */
        return NS_E_RANGE;
    }
    memset(self, 0, sizeof *self);
    self->bus_ops = bus_ops;
    self->bus_ctx = bus_ctx;
    self->config = *config;
    self->has_limit = has_limit;
    self->limit_raw = (uint16_t)((uint16_t)(int16_t)steps << TMP464_LIMIT_SHIFT);
    return NS_OK;
}
