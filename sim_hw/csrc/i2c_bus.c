/** @file i2c_bus.c */
#include "i2c_bus.h"

#include <string.h>

#define NS_PER_US 1000
#define NS_PER_S 1000000000u
#define BITS_OF_BYTE 9         /* eight and the acknowledge */
#define MESSAGE_BYTES_MAX 320u /* a block of 255 with count, command, addresses and PEC */
#define RECOVERY_CLOCKS 9u     /* UM10204, 3.1.16: the master sends nine clock pulses */
#define LAST_MOMENT_NS NS_PER_US

void sim_i2c_open(sim_i2c_bus_t *self, uint32_t bus_hz) {
    memset(self, 0, sizeof(*self));
    self->bit_ns = NS_PER_S / bus_hz;
}

sim_i2c_slot_t *sim_i2c_add(sim_i2c_bus_t *self, uint8_t address, const sim_i2c_ops_t *ops,
                            void *part) {
    if (self->slot_count >= SIM_I2C_PARTS_MAX || address > 0x7Fu || self->slot_of[address] != 0) {
        return NULL;
    }
    sim_i2c_slot_t *slot = &self->slot[self->slot_count++];
    *slot = (sim_i2c_slot_t){.ops = ops, .part = part, .address = address};
    self->slot_of[address] = self->slot_count;
    return slot;
}

void sim_i2c_set_time(sim_i2c_bus_t *self, int64_t plant_ns) {
    self->plant_ns = plant_ns;
    self->wire_ns = 0;
}

bool sim_i2c_is_alerting(const sim_i2c_bus_t *self) {
    for (uint8_t i = 0; i < self->slot_count; i++) {
        const sim_i2c_slot_t *slot = &self->slot[i];
        if (slot->ops->is_alerting != NULL && slot->ops->is_alerting(slot->part)) {
            return true;
        }
    }
    return false;
}

static int64_t bus_now_ns(const sim_i2c_bus_t *self) {
    return self->plant_ns + self->wire_ns;
}

static void spend(sim_i2c_bus_t *self, int64_t duration_ns) {
    self->wire_ns += duration_ns;
    self->occupied_ns += duration_ns;
}

static ns_status_t time_out(sim_i2c_bus_t *self, uint32_t timeout_us) {
    spend(self, (int64_t)timeout_us * NS_PER_US);
    return NS_E_TIMEOUT;
}

static int64_t message_ns(const sim_i2c_bus_t *self, size_t write_size, size_t read_size) {
    size_t bits = 2u; /* START and STOP */
    if (write_size > 0 || read_size == 0) {
        bits += BITS_OF_BYTE * (1u + write_size);
    }
    if (read_size > 0) {
        bits += (write_size > 0 ? 1u : 0u) + BITS_OF_BYTE * (1u + read_size);
    }
    return (int64_t)bits * self->bit_ns;
}

/* SMBus 2.0, 5.2: of all alerting parts the lowest address wins the arbitration. */
static ns_status_t answer_alert(sim_i2c_bus_t *self, uint8_t *read, size_t read_size) {
    const sim_i2c_slot_t *winner = NULL;
    for (uint8_t i = 0; i < self->slot_count; i++) {
        const sim_i2c_slot_t *slot = &self->slot[i];
        bool is_alerting = slot->ops->is_alerting != NULL && slot->ops->is_alerting(slot->part);
        if (is_alerting && (winner == NULL || slot->address < winner->address)) {
            winner = slot;
        }
    }
    if (winner == NULL || read_size == 0) {
        return NS_E_NACK;
    }
    memset(read, 0xFF, read_size); /* nobody drives the bus after the address */
    read[0] = (uint8_t)(winner->address << 1);
    if (winner->ops->acknowledge_alert != NULL) {
        winner->ops->acknowledge_alert(winner->part);
    }
    return NS_OK;
}

