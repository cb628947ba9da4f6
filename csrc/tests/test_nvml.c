#include <dlfcn.h>
#include <string.h>

#include "check.h"
#include "fake_nvml.h"
#include "nightside/nvml.h"

static ns_nvml_t device;

/** The knobs of the library at a path; it stays loaded. */
static fake_nvml_t *knobs_of(const char *path) {
    void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    CHECK(handle != NULL);
    fake_nvml_t *fake = dlsym(handle, "fake_nvml");
    CHECK(fake != NULL);
    memset(fake, 0, sizeof *fake);
    fake->uuid = FAKE_UUID;
    fake->value_type = NS_NVML_VALUE_U32;
    fake->limit_mw = 700000;
    fake->event_type = NS_NVML_EVENT_XID;
    return fake;
}

static ns_status_t open_path(const char *path) {
    return ns_nvml_open(&device, path, FAKE_PCI, FAKE_UUID);
}

static fake_nvml_t *open_device(void) {
    fake_nvml_t *fake = knobs_of(FAKE_NVML_PATH);
    CHECK_STATUS(open_path(FAKE_NVML_PATH), NS_OK);
    return fake;
}

static void close_device(void) {
    ns_nvml_ops.close(&device);
}

static ns_status_t begin(void) {
    return ns_nvml_ops.begin(&device, 0, UINT64_MAX);
}

static ns_status_t read_channel(uint32_t channel, double *out) {
    return ns_nvml_ops.read(&device, channel, out);
}

static ns_status_t write_channel(uint32_t channel, double value) {
    return ns_nvml_ops.write(&device, channel, value);
}

static void every_channel_is_read_in_si_units(void) {
    static const double expected[NS_NVML_CLOCK_MAX_MHZ + 1] = {
        186, 70, 82000, -3, 0.5, 1400, 83, 0x44, 3000, 4000, 0, 230000, 94000, 700, 1980};
    (void)open_device();
    CHECK_STATUS(begin(), NS_OK);
    for (uint32_t channel = 0; channel <= NS_NVML_CLOCK_MAX_MHZ; channel++) {
        double value = -1.0;
        CHECK_STATUS(read_channel(channel, &value), NS_OK);
        CHECK_NEAR(value, expected[channel]);
    }
    double value = 0.0;
    CHECK_STATUS(read_channel(NS_NVML_CHANNEL_COUNT, &value), NS_E_ARG);
    close_device();
}

static void every_value_type_is_understood(void) {
    static const struct {
        uint32_t type;
        double memory_temp;
    } rows[] = {{NS_NVML_VALUE_DOUBLE, 82000}, {NS_NVML_VALUE_U32, 82000},
                {NS_NVML_VALUE_ULONG, 82000},  {NS_NVML_VALUE_U64, 82000},
                {NS_NVML_VALUE_I64, -82000},   {NS_NVML_VALUE_I32, -82000},
                {NS_NVML_VALUE_U16, 82}};
    fake_nvml_t *fake = open_device();
    double value = 0.0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fake->value_type = rows[i].type;
        CHECK_STATUS(begin(), NS_OK);
        CHECK_STATUS(read_channel(NS_NVML_MEMORY_TEMP_C, &value), NS_OK);
        CHECK_EXACT(value, rows[i].memory_temp);
    }
    fake->value_type = 77;
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(read_channel(NS_NVML_MEMORY_TEMP_C, &value), NS_E_RANGE);
    close_device();
}

