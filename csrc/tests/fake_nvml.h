/**
 * @file fake_nvml.h
 * @brief What the tests set in the fake library; found there as the symbol `fake_nvml`.
 */
#ifndef NIGHTSIDE_TEST_FAKE_NVML_H
#define NIGHTSIDE_TEST_FAKE_NVML_H

#include "device/nvml_abi.h"

#define FAKE_UUID "GPU-11111111-2222-3333-4444-555555555555"
#define FAKE_PCI "00000000:41:00.0"

typedef struct fake_nvml {
    ns_nvml_return_t init_return;
    ns_nvml_return_t version_return;
    ns_nvml_return_t device_return; /**< of every call with a device, and of its look-up */
    ns_nvml_return_t uuid_return;
    ns_nvml_return_t read_return;  /**< of all single reads */
    ns_nvml_return_t field_return; /**< of each entry of a batch */
    ns_nvml_return_t event_create_return;
    ns_nvml_return_t event_register_return;
    uint32_t value_type; /**< of each entry of a batch */
    uint32_t limit_mw;
    uint32_t clock_max_mhz;
    unsigned xid_pending; /**< events waiting: Xid 101, 102, ... */
    unsigned xid_sent;
    uint64_t event_type;
    int init_count;      /**< initialised minus shut down */
    int event_set_count; /**< created minus freed */
    const char *uuid;
} fake_nvml_t;

#endif
