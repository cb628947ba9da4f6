/* After a driver and its port are open, nothing takes memory from the heap. The linker sends every
 * call of the allocator here (-Wl,--wrap), so that none can hide. */
#include <stddef.h>
#include <stdlib.h>

#include "bench.h"
#include "check.h"

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);

static volatile unsigned long call_count; /* the compiler knows that free changes nothing of ours */

void *__wrap_malloc(size_t size) {
    call_count++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    call_count++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size) {
    call_count++;
    return __real_realloc(block, size);
}

void __wrap_free(void *block) {
    call_count++;
    __real_free(block);
}

static void the_counter_counts(void) {
    call_count = 0;
    void *(*volatile take)(size_t) = malloc; /* not to be optimised away */
    void *block = take(16);
    CHECK(block != NULL && call_count == 1);
    free(block);
    CHECK(call_count == 2);
}

static void fly(bench_t *bench, double cap, int cycles) {
    for (int i = 0; i < cycles; i++) {
        bench_cycle(bench, cap, 1, 3000);
    }
}

static void a_flight_with_everything_in_it_takes_no_memory(void) {
    fake_bus_t bus = {.transfer_us = 50};
    ns_driver_entry_t entry = {.name = "fake",
                               .device_count = 2,
                               .retry_count = 1,
                               .deadline_ns = 100 * MS,
                               .backoff_max_ns = 1000 * MS};
    ns_bus_port_t *port = bench_open_port(&fake_bus_ops, &bus);
    bench_t *bench = bench_open_with(bench_points, &entry, port);
    for (int i = 0; i < 2; i++) {
        bench->devices[i].port = port;
        bench->devices[i].transfer_us = 1000;
    }
    call_count = 0;
    fly(bench, 500, 60);
    bench->devices[0].alarm = 3; /* a capture */
    fly(bench, 500, 2);
    bench_request(bench, NS_REQUEST_CLEAR, 1); /* captured, and put off */
    bench_request(bench, NS_REQUEST_POWER_CYCLE, 0);
    fly(bench, 500, 3);
    bench->devices[0].value[0] = 90; /* a trip, and its re-arm */
    fly(bench, 500, 5);
    bench->devices[0].value[0] = 60;
    fly(bench, 500, 1);
    CHECK_STATUS(ns_image_request_rearm(&bench->image, 0), NS_OK);
    fly(bench, 500, 40);
    bench->devices[0].value[1] = 700; /* a repair */
    fly(bench, 500, 3);
    bus.status = NS_E_TIMEOUT; /* silence, recovery, pauses, failed writes */
    fly(bench, 450, 30);
    bus.status = NS_OK;
    fly(bench, 450, 20);
    for (int i = 0; i < 20; i++) { /* a lapse */
        bench_alone(bench, CYCLE);
    }
    CHECK(call_count == 0);
    ns_health_t health = bench_health(bench);
    CHECK(health.reflex_trip_count == 1 && health.repair_count >= 1 && health.lapse_count == 2);
    CHECK(bus.recovery_count >= 1 && bench->devices[0].request_count == 1);
    CHECK(bench_count(bench, NS_CAUSE_DEVICE_FAULT) == 2 &&
          bench_count(bench, NS_CAUSE_SILENCE) == 2 && bench_count(bench, NS_CAUSE_LAPSE) == 2);
    ns_driver_close(bench->driver);
    CHECK(call_count == 0);
}

int main(void) {
    the_counter_counts();
    a_flight_with_everything_in_it_takes_no_memory();
    return 0;
}
