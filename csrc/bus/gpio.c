#include "nightside/gpio.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

/* The kernel's ABI; the header carries the syscall note. */
#include <linux/gpio.h>

#include "errno_map.h"
#include "stream.h"

#define CONSUMER "nightside"
#define OUTPUT_ONLY ((uint32_t)NS_GPIO_OPEN_DRAIN)
#define INPUT_ONLY ((uint32_t)NS_GPIO_EDGE_RISING | (uint32_t)NS_GPIO_EDGE_FALLING)
#define FLAGS_KNOWN                                                                                \
    ((uint32_t)NS_GPIO_OUTPUT | (uint32_t)NS_GPIO_ACTIVE_LOW | (uint32_t)NS_GPIO_PULL_UP |         \
     (uint32_t)NS_GPIO_PULL_DOWN | OUTPUT_ONLY | INPUT_ONLY)
/* One begin takes at most this many edges, so that a line that chatters cannot hold it. */
#define EDGES_PER_BEGIN 16

static const ns_system_t *system_of(const ns_gpio_t *self) {
    return self->system;
}

static bool line_is_valid(const ns_gpio_line_t *line) {
    if ((line->flags & ~FLAGS_KNOWN) != 0 || line->is_active > 1) {
        return false;
    }
    if ((line->flags & NS_GPIO_OUTPUT) != 0) {
        return (line->flags & INPUT_ONLY) == 0 && line->debounce_us == 0;
    }
    return (line->flags & OUTPUT_ONLY) == 0 && line->is_active == 0;
}

static uint64_t kernel_flags(uint32_t flags) {
    static const struct {
        uint32_t ours;
        uint64_t kernels;
    } names[] = {
        {NS_GPIO_ACTIVE_LOW, GPIO_V2_LINE_FLAG_ACTIVE_LOW},
        {NS_GPIO_OPEN_DRAIN, GPIO_V2_LINE_FLAG_OPEN_DRAIN},
        {NS_GPIO_PULL_UP, GPIO_V2_LINE_FLAG_BIAS_PULL_UP},
        {NS_GPIO_PULL_DOWN, GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN},
        {NS_GPIO_EDGE_RISING, GPIO_V2_LINE_FLAG_EDGE_RISING},
        {NS_GPIO_EDGE_FALLING, GPIO_V2_LINE_FLAG_EDGE_FALLING},
    };
    uint64_t result =
        (flags & NS_GPIO_OUTPUT) != 0 ? GPIO_V2_LINE_FLAG_OUTPUT : GPIO_V2_LINE_FLAG_INPUT;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        result |= (flags & names[i].ours) != 0 ? names[i].kernels : 0;
    }
    return result;
}

/** The attribute of the same kind and value; a new one when there is none. NULL: no room. */
static struct gpio_v2_line_config_attribute *
attribute_for(struct gpio_v2_line_config *config, uint32_t id, uint64_t flags, uint32_t time_us) {
    for (uint32_t i = 0; i < config->num_attrs; i++) {
        struct gpio_v2_line_config_attribute *known = &config->attrs[i];
        bool is_same = id == GPIO_V2_LINE_ATTR_ID_FLAGS ? known->attr.flags == flags
                                                        : known->attr.debounce_period_us == time_us;
        if (known->attr.id == id && (is_same || id == GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES)) {
            return known;
        }
    }
    if (config->num_attrs == GPIO_V2_LINE_NUM_ATTRS_MAX) {
        return NULL;
    }
    struct gpio_v2_line_config_attribute *added = &config->attrs[config->num_attrs++];
    added->attr.id = id;
    if (id == GPIO_V2_LINE_ATTR_ID_FLAGS) {
        added->attr.flags = flags;
    } else if (id == GPIO_V2_LINE_ATTR_ID_DEBOUNCE) {
        added->attr.debounce_period_us = time_us;
    }
    return added;
}

