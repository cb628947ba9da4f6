/** @file sim_devices.c */
#include "sim_devices.h"

#include <stdlib.h>

#include "controller.h"
#include "i2c_bus.h"
#include "nvml/nvml_board.h"
#include "pmbus_codes.h"
#include "pmbus_part.h"

#define ACCELERATORS SIM_ACCELERATORS_MAX
#define RAIL_BUSES 3
#define RAIL_BUS_HZ 400000u /* CAPABILITY of the parts: 400 kHz */
#define SERIAL_BAUD 115200  /* assumed; a byte has 10 bits */
#define ADDRESS_PAYLOAD 0x10u
#define ADDRESS_MODULE 0x11u
#define ADDRESS_AUX 0x20u
#define ADDRESS_HOST 0x30u
#define PAYLOAD_V 54.0      /* nominal, REF-1 */
#define VOUT_MODE_54V 0x17u /* 2^-9 V */
#define VOUT_MODE_16V 0x14u /* 2^-12 V, up to 16 V */
#define VOUT_MODE_8V 0x13u  /* 2^-13 V, up to 8 V */
#define VOUT_MODE_4V 0x12u  /* 2^-14 V, up to 4 V */
#define GOOD_RATIO 0.85     /* assumed: POWER_GOOD# from 85 % of nominal */
#define NS_PER_S 1e9
#define BY_HAND_US 100000u /* time-out of a message sent by a test */
#define SERIAL_BYTE_NS ((int64_t)(10 * NS_PER_S / SERIAL_BAUD))

/** One bus: PMBus parts, or one controller on a serial line whose time `i2c` counts too. */
typedef struct sim_bus {
    struct sim_devices *devices;
    sim_i2c_bus_t i2c;
    bool has_payload;
    sim_controller_t *controller;
} sim_bus_t;

struct sim_devices {
    sim_plant_image_t *image;
    sim_sensors_t sensors;
    int64_t now_ns;
    double was_alive[ACCELERATORS];
    sim_pmbus_part_t payload;
    sim_pmbus_part_t module[ACCELERATORS];
    sim_pmbus_part_t aux[2];
    sim_pmbus_part_t host_rails;
    sim_controller_t loop;
    sim_controller_t eps;
    sim_controller_t host;
    sim_bus_t bus[SIM_BUS_COUNT];
};

static void open_part(sim_devices_t *self, sim_pmbus_part_t *part, uint8_t address, double trip_s) {
    part->model = &sim_model_generic;
    part->sensors = &self->sensors;
    part->address = address;
    part->page_count = 1;
    part->has_pec = true;
    part->trip_ns = (int64_t)(trip_s * NS_PER_S);
}

static void add_part(sim_devices_t *self, size_t bus, sim_pmbus_part_t *part) {
    sim_pmbus_open(part);
    (void)sim_i2c_add(&self->bus[bus].i2c, part->address, &sim_pmbus_i2c_ops, part);
}

static double payload_v(const sim_parameters_t *parameters) {
    return parameters->payload_voltage_v > 0.0 ? parameters->payload_voltage_v : PAYLOAD_V;
}

static void open_payload(sim_devices_t *self, const sim_parameters_t *parameters) {
    sim_plant_image_t *image = self->image;
    const sim_truth_t *truth = &image->truth;
    open_part(self, &self->payload, ADDRESS_PAYLOAD, parameters->trip_s);
    self->payload.has_power = true;
    self->payload.wiring[0] = (sim_pmbus_wiring_t){
        .truth = {[SIM_VOUT] = &truth->payload_voltage_v,
                  [SIM_IOUT] = &truth->payload_current_a,
                  [SIM_TEMP_1] = &truth->payload_temp_c},
        .enabled = &image->setpoint.payload_enabled,
        .nack = &image->knobs.payload_nack,
        .voltage_good_v = GOOD_RATIO * payload_v(parameters),
        .current_limit_a = parameters->payload_current_limit_a,
        .operation = SIM_OPERATION_ON, /* strapped on: the bus must come up without software */
        .vout_mode = VOUT_MODE_54V};
    add_part(self, SIM_BUS_RAILS_A, &self->payload);
}

