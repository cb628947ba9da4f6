/** @file pmbus_part.c  Writes, messages and upsets; reads are in pmbus_read.c, limits and their
 * responses in pmbus_protect.c. */
#include "pmbus_part.h"

#include <math.h>

#define WRITE_PROTECT_ALL 0x80u
#define WRITE_PROTECT_MOST 0x40u
#define WRITE_PROTECT_SOME 0x20u
#define NS_PER_US 1000

/* ---- writing ---- */

static ns_status_t write_page(sim_pmbus_part_t *self, uint8_t value) {
    bool is_all = value == SIM_ALL_PAGES && (self->model->habits & SIM_ALL_PAGES_WRITES) != 0;
    if (value >= self->page_count && !is_all) {
        return sim_pmbus_refuse(self, SIM_CML_DATA);
    }
    self->page = value;
    return NS_OK;
}

/* PMBus part II, 12.1. Margins are taken, but the output does not move. */
static ns_status_t write_operation(sim_pmbus_part_t *self, uint8_t page, uint8_t value) {
    bool is_on = (value & 0xC3u) == SIM_OPERATION_ON;
    if (!is_on && value != SIM_OPERATION_OFF && value != SIM_OPERATION_SOFT_OFF) {
        return sim_pmbus_refuse(self, SIM_CML_DATA);
    }
    sim_pmbus_operate(self, page, value);
    return NS_OK;
}

static ns_status_t write_write_protect(sim_pmbus_part_t *self, uint8_t value) {
    bool is_one_level = value != 0 && (value & (value - 1u)) == 0;
    if (value != 0 && (!is_one_level || (value & self->model->write_protect) == 0)) {
        return sim_pmbus_refuse(self, SIM_CML_DATA);
    }
    self->write_protect = value;
    return NS_OK;
}

static void write_status(sim_pmbus_part_t *self, const sim_command_t *command, uint8_t page,
                         uint8_t value) {
    uint8_t keep = (uint8_t)~value;
    if (command->place == SIM_IN_CML) {
        self->status_cml &= keep;
    } else {
        self->registers[page].status[command->place] &= keep;
    }
}

static ns_status_t write_one(sim_pmbus_part_t *self, const sim_command_t *command, uint8_t page,
                             uint16_t value) {
    switch (command->action) {
    case SIM_DO_PAGE:
        return write_page(self, (uint8_t)value);
    case SIM_DO_PHASE:
        self->phase = (uint8_t)value;
        return NS_OK;
    case SIM_DO_OPERATION:
        return write_operation(self, page, (uint8_t)value);
    case SIM_DO_CLEAR_FAULTS:
        sim_pmbus_clear_faults(self, page);
        return NS_OK;
    case SIM_DO_WRITE_PROTECT:
        return write_write_protect(self, (uint8_t)value);
    case SIM_DO_STATUS:
        write_status(self, command, page, (uint8_t)value);
        return NS_OK;
    case SIM_DO_PEAK:
    case SIM_DO_LOW: /* any write forgets; ADM127x wants a 0 and takes nothing else */
        self->registers[page].peak[command->place] = -HUGE_VAL;
        self->registers[page].low[command->place] = HUGE_VAL;
        return value == 0 ? NS_OK : sim_pmbus_refuse(self, SIM_CML_DATA);
    case SIM_DO_ALERT_MASK: {
        uint8_t in = sim_pmbus_status_of(self, (uint8_t)(value & 0xFFu));
        if (in >= SIM_STATUS_COUNT) {
            return sim_pmbus_refuse(self, SIM_CML_DATA);
        }
        self->alert_mask[in] = (uint8_t)(value >> 8);
        return NS_OK;
    }
    default:
        self->registers[page].word[sim_pmbus_index(self, command)] = value;
        if (command->action == SIM_DO_LIMIT) {
            sim_pmbus_learn_limits(self, page);
        }
        return NS_OK;
    }
}

