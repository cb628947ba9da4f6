/** @file pmbus_read.c  Registers, formats and what a read of a PMBus part answers. */
#include <string.h>

#include "pmbus_part.h"

#define ANSWER_MAX (SIM_BLOCK_MAX + 2u) /* count, data, PEC */

/* QUERY, PMBus part II, 11.13: bits 4:2 by format. */
enum { QUERY_LINEAR = 0x00, QUERY_DIRECT = 0x0C, QUERY_BYTE = 0x10, QUERY_NOT_NUMERIC = 0x1C };

const sim_command_t *sim_pmbus_find(const sim_pmbus_part_t *self, uint8_t code) {
    uint8_t index = self->index_of[code];
    return index != SIM_NO_COMMAND ? &self->model->commands[index] : NULL;
}

size_t sim_pmbus_index(const sim_pmbus_part_t *self, const sim_command_t *command) {
    return (size_t)(command - self->model->commands);
}

uint8_t sim_pmbus_page_of(const sim_command_t *command, uint8_t page) {
    return (command->traits & SIM_PAGED) != 0 && page != SIM_ALL_PAGES ? page : 0;
}

uint16_t sim_pmbus_word(const sim_pmbus_part_t *self, uint8_t page, uint8_t code) {
    const sim_command_t *command = sim_pmbus_find(self, code);
    return command == NULL ? 0
                           : self->registers[sim_pmbus_page_of(command, page)]
                                 .word[sim_pmbus_index(self, command)];
}

void sim_pmbus_set_word(sim_pmbus_part_t *self, uint8_t page, uint8_t code, uint16_t word) {
    const sim_command_t *command = sim_pmbus_find(self, code);
    if (command != NULL) {
        self->registers[sim_pmbus_page_of(command, page)].word[sim_pmbus_index(self, command)] =
            word;
        sim_pmbus_learn_limits(self, sim_pmbus_page_of(command, page));
    }
}

/* ---- formats ---- */

uint16_t sim_pmbus_encode(const sim_pmbus_part_t *self, uint8_t page, uint8_t format,
                          uint8_t quantity, double value) {
    if (format == SIM_LINEAR11) {
        return sim_linear11_from(value);
    }
    if (format == SIM_LINEAR16) {
        return sim_linear16_from(value, self->registers[page].vout_mode);
    }
    sim_coefficients_t coefficients = self->model->coefficients(self, quantity);
    uint16_t habits = self->model->habits;
    bool is_temp = quantity == SIM_TEMP_1 || quantity == SIM_TEMP_2;
    if ((habits & SIM_DIRECT_12_BITS) == 0 || is_temp) {
        return sim_direct_from(value, &coefficients, -32768, 32767);
    }
    bool is_long = quantity == SIM_PIN && (habits & SIM_POWER_15_BITS) != 0;
    return sim_direct_from(value, &coefficients, 0, is_long ? 32767 : 4095);
}

double sim_pmbus_decode(const sim_pmbus_part_t *self, uint8_t page, uint8_t format,
                        uint8_t quantity, uint16_t word) {
    if (format == SIM_LINEAR11) {
        return sim_linear11_value(word);
    }
    if (format == SIM_LINEAR16) {
        return sim_linear16_value(word, self->registers[page].vout_mode);
    }
    sim_coefficients_t coefficients = self->model->coefficients(self, quantity);
    return sim_direct_value(word, &coefficients);
}

/* ---- reading ---- */

ns_status_t sim_pmbus_refuse(sim_pmbus_part_t *self, uint8_t cml_bit) {
    sim_pmbus_latch(self, 0, SIM_IN_CML, cml_bit);
    return NS_E_NACK;
}

/* A monitor that never sampled a quantity leaves its register at 0, whatever 0 would encode. */
static bool is_sampled(const sim_pmbus_page_t *registers, uint8_t quantity) {
    unsigned needed = 1u << quantity;
    if (quantity >= SIM_MEASURED) {
        needed =
            quantity == SIM_PIN ? 1u << SIM_VIN | 1u << SIM_IIN : 1u << SIM_VOUT | 1u << SIM_IOUT;
    }
    return !registers->is_frozen || (registers->sampled & needed) == needed;
}

