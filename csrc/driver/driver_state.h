/**
 * @file driver_state.h
 * @brief What a driver remembers; private to csrc/driver.
 */
#ifndef NIGHTSIDE_DRIVER_STATE_H
#define NIGHTSIDE_DRIVER_STATE_H

#include <stdbool.h>

#include "nightside/driver.h"

#define NS_NO_POINT UINT32_MAX

typedef enum ns_lease_phase {
    NS_LEASE_STARTING = 0, /**< safe until the first beat and the first slot */
    NS_LEASE_HELD = 1,     /**< the desired value is in force */
    NS_LEASE_LAPSED = 2    /**< safe until a slot of an epoch newer than lapse_epoch */
} ns_lease_phase_t;

/** Of one point; all but the first four are used by writable points only. */
typedef struct ns_point_state {
    int64_t next_due_ns;
    bool has_schedule;      /**< polled once: next_due_ns is on its grid */
    bool is_due;            /**< in this round */
    bool is_sampled;        /**< a good sample came in this round */
    bool readback_is_fresh; /**< a good sample came after the last write and was not compared yet */
    bool is_applied;        /**< `applied` is what the device was last told */
    bool is_accepted;       /**< `accepted` holds a desired value */
    bool is_ramping;
    bool is_abandoned; /**< silence lasted so long that the abandon value holds */
    bool is_locked;    /**< abandoned, and not yet asked for the abandon value by who came back */
    bool is_inherited; /**< `desired` was written before the driver opened, and was not taken yet */
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
    double value;         /**< last good sample of the source */
    uint32_t over_count;  /**< good samples beyond the threshold, unbroken */
    bool is_foreign;      /**< the source is a point of another driver */
    bool is_source_good;  /**< its last try succeeded */
    bool is_source_known; /**< foreign: seen_ns holds a time word */
    bool has_changed;     /**< foreign: the time word has changed since the driver was opened */
    bool is_latched;
    int64_t over_since_ns;
    int64_t seen_ns;    /**< foreign: the last time word, of another clock: only compared */
    int64_t changed_ns; /**< foreign: when it last changed, on the own clock */
} ns_reflex_state_t;

typedef struct ns_device_state {
    ns_device_t device;
    uint32_t first; /**< of its points in `order` */
    uint32_t end;
    ns_status_t status;    /**< of the last round: not NS_OK, skipped */
    bool is_write_tried;   /**< while skipped: one try a reconcile */
    bool has_answered;     /**< once since it was opened or fell silent */
    uint32_t captured_crc; /**< of its bytes in its newest record; 0: of none, as of no bytes */
    uint32_t alarm;        /**< of the last round */
    uint32_t capture_tries_left; /**< for this alarm; 0: captured, or given up */
    uint32_t clear_refusals;     /**< in a row, because the device showed something new */
    uint32_t silent_rounds;
    int64_t period_ns;          /**< the shortest of its points */
    int64_t pause_ns;           /**< between tries; 0: none yet */
    int64_t next_try_ns;        /**< not before */
    uint64_t evidence_sequence; /**< greatest of its records, requests aside; 0: none */
} ns_device_state_t;

struct ns_driver {
    const ns_image_t *image;
    const ns_driver_entry_t *entry;
    const ns_point_t *points; /**< of this driver */
    ns_bus_port_t *port;
    uint32_t index;
    uint32_t first_point;
    uint32_t point_count;
    uint32_t device_count;
    uint32_t reflex_count;
    uint32_t latched_count;
    int64_t deadline_ns;
    int64_t now_ns;
    int64_t statistics_due_ns;
    uint64_t heartbeat;
    int64_t beat_ns; /**< when it last changed; before that, the first round */
    bool has_begun;  /**< the first round has */
    bool is_beat_seen;
    bool is_refusal_pending; /**< reconcile has yet to report it */
    bool is_rearmed;         /**< in this round */
    uint64_t rearm_ticket;
    ns_health_t health;
    ns_samples_t samples;
    ns_point_state_t *states;
    ns_device_state_t *devices;
    ns_reflex_state_t *reflexes;
    uint32_t *order; /**< points by device: what is paged is read in one slot */
};

/** @brief One attempt failed with `status`: true when there is to be another. */
bool ns_driver_tries_again(ns_driver_t *self, ns_status_t status, uint32_t *retries_left);

/** @brief Count, and skip the device where the status says that it does not answer. */
void ns_driver_note_error(ns_driver_t *self, uint32_t device, ns_status_t status);

/** @brief Everything is written to the device again. */
void ns_driver_forget_applied(ns_driver_t *self, uint32_t device);

/** @brief The device of a silent driver answered: no pause any more. */
void ns_driver_note_answer(ns_device_state_t *device);

/** @brief Something new is wanted of the device of a point: no waiting for the end of a pause. */
void ns_driver_end_pause(ns_driver_t *self, uint32_t point);

/** @brief Begin and read what is due on one device; then capture evidence of its alarm. */
void ns_driver_poll_device(ns_driver_t *self, uint32_t device, int64_t now_ns);

/** @brief Keep a record without bytes. `point` is a point of this driver or NS_NO_POINT. */
void ns_driver_keep(ns_driver_t *self, uint32_t cause, uint32_t device, uint32_t point,
                    ns_status_t status, double value, double limit);

/** @brief Store a record made by the caller, at the driver's time. */
void ns_driver_keep_record(ns_driver_t *self, ns_evidence_t *record);

/** @brief Capture evidence of an alarm that is new, or whose capture was incomplete. */
void ns_driver_watch_alarm(ns_driver_t *self, uint32_t device);

/**
 * @brief Capture before the device is acted on, and keep what its newest record does not say.
 * @retval true nothing was kept: the capture is complete and known, or the device has none
 */
bool ns_driver_evidence_is_current(ns_driver_t *self, uint32_t device);

/** @brief Carry out what the daemon asked for. */
void ns_driver_run_requests(ns_driver_t *self, int64_t now_ns);

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

/** @brief Write one point, again on a transient status. */
void ns_driver_write(ns_driver_t *self, uint32_t point, double value);

#endif
