#include <math.h>
#include <string.h>

#include "bench.h"
#include "check.h"

static double cap(const bench_t *bench) {
    return bench->devices[0].value[1];
}

static double target(const bench_t *bench) {
    return bench->devices[1].value[1];
}

/** Up to the granted values, with a daemon of epoch 1 that beats each cycle. */
static bench_t *bench_held(void) {
    bench_t *bench = bench_open();
    for (int i = 0; i < 60; i++) {
        bench_cycle(bench, 500, 1, 3000);
    }
    CHECK_EXACT(cap(bench), 500);
    CHECK_EXACT(target(bench), 3000);
    return bench;
}

static void a_driver_starts_safe_and_leaves_the_rest_alone(void) {
    bench_t *bench = bench_open();
    bench->devices[0].value[2] = 1.0;
    bench_alone(bench, CYCLE);
    CHECK_EXACT(cap(bench), 200);
    CHECK_EXACT(target(bench), 5000);
    CHECK_EXACT(bench->devices[0].value[2], 1.0);
    bench_alone(bench, CYCLE);
    CHECK(bench->flags[CAP] == 0 && bench_health(bench).lapse_count == 0);
}

static void a_beat_without_a_slot_keeps_it_safe(void) {
    bench_t *bench = bench_open();
    for (int i = 0; i < 5; i++) {
        bench_cycle(bench, LEFT_ALONE, LEFT_ALONE, LEFT_ALONE);
    }
    CHECK_EXACT(cap(bench), 200);
}

static void a_slot_without_a_beat_keeps_it_safe(void) {
    bench_t *bench = bench_open();
    double desired[WRITABLE_COUNT] = {500, 1, 3000};
    CHECK_STATUS(ns_image_write_desired(&bench->image, desired, WRITABLE_COUNT, 1), NS_OK);
    bench_alone(bench, CYCLE);
    CHECK_EXACT(cap(bench), 200);
    CHECK_EXACT(bench->devices[0].value[2], 1.0); /* not leased: it needs no beat */
}

static void a_heartbeat_found_at_opening_is_no_beat(void) {
    bench_t *bench = bench_held();
    bench_reopen(bench);
    bench_alone(bench, CYCLE);
    CHECK_EXACT(cap(bench), 200); /* the slot is old news until the daemon is seen to live */
    bench_cycle(bench, LEFT_ALONE, LEFT_ALONE, LEFT_ALONE);
    bench_cycle(bench, LEFT_ALONE, LEFT_ALONE, LEFT_ALONE);
    CHECK_NEAR(cap(bench), 210); /* and then it ramps */
}

static void leaving_the_safe_value_ramps(void) {
    bench_t *bench = bench_open();
    bench_cycle(bench, 500, 1, 3000);
    CHECK_EXACT(cap(bench), 200);
    CHECK_EXACT(target(bench), 3000); /* no slope: a step */
    for (int i = 1; i <= 30; i++) {
        bench_cycle(bench, 500, 1, 3000);
        CHECK_NEAR(cap(bench), 200.0 + 10.0 * i); /* 100 W/s */
    }
    bench_cycle(bench, 690, 1, 3000);
    CHECK_EXACT(cap(bench), 690); /* the ramp is over: later steps are the daemon's */
}

static void a_ramp_goes_down_as_well(void) {
    bench_t *bench = bench_open();
    for (int i = 0; i < 6; i++) {
        bench_cycle(bench, 100, 1, 3000);
    }
    CHECK_NEAR(cap(bench), 150);
}

static void a_silent_daemon_lapses_at_the_lease_and_not_before(void) {
    bench_t *bench = bench_held();
    int64_t last_beat_ns = bench->now_ns - CYCLE;
    while (bench->now_ns - last_beat_ns < 1500 * MS) {
        bench_alone(bench, CYCLE);
        CHECK_EXACT(cap(bench), 500);
        CHECK((bench->flags[CAP] & NS_FLAG_LAPSED) == 0);
    }
    bench_alone(bench, CYCLE);
    CHECK_EXACT(cap(bench), 200);
    CHECK_EXACT(target(bench), 5000);
    CHECK_EXACT(bench->devices[0].value[2], 1.0); /* not leased: it stays */
    CHECK((bench->flags[CAP] & NS_FLAG_LAPSED) != 0 &&
          (bench->flags[TARGET] & NS_FLAG_LAPSED) != 0);
    CHECK((bench->flags[ENABLE] & NS_FLAG_LAPSED) == 0);
    CHECK(bench_health(bench).lapse_count == 2);
}

static bench_t *bench_lapsed(void) {
    bench_t *bench = bench_held();
    for (int i = 0; i < 16; i++) {
        bench_alone(bench, CYCLE);
    }
    CHECK((bench->flags[CAP] & NS_FLAG_LAPSED) != 0);
    return bench;
}

