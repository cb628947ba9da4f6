/**
 * @file nvml_board.h
 * @brief What an accelerator board does by itself; shared by the library and the simulated devices.
 */
#ifndef NIGHTSIDE_SIM_NVML_BOARD_H
#define NIGHTSIDE_SIM_NVML_BOARD_H

#include <stdint.h>

#include "../plant_image.h"

/** @brief Smallest cap that the boards of this node accept, in W. */
double sim_nvml_cap_w_min(const sim_plant_image_t *image);

/** @brief Largest cap that they accept, in W; also their default. */
double sim_nvml_cap_w_max(const sim_plant_image_t *image);

/** @brief Give a board its defaults, as a driver load does; index 0 .. 7. */
void sim_nvml_power_up(sim_plant_image_t *image, uint32_t index);

/** @brief Let clamps, slowdowns and violation counters of all boards live for step_s >= 0. */
void sim_nvml_advance(sim_plant_image_t *image, double step_s);

/** @brief Ask for a power limit; the board enforces it, or less when it is clamped. */
void sim_nvml_request_cap(sim_plant_image_t *image, uint32_t index, double cap_w);

/** @brief Ask for an upper lock of the core clock; the board may be slower than that. */
void sim_nvml_request_clock(sim_plant_image_t *image, uint32_t index, double clock_mhz);

/** @brief The limit asked for, in W, which a clamped board does not enforce. */
double sim_nvml_requested_cap_w(const sim_plant_image_t *image, uint32_t index);

/** @brief NVML's clocks event reasons: those of the plant and those of the board itself. */
uint32_t sim_nvml_event_reasons(const sim_plant_image_t *image, uint32_t index);

#endif
