#include <string.h>

#include "nvml_bench.h"

static const struct {
    uint32_t code;
    ns_status_t status;
} rows[] = {
    {0, NS_OK},           {1, NS_E_ABSENT},       {2, NS_E_ARG},          {3, NS_E_UNSUPPORTED},
    {4, NS_E_REFUSED},    {5, NS_E_IO},           {6, NS_E_ABSENT},       {7, NS_E_ARG},
    {8, NS_E_IO},         {9, NS_E_ABSENT},       {10, NS_E_TIMEOUT},     {11, NS_E_IO},
    {12, NS_E_IO},        {13, NS_E_UNSUPPORTED}, {14, NS_E_IO},          {15, NS_E_ABSENT},
    {16, NS_E_RESET},     {17, NS_E_IO},          {18, NS_E_LAYOUT},      {19, NS_E_BUSY},
    {20, NS_E_IO},        {21, NS_E_STALE},       {22, NS_E_UNSUPPORTED}, {23, NS_E_BUSY},
    {24, NS_E_RANGE},     {25, NS_E_UNSUPPORTED}, {26, NS_E_UNSUPPORTED}, {27, NS_E_BUSY},
    {28, NS_E_ABSENT},    {29, NS_E_BUSY},        {30, NS_E_UNSUPPORTED}, {31, NS_E_IO},
    {998, NS_E_IO},       {999, NS_E_IO},         {12345, NS_E_IO},       {0x80000000U, NS_E_IO},
    {UINT32_MAX, NS_E_IO}};
#define ROW_COUNT (sizeof rows / sizeof rows[0])

static const struct {
    uint32_t channel;
    uint32_t function;
} singles[] = {
    {NS_NVML_CORE_TEMP_C, FAKE_temperature},         {NS_NVML_MARGIN_C, FAKE_margin},
    {NS_NVML_UTILISATION_RATIO, FAKE_utilization},   {NS_NVML_CLOCK_MHZ, FAKE_clock},
    {NS_NVML_EVENT_REASONS, FAKE_event_reasons},     {NS_NVML_CAP_W, FAKE_enforced_limit},
    {NS_NVML_CLOCK_MAX_MHZ, FAKE_clock_max},         {NS_NVML_MEMORY_CLOCK_MHZ, FAKE_clock},
    {NS_NVML_MEMORY_CLOCK_MAX_MHZ, FAKE_clock_max},  {NS_NVML_PERSISTENCE, FAKE_persistence},
    {NS_NVML_PCIE_GENERATION, FAKE_pcie_generation}, {NS_NVML_PCIE_WIDTH, FAKE_pcie_width},
    {NS_NVML_MEMORY_USED_RATIO, FAKE_memory_info},
};

static const struct {
    uint32_t channel;
    uint32_t function;
    double value;
} setters[] = {
    {NS_NVML_CAP_W, FAKE_set_limit, 350.0},
    {NS_NVML_CAP_W, FAKE_management_limit, 350.0},
    {NS_NVML_CLOCK_MAX_MHZ, FAKE_set_locked_clocks, 1200.0},
    {NS_NVML_MEMORY_CLOCK_MAX_MHZ, FAKE_set_memory_clocks, 1593.0},
    {NS_NVML_PERSISTENCE, FAKE_set_persistence, 1.0},
};

static bool is_absence(ns_status_t status) {
    return status == NS_E_ABSENT || status == NS_E_RESET;
}

static void every_return_code_has_a_class(void) {
    for (size_t i = 0; i < ROW_COUNT; i++) {
        CHECK_STATUS(ns_nvml_classify(rows[i].code), rows[i].status);
    }
}

static void every_reading_gives_the_class_of_every_code(void) {
    for (size_t i = 0; i < sizeof singles / sizeof singles[0]; i++) {
        for (size_t code = 1; code < ROW_COUNT; code++) {
            fake_nvml_t *fake = open_device();
            CHECK_STATUS(begin(), NS_OK);
            fake->returns[singles[i].function] = rows[code].code;
            CHECK_STATUS(read_status(singles[i].channel), rows[code].status);
            bool is_gone = is_absence(rows[code].status);
            CHECK_STATUS(read_status(NS_NVML_POWER_W), is_gone ? rows[code].status : NS_OK);
            fake->returns[singles[i].function] = NS_NVML_SUCCESS;
            close_device();
        }
    }
}

