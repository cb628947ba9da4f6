#include "nvml_library.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

#include "nightside/nvml.h"

ns_status_t ns_nvml_classify(uint32_t return_code) {
    switch (return_code) {
    case NS_NVML_SUCCESS:
        return NS_OK;
    case NS_NVML_INVALID_ARGUMENT:
    case NS_NVML_INSUFFICIENT_SIZE:
        return NS_E_ARG;
    case NS_NVML_NOT_SUPPORTED:
    case NS_NVML_FUNCTION_NOT_FOUND:
    case NS_NVML_VGPU_ECC_NOT_SUPPORTED:
    case NS_NVML_DEPRECATED:
        return NS_E_UNSUPPORTED;
    case NS_NVML_NO_PERMISSION:
        return NS_E_REFUSED;
    case NS_NVML_NOT_FOUND:
    case NS_NVML_DRIVER_NOT_LOADED:
    case NS_NVML_GPU_IS_LOST:
    case NS_NVML_RESET_REQUIRED: /* answers nothing until somebody resets it */
    case NS_NVML_GPU_NOT_FOUND:
        return NS_E_ABSENT;
    case NS_NVML_TIMEOUT:
        return NS_E_TIMEOUT;
    case NS_NVML_LIB_RM_VERSION_MISMATCH:
    case NS_NVML_ARGUMENT_VERSION_MISMATCH:
        return NS_E_LAYOUT;
    case NS_NVML_IN_USE:
    case NS_NVML_INSUFFICIENT_RESOURCES:
    case NS_NVML_NOT_READY:
    case NS_NVML_INVALID_STATE:
        return NS_E_BUSY;
    case NS_NVML_NO_DATA:
        return NS_E_STALE;
    case NS_NVML_FREQ_NOT_SUPPORTED:
        return NS_E_RANGE;
    default: /* uninitialised, power cable, interrupt, infoROM, system, memory, unknown */
        return NS_E_IO;
    }
}

/** dlsym gives an object pointer; POSIX says that its bytes are the function's address. */
static bool resolve(void *handle, const char *symbol, void *out_function, size_t size) {
    void *address = dlsym(handle, symbol);
    memcpy(out_function, &address, size);
    return address != NULL;
}

static_assert(sizeof(ns_nvml_void_fn) == sizeof(void *), "a function pointer is one word");

static bool resolve_all(ns_nvml_library_t *self) {
    bool has_required = true;
#define RESOLVE(type, member, symbol, is_required)                                                 \
    if (!resolve(self->handle, symbol, &self->member, sizeof self->member) &&                      \
        (is_required) != 0) {                                                                      \
        has_required = false;                                                                      \
    }
    NS_NVML_FUNCTIONS(RESOLVE)
#undef RESOLVE
    return has_required;
}

ns_status_t ns_nvml_library_open(ns_nvml_library_t *self, const char *path) {
    memset(self, 0, sizeof *self);
    if (path == NULL || path[0] != '/') {
        return NS_E_ARG;
    }
    self->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (self->handle == NULL) {
        return NS_E_IO;
    }
    ns_status_t status = NS_E_UNSUPPORTED;
    if (resolve_all(self)) {
        status = ns_nvml_classify(self->init());
    }
    if (status != NS_OK) {
        (void)dlclose(self->handle);
        self->handle = NULL;
    }
    return status;
}

void ns_nvml_library_close(ns_nvml_library_t *self) {
    if (self->handle != NULL) {
        (void)self->shutdown();
        (void)dlclose(self->handle);
        self->handle = NULL;
    }
}

ns_status_t ns_nvml_driver_version(const char *library_path, char *out, size_t size) {
    if (out == NULL || size < NS_NVML_VERSION_SIZE) {
        return NS_E_ARG;
    }
    ns_nvml_library_t library;
    ns_status_t status = ns_nvml_library_open(&library, library_path);
    if (status != NS_OK) {
        return status;
    }
    char version[NS_NVML_VERSION_SIZE] = {0};
    status = ns_nvml_classify(library.driver_version(version, sizeof version - 1));
    if (status == NS_OK) {
        memcpy(out, version, sizeof version);
    }
    ns_nvml_library_close(&library);
    return status;
}
