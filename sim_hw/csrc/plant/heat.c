#include "heat.h"

#include <math.h>

#define STAGNANT_RATIO 0.01  /* of nominal flow; assumed: below it coolant begins to mix */
#define PIPE_SHARE_MAX 0.5   /* of a pipe's coolant in one step */
#define NODE_SHARE_MAX 0.9   /* of a radiator node's */
#define STRAP_SHARE_MAX 0.25 /* of a root's heat capacity, by straps */
#define PASSED_KG_MIN 1e-12  /* less is none: means are quotients by it */
#define SPLITS_MAX 1000

void sim_heat_faults_init(sim_heat_faults_t *faults) {
    *faults = (sim_heat_faults_t){.emissivity_ratio = 1.0, .absorptance_ratio = 1.0};
    for (int i = 0; i < SIM_ACCELERATORS_MAX; i++) {
        faults->interface_ratio[i] = 1.0;
        faults->plate_open_ratio[i] = 1.0;
    }
}

double sim_loop_heater_w(const sim_loop_config_t *config, const sim_heat_faults_t *faults,
                         const sim_plant_image_t *image, int32_t heater) {
    if (faults->heater_stuck_off[heater] > 0.5 || config->enabled < 0.5) {
        return 0.0;
    }
    const int is_on =
        image->setpoint.loop_heater_on[heater] > 0.5 || faults->heater_stuck_on[heater] > 0.5;
    const double heater_w = heater == 0 ? config->heater_a_w : config->heater_b_w;
    return is_on ? heater_w : 0.0;
}

/** Node of the radiator that accelerator i hangs on, when there is no loop. */
static int32_t strap_node(const sim_heat_t *self, const sim_heat_config_t *config, int32_t i) {
    return i * config->radiator.node_count / self->stack.count;
}

/** Sum up what is held, and what the coolant's mean is. */
static void take_stock(sim_heat_t *self, const sim_heat_config_t *config) {
    const sim_loop_config_t *loop = &config->loop;
    const int32_t count = config->radiator.node_count;
    double root_c = 0.0;
    double fluid_c = 0.0;
    for (int32_t i = 0; i < count; i++) {
        root_c += self->radiator.root_c[i];
        fluid_c += self->radiator.fluid_c[i];
    }
    double held_j = sim_stack_held_j(&self->stack, &config->stack) +
                    config->radiator.panel_j_per_k * root_c / count +
                    config->host.heat_capacity_j_per_k * self->host_temp_c +
                    config->battery_node.heat_capacity_j_per_k * self->battery_temp_c;
    self->mean_coolant_temp_c = root_c / count;
    if (loop->enabled > 0.5) {
        const double fluid = sim_line_held(&self->hot_pipe) + sim_line_held(&self->cold_pipe) +
                             loop->manifold_mass_kg * self->manifold_c +
                             config->radiator.fluid_mass_kg * fluid_c / count;
        held_j += loop->specific_heat_j_per_kg_k * fluid;
        self->mean_coolant_temp_c = fluid / (2.0 * loop->pipe_mass_kg + loop->manifold_mass_kg +
                                             config->radiator.fluid_mass_kg);
    }
    self->heat_j = held_j;
}

/** Count the coolant that is outside its range. */
static void watch_range(sim_heat_t *self, const sim_heat_config_t *config) {
    double coldest_c = self->manifold_c;
    double warmest_c = self->manifold_c;
    sim_line_extremes(&self->hot_pipe, &coldest_c, &warmest_c);
    sim_line_extremes(&self->cold_pipe, &coldest_c, &warmest_c);
    for (int32_t i = 0; i < config->radiator.node_count; i++) {
        const double temp_c = self->radiator.fluid_c[i];
        coldest_c = temp_c < coldest_c ? temp_c : coldest_c;
        warmest_c = temp_c > warmest_c ? temp_c : warmest_c;
    }
    for (int32_t i = 0; i < self->stack.count; i++) {
        const double temp_c = self->stack.plate_c[i];
        warmest_c = temp_c > warmest_c ? temp_c : warmest_c;
    }
    self->coldest_c = coldest_c;
    self->warmest_c = warmest_c;
    self->frozen_count += coldest_c < config->loop.freeze_temp_c;
    self->boiling_count += warmest_c > config->loop.boil_temp_c;
}

static void publish(const sim_heat_t *self, const sim_heat_config_t *config,
                    sim_plant_image_t *image) {
    sim_truth_t *truth = &image->truth;
    const sim_stack_t *stack = &self->stack;
    const int has_loop = config->loop.enabled > 0.5;
    for (int32_t i = 0; i < stack->count; i++) {
        truth->accel_core_temp_c[i] = stack->core_c[i];
        truth->accel_memory_temp_c[i] = stack->memory_c[i];
        const double warming = has_loop ? stack->warming_ratio[i] : 1.0;
        truth->plate_outlet_temp_c[i] =
            stack->sink_c[i] + warming * (stack->plate_c[i] - stack->sink_c[i]);
    }
    truth->supply_temp_c = self->supply_temp_c;
    truth->return_temp_c = self->return_temp_c;
    truth->radiator_out_temp_c = self->radiator.outlet_c;
    truth->battery_temp_c = self->battery_temp_c;
}

