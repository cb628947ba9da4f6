#include "nightside/codec.h"
#include "test_image_fixture.h"

enum { A = 0, ROOM = NS_CAUSE_COUNT * PER_CAUSE };

static ns_evidence_t records[ROOM];
static uint32_t count;
static uint64_t lost;

static uint64_t put(const ns_image_t *image, uint32_t cause, uint32_t number) {
    ns_evidence_t record = evidence_of(cause, number);
    CHECK_STATUS(ns_image_put_evidence(image, A, &record), NS_OK);
    return record.sequence;
}

static void read_after(const ns_image_t *image, uint64_t after) {
    CHECK_STATUS(ns_image_read_evidence(image, A, after, records, ROOM, &count, &lost), NS_OK);
    uint64_t before = after;
    for (uint32_t i = 0; i < count; i++) {
        CHECK(records[i].sequence > before);
        CHECK(records[i].crc32c ==
              ns_crc32c(0, (const uint8_t *)&records[i], offsetof(ns_evidence_t, crc32c)));
        before = records[i].sequence;
    }
}

static void what_is_put_is_what_is_read_in_order(void) {
    ns_image_t image = create();
    read_after(&image, 0);
    CHECK(count == 0 && lost == 0);
    for (uint32_t i = 0; i < 6; i++) {
        CHECK(put(&image, (5 + 3 * i) % NS_CAUSE_COUNT, i) == i + 1);
    }
    read_after(&image, 0);
    CHECK(count == 6 && lost == 0);
    for (uint32_t i = 0; i < 6; i++) {
        const ns_evidence_t *record = &records[i];
        CHECK(record->sequence == i + 1 && record->point == i && record->time_ns == i);
        CHECK(record->cause == (5 + 3 * i) % NS_CAUSE_COUNT && record->repeat_count == 0);
        CHECK(record->size == 4 && record->bytes[0] == i && record->bytes[143] == 0);
        CHECK_EXACT(record->value, (double)i);
    }
    read_after(&image, 4);
    CHECK(count == 2 && lost == 0 && records[0].sequence == 5);
    CHECK_STATUS(ns_image_read_evidence(&image, A, 0, records, 2, &count, &lost), NS_OK);
    CHECK(count == 2 && lost == 0 && records[1].sequence == 2);
    read_after(&image, UINT64_MAX);
    CHECK(count == 0 && lost == 0);
}

static void the_first_and_the_last_of_a_cause_are_kept_and_the_rest_counted(void) {
    ns_image_t image = create();
    for (uint32_t i = 1; i <= 10; i++) {
        (void)put(&image, NS_CAUSE_SILENCE, i);
    }
    (void)put(&image, NS_CAUSE_LAPSE, 11); /* another cause has room of its own */
    read_after(&image, 0);
    static const uint64_t kept[] = {1, 2, 9, 10, 11};
    CHECK(count == 5 && lost == 6);
    for (uint32_t i = 0; i < 5; i++) {
        CHECK(records[i].sequence == kept[i]);
    }
    uint64_t losses[NS_CAUSE_COUNT];
    CHECK_STATUS(ns_image_evidence_losses(&image, A, losses), NS_OK);
    for (uint32_t i = 0; i < NS_CAUSE_COUNT; i++) {
        CHECK(losses[i] == (i == NS_CAUSE_SILENCE ? 6U : 0U));
    }
}

/** Losses behind the last record copied are told with the next one: never twice. */
static void each_loss_is_told_once(void) {
    ns_image_t image = create();
    uint64_t told = 0;
    uint64_t after = 0;
    uint64_t got = 0;
    for (uint32_t i = 1; i <= 40; i++) {
        (void)put(&image, i % 2, i);
        if (i % 13 == 0 || i == 40) {
            do {
                CHECK_STATUS(ns_image_read_evidence(&image, A, after, records, 3, &count, &lost),
                             NS_OK);
                told += lost;
                got += count;
                after = count > 0 ? records[count - 1].sequence : after;
            } while (count > 0);
        }
    }
    CHECK(after == 40 && got + told == 40 && told > 0);
}

