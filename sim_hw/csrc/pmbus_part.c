/** @file pmbus_part.c */
#include "pmbus_part.h"

#include "pmbus_codes.h"

#define WRITE_PROTECT_ALL 0x80u
#define WRITE_PROTECT_MOST 0x40u /* the power-up value */
#define CAPABILITY 0xB0u         /* PEC, 400 kHz, SMBALERT#: default of the ADM1272 */
#define PMBUS_REVISION 0x33u     /* 1.3 */

/* What a command is. Single-page parts refuse PAGED, monitors refuse SWITCH, and so on. */
enum {
    CAN_READ = 0x01,
    CAN_WRITE = 0x02,
    NEEDS_PAGES = 0x04,
    NEEDS_SWITCH = 0x08,
    NEEDS_TEMP = 0x10,
    NEEDS_POWER = 0x20,
    OPEN_AT_MOST = 0x40, /* writable under WRITE_PROTECT 0x40 */
    OPEN_AT_ALL = 0x80   /* writable under WRITE_PROTECT 0x80 */
};

typedef struct command {
    uint8_t code;
    uint8_t size; /* data bytes, 0: send byte */
    uint8_t traits;
} command_t;

/* CLEAR_FAULTS carries no data and stays open under 0x40, as in the LTC2978 family. */
static const command_t commands[] = {
    {SIM_PAGE, 1, CAN_READ | CAN_WRITE | NEEDS_PAGES | OPEN_AT_MOST},
    {SIM_OPERATION, 1, CAN_READ | CAN_WRITE | NEEDS_SWITCH | OPEN_AT_MOST},
    {SIM_CLEAR_FAULTS, 0, CAN_WRITE | OPEN_AT_MOST},
    {SIM_WRITE_PROTECT, 1, CAN_READ | CAN_WRITE | OPEN_AT_MOST | OPEN_AT_ALL},
    {SIM_CAPABILITY, 1, CAN_READ},
    {SIM_VOUT_MODE, 1, CAN_READ},
    {SIM_IOUT_OC_FAULT_LIMIT, 2, CAN_READ | CAN_WRITE | NEEDS_SWITCH},
    {SIM_STATUS_BYTE, 1, CAN_READ},
    {SIM_STATUS_WORD, 2, CAN_READ},
    {SIM_STATUS_IOUT, 1, CAN_READ | NEEDS_SWITCH},
    {SIM_STATUS_CML, 1, CAN_READ},
    {SIM_READ_VOUT, 2, CAN_READ},
    {SIM_READ_IOUT, 2, CAN_READ},
    {SIM_READ_TEMPERATURE_1, 2, CAN_READ | NEEDS_TEMP},
    {SIM_READ_POUT, 2, CAN_READ | NEEDS_POWER},
    {SIM_PMBUS_REVISION, 1, CAN_READ},
};

static const command_t *find_command(const sim_pmbus_part_t *self, uint8_t code) {
    const sim_pmbus_wiring_t *wiring = &self->wiring[self->page];
    unsigned lacks = 0;
    lacks |= self->page_count > 1 ? 0u : (unsigned)NEEDS_PAGES;
    lacks |= wiring->enabled != NULL ? 0u : (unsigned)NEEDS_SWITCH;
    lacks |= wiring->temp_word != SIM_NO_WORD ? 0u : (unsigned)NEEDS_TEMP;
    lacks |= self->has_power ? 0u : (unsigned)NEEDS_POWER;
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (commands[i].code == code) {
            return (commands[i].traits & lacks) == 0u ? &commands[i] : NULL;
        }
    }
    return NULL;
}

static ns_status_t refuse(sim_pmbus_part_t *self, uint8_t cml_bit) {
    self->status_cml |= cml_bit;
    return NS_E_NACK;
}

/* The switch conducts while the part has a supply, is told to, and has not tripped. */
static void drive_switch(sim_pmbus_part_t *self, uint8_t page) {
    const sim_pmbus_wiring_t *wiring = &self->wiring[page];
    if (wiring->enabled == NULL) {
        return;
    }
    sim_pmbus_registers_t *registers = &self->registers[page];
    bool is_told = registers->operation == SIM_OPERATION_ON && !registers->is_tripped;
    bool is_stuck = wiring->fail_closed != NULL && *wiring->fail_closed != 0.0;
    bool is_fed = self->supply == NULL || *self->supply != 0.0;
    registers->driven = is_fed && (is_told || is_stuck) ? 1.0 : 0.0;
    *wiring->enabled = registers->driven;
}

