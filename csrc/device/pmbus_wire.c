#include <string.h>

#include "pmbus_state.h"

/* MFR_COMMON of the LTC297x and LTC388x families: the one command that a busy part answers
 * (LTC2977 data sheet, MFR_COMMON). */
#define MFR_COMMON 0xEFU
#define READY_POLL_US 500U
#define READY_TIME_NS INT64_C(100000000)
#define READY_POLLS_MAX 200U /* READY_TIME_NS of READY_POLL_US, for a bus without a clock */
#define SILENT_POLLS_MAX                                                                           \
    20U /* assumed: a part that never answers MFR_COMMON is not busy but gone */

#define FLOATING_BYTE 0xFFU

static uint8_t write_address(const ns_pmbus_t *self) {
    return (uint8_t)(self->config.address << 1);
}

static ns_status_t transfer(ns_pmbus_t *self, const uint8_t *write, size_t write_size,
                            uint8_t *read, size_t read_size) {
    const ns_bus_ops_t *ops = self->bus_ops;
    return ops->transfer(self->bus_ctx, self->config.address, write, write_size, read, read_size,
                         self->config.timeout_us);
}

/** Check code of a message: what was written, then what was read with the address before it. */
static uint8_t check_code(const ns_pmbus_t *self, const uint8_t *write, size_t write_size,
                          const uint8_t *read, size_t read_size) {
    const uint8_t addresses[2] = {write_address(self), (uint8_t)(write_address(self) | 1U)};
    uint8_t pec = ns_pec(ns_pec(0, &addresses[0], 1), write, write_size);
    return read_size == 0 ? pec : ns_pec(ns_pec(pec, &addresses[1], 1), read, read_size);
}

/** Read `size` bytes, at most BLOCK_SIZE_MAX + 1, with their PEC where there is one. */
static ns_status_t read_checked(ns_pmbus_t *self, const uint8_t *write, size_t write_size,
                                uint8_t *read, size_t size) {
    uint8_t bytes[BLOCK_SIZE_MAX + 2] = {0};
    ns_status_t status = transfer(self, write, write_size, bytes, size + (self->has_pec ? 1U : 0U));
    if (status != NS_OK) {
        return status;
    }
    if (self->has_pec && check_code(self, write, write_size, bytes, size) != bytes[size]) {
        return NS_E_PEC;
    }
    memcpy(read, bytes, size);
    return NS_OK;
}

static bool patience_is_over(const ns_pmbus_t *self, uint32_t poll, int64_t since_ns) {
    const ns_bus_ops_t *ops = self->bus_ops;
    return poll >= READY_POLLS_MAX ||
           (ops->now_ns != NULL && ops->now_ns(self->bus_ctx) - since_ns >= READY_TIME_NS);
}

/** Wait until the part says that it is ready; a NACK or a broken check code counts as busy. */
static ns_status_t wait_ready(ns_pmbus_t *self) {
    const ns_bus_ops_t *ops = self->bus_ops;
    const uint8_t command = MFR_COMMON;
    int64_t since_ns = ops->now_ns != NULL ? ops->now_ns(self->bus_ctx) : 0;
    bool has_answered = false;
    for (uint32_t poll = 0; self->ready_mask != 0; poll++) {
        uint8_t common = 0;
        ns_status_t status = read_checked(self, &command, 1, &common, 1);
        bool is_floating = !self->has_pec && common == FLOATING_BYTE;
        if (status == NS_OK && (common & self->ready_mask) == self->ready_mask && !is_floating) {
            return NS_OK;
        }
        if (status != NS_OK && status != NS_E_NACK && status != NS_E_PEC) {
            return status;
        }
        has_answered = has_answered || status != NS_E_NACK;
        if (!has_answered && poll + 1 >= SILENT_POLLS_MAX) {
            return NS_E_NACK;
        }
        if (patience_is_over(self, poll + 1, since_ns)) {
            return NS_E_BUSY;
        }
        if (ops->delay != NULL) {
            ops->delay(self->bus_ctx, READY_POLL_US);
        }
    }
    return NS_OK;
}

