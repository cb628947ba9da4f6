#include <string.h>

#include "nvml_bench.h"

static void a_lost_device_is_absent_until_it_is_found_again(void) {
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    fake->device_return = NS_NVML_GPU_IS_LOST;
    CHECK_STATUS(begin(), NS_E_ABSENT);
    CHECK_STATUS(begin(), NS_E_ABSENT);
    CHECK_STATUS(read_status(NS_NVML_CAP_W), NS_E_ABSENT);
    CHECK_STATUS(read_status(NS_NVML_POWER_W), NS_E_ABSENT);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 300.0), NS_E_ABSENT);
    CHECK(fake->event_set_count == 0);
    fake->device_return = NS_NVML_SUCCESS;
    CHECK_STATUS(begin_later(1000), NS_OK);
    CHECK(fake->event_set_count == 1 && fake->limit_mw == 700000);
    fake->device_return = NS_NVML_GPU_IS_LOST; /* noticed in the middle of a round */
    CHECK_STATUS(read_status(NS_NVML_CORE_TEMP_C), NS_E_ABSENT);
    CHECK_STATUS(read_status(NS_NVML_POWER_W), NS_E_ABSENT);
    close_device();
    CHECK(fake->event_set_count == 0 && fake->init_count == 0);
}

static void an_absent_device_is_looked_up_at_once_and_then_at_a_bounded_rate(void) {
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    fake->device_return = NS_NVML_GPU_IS_LOST;
    CHECK_STATUS(begin(), NS_E_ABSENT);
    fake->calls[FAKE_by_pci] = 0;
    CHECK_STATUS(begin_later(1), NS_E_ABSENT);
    CHECK(fake->calls[FAKE_by_pci] == 1); /* at once */
    CHECK_STATUS(begin_later(49), NS_E_ABSENT);
    CHECK(fake->calls[FAKE_by_pci] == 1);
    CHECK_STATUS(begin_later(1), NS_E_ABSENT);
    CHECK(fake->calls[FAKE_by_pci] == 2);
    for (int i = 0; i < 1000; i++) {
        CHECK_STATUS(begin_later(1), NS_E_ABSENT);
    }
    CHECK(fake->calls[FAKE_by_pci] == 22);
    fake->device_return = NS_NVML_SUCCESS;
    CHECK_STATUS(begin_later(50), NS_OK); /* it has power again: capped within one period */
    close_device();
}

static void a_sick_device_is_tried_twice_a_second(void) {
    static const struct {
        uint32_t code;
        ns_status_t status;
    } rows[] = {{NS_NVML_RESET_REQUIRED, NS_E_RESET}, {NS_NVML_UNKNOWN, NS_E_IO},
                {NS_NVML_TIMEOUT, NS_E_TIMEOUT},      {NS_NVML_NOT_READY, NS_E_BUSY},
                {NS_NVML_UNINITIALIZED, NS_E_ABSENT}, {NS_NVML_DRIVER_NOT_LOADED, NS_E_ABSENT}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fake_nvml_t *fake = open_device();
        fake->device_return = NS_NVML_GPU_IS_LOST;
        CHECK_STATUS(begin_later(1), NS_E_ABSENT);
        fake->device_return = rows[i].code;
        fake->calls[FAKE_by_pci] = 0;
        CHECK_STATUS(begin_later(50), rows[i].status);
        for (int begins = 0; begins < 499; begins++) {
            CHECK_STATUS(begin_later(1), rows[i].status);
        }
        CHECK(fake->calls[FAKE_by_pci] == 1);
        CHECK_STATUS(begin_later(1), rows[i].status);
        CHECK(fake->calls[FAKE_by_pci] == 2);
        close_device();
    }
}

static void values_of_before_the_loss_are_not_shown_after_it(void) {
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    fake->returns[FAKE_fields] = NS_NVML_TIMEOUT;
    CHECK_STATUS(begin(), NS_E_TIMEOUT);
    CHECK_STATUS(read_status(NS_NVML_POWER_W), NS_E_STALE);
    close_device();
}

static void another_uuid_is_never_touched(void) {
    fake_nvml_t *fake = knobs_of(FAKE_NVML_PATH);
    fake->uuid = "GPU-of-somebody-else";
    CHECK_STATUS(open_path(FAKE_NVML_PATH), NS_E_REFUSED);
    CHECK(fake->init_count == 0);
    fake->device_return = NS_NVML_GPU_IS_LOST; /* unpowered at the start, and another after it */
    CHECK_STATUS(open_path(FAKE_NVML_PATH), NS_OK);
    CHECK_STATUS(begin(), NS_E_ABSENT);
    fake->device_return = NS_NVML_SUCCESS;
    CHECK_STATUS(begin_later(1000), NS_E_REFUSED);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 300.0), NS_E_REFUSED);
    CHECK_STATUS(read_status(NS_NVML_CORE_TEMP_C), NS_E_REFUSED);
    CHECK(fake->device_calls == 0 && fake->limit_mw == 700000);
    fake->returns[FAKE_uuid] = NS_NVML_UNKNOWN;
    CHECK_STATUS(begin_later(1000), NS_E_IO);
    close_device();
    CHECK_STATUS(ns_nvml_open(&device, FAKE_NVML_PATH, "00000000:99:00.0", FAKE_UUID), NS_OK);
    CHECK_STATUS(begin(), NS_E_ABSENT);
    close_device();
}

