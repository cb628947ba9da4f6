/** @file test_sim_nvml.c  The simulated libnvidia-ml.so.1, loaded by absolute path as the driver
 * does. */
#include <string.h>

#include "check.h"
#include "nvml/nvml_defaults.h"
#include "nvml/nvml_identity.h"
#include "nvml_client.h"

static sim_plant_image_t image;

static void start(void) {
    start_client(&image);
}

static void without_a_plant_no_driver_is_loaded(void) {
    char text[80];
    CALL("nightside_sim_nvml_attach", attach_fn)(NULL);
    CHECK(CALL("nvmlInit_v2", ns_nvml_void_fn)() == NS_NVML_DRIVER_NOT_LOADED);
    CHECK(CALL("nvmlInit", ns_nvml_void_fn)() == NS_NVML_DRIVER_NOT_LOADED);
    CHECK(CALL("nvmlShutdown", ns_nvml_void_fn)() == NS_NVML_UNINITIALIZED);
    ns_nvml_driver_version_fn version =
        CALL("nvmlSystemGetDriverVersion", ns_nvml_driver_version_fn);
    CHECK(version(text, sizeof(text)) == NS_NVML_UNINITIALIZED);
    start();
    CHECK(version(text, sizeof(text)) == NS_NVML_SUCCESS && strncmp(text, "SIM", 3) == 0);
    CHECK(version(text, 3) == NS_NVML_INSUFFICIENT_SIZE);
    CHECK(version(NULL, 80) == NS_NVML_INVALID_ARGUMENT);
    CHECK(CALL("nvmlSystemGetNVMLVersion", ns_nvml_driver_version_fn)(text, 80) == NS_NVML_SUCCESS);
}

static void every_code_has_a_string(void) {
    error_string_fn error_string = CALL("nvmlErrorString", error_string_fn);
    for (int code = 0; code <= 29; code++) {
        CHECK(strlen(error_string((ns_nvml_return_t)code)) > 3);
        CHECK(strcmp(error_string((ns_nvml_return_t)code), "Unknown Error") != 0);
    }
    CHECK(strcmp(error_string(NS_NVML_UNKNOWN), "Unknown Error") == 0);
}

static void a_device_is_found_by_address_index_and_uuid(void) {
    start();
    char uuid[NS_NVML_UUID_SIZE];
    ns_nvml_device_t device = handle_of(3);
    ns_nvml_device_t same = NULL;
    by_index_fn by_index = CALL("nvmlDeviceGetHandleByIndex_v2", by_index_fn);
    ns_nvml_by_pci_fn by_pci = CALL("nvmlDeviceGetHandleByPciBusId_v2", ns_nvml_by_pci_fn);
    ns_nvml_by_pci_fn by_uuid = CALL("nvmlDeviceGetHandleByUUID", ns_nvml_by_pci_fn);
    CHECK(by_pci("0000:61:00.0", &same) == NS_NVML_SUCCESS && same == device);
    CHECK(by_index(3, &same) == NS_NVML_SUCCESS && same == device);
    CHECK(CALL("nvmlDeviceGetUUID", ns_nvml_uuid_fn)(device, uuid, sizeof(uuid)) ==
          NS_NVML_SUCCESS);
    CHECK(strcmp(uuid, sim_nvml_uuid(3)) == 0);
    CHECK(by_uuid(uuid, &same) == NS_NVML_SUCCESS && same == device);
    CHECK(by_uuid("GPU-none", &same) == NS_NVML_NOT_FOUND);
    CHECK(by_uuid(NULL, &same) == NS_NVML_INVALID_ARGUMENT);
    CHECK(by_pci("0000:62:00.0", &same) == NS_NVML_NOT_FOUND);
    CHECK(by_pci("nonsense", &same) == NS_NVML_INVALID_ARGUMENT);
    CHECK(by_index(8, &same) == NS_NVML_INVALID_ARGUMENT);
    CHECK(get_u32("nvmlDeviceGetIndex", device) == 3);
    sim_nvml_pci_info_t pci;
    CHECK(CALL("nvmlDeviceGetPciInfo_v3", pci_info_fn)(device, &pci) == NS_NVML_SUCCESS);
    CHECK(pci.bus == 0x61 && strcmp(pci.bus_id, "00000000:61:00.0") == 0);
    CHECK(strcmp(pci.bus_id_legacy, "0000:61:00.0") == 0);
    uint32_t count = 0;
    CHECK(CALL("nvmlDeviceGetCount_v2", count_fn)(&count) == NS_NVML_SUCCESS && count == 8);
}

