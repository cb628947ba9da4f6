/**
 * @file driver_state.h
 * @brief What a driver remembers; private to csrc/driver.
 */
#ifndef NIGHTSIDE_DRIVER_STATE_H
#define NIGHTSIDE_DRIVER_STATE_H

#include <stdbool.h>

#include "nightside/driver.h"

typedef enum ns_lease_phase {
    NS_LEASE_STARTING = 0, /**< safe until the first beat and the first slot */
    NS_LEASE_HELD = 1,     /**< the desired value is in force */
    NS_LEASE_LAPSED = 2    /**< safe until a slot of an epoch newer than lapse_epoch */
} ns_lease_phase_t;

/** Of one point; all but the first two are used by writable points only. */
typedef struct ns_point_state {
    int64_t next_due_ns;
    bool is_sampled;        /**< a good sample came in this round */
    bool readback_is_fresh; /**< a good sample came after the last write and was not compared yet */
    bool is_applied;        /**< `applied` is what the device was last told */
    bool is_accepted;       /**< `accepted` holds a desired value */
    bool is_ramping;
    bool is_abandoned; /**< silence lasted so long that the abandon value holds */
    bool is_locked;    /**< abandoned, and not yet asked for the abandon value by who came back */
    uint32_t mismatch_count; /**< read-backs in a row that differ from `applied` */
    uint32_t writable_index;
    ns_lease_phase_t phase;
    uint64_t lapse_epoch;
    ns_desired_t desired; /**< last copy of the slot */
    double accepted;
    double applied;
    double ramp_value;
    int64_t ramp_ns;
} ns_point_state_t;

typedef struct ns_reflex_state {
    ns_reflex_t rule;
    uint32_t over_count; /**< good samples above the threshold, unbroken */
    int64_t over_since_ns;
    bool is_latched;
} ns_reflex_state_t;

typedef struct ns_device_state {
    ns_device_t device;
    ns_status_t status;  /**< of the last round: not NS_OK, skipped */
    bool has_begun;      /**< in this round */
    bool is_write_tried; /**< while skipped: one try a reconcile */
} ns_device_state_t;

struct ns_driver {
    const ns_image_t *image;
    const ns_point_t *points; /**< of this driver */
    uint32_t index;
    uint32_t first_point;
    uint32_t point_count;
    uint32_t device_count;
    uint32_t reflex_count;
    int64_t now_ns;
    uint64_t heartbeat;
    int64_t beat_ns;
    bool is_beat_seen;
    bool is_refusal_pending; /**< reconcile has yet to report it */
    uint64_t rearm_count;
    ns_health_t health;
    ns_samples_t samples;
    ns_point_state_t *states;
    ns_device_state_t *devices;
    ns_reflex_state_t *reflexes;
    uint32_t *order; /**< points by device: what is paged is read in one slot */
};

/** @brief NACK, PEC and TIMEOUT: worth one more try. */
bool ns_status_is_transient(ns_status_t status);

/** @brief Count, and skip the device where the status says that it does not answer. */
void ns_driver_note_error(ns_driver_t *self, uint32_t device, ns_status_t status);

/** @brief Follow heartbeat and slots: lapses begin and end here. */
void ns_driver_update_leases(ns_driver_t *self, int64_t now_ns);

/** @brief Evaluate all rules on this round's samples; a rule that trips writes at once. */
void ns_driver_run_reflexes(ns_driver_t *self, int64_t now_ns);

/** @brief The first latched rule that holds a point, or NULL. */
const ns_reflex_state_t *ns_driver_holding_reflex(const ns_driver_t *self, uint32_t point);

/** @brief Leaving a held value: ramp from it, where the point has a slope. */
void ns_driver_start_ramp(ns_driver_t *self, uint32_t point, double from, int64_t now_ns);

/** @brief A new poll or reconcile: skipped devices get their one try again. */
void ns_driver_allow_writes(ns_driver_t *self);

/** @brief Write one point, once more on a transient status. */
void ns_driver_write(ns_driver_t *self, uint32_t point, double value);

#endif
