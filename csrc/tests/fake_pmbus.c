#include "fake_pmbus.h"

#include <string.h>

#include "check.h"
#include "nightside/codec.h"

#define PAGE 0x00
#define OPERATION 0x01
#define CLEAR_FAULTS 0x03
#define PHASE 0x04
#define WRITE_PROTECT 0x10
#define QUERY 0x1A
#define COEFFICIENTS 0x30
#define MFR_COMMON 0xEF
#define NOBODY 256

void fake_pmbus_define(fake_pmbus_t *self, uint8_t command, uint8_t size, uint16_t value) {
    self->size[command] = size;
    for (int page = 0; page < FAKE_PAGES; page++) {
        self->power_up[page][command] = value;
        self->words[page][command] = value;
    }
}

void fake_pmbus_init(fake_pmbus_t *self) {
    memset(self, 0, sizeof *self);
    self->has_pec = true;
    self->fails_command = -1;
    self->is_shared[PAGE] = true;
    self->is_shared[WRITE_PROTECT] = true;
    fake_pmbus_define(self, PAGE, 1, 0);
    fake_pmbus_define(self, OPERATION, 1, 0);
    fake_pmbus_define(self, CLEAR_FAULTS, FAKE_SEND, 0);
    fake_pmbus_define(self, WRITE_PROTECT, 1, 0);
    fake_pmbus_define(self, 0x19, 1, 0xB0);   /* CAPABILITY: PEC, 400 kHz, SMBALERT# */
    fake_pmbus_define(self, 0x20, 1, 0x17);   /* VOUT_MODE: linear, 2^-9 */
    fake_pmbus_define(self, 0x46, 2, 0x0005); /* IOUT_OC_FAULT_LIMIT: 5 A */
    fake_pmbus_define(self, 0x79, 2, 0x0840); /* off, no power good */
    fake_pmbus_define(self, 0x7E, 1, 0);
    fake_pmbus_define(self, 0x8B, 2, 54 << 9); /* 54 V */
    fake_pmbus_define(self, 0x8C, 2, 0xD280);  /* 10 A */
    fake_pmbus_define(self, 0x8D, 2, 0xE320);  /* 50 degC */
    fake_pmbus_define(self, 0x96, 2, 0xF3E8);  /* 250 W */
}

void fake_pmbus_power_up(fake_pmbus_t *self) {
    memcpy(self->words, self->power_up, sizeof self->words);
}

bool fake_pmbus_wrote(const fake_pmbus_t *self, uint8_t command) {
    for (unsigned i = 0; i < self->write_count && i < FAKE_WRITES_MAX; i++) {
        if (self->writes[i].command == command) {
            return true;
        }
    }
    return false;
}

static uint16_t *register_of(fake_pmbus_t *self, uint8_t command) {
    uint16_t page = self->words[0][PAGE];
    return &self->words[self->is_shared[command] || page >= FAKE_PAGES ? 0 : page][command];
}

static ns_status_t refuse(fake_pmbus_t *self) {
    *register_of(self, 0x7E) |= 0x80; /* invalid command */
    return NS_E_NACK;
}

static bool is_locked(const fake_pmbus_t *self, uint8_t command) {
    if (self->words[0][WRITE_PROTECT] == 0 || self->size[WRITE_PROTECT] == 0) {
        return false;
    }
    bool is_open = command == PAGE || command == OPERATION || command == WRITE_PROTECT;
    return !is_open && (self->has_strict_lock || command != CLEAR_FAULTS);
}

static bool is_gated(fake_pmbus_t *self, uint8_t command) {
    return command == OPERATION && self->gate != 0 && (*register_of(self, self->gate) & 0x20) == 0;
}

static ns_status_t take_write(fake_pmbus_t *self, const uint8_t *bytes, size_t size) {
    uint8_t command = bytes[0];
    size_t known = self->size[command] == FAKE_SEND ? 0 : self->size[command];
    if (self->size[command] == 0 || size != known + 1 || is_locked(self, command) ||
        is_gated(self, command)) {
        return refuse(self);
    }
    uint16_t value = (uint16_t)(size > 1 ? bytes[1] : 0);
    value = (uint16_t)(value | (size > 2 ? bytes[2] << 8 : 0));
    if (command != PAGE) {
        CHECK(self->write_count < FAKE_WRITES_MAX);
        self->writes[self->write_count++] = (fake_write_t){.command = command,
                                                           .page = (uint8_t)self->words[0][PAGE],
                                                           .value = value,
                                                           .limit = *register_of(self, self->limit),
                                                           .transfer = self->transfer_count};
    }
    if (!self->is_stuck[command]) {
        *register_of(self, command) = value;
    }
    return NS_OK;
}

/** Fill `answer` with what the part would send for ever: its bytes, then the check code. */
static ns_status_t give_read(fake_pmbus_t *self, const uint8_t *write, size_t write_size,
                             uint8_t *answer, size_t *out_size) {
    uint8_t command = write[0];
    unsigned read = self->read_count[command]++;
    if (command == QUERY && self->has_query && write_size == 3) {
        answer[0] = 1;
        answer[1] = self->query[write[2]];
        *out_size = 2;
        return NS_OK;
    }
    if (command == COEFFICIENTS && self->has_query && write_size == 4) {
        answer[0] = 5;
        memcpy(&answer[1], self->coefficients[write[2]], 5);
        *out_size = 6;
        return NS_OK;
    }
    if (self->blocks[command] != NULL) {
        *out_size = self->blocks[command][0] + (size_t)1;
        memcpy(answer, self->blocks[command], *out_size);
        return NS_OK;
    }
    if (self->size[command] == 0 || self->size[command] == FAKE_SEND) {
        return refuse(self);
    }
    uint16_t value = *register_of(self, command);
    if (read < 32 && (self->wrong_reads[command] >> read & 1U) != 0) {
        value ^= 1U;
    }
    answer[0] = (uint8_t)value;
    answer[1] = (uint8_t)(value >> 8);
    *out_size = self->size[command];
    return NS_OK;
}

