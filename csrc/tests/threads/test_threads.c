/*
 * Image and real threads: two drivers publish, keep evidence and take requests; the daemon writes
 * desired values, requests and durable marks; readers take snapshots. Every payload follows from
 * one counter, so that a torn one shows. Beside each of them a plain variable is written before and
 * read after: ThreadSanitizer reports it when the image does not order the two.
 *
 * Compiled with NS_BROKEN_ONE_BANK this program must find torn samples; with
 * NS_BROKEN_RELEASE_ORDER ThreadSanitizer must find races. With NS_TEST_SEAMS each thread gives way
 * in the midst of its accesses, so that one core is enough. All ends by counts, never by time.
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

#include "../check.h"
#include "nightside/device.h"
#include "nightside/image.h"

enum {
    DRIVERS = 2,
    POINTS_EACH = 48,
    WRITABLE_EACH = 4,
    POINTS = DRIVERS * POINTS_EACH,
    WRITABLE = DRIVERS * WRITABLE_EACH,
    ROUNDS = 40000,
    READERS = 2,
    MEMORY_SIZE = 512 * 1024,
    ROOM = 16
};

static alignas(4096) unsigned char memory[MEMORY_SIZE];
static ns_image_t image;
static atomic_int drivers_left = DRIVERS;

/* Plain: what the image orders. Each element is written once. */
static uint32_t before_publish[DRIVERS][ROUNDS + 1];
static uint32_t before_evidence[DRIVERS][ROUNDS + 1];
static uint32_t before_request[DRIVERS][ROUNDS + 1];
static uint32_t before_desired[ROUNDS + 1];
static uint32_t before_mark[DRIVERS][ROUNDS + 1];

#ifdef NS_TEST_SEAMS
void ns_test_seam(bool is_store);

/** 61 is prime to the words of a bank: in the long run every place is met. */
void ns_test_seam(bool is_store) {
    static _Thread_local unsigned access_count;
    (void)is_store;
    access_count++;
    if (access_count % 61 == 0) {
        (void)sched_yield();
    }
}
#endif

static void create(void) {
    static ns_point_t points[POINTS];
    for (uint32_t i = 0; i < POINTS; i++) {
        points[i] = (ns_point_t){.name = "p", .driver = i / POINTS_EACH, .period_ns = 1};
        points[i].is_writable = i % POINTS_EACH < WRITABLE_EACH;
        points[i].high = 1e9;
    }
    ns_driver_entry_t drivers[DRIVERS] = {{.name = "a", .device_count = 1},
                                          {.name = "b", .device_count = 1}};
    ns_image_config_t config = {
        .points = points, .drivers = drivers, .point_count = POINTS, .driver_count = DRIVERS};
    CHECK_STATUS(ns_image_create(memory, sizeof memory, &config, &image), NS_OK);
}

static void publish(uint32_t driver, uint32_t round) {
    double values[POINTS_EACH];
    int64_t time_ns[POINTS_EACH];
    int32_t status[POINTS_EACH];
    uint32_t flags[POINTS_EACH];
    for (uint32_t i = 0; i < POINTS_EACH; i++) {
        values[i] = round + i;
        time_ns[i] = round;
        status[i] = -(int32_t)round;
        flags[i] = round ^ i;
    }
    ns_samples_t samples = {values, time_ns, status, flags};
    before_publish[driver][round] = round;
    CHECK_STATUS(ns_image_publish(&image, driver, &samples), NS_OK);
}

static void put_evidence(uint32_t driver, uint32_t round) {
    static uint32_t given[DRIVERS]; /* of each driver its own thread's */
    ns_evidence_t record = {.time_ns = round, .cause = round % NS_CAUSE_COUNT, .point = round};
    record.size = sizeof round;
    memcpy(record.bytes, &round, sizeof round);
    before_evidence[driver][given[driver] + 1] = round;
    CHECK_STATUS(ns_image_put_evidence(&image, driver, &record), NS_OK);
    given[driver]++;
    CHECK(record.sequence == given[driver]);
    uint64_t durable = ns_image_durable(&image, driver);
    CHECK(durable == 0 || before_mark[driver][durable] == durable);
}

