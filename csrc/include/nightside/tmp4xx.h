/**
 * @file tmp4xx.h
 * @brief Device class `tmp4xx`: temperature sensors with remote diodes, TMP421/422/423 and TMP464.
 *
 * Sources: TI data sheets SBOS398 (TMP421 family), SBOS835 (TMP464).
 */
#ifndef NIGHTSIDE_TMP4XX_H
#define NIGHTSIDE_TMP4XX_H

#include <stdbool.h>
#include <stdint.h>

#include "nightside/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Ops of a device opened with ns_tmp4xx_open; its context is the ns_tmp4xx_t. */
extern const ns_device_ops_t ns_tmp4xx_ops;

/* cffi: begin */
/** The parts: 1, 2, 3 and 4 remote diodes. */
typedef enum ns_tmp4xx_part {
    NS_TMP421 = 0,
    NS_TMP422 = 1,
    NS_TMP423 = 2,
    NS_TMP464 = 3
} ns_tmp4xx_part_t;

/** Channels of a `tmp4xx` device. */
typedef enum ns_tmp4xx_channel {
    NS_TMP4XX_LOCAL_TEMP_C = 0,
    NS_TMP4XX_REMOTE1_TEMP_C = 1,
    NS_TMP4XX_REMOTE2_TEMP_C = 2,
    NS_TMP4XX_REMOTE3_TEMP_C = 3,
    NS_TMP4XX_REMOTE4_TEMP_C = 4,
    NS_TMP4XX_ALERT = 5, /**< TMP464: 1 while a sensor is above the limit */
    NS_TMP4XX_CHANNEL_COUNT = 6
} ns_tmp4xx_channel_t;

/** One part. */
typedef struct ns_tmp4xx_config {
    uint32_t part;       /**< ns_tmp4xx_part_t */
    uint8_t address;     /**< 7 bits, 0x08 .. 0x77 */
    uint32_t timeout_us; /**< of one transfer, > 0 */
    double temp_limit_c; /**< THERM limit of all sensors of a TMP464, rounded down to 0.5 degC; NaN:
                              none */
} ns_tmp4xx_config_t;

/** Memory of one device, the caller's; the fields are the library's own. */
typedef struct ns_tmp4xx {
    const void *bus_ops;
    void *bus_ctx;
    ns_tmp4xx_config_t config;
    uint16_t limit_raw;
    bool has_limit;
    bool is_identified; /**< and programmed, since the last failure */
    uint16_t open_bits; /**< diodes that are open, as of begin */
    uint16_t alert_bits;
    uint32_t scrub_next;
    uint32_t repair_count; /**< registers found wrong twice and programmed again */
} ns_tmp4xx_t;

/**
 * @brief Open; nothing is sent. The device's ops are ns_tmp4xx_ops.
 *
 * begin identifies the part once, programs what it was configured for and then compares one
 * register a round. An open or shorted diode has no temperature: NS_E_RANGE.
 * Readings: -55 .. 150 degC (TMP421: extended range -64 .. 191), steps of 0.0625 degC.
 * @param[in] bus_ops an ns_bus_ops_t with transfer, bus_ctx its context; both outlive the device
 * @retval NS_OK            open
 * @retval NS_E_ARG         NULL, another ABI, no transfer, or a config out of range
 * @retval NS_E_RANGE       the limit is outside -256 .. 255 degC
 * @retval NS_E_UNSUPPORTED a limit on a part of the TMP421 family, which has none
 *
 * The ops return what the bus returns, and
 * @retval NS_E_REFUSED     another part answers at the address
 * @retval NS_E_RANGE       an open diode; a register that does not stay as programmed
 * @retval NS_E_STALE       the value moved between its two bytes, twice
 * @retval NS_E_UNSUPPORTED the part has no such channel; no channel can be written
 * @retval NS_E_ARG         no such channel
 */
ns_status_t ns_tmp4xx_open(ns_tmp4xx_t *self, const ns_tmp4xx_config_t *config, const void *bus_ops,
                           void *bus_ctx);
/* cffi: end */

#ifdef __cplusplus
}
#endif
#endif
