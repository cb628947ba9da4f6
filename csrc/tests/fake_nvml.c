/* A library with one device. Built thrice: whole, without what is optional, without what is
   required. */
#include "fake_nvml.h"

#include <math.h>
#include <string.h>

fake_nvml_t fake_nvml;
static char handles[4]; /* of four generations: addresses, never looked into */

typedef ns_nvml_return_t fake_return_t;
typedef ns_nvml_device_t fake_device_t;

fake_return_t nvmlInit_v2(void);
fake_return_t nvmlShutdown(void);
fake_return_t nvmlSystemGetDriverVersion(char *version, uint32_t size);
fake_return_t nvmlDeviceGetHandleByPciBusId_v2(const char *pci, fake_device_t *out);
fake_return_t nvmlDeviceGetUUID(fake_device_t device, char *uuid, uint32_t size);
fake_return_t nvmlDeviceGetFieldValues(fake_device_t device, int32_t count,
                                       ns_nvml_field_value_t *values);
fake_return_t nvmlDeviceGetTemperature(fake_device_t device, uint32_t sensor, uint32_t *out);
fake_return_t nvmlDeviceGetEnforcedPowerLimit(fake_device_t device, uint32_t *out);
fake_return_t nvmlDeviceSetPowerManagementLimit(fake_device_t device, uint32_t value);
fake_return_t nvmlDeviceGetPowerManagementLimit(fake_device_t device, uint32_t *out);
fake_return_t nvmlDeviceGetPowerManagementLimitConstraints(fake_device_t device, uint32_t *low,
                                                           uint32_t *high);
fake_return_t nvmlDeviceGetMarginTemperature(fake_device_t device,
                                             ns_nvml_margin_temperature_t *out);
fake_return_t nvmlDeviceGetUtilizationRates(fake_device_t device, ns_nvml_utilization_t *out);
fake_return_t nvmlDeviceGetClockInfo(fake_device_t device, uint32_t clock, uint32_t *out);
fake_return_t nvmlDeviceGetMaxClockInfo(fake_device_t device, uint32_t clock, uint32_t *out);
fake_return_t nvmlDeviceGetCurrentClocksEventReasons(fake_device_t device, unsigned long long *out);
fake_return_t nvmlDeviceSetGpuLockedClocks(fake_device_t device, uint32_t low, uint32_t high);
fake_return_t nvmlDeviceSetMemoryLockedClocks(fake_device_t device, uint32_t low, uint32_t high);
fake_return_t nvmlDeviceGetPersistenceMode(fake_device_t device, uint32_t *out);
fake_return_t nvmlDeviceSetPersistenceMode(fake_device_t device, uint32_t value);
fake_return_t nvmlDeviceGetMemoryInfo_v2(fake_device_t device, ns_nvml_memory_info_t *out);
fake_return_t nvmlDeviceGetCurrPcieLinkGeneration(fake_device_t device, uint32_t *out);
fake_return_t nvmlDeviceGetCurrPcieLinkWidth(fake_device_t device, uint32_t *out);
fake_return_t nvmlEventSetCreate(ns_nvml_event_set_t *out);
fake_return_t nvmlDeviceRegisterEvents(fake_device_t device, unsigned long long types,
                                       ns_nvml_event_set_t set);
fake_return_t nvmlEventSetWait_v2(ns_nvml_event_set_t set, ns_nvml_event_data_t *out,
                                  uint32_t timeout_ms);
fake_return_t nvmlEventSetFree(ns_nvml_event_set_t set);
fake_return_t nvmlDeviceModifyDrainState(ns_nvml_pci_info_t *pci, uint32_t state);
fake_return_t nvmlDeviceRemoveGpu_v2(ns_nvml_pci_info_t *pci, uint32_t device_state,
                                     uint32_t link_state);
fake_return_t nvmlDeviceDiscoverGpus(ns_nvml_pci_info_t *pci);

/** The answer of a function that takes no device. */
static fake_return_t answer(enum fake_function function) {
    fake_nvml.calls[function]++;
    if (fake_nvml.init_count == 0 && function != FAKE_init) {
        return NS_NVML_UNINITIALIZED;
    }
    return (fake_return_t)fake_nvml.returns[function];
}

