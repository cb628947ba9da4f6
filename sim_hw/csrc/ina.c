/** @file ina.c */
#include "ina.h"

#include <math.h>
#include <string.h>

#define NS_PER_US 1000
#define NS_PER_S 1e9
#define RESET_BIT 0x8000u

/* Registers that the three have in common: 0 configuration. */
enum { CONFIG = 0x00 };
enum { INA2XX_SHUNT = 1, INA2XX_BUS = 2, INA2XX_POWER = 3, INA2XX_CURRENT = 4, INA2XX_CAL = 5 };
enum { INA226_MASK = 6, INA226_LIMIT = 7 };
enum {
    INA228_ADC_CONFIG = 0x01,
    INA228_SHUNT_CAL = 0x02,
    INA228_SHUNT_TEMPCO = 0x03,
    INA228_VSHUNT = 0x04,
    INA228_VBUS = 0x05,
    INA228_DIETEMP = 0x06,
    INA228_CURRENT = 0x07,
    INA228_POWER = 0x08,
    INA228_ENERGY = 0x09,
    INA228_CHARGE = 0x0A,
    INA228_DIAG = 0x0B,
    INA228_SOVL = 0x0C,
    INA228_SUVL = 0x0D,
    INA228_BOVL = 0x0E,
    INA228_BUVL = 0x0F,
    INA228_TEMP_LIMIT = 0x10,
    INA228_POWER_LIMIT = 0x11,
    INA228_MANUFACTURER = 0x3E,
    INA228_DEVICE = 0x3F
};

/* INA226 Mask/Enable, SBOS547A table 11. */
enum {
    MASK_SHUNT_OVER = 0x8000,
    MASK_SHUNT_UNDER = 0x4000,
    MASK_BUS_OVER = 0x2000,
    MASK_BUS_UNDER = 0x1000,
    MASK_POWER_OVER = 0x0800,
    MASK_FLAG = 0x0010,
    MASK_READY = 0x0008,
    MASK_OVERFLOW = 0x0004,
    MASK_LATCH = 0x0001,
    MASK_WRITABLE = 0xFC03
};

/* INA228 DIAG_ALRT, SLYS021A table 7-16. */
enum {
    DIAG_LATCH = 0x8000,
    DIAG_MATH_OVERFLOW = 0x0200,
    DIAG_TEMP_OVER = 0x0080,
    DIAG_SHUNT_OVER = 0x0040,
    DIAG_SHUNT_UNDER = 0x0020,
    DIAG_BUS_OVER = 0x0010,
    DIAG_BUS_UNDER = 0x0008,
    DIAG_POWER_OVER = 0x0004,
    DIAG_READY = 0x0002,
    DIAG_MEMORY_GOOD = 0x0001,
    DIAG_WRITABLE = 0xF000
};

/* ---- timing ---- */

/* SBOS448G table 5: bits 0 .. 3 without averaging, then powers of two of 532 us. */
static uint32_t ina219_time_us(unsigned code) {
    static const uint32_t single_us[4] = {84, 148, 276, 532};
    static const uint32_t averaged_us[8] = {532, 1060, 2130, 4260, 8510, 17020, 34050, 68100};
    return (code & 8u) == 0 ? single_us[code & 3u] : averaged_us[code & 7u];
}

/* SBOS547A tables 7 and 8; SLYS021A table 7-6. */
static const uint32_t ina226_time_us[8] = {140, 204, 332, 588, 1100, 2116, 4156, 8244};
static const uint32_t ina228_time_us[8] = {50, 84, 150, 280, 540, 1052, 2074, 4120};
static const uint32_t average_count[8] = {1, 4, 16, 64, 128, 256, 512, 1024};

/* Bits 0 shunt, 1 bus, 2 temperature; bit 3: continuous. 0: shut down. */
static unsigned mode_of(const sim_ina_t *self) {
    if (self->kind == SIM_INA228) {
        unsigned mode = self->reg[INA228_ADC_CONFIG] >> 12; /* 1 bus, 2 shunt, 4 temperature */
        unsigned measured = (mode & 4u) | (mode & 1u) << 1 | (mode & 2u) >> 1;
        return measured == 0 ? 0 : measured | (mode & 8u);
    }
    unsigned mode = self->reg[CONFIG] & 7u;
    return (mode & 3u) == 0 ? 0 : (mode & 3u) | (mode & 4u) << 1;
}

