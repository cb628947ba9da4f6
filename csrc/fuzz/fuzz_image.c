/* An image as it is found on disk: a whole one with bytes changed and its end cut off. Attaching
 * either refuses it or gives an image that can be read without leaving it. The memory is of exactly
 * that size, so that the sanitizer sees a step beyond. Then rows of any content: what can be laid
 * out can be attached.
 *
 * Input: changes of the rows, how many bytes are cut off (u16), changes of the image. Changes are
 * offset (u16), size (u8), that many bytes; size 0 ends them. */
#define _POSIX_C_SOURCE 200809L
#include "fuzz.h"
#include "nightside/image.h"

enum { POINTS = 3, DRIVERS = 2, REFLEXES = 1 };

/** All rows in one block, to be changed as bytes. */
typedef struct rows {
    ns_point_t points[POINTS];
    ns_driver_entry_t drivers[DRIVERS];
    ns_reflex_t reflexes[REFLEXES];
} rows_t;

static const rows_t good_rows = {
    .points = {{.name = "a.temp_c", .driver = 0, .period_ns = 1},
               {.name = "a.cap_w", .driver = 0, .is_writable = 1, .period_ns = 1, .high = 700.0},
               {.name = "b.enable", .driver = 1, .is_writable = 1, .period_ns = 1, .high = 1.0}},
    .drivers = {{.name = "a", .device_count = 1}, {.name = "b", .device_count = 1}},
    .reflexes = {{.point = 0, .action_point = 1, .threshold = 85.0, .action_value = 200.0}}};

static ns_image_config_t config_of(const rows_t *rows) {
    return (ns_image_config_t){.points = rows->points,
                               .drivers = rows->drivers,
                               .reflexes = rows->reflexes,
                               .point_count = POINTS,
                               .driver_count = DRIVERS,
                               .reflex_count = REFLEXES,
                               .request_capacity = 2,
                               .evidence_per_cause = 2};
}

static size_t size_for(const rows_t *rows) {
    ns_image_config_t config = config_of(rows);
    return ns_image_size(&config);
}

static ns_status_t lay_out(void *memory, size_t size, const rows_t *rows, ns_image_t *out) {
    ns_image_config_t config = config_of(rows);
    return ns_image_create(memory, size, &config, out);
}

static void change(fuzz_input_t *input, void *memory, size_t size) {
    while (input->size > 0) {
        size_t offset = take_u16(input) % size;
        size_t count = take_u8(input) % 17U;
        if (count == 0) {
            return;
        }
        take_bytes(input, (unsigned char *)memory + offset,
                   count < size - offset ? count : size - offset);
    }
}

static void *aligned(size_t size) {
    void *memory = NULL;
    CLAIM(size > 0 && posix_memalign(&memory, NS_IMAGE_ALIGNMENT, size) == 0);
    return memory;
}

static void read_driver(const ns_image_t *image, uint32_t driver) {
    static ns_evidence_t records[4];
    ns_bus_statistics_t statistics;
    uint32_t count = 0;
    uint64_t lost = 0;
    uint64_t losses[NS_CAUSE_COUNT];
    int32_t finished = 0;
    CLAIM(ns_image_statistics(image, driver, &statistics) == NS_OK);
    CLAIM(ns_image_read_evidence(image, driver, 0, records, 4, &count, &lost) == NS_OK);
    CLAIM(count <= 4);
    for (uint32_t i = 0; i < count; i++) {
        CLAIM(records[i].size <= sizeof records[i].bytes);
    }
    CLAIM(ns_image_evidence_losses(image, driver, losses) == NS_OK);
    (void)ns_image_durable(image, driver);
    for (uint64_t ticket = 0; ticket < 4; ticket++) {
        (void)ns_image_request_status(image, driver, ticket, &finished);
    }
}

static void read_all(const ns_image_t *image) {
    static double values[NS_IMAGE_POINTS_MAX], last_values[NS_IMAGE_POINTS_MAX];
    static int64_t times[NS_IMAGE_POINTS_MAX], last_times[NS_IMAGE_POINTS_MAX];
    static int32_t status[NS_IMAGE_POINTS_MAX], last_status[NS_IMAGE_POINTS_MAX];
    static uint32_t flags[NS_IMAGE_POINTS_MAX], last_flags[NS_IMAGE_POINTS_MAX];
    CLAIM(image->point_count <= NS_IMAGE_POINTS_MAX && image->driver_count <= NS_IMAGE_DRIVERS_MAX);
    ns_samples_t last = {last_values, last_times, last_status, last_flags};
    ns_samples_clear(&last, image->point_count);
    (void)ns_image_snapshot(image, &last, values, times, status, flags);
    for (uint32_t i = 0; i < image->point_count; i++) {
        ns_sample_t sample;
        (void)ns_image_read_sample(image, i, &sample);
    }
    for (uint32_t i = 0; i < image->writable_count; i++) {
        ns_desired_t desired;
        (void)ns_image_read_desired(image, i, &desired);
    }
    for (uint32_t i = 0; i < image->driver_count; i++) {
        ns_health_t health;
        CLAIM(ns_image_health(image, i, &health) == NS_OK);
        read_driver(image, i);
    }
    (void)ns_image_epoch(image);
    (void)ns_image_stop_is_requested(image);
}

/** The first bytes of a whole image, changed: refused, or readable. */
static void check_damaged(fuzz_input_t *input, const void *whole, size_t whole_size) {
    size_t size = whole_size - take_u16(input) % whole_size;
    void *memory = aligned(size);
    memcpy(memory, whole, size);
    change(input, memory, size);
    ns_image_t image;
    ns_status_t status = ns_image_attach(memory, size, &image);
    CLAIM(status == NS_OK || status == NS_E_LAYOUT);
    if (status == NS_OK) {
        read_all(&image);
    }
    free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fuzz_input_t input = {.bytes = bytes, .size = size};
    rows_t rows = good_rows;
    change(&input, &rows, sizeof rows);
    size_t room = size_for(&rows);
    if (room == 0) {
        return 0;
    }
    void *whole = aligned(room);
    ns_image_t image;
    ns_status_t status = lay_out(whole, room, &rows, &image);
    CLAIM(status == NS_OK || status == NS_E_ARG);
    if (status == NS_OK) {
        ns_image_t attached;
        CLAIM(ns_image_attach(whole, room, &attached) == NS_OK);
        read_all(&attached);
        check_damaged(&input, whole, room);
    }
    free(whole);
    return 0;
}