static void handles_die_at_the_last_shutdown(void) {
    start();
    ns_nvml_u32_fn limit = CALL("nvmlDeviceGetEnforcedPowerLimit", ns_nvml_u32_fn);
    ns_nvml_device_t device = handle_of(0);
    uint32_t value = 0;
    CHECK(CALL("nvmlInit_v2", ns_nvml_void_fn)() == NS_NVML_SUCCESS);
    CHECK(CALL("nvmlShutdown", ns_nvml_void_fn)() == NS_NVML_SUCCESS);
    CHECK(limit(device, &value) == NS_NVML_SUCCESS); /* one user is left */
    CHECK(CALL("nvmlShutdown", ns_nvml_void_fn)() == NS_NVML_SUCCESS);
    CHECK(limit(device, &value) == NS_NVML_UNINITIALIZED);
    CHECK(CALL("nvmlInit_v2", ns_nvml_void_fn)() == NS_NVML_SUCCESS);
    CHECK(limit(device, &value) == NS_NVML_INVALID_ARGUMENT);
    CHECK(limit(handle_of(0), &value) == NS_NVML_SUCCESS);
    CHECK(limit(handle_of(0), NULL) == NS_NVML_INVALID_ARGUMENT);
}

static void readings_come_in_units_of_nvml(void) {
    start();
    image.truth.accel_utilisation_ratio[5] = 0.97;
    image.truth.accel_clock_mhz[5] = 1755.0;
    image.truth.accel_energy_j[5] = 12.5;
    image.truth.accel_event_reasons[5] = 0x24;
    image.truth.accel_ecc_corrected_count[5] = 2.0;
    ns_nvml_device_t device = handle_of(5);
    uint32_t value = 0;
    ns_nvml_select_u32_fn temperature = CALL("nvmlDeviceGetTemperature", ns_nvml_select_u32_fn);
    CHECK(temperature(device, 0, &value) == NS_NVML_SUCCESS && value == 75);
    CHECK(temperature(device, 1, &value) == NS_NVML_INVALID_ARGUMENT);
    sim_nvml_temperature_t versioned = {.version = SIM_NVML_TEMPERATURE_V1};
    temperature_v_fn temperature_v = CALL("nvmlDeviceGetTemperatureV", temperature_v_fn);
    CHECK(temperature_v(device, &versioned) == NS_NVML_SUCCESS && versioned.temperature_c == 75);
    versioned.version = 1;
    CHECK(temperature_v(device, &versioned) == NS_NVML_ARGUMENT_VERSION_MISMATCH);
    ns_nvml_margin_temperature_t margin = {.version = NS_NVML_MARGIN_TEMPERATURE_V1};
    ns_nvml_margin_fn get_margin = CALL("nvmlDeviceGetMarginTemperature", ns_nvml_margin_fn);
    CHECK(get_margin(device, &margin) == NS_NVML_SUCCESS && margin.margin_c == 12);
    margin.version = 0;
    CHECK(get_margin(device, &margin) == NS_NVML_ARGUMENT_VERSION_MISMATCH);
    ns_nvml_utilization_t busy;
    CHECK(CALL("nvmlDeviceGetUtilizationRates", ns_nvml_utilization_fn)(device, &busy) == 0);
    CHECK(busy.gpu == 97);
    ns_nvml_select_u32_fn clock = CALL("nvmlDeviceGetClockInfo", ns_nvml_select_u32_fn);
    CHECK(clock(device, 0, &value) == NS_NVML_SUCCESS && value == 1755);
    CHECK(clock(device, 4, &value) == NS_NVML_INVALID_ARGUMENT);
    CHECK(CALL("nvmlDeviceGetMaxClockInfo", ns_nvml_select_u32_fn)(device, 1, &value) == 0);
    CHECK(value == 1980);
    unsigned long long wide = 0;
    CHECK(CALL("nvmlDeviceGetTotalEnergyConsumption", ns_nvml_u64_fn)(device, &wide) == 0);
    CHECK(wide == 12500);
    CHECK(CALL("nvmlDeviceGetCurrentClocksEventReasons", ns_nvml_u64_fn)(device, &wide) == 0);
    CHECK(wide == 0x24);
    CHECK(CALL("nvmlDeviceGetTotalEccErrors", ecc_fn)(device, 0, 0, &wide) == 0 && wide == 2);
    CHECK(CALL("nvmlDeviceGetTotalEccErrors", ecc_fn)(device, 2, 0, &wide) ==
          NS_NVML_INVALID_ARGUMENT);
    sim_nvml_memory_v2_t memory = {.version = SIM_NVML_MEMORY_V2};
    CHECK(CALL("nvmlDeviceGetMemoryInfo_v2", memory_v2_fn)(device, &memory) == 0);
    CHECK(memory.total == memory.reserved + memory.used + memory.free);
    CHECK(CALL("nvmlDeviceGetTemperatureThreshold", ns_nvml_select_u32_fn)(device, 3, &value) == 0);
    CHECK(value == 87);
}

