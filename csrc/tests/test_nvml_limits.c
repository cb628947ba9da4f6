#include <math.h>
#include <string.h>

#include "nvml_bench.h"

static void caps_and_clocks_are_set_and_read_back(void) {
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 350.0005), NS_OK);
    CHECK(fake->limit_mw == 350000); /* an upper limit: truncated */
    CHECK_EXACT(value_of(NS_NVML_CAP_W), 350.0);
    CHECK_STATUS(write_channel(NS_NVML_CLOCK_MAX_MHZ, 1200.9), NS_OK);
    CHECK(fake->clock_max_mhz == 1200);
    CHECK_EXACT(value_of(NS_NVML_CLOCK_MAX_MHZ), 1200.0);
    CHECK_STATUS(write_channel(NS_NVML_MEMORY_CLOCK_MAX_MHZ, 1593.5), NS_OK);
    CHECK(fake->memory_clock_max_mhz == 1593);
    CHECK_EXACT(value_of(NS_NVML_MEMORY_CLOCK_MAX_MHZ), 1593.0);
    CHECK_STATUS(write_channel(NS_NVML_PERSISTENCE, 1.0), NS_OK);
    CHECK(fake->persistence == 1);
    CHECK_EXACT(value_of(NS_NVML_PERSISTENCE), 1.0);
    close_device();
}

static void what_cannot_be_written_is_refused_before_the_device(void) {
    static const struct {
        uint32_t channel;
        double value;
        ns_status_t status;
    } rows[] = {
        {NS_NVML_POWER_W, 1.0, NS_E_UNSUPPORTED},
        {NS_NVML_XID, 0.0, NS_E_UNSUPPORTED},
        {NS_NVML_CHANNEL_COUNT, 1.0, NS_E_ARG},
        {UINT32_MAX, 1.0, NS_E_ARG},
        {NS_NVML_CAP_W, -1.0, NS_E_RANGE},
        {NS_NVML_CAP_W, 5e6, NS_E_RANGE},
        {NS_NVML_CAP_W, (double)NAN, NS_E_RANGE},
        {NS_NVML_CAP_W, (double)INFINITY, NS_E_RANGE},
        {NS_NVML_CLOCK_MAX_MHZ, 4294967296.0, NS_E_RANGE},
        {NS_NVML_MEMORY_CLOCK_MAX_MHZ, -0.5, NS_E_RANGE},
        {NS_NVML_PERSISTENCE, 2.0, NS_E_RANGE},
    };
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    unsigned calls = fake->device_calls;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_STATUS(write_channel(rows[i].channel, rows[i].value), rows[i].status);
    }
    CHECK(fake->device_calls == calls);
    close_device();
}

static void a_cap_outside_the_devices_own_limits_is_not_written(void) {
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 199.999), NS_E_RANGE);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 700.001), NS_E_RANGE);
    CHECK(fake->calls[FAKE_set_limit] == 0 && fake->limit_mw == 700000);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 200.0), NS_OK);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 700.0), NS_OK);
    CHECK(fake->calls[FAKE_set_limit] == 2 && fake->calls[FAKE_constraints] == 1);
    close_device();
}

static void limits_that_could_not_be_read_are_read_before_the_next_cap(void) {
    fake_nvml_t *fake = knobs_of(FAKE_NVML_PATH);
    fake->returns[FAKE_constraints] = NS_NVML_TIMEOUT;
    CHECK_STATUS(open_path(FAKE_NVML_PATH), NS_OK);
    fake->returns[FAKE_constraints] = NS_NVML_SUCCESS;
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 100.0), NS_E_RANGE);
    CHECK(fake->calls[FAKE_set_limit] == 0);
    close_device();
}

static void limits_that_cannot_be_are_none(void) {
    fake_nvml_t *fake = knobs_of(FAKE_NVML_PATH);
    fake->limit_mw_min = 800000;
    CHECK_STATUS(open_path(FAKE_NVML_PATH), NS_OK);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 300.0), NS_OK);
    fake->limit_mw_min = fake->limit_mw_max = 0;
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 310.0), NS_OK);
    CHECK(fake->limit_mw == 310000);
    close_device();
}

static void a_cap_that_reads_back_differently_has_failed(void) {
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    fake->limit_reported_mw = 420000; /* lowered, and lifted instead */
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 300.0), NS_E_RANGE);
    fake->limit_reported_mw = 300001;
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 300.0), NS_E_RANGE);
    fake->limit_reported_mw = 299000;
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 300.0), NS_E_RANGE);
    fake->limit_reported_mw = 299001; /* rounded down, by less than a watt */
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 300.0), NS_OK);
    fake->returns[FAKE_management_limit] = NS_NVML_UNKNOWN;
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 300.0), NS_E_IO);
    close_device();
}

