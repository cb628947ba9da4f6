/** @file test_sim_devices.c  The buses of REF-1: their clock, and the wire knobs of the image. */
#include <string.h>

#include "check.h"
#include "nightside/bus.h"
#include "nightside/frame.h"
#include "pmbus_codes.h"
#include "sim_devices.h"

#define HOST 0x30u
#define STEP_NS 100000000

static const sim_parameters_t parameters = {.pump_speed_max_rpm = 6000.0,
                                            .dead_man_s = 2.0,
                                            .trip_s = 1e-4,
                                            .payload_current_limit_a = 150.0,
                                            .module_current_limit_a = 40.0,
                                            .aux_current_limit_a = 10.0};

static sim_plant_image_t image;
static sim_devices_t *devices;
static int64_t now_ns;
static ns_bus_t bus;

static void start(int index) {
    sim_devices_close(devices);
    image = (sim_plant_image_t){0};
    now_ns = 0;
    devices = sim_devices_open(&image, &parameters);
    CHECK(devices != NULL);
    bus = (ns_bus_t){.ops = (const ns_bus_ops_t *)sim_bus_ops(),
                     .ctx = sim_bus_context(devices, index)};
}

static void advance(void) {
    now_ns += STEP_NS;
    sim_devices_advance(devices, now_ns);
}

static ns_status_t read_page(uint32_t timeout_us) {
    uint8_t code = SIM_PAGE;
    uint8_t answer[2];
    return bus.ops->transfer(bus.ctx, HOST, &code, 1, answer, 2, timeout_us);
}

static int64_t spent_ns(void) {
    return bus.ops->now_ns(bus.ctx) - now_ns;
}

/* A byte and PEC at 400 kHz: five bytes of nine bits and three conditions. */
static void the_bus_clock_is_the_plant_and_the_wire(void) {
    start(SIM_BUS_RAILS_HOST);
    advance();
    CHECK(spent_ns() == 0);
    CHECK(read_page(1000) == NS_OK && spent_ns() == 48 * 2500);
    bus.ops->delay(bus.ctx, 10);
    CHECK(spent_ns() == 48 * 2500 + 10000);
    CHECK(bus.ops->recover(bus.ctx) == NS_OK);
    advance();
    CHECK(spent_ns() == 0);
}

static void a_serial_line_takes_ten_bits_a_byte(void) {
    ns_frame_t poll = {.type = NS_FRAME_POLL, .sequence = 1, .payload_size = 0};
    uint8_t bytes[64];
    uint8_t answer[256];
    size_t size = 0;
    size_t answer_size = 0;
    start(SIM_BUS_HOST);
    advance();
    CHECK(ns_frame_encode(&poll, bytes, sizeof(bytes), &size) == NS_OK);
    CHECK(bus.ops->exchange(bus.ctx, bytes, size, answer, 256, &answer_size, 50000) == NS_OK);
    CHECK_NEAR((double)spent_ns(), (double)(size + answer_size) * 10.0 / 115200.0 * 1e9, 1e3);
    image.knobs.host_silent = 1.0;
    advance();
    CHECK(bus.ops->exchange(bus.ctx, bytes, size, answer, 256, &answer_size, 50000) ==
          NS_E_TIMEOUT);
    CHECK(spent_ns() == 50000000);
    CHECK(bus.ops->exchange(NULL, bytes, size, answer, 256, &answer_size, 1) == NS_E_ARG);
    start(SIM_BUS_RAILS_A);
    CHECK(bus.ops->exchange(bus.ctx, bytes, size, answer, 256, &answer_size, 1) == NS_E_TIMEOUT);
}

static void sda_held_low_is_freed_by_clocks_and_stays_free(void) {
    start(SIM_BUS_RAILS_HOST);
    image.knobs.bus_sda_clocks[2] = 12.0;
    advance();
    CHECK(read_page(1000) == NS_E_TIMEOUT && spent_ns() == 1000000);
    CHECK(bus.ops->recover(bus.ctx) == NS_E_TIMEOUT);
    CHECK(image.knobs.bus_sda_clocks[2] == 3.0);
    advance();
    CHECK(bus.ops->recover(bus.ctx) == NS_OK && image.knobs.bus_sda_clocks[2] == 0.0);
    CHECK(read_page(1000) == NS_OK);
    advance();
    CHECK(read_page(1000) == NS_OK);
    image.knobs.bus_sda_clocks[2] = -1.0; /* for ever */
    advance();
    for (int i = 0; i < 5; i++) {
        CHECK(bus.ops->recover(bus.ctx) == NS_E_TIMEOUT);
    }
    CHECK(read_page(1000) == NS_E_TIMEOUT);
    image.knobs.bus_sda_clocks[2] = 0.0; /* the part at fault lost its supply */
    advance();
    CHECK(read_page(1000) == NS_OK);
}

