#include <string.h>

#include "nvml_bench.h"

static ns_status_t reset(void) {
    return ns_nvml_ops.request(&device, NS_REQUEST_RESET);
}

static void a_reset_drains_removes_and_discovers_and_the_cap_is_applied_again(void) {
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(write_channel(NS_NVML_PERSISTENCE, 1.0), NS_OK);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 300.0), NS_OK);
    announce(fake, NS_NVML_EVENT_XID, 119);
    CHECK_STATUS(begin(), NS_OK);
    fake->device_calls = 0;
    CHECK_STATUS(reset(), NS_OK);
    CHECK(fake->trace[0] == FAKE_set_persistence && fake->trace[1] == FAKE_drain);
    CHECK(fake->trace[2] == FAKE_remove && fake->trace[3] == FAKE_discover);
    CHECK_STATUS(read_status(NS_NVML_CORE_TEMP_C), NS_E_ABSENT);
    CHECK(fake->event_set_count == 0 && !fake->is_drained && fake->limit_mw == 700000);
    CHECK_STATUS(begin(), NS_OK); /* at once, and not only after the next look-up is due */
    CHECK(fake->limit_mw == 300000 && fake->persistence == 1 && fake->event_set_count == 1);
    CHECK_EXACT(value_of(NS_NVML_XID), 0.0);
    close_device();
}

static void a_device_in_use_is_refused_and_works_on(void) {
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(write_channel(NS_NVML_PERSISTENCE, 1.0), NS_OK);
    fake->returns[FAKE_remove] = NS_NVML_IN_USE;
    CHECK_STATUS(reset(), NS_E_BUSY);
    CHECK(!fake->is_drained && fake->persistence == 1 && fake->calls[FAKE_discover] == 0);
    CHECK_STATUS(read_status(NS_NVML_CORE_TEMP_C), NS_OK);
    fake->returns[FAKE_remove] = NS_NVML_SUCCESS;
    fake->returns[FAKE_drain] = NS_NVML_NO_PERMISSION;
    CHECK_STATUS(reset(), NS_E_REFUSED);
    CHECK(fake->calls[FAKE_remove] == 1);
    CHECK_STATUS(read_status(NS_NVML_CORE_TEMP_C), NS_OK);
    close_device();
}

static void a_device_that_is_not_found_again_is_absent_and_looked_up(void) {
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    fake->returns[FAKE_discover] = NS_NVML_OPERATING_SYSTEM;
    CHECK_STATUS(reset(), NS_E_IO);
    fake->device_return = NS_NVML_GPU_IS_LOST;
    CHECK_STATUS(begin(), NS_E_ABSENT);
    fake->device_return = NS_NVML_SUCCESS;
    CHECK_STATUS(begin_later(1000), NS_OK);
    close_device();
}

static void a_lost_device_can_be_reset(void) {
    fake_nvml_t *fake = open_device();
    fake->device_return = NS_NVML_GPU_IS_LOST;
    CHECK_STATUS(begin(), NS_E_ABSENT);
    CHECK_STATUS(reset(), NS_OK);
    CHECK(fake->calls[FAKE_set_persistence] == 0); /* no handle to tell it by */
    fake->device_return = NS_NVML_SUCCESS;
    CHECK_STATUS(begin(), NS_OK);
    close_device();
}

static void an_old_library_cannot_reset(void) {
    (void)knobs_of(FAKE_NVML_OLD_PATH);
    CHECK_STATUS(open_path(FAKE_NVML_OLD_PATH), NS_OK);
    CHECK_STATUS(reset(), NS_E_UNSUPPORTED);
    close_device();
}

static void an_address_that_is_none_resets_nothing(void) {
    fake_nvml_t *fake = knobs_of(FAKE_NVML_PATH);
    static const char *const addresses[] = {"", "00000000", "00000000:41", "00000000:41:00",
                                            "00000000.41:00.0"};
    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
        CHECK_STATUS(ns_nvml_open(&device, FAKE_NVML_PATH, addresses[i], FAKE_UUID), NS_OK);
        CHECK_STATUS(reset(), NS_E_ARG);
        CHECK(fake->calls[FAKE_drain] == 0);
        close_device();
    }
}

int main(void) {
    a_reset_drains_removes_and_discovers_and_the_cap_is_applied_again();
    a_device_in_use_is_refused_and_works_on();
    a_device_that_is_not_found_again_is_absent_and_looked_up();
    a_lost_device_can_be_reset();
    an_old_library_cannot_reset();
    an_address_that_is_none_resets_nothing();
    return 0;
}
