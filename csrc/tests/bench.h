/**
 * @file bench.h
 * @brief One driver over fake devices: tests set what the devices answer and look at what was
 * written.
 *
 * Device 0: point 0 temp, point 1 cap (leased, safe 200, 100..700, ramp 100 per s), point 2 enable
 * (0..1). Device 1: point 3 speed, point 4 target (leased, safe 5000, 0..6000, no ramp), point 5
 * slow (1 s). Reflexes: temp > 85 for 200 ms -> cap 200; temp > 95 at once -> enable 0. One retry,
 * no back-off, no port.
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
    uint64_t last_due;
    uint32_t alarm;
    ns_status_t capture_status;
    size_t partial_size; /**< good bytes of a capture that fails */
    uint32_t late_alarm; /**< latched since begin: seen by a capture alone */
    bool is_restless;    /**< each capture gives other bytes */
    unsigned capture_count;
    ns_status_t request_status;
    unsigned request_count;
    ns_request_kind_t last_request;
    bool is_closed;
    ns_bus_port_t *port;  /**< not NULL: each begin, read, write, capture and request is one */
    uint32_t transfer_us; /**< transfer over it, with this timeout */
} fake_device_t;

/** A bus with a clock of its own; each transfer takes transfer_us, or its whole timeout. */
typedef struct fake_bus {
    int64_t now_ns;
    uint32_t transfer_us;
    ns_status_t status;
    unsigned transfer_count;
    unsigned recovery_count;
    uint32_t last_timeout_us;
    uint32_t delay_us;
    uint32_t recovery_us; /**< that a recovery takes */
} fake_bus_t;

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
extern const ns_bus_ops_t fake_bus_ops; /**< of a fake_bus_t */
extern const ns_point_t bench_points[POINT_COUNT];
extern const ns_reflex_t bench_reflexes[2];

/** A fresh image and driver; time starts at 1 s, epoch at 1. */
bench_t *bench_open(void);

/** The same with other points, e.g. changed copies of bench_points. */
bench_t *bench_open_points(const ns_point_t points[POINT_COUNT]);

/** The same with another row of the driver table and a port, or NULL. */
bench_t *bench_open_with(const ns_point_t points[POINT_COUNT], const ns_driver_entry_t *entry,
                         ns_bus_port_t *port);

/** An image and a driver over memory that is used again by the next call; any counts. */
void bench_open_image(const ns_image_config_t *config, ns_image_t *out);
ns_driver_t *bench_open_driver(const ns_image_t *image, uint32_t driver, const ns_device_t *devices,
                               uint32_t device_count, ns_bus_port_t *port);

/** The bench's driver anew, as after the death of its process: same image, same devices. */
void bench_reopen(bench_t *bench);

/** A port over a bus; memory is used again by the next call. */
ns_bus_port_t *bench_open_port(const ns_bus_ops_t *ops, fake_bus_t *bus);

/** Poll, write desired values (cap, enable, target), beat, reconcile, take a snapshot; then 100 ms
 * on. */
void bench_cycle(bench_t *bench, double cap, double enable, double target);

/** Poll and reconcile without a daemon, take a snapshot; then `step_ns` on. */
void bench_alone(bench_t *bench, int64_t step_ns);

ns_health_t bench_health(const bench_t *bench);

/** Read all evidence that the driver keeps, at most `capacity` records; returns how many. */
uint32_t bench_evidence(const bench_t *bench, ns_evidence_t *out, uint32_t capacity);

/** The newest record of a cause; ends the program when there is none. */
ns_evidence_t bench_newest(const bench_t *bench, uint32_t cause);

/** How many records of a cause the driver keeps. */
uint32_t bench_count(const bench_t *bench, uint32_t cause);

/** Send a request of the bench's epoch, good for 1 s; returns its ticket. */
uint64_t bench_request(const bench_t *bench, ns_request_kind_t kind, uint32_t device);

/** What a request was finished with. */
ns_status_t bench_result(const bench_t *bench, uint64_t ticket);

#endif
