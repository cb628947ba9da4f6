/** @file tmp.c */
#include "tmp.h"

#include <math.h>
#include <string.h>

#define NS_PER_US 1000
#define SIXTEENTHS 16.0
#define OPEN_RESULT (-256 * 16) /* TMP464: an open diode reads 0x8000 (TI E2E thread 813082) */

/* TMP1075, SBOS854F. */
enum { WORD_TEMP = 0, WORD_CONFIG = 1, WORD_LOW = 2, WORD_HIGH = 3, WORD_DEVICE = 0x0F };
enum { TMP1075_ONE_SHOT = 0x8000, TMP1075_SHUTDOWN = 0x0100 };

/* TMP421, SBOS398C table 3. */
enum {
    BYTE_LOCAL = 0x00,
    BYTE_REMOTE = 0x01,
    BYTE_STATUS = 0x08,
    BYTE_CONFIG_1 = 0x09,
    BYTE_CONFIG_2 = 0x0A,
    BYTE_RATE = 0x0B,
    BYTE_ONE_SHOT = 0x0F,
    BYTE_LOCAL_LOW = 0x10,
    BYTE_REMOTE_LOW = 0x11,
    BYTE_RESET = 0xFC,
    BYTE_MANUFACTURER = 0xFE,
    BYTE_DEVICE = 0xFF
};
enum { TMP421_SHUTDOWN = 0x40, TMP421_EXTENDED = 0x04, TMP421_OPEN = 0x01, TMP421_BUSY = 0x80 };

/* TMP464, SBOS835C. */
enum {
    TMP464_RESET = 0x20,
    TMP464_THERM = 0x21,
    TMP464_THERM2 = 0x22,
    TMP464_OPEN = 0x23,
    TMP464_CONFIG = 0x30,
    TMP464_LOCK = 0xC4,
    TMP464_MANUFACTURER = 0xFE,
    TMP464_DEVICE = 0xFF
};
enum { TMP464_ONE_SHOT = 0x0040, TMP464_SHUTDOWN = 0x0020, TMP464_BUSY = 0x0002 };
enum { TMP464_LOCK_KEY = 0x5CA6, TMP464_UNLOCK_KEY = 0xEB19 };

static bool is_shut_down(const sim_tmp_t *self) {
    static const uint16_t bit[] = {TMP1075_SHUTDOWN, TMP421_SHUTDOWN, TMP464_SHUTDOWN};
    return (self->config & bit[self->kind]) != 0;
}

/* THERM limits of the die and of remotes 1 to 4; the bits of the status registers are 7 for the die
   and 8 .. 11 for the remotes (Linux hwmon driver tmp464). */
static const uint8_t therm_registers[SIM_TMP_CHANNELS] = {0x39, 0x42, 0x4A, 0x52, 0x5A};
#define THERM_RESET 0x7FC0 /* unverified */
#define THERM_BITS 0xFFC0u /* steps of 0.5 degC: as above */
#define STATUS_SHIFT 7

static int therm_channel(uint8_t pointer) {
    for (int channel = 0; channel < SIM_TMP_CHANNELS; channel++) {
        if (therm_registers[channel] == pointer) {
            return channel;
        }
    }
    return -1;
}

/* Time from one result to the next. */
static int64_t period_ns(const sim_tmp_t *self) {
    static const uint32_t tmp1075_us[4] = {27500, 55000, 110000, 220000}; /* SBOS854F table 6 */
    if (self->kind == SIM_TMP1075) {
        return (int64_t)tmp1075_us[self->config >> 13 & 3u] * NS_PER_US;
    }
    if (self->kind == SIM_TMP421) { /* SBOS398C table 6: 0.0625 Hz at 0, doubling up to 8 Hz at 7 */
        return (int64_t)16000000 * NS_PER_US >> (self->rate & 7u);
    }
    /* unverified: 7 converts all the time, 16 ms a channel; each step below doubles the period */
    unsigned rate = self->config >> 2 & 7u;
    return (int64_t)(SIM_TMP_CHANNELS * 16000) * NS_PER_US << (7u - rate);
}

static void convert(sim_tmp_t *self) {
    for (uint8_t channel = 0; channel < SIM_TMP_CHANNELS; channel++) {
        const double *temp_c = self->temp_c[channel];
        if (temp_c == NULL || self->is_open[channel]) {
            bool is_seen = temp_c != NULL && self->is_open[channel];
            if (is_seen) {
                self->open_seen |= (uint8_t)(1u << channel);
            }
            self->result[channel] = self->kind == SIM_TMP464 && is_seen ? OPEN_RESULT : 0;
            continue;
        }
        double sixteenths = floor(*temp_c * SIXTEENTHS + 0.5);
        self->result[channel] = (int16_t)fmin(fmax(sixteenths, -4096.0), 4095.0);
    }
    int high = (int16_t)self->high / 16; /* TMP1075: 12 bits, left in the word */
    int low = (int16_t)self->low / 16;
    if (self->kind == SIM_TMP1075) { /* comparator mode: on at high, off below low */
        self->has_alert = self->result[0] >= high || (self->has_alert && self->result[0] >= low);
    }
}

