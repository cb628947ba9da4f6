/** @file plant.c  The order of a step, the ledger of energy, what takes many seconds to change. */
#include "plant.h"

#include <math.h>
#include <string.h>

#define SLOW_S 1.0    /* how often the slow truths are advanced */
#define MOMENT_S 1e-9 /* a step that only writes the truths */

static void lag_to(double *value, double wanted, double part) {
    *value += part * (wanted - *value);
}

/* What the host draws with all rails on, less what those that are off would take. */
static double host_w(const sim_plant_t *self) {
    const sim_host_config_t *host = &self->config.heat.host;
    if (self->power.bus28_voltage_v <= 0.0) {
        return 0.0;
    }
    double output_w[SIM_HOST_RAILS];
    double is_off[SIM_HOST_RAILS];
    for (int32_t i = 0; i < SIM_HOST_RAILS; i++) {
        output_w[i] = host->rail_voltage_v[i] * host->rail_current_a[i];
        is_off[i] = self->image->setpoint.host_rail_enabled[i] > 0.5 ? 0.0 : 1.0;
    }
    const double saved_w = sim_rails_drawn_w(&self->config.power.rails, output_w, is_off);
    return fmax(host->power_w - saved_w, 0.0);
}

static void advance_slow_truths(sim_plant_t *self, double dt_s) {
    sim_truth_t *truth = &self->image->truth;
    const sim_accelerators_config_t *switches = &self->config.accelerators;
    const sim_host_config_t *host = &self->config.heat.host;
    const double supply_c = self->heat.supply_temp_c;
    const double part = fmin(1.0, dt_s / switches->switch_lag_s);
    const double k_per_a = switches->switch_k_per_a;
    for (int32_t i = 0; i < self->accelerators.count; i++) {
        lag_to(&truth->module_temp_c[i], supply_c + k_per_a * truth->module_current_a[i], part);
    }
    const double mean_a = truth->payload_current_a / self->accelerators.count;
    lag_to(&truth->payload_temp_c, supply_c + k_per_a * mean_a, part);
    const double bus_on = self->power.bus28_voltage_v > 0.0 ? 1.0 : 0.0;
    for (int32_t i = 0; i < SIM_HOST_RAILS; i++) {
        const double on = self->image->setpoint.host_rail_enabled[i] * bus_on;
        truth->host_rail_voltage_v[i] = on * host->rail_voltage_v[i];
        truth->host_rail_current_a[i] = on * host->rail_current_a[i];
    }
    sim_host_advance(&self->heat, &self->config.heat, self->image, dt_s, host_w(self));
}

static void start_slow_truths(sim_plant_t *self, double temp_c) {
    sim_truth_t *truth = &self->image->truth;
    for (int32_t i = 0; i < self->accelerators.count; i++) {
        truth->module_temp_c[i] = temp_c;
    }
    truth->payload_temp_c = truth->cpu_temp_c = temp_c;
    for (int32_t i = 0; i < SIM_HOST_RAILS; i++) {
        truth->host_rail_temp_c[i] = temp_c;
    }
    for (int32_t i = 0; i < 2; i++) {
        truth->nvme_temp_c[i] = temp_c;
        truth->nvme_wear_ratio[i] = self->config.heat.host.nvme_wear_ratio;
    }
    truth->disk_free_ratio = self->config.heat.host.disk_free_ratio;
    advance_slow_truths(self, MOMENT_S);
}

/* The set-points of a node that already runs; the only ones that a plant ever writes. */
static void close_all_switches(const sim_plant_t *self, int32_t count) {
    sim_setpoint_t *setpoint = &self->image->setpoint;
    for (int32_t i = 0; i < count; i++) {
        setpoint->module_enabled[i] = setpoint->aux_enabled[i] = 1.0;
        setpoint->accel_cap_w[i] = self->config.accelerators.cap_max_w;
        setpoint->accel_clock_max_mhz[i] = self->config.accelerators.clock_max_mhz;
    }
    for (int32_t i = 0; i < SIM_HOST_RAILS; i++) {
        setpoint->host_rail_enabled[i] = 1.0;
    }
    setpoint->payload_enabled = 1.0;
    if (self->config.heat.loop.enabled > 0.5) {
        setpoint->pump_speed_target_rpm[0] = self->config.heat.loop.nominal_speed_rpm;
    }
}