static ns_status_t busy(fake_pmbus_t *self, uint8_t command) {
    if (command != MFR_COMMON) {
        return NS_E_NACK;
    }
    self->busy_polls--;
    return self->busy_polls == 0 ? NS_E_BUSY : NS_OK;
}

static bool fails_now(const fake_pmbus_t *self, uint8_t command) {
    bool by_count = self->fails_at != 0 && self->transfer_count >= self->fails_at &&
                    self->transfer_count <= self->fails_until;
    return by_count || self->fails_command == command || self->fails_command == NOBODY;
}

static ns_status_t read_transfer(fake_pmbus_t *self, const uint8_t *write, size_t write_size,
                                 uint8_t *read, size_t read_size) {
    const uint8_t addresses[2] = {FAKE_ADDRESS << 1, (FAKE_ADDRESS << 1) | 1};
    uint8_t answer[300];
    memset(answer, 0xFF, sizeof answer); /* nobody drives the bus after the last byte */
    size_t size = 0;
    ns_status_t status = give_read(self, write, write_size, answer, &size);
    if (status != NS_OK) {
        return status;
    }
    if (self->is_floating) {
        memset(answer, 0xFF, sizeof answer);
    }
    bool is_broken = fails_now(self, write[0]) && self->failure == NS_E_PEC;
    if (self->has_pec) {
        uint8_t pec = ns_pec(ns_pec(0, &addresses[0], 1), write, write_size);
        pec = ns_pec(ns_pec(pec, &addresses[1], 1), answer, size);
        answer[size] = (uint8_t)(pec ^ self->pec_error ^ (is_broken ? 1 : 0));
    }
    CHECK(read_size <= sizeof answer);
    memcpy(read, answer, read_size);
    return NS_OK;
}

static ns_status_t write_transfer(fake_pmbus_t *self, const uint8_t *write, size_t write_size) {
    const uint8_t address = FAKE_ADDRESS << 1;
    size_t size = write_size;
    if (self->has_pec) {
        size--;
        CHECK(ns_pec(ns_pec(0, &address, 1), write, size) == write[size]);
    }
    return take_write(self, write, size);
}

static ns_status_t fake_transfer(void *ctx, uint8_t address, const uint8_t *write,
                                 size_t write_size, uint8_t *read, size_t read_size,
                                 uint32_t timeout_us) {
    fake_pmbus_t *self = ctx;
    CHECK(address == FAKE_ADDRESS && timeout_us > 0 && timeout_us <= FAKE_TIMEOUT_US);
    CHECK(write_size > 0);
    self->transfer_count++;
    self->now_ns += self->takes_all_time ? (int64_t)timeout_us * 1000 - 1000 : 100000;
    if (self->transfer_count == self->browns_out_at) {
        fake_pmbus_power_up(self);
    }
    if (fails_now(self, write[0]) && self->failure != NS_E_PEC) {
        return self->failure;
    }
    if (self->busy_polls > 0 && busy(self, write[0]) == NS_E_NACK) {
        return NS_E_NACK;
    }
    if (read_size == 0) {
        bool is_broken = fails_now(self, write[0]);
        return is_broken ? NS_E_NACK : write_transfer(self, write, write_size);
    }
    ns_status_t status = read_transfer(self, write, write_size, read, read_size);
    if (status == NS_OK && self->busy_polls > 0) {
        memset(read, 0, read_size); /* not ready, and a check code that does not match */
    }
    return status;
}

static int64_t fake_now_ns(void *ctx) {
    const fake_pmbus_t *self = ctx;
    return self->now_ns;
}

static void fake_delay(void *ctx, uint32_t us) {
    fake_pmbus_t *self = ctx;
    self->now_ns += (int64_t)us * 1000;
}

const ns_bus_ops_t fake_pmbus_ops = {
    .abi = NS_BUS_OPS_ABI, .transfer = fake_transfer, .now_ns = fake_now_ns, .delay = fake_delay};

static ns_status_t port_transfer(void *ctx, uint8_t address, const uint8_t *write,
                                 size_t write_size, uint8_t *read, size_t read_size,
                                 uint32_t timeout_us) {
    fake_port_t *self = ctx;
    int64_t left_us = (self->deadline_ns - self->part->now_ns) / 1000;
    self->transfers_when_over += self->is_over ? 1U : 0U;
    if (left_us <= 0) {
        self->is_over = true;
        return NS_E_TIMEOUT;
    }
    uint32_t clipped_us = left_us < (int64_t)timeout_us ? (uint32_t)left_us : timeout_us;
    return fake_transfer(self->part, address, write, write_size, read, read_size, clipped_us);
}

static int64_t port_now_ns(void *ctx) {
    const fake_port_t *self = ctx;
    return self->part->now_ns;
}

static void port_delay(void *ctx, uint32_t us) {
    fake_port_t *self = ctx;
    int64_t left_us = (self->deadline_ns - self->part->now_ns) / 1000;
    int64_t clipped_us = left_us < (int64_t)us ? left_us : (int64_t)us;
    fake_delay(self->part, clipped_us > 0 ? (uint32_t)clipped_us : 0);
}

const ns_bus_ops_t fake_port_ops = {
    .abi = NS_BUS_OPS_ABI, .transfer = port_transfer, .now_ns = port_now_ns, .delay = port_delay};
