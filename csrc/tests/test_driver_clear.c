/* Evidence that comes in pieces, and what is looked at once more before a device is acted on. */
#include <string.h>

#include "bench.h"
#include "check.h"

static void cycle(bench_t *bench) {
    bench_cycle(bench, 500, 1, 3000);
}

static bench_t *bench_settled(void) {
    bench_t *bench = bench_open();
    for (int i = 0; i < 40; i++) {
        cycle(bench);
    }
    return bench;
}

static void make_durable(const bench_t *bench) {
    ns_evidence_t records[64];
    uint32_t count = bench_evidence(bench, records, 64);
    CHECK(count > 0);
    CHECK_STATUS(ns_image_mark_durable(&bench->image, 0, records[count - 1].sequence), NS_OK);
}

static ns_status_t asked(bench_t *bench, ns_request_kind_t kind, uint32_t device) {
    uint64_t ticket = bench_request(bench, kind, device);
    cycle(bench);
    return bench_result(bench, ticket);
}

static uint32_t bytes_of(const ns_evidence_t *record) {
    uint32_t bytes = 0;
    memcpy(&bytes, record->bytes, sizeof bytes);
    return bytes;
}

/** An alarm of device 0, captured whole and stored. */
static bench_t *bench_alarmed(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].alarm = 3;
    cycle(bench);
    make_durable(bench);
    CHECK(bench->devices[0].capture_count == 1);
    return bench;
}

/* Incomplete captures. */

static void what_an_incomplete_capture_gives_is_kept_with_its_status(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].alarm = 0x55AA;
    bench->devices[0].capture_status = NS_E_TIMEOUT;
    bench->devices[0].partial_size = 1;
    cycle(bench);
    ns_evidence_t record = bench_newest(bench, NS_CAUSE_DEVICE_FAULT);
    CHECK(record.status == NS_E_TIMEOUT && record.size == 1 && bytes_of(&record) == 0xAA);
}

static void an_incomplete_capture_is_tried_three_times(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].alarm = 3;
    bench->devices[0].capture_status = NS_E_NACK;
    for (unsigned i = 1; i <= 6; i++) {
        cycle(bench);
        CHECK(bench->devices[0].capture_count == (i < 3 ? i : 3));
    }
    CHECK(bench_count(bench, NS_CAUSE_DEVICE_FAULT) == 1); /* the same: folded */
    bench->devices[0].alarm = 7;
    for (unsigned i = 4; i <= 9; i++) {
        cycle(bench);
        CHECK(bench->devices[0].capture_count == (i < 6 ? i : 6));
    }
    bench->devices[0].alarm = 5;
    cycle(bench);
    bench->devices[0].alarm = 0; /* nothing to capture any more */
    cycle(bench);
    CHECK(bench->devices[0].capture_count == 7);
}

static void a_second_try_that_is_complete_is_the_last(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].alarm = 0x1234;
    bench->devices[0].capture_status = NS_E_PEC;
    bench->devices[0].failures = 1;
    for (int i = 0; i < 5; i++) {
        cycle(bench);
    }
    ns_evidence_t record = bench_newest(bench, NS_CAUSE_DEVICE_FAULT);
    CHECK(bench->devices[0].capture_count == 2);
    CHECK(bench_count(bench, NS_CAUSE_DEVICE_FAULT) == 2);
    CHECK(record.status == NS_OK && bytes_of(&record) == 0x1234);
}

static void a_device_that_falls_silent_is_captured_when_it_answers(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].alarm = 3;
    bench->devices[0].capture_status = NS_E_NACK;
    bench->devices[0].failures = 1;
    cycle(bench);
    bench->devices[0].begin_status = NS_E_TIMEOUT;
    for (int i = 0; i < 5; i++) {
        cycle(bench);
    }
    CHECK(bench->devices[0].capture_count == 1);
    bench->devices[0].begin_status = NS_OK;
    cycle(bench);
    CHECK(bench_newest(bench, NS_CAUSE_DEVICE_FAULT).status == NS_OK);
}

/* CLEAR. */

static void what_is_known_and_durable_is_cleared(void) {
    bench_t *bench = bench_alarmed();
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, 0), NS_OK);
    CHECK(bench->devices[0].request_count == 1 && bench->devices[0].capture_count == 2);
    CHECK(bench_count(bench, NS_CAUSE_DEVICE_FAULT) == 1);
}

