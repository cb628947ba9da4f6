/** @file nvml_system.c  Initialisation, error strings, handles and identity. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "nvml_identity.h"
#include "nvml_state.h"

#define DRIVER_VERSION "SIM.550.0" /* flight code tells a simulated library by this prefix */
#define NVML_VERSION "SIM.12.550.0"
#define CUDA_VERSION 12040
#define NAME "Simulated H100-class module"
#define PCI_DEVICE_ID 0x233010DEu /* H100 SXM5, vendor in the low half */
#define PCI_SUBSYSTEM_ID 0x000010DEu
#define HANDLE_TAG 0x4E530000u /* a handle is a number, never followed as a pointer */

sim_nvml_state_t sim_nvml;

void nightside_sim_nvml_attach(sim_plant_image_t *image) {
    sim_nvml.image = image;
    sim_nvml.init_count = 0;
    sim_nvml.generation++;
    sim_nvml_forget_readings();
    sim_nvml_forget_events();
    if (image != NULL) {
        sim_sensors_open(&sim_nvml.sensors, image, (uint64_t)image->sensor_seed);
    }
}

ns_nvml_return_t nvmlInitWithFlags(uint32_t flags) {
    (void)flags;
    if (sim_nvml.image == NULL) {
        return NS_NVML_DRIVER_NOT_LOADED;
    }
    sim_nvml.init_count++;
    return NS_NVML_SUCCESS;
}

ns_nvml_return_t nvmlInit_v2(void) {
    return nvmlInitWithFlags(0);
}

ns_nvml_return_t nvmlInit(void) {
    return nvmlInitWithFlags(0);
}

