/* What is kept, and what may happen only after it is durable. */
#include <string.h>

#include "bench.h"
#include "check.h"

static bench_t *bench_settled(void) {
    bench_t *bench = bench_open();
    for (int i = 0; i < 40; i++) {
        bench_cycle(bench, 500, 1, 3000);
    }
    ns_evidence_t record;
    CHECK(bench_evidence(bench, &record, 1) == 0); /* a flight without events leaves none */
    bench->devices[0].write_count = 0;
    return bench;
}

static void cycle(bench_t *bench) {
    bench_cycle(bench, 500, 1, 3000);
}

static void make_durable(const bench_t *bench) {
    ns_evidence_t records[64];
    uint32_t count = bench_evidence(bench, records, 64);
    CHECK(count > 0);
    CHECK_STATUS(ns_image_mark_durable(&bench->image, 0, records[count - 1].sequence), NS_OK);
}

static void an_alarm_is_captured_before_anything_else_happens_to_it(void) {
    bench_t *bench = bench_settled();
    bench->devices[1].alarm = 0x8042;
    int64_t now_ns = bench->now_ns;
    CHECK_STATUS(ns_driver_poll(bench->driver, now_ns), NS_OK);
    ns_evidence_t record = bench_newest(bench, NS_CAUSE_DEVICE_FAULT);
    uint32_t bytes = 0;
    memcpy(&bytes, record.bytes, sizeof bytes);
    CHECK(record.device == 1 && record.point == UINT32_MAX && record.status == NS_OK);
    CHECK(record.time_ns == now_ns && record.size == 4 && bytes == 0x8042);
    CHECK_EXACT(record.value, 0x8042);
    CHECK(isnan(record.limit) && bench->devices[1].request_count == 0);
}

static void an_alarm_is_captured_once_for_each_new_number(void) {
    static const uint32_t alarms[] = {0, 5, 5, 5, 7, 7, 0, 0, 7, 5};
    static const unsigned captures[] = {0, 1, 1, 1, 2, 2, 2, 2, 3, 4};
    bench_t *bench = bench_settled();
    for (size_t i = 0; i < sizeof alarms / sizeof alarms[0]; i++) {
        bench->devices[0].alarm = alarms[i];
        cycle(bench);
        CHECK(bench->devices[0].capture_count == captures[i]);
    }
    /* The same again is folded into its record. */
    CHECK(bench_count(bench, NS_CAUSE_DEVICE_FAULT) == 3 && bench->devices[1].capture_count == 0);
}

static void a_capture_that_fails_is_kept_as_such(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].alarm = 3;
    bench->devices[0].capture_status = NS_E_NACK;
    cycle(bench);
    ns_evidence_t record = bench_newest(bench, NS_CAUSE_DEVICE_FAULT);
    CHECK(record.status == NS_E_NACK && record.size == 0);
    CHECK(bench->devices[0].capture_count == 1); /* no second try in this round */
}

static void the_alarm_of_a_device_that_does_not_answer_is_not_believed(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].begin_status = NS_E_NACK;
    bench->devices[0].alarm = 3;
    cycle(bench);
    CHECK(bench_count(bench, NS_CAUSE_DEVICE_FAULT) == 0);
    bench->devices[0].begin_status = NS_OK;
    cycle(bench);
    CHECK(bench_count(bench, NS_CAUSE_DEVICE_FAULT) == 1);
}

static uint32_t huge_size(void *ctx) {
    (void)ctx;
    return 1;
}

static ns_status_t capture_too_much(void *ctx, uint8_t *out, size_t capacity, size_t *out_size) {
    (void)ctx;
    (void)out;
    *out_size = capacity + 1;
    return NS_OK;
}

/** One device with ops of its own and one point. */
static ns_driver_t *driver_over(const ns_device_ops_t *ops, fake_device_t *fake,
                                ns_image_t *image) {
    ns_driver_entry_t entry = {.name = "d", .device_count = 1};
    ns_image_config_t config = {
        .points = bench_points, .drivers = &entry, .point_count = 1, .driver_count = 1};
    ns_device_t device = {.ops = ops, .ctx = fake};
    bench_open_image(&config, image);
    return bench_open_driver(image, 0, &device, 1, NULL);
}

/** A lost accelerator keeps its last Xid where a question to it reaches nobody. */
static void the_alarm_of_a_device_that_is_lost_is_kept(void) {
    static const ns_status_t lost[] = {NS_E_ABSENT, NS_E_RESET};
    for (size_t i = 0; i < 2; i++) {
        bench_t *bench = bench_open();
        bench_cycle(bench, LEFT_ALONE, LEFT_ALONE, LEFT_ALONE);
        uint64_t before = bench->devices[0].capture_count;
        bench->devices[0].begin_status = lost[i];
        bench->devices[0].alarm = 79;
        bench_cycle(bench, LEFT_ALONE, LEFT_ALONE, LEFT_ALONE);
        CHECK(bench->devices[0].capture_count == before + 1);
    }
}

