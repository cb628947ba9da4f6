/**
 * @file nvml_abi.h
 * @brief Our own declaration of the part of NVML's ABI that the driver uses (x86-64 and aarch64
 * Linux).
 *
 * Written from the public documentation of the functions, never from NVIDIA's header, whose licence
 * forbids shipping it. Layouts are asserted below; sizes were compared with versions 12.9 and 13.5.
 */
#ifndef NIGHTSIDE_NVML_ABI_H
#define NIGHTSIDE_NVML_ABI_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Return codes. Unknown codes may come: treat them as NS_NVML_UNKNOWN. */
typedef enum ns_nvml_return {
    NS_NVML_SUCCESS = 0,
    NS_NVML_UNINITIALIZED = 1,
    NS_NVML_INVALID_ARGUMENT = 2,
    NS_NVML_NOT_SUPPORTED = 3,
    NS_NVML_NO_PERMISSION = 4,
    NS_NVML_ALREADY_INITIALIZED = 5,
    NS_NVML_NOT_FOUND = 6,
    NS_NVML_INSUFFICIENT_SIZE = 7,
    NS_NVML_INSUFFICIENT_POWER = 8,
    NS_NVML_DRIVER_NOT_LOADED = 9,
    NS_NVML_TIMEOUT = 10,
    NS_NVML_IRQ_ISSUE = 11,
    NS_NVML_LIBRARY_NOT_FOUND = 12,
    NS_NVML_FUNCTION_NOT_FOUND = 13,
    NS_NVML_CORRUPTED_INFOROM = 14,
    NS_NVML_GPU_IS_LOST = 15,
    NS_NVML_RESET_REQUIRED = 16,
    NS_NVML_OPERATING_SYSTEM = 17,
    NS_NVML_LIB_RM_VERSION_MISMATCH = 18,
    NS_NVML_IN_USE = 19,
    NS_NVML_MEMORY = 20,
    NS_NVML_NO_DATA = 21,
    NS_NVML_VGPU_ECC_NOT_SUPPORTED = 22,
    NS_NVML_INSUFFICIENT_RESOURCES = 23,
    NS_NVML_FREQ_NOT_SUPPORTED = 24,
    NS_NVML_ARGUMENT_VERSION_MISMATCH = 25,
    NS_NVML_DEPRECATED = 26,
    NS_NVML_NOT_READY = 27,
    NS_NVML_GPU_NOT_FOUND = 28,
    NS_NVML_INVALID_STATE = 29,
    NS_NVML_RESET_TYPE_NOT_SUPPORTED = 30,
    NS_NVML_UNKNOWN = 999
} ns_nvml_return_t;

/** Opaque handle of a device; dies at the last shutdown. */
typedef void *ns_nvml_device_t;
/** Opaque handle of an event set; not thread safe. */
typedef void *ns_nvml_event_set_t;

/** Field ids of nvmlDeviceGetFieldValues. */
#define NS_NVML_FIELD_ECC_SBE_VOLATILE 3u
#define NS_NVML_FIELD_ECC_DBE_VOLATILE 4u
#define NS_NVML_FIELD_MEMORY_TEMP 82u
#define NS_NVML_FIELD_ENERGY 83u /* mJ since driver load */
#define NS_NVML_FIELD_PCIE_REPLAY 94u
#define NS_NVML_FIELD_REMAPPED_CORRECTED 142u   /* rows */
#define NS_NVML_FIELD_REMAPPED_UNCORRECTED 143u /* rows */
#define NS_NVML_FIELD_REMAPPED_PENDING 144u     /* 1: yes */
#define NS_NVML_FIELD_REMAPPED_FAILURE 145u     /* 1: yes */
#define NS_NVML_FIELD_POWER_AVERAGE 185u        /* mW, 1 s average */
#define NS_NVML_FIELD_POWER_INSTANT 186u        /* mW */
#define NS_NVML_FIELD_POWER_LIMIT_MIN 187u
#define NS_NVML_FIELD_POWER_LIMIT_MAX 188u
#define NS_NVML_FIELD_POWER_LIMIT_DEFAULT 189u
#define NS_NVML_FIELD_POWER_LIMIT_CURRENT 190u
#define NS_NVML_FIELD_POWER_LIMIT_REQUESTED 192u
#define NS_NVML_FIELD_MARGIN_SHUTDOWN 193u
#define NS_NVML_FIELD_MARGIN_SLOWDOWN 194u
#define NS_NVML_FIELD_MARGIN_MEMORY_MAX 195u
#define NS_NVML_FIELD_MARGIN_CORE_MAX 196u
#define NS_NVML_FIELD_RECOVERY_ACTION 230u