static uint16_t read_quantity(sim_pmbus_part_t *self, const sim_command_t *command, uint8_t page) {
    if (!is_sampled(&self->registers[page], command->place)) {
        return 0;
    }
    double value = sim_pmbus_reading(self, page, command->place);
    uint8_t phases = self->wiring[page].phase_count;
    if (command->place == SIM_IOUT && phases > 0 && self->phase != SIM_ALL_PHASES) {
        value = self->phase < phases ? value / phases : 0.0;
    }
    return sim_pmbus_encode(self, page, command->format, command->place, value);
}

static uint16_t read_extreme(const sim_pmbus_part_t *self, const sim_command_t *command,
                             uint8_t page) {
    const sim_pmbus_page_t *registers = &self->registers[page];
    if (!registers->has_peak || !is_sampled(registers, command->place)) {
        return command->reset;
    }
    double value = command->action == SIM_DO_PEAK ? registers->peak[command->place]
                                                  : registers->low[command->place];
    return sim_pmbus_encode(self, page, command->format, command->place, value);
}

static uint16_t read_status(const sim_pmbus_part_t *self, const sim_command_t *command,
                            uint8_t page) {
    return command->place == SIM_IN_CML ? self->status_cml
                                        : self->registers[page].status[command->place];
}

static uint16_t read_word(sim_pmbus_part_t *self, const sim_command_t *command, uint8_t page) {
    const sim_pmbus_page_t *registers = &self->registers[page];
    switch (command->action) {
    case SIM_DO_PAGE:
        return self->page;
    case SIM_DO_PHASE:
        return self->phase;
    case SIM_DO_OPERATION:
        return registers->operation;
    case SIM_DO_WRITE_PROTECT:
        return self->write_protect;
    case SIM_DO_VOUT_MODE:
        return registers->vout_mode;
    case SIM_DO_STATUS_BYTE:
        return sim_pmbus_status_word(self, page) & 0xFFu;
    case SIM_DO_STATUS_WORD:
        return sim_pmbus_status_word(self, page);
    case SIM_DO_STATUS:
        return read_status(self, command, page);
    case SIM_DO_READ:
        return read_quantity(self, command, page);
    case SIM_DO_PEAK:
    case SIM_DO_LOW:
        return read_extreme(self, command, page);
    default:
        return registers->word[sim_pmbus_index(self, command)];
    }
}

static uint8_t query(const sim_pmbus_part_t *self, uint8_t code) {
    const sim_command_t *command = sim_pmbus_find(self, code);
    if (command == NULL) {
        return 0;
    }
    unsigned answer = 0x80u;
    answer |= (command->traits & SIM_W) != 0 ? 0x40u : 0u;
    answer |= (command->traits & SIM_R) != 0 ? 0x20u : 0u;
    if (command->format == SIM_DIRECT) {
        return (uint8_t)(answer | QUERY_DIRECT);
    }
    if (command->format != SIM_RAW) {
        return (uint8_t)(answer | QUERY_LINEAR);
    }
    return (uint8_t)(answer | (command->kind == SIM_AS_BYTE ? QUERY_BYTE : QUERY_NOT_NUMERIC));
}

/* COEFFICIENTS, PMBus part II, 14.1: m and b as words, low byte first, then R. */
static size_t give_coefficients(const sim_pmbus_part_t *self, uint8_t code, uint8_t *data) {
    const sim_command_t *command = sim_pmbus_find(self, code);
    if (command == NULL || command->format != SIM_DIRECT) {
        return 0;
    }
    sim_coefficients_t coefficients = self->model->coefficients(self, command->place);
    int m = (int)coefficients.m;
    int b = (int)coefficients.b;
    data[0] = (uint8_t)((unsigned)m & 0xFFu);
    data[1] = (uint8_t)((unsigned)m >> 8 & 0xFFu);
    data[2] = (uint8_t)((unsigned)b & 0xFFu);
    data[3] = (uint8_t)((unsigned)b >> 8 & 0xFFu);
    data[4] = (uint8_t)((unsigned)coefficients.exponent & 0xFFu);
    return 5;
}

/* The status register that a code names; SIM_STATUS_COUNT for none. */
uint8_t sim_pmbus_status_of(const sim_pmbus_part_t *self, uint8_t code) {
    const sim_command_t *command = sim_pmbus_find(self, code);
    bool is_status = command != NULL && command->action == SIM_DO_STATUS;
    return is_status ? command->place : (uint8_t)SIM_STATUS_COUNT;
}

