/**
 * @file nvml_events.c  Event sets.
 *
 * An event is a word of the plant that changed since the registration or since the last event of
 * its kind; what stood there before is not delivered. Waiting is real for the clients of a shared
 * plant. In the process that flies the plant it never sleeps: simulated time stands still there.
 */
#include <string.h>

#include "nvml_state.h"

#define SETS_MAX 32u /* assumed: one per driver and some for other clients */
#define SET_TAG 0x45560000u
#define NO_INSTANCE 0xFFFFFFFFu /* not a MIG device */
#define WAIT_STEP_NS 5000000    /* assumed: the plant moves every 100 ms */
#define NS_PER_MS 1000000

enum event_kind { KIND_XID, KIND_ECC_SINGLE, KIND_ECC_DOUBLE, KIND_LOST, KIND_RECOVERY, KINDS };

/* NVML's event type bits. */
static const uint64_t kind_bit[KINDS] = {[KIND_XID] = NS_NVML_EVENT_XID,
                                         [KIND_ECC_SINGLE] = 0x1u,
                                         [KIND_ECC_DOUBLE] = 0x2u,
                                         [KIND_LOST] = 0x4000u,
                                         [KIND_RECOVERY] = 0x8000u};
#define ALL_KINDS (NS_NVML_EVENT_XID | 0x1u | 0x2u | 0x4000u | 0x8000u)

static struct {
    bool is_open;
    uint64_t types[SIM_ACCELERATORS_MAX]; /* registered */
    double seen[SIM_ACCELERATORS_MAX][KINDS];
} sets[SETS_MAX];

void sim_nvml_forget_events(void) {
    memset(sets, 0, sizeof(sets));
}

static double word_of(uint32_t board, enum event_kind kind) {
    const sim_truth_t *truth = &sim_nvml.image->truth;
    switch (kind) {
    case KIND_XID:
        return truth->accel_xid[board];
    case KIND_ECC_SINGLE:
        return truth->accel_ecc_corrected_count[board];
    case KIND_ECC_DOUBLE:
        return truth->accel_ecc_uncorrected_count[board];
    case KIND_LOST:
        return truth->accel_alive[board] == 0.0 ? 1.0 : 0.0;
    case KIND_RECOVERY:
    case KINDS:
        break;
    }
    return truth->accel_recovery_action[board];
}

static bool find_set(ns_nvml_event_set_t set, uint32_t *out_index) {
    for (uint32_t i = 0; i < SETS_MAX; i++) {
        if (sets[i].is_open && (uintptr_t)set == (SET_TAG | i)) {
            *out_index = i;
            return true;
        }
    }
    return false;
}

ns_nvml_return_t nvmlEventSetCreate(ns_nvml_event_set_t *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter_driver(&call, __func__, out)) {
        call.code = NS_NVML_INSUFFICIENT_RESOURCES;
        for (uint32_t i = 0; i < SETS_MAX && call.code != NS_NVML_SUCCESS; i++) {
            if (!sets[i].is_open) {
                memset(&sets[i], 0, sizeof(sets[i]));
                sets[i].is_open = true;
                *out = (ns_nvml_event_set_t)(uintptr_t)(SET_TAG | i);
                call.code = NS_NVML_SUCCESS;
            }
        }
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlEventSetFree(ns_nvml_event_set_t set) {
    uint32_t index = 0;
    sim_nvml_call_t call;
    if (sim_nvml_enter_driver(&call, __func__, set)) {
        if (find_set(set, &index)) {
            sets[index].is_open = false;
        } else {
            call.code = NS_NVML_INVALID_ARGUMENT;
        }
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceGetSupportedEventTypes(ns_nvml_device_t device,
                                                  unsigned long long *out) {
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, out)) {
        *out = ALL_KINDS;
    }
    return sim_nvml_leave(&call);
}

ns_nvml_return_t nvmlDeviceRegisterEvents(ns_nvml_device_t device, unsigned long long types,
                                          ns_nvml_event_set_t set) {
    uint32_t index = 0;
    sim_nvml_call_t call;
    if (sim_nvml_enter(&call, device, __func__, device)) {
        if (!find_set(set, &index)) {
            call.code = NS_NVML_INVALID_ARGUMENT;
        } else if ((types & ~(unsigned long long)ALL_KINDS) != 0u) {
            call.code = NS_NVML_NOT_SUPPORTED;
        } else {
            sets[index].types[call.board] |= types;
            for (int kind = 0; kind < KINDS; kind++) {
                sets[index].seen[call.board][kind] = word_of(call.board, (enum event_kind)kind);
            }
        }
    }
    return sim_nvml_leave(&call);
}

/* Xid and recovery action go back to 0 without an event; counters only ever grow. */
static bool take_event(uint32_t index, uint32_t board, ns_nvml_event_data_t *out) {
    for (int kind = 0; kind < KINDS; kind++) {
        double word = word_of(board, (enum event_kind)kind);
        bool is_new = word != sets[index].seen[board][kind] && word != 0.0;
        sets[index].seen[board][kind] = word;
        if (is_new && (sets[index].types[board] & kind_bit[kind]) != 0u) {
            *out = (ns_nvml_event_data_t){.device = sim_nvml_handle(board),
                                          .event_type = kind_bit[kind],
                                          .event_data =
                                              kind == KIND_XID ? sim_nvml_scaled(word, 1.0) : 0u,
                                          .gpu_instance_id = NO_INSTANCE,
                                          .compute_instance_id = NO_INSTANCE};
            return true;
        }
    }
    return false;
}

static ns_nvml_return_t look(ns_nvml_event_set_t set, ns_nvml_event_data_t *out) {
    uint32_t index = 0;
    if (!find_set(set, &index)) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    for (uint32_t board = 0; board < SIM_ACCELERATORS_MAX; board++) {
        if (sets[index].types[board] != 0u && take_event(index, board, out)) {
            return NS_NVML_SUCCESS;
        }
    }
    return sim_share_is_orphan(&sim_nvml.share) ? NS_NVML_GPU_IS_LOST : NS_NVML_TIMEOUT;
}

ns_nvml_return_t nvmlEventSetWait_v2(ns_nvml_event_set_t set, ns_nvml_event_data_t *out,
                                     uint32_t timeout_ms) {
    int64_t end_ns = timeout_ms == 0u ? 0 : sim_share_now_ns() + (int64_t)timeout_ms * NS_PER_MS;
    for (;;) {
        sim_nvml_call_t call;
        if (sim_nvml_enter_driver(&call, __func__, out)) {
            call.code = look(set, out);
        }
        bool is_over = timeout_ms == 0u || call.code != NS_NVML_TIMEOUT || sim_nvml.is_attached;
        ns_nvml_return_t code = sim_nvml_leave(&call);
        int64_t left_ns = is_over ? 0 : end_ns - sim_share_now_ns();
        if (left_ns <= 0) {
            return code;
        }
        sim_share_sleep_ns(left_ns < WAIT_STEP_NS ? left_ns : WAIT_STEP_NS);
    }
}

ns_nvml_return_t nvmlEventSetWait(ns_nvml_event_set_t set, ns_nvml_event_data_t *out,
                                  uint32_t timeout_ms) {
    return nvmlEventSetWait_v2(set, out, timeout_ms);
}
