/** @file nvml_identity.c */
#include "nvml_identity.h"

#include <assert.h>

#define ACCELERATORS 8u

/* PCI buses as on an eight-module baseboard; the UUIDs are ours and of the random kind. */
static const uint32_t pci_bus[ACCELERATORS] = {0x1B, 0x43, 0x52, 0x61, 0x9D, 0xC3, 0xD1, 0xDF};

static const char *const pci_bus_id[ACCELERATORS] = {
    "00000000:1B:00.0", "00000000:43:00.0", "00000000:52:00.0", "00000000:61:00.0",
    "00000000:9D:00.0", "00000000:C3:00.0", "00000000:D1:00.0", "00000000:DF:00.0"};

static const char *const uuid[ACCELERATORS] = {
    "GPU-5d0a7c10-41e2-4b6f-9c3a-0e51a7b2c000", "GPU-5d0a7c10-41e2-4b6f-9c3a-0e51a7b2c001",
    "GPU-5d0a7c10-41e2-4b6f-9c3a-0e51a7b2c002", "GPU-5d0a7c10-41e2-4b6f-9c3a-0e51a7b2c003",
    "GPU-5d0a7c10-41e2-4b6f-9c3a-0e51a7b2c004", "GPU-5d0a7c10-41e2-4b6f-9c3a-0e51a7b2c005",
    "GPU-5d0a7c10-41e2-4b6f-9c3a-0e51a7b2c006", "GPU-5d0a7c10-41e2-4b6f-9c3a-0e51a7b2c007"};

uint32_t sim_nvml_pci_bus(uint32_t index) {
    assert(index < ACCELERATORS);
    return pci_bus[index];
}

const char *sim_nvml_pci_bus_id(uint32_t index) {
    assert(index < ACCELERATORS);
    return pci_bus_id[index];
}

const char *sim_nvml_uuid(uint32_t index) {
    assert(index < ACCELERATORS);
    return uuid[index];
}
