/** @file nvml_limits.c  Cap, clock locks, persistence: written, verified, applied again. */
#include "nvml_state.h"

#define MILLI 1000.0
#define CAP_STEP_MW 1000U /* assumed: a driver may round a cap down to its own step, below 1 W */

static const struct {
    uint32_t channel;
    double scale;
    double value_max; /**< exclusive, in the channel's unit times scale */
} rows[NS_NVML_C_COUNT] = {
    [NS_NVML_C_PERSISTENCE] = {NS_NVML_PERSISTENCE, 1.0, 2.0},
    [NS_NVML_C_CLOCK] = {NS_NVML_CLOCK_MAX_MHZ, 1.0, 4294967296.0},
    [NS_NVML_C_MEMORY_CLOCK] = {NS_NVML_MEMORY_CLOCK_MAX_MHZ, 1.0, 4294967296.0},
    [NS_NVML_C_CAP] = {NS_NVML_CAP_W, MILLI, 4294967296.0},
};

/** To a setter, an invalid argument is the value, not the handle: readings tell about that. */
static ns_status_t settle_setter(ns_nvml_state_t *self, ns_nvml_return_t code) {
    return code == NS_NVML_INVALID_ARGUMENT ? NS_E_RANGE : ns_nvml_settle(self, code);
}

void ns_nvml_load_constraints(ns_nvml_state_t *self) {
    if (self->library.constraints == NULL) {
        return;
    }
    uint32_t low_mw = 0;
    uint32_t high_mw = 0;
    ns_status_t status =
        ns_nvml_settle(self, self->library.constraints(self->device, &low_mw, &high_mw));
    if (status != NS_OK || low_mw > high_mw || high_mw == 0) {
        return; /* limits that cannot be are none: the read-back after a write still decides */
    }
    self->has_constraints = true;
    self->cap_mw_min = low_mw;
    self->cap_mw_max = high_mw;
}

static bool is_applied(uint32_t wanted_mw, uint32_t reported_mw) {
    return reported_mw <= wanted_mw && wanted_mw - reported_mw < CAP_STEP_MW;
}

static ns_status_t set_cap(ns_nvml_state_t *self, uint32_t wanted_mw) {
    ns_status_t status = settle_setter(self, self->library.set_limit(self->device, wanted_mw));
    if (status != NS_OK) {
        return status;
    }
    /* A setter has been seen to answer success and to lift the limit instead: look. */
    uint32_t reported_mw = 0;
    ns_nvml_u32_fn getter = self->library.management_limit != NULL ? self->library.management_limit
                                                                   : self->library.enforced_limit;
    status = ns_nvml_settle(self, getter(self->device, &reported_mw));
    if (status != NS_OK) {
        return status;
    }
    return is_applied(wanted_mw, reported_mw) ? NS_OK : NS_E_RANGE;
}

static ns_status_t write_cap(ns_nvml_state_t *self, uint32_t wanted_mw) {
    if (!self->has_constraints) {
        ns_nvml_load_constraints(self);
    }
    if (!self->is_attached) {
        return self->absence;
    }
    if (self->has_constraints && (wanted_mw < self->cap_mw_min || wanted_mw > self->cap_mw_max)) {
        return NS_E_RANGE; /* never clamped: whoever asked for less must know that it is not so */
    }
    return set_cap(self, wanted_mw);
}

static ns_status_t set_clocks(ns_nvml_state_t *self, ns_nvml_set_clocks_fn function, uint32_t mhz) {
    return function == NULL ? NS_E_UNSUPPORTED
                            : settle_setter(self, function(self->device, 0, mhz));
}

static ns_status_t set_persistence(ns_nvml_state_t *self, uint32_t is_enabled) {
    return self->library.set_persistence == NULL
               ? NS_E_UNSUPPORTED
               : settle_setter(self, self->library.set_persistence(self->device, is_enabled));
}

static ns_status_t carry_out(ns_nvml_state_t *self, uint32_t command, uint32_t number) {
    switch (command) {
    case NS_NVML_C_PERSISTENCE:
        return set_persistence(self, number);
    case NS_NVML_C_CLOCK:
        return set_clocks(self, self->library.set_locked_clocks, number);
    case NS_NVML_C_MEMORY_CLOCK:
        return set_clocks(self, self->library.set_memory_clocks, number);
    default:
        return write_cap(self, number);
    }
}

ns_status_t ns_nvml_write(ns_nvml_state_t *self, uint32_t channel, double value) {
    uint32_t command = 0;
    while (command < NS_NVML_C_COUNT && rows[command].channel != channel) {
        command++;
    }
    if (command == NS_NVML_C_COUNT) {
        return channel < NS_NVML_CHANNEL_COUNT ? NS_E_UNSUPPORTED : NS_E_ARG;
    }
    double scaled = value * rows[command].scale;
    if (!(scaled >= 0.0 && scaled < rows[command].value_max)) {
        return NS_E_RANGE;
    }
    if (!self->is_attached) {
        return self->absence;
    }
    uint64_t bit = UINT64_C(1) << channel;
    if ((self->unsupported_writes & bit) != 0) {
        return NS_E_UNSUPPORTED;
    }
    uint32_t number = (uint32_t)scaled; /* upper limits: truncation is toward safe */
    ns_status_t status = carry_out(self, command, number);
    if (status == NS_OK) {
        self->given[command] = (ns_nvml_given_t){.is_given = true, .number = number};
    } else if (status == NS_E_UNSUPPORTED && self->is_attached) {
        self->unsupported_writes |= bit;
    }
    return status;
}

/** The tighter of what was commanded and what the device has of its own now; pending until the
 *  enforced limit says so. */
static void apply_cap(ns_nvml_state_t *self, uint32_t given_mw) {
    uint32_t own_mw = UINT32_MAX;
    self->cap_is_pending = true;
    ns_status_t status = ns_nvml_settle(self, self->library.enforced_limit(self->device, &own_mw));
    if (self->is_attached && (status != NS_OK || own_mw > given_mw)) {
        status = set_cap(self, given_mw);
        if (status == NS_OK) {
            own_mw = UINT32_MAX;
            status = ns_nvml_settle(self, self->library.enforced_limit(self->device, &own_mw));
        }
    }
    self->cap_is_pending = status != NS_OK || own_mw > given_mw;
}

void ns_nvml_apply_cap(ns_nvml_state_t *self) {
    if (self->given[NS_NVML_C_CAP].is_given) {
        apply_cap(self, self->given[NS_NVML_C_CAP].number);
    }
}

void ns_nvml_apply_given(ns_nvml_state_t *self) {
    for (uint32_t command = 0; self->is_attached && command < NS_NVML_C_CAP; command++) {
        ns_nvml_given_t *given = &self->given[command];
        if (given->is_given && carry_out(self, command, given->number) != NS_OK &&
            self->is_attached) {
            given->is_given = false; /* its channel shows the device's own; its writer repairs */
        }
    }
    if (self->is_attached) {
        ns_nvml_apply_cap(self);
    }
}
