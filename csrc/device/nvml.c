#include "nightside/nvml.h"

#include <math.h>
#include <string.h>

#include "nvml_library.h"

#define PCI_BUS_ID_SIZE 32U
#define MILLI 1000.0
#define PERCENT 100.0
#define XIDS_PER_BEGIN_MAX 8 /* a storm must not hold the driver */

enum field_index {
    FIELD_POWER,
    FIELD_MEMORY_TEMP,
    FIELD_ENERGY,
    FIELD_ECC_CORRECTED,
    FIELD_ECC_UNCORRECTED,
    FIELD_RECOVERY,
    FIELD_REPLAY,
    FIELD_COUNT
};

static const uint32_t field_ids[FIELD_COUNT] = {
    [FIELD_POWER] = NS_NVML_FIELD_POWER_INSTANT,
    [FIELD_MEMORY_TEMP] = NS_NVML_FIELD_MEMORY_TEMP,
    [FIELD_ENERGY] = NS_NVML_FIELD_ENERGY,
    [FIELD_ECC_CORRECTED] = NS_NVML_FIELD_ECC_SBE_VOLATILE,
    [FIELD_ECC_UNCORRECTED] = NS_NVML_FIELD_ECC_DBE_VOLATILE,
    [FIELD_RECOVERY] = NS_NVML_FIELD_RECOVERY_ACTION,
    [FIELD_REPLAY] = NS_NVML_FIELD_PCIE_REPLAY,
};

typedef struct nvml_state {
    ns_nvml_library_t library;
    ns_nvml_device_t device; /**< valid while is_attached */
    ns_nvml_event_set_t events;
    bool is_attached;
    bool has_events;
    uint64_t xid;
    uint32_t clock_lock_mhz; /**< 0: none; NVML has no getter, so it is what was set since attach */
    char pci_bus_id[PCI_BUS_ID_SIZE];
    char uuid[NS_NVML_UUID_SIZE];
    ns_nvml_field_value_t fields[FIELD_COUNT];
} nvml_state_t;

static_assert(sizeof(nvml_state_t) <= sizeof(ns_nvml_t), "the caller's memory holds the state");
static_assert(sizeof(ns_nvml_t) == NS_NVML_DEVICE_SIZE, "as declared");

static nvml_state_t *state_of(void *ctx) {
    return ctx;
}

static void detach(nvml_state_t *self) {
    if (self->has_events) {
        (void)self->library.event_free(self->events);
    }
    self->has_events = false;
    self->is_attached = false;
    self->clock_lock_mhz = 0; /* lost with the device; written again when it is back */
    self->xid = 0;
}

/** Class of an answer; a device that is gone loses its handle. */
static ns_status_t settle(nvml_state_t *self, ns_nvml_return_t code) {
    ns_status_t status = ns_nvml_classify((uint32_t)code);
    if (status == NS_E_ABSENT) {
        detach(self);
    }
    return status;
}

/** Xids come as events or not at all: without them the channel is unsupported. */
static void register_events(nvml_state_t *self) {
    const ns_nvml_library_t *library = &self->library;
    bool has_functions = library->event_create != NULL && library->event_register != NULL &&
                         library->event_wait != NULL && library->event_free != NULL;
    if (!has_functions || library->event_create(&self->events) != NS_NVML_SUCCESS) {
        return;
    }
    if (library->event_register(self->device, NS_NVML_EVENT_XID, self->events) != NS_NVML_SUCCESS) {
        (void)library->event_free(self->events);
        return;
    }
    self->has_events = true;
}

static ns_status_t attach(nvml_state_t *self) {
    ns_status_t status =
        ns_nvml_classify((uint32_t)self->library.by_pci(self->pci_bus_id, &self->device));
    if (status != NS_OK) {
        return status;
    }
    char uuid[NS_NVML_UUID_SIZE] = {0};
    status = ns_nvml_classify((uint32_t)self->library.uuid(self->device, uuid, sizeof uuid - 1));
    if (status != NS_OK) {
        return status;
    }
    if (strcmp(uuid, self->uuid) != 0) {
        return NS_E_REFUSED;
    }
    self->is_attached = true;
    register_events(self);
    return NS_OK;
}

static void drain_xids(nvml_state_t *self) {
    for (int i = 0; self->has_events && i < XIDS_PER_BEGIN_MAX; i++) {
        ns_nvml_event_data_t event = {0};
        if (self->library.event_wait(self->events, &event, 0) != NS_NVML_SUCCESS) {
            return; /* a time-out: nothing more is pending */
        }
        if (event.event_type == NS_NVML_EVENT_XID) {
            self->xid = event.event_data;
        }
    }
}

