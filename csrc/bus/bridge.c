#include "nightside/bridge.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>

#include "errno_map.h"
#include "stream.h"

#define ANSWER_BIT 0x80U
#define NOT_CONNECTED (-1)

enum bridge_kind { KIND_TRANSFER = 1, KIND_EXCHANGE = 2, KIND_RECOVER = 3 };

/** What a call asks for, and where its answer goes. */
typedef struct call {
    enum bridge_kind kind;
    uint8_t address;
    const uint8_t *write;
    size_t write_size;
    size_t read_size; /**< transfer: exactly; exchange: at most */
    uint32_t timeout_us;
    uint8_t data[NS_BRIDGE_DATA_MAX];
    size_t data_size;
} call_t;

typedef struct answer_header {
    uint8_t version;
    uint8_t kind;
    uint32_t sequence;
    int32_t status;
    uint16_t size;
    bool is_ours; /**< it begins as a message of this protocol */
} answer_header_t;

static_assert(sizeof(((ns_bridge_t *)0)->address) == NS_BRIDGE_ADDRESS_SIZE_MAX,
              "cffi wants a literal");

static void put_number(uint8_t *out, uint32_t value, unsigned size) {
    for (unsigned i = 0; i < size; i++) {
        out[i] = (uint8_t)(value >> (8 * i));
    }
}

static uint32_t number_at(const uint8_t *bytes, unsigned size) {
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        value |= (uint32_t)bytes[i] << (8 * i);
    }
    return value;
}

static const ns_system_t *system_of(const ns_bridge_t *self) {
    return self->system;
}

static void disconnect(ns_bridge_t *self) {
    if (self->fd != NOT_CONNECTED) {
        (void)system_of(self)->close(self->fd);
        self->fd = NOT_CONNECTED;
    }
}

static ns_status_t connect_now(ns_bridge_t *self, ns_stream_t *stream) {
    const ns_system_t *system = self->system;
    self->fd = system->dial(self->address);
    if (self->fd < 0) {
        self->fd = NOT_CONNECTED;
        /* A listener whose queue is full: it is there, later. */
        return errno == EAGAIN ? NS_E_BUSY : ns_errno_at_open(errno);
    }
    stream->fd = self->fd;
    ns_status_t status = ns_stream_wait(stream, POLLOUT);
    if (status != NS_OK) {
        return status;
    }
    int result = system->dial_result(self->fd);
    if (result != 0) {
        return ns_errno_at_open(result);
    }
    self->connect_count++;
    return NS_OK;
}

/** Read exactly `size` bytes; *out_done tells how far it came. */
static ns_status_t read_all(const ns_stream_t *stream, uint8_t *out, size_t size,
                            size_t *out_done) {
    *out_done = 0;
    while (*out_done < size) { /* ends at the stream's deadline */
        size_t count = 0;
        ns_status_t status = ns_stream_read(stream, out + *out_done, size - *out_done, &count);
        if (status != NS_OK) {
            return status;
        }
        *out_done += count;
    }
    return NS_OK;
}

static answer_header_t decode_header(const uint8_t *bytes) {
    answer_header_t header = {.version = bytes[2],
                              .kind = bytes[3],
                              .sequence = number_at(bytes + 4, 4),
                              .status = (int32_t)number_at(bytes + 8, 4),
                              .size = (uint16_t)number_at(bytes + 12, 2)};
    header.is_ours = bytes[0] == 'N' && bytes[1] == 'B' && header.size <= NS_BRIDGE_DATA_MAX;
    return header;
}

/**
 * Read one message. NS_E_TIMEOUT leaves the connection usable when not a byte of it had come; in
 * the middle of a message nobody could find the next one.
 */
static ns_status_t read_message(ns_bridge_t *self, const ns_stream_t *stream,
                                answer_header_t *out_header, uint8_t *out_data) {
    uint8_t bytes[NS_BRIDGE_HEADER_SIZE];
    size_t done = 0;
    ns_status_t status = read_all(stream, bytes, sizeof bytes, &done);
    if (status == NS_E_TIMEOUT && done == 0) {
        return status;
    }
    if (status == NS_OK) {
        *out_header = decode_header(bytes);
        status = out_header->is_ours ? read_all(stream, out_data, out_header->size, &done)
                                     : NS_E_PROTOCOL;
    }
    if (status != NS_OK) {
        disconnect(self);
    }
    return status;
}

