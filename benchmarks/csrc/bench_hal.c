/* CPU time of the C layer, one line a figure: name, value, unit. Each figure is the median of
 * batches, so that a batch another process disturbed does not count. */
#include <dlfcn.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nightside/bus_port.h"
#include "nightside/codec.h"
#include "nightside/driver.h"
#include "nightside/nvml.h"
#include "nightside/pmbus.h"
#include "nvml/nvml_identity.h"
#include "sim_bench.h"

#define BATCHES 31
#define RAIL_POINTS 12 /* two rails of six channels */
#define ACCELERATORS 8
#define PERIOD_NS 100000000LL

/* What a loop computes has to go somewhere, or the compiler drops the loop. */
static volatile double sink;

typedef void (*work_t)(unsigned repeat);

static double cpu_ns(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static int compare(const void *a, const void *b) {
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

/** CPU time of one repetition in ns. */
static double median_ns(work_t work, unsigned repeat) {
    double batch_ns[BATCHES];
    work(repeat);
    for (int i = 0; i < BATCHES; i++) {
        double start_ns = cpu_ns();
        work(repeat);
        batch_ns[i] = (cpu_ns() - start_ns) / (double)repeat;
    }
    qsort(batch_ns, BATCHES, sizeof batch_ns[0], compare);
    return batch_ns[BATCHES / 2];
}

static void need(int is_good, const char *what) {
    if (!is_good) {
        (void)fprintf(stderr, "bench_hal: %s\n", what);
        exit(1);
    }
}

/* ---- codecs ---- */

static void decode_linear11(unsigned repeat) {
    double sum = 0.0;
    for (unsigned i = 0; i < repeat; i++) {
        sum += ns_linear11_decode((uint16_t)(i * 40503U));
    }
    sink = sum;
}

static void decode_linear16(unsigned repeat) {
    double sum = 0.0;
    for (unsigned i = 0; i < repeat; i++) {
        sum += ns_linear16_decode((uint16_t)(i * 40503U), -12);
    }
    sink = sum;
}

static void decode_direct(unsigned repeat) {
    static const ns_direct_t adm1275_current = {.m = 807, .b = 20475, .r = -1};
    double sum = 0.0;
    for (unsigned i = 0; i < repeat; i++) {
        double value = 0.0;
        (void)ns_direct_decode(&adm1275_current, (uint16_t)(i * 40503U), &value);
        sum += value;
    }
    sink = sum;
}

static void decode_vid(unsigned repeat) {
    double sum = 0.0;
    for (unsigned i = 0; i < repeat; i++) {
        double value = 0.0;
        (void)ns_vid_decode(NS_VID_VR13, (uint16_t)(i % 255U + 1U), &value);
        sum += value;
    }
    sink = sum;
}

static void decode_half(unsigned repeat) {
    double sum = 0.0;
    for (unsigned i = 0; i < repeat; i++) {
        double value = 0.0;
        (void)ns_half_decode((uint16_t)(i * 40503U), &value);
        sum += value;
    }
    sink = sum;
}

/** A word read with its addresses: six bytes. */
static void check_pec(unsigned repeat) {
    uint8_t bytes[6] = {0x80, 0x88, 0x81, 0x00, 0xD3, 0x00};
    unsigned sum = 0;
    for (unsigned i = 0; i < repeat; i++) {
        bytes[5] = (uint8_t)i;
        sum += ns_pec(0, bytes, sizeof bytes);
    }
    sink = (double)sum;
}

/** The largest frame of a controller. */
static void check_crc(unsigned repeat) {
    uint8_t bytes[248] = {0};
    uint32_t sum = 0;
    for (unsigned i = 0; i < repeat; i++) {
        bytes[0] = (uint8_t)i;
        sum += ns_crc32c(0, bytes, sizeof bytes);
    }
    sink = (double)sum;
}

/* ---- a rail driver over register models ---- */

static sim_bench_t rail_bench;
static ns_pmbus_t rails[2];
static alignas(NS_IMAGE_ALIGNMENT) unsigned char image_memory[1 << 18];
static alignas(8) unsigned char port_memory[4096];
static alignas(8) unsigned char driver_memory[1 << 14];
static ns_driver_t *rail_driver;
static int64_t rail_now_ns;
static ns_image_t rail_image;
static ns_bus_port_t *rail_port;

static void open_rail_devices(ns_device_t devices[2]) {
    sim_bench_open(&rail_bench, 400000);
    for (uint8_t i = 0; i < 2; i++) {
        uint8_t address = (uint8_t)(0x10 + i);
        sim_part_t *part = sim_part_open(&rail_bench, SIM_PART_GENERIC, address, 1);
        need(part != NULL, "no part on the bench");
        part->supply = 1.0;
        part->rail[0].truth[SIM_VOUT] = 54.0;
        part->rail[0].truth[SIM_IOUT] = 12.0;
        ns_pmbus_config_t config = {
            .address = address, .has_pec = 1, .timeout_us = 35000, .current_limit_a = 20.0};
        need(ns_pmbus_open(&rails[i], &config, ns_bus_port_ops(rail_port), rail_port) == NS_OK,
             "a rail does not open");
        devices[i] = (ns_device_t){.ops = &ns_pmbus_ops, .ctx = &rails[i]};
    }
}

static void open_rails(void) {
    static ns_point_t points[RAIL_POINTS];
    ns_driver_entry_t entry = {.name = "rails", .device_count = 2, .retry_count = 1};
    ns_device_t devices[2];
    for (uint32_t i = 0; i < RAIL_POINTS; i++) {
        (void)snprintf(points[i].name, sizeof points[i].name, "rail%u", (unsigned)i);
        points[i].device = i / 6;
        points[i].channel = i % 6;
        points[i].period_ns = PERIOD_NS;
        points[i].is_writable = points[i].channel == NS_PMBUS_ENABLE;
        points[i].high = 1.0;
    }
    ns_image_config_t config = {
        .points = points, .point_count = RAIL_POINTS, .drivers = &entry, .driver_count = 1};
    need(ns_image_create(image_memory, sizeof image_memory, &config, &rail_image) == NS_OK,
         "no image");
    ns_bus_t bus = sim_bench_bus(&rail_bench);
    need(ns_bus_port_open(port_memory, sizeof port_memory, bus.ops, bus.ctx, NULL, NULL,
                          &rail_port) == NS_OK,
         "no port");
    open_rail_devices(devices);
    need(ns_driver_open(driver_memory, sizeof driver_memory, &rail_image, 0, devices, 2, rail_port,
                        &rail_driver) == NS_OK,
         "no driver");
}

static void step_rails(unsigned repeat) {
    for (unsigned i = 0; i < repeat; i++) {
        rail_now_ns += PERIOD_NS;
        sim_i2c_set_time(&rail_bench.i2c, rail_now_ns);
        (void)ns_driver_step(rail_driver, rail_now_ns);
    }
}

/** Transfers a second of CPU time that engine, device class, port and models get through. */
static double transfers_per_s(double step_ns) {
    ns_bus_statistics_t before;
    ns_bus_statistics_t after;
    (void)ns_bus_port_statistics(rail_port, &before);
    step_rails(1000);
    (void)ns_bus_port_statistics(rail_port, &after);
    double per_step = (double)(after.transfer_count - before.transfer_count) / 1000.0;
    return per_step / (step_ns * 1e-9);
}

/** Every point of the last round was read. */
static void check_rails(void) {
    double values[RAIL_POINTS];
    int64_t time_ns[RAIL_POINTS];
    int32_t status[RAIL_POINTS];
    uint32_t flags[RAIL_POINTS];
    static double last_values[RAIL_POINTS];
    static int64_t last_time_ns[RAIL_POINTS];
    static int32_t last_status[RAIL_POINTS];
    static uint32_t last_flags[RAIL_POINTS];
    ns_samples_t last = {last_values, last_time_ns, last_status, last_flags};
    ns_samples_clear(&last, RAIL_POINTS);
    need(ns_image_snapshot(&rail_image, &last, values, time_ns, status, flags) == NS_OK,
         "no snapshot");
    for (unsigned i = 0; i < RAIL_POINTS; i++) {
        need(status[i] == NS_OK, ns_status_name((ns_status_t)status[i]));
    }
}

/* ---- accelerators through the simulated library ---- */

static sim_plant_image_t plant;
static ns_nvml_t accelerators[ACCELERATORS];

static void open_accelerators(void) {
    void *library = dlopen(SIM_NVML_PATH, RTLD_NOW | RTLD_LOCAL);
    need(library != NULL, "the simulated library is not there");
    union {
        void *object;
        void (*attach)(sim_plant_image_t *);
    } symbol;
    symbol.object = dlsym(library, "nightside_sim_nvml_attach");
    need(symbol.object != NULL, "the simulated library has no plant");
    symbol.attach(&plant);
    for (uint32_t i = 0; i < ACCELERATORS; i++) {
        plant.truth.accel_alive[i] = 1.0;
        plant.truth.accel_power_w[i] = 500.0;
        need(ns_nvml_open(&accelerators[i], SIM_NVML_PATH, sim_nvml_pci_bus_id(i),
                          sim_nvml_uuid(i)) == NS_OK,
             "an accelerator does not open");
    }
}

/** The channels that REF-1 polls of each accelerator. */
static void poll_accelerators(unsigned repeat) {
    static const uint64_t due = (1ULL << (NS_NVML_CLOCK_MAX_MHZ + 1)) - 1;
    static int64_t now_ns;
    double sum = 0.0;
    for (unsigned i = 0; i < repeat; i++) {
        now_ns += PERIOD_NS;
        plant.time_s = (double)now_ns * 1e-9;
        for (uint32_t k = 0; k < ACCELERATORS; k++) {
            double value = 0.0;
            need(ns_nvml_ops.begin(&accelerators[k], now_ns, due) == NS_OK, "no begin");
            for (uint32_t channel = 0; channel <= NS_NVML_CLOCK_MAX_MHZ; channel++) {
                need(ns_nvml_ops.read(&accelerators[k], channel, &value) == NS_OK, "no reading");
                sum += value;
            }
        }
    }
    sink = sum;
}

static void print(const char *name, double value, const char *unit) {
    (void)printf("%s\t%.6g\t%s\n", name, value, unit);
}

int main(void) {
    print("decode LINEAR11", median_ns(decode_linear11, 100000), "ns");
    print("decode LINEAR16", median_ns(decode_linear16, 100000), "ns");
    print("decode DIRECT", median_ns(decode_direct, 100000), "ns");
    print("decode VID", median_ns(decode_vid, 100000), "ns");
    print("decode half", median_ns(decode_half, 100000), "ns");
    print("PEC of a word read", median_ns(check_pec, 100000), "ns");
    print("CRC-32C of 248 bytes", median_ns(check_crc, 20000), "ns");
    open_rails();
    double step_ns = median_ns(step_rails, 2000);
    check_rails();
    print("rail driver step, 12 points, with register models", step_ns * 1e-3, "us");
    print("engine, transfers a second", transfers_per_s(step_ns), "1/s");
    open_accelerators();
    print("NVML poll of 8 accelerators", median_ns(poll_accelerators, 500) * 1e-3, "us");
    return 0;
}
