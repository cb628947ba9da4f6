#include "nvml_library.h"

#include <dlfcn.h>
#include <string.h>

#include "nightside/nvml.h"

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

static ns_status_t initialise(ns_nvml_library_t *self) {
    ns_status_t status = ns_nvml_classify((uint32_t)self->init());
    self->is_initialised = status == NS_OK;
    return status;
}

ns_status_t ns_nvml_library_restart(ns_nvml_library_t *self) {
    if (self->is_initialised) {
        (void)self->shutdown(); /* refused when the library forgot that it was initialised */
    }
    return initialise(self);
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
        status = initialise(self);
    }
    if (status != NS_OK) {
        (void)dlclose(self->handle);
        self->handle = NULL;
    }
    return status;
}

void ns_nvml_library_close(ns_nvml_library_t *self) {
    if (self->handle != NULL) {
        if (self->is_initialised) {
            (void)self->shutdown();
        }
        self->is_initialised = false;
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
