/* When devices are called: schedule, retries, pauses, deadlines. */
#include <string.h>

#include "bench.h"
#include "check.h"

static ns_driver_entry_t entry(void) {
    return (ns_driver_entry_t){.name = "fake", .device_count = 2, .retry_count = 1};
}

static bench_t *bench_pausing(int64_t longest_ns) {
    ns_driver_entry_t row = entry();
    row.retry_count = 0;
    row.backoff_max_ns = longest_ns;
    return bench_open_with(bench_points, &row, NULL);
}

static void all_is_due_at_the_first_poll_and_then_on_the_grid(void) {
    ns_point_t points[POINT_COUNT];
    memcpy(points, bench_points, sizeof points);
    points[CAP].phase_ns = 30 * MS;
    points[SLOW].phase_ns = 999 * MS;
    bench_t *bench = bench_open_points(points);
    bench->now_ns = 1005 * MS;
    int64_t cap_ms[16];
    int64_t slow_ms[16];
    unsigned cap_count = 0;
    unsigned slow_count = 0;
    while (bench->now_ns < 2500 * MS && cap_count < 16) {
        int64_t now_ns = bench->now_ns;
        bench_alone(bench, MS);
        if (bench->time_ns[CAP] == now_ns) {
            cap_ms[cap_count++] = now_ns / MS;
        }
        if (bench->time_ns[SLOW] == now_ns) {
            slow_ms[slow_count++] = now_ns / MS;
        }
    }
    CHECK(cap_ms[0] == 1005 && cap_ms[1] == 1030 && cap_ms[2] == 1130 && cap_ms[12] == 2130);
    CHECK(slow_count == 2 && slow_ms[0] == 1005 && slow_ms[1] == 1999);
}

static void a_late_poll_comes_once_and_returns_to_the_grid(void) {
    bench_t *bench = bench_open();
    bench_alone(bench, 350 * MS); /* 1000, then 1350 ms */
    bench_alone(bench, 49 * MS);  /* for 1100, 1200 and 1300 */
    bench_alone(bench, MS);       /* 1399: not due */
    CHECK(bench->devices[0].begin_count == 2);
    bench_alone(bench, MS); /* 1400 */
    CHECK(bench->devices[0].begin_count == 3);
}

static void a_poll_before_the_first_time_of_a_grid_is_followed_by_it(void) {
    ns_point_t points[POINT_COUNT];
    memcpy(points, bench_points, sizeof points);
    for (int i = 0; i < POINT_COUNT; i++) {
        points[i].phase_ns = 70 * MS;
    }
    bench_t *bench = bench_open_points(points);
    bench->now_ns = 20 * MS;
    bench_alone(bench, 49 * MS);
    bench_alone(bench, MS); /* 69 ms */
    CHECK(bench->devices[0].begin_count == 1);
    bench_alone(bench, MS); /* 70 ms */
    CHECK(bench->devices[0].begin_count == 2);
}

static void begin_is_told_what_will_be_read(void) {
    ns_point_t points[POINT_COUNT];
    memcpy(points, bench_points, sizeof points);
    bench_t *bench = bench_open_points(points);
    bench_alone(bench, CYCLE);
    CHECK(bench->devices[0].last_due == 7 && bench->devices[1].last_due == 7);
    bench_alone(bench, CYCLE);
    CHECK(bench->devices[0].last_due == 7 && bench->devices[1].last_due == 3);
}

/** By channel, wherever a point stands in the table. */
static void what_will_be_read_is_told_by_channel(void) {
    ns_point_t points[POINT_COUNT];
    memcpy(points, bench_points, sizeof points);
    points[SPEED].channel = 2;
    points[SLOW].channel = 0;
    bench_t *bench = bench_open_points(points);
    bench_alone(bench, CYCLE);
    CHECK(bench->devices[1].last_due == 7);
    bench_alone(bench, CYCLE);
    CHECK(bench->devices[1].last_due == 6); /* all but the slow one */
}

static void a_device_of_which_nothing_is_due_is_left_alone(void) {
    ns_point_t points[POINT_COUNT];
    memcpy(points, bench_points, sizeof points);
    for (int i = SPEED; i <= SLOW; i++) {
        points[i].period_ns = 1000 * MS;
    }
    bench_t *bench = bench_open_points(points);
    for (int i = 0; i < 10; i++) {
        bench_alone(bench, CYCLE);
    }
    CHECK(bench->devices[0].begin_count == 10 && bench->devices[1].begin_count == 1);
}

