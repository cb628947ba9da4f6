#include <string.h>

#include "bench.h"
#include "check.h"

#define US 1000LL

typedef struct rig {
    fake_bus_t bus;
    ns_bus_ops_t bus_ops;
    ns_bus_port_t *port;
    const ns_bus_ops_t *ops;
} rig_t;

static rig_t the_rig;

static rig_t *rig_over(ns_bus_ops_t bus_ops) {
    rig_t *rig = &the_rig;
    memset(rig, 0, sizeof *rig);
    rig->bus.transfer_us = 100;
    rig->bus.now_ns = 5000 * MS;
    rig->bus_ops = bus_ops;
    rig->port = bench_open_port(&rig->bus_ops, &rig->bus);
    rig->ops = ns_bus_port_ops(rig->port);
    return rig;
}

static rig_t *rig_open(void) {
    return rig_over(fake_bus_ops);
}

static rig_t *rig_without_clock(void) {
    ns_bus_ops_t ops = fake_bus_ops;
    ops.now_ns = NULL;
    return rig_over(ops);
}

static ns_status_t transfer(rig_t *rig, uint32_t timeout_us) {
    return rig->ops->transfer(rig->port, 0x10, NULL, 0, NULL, 0, timeout_us);
}

static ns_bus_statistics_t statistics(const rig_t *rig) {
    ns_bus_statistics_t out = {0};
    CHECK_STATUS(ns_bus_port_statistics(rig->port, &out), NS_OK);
    return out;
}

static void a_transfer_keeps_its_timeout_while_there_is_time(void) {
    rig_t *rig = rig_open();
    CHECK_STATUS(transfer(rig, 700), NS_OK);
    CHECK(rig->bus.last_timeout_us == 700);
    ns_bus_port_start_call(rig->port, 1000 * US);
    CHECK_STATUS(transfer(rig, 700), NS_OK);
    CHECK(rig->bus.last_timeout_us == 700);
}

static void a_transfer_gets_what_is_left_of_the_call(void) {
    rig_t *rig = rig_open();
    ns_bus_port_start_call(rig->port, 1000 * US);
    for (uint32_t i = 0; i < 10; i++) {
        CHECK_STATUS(transfer(rig, 900), NS_OK);
        uint32_t left_us = 1000 - 100 * i;
        CHECK(rig->bus.last_timeout_us == (left_us < 900 ? left_us : 900));
    }
    CHECK_STATUS(transfer(rig, 900), NS_E_TIMEOUT); /* and nothing is sent */
    CHECK(rig->bus.transfer_count == 10 && statistics(rig).timeout_count == 0);
    ns_bus_port_end_call(rig->port, NS_E_TIMEOUT);
    CHECK_STATUS(transfer(rig, 900), NS_OK); /* outside of a call */
    ns_bus_port_start_call(rig->port, 1000 * US);
    CHECK_STATUS(transfer(rig, 900), NS_OK); /* the next call */
    CHECK(rig->bus.last_timeout_us == 900);
}

/** The back end answers at the last microsecond, each time. */
static void no_call_takes_longer_than_its_deadline(void) {
    static const uint32_t timeouts_us[] = {1, 7, 99, 1000, 35000, 1000000};
    for (size_t i = 0; i < sizeof timeouts_us / sizeof timeouts_us[0]; i++) {
        for (int is_late = 0; is_late <= 1; is_late++) {
            rig_t *rig = rig_open();
            int64_t start_ns = rig->bus.now_ns;
            ns_bus_port_start_call(rig->port, 20 * MS);
            ns_status_t status = NS_OK;
            unsigned count = 0;
            do {
                rig->bus.transfer_us = timeouts_us[i] + (is_late != 0 ? 1U : 0U);
                status = transfer(rig, timeouts_us[i]);
                rig->ops->delay(rig->port, 5);
            } while (status == NS_OK && ++count < 100000);
            CHECK_STATUS(status, NS_E_TIMEOUT);
            CHECK(rig->bus.now_ns - start_ns <= 20 * MS);
        }
    }
}

