/**
 * @file nvml_call.c  How every call begins and ends: lock, handle, injected faults.
 *
 * A hang or a delay is real for the clients of a shared plant. In the process that flies the plant
 * it would stop the flight and with it the end of the fault, so there a hanging call answers
 * TIMEOUT at once and a delay is not felt.
 */
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "nvml_identity.h"
#include "nvml_state.h"

#define HANDLE_TAG 0x4E53u /* a handle is a number, never followed as a pointer */
#define BOARD_MASK 0xFFu
#define HANG_STEP_NS 10000000
#define DELAY_S_MAX 3600.0
#define NS_PER_S 1e9

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

sim_nvml_state_t sim_nvml;

void sim_nvml_lock(void) {
    (void)pthread_mutex_lock(&mutex);
}

void sim_nvml_unlock(void) {
    (void)pthread_mutex_unlock(&mutex);
}

static bool is_removed(uint32_t board) {
    return sim_nvml.image->boards.is_removed[board] != 0.0;
}

uint32_t sim_nvml_count(void) {
    uint32_t count = 0;
    for (uint32_t board = 0; board < SIM_ACCELERATORS_MAX; board++) {
        count += is_removed(board) ? 0u : 1u;
    }
    return count;
}

uint32_t sim_nvml_board_at(uint32_t index) {
    for (uint32_t board = 0; board < SIM_ACCELERATORS_MAX; board++) {
        if (!is_removed(board) && index-- == 0u) {
            return board;
        }
    }
    return SIM_NVML_NO_BOARD;
}

uint32_t sim_nvml_board_at_pci(uint32_t domain, uint32_t bus, uint32_t slot) {
    for (uint32_t board = 0; board < SIM_ACCELERATORS_MAX; board++) {
        if (domain == 0u && slot == 0u && bus == sim_nvml_pci_bus(board)) {
            return board;
        }
    }
    return SIM_NVML_NO_BOARD;
}

ns_nvml_device_t sim_nvml_handle(uint32_t board) {
    uint32_t enumeration = sim_nvml_scaled(sim_nvml.image->boards.enumeration, 1.0);
    uint64_t number = (uint64_t)HANDLE_TAG << 48 | (uint64_t)(sim_nvml.generation & 0xFFFFu) << 32 |
                      (uint64_t)(enumeration & 0xFFFFFFu) << 8 | board;
    return (ns_nvml_device_t)(uintptr_t)number;
}

static uint32_t board_of(ns_nvml_device_t device) {
    uint32_t board = (uint32_t)((uintptr_t)device & BOARD_MASK);
    bool is_known = board < SIM_ACCELERATORS_MAX && !is_removed(board);
    return is_known && device == sim_nvml_handle(board) ? board : SIM_NVML_NO_BOARD;
}

static bool is_selected(uint32_t board, const char *function) {
    uint32_t number = sim_nvml_scaled(sim_nvml.image->knobs.nvml_fault_function[board], 1.0);
    const char *name = number == 0u ? NULL : sim_nvml_function_name(number);
    return number == 0u || (name != NULL && strcmp(name, function) == 0);
}

static bool is_hanging(uint32_t board, const char *function) {
    const sim_knobs_t *knobs = &sim_nvml.image->knobs;
    if (board == SIM_NVML_NO_BOARD) {
        return knobs->nvml_driver_hang != 0.0;
    }
    return knobs->nvml_hang[board] != 0.0 && is_selected(board, function);
}

/* The plant may be gone when the lock is back: another thread shut the library down. */
static ns_nvml_return_t sleep_unlocked(int64_t duration_ns) {
    uint32_t generation = sim_nvml.generation;
    sim_nvml_unlock();
    sim_share_sleep_ns(duration_ns);
    sim_nvml_lock();
    if (sim_nvml.image == NULL || sim_nvml.generation != generation) {
        return NS_NVML_UNINITIALIZED;
    }
    return sim_share_is_orphan(&sim_nvml.share) ? NS_NVML_GPU_IS_LOST : NS_NVML_SUCCESS;
}