static fake_return_t answer_for(fake_device_t device, enum fake_function function) {
    fake_return_t code = answer(function);
    if (function != FAKE_uuid) {
        fake_nvml.trace[fake_nvml.device_calls++ % FAKE_TRACE_MAX] = (int)function;
    }
    if (fake_nvml.init_count == 0) {
        return NS_NVML_UNINITIALIZED;
    }
    if (device != &handles[fake_nvml.generation % sizeof handles]) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    return fake_nvml.device_return != 0 ? (fake_return_t)fake_nvml.device_return : code;
}

static fake_return_t give(fake_device_t device, enum fake_function function, uint32_t value,
                          uint32_t *out) {
    fake_return_t code = answer_for(device, function);
    *out = code == NS_NVML_SUCCESS ? value : 77777; /* what a failed call leaves behind */
    return code;
}

static fake_return_t take(fake_device_t device, enum fake_function function, uint32_t value,
                          uint32_t *out) {
    fake_return_t code = answer_for(device, function);
    *out = code == NS_NVML_SUCCESS ? value : *out;
    return code;
}

fake_return_t nvmlInit_v2(void) {
    fake_return_t code = answer(FAKE_init);
    fake_nvml.init_count += code == NS_NVML_SUCCESS ? 1 : 0;
    return code;
}

fake_return_t nvmlShutdown(void) {
    fake_return_t code = answer(FAKE_shutdown);
    if (fake_nvml.init_count > 0 && --fake_nvml.init_count == 0) {
        fake_nvml.generation++;
    }
    return code;
}

fake_return_t nvmlSystemGetDriverVersion(char *version, uint32_t size) {
    strncpy(version, "FAKE 1.0", size);
    return answer(FAKE_driver_version);
}

fake_return_t nvmlDeviceGetHandleByPciBusId_v2(const char *pci, fake_device_t *out) {
    fake_return_t code = answer(FAKE_by_pci);
    if (code == NS_NVML_SUCCESS && strcmp(pci, FAKE_PCI) != 0) {
        return NS_NVML_NOT_FOUND;
    }
    *out = &handles[fake_nvml.generation % sizeof handles];
    return code == NS_NVML_SUCCESS ? (fake_return_t)fake_nvml.device_return : code;
}

#ifndef FAKE_NVML_WITHOUT_REQUIRED
fake_return_t nvmlDeviceGetUUID(fake_device_t device, char *uuid, uint32_t size) {
    strncpy(uuid, fake_nvml.uuid, size);
    return answer_for(device, FAKE_uuid);
}
#endif

static void fill(ns_nvml_field_value_t *value, uint32_t number) {
    switch (value->value_type) {
    case NS_NVML_VALUE_DOUBLE:
        value->value.f64 = fake_nvml.value_is_nan ? (double)NAN : (double)number;
        break;
    case NS_NVML_VALUE_I64:
        value->value.i64 = -(int64_t)number;
        break;
    case NS_NVML_VALUE_I32:
        value->value.i32 = -(int32_t)number;
        break;
    case NS_NVML_VALUE_U16:
        value->value.u16 = (uint16_t)(number / 1000);
        break;
    default:
        value->value.u64 = number;
        break;
    }
}

fake_return_t nvmlDeviceGetFieldValues(fake_device_t device, int32_t count,
                                       ns_nvml_field_value_t *values) {
    fake_return_t code = answer_for(device, FAKE_fields);
    fake_nvml.asked_count = count;
    for (int32_t i = 0; i < count && i < FAKE_FIELDS_MAX; i++) {
        uint32_t id = values[i].field_id;
        fake_nvml.asked[i] = id;
        values[i].return_code = fake_nvml.field_returns[id % FAKE_FIELDS_MAX];
        values[i].latency_us = fake_nvml.latency_us;
        values[i].value_type = fake_nvml.value_type;
        fill(&values[i], 1000 * id);
        values[i].field_id += fake_nvml.field_ids_are_mixed_up ? 1 : 0;
    }
    return code;
}

