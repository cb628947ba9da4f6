/**
 * @file pmbus_state.h
 * @brief What the files of the device class `pmbus` share; nobody else includes this.
 */
#ifndef NIGHTSIDE_PMBUS_STATE_H
#define NIGHTSIDE_PMBUS_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nightside/codec.h"
#include "nightside/pmbus.h"

/* Command bytes: PMBus specification, part II, table of commands. */
#define PAGE 0x00U
#define OPERATION 0x01U
#define CLEAR_FAULTS 0x03U
#define PHASE 0x04U
#define WRITE_PROTECT 0x10U
#define CAPABILITY 0x19U
#define QUERY 0x1AU
#define VOUT_MODE 0x20U
#define COEFFICIENTS 0x30U
#define VOUT_OV_FAULT_LIMIT 0x40U
#define VOUT_OV_WARN_LIMIT 0x42U
#define VOUT_UV_WARN_LIMIT 0x43U
#define VOUT_UV_FAULT_LIMIT 0x44U
#define IOUT_OC_FAULT_LIMIT 0x46U
#define IOUT_OC_WARN_LIMIT 0x4AU
#define OT_FAULT_LIMIT 0x4FU
#define POUT_OP_FAULT_LIMIT 0x68U
#define PIN_OP_WARN_LIMIT 0x6BU
#define STATUS_WORD 0x79U
#define STATUS_VOUT 0x7AU
#define STATUS_IOUT 0x7BU
#define STATUS_INPUT 0x7CU
#define STATUS_TEMPERATURE 0x7DU
#define STATUS_CML 0x7EU
#define STATUS_MFR_SPECIFIC 0x80U
#define READ_VIN 0x88U
#define READ_IIN 0x89U
#define READ_VOUT 0x8BU
#define READ_IOUT 0x8CU
#define READ_TEMPERATURE_1 0x8DU
#define READ_TEMPERATURE_2 0x8EU
#define READ_POUT 0x96U
#define READ_PIN 0x97U

#define OPERATION_ON 0x80U
#define OPERATION_OFF 0x00U
#define PROTECT_NONE 0x00U
#define PROTECT_MOST 0x40U /* all but WRITE_PROTECT, OPERATION and PAGE */
#define BLOCK_SIZE_MAX 32U /* SMBus 2.0, block read */

/** What words are about; each has one scale. */
enum ns_quantity {
    NS_QUANTITY_VOUT = 0,
    NS_QUANTITY_IOUT = 1,
    NS_QUANTITY_POUT = 2,
    NS_QUANTITY_TEMP = 3,
    NS_QUANTITY_VIN = 4,
    NS_QUANTITY_IIN = 5,
    NS_QUANTITY_PIN = 6,
    NS_QUANTITY_TEMP_2 = 7,
    NS_QUANTITY_COUNT = 8
};

/** How a word is read. */
enum ns_format {
    NS_FORMAT_NONE = 0, /**< not known, or the part has no such quantity */
    NS_FORMAT_LINEAR11 = 1,
    NS_FORMAT_LINEAR16 = 2,
    NS_FORMAT_DIRECT = 3,
    NS_FORMAT_HALF = 4,
    NS_FORMAT_VID = 5
};

/** Limits that a part may hold. */
enum ns_limit_kind {
    NS_LIMIT_CURRENT = 0,
    NS_LIMIT_VOLTAGE_HIGH = 1,
    NS_LIMIT_VOLTAGE_LOW = 2,
    NS_LIMIT_TEMP = 3,
    NS_LIMIT_POWER = 4,
    NS_LIMIT_COUNT = 5
};

enum ns_protect {
    NS_PROTECT_ABSENT = 0, /**< the part has no WRITE_PROTECT */
    NS_PROTECT_PRESENT = 1,
    NS_PROTECT_ASKED = 2 /**< not documented for certain: found out when the part is learnt */
};

/** The command behind a channel; command 0 (PAGE) stands for none. */
typedef struct ns_pmbus_reading {
    uint8_t command;
    uint8_t quantity;
    uint16_t mask;   /**< bits that belong to the value; 0 for all */
    uint8_t divisor; /**< of the decoded number; 0 for 1 */
} ns_pmbus_reading_t;

