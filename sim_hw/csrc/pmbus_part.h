/**
 * @file pmbus_part.h
 * @brief Register model of one PMBus part: hot-swap, four-page auxiliary regulator, four-page
 * monitor.
 *
 * Modelled: PAGE, PEC, WRITE_PROTECT, latching status, the part's own over-current trip, loss of
 * supply. Not modelled: clock stretching, busy, block commands, VOUT_COMMAND, retries of its own.
 */
#ifndef NIGHTSIDE_SIM_PMBUS_PART_H
#define NIGHTSIDE_SIM_PMBUS_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nightside/status.h"
#include "sensors.h"

#define SIM_PAGES_MAX 4
#define SIM_NO_WORD SIZE_MAX

/** Wiring of one page; knobs may be NULL. */
typedef struct sim_pmbus_wiring {
    size_t voltage_word;
    size_t current_word;
    size_t temp_word;   /**< SIM_NO_WORD: no READ_TEMPERATURE_1 */
    double *enabled;    /**< where the state of the switch goes; NULL: a monitor, no switch */
    const double *nack; /**< knob: the part does not acknowledge */
    const double *fail_closed; /**< knob: the switch conducts whatever it is told */
    double *spurious_trip;     /**< knob: trip once, without a cause */
    double voltage_good_v;     /**< POWER_GOOD# is asserted from here on */
    double current_limit_a;    /**< power-up value of IOUT_OC_FAULT_LIMIT */
    uint8_t operation;         /**< power-up value of OPERATION */
    uint8_t vout_mode;
} sim_pmbus_wiring_t;

/** Registers of one page. */
typedef struct sim_pmbus_registers {
    uint8_t operation;
    uint8_t status_iout;
    uint16_t current_limit;
    bool is_tripped;
    double driven;       /**< what the part last put on its switch */
    int64_t overload_ns; /**< for how long the current has been above the limit */
} sim_pmbus_registers_t;

/** One part. `supply` is the switch that feeds it, NULL when it is always powered. */
typedef struct sim_pmbus_part {
    sim_sensors_t *sensors;
    const double *supply;
    double *brown_out; /**< knob: lose the registers once, yet answer as if nothing had been */
    int64_t trip_ns;   /**< an overload of this length trips */
    uint8_t address;
    uint8_t page_count; /**< 1: a part without the PAGE command */
    bool has_power;     /**< READ_POUT is there */
    bool is_powered;
    uint8_t page;
    uint8_t write_protect;
    uint8_t status_cml;
    sim_pmbus_wiring_t wiring[SIM_PAGES_MAX];
    sim_pmbus_registers_t registers[SIM_PAGES_MAX];
} sim_pmbus_part_t;

/** @brief Power up: all registers to their defaults, switches to their power-up state. */
void sim_pmbus_power_up(sim_pmbus_part_t *self);

/** @brief Follow the supply and the brown-out knob; a part that lost either starts from
 * defaults. */
void sim_pmbus_follow_supply(sim_pmbus_part_t *self);

/**
 * @brief Let the comparators see the last `step_ns`: the present current is taken as having flown
 * through all of it.
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
 * @retval NS_E_NACK unpowered, a knob says so, or a byte was refused (STATUS_CML says why)
 */
ns_status_t sim_pmbus_transfer(sim_pmbus_part_t *self, const uint8_t *write, size_t write_size,
                               uint8_t *read, size_t read_size);

#endif