ns_nvml_return_t nvmlShutdown(void) {
    if (sim_nvml.init_count == 0) {
        return NS_NVML_UNINITIALIZED;
    }
    if (--sim_nvml.init_count == 0) {
        sim_nvml.generation++;
        sim_nvml_forget_events();
    }
    return NS_NVML_SUCCESS;
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

static ns_nvml_return_t give_text(char *out, uint32_t size, const char *text) {
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

ns_nvml_return_t nvmlSystemGetDriverVersion(char *version, uint32_t size) {
    return sim_nvml.init_count == 0 ? NS_NVML_UNINITIALIZED
                                    : give_text(version, size, DRIVER_VERSION);
}

ns_nvml_return_t nvmlSystemGetNVMLVersion(char *version, uint32_t size) {
    return give_text(version, size, NVML_VERSION);
}

ns_nvml_return_t nvmlSystemGetCudaDriverVersion(int32_t *version) {
    if (version == NULL) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    *version = CUDA_VERSION;
    return NS_NVML_SUCCESS;
}

ns_nvml_return_t nvmlSystemGetCudaDriverVersion_v2(int32_t *version) {
    return nvmlSystemGetCudaDriverVersion(version);
}

ns_nvml_device_t sim_nvml_handle(uint32_t index) {
    uintptr_t number = (uintptr_t)HANDLE_TAG | (uintptr_t)sim_nvml.generation << 32 | index;
    return (ns_nvml_device_t)number;
}

ns_nvml_return_t sim_nvml_answer_of(uint32_t index) {
    uint32_t code = sim_nvml_scaled(sim_nvml.image->knobs.nvml_return[index], 1.0);
    if (code != 0) {
        return (ns_nvml_return_t)code;
    }
    bool is_alive = sim_nvml.image->truth.accel_alive[index] != 0.0;
    return is_alive ? NS_NVML_SUCCESS : NS_NVML_GPU_IS_LOST;
}

ns_nvml_return_t sim_nvml_find(ns_nvml_device_t device, uint32_t *out_index) {
    if (sim_nvml.init_count == 0) {
        return NS_NVML_UNINITIALIZED;
    }
    for (uint32_t index = 0; index < SIM_ACCELERATORS_MAX; index++) {
        if (device == sim_nvml_handle(index)) {
            *out_index = index;
            return sim_nvml_answer_of(index);
        }
    }
    return NS_NVML_INVALID_ARGUMENT;
}

ns_nvml_return_t sim_nvml_find_for(ns_nvml_device_t device, const void *out, uint32_t *out_index) {
    return out == NULL ? NS_NVML_INVALID_ARGUMENT : sim_nvml_find(device, out_index);
}

uint32_t sim_nvml_scaled(double value, double scale) {
    double scaled = value * scale + 0.5;
    if (!(scaled > 0.0)) {
        return 0;
    }
    return scaled >= 4294967295.0 ? UINT32_MAX : (uint32_t)scaled;
}

ns_nvml_return_t nvmlDeviceGetCount_v2(uint32_t *out) {
    if (sim_nvml.init_count == 0) {
        return NS_NVML_UNINITIALIZED;
    }
    if (out == NULL) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    *out = SIM_ACCELERATORS_MAX;
    return NS_NVML_SUCCESS;
}

ns_nvml_return_t nvmlDeviceGetCount(uint32_t *out) {
    return nvmlDeviceGetCount_v2(out);
}

ns_nvml_return_t nvmlDeviceGetHandleByIndex_v2(uint32_t index, ns_nvml_device_t *out) {
    if (sim_nvml.init_count == 0) {
        return NS_NVML_UNINITIALIZED;
    }
    if (out == NULL || index >= SIM_ACCELERATORS_MAX) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    ns_nvml_return_t code = sim_nvml_answer_of(index);
    if (code == NS_NVML_SUCCESS) {
        *out = sim_nvml_handle(index);
    }
    return code;
}

ns_nvml_return_t nvmlDeviceGetHandleByIndex(uint32_t index, ns_nvml_device_t *out) {
    return nvmlDeviceGetHandleByIndex_v2(index, out);
}

ns_nvml_return_t nvmlDeviceGetHandleByUUID(const char *uuid, ns_nvml_device_t *out) {
    if (uuid == NULL) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    for (uint32_t index = 0; index < SIM_ACCELERATORS_MAX; index++) {
        if (strcasecmp(uuid, sim_nvml_uuid(index)) == 0) {
            return nvmlDeviceGetHandleByIndex_v2(index, out);
        }
    }
    return sim_nvml.init_count == 0 ? NS_NVML_UNINITIALIZED : NS_NVML_NOT_FOUND;
}

/* NVML takes a domain of 4 or 8 digits in either case, so the parts are compared, not the text. */
ns_nvml_return_t nvmlDeviceGetHandleByPciBusId_v2(const char *pci_bus_id, ns_nvml_device_t *out) {
    unsigned domain = 0;
    unsigned bus = 0;
    unsigned slot = 0;
    unsigned function = 0;
    if (pci_bus_id == NULL ||
        sscanf(pci_bus_id, "%x:%x:%x.%x", &domain, &bus, &slot, &function) != 4) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    for (uint32_t index = 0; index < SIM_ACCELERATORS_MAX; index++) {
        if (domain == 0 && slot == 0 && function == 0 && bus == sim_nvml_pci_bus(index)) {
            return nvmlDeviceGetHandleByIndex_v2(index, out);
        }
    }
    return sim_nvml.init_count == 0 ? NS_NVML_UNINITIALIZED : NS_NVML_NOT_FOUND;
}

ns_nvml_return_t nvmlDeviceGetHandleByPciBusId(const char *pci_bus_id, ns_nvml_device_t *out) {
    return nvmlDeviceGetHandleByPciBusId_v2(pci_bus_id, out);
}

ns_nvml_return_t nvmlDeviceGetIndex(ns_nvml_device_t device, uint32_t *out) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find_for(device, out, &index);
    if (code == NS_NVML_SUCCESS) {
        *out = index;
    }
    return code;
}

ns_nvml_return_t nvmlDeviceGetMinorNumber(ns_nvml_device_t device, uint32_t *out) {
    return nvmlDeviceGetIndex(device, out);
}

ns_nvml_return_t nvmlDeviceGetUUID(ns_nvml_device_t device, char *uuid, uint32_t size) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find(device, &index);
    return code != NS_NVML_SUCCESS ? code : give_text(uuid, size, sim_nvml_uuid(index));
}

ns_nvml_return_t nvmlDeviceGetName(ns_nvml_device_t device, char *name, uint32_t size) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find(device, &index);
    return code != NS_NVML_SUCCESS ? code : give_text(name, size, NAME);
}

ns_nvml_return_t nvmlDeviceGetPciInfo_v3(ns_nvml_device_t device, sim_nvml_pci_info_t *out) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find_for(device, out, &index);
    if (code != NS_NVML_SUCCESS) {
        return code;
    }
    const char *bus_id = sim_nvml_pci_bus_id(index);
    memset(out, 0, sizeof(*out));
    memcpy(out->bus_id, bus_id, strlen(bus_id));
    memcpy(out->bus_id_legacy, bus_id + 4, strlen(bus_id + 4)); /* a domain of four digits */
    out->bus = sim_nvml_pci_bus(index);
    out->pci_device_id = PCI_DEVICE_ID;
    out->pci_subsystem_id = PCI_SUBSYSTEM_ID;
    return NS_NVML_SUCCESS;
}

ns_nvml_return_t nvmlDeviceIsMigDeviceHandle(ns_nvml_device_t device, uint32_t *out) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find_for(device, out, &index);
    if (code == NS_NVML_SUCCESS) {
        *out = 0;
    }
    return code;
}
