/** @file nvml.c  The ops table of the `nvml` class and the calls of nvml.h. */
#include "nightside/nvml.h"

#include <string.h>

#include "nvml_state.h"

static_assert(sizeof(ns_nvml_state_t) <= sizeof(ns_nvml_t), "the caller's memory holds the state");
static_assert(sizeof(ns_nvml_t) == NS_NVML_DEVICE_SIZE, "as declared");

static ns_nvml_state_t *state_of(void *ctx) {
    return ctx;
}

/** A device that is only absent may get its power at any time, and comes back without a cap: it is
 *  looked up often. What is sick, or needs the library initialised again, is left alone longer. */
static ns_status_t attach_in_time(ns_nvml_state_t *self) {
    if (self->now_ns < self->next_attach_ns) {
        return self->absence;
    }
    ns_status_t status = ns_nvml_attach(self);
    bool is_only_absent = status == NS_E_ABSENT && !self->needs_init;
    self->next_attach_ns =
        self->now_ns + (is_only_absent ? NS_NVML_LOOK_UP_PERIOD_NS : NS_NVML_ATTACH_PERIOD_NS);
    return status;
}

static ns_status_t fetch_due(ns_nvml_state_t *self, uint64_t due) {
    if (self->events.recovery_is_announced) {
        due |= UINT64_C(1) << NS_NVML_RECOVERY_ACTION;
    }
    ns_status_t status = ns_nvml_fetch(self, due, &self->batch);
    double action = 0.0;
    ns_status_t answer = ns_nvml_field_value(&self->batch, NS_NVML_RECOVERY_ACTION, &action);
    if (answer == NS_OK) {
        self->events.recovery = action > 0.0 && action < 256.0 ? (uint32_t)action : 0U;
    }
    if (answer == NS_OK || answer == NS_E_UNSUPPORTED) {
        self->events.recovery_is_announced = false;
    }
    return status;
}

static ns_status_t begin(void *ctx, int64_t now_ns, uint64_t due) {
    ns_nvml_state_t *self = state_of(ctx);
    self->now_ns = now_ns;
    if (self->is_attached && self->cap_is_pending) {
        ns_nvml_apply_cap(self);
    } else if (!self->is_attached) {
        (void)attach_in_time(self);
    }
    ns_status_t status = self->absence;
    if (status == NS_OK) {
        status = ns_nvml_take_events(self);
    }
    return status == NS_OK ? fetch_due(self, due) : status;
}

static ns_status_t read_channel(void *ctx, uint32_t channel, double *out_value) {
    ns_nvml_state_t *self = state_of(ctx);
    if (channel >= NS_NVML_CHANNEL_COUNT) {
        return NS_E_ARG;
    }
    if (!self->is_attached) {
        return self->absence;
    }
    uint64_t bit = UINT64_C(1) << channel;
    if ((self->unsupported_reads & bit) != 0) {
        return NS_E_UNSUPPORTED;
    }
    ns_status_t status = (ns_nvml_field_channels() & bit) != 0
                             ? ns_nvml_field_value(&self->batch, channel, out_value)
                             : ns_nvml_read_single(self, channel, out_value);
    if (status == NS_E_UNSUPPORTED) {
        self->unsupported_reads |= bit;
    }
    return status;
}

static ns_status_t write_channel(void *ctx, uint32_t channel, double value) {
    return ns_nvml_write(state_of(ctx), channel, value);
}

static uint32_t alarm_number(void *ctx) {
    return ns_nvml_alarm(state_of(ctx));
}

static ns_status_t capture(void *ctx, uint8_t *out, size_t capacity, size_t *out_size) {
    return ns_nvml_capture(state_of(ctx), out, capacity, out_size);
}

static ns_status_t request(void *ctx, ns_request_kind_t kind) {
    ns_nvml_events_t *events = &state_of(ctx)->events;
    if (kind == NS_REQUEST_RESET) {
        return ns_nvml_reset(state_of(ctx));
    }
    if (kind != NS_REQUEST_CLEAR) {
        return NS_E_UNSUPPORTED;
    }
    events->xid = 0;
    events->has_ecc_dbe = false;
    events->is_unavailable = false;
    return NS_OK;
}

static void close_device(void *ctx) {
    ns_nvml_state_t *self = state_of(ctx);
    ns_nvml_detach(self, NS_E_ABSENT);
    ns_nvml_library_close(&self->library);
}

const ns_device_ops_t ns_nvml_ops = {
    .abi = NS_DEVICE_OPS_ABI,
    .name = "nvml",
    .begin = begin,
    .read = read_channel,
    .write = write_channel,
    .alarm = alarm_number,
    .capture = capture,
    .request = request,
    .close = close_device,
};

ns_status_t ns_nvml_open(ns_nvml_t *self, const char *library_path, const char *pci_bus_id,
                         const char *uuid) {
    if (self == NULL || library_path == NULL || pci_bus_id == NULL || uuid == NULL ||
        strlen(pci_bus_id) >= NS_NVML_PCI_SIZE || strlen(uuid) >= NS_NVML_UUID_SIZE) {
        return NS_E_ARG;
    }
    memset(self, 0, sizeof *self);
    ns_nvml_state_t *state = state_of(self);
    memcpy(state->pci_bus_id, pci_bus_id, strlen(pci_bus_id));
    memcpy(state->uuid, uuid, strlen(uuid));
    ns_status_t status = ns_nvml_library_open(&state->library, library_path);
    if (status != NS_OK) {
        return status;
    }
    (void)ns_nvml_fetch(state, 0, &state->batch);
    state->next_attach_ns = INT64_MIN; /* this try has no time: the first begin may try again */
    if (ns_nvml_attach(state) == NS_E_REFUSED) { /* any other failure may pass */
        close_device(state);
        return NS_E_REFUSED;
    }
    return NS_OK;
}

ns_status_t ns_nvml_share_filter(ns_nvml_t *self, ns_xid_filter_t *filter, uint32_t device) {
    if (self == NULL) {
        return NS_E_ARG;
    }
    ns_nvml_state_t *state = state_of(self);
    state->filter = filter;
    state->filter_device = device;
    return NS_OK;
}

uint64_t ns_nvml_cost_us(const ns_nvml_t *self) {
    return self == NULL ? 0 : ((const ns_nvml_state_t *)(const void *)self)->cost_us;
}
