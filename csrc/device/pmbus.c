#include "nightside/pmbus.h"

#include <string.h>

#include "nightside/codec.h"

/* Command bytes: PMBus specification, part II, table of commands. */
#define PAGE 0x00U
#define OPERATION 0x01U
#define WRITE_PROTECT 0x10U
#define VOUT_MODE 0x20U
#define IOUT_OC_FAULT_LIMIT 0x46U
#define STATUS_WORD 0x79U
#define READ_VOUT 0x8BU
#define READ_IOUT 0x8CU
#define READ_TEMPERATURE_1 0x8DU
#define READ_POUT 0x96U

#define OPERATION_ON 0x80U
#define OPERATION_OFF 0x00U
#define OPERATION_FLOATING 0xFFU
#define PROTECT_NONE 0x00U
#define PROTECT_ALL_BUT_OPERATION_AND_PAGE 0x40U

#define PAGE_MAX 31U
#define ADDRESS_MIN 0x08U /* below and above: reserved by SMBus */
#define ADDRESS_MAX 0x77U
#define CHECK_PERIOD 10U /* assumed: once a second at 10 Hz, so that a check costs 2 % of the bus */

static uint8_t write_address(const ns_pmbus_t *self) {
    return (uint8_t)(self->config.address << 1);
}

static ns_status_t transfer(ns_pmbus_t *self, const uint8_t *write, size_t write_size,
                            uint8_t *read, size_t read_size) {
    const ns_bus_ops_t *ops = self->bus_ops;
    return ops->transfer(self->bus_ctx, self->config.address, write, write_size, read, read_size,
                         self->config.timeout_us);
}

/** Read `size` bytes (1 or 2), least significant first. */
static ns_status_t read_number(ns_pmbus_t *self, uint8_t command, size_t size, uint16_t *out) {
    uint8_t read[3] = {0};
    bool has_pec = self->config.has_pec != 0;
    ns_status_t status = transfer(self, &command, 1, read, size + (has_pec ? 1U : 0U));
    if (status != NS_OK) {
        return status;
    }
    if (has_pec) {
        const uint8_t head[3] = {write_address(self), command, (uint8_t)(write_address(self) | 1U)};
        if (ns_pec(ns_pec(0, head, sizeof head), read, size) != read[size]) {
            return NS_E_PEC;
        }
    }
    uint16_t number = read[0];
    if (size == 2) {
        number = (uint16_t)(number | (uint16_t)(read[1] << 8));
        if (!has_pec && ns_word_is_floating(number)) {
            return NS_E_RANGE;
        }
    }
    *out = number;
    return NS_OK;
}

static ns_status_t write_number(ns_pmbus_t *self, uint8_t command, size_t size, uint16_t number) {
    uint8_t message[5] = {write_address(self), command, (uint8_t)(number & 0xFFU),
                          (uint8_t)(number >> 8)};
    size_t used = 2 + size;
    if (self->config.has_pec != 0) {
        message[used] = ns_pec(0, message, used);
        used++;
    }
    return transfer(self, &message[1], used - 1, NULL, 0);
}

/** PAGE is written and read back in the slot that uses it. */
static ns_status_t select_page(ns_pmbus_t *self) {
    if (self->config.has_page == 0) {
        return NS_OK;
    }
    ns_status_t status = write_number(self, PAGE, 1, self->config.page);
    if (status != NS_OK) {
        return status;
    }
    uint16_t page = 0;
    status = read_number(self, PAGE, 1, &page);
    if (status != NS_OK) {
        return status;
    }
    return page == self->config.page ? NS_OK : NS_E_PAGE;
}

static ns_status_t write_verified_protect(ns_pmbus_t *self, uint16_t protect) {
    ns_status_t status = write_number(self, WRITE_PROTECT, 1, protect);
    if (status != NS_OK) {
        return status;
    }
    uint16_t read_back = 0;
    status = read_number(self, WRITE_PROTECT, 1, &read_back);
    if (status != NS_OK) {
        return status;
    }
    return read_back == protect ? NS_OK : NS_E_RANGE;
}

