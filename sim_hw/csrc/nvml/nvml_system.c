/** @file nvml_system.c  Initialisation, versions, error strings and handles. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "nvml_identity.h"
#include "nvml_state.h"

#define DRIVER_VERSION "SIM.550.0" /* flight code tells a simulated library by this prefix */
#define NVML_VERSION "SIM.12.550.0"
#define CUDA_VERSION 12040

/* Clients of a shared plant draw noise of their own; at one time of the plant all draw the same. */
static uint64_t seed_of(const sim_plant_image_t *image) {
    uint64_t seed = (uint64_t)image->sensor_seed;
    return sim_nvml.is_attached ? seed : seed ^ sim_nvml_counter(image->time_s * 1e3) << 20;
}

static void start(sim_plant_image_t *image) {
    sim_nvml.image = image;
    sim_nvml_forget_readings();
    sim_nvml_forget_events();
    if (image != NULL) {
        sim_sensors_open(&sim_nvml.sensors, image, seed_of(image));
    }
}

void nightside_sim_nvml_attach(sim_plant_image_t *image) {
    sim_nvml_lock();
    sim_share_close(&sim_nvml.share);
    sim_nvml.is_attached = image != NULL;
    sim_nvml.init_count = 0;
    sim_nvml.generation++;
    start(image);
    sim_nvml_unlock();
}

/* A plant of this process wins; else the one that the environment names; else there is none. */
static ns_nvml_return_t find_plant(void) {
    if (sim_nvml.is_attached) {
        return NS_NVML_SUCCESS;
    }
    if (sim_nvml.image != NULL) {
        return sim_share_is_orphan(&sim_nvml.share) ? NS_NVML_DRIVER_NOT_LOADED : NS_NVML_SUCCESS;
    }
    const char *path = getenv(SIM_SHARE_VARIABLE);
    if (path == NULL || path[0] == '\0') {
        return NS_NVML_DRIVER_NOT_LOADED;
    }
    ns_nvml_return_t code = sim_share_open(&sim_nvml.share, path);
    if (code == NS_NVML_SUCCESS) {
        start(sim_share_image(&sim_nvml.share));
    }
    return code;
}

static void leave_plant(void) {
    sim_nvml.generation++;
    sim_nvml_forget_events();
    if (!sim_nvml.is_attached) {
        sim_share_close(&sim_nvml.share);
        sim_nvml.image = NULL;
    }
}

ns_nvml_return_t nvmlInitWithFlags(uint32_t flags) {
    (void)flags;
    sim_nvml_lock();
    ns_nvml_return_t code = find_plant();
    if (code == NS_NVML_SUCCESS) {
        code = sim_nvml_strike(SIM_NVML_NO_BOARD, __func__);
    }
    if (code == NS_NVML_SUCCESS) {
        sim_nvml.init_count++;
    } else if (sim_nvml.init_count == 0u && sim_nvml.image != NULL) {
        leave_plant();
    }
    sim_nvml_unlock();
    return code;
}

ns_nvml_return_t nvmlInit_v2(void) {
    return nvmlInitWithFlags(0);
}

ns_nvml_return_t nvmlInit(void) {
    return nvmlInitWithFlags(0);
}

ns_nvml_return_t nvmlShutdown(void) {
    ns_nvml_return_t code = NS_NVML_UNINITIALIZED;
    sim_nvml_lock();
    if (sim_nvml.init_count > 0u) {
        code = NS_NVML_SUCCESS;
        if (--sim_nvml.init_count == 0u) {
            leave_plant();
        }
    }
    sim_nvml_unlock();
    return code;
}

const char *nvmlErrorString(ns_nvml_return_t code) {
    static const char *const text[] = {"Success",
                                       "Uninitialized",
                                       "Invalid Argument",
                                       "Not Supported",
                                       "Insufficient Permissions",
                                       "Already Initialized",
                                       "Not Found",
                                       "Insufficient Size",
                                       "Insufficient External Power",
                                       "Driver Not Loaded",
                                       "Timeout",
                                       "Interrupt Request Issue",
                                       "NVML Shared Library Not Found",
                                       "Function Not Found",
                                       "Corrupted infoROM",
                                       "GPU is lost",
                                       "GPU requires reset",
                                       "GPU access blocked by the operating system",
                                       "Driver/library version mismatch",
                                       "In use by another client",
                                       "Insufficient Memory",
                                       "No data",
                                       "vGPU ECC not supported",
                                       "Insufficient resources",
                                       "Frequency not supported",
                                       "Argument version mismatch",
                                       "Deprecated",
                                       "Not ready",
                                       "GPU not found",
                                       "Invalid state"};
    uint32_t index = (uint32_t)code;
    return index < sizeof(text) / sizeof(text[0]) ? text[index] : "Unknown Error";
}