/* Data of a process call; `request` is what came behind the command: count, then bytes. */
static size_t answer_call(const sim_pmbus_part_t *self, const sim_command_t *command,
                          const uint8_t *request, size_t size, uint8_t *data) {
    if (size < 2u || request[0] != size - 1u) {
        return 0;
    }
    if (command->action == SIM_DO_QUERY) {
        data[0] = query(self, request[1]);
        return 1;
    }
    if (command->action == SIM_DO_COEFFICIENTS) {
        return size == 3u ? give_coefficients(self, request[1], data) : 0;
    }
    uint8_t in = sim_pmbus_status_of(self, request[1]);
    data[0] = in < SIM_STATUS_COUNT ? self->alert_mask[in] : 0;
    return in < SIM_STATUS_COUNT ? 1u : 0;
}

static size_t give_block(sim_pmbus_part_t *self, const sim_command_t *command, uint8_t *data) {
    if (command->action == SIM_DO_TEXT) {
        const char *text = self->model->text[command->place];
        size_t size = strlen(text);
        memcpy(data, text, size);
        return size;
    }
    return self->model->read(self, command, data);
}

static bool is_call(const sim_command_t *command) {
    return command->kind == SIM_AS_CALL || command->action == SIM_DO_ALERT_MASK;
}

/* The bytes that the part would send, without the PEC. 0: nothing to say. */
static size_t compose(sim_pmbus_part_t *self, const sim_command_t *command, const uint8_t *request,
                      size_t request_size, uint8_t *answer) {
    uint8_t page = sim_pmbus_page_of(command, self->page);
    if (!is_call(command) && command->kind != SIM_AS_BLOCK) {
        uint16_t word = 0;
        if (command->action == SIM_DO_MFR) {
            uint8_t data[2] = {0, 0};
            (void)self->model->read(self, command, data);
            word = (uint16_t)(data[0] | (unsigned)data[1] << 8);
        } else {
            word = read_word(self, command, page);
        }
        answer[0] = (uint8_t)(word & 0xFFu);
        answer[1] = (uint8_t)(word >> 8);
        return command->kind;
    }
    size_t size = is_call(command) ? answer_call(self, command, request, request_size, &answer[1])
                                   : give_block(self, command, &answer[1]);
    answer[0] = (uint8_t)size;
    return is_call(command) && size == 0 ? 0 : size + 1u;
}

ns_status_t sim_pmbus_give_read(sim_pmbus_part_t *self, const uint8_t *write, size_t write_size,
                                uint8_t *read, size_t read_size) {
    const sim_command_t *command = sim_pmbus_find(self, write[0]);
    if (command == NULL || (command->traits & SIM_R) == 0) {
        if ((self->model->habits & SIM_UNKNOWN_READS_FF) == 0) {
            return sim_pmbus_refuse(self, SIM_CML_COMMAND);
        }
        sim_pmbus_latch(self, 0, SIM_IN_CML, SIM_CML_COMMAND);
        memset(read, 0xFF, read_size);
        return NS_OK;
    }
    if ((write_size > 1u) != is_call(command)) {
        return sim_pmbus_refuse(self, SIM_CML_OTHER);
    }
    bool is_nowhere = self->page == SIM_ALL_PAGES && (command->traits & SIM_PAGED) != 0;
    if (is_nowhere && (self->model->habits & SIM_ALL_PAGES_READS_0) == 0) {
        sim_pmbus_latch(self, 0, SIM_IN_CML, SIM_CML_DATA);
    }
    uint8_t answer[ANSWER_MAX];
    size_t size = compose(self, command, &write[1], write_size - 1u, answer);
    if (size == 0) {
        return sim_pmbus_refuse(self, SIM_CML_DATA);
    }
    if (read_size > size && self->has_pec) {
        uint8_t wire = (uint8_t)(self->address << 1);
        uint8_t pec = sim_pec_update(sim_pec_update(0, &wire, 1), write, write_size);
        wire |= 1u;
        answer[size] = sim_pec_update(sim_pec_update(pec, &wire, 1), answer, size);
        size++;
    }
    if (read_size > size) { /* past the end nobody drives the bus any more */
        memset(&read[size], 0xFF, read_size - size);
        sim_pmbus_latch(self, 0, SIM_IN_CML, SIM_CML_OTHER);
    }
    memcpy(read, answer, read_size < size ? read_size : size);
    return NS_OK;
}
