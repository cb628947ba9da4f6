/** @file nvml_client.c */
#include "nvml_client.h"

#include <dlfcn.h>

#include "check.h"
#include "nvml/nvml_identity.h"

static void *library;

void open_library(void) {
    library = dlopen(SIM_NVML_PATH, RTLD_NOW | RTLD_LOCAL);
    CHECK(library != NULL);
}

void *symbol_of(const char *name) {
    void *symbol = dlsym(library, name);
    if (symbol == NULL) {
        fprintf(stderr, "missing symbol %s\n", name);
        exit(1);
    }
    return symbol;
}

void fill_image(sim_plant_image_t *image) {
    *image = (sim_plant_image_t){.time_s = 1.0};
    for (int i = 0; i < SIM_ACCELERATORS_MAX; i++) {
        image->truth.accel_alive[i] = 1.0;
        image->truth.accel_power_w[i] = 600.0 + i;
        image->truth.accel_core_temp_c[i] = 70.0 + i;
        image->setpoint.accel_cap_w[i] = 700.0;
        image->setpoint.accel_clock_max_mhz[i] = 1980.0;
    }
}

void start_client(sim_plant_image_t *image) {
    fill_image(image);
    CALL("nightside_sim_nvml_attach", attach_fn)(image);
    CHECK(CALL("nvmlInit_v2", ns_nvml_void_fn)() == NS_NVML_SUCCESS);
}

ns_nvml_device_t handle_of(uint32_t index) {
    ns_nvml_device_t device = NULL;
    const char *pci_bus_id = sim_nvml_pci_bus_id(index);
    ns_nvml_by_pci_fn by_pci = CALL("nvmlDeviceGetHandleByPciBusId_v2", ns_nvml_by_pci_fn);
    CHECK(by_pci(pci_bus_id, &device) == NS_NVML_SUCCESS);
    return device;
}

uint32_t get_u32(const char *name, ns_nvml_device_t device) {
    uint32_t value = 0;
    CHECK(CALL(name, ns_nvml_u32_fn)(device, &value) == NS_NVML_SUCCESS);
    return value;
}

ns_nvml_return_t code_of(const char *name, ns_nvml_device_t device) {
    uint32_t value = 0;
    return CALL(name, ns_nvml_u32_fn)(device, &value);
}