static int64_t cycle_ns(const sim_ina_t *self, unsigned mode) {
    unsigned config = self->reg[CONFIG];
    uint64_t time_us = 0;
    if (self->kind == SIM_INA219) {
        time_us += (mode & 1u) != 0 ? ina219_time_us(config >> 3 & 15u) : 0u;
        time_us += (mode & 2u) != 0 ? ina219_time_us(config >> 7 & 15u) : 0u;
    } else if (self->kind == SIM_INA226) {
        time_us += (mode & 1u) != 0 ? ina226_time_us[config >> 3 & 7u] : 0u;
        time_us += (mode & 2u) != 0 ? ina226_time_us[config >> 6 & 7u] : 0u;
        time_us *= average_count[config >> 9 & 7u];
    } else {
        unsigned adc = self->reg[INA228_ADC_CONFIG];
        time_us += (mode & 1u) != 0 ? ina228_time_us[adc >> 6 & 7u] : 0u;
        time_us += (mode & 2u) != 0 ? ina228_time_us[adc >> 9 & 7u] : 0u;
        time_us += (mode & 4u) != 0 ? ina228_time_us[adc >> 3 & 7u] : 0u;
        time_us *= average_count[adc & 7u];
    }
    return (int64_t)time_us * NS_PER_US;
}

static void start_cycle(sim_ina_t *self) {
    self->span_ns = 0;
    self->sum_bus = self->sum_shunt = 0.0;
    self->is_converting = mode_of(self) != 0;
}

/* ---- conversion ---- */

static int32_t code_of(double value, double lsb, double low, double high) {
    double code = floor(value / lsb + 0.5);
    return (int32_t)fmin(fmax(code, low), high);
}

/* Shunt and bus codes. INA219: PGA range by PG, SBOS448G table 4; bus 16 V or 32 V by BRNG. */
static void convert(sim_ina_t *self, unsigned mode, double bus_v, double shunt_v) {
    double shunt_lsb_v = 2.5e-6;
    double shunt_high = 32767.0;
    double bus_lsb_v = 1.25e-3;
    double bus_high = 32767.0;
    if (self->kind == SIM_INA219) {
        shunt_lsb_v = 10e-6;
        shunt_high = ldexp(4000.0, self->reg[CONFIG] >> 11 & 3);
        bus_lsb_v = 4e-3;
        bus_high = (self->reg[CONFIG] & 0x2000u) != 0 ? 8000.0 : 4000.0;
    } else if (self->kind == SIM_INA228) {
        shunt_lsb_v = (self->reg[CONFIG] & 0x10u) != 0 ? 78.125e-9 : 312.5e-9;
        shunt_high = 524287.0;
        bus_lsb_v = 195.3125e-6;
        bus_high = 524287.0;
    }
    if ((mode & 1u) != 0) {
        self->shunt = code_of(shunt_v, shunt_lsb_v, -shunt_high, shunt_high);
    }
    if ((mode & 2u) != 0) {
        self->bus = code_of(bus_v, bus_lsb_v, 0.0, bus_high);
    }
}

/* Current and power from the codes and the calibration, as the part's own arithmetic does. */
static void calculate(sim_ina_t *self) {
    if (self->kind == SIM_INA228) {
        double gain = (self->reg[CONFIG] & 0x10u) != 0 ? 4.0 : 1.0;
        double shunt_v = self->shunt * 312.5e-9 / gain;
        /* SHUNT_CAL = 13107.2e6 x CURRENT_LSB x R x gain: SLYS021A equation 2 */
        double cal = self->reg[INA228_SHUNT_CAL] & 0x7FFFu;
        double lsb_a = cal / (13107.2e6 * self->shunt_ohm * gain);
        double current_a = shunt_v / self->shunt_ohm;
        self->current = lsb_a > 0.0 ? code_of(current_a, lsb_a, -524288.0, 524287.0) : 0;
        double bus_v = self->bus * 195.3125e-6;
        double power = fabs(bus_v * self->current / 3.2); /* POWER_LSB = 3.2 CURRENT_LSB */
        self->has_overflowed = power > 16777215.0;
        self->power = (uint32_t)fmin(power, 16777215.0);
        return;
    }
    bool is_219 = self->kind == SIM_INA219;
    int32_t cal = self->reg[INA2XX_CAL] & (is_219 ? 0xFFFE : 0x7FFF);
    double current = (double)self->shunt * cal / (is_219 ? 4096.0 : 2048.0);
    double power = fabs(trunc(current)) * self->bus / (is_219 ? 5000.0 : 20000.0);
    self->has_overflowed = fabs(current) > 32767.0 || power > 65535.0;
    self->current = (int32_t)fmin(fmax(trunc(current), -32768.0), 32767.0);
    self->power = (uint32_t)fmin(power, 65535.0);
}

