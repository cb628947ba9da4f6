#include <math.h>

#include "driver_state.h"

void ns_driver_keep_record(ns_driver_t *self, ns_evidence_t *record) {
    record->time_ns = self->now_ns;
    ns_status_t status = ns_image_put_evidence(self->image, self->index, record);
    bool is_of_device = record->cause != NS_CAUSE_REQUEST && record->device < self->device_count;
    if (status == NS_OK && is_of_device) {
        self->devices[record->device].evidence_sequence = record->sequence;
    }
}

void ns_driver_keep(ns_driver_t *self, uint32_t cause, uint32_t device, uint32_t point,
                    ns_status_t status, double value, double limit) {
    ns_evidence_t record = {.cause = cause,
                            .device = device,
                            .point = point == NS_NO_POINT ? point : self->first_point + point,
                            .status = status,
                            .value = value,
                            .limit = limit};
    ns_driver_keep_record(self, &record);
}
