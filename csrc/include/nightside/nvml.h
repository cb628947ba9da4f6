/**
 * @file nvml.h
 * @brief Device class `nvml`: one accelerator through libnvidia-ml, loaded by absolute path.
 *
 * What each channel costs, the table of return codes and the order of settings:
 * docs/reference/nvml.md.
 */
#ifndef NIGHTSIDE_NVML_H
#define NIGHTSIDE_NVML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nightside/device.h"
#include "nightside/xid_filter.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Ops of a device opened with ns_nvml_open; its context is the ns_nvml_t. */
extern const ns_device_ops_t ns_nvml_ops;

/* cffi: begin */
/** Sizes and times of the class. */
enum ns_nvml_limits {
    NS_NVML_DEVICE_SIZE = 2048,     /**< bytes of ns_nvml_t */
    NS_NVML_LOOK_UP_PERIOD_MS = 50, /**< assumed: least time between look-ups of an absent one */
    NS_NVML_ATTACH_PERIOD_MS = 500, /**< assumed: the same for one that fails in another way, and
                                         for initialising the library again. S6 asks for a cap
                                         in force within 1 s of the end of the failure */
    NS_NVML_XIDS_KEPT = 8           /**< last Xids that the evidence shows */
};

/** Items of the evidence: each is a tag byte, a size byte, then so many bytes, little-endian. */
typedef enum ns_nvml_evidence_tag {
    NS_NVML_EVIDENCE_XIDS = 1,     /**< newest first: Xid (2 bytes), time in ms (6), at most 8 */
    NS_NVML_EVIDENCE_RECOVERY = 2, /**< recovery action (1) */
    NS_NVML_EVIDENCE_ECC = 3,      /**< corrected (8), uncorrected (8) since driver load */
    NS_NVML_EVIDENCE_REMAP = 4,    /**< corrected, uncorrected, pending, failed (4 each) */
    NS_NVML_EVIDENCE_UUID = 6      /**< the last 12 characters of the UUID */
} ns_nvml_evidence_tag_t;

/** Bits of the class's alarm; the number is 0 when all is well. */
typedef enum ns_nvml_alarm_bit {
    NS_NVML_ALARM_XID_MASK = 0x0000ffff,      /**< last Xid */
    NS_NVML_ALARM_RECOVERY_MASK = 0x00ff0000, /**< recovery action */
    NS_NVML_ALARM_ECC_DBE = 0x01000000,       /**< an uncorrectable memory error was announced */
    NS_NVML_ALARM_UNAVAILABLE = 0x02000000    /**< the driver announced that it gave up on it */
} ns_nvml_alarm_bit_t;

/** Memory of one device, the caller's; opaque. */
typedef struct ns_nvml {
    uint64_t words[256];
} ns_nvml_t;

/**
 * @brief Load the library, initialise it, and find the device by PCI bus id. Its UUID is verified
 *        before anything is read or written, now or when an absent device comes back.
 * @param[in] library_path absolute; nothing is searched for
 * @param[in] pci_bus_id   "00000000:41:00.0", shorter than 32 bytes
 * @param[in] uuid         "GPU-...", shorter than 96 bytes
 * @retval NS_OK            open; the device may still be absent
 * @retval NS_E_ARG         NULL, a relative path, or a string too long
 * @retval NS_E_IO          the library cannot be loaded
 * @retval NS_E_UNSUPPORTED a required function is missing
 * @retval NS_E_REFUSED     another UUID answers at that address
 * @retval NS_E_LAYOUT      library and kernel driver are of different versions: install and restart
 * @retval others           ns_nvml_classify of what the library's initialisation returned
 *
 * The ops. `begin` takes pending events, then fetches the field values whose channels are due in
 * one call; while the device is not attached it tries to attach, at a bounded rate, the first time
 * at once. An absent one is looked up often, because it comes back without its cap. Attaching
 * verifies the UUID, then applies persistence, clock locks and cap as they were commanded before,
 * the cap only where it is tighter than the device's own.
 * `read` and `write` return ns_nvml_classify of the library's answer, and
 * @retval NS_E_ABSENT      the device is lost, or its handle died: it is looked up again
 * @retval NS_E_RESET       the device is there, but needs a reset; handled like an absent one
 * @retval NS_E_UNSUPPORTED the function is missing, the device said so once since it was attached,
 *                          or the channel cannot be written
 * @retval NS_E_STALE       a field value of a channel that was not due
 * @retval NS_E_RANGE       a value of unknown type; a value to write that is negative, too large,
 *                          outside the device's own limits (then nothing is written), or not the
 *                          one read back after it
 * @retval NS_E_REFUSED     no permission; another UUID
 * @retval NS_E_ARG         no such channel
 * `request` knows NS_REQUEST_CLEAR, which forgets the latched Xid and announcements, nothing of the
 * device's, and NS_REQUEST_RESET, which removes the device from the kernel driver and has it found
 * again: NS_E_BUSY while another client holds it. Everything else is NS_E_UNSUPPORTED.
 */
ns_status_t ns_nvml_open(ns_nvml_t *self, const char *library_path, const char *pci_bus_id,
                         const char *uuid);

/**
 * @brief Let this device drop Xids that the kernel log gave already, and the other way round.
 * @param[in] filter shared with an ns_kmsg_t, outlives both; NULL: none
 * @param[in] device number of this accelerator in that filter
 * @retval NS_OK, NS_E_ARG (NULL device)
 */
ns_status_t ns_nvml_share_filter(ns_nvml_t *self, struct ns_xid_filter *filter, uint32_t device);

/**
 * @brief What monitoring cost so far: the time that the library says its field values took.
 * @return microseconds since open, never less than before; 0 for NULL
 */
uint64_t ns_nvml_cost_us(const ns_nvml_t *self);

/** @brief Our status for one of NVML's return codes; unknown codes are NS_E_IO. */
ns_status_t ns_nvml_classify(uint32_t return_code);

/**
 * @brief Version of the driver behind a library; a simulated one begins with "SIM".
 * @param[out] out at least 80 bytes
 * @retval NS_OK            written, NUL included
 * @retval NS_E_ARG         NULL, a relative path, or size below 80
 * @retval NS_E_IO          the library cannot be loaded
 * @retval NS_E_UNSUPPORTED a required function is missing
 * @retval others           ns_nvml_classify of what the library returned
 */
ns_status_t ns_nvml_driver_version(const char *library_path, char *out, size_t size);
/* cffi: end */

#ifdef __cplusplus
}
#endif
#endif
