/**
 * @file nvml_events.c  Event sets that deliver Xids.
 *
 * An Xid is an event when truth.accel_xid changes to another nonzero number; one that stood there
 * before the registration is not delivered. Waiting never sleeps: simulated time stands still
 * meanwhile.
 */
#include <string.h>

#include "nvml_state.h"

#define SETS_MAX 32u /* assumed: one per driver and some for other clients */
#define SET_TAG 0x45560000u
#define NO_INSTANCE 0xFFFFFFFFu /* not a MIG device */

static struct {
    bool is_open;
    bool is_registered[SIM_ACCELERATORS_MAX];
    double xid_seen[SIM_ACCELERATORS_MAX];
} sets[SETS_MAX];

void sim_nvml_forget_events(void) {
    memset(sets, 0, sizeof(sets));
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
    if (sim_nvml.init_count == 0) {
        return NS_NVML_UNINITIALIZED;
    }
    if (out == NULL) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    for (uint32_t i = 0; i < SETS_MAX; i++) {
        if (!sets[i].is_open) {
            memset(&sets[i], 0, sizeof(sets[i]));
            sets[i].is_open = true;
            *out = (ns_nvml_event_set_t)(uintptr_t)(SET_TAG | i);
            return NS_NVML_SUCCESS;
        }
    }
    return NS_NVML_INSUFFICIENT_RESOURCES;
}

ns_nvml_return_t nvmlEventSetFree(ns_nvml_event_set_t set) {
    uint32_t index = 0;
    if (!find_set(set, &index)) {
        return sim_nvml.init_count == 0 ? NS_NVML_UNINITIALIZED : NS_NVML_INVALID_ARGUMENT;
    }
    sets[index].is_open = false;
    return NS_NVML_SUCCESS;
}

ns_nvml_return_t nvmlDeviceGetSupportedEventTypes(ns_nvml_device_t device,
                                                  unsigned long long *out) {
    uint32_t index = 0;
    ns_nvml_return_t code = sim_nvml_find_for(device, out, &index);
    if (code == NS_NVML_SUCCESS) {
        *out = NS_NVML_EVENT_XID;
    }
    return code;
}

ns_nvml_return_t nvmlDeviceRegisterEvents(ns_nvml_device_t device, unsigned long long types,
                                          ns_nvml_event_set_t set) {
    uint32_t index = 0;
    uint32_t set_index = 0;
    ns_nvml_return_t code = sim_nvml_find(device, &index);
    if (code != NS_NVML_SUCCESS) {
        return code;
    }
    if (!find_set(set, &set_index)) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    if ((types & ~(unsigned long long)NS_NVML_EVENT_XID) != 0u) {
        return NS_NVML_NOT_SUPPORTED;
    }
    sets[set_index].is_registered[index] = true;
    sets[set_index].xid_seen[index] = sim_nvml.image->truth.accel_xid[index];
    return NS_NVML_SUCCESS;
}

ns_nvml_return_t nvmlEventSetWait_v2(ns_nvml_event_set_t set, ns_nvml_event_data_t *out,
                                     uint32_t timeout_ms) {
    (void)timeout_ms;
    uint32_t set_index = 0;
    if (sim_nvml.init_count == 0) {
        return NS_NVML_UNINITIALIZED;
    }
    if (out == NULL || !find_set(set, &set_index)) {
        return NS_NVML_INVALID_ARGUMENT;
    }
    for (uint32_t i = 0; i < SIM_ACCELERATORS_MAX; i++) {
        double xid = sim_nvml.image->truth.accel_xid[i];
        bool is_new = sets[set_index].is_registered[i] && xid != sets[set_index].xid_seen[i];
        sets[set_index].xid_seen[i] = xid;
        if (is_new && xid != 0.0) {
            *out = (ns_nvml_event_data_t){.device = sim_nvml_handle(i),
                                          .event_type = NS_NVML_EVENT_XID,
                                          .event_data = sim_nvml_scaled(xid, 1.0),
                                          .gpu_instance_id = NO_INSTANCE,
                                          .compute_instance_id = NO_INSTANCE};
            return NS_NVML_SUCCESS;
        }
    }
    return NS_NVML_TIMEOUT;
}

ns_nvml_return_t nvmlEventSetWait(ns_nvml_event_set_t set, ns_nvml_event_data_t *out,
                                  uint32_t timeout_ms) {
    return nvmlEventSetWait_v2(set, out, timeout_ms);
}
