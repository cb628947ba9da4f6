/** @file nvml_codes.c  One class per return code of NVML; docs/reference/nvml.md has the table. */
#include "nightside/nvml.h"
#include "nvml_abi.h"

static const ns_status_t classes[] = {
    [NS_NVML_SUCCESS] = NS_OK,
    /* Gone: the handle is dead, the device is looked up again. */
    [NS_NVML_UNINITIALIZED] = NS_E_ABSENT,
    [NS_NVML_NOT_FOUND] = NS_E_ABSENT,
    [NS_NVML_DRIVER_NOT_LOADED] = NS_E_ABSENT,
    [NS_NVML_GPU_IS_LOST] = NS_E_ABSENT,
    [NS_NVML_GPU_NOT_FOUND] = NS_E_ABSENT,
    [NS_NVML_RESET_REQUIRED] = NS_E_RESET,
    /* For good: never asked again while it is attached. */
    [NS_NVML_NOT_SUPPORTED] = NS_E_UNSUPPORTED,
    [NS_NVML_FUNCTION_NOT_FOUND] = NS_E_UNSUPPORTED,
    [NS_NVML_VGPU_ECC_NOT_SUPPORTED] = NS_E_UNSUPPORTED,
    [NS_NVML_ARGUMENT_VERSION_MISMATCH] =
        NS_E_UNSUPPORTED, /* this library knows no such structure */
    [NS_NVML_DEPRECATED] = NS_E_UNSUPPORTED,
    [NS_NVML_RESET_TYPE_NOT_SUPPORTED] = NS_E_UNSUPPORTED,
    /* May pass. */
    [NS_NVML_TIMEOUT] = NS_E_TIMEOUT,
    [NS_NVML_IN_USE] = NS_E_BUSY,
    [NS_NVML_INSUFFICIENT_RESOURCES] = NS_E_BUSY,
    [NS_NVML_NOT_READY] = NS_E_BUSY,
    [NS_NVML_INVALID_STATE] = NS_E_BUSY,
    [NS_NVML_NO_DATA] = NS_E_STALE,
    /* Our call was wrong, or our place. */
    [NS_NVML_INVALID_ARGUMENT] = NS_E_ARG,
    [NS_NVML_INSUFFICIENT_SIZE] = NS_E_ARG,
    [NS_NVML_NO_PERMISSION] = NS_E_REFUSED,
    [NS_NVML_FREQ_NOT_SUPPORTED] = NS_E_RANGE,
    [NS_NVML_LIB_RM_VERSION_MISMATCH] = NS_E_LAYOUT,
    /* Failed without saying more. */
    [NS_NVML_ALREADY_INITIALIZED] = NS_E_IO,
    [NS_NVML_INSUFFICIENT_POWER] = NS_E_IO,
    [NS_NVML_IRQ_ISSUE] = NS_E_IO,
    [NS_NVML_LIBRARY_NOT_FOUND] = NS_E_IO,
    [NS_NVML_CORRUPTED_INFOROM] = NS_E_IO,
    [NS_NVML_OPERATING_SYSTEM] = NS_E_IO,
    [NS_NVML_MEMORY] = NS_E_IO,
};

ns_status_t ns_nvml_classify(uint32_t return_code) {
    return return_code < sizeof classes / sizeof classes[0] ? classes[return_code] : NS_E_IO;
}
