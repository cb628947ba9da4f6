#include <math.h>

#include "pmbus_state.h"

/** Upper limits go down, the lower one up: what a word cannot say is lost on the safe side. */
static ns_rounding_t rounding_of(uint8_t kind) {
    return kind == NS_LIMIT_VOLTAGE_LOW ? NS_ROUND_UP : NS_ROUND_DOWN;
}

static const ns_pmbus_limit_data_t *limit_data(const ns_pmbus_t *self, uint8_t kind) {
    return &ns_pmbus_data(self)->limits[kind];
}

static const ns_pmbus_scale_t *limit_scale(const ns_pmbus_t *self, uint8_t kind) {
    return &self->scales[limit_data(self, kind)->quantity];
}

static bool is_wanted(double value) {
    return !isnan(value) && (value < 0.0 || value > 0.0);
}

ns_status_t ns_pmbus_set_limits(ns_pmbus_t *self) {
    const ns_pmbus_config_t *config = &self->config;
    const double wanted[NS_LIMIT_COUNT] = {
        [NS_LIMIT_CURRENT] = config->current_limit_a,
        [NS_LIMIT_VOLTAGE_HIGH] = config->voltage_limit_v_high,
        [NS_LIMIT_VOLTAGE_LOW] = config->voltage_limit_v_low,
        [NS_LIMIT_TEMP] = config->temp_limit_c,
        [NS_LIMIT_POWER] = config->power_limit_w,
    };
    for (uint8_t kind = 0; kind < NS_LIMIT_COUNT; kind++) {
        if (!is_wanted(wanted[kind])) {
            continue;
        }
        uint8_t command = limit_data(self, kind)->command;
        if (command == 0) {
            return NS_E_UNSUPPORTED;
        }
        uint16_t raw = 0;
        const ns_pmbus_scale_t *scale = limit_scale(self, kind);
        if (scale->format == NS_FORMAT_LINEAR11 &&
            ns_pmbus_encode(scale, wanted[kind], rounding_of(kind), 0, &raw) != NS_OK) {
            return NS_E_RANGE; /* better said now than at the first begin */
        }
        self->limits[self->limit_count++] =
            (ns_pmbus_limit_t){.wanted = wanted[kind], .command = command, .kind = kind};
    }
    return NS_OK;
}

ns_status_t ns_pmbus_encode_limits(ns_pmbus_t *self) {
    for (uint32_t i = 0; i < self->limit_count; i++) {
        ns_pmbus_limit_t *limit = &self->limits[i];
        bool is_voltage =
            limit->kind == NS_LIMIT_VOLTAGE_HIGH || limit->kind == NS_LIMIT_VOLTAGE_LOW;
        if (is_voltage && self->limits_are_relative) {
            return NS_E_UNSUPPORTED;
        }
        const ns_pmbus_scale_t *scale = limit_scale(self, limit->kind);
        ns_status_t status = ns_pmbus_encode(scale, limit->wanted, rounding_of(limit->kind),
                                             limit_data(self, limit->kind)->word_max, &limit->raw);
        if (status == NS_OK) {
            status = ns_pmbus_decode(scale, limit->raw, &limit->value);
        }
        if (status != NS_OK) {
            return status;
        }
    }
    return NS_OK;
}

/** By value: one value has many words. A word without a value is no limit at all. */
static ns_status_t limit_is_programmed(ns_pmbus_t *self, const ns_pmbus_limit_t *limit, bool *out) {
    uint16_t raw = 0;
    ns_status_t status = ns_pmbus_read_word(self, limit->command, &raw);
    if (status != NS_OK) {
        return status;
    }
    double value = 0.0;
    *out = ns_pmbus_decode(limit_scale(self, limit->kind), raw, &value) == NS_OK &&
           value >= limit->value && value <= limit->value;
    return NS_OK;
}

/** Bit i: limit i is not as wanted. */
static ns_status_t find_wrong_limits(ns_pmbus_t *self, uint32_t *out) {
    uint32_t wrong = 0;
    for (uint32_t i = 0; i < self->limit_count; i++) {
        bool is_programmed = false;
        ns_status_t status = limit_is_programmed(self, &self->limits[i], &is_programmed);
        if (status != NS_OK) {
            return status;
        }
        wrong |= is_programmed ? 0U : 1U << i;
    }
    *out = wrong;
    return NS_OK;
}

