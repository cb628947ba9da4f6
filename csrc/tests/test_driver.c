#include <string.h>

#include "bench.h"
#include "check.h"

static bench_t *bench_settled(void) {
    bench_t *bench = bench_open();
    for (int i = 0; i < 40; i++) {
        bench_cycle(bench, 500, 1, 3000);
    }
    bench->devices[0].write_count = 0;
    bench->devices[1].write_count = 0;
    return bench;
}

static void samples_carry_value_time_and_status(void) {
    bench_t *bench = bench_open();
    bench->devices[0].value[0] = 61.5;
    int64_t now_ns = bench->now_ns;
    bench_alone(bench, CYCLE);
    CHECK_EXACT(bench->values[TEMP], 61.5);
    CHECK(bench->time_ns[TEMP] == now_ns && bench->status[TEMP] == NS_OK);
    bench->devices[0].read_status[0] = NS_E_IO;
    bench->devices[0].value[0] = 99.0;
    bench_alone(bench, CYCLE);
    CHECK_EXACT(bench->values[TEMP], 61.5); /* the last good one, with its time */
    CHECK(bench->time_ns[TEMP] == now_ns && bench->status[TEMP] == NS_E_IO);
}

static void a_sample_at_time_zero_is_not_taken_for_none(void) {
    bench_t *bench = bench_open();
    bench->now_ns = 0;
    bench_alone(bench, CYCLE);
    CHECK(bench->time_ns[TEMP] == 1);
}

static void what_cannot_be_a_number_is_out_of_range(void) {
    const double wrong[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        bench_t *bench = bench_open();
        bench->devices[0].value[0] = wrong[i];
        bench_alone(bench, CYCLE);
        CHECK(bench->status[TEMP] == NS_E_RANGE && bench->time_ns[TEMP] == 0);
        CHECK(isnan(bench->values[TEMP]));
    }
}

static void each_point_keeps_its_period(void) {
    bench_t *bench = bench_open();
    for (int i = 0; i < 20; i++) { /* 0 .. 950 ms: 10 times at 100 ms, once at 1 s */
        bench_alone(bench, 50 * MS);
    }
    CHECK(bench->devices[0].begin_count == 10 && bench->devices[0].read_count == 30);
    CHECK(bench->devices[1].begin_count == 10 && bench->devices[1].read_count == 21);
    bench->now_ns += 5000 * MS; /* a stall: no burst afterwards */
    bench_alone(bench, 50 * MS);
    bench_alone(bench, 50 * MS);
    CHECK(bench->devices[0].begin_count == 11);
}

static void a_transient_failure_is_tried_once_more(void) {
    static const ns_status_t transient[] = {NS_E_NACK, NS_E_PEC, NS_E_TIMEOUT, NS_E_BUSY};
    for (int i = 0; i < 4; i++) {
        bench_t *bench = bench_open();
        bench->devices[0].read_status[0] = transient[i];
        bench->devices[0].failures = 1;
        bench_alone(bench, CYCLE);
        CHECK(bench->status[TEMP] == NS_OK);
        bench->devices[0].begin_status = transient[i];
        bench->devices[0].failures = 1;
        bench_alone(bench, CYCLE);
        CHECK(bench->status[TEMP] == NS_OK);
        CHECK(bench_health(bench).transfer_error_count == 0);
    }
}

static void a_lasting_failure_is_not_tried_again(void) {
    bench_t *bench = bench_open();
    bench->devices[0].read_status[0] = NS_E_IO;
    bench->devices[0].failures = 1;
    bench_alone(bench, CYCLE);
    CHECK(bench->status[TEMP] == NS_E_IO && bench->status[CAP] == NS_OK);
    CHECK(bench_health(bench).transfer_error_count == 1);
}

static void an_unsupported_channel_is_no_error(void) {
    bench_t *bench = bench_open();
    bench->devices[0].read_status[0] = NS_E_UNSUPPORTED;
    bench_alone(bench, CYCLE);
    CHECK(bench->status[TEMP] == NS_E_UNSUPPORTED);
    CHECK(bench_health(bench).transfer_error_count == 0);
}