static ns_status_t begin(void *ctx, int64_t now_ns, uint64_t due) {
    (void)now_ns;
    (void)due;
    nvml_state_t *self = state_of(ctx);
    if (!self->is_attached) {
        ns_status_t status = attach(self);
        if (status != NS_OK) {
            return status;
        }
    }
    for (int i = 0; i < FIELD_COUNT; i++) {
        self->fields[i] =
            (ns_nvml_field_value_t){.field_id = field_ids[i], .return_code = NS_NVML_NO_DATA};
    }
    ns_status_t status =
        settle(self, self->library.fields(self->device, FIELD_COUNT, self->fields));
    if (status == NS_OK) {
        drain_xids(self);
    }
    return status;
}

static ns_status_t field_value(const nvml_state_t *self, enum field_index index, double scale,
                               double *out_value) {
    const ns_nvml_field_value_t *field = &self->fields[index];
    ns_status_t status = ns_nvml_classify(field->return_code);
    if (status != NS_OK) {
        return status;
    }
    double value = 0.0;
    switch (field->value_type) {
    case NS_NVML_VALUE_DOUBLE:
        value = field->value.f64;
        break;
    case NS_NVML_VALUE_U32:
        value = (double)field->value.u32;
        break;
    case NS_NVML_VALUE_ULONG:
        value = (double)field->value.ulong;
        break;
    case NS_NVML_VALUE_U64:
        value = (double)field->value.u64;
        break;
    case NS_NVML_VALUE_I64:
        value = (double)field->value.i64;
        break;
    case NS_NVML_VALUE_I32:
        value = (double)field->value.i32;
        break;
    case NS_NVML_VALUE_U16:
        value = (double)field->value.u16;
        break;
    default:
        return NS_E_RANGE;
    }
    *out_value = value / scale;
    return NS_OK;
}

static ns_status_t read_selected(nvml_state_t *self, ns_nvml_select_u32_fn function,
                                 uint32_t selector, double *out_value) {
    if (function == NULL) {
        return NS_E_UNSUPPORTED;
    }
    uint32_t number = 0;
    ns_status_t status = settle(self, function(self->device, selector, &number));
    if (status == NS_OK) {
        *out_value = (double)number;
    }
    return status;
}

static ns_status_t read_margin(nvml_state_t *self, double *out_value) {
    if (self->library.margin == NULL) {
        return NS_E_UNSUPPORTED;
    }
    ns_nvml_margin_temperature_t margin = {.version = NS_NVML_MARGIN_TEMPERATURE_V1};
    ns_status_t status = settle(self, self->library.margin(self->device, &margin));
    if (status == NS_OK) {
        *out_value = (double)margin.margin_c;
    }
    return status;
}

static ns_status_t read_utilisation(nvml_state_t *self, double *out_value) {
    if (self->library.utilization == NULL) {
        return NS_E_UNSUPPORTED;
    }
    ns_nvml_utilization_t utilization = {0};
    ns_status_t status = settle(self, self->library.utilization(self->device, &utilization));
    if (status == NS_OK) {
        *out_value = (double)utilization.gpu / PERCENT;
    }
    return status;
}

static ns_status_t read_event_reasons(nvml_state_t *self, double *out_value) {
    if (self->library.event_reasons == NULL) {
        return NS_E_UNSUPPORTED;
    }
    unsigned long long reasons = 0;
    ns_status_t status = settle(self, self->library.event_reasons(self->device, &reasons));
    if (status == NS_OK) {
        *out_value = (double)reasons;
    }
    return status;
}

static ns_status_t read_cap(nvml_state_t *self, double *out_value) {
    uint32_t limit_mw = 0;
    ns_status_t status = settle(self, self->library.enforced_limit(self->device, &limit_mw));
    if (status == NS_OK) {
        *out_value = (double)limit_mw / MILLI;
    }
    return status;
}

static ns_status_t read_clock_max(nvml_state_t *self, double *out_value) {
    if (self->clock_lock_mhz != 0) {
        *out_value = (double)self->clock_lock_mhz;
        return NS_OK;
    }
    return read_selected(self, self->library.clock_max, NS_NVML_CLOCK_GRAPHICS, out_value);
}

static ns_status_t read_xid(const nvml_state_t *self, double *out_value) {
    if (!self->has_events) {
        return NS_E_UNSUPPORTED;
    }
    *out_value = (double)self->xid;
    return NS_OK;
}