typedef struct ns_pmbus_limit_data {
    uint8_t command; /**< 0: the part has no such limit */
    uint8_t quantity;
    uint16_t word_max; /**< the greatest word that fits; 0 for 0xFFFF */
} ns_pmbus_limit_data_t;

typedef struct ns_pmbus_write_data {
    uint8_t command;
    uint8_t size; /**< data bytes */
} ns_pmbus_write_data_t;

#define NS_PMBUS_OWN_WRITES 4

typedef struct ns_pmbus_part_data {
    ns_pmbus_reading_t readings[NS_PMBUS_CHANNEL_COUNT];
    ns_pmbus_limit_data_t limits[NS_LIMIT_COUNT];
    ns_pmbus_scale_t scales[NS_QUANTITY_COUNT];            /**< before learning */
    ns_pmbus_write_data_t own_writes[NS_PMBUS_OWN_WRITES]; /**< beside the standard ones */
    ns_status_t (*learn)(ns_pmbus_t *self); /**< what this part alone needs; may be NULL */
    uint8_t power_up_input;                 /**< bits of STATUS_INPUT that are set at power-up */
    uint8_t power_up_specific;              /**< bits of STATUS_MFR_SPECIFIC, the same */
    uint8_t missing_status;                 /**< bit n: it has no status register 0x7A + n */
    uint16_t log_size;                      /**< bytes of the log; 0: the part says it */
    uint8_t log_command;                    /**< block read of its fault log, 0 for none */
    uint8_t log_extra;                      /**< a second one */
    uint8_t ready_mask;
    uint8_t protect;     /**< enum ns_protect */
    uint8_t clear_first; /**< written with a data byte of 0 before CLEAR_FAULTS, 0 for none */
    uint8_t setting;     /**< register that decides how words are read, 0 for none */
    uint8_t setting_size;
    uint8_t power_cycle; /**< send byte, 0 for none */
    uint8_t energy;      /**< block read of energy, 0 for none */
    bool needs_shunt;
    bool has_vout_mode;
    bool has_avs;         /**< OPERATION bits 5:4 = 3 hand the voltage to AVSBus */
    bool clear_is_open;   /**< CLEAR_FAULTS passes WRITE_PROTECT 0x40 */
    bool peaks_are_wiped; /**< by CLEAR_FAULTS */
} ns_pmbus_part_data_t;

/** @brief Data of a part; NULL for no such part. */
const ns_pmbus_part_data_t *ns_pmbus_part_data(uint32_t part);

static inline const ns_pmbus_part_data_t *ns_pmbus_data(const ns_pmbus_t *self) {
    return self->part;
}

/* pmbus_wire.c: everything that is sent goes through here. Output is untouched unless NS_OK. */

/** @retval NS_E_RANGE 0xFF is legal for a byte: the caller judges it */
ns_status_t ns_pmbus_read_byte(ns_pmbus_t *self, uint8_t command, uint8_t *out);
ns_status_t ns_pmbus_read_word(ns_pmbus_t *self, uint8_t command, uint16_t *out);

/**
 * @brief Block read: the length first, then the whole.
 * @retval NS_E_PROTOCOL empty, longer than capacity or 32, or two lengths
 */
ns_status_t ns_pmbus_read_block(ns_pmbus_t *self, uint8_t command, uint8_t *out, size_t capacity,
                                size_t *out_size);

/**
 * @brief The head of a log that may be longer than a block; a head cut short carries no PEC.
 * @param[in] log_size its length where the data sheet says it; 0: a length of 255 is refused
 * @param[out] out_size 0: the part holds no log
 */
ns_status_t ns_pmbus_read_log(ns_pmbus_t *self, uint8_t command, size_t log_size, uint8_t *out,
                              size_t capacity, size_t *out_size);

/** @brief Block write, block read process call of known sizes. */
ns_status_t ns_pmbus_call(ns_pmbus_t *self, uint8_t command, const uint8_t *argument,
                          size_t argument_size, uint8_t *out, size_t size);

/**
 * @brief The one function that writes.
 * @param[in] size data bytes, 0 .. 2
 * @retval NS_E_ARG the command is not on the list of what may be written to this part
 */
ns_status_t ns_pmbus_write(ns_pmbus_t *self, uint8_t command, size_t size, uint16_t number);

/** @brief As ns_pmbus_write, then read back. @retval NS_E_RANGE it does not stay */
ns_status_t ns_pmbus_write_verified(ns_pmbus_t *self, uint8_t command, size_t size,
                                    uint16_t number);

