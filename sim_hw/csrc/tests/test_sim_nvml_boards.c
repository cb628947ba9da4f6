/** @file test_sim_nvml_boards.c  Limits, clamps, clocks, memory, processes, counters, removal. */
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "nvml/nvml_board.h"
#include "nvml/nvml_defaults.h"
#include "nvml/nvml_identity.h"
#include "nvml_client.h"

typedef ns_nvml_return_t (*power_value_fn)(ns_nvml_device_t, const sim_nvml_power_value_t *);
typedef ns_nvml_return_t (*processes_v1_fn)(ns_nvml_device_t, uint32_t *, sim_nvml_process_v1_t *);
typedef ns_nvml_return_t (*samples_fn)(ns_nvml_device_t, sim_nvml_process_sample_t *, uint32_t *,
                                       unsigned long long);
typedef ns_nvml_return_t (*violation_fn)(ns_nvml_device_t, uint32_t, sim_nvml_violation_t *);
typedef ns_nvml_return_t (*rows_fn)(ns_nvml_device_t, uint32_t *, uint32_t *, uint32_t *,
                                    uint32_t *);
typedef ns_nvml_return_t (*histogram_fn)(ns_nvml_device_t, sim_nvml_remap_histogram_t *);
typedef ns_nvml_return_t (*memory_errors_fn)(ns_nvml_device_t, uint32_t, uint32_t, uint32_t,
                                             unsigned long long *);
typedef ns_nvml_return_t (*drain_fn)(const sim_nvml_pci_info_t *, uint32_t);
typedef ns_nvml_return_t (*drain_query_fn)(const sim_nvml_pci_info_t *, uint32_t *);
typedef ns_nvml_return_t (*pci_fn)(const sim_nvml_pci_info_t *);
typedef ns_nvml_return_t (*capability_fn)(ns_nvml_device_t, int32_t *, int32_t *);

static sim_plant_image_t image;

static ns_nvml_return_t set_limit(ns_nvml_device_t device, uint32_t limit_mw) {
    return CALL("nvmlDeviceSetPowerManagementLimit", ns_nvml_set_u32_fn)(device, limit_mw);
}

static unsigned long long reasons_of(ns_nvml_device_t device) {
    unsigned long long reasons = 0;
    CHECK(CALL("nvmlDeviceGetCurrentClocksEventReasons", ns_nvml_u64_fn)(device, &reasons) == 0);
    return reasons;
}

static void a_clamped_board_enforces_less_than_was_asked_for(void) {
    start_client(&image);
    ns_nvml_device_t device = handle_of(1);
    image.knobs.accel_cap_clamp_w[1] = 400.0;
    CHECK(set_limit(device, 650000) == NS_NVML_SUCCESS);
    CHECK(get_u32("nvmlDeviceGetPowerManagementLimit", device) == 650000);
    CHECK(get_u32("nvmlDeviceGetEnforcedPowerLimit", device) == 400000);
    CHECK(image.setpoint.accel_cap_w[1] == 400.0);
    ns_nvml_field_value_t field[] = {{.field_id = NS_NVML_FIELD_POWER_LIMIT_CURRENT},
                                     {.field_id = NS_NVML_FIELD_POWER_LIMIT_REQUESTED}};
    CHECK(CALL("nvmlDeviceGetFieldValues", ns_nvml_fields_fn)(device, 2, field) == 0);
    CHECK(field[0].value.u32 == 400000 && field[1].value.u32 == 650000);
    CHECK(set_limit(device, 300000) == NS_NVML_SUCCESS); /* below the clamp: obeyed */
    CHECK(get_u32("nvmlDeviceGetEnforcedPowerLimit", device) == 300000);
    CHECK(get_u32("nvmlDeviceGetPowerManagementLimit", device) == 300000);
}

