/**
 * @file driver.h
 * @brief The driver engine: poll -> reflex -> publish -> reconcile, for one bus or one accelerator.
 *
 * A driver serves the points of one row of the image's driver table. It takes its limits, leases
 * and periods from the point table and its time from the caller. Single thread; all memory is the
 * caller's.
 */
#ifndef NIGHTSIDE_DRIVER_H
#define NIGHTSIDE_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#include "nightside/device.h"
#include "nightside/image.h"
#include "nightside/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* cffi: begin */
/** Sizes of one driver. */
enum ns_driver_limits { NS_DRIVER_DEVICES_MAX = 64, NS_DRIVER_REFLEXES_MAX = 256 };

/**
 * @brief While `point` > `threshold` for `persistence_ns`, hold `action_value` on `action_point`.
 *
 * Trips at the first sample above the threshold that comes persistence_ns or more after the first
 * one of an unbroken run; never on the first. A failed sample neither counts nor breaks the run:
 * loss of communication is not over-temperature. Latched: released only by a re-arm request that
 * finds the last sample good and not above the threshold. Points are numbered as in the image.
 */
typedef struct ns_reflex {
    uint32_t point;
    uint32_t action_point; /**< writable, of the same driver */
    double threshold;
    int64_t persistence_ns; /**< >= 0 */
    double action_value;    /**< inside the immutable limits of action_point */
} ns_reflex_t;

/** A device as the engine holds it; both are owned by whoever opened the device. */
typedef struct ns_device {
    const ns_device_ops_t *ops;
    void *ctx;
} ns_device_t;

typedef struct ns_driver ns_driver_t; /**< opaque */

/** @brief Bytes a driver takes; 0 when there is no such driver or too many reflexes. */
size_t ns_driver_size(const ns_image_t *image, uint32_t driver, uint32_t reflex_count);

/**
 * @brief Open a driver over devices that are open already. Nothing is read or written yet.
 * @param[in] memory  aligned to 8, at least ns_driver_size(); outlives the driver
 * @param[in] image   outlives the driver
 * @param[in] devices device_count of them, copied, in the order of the points' device numbers
 * @param[in] reflexes copied; may be NULL when reflex_count is 0
 * @retval NS_OK     open: leased points are wanted at their safe value, others are left alone
 * @retval NS_E_ARG  NULL, misaligned, another device count, an ops table of another ABI or without
 *                   read or write, or a reflex that is not inside this driver and its limits
 * @retval NS_E_FULL size too small
 */
ns_status_t ns_driver_open(void *memory, size_t size, const ns_image_t *image, uint32_t driver,
                           const ns_device_t *devices, uint32_t device_count,
                           const ns_reflex_t *reflexes, uint32_t reflex_count, ns_driver_t **out);

/**
 * @brief Read all due points once, apply reflexes, publish.
 *
 * One retry on NACK, PEC and TIMEOUT. A device whose begin fails, that NACKs or times out twice, or
 * that is absent, is skipped for the rest of the round with that status for its points. A reflex
 * that trips writes at once.
 * @param[in] now_ns monotonic, >= 0, never less than before
 * @retval NS_OK    published; what failed is in the samples' status
 * @retval NS_E_ARG NULL or now_ns goes backwards
 */
ns_status_t ns_driver_poll(ns_driver_t *self, int64_t now_ns);

/**
 * @brief Bring the device to what is wanted: reflex before lease before desired value.
 *
 * Writes in point order. A changed value is written at once; an unchanged one after two read-backs
 * in a row that differ by more than the tolerance and the resolution of a float32, counted as a
 * repair; everything at once when a device comes back from absent. A failed write is tried at each
 * reconcile.
 * @retval NS_OK        nothing was refused
 * @retval NS_E_REFUSED a new desired value is outside the immutable limits: the one before stays
 * @retval NS_E_ARG     NULL or now_ns goes backwards
 */
ns_status_t ns_driver_reconcile(ns_driver_t *self, int64_t now_ns);

/** @brief ns_driver_poll, then ns_driver_reconcile; returns the first that is not NS_OK. */
ns_status_t ns_driver_step(ns_driver_t *self, int64_t now_ns);

/** @brief Close the devices; the driver must not be used any more. NULL is allowed. */
void ns_driver_close(ns_driver_t *self);

/**
 * @brief Poll many drivers in order; all are served whatever one answers.
 * @retval the worst of theirs: NS_E_ARG before NS_E_REFUSED before NS_OK
 */
ns_status_t ns_drivers_poll(ns_driver_t *const *drivers, uint32_t count, int64_t now_ns);

/** @brief Reconcile many drivers in order, like ns_drivers_poll. */
ns_status_t ns_drivers_reconcile(ns_driver_t *const *drivers, uint32_t count, int64_t now_ns);

/** @brief Step many drivers in order: each polls and reconciles before the next. */
ns_status_t ns_drivers_step(ns_driver_t *const *drivers, uint32_t count, int64_t now_ns);
/* cffi: end */

#ifdef __cplusplus
}
#endif
#endif
