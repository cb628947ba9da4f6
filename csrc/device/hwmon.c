#include "nightside/hwmon.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../bus/errno_map.h"

#define CHIPS_MAX 256                  /* assumed: numbers that are looked at; nodes have tens */
#define SEARCH_PERIOD_NS 1000000000LL  /* assumed */
#define TEXT_SIZE 32U                  /* an int64 has 20 digits */
#define INTEGER_MAX 9007199254740992.0 /* 2^53: exact as a double */
#define NOT_OPEN (-1)

static void close_kept(int32_t *descriptor) {
    if (*descriptor != NOT_OPEN) {
        (void)close(*descriptor);
    }
    *descriptor = NOT_OPEN;
}

static void leave_chip(ns_hwmon_t *self) {
    for (uint32_t i = 0; i < NS_HWMON_ATTRIBUTES_MAX; i++) {
        close_kept(&self->files[i]);
    }
    close_kept(&self->folder);
}

/** Up to capacity - 1 bytes from the start of a file, as a string without its line end. */
static bool read_text(int folder, const char *name, char *out, size_t capacity) {
    int file = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file < 0) {
        return false;
    }
    ssize_t size = pread(file, out, capacity - 1, 0);
    (void)close(file);
    if (size < 0) {
        return false;
    }
    out[size] = '\0';
    out[strcspn(out, "\n")] = '\0';
    return true;
}

static bool hangs_on(int folder, const char *device) {
    char target[NS_HWMON_PATH_SIZE * 2];
    ssize_t size = readlinkat(folder, "device", target, sizeof target - 1);
    if (size < 0) {
        return false;
    }
    target[size] = '\0';
    const char *slash = strrchr(target, '/');
    return strcmp(slash != NULL ? slash + 1 : target, device) == 0;
}

static bool is_wanted(const ns_hwmon_t *self, int folder) {
    char name[NS_HWMON_NAME_SIZE + 1];
    const ns_hwmon_config_t *config = &self->config;
    return read_text(folder, "name", name, sizeof name) && strcmp(name, config->name) == 0 &&
           (config->device[0] == '\0' || hangs_on(folder, config->device));
}

