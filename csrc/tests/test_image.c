#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

#include "check.h"
#include "nightside/image.h"

#define POINT_COUNT 4
#define DRIVER_COUNT 3
#define MEMORY_SIZE 32768

static alignas(NS_IMAGE_ALIGNMENT) unsigned char memory[MEMORY_SIZE];

static const ns_driver_entry_t drivers[DRIVER_COUNT] = {
    {.name = "a", .device_count = 1}, {.name = "b", .device_count = 1}, {.name = "c"}};

/** Two points of a, two of b, none of c. */
static void fill_points(ns_point_t *points) {
    for (uint32_t i = 0; i < POINT_COUNT; i++) {
        points[i] = (ns_point_t){.name = "p", .driver = i / 2, .channel = i, .period_ns = 1};
        points[i].is_writable = i % 2;
        points[i].high = 1.0;
    }
}

static ns_image_t create(void) {
    ns_point_t points[POINT_COUNT];
    fill_points(points);
    ns_image_t image;
    CHECK_STATUS(
        ns_image_create(memory, sizeof memory, points, POINT_COUNT, drivers, DRIVER_COUNT, &image),
        NS_OK);
    return image;
}

typedef struct copy {
    double values[POINT_COUNT];
    int64_t time_ns[POINT_COUNT];
    int32_t status[POINT_COUNT];
    uint32_t flags[POINT_COUNT];
} copy_t;

static ns_samples_t samples_of(copy_t *copy) {
    return (ns_samples_t){.values = copy->values,
                          .time_ns = copy->time_ns,
                          .status = copy->status,
                          .flags = copy->flags};
}

static ns_status_t snapshot(const ns_image_t *image, copy_t *last, copy_t *out) {
    ns_samples_t kept = samples_of(last);
    return ns_image_snapshot(image, &kept, out->values, out->time_ns, out->status, out->flags);
}

static void a_new_image_was_never_sampled(void) {
    ns_image_t image = create();
    copy_t last;
    copy_t copy;
    ns_samples_t kept = samples_of(&last);
    ns_samples_clear(&kept, POINT_COUNT);
    CHECK_STATUS(snapshot(&image, &last, &copy), NS_OK);
    for (int i = 0; i < POINT_COUNT; i++) {
        CHECK(isnan(copy.values[i]) && copy.time_ns[i] == 0 && copy.flags[i] == 0);
        CHECK(copy.status[i] == NS_E_STALE);
    }
    CHECK(image.writable_count == 2 && ns_image_heartbeat(&image) == 0);
    CHECK(image.drivers[1].first_point == 2 && image.drivers[1].point_count == 2);
    CHECK(image.drivers[2].point_count == 0);
    CHECK(image.drivers[0].config_hash != image.drivers[1].config_hash);
}

static void what_is_published_is_what_is_read(void) {
    ns_image_t image = create();
    copy_t last;
    copy_t copy;
    for (int round = 0; round < 5; round++) {
        double values[2] = {1.5 + round, -2.5};
        int64_t time_ns[2] = {1000 + round, 2000};
        int32_t status[2] = {NS_OK, NS_E_NACK};
        uint32_t flags[2] = {0, 0xFFFFFFFFU};
        ns_samples_t samples = {values, time_ns, status, flags};
        CHECK_STATUS(ns_image_publish(&image, 1, &samples), NS_OK);
        CHECK_STATUS(snapshot(&image, &last, &copy), NS_OK);
        CHECK_EXACT(copy.values[2], 1.5 + round);
        CHECK_EXACT(copy.values[3], -2.5);
        CHECK(copy.time_ns[2] == 1000 + round && copy.status[3] == NS_E_NACK);
        CHECK(copy.flags[3] == 0xFFFFFFFFU && isnan(copy.values[0]));
    }
}

/** 128 frozen bytes: what a driver of another ABI can rely on. */
static void the_frozen_header_stays_where_it_is(void) {
    ns_image_t image = create();
    uint32_t word32 = 0;
    uint64_t word64 = 0;
    memcpy(&word32, memory, 4);
    CHECK(word32 == NS_IMAGE_MAGIC);
    memcpy(&word32, memory + 4, 4);
    CHECK(word32 == NS_IMAGE_ABI);
    CHECK(!ns_image_stop_is_requested(&image));
    ns_image_request_stop(&image);
    CHECK(ns_image_stop_is_requested(&image));
    memcpy(&word32, memory + 16, 4);
    CHECK(word32 == 1);
    CHECK_STATUS(ns_image_beat(&image, 7), NS_OK);
    CHECK_STATUS(ns_image_beat(&image, 7), NS_OK);
    memcpy(&word64, memory + 24, 8);
    CHECK(word64 == (7ULL << 32 | 2U) && word64 == ns_image_heartbeat(&image));
}

