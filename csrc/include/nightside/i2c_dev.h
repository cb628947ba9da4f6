/**
 * @file i2c_dev.h
 * @brief Bus back end `i2c_dev`: an I2C adapter through Linux's /dev/i2c-N.
 *
 * One process owns a bus: an exclusive lock on the device file says so. PEC bytes are ordinary
 * bytes (the kernel's own PEC is never switched on). An address that a kernel driver is bound to
 * is refused. No thread safety.
 */
#ifndef NIGHTSIDE_I2C_DEV_H
#define NIGHTSIDE_I2C_DEV_H

#include <stdint.h>

#include "nightside/bus.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Ops of a bus opened with ns_i2c_dev_open; its context is the ns_i2c_dev_t. No exchange.
 *
 * transfer claims an address at its first use (ns_i2c_dev_claim). The kernel counts an adapter's
 * time-out in 10 ms: a device that stretches the clock for ever ends the call up to 10 ms after
 * timeout_us, and an adapter driver that ignores the time-out later still. An answer that comes so
 * late is good, and is given. Nothing is repeated here.
 * @retval NS_E_TIMEOUT     the bus hangs or timeout_us is 0; see recover
 * @retval NS_E_BUSY        arbitration lost to another master
 * @retval NS_E_REFUSED     a kernel driver is bound to the address
 * @retval NS_E_ARG         NULL, closed, address outside 0x08 .. 0x77 (7 bit, not reserved),
 *                          nothing to write and to read, or more than NS_I2C_DEV_MESSAGE_MAX
 *                          either way
 * @retval others           as in the table of docs/reference/buses.md
 *
 * recover takes the two lines as GPIO, clocks until SDA is high, nine times at most, then sends a
 * STOP and gives the lines back; it returns within 40 ms.
 * @retval NS_E_UNSUPPORTED the config names no lines
 * @retval NS_E_TIMEOUT     a line is still low
 * @retval others           from ns_gpio_open
 */
extern const ns_bus_ops_t ns_i2c_dev_ops;

/* cffi: begin */
/** Sizes of the back end. */
enum ns_i2c_dev_limits {
    NS_I2C_DEV_MESSAGE_MAX = 512 /**< bytes one way; the largest SMBus 3 block needs 258 */
};

/** What a bus is told at opening. The strings outlive it. */
typedef struct ns_i2c_dev_config {
    const char *path;    /**< "/dev/i2c-3" */
    uint32_t timeout_us; /**< 1 .. 10 000 000; programmed into the adapter, rounded up to 10 ms */
    const char *scl_chip_path; /**< "/dev/gpiochip0"; NULL: this bus cannot be recovered */
    uint32_t scl_offset;
    const char *sda_chip_path;
    uint32_t sda_offset;
} ns_i2c_dev_config_t;

/** Memory of one bus, the caller's; the fields are the library's own. */
typedef struct ns_i2c_dev {
    const void *system;
    ns_i2c_dev_config_t config;
    int fd;
    uint32_t is_open;
    uint32_t timeout_ticks; /**< as programmed, 10 ms each */
    uint8_t claimed[16];    /**< bit per address */
} ns_i2c_dev_t;

/**
 * @brief Open and lock an adapter, and program its time-out; no byte moves on the bus.
 * @retval NS_OK            open
 * @retval NS_E_ARG         NULL, timeout_us out of range, or one recovery line without the other
 * @retval NS_E_ABSENT      no such adapter
 * @retval NS_E_REFUSED     another process holds the bus, or no permission
 * @retval NS_E_UNSUPPORTED not an adapter, or one that only does SMBus commands (no I2C_FUNC_I2C)
 * @retval NS_E_IO          from the operating system
 */
ns_status_t ns_i2c_dev_open(ns_i2c_dev_t *self, const ns_i2c_dev_config_t *config);

/**
 * @brief Make sure that no kernel driver is bound to an address; moves no byte on the bus.
 * @retval NS_OK        the address is ours; known from then on
 * @retval NS_E_REFUSED a kernel driver is bound to it
 * @retval NS_E_ARG     NULL, closed, or address outside 0x08 .. 0x77
 * @retval others       as in the table of docs/reference/buses.md
 */
ns_status_t ns_i2c_dev_claim(ns_i2c_dev_t *self, uint8_t address);
/* cffi: end */

#ifdef __cplusplus
}
#endif
#endif
