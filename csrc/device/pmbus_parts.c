#include <assert.h>

#include "pmbus_state.h"

/* One table per part. A number without a word of its own comes from the sources named above the
 * table; what could not be checked against a data sheet says «unverified», and is listed in
 * docs/reference/pmbus-parts.md. */

#define LINEAR11 {.format = NS_FORMAT_LINEAR11}
#define DIRECT(m_, b_, r_) {.format = NS_FORMAT_DIRECT, .m = (m_), .b = (b_), .r = (r_)}
#define READING(command_, quantity_) {.command = (command_), .quantity = (quantity_)}
#define LIMIT(command_, quantity_, word_max_)                                                      \
    {.command = (command_), .quantity = (quantity_), .word_max = (word_max_)}

#define ADC_MAX 0x0FFFU   /* 12-bit limits */
#define POWER_MAX 0x7FFFU /* ADM127x: PIN_OP_WARN_LIMIT, 15 bits */
#define INT16_WORD_MAX 0x7FFFU

/* What a standard part has; PMBus part II. */
#define STANDARD_READINGS                                                                          \
    [NS_PMBUS_VOLTAGE_V] = READING(READ_VOUT, NS_QUANTITY_VOUT),                                   \
    [NS_PMBUS_CURRENT_A] = READING(READ_IOUT, NS_QUANTITY_IOUT),                                   \
    [NS_PMBUS_POWER_W] = READING(READ_POUT, NS_QUANTITY_POUT),                                     \
    [NS_PMBUS_TEMP_C] = READING(READ_TEMPERATURE_1, NS_QUANTITY_TEMP),                             \
    [NS_PMBUS_INPUT_VOLTAGE_V] = READING(READ_VIN, NS_QUANTITY_VIN),                               \
    [NS_PMBUS_INPUT_CURRENT_A] = READING(READ_IIN, NS_QUANTITY_IIN)

/** Asked what it knows; LINEAR until it says otherwise. */
static const ns_pmbus_part_data_t generic = {
    .readings = {STANDARD_READINGS, [NS_PMBUS_INPUT_POWER_W] = READING(READ_PIN, NS_QUANTITY_PIN),
                 [NS_PMBUS_EXTERNAL_TEMP_C] = READING(READ_TEMPERATURE_2, NS_QUANTITY_TEMP_2)},
    .limits = {[NS_LIMIT_CURRENT] = LIMIT(IOUT_OC_FAULT_LIMIT, NS_QUANTITY_IOUT, 0),
               [NS_LIMIT_VOLTAGE_HIGH] = LIMIT(VOUT_OV_FAULT_LIMIT, NS_QUANTITY_VOUT, 0),
               [NS_LIMIT_VOLTAGE_LOW] = LIMIT(VOUT_UV_FAULT_LIMIT, NS_QUANTITY_VOUT, 0),
               [NS_LIMIT_TEMP] = LIMIT(OT_FAULT_LIMIT, NS_QUANTITY_TEMP, 0),
               [NS_LIMIT_POWER] = LIMIT(POUT_OP_FAULT_LIMIT, NS_QUANTITY_POUT, 0)},
    .scales = {[NS_QUANTITY_IOUT] = LINEAR11,
               [NS_QUANTITY_POUT] = LINEAR11,
               [NS_QUANTITY_TEMP] = LINEAR11,
               [NS_QUANTITY_TEMP_2] = LINEAR11,
               [NS_QUANTITY_VIN] = LINEAR11,
               [NS_QUANTITY_IIN] = LINEAR11,
               [NS_QUANTITY_PIN] = LINEAR11},
    .learn = ns_pmbus_learn_generic,
    .protect = NS_PROTECT_PRESENT,
    .has_vout_mode = true,
};