/* SplitMix64, as in the sensors: any seed is good. */
static double next_uniform(uint64_t *stream) {
    *stream += 0x9E3779B97F4A7C15u;
    uint64_t mixed = *stream;
    mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
    mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
    return (double)((mixed ^ (mixed >> 31)) >> 11) / 9007199254740992.0;
}

/* The errors of one message, byte by byte as on the wire. */
static void draw_errors(sim_i2c_bus_t *self, uint8_t *error, size_t size) {
    sim_i2c_faults_t *faults = &self->faults;
    memset(error, 0, size);
    if (faults->flip_count > 0) {
        if (faults->flip_skip > 0) {
            faults->flip_skip--;
        } else {
            faults->flip_count--;
            if (faults->flip_byte < size) {
                error[faults->flip_byte] = faults->flip_mask;
            }
        }
    }
    for (size_t i = 0; faults->byte_error_rate > 0.0 && i < size; i++) {
        if (next_uniform(&faults->random) < faults->byte_error_rate) {
            error[i] ^= (uint8_t)(1u << (unsigned)(8.0 * next_uniform(&faults->random)));
        }
    }
}

static ns_status_t deliver(sim_i2c_bus_t *self, uint8_t address, const uint8_t *write,
                           size_t write_size, uint8_t *read, size_t read_size) {
    if (address == SIM_I2C_ALERT_RESPONSE && write_size == 0) {
        return answer_alert(self, read, read_size);
    }
    uint8_t seat = self->slot_of[address];
    if (seat == 0 || (self->slot[seat - 1].is_deaf && !self->is_ideal)) {
        return NS_E_NACK;
    }
    const sim_i2c_slot_t *slot = &self->slot[seat - 1];
    return slot->ops->transfer(slot->part, bus_now_ns(self), write, write_size, read, read_size);
}

/* The same with errors on the wire: the part hears other bytes than were sent, and the master reads
   others than were answered. A repeated START that names another address finds no listener. */
static ns_status_t deliver_with_errors(sim_i2c_bus_t *self, uint8_t address, const uint8_t *write,
                                       size_t write_size, uint8_t *read, size_t read_size) {
    uint8_t error[MESSAGE_BYTES_MAX];
    uint8_t heard[MESSAGE_BYTES_MAX];
    size_t size = 1u + write_size + (read_size > 0 && write_size > 0 ? 1u : 0u) + read_size;
    if (size > MESSAGE_BYTES_MAX) {
        return NS_E_ARG;
    }
    draw_errors(self, error, size);
    uint8_t called = (uint8_t)((unsigned)address << 1) ^ error[0];
    size_t read_at = 1u + write_size;
    if (read_size > 0 && write_size > 0) {
        read_at++;
    }
    bool is_lost = (error[0] & 1u) != 0 || (read_at > 1u + write_size && error[read_at - 1u] != 0);
    for (size_t i = 0; i < write_size; i++) {
        heard[i] = write[i] ^ error[1u + i];
    }
    ns_status_t status =
        is_lost ? NS_E_NACK : deliver(self, called >> 1, heard, write_size, read, read_size);
    for (size_t i = 0; status == NS_OK && i < read_size; i++) {
        read[i] ^= error[read_at + i];
    }
    return status;
}

static int64_t stretch_ns(sim_i2c_bus_t *self, uint8_t address, bool *out_is_late) {
    uint8_t seat = self->slot_of[address];
    *out_is_late = false;
    if (seat == 0 || self->slot[seat - 1].stretch_left == 0) {
        return 0;
    }
    sim_i2c_slot_t *slot = &self->slot[seat - 1];
    if (slot->stretch_left != SIM_I2C_FOR_EVER) {
        slot->stretch_left--;
    }
    *out_is_late = slot->is_stretch_late;
    return (int64_t)slot->stretch_us * NS_PER_US;
}

