/**
 * @file image.h
 * @brief The node image: samples, desired values, requests and evidence, shared by the daemon and
 *        its drivers.
 *
 * One block of memory of a fixed, versioned layout, never resized. The first NS_IMAGE_FROZEN_SIZE
 * bytes are the same in every version. The opener owns the memory; nothing here allocates. One
 * writer per driver (the driver), one writer of desired values, heartbeat, requests and durable
 * marks (the daemon), any number of readers; all in any process. Whoever dies inside a call leaves
 * what was there before, or nothing: readers never wait for a writer.
 */
#ifndef NIGHTSIDE_IMAGE_H
#define NIGHTSIDE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nightside/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NS_IMAGE_MAGIC 0x4947534Eu /* "NSGI", little endian */
#define NS_IMAGE_ABI 2u
#define NS_IMAGE_ALIGNMENT 64u
#define NS_IMAGE_FROZEN_SIZE 128u

/* cffi: begin */
/** Sizes of one image. */
enum ns_image_limits {
    NS_NAME_SIZE = 48, /**< bytes of a name, its NUL included */
    NS_IMAGE_POINTS_MAX = 4096,
    NS_IMAGE_DRIVERS_MAX = 64,
    NS_IMAGE_REFLEXES_MAX = 4096,
    NS_REQUEST_CAPACITY_MAX = 256,
    NS_REQUEST_CAPACITY_DEFAULT = 16, /**< assumed: more edges than one cycle asks of one driver */
    NS_EVIDENCE_PER_CAUSE_MAX = 64,
    NS_EVIDENCE_PER_CAUSE_DEFAULT = 16, /**< the first 8 and the last 8 of each cause */
    NS_RETRIES_MAX = 8,                 /**< of a failed transfer; assumed: more is no noise */
    NS_REQUEST_HORIZON_S = 60,          /**< a deadline further ahead is of another clock: stale */
    NS_SNAPSHOT_RETRIES_MAX = 3 /**< then a driver's samples are stale and its last copy is kept */
};

/** Bits of a sample's flags. */
enum ns_flag {
    NS_FLAG_LAPSED = 1,  /**< the lease lapsed: the safe value is applied, a newer epoch ends it */
    NS_FLAG_REFLEX = 2,  /**< a reflex holds this point */
    NS_FLAG_REFUSED = 4, /**< the desired value is outside the immutable limits and not applied */
    NS_FLAG_WRITE_FAILED = 8, /**< the last write failed and is tried again each reconcile */
    NS_FLAG_ABANDONED = 16    /**< the daemon was silent for abandon_ns: abandon_value holds until
                                   it is itself desired */
};

/** One row of the point table. Units of value are the point's own; times in ns. */
typedef struct ns_point {
    char name[48];
    uint32_t driver;      /**< index in the driver table; points of one driver are contiguous */
    uint32_t device;      /**< index in the driver's devices */
    uint32_t channel;     /**< the device class's own number */
    uint32_t is_writable; /**< 0 or 1 */
    int64_t period_ns;    /**< > 0 */
    int64_t phase_ns;     /**< of its polls within the period: 0 .. period_ns - 1 */
    double low;           /**< immutable limits of a write; not NaN where writable */
    double high;
    double safe;           /**< applied when the lease lapses; NaN: what is applied stays */
    int64_t lease_ns;      /**< 0: not leased */
    double ramp_per_s;     /**< slope away from a held value; 0: a step */
    double tolerance;      /**< a read-back within it equals the desired value */
    int64_t abandon_ns;    /**< silence of the daemon after which abandon_value holds; 0: never */
    double abandon_value;  /**< held until it is itself desired, and then as usual */
    uint32_t repairs_down; /**< 1: a read-back below what is wanted is left, and only one above is
                                written again: a switch that opened by itself is not closed by a
                                scrub; 0: both */
    uint32_t reserved;     /**< 0 */
} ns_point_t;