static void the_driver_table_says_how_often_to_try_again(void) {
    for (uint32_t retries = 0; retries <= 4; retries++) {
        ns_driver_entry_t row = entry();
        row.retry_count = retries;
        bench_t *bench = bench_open_with(bench_points, &row, NULL);
        bench_cycle(bench, LEFT_ALONE, LEFT_ALONE, LEFT_ALONE);
        bench->devices[0].begin_count = bench->devices[0].write_count = 0;
        bench->devices[0].write_status = NS_E_BUSY;
        bench_cycle(bench, LEFT_ALONE, 1, LEFT_ALONE);
        CHECK(bench->devices[0].write_count == retries + 1);
        bench->devices[0].begin_status = NS_E_TIMEOUT;
        bench->devices[0].begin_count = 0;
        bench_cycle(bench, LEFT_ALONE, 1, LEFT_ALONE);
        CHECK(bench->devices[0].begin_count == retries + 1);
        bench->devices[0].begin_status = NS_OK;
        bench->devices[0].read_status[1] = NS_E_PEC;
        bench->devices[0].read_count = 0;
        bench_cycle(bench, LEFT_ALONE, 1, LEFT_ALONE);
        CHECK(bench->devices[0].read_count == 2 + retries + 1);
    }
}

/** Polls, each 100 ms, at which device 0 was begun; the first is number 0. */
static void begins_of(bench_t *bench, unsigned polls, bool *out) {
    bench->devices[0].write_status = bench->devices[0].begin_status; /* no answer to writes, too */
    for (unsigned i = 0; i < polls; i++) {
        unsigned before = bench->devices[0].begin_count;
        bench_alone(bench, CYCLE);
        out[i] = bench->devices[0].begin_count > before;
    }
}

static void a_silent_device_is_tried_at_doubling_intervals(void) {
    bench_t *bench = bench_pausing(1600 * MS);
    bench->devices[0].begin_status = NS_E_NACK;
    bool tried[64];
    begins_of(bench, 64, tried);
    static const unsigned expected[] = {0, 1, 2, 4, 8, 16, 32, 48};
    unsigned found = 0;
    for (unsigned i = 0; i < 64; i++) {
        bool is_expected = found < sizeof expected / sizeof expected[0] && expected[found] == i;
        CHECK(tried[i] == is_expected);
        found += is_expected ? 1U : 0U;
    }
    CHECK(bench->devices[1].begin_count == 64); /* nobody is starved */
    CHECK(bench->status[TEMP] == NS_E_NACK && bench->status[ENABLE] == NS_E_NACK);
}

static void pauses_start_from_the_shortest_period_of_the_device(void) {
    ns_point_t points[POINT_COUNT];
    memcpy(points, bench_points, sizeof points);
    points[TEMP].period_ns = points[ENABLE].period_ns = 1000 * MS;
    ns_driver_entry_t row = entry();
    row.backoff_max_ns = 100000 * MS;
    bench_t *bench = bench_open_with(points, &row, NULL);
    bench->devices[0].begin_status = NS_E_NACK;
    bool tried[6];
    begins_of(bench, 6, tried);
    CHECK(tried[2] && !tried[3] && tried[4] && !tried[5]);
}

static void without_a_longest_pause_there_is_none(void) {
    bench_t *bench = bench_pausing(0);
    bench->devices[0].begin_status = NS_E_ABSENT;
    bool tried[20];
    begins_of(bench, 20, tried);
    CHECK(bench->devices[0].begin_count == 20);
}

static void a_device_that_answers_anything_is_not_silent(void) {
    static const ns_status_t errors[] = {NS_E_IO, NS_E_PEC, NS_E_NACK};
    for (int i = 0; i < 3; i++) {
        bench_t *bench = bench_pausing(10000 * MS);
        bench->devices[0].read_status[2] = errors[i]; /* the other two are good */
        bool tried[20];
        begins_of(bench, 20, tried);
        CHECK(bench->devices[0].begin_count == 20);
        CHECK(bench_count(bench, NS_CAUSE_SILENCE) == 0);
    }
}

static void nothing_but_errors_is_silence_whatever_they_are(void) {
    bench_t *bench = bench_pausing(10000 * MS);
    bool tried[20];
    begins_of(bench, 1, tried); /* what is wanted is written */
    for (int i = 0; i < 3; i++) {
        bench->devices[0].read_status[i] = NS_E_IO;
    }
    bench->devices[0].begin_count = 0;
    begins_of(bench, 20, tried);
    CHECK(bench->devices[0].begin_count == 6); /* 0, 1, 2, 4, 8, 16 */
    bench = bench_pausing(10000 * MS);
    for (int i = 0; i < 3; i++) {
        bench->devices[0].read_status[i] = NS_E_UNSUPPORTED;
    }
    begins_of(bench, 20, tried);
    CHECK(bench->devices[0].begin_count == 20); /* that it cannot is an answer */
}

