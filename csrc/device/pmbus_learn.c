#include "pmbus_state.h"

void ns_pmbus_forget(ns_pmbus_t *self) {
    self->is_learnt = false;
    self->limits_are_held = false;
    self->check_countdown = 0;
    self->status_is_known = false;
}

/** Current and power of a hot-swap follow its shunt; the data sheets' coefficients are for 1 mohm.
 *  Scaled by 1000 so that no digit of m is lost. */
static ns_pmbus_scale_t over_shunt(const ns_pmbus_t *self, ns_pmbus_scale_t scale) {
    int64_t m = (int64_t)scale.m * (int64_t)self->config.shunt_uohm;
    return (ns_pmbus_scale_t){
        .format = scale.format, .m = (int32_t)m, .b = scale.b * 1000, .r = scale.r - 3};
}

/** The one shunt and the one multiplier serve both sides of a hot-swap. */
static void set_shunt_scales(ns_pmbus_t *self, ns_pmbus_scale_t current, ns_pmbus_scale_t power) {
    self->scales[NS_QUANTITY_IOUT] = over_shunt(self, current);
    self->scales[NS_QUANTITY_IIN] = self->scales[NS_QUANTITY_IOUT];
    self->scales[NS_QUANTITY_POUT] = over_shunt(self, power);
    self->scales[NS_QUANTITY_PIN] = self->scales[NS_QUANTITY_POUT];
}

static ns_pmbus_scale_t direct(int32_t m, int32_t b, int32_t r) {
    return (ns_pmbus_scale_t){.format = NS_FORMAT_DIRECT, .m = m, .b = b, .r = r};
}

/* ADM1275, ADM1276 and ADM1272: PMON_CONTROL, PMON_CONFIG, DEVICE_CONFIG (ADM1276 data sheet,
 * tables 37, 38 and 40; bits of the ADM1272 as Linux and QEMU have them: unverified). */
#define PMON_CONTROL 0xD3U
#define PMON_CONFIG 0xD4U
#define DEVICE_CONFIG 0xD8U
#define PMON_CONVERT 0x01U
#define PMON_VRANGE_HIGH 0x20U
#define ADM1275_OPERATION_CMD_EN 0x20U
#define ADM1275_CONTINUOUS 0x80U
#define ADM1275_VOUT_SELECT 0x40U
#define ADM1272_IRANGE_30MV 0x0001U
#define ADM1272_SAMPLES_ALL 0x001EU /* continuous, temperature, VIN, VOUT */

/** Words of a monitor that has only just started are 0, whatever 0 means. */
#define SETTLE_NS INT64_C(50000000) /* assumed: 128 averages of 0.2 ms, twice */

static ns_status_t read_setting(ns_pmbus_t *self, uint8_t command, size_t size, uint16_t *out) {
    if (size == 2) {
        return ns_pmbus_read_word(self, command, out);
    }
    uint8_t byte = 0;
    ns_status_t status = ns_pmbus_read_byte(self, command, &byte);
    if (status == NS_OK) {
        *out = byte;
    }
    return status;
}

/** A monitor that stands still reads as zero. It must be stopped while its settings change. */
static ns_status_t run_monitor(ns_pmbus_t *self, size_t size, uint16_t needed, uint16_t *out) {
    uint8_t control = 0;
    uint16_t setting = 0;
    ns_status_t status = read_setting(self, PMON_CONFIG, size, &setting);
    if (status == NS_OK) {
        status = ns_pmbus_read_byte(self, PMON_CONTROL, &control);
    }
    if (status != NS_OK) {
        return status;
    }
    *out = (uint16_t)(setting | needed);
    if (*out != setting) {
        status = ns_pmbus_write(self, PMON_CONTROL, 1, 0);
        if (status == NS_OK) {
            status = ns_pmbus_write_verified(self, PMON_CONFIG, size, *out);
        }
        control = 0;
    }
    self->setting = *out;
    if (status == NS_OK && (control & PMON_CONVERT) == 0) {
        status = ns_pmbus_write_verified(self, PMON_CONTROL, 1, PMON_CONVERT);
        self->settle_until_ns = self->now_ns + SETTLE_NS;
    }
    return status;
}