ns_nvml_return_t sim_nvml_strike(uint32_t board, const char *function) {
    while (is_hanging(board, function)) {
        if (sim_nvml.is_attached) {
            return NS_NVML_TIMEOUT;
        }
        ns_nvml_return_t code = sleep_unlocked(HANG_STEP_NS);
        if (code != NS_NVML_SUCCESS) {
            return code;
        }
    }
    const sim_knobs_t *knobs = &sim_nvml.image->knobs;
    if (board == SIM_NVML_NO_BOARD) {
        return (ns_nvml_return_t)sim_nvml_scaled(knobs->nvml_driver_return, 1.0);
    }
    if (!is_selected(board, function)) {
        return NS_NVML_SUCCESS;
    }
    double delay_s = knobs->nvml_delay_s[board];
    if (delay_s > 0.0 && !sim_nvml.is_attached) {
        ns_nvml_return_t code = sleep_unlocked((int64_t)(fmin(delay_s, DELAY_S_MAX) * NS_PER_S));
        if (code != NS_NVML_SUCCESS) {
            return code;
        }
    }
    return (ns_nvml_return_t)sim_nvml_scaled(sim_nvml.image->knobs.nvml_return[board], 1.0);
}

/* With the lock held and the library initialised. */
static bool answer_of(sim_nvml_call_t *call, uint32_t board, const char *function) {
    call->board = board;
    call->code = sim_share_is_orphan(&sim_nvml.share) ? NS_NVML_GPU_IS_LOST
                                                      : sim_nvml_strike(board, function);
    if (call->code == NS_NVML_SUCCESS && sim_nvml.image->truth.accel_alive[board] == 0.0) {
        call->code = NS_NVML_GPU_IS_LOST;
    }
    return call->code == NS_NVML_SUCCESS;
}

bool sim_nvml_enter(sim_nvml_call_t *call, ns_nvml_device_t device, const char *function,
                    const void *out) {
    sim_nvml_lock();
    *call = (sim_nvml_call_t){.board = SIM_NVML_NO_BOARD, .code = NS_NVML_UNINITIALIZED};
    if (sim_nvml.init_count == 0u) {
        return false;
    }
    uint32_t board = board_of(device);
    if (board == SIM_NVML_NO_BOARD || out == NULL) {
        call->code = NS_NVML_INVALID_ARGUMENT;
        return false;
    }
    return answer_of(call, board, function);
}

bool sim_nvml_enter_setter(sim_nvml_call_t *call, ns_nvml_device_t device, const char *function) {
    if (!sim_nvml_enter(call, device, function, device)) {
        return false;
    }
    if (sim_nvml.image->knobs.nvml_no_permission[call->board] != 0.0) {
        call->code = NS_NVML_NO_PERMISSION;
    } else if (sim_nvml.image->truth.accel_hung[call->board] != 0.0) {
        call->code = NS_NVML_TIMEOUT; /* readings are its last; nobody takes a setting */
    }
    return call->code == NS_NVML_SUCCESS;
}

bool sim_nvml_enter_board(sim_nvml_call_t *call, uint32_t board, const char *function) {
    sim_nvml_lock();
    *call = (sim_nvml_call_t){.board = board, .code = NS_NVML_UNINITIALIZED};
    return sim_nvml.init_count != 0u && answer_of(call, board, function);
}

bool sim_nvml_enter_driver(sim_nvml_call_t *call, const char *function, const void *out) {
    sim_nvml_lock();
    *call = (sim_nvml_call_t){.board = SIM_NVML_NO_BOARD, .code = NS_NVML_UNINITIALIZED};
    if (sim_nvml.init_count == 0u) {
        return false;
    }
    call->code =
        out == NULL ? NS_NVML_INVALID_ARGUMENT : sim_nvml_strike(SIM_NVML_NO_BOARD, function);
    return call->code == NS_NVML_SUCCESS;
}

ns_nvml_return_t sim_nvml_leave(const sim_nvml_call_t *call) {
    sim_nvml_unlock();
    return call->code;
}

uint32_t sim_nvml_scaled(double value, double scale) {
    double scaled = value * scale + 0.5;
    if (!(scaled > 0.0)) {
        return 0;
    }
    return scaled >= 4294967295.0 ? UINT32_MAX : (uint32_t)scaled;
}

ns_nvml_return_t sim_nvml_give_text(char *out, uint32_t size, const char *text) {
    if (out == NULL) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    size_t needed = strlen(text) + 1u;
    if (size < needed) {
        return NS_NVML_INSUFFICIENT_SIZE;
    }
    memcpy(out, text, needed);
    return NS_NVML_SUCCESS;
}
