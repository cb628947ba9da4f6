/**
 * @file pmbus.h
 * @brief Device class `pmbus`: one rail (one address, one page, one phase or all) of a PMBus part.
 *
 * What a part can do is data with its sources, in csrc/device/pmbus_parts.c; the table of parts and
 * functions is docs/reference/pmbus-parts.md.
 */
#ifndef NIGHTSIDE_PMBUS_H
#define NIGHTSIDE_PMBUS_H

#include <stdbool.h>
#include <stdint.h>

#include "nightside/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Ops of a device opened with ns_pmbus_open; its context is the ns_pmbus_t. */
extern const ns_device_ops_t ns_pmbus_ops;

/* cffi: begin */
/** Parts and families of parts. */
typedef enum ns_pmbus_part {
    NS_PMBUS_PART_GENERIC = 0, /**< learnt from CAPABILITY, VOUT_MODE, QUERY and COEFFICIENTS */
    NS_PMBUS_PART_ADM1272 = 1, /**< hot-swap; needs the shunt */
    NS_PMBUS_PART_ADM1275 = 2, /**< hot-swap; needs the shunt */
    NS_PMBUS_PART_LM25066 = 3, /**< hot-swap; needs the shunt */
    NS_PMBUS_PART_LM5066 = 4,  /**< hot-swap; needs the shunt */
    NS_PMBUS_PART_LTC2978 = 5, /**< power manager: LTC2977, LTC2978 and alike */
    NS_PMBUS_PART_LTC3887 = 6, /**< controller: LTC388x, LTM467x and alike */
    NS_PMBUS_PART_ISL68137 = 7,
    NS_PMBUS_PART_RAA228 = 8,
    NS_PMBUS_PART_MP2975 = 9,
    NS_PMBUS_PART_UCD90XXX = 10, /**< sequencer */
    NS_PMBUS_PART_COUNT = 11
} ns_pmbus_part_t;

/** Sizes of the class. */
enum ns_pmbus_limits {
    NS_PMBUS_PHASE_ALL = 255, /**< PHASE of the whole rail */
    NS_PMBUS_SHUNT_UOHM_MAX = 50000
};

/** One rail of one part. */
typedef struct ns_pmbus_config {
    uint8_t address;        /**< 7 bits, 0x08 .. 0x77 */
    uint8_t has_page;       /**< 0: a part with a single page */
    uint8_t page;           /**< 0 .. 31 */
    uint8_t has_pec;        /**< 1: PEC on every transfer; 0: none, and a word of 0xFFFF is refused,
                                 unless a generic part says and proves that it has PEC */
    uint32_t timeout_us;    /**< of one transfer, > 0 */
    double current_limit_a; /**< 0: none. IOUT_OC_FAULT_LIMIT, or the warning of a hot-swap, whose
                                 fault limit is strapped */
    uint32_t part;          /**< enum ns_pmbus_part */
    uint32_t shunt_uohm;    /**< 1 .. NS_PMBUS_SHUNT_UOHM_MAX where the part needs it, else 0 */
    double voltage_limit_v_high; /**< this and all below: 0 or NaN for none */
    double voltage_limit_v_low;
    double temp_limit_c;
    double power_limit_w;
    uint8_t has_phase;   /**< 1: PHASE is selected; set it on all rails of a part or on none */
    uint8_t phase;       /**< 0 .. 31, or NS_PMBUS_PHASE_ALL */
    uint8_t vid;         /**< table of VID codes, where VOUT_MODE says VID: 1 VR11, 2 VR12 (5 mV),
                            3 VR13 (10 mV), 4 IMVP9, 5 AMD; 0: not known */
    uint8_t sense_range; /**< LM25066, LM5066: what the CL pin chooses, 1 the low range (CL at VDD:
                              25 or 26 mV), 2 the high one (CL at GND: 46 or 50 mV); 0: not known,
                              then there is no current and no power unless the part's register
                              rules instead of the pin */
} ns_pmbus_config_t;

/** How words of one quantity are read; the library's own. */
typedef struct ns_pmbus_scale {
    uint32_t format;
    int32_t m; /**< DIRECT; the table of VID */
    int32_t b; /**< DIRECT */
    int32_t r; /**< DIRECT; the exponent of LINEAR16 */
} ns_pmbus_scale_t;

/** One limit; the library's own. */
typedef struct ns_pmbus_limit {
    double wanted;
    double value; /**< as its word says it, on the safe side of wanted */
    uint16_t raw;
    uint8_t command;
    uint8_t kind;
} ns_pmbus_limit_t;