/** Coefficients by range: PMBus commands and ranges of the ADM1272, R_SENSE in mohm. */
ns_status_t ns_pmbus_learn_adm1272(ns_pmbus_t *self) {
    uint16_t setting = 0;
    ns_status_t status = run_monitor(self, 2, ADM1272_SAMPLES_ALL, &setting);
    if (status != NS_OK) {
        return status;
    }
    bool is_100v = (setting & PMON_VRANGE_HIGH) != 0;
    bool is_30mv = (setting & ADM1272_IRANGE_30MV) != 0;
    self->scales[NS_QUANTITY_VIN] = is_100v ? direct(4062, 0, -2) : direct(6770, 0, -2);
    self->scales[NS_QUANTITY_VOUT] = self->scales[NS_QUANTITY_VIN];
    ns_pmbus_scale_t power = is_100v ? direct(21071, 0, -3) : direct(3512, 0, -2);
    if (is_30mv) {
        power = is_100v ? direct(10535, 0, -3) : direct(17561, 0, -3);
    }
    set_shunt_scales(self, is_30mv ? direct(663, 20480, -1) : direct(1326, 20480, -1), power);
    return NS_OK;
}

/** ADM1275 data sheet, table of coefficients; OPERATION is not acknowledged until it is enabled. */
ns_status_t ns_pmbus_learn_adm1275(ns_pmbus_t *self) {
    uint8_t device = 0;
    ns_status_t status = ns_pmbus_read_byte(self, DEVICE_CONFIG, &device);
    if (status == NS_OK && (device & ADM1275_OPERATION_CMD_EN) == 0) {
        status = ns_pmbus_write_verified(self, DEVICE_CONFIG, 1,
                                         (uint16_t)(device | ADM1275_OPERATION_CMD_EN));
    }
    uint16_t setting = 0;
    if (status == NS_OK) {
        status = run_monitor(self, 1, ADM1275_CONTINUOUS, &setting);
    }
    if (status != NS_OK) {
        return status;
    }
    bool is_20v = (setting & PMON_VRANGE_HIGH) != 0;
    self->scales[NS_QUANTITY_VIN] = is_20v ? direct(19199, 0, -2) : direct(6720, 0, -1);
    self->scales[NS_QUANTITY_VOUT] = self->scales[NS_QUANTITY_VIN];
    set_shunt_scales(self, direct(807, 20475, -1), (ns_pmbus_scale_t){0});
    self->unsupported &= ~(1U << NS_PMBUS_INPUT_VOLTAGE_V | 1U << NS_PMBUS_VOLTAGE_V |
                           1U << NS_PMBUS_VOLTAGE_V_PEAK);
    if ((setting & ADM1275_VOUT_SELECT) != 0) { /* it samples the one or the other */
        self->unsupported |= 1U << NS_PMBUS_INPUT_VOLTAGE_V;
    } else {
        self->unsupported |= 1U << NS_PMBUS_VOLTAGE_V | 1U << NS_PMBUS_VOLTAGE_V_PEAK;
    }
    return NS_OK;
}

/* DEVICE_SETUP. While bit 2 is 0 the pin CL chooses the range and bit 4 means nothing (LM5066 data
 * sheet, below table 30; LM25066I, below table 33). While it is 1, bit 4 set is the high range of
 * the LM25066 (table 33) and the low one of the LM5066 (report on the Linux hwmon list, June 2026:
 * coefficients of LM5064, LM5066 and LM5066I swapped; its data sheet's table 30 unverified). */
#define DEVICE_SETUP 0xD9U
#define CURRENT_LIMIT_SETTING 0x10U
#define CURRENT_LIMIT_BY_REGISTER 0x04U
enum sense_range { RANGE_UNKNOWN = 0, RANGE_LOW = 1, RANGE_HIGH = 2 };

static ns_status_t read_range(ns_pmbus_t *self, enum sense_range when_set, enum sense_range *out) {
    uint8_t setup = 0;
    ns_status_t status = ns_pmbus_read_byte(self, DEVICE_SETUP, &setup);
    if (status != NS_OK) {
        return status;
    }
    enum sense_range when_clear = when_set == RANGE_LOW ? RANGE_HIGH : RANGE_LOW;
    self->setting = setup;
    *out = (setup & CURRENT_LIMIT_SETTING) != 0 ? when_set : when_clear;
    if ((setup & CURRENT_LIMIT_BY_REGISTER) == 0) {
        *out = (enum sense_range)self->config.sense_range;
    }
    return NS_OK;
}

