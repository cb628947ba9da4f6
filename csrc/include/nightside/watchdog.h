/**
 * @file watchdog.h
 * @brief Device class `watchdog`: a Linux watchdog, /dev/watchdogN.
 *
 * Source: the kernel's watchdog API. Opening arms it; only an explicit disarm (magic close) stops
 * it: a driver that ends, however it ends, leaves it running.
 */
#ifndef NIGHTSIDE_WATCHDOG_H
#define NIGHTSIDE_WATCHDOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nightside/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Ops of a device opened with ns_watchdog_open; its context is the ns_watchdog_t. */
extern const ns_device_ops_t ns_watchdog_ops;

/** How the class reaches the kernel, so that a test or a simulation can stand there. */
typedef struct ns_watchdog_calls {
    int (*open)(void *ctx, const char *path); /**< a descriptor, or -1 with errno */
    int (*control)(void *ctx, int descriptor, unsigned long request, void *argument);
    long (*write)(void *ctx, int descriptor, const void *bytes, size_t size);
    int (*close)(void *ctx, int descriptor);
} ns_watchdog_calls_t;

/* cffi: begin */
/** Channels of a `watchdog` device. */
typedef enum ns_watchdog_channel {
    NS_WATCHDOG_TIMEOUT_S = 0, /**< writable; reads what the device made of it */
    NS_WATCHDOG_TIME_LEFT_S = 1,
    NS_WATCHDOG_BOOT_STATUS = 2, /**< bits of the last reset as a number; 32: the watchdog bit */
    NS_WATCHDOG_KICK = 3,        /**< writable: each value that differs from the last one kicks */
    NS_WATCHDOG_CHANNEL_COUNT = 4
} ns_watchdog_channel_t;

/** Memory of one device, the caller's; the fields are the library's own. */
typedef struct ns_watchdog {
    const void *calls;
    void *calls_ctx;
    int32_t descriptor; /**< -1: closed */
    uint32_t boot_status;
    double token; /**< the last value of KICK */
    uint64_t kick_count;
} ns_watchdog_t;

/**
 * @brief Open and thereby arm it, and set its time-out.
 *
 * KICK takes a token that its writer changes at each stroke, and reads it back. What repeats the
 * last token, as the engine does when it scrubs or retries, never strokes: a writer that stopped
 * lets the watchdog bite.
 * @param[in] path      absolute, e.g. "/dev/watchdog0"
 * @param[in] timeout_s whole seconds, 1 .. 65535; the device may choose another, which is read back
 * @param[in] calls     NULL: the kernel's
 * @retval NS_OK            armed
 * @retval NS_E_ARG         NULL, a relative path, or a time-out out of range
 * @retval NS_E_REFUSED     somebody else holds it, or no permission
 * @retval NS_E_ABSENT      no such device
 * @retval NS_E_UNSUPPORTED it is no watchdog; closed
 * @retval NS_E_RANGE       the device finds the time-out impossible; it is stopped and closed
 * @retval NS_E_IO          any other failure
 *
 * The ops return the same, and
 * @retval NS_E_UNSUPPORTED the device cannot tell (time left); a channel that cannot be written
 */
ns_status_t ns_watchdog_open(ns_watchdog_t *self, const char *path, uint32_t timeout_s,
                             const void *calls, void *calls_ctx);

/**
 * @brief Magic close: the one way to stop it.
 * @retval NS_OK    stopped and closed
 * @retval NS_E_ARG NULL, or closed already
 * @retval NS_E_IO  the device did not take it (it may be built to run for ever); still open
 */
ns_status_t ns_watchdog_disarm(ns_watchdog_t *self);
/* cffi: end */

#ifdef __cplusplus
}
#endif
#endif