static void what_is_durable_makes_room(void) {
    ns_image_t image = create();
    CHECK(ns_image_durable(&image, A) == 0);
    for (uint32_t i = 1; i <= PER_CAUSE; i++) {
        (void)put(&image, NS_CAUSE_REFLEX, i);
    }
    CHECK_STATUS(ns_image_mark_durable(&image, A, PER_CAUSE + 1), NS_E_ARG);
    CHECK_STATUS(ns_image_mark_durable(&image, A, 3), NS_OK);
    CHECK_STATUS(ns_image_mark_durable(&image, A, 2), NS_OK); /* a mark never goes back */
    CHECK(ns_image_durable(&image, A) == 3);
    for (uint32_t i = 5; i <= 7; i++) {
        (void)put(&image, NS_CAUSE_REFLEX, i);
    }
    read_after(&image, 3);
    CHECK(count == 4 && lost == 0 && records[0].sequence == 4);
    uint64_t losses[NS_CAUSE_COUNT];
    CHECK_STATUS(ns_image_evidence_losses(&image, A, losses), NS_OK);
    CHECK(losses[NS_CAUSE_REFLEX] == 0);
    (void)put(&image, NS_CAUSE_REFLEX, 8);
    read_after(&image, 3);
    CHECK(count == 4 && lost == 1); /* 5 and 6 stand in the kept half, 4 had to go */
    CHECK(records[0].sequence == 5 && records[1].sequence == 6);
}

static void the_same_again_is_folded(void) {
    ns_image_t image = create();
    ns_evidence_t record = evidence_of(NS_CAUSE_SILENCE, 7);
    CHECK_STATUS(ns_image_put_evidence(&image, A, &record), NS_OK);
    for (int i = 0; i < 2; i++) {
        record = evidence_of(NS_CAUSE_SILENCE, 7);
        record.time_ns = 99; /* the first time stands */
        CHECK_STATUS(ns_image_put_evidence(&image, A, &record), NS_OK);
        CHECK(record.sequence == 1 && record.time_ns == 7);
    }
    (void)put(&image, NS_CAUSE_LAPSE, 7);
    read_after(&image, 0);
    CHECK(count == 2 && records[0].repeat_count == 2 && records[1].repeat_count == 0);
    CHECK_STATUS(ns_image_mark_durable(&image, A, 2), NS_OK);
    CHECK(put(&image, NS_CAUSE_SILENCE, 7) == 3); /* what is stored does not change any more */
    read_after(&image, 2);
    CHECK(count == 1 && records[0].repeat_count == 0 && lost == 0);
}

static void what_differs_is_not_folded(void) {
#define DIFFERENT(field, wrong)                                                                    \
    do {                                                                                           \
        ns_image_t image_ = create();                                                              \
        CHECK(put(&image_, NS_CAUSE_REPAIR, 7) == 1);                                              \
        ns_evidence_t record_ = evidence_of(NS_CAUSE_REPAIR, 7);                                   \
        record_.field = (wrong);                                                                   \
        CHECK_STATUS(ns_image_put_evidence(&image_, A, &record_), NS_OK);                          \
        CHECK(record_.sequence == 2);                                                              \
    } while (0)
    DIFFERENT(device, 1);
    DIFFERENT(point, 1);
    DIFFERENT(status, NS_E_IO);
    DIFFERENT(size, 3);
    DIFFERENT(bytes[3], 1);
    DIFFERENT(cause, NS_CAUSE_REQUEST);
}

/** A flipped bit of a record: that record is gone and counted, all others are whole. */
static void damage_is_noticed_and_counted(void) {
    ns_image_t image = create();
    size_t offset = 0;
    size_t size = 0;
    CHECK_STATUS(ns_image_driver_range(&image, A, &offset, &size), NS_OK);
    unsigned damaged = 0;
    for (size_t i = offset + 256; i < offset + size; i += 3) {
        image = create();
        for (uint32_t k = 1; k <= 3; k++) {
            (void)put(&image, NS_CAUSE_SILENCE, k);
        }
        memory[i] ^= 0x10;
        read_after(&image, 0);
        CHECK(count + lost == 3 || (count == 2 && lost == 0)); /* the last one is told later */
        damaged += count == 2;
        for (uint32_t k = 0; k < count; k++) {
            CHECK(records[k].point == records[k].sequence);
            CHECK(records[k].bytes[0] == records[k].sequence);
        }
        (void)put(&image, NS_CAUSE_LAPSE, 4);
        read_after(&image, 0);
        CHECK(count + lost == 4);
    }
    CHECK(damaged > 3 * 200 / 3); /* most bytes of three records */
}

/** A record of another version: whole by its CRC, and still not believed. */
static void a_whole_record_that_cannot_be_is_not_copied(void) {
    static const size_t fields[] = {offsetof(ns_evidence_t, size), offsetof(ns_evidence_t, cause)};
    for (size_t i = 0; i < 2; i++) {
        ns_image_t image = create();
        ns_evidence_t record = evidence_of(NS_CAUSE_SILENCE, 0x7A7A7A7A);
        CHECK_STATUS(ns_image_put_evidence(&image, A, &record), NS_OK);
        unsigned char *at = memory;
        while (memcmp(at, &record, sizeof record) != 0) {
            at += 8;
        }
        at[fields[i]] = 200;
        uint32_t crc = ns_crc32c(0, at, offsetof(ns_evidence_t, crc32c));
        memcpy(at + offsetof(ns_evidence_t, crc32c), &crc, sizeof crc);
        read_after(&image, 0);
        CHECK(count == 0);
    }
}

