/** @file nvml_attach.c  Identity: found by PCI address, verified by UUID, lost and found again. */
#include <string.h>

#include "nvml_state.h"

void ns_nvml_detach(ns_nvml_state_t *self, ns_status_t absence) {
    if (self->events.is_registered) {
        (void)self->library.event_free(self->events.set);
    }
    self->events.is_registered = false;
    self->is_attached = false;
    self->absence = absence;
}

/** Class of an answer that needed no handle. */
static ns_status_t note(ns_nvml_state_t *self, ns_nvml_return_t code) {
    if (code == NS_NVML_UNINITIALIZED || code == NS_NVML_DRIVER_NOT_LOADED) {
        self->needs_init = true;
    }
    return ns_nvml_classify((uint32_t)code);
}

static ns_nvml_return_t read_uuid(const ns_nvml_state_t *self, char *out) {
    memset(out, 0, NS_NVML_UUID_SIZE);
    return self->library.uuid(self->device, out, NS_NVML_UUID_SIZE - 1);
}

ns_status_t ns_nvml_settle(ns_nvml_state_t *self, ns_nvml_return_t code) {
    ns_status_t status = note(self, code);
    if (code == NS_NVML_INVALID_ARGUMENT) {
        /* A handle dies when the driver is reloaded or devices are discovered anew, and then every
           call answers this. One that still gives its UUID is alive: the argument was wrong. */
        char uuid[NS_NVML_UUID_SIZE];
        ns_nvml_return_t answer = read_uuid(self, uuid);
        bool is_alive = answer == NS_NVML_SUCCESS && strcmp(uuid, self->uuid) == 0;
        status = is_alive ? NS_E_ARG : NS_E_ABSENT;
        (void)note(self, answer);
    }
    if (status == NS_E_ABSENT || status == NS_E_RESET) {
        ns_nvml_detach(self, status);
    }
    return status;
}

static ns_status_t find(ns_nvml_state_t *self) {
    if (self->needs_init) {
        ns_status_t status = ns_nvml_library_restart(&self->library);
        if (status != NS_OK) {
            return status;
        }
        self->needs_init = false;
    }
    ns_status_t status = note(self, self->library.by_pci(self->pci_bus_id, &self->device));
    if (status != NS_OK) {
        return status;
    }
    char uuid[NS_NVML_UUID_SIZE];
    status = note(self, read_uuid(self, uuid));
    if (status != NS_OK) {
        return status;
    }
    return strcmp(uuid, self->uuid) == 0 ? NS_OK : NS_E_REFUSED;
}

ns_status_t ns_nvml_attach(ns_nvml_state_t *self) {
    self->absence = find(self);
    if (self->absence != NS_OK) {
        return self->absence;
    }
    self->is_attached = true;
    self->unsupported_reads = 0;
    self->unsupported_writes = 0;
    self->has_constraints = false;
    ns_nvml_apply_given(self);
    if (self->is_attached) {
        ns_nvml_load_constraints(self);
    }
    if (self->is_attached) {
        self->events.next_try_ns = INT64_MIN;
        ns_nvml_register_events(self);
    }
    if (self->is_attached) {
        self->events.xid = 0; /* the ring still has what came before */
        self->events.recovery = 0;
        self->events.has_ecc_dbe = false;
        self->events.is_unavailable = false;
    }
    return self->absence;
}
