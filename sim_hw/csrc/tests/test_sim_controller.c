/** @file test_sim_controller.c  The framed controllers: poll, set, dead-man, silence. */
#include <string.h>

#include "check.h"
#include "nightside/frame.h"
#include "sim_devices.h"

#define SPEED_A 2u
#define SPEED_B 5u
#define FLOW 6u
#define BYPASS 12u
#define HEATER_A 13u
#define NS_PER_S 1000000000

static const sim_parameters_t parameters = {.pump_speed_max_rpm = 6000.0,
                                            .dead_man_s = 2.0,
                                            .trip_s = 1e-4,
                                            .payload_current_limit_a = 150.0,
                                            .module_current_limit_a = 40.0,
                                            .aux_current_limit_a = 10.0};

static sim_plant_image_t image;
static sim_devices_t *devices;
static uint16_t sequence;

static void start(void) {
    sim_devices_close(devices);
    image = (sim_plant_image_t){0};
    devices = sim_devices_open(&image, &parameters);
    CHECK(devices != NULL);
}

static int talk(int bus, const ns_frame_t *request, ns_frame_t *reply) {
    uint8_t wire[NS_FRAME_SIZE_MAX];
    uint8_t answer[NS_FRAME_SIZE_MAX];
    size_t size = 0;
    CHECK(ns_frame_encode(request, wire, sizeof(wire), &size) == NS_OK);
    int status =
        sim_bus_exchange(sim_bus_context(devices, bus), wire, size, answer, sizeof(answer), &size);
    if (status == NS_OK) {
        CHECK(answer[size - 1] == 0);
        CHECK(ns_frame_decode(answer, size, reply) == NS_OK);
        CHECK(reply->sequence == request->sequence);
    }
    return status;
}

static ns_frame_t poll(int bus) {
    ns_frame_t request = {.type = NS_FRAME_POLL, .sequence = ++sequence};
    ns_frame_t reply = {0};
    CHECK(talk(bus, &request, &reply) == NS_OK && reply.type == NS_FRAME_POLL_REPLY);
    CHECK(reply.payload_size == 2u + 4u * reply.payload[0]);
    return reply;
}

static float value(const ns_frame_t *reply, unsigned channel) {
    float single = 0.0f;
    memcpy(&single, &reply->payload[2u + 4u * channel], sizeof(single));
    return single;
}

static int set(int bus, uint8_t channel, float wanted) {
    ns_frame_t request = {.type = NS_FRAME_SET, .sequence = ++sequence, .payload_size = 5};
    ns_frame_t reply = {0};
    request.payload[0] = channel;
    memcpy(&request.payload[1], &wanted, sizeof(wanted));
    CHECK(talk(bus, &request, &reply) == NS_OK && reply.type == NS_FRAME_SET_REPLY);
    return reply.payload[0];
}

static void each_board_reports_its_channels_in_order(void) {
    start();
    image.truth.flow_kg_per_s = 0.144;
    image.truth.plate_outlet_temp_c[7] = 47.0;
    image.truth.bus28_voltage_v = 28.0;
    image.truth.disk_free_ratio = 0.75;
    ns_frame_t loop = poll(SIM_BUS_LOOP);
    CHECK(loop.payload[0] == 23 && value(&loop, 22) == 47.0f);
    CHECK_NEAR((double)value(&loop, FLOW), 0.144, 1e-6);
    ns_frame_t eps = poll(SIM_BUS_EPS);
    CHECK(eps.payload[0] == 16 && value(&eps, 14) == 28.0f);
    ns_frame_t host = poll(SIM_BUS_HOST);
    CHECK(host.payload[0] == 7 && value(&host, 6) == 0.75f);
}

static void set_reaches_the_plant_and_reads_back(void) {
    start();
    CHECK(set(SIM_BUS_LOOP, SPEED_A, 4000.0f) == 0 && set(SIM_BUS_LOOP, SPEED_B, 0.0f) == 0);
    CHECK(set(SIM_BUS_LOOP, BYPASS, 0.25f) == 0 && set(SIM_BUS_LOOP, HEATER_A, 1.0f) == 0);
    CHECK(image.setpoint.pump_speed_target_rpm[0] == 4000.0);
    CHECK(image.setpoint.pump_speed_target_rpm[1] == 0.0);
    CHECK(image.setpoint.bypass_ratio == 0.25 && image.setpoint.loop_heater_on[0] == 1.0);
    ns_frame_t reply = poll(SIM_BUS_LOOP);
    CHECK(value(&reply, SPEED_A) == 4000.0f && value(&reply, BYPASS) == 0.25f);
    CHECK(set(SIM_BUS_EPS, 15, 1.0f) == 0 && image.setpoint.battery_heater_on == 1.0);
}

static void a_set_that_cannot_be_is_refused_with_its_reason(void) {
    start();
    CHECK(set(SIM_BUS_LOOP, 23, 1.0f) == 1);
    CHECK(set(SIM_BUS_LOOP, SPEED_A, 6001.0f) == 2 && set(SIM_BUS_LOOP, SPEED_A, -1.0f) == 2);
    CHECK(set(SIM_BUS_LOOP, BYPASS, NAN) == 2);
    CHECK(set(SIM_BUS_LOOP, FLOW, 1.0f) == 3 && set(SIM_BUS_HOST, 0, 1.0f) == 3);
    CHECK(image.setpoint.bypass_ratio == 0.0);
}

