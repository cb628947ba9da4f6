/* The image compiled with a hook before each access of a word: a writer stops at every place, or
 * runs inside a reader at every place. */
#include <setjmp.h>

#include "test_image_fixture.h"

void ns_test_seam(bool is_store);

typedef void (*act_t)(ns_image_t *image);

static ns_image_t image;
static jmp_buf death;

static struct {
    unsigned stores_left; /* > 0: the store that brings it to 0 is never made */
    unsigned loads_left;  /* > 0: before the load that brings it to 0, `intruder` runs */
    unsigned period;      /* > 0: and again before each period-th load */
    act_t intruder;
} seam;

void ns_test_seam(bool is_store) {
    if (is_store && seam.stores_left > 0 && --seam.stores_left == 0) {
        longjmp(death, 1);
    }
    if (!is_store && seam.loads_left > 0 && --seam.loads_left == 0) {
        act_t intruder = seam.intruder;
        seam.intruder = NULL;
        intruder(&image);
        seam.loads_left = seam.period;
        seam.intruder = seam.period > 0 ? intruder : NULL;
    }
}

static void disarm(void) {
    memset(&seam, 0, sizeof seam);
}

/** Let `act` die before its nth store; false when it ended before. */
static bool dies_at(act_t act, unsigned nth) {
    volatile bool has_died = true;
    if (setjmp(death) == 0) {
        seam.stores_left = nth;
        act(&image);
        has_died = false;
    }
    disarm();
    return has_died;
}

/** Let `intruder` run before the nth load of what follows, and before each period-th after it. */
static void intrude(act_t intruder, unsigned nth, unsigned period) {
    seam.intruder = intruder;
    seam.period = period;
    seam.loads_left = nth;
}

static int32_t next_number;
static copy_t last;

static void publish(ns_image_t *self) {
    CHECK_STATUS(publish_number(self, 0, next_number), NS_OK);
    next_number++;
}

static void begin_samples(void) {
    image = create();
    ns_samples_t kept = samples_of(&last);
    ns_samples_clear(&kept, POINT_COUNT);
    next_number = 1;
    publish(&image);
    publish(&image);
}

static void a_publish_cut_short_leaves_the_samples_before_it(void) {
    unsigned nth = 1;
    for (bool has_died = true; has_died; nth++) {
        begin_samples();
        copy_t copy;
        has_died = dies_at(publish, nth);
        CHECK_STATUS(snapshot(&image, &last, &copy), NS_OK);
        CHECK(number_of(&copy, 0) == (has_died ? 2 : 3));
        ns_sample_t sample;
        CHECK_STATUS(ns_image_read_sample(&image, 1, &sample), NS_OK);
        CHECK(sample.time_ns == (has_died ? 4 : 6));
        next_number = 9; /* the next one is as good as ever */
        publish(&image);
        CHECK_STATUS(snapshot(&image, &last, &copy), NS_OK);
        CHECK(number_of(&copy, 0) == 9);
    }
    CHECK(nth == 2 + 6 + 1); /* six words of two points, and the generation */
}

/** One or two publishes at each place inside a snapshot: old or new, never a mixture. */
static void a_snapshot_that_is_overtaken_is_whole(void) {
    for (unsigned period = 0; period < 8; period++) {
        for (unsigned nth = 1; nth < 40; nth++) {
            begin_samples();
            copy_t copy;
            CHECK_STATUS(snapshot(&image, &last, &copy), NS_OK);
            intrude(publish, nth, period);
            ns_status_t status = snapshot(&image, &last, &copy);
            disarm();
            CHECK(status == NS_OK || period > 0); /* one that comes once costs one retry */
            if (status == NS_OK) {
                CHECK(number_of(&copy, 0) >= 2);
            } else {
                CHECK(status == NS_E_STALE && copy.status[0] == NS_E_STALE);
                CHECK(copy.status[1] == NS_E_STALE);
                copy.status[0] = 2;
                copy.status[1] = -2;
                CHECK(number_of(&copy, 0) == 2); /* the last copy */
            }
            ns_sample_t sample;
            intrude(publish, nth, period);
            status = ns_image_read_sample(&image, 1, &sample);
            disarm();
            CHECK(status == NS_OK || (status == NS_E_STALE && period > 0));
            if (status == NS_OK) {
                CHECK(sample.time_ns == -2LL * sample.status);
                CHECK_EXACT(sample.value, 0.5 - sample.status);
            }
        }
    }
}

