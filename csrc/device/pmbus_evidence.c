#include <math.h>
#include <string.h>

#include "pmbus_state.h"

/* STATUS_WORD without BUSY (7), OFF (6), POWER_GOOD# (11) and NONE OF THE ABOVE (0), which tell a
 * state and not a fault (PMBus part II, STATUS_WORD). */
#define FAULT_MASK 0xF73EU

#define ELEMENT_HEAD 2U
#define LOG_HEAD_MAX 32U

/* Which status register a bit of STATUS_WORD points at. A register that nothing points at is not
 * read: a part that does not know it would raise another fault. */
static const struct {
    uint16_t bits;
    uint8_t command;
} status_registers[] = {
    {0x8020, STATUS_VOUT},        {0x4010, STATUS_IOUT}, {0x2008, STATUS_INPUT},
    {0x0004, STATUS_TEMPERATURE}, {0x0002, STATUS_CML},  {0x1000, STATUS_MFR_SPECIFIC},
};

static const uint32_t peak_channels[] = {NS_PMBUS_VOLTAGE_V_PEAK, NS_PMBUS_CURRENT_A_PEAK,
                                         NS_PMBUS_POWER_W_PEAK, NS_PMBUS_TEMP_C_PEAK};

uint32_t ns_pmbus_alarm(void *ctx) {
    const ns_pmbus_t *self = ctx;
    return (uint32_t)(self->status_word & FAULT_MASK & (uint16_t)~self->ignored_faults);
}

double ns_pmbus_keep_peak(ns_pmbus_t *self, uint32_t channel, double value) {
    if (!ns_pmbus_data(self)->peaks_are_wiped || channel < NS_PMBUS_VOLTAGE_V_PEAK ||
        channel > NS_PMBUS_TEMP_C_PEAK) {
        return value;
    }
    double *peak = &self->peaks[channel - NS_PMBUS_VOLTAGE_V_PEAK];
    if (isnan(*peak) || value > *peak) {
        *peak = value;
    }
    return *peak;
}

/** Where capture writes to. */
typedef struct evidence {
    uint8_t *bytes;
    size_t capacity;
    size_t used;
    bool is_over; /**< no time is left */
} evidence_t;

static size_t room(const evidence_t *evidence) {
    size_t left = evidence->capacity - evidence->used;
    return left > ELEMENT_HEAD ? left - ELEMENT_HEAD : 0;
}

static void add(evidence_t *evidence, uint8_t tag, const uint8_t *bytes, size_t size) {
    if (size == 0 || size > room(evidence)) {
        return;
    }
    uint8_t *element = &evidence->bytes[evidence->used];
    element[0] = tag;
    element[1] = (uint8_t)size;
    memcpy(&element[ELEMENT_HEAD], bytes, size);
    evidence->used += ELEMENT_HEAD + size;
}

static void add_byte(ns_pmbus_t *self, evidence_t *evidence, uint8_t command) {
    uint8_t byte = 0;
    if (evidence->is_over || room(evidence) < 1) {
        return;
    }
    ns_status_t status = ns_pmbus_read_byte(self, command, &byte);
    evidence->is_over = status == NS_E_TIMEOUT;
    if (status == NS_OK) {
        add(evidence, command, &byte, 1);
    }
}

static ns_status_t add_word(ns_pmbus_t *self, evidence_t *evidence, uint8_t command,
                            uint16_t *out) {
    if (evidence->is_over || room(evidence) < 2) {
        return NS_E_FULL;
    }
    ns_status_t status = ns_pmbus_read_word(self, command, out);
    evidence->is_over = status == NS_E_TIMEOUT;
    if (status == NS_OK) {
        const uint8_t bytes[2] = {(uint8_t)(*out & 0xFFU), (uint8_t)(*out >> 8)};
        add(evidence, command, bytes, sizeof bytes);
    }
    return status;
}

static void add_log(ns_pmbus_t *self, evidence_t *evidence, uint8_t command) {
    uint8_t bytes[LOG_HEAD_MAX] = {0};
    size_t capacity = room(evidence) < sizeof bytes ? room(evidence) : sizeof bytes;
    size_t size = 0;
    if (command == 0 || evidence->is_over || capacity == 0) {
        return;
    }
    ns_status_t status =
        ns_pmbus_read_log(self, command, ns_pmbus_data(self)->log_size, bytes, capacity, &size);
    evidence->is_over = status == NS_E_TIMEOUT;
    if (status == NS_OK) {
        add(evidence, command, bytes, size);
    }
}