/** Move the bypass valve toward where it is asked to be, or where a fault holds or drives it. */
static void travel(sim_heat_t *self, const sim_loop_config_t *config,
                   const sim_heat_faults_t *faults, double asked_ratio, double dt_s) {
    double goal = fmin(fmax(asked_ratio, 0.0), 1.0);
    if (faults->bypass_stuck > 0.5) {
        goal = self->bypass_ratio;
    }
    goal = faults->bypass_drive_cold > 0.5 ? 0.0 : goal;
    goal = faults->bypass_drive_hot > 0.5 ? 1.0 : goal;
    const double reach = dt_s / config->bypass_travel_s;
    self->bypass_ratio += fmin(fmax(goal - self->bypass_ratio, -reach), reach);
}

/** Work out anew what depends on flow, step and faults, when one of them changed. */
static void prepare(sim_heat_t *self, const sim_heat_config_t *config,
                    const sim_heat_faults_t *faults, double flow_kg_per_s, double dt_s) {
    double *for_now = self->prepared_for;
    int is_same = self->is_prepared && for_now[0] == dt_s && for_now[1] == flow_kg_per_s;
    double open = 0.0;
    for (int32_t i = 0; i < self->stack.count; i++) {
        is_same = is_same && for_now[2 + i] == faults->interface_ratio[i] &&
                  for_now[10 + i] == faults->plate_open_ratio[i];
        open += faults->plate_open_ratio[i];
    }
    if (is_same) {
        return;
    }
    self->is_prepared = 1;
    for_now[0] = dt_s;
    for_now[1] = flow_kg_per_s;
    const double flow_w_per_k = flow_kg_per_s * config->loop.specific_heat_j_per_kg_k;
    for (int32_t i = 0; i < self->stack.count; i++) {
        for_now[2 + i] = faults->interface_ratio[i];
        for_now[10 + i] = faults->plate_open_ratio[i];
        if (config->loop.enabled > 0.5) {
            const double share = open > 0.0 ? faults->plate_open_ratio[i] / open : 0.0;
            sim_stack_set_flow(&self->stack, i, flow_w_per_k * share);
        }
    }
    sim_stack_prepare(&self->stack, &config->stack, faults->interface_ratio, dt_s);
}

static sim_radiator_inputs_t radiator_inputs(const sim_loop_config_t *loop,
                                             const sim_heat_faults_t *faults,
                                             const sim_environment_t *environment) {
    return (sim_radiator_inputs_t){
        .solar_w_per_m2 = environment->radiator_solar_w_per_m2,
        .infrared_w_per_m2 = environment->radiator_infrared_w_per_m2,
        .emissivity_ratio = faults->emissivity_ratio,
        .absorptance_ratio = faults->absorptance_ratio,
        .freeze_temp_c = loop->freeze_temp_c,
        .slush_k = loop->slush_k,
    };
}

/** Host and manifold after dt_s, in one implicit step of two unknowns. */
static void warm_manifold(sim_heat_t *self, const sim_heat_config_t *config, double dt_s,
                          double host_w, double direct_w, double mass_kg, double returned) {
    const double j_per_kg_k = config->loop.specific_heat_j_per_kg_k;
    const double manifold_j = j_per_kg_k * (config->loop.manifold_mass_kg + mass_kg);
    const double host_j = config->host.heat_capacity_j_per_k;
    const double between = dt_s * config->host.cooling_w_per_k;
    const double into_manifold =
        j_per_kg_k * (config->loop.manifold_mass_kg * self->manifold_c + returned) +
        dt_s * direct_w;
    const double into_host = host_j * self->host_temp_c + dt_s * host_w;
    const double host_share = between / (host_j + between);
    self->manifold_c =
        (into_manifold + host_share * into_host) / (manifold_j + between * (1.0 - host_share));
    self->host_temp_c = (into_host + between * self->manifold_c) / (host_j + between);
}

