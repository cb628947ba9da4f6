/**
 * @file register_wire.h
 * @brief Big-endian registers of sensors on I2C: pointer byte, then the value, most significant
 *        byte first. Private to csrc/device.
 */
#ifndef NIGHTSIDE_REGISTER_WIRE_H
#define NIGHTSIDE_REGISTER_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nightside/bus.h"

/** A part on a bus. */
typedef struct ns_register_wire {
    const ns_bus_ops_t *ops;
    void *ctx;
    uint8_t address;
    uint32_t timeout_us;
} ns_register_wire_t;

/** A register that is programmed, read back and scrubbed. */
typedef struct ns_register_rule {
    uint8_t number;
    uint16_t value;
    uint16_t mask; /**< bits that are ours; the part may change the others */
} ns_register_rule_t;

/** @brief True when the table and the address (7 bits, 0x08 .. 0x77) can be used. */
bool ns_register_wire_is_valid(const ns_register_wire_t *self);

/**
 * @brief Read `size` bytes as one unsigned number.
 * @param[in] size 1 .. 5
 * @retval NS_OK  read
 * @retval others as the bus says; *out untouched
 */
ns_status_t ns_register_read(const ns_register_wire_t *self, uint8_t number, size_t size,
                             uint64_t *out);

/** @brief Write two bytes. Returns what the bus returns. */
ns_status_t ns_register_write(const ns_register_wire_t *self, uint8_t number, uint16_t value);

/**
 * @brief Program one register and read it back.
 * @retval NS_OK      it holds the value in the bits of the mask
 * @retval NS_E_RANGE it does not
 * @retval others     as the bus says
 */
ns_status_t ns_register_program(const ns_register_wire_t *self, const ns_register_rule_t *rule);

/**
 * @brief Compare one register; two reads must agree that it is wrong before it is programmed again.
 * @param[in,out] repair_count counts programmings
 * @retval as ns_register_program
 */
ns_status_t ns_register_scrub(const ns_register_wire_t *self, const ns_register_rule_t *rule,
                              uint32_t *repair_count);

/** @brief Sign-extend the lower `bits` of a number. */
int64_t ns_register_signed(uint64_t raw, unsigned bits);

#endif