static void take_requests(uint32_t driver) {
    ns_request_t request;
    uint64_t ticket = 0;
    while (ns_image_take_request(&image, driver, 0, 0, &request, &ticket) == NS_OK) {
        bool request_is_whole = request.deadline_ns == (int64_t)ticket && request.epoch == ticket &&
                                before_request[driver][ticket] == ticket;
        CHECK(request_is_whole);
        CHECK_STATUS(ns_image_finish_request(&image, driver, ticket, NS_E_BUSY), NS_OK);
    }
}

static void read_desired(uint32_t driver) {
    for (uint32_t i = driver * WRITABLE_EACH; i < (driver + 1) * WRITABLE_EACH; i++) {
        ns_desired_t desired;
        if (ns_image_read_desired(&image, i, &desired) == NS_OK && desired.write_count > 0) {
            uint64_t round = desired.write_count;
            bool desired_is_whole =
                desired.epoch == round && (uint64_t)desired.value == 10 * round + i;
            CHECK(desired_is_whole && before_desired[round] == round);
        }
    }
}

static void read_the_other(uint32_t driver) {
    ns_sample_t sample;
    uint32_t other = (driver + 1) % DRIVERS;
    if (ns_image_read_sample(&image, other * POINTS_EACH + 7, &sample) == NS_OK &&
        sample.time_ns > 0) {
        bool sample_is_whole = (int64_t)sample.value == sample.time_ns + 7 &&
                               sample.status == -sample.time_ns &&
                               before_publish[other][sample.time_ns] == sample.time_ns;
        CHECK(sample_is_whole);
    }
}

static void *run_driver(void *argument) {
    uint32_t driver = *(const uint32_t *)argument;
    for (uint32_t round = 1; round <= ROUNDS; round++) {
        publish(driver, round);
        if (round % 8 == 0) {
            ns_health_t health = {.poll_count = round, .last_poll_ns = round};
            CHECK_STATUS(ns_image_set_health(&image, driver, &health), NS_OK);
            put_evidence(driver, round);
            take_requests(driver);
            read_desired(driver);
            read_the_other(driver);
        }
    }
    atomic_fetch_sub(&drivers_left, 1);
    return NULL;
}

static void send_request(uint32_t driver, uint32_t *sent) {
    uint32_t next = *sent + 1;
    if (next > ROUNDS) {
        return;
    }
    ns_request_t request = {
        .kind = NS_REQUEST_CLEAR, .device = 0, .epoch = next, .deadline_ns = next};
    uint64_t ticket = 0;
    before_request[driver][next] = next; /* of a full ring: the same is written again */
    if (ns_image_send_request(&image, driver, &request, &ticket) == NS_OK) {
        CHECK(ticket == next);
        *sent = next;
        int32_t status = 0;
        ns_status_t answer = ns_image_request_status(&image, driver, ticket, &status);
        CHECK(answer == NS_E_BUSY || (answer == NS_OK && status == NS_E_BUSY));
    }
}

typedef struct reading {
    uint64_t last;
    uint64_t count;
    uint64_t lost;
} reading_t;

static void read_evidence(uint32_t driver, reading_t *reading) {
    ns_evidence_t records[ROOM];
    uint32_t count = 0;
    uint64_t lost = 0;
    CHECK_STATUS(
        ns_image_read_evidence(&image, driver, reading->last, records, ROOM, &count, &lost), NS_OK);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t round = 0;
        memcpy(&round, records[i].bytes, sizeof round);
        bool evidence_is_whole = records[i].point == round && records[i].time_ns == round &&
                                 before_evidence[driver][records[i].sequence] == round;
        CHECK(evidence_is_whole && records[i].sequence > reading->last);
        reading->last = records[i].sequence;
    }
    reading->count += count;
    reading->lost += lost;
    if (count > 0) {
        before_mark[driver][reading->last] = (uint32_t)reading->last;
        CHECK_STATUS(ns_image_mark_durable(&image, driver, reading->last), NS_OK);
    }
}

