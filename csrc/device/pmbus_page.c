#include "pmbus_state.h"

/* PAGE and PHASE are never remembered: whoever else talks to the part, or a brown-out, moves them
 * without a sign. */

/** PHASE does not pass WRITE_PROTECT 0x40 (PMBus part II, WRITE_PROTECT), so it is written only
 *  where it differs. */
static ns_status_t select_phase(ns_pmbus_t *self) {
    uint8_t phase = 0;
    ns_status_t status = ns_pmbus_read_byte(self, PHASE, &phase);
    if (status != NS_OK || phase == self->config.phase) {
        return status;
    }
    status = ns_pmbus_unlock(self);
    if (status != NS_OK) {
        return status;
    }
    status = ns_pmbus_write_verified(self, PHASE, 1, self->config.phase);
    ns_status_t lock_status = status == NS_E_TIMEOUT ? status : ns_pmbus_lock(self);
    if (status != NS_OK || lock_status != NS_OK) {
        self->check_countdown = 0; /* the next begin looks at the lock */
    }
    if (status != NS_OK) {
        return status == NS_E_RANGE ? NS_E_PAGE : status;
    }
    return lock_status;
}

ns_status_t ns_pmbus_verify_page(ns_pmbus_t *self) {
    if (self->config.has_page == 0) {
        return NS_OK;
    }
    uint8_t page = 0;
    ns_status_t status = ns_pmbus_read_byte(self, PAGE, &page);
    if (status != NS_OK) {
        return status;
    }
    return page == self->config.page ? NS_OK : NS_E_PAGE;
}

ns_status_t ns_pmbus_select(ns_pmbus_t *self) {
    if (self->config.has_page != 0) {
        ns_status_t status = ns_pmbus_write_verified(self, PAGE, 1, self->config.page);
        if (status != NS_OK) {
            return status == NS_E_RANGE ? NS_E_PAGE : status;
        }
    }
    if (self->config.has_phase == 0) {
        return NS_OK;
    }
    ns_status_t status = select_phase(self);
    return status == NS_OK ? ns_pmbus_verify_page(self) : status; /* that took a while */
}
