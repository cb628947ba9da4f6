/*
 * The engine and real threads: two drivers step over devices of their own, one of them with a
 * rule on the other's samples; the daemon writes desired values, beats, sends requests and marks
 * evidence durable; a reader takes snapshots. A device sees every value that reaches it: the safe
 * one, that of the rule, or one that the daemon wrote before, in that order of memory. All ends
 * by counts.
 */
#define _POSIX_C_SOURCE 200809L

#include <pthread.h>
#include <sched.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <string.h>

#include "../check.h"
#include "nightside/driver.h"

enum {
    DRIVERS = 2,
    TEMP = 0,
    CAP = 1,
    POINTS_EACH = 2,
    ROUNDS = 20000,
    SAFE = 10,
    RULE = 20,
    FIRST = 1000,       /* desired values: FIRST + the daemon's round */
    HOT_SAMPLES = 1000, /* in a row, so that the other driver meets some of them */
    MEMORY_SIZE = 1 << 20,
    ROOM = 16
};
#define MS 1000000LL

typedef struct device {
    uint32_t number;
    uint32_t reads;
    double cap;
    uint64_t desired_count;
    uint64_t cleared_count;
} device_t;

static alignas(4096) unsigned char memory[MEMORY_SIZE];
static alignas(8) unsigned char driver_memory[DRIVERS][1 << 14];
static ns_image_t image;
static device_t devices[DRIVERS];
static atomic_int drivers_left = DRIVERS;
static atomic_uint daemon_rounds;

/* Plain: the image orders its writing before the reading. */
static uint32_t before_desired[1 << 22];
enum { DAEMON_ROUNDS_MAX = (1 << 22) - 1 };

static ns_status_t read_channel(void *ctx, uint32_t channel, double *out_value) {
    device_t *self = ctx;
    if (channel == CAP) {
        *out_value = self->cap;
        return NS_OK;
    }
    self->reads++;
    if (self->reads % 97 == 0) {
        return NS_E_NACK;
    }
    *out_value = self->reads / HOT_SAMPLES % 4 == 1 ? 100.0 : 40.0;
    return NS_OK;
}

static ns_status_t write_channel(void *ctx, uint32_t channel, double value) {
    device_t *self = ctx;
    CHECK(channel == CAP);
    self->cap = value;
    if (value >= FIRST) {
        uint32_t round = (uint32_t)value - FIRST;
        CHECK(before_desired[round] == round);
        self->desired_count++;
        return NS_OK;
    }
    bool is_held = (value >= SAFE && value <= SAFE) || (value >= RULE && value <= RULE);
    CHECK(is_held);
    return NS_OK;
}

static uint32_t alarm_of(void *ctx) {
    const device_t *self = ctx;
    return self->reads / 512U; /* a new fault now and then */
}

static ns_status_t capture(void *ctx, uint8_t *out, size_t capacity, size_t *out_size) {
    const device_t *self = ctx;
    CHECK(capacity >= sizeof self->number);
    memcpy(out, &self->number, sizeof self->number);
    *out_size = sizeof self->number;
    return NS_OK;
}

static ns_status_t request(void *ctx, ns_request_kind_t kind) {
    device_t *self = ctx;
    CHECK(kind == NS_REQUEST_CLEAR);
    self->cleared_count++;
    return NS_OK;
}

static const ns_device_ops_t ops = {.abi = NS_DEVICE_OPS_ABI,
                                    .name = "threads",
                                    .read = read_channel,
                                    .write = write_channel,
                                    .alarm = alarm_of,
                                    .capture = capture,
                                    .request = request};

static void create(void) {
    static ns_point_t points[DRIVERS * POINTS_EACH];
    static ns_driver_entry_t drivers[DRIVERS];
    static ns_reflex_t rules[DRIVERS];
    for (uint32_t i = 0; i < DRIVERS * POINTS_EACH; i++) {
        points[i] = (ns_point_t){.name = "p",
                                 .driver = i / POINTS_EACH,
                                 .channel = i % POINTS_EACH,
                                 .period_ns = MS,
                                 .is_writable = i % POINTS_EACH == CAP,
                                 .high = 1e9,
                                 .safe = SAFE,
                                 .lease_ns = i % POINTS_EACH == CAP ? 50 * MS : 0};
    }
    for (uint32_t i = 0; i < DRIVERS; i++) { /* each driver watches the other's temperature */
        drivers[i] = (ns_driver_entry_t){.name = "d", .device_count = 1, .retry_count = 1};
        rules[i] = (ns_reflex_t){.point = (1 - i) * POINTS_EACH + TEMP,
                                 .action_point = i * POINTS_EACH + CAP,
                                 .threshold = 85.0,
                                 .persistence_ns = MS,
                                 .max_age_ns = 1000 * MS,
                                 .action_value = RULE};
    }
    ns_image_config_t config = {.points = points,
                                .point_count = DRIVERS * POINTS_EACH,
                                .drivers = drivers,
                                .driver_count = DRIVERS,
                                .reflexes = rules,
                                .reflex_count = DRIVERS};
    CHECK_STATUS(ns_image_create(memory, sizeof memory, &config, &image), NS_OK);
}