static ns_status_t write_pages(sim_pmbus_part_t *self, const sim_command_t *command,
                               uint16_t value) {
    if ((command->traits & SIM_PAGED) == 0 || self->page != SIM_ALL_PAGES) {
        return write_one(self, command, sim_pmbus_page_of(command, self->page), value);
    }
    ns_status_t status = NS_OK;
    for (uint8_t page = 0; page < self->page_count && status == NS_OK; page++) {
        status = write_one(self, command, page, value);
    }
    return status;
}

static bool is_protected(const sim_pmbus_part_t *self, const sim_command_t *command) {
    uint8_t open = SIM_OPEN_AT_20 | SIM_OPEN_AT_40 | SIM_OPEN_AT_80;
    if (self->write_protect == WRITE_PROTECT_ALL) {
        open = SIM_OPEN_AT_80;
    } else if (self->write_protect == WRITE_PROTECT_MOST) {
        open = SIM_OPEN_AT_80 | SIM_OPEN_AT_40;
    } else if (self->write_protect != WRITE_PROTECT_SOME) {
        return false;
    }
    return (command->traits & open) == 0;
}

static bool is_writable(const sim_pmbus_part_t *self, const sim_command_t *command) {
    if (command == NULL || (command->traits & SIM_W) == 0) {
        return false;
    }
    return self->model->allows == NULL || self->model->allows(self, command);
}

/* Size of command and data on the wire, without the PEC. */
static size_t plain_size(const sim_command_t *command, const uint8_t *write, size_t size) {
    if (command->kind == SIM_AS_BLOCK) {
        return size >= 2u ? 2u + write[1] : 0;
    }
    return 1u + (size_t)command->kind;
}

static ns_status_t check_write(sim_pmbus_part_t *self, const sim_command_t *command,
                               const uint8_t *write, size_t size) {
    self->is_busy_set = false;
    size_t plain = plain_size(command, write, size);
    bool has_pec = size == plain + 1u && self->has_pec;
    if (plain == 0 || (size != plain && !has_pec)) {
        return sim_pmbus_refuse(self, SIM_CML_OTHER);
    }
    if (has_pec) {
        uint8_t wire = (uint8_t)(self->address << 1);
        uint8_t pec = sim_pec_update(sim_pec_update(0, &wire, 1), write, plain);
        if (pec != write[plain]) {
            return sim_pmbus_refuse(self, SIM_CML_PEC);
        }
    }
    return is_protected(self, command) ? sim_pmbus_refuse(self, SIM_CML_DATA) : NS_OK;
}

static ns_status_t take_write(sim_pmbus_part_t *self, const uint8_t *write, size_t size) {
    const sim_command_t *command = sim_pmbus_find(self, write[0]);
    if (!is_writable(self, command)) {
        if ((self->model->habits & SIM_UNKNOWN_READS_FF) == 0) {
            return sim_pmbus_refuse(self, SIM_CML_COMMAND);
        }
        sim_pmbus_latch(self, 0, SIM_IN_CML, SIM_CML_COMMAND);
        return NS_OK;
    }
    ns_status_t status = check_write(self, command, write, size);
    if (status != NS_OK) {
        return status;
    }
    if (command->action == SIM_DO_MFR) {
        size_t data_at = command->kind == SIM_AS_BLOCK ? 2u : 1u;
        size_t data_size = plain_size(command, write, size) - data_at;
        status = self->model->write(self, command, &write[data_at], data_size);
        if (status != NS_OK) {
            return sim_pmbus_refuse(self, SIM_CML_DATA);
        }
    } else {
        uint16_t value = command->kind >= SIM_AS_BYTE ? write[1] : 0;
        if (command->kind == SIM_AS_WORD) {
            value = (uint16_t)(value | (unsigned)write[2] << 8);
        }
        status = write_pages(self, command, value);
    }
    if (status == NS_OK && self->model->wrote != NULL) {
        self->model->wrote(self, command);
    }
    bool makes_busy = command->action != SIM_DO_PAGE && command->action != SIM_DO_PHASE;
    if (status == NS_OK && makes_busy && self->model->busy_us > 0 && !self->is_busy_set) {
        self->busy_until_ns = self->now_ns + (int64_t)self->model->busy_us * NS_PER_US;
    }
    return status;
}