/** One row of the driver table. Drivers without points are allowed. */
typedef struct ns_driver_entry {
    char name[48];
    uint32_t device_count;
    uint32_t first_point;   /**< filled in by ns_image_create */
    uint32_t point_count;   /**< filled in by ns_image_create */
    uint32_t area_offset;   /**< of its own pages in the image; filled in by ns_image_create */
    uint32_t first_reflex;  /**< filled in by ns_image_create */
    uint32_t reflex_count;  /**< filled in by ns_image_create */
    uint32_t retry_count;   /**< tries after a failed transfer: 0 .. NS_RETRIES_MAX */
    uint32_t reserved;      /**< 0 */
    int64_t deadline_ns;    /**< of one device call; 0: the engine's default */
    int64_t backoff_max_ns; /**< longest pause between tries of a silent device; 0: none */
    uint64_t config_hash;   /**< of its rows of all tables, filled in by ns_image_create */
} ns_driver_entry_t;

/** How a sample is held against a threshold; both are strict. */
typedef enum ns_comparison { NS_ABOVE = 0, NS_BELOW = 1 } ns_comparison_t;

/**
 * @brief While `point` is beyond `threshold` for `persistence_ns`, hold `action_value` on
 *        `action_point`. Latched; the driver of the action point owns the rule. All rules of one
 *        action point have the same action_value: which of them tripped first does not matter.
 */
typedef struct ns_reflex {
    uint32_t point;         /**< any point of the image: of another driver, too */
    uint32_t action_point;  /**< writable */
    uint32_t comparison;    /**< ns_comparison_t */
    uint32_t reserved;      /**< 0 */
    double threshold;       /**< finite */
    int64_t persistence_ns; /**< >= 0 */
    int64_t max_age_ns;  /**< of a sample of another driver: time since it last changed, on the own
                              clock; older neither counts nor breaks. > 0 for such a point */
    double action_value; /**< finite, inside the immutable limits of action_point */
} ns_reflex_t;

/** What an image is made of. All arrays are copied. */
typedef struct ns_image_config {
    const ns_point_t *points;         /**< contiguous by driver, drivers in ascending order */
    const ns_driver_entry_t *drivers; /**< columns that ns_image_create fills in are not read */
    const ns_reflex_t *reflexes; /**< by driver of the action point, ascending; NULL for none */
    uint32_t point_count;        /**< 1 .. NS_IMAGE_POINTS_MAX */
    uint32_t driver_count;       /**< 1 .. NS_IMAGE_DRIVERS_MAX */
    uint32_t reflex_count;       /**< 0 .. NS_IMAGE_REFLEXES_MAX */
    uint32_t request_capacity;   /**< of each driver, a power of two, 2 .. 256; 0: the default */
    uint32_t evidence_per_cause; /**< records of each driver, even, 2 .. 64; 0: the default */
    uint32_t reserved;           /**< 0 */
} ns_image_config_t;

/** What a driver counts since it was opened. */
typedef struct ns_health {
    uint64_t poll_count;
    uint64_t transfer_error_count; /**< failed begins, reads and writes, retries not counted */
    uint64_t repair_count;         /**< read-backs that had drifted and were written again */
    uint64_t lapse_count;
    uint64_t reflex_trip_count;
    uint64_t refused_count; /**< desired values outside the immutable limits */
    int64_t last_poll_ns;
} ns_health_t;

/** What a bus did since since_ns. Counts, and times in ns on the clock of the bus. */
typedef struct ns_bus_statistics {
    uint64_t transfer_count;
    uint64_t nack_count;
    uint64_t pec_error_count;
    uint64_t timeout_count;
    uint64_t other_error_count;
    uint64_t retry_count;
    uint64_t recovery_count;
    int64_t busy_ns;  /**< time inside transfers */
    int64_t since_ns; /**< start of the counting */
    int64_t p50_ns;   /**< of one transfer */
    int64_t p99_ns;
    int64_t max_ns;
    uint64_t overrun_count; /**< transfers that took longer than they were given */
} ns_bus_statistics_t;