static void start_heat(sim_plant_t *self, const sim_plant_start_t *start) {
    sim_heat_start_t heat = {.accelerator_count = start->accelerator_count,
                             .coolant_temp_c = start->coolant_temp_c,
                             .host_temp_c = start->host_temp_c,
                             .battery_temp_c = start->battery_temp_c};
    memcpy(heat.core_temp_c, start->core_temp_c, sizeof heat.core_temp_c);
    memcpy(heat.core_k_per_w, start->core_k_per_w, sizeof heat.core_k_per_w);
    sim_heat_faults_init(&self->faults.heat);
    if (self->config.power.battery.enabled < 0.5) {
        self->config.heat.battery_node.leak_w_per_k = 0.0; /* what is not there cools nothing */
    }
    sim_heat_init(&self->heat, &self->config.heat, self->image, &heat);
}

static void start_pumps(sim_plant_t *self, const sim_plant_start_t *start) {
    const sim_loop_config_t *loop = &self->config.heat.loop;
    const double speed_rpm = start->rails_on ? loop->nominal_speed_rpm : 0.0;
    memset(&self->pumps, 0, sizeof self->pumps);
    sim_pumps_faults_init(&self->faults.pumps);
    if (loop->enabled > 0.5) {
        sim_pumps_init(&self->pumps, loop, self->image, speed_rpm, 0.0, self->power.bus28_voltage_v,
                       start->coolant_temp_c);
    }
}

static void start_accelerators(sim_plant_t *self, const sim_plant_start_t *start) {
    const sim_accelerators_config_t *config = &self->config.accelerators;
    const sim_accelerators_start_t begin = {.count = start->accelerator_count, .seed = start->seed};
    memset(&self->faults.accelerators, 0, sizeof self->faults.accelerators);
    sim_accelerators_init(&self->accelerators, config, self->image, &begin);
    if (start->rails_on) {
        sim_accelerators_skip_boot(&self->accelerators, config, &self->faults.accelerators,
                                   self->image);
    }
    self->modules_w = sim_accelerators_advance(
        &self->accelerators, config, &self->faults.accelerators, self->image, MOMENT_S,
        self->power.bus54_voltage_v, self->power.bus28_voltage_v);
}

void sim_plant_init(sim_plant_t *self, sim_plant_image_t *image, const sim_plant_start_t *start) {
    self->image = image;
    self->time_s = self->slow_s = self->load_w = 0.0;
    self->environment = (sim_environment_t){0};
    self->ledger = (sim_ledger_t){0};
    if (start->rails_on) {
        close_all_switches(self, start->accelerator_count);
    }
    start_heat(self, start);
    const sim_power_start_t power = {.charge_ratio = start->charge_ratio};
    sim_power_init(&self->power, &self->config.power, &self->faults.power, image, &power);
    start_pumps(self, start);
    start_accelerators(self, start);
    start_slow_truths(self, start->host_temp_c);
    self->ledger.stored_start_j = self->power.stored_j;
    self->ledger.heat_start_j = sim_plant_held_heat_j(self);
    image->time_s = 0.0;
}