static void a_module_that_was_swapped_while_it_was_away_is_refused(void) {
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 350.0), NS_OK);
    reload_driver(fake);
    fake->uuid = "GPU-99999999-2222-3333-4444-555555555555";
    CHECK_STATUS(begin(), NS_E_ABSENT);
    CHECK_STATUS(begin_later(1000), NS_E_REFUSED);
    CHECK(fake->limit_mw == 700000); /* the cap of the other one is not for this one */
    fake->uuid = FAKE_UUID;
    CHECK_STATUS(begin_later(1000), NS_OK);
    CHECK(fake->limit_mw == 350000);
    close_device();
}

static void a_reloaded_driver_is_initialised_again_at_a_bounded_rate(void) {
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    reload_driver(fake);
    fake->returns[FAKE_init] = NS_NVML_DRIVER_NOT_LOADED;
    CHECK_STATUS(begin(), NS_E_ABSENT);
    fake->calls[FAKE_init] = 0;
    for (int i = 0; i < 100; i++) {
        CHECK_STATUS(begin(), NS_E_ABSENT);
    }
    CHECK(fake->calls[FAKE_init] == 20);
    fake->returns[FAKE_init] = NS_NVML_LIB_RM_VERSION_MISMATCH; /* a driver of another version */
    CHECK_STATUS(begin_later(1000), NS_E_LAYOUT);
    CHECK_STATUS(read_status(NS_NVML_POWER_W), NS_E_LAYOUT);
    fake->returns[FAKE_init] = NS_NVML_SUCCESS;
    CHECK_STATUS(begin_later(1000), NS_OK);
    CHECK_EXACT(value_of(NS_NVML_POWER_W), 186.0);
    CHECK(fake->init_count == 1);
    close_device();
    CHECK(fake->init_count == 0);
}

static void a_driver_that_was_not_there_at_the_look_up_is_initialised_again(void) {
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    fake->device_return = NS_NVML_GPU_IS_LOST;
    CHECK_STATUS(begin(), NS_E_ABSENT);
    fake->device_return = NS_NVML_DRIVER_NOT_LOADED;
    CHECK_STATUS(begin(), NS_E_ABSENT);
    fake->device_return = NS_NVML_SUCCESS;
    fake->calls[FAKE_init] = fake->calls[FAKE_shutdown] = 0;
    CHECK_STATUS(begin_later(1000), NS_OK);
    CHECK(fake->calls[FAKE_shutdown] == 1 && fake->calls[FAKE_init] == 1);
    close_device();
    CHECK(fake->init_count == 0);
}

static void a_dead_handle_is_told_from_a_wrong_argument(void) {
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    fake->returns[FAKE_margin] = NS_NVML_INVALID_ARGUMENT; /* alone: our bug */
    CHECK_STATUS(read_status(NS_NVML_MARGIN_C), NS_E_ARG);
    CHECK_EXACT(value_of(NS_NVML_CORE_TEMP_C), 70.0);
    fake->generation++; /* devices were discovered anew */
    CHECK_STATUS(begin(), NS_E_ABSENT);
    CHECK_STATUS(begin(), NS_OK);
    CHECK(fake->calls[FAKE_init] == 1);
    fake->returns[FAKE_margin] = NS_NVML_INVALID_ARGUMENT;
    fake->uuid = "GPU-of-somebody-else"; /* the handle now stands for another one */
    CHECK_STATUS(read_status(NS_NVML_MARGIN_C), NS_E_ABSENT);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 300.0), NS_E_ABSENT);
    CHECK(fake->limit_mw == 700000);
    close_device();
}

static void a_device_that_needs_a_reset_says_so_until_it_had_one(void) {
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 350.0), NS_OK);
    fake->returns[FAKE_fields] = fake->returns[FAKE_set_limit] = NS_NVML_RESET_REQUIRED;
    CHECK_STATUS(begin(), NS_E_RESET);
    CHECK_STATUS(read_status(NS_NVML_CORE_TEMP_C), NS_E_RESET);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 300.0), NS_E_RESET);
    fake->limit_mw = 700000;
    CHECK_STATUS(begin_later(1000), NS_E_RESET); /* found, but it takes nothing */
    CHECK(fake->event_set_count == 0);
    fake->returns[FAKE_fields] = fake->returns[FAKE_set_limit] = NS_NVML_SUCCESS;
    CHECK_STATUS(begin_later(1000), NS_OK);
    CHECK(fake->limit_mw == 350000);
    close_device();
}

static void one_that_comes_back_in_the_same_place_needs_no_restart(void) {
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    for (int i = 0; i < 5; i++) {
        fake->device_return = NS_NVML_GPU_IS_LOST;
        CHECK_STATUS(begin(), NS_E_ABSENT);
        fake->device_return = NS_NVML_SUCCESS;
        CHECK_STATUS(begin_later(1000), NS_OK);
    }
    CHECK(fake->calls[FAKE_init] == 1 && fake->calls[FAKE_shutdown] == 0);
    CHECK(fake->event_set_count == 1);
    close_device();
}

int main(void) {
    a_lost_device_is_absent_until_it_is_found_again();
    an_absent_device_is_looked_up_at_once_and_then_at_a_bounded_rate();
    a_sick_device_is_tried_twice_a_second();
    values_of_before_the_loss_are_not_shown_after_it();
    another_uuid_is_never_touched();
    a_module_that_was_swapped_while_it_was_away_is_refused();
    a_reloaded_driver_is_initialised_again_at_a_bounded_rate();
    a_driver_that_was_not_there_at_the_look_up_is_initialised_again();
    a_dead_handle_is_told_from_a_wrong_argument();
    a_device_that_needs_a_reset_says_so_until_it_had_one();
    one_that_comes_back_in_the_same_place_needs_no_restart();
    return 0;
}