static ns_status_t read_channel(void *ctx, uint32_t channel, double *out_value) {
    nvml_state_t *self = state_of(ctx);
    if (!self->is_attached) {
        return NS_E_ABSENT;
    }
    const ns_nvml_library_t *library = &self->library;
    switch (channel) {
    case NS_NVML_POWER_W:
        return field_value(self, FIELD_POWER, MILLI, out_value);
    case NS_NVML_CORE_TEMP_C:
        return read_selected(self, library->temperature, NS_NVML_TEMPERATURE_CORE, out_value);
    case NS_NVML_MEMORY_TEMP_C:
        return field_value(self, FIELD_MEMORY_TEMP, 1.0, out_value);
    case NS_NVML_MARGIN_C:
        return read_margin(self, out_value);
    case NS_NVML_UTILISATION_RATIO:
        return read_utilisation(self, out_value);
    case NS_NVML_CLOCK_MHZ:
        return read_selected(self, library->clock, NS_NVML_CLOCK_GRAPHICS, out_value);
    case NS_NVML_ENERGY_J:
        return field_value(self, FIELD_ENERGY, MILLI, out_value);
    case NS_NVML_EVENT_REASONS:
        return read_event_reasons(self, out_value);
    case NS_NVML_ECC_CORRECTED_COUNT:
        return field_value(self, FIELD_ECC_CORRECTED, 1.0, out_value);
    case NS_NVML_ECC_UNCORRECTED_COUNT:
        return field_value(self, FIELD_ECC_UNCORRECTED, 1.0, out_value);
    case NS_NVML_XID:
        return read_xid(self, out_value);
    case NS_NVML_RECOVERY_ACTION:
        return field_value(self, FIELD_RECOVERY, 1.0, out_value);
    case NS_NVML_PCIE_REPLAY_COUNT:
        return field_value(self, FIELD_REPLAY, 1.0, out_value);
    case NS_NVML_CAP_W:
        return read_cap(self, out_value);
    case NS_NVML_CLOCK_MAX_MHZ:
        return read_clock_max(self, out_value);
    default:
        return NS_E_ARG;
    }
}

static ns_status_t write_clock_max(nvml_state_t *self, uint32_t mhz) {
    if (self->library.set_locked_clocks == NULL) {
        return NS_E_UNSUPPORTED;
    }
    ns_status_t status = settle(self, self->library.set_locked_clocks(self->device, 0, mhz));
    if (status == NS_OK) {
        self->clock_lock_mhz = mhz;
    }
    return status;
}

static ns_status_t write_channel(void *ctx, uint32_t channel, double value) {
    nvml_state_t *self = state_of(ctx);
    if (channel >= NS_NVML_CHANNEL_COUNT) {
        return NS_E_ARG;
    }
    if (channel != NS_NVML_CAP_W && channel != NS_NVML_CLOCK_MAX_MHZ) {
        return NS_E_UNSUPPORTED;
    }
    double scale = channel == NS_NVML_CAP_W ? MILLI : 1.0;
    if (!(value >= 0.0 && value * scale <= (double)UINT32_MAX)) {
        return NS_E_RANGE;
    }
    if (!self->is_attached) {
        return NS_E_ABSENT;
    }
    uint32_t number = (uint32_t)(value * scale); /* both are upper limits: truncation is safe */
    if (channel == NS_NVML_CAP_W) {
        return settle(self, self->library.set_limit(self->device, number));
    }
    return write_clock_max(self, number);
}

static void close_device(void *ctx) {
    nvml_state_t *self = state_of(ctx);
    detach(self);
    ns_nvml_library_close(&self->library);
}

const ns_device_ops_t ns_nvml_ops = {
    .abi = NS_DEVICE_OPS_ABI,
    .name = "nvml",
    .begin = begin,
    .read = read_channel,
    .write = write_channel,
    .close = close_device,
};

ns_status_t ns_nvml_open(ns_nvml_t *self, const char *library_path, const char *pci_bus_id,
                         const char *uuid) {
    if (self == NULL || library_path == NULL || pci_bus_id == NULL || uuid == NULL ||
        strlen(pci_bus_id) >= PCI_BUS_ID_SIZE || strlen(uuid) >= NS_NVML_UUID_SIZE) {
        return NS_E_ARG;
    }
    memset(self, 0, sizeof *self);
    nvml_state_t *state = state_of(self);
    memcpy(state->pci_bus_id, pci_bus_id, strlen(pci_bus_id));
    memcpy(state->uuid, uuid, strlen(uuid));
    ns_status_t status = ns_nvml_library_open(&state->library, library_path);
    if (status != NS_OK) {
        return status;
    }
    if (attach(state) == NS_E_REFUSED) { /* any other failure may pass: begin tries again */
        close_device(state);
        return NS_E_REFUSED;
    }
    return NS_OK;
}