/** One sample as another driver or a tool sees it. */
typedef struct ns_sample {
    double value;    /**< last good value, NaN if there never was one */
    int64_t time_ns; /**< of the last good sample, on the clock of its driver; 0 for never */
    int32_t status;  /**< ns_status_t of the last try */
    uint32_t flags;  /**< enum ns_flag */
} ns_sample_t;

/** An edge that a driver is asked for. */
typedef struct ns_request {
    uint32_t kind;       /**< ns_request_kind_t of device.h */
    uint32_t device;     /**< UINT32_MAX for the driver itself (re-arm) */
    uint64_t epoch;      /**< of the daemon that asks: 1 .. 2^32 - 1 */
    int64_t deadline_ns; /**< CLOCK_MONOTONIC, at most NS_REQUEST_HORIZON_S ahead */
} ns_request_t;

/** What made a driver keep evidence. Values are part of the ABI. */
enum ns_evidence_cause {
    NS_CAUSE_REFLEX = 0,       /**< a rule tripped: value, limit */
    NS_CAUSE_DEVICE_FAULT = 1, /**< the device latched a fault: its bytes */
    NS_CAUSE_SILENCE = 2,      /**< a device does not answer any more */
    NS_CAUSE_WRITE_FAILED = 3, /**< a write failed, retries included */
    NS_CAUSE_REPAIR = 4,       /**< a read-back had drifted: value read, limit wanted */
    NS_CAUSE_LAPSE = 5,        /**< a lease lapsed */
    NS_CAUSE_ABANDONMENT = 6,  /**< the daemon was silent so long that abandon values hold */
    NS_CAUSE_REQUEST = 7,      /**< an edge was carried out or refused */
    NS_CAUSE_COUNT = 8
};

/** One record of evidence. */
typedef struct ns_evidence {
    uint64_t sequence; /**< of this driver, from 1, never used twice; by ns_image_put_evidence */
    int64_t time_ns;   /**< on the clock of the driver */
    uint32_t cause;    /**< enum ns_evidence_cause */
    uint32_t device;   /**< UINT32_MAX: none */
    uint32_t point;    /**< index in the image; UINT32_MAX: none */
    int32_t status;    /**< ns_status_t */
    double value;      /**< NaN: none */
    double limit;      /**< NaN: none */
    uint64_t repeat_count; /**< the same again, folded into this record */
    uint32_t size;         /**< of bytes */
    uint8_t bytes[144];    /**< the device's own words; zero behind size */
    uint32_t reserved[12]; /**< 0 */
    uint32_t crc32c;       /**< of all bytes before; by ns_image_put_evidence */
} ns_evidence_t;

/** One desired value as the driver sees it. */
typedef struct ns_desired {
    double value;
    uint64_t epoch;
    uint64_t write_count; /**< 0: never written */
} ns_desired_t;

/** Four arrays of point_count elements each, owned by the caller. */
typedef struct ns_samples {
    double *values;   /**< last good value, NaN if there never was one */
    int64_t *time_ns; /**< time of the last good sample, 0 for never */
    int32_t *status;  /**< ns_status_t of the last try */
    uint32_t *flags;  /**< enum ns_flag */
} ns_samples_t;

/** A mapped image as one process sees it. The fields are the library's own. */
typedef struct ns_image {
    void *memory;
    const ns_point_t *points;
    const ns_driver_entry_t *drivers;
    const ns_reflex_t *reflexes;
    uint32_t point_count;
    uint32_t driver_count;
    uint32_t writable_count;
    uint32_t reflex_count;
    uint32_t request_capacity;
    uint32_t evidence_per_cause;
} ns_image_t;

/** @brief Bytes an image takes; 0 for NULL or when a count is out of range. */
size_t ns_image_size(const ns_image_config_t *config);

