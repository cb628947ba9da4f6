/**
 * @file driver.h
 * @brief The driver engine: poll -> reflex -> publish -> reconcile, for one bus or one accelerator.
 *
 * A driver serves the points of one row of the image's driver table. It takes its limits, leases,
 * periods and reflexes from the image and its time from the caller. Single thread; all memory is
 * the caller's, and none is taken after it was opened.
 *
 * Reflexes: a rule trips at the first sample beyond its threshold that comes persistence_ns or more
 * after the first one of an unbroken run; never on the first. A failed sample neither counts nor
 * breaks the run: loss of communication is not over-temperature. A sample of another driver counts
 * when its time has changed since the last look, on the own clock; one that stays the same neither
 * counts nor breaks the run. A tripped rule is latched, its value asserted at each reconcile. It is
 * released only by a re-arm request that finds the last sample good, not beyond the threshold,
 * and, where it is of another driver, changed within max_age_ns.
 *
 * A driver that is opened again takes over what the one before it had published: every rule of a
 * point with NS_FLAG_REFLEX is latched, a lapse goes on, an abandoned point is held until its
 * abandon value is asked for. Slots that it finds are taken at the first beat after opening, and
 * only those of an epoch not older than that beat: then they are of a daemon that lives. Without
 * any beat the silence is counted from the first round.
 *
 * Evidence is kept (ns_image_put_evidence) of: a rule that trips; an alarm of a device; a device
 * that falls silent; a write that begins to fail; a repair; a lapse; an abandonment; a request.
 *
 * Requests: REARM, of the whole driver, is finished with NS_E_REFUSED when a rule stays latched.
 * CLEAR is refused until all evidence of its device is durable, and ends with the device's status
 * where that did not answer in its last round. Then evidence is captured once more: where that is
 * incomplete or differs from the device's newest record (it came since, or there is none), it is
 * kept and CLEAR refused, to be asked for again once that is durable; but not more than
 * NS_DRIVER_CAPTURE_TRIES times in a row for one alarm, so that bytes that never hold still do not
 * keep a fault for ever: then it is kept, and cleared. RESET and POWER_CYCLE are passed to the
 * device after such a capture: its evidence is in the ring, but not durable; and everything is
 * written to it anew.
 */
#ifndef NIGHTSIDE_DRIVER_H
#define NIGHTSIDE_DRIVER_H

#include <stddef.h>
#include <stdint.h>

#include "nightside/bus_port.h"
#include "nightside/device.h"
#include "nightside/image.h"
#include "nightside/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* cffi: begin */
/** Sizes of one driver, and what holds where the driver table says 0. */
enum ns_driver_limits {
    NS_DRIVER_DEVICES_MAX = 64,
    NS_DRIVER_REFLEXES_MAX = 256,
    NS_DRIVER_SILENT_ROUNDS = 3, /**< in a row: the device is silent, and may be tried less often */
    NS_DRIVER_CAPTURE_TRIES = 3, /**< of an alarm whose evidence comes incomplete; assumed */
    NS_CALL_DEADLINE_US = 100000 /**< assumed: no part of pmbus.h is busy for longer */
};

/** A device as the engine holds it; both are owned by whoever opened the device. */
typedef struct ns_device {
    const ns_device_ops_t *ops;
    void *ctx;
} ns_device_t;

typedef struct ns_driver ns_driver_t; /**< opaque */

/** @brief Bytes a driver takes; 0 when there is no such driver or it has too many reflexes. */
size_t ns_driver_size(const ns_image_t *image, uint32_t driver);

/**
 * @brief Open a driver over devices that are open already. Nothing is read or written yet.
 *
 * Requests that were sent before are dropped.
 * @param[in] memory  aligned to 8, at least ns_driver_size(); outlives the driver
 * @param[in] image   outlives the driver
 * @param[in] devices device_count of them, copied, in the order of the points' device numbers
 * @param[in] port    the one the devices were opened over; NULL: calls are neither bounded nor
 *                    measured
 * @retval NS_OK     open: leased points are wanted at their safe value, others are left alone, but
 *                   for what the driver before it had latched
 * @retval NS_E_ARG  NULL, misaligned, another device count, or an ops table of another ABI or
 *                   without read or write
 * @retval NS_E_FULL size too small
 */
ns_status_t ns_driver_open(void *memory, size_t size, const ns_image_t *image, uint32_t driver,
                           const ns_device_t *devices, uint32_t device_count, ns_bus_port_t *port,
                           ns_driver_t **out);

/**
 * @brief Read all due points once, keep evidence, carry out requests, apply reflexes, publish.
 *
 * A point is due at the first poll and then at each k * period + phase of the caller's clock; times
 * that passed unseen count as one. The due points of a device are read together, behind one begin.
 * NACK, PEC, TIMEOUT and BUSY are tried again as often as the driver table says. A device whose
 * begin fails, or that still NACKs, times out or is absent, is skipped for the rest of the round
 * with that status for its points.
 *
 * A round in which a device gave nothing but errors is a silent one. From the third in a row on,
 * and with a backoff_max_ns, it is tried at doubling intervals only, from twice its shortest period
 * up to backoff_max_ns; its points keep its status. A changed desired value, a lapse, an
 * abandonment or a reflex for it is tried at once; one success ends the pause.
 *
 * A call is one of: begin and all reads of a device; one write; one capture; one request; retries
 * included; no try begins after the deadline. Each ends within the deadline of the driver table, as
 * far as the bus keeps to its timeouts. So a poll takes at most 2 x devices + 2 deadlines, and one
 * more for each rule that trips; and once a second at most what a recovery of the bus needs.
 *
 * Evidence is captured when a device's alarm changes to another number than 0, at most once per
 * device and round; where it came incomplete, also in the following rounds, NS_DRIVER_CAPTURE_TRIES
 * times in all. Each capture is kept with its status. At most one request that touches a device is
 * carried out per poll.
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
 * repair (for a point with repairs_down, only where the read-back is above); everything at once
 * when a device comes back from absent, was reset or power-cycled. A failed write is tried at each
 * reconcile, but for the pauses of a silent device.
 *
 * Takes at most one deadline for each point that is written; a device that does not answer costs
 * one.
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