/** Kinds of ns_nvml_field_value_t.value, as value_type. */
#define NS_NVML_VALUE_DOUBLE 0u
#define NS_NVML_VALUE_U32 1u
#define NS_NVML_VALUE_ULONG 2u
#define NS_NVML_VALUE_U64 3u
#define NS_NVML_VALUE_I64 4u
#define NS_NVML_VALUE_I32 5u
#define NS_NVML_VALUE_U16 6u

typedef union ns_nvml_value {
    double f64;
    uint32_t u32;
    unsigned long ulong;
    uint64_t u64;
    int64_t i64;
    int32_t i32;
    uint16_t u16;
} ns_nvml_value_t;

/** One entry of nvmlDeviceGetFieldValues: the call succeeds as a whole, each entry has its own
 * code. */
typedef struct ns_nvml_field_value {
    uint32_t field_id;
    uint32_t scope_id;
    int64_t timestamp_us;
    int64_t latency_us;
    uint32_t value_type;  /**< NS_NVML_VALUE_* */
    uint32_t return_code; /**< ns_nvml_return_t */
    ns_nvml_value_t value;
} ns_nvml_field_value_t;

/** Percent of the last sample period. */
typedef struct ns_nvml_utilization {
    uint32_t gpu;
    uint32_t memory;
} ns_nvml_utilization_t;

#define NS_NVML_MARGIN_TEMPERATURE_V1 0x01000008u
typedef struct ns_nvml_margin_temperature {
    uint32_t version; /**< NS_NVML_MARGIN_TEMPERATURE_V1, set by the caller */
    int32_t margin_c; /**< 0 at maximum operating temperature, positive below it */
} ns_nvml_margin_temperature_t;

typedef struct ns_nvml_event_data {
    ns_nvml_device_t device;
    uint64_t event_type;
    uint64_t event_data; /**< the Xid; 999 when unknown */
    uint32_t gpu_instance_id;
    uint32_t compute_instance_id;
} ns_nvml_event_data_t;

/** Place of a device. Of what the library fills in, removing and discovering read the numbers. */
typedef struct ns_nvml_pci_info {
    char bus_id_legacy[16];
    uint32_t domain;
    uint32_t bus;
    uint32_t device;
    uint32_t pci_device_id;
    uint32_t pci_subsystem_id;
    char bus_id[32];
} ns_nvml_pci_info_t;
static_assert(sizeof(ns_nvml_pci_info_t) == 68, "nvmlPciInfo_t is 68 bytes");

#define NS_NVML_MEMORY_INFO_V2 0x02000028u
/** total = reserved + used + free, bytes */
typedef struct ns_nvml_memory_info {
    uint32_t version; /**< NS_NVML_MEMORY_INFO_V2, set by the caller */
    uint64_t total;
    uint64_t reserved;
    uint64_t free;
    uint64_t used; /**< without the reserved part */
} ns_nvml_memory_info_t;

/** Bits of ns_nvml_event_data_t.event_type. */
#define NS_NVML_EVENT_ECC_SBE 0x1u
#define NS_NVML_EVENT_ECC_DBE 0x2u
#define NS_NVML_EVENT_XID 0x8u
#define NS_NVML_EVENT_UNAVAILABLE 0x4000u
#define NS_NVML_EVENT_RECOVERY_ACTION 0x8000u

/** Bits of the clocks event reasons. */
#define NS_NVML_REASON_IDLE 0x1u
#define NS_NVML_REASON_APPLICATION_CLOCKS 0x2u
#define NS_NVML_REASON_SW_POWER_CAP 0x4u
#define NS_NVML_REASON_HW_SLOWDOWN 0x8u
#define NS_NVML_REASON_SYNC_BOOST 0x10u
#define NS_NVML_REASON_SW_THERMAL 0x20u
#define NS_NVML_REASON_HW_THERMAL 0x40u
#define NS_NVML_REASON_HW_POWER_BRAKE 0x80u

#define NS_NVML_TEMPERATURE_CORE 0u
#define NS_NVML_CLOCK_GRAPHICS 0u
#define NS_NVML_CLOCK_MEMORY 2u
#define NS_NVML_FEATURE_DISABLED 0u
#define NS_NVML_FEATURE_ENABLED 1u
#define NS_NVML_UUID_SIZE 96u
#define NS_NVML_VERSION_SIZE 80u

