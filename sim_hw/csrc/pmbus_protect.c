/** @file pmbus_protect.c  Conversion, status, limits, their responses, supply of a PMBus part. */
#include <assert.h>
#include <math.h>
#include <string.h>

#include "pmbus_part.h"

#define NS_PER_US 1000
#define RISE_NS 20000000       /* assumed: an output that comes up is not judged as too low */
#define DELAY_UNIT_NS 10000000 /* assumed: bits 2:0 of a response byte */
#define RETRY_WITHOUT_END 0xFFu

/* Bits 7:6 of a response byte: PMBus part II, 10.5.1, table 4. */
enum { RESPOND_NOTHING = 0, RESPOND_LATER = 1, RESPOND_AT_ONCE = 2, RESPOND_WHILE_PRESENT = 3 };

static_assert(SIM_MEASURED <= 8, "`measured` has a bit for each");

/* ---- what is, and what the part has converted ---- */

double sim_pmbus_truth(const sim_pmbus_part_t *self, uint8_t page, uint8_t quantity) {
    if (quantity >= SIM_MEASURED) {
        bool is_out = quantity == SIM_POUT;
        return sim_pmbus_truth(self, page, is_out ? SIM_VOUT : SIM_VIN) *
               sim_pmbus_truth(self, page, is_out ? SIM_IOUT : SIM_IIN);
    }
    const double *truth = self->wiring[page].truth[quantity];
    return truth != NULL ? *truth : 0.0;
}

static double convert(sim_pmbus_part_t *self, uint8_t page, uint8_t quantity) {
    const double *truth = self->wiring[page].truth[quantity];
    if (truth == NULL) {
        return 0.0;
    }
    if (self->sensors == NULL) {
        return *truth;
    }
    const double *base = (const double *)(const void *)&self->sensors->image->truth;
    return sim_sensor_read(self->sensors, (size_t)(truth - base));
}

double sim_pmbus_reading(sim_pmbus_part_t *self, uint8_t page, uint8_t quantity) {
    if (quantity >= SIM_MEASURED) { /* the part multiplies what it has converted */
        bool is_out = quantity == SIM_POUT;
        double current_a = sim_pmbus_reading(self, page, is_out ? SIM_IOUT : SIM_IIN);
        return current_a * sim_pmbus_reading(self, page, is_out ? SIM_VOUT : SIM_VIN);
    }
    const sim_pmbus_page_t *registers = &self->registers[page];
    return self->window_ns > 0 && registers->has_reading ? registers->reading[quantity]
                                                         : convert(self, page, quantity);
}

void sim_pmbus_forget_peaks(sim_pmbus_part_t *self, uint8_t page) {
    self->registers[page].has_peak = false;
}

/* A transient is over before the next conversion is read: only the peaks know of it. */
static double transient(const sim_pmbus_part_t *self, uint8_t page, uint8_t quantity) {
    const double *peak_a = self->wiring[page].peak_current_a;
    if (peak_a == NULL || !(*peak_a > 0.0)) {
        return -HUGE_VAL;
    }
    switch (quantity) {
    case SIM_IOUT:
    case SIM_IIN:
        return *peak_a;
    case SIM_POUT:
        return *peak_a * sim_pmbus_truth(self, page, SIM_VOUT);
    case SIM_PIN:
        return *peak_a * sim_pmbus_truth(self, page, SIM_VIN);
    default:
        return -HUGE_VAL;
    }
}

void sim_pmbus_keep_peaks(sim_pmbus_part_t *self, uint8_t page) {
    sim_pmbus_page_t *registers = &self->registers[page];
    for (uint8_t quantity = 0; quantity < SIM_QUANTITIES; quantity++) {
        double value = sim_pmbus_reading(self, page, quantity);
        bool is_first = !registers->has_peak;
        double high = fmax(value, transient(self, page, quantity));
        registers->peak[quantity] = is_first ? high : fmax(high, registers->peak[quantity]);
        registers->low[quantity] = is_first ? value : fmin(value, registers->low[quantity]);
    }
    registers->has_peak = true;
}

