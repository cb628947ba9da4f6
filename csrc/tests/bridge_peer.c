#include "bridge_peer.h"

#include <string.h>

#include "check.h"
#include "fake_kernel.h"

bridge_peer_t peer;

static uint32_t number_at(const uint8_t *bytes, unsigned size) {
    uint32_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        value |= (uint32_t)bytes[i] << (8 * i);
    }
    return value;
}

static void put_number(uint8_t *out, uint32_t value, unsigned size) {
    for (unsigned i = 0; i < size; i++) {
        out[i] = (uint8_t)(value >> (8 * i));
    }
}

/** Bytes of data that a good answer has. */
static size_t data_size(void) {
    if (peer.status != NS_OK || peer.kind == 3) {
        return 0;
    }
    return peer.kind == 1 ? peer.read_size : peer.frame_size;
}

static void answer(void) {
    uint8_t message[NS_BRIDGE_HEADER_SIZE + 4096] = {0};
    size_t size = (size_t)((int)data_size() + peer.size_error);
    message[0] = (uint8_t)('N' + peer.magic_error);
    message[1] = 'B';
    message[2] = (uint8_t)(NS_BRIDGE_VERSION + peer.version_error);
    message[3] = (uint8_t)((peer.kind | 0x80U) + peer.kind_error);
    put_number(message + 4, peer.sequence + peer.sequence_error, 4);
    put_number(message + 8, (uint32_t)peer.status, 4);
    put_number(message + 12, peer.announced_size > 0 ? peer.announced_size : (uint32_t)size, 2);
    if (peer.kind == 2 && peer.frame != NULL) {
        memcpy(message + NS_BRIDGE_HEADER_SIZE, peer.frame, peer.frame_size);
    } else {
        memset(message + NS_BRIDGE_HEADER_SIZE, 0x5A, size);
    }
    for (unsigned i = 0; i <= peer.repeats; i++) {
        fake_input(peer.delay_ns, message, NS_BRIDGE_HEADER_SIZE + size - peer.cut);
    }
}

static void on_output(void) {
    const uint8_t *bytes = kernel.output;
    if (kernel.output_size < NS_BRIDGE_HEADER_SIZE ||
        kernel.output_size < NS_BRIDGE_HEADER_SIZE + number_at(bytes + 12, 2)) {
        return; /* the rest is still to come */
    }
    CHECK(memcmp(bytes, "NB\x01", 3) == 0);
    CHECK(number_at(bytes + 17, 3) == 0);
    peer.requests++;
    peer.kind = bytes[3];
    peer.sequence = number_at(bytes + 4, 4);
    peer.timeout_us = number_at(bytes + 8, 4);
    peer.write_size = (uint16_t)number_at(bytes + 12, 2);
    peer.read_size = (uint16_t)number_at(bytes + 14, 2);
    peer.address = bytes[16];
    CHECK(kernel.output_size == NS_BRIDGE_HEADER_SIZE + (size_t)peer.write_size);
    memcpy(peer.written, bytes + NS_BRIDGE_HEADER_SIZE,
           peer.write_size < sizeof peer.written ? peer.write_size : sizeof peer.written);
    kernel.output_size = 0;
    if (!peer.is_silent) {
        answer();
    }
    if (peer.hangs_up) {
        kernel.hang_up_at_ns = kernel.now_ns + peer.delay_ns;
    }
}

void bridge_peer_reset(void) {
    fake_kernel_reset();
    kernel.hang_up_is_readable = true;
    kernel.on_output = on_output;
    peer = (bridge_peer_t){.delay_ns = 1000000, .frame = "reply", .frame_size = 6};
}
