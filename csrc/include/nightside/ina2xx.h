/**
 * @file ina2xx.h
 * @brief Device class `ina2xx`: current and power monitors INA219, INA226 and INA228.
 *
 * Sources: TI data sheets SBOS448 (INA219), SBOS547 (INA226), SLYS021A (INA228).
 */
#ifndef NIGHTSIDE_INA2XX_H
#define NIGHTSIDE_INA2XX_H

#include <stdbool.h>
#include <stdint.h>

#include "nightside/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Ops of a device opened with ns_ina2xx_open; its context is the ns_ina2xx_t. */
extern const ns_device_ops_t ns_ina2xx_ops;

/* cffi: begin */
/** The parts. */
typedef enum ns_ina2xx_part { NS_INA219 = 0, NS_INA226 = 1, NS_INA228 = 2 } ns_ina2xx_part_t;

/** Channels of an `ina2xx` device. */
typedef enum ns_ina2xx_channel {
    NS_INA2XX_BUS_VOLTAGE_V = 0,
    NS_INA2XX_SHUNT_VOLTAGE_V = 1,
    NS_INA2XX_CURRENT_A = 2, /**< shunt voltage by shunt; saturates at the part's full scale */
    NS_INA2XX_POWER_W = 3,   /**< bus voltage times current, two reads apart */
    NS_INA2XX_ENERGY_J = 4,  /**< INA228: since its power-up or reset, wraps unrolled */
    NS_INA2XX_CHARGE_C = 5,  /**< INA228: the same, signed */
    NS_INA2XX_TEMP_C = 6,    /**< INA228: die */
    NS_INA2XX_ALERT = 7,     /**< 1: the current limit was crossed since the last CLEAR */
    NS_INA2XX_CHANNEL_COUNT = 8
} ns_ina2xx_channel_t;

/** One part. */
typedef struct ns_ina2xx_config {
    uint32_t part;          /**< ns_ina2xx_part_t */
    uint8_t address;        /**< 7 bits, 0x08 .. 0x77 */
    uint32_t timeout_us;    /**< of one transfer, > 0 */
    double shunt_ohm;       /**< > 0 */
    double current_limit_a; /**< the part's own alert, rounded down; 0: none */
} ns_ina2xx_config_t;

/** Memory of one device, the caller's; the fields are the library's own. */
typedef struct ns_ina2xx {
    const void *bus_ops;
    void *bus_ctx;
    ns_ina2xx_config_t config;
    uint16_t limit_raw;
    uint16_t alert_word; /**< alert register as first seen with the alert */
    bool is_identified;  /**< and programmed, since the last failure */
    bool is_alert_latched;
    uint32_t scrub_next;   /**< register to compare at the next begin */
    uint32_t repair_count; /**< registers found wrong twice and programmed again */
    uint64_t energy_raw;
    double energy_base;
    uint64_t charge_raw;
    double charge_base;
} ns_ina2xx_t;

/**
 * @brief Open; nothing is sent. The device's ops are ns_ina2xx_ops.
 *
 * begin identifies the part once (INA226, INA228) and programs its configuration and alert limit,
 * reads them back, and compares one register a round after that: a register found wrong twice, as
 * after a brown-out, is programmed again. With a limit it also reads the alert register, before it
 * programs it, too. That read releases the part's latch, so the device keeps its own until CLEAR;
 * `capture` gives the register as it was when the alert was first seen. Registers have no check
 * code: 0xFFFF of a shunt is confirmed by the configuration.
 * @param[in] bus_ops an ns_bus_ops_t with transfer, bus_ctx its context; both outlive the device
 * @retval NS_OK            open
 * @retval NS_E_ARG         NULL, another ABI, no transfer, or a config out of range
 * @retval NS_E_RANGE       the limit is above the part's full scale, or below one step
 * @retval NS_E_UNSUPPORTED a limit on an INA219, which has no alert
 *
 * The ops return what the bus returns, and
 * @retval NS_E_REFUSED     another part answers at the address
 * @retval NS_E_RANGE       a register that does not stay as programmed; a word that cannot be
 * @retval NS_E_UNSUPPORTED the part has no such channel; no channel can be written
 * @retval NS_E_ARG         no such channel
 */
ns_status_t ns_ina2xx_open(ns_ina2xx_t *self, const ns_ina2xx_config_t *config, const void *bus_ops,
                           void *bus_ctx);
/* cffi: end */

#ifdef __cplusplus
}
#endif
#endif
