#include <string.h>

#include "nvml_bench.h"

#define BIT(channel) (UINT64_C(1) << (channel))

static void every_channel_is_read_in_si_units(void) {
    static const double expected[NS_NVML_CHANNEL_COUNT] = {
        [NS_NVML_POWER_W] = 186,
        [NS_NVML_CORE_TEMP_C] = 70,
        [NS_NVML_MEMORY_TEMP_C] = 82000,
        [NS_NVML_MARGIN_C] = -3,
        [NS_NVML_UTILISATION_RATIO] = 0.5,
        [NS_NVML_CLOCK_MHZ] = 1400,
        [NS_NVML_ENERGY_J] = 83,
        [NS_NVML_EVENT_REASONS] = 0x44,
        [NS_NVML_ECC_CORRECTED_COUNT] = 3000,
        [NS_NVML_ECC_UNCORRECTED_COUNT] = 4000,
        [NS_NVML_XID] = 0,
        [NS_NVML_RECOVERY_ACTION] = 230000,
        [NS_NVML_PCIE_REPLAY_COUNT] = 94000,
        [NS_NVML_CAP_W] = 700,
        [NS_NVML_CLOCK_MAX_MHZ] = 1980,
        [NS_NVML_POWER_W_AVERAGE] = 185,
        [NS_NVML_REMAPPED_CORRECTED_COUNT] = 142000,
        [NS_NVML_REMAPPED_UNCORRECTED_COUNT] = 143000,
        [NS_NVML_REMAP_PENDING] = 144000,
        [NS_NVML_REMAP_FAILED] = 145000,
        [NS_NVML_MEMORY_CLOCK_MHZ] = 1402,
        [NS_NVML_MEMORY_CLOCK_MAX_MHZ] = 1982,
        [NS_NVML_PERSISTENCE] = 0,
        [NS_NVML_PCIE_GENERATION] = 5,
        [NS_NVML_PCIE_WIDTH] = 16,
        [NS_NVML_MEMORY_USED_RATIO] = 0.25,
    };
    (void)open_device();
    CHECK_STATUS(begin(), NS_OK);
    for (uint32_t channel = 0; channel < NS_NVML_CHANNEL_COUNT; channel++) {
        CHECK_NEAR(value_of(channel), expected[channel]);
    }
    CHECK_STATUS(read_status(NS_NVML_CHANNEL_COUNT), NS_E_ARG);
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
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fake->value_type = rows[i].type;
        CHECK_STATUS(begin(), NS_OK);
        CHECK_EXACT(value_of(NS_NVML_MEMORY_TEMP_C), rows[i].memory_temp);
    }
    close_device();
}

static void answers_that_cannot_be_are_out_of_range(void) {
    fake_nvml_t *fake = open_device();
    fake->value_type = 77;
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(read_status(NS_NVML_MEMORY_TEMP_C), NS_E_RANGE);
    fake->value_type = NS_NVML_VALUE_DOUBLE;
    fake->value_is_nan = true;
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(read_status(NS_NVML_MEMORY_TEMP_C), NS_E_RANGE);
    fake->value_is_nan = false;
    fake->field_ids_are_mixed_up = true;
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(read_status(NS_NVML_MEMORY_TEMP_C), NS_E_RANGE);
    fake->memory_used = fake->memory_total + 1;
    CHECK_STATUS(read_status(NS_NVML_MEMORY_USED_RATIO), NS_E_RANGE);
    fake->memory_used = fake->memory_total = 0;
    CHECK_STATUS(read_status(NS_NVML_MEMORY_USED_RATIO), NS_E_RANGE);
    close_device();
}

static void a_batch_asks_for_what_is_due_and_no_more(void) {
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin_due(BIT(NS_NVML_POWER_W) | BIT(NS_NVML_REMAP_FAILED) | BIT(63)), NS_OK);
    CHECK(fake->calls[FAKE_fields] == 1 && fake->asked_count == 2);
    CHECK(fake->asked[0] == NS_NVML_FIELD_POWER_INSTANT);
    CHECK(fake->asked[1] == NS_NVML_FIELD_REMAPPED_FAILURE);
    CHECK_EXACT(value_of(NS_NVML_POWER_W), 186.0);
    CHECK_STATUS(read_status(NS_NVML_ENERGY_J), NS_E_STALE);
    CHECK_STATUS(begin_due(BIT(NS_NVML_CORE_TEMP_C)), NS_OK);
    CHECK(fake->calls[FAKE_fields] == 1); /* nothing that is a field was due */
    CHECK_STATUS(read_status(NS_NVML_POWER_W), NS_E_STALE);
    CHECK_STATUS(begin(), NS_OK);
    CHECK(fake->calls[FAKE_fields] == 2 && fake->asked_count == 12);
    close_device();
}