static void *run_driver(void *argument) {
    device_t *device = argument;
    ns_driver_t *driver = NULL;
    ns_device_t row = {.ops = &ops, .ctx = device};
    uint32_t index = device->number;
    CHECK_STATUS(ns_driver_open(driver_memory[index], sizeof driver_memory[index], &image, index,
                                &row, 1, NULL, &driver),
                 NS_OK);
    for (int64_t round = 1; round <= ROUNDS; round++) {
        ns_status_t status = ns_driver_step(driver, round * MS);
        CHECK(status == NS_OK);
        if (round % 16 == 0) {
            (void)sched_yield();
        }
    }
    ns_driver_close(driver);
    atomic_fetch_sub(&drivers_left, 1);
    return NULL;
}

static void ask(uint32_t driver, uint32_t round) {
    uint64_t ticket = 0;
    ns_request_t wanted = {.kind = round % 2 == 0 ? NS_REQUEST_REARM : NS_REQUEST_CLEAR,
                           .device = round % 2 == 0 ? UINT32_MAX : 0,
                           .epoch = round,
                           .deadline_ns = ROUNDS * MS};
    (void)ns_image_send_request(&image, driver, &wanted, &ticket); /* a full ring is no matter */
}

static void keep(uint32_t driver, uint64_t *last) {
    ns_evidence_t records[ROOM];
    uint32_t count = 0;
    uint64_t lost = 0;
    CHECK_STATUS(ns_image_read_evidence(&image, driver, *last, records, ROOM, &count, &lost),
                 NS_OK);
    for (uint32_t i = 0; i < count; i++) {
        bool is_own = records[i].size == 0 || records[i].bytes[0] == driver;
        CHECK(is_own && records[i].sequence > *last);
        *last = records[i].sequence;
    }
    if (count > 0) {
        CHECK_STATUS(ns_image_mark_durable(&image, driver, *last), NS_OK);
    }
}

static void *run_daemon(void *argument) {
    (void)argument;
    uint64_t last[DRIVERS] = {0};
    for (uint32_t round = 1; atomic_load(&drivers_left) > 0; round++) {
        if (round <= DAEMON_ROUNDS_MAX) {
            double values[DRIVERS] = {FIRST + round, FIRST + round};
            before_desired[round] = round;
            CHECK_STATUS(ns_image_write_desired(&image, values, DRIVERS, round), NS_OK);
            CHECK_STATUS(ns_image_beat(&image, round), NS_OK);
            atomic_store_explicit(&daemon_rounds, round, memory_order_relaxed);
        }
        for (uint32_t i = 0; i < DRIVERS; i++) {
            ask(i, round);
            keep(i, &last[i]);
        }
        (void)sched_yield();
    }
    return NULL;
}

static void *run_reader(void *argument) {
    (void)argument;
    double values[2][DRIVERS * POINTS_EACH];
    int64_t time_ns[2][DRIVERS * POINTS_EACH];
    int32_t status[2][DRIVERS * POINTS_EACH];
    uint32_t flags[2][DRIVERS * POINTS_EACH];
    ns_samples_t last = {values[1], time_ns[1], status[1], flags[1]};
    ns_samples_clear(&last, DRIVERS * POINTS_EACH);
    while (atomic_load(&drivers_left) > 0) {
        (void)ns_image_snapshot(&image, &last, values[0], time_ns[0], status[0], flags[0]);
        for (uint32_t i = TEMP; i < DRIVERS * POINTS_EACH; i += POINTS_EACH) {
            bool is_known = time_ns[0][i] == 0 || values[0][i] >= 100.0 || values[0][i] <= 40.0;
            CHECK(is_known);
        }
        (void)sched_yield();
    }
    return NULL;
}

int main(void) {
    pthread_t threads[DRIVERS + 2];
    create();
    for (uint32_t i = 0; i < DRIVERS; i++) {
        devices[i].number = i;
        CHECK(pthread_create(&threads[i], NULL, run_driver, &devices[i]) == 0);
    }
    CHECK(pthread_create(&threads[DRIVERS], NULL, run_daemon, NULL) == 0);
    CHECK(pthread_create(&threads[DRIVERS + 1], NULL, run_reader, NULL) == 0);
    for (uint32_t i = 0; i < DRIVERS + 2; i++) {
        CHECK(pthread_join(threads[i], NULL) == 0);
    }
    for (uint32_t i = 0; i < DRIVERS; i++) { /* all that was to meet has met */
        ns_health_t health;
        CHECK_STATUS(ns_image_health(&image, i, &health), NS_OK);
        CHECK(devices[i].desired_count > 10 && devices[i].cleared_count > 0);
        CHECK(health.reflex_trip_count > 0 && health.poll_count == ROUNDS);
    }
    return 0;
}
