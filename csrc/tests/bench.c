#include "bench.h"

#include <stdalign.h>
#include <string.h>

#include "check.h"

#define IMAGE_SIZE 32768
#define DRIVER_SIZE 8192

static alignas(NS_IMAGE_ALIGNMENT) unsigned char image_memory[IMAGE_SIZE];
static alignas(8) unsigned char driver_memory[DRIVER_SIZE];
static bench_t the_bench;

static ns_status_t answer(fake_device_t *self, ns_status_t *status) {
    ns_status_t now = *status;
    if (now != NS_OK && self->failures > 0) {
        self->failures--;
        if (self->failures == 0) {
            *status = NS_OK;
        }
    }
    return now;
}

static ns_status_t fake_begin(void *ctx, int64_t now_ns, uint64_t due) {
    (void)now_ns;
    (void)due;
    fake_device_t *self = ctx;
    self->begin_count++;
    return answer(self, &self->begin_status);
}

static ns_status_t fake_read(void *ctx, uint32_t channel, double *out_value) {
    fake_device_t *self = ctx;
    self->read_count++;
    ns_status_t status = answer(self, &self->read_status[channel]);
    if (status == NS_OK) {
        *out_value = self->value[channel];
    }
    return status;
}

static ns_status_t fake_write(void *ctx, uint32_t channel, double value) {
    fake_device_t *self = ctx;
    self->write_count++;
    self->last_channel = channel;
    ns_status_t status = answer(self, &self->write_status);
    if (status == NS_OK && !self->is_deaf) {
        self->value[channel] = value;
    }
    return status;
}

static void fake_close(void *ctx) {
    fake_device_t *self = ctx;
    self->is_closed = true;
}

const ns_device_ops_t fake_ops = {
    .abi = NS_DEVICE_OPS_ABI,
    .name = "fake",
    .begin = fake_begin,
    .read = fake_read,
    .write = fake_write,
    .close = fake_close,
};

const ns_point_t bench_points[POINT_COUNT] = {
    {.name = "temp_c", .device = 0, .channel = 0, .period_ns = CYCLE},
    {.name = "cap_w",
     .device = 0,
     .channel = 1,
     .period_ns = CYCLE,
     .is_writable = 1,
     .low = 100,
     .high = 700,
     .safe = 200,
     .lease_ns = 1500 * MS,
     .ramp_per_s = 100,
     .tolerance = 0.5},
    {.name = "enable",
     .device = 0,
     .channel = 2,
     .period_ns = CYCLE,
     .is_writable = 1,
     .low = 0,
     .high = 1,
     .safe = LEFT_ALONE},
    {.name = "speed_rpm", .device = 1, .channel = 0, .period_ns = CYCLE},
    {.name = "target_rpm",
     .device = 1,
     .channel = 1,
     .period_ns = CYCLE,
     .is_writable = 1,
     .low = 0,
     .high = 6000,
     .safe = 5000,
     .lease_ns = 1500 * MS},
    {.name = "slow", .device = 1, .channel = 2, .period_ns = 1000 * MS},
};

const ns_reflex_t bench_reflexes[2] = {
    {.point = TEMP,
     .action_point = CAP,
     .threshold = 85,
     .persistence_ns = 200 * MS,
     .action_value = 200},
    {.point = TEMP,
     .action_point = ENABLE,
     .threshold = 95,
     .persistence_ns = 0,
     .action_value = 0},
};

bench_t *bench_open(void) {
    return bench_open_points(bench_points);
}

bench_t *bench_open_points(const ns_point_t points[POINT_COUNT]) {
    bench_t *bench = &the_bench;
    memset(bench, 0, sizeof *bench);
    ns_driver_entry_t entry = {.name = "fake", .device_count = 2};
    CHECK_STATUS(ns_image_create(image_memory, sizeof image_memory, points, POINT_COUNT, &entry, 1,
                                 &bench->image),
                 NS_OK);
    ns_device_t devices[2] = {{.ops = &fake_ops, .ctx = &bench->devices[0]},
                              {.ops = &fake_ops, .ctx = &bench->devices[1]}};
    CHECK_STATUS(ns_driver_open(driver_memory, sizeof driver_memory, &bench->image, 0, devices, 2,
                                bench_reflexes, 2, &bench->driver),
                 NS_OK);
    bench->now_ns = 1000 * MS;
    bench->epoch = 1;
    bench->devices[0].value[0] = 60.0;
    bench->devices[0].value[1] = 700.0;
    return bench;
}

static void take_snapshot(bench_t *bench) {
    static double values[POINT_COUNT];
    static int64_t time_ns[POINT_COUNT];
    static int32_t status[POINT_COUNT];
    static uint32_t flags[POINT_COUNT];
    ns_samples_t last = {.values = values, .time_ns = time_ns, .status = status, .flags = flags};
    CHECK_STATUS(ns_image_snapshot(&bench->image, &last, bench->values, bench->time_ns,
                                   bench->status, bench->flags),
                 NS_OK);
}

void bench_cycle(bench_t *bench, double cap, double enable, double target) {
    double desired[WRITABLE_COUNT] = {cap, enable, target};
    CHECK_STATUS(ns_driver_poll(bench->driver, bench->now_ns), NS_OK);
    take_snapshot(bench);
    CHECK_STATUS(ns_image_write_desired(&bench->image, desired, WRITABLE_COUNT, bench->epoch),
                 NS_OK);
    CHECK_STATUS(ns_image_beat(&bench->image, bench->epoch), NS_OK);
    CHECK_STATUS(ns_driver_reconcile(bench->driver, bench->now_ns), NS_OK);
    bench->now_ns += CYCLE;
}

void bench_alone(bench_t *bench, int64_t step_ns) {
    CHECK_STATUS(ns_driver_step(bench->driver, bench->now_ns), NS_OK);
    take_snapshot(bench);
    bench->now_ns += step_ns;
}

ns_health_t bench_health(const bench_t *bench) {
    ns_health_t health = {0};
    CHECK_STATUS(ns_image_health(&bench->image, 0, &health), NS_OK);
    return health;
}