static void a_smaller_board_has_its_own_range_of_caps(void) {
    start_client(&image);
    image.boards.cap_w_min = 15.0;
    image.boards.cap_w_max = 60.0;
    sim_nvml_power_up(&image, 1);
    ns_nvml_device_t device = handle_of(1);
    uint32_t minimum = 0;
    uint32_t maximum = 0;
    two_u32_fn range = CALL("nvmlDeviceGetPowerManagementLimitConstraints", two_u32_fn);
    CHECK(range(device, &minimum, &maximum) == NS_NVML_SUCCESS);
    CHECK(minimum == 15000 && maximum == 60000);
    CHECK(get_u32("nvmlDeviceGetPowerManagementDefaultLimit", device) == 60000);
    CHECK(get_u32("nvmlDeviceGetEnforcedPowerLimit", device) == 60000);
    ns_nvml_field_value_t field[] = {{.field_id = NS_NVML_FIELD_POWER_LIMIT_MIN},
                                     {.field_id = NS_NVML_FIELD_POWER_LIMIT_MAX}};
    CHECK(CALL("nvmlDeviceGetFieldValues", ns_nvml_fields_fn)(device, 2, field) == 0);
    CHECK(field[0].value.u32 == 15000 && field[1].value.u32 == 60000);
    CHECK(set_limit(device, 15000) == NS_NVML_SUCCESS && image.setpoint.accel_cap_w[1] == 15.0);
    CHECK(set_limit(device, 14999) == NS_NVML_INVALID_ARGUMENT);
    CHECK(set_limit(device, 60001) == NS_NVML_INVALID_ARGUMENT);
    CHECK(image.setpoint.accel_cap_w[1] == 15.0);
    image.boards.cap_w_min = image.boards.cap_w_max = 0.0;
}

static void a_clamp_that_comes_and_goes_moves_the_enforced_limit_alone(void) {
    start_client(&image);
    ns_nvml_device_t device = handle_of(2);
    CHECK(set_limit(device, 600000) == NS_NVML_SUCCESS);
    image.knobs.accel_cap_clamp_w[2] = 250.0;
    sim_nvml_advance(&image, 0.1);
    CHECK(get_u32("nvmlDeviceGetEnforcedPowerLimit", device) == 250000);
    CHECK(get_u32("nvmlDeviceGetPowerManagementLimit", device) == 600000);
    image.knobs.accel_cap_clamp_w[2] = 350.0;
    sim_nvml_advance(&image, 0.1);
    CHECK(get_u32("nvmlDeviceGetEnforcedPowerLimit", device) == 350000);
    image.knobs.accel_cap_clamp_w[2] = 0.0;
    sim_nvml_advance(&image, 0.1);
    CHECK(get_u32("nvmlDeviceGetEnforcedPowerLimit", device) == 600000);
    CHECK(get_u32("nvmlDeviceGetEnforcedPowerLimit", handle_of(1)) == 700000);
    image.setpoint.accel_cap_w[2] = 500.0; /* the clamp is over: it no longer moves anything */
    sim_nvml_advance(&image, 0.1);
    CHECK(get_u32("nvmlDeviceGetEnforcedPowerLimit", device) == 500000);
}

static void a_limit_of_the_second_kind_is_checked_and_set(void) {
    start_client(&image);
    ns_nvml_device_t device = handle_of(0);
    power_value_fn set = CALL("nvmlDeviceSetPowerManagementLimit_v2", power_value_fn);
    sim_nvml_power_value_t value = {.version = SIM_NVML_POWER_VALUE_V2, .limit_mw = 444000};
    CHECK(set(device, &value) == NS_NVML_SUCCESS && image.setpoint.accel_cap_w[0] == 444.0);
    value.scope = 2;
    CHECK(set(device, &value) == NS_NVML_NOT_SUPPORTED);
    value.version = 1;
    CHECK(set(device, &value) == NS_NVML_ARGUMENT_VERSION_MISMATCH);
    CHECK(set(device, NULL) == NS_NVML_INVALID_ARGUMENT && image.setpoint.accel_cap_w[0] == 444.0);
}

