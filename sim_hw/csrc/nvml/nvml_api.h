/**
 * @file nvml_api.h
 * @brief What the simulated libnvidia-ml.so.1 exports, by NVML's own names and ABI.
 *
 * Types that the driver uses come from nvml_abi.h; the rest is declared here, from the public
 * documentation of the functions. Version words are sizeof | version << 24.
 * All functions may be called from several threads. Not modelled: MIG, NVLink, fans, encoders,
 * accounting, virtual accelerators; those functions exist and answer NOT_SUPPORTED.
 *
 * Where the values come from: the plant image that this process attached, else the one that the
 * environment names (nvml_share.h), else no driver is loaded.
 */
#ifndef NIGHTSIDE_SIM_NVML_API_H
#define NIGHTSIDE_SIM_NVML_API_H

#include "../../../csrc/device/nvml_abi.h"
#include "../plant_image.h"

#define SIM_EXPORT __attribute__((visibility("default")))

typedef struct sim_nvml_pci_info {
    char bus_id_legacy[16];
    uint32_t domain;
    uint32_t bus;
    uint32_t device;
    uint32_t pci_device_id;
    uint32_t pci_subsystem_id;
    char bus_id[32];
} sim_nvml_pci_info_t;

typedef struct sim_nvml_memory {
    uint64_t total;
    uint64_t free;
    uint64_t used; /**< with the reserved part */
} sim_nvml_memory_t;

#define SIM_NVML_MEMORY_V2 0x02000028u
typedef struct sim_nvml_memory_v2 {
    uint32_t version;
    uint64_t total;
    uint64_t reserved;
    uint64_t free;
    uint64_t used; /**< without the reserved part */
} sim_nvml_memory_v2_t;

#define SIM_NVML_TEMPERATURE_V1 0x0100000Cu
typedef struct sim_nvml_temperature {
    uint32_t version;
    uint32_t sensor;
    int32_t temperature_c;
} sim_nvml_temperature_t;

/** Power limit of one scope, nvmlPowerValue_v2_t. */
#define SIM_NVML_POWER_VALUE_V2 0x0200000Cu
typedef struct sim_nvml_power_value {
    uint32_t version;
    uint8_t scope; /**< 0: the whole accelerator */
    uint32_t limit_mw;
} sim_nvml_power_value_t;

typedef struct sim_nvml_process_v1 {
    uint32_t pid;
    uint64_t memory_bytes;
} sim_nvml_process_v1_t;

/** Versions 2 and 3 of a running process. */
typedef struct sim_nvml_process {
    uint32_t pid;
    uint64_t memory_bytes;
    uint32_t gpu_instance_id;
    uint32_t compute_instance_id;
} sim_nvml_process_t;

typedef struct sim_nvml_process_sample {
    uint32_t pid;
    uint64_t time_us;
    uint32_t core_percent;
    uint32_t memory_percent;
    uint32_t encoder_percent;
    uint32_t decoder_percent;
} sim_nvml_process_sample_t;

typedef struct sim_nvml_violation {
    uint64_t reference_us;
    uint64_t violation_ns;
} sim_nvml_violation_t;

/** Memory banks by how many spare rows they have left. */
typedef struct sim_nvml_remap_histogram {
    uint32_t maximum;
    uint32_t high;
    uint32_t partial;
    uint32_t low;
    uint32_t none;
} sim_nvml_remap_histogram_t;

static_assert(sizeof(sim_nvml_power_value_t) == 12, "nvmlPowerValue_v2_t is 12 bytes");
static_assert(sizeof(sim_nvml_process_v1_t) == 16, "nvmlProcessInfo_v1_t is 16 bytes");
static_assert(sizeof(sim_nvml_process_t) == 24, "nvmlProcessInfo_t is 24 bytes");
static_assert(sizeof(sim_nvml_process_sample_t) == 32,
              "nvmlProcessUtilizationSample_t is 32 bytes");
static_assert(sizeof(sim_nvml_pci_info_t) == 68, "nvmlPciInfo_t is 68 bytes");
static_assert(sizeof(sim_nvml_memory_t) == 24, "nvmlMemory_t is 24 bytes");
static_assert(sizeof(sim_nvml_memory_v2_t) == 40, "nvmlMemory_v2_t is 40 bytes");
static_assert(sizeof(sim_nvml_temperature_t) == 12, "nvmlTemperature_v1_t is 12 bytes");