fake_return_t nvmlDeviceGetTemperature(fake_device_t device, uint32_t sensor, uint32_t *out) {
    return give(device, FAKE_temperature, 70 + sensor, out);
}

fake_return_t nvmlDeviceGetEnforcedPowerLimit(fake_device_t device, uint32_t *out) {
    uint32_t enforced_mw = fake_nvml.limit_mw < fake_nvml.enforced_mw_max
                               ? fake_nvml.limit_mw
                               : fake_nvml.enforced_mw_max;
    bool is_lie = fake_nvml.enforced_reported_mw != 0;
    return give(device, FAKE_enforced_limit, is_lie ? fake_nvml.enforced_reported_mw : enforced_mw,
                out);
}

fake_return_t nvmlDeviceSetPowerManagementLimit(fake_device_t device, uint32_t value) {
    return take(device, FAKE_set_limit, value, &fake_nvml.limit_mw);
}

#ifndef FAKE_NVML_WITHOUT_OPTIONAL
fake_return_t nvmlDeviceGetPowerManagementLimit(fake_device_t device, uint32_t *out) {
    bool is_lie = fake_nvml.limit_reported_mw != 0;
    return give(device, FAKE_management_limit,
                is_lie ? fake_nvml.limit_reported_mw : fake_nvml.limit_mw, out);
}

fake_return_t nvmlDeviceGetPowerManagementLimitConstraints(fake_device_t device, uint32_t *low,
                                                           uint32_t *high) {
    *low = fake_nvml.limit_mw_min;
    return give(device, FAKE_constraints, fake_nvml.limit_mw_max, high);
}

fake_return_t nvmlDeviceGetMarginTemperature(fake_device_t device,
                                             ns_nvml_margin_temperature_t *out) {
    if (out->version != NS_NVML_MARGIN_TEMPERATURE_V1) {
        return NS_NVML_ARGUMENT_VERSION_MISMATCH;
    }
    out->margin_c = -3;
    return answer_for(device, FAKE_margin);
}

fake_return_t nvmlDeviceGetUtilizationRates(fake_device_t device, ns_nvml_utilization_t *out) {
    return give(device, FAKE_utilization, 50, &out->gpu);
}

fake_return_t nvmlDeviceGetClockInfo(fake_device_t device, uint32_t clock, uint32_t *out) {
    return give(device, FAKE_clock, 1400 + clock, out);
}

fake_return_t nvmlDeviceGetMaxClockInfo(fake_device_t device, uint32_t clock, uint32_t *out) {
    return give(device, FAKE_clock_max, 1980 + clock, out);
}

fake_return_t nvmlDeviceGetCurrentClocksEventReasons(fake_device_t device,
                                                     unsigned long long *out) {
    *out = 0x44;
    return answer_for(device, FAKE_event_reasons);
}

fake_return_t nvmlDeviceSetGpuLockedClocks(fake_device_t device, uint32_t low, uint32_t high) {
    return take(device, FAKE_set_locked_clocks, high + low, &fake_nvml.clock_max_mhz);
}

fake_return_t nvmlDeviceSetMemoryLockedClocks(fake_device_t device, uint32_t low, uint32_t high) {
    return take(device, FAKE_set_memory_clocks, high + low, &fake_nvml.memory_clock_max_mhz);
}

fake_return_t nvmlDeviceGetPersistenceMode(fake_device_t device, uint32_t *out) {
    return give(device, FAKE_persistence, fake_nvml.persistence, out);
}

fake_return_t nvmlDeviceSetPersistenceMode(fake_device_t device, uint32_t value) {
    return take(device, FAKE_set_persistence, value, &fake_nvml.persistence);
}

fake_return_t nvmlDeviceGetMemoryInfo_v2(fake_device_t device, ns_nvml_memory_info_t *out) {
    if (out->version != NS_NVML_MEMORY_INFO_V2) {
        return NS_NVML_ARGUMENT_VERSION_MISMATCH;
    }
    out->total = fake_nvml.memory_total;
    out->used = fake_nvml.memory_used;
    return answer_for(device, FAKE_memory_info);
}

fake_return_t nvmlDeviceGetCurrPcieLinkGeneration(fake_device_t device, uint32_t *out) {
    return give(device, FAKE_pcie_generation, 5, out);
}

