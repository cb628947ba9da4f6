#define _POSIX_C_SOURCE 200809L

#include "nightside/watchdog.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../bus/errno_map.h"

#define CLOSED (-1)
#define MAGIC_CLOSE 'V'

static_assert(sizeof((ns_watchdog_t *)0)->path == NS_WATCHDOG_PATH_SIZE, "as declared");

static int kernel_open(void *ctx, const char *path) {
    (void)ctx;
    return open(path, O_WRONLY | O_CLOEXEC);
}

static int kernel_control(void *ctx, int descriptor, unsigned long request, void *argument) {
    (void)ctx;
    return ioctl(descriptor, request, argument);
}

static long kernel_write(void *ctx, int descriptor, const void *bytes, size_t size) {
    (void)ctx;
    return (long)write(descriptor, bytes, size);
}

static int kernel_close(void *ctx, int descriptor) {
    (void)ctx;
    return close(descriptor);
}

static const ns_watchdog_calls_t kernel_calls = {
    .open = kernel_open, .control = kernel_control, .write = kernel_write, .close = kernel_close};

/** What is not open cannot tell: it is closed for good, or nobody has stroked it yet. */
static ns_status_t control(const ns_watchdog_t *self, unsigned long request, int *argument) {
    const ns_watchdog_calls_t *calls = self->calls;
    if (self->descriptor == CLOSED) {
        return self->is_closed ? NS_E_ABSENT : NS_E_UNSUPPORTED;
    }
    if (calls->control(self->calls_ctx, self->descriptor, request, argument) != 0) {
        return ns_errno_of_file(errno);
    }
    return NS_OK;
}

static ns_status_t set_timeout(const ns_watchdog_t *self, uint32_t timeout_s) {
    int value = (int)timeout_s;
    return control(self, WDIOC_SETTIMEOUT, &value);
}

/** Without the magic character the watchdog goes on, and bites. */
static void release(ns_watchdog_t *self) {
    const ns_watchdog_calls_t *calls = self->calls;
    if (self->descriptor != CLOSED) {
        (void)calls->close(self->calls_ctx, self->descriptor);
    }
    self->descriptor = CLOSED;
}

static ns_status_t stop(ns_watchdog_t *self) {
    const ns_watchdog_calls_t *calls = self->calls;
    const char magic = MAGIC_CLOSE;
    if (calls->write(self->calls_ctx, self->descriptor, &magic, 1) != 1) {
        return NS_E_IO;
    }
    release(self);
    return NS_OK;
}

/** To open the file is to arm the device. */
static ns_status_t arm(ns_watchdog_t *self) {
    const ns_watchdog_calls_t *calls = self->calls;
    if (self->is_closed) {
        return NS_E_ABSENT;
    }
    if (self->descriptor != CLOSED) {
        return NS_OK;
    }
    self->descriptor = calls->open(self->calls_ctx, self->path);
    if (self->descriptor < 0) {
        self->descriptor = CLOSED;
        return ns_errno_at_open(errno);
    }
    int boot_status = 0;
    if (control(self, WDIOC_GETBOOTSTATUS, &boot_status) == NS_OK) { /* some cannot tell */
        self->boot_status = (uint32_t)boot_status;
    }
    ns_status_t status = set_timeout(self, self->timeout_s);
    if (status != NS_OK) { /* a mistake in a configuration must not reset the node */
        (void)stop(self);
        release(self);
    }
    return status;
}

static ns_status_t read_number(const ns_watchdog_t *self, unsigned long request,
                               double *out_value) {
    int value = 0;
    ns_status_t status = control(self, request, &value);
    if (status == NS_OK) {
        *out_value = (double)value;
    }
    return status;
}

static ns_status_t read_channel(void *ctx, uint32_t channel, double *out_value) {
    const ns_watchdog_t *self = ctx;
    bool is_waiting = self->descriptor == CLOSED && !self->is_closed;
    switch (channel) {
    case NS_WATCHDOG_TIMEOUT_S:
        if (is_waiting) {
            *out_value = (double)self->timeout_s;
            return NS_OK;
        }
        return read_number(self, WDIOC_GETTIMEOUT, out_value);
    case NS_WATCHDOG_TIME_LEFT_S:
        return read_number(self, WDIOC_GETTIMELEFT, out_value);
    case NS_WATCHDOG_BOOT_STATUS:
        if (is_waiting) {
            return NS_E_UNSUPPORTED;
        }
        *out_value = (double)self->boot_status;
        return NS_OK;
    case NS_WATCHDOG_KICK:
        *out_value = self->token;
        return NS_OK;
    default:
        return NS_E_ARG;
    }
}

static ns_status_t kick(ns_watchdog_t *self, double token) {
    if (token >= self->token && token <= self->token) {
        return NS_OK;
    }
    int unused = 0;
    ns_status_t status = arm(self);
    if (status == NS_OK) {
        status = control(self, WDIOC_KEEPALIVE, &unused);
    }
    if (status == NS_OK) {
        self->token = token;
        self->kick_count++;
    }
    return status;
}

static ns_status_t write_channel(void *ctx, uint32_t channel, double value) {
    ns_watchdog_t *self = ctx;
    if (channel >= NS_WATCHDOG_CHANNEL_COUNT) {
        return NS_E_ARG;
    }
    if (channel == NS_WATCHDOG_KICK) {
        return value >= value ? kick(self, value) : NS_E_RANGE;
    }
    if (channel != NS_WATCHDOG_TIMEOUT_S) {
        return NS_E_UNSUPPORTED;
    }
    if (!(value >= 1.0 && value <= (double)NS_WATCHDOG_TIMEOUT_S_MAX)) {
        return NS_E_RANGE;
    }
    uint32_t timeout_s = (uint32_t)value; /* whole seconds, rounded down: it bites earlier */
    if (self->descriptor == CLOSED && !self->is_closed) {
        self->timeout_s = timeout_s;
        return NS_OK;
    }
    return set_timeout(self, timeout_s);
}

/** Whoever stops driving an armed watchdog lets it bite. */
static void close_device(void *ctx) {
    ns_watchdog_t *self = ctx;
    release(self);
    self->is_closed = true;
}

const ns_device_ops_t ns_watchdog_ops = {
    .abi = NS_DEVICE_OPS_ABI,
    .name = "watchdog",
    .begin = NULL,
    .read = read_channel,
    .write = write_channel,
    .alarm = NULL,
    .capture = NULL,
    .request = NULL,
    .close = close_device,
};

ns_status_t ns_watchdog_disarm(ns_watchdog_t *self) {
    if (self == NULL || self->is_closed) {
        return NS_E_ARG;
    }
    ns_status_t status = self->descriptor == CLOSED ? NS_OK : stop(self);
    if (status == NS_OK) {
        close_device(self);
    }
    return status;
}

ns_status_t ns_watchdog_open(ns_watchdog_t *self, const char *path, uint32_t timeout_s,
                             const void *calls, void *calls_ctx) {
    if (self == NULL || path == NULL || path[0] != '/' || strlen(path) >= sizeof self->path ||
        timeout_s == 0 || timeout_s > NS_WATCHDOG_TIMEOUT_S_MAX) {
        return NS_E_ARG;
    }
    memset(self, 0, sizeof *self);
    self->calls = calls != NULL ? calls : &kernel_calls;
    self->calls_ctx = calls_ctx;
    self->descriptor = CLOSED;
    self->timeout_s = timeout_s;
    memcpy(self->path, path, strlen(path));
    return NS_OK;
}
