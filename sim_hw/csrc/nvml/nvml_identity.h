/**
 * @file nvml_identity.h
 * @brief Who the simulated accelerators are; shared by the library and by those who configure a
 * driver.
 */
#ifndef NIGHTSIDE_SIM_NVML_IDENTITY_H
#define NIGHTSIDE_SIM_NVML_IDENTITY_H

#include <stdint.h>

/* cffi: begin */
/** @brief PCI bus of one accelerator, e.g. 0x1B; index 0 .. 7. */
uint32_t sim_nvml_pci_bus(uint32_t index);

/** @brief PCI address, e.g. "00000000:1B:00.0"; index 0 .. 7; a static string. */
const char *sim_nvml_pci_bus_id(uint32_t index);

/** @brief UUID with its "GPU-" prefix; index 0 .. 7; a static string. */
const char *sim_nvml_uuid(uint32_t index);

/**
 * @brief Number of a function for the knob nvml_fault_function, by its newest name.
 * @return 1 .. number of functions; 0: the library models no such function
 */
uint32_t sim_nvml_function_number(const char *name);

/** @brief Name of a function by its number, or NULL: there is no such number. */
const char *sim_nvml_function_name(uint32_t number);
/* cffi: end */

#endif