/** By value: one value has many words. */
static ns_status_t limit_is_programmed(ns_pmbus_t *self, bool *out) {
    uint16_t raw = 0;
    ns_status_t status = read_number(self, IOUT_OC_FAULT_LIMIT, 2, &raw);
    if (status != NS_OK) {
        return status;
    }
    double limit_a = ns_linear11_decode(raw);
    *out = limit_a >= self->limit_a && limit_a <= self->limit_a;
    return NS_OK;
}

static ns_status_t program_limit(ns_pmbus_t *self) {
    self->program_count++;
    ns_status_t status = write_verified_protect(self, PROTECT_NONE);
    if (status != NS_OK) {
        return status;
    }
    bool is_programmed = false;
    status = write_number(self, IOUT_OC_FAULT_LIMIT, 2, self->limit_raw);
    if (status == NS_OK) {
        status = limit_is_programmed(self, &is_programmed);
    }
    ns_status_t lock_status = write_verified_protect(self, PROTECT_ALL_BUT_OPERATION_AND_PAGE);
    if (status != NS_OK) {
        return status;
    }
    return is_programmed ? lock_status : NS_E_RANGE;
}

/** The page is selected. Two reads must agree that the limit is gone before it is programmed
 * again. */
static ns_status_t ensure_lock(ns_pmbus_t *self) {
    uint16_t protect = 0;
    ns_status_t status = read_number(self, WRITE_PROTECT, 1, &protect);
    if (status != NS_OK || protect == PROTECT_ALL_BUT_OPERATION_AND_PAGE) {
        return status;
    }
    return write_verified_protect(self, PROTECT_ALL_BUT_OPERATION_AND_PAGE);
}

static ns_status_t ensure_limit_and_lock(ns_pmbus_t *self) {
    if (!(self->config.current_limit_a > 0.0)) {
        return ensure_lock(self); /* nothing to program: all the more to protect */
    }
    bool is_programmed = false;
    for (int attempt = 0; attempt < 2 && !is_programmed; attempt++) {
        ns_status_t status = limit_is_programmed(self, &is_programmed);
        if (status != NS_OK) {
            return status;
        }
    }
    return is_programmed ? ensure_lock(self) : program_limit(self);
}

static ns_status_t learn_exponent(ns_pmbus_t *self) {
    uint16_t mode = 0;
    ns_status_t status = read_number(self, VOUT_MODE, 1, &mode);
    if (status != NS_OK) {
        return status;
    }
    status = ns_linear16_exponent((uint8_t)mode, &self->exponent);
    self->exponent_is_known = status == NS_OK;
    return status == NS_E_UNSUPPORTED ? NS_OK : status; /* the other channels do not need it */
}

static ns_status_t begin_slot(ns_pmbus_t *self) {
    ns_status_t status = select_page(self);
    if (status != NS_OK) {
        return status;
    }
    if (!self->exponent_is_known) {
        status = learn_exponent(self);
        if (status != NS_OK) {
            return status;
        }
    }
    if (self->check_countdown > 0) {
        self->check_countdown--;
        return NS_OK;
    }
    status = ensure_limit_and_lock(self);
    if (status == NS_OK) {
        self->check_countdown = CHECK_PERIOD - 1;
    }
    return status;
}

static ns_status_t begin(void *ctx, int64_t now_ns, uint64_t due) {
    (void)now_ns;
    (void)due;
    ns_pmbus_t *self = ctx;
    ns_status_t status = begin_slot(self);
    if (status != NS_OK) { /* it may come back from a power cycle: trust nothing learnt before */
        self->exponent_is_known = false;
        self->check_countdown = 0;
    }
    return status;
}