static void without_a_clock_only_time_outs_are_charged(void) {
    rig_t *rig = rig_without_clock();
    CHECK(rig->ops->now_ns == NULL);
    ns_bus_port_start_call(rig->port, 1000 * US);
    for (int i = 0; i < 50; i++) {
        CHECK_STATUS(transfer(rig, 600), NS_OK);
    }
    rig->bus.status = NS_E_TIMEOUT;
    CHECK_STATUS(transfer(rig, 600), NS_E_TIMEOUT);
    CHECK(rig->bus.last_timeout_us == 600);
    CHECK_STATUS(transfer(rig, 600), NS_E_TIMEOUT);
    CHECK(rig->bus.last_timeout_us == 400);
    CHECK_STATUS(transfer(rig, 600), NS_E_TIMEOUT);
    CHECK(rig->bus.transfer_count == 52);
}

static void a_deadline_of_none_and_one_of_years_are_none(void) {
    static const int64_t deadlines_ns[] = {0, -1, INT64_MAX};
    for (int i = 0; i < 3; i++) {
        rig_t *rig = rig_open();
        ns_bus_port_start_call(rig->port, deadlines_ns[i]);
        CHECK_STATUS(transfer(rig, 700), NS_OK);
        CHECK(rig->bus.last_timeout_us == 700);
    }
}

static void an_exchange_is_bounded_and_counted_as_well(void) {
    rig_t *rig = rig_open();
    uint8_t byte = 0;
    size_t size = 1;
    ns_bus_port_start_call(rig->port, 150 * US);
    for (int i = 0; i < 2; i++) {
        (void)rig->ops->exchange(rig->port, &byte, 1, &byte, 1, &size, 120);
    }
    CHECK(size == 0 && rig->bus.last_timeout_us == 50 && rig->bus.transfer_count == 2);
    CHECK_STATUS(rig->ops->exchange(rig->port, &byte, 1, &byte, 1, &size, 120), NS_E_TIMEOUT);
    CHECK(rig->bus.transfer_count == 2 && statistics(rig).timeout_count == 1);
}

static void a_delay_ends_with_the_call(void) {
    rig_t *rig = rig_open();
    rig->ops->delay(rig->port, 50);
    ns_bus_port_start_call(rig->port, 100 * US);
    rig->ops->delay(rig->port, 80);
    rig->ops->delay(rig->port, 80);
    rig->ops->delay(rig->port, 80);
    CHECK(rig->bus.delay_us == 150);
    CHECK(rig->ops->now_ns(rig->port) == rig->bus.now_ns);
    rig = rig_without_clock();
    ns_bus_port_start_call(rig->port, 100 * US);
    rig->ops->delay(rig->port, 80);
    rig->ops->delay(rig->port, 80);
    CHECK(rig->bus.delay_us == 100);
}

static void what_happens_is_counted_by_kind(void) {
    static const ns_status_t answers[] = {NS_OK,     NS_E_NACK,    NS_E_NACK, NS_E_IO,
                                          NS_E_BUSY, NS_E_TIMEOUT, NS_OK,     NS_E_PROTOCOL};
    rig_t *rig = rig_open();
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        rig->bus.status = answers[i];
        CHECK_STATUS(transfer(rig, 500), answers[i]);
    }
    ns_bus_port_count_pec_error(rig->port);
    ns_bus_port_count_retry(rig->port);
    ns_bus_port_count_retry(rig->port);
    ns_bus_statistics_t seen = statistics(rig);
    CHECK(seen.transfer_count == 8 && seen.nack_count == 2 && seen.timeout_count == 1);
    CHECK(seen.other_error_count == 3 && seen.pec_error_count == 1 && seen.retry_count == 2);
    CHECK(seen.busy_ns == (7 * 100 + 500) * US && seen.max_ns == 500 * US);
    CHECK(seen.since_ns == 5000 * MS && seen.overrun_count == 0 && seen.recovery_count == 0);
}