/**
 * @brief Lay out a new image.
 * @param[in] memory aligned to NS_IMAGE_ALIGNMENT, outlives the image
 * @param[in] size   at least ns_image_size()
 * @retval NS_OK     created: all samples NaN, NS_E_STALE; nothing desired; no heartbeat
 * @retval NS_E_ARG  NULL, misaligned, a count or a row out of range, points or reflexes out of
 *                   order, more than NS_RETRIES_MAX retries, a reflex that cannot be (no such
 *                   point, action not writable or outside its limits, a number that is not
 *                   finite), or two of one action point with different action values
 * @retval NS_E_FULL size too small
 */
ns_status_t ns_image_create(void *memory, size_t size, const ns_image_config_t *config,
                            ns_image_t *out);

/**
 * @brief Attach to an image made by ns_image_create, here or in another process.
 * @retval NS_OK       attached
 * @retval NS_E_ARG    NULL or misaligned
 * @retval NS_E_LAYOUT another magic, ABI or layout hash, a size that does not fit, or a table that
 *                     ns_image_create would not have made
 */
ns_status_t ns_image_attach(void *memory, size_t size, ns_image_t *out);

/**
 * @brief Copy all samples. Wait-free: at most NS_SNAPSHOT_RETRIES_MAX retries per driver.
 * @param[in,out] last   the caller's last copy, kept by this function; initialise with
 *                       ns_samples_clear
 * @retval NS_OK      all drivers copied
 * @retval NS_E_STALE a writer kept moving: its points come from `last` with status NS_E_STALE
 * @retval NS_E_ARG   NULL
 */
ns_status_t ns_image_snapshot(const ns_image_t *image, const ns_samples_t *last, double *values,
                              int64_t *time_ns, int32_t *status, uint32_t *flags);

/** @brief Set point_count samples to never sampled. */
void ns_samples_clear(const ns_samples_t *samples, uint32_t point_count);

/**
 * @brief Write desired values of writable points, in the order of the point table.
 * @param[in] values writable_count values; NaN leaves a slot as it is
 * @param[in] epoch  1 .. 2^32 - 1
 * @retval NS_OK    written
 * @retval NS_E_ARG NULL, another count, or epoch out of range; nothing was written
 */
ns_status_t ns_image_write_desired(const ns_image_t *image, const double *values,
                                   uint32_t writable_count, uint64_t epoch);

/**
 * @brief Read one desired slot.
 * @retval NS_OK      read
 * @retval NS_E_ARG   NULL or no such slot
 * @retval NS_E_STALE the writer kept moving, or died inside: keep the last copy
 */
ns_status_t ns_image_read_desired(const ns_image_t *image, uint32_t writable_index,
                                  ns_desired_t *out);

/**
 * @brief Heartbeat: epoch << 32 | counter, the counter is this function's. Last act of a cycle.
 * @retval NS_OK    changed
 * @retval NS_E_ARG NULL or epoch outside 1 .. 2^32 - 1
 */
ns_status_t ns_image_beat(const ns_image_t *image, uint64_t epoch);

/** @brief The heartbeat word, 0 before the first beat. */
uint64_t ns_image_heartbeat(const ns_image_t *image);

/**
 * @brief The newest epoch any daemon used on this image, in the heartbeat or in a slot; 0 for none.
 *        A daemon that starts takes a newer one.
 */
uint64_t ns_image_epoch(const ns_image_t *image);

/**
 * @brief Ask a driver for an edge. It is done at most once, or dropped.
 * @param[out] out_ticket for ns_image_request_status; may be NULL
 * @retval NS_OK     sent
 * @retval NS_E_ARG  NULL, no such driver, device or kind, or epoch out of range
 * @retval NS_E_FULL the driver has not taken the last request_capacity requests
 */
