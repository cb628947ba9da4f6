/**
 * @file nvml_state.h
 * @brief What the files of the simulated NVML library share; nothing of it is exported.
 */
#ifndef NIGHTSIDE_SIM_NVML_STATE_H
#define NIGHTSIDE_SIM_NVML_STATE_H

#include <stdbool.h>

#include "../sensors.h"
#include "nvml_api.h"

/** Global, as NVML itself is: one library, one driver, one plant. */
typedef struct sim_nvml_state {
    sim_plant_image_t *image; /**< NULL: no driver loaded */
    sim_sensors_t sensors;
    uint32_t init_count;
    uint32_t generation; /**< of handles; those of an earlier one are dead */
} sim_nvml_state_t;

extern sim_nvml_state_t sim_nvml;

/** @brief Forget averages and event sets; called at attach and at the last shutdown. */
void sim_nvml_forget_readings(void);
void sim_nvml_forget_events(void);

/** @brief The handle of an accelerator in the present generation. */
ns_nvml_device_t sim_nvml_handle(uint32_t index);

/**
 * @brief Find the accelerator behind a handle and say whether it answers.
 * @param[out] out_index 0 .. 7; written whenever the handle is good
 * @return SUCCESS; UNINITIALIZED; INVALID_ARGUMENT for a dead handle; GPU_IS_LOST; or what the
 * fault
 *         knob says
 */
ns_nvml_return_t sim_nvml_find(ns_nvml_device_t device, uint32_t *out_index);

/** @brief sim_nvml_find for a reading; a NULL `out` is INVALID_ARGUMENT. */
ns_nvml_return_t sim_nvml_find_for(ns_nvml_device_t device, const void *out, uint32_t *out_index);

/** @brief sim_nvml_find's second half, for calls that have no handle yet. */
ns_nvml_return_t sim_nvml_answer_of(uint32_t index);

/** @brief A non-negative quantity in units of 1 / scale, clamped into a uint32_t; NaN gives 0. */
uint32_t sim_nvml_scaled(double value, double scale);

/** @brief Readings that functions and field values share. */
double sim_nvml_power_w(uint32_t index);
double sim_nvml_power_average_w(uint32_t index);
double sim_nvml_core_temp_c(uint32_t index);
double sim_nvml_memory_temp_c(uint32_t index);
uint64_t sim_nvml_energy_mj(uint32_t index);

#endif
