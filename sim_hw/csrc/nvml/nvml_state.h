/**
 * @file nvml_state.h
 * @brief What the files of the simulated NVML library share; nothing of it is exported.
 *
 * Every exported function that looks at the plant has one shape: enter, work, leave. `enter` takes
 * the library's lock, finds the accelerator, lets the injected faults strike and says whether to go
 * on; `leave` gives the lock back and returns the code.
 */
#ifndef NIGHTSIDE_SIM_NVML_STATE_H
#define NIGHTSIDE_SIM_NVML_STATE_H

#include <stdbool.h>

#include "../sensors.h"
#include "nvml_api.h"
#include "nvml_share.h"

#define SIM_NVML_NO_BOARD 0xFFFFFFFFu /* of a call that names no accelerator */

/** Global, as NVML itself is: one library, one driver, one plant. */
typedef struct sim_nvml_state {
    sim_plant_image_t *image; /**< NULL: no driver loaded */
    sim_share_t share;        /**< of another process; nothing mapped when attached here */
    bool is_attached;         /**< to a plant of this process, which wins over a shared one */
    sim_sensors_t sensors;
    uint32_t init_count;
    uint32_t generation; /**< of handles; those of an earlier one are dead */
} sim_nvml_state_t;

extern sim_nvml_state_t sim_nvml;

/** One call in progress. */
typedef struct sim_nvml_call {
    uint32_t board; /**< which accelerator of the plant, 0 .. 7 */
    ns_nvml_return_t code;
} sim_nvml_call_t;

/** @brief Take the library's lock, give it back; not recursive. */
void sim_nvml_lock(void);
void sim_nvml_unlock(void);

/**
 * @brief Begin a call on a device. `leave` must follow, whatever this says.
 * @param[in] function the name that fault selection knows; __func__
 * @param[in] out      what the caller wants written; NULL is INVALID_ARGUMENT
 * @return true: the accelerator answers, call->board is set and call->code is SUCCESS
 */
bool sim_nvml_enter(sim_nvml_call_t *call, ns_nvml_device_t device, const char *function,
                    const void *out);

/** @brief sim_nvml_enter for what changes a setting, which may be refused. */
bool sim_nvml_enter_setter(sim_nvml_call_t *call, ns_nvml_device_t device, const char *function);

/** @brief sim_nvml_enter for a call that names no accelerator. */
bool sim_nvml_enter_driver(sim_nvml_call_t *call, const char *function, const void *out);

/** @brief sim_nvml_enter for a call that names an accelerator otherwise than by its handle. */
bool sim_nvml_enter_board(sim_nvml_call_t *call, uint32_t board, const char *function);

/** @brief End a call; returns call->code. */
ns_nvml_return_t sim_nvml_leave(const sim_nvml_call_t *call);

/**
 * @brief Let the faults chosen by the knobs strike; the lock is given back while a call hangs.
 * @param[in] board 0 .. 7, or SIM_NVML_NO_BOARD
 */
ns_nvml_return_t sim_nvml_strike(uint32_t board, const char *function);

/** @brief Forget averages and event sets; called at attach and at the last shutdown. */
void sim_nvml_forget_readings(void);
void sim_nvml_forget_events(void);

/** @brief The handle of an accelerator in the present generation and enumeration. */
ns_nvml_device_t sim_nvml_handle(uint32_t board);

/** @brief Number of accelerators that are enumerated: all that were not removed. */
uint32_t sim_nvml_count(void);

/** @brief The accelerator at an NVML index; SIM_NVML_NO_BOARD: no such index. */
uint32_t sim_nvml_board_at(uint32_t index);

/** @brief The accelerator at a PCI address, removed or not; SIM_NVML_NO_BOARD: none. */
uint32_t sim_nvml_board_at_pci(uint32_t domain, uint32_t bus, uint32_t slot);

/** @brief A non-negative quantity in units of 1 / scale, clamped into a uint32_t; NaN gives 0. */
uint32_t sim_nvml_scaled(double value, double scale);

/** @brief A non-negative quantity as a whole number; NaN, negative and huge ones give 0. */
uint64_t sim_nvml_counter(double value);

/** @brief Copy a text as NVML does: INSUFFICIENT_SIZE, or INVALID_ARGUMENT for NULL. */
ns_nvml_return_t sim_nvml_give_text(char *out, uint32_t size, const char *text);

/** @brief Readings that functions and field values share. */
double sim_nvml_sample(size_t word);
double sim_nvml_power_w(uint32_t board);
double sim_nvml_power_average_w(uint32_t board);
double sim_nvml_core_temp_c(uint32_t board);
double sim_nvml_memory_temp_c(uint32_t board);
uint64_t sim_nvml_energy_mj(uint32_t board);
uint32_t sim_nvml_utilisation_percent(uint32_t board);

#endif