/** A writer that never rests: the reader gives up after its retries, and says so. */
static void a_reader_that_is_always_overtaken_does_not_spin(void) {
    begin_samples();
    copy_t copy;
    CHECK_STATUS(snapshot(&image, &last, &copy), NS_OK);
    intrude(publish, 2, 3);
    CHECK_STATUS(snapshot(&image, &last, &copy), NS_E_STALE);
    disarm();
    CHECK(copy.time_ns[0] == 2 && copy.status[0] == NS_E_STALE && copy.status[2] == NS_E_STALE);
    ns_sample_t sample = {.time_ns = 77};
    intrude(publish, 2, 3);
    CHECK_STATUS(ns_image_read_sample(&image, 0, &sample), NS_E_STALE);
    disarm();
    CHECK(sample.time_ns == 77);
}

static double next_value;

static void write_desired(ns_image_t *self) {
    double values[WRITABLE_COUNT] = {next_value, (double)NAN};
    CHECK_STATUS(ns_image_write_desired(self, values, WRITABLE_COUNT, (uint64_t)next_value), NS_OK);
    next_value += 1.0;
}

static void begin_desired(void) {
    image = create();
    next_value = 5.0;
    write_desired(&image);
}

static bool desired_is_whole(const ns_desired_t *desired) {
    double expected = (double)desired->write_count + 4.0;
    return desired->value >= expected && desired->value <= expected &&
           (double)desired->epoch >= expected && (double)desired->epoch <= expected;
}

static void a_desired_slot_is_old_or_new_at_every_place(void) {
    for (unsigned period = 0; period < 6; period++) {
        for (unsigned nth = 1; nth < 20; nth++) {
            begin_desired();
            ns_desired_t desired = {0};
            intrude(write_desired, nth, period);
            ns_status_t status = ns_image_read_desired(&image, 0, &desired);
            disarm();
            CHECK(status == NS_OK || (status == NS_E_STALE && period > 0));
            CHECK(status == NS_OK ? desired_is_whole(&desired) : desired.write_count == 0);
        }
    }
}

static void a_slot_cut_short_is_stale_until_the_next_write(void) {
    unsigned nth = 1;
    for (bool has_died = true; has_died; nth++) {
        begin_desired();
        ns_desired_t desired = {0};
        has_died = dies_at(write_desired, nth);
        ns_status_t status = ns_image_read_desired(&image, 0, &desired);
        if (nth == 1 || !has_died) {
            CHECK(status == NS_OK && desired.write_count == (has_died ? 1 : 2));
            CHECK(desired_is_whole(&desired));
        } else {
            CHECK(status == NS_E_STALE && desired.write_count == 0);
        }
        next_value = 8.0;
        write_desired(&image);
        CHECK_STATUS(ns_image_read_desired(&image, 0, &desired), NS_OK);
        CHECK_EXACT(desired.value, 8.0);
        CHECK(desired.epoch == 8);
    }
    CHECK(nth == 2 + 4);
}

static void send(ns_image_t *self) {
    ns_request_t request = a_request(1, 50);
    CHECK_STATUS(ns_image_send_request(self, 0, &request, NULL), NS_OK);
}