static void a_silent_device_is_skipped_and_starves_nobody(void) {
    static const ns_status_t silent[] = {NS_E_NACK, NS_E_TIMEOUT, NS_E_ABSENT};
    for (int i = 0; i < 3; i++) {
        bench_t *bench = bench_open();
        bench->devices[0].read_status[0] = silent[i];
        bench_alone(bench, CYCLE);
        CHECK(bench->status[TEMP] == silent[i] && bench->status[CAP] == silent[i]);
        CHECK(bench->devices[0].read_count == (silent[i] == NS_E_ABSENT ? 1 : 2));
        CHECK(bench->status[SPEED] == NS_OK && bench->status[TARGET] == NS_OK);
        bench->devices[0].read_status[0] = NS_OK;
        bench_alone(bench, CYCLE);
        CHECK(bench->status[TEMP] == NS_OK);
    }
}

static void a_failed_begin_fails_every_point_of_the_device(void) {
    bench_t *bench = bench_open();
    bench->devices[1].begin_status = NS_E_PROTOCOL;
    bench_alone(bench, CYCLE);
    CHECK(bench->status[SPEED] == NS_E_PROTOCOL && bench->status[SLOW] == NS_E_PROTOCOL);
    CHECK(bench->devices[1].read_count == 0 && bench->devices[1].begin_count == 1);
    CHECK(bench->status[TEMP] == NS_OK);
}

static void a_pec_error_costs_one_point_only(void) {
    bench_t *bench = bench_open();
    bench->devices[0].read_status[0] = NS_E_PEC;
    bench_alone(bench, CYCLE);
    CHECK(bench->status[TEMP] == NS_E_PEC && bench->status[CAP] == NS_OK);
}

static void nothing_is_written_while_nothing_changes(void) {
    bench_t *bench = bench_settled();
    for (int i = 0; i < 20; i++) {
        bench_cycle(bench, 500, 1, 3000);
    }
    CHECK(bench->devices[0].write_count == 0 && bench->devices[1].write_count == 0);
}

static void a_changed_value_is_written_at_once(void) {
    bench_t *bench = bench_settled();
    bench_cycle(bench, 480, 1, 3000);
    CHECK_EXACT(bench->devices[0].value[1], 480);
    CHECK(bench->devices[0].write_count == 1);
}

static void a_drift_is_repaired_after_two_mismatches(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].value[1] = 500.4; /* within the tolerance */
    bench_cycle(bench, 500, 1, 3000);
    bench_cycle(bench, 500, 1, 3000);
    CHECK(bench->devices[0].write_count == 0);
    bench->devices[0].value[1] = 700;
    bench_cycle(bench, 500, 1, 3000);
    CHECK(bench->devices[0].write_count == 0);
    bench_cycle(bench, 500, 1, 3000);
    CHECK_EXACT(bench->devices[0].value[1], 500);
    CHECK(bench->devices[0].write_count == 1 && bench_health(bench).repair_count == 1);
}

/** A switch that opened by itself stays open until it was asked for off and then for on; one that
 *  closed by itself is opened. */
static void a_switch_is_never_closed_by_a_repair(void) {
    ns_point_t points[POINT_COUNT];
    memcpy(points, bench_points, sizeof points);
    points[ENABLE].repairs_down = 1;
    bench_t *bench = bench_open_points(points);
    for (int i = 0; i < 5; i++) {
        bench_cycle(bench, 200, 1, 3000);
    }
    bench->devices[0].value[2] = 0;
    for (int i = 0; i < 20; i++) {
        bench_cycle(bench, 200, 1, 3000);
    }
    CHECK_EXACT(bench->devices[0].value[2], 0);
    CHECK(bench_health(bench).repair_count == 0);
    bench_cycle(bench, 200, 0, 3000);
    bench_cycle(bench, 200, 1, 3000);
    CHECK_EXACT(bench->devices[0].value[2], 1);
    bench_cycle(bench, 200, 0, 3000);
    bench->devices[0].value[2] = 1;
    bench_cycle(bench, 200, 0, 3000);
    bench_cycle(bench, 200, 0, 3000);
    CHECK_EXACT(bench->devices[0].value[2], 0);
    CHECK(bench_health(bench).repair_count == 1);
}

static void one_bad_read_back_is_forgotten(void) {
    bench_t *bench = bench_settled();
    for (int i = 0; i < 10; i++) {
        bench->devices[0].value[1] = i % 2 == 0 ? 700 : 500;
        bench_cycle(bench, 500, 1, 3000);
    }
    CHECK(bench->devices[0].write_count == 0);
}

