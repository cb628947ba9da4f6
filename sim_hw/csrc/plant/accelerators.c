/** @file accelerators.c  Switches, boot, own shutdown, latched rails, the step. */
#include "accelerators.h"

#include <math.h>
#include <string.h>

#define EPSILON_S 1e-9 /* steps add up to a time only nearly */

void sim_accelerators_init(sim_accelerators_t *self, const sim_accelerators_config_t *config,
                           sim_plant_image_t *image, const sim_accelerators_start_t *start) {
    memset(self, 0, sizeof(*self));
    self->count = start->count;
    self->dynamic_w = sim_accelerator_dynamic_w(config);
    self->random = (uint64_t)start->seed;
    for (int32_t i = 0; i < SIM_ACCELERATORS_MAX; i++) {
        self->slowdown_ratio[i] = 1.0;
        self->resets_seen[i] = image->boards.reset_count[i];
    }
}

void sim_accelerators_skip_boot(sim_accelerators_t *self, const sim_accelerators_config_t *config,
                                const sim_accelerators_faults_t *faults, sim_plant_image_t *image) {
    sim_accelerators_follow_switches(self, config, faults, image, true, true);
    for (int32_t i = 0; i < self->count; i++) {
        double static_w = sim_accelerator_static_w(config, image->truth.accel_core_temp_c[i]);
        self->booted_s[i] = self->is_powered[i] * config->boot_s;
        self->target_w[i] = self->is_powered[i] * static_w;
        image->truth.accel_alive[i] = self->is_powered[i];
        image->truth.accel_power_w[i] = self->target_w[i];
    }
}

static void starve(sim_accelerators_t *self, sim_plant_image_t *image, int32_t i) {
    sim_truth_t *truth = &image->truth;
    if (truth->accel_utilisation_ratio[i] > 0.0) {
        self->lost_work_count[i] += 1.0;
    }
    truth->accel_power_w[i] = truth->accel_alive[i] = truth->module_current_a[i] = 0.0;
    truth->accel_utilisation_ratio[i] = truth->accel_clock_mhz[i] = 0.0;
    truth->accel_event_reasons[i] = truth->accel_memory_bandwidth_ratio[i] = 0.0;
    self->booted_s[i] = self->is_shut_down[i] = self->is_off_bus[i] = self->target_w[i] = 0.0;
    self->slowdown_ratio[i] = 1.0;
    sim_accelerator_forget_events(self, image, i);
}

void sim_accelerators_follow_switches(sim_accelerators_t *self,
                                      const sim_accelerators_config_t *config,
                                      const sim_accelerators_faults_t *faults,
                                      sim_plant_image_t *image, bool payload_bus_on,
                                      bool avionics_bus_on) {
    const sim_setpoint_t *setpoint = &image->setpoint;
    sim_truth_t *truth = &image->truth;
    bool payload_on = payload_bus_on && setpoint->payload_enabled > 0.5;
    for (int32_t i = 0; i < self->count; i++) {
        bool aux_on = avionics_bus_on && setpoint->aux_enabled[i] > 0.5;
        bool module_on = payload_on && setpoint->module_enabled[i] > 0.5;
        self->is_fed[i] = module_on ? 1.0 : 0.0;
        self->is_powered[i] = module_on && aux_on ? 1.0 : 0.0;
        if (!(module_on && aux_on)) {
            starve(self, image, i);
        }
        truth->aux_voltage_v[i] = aux_on ? config->aux_voltage_v : 0.0;
        truth->aux_current_a[i] = aux_on ? config->aux_current_a + faults->latch_current_a[i] : 0.0;
    }
    if (!payload_bus_on) {
        truth->payload_voltage_v = truth->payload_current_a = 0.0;
    }
}

/* Whatever the library has removed and found again boots anew. */
static void follow_reset(sim_accelerators_t *self, sim_plant_image_t *image, int32_t i) {
    if (image->boards.reset_count[i] == self->resets_seen[i]) {
        return;
    }
    self->resets_seen[i] = image->boards.reset_count[i];
    if (image->truth.accel_utilisation_ratio[i] > 0.0) {
        self->lost_work_count[i] += 1.0;
    }
    self->booted_s[i] = self->is_shut_down[i] = 0.0;
    image->truth.accel_alive[i] = 0.0;
    sim_accelerator_forget_events(self, image, i);
}