static void field_values_carry_a_code_each(void) {
    start();
    image.truth.accel_memory_temp_c[1] = 81.4;
    image.truth.accel_recovery_action[1] = 2.0;
    image.truth.accel_ecc_uncorrected_count[1] = 7.0;
    ns_nvml_field_value_t field[] = {{.field_id = NS_NVML_FIELD_POWER_INSTANT},
                                     {.field_id = NS_NVML_FIELD_MEMORY_TEMP},
                                     {.field_id = NS_NVML_FIELD_RECOVERY_ACTION},
                                     {.field_id = NS_NVML_FIELD_ECC_DBE_VOLATILE},
                                     {.field_id = 4000},
                                     {.field_id = NS_NVML_FIELD_MARGIN_SHUTDOWN},
                                     {.field_id = NS_NVML_FIELD_POWER_LIMIT_MIN},
                                     {.field_id = NS_NVML_FIELD_POWER_LIMIT_CURRENT},
                                     {.field_id = 142}};
    ns_nvml_fields_fn fields = CALL("nvmlDeviceGetFieldValues", ns_nvml_fields_fn);
    ns_nvml_device_t device = handle_of(1);
    CHECK(fields(device, 9, field) == NS_NVML_SUCCESS);
    CHECK(field[0].value_type == NS_NVML_VALUE_U32 && field[0].value.u32 == 601000);
    CHECK(field[0].timestamp_us == 1000000);
    CHECK(field[1].value.u32 == 81 && field[2].value.u32 == 2);
    CHECK(field[3].value_type == NS_NVML_VALUE_U64 && field[3].value.u64 == 7);
    CHECK(field[4].return_code == NS_NVML_NOT_SUPPORTED && field[3].return_code == NS_NVML_SUCCESS);
    CHECK(field[5].value_type == NS_NVML_VALUE_I32 && field[5].value.i32 == -8);
    CHECK(field[6].value.u32 == 200000 && field[7].value.u32 == 700000 && field[8].value.u32 == 0);
    CHECK(fields(device, 0, field) == NS_NVML_INVALID_ARGUMENT);
    CHECK(fields(device, 1, NULL) == NS_NVML_INVALID_ARGUMENT);
}

static void every_field_that_is_modelled_answers(void) {
    static const uint32_t ids[] = {3,   4,   5,   6,   82,  83,  94,  142, 143, 144, 145, 185,
                                   186, 187, 188, 189, 190, 192, 193, 194, 195, 196, 230};
    start();
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        ns_nvml_field_value_t field = {.field_id = ids[i], .return_code = NS_NVML_UNKNOWN};
        ns_nvml_fields_fn fields = CALL("nvmlDeviceGetFieldValues", ns_nvml_fields_fn);
        CHECK(fields(handle_of(0), 1, &field) == NS_NVML_SUCCESS);
        CHECK(field.return_code == NS_NVML_SUCCESS);
    }
}

