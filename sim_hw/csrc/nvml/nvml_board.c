/** @file nvml_board.c */
#include "nvml_board.h"

#include <stdbool.h>

#include "nvml_defaults.h"

#define REASON_CLOCK_SETTING 0x02u /* NVML's clocks event reasons */
#define REASON_POWER_CAP 0x04u
#define REASON_HW_SLOWDOWN 0x08u
#define REASON_SW_THERMAL 0x20u
#define REASON_HW_THERMAL 0x40u
#define REASON_HW_POWER_BRAKE 0x80u
#define SLOWDOWN_RATIO 0.5 /* docs/models.md, 1c: clocks at half or less */

static double lower(double a, double b) {
    return a < b ? a : b;
}

double sim_nvml_cap_w_min(const sim_plant_image_t *image) {
    return image->boards.cap_w_min > 0.0 ? image->boards.cap_w_min : SIM_NVML_CAP_W_MIN;
}

double sim_nvml_cap_w_max(const sim_plant_image_t *image) {
    return image->boards.cap_w_max > 0.0 ? image->boards.cap_w_max : SIM_NVML_CAP_W_MAX;
}

void sim_nvml_power_up(sim_plant_image_t *image, uint32_t index) {
    sim_boards_t *boards = &image->boards;
    image->setpoint.accel_cap_w[index] = sim_nvml_cap_w_max(image);
    image->setpoint.accel_clock_max_mhz[index] = SIM_NVML_CLOCK_MHZ_MAX;
    boards->cap_requested_w[index] = sim_nvml_cap_w_max(image);
    boards->is_cap_clamped[index] = 0.0;
    boards->clock_requested_mhz[index] = 0.0;
    boards->is_slowed[index] = 0.0;
    boards->memory_clock_max_mhz[index] = 0.0;
    boards->persistence[index] = 0.0;
    boards->power_violation_s[index] = 0.0;
    boards->thermal_violation_s[index] = 0.0;
    boards->brake_violation_s[index] = 0.0;
}

/* What other writers of the set-point did stands until the clamp bites. */
static void follow_clamp(sim_plant_image_t *image, uint32_t index) {
    sim_boards_t *boards = &image->boards;
    double *cap_w = &image->setpoint.accel_cap_w[index];
    double clamp_w = image->knobs.accel_cap_clamp_w[index];
    bool is_clamped = boards->is_cap_clamped[index] != 0.0;
    if (clamp_w > 0.0 && (is_clamped || *cap_w > clamp_w)) {
        if (!is_clamped) {
            boards->cap_requested_w[index] = *cap_w;
        }
        *cap_w = lower(boards->cap_requested_w[index], clamp_w);
        boards->is_cap_clamped[index] = boards->cap_requested_w[index] > clamp_w ? 1.0 : 0.0;
    } else if (is_clamped) {
        *cap_w = boards->cap_requested_w[index];
        boards->is_cap_clamped[index] = 0.0;
    }
}

static void follow_slowdown(sim_plant_image_t *image, uint32_t index) {
    sim_boards_t *boards = &image->boards;
    bool is_asked = image->knobs.accel_slowdown[index] != 0.0;
    bool is_slowed = boards->is_slowed[index] != 0.0;
    if (!is_asked && !is_slowed) {
        return;
    }
    double locked_mhz = boards->clock_requested_mhz[index];
    double wanted_mhz = locked_mhz > 0.0 ? locked_mhz : SIM_NVML_CLOCK_MHZ_MAX;
    double slow_mhz = SLOWDOWN_RATIO * SIM_NVML_CLOCK_MHZ_MAX;
    image->setpoint.accel_clock_max_mhz[index] =
        is_asked ? lower(wanted_mhz, slow_mhz) : wanted_mhz;
    boards->is_slowed[index] = is_asked ? 1.0 : 0.0;
}

void sim_nvml_advance(sim_plant_image_t *image, double step_s) {
    sim_boards_t *boards = &image->boards;
    for (uint32_t i = 0; i < SIM_ACCELERATORS_MAX; i++) {
        follow_clamp(image, i);
        follow_slowdown(image, i);
        uint32_t reasons = sim_nvml_event_reasons(image, i);
        if ((reasons & REASON_POWER_CAP) != 0u) {
            boards->power_violation_s[i] += step_s;
        }
        if ((reasons & (REASON_SW_THERMAL | REASON_HW_THERMAL)) != 0u) {
            boards->thermal_violation_s[i] += step_s;
        }
        if ((reasons & REASON_HW_POWER_BRAKE) != 0u) {
            boards->brake_violation_s[i] += step_s;
        }
    }
}

void sim_nvml_request_cap(sim_plant_image_t *image, uint32_t index, double cap_w) {
    image->boards.cap_requested_w[index] = cap_w;
    image->boards.is_cap_clamped[index] = 0.0;
    image->setpoint.accel_cap_w[index] = cap_w;
    follow_clamp(image, index);
}

void sim_nvml_request_clock(sim_plant_image_t *image, uint32_t index, double clock_mhz) {
    image->boards.clock_requested_mhz[index] = clock_mhz;
    image->setpoint.accel_clock_max_mhz[index] =
        clock_mhz > 0.0 ? clock_mhz : SIM_NVML_CLOCK_MHZ_MAX;
    follow_slowdown(image, index);
}

double sim_nvml_requested_cap_w(const sim_plant_image_t *image, uint32_t index) {
    return image->boards.is_cap_clamped[index] != 0.0 ? image->boards.cap_requested_w[index]
                                                      : image->setpoint.accel_cap_w[index];
}

uint32_t sim_nvml_event_reasons(const sim_plant_image_t *image, uint32_t index) {
    double plant = image->truth.accel_event_reasons[index];
    uint32_t reasons = plant > 0.0 && plant < 65536.0 ? (uint32_t)plant : 0u;
    if (image->boards.is_slowed[index] != 0.0) {
        reasons |= REASON_HW_SLOWDOWN | REASON_HW_POWER_BRAKE;
        if (!(image->boards.clock_requested_mhz[index] > 0.0)) {
            reasons &= ~REASON_CLOCK_SETTING; /* nobody asked for the lower clock */
        }
    }
    return reasons;
}