static void every_setting_gives_the_class_of_every_code(void) {
    for (size_t i = 0; i < sizeof setters / sizeof setters[0]; i++) {
        for (size_t code = 1; code < ROW_COUNT; code++) {
            fake_nvml_t *fake = open_device();
            bool is_getter = setters[i].function == FAKE_management_limit;
            bool is_value = rows[code].code == NS_NVML_INVALID_ARGUMENT && !is_getter;
            CHECK_STATUS(begin(), NS_OK);
            fake->returns[setters[i].function] = rows[code].code;
            CHECK_STATUS(write_channel(setters[i].channel, setters[i].value),
                         is_value ? NS_E_RANGE : rows[code].status);
            CHECK(is_getter || (fake->limit_mw == 700000 && fake->clock_max_mhz == 0 &&
                                fake->memory_clock_max_mhz == 0 && fake->persistence == 0));
            close_device();
        }
    }
}

static void a_batch_that_fails_fails_the_round_with_its_class(void) {
    for (size_t code = 1; code < ROW_COUNT; code++) {
        fake_nvml_t *fake = open_device();
        fake->returns[FAKE_fields] = rows[code].code;
        bool is_missing = rows[code].status == NS_E_UNSUPPORTED;
        CHECK_STATUS(begin(), is_missing ? NS_OK : rows[code].status);
        fake->returns[FAKE_fields] = NS_NVML_SUCCESS;
        CHECK_STATUS(begin_later(1000), NS_OK);
        CHECK_STATUS(read_status(NS_NVML_POWER_W), is_missing ? NS_E_UNSUPPORTED : NS_OK);
        close_device();
    }
}

static void every_field_gives_the_class_of_every_code(void) {
    for (size_t code = 1; code < ROW_COUNT; code++) {
        fake_nvml_t *fake = open_device();
        for (size_t i = 0; i < FAKE_FIELDS_MAX; i++) {
            fake->field_returns[i] = rows[code].code;
        }
        CHECK_STATUS(begin(), NS_OK);
        CHECK_STATUS(read_status(NS_NVML_ENERGY_J), rows[code].status);
        CHECK_STATUS(read_status(NS_NVML_REMAP_FAILED), rows[code].status);
        CHECK_EXACT(value_of(NS_NVML_CORE_TEMP_C), 70.0);
        close_device();
    }
}

static void use_everything(void) {
    uint8_t bytes[NS_EVIDENCE_BYTES];
    size_t size = 0;
    (void)begin();
    for (uint32_t channel = 0; channel <= NS_NVML_CHANNEL_COUNT; channel++) {
        (void)read_status(channel); /* checks that a failure leaves the output alone */
        (void)write_channel(channel, 300.0);
    }
    (void)write_channel(NS_NVML_PERSISTENCE, 1.0);
    (void)ns_nvml_ops.alarm(&device);
    (void)ns_nvml_ops.capture(&device, bytes, sizeof bytes, &size);
    CHECK(size > 0 && size <= sizeof bytes); /* the UUID at least */
    CHECK_STATUS(ns_nvml_ops.request(&device, NS_REQUEST_CLEAR), NS_OK);
    (void)begin_later(1000);
}

/** All work again, but for what was said to be missing for good. */
static void check_all_channels(ns_status_t status_before) {
    for (uint32_t channel = 0; channel < NS_NVML_CHANNEL_COUNT; channel++) {
        ns_status_t status = read_status(channel);
        CHECK(status == NS_OK || (status == NS_E_UNSUPPORTED && status_before == NS_E_UNSUPPORTED));
    }
}

/** Whatever one function answers, and from whenever on: nothing breaks, nothing leaks, and when it
 *  works again the device does. */
static void every_function_may_answer_every_code(void) {
    for (uint32_t function = 0; function < FAKE_FUNCTION_COUNT; function++) {
        for (size_t code = 1; code < ROW_COUNT; code++) {
            for (int is_early = 0; is_early <= 1; is_early++) {
                fake_nvml_t *fake = knobs_of(FAKE_NVML_PATH);
                fake->returns[function] = is_early != 0 ? rows[code].code : NS_NVML_SUCCESS;
                ns_status_t status = open_path(FAKE_NVML_PATH);
                CHECK(is_early != 0 || status == NS_OK);
                fake->returns[function] = rows[code].code;
                if (status == NS_OK) {
                    announce(fake, NS_NVML_EVENT_XID, 48);
                    use_everything();
                    fake->returns[function] = NS_NVML_SUCCESS;
                    CHECK_STATUS(begin_later(1000), NS_OK);
                    CHECK_STATUS(begin_later(1000), NS_OK);
                    check_all_channels(rows[code].status);
                    close_device();
                }
                CHECK(fake->init_count == 0 && fake->event_set_count == 0);
            }
        }
    }
}

int main(void) {
    every_return_code_has_a_class();
    every_reading_gives_the_class_of_every_code();
    every_setting_gives_the_class_of_every_code();
    a_batch_that_fails_fails_the_round_with_its_class();
    every_field_gives_the_class_of_every_code();
    every_function_may_answer_every_code();
    return 0;
}
