#include <math.h>

#include "layout.h"

/* What is level: desired values, heartbeat, counts, the wish to stop. Each is written again and
 * again, so that whoever dies inside leaves at most one odd slot, which the next write mends. */

/** A writer that died inside left an odd sequence; the next one starts from it. */
static void write_slot(ns_desired_slot_t *slot, double value, uint64_t epoch) {
    uint64_t open = (ns_load(&slot->sequence) + 1) | 1U;
    ns_store(&slot->sequence, open);
    ns_store(&slot->epoch, epoch);
    ns_store(&slot->value, ns_bits_of(value));
    ns_store(&slot->sequence, open + 1);
}

ns_status_t ns_image_write_desired(const ns_image_t *image, const double *values,
                                   uint32_t writable_count, uint64_t epoch) {
    if (image == NULL || values == NULL || writable_count != image->writable_count ||
        !ns_epoch_is_valid(epoch)) {
        return NS_E_ARG;
    }
    ns_desired_slot_t *slots = ns_image_slots(image);
    for (uint32_t i = 0; i < writable_count; i++) {
        if (!isnan(values[i])) {
            write_slot(&slots[i], values[i], epoch);
        }
    }
    return NS_OK;
}

ns_status_t ns_image_read_desired(const ns_image_t *image, uint32_t writable_index,
                                  ns_desired_t *out) {
    if (image == NULL || out == NULL || writable_index >= image->writable_count) {
        return NS_E_ARG;
    }
    const ns_desired_slot_t *slot = &ns_image_slots(image)[writable_index];
    for (int attempt = 0; attempt <= NS_SNAPSHOT_RETRIES_MAX; attempt++) {
        uint64_t before = ns_load(&slot->sequence);
        ns_desired_t copy = {.value = ns_double_of(ns_load(&slot->value)),
                             .epoch = ns_load(&slot->epoch),
                             .write_count = before / 2};
        if ((before & 1U) == 0 && ns_load(&slot->sequence) == before) {
            *out = copy;
            return NS_OK;
        }
    }
    return NS_E_STALE;
}

ns_status_t ns_image_beat(const ns_image_t *image, uint64_t epoch) {
    if (image == NULL || !ns_epoch_is_valid(epoch)) {
        return NS_E_ARG;
    }
    ns_word_t *word = &ns_image_header(image)->heartbeat;
    uint64_t counter = (ns_load(word) + 1) & UINT32_MAX;
    ns_store(word, epoch << 32 | counter);
    return NS_OK;
}

uint64_t ns_image_heartbeat(const ns_image_t *image) {
    return ns_load(&ns_image_header(image)->heartbeat);
}

static uint64_t greater(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

uint64_t ns_image_epoch(const ns_image_t *image) {
    uint64_t epoch = ns_image_heartbeat(image) >> 32;
    const ns_desired_slot_t *slots = ns_image_slots(image);
    for (uint32_t i = 0; i < image->writable_count; i++) {
        epoch = greater(epoch, ns_load(&slots[i].epoch));
    }
    for (uint32_t i = 0; i < image->driver_count; i++) {
        epoch = greater(epoch, ns_load(&ns_image_inbox(image, i)->epoch));
    }
    return epoch;
}

static void load_words(const ns_word_t *from, void *to, size_t count) {
    unsigned char *bytes = to;
    for (size_t i = 0; i < count; i++) {
        uint64_t word = ns_load(&from[i]);
        memcpy(bytes + i * sizeof word, &word, sizeof word);
    }
}

static void store_words(ns_word_t *to, const void *from, size_t count) {
    const unsigned char *bytes = from;
    for (size_t i = 0; i < count; i++) {
        uint64_t word = 0;
        memcpy(&word, bytes + i * sizeof word, sizeof word);
        ns_store(&to[i], word);
    }
}

ns_status_t ns_image_health(const ns_image_t *image, uint32_t driver, ns_health_t *out) {
    if (!ns_image_has_driver(image, driver) || out == NULL) {
        return NS_E_ARG;
    }
    load_words(ns_image_area(image, driver)->health, out, NS_HEALTH_WORDS);
    return NS_OK;
}

ns_status_t ns_image_set_health(const ns_image_t *image, uint32_t driver,
                                const ns_health_t *health) {
    if (!ns_image_has_driver(image, driver) || health == NULL) {
        return NS_E_ARG;
    }
    store_words(ns_image_area(image, driver)->health, health, NS_HEALTH_WORDS);
    return NS_OK;
}

ns_status_t ns_image_statistics(const ns_image_t *image, uint32_t driver,
                                ns_bus_statistics_t *out) {
    if (!ns_image_has_driver(image, driver) || out == NULL) {
        return NS_E_ARG;
    }
    load_words(ns_image_area(image, driver)->statistics, out, NS_STATISTICS_WORDS);
    return NS_OK;
}

ns_status_t ns_image_set_statistics(const ns_image_t *image, uint32_t driver,
                                    const ns_bus_statistics_t *statistics) {
    if (!ns_image_has_driver(image, driver) || statistics == NULL) {
        return NS_E_ARG;
    }
    store_words(ns_image_area(image, driver)->statistics, statistics, NS_STATISTICS_WORDS);
    return NS_OK;
}

void ns_image_request_stop(const ns_image_t *image) {
    atomic_store_explicit(&ns_image_header(image)->stop, 1, NS_STORE_ORDER);
}

bool ns_image_stop_is_requested(const ns_image_t *image) {
    return atomic_load_explicit(&ns_image_header(image)->stop, memory_order_acquire) != 0;
}
