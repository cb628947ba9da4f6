/**
 * @file contract.h
 * @brief The real drivers over the simulated parts: one device at a time behind a bus port.
 *
 * A row says what a part promises; the cases of cases.h hold each row to it. A row without
 * set_truth stands for a real part on a bench: cases that need a truth then say NOT RUN.
 */
#ifndef NIGHTSIDE_CONTRACT_H
#define NIGHTSIDE_CONTRACT_H

#include "check.h"
#include "nightside/driver.h"
#include "nightside/ina2xx.h"
#include "nightside/pmbus.h"
#include "nightside/tmp4xx.h"
#include "sim_bench.h"

#define CONTRACT_ADDRESS 0x20u
#define CONTRACT_CHANNELS NS_PMBUS_CHANNEL_COUNT
#define CONTRACT_LIMITS 5
#define CONTRACT_REGISTERS 8
#define CONTRACT_TIMEOUT_US 25000u /**< of one transfer: SMBus 2.0, table 1, T_TIMEOUT minimum */
#define CONTRACT_DEADLINE_NS 100000000 /**< of one call: NS_CALL_DEADLINE_US */
#define CONTRACT_CHECK_ROUNDS 11       /**< pmbus.h: «each tenth time», and the one that finds it */

/** What a channel measures: sim_quantity of the page, or one of these. */
enum contract_truth {
    TRUTH_POUT = SIM_MEASURED, /**< current for that power at the present output voltage */
    TRUTH_PIN,
    TRUTH_SHUNT, /**< voltage across the shunt of an INA */
    TRUTH_DIODE_1,
    TRUTH_DIODE_2,
    TRUTH_DIODE_3,
    TRUTH_DIODE_4
};

/** What a row says of a channel. */
typedef enum contract_claim {
    CONTRACT_UNDECLARED = 0, /**< the suite fails */
    CONTRACT_SWEPT,          /**< follows its truth over the range */
    CONTRACT_HIGHEST,        /**< the greatest truth since the last clear */
    CONTRACT_STATE,          /**< is read; a case of its own looks at it */
    CONTRACT_ABSENT          /**< says NS_E_UNSUPPORTED */
} contract_claim_t;

/** One channel. */
typedef struct contract_channel {
    uint8_t claim;
    uint8_t truth;
    double low;
    double high;
    double step; /**< of the words, in the unit; 0: LINEAR11, 1/512 of the value */
} contract_channel_t;

/** One limit of the device's configuration. */
typedef struct contract_limit {
    uint8_t field; /**< enum contract_field; 0: no more */
    uint8_t code;  /**< of the register */
    uint8_t truth;
    double value;
    double step;     /**< as of a channel: how far toward safe the register may be */
    uint16_t status; /**< bits of STATUS_WORD that show it */
    bool switches_off;
    bool comes_back; /**< the part tries again by itself */
} contract_limit_t;

/** Fields of ns_pmbus_config_t. */
enum contract_field { FIELD_CURRENT = 1, FIELD_HIGH, FIELD_LOW, FIELD_TEMP, FIELD_POWER };

/** Bits of a register that the driver programs, or that decide how words are read. */
typedef struct contract_register {
    uint8_t code;
    uint8_t first;
    uint8_t count;     /**< 0: no more */
    uint16_t followed; /**< bits that the driver leaves, but reads right whatever they are */
} contract_register_t;

enum contract_class { CONTRACT_PMBUS, CONTRACT_INA2XX, CONTRACT_TMP4XX };

/** One row: a part as it stands on a bench. */
typedef struct contract_part {
    const char *name;
    sim_part_kind_t kind;
    uint8_t class;  /**< enum contract_class */
    uint8_t part;   /**< of that class */
    uint8_t pages;  /**< of the part */
    uint8_t page;   /**< of the device */
    uint8_t phases; /**< 0: the device is the whole rail; else phase 2 of so many */
    bool has_protect;
    uint8_t sense_range; /**< of the configuration */
    uint8_t strap_code;  /**< 0: none */
    uint16_t strap_word;
    int64_t settle_us; /**< until a reading has followed its truth */
    double limit;      /**< of sensors */
    double coarser; /**< steps of the part's coarsest range, in those of the row; 0: it has one */
    bool forgets_range; /**< what it samples is not what it samples after a power-up */
    double nominal[SIM_MEASURED];
    contract_channel_t channels[CONTRACT_CHANNELS];
    contract_limit_t limits[CONTRACT_LIMITS];
    contract_register_t registers[CONTRACT_REGISTERS];
    /** Power the part up; what it measures is nominal. @return the bus it is on */
    ns_bus_t (*power)(const struct contract_part *row);
    /** Put a truth of a page; NULL on a real part. */
    void (*set_truth)(const struct contract_part *row, uint8_t page, uint8_t truth, double value);
} contract_part_t;