/* A reading is the mean of the truth over one window. The first is there at once. */
static void convert_page(sim_pmbus_part_t *self, uint8_t page, int64_t step_ns) {
    sim_pmbus_page_t *registers = &self->registers[page];
    bool is_done = self->window_ns == 0;
    if (!is_done) {
        registers->span_ns += step_ns;
        is_done = registers->span_ns >= self->window_ns;
        for (uint8_t quantity = 0; quantity < SIM_MEASURED; quantity++) {
            double value = convert(self, page, quantity);
            registers->sum[quantity] += value * (double)step_ns;
            if (!registers->has_reading) {
                registers->reading[quantity] = value;
            } else if (is_done) {
                registers->reading[quantity] =
                    registers->sum[quantity] / (double)registers->span_ns;
            }
            registers->sum[quantity] = is_done ? 0.0 : registers->sum[quantity];
        }
        registers->span_ns = is_done ? 0 : registers->span_ns;
        is_done = is_done || !registers->has_reading;
        registers->has_reading = true;
    }
    if (is_done && (self->model->habits & SIM_HAS_PEAKS) != 0) {
        sim_pmbus_keep_peaks(self, page);
    }
}

/* ---- status ---- */

static sim_pmbus_page_t *status_page(sim_pmbus_part_t *self, uint8_t page, uint8_t in) {
    return &self->registers[(self->paged_status & 1u << in) != 0 ? page : 0];
}

static unsigned page_status(const sim_pmbus_part_t *self, uint8_t page, uint8_t in) {
    return self->registers[(self->paged_status & 1u << in) != 0 ? page : 0].status[in];
}

void sim_pmbus_latch(sim_pmbus_part_t *self, uint8_t page, uint8_t in, uint8_t bits) {
    uint8_t *status =
        in == SIM_IN_CML ? &self->status_cml : &status_page(self, page, in)->status[in];
    if ((bits & (uint8_t)~*status & (uint8_t)~self->alert_mask[in]) != 0) {
        self->is_alerting = true;
    }
    *status |= bits;
    if ((self->model->habits & SIM_LATCHES_TWICE) != 0 && in != SIM_IN_CML) {
        self->registers[page].apart[in] |= bits;
    }
}

/* STATUS_WORD: the summary bits, PMBus part II, 17.2. */
uint16_t sim_pmbus_status_word(const sim_pmbus_part_t *self, uint8_t page) {
    const sim_pmbus_wiring_t *wiring = &self->wiring[page];
    unsigned vout = page_status(self, page, SIM_IN_VOUT);
    unsigned iout = page_status(self, page, SIM_IN_IOUT);
    unsigned input = page_status(self, page, SIM_IN_INPUT);
    unsigned low = 0;
    low |= self->was_busy ? SIM_STATUS_BUSY : 0u;
    low |= wiring->enabled != NULL && *wiring->enabled == 0.0 ? SIM_STATUS_OFF : 0u;
    low |= (vout & SIM_STATUS_OVER_FAULT) != 0 ? SIM_STATUS_VOUT_OV : 0u;
    low |= (iout & SIM_STATUS_IOUT_OC_FAULT) != 0 ? SIM_STATUS_IOUT_OC : 0u;
    low |= (input & SIM_STATUS_UNDER_FAULT) != 0 ? SIM_STATUS_VIN_UV : 0u;
    low |= page_status(self, page, SIM_IN_TEMPERATURE) != 0 ? SIM_STATUS_TEMPERATURE_SUMMARY : 0u;
    low |= self->status_cml != 0 ? SIM_STATUS_CML_SUMMARY : 0u;
    unsigned high = 0;
    high |= vout != 0 ? SIM_STATUS_VOUT_SUMMARY : 0u;
    high |= iout != 0 ? SIM_STATUS_IOUT_POUT : 0u;
    high |= input != 0 ? SIM_STATUS_INPUT_SUMMARY : 0u;
    high |= page_status(self, page, SIM_IN_MFR) != 0 ? SIM_STATUS_MFR_SUMMARY : 0u;
    high |= page_status(self, page, SIM_IN_OTHER) != 0 ? SIM_STATUS_OTHER_SUMMARY : 0u;
    bool is_untold = high != 0 && (low & ~(unsigned)(SIM_STATUS_OFF | SIM_STATUS_BUSY)) == 0;
    low |= is_untold ? SIM_STATUS_NONE_OF_THE_ABOVE : 0u;
    if (sim_pmbus_truth(self, page, SIM_VOUT) < wiring->voltage_good_v) {
        high |= SIM_STATUS_POWER_GOOD_N;
    }
    return (uint16_t)(high | low);
}