static void write_desired(uint32_t round) {
    double values[WRITABLE];
    for (uint32_t i = 0; i < WRITABLE; i++) {
        values[i] = 10.0 * round + i;
    }
    before_desired[round] = round;
    CHECK_STATUS(ns_image_write_desired(&image, values, WRITABLE, round), NS_OK);
    CHECK_STATUS(ns_image_beat(&image, round), NS_OK);
}

static void *run_daemon(void *argument) {
    (void)argument;
    uint32_t sent[DRIVERS] = {0};
    reading_t readings[DRIVERS] = {{0}};
    for (uint32_t round = 1; atomic_load(&drivers_left) > 0; round++) {
        if (round <= ROUNDS) {
            write_desired(round);
        }
        for (uint32_t i = 0; i < DRIVERS; i++) {
            send_request(i, &sent[i]);
            read_evidence(i, &readings[i]);
        }
        (void)sched_yield();
    }
    for (uint32_t i = 0; i < DRIVERS; i++) {
        for (uint64_t before = UINT64_MAX; before != readings[i].last;) {
            before = readings[i].last;
            read_evidence(i, &readings[i]);
        }
        CHECK(readings[i].last == ROUNDS / 8);
        CHECK(readings[i].count + readings[i].lost == ROUNDS / 8);
    }
    return NULL;
}

/** The round of one driver's samples, which all belong together; 0 for never sampled. */
static uint32_t whole_round(const double *values, const int64_t *time_ns, const int32_t *status,
                            const uint32_t *flags) {
    int64_t round = time_ns[0];
    for (uint32_t i = 0; i < POINTS_EACH && round > 0; i++) {
        bool sample_is_whole = time_ns[i] == round && (int64_t)values[i] == round + i &&
                               status[i] == -round && flags[i] == ((uint32_t)round ^ i);
        CHECK(sample_is_whole);
    }
    return (uint32_t)round;
}

static void *run_reader(void *argument) {
    (void)argument;
    double values[2][POINTS];
    int64_t time_ns[2][POINTS];
    int32_t status[2][POINTS];
    uint32_t flags[2][POINTS];
    ns_samples_t last = {values[1], time_ns[1], status[1], flags[1]};
    ns_samples_clear(&last, POINTS);
    uint32_t before[DRIVERS] = {0};
    bool is_last = false;
    while (!is_last) {
        is_last = atomic_load(&drivers_left) == 0;
        ns_status_t result =
            ns_image_snapshot(&image, &last, values[0], time_ns[0], status[0], flags[0]);
        CHECK(result == NS_OK || result == NS_E_STALE);
        for (uint32_t i = 0; i < DRIVERS; i++) {
            uint32_t at = i * POINTS_EACH;
            uint32_t round =
                whole_round(&values[1][at], &time_ns[1][at], &status[1][at], &flags[1][at]);
            CHECK(round >= before[i] && before_publish[i][round] == round);
            before[i] = round;
        }
    }
    CHECK(before[0] == ROUNDS && before[1] == ROUNDS);
    return NULL;
}

int main(void) {
    create();
    static uint32_t numbers[DRIVERS] = {0, 1};
    pthread_t threads[DRIVERS + READERS + 1];
    size_t count = 0;
    CHECK(pthread_create(&threads[count++], NULL, run_daemon, NULL) == 0);
    for (int i = 0; i < READERS; i++) {
        CHECK(pthread_create(&threads[count++], NULL, run_reader, NULL) == 0);
    }
    for (int i = 0; i < DRIVERS; i++) {
        CHECK(pthread_create(&threads[count++], NULL, run_driver, &numbers[i]) == 0);
    }
    for (size_t i = 0; i < count; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    return 0;
}
