#include "layout.h"

#define HASH_PRIME 0x100000001B3U /* FNV-1a, 64 bits */

static size_t round_up(size_t size, size_t unit) {
    return (size + unit - 1) / unit * unit;
}

static size_t inbox_size(const ns_image_t *image) {
    return round_up(sizeof(ns_inbox_t) + image->request_capacity * sizeof(ns_request_slot_t),
                    NS_IMAGE_ALIGNMENT);
}

static size_t inboxes_offset(const ns_image_t *image) {
    size_t slots = image->writable_count * sizeof(ns_desired_slot_t);
    return round_up(sizeof(ns_image_header_t) + slots, NS_IMAGE_ALIGNMENT);
}

static size_t banks_size(uint32_t point_count) {
    return round_up(2 * 3 * sizeof(ns_word_t) * point_count, NS_IMAGE_ALIGNMENT);
}

size_t ns_image_tables_offset(const ns_image_t *image) {
    return round_up(inboxes_offset(image) + image->driver_count * inbox_size(image), NS_PAGE_SIZE);
}

size_t ns_image_areas_offset(const ns_image_t *image) {
    size_t tables = image->driver_count * sizeof(ns_driver_entry_t) +
                    image->point_count * sizeof(ns_point_t) +
                    image->reflex_count * sizeof(ns_reflex_t);
    return round_up(ns_image_tables_offset(image) + tables, NS_PAGE_SIZE);
}

static size_t evidence_offset(const ns_image_t *image, uint32_t point_count) {
    size_t results = image->request_capacity * sizeof(ns_word_t);
    return round_up(sizeof(ns_driver_area_t) + banks_size(point_count) + results,
                    NS_IMAGE_ALIGNMENT);
}

size_t ns_image_area_size(const ns_image_t *image, uint32_t point_count) {
    size_t evidence =
        (size_t)NS_CAUSE_COUNT * image->evidence_per_cause * sizeof(ns_evidence_slot_t);
    return round_up(evidence_offset(image, point_count) + evidence, NS_PAGE_SIZE);
}

static unsigned char *byte_at(const ns_image_t *image, size_t offset) {
    return (unsigned char *)image->memory + offset;
}

void ns_image_map(ns_image_t *image, void *memory) {
    image->memory = memory;
    unsigned char *at = byte_at(image, ns_image_tables_offset(image));
    image->drivers = (const ns_driver_entry_t *)(void *)at;
    at += image->driver_count * sizeof(ns_driver_entry_t);
    image->points = (const ns_point_t *)(void *)at;
    at += image->point_count * sizeof(ns_point_t);
    image->reflexes = (const ns_reflex_t *)(void *)at;
}

ns_image_header_t *ns_image_header(const ns_image_t *image) {
    return (ns_image_header_t *)image->memory;
}

ns_desired_slot_t *ns_image_slots(const ns_image_t *image) {
    return (ns_desired_slot_t *)(void *)byte_at(image, sizeof(ns_image_header_t));
}

ns_inbox_t *ns_image_inbox(const ns_image_t *image, uint32_t driver) {
    size_t offset = inboxes_offset(image) + driver * inbox_size(image);
    return (ns_inbox_t *)(void *)byte_at(image, offset);
}

ns_request_slot_t *ns_image_request_slot(const ns_image_t *image, uint32_t driver,
                                         uint64_t ticket) {
    ns_request_slot_t *slots = (ns_request_slot_t *)(void *)(ns_image_inbox(image, driver) + 1);
    return &slots[(ticket - 1) & (image->request_capacity - 1U)];
}

ns_driver_area_t *ns_image_area(const ns_image_t *image, uint32_t driver) {
    return (ns_driver_area_t *)(void *)byte_at(image, image->drivers[driver].area_offset);
}

ns_word_t *ns_image_bank(ns_driver_area_t *area, uint32_t point_count, uint64_t generation) {
    ns_word_t *banks = (ns_word_t *)(void *)(area + 1);
    return banks + 3 * (size_t)point_count * (generation & NS_BANK_MASK);
}

ns_word_t *ns_image_result(const ns_image_t *image, uint32_t driver, uint64_t ticket) {
    const ns_driver_entry_t *entry = &image->drivers[driver];
    size_t offset = entry->area_offset + sizeof(ns_driver_area_t) + banks_size(entry->point_count);
    ns_word_t *results = (ns_word_t *)(void *)byte_at(image, offset);
    return &results[(ticket - 1) & (image->request_capacity - 1U)];
}

ns_evidence_slot_t *ns_image_evidence_slots(const ns_image_t *image, uint32_t driver,
                                            uint32_t cause) {
    const ns_driver_entry_t *entry = &image->drivers[driver];
    size_t offset = entry->area_offset + evidence_offset(image, entry->point_count);
    ns_evidence_slot_t *slots = (ns_evidence_slot_t *)(void *)byte_at(image, offset);
    return slots + (size_t)cause * image->evidence_per_cause;
}

uint64_t ns_image_hash(uint64_t hash, const void *data, size_t size) {
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++) {
        hash = (hash ^ bytes[i]) * HASH_PRIME;
    }
    return hash;
}

bool ns_image_has_driver(const ns_image_t *image, uint32_t driver) {
    return image != NULL && driver < image->driver_count;
}

bool ns_epoch_is_valid(uint64_t epoch) {
    return epoch >= 1 && epoch <= UINT32_MAX;
}

ns_status_t ns_image_daemon_range(const ns_image_t *image, size_t *out_offset, size_t *out_size) {
    if (image == NULL || out_offset == NULL || out_size == NULL) {
        return NS_E_ARG;
    }
    *out_offset = 0;
    *out_size = ns_image_tables_offset(image);
    return NS_OK;
}

ns_status_t ns_image_driver_range(const ns_image_t *image, uint32_t driver, size_t *out_offset,
                                  size_t *out_size) {
    if (!ns_image_has_driver(image, driver) || out_offset == NULL || out_size == NULL) {
        return NS_E_ARG;
    }
    *out_offset = image->drivers[driver].area_offset;
    *out_size = ns_image_area_size(image, image->drivers[driver].point_count);
    return NS_OK;
}