static bool data_fits(const call_t *call, const answer_header_t *header) {
    if (header->status != NS_OK || call->kind == KIND_RECOVER) {
        return header->size == 0;
    }
    return call->kind == KIND_TRANSFER ? header->size == call->read_size
                                       : header->size > 0 && header->size <= call->read_size;
}

static ns_status_t judge(ns_bridge_t *self, call_t *call, const answer_header_t *header) {
    bool is_status = header->status <= NS_OK && header->status >= NS_E_RESET;
    if (header->version != NS_BRIDGE_VERSION) {
        disconnect(self);
        return NS_E_UNSUPPORTED;
    }
    if (header->kind != ((unsigned)call->kind | ANSWER_BIT) || !is_status ||
        !data_fits(call, header)) {
        disconnect(self);
        return NS_E_PROTOCOL;
    }
    call->data_size = header->size;
    return (ns_status_t)header->status;
}

static ns_status_t receive(ns_bridge_t *self, const ns_stream_t *stream, call_t *call) {
    for (;;) { /* ends at the stream's deadline */
        answer_header_t header = {0};
        ns_status_t status = read_message(self, stream, &header, call->data);
        if (status != NS_OK) {
            return status;
        }
        if (header.sequence == self->sequence) {
            return judge(self, call, &header);
        }
        if (self->sequence - header.sequence > UINT32_MAX / 2) { /* from the future */
            disconnect(self);
            return NS_E_PROTOCOL;
        }
        self->late_count++;
    }
}

/** Have a connection: a lost one is found here, before a request is lost with it. */
static ns_status_t be_connected(ns_bridge_t *self, ns_stream_t *stream, uint8_t *scratch) {
    if (self->fd == NOT_CONNECTED) {
        return connect_now(self, stream);
    }
    stream->fd = self->fd;
    while (self->fd !=
           NOT_CONNECTED) { /* ends at the stream's deadline, or with the late answers */
        short found = 0;
        int count = stream->system->poll(self->fd, POLLIN, &found, 0);
        if (count == 0) {
            return NS_OK;
        }
        answer_header_t header = {0};
        ns_status_t status = count > 0 && (found & POLLIN) != 0
                                 ? read_message(self, stream, &header, scratch)
                                 : NS_E_ABSENT;
        if (status == NS_E_TIMEOUT) {
            return status;
        }
        if (status == NS_OK) {
            self->late_count++;
        } else {
            disconnect(self);
        }
    }
    return connect_now(self, stream);
}

static ns_status_t send_request(ns_bridge_t *self, const ns_stream_t *stream, const call_t *call) {
    uint8_t message[NS_BRIDGE_HEADER_SIZE + NS_BRIDGE_DATA_MAX] = {'N', 'B', NS_BRIDGE_VERSION};
    self->sequence++;
    int64_t left_us = (stream->deadline_ns - stream->system->now_ns()) / 1000;
    message[3] = (uint8_t)call->kind;
    put_number(message + 4, self->sequence, 4);
    put_number(message + 8, left_us > 0 ? (uint32_t)left_us : 0, 4);
    put_number(message + 12, (uint32_t)call->write_size, 2);
    put_number(message + 14, (uint32_t)call->read_size, 2);
    message[16] = call->address;
    if (call->write_size > 0) {
        memcpy(message + NS_BRIDGE_HEADER_SIZE, call->write, call->write_size);
    }
    return ns_stream_write_all(stream, message, NS_BRIDGE_HEADER_SIZE + call->write_size);
}

static ns_status_t run(ns_bridge_t *self, call_t *call) {
    if (call->timeout_us == 0) {
        return NS_E_TIMEOUT; /* nothing is begun, so nothing is in flight */
    }
    const ns_system_t *system = self->system;
    ns_stream_t stream = {.system = system,
                          .fd = self->fd,
                          .deadline_ns = system->now_ns() + (int64_t)call->timeout_us * 1000,
                          .put = system->send};
    ns_status_t status = be_connected(self, &stream, call->data);
    if (status != NS_OK) {
        disconnect(self);
        return status;
    }
    status = send_request(self, &stream, call);
    if (status != NS_OK) {
        disconnect(self); /* half a request may be on its way */
        return status;
    }
    return receive(self, &stream, call);
}