/* ADM1272: commands and defaults as QEMU's model has them, coefficients as Linux has them; the
 * energy block and the monitor as in the ADM1276 data sheet (rev. C, tables 25, 37 and 38). No
 * WRITE_PROTECT, no IOUT_OC_FAULT_LIMIT: the current limit is strapped (ISET), the warning is
 * programmed. OT_FAULT_LIMIT switches off. All of it unverified against the ADM1272's own sheet. */
static const ns_pmbus_part_data_t adm1272 = {
    .readings = {[NS_PMBUS_VOLTAGE_V] = READING(READ_VOUT, NS_QUANTITY_VOUT),
                 [NS_PMBUS_CURRENT_A] = READING(READ_IOUT, NS_QUANTITY_IOUT),
                 [NS_PMBUS_POWER_W] = READING(READ_PIN, NS_QUANTITY_PIN),
                 [NS_PMBUS_TEMP_C] = READING(READ_TEMPERATURE_1, NS_QUANTITY_TEMP),
                 [NS_PMBUS_INPUT_VOLTAGE_V] = READING(READ_VIN, NS_QUANTITY_VIN),
                 [NS_PMBUS_INPUT_CURRENT_A] = READING(READ_IOUT, NS_QUANTITY_IOUT),
                 [NS_PMBUS_INPUT_POWER_W] = READING(READ_PIN, NS_QUANTITY_PIN),
                 [NS_PMBUS_VOLTAGE_V_PEAK] = READING(0xD2, NS_QUANTITY_VOUT),
                 [NS_PMBUS_CURRENT_A_PEAK] = READING(0xD0, NS_QUANTITY_IOUT),
                 [NS_PMBUS_POWER_W_PEAK] = READING(0xDA, NS_QUANTITY_PIN),
                 [NS_PMBUS_TEMP_C_PEAK] = READING(0xD7, NS_QUANTITY_TEMP)},
    .limits = {[NS_LIMIT_CURRENT] = LIMIT(IOUT_OC_WARN_LIMIT, NS_QUANTITY_IOUT, ADC_MAX),
               [NS_LIMIT_VOLTAGE_HIGH] = LIMIT(VOUT_OV_WARN_LIMIT, NS_QUANTITY_VOUT, ADC_MAX),
               [NS_LIMIT_VOLTAGE_LOW] = LIMIT(VOUT_UV_WARN_LIMIT, NS_QUANTITY_VOUT, ADC_MAX),
               [NS_LIMIT_TEMP] = LIMIT(OT_FAULT_LIMIT, NS_QUANTITY_TEMP, ADC_MAX),
               [NS_LIMIT_POWER] = LIMIT(PIN_OP_WARN_LIMIT, NS_QUANTITY_PIN, POWER_MAX)},
    .scales = {[NS_QUANTITY_TEMP] = DIRECT(42, 31871, -1)},
    .own_writes = {{0xD3, 1}, {0xD4, 2}, {0xD9, 0}}, /* PMON_CONTROL, PMON_CONFIG, POWER_CYCLE */
    .learn = ns_pmbus_learn_adm1272,
    .setting = 0xD4,
    .setting_size = 2,
    .power_cycle = 0xD9,
    .energy = 0xDC,
    .needs_shunt = true,
};

/* ADM1275 data sheet rev. D, command summary (table 11); coefficients of table 7 of the ADM1276
 * data sheet, taken to be the same. No power, no temperature, no energy. It samples VIN or VOUT,
 * not both, and its DEVICE_CONFIG bit 5 is that of the ADM1276 (both unverified). */