static void a_board_that_slows_down_says_so_and_keeps_the_lock_for_later(void) {
    start_client(&image);
    ns_nvml_device_t device = handle_of(3);
    ns_nvml_set_clocks_fn lock = CALL("nvmlDeviceSetGpuLockedClocks", ns_nvml_set_clocks_fn);
    image.knobs.accel_slowdown[3] = 1.0;
    image.truth.accel_event_reasons[3] = 2.0; /* what the plant makes of a lower set-point */
    sim_nvml_advance(&image, 2.0);
    CHECK(image.setpoint.accel_clock_max_mhz[3] == 0.5 * SIM_NVML_CLOCK_MHZ_MAX);
    CHECK(reasons_of(device) == (0x8u | 0x80u)); /* HW slowdown by power brake; nobody locked */
    CHECK(lock(device, 210, 1500) == NS_NVML_SUCCESS);
    CHECK(image.setpoint.accel_clock_max_mhz[3] == 0.5 * SIM_NVML_CLOCK_MHZ_MAX);
    CHECK(reasons_of(device) == (0x2u | 0x8u | 0x80u));
    CHECK(lock(device, 210, 600) == NS_NVML_SUCCESS);
    CHECK(image.setpoint.accel_clock_max_mhz[3] == 600.0); /* slower than the slowdown */
    CHECK(lock(device, 210, 1500) == NS_NVML_SUCCESS);
    image.knobs.accel_slowdown[3] = 0.0;
    sim_nvml_advance(&image, 1.0);
    CHECK(image.setpoint.accel_clock_max_mhz[3] == 1500.0 && reasons_of(device) == 2);
    sim_nvml_violation_t violation;
    violation_fn violations = CALL("nvmlDeviceGetViolationStatus", violation_fn);
    CHECK(violations(device, 3, &violation) == NS_NVML_SUCCESS);
    CHECK(violation.violation_ns == 2000000000u && violation.reference_us == 1000000u);
}

static void violation_times_count_the_reason_that_holds_the_clock_down(void) {
    start_client(&image);
    ns_nvml_device_t device = handle_of(0);
    sim_nvml_violation_t violation;
    violation_fn violations = CALL("nvmlDeviceGetViolationStatus", violation_fn);
    image.truth.accel_event_reasons[0] = 4.0;
    sim_nvml_advance(&image, 1.5);
    image.truth.accel_event_reasons[0] = 0x48;
    sim_nvml_advance(&image, 0.25);
    CHECK(violations(device, 0, &violation) == 0 && violation.violation_ns == 1500000000u);
    CHECK(violations(device, 1, &violation) == 0 && violation.violation_ns == 250000000u);
    CHECK(violations(device, 3, &violation) == 0 && violation.violation_ns == 0);
    CHECK(violations(device, 2, &violation) == NS_NVML_NOT_SUPPORTED);
    CHECK(violations(device, 12, &violation) == NS_NVML_INVALID_ARGUMENT);
    sim_nvml_power_up(&image, 0);
    CHECK(violations(device, 0, &violation) == 0 && violation.violation_ns == 0);
}

static void settings_are_lost_at_power_up(void) {
    start_client(&image);
    ns_nvml_device_t device = handle_of(4);
    ns_nvml_set_u32_fn persist = CALL("nvmlDeviceSetPersistenceMode", ns_nvml_set_u32_fn);
    ns_nvml_set_clocks_fn lock = CALL("nvmlDeviceSetMemoryLockedClocks", ns_nvml_set_clocks_fn);
    ns_nvml_select_u32_fn clock = CALL("nvmlDeviceGetClockInfo", ns_nvml_select_u32_fn);
    uint32_t clock_mhz = 0;
    CHECK(get_u32("nvmlDeviceGetPersistenceMode", device) == 0);
    CHECK(persist(device, 1) == 0 && get_u32("nvmlDeviceGetPersistenceMode", device) == 1);
    CHECK(persist(device, 2) == NS_NVML_INVALID_ARGUMENT);
    CHECK(lock(device, 1593, 1593) == 0 && clock(device, 2, &clock_mhz) == 0 && clock_mhz == 1593);
    CHECK(lock(device, 2000, 1593) == NS_NVML_INVALID_ARGUMENT);
    CHECK(lock(device, 0, 0) == NS_NVML_INVALID_ARGUMENT);
    CHECK(lock(device, 0, 2620) == NS_NVML_INVALID_ARGUMENT);
    CHECK(set_limit(device, 250000) == 0);
    sim_nvml_power_up(&image, 4);
    CHECK(get_u32("nvmlDeviceGetPersistenceMode", device) == 0);
    CHECK(clock(device, 2, &clock_mhz) == 0 && clock_mhz == SIM_NVML_CLOCK_MEMORY_MHZ);
    CHECK(get_u32("nvmlDeviceGetPowerManagementLimit", device) == 700000);
    CHECK(lock(device, 1593, 1593) == 0);
    CHECK(CALL("nvmlDeviceResetMemoryLockedClocks", device_fn)(device) == 0);
    CHECK(clock(device, 2, &clock_mhz) == 0 && clock_mhz == SIM_NVML_CLOCK_MEMORY_MHZ);
}