static bool is_usable(const ns_bridge_t *self, const uint8_t *write, size_t write_size) {
    return self != NULL && self->is_open != 0 && (write != NULL || write_size == 0) &&
           write_size <= NS_BRIDGE_DATA_MAX;
}

static ns_status_t transfer(void *ctx, uint8_t address, const uint8_t *write, size_t write_size,
                            uint8_t *read, size_t read_size, uint32_t timeout_us) {
    ns_bridge_t *self = ctx;
    if (!is_usable(self, write, write_size) || (read == NULL && read_size > 0) ||
        write_size + read_size == 0 || read_size > NS_BRIDGE_DATA_MAX || address > 0x7FU) {
        return NS_E_ARG;
    }
    call_t call = {.kind = KIND_TRANSFER,
                   .address = address,
                   .write = write,
                   .write_size = write_size,
                   .read_size = read_size,
                   .timeout_us = timeout_us};
    ns_status_t status = run(self, &call);
    if (status == NS_OK && read_size > 0) {
        memcpy(read, call.data, read_size);
    }
    return status;
}

static ns_status_t exchange(void *ctx, const uint8_t *write, size_t write_size, uint8_t *read,
                            size_t read_capacity, size_t *out_read_size, uint32_t timeout_us) {
    ns_bridge_t *self = ctx;
    if (!is_usable(self, write, write_size) || read == NULL || read_capacity == 0 ||
        out_read_size == NULL) {
        return NS_E_ARG;
    }
    call_t call = {.kind = KIND_EXCHANGE,
                   .write = write,
                   .write_size = write_size,
                   .read_size =
                       read_capacity < NS_BRIDGE_DATA_MAX ? read_capacity : NS_BRIDGE_DATA_MAX,
                   .timeout_us = timeout_us};
    ns_status_t status = run(self, &call);
    if (status == NS_OK) {
        memcpy(read, call.data, call.data_size);
        *out_read_size = call.data_size;
    }
    return status;
}

static ns_status_t recover(void *ctx) {
    ns_bridge_t *self = ctx;
    if (!is_usable(self, NULL, 0)) {
        return NS_E_ARG;
    }
    call_t call = {.kind = KIND_RECOVER, .timeout_us = NS_BRIDGE_RECOVER_US};
    return run(self, &call);
}

static int64_t now_ns(void *ctx) {
    return system_of(ctx)->now_ns();
}

static void delay(void *ctx, uint32_t us) {
    system_of(ctx)->sleep_ns((int64_t)us * 1000);
}

static void close_bus(void *ctx) {
    ns_bridge_t *self = ctx;
    if (self->is_open != 0) {
        disconnect(self);
        self->is_open = 0;
    }
}

const ns_bus_ops_t ns_bridge_ops = {
    .abi = NS_BUS_OPS_ABI,
    .transfer = transfer,
    .exchange = exchange,
    .now_ns = now_ns,
    .delay = delay,
    .recover = recover,
    .close = close_bus,
};

ns_status_t ns_bridge_open_on(const ns_system_t *system, ns_bridge_t *self,
                              const ns_bridge_config_t *config) {
    if (self == NULL || config == NULL || config->address == NULL) {
        return NS_E_ARG;
    }
    bool is_known =
        strncmp(config->address, "unix:", 5) == 0 || strncmp(config->address, "tcp:", 4) == 0;
    size_t length = strlen(config->address);
    if (!is_known || length >= NS_BRIDGE_ADDRESS_SIZE_MAX) {
        return NS_E_ARG;
    }
    *self = (ns_bridge_t){.system = system, .fd = NOT_CONNECTED, .is_open = 1};
    memcpy(self->address, config->address, length);
    return NS_OK;
}

ns_status_t ns_bridge_open(ns_bridge_t *self, const ns_bridge_config_t *config) {
    return ns_bridge_open_on(&ns_system_linux, self, config);
}