/** What the seam between port and bus does to the n-th message. */
typedef enum contract_fault {
    FAULT_NONE = 0,
    FAULT_NACK,      /**< the part does not acknowledge, nothing happens */
    FAULT_LOST,      /**< it happened, but no acknowledge is seen */
    FAULT_PEC,       /**< a bit of the first data byte turns over on its way */
    FAULT_BROWN_OUT, /**< the part loses its registers before it */
    FAULT_KINDS
} contract_fault_t;

/** The device under test and what it stands on. */
typedef struct contract {
    const contract_part_t *row;
    ns_bus_t bus;
    sim_bench_t bench;
    sim_part_t *part; /**< NULL: a real one, which has no knobs */
    ns_bus_port_t *port;
    ns_device_t device;
    union {
        ns_pmbus_t pmbus;
        ns_ina2xx_t ina;
        ns_tmp4xx_t tmp;
    } memory;
    int64_t period_us; /**< between two begins */
    contract_fault_t fault;
    uint32_t fault_at; /**< message, counted from contract_arm */
    uint32_t messages;
    uint32_t write_after;  /**< messages from the fault to the next write, 0 that one itself */
    bool may_change_range; /**< readings in the coarsest range are true, too */
    bool has_fired;
    double limit_when_on; /**< number of limits[0] when the switch went on; NaN: it did not */
} contract_t;

extern contract_t contract;

/** @brief A part at its nominal values, settled; limits programmed at the first begin if wanted. */
void contract_open(const contract_part_t *row, bool has_limits);

/** @brief The same with one limit alone. */
void contract_open_limit(const contract_part_t *row, const contract_limit_t *limit);

/** @brief Let time pass. */
void contract_pass(int64_t us);

/** @brief A period, then begin with all channels due. */
ns_status_t contract_begin(void);

/** @brief A period, then begin and all reads in one call, as the engine makes them: what is good
 *  must be true. @return the first status that is not NS_OK */
ns_status_t contract_round(void);

/** @brief One call each. All check that it kept its deadline. */
ns_status_t contract_read(uint32_t channel, double *out_value);
ns_status_t contract_write(uint32_t channel, double value);
ns_status_t contract_capture(uint8_t *out, size_t capacity, size_t *out_size);
ns_status_t contract_request(ns_request_kind_t kind);

/** @brief The fault at the n-th message from now. */
void contract_arm(contract_fault_t fault, uint32_t at);

/** @brief How far a reading of this channel may be from a truth of `value`. */
double contract_tolerance(const contract_channel_t *channel, double value);

/** @brief What a channel should read now. */
double contract_expected(const contract_channel_t *channel);

/** @brief Number that the part compares with for a limit of the device's page. */
double contract_programmed(const contract_limit_t *limit);

/** @brief True if the part keeps a limit: as wanted, or on the safe side of it by one step. */
bool contract_is_programmed(const contract_limit_t *limit);

/** @brief Channels of the class of a row. */
uint32_t contract_channel_count(const contract_part_t *row);

/** @brief False, with a line of text, on a real part: nobody can set its truth or make it sick. */
bool contract_is_simulated(const contract_part_t *row, const char *test);

/** @brief `power` and `set_truth` of simulated rows. */
ns_bus_t contract_sim_power(const contract_part_t *row);
void contract_sim_set_truth(const contract_part_t *row, uint8_t page, uint8_t truth, double value);

/** @brief Set the truth behind a channel. */
void contract_set(const contract_channel_t *channel, double value);

#endif
