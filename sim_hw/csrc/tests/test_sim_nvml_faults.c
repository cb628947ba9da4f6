/** @file test_sim_nvml_faults.c  Injected faults and events, in the process of the flight. */
#include <math.h>
#include <string.h>

#include "check.h"
#include "nvml/nvml_identity.h"
#include "nvml_client.h"

typedef ns_nvml_return_t (*pci_drain_fn)(const sim_nvml_pci_info_t *, uint32_t);
typedef ns_nvml_return_t (*pci_fn)(const sim_nvml_pci_info_t *);

static sim_plant_image_t image;

static void every_modelled_function_has_a_number_and_exists(void) {
    uint32_t number = 1;
    for (; sim_nvml_function_name(number) != NULL; number++) {
        (void)symbol_of(sim_nvml_function_name(number));
        CHECK(sim_nvml_function_number(sim_nvml_function_name(number)) == number);
    }
    CHECK(number > 70);
    CHECK(sim_nvml_function_name(0) == NULL);
    CHECK(sim_nvml_function_number("nvmlDeviceGetFanSpeed") == 0); /* exists, but models nothing */
}

static void any_code_can_be_returned(void) {
    start_client(&image);
    ns_nvml_device_t device = handle_of(3);
    for (int code = 1; code <= 29; code++) {
        image.knobs.nvml_return[3] = code;
        CHECK(code_of("nvmlDeviceGetPowerUsage", device) == (ns_nvml_return_t)code);
        CHECK(code_of("nvmlDeviceGetPowerUsage", handle_of(2)) == NS_NVML_SUCCESS);
    }
    image.knobs.nvml_return[3] = 999.0;
    CHECK(code_of("nvmlDeviceGetPowerUsage", device) == NS_NVML_UNKNOWN);
    image.knobs.nvml_return[3] = (double)NAN;
    CHECK(code_of("nvmlDeviceGetPowerUsage", device) == NS_NVML_SUCCESS);
}

static void a_fault_strikes_the_chosen_function_alone(void) {
    start_client(&image);
    ns_nvml_device_t device = handle_of(5);
    image.knobs.nvml_return[5] = NS_NVML_RESET_REQUIRED;
    image.knobs.nvml_fault_function[5] = sim_nvml_function_number("nvmlDeviceGetPowerUsage");
    CHECK(code_of("nvmlDeviceGetPowerUsage", device) == NS_NVML_RESET_REQUIRED);
    CHECK(code_of("nvmlDeviceGetEnforcedPowerLimit", device) == NS_NVML_SUCCESS);
    image.knobs.nvml_fault_function[5] = 10000.0; /* no such function: strikes none */
    CHECK(code_of("nvmlDeviceGetPowerUsage", device) == NS_NVML_SUCCESS);
    image.knobs.nvml_fault_function[5] = 0.0;
    CHECK(code_of("nvmlDeviceGetEnforcedPowerLimit", device) == NS_NVML_RESET_REQUIRED);
}

/* A real hang would stop the simulation that is to end it. */
static void a_hang_in_the_flights_own_process_is_a_timeout(void) {
    start_client(&image);
    ns_nvml_device_t device = handle_of(1);
    image.knobs.nvml_hang[1] = 1.0;
    CHECK(code_of("nvmlDeviceGetPowerUsage", device) == NS_NVML_TIMEOUT);
    image.knobs.nvml_hang[1] = 0.0;
    image.knobs.nvml_delay_s[1] = 1e6; /* is not felt here */
    CHECK(code_of("nvmlDeviceGetPowerUsage", device) == NS_NVML_SUCCESS);
}