static void a_heartbeat_always_changes(void) {
    ns_image_t image = create();
    uint64_t word = 5ULL << 32 | 0xFFFFFFFFU; /* the counter wraps, the epoch does not move */
    memcpy(memory + 24, &word, 8);
    CHECK_STATUS(ns_image_beat(&image, 5), NS_OK);
    CHECK(ns_image_heartbeat(&image) == 5ULL << 32);
    CHECK_STATUS(ns_image_beat(&image, 0), NS_E_ARG);
    CHECK_STATUS(ns_image_beat(&image, 1ULL << 32), NS_E_ARG);
    CHECK_STATUS(ns_image_beat(NULL, 1), NS_E_ARG);
}

static void another_process_attaches_and_a_foreign_image_is_refused(void) {
    ns_image_t image = create();
    ns_image_t other;
    CHECK_STATUS(ns_image_attach(memory, sizeof memory, &other), NS_OK);
    CHECK(other.point_count == POINT_COUNT && other.points == image.points);
    CHECK_STATUS(ns_image_attach(memory, 100, &other), NS_E_LAYOUT);
    CHECK_STATUS(ns_image_attach(memory, 4096, &other), NS_E_LAYOUT);
    CHECK_STATUS(ns_image_attach(memory + 8, sizeof memory - 8, &other), NS_E_ARG);
    CHECK_STATUS(ns_image_attach(NULL, sizeof memory, &other), NS_E_ARG);
    CHECK_STATUS(ns_image_attach(memory, sizeof memory, NULL), NS_E_ARG);
    static const size_t spoilt[] = {0, 4, 8, 32, 40, 44, 48, 128, 400, 500};
    for (size_t i = 0; i < sizeof spoilt / sizeof spoilt[0]; i++) {
        (void)create();
        memory[spoilt[i]] ^= 0x40;
        CHECK_STATUS(ns_image_attach(memory, sizeof memory, &other), NS_E_LAYOUT);
    }
}

/**
 * The reader's own array is the generation word, so that each copy moves it: a writer that never
 * stops. The value in bank 0 is odd as a word and the one in bank 1 even: every try looks at the
 * other bank.
 */
static void a_reader_that_is_overtaken_keeps_its_last_copy(void) {
    ns_image_t image = create();
    copy_t last;
    copy_t copy;
    double odd = nextafter(10, 11);
    double values[2] = {10, 20};
    int64_t time_ns[2] = {1, 2};
    int32_t status[2] = {NS_OK, NS_OK};
    uint32_t flags[2] = {0, 1};
    ns_samples_t samples = {values, time_ns, status, flags};
    CHECK_STATUS(ns_image_publish(&image, 0, &samples), NS_OK);
    values[0] = odd;
    CHECK_STATUS(ns_image_publish(&image, 0, &samples), NS_OK);
    CHECK_STATUS(snapshot(&image, &last, &copy), NS_OK);
    ns_samples_t kept = samples_of(&last);
    double *generation = (double *)(void *)(memory + image.drivers[0].area_offset);
    CHECK_STATUS(
        ns_image_snapshot(&image, &kept, generation, copy.time_ns, copy.status, copy.flags),
        NS_E_STALE);
    CHECK(copy.status[0] == NS_E_STALE && copy.status[1] == NS_E_STALE);
    CHECK(copy.time_ns[0] == 1 && copy.time_ns[1] == 2 && copy.flags[1] == 1);
    CHECK_EXACT(generation[0], odd);
    CHECK_EXACT(last.values[1], 20.0);
}

