#include "driver_state.h"

#define STATISTICS_PERIOD_NS 1000000000 /* percentiles cost some 0.3 us */

static bool advance_time(ns_driver_t *self, int64_t now_ns) {
    if (self == NULL || now_ns < self->now_ns) {
        return false;
    }
    self->now_ns = now_ns;
    return true;
}

static uint32_t flags_of(const ns_driver_t *self, uint32_t index) {
    uint32_t kept = self->samples.flags[index] & (NS_FLAG_REFUSED | NS_FLAG_WRITE_FAILED);
    uint32_t lapsed = self->states[index].phase == NS_LEASE_LAPSED ? NS_FLAG_LAPSED : 0U;
    uint32_t held = ns_driver_holding_reflex(self, index) != NULL ? NS_FLAG_REFLEX : 0U;
    uint32_t abandoned = self->states[index].is_locked ? NS_FLAG_ABANDONED : 0U;
    return kept | lapsed | held | abandoned;
}

static void publish_statistics(ns_driver_t *self, int64_t now_ns) {
    if (self->port == NULL || now_ns < self->statistics_due_ns) {
        return;
    }
    self->statistics_due_ns = now_ns + STATISTICS_PERIOD_NS;
    ns_bus_statistics_t statistics;
    if (ns_bus_port_statistics(self->port, &statistics) == NS_OK) {
        (void)ns_image_set_statistics(self->image, self->index, &statistics);
    }
}

ns_status_t ns_driver_poll(ns_driver_t *self, int64_t now_ns) {
    if (!advance_time(self, now_ns)) {
        return NS_E_ARG;
    }
    for (uint32_t i = 0; i < self->device_count; i++) {
        ns_driver_poll_device(self, i, now_ns);
    }
    ns_driver_run_requests(self, now_ns);
    ns_driver_allow_writes(self);
    ns_driver_update_leases(self, now_ns);
    ns_driver_run_reflexes(self, now_ns);
    for (uint32_t i = 0; i < self->point_count; i++) {
        if (self->points[i].is_writable != 0) {
            self->samples.flags[i] = flags_of(self, i);
        }
    }
    self->health.poll_count++;
    self->health.last_poll_ns = now_ns;
    (void)ns_image_publish(self->image, self->index, &self->samples);
    (void)ns_image_set_health(self->image, self->index, &self->health);
    publish_statistics(self, now_ns);
    return NS_OK;
}

ns_status_t ns_driver_step(ns_driver_t *self, int64_t now_ns) {
    ns_status_t status = ns_driver_poll(self, now_ns);
    return status != NS_OK ? status : ns_driver_reconcile(self, now_ns);
}

typedef ns_status_t (*driver_call_t)(ns_driver_t *self, int64_t now_ns);

static ns_status_t call_all(driver_call_t call, ns_driver_t *const *drivers, uint32_t count,
                            int64_t now_ns) {
    if (drivers == NULL && count > 0) {
        return NS_E_ARG;
    }
    ns_status_t worst = NS_OK;
    for (uint32_t i = 0; i < count; i++) {
        ns_status_t status = call(drivers[i], now_ns);
        if (status != NS_OK && worst != NS_E_ARG) {
            worst = status;
        }
    }
    return worst;
}

ns_status_t ns_drivers_poll(ns_driver_t *const *drivers, uint32_t count, int64_t now_ns) {
    return call_all(ns_driver_poll, drivers, count, now_ns);
}

ns_status_t ns_drivers_reconcile(ns_driver_t *const *drivers, uint32_t count, int64_t now_ns) {
    return call_all(ns_driver_reconcile, drivers, count, now_ns);
}

ns_status_t ns_drivers_step(ns_driver_t *const *drivers, uint32_t count, int64_t now_ns) {
    return call_all(ns_driver_step, drivers, count, now_ns);
}
