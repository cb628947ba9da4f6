/**
 * @file image.h
 * @brief The node image: samples, desired values and health, shared by the daemon and its drivers.
 *
 * One block of memory of a fixed, versioned layout, never resized. The first NS_IMAGE_FROZEN_SIZE
 * bytes are the same in every version. The opener owns the memory; nothing here allocates. One
 * writer per driver (the driver), one writer of desired values, heartbeat and requests (the
 * daemon), any number of readers; all in any process.
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
#define NS_IMAGE_ABI 1u
#define NS_IMAGE_ALIGNMENT 64u
#define NS_IMAGE_FROZEN_SIZE 128u

/* cffi: begin */
/** Sizes of one image. */
enum ns_image_limits {
    NS_NAME_SIZE = 48, /**< bytes of a name, its NUL included */
    NS_IMAGE_POINTS_MAX = 4096,
    NS_IMAGE_DRIVERS_MAX = 64,
    NS_SNAPSHOT_RETRIES_MAX = 3 /**< then a driver's samples are stale and its last copy is kept */
};

/** Bits of a sample's flags. */
enum ns_flag {
    NS_FLAG_LAPSED = 1,  /**< the lease lapsed: the safe value is applied, a newer epoch ends it */
    NS_FLAG_REFLEX = 2,  /**< a reflex holds this point */
    NS_FLAG_REFUSED = 4, /**< the desired value is outside the immutable limits and not applied */
    NS_FLAG_WRITE_FAILED = 8 /**< the last write failed and is tried again each reconcile */
};

/** One row of the point table. Units of value are the point's own; times in ns. */
typedef struct ns_point {
    char name[48];
    uint32_t driver;      /**< index in the driver table; points of one driver are contiguous */
    uint32_t device;      /**< index in the driver's devices */
    uint32_t channel;     /**< the device class's own number */
    uint32_t is_writable; /**< 0 or 1 */
    int64_t period_ns;    /**< > 0 */
    double low;           /**< immutable limits of a write; not NaN where writable */
    double high;
    double safe;          /**< applied when the lease lapses; NaN: what is applied stays */
    int64_t lease_ns;     /**< 0: not leased */
    double ramp_per_s;    /**< slope away from a held value; 0: a step */
    double tolerance;     /**< a read-back within it equals the desired value */
    int64_t abandon_ns;   /**< silence of the daemon after which abandon_value holds; 0: never */
    double abandon_value; /**< held until it is itself desired, and then as usual */
} ns_point_t;

/** One row of the driver table. Drivers without points are allowed. */
typedef struct ns_driver_entry {
    char name[48];
    uint32_t device_count;
    uint32_t first_point; /**< filled in by ns_image_create */
    uint32_t point_count; /**< filled in by ns_image_create */
    uint32_t area_offset; /**< of its samples in the image; filled in by ns_image_create */
    uint64_t config_hash; /**< of its rows of the point table, filled in by ns_image_create */
} ns_driver_entry_t;

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
    uint32_t point_count;
    uint32_t driver_count;
    uint32_t writable_count;
    uint32_t reserved;
} ns_image_t;

/** @brief Bytes an image takes; 0 when a count is out of range. */
size_t ns_image_size(uint32_t point_count, uint32_t driver_count, uint32_t writable_count);

/**
 * @brief Lay out a new image.
 * @param[in]  memory  aligned to NS_IMAGE_ALIGNMENT, outlives the image
 * @param[in]  size    at least ns_image_size()
 * @param[in]  points  copied; contiguous by driver, drivers in ascending order
 * @param[in]  drivers copied; only name and device_count are read
 * @retval NS_OK     created: all samples NaN, NS_E_STALE; nothing desired; no heartbeat
 * @retval NS_E_ARG  NULL, misaligned, a count or a row out of range, points not contiguous
 * @retval NS_E_FULL size too small
 */
ns_status_t ns_image_create(void *memory, size_t size, const ns_point_t *points,
                            uint32_t point_count, const ns_driver_entry_t *drivers,
                            uint32_t driver_count, ns_image_t *out);

/**
 * @brief Attach to an image made by ns_image_create, here or in another process.
 * @retval NS_OK       attached
 * @retval NS_E_ARG    NULL or misaligned
 * @retval NS_E_LAYOUT another magic, ABI or layout hash, or a size that does not fit
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
 * @brief Ask a driver to release its latched reflexes whose condition is gone.
 * @retval NS_OK    asked
 * @retval NS_E_ARG NULL or no such driver
 */
ns_status_t ns_image_request_rearm(const ns_image_t *image, uint32_t driver);

/** @brief How many re-arm requests a driver was sent; 0 for no such driver. */
uint64_t ns_image_rearm_count(const ns_image_t *image, uint32_t driver);

/**
 * @brief What a driver counted.
 * @retval NS_OK    copied
 * @retval NS_E_ARG NULL or no such driver
 */
ns_status_t ns_image_health(const ns_image_t *image, uint32_t driver, ns_health_t *out);

/** @brief Ask all drivers of the image to end; survives a change of ABI. */
void ns_image_request_stop(const ns_image_t *image);

/** @brief True once ns_image_request_stop was called. */
bool ns_image_stop_is_requested(const ns_image_t *image);
/* cffi: end */

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

#ifdef __cplusplus
}
#endif
#endif