static void open_module(sim_devices_t *self, size_t i, const sim_parameters_t *parameters) {
    sim_plant_image_t *image = self->image;
    const sim_truth_t *truth = &image->truth;
    sim_pmbus_part_t *part = &self->module[i];
    open_part(self, part, (uint8_t)(ADDRESS_MODULE + i % 4u), parameters->trip_s);
    part->has_power = true;
    part->supply = &image->setpoint.payload_enabled;
    part->brown_out = &image->knobs.module_brown_out[i];
    part->wiring[0] = (sim_pmbus_wiring_t){.truth = {[SIM_VOUT] = &truth->module_voltage_v[i],
                                                     [SIM_IOUT] = &truth->module_current_a[i],
                                                     [SIM_TEMP_1] = &truth->module_temp_c[i]},
                                           .peak_current_a = &truth->module_peak_current_a[4u * i],
                                           .enabled = &image->setpoint.module_enabled[i],
                                           .nack = &image->knobs.module_nack[i],
                                           .fail_closed = &image->knobs.module_fail_closed[i],
                                           .spurious_trip = &image->knobs.module_spurious_trip[i],
                                           .voltage_good_v = GOOD_RATIO * payload_v(parameters),
                                           .current_limit_a = parameters->module_current_limit_a,
                                           .operation = SIM_OPERATION_OFF,
                                           .vout_mode = VOUT_MODE_54V};
    add_part(self, i < 4 ? SIM_BUS_RAILS_A : SIM_BUS_RAILS_B, part);
}

static void open_aux(sim_devices_t *self, size_t half, const sim_parameters_t *parameters) {
    sim_plant_image_t *image = self->image;
    sim_pmbus_part_t *part = &self->aux[half];
    open_part(self, part, ADDRESS_AUX, parameters->trip_s);
    part->page_count = 4;
    part->brown_out = &image->knobs.aux_brown_out[half];
    for (size_t page = 0; page < 4; page++) {
        size_t i = 4u * half + page;
        part->wiring[page] =
            (sim_pmbus_wiring_t){.truth = {[SIM_VOUT] = &image->truth.aux_voltage_v[i],
                                           [SIM_IOUT] = &image->truth.aux_current_a[i]},
                                 .enabled = &image->setpoint.aux_enabled[i],
                                 .nack = &image->knobs.aux_nack[i],
                                 .voltage_good_v = GOOD_RATIO * 3.3,
                                 .current_limit_a = parameters->aux_current_limit_a,
                                 .operation = SIM_OPERATION_OFF,
                                 .vout_mode = VOUT_MODE_8V};
    }
    add_part(self, half == 0 ? SIM_BUS_RAILS_A : SIM_BUS_RAILS_B, part);
}

static void open_host_rails(sim_devices_t *self) {
    static const double nominal_v[SIM_HOST_RAILS] = {12.0, 5.0, 3.3, 1.8};
    static const uint8_t vout_mode[SIM_HOST_RAILS] = {VOUT_MODE_16V, VOUT_MODE_8V, VOUT_MODE_8V,
                                                      VOUT_MODE_4V};
    const sim_truth_t *truth = &self->image->truth;
    open_part(self, &self->host_rails, ADDRESS_HOST, 1.0);
    self->host_rails.page_count = SIM_HOST_RAILS;
    for (size_t page = 0; page < SIM_HOST_RAILS; page++) {
        self->image->setpoint.host_rail_enabled[page] = 1.0; /* always on: no switch of ours */
        self->host_rails.wiring[page] =
            (sim_pmbus_wiring_t){.truth = {[SIM_VOUT] = &truth->host_rail_voltage_v[page],
                                           [SIM_IOUT] = &truth->host_rail_current_a[page],
                                           [SIM_TEMP_1] = &truth->host_rail_temp_c[page]},
                                 .nack = &self->image->knobs.host_rail_nack,
                                 .voltage_good_v = GOOD_RATIO * nominal_v[page],
                                 .vout_mode = vout_mode[page]};
    }
    add_part(self, SIM_BUS_RAILS_HOST, &self->host_rails);
}

static void add_sensors(sim_controller_t *controller, size_t word, size_t count) {
    for (size_t i = 0; i < count; i++) {
        controller->channel[controller->channel_count++] = (sim_channel_t){.word = word + i};
    }
}

static void add_setpoint(sim_controller_t *controller, double *setpoint, double high, double safe) {
    controller->channel[controller->channel_count++] =
        (sim_channel_t){.setpoint = setpoint, .low = 0.0, .high = high, .safe = safe};
}