static void driver_faults_strike_calls_that_name_no_accelerator(void) {
    start_client(&image);
    uint32_t count = 0;
    char version[80];
    count_fn get_count = CALL("nvmlDeviceGetCount_v2", count_fn);
    ns_nvml_device_t device = handle_of(0);
    image.knobs.nvml_driver_return = NS_NVML_LIB_RM_VERSION_MISMATCH;
    CHECK(get_count(&count) == NS_NVML_LIB_RM_VERSION_MISMATCH && count == 0);
    CHECK(CALL("nvmlSystemGetDriverVersion", ns_nvml_driver_version_fn)(version, 80) ==
          NS_NVML_LIB_RM_VERSION_MISMATCH);
    CHECK(CALL("nvmlInit_v2", ns_nvml_void_fn)() == NS_NVML_LIB_RM_VERSION_MISMATCH);
    CHECK(code_of("nvmlDeviceGetPowerUsage", device) == NS_NVML_SUCCESS);
    image.knobs.nvml_driver_return = 0.0;
    image.knobs.nvml_driver_hang = 1.0;
    CHECK(get_count(&count) == NS_NVML_TIMEOUT);
    CHECK(CALL("nvmlShutdown", ns_nvml_void_fn)() == NS_NVML_SUCCESS);
    CHECK(CALL("nvmlInit_v2", ns_nvml_void_fn)() == NS_NVML_TIMEOUT);
    image.knobs.nvml_driver_hang = 0.0;
    CHECK(CALL("nvmlInit_v2", ns_nvml_void_fn)() == NS_NVML_SUCCESS && get_count(&count) == 0);
}

static void setters_can_be_refused_while_readings_go_on(void) {
    start_client(&image);
    ns_nvml_device_t device = handle_of(4);
    sim_nvml_pci_info_t pci = {.bus = sim_nvml_pci_bus(4)};
    image.knobs.nvml_no_permission[4] = 1.0;
    CHECK(CALL("nvmlDeviceSetPowerManagementLimit", ns_nvml_set_u32_fn)(device, 300000) ==
          NS_NVML_NO_PERMISSION);
    CHECK(CALL("nvmlDeviceSetGpuLockedClocks", ns_nvml_set_clocks_fn)(device, 0, 1000) ==
          NS_NVML_NO_PERMISSION);
    CHECK(CALL("nvmlDeviceSetMemoryLockedClocks", ns_nvml_set_clocks_fn)(device, 0, 1000) ==
          NS_NVML_NO_PERMISSION);
    CHECK(CALL("nvmlDeviceSetPersistenceMode", ns_nvml_set_u32_fn)(device, 1) ==
          NS_NVML_NO_PERMISSION);
    CHECK(CALL("nvmlDeviceModifyDrainState", pci_drain_fn)(&pci, 1) == NS_NVML_NO_PERMISSION);
    CHECK(image.setpoint.accel_cap_w[4] == 700.0 && image.boards.is_drained[4] == 0.0);
    CHECK(code_of("nvmlDeviceGetPowerUsage", device) == NS_NVML_SUCCESS);
}

static void one_that_stands_still_is_read_and_takes_no_setting(void) {
    start_client(&image);
    ns_nvml_device_t device = handle_of(4);
    image.truth.accel_hung[4] = 1.0;
    CHECK(CALL("nvmlDeviceSetPowerManagementLimit", ns_nvml_set_u32_fn)(device, 300000) ==
          NS_NVML_TIMEOUT);
    CHECK(CALL("nvmlDeviceSetGpuLockedClocks", ns_nvml_set_clocks_fn)(device, 0, 1000) ==
          NS_NVML_TIMEOUT);
    CHECK(image.setpoint.accel_cap_w[4] == 700.0);
    CHECK(code_of("nvmlDeviceGetPowerUsage", device) == NS_NVML_SUCCESS);
    CHECK(CALL("nvmlDeviceSetPowerManagementLimit", ns_nvml_set_u32_fn)(handle_of(5), 300000) ==
          NS_NVML_SUCCESS);
    image.truth.accel_hung[4] = 0.0;
    CHECK(CALL("nvmlDeviceSetPowerManagementLimit", ns_nvml_set_u32_fn)(device, 300000) ==
          NS_NVML_SUCCESS);
}

