/** @file test_sim_pmbus.c  Register models of hot-swap, auxiliary regulator and monitor, over the
 * bus. */
#include <string.h>

#include "check.h"
#include "pmbus_codes.h"
#include "sim_devices.h"

#define MODULE0 0x11u
#define AUX 0x20u
#define HOST 0x30u
#define PAYLOAD 0x10u
#define STEP_NS 1000000

static const sim_parameters_t parameters = {.pump_speed_max_rpm = 6000.0,
                                            .dead_man_s = 2.0,
                                            .trip_s = 1e-4,
                                            .payload_current_limit_a = 150.0,
                                            .module_current_limit_a = 40.0,
                                            .aux_current_limit_a = 10.0};

static sim_plant_image_t image;
static sim_devices_t *devices;
static int64_t now_ns;
static void *bus_a;
static void *bus_host;

static void start(void) {
    sim_devices_close(devices);
    image = (sim_plant_image_t){0};
    now_ns = 0;
    devices = sim_devices_open(&image, &parameters);
    CHECK(devices != NULL);
    bus_a = sim_bus_context(devices, SIM_BUS_RAILS_A);
    bus_host = sim_bus_context(devices, SIM_BUS_RAILS_HOST);
}

static void advance(void) {
    now_ns += STEP_NS;
    sim_devices_advance(devices, now_ns);
}

static int send(void *bus, uint8_t address, size_t size, uint8_t code, unsigned value) {
    uint8_t bytes[3] = {code, (uint8_t)(value & 0xFFu), (uint8_t)(value >> 8)};
    return sim_bus_transfer(bus, address, bytes, 1u + size, NULL, 0);
}

static int send_with_pec(void *bus, uint8_t address, size_t size, uint8_t code, unsigned value,
                         uint8_t pec_error) {
    uint8_t bytes[5] = {(uint8_t)(address << 1), code, (uint8_t)(value & 0xFFu),
                        (uint8_t)(value >> 8), 0};
    bytes[2u + size] = sim_pec_update(0, bytes, 2u + size) ^ pec_error;
    return sim_bus_transfer(bus, address, &bytes[1], 2u + size, NULL, 0);
}

static unsigned get(void *bus, uint8_t address, size_t size, uint8_t code) {
    uint8_t answer[3] = {0, 0, 0};
    CHECK(sim_bus_transfer(bus, address, &code, 1, answer, size + 1u) == NS_OK);
    uint8_t wire[] = {(uint8_t)(address << 1), code, (uint8_t)((address << 1) + 1), answer[0],
                      answer[1]};
    CHECK(sim_pec_update(0, wire, 3u + size) == answer[size]);
    return size == 1 ? answer[0] : (unsigned)(answer[0] | answer[1] << 8);
}

/* Vectors of the vectors of csrc/tests/test_codec.c. */
static void formats_agree_with_the_published_vectors(void) {
    const uint8_t text[] = "123456789";
    const uint8_t word[] = {0x80, 0x88, 0x81, 0x00, 0xD3};
    CHECK(sim_pec_update(0, text, 9) == 0xF4);
    CHECK(sim_pec_update(0, word, sizeof(word)) == 0x41);
    CHECK(sim_linear11_value(0xD300) == 12.0 && sim_linear11_value(0xF3E8) == 250.0);
    CHECK(sim_linear11_value(0x07FF) == -1.0 && sim_linear11_value(0xFFFF) == -0.5);
    CHECK(sim_linear11_value(sim_linear11_from(12.0)) == 12.0);
    CHECK(sim_linear11_from(1e9) == 0x7BFF && sim_linear11_from(-1e9) == 0x7C00);
    CHECK(sim_linear11_from(NAN) == sim_linear11_from(0.0));
    CHECK_NEAR(sim_linear11_value(sim_linear11_from(-40.25)), -40.25, 0.05);
    CHECK(sim_linear16_from(0.85, 0x14) == 0x0D9A && sim_linear16_from(0.85, 0x13) == 0x1B33);
    CHECK(sim_linear16_from(16.0, 0x14) == 0xFFFF && sim_linear16_from(-1.0, 0x14) == 0);
    CHECK(sim_linear16_from(NAN, 0x14) == 0);
}

