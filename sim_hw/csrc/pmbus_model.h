/**
 * @file pmbus_model.h
 * @brief What one type of PMBus part is: its commands, formats, limits, habits, as constant data.
 *
 * Each table carries the document that it was taken from. What could not be checked against one is
 * marked `unverified`.
 */
#ifndef NIGHTSIDE_SIM_PMBUS_MODEL_H
#define NIGHTSIDE_SIM_PMBUS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nightside/status.h"
#include "pmbus_codes.h"

#define SIM_PAGES_MAX 32
#define SIM_COMMANDS_MAX 80 /* of one model */
#define SIM_LIMITS_MAX 16   /* of one model */
#define SIM_ALL_PAGES 0xFFu
#define SIM_ALL_PHASES 0xFFu

/** What a page measures. Power is the product of what was converted. */
typedef enum sim_quantity {
    SIM_VOUT = 0,
    SIM_IOUT = 1,
    SIM_VIN = 2,
    SIM_IIN = 3,
    SIM_TEMP_1 = 4,
    SIM_TEMP_2 = 5,
    SIM_MEASURED = 6, /**< how many of them have a truth of their own */
    SIM_POUT = 6,
    SIM_PIN = 7,
    SIM_QUANTITIES = 8,
    SIM_NO_QUANTITY = 8
} sim_quantity_t;

/** How a word is encoded. */
typedef enum sim_format {
    SIM_RAW = 0,
    SIM_LINEAR11 = 1,
    SIM_LINEAR16 = 2, /**< exponent from VOUT_MODE */
    SIM_DIRECT = 3    /**< coefficients from the model */
} sim_format_t;

/** Protocol of a command. */
typedef enum sim_kind {
    SIM_AS_SEND = 0,
    SIM_AS_BYTE = 1,
    SIM_AS_WORD = 2,
    SIM_AS_BLOCK = 3, /**< up to 255 bytes behind a count */
    SIM_AS_CALL = 4   /**< block write, block read process call */
} sim_kind_t;

/** What happens behind a command. */
typedef enum sim_action {
    SIM_DO_REGISTER = 0, /**< it keeps what was written */
    SIM_DO_PAGE,
    SIM_DO_PHASE,
    SIM_DO_OPERATION,
    SIM_DO_CLEAR_FAULTS,
    SIM_DO_WRITE_PROTECT,
    SIM_DO_VOUT_MODE,
    SIM_DO_STATUS_BYTE,
    SIM_DO_STATUS_WORD,
    SIM_DO_STATUS, /**< one status register, see `place` */
    SIM_DO_READ,   /**< a converted quantity, see `place` */
    SIM_DO_PEAK,
    SIM_DO_LOW,
    SIM_DO_LIMIT, /**< a limit; `place` is its quantity */
    SIM_DO_QUERY,
    SIM_DO_COEFFICIENTS,
    SIM_DO_ALERT_MASK,
    SIM_DO_TEXT, /**< MFR_ID, MFR_MODEL, MFR_REVISION; `place` says which */
    SIM_DO_MFR   /**< the model's own hooks */
} sim_action_t;

/** Traits of a command. OPEN_..: it can be written under that level of WRITE_PROTECT. */
enum {
    SIM_R = 0x01,
    SIM_W = 0x02,
    SIM_PAGED = 0x04,
    SIM_OPEN_AT_20 = 0x10,
    SIM_OPEN_AT_40 = 0x20,
    SIM_OPEN_AT_80 = 0x40,
    SIM_OPEN_WHEN_BUSY = 0x80,
    SIM_RW = SIM_R | SIM_W
};

/** Registers of status, by page or of the whole part. */
enum {
    SIM_IN_VOUT = 0,
    SIM_IN_IOUT = 1,
    SIM_IN_INPUT = 2,
    SIM_IN_TEMPERATURE = 3,
    SIM_IN_CML = 4,
    SIM_IN_OTHER = 5,
    SIM_IN_MFR = 6,
    SIM_STATUS_COUNT = 7
};

/** One command of a model. */
typedef struct sim_command {
    uint8_t code;
    uint8_t kind;   /**< sim_kind */
    uint8_t traits; /**< SIM_R .. */
    uint8_t action; /**< sim_action */
    uint8_t place;  /**< quantity, status register or text, by action */
    uint8_t format; /**< sim_format */
    uint16_t reset; /**< value after power-up */
} sim_command_t;

