/* Rules below a threshold, rules on points of another driver, rules at 1 ms polls. */
#include <string.h>

#include "bench.h"
#include "check.h"

/* Driver "loop": flow, polled each 100 ms. Driver "accel": temp, cap, each 10 ms. Lost flow, below
 * 0.1 kg/s for 200 ms, caps at 100 W; so does a rule of its own, temp above 85. */
enum { FLOW, CORE_TEMP, CORE_CAP, NODE_POINT_COUNT };

#define LOOP_PERIOD (100 * MS)
#define STEP (10 * MS)

typedef struct node {
    ns_image_t image;
    ns_driver_t *loop;
    ns_driver_t *accel;
    fake_device_t loop_device;
    fake_device_t accel_device;
    int64_t now_ns;
    int64_t loop_offset_ns; /* the clocks of two processes need not agree */
    bool is_loop_stalled;
} node_t;

static node_t the_node;

static node_t *node_open(void) {
    static const ns_point_t points[NODE_POINT_COUNT] = {
        {.name = "flow", .driver = 0, .channel = 0, .period_ns = LOOP_PERIOD},
        {.name = "temp", .driver = 1, .channel = 0, .period_ns = STEP},
        {.name = "cap",
         .driver = 1,
         .channel = 1,
         .period_ns = STEP,
         .is_writable = 1,
         .low = 100,
         .high = 700,
         .tolerance = 0.5}};
    static const ns_driver_entry_t drivers[2] = {
        {.name = "loop", .device_count = 1},
        {.name = "accel", .device_count = 1, .backoff_max_ns = 100000 * MS}};
    static const ns_reflex_t rules[2] = {{.point = FLOW,
                                          .action_point = CORE_CAP,
                                          .comparison = NS_BELOW,
                                          .threshold = 0.1,
                                          .persistence_ns = 200 * MS,
                                          .max_age_ns = 500 * MS,
                                          .action_value = 100},
                                         {.point = CORE_TEMP,
                                          .action_point = CORE_CAP,
                                          .threshold = 85,
                                          .persistence_ns = 20 * MS,
                                          .action_value = 100}};
    ns_image_config_t config = {.points = points,
                                .drivers = drivers,
                                .reflexes = rules,
                                .point_count = NODE_POINT_COUNT,
                                .driver_count = 2,
                                .reflex_count = 2};
    node_t *node = &the_node;
    memset(node, 0, sizeof *node);
    bench_open_image(&config, &node->image);
    ns_device_t loop = {.ops = &fake_ops, .ctx = &node->loop_device};
    ns_device_t accel = {.ops = &fake_ops, .ctx = &node->accel_device};
    node->loop = bench_open_driver(&node->image, 0, &loop, 1, NULL);
    node->accel = bench_open_driver(&node->image, 1, &accel, 1, NULL);
    node->loop_device.value[0] = 0.5;
    node->accel_device.value[0] = 60;
    node->accel_device.value[1] = 700;
    double desired = 650;
    CHECK_STATUS(ns_image_write_desired(&node->image, &desired, 1, 1), NS_OK);
    return node;
}

static void run(node_t *node, int64_t duration_ns) {
    for (int64_t end_ns = node->now_ns + duration_ns; node->now_ns < end_ns; node->now_ns += STEP) {
        if (!node->is_loop_stalled) {
            CHECK_STATUS(ns_driver_step(node->loop, node->now_ns + node->loop_offset_ns), NS_OK);
        }
        CHECK_STATUS(ns_driver_step(node->accel, node->now_ns), NS_OK);
    }
}

static double node_cap(const node_t *node) {
    return node->accel_device.value[1];
}

static uint64_t trips(const node_t *node) {
    ns_health_t health;
    CHECK_STATUS(ns_image_health(&node->image, 1, &health), NS_OK);
    return health.reflex_trip_count;
}

static node_t *node_flying(void) {
    node_t *node = node_open();
    run(node, 1000 * MS);
    CHECK_EXACT(node_cap(node), 650);
    CHECK(trips(node) == 0);
    return node;
}

static void lost_flow_lowers_the_cap(void) {
    node_t *node = node_flying();
    node->loop_device.value[0] = 0.05;
    run(node, 200 * MS); /* seen at 0 and 100 ms */
    CHECK_EXACT(node_cap(node), 650);
    run(node, STEP); /* 200 ms */
    CHECK_EXACT(node_cap(node), 100);
    ns_evidence_t record;
    uint32_t count = 0;
    uint64_t lost = 0;
    CHECK_STATUS(ns_image_read_evidence(&node->image, 1, 0, &record, 1, &count, &lost), NS_OK);
    CHECK(count == 1 && record.cause == NS_CAUSE_REFLEX && record.point == FLOW);
    CHECK(record.device == 0);
    CHECK_EXACT(record.value, 0.05);
    CHECK_EXACT(record.limit, 0.1);
}

static void at_the_threshold_is_not_below_it(void) {
    node_t *node = node_flying();
    node->loop_device.value[0] = 0.1;
    run(node, 1000 * MS);
    CHECK(trips(node) == 0);
}