static void readings_follow_the_plant(void) {
    start();
    image.truth.module_voltage_v[0] = 54.0;
    image.truth.module_current_a[0] = 12.96;
    image.truth.module_temp_c[0] = 41.5;
    advance();
    CHECK(get(bus_a, MODULE0, 1, SIM_VOUT_MODE) == 0x17);
    CHECK(get(bus_a, MODULE0, 2, SIM_READ_VOUT) == 54u * 512u);
    double current_a = sim_linear11_value((uint16_t)get(bus_a, MODULE0, 2, SIM_READ_IOUT));
    CHECK_NEAR(current_a, 12.96, 0.01);
    double power_w = sim_linear11_value((uint16_t)get(bus_a, MODULE0, 2, SIM_READ_POUT));
    CHECK_NEAR(power_w, 54.0 * 12.96, 0.5);
    double temp_c = sim_linear11_value((uint16_t)get(bus_a, MODULE0, 2, SIM_READ_TEMPERATURE_1));
    CHECK(temp_c == 41.5);
    CHECK((get(bus_a, MODULE0, 1, SIM_CAPABILITY) & 0x80u) != 0);
}

static void operation_works_the_switch_and_reads_back(void) {
    start();
    CHECK(image.setpoint.payload_enabled == 1.0 && image.setpoint.module_enabled[0] == 0.0);
    CHECK(send_with_pec(bus_a, MODULE0, 1, SIM_OPERATION, 0x80, 0) == NS_OK);
    CHECK(image.setpoint.module_enabled[0] == 1.0);
    CHECK(get(bus_a, MODULE0, 1, SIM_OPERATION) == 0x80);
    CHECK(image.setpoint.module_enabled[1] == 0.0);
    CHECK(send(bus_a, MODULE0, 1, SIM_OPERATION, 0x00) == NS_OK);
    CHECK(image.setpoint.module_enabled[0] == 0.0);
    CHECK((get(bus_a, MODULE0, 2, SIM_STATUS_WORD) & SIM_STATUS_OFF) != 0);
    CHECK(send(bus_a, MODULE0, 1, SIM_OPERATION, 0x55) == NS_E_NACK);
    CHECK((get(bus_a, MODULE0, 1, SIM_STATUS_CML) & SIM_CML_DATA) != 0);
}

static void a_wrong_pec_is_refused_and_nothing_happens(void) {
    start();
    CHECK(send_with_pec(bus_a, MODULE0, 1, SIM_OPERATION, 0x80, 0x01) == NS_E_NACK);
    CHECK(image.setpoint.module_enabled[0] == 0.0);
    CHECK(get(bus_a, MODULE0, 1, SIM_STATUS_CML) == SIM_CML_PEC);
    CHECK((get(bus_a, MODULE0, 2, SIM_STATUS_WORD) & SIM_STATUS_CML_SUMMARY) != 0);
    CHECK(send(bus_a, MODULE0, 0, SIM_CLEAR_FAULTS, 0) == NS_OK);
    CHECK((get(bus_a, MODULE0, 2, SIM_STATUS_WORD) & SIM_STATUS_CML_SUMMARY) == 0);
}

static void unknown_commands_and_sizes_are_refused(void) {
    start();
    uint8_t answer[4] = {0};
    uint8_t code = 0x21; /* VOUT_COMMAND */
    CHECK(sim_bus_transfer(bus_a, MODULE0, &code, 1, answer, 2) == NS_E_NACK);
    CHECK(get(bus_a, MODULE0, 1, SIM_STATUS_CML) == SIM_CML_COMMAND);
    CHECK(send(bus_a, MODULE0, 1, SIM_PAGE, 0) == NS_E_NACK); /* a single-page part has no PAGE */
    CHECK(send(bus_a, MODULE0, 1, SIM_READ_VOUT, 0) == NS_E_NACK);
    CHECK(send(bus_a, MODULE0, 0, SIM_OPERATION, 0) == NS_E_NACK);
    CHECK((get(bus_a, MODULE0, 1, SIM_STATUS_CML) & SIM_CML_OTHER) != 0);
    code = SIM_OPERATION;
    CHECK(sim_bus_transfer(bus_a, MODULE0, &code, 1, answer, 4) == NS_OK);
    CHECK(answer[2] == 0xFF && answer[3] == 0xFF); /* past the PEC nobody drives the bus */
    CHECK(sim_bus_transfer(bus_a, 0x7F, &code, 1, answer, 1) == NS_E_NACK);
    CHECK(sim_bus_transfer(bus_a, MODULE0, answer, 0, answer, 1) == NS_E_NACK);
    CHECK(sim_bus_transfer(bus_a, MODULE0, answer, 0, NULL, 0) == NS_OK);
    CHECK(sim_bus_transfer(bus_a, MODULE0, answer, 2, answer, 1) == NS_E_NACK);
    CHECK(sim_bus_transfer(bus_a, MODULE0, NULL, 1, answer, 1) == NS_E_ARG);
    CHECK(sim_bus_transfer(NULL, MODULE0, &code, 1, answer, 1) == NS_E_ARG);
}