/** One step of a node with a loop. */
static void advance_loop(sim_heat_t *self, const sim_heat_config_t *config,
                         const sim_heat_faults_t *faults, const double power_w[8], double dt_s,
                         const sim_heat_inputs_t *inputs) {
    const sim_loop_config_t *loop = &config->loop;
    const double j_per_kg_k = loop->specific_heat_j_per_kg_k;
    const double passed_kg = inputs->flow_kg_per_s * dt_s;
    const double mass_kg = passed_kg > PASSED_KG_MIN ? passed_kg : 0.0;
    double into_w[SIM_ACCELERATORS_MAX];
    double plates_w = 0.0;
    double mean_plate_c = 0.0;
    self->supply_temp_c = sim_line_outlet_c(&self->cold_pipe);
    const double supplied = sim_line_pull(&self->cold_pipe, mass_kg);
    if (mass_kg > 0.0) {
        self->supply_temp_c = supplied / mass_kg;
    }
    for (int32_t i = 0; i < self->stack.count; i++) {
        self->stack.sink_c[i] = self->supply_temp_c;
    }
    sim_stack_advance(&self->stack, &config->stack, power_w, dt_s, into_w);
    for (int32_t i = 0; i < self->stack.count; i++) {
        plates_w += into_w[i];
        mean_plate_c += self->stack.plate_c[i] / self->stack.count;
    }
    const double returned = supplied + plates_w * dt_s / j_per_kg_k;
    self->return_temp_c = mass_kg > 0.0 ? returned / mass_kg : mean_plate_c;
    const double direct_w = inputs->pump_w + inputs->heater_w[0] + inputs->heater_w[1];
    warm_manifold(self, config, dt_s, inputs->host_w + inputs->converter_loss_w, direct_w, mass_kg,
                  returned);
    sim_line_push(&self->hot_pipe, mass_kg, self->manifold_c);
    const double hot = sim_line_pull(&self->hot_pipe, mass_kg);
    travel(self, loop, faults, inputs->bypass_ratio, dt_s);
    const double through = 1.0 - self->bypass_ratio;
    const double hot_c = mass_kg > 0.0 ? hot / mass_kg : sim_line_outlet_c(&self->hot_pipe);
    const sim_radiator_inputs_t seen = radiator_inputs(&config->loop, faults, &inputs->environment);
    sim_radiator_advance(&self->radiator, &config->radiator, dt_s, &seen, j_per_kg_k,
                         through * mass_kg, hot_c);
    const double mixed_c = through * self->radiator.outlet_c + (1.0 - through) * hot_c;
    sim_line_push(&self->cold_pipe, mass_kg, mixed_c);
    if (inputs->flow_kg_per_s < STAGNANT_RATIO * loop->nominal_flow_kg_per_s) {
        sim_line_mix(&self->hot_pipe, j_per_kg_k, loop->stagnant_mixing_w_per_k, dt_s);
        sim_line_mix(&self->cold_pipe, j_per_kg_k, loop->stagnant_mixing_w_per_k, dt_s);
        sim_radiator_mix(&self->radiator, &config->radiator, j_per_kg_k,
                         loop->stagnant_mixing_w_per_k, dt_s);
    }
}

/** One step of a node that conducts to its radiator. */
static void advance_straps(sim_heat_t *self, const sim_heat_config_t *config,
                           const sim_heat_faults_t *faults, const double power_w[8], double dt_s,
                           const sim_heat_inputs_t *inputs) {
    const int32_t count = config->radiator.node_count;
    const double node_j = config->radiator.panel_j_per_k / count;
    double *root_c = self->radiator.root_c;
    double into_w[SIM_ACCELERATORS_MAX];
    for (int32_t i = 0; i < self->stack.count; i++) {
        self->stack.sink_c[i] = root_c[strap_node(self, config, i)];
    }
    sim_stack_advance(&self->stack, &config->stack, power_w, dt_s, into_w);
    for (int32_t i = 0; i < self->stack.count; i++) {
        root_c[strap_node(self, config, i)] += into_w[i] * dt_s / node_j;
    }
    const double host_j = config->host.heat_capacity_j_per_k;
    const double between = dt_s * config->host.cooling_w_per_k;
    const double host_w = inputs->host_w + inputs->converter_loss_w + inputs->pump_w +
                          inputs->heater_w[0] + inputs->heater_w[1];
    const double base_j = host_j * self->host_temp_c + dt_s * host_w;
    self->host_temp_c = (base_j + between * root_c[count - 1]) / (host_j + between);
    root_c[count - 1] += between * (self->host_temp_c - root_c[count - 1]) / node_j;
    const sim_radiator_inputs_t seen = radiator_inputs(&config->loop, faults, &inputs->environment);
    sim_radiator_advance(&self->radiator, &config->radiator, dt_s, &seen, 0.0, 0.0, 0.0);
    self->supply_temp_c = root_c[0];
    self->return_temp_c = root_c[0];
}