static ns_status_t dawdle(void *ctx, uint8_t address, const uint8_t *write, size_t write_size,
                          uint8_t *read, size_t read_size, uint32_t timeout_us) {
    (void)address;
    (void)write;
    (void)write_size;
    (void)read;
    (void)read_size;
    (void)timeout_us;
    fake_bus_t *bus = ctx;
    bus->now_ns += bus->transfer_us * US;
    return NS_OK;
}

static void a_back_end_that_breaks_its_time_out_is_counted(void) {
    ns_bus_ops_t ops = fake_bus_ops;
    ops.transfer = dawdle;
    rig_t *rig = rig_over(ops);
    CHECK_STATUS(transfer(rig, 100), NS_OK);
    CHECK(statistics(rig).overrun_count == 0);
    CHECK_STATUS(transfer(rig, 99), NS_OK);
    CHECK(statistics(rig).overrun_count == 1);
    rig = rig_without_clock();
    CHECK_STATUS(transfer(rig, 100), NS_OK);
    CHECK(statistics(rig).busy_ns == 0 && statistics(rig).p50_ns == 0);
}

static bool is_within_tenth(int64_t value, int64_t expected) {
    int64_t error = value > expected ? value - expected : expected - value;
    return error * 10 <= expected;
}

static void percentiles_are_within_a_tenth(void) {
    for (uint32_t scale_us = 1; scale_us <= 250000; scale_us = scale_us * 13 / 8 + 1) {
        rig_t *rig = rig_open();
        for (uint32_t i = 1; i <= 400; i++) { /* 1 .. 400 times, in a scrambled order */
            rig->bus.transfer_us = (i * 151 % 401) * scale_us;
            CHECK_STATUS(transfer(rig, UINT32_MAX), NS_OK);
        }
        ns_bus_statistics_t seen = statistics(rig);
        CHECK(is_within_tenth(seen.p50_ns, 200 * US * scale_us));
        CHECK(is_within_tenth(seen.p99_ns, 396 * US * scale_us));
        CHECK(seen.max_ns == 400 * US * scale_us && seen.p99_ns <= seen.max_ns);
    }
}

static void percentiles_follow_the_greater_number(void) {
    static const struct {
        int slow_count; /* of 100 */
        int64_t p50_us;
        int64_t p99_us;
    } cases[] = {{0, 10, 10}, {1, 10, 10}, {2, 10, 5000}, {49, 10, 5000}, {51, 5000, 5000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rig_t *rig = rig_open();
        for (int k = 0; k < 100; k++) {
            rig->bus.transfer_us = k < cases[i].slow_count ? 5000 : 10;
            CHECK_STATUS(transfer(rig, 10000), NS_OK);
        }
        CHECK(is_within_tenth(statistics(rig).p50_ns, cases[i].p50_us * US));
        CHECK(is_within_tenth(statistics(rig).p99_ns, cases[i].p99_us * US));
    }
}

static void time_that_stands_still_and_time_without_end_are_measured_too(void) {
    rig_t *rig = rig_open();
    rig->bus.transfer_us = 0;
    CHECK_STATUS(transfer(rig, 100), NS_OK);
    CHECK(statistics(rig).p50_ns == 0 && statistics(rig).p99_ns == 0);
    rig->bus.transfer_us = UINT32_MAX; /* 4295 s */
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(transfer(rig, UINT32_MAX), NS_OK);
    }
    CHECK(statistics(rig).p50_ns > 100 * 1000 * MS);
    CHECK(statistics(rig).p99_ns <= statistics(rig).max_ns);
}

static void the_second_time_out_in_a_row_recovers_the_bus(void) {
    rig_t *rig = rig_open();
    for (int i = 0; i < 4; i++) { /* never two in a row */
        rig->bus.status = i % 2 == 0 ? NS_E_TIMEOUT : NS_E_NACK;
        (void)transfer(rig, 100);
    }
    CHECK(rig->bus.recovery_count == 0);
    rig->bus.status = NS_E_TIMEOUT;
    CHECK_STATUS(transfer(rig, 100), NS_E_TIMEOUT);
    CHECK_STATUS(transfer(rig, 100), NS_E_TIMEOUT);
    CHECK(rig->bus.recovery_count == 1 && statistics(rig).recovery_count == 1);
}