ns_status_t ns_pmbus_unlock(ns_pmbus_t *self) {
    return self->has_protect ? ns_pmbus_write_verified(self, WRITE_PROTECT, 1, PROTECT_NONE)
                             : NS_OK;
}

ns_status_t ns_pmbus_lock(ns_pmbus_t *self) {
    return self->has_protect ? ns_pmbus_write_verified(self, WRITE_PROTECT, 1, PROTECT_MOST)
                             : NS_OK;
}

static ns_status_t write_limits(ns_pmbus_t *self, uint32_t wrong) {
    for (uint32_t i = 0; i < self->limit_count; i++) {
        const ns_pmbus_limit_t *limit = &self->limits[i];
        if ((wrong >> i & 1U) == 0) {
            continue;
        }
        ns_status_t status = ns_pmbus_verify_page(self);
        if (status == NS_OK) {
            status = ns_pmbus_write(self, limit->command, 2, limit->raw);
        }
        if (status != NS_OK) {
            return status;
        }
    }
    uint32_t still_wrong = 0;
    ns_status_t status = find_wrong_limits(self, &still_wrong);
    if (status != NS_OK) {
        return status;
    }
    return still_wrong == 0 ? NS_OK : NS_E_RANGE;
}

static ns_status_t program_limits(ns_pmbus_t *self, uint32_t wrong) {
    self->program_count++;
    ns_status_t status = ns_pmbus_unlock(self);
    if (status != NS_OK) {
        return status;
    }
    status = write_limits(self, wrong);
    if (status == NS_E_TIMEOUT) {
        return status; /* no time is left for the lock either: the next begin sets it */
    }
    ns_status_t lock_status = ns_pmbus_lock(self);
    return status != NS_OK ? status : lock_status;
}

/** Two reads must agree that the lock is gone. */
static ns_status_t lock_is_lost(ns_pmbus_t *self, bool *out) {
    uint8_t protect = PROTECT_MOST;
    *out = false;
    for (int attempt = 0; attempt < 2 && self->has_protect; attempt++) {
        ns_status_t status = ns_pmbus_read_byte(self, WRITE_PROTECT, &protect);
        if (status != NS_OK || protect == PROTECT_MOST) {
            return status;
        }
    }
    *out = self->has_protect;
    return NS_OK;
}

/** Two reads must agree that a limit is gone, each of them on the right page: a part that has just
 *  restarted is on page 0, and its limits there are another rail's. */
static ns_status_t find_lost_limits(ns_pmbus_t *self, uint32_t *out) {
    uint32_t wrong = 0;
    uint32_t wrong_again = 0;
    ns_status_t status = find_wrong_limits(self, &wrong);
    if (status == NS_OK && wrong != 0) {
        status = ns_pmbus_select(self);
        if (status == NS_OK) {
            status = find_wrong_limits(self, &wrong_again);
        }
    }
    if (status != NS_OK) {
        return status;
    }
    *out = wrong & wrong_again;
    return wrong_again != 0 && *out == 0 ? NS_E_RANGE : NS_OK;
}

/** What was right and is lost was lost in a restart, and with it all that was learnt. */
static ns_status_t restore(ns_pmbus_t *self, uint32_t lost) {
    if (self->limits_are_held) {
        ns_pmbus_forget(self);
        ns_status_t status = ns_pmbus_ensure_learnt(self);
        if (status == NS_OK) { /* their words may be others now */
            status = find_wrong_limits(self, &lost);
        }
        if (status != NS_OK) {
            return status;
        }
    }
    return lost != 0 ? program_limits(self, lost) : ns_pmbus_lock(self);
}

ns_status_t ns_pmbus_ensure_limits(ns_pmbus_t *self) {
    uint32_t lost = 0;
    bool is_unlocked = false;
    ns_status_t status = find_lost_limits(self, &lost);
    if (status == NS_OK && lost == 0) {
        status = lock_is_lost(self, &is_unlocked);
    }
    if (status == NS_OK && (lost != 0 || is_unlocked)) {
        status = restore(self, lost);
    }
    if (status == NS_OK) {
        self->limits_are_held = true;
    }
    return status;
}