void sim_pmbus_clear_faults(sim_pmbus_part_t *self, uint8_t page) {
    sim_pmbus_page_t *registers = &self->registers[page];
    for (uint8_t in = 0; in < SIM_STATUS_COUNT; in++) {
        status_page(self, page, in)->status[in] = registers->apart[in];
    }
    self->status_cml = 0;
    self->was_busy = false;
    self->is_alerting = false;
    if ((self->model->habits & SIM_CLEAR_WIPES_PEAKS) != 0) {
        sim_pmbus_forget_peaks(self, page);
    }
    sim_pmbus_compare(self, page, 0);
}

/* ---- the output ---- */

/* The switch conducts while the part has a supply, is told to, and has not tripped. */
void sim_pmbus_drive(sim_pmbus_part_t *self, uint8_t page) {
    const sim_pmbus_wiring_t *wiring = &self->wiring[page];
    if (wiring->enabled == NULL) {
        return;
    }
    sim_pmbus_page_t *registers = &self->registers[page];
    bool is_told = (registers->operation & SIM_OPERATION_ON) != 0 && !registers->is_tripped;
    bool is_stuck = wiring->fail_closed != NULL && *wiring->fail_closed != 0.0;
    bool is_fed = self->supply == NULL || *self->supply != 0.0;
    registers->driven = is_fed && (is_told || is_stuck) ? 1.0 : 0.0;
    *wiring->enabled = registers->driven;
}

/* Off and on again is what restarts a latched output, and it clears the page's status bits
   (PMBus part II, clearing of warning and fault bits). */
void sim_pmbus_operate(sim_pmbus_part_t *self, uint8_t page, uint8_t value) {
    sim_pmbus_page_t *registers = &self->registers[page];
    bool was_on = (registers->operation & SIM_OPERATION_ON) != 0;
    if ((value & SIM_OPERATION_ON) != 0 && !was_on) {
        registers->is_tripped = false;
        registers->is_held = false;
        registers->is_retrying = false;
        registers->retry_ns = 0;
        registers->on_ns = 0;
        for (uint8_t in = 0; in < SIM_STATUS_COUNT; in++) {
            status_page(self, page, in)->status[in] = registers->apart[in];
        }
        memset(registers->violated_ns, 0, sizeof(registers->violated_ns));
    }
    registers->operation = value;
    sim_pmbus_drive(self, page);
}

static uint8_t retries_of(const sim_pmbus_part_t *self, uint8_t response) {
    uint8_t code = (uint8_t)(response >> 3 & 7u);
    bool is_endless = code == 7u || (self->model->habits & SIM_RETRY_IS_FOR_EVER) != 0;
    return code != 0 && is_endless ? RETRY_WITHOUT_END : code;
}

static void shut_down(sim_pmbus_part_t *self, uint8_t page, uint8_t index, uint8_t response) {
    sim_pmbus_page_t *registers = &self->registers[page];
    registers->is_tripped = true;
    registers->tripped_by = index;
    registers->is_held = response >> 6 == RESPOND_WHILE_PRESENT;
    if (!registers->is_retrying) {
        registers->retries_left = retries_of(self, response);
    }
    bool is_tried_again = !registers->is_held && registers->retries_left > 0;
    registers->retry_ns = is_tried_again ? (int64_t)self->retry_delay_us * NS_PER_US : 0;
    sim_pmbus_drive(self, page);
}

