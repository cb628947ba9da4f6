/**
 * @file nvml.h
 * @brief Device class `nvml`: one accelerator through libnvidia-ml, loaded by absolute path.
 */
#ifndef NIGHTSIDE_NVML_H
#define NIGHTSIDE_NVML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nightside/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Ops of a device opened with ns_nvml_open; its context is the ns_nvml_t. */
extern const ns_device_ops_t ns_nvml_ops;

/* cffi: begin */
/** Sizes of the class. */
enum ns_nvml_limits {
    NS_NVML_DEVICE_SIZE = 1024 /**< bytes of ns_nvml_t */
};

/** Memory of one device, the caller's; opaque. */
typedef struct ns_nvml {
    uint64_t words[128];
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
 * @retval others           ns_nvml_classify of what the library's initialisation returned
 *
 * The ops: begin fetches the batch of field values and pending Xids; read and write return
 * ns_nvml_classify of the library's answer, and
 * @retval NS_E_ABSENT      the device is lost: its handle is dropped and looked up at each begin
 * @retval NS_E_UNSUPPORTED an optional function is missing; a channel that cannot be written
 * @retval NS_E_RANGE       a value of unknown type; a negative or too large value to write
 * @retval NS_E_ARG         no such channel
 */
ns_status_t ns_nvml_open(ns_nvml_t *self, const char *library_path, const char *pci_bus_id,
                         const char *uuid);

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