static void desired_values_keep_what_is_left_alone(void) {
    ns_image_t image = create();
    ns_desired_t desired = {.value = 9};
    CHECK_STATUS(ns_image_read_desired(&image, 0, &desired), NS_OK);
    CHECK(desired.write_count == 0);
    double values[2] = {0.25, (double)NAN};
    CHECK_STATUS(ns_image_write_desired(&image, values, 2, 3), NS_OK);
    values[0] = (double)NAN;
    CHECK_STATUS(ns_image_write_desired(&image, values, 2, 4), NS_OK);
    CHECK_STATUS(ns_image_read_desired(&image, 0, &desired), NS_OK);
    CHECK(desired.write_count == 1 && desired.epoch == 3);
    CHECK_EXACT(desired.value, 0.25);
    CHECK_STATUS(ns_image_read_desired(&image, 1, &desired), NS_OK);
    CHECK(desired.write_count == 0);
    CHECK_STATUS(ns_image_read_desired(&image, 2, &desired), NS_E_ARG);
    CHECK_STATUS(ns_image_read_desired(&image, 0, NULL), NS_E_ARG);
    CHECK_STATUS(ns_image_read_desired(NULL, 0, &desired), NS_E_ARG);
    CHECK_STATUS(ns_image_write_desired(&image, values, 1, 4), NS_E_ARG);
    CHECK_STATUS(ns_image_write_desired(&image, values, 2, 0), NS_E_ARG);
    CHECK_STATUS(ns_image_write_desired(&image, values, 2, 1ULL << 32), NS_E_ARG);
    CHECK_STATUS(ns_image_write_desired(&image, NULL, 2, 4), NS_E_ARG);
    CHECK_STATUS(ns_image_write_desired(NULL, values, 2, 4), NS_E_ARG);
}

/** A daemon may have died between its slots and its beat: both count. */
static void the_newest_epoch_is_found_wherever_it_was_used(void) {
    ns_image_t image = create();
    CHECK(ns_image_epoch(&image) == 0);
    CHECK_STATUS(ns_image_beat(&image, 3), NS_OK);
    CHECK(ns_image_epoch(&image) == 3);
    double values[2] = {(double)NAN, 0.5};
    CHECK_STATUS(ns_image_write_desired(&image, values, 2, 4), NS_OK);
    CHECK(ns_image_epoch(&image) == 4);
}

static void requests_and_health_go_to_their_driver(void) {
    ns_image_t image = create();
    CHECK_STATUS(ns_image_request_rearm(&image, 1), NS_OK);
    CHECK(ns_image_rearm_count(&image, 1) == 1 && ns_image_rearm_count(&image, 0) == 0);
    CHECK_STATUS(ns_image_request_rearm(&image, 3), NS_E_ARG);
    CHECK_STATUS(ns_image_request_rearm(NULL, 0), NS_E_ARG);
    CHECK(ns_image_rearm_count(&image, 3) == 0 && ns_image_rearm_count(NULL, 0) == 0);
    ns_health_t health = {.poll_count = 5, .last_poll_ns = 77};
    ns_health_t back = {0};
    CHECK_STATUS(ns_image_set_health(&image, 2, &health), NS_OK);
    CHECK_STATUS(ns_image_health(&image, 2, &back), NS_OK);
    CHECK(back.poll_count == 5 && back.last_poll_ns == 77);
    CHECK_STATUS(ns_image_health(&image, 3, &back), NS_E_ARG);
    CHECK_STATUS(ns_image_health(&image, 0, NULL), NS_E_ARG);
    CHECK_STATUS(ns_image_health(NULL, 0, &back), NS_E_ARG);
    CHECK_STATUS(ns_image_set_health(&image, 3, &health), NS_E_ARG);
    CHECK_STATUS(ns_image_set_health(&image, 0, NULL), NS_E_ARG);
    CHECK_STATUS(ns_image_set_health(NULL, 0, &health), NS_E_ARG);
}

static void publishing_and_reading_check_their_arguments(void) {
    ns_image_t image = create();
    copy_t copy;
    ns_samples_t samples = samples_of(&copy);
    CHECK_STATUS(ns_image_publish(&image, 3, &samples), NS_E_ARG);
    CHECK_STATUS(ns_image_publish(&image, 0, NULL), NS_E_ARG);
    CHECK_STATUS(ns_image_publish(NULL, 0, &samples), NS_E_ARG);
    double *v = copy.values;
    int64_t *t = copy.time_ns;
    int32_t *s = copy.status;
    uint32_t *f = copy.flags;
    CHECK_STATUS(ns_image_snapshot(NULL, &samples, v, t, s, f), NS_E_ARG);
    CHECK_STATUS(ns_image_snapshot(&image, NULL, v, t, s, f), NS_E_ARG);
    CHECK_STATUS(ns_image_snapshot(&image, &samples, NULL, t, s, f), NS_E_ARG);
    CHECK_STATUS(ns_image_snapshot(&image, &samples, v, NULL, s, f), NS_E_ARG);
    CHECK_STATUS(ns_image_snapshot(&image, &samples, v, t, NULL, f), NS_E_ARG);
    CHECK_STATUS(ns_image_snapshot(&image, &samples, v, t, s, NULL), NS_E_ARG);
}