static void write_protect_guards_the_limit_from_power_up_on(void) {
    start();
    uint16_t limit = sim_linear11_from(25.0);
    CHECK(get(bus_a, MODULE0, 1, SIM_WRITE_PROTECT) == 0x40);
    CHECK(send(bus_a, MODULE0, 2, SIM_IOUT_OC_FAULT_LIMIT, limit) == NS_E_NACK);
    CHECK(send(bus_a, MODULE0, 1, SIM_WRITE_PROTECT, 0x00) == NS_OK);
    CHECK(send(bus_a, MODULE0, 2, SIM_IOUT_OC_FAULT_LIMIT, limit) == NS_OK);
    CHECK(get(bus_a, MODULE0, 2, SIM_IOUT_OC_FAULT_LIMIT) == limit);
    CHECK(send(bus_a, MODULE0, 1, SIM_WRITE_PROTECT, 0x80) == NS_OK);
    CHECK(send(bus_a, MODULE0, 1, SIM_OPERATION, 0x80) == NS_E_NACK);
    CHECK(send(bus_a, MODULE0, 1, SIM_WRITE_PROTECT, 0x03) == NS_E_NACK);
    CHECK(send(bus_a, MODULE0, 1, SIM_WRITE_PROTECT, 0x40) == NS_OK);
    CHECK(send(bus_a, MODULE0, 1, SIM_OPERATION, 0x80) == NS_OK);
}

static void an_overload_trips_and_stays_off_until_off_and_on(void) {
    start();
    CHECK(send(bus_a, MODULE0, 1, SIM_OPERATION, 0x80) == NS_OK);
    image.truth.module_current_a[0] = 40.5;
    now_ns = 50000;
    sim_devices_advance(devices, now_ns); /* 0.05 ms is not long enough */
    CHECK(image.setpoint.module_enabled[0] == 1.0);
    now_ns = 100000;
    sim_devices_advance(devices, now_ns);
    CHECK(image.setpoint.module_enabled[0] == 0.0);
    image.truth.module_current_a[0] = 0.0;
    advance();
    CHECK(image.setpoint.module_enabled[0] == 0.0);
    unsigned latched = SIM_STATUS_IOUT_OC | SIM_STATUS_IOUT_POUT | SIM_STATUS_OFF;
    CHECK((get(bus_a, MODULE0, 2, SIM_STATUS_WORD) & latched) == latched);
    CHECK(get(bus_a, MODULE0, 1, SIM_STATUS_IOUT) == SIM_STATUS_IOUT_OC_FAULT);
    CHECK(get(bus_a, MODULE0, 1, SIM_OPERATION) == 0x80); /* what it was told, not what it does */
    CHECK(send(bus_a, MODULE0, 1, SIM_OPERATION, 0x80) == NS_OK);
    CHECK(image.setpoint.module_enabled[0] == 0.0); /* on again is not off and on */
    CHECK(send(bus_a, MODULE0, 0, SIM_CLEAR_FAULTS, 0) == NS_OK);
    CHECK(get(bus_a, MODULE0, 1, SIM_STATUS_IOUT) == 0 && image.setpoint.module_enabled[0] == 0.0);
    CHECK(send(bus_a, MODULE0, 1, SIM_OPERATION, 0x00) == NS_OK);
    CHECK(send(bus_a, MODULE0, 1, SIM_OPERATION, 0x80) == NS_OK);
    CHECK(image.setpoint.module_enabled[0] == 1.0);
}

