#include "pumps.h"

#include <math.h>

#define SETTLED_RPM 0.01
#define SHARE_95 3.0        /* a first-order lag has covered 95 % after three time constants */
#define BEYOND_BEST_MIN 0.5 /* flow over speed never comes near twice the best point */

void sim_pumps_faults_init(sim_pumps_faults_t *faults) {
    *faults = (sim_pumps_faults_t){.torque_ratio = {1.0, 1.0}, .head_ratio = {1.0, 1.0}};
}

double sim_pumps_flow_ratio(double shut_off_ratio, double head_a, double head_b,
                            double out_flow[2]) {
    const double inner = shut_off_ratio - 1.0;
    const double strong = fmax(head_a, head_b) / inner;
    const double weak = fmin(head_a, head_b) / inner;
    double head = strong / (1.0 + inner); /* the check valve of the weaker one is shut */
    if (weak > head) {
        /* sqrt(a - h) + sqrt(b - h) = sqrt(inner h), squared twice; the larger root is the flow. */
        const double sum = strong + weak;
        const double gap = strong - weak;
        const double root = sum * sum - (inner + 4.0) * gap * gap / inner;
        head = (sum + sqrt(fmax(root, 0.0))) / (inner + 4.0);
    }
    out_flow[0] = sqrt(fmax(head_a / inner - head, 0.0));
    out_flow[1] = sqrt(fmax(head_b / inner - head, 0.0));
    return out_flow[0] + out_flow[1];
}

/** Advance one speed toward its goal; the goal is reached exactly. */
static double next_speed_rpm(const sim_loop_config_t *config, double speed_rpm, double goal_rpm,
                             double dt_s) {
    const double step_s = goal_rpm > speed_rpm ? config->spin_up_s : config->coast_down_s;
    if (fabs(goal_rpm - speed_rpm) < SETTLED_RPM) {
        return goal_rpm;
    }
    return speed_rpm + (goal_rpm - speed_rpm) * (1.0 - exp(-SHARE_95 * dt_s / step_s));
}

/** Coolant expands into the accumulator and leaks out of it; then gas reaches the pumps. */
static void advance_accumulator(sim_pumps_t *self, const sim_loop_config_t *config,
                                double leaked_kg, double fluid_temp_c) {
    self->leaked_kg += leaked_kg;
    const double expanded =
        config->accumulator_ratio_at_20_c + config->accumulator_ratio_per_k * (fluid_temp_c - 20.0);
    const double level = expanded - self->leaked_kg / config->accumulator_kg;
    const double missing_kg = fmax(-level, 0.0) * config->accumulator_kg;
    self->accumulator_ratio = fmin(fmax(level, 0.0), 1.0);
    self->prime_ratio =
        self->leaked_kg > 0.0 ? fmax(1.0 - missing_kg / config->prime_loss_kg, 0.0) : 1.0;
}

/** Electrical power of one running pump, in W. */
static double running_w(const sim_loop_config_t *config, double speed_ratio, double head_ratio,
                        double flow_ratio) {
    if (speed_ratio <= 0.0) {
        return 0.0;
    }
    const double beyond = fmax(2.0 - flow_ratio / speed_ratio, BEYOND_BEST_MIN);
    return config->pump_power_w * head_ratio * speed_ratio / beyond;
}

void sim_pumps_advance(sim_pumps_t *self, const sim_loop_config_t *config,
                       const sim_pumps_faults_t *faults, sim_plant_image_t *image, double dt_s,
                       double bus28_voltage_v, double fluid_temp_c) {
    if (config->enabled < 0.5) {
        return;
    }
    sim_truth_t *truth = &image->truth;
    const double shut_off = config->shut_off_pressure_kpa / config->nominal_pressure_kpa;
    advance_accumulator(self, config, faults->leak_kg_per_s * dt_s, fluid_temp_c);
    double head[2];
    double flow[2];
    bool is_on[2];
    for (int i = 0; i < 2; i++) {
        const double asked_rpm = image->setpoint.pump_speed_target_rpm[i];
        const double target_rpm = fmin(fmax(asked_rpm, 0.0), config->speed_max_rpm);
        const bool is_supplied = bus28_voltage_v > 0.0 && faults->breaker_open[i] < 0.5;
        const double goal_rpm = is_supplied ? target_rpm * faults->torque_ratio[i] : 0.0;
        self->speed_rpm[i] = next_speed_rpm(config, self->speed_rpm[i], goal_rpm, dt_s);
        is_on[i] = is_supplied && target_rpm > 0.0;
        const double speed = self->speed_rpm[i] / config->nominal_speed_rpm;
        head[i] = shut_off * speed * speed * faults->head_ratio[i] * self->prime_ratio;
    }
    const double total = sim_pumps_flow_ratio(shut_off, head[0], head[1], flow);
    self->flow_kg_per_s = total * config->nominal_flow_kg_per_s;
    self->power_w = 0.0;
    for (int i = 0; i < 2; i++) {
        const double speed = self->speed_rpm[i] / config->nominal_speed_rpm;
        /* A shut check valve holds the pump at its head without flow. */
        const double lift = flow[i] > 0.0 ? total * total : head[i];
        double power_w = 0.0;
        if (is_on[i]) {
            const double stalled = fmax(1.0 - faults->torque_ratio[i], 0.0);
            power_w = running_w(config, speed, lift, flow[i]) +
                      stalled * config->stall_current_a * bus28_voltage_v;
        }
        self->power_w += power_w;
        truth->pump_speed_rpm[i] = self->speed_rpm[i];
        truth->pump_current_a[i] = is_on[i] ? power_w / bus28_voltage_v : 0.0;
    }
    truth->flow_kg_per_s = self->flow_kg_per_s;
    truth->pressure_kpa = config->nominal_pressure_kpa * total * total;
    truth->accumulator_ratio = self->accumulator_ratio;
}

void sim_pumps_init(sim_pumps_t *self, const sim_loop_config_t *config, sim_plant_image_t *image,
                    double speed_a_rpm, double speed_b_rpm, double bus28_voltage_v,
                    double fluid_temp_c) {
    sim_pumps_faults_t neutral;
    sim_pumps_faults_init(&neutral);
    *self = (sim_pumps_t){.speed_rpm = {speed_a_rpm, speed_b_rpm}, .prime_ratio = 1.0};
    sim_pumps_advance(self, config, &neutral, image, 1e-9, bus28_voltage_v, fluid_temp_c);
}