/* The hardware halves the clock, and further up it switches off until a power-cycle: 1c. */
static void protect(sim_accelerators_t *self, const sim_accelerators_config_t *config,
                    sim_plant_image_t *image, int32_t i) {
    double core_c = image->truth.accel_core_temp_c[i];
    bool is_slow = self->slowdown_ratio[i] < 1.0;
    double release_c = config->slowdown_temp_c - config->slowdown_release_k;
    bool stays_slow = core_c >= config->slowdown_temp_c || (is_slow && core_c > release_c);
    self->slowdown_ratio[i] = stays_slow ? 0.5 : 1.0;
    if (core_c >= config->shutdown_temp_c && self->is_powered[i] > 0.5) {
        self->is_shut_down[i] = 1.0;
        image->truth.accel_power_w[i] = 0.0;
    }
}

static void boot(sim_accelerators_t *self, const sim_accelerators_config_t *config,
                 sim_plant_image_t *image, double dt_s, int32_t i) {
    if (self->booted_s[i] < config->boot_s) {
        self->booted_s[i] += self->is_powered[i] * dt_s;
    }
    bool is_ready = self->booted_s[i] >= config->boot_s - EPSILON_S && self->is_powered[i] > 0.5;
    bool is_lost = self->is_shut_down[i] > 0.5 || self->is_off_bus[i] > 0.5;
    double *alive = &image->truth.accel_alive[i];
    bool was_busy = *alive > 0.5 && image->truth.accel_utilisation_ratio[i] > 0.0;
    if (was_busy && is_lost) {
        self->lost_work_count[i] += 1.0;
    }
    *alive = is_ready && !is_lost ? 1.0 : 0.0;
}

/* A latch-up ends once its rail was off for long enough. */
static void carry_latch(sim_accelerators_t *self, const sim_accelerators_config_t *config,
                        sim_accelerators_faults_t *faults, sim_plant_image_t *image, double dt_s,
                        int32_t i) {
    double latch_a = faults->latch_current_a[i];
    if (latch_a == 0.0 && self->aux_off_s[i] == 0.0) {
        return;
    }
    bool aux_on = image->truth.aux_voltage_v[i] > 0.0;
    self->aux_off_s[i] = aux_on || latch_a == 0.0 ? 0.0 : self->aux_off_s[i] + dt_s;
    if (self->aux_off_s[i] >= config->latch_clear_s - EPSILON_S && !aux_on) {
        faults->latch_current_a[i] = latch_a = 0.0;
    }
    image->truth.aux_current_a[i] = aux_on ? config->aux_current_a + latch_a : 0.0;
    self->latch_power_w += aux_on ? latch_a * config->aux_voltage_v : 0.0;
}

/* What the lag lets through in a step: steps are mostly alike. */
static double lag_part(sim_accelerators_t *self, const sim_accelerators_config_t *config,
                       double dt_s) {
    if (dt_s != self->lag_dt_s) {
        self->lag_dt_s = dt_s;
        self->lag_part = 1.0 - exp(-dt_s / config->lag_s);
    }
    return self->lag_part;
}

double sim_accelerators_advance(sim_accelerators_t *self, const sim_accelerators_config_t *config,
                                sim_accelerators_faults_t *faults, sim_plant_image_t *image,
                                double dt_s, double bus54_voltage_v, double bus28_voltage_v) {
    sim_truth_t *truth = &image->truth;
    bool bus_on = bus54_voltage_v > 0.0;
    double part = lag_part(self, config, dt_s);
    double total_w = 0.0;
    self->latch_power_w = 0.0;
    sim_accelerators_follow_switches(self, config, faults, image, bus_on, bus28_voltage_v > 0.0);
    for (int32_t i = 0; i < self->count; i++) {
        double was_target_w = self->target_w[i];
        follow_reset(self, image, i);
        protect(self, config, image, i);
        sim_accelerator_take_events(self, config, faults, image, i, dt_s);
        boot(self, config, image, dt_s, i);
        sim_accelerator_settle(self, config, image, i);
        carry_latch(self, config, faults, image, dt_s, i);
        double power_w = truth->accel_power_w[i];
        power_w += (self->target_w[i] - power_w) * part;
        truth->accel_power_w[i] = power_w;
        truth->accel_energy_j[i] += power_w * dt_s;
        truth->module_voltage_v[i] = self->is_fed[i] * bus54_voltage_v;
        truth->module_current_a[i] = bus_on ? power_w / bus54_voltage_v : 0.0;
        sim_accelerator_draw_peaks(self, config, image, i, self->target_w[i] - was_target_w,
                                   bus54_voltage_v);
        total_w += power_w;
    }
    if (bus_on) {
        truth->payload_voltage_v = image->setpoint.payload_enabled > 0.5 ? bus54_voltage_v : 0.0;
        truth->payload_current_a = total_w / bus54_voltage_v;
    }
    return total_w;
}