/**
 * @brief The one export that NVML does not have: give the library its plant, as loading a driver
 * would.
 *
 * All handles die and the library must be initialised again. The noise starts from
 * image->sensor_seed.
 * @param[in] image NULL: no driver is loaded any more, NS_NVML_DRIVER_NOT_LOADED
 */
SIM_EXPORT void nightside_sim_nvml_attach(sim_plant_image_t *image);

#define SIM_NVML_CALL(name) SIM_EXPORT ns_nvml_return_t name

/* nvml_system.c */
SIM_NVML_CALL(nvmlInitWithFlags)(uint32_t flags);
SIM_NVML_CALL(nvmlInit_v2)(void);
SIM_NVML_CALL(nvmlInit)(void);
SIM_NVML_CALL(nvmlShutdown)(void);
SIM_EXPORT const char *nvmlErrorString(ns_nvml_return_t code);
SIM_NVML_CALL(nvmlSystemGetDriverVersion)(char *version, uint32_t size);
SIM_NVML_CALL(nvmlSystemGetNVMLVersion)(char *version, uint32_t size);
SIM_NVML_CALL(nvmlSystemGetCudaDriverVersion_v2)(int32_t *version);
SIM_NVML_CALL(nvmlSystemGetCudaDriverVersion)(int32_t *version);
SIM_NVML_CALL(nvmlDeviceGetCount_v2)(uint32_t *out);
SIM_NVML_CALL(nvmlDeviceGetCount)(uint32_t *out);
SIM_NVML_CALL(nvmlDeviceGetHandleByIndex_v2)(uint32_t index, ns_nvml_device_t *out);
SIM_NVML_CALL(nvmlDeviceGetHandleByIndex)(uint32_t index, ns_nvml_device_t *out);
SIM_NVML_CALL(nvmlDeviceGetHandleByUUID)(const char *uuid, ns_nvml_device_t *out);
SIM_NVML_CALL(nvmlDeviceGetHandleByPciBusId_v2)(const char *pci_bus_id, ns_nvml_device_t *out);
SIM_NVML_CALL(nvmlDeviceGetHandleByPciBusId)(const char *pci_bus_id, ns_nvml_device_t *out);

/* nvml_device.c */
SIM_NVML_CALL(nvmlDeviceGetIndex)(ns_nvml_device_t device, uint32_t *out);
SIM_NVML_CALL(nvmlDeviceGetMinorNumber)(ns_nvml_device_t device, uint32_t *out);
SIM_NVML_CALL(nvmlDeviceGetUUID)(ns_nvml_device_t device, char *uuid, uint32_t size);
SIM_NVML_CALL(nvmlDeviceGetName)(ns_nvml_device_t device, char *name, uint32_t size);
SIM_NVML_CALL(nvmlDeviceGetSerial)(ns_nvml_device_t device, char *serial, uint32_t size);
SIM_NVML_CALL(nvmlDeviceGetPciInfo_v3)(ns_nvml_device_t device, sim_nvml_pci_info_t *out);
SIM_NVML_CALL(nvmlDeviceGetArchitecture)(ns_nvml_device_t device, uint32_t *out);
SIM_NVML_CALL(nvmlDeviceGetCudaComputeCapability)(ns_nvml_device_t device, int32_t *major,
                                                  int32_t *minor);
SIM_NVML_CALL(nvmlDeviceIsMigDeviceHandle)(ns_nvml_device_t device, uint32_t *out);
SIM_NVML_CALL(nvmlDeviceGetMigMode)(ns_nvml_device_t device, uint32_t *current, uint32_t *pending);
SIM_NVML_CALL(nvmlDeviceGetEccMode)(ns_nvml_device_t device, uint32_t *current, uint32_t *pending);
SIM_NVML_CALL(nvmlDeviceGetPerformanceState)(ns_nvml_device_t device, uint32_t *out);
SIM_NVML_CALL(nvmlDeviceGetDisplayActive)(ns_nvml_device_t device, uint32_t *out);
SIM_NVML_CALL(nvmlDeviceGetDisplayMode)(ns_nvml_device_t device, uint32_t *out);
SIM_NVML_CALL(nvmlDeviceGetComputeMode)(ns_nvml_device_t device, uint32_t *out);
SIM_NVML_CALL(nvmlDeviceGetCurrPcieLinkGeneration)(ns_nvml_device_t device, uint32_t *out);
SIM_NVML_CALL(nvmlDeviceGetMaxPcieLinkGeneration)(ns_nvml_device_t device, uint32_t *out);
SIM_NVML_CALL(nvmlDeviceGetCurrPcieLinkWidth)(ns_nvml_device_t device, uint32_t *out);
SIM_NVML_CALL(nvmlDeviceGetMaxPcieLinkWidth)(ns_nvml_device_t device, uint32_t *out);