static int32_t signed_word(uint16_t word) {
    return word > 0x7FFFu ? (int32_t)word - 65536 : (int32_t)word;
}

/* INA226: only the highest enabled function counts, SBOS547A 7.6.7. */
static bool ina226_is_over(const sim_ina_t *self) {
    unsigned mask = self->reg[INA226_MASK];
    int32_t limit = signed_word(self->reg[INA226_LIMIT]);
    if ((mask & MASK_SHUNT_OVER) != 0) {
        return self->shunt > limit;
    }
    if ((mask & MASK_SHUNT_UNDER) != 0) {
        return self->shunt < limit;
    }
    if ((mask & MASK_BUS_OVER) != 0) {
        return self->bus > limit;
    }
    if ((mask & MASK_BUS_UNDER) != 0) {
        return self->bus < limit;
    }
    return (mask & MASK_POWER_OVER) != 0 && self->power > self->reg[INA226_LIMIT];
}

static unsigned ina228_limits(const sim_ina_t *self) {
    /* SLYS021A 7.6.13 .. 7.6.18: 5 uV or 1.25 uV, 3.125 mV, 7.8125 m degC, 256 power LSB */
    int32_t shunt = self->shunt / 16;
    int32_t bus = self->bus / 16;
    double temp = self->temp_c != NULL ? *self->temp_c / 7.8125e-3 : 0.0;
    unsigned flags = 0;
    flags |= shunt > signed_word(self->reg[INA228_SOVL]) ? DIAG_SHUNT_OVER : 0u;
    flags |= shunt < signed_word(self->reg[INA228_SUVL]) ? DIAG_SHUNT_UNDER : 0u;
    flags |= bus > signed_word(self->reg[INA228_BOVL]) ? DIAG_BUS_OVER : 0u;
    flags |= bus < signed_word(self->reg[INA228_BUVL]) ? DIAG_BUS_UNDER : 0u;
    flags |= temp > (double)signed_word(self->reg[INA228_TEMP_LIMIT]) ? DIAG_TEMP_OVER : 0u;
    flags |= self->power / 256u > self->reg[INA228_POWER_LIMIT] ? DIAG_POWER_OVER : 0u;
    return flags;
}

static void judge(sim_ina_t *self) {
    if (self->kind == SIM_INA226) {
        bool is_latched = (self->reg[INA226_MASK] & MASK_LATCH) != 0 && self->alerts != 0;
        self->alerts = is_latched || ina226_is_over(self) ? MASK_FLAG : 0;
    } else if (self->kind == SIM_INA228) {
        bool is_latched = (self->reg[INA228_DIAG] & DIAG_LATCH) != 0;
        self->alerts = (uint16_t)(ina228_limits(self) | (is_latched ? self->alerts : 0u));
    }
}

static void finish_cycle(sim_ina_t *self, unsigned mode, double duration_s) {
    double span = (double)self->span_ns;
    convert(self, mode, self->sum_bus / span, self->sum_shunt / span);
    calculate(self);
    if (self->kind == SIM_INA228) { /* ENERGY in 16 power LSB x s, CHARGE in current LSB x s */
        self->energy = fmod(self->energy + self->power * duration_s / 16.0, ldexp(1.0, 40));
        self->charge += self->current * duration_s;
    }
    judge(self);
    self->is_ready = true;
    start_cycle(self);
    self->is_converting = (mode & 8u) != 0;
}