static void caps_and_clocks_are_set_and_read_back(void) {
    fake_nvml_t *fake = open_device();
    double value = 0.0;
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 350.0005), NS_OK);
    CHECK(fake->limit_mw == 350000); /* an upper limit: truncated */
    CHECK_STATUS(read_channel(NS_NVML_CAP_W, &value), NS_OK);
    CHECK_EXACT(value, 350.0);
    CHECK_STATUS(write_channel(NS_NVML_CLOCK_MAX_MHZ, 1200.9), NS_OK);
    CHECK(fake->clock_max_mhz == 1200);
    CHECK_STATUS(read_channel(NS_NVML_CLOCK_MAX_MHZ, &value), NS_OK);
    CHECK_EXACT(value, 1200.0);
    CHECK_STATUS(write_channel(NS_NVML_POWER_W, 1.0), NS_E_UNSUPPORTED);
    CHECK_STATUS(write_channel(NS_NVML_CHANNEL_COUNT, 1.0), NS_E_ARG);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, -1.0), NS_E_RANGE);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 5e6), NS_E_RANGE);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, (double)NAN), NS_E_RANGE);
    fake->read_return = NS_NVML_NO_PERMISSION;
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 300.0), NS_E_REFUSED);
    CHECK_STATUS(write_channel(NS_NVML_CLOCK_MAX_MHZ, 1100.0), NS_E_REFUSED);
    CHECK_STATUS(read_channel(NS_NVML_CLOCK_MAX_MHZ, &value), NS_OK);
    CHECK_EXACT(value, 1200.0);
    close_device();
}

static void a_lost_device_is_absent_until_it_is_found_again(void) {
    fake_nvml_t *fake = open_device();
    double value = 0.0;
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(write_channel(NS_NVML_CLOCK_MAX_MHZ, 1200.0), NS_OK);
    fake->device_return = NS_NVML_GPU_IS_LOST;
    CHECK_STATUS(begin(), NS_E_ABSENT);
    CHECK_STATUS(begin(), NS_E_ABSENT);
    CHECK_STATUS(read_channel(NS_NVML_CAP_W, &value), NS_E_ABSENT);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 300.0), NS_E_ABSENT);
    CHECK(fake->event_set_count == 0);
    fake->device_return = NS_NVML_SUCCESS;
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(read_channel(NS_NVML_CLOCK_MAX_MHZ, &value), NS_OK);
    CHECK_EXACT(value, 1980.0);              /* the lock went with the device */
    fake->read_return = NS_NVML_GPU_IS_LOST; /* noticed in the middle of a round */
    CHECK_STATUS(read_channel(NS_NVML_CORE_TEMP_C, &value), NS_E_ABSENT);
    CHECK_STATUS(read_channel(NS_NVML_POWER_W, &value), NS_E_ABSENT);
    close_device();
}

static void another_uuid_is_never_touched(void) {
    fake_nvml_t *fake = knobs_of(FAKE_NVML_PATH);
    fake->uuid = "GPU-of-somebody-else";
    CHECK_STATUS(open_path(FAKE_NVML_PATH), NS_E_REFUSED);
    CHECK(fake->init_count == 0);
    fake->device_return =
        NS_NVML_GPU_IS_LOST; /* unpowered at the start, and another one after it */
    CHECK_STATUS(open_path(FAKE_NVML_PATH), NS_OK);
    CHECK_STATUS(begin(), NS_E_ABSENT);
    fake->device_return = NS_NVML_SUCCESS;
    CHECK_STATUS(begin(), NS_E_REFUSED);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 300.0), NS_E_ABSENT);
    CHECK(fake->limit_mw == 700000);
    fake->uuid_return = NS_NVML_UNKNOWN;
    CHECK_STATUS(begin(), NS_E_IO);
    close_device();
    CHECK_STATUS(ns_nvml_open(&device, FAKE_NVML_PATH, "00000000:99:00.0", FAKE_UUID), NS_OK);
    CHECK_STATUS(begin(), NS_E_ABSENT);
    close_device();
}