fake_return_t nvmlDeviceGetCurrPcieLinkWidth(fake_device_t device, uint32_t *out) {
    return give(device, FAKE_pcie_width, 16, out);
}

fake_return_t nvmlEventSetCreate(ns_nvml_event_set_t *out) {
    fake_return_t code = answer(FAKE_event_create);
    *out = &fake_nvml.event_set_count;
    fake_nvml.event_set_count += code == NS_NVML_SUCCESS ? 1 : 0;
    return code;
}

fake_return_t nvmlDeviceRegisterEvents(fake_device_t device, unsigned long long types,
                                       ns_nvml_event_set_t set) {
    fake_return_t code = answer_for(device, FAKE_event_register);
    if (code == NS_NVML_SUCCESS && (types & ~fake_nvml.types_known) != 0) {
        return NS_NVML_NOT_SUPPORTED;
    }
    if (set != &fake_nvml.event_set_count) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    fake_nvml.types_registered = code == NS_NVML_SUCCESS ? types : fake_nvml.types_registered;
    return code;
}

fake_return_t nvmlEventSetWait_v2(ns_nvml_event_set_t set, ns_nvml_event_data_t *out,
                                  uint32_t timeout_ms) {
    fake_return_t code = answer(FAKE_event_wait);
    if (code != NS_NVML_SUCCESS) {
        return code;
    }
    if (set != &fake_nvml.event_set_count || timeout_ms != 0) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    if (fake_nvml.event_next == fake_nvml.event_count) {
        return NS_NVML_TIMEOUT;
    }
    const fake_event_t *event = &fake_nvml.events[fake_nvml.event_next++ % FAKE_EVENTS_MAX];
    out->event_type = event->type;
    out->event_data = event->data;
    return NS_NVML_SUCCESS;
}

fake_return_t nvmlEventSetFree(ns_nvml_event_set_t set) {
    (void)answer(FAKE_event_free);
    fake_nvml.event_set_count -= set == &fake_nvml.event_set_count ? 1 : 100;
    return NS_NVML_SUCCESS;
}

static fake_return_t answer_at(const ns_nvml_pci_info_t *pci, enum fake_function function) {
    fake_return_t code = answer(function);
    fake_nvml.trace[fake_nvml.device_calls++ % FAKE_TRACE_MAX] = (int)function;
    bool is_here = pci->domain == 0 && pci->bus == 0x41 && pci->device == 0 &&
                   strcmp(pci->bus_id, FAKE_PCI) == 0 &&
                   strcmp(pci->bus_id_legacy, FAKE_PCI + 4) == 0;
    return code == NS_NVML_SUCCESS && !is_here ? NS_NVML_INVALID_ARGUMENT : code;
}

fake_return_t nvmlDeviceModifyDrainState(ns_nvml_pci_info_t *pci, uint32_t state) {
    fake_return_t code = answer_at(pci, FAKE_drain);
    if (code == NS_NVML_SUCCESS && fake_nvml.persistence != 0) {
        return NS_NVML_IN_USE; /* it must be off first */
    }
    fake_nvml.is_drained = code == NS_NVML_SUCCESS ? state != 0 : fake_nvml.is_drained;
    return code;
}

fake_return_t nvmlDeviceRemoveGpu_v2(ns_nvml_pci_info_t *pci, uint32_t device_state,
                                     uint32_t link_state) {
    (void)device_state;
    (void)link_state;
    fake_return_t code = answer_at(pci, FAKE_remove);
    if (code == NS_NVML_SUCCESS && !fake_nvml.is_drained) {
        return NS_NVML_IN_USE;
    }
    fake_nvml.generation += code == NS_NVML_SUCCESS ? 1U : 0U;
    return code;
}

/* What is found again is as after power-up. */
fake_return_t nvmlDeviceDiscoverGpus(ns_nvml_pci_info_t *pci) {
    fake_return_t code = answer_at(pci, FAKE_discover);
    if (code == NS_NVML_SUCCESS) {
        fake_nvml.is_drained = false;
        fake_nvml.limit_mw = 700000;
    }
    return code;
}
#endif