/** A recovery of 15 ms fits into no call of 20 ms that timed out twice. */
static void a_recovery_is_part_of_no_call(void) {
    rig_t *rig = rig_open();
    rig->bus.recovery_us = 15000;
    rig->bus.status = NS_E_TIMEOUT;
    int64_t start_ns = rig->bus.now_ns;
    ns_bus_port_start_call(rig->port, 20 * MS);
    CHECK_STATUS(transfer(rig, 9000), NS_E_TIMEOUT);
    CHECK_STATUS(transfer(rig, 9000), NS_E_TIMEOUT);
    CHECK_STATUS(transfer(rig, 9000), NS_E_TIMEOUT);
    CHECK(rig->bus.now_ns - start_ns <= 20 * MS && rig->bus.recovery_count == 0);
    CHECK_STATUS(transfer(rig, 9000), NS_E_TIMEOUT);
    ns_bus_port_end_call(rig->port, NS_E_TIMEOUT);
    CHECK(rig->bus.recovery_count == 0);
    ns_bus_port_start_call(rig->port, 20 * MS); /* it begins behind the recovery */
    CHECK(rig->bus.recovery_count == 1 && statistics(rig).recovery_count == 1);
    rig->bus.status = NS_OK;
    CHECK_STATUS(transfer(rig, 30000), NS_OK);
    CHECK(rig->bus.last_timeout_us == 20000);
    ns_bus_port_end_call(rig->port, NS_OK);
    ns_bus_port_start_call(rig->port, 20 * MS);
    CHECK(rig->bus.recovery_count == 1); /* once */
}

static void a_bus_that_answers_again_needs_no_recovery(void) {
    rig_t *rig = rig_open();
    ns_bus_port_start_call(rig->port, 20 * MS);
    rig->bus.status = NS_E_TIMEOUT;
    (void)transfer(rig, 100);
    (void)transfer(rig, 100);
    rig->bus.status = NS_E_NACK;
    (void)transfer(rig, 100);
    ns_bus_port_end_call(rig->port, NS_E_NACK);
    ns_bus_port_start_call(rig->port, 20 * MS);
    CHECK(rig->bus.recovery_count == 0);
}

static void calls_are_interrupted_once_a_second_at_most(void) {
    rig_t *rig = rig_open();
    rig->bus.recovery_us = 50000;
    rig->bus.status = NS_E_TIMEOUT;
    int64_t start_ns = rig->bus.now_ns;
    while (rig->bus.now_ns - start_ns < 3500 * MS) {
        ns_bus_port_start_call(rig->port, 20 * MS);
        CHECK_STATUS(transfer(rig, 10000), NS_E_TIMEOUT);
        CHECK_STATUS(rig->ops->recover(rig->port), NS_E_TIMEOUT); /* a device may want one */
        CHECK_STATUS(transfer(rig, 10000), NS_E_TIMEOUT);
        ns_bus_port_end_call(rig->port, NS_E_TIMEOUT);
    }
    CHECK(rig->bus.recovery_count == 4);
}

static void time_is_left_until_the_deadline(void) {
    rig_t *rig = rig_open();
    CHECK(ns_bus_port_has_time(NULL) && ns_bus_port_has_time(rig->port));
    ns_bus_port_start_call(rig->port, 200 * US);
    CHECK_STATUS(transfer(rig, 1000), NS_OK);
    CHECK(ns_bus_port_has_time(rig->port));
    CHECK_STATUS(transfer(rig, 1000), NS_OK);
    CHECK(!ns_bus_port_has_time(rig->port));
    ns_bus_port_end_call(rig->port, NS_OK);
    CHECK(ns_bus_port_has_time(rig->port));
}

static void a_bus_recovers_once_a_second_at_most(void) {
    rig_t *rig = rig_open();
    rig->bus.status = NS_E_TIMEOUT;
    for (int i = 0; i < 3500; i++) { /* 1 ms each */
        CHECK_STATUS(transfer(rig, 1000), NS_E_TIMEOUT);
    }
    CHECK(rig->bus.recovery_count == 4); /* at 2, 1002, 2002, 3002 ms */
}

