/* A driver that is opened again over the same image, as after the death of its process. */
#include <string.h>

#include "bench.h"
#include "check.h"

#define ENABLED(bench) ((bench)->devices[0].value[2])

static bench_t *bench_wanting(int64_t abandon_ns) {
    ns_point_t points[POINT_COUNT];
    memcpy(points, bench_points, sizeof points);
    points[ENABLE].abandon_ns = abandon_ns; /* abandon_value stays 0 */
    bench_t *bench = bench_open_points(points);
    for (int i = 0; i < 40; i++) {
        bench_cycle(bench, 500, 1, 3000);
    }
    CHECK_EXACT(ENABLED(bench), 1);
    return bench;
}

static void silence_is_counted_from_opening_where_no_beat_was_seen(void) {
    bench_t *bench = bench_wanting(10000 * MS);
    bench_reopen(bench);
    for (int i = 0; i < 100; i++) {
        bench_alone(bench, CYCLE);
        CHECK_EXACT(ENABLED(bench), 1);
    }
    CHECK((bench->flags[ENABLE] & NS_FLAG_ABANDONED) == 0);
    bench_alone(bench, CYCLE);
    CHECK_EXACT(ENABLED(bench), 0);
    bench_alone(bench, CYCLE);
    CHECK((bench->flags[ENABLE] & NS_FLAG_ABANDONED) != 0);
    CHECK(bench_count(bench, NS_CAUSE_ABANDONMENT) == 1);
}

static void what_was_abandoned_stays_so_until_its_value_is_asked_for(void) {
    bench_t *bench = bench_wanting(10000 * MS);
    for (int i = 0; i < 110; i++) {
        bench_alone(bench, CYCLE);
    }
    CHECK_EXACT(ENABLED(bench), 0);
    for (int times = 0; times < 2; times++) { /* and again */
        bench_reopen(bench);
        for (int i = 0; i < 30; i++) {
            bench_alone(bench, CYCLE);
            CHECK_EXACT(ENABLED(bench), 0);
        }
    }
    ENABLED(bench) = 1; /* it is held, too */
    bench_alone(bench, CYCLE);
    bench_alone(bench, CYCLE);
    bench_alone(bench, CYCLE);
    CHECK_EXACT(ENABLED(bench), 0);
    bench->epoch = 2;
    for (int i = 0; i < 5; i++) {
        bench_cycle(bench, 500, i < 2 ? LEFT_ALONE : 1, 3000);
        CHECK_EXACT(ENABLED(bench), 0);
    }
    bench_cycle(bench, 500, 0, 3000);
    bench_cycle(bench, 500, 1, 3000);
    CHECK_EXACT(ENABLED(bench), 1);
    bench_alone(bench, CYCLE);
    CHECK((bench->flags[ENABLE] & NS_FLAG_ABANDONED) == 0);
}

static void the_slot_of_a_dead_daemon_is_not_taken(void) {
    bench_t *bench = bench_wanting(0);
    bench_reopen(bench);
    ENABLED(bench) = 0; /* opened meanwhile, by whomever */
    bench->devices[0].write_count = 0;
    for (int i = 0; i < 50; i++) {
        bench_alone(bench, CYCLE);
    }
    CHECK_EXACT(ENABLED(bench), 0);
    CHECK(bench->devices[0].write_count == 1); /* the cap's safe value */
}

static void the_slots_of_a_living_daemon_are_taken_at_its_first_beat(void) {
    bench_t *bench = bench_wanting(0);
    bench_reopen(bench);
    ENABLED(bench) = 0;
    bench_alone(bench, CYCLE);
    bench_cycle(bench, LEFT_ALONE, LEFT_ALONE, LEFT_ALONE);
    CHECK_EXACT(ENABLED(bench), 1);
    CHECK_EXACT(bench->devices[1].value[1], 3000);
}

static void a_slot_older_than_the_first_beat_is_not_taken(void) {
    bench_t *bench = bench_wanting(0);
    bench_reopen(bench);
    ENABLED(bench) = 0;
    bench->epoch = 2;
    for (int i = 0; i < 5; i++) {
        bench_cycle(bench, LEFT_ALONE, LEFT_ALONE, LEFT_ALONE);
        CHECK_EXACT(ENABLED(bench), 0);
    }
    bench_cycle(bench, LEFT_ALONE, 1, LEFT_ALONE); /* the same, but new */
    CHECK_EXACT(ENABLED(bench), 1);
}

static void what_is_written_after_opening_needs_no_beat(void) {
    bench_t *bench = bench_wanting(0);
    bench_reopen(bench);
    double desired[WRITABLE_COUNT] = {LEFT_ALONE, 0, LEFT_ALONE};
    CHECK_STATUS(ns_image_write_desired(&bench->image, desired, WRITABLE_COUNT, 1), NS_OK);
    bench_alone(bench, CYCLE);
    CHECK_EXACT(ENABLED(bench), 0); /* not leased */
}

static void a_latched_reflex_stays_latched_until_it_is_rearmed(void) {
    bench_t *bench = bench_wanting(0);
    bench->devices[0].value[0] = 96;
    for (int i = 0; i < 5; i++) {
        bench_cycle(bench, 500, 1, 3000);
    }
    CHECK_EXACT(ENABLED(bench), 0);
    bench->devices[0].value[0] = 60;
    for (int times = 0; times < 2; times++) {
        bench_reopen(bench);
        for (int i = 0; i < 20; i++) {
            bench_cycle(bench, 500, 1, 3000);
            CHECK_EXACT(ENABLED(bench), 0);
            CHECK_EXACT(bench->devices[0].value[1], 200);
            CHECK((bench->flags[ENABLE] & NS_FLAG_REFLEX) != 0);
        }
    }
    CHECK(bench_health(bench).reflex_trip_count == 0); /* none of this driver's */
    CHECK_STATUS(ns_image_request_rearm(&bench->image, 0), NS_OK);
    bench_cycle(bench, 500, 1, 3000);
    CHECK_EXACT(ENABLED(bench), 1);
    bench_cycle(bench, 500, 1, 3000);
    CHECK_NEAR(bench->devices[0].value[1], 210);
}

