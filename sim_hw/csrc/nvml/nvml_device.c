/** @file nvml_device.c  What an accelerator is: identity, link, and modes that never change. */
#include <string.h>

#include "nvml_identity.h"
#include "nvml_state.h"

#define NAME                                                                                       \
    "SIM H100 80GB HBM3" /* no client may take it for a real part; nvitop shows 18 letters */
#define PCI_DEVICE_ID 0x233010DEu /* H100 SXM5, vendor in the low half */
#define PCI_SUBSYSTEM_ID 0x000010DEu
#define PCIE_GENERATION 5u /* H100 SXM: PCIe 5.0 x16 */
#define PCIE_WIDTH 16u
#define ARCHITECTURE_HOPPER 9u
#define COMPUTE_MAJOR 9 /* H100: compute capability 9.0 */
#define COMPUTE_MINOR 0

static ns_nvml_return_t give_constant(ns_nvml_device_t device, const char *function, uint32_t value,
                                      uint32_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, function, out)) {
        *out = value;
    }
    return sim_nvml_leave(&call);
}

static ns_nvml_return_t give_two(ns_nvml_device_t device, const char *function, uint32_t value,
                                 uint32_t *first, uint32_t *second) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, function, first)) {
        if (second == NULL) {
            call.code = NS_NVML_INVALID_ARGUMENT;
        } else {
            *first = value;
            *second = value;
        }
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetIndex(ns_nvml_device_t device, uint32_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        uint32_t index = 0;
        while (sim_nvml_board_at(index) != call.board) {
            index++;
        }
        *out = index;
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetMinorNumber(ns_nvml_device_t device, uint32_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        *out = call.board; /* of the device file, which stays when others are removed */
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetUUID(ns_nvml_device_t device, char *uuid, uint32_t size) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, uuid)) {
        call.code = sim_nvml_give_text(uuid, size, sim_nvml_uuid(call.board));
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetName(ns_nvml_device_t device, char *name, uint32_t size) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, name)) {
        call.code = sim_nvml_give_text(name, size, NAME);
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetSerial(ns_nvml_device_t device, char *serial, uint32_t size) {
    char text[] = "SIM0";
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, serial)) {
        text[3] = (char)('0' + call.board);
        call.code = sim_nvml_give_text(serial, size, text);
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetPciInfo_v3(ns_nvml_device_t device, sim_nvml_pci_info_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        const char *bus_id = sim_nvml_pci_bus_id(call.board);
        memset(out, 0, sizeof(*out));
        memcpy(out->bus_id, bus_id, strlen(bus_id));
        memcpy(out->bus_id_legacy, bus_id + 4, strlen(bus_id + 4)); /* a domain of four digits */
        out->bus = sim_nvml_pci_bus(call.board);
        out->pci_device_id = PCI_DEVICE_ID;
        out->pci_subsystem_id = PCI_SUBSYSTEM_ID;
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetArchitecture(ns_nvml_device_t device, uint32_t *out) {
    return give_constant(device, __func__, ARCHITECTURE_HOPPER, out);
}

ns_nvml_return_t nvmlDeviceGetCudaComputeCapability(ns_nvml_device_t device, int32_t *major,
                                                    int32_t *minor) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, major)) {
        if (minor == NULL) {
            call.code = NS_NVML_INVALID_ARGUMENT;
        } else {
            *major = COMPUTE_MAJOR;
            *minor = COMPUTE_MINOR;
        }
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceIsMigDeviceHandle(ns_nvml_device_t device, uint32_t *out) {
    return give_constant(device, __func__, 0, out);
}

ns_nvml_return_t nvmlDeviceGetMigMode(ns_nvml_device_t device, uint32_t *current,
                                      uint32_t *pending) {
    return give_two(device, __func__, 0, current, pending);
}

ns_nvml_return_t nvmlDeviceGetEccMode(ns_nvml_device_t device, uint32_t *current,
                                      uint32_t *pending) {
    return give_two(device, __func__, 1, current, pending);
}

ns_nvml_return_t nvmlDeviceGetPerformanceState(ns_nvml_device_t device, uint32_t *out) {
    return give_constant(device, __func__, 0, out);
}

ns_nvml_return_t nvmlDeviceGetDisplayActive(ns_nvml_device_t device, uint32_t *out) {
    return give_constant(device, __func__, 0, out);
}

ns_nvml_return_t nvmlDeviceGetDisplayMode(ns_nvml_device_t device, uint32_t *out) {
    return give_constant(device, __func__, 0, out);
}

ns_nvml_return_t nvmlDeviceGetComputeMode(ns_nvml_device_t device, uint32_t *out) {
    return give_constant(device, __func__, 0, out);
}

ns_nvml_return_t nvmlDeviceGetCurrPcieLinkGeneration(ns_nvml_device_t device, uint32_t *out) {
    return give_constant(device, __func__, PCIE_GENERATION, out);
}

ns_nvml_return_t nvmlDeviceGetMaxPcieLinkGeneration(ns_nvml_device_t device, uint32_t *out) {
    return give_constant(device, __func__, PCIE_GENERATION, out);
}

ns_nvml_return_t nvmlDeviceGetCurrPcieLinkWidth(ns_nvml_device_t device, uint32_t *out) {
    return give_constant(device, __func__, PCIE_WIDTH, out);
}

ns_nvml_return_t nvmlDeviceGetMaxPcieLinkWidth(ns_nvml_device_t device, uint32_t *out) {
    return give_constant(device, __func__, PCIE_WIDTH, out);
}
