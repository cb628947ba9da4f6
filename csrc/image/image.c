#include <math.h>
#include <string.h>

#include "layout.h"

/*
 * Order of memory. A writer releases the generation after it filled a bank, and fences before it
 * fills the other: a reader that saw any word of the new filling then also sees the generation that
 * came before it, and retries. Both orders are needed; x86 would hide their absence.
 */

#define EPOCH_MAX 0xFFFFFFFFU

static uint64_t bits_of(double value) {
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static double double_of(uint64_t bits) {
    double value = 0.0;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static uint64_t load(const ns_word_t *word) {
    return atomic_load_explicit(word, memory_order_relaxed);
}

static void store(ns_word_t *word, uint64_t value) {
    atomic_store_explicit(word, value, memory_order_relaxed);
}

static bool epoch_is_valid(uint64_t epoch) {
    return epoch >= 1 && epoch <= EPOCH_MAX;
}

ns_status_t ns_image_publish(const ns_image_t *image, uint32_t driver,
                             const ns_samples_t *samples) {
    if (image == NULL || samples == NULL || driver >= image->driver_count) {
        return NS_E_ARG;
    }
    uint32_t count = image->drivers[driver].point_count;
    ns_driver_area_t *area = ns_image_area(image, driver);
    uint64_t generation = load(&area->generation);
    ns_word_t *bank = ns_image_bank(area, count, (generation + 1) & 1U);
    atomic_thread_fence(memory_order_release);
    for (uint32_t i = 0; i < count; i++) {
        store(&bank[i], bits_of(samples->values[i]));
        store(&bank[count + i], (uint64_t)samples->time_ns[i]);
        store(&bank[2 * count + i],
              (uint64_t)(uint32_t)samples->status[i] << 32 | samples->flags[i]);
    }
    atomic_store_explicit(&area->generation, generation + 1, memory_order_release);
    return NS_OK;
}

/** One try; false when the writer moved meanwhile. */
static bool copy_bank(ns_driver_area_t *area, uint32_t count, const ns_samples_t *to) {
    uint64_t generation = atomic_load_explicit(&area->generation, memory_order_acquire);
    const ns_word_t *bank = ns_image_bank(area, count, generation & 1U);
    for (uint32_t i = 0; i < count; i++) {
        to->values[i] = double_of(load(&bank[i]));
    }
    for (uint32_t i = 0; i < count; i++) {
        to->time_ns[i] = (int64_t)load(&bank[count + i]);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint64_t word = load(&bank[2 * count + i]);
        to->status[i] = (int32_t)(uint32_t)(word >> 32);
        to->flags[i] = (uint32_t)word;
    }
    atomic_thread_fence(memory_order_acquire);
    return load(&area->generation) == generation;
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

ns_status_t ns_image_snapshot(const ns_image_t *image, const ns_samples_t *last, double *values,
                              int64_t *time_ns, int32_t *status, uint32_t *flags) {
    if (image == NULL || last == NULL || values == NULL || time_ns == NULL || status == NULL ||
        flags == NULL) {
        return NS_E_ARG;
    }
    ns_samples_t out = {.values = values, .time_ns = time_ns, .status = status, .flags = flags};
    ns_status_t result = NS_OK;
    for (uint32_t i = 0; i < image->driver_count; i++) {
        const ns_driver_entry_t *driver = &image->drivers[i];
        uint32_t count = driver->point_count;
        ns_samples_t here = samples_from(&out, driver->first_point);
        ns_samples_t kept = samples_from(last, driver->first_point);
        ns_driver_area_t *area = ns_image_area(image, i);
        bool is_copied = false;
        for (int attempt = 0; attempt <= NS_SNAPSHOT_RETRIES_MAX && !is_copied; attempt++) {
            is_copied = copy_bank(area, count, &here);
        }
        if (is_copied) {
            copy_samples(&kept, &here, count);
            continue;
        }
        copy_samples(&here, &kept, count);
        for (uint32_t k = 0; k < count; k++) {
            here.status[k] = NS_E_STALE;
        }
        result = NS_E_STALE;
    }
    return result;
}

void ns_samples_clear(const ns_samples_t *samples, uint32_t point_count) {
    for (uint32_t i = 0; i < point_count; i++) {
        samples->values[i] = (double)NAN;
        samples->time_ns[i] = 0;
        samples->status[i] = NS_E_STALE;
        samples->flags[i] = 0;
    }
}

/** A writer that died inside left an odd sequence; the next one starts from it. */
static void write_slot(ns_desired_slot_t *slot, double value, uint64_t epoch) {
    uint64_t open = (load(&slot->sequence) + 1) | 1U;
    store(&slot->sequence, open);
    atomic_thread_fence(memory_order_release);
    store(&slot->epoch, epoch);
    store(&slot->value, bits_of(value));
    atomic_store_explicit(&slot->sequence, open + 1, memory_order_release);
}

ns_status_t ns_image_write_desired(const ns_image_t *image, const double *values,
                                   uint32_t writable_count, uint64_t epoch) {
    if (image == NULL || values == NULL || writable_count != image->writable_count ||
        !epoch_is_valid(epoch)) {
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
        uint64_t before = atomic_load_explicit(&slot->sequence, memory_order_acquire);
        ns_desired_t copy = {.value = double_of(load(&slot->value)),
                             .epoch = load(&slot->epoch),
                             .write_count = before / 2};
        atomic_thread_fence(memory_order_acquire);
        if ((before & 1U) == 0 && load(&slot->sequence) == before) {
            *out = copy;
            return NS_OK;
        }
    }
    return NS_E_STALE;
}

ns_status_t ns_image_beat(const ns_image_t *image, uint64_t epoch) {
    if (image == NULL || !epoch_is_valid(epoch)) {
        return NS_E_ARG;
    }
    ns_word_t *word = &ns_image_header(image)->heartbeat;
    uint64_t counter = (load(word) + 1) & 0xFFFFFFFFU;
    atomic_store_explicit(word, epoch << 32 | counter, memory_order_release);
    return NS_OK;
}

uint64_t ns_image_heartbeat(const ns_image_t *image) {
    return atomic_load_explicit(&ns_image_header(image)->heartbeat, memory_order_acquire);
}

uint64_t ns_image_epoch(const ns_image_t *image) {
    uint64_t epoch = ns_image_heartbeat(image) >> 32;
    const ns_desired_slot_t *slots = ns_image_slots(image);
    for (uint32_t i = 0; i < image->writable_count; i++) {
        uint64_t of_slot = load(&slots[i].epoch);
        epoch = of_slot > epoch ? of_slot : epoch;
    }
    return epoch;
}

ns_status_t ns_image_request_rearm(const ns_image_t *image, uint32_t driver) {
    if (image == NULL || driver >= image->driver_count) {
        return NS_E_ARG;
    }
    atomic_fetch_add_explicit(&ns_image_rearms(image)[driver], 1, memory_order_release);
    return NS_OK;
}

uint64_t ns_image_rearm_count(const ns_image_t *image, uint32_t driver) {
    if (image == NULL || driver >= image->driver_count) {
        return 0;
    }
    return atomic_load_explicit(&ns_image_rearms(image)[driver], memory_order_acquire);
}

ns_status_t ns_image_health(const ns_image_t *image, uint32_t driver, ns_health_t *out) {
    if (image == NULL || out == NULL || driver >= image->driver_count) {
        return NS_E_ARG;
    }
    ns_driver_area_t *area = ns_image_area(image, driver);
    uint64_t words[NS_HEALTH_WORDS];
    for (size_t i = 0; i < NS_HEALTH_WORDS; i++) {
        words[i] = load(&area->health[i]);
    }
    memcpy(out, words, sizeof *out);
    return NS_OK;
}

ns_status_t ns_image_set_health(const ns_image_t *image, uint32_t driver,
                                const ns_health_t *health) {
    if (image == NULL || health == NULL || driver >= image->driver_count) {
        return NS_E_ARG;
    }
    ns_driver_area_t *area = ns_image_area(image, driver);
    uint64_t words[NS_HEALTH_WORDS];
    memcpy(words, health, sizeof words);
    for (size_t i = 0; i < NS_HEALTH_WORDS; i++) {
        store(&area->health[i], words[i]);
    }
    return NS_OK;
}

void ns_image_request_stop(const ns_image_t *image) {
    atomic_store_explicit(&ns_image_header(image)->stop, 1, memory_order_release);
}

bool ns_image_stop_is_requested(const ns_image_t *image) {
    return atomic_load_explicit(&ns_image_header(image)->stop, memory_order_acquire) != 0;
}