static void each_field_has_its_own_status(void) {
    fake_nvml_t *fake = open_device();
    double value = 0.0;
    fake->field_return = NS_NVML_NOT_SUPPORTED;
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(read_channel(NS_NVML_POWER_W, &value), NS_E_UNSUPPORTED);
    CHECK_STATUS(read_channel(NS_NVML_CORE_TEMP_C, &value), NS_OK);
    fake->read_return = NS_NVML_TIMEOUT;
    static const uint32_t singles[] = {
        NS_NVML_CORE_TEMP_C,   NS_NVML_MARGIN_C, NS_NVML_UTILISATION_RATIO, NS_NVML_CLOCK_MHZ,
        NS_NVML_EVENT_REASONS, NS_NVML_CAP_W,    NS_NVML_CLOCK_MAX_MHZ};
    for (size_t i = 0; i < sizeof singles / sizeof singles[0]; i++) {
        CHECK_STATUS(read_channel(singles[i], &value), NS_E_TIMEOUT);
    }
    close_device();
}

static void the_last_xid_is_kept_and_a_storm_is_bounded(void) {
    fake_nvml_t *fake = open_device();
    double value = -1.0;
    fake->xid_pending = 20;
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(read_channel(NS_NVML_XID, &value), NS_OK);
    CHECK_EXACT(value, 108.0);
    CHECK(fake->xid_pending == 12);
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(read_channel(NS_NVML_XID, &value), NS_OK);
    CHECK_EXACT(value, 120.0);
    fake->event_type = 0x10; /* a clock event */
    fake->xid_pending = 1;
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(read_channel(NS_NVML_XID, &value), NS_OK);
    CHECK_EXACT(value, 120.0);
    close_device();
    CHECK(fake->event_set_count == 0 && fake->init_count == 0);
}