static void a_request_cut_short_was_never_sent(void) {
    unsigned nth = 1;
    for (bool has_died = true; has_died; nth++) {
        image = create();
        send(&image);
        has_died = dies_at(send, nth);
        send(&image);
        ns_request_t request;
        uint64_t ticket = 0;
        for (uint64_t i = 1; i <= (has_died ? 2U : 3U); i++) {
            CHECK_STATUS(ns_image_take_request(&image, 0, 3, 0, &request, &ticket), NS_OK);
            CHECK(ticket == i && request.device == 1 && request.deadline_ns == 50);
        }
        CHECK_STATUS(ns_image_take_request(&image, 0, 3, 0, &request, &ticket), NS_E_STALE);
    }
    CHECK(nth == 2 + 6); /* the greatest epoch does not change */
}

static ns_request_t taken_request;
static uint64_t taken_ticket;

static void take(ns_image_t *self) {
    (void)ns_image_take_request(self, 0, 4, 0, &taken_request, &taken_ticket);
}

/** A driver that dies while it takes: the next one takes the rest, and nothing twice. */
static void a_take_cut_short_loses_at_most_what_was_taken(void) {
    unsigned nth = 1;
    for (bool has_died = true; has_died; nth++) {
        image = create();
        send(&image); /* of epoch 3: stale */
        ns_request_t good = a_request(0, 50);
        good.epoch = 4;
        uint64_t ticket = 0;
        CHECK_STATUS(ns_image_send_request(&image, 0, &good, &ticket), NS_OK);
        taken_ticket = 0;
        has_died = dies_at(take, nth);
        if (has_died) {
            CHECK(taken_ticket == 0);
            take(&image);
        }
        CHECK(taken_ticket == ticket && taken_request.device == 0);
        int32_t result = 0;
        CHECK_STATUS(ns_image_request_status(&image, 0, 1, &result), NS_E_STALE);
    }
}

static uint32_t next_evidence;

static void put(ns_image_t *self) {
    ns_evidence_t record = evidence_of(NS_CAUSE_SILENCE, next_evidence);
    next_evidence++;
    CHECK_STATUS(ns_image_put_evidence(self, 0, &record), NS_OK);
}

static void put_again(ns_image_t *self) {
    ns_evidence_t record = evidence_of(NS_CAUSE_SILENCE, next_evidence - 1);
    CHECK_STATUS(ns_image_put_evidence(self, 0, &record), NS_OK);
}

enum { ROOM = NS_CAUSE_COUNT * PER_CAUSE };

static ns_evidence_t records[ROOM];

/** All that is read is whole and in order; returns the records, lost ones included. */
static uint64_t read_all(uint32_t *out_count) {
    uint64_t lost = 0;
    CHECK_STATUS(ns_image_read_evidence(&image, 0, 0, records, ROOM, out_count, &lost), NS_OK);
    for (uint32_t i = 0; i < *out_count; i++) {
        CHECK(records[i].point == records[i].time_ns && records[i].bytes[0] == records[i].point);
        CHECK(i == 0 || records[i].sequence > records[i - 1].sequence);
    }
    return *out_count + lost;
}

/** With `before` records in four slots: free slots, then the oldest of the last two is replaced. */
static void evidence_cut_short_is_lost_alone(uint32_t before) {
    unsigned nth = 1;
    for (bool has_died = true; has_died; nth++) {
        image = create();
        next_evidence = 1;
        for (uint32_t i = 0; i < before; i++) {
            put(&image);
        }
        has_died = dies_at(put, nth);
        uint32_t count = 0;
        uint64_t all = read_all(&count);
        bool was_whole_before = has_died && nth == 1;
        CHECK(all == (has_died ? before : before + 1) || count + 1 == PER_CAUSE);
        CHECK(count + 1 >= (before < PER_CAUSE ? before : PER_CAUSE));
        CHECK(!was_whole_before || count == (before < PER_CAUSE ? before : PER_CAUSE));
        put(&image); /* and the next one is as good as ever */
        all = read_all(&count);
        CHECK(records[count - 1].point == before + 2);
        CHECK(all == before + 1 || all == before + 2); /* the dead one counts once it had begun */
        CHECK(records[count - 1].sequence == all);
    }
    CHECK(nth > 2 + 32);
}

