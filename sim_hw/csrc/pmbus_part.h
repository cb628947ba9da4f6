/**
 * @file pmbus_part.h
 * @brief Register model of one PMBus part: the engine that all models share.
 *
 * Modelled: PAGE with 0xFF, PHASE, PEC, WRITE_PROTECT, latching status, limits with their
 * responses, retries, POWER_GOOD#, the alert line, busy, slow conversion, peaks, loss of supply,
 * brown-out, upsets of registers. Not modelled: VOUT_COMMAND moving the output, margining, group
 * commands, extended commands, timing of TON and TOFF.
 */
#ifndef NIGHTSIDE_SIM_PMBUS_PART_H
#define NIGHTSIDE_SIM_PMBUS_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "i2c_bus.h"
#include "pmbus_model.h"
#include "sensors.h"

#define SIM_BLOCK_MAX 255u
#define SIM_PHASES_MAX 8
#define SIM_NO_COMMAND 0xFFu

/** Wiring of one page; pointers may be NULL: not there. */
typedef struct sim_pmbus_wiring {
    const double *truth[SIM_MEASURED]; /**< what the page measures */
    const double *peak_current_a;      /**< transient within the last step; 0: none */
    double *enabled;    /**< where the state of the switch goes; NULL: a monitor, no switch */
    const double *nack; /**< knob: the part does not acknowledge */
    const double *fail_closed; /**< knob: the switch conducts whatever it is told */
    double *spurious_trip;     /**< knob: trip once, without a cause */
    double voltage_good_v;     /**< POWER_GOOD# is negated below */
    double current_limit_a;    /**< power-up value of IOUT_OC_FAULT_LIMIT, or of the resistors;
                                     0: the model's */
    uint8_t operation;         /**< power-up value of OPERATION */
    uint8_t vout_mode;         /**< 0: the model's */
    uint8_t phase_count;       /**< 0: no phases; the current is shared evenly */
} sim_pmbus_wiring_t;

/** Registers of one page. */
typedef struct sim_pmbus_page {
    uint16_t word[SIM_COMMANDS_MAX];
    double limit[SIM_LIMITS_MAX]; /**< as numbers */
    int64_t violated_ns[SIM_LIMITS_MAX];
    uint8_t active[SIM_LIMITS_MAX]; /**< limits that can be met at all */
    uint8_t active_count;
    uint8_t operation;
    uint8_t vout_mode;
    uint8_t status[SIM_STATUS_COUNT];
    uint8_t apart[SIM_STATUS_COUNT]; /**< what comes back after CLEAR_FAULTS: SIM_LATCHES_TWICE */
    bool is_tripped;                 /**< off by a fault, or waiting for a retry */
    bool is_retrying;                /**< on again after a fault, not yet for long */
    bool is_held;                    /**< off only as long as the fault is there (response 11) */
    uint8_t tripped_by;              /**< limit */
    uint8_t retries_left;            /**< 0xFF: without end */
    int64_t retry_ns;                /**< left until the next try; 0: none */
    int64_t on_ns;                   /**< for how long the output has been on */
    double driven;                   /**< what the part last put on its switch */
    double sum[SIM_MEASURED];
    double reading[SIM_MEASURED]; /**< last conversions, with a window */
    int64_t span_ns;
    bool has_reading;
    bool is_frozen;  /**< the model converts by itself */
    uint8_t sampled; /**< and has converted these, bit by quantity; others read 0x0000 */
    double peak[SIM_QUANTITIES];
    double low[SIM_QUANTITIES];
    bool has_peak; /**< false: nothing converted since they were forgotten */
} sim_pmbus_page_t;

/** One part. `supply` is the switch that feeds it, NULL when it is always powered. */
typedef struct sim_pmbus_part {
    const sim_pmbus_model_t *model;
    sim_sensors_t *sensors; /**< NULL: what is converted is the truth */
    const double *supply;
    double *brown_out; /**< knob: lose the registers once, yet answer as if nothing had been */
    int64_t trip_ns;   /**< a fault limit violated for this long trips */
    int64_t window_ns;
    uint32_t retry_delay_us;   /**< between a shut-down and the next try */
    double shunt_mohm;         /**< sense resistor of a hot-swap */
    uint8_t hardware_response; /**< to a fault whose limit has no response command */
    uint8_t address;
    uint8_t page_count; /**< 1: a part without the PAGE command */
    bool has_power;     /**< the powers are there */
    bool has_pec;       /**< false: strapped or configured off; a PEC is then a byte too many */
    bool is_powered;
    bool is_alerting;
    bool was_busy;        /**< a message was refused as busy: STATUS_BYTE bit 7 */
    uint8_t paged_status; /**< bit by status register */
    uint8_t page;
    uint8_t phase;
    uint8_t write_protect;
    uint8_t status_cml;
    int64_t now_ns;
    int64_t busy_until_ns;
    bool is_busy_set; /**< the model has set busy_until_ns for this write */
    int64_t pending_until_ns;
    uint8_t measured;      /**< bit by quantity: wired on page 0 */
    uint8_t index_of[256]; /**< command by code, SIM_NO_COMMAND: unknown */
    uint8_t alert_mask[SIM_STATUS_COUNT];
    uint8_t memory[SIM_BLOCK_MAX + 1]; /**< of the model: a fault log */
    uint8_t memory_size;
    bool has_memory;                /**< survives a power-up, as flash does */
    double energy_count;            /**< of the model */
    uint64_t sample_count;          /**< of the model */
    uint8_t samples_code;           /**< of the model */
    int64_t sample_ns;              /**< of the model: time since the last sample */
    double average[SIM_QUANTITIES]; /**< of the model */
    double average_sum[SIM_QUANTITIES];
    int64_t average_span_ns;
    sim_pmbus_wiring_t wiring[SIM_PAGES_MAX];
    sim_pmbus_page_t registers[SIM_PAGES_MAX];
} sim_pmbus_part_t;