static void the_clock_of_the_other_driver_does_not_matter(void) {
    node_t *node = node_open();
    node->loop_offset_ns = 123456789 * MS;
    run(node, 1000 * MS);
    node->loop_device.value[0] = 0.05;
    run(node, 310 * MS);
    CHECK_EXACT(node_cap(node), 100);
}

static void one_foreign_sample_is_one_however_often_it_is_seen(void) {
    node_t *node = node_flying();
    node->loop_device.value[0] = 0.0;
    run(node, 100 * MS);
    node->loop_device.value[0] = 0.5;
    run(node, 300 * MS);
    CHECK(trips(node) == 0);
    node->loop_device.value[0] = 0.0;
    run(node, STEP);
    node->is_loop_stalled = true; /* its last word: no flow */
    run(node, 5000 * MS);
    CHECK(trips(node) == 0 && node_cap(node) > 600);
}

static void a_stale_foreign_sample_neither_trips_nor_breaks_the_run(void) {
    node_t *node = node_flying();
    node->loop_device.value[0] = 0.0;
    run(node, 100 * MS); /* the first of the run */
    node->is_loop_stalled = true;
    run(node, 10000 * MS);
    CHECK(trips(node) == 0);
    node->is_loop_stalled = false;
    run(node, STEP); /* the second, long after the first */
    CHECK(trips(node) == 1);
}

static void a_failed_foreign_sample_is_none(void) {
    node_t *node = node_flying();
    node->loop_device.value[0] = 0.0;
    node->loop_device.read_status[0] = NS_E_IO;
    run(node, 2000 * MS);
    CHECK(trips(node) == 0);
    node->loop_device.read_status[0] = NS_OK;
    run(node, 310 * MS);
    CHECK(trips(node) == 1);
}

static void a_sample_found_at_opening_is_not_believed(void) {
    node_t *node = node_open();
    node->loop_device.value[0] = 0.0;
    CHECK_STATUS(ns_driver_step(node->loop, 0), NS_OK);
    node->is_loop_stalled = true;
    run(node, 1000 * MS);
    node->is_loop_stalled = false;
    run(node, STEP); /* the first that counts */
    CHECK(trips(node) == 0);
}

/** The source is another driver's: it trips though the own device does not answer. */
static void a_trip_writes_at_once_to_a_device_that_is_left_alone(void) {
    node_t *node = node_flying();
    node->accel_device.begin_status = node->accel_device.write_status = NS_E_NACK;
    run(node, 2000 * MS);
    node->loop_device.value[0] = 0.0;
    run(node, 200 * MS);
    unsigned write_count = node->accel_device.write_count;
    node->accel_device.write_status = NS_OK;
    run(node, STEP);
    CHECK(trips(node) == 1 && node->accel_device.write_count == write_count + 1);
    CHECK_EXACT(node_cap(node), 100);
}

static uint64_t rearm(const node_t *node) {
    uint64_t ticket = 0;
    ns_request_t request = {.kind = NS_REQUEST_REARM,
                            .device = UINT32_MAX,
                            .epoch = 1,
                            .deadline_ns = node->now_ns + 1000 * MS};
    CHECK_STATUS(ns_image_send_request(&node->image, 1, &request, &ticket), NS_OK);
    return ticket;
}

static ns_status_t result(const node_t *node, uint64_t ticket) {
    int32_t status = 1;
    CHECK_STATUS(ns_image_request_status(&node->image, 1, ticket, &status), NS_OK);
    return (ns_status_t)status;
}

static void a_rearm_believes_no_stale_sample(void) {
    node_t *node = node_flying();
    node->loop_device.value[0] = 0.0;
    run(node, 400 * MS);
    CHECK(trips(node) == 1);
    uint64_t ticket = rearm(node);
    run(node, STEP);
    CHECK_STATUS(result(node, ticket), NS_E_REFUSED); /* still no flow */
    node->loop_device.value[0] = 0.5;
    run(node, 100 * MS);
    node->is_loop_stalled = true;
    run(node, 600 * MS);
    ticket = rearm(node);
    run(node, STEP);
    CHECK_STATUS(result(node, ticket), NS_E_REFUSED); /* it said so long ago */
    node->is_loop_stalled = false;
    node->loop_device.read_status[0] = NS_E_IO;
    run(node, 100 * MS);
    ticket = rearm(node);
    run(node, STEP);
    CHECK_STATUS(result(node, ticket), NS_E_REFUSED);
    node->loop_device.read_status[0] = NS_OK;
    run(node, 100 * MS);
    ticket = rearm(node);
    run(node, STEP);
    CHECK_STATUS(result(node, ticket), NS_OK);
    CHECK_EXACT(node_cap(node), 650);
}