/** Every number is looked at, so that a second chip of the same name is noticed. */
static ns_status_t find_chip(ns_hwmon_t *self) {
    int root = open(self->config.root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0) {
        return ns_errno_at_open(errno);
    }
    ns_status_t status = NS_E_ABSENT;
    for (int number = 0; number < CHIPS_MAX; number++) {
        char entry[NS_HWMON_NAME_SIZE];
        (void)snprintf(entry, sizeof entry, "hwmon%d", number);
        int folder = openat(root, entry, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (folder < 0) {
            continue;
        }
        if (!is_wanted(self, folder)) {
            (void)close(folder);
        } else if (self->folder == NOT_OPEN) {
            self->folder = folder;
            status = NS_OK;
        } else {
            (void)close(folder);
            status = NS_E_REFUSED;
        }
    }
    (void)close(root);
    return status;
}

static void open_files(ns_hwmon_t *self) {
    for (uint32_t i = 0; i < self->config.attribute_count; i++) {
        const ns_hwmon_attribute_t *attribute = &self->config.attributes[i];
        int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
        int access = attribute->is_writable != 0 ? O_RDWR : O_RDONLY;
        self->files[i] = openat(self->folder, attribute->name, access | flags);
        if (self->files[i] < 0 && errno == EACCES) { /* what may not be written can still be read */
            self->files[i] = openat(self->folder, attribute->name, O_RDONLY | flags);
        }
    }
}

static ns_status_t begin(void *ctx, int64_t now_ns, uint64_t due) {
    (void)due;
    ns_hwmon_t *self = ctx;
    struct stat info;
    if (self->folder != NOT_OPEN) {
        if (fstat(self->folder, &info) == 0 && info.st_nlink > 0) {
            return NS_OK;
        }
        leave_chip(self);
    }
    if (self->is_searched && now_ns - self->searched_ns < SEARCH_PERIOD_NS) {
        return NS_E_ABSENT;
    }
    self->is_searched = true;
    self->searched_ns = now_ns;
    ns_status_t status = find_chip(self);
    if (status != NS_OK) {
        leave_chip(self);
        return status;
    }
    open_files(self);
    return NS_OK;
}

/** [-]digits and at most one line end, nothing else. */
static bool parse_integer(const char *text, size_t size, double *out) {
    size_t at = size > 0 && text[0] == '-' ? 1 : 0;
    size_t first = at;
    double value = 0.0;
    for (; at < size && text[at] >= '0' && text[at] <= '9'; at++) {
        value = value * 10.0 + (double)(text[at] - '0');
    }
    bool is_whole = at > first && (at == size || (text[at] == '\n' && at + 1 == size));
    if (!is_whole || value > INTEGER_MAX) {
        return false;
    }
    *out = first == 1 ? -value : value;
    return true;
}

/** A chip that is gone is looked for again at the next begin. */
static ns_status_t settle_errno(ns_hwmon_t *self, int error) {
    ns_status_t status = ns_errno_of_file(error);
    if (status == NS_E_ABSENT) {
        leave_chip(self);
    }
    return status;
}

static ns_status_t file_of(const ns_hwmon_t *self, uint32_t channel, int *out) {
    if (channel >= self->config.attribute_count) {
        return NS_E_ARG;
    }
    if (self->folder == NOT_OPEN) {
        return NS_E_ABSENT;
    }
    *out = self->files[channel];
    return *out == NOT_OPEN ? NS_E_UNSUPPORTED : NS_OK;
}

static ns_status_t read_channel(void *ctx, uint32_t channel, double *out_value) {
    ns_hwmon_t *self = ctx;
    int file = NOT_OPEN;
    ns_status_t status = file_of(self, channel, &file);
    if (status != NS_OK) {
        return status;
    }
    char text[TEXT_SIZE];
    ssize_t size = pread(file, text, sizeof text, 0);
    if (size < 0) {
        return settle_errno(self, errno);
    }
    double raw = 0.0;
    if ((size_t)size == sizeof text || !parse_integer(text, (size_t)size, &raw)) {
        return NS_E_RANGE;
    }
    *out_value = raw * self->config.attributes[channel].scale;
    return NS_OK;
}

static ns_status_t write_channel(void *ctx, uint32_t channel, double value) {
    ns_hwmon_t *self = ctx;
    int file = NOT_OPEN;
    ns_status_t status = file_of(self, channel, &file);
    if (status != NS_OK) {
        return status;
    }
    const ns_hwmon_attribute_t *attribute = &self->config.attributes[channel];
    if (attribute->is_writable == 0) {
        return NS_E_UNSUPPORTED;
    }
    double raw = floor(value / attribute->scale + 0.5);
    if (!(raw >= -INTEGER_MAX && raw <= INTEGER_MAX)) {
        return NS_E_RANGE;
    }
    char text[TEXT_SIZE];
    int size = snprintf(text, sizeof text, "%lld\n", (long long)raw);
    ssize_t written = pwrite(file, text, (size_t)size, 0);
    if (written < 0) {
        return settle_errno(self, errno);
    }
    return written == size ? NS_OK : NS_E_IO;
}

static void close_device(void *ctx) {
    leave_chip(ctx);
}

const ns_device_ops_t ns_hwmon_ops = {
    .abi = NS_DEVICE_OPS_ABI,
    .name = "hwmon",
    .begin = begin,
    .read = read_channel,
    .write = write_channel,
    .alarm = NULL,
    .capture = NULL,
    .request = NULL,
    .close = close_device,
};

static bool is_plain_name(const char *name, size_t size) {
    return memchr(name, '\0', size) != NULL && name[0] != '\0' && name[0] != '.' &&
           strchr(name, '/') == NULL;
}

static bool config_is_valid(const ns_hwmon_config_t *config) {
    bool texts_are_valid = memchr(config->root, '\0', sizeof config->root) != NULL &&
                           config->root[0] == '/' &&
                           is_plain_name(config->name, sizeof config->name) &&
                           memchr(config->device, '\0', sizeof config->device) != NULL &&
                           strchr(config->device, '/') == NULL;
    if (!texts_are_valid || config->attribute_count == 0 ||
        config->attribute_count > NS_HWMON_ATTRIBUTES_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < config->attribute_count; i++) {
        const ns_hwmon_attribute_t *attribute = &config->attributes[i];
        if (!is_plain_name(attribute->name, sizeof attribute->name) || !(attribute->scale > 0.0) ||
            !isfinite(attribute->scale) || attribute->is_writable > 1) {
            return false;
        }
    }
    return true;
}

ns_status_t ns_hwmon_open(ns_hwmon_t *self, const ns_hwmon_config_t *config) {
    if (self == NULL || config == NULL || !config_is_valid(config)) {
        return NS_E_ARG;
    }
    memset(self, 0, sizeof *self);
    self->config = *config;
    self->folder = NOT_OPEN;
    for (uint32_t i = 0; i < NS_HWMON_ATTRIBUTES_MAX; i++) {
        self->files[i] = NOT_OPEN;
    }
    return NS_OK;
}