static const ns_pmbus_part_data_t adm1275 = {
    .readings = {[NS_PMBUS_VOLTAGE_V] = READING(READ_VOUT, NS_QUANTITY_VOUT),
                 [NS_PMBUS_CURRENT_A] = READING(READ_IOUT, NS_QUANTITY_IOUT),
                 [NS_PMBUS_INPUT_VOLTAGE_V] = READING(READ_VIN, NS_QUANTITY_VIN),
                 [NS_PMBUS_INPUT_CURRENT_A] = READING(READ_IOUT, NS_QUANTITY_IOUT),
                 [NS_PMBUS_VOLTAGE_V_PEAK] = READING(0xD2, NS_QUANTITY_VOUT),
                 [NS_PMBUS_CURRENT_A_PEAK] = READING(0xD0, NS_QUANTITY_IOUT)},
    .limits = {[NS_LIMIT_CURRENT] = LIMIT(IOUT_OC_WARN_LIMIT, NS_QUANTITY_IOUT, ADC_MAX),
               [NS_LIMIT_VOLTAGE_HIGH] = LIMIT(VOUT_OV_WARN_LIMIT, NS_QUANTITY_VOUT, ADC_MAX),
               [NS_LIMIT_VOLTAGE_LOW] = LIMIT(VOUT_UV_WARN_LIMIT, NS_QUANTITY_VOUT, ADC_MAX)},
    /* PMON_CONTROL, PMON_CONFIG, DEVICE_CONFIG, POWER_CYCLE */
    .own_writes = {{0xD3, 1}, {0xD4, 1}, {0xD8, 1}, {0xD9, 0}},
    .learn = ns_pmbus_learn_adm1275,
    .missing_status = 0x18, /* STATUS_TEMPERATURE, STATUS_CML */
    .setting = 0xD4,
    .setting_size = 1,
    .power_cycle = 0xD9,
    .needs_shunt = true,
};

/* LM5066 data sheet SNVS655G and LM25066I data sheet SNVS824C: MFR_READ_IIN D1, MFR_READ_PIN D2,
 * MFR_IIN_OC_WARN_LIMIT D3, MFR_PIN_OP_WARN_LIMIT D4, READ_PIN_PEAK D5, READ_AVG_IIN DE,
 * READ_AVG_PIN DF, BLACK_BOX_READ E0. The fault limit is strapped (CL pin), the warning is
 * programmed. VIN_UV is set at power-up until the input has once been above the threshold, and the
 * LM5066 keeps it until it is cleared. No WRITE_PROTECT in their command lists. */
#define LM_READINGS                                                                                \
    {                                                                                              \
        [NS_PMBUS_VOLTAGE_V] = READING(READ_VOUT, NS_QUANTITY_VOUT),                               \
        [NS_PMBUS_CURRENT_A] = READING(0xD1, NS_QUANTITY_IIN),                                     \
        [NS_PMBUS_POWER_W] = READING(0xD2, NS_QUANTITY_PIN),                                       \
        [NS_PMBUS_TEMP_C] = READING(READ_TEMPERATURE_1, NS_QUANTITY_TEMP),                         \
        [NS_PMBUS_INPUT_VOLTAGE_V] = READING(READ_VIN, NS_QUANTITY_VIN),                           \
        [NS_PMBUS_INPUT_CURRENT_A] = READING(0xD1, NS_QUANTITY_IIN),                               \
        [NS_PMBUS_INPUT_POWER_W] = READING(0xD2, NS_QUANTITY_PIN),                                 \
        [NS_PMBUS_POWER_W_PEAK] = READING(0xD5, NS_QUANTITY_PIN),                                  \
        [NS_PMBUS_CURRENT_A_AVERAGE] = READING(0xDE, NS_QUANTITY_IIN),                             \
        [NS_PMBUS_POWER_W_AVERAGE] = READING(0xDF, NS_QUANTITY_PIN),                               \
    }
#define LM_LIMITS                                                                                  \
    {                                                                                              \
        [NS_LIMIT_CURRENT] = LIMIT(0xD3, NS_QUANTITY_IIN, ADC_MAX),                                \
        [NS_LIMIT_VOLTAGE_LOW] = LIMIT(VOUT_UV_WARN_LIMIT, NS_QUANTITY_VOUT, ADC_MAX),             \
        [NS_LIMIT_TEMP] = LIMIT(OT_FAULT_LIMIT, NS_QUANTITY_TEMP, ADC_MAX),                        \
        [NS_LIMIT_POWER] = LIMIT(0xD4, NS_QUANTITY_PIN, ADC_MAX),                                  \
    }