static void respond(sim_pmbus_part_t *self, uint8_t page, uint8_t index) {
    const sim_limit_t *limit = &self->model->limits[index];
    const sim_pmbus_page_t *registers = &self->registers[page];
    uint8_t response = limit->response != 0 ? (uint8_t)sim_pmbus_word(self, page, limit->response)
                                            : self->hardware_response;
    int64_t delay_ns =
        response >> 6 == RESPOND_LATER ? (response & 7u) * (int64_t)DELAY_UNIT_NS : 0;
    bool is_due = registers->violated_ns[index] >= self->trip_ns + delay_ns;
    bool is_running = !registers->is_tripped && self->wiring[page].enabled != NULL;
    if (response >> 6 == RESPOND_NOTHING || !is_due || !is_running) {
        return;
    }
    shut_down(self, page, index, response);
}

/* ---- limits ---- */

/* The ends of a format switch a comparator off: it can never be met. */
static bool can_be_met(const sim_limit_t *limit, uint16_t word) {
    if (limit->is_upper) {
        return word != 0x7BFFu && word != 0xFFFFu && word != 0x0FFFu && word != 0x7FFFu;
    }
    bool is_temp = limit->quantity == SIM_TEMP_1 || limit->quantity == SIM_TEMP_2;
    return word != 0x7C00u && word != 0x8000u && (word != 0 || is_temp);
}

void sim_pmbus_learn_limits(sim_pmbus_part_t *self, uint8_t page) {
    sim_pmbus_page_t *registers = &self->registers[page];
    registers->active_count = 0;
    for (uint8_t i = 0; i < self->model->limit_count; i++) {
        const sim_limit_t *limit = &self->model->limits[i];
        const sim_command_t *command = sim_pmbus_find(self, limit->code);
        bool is_known = limit->code == 0 || command != NULL;
        bool is_here = limit->code == 0 || page == 0 || (is_known && (command->traits & SIM_PAGED));
        if (!is_known || !is_here) {
            continue;
        }
        bool is_active = false;
        if (limit->code == 0) { /* resistors set it */
            registers->limit[i] = self->wiring[page].current_limit_a;
            is_active = registers->limit[i] > 0.0;
        } else {
            uint16_t word = sim_pmbus_word(self, page, limit->code);
            registers->limit[i] =
                sim_pmbus_decode(self, page, command->format, limit->quantity, word);
            is_active = can_be_met(limit, word);
        }
        if (is_active) {
            registers->active[registers->active_count++] = i;
        }
    }
}

static bool is_violated(const sim_pmbus_part_t *self, uint8_t page, uint8_t index) {
    const sim_limit_t *limit = &self->model->limits[index];
    const sim_pmbus_page_t *registers = &self->registers[page];
    if (limit->is_for_output && (registers->driven == 0.0 || registers->on_ns < RISE_NS)) {
        return false;
    }
    double value = sim_pmbus_truth(self, page, limit->quantity);
    return limit->is_upper ? value > registers->limit[index] : value < registers->limit[index];
}

static void act_on(sim_pmbus_part_t *self, uint8_t page, uint8_t index) {
    const sim_limit_t *limit = &self->model->limits[index];
    unsigned before = page_status(self, page, limit->in);
    sim_pmbus_latch(self, page, limit->in, limit->bit);
    if (!limit->is_fault) {
        return;
    }
    if ((before & limit->bit) == 0 && self->model->faulted != NULL) {
        self->model->faulted(self, page, limit);
    }
    const sim_command_t *command = sim_pmbus_find(self, limit->code);
    bool is_of_all = limit->code != 0 && command != NULL && (command->traits & SIM_PAGED) == 0;
    for (uint8_t i = 0; i < self->page_count; i++) { /* the input feeds every output */
        if (i == page || is_of_all) {
            self->registers[i].violated_ns[index] = self->registers[page].violated_ns[index];
            respond(self, i, index);
        }
    }
}