static void a_success_ends_the_pauses(void) {
    bench_t *bench = bench_pausing(10000 * MS);
    bool tried[20];
    bench->devices[0].begin_status = NS_E_NACK;
    begins_of(bench, 6, tried);
    bench->devices[0].begin_status = NS_OK;
    begins_of(bench, 4, tried);
    CHECK(!tried[0] && !tried[1] && tried[2] && tried[3]);
    CHECK(bench->status[TEMP] == NS_OK);
    bench->devices[0].begin_status = NS_E_NACK; /* and they start from the shortest */
    begins_of(bench, 6, tried);
    CHECK(tried[0] && tried[1] && tried[2] && !tried[3] && tried[4] && !tried[5]);
}

/** Silent for so long that the next try is far away. */
static bench_t *bench_paused(ns_status_t status) {
    bench_t *bench = bench_pausing(100000 * MS);
    for (int i = 0; i < 40; i++) {
        bench_cycle(bench, 500, 1, 3000);
    }
    bench->devices[0].begin_status = status;
    bench->devices[0].write_status = NS_E_NACK;
    for (int i = 0; i < 20; i++) {
        bench_cycle(bench, 500, 1, 3000);
    }
    bench->devices[0].begin_count = bench->devices[0].write_count = 0;
    bench_cycle(bench, 500, 1, 3000);
    CHECK(bench->devices[0].begin_count == 0 && bench->devices[0].write_count == 0);
    return bench;
}

static void a_changed_desired_value_is_tried_at_once(void) {
    bench_t *bench = bench_paused(NS_E_NACK);
    bench_cycle(bench, 500, 0, 3000);
    CHECK(bench->devices[0].write_count == 1 && bench->devices[0].last_channel == 2);
    bench_cycle(bench, 500, 0, 3000); /* the device itself, too; and then it is silent again */
    CHECK(bench->devices[0].begin_count == 1);
    for (int i = 0; i < 10; i++) {
        bench_cycle(bench, 500, 0, 3000);
    }
    CHECK(bench->devices[0].begin_count == 1 && bench->devices[0].write_count == 1);
    bench->devices[0].write_status = NS_OK;
    bench_cycle(bench, 400, 0, 3000);
    bench_cycle(bench, 400, 0, 3000);
    CHECK_EXACT(bench->devices[0].value[2], 0);
    CHECK_EXACT(bench->devices[0].value[1], 400);
}

static void a_write_that_succeeds_ends_the_pauses(void) {
    bench_t *bench = bench_paused(NS_E_NACK);
    bench->devices[0].begin_status = bench->devices[0].write_status = NS_OK;
    bench_cycle(bench, 500, 0, 3000);
    CHECK_EXACT(bench->devices[0].value[2], 0);
    bench_cycle(bench, 500, 0, 3000);
    bench_cycle(bench, 500, 0, 3000);
    CHECK(bench->devices[0].begin_count == 2);
}

static void an_absent_device_is_looked_for_when_something_new_is_wanted(void) {
    bench_t *bench = bench_paused(NS_E_ABSENT);
    bench->devices[0].begin_status = bench->devices[0].write_status = NS_OK;
    bench_cycle(bench, 500, 0, 3000);
    CHECK(bench->devices[0].write_count == 0); /* nobody there, as far as is known */
    bench_cycle(bench, 500, 0, 3000);
    CHECK_EXACT(bench->devices[0].value[2], 0);
    CHECK_EXACT(bench->devices[0].value[1], 500);
}

static void a_lapse_is_tried_at_once(void) {
    bench_t *bench = bench_paused(NS_E_TIMEOUT);
    int64_t last_beat_ns = bench->now_ns - CYCLE;
    while (bench->now_ns - last_beat_ns < 1500 * MS) {
        bench_alone(bench, CYCLE);
    }
    CHECK(bench->devices[0].write_count == 0);
    bench_alone(bench, CYCLE);
    CHECK(bench->devices[0].write_count == 1 && bench->devices[0].last_channel == 1);
}