/** LM25066 data sheet, tables of telemetry coefficients, CL low and CL high. */
ns_status_t ns_pmbus_learn_lm25066(ns_pmbus_t *self) {
    enum sense_range range = RANGE_UNKNOWN;
    ns_status_t status = read_range(self, RANGE_HIGH, &range);
    if (status == NS_OK && range == RANGE_HIGH) {
        set_shunt_scales(self, direct(6854, -3100, -2), direct(369, -1900, -2));
    } else if (status == NS_OK && range == RANGE_LOW) {
        set_shunt_scales(self, direct(13661, -5200, -2), direct(736, -3300, -2));
    }
    return status;
}

/** LM5066 data sheet, table 42. */
ns_status_t ns_pmbus_learn_lm5066(ns_pmbus_t *self) {
    enum sense_range range = RANGE_UNKNOWN;
    ns_status_t status = read_range(self, RANGE_LOW, &range);
    if (status == NS_OK && range == RANGE_LOW) {
        set_shunt_scales(self, direct(10753, -1200, -2), direct(1204, -6000, -3));
    } else if (status == NS_OK && range == RANGE_HIGH) {
        set_shunt_scales(self, direct(5405, -600, -2), direct(605, -8000, -3));
    }
    return status;
}

/* MFR_SPECIAL_ID: the LTC2978 and LTC2978A have no busy bit, their MFR_COMMON bits 7:2 are 0
 * (LTC2978A data sheet, MFR_COMMON); the LTC2977 (0x0130) and later have bit 6. */
#define MFR_SPECIAL_ID 0xE7U
#define MFR_SPECIAL_ID_MASK 0xFFF0U
#define LTC2978_ID 0x0120U
#define NOT_BUSY 0x40U

ns_status_t ns_pmbus_learn_ltc2978(ns_pmbus_t *self) {
    uint16_t id = 0;
    ns_status_t status = ns_pmbus_read_word(self, MFR_SPECIAL_ID, &id);
    if (status == NS_OK) {
        self->ready_mask = (id & MFR_SPECIAL_ID_MASK) == LTC2978_ID ? 0 : NOT_BUSY;
    }
    return status;
}

/* MP2975: MFR_DC_LOOP_CTRL bit 15 says whether READ_VOUT is VID; the table is in
 * MFR_VR_MULTI_CONFIG_R1 and _R2 on page 2 (as Linux has it: unverified). */
#define MFR_DC_LOOP_CTRL 0x59U
#define MFR_VR_MULTI_CONFIG_R1 0x0DU
#define MFR_VR_MULTI_CONFIG_R2 0x1DU
#define VOUT_IS_VID 0x8000U
#define MULTI_CONFIG_PAGE 2U

static ns_vid_t mp2975_vid(uint8_t page, uint16_t setting) {
    bool is_imvp9 = (setting & (page == 0 ? 0x2000U : 0x1000U)) != 0;
    bool is_5mv = (setting & (page == 0 ? 0x0010U : 0x0008U)) != 0;
    if (is_imvp9) {
        return NS_VID_IMVP9;
    }
    return is_5mv ? NS_VID_VR12 : NS_VID_VR13;
}

ns_status_t ns_pmbus_learn_mp2975(ns_pmbus_t *self) {
    uint16_t setting = 0;
    ns_status_t status = ns_pmbus_read_word(self, MFR_DC_LOOP_CTRL, &setting);
    if (status != NS_OK) {
        return status;
    }
    self->setting = setting;
    if ((setting & VOUT_IS_VID) == 0) {
        return NS_OK;
    }
    ns_vid_t vid = (ns_vid_t)self->config.vid;
    if (vid == NS_VID_UNKNOWN) {
        uint8_t page = self->config.has_page != 0 ? self->config.page : 0;
        status = ns_pmbus_write_verified(self, PAGE, 1, MULTI_CONFIG_PAGE);
        if (status == NS_OK) {
            status = ns_pmbus_read_word(
                self, page == 0 ? MFR_VR_MULTI_CONFIG_R1 : MFR_VR_MULTI_CONFIG_R2, &setting);
        }
        ns_status_t page_status =
            status == NS_E_TIMEOUT ? status : ns_pmbus_write_verified(self, PAGE, 1, page);
        if (status != NS_OK || page_status != NS_OK) {
            return status != NS_OK ? status : page_status;
        }
        vid = mp2975_vid(page, setting);
    }
    self->scales[NS_QUANTITY_VOUT] = (ns_pmbus_scale_t){.format = NS_FORMAT_VID, .m = (int32_t)vid};
    return NS_OK;
}

