#include "layout.h"
#include "nightside/codec.h"

/*
 * Per cause a fixed number of slots. A slot is free when it is empty or its record is durable. A
 * sequence number is taken before its slot is written and never used again, and word 0 of a slot is
 * its sequence only while all other words belong to it. So a reader knows a whole record by finding
 * the same sequence before and after its copy, and a gap between sequences is a record that is
 * gone. repeat_count alone changes in place; the CRC is over a record without repeats.
 */

enum { SEQUENCE_WORD = 0, REPEAT_WORD = offsetof(ns_evidence_t, repeat_count) / sizeof(uint64_t) };

static uint32_t crc_of(const ns_evidence_t *record) {
    uint8_t bytes[sizeof *record];
    memcpy(bytes, record, sizeof bytes);
    return ns_crc32c(0, bytes, offsetof(ns_evidence_t, crc32c));
}

uint64_t ns_image_durable(const ns_image_t *image, uint32_t driver) {
    if (!ns_image_has_driver(image, driver)) {
        return 0;
    }
    uint64_t mark = ns_load(&ns_image_inbox(image, driver)->durable);
    /* A mark ahead of all evidence is damaged: nothing counts as durable. */
    return mark <= ns_load(&ns_image_area(image, driver)->evidence_sequence) ? mark : 0;
}

ns_status_t ns_image_mark_durable(const ns_image_t *image, uint32_t driver, uint64_t sequence) {
    if (!ns_image_has_driver(image, driver) ||
        sequence > ns_load(&ns_image_area(image, driver)->evidence_sequence)) {
        return NS_E_ARG;
    }
    if (sequence > ns_image_durable(image, driver)) {
        ns_store(&ns_image_inbox(image, driver)->durable, sequence);
    }
    return NS_OK;
}

/** A whole record, or false: empty, being written, overwritten meanwhile, or damaged. */
static bool read_slot(const ns_evidence_slot_t *slot, uint64_t sequence, ns_evidence_t *out) {
    uint64_t words[NS_EVIDENCE_WORDS];
    for (size_t i = 0; i < NS_EVIDENCE_WORDS; i++) {
        words[i] = ns_load(&slot->words[i]);
    }
    if (words[SEQUENCE_WORD] != sequence || ns_load(&slot->words[SEQUENCE_WORD]) != sequence) {
        return false;
    }
    uint64_t repeat_count = words[REPEAT_WORD];
    words[REPEAT_WORD] = 0;
    memcpy(out, words, sizeof *out);
    if (out->crc32c != crc_of(out) || out->size > sizeof out->bytes ||
        out->cause >= NS_CAUSE_COUNT) {
        return false;
    }
    out->repeat_count = repeat_count;
    out->crc32c = crc_of(out);
    return true;
}

static void write_slot(ns_evidence_slot_t *slot, const ns_evidence_t *record) {
    uint64_t words[NS_EVIDENCE_WORDS];
    memcpy(words, record, sizeof words);
    ns_store(&slot->words[SEQUENCE_WORD], 0);
    for (size_t i = SEQUENCE_WORD + 1; i < NS_EVIDENCE_WORDS; i++) {
        ns_store(&slot->words[i], words[i]);
    }
    ns_store(&slot->words[SEQUENCE_WORD], words[SEQUENCE_WORD]);
}

/** 0 for a slot that is free: empty, durable, or of a sequence that was never given. */
static uint64_t held_sequence(const ns_evidence_slot_t *slot, uint64_t durable, uint64_t newest) {
    uint64_t sequence = ns_load(&slot->words[SEQUENCE_WORD]);
    return sequence > durable && sequence <= newest ? sequence : 0;
}

/** What a cause holds: its newest record, and the slot that takes the next one. */
typedef struct choice {
    ns_evidence_slot_t *newest; /**< NULL: nothing is held */
    ns_evidence_slot_t *next;
    uint64_t newest_sequence;
    uint64_t next_sequence; /**< 0, or of the record that has to go */
} choice_t;

/** Free slots first, those of the kept half before the others; then the oldest of that half. */
static choice_t choose(ns_evidence_slot_t *slots, uint32_t count, uint64_t durable,
                       uint64_t newest) {
    choice_t choice = {.next_sequence = UINT64_MAX};
    for (uint32_t i = 0; i < count; i++) {
        uint64_t sequence = held_sequence(&slots[i], durable, newest);
        if (sequence > choice.newest_sequence) {
            choice.newest = &slots[i];
            choice.newest_sequence = sequence;
        }
        bool may_go = sequence == 0 || i >= count / 2;
        if (may_go && sequence < choice.next_sequence) {
            choice.next = &slots[i];
            choice.next_sequence = sequence;
        }
    }
    return choice;
}