static void the_same_epoch_never_ends_a_lapse(void) {
    bench_t *bench = bench_lapsed();
    for (int i = 0; i < 50; i++) {
        bench_cycle(bench, 500, 1, 3000);
        CHECK_EXACT(cap(bench), 200);
    }
    CHECK((bench->flags[CAP] & NS_FLAG_LAPSED) != 0);
}

static void a_newer_epoch_ends_a_lapse_with_a_ramp(void) {
    bench_t *bench = bench_lapsed();
    bench->epoch = 2;
    bench_cycle(bench, 500, 1, 3000);
    CHECK_EXACT(cap(bench), 200);
    bench_cycle(bench, 500, 1, 3000);
    CHECK_NEAR(cap(bench), 210);
    CHECK((bench->flags[CAP] & NS_FLAG_LAPSED) == 0);
    CHECK_EXACT(target(bench), 3000);
}

/** A late cycle takes a new epoch, writes nothing, and beats. */
static void a_newer_epoch_ends_only_the_points_it_writes(void) {
    bench_t *bench = bench_lapsed();
    bench->epoch = 2;
    bench_cycle(bench, LEFT_ALONE, LEFT_ALONE, LEFT_ALONE);
    bench_cycle(bench, LEFT_ALONE, LEFT_ALONE, 3000);
    bench_cycle(bench, LEFT_ALONE, LEFT_ALONE, 3000);
    CHECK_EXACT(cap(bench), 200);
    CHECK_EXACT(target(bench), 3000);
    CHECK((bench->flags[CAP] & NS_FLAG_LAPSED) != 0 &&
          (bench->flags[TARGET] & NS_FLAG_LAPSED) == 0);
}

static void a_slot_older_than_the_heartbeat_lapses_at_once(void) {
    bench_t *bench = bench_held();
    bench->epoch = 2;
    bench_cycle(bench, LEFT_ALONE, LEFT_ALONE, LEFT_ALONE);
    CHECK_EXACT(cap(bench), 200);
    bench_cycle(bench, 500, 1, 3000); /* of epoch 2: newer than the slot that lapsed */
    bench_cycle(bench, 500, 1, 3000);
    CHECK_NEAR(cap(bench), 210);
}

static void a_newer_epoch_without_a_heartbeat_ends_nothing(void) {
    bench_t *bench = bench_lapsed();
    double desired[WRITABLE_COUNT] = {500, 1, 3000};
    CHECK_STATUS(ns_image_write_desired(&bench->image, desired, WRITABLE_COUNT, 2), NS_OK);
    for (int i = 0; i < 20; i++) {
        bench_alone(bench, CYCLE);
    }
    CHECK_EXACT(cap(bench), 200);
    bench->epoch = 2;
    bench_cycle(bench, LEFT_ALONE, LEFT_ALONE, LEFT_ALONE); /* the heart beats: the write counts */
    bench_cycle(bench, LEFT_ALONE, LEFT_ALONE, LEFT_ALONE);
    CHECK_NEAR(cap(bench), 210);
}

/** The daemon took epoch 2, beat without writing, and fell silent: epoch 2 is spent. */
static void silence_after_a_lapse_spends_the_epoch_of_the_heartbeat(void) {
    bench_t *bench = bench_lapsed();
    bench->epoch = 2;
    bench_cycle(bench, LEFT_ALONE, LEFT_ALONE, LEFT_ALONE);
    for (int i = 0; i < 16; i++) {
        bench_alone(bench, CYCLE);
    }
    bench_cycle(bench, 500, 1, 3000);
    bench_cycle(bench, 500, 1, 3000);
    CHECK_EXACT(cap(bench), 200);
    bench->epoch = 3;
    bench_cycle(bench, 500, 1, 3000);
    bench_cycle(bench, 500, 1, 3000);
    CHECK_NEAR(cap(bench), 210);
}

static void a_takeover_with_a_newer_epoch_in_time_keeps_the_caps(void) {
    bench_t *bench = bench_held();
    for (int i = 0; i < 10; i++) {
        bench_alone(bench, CYCLE);
    }
    bench->epoch = 2;
    bench_cycle(bench, 500, 1, 3000);
    bench_cycle(bench, 500, 1, 3000);
    CHECK_EXACT(cap(bench), 500);
    CHECK(bench_health(bench).lapse_count == 0);
}

static void a_refused_value_does_not_end_at_the_old_one(void) {
    bench_t *bench = bench_lapsed();
    double desired[WRITABLE_COUNT] = {9000, 1, 3000};
    CHECK_STATUS(ns_image_write_desired(&bench->image, desired, WRITABLE_COUNT, 2), NS_OK);
    CHECK_STATUS(ns_image_beat(&bench->image, 2), NS_OK);
    CHECK_STATUS(ns_driver_step(bench->driver, bench->now_ns), NS_E_REFUSED);
    bench->now_ns += CYCLE;
    bench->epoch = 2;
    for (int i = 0; i < 10; i++) {
        bench_cycle(bench, LEFT_ALONE, LEFT_ALONE, LEFT_ALONE);
        CHECK_EXACT(cap(bench), 200);
    }
    CHECK((bench->flags[CAP] & NS_FLAG_REFUSED) != 0);
    bench_cycle(bench, 400, 1, 3000);
    bench_cycle(bench, 400, 1, 3000);
    CHECK_NEAR(cap(bench), 220); /* from safe, however long it waited: two cycles of slope */
    CHECK((bench->flags[CAP] & NS_FLAG_REFUSED) == 0);
}