/* What the 28 V bus feeds: as its switches and its voltage were at the end of the last step. */
static sim_power_loads_t find_loads(sim_plant_t *self, double dt_s, sim_heat_inputs_t *heat) {
    const sim_plant_config_t *config = &self->config;
    sim_plant_image_t *image = self->image;
    const double bus28_voltage_v = self->power.bus28_voltage_v;
    if (config->heat.loop.enabled > 0.5) {
        sim_pumps_advance(&self->pumps, &config->heat.loop, &self->faults.pumps, image, dt_s,
                          bus28_voltage_v, self->heat.mean_coolant_temp_c);
    }
    heat->flow_kg_per_s = self->pumps.flow_kg_per_s;
    heat->bypass_ratio = image->setpoint.bypass_ratio;
    heat->pump_w = self->pumps.power_w;
    heat->host_w = host_w(self);
    if (bus28_voltage_v > 0.0) {
        for (int32_t i = 0; i < 2; i++) {
            heat->heater_w[i] = sim_loop_heater_w(&config->heat.loop, &self->faults.heat, image, i);
        }
        heat->battery_heater_w =
            image->setpoint.battery_heater_on > 0.5 ? config->power.battery.heater_w : 0.0;
    }
    return (sim_power_loads_t){
        .host_w = heat->host_w,
        .pumps_w = heat->pump_w,
        .heaters_w = heat->heater_w[0] + heat->heater_w[1] + heat->battery_heater_w,
        .latch_w = self->accelerators.latch_power_w,
        .battery_temp_c = self->heat.battery_temp_c,
    };
}

static void add_to_ledger(sim_plant_t *self, double dt_s) {
    sim_ledger_t *ledger = &self->ledger;
    ledger->generated_j += self->power.generated_w * dt_s;
    ledger->load_j += self->load_w * dt_s;
    ledger->converter_loss_j += self->power.converter_loss_w * dt_s;
    ledger->battery_loss_j += self->power.battery_loss_w * dt_s;
    ledger->radiated_j += self->heat.radiated_w * dt_s;
    ledger->absorbed_j += self->heat.absorbed_w * dt_s;
    ledger->leak_j += self->heat.leak_w * dt_s;
}

void sim_plant_advance(sim_plant_t *self, double dt_s) {
    const sim_plant_config_t *config = &self->config;
    sim_plant_image_t *image = self->image;
    sim_heat_inputs_t heat = {0};
    sim_environment_at(&self->orbit, self->time_s + 0.5 * dt_s, &self->environment);
    const double modules_w = sim_accelerators_advance(
        &self->accelerators, &config->accelerators, &self->faults.accelerators, image, dt_s,
        self->power.bus54_voltage_v, self->power.bus28_voltage_v);
    sim_power_loads_t loads = find_loads(self, dt_s, &heat);
    loads.modules_w = modules_w;
    sim_power_advance(&self->power, &config->power, &self->faults.power, image, dt_s,
                      &self->environment, &loads);
    heat.environment = self->environment;
    heat.host_w += loads.latch_w; /* the auxiliary rails are the host's */
    heat.converter_loss_w = self->power.converter_loss_w;
    heat.battery_loss_w = self->power.battery_loss_w;
    sim_heat_advance(&self->heat, &config->heat, &self->faults.heat, image, dt_s, &heat);
    self->modules_w = modules_w;
    self->load_w = modules_w + loads.host_w + loads.pumps_w + loads.heaters_w + loads.latch_w +
                   self->power.converter_loss_w;
    add_to_ledger(self, dt_s);
    self->time_s += dt_s;
    image->time_s = self->time_s;
    self->slow_s += dt_s;
    if (self->slow_s >= SLOW_S) {
        advance_slow_truths(self, self->slow_s);
        self->slow_s = 0.0;
    }
}

void sim_plant_follow_switches(sim_plant_t *self) {
    sim_accelerators_follow_switches(
        &self->accelerators, &self->config.accelerators, &self->faults.accelerators, self->image,
        self->power.bus54_voltage_v > 0.0, self->power.bus28_voltage_v > 0.0);
}

double sim_plant_held_heat_j(const sim_plant_t *self) {
    return self->heat.heat_j;
}