static void open_loop(sim_devices_t *self, const sim_parameters_t *parameters) {
    sim_setpoint_t *setpoint = &self->image->setpoint;
    sim_controller_t *loop = &self->loop;
    double speed_rpm_max = parameters->pump_speed_max_rpm;
    loop->sensors = &self->sensors;
    loop->silent = &self->image->knobs.loop_silent;
    if (parameters->is_conducted != 0.0) {
        return; /* no pump may hear a safe value */
    }
    loop->dead_man_ns = (int64_t)(parameters->dead_man_s * NS_PER_S);
    for (size_t pump = 0; pump < 2; pump++) {
        add_sensors(loop, SIM_WORD(pump_speed_rpm) + pump, 1);
        add_sensors(loop, SIM_WORD(pump_current_a) + pump, 1);
        add_setpoint(loop, &setpoint->pump_speed_target_rpm[pump], speed_rpm_max, speed_rpm_max);
    }
    add_sensors(loop, SIM_WORD(flow_kg_per_s), 1);
    add_sensors(loop, SIM_WORD(supply_temp_c), 1);
    add_sensors(loop, SIM_WORD(return_temp_c), 1);
    add_sensors(loop, SIM_WORD(radiator_out_temp_c), 1);
    add_sensors(loop, SIM_WORD(pressure_kpa), 1);
    add_sensors(loop, SIM_WORD(accumulator_ratio), 1);
    add_setpoint(loop, &setpoint->bypass_ratio, 1.0, 0.0);
    add_setpoint(loop, &setpoint->loop_heater_on[0], 1.0, 0.0);
    add_setpoint(loop, &setpoint->loop_heater_on[1], 1.0, 0.0);
    double plates = parameters->accelerator_count;
    add_sensors(loop, SIM_WORD(plate_outlet_temp_c), plates > 0.0 ? (size_t)plates : ACCELERATORS);
    sim_controller_power_up(loop);
}

static void open_eps(sim_devices_t *self, bool is_fed) {
    sim_controller_t *eps = &self->eps;
    eps->sensors = &self->sensors;
    eps->silent = &self->image->knobs.eps_silent;
    if (!is_fed) {
        add_sensors(eps, SIM_WORD(array_power_w), 1);
        add_sensors(eps, SIM_WORD(string_current_a), SIM_STRINGS_MAX);
        add_sensors(eps, SIM_WORD(battery_voltage_v), 1);
        add_sensors(eps, SIM_WORD(battery_current_a), 1);
        add_sensors(eps, SIM_WORD(battery_temp_c), 1);
        add_sensors(eps, SIM_WORD(charge_ratio), 1);
    }
    add_sensors(eps, SIM_WORD(bus54_voltage_v), 1);
    add_sensors(eps, SIM_WORD(bus28_voltage_v), 1);
    if (!is_fed) {
        add_setpoint(eps, &self->image->setpoint.battery_heater_on, 1.0, 0.0);
    }
    sim_controller_power_up(eps);
}

static void open_host(sim_devices_t *self, bool is_conducted) {
    sim_controller_t *host = &self->host;
    host->sensors = &self->sensors;
    host->silent = &self->image->knobs.host_silent;
    add_sensors(host, SIM_WORD(cpu_temp_c), 1);
    add_sensors(host, SIM_WORD(edac_corrected_count), 1);
    for (size_t disk = 0; disk < 2; disk++) {
        add_sensors(host, SIM_WORD(nvme_temp_c) + disk, 1);
        add_sensors(host, SIM_WORD(nvme_wear_ratio) + disk, 1);
    }
    add_sensors(host, SIM_WORD(disk_free_ratio), 1);
    if (is_conducted) {
        add_sensors(host, SIM_WORD(radiator_out_temp_c), 1);
    }
    sim_controller_power_up(host);
}

static void open_buses(sim_devices_t *self) {
    for (size_t bus = 0; bus < SIM_BUS_COUNT; bus++) {
        self->bus[bus].devices = self;
        sim_i2c_open(&self->bus[bus].i2c, RAIL_BUS_HZ);
        self->bus[bus].i2c.is_ideal = true;
        self->bus[bus].i2c.faults.random = (uint64_t)self->image->sensor_seed + bus;
    }
    self->bus[SIM_BUS_RAILS_A].has_payload = true;
    self->bus[SIM_BUS_LOOP].controller = &self->loop;
    self->bus[SIM_BUS_EPS].controller = &self->eps;
    self->bus[SIM_BUS_HOST].controller = &self->host;
}

