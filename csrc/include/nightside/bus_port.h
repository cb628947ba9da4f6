/**
 * @file bus_port.h
 * @brief Bus port: the bus as the devices of one driver see it, bounded, counted and measured.
 *
 * A port wraps the ops of a real or simulated bus and is itself such a table. Between start_call
 * and end_call all transfers together take no longer than the deadline, as far as the back end
 * keeps to the timeout it is given. A driver without a bus (NVML, hwmon) has a port too: there the
 * call itself counts as one transfer. Single thread; memory is the caller's.
 */
#ifndef NIGHTSIDE_BUS_PORT_H
#define NIGHTSIDE_BUS_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nightside/image.h"
#include "nightside/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* cffi: begin */
typedef struct ns_bus_port ns_bus_port_t; /**< opaque */

/** @brief Bytes a port takes. */
size_t ns_bus_port_size(void);

/**
 * @brief Open a port. Nothing is sent.
 * @param[in] memory    aligned to 8, at least ns_bus_port_size(); outlives the port
 * @param[in] bus_ops   an ns_bus_ops_t, bus_ctx its context; both outlive the port. NULL: no bus
 * @param[in] now_ns    a clock for a bus that has none of its own, or for no bus; NULL: nothing is
 *                      timed, and only a transfer that times out is charged to the deadline
 * @param[in] clock_ctx passed to now_ns
 * @retval NS_OK     open
 * @retval NS_E_ARG  NULL, misaligned, a table of another ABI or without transfer and exchange
 * @retval NS_E_FULL size too small
 */
ns_status_t ns_bus_port_open(void *memory, size_t size, const void *bus_ops, void *bus_ctx,
                             int64_t (*now_ns)(void *ctx), void *clock_ctx, ns_bus_port_t **out);

/**
 * @brief The ns_bus_ops_t to open devices over, with the port as its context; NULL without a bus.
 *
 * It has transfer, exchange, delay, recover and the clock where the bus has them. A transfer gets
 * what is left of the call's deadline where that is less than its own timeout; when no microsecond
 * is left it answers NS_E_TIMEOUT and nothing is sent.
 *
 * The second time-out in a row has the bus recover, again after a second on the clock at the
 * earliest; without a clock, after twice as many time-outs each time. Inside a call with a deadline
 * that is only noted, and `recover` answers NS_E_TIMEOUT: the recovery runs when the next call
 * starts, before its deadline does, unless a transfer came through meanwhile. So it is part of no
 * call; between two of them it takes what the back end needs, once a second at most.
 */
const void *ns_bus_port_ops(const ns_bus_port_t *self);

/**
 * @brief What the bus did since the port was opened; p50 and p99 within 7 %, and 0 without a clock.
 * @retval NS_OK    copied
 * @retval NS_E_ARG NULL
 */
ns_status_t ns_bus_port_statistics(const ns_bus_port_t *self, ns_bus_statistics_t *out);

/** @brief CLOCK_MONOTONIC in ns, as a clock for ns_bus_port_open; the argument is not used. */
int64_t ns_monotonic_now_ns(void *unused);
/* cffi: end */

/* The engine's side; NULL is allowed everywhere: a driver without a port is not measured. */

/**
 * @brief A call into a device begins: deadline_ns from now for all its transfers; 0: none. A
 *        recovery that was noted in a call before runs first.
 */
void ns_bus_port_start_call(ns_bus_port_t *self, int64_t deadline_ns);

/** @brief The call is over. Without a bus it counts as one transfer with this status. */
void ns_bus_port_end_call(ns_bus_port_t *self, ns_status_t status);

/** @brief False: nothing is left of the call's deadline. True outside of a call, and for NULL. */
bool ns_bus_port_has_time(const ns_bus_port_t *self);

/** @brief A device found a wrong packet error code: only devices can tell. */
void ns_bus_port_count_pec_error(ns_bus_port_t *self);

/** @brief The engine tries once more. */
void ns_bus_port_count_retry(ns_bus_port_t *self);

#ifdef __cplusplus
}
#endif
#endif