void sim_tmp_advance(sim_tmp_t *self, int64_t now_ns) {
    int64_t step_ns = now_ns > self->last_ns ? now_ns - self->last_ns : 0;
    self->last_ns = now_ns;
    if (!self->is_powered || self->left_ns < 0) {
        return;
    }
    self->left_ns -= step_ns;
    if (self->left_ns > 0) {
        return;
    }
    convert(self);
    int64_t period = period_ns(self);
    self->left_ns = is_shut_down(self) ? -1 : period - (-self->left_ns % period);
}

void sim_tmp_power_up(sim_tmp_t *self) {
    static const uint16_t config[] = {0x00FF, 0x0000, 0x0F9C};
    self->is_powered = true;
    self->pointer = 0;
    self->config = config[self->kind];
    self->high = 0x5000; /* SBOS854F table 2: 80 and 75 degC */
    self->low = 0x4B00;
    self->rate = 7;
    self->is_locked = self->has_alert = false;
    self->open_seen = 0;
    for (int channel = 0; channel < SIM_TMP_CHANNELS; channel++) {
        self->therm[channel] = THERM_RESET;
    }
    memset(self->result, 0, sizeof(self->result));
    self->left_ns = period_ns(self);
}

static void set_config(sim_tmp_t *self, uint16_t config, uint16_t one_shot) {
    bool is_asked = (config & one_shot) != 0;
    bool was_down = is_shut_down(self);
    self->config = config & (uint16_t)~one_shot;
    if (is_shut_down(self)) {
        self->left_ns = is_asked ? period_ns(self) : -1;
    } else if (was_down) {
        self->left_ns = period_ns(self);
    }
}

/* ---- TMP1075 ---- */

static size_t read_tmp1075(const sim_tmp_t *self, uint8_t *bytes) {
    unsigned word = 0xFFFF;
    switch (self->pointer) {
    case WORD_TEMP:
        word = (unsigned)(self->result[0] > 2047 ? 2047 : self->result[0]) << 4;
        break;
    case WORD_CONFIG:
        word = self->config;
        break;
    case WORD_LOW:
        word = self->low;
        break;
    case WORD_HIGH:
        word = self->high;
        break;
    case WORD_DEVICE:
        word = 0x7500;
        break;
    default:
        break;
    }
    bytes[0] = (uint8_t)(word >> 8 & 0xFFu);
    bytes[1] = (uint8_t)(word & 0xFFu);
    return 2;
}

static void write_tmp1075(sim_tmp_t *self, uint16_t value) {
    if (self->pointer == WORD_CONFIG) {
        set_config(self, value | 0x00FFu, TMP1075_ONE_SHOT);
    } else if (self->pointer == WORD_LOW) {
        self->low = value & 0xFFF0u;
    } else if (self->pointer == WORD_HIGH) {
        self->high = value & 0xFFF0u;
    }
}

/* ---- TMP421 ---- */

/* High byte: whole degrees, offset by 64 in the extended range. Low byte: the fraction, and bit 0
   for an open diode (SBOS398C 7.6). Reading the high byte holds the low one. */
static uint8_t read_tmp421(const sim_tmp_t *self, uint8_t pointer) {
    uint8_t channel = (uint8_t)(pointer & 1u);
    int offset = (self->config & TMP421_EXTENDED) != 0 ? 64 * 16 : 0;
    int sixteenths = self->result[channel] + offset;
    switch (pointer) {
    case BYTE_LOCAL:
    case BYTE_REMOTE:
        return (uint8_t)((unsigned)sixteenths >> 4 & 0xFFu);
    case BYTE_LOCAL_LOW:
    case BYTE_REMOTE_LOW: {
        bool is_open = (self->open_seen >> channel & 1u) != 0 && self->is_open[channel];
        return (uint8_t)(((unsigned)sixteenths << 4 & 0xF0u) | (is_open ? TMP421_OPEN : 0u));
    }
    case BYTE_STATUS:
        return self->left_ns >= 0 && is_shut_down(self) ? TMP421_BUSY : 0;
    case BYTE_CONFIG_1:
        return (uint8_t)self->config;
    case BYTE_CONFIG_2:
        return 0x1C;
    case BYTE_RATE:
        return self->rate;
    case BYTE_MANUFACTURER:
        return 0x55;
    case BYTE_DEVICE:
        return 0x21;
    default:
        return 0xFF;
    }
}