static void an_alarm_without_a_capture_is_evidence_too(void) {
    ns_device_ops_t ops = fake_ops;
    fake_device_t fake = {.alarm = 9};
    bench_t bench;
    ops.capture = NULL;
    ns_driver_t *driver = driver_over(&ops, &fake, &bench.image);
    CHECK_STATUS(ns_driver_poll(driver, MS), NS_OK);
    CHECK_EXACT(bench_newest(&bench, NS_CAUSE_DEVICE_FAULT).value, 9);
    ops.alarm = huge_size;
    ops.capture = capture_too_much;
    driver = driver_over(&ops, &fake, &bench.image);
    CHECK_STATUS(ns_driver_poll(driver, MS), NS_OK);
    CHECK(bench_newest(&bench, NS_CAUSE_DEVICE_FAULT).size == 0);
}

static void a_trip_says_what_crossed_what(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].value[0] = 88;
    for (int i = 0; i < 5; i++) {
        cycle(bench);
    }
    ns_evidence_t record = bench_newest(bench, NS_CAUSE_REFLEX);
    CHECK(record.device == 0 && record.point == TEMP && record.status == NS_OK);
    CHECK_EXACT(record.value, 88);
    CHECK_EXACT(record.limit, 85);
    CHECK(bench_count(bench, NS_CAUSE_REFLEX) == 1);
}

static void a_write_that_begins_to_fail_is_kept_once(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].write_status = NS_E_IO;
    for (int i = 0; i < 5; i++) {
        bench_cycle(bench, 450, 1, 3000);
    }
    ns_evidence_t record = bench_newest(bench, NS_CAUSE_WRITE_FAILED);
    CHECK(record.device == 0 && record.point == CAP && record.status == NS_E_IO);
    CHECK_EXACT(record.value, 450);
    CHECK(bench_count(bench, NS_CAUSE_WRITE_FAILED) == 1 && record.repeat_count == 0);
    bench->devices[0].write_status = NS_OK;
    bench_cycle(bench, 450, 1, 3000);
    bench->devices[0].write_status = NS_E_NACK;
    bench_cycle(bench, 460, 1, 3000);
    CHECK(bench_count(bench, NS_CAUSE_WRITE_FAILED) == 2);
}

static void a_repair_says_what_was_found_and_what_was_wanted(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].value[1] = 640;
    cycle(bench);
    CHECK(bench_count(bench, NS_CAUSE_REPAIR) == 0);
    cycle(bench);
    ns_evidence_t record = bench_newest(bench, NS_CAUSE_REPAIR);
    CHECK(record.device == 0 && record.point == CAP);
    CHECK_EXACT(record.value, 640);
    CHECK_EXACT(record.limit, 500);
}

static void a_lapse_says_what_was_in_force(void) {
    bench_t *bench = bench_settled();
    for (int i = 0; i < 30; i++) {
        bench_alone(bench, CYCLE);
    }
    CHECK(bench_count(bench, NS_CAUSE_LAPSE) == 2);
    ns_evidence_t record = bench_newest(bench, NS_CAUSE_LAPSE);
    CHECK(record.device == 1 && record.point == TARGET);
    CHECK_EXACT(record.value, 3000);
    CHECK_EXACT(record.limit, 5000);
}

static void an_abandonment_is_kept_once(void) {
    ns_point_t points[POINT_COUNT];
    memcpy(points, bench_points, sizeof points);
    points[ENABLE].abandon_ns = 4000 * MS;
    bench_t *bench = bench_open_points(points);
    cycle(bench);
    for (int i = 0; i < 60; i++) {
        bench_alone(bench, CYCLE);
    }
    ns_evidence_t record = bench_newest(bench, NS_CAUSE_ABANDONMENT);
    CHECK(bench_count(bench, NS_CAUSE_ABANDONMENT) == 1 && record.point == ENABLE);
    CHECK_EXACT(record.value, 1);
    CHECK_EXACT(record.limit, 0);
}