ns_status_t ns_image_send_request(const ns_image_t *image, uint32_t driver,
                                  const ns_request_t *request, uint64_t *out_ticket);

/**
 * @brief What became of a request. The last request_capacity tickets of a driver are remembered.
 * @param[out] out_status written on NS_OK only: what the driver finished it with
 * @retval NS_OK      finished
 * @retval NS_E_BUSY  not taken yet, or being carried out
 * @retval NS_E_STALE discarded (too late, of an older epoch, damaged, of a driver that died), or
 *                    too long ago
 * @retval NS_E_ARG   NULL, no such driver, or a ticket that was never given
 */
ns_status_t ns_image_request_status(const ns_image_t *image, uint32_t driver, uint64_t ticket,
                                    int32_t *out_status);

/**
 * @brief Ask a driver to release its latched reflexes whose condition is gone: an
 *        NS_REQUEST_REARM of the newest epoch, good for 10 s after the driver's last poll.
 * @retval NS_OK     asked
 * @retval NS_E_ARG  NULL or no such driver
 * @retval NS_E_FULL as ns_image_send_request
 */
ns_status_t ns_image_request_rearm(const ns_image_t *image, uint32_t driver);

/**
 * @brief Copy records of evidence in the order of their sequence.
 * @param[in]  after_sequence the last one seen, or ns_image_durable after a restart
 * @param[in]  capacity  records that `out` has room for; the oldest come first
 * @param[out] out_count records copied
 * @param[out] out_lost  records between after_sequence and the last one copied that are gone: exact
 * @retval NS_OK    copied, maybe none
 * @retval NS_E_ARG NULL, no such driver, or capacity 0
 */
ns_status_t ns_image_read_evidence(const ns_image_t *image, uint32_t driver,
                                   uint64_t after_sequence, ns_evidence_t *out, uint32_t capacity,
                                   uint32_t *out_count, uint64_t *out_lost);

/**
 * @brief Records that were overwritten before they were durable, by cause, since creation. A
 *        driver killed inside may leave one too many, never one too few.
 * @param[out] out_counts NS_CAUSE_COUNT words
 * @retval NS_OK    copied
 * @retval NS_E_ARG NULL or no such driver
 */
ns_status_t ns_image_evidence_losses(const ns_image_t *image, uint32_t driver,
                                     uint64_t *out_counts);

/**
 * @brief Say that all evidence up to a sequence is stored: its slots are free, faults may be
 *        cleared. A mark never goes back.
 * @retval NS_OK    marked
 * @retval NS_E_ARG NULL, no such driver, or a sequence that the driver has not given yet
 */
ns_status_t ns_image_mark_durable(const ns_image_t *image, uint32_t driver, uint64_t sequence);

/** @brief The durable mark of a driver; 0 for none, no such driver, or a mark that cannot be. */
uint64_t ns_image_durable(const ns_image_t *image, uint32_t driver);

/**
 * @brief What a driver counted.
 * @retval NS_OK    copied
 * @retval NS_E_ARG NULL or no such driver
 */
ns_status_t ns_image_health(const ns_image_t *image, uint32_t driver, ns_health_t *out);

/**
 * @brief What a driver's bus did. Each word is current by itself.
 * @retval NS_OK    copied
 * @retval NS_E_ARG NULL or no such driver
 */
ns_status_t ns_image_statistics(const ns_image_t *image, uint32_t driver, ns_bus_statistics_t *out);

/**
 * @brief Copy one sample, whoever its driver is.
 * @retval NS_OK      copied
 * @retval NS_E_ARG   NULL or no such point
 * @retval NS_E_STALE the writer kept moving: keep the last copy
 */
ns_status_t ns_image_read_sample(const ns_image_t *image, uint32_t point, ns_sample_t *out);

/**
 * @brief The pages that only the daemon writes. Whole pages of 4096 bytes, if the image starts on
 *        one. Pages of neither range (the tables) are written at creation only.
 * @retval NS_OK    written
 * @retval NS_E_ARG NULL
 */