static void write_tmp421(sim_tmp_t *self, uint8_t value) {
    if (self->pointer == BYTE_CONFIG_1) {
        set_config(self, value, 0);
    } else if (self->pointer == BYTE_RATE) {
        self->rate = value & 7u;
    } else if (self->pointer == BYTE_ONE_SHOT && is_shut_down(self)) {
        self->left_ns = 115000 * (int64_t)NS_PER_US; /* SBOS398C 6.5: typical conversion time */
    } else if (self->pointer == BYTE_RESET) {
        sim_tmp_power_up(self);
    }
}

/* ---- TMP464 ---- */

static uint16_t therm_status(const sim_tmp_t *self) {
    unsigned status = 0;
    for (int channel = 0; channel < SIM_TMP_CHANNELS; channel++) {
        int limit = (int16_t)self->therm[channel] / 8;
        status |= self->result[channel] > limit ? 1u << (STATUS_SHIFT + channel) : 0u;
    }
    return (uint16_t)status;
}

static uint16_t read_tmp464(sim_tmp_t *self) {
    if (self->pointer < SIM_TMP_CHANNELS) { /* 13 bits, left in the word: SBOS835C table 1 */
        return (uint16_t)((unsigned)self->result[self->pointer] << 3 & 0xFFF8u);
    }
    switch (self->pointer) {
    case TMP464_THERM:
        return therm_status(self);
    case TMP464_THERM2:
        return 0;
    case TMP464_OPEN: { /* reading clears it until the next conversion */
        unsigned open = (unsigned)self->open_seen << STATUS_SHIFT;
        self->open_seen = 0;
        return (uint16_t)open;
    }
    case TMP464_CONFIG:
        return (uint16_t)(self->config | (self->left_ns >= 0 ? TMP464_BUSY : 0u));
    case TMP464_LOCK:
        return self->is_locked ? TMP464_LOCK_KEY : 0x8000u;
    case TMP464_MANUFACTURER:
        return 0x5449;
    case TMP464_DEVICE:
        return 0x1468;
    default: {
        int channel = therm_channel(self->pointer);
        if (channel >= 0) {
            return self->therm[channel];
        }
        return self->pointer == TMP464_RESET ? 0 : 0xFFFFu;
    }
    }
}

static void write_tmp464(sim_tmp_t *self, uint16_t value) {
    if (self->pointer == TMP464_LOCK) {
        self->is_locked =
            value == TMP464_LOCK_KEY || (self->is_locked && value != TMP464_UNLOCK_KEY);
    } else if (self->is_locked) {
        return;
    } else if (self->pointer == TMP464_RESET && (value & 0x8000u) != 0) {
        sim_tmp_power_up(self);
    } else if (self->pointer == TMP464_CONFIG) {
        set_config(self, value & (uint16_t)~TMP464_BUSY, TMP464_ONE_SHOT);
    } else if (therm_channel(self->pointer) >= 0) {
        self->therm[therm_channel(self->pointer)] = value & THERM_BITS;
    }
}

/* ---- messages ---- */

static void give(sim_tmp_t *self, uint8_t *read, size_t read_size) {
    if (self->kind == SIM_TMP421) { /* the pointer goes on by itself: SBOS398C 7.5.3 */
        for (size_t i = 0; i < read_size; i++) {
            read[i] = read_tmp421(self, (uint8_t)(self->pointer + i));
        }
        return;
    }
    uint8_t bytes[2];
    if (self->kind == SIM_TMP1075) {
        (void)read_tmp1075(self, bytes);
    } else {
        uint16_t word = read_tmp464(self);
        bytes[0] = (uint8_t)(word >> 8);
        bytes[1] = (uint8_t)(word & 0xFFu);
    }
    memset(read, 0xFF, read_size);
    memcpy(read, bytes, read_size < 2u ? read_size : 2u);
}

static ns_status_t transfer(void *part, int64_t now_ns, const uint8_t *write, size_t write_size,
                            uint8_t *read, size_t read_size) {
    sim_tmp_t *self = (sim_tmp_t *)part;
    if (!self->is_powered) {
        return NS_E_NACK;
    }
    if (now_ns > self->last_ns) {
        sim_tmp_advance(self, now_ns);
    }
    if (write_size > 0) {
        self->pointer = write[0];
    }
    if (write_size == 2u && self->kind == SIM_TMP421) {
        write_tmp421(self, write[1]);
    } else if (write_size == 3u && self->kind != SIM_TMP421) {
        uint16_t value = (uint16_t)((unsigned)write[1] << 8 | write[2]);
        if (self->kind == SIM_TMP1075) {
            write_tmp1075(self, value);
        } else {
            write_tmp464(self, value);
        }
    }
    if (read_size > 0) { /* reading has effects of its own */
        give(self, read, read_size);
    }
    return NS_OK;
}

static bool is_alerting(const void *part) {
    const sim_tmp_t *self = (const sim_tmp_t *)part;
    return self->is_powered && self->has_alert;
}

const sim_i2c_ops_t sim_tmp_i2c_ops = {.transfer = transfer, .is_alerting = is_alerting};