static bench_t *bench_changed(uint32_t point, double safe, int64_t abandon_ns) {
    ns_point_t points[POINT_COUNT];
    memcpy(points, bench_points, sizeof points);
    points[point].safe = safe;
    points[point].abandon_ns = abandon_ns; /* abandon_value stays 0 */
    bench_t *bench = bench_open_points(points);
    for (int i = 0; i < 60; i++) {
        bench_cycle(bench, 500, 1, 3000);
    }
    return bench;
}

static void a_lapse_holds_a_point_without_a_safe_value(void) {
    bench_t *bench = bench_changed(TARGET, (double)NAN, 0);
    CHECK_EXACT(target(bench), 3000);
    for (int i = 0; i < 30; i++) {
        bench_alone(bench, CYCLE);
        CHECK_EXACT(target(bench), 3000);
    }
    CHECK((bench->flags[TARGET] & NS_FLAG_LAPSED) != 0);
    CHECK_EXACT(cap(bench), 200);
}

static void a_point_that_is_abandoned_takes_its_value_until_that_is_asked_for(void) {
    bench_t *bench = bench_changed(ENABLE, LEFT_ALONE, 10000 * MS);
    const double *enable = &bench->devices[0].value[2];
    for (int i = 0; i < 98; i++) {
        bench_alone(bench, CYCLE);
        CHECK_EXACT(*enable, 1.0);
    }
    for (int i = 0; i < 3; i++) {
        bench_alone(bench, CYCLE);
    }
    CHECK_EXACT(*enable, 0.0);
    bench->epoch = 2;
    const double asked[] = {LEFT_ALONE, 1, 1, LEFT_ALONE};
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++) {
        bench_cycle(bench, 500, asked[i], 3000);
        CHECK_EXACT(*enable, 0.0);
    }
    bench_cycle(bench, 500, 0, 3000);
    bench_cycle(bench, 500, 1, 3000);
    CHECK_EXACT(*enable, 1.0);
}

/** A daemon that took a new epoch and wrote, but fell silent before it beat with it. */
static void a_lapse_spends_the_epoch_of_a_slot_that_was_never_beaten(void) {
    bench_t *bench = bench_held();
    double desired[WRITABLE_COUNT] = {500, 1, 3000};
    CHECK_STATUS(ns_image_write_desired(&bench->image, desired, WRITABLE_COUNT, 5), NS_OK);
    for (int i = 0; i < 16; i++) {
        bench_alone(bench, CYCLE);
    }
    CHECK_EXACT(target(bench), 5000);
    bench->epoch = 5;
    for (int i = 0; i < 5; i++) {
        bench_cycle(bench, 500, 1, 3000);
        CHECK_EXACT(target(bench), 5000);
    }
    bench->epoch = 6;
    bench_cycle(bench, 500, 1, 3000);
    CHECK_EXACT(target(bench), 3000);
}

static void points_are_written_in_their_order(void) {
    bench_t *bench = bench_held();
    bench->devices[0].write_count = 0;
    bench_cycle(bench, 300, 0, 3000);
    CHECK(bench->devices[0].write_count == 2 && bench->devices[0].last_channel == 2);
}

int main(void) {
    a_driver_starts_safe_and_leaves_the_rest_alone();
    a_beat_without_a_slot_keeps_it_safe();
    a_slot_without_a_beat_keeps_it_safe();
    a_heartbeat_found_at_opening_is_no_beat();
    leaving_the_safe_value_ramps();
    a_ramp_goes_down_as_well();
    a_silent_daemon_lapses_at_the_lease_and_not_before();
    the_same_epoch_never_ends_a_lapse();
    a_newer_epoch_ends_a_lapse_with_a_ramp();
    a_newer_epoch_ends_only_the_points_it_writes();
    a_slot_older_than_the_heartbeat_lapses_at_once();
    a_newer_epoch_without_a_heartbeat_ends_nothing();
    silence_after_a_lapse_spends_the_epoch_of_the_heartbeat();
    a_takeover_with_a_newer_epoch_in_time_keeps_the_caps();
    a_refused_value_does_not_end_at_the_old_one();
    a_lapse_holds_a_point_without_a_safe_value();
    a_point_that_is_abandoned_takes_its_value_until_that_is_asked_for();
    a_lapse_spends_the_epoch_of_a_slot_that_was_never_beaten();
    points_are_written_in_their_order();
    return 0;
}