ns_status_t ns_image_daemon_range(const ns_image_t *image, size_t *out_offset, size_t *out_size);

/**
 * @brief The pages that only this driver writes; those of all drivers follow each other.
 * @retval NS_OK    written
 * @retval NS_E_ARG NULL or no such driver
 */
ns_status_t ns_image_driver_range(const ns_image_t *image, uint32_t driver, size_t *out_offset,
                                  size_t *out_size);

/** @brief Ask all drivers of the image to end; survives a change of ABI. */
void ns_image_request_stop(const ns_image_t *image);

/** @brief True once ns_image_request_stop was called. */
bool ns_image_stop_is_requested(const ns_image_t *image);

/* The driver's side. */

/**
 * @brief Publish a driver's samples: fill the idle bank, then release the generation.
 * @param[in] samples arrays of that driver's point_count elements
 * @retval NS_OK    published
 * @retval NS_E_ARG NULL or no such driver
 */
ns_status_t ns_image_publish(const ns_image_t *image, uint32_t driver, const ns_samples_t *samples);

/**
 * @brief Publish a driver's health words.
 * @retval NS_OK    published
 * @retval NS_E_ARG NULL or no such driver
 */
ns_status_t ns_image_set_health(const ns_image_t *image, uint32_t driver,
                                const ns_health_t *health);

/**
 * @brief Publish the statistics of a driver's bus.
 * @retval NS_OK    published
 * @retval NS_E_ARG NULL or no such driver
 */
ns_status_t ns_image_set_statistics(const ns_image_t *image, uint32_t driver,
                                    const ns_bus_statistics_t *statistics);

/**
 * @brief Take the next request. All stale ones before it are discarded in the same call: those of
 *        an epoch below epoch_now, past their deadline or with one more than NS_REQUEST_HORIZON_S
 *        ahead, and damaged ones. Bounded by request_capacity. Taken is taken: a driver that dies
 *        with it never does it again.
 * @param[out] out        written on NS_OK only
 * @param[out] out_ticket for ns_image_finish_request
 * @retval NS_OK      one was taken
 * @retval NS_E_STALE there is none
 * @retval NS_E_ARG   NULL or no such driver
 */
ns_status_t ns_image_take_request(const ns_image_t *image, uint32_t driver, uint64_t epoch_now,
                                  int64_t now_ns, ns_request_t *out, uint64_t *out_ticket);

/**
 * @brief Say what became of a request that was taken; may be long after, in any order.
 * @retval NS_OK    said, or forgotten because request_capacity newer ones came since
 * @retval NS_E_ARG NULL, no such driver, or a ticket that was not taken
 */
ns_status_t ns_image_finish_request(const ns_image_t *image, uint32_t driver, uint64_t ticket,
                                    ns_status_t status);

/**
 * @brief Discard all requests sent so far and those taken but not finished: for a driver that
 *        starts.
 * @retval NS_OK    discarded
 * @retval NS_E_ARG NULL or no such driver
 */
ns_status_t ns_image_drop_requests(const ns_image_t *image, uint32_t driver);

/**
 * @brief Keep a record of evidence. Of each cause the first evidence_per_cause / 2 are kept until
 *        they are durable; the rest of the slots hold the newest ones, overwritten oldest first and
 *        counted. What equals the newest record of its cause (device, point, status, bytes), while
 *        that is not durable, is folded into its repeat_count.
 * @param[in,out] record sequence, repeat_count, reserved and crc32c are filled in as stored
 * @retval NS_OK    kept: durable once ns_image_durable reaches record->sequence
 * @retval NS_E_ARG NULL, no such driver or cause, or size above 144
 */
ns_status_t ns_image_put_evidence(const ns_image_t *image, uint32_t driver, ns_evidence_t *record);
/* cffi: end */

#ifdef __cplusplus
}
#endif
#endif
