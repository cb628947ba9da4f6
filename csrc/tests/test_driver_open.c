#include <string.h>

#include "bench.h"
#include "check.h"

static uint64_t open_memory[2048];

static void closing_closes_the_devices(void) {
    bench_t *bench = bench_open();
    ns_driver_close(bench->driver);
    CHECK(bench->devices[0].is_closed && bench->devices[1].is_closed);
    ns_driver_close(bench->driver);
    ns_driver_close(NULL);
}

static ns_status_t open_with(const bench_t *bench, const ns_device_t *devices, uint32_t count) {
    ns_driver_t *driver = NULL;
    return ns_driver_open(open_memory, sizeof open_memory, &bench->image, 0, devices, count, NULL,
                          &driver);
}

static void opening_checks_its_arguments(void) {
    bench_t *bench = bench_open();
    const ns_image_t *image = &bench->image;
    ns_driver_t *driver = NULL;
    ns_device_t devices[2] = {{.ops = &fake_ops}, {.ops = &fake_ops}};
    size_t size = ns_driver_size(image, 0);
    CHECK(size > 0 && size <= sizeof open_memory);
    CHECK(ns_driver_size(image, 1) == 0 && ns_driver_size(NULL, 0) == 0);
    CHECK_STATUS(ns_driver_open(NULL, size, image, 0, devices, 2, NULL, &driver), NS_E_ARG);
    unsigned char *odd = (unsigned char *)open_memory + 4;
    CHECK_STATUS(ns_driver_open(odd, size, image, 0, devices, 2, NULL, &driver), NS_E_ARG);
    CHECK_STATUS(ns_driver_open(open_memory, size, NULL, 0, devices, 2, NULL, &driver), NS_E_ARG);
    CHECK_STATUS(ns_driver_open(open_memory, size, image, 0, devices, 2, NULL, NULL), NS_E_ARG);
    CHECK_STATUS(ns_driver_open(open_memory, size - 1, image, 0, devices, 2, NULL, &driver),
                 NS_E_FULL);
    CHECK(driver == NULL);
    CHECK_STATUS(open_with(bench, NULL, 2), NS_E_ARG);
    CHECK_STATUS(open_with(bench, devices, 1), NS_E_ARG);
    ns_device_ops_t ops[3] = {fake_ops, fake_ops, fake_ops};
    ops[0].abi++;
    ops[1].read = NULL;
    ops[2].write = NULL;
    for (int i = 0; i < 3; i++) {
        devices[1].ops = &ops[i];
        CHECK_STATUS(open_with(bench, devices, 2), NS_E_ARG);
    }
    devices[1].ops = NULL;
    CHECK_STATUS(open_with(bench, devices, 2), NS_E_ARG);
}

static void a_driver_has_a_greatest_number_of_devices_and_rules(void) {
    static ns_reflex_t rules[NS_DRIVER_REFLEXES_MAX + 1];
    for (size_t i = 0; i <= NS_DRIVER_REFLEXES_MAX; i++) {
        rules[i] = bench_reflexes[0];
    }
    ns_driver_entry_t entry = {.name = "d", .device_count = NS_DRIVER_DEVICES_MAX};
    ns_image_config_t config = {.points = bench_points,
                                .drivers = &entry,
                                .reflexes = rules,
                                .point_count = POINT_COUNT,
                                .driver_count = 1,
                                .reflex_count = NS_DRIVER_REFLEXES_MAX};
    ns_image_t image;
    bench_open_image(&config, &image);
    CHECK(ns_driver_size(&image, 0) > 0);
    config.reflex_count++;
    bench_open_image(&config, &image);
    CHECK(ns_driver_size(&image, 0) == 0);
    config.reflex_count = 0;
    entry.device_count++;
    bench_open_image(&config, &image);
    CHECK(ns_driver_size(&image, 0) == 0);
}

/** Points of two devices interleave in the image, but a device is read in one go. */
static void a_device_is_read_in_one_slot(void) {
    ns_point_t points[4] = {{.name = "a0", .device = 0, .channel = 0, .period_ns = CYCLE},
                            {.name = "b0", .device = 1, .channel = 0, .period_ns = CYCLE},
                            {.name = "a1", .device = 0, .channel = 1, .period_ns = CYCLE},
                            {.name = "b1", .device = 1, .channel = 1, .period_ns = CYCLE}};
    ns_driver_entry_t entry = {.name = "d", .device_count = 2};
    ns_image_config_t config = {
        .points = points, .drivers = &entry, .point_count = 4, .driver_count = 1};
    ns_image_t image;
    bench_open_image(&config, &image);
    fake_device_t fakes[2] = {{.value = {1, 2, 3}}, {.value = {4, 5, 6}}};
    fakes[0].read_status[1] = NS_E_ABSENT; /* a1 fails before b0 is read, and skips only a */
    ns_device_ops_t ops = fake_ops;
    ops.begin = NULL;
    ops.alarm = NULL;
    ops.close = NULL;
    ns_device_t devices[2] = {{.ops = &ops, .ctx = &fakes[0]},
                              {.ops = &fake_ops, .ctx = &fakes[1]}};
    ns_driver_t *driver = bench_open_driver(&image, 0, devices, 2, NULL);
    CHECK_STATUS(ns_driver_poll(driver, CYCLE), NS_OK);
    CHECK(fakes[0].read_count == 2 && fakes[1].begin_count == 1 && fakes[1].read_count == 2);
    ns_driver_close(driver);
    CHECK(fakes[1].is_closed);
}

int main(void) {
    closing_closes_the_devices();
    opening_checks_its_arguments();
    a_driver_has_a_greatest_number_of_devices_and_rules();
    a_device_is_read_in_one_slot();
    return 0;
}
