/**
 * @file lying_nvml.h
 * @brief What the target gives the lying library; found there as the symbol `lying_nvml`.
 */
#ifndef NIGHTSIDE_LYING_NVML_H
#define NIGHTSIDE_LYING_NVML_H

#include "fuzz.h"

#define LYING_UUID "GPU-11111111-2222-3333-4444-555555555555"
#define LYING_PCI "00000000:41:00.0"

/** Where its answers come from, and how often it was asked. */
typedef struct lying_nvml {
    fuzz_input_t input;
    uint64_t call_count;
} lying_nvml_t;

#endif
