/**
 * @file pmbus.h
 * @brief Device class `pmbus`: one rail (one address, one page) of a PMBus part.
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
/** One rail of one part. */
typedef struct ns_pmbus_config {
    uint8_t address;        /**< 7 bits, 0x08 .. 0x77 */
    uint8_t has_page;       /**< 0: a part with a single page */
    uint8_t page;           /**< 0 .. 31 */
    uint8_t has_pec;        /**< 0: no PEC, and a word of 0xFFFF is refused */
    uint32_t timeout_us;    /**< of one transfer, > 0 */
    double current_limit_a; /**< IOUT_OC_FAULT_LIMIT, rounded down; 0: none is programmed */
} ns_pmbus_config_t;

/** Memory of one device, the caller's; the fields are the library's own. */
typedef struct ns_pmbus {
    const void *bus_ops;
    void *bus_ctx;
    ns_pmbus_config_t config;
    double limit_a; /**< the limit as its word says it */
    uint16_t limit_raw;
    bool exponent_is_known;
    int32_t exponent;         /**< of LINEAR16, from VOUT_MODE */
    uint32_t check_countdown; /**< begins until limit and lock are read back */
    uint32_t program_count; /**< times the limit was programmed: first time and each power cycle */
} ns_pmbus_t;

/**
 * @brief Open; nothing is sent. The device's ops are ns_pmbus_ops.
 *
 * begin selects PAGE, reads it back and learns VOUT_MODE. With a current limit it also reads back,
 * each tenth time and after each failure, the limit (by value) and WRITE_PROTECT, and programs both
 * where the part was power-cycled. write(ENABLE, 1) selects PAGE and verifies both each time before
 * OPERATION; write(ENABLE, 0) selects PAGE and switches off, whatever the limit says. Faults are
 * never cleared.
 * @param[in] bus_ops an ns_bus_ops_t with transfer, bus_ctx its context; both outlive the device
 * @retval NS_OK      open
 * @retval NS_E_ARG   NULL, another ABI, no transfer, or a config out of range
 * @retval NS_E_RANGE the limit does not fit LINEAR11
 *
 * The ops return what the bus returns, and
 * @retval NS_E_PEC         the check code of a read does not match
 * @retval NS_E_PAGE        PAGE reads back another page
 * @retval NS_E_RANGE       0xFFFF without PEC; an OPERATION of 0xFF; a limit or lock that does not
 * stay
 *                          as programmed; an ENABLE that is neither 0 nor 1
 * @retval NS_E_UNSUPPORTED VOUT_MODE is not linear; a channel that cannot be written
 * @retval NS_E_ARG         no such channel
 */
ns_status_t ns_pmbus_open(ns_pmbus_t *self, const ns_pmbus_config_t *config, const void *bus_ops,
                          void *bus_ctx);
/* cffi: end */

#ifdef __cplusplus
}
#endif
#endif