static void pages_of_the_auxiliary_part_are_separate_rails(void) {
    start();
    for (unsigned page = 0; page < 4; page++) {
        CHECK(send_with_pec(bus_a, AUX, 1, SIM_PAGE, page, 0) == NS_OK);
        image.truth.aux_current_a[page] = 1.0 + page;
        advance();
        double current_a = sim_linear11_value((uint16_t)get(bus_a, AUX, 2, SIM_READ_IOUT));
        CHECK(current_a == 1.0 + page);
    }
    CHECK(send(bus_a, AUX, 1, SIM_PAGE, 4) == NS_E_NACK && get(bus_a, AUX, 1, SIM_PAGE) == 3);
    CHECK(send(bus_a, AUX, 1, SIM_OPERATION, 0x80) == NS_OK);
    CHECK(image.setpoint.aux_enabled[3] == 1.0 && image.setpoint.aux_enabled[0] == 0.0);
    image.truth.aux_current_a[3] = 11.0;
    advance();
    CHECK(image.setpoint.aux_enabled[3] == 0.0);
    CHECK(send(bus_a, AUX, 1, SIM_PAGE, 0) == NS_OK);
    CHECK((get(bus_a, AUX, 2, SIM_STATUS_WORD) & SIM_STATUS_IOUT_OC) == 0);
}

static void a_brown_out_goes_back_to_page_0_and_default_limits(void) {
    start();
    CHECK(send(bus_a, AUX, 1, SIM_PAGE, 2) == NS_OK);
    CHECK(send(bus_a, AUX, 1, SIM_WRITE_PROTECT, 0x00) == NS_OK);
    CHECK(send(bus_a, AUX, 2, SIM_IOUT_OC_FAULT_LIMIT, sim_linear11_from(3.0)) == NS_OK);
    CHECK(send(bus_a, AUX, 1, SIM_OPERATION, 0x80) == NS_OK);
    image.knobs.aux_brown_out[0] = 1.0;
    advance();
    CHECK(image.knobs.aux_brown_out[0] == 0.0 && image.setpoint.aux_enabled[2] == 0.0);
    CHECK(get(bus_a, AUX, 1, SIM_PAGE) == 0 && get(bus_a, AUX, 1, SIM_WRITE_PROTECT) == 0x40);
    CHECK(send(bus_a, AUX, 1, SIM_PAGE, 2) == NS_OK);
    double limit_a = sim_linear11_value((uint16_t)get(bus_a, AUX, 2, SIM_IOUT_OC_FAULT_LIMIT));
    CHECK(limit_a == 10.0);
}

static void an_open_payload_switch_takes_the_modules_off_the_bus(void) {
    start();
    uint8_t code = SIM_OPERATION;
    uint8_t answer = 0;
    CHECK(send(bus_a, MODULE0, 1, SIM_OPERATION, 0x80) == NS_OK);
    CHECK(send(bus_a, MODULE0, 1, SIM_WRITE_PROTECT, 0x00) == NS_OK);
    CHECK(send(bus_a, PAYLOAD, 1, SIM_OPERATION, 0x00) == NS_OK);
    CHECK(image.setpoint.payload_enabled == 0.0 && image.setpoint.module_enabled[0] == 0.0);
    CHECK(sim_bus_transfer(bus_a, MODULE0, &code, 1, &answer, 1) == NS_E_NACK);
    CHECK(get(bus_a, AUX, 1, SIM_PAGE) == 0); /* the auxiliary part hangs on another bus */
    advance();
    CHECK(send(bus_a, PAYLOAD, 1, SIM_OPERATION, 0x80) == NS_OK);
    CHECK(get(bus_a, MODULE0, 1, SIM_OPERATION) == 0x00);
    CHECK(get(bus_a, MODULE0, 1, SIM_WRITE_PROTECT) == 0x40);
    CHECK(image.setpoint.module_enabled[0] == 0.0);
}