static void a_value_that_the_device_refuses_is_out_of_range_and_not_remembered(void) {
    static const struct {
        uint32_t channel;
        uint32_t function;
    } rows[] = {{NS_NVML_CAP_W, FAKE_set_limit},
                {NS_NVML_CLOCK_MAX_MHZ, FAKE_set_locked_clocks},
                {NS_NVML_MEMORY_CLOCK_MAX_MHZ, FAKE_set_memory_clocks},
                {NS_NVML_PERSISTENCE, FAKE_set_persistence}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fake_nvml_t *fake = open_device();
        double number = rows[i].channel == NS_NVML_PERSISTENCE ? 1.0 : 300.0;
        CHECK_STATUS(begin(), NS_OK);
        double before = value_of(rows[i].channel);
        fake->returns[rows[i].function] = NS_NVML_INVALID_ARGUMENT;
        CHECK_STATUS(write_channel(rows[i].channel, number), NS_E_RANGE);
        fake->returns[rows[i].function] = NS_NVML_NO_PERMISSION;
        CHECK_STATUS(write_channel(rows[i].channel, number), NS_E_REFUSED);
        fake->returns[rows[i].function] = NS_NVML_SUCCESS;
        CHECK_EXACT(value_of(rows[i].channel), before);
        close_device();
    }
}

/** Lose the device and find it again, with all of its settings gone. */
static void come_back(fake_nvml_t *fake) {
    reload_driver(fake);
    CHECK_STATUS(begin(), NS_E_ABSENT);
    fake->device_calls = 0;
    CHECK_STATUS(begin_later(1000), NS_OK);
}

static void what_was_commanded_is_applied_again_before_anything_is_read(void) {
    static const int order[] = {
        FAKE_set_persistence, FAKE_set_locked_clocks, FAKE_set_memory_clocks, FAKE_enforced_limit,
        FAKE_set_limit,       FAKE_management_limit,  FAKE_enforced_limit};
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 350.0), NS_OK);
    CHECK_STATUS(write_channel(NS_NVML_MEMORY_CLOCK_MAX_MHZ, 1593.0), NS_OK);
    CHECK_STATUS(write_channel(NS_NVML_CLOCK_MAX_MHZ, 1200.0), NS_OK);
    CHECK_STATUS(write_channel(NS_NVML_PERSISTENCE, 1.0), NS_OK);
    come_back(fake);
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        CHECK(fake->trace[i] == order[i]);
    }
    CHECK(fake->limit_mw == 350000 && fake->clock_max_mhz == 1200);
    CHECK(fake->memory_clock_max_mhz == 1593 && fake->persistence == 1);
    CHECK_EXACT(value_of(NS_NVML_CLOCK_MAX_MHZ), 1200.0);
    CHECK_EXACT(value_of(NS_NVML_CAP_W), 350.0);
    close_device();
}

static void a_cap_of_the_devices_own_that_is_tighter_stays(void) {
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 350.0), NS_OK);
    reload_driver(fake);
    fake->limit_mw = 250000; /* another hand, or another default */
    CHECK_STATUS(begin(), NS_E_ABSENT);
    CHECK_STATUS(begin_later(1000), NS_OK);
    CHECK(fake->limit_mw == 250000 && fake->calls[FAKE_set_limit] == 1);
    close_device();
}

static void nothing_is_applied_that_was_never_commanded(void) {
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    come_back(fake);
    CHECK(fake->calls[FAKE_set_limit] == 0 && fake->calls[FAKE_set_locked_clocks] == 0);
    CHECK(fake->calls[FAKE_set_memory_clocks] == 0 && fake->calls[FAKE_set_persistence] == 0);
    close_device();
}

static void a_cap_that_does_not_take_is_applied_until_the_enforced_limit_shows_it(void) {
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 350.0), NS_OK);
    fake->returns[FAKE_set_limit] = NS_NVML_NOT_READY;
    come_back(fake);
    CHECK_STATUS(begin(), NS_OK); /* readings come all the same */
    CHECK(fake->calls[FAKE_set_limit] == 3 && fake->limit_mw == 700000);
    fake->returns[FAKE_set_limit] = NS_NVML_SUCCESS;
    CHECK_STATUS(begin(), NS_OK);
    CHECK(fake->calls[FAKE_set_limit] == 4 && fake->limit_mw == 350000);
    CHECK_STATUS(begin(), NS_OK);
    CHECK(fake->calls[FAKE_set_limit] == 4);
    close_device();
}

