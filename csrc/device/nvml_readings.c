/** @file nvml_readings.c  Channels that have a function of their own. */
#include "nvml_state.h"

#define MILLI 1000.0
#define PERCENT 100.0

static ns_status_t read_u32(ns_nvml_state_t *self, ns_nvml_u32_fn function, double scale,
                            double *out_value) {
    if (function == NULL) {
        return NS_E_UNSUPPORTED;
    }
    uint32_t number = 0;
    ns_status_t status = ns_nvml_settle(self, function(self->device, &number));
    if (status == NS_OK) {
        *out_value = (double)number / scale;
    }
    return status;
}

static ns_status_t read_selected(ns_nvml_state_t *self, ns_nvml_select_u32_fn function,
                                 uint32_t selector, double *out_value) {
    if (function == NULL) {
        return NS_E_UNSUPPORTED;
    }
    uint32_t number = 0;
    ns_status_t status = ns_nvml_settle(self, function(self->device, selector, &number));
    if (status == NS_OK) {
        *out_value = (double)number;
    }
    return status;
}

static ns_status_t read_margin(ns_nvml_state_t *self, double *out_value) {
    if (self->library.margin == NULL) {
        return NS_E_UNSUPPORTED;
    }
    ns_nvml_margin_temperature_t margin = {.version = NS_NVML_MARGIN_TEMPERATURE_V1};
    ns_status_t status = ns_nvml_settle(self, self->library.margin(self->device, &margin));
    if (status == NS_OK) {
        *out_value = (double)margin.margin_c;
    }
    return status;
}

static ns_status_t read_utilisation(ns_nvml_state_t *self, double *out_value) {
    if (self->library.utilization == NULL) {
        return NS_E_UNSUPPORTED;
    }
    ns_nvml_utilization_t utilization = {0};
    ns_status_t status =
        ns_nvml_settle(self, self->library.utilization(self->device, &utilization));
    if (status == NS_OK) {
        *out_value = (double)utilization.gpu / PERCENT;
    }
    return status;
}

static ns_status_t read_memory_used(ns_nvml_state_t *self, double *out_value) {
    if (self->library.memory_info == NULL) {
        return NS_E_UNSUPPORTED;
    }
    ns_nvml_memory_info_t memory = {.version = NS_NVML_MEMORY_INFO_V2};
    ns_status_t status = ns_nvml_settle(self, self->library.memory_info(self->device, &memory));
    if (status != NS_OK) {
        return status;
    }
    if (memory.total == 0 || memory.used > memory.total) {
        return NS_E_RANGE;
    }
    *out_value = (double)memory.used / (double)memory.total;
    return NS_OK;
}

ns_status_t ns_nvml_event_reasons(ns_nvml_state_t *self, uint64_t *out_reasons) {
    if (self->library.event_reasons == NULL) {
        return NS_E_UNSUPPORTED;
    }
    unsigned long long reasons = 0;
    ns_status_t status = ns_nvml_settle(self, self->library.event_reasons(self->device, &reasons));
    if (status == NS_OK) {
        *out_reasons = reasons;
    }
    return status;
}

static ns_status_t read_event_reasons(ns_nvml_state_t *self, double *out_value) {
    uint64_t reasons = 0;
    ns_status_t status = ns_nvml_event_reasons(self, &reasons);
    if (status == NS_OK) {
        *out_value = (double)reasons;
    }
    return status;
}

/** NVML has no getter for a lock: it is what was set, kept across the device's absence. */
static ns_status_t read_lock(ns_nvml_state_t *self, enum ns_nvml_command command, uint32_t clock,
                             double *out_value) {
    if (self->given[command].is_given) {
        *out_value = (double)self->given[command].number;
        return NS_OK;
    }
    return read_selected(self, self->library.clock_max, clock, out_value);
}

static ns_status_t read_xid(const ns_nvml_state_t *self, double *out_value) {
    if (!self->events.is_registered) {
        return self->events.status;
    }
    *out_value = (double)self->events.xid;
    return NS_OK;
}

ns_status_t ns_nvml_read_single(ns_nvml_state_t *self, uint32_t channel, double *out_value) {
    const ns_nvml_library_t *library = &self->library;
    switch (channel) {
    case NS_NVML_CORE_TEMP_C:
        return read_selected(self, library->temperature, NS_NVML_TEMPERATURE_CORE, out_value);
    case NS_NVML_MARGIN_C:
        return read_margin(self, out_value);
    case NS_NVML_UTILISATION_RATIO:
        return read_utilisation(self, out_value);
    case NS_NVML_CLOCK_MHZ:
        return read_selected(self, library->clock, NS_NVML_CLOCK_GRAPHICS, out_value);
    case NS_NVML_EVENT_REASONS:
        return read_event_reasons(self, out_value);
    case NS_NVML_XID:
        return read_xid(self, out_value);
    case NS_NVML_CAP_W:
        return read_u32(self, library->enforced_limit, MILLI, out_value);
    case NS_NVML_CLOCK_MAX_MHZ:
        return read_lock(self, NS_NVML_C_CLOCK, NS_NVML_CLOCK_GRAPHICS, out_value);
    case NS_NVML_MEMORY_CLOCK_MHZ:
        return read_selected(self, library->clock, NS_NVML_CLOCK_MEMORY, out_value);
    case NS_NVML_MEMORY_CLOCK_MAX_MHZ:
        return read_lock(self, NS_NVML_C_MEMORY_CLOCK, NS_NVML_CLOCK_MEMORY, out_value);
    case NS_NVML_PERSISTENCE:
        return read_u32(self, library->persistence, 1.0, out_value);
    case NS_NVML_PCIE_GENERATION:
        return read_u32(self, library->pcie_generation, 1.0, out_value);
    case NS_NVML_PCIE_WIDTH:
        return read_u32(self, library->pcie_width, 1.0, out_value);
    case NS_NVML_MEMORY_USED_RATIO:
        return read_memory_used(self, out_value);
    default:
        return NS_E_ARG;
    }
}