static void an_abandonment_is_tried_at_once(void) {
    ns_point_t points[POINT_COUNT];
    memcpy(points, bench_points, sizeof points);
    points[CAP].lease_ns = 0;
    points[ENABLE].abandon_ns = 5000 * MS;
    ns_driver_entry_t row = entry();
    row.backoff_max_ns = 100000 * MS;
    bench_t *bench = bench_open_with(points, &row, NULL);
    bench_cycle(bench, 500, 1, 3000);
    bench->devices[0].begin_status = NS_E_NACK;
    bench->devices[0].write_status = NS_E_NACK;
    for (int i = 0; i < 49; i++) {
        bench_alone(bench, CYCLE);
    }
    bench->devices[0].write_count = 0;
    bench_alone(bench, CYCLE);
    CHECK(bench->devices[0].write_count == 1 && bench->devices[0].last_channel == 2);
}

static void a_ramp_does_not_end_a_pause(void) {
    bench_t *bench = bench_pausing(100000 * MS);
    bench->devices[0].begin_status = NS_E_NACK;
    bench->devices[0].write_status = NS_E_NACK;
    for (int i = 0; i < 10; i++) {
        bench_cycle(bench, 500, LEFT_ALONE, 3000);
    }
    bench->devices[0].begin_count = bench->devices[0].write_count = 0;
    for (int i = 0; i < 5; i++) {
        bench_cycle(bench, 500, LEFT_ALONE, 3000);
    }
    CHECK(bench->devices[0].write_count == 0 && bench->devices[0].begin_count == 0);
}

/* With a bus. */

static bench_t *bench_on_bus(fake_bus_t *bus, uint32_t retries) {
    ns_driver_entry_t row = entry();
    row.deadline_ns = 50 * MS;
    row.retry_count = retries;
    ns_bus_port_t *port = bench_open_port(&fake_bus_ops, bus);
    bench_t *bench = bench_open_with(bench_points, &row, port);
    for (int i = 0; i < 2; i++) {
        bench->devices[i].port = port;
        bench->devices[i].transfer_us = 35000;
    }
    return bench;
}

static void a_round_is_bounded_however_slow_the_bus_is(void) {
    for (uint32_t retries = 0; retries <= 5; retries++) {
        for (uint32_t transfer_us = 1000; transfer_us <= 40000; transfer_us += 1500) {
            fake_bus_t bus = {.transfer_us = transfer_us};
            bench_t *bench = bench_on_bus(&bus, retries);
            bench->devices[0].alarm = 1;
            bench_request(bench, NS_REQUEST_POWER_CYCLE, 1);
            CHECK_STATUS(ns_driver_poll(bench->driver, bench->now_ns), NS_OK);
            CHECK(bus.now_ns <= 5 * 50 * MS); /* two devices, two captures, one request */
            int64_t polled_ns = bus.now_ns;
            CHECK_STATUS(ns_driver_reconcile(bench->driver, bench->now_ns), NS_OK);
            CHECK(bus.now_ns - polled_ns <= 2 * 50 * MS); /* two leased points */
        }
    }
}

static void a_slow_device_takes_no_time_of_the_next(void) {
    fake_bus_t bus = {.transfer_us = 30000}; /* begin and half a read of 50 ms */
    bench_t *bench = bench_on_bus(&bus, 1);
    bench_alone(bench, CYCLE);
    CHECK(bench->status[TEMP] == NS_E_TIMEOUT && bench->status[CAP] == NS_E_TIMEOUT);
    bench->devices[0].transfer_us = 35000;
    bus.transfer_us = 10000; /* begin and four reads */
    bench_alone(bench, CYCLE);
    for (int i = 0; i < POINT_COUNT - 1; i++) {
        CHECK(bench->status[i] == NS_OK);
    }
}

/** A call of one transfer whose own time-out is longer than the deadline. */
static void capture_request_and_write_have_a_deadline_each(void) {
    fake_bus_t bus = {.transfer_us = 1000};
    bench_t *bench = bench_on_bus(&bus, 0);
    bench->devices[1].transfer_us = 80000;
    bench->devices[1].alarm = 1;
    CHECK_STATUS(ns_driver_poll(bench->driver, bench->now_ns), NS_OK);
    CHECK(bench->devices[1].capture_count == 1 && bus.last_timeout_us == 50000);
    bench_request(bench, NS_REQUEST_POWER_CYCLE, 1);
    bus.last_timeout_us = 0;
    CHECK_STATUS(ns_driver_poll(bench->driver, bench->now_ns), NS_OK); /* nothing else is due */
    CHECK(bench->devices[1].request_count == 1 && bus.last_timeout_us == 50000);
    bus.last_timeout_us = 0;
    CHECK_STATUS(ns_driver_reconcile(bench->driver, bench->now_ns), NS_OK);
    CHECK(bench->devices[1].write_count == 1 && bus.last_timeout_us == 50000);
}