static void the_loop_runs_both_pumps_when_nobody_speaks(void) {
    start();
    CHECK(set(SIM_BUS_LOOP, SPEED_A, 3000.0f) == 0 && set(SIM_BUS_LOOP, BYPASS, 1.0f) == 0);
    CHECK(set(SIM_BUS_LOOP, SPEED_B, 0.0f) == 0 && set(SIM_BUS_LOOP, HEATER_A, 1.0f) == 0);
    sim_devices_advance(devices, (int64_t)2 * NS_PER_S - 1);
    CHECK(image.setpoint.pump_speed_target_rpm[0] == 3000.0);
    sim_devices_advance(devices, (int64_t)2 * NS_PER_S);
    CHECK(image.setpoint.pump_speed_target_rpm[0] == 6000.0);
    CHECK(image.setpoint.pump_speed_target_rpm[1] == 6000.0);
    CHECK(image.setpoint.bypass_ratio == 0.0 && image.setpoint.loop_heater_on[0] == 0.0);
    ns_frame_t reply = poll(SIM_BUS_LOOP);
    CHECK(reply.payload[1] == NS_FRAME_FLAG_DEAD_MAN);
    reply = poll(SIM_BUS_LOOP); /* polling does not take it back */
    CHECK(reply.payload[1] == NS_FRAME_FLAG_DEAD_MAN);
    CHECK(set(SIM_BUS_LOOP, SPEED_A, 3000.0f) == 0);
    reply = poll(SIM_BUS_LOOP);
    CHECK(reply.payload[1] == 0 && value(&reply, SPEED_A) == 3000.0f);
}

static void a_poll_keeps_the_dead_man_quiet(void) {
    start();
    CHECK(set(SIM_BUS_LOOP, SPEED_A, 3000.0f) == 0);
    for (int64_t second = 1; second < 10; second++) {
        sim_devices_advance(devices, second * NS_PER_S);
        CHECK(poll(SIM_BUS_LOOP).payload[1] == 0);
    }
    CHECK(image.setpoint.pump_speed_target_rpm[0] == 3000.0);
}

static void a_silent_board_and_noise_time_out(void) {
    start();
    ns_frame_t request = {.type = NS_FRAME_POLL};
    ns_frame_t reply;
    image.knobs.loop_silent = 1.0;
    CHECK(talk(SIM_BUS_LOOP, &request, &reply) == NS_E_TIMEOUT);
    CHECK(talk(SIM_BUS_EPS, &request, &reply) == NS_OK);
    image.knobs.loop_silent = 0.0;
    request.type = 0x33;
    CHECK(talk(SIM_BUS_LOOP, &request, &reply) == NS_E_TIMEOUT);
    request.type = NS_FRAME_SET; /* without its five bytes */
    CHECK(talk(SIM_BUS_LOOP, &request, &reply) == NS_E_TIMEOUT);
    const uint8_t noise[] = {0x03, 0x55, 0xAA, 0x00};
    uint8_t answer[8];
    size_t size = 0;
    void *loop = sim_bus_context(devices, SIM_BUS_LOOP);
    CHECK(sim_bus_exchange(loop, noise, sizeof(noise), answer, sizeof(answer), &size) ==
          NS_E_TIMEOUT);
    CHECK(sim_bus_exchange(loop, NULL, 1, answer, sizeof(answer), &size) == NS_E_ARG);
    void *rails = sim_bus_context(devices, SIM_BUS_RAILS_A);
    CHECK(sim_bus_exchange(rails, noise, sizeof(noise), answer, sizeof(answer), &size) ==
          NS_E_TIMEOUT);
    uint8_t wire[NS_FRAME_SIZE_MAX];
    request.type = NS_FRAME_POLL;
    CHECK(ns_frame_encode(&request, wire, sizeof(wire), &size) == NS_OK);
    CHECK(sim_bus_exchange(loop, wire, size, answer, sizeof(answer), &size) == NS_E_FULL);
}

static void limits_are_forgotten_when_an_accelerator_boots(void) {
    start();
    image.truth.accel_alive[2] = 1.0;
    sim_devices_advance(devices, NS_PER_S);
    image.setpoint.accel_cap_w[2] = 300.0;
    image.setpoint.accel_clock_max_mhz[2] = 1000.0;
    sim_devices_advance(devices, (int64_t)2 * NS_PER_S);
    CHECK(image.setpoint.accel_cap_w[2] == 300.0);
    image.truth.accel_alive[2] = 0.0;
    sim_devices_advance(devices, (int64_t)3 * NS_PER_S);
    CHECK(image.setpoint.accel_cap_w[2] == 300.0);
    image.truth.accel_alive[2] = 1.0;
    sim_devices_advance(devices, (int64_t)4 * NS_PER_S);
    CHECK(image.setpoint.accel_cap_w[2] == 700.0);
    CHECK(image.setpoint.accel_clock_max_mhz[2] == 1980.0);
}

int main(void) {
    each_board_reports_its_channels_in_order();
    set_reaches_the_plant_and_reads_back();
    a_set_that_cannot_be_is_refused_with_its_reason();
    the_loop_runs_both_pumps_when_nobody_speaks();
    a_poll_keeps_the_dead_man_quiet();
    a_silent_board_and_noise_time_out();
    limits_are_forgotten_when_an_accelerator_boots();
    sim_devices_close(devices);
    return 0;
}
