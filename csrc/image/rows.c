#include <math.h>
#include <string.h>

#include "layout.h"

static bool is_terminated(const char *name) {
    return name[0] != '\0' && memchr(name, '\0', NS_NAME_SIZE) != NULL;
}

static bool writable_is_valid(const ns_point_t *point) {
    bool limits_are_valid = point->low <= point->high && point->tolerance >= 0.0 &&
                            point->ramp_per_s >= 0.0 && isfinite(point->ramp_per_s);
    bool safe_is_valid = point->lease_ns == 0 || isnan(point->safe) ||
                         (point->safe >= point->low && point->safe <= point->high);
    bool abandon_is_valid =
        point->abandon_ns == 0 || (point->abandon_ns > 0 && point->abandon_value >= point->low &&
                                   point->abandon_value <= point->high);
    return limits_are_valid && safe_is_valid && abandon_is_valid;
}

static bool point_is_valid(const ns_point_t *point, const ns_image_config_t *config) {
    if (!is_terminated(point->name) || point->driver >= config->driver_count ||
        point->device >= config->drivers[point->driver].device_count || point->is_writable > 1 ||
        point->repairs_down > 1 || point->reserved != 0 || point->period_ns <= 0 ||
        point->lease_ns < 0) {
        return false;
    }
    if (point->phase_ns < 0 || point->phase_ns >= point->period_ns) {
        return false;
    }
    return point->is_writable == 0 || writable_is_valid(point);
}

static bool driver_is_valid(const ns_driver_entry_t *driver) {
    return is_terminated(driver->name) && driver->reserved == 0 && driver->deadline_ns >= 0 &&
           driver->backoff_max_ns >= 0 && driver->retry_count <= NS_RETRIES_MAX;
}

static bool reflex_is_valid(const ns_reflex_t *rule, const ns_image_config_t *config) {
    if (rule->point >= config->point_count || rule->action_point >= config->point_count ||
        rule->comparison > NS_BELOW || rule->reserved != 0 || rule->persistence_ns < 0 ||
        rule->max_age_ns < 0 || !isfinite(rule->threshold) || !isfinite(rule->action_value)) {
        return false;
    }
    const ns_point_t *action = &config->points[rule->action_point];
    bool is_foreign = config->points[rule->point].driver != action->driver;
    return action->is_writable != 0 && rule->action_value >= action->low &&
           rule->action_value <= action->high && !(is_foreign && rule->max_age_ns == 0);
}

/** The rules of one point want the same of it: two that are latched must not depend on their order.
 *  Those of one driver stand together, so only they are looked at. */
static bool action_is_agreed(const ns_image_config_t *config, uint32_t index) {
    const ns_reflex_t *rule = &config->reflexes[index];
    uint32_t driver = config->points[rule->action_point].driver;
    for (uint32_t i = index; i > 0; i--) {
        const ns_reflex_t *other = &config->reflexes[i - 1];
        if (config->points[other->action_point].driver != driver) {
            return true;
        }
        bool is_same =
            other->action_value >= rule->action_value && other->action_value <= rule->action_value;
        if (other->action_point == rule->action_point) {
            return is_same; /* and that one agrees with those before it */
        }
    }
    return true;
}

bool ns_image_rows_are_valid(const ns_image_config_t *config) {
    for (uint32_t i = 0; i < config->driver_count; i++) {
        if (!driver_is_valid(&config->drivers[i])) {
            return false;
        }
    }
    uint32_t driver = 0;
    for (uint32_t i = 0; i < config->point_count; i++) {
        const ns_point_t *point = &config->points[i];
        if (!point_is_valid(point, config) || point->driver < driver) {
            return false;
        }
        driver = point->driver;
    }
    driver = 0;
    for (uint32_t i = 0; i < config->reflex_count; i++) {
        const ns_reflex_t *rule = &config->reflexes[i];
        if (!reflex_is_valid(rule, config) || config->points[rule->action_point].driver < driver ||
            !action_is_agreed(config, i)) {
            return false;
        }
        driver = config->points[rule->action_point].driver;
    }
    return true;
}