static ns_status_t read_bytes(ns_pmbus_t *self, const uint8_t *write, size_t write_size,
                              uint8_t *read, size_t size) {
    ns_status_t status = wait_ready(self);
    return status == NS_OK ? read_checked(self, write, write_size, read, size) : status;
}

ns_status_t ns_pmbus_read_byte(ns_pmbus_t *self, uint8_t command, uint8_t *out) {
    return read_bytes(self, &command, 1, out, 1);
}

ns_status_t ns_pmbus_read_word(ns_pmbus_t *self, uint8_t command, uint16_t *out) {
    uint8_t read[2] = {0};
    ns_status_t status = read_bytes(self, &command, 1, read, sizeof read);
    if (status != NS_OK) {
        return status;
    }
    uint16_t word = (uint16_t)(read[0] | (uint16_t)(read[1] << 8));
    if (!self->has_pec && ns_word_is_floating(word)) {
        return NS_E_RANGE;
    }
    *out = word;
    return NS_OK;
}

ns_status_t ns_pmbus_read_optional(ns_pmbus_t *self, uint8_t command, uint8_t *out,
                                   bool *out_is_known) {
    ns_status_t status = ns_pmbus_read_byte(self, command, out);
    if (status == NS_E_NACK) {
        status = ns_pmbus_read_byte(self, command, out);
    }
    *out_is_known = status == NS_OK;
    return status == NS_E_NACK ? NS_OK : status;
}

/** The length, read alone: no check code follows a message that ends early. */
static ns_status_t read_length(ns_pmbus_t *self, uint8_t command, uint8_t *out) {
    ns_status_t status = wait_ready(self);
    return status == NS_OK ? transfer(self, &command, 1, out, 1) : status;
}

ns_status_t ns_pmbus_read_block(ns_pmbus_t *self, uint8_t command, uint8_t *out, size_t capacity,
                                size_t *out_size) {
    uint8_t length = 0;
    uint8_t bytes[BLOCK_SIZE_MAX + 1] = {0};
    ns_status_t status = read_length(self, command, &length);
    if (status == NS_OK && (length == 0 || length > BLOCK_SIZE_MAX || length > capacity)) {
        status = NS_E_PROTOCOL; /* 255 is a floating bus */
    }
    if (status == NS_OK) {
        status = read_bytes(self, &command, 1, bytes, length + 1U);
    }
    if (status == NS_OK && bytes[0] != length) {
        status = NS_E_PROTOCOL;
    }
    if (status != NS_OK) {
        return status;
    }
    memcpy(out, &bytes[1], length);
    *out_size = length;
    return NS_OK;
}

ns_status_t ns_pmbus_read_log(ns_pmbus_t *self, uint8_t command, size_t log_size, uint8_t *out,
                              size_t capacity, size_t *out_size) {
    uint8_t length = 0;
    uint8_t bytes[BLOCK_SIZE_MAX + 1] = {0};
    ns_status_t status = read_length(self, command, &length);
    if (status != NS_OK) {
        return status;
    }
    if (length == 0) { /* it holds no log, if the check code says so, too */
        status = read_bytes(self, &command, 1, bytes, 1);
        *out_size = status == NS_OK ? 0 : *out_size;
        return status == NS_OK && bytes[0] != 0 ? NS_E_PROTOCOL : status;
    }
    if ((log_size == 0 && length == FLOATING_BYTE) || (log_size != 0 && length != log_size)) {
        return NS_E_PROTOCOL;
    }
    size_t size = capacity < BLOCK_SIZE_MAX ? capacity : BLOCK_SIZE_MAX;
    if (length <= size) {
        return ns_pmbus_read_block(self, command, out, capacity, out_size);
    }
    status = wait_ready(self);
    if (status == NS_OK) {
        status = transfer(self, &command, 1, bytes, size + 1U);
    }
    if (status == NS_OK && bytes[0] != length) {
        status = NS_E_PROTOCOL;
    }
    if (status != NS_OK) {
        return status;
    }
    memcpy(out, &bytes[1], size);
    *out_size = size;
    return NS_OK;
}