static void each_bus_has_its_own_wire(void) {
    start(SIM_BUS_RAILS_HOST);
    image.knobs.bus_sda_clocks[0] = image.knobs.bus_sda_clocks[1] = -1.0;
    advance();
    CHECK(read_page(1000) == NS_OK);
    uint8_t code = SIM_OPERATION;
    uint8_t answer = 0;
    CHECK(sim_bus_transfer(sim_bus_context(devices, SIM_BUS_RAILS_A), 0x10, &code, 1, &answer, 1) ==
          NS_E_TIMEOUT);
}

static void stretch_and_last_moment_take_their_time(void) {
    start(SIM_BUS_RAILS_HOST);
    image.knobs.bus_stretch_us[2] = 2000.0;
    advance();
    CHECK(read_page(5000) == NS_OK && spent_ns() == 2000000 + 48 * 2500);
    CHECK(read_page(1000) == NS_E_TIMEOUT);
    image.knobs.bus_stretch_us[2] = 0.0;
    image.knobs.bus_last_moment[2] = 1.0;
    advance();
    CHECK(read_page(5000) == NS_OK && spent_ns() == 4999000);
    image.knobs.bus_last_moment[2] = 0.0;
    advance();
    CHECK(read_page(5000) == NS_OK && spent_ns() == 48 * 2500);
}

static unsigned bad_answers(double seed) {
    start(SIM_BUS_RAILS_HOST);
    sim_devices_close(devices);
    image.sensor_seed = seed;
    devices = sim_devices_open(&image, &parameters);
    bus.ctx = sim_bus_context(devices, SIM_BUS_RAILS_HOST);
    image.knobs.bus_byte_error_rate[2] = 0.05;
    unsigned bad = 0;
    for (unsigned i = 0; i < 31; i++) {
        uint8_t code = SIM_PAGE;
        uint8_t answer[2] = {0, 0};
        advance();
        ns_status_t status = bus.ops->transfer(bus.ctx, HOST, &code, 1, answer, 2, 1000);
        uint8_t wire[] = {HOST << 1, code, (HOST << 1) + 1, answer[0]};
        bad |= status != NS_OK || sim_pec_update(0, wire, 4) != answer[1] ? 1u << i : 0u;
    }
    return bad;
}

static void errors_on_the_wire_follow_from_the_seed(void) {
    unsigned first = bad_answers(7.0);
    CHECK(first != 0 && bad_answers(7.0) == first && bad_answers(8.0) != first);
}

static unsigned channels(const sim_parameters_t *of, int index) {
    ns_frame_t poll = {.type = NS_FRAME_POLL, .sequence = 1, .payload_size = 0};
    ns_frame_t reply;
    uint8_t bytes[64];
    uint8_t answer[256];
    size_t size = 0;
    size_t answer_size = 0;
    sim_devices_close(devices);
    image = (sim_plant_image_t){0};
    devices = sim_devices_open(&image, of);
    CHECK(devices != NULL && ns_frame_encode(&poll, bytes, sizeof(bytes), &size) == NS_OK);
    CHECK(sim_bus_exchange(sim_bus_context(devices, index), bytes, size, answer, sizeof(answer),
                           &answer_size) == NS_OK);
    CHECK(ns_frame_decode(answer, answer_size, &reply) == NS_OK);
    return reply.payload[0];
}

static void a_smaller_node_has_fewer_channels(void) {
    CHECK(channels(&parameters, SIM_BUS_LOOP) == 23 && channels(&parameters, SIM_BUS_EPS) == 16);
    CHECK(channels(&parameters, SIM_BUS_HOST) == 7);
    CHECK(image.setpoint.pump_speed_target_rpm[0] == 6000.0);
    sim_parameters_t small = parameters;
    small.accelerator_count = 3.0;
    small.is_fed = 1.0;
    CHECK(channels(&small, SIM_BUS_LOOP) == 18 && channels(&small, SIM_BUS_EPS) == 2);
    small.is_conducted = 1.0;
    CHECK(channels(&small, SIM_BUS_LOOP) == 0 && channels(&small, SIM_BUS_HOST) == 8);
    CHECK(image.setpoint.pump_speed_target_rpm[0] == 0.0);
}

static void parameters_that_cannot_be_are_refused(void) {
    sim_parameters_t wrong = parameters;
    wrong.accelerator_count = 9.0;
    CHECK(sim_devices_open(&image, &wrong) == NULL);
    wrong.accelerator_count = 8.0;
    wrong.cap_w_min = 60.0;
    wrong.cap_w_max = 15.0;
    CHECK(sim_devices_open(&image, &wrong) == NULL);
    wrong.cap_w_max = 60.0;
    wrong.payload_voltage_v = -1.0;
    CHECK(sim_devices_open(&image, &wrong) == NULL);
}

int main(void) {
    the_bus_clock_is_the_plant_and_the_wire();
    a_serial_line_takes_ten_bits_a_byte();
    sda_held_low_is_freed_by_clocks_and_stays_free();
    each_bus_has_its_own_wire();
    stretch_and_last_moment_take_their_time();
    errors_on_the_wire_follow_from_the_seed();
    a_smaller_node_has_fewer_channels();
    parameters_that_cannot_be_are_refused();
    sim_devices_close(devices);
    return 0;
}
