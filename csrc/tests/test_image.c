#include "test_image_fixture.h"

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
    CHECK(image.drivers[0].reflex_count == 1 && image.drivers[1].first_reflex == 1);
    CHECK(image.reflexes[0].point == 2 && image.reflex_count == 1);
    CHECK(image.request_capacity == REQUEST_CAPACITY && image.evidence_per_cause == PER_CAUSE);
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

static void health_and_statistics_go_to_their_driver(void) {
    ns_image_t image = create();
    ns_health_t health = {.poll_count = 5, .last_poll_ns = 77};
    ns_health_t back = {0};
    CHECK_STATUS(ns_image_set_health(&image, 2, &health), NS_OK);
    CHECK_STATUS(ns_image_health(&image, 2, &back), NS_OK);
    CHECK(back.poll_count == 5 && back.last_poll_ns == 77);
    CHECK_STATUS(ns_image_health(&image, 1, &back), NS_OK);
    CHECK(back.poll_count == 0 && back.last_poll_ns == 0);
    ns_bus_statistics_t statistics = {.transfer_count = 9, .p50_ns = -1, .overrun_count = 3};
    ns_bus_statistics_t told = {0};
    CHECK_STATUS(ns_image_set_statistics(&image, 1, &statistics), NS_OK);
    CHECK_STATUS(ns_image_statistics(&image, 1, &told), NS_OK);
    CHECK(memcmp(&statistics, &told, sizeof told) == 0);
    CHECK_STATUS(ns_image_statistics(&image, 0, &told), NS_OK);
    CHECK(told.transfer_count == 0 && told.overrun_count == 0);
    CHECK_STATUS(ns_image_health(&image, 3, &back), NS_E_ARG);
    CHECK_STATUS(ns_image_health(&image, 0, NULL), NS_E_ARG);
    CHECK_STATUS(ns_image_health(NULL, 0, &back), NS_E_ARG);
    CHECK_STATUS(ns_image_set_health(&image, 3, &health), NS_E_ARG);
    CHECK_STATUS(ns_image_set_health(&image, 0, NULL), NS_E_ARG);
    CHECK_STATUS(ns_image_statistics(&image, 3, &told), NS_E_ARG);
    CHECK_STATUS(ns_image_statistics(&image, 0, NULL), NS_E_ARG);
    CHECK_STATUS(ns_image_set_statistics(NULL, 0, &statistics), NS_E_ARG);
    CHECK_STATUS(ns_image_set_statistics(&image, 0, NULL), NS_E_ARG);
}

static void one_sample_is_read_across_drivers(void) {
    ns_image_t image = create();
    ns_sample_t sample;
    CHECK_STATUS(ns_image_read_sample(&image, 3, &sample), NS_OK);
    CHECK(isnan(sample.value) && sample.time_ns == 0 && sample.status == NS_E_STALE);
    for (int32_t number = 1; number < 4; number++) {
        CHECK_STATUS(publish_number(&image, 1, number), NS_OK);
        CHECK_STATUS(ns_image_read_sample(&image, 3, &sample), NS_OK);
        CHECK_EXACT(sample.value, number + 0.5);
        CHECK(sample.time_ns == 2LL * number && sample.status == -number);
        CHECK(sample.flags == 7U * (uint32_t)number);
    }
    CHECK_STATUS(ns_image_read_sample(&image, 4, &sample), NS_E_ARG);
    CHECK_STATUS(ns_image_read_sample(&image, 0, NULL), NS_E_ARG);
    CHECK_STATUS(ns_image_read_sample(NULL, 0, &sample), NS_E_ARG);
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

int main(void) {
    a_new_image_was_never_sampled();
    what_is_published_is_what_is_read();
    the_frozen_header_stays_where_it_is();
    a_heartbeat_always_changes();
    another_process_attaches_and_a_foreign_image_is_refused();
    desired_values_keep_what_is_left_alone();
    the_newest_epoch_is_found_wherever_it_was_used();
    health_and_statistics_go_to_their_driver();
    one_sample_is_read_across_drivers();
    publishing_and_reading_check_their_arguments();
    return 0;
}
