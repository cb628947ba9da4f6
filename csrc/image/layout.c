#include "layout.h"

#include <math.h>
#include <string.h>

#define PAGE_SIZE 4096U
#define FNV64_BASIS 0xCBF29CE484222325U
#define FNV64_PRIME 0x100000001B3U

static size_t round_up(size_t size, size_t unit) {
    return (size + unit - 1) / unit * unit;
}

/** Every area starts on a cache line of its own. */
static size_t area_size(uint32_t point_count) {
    size_t bank = 3 * sizeof(ns_word_t) * point_count;
    return round_up(sizeof(ns_driver_area_t) + 2 * bank, NS_IMAGE_ALIGNMENT);
}

ns_image_offsets_t ns_image_offsets(uint32_t point_count, uint32_t driver_count,
                                    uint32_t writable_count) {
    ns_image_offsets_t at;
    at.drivers = sizeof(ns_image_header_t);
    at.points = at.drivers + driver_count * sizeof(ns_driver_entry_t);
    at.daemon = round_up(at.points + point_count * sizeof(ns_point_t), PAGE_SIZE);
    at.rearm = at.daemon + writable_count * sizeof(ns_desired_slot_t);
    at.areas = round_up(at.rearm + driver_count * sizeof(ns_word_t), PAGE_SIZE);
    size_t samples = 6 * sizeof(ns_word_t) * point_count;
    size_t heads = driver_count * (sizeof(ns_driver_area_t) + NS_IMAGE_ALIGNMENT);
    at.end = round_up(at.areas + samples + heads, PAGE_SIZE);
    return at;
}

static unsigned char *byte_at(const ns_image_t *image, size_t offset) {
    return (unsigned char *)image->memory + offset;
}

static ns_image_offsets_t offsets_of(const ns_image_t *image) {
    return ns_image_offsets(image->point_count, image->driver_count, image->writable_count);
}

ns_image_header_t *ns_image_header(const ns_image_t *image) {
    return (ns_image_header_t *)image->memory;
}

ns_desired_slot_t *ns_image_slots(const ns_image_t *image) {
    return (ns_desired_slot_t *)(void *)byte_at(image, offsets_of(image).daemon);
}

ns_word_t *ns_image_rearms(const ns_image_t *image) {
    return (ns_word_t *)(void *)byte_at(image, offsets_of(image).rearm);
}

ns_driver_area_t *ns_image_area(const ns_image_t *image, uint32_t driver) {
    return (ns_driver_area_t *)(void *)byte_at(image, image->drivers[driver].area_offset);
}

ns_word_t *ns_image_bank(ns_driver_area_t *area, uint32_t point_count, uint64_t which) {
    ns_word_t *banks = (ns_word_t *)(void *)(area + 1);
    return banks + 3 * (size_t)point_count * which;
}

static uint64_t fnv64(uint64_t hash, const void *data, size_t size) {
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * FNV64_PRIME;
    }
    return hash;
}

static uint64_t layout_hash(const ns_image_t *image) {
    uint32_t counts[3] = {image->point_count, image->driver_count, image->writable_count};
    uint64_t hash = fnv64(FNV64_BASIS, counts, sizeof counts);
    hash = fnv64(hash, image->drivers, image->driver_count * sizeof(ns_driver_entry_t));
    return fnv64(hash, image->points, image->point_count * sizeof(ns_point_t));
}

static bool is_aligned(const void *memory) {
    return memory != NULL && (uintptr_t)memory % NS_IMAGE_ALIGNMENT == 0;
}

static bool is_terminated(const char *name) {
    return name[0] != '\0' && memchr(name, '\0', NS_NAME_SIZE) != NULL;
}

static bool point_is_valid(const ns_point_t *point, uint32_t driver_count) {
    if (!is_terminated(point->name) || point->driver >= driver_count || point->period_ns <= 0 ||
        point->is_writable > 1 || point->lease_ns < 0) {
        return false;
    }
    if (point->is_writable == 0) {
        return true;
    }
    bool limits_are_valid = point->low <= point->high && point->tolerance >= 0.0 &&
                            point->ramp_per_s >= 0.0 && isfinite(point->ramp_per_s);
    bool safe_is_valid = point->lease_ns == 0 || isnan(point->safe) ||
                         (point->safe >= point->low && point->safe <= point->high);
    bool abandon_is_valid =
        point->abandon_ns == 0 || (point->abandon_ns > 0 && point->abandon_value >= point->low &&
                                   point->abandon_value <= point->high);
    return limits_are_valid && safe_is_valid && abandon_is_valid;
}

/** Counts and first points are filled in while the order is checked. */
static ns_status_t fill_driver_table(ns_driver_entry_t *table, const ns_driver_entry_t *drivers,
                                     uint32_t driver_count, const ns_point_t *points,
                                     uint32_t point_count, size_t area_offset) {
    uint32_t point = 0;
    for (uint32_t i = 0; i < driver_count; i++) {
        ns_driver_entry_t *entry = &table[i];
        memset(entry, 0, sizeof *entry);
        memcpy(entry->name, drivers[i].name, NS_NAME_SIZE);
        entry->device_count = drivers[i].device_count;
        entry->first_point = point;
        while (point < point_count && points[point].driver == i) {
            if (points[point].device >= entry->device_count) {
                return NS_E_ARG;
            }
            point++;
        }
        entry->point_count = point - entry->first_point;
        entry->area_offset = (uint32_t)area_offset;
        area_offset += area_size(entry->point_count);
        entry->config_hash = fnv64(FNV64_BASIS, &points[entry->first_point],
                                   entry->point_count * sizeof(ns_point_t));
    }
    return point == point_count ? NS_OK : NS_E_ARG; /* a point out of order was never reached */
}

