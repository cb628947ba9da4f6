#include <math.h>
#include <string.h>

#include "pmbus_state.h"

/* STATUS_WORD without BUSY (7), OFF (6), POWER_GOOD# (11) and NONE OF THE ABOVE (0), which tell a
 * state and not a fault (PMBus part II, STATUS_WORD). */
#define FAULT_MASK 0xF73EU

#define ELEMENT_HEAD 2U
#define LOG_HEAD_MAX 32U

/* Bits of STATUS_WORD and STATUS_INPUT: PMBus part II. */
#define WORD_INPUT 0x2000U
#define WORD_MFR_SPECIFIC 0x1000U
#define WORD_VIN_UV 0x0008U
#define INPUT_VIN_UV_FAULT 0x10U

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

/** True where the bits that stand are those of the start alone; the others are forgotten. */
static bool is_of_start(uint8_t bits, uint8_t *ignored) {
    *ignored &= bits;
    return *ignored != 0 && bits == *ignored;
}

/** An undervoltage of the start also sets its own bit of STATUS_WORD. */
static ns_status_t judge_input(ns_pmbus_t *self, uint16_t word, uint16_t *ignored_faults) {
    uint8_t bits = 0;
    if (self->ignored_input == 0) {
        return NS_OK;
    }
    ns_status_t status = NS_OK;
    if ((word & (WORD_INPUT | WORD_VIN_UV)) != 0) {
        status = ns_pmbus_read_byte(self, STATUS_INPUT, &bits);
    }
    if (status != NS_OK) {
        return status;
    }
    if (is_of_start(bits, &self->ignored_input)) {
        *ignored_faults |= WORD_INPUT;
    }
    if ((self->ignored_input & INPUT_VIN_UV_FAULT) != 0) {
        *ignored_faults |= WORD_VIN_UV;
    }
    return NS_OK;
}

static ns_status_t judge_specific(ns_pmbus_t *self, uint16_t word, uint16_t *ignored_faults) {
    uint8_t bits = 0;
    if (self->ignored_specific == 0) {
        return NS_OK;
    }
    ns_status_t status = NS_OK;
    if ((word & WORD_MFR_SPECIFIC) != 0) {
        status = ns_pmbus_read_byte(self, STATUS_MFR_SPECIFIC, &bits);
    }
    if (status == NS_OK && is_of_start(bits, &self->ignored_specific)) {
        *ignored_faults |= WORD_MFR_SPECIFIC;
    }
    return status;
}

/** A summary bit hides what else stands behind it, so each is judged by its own register. */
ns_status_t ns_pmbus_fetch_status(ns_pmbus_t *self) {
    uint16_t word = 0;
    uint16_t ignored_faults = 0;
    ns_status_t status = ns_pmbus_read_word(self, STATUS_WORD, &word);
    if (status == NS_OK) {
        status = judge_input(self, word, &ignored_faults);
    }
    if (status == NS_OK) {
        status = judge_specific(self, word, &ignored_faults);
    }
    if (status == NS_OK) {
        self->status_word = word;
        self->ignored_faults = ignored_faults;
        self->status_is_known = true;
    }
    return status;
}

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
    ns_status_t status; /**< the first that was not NS_OK */
    bool is_over;       /**< no time is left */
} evidence_t;

static void note(evidence_t *evidence, ns_status_t status) {
    evidence->status = evidence->status == NS_OK ? status : evidence->status;
    evidence->is_over = evidence->is_over || status == NS_E_TIMEOUT;
}

static void add(evidence_t *evidence, uint8_t tag, const uint8_t *bytes, size_t size) {
    if (evidence->capacity - evidence->used < ELEMENT_HEAD + size) {
        note(evidence, NS_E_FULL);
        return;
    }
    uint8_t *element = &evidence->bytes[evidence->used];
    element[0] = tag;
    element[1] = (uint8_t)size;
    memcpy(&element[ELEMENT_HEAD], bytes, size);
    evidence->used += ELEMENT_HEAD + size;
}

/** A generic part is asked; one that is known says nothing new by a NACK. */
static void add_status(ns_pmbus_t *self, evidence_t *evidence, uint8_t command) {
    uint8_t bit = (uint8_t)(1U << (command - STATUS_VOUT));
    uint8_t byte = 0;
    bool is_known = true;
    if (evidence->is_over || (self->missing_status & bit) != 0) {
        return;
    }
    ns_status_t status = self->config.part == NS_PMBUS_PART_GENERIC
                             ? ns_pmbus_read_optional(self, command, &byte, &is_known)
                             : ns_pmbus_read_byte(self, command, &byte);
    note(evidence, status);
    if (status == NS_OK && is_known) {
        add(evidence, command, &byte, 1);
    } else if (status == NS_OK) {
        self->missing_status |= bit;
    }
}

static void add_log(ns_pmbus_t *self, evidence_t *evidence, uint8_t command) {
    uint8_t bytes[LOG_HEAD_MAX] = {0};
    size_t size = 0;
    if (command == 0 || evidence->is_over) {
        return;
    }
    ns_status_t status =
        ns_pmbus_read_log(self, command, ns_pmbus_data(self)->log_size, bytes, sizeof bytes, &size);
    note(evidence, status);
    if (status == NS_OK && size > 0) {
        add(evidence, command, bytes, size);
    }
}

/** Bits that tell a state, and readings, move by themselves: they are not of a fault. */
static void add_status_word(ns_pmbus_t *self, evidence_t *evidence, uint16_t *out_faults) {
    uint16_t word = 0;
    ns_status_t status = ns_pmbus_read_word(self, STATUS_WORD, &word);
    note(evidence, status);
    if (status == NS_OK) {
        *out_faults = word & FAULT_MASK;
        const uint8_t bytes[2] = {(uint8_t)(*out_faults & 0xFFU), (uint8_t)(*out_faults >> 8)};
        add(evidence, STATUS_WORD, bytes, sizeof bytes);
    }
}

static void add_all(ns_pmbus_t *self, evidence_t *evidence) {
    uint16_t faults = 0;
    add(evidence, PAGE, &self->config.page, 1);
    if (self->config.has_phase != 0) {
        add(evidence, PHASE, &self->config.phase, 1);
    }
    add_status_word(self, evidence, &faults);
    for (size_t i = 0; i < sizeof status_registers / sizeof status_registers[0]; i++) {
        if ((faults & status_registers[i].bits) != 0) {
            add_status(self, evidence, status_registers[i].command);
        }
    }
    add_log(self, evidence, ns_pmbus_data(self)->log_command);
    add_log(self, evidence, ns_pmbus_data(self)->log_extra);
}

/** Asking for a register that is not there is itself a fault of the part, so what was read before
 *  is read again. */
ns_status_t ns_pmbus_capture(void *ctx, uint8_t *out, size_t capacity, size_t *out_size) {
    ns_pmbus_t *self = ctx;
    evidence_t evidence = {.bytes = out, .capacity = capacity};
    uint8_t missing = self->missing_status;
    note(&evidence, ns_pmbus_select(self));
    if (evidence.status == NS_OK) {
        add_all(self, &evidence);
    }
    if (missing != self->missing_status && !evidence.is_over) {
        evidence = (evidence_t){.bytes = out, .capacity = capacity};
        add_all(self, &evidence);
    }
    *out_size = evidence.used;
    return evidence.status;
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
