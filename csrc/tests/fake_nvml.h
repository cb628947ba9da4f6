/**
 * @file fake_nvml.h
 * @brief What the tests set and see in the fake library; found there as the symbol `fake_nvml`.
 */
#ifndef NIGHTSIDE_TEST_FAKE_NVML_H
#define NIGHTSIDE_TEST_FAKE_NVML_H

#include <stdbool.h>

#include "device/nvml_abi.h"

#define FAKE_UUID "GPU-11111111-2222-3333-4444-555555555555"
#define FAKE_PCI "00000000:41:00.0"
#define FAKE_FIELDS_MAX 256
#define FAKE_EVENTS_MAX 32
#define FAKE_TRACE_MAX 64

/** Every function that the driver resolves, by its member's name. */
enum fake_function {
#define FAKE_ENUMERATOR(type, member, symbol, is_required) FAKE_##member,
    NS_NVML_FUNCTIONS(FAKE_ENUMERATOR)
#undef FAKE_ENUMERATOR
        FAKE_FUNCTION_COUNT
};

typedef struct fake_event {
    uint64_t type;
    uint64_t data;
} fake_event_t;

typedef struct fake_nvml {
    uint32_t returns[FAKE_FUNCTION_COUNT]; /**< answer of each function; 0: it works */
    uint32_t device_return; /**< of every call with a device, and of its look-up; 0: they work */
    uint32_t field_returns[FAKE_FIELDS_MAX]; /**< of each field, by its id */
    unsigned calls[FAKE_FUNCTION_COUNT];
    unsigned device_calls;     /**< of functions that take a device, the UUID's left out */
    int trace[FAKE_TRACE_MAX]; /**< enum fake_function of those, in order */

    uint32_t value_type; /**< of each field */
    int64_t latency_us;  /**< of each field */
    bool field_ids_are_mixed_up;
    bool value_is_nan;
    int32_t asked_count; /**< by the last batch */
    uint32_t asked[FAKE_FIELDS_MAX];

    uint32_t limit_mw;
    uint32_t enforced_mw_max;      /**< the enforced limit is at most this */
    uint32_t limit_reported_mw;    /**< 0: the true one */
    uint32_t enforced_reported_mw; /**< 0: the true one */
    uint32_t limit_mw_min;
    uint32_t limit_mw_max;
    uint32_t clock_max_mhz;
    uint32_t memory_clock_max_mhz;
    uint32_t persistence;
    bool is_drained;
    uint64_t memory_total;
    uint64_t memory_used;

    unsigned long long types_known; /**< events that the driver of this fake knows */
    unsigned long long types_registered;
    unsigned event_count;
    unsigned event_next;
    fake_event_t events[FAKE_EVENTS_MAX];

    int init_count;      /**< initialised minus shut down */
    int event_set_count; /**< created minus freed */
    unsigned generation; /**< of handles; those of an earlier one are dead */
    const char *uuid;
} fake_nvml_t;

#endif