static void silence_is_kept_at_the_third_round_and_once(void) {
    bench_t *bench = bench_settled();
    bench->devices[1].begin_status = NS_E_TIMEOUT;
    cycle(bench);
    cycle(bench);
    CHECK(bench_count(bench, NS_CAUSE_SILENCE) == 0);
    for (int i = 0; i < 10; i++) {
        cycle(bench);
    }
    ns_evidence_t record = bench_newest(bench, NS_CAUSE_SILENCE);
    CHECK(bench_count(bench, NS_CAUSE_SILENCE) == 1 && record.repeat_count == 0);
    CHECK(record.device == 1 && record.status == NS_E_TIMEOUT && record.point == UINT32_MAX);
    bench->devices[1].begin_status = NS_OK;
    cycle(bench);
    bench->devices[1].begin_status = NS_E_ABSENT;
    for (int i = 0; i < 3; i++) {
        cycle(bench);
    }
    CHECK(bench_count(bench, NS_CAUSE_SILENCE) == 2);
}

static void what_never_answered_has_not_fallen_silent(void) {
    bench_t *bench = bench_open();
    bench->devices[1].begin_status = NS_E_NACK;
    bench->devices[1].write_status = NS_E_NACK;
    for (int i = 0; i < 10; i++) {
        cycle(bench);
    }
    CHECK(bench_count(bench, NS_CAUSE_SILENCE) == 0);
}

/* Requests. */

static ns_status_t asked(bench_t *bench, ns_request_kind_t kind, uint32_t device) {
    uint64_t ticket = bench_request(bench, kind, device);
    int32_t status = 0;
    CHECK_STATUS(ns_image_request_status(&bench->image, 0, ticket, &status), NS_E_BUSY);
    cycle(bench);
    ns_status_t result = bench_result(bench, ticket);
    ns_evidence_t record = bench_newest(bench, NS_CAUSE_REQUEST);
    CHECK(record.status == (int32_t)result && record.device == device);
    CHECK_EXACT(record.value, (double)kind);
    return result;
}

static void faults_are_cleared_only_when_their_evidence_is_durable(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].alarm = 3;
    cycle(bench);
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, 0), NS_E_REFUSED);
    CHECK(bench->devices[0].request_count == 0);
    make_durable(bench);
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, 0), NS_OK);
    CHECK(bench->devices[0].request_count == 1);
    CHECK(bench->devices[0].last_request == NS_REQUEST_CLEAR);
}

static void evidence_that_comes_with_the_clear_stops_it(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].alarm = 3;
    cycle(bench);
    make_durable(bench);
    bench->devices[0].alarm = 7; /* seen in the round that would clear it */
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, 0), NS_E_REFUSED);
    CHECK(bench->devices[0].request_count == 0);
}

static void evidence_of_one_device_does_not_hold_up_another(void) {
    bench_t *bench = bench_settled();
    bench->devices[1].alarm = 5;
    cycle(bench);
    make_durable(bench);
    bench->devices[0].alarm = 3;
    cycle(bench);
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, 1), NS_OK);
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, 1), NS_OK); /* nor its own request's record */
    CHECK(bench->devices[1].request_count == 2 && bench->devices[0].request_count == 0);
}

static void evidence_of_the_driver_before_counts(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].alarm = 3;
    cycle(bench);
    bench->devices[0].alarm = 0; /* no new one, but latched still */
    bench->devices[0].late_alarm = 3;
    bench_reopen(bench);
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, 0), NS_E_REFUSED);
    CHECK(bench->devices[0].capture_count == 1);
    make_durable(bench);
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, 0), NS_OK);
}

static void a_device_that_does_not_answer_is_not_cleared(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].begin_status = NS_E_NACK;
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, 0), NS_E_NACK);
    CHECK(bench->devices[0].request_count == 0);
}

static void resets_and_power_cycles_do_not_wait_and_write_everything_anew(void) {
    static const ns_request_kind_t kinds[] = {NS_REQUEST_RESET, NS_REQUEST_POWER_CYCLE};
    for (int i = 0; i < 2; i++) {
        bench_t *bench = bench_settled();
        bench->devices[0].alarm = 3;
        cycle(bench);
        unsigned before = bench->devices[0].write_count;
        CHECK_STATUS(asked(bench, kinds[i], 0), NS_OK);
        CHECK(bench->devices[0].last_request == kinds[i]);
        CHECK(bench->devices[0].write_count == before + 2); /* cap and enable */
        CHECK(bench->devices[1].request_count == 0);
    }
}

static void what_a_device_answers_is_what_the_daemon_reads(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].request_status = NS_E_PROTOCOL;
    CHECK_STATUS(asked(bench, NS_REQUEST_RESET, 0), NS_E_PROTOCOL);
    CHECK(bench->devices[0].request_count == 1); /* an edge is never tried again */
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, UINT32_MAX), NS_E_ARG);
}