static void without_events_there_is_no_xid(void) {
    fake_nvml_t *fake = knobs_of(FAKE_NVML_PATH);
    double value = 0.0;
    fake->event_register_return = NS_NVML_NOT_SUPPORTED;
    CHECK_STATUS(open_path(FAKE_NVML_PATH), NS_OK);
    CHECK_STATUS(read_channel(NS_NVML_XID, &value), NS_E_UNSUPPORTED);
    CHECK(fake->event_set_count == 0);
    close_device();
    fake->event_create_return = NS_NVML_UNKNOWN;
    CHECK_STATUS(open_path(FAKE_NVML_PATH), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(read_channel(NS_NVML_XID, &value), NS_E_UNSUPPORTED);
    close_device();
}

static void missing_optional_functions_cost_their_channel_only(void) {
    (void)knobs_of(FAKE_NVML_OLD_PATH);
    CHECK_STATUS(open_path(FAKE_NVML_OLD_PATH), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    static const uint32_t missing[] = {NS_NVML_MARGIN_C,  NS_NVML_UTILISATION_RATIO,
                                       NS_NVML_CLOCK_MHZ, NS_NVML_EVENT_REASONS,
                                       NS_NVML_XID,       NS_NVML_CLOCK_MAX_MHZ};
    double value = 0.0;
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
        CHECK_STATUS(read_channel(missing[i], &value), NS_E_UNSUPPORTED);
    }
    CHECK_STATUS(write_channel(NS_NVML_CLOCK_MAX_MHZ, 1000.0), NS_E_UNSUPPORTED);
    CHECK_STATUS(read_channel(NS_NVML_CORE_TEMP_C, &value), NS_OK);
    close_device();
}

static void a_library_that_cannot_serve_is_not_kept(void) {
    fake_nvml_t *fake = knobs_of(FAKE_NVML_PATH);
    CHECK_STATUS(open_path("libnvidia-ml.so.1"), NS_E_ARG);
    CHECK_STATUS(open_path("/nowhere/libnvidia-ml.so.1"), NS_E_IO);
    CHECK_STATUS(open_path(FAKE_NVML_BROKEN_PATH), NS_E_UNSUPPORTED);
    fake->init_return = NS_NVML_DRIVER_NOT_LOADED;
    CHECK_STATUS(open_path(FAKE_NVML_PATH), NS_E_ABSENT);
    CHECK(fake->init_count == 0);
    char long_name[128] = {0};
    memset(long_name, 'x', sizeof long_name - 1);
    CHECK_STATUS(ns_nvml_open(&device, FAKE_NVML_PATH, long_name, FAKE_UUID), NS_E_ARG);
    CHECK_STATUS(ns_nvml_open(&device, FAKE_NVML_PATH, FAKE_PCI, long_name), NS_E_ARG);
    CHECK_STATUS(ns_nvml_open(&device, NULL, FAKE_PCI, FAKE_UUID), NS_E_ARG);
    CHECK_STATUS(ns_nvml_open(&device, FAKE_NVML_PATH, NULL, FAKE_UUID), NS_E_ARG);
    CHECK_STATUS(ns_nvml_open(&device, FAKE_NVML_PATH, FAKE_PCI, NULL), NS_E_ARG);
    CHECK_STATUS(ns_nvml_open(NULL, FAKE_NVML_PATH, FAKE_PCI, FAKE_UUID), NS_E_ARG);
}

static void the_driver_version_tells_a_simulation(void) {
    fake_nvml_t *fake = knobs_of(FAKE_NVML_PATH);
    char version[80] = {0};
    CHECK_STATUS(ns_nvml_driver_version(FAKE_NVML_PATH, version, sizeof version), NS_OK);
    CHECK(strcmp(version, "FAKE 1.0") == 0 && fake->init_count == 0);
    CHECK_STATUS(ns_nvml_driver_version(FAKE_NVML_PATH, version, 79), NS_E_ARG);
    CHECK_STATUS(ns_nvml_driver_version(FAKE_NVML_PATH, NULL, 80), NS_E_ARG);
    CHECK_STATUS(ns_nvml_driver_version("x", version, 80), NS_E_ARG);
    CHECK_STATUS(ns_nvml_driver_version("/nowhere", version, 80), NS_E_IO);
    CHECK_STATUS(ns_nvml_driver_version(FAKE_NVML_BROKEN_PATH, version, 80), NS_E_UNSUPPORTED);
    fake->version_return = NS_NVML_UNKNOWN;
    CHECK_STATUS(ns_nvml_driver_version(FAKE_NVML_PATH, version, 80), NS_E_IO);
}

static void every_return_code_has_a_class(void) {
    static const struct {
        uint32_t code;
        ns_status_t status;
    } rows[] = {
        {0, NS_OK},        {1, NS_E_IO},           {2, NS_E_ARG},          {3, NS_E_UNSUPPORTED},
        {4, NS_E_REFUSED}, {5, NS_E_IO},           {6, NS_E_ABSENT},       {7, NS_E_ARG},
        {8, NS_E_IO},      {9, NS_E_ABSENT},       {10, NS_E_TIMEOUT},     {11, NS_E_IO},
        {12, NS_E_IO},     {13, NS_E_UNSUPPORTED}, {14, NS_E_IO},          {15, NS_E_ABSENT},
        {16, NS_E_ABSENT}, {17, NS_E_IO},          {18, NS_E_LAYOUT},      {19, NS_E_BUSY},
        {20, NS_E_IO},     {21, NS_E_STALE},       {22, NS_E_UNSUPPORTED}, {23, NS_E_BUSY},
        {24, NS_E_RANGE},  {25, NS_E_LAYOUT},      {26, NS_E_UNSUPPORTED}, {27, NS_E_BUSY},
        {28, NS_E_ABSENT}, {29, NS_E_BUSY},        {999, NS_E_IO},         {12345, NS_E_IO},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_STATUS(ns_nvml_classify(rows[i].code), rows[i].status);
    }
}

int main(void) {
    every_channel_is_read_in_si_units();
    every_value_type_is_understood();
    caps_and_clocks_are_set_and_read_back();
    a_lost_device_is_absent_until_it_is_found_again();
    another_uuid_is_never_touched();
    each_field_has_its_own_status();
    the_last_xid_is_kept_and_a_storm_is_bounded();
    without_events_there_is_no_xid();
    missing_optional_functions_cost_their_channel_only();
    a_library_that_cannot_serve_is_not_kept();
    the_driver_version_tells_a_simulation();
    every_return_code_has_a_class();
    return 0;
}
