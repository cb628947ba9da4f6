/**
 * @file device.h
 * @brief Device ops: what the bytes mean. One table per device class; the engine sees only this.
 */
#ifndef NIGHTSIDE_DEVICE_H
#define NIGHTSIDE_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "nightside/bus.h"
#include "nightside/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NS_DEVICE_OPS_ABI 1u

/* cffi: begin */
/** Channels of a `pmbus` device (one rail: one address, one page). */
typedef enum ns_pmbus_channel {
    NS_PMBUS_VOLTAGE_V = 0,
    NS_PMBUS_CURRENT_A = 1,
    NS_PMBUS_POWER_W = 2,
    NS_PMBUS_TEMP_C = 3,
    NS_PMBUS_STATUS = 4, /**< STATUS_WORD as a number */
    NS_PMBUS_ENABLE = 5, /**< writable: 1 on, 0 off (OPERATION bit 7), read back from the device */
    NS_PMBUS_CHANNEL_COUNT = 6
} ns_pmbus_channel_t;

/** Channels of an `nvml` device (one accelerator). */
typedef enum ns_nvml_channel {
    NS_NVML_POWER_W = 0, /**< field 186, instant */
    NS_NVML_CORE_TEMP_C = 1,
    NS_NVML_MEMORY_TEMP_C = 2, /**< field 82 */
    NS_NVML_MARGIN_C = 3, /**< 0 = at maximum operating temperature; never mixed with absolute */
    NS_NVML_UTILISATION_RATIO = 4,
    NS_NVML_CLOCK_MHZ = 5,
    NS_NVML_ENERGY_J = 6,      /**< since driver load */
    NS_NVML_EVENT_REASONS = 7, /**< clocks event reason bits as a number */
    NS_NVML_ECC_CORRECTED_COUNT = 8,
    NS_NVML_ECC_UNCORRECTED_COUNT = 9,
    NS_NVML_XID = 10,             /**< last Xid seen, 0 none */
    NS_NVML_RECOVERY_ACTION = 11, /**< field 230 */
    NS_NVML_PCIE_REPLAY_COUNT = 12,
    NS_NVML_CAP_W = 13, /**< writable: power limit; reads the enforced limit */
    NS_NVML_CLOCK_MAX_MHZ =
        14, /**< writable: locked maximum clock; reads the lock or the device maximum */
    NS_NVML_CHANNEL_COUNT = 15
} ns_nvml_channel_t;
/* cffi: end */

/**
 * @brief What a device class supplies. All calls are bounded by the device's transfer deadline.
 */
typedef struct ns_device_ops {
    uint32_t abi;
    const char *name; /**< "pmbus", "nvml", "controller" */
    /** Once a poll round, before any read: fetch what is fetched in one go. May be NULL.
     *  On failure every channel of the device fails this round with that status. */
    ns_status_t (*begin)(void *ctx, int64_t now_ns);
    /** Read one channel; *out_value untouched unless NS_OK. */
    ns_status_t (*read)(void *ctx, uint32_t channel, double *out_value);
    /** Write one channel; the engine has already checked the point's immutable limits. */
    ns_status_t (*write)(void *ctx, uint32_t channel, double value);
    void (*close)(void *ctx); /**< may be NULL */
} ns_device_ops_t;

#ifdef __cplusplus
}
#endif
#endif