static ns_status_t create_from(const ns_point_t *points) {
    ns_image_t image;
    return ns_image_create(memory, sizeof memory, points, POINT_COUNT, drivers, DRIVER_COUNT,
                           &image);
}

static void a_row_that_cannot_be_is_refused(void) {
    ns_point_t points[POINT_COUNT];
#define REFUSED(index, field, wrong)                                                               \
    do {                                                                                           \
        fill_points(points);                                                                       \
        points[index].field = (wrong);                                                             \
        CHECK_STATUS(create_from(points), NS_E_ARG);                                               \
    } while (0)
    REFUSED(0, name[0], '\0');
    REFUSED(0, driver, 3U);
    REFUSED(0, driver, 1U); /* then point 1 is out of order */
    REFUSED(3, device, 1U);
    REFUSED(0, period_ns, 0);
    REFUSED(0, lease_ns, -1);
    REFUSED(0, is_writable, 2U);
    REFUSED(1, low, 2.0);
    REFUSED(1, low, (double)NAN);
    REFUSED(1, high, (double)NAN);
    REFUSED(1, tolerance, -1.0);
    REFUSED(1, ramp_per_s, -1.0);
    REFUSED(1, ramp_per_s, HUGE_VAL);
    fill_points(points);
    points[1].lease_ns = 5;
    points[1].safe = 2.0;
    CHECK_STATUS(create_from(points), NS_E_ARG);
    points[1].safe = (double)NAN; /* a lapse keeps what is applied */
    CHECK_STATUS(create_from(points), NS_OK);
    points[1].safe = 1.0;
    CHECK_STATUS(create_from(points), NS_OK);
    memset(points[2].name, 'x', sizeof points[2].name);
    CHECK_STATUS(create_from(points), NS_E_ARG);
}

static void creating_checks_its_arguments(void) {
    ns_point_t points[POINT_COUNT];
    fill_points(points);
    ns_image_t image;
    ns_driver_entry_t nameless[DRIVER_COUNT] = {{.name = "a", .device_count = 1}};
    const ns_driver_entry_t *d = drivers;
    size_t size = sizeof memory;
    CHECK_STATUS(ns_image_create(NULL, size, points, 4, d, 3, &image), NS_E_ARG);
    CHECK_STATUS(ns_image_create(memory + 4, size - 4, points, 4, d, 3, &image), NS_E_ARG);
    CHECK_STATUS(ns_image_create(memory, size, NULL, 4, d, 3, &image), NS_E_ARG);
    CHECK_STATUS(ns_image_create(memory, size, points, 4, NULL, 3, &image), NS_E_ARG);
    CHECK_STATUS(ns_image_create(memory, size, points, 4, d, 3, NULL), NS_E_ARG);
    CHECK_STATUS(ns_image_create(memory, size, points, 0, d, 3, &image), NS_E_ARG);
    CHECK_STATUS(ns_image_create(memory, size, points, 4097, d, 3, &image), NS_E_ARG);
    CHECK_STATUS(ns_image_create(memory, size, points, 4, d, 65, &image), NS_E_ARG);
    CHECK_STATUS(ns_image_create(memory, size, points, 4, nameless, 3, &image), NS_E_ARG);
    size_t needed = ns_image_size(4, 3, 2);
    CHECK(needed > 0 && needed <= size);
    CHECK_STATUS(ns_image_create(memory, needed - 1, points, 4, d, 3, &image), NS_E_FULL);
    CHECK_STATUS(ns_image_create(memory, needed, points, 4, d, 3, &image), NS_OK);
    CHECK(ns_image_size(0, 1, 0) == 0 && ns_image_size(1, 0, 0) == 0);
    CHECK(ns_image_size(4097, 1, 0) == 0 && ns_image_size(1, 65, 0) == 0);
    CHECK(ns_image_size(4, 3, 5) == 0);
}

int main(void) {
    a_new_image_was_never_sampled();
    what_is_published_is_what_is_read();
    the_frozen_header_stays_where_it_is();
    a_heartbeat_always_changes();
    another_process_attaches_and_a_foreign_image_is_refused();
    a_reader_that_is_overtaken_keeps_its_last_copy();
    desired_values_keep_what_is_left_alone();
    the_newest_epoch_is_found_wherever_it_was_used();
    requests_and_health_go_to_their_driver();
    publishing_and_reading_check_their_arguments();
    a_row_that_cannot_be_is_refused();
    creating_checks_its_arguments();
    return 0;
}
