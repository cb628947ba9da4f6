#include "bench.h"
#include "check.h"

static void fly(bench_t *bench, double temp_c) {
    bench->devices[0].value[0] = temp_c;
    bench_cycle(bench, 500, 1, 3000);
}

static bench_t *bench_flying(void) {
    bench_t *bench = bench_open();
    for (int i = 0; i < 40; i++) {
        fly(bench, 60);
    }
    CHECK_EXACT(bench->devices[0].value[1], 500);
    return bench;
}

static double cap(const bench_t *bench) {
    return bench->devices[0].value[1];
}

static void a_spike_of_one_sample_never_trips(void) {
    bench_t *bench = bench_flying();
    for (int i = 0; i < 50; i++) {
        fly(bench, 150);
        fly(bench, 60);
    }
    CHECK(bench_health(bench).reflex_trip_count == 0);
    CHECK_EXACT(cap(bench), 500);
}

static void a_rule_trips_at_its_persistence(void) {
    bench_t *bench = bench_flying();
    fly(bench, 86);
    fly(bench, 86);
    CHECK_EXACT(cap(bench), 500); /* 100 ms */
    bench->devices[0].value[0] = 86;
    CHECK_STATUS(ns_driver_poll(bench->driver, bench->now_ns), NS_OK);
    CHECK_EXACT(cap(bench), 200); /* 200 ms, and before anybody reconciles */
    CHECK(bench_health(bench).reflex_trip_count == 1);
}

static void a_rule_of_no_persistence_needs_two_samples(void) {
    bench_t *bench = bench_flying();
    fly(bench, 96);
    CHECK_EXACT(bench->devices[0].value[2], 1);
    fly(bench, 96);
    CHECK_EXACT(bench->devices[0].value[2], 0);
}

static void at_the_threshold_is_not_above_it(void) {
    bench_t *bench = bench_flying();
    for (int i = 0; i < 20; i++) {
        fly(bench, 85);
    }
    CHECK(bench_health(bench).reflex_trip_count == 0);
}

static bench_t *bench_tripped(void) {
    bench_t *bench = bench_flying();
    for (int i = 0; i < 4; i++) {
        fly(bench, 86);
    }
    CHECK_EXACT(cap(bench), 200);
    CHECK((bench->flags[CAP] & NS_FLAG_REFLEX) != 0);
    return bench;
}

static void a_trip_is_latched_and_asserted_again(void) {
    bench_t *bench = bench_tripped();
    for (int i = 0; i < 10; i++) {
        fly(bench, 60);
    }
    CHECK_EXACT(cap(bench), 200); /* desired is 500 all along */
    CHECK((bench->flags[CAP] & NS_FLAG_REFLEX) != 0);
    bench->devices[0].value[1] = 650; /* somebody else raised it */
    fly(bench, 60);
    fly(bench, 60);
    CHECK_EXACT(cap(bench), 200);
    CHECK(bench_health(bench).reflex_trip_count == 1 && bench_health(bench).repair_count == 1);
}

static void a_rearm_while_the_condition_holds_is_in_vain(void) {
    bench_t *bench = bench_tripped();
    CHECK_STATUS(ns_image_request_rearm(&bench->image, 0), NS_OK);
    fly(bench, 86);
    for (int i = 0; i < 5; i++) {
        fly(bench, 60); /* an edge: it is not kept for later */
    }
    CHECK_EXACT(cap(bench), 200);
}

static void a_rearm_needs_a_good_sample(void) {
    bench_t *bench = bench_tripped();
    fly(bench, 60);
    bench->devices[0].read_status[0] = NS_E_IO;
    CHECK_STATUS(ns_image_request_rearm(&bench->image, 0), NS_OK);
    fly(bench, 60);
    bench->devices[0].read_status[0] = NS_OK;
    fly(bench, 60);
    CHECK((bench->flags[CAP] & NS_FLAG_REFLEX) != 0);
}

