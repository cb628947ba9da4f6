/* libnvidia-ml as it never should be: every return code, value, type, string and handle comes from
 * the input. It keeps to the sizes it is told, as even a wrong library does. */
#include "lying_nvml.h"

#include "device/nvml_abi.h"

lying_nvml_t lying_nvml;

typedef ns_nvml_return_t ret_t;

/** One answer in four is no success; unknown codes come too. */
static ret_t code(void) {
    lying_nvml.call_count++;
    uint8_t kind = take_u8(&lying_nvml.input);
    if ((kind & 3U) != 3U) {
        return NS_NVML_SUCCESS;
    }
    return kind == 0xFF ? (ret_t)take_u32(&lying_nvml.input) : (ret_t)(kind >> 2);
}

/** An answer that also fills in something, whether or not it then says that it failed. */
static ret_t fill(void *out, size_t size) {
    take_bytes(&lying_nvml.input, out, size);
    return code();
}

/* Prototypes by shape, so that each symbol stands once. */
#define VOID_CALL(name)                                                                            \
    ret_t name(void);                                                                              \
    ret_t name(void) {                                                                             \
        return code();                                                                             \
    }
#define GET(name, type)                                                                            \
    ret_t name(ns_nvml_device_t device, type *out);                                                \
    ret_t name(ns_nvml_device_t device, type *out) {                                               \
        (void)device;                                                                              \
        return fill(out, sizeof *out);                                                             \
    }
#define GET_SELECTED(name)                                                                         \
    ret_t name(ns_nvml_device_t device, uint32_t selector, uint32_t *out);                         \
    ret_t name(ns_nvml_device_t device, uint32_t selector, uint32_t *out) {                        \
        (void)device;                                                                              \
        (void)selector;                                                                            \
        return fill(out, sizeof *out);                                                             \
    }
#define GET_TWO(name)                                                                              \
    ret_t name(ns_nvml_device_t device, uint32_t *first, uint32_t *second);                        \
    ret_t name(ns_nvml_device_t device, uint32_t *first, uint32_t *second) {                       \
        (void)device;                                                                              \
        take_bytes(&lying_nvml.input, second, sizeof *second);                                     \
        return fill(first, sizeof *first);                                                         \
    }
#define SET(name)                                                                                  \
    ret_t name(ns_nvml_device_t device, uint32_t value);                                           \
    ret_t name(ns_nvml_device_t device, uint32_t value) {                                          \
        (void)device;                                                                              \
        (void)value;                                                                               \
        return code();                                                                             \
    }
#define SET_TWO(name)                                                                              \
    ret_t name(ns_nvml_device_t device, uint32_t low, uint32_t high);                              \
    ret_t name(ns_nvml_device_t device, uint32_t low, uint32_t high) {                             \
        (void)device;                                                                              \
        (void)low;                                                                                 \
        (void)high;                                                                                \
        return code();                                                                             \
    }

/** nvmlMemory_v2_t: version, total, reserved, free, used. */
typedef struct memory_info {
    uint64_t words[5];
} memory_info_t;

VOID_CALL(nvmlInit_v2)
VOID_CALL(nvmlShutdown)
GET_SELECTED(nvmlDeviceGetTemperature)
GET_SELECTED(nvmlDeviceGetClockInfo)
GET_SELECTED(nvmlDeviceGetMaxClockInfo)
GET(nvmlDeviceGetEnforcedPowerLimit, uint32_t)
GET(nvmlDeviceGetPowerManagementLimit, uint32_t)
GET(nvmlDeviceGetPersistenceMode, uint32_t)
GET(nvmlDeviceGetCurrPcieLinkGeneration, uint32_t)
GET(nvmlDeviceGetCurrPcieLinkWidth, uint32_t)
GET(nvmlDeviceGetCurrentClocksEventReasons, unsigned long long)
GET(nvmlDeviceGetUtilizationRates, ns_nvml_utilization_t)
GET(nvmlDeviceGetMarginTemperature, ns_nvml_margin_temperature_t)
GET(nvmlDeviceGetMemoryInfo_v2, memory_info_t)
GET_TWO(nvmlDeviceGetPowerManagementLimitConstraints)
SET(nvmlDeviceSetPowerManagementLimit)
SET(nvmlDeviceSetPersistenceMode)
SET_TWO(nvmlDeviceSetGpuLockedClocks)
SET_TWO(nvmlDeviceSetMemoryLockedClocks)