void sim_pmbus_power_up(sim_pmbus_part_t *self) {
    self->is_powered = self->supply == NULL || *self->supply != 0.0;
    self->page = 0;
    self->write_protect = WRITE_PROTECT_MOST;
    self->status_cml = 0;
    for (uint8_t page = 0; page < self->page_count; page++) {
        self->registers[page] = (sim_pmbus_registers_t){
            .operation = self->wiring[page].operation,
            .current_limit = sim_linear11_from(self->wiring[page].current_limit_a)};
        drive_switch(self, page);
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

static void trip(sim_pmbus_registers_t *registers) {
    registers->is_tripped = true;
    registers->status_iout |= SIM_STATUS_IOUT_OC_FAULT;
}

void sim_pmbus_advance(sim_pmbus_part_t *self, int64_t step_ns) {
    sim_pmbus_adopt(self);
    sim_pmbus_follow_supply(self);
    if (!self->is_powered) {
        return;
    }
    for (uint8_t page = 0; page < self->page_count; page++) {
        const sim_pmbus_wiring_t *wiring = &self->wiring[page];
        sim_pmbus_registers_t *registers = &self->registers[page];
        if (wiring->enabled == NULL) {
            continue;
        }
        double current_a = sim_truth_of(self->sensors, wiring->current_word);
        bool is_over = current_a > sim_linear11_value(registers->current_limit);
        registers->overload_ns = is_over ? registers->overload_ns + step_ns : 0;
        if (is_over && registers->overload_ns >= self->trip_ns) {
            trip(registers);
        }
        if (wiring->spurious_trip != NULL && *wiring->spurious_trip != 0.0) {
            *wiring->spurious_trip = 0.0;
            registers->is_tripped = true; /* an upset of the latch: the status bits know nothing */
        }
        drive_switch(self, page);
    }
}

void sim_pmbus_adopt(sim_pmbus_part_t *self) {
    for (uint8_t page = 0; page < self->page_count && self->is_powered; page++) {
        sim_pmbus_registers_t *registers = &self->registers[page];
        const double *enabled = self->wiring[page].enabled;
        if (enabled != NULL && *enabled != registers->driven) {
            registers->operation = *enabled != 0.0 ? SIM_OPERATION_ON : SIM_OPERATION_OFF;
            registers->is_tripped = false;
            drive_switch(self, page);
        }
    }
}

bool sim_pmbus_answers(const sim_pmbus_part_t *self) {
    for (uint8_t page = 0; page < self->page_count; page++) {
        const double *nack = self->wiring[page].nack;
        if (nack != NULL && *nack != 0.0) {
            return false;
        }
    }
    return self->is_powered;
}

static uint16_t status_word(const sim_pmbus_part_t *self) {
    const sim_pmbus_wiring_t *wiring = &self->wiring[self->page];
    const sim_pmbus_registers_t *registers = &self->registers[self->page];
    unsigned status = 0;
    if (wiring->enabled != NULL && *wiring->enabled == 0.0) {
        status |= SIM_STATUS_OFF;
    }
    if (sim_truth_of(self->sensors, wiring->voltage_word) < wiring->voltage_good_v) {
        status |= SIM_STATUS_POWER_GOOD_N;
    }
    if ((registers->status_iout & SIM_STATUS_IOUT_OC_FAULT) != 0) {
        status |= SIM_STATUS_IOUT_POUT | SIM_STATUS_IOUT_OC;
    }
    if (self->status_cml != 0) {
        status |= SIM_STATUS_CML_SUMMARY;
    }
    return (uint16_t)status;
}

static uint16_t reading(sim_pmbus_part_t *self, uint8_t code) {
    const sim_pmbus_wiring_t *wiring = &self->wiring[self->page];
    if (code == SIM_READ_TEMPERATURE_1) {
        return sim_linear11_from(sim_sensor_read(self->sensors, wiring->temp_word));
    }
    if (code == SIM_READ_VOUT) {
        double voltage_v = sim_sensor_read(self->sensors, wiring->voltage_word);
        return sim_linear16_from(voltage_v, wiring->vout_mode);
    }
    double current_a = sim_sensor_read(self->sensors, wiring->current_word);
    if (code == SIM_READ_POUT) { /* the part multiplies what it has converted */
        current_a *= sim_sensor_read(self->sensors, wiring->voltage_word);
    }
    return sim_linear11_from(current_a);
}

static uint16_t read_register(sim_pmbus_part_t *self, uint8_t code) {
    const sim_pmbus_registers_t *registers = &self->registers[self->page];
    switch (code) {
    case SIM_PAGE:
        return self->page;
    case SIM_OPERATION:
        return registers->operation;
    case SIM_WRITE_PROTECT:
        return self->write_protect;
    case SIM_CAPABILITY:
        return CAPABILITY;
    case SIM_VOUT_MODE:
        return self->wiring[self->page].vout_mode;
    case SIM_IOUT_OC_FAULT_LIMIT:
        return registers->current_limit;
    case SIM_STATUS_BYTE:
        return status_word(self) & 0xFFu;
    case SIM_STATUS_WORD:
        return status_word(self);
    case SIM_STATUS_IOUT:
        return registers->status_iout;
    case SIM_STATUS_CML:
        return self->status_cml;
    case SIM_PMBUS_REVISION:
        return PMBUS_REVISION;
    default:
        return reading(self, code);
    }
}

/* Off and on again is what restarts a latched output, and it clears the page's status bits
   (PMBus part II, clearing of warning and fault bits). */
static ns_status_t write_operation(sim_pmbus_part_t *self, uint8_t value) {
    sim_pmbus_registers_t *registers = &self->registers[self->page];
    if (value != SIM_OPERATION_ON && value != SIM_OPERATION_OFF &&
        value != SIM_OPERATION_SOFT_OFF) {
        return refuse(self, SIM_CML_DATA);
    }
    if (value == SIM_OPERATION_ON && registers->operation != SIM_OPERATION_ON) {
        registers->is_tripped = false;
        registers->status_iout = 0;
        registers->overload_ns = 0;
    }
    registers->operation = value;
    drive_switch(self, self->page);
    return NS_OK;
}

static ns_status_t write_register(sim_pmbus_part_t *self, uint8_t code, uint16_t value) {
    switch (code) {
    case SIM_PAGE:
        if (value >= self->page_count) {
            return refuse(self, SIM_CML_DATA);
        }
        self->page = (uint8_t)value;
        return NS_OK;
    case SIM_OPERATION:
        return write_operation(self, (uint8_t)value);
    case SIM_CLEAR_FAULTS:
        self->registers[self->page].status_iout = 0;
        self->status_cml = 0;
        return NS_OK;
    case SIM_WRITE_PROTECT:
        if (value != 0u && value != WRITE_PROTECT_MOST && value != WRITE_PROTECT_ALL) {
            return refuse(self, SIM_CML_DATA);
        }
        self->write_protect = (uint8_t)value;
        return NS_OK;
    case SIM_IOUT_OC_FAULT_LIMIT:
        self->registers[self->page].current_limit = value;
        return NS_OK;
    default:
        return refuse(self, SIM_CML_COMMAND);
    }
}

static bool is_protected(const sim_pmbus_part_t *self, const command_t *command) {
    if (self->write_protect == WRITE_PROTECT_ALL) {
        return (command->traits & OPEN_AT_ALL) == 0;
    }
    return self->write_protect == WRITE_PROTECT_MOST && (command->traits & OPEN_AT_MOST) == 0;
}

static ns_status_t take_write(sim_pmbus_part_t *self, const uint8_t *write, size_t size) {
    const command_t *command = find_command(self, write[0]);
    if (command == NULL || (command->traits & CAN_WRITE) == 0) {
        return refuse(self, SIM_CML_COMMAND);
    }
    size_t plain_size = 1u + command->size;
    if (size != plain_size && size != plain_size + 1u) {
        return refuse(self, SIM_CML_OTHER);
    }
    if (size > plain_size) {
        uint8_t address = (uint8_t)(self->address << 1);
        uint8_t pec = sim_pec_update(sim_pec_update(0, &address, 1), write, plain_size);
        if (pec != write[plain_size]) {
            return refuse(self, SIM_CML_PEC);
        }
    }
    if (is_protected(self, command)) {
        return refuse(self, SIM_CML_DATA);
    }
    uint16_t value = command->size > 0 ? write[1] : 0;
    if (command->size > 1) {
        value = (uint16_t)(value | (unsigned)write[2] << 8);
    }
    return write_register(self, command->code, value);
}

static ns_status_t give_read(sim_pmbus_part_t *self, uint8_t code, uint8_t *read, size_t size) {
    const command_t *command = find_command(self, code);
    if (command == NULL || (command->traits & CAN_READ) == 0) {
        return refuse(self, SIM_CML_COMMAND);
    }
    uint16_t value = read_register(self, code);
    uint8_t address = (uint8_t)(self->address << 1);
    uint8_t bytes[] = {address,
                       code,
                       (uint8_t)(address + 1), /* the read bit */
                       (uint8_t)(value & 0xFFu),
                       (uint8_t)(value >> 8),
                       0};
    bytes[3u + command->size] = sim_pec_update(0, bytes, 3u + command->size);
    for (size_t i = 0; i < size; i++) {
        read[i] = i <= command->size ? bytes[3u + i] : 0xFFu; /* nobody drives the bus any more */
    }
    if (size > command->size + 1u) {
        self->status_cml |= SIM_CML_OTHER;
    }
    return NS_OK;
}

ns_status_t sim_pmbus_transfer(sim_pmbus_part_t *self, const uint8_t *write, size_t write_size,
                               uint8_t *read, size_t read_size) {
    if (!sim_pmbus_answers(self)) {
        return NS_E_NACK;
    }
    sim_pmbus_adopt(self);
    if (write_size == 0) {
        return read_size == 0 ? NS_OK : refuse(self, SIM_CML_OTHER);
    }
    if (read_size == 0) {
        return take_write(self, write, write_size);
    }
    return write_size == 1 ? give_read(self, write[0], read, read_size)
                           : refuse(self, SIM_CML_OTHER);
}
