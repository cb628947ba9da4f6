/**
 * @file nvml_memory.c  Memory of the accelerators and the processes that hold it.
 *
 * The one process that computes is the simulation itself, because a pid that does not live on this
 * host confuses clients. It holds memory by utilisation, and none while the accelerator idles.
 */
#include <time.h>
#include <unistd.h>

#include "nvml_state.h"

#define MEMORY_TOTAL_BYTES (80ull << 30)     /* H100 80GB */
#define MEMORY_RESERVED_BYTES (600ull << 20) /* assumed */
#define CONTEXT_BYTES (512ull << 20)         /* assumed: what a process holds before it computes */
#define WORK_BYTES (64ull << 30)             /* assumed: held at a utilisation of 1 */
#define MIB_SHIFT 20
#define NO_INSTANCE 0xFFFFFFFFu   /* not a MIG device */
#define ENCODER_PERIOD_US 167000u /* assumed */
#define US_PER_S 1000000u

static double utilisation_of(uint32_t board) {
    double ratio = sim_nvml.image->truth.accel_utilisation_ratio[board];
    return ratio > 0.0 ? (ratio < 1.0 ? ratio : 1.0) : 0.0;
}

/* In whole MiB, as drivers hand memory out. */
static uint64_t used_bytes(uint32_t board) {
    double ratio = utilisation_of(board);
    uint64_t bytes = ratio > 0.0 ? CONTEXT_BYTES + (uint64_t)((double)WORK_BYTES * ratio) : 0u;
    return bytes >> MIB_SHIFT << MIB_SHIFT;
}

static uint32_t pid_of_simulation(void) {
    return sim_nvml.is_attached ? (uint32_t)getpid() : sim_share_owner(&sim_nvml.share);
}

ns_nvml_return_t nvmlDeviceGetMemoryInfo(ns_nvml_device_t device, sim_nvml_memory_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        uint64_t used = used_bytes(call.board) + MEMORY_RESERVED_BYTES;
        *out = (sim_nvml_memory_t){
            .total = MEMORY_TOTAL_BYTES, .free = MEMORY_TOTAL_BYTES - used, .used = used};
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetMemoryInfo_v2(ns_nvml_device_t device, sim_nvml_memory_v2_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        uint64_t used = used_bytes(call.board);
        if (out->version != SIM_NVML_MEMORY_V2) {
            call.code = NS_NVML_ARGUMENT_VERSION_MISMATCH;
        } else {
            *out = (sim_nvml_memory_v2_t){.version = SIM_NVML_MEMORY_V2,
                                          .total = MEMORY_TOTAL_BYTES,
                                          .reserved = MEMORY_RESERVED_BYTES,
                                          .free = MEMORY_TOTAL_BYTES - MEMORY_RESERVED_BYTES - used,
                                          .used = used};
        }
    }
    return sim_nvml_leave(&call);
}

/* NVML's two steps: a list that is too short is answered with the size that is needed. */
static bool has_room(sim_nvml_call_t *call, uint32_t *count, uint32_t needed, const void *list) {
    uint32_t capacity = *count;
    *count = needed;
    if (needed > 0u && (capacity < needed || list == NULL)) {
        call->code = NS_NVML_INSUFFICIENT_SIZE;
        return false;
    }
    return needed > 0u;
}

static uint32_t process_count(uint32_t board) {
    return utilisation_of(board) > 0.0 ? 1u : 0u;
}

ns_nvml_return_t nvmlDeviceGetComputeRunningProcesses_v3(ns_nvml_device_t device, uint32_t *count,
                                                         sim_nvml_process_t *list) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, count) &&
        has_room(&call, count, process_count(call.board), list)) {
        list[0] = (sim_nvml_process_t){.pid = pid_of_simulation(),
                                       .memory_bytes = used_bytes(call.board),
                                       .gpu_instance_id = NO_INSTANCE,
                                       .compute_instance_id = NO_INSTANCE};
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetComputeRunningProcesses_v2(ns_nvml_device_t device, uint32_t *count,
                                                         sim_nvml_process_t *list) {
    return nvmlDeviceGetComputeRunningProcesses_v3(device, count, list);
}

ns_nvml_return_t nvmlDeviceGetComputeRunningProcesses(ns_nvml_device_t device, uint32_t *count,
                                                      sim_nvml_process_v1_t *list) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, count) &&
        has_room(&call, count, process_count(call.board), list)) {
        list[0] = (sim_nvml_process_v1_t){.pid = pid_of_simulation(),
                                          .memory_bytes = used_bytes(call.board)};
    }
    return sim_nvml_leave(&call);
}

static ns_nvml_return_t give_no_process(ns_nvml_device_t device, const char *function,
                                        uint32_t *count) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, function, count)) {
        *count = 0;
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetGraphicsRunningProcesses_v3(ns_nvml_device_t device, uint32_t *count,
                                                          sim_nvml_process_t *list) {
    (void)list;
    return give_no_process(device, __func__, count);
}

ns_nvml_return_t nvmlDeviceGetGraphicsRunningProcesses_v2(ns_nvml_device_t device, uint32_t *count,
                                                          sim_nvml_process_t *list) {
    return nvmlDeviceGetGraphicsRunningProcesses_v3(device, count, list);
}

ns_nvml_return_t nvmlDeviceGetMPSComputeRunningProcesses_v3(ns_nvml_device_t device,
                                                            uint32_t *count,
                                                            sim_nvml_process_t *list) {
    (void)list;
    return give_no_process(device, __func__, count);
}

/* Samples carry the time of the host, by which clients ask for what is new. */
static uint64_t host_time_us(void) {
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * US_PER_S + (uint64_t)now.tv_nsec / 1000u;
}

ns_nvml_return_t nvmlDeviceGetProcessUtilization(ns_nvml_device_t device,
                                                 sim_nvml_process_sample_t *list, uint32_t *count,
                                                 unsigned long long last_seen_us) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, count)) {
        uint64_t now_us =
            sim_nvml.is_attached ? sim_nvml_counter(sim_nvml.image->time_s * 1e6) : host_time_us();
        uint32_t needed = now_us > last_seen_us ? process_count(call.board) : 0u;
        if (has_room(&call, count, needed, list)) {
            uint32_t percent = sim_nvml_utilisation_percent(call.board);
            list[0] = (sim_nvml_process_sample_t){.pid = pid_of_simulation(),
                                                  .time_us = now_us,
                                                  .core_percent = percent,
                                                  .memory_percent = percent};
        } else if (call.code == NS_NVML_SUCCESS) {
            call.code = NS_NVML_NOT_FOUND; /* no sample since last_seen_us */
        }
    }
    return sim_nvml_leave(&call);
}

static ns_nvml_return_t give_idle_engine(ns_nvml_device_t device, const char *function,
                                         uint32_t *percent, uint32_t *period_us) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, function, percent)) {
        if (period_us == NULL) {
            call.code = NS_NVML_INVALID_ARGUMENT;
        } else {
            *percent = 0;
            *period_us = ENCODER_PERIOD_US;
        }
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetEncoderUtilization(ns_nvml_device_t device, uint32_t *percent,
                                                 uint32_t *period_us) {
    return give_idle_engine(device, __func__, percent, period_us);
}

ns_nvml_return_t nvmlDeviceGetDecoderUtilization(ns_nvml_device_t device, uint32_t *percent,
                                                 uint32_t *period_us) {
    return give_idle_engine(device, __func__, percent, period_us);
}