/* Removed, it could not be found again after its power-cycle by one who has seen no removal. */
static void one_that_does_not_answer_is_not_removed(void) {
    start_client(&image);
    sim_nvml_pci_info_t pci = {.bus = sim_nvml_pci_bus(4)};
    pci_drain_fn drain = CALL("nvmlDeviceModifyDrainState", pci_drain_fn);
    pci_fn remove_gpu = CALL("nvmlDeviceRemoveGpu", pci_fn);
    CHECK(drain(&pci, 1) == NS_NVML_SUCCESS);
    image.truth.accel_alive[4] = 0.0;
    CHECK(remove_gpu(&pci) == NS_NVML_GPU_IS_LOST && image.boards.is_removed[4] == 0.0);
    image.truth.accel_alive[4] = 1.0;
    CHECK(remove_gpu(&pci) == NS_NVML_SUCCESS && image.boards.is_removed[4] == 1.0);
}

static ns_nvml_event_set_t registered(uint32_t board, unsigned long long types) {
    ns_nvml_event_set_t set = NULL;
    CHECK(CALL("nvmlEventSetCreate", ns_nvml_event_create_fn)(&set) == NS_NVML_SUCCESS);
    CHECK(CALL("nvmlDeviceRegisterEvents", ns_nvml_event_register_fn)(handle_of(board), types,
                                                                      set) == NS_NVML_SUCCESS);
    return set;
}

static void each_kind_of_event_is_told_apart(void) {
    start_client(&image);
    ns_nvml_event_data_t data;
    unsigned long long types = 0;
    ns_nvml_event_wait_fn wait = CALL("nvmlEventSetWait", ns_nvml_event_wait_fn);
    CHECK(CALL("nvmlDeviceGetSupportedEventTypes", ns_nvml_u64_fn)(handle_of(0), &types) == 0);
    CHECK(types == (0x1u | 0x2u | 0x8u | 0x4000u | 0x8000u));
    ns_nvml_event_set_t set = registered(0, types);
    image.truth.accel_ecc_corrected_count[0] = 1.0;
    CHECK(wait(set, &data, 0) == 0 && data.event_type == 0x1 && data.event_data == 0);
    image.truth.accel_ecc_uncorrected_count[0] = 1.0;
    CHECK(wait(set, &data, 0) == 0 && data.event_type == 0x2);
    image.truth.accel_recovery_action[0] = 1.0;
    CHECK(wait(set, &data, 0) == 0 && data.event_type == 0x8000);
    image.truth.accel_recovery_action[0] = 0.0;
    CHECK(wait(set, &data, 0) == NS_NVML_TIMEOUT); /* that an action is no longer needed is none */
    image.truth.accel_xid[0] = 79.0;
    image.truth.accel_alive[0] = 0.0;
    CHECK(wait(set, &data, 0) == 0 && data.event_type == 0x8 && data.event_data == 79);
    CHECK(wait(set, &data, 0) == 0 && data.event_type == 0x4000);
    CHECK(wait(set, &data, 60000) == NS_NVML_TIMEOUT); /* at once: simulated time stands still */
}

static void a_set_tells_only_what_it_registered_for(void) {
    start_client(&image);
    ns_nvml_event_data_t data;
    ns_nvml_event_wait_fn wait = CALL("nvmlEventSetWait_v2", ns_nvml_event_wait_fn);
    ns_nvml_event_set_t set = registered(2, 0x2u);
    image.truth.accel_ecc_corrected_count[2] = 7.0;
    image.truth.accel_ecc_uncorrected_count[3] = 7.0;
    CHECK(wait(set, &data, 0) == NS_NVML_TIMEOUT);
    image.truth.accel_ecc_uncorrected_count[2] = 1.0;
    CHECK(wait(set, &data, 0) == NS_NVML_SUCCESS && data.device == handle_of(2));
    CHECK(wait(set, NULL, 0) == NS_NVML_INVALID_ARGUMENT);
    CHECK(CALL("nvmlEventSetFree", ns_nvml_event_free_fn)(NULL) == NS_NVML_INVALID_ARGUMENT);
    CHECK(CALL("nvmlDeviceRegisterEvents", ns_nvml_event_register_fn)(handle_of(2), 0x8, NULL) ==
          NS_NVML_INVALID_ARGUMENT);
}

/* A call may be made with more arguments than it takes: it reads what it knows. */
typedef ns_nvml_return_t (*any_fn)(ns_nvml_device_t, void *, void *, void *, void *);