static void add_details(ns_pmbus_t *self, evidence_t *evidence, uint16_t word) {
    for (size_t i = 0; i < sizeof status_registers / sizeof status_registers[0]; i++) {
        if ((word & status_registers[i].bits) != 0) {
            add_byte(self, evidence, status_registers[i].command);
        }
    }
    for (size_t i = 0; i < sizeof peak_channels / sizeof peak_channels[0]; i++) {
        const ns_pmbus_reading_t *peak = &ns_pmbus_data(self)->readings[peak_channels[i]];
        bool is_there = peak->command != 0 && (self->unsupported >> peak_channels[i] & 1U) == 0;
        uint16_t raw = 0;
        if (is_there) {
            (void)add_word(self, evidence, peak->command, &raw);
        }
    }
    add_log(self, evidence, ns_pmbus_data(self)->log_command);
    add_log(self, evidence, ns_pmbus_data(self)->log_extra);
}

ns_status_t ns_pmbus_capture(void *ctx, uint8_t *out, size_t capacity, size_t *out_size) {
    ns_pmbus_t *self = ctx;
    evidence_t evidence = {.bytes = out, .capacity = capacity};
    ns_status_t status = ns_pmbus_select(self);
    if (status != NS_OK) {
        return status;
    }
    add(&evidence, PAGE, &self->config.page, 1);
    if (self->config.has_phase != 0) {
        add(&evidence, PHASE, &self->config.phase, 1);
    }
    uint16_t word = 0;
    status = add_word(self, &evidence, STATUS_WORD, &word);
    if (status != NS_OK) {
        return status;
    }
    add_details(self, &evidence, word);
    *out_size = evidence.used;
    return NS_OK;
}

/** What CLEAR_FAULTS wipes is read before; what cannot be read is lost, and clearing goes on. */
static ns_status_t save_peaks(ns_pmbus_t *self) {
    if (!ns_pmbus_data(self)->peaks_are_wiped || !self->is_learnt) {
        return NS_OK;
    }
    for (size_t i = 0; i < sizeof peak_channels / sizeof peak_channels[0]; i++) {
        double value = 0.0;
        ns_status_t status = ns_pmbus_read_number(self, peak_channels[i], &value);
        if (status == NS_E_TIMEOUT) {
            return status;
        }
    }
    return NS_OK;
}

/** Another page's faults are another rail's evidence, so the page is verified before each byte. */
static ns_status_t send_to_page(ns_pmbus_t *self, uint8_t command, size_t size) {
    ns_status_t status = ns_pmbus_verify_page(self);
    return status == NS_OK ? ns_pmbus_write(self, command, size, 0) : status;
}

static ns_status_t send_clear(ns_pmbus_t *self) {
    uint8_t first = ns_pmbus_data(self)->clear_first;
    ns_status_t status = first == 0 ? NS_OK : send_to_page(self, first, 1);
    return status == NS_OK ? send_to_page(self, CLEAR_FAULTS, 0) : status;
}

static ns_status_t clear(ns_pmbus_t *self) {
    ns_status_t status = save_peaks(self);
    if (status != NS_OK || ns_pmbus_data(self)->clear_is_open || !self->has_protect) {
        return status == NS_OK ? send_clear(self) : status;
    }
    self->check_countdown = 0; /* whatever happens now, the next begin looks at the lock */
    status = ns_pmbus_unlock(self);
    if (status == NS_OK) {
        status = send_clear(self);
    }
    ns_status_t lock_status = status == NS_E_TIMEOUT ? status : ns_pmbus_lock(self);
    return status != NS_OK ? status : lock_status;
}

/** The output comes back by itself, so it must be on now, behind limits that were verified. */
static ns_status_t power_cycle(ns_pmbus_t *self) {
    uint8_t command = ns_pmbus_data(self)->power_cycle;
    uint8_t operation = 0;
    ns_status_t status = ns_pmbus_ensure_learnt(self);
    if (status == NS_OK) {
        status = ns_pmbus_ensure_limits(self);
    }
    if (status == NS_OK) {
        status = ns_pmbus_read_operation(self, &operation);
    }
    if (status == NS_OK && (operation & OPERATION_ON) == 0) {
        return NS_E_REFUSED;
    }
    if (status == NS_OK) {
        status = ns_pmbus_write(self, command, 0, 0);
    }
    ns_pmbus_forget(self);
    return status;
}

ns_status_t ns_pmbus_request(void *ctx, ns_request_kind_t kind) {
    ns_pmbus_t *self = ctx;
    bool is_clear = kind == NS_REQUEST_CLEAR;
    bool is_cycle = kind == NS_REQUEST_POWER_CYCLE && ns_pmbus_data(self)->power_cycle != 0;
    if (!is_clear && !is_cycle) {
        return NS_E_UNSUPPORTED;
    }
    ns_status_t status = ns_pmbus_select(self);
    if (status != NS_OK) {
        return status;
    }
    return is_clear ? clear(self) : power_cycle(self);
}