/* The trap of PowerUsage on Ampere and newer: it lags, so control uses field 186. */
static void power_usage_lags_behind_the_instant(void) {
    start();
    ns_nvml_device_t device = handle_of(0);
    CHECK(get_u32("nvmlDeviceGetPowerUsage", device) == 600000);
    image.truth.accel_power_w[0] = 200.0;
    image.time_s += 0.1;
    ns_nvml_field_value_t field = {.field_id = NS_NVML_FIELD_POWER_INSTANT};
    CHECK(CALL("nvmlDeviceGetFieldValues", ns_nvml_fields_fn)(device, 1, &field) == 0);
    CHECK(field.value.u32 == 200000 && get_u32("nvmlDeviceGetPowerUsage", device) > 500000);
}

static void limits_are_checked_set_and_read_back(void) {
    start();
    ns_nvml_device_t device = handle_of(2);
    ns_nvml_set_u32_fn set = CALL("nvmlDeviceSetPowerManagementLimit", ns_nvml_set_u32_fn);
    ns_nvml_set_clocks_fn lock = CALL("nvmlDeviceSetGpuLockedClocks", ns_nvml_set_clocks_fn);
    uint32_t low = 0;
    uint32_t high = 0;
    CHECK(CALL("nvmlDeviceGetPowerManagementLimitConstraints", two_u32_fn)(device, &low, &high) ==
          NS_NVML_SUCCESS);
    CHECK(low == 200000 && high == 700000);
    CHECK(set(device, 199999) == NS_NVML_INVALID_ARGUMENT);
    CHECK(set(device, 700001) == NS_NVML_INVALID_ARGUMENT);
    CHECK(set(device, 345000) == NS_NVML_SUCCESS && image.setpoint.accel_cap_w[2] == 345.0);
    CHECK(get_u32("nvmlDeviceGetEnforcedPowerLimit", device) == 345000);
    CHECK(image.setpoint.accel_cap_w[1] == 700.0);
    CHECK(lock(device, 210, 1200) == NS_NVML_SUCCESS);
    CHECK(image.setpoint.accel_clock_max_mhz[2] == 1200.0);
    CHECK(lock(device, 1300, 1200) == NS_NVML_INVALID_ARGUMENT);
    CHECK(lock(device, 0, 2000) == NS_NVML_INVALID_ARGUMENT);
    CHECK(CALL("nvmlDeviceResetGpuLockedClocks", device_fn)(device) == 0);
    CHECK(image.setpoint.accel_clock_max_mhz[2] == 1980.0);
}

static void a_lost_device_and_a_fault_knob_answer_with_their_code(void) {
    start();
    uint32_t value = 0;
    ns_nvml_device_t device = handle_of(4);
    ns_nvml_device_t other = NULL;
    by_index_fn by_index = CALL("nvmlDeviceGetHandleByIndex_v2", by_index_fn);
    ns_nvml_u32_fn limit = CALL("nvmlDeviceGetEnforcedPowerLimit", ns_nvml_u32_fn);
    ns_nvml_set_u32_fn set = CALL("nvmlDeviceSetPowerManagementLimit", ns_nvml_set_u32_fn);
    image.truth.accel_alive[4] = 0.0;
    CHECK(limit(device, &value) == NS_NVML_GPU_IS_LOST &&
          by_index(4, &other) == NS_NVML_GPU_IS_LOST);
    CHECK(set(device, 300000) == NS_NVML_GPU_IS_LOST && image.setpoint.accel_cap_w[4] == 700.0);
    CHECK(limit(handle_of(3), &value) == NS_NVML_SUCCESS);
    image.truth.accel_alive[4] = 1.0;
    CHECK(limit(device, &value) ==
          NS_NVML_SUCCESS); /* a board that booted again keeps its handle */
    image.knobs.nvml_return[4] = NS_NVML_UNKNOWN;
    CHECK(limit(device, &value) == NS_NVML_UNKNOWN);
    image.knobs.nvml_return[4] = 0.0;
    CHECK(limit(device, &value) == NS_NVML_SUCCESS);
}

