/**
 * @file test_sim_nvml_share.c  A plant that another process owns, as its clients see it.
 *
 * The owner is this process or a child that waits; the plant is held, so that nothing here depends
 * on time but the sleeping functions themselves, and those only by their end.
 */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "nvml/nvml_share.h"
#include "nvml_client.h"

#define SHARE_BYTES (SIM_SHARE_HEADER_BYTES + sizeof(sim_plant_image_t))

typedef struct shared {
    int descriptor;
    char path[64];
    sim_share_header_t *header;
    sim_plant_image_t *image;
} shared_t;

static uint64_t start_ticks_of(pid_t pid) {
    char path[64];
    char text[1024];
    unsigned long long ticks = 0;
    (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    size_t size = fread(text, 1, sizeof(text) - 1, file);
    (void)fclose(file);
    text[size] = '\0';
    const char *at = strrchr(text, ')');
    CHECK(at != NULL && sscanf(at + 1,
                               " %*c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                               "%*s %*s %*s %llu",
                               &ticks) == 1);
    return ticks;
}

static shared_t share(pid_t owner, int seals, size_t size) {
    shared_t self = {.descriptor = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
    CHECK(self.descriptor >= 0 && ftruncate(self.descriptor, (off_t)size) == 0);
    CHECK(fcntl(self.descriptor, F_ADD_SEALS, seals) == 0);
    (void)snprintf(self.path, sizeof(self.path), "/proc/%d/fd/%d", (int)getpid(), self.descriptor);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, self.descriptor, 0);
    CHECK(memory != MAP_FAILED);
    self.header = (sim_share_header_t *)memory;
    *self.header = (sim_share_header_t){.magic = SIM_SHARE_MAGIC,
                                        .version = SIM_SHARE_VERSION,
                                        .header_bytes = SIM_SHARE_HEADER_BYTES,
                                        .image_bytes = sizeof(sim_plant_image_t),
                                        .owner_pid = (uint64_t)owner,
                                        .owner_start_ticks = start_ticks_of(owner)};
    if (size >= SHARE_BYTES) {
        unsigned char *bytes = (unsigned char *)memory + SIM_SHARE_HEADER_BYTES;
        self.image = (sim_plant_image_t *)(void *)bytes;
        fill_image(self.image);
    }
    CHECK(setenv(SIM_SHARE_VARIABLE, self.path, 1) == 0);
    return self;
}

static void forget(shared_t *self) {
    CHECK(munmap(self->header, SHARE_BYTES) == 0 && close(self->descriptor) == 0);
    CHECK(unsetenv(SIM_SHARE_VARIABLE) == 0);
}

static ns_nvml_return_t init(void) {
    return CALL("nvmlInit_v2", ns_nvml_void_fn)();
}

static void shut_down(void) {
    CHECK(CALL("nvmlShutdown", ns_nvml_void_fn)() == NS_NVML_SUCCESS);
}

static void without_the_variable_no_driver_is_loaded(void) {
    CHECK(unsetenv(SIM_SHARE_VARIABLE) == 0 && init() == NS_NVML_DRIVER_NOT_LOADED);
    CHECK(setenv(SIM_SHARE_VARIABLE, "", 1) == 0 && init() == NS_NVML_DRIVER_NOT_LOADED);
    CHECK(setenv(SIM_SHARE_VARIABLE, "/nowhere/at/all", 1) == 0);
    CHECK(init() == NS_NVML_DRIVER_NOT_LOADED);
    CHECK(setenv(SIM_SHARE_VARIABLE, "/dev/null", 1) == 0 && init() == NS_NVML_DRIVER_NOT_LOADED);
    CHECK(unsetenv(SIM_SHARE_VARIABLE) == 0);
}

static void a_client_reads_the_plant_and_its_caps_count(void) {
    shared_t plant = share(getpid(), F_SEAL_SHRINK, SHARE_BYTES);
    CHECK(init() == NS_NVML_SUCCESS);
    ns_nvml_device_t device = handle_of(3);
    CHECK(get_u32("nvmlDeviceGetPowerUsage", device) == 603000);
    CHECK(CALL("nvmlDeviceSetPowerManagementLimit", ns_nvml_set_u32_fn)(device, 250000) == 0);
    CHECK(plant.image->setpoint.accel_cap_w[3] == 250.0);
    plant.image->time_s = 2.0;
    plant.image->truth.accel_core_temp_c[3] = 81.0;
    uint32_t temp_c = 0;
    CHECK(CALL("nvmlDeviceGetTemperature", ns_nvml_select_u32_fn)(device, 0, &temp_c) == 0);
    CHECK(temp_c == 81);
    shut_down();
    forget(&plant);
}

static void a_spike_of_the_flight_is_not_taken_away_by_a_client(void) {
    shared_t plant = share(getpid(), F_SEAL_SHRINK, SHARE_BYTES);
    size_t word = offsetof(sim_truth_t, accel_power_w) / sizeof(double);
    plant.image->sensor_mode[word] = SIM_SENSOR_SPIKE;
    plant.image->sensor_value[word] = 9999.0;
    CHECK(init() == NS_NVML_SUCCESS);
    CHECK(get_u32("nvmlDeviceGetPowerUsage", handle_of(0)) == 600000);
    CHECK(plant.image->sensor_mode[word] == SIM_SENSOR_SPIKE);
    shut_down();
    forget(&plant);
}

static void what_could_shrink_under_a_client_is_refused(void) {
    shared_t plant = share(getpid(), 0, SHARE_BYTES);
    CHECK(init() == NS_NVML_DRIVER_NOT_LOADED);
    forget(&plant);
    plant = share(getpid(), F_SEAL_SHRINK, SHARE_BYTES);
    CHECK(init() == NS_NVML_SUCCESS && ftruncate(plant.descriptor, 0) != 0);
    CHECK(get_u32("nvmlDeviceGetPowerUsage", handle_of(0)) == 600000);
    shut_down();
    forget(&plant);
}

static void what_is_no_plant_image_of_this_build_is_refused(void) {
    shared_t plant = share(getpid(), F_SEAL_SHRINK, SHARE_BYTES);
    sim_share_header_t good = *plant.header;
    plant.header->magic ^= 1u;
    CHECK(init() == NS_NVML_DRIVER_NOT_LOADED);
    *plant.header = good;
    plant.header->version++;
    CHECK(init() == NS_NVML_LIB_RM_VERSION_MISMATCH);
    *plant.header = good;
    plant.header->image_bytes -= 8u;
    CHECK(init() == NS_NVML_LIB_RM_VERSION_MISMATCH);
    *plant.header = good;
    plant.header->header_bytes = 64u;
    CHECK(init() == NS_NVML_LIB_RM_VERSION_MISMATCH);
    *plant.header = good;
    plant.header->owner_start_ticks++; /* the pid was used again */
    CHECK(init() == NS_NVML_DRIVER_NOT_LOADED);
    *plant.header = good;
    CHECK(init() == NS_NVML_SUCCESS);
    shut_down();
    forget(&plant);
    plant = share(getpid(), F_SEAL_SHRINK, SHARE_BYTES - 1u);
    CHECK(init() == NS_NVML_LIB_RM_VERSION_MISMATCH); /* shorter than it says */
    forget(&plant);
    plant = share(getpid(), F_SEAL_SHRINK, SHARE_BYTES);
    CHECK(fchmod(plant.descriptor, 0400) == 0);
    CHECK(geteuid() == 0 || init() == NS_NVML_NO_PERMISSION); /* the superuser opens anything */
    forget(&plant);
}

static pid_t start_owner(void) {
    pid_t owner = fork();
    CHECK(owner >= 0);
    if (owner == 0) {
        for (;;) {
            (void)pause();
        }
    }
    return owner;
}

static ns_nvml_return_t wait_for_loss(ns_nvml_device_t device) {
    ns_nvml_return_t code = NS_NVML_SUCCESS;
    for (int look = 0; look < 1000 && code == NS_NVML_SUCCESS; look++) {
        code = code_of("nvmlDeviceGetPowerUsage", device);
        (void)usleep(10000);
    }
    return code;
}

static void a_dead_simulation_loses_its_accelerators(void) {
    pid_t owner = start_owner();
    shared_t plant = share(owner, F_SEAL_SHRINK, SHARE_BYTES);
    CHECK(init() == NS_NVML_SUCCESS);
    ns_nvml_device_t device = handle_of(0);
    CHECK(code_of("nvmlDeviceGetPowerUsage", device) == NS_NVML_SUCCESS);
    CHECK(kill(owner, SIGKILL) == 0); /* a zombie does not simulate either */
    CHECK(wait_for_loss(device) == NS_NVML_GPU_IS_LOST);
    CHECK(waitpid(owner, NULL, 0) == owner);
    CHECK(init() == NS_NVML_DRIVER_NOT_LOADED);
    ns_nvml_device_t other = NULL;
    by_index_fn by_index = CALL("nvmlDeviceGetHandleByIndex_v2", by_index_fn);
    CHECK(by_index(0, &other) == NS_NVML_GPU_IS_LOST);
    shut_down();
    CHECK(init() == NS_NVML_DRIVER_NOT_LOADED);
    forget(&plant);
}

static void a_simulation_that_ended_loses_its_accelerators_at_once(void) {
    shared_t plant = share(getpid(), F_SEAL_SHRINK, SHARE_BYTES);
    ns_nvml_event_set_t set = NULL;
    ns_nvml_event_data_t data;
    CHECK(init() == NS_NVML_SUCCESS);
    ns_nvml_device_t device = handle_of(0);
    CHECK(CALL("nvmlEventSetCreate", ns_nvml_event_create_fn)(&set) == NS_NVML_SUCCESS);
    plant.header->owner_pid = 0;
    CHECK(code_of("nvmlDeviceGetPowerUsage", device) == NS_NVML_GPU_IS_LOST);
    ns_nvml_event_wait_fn wait = CALL("nvmlEventSetWait_v2", ns_nvml_event_wait_fn);
    CHECK(wait(set, &data, 60000) == NS_NVML_GPU_IS_LOST);
    shut_down();
    forget(&plant);
}

/* What another thread does to the plant while a call sleeps. */
typedef struct later {
    shared_t *plant;
    double *word;
    double value;
} later_t;

static void *change_later(void *argument) {
    const later_t *later = (const later_t *)argument;
    (void)usleep(30000);
    *(volatile double *)later->word = later->value;
    return NULL;
}

static void events_are_waited_for_and_a_wait_ends(void) {
    shared_t plant = share(getpid(), F_SEAL_SHRINK, SHARE_BYTES);
    pthread_t thread;
    ns_nvml_event_set_t set = NULL;
    ns_nvml_event_data_t data;
    CHECK(init() == NS_NVML_SUCCESS);
    CHECK(CALL("nvmlEventSetCreate", ns_nvml_event_create_fn)(&set) == NS_NVML_SUCCESS);
    CHECK(CALL("nvmlDeviceRegisterEvents", ns_nvml_event_register_fn)(handle_of(4), 0x8, set) == 0);
    ns_nvml_event_wait_fn wait = CALL("nvmlEventSetWait_v2", ns_nvml_event_wait_fn);
    int64_t before_ns = sim_share_now_ns();
    CHECK(wait(set, &data, 20) == NS_NVML_TIMEOUT);
    CHECK(sim_share_now_ns() - before_ns >= 20000000); /* not before its time */
    later_t later = {.word = &plant.image->truth.accel_xid[4], .value = 63.0};
    CHECK(pthread_create(&thread, NULL, change_later, &later) == 0);
    CHECK(wait(set, &data, 60000) == NS_NVML_SUCCESS && data.event_data == 63);
    CHECK(pthread_join(thread, NULL) == 0);
    shut_down();
    forget(&plant);
}

static void a_call_hangs_until_the_fault_ends_and_others_go_on(void) {
    shared_t plant = share(getpid(), F_SEAL_SHRINK, SHARE_BYTES);
    pthread_t thread;
    CHECK(init() == NS_NVML_SUCCESS);
    ns_nvml_device_t device = handle_of(1);
    plant.image->knobs.nvml_hang[1] = 1.0;
    CHECK(code_of("nvmlDeviceGetPowerUsage", handle_of(2)) == NS_NVML_SUCCESS);
    later_t later = {.word = &plant.image->knobs.nvml_hang[1], .value = 0.0};
    CHECK(pthread_create(&thread, NULL, change_later, &later) == 0);
    CHECK(code_of("nvmlDeviceGetPowerUsage", device) == NS_NVML_SUCCESS);
    CHECK(pthread_join(thread, NULL) == 0);
    CHECK(plant.image->knobs.nvml_hang[1] == 0.0); /* it did wait */
    plant.image->knobs.nvml_delay_s[1] = 0.03;
    int64_t before_ns = sim_share_now_ns();
    CHECK(code_of("nvmlDeviceGetPowerUsage", device) == NS_NVML_SUCCESS);
    CHECK(sim_share_now_ns() - before_ns >= 30000000);
    plant.image->knobs.nvml_delay_s[1] = 0.0;
    plant.image->knobs.nvml_hang[1] = 1.0;
    plant.header->owner_pid = 0; /* nobody is left to end the fault */
    CHECK(code_of("nvmlDeviceGetPowerUsage", device) == NS_NVML_GPU_IS_LOST);
    shut_down();
    forget(&plant);
}

static void *shut_down_later(void *argument) {
    (void)argument;
    (void)usleep(30000);
    shut_down();
    return NULL;
}

static void a_shutdown_ends_the_calls_that_hang(void) {
    shared_t plant = share(getpid(), F_SEAL_SHRINK, SHARE_BYTES);
    pthread_t thread;
    CHECK(init() == NS_NVML_SUCCESS);
    ns_nvml_device_t device = handle_of(1);
    plant.image->knobs.nvml_hang[1] = 1.0;
    CHECK(pthread_create(&thread, NULL, shut_down_later, NULL) == 0);
    CHECK(code_of("nvmlDeviceGetPowerUsage", device) == NS_NVML_UNINITIALIZED);
    CHECK(pthread_join(thread, NULL) == 0);
    forget(&plant);
}

static void a_process_of_a_shared_plant_is_its_owner(void) {
    pid_t owner = start_owner();
    shared_t plant = share(owner, F_SEAL_SHRINK, SHARE_BYTES);
    uint32_t count = 1;
    sim_nvml_process_t process;
    plant.image->truth.accel_utilisation_ratio[0] = 0.5;
    CHECK(init() == NS_NVML_SUCCESS);
    processes_fn processes = CALL("nvmlDeviceGetComputeRunningProcesses_v3", processes_fn);
    CHECK(processes(handle_of(0), &count, &process) == 0 && process.pid == (uint32_t)owner);
    shut_down();
    CHECK(kill(owner, SIGKILL) == 0 && waitpid(owner, NULL, 0) == owner);
    forget(&plant);
}

#define READS 2000

static void *read_often(void *argument) {
    (void)argument;
    CHECK(init() == NS_NVML_SUCCESS);
    for (uint32_t i = 0; i < READS; i++) {
        uint32_t board = i % SIM_ACCELERATORS_MAX;
        CHECK(get_u32("nvmlDeviceGetPowerUsage", handle_of(board)) == 600000 + 1000 * board);
    }
    shut_down();
    return NULL;
}

static void several_threads_share_the_library(void) {
    shared_t plant = share(getpid(), F_SEAL_SHRINK, SHARE_BYTES);
    pthread_t thread[4];
    CHECK(init() == NS_NVML_SUCCESS);
    for (int i = 0; i < 4; i++) {
        CHECK(pthread_create(&thread[i], NULL, read_often, NULL) == 0);
    }
    for (int i = 0; i < 4; i++) {
        CHECK(pthread_join(thread[i], NULL) == 0);
    }
    shut_down();
    forget(&plant);
}

static void a_plant_of_this_process_wins_over_a_shared_one(void) {
    static sim_plant_image_t own;
    shared_t plant = share(getpid(), F_SEAL_SHRINK, SHARE_BYTES);
    start_client(&own);
    own.truth.accel_power_w[0] = 123.0;
    CHECK(get_u32("nvmlDeviceGetPowerUsage", handle_of(0)) == 123000);
    CALL("nightside_sim_nvml_attach", attach_fn)(NULL);
    CHECK(init() == NS_NVML_SUCCESS); /* the flight of this process is over */
    CHECK(get_u32("nvmlDeviceGetPowerUsage", handle_of(0)) == 600000);
    shut_down();
    forget(&plant);
}

int main(void) {
    open_library();
    without_the_variable_no_driver_is_loaded();
    a_client_reads_the_plant_and_its_caps_count();
    a_spike_of_the_flight_is_not_taken_away_by_a_client();
    what_could_shrink_under_a_client_is_refused();
    what_is_no_plant_image_of_this_build_is_refused();
    a_dead_simulation_loses_its_accelerators();
    a_simulation_that_ended_loses_its_accelerators_at_once();
    events_are_waited_for_and_a_wait_ends();
    a_call_hangs_until_the_fault_ends_and_others_go_on();
    a_shutdown_ends_the_calls_that_hang();
    a_process_of_a_shared_plant_is_its_owner();
    several_threads_share_the_library();
    a_plant_of_this_process_wins_over_a_shared_one();
    return 0;
}