static void outputs_that_are_missing_are_refused(void) {
    static const char *const pairs[] = {
        "nvmlDeviceGetEccMode", "nvmlDeviceGetMigMode", "nvmlDeviceGetEncoderUtilization",
        "nvmlDeviceGetCudaComputeCapability", "nvmlDeviceGetPowerManagementLimitConstraints"};
    start_client(&image);
    uint32_t out[8] = {0};
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        any_fn call = CALL(pairs[i], any_fn);
        CHECK(call(handle_of(0), out, NULL, NULL, NULL) == NS_NVML_INVALID_ARGUMENT);
        CHECK(call(handle_of(0), NULL, out, NULL, NULL) == NS_NVML_INVALID_ARGUMENT);
        CHECK(call(NULL, out, out, NULL, NULL) == NS_NVML_INVALID_ARGUMENT);
    }
    any_fn rows = CALL("nvmlDeviceGetRemappedRows", any_fn);
    CHECK(rows(handle_of(0), out, NULL, out, out) == NS_NVML_INVALID_ARGUMENT);
    CHECK(rows(handle_of(0), out, out, NULL, out) == NS_NVML_INVALID_ARGUMENT);
    any_fn query = CALL("nvmlDeviceQueryDrainState", any_fn);
    sim_nvml_pci_info_t pci = {.bus = sim_nvml_pci_bus(1)};
    CHECK(query(&pci, NULL, NULL, NULL, NULL) == NS_NVML_INVALID_ARGUMENT);
    pci.domain = 1;
    CHECK(query(&pci, out, NULL, NULL, NULL) == NS_NVML_NOT_FOUND);
    any_fn by_uuid = CALL("nvmlDeviceGetHandleByUUID", any_fn);
    char uuid[NS_NVML_UUID_SIZE];
    memcpy(uuid, sim_nvml_uuid(0), strlen(sim_nvml_uuid(0)) + 1u);
    CHECK(by_uuid(uuid, NULL, NULL, NULL, NULL) == NS_NVML_INVALID_ARGUMENT);
    CHECK(out[0] == 0);
}

static void older_names_are_the_same_functions(void) {
    start_client(&image);
    uint32_t count = 0;
    ns_nvml_device_t device = NULL;
    unsigned long long reasons = 1;
    by_index_fn by_index = CALL("nvmlDeviceGetHandleByIndex", by_index_fn);
    ns_nvml_by_pci_fn by_pci = CALL("nvmlDeviceGetHandleByPciBusId", ns_nvml_by_pci_fn);
    CHECK(CALL("nvmlDeviceGetCount", count_fn)(&count) == 0 && count == 8);
    CHECK(by_index(1, &device) == 0 && device == handle_of(1));
    CHECK(by_pci(sim_nvml_pci_bus_id(2), &device) == 0 && device == handle_of(2));
    CHECK(CALL("nvmlDeviceGetCurrentClocksThrottleReasons", ns_nvml_u64_fn)(device, &reasons) == 0);
    CHECK(reasons == 0);
}

static void expect_unsupported(const char *name) {
    CHECK(CALL(name, ns_nvml_void_fn)() == NS_NVML_NOT_SUPPORTED);
}

static void what_is_not_modelled_exists_and_says_so(void) {
#define NOT_SUPPORTED(name) expect_unsupported(#name);
#include "nvml/nvml_unsupported_names.h"
#undef NOT_SUPPORTED
}

int main(void) {
    open_library();
    outputs_that_are_missing_are_refused();
    older_names_are_the_same_functions();
    what_is_not_modelled_exists_and_says_so();
    every_modelled_function_has_a_number_and_exists();
    any_code_can_be_returned();
    a_fault_strikes_the_chosen_function_alone();
    a_hang_in_the_flights_own_process_is_a_timeout();
    driver_faults_strike_calls_that_name_no_accelerator();
    setters_can_be_refused_while_readings_go_on();
    one_that_stands_still_is_read_and_takes_no_setting();
    one_that_does_not_answer_is_not_removed();
    each_kind_of_event_is_told_apart();
    a_set_tells_only_what_it_registered_for();
    CALL("nightside_sim_nvml_attach", attach_fn)(NULL);
    return 0;
}
