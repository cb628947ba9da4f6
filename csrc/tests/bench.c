#include "bench.h"

#include <stdalign.h>
#include <string.h>

#include "check.h"

#define IMAGE_SIZE 524288
#define DRIVER_SIZE 16384
#define DRIVERS_MAX 2
#define PORT_SIZE 4096
#define RECORDS_MAX 128

static alignas(NS_IMAGE_ALIGNMENT) unsigned char image_memory[IMAGE_SIZE];
static alignas(8) unsigned char driver_memory[DRIVERS_MAX][DRIVER_SIZE];
static alignas(8) unsigned char port_memory[PORT_SIZE];
static bench_t the_bench;

static ns_status_t bus_transfer(void *ctx, uint8_t address, const uint8_t *write, size_t write_size,
                                uint8_t *read, size_t read_size, uint32_t timeout_us) {
    (void)address;
    (void)write;
    (void)write_size;
    (void)read;
    (void)read_size;
    fake_bus_t *self = ctx;
    self->transfer_count++;
    self->last_timeout_us = timeout_us;
    bool is_late = self->status == NS_E_TIMEOUT || self->transfer_us > timeout_us;
    self->now_ns += (int64_t)(is_late ? timeout_us : self->transfer_us) * 1000;
    return is_late ? NS_E_TIMEOUT : self->status;
}

static ns_status_t bus_exchange(void *ctx, const uint8_t *write, size_t write_size, uint8_t *read,
                                size_t read_capacity, size_t *out_read_size, uint32_t timeout_us) {
    *out_read_size = 0;
    return bus_transfer(ctx, 0, write, write_size, read, read_capacity, timeout_us);
}

static int64_t bus_now_ns(void *ctx) {
    const fake_bus_t *self = ctx;
    return self->now_ns;
}

static void bus_delay(void *ctx, uint32_t us) {
    fake_bus_t *self = ctx;
    self->delay_us += us;
    self->now_ns += (int64_t)us * 1000;
}

static ns_status_t bus_recover(void *ctx) {
    fake_bus_t *self = ctx;
    self->recovery_count++;
    self->now_ns += (int64_t)self->recovery_us * 1000;
    return NS_OK;
}

const ns_bus_ops_t fake_bus_ops = {.abi = NS_BUS_OPS_ABI,
                                   .transfer = bus_transfer,
                                   .exchange = bus_exchange,
                                   .now_ns = bus_now_ns,
                                   .delay = bus_delay,
                                   .recover = bus_recover};

/** One transfer, where the device has a bus. */
static ns_status_t use_bus(fake_device_t *self) {
    if (self->port == NULL) {
        return NS_OK;
    }
    const ns_bus_ops_t *ops = ns_bus_port_ops(self->port);
    return ops->transfer(self->port, 0x10, NULL, 0, NULL, 0, self->transfer_us);
}

