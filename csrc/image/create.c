#include <math.h>
#include <string.h>

#include "layout.h"

static bool is_aligned(const void *memory) {
    return memory != NULL && (uintptr_t)memory % NS_IMAGE_ALIGNMENT == 0;
}

static bool capacity_is_valid(uint32_t capacity) {
    bool is_power_of_two = (capacity & (capacity - 1U)) == 0;
    return capacity >= 2 && capacity <= NS_REQUEST_CAPACITY_MAX && is_power_of_two;
}

static bool evidence_is_valid(uint32_t per_cause) {
    return per_cause >= 2 && per_cause <= NS_EVIDENCE_PER_CAUSE_MAX && per_cause % 2 == 0;
}

bool ns_image_plan(const ns_image_config_t *config, ns_image_t *out) {
    if (config == NULL || config->points == NULL || config->drivers == NULL ||
        (config->reflexes == NULL && config->reflex_count > 0) || config->reserved != 0 ||
        config->point_count == 0 || config->point_count > NS_IMAGE_POINTS_MAX ||
        config->driver_count == 0 || config->driver_count > NS_IMAGE_DRIVERS_MAX ||
        config->reflex_count > NS_IMAGE_REFLEXES_MAX) {
        return false;
    }
    ns_image_t image = {.point_count = config->point_count,
                        .driver_count = config->driver_count,
                        .reflex_count = config->reflex_count,
                        .request_capacity = config->request_capacity,
                        .evidence_per_cause = config->evidence_per_cause};
    if (image.request_capacity == 0) {
        image.request_capacity = NS_REQUEST_CAPACITY_DEFAULT;
    }
    if (image.evidence_per_cause == 0) {
        image.evidence_per_cause = NS_EVIDENCE_PER_CAUSE_DEFAULT;
    }
    for (uint32_t i = 0; i < config->point_count; i++) {
        image.writable_count += config->points[i].is_writable != 0;
    }
    *out = image;
    return capacity_is_valid(image.request_capacity) && evidence_is_valid(image.evidence_per_cause);
}

static size_t size_of(const ns_image_t *image, const ns_point_t *points) {
    size_t size = ns_image_areas_offset(image);
    uint32_t point = 0;
    for (uint32_t i = 0; i < image->driver_count; i++) {
        uint32_t first = point;
        while (point < image->point_count && points[point].driver == i) {
            point++;
        }
        size += ns_image_area_size(image, point - first);
    }
    return size;
}

size_t ns_image_size(const ns_image_config_t *config) {
    ns_image_t image;
    return ns_image_plan(config, &image) ? size_of(&image, config->points) : 0;
}

/** Rows of the point and reflex tables that are not yet given to a driver. */
typedef struct cursor {
    uint32_t point;
    uint32_t reflex;
    size_t area_offset;
} cursor_t;

/** The row of the next driver, with what its rows of the other tables say. */
static ns_driver_entry_t next_entry(const ns_image_t *image, const ns_image_config_t *config,
                                    uint32_t driver, cursor_t *next) {
    ns_driver_entry_t entry = config->drivers[driver];
    memset(entry.name, 0, sizeof entry.name); /* the hash covers what stands behind the NUL */
    memcpy(entry.name, config->drivers[driver].name, strlen(config->drivers[driver].name));
    entry.first_point = entry.point_count = entry.first_reflex = entry.reflex_count = 0;
    entry.area_offset = 0;
    entry.config_hash = 0;
    uint64_t hash = ns_image_hash(NS_HASH_START, &entry, sizeof entry); /* wherever it stands */
    entry.first_point = next->point;
    while (next->point < config->point_count && config->points[next->point].driver == driver) {
        next->point++;
    }
    entry.first_reflex = next->reflex;
    while (next->reflex < config->reflex_count &&
           config->points[config->reflexes[next->reflex].action_point].driver == driver) {
        next->reflex++;
    }
    entry.point_count = next->point - entry.first_point;
    entry.reflex_count = next->reflex - entry.first_reflex;
    entry.area_offset = (uint32_t)next->area_offset;
    next->area_offset += ns_image_area_size(image, entry.point_count);
    if (entry.point_count > 0) {
        hash = ns_image_hash(hash, &config->points[entry.first_point],
                             entry.point_count * sizeof(ns_point_t));
    }
    if (entry.reflex_count > 0) {
        hash = ns_image_hash(hash, &config->reflexes[entry.first_reflex],
                             entry.reflex_count * sizeof(ns_reflex_t));
    }
    entry.config_hash = hash;
    return entry;
}

static uint64_t layout_hash(const ns_image_t *image) {
    uint32_t counts[6] = {image->point_count,  image->driver_count,     image->writable_count,
                          image->reflex_count, image->request_capacity, image->evidence_per_cause};
    uint64_t hash = ns_image_hash(NS_HASH_START, counts, sizeof counts);
    hash = ns_image_hash(hash, image->drivers, image->driver_count * sizeof(ns_driver_entry_t));
    hash = ns_image_hash(hash, image->points, image->point_count * sizeof(ns_point_t));
    return ns_image_hash(hash, image->reflexes, image->reflex_count * sizeof(ns_reflex_t));
}