static void an_xid_is_delivered_once_and_only_after_registration(void) {
    start();
    ns_nvml_event_set_t set = NULL;
    ns_nvml_event_data_t data;
    ns_nvml_device_t device = handle_of(6);
    ns_nvml_event_register_fn enroll = CALL("nvmlDeviceRegisterEvents", ns_nvml_event_register_fn);
    ns_nvml_event_wait_fn wait = CALL("nvmlEventSetWait_v2", ns_nvml_event_wait_fn);
    ns_nvml_event_free_fn release = CALL("nvmlEventSetFree", ns_nvml_event_free_fn);
    CHECK(CALL("nvmlEventSetCreate", ns_nvml_event_create_fn)(&set) == NS_NVML_SUCCESS);
    image.truth.accel_xid[6] = 48.0;
    CHECK(wait(set, &data, 0) == NS_NVML_TIMEOUT); /* nobody asked for it */
    CHECK(enroll(device, NS_NVML_EVENT_XID, set) == NS_NVML_SUCCESS);
    CHECK(wait(set, &data, 1000) == NS_NVML_TIMEOUT);
    image.truth.accel_xid[6] = 79.0;
    CHECK(wait(set, &data, 0) == NS_NVML_SUCCESS);
    CHECK(data.device == device && data.event_type == NS_NVML_EVENT_XID && data.event_data == 79);
    CHECK(wait(set, &data, 0) == NS_NVML_TIMEOUT);
    CHECK(enroll(device, 0x10, set) == NS_NVML_NOT_SUPPORTED);
    CHECK(release(set) == NS_NVML_SUCCESS && release(set) == NS_NVML_INVALID_ARGUMENT);
    CHECK(wait(set, &data, 0) == NS_NVML_INVALID_ARGUMENT);
    for (int i = 0; i < 32; i++) {
        CHECK(CALL("nvmlEventSetCreate", ns_nvml_event_create_fn)(&set) == NS_NVML_SUCCESS);
    }
    CHECK(CALL("nvmlEventSetCreate", ns_nvml_event_create_fn)(&set) ==
          NS_NVML_INSUFFICIENT_RESOURCES);
}

static void what_is_not_modelled_says_so_and_constants_are_there(void) {
    static const char *const constants[] = {
        "nvmlDeviceGetPerformanceState",  "nvmlDeviceGetPersistenceMode",
        "nvmlDeviceGetDisplayActive",     "nvmlDeviceGetComputeMode",
        "nvmlDeviceGetMinorNumber",       "nvmlDeviceIsMigDeviceHandle",
        "nvmlDeviceGetPcieReplayCounter", "nvmlDeviceGetPowerManagementDefaultLimit"};
    static const char *const absent[] = {"nvmlDeviceGetFanSpeed", "nvmlDeviceGetPcieThroughput",
                                         "nvmlDeviceGetDriverModel_v2",
                                         "nvmlDeviceGetRetiredPages_v2"};
    start();
    for (size_t i = 0; i < sizeof(constants) / sizeof(constants[0]); i++) {
        (void)get_u32(constants[i], handle_of(0));
        CHECK(CALL(constants[i], ns_nvml_u32_fn)(handle_of(0), NULL) == NS_NVML_INVALID_ARGUMENT);
    }
    for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
        uint32_t value = 0;
        CHECK(CALL(absent[i], ns_nvml_u32_fn)(handle_of(0), &value) == NS_NVML_NOT_SUPPORTED);
    }
    int32_t version = 0;
    CHECK(CALL("nvmlSystemGetCudaDriverVersion_v2", cuda_fn)(&version) == 0 && version > 0);
    CHECK(CALL("nvmlSystemGetCudaDriverVersion", cuda_fn)(NULL) == NS_NVML_INVALID_ARGUMENT);
    sim_nvml_memory_t memory;
    CHECK(CALL("nvmlDeviceGetMemoryInfo", memory_fn)(handle_of(0), &memory) == NS_NVML_SUCCESS);
    CHECK(memory.total == memory.free + memory.used);
    uint32_t current = 0;
    uint32_t pending = 0;
    CHECK(CALL("nvmlDeviceGetEccMode", two_u32_fn)(handle_of(0), &current, &pending) == 0);
    CHECK(current == 1 && pending == 1);
}

