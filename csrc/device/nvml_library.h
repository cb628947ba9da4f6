/**
 * @file nvml_library.h
 * @brief The loaded library: its handle and the functions the driver uses. Private to csrc/device.
 */
#ifndef NIGHTSIDE_NVML_LIBRARY_H
#define NIGHTSIDE_NVML_LIBRARY_H

#include <stdbool.h>

#include "nightside/status.h"
#include "nvml_abi.h"

typedef struct ns_nvml_library {
    void *handle;
    bool is_initialised;
#define NS_NVML_MEMBER(type, member, symbol, is_required) type member;
    NS_NVML_FUNCTIONS(NS_NVML_MEMBER)
#undef NS_NVML_MEMBER
} ns_nvml_library_t;

/**
 * @brief Load and initialise; on failure nothing stays loaded.
 * @retval NS_OK, NS_E_ARG (relative path), NS_E_IO (not loadable), NS_E_UNSUPPORTED (a required
 *         function is missing), or the class of what initialisation returned
 */
ns_status_t ns_nvml_library_open(ns_nvml_library_t *self, const char *path);

/**
 * @brief Shut down and initialise again, after the driver went away under the library.
 * @retval NS_OK, or the class of what initialisation returned: then it is tried again later
 */
ns_status_t ns_nvml_library_restart(ns_nvml_library_t *self);

/** @brief Shut down and unload. */
void ns_nvml_library_close(ns_nvml_library_t *self);

#endif
