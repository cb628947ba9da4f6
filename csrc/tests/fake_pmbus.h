/**
 * @file fake_pmbus.h
 * @brief A scripted PMBus part for the tests of the device class: registers by page, PEC, write
 *        protection, and a failure or brown-out at any transfer.
 */
#ifndef NIGHTSIDE_TEST_FAKE_PMBUS_H
#define NIGHTSIDE_TEST_FAKE_PMBUS_H

#include <stdbool.h>
#include <stdint.h>

#include "nightside/bus.h"

#define FAKE_PAGES 4
#define FAKE_ADDRESS 0x40
#define FAKE_TIMEOUT_US 35000
#define FAKE_WRITES_MAX 64
#define FAKE_SEND 0x80 /* size of a command without data */

typedef struct fake_write {
    uint8_t command;
    uint8_t page;
    uint16_t value;
    uint16_t limit;    /**< what the watched register of this page held then */
    unsigned transfer; /**< which transfer it was, counted from 1 */
} fake_write_t;

typedef struct fake_pmbus {
    uint8_t size[256]; /**< data bytes, FAKE_SEND, or 0: the part does not know the command */
    uint16_t power_up[FAKE_PAGES][256];
    uint16_t words[FAKE_PAGES][256];
    const uint8_t *blocks[256]; /**< length first; not NULL: a block read */
    uint8_t query[256];         /**< answer to QUERY; 0xFF: no QUERY */
    uint8_t coefficients[256][5];
    bool is_shared[256]; /**< one register for all pages */
    bool is_stuck[256];  /**< does not take what is written */
    uint8_t limit;       /**< command of the register that is watched */
    uint8_t gate;        /**< register without whose bit 5 OPERATION is refused; 0: none */
    bool has_pec;
    bool has_query;
    bool has_strict_lock;      /**< WRITE_PROTECT 0x40 stops CLEAR_FAULTS and PHASE too */
    bool is_floating;          /**< all ones */
    uint32_t wrong_reads[256]; /**< bit n: the n-th read of this command answers another word */
    uint8_t pec_error;         /**< bits that are wrong in every check code */
    unsigned busy_polls;       /**< so many reads of MFR_COMMON still say busy; NACK for all else */
    unsigned fails_at;         /**< transfer, counted from 1, that fails; 0: none */
    unsigned fails_until;      /**< and all up to this one */
    int fails_command;         /**< each transfer of this command fails; -1: none, 256: all */
    ns_status_t failure;       /**< NS_E_PEC: the transfer is done, its check code broken */
    unsigned browns_out_at;    /**< before this transfer; 0: never */
    bool takes_all_time;       /**< answers in the last microsecond */
    int64_t now_ns;
    unsigned transfer_count;
    unsigned read_count[256];
    unsigned write_count;                 /**< PAGE not counted */
    fake_write_t writes[FAKE_WRITES_MAX]; /**< PAGE not kept */
} fake_pmbus_t;

extern const ns_bus_ops_t fake_pmbus_ops;

/** A bus whose calls have an end: clips each time-out to what is left, as the engine does. */
typedef struct fake_port {
    fake_pmbus_t *part;
    int64_t deadline_ns;
    bool is_over;                 /**< NS_E_TIMEOUT was answered */
    unsigned transfers_when_over; /**< asked for after that */
} fake_port_t;

extern const ns_bus_ops_t fake_port_ops;

/** A part that knows PAGE, OPERATION, WRITE_PROTECT and what a standard part has, with PEC. */
void fake_pmbus_init(fake_pmbus_t *self);

/** Make a register known, with this power-up value on all pages. */
void fake_pmbus_define(fake_pmbus_t *self, uint8_t command, uint8_t size, uint16_t value);

/** Registers as after a loss of supply. */
void fake_pmbus_power_up(fake_pmbus_t *self);

/** True when that command was written since init. */
bool fake_pmbus_wrote(const fake_pmbus_t *self, uint8_t command);

#endif
