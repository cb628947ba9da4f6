#include "nightside/serial.h"

#include <poll.h>
#include <stdbool.h>
#include <string.h>

#include "errno_map.h"
#include "stream.h"

#define DELIMITER 0x00U

/** A frame as it comes in. */
typedef struct frame_buffer {
    uint8_t bytes[NS_SERIAL_FRAME_MAX];
    size_t size;
    size_t capacity;
} frame_buffer_t;

/** Take bytes up to the delimiter. *out_done says that it was among them. */
static ns_status_t take(frame_buffer_t *frame, const uint8_t *bytes, size_t size, bool *out_done) {
    for (size_t i = 0; i < size; i++) {
        bool is_delimiter = bytes[i] == DELIMITER;
        if (is_delimiter && frame->size == 0) {
            continue;
        }
        if (frame->size == frame->capacity) {
            return NS_E_FULL;
        }
        frame->bytes[frame->size++] = bytes[i];
        if (is_delimiter) {
            *out_done = true;
            return NS_OK;
        }
    }
    return NS_OK;
}

static ns_status_t read_frame(const ns_stream_t *stream, frame_buffer_t *frame) {
    bool is_done = false;
    while (!is_done) { /* ends at the stream's deadline, or when the frame is full */
        uint8_t bytes[256];
        size_t size = 0;
        ns_status_t status = ns_stream_read(stream, bytes, sizeof bytes, &size);
        status = status == NS_OK ? take(frame, bytes, size, &is_done) : status;
        if (status != NS_OK) {
            return status;
        }
    }
    return NS_OK;
}

static ns_status_t exchange(void *ctx, const uint8_t *write, size_t write_size, uint8_t *read,
                            size_t read_capacity, size_t *out_read_size, uint32_t timeout_us) {
    const ns_serial_t *self = ctx;
    if (self == NULL || self->is_open == 0 || (write == NULL && write_size > 0) || read == NULL ||
        read_capacity == 0 || out_read_size == NULL) {
        return NS_E_ARG;
    }
    const ns_system_t *system = self->system;
    ns_stream_t stream = {.system = system,
                          .fd = self->fd,
                          .deadline_ns = system->now_ns() + (int64_t)timeout_us * 1000,
                          .put = system->write};
    frame_buffer_t frame = {.size = 0, .capacity = sizeof frame.bytes};
    if (read_capacity < frame.capacity) {
        frame.capacity = read_capacity;
    }
    ns_status_t status = ns_stream_drop_input(&stream);
    status = status == NS_OK ? ns_stream_write_all(&stream, write, write_size) : status;
    status = status == NS_OK ? read_frame(&stream, &frame) : status;
    if (status != NS_OK) {
        return status;
    }
    memcpy(read, frame.bytes, frame.size);
    *out_read_size = frame.size;
    return NS_OK;
}

static int64_t now_ns(void *ctx) {
    const ns_serial_t *self = ctx;
    const ns_system_t *system = self->system;
    return system->now_ns();
}

static void delay(void *ctx, uint32_t us) {
    const ns_serial_t *self = ctx;
    const ns_system_t *system = self->system;
    system->sleep_ns((int64_t)us * 1000);
}

static void close_bus(void *ctx) {
    ns_serial_t *self = ctx;
    self->is_open = 0;
}

const ns_bus_ops_t ns_serial_ops = {
    .abi = NS_BUS_OPS_ABI,
    .transfer = NULL,
    .exchange = exchange,
    .now_ns = now_ns,
    .delay = delay,
    .recover = NULL,
    .close = close_bus,
};

ns_status_t ns_serial_open_on(const ns_system_t *system, ns_serial_t *self, int fd) {
    if (self == NULL || fd < 0) {
        return NS_E_ARG;
    }
    memset(self, 0, sizeof *self);
    if (system->set_nonblocking(fd) != 0) {
        return NS_E_ARG;
    }
    *self = (ns_serial_t){.system = system, .fd = fd, .is_open = 1};
    return NS_OK;
}

ns_status_t ns_serial_open(ns_serial_t *self, int fd) {
    return ns_serial_open_on(&ns_system_linux, self, fd);
}

ns_status_t ns_serial_open_status(int number) {
    return ns_errno_at_open(number);
}