/** Whoever dies inside leaves no record behind that could pass for the next one. */
static void evidence_after_one_cut_short_is_read_as_itself(void) {
    unsigned nth = 1;
    for (bool has_died = true; has_died; nth++) {
        image = create();
        next_evidence = 1;
        for (uint32_t i = 0; i < 3; i++) {
            put(&image);
        }
        has_died = dies_at(put, nth);
        CHECK_STATUS(ns_image_mark_durable(&image, 0, 3), NS_OK); /* slots before it are free */
        put(&image);
        uint32_t count = 0;
        uint64_t lost = 0;
        CHECK_STATUS(ns_image_read_evidence(&image, 0, 3, records, ROOM, &count, &lost), NS_OK);
        CHECK(count == (has_died ? 1 : 2) && records[count - 1].point == 5);
    }
    CHECK(nth > 2 + 32);
}

static unsigned put_dies_at;

static void put_in_part(ns_image_t *self) {
    (void)self;
    (void)dies_at(put, put_dies_at);
}

/** A writer that stops at any place inside a reader at any place: a record that stands for two is
 *  read as two, or as gone. */
static void repeats_of_a_record_that_is_replaced_are_its_own(void) {
    for (unsigned nth = 1; nth < 200; nth++) {
        for (put_dies_at = 1; put_dies_at < 2 + 34; put_dies_at++) {
            image = create();
            next_evidence = 1;
            for (uint32_t i = 0; i < PER_CAUSE; i++) {
                put(&image);
                put_again(&image);
            }
            uint32_t count = 0;
            intrude(put_in_part, nth, 0);
            (void)read_all(&count);
            disarm();
            for (uint32_t i = 0; i < count; i++) {
                CHECK(records[i].repeat_count == (records[i].point <= PER_CAUSE ? 1U : 0U));
            }
        }
    }
}

static void evidence_that_is_overtaken_is_whole_or_counted(void) {
    for (unsigned nth = 1; nth < 400; nth++) {
        image = create();
        next_evidence = 1;
        for (uint32_t i = 0; i < PER_CAUSE; i++) {
            put(&image);
        }
        uint32_t count = 0;
        intrude(put, nth, nth % 3 == 0 ? 7 : 0);
        (void)read_all(&count);
        disarm();
        CHECK(count >= PER_CAUSE / 2); /* the first ones are never overwritten */
        uint64_t all = read_all(&count);
        CHECK(all == next_evidence - 1 && count == PER_CAUSE);
    }
}

static void a_repeat_cut_short_or_overtaken_leaves_a_whole_record(void) {
    for (unsigned nth = 1; nth < 80; nth++) {
        image = create();
        next_evidence = 1;
        put(&image);
        bool has_died = dies_at(put_again, nth);
        uint32_t count = 0;
        CHECK(read_all(&count) == 1 && records[0].repeat_count == (has_died ? 0U : 1U));
        intrude(put_again, nth, 0);
        (void)read_all(&count);
        disarm();
        CHECK(count == 1 && records[0].repeat_count <= 2);
    }
}

int main(void) {
    a_publish_cut_short_leaves_the_samples_before_it();
    a_snapshot_that_is_overtaken_is_whole();
    a_reader_that_is_always_overtaken_does_not_spin();
    a_desired_slot_is_old_or_new_at_every_place();
    a_slot_cut_short_is_stale_until_the_next_write();
    a_request_cut_short_was_never_sent();
    a_take_cut_short_loses_at_most_what_was_taken();
    evidence_cut_short_is_lost_alone(0);
    evidence_cut_short_is_lost_alone(2);
    evidence_cut_short_is_lost_alone(9);
    evidence_after_one_cut_short_is_read_as_itself();
    repeats_of_a_record_that_is_replaced_are_its_own();
    evidence_that_is_overtaken_is_whole_or_counted();
    a_repeat_cut_short_or_overtaken_leaves_a_whole_record();
    return 0;
}