static bool parameters_are_valid(const sim_parameters_t *parameters) {
    return parameters->pump_speed_max_rpm > 0.0 && parameters->dead_man_s > 0.0 &&
           parameters->trip_s > 0.0 && parameters->payload_current_limit_a > 0.0 &&
           parameters->module_current_limit_a > 0.0 && parameters->aux_current_limit_a > 0.0 &&
           parameters->accelerator_count >= 0.0 && parameters->accelerator_count <= ACCELERATORS &&
           parameters->payload_voltage_v >= 0.0 && parameters->cap_w_min >= 0.0 &&
           parameters->cap_w_max >= parameters->cap_w_min;
}

sim_devices_t *sim_devices_open(sim_plant_image_t *image, const sim_parameters_t *parameters) {
    if (image == NULL || parameters == NULL || !parameters_are_valid(parameters)) {
        return NULL;
    }
    sim_devices_t *self = calloc(1, sizeof(*self));
    if (self == NULL) {
        return NULL;
    }
    self->image = image;
    image->boards.cap_w_min = parameters->cap_w_min;
    image->boards.cap_w_max = parameters->cap_w_max;
    sim_sensors_open(&self->sensors, image, (uint64_t)image->sensor_seed);
    open_buses(self);
    open_payload(self, parameters); /* first, because it feeds the modules */
    for (size_t i = 0; i < ACCELERATORS; i++) {
        open_module(self, i, parameters);
        sim_nvml_power_up(image, (uint32_t)i);
        self->was_alive[i] = image->truth.accel_alive[i];
    }
    open_aux(self, 0, parameters);
    open_aux(self, 1, parameters);
    open_host_rails(self);
    open_loop(self, parameters);
    open_eps(self, parameters->is_fed != 0.0);
    open_host(self, parameters->is_conducted != 0.0);
    return self;
}

void sim_devices_close(sim_devices_t *self) {
    free(self);
}

/* The wire knobs of the plant image; a bus without any goes the fast way. */
static void follow_bus_knobs(sim_devices_t *self, size_t bus) {
    sim_knobs_t *knobs = &self->image->knobs;
    sim_i2c_bus_t *i2c = &self->bus[bus].i2c;
    double clocks = knobs->bus_sda_clocks[bus];
    double stretch_us = knobs->bus_stretch_us[bus];
    double error_rate = knobs->bus_byte_error_rate[bus];
    bool is_ideal = clocks == 0.0 && stretch_us <= 0.0 && !(error_rate > 0.0) &&
                    knobs->bus_last_moment[bus] == 0.0;
    if (is_ideal && i2c->is_ideal) {
        return;
    }
    i2c->is_ideal = is_ideal;
    i2c->faults.sda_clocks = clocks < 0.0 ? SIM_I2C_FOR_EVER : (uint32_t)clocks;
    i2c->faults.is_last_moment = knobs->bus_last_moment[bus] != 0.0;
    i2c->faults.byte_error_rate = error_rate;
    i2c->scl_low_until_ns = is_ideal ? 0 : i2c->scl_low_until_ns;
    for (uint8_t i = 0; i < i2c->slot_count; i++) {
        i2c->slot[i].stretch_us = stretch_us > 0.0 ? (uint32_t)stretch_us : 0;
        i2c->slot[i].stretch_left = stretch_us > 0.0 ? SIM_I2C_FOR_EVER : 0;
    }
}

void sim_devices_advance(sim_devices_t *self, int64_t now_ns) {
    int64_t step_ns = now_ns > self->now_ns ? now_ns - self->now_ns : 0;
    self->now_ns = now_ns;
    self->image->time_s = (double)now_ns / NS_PER_S;
    for (size_t bus = 0; bus < SIM_BUS_COUNT; bus++) {
        sim_i2c_set_time(&self->bus[bus].i2c, now_ns);
    }
    for (size_t bus = 0; bus < RAIL_BUSES; bus++) {
        follow_bus_knobs(self, bus);
    }
    sim_pmbus_advance(&self->payload, step_ns);
    for (size_t i = 0; i < ACCELERATORS; i++) {
        sim_pmbus_advance(&self->module[i], step_ns);
    }
    sim_pmbus_advance(&self->aux[0], step_ns);
    sim_pmbus_advance(&self->aux[1], step_ns);
    sim_pmbus_advance(&self->host_rails, step_ns);
    sim_controller_advance(&self->loop, now_ns);
    sim_controller_advance(&self->eps, now_ns);
    sim_controller_advance(&self->host, now_ns);
    for (size_t i = 0; i < ACCELERATORS; i++) { /* a driver load starts from the board's defaults */
        double is_alive = self->image->truth.accel_alive[i];
        if (is_alive != 0.0 && self->was_alive[i] == 0.0) {
            sim_nvml_power_up(self->image, (uint32_t)i);
        }
        self->was_alive[i] = is_alive;
    }
    sim_nvml_advance(self->image, (double)step_ns / NS_PER_S);
}