/** Memory of one device, the caller's; the fields are the library's own. */
typedef struct ns_pmbus {
    const void *bus_ops;
    void *bus_ctx;
    const void *part;
    ns_pmbus_config_t config;
    ns_pmbus_scale_t scales[8];
    ns_pmbus_limit_t limits[5];
    uint32_t limit_count;
    bool is_learnt;           /**< formats, ranges and the words of the limits are known */
    bool has_pec;             /**< configured or proved */
    bool has_protect;         /**< the part knows WRITE_PROTECT */
    bool status_is_known;     /**< status_word is of this slot */
    bool limits_are_relative; /**< VOUT_MODE bit 7 */
    bool limits_are_held;     /**< limits and lock were found or made right since it was learnt */
    bool energy_is_started;
    uint8_t ready_mask; /**< bits of MFR_COMMON to wait for; 0: never busy, or cannot tell */
    uint16_t status_word;
    uint16_t setting;         /**< of the register that decides how words are read */
    uint16_t ignored_faults;  /**< bits of status_word behind which only the start stands */
    uint8_t ignored_input;    /**< bits of STATUS_INPUT that the part set at its start */
    uint8_t ignored_specific; /**< bits of STATUS_MFR_SPECIFIC, the same */
    uint8_t missing_status;   /**< bit n: it turned out to have no status register 0x7A + n */
    uint32_t unsupported;     /**< bit n: channel n turned out not to be there */
    uint32_t check_countdown; /**< begins until limits and lock are read back */
    uint32_t program_count;   /**< times limits were programmed: first time and each power cycle */
    uint32_t energy_samples;
    uint64_t energy_count;
    int64_t energy_time_ns;
    int64_t now_ns;          /**< of the last begin */
    int64_t settle_until_ns; /**< the part measures nothing new before */
    double energy_j;
    double peaks[4]; /**< kept over CLEAR_FAULTS where that wipes the part's own */
} ns_pmbus_t;

/**
 * @brief Open; nothing is sent. The device's ops are ns_pmbus_ops.
 *
 * begin selects PAGE (and PHASE), reads it back, reads the register that decides the range of the
 * readings where the part has one, and fetches STATUS_WORD when its channel is due. After opening
 * and after each failure it learns formats and ranges (all but generic parts again each tenth
 * time), and reads back, then and each tenth time, the limits (by value), WRITE_PROTECT and
 * STATUS_WORD; two reads of a limit must disagree with what is wanted, each with PAGE verified,
 * before it is programmed. Where a limit or the lock was right before and is lost, the part has
 * restarted: all is learnt again in the same call, and no number is read before. write(ENABLE, 1)
 * selects PAGE and verifies limits and lock each time before OPERATION; write(ENABLE, 0) selects
 * PAGE and switches off, whatever the limits say. An OPERATION that is not acknowledged is written
 * once more after learning. Limits are rounded toward safe: upper ones down, the lower one up.
 * VOUT_COMMAND, STORE_* and RESTORE_* are never written; faults are cleared by request alone.
 *
 * ENERGY_J counts from opening, from the part's power samples between two reads; read it at least
 * every 5 s. Peaks are the part's own; where CLEAR_FAULTS wipes them (LTC297x, LTC388x) they are
 * read before it and the greatest since opening is kept.
 *
 * alarm is the fault and warning bits of STATUS_WORD (mask 0xF73E). The LM25066 and LM5066 start
 * with the undervoltage bits of STATUS_INPUT and «defaults loaded» of STATUS_MFR_SPECIFIC set:
 * those that stand at the first look after opening are no alarm until they have been seen clear;
 * any other bit of these registers is one. capture gives elements of (tag, size, size bytes), the
 * tag being the command code and the bytes as on the wire: 0x00 PAGE (and 0x04 PHASE) first, 0x79
 * the fault bits of STATUS_WORD (the same mask: the others tell a state), then those of 0x7A ..
 * 0x80 that they point at, and the head of the part's fault log, 32 bytes at most, where it holds
 * one. The same faults give the same bytes. A register that cannot be read is left out and the
 * first such status is returned at the end; NS_E_TIMEOUT ends it. request knows CLEAR (CLEAR_FAULTS
 * of this page) and, where the part has it, POWER_CYCLE, behind verified limits and only of an
 * output that is on.
 * @param[in] bus_ops an ns_bus_ops_t with transfer, bus_ctx its context; both outlive the device
 * @retval NS_OK            open
 * @retval NS_E_ARG         NULL, another ABI, no transfer, or a config out of range
 * @retval NS_E_UNSUPPORTED a limit that the part cannot hold
 * @retval NS_E_RANGE       the limit does not fit LINEAR11
 *
 * The ops return what the bus returns, and
 * @retval NS_E_PEC         the check code of a read does not match
 * @retval NS_E_PAGE        PAGE or PHASE reads back another one
 * @retval NS_E_BUSY        the part stayed busy for 100 ms
 * @retval NS_E_PROTOCOL    a block of another length than it said
 * @retval NS_E_RANGE       0xFFFF without PEC; an OPERATION of 0xFF; a limit that does not fit the
 *                          part's format; a limit, lock or setting that does not stay as
 *                          programmed; an ENABLE that is neither 0 nor 1
 * @retval NS_E_STALE       the part's monitor was only just started: a reading of 50 ms from now;
 *                          or the part has not been learnt since it failed or restarted
 * @retval NS_E_FULL        the evidence does not fit
 * @retval NS_E_REFUSED     POWER_CYCLE of an output that is off
 * @retval NS_E_UNSUPPORTED a channel, format or request that the part has not; a write to a channel
 *                          other than ENABLE; voltage limits in relative mode
 * @retval NS_E_ARG         no such channel
 */
ns_status_t ns_pmbus_open(ns_pmbus_t *self, const ns_pmbus_config_t *config, const void *bus_ops,
                          void *bus_ctx);
/* cffi: end */

#ifdef __cplusplus
}
#endif
#endif