static_assert(sizeof(void *) == 8 && sizeof(unsigned long) == 8, "NVML's ABI here is LP64");
static_assert(sizeof(ns_nvml_return_t) == 4, "NVML enums are 4 bytes");
static_assert(sizeof(ns_nvml_field_value_t) == 40, "nvmlFieldValue_t is 40 bytes");
static_assert(offsetof(ns_nvml_field_value_t, value) == 32, "nvmlFieldValue_t.value is at 32");
static_assert(sizeof(ns_nvml_utilization_t) == 8, "nvmlUtilization_t is 8 bytes");
static_assert(sizeof(ns_nvml_margin_temperature_t) == 8, "nvmlMarginTemperature_v1_t is 8 bytes");
static_assert(sizeof(ns_nvml_event_data_t) == 32, "nvmlEventData_t is 32 bytes");
static_assert(sizeof(ns_nvml_memory_info_t) == 40, "nvmlMemory_v2_t is 40 bytes");

/* Function types, by the symbol that dlsym is asked for. */

/** nvmlInit_v2, nvmlShutdown */
typedef ns_nvml_return_t (*ns_nvml_void_fn)(void);
/** nvmlSystemGetDriverVersion */
typedef ns_nvml_return_t (*ns_nvml_driver_version_fn)(char *version, uint32_t size);
/** nvmlDeviceGetHandleByPciBusId_v2 */
typedef ns_nvml_return_t (*ns_nvml_by_pci_fn)(const char *pci_bus_id, ns_nvml_device_t *out);
/** nvmlDeviceGetUUID */
typedef ns_nvml_return_t (*ns_nvml_uuid_fn)(ns_nvml_device_t device, char *uuid, uint32_t size);
/** nvmlDeviceGetFieldValues */
typedef ns_nvml_return_t (*ns_nvml_fields_fn)(ns_nvml_device_t device, int32_t count,
                                              ns_nvml_field_value_t *values);
/** nvmlDeviceGetTemperature (selector = sensor), nvmlDeviceGetClockInfo and
 *  nvmlDeviceGetMaxClockInfo (selector = clock) */
typedef ns_nvml_return_t (*ns_nvml_select_u32_fn)(ns_nvml_device_t device, uint32_t selector,
                                                  uint32_t *out);
/** nvmlDeviceGetMarginTemperature */
typedef ns_nvml_return_t (*ns_nvml_margin_fn)(ns_nvml_device_t device,
                                              ns_nvml_margin_temperature_t *out);
/** nvmlDeviceGetUtilizationRates */
typedef ns_nvml_return_t (*ns_nvml_utilization_fn)(ns_nvml_device_t device,
                                                   ns_nvml_utilization_t *out);
/** nvmlDeviceGetCurrentClocksEventReasons */
typedef ns_nvml_return_t (*ns_nvml_u64_fn)(ns_nvml_device_t device, unsigned long long *out);
/** nvmlDeviceGetMemoryInfo_v2 */
typedef ns_nvml_return_t (*ns_nvml_memory_info_fn)(ns_nvml_device_t device,
                                                   ns_nvml_memory_info_t *out);
/** nvmlDeviceGetPowerManagementLimitConstraints (mW) */
typedef ns_nvml_return_t (*ns_nvml_constraints_fn)(ns_nvml_device_t device, uint32_t *minimum,
                                                   uint32_t *maximum);
/** nvmlDeviceGetEnforcedPowerLimit and nvmlDeviceGetPowerManagementLimit (mW),
 *  nvmlDeviceGetPersistenceMode, nvmlDeviceGetCurrPcieLinkGeneration,
 *  nvmlDeviceGetCurrPcieLinkWidth */
typedef ns_nvml_return_t (*ns_nvml_u32_fn)(ns_nvml_device_t device, uint32_t *out);
/** nvmlDeviceSetPowerManagementLimit (mW), nvmlDeviceSetPersistenceMode */
typedef ns_nvml_return_t (*ns_nvml_set_u32_fn)(ns_nvml_device_t device, uint32_t value);
/** nvmlDeviceSetGpuLockedClocks, nvmlDeviceSetMemoryLockedClocks (MHz) */
typedef ns_nvml_return_t (*ns_nvml_set_clocks_fn)(ns_nvml_device_t device, uint32_t minimum_mhz,
                                                  uint32_t maximum_mhz);
/** nvmlEventSetCreate */
typedef ns_nvml_return_t (*ns_nvml_event_create_fn)(ns_nvml_event_set_t *out);
/** nvmlDeviceRegisterEvents */
typedef ns_nvml_return_t (*ns_nvml_event_register_fn)(ns_nvml_device_t device,
                                                      unsigned long long types,
                                                      ns_nvml_event_set_t set);
/** nvmlEventSetWait_v2; NS_NVML_TIMEOUT when there is nothing */
typedef ns_nvml_return_t (*ns_nvml_event_wait_fn)(ns_nvml_event_set_t set,
                                                  ns_nvml_event_data_t *out, uint32_t timeout_ms);