void sim_ina_advance(sim_ina_t *self, int64_t now_ns) {
    int64_t left_ns = now_ns - self->last_ns;
    self->last_ns = now_ns;
    unsigned mode = mode_of(self);
    int64_t whole_ns = cycle_ns(self, mode);
    double shunt_v = *self->current_a * self->shunt_ohm;
    while (self->is_powered && self->is_converting && left_ns > 0) {
        int64_t step_ns = whole_ns - self->span_ns;
        /* many equal cycles at once: the results of all but the last are never seen */
        int64_t skipped = self->span_ns == 0 && (mode & 8u) != 0 ? left_ns / whole_ns - 1 : 0;
        skipped = skipped > 0 ? skipped : 0;
        step_ns = left_ns < step_ns ? left_ns : step_ns;
        self->sum_bus += *self->bus_v * (double)step_ns;
        self->sum_shunt += shunt_v * (double)step_ns;
        self->span_ns += step_ns;
        left_ns -= step_ns + skipped * whole_ns;
        if (self->span_ns >= whole_ns) {
            finish_cycle(self, mode, (double)(whole_ns * (1 + skipped)) / NS_PER_S);
        }
    }
}

/* ---- registers ---- */

void sim_ina_power_up(sim_ina_t *self) {
    memset(self->reg, 0, sizeof(self->reg));
    self->pointer = 0;
    self->shunt = self->bus = self->current = 0;
    self->power = 0;
    self->energy = self->charge = 0.0;
    self->is_ready = self->has_overflowed = false;
    self->alerts = 0;
    self->is_powered = true;
    if (self->kind == SIM_INA219) {
        self->reg[CONFIG] = 0x399F; /* SBOS448G table 2 */
    } else if (self->kind == SIM_INA226) {
        self->reg[CONFIG] = 0x4127; /* SBOS547A table 4 */
    } else {                        /* SLYS021A table 7-3 */
        self->reg[INA228_ADC_CONFIG] = 0xFB68;
        self->reg[INA228_SHUNT_CAL] = 0x1000;
        self->reg[INA228_SOVL] = 0x7FFF;
        self->reg[INA228_SUVL] = 0x8000;
        self->reg[INA228_BOVL] = 0x7FFF;
        self->reg[INA228_TEMP_LIMIT] = 0x7FFF;
        self->reg[INA228_POWER_LIMIT] = 0xFFFF;
    }
    start_cycle(self);
}

static size_t put(uint8_t *bytes, uint64_t value, size_t size) {
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(value >> 8u * (size - 1u - i) & 0xFFu);
    }
    return size;
}

static size_t read_ina2xx(sim_ina_t *self, uint8_t *bytes) {
    bool is_219 = self->kind == SIM_INA219;
    switch (self->pointer) {
    case INA2XX_SHUNT:
        return put(bytes, (uint16_t)self->shunt, 2);
    case INA2XX_BUS: {
        unsigned flags = (self->is_ready ? 2u : 0u) | (self->has_overflowed ? 1u : 0u);
        unsigned bus = (unsigned)self->bus;
        return put(bytes, is_219 ? bus << 3 | flags : bus, 2);
    }
    case INA2XX_POWER:
        self->is_ready = is_219 ? false : self->is_ready; /* SBOS448G 8.6.3.2: clears CNVR */
        return put(bytes, self->power, 2);
    case INA2XX_CURRENT:
        return put(bytes, (uint16_t)self->current, 2);
    case INA226_MASK: {
        unsigned mask = self->reg[INA226_MASK] | self->alerts;
        mask |= (self->is_ready ? MASK_READY : 0u) | (self->has_overflowed ? MASK_OVERFLOW : 0u);
        self->is_ready = false; /* SBOS547A 7.6.7: reading clears CVRF and a latched alert */
        self->alerts = 0;
        return put(bytes, mask, 2);
    }
    case 0xFE:
        return put(bytes, 0x5449, is_219 ? 0 : 2); /* SBOS547A table 3 */
    case 0xFF:
        return put(bytes, 0x2260, is_219 ? 0 : 2);
    default: {
        bool is_there = self->pointer <= (is_219 ? INA2XX_CAL : INA226_LIMIT);
        return is_there ? put(bytes, self->reg[self->pointer], 2) : 0;
    }
    }
}

