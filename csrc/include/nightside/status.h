/**
 * @file status.h
 * @brief The one status type of the C layer.
 */
#ifndef NIGHTSIDE_STATUS_H
#define NIGHTSIDE_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

/* cffi: begin */
/** Values are part of the ABI: never renumber, only append. The caller must look at it. */
typedef enum ns_status {
    NS_OK = 0,
    NS_E_ARG = -1,          /**< the caller broke the contract: our bug */
    NS_E_FULL = -2,         /**< a fixed-size table has no room left */
    NS_E_BUSY = -3,         /**< the device asked for patience */
    NS_E_IO = -4,           /**< the operating system failed the transfer */
    NS_E_RANGE = -5,        /**< a value that cannot be, or does not fit */
    NS_E_NACK = -6,         /**< nobody acknowledged the address or a byte */
    NS_E_PEC = -7,          /**< packet error code does not match */
    NS_E_TIMEOUT = -8,      /**< the deadline of the transfer passed */
    NS_E_ABSENT = -9,       /**< the device is not there: unpowered, lost, off the bus */
    NS_E_UNSUPPORTED = -10, /**< the device cannot do this, ever */
    NS_E_STALE = -11,       /**< never sampled, or the writer kept moving: keep the last copy */
    NS_E_PROTOCOL = -12,    /**< a frame, CRC or sequence number is wrong */
    NS_E_PAGE = -13,        /**< PAGE read back differs from PAGE written */
    NS_E_LAYOUT = -14,      /**< an image of another ABI or layout */
    NS_E_REFUSED = -15,     /**< outside the immutable limits, or forbidden here */
    NS_E_RESET = -16        /**< the device answers, but works again only after a reset */
} ns_status_t;
/* cffi: end */

/** @brief A static, never NULL name of a status, e.g. "NS_E_NACK". */
const char *ns_status_name(ns_status_t status);

#ifdef __cplusplus
}
#endif
#endif
