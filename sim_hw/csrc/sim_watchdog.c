/** @file sim_watchdog.c */
#include "sim_watchdog.h"

#define NS_PER_S 1000000000

void sim_watchdog_init(sim_watchdog_t *self, uint32_t timeout_s_max) {
    uint32_t usual = SIM_WATCHDOG_TIMEOUT_S_DEFAULT;
    *self = (sim_watchdog_t){.timeout_s_max = timeout_s_max,
                             .timeout_s = timeout_s_max < usual ? timeout_s_max : usual};
}

ns_status_t sim_watchdog_start(sim_watchdog_t *self) {
    if (self->is_dead) {
        return NS_E_IO;
    }
    if (self->is_open) {
        return NS_E_BUSY;
    }
    self->is_open = true;
    self->is_armed = true;
    self->may_close = false;
    self->kicked_ns = self->now_ns;
    return NS_OK;
}

static ns_status_t check(const sim_watchdog_t *self) {
    if (self->is_dead) {
        return NS_E_IO;
    }
    return self->is_open ? NS_OK : NS_E_ARG;
}

ns_status_t sim_watchdog_write(sim_watchdog_t *self, const uint8_t *bytes, size_t size) {
    if (bytes == NULL && size > 0) {
        return NS_E_ARG;
    }
    ns_status_t status = check(self);
    if (status == NS_OK && size > 0) {
        self->may_close = bytes[size - 1u] == (uint8_t)'V';
        self->kicked_ns = self->now_ns;
    }
    return status;
}

ns_status_t sim_watchdog_kick(sim_watchdog_t *self) {
    ns_status_t status = check(self);
    if (status == NS_OK) {
        self->kicked_ns = self->now_ns;
    }
    return status;
}

ns_status_t sim_watchdog_set_timeout(sim_watchdog_t *self, uint32_t timeout_s) {
    ns_status_t status = check(self);
    if (status != NS_OK) {
        return status;
    }
    if (timeout_s == 0 || timeout_s > self->timeout_s_max) {
        return NS_E_RANGE;
    }
    self->timeout_s = timeout_s;
    self->kicked_ns = self->now_ns;
    return NS_OK;
}

ns_status_t sim_watchdog_get_timeout(const sim_watchdog_t *self, uint32_t *out_timeout_s) {
    if (out_timeout_s == NULL) {
        return NS_E_ARG;
    }
    ns_status_t status = check(self);
    if (status == NS_OK) {
        *out_timeout_s = self->timeout_s;
    }
    return status;
}

static int64_t left_ns(const sim_watchdog_t *self) {
    return self->kicked_ns + (int64_t)self->timeout_s * NS_PER_S - self->now_ns;
}

ns_status_t sim_watchdog_get_status(const sim_watchdog_t *self, sim_watchdog_status_t *out_status) {
    if (out_status == NULL) {
        return NS_E_ARG;
    }
    if (self->is_dead) {
        return NS_E_IO;
    }
    bool is_running = self->is_armed && !self->has_bitten;
    *out_status =
        (sim_watchdog_status_t){.is_armed = self->is_armed,
                                .has_bitten = self->has_bitten,
                                .was_reset_by = self->was_reset_by,
                                .timeout_s = self->timeout_s,
                                .left_s = is_running ? (uint32_t)(left_ns(self) / NS_PER_S) : 0};
    return NS_OK;
}

void sim_watchdog_close(sim_watchdog_t *self) {
    if (self->is_open && self->may_close && !self->is_nowayout) {
        self->is_armed = false;
    }
    self->is_open = false;
    self->may_close = false;
}

bool sim_watchdog_advance(sim_watchdog_t *self, int64_t now_ns) {
    self->now_ns = now_ns;
    if (self->is_armed && !self->has_bitten && left_ns(self) <= 0) {
        self->has_bitten = true;
        self->bite_count++;
    }
    return self->has_bitten;
}

void sim_watchdog_reset(sim_watchdog_t *self) {
    self->was_reset_by = self->has_bitten;
    self->has_bitten = self->is_open = self->is_armed = self->may_close = false;
    self->timeout_s = self->timeout_s_max < SIM_WATCHDOG_TIMEOUT_S_DEFAULT
                          ? self->timeout_s_max
                          : SIM_WATCHDOG_TIMEOUT_S_DEFAULT;
}