/**
 * @brief Read a byte of a command that the part may not know: a NACK twice says so.
 * @param[out] out_is_known false: *out is untouched
 */
ns_status_t ns_pmbus_read_optional(ns_pmbus_t *self, uint8_t command, uint8_t *out,
                                   bool *out_is_known);

/* pmbus_page.c */

/** @brief Write PAGE and PHASE as configured and read them back. */
ns_status_t ns_pmbus_select(ns_pmbus_t *self);

/** @brief Read PAGE back once more. */
ns_status_t ns_pmbus_verify_page(ns_pmbus_t *self);

/* pmbus_format.c */

/** @retval NS_E_UNSUPPORTED no format; NS_E_RANGE no such code */
ns_status_t ns_pmbus_decode(const ns_pmbus_scale_t *scale, uint16_t raw, double *out_value);

/** @retval NS_E_UNSUPPORTED no format; NS_E_RANGE does not fit */
ns_status_t ns_pmbus_encode(const ns_pmbus_scale_t *scale, double value, ns_rounding_t rounding,
                            uint16_t word_max, uint16_t *out_raw);

/** @brief Take VOUT_MODE into the scale of VOUT and limits_are_relative. */
ns_status_t ns_pmbus_take_vout_mode(ns_pmbus_t *self, uint8_t vout_mode);

/** @brief True where every word has a value. */
bool ns_pmbus_direct_is_valid(const ns_pmbus_scale_t *scale);

/* pmbus_learn.c */

/** @brief Learn after opening, a failure or a power cycle; else look whether it still holds. The
 *  page is selected. */
ns_status_t ns_pmbus_ensure_learnt(ns_pmbus_t *self);

/** @brief Trust nothing learnt before. */
void ns_pmbus_forget(ns_pmbus_t *self);

ns_status_t ns_pmbus_learn_generic(ns_pmbus_t *self);
ns_status_t ns_pmbus_learn_adm1272(ns_pmbus_t *self);
ns_status_t ns_pmbus_learn_adm1275(ns_pmbus_t *self);
ns_status_t ns_pmbus_learn_lm25066(ns_pmbus_t *self);
ns_status_t ns_pmbus_learn_lm5066(ns_pmbus_t *self);
ns_status_t ns_pmbus_learn_ltc2978(ns_pmbus_t *self);
ns_status_t ns_pmbus_learn_mp2975(ns_pmbus_t *self);

/* pmbus_limits.c */

/** @brief Check the configured limits and take them over. */
ns_status_t ns_pmbus_set_limits(ns_pmbus_t *self);

/** @brief Their words, once the scales are learnt. */
ns_status_t ns_pmbus_encode_limits(ns_pmbus_t *self);

/** @brief Limits as wanted, then locked. The page is selected, the part learnt; where they are lost
 *  all is forgotten and learnt again before they are programmed. */
ns_status_t ns_pmbus_ensure_limits(ns_pmbus_t *self);

ns_status_t ns_pmbus_unlock(ns_pmbus_t *self);
ns_status_t ns_pmbus_lock(ns_pmbus_t *self);

/* pmbus_evidence.c and pmbus_energy.c: see ns_device_ops_t */

/** @brief Fetch STATUS_WORD, and what stands behind the bits that the part sets at its start. */
ns_status_t ns_pmbus_fetch_status(ns_pmbus_t *self);

uint32_t ns_pmbus_alarm(void *ctx);
ns_status_t ns_pmbus_capture(void *ctx, uint8_t *out, size_t capacity, size_t *out_size);
ns_status_t ns_pmbus_request(void *ctx, ns_request_kind_t kind);

/** @brief A peak channel of a part whose CLEAR_FAULTS wipes it: the greatest seen. */
double ns_pmbus_keep_peak(ns_pmbus_t *self, uint32_t channel, double value);

ns_status_t ns_pmbus_read_number(ns_pmbus_t *self, uint32_t channel, double *out_value);
/** @retval NS_E_RANGE 0xFF, which no part answers */
ns_status_t ns_pmbus_read_operation(ns_pmbus_t *self, uint8_t *out);
ns_status_t ns_pmbus_read_energy(ns_pmbus_t *self, double *out_value);

#endif