#define LM_OWN_WRITES {{0xD3, 2}, {0xD4, 2}}
#define LM_POWER_UP_INPUT 0x30U    /* VIN_UV_FAULT, VIN_UV_WARN */
#define LM_POWER_UP_SPECIFIC 0x10U /* defaults loaded: unverified */
#define LM_MISSING_STATUS 0x02U    /* STATUS_IOUT */
#define BLACK_BOX_READ 0xE0U

static const ns_pmbus_part_data_t lm25066 = {
    .readings = LM_READINGS,
    .limits = LM_LIMITS,
    .scales = {[NS_QUANTITY_VIN] = DIRECT(22070, -1800, -2),
               [NS_QUANTITY_VOUT] = DIRECT(22070, -1800, -2),
               [NS_QUANTITY_TEMP] = DIRECT(16, 0, 0)},
    .own_writes = LM_OWN_WRITES,
    .learn = ns_pmbus_learn_lm25066,
    .setting = 0xD9,
    .setting_size = 1,
    .power_up_input = LM_POWER_UP_INPUT,
    .power_up_specific = LM_POWER_UP_SPECIFIC,
    .missing_status = LM_MISSING_STATUS,
    .log_command = BLACK_BOX_READ,
    .needs_shunt = true,
};

static const ns_pmbus_part_data_t lm5066 = {
    .readings = LM_READINGS,
    .limits = LM_LIMITS,
    .scales = {[NS_QUANTITY_VIN] = DIRECT(4587, -1200, -2),
               [NS_QUANTITY_VOUT] = DIRECT(4587, -2400, -2),
               [NS_QUANTITY_TEMP] = DIRECT(16, 0, 0)},
    .own_writes = LM_OWN_WRITES,
    .learn = ns_pmbus_learn_lm5066,
    .setting = 0xD9,
    .setting_size = 1,
    .power_up_input = LM_POWER_UP_INPUT,
    .power_up_specific = LM_POWER_UP_SPECIFIC,
    .missing_status = LM_MISSING_STATUS,
    .log_command = BLACK_BOX_READ,
    .needs_shunt = true,
};

/* LTC2977 and LTC2978A data sheets: L16 and L11, eight pages, no output current; MFR_VOUT_PEAK DD,
 * MFR_TEMPERATURE_PEAK DF. CLEAR_FAULTS wipes the peaks and passes WRITE_PROTECT 0x40, as that of
 * the LTC3880 does (unverified for this one); MFR_FAULT_LOG EE of 255 bytes (unverified). */
#define MFR_FAULT_LOG 0xEEU

static const ns_pmbus_part_data_t ltc2978 = {
    .readings = {[NS_PMBUS_VOLTAGE_V] = READING(READ_VOUT, NS_QUANTITY_VOUT),
                 [NS_PMBUS_TEMP_C] = READING(READ_TEMPERATURE_1, NS_QUANTITY_TEMP),
                 [NS_PMBUS_INPUT_VOLTAGE_V] = READING(READ_VIN, NS_QUANTITY_VIN),
                 [NS_PMBUS_VOLTAGE_V_PEAK] = READING(0xDD, NS_QUANTITY_VOUT),
                 [NS_PMBUS_TEMP_C_PEAK] = READING(0xDF, NS_QUANTITY_TEMP)},
    .limits = {[NS_LIMIT_VOLTAGE_HIGH] = LIMIT(VOUT_OV_FAULT_LIMIT, NS_QUANTITY_VOUT, 0),
               [NS_LIMIT_VOLTAGE_LOW] = LIMIT(VOUT_UV_FAULT_LIMIT, NS_QUANTITY_VOUT, 0),
               [NS_LIMIT_TEMP] = LIMIT(OT_FAULT_LIMIT, NS_QUANTITY_TEMP, 0)},
    .scales = {[NS_QUANTITY_VIN] = LINEAR11, [NS_QUANTITY_TEMP] = LINEAR11},
    .learn = ns_pmbus_learn_ltc2978,
    .missing_status = 0x02, /* STATUS_IOUT */
    .log_command = MFR_FAULT_LOG,
    .log_size = 255,
    .protect = NS_PROTECT_PRESENT,
    .has_vout_mode = true,
    .clear_is_open = true,
    .peaks_are_wiped = true,
};