static void a_cap_that_is_set_but_not_enforced_is_applied_again(void) {
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 350.0), NS_OK);
    fake->enforced_reported_mw = 700000;
    come_back(fake);
    CHECK(fake->calls[FAKE_set_limit] == 2 && fake->limit_mw == 350000);
    CHECK_STATUS(begin(), NS_OK);
    CHECK(fake->calls[FAKE_set_limit] == 3);
    fake->enforced_reported_mw = 0;
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    CHECK(fake->calls[FAKE_set_limit] == 3);
    close_device();
}

static void a_new_cap_takes_the_place_of_one_that_did_not_take(void) {
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 350.0), NS_OK);
    fake->returns[FAKE_set_limit] = NS_NVML_NOT_READY;
    come_back(fake);
    fake->returns[FAKE_set_limit] = NS_NVML_SUCCESS;
    CHECK_STATUS(write_channel(NS_NVML_CLOCK_MAX_MHZ, 1100.0), NS_OK); /* is no cap */
    CHECK_STATUS(write_channel(NS_NVML_CAP_W, 500.0), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    CHECK(fake->limit_mw == 500000);
    close_device();
}

static void a_lock_that_does_not_take_again_shows_as_no_lock(void) {
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(write_channel(NS_NVML_CLOCK_MAX_MHZ, 1200.0), NS_OK);
    fake->returns[FAKE_set_locked_clocks] = NS_NVML_NOT_READY;
    come_back(fake);
    CHECK_EXACT(value_of(NS_NVML_CLOCK_MAX_MHZ), 1980.0);
    close_device();
}

static void a_device_lost_while_it_is_brought_back_is_absent_and_keeps_its_commands(void) {
    static const uint32_t functions[] = {
        FAKE_set_persistence, FAKE_set_locked_clocks, FAKE_set_memory_clocks, FAKE_enforced_limit,
        FAKE_set_limit,       FAKE_management_limit,  FAKE_constraints,       FAKE_event_register};
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        fake_nvml_t *fake = open_device();
        CHECK_STATUS(begin(), NS_OK);
        CHECK_STATUS(write_channel(NS_NVML_CAP_W, 350.0), NS_OK);
        CHECK_STATUS(write_channel(NS_NVML_CLOCK_MAX_MHZ, 1200.0), NS_OK);
        CHECK_STATUS(write_channel(NS_NVML_MEMORY_CLOCK_MAX_MHZ, 1593.0), NS_OK);
        CHECK_STATUS(write_channel(NS_NVML_PERSISTENCE, 1.0), NS_OK);
        reload_driver(fake);
        CHECK_STATUS(begin(), NS_E_ABSENT);
        fake->returns[functions[i]] = NS_NVML_GPU_IS_LOST;
        CHECK_STATUS(begin_later(1000), NS_E_ABSENT);
        CHECK_STATUS(read_status(NS_NVML_CORE_TEMP_C), NS_E_ABSENT);
        CHECK(fake->event_set_count == 0);
        fake->returns[functions[i]] = NS_NVML_SUCCESS;
        CHECK_STATUS(begin_later(1000), NS_OK);
        CHECK(fake->limit_mw == 350000 && fake->clock_max_mhz == 1200);
        CHECK(fake->memory_clock_max_mhz == 1593 && fake->persistence == 1);
        close_device();
    }
}

int main(void) {
    caps_and_clocks_are_set_and_read_back();
    what_cannot_be_written_is_refused_before_the_device();
    a_cap_outside_the_devices_own_limits_is_not_written();
    limits_that_could_not_be_read_are_read_before_the_next_cap();
    limits_that_cannot_be_are_none();
    a_cap_that_reads_back_differently_has_failed();
    a_value_that_the_device_refuses_is_out_of_range_and_not_remembered();
    what_was_commanded_is_applied_again_before_anything_is_read();
    a_cap_of_the_devices_own_that_is_tighter_stays();
    nothing_is_applied_that_was_never_commanded();
    a_cap_that_does_not_take_is_applied_until_the_enforced_limit_shows_it();
    a_cap_that_is_set_but_not_enforced_is_applied_again();
    a_new_cap_takes_the_place_of_one_that_did_not_take();
    a_lock_that_does_not_take_again_shows_as_no_lock();
    a_device_lost_while_it_is_brought_back_is_absent_and_keeps_its_commands();
    return 0;
}