static void a_device_without_requests_says_so(void) {
    ns_device_ops_t ops = fake_ops;
    fake_device_t fake = {.alarm = 0};
    bench_t bench = {.epoch = 1, .now_ns = MS};
    ops.request = NULL;
    ns_driver_t *driver = driver_over(&ops, &fake, &bench.image);
    uint64_t ticket = bench_request(&bench, NS_REQUEST_RESET, 0);
    CHECK_STATUS(ns_driver_poll(driver, MS), NS_OK);
    CHECK_STATUS(bench_result(&bench, ticket), NS_E_UNSUPPORTED);
}

static void one_request_is_done_per_poll_in_their_order(void) {
    bench_t *bench = bench_settled();
    uint64_t first = bench_request(bench, NS_REQUEST_RESET, 0);
    uint64_t second = bench_request(bench, NS_REQUEST_POWER_CYCLE, 0);
    cycle(bench);
    CHECK_STATUS(bench_result(bench, first), NS_OK);
    CHECK(bench->devices[0].request_count == 1);
    CHECK(bench->devices[0].last_request == NS_REQUEST_RESET);
    cycle(bench);
    CHECK_STATUS(bench_result(bench, second), NS_OK);
    CHECK(bench->devices[0].last_request == NS_REQUEST_POWER_CYCLE);
}

static void a_request_that_is_too_late_or_of_an_older_daemon_is_dropped(void) {
    bench_t *bench = bench_settled();
    uint64_t late = bench_request(bench, NS_REQUEST_RESET, 0);
    bench->now_ns += 2000 * MS;
    cycle(bench);
    uint64_t old = bench_request(bench, NS_REQUEST_RESET, 0);
    CHECK_STATUS(ns_image_beat(&bench->image, 2), NS_OK);
    bench->epoch = 2;
    cycle(bench);
    int32_t status = 0;
    CHECK_STATUS(ns_image_request_status(&bench->image, 0, late, &status), NS_E_STALE);
    CHECK_STATUS(ns_image_request_status(&bench->image, 0, old, &status), NS_E_STALE);
    CHECK(bench->devices[0].request_count == 0);
}

static void a_driver_that_starts_drops_what_was_asked_of_the_one_before(void) {
    bench_t *bench = bench_settled();
    uint64_t ticket = bench_request(bench, NS_REQUEST_POWER_CYCLE, 0);
    bench_reopen(bench);
    cycle(bench);
    int32_t status = 0;
    CHECK_STATUS(ns_image_request_status(&bench->image, 0, ticket, &status), NS_E_STALE);
    CHECK(bench->devices[0].request_count == 0);
}

static void a_rearm_says_whether_all_was_released(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].value[0] = 88;
    for (int i = 0; i < 5; i++) {
        cycle(bench);
    }
    CHECK_STATUS(asked(bench, NS_REQUEST_REARM, UINT32_MAX), NS_E_REFUSED);
    bench->devices[0].value[0] = 60;
    CHECK_STATUS(asked(bench, NS_REQUEST_REARM, UINT32_MAX), NS_OK);
    bench_alone(bench, CYCLE);
    CHECK((bench->flags[CAP] & NS_FLAG_REFLEX) == 0);
}

int main(void) {
    an_alarm_is_captured_before_anything_else_happens_to_it();
    an_alarm_is_captured_once_for_each_new_number();
    a_capture_that_fails_is_kept_as_such();
    the_alarm_of_a_device_that_does_not_answer_is_not_believed();
    the_alarm_of_a_device_that_is_lost_is_kept();
    an_alarm_without_a_capture_is_evidence_too();
    a_trip_says_what_crossed_what();
    a_write_that_begins_to_fail_is_kept_once();
    a_repair_says_what_was_found_and_what_was_wanted();
    a_lapse_says_what_was_in_force();
    an_abandonment_is_kept_once();
    silence_is_kept_at_the_third_round_and_once();
    what_never_answered_has_not_fallen_silent();
    faults_are_cleared_only_when_their_evidence_is_durable();
    evidence_that_comes_with_the_clear_stops_it();
    evidence_of_one_device_does_not_hold_up_another();
    evidence_of_the_driver_before_counts();
    a_device_that_does_not_answer_is_not_cleared();
    resets_and_power_cycles_do_not_wait_and_write_everything_anew();
    what_a_device_answers_is_what_the_daemon_reads();
    a_device_without_requests_says_so();
    one_request_is_done_per_poll_in_their_order();
    a_request_that_is_too_late_or_of_an_older_daemon_is_dropped();
    a_driver_that_starts_drops_what_was_asked_of_the_one_before();
    a_rearm_says_whether_all_was_released();
    return 0;
}
