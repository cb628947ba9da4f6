#include <math.h>

#include "driver_state.h"

static bool evidence_is_durable(const ns_driver_t *self, const ns_device_state_t *device) {
    return ns_image_durable(self->image, self->index) >= device->evidence_sequence;
}

static ns_status_t pass_to_device(ns_driver_t *self, uint32_t index, ns_request_kind_t kind) {
    const ns_device_t *device = &self->devices[index].device;
    ns_bus_port_start_call(self->port, self->deadline_ns);
    ns_status_t status = device->ops->request(device->ctx, kind); /* an edge: never tried again */
    ns_bus_port_end_call(self->port, status);
    return status;
}

static ns_status_t clear(ns_driver_t *self, uint32_t index) {
    ns_device_state_t *device = &self->devices[index];
    if (!evidence_is_durable(self, device)) {
        return NS_E_REFUSED;
    }
    if (device->status != NS_OK) { /* it may have faults that nobody saw */
        return device->status;
    }
    /* Faults that came since are not wiped unseen. One whose bytes never hold still, or never come
     * whole, must be cleared at last. */
    if (!ns_driver_evidence_is_current(self, index) &&
        device->clear_refusals < NS_DRIVER_CAPTURE_TRIES) {
        device->clear_refusals++;
        return NS_E_REFUSED;
    }
    device->clear_refusals = 0;
    return pass_to_device(self, index, NS_REQUEST_CLEAR);
}

static ns_status_t run(ns_driver_t *self, const ns_request_t *request) {
    if (request->device >= self->device_count) {
        return NS_E_ARG;
    }
    ns_device_state_t *device = &self->devices[request->device];
    if (device->device.ops->request == NULL) {
        return NS_E_UNSUPPORTED;
    }
    switch (request->kind) {
    case NS_REQUEST_CLEAR:
        return clear(self, request->device);
    case NS_REQUEST_RESET:
    case NS_REQUEST_POWER_CYCLE:
        (void)ns_driver_evidence_is_current(self, request->device); /* in the ring, come what may */
        /* Whatever it answers, it may have lost what it was told. */
        ns_driver_forget_applied(self, request->device);
        device->next_try_ns = 0;
        return pass_to_device(self, request->device, (ns_request_kind_t)request->kind);
    default:
        return NS_E_ARG;
    }
}

void ns_driver_run_requests(ns_driver_t *self, int64_t now_ns) {
    ns_request_t request;
    uint64_t ticket = 0;
    uint64_t epoch = ns_image_heartbeat(self->image) >> 32;
    self->is_rearmed = false;
    if (ns_image_take_request(self->image, self->index, epoch, now_ns, &request, &ticket) !=
        NS_OK) {
        return;
    }
    if (request.kind == NS_REQUEST_REARM) {
        self->is_rearmed = true; /* the rules finish it, with this round's samples */
        self->rearm_ticket = ticket;
        return;
    }
    ns_status_t status = run(self, &request);
    (void)ns_image_finish_request(self->image, self->index, ticket, status);
    ns_driver_keep(self, NS_CAUSE_REQUEST, request.device, NS_NO_POINT, status,
                   (double)request.kind, (double)NAN);
}