static void the_resolution_of_a_float32_is_no_drift(void) {
    bench_t *bench = bench_settled();
    bench->devices[1].is_deaf = true;
    bench->devices[1].value[1] = (double)(float)2999.97;
    for (int i = 0; i < 10; i++) {
        bench_cycle(bench, 500, 1, 2999.97);
    }
    CHECK(bench->devices[1].write_count == 1 && bench_health(bench).repair_count == 0);
}

/** A sample taken before a write says nothing about it. */
static void only_samples_after_the_write_are_compared(void) {
    bench_t *bench = bench_settled();
    bench_cycle(bench, 400, 1, 3000);
    CHECK_STATUS(ns_driver_reconcile(bench->driver, bench->now_ns - CYCLE), NS_OK);
    bench->devices[0].value[1] = 700; /* the first read-back, and the only wrong one */
    bench_cycle(bench, 400, 1, 3000);
    bench->devices[0].value[1] = 400;
    bench_cycle(bench, 400, 1, 3000);
    CHECK(bench->devices[0].write_count == 1 && bench_health(bench).repair_count == 0);
}

static void a_value_outside_the_limits_is_refused(void) {
    static const double refused[] = {99.9, 700.1, HUGE_VAL, -HUGE_VAL};
    for (int i = 0; i < 4; i++) {
        bench_t *bench = bench_settled();
        double desired[WRITABLE_COUNT] = {refused[i], LEFT_ALONE, LEFT_ALONE};
        CHECK_STATUS(ns_image_write_desired(&bench->image, desired, WRITABLE_COUNT, 1), NS_OK);
        CHECK_STATUS(ns_driver_reconcile(bench->driver, bench->now_ns), NS_E_REFUSED);
        CHECK_STATUS(ns_driver_reconcile(bench->driver, bench->now_ns), NS_OK);
        CHECK_EXACT(bench->devices[0].value[1], 500);
        CHECK(bench->devices[0].write_count == 0 && bench_health(bench).refused_count == 1);
        bench_alone(bench, CYCLE);
        CHECK((bench->flags[CAP] & NS_FLAG_REFUSED) != 0);
    }
}

static void a_failed_write_is_tried_at_each_reconcile(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].write_status = NS_E_IO;
    bench_cycle(bench, 400, 1, 3000);
    bench_cycle(bench, 400, 1, 3000);
    CHECK((bench->flags[CAP] & NS_FLAG_WRITE_FAILED) != 0);
    CHECK(bench->devices[0].write_count == 2);
    bench->devices[0].write_status = NS_OK;
    bench_cycle(bench, 400, 1, 3000);
    CHECK_EXACT(bench->devices[0].value[1], 400);
    bench_cycle(bench, 400, 1, 3000);
    CHECK((bench->flags[CAP] & NS_FLAG_WRITE_FAILED) == 0);
}

static void a_transient_write_failure_is_tried_once_more(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].write_status = NS_E_NACK;
    bench->devices[0].failures = 1;
    bench_cycle(bench, 400, 1, 3000);
    CHECK_EXACT(bench->devices[0].value[1], 400);
}

static void a_device_that_cannot_be_read_can_still_be_switched_off(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].read_status[0] = NS_E_NACK;
    bench_cycle(bench, LEFT_ALONE, 0, LEFT_ALONE);
    CHECK_EXACT(bench->devices[0].value[2], 0);
}

static void a_skipped_device_gets_one_try_a_reconcile(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].begin_status = NS_E_NACK;
    bench->devices[0].write_status = NS_E_NACK;
    bench_cycle(bench, 400, 0, LEFT_ALONE);
    CHECK(bench->devices[0].write_count == 1);
}

static void a_device_that_comes_back_gets_everything_at_once(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].begin_status = NS_E_ABSENT;
    bench_cycle(bench, 450, 1, 3000);
    CHECK(bench->devices[0].write_count == 0); /* nobody there */
    bench->devices[0].begin_status = NS_OK;
    bench->devices[0].value[1] = 700; /* as after a power-up */
    bench->devices[0].value[2] = 0;
    bench_cycle(bench, 450, 1, 3000);
    CHECK_EXACT(bench->devices[0].value[1], 450);
    CHECK_EXACT(bench->devices[0].value[2], 1);
    CHECK(bench_health(bench).repair_count == 0);
}

