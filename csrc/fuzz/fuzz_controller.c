/* Replies of a controller: noise, broken frames, whole ones of other types, sequences and sizes. */
#include <math.h>

#include "fuzz.h"
#include "nightside/bus.h"
#include "nightside/controller.h"
#include "nightside/frame.h"

enum reply { WHOLE = 0, OTHER_SEQUENCE, OTHER_TYPE, NOISE, FAILURE, REPLY_COUNT };

static fuzz_input_t input;

static ns_status_t whole_frame(enum reply kind, const uint8_t *write, size_t write_size,
                               uint8_t *read, size_t capacity, size_t *out_size) {
    ns_frame_t frame;
    CLAIM(ns_frame_decode(write, write_size, &frame) == NS_OK); /* what we send is whole */
    frame.type = kind == OTHER_TYPE ? take_u8(&input) : (uint8_t)(frame.type | 0x80U);
    frame.sequence = kind == OTHER_SEQUENCE ? take_u16(&input) : frame.sequence;
    frame.payload_size = (uint8_t)(take_u8(&input) % (NS_FRAME_PAYLOAD_MAX + 1));
    take_bytes(&input, frame.payload, frame.payload_size);
    return ns_frame_encode(&frame, read, capacity, out_size);
}

static ns_status_t exchange(void *ctx, const uint8_t *write, size_t write_size, uint8_t *read,
                            size_t capacity, size_t *out_size, uint32_t timeout_us) {
    (void)ctx;
    CLAIM(timeout_us > 0);
    enum reply kind = (enum reply)(take_u8(&input) % REPLY_COUNT);
    if (kind == FAILURE) {
        return (ns_status_t) - (take_u8(&input) % 17);
    }
    if (kind != NOISE) {
        return whole_frame(kind, write, write_size, read, capacity, out_size);
    }
    size_t size = take_u8(&input) % (capacity + 1);
    take_bytes(&input, read, size);
    *out_size = size;
    return NS_OK;
}

static const ns_bus_ops_t bus_ops = {.abi = NS_BUS_OPS_ABI, .exchange = exchange};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    input = (fuzz_input_t){.bytes = bytes, .size = size};
    ns_controller_config_t config = {
        .channel_count = 1U + take_u8(&input) % NS_CONTROLLER_CHANNELS_MAX, .timeout_us = 1000};
    ns_controller_t controller;
    CLAIM(ns_controller_open(&controller, &config, &bus_ops, NULL) == NS_OK);
    int64_t now_ns = 0;
    while (input.size > 0) {
        (void)ns_controller_ops.begin(&controller, now_ns, UINT64_MAX);
        now_ns += 100000000;
        for (uint32_t channel = 0; channel <= config.channel_count; channel++) {
            double value = 0.0;
            ns_status_t status = ns_controller_ops.read(&controller, channel, &value);
            CLAIM(status != NS_OK || isfinite(value));
            CLAIM(status == NS_E_ARG || channel < config.channel_count);
        }
        uint8_t channel = take_u8(&input);
        (void)ns_controller_ops.write(&controller, channel, take_double(&input));
    }
    return 0;
}
