/**
 * @file nvml_reset.c  Reset by the public way: drain, remove, discover.
 *
 * NVML has no function of its own for it. A device that the kernel driver removes and finds again
 * is initialised anew, its memory scrubbed. Persistence must be off first, and nobody else may hold
 * the device: then it is refused as in use, and taken out of the drain again.
 */
#include <stdlib.h>
#include <string.h>

#include "nvml_state.h"

#define DRAIN_ON 1U
#define DRAIN_OFF 0U
#define KEEP_STATE 0U /* of the device, and of its link */
#define HEX 16

/** "00000000:41:00.0", as far as the library reads it. */
static bool parse(const char *text, ns_nvml_pci_info_t *out) {
    memset(out, 0, sizeof *out);
    char *rest = NULL;
    out->domain = (uint32_t)strtoul(text, &rest, HEX);
    if (*rest != ':') {
        return false;
    }
    out->bus = (uint32_t)strtoul(rest + 1, &rest, HEX);
    if (*rest != ':') {
        return false;
    }
    out->device = (uint32_t)strtoul(rest + 1, &rest, HEX);
    size_t length = strlen(text);
    if (*rest != '.' || length >= sizeof out->bus_id) {
        return false;
    }
    memcpy(out->bus_id, text, length);
    const char *legacy = length > 12U ? text + (length - 12U) : text; /* a domain of four digits */
    memcpy(out->bus_id_legacy, legacy, strlen(legacy));
    return true;
}

ns_status_t ns_nvml_reset(ns_nvml_state_t *self) {
    const ns_nvml_library_t *library = &self->library;
    if (library->drain == NULL || library->remove == NULL || library->discover == NULL) {
        return NS_E_UNSUPPORTED;
    }
    ns_nvml_pci_info_t pci;
    if (!parse(self->pci_bus_id, &pci)) {
        return NS_E_ARG;
    }
    if (self->is_attached && library->set_persistence != NULL) {
        (void)library->set_persistence(self->device, 0); /* where it was on, it holds the device */
    }
    ns_status_t status = ns_nvml_classify((uint32_t)library->drain(&pci, DRAIN_ON));
    if (status == NS_OK) {
        status = ns_nvml_classify((uint32_t)library->remove(&pci, KEEP_STATE, KEEP_STATE));
    }
    if (status != NS_OK) {
        (void)library->drain(&pci, DRAIN_OFF);
        if (self->is_attached) {
            ns_nvml_apply_given(self); /* persistence as it was commanded */
        }
        return status;
    }
    ns_nvml_detach(self, NS_E_ABSENT); /* every handle is dead */
    self->next_attach_ns = INT64_MIN;
    return ns_nvml_classify((uint32_t)library->discover(&pci));
}