static void memory_follows_utilisation_and_adds_up(void) {
    start_client(&image);
    sim_nvml_memory_t first;
    sim_nvml_memory_v2_t second = {.version = SIM_NVML_MEMORY_V2};
    ns_nvml_device_t device = handle_of(5);
    memory_fn memory = CALL("nvmlDeviceGetMemoryInfo", memory_fn);
    memory_v2_fn memory_v2 = CALL("nvmlDeviceGetMemoryInfo_v2", memory_v2_fn);
    CHECK(memory_v2(device, &second) == 0 && second.used == 0);
    image.truth.accel_utilisation_ratio[5] = 1.0;
    CHECK(memory(device, &first) == 0 && memory_v2(device, &second) == 0);
    CHECK(second.used == (512ull << 20) + (64ull << 30));
    CHECK(second.total == second.reserved + second.used + second.free);
    CHECK(first.used == second.used + second.reserved); /* version 1 counts the reserved part */
    CHECK(first.total == first.used + first.free && first.total == second.total);
    second.version = 1;
    CHECK(memory_v2(device, &second) == NS_NVML_ARGUMENT_VERSION_MISMATCH);
}

static void a_process_list_comes_in_two_steps(void) {
    start_client(&image);
    uint32_t count = 0;
    sim_nvml_process_t process[2];
    ns_nvml_device_t device = handle_of(6);
    processes_fn processes = CALL("nvmlDeviceGetComputeRunningProcesses_v3", processes_fn);
    CHECK(processes(device, &count, NULL) == NS_NVML_SUCCESS && count == 0); /* idle */
    image.truth.accel_utilisation_ratio[6] = 0.5;
    CHECK(processes(device, &count, NULL) == NS_NVML_INSUFFICIENT_SIZE && count == 1);
    count = 2;
    CHECK(processes(device, &count, process) == NS_NVML_SUCCESS && count == 1);
    CHECK(process[0].pid == (uint32_t)getpid()); /* lives on this host */
    CHECK(process[0].memory_bytes == (512ull << 20) + (32ull << 30));
    CHECK(process[0].gpu_instance_id == UINT32_MAX && process[0].compute_instance_id == UINT32_MAX);
    CHECK(CALL("nvmlDeviceGetComputeRunningProcesses_v2", processes_fn)(device, &count, process) ==
          0);
    sim_nvml_process_v1_t old[1] = {{0}};
    CHECK(CALL("nvmlDeviceGetComputeRunningProcesses", processes_v1_fn)(device, &count, old) == 0);
    CHECK(old[0].pid == process[0].pid && old[0].memory_bytes == process[0].memory_bytes);
    CHECK(CALL("nvmlDeviceGetGraphicsRunningProcesses_v3", processes_fn)(device, &count, process) ==
          0);
    CHECK(count == 0);
    CHECK(CALL("nvmlDeviceGetGraphicsRunningProcesses_v2", processes_fn)(device, &count, NULL) ==
          0);
    CHECK(CALL("nvmlDeviceGetMPSComputeRunningProcesses_v3", processes_fn)(device, &count, NULL) ==
          0);
    CHECK(processes(device, NULL, process) == NS_NVML_INVALID_ARGUMENT);
}

static void process_samples_are_those_since_the_last_look(void) {
    start_client(&image);
    uint32_t count = 0;
    sim_nvml_process_sample_t sample;
    ns_nvml_device_t device = handle_of(6);
    samples_fn samples = CALL("nvmlDeviceGetProcessUtilization", samples_fn);
    CHECK(samples(device, NULL, &count, 0) == NS_NVML_NOT_FOUND && count == 0);
    image.truth.accel_utilisation_ratio[6] = 0.42;
    CHECK(samples(device, NULL, &count, 0) == NS_NVML_INSUFFICIENT_SIZE && count == 1);
    CHECK(samples(device, &sample, &count, 0) == NS_NVML_SUCCESS);
    CHECK(sample.pid == (uint32_t)getpid() && sample.core_percent == 42);
    CHECK(sample.time_us == 1000000);
    CHECK(samples(device, &sample, &count, sample.time_us) == NS_NVML_NOT_FOUND && count == 0);
}