static void only_points_that_were_held_are_latched(void) {
    bench_t *bench = bench_wanting(0);
    bench->devices[0].value[0] = 88; /* the cap's rule alone */
    for (int i = 0; i < 5; i++) {
        bench_cycle(bench, 500, 1, 3000);
    }
    bench_reopen(bench);
    for (int i = 0; i < 5; i++) {
        bench_cycle(bench, 500, 1, 3000);
    }
    CHECK((bench->flags[CAP] & NS_FLAG_REFLEX) != 0);
    CHECK((bench->flags[ENABLE] & NS_FLAG_REFLEX) == 0);
    CHECK_EXACT(ENABLED(bench), 1);
}

static void a_rearm_waits_for_the_new_drivers_own_sample(void) {
    bench_t *bench = bench_wanting(0);
    bench->devices[0].value[0] = 88;
    for (int i = 0; i < 5; i++) {
        bench_cycle(bench, 500, 1, 3000);
    }
    bench_reopen(bench);
    bench->devices[0].read_status[0] = NS_E_IO; /* never read by this one */
    CHECK_STATUS(ns_image_request_rearm(&bench->image, 0), NS_OK);
    bench_cycle(bench, 500, 1, 3000);
    bench_cycle(bench, 500, 1, 3000);
    CHECK((bench->flags[CAP] & NS_FLAG_REFLEX) != 0);
}

static void a_lapse_goes_on_until_a_newer_epoch(void) {
    bench_t *bench = bench_wanting(0);
    for (int i = 0; i < 20; i++) {
        bench_alone(bench, CYCLE);
    }
    CHECK((bench->flags[CAP] & NS_FLAG_LAPSED) != 0);
    bench_reopen(bench);
    for (int i = 0; i < 20; i++) {
        bench_cycle(bench, 500, 1, 3000);
        CHECK_EXACT(bench->devices[0].value[1], 200);
        CHECK((bench->flags[CAP] & NS_FLAG_LAPSED) != 0);
    }
    CHECK(bench_health(bench).lapse_count == 0);
    bench->epoch = 2;
    bench_cycle(bench, 500, 1, 3000);
    bench_cycle(bench, 500, 1, 3000);
    CHECK_NEAR(bench->devices[0].value[1], 210);
}

/** A lapse ends with an epoch newer than all that were seen before, in slots or in beats. */
static void the_epoch_of_a_lapse_is_the_newest_that_was_used(void) {
    bench_t *bench = bench_wanting(0);
    for (int i = 0; i < 20; i++) {
        bench_alone(bench, CYCLE);
    }
    double desired[WRITABLE_COUNT] = {500, 1, LEFT_ALONE};
    CHECK_STATUS(ns_image_write_desired(&bench->image, desired, WRITABLE_COUNT, 5), NS_OK);
    CHECK_STATUS(ns_image_beat(&bench->image, 4), NS_OK);
    bench_reopen(bench);
    bench->epoch = 5;
    for (int i = 0; i < 5; i++) {
        bench_cycle(bench, 500, 1, 3000);
        CHECK_EXACT(bench->devices[0].value[1], 200);
    }
    CHECK_EXACT(bench->devices[1].value[1], 3000); /* its slot was older */
}

static void marks_that_cannot_be_are_not_believed(void) {
    bench_t *bench = bench_wanting(0);
    double values[POINT_COUNT] = {0};
    int64_t time_ns[POINT_COUNT] = {0};
    int32_t status[POINT_COUNT] = {0};
    uint32_t flags[POINT_COUNT] = {0};
    flags[ENABLE] = NS_FLAG_LAPSED | NS_FLAG_ABANDONED; /* neither leased nor abandoned ever */
    flags[TARGET] = NS_FLAG_REFLEX;                     /* no rule acts on it */
    flags[TEMP] = UINT32_MAX;
    ns_samples_t samples = {values, time_ns, status, flags};
    CHECK_STATUS(ns_image_publish(&bench->image, 0, &samples), NS_OK);
    bench_reopen(bench);
    for (int i = 0; i < 60; i++) {
        bench_cycle(bench, 500, 1, 3000);
    }
    CHECK_EXACT(bench->devices[1].value[1], 3000);
    CHECK_EXACT(bench->devices[0].value[1], 500);
    CHECK_EXACT(ENABLED(bench), 1);
    for (int i = 0; i < POINT_COUNT; i++) {
        CHECK(bench->flags[i] == 0);
    }
}

int main(void) {
    silence_is_counted_from_opening_where_no_beat_was_seen();
    what_was_abandoned_stays_so_until_its_value_is_asked_for();
    the_slot_of_a_dead_daemon_is_not_taken();
    the_slots_of_a_living_daemon_are_taken_at_its_first_beat();
    a_slot_older_than_the_first_beat_is_not_taken();
    what_is_written_after_opening_needs_no_beat();
    a_latched_reflex_stays_latched_until_it_is_rearmed();
    only_points_that_were_held_are_latched();
    a_rearm_waits_for_the_new_drivers_own_sample();
    a_lapse_goes_on_until_a_newer_epoch();
    the_epoch_of_a_lapse_is_the_newest_that_was_used();
    marks_that_cannot_be_are_not_believed();
    return 0;
}
