/**
 * @file nvml_client.h
 * @brief A client of the simulated libnvidia-ml.so.1, which it loads by absolute path as the driver
 * does.
 */
#ifndef NIGHTSIDE_SIM_NVML_CLIENT_H
#define NIGHTSIDE_SIM_NVML_CLIENT_H

#include "nvml/nvml_api.h"

/* POSIX lets a data pointer of dlsym hold a function; the union keeps the compiler from
   objecting. */
#define CALL(name, type)                                                                           \
    ((union {                                                                                      \
         void *symbol;                                                                             \
         type function;                                                                            \
     }){.symbol = symbol_of(name)}                                                                 \
         .function)

typedef void (*attach_fn)(sim_plant_image_t *);
typedef const char *(*error_string_fn)(ns_nvml_return_t);
typedef ns_nvml_return_t (*by_index_fn)(uint32_t, ns_nvml_device_t *);
typedef ns_nvml_return_t (*temperature_v_fn)(ns_nvml_device_t, sim_nvml_temperature_t *);
typedef ns_nvml_return_t (*memory_v2_fn)(ns_nvml_device_t, sim_nvml_memory_v2_t *);
typedef ns_nvml_return_t (*pci_info_fn)(ns_nvml_device_t, sim_nvml_pci_info_t *);
typedef ns_nvml_return_t (*two_u32_fn)(ns_nvml_device_t, uint32_t *, uint32_t *);
typedef ns_nvml_return_t (*memory_fn)(ns_nvml_device_t, sim_nvml_memory_t *);
typedef ns_nvml_return_t (*cuda_fn)(int32_t *);
typedef ns_nvml_return_t (*count_fn)(uint32_t *);
typedef ns_nvml_return_t (*device_fn)(ns_nvml_device_t);
typedef ns_nvml_return_t (*ecc_fn)(ns_nvml_device_t, uint32_t, uint32_t, unsigned long long *);
typedef ns_nvml_return_t (*processes_fn)(ns_nvml_device_t, uint32_t *, sim_nvml_process_t *);

/** @brief Load the library that the build named; ends the test when there is none. */
void open_library(void);

/** @brief Address of an exported function; ends the test when there is none. */
void *symbol_of(const char *name);

/** @brief Eight accelerators at work: 600 .. 607 W, 70 .. 77 degC, limits of the board. */
void fill_image(sim_plant_image_t *image);

/** @brief Fill the image, attach it and initialise the library. */
void start_client(sim_plant_image_t *image);

/** @brief Handle of an accelerator of the plant, found by its PCI address. */
ns_nvml_device_t handle_of(uint32_t index);

/** @brief What a getter of one number gives; ends the test when it fails. */
uint32_t get_u32(const char *name, ns_nvml_device_t device);

/** @brief Code of a getter of one number. */
ns_nvml_return_t code_of(const char *name, ns_nvml_device_t device);

#endif