static void begin_alone_touches_nothing_but_the_events(void) {
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin_due(0), NS_OK);
    unsigned calls = fake->device_calls;
    unsigned waits = fake->calls[FAKE_event_wait];
    CHECK_STATUS(begin_due(0), NS_OK);
    CHECK(fake->device_calls == calls && fake->calls[FAKE_event_wait] == waits + 1);
    close_device();
}

static void what_monitoring_costs_is_summed(void) {
    fake_nvml_t *fake = open_device();
    fake->latency_us = 40;
    CHECK_STATUS(begin_due(BIT(NS_NVML_POWER_W) | BIT(NS_NVML_ENERGY_J)), NS_OK);
    CHECK(ns_nvml_cost_us(&device) == 80);
    fake->latency_us = -1000; /* a library that lies never turns it back, nor wraps it */
    CHECK_STATUS(begin(), NS_OK);
    CHECK(ns_nvml_cost_us(&device) == 80);
    fake->latency_us = INT64_MAX;
    CHECK_STATUS(begin(), NS_OK);
    CHECK(ns_nvml_cost_us(&device) == UINT64_MAX);
    CHECK(ns_nvml_cost_us(NULL) == 0);
    close_device();
}

static void each_field_has_its_own_status(void) {
    fake_nvml_t *fake = open_device();
    fake->field_returns[NS_NVML_FIELD_POWER_INSTANT] = NS_NVML_TIMEOUT;
    fake->field_returns[NS_NVML_FIELD_MEMORY_TEMP] = NS_NVML_NO_DATA;
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(read_status(NS_NVML_POWER_W), NS_E_TIMEOUT);
    CHECK_STATUS(read_status(NS_NVML_MEMORY_TEMP_C), NS_E_STALE);
    CHECK_EXACT(value_of(NS_NVML_ENERGY_J), 83.0);
    fake->field_returns[NS_NVML_FIELD_POWER_INSTANT] = NS_NVML_SUCCESS;
    CHECK_STATUS(begin(), NS_OK);
    CHECK_EXACT(value_of(NS_NVML_POWER_W), 186.0);
    close_device();
}

static void what_is_not_supported_is_not_asked_again_until_it_is_attached_anew(void) {
    fake_nvml_t *fake = open_device();
    fake->field_returns[NS_NVML_FIELD_REMAPPED_PENDING] = NS_NVML_NOT_SUPPORTED;
    fake->returns[FAKE_margin] = NS_NVML_NOT_SUPPORTED;
    fake->returns[FAKE_set_persistence] = NS_NVML_NOT_SUPPORTED;
    CHECK_STATUS(begin(), NS_OK);
    for (int round = 0; round < 3; round++) {
        CHECK_STATUS(read_status(NS_NVML_REMAP_PENDING), NS_E_UNSUPPORTED);
        CHECK_STATUS(read_status(NS_NVML_MARGIN_C), NS_E_UNSUPPORTED);
        CHECK_STATUS(write_channel(NS_NVML_PERSISTENCE, 1.0), NS_E_UNSUPPORTED);
        CHECK_STATUS(begin(), NS_OK);
        CHECK(fake->asked_count == 11);
    }
    CHECK(fake->calls[FAKE_margin] == 1 && fake->calls[FAKE_set_persistence] == 1);
    memset(fake->field_returns, 0, sizeof fake->field_returns);
    memset(fake->returns, 0, sizeof fake->returns);
    CHECK_STATUS(read_status(NS_NVML_MARGIN_C), NS_E_UNSUPPORTED);
    reload_driver(fake);
    CHECK_STATUS(begin(), NS_E_ABSENT);
    CHECK_STATUS(begin_later(1000), NS_OK);
    CHECK_EXACT(value_of(NS_NVML_REMAP_PENDING), 144000.0);
    CHECK_EXACT(value_of(NS_NVML_MARGIN_C), -3.0);
    CHECK_STATUS(write_channel(NS_NVML_PERSISTENCE, 1.0), NS_OK);
    close_device();
}

static void a_device_without_field_values_has_the_rest(void) {
    fake_nvml_t *fake = open_device();
    fake->returns[FAKE_fields] = NS_NVML_NOT_SUPPORTED;
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(read_status(NS_NVML_POWER_W), NS_E_UNSUPPORTED);
    CHECK_EXACT(value_of(NS_NVML_CORE_TEMP_C), 70.0);
    CHECK_STATUS(begin(), NS_OK);
    CHECK(fake->calls[FAKE_fields] == 1);
    close_device();
}