static ns_status_t learn_protect(ns_pmbus_t *self) {
    uint8_t protect = ns_pmbus_data(self)->protect;
    self->has_protect = protect != NS_PROTECT_ABSENT;
    uint8_t byte = 0;
    return protect == NS_PROTECT_ASKED
               ? ns_pmbus_read_optional(self, WRITE_PROTECT, &byte, &self->has_protect)
               : NS_OK;
}

static ns_status_t learn_vout_mode(ns_pmbus_t *self) {
    if (!ns_pmbus_data(self)->has_vout_mode) {
        return NS_OK;
    }
    uint8_t mode = 0;
    bool is_known = false;
    ns_status_t status = ns_pmbus_read_optional(self, VOUT_MODE, &mode, &is_known);
    if (status != NS_OK) {
        return status;
    }
    if (!is_known) { /* the other channels do not need it */
        self->scales[NS_QUANTITY_VOUT].format = NS_FORMAT_NONE;
        return NS_OK;
    }
    return ns_pmbus_take_vout_mode(self, mode);
}

/** Without this a part that is not there would be asked for each command it might not know. PAGE
 *  and its read-back have said as much already. */
static ns_status_t find_part(ns_pmbus_t *self) {
    uint16_t word = 0;
    return self->config.has_page != 0 ? NS_OK : ns_pmbus_read_word(self, STATUS_WORD, &word);
}

static ns_status_t learn_basics(ns_pmbus_t *self) {
    self->unsupported = 0;
    self->missing_status = ns_pmbus_data(self)->missing_status;
    ns_status_t status = find_part(self);
    return status == NS_OK ? learn_protect(self) : status;
}

/** What is not known need not be asked again: each question is a fault in the part's STATUS_CML. */
static ns_status_t learn(ns_pmbus_t *self, bool is_first) {
    const ns_pmbus_part_data_t *data = ns_pmbus_data(self);
    bool has_vout_mode = is_first || self->scales[NS_QUANTITY_VOUT].format != NS_FORMAT_NONE;
    self->is_learnt = false;
    for (int i = 0; i < NS_QUANTITY_COUNT; i++) {
        self->scales[i] = data->scales[i];
    }
    self->limits_are_relative = false;
    self->ready_mask = data->ready_mask;
    ns_status_t status = is_first ? learn_basics(self) : NS_OK;
    if (status == NS_OK && has_vout_mode) {
        status = learn_vout_mode(self);
    }
    if (status == NS_OK && data->learn != NULL) {
        status = data->learn(self);
    }
    if (status == NS_OK) {
        status = ns_pmbus_encode_limits(self);
    }
    self->is_learnt = status == NS_OK;
    return status;
}

/** A range that changed, by an upset or a restart, gives the same words another meaning: it is read
 *  in the slot in which it is used, as PAGE is. Then limits are another number, too. */
static ns_status_t follow_setting(ns_pmbus_t *self) {
    const ns_pmbus_part_data_t *data = ns_pmbus_data(self);
    uint16_t setting = 0;
    if (data->setting == 0) {
        return NS_OK;
    }
    ns_status_t status = read_setting(self, data->setting, data->setting_size, &setting);
    if (status != NS_OK || setting == self->setting) {
        return status;
    }
    self->check_countdown = 0;
    return learn(self, false);
}

ns_status_t ns_pmbus_ensure_learnt(ns_pmbus_t *self) {
    if (!self->is_learnt) {
        return learn(self, true);
    }
    bool is_generic = self->config.part == NS_PMBUS_PART_GENERIC; /* learns by many questions */
    return self->check_countdown == 0 && !is_generic ? learn(self, false) : follow_setting(self);
}