/** One comparator of a model. */
typedef struct sim_limit {
    uint8_t code;       /**< of the limit; 0: the threshold is set by resistors (wiring) */
    uint8_t response;   /**< code of the response byte; 0: none */
    uint8_t quantity;   /**< sim_quantity */
    uint8_t in;         /**< status register */
    uint8_t bit;        /**< there */
    bool is_upper;      /**< violated above, else below */
    bool is_fault;      /**< acts on the output; a warning only tells */
    bool is_for_output; /**< judged only while the output is on and up: under-voltage of VOUT */
} sim_limit_t;

/** Habits of a model. */
enum {
    SIM_ALL_PAGES_WRITES = 0x0001,  /**< PAGE 0xFF writes to all pages */
    SIM_ALL_PAGES_READS_0 = 0x0002, /**< PAGE 0xFF reads page 0; else it is a CML fault */
    SIM_CLEAR_WIPES_PEAKS = 0x0008, /**< CLEAR_FAULTS forgets peaks and lows */
    SIM_UNKNOWN_READS_FF = 0x0010,  /**< unknown commands are acknowledged and read 0xFF */
    SIM_HAS_PEAKS = 0x0020,         /**< peaks and lows are kept at all */
    SIM_BUSY_IS_STATUS = 0x0040,    /**< a message refused as busy sets STATUS_BYTE bit 7 */
    SIM_IIN_IS_IOUT = 0x0080,       /**< a hot-swap: one sense resistor */
    SIM_DIRECT_12_BITS = 0x0200,    /**< DIRECT words go 0 .. 4095, temperature excepted */
    SIM_RETRY_IS_FOR_EVER = 0x0400, /**< any retry setting but 0 retries without end */
    SIM_POWER_15_BITS = 0x1000,     /**< but DIRECT power goes 0 .. 32767 */
    SIM_LATCHES_TWICE = 0x0800      /**< CLEAR_FAULTS alone does not clear a fault */
};

struct sim_pmbus_part;

/** One model. The hooks may be NULL. */
typedef struct sim_pmbus_model {
    const char *name;
    const sim_command_t *commands;
    const sim_limit_t *limits;
    uint8_t command_count;
    uint8_t limit_count;
    uint8_t page_count;    /**< most pages that the part can have */
    uint8_t write_protect; /**< levels that WRITE_PROTECT takes besides 0: bits 0x80, 0x40, 0x20 */
    uint16_t habits;       /**< SIM_ALL_PAGES_WRITES .. */
    uint32_t window_us;    /**< a reading is the mean over this; 0: it follows at once */
    uint32_t busy_us;      /**< deaf for this long after each write that is kept */
    uint32_t retry_delay_us; /**< between a shut-down and the next try */
    const char *text[3];     /**< MFR_ID, MFR_MODEL, MFR_REVISION */
    /** Coefficients of a quantity in DIRECT. */
    sim_coefficients_t (*coefficients)(const struct sim_pmbus_part *part, uint8_t quantity);
    /** After power-up. */
    void (*power_up)(struct sim_pmbus_part *part);
    /** After each step of time; `step_ns` may be 0. */
    void (*advance)(struct sim_pmbus_part *part, int64_t step_ns);
    /** SIM_DO_MFR: data of a read into `data`, at most 255. @return its size */
    size_t (*read)(struct sim_pmbus_part *part, const sim_command_t *command, uint8_t *data);
    /** SIM_DO_MFR: a write. @return NS_OK, or NS_E_NACK when refused */
    ns_status_t (*write)(struct sim_pmbus_part *part, const sim_command_t *command,
                         const uint8_t *data, size_t size);
    /** Whether a write is taken at all; NULL: all are. */
    bool (*allows)(const struct sim_pmbus_part *part, const sim_command_t *command);
    /** A register was written, or CLEAR_FAULTS came; command->code says which. */
    void (*wrote)(struct sim_pmbus_part *part, const sim_command_t *command);
    /** A fault was latched on a page. */
    void (*faulted)(struct sim_pmbus_part *part, uint8_t page, const sim_limit_t *limit);
} sim_pmbus_model_t;

extern const sim_pmbus_model_t sim_model_generic;
extern const sim_pmbus_model_t sim_model_generic_direct;
extern const sim_pmbus_model_t sim_model_adm1272;
extern const sim_pmbus_model_t sim_model_adm1275;
extern const sim_pmbus_model_t sim_model_lm25066;
extern const sim_pmbus_model_t sim_model_lm5066;
extern const sim_pmbus_model_t sim_model_ltc2978;
extern const sim_pmbus_model_t sim_model_ltc3887;
extern const sim_pmbus_model_t sim_model_isl68137;
extern const sim_pmbus_model_t sim_model_raa228;
extern const sim_pmbus_model_t sim_model_mp2975;
extern const sim_pmbus_model_t sim_model_ucd90320;

#endif
