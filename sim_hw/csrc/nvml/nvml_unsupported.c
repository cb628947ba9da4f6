/**
 * @file nvml_unsupported.c  Functions that clients look up but this library does not model.
 *
 * Their arguments are never looked at, so they are declared without any; the C calling conventions
 * of x86-64 and aarch64 Linux let a caller pass what it likes. Two of them stand or fall together,
 * nvmlDeviceGetConfComputeMemSizeInfo and nvmlDeviceGetRunningProcessDetailList: a library with the
 * first one alone has process records of 32 bytes, and clients would read ours with that stride.
 */
#include "nvml_api.h"

#define NOT_SUPPORTED(name)                                                                        \
    SIM_NVML_CALL(name)(void);                                                                     \
    ns_nvml_return_t name(void) {                                                                  \
        return NS_NVML_NOT_SUPPORTED;                                                              \
    }

#include "nvml_unsupported_names.h"
