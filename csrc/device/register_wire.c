#include "register_wire.h"

#define ADDRESS_MIN 0x08U /* below and above: reserved by the I2C specification */
#define ADDRESS_MAX 0x77U
#define SIZE_MAX_BYTES 5U

bool ns_register_wire_is_valid(const ns_register_wire_t *self) {
    return self->ops != NULL && self->ops->abi == NS_BUS_OPS_ABI && self->ops->transfer != NULL &&
           self->address >= ADDRESS_MIN && self->address <= ADDRESS_MAX && self->timeout_us > 0;
}

ns_status_t ns_register_read(const ns_register_wire_t *self, uint8_t number, size_t size,
                             uint64_t *out) {
    if (size == 0 || size > SIZE_MAX_BYTES) {
        return NS_E_ARG;
    }
    uint8_t bytes[SIZE_MAX_BYTES] = {0};
    ns_status_t status =
        self->ops->transfer(self->ctx, self->address, &number, 1, bytes, size, self->timeout_us);
    if (status != NS_OK) {
        return status;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
        value = value << 8 | bytes[i];
    }
    *out = value;
    return NS_OK;
}

ns_status_t ns_register_write(const ns_register_wire_t *self, uint8_t number, uint16_t value) {
    const uint8_t message[3] = {number, (uint8_t)(value >> 8), (uint8_t)(value & 0xFFU)};
    return self->ops->transfer(self->ctx, self->address, message, sizeof message, NULL, 0,
                               self->timeout_us);
}

static ns_status_t holds(const ns_register_wire_t *self, const ns_register_rule_t *rule,
                         bool *out) {
    uint64_t value = 0;
    ns_status_t status = ns_register_read(self, rule->number, 2, &value);
    if (status == NS_OK) {
        *out = ((uint16_t)value & rule->mask) == (rule->value & rule->mask);
    }
    return status;
}

ns_status_t ns_register_program(const ns_register_wire_t *self, const ns_register_rule_t *rule) {
    ns_status_t status = ns_register_write(self, rule->number, rule->value);
    bool is_right = false;
    if (status == NS_OK) {
        status = holds(self, rule, &is_right);
    }
    if (status != NS_OK) {
        return status;
    }
    return is_right ? NS_OK : NS_E_RANGE;
}

ns_status_t ns_register_scrub(const ns_register_wire_t *self, const ns_register_rule_t *rule,
                              uint32_t *repair_count) {
    bool is_right = false;
    for (int attempt = 0; attempt < 2 && !is_right; attempt++) {
        ns_status_t status = holds(self, rule, &is_right);
        if (status != NS_OK) {
            return status;
        }
    }
    if (is_right) {
        return NS_OK;
    }
    (*repair_count)++;
    return ns_register_program(self, rule);
}

int64_t ns_register_signed(uint64_t raw, unsigned bits) {
    uint64_t sign = 1ULL << (bits - 1);
    uint64_t kept = raw & ((sign << 1) - 1);
    return (int64_t)(kept ^ sign) - (int64_t)sign;
}
