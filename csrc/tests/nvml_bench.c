#include "nvml_bench.h"

#include <dlfcn.h>
#include <string.h>

ns_nvml_t device;
int64_t now_ns;

fake_nvml_t *knobs_of(const char *path) {
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CHECK(handle != NULL);
    fake_nvml_t *fake = dlsym(handle, "fake_nvml");
    CHECK(fake != NULL);
    memset(fake, 0, sizeof *fake);
    fake->uuid = FAKE_UUID;
    fake->value_type = NS_NVML_VALUE_U32;
    fake->limit_mw = 700000;
    fake->enforced_mw_max = UINT32_MAX;
    fake->limit_mw_min = 200000;
    fake->limit_mw_max = 700000;
    fake->memory_total = 80;
    fake->memory_used = 20;
    fake->types_known = UINT64_MAX;
    return fake;
}

ns_status_t open_path(const char *path) {
    return ns_nvml_open(&device, path, FAKE_PCI, FAKE_UUID);
}

fake_nvml_t *open_device(void) {
    fake_nvml_t *fake = knobs_of(FAKE_NVML_PATH);
    CHECK_STATUS(open_path(FAKE_NVML_PATH), NS_OK);
    return fake;
}

void close_device(void) {
    ns_nvml_ops.close(&device);
}

ns_status_t begin(void) {
    return begin_later(100);
}

ns_status_t begin_later(int64_t ms) {
    now_ns += ms * 1000000;
    return ns_nvml_ops.begin(&device, now_ns, UINT64_MAX);
}

ns_status_t begin_due(uint64_t due) {
    now_ns += 100000000;
    return ns_nvml_ops.begin(&device, now_ns, due);
}

ns_status_t read_channel(uint32_t channel, double *out) {
    *out = UNTOUCHED;
    ns_status_t status = ns_nvml_ops.read(&device, channel, out);
    CHECK((status == NS_OK) == (*out > UNTOUCHED || *out < UNTOUCHED));
    return status;
}

ns_status_t read_status(uint32_t channel) {
    double value = 0.0;
    return read_channel(channel, &value);
}

double value_of(uint32_t channel) {
    double value = 0.0;
    CHECK_STATUS(read_channel(channel, &value), NS_OK);
    return value;
}

ns_status_t write_channel(uint32_t channel, double value) {
    return ns_nvml_ops.write(&device, channel, value);
}

void reload_driver(fake_nvml_t *fake) {
    fake->generation++;
    fake->init_count = 0;
    fake->limit_mw = 700000;
    fake->clock_max_mhz = 0;
    fake->memory_clock_max_mhz = 0;
    fake->persistence = 0;
}

void announce(fake_nvml_t *fake, uint64_t type, uint64_t data) {
    fake->events[fake->event_count++ % FAKE_EVENTS_MAX] = (fake_event_t){type, data};
}