/** nvmlEventSetFree */
typedef ns_nvml_return_t (*ns_nvml_event_free_fn)(ns_nvml_event_set_t set);
/** nvmlDeviceModifyDrainState; 1: drained */
typedef ns_nvml_return_t (*ns_nvml_drain_fn)(ns_nvml_pci_info_t *pci, uint32_t state);
/** nvmlDeviceRemoveGpu_v2; NS_NVML_IN_USE while another client holds it */
typedef ns_nvml_return_t (*ns_nvml_remove_fn)(ns_nvml_pci_info_t *pci, uint32_t device_state,
                                              uint32_t link_state);
/** nvmlDeviceDiscoverGpus; handles of all devices may die */
typedef ns_nvml_return_t (*ns_nvml_discover_fn)(ns_nvml_pci_info_t *pci);

/**
 * The functions the driver resolves: X(type, member, symbol, is_required).
 * An optional one that is missing makes its channel NS_E_UNSUPPORTED.
 */
#define NS_NVML_FUNCTIONS(X)                                                                       \
    X(ns_nvml_void_fn, init, "nvmlInit_v2", 1)                                                     \
    X(ns_nvml_void_fn, shutdown, "nvmlShutdown", 1)                                                \
    X(ns_nvml_by_pci_fn, by_pci, "nvmlDeviceGetHandleByPciBusId_v2", 1)                            \
    X(ns_nvml_uuid_fn, uuid, "nvmlDeviceGetUUID", 1)                                               \
    X(ns_nvml_fields_fn, fields, "nvmlDeviceGetFieldValues", 1)                                    \
    X(ns_nvml_select_u32_fn, temperature, "nvmlDeviceGetTemperature", 1)                           \
    X(ns_nvml_u32_fn, enforced_limit, "nvmlDeviceGetEnforcedPowerLimit", 1)                        \
    X(ns_nvml_set_u32_fn, set_limit, "nvmlDeviceSetPowerManagementLimit", 1)                       \
    X(ns_nvml_driver_version_fn, driver_version, "nvmlSystemGetDriverVersion", 1)                  \
    X(ns_nvml_margin_fn, margin, "nvmlDeviceGetMarginTemperature", 0)                              \
    X(ns_nvml_utilization_fn, utilization, "nvmlDeviceGetUtilizationRates", 0)                     \
    X(ns_nvml_select_u32_fn, clock, "nvmlDeviceGetClockInfo", 0)                                   \
    X(ns_nvml_select_u32_fn, clock_max, "nvmlDeviceGetMaxClockInfo", 0)                            \
    X(ns_nvml_u64_fn, event_reasons, "nvmlDeviceGetCurrentClocksEventReasons", 0)                  \
    X(ns_nvml_set_clocks_fn, set_locked_clocks, "nvmlDeviceSetGpuLockedClocks", 0)                 \
    X(ns_nvml_set_clocks_fn, set_memory_clocks, "nvmlDeviceSetMemoryLockedClocks", 0)              \
    X(ns_nvml_u32_fn, management_limit, "nvmlDeviceGetPowerManagementLimit", 0)                    \
    X(ns_nvml_constraints_fn, constraints, "nvmlDeviceGetPowerManagementLimitConstraints", 0)      \
    X(ns_nvml_u32_fn, persistence, "nvmlDeviceGetPersistenceMode", 0)                              \
    X(ns_nvml_set_u32_fn, set_persistence, "nvmlDeviceSetPersistenceMode", 0)                      \
    X(ns_nvml_memory_info_fn, memory_info, "nvmlDeviceGetMemoryInfo_v2", 0)                        \
    X(ns_nvml_u32_fn, pcie_generation, "nvmlDeviceGetCurrPcieLinkGeneration", 0)                   \
    X(ns_nvml_u32_fn, pcie_width, "nvmlDeviceGetCurrPcieLinkWidth", 0)                             \
    X(ns_nvml_event_create_fn, event_create, "nvmlEventSetCreate", 0)                              \
    X(ns_nvml_event_register_fn, event_register, "nvmlDeviceRegisterEvents", 0)                    \
    X(ns_nvml_event_wait_fn, event_wait, "nvmlEventSetWait_v2", 0)                                 \
    X(ns_nvml_event_free_fn, event_free, "nvmlEventSetFree", 0)                                    \
    X(ns_nvml_drain_fn, drain, "nvmlDeviceModifyDrainState", 0)                                    \
    X(ns_nvml_remove_fn, remove, "nvmlDeviceRemoveGpu_v2", 0)                                      \
    X(ns_nvml_discover_fn, discover, "nvmlDeviceDiscoverGpus", 0)

#ifdef __cplusplus
}
#endif
#endif