/** Add one line to the request. False: the request has no room for one more kind of line. */
static bool add_line(struct gpio_v2_line_request *request, const ns_gpio_line_t *line) {
    struct gpio_v2_line_config *config = &request->config;
    uint64_t bit = UINT64_C(1) << request->num_lines;
    request->offsets[request->num_lines++] = line->offset;
    struct gpio_v2_line_config_attribute *attribute =
        attribute_for(config, GPIO_V2_LINE_ATTR_ID_FLAGS, kernel_flags(line->flags), 0);
    if (attribute == NULL) {
        return false;
    }
    attribute->mask |= bit;
    if (line->debounce_us > 0) {
        attribute = attribute_for(config, GPIO_V2_LINE_ATTR_ID_DEBOUNCE, 0, line->debounce_us);
        if (attribute == NULL) {
            return false;
        }
        attribute->mask |= bit;
    }
    if ((line->flags & NS_GPIO_OUTPUT) != 0) {
        attribute = attribute_for(config, GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES, 0, 0);
        if (attribute == NULL) {
            return false;
        }
        attribute->mask |= bit;
        attribute->attr.values |= line->is_active != 0 ? bit : 0;
    }
    return true;
}

/** Build the request; false when it cannot be made. */
static bool build_request(struct gpio_v2_line_request *request, ns_gpio_t *self,
                          const ns_gpio_config_t *config) {
    memset(request, 0, sizeof *request);
    memcpy(request->consumer, CONSUMER, sizeof CONSUMER);
    for (uint32_t i = 0; i < config->line_count; i++) {
        const ns_gpio_line_t *line = &config->lines[i];
        if (!line_is_valid(line) || !add_line(request, line)) {
            return false;
        }
        self->offset[i] = line->offset;
        self->output_mask |= (line->flags & NS_GPIO_OUTPUT) != 0 ? 1U << i : 0;
        self->edge_mask |= (line->flags & INPUT_ONLY) != 0 ? 1U << i : 0;
    }
    self->line_count = config->line_count;
    return true;
}

static ns_status_t set_values(const ns_gpio_t *self, uint64_t bits, uint64_t mask) {
    struct gpio_v2_line_values values = {.bits = bits, .mask = mask};
    if (system_of(self)->ioctl(self->fd, GPIO_V2_LINE_SET_VALUES_IOCTL, &values) != 0) {
        return ns_errno_in_transfer(errno);
    }
    return NS_OK;
}

/** What is left to do once the kernel has granted the lines. */
static ns_status_t settle(const ns_gpio_t *self, const ns_gpio_config_t *config) {
    if (system_of(self)->set_nonblocking(self->fd) != 0) {
        return NS_E_IO;
    }
    uint64_t active = 0;
    for (uint32_t i = 0; i < config->line_count; i++) {
        active |= config->lines[i].is_active != 0 ? UINT64_C(1) << i : 0;
    }
    /* Again, and not in place of the value in the request: QEMU's AST2600 under Linux 6.1 lost that
     * one, and a brake must not depend on it. */
    return self->output_mask != 0 ? set_values(self, active, self->output_mask) : NS_OK;
}

ns_status_t ns_gpio_open_on(const ns_system_t *system, ns_gpio_t *self,
                            const ns_gpio_config_t *config) {
    if (self == NULL || config == NULL || config->chip_path == NULL || config->lines == NULL ||
        config->line_count == 0 || config->line_count > NS_GPIO_LINES_MAX) {
        return NS_E_ARG;
    }
    memset(self, 0, sizeof *self);
    self->system = system;
    struct gpio_v2_line_request request;
    if (!build_request(&request, self, config)) {
        return NS_E_ARG;
    }
    int chip_fd = system->open(config->chip_path, O_RDWR);
    if (chip_fd < 0) {
        return ns_errno_at_open(errno);
    }
    int result = system->ioctl(chip_fd, GPIO_V2_GET_LINE_IOCTL, &request);
    ns_status_t status = result == 0 ? NS_OK : ns_errno_at_open(errno);
    (void)system->close(chip_fd); /* the request has a descriptor of its own */
    if (status != NS_OK) {
        return status;
    }
    self->fd = request.fd;
    self->is_open = 1;
    status = settle(self, config);
    if (status != NS_OK) {
        ns_gpio_close(self);
    }
    return status;
}

ns_status_t ns_gpio_open(ns_gpio_t *self, const ns_gpio_config_t *config) {
    return ns_gpio_open_on(&ns_system_linux, self, config);
}

ns_status_t ns_gpio_read(const ns_gpio_t *self, uint32_t *out_active) {
    if (self == NULL || self->is_open == 0 || out_active == NULL) {
        return NS_E_ARG;
    }
    struct gpio_v2_line_values values = {.bits = 0, .mask = (UINT64_C(1) << self->line_count) - 1};
    if (system_of(self)->ioctl(self->fd, GPIO_V2_LINE_GET_VALUES_IOCTL, &values) != 0) {
        return ns_errno_in_transfer(errno);
    }
    *out_active = (uint32_t)(values.bits & values.mask);
    return NS_OK;
}