/* LTC3880 and LTC3882 data sheets for the family: WRITE_PROTECT 0x40 lets CLEAR_FAULTS pass, limits
 * L11 and L16. MFR_COMMON bits 6 and 5 (not busy, not pending) as in the maker's correction of the
 * Linux driver. READ_TEMPERATURE_1 is the external diode, _2 the die; MFR_IOUT_PEAK D7,
 * MFR_VOUT_PEAK DD, MFR_TEMPERATURE_1_PEAK DF, MFR_FAULT_LOG EE of 147 bytes (these unverified). */
static const ns_pmbus_part_data_t ltc3887 = {
    .readings = {STANDARD_READINGS,
                 [NS_PMBUS_EXTERNAL_TEMP_C] = READING(READ_TEMPERATURE_2, NS_QUANTITY_TEMP_2),
                 [NS_PMBUS_VOLTAGE_V_PEAK] = READING(0xDD, NS_QUANTITY_VOUT),
                 [NS_PMBUS_CURRENT_A_PEAK] = READING(0xD7, NS_QUANTITY_IOUT),
                 [NS_PMBUS_TEMP_C_PEAK] = READING(0xDF, NS_QUANTITY_TEMP)},
    .limits = {[NS_LIMIT_CURRENT] = LIMIT(IOUT_OC_FAULT_LIMIT, NS_QUANTITY_IOUT, 0),
               [NS_LIMIT_VOLTAGE_HIGH] = LIMIT(VOUT_OV_FAULT_LIMIT, NS_QUANTITY_VOUT, 0),
               [NS_LIMIT_VOLTAGE_LOW] = LIMIT(VOUT_UV_FAULT_LIMIT, NS_QUANTITY_VOUT, 0),
               [NS_LIMIT_TEMP] = LIMIT(OT_FAULT_LIMIT, NS_QUANTITY_TEMP, 0)},
    .scales = {[NS_QUANTITY_IOUT] = LINEAR11,
               [NS_QUANTITY_POUT] = LINEAR11,
               [NS_QUANTITY_TEMP] = LINEAR11,
               [NS_QUANTITY_TEMP_2] = LINEAR11,
               [NS_QUANTITY_VIN] = LINEAR11,
               [NS_QUANTITY_IIN] = LINEAR11},
    .ready_mask = 0x60,
    .log_command = MFR_FAULT_LOG,
    .log_size = 147,
    .protect = NS_PROTECT_PRESENT,
    .has_vout_mode = true,
    .clear_is_open = true,
    .peaks_are_wiped = true,
};

/* ISL68137, ISL68224 and RAA228xxx: paged DIRECT with m 1 and b 0; VOUT 1 mV, VIN and IIN 0.01 (VIN
 * of the ISL68137 1 mV), IOUT 0.1, power and temperature 1 (the open command table of the ISL68224,
 * and Linux; the data sheets' own tables unverified). WRITE_PROTECT unverified, so it is asked
 * for. */
#define RENESAS_READINGS                                                                           \
    {                                                                                              \
        STANDARD_READINGS,                                                                         \
        [NS_PMBUS_INPUT_POWER_W] = READING(READ_PIN, NS_QUANTITY_PIN),                             \
        [NS_PMBUS_EXTERNAL_TEMP_C] = READING(READ_TEMPERATURE_2, NS_QUANTITY_TEMP_2),              \
    }