/** A sequence that no driver gave does not keep its slot for ever. */
static void a_slot_with_a_sequence_ahead_is_free(void) {
    ns_image_t image = create();
    int64_t mark = 0x123456789ABCDEF;
    ns_evidence_t record = evidence_of(NS_CAUSE_SILENCE, 1);
    record.time_ns = mark;
    CHECK_STATUS(ns_image_put_evidence(&image, A, &record), NS_OK);
    size_t at = 8;
    while (memcmp(memory + at, &mark, sizeof mark) != 0) {
        at += 8;
    }
    memory[at - 1] = 0x40; /* the sequence stands before the time */
    for (uint32_t i = 2; i <= PER_CAUSE + 1; i++) {
        CHECK(put(&image, NS_CAUSE_SILENCE, i) == i);
    }
    read_after(&image, 0);
    CHECK(count == PER_CAUSE && lost == 1);
    uint64_t losses[NS_CAUSE_COUNT];
    CHECK_STATUS(ns_image_evidence_losses(&image, A, losses), NS_OK);
    CHECK(losses[NS_CAUSE_SILENCE] == 0); /* nothing was overwritten */
}

/** A durable mark that no driver gave frees nothing. */
static void a_mark_that_cannot_be_does_not_count(void) {
    ns_image_t image = create();
    (void)put(&image, NS_CAUSE_SILENCE, 1);
    CHECK_STATUS(ns_image_mark_durable(&image, A, 1), NS_OK);
    size_t offset = 0;
    size_t size = 0;
    CHECK_STATUS(ns_image_driver_range(&image, A, &offset, &size), NS_OK);
    memset(memory + offset + 16, 0, 8); /* the driver's count of sequences */
    CHECK(ns_image_durable(&image, A) == 0);
    CHECK(put(&image, NS_CAUSE_SILENCE, 2) == 1);
}

static void evidence_checks_its_arguments(void) {
    ns_image_t image = create();
    ns_evidence_t record = evidence_of(NS_CAUSE_COUNT, 1);
    CHECK_STATUS(ns_image_put_evidence(&image, A, &record), NS_E_ARG);
    record = evidence_of(NS_CAUSE_LAPSE, 1);
    record.size = 145;
    CHECK_STATUS(ns_image_put_evidence(&image, A, &record), NS_E_ARG);
    record.size = 144;
    CHECK_STATUS(ns_image_put_evidence(&image, DRIVER_COUNT, &record), NS_E_ARG);
    CHECK_STATUS(ns_image_put_evidence(NULL, A, &record), NS_E_ARG);
    CHECK_STATUS(ns_image_put_evidence(&image, A, NULL), NS_E_ARG);
    CHECK_STATUS(ns_image_put_evidence(&image, A, &record), NS_OK);
    CHECK_STATUS(ns_image_read_evidence(NULL, A, 0, records, ROOM, &count, &lost), NS_E_ARG);
    CHECK_STATUS(ns_image_read_evidence(&image, A, 0, NULL, ROOM, &count, &lost), NS_E_ARG);
    CHECK_STATUS(ns_image_read_evidence(&image, A, 0, records, 0, &count, &lost), NS_E_ARG);
    CHECK_STATUS(ns_image_read_evidence(&image, A, 0, records, ROOM, NULL, &lost), NS_E_ARG);
    CHECK_STATUS(ns_image_read_evidence(&image, A, 0, records, ROOM, &count, NULL), NS_E_ARG);
    CHECK_STATUS(ns_image_mark_durable(NULL, A, 0), NS_E_ARG);
    CHECK(ns_image_durable(NULL, A) == 0 && ns_image_durable(&image, DRIVER_COUNT) == 0);
    CHECK_STATUS(ns_image_evidence_losses(&image, A, NULL), NS_E_ARG);
    uint64_t losses[NS_CAUSE_COUNT];
    CHECK_STATUS(ns_image_evidence_losses(&image, DRIVER_COUNT, losses), NS_E_ARG);
}

int main(void) {
    what_is_put_is_what_is_read_in_order();
    the_first_and_the_last_of_a_cause_are_kept_and_the_rest_counted();
    each_loss_is_told_once();
    what_is_durable_makes_room();
    the_same_again_is_folded();
    what_differs_is_not_folded();
    damage_is_noticed_and_counted();
    a_whole_record_that_cannot_be_is_not_copied();
    a_slot_with_a_sequence_ahead_is_free();
    a_mark_that_cannot_be_does_not_count();
    evidence_checks_its_arguments();
    return 0;
}