/** Latched after the round's begin: the alarm does not know it yet. */
static void a_fault_that_nobody_saw_is_not_cleared(void) {
    bench_t *bench = bench_alarmed();
    bench->devices[0].late_alarm = 0x40;
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, 0), NS_E_REFUSED);
    ns_evidence_t record = bench_newest(bench, NS_CAUSE_DEVICE_FAULT);
    CHECK(bytes_of(&record) == 0x43 && record.status == NS_OK && record.device == 0);
    CHECK_EXACT(record.value, 3);
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, 0), NS_E_REFUSED); /* not durable */
    CHECK(bench->devices[0].request_count == 0 && bench->devices[0].capture_count == 2);
    make_durable(bench);
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, 0), NS_OK);
}

static void a_capture_that_fails_before_a_clear_stops_it(void) {
    bench_t *bench = bench_alarmed();
    bench->devices[0].capture_status = NS_E_TIMEOUT;
    bench->devices[0].failures = 1;
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, 0), NS_E_REFUSED);
    CHECK(bench_newest(bench, NS_CAUSE_DEVICE_FAULT).status == NS_E_TIMEOUT);
    make_durable(bench);
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, 0), NS_E_REFUSED); /* now whole, but not stored */
    make_durable(bench);
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, 0), NS_OK);
}

static void what_was_never_captured_is_captured_before_it_is_cleared(void) {
    bench_t *bench = bench_settled();
    bench->devices[1].late_alarm = 9;
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, 1), NS_E_REFUSED);
    ns_evidence_t record = bench_newest(bench, NS_CAUSE_DEVICE_FAULT);
    CHECK(record.device == 1 && bytes_of(&record) == 9);
    make_durable(bench);
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, 1), NS_OK);
}

static unsigned refusals_until_cleared(bench_t *bench) {
    unsigned count = 0;
    while (asked(bench, NS_REQUEST_CLEAR, 0) != NS_OK) {
        count++;
        CHECK(count < 10);
        make_durable(bench);
    }
    return count;
}

static void bytes_that_never_hold_still_are_cleared_at_last(void) {
    bench_t *bench = bench_alarmed();
    bench->devices[0].is_restless = true;
    CHECK(refusals_until_cleared(bench) == 3);
    ns_evidence_t record = bench_newest(bench, NS_CAUSE_DEVICE_FAULT); /* what was cleared, too */
    CHECK(record.sequence > ns_image_durable(&bench->image, 0) && record.status == NS_OK);
    make_durable(bench);
    CHECK(refusals_until_cleared(bench) == 3);
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, 0), NS_E_REFUSED);
    bench->devices[0].alarm = 5; /* a new alarm is a new beginning */
    cycle(bench);
    make_durable(bench);
    CHECK(refusals_until_cleared(bench) == 3);
}

static void a_part_that_never_gives_all_is_cleared_at_last(void) {
    bench_t *bench = bench_alarmed();
    bench->devices[0].capture_status = NS_E_PEC;
    CHECK(refusals_until_cleared(bench) == 3);
}

static void an_older_record_that_is_folded_into_hides_no_newer_one(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].alarm = 3;
    cycle(bench);
    uint64_t sequence = bench_newest(bench, NS_CAUSE_DEVICE_FAULT).sequence;
    bench->devices[0].value[1] = 640;
    cycle(bench);
    cycle(bench); /* a repair, of the same device */
    CHECK(bench_newest(bench, NS_CAUSE_REPAIR).sequence > sequence);
    bench->devices[0].alarm = 0;
    cycle(bench);
    bench->devices[0].alarm = 3;
    cycle(bench);
    ns_evidence_t record = bench_newest(bench, NS_CAUSE_DEVICE_FAULT);
    CHECK(record.sequence == sequence && record.repeat_count == 1);
    CHECK_STATUS(ns_image_mark_durable(&bench->image, 0, sequence), NS_OK);
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, 0), NS_E_REFUSED);
    make_durable(bench);
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, 0), NS_OK);
}