static void without_a_clock_recoveries_get_rarer(void) {
    rig_t *rig = rig_without_clock();
    rig->bus.status = NS_E_TIMEOUT;
    for (int i = 0; i < 1000; i++) {
        CHECK_STATUS(transfer(rig, 1000), NS_E_TIMEOUT);
    }
    CHECK(rig->bus.recovery_count == 9); /* 2, 4, 8 .. 512 */
}

static void a_device_may_ask_for_a_recovery_itself(void) {
    rig_t *rig = rig_open();
    CHECK_STATUS(rig->ops->recover(rig->port), NS_OK);
    CHECK(rig->bus.recovery_count == 1 && statistics(rig).recovery_count == 1);
}

static void a_port_has_what_its_bus_has(void) {
    ns_bus_ops_t ops = {.abi = NS_BUS_OPS_ABI, .transfer = fake_bus_ops.transfer};
    rig_t *rig = rig_over(ops);
    CHECK(rig->ops->transfer != NULL && rig->ops->exchange == NULL && rig->ops->delay == NULL);
    CHECK(rig->ops->recover == NULL && rig->ops->close == NULL);
    CHECK(rig->ops->abi == NS_BUS_OPS_ABI);
    rig->bus.status = NS_E_TIMEOUT;
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(transfer(rig, 1000), NS_E_TIMEOUT);
    }
    CHECK(statistics(rig).recovery_count == 0);
    ops.transfer = NULL;
    ops.exchange = fake_bus_ops.exchange;
    rig = rig_over(ops);
    CHECK(rig->ops->transfer == NULL && rig->ops->exchange != NULL);
}

static uint64_t memory[1024];

static void without_a_bus_each_call_is_a_transfer(void) {
    ns_bus_port_t *port = NULL;
    fake_bus_t clock = {.now_ns = 7 * MS};
    CHECK_STATUS(
        ns_bus_port_open(memory, sizeof memory, NULL, NULL, fake_bus_ops.now_ns, &clock, &port),
        NS_OK);
    CHECK(ns_bus_port_ops(port) == NULL);
    static const struct {
        int64_t taken_ms;
        ns_status_t status;
    } calls[] = {{10, NS_OK}, {21, NS_E_TIMEOUT}, {5, NS_E_ABSENT}};
    for (int i = 0; i < 3; i++) {
        ns_bus_port_start_call(port, 20 * MS);
        clock.now_ns += calls[i].taken_ms * MS;
        ns_bus_port_end_call(port, calls[i].status);
    }
    ns_bus_statistics_t seen;
    CHECK_STATUS(ns_bus_port_statistics(port, &seen), NS_OK);
    CHECK(seen.transfer_count == 3 && seen.timeout_count == 1 && seen.other_error_count == 1);
    CHECK(seen.busy_ns == 36 * MS && seen.max_ns == 21 * MS && seen.overrun_count == 1);
    CHECK(seen.since_ns == 7 * MS && is_within_tenth(seen.p50_ns, 10 * MS));

    CHECK_STATUS(ns_bus_port_open(memory, sizeof memory, NULL, NULL, NULL, NULL, &port), NS_OK);
    ns_bus_port_start_call(port, 20 * MS);
    ns_bus_port_end_call(port, NS_OK);
    CHECK_STATUS(ns_bus_port_statistics(port, &seen), NS_OK);
    CHECK(seen.transfer_count == 1 && seen.busy_ns == 0 && seen.overrun_count == 0);
}