static void fill_tables(const ns_image_t *image, const ns_image_config_t *config) {
    unsigned char *at = (unsigned char *)image->memory + ns_image_tables_offset(image);
    cursor_t next = {.area_offset = ns_image_areas_offset(image)};
    for (uint32_t i = 0; i < image->driver_count; i++) {
        ns_driver_entry_t entry = next_entry(image, config, i, &next);
        memcpy(at + i * sizeof entry, &entry, sizeof entry);
    }
    at += image->driver_count * sizeof(ns_driver_entry_t);
    memcpy(at, config->points, image->point_count * sizeof(ns_point_t));
    at += image->point_count * sizeof(ns_point_t);
    if (image->reflex_count > 0) {
        memcpy(at, config->reflexes, image->reflex_count * sizeof(ns_reflex_t));
    }
}

static void clear_samples(const ns_image_t *image) {
    uint64_t never = ns_bits_of((double)NAN);
    uint64_t stale = (uint64_t)(uint32_t)NS_E_STALE << 32;
    for (uint32_t i = 0; i < image->driver_count; i++) {
        uint32_t count = image->drivers[i].point_count;
        ns_word_t *bank = ns_image_bank(ns_image_area(image, i), count, 0);
        for (uint32_t k = 0; k < count; k++) {
            ns_store(&bank[k], never);
            ns_store(&bank[2 * count + k], stale);
        }
    }
}

ns_status_t ns_image_create(void *memory, size_t size, const ns_image_config_t *config,
                            ns_image_t *out) {
    ns_image_t image;
    if (!is_aligned(memory) || out == NULL || !ns_image_plan(config, &image) ||
        !ns_image_rows_are_valid(config)) {
        return NS_E_ARG;
    }
    size_t needed = size_of(&image, config->points);
    if (size < needed) {
        return NS_E_FULL;
    }
    memset(memory, 0, needed);
    ns_image_map(&image, memory);
    fill_tables(&image, config);
    clear_samples(&image);
    ns_image_header_t *header = ns_image_header(&image);
    header->abi = NS_IMAGE_ABI;
    header->layout_hash = layout_hash(&image);
    header->size_bytes = needed;
    header->point_count = image.point_count;
    header->driver_count = image.driver_count;
    header->writable_count = image.writable_count;
    header->reflex_count = image.reflex_count;
    header->request_capacity = image.request_capacity;
    header->evidence_per_cause = image.evidence_per_cause;
    /* Last: an image cut short is never taken for one. */
    atomic_store_explicit(&header->magic, NS_IMAGE_MAGIC, NS_STORE_ORDER);
    *out = image;
    return NS_OK;
}

/** A table may come from a damaged file: every number that is used as an index is checked. */
static bool tables_are_valid(const ns_image_t *image, const ns_image_config_t *config) {
    if (!ns_image_rows_are_valid(config)) {
        return false;
    }
    cursor_t next = {.area_offset = ns_image_areas_offset(image)};
    for (uint32_t i = 0; i < image->driver_count; i++) {
        ns_driver_entry_t entry = next_entry(image, config, i, &next);
        if (memcmp(&entry, &image->drivers[i], sizeof entry) != 0) {
            return false;
        }
    }
    return layout_hash(image) == ns_image_header(image)->layout_hash;
}

ns_status_t ns_image_attach(void *memory, size_t size, ns_image_t *out) {
    if (!is_aligned(memory) || out == NULL) {
        return NS_E_ARG;
    }
    const ns_image_header_t *header = memory;
    if (size < sizeof *header ||
        atomic_load_explicit(&header->magic, memory_order_acquire) != NS_IMAGE_MAGIC ||
        header->abi != NS_IMAGE_ABI || header->size_bytes > size ||
        header->point_count > NS_IMAGE_POINTS_MAX || header->driver_count > NS_IMAGE_DRIVERS_MAX ||
        header->reflex_count > NS_IMAGE_REFLEXES_MAX ||
        header->writable_count > header->point_count ||
        !capacity_is_valid(header->request_capacity) ||
        !evidence_is_valid(header->evidence_per_cause)) {
        return NS_E_LAYOUT;
    }
    ns_image_t image = {.point_count = header->point_count,
                        .driver_count = header->driver_count,
                        .writable_count = header->writable_count,
                        .reflex_count = header->reflex_count,
                        .request_capacity = header->request_capacity,
                        .evidence_per_cause = header->evidence_per_cause};
    if (ns_image_areas_offset(&image) > header->size_bytes) {
        return NS_E_LAYOUT;
    }
    ns_image_map(&image, memory);
    ns_image_config_t config = {.points = image.points,
                                .drivers = image.drivers,
                                .reflexes = image.reflexes,
                                .point_count = image.point_count,
                                .driver_count = image.driver_count,
                                .reflex_count = image.reflex_count,
                                .request_capacity = image.request_capacity,
                                .evidence_per_cause = image.evidence_per_cause};
    ns_image_t planned;
    if (!ns_image_plan(&config, &planned) || planned.writable_count != image.writable_count ||
        size_of(&image, image.points) != header->size_bytes || !tables_are_valid(&image, &config)) {
        return NS_E_LAYOUT;
    }
    *out = image;
    return NS_OK;
}