/* nvml_readings.c */
SIM_NVML_CALL(nvmlDeviceGetPowerUsage)(ns_nvml_device_t device, uint32_t *out);
SIM_NVML_CALL(nvmlDeviceGetTotalEnergyConsumption)(ns_nvml_device_t device,
                                                   unsigned long long *out);
SIM_NVML_CALL(nvmlDeviceGetTemperature)(ns_nvml_device_t device, uint32_t sensor, uint32_t *out);
SIM_NVML_CALL(nvmlDeviceGetTemperatureV)(ns_nvml_device_t device, sim_nvml_temperature_t *out);
SIM_NVML_CALL(nvmlDeviceGetMarginTemperature)(ns_nvml_device_t device,
                                              ns_nvml_margin_temperature_t *out);
SIM_NVML_CALL(nvmlDeviceGetTemperatureThreshold)(ns_nvml_device_t device, uint32_t type,
                                                 uint32_t *out);
SIM_NVML_CALL(nvmlDeviceGetUtilizationRates)(ns_nvml_device_t device, ns_nvml_utilization_t *out);
SIM_NVML_CALL(nvmlDeviceGetClockInfo)(ns_nvml_device_t device, uint32_t type, uint32_t *out);
SIM_NVML_CALL(nvmlDeviceGetMaxClockInfo)(ns_nvml_device_t device, uint32_t type, uint32_t *out);
SIM_NVML_CALL(nvmlDeviceGetCurrentClocksEventReasons)(ns_nvml_device_t device,
                                                      unsigned long long *out);
SIM_NVML_CALL(nvmlDeviceGetCurrentClocksThrottleReasons)(ns_nvml_device_t device,
                                                         unsigned long long *out);

/* nvml_memory.c */
SIM_NVML_CALL(nvmlDeviceGetMemoryInfo)(ns_nvml_device_t device, sim_nvml_memory_t *out);
SIM_NVML_CALL(nvmlDeviceGetMemoryInfo_v2)(ns_nvml_device_t device, sim_nvml_memory_v2_t *out);
SIM_NVML_CALL(nvmlDeviceGetComputeRunningProcesses_v3)(ns_nvml_device_t device, uint32_t *count,
                                                       sim_nvml_process_t *list);
SIM_NVML_CALL(nvmlDeviceGetComputeRunningProcesses_v2)(ns_nvml_device_t device, uint32_t *count,
                                                       sim_nvml_process_t *list);
SIM_NVML_CALL(nvmlDeviceGetComputeRunningProcesses)(ns_nvml_device_t device, uint32_t *count,
                                                    sim_nvml_process_v1_t *list);
SIM_NVML_CALL(nvmlDeviceGetGraphicsRunningProcesses_v3)(ns_nvml_device_t device, uint32_t *count,
                                                        sim_nvml_process_t *list);
SIM_NVML_CALL(nvmlDeviceGetGraphicsRunningProcesses_v2)(ns_nvml_device_t device, uint32_t *count,
                                                        sim_nvml_process_t *list);
SIM_NVML_CALL(nvmlDeviceGetMPSComputeRunningProcesses_v3)(ns_nvml_device_t device, uint32_t *count,
                                                          sim_nvml_process_t *list);
SIM_NVML_CALL(nvmlDeviceGetProcessUtilization)(ns_nvml_device_t device,
                                               sim_nvml_process_sample_t *list, uint32_t *count,
                                               unsigned long long last_seen_us);
SIM_NVML_CALL(nvmlDeviceGetEncoderUtilization)(ns_nvml_device_t device, uint32_t *percent,
                                               uint32_t *period_us);
SIM_NVML_CALL(nvmlDeviceGetDecoderUtilization)(ns_nvml_device_t device, uint32_t *percent,
                                               uint32_t *period_us);

/* nvml_counters.c */
SIM_NVML_CALL(nvmlDeviceGetTotalEccErrors)(ns_nvml_device_t device, uint32_t type, uint32_t counter,
                                           unsigned long long *out);
SIM_NVML_CALL(nvmlDeviceGetMemoryErrorCounter)(ns_nvml_device_t device, uint32_t type,
                                               uint32_t counter, uint32_t location,
                                               unsigned long long *out);