/** Seat a sim_pmbus_part_t on a bus with these. */
extern const sim_i2c_ops_t sim_pmbus_i2c_ops;

/**
 * @brief Prepare a wired part and power it up: all registers to their defaults, switches to their
 * power-up state. `model`, `address`, `page_count` and `wiring` are set by the caller before.
 */
void sim_pmbus_open(sim_pmbus_part_t *self);

/** @brief Power up: all registers to their defaults, switches to their power-up state. */
void sim_pmbus_power_up(sim_pmbus_part_t *self);

/** @brief Follow the supply and the brown-out knob; a part that lost either starts from
 * defaults. */
void sim_pmbus_follow_supply(sim_pmbus_part_t *self);

/**
 * @brief Let converters and comparators see the last `step_ns`: the present truths are taken as
 * having held through all of it.
 */
void sim_pmbus_advance(sim_pmbus_part_t *self, int64_t step_ns);

/**
 * @brief Adopt switches that somebody else put in another state (the start of a flight that finds
 * its rails on), as if OPERATION had said so.
 */
void sim_pmbus_adopt(sim_pmbus_part_t *self);

/** @brief True while the part acknowledges its address. */
bool sim_pmbus_answers(const sim_pmbus_part_t *self);

/**
 * @brief One message to this part, as ns_bus_ops.transfer; the PEC is known by the size.
 * @retval NS_OK     done
 * @retval NS_E_NACK unpowered, busy, a knob says so, or a byte was refused (STATUS_CML says why)
 */
ns_status_t sim_pmbus_transfer(sim_pmbus_part_t *self, int64_t now_ns, const uint8_t *write,
                               size_t write_size, uint8_t *read, size_t read_size);

/**
 * @brief An upset: one bit of a register turns over, and what depends on it follows.
 * @return false: the part has no such register
 */
bool sim_pmbus_flip(sim_pmbus_part_t *self, uint8_t page, uint8_t code, uint8_t bit);

/* ---- for models and for the parts of the engine ---- */

/** @brief The command of a code on this part, or NULL. */
const sim_command_t *sim_pmbus_find(const sim_pmbus_part_t *self, uint8_t code);

/** @brief Where a command stands in its model's table. */
size_t sim_pmbus_index(const sim_pmbus_part_t *self, const sim_command_t *command);

/** @brief The page whose registers a command uses: 0 for one that has no pages. */
uint8_t sim_pmbus_page_of(const sim_command_t *command, uint8_t page);

/** @brief The status register that a code names; SIM_STATUS_COUNT for none. */
uint8_t sim_pmbus_status_of(const sim_pmbus_part_t *self, uint8_t code);

/** @brief Latch a bit of STATUS_CML. @return NS_E_NACK */
ns_status_t sim_pmbus_refuse(sim_pmbus_part_t *self, uint8_t cml_bit);

/** @brief A message that reads: write_size >= 1. */
ns_status_t sim_pmbus_give_read(sim_pmbus_part_t *self, const uint8_t *write, size_t write_size,
                                uint8_t *read, size_t read_size);

/** @brief Present word of a plain register or limit; 0 for an unknown code. */
uint16_t sim_pmbus_word(const sim_pmbus_part_t *self, uint8_t page, uint8_t code);

/** @brief Set a plain register or limit, as firmware or a strap would. */
void sim_pmbus_set_word(sim_pmbus_part_t *self, uint8_t page, uint8_t code, uint16_t word);

/** @brief What the part has converted last. */
double sim_pmbus_reading(sim_pmbus_part_t *self, uint8_t page, uint8_t quantity);

/** @brief What is, for comparators. */
double sim_pmbus_truth(const sim_pmbus_part_t *self, uint8_t page, uint8_t quantity);

/** @brief A value as a word of a quantity in some format of this part. */
uint16_t sim_pmbus_encode(const sim_pmbus_part_t *self, uint8_t page, uint8_t format,
                          uint8_t quantity, double value);

/** @brief The value of such a word. */
double sim_pmbus_decode(const sim_pmbus_part_t *self, uint8_t page, uint8_t format,
                        uint8_t quantity, uint16_t word);

/** @brief STATUS_WORD of a page. */
uint16_t sim_pmbus_status_word(const sim_pmbus_part_t *self, uint8_t page);

/** @brief Latch bits of a status register; a new bit that is not masked pulls the alert line. */
void sim_pmbus_latch(sim_pmbus_part_t *self, uint8_t page, uint8_t in, uint8_t bits);

/** @brief CLEAR_FAULTS of a page. What is still violated is latched again at once. */
void sim_pmbus_clear_faults(sim_pmbus_part_t *self, uint8_t page);

/** @brief Take the present readings into peaks and lows of a page. */
void sim_pmbus_keep_peaks(sim_pmbus_part_t *self, uint8_t page);

/** @brief Forget peaks and lows of a page. */
void sim_pmbus_forget_peaks(sim_pmbus_part_t *self, uint8_t page);

/** @brief Recompute the numbers of all limits of a page from their words. */
void sim_pmbus_learn_limits(sim_pmbus_part_t *self, uint8_t page);

/** @brief Put the state of the switch where the wiring says. */
void sim_pmbus_drive(sim_pmbus_part_t *self, uint8_t page);

/** @brief OPERATION as written to one page; off and on again releases a latched output. */
void sim_pmbus_operate(sim_pmbus_part_t *self, uint8_t page, uint8_t value);

/** @brief Compare all limits of a page with the truth. */
void sim_pmbus_compare(sim_pmbus_part_t *self, uint8_t page, int64_t step_ns);

#endif
