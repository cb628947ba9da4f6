/**
 * @file register_bench.h
 * @brief A part with big-endian registers on a bus: tests set what it holds and how it fails.
 */
#ifndef NIGHTSIDE_TEST_REGISTER_BENCH_H
#define NIGHTSIDE_TEST_REGISTER_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nightside/bus.h"

#define BENCH_ADDRESS 0x44
#define BENCH_TIMEOUT_US 3000U

typedef struct register_part {
    uint64_t value[256];
    uint8_t size[256];  /**< bytes of a register; 2 where it says 0 */
    bool is_stuck[256]; /**< takes writes and forgets them */
    bool is_floating;   /**< answers all ones */
    int fails_at;       /**< this transfer from now fails, counted from 0; -1: none */
    ns_status_t failure;
    unsigned transfer_count;
    unsigned write_count;
    uint8_t moves; /**< register whose value grows by move_step with each read */
    uint64_t move_step;
    uint16_t lock_word; /**< last word written to register 0xC4 */
    bool is_locking;    /**< writes are refused unless lock_word unlocks */
} register_part_t;

extern const ns_bus_ops_t register_bus_ops;

/** A part of zeros that never fails. */
void register_part_clear(register_part_t *self);

#endif
