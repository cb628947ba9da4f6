#include <string.h>

#include "check.h"
#include "nightside/controller.h"
#include "nightside/frame.h"

/** A controller of 3 channels; channel 2 is writable, up to 100. */
typedef struct fake_board {
    float values[3];
    ns_status_t bus_status;
    uint8_t version_error;
    uint8_t type_error;
    uint16_t sequence_error;
    uint8_t count_error;
    uint8_t size_error;
    uint8_t result; /**< of the next SET, 0: as it comes */
    uint8_t flags;
} fake_board_t;

static void answer_poll(const fake_board_t *self, ns_frame_t *reply) {
    reply->payload[0] = (uint8_t)(3 + self->count_error);
    reply->payload[1] = self->flags;
    memcpy(&reply->payload[2], self->values, sizeof self->values);
    reply->payload_size = (uint8_t)(2 + sizeof self->values + self->size_error);
}

static void answer_set(fake_board_t *self, const ns_frame_t *request, ns_frame_t *reply) {
    float value = 0.0F;
    memcpy(&value, &request->payload[1], sizeof value);
    uint8_t channel = request->payload[0];
    uint8_t result = channel != 2 ? 3 : value > 100.0F ? 2 : 0;
    if (result == 0) {
        self->values[channel] = value;
    }
    reply->payload[0] = self->result != 0 ? self->result : result;
    reply->payload_size = (uint8_t)(1 + self->size_error);
}

static ns_status_t fake_exchange(void *ctx, const uint8_t *write, size_t write_size, uint8_t *read,
                                 size_t read_capacity, size_t *out_read_size, uint32_t timeout_us) {
    fake_board_t *self = ctx;
    CHECK(timeout_us == 20000);
    if (self->bus_status != NS_OK) {
        return self->bus_status;
    }
    ns_frame_t request;
    ns_frame_t reply = {0};
    CHECK_STATUS(ns_frame_decode(write, write_size, &request), NS_OK);
    reply.type = (uint8_t)((request.type | 0x80U) ^ self->type_error);
    reply.sequence = (uint16_t)(request.sequence ^ self->sequence_error);
    if (request.type == NS_FRAME_POLL) {
        answer_poll(self, &reply);
    } else {
        answer_set(self, &request, &reply);
    }
    CHECK_STATUS(ns_frame_encode(&reply, read, read_capacity, out_read_size), NS_OK);
    read[2] = (uint8_t)(read[2] ^ self->version_error); /* breaks the CRC */
    return NS_OK;
}

static const ns_bus_ops_t bus_ops = {.abi = NS_BUS_OPS_ABI, .exchange = fake_exchange};
static fake_board_t board;
static ns_controller_t device;

static void open_device(void) {
    memset(&board, 0, sizeof board);
    ns_controller_config_t config = {.channel_count = 3, .timeout_us = 20000};
    CHECK_STATUS(ns_controller_open(&device, &config, &bus_ops, &board), NS_OK);
}

static ns_status_t begin(void) {
    return ns_controller_ops.begin(&device, 0, UINT64_MAX);
}

static ns_status_t read_channel(uint32_t channel, double *out) {
    return ns_controller_ops.read(&device, channel, out);
}

static ns_status_t write_channel(uint32_t channel, double value) {
    return ns_controller_ops.write(&device, channel, value);
}

static void one_poll_fetches_all_channels(void) {
    open_device();
    board.values[0] = 1.5F;
    board.values[2] = -3.25F;
    board.flags = NS_FRAME_FLAG_DEAD_MAN;
    CHECK_STATUS(begin(), NS_OK);
    double value = 0.0;
    CHECK_STATUS(read_channel(0, &value), NS_OK);
    CHECK_EXACT(value, 1.5);
    CHECK_STATUS(read_channel(2, &value), NS_OK);
    CHECK_EXACT(value, -3.25);
    CHECK_STATUS(read_channel(3, &value), NS_E_ARG);
    CHECK(device.flags == NS_FRAME_FLAG_DEAD_MAN);
}