static void missing_optional_functions_cost_their_channel_only(void) {
    (void)knobs_of(FAKE_NVML_OLD_PATH);
    CHECK_STATUS(open_path(FAKE_NVML_OLD_PATH), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    static const uint32_t missing[] = {NS_NVML_MARGIN_C,
                                       NS_NVML_UTILISATION_RATIO,
                                       NS_NVML_CLOCK_MHZ,
                                       NS_NVML_EVENT_REASONS,
                                       NS_NVML_XID,
                                       NS_NVML_CLOCK_MAX_MHZ,
                                       NS_NVML_MEMORY_CLOCK_MHZ,
                                       NS_NVML_PERSISTENCE,
                                       NS_NVML_MEMORY_CLOCK_MAX_MHZ,
                                       NS_NVML_PCIE_GENERATION,
                                       NS_NVML_PCIE_WIDTH,
                                       NS_NVML_MEMORY_USED_RATIO};
    for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++) {
        CHECK_STATUS(read_status(missing[i]), NS_E_UNSUPPORTED);
    }
    CHECK_STATUS(write_channel(NS_NVML_CLOCK_MAX_MHZ, 1000.0), NS_E_UNSUPPORTED);
    CHECK_STATUS(write_channel(NS_NVML_MEMORY_CLOCK_MAX_MHZ, 1000.0), NS_E_UNSUPPORTED);
    CHECK_STATUS(write_channel(NS_NVML_PERSISTENCE, 1.0), NS_E_UNSUPPORTED);
    CHECK_EXACT(value_of(NS_NVML_CORE_TEMP_C), 70.0);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 100.0), NS_OK); /* no constraints are known */
    CHECK_EXACT(value_of(NS_NVML_CAP_W), 100.0);
    uint8_t bytes[NS_EVIDENCE_BYTES];
    size_t size = 0;
    CHECK_STATUS(ns_nvml_ops.capture(&device, bytes, sizeof bytes, &size), NS_OK);
    CHECK(size > 0 && size <= sizeof bytes);
    close_device();
}

static void a_library_that_cannot_serve_is_not_kept(void) {
    fake_nvml_t *fake = knobs_of(FAKE_NVML_PATH);
    CHECK_STATUS(open_path("libnvidia-ml.so.1"), NS_E_ARG);
    CHECK_STATUS(open_path("/nowhere/libnvidia-ml.so.1"), NS_E_IO);
    CHECK_STATUS(open_path(FAKE_NVML_BROKEN_PATH), NS_E_UNSUPPORTED);
    fake->returns[FAKE_init] = NS_NVML_DRIVER_NOT_LOADED;
    CHECK_STATUS(open_path(FAKE_NVML_PATH), NS_E_ABSENT);
    fake->returns[FAKE_init] = NS_NVML_LIB_RM_VERSION_MISMATCH;
    CHECK_STATUS(open_path(FAKE_NVML_PATH), NS_E_LAYOUT);
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
    fake->returns[FAKE_driver_version] = NS_NVML_UNKNOWN;
    CHECK_STATUS(ns_nvml_driver_version(FAKE_NVML_PATH, version, 80), NS_E_IO);
}

static void no_function_that_samples_over_a_window_is_used(void) {
    static const char *const symbols[] = {
#define SYMBOL(type, member, symbol, is_required) symbol,
        NS_NVML_FUNCTIONS(SYMBOL)
#undef SYMBOL
    };
    for (size_t i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        CHECK(strstr(symbols[i], "Throughput") == NULL); /* PCIe throughput takes 20 ms */
        CHECK(strstr(symbols[i], "Samples") == NULL);
        CHECK(strstr(symbols[i], "HandleByUUID") == NULL); /* initialises other devices too */
        CHECK(strstr(symbols[i], "HandleByIndex") == NULL);
    }
}

int main(void) {
    every_channel_is_read_in_si_units();
    every_value_type_is_understood();
    answers_that_cannot_be_are_out_of_range();
    a_batch_asks_for_what_is_due_and_no_more();
    begin_alone_touches_nothing_but_the_events();
    what_monitoring_costs_is_summed();
    each_field_has_its_own_status();
    what_is_not_supported_is_not_asked_again_until_it_is_attached_anew();
    a_device_without_field_values_has_the_rest();
    missing_optional_functions_cost_their_channel_only();
    a_library_that_cannot_serve_is_not_kept();
    the_driver_version_tells_a_simulation();
    no_function_that_samples_over_a_window_is_used();
    return 0;
}
