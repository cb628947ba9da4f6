/** @file accelerator_power.c  Power, clock, memory bandwidth and transients of an accelerator. */
#include <math.h>

#include "accelerators.h"

#define REASON_IDLE 1.0 /* NVML's clocks event reasons */
#define REASON_CLOCK_SETTING 2.0
#define REASON_POWER_CAP 4.0
#define REASON_HW_SLOWDOWN 8.0
#define REASON_SW_THERMAL 32.0
#define REASON_HW_THERMAL 64.0

#define NO_CAP_W 1e9
#define THROTTLE_RATIO_MIN 0.5    /* below that the hardware's own slowdown takes over: 1b */
#define TRANSIENT_STEP_RATIO 0.15 /* assumed: a smaller rise of load, over the cap, has no peak */

static double clamp(double value, double low, double high) {
    return value < low ? low : value > high ? high : value;
}

double sim_accelerator_static_w(const sim_accelerators_config_t *config, double core_temp_c) {
    double above_k = core_temp_c - config->leakage_reference_temp_c;
    double growth = exp(config->leakage_per_k * above_k) - 1.0;
    return config->idle_power_w * (1.0 + config->leakage_ratio * growth);
}

double sim_accelerator_dynamic_w(const sim_accelerators_config_t *config) {
    return config->full_power_w - sim_accelerator_static_w(config, config->full_power_temp_c);
}

double sim_accelerator_throttle_ratio(const sim_accelerators_config_t *config, double core_temp_c) {
    double above_k = core_temp_c - config->throttle_temp_c;
    return clamp(1.0 - config->throttle_per_k * above_k, THROTTLE_RATIO_MIN, 1.0);
}

/* Memory protects itself by its own temperature; nothing else on the accelerator shows it: T9. */
static void follow_memory(sim_accelerators_t *self, const sim_accelerators_config_t *config,
                          sim_truth_t *truth, int32_t i) {
    double memory_c = truth->accel_memory_temp_c[i];
    double limit_c = config->memory_throttle_temp_c;
    bool is_slow = self->is_memory_slow[i] > 0.5;
    double edge_c = is_slow ? limit_c - config->memory_throttle_release_k : limit_c;
    self->is_memory_slow[i] = memory_c > edge_c ? 1.0 : 0.0;
    double ratio = self->is_memory_slow[i] > 0.5 ? config->memory_throttle_ratio : 1.0;
    truth->accel_memory_bandwidth_ratio[i] = truth->accel_alive[i] * ratio;
}

void sim_accelerator_settle(sim_accelerators_t *self, const sim_accelerators_config_t *config,
                            sim_plant_image_t *image, int32_t i) {
    sim_truth_t *truth = &image->truth;
    double alive = truth->accel_alive[i];
    follow_memory(self, config, truth, i);
    if (self->is_powered[i] < 0.5 || self->is_shut_down[i] > 0.5) {
        self->target_w[i] = 0.0;
        truth->accel_utilisation_ratio[i] = truth->accel_clock_mhz[i] = 0.0;
        truth->accel_event_reasons[i] = 0.0;
        return;
    }
    if (truth->accel_hung[i] > 0.5) { /* all stands still; target and truths are those of then */
        return;
    }
    double works = alive > 0.5 && self->needs_reset[i] < 0.5 ? 1.0 : 0.0;
    double utilisation = works * clamp(self->utilisation_target[i], 0.0, 1.0);
    double wanted_mhz = image->setpoint.accel_clock_max_mhz[i]; /* 0: no limit was ever set */
    double setting = wanted_mhz > 0.0 ? wanted_mhz / config->clock_max_mhz : 1.0;
    double throttle = sim_accelerator_throttle_ratio(config, truth->accel_core_temp_c[i]);
    double own = self->slowdown_ratio[i] < throttle ? self->slowdown_ratio[i] : throttle;
    double limit = clamp(setting, 0.0, 1.0) * own;
    double full_w = self->dynamic_w * utilisation;
    double demand_w = full_w * limit * limit;
    double static_w = sim_accelerator_static_w(config, truth->accel_core_temp_c[i]);
    double cap_w = image->setpoint.accel_cap_w[i] + NO_CAP_W * image->knobs.accel_cap_ignored[i];
    double room_w = cap_w > static_w ? cap_w - static_w : 0.0;
    bool is_capped = room_w < demand_w;
    double above_w = is_capped ? room_w : demand_w;
    double clock_mhz = full_w > 0.0 ? config->clock_max_mhz * sqrt(above_w / full_w) : 0.0;
    double reasons = full_w > 0.0 ? 0.0 : REASON_IDLE;
    reasons += setting < 1.0 ? REASON_CLOCK_SETTING : 0.0;
    reasons += throttle < 1.0 ? REASON_SW_THERMAL : 0.0;
    reasons += self->slowdown_ratio[i] < 1.0 ? REASON_HW_SLOWDOWN + REASON_HW_THERMAL : 0.0;
    reasons += is_capped ? REASON_POWER_CAP : 0.0;
    self->target_w[i] = static_w + above_w;
    truth->accel_utilisation_ratio[i] = utilisation;
    truth->accel_clock_mhz[i] = alive * fmax(clock_mhz, config->clock_idle_mhz);
    truth->accel_event_reasons[i] = alive * reasons;
}

double sim_peak_mask_ratio(int32_t window) {
    static const double mask[SIM_PEAK_WINDOWS] = {1.6, 1.5, 1.2, 1.1};
    return window >= 0 && window < SIM_PEAK_WINDOWS ? mask[window] : 1.0;
}

/* Evenly in 0..1. Splitmix64: Steele, Lea, Flood, OOPSLA 2014. */
static double draw(uint64_t *state) {
    *state += UINT64_C(0x9E3779B97F4A7C15);
    uint64_t bits = *state;
    bits = (bits ^ (bits >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    bits = (bits ^ (bits >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (double)((bits ^ (bits >> 31)) >> 11) * 0x1p-53;
}

/*
 * A load step overshoots before the device's own control holds it: the greater the step, the
 * nearer to the mask, and never beyond (assumed: how near is drawn evenly). Only the means over
 * the windows of the mask are kept; they are over before the step of the plant ends, so neither
 * power nor energy holds them: at most 0.6 nominal for 2 ms, 0.8 J at 700 W.
 */
void sim_accelerator_draw_peaks(sim_accelerators_t *self, const sim_accelerators_config_t *config,
                                sim_plant_image_t *image, int32_t i, double rise_w,
                                double bus54_voltage_v) {
    double *peak_a = &image->truth.module_peak_current_a[SIM_PEAK_WINDOWS * i];
    double nominal_w = config->cap_max_w;
    bool is_step = rise_w > TRANSIENT_STEP_RATIO * nominal_w && bus54_voltage_v > 0.0;
    if (!is_step) {
        for (int32_t k = 0; self->has_peak[i] > 0.5 && k < SIM_PEAK_WINDOWS; k++) {
            peak_a[k] = 0.0;
        }
        self->has_peak[i] = 0.0;
        return;
    }
    double share = draw(&self->random) * fmin(1.0, rise_w / nominal_w);
    for (int32_t k = 0; k < SIM_PEAK_WINDOWS; k++) {
        double mask = sim_peak_mask_ratio(k);
        double peak_w = self->target_w[i] + share * (mask - 1.0) * nominal_w;
        peak_a[k] = fmin(peak_w, mask * nominal_w) / bus54_voltage_v;
    }
    self->has_peak[i] = 1.0;
}