ns_nvml_return_t nvmlSystemGetDriverVersion(char *version, uint32_t size) {
    sim_nvml_call_t call;
    if (sim_nvml_enter_driver(&call, __func__, version)) {
        call.code = sim_nvml_give_text(version, size, DRIVER_VERSION);
    }
    return sim_nvml_leave(&call);
}

/* The version of the library itself, which needs no driver. */
ns_nvml_return_t nvmlSystemGetNVMLVersion(char *version, uint32_t size) {
    return sim_nvml_give_text(version, size, NVML_VERSION);
}

ns_nvml_return_t nvmlSystemGetCudaDriverVersion_v2(int32_t *version) {
    if (version == NULL) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    *version = CUDA_VERSION;
    return NS_NVML_SUCCESS;
}

ns_nvml_return_t nvmlSystemGetCudaDriverVersion(int32_t *version) {
    return nvmlSystemGetCudaDriverVersion_v2(version);
}

ns_nvml_return_t nvmlDeviceGetCount_v2(uint32_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter_driver(&call, __func__, out)) {
        *out = sim_nvml_count();
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetCount(uint32_t *out) {
    return nvmlDeviceGetCount_v2(out);
}

/* With the driver entered: the handle of a board that answers. */
static void give_handle(sim_nvml_call_t *call, uint32_t board, const char *function,
                        ns_nvml_device_t *out) {
    sim_nvml_unlock();
    if (sim_nvml_enter_board(call, board, function)) {
        *out = sim_nvml_handle(board);
    }
}

ns_nvml_return_t nvmlDeviceGetHandleByIndex_v2(uint32_t index, ns_nvml_device_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter_driver(&call, __func__, out)) {
        uint32_t board = sim_nvml_board_at(index);
        if (board == SIM_NVML_NO_BOARD) {
            call.code = NS_NVML_INVALID_ARGUMENT;
        } else {
            give_handle(&call, board, __func__, out);
        }
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetHandleByIndex(uint32_t index, ns_nvml_device_t *out) {
    return nvmlDeviceGetHandleByIndex_v2(index, out);
}

static void find_handle(sim_nvml_call_t *call, uint32_t board, const char *function,
                        ns_nvml_device_t *out) {
    if (out == NULL) {
        call->code = NS_NVML_INVALID_ARGUMENT;
    } else if (board == SIM_NVML_NO_BOARD || sim_nvml.image->boards.is_removed[board] != 0.0) {
        call->code = NS_NVML_NOT_FOUND;
    } else {
        give_handle(call, board, function, out);
    }
}

ns_nvml_return_t nvmlDeviceGetHandleByUUID(const char *uuid, ns_nvml_device_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter_driver(&call, __func__, uuid)) {
        uint32_t board = SIM_NVML_NO_BOARD;
        for (uint32_t i = 0; i < SIM_ACCELERATORS_MAX; i++) {
            board = strcasecmp(uuid, sim_nvml_uuid(i)) == 0 ? i : board;
        }
        find_handle(&call, board, __func__, out);
    }
    return sim_nvml_leave(&call);
}

/* NVML takes a domain of 4 or 8 digits in either case, so the parts are compared, not the text. */
ns_nvml_return_t nvmlDeviceGetHandleByPciBusId_v2(const char *pci_bus_id, ns_nvml_device_t *out) {
    unsigned domain = 0;
    unsigned bus = 0;
    unsigned slot = 0;
    unsigned function = 0;
    sim_nvml_call_t call;
    if (sim_nvml_enter_driver(&call, __func__, pci_bus_id)) {
        if (sscanf(pci_bus_id, "%8x:%4x:%4x.%4x", &domain, &bus, &slot, &function) != 4) {
            call.code = NS_NVML_INVALID_ARGUMENT;
            return sim_nvml_leave(&call);
        }
        uint32_t board =
            function == 0u ? sim_nvml_board_at_pci(domain, bus, slot) : SIM_NVML_NO_BOARD;
        find_handle(&call, board, __func__, out);
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetHandleByPciBusId(const char *pci_bus_id, ns_nvml_device_t *out) {
    return nvmlDeviceGetHandleByPciBusId_v2(pci_bus_id, out);
}
