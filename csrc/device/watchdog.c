#include "nightside/watchdog.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/watchdog.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../bus/errno_map.h"

#define TIMEOUT_S_MAX 65535U
#define CLOSED (-1)
#define MAGIC_CLOSE 'V'

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

static ns_status_t control(const ns_watchdog_t *self, unsigned long request, int *argument) {
    const ns_watchdog_calls_t *calls = self->calls;
    if (self->descriptor == CLOSED) {
        return NS_E_ABSENT;
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
    switch (channel) {
    case NS_WATCHDOG_TIMEOUT_S:
        return read_number(self, WDIOC_GETTIMEOUT, out_value);
    case NS_WATCHDOG_TIME_LEFT_S:
        return read_number(self, WDIOC_GETTIMELEFT, out_value);
    case NS_WATCHDOG_BOOT_STATUS:
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
    ns_status_t status = control(self, WDIOC_KEEPALIVE, &unused);
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
    if (!(value >= 1.0 && value <= (double)TIMEOUT_S_MAX)) {
        return NS_E_RANGE;
    }
    return set_timeout(self, (uint32_t)value); /* whole seconds, rounded down: it bites earlier */
}

/** Without the magic character: whoever stops driving the watchdog lets it bite. */
static void close_device(void *ctx) {
    ns_watchdog_t *self = ctx;
    const ns_watchdog_calls_t *calls = self->calls;
    if (self->descriptor != CLOSED) {
        (void)calls->close(self->calls_ctx, self->descriptor);
    }
    self->descriptor = CLOSED;
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
    if (self == NULL || self->descriptor == CLOSED) {
        return NS_E_ARG;
    }
    const ns_watchdog_calls_t *calls = self->calls;
    const char magic = MAGIC_CLOSE;
    if (calls->write(self->calls_ctx, self->descriptor, &magic, 1) != 1) {
        return NS_E_IO;
    }
    close_device(self);
    return NS_OK;
}

ns_status_t ns_watchdog_open(ns_watchdog_t *self, const char *path, uint32_t timeout_s,
                             const void *calls, void *calls_ctx) {
    if (self == NULL || path == NULL || path[0] != '/' || timeout_s == 0 ||
        timeout_s > TIMEOUT_S_MAX) {
        return NS_E_ARG;
    }
    memset(self, 0, sizeof *self);
    self->calls = calls != NULL ? calls : &kernel_calls;
    self->calls_ctx = calls_ctx;
    const ns_watchdog_calls_t *used = self->calls;
    self->descriptor = used->open(calls_ctx, path);
    if (self->descriptor < 0) {
        self->descriptor = CLOSED;
        return ns_errno_at_open(errno);
    }
    int boot_status = 0;
    if (control(self, WDIOC_GETBOOTSTATUS, &boot_status) == NS_OK) { /* some cannot tell */
        self->boot_status = (uint32_t)boot_status;
    }
    ns_status_t status = set_timeout(self, timeout_s);
    if (status != NS_OK) { /* a mistake in a configuration must not reset the node */
        (void)ns_watchdog_disarm(self);
        close_device(self);
    }
    return status;
}