static ns_status_t read_linear11(ns_pmbus_t *self, uint8_t command, double *out_value) {
    uint16_t raw = 0;
    ns_status_t status = read_number(self, command, 2, &raw);
    if (status == NS_OK) {
        *out_value = ns_linear11_decode(raw);
    }
    return status;
}

static ns_status_t read_voltage(ns_pmbus_t *self, double *out_value) {
    if (!self->exponent_is_known) {
        return NS_E_UNSUPPORTED;
    }
    uint16_t raw = 0;
    ns_status_t status = read_number(self, READ_VOUT, 2, &raw);
    if (status == NS_OK) {
        *out_value = ns_linear16_decode(raw, self->exponent);
    }
    return status;
}

static ns_status_t read_status(ns_pmbus_t *self, double *out_value) {
    uint16_t raw = 0;
    ns_status_t status = read_number(self, STATUS_WORD, 2, &raw);
    if (status == NS_OK) {
        *out_value = (double)raw;
    }
    return status;
}

static ns_status_t read_enable(ns_pmbus_t *self, double *out_value) {
    uint16_t operation = 0;
    ns_status_t status = read_number(self, OPERATION, 1, &operation);
    if (status != NS_OK) {
        return status;
    }
    if (operation == OPERATION_FLOATING) {
        return NS_E_RANGE;
    }
    *out_value = (operation & OPERATION_ON) != 0 ? 1.0 : 0.0;
    return NS_OK;
}

static ns_status_t read_channel(void *ctx, uint32_t channel, double *out_value) {
    ns_pmbus_t *self = ctx;
    switch (channel) {
    case NS_PMBUS_VOLTAGE_V:
        return read_voltage(self, out_value);
    case NS_PMBUS_CURRENT_A:
        return read_linear11(self, READ_IOUT, out_value);
    case NS_PMBUS_POWER_W:
        return read_linear11(self, READ_POUT, out_value);
    case NS_PMBUS_TEMP_C:
        return read_linear11(self, READ_TEMPERATURE_1, out_value);
    case NS_PMBUS_STATUS:
        return read_status(self, out_value);
    case NS_PMBUS_ENABLE:
        return read_enable(self, out_value);
    default:
        return NS_E_ARG;
    }
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
    ns_status_t status = select_page(self);
    if (status == NS_OK && is_on) {
        status =
            ensure_limit_and_lock(self); /* silicon first: the output comes on behind its limit */
    }
    if (status != NS_OK) {
        return status;
    }
    return write_number(self, OPERATION, 1, is_on ? OPERATION_ON : OPERATION_OFF);
}

const ns_device_ops_t ns_pmbus_ops = {
    .abi = NS_DEVICE_OPS_ABI,
    .name = "pmbus",
    .begin = begin,
    .read = read_channel,
    .write = write_channel,
    .close = NULL,
};

ns_status_t ns_pmbus_open(ns_pmbus_t *self, const ns_pmbus_config_t *config, const void *bus_ops,
                          void *bus_ctx) {
    const ns_bus_ops_t *ops = bus_ops;
    if (self == NULL || config == NULL || ops == NULL || ops->abi != NS_BUS_OPS_ABI ||
        ops->transfer == NULL || config->address < ADDRESS_MIN || config->address > ADDRESS_MAX ||
        config->page > PAGE_MAX || config->timeout_us == 0 || !(config->current_limit_a >= 0.0)) {
        return NS_E_ARG;
    }
    uint16_t limit_raw = 0;
    ns_status_t status = ns_linear11_encode(config->current_limit_a, NS_ROUND_DOWN, &limit_raw);
    if (status != NS_OK) {
        return status;
    }
    memset(self, 0, sizeof *self);
    self->bus_ops = bus_ops;
    self->bus_ctx = bus_ctx;
    self->config = *config;
    self->limit_raw = limit_raw;
    self->limit_a = ns_linear11_decode(limit_raw);
    return NS_OK;
}
