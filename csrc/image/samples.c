#include <math.h>

#include "layout.h"

/* Samples: the writer fills the idle bank, then the generation makes it the current one. A reader
 * that finds another generation after its copy may have read a bank that was being filled. */

static uint64_t status_word(int32_t status, uint32_t flags) {
    return (uint64_t)(uint32_t)status << 32 | flags;
}

ns_status_t ns_image_publish(const ns_image_t *image, uint32_t driver,
                             const ns_samples_t *samples) {
    if (!ns_image_has_driver(image, driver) || samples == NULL) {
        return NS_E_ARG;
    }
    uint32_t count = image->drivers[driver].point_count;
    ns_driver_area_t *area = ns_image_area(image, driver);
    uint64_t next = ns_load(&area->generation) + 1;
    ns_word_t *bank = ns_image_bank(area, count, next);
    for (uint32_t i = 0; i < count; i++) {
        ns_store(&bank[i], ns_bits_of(samples->values[i]));
        ns_store(&bank[count + i], (uint64_t)samples->time_ns[i]);
        ns_store(&bank[2 * count + i], status_word(samples->status[i], samples->flags[i]));
    }
    ns_store(&area->generation, next);
    return NS_OK;
}

/** One try; false when the writer moved meanwhile. */
static bool copy_bank(ns_driver_area_t *area, uint32_t count, const ns_samples_t *to) {
    uint64_t generation = ns_load(&area->generation);
    const ns_word_t *bank = ns_image_bank(area, count, generation);
    for (uint32_t i = 0; i < count; i++) {
        to->values[i] = ns_double_of(ns_load(&bank[i]));
    }
    for (uint32_t i = 0; i < count; i++) {
        to->time_ns[i] = (int64_t)ns_load(&bank[count + i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t word = ns_load(&bank[2 * count + i]);
        to->status[i] = (int32_t)(uint32_t)(word >> 32);
        to->flags[i] = (uint32_t)word;
    }
    return ns_load(&area->generation) == generation;
}

static void copy_samples(const ns_samples_t *to, const ns_samples_t *from, size_t count) {
    memcpy(to->values, from->values, count * sizeof *to->values);
    memcpy(to->time_ns, from->time_ns, count * sizeof *to->time_ns);
    memcpy(to->status, from->status, count * sizeof *to->status);
    memcpy(to->flags, from->flags, count * sizeof *to->flags);
}

static ns_samples_t samples_from(const ns_samples_t *samples, uint32_t first) {
    return (ns_samples_t){.values = samples->values + first,
                          .time_ns = samples->time_ns + first,
                          .status = samples->status + first,
                          .flags = samples->flags + first};
}

/** False: the writer kept moving, and `out` holds the last copy as stale. */
static bool copy_driver(const ns_image_t *image, uint32_t driver, const ns_samples_t *last,
                        const ns_samples_t *out) {
    const ns_driver_entry_t *entry = &image->drivers[driver];
    ns_driver_area_t *area = ns_image_area(image, driver);
    ns_samples_t here = samples_from(out, entry->first_point);
    ns_samples_t kept = samples_from(last, entry->first_point);
    for (int attempt = 0; attempt <= NS_SNAPSHOT_RETRIES_MAX; attempt++) {
        if (copy_bank(area, entry->point_count, &here)) {
            copy_samples(&kept, &here, entry->point_count);
            return true;
        }
    }
    copy_samples(&here, &kept, entry->point_count);
    for (uint32_t i = 0; i < entry->point_count; i++) {
        here.status[i] = NS_E_STALE;
    }
    return false;
}

ns_status_t ns_image_snapshot(const ns_image_t *image, const ns_samples_t *last, double *values,
                              int64_t *time_ns, int32_t *status, uint32_t *flags) {
    if (image == NULL || last == NULL || values == NULL || time_ns == NULL || status == NULL ||
        flags == NULL) {
        return NS_E_ARG;
    }
    ns_samples_t out = {.values = values, .time_ns = time_ns, .status = status, .flags = flags};
    ns_status_t result = NS_OK;
    for (uint32_t i = 0; i < image->driver_count; i++) {
        if (!copy_driver(image, i, last, &out)) {
            result = NS_E_STALE;
        }
    }
    return result;
}

ns_status_t ns_image_read_sample(const ns_image_t *image, uint32_t point, ns_sample_t *out) {
    if (image == NULL || out == NULL || point >= image->point_count) {
        return NS_E_ARG;
    }
    uint32_t driver = image->points[point].driver;
    const ns_driver_entry_t *entry = &image->drivers[driver];
    uint32_t count = entry->point_count;
    uint32_t index = point - entry->first_point;
    ns_driver_area_t *area = ns_image_area(image, driver);
    for (int attempt = 0; attempt <= NS_SNAPSHOT_RETRIES_MAX; attempt++) {
        uint64_t generation = ns_load(&area->generation);
        const ns_word_t *bank = ns_image_bank(area, count, generation);
        ns_sample_t copy = {.value = ns_double_of(ns_load(&bank[index])),
                            .time_ns = (int64_t)ns_load(&bank[count + index])};
        uint64_t word = ns_load(&bank[2 * count + index]);
        copy.status = (int32_t)(uint32_t)(word >> 32);
        copy.flags = (uint32_t)word;
        if (ns_load(&area->generation) == generation) {
            *out = copy;
            return NS_OK;
        }
    }
    return NS_E_STALE;
}

void ns_samples_clear(const ns_samples_t *samples, uint32_t point_count) {
    for (uint32_t i = 0; i < point_count; i++) {
        samples->values[i] = (double)NAN;
        samples->time_ns[i] = 0;
        samples->status[i] = NS_E_STALE;
        samples->flags[i] = 0;
    }
}