#define RENESAS_LIMITS                                                                             \
    {                                                                                              \
        [NS_LIMIT_CURRENT] = LIMIT(IOUT_OC_FAULT_LIMIT, NS_QUANTITY_IOUT, INT16_WORD_MAX),         \
        [NS_LIMIT_VOLTAGE_HIGH] = LIMIT(VOUT_OV_FAULT_LIMIT, NS_QUANTITY_VOUT, INT16_WORD_MAX),    \
        [NS_LIMIT_VOLTAGE_LOW] = LIMIT(VOUT_UV_FAULT_LIMIT, NS_QUANTITY_VOUT, INT16_WORD_MAX),     \
        [NS_LIMIT_TEMP] = LIMIT(OT_FAULT_LIMIT, NS_QUANTITY_TEMP, 0),                              \
    }
#define RENESAS_SCALES(vin_r)                                                                      \
    {                                                                                              \
        [NS_QUANTITY_VOUT] = DIRECT(1, 0, 3),   [NS_QUANTITY_IOUT] = DIRECT(1, 0, 1),              \
        [NS_QUANTITY_POUT] = DIRECT(1, 0, 0),   [NS_QUANTITY_TEMP] = DIRECT(1, 0, 0),              \
        [NS_QUANTITY_TEMP_2] = DIRECT(1, 0, 0), [NS_QUANTITY_VIN] = DIRECT(1, 0, vin_r),           \
        [NS_QUANTITY_IIN] = DIRECT(1, 0, 2),    [NS_QUANTITY_PIN] = DIRECT(1, 0, 0),               \
    }

static const ns_pmbus_part_data_t isl68137 = {
    .readings = RENESAS_READINGS,
    .limits = RENESAS_LIMITS,
    .scales = RENESAS_SCALES(3),
    .protect = NS_PROTECT_ASKED,
    .has_vout_mode = true,
    .has_avs = true,
};

static const ns_pmbus_part_data_t raa228 = {
    .readings = RENESAS_READINGS,
    .limits = RENESAS_LIMITS,
    .scales = RENESAS_SCALES(2),
    .protect = NS_PROTECT_ASKED,
    .has_vout_mode = true,
    .has_avs = true, /* unverified: costs one read where there is no AVSBus */
};

/* MP2975, as Linux and its documentation have it: DIRECT 1 mV, 1 A, 1 W, 1 degC; LINEAR11 for the
 * input voltage and current; MFR_READ_IOUT_PK 90 and MFR_READ_POUT_PK 91 of 0.25 A and 0.25 W;
 * faults stay until CLEAR_CAT_FAULTS FD is written with 0 and CLEAR_FAULTS is sent (the maker, in
 * Mellanox/hw-mgmt#2052). No standard current, voltage or power limits. Which
 * levels its WRITE_PROTECT has is not known, so it is left alone. All unverified. */
static const ns_pmbus_part_data_t mp2975 = {
    .readings = {[NS_PMBUS_VOLTAGE_V] = {READ_VOUT, NS_QUANTITY_VOUT, 0x0FFF, 0},
                 [NS_PMBUS_CURRENT_A] = READING(READ_IOUT, NS_QUANTITY_IOUT),
                 [NS_PMBUS_POWER_W] = READING(READ_POUT, NS_QUANTITY_POUT),
                 [NS_PMBUS_TEMP_C] = READING(READ_TEMPERATURE_1, NS_QUANTITY_TEMP),
                 [NS_PMBUS_INPUT_VOLTAGE_V] = READING(READ_VIN, NS_QUANTITY_VIN),
                 [NS_PMBUS_INPUT_CURRENT_A] = READING(READ_IIN, NS_QUANTITY_IIN),
                 [NS_PMBUS_INPUT_POWER_W] = READING(READ_PIN, NS_QUANTITY_PIN),
                 [NS_PMBUS_CURRENT_A_PEAK] = {0x90, NS_QUANTITY_IOUT, 0x1FFF, 4},
                 [NS_PMBUS_POWER_W_PEAK] = {0x91, NS_QUANTITY_POUT, 0x1FFF, 4}},
    .limits = {[NS_LIMIT_TEMP] = LIMIT(OT_FAULT_LIMIT, NS_QUANTITY_TEMP, 0)},
    .scales = {[NS_QUANTITY_VOUT] = DIRECT(1, 0, 3),
               [NS_QUANTITY_IOUT] = DIRECT(1, 0, 0),
               [NS_QUANTITY_POUT] = DIRECT(1, 0, 0),
               [NS_QUANTITY_TEMP] = DIRECT(1, 0, 0),
               [NS_QUANTITY_VIN] = LINEAR11,
               [NS_QUANTITY_IIN] = LINEAR11,
               [NS_QUANTITY_PIN] = DIRECT(1, 0, 0)},
    .own_writes = {{0xFD, 1}},
    .learn = ns_pmbus_learn_mp2975,
    .setting = 0x59,
    .setting_size = 2,
    .clear_first = 0xFD,
};

