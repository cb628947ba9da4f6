/** @file nvml_events.c  Events of one device: Xids, memory errors, recovery action. */
#include "nvml_state.h"

#define EVENTS_PER_BEGIN_MAX 8 /* assumed: a storm must not hold the driver */
#define XID_UNKNOWN 999U       /* what NVML itself says when it does not know */
#define XID_MAX 0xFFFFU
#define RECOVERY_SHIFT 16
#define RECOVERY_MAX 0xFFU

static const unsigned long long all_types = NS_NVML_EVENT_XID | NS_NVML_EVENT_ECC_SBE |
                                            NS_NVML_EVENT_ECC_DBE | NS_NVML_EVENT_UNAVAILABLE |
                                            NS_NVML_EVENT_RECOVERY_ACTION;

static ns_status_t open_set(ns_nvml_state_t *self) {
    const ns_nvml_library_t *library = &self->library;
    ns_nvml_events_t *events = &self->events;
    if (library->event_create == NULL || library->event_register == NULL ||
        library->event_wait == NULL || library->event_free == NULL) {
        return NS_E_UNSUPPORTED;
    }
    ns_status_t status = ns_nvml_classify((uint32_t)library->event_create(&events->set));
    if (status != NS_OK) {
        return status;
    }
    ns_nvml_return_t code = library->event_register(self->device, all_types, events->set);
    if (code == NS_NVML_NOT_SUPPORTED || code == NS_NVML_INVALID_ARGUMENT) { /* an older driver */
        code = library->event_register(self->device, NS_NVML_EVENT_XID, events->set);
    }
    status = ns_nvml_settle(self, code);
    if (status != NS_OK) {
        (void)library->event_free(events->set);
        return status;
    }
    events->is_registered = true;
    return NS_OK;
}

void ns_nvml_register_events(ns_nvml_state_t *self) {
    ns_nvml_events_t *events = &self->events;
    uint64_t bit = UINT64_C(1) << NS_NVML_XID;
    if (events->is_registered || (self->unsupported_reads & bit) != 0 ||
        self->now_ns < events->next_try_ns) {
        return;
    }
    events->next_try_ns = self->now_ns + NS_NVML_ATTACH_PERIOD_NS;
    events->status = open_set(self);
    if (events->status == NS_E_UNSUPPORTED) {
        self->unsupported_reads |= bit;
    }
}

static void keep_xid(ns_nvml_state_t *self, uint64_t data) {
    ns_nvml_events_t *events = &self->events;
    uint32_t xid = data == 0 || data > XID_MAX ? XID_UNKNOWN : (uint32_t)data;
    events->ring[events->seen_count % NS_NVML_XIDS_KEPT] =
        (ns_nvml_xid_t){.time_ns = self->now_ns, .xid = xid};
    events->seen_count++;
    if (self->filter == NULL || ns_xid_filter_admit(self->filter, NS_XID_FROM_NVML,
                                                    self->filter_device, xid, self->now_ns)) {
        events->xid = xid;
    }
}

static void keep(ns_nvml_state_t *self, const ns_nvml_event_data_t *event) {
    switch (event->event_type) {
    case NS_NVML_EVENT_XID:
        keep_xid(self, event->event_data);
        break;
    case NS_NVML_EVENT_RECOVERY_ACTION:
        self->events.recovery_is_announced = true;
        break;
    case NS_NVML_EVENT_ECC_DBE:
        self->events.has_ecc_dbe = true;
        break;
    case NS_NVML_EVENT_UNAVAILABLE:
        self->events.is_unavailable = true;
        break;
    default: /* single-bit errors are counted by their field */
        break;
    }
}

/** A set that does not work any more is opened anew, at a bounded rate. */
static ns_status_t drop_set(ns_nvml_state_t *self, ns_nvml_return_t code) {
    ns_nvml_events_t *events = &self->events;
    events->status = ns_nvml_settle(self, code);
    if (!self->is_attached) {
        return self->absence;
    }
    (void)self->library.event_free(events->set);
    events->is_registered = false;
    return NS_OK;
}

ns_status_t ns_nvml_take_events(ns_nvml_state_t *self) {
    ns_nvml_register_events(self);
    for (int i = 0; self->events.is_registered && i < EVENTS_PER_BEGIN_MAX; i++) {
        ns_nvml_event_data_t event = {0};
        ns_nvml_return_t code = self->library.event_wait(self->events.set, &event, 0);
        if (code == NS_NVML_TIMEOUT) {
            return NS_OK; /* nothing more is pending */
        }
        if (code != NS_NVML_SUCCESS) {
            return drop_set(self, code);
        }
        keep(self, &event);
    }
    return self->is_attached ? NS_OK : self->absence;
}

uint32_t ns_nvml_alarm(const ns_nvml_state_t *self) {
    const ns_nvml_events_t *events = &self->events;
    uint32_t recovery = events->recovery < RECOVERY_MAX ? events->recovery : RECOVERY_MAX;
    return events->xid | recovery << RECOVERY_SHIFT |
           (events->has_ecc_dbe ? (uint32_t)NS_NVML_ALARM_ECC_DBE : 0U) |
           (events->is_unavailable ? (uint32_t)NS_NVML_ALARM_UNAVAILABLE : 0U);
}
