/**
 * @file layout.h
 * @brief Layout of the node image, private to csrc/image.
 *
 * header | driver table | point table   written once, at creation
 * page: heartbeat is in the header; desired slots, re-arm counters   written by the daemon
 * page: per driver, an own run of cache lines                        written by that driver
 *         generation, health words, bank 0, bank 1; a bank is three arrays of words
 */
#ifndef NIGHTSIDE_IMAGE_LAYOUT_H
#define NIGHTSIDE_IMAGE_LAYOUT_H

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "nightside/image.h"

typedef _Atomic uint64_t ns_word_t;

typedef struct ns_image_header {
    uint32_t magic;
    uint32_t abi;
    uint64_t layout_hash;
    _Atomic uint32_t stop;
    uint32_t reserved0;
    ns_word_t heartbeat;
    uint64_t size_bytes;
    uint32_t point_count;
    uint32_t driver_count;
    uint32_t writable_count;
    uint32_t reserved1[19];
} ns_image_header_t;

static_assert(sizeof(ns_image_header_t) == NS_IMAGE_FROZEN_SIZE, "the first 128 bytes are frozen");
static_assert(offsetof(ns_image_header_t, stop) == 16, "frozen");
static_assert(offsetof(ns_image_header_t, heartbeat) == 24, "frozen");
static_assert(sizeof(ns_word_t) == 8 && ATOMIC_LLONG_LOCK_FREE == 2, "words are lock free");
static_assert(sizeof((ns_point_t *)NULL)->name == NS_NAME_SIZE, "as declared");
static_assert(sizeof(ns_point_t) == 48 + 16 + 9 * 8,
              "no padding: the layout hash covers all bytes");
static_assert(sizeof(ns_driver_entry_t) == 48 + 16 + 8, "no padding");

/** sequence is odd while the slot is being written; sequence / 2 = number of writes */
typedef struct ns_desired_slot {
    ns_word_t sequence;
    ns_word_t epoch;
    ns_word_t value;
} ns_desired_slot_t;

#define NS_HEALTH_WORDS (sizeof(ns_health_t) / sizeof(uint64_t))

/** Followed by two banks of 3 * point_count words: values, times, status << 32 | flags. */
typedef struct ns_driver_area {
    ns_word_t generation; /**< the current bank is generation & 1 */
    ns_word_t health[NS_HEALTH_WORDS];
} ns_driver_area_t;

static_assert(sizeof(ns_driver_area_t) == 64, "the banks start on a cache line");

typedef struct ns_image_offsets {
    size_t drivers;
    size_t points;
    size_t daemon;
    size_t rearm;
    size_t areas;
    size_t end; /**< upper bound over all ways of sharing out the points */
} ns_image_offsets_t;

/** @brief Offsets of the parts; a pure function of the counts. */
ns_image_offsets_t ns_image_offsets(uint32_t point_count, uint32_t driver_count,
                                    uint32_t writable_count);

/** @brief The area of one driver. */
ns_driver_area_t *ns_image_area(const ns_image_t *image, uint32_t driver);

/** @brief First word of bank 0 or 1 of an area. */
ns_word_t *ns_image_bank(ns_driver_area_t *area, uint32_t point_count, uint64_t which);

/** @brief The slots and the re-arm counters. */
ns_desired_slot_t *ns_image_slots(const ns_image_t *image);
ns_word_t *ns_image_rearms(const ns_image_t *image);

/** @brief The header of a mapped image. */
ns_image_header_t *ns_image_header(const ns_image_t *image);

#endif