static void a_device_lost_while_writing_gets_everything_at_once(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].write_status = NS_E_ABSENT;
    bench->devices[0].failures = 1;
    bench_cycle(bench, 450, 0, 3000);
    CHECK(bench->devices[0].write_count == 1); /* the second point was not tried */
    bench_cycle(bench, 450, 0, 3000);
    CHECK_EXACT(bench->devices[0].value[1], 450);
    CHECK_EXACT(bench->devices[0].value[2], 0);
}

static void a_slot_whose_writer_died_keeps_its_last_value(void) {
    bench_t *bench = bench_settled();
    /* The first slot follows the header: its sequence, left odd. */
    unsigned char *bytes = bench->image.memory;
    uint64_t *slots = (uint64_t *)(void *)(bytes + NS_IMAGE_FROZEN_SIZE);
    slots[0]++;
    ns_desired_t desired = {.value = -1.0};
    CHECK_STATUS(ns_image_read_desired(&bench->image, 0, &desired), NS_E_STALE);
    CHECK_EXACT(desired.value, -1.0);
    bench_cycle(bench, LEFT_ALONE, 1, 3000);
    CHECK_EXACT(bench->devices[0].value[1], 500);
    bench_cycle(bench, 480, 1, 3000); /* the next writer mends it */
    CHECK_EXACT(bench->devices[0].value[1], 480);
}

static void many_drivers_are_served_whatever_one_answers(void) {
    bench_t *bench = bench_open();
    ns_driver_t *drivers[2] = {NULL, bench->driver};
    CHECK_STATUS(ns_drivers_poll(drivers, 2, bench->now_ns), NS_E_ARG);
    CHECK_STATUS(ns_drivers_reconcile(drivers, 2, bench->now_ns), NS_E_ARG);
    CHECK(bench->devices[0].read_count > 0 && bench->devices[0].write_count > 0);
    CHECK_STATUS(ns_drivers_step(&drivers[1], 1, bench->now_ns + CYCLE), NS_OK);
    CHECK_STATUS(ns_drivers_step(NULL, 1, bench->now_ns), NS_E_ARG);
    CHECK_STATUS(ns_drivers_step(NULL, 0, bench->now_ns), NS_OK);
}

static void time_never_goes_backwards(void) {
    bench_t *bench = bench_open();
    bench_alone(bench, CYCLE);
    CHECK_STATUS(ns_driver_poll(bench->driver, 1), NS_E_ARG);
    CHECK_STATUS(ns_driver_reconcile(bench->driver, 1), NS_E_ARG);
    CHECK_STATUS(ns_driver_step(bench->driver, 1), NS_E_ARG);
    CHECK_STATUS(ns_driver_poll(NULL, 1), NS_E_ARG);
    CHECK_STATUS(ns_driver_reconcile(NULL, 1), NS_E_ARG);
}

int main(void) {
    samples_carry_value_time_and_status();
    a_sample_at_time_zero_is_not_taken_for_none();
    what_cannot_be_a_number_is_out_of_range();
    each_point_keeps_its_period();
    a_transient_failure_is_tried_once_more();
    a_lasting_failure_is_not_tried_again();
    an_unsupported_channel_is_no_error();
    a_silent_device_is_skipped_and_starves_nobody();
    a_failed_begin_fails_every_point_of_the_device();
    a_pec_error_costs_one_point_only();
    nothing_is_written_while_nothing_changes();
    a_changed_value_is_written_at_once();
    a_drift_is_repaired_after_two_mismatches();
    a_switch_is_never_closed_by_a_repair();
    one_bad_read_back_is_forgotten();
    the_resolution_of_a_float32_is_no_drift();
    only_samples_after_the_write_are_compared();
    a_value_outside_the_limits_is_refused();
    a_failed_write_is_tried_at_each_reconcile();
    a_transient_write_failure_is_tried_once_more();
    a_device_that_cannot_be_read_can_still_be_switched_off();
    a_skipped_device_gets_one_try_a_reconcile();
    a_device_that_comes_back_gets_everything_at_once();
    a_device_lost_while_writing_gets_everything_at_once();
    a_slot_whose_writer_died_keeps_its_last_value();
    many_drivers_are_served_whatever_one_answers();
    time_never_goes_backwards();
    return 0;
}