static void a_bus_without_a_clock_may_be_timed_by_another(void) {
    ns_bus_port_t *port = NULL;
    ns_bus_ops_t ops = fake_bus_ops;
    ops.now_ns = NULL;
    fake_bus_t bus = {.transfer_us = 100};
    CHECK_STATUS(
        ns_bus_port_open(memory, sizeof memory, &ops, &bus, fake_bus_ops.now_ns, &bus, &port),
        NS_OK);
    const ns_bus_ops_t *port_ops = ns_bus_port_ops(port);
    CHECK_STATUS(port_ops->transfer(port, 0x10, NULL, 0, NULL, 0, 500), NS_OK);
    ns_bus_statistics_t seen;
    CHECK_STATUS(ns_bus_port_statistics(port, &seen), NS_OK);
    CHECK(seen.busy_ns == 100 * US && port_ops->now_ns(port) == bus.now_ns);
}

static void the_monotonic_clock_does_not_go_back(void) {
    int64_t first_ns = ns_monotonic_now_ns(NULL);
    CHECK(first_ns > 0 && ns_monotonic_now_ns(NULL) >= first_ns);
}

static void opening_checks_its_arguments(void) {
    ns_bus_port_t *port = NULL;
    size_t size = ns_bus_port_size();
    CHECK(size <= sizeof memory);
    unsigned char *odd = (unsigned char *)memory + 4;
    CHECK_STATUS(ns_bus_port_open(NULL, size, NULL, NULL, NULL, NULL, &port), NS_E_ARG);
    CHECK_STATUS(ns_bus_port_open(odd, size, NULL, NULL, NULL, NULL, &port), NS_E_ARG);
    CHECK_STATUS(ns_bus_port_open(memory, size, NULL, NULL, NULL, NULL, NULL), NS_E_ARG);
    CHECK_STATUS(ns_bus_port_open(memory, size - 1, NULL, NULL, NULL, NULL, &port), NS_E_FULL);
    ns_bus_ops_t ops = fake_bus_ops;
    ops.abi++;
    CHECK_STATUS(ns_bus_port_open(memory, size, &ops, NULL, NULL, NULL, &port), NS_E_ARG);
    ops = (ns_bus_ops_t){.abi = NS_BUS_OPS_ABI};
    CHECK_STATUS(ns_bus_port_open(memory, size, &ops, NULL, NULL, NULL, &port), NS_E_ARG);
    CHECK(port == NULL);
}

static void no_port_is_no_error(void) {
    ns_bus_statistics_t seen;
    CHECK(ns_bus_port_ops(NULL) == NULL);
    CHECK_STATUS(ns_bus_port_statistics(NULL, &seen), NS_E_ARG);
    CHECK_STATUS(ns_bus_port_statistics(rig_open()->port, NULL), NS_E_ARG);
    ns_bus_port_start_call(NULL, MS);
    ns_bus_port_end_call(NULL, NS_OK);
    ns_bus_port_count_pec_error(NULL);
    ns_bus_port_count_retry(NULL);
}

int main(void) {
    a_transfer_keeps_its_timeout_while_there_is_time();
    a_transfer_gets_what_is_left_of_the_call();
    no_call_takes_longer_than_its_deadline();
    without_a_clock_only_time_outs_are_charged();
    a_deadline_of_none_and_one_of_years_are_none();
    an_exchange_is_bounded_and_counted_as_well();
    a_delay_ends_with_the_call();
    what_happens_is_counted_by_kind();
    a_back_end_that_breaks_its_time_out_is_counted();
    percentiles_are_within_a_tenth();
    percentiles_follow_the_greater_number();
    time_that_stands_still_and_time_without_end_are_measured_too();
    the_second_time_out_in_a_row_recovers_the_bus();
    a_recovery_is_part_of_no_call();
    a_bus_that_answers_again_needs_no_recovery();
    calls_are_interrupted_once_a_second_at_most();
    time_is_left_until_the_deadline();
    a_bus_recovers_once_a_second_at_most();
    without_a_clock_recoveries_get_rarer();
    a_device_may_ask_for_a_recovery_itself();
    a_port_has_what_its_bus_has();
    without_a_bus_each_call_is_a_transfer();
    a_bus_without_a_clock_may_be_timed_by_another();
    the_monotonic_clock_does_not_go_back();
    opening_checks_its_arguments();
    no_port_is_no_error();
    return 0;
}
