#include "heat_stack.h"

#include <math.h>

/* 1 - 1 / sqrt(2): of the two-stage diagonally implicit method of second order that forgets what
 * decays fast (Alexander 1977). */
#define STAGE 0.29289321881345248
#define TRANSFER_UNITS_MAX 8.0 /* coolant then leaves at the plate's temperature, within 0.04 % */

void sim_stack_init(sim_stack_t *self, const sim_stack_config_t *config, int32_t count,
                    const double core_k_per_w[8], const double core_temp_c[8], double plate_temp_c,
                    double plate_flow_w_per_k) {
    *self = (sim_stack_t){.count = count};
    const double core_part = 1.0 - config->memory_power_ratio; /* the rest bypasses R1 and R2 */
    const double interface_ratio = 1.0 - config->core_package_ratio - config->plate_film_ratio;
    if (config->memory_power_ratio > 0.0) {
        self->memory_w_per_k = config->memory_power_ratio / config->memory_k_per_w;
    }
    for (int32_t i = 0; i < count; i++) {
        self->core_c[i] = core_temp_c[i];
        self->package_c[i] = core_temp_c[i];
        self->memory_c[i] = core_temp_c[i];
        self->plate_c[i] = plate_temp_c;
        self->sink_c[i] = plate_temp_c;
        self->core_package_w_per_k[i] = core_part / (core_k_per_w[i] * config->core_package_ratio);
        self->interface_w_per_k[i] = core_part / (core_k_per_w[i] * interface_ratio);
        /* Plate above the mean of inlet and outlet is (1 / e - 1 / 2) / flow_w_per_k per watt. */
        const double film_k_per_w = core_k_per_w[i] * config->plate_film_ratio;
        const double warming = 1.0 / (film_k_per_w * plate_flow_w_per_k + 0.5);
        const double units = warming < 1.0 ? -log(1.0 - warming) : TRANSFER_UNITS_MAX;
        self->film_w_per_k[i] = fmin(units, TRANSFER_UNITS_MAX) * plate_flow_w_per_k;
        self->sink_w_per_k[i] = config->strap_w_per_k;
    }
}

void sim_stack_set_flow(sim_stack_t *self, int32_t i, double flow_w_per_k) {
    /* Coolant that stands takes the plate's temperature and carries nothing away. */
    self->warming_ratio[i] = 1.0;
    if (flow_w_per_k > 0.0) {
        self->warming_ratio[i] = 1.0 - exp(-self->film_w_per_k[i] / flow_w_per_k);
    }
    self->sink_w_per_k[i] = self->warming_ratio[i] * flow_w_per_k;
}

void sim_stack_prepare(sim_stack_t *self, const sim_stack_config_t *config,
                       const double interface_ratio[8], double dt_s) {
    const double stage_s = STAGE * dt_s;
    self->memory_gain = stage_s / (config->memory_lag_s + stage_s);
    const double memory = stage_s * self->memory_w_per_k * (1.0 - self->memory_gain);
    for (int32_t i = 0; i < self->count; i++) {
        const double inner = stage_s * self->core_package_w_per_k[i];
        const double outer = stage_s * self->interface_w_per_k[i] / interface_ratio[i];
        self->interface_j_per_k[i] = outer;
        self->core_keep[i] = 1.0 / (config->core_j_per_k + inner);
        self->core_gain[i] = inner * self->core_keep[i];
        const double package_j = config->package_j_per_k + inner * (1.0 - self->core_gain[i]);
        self->package_keep[i] = 1.0 / (package_j + outer);
        self->package_gain[i] = outer * self->package_keep[i];
        const double plate_j = config->plate_j_per_k + outer * (1.0 - self->package_gain[i]);
        self->plate_keep[i] = 1.0 / (plate_j + memory + stage_s * self->sink_w_per_k[i]);
    }
}

/** Core, package, memory, plate of accelerator i after one backward Euler step of STAGE dt_s. */
static sim_stack_node_t settle(const sim_stack_t *self, const sim_stack_config_t *config, int32_t i,
                               double power_w, double stage_s, const sim_stack_node_t *start) {
    const double gain = self->memory_gain;
    const double core_w = (1.0 - config->memory_power_ratio) * power_w;
    const double inner = stage_s * self->core_package_w_per_k[i];
    const double outer = self->interface_j_per_k[i];
    /* Forward: what each would be with its right neighbour at 0 degC. */
    const double core_base =
        self->core_keep[i] * (config->core_j_per_k * start->core_c + stage_s * core_w);
    const double package_base =
        self->package_keep[i] * (config->package_j_per_k * start->package_c + inner * core_base);
    const double memory_base =
        (1.0 - gain) * start->memory_c + gain * config->memory_k_per_w * power_w;
    const double plate_c =
        self->plate_keep[i] *
        (config->plate_j_per_k * start->plate_c + outer * package_base +
         stage_s * (self->memory_w_per_k * memory_base + self->sink_w_per_k[i] * self->sink_c[i]));
    /* And back. */
    const double package_c = package_base + self->package_gain[i] * plate_c;
    return (sim_stack_node_t){
        .core_c = core_base + self->core_gain[i] * package_c,
        .package_c = package_c,
        .memory_c = memory_base + gain * plate_c,
        .plate_c = plate_c,
    };
}

void sim_stack_advance(sim_stack_t *self, const sim_stack_config_t *config, const double power_w[8],
                       double dt_s, double out_w[8]) {
    const double stage_s = STAGE * dt_s;
    const double beyond = (1.0 - STAGE) / STAGE;
    for (int32_t i = 0; i < self->count; i++) {
        sim_stack_node_t node = {
            .core_c = self->core_c[i],
            .package_c = self->package_c[i],
            .memory_c = self->memory_c[i],
            .plate_c = self->plate_c[i],
        };
        const sim_stack_node_t first = settle(self, config, i, power_w[i], stage_s, &node);
        /* The slope of the first stage carries the rest of the step; the second then corrects. */
        node.core_c += beyond * (first.core_c - node.core_c);
        node.package_c += beyond * (first.package_c - node.package_c);
        node.memory_c += beyond * (first.memory_c - node.memory_c);
        node.plate_c += beyond * (first.plate_c - node.plate_c);
        node = settle(self, config, i, power_w[i], stage_s, &node);
        const double plate_c = (1.0 - STAGE) * first.plate_c + STAGE * node.plate_c;
        out_w[i] = self->sink_w_per_k[i] * (plate_c - self->sink_c[i]);
        self->core_c[i] = node.core_c;
        self->package_c[i] = node.package_c;
        self->memory_c[i] = node.memory_c;
        self->plate_c[i] = node.plate_c;
    }
}

double sim_stack_held_j(const sim_stack_t *self, const sim_stack_config_t *config) {
    const double memory_j = config->memory_lag_s * self->memory_w_per_k;
    double held_j = 0.0;
    for (int32_t i = 0; i < self->count; i++) {
        held_j += config->core_j_per_k * self->core_c[i] +
                  config->package_j_per_k * self->package_c[i] + memory_j * self->memory_c[i] +
                  config->plate_j_per_k * self->plate_c[i];
    }
    return held_j;
}