static void follow_payload(sim_devices_t *self) {
    for (size_t i = 0; i < ACCELERATORS; i++) {
        sim_pmbus_follow_supply(&self->module[i]);
    }
}

static ns_status_t transfer(void *ctx, uint8_t address, const uint8_t *write, size_t write_size,
                            uint8_t *read, size_t read_size, uint32_t timeout_us) {
    if (ctx == NULL) {
        return NS_E_ARG;
    }
    sim_bus_t *bus = (sim_bus_t *)ctx;
    ns_status_t status = sim_i2c_bus_ops.transfer(&bus->i2c, address, write, write_size, read,
                                                  read_size, timeout_us);
    if (bus->has_payload && read_size == 0 && address == ADDRESS_PAYLOAD) {
        follow_payload(bus->devices);
    }
    return status;
}

static ns_status_t exchange(void *ctx, const uint8_t *write, size_t write_size, uint8_t *read,
                            size_t read_capacity, size_t *out_read_size, uint32_t timeout_us) {
    if (ctx == NULL || write == NULL || read == NULL || out_read_size == NULL) {
        return NS_E_ARG;
    }
    sim_bus_t *bus = (sim_bus_t *)ctx;
    ns_status_t status = NS_E_TIMEOUT;
    if (bus->controller != NULL) {
        status = sim_controller_exchange(bus->controller, write, write_size, read, read_capacity,
                                         out_read_size);
    }
    int64_t spent_ns = status == NS_OK ? (int64_t)(write_size + *out_read_size) * SERIAL_BYTE_NS
                                       : (int64_t)timeout_us * 1000;
    bus->i2c.wire_ns += spent_ns;
    bus->i2c.occupied_ns += spent_ns;
    return status;
}

static int64_t bus_now_ns(void *ctx) {
    return sim_i2c_bus_ops.now_ns(&((sim_bus_t *)ctx)->i2c);
}

static void delay(void *ctx, uint32_t us) {
    sim_i2c_bus_ops.delay(&((sim_bus_t *)ctx)->i2c, us);
}

/* The knob counts down with the clocks, so that a freed bus stays free. */
static ns_status_t recover(void *ctx) {
    sim_bus_t *bus = (sim_bus_t *)ctx;
    ns_status_t status = sim_i2c_bus_ops.recover(&bus->i2c);
    ptrdiff_t index = bus - bus->devices->bus;
    if (index < RAIL_BUSES && bus->i2c.faults.sda_clocks != SIM_I2C_FOR_EVER) {
        bus->devices->image->knobs.bus_sda_clocks[index] = bus->i2c.faults.sda_clocks;
    }
    return status;
}

static const ns_bus_ops_t bus_ops = {.abi = NS_BUS_OPS_ABI,
                                     .transfer = transfer,
                                     .exchange = exchange,
                                     .now_ns = bus_now_ns,
                                     .delay = delay,
                                     .recover = recover};

const void *sim_bus_ops(void) {
    return &bus_ops;
}

void *sim_bus_context(sim_devices_t *self, int bus) {
    return self != NULL && bus >= 0 && bus < SIM_BUS_COUNT ? &self->bus[bus] : NULL;
}

int sim_bus_transfer(void *context, uint8_t address, const uint8_t *write, size_t write_size,
                     uint8_t *read, size_t read_size) {
    return (int)transfer(context, address, write, write_size, read, read_size, BY_HAND_US);
}

int sim_bus_exchange(void *context, const uint8_t *write, size_t write_size, uint8_t *read,
                     size_t read_capacity, size_t *out_read_size) {
    return (int)exchange(context, write, write_size, read, read_capacity, out_read_size,
                         BY_HAND_US);
}
