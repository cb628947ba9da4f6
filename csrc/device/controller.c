#include "nightside/controller.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "nightside/frame.h"

#define REPLY_HEADER_SIZE 2U /* count, flags */
#define FLOAT_SIZE 4U

static_assert(REPLY_HEADER_SIZE + NS_CONTROLLER_CHANNELS_MAX * FLOAT_SIZE <= NS_FRAME_PAYLOAD_MAX,
              "a reply holds all channels");
static_assert(sizeof(float) == FLOAT_SIZE, "float is IEEE 754 single precision");

enum set_result { SET_DONE = 0, SET_NO_CHANNEL = 1, SET_REFUSED = 2, SET_NOT_WRITABLE = 3 };

static float float_from(const uint8_t *bytes) {
    uint32_t word = 0;
    for (unsigned i = 0; i < FLOAT_SIZE; i++) {
        word |= (uint32_t)bytes[i] << (8 * i);
    }
    float value = 0.0F;
    memcpy(&value, &word, sizeof value);
    return value;
}

static void float_to(float value, uint8_t *bytes) {
    uint32_t word = 0;
    memcpy(&word, &value, sizeof word);
    for (unsigned i = 0; i < FLOAT_SIZE; i++) {
        bytes[i] = (uint8_t)(word >> (8 * i));
    }
}

/** Send a request; *frame is the request before and its reply after. */
static ns_status_t exchange(ns_controller_t *self, ns_frame_t *frame) {
    const ns_bus_ops_t *ops = self->bus_ops;
    uint8_t wire[NS_FRAME_SIZE_MAX];
    uint8_t answer[NS_FRAME_SIZE_MAX];
    size_t size = 0;
    frame->sequence = ++self->sequence;
    uint8_t reply_type = (uint8_t)(frame->type | 0x80U);
    ns_status_t status = ns_frame_encode(frame, wire, sizeof wire, &size);
    assert(status == NS_OK);
    size_t answer_size = 0;
    status = ops->exchange(self->bus_ctx, wire, size, answer, sizeof answer, &answer_size,
                           self->config.timeout_us);
    if (status != NS_OK) {
        return status;
    }
    status = ns_frame_decode(answer, answer_size, frame);
    if (status != NS_OK) {
        return status;
    }
    bool is_reply = frame->type == reply_type && frame->sequence == self->sequence;
    return is_reply ? NS_OK : NS_E_PROTOCOL;
}

static ns_status_t begin(void *ctx, int64_t now_ns, uint64_t due) {
    (void)due;
    (void)now_ns;
    ns_controller_t *self = ctx;
    ns_frame_t frame = {.type = NS_FRAME_POLL, .payload_size = 0};
    ns_status_t status = exchange(self, &frame);
    if (status != NS_OK) {
        return status;
    }
    uint32_t count = self->config.channel_count;
    if (frame.payload_size != REPLY_HEADER_SIZE + count * FLOAT_SIZE || frame.payload[0] != count) {
        return NS_E_PROTOCOL;
    }
    self->flags = frame.payload[1];
    for (uint32_t i = 0; i < count; i++) {
        self->values[i] = float_from(&frame.payload[REPLY_HEADER_SIZE + i * FLOAT_SIZE]);
    }
    return NS_OK;
}

static ns_status_t read_channel(void *ctx, uint32_t channel, double *out_value) {
    const ns_controller_t *self = ctx;
    if (channel >= self->config.channel_count) {
        return NS_E_ARG;
    }
    double value = (double)self->values[channel];
    if (!isfinite(value)) {
        return NS_E_RANGE;
    }
    *out_value = value;
    return NS_OK;
}

static ns_status_t write_channel(void *ctx, uint32_t channel, double value) {
    ns_controller_t *self = ctx;
    if (channel >= self->config.channel_count) {
        return NS_E_ARG;
    }
    ns_frame_t frame = {.type = NS_FRAME_SET, .payload_size = 1 + FLOAT_SIZE};
    frame.payload[0] = (uint8_t)channel;
    float_to((float)value, &frame.payload[1]);
    ns_status_t status = exchange(self, &frame);
    if (status != NS_OK) {
        return status;
    }
    if (frame.payload_size != 1) {
        return NS_E_PROTOCOL;
    }
    switch (frame.payload[0]) {
    case SET_DONE:
        return NS_OK;
    case SET_NO_CHANNEL:
        return NS_E_ARG;
    case SET_REFUSED:
        return NS_E_RANGE;
    case SET_NOT_WRITABLE:
        return NS_E_UNSUPPORTED;
    default:
        return NS_E_PROTOCOL;
    }
}

const ns_device_ops_t ns_controller_ops = {
    .abi = NS_DEVICE_OPS_ABI,
    .name = "controller",
    .begin = begin,
    .read = read_channel,
    .write = write_channel,
    .close = NULL,
};

ns_status_t ns_controller_open(ns_controller_t *self, const ns_controller_config_t *config,
                               const void *bus_ops, void *bus_ctx) {
    const ns_bus_ops_t *ops = bus_ops;
    if (self == NULL || config == NULL || ops == NULL || ops->abi != NS_BUS_OPS_ABI ||
        ops->exchange == NULL || config->channel_count == 0 ||
        config->channel_count > NS_CONTROLLER_CHANNELS_MAX || config->timeout_us == 0) {
        return NS_E_ARG;
    }
    memset(self, 0, sizeof *self);
    self->bus_ops = bus_ops;
    self->bus_ctx = bus_ctx;
    self->config = *config;
    return NS_OK;
}