static void a_value_that_cannot_be_is_out_of_range(void) {
    open_device();
    board.values[0] = NAN;
    board.values[1] = HUGE_VALF;
    CHECK_STATUS(begin(), NS_OK);
    double value = 7.0;
    CHECK_STATUS(read_channel(0, &value), NS_E_RANGE);
    CHECK_STATUS(read_channel(1, &value), NS_E_RANGE);
    CHECK_EXACT(value, 7.0);
}

static void a_set_reaches_the_board_as_a_float32(void) {
    open_device();
    CHECK_STATUS(write_channel(2, 0.3), NS_OK);
    CHECK_EXACT(board.values[2], 0.3F);
}

static void every_refusal_of_a_set_is_told_apart(void) {
    open_device();
    CHECK_STATUS(write_channel(1, 1.0), NS_E_UNSUPPORTED);
    CHECK_STATUS(write_channel(2, 101.0), NS_E_RANGE);
    CHECK_STATUS(write_channel(3, 1.0), NS_E_ARG);
    board.result = 1;
    CHECK_STATUS(write_channel(2, 1.0), NS_E_ARG);
    board.result = 9;
    CHECK_STATUS(write_channel(2, 1.0), NS_E_PROTOCOL);
    board.result = 0;
    board.size_error = 1;
    CHECK_STATUS(write_channel(2, 1.0), NS_E_PROTOCOL);
}

static void a_reply_that_does_not_fit_is_refused_and_the_next_one_heals(void) {
    open_device();
    board.version_error = 1;
    CHECK_STATUS(begin(), NS_E_PROTOCOL);
    CHECK_STATUS(write_channel(2, 1.0), NS_E_PROTOCOL);
    board.version_error = 0;
    board.sequence_error = 1;
    CHECK_STATUS(begin(), NS_E_PROTOCOL);
    board.sequence_error = 0;
    board.type_error = 3;
    CHECK_STATUS(begin(), NS_E_PROTOCOL);
    board.type_error = 0;
    board.count_error = 1;
    CHECK_STATUS(begin(), NS_E_PROTOCOL);
    board.count_error = 0;
    board.size_error = 1;
    CHECK_STATUS(begin(), NS_E_PROTOCOL);
    board.size_error = 0;
    CHECK_STATUS(begin(), NS_OK);
    board.bus_status = NS_E_TIMEOUT;
    CHECK_STATUS(begin(), NS_E_TIMEOUT);
}

static void opening_checks_its_arguments(void) {
    ns_controller_config_t good = {.channel_count = 3, .timeout_us = 20000};
    ns_controller_config_t bad[3] = {good, good, good};
    bad[0].channel_count = 0;
    bad[1].channel_count = NS_CONTROLLER_CHANNELS_MAX + 1;
    bad[2].timeout_us = 0;
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(ns_controller_open(&device, &bad[i], &bus_ops, &board), NS_E_ARG);
    }
    ns_bus_ops_t ops[2] = {bus_ops, bus_ops};
    ops[0].abi++;
    ops[1].exchange = NULL;
    CHECK_STATUS(ns_controller_open(&device, &good, &ops[0], &board), NS_E_ARG);
    CHECK_STATUS(ns_controller_open(&device, &good, &ops[1], &board), NS_E_ARG);
    CHECK_STATUS(ns_controller_open(&device, &good, NULL, &board), NS_E_ARG);
    CHECK_STATUS(ns_controller_open(&device, NULL, &bus_ops, &board), NS_E_ARG);
    CHECK_STATUS(ns_controller_open(NULL, &good, &bus_ops, &board), NS_E_ARG);
}

int main(void) {
    one_poll_fetches_all_channels();
    a_value_that_cannot_be_is_out_of_range();
    a_set_reaches_the_board_as_a_float32();
    every_refusal_of_a_set_is_told_apart();
    a_reply_that_does_not_fit_is_refused_and_the_next_one_heals();
    opening_checks_its_arguments();
    return 0;
}
