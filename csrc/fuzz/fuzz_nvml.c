/* NVML's structures as a lying library returns them. The driver must end, never give what is no
 * number, and keep its evidence inside its room. */
#include <dlfcn.h>
#include <math.h>

#include "lying_nvml.h"
#include "nightside/nvml.h"

#define CALLS_PER_STEP_MAX 500U /* more is a loop without an end */

static lying_nvml_t *library; /* loaded once: opening it again only counts */

/** The library of the ordinary device must open, or the target would try nothing. */
static void load(void) {
    void *handle = dlopen(LYING_NVML_PATH, RTLD_NOW | RTLD_LOCAL);
    CLAIM(handle != NULL);
    library = dlsym(handle, "lying_nvml");
    CLAIM(library != NULL);
    ns_nvml_t device;
    CLAIM(ns_nvml_open(&device, LYING_NVML_PATH, LYING_PCI, LYING_UUID) == NS_OK);
    CLAIM(ns_nvml_ops.begin(&device, 0, UINT64_MAX) == NS_OK);
    ns_nvml_ops.close(&device);
}

static void read_version(void) {
    char version[80];
    memset(version, 'x', sizeof version);
    if (ns_nvml_driver_version(LYING_NVML_PATH, version, sizeof version) == NS_OK) {
        CLAIM(memchr(version, '\0', sizeof version) != NULL);
    }
}

static void read_all(ns_nvml_t *device) {
    for (uint32_t channel = 0; channel <= NS_NVML_CHANNEL_COUNT; channel++) {
        double value = 0.0;
        library->call_count = 0;
        ns_status_t status = ns_nvml_ops.read(device, channel, &value);
        CLAIM(status != NS_OK || (isfinite(value) && channel < NS_NVML_CHANNEL_COUNT));
        CLAIM(library->call_count < CALLS_PER_STEP_MAX);
    }
}

static void keep_evidence(ns_nvml_t *device) {
    if (ns_nvml_ops.alarm != NULL) {
        (void)ns_nvml_ops.alarm(device);
    }
    if (ns_nvml_ops.capture != NULL) {
        uint8_t *evidence = malloc(NS_EVIDENCE_BYTES);
        CLAIM(evidence != NULL);
        size_t size = 0;
        ns_status_t status = ns_nvml_ops.capture(device, evidence, NS_EVIDENCE_BYTES, &size);
        CLAIM(status != NS_OK || size <= NS_EVIDENCE_BYTES);
        free(evidence);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (library == NULL) {
        load();
    }
    *library = (lying_nvml_t){.input = {.bytes = bytes, .size = size}};
    if (size > 0 && bytes[0] == 0xFF) {
        read_version();
    }
    ns_nvml_t device;
    if (ns_nvml_open(&device, LYING_NVML_PATH, LYING_PCI, LYING_UUID) != NS_OK) {
        return 0;
    }
    int64_t now_ns = 0;
    while (library->input.size > 0) {
        library->call_count = 0;
        (void)ns_nvml_ops.begin(&device, now_ns, UINT64_MAX);
        CLAIM(library->call_count < CALLS_PER_STEP_MAX);
        now_ns += 1000000000;
        read_all(&device);
        keep_evidence(&device);
        uint8_t act = take_u8(&library->input);
        if (act > 0 && act < 0x80) {
            double value = take_double(&library->input);
            (void)ns_nvml_ops.write(&device, act % (NS_NVML_CHANNEL_COUNT + 1U), value);
        } else if (act >= 0x80 && act < 0x90 && ns_nvml_ops.request != NULL) {
            (void)ns_nvml_ops.request(&device, (ns_request_kind_t)(act % 6U));
        }
    }
    ns_nvml_ops.close(&device);
    return 0;
}