/* The rare ways through the bus, kept off the common one. */
static ns_status_t transfer_with_faults(sim_i2c_bus_t *self, uint8_t address, const uint8_t *write,
                                        size_t write_size, uint8_t *read, size_t read_size,
                                        uint32_t timeout_us) {
    int64_t limit_ns = (int64_t)timeout_us * NS_PER_US;
    if (self->faults.sda_clocks > 0) {
        return time_out(self, timeout_us); /* no START can be made */
    }
    int64_t wait_ns = self->scl_low_until_ns - bus_now_ns(self);
    if (wait_ns > limit_ns) {
        return time_out(self, timeout_us);
    }
    spend(self, wait_ns > 0 ? wait_ns : 0);
    limit_ns -= wait_ns > 0 ? wait_ns : 0;
    bool is_late = false;
    int64_t held_ns = stretch_ns(self, address, &is_late);
    int64_t needed_ns = message_ns(self, write_size, read_size) + held_ns;
    bool is_too_long = needed_ns > limit_ns;
    ns_status_t status = NS_E_TIMEOUT;
    if (!is_too_long || is_late) {
        uint8_t ignored[MESSAGE_BYTES_MAX];
        uint8_t *target = is_too_long ? ignored : read;
        size_t target_size = is_too_long && read_size > MESSAGE_BYTES_MAX ? 0 : read_size;
        status = deliver_with_errors(self, address, write, write_size, target, target_size);
    }
    if (is_too_long) { /* the master gives up; a part that still holds SCL blocks the next one */
        self->scl_low_until_ns = held_ns > 0 ? bus_now_ns(self) + held_ns : 0;
        spend(self, limit_ns);
        return NS_E_TIMEOUT;
    }
    bool is_last = self->faults.is_last_moment && limit_ns - LAST_MOMENT_NS > needed_ns;
    spend(self, is_last ? limit_ns - LAST_MOMENT_NS : needed_ns);
    return status;
}

static ns_status_t transfer(void *ctx, uint8_t address, const uint8_t *write, size_t write_size,
                            uint8_t *read, size_t read_size, uint32_t timeout_us) {
    if (ctx == NULL || (write == NULL && write_size > 0) || (read == NULL && read_size > 0) ||
        address > 0x7Fu) {
        return NS_E_ARG;
    }
    sim_i2c_bus_t *self = (sim_i2c_bus_t *)ctx;
    self->transfer_count++;
    ns_status_t status = NS_OK;
    if (!self->is_ideal) {
        status =
            transfer_with_faults(self, address, write, write_size, read, read_size, timeout_us);
    } else {
        int64_t needed_ns = message_ns(self, write_size, read_size);
        if (needed_ns > (int64_t)timeout_us * NS_PER_US) {
            return time_out(self, timeout_us);
        }
        status = deliver(self, address, write, write_size, read, read_size);
        spend(self, status == NS_OK ? needed_ns : message_ns(self, write_size, 0));
    }
    self->nack_count += status == NS_E_NACK ? 1u : 0u;
    return status;
}

static int64_t now_ns(void *ctx) {
    return bus_now_ns((const sim_i2c_bus_t *)ctx);
}

static void delay(void *ctx, uint32_t us) {
    ((sim_i2c_bus_t *)ctx)->wire_ns += (int64_t)us * NS_PER_US; /* the bus is idle meanwhile */
}

static ns_status_t recover(void *ctx) {
    sim_i2c_bus_t *self = (sim_i2c_bus_t *)ctx;
    spend(self, (int64_t)(RECOVERY_CLOCKS + 1u) * self->bit_ns);
    uint32_t *clocks = &self->faults.sda_clocks;
    if (*clocks != SIM_I2C_FOR_EVER) {
        *clocks = *clocks > RECOVERY_CLOCKS ? *clocks - RECOVERY_CLOCKS : 0;
    }
    bool is_high = *clocks == 0 && self->scl_low_until_ns <= bus_now_ns(self);
    return is_high ? NS_OK : NS_E_TIMEOUT;
}

const ns_bus_ops_t sim_i2c_bus_ops = {.abi = NS_BUS_OPS_ABI,
                                      .transfer = transfer,
                                      .now_ns = now_ns,
                                      .delay = delay,
                                      .recover = recover};