size_t ns_image_size(uint32_t point_count, uint32_t driver_count, uint32_t writable_count) {
    if (point_count == 0 || point_count > NS_IMAGE_POINTS_MAX || driver_count == 0 ||
        driver_count > NS_IMAGE_DRIVERS_MAX || writable_count > point_count) {
        return 0;
    }
    return ns_image_offsets(point_count, driver_count, writable_count).end;
}

static ns_image_t map_image(void *memory, uint32_t point_count, uint32_t driver_count,
                            uint32_t writable_count) {
    ns_image_t image = {.memory = memory,
                        .point_count = point_count,
                        .driver_count = driver_count,
                        .writable_count = writable_count};
    ns_image_offsets_t at = offsets_of(&image);
    image.drivers = (const ns_driver_entry_t *)(void *)byte_at(&image, at.drivers);
    image.points = (const ns_point_t *)(void *)byte_at(&image, at.points);
    return image;
}

static void clear_samples(const ns_image_t *image) {
    double never = (double)NAN;
    uint64_t never_bits = 0;
    memcpy(&never_bits, &never, sizeof never_bits);
    uint64_t stale = (uint64_t)(uint32_t)NS_E_STALE << 32;
    for (uint32_t i = 0; i < image->driver_count; i++) {
        uint32_t count = image->drivers[i].point_count;
        ns_word_t *bank = ns_image_bank(ns_image_area(image, i), count, 0);
        for (uint32_t k = 0; k < count; k++) {
            atomic_store_explicit(&bank[k], never_bits, memory_order_relaxed);
            atomic_store_explicit(&bank[2 * count + k], stale, memory_order_relaxed);
        }
    }
}

ns_status_t ns_image_create(void *memory, size_t size, const ns_point_t *points,
                            uint32_t point_count, const ns_driver_entry_t *drivers,
                            uint32_t driver_count, ns_image_t *out) {
    if (!is_aligned(memory) || points == NULL || drivers == NULL || out == NULL ||
        point_count > NS_IMAGE_POINTS_MAX || driver_count > NS_IMAGE_DRIVERS_MAX) {
        return NS_E_ARG;
    }
    uint32_t writable_count = 0;
    for (uint32_t i = 0; i < point_count; i++) {
        if (!point_is_valid(&points[i], driver_count)) {
            return NS_E_ARG;
        }
        writable_count += points[i].is_writable;
    }
    for (uint32_t i = 0; i < driver_count; i++) {
        if (!is_terminated(drivers[i].name)) {
            return NS_E_ARG;
        }
    }
    size_t needed = ns_image_size(point_count, driver_count, writable_count);
    if (needed == 0) {
        return NS_E_ARG;
    }
    if (size < needed) {
        return NS_E_FULL;
    }
    memset(memory, 0, needed);
    ns_image_t image = map_image(memory, point_count, driver_count, writable_count);
    ns_image_offsets_t at = offsets_of(&image);
    ns_driver_entry_t *table = (ns_driver_entry_t *)(void *)byte_at(&image, at.drivers);
    ns_status_t status =
        fill_driver_table(table, drivers, driver_count, points, point_count, at.areas);
    if (status != NS_OK) {
        return status;
    }
    memcpy(byte_at(&image, at.points), points, point_count * sizeof *points);
    clear_samples(&image);
    ns_image_header_t *header = ns_image_header(&image);
    header->abi = NS_IMAGE_ABI;
    header->layout_hash = layout_hash(&image);
    header->size_bytes = needed;
    header->point_count = point_count;
    header->driver_count = driver_count;
    header->writable_count = writable_count;
    atomic_thread_fence(memory_order_release);
    header->magic = NS_IMAGE_MAGIC; /* last: an image cut short is never taken for one */
    *out = image;
    return NS_OK;
}

ns_status_t ns_image_attach(void *memory, size_t size, ns_image_t *out) {
    if (!is_aligned(memory) || out == NULL) {
        return NS_E_ARG;
    }
    const ns_image_header_t *header = memory;
    if (size < sizeof *header || header->magic != NS_IMAGE_MAGIC || header->abi != NS_IMAGE_ABI) {
        return NS_E_LAYOUT;
    }
    atomic_thread_fence(memory_order_acquire);
    size_t needed =
        ns_image_size(header->point_count, header->driver_count, header->writable_count);
    if (needed == 0 || needed != header->size_bytes || size < needed) {
        return NS_E_LAYOUT;
    }
    ns_image_t image =
        map_image(memory, header->point_count, header->driver_count, header->writable_count);
    if (layout_hash(&image) != header->layout_hash) {
        return NS_E_LAYOUT;
    }
    *out = image;
    return NS_OK;
}
