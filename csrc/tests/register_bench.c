#include "register_bench.h"

#include <string.h>

#include "check.h"

void register_part_clear(register_part_t *self) {
    memset(self, 0, sizeof *self);
    self->fails_at = -1;
}

static size_t size_of(const register_part_t *self, uint8_t number) {
    return self->size[number] == 0 ? 2 : self->size[number];
}

static void take(register_part_t *self, const uint8_t *bytes, size_t size) {
    uint8_t number = bytes[0];
    uint64_t value = 0;
    CHECK(size == size_of(self, number) + 1);
    for (size_t i = 1; i < size; i++) {
        value = value << 8 | bytes[i];
    }
    self->write_count++;
    if (self->is_locking && number == 0xC4) {
        self->lock_word = (uint16_t)value;
        return;
    }
    if (!self->is_stuck[number] && (!self->is_locking || self->lock_word == 0xEB19)) {
        self->value[number] = value;
    }
}

static ns_status_t transfer(void *ctx, uint8_t address, const uint8_t *write, size_t write_size,
                            uint8_t *read, size_t read_size, uint32_t timeout_us) {
    register_part_t *self = ctx;
    CHECK(address == BENCH_ADDRESS && timeout_us == BENCH_TIMEOUT_US && write_size > 0);
    self->transfer_count++;
    if (self->fails_at >= 0 && self->fails_at-- == 0) {
        return self->failure;
    }
    if (read_size == 0) {
        take(self, write, write_size);
        return NS_OK;
    }
    uint8_t number = write[0];
    CHECK(write_size == 1 && read_size == size_of(self, number));
    for (size_t i = 0; i < read_size; i++) {
        uint64_t byte = self->value[number] >> (8 * (read_size - 1 - i));
        read[i] = self->is_floating ? 0xFF : (uint8_t)byte;
    }
    if (number == self->moves) {
        self->value[number] += self->move_step;
    }
    return NS_OK;
}

const ns_bus_ops_t register_bus_ops = {.abi = NS_BUS_OPS_ABI, .transfer = transfer};
