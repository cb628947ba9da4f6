/**
 * @file sim_watchdog.h
 * @brief A hardware watchdog as Linux shows one (Documentation/watchdog/watchdog-api.rst): armed
 * when it is opened, kicked by a write, disarmed by the magic close alone.
 *
 * Modelled: time-out, pretimeout left out, `V` before close, nowayout, the cause of the last reset,
 * a dead line. Not modelled: pretimeout, temperature.
 */
#ifndef NIGHTSIDE_SIM_WATCHDOG_H
#define NIGHTSIDE_SIM_WATCHDOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nightside/status.h"

#define SIM_WATCHDOG_TIMEOUT_S_DEFAULT 60u /**< usual of Linux drivers */

/** What status reports, as WDIOC_GETBOOTSTATUS and WDIOC_GETTIMELEFT would. */
typedef struct sim_watchdog_status {
    bool is_armed;
    bool has_bitten;   /**< the reset line is pulled */
    bool was_reset_by; /**< the last start was one of its resets: WDIOF_CARDRESET */
    uint32_t timeout_s;
    uint32_t left_s; /**< whole seconds, 0 when not armed or bitten */
} sim_watchdog_status_t;

/** One watchdog. Memory is the caller's. */
typedef struct sim_watchdog {
    uint32_t timeout_s_max;
    bool is_nowayout; /**< knob: once armed it cannot be disarmed */
    bool is_dead;     /**< knob: every call fails with NS_E_IO */
    bool is_open;
    bool is_armed;
    bool may_close; /**< the last byte written was 'V' */
    bool has_bitten;
    bool was_reset_by;
    uint32_t timeout_s;
    int64_t now_ns;
    int64_t kicked_ns;
    uint32_t bite_count; /**< over all starts */
} sim_watchdog_t;

/** @brief A watchdog at rest. @param[in] timeout_s_max longest time-out it takes, > 0 */
void sim_watchdog_init(sim_watchdog_t *self, uint32_t timeout_s_max);

/**
 * @brief Open the device: it is armed from now on.
 * @retval NS_OK     armed
 * @retval NS_E_BUSY already open: only one may hold it
 * @retval NS_E_IO   dead
 */
ns_status_t sim_watchdog_start(sim_watchdog_t *self);

/**
 * @brief Write to the device; any byte is a kick, a last byte of 'V' allows the close.
 * @retval NS_OK, NS_E_ARG (not open, or NULL), NS_E_IO
 */
ns_status_t sim_watchdog_write(sim_watchdog_t *self, const uint8_t *bytes, size_t size);

/** @brief WDIOC_KEEPALIVE. @retval NS_OK, NS_E_ARG (not open), NS_E_IO */
ns_status_t sim_watchdog_kick(sim_watchdog_t *self);

/**
 * @brief WDIOC_SETTIMEOUT; it is a kick too.
 * @retval NS_OK, NS_E_ARG (not open), NS_E_IO
 * @retval NS_E_RANGE 0 or above timeout_s_max; nothing is changed
 */
ns_status_t sim_watchdog_set_timeout(sim_watchdog_t *self, uint32_t timeout_s);

/** @brief WDIOC_GETTIMEOUT. @retval NS_OK, NS_E_ARG (not open, or NULL), NS_E_IO */
ns_status_t sim_watchdog_get_timeout(const sim_watchdog_t *self, uint32_t *out_timeout_s);

/** @brief All of its state. @retval NS_OK, NS_E_ARG (NULL), NS_E_IO */
ns_status_t sim_watchdog_get_status(const sim_watchdog_t *self, sim_watchdog_status_t *out_status);

/** @brief Close, or the death of who held it: it stays armed unless 'V' came last and it may be
 * disarmed at all. */
void sim_watchdog_close(sim_watchdog_t *self);

/** @brief Time passes; it may bite. @return true from the bite until sim_watchdog_reset */
bool sim_watchdog_advance(sim_watchdog_t *self, int64_t now_ns);

/** @brief The node comes up again after its bite, or after another reset. */
void sim_watchdog_reset(sim_watchdog_t *self);

#endif
