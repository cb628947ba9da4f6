/**
 * @file nvml_unsupported.c  Functions that clients look up but this library does not model.
 *
 * Their arguments are never looked at, so they are declared without any; the C calling conventions
 * of x86-64 and aarch64 Linux let a caller pass what it likes.
 */
#include "nvml_api.h"

#define NOT_SUPPORTED(name)                                                                        \
    SIM_NVML_CALL(name)(void);                                                                     \
    ns_nvml_return_t name(void) {                                                                  \
        return NS_NVML_NOT_SUPPORTED;                                                              \
    }

NOT_SUPPORTED(nvmlDeviceDiscoverGpus)
NOT_SUPPORTED(nvmlDeviceGetArchitecture)
NOT_SUPPORTED(nvmlDeviceGetBAR1MemoryInfo)
NOT_SUPPORTED(nvmlDeviceGetBrand)
NOT_SUPPORTED(nvmlDeviceGetComputeRunningProcesses_v2)
NOT_SUPPORTED(nvmlDeviceGetComputeRunningProcesses_v3)
NOT_SUPPORTED(nvmlDeviceGetCudaComputeCapability)
NOT_SUPPORTED(nvmlDeviceGetCurrPcieLinkGeneration)
NOT_SUPPORTED(nvmlDeviceGetCurrPcieLinkWidth)
NOT_SUPPORTED(nvmlDeviceGetDecoderUtilization)
NOT_SUPPORTED(nvmlDeviceGetDisplayMode)
NOT_SUPPORTED(nvmlDeviceGetDriverModel)
NOT_SUPPORTED(nvmlDeviceGetDriverModel_v2)
NOT_SUPPORTED(nvmlDeviceGetEncoderUtilization)
NOT_SUPPORTED(nvmlDeviceGetFanSpeed)
NOT_SUPPORTED(nvmlDeviceGetFanSpeed_v2)
NOT_SUPPORTED(nvmlDeviceGetGraphicsRunningProcesses_v2)
NOT_SUPPORTED(nvmlDeviceGetGraphicsRunningProcesses_v3)
NOT_SUPPORTED(nvmlDeviceGetMPSComputeRunningProcesses_v3)
NOT_SUPPORTED(nvmlDeviceGetMemoryErrorCounter)
NOT_SUPPORTED(nvmlDeviceGetMigMode)
NOT_SUPPORTED(nvmlDeviceGetNumFans)
NOT_SUPPORTED(nvmlDeviceGetPcieThroughput)
NOT_SUPPORTED(nvmlDeviceGetProcessUtilization)
NOT_SUPPORTED(nvmlDeviceGetRemappedRows)
NOT_SUPPORTED(nvmlDeviceGetRetiredPagesPendingStatus)
NOT_SUPPORTED(nvmlDeviceGetRetiredPages_v2)
NOT_SUPPORTED(nvmlDeviceGetRowRemapperHistogram)
NOT_SUPPORTED(nvmlDeviceGetSerial)
NOT_SUPPORTED(nvmlDeviceGetViolationStatus)
NOT_SUPPORTED(nvmlDeviceModifyDrainState)
NOT_SUPPORTED(nvmlDeviceQueryDrainState)
NOT_SUPPORTED(nvmlDeviceRemoveGpu)
NOT_SUPPORTED(nvmlDeviceRemoveGpu_v2)
NOT_SUPPORTED(nvmlDeviceResetMemoryLockedClocks)
NOT_SUPPORTED(nvmlDeviceSetMemoryLockedClocks)
NOT_SUPPORTED(nvmlDeviceSetPersistenceMode)
NOT_SUPPORTED(nvmlDeviceSetPowerManagementLimit_v2)
NOT_SUPPORTED(nvmlSystemGetProcessName)
