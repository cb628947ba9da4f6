/**
 * @file test_image_fixture.h
 * @brief One small image for the image tests: driver a with points 0 and 1, b with 2 and 3, c with
 *        none; points 1 and 3 are writable; a owns one rule on b's point 2.
 */
#ifndef NIGHTSIDE_TEST_IMAGE_FIXTURE_H
#define NIGHTSIDE_TEST_IMAGE_FIXTURE_H

#include <stdalign.h>
#include <string.h>

#include "check.h"
#include "nightside/device.h"
#include "nightside/image.h"

enum {
    POINT_COUNT = 4,
    DRIVER_COUNT = 3,
    WRITABLE_COUNT = 2,
    REQUEST_CAPACITY = 4,
    PER_CAUSE = 4,
    PAGE = 4096,
    MEMORY_SIZE = 16 * PAGE
};

static alignas(PAGE) unsigned char memory[MEMORY_SIZE];

static ns_point_t points[POINT_COUNT];
static ns_reflex_t reflexes[1];

static const ns_driver_entry_t drivers[DRIVER_COUNT] = {
    {.name = "a", .device_count = 2}, {.name = "b", .device_count = 1}, {.name = "c"}};

static inline ns_image_config_t config_of_fixture(void) {
    memset(points, 0, sizeof points);
    for (uint32_t i = 0; i < POINT_COUNT; i++) {
        points[i] = (ns_point_t){.name = "p", .driver = i / 2, .channel = i, .period_ns = 10};
        points[i].is_writable = i % 2;
        points[i].high = 1.0;
    }
    reflexes[0] = (ns_reflex_t){
        .point = 2, .action_point = 1, .threshold = 5.0, .max_age_ns = 100, .action_value = 0.5};
    return (ns_image_config_t){.points = points,
                               .drivers = drivers,
                               .reflexes = reflexes,
                               .point_count = POINT_COUNT,
                               .driver_count = DRIVER_COUNT,
                               .reflex_count = 1,
                               .request_capacity = REQUEST_CAPACITY,
                               .evidence_per_cause = PER_CAUSE};
}

static inline ns_image_t create_in(void *where, size_t size) {
    ns_image_config_t config = config_of_fixture();
    ns_image_t image;
    CHECK_STATUS(ns_image_create(where, size, &config, &image), NS_OK);
    return image;
}

static inline ns_image_t create(void) {
    return create_in(memory, sizeof memory);
}

typedef struct copy {
    double values[POINT_COUNT];
    int64_t time_ns[POINT_COUNT];
    int32_t status[POINT_COUNT];
    uint32_t flags[POINT_COUNT];
} copy_t;

static inline ns_samples_t samples_of(copy_t *copy) {
    return (ns_samples_t){.values = copy->values,
                          .time_ns = copy->time_ns,
                          .status = copy->status,
                          .flags = copy->flags};
}

static inline ns_status_t snapshot(const ns_image_t *image, copy_t *last, copy_t *out) {
    ns_samples_t kept = samples_of(last);
    return ns_image_snapshot(image, &kept, out->values, out->time_ns, out->status, out->flags);
}

/** Every word of a filling follows from one number, so that a torn one shows. */
static inline ns_status_t publish_number(const ns_image_t *image, uint32_t driver, int32_t number) {
    double values[2] = {number, number + 0.5};
    int64_t time_ns[2] = {number, 2LL * number};
    int32_t status[2] = {number, -number};
    uint32_t flags[2] = {(uint32_t)number, 7U * (uint32_t)number};
    ns_samples_t samples = {values, time_ns, status, flags};
    return ns_image_publish(image, driver, &samples);
}

/** The number of a driver's samples; -1 when they do not belong together. */
static inline int32_t number_of(const copy_t *copy, uint32_t first) {
    int32_t number = (int32_t)copy->time_ns[first];
    double value = number;
    bool is_whole = copy->values[first] >= value && copy->values[first] <= value &&
                    copy->values[first + 1] >= value + 0.5 &&
                    copy->values[first + 1] <= value + 0.5 &&
                    copy->time_ns[first + 1] == 2LL * number && copy->status[first] == number &&
                    copy->status[first + 1] == -number && copy->flags[first] == (uint32_t)number &&
                    copy->flags[first + 1] == 7U * (uint32_t)number;
    return is_whole ? number : -1;
}

static inline ns_request_t a_request(uint32_t device, int64_t deadline_ns) {
    return (ns_request_t){
        .kind = NS_REQUEST_CLEAR, .device = device, .epoch = 3, .deadline_ns = deadline_ns};
}

/** A record whose bytes follow from one number, so that it is no repeat of another. */
static inline ns_evidence_t evidence_of(uint32_t cause, uint32_t number) {
    ns_evidence_t record = {
        .time_ns = number, .cause = cause, .point = number, .value = number, .limit = 1.0};
    record.size = 4;
    memcpy(record.bytes, &number, sizeof number);
    return record;
}

#endif
