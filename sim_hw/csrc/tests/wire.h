/**
 * @file wire.h
 * @brief Messages by hand over the bus of a bench, as a master without a driver would send them.
 */
#ifndef NIGHTSIDE_SIM_WIRE_H
#define NIGHTSIDE_SIM_WIRE_H

#include <string.h>

#include "check.h"
#include "pmbus_codes.h"
#include "sim_bench.h"

#define TIMEOUT_US 50000u

/** @brief One message. */
ns_status_t wire(sim_bench_t *bench, uint8_t address, const uint8_t *write, size_t write_size,
                 uint8_t *read, size_t read_size);

/** @brief Read `size` data bytes, 1 or 2, with a PEC that must match; low byte first. */
unsigned get(sim_bench_t *bench, uint8_t address, size_t size, uint8_t code);

/** @brief The same, with what the bus says; the PEC is not looked at. */
ns_status_t try_get(sim_bench_t *bench, uint8_t address, size_t size, uint8_t code);

/** @brief Write `size` data bytes, 0 .. 2, with a PEC. */
ns_status_t put(sim_bench_t *bench, uint8_t address, size_t size, uint8_t code, unsigned value);

/** @brief Read a block with a PEC that must match. @return its size */
size_t get_block(sim_bench_t *bench, uint8_t address, uint8_t code, uint8_t *data);

/** @brief Read a big-endian register of `size` bytes, 1 .. 5. */
uint64_t get_be(sim_bench_t *bench, uint8_t address, size_t size, uint8_t index);

/** @brief Write a big-endian word. */
ns_status_t put_be(sim_bench_t *bench, uint8_t address, uint8_t index, unsigned value);

#endif