/* Each call on a device that is lost says so and leaves its output alone. */
static void every_call_on_a_lost_device_says_so(void) {
    static const char *const calls[] = {"nvmlDeviceGetPowerUsage",
                                        "nvmlDeviceGetPerformanceState",
                                        "nvmlDeviceGetIndex",
                                        "nvmlDeviceGetEnforcedPowerLimit",
                                        "nvmlDeviceGetPowerManagementLimit",
                                        "nvmlDeviceGetPowerManagementDefaultLimit",
                                        "nvmlDeviceGetPcieReplayCounter",
                                        "nvmlDeviceGetTotalEnergyConsumption",
                                        "nvmlDeviceGetCurrentClocksEventReasons",
                                        "nvmlDeviceGetUtilizationRates",
                                        "nvmlDeviceGetMemoryInfo",
                                        "nvmlDeviceGetTemperatureV",
                                        "nvmlDeviceGetMarginTemperature",
                                        "nvmlDeviceGetMemoryInfo_v2",
                                        "nvmlDeviceGetPciInfo_v3",
                                        "nvmlDeviceGetSupportedEventTypes"};
    static const char *const selectors[] = {"nvmlDeviceGetTemperature", "nvmlDeviceGetClockInfo",
                                            "nvmlDeviceGetMaxClockInfo",
                                            "nvmlDeviceGetTemperatureThreshold"};
    start();
    ns_nvml_device_t device = handle_of(7);
    uint32_t out[32] = {0};
    image.truth.accel_alive[7] = 0.0;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        CHECK(CALL(calls[i], ns_nvml_u32_fn)(device, out) == NS_NVML_GPU_IS_LOST);
    }
    for (size_t i = 0; i < sizeof(selectors) / sizeof(selectors[0]); i++) {
        ns_nvml_select_u32_fn call = CALL(selectors[i], ns_nvml_select_u32_fn);
        CHECK(call(device, 0, out) == NS_NVML_GPU_IS_LOST);
    }
    ns_nvml_field_value_t field = {.field_id = NS_NVML_FIELD_POWER_INSTANT};
    CHECK(CALL("nvmlDeviceGetFieldValues", ns_nvml_fields_fn)(device, 1, &field) ==
          NS_NVML_GPU_IS_LOST);
    CHECK(CALL("nvmlDeviceSetGpuLockedClocks", ns_nvml_set_clocks_fn)(device, 0, 1000) ==
          NS_NVML_GPU_IS_LOST);
    char text[96];
    CHECK(CALL("nvmlDeviceGetUUID", ns_nvml_uuid_fn)(device, text, 96) == NS_NVML_GPU_IS_LOST);
    CHECK(CALL("nvmlDeviceGetName", ns_nvml_uuid_fn)(device, text, 96) == NS_NVML_GPU_IS_LOST);
    CHECK(out[0] == 0 && field.value.u64 == 0);
}

static void every_function_of_the_driver_is_there(void) {
#define LOOK_UP(type, member, symbol, is_required) (void)symbol_of(symbol);
    NS_NVML_FUNCTIONS(LOOK_UP)
#undef LOOK_UP
}

int main(void) {
    open_library();
    without_a_plant_no_driver_is_loaded();
    every_code_has_a_string();
    a_device_is_found_by_address_index_and_uuid();
    handles_die_at_the_last_shutdown();
    readings_come_in_units_of_nvml();
    field_values_carry_a_code_each();
    every_field_that_is_modelled_answers();
    power_usage_lags_behind_the_instant();
    limits_are_checked_set_and_read_back();
    a_lost_device_and_a_fault_knob_answer_with_their_code();
    an_xid_is_delivered_once_and_only_after_registration();
    what_is_not_modelled_says_so_and_constants_are_there();
    every_call_on_a_lost_device_says_so();
    every_function_of_the_driver_is_there();
    CALL("nightside_sim_nvml_attach", attach_fn)(NULL);
    return 0;
}