static void counters_come_from_the_plant(void) {
    start_client(&image);
    ns_nvml_device_t device = handle_of(7);
    uint32_t row[4] = {0};
    unsigned long long errors = 99;
    sim_nvml_remap_histogram_t banks;
    image.knobs.accel_remapped_corrected_count[7] = 3.0;
    image.knobs.accel_remapped_uncorrected_count[7] = 1.0;
    image.knobs.accel_remap_pending[7] = 1.0;
    image.truth.accel_ecc_uncorrected_count[7] = 5.0;
    rows_fn rows = CALL("nvmlDeviceGetRemappedRows", rows_fn);
    CHECK(rows(device, &row[0], &row[1], &row[2], &row[3]) == NS_NVML_SUCCESS);
    CHECK(row[0] == 3 && row[1] == 1 && row[2] == 1 && row[3] == 0);
    CHECK(rows(device, &row[0], &row[1], &row[2], NULL) == NS_NVML_INVALID_ARGUMENT);
    histogram_fn histogram = CALL("nvmlDeviceGetRowRemapperHistogram", histogram_fn);
    CHECK(histogram(device, &banks) == 0 && banks.high == 4 && banks.none == 0);
    image.knobs.accel_remap_failed[7] = 1.0;
    CHECK(histogram(device, &banks) == 0 && banks.high == 3 && banks.none == 1);
    memory_errors_fn memory_errors = CALL("nvmlDeviceGetMemoryErrorCounter", memory_errors_fn);
    CHECK(memory_errors(device, 1, 0, 2, &errors) == NS_NVML_SUCCESS && errors == 5);
    CHECK(memory_errors(device, 1, 0, 1, &errors) == NS_NVML_SUCCESS && errors == 0);
    CHECK(memory_errors(device, 1, 0, 8, &errors) == NS_NVML_INVALID_ARGUMENT);
    ns_nvml_field_value_t field[] = {
        {.field_id = 142}, {.field_id = 143}, {.field_id = 144}, {.field_id = 145}};
    CHECK(CALL("nvmlDeviceGetFieldValues", ns_nvml_fields_fn)(device, 4, field) == 0);
    CHECK(field[0].value.u32 == 3 && field[1].value.u32 == 1 && field[2].value.u32 == 1);
    CHECK(field[3].value.u32 == 1);
}

static void what_never_changes_is_there(void) {
    start_client(&image);
    uint32_t first = 9;
    uint32_t second = 9;
    int32_t major = 0;
    int32_t minor = 9;
    char serial[32];
    ns_nvml_device_t device = handle_of(5);
    CHECK(CALL("nvmlDeviceGetMigMode", two_u32_fn)(device, &first, &second) == 0);
    CHECK(first == 0 && second == 0);
    CHECK(CALL("nvmlDeviceGetMigMode", two_u32_fn)(device, &first, NULL) ==
          NS_NVML_INVALID_ARGUMENT);
    CHECK(CALL("nvmlDeviceGetEncoderUtilization", two_u32_fn)(device, &first, &second) == 0);
    CHECK(CALL("nvmlDeviceGetDecoderUtilization", two_u32_fn)(device, &first, &second) == 0);
    CHECK(first == 0 && second > 0);
    CHECK(CALL("nvmlDeviceGetCudaComputeCapability", capability_fn)(device, &major, &minor) == 0);
    CHECK(major == 9 && minor == 0);
    CHECK(CALL("nvmlDeviceGetSerial", ns_nvml_uuid_fn)(device, serial, sizeof(serial)) == 0);
    CHECK(strcmp(serial, "SIM5") == 0);
    CHECK(get_u32("nvmlDeviceGetArchitecture", device) == 9);
    CHECK(get_u32("nvmlDeviceGetCurrPcieLinkGeneration", device) == 5);
    CHECK(get_u32("nvmlDeviceGetMaxPcieLinkGeneration", device) == 5);
    CHECK(get_u32("nvmlDeviceGetCurrPcieLinkWidth", device) == 16);
    CHECK(get_u32("nvmlDeviceGetMaxPcieLinkWidth", device) == 16);
    CHECK(get_u32("nvmlDeviceGetPowerManagementMode", device) == 1);
    CHECK(get_u32("nvmlDeviceGetDisplayMode", device) == 0);
}

static sim_nvml_pci_info_t pci_of(uint32_t board) {
    return (sim_nvml_pci_info_t){.bus = sim_nvml_pci_bus(board)};
}