ns_status_t ns_pmbus_call(ns_pmbus_t *self, uint8_t command, const uint8_t *argument,
                          size_t argument_size, uint8_t *out, size_t size) {
    uint8_t write[4] = {command, (uint8_t)argument_size};
    uint8_t read[BLOCK_SIZE_MAX + 1] = {0};
    if (argument_size > sizeof write - 2 || size > BLOCK_SIZE_MAX) {
        return NS_E_ARG;
    }
    memcpy(&write[2], argument, argument_size);
    ns_status_t status = read_bytes(self, write, argument_size + 2, read, size + 1);
    if (status == NS_OK && read[0] != size) {
        status = NS_E_PROTOCOL;
    }
    if (status == NS_OK) {
        memcpy(out, &read[1], size);
    }
    return status;
}

/* VOUT_COMMAND, VOUT_MODE, STORE_* and RESTORE_* are not here, so nothing can send them. */
static const ns_pmbus_write_data_t standard_writes[] = {
    {PAGE, 1},
    {OPERATION, 1},
    {CLEAR_FAULTS, 0},
    {PHASE, 1},
    {WRITE_PROTECT, 1},
    {VOUT_OV_FAULT_LIMIT, 2},
    {VOUT_OV_WARN_LIMIT, 2},
    {VOUT_UV_WARN_LIMIT, 2},
    {VOUT_UV_FAULT_LIMIT, 2},
    {IOUT_OC_FAULT_LIMIT, 2},
    {IOUT_OC_WARN_LIMIT, 2},
    {OT_FAULT_LIMIT, 2},
    {POUT_OP_FAULT_LIMIT, 2},
    {PIN_OP_WARN_LIMIT, 2},
};

static bool is_listed(const ns_pmbus_write_data_t *list, size_t count, uint8_t command,
                      size_t size) {
    for (size_t i = 0; i < count; i++) {
        if (list[i].command == command && list[i].size == size) {
            return true;
        }
    }
    return false;
}

static bool write_is_allowed(const ns_pmbus_t *self, uint8_t command, size_t size) {
    size_t count = sizeof standard_writes / sizeof standard_writes[0];
    return is_listed(standard_writes, count, command, size) ||
           (command != 0 &&
            is_listed(ns_pmbus_data(self)->own_writes, NS_PMBUS_OWN_WRITES, command, size));
}

ns_status_t ns_pmbus_write(ns_pmbus_t *self, uint8_t command, size_t size, uint16_t number) {
    if (!write_is_allowed(self, command, size)) {
        return NS_E_ARG;
    }
    ns_status_t status = wait_ready(self);
    if (status != NS_OK) {
        return status;
    }
    uint8_t message[4] = {command, (uint8_t)(number & 0xFFU), (uint8_t)(number >> 8)};
    size_t used = 1 + size;
    if (self->has_pec) {
        message[used] = check_code(self, message, used, NULL, 0);
        used++;
    }
    return transfer(self, message, used, NULL, 0);
}

ns_status_t ns_pmbus_write_verified(ns_pmbus_t *self, uint8_t command, size_t size,
                                    uint16_t number) {
    ns_status_t status = ns_pmbus_write(self, command, size, number);
    if (status != NS_OK) {
        return status;
    }
    uint16_t read_back = 0;
    if (size == 2) {
        status = ns_pmbus_read_word(self, command, &read_back);
    } else {
        uint8_t byte = 0;
        status = ns_pmbus_read_byte(self, command, &byte);
        read_back = byte;
    }
    if (status != NS_OK) {
        return status;
    }
    return read_back == number ? NS_OK : NS_E_RANGE;
}
