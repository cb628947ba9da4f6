/* A library with one device. Built thrice: whole, without what is optional, without what is
   required. */
#include "fake_nvml.h"

#include <string.h>

fake_nvml_t fake_nvml;

ns_nvml_return_t nvmlInit_v2(void);
ns_nvml_return_t nvmlShutdown(void);
ns_nvml_return_t nvmlSystemGetDriverVersion(char *version, uint32_t size);
ns_nvml_return_t nvmlDeviceGetHandleByPciBusId_v2(const char *pci, ns_nvml_device_t *out);
ns_nvml_return_t nvmlDeviceGetUUID(ns_nvml_device_t device, char *uuid, uint32_t size);
ns_nvml_return_t nvmlDeviceGetFieldValues(ns_nvml_device_t device, int32_t count,
                                          ns_nvml_field_value_t *values);
ns_nvml_return_t nvmlDeviceGetTemperature(ns_nvml_device_t device, uint32_t sensor, uint32_t *out);
ns_nvml_return_t nvmlDeviceGetEnforcedPowerLimit(ns_nvml_device_t device, uint32_t *out);
ns_nvml_return_t nvmlDeviceSetPowerManagementLimit(ns_nvml_device_t device, uint32_t value);
ns_nvml_return_t nvmlDeviceGetMarginTemperature(ns_nvml_device_t device,
                                                ns_nvml_margin_temperature_t *out);
ns_nvml_return_t nvmlDeviceGetUtilizationRates(ns_nvml_device_t device, ns_nvml_utilization_t *out);
ns_nvml_return_t nvmlDeviceGetClockInfo(ns_nvml_device_t device, uint32_t clock, uint32_t *out);
ns_nvml_return_t nvmlDeviceGetMaxClockInfo(ns_nvml_device_t device, uint32_t clock, uint32_t *out);
ns_nvml_return_t nvmlDeviceGetCurrentClocksEventReasons(ns_nvml_device_t device,
                                                        unsigned long long *out);
ns_nvml_return_t nvmlDeviceSetGpuLockedClocks(ns_nvml_device_t device, uint32_t low, uint32_t high);
ns_nvml_return_t nvmlEventSetCreate(ns_nvml_event_set_t *out);
ns_nvml_return_t nvmlDeviceRegisterEvents(ns_nvml_device_t device, unsigned long long types,
                                          ns_nvml_event_set_t set);
ns_nvml_return_t nvmlEventSetWait_v2(ns_nvml_event_set_t set, ns_nvml_event_data_t *out,
                                     uint32_t timeout_ms);
ns_nvml_return_t nvmlEventSetFree(ns_nvml_event_set_t set);

static ns_nvml_return_t answer(ns_nvml_device_t device, ns_nvml_return_t otherwise) {
    if (device != &fake_nvml) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    return fake_nvml.device_return != NS_NVML_SUCCESS ? fake_nvml.device_return : otherwise;
}

static ns_nvml_return_t give(ns_nvml_device_t device, uint32_t value, uint32_t *out) {
    ns_nvml_return_t code = answer(device, fake_nvml.read_return);
    if (code == NS_NVML_SUCCESS) {
        *out = value;
    }
    return code;
}

ns_nvml_return_t nvmlInit_v2(void) {
    fake_nvml.init_count += fake_nvml.init_return == NS_NVML_SUCCESS ? 1 : 0;
    return fake_nvml.init_return;
}

ns_nvml_return_t nvmlShutdown(void) {
    fake_nvml.init_count--;
    return NS_NVML_SUCCESS;
}

ns_nvml_return_t nvmlSystemGetDriverVersion(char *version, uint32_t size) {
    strncpy(version, "FAKE 1.0", size);
    return fake_nvml.version_return;
}

ns_nvml_return_t nvmlDeviceGetHandleByPciBusId_v2(const char *pci, ns_nvml_device_t *out) {
    if (strcmp(pci, FAKE_PCI) != 0) {
        return NS_NVML_NOT_FOUND;
    }
    *out = &fake_nvml;
    return fake_nvml.device_return;
}

#ifndef FAKE_NVML_WITHOUT_REQUIRED
ns_nvml_return_t nvmlDeviceGetUUID(ns_nvml_device_t device, char *uuid, uint32_t size) {
    strncpy(uuid, fake_nvml.uuid, size);
    return answer(device, fake_nvml.uuid_return);
}
#endif