void sim_pmbus_compare(sim_pmbus_part_t *self, uint8_t page, int64_t step_ns) {
    sim_pmbus_page_t *registers = &self->registers[page];
    for (uint8_t k = 0; k < registers->active_count; k++) {
        uint8_t i = registers->active[k];
        if (!is_violated(self, page, i)) {
            registers->violated_ns[i] = 0;
            if (registers->is_held && registers->tripped_by == i) {
                registers->is_tripped = registers->is_held = false;
            }
            continue;
        }
        registers->violated_ns[i] += step_ns;
        if (!self->model->limits[i].is_fault || registers->violated_ns[i] >= self->trip_ns) {
            act_on(self, page, i);
        }
    }
}

/* ---- time ---- */

static void follow_retry(sim_pmbus_part_t *self, uint8_t page, int64_t step_ns) {
    sim_pmbus_page_t *registers = &self->registers[page];
    registers->on_ns = registers->driven != 0.0 ? registers->on_ns + step_ns : 0;
    int64_t settled_ns = RISE_NS + (int64_t)self->retry_delay_us * NS_PER_US;
    if (registers->is_retrying && registers->on_ns >= settled_ns) {
        registers->is_retrying = false; /* it holds: the count of tries starts anew */
    }
    if (!registers->is_tripped || registers->retry_ns == 0) {
        return;
    }
    registers->retry_ns -= step_ns < registers->retry_ns ? step_ns : registers->retry_ns;
    if (registers->retry_ns == 0) {
        registers->is_tripped = false;
        registers->is_retrying = true;
        registers->on_ns = 0;
        memset(registers->violated_ns, 0, sizeof(registers->violated_ns));
        if (registers->retries_left != RETRY_WITHOUT_END) {
            registers->retries_left--;
        }
    }
}

void sim_pmbus_advance(sim_pmbus_part_t *self, int64_t step_ns) {
    sim_pmbus_adopt(self);
    sim_pmbus_follow_supply(self);
    if (!self->is_powered) {
        return;
    }
    bool converts = self->window_ns > 0 || (self->model->habits & SIM_HAS_PEAKS) != 0;
    for (uint8_t page = 0; page < self->page_count; page++) {
        const sim_pmbus_wiring_t *wiring = &self->wiring[page];
        if (converts && !self->registers[page].is_frozen) {
            convert_page(self, page, step_ns);
        }
        sim_pmbus_compare(self, page, step_ns);
        if (wiring->enabled == NULL) {
            continue;
        }
        follow_retry(self, page, step_ns);
        if (wiring->spurious_trip != NULL && *wiring->spurious_trip != 0.0) {
            *wiring->spurious_trip = 0.0;
            self->registers[page].is_tripped = true; /* an upset latch: no status bit knows */
            self->registers[page].retry_ns = 0;
        }
        sim_pmbus_drive(self, page);
    }
    if (self->model->advance != NULL) {
        self->model->advance(self, step_ns);
    }
}

void sim_pmbus_adopt(sim_pmbus_part_t *self) {
    for (uint8_t page = 0; page < self->page_count && self->is_powered; page++) {
        sim_pmbus_page_t *registers = &self->registers[page];
        const double *enabled = self->wiring[page].enabled;
        if (enabled != NULL && *enabled != registers->driven) {
            registers->operation = *enabled != 0.0 ? SIM_OPERATION_ON : SIM_OPERATION_OFF;
            registers->is_tripped = false;
            sim_pmbus_drive(self, page);
        }
    }
}

/* ---- supply ---- */