static ns_status_t answer(fake_device_t *self, ns_status_t *status) {
    ns_status_t bus_status = use_bus(self);
    if (bus_status != NS_OK) {
        return bus_status;
    }
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
    fake_device_t *self = ctx;
    self->last_due = due;
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

static uint32_t fake_alarm(void *ctx) {
    const fake_device_t *self = ctx;
    return self->alarm;
}

static ns_status_t fake_capture(void *ctx, uint8_t *out, size_t capacity, size_t *out_size) {
    fake_device_t *self = ctx;
    self->capture_count++;
    ns_status_t status = answer(self, &self->capture_status);
    uint32_t bytes = self->alarm | self->late_alarm;
    bytes += self->is_restless ? self->capture_count << 16 : 0U;
    CHECK(capacity == NS_EVIDENCE_BYTES);
    memcpy(out, &bytes, sizeof bytes);
    *out_size = status == NS_OK ? sizeof bytes : self->partial_size;
    return status;
}

static ns_status_t fake_request(void *ctx, ns_request_kind_t kind) {
    fake_device_t *self = ctx;
    self->request_count++;
    self->last_request = kind;
    return answer(self, &self->request_status);
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
    .alarm = fake_alarm,
    .capture = fake_capture,
    .request = fake_request,
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
    ns_driver_entry_t entry = {.name = "fake", .device_count = 2, .retry_count = 1};
    return bench_open_with(points, &entry, NULL);
}

void bench_open_image(const ns_image_config_t *config, ns_image_t *out) {
    CHECK_STATUS(ns_image_create(image_memory, sizeof image_memory, config, out), NS_OK);
}

ns_driver_t *bench_open_driver(const ns_image_t *image, uint32_t driver, const ns_device_t *devices,
                               uint32_t device_count, ns_bus_port_t *port) {
    ns_driver_t *self = NULL;
    CHECK(driver < DRIVERS_MAX);
    CHECK_STATUS(ns_driver_open(driver_memory[driver], DRIVER_SIZE, image, driver, devices,
                                device_count, port, &self),
                 NS_OK);
    return self;
}

void bench_reopen(bench_t *bench) {
    ns_device_t devices[2] = {{.ops = &fake_ops, .ctx = &bench->devices[0]},
                              {.ops = &fake_ops, .ctx = &bench->devices[1]}};
    bench->driver = bench_open_driver(&bench->image, 0, devices, 2, NULL);
}

ns_bus_port_t *bench_open_port(const ns_bus_ops_t *ops, fake_bus_t *bus) {
    ns_bus_port_t *port = NULL;
    CHECK_STATUS(ns_bus_port_open(port_memory, sizeof port_memory, ops, bus, NULL, NULL, &port),
                 NS_OK);
    return port;
}

bench_t *bench_open_with(const ns_point_t points[POINT_COUNT], const ns_driver_entry_t *entry,
                         ns_bus_port_t *port) {
    bench_t *bench = &the_bench;
    memset(bench, 0, sizeof *bench);
    ns_image_config_t config = {.points = points,
                                .drivers = entry,
                                .reflexes = bench_reflexes,
                                .point_count = POINT_COUNT,
                                .driver_count = 1,
                                .reflex_count = 2};
    bench_open_image(&config, &bench->image);
    ns_device_t devices[2] = {{.ops = &fake_ops, .ctx = &bench->devices[0]},
                              {.ops = &fake_ops, .ctx = &bench->devices[1]}};
    bench->driver = bench_open_driver(&bench->image, 0, devices, 2, port);
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

uint32_t bench_evidence(const bench_t *bench, ns_evidence_t *out, uint32_t capacity) {
    uint32_t count = 0;
    uint64_t lost = 0;
    CHECK_STATUS(ns_image_read_evidence(&bench->image, 0, 0, out, capacity, &count, &lost), NS_OK);
    return count;
}

uint32_t bench_count(const bench_t *bench, uint32_t cause) {
    ns_evidence_t records[RECORDS_MAX];
    uint32_t count = bench_evidence(bench, records, RECORDS_MAX);
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        found += records[i].cause == cause ? 1U : 0U;
    }
    return found;
}

ns_evidence_t bench_newest(const bench_t *bench, uint32_t cause) {
    ns_evidence_t records[RECORDS_MAX];
    uint32_t count = bench_evidence(bench, records, RECORDS_MAX);
    while (count > 0 && records[count - 1].cause != cause) {
        count--;
    }
    CHECK(count > 0);
    return records[count - 1];
}

uint64_t bench_request(const bench_t *bench, ns_request_kind_t kind, uint32_t device) {
    uint64_t ticket = 0;
    ns_request_t request = {.kind = kind,
                            .device = device,
                            .epoch = bench->epoch,
                            .deadline_ns = bench->now_ns + 1000 * MS};
    CHECK_STATUS(ns_image_send_request(&bench->image, 0, &request, &ticket), NS_OK);
    return ticket;
}

ns_status_t bench_result(const bench_t *bench, uint64_t ticket) {
    int32_t status = 1;
    CHECK_STATUS(ns_image_request_status(&bench->image, 0, ticket, &status), NS_OK);
    return (ns_status_t)status;
}