ret_t nvmlSystemGetDriverVersion(char *version, uint32_t size);
ret_t nvmlSystemGetDriverVersion(char *version, uint32_t size) {
    return fill(version, size); /* without a NUL, if it likes */
}

ret_t nvmlDeviceGetHandleByPciBusId_v2(const char *pci, ns_nvml_device_t *out);
ret_t nvmlDeviceGetHandleByPciBusId_v2(const char *pci, ns_nvml_device_t *out) {
    CLAIM(strcmp(pci, LYING_PCI) == 0);
    return fill(out, sizeof *out);
}

ret_t nvmlDeviceGetUUID(ns_nvml_device_t device, char *uuid, uint32_t size);
ret_t nvmlDeviceGetUUID(ns_nvml_device_t device, char *uuid, uint32_t size) {
    (void)device;
    if (take_u8(&lying_nvml.input) == 0xFF) {
        return fill(uuid, size);
    }
    CLAIM(size >= sizeof LYING_UUID);
    memcpy(uuid, LYING_UUID, sizeof LYING_UUID);
    return code();
}

ret_t nvmlDeviceGetFieldValues(ns_nvml_device_t device, int32_t count,
                               ns_nvml_field_value_t *values);
ret_t nvmlDeviceGetFieldValues(ns_nvml_device_t device, int32_t count,
                               ns_nvml_field_value_t *values) {
    (void)device;
    CLAIM(count >= 0);
    for (int32_t i = 0; i < count; i++) {
        uint8_t kind = take_u8(&lying_nvml.input);
        if (kind == 0xFF) { /* the whole entry, its id too */
            take_bytes(&lying_nvml.input, &values[i], sizeof values[i]);
            continue;
        }
        values[i].value_type = kind & 7U;
        values[i].return_code = kind >> 3;
        take_bytes(&lying_nvml.input, &values[i].value, sizeof values[i].value);
    }
    return code();
}

ret_t nvmlEventSetCreate(ns_nvml_event_set_t *out);
ret_t nvmlEventSetCreate(ns_nvml_event_set_t *out) {
    return fill(out, sizeof *out);
}

ret_t nvmlDeviceRegisterEvents(ns_nvml_device_t device, unsigned long long types,
                               ns_nvml_event_set_t set);
ret_t nvmlDeviceRegisterEvents(ns_nvml_device_t device, unsigned long long types,
                               ns_nvml_event_set_t set) {
    (void)device;
    (void)types;
    (void)set;
    return code();
}

ret_t nvmlEventSetWait_v2(ns_nvml_event_set_t set, ns_nvml_event_data_t *out, uint32_t timeout_ms);
ret_t nvmlEventSetWait_v2(ns_nvml_event_set_t set, ns_nvml_event_data_t *out, uint32_t timeout_ms) {
    (void)set;
    CLAIM(timeout_ms == 0); /* a driver never waits inside the library */
    return fill(out, sizeof *out);
}

ret_t nvmlEventSetFree(ns_nvml_event_set_t set);
ret_t nvmlEventSetFree(ns_nvml_event_set_t set) {
    (void)set;
    return code();
}

ret_t nvmlDeviceModifyDrainState(ns_nvml_pci_info_t *pci, uint32_t state);
ret_t nvmlDeviceModifyDrainState(ns_nvml_pci_info_t *pci, uint32_t state) {
    CLAIM(pci != NULL && state <= 1);
    return code();
}

ret_t nvmlDeviceRemoveGpu_v2(ns_nvml_pci_info_t *pci, uint32_t device_state, uint32_t link_state);
ret_t nvmlDeviceRemoveGpu_v2(ns_nvml_pci_info_t *pci, uint32_t device_state, uint32_t link_state) {
    CLAIM(pci != NULL && device_state == 0 && link_state == 0);
    return code();
}

ret_t nvmlDeviceDiscoverGpus(ns_nvml_pci_info_t *pci);
ret_t nvmlDeviceDiscoverGpus(ns_nvml_pci_info_t *pci) {
    CLAIM(pci != NULL);
    return code();
}