static void a_rearm_when_the_condition_is_gone_ramps_back(void) {
    bench_t *bench = bench_tripped();
    fly(bench, 60);
    CHECK_STATUS(ns_image_request_rearm(&bench->image, 0), NS_OK);
    fly(bench, 60);
    CHECK_EXACT(cap(bench), 200);
    fly(bench, 60);
    CHECK_NEAR(cap(bench), 210);
    CHECK((bench->flags[CAP] & NS_FLAG_REFLEX) == 0);
    for (int i = 0; i < 40; i++) {
        fly(bench, 60);
    }
    CHECK_EXACT(cap(bench), 500);
}

static void failed_samples_neither_count_nor_break_a_run(void) {
    bench_t *bench = bench_flying();
    fly(bench, 86);
    bench->devices[0].read_status[0] = NS_E_IO;
    for (int i = 0; i < 10; i++) {
        fly(bench, 86);
    }
    CHECK_EXACT(cap(bench), 500); /* loss of communication is not over-temperature */
    bench->devices[0].read_status[0] = NS_OK;
    fly(bench, 86);
    CHECK_EXACT(cap(bench), 200);
}

static void a_reflex_goes_before_a_lapse_and_a_lapse_before_desire(void) {
    bench_t *bench = bench_tripped();
    for (int i = 0; i < 20; i++) {
        bench_alone(bench, CYCLE);
    }
    CHECK((bench->flags[CAP] & (NS_FLAG_REFLEX | NS_FLAG_LAPSED)) ==
          (NS_FLAG_REFLEX | NS_FLAG_LAPSED));
    CHECK_EXACT(cap(bench), 200);
}

/** Check case 22: what lasts no longer than the mask allows holds, what lasts longer trips. */
static void a_mask_of_rules_holds_inside_and_trips_outside(void) {
    static const struct {
        double level_a;
        int allowed_ms;
    } mask[] = {{14.26, 20}, {15.56, 10}, {19.44, 5}, {20.74, 2}};
    static const double floor_a[] = {12.96, 14.26, 15.56, 19.44};
    ns_point_t points[2] = {
        {.name = "current_a", .channel = 0, .period_ns = MS},
        {.name = "enable", .channel = 2, .period_ns = MS, .is_writable = 1, .high = 1},
    };
    ns_driver_entry_t entry = {.name = "rail", .device_count = 1};
    ns_reflex_t rules[4];
    for (int i = 0; i < 4; i++) {
        rules[i] = (ns_reflex_t){.point = 0,
                                 .action_point = 1,
                                 .threshold = floor_a[i],
                                 .persistence_ns = mask[i].allowed_ms * MS,
                                 .action_value = 0};
    }
    ns_image_config_t config = {.points = points,
                                .drivers = &entry,
                                .reflexes = rules,
                                .point_count = 2,
                                .driver_count = 1,
                                .reflex_count = 4};
    for (int excess_ms = 0; excess_ms <= 1; excess_ms++) {
        for (int i = 0; i < 4; i++) {
            ns_image_t image;
            fake_device_t rail = {.value = {10.0, 0.0, 1.0}};
            ns_device_t device = {.ops = &fake_ops, .ctx = &rail};
            bench_open_image(&config, &image);
            ns_driver_t *driver = bench_open_driver(&image, 0, &device, 1, NULL);
            for (int ms = 0; ms < 100; ms++) {
                bool is_transient = ms >= 30 && ms < 30 + mask[i].allowed_ms + excess_ms;
                rail.value[0] = is_transient ? mask[i].level_a : 10.0;
                CHECK_STATUS(ns_driver_step(driver, ms * MS), NS_OK);
            }
            CHECK_EXACT(rail.value[2], excess_ms > 0 ? 0.0 : 1.0);
        }
    }
}

int main(void) {
    a_spike_of_one_sample_never_trips();
    a_rule_trips_at_its_persistence();
    a_rule_of_no_persistence_needs_two_samples();
    at_the_threshold_is_not_above_it();
    a_trip_is_latched_and_asserted_again();
    a_rearm_while_the_condition_holds_is_in_vain();
    a_rearm_needs_a_good_sample();
    a_rearm_when_the_condition_is_gone_ramps_back();
    failed_samples_neither_count_nor_break_a_run();
    a_reflex_goes_before_a_lapse_and_a_lapse_before_desire();
    a_mask_of_rules_holds_inside_and_trips_outside();
    return 0;
}