static void what_the_driver_before_captured_is_known(void) {
    bench_t *bench = bench_alarmed();
    bench_reopen(bench);
    cycle(bench); /* the alarm is new to this driver */
    make_durable(bench);
    unsigned captured = bench->devices[0].capture_count;
    bench_reopen(bench);
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, 0), NS_E_REFUSED); /* the alarm again */
    make_durable(bench);
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, 0), NS_OK);
    CHECK(bench->devices[0].capture_count == captured + 2);
    bench->devices[0].alarm = 0;
    bench->devices[0].late_alarm = 3;
    bench_reopen(bench);
    CHECK_STATUS(asked(bench, NS_REQUEST_CLEAR, 0), NS_OK);
}

static void a_device_without_a_capture_is_cleared_as_it_is(void) {
    ns_device_ops_t ops = fake_ops;
    ops.capture = NULL;
    fake_device_t fake = {.alarm = 0};
    bench_t bench = {.epoch = 1, .now_ns = MS};
    ns_driver_entry_t entry = {.name = "d", .device_count = 1};
    ns_image_config_t config = {
        .points = bench_points, .drivers = &entry, .point_count = 1, .driver_count = 1};
    ns_device_t device = {.ops = &ops, .ctx = &fake};
    bench_open_image(&config, &bench.image);
    ns_driver_t *driver = bench_open_driver(&bench.image, 0, &device, 1, NULL);
    uint64_t ticket = bench_request(&bench, NS_REQUEST_CLEAR, 0);
    CHECK_STATUS(ns_driver_poll(driver, MS), NS_OK);
    CHECK_STATUS(bench_result(&bench, ticket), NS_OK);
    CHECK(fake.request_count == 1 && fake.capture_count == 0);
}

/* RESET and POWER_CYCLE. */

static void evidence_is_in_the_ring_before_a_reset_or_power_cycle(void) {
    static const ns_request_kind_t kinds[] = {NS_REQUEST_RESET, NS_REQUEST_POWER_CYCLE};
    for (int i = 0; i < 2; i++) {
        bench_t *bench = bench_settled();
        bench->devices[0].late_alarm = 0x40;
        CHECK_STATUS(asked(bench, kinds[i], 0), NS_OK); /* it does not wait */
        CHECK(bench->devices[0].last_request == kinds[i]);
        ns_evidence_t record = bench_newest(bench, NS_CAUSE_DEVICE_FAULT);
        CHECK(bytes_of(&record) == 0x40);
        CHECK(record.sequence < bench_newest(bench, NS_CAUSE_REQUEST).sequence);
        CHECK_STATUS(asked(bench, kinds[i], 0), NS_OK);
        record = bench_newest(bench, NS_CAUSE_DEVICE_FAULT);
        CHECK(bench_count(bench, NS_CAUSE_DEVICE_FAULT) == 1 && record.repeat_count == 0);
    }
}

static void a_reset_goes_on_where_nothing_can_be_captured(void) {
    bench_t *bench = bench_settled();
    bench->devices[0].begin_status = bench->devices[0].capture_status = NS_E_NACK;
    CHECK_STATUS(asked(bench, NS_REQUEST_RESET, 0), NS_OK);
    CHECK(bench_newest(bench, NS_CAUSE_DEVICE_FAULT).status == NS_E_NACK);
}

int main(void) {
    what_an_incomplete_capture_gives_is_kept_with_its_status();
    an_incomplete_capture_is_tried_three_times();
    a_second_try_that_is_complete_is_the_last();
    a_device_that_falls_silent_is_captured_when_it_answers();
    what_is_known_and_durable_is_cleared();
    a_fault_that_nobody_saw_is_not_cleared();
    a_capture_that_fails_before_a_clear_stops_it();
    what_was_never_captured_is_captured_before_it_is_cleared();
    bytes_that_never_hold_still_are_cleared_at_last();
    a_part_that_never_gives_all_is_cleared_at_last();
    an_older_record_that_is_folded_into_hides_no_newer_one();
    what_the_driver_before_captured_is_known();
    a_device_without_a_capture_is_cleared_as_it_is();
    evidence_is_in_the_ring_before_a_reset_or_power_cycle();
    a_reset_goes_on_where_nothing_can_be_captured();
    return 0;
}
