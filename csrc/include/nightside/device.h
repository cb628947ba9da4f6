/**
 * @file device.h
 * @brief Device ops: what the bytes mean. One table per device class; the engine sees only this.
 */
#ifndef NIGHTSIDE_DEVICE_H
#define NIGHTSIDE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nightside/bus.h"
#include "nightside/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NS_DEVICE_OPS_ABI 2u

/* cffi: begin */
/** Channels of a `pmbus` device (one rail: one address, one page). */
typedef enum ns_pmbus_channel {
    NS_PMBUS_VOLTAGE_V = 0,
    NS_PMBUS_CURRENT_A = 1,
    NS_PMBUS_POWER_W = 2,
    NS_PMBUS_TEMP_C = 3,
    NS_PMBUS_STATUS = 4, /**< STATUS_WORD as a number */
    NS_PMBUS_ENABLE = 5, /**< writable: 1 on, 0 off (OPERATION bit 7), read back from the device */
    NS_PMBUS_INPUT_VOLTAGE_V = 6,
    NS_PMBUS_INPUT_CURRENT_A = 7,
    NS_PMBUS_INPUT_POWER_W = 8,
    NS_PMBUS_ENERGY_J = 9,           /**< since the part's power-up, input side */
    NS_PMBUS_VOLTAGE_V_PEAK = 10,    /**< greatest since the last clear */
    NS_PMBUS_CURRENT_A_PEAK = 11,    /**< greatest since the last clear */
    NS_PMBUS_POWER_W_PEAK = 12,      /**< greatest since the last clear */
    NS_PMBUS_TEMP_C_PEAK = 13,       /**< greatest since the last clear */
    NS_PMBUS_CURRENT_A_AVERAGE = 14, /**< over the part's own window */
    NS_PMBUS_POWER_W_AVERAGE = 15,   /**< over the part's own window */
    NS_PMBUS_EXTERNAL_TEMP_C = 16,   /**< READ_TEMPERATURE_2 */
    NS_PMBUS_CHANNEL_COUNT = 17
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
    NS_NVML_POWER_W_AVERAGE = 15, /**< field 185 */
    NS_NVML_REMAPPED_CORRECTED_COUNT = 16,
    NS_NVML_REMAPPED_UNCORRECTED_COUNT = 17,
    NS_NVML_REMAP_PENDING = 18, /**< 1: rows wait for a reset to be remapped */
    NS_NVML_REMAP_FAILED = 19,  /**< 1: a row could not be remapped */
    NS_NVML_MEMORY_CLOCK_MHZ = 20,
    NS_NVML_MEMORY_CLOCK_MAX_MHZ = 21, /**< writable: locked maximum memory clock */
    NS_NVML_PERSISTENCE = 22,          /**< writable: 1 keeps the driver loaded without clients */
    NS_NVML_PCIE_GENERATION = 23,      /**< of the present link */
    NS_NVML_PCIE_WIDTH = 24,           /**< lanes of the present link */
    NS_NVML_MEMORY_USED_RATIO = 25,
    NS_NVML_CHANNEL_COUNT = 26
} ns_nvml_channel_t;
/* cffi: end */

/* cffi: begin */
/** Edges: asked for once, done once, at most. Everything else is a desired value. */
typedef enum ns_request_kind {
    NS_REQUEST_REARM = 1,      /**< release latched reflexes whose condition is gone */
    NS_REQUEST_CLEAR = 2,      /**< clear latched faults of one device, after their evidence */
    NS_REQUEST_RESET = 3,      /**< reset one device */
    NS_REQUEST_POWER_CYCLE = 4 /**< let one device cycle the power of its output by itself */
} ns_request_kind_t;
/* cffi: end */

/** Bytes of evidence that a device may give at one time. */
#define NS_EVIDENCE_BYTES 144u

/**
 * @brief What a device class supplies. All calls are bounded by the driver's deadline for a call.
 */
typedef struct ns_device_ops {
    uint32_t abi;
    const char *name; /**< "pmbus", "nvml", "controller" */
    /** Once a poll round, before any read: fetch what is fetched in one go. May be NULL. Bit n of
     *  `due` (n up to 63) says that channel n is read in this round. On failure every channel of
     *  the device fails this round with that status. */
    ns_status_t (*begin)(void *ctx, int64_t now_ns, uint64_t due);
    /** Read one channel; *out_value untouched unless NS_OK. */
    ns_status_t (*read)(void *ctx, uint32_t channel, double *out_value);
    /** Write one channel; the engine has already checked the point's immutable limits. */
    ns_status_t (*write)(void *ctx, uint32_t channel, double value);
    /** Latched faults as a number, 0 for none; known since begin, no transfer. A change to another
     *  number than 0 makes the engine capture evidence. May be NULL: none are known. */
    uint32_t (*alarm)(void *ctx);
    /** Evidence of the present faults in the device's own bytes, at most NS_EVIDENCE_BYTES; the
     *  device keeps them: nothing is cleared. The same faults give the same bytes: no age, no
     *  counter of calls, no present reading, or a CLEAR finds news each time and is put off.
     *  May be NULL.
     *  @retval NS_OK all that there is
     *  @retval other incomplete: the first *out_size bytes are good, 0 where it was not set; the
     *                engine keeps them with this status, and tries again */
    ns_status_t (*capture)(void *ctx, uint8_t *out, size_t capacity, size_t *out_size);
    /** Carry out an edge. The engine has called capture just before: for CLEAR, what that gave is
     *  durable; for RESET and POWER_CYCLE it is in the evidence ring. May be NULL.
     *  @retval NS_E_UNSUPPORTED the device cannot do this */
    ns_status_t (*request)(void *ctx, ns_request_kind_t kind);
    void (*close)(void *ctx); /**< may be NULL */
} ns_device_ops_t;

#ifdef __cplusplus
}
#endif
#endif
