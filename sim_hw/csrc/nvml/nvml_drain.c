/**
 * @file nvml_drain.c  Take an accelerator out of the enumeration and find it again.
 *
 * A removal or a discovery renumbers: every handle of every client dies, and indices move up. Only
 * UUID and PCI address stay. Assumed: a removal is refused as IN_USE until the accelerator is
 * drained, nothing computes on it and persistence is off.
 */
#include "nvml_board.h"
#include "nvml_state.h"

static bool enter_pci(sim_nvml_call_t *call, const sim_nvml_pci_info_t *pci, const char *function) {
    if (!sim_nvml_enter_driver(call, function, pci)) {
        return false;
    }
    call->board = sim_nvml_board_at_pci(pci->domain, pci->bus, pci->device);
    if (call->board == SIM_NVML_NO_BOARD) {
        call->code = NS_NVML_NOT_FOUND;
    } else { /* one that is lost or hangs is neither removed nor found: no way leads to it */
        call->code = sim_nvml_strike(call->board, function);
    }
    return call->code == NS_NVML_SUCCESS;
}

static bool is_refused(sim_nvml_call_t *call) {
    if (sim_nvml.image->knobs.nvml_no_permission[call->board] != 0.0) {
        call->code = NS_NVML_NO_PERMISSION;
    }
    return call->code != NS_NVML_SUCCESS;
}

static void renumber(void) {
    sim_nvml.image->boards.enumeration += 1.0;
    sim_nvml_forget_events();
}

ns_nvml_return_t nvmlDeviceModifyDrainState(const sim_nvml_pci_info_t *pci, uint32_t state) {
    sim_nvml_call_t call;
    if (enter_pci(&call, pci, __func__) && !is_refused(&call)) {
        if (state > 1u) {
            call.code = NS_NVML_INVALID_ARGUMENT;
        } else {
            sim_nvml.image->boards.is_drained[call.board] = (double)state;
        }
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceQueryDrainState(const sim_nvml_pci_info_t *pci, uint32_t *out) {
    sim_nvml_call_t call;
    if (enter_pci(&call, pci, __func__)) {
        if (out == NULL) {
            call.code = NS_NVML_INVALID_ARGUMENT;
        } else {
            *out = sim_nvml.image->boards.is_drained[call.board] != 0.0 ? 1u : 0u;
        }
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceRemoveGpu_v2(const sim_nvml_pci_info_t *pci, uint32_t gpu_state,
                                        uint32_t link_state) {
    (void)gpu_state;
    (void)link_state;
    sim_nvml_call_t call;
    if (enter_pci(&call, pci, __func__) && !is_refused(&call)) {
        sim_boards_t *boards = &sim_nvml.image->boards;
        bool is_busy = sim_nvml.image->truth.accel_utilisation_ratio[call.board] > 0.0 ||
                       boards->persistence[call.board] != 0.0;
        if (boards->is_removed[call.board] != 0.0) {
            call.code = NS_NVML_NOT_FOUND;
        } else if (sim_nvml.image->truth.accel_alive[call.board] == 0.0) {
            call.code = NS_NVML_GPU_IS_LOST; /* by what its link does, not by a knob */
        } else if (boards->is_drained[call.board] == 0.0 || is_busy) {
            call.code = NS_NVML_IN_USE;
        } else {
            boards->is_removed[call.board] = 1.0;
            renumber();
        }
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceRemoveGpu(const sim_nvml_pci_info_t *pci) {
    return nvmlDeviceRemoveGpu_v2(pci, 0, 0);
}

/* What is found again starts as after a driver load. Nothing new is found where nothing answers. */
ns_nvml_return_t nvmlDeviceDiscoverGpus(const sim_nvml_pci_info_t *pci) {
    sim_nvml_call_t call;
    if (enter_pci(&call, pci, __func__) && !is_refused(&call)) {
        sim_boards_t *boards = &sim_nvml.image->boards;
        bool is_alive = sim_nvml.image->truth.accel_alive[call.board] != 0.0;
        if (boards->is_removed[call.board] != 0.0 && is_alive) {
            boards->is_removed[call.board] = 0.0;
            boards->is_drained[call.board] = 0.0;
            boards->reset_count[call.board] += 1.0;
            sim_nvml_power_up(sim_nvml.image, call.board);
            renumber();
        }
    }
    return sim_nvml_leave(&call);
}