ns_nvml_return_t nvmlDeviceGetFieldValues(ns_nvml_device_t device, int32_t count,
                                          ns_nvml_field_value_t *values) {
    for (int32_t i = 0; i < count; i++) {
        values[i].return_code = (uint32_t)fake_nvml.field_return;
        values[i].value_type = fake_nvml.value_type;
        uint32_t number = 1000 * values[i].field_id;
        switch (fake_nvml.value_type) {
        case NS_NVML_VALUE_DOUBLE:
            values[i].value.f64 = number;
            break;
        case NS_NVML_VALUE_I64:
            values[i].value.i64 = -(int64_t)number;
            break;
        case NS_NVML_VALUE_I32:
            values[i].value.i32 = -(int32_t)number;
            break;
        case NS_NVML_VALUE_U16:
            values[i].value.u16 = (uint16_t)values[i].field_id;
            break;
        default:
            values[i].value.u64 = number;
            break;
        }
    }
    return answer(device, NS_NVML_SUCCESS);
}

ns_nvml_return_t nvmlDeviceGetTemperature(ns_nvml_device_t device, uint32_t sensor, uint32_t *out) {
    return give(device, 70 + sensor, out);
}

ns_nvml_return_t nvmlDeviceGetEnforcedPowerLimit(ns_nvml_device_t device, uint32_t *out) {
    return give(device, fake_nvml.limit_mw, out);
}

ns_nvml_return_t nvmlDeviceSetPowerManagementLimit(ns_nvml_device_t device, uint32_t value) {
    ns_nvml_return_t code = answer(device, fake_nvml.read_return);
    if (code == NS_NVML_SUCCESS) {
        fake_nvml.limit_mw = value;
    }
    return code;
}

#ifndef FAKE_NVML_WITHOUT_OPTIONAL
ns_nvml_return_t nvmlDeviceGetMarginTemperature(ns_nvml_device_t device,
                                                ns_nvml_margin_temperature_t *out) {
    if (out->version != NS_NVML_MARGIN_TEMPERATURE_V1) {
        return NS_NVML_ARGUMENT_VERSION_MISMATCH;
    }
    out->margin_c = -3;
    return answer(device, fake_nvml.read_return);
}

ns_nvml_return_t nvmlDeviceGetUtilizationRates(ns_nvml_device_t device,
                                               ns_nvml_utilization_t *out) {
    return give(device, 50, &out->gpu);
}

ns_nvml_return_t nvmlDeviceGetClockInfo(ns_nvml_device_t device, uint32_t clock, uint32_t *out) {
    return give(device, 1400 + clock, out);
}

ns_nvml_return_t nvmlDeviceGetMaxClockInfo(ns_nvml_device_t device, uint32_t clock, uint32_t *out) {
    return give(device, 1980 + clock, out);
}

ns_nvml_return_t nvmlDeviceGetCurrentClocksEventReasons(ns_nvml_device_t device,
                                                        unsigned long long *out) {
    *out = 0x44;
    return answer(device, fake_nvml.read_return);
}

ns_nvml_return_t nvmlDeviceSetGpuLockedClocks(ns_nvml_device_t device, uint32_t low,
                                              uint32_t high) {
    fake_nvml.clock_max_mhz = high + low;
    return answer(device, fake_nvml.read_return);
}

ns_nvml_return_t nvmlEventSetCreate(ns_nvml_event_set_t *out) {
    *out = &fake_nvml.event_set_count;
    fake_nvml.event_set_count += fake_nvml.event_create_return == NS_NVML_SUCCESS ? 1 : 0;
    return fake_nvml.event_create_return;
}

ns_nvml_return_t nvmlDeviceRegisterEvents(ns_nvml_device_t device, unsigned long long types,
                                          ns_nvml_event_set_t set) {
    if (types != NS_NVML_EVENT_XID || set != &fake_nvml.event_set_count) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    return answer(device, fake_nvml.event_register_return);
}

ns_nvml_return_t nvmlEventSetWait_v2(ns_nvml_event_set_t set, ns_nvml_event_data_t *out,
                                     uint32_t timeout_ms) {
    if (set != &fake_nvml.event_set_count || timeout_ms != 0) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    if (fake_nvml.xid_pending == 0) {
        return NS_NVML_TIMEOUT;
    }
    fake_nvml.xid_pending--;
    fake_nvml.xid_sent++;
    out->event_type = fake_nvml.event_type;
    out->event_data = 100 + fake_nvml.xid_sent;
    return NS_NVML_SUCCESS;
}

ns_nvml_return_t nvmlEventSetFree(ns_nvml_event_set_t set) {
    fake_nvml.event_set_count -= set == &fake_nvml.event_set_count ? 1 : 100;
    return NS_NVML_SUCCESS;
}
#endif
