/**
 * @file bench.h
 * @brief One driver over fake devices: tests set what the devices answer and look at what was
 * written.
 *
 * Device 0: point 0 temp, point 1 cap (leased, safe 200, 100..700, ramp 100 per s), point 2 enable
 * (0..1) Device 1: point 3 speed, point 4 target (leased, safe 5000, 0..6000, no ramp), point 5
 * slow (1 s)
 * Reflexes: temp > 85 for 200 ms -> cap 200; temp > 95 at once -> enable 0.
 */
#ifndef NIGHTSIDE_TEST_BENCH_H
#define NIGHTSIDE_TEST_BENCH_H

#include "nightside/driver.h"

#define MS 1000000LL
#define CYCLE (100 * MS)
#define POINT_COUNT 6
#define WRITABLE_COUNT 3
#define LEFT_ALONE ((double)NAN)

enum { TEMP, CAP, ENABLE, SPEED, TARGET, SLOW };

typedef struct fake_device {
    double value[3];
    ns_status_t begin_status;
    ns_status_t read_status[3];
    ns_status_t write_status;
    int failures; /**< > 0: that many failures, then good; 0: as long as the status says */
    bool is_deaf; /**< takes writes and forgets them */
    unsigned begin_count;
    unsigned read_count;
    unsigned write_count;
    uint32_t last_channel;
    bool is_closed;
} fake_device_t;

typedef struct bench {
    ns_image_t image;
    ns_driver_t *driver;
    fake_device_t devices[2];
    int64_t now_ns;
    uint64_t epoch;
    double values[POINT_COUNT];
    int64_t time_ns[POINT_COUNT];
    int32_t status[POINT_COUNT];
    uint32_t flags[POINT_COUNT];
} bench_t;

extern const ns_device_ops_t fake_ops;
extern const ns_point_t bench_points[POINT_COUNT];
extern const ns_reflex_t bench_reflexes[2];

/** A fresh image and driver; time starts at 1 s, epoch at 1. */
bench_t *bench_open(void);

/** The same with other points, e.g. changed copies of bench_points. */
bench_t *bench_open_points(const ns_point_t points[POINT_COUNT]);

/** Poll, write desired values (cap, enable, target), beat, reconcile, take a snapshot; then 100 ms
 * on. */
void bench_cycle(bench_t *bench, double cap, double enable, double target);

/** Poll and reconcile without a daemon, take a snapshot; then `step_ns` on. */
void bench_alone(bench_t *bench, int64_t step_ns);

ns_health_t bench_health(const bench_t *bench);

#endif
