/**
 * @file layout.h
 * @brief Layout of the node image, private to csrc/image.
 *
 * pages of the daemon     header | desired slots | per driver: an inbox of marks and requests
 * pages of nobody         driver table | point table | reflex table; written at creation
 * pages of driver 0       area: generation, marks, counts | bank 0 | bank 1 | results | evidence
 * pages of driver 1 ...   a bank is three arrays of words: values, times, status << 32 | flags
 */
#ifndef NIGHTSIDE_IMAGE_LAYOUT_H
#define NIGHTSIDE_IMAGE_LAYOUT_H

#include <assert.h>
#include <stddef.h>

#include "nightside/image.h"
#include "words.h"

#define NS_PAGE_SIZE 4096U

typedef struct ns_image_header {
    _Atomic uint32_t magic;
    uint32_t abi;
    uint64_t layout_hash;
    _Atomic uint32_t stop;
    uint32_t reserved0;
    ns_word_t heartbeat;
    uint64_t size_bytes;
    uint32_t point_count;
    uint32_t driver_count;
    uint32_t writable_count;
    uint32_t reflex_count;
    uint32_t request_capacity;
    uint32_t evidence_per_cause;
    uint32_t reserved1[16];
} ns_image_header_t;

static_assert(sizeof(ns_image_header_t) == NS_IMAGE_FROZEN_SIZE, "the first 128 bytes are frozen");
static_assert(offsetof(ns_image_header_t, stop) == 16, "frozen");
static_assert(offsetof(ns_image_header_t, heartbeat) == 24, "frozen");
static_assert(offsetof(ns_image_header_t, writable_count) == 48, "frozen");
static_assert(sizeof(ns_word_t) == 8 && ATOMIC_LLONG_LOCK_FREE == 2, "words are lock free");
static_assert(sizeof((ns_point_t *)NULL)->name == NS_NAME_SIZE, "as declared");
static_assert(sizeof(ns_point_t) == 48 + 16 + 11 * 8, "no padding: the layout hash covers it all");
static_assert(sizeof(ns_driver_entry_t) == 48 + 8 * 4 + 3 * 8, "no padding");
static_assert(sizeof(ns_reflex_t) == 4 * 4 + 4 * 8, "no padding");
static_assert(sizeof(ns_evidence_t) == 256 && offsetof(ns_evidence_t, crc32c) == 252,
              "no padding: the CRC covers all bytes before it");

/** sequence is odd while the slot is being written; sequence / 2 = number of writes */
typedef struct ns_desired_slot {
    ns_word_t sequence;
    ns_word_t epoch;
    ns_word_t value;
} ns_desired_slot_t;

/** The ticket of a request is its number, from 1; its slot is (ticket - 1) % request_capacity. */
typedef struct ns_request_slot {
    ns_word_t ticket;
    ns_word_t kind_device; /**< kind << 32 | device */
    ns_word_t epoch;
    ns_word_t deadline_ns;
    ns_word_t crc32c; /**< of the four words before */
} ns_request_slot_t;

/** What the daemon tells one driver; followed by request_capacity slots. */
typedef struct ns_inbox {
    ns_word_t sent;    /**< newest ticket */
    ns_word_t epoch;   /**< greatest epoch of a request */
    ns_word_t durable; /**< evidence up to this sequence is stored */
} ns_inbox_t;

#define NS_HEALTH_WORDS (sizeof(ns_health_t) / sizeof(uint64_t))
#define NS_STATISTICS_WORDS (sizeof(ns_bus_statistics_t) / sizeof(uint64_t))
#define NS_EVIDENCE_WORDS (sizeof(ns_evidence_t) / sizeof(uint64_t))

/** A record as words; word 0, the sequence, is 0 while the slot is empty or being written. */
typedef struct ns_evidence_slot {
    ns_word_t words[NS_EVIDENCE_WORDS];
} ns_evidence_slot_t;

/** First in the pages of a driver. */
typedef struct ns_driver_area {
    ns_word_t generation; /**< the current bank is generation & 1 */
    ns_word_t taken;      /**< newest ticket that was taken or discarded */
    ns_word_t evidence_sequence;
    ns_word_t health[NS_HEALTH_WORDS];
    ns_word_t statistics[NS_STATISTICS_WORDS];
    ns_word_t losses[NS_CAUSE_COUNT];
    ns_word_t reserved[1];
} ns_driver_area_t;

static_assert(sizeof(ns_driver_area_t) % NS_IMAGE_ALIGNMENT == 0, "banks start on a cache line");

/** @brief The counts of a config with its defaults filled in; false when one is out of range. */
bool ns_image_plan(const ns_image_config_t *config, ns_image_t *out);

/** @brief True when every row is one that can be, in order, and all indices are inside. */
bool ns_image_rows_are_valid(const ns_image_config_t *config);

/** @brief Where the tables begin: behind the pages of the daemon. */
size_t ns_image_tables_offset(const ns_image_t *image);

/** @brief Where the area of driver 0 begins. */
size_t ns_image_areas_offset(const ns_image_t *image);

/** @brief Bytes of one driver's pages. */
size_t ns_image_area_size(const ns_image_t *image, uint32_t point_count);

/** @brief Point a planned image at memory: where its tables are, or will be. */
void ns_image_map(ns_image_t *image, void *memory);

/** @brief FNV-1a over bytes, to tell layouts apart; start with NS_HASH_START. */
uint64_t ns_image_hash(uint64_t hash, const void *data, size_t size);

#define NS_HASH_START 0xCBF29CE484222325U

/** @brief The header of a mapped image. */
ns_image_header_t *ns_image_header(const ns_image_t *image);

/** @brief The desired slots, in the order of the writable points. */
ns_desired_slot_t *ns_image_slots(const ns_image_t *image);

/** @brief The inbox of one driver, and its request slots. */
ns_inbox_t *ns_image_inbox(const ns_image_t *image, uint32_t driver);
ns_request_slot_t *ns_image_request_slot(const ns_image_t *image, uint32_t driver, uint64_t ticket);

/** @brief The area of one driver. */
ns_driver_area_t *ns_image_area(const ns_image_t *image, uint32_t driver);

/** @brief First word of the bank that belongs to a generation. */
ns_word_t *ns_image_bank(ns_driver_area_t *area, uint32_t point_count, uint64_t generation);

/** @brief The result of a ticket: ticket << 16 | status. */
ns_word_t *ns_image_result(const ns_image_t *image, uint32_t driver, uint64_t ticket);

/** @brief The evidence_per_cause slots of one cause. */
ns_evidence_slot_t *ns_image_evidence_slots(const ns_image_t *image, uint32_t driver,
                                            uint32_t cause);

/** @brief True for an image and one of its drivers. */
bool ns_image_has_driver(const ns_image_t *image, uint32_t driver);

/** @brief True for 1 .. 2^32 - 1: the heartbeat word has 32 bits for it. */
bool ns_epoch_is_valid(uint64_t epoch);

#endif