ns_status_t ns_gpio_write(ns_gpio_t *self, uint32_t line, bool is_active) {
    if (self == NULL || self->is_open == 0 || line >= self->line_count) {
        return NS_E_ARG;
    }
    if ((self->output_mask >> line & 1U) == 0) {
        return NS_E_UNSUPPORTED;
    }
    uint64_t bit = UINT64_C(1) << line;
    return set_values(self, is_active ? bit : 0, bit);
}

/** Take the next edge out of the kernel's queue; NS_E_TIMEOUT when there is none. */
static ns_status_t take_edge(ns_gpio_t *self, ns_gpio_edge_t *out) {
    struct gpio_v2_line_event event;
    ssize_t size = system_of(self)->read(self->fd, &event, sizeof event);
    if (size < 0) {
        return errno == EAGAIN || errno == EINTR ? NS_E_TIMEOUT : ns_errno_in_transfer(errno);
    }
    for (uint32_t i = 0; size == (ssize_t)sizeof event && i < self->line_count; i++) {
        if (self->offset[i] == event.offset) {
            self->edge_count[i] = event.line_seqno;
            *out = (ns_gpio_edge_t){.line = i,
                                    .is_rising = event.id == GPIO_V2_LINE_EVENT_RISING_EDGE,
                                    .timestamp_ns = (int64_t)event.timestamp_ns};
            return NS_OK;
        }
    }
    return NS_E_IO;
}

ns_status_t ns_gpio_wait(ns_gpio_t *self, ns_gpio_edge_t *out, uint32_t timeout_us) {
    if (self == NULL || self->is_open == 0 || out == NULL || self->edge_mask == 0) {
        return NS_E_ARG;
    }
    if (timeout_us > 0) {
        const ns_system_t *system = self->system;
        const ns_stream_t stream = {.system = system,
                                    .fd = self->fd,
                                    .deadline_ns = system->now_ns() + (int64_t)timeout_us * 1000};
        ns_status_t status = ns_stream_wait(&stream, POLLIN);
        if (status != NS_OK) {
            return status;
        }
    }
    return take_edge(self, out);
}

void ns_gpio_close(ns_gpio_t *self) {
    if (self != NULL && self->is_open != 0) {
        (void)system_of(self)->close(self->fd);
        self->is_open = 0;
    }
}

static ns_status_t begin(void *ctx, int64_t now_ns, uint64_t due) {
    (void)now_ns;
    (void)due;
    ns_gpio_t *self = ctx;
    ns_status_t status = ns_gpio_read(self, &self->active);
    ns_gpio_edge_t edge;
    for (int i = 0; i < EDGES_PER_BEGIN && status == NS_OK && self->edge_mask != 0; i++) {
        status = ns_gpio_wait(self, &edge, 0);
    }
    return status == NS_E_TIMEOUT ? NS_OK : status; /* no edge is waiting */
}

static ns_status_t read_channel(void *ctx, uint32_t channel, double *out_value) {
    const ns_gpio_t *self = ctx;
    if (channel < self->line_count) {
        *out_value = (double)(self->active >> channel & 1U);
        return NS_OK;
    }
    uint32_t line = channel - NS_GPIO_EDGE_COUNT_CHANNEL; /* wraps far above for a lower channel */
    if (line < self->line_count) {
        *out_value = (double)self->edge_count[line];
        return NS_OK;
    }
    return NS_E_ARG;
}

static ns_status_t write_channel(void *ctx, uint32_t channel, double value) {
    ns_gpio_t *self = ctx;
    double ignored = 0.0;
    if (read_channel(ctx, channel, &ignored) != NS_OK) {
        return NS_E_ARG;
    }
    if (channel >= self->line_count) {
        return NS_E_UNSUPPORTED;
    }
    bool is_active = value > 0.5;
    double exact = is_active ? 1.0 : 0.0;
    if (!(value >= exact && value <= exact)) {
        return NS_E_RANGE;
    }
    return ns_gpio_write(self, channel, is_active);
}

static void close_device(void *ctx) {
    ns_gpio_close(ctx);
}

const ns_device_ops_t ns_gpio_ops = {
    .abi = NS_DEVICE_OPS_ABI,
    .name = "gpio",
    .begin = begin,
    .read = read_channel,
    .write = write_channel,
    .alarm = NULL,
    .capture = NULL,
    .request = NULL,
    .close = close_device,
};