static bool is_repeat(const ns_evidence_t *record, const ns_evidence_t *kept) {
    return record->device == kept->device && record->point == kept->point &&
           record->status == kept->status && record->size == kept->size &&
           memcmp(record->bytes, kept->bytes, sizeof record->bytes) == 0;
}

/** True when the newest record of the cause now also stands for this one. */
static bool fold(const choice_t *choice, ns_evidence_t *record) {
    ns_evidence_t kept;
    if (choice->newest == NULL || !read_slot(choice->newest, choice->newest_sequence, &kept) ||
        !is_repeat(record, &kept)) {
        return false;
    }
    kept.repeat_count++;
    kept.crc32c = crc_of(&kept);
    ns_store(&choice->newest->words[REPEAT_WORD], kept.repeat_count);
    *record = kept;
    return true;
}

ns_status_t ns_image_put_evidence(const ns_image_t *image, uint32_t driver, ns_evidence_t *record) {
    if (!ns_image_has_driver(image, driver) || record == NULL || record->cause >= NS_CAUSE_COUNT ||
        record->size > sizeof record->bytes) {
        return NS_E_ARG;
    }
    memset(record->bytes + record->size, 0, sizeof record->bytes - record->size);
    ns_driver_area_t *area = ns_image_area(image, driver);
    ns_evidence_slot_t *slots = ns_image_evidence_slots(image, driver, record->cause);
    uint64_t newest = ns_load(&area->evidence_sequence);
    choice_t choice =
        choose(slots, image->evidence_per_cause, ns_image_durable(image, driver), newest);
    if (fold(&choice, record)) {
        return NS_OK;
    }
    record->sequence = newest + 1;
    record->repeat_count = 0;
    memset(record->reserved, 0, sizeof record->reserved);
    record->crc32c = crc_of(record);
    ns_store(&area->evidence_sequence, record->sequence);
    if (choice.next_sequence != 0) {
        ns_word_t *losses = &area->losses[record->cause];
        ns_store(losses, ns_load(losses) + 1);
    }
    write_slot(choice.next, record);
    return NS_OK;
}

/** The slot with the smallest sequence inside after .. newest, or NULL. */
static const ns_evidence_slot_t *next_slot(const ns_evidence_slot_t *slots, uint32_t count,
                                           uint64_t after, uint64_t newest, uint64_t *out) {
    const ns_evidence_slot_t *next = NULL;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t sequence = ns_load(&slots[i].words[SEQUENCE_WORD]);
        if (sequence > after && sequence <= newest) {
            newest = sequence;
            next = &slots[i];
        }
    }
    *out = newest;
    return next;
}

ns_status_t ns_image_read_evidence(const ns_image_t *image, uint32_t driver,
                                   uint64_t after_sequence, ns_evidence_t *out, uint32_t capacity,
                                   uint32_t *out_count, uint64_t *out_lost) {
    if (!ns_image_has_driver(image, driver) || out == NULL || capacity == 0 || out_count == NULL ||
        out_lost == NULL) {
        return NS_E_ARG;
    }
    uint64_t newest = ns_load(&ns_image_area(image, driver)->evidence_sequence);
    const ns_evidence_slot_t *slots = ns_image_evidence_slots(image, driver, 0);
    uint32_t slot_count = NS_CAUSE_COUNT * image->evidence_per_cause;
    uint64_t cursor = after_sequence;
    uint64_t last = after_sequence; /* a gap counts once what comes behind it is copied */
    *out_count = 0;
    *out_lost = 0;
    if (newest <= after_sequence) { /* nothing new: the slots need no look */
        return NS_OK;
    }
    for (uint32_t tried = 0; tried < slot_count && *out_count < capacity; tried++) {
        const ns_evidence_slot_t *slot = next_slot(slots, slot_count, cursor, newest, &cursor);
        if (slot == NULL) {
            break;
        }
        if (read_slot(slot, cursor, &out[*out_count])) {
            *out_lost += cursor - last - 1;
            last = cursor;
            (*out_count)++;
        }
    }
    return NS_OK;
}

ns_status_t ns_image_evidence_losses(const ns_image_t *image, uint32_t driver,
                                     uint64_t *out_counts) {
    if (!ns_image_has_driver(image, driver) || out_counts == NULL) {
        return NS_E_ARG;
    }
    for (uint32_t i = 0; i < NS_CAUSE_COUNT; i++) {
        out_counts[i] = ns_load(&ns_image_area(image, driver)->losses[i]);
    }
    return NS_OK;
}