/** Into how many smaller steps one must be cut. */
static int32_t splits(const sim_heat_t *self, const sim_heat_config_t *config, double dt_s,
                      double flow_kg_per_s) {
    const sim_radiator_config_t *radiator = &config->radiator;
    double share = 0.0;
    if (config->loop.enabled > 0.5) {
        const double mass_kg = flow_kg_per_s * dt_s;
        share = fmax(mass_kg / (PIPE_SHARE_MAX * config->loop.pipe_mass_kg),
                     mass_kg * radiator->node_count / (NODE_SHARE_MAX * radiator->fluid_mass_kg));
    } else {
        const double straps = self->stack.count * config->stack.strap_w_per_k;
        share = dt_s * fmax(straps, config->host.cooling_w_per_k) * radiator->node_count /
                (STRAP_SHARE_MAX * radiator->panel_j_per_k);
    }
    return (int32_t)fmin(ceil(fmax(share, 1.0)), SPLITS_MAX);
}

void sim_heat_advance(sim_heat_t *self, const sim_heat_config_t *config,
                      const sim_heat_faults_t *faults, sim_plant_image_t *image, double dt_s,
                      const sim_heat_inputs_t *inputs) {
    const int32_t count = splits(self, config, dt_s, inputs->flow_kg_per_s);
    const double part_s = dt_s / count;
    const sim_battery_node_config_t *battery = &config->battery_node;
    prepare(self, config, faults, inputs->flow_kg_per_s, part_s);
    self->radiated_w = 0.0;
    self->absorbed_w = 0.0;
    for (int32_t n = 0; n < count; n++) {
        const double *power_w = image->truth.accel_power_w;
        if (config->loop.enabled > 0.5) {
            advance_loop(self, config, faults, power_w, part_s, inputs);
        } else {
            advance_straps(self, config, faults, power_w, part_s, inputs);
        }
        self->radiated_w += self->radiator.radiated_w / count;
        self->absorbed_w += self->radiator.absorbed_w / count;
    }
    self->sink_temp_k = self->radiator.sink_temp_k;
    const double held_w_per_k = battery->heat_capacity_j_per_k / dt_s;
    const double into_battery_w = inputs->battery_loss_w + inputs->battery_heater_w;
    self->battery_temp_c = (held_w_per_k * self->battery_temp_c + into_battery_w +
                            battery->leak_w_per_k * battery->structure_temp_c) /
                           (held_w_per_k + battery->leak_w_per_k);
    self->leak_w = battery->leak_w_per_k * (self->battery_temp_c - battery->structure_temp_c);
    if (config->loop.enabled > 0.5) {
        watch_range(self, config);
        self->open_ratio = self->radiator.open_ratio;
    }
    take_stock(self, config);
    publish(self, config, image);
}

void sim_heat_init(sim_heat_t *self, const sim_heat_config_t *config, sim_plant_image_t *image,
                   const sim_heat_start_t *start) {
    const sim_loop_config_t *loop = &config->loop;
    const double temp_c = start->coolant_temp_c;
    *self = (sim_heat_t){
        .manifold_c = temp_c,
        .host_temp_c = start->host_temp_c,
        .battery_temp_c = start->battery_temp_c,
        .supply_temp_c = temp_c,
        .return_temp_c = temp_c,
        .coldest_c = temp_c,
        .warmest_c = temp_c,
        .open_ratio = 1.0,
    };
    double plate_flow_w_per_k = 0.0;
    if (loop->enabled > 0.5) {
        sim_line_init(&self->hot_pipe, loop->pipe_mass_kg, loop->pipe_cells, temp_c);
        sim_line_init(&self->cold_pipe, loop->pipe_mass_kg, loop->pipe_cells, temp_c);
        plate_flow_w_per_k =
            loop->nominal_flow_kg_per_s * loop->specific_heat_j_per_kg_k / start->accelerator_count;
    }
    sim_radiator_init(&self->radiator, &config->radiator, temp_c);
    sim_stack_init(&self->stack, &config->stack, start->accelerator_count, start->core_k_per_w,
                   start->core_temp_c, temp_c, plate_flow_w_per_k);
    take_stock(self, config);
    publish(self, config, image);
}

/** Move a temperature toward where it settles. */
static void follow(double *temp_c, double goal_c, double part) {
    *temp_c += part * (goal_c - *temp_c);
}

void sim_host_advance(const sim_heat_t *self, const sim_heat_config_t *config,
                      sim_plant_image_t *image, double dt_s, double host_w) {
    const sim_host_config_t *host = &config->host;
    sim_truth_t *truth = &image->truth;
    const double part = fmin(1.0, dt_s / host->lag_s);
    const double base_c = self->supply_temp_c;
    follow(&truth->cpu_temp_c, self->host_temp_c + host->cpu_k_per_w * host_w, part);
    for (int i = 0; i < 2; i++) {
        follow(&truth->nvme_temp_c[i], base_c + host->nvme_offset_k, part);
    }
    for (int i = 0; i < SIM_HOST_RAILS; i++) {
        follow(&truth->host_rail_temp_c[i], base_c + host->rail_offset_k, part);
    }
}