static void knobs_of_a_switch_do_what_they_say(void) {
    start();
    CHECK(send(bus_a, MODULE0, 1, SIM_OPERATION, 0x80) == NS_OK);
    image.knobs.module_spurious_trip[0] = 1.0;
    advance();
    CHECK(image.setpoint.module_enabled[0] == 0.0 && image.knobs.module_spurious_trip[0] == 0.0);
    CHECK(get(bus_a, MODULE0, 1, SIM_STATUS_IOUT) == 0);
    image.knobs.module_fail_closed[0] = 1.0;
    CHECK(send(bus_a, MODULE0, 1, SIM_OPERATION, 0x00) == NS_OK);
    CHECK(image.setpoint.module_enabled[0] == 1.0); /* told to open, yet it conducts */
    CHECK(send(bus_a, PAYLOAD, 1, SIM_OPERATION, 0x00) == NS_OK);
    CHECK(image.setpoint.module_enabled[0] == 0.0);

    start();
    uint8_t code = SIM_OPERATION;
    uint8_t answer = 0;
    image.knobs.aux_nack[1] = 1.0; /* one rail's knob silences the part */
    CHECK(sim_bus_transfer(bus_a, AUX, &code, 1, &answer, 1) == NS_E_NACK);
    image.knobs.module_nack[0] = 1.0;
    CHECK(sim_bus_transfer(bus_a, MODULE0, &code, 1, &answer, 1) == NS_E_NACK);
    image.knobs.payload_nack = 1.0;
    CHECK(sim_bus_transfer(bus_a, PAYLOAD, &code, 1, &answer, 1) == NS_E_NACK);
    image.knobs.module_brown_out[0] = 1.0;
    image.knobs.module_nack[0] = 0.0;
    image.setpoint.module_enabled[0] = 1.0;
    advance();
    CHECK(get(bus_a, MODULE0, 1, SIM_OPERATION) == 0x00);
}

static void a_switch_found_on_is_adopted(void) {
    start();
    image.setpoint.module_enabled[0] = 1.0;
    image.setpoint.aux_enabled[1] = 1.0;
    CHECK(get(bus_a, MODULE0, 1, SIM_OPERATION) == 0x80);
    advance();
    CHECK(image.setpoint.module_enabled[0] == 1.0 && image.setpoint.aux_enabled[1] == 1.0);
    CHECK(send(bus_a, AUX, 1, SIM_PAGE, 1) == NS_OK && get(bus_a, AUX, 1, SIM_OPERATION) == 0x80);
}

static void the_monitor_measures_and_has_no_switch(void) {
    start();
    static const double volts[] = {12.0, 5.0, 3.3, 1.8};
    for (unsigned page = 0; page < 4; page++) {
        image.truth.host_rail_voltage_v[page] = volts[page];
        CHECK(send(bus_host, HOST, 1, SIM_PAGE, page) == NS_OK);
        advance();
        int exponent = (int)get(bus_host, HOST, 1, SIM_VOUT_MODE) - 32;
        unsigned raw = get(bus_host, HOST, 2, SIM_READ_VOUT);
        CHECK_NEAR(ldexp((double)raw, exponent), volts[page], ldexp(1.0, exponent));
        CHECK(get(bus_host, HOST, 2, SIM_STATUS_WORD) == 0);
    }
    CHECK(send(bus_host, HOST, 1, SIM_OPERATION, 0x80) == NS_E_NACK);
    image.truth.host_rail_voltage_v[3] = 1.0;
    CHECK(get(bus_host, HOST, 2, SIM_STATUS_WORD) ==
          (SIM_STATUS_POWER_GOOD_N | SIM_STATUS_CML_SUMMARY));
    uint8_t code = SIM_PAGE;
    uint8_t answer = 0;
    image.knobs.host_rail_nack = 1.0;
    CHECK(sim_bus_transfer(bus_host, HOST, &code, 1, &answer, 1) == NS_E_NACK);
}

static void bad_arguments_open_nothing(void) {
    sim_parameters_t wrong = parameters;
    wrong.trip_s = 0.0;
    CHECK(sim_devices_open(NULL, &parameters) == NULL && sim_devices_open(&image, NULL) == NULL);
    CHECK(sim_devices_open(&image, &wrong) == NULL);
    CHECK(sim_bus_context(devices, SIM_BUS_COUNT) == NULL && sim_bus_context(devices, -1) == NULL);
    CHECK(sim_bus_ops() != NULL);
}

int main(void) {
    formats_agree_with_the_published_vectors();
    readings_follow_the_plant();
    operation_works_the_switch_and_reads_back();
    a_wrong_pec_is_refused_and_nothing_happens();
    unknown_commands_and_sizes_are_refused();
    write_protect_guards_the_limit_from_power_up_on();
    an_overload_trips_and_stays_off_until_off_and_on();
    pages_of_the_auxiliary_part_are_separate_rails();
    a_brown_out_goes_back_to_page_0_and_default_limits();
    an_open_payload_switch_takes_the_modules_off_the_bus();
    knobs_of_a_switch_do_what_they_say();
    a_switch_found_on_is_adopted();
    the_monitor_measures_and_has_no_switch();
    bad_arguments_open_nothing();
    sim_devices_close(devices);
    return 0;
}