static size_t read_ina228(sim_ina_t *self, uint8_t *bytes) {
    switch (self->pointer) {
    case INA228_VSHUNT: /* 20 bits in 23:4, SLYS021A 7.6.5 */
        return put(bytes, (uint32_t)self->shunt << 4, 3);
    case INA228_VBUS:
        return put(bytes, (uint32_t)self->bus << 4, 3);
    case INA228_CURRENT:
        return put(bytes, (uint32_t)self->current << 4, 3);
    case INA228_DIETEMP: {
        double temp_c = self->temp_c != NULL ? *self->temp_c : 0.0;
        return put(bytes, (uint16_t)code_of(temp_c, 7.8125e-3, -32768.0, 32767.0), 2);
    }
    case INA228_POWER:
        return put(bytes, self->power, 3);
    case INA228_ENERGY:
        return put(bytes, (uint64_t)self->energy, 5);
    case INA228_CHARGE:
        return put(bytes, (uint64_t)(int64_t)self->charge, 5);
    case INA228_DIAG: {
        unsigned diag = self->reg[INA228_DIAG] | self->alerts | DIAG_MEMORY_GOOD;
        diag |= self->is_ready ? DIAG_READY : 0u;
        diag |= self->has_overflowed ? DIAG_MATH_OVERFLOW : 0u;
        self->is_ready = false; /* SLYS021A 7.6.12 */
        self->alerts = 0;
        return put(bytes, diag, 2);
    }
    case INA228_MANUFACTURER:
        return put(bytes, 0x5449, 2);
    case INA228_DEVICE:
        return put(bytes, 0x2281, 2);
    default:
        return self->pointer <= INA228_POWER_LIMIT ? put(bytes, self->reg[self->pointer], 2) : 0;
    }
}

static bool is_writable(const sim_ina_t *self, uint8_t index) {
    if (self->kind == SIM_INA228) {
        return index <= INA228_SHUNT_TEMPCO ||
               (index >= INA228_DIAG && index <= INA228_POWER_LIMIT);
    }
    bool is_alert = self->kind == SIM_INA226 && (index == INA226_MASK || index == INA226_LIMIT);
    return index == CONFIG || index == INA2XX_CAL || is_alert;
}

static void write_register(sim_ina_t *self, uint8_t index, uint16_t value) {
    if (!is_writable(self, index)) {
        return; /* read only: acknowledged and dropped */
    }
    if (index == CONFIG && (value & RESET_BIT) != 0) {
        sim_ina_power_up(self);
        return;
    }
    if (self->kind == SIM_INA226 && index == INA226_MASK) {
        value &= MASK_WRITABLE;
    } else if (self->kind == SIM_INA228 && index == INA228_DIAG) {
        value &= DIAG_WRITABLE;
    } else if (self->kind == SIM_INA219 && index == INA2XX_CAL) {
        value &= 0xFFFEu; /* SBOS448G 8.6.4.1: FS0 is void and always 0 */
    }
    self->reg[index] = value;
    if (self->kind == SIM_INA228 && index == CONFIG && (value & 0x4000u) != 0) {
        self->energy = self->charge = 0.0; /* RSTACC */
        self->reg[CONFIG] &= 0xBFFFu;
    }
    bool is_mode = index == CONFIG || (self->kind == SIM_INA228 && index == INA228_ADC_CONFIG);
    if (is_mode) { /* a write of the mode starts anew and clears conversion ready */
        self->is_ready = false;
        start_cycle(self);
    }
}

static ns_status_t transfer(void *part, int64_t now_ns, const uint8_t *write, size_t write_size,
                            uint8_t *read, size_t read_size) {
    sim_ina_t *self = (sim_ina_t *)part;
    if (!self->is_powered) {
        return NS_E_NACK;
    }
    if (now_ns > self->last_ns) {
        sim_ina_advance(self, now_ns);
    }
    if (write_size > 0) {
        self->pointer = write[0];
    }
    if (write_size >= 3u) {
        write_register(self, write[0], (uint16_t)((unsigned)write[1] << 8 | write[2]));
    }
    if (read_size > 0) {
        uint8_t bytes[8];
        size_t size =
            self->kind == SIM_INA228 ? read_ina228(self, bytes) : read_ina2xx(self, bytes);
        memset(read, 0xFF, read_size);
        memcpy(read, bytes, size < read_size ? size : read_size);
    }
    return NS_OK;
}

static bool is_alerting(const void *part) {
    const sim_ina_t *self = (const sim_ina_t *)part;
    return self->is_powered && self->alerts != 0;
}

const sim_i2c_ops_t sim_ina_i2c_ops = {.transfer = transfer, .is_alerting = is_alerting};

bool sim_ina_flip(sim_ina_t *self, uint8_t index, uint8_t bit) {
    if (bit > 15u || index >= SIM_INA_REGISTERS || !is_writable(self, index)) {
        return false;
    }
    self->reg[index] ^= (uint16_t)(1u << bit);
    return true;
}