/* ---- messages ---- */

bool sim_pmbus_answers(const sim_pmbus_part_t *self) {
    for (uint8_t page = 0; page < self->page_count; page++) {
        const double *nack = self->wiring[page].nack;
        if (nack != NULL && *nack != 0.0) {
            return false;
        }
    }
    return self->is_powered;
}

static bool is_busy_for(sim_pmbus_part_t *self, uint8_t code) {
    if (self->now_ns >= self->busy_until_ns) {
        return false;
    }
    const sim_command_t *command = sim_pmbus_find(self, code);
    if (command != NULL && (command->traits & SIM_OPEN_WHEN_BUSY) != 0) {
        return false;
    }
    self->was_busy = (self->model->habits & SIM_BUSY_IS_STATUS) != 0;
    return true;
}

ns_status_t sim_pmbus_transfer(sim_pmbus_part_t *self, int64_t now_ns, const uint8_t *write,
                               size_t write_size, uint8_t *read, size_t read_size) {
    if (!sim_pmbus_answers(self)) {
        return NS_E_NACK;
    }
    self->now_ns = now_ns;
    sim_pmbus_adopt(self);
    if (write_size == 0) {
        return read_size == 0 ? NS_OK : sim_pmbus_refuse(self, SIM_CML_OTHER);
    }
    if (is_busy_for(self, write[0])) {
        return NS_E_NACK;
    }
    return read_size == 0 ? take_write(self, write, write_size)
                          : sim_pmbus_give_read(self, write, write_size, read, read_size);
}

bool sim_pmbus_flip(sim_pmbus_part_t *self, uint8_t page, uint8_t code, uint8_t bit) {
    const sim_command_t *command = sim_pmbus_find(self, code);
    if (command == NULL || page >= self->page_count || bit > 15u) {
        return false;
    }
    sim_pmbus_page_t *registers = &self->registers[sim_pmbus_page_of(command, page)];
    uint16_t mask = (uint16_t)(1u << bit);
    switch (command->action) {
    case SIM_DO_PAGE:
        self->page ^= (uint8_t)mask;
        self->page = self->page < self->page_count ? self->page : 0; /* decoded by fewer bits */
        return true;
    case SIM_DO_WRITE_PROTECT:
        self->write_protect ^= (uint8_t)mask;
        return true;
    case SIM_DO_OPERATION:
        registers->operation ^= (uint8_t)mask;
        sim_pmbus_drive(self, page);
        return true;
    case SIM_DO_VOUT_MODE:
        registers->vout_mode ^= (uint8_t)mask;
        return true;
    case SIM_DO_STATUS:
        registers->status[command->place] ^= (uint8_t)mask;
        return true;
    case SIM_DO_REGISTER:
    case SIM_DO_LIMIT:
        registers->word[sim_pmbus_index(self, command)] ^= mask;
        sim_pmbus_learn_limits(self, sim_pmbus_page_of(command, page));
        return true;
    default:
        return false;
    }
}

/* ---- the seat on a bus ---- */

static ns_status_t seat_transfer(void *part, int64_t now_ns, const uint8_t *write,
                                 size_t write_size, uint8_t *read, size_t read_size) {
    return sim_pmbus_transfer((sim_pmbus_part_t *)part, now_ns, write, write_size, read, read_size);
}

static bool seat_is_alerting(const void *part) {
    const sim_pmbus_part_t *self = (const sim_pmbus_part_t *)part;
    return self->is_powered && self->is_alerting;
}

static void seat_acknowledge_alert(void *part) {
    ((sim_pmbus_part_t *)part)->is_alerting = false;
}

const sim_i2c_ops_t sim_pmbus_i2c_ops = {.transfer = seat_transfer,
                                         .is_alerting = seat_is_alerting,
                                         .acknowledge_alert = seat_acknowledge_alert};