SIM_NVML_CALL(nvmlDeviceGetPcieReplayCounter)(ns_nvml_device_t device, uint32_t *out);
SIM_NVML_CALL(nvmlDeviceGetRemappedRows)(ns_nvml_device_t device, uint32_t *corrected,
                                         uint32_t *uncorrected, uint32_t *is_pending,
                                         uint32_t *has_failed);
SIM_NVML_CALL(nvmlDeviceGetRowRemapperHistogram)(ns_nvml_device_t device,
                                                 sim_nvml_remap_histogram_t *out);
SIM_NVML_CALL(nvmlDeviceGetViolationStatus)(ns_nvml_device_t device, uint32_t policy,
                                            sim_nvml_violation_t *out);

/* nvml_fields.c */
SIM_NVML_CALL(nvmlDeviceGetFieldValues)(ns_nvml_device_t device, int32_t count,
                                        ns_nvml_field_value_t *values);

/* nvml_limits.c */
SIM_NVML_CALL(nvmlDeviceGetPowerManagementLimit)(ns_nvml_device_t device, uint32_t *out);
SIM_NVML_CALL(nvmlDeviceGetEnforcedPowerLimit)(ns_nvml_device_t device, uint32_t *out);
SIM_NVML_CALL(nvmlDeviceGetPowerManagementDefaultLimit)(ns_nvml_device_t device, uint32_t *out);
SIM_NVML_CALL(nvmlDeviceGetPowerManagementLimitConstraints)(ns_nvml_device_t device,
                                                            uint32_t *minimum, uint32_t *maximum);
SIM_NVML_CALL(nvmlDeviceGetPowerManagementMode)(ns_nvml_device_t device, uint32_t *out);
SIM_NVML_CALL(nvmlDeviceSetPowerManagementLimit)(ns_nvml_device_t device, uint32_t limit_mw);
SIM_NVML_CALL(nvmlDeviceSetPowerManagementLimit_v2)(ns_nvml_device_t device,
                                                    const sim_nvml_power_value_t *value);
SIM_NVML_CALL(nvmlDeviceSetGpuLockedClocks)(ns_nvml_device_t device, uint32_t minimum_mhz,
                                            uint32_t maximum_mhz);
SIM_NVML_CALL(nvmlDeviceResetGpuLockedClocks)(ns_nvml_device_t device);
SIM_NVML_CALL(nvmlDeviceSetMemoryLockedClocks)(ns_nvml_device_t device, uint32_t minimum_mhz,
                                               uint32_t maximum_mhz);
SIM_NVML_CALL(nvmlDeviceResetMemoryLockedClocks)(ns_nvml_device_t device);
SIM_NVML_CALL(nvmlDeviceGetPersistenceMode)(ns_nvml_device_t device, uint32_t *out);
SIM_NVML_CALL(nvmlDeviceSetPersistenceMode)(ns_nvml_device_t device, uint32_t mode);

/* nvml_drain.c */
SIM_NVML_CALL(nvmlDeviceModifyDrainState)(const sim_nvml_pci_info_t *pci, uint32_t state);
SIM_NVML_CALL(nvmlDeviceQueryDrainState)(const sim_nvml_pci_info_t *pci, uint32_t *out);
SIM_NVML_CALL(nvmlDeviceRemoveGpu_v2)(const sim_nvml_pci_info_t *pci, uint32_t gpu_state,
                                      uint32_t link_state);
SIM_NVML_CALL(nvmlDeviceRemoveGpu)(const sim_nvml_pci_info_t *pci);
SIM_NVML_CALL(nvmlDeviceDiscoverGpus)(const sim_nvml_pci_info_t *pci);

/* nvml_events.c */
SIM_NVML_CALL(nvmlEventSetCreate)(ns_nvml_event_set_t *out);
SIM_NVML_CALL(nvmlEventSetFree)(ns_nvml_event_set_t set);
SIM_NVML_CALL(nvmlDeviceGetSupportedEventTypes)(ns_nvml_device_t device, unsigned long long *out);
SIM_NVML_CALL(nvmlDeviceRegisterEvents)(ns_nvml_device_t device, unsigned long long types,
                                        ns_nvml_event_set_t set);
SIM_NVML_CALL(nvmlEventSetWait_v2)(ns_nvml_event_set_t set, ns_nvml_event_data_t *out,
                                   uint32_t timeout_ms);
SIM_NVML_CALL(nvmlEventSetWait)(ns_nvml_event_set_t set, ns_nvml_event_data_t *out,
                                uint32_t timeout_ms);

#endif