static void a_removed_accelerator_renumbers_the_others_and_comes_back_as_new(void) {
    start_client(&image);
    uint32_t count = 0;
    uint32_t state = 9;
    ns_nvml_device_t device = NULL;
    ns_nvml_device_t old = handle_of(7);
    sim_nvml_pci_info_t pci = pci_of(2);
    drain_fn drain = CALL("nvmlDeviceModifyDrainState", drain_fn);
    pci_fn discover = CALL("nvmlDeviceDiscoverGpus", pci_fn);
    pci_fn take_out = CALL("nvmlDeviceRemoveGpu", pci_fn);
    ns_nvml_by_pci_fn by_pci = CALL("nvmlDeviceGetHandleByPciBusId_v2", ns_nvml_by_pci_fn);
    CHECK(set_limit(handle_of(2), 222000) == NS_NVML_SUCCESS);
    image.truth.accel_utilisation_ratio[2] = 0.1;
    CHECK(take_out(&pci) == NS_NVML_IN_USE); /* not drained */
    CHECK(drain(&pci, 2) == NS_NVML_INVALID_ARGUMENT && drain(&pci, 1) == NS_NVML_SUCCESS);
    CHECK(CALL("nvmlDeviceQueryDrainState", drain_query_fn)(&pci, &state) == 0 && state == 1);
    CHECK(take_out(&pci) == NS_NVML_IN_USE); /* somebody computes */
    image.truth.accel_utilisation_ratio[2] = 0.0;
    CHECK(take_out(&pci) == NS_NVML_SUCCESS && take_out(&pci) == NS_NVML_NOT_FOUND);
    CHECK(CALL("nvmlDeviceGetCount_v2", count_fn)(&count) == 0 && count == 7);
    CHECK(by_pci(sim_nvml_pci_bus_id(2), &device) == NS_NVML_NOT_FOUND);
    CHECK(CALL("nvmlDeviceGetHandleByUUID", ns_nvml_by_pci_fn)(sim_nvml_uuid(2), &device) ==
          NS_NVML_NOT_FOUND);
    CHECK(code_of("nvmlDeviceGetIndex", old) == NS_NVML_INVALID_ARGUMENT);
    CHECK(get_u32("nvmlDeviceGetIndex", handle_of(7)) == 6);
    CHECK(get_u32("nvmlDeviceGetMinorNumber", handle_of(7)) == 7);
    by_index_fn by_index = CALL("nvmlDeviceGetHandleByIndex_v2", by_index_fn);
    CHECK(by_index(2, &device) == NS_NVML_SUCCESS && device == handle_of(3));
    CHECK(by_index(7, &device) == NS_NVML_INVALID_ARGUMENT);
    image.truth.accel_alive[2] = 0.0;
    CHECK(discover(&pci) == 0 && CALL("nvmlDeviceGetCount_v2", count_fn)(&count) == 0);
    CHECK(count == 7); /* without power nothing is found */
    image.truth.accel_alive[2] = 1.0;
    CHECK(discover(&pci) == 0 && get_u32("nvmlDeviceGetIndex", handle_of(7)) == 7);
    CHECK(get_u32("nvmlDeviceGetEnforcedPowerLimit", handle_of(2)) == 700000);
    pci.bus = 1;
    CHECK(discover(&pci) == NS_NVML_NOT_FOUND && discover(NULL) == NS_NVML_INVALID_ARGUMENT);
}

int main(void) {
    open_library();
    a_clamped_board_enforces_less_than_was_asked_for();
    a_smaller_board_has_its_own_range_of_caps();
    a_clamp_that_comes_and_goes_moves_the_enforced_limit_alone();
    a_limit_of_the_second_kind_is_checked_and_set();
    a_board_that_slows_down_says_so_and_keeps_the_lock_for_later();
    violation_times_count_the_reason_that_holds_the_clock_down();
    settings_are_lost_at_power_up();
    memory_follows_utilisation_and_adds_up();
    a_process_list_comes_in_two_steps();
    process_samples_are_those_since_the_last_look();
    counters_come_from_the_plant();
    what_never_changes_is_there();
    a_removed_accelerator_renumbers_the_others_and_comes_back_as_new();
    CALL("nightside_sim_nvml_attach", attach_fn)(NULL);
    return 0;
}
