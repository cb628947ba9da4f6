/**
 * @file watchdog.h
 * @brief Device class `watchdog`: a Linux watchdog, /dev/watchdogN.
 *
 * Source: the kernel's watchdog API. The first stroke arms it; only an explicit disarm (magic
 * close) stops it: a driver that ends, however it ends, leaves an armed one running.
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
/** Sizes of the class. */
enum ns_watchdog_limits {
    NS_WATCHDOG_PATH_SIZE = 128,      /**< NUL included */
    NS_WATCHDOG_TIMEOUT_S_MAX = 65535 /**< assumed: drivers of the kernel that take more are few */
};

/** Channels of a `watchdog` device. */
typedef enum ns_watchdog_channel {
    NS_WATCHDOG_TIMEOUT_S = 0, /**< writable; reads what the device made of it once it is armed */
    NS_WATCHDOG_TIME_LEFT_S = 1,
    NS_WATCHDOG_BOOT_STATUS = 2, /**< bits of the last reset as a number; 32: the watchdog bit */
    NS_WATCHDOG_KICK = 3,        /**< writable: each value that differs from the last one kicks */
    NS_WATCHDOG_CHANNEL_COUNT = 4
} ns_watchdog_channel_t;

/** Memory of one device, the caller's; the fields are the library's own. */
typedef struct ns_watchdog {
    const void *calls;
    void *calls_ctx;
    int32_t descriptor; /**< -1: not armed, or closed */
    bool is_closed;     /**< for good */
    uint32_t timeout_s; /**< asked for when it is armed */
    uint32_t boot_status;
    double token; /**< the last value of KICK, 0 before the first */
    uint64_t kick_count;
    char path[128];
} ns_watchdog_t;

/**
 * @brief Open; the device file is not touched, and nothing is armed, before the first stroke.
 *
 * So a node whose daemon never comes as far as its first cycle is not reset for it. The first KICK
 * opens the file, which arms the device, and sets the time-out. A device that finds the time-out
 * impossible is stopped and closed at once; each next stroke tries again.
 *
 * KICK takes a token that its writer changes at each stroke, and reads it back. What repeats the
 * last token, as the engine does when it scrubs or retries, never strokes: a writer that stopped
 * lets the watchdog bite.
 * @param[in] path      absolute, e.g. "/dev/watchdog0", shorter than NS_WATCHDOG_PATH_SIZE; copied
 * @param[in] timeout_s whole seconds, 1 .. 65535; the device may choose another, which is read back
 * @param[in] calls     NULL: the kernel's
 * @retval NS_OK    open
 * @retval NS_E_ARG NULL, a relative or overlong path, or a time-out out of range
 *
 * The ops:
 * @retval NS_E_REFUSED     somebody else holds it, or no permission
 * @retval NS_E_ABSENT      no such device; closed or disarmed
 * @retval NS_E_UNSUPPORTED it is no watchdog; the device cannot tell (time left), or is not armed
 *                          yet (time left, boot status); a channel that cannot be written
 * @retval NS_E_RANGE       a time-out or a token that cannot be
 * @retval NS_E_BUSY, NS_E_IO any other failure
 * @retval NS_E_ARG         no such channel
 */
ns_status_t ns_watchdog_open(ns_watchdog_t *self, const char *path, uint32_t timeout_s,
                             const void *calls, void *calls_ctx);

/**
 * @brief Magic close: the one way to stop it. It is closed then, and later strokes arm nothing.
 * @retval NS_OK    stopped and closed; one that was never armed is closed
 * @retval NS_E_ARG NULL, or closed already
 * @retval NS_E_IO  the device did not take it (it may be built to run for ever); still open
 */
ns_status_t ns_watchdog_disarm(ns_watchdog_t *self);
/* cffi: end */

#ifdef __cplusplus
}
#endif
#endif