/* UCD90320 command reference SLVUAW9C for the family: LINEAR16 and LINEAR11, no WRITE_PROTECT, no
 * QUERY; LOGGED_FAULTS EA, MFR_STATUS F3; READ_TEMPERATURE_1 is the part, _2 the rail's sensor. */
static const ns_pmbus_part_data_t ucd90xxx = {
    .readings = {[NS_PMBUS_VOLTAGE_V] = READING(READ_VOUT, NS_QUANTITY_VOUT),
                 [NS_PMBUS_CURRENT_A] = READING(READ_IOUT, NS_QUANTITY_IOUT),
                 [NS_PMBUS_TEMP_C] = READING(READ_TEMPERATURE_1, NS_QUANTITY_TEMP),
                 [NS_PMBUS_EXTERNAL_TEMP_C] = READING(READ_TEMPERATURE_2, NS_QUANTITY_TEMP_2)},
    .limits = {[NS_LIMIT_CURRENT] = LIMIT(IOUT_OC_FAULT_LIMIT, NS_QUANTITY_IOUT, 0),
               [NS_LIMIT_VOLTAGE_HIGH] = LIMIT(VOUT_OV_FAULT_LIMIT, NS_QUANTITY_VOUT, 0),
               [NS_LIMIT_VOLTAGE_LOW] = LIMIT(VOUT_UV_FAULT_LIMIT, NS_QUANTITY_VOUT, 0),
               [NS_LIMIT_TEMP] = LIMIT(OT_FAULT_LIMIT, NS_QUANTITY_TEMP, 0)},
    .scales = {[NS_QUANTITY_IOUT] = LINEAR11,
               [NS_QUANTITY_TEMP] = LINEAR11,
               [NS_QUANTITY_TEMP_2] = LINEAR11},
    .missing_status = 0x04, /* STATUS_INPUT */
    .log_command = 0xEA,
    .log_extra = 0xF3,
    .has_vout_mode = true,
};

static const ns_pmbus_part_data_t *const parts[] = {
    [NS_PMBUS_PART_GENERIC] = &generic,   [NS_PMBUS_PART_ADM1272] = &adm1272,
    [NS_PMBUS_PART_ADM1275] = &adm1275,   [NS_PMBUS_PART_LM25066] = &lm25066,
    [NS_PMBUS_PART_LM5066] = &lm5066,     [NS_PMBUS_PART_LTC2978] = &ltc2978,
    [NS_PMBUS_PART_LTC3887] = &ltc3887,   [NS_PMBUS_PART_ISL68137] = &isl68137,
    [NS_PMBUS_PART_RAA228] = &raa228,     [NS_PMBUS_PART_MP2975] = &mp2975,
    [NS_PMBUS_PART_UCD90XXX] = &ucd90xxx,
};

static_assert(sizeof parts / sizeof parts[0] == NS_PMBUS_PART_COUNT, "one table per part");

const ns_pmbus_part_data_t *ns_pmbus_part_data(uint32_t part) {
    return part < NS_PMBUS_PART_COUNT ? parts[part] : NULL;
}