static void the_default_deadline_holds_where_the_table_says_none(void) {
    fake_bus_t bus = {.status = NS_E_TIMEOUT};
    ns_driver_entry_t row = entry();
    row.retry_count = NS_RETRIES_MAX;
    ns_bus_port_t *port = bench_open_port(&fake_bus_ops, &bus);
    bench_t *bench = bench_open_with(bench_points, &row, port);
    bench->devices[0].port = port;
    bench->devices[0].transfer_us = 13000;
    CHECK_STATUS(ns_driver_poll(bench->driver, bench->now_ns), NS_OK);
    CHECK(bus.now_ns == NS_CALL_DEADLINE_US * 1000LL);
}

/** 35 ms, and what is left of 50 ms: a third try could only be told that there is no time. */
static void no_try_begins_after_the_deadline(void) {
    fake_bus_t bus = {.status = NS_E_TIMEOUT};
    bench_t *bench = bench_on_bus(&bus, 5);
    bench_alone(bench, CYCLE);
    CHECK(bench->devices[0].begin_count == 2 && bench->devices[1].begin_count == 2);
    ns_bus_statistics_t seen;
    CHECK_STATUS(ns_image_statistics(&bench->image, 0, &seen), NS_OK);
    CHECK(seen.retry_count == 2 && seen.timeout_count == 4);
}

static void a_bus_recovers_between_calls(void) {
    fake_bus_t bus = {.status = NS_E_TIMEOUT, .recovery_us = 400000};
    bench_t *bench = bench_on_bus(&bus, 4);
    bench->devices[0].transfer_us = bench->devices[1].transfer_us = 10000;
    CHECK_STATUS(ns_driver_poll(bench->driver, bench->now_ns), NS_OK);
    CHECK(bench->devices[0].begin_count == 5); /* it takes no time of theirs */
    CHECK(bus.recovery_count == 1 && bus.now_ns == (50 + 400 + 50) * MS);
}

static void what_the_bus_does_is_published_once_a_second(void) {
    fake_bus_t bus = {.transfer_us = 200};
    bench_t *bench = bench_on_bus(&bus, 2);
    ns_bus_statistics_t seen;
    CHECK_STATUS(ns_image_statistics(&bench->image, 0, &seen), NS_OK);
    CHECK(seen.transfer_count == 0);
    bench_alone(bench, CYCLE);
    CHECK_STATUS(ns_image_statistics(&bench->image, 0, &seen), NS_OK);
    CHECK(seen.transfer_count == 8 && seen.max_ns == 200000 && seen.busy_ns == 1600000);
    bench->devices[0].read_status[0] = NS_E_PEC;
    for (int i = 0; i < 9; i++) {
        bench_alone(bench, CYCLE);
    }
    CHECK_STATUS(ns_image_statistics(&bench->image, 0, &seen), NS_OK);
    CHECK(seen.transfer_count == 8);
    bench_alone(bench, CYCLE);
    CHECK_STATUS(ns_image_statistics(&bench->image, 0, &seen), NS_OK);
    CHECK(seen.pec_error_count == 30 && seen.retry_count == 20 && seen.transfer_count > 80);
}

int main(void) {
    all_is_due_at_the_first_poll_and_then_on_the_grid();
    a_late_poll_comes_once_and_returns_to_the_grid();
    a_poll_before_the_first_time_of_a_grid_is_followed_by_it();
    begin_is_told_what_will_be_read();
    what_will_be_read_is_told_by_channel();
    a_device_of_which_nothing_is_due_is_left_alone();
    the_driver_table_says_how_often_to_try_again();
    a_silent_device_is_tried_at_doubling_intervals();
    pauses_start_from_the_shortest_period_of_the_device();
    without_a_longest_pause_there_is_none();
    a_device_that_answers_anything_is_not_silent();
    nothing_but_errors_is_silence_whatever_they_are();
    a_success_ends_the_pauses();
    a_changed_desired_value_is_tried_at_once();
    a_write_that_succeeds_ends_the_pauses();
    an_absent_device_is_looked_for_when_something_new_is_wanted();
    a_lapse_is_tried_at_once();
    an_abandonment_is_tried_at_once();
    a_ramp_does_not_end_a_pause();
    a_round_is_bounded_however_slow_the_bus_is();
    a_slow_device_takes_no_time_of_the_next();
    capture_request_and_write_have_a_deadline_each();
    the_default_deadline_holds_where_the_table_says_none();
    no_try_begins_after_the_deadline();
    a_bus_recovers_between_calls();
    what_the_bus_does_is_published_once_a_second();
    return 0;
}
