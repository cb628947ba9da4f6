/**
 * @file bus.h
 * @brief Bus ops: how bytes reach a device. A back end supplies one table; devices see only this.
 */
#ifndef NIGHTSIDE_BUS_H
#define NIGHTSIDE_BUS_H

#include <stddef.h>
#include <stdint.h>

#include "nightside/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Version of ns_bus_ops_t; a table of another version is refused with NS_E_ARG. */
#define NS_BUS_OPS_ABI 2u

/**
 * @brief What a bus back end supplies. `ctx` is the back end's own; nobody above looks inside.
 *
 * A back end supplies transfer (I2C), exchange (serial) or both; a missing one is NULL.
 * Every call returns within timeout_us. Output is untouched unless NS_OK is returned.
 */
typedef struct ns_bus_ops {
    uint32_t abi; /**< NS_BUS_OPS_ABI at the back end's compile time */

    /**
     * One I2C message: START, address, write bytes; then, when read_size > 0, repeated START and
     * exactly read_size bytes read. PEC bytes are ordinary bytes here: devices add and check.
     * @retval NS_OK, NS_E_NACK, NS_E_TIMEOUT, NS_E_IO, NS_E_ARG
     */
    ns_status_t (*transfer)(void *ctx, uint8_t address, const uint8_t *write, size_t write_size,
                            uint8_t *read, size_t read_size, uint32_t timeout_us);

    /**
     * One serial exchange: send `write_size` bytes, receive one frame up to and including its 0x00
     * delimiter, at most read_capacity bytes.
     * @retval NS_OK, NS_E_TIMEOUT, NS_E_IO, NS_E_ARG, NS_E_FULL (the frame is longer)
     */
    ns_status_t (*exchange)(void *ctx, const uint8_t *write, size_t write_size, uint8_t *read,
                            size_t read_capacity, size_t *out_read_size, uint32_t timeout_us);

    /**
     * Clock on which this bus counts its deadlines: CLOCK_MONOTONIC of a real bus, simulated time
     * with the time on the wire of a simulated one. May be NULL: the bus cannot tell.
     */
    int64_t (*now_ns)(void *ctx);

    /** Let `us` microseconds pass on that clock. May be NULL: nobody on this bus has to wait. */
    void (*delay)(void *ctx, uint32_t us);

    /**
     * Free a bus that hangs (a device holds SDA low): nine clocks and STOP, or what the back end
     * has. May be NULL.
     * @retval NS_OK the lines are high again; NS_E_TIMEOUT they are not; NS_E_UNSUPPORTED, NS_E_IO
     */
    ns_status_t (*recover)(void *ctx);

    void (*close)(void *ctx); /**< may be NULL */
} ns_bus_ops_t;

/** A bus as a device holds it: the table and its context, both owned by whoever opened the bus. */
typedef struct ns_bus {
    const ns_bus_ops_t *ops;
    void *ctx;
} ns_bus_t;

#ifdef __cplusplus
}
#endif
#endif