/** What another clock says of the time, an hour ahead or behind, makes no sample fresh or old. */
static void a_rearm_counts_the_age_on_its_own_clock(void) {
    static const int64_t offsets_ns[] = {-3600000 * MS, 0, 3600000 * MS};
    for (size_t i = 0; i < sizeof offsets_ns / sizeof offsets_ns[0]; i++) {
        node_t *node = node_open();
        node->now_ns = 7200000 * MS;
        node->loop_offset_ns = offsets_ns[i];
        run(node, 1000 * MS);
        node->loop_device.value[0] = 0.0;
        run(node, 400 * MS);
        CHECK(trips(node) == 1);
        node->loop_device.value[0] = 0.5;
        run(node, 100 * MS);
        node->is_loop_stalled = true;
        run(node, 600 * MS);
        uint64_t ticket = rearm(node);
        run(node, STEP);
        CHECK_STATUS(result(node, ticket), NS_E_REFUSED);
        node->is_loop_stalled = false;
        run(node, 100 * MS);
        ticket = rearm(node);
        run(node, STEP);
        CHECK_STATUS(result(node, ticket), NS_OK);
    }
}

static void a_point_is_free_only_when_all_its_rules_are_released(void) {
    node_t *node = node_flying();
    node->accel_device.value[0] = 90;
    run(node, 50 * MS);
    CHECK_EXACT(node_cap(node), 100);
    node->loop_device.value[0] = 0.0;
    run(node, 400 * MS);
    CHECK(trips(node) == 2);
    node->loop_device.value[0] = 0.5;
    run(node, 200 * MS);
    uint64_t ticket = rearm(node);
    run(node, 2 * STEP);
    CHECK_STATUS(result(node, ticket), NS_E_REFUSED); /* the core is hot */
    CHECK_EXACT(node_cap(node), 100);
    node->accel_device.value[0] = 60;
    run(node, 2 * STEP);
    ticket = rearm(node);
    run(node, 2 * STEP);
    CHECK_STATUS(result(node, ticket), NS_OK);
    CHECK_EXACT(node_cap(node), 650);
}

/* Check case of the auxiliary rail: a latch-up draws far above the limit; the rail opens within
 * 5 ms of it, at 1 ms polls, though the daemon wants it closed. */
static void an_auxiliary_over_current_opens_the_rail_within_5_ms(void) {
    static const ns_point_t points[2] = {
        {.name = "current_a", .channel = 0, .period_ns = MS},
        {.name = "enable", .channel = 2, .period_ns = MS, .is_writable = 1, .high = 1}};
    static const ns_reflex_t rule = {.point = 0,
                                     .action_point = 1,
                                     .threshold = 3.0,
                                     .persistence_ns = 2 * MS,
                                     .action_value = 0};
    ns_driver_entry_t entry = {.name = "aux", .device_count = 1, .retry_count = 1};
    ns_image_config_t config = {.points = points,
                                .drivers = &entry,
                                .reflexes = &rule,
                                .point_count = 2,
                                .driver_count = 1,
                                .reflex_count = 1};
    for (int length_ms = 1; length_ms <= 20; length_ms++) {
        for (int failed_read = 0; failed_read <= 1; failed_read++) {
            ns_image_t image;
            bench_open_image(&config, &image);
            fake_device_t rail = {.value = {1.0, 0.0, 0.0}};
            ns_device_t device = {.ops = &fake_ops, .ctx = &rail};
            ns_driver_t *driver = bench_open_driver(&image, 0, &device, 1, NULL);
            double closed = 1.0;
            CHECK_STATUS(ns_image_write_desired(&image, &closed, 1, 1), NS_OK);
            int opened_ms = -1;
            for (int ms = 0; ms < 60; ms++) {
                int since_ms = ms - 30;
                rail.value[0] = since_ms >= 0 && since_ms < length_ms ? 9.0 : 1.0;
                bool is_failed = failed_read != 0 && since_ms == 1;
                rail.read_status[0] = is_failed ? NS_E_IO : NS_OK;
                CHECK_STATUS(ns_driver_step(driver, ms * MS), NS_OK);
                if (ms >= 30 && opened_ms < 0 && rail.value[2] < 0.5) {
                    opened_ms = since_ms;
                }
            }
            bool is_long = length_ms > 2;
            CHECK(is_long == (opened_ms >= 0) && opened_ms <= 5);
            CHECK_EXACT(rail.value[2], is_long ? 0.0 : 1.0);
        }
    }
}

int main(void) {
    lost_flow_lowers_the_cap();
    at_the_threshold_is_not_below_it();
    the_clock_of_the_other_driver_does_not_matter();
    one_foreign_sample_is_one_however_often_it_is_seen();
    a_stale_foreign_sample_neither_trips_nor_breaks_the_run();
    a_failed_foreign_sample_is_none();
    a_sample_found_at_opening_is_not_believed();
    a_trip_writes_at_once_to_a_device_that_is_left_alone();
    a_rearm_believes_no_stale_sample();
    a_rearm_counts_the_age_on_its_own_clock();
    a_point_is_free_only_when_all_its_rules_are_released();
    an_auxiliary_over_current_opens_the_rail_within_5_ms();
    return 0;
}