static void power_up_page(sim_pmbus_part_t *self, uint8_t page) {
    const sim_pmbus_wiring_t *wiring = &self->wiring[page];
    sim_pmbus_page_t *registers = &self->registers[page];
    memset(registers, 0, sizeof(*registers));
    const sim_command_t *mode = sim_pmbus_find(self, SIM_VOUT_MODE);
    registers->vout_mode = wiring->vout_mode;
    if (mode != NULL && wiring->vout_mode == 0) {
        registers->vout_mode = (uint8_t)mode->reset;
    }
    for (uint8_t i = 0; i < self->model->command_count; i++) {
        registers->word[i] = self->model->commands[i].reset;
    }
    const sim_command_t *limit = sim_pmbus_find(self, SIM_IOUT_OC_FAULT_LIMIT);
    if (limit != NULL && wiring->current_limit_a > 0.0) {
        registers->word[limit - self->model->commands] =
            sim_pmbus_encode(self, page, limit->format, SIM_IOUT, wiring->current_limit_a);
    }
    registers->operation = wiring->operation;
}

void sim_pmbus_power_up(sim_pmbus_part_t *self) {
    self->is_powered = self->supply == NULL || *self->supply != 0.0;
    self->page = 0;
    self->phase = SIM_ALL_PHASES;
    self->status_cml = 0;
    self->was_busy = false;
    self->is_alerting = false;
    self->busy_until_ns = self->pending_until_ns = 0;
    memset(self->alert_mask, 0, sizeof(self->alert_mask));
    const sim_command_t *protect = sim_pmbus_find(self, SIM_WRITE_PROTECT);
    self->write_protect = protect != NULL ? (uint8_t)protect->reset : 0;
    for (uint8_t page = 0; page < self->page_count; page++) {
        power_up_page(self, page);
        sim_pmbus_drive(self, page);
    }
    if (self->model->power_up != NULL) {
        self->model->power_up(self);
    }
    for (uint8_t page = 0; page < self->page_count; page++) {
        sim_pmbus_learn_limits(self, page);
    }
}

void sim_pmbus_follow_supply(sim_pmbus_part_t *self) {
    bool is_powered = self->supply == NULL || *self->supply != 0.0;
    bool has_browned_out = self->brown_out != NULL && *self->brown_out != 0.0;
    if (has_browned_out) {
        *self->brown_out = 0.0;
    }
    if (is_powered != self->is_powered || has_browned_out) {
        sim_pmbus_power_up(self);
    }
}

/* A command that needs what this part is not wired for does not exist on it. */
static bool is_there(const sim_pmbus_part_t *self, const sim_command_t *command) {
    const sim_pmbus_wiring_t *wiring = &self->wiring[0];
    switch (command->action) {
    case SIM_DO_PAGE:
        return self->page_count > 1;
    case SIM_DO_OPERATION:
        return wiring->enabled != NULL;
    case SIM_DO_READ:
    case SIM_DO_PEAK:
    case SIM_DO_LOW:
        return command->place < SIM_MEASURED ? wiring->truth[command->place] != NULL
                                             : self->has_power;
    case SIM_DO_LIMIT: {
        bool is_measured = command->place >= SIM_MEASURED || wiring->truth[command->place] != NULL;
        return is_measured && wiring->enabled != NULL;
    }
    case SIM_DO_STATUS:
        return command->place != SIM_IN_IOUT || wiring->enabled != NULL;
    default:
        return true;
    }
}

void sim_pmbus_open(sim_pmbus_part_t *self) {
    const sim_pmbus_model_t *model = self->model;
    memset(self->index_of, SIM_NO_COMMAND, sizeof(self->index_of));
    self->paged_status = 0;
    self->window_ns = (int64_t)model->window_us * NS_PER_US;
    self->retry_delay_us = model->retry_delay_us;
    if ((model->habits & SIM_IIN_IS_IOUT) != 0) {
        self->wiring[0].truth[SIM_IIN] = self->wiring[0].truth[SIM_IOUT];
    }
    for (uint8_t i = 0; i < model->command_count; i++) {
        const sim_command_t *command = &model->commands[i];
        if (!is_there(self, command)) {
            continue;
        }
        self->index_of[command->code] = i;
        if (command->action == SIM_DO_STATUS && (command->traits & SIM_PAGED) != 0) {
            self->paged_status |= (uint8_t)(1u << command->place);
        }
    }
    sim_pmbus_power_up(self);
}
