#include <string.h>

#include "check.h"
#include "nightside/codec.h"
#include "nightside/frame.h"

static size_t encode(const ns_frame_t *frame, uint8_t *out) {
    size_t size = 0;
    CHECK_STATUS(ns_frame_encode(frame, out, NS_FRAME_SIZE_MAX, &size), NS_OK);
    return size;
}

static void a_frame_comes_back_as_it_was(void) {
    for (unsigned size = 0; size <= NS_FRAME_PAYLOAD_MAX; size += 48) {
        ns_frame_t frame = {.type = NS_FRAME_SET, .sequence = 0xBEEF};
        frame.payload_size = (uint8_t)size;
        for (unsigned i = 0; i < size; i++) {
            frame.payload[i] = (uint8_t)(i % 7);
        }
        uint8_t wire[NS_FRAME_SIZE_MAX];
        size_t wire_size = encode(&frame, wire);
        CHECK(wire[wire_size - 1] == 0 && memchr(wire, 0, wire_size) == wire + wire_size - 1);
        for (size_t given = wire_size - 1; given <= wire_size; given++) { /* delimiter or not */
            ns_frame_t back = {0};
            CHECK_STATUS(ns_frame_decode(wire, given, &back), NS_OK);
            CHECK(back.type == NS_FRAME_SET && back.sequence == 0xBEEF);
            CHECK(back.payload_size == size && memcmp(back.payload, frame.payload, size) == 0);
        }
    }
}

static void every_damaged_byte_is_noticed(void) {
    ns_frame_t frame = {.type = NS_FRAME_POLL, .sequence = 7, .payload_size = 3};
    uint8_t wire[NS_FRAME_SIZE_MAX];
    size_t size = encode(&frame, wire);
    for (size_t i = 0; i + 1 < size; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            ns_frame_t back = {.type = 0x55};
            wire[i] = (uint8_t)(wire[i] ^ (1U << bit));
            CHECK_STATUS(ns_frame_decode(wire, size, &back), NS_E_PROTOCOL);
            CHECK(back.type == 0x55);
            wire[i] = (uint8_t)(wire[i] ^ (1U << bit));
        }
    }
}

static void short_and_foreign_frames_are_refused(void) {
    ns_frame_t back;
    uint8_t wire[NS_FRAME_SIZE_MAX] = {0};
    CHECK_STATUS(ns_frame_decode(wire, 0, &back), NS_E_PROTOCOL);
    CHECK_STATUS(ns_frame_decode((const uint8_t *)"\x00", 1, &back), NS_E_PROTOCOL);
    uint8_t body[8] = {2, NS_FRAME_POLL, 0, 0}; /* version 2, its CRC right */
    uint32_t crc = ns_crc32c(0, body, 4);
    memcpy(&body[4], &crc, sizeof crc);
    size_t size = 0;
    CHECK_STATUS(ns_cobs_encode(body, sizeof body, wire, sizeof wire, &size), NS_OK);
    CHECK_STATUS(ns_frame_decode(wire, size, &back), NS_E_PROTOCOL);
    CHECK_STATUS(ns_cobs_encode(body, 7, wire, sizeof wire, &size), NS_OK);
    CHECK_STATUS(ns_frame_decode(wire, size, &back), NS_E_PROTOCOL);
}

static void arguments_are_checked(void) {
    ns_frame_t frame = {.payload_size = NS_FRAME_PAYLOAD_MAX + 1};
    uint8_t wire[NS_FRAME_SIZE_MAX] = {0};
    size_t size = 77;
    CHECK_STATUS(ns_frame_encode(&frame, wire, sizeof wire, &size), NS_E_ARG);
    frame.payload_size = 4;
    CHECK_STATUS(ns_frame_encode(NULL, wire, sizeof wire, &size), NS_E_ARG);
    CHECK_STATUS(ns_frame_encode(&frame, NULL, sizeof wire, &size), NS_E_ARG);
    CHECK_STATUS(ns_frame_encode(&frame, wire, sizeof wire, NULL), NS_E_ARG);
    CHECK_STATUS(ns_frame_encode(&frame, wire, 5, &size), NS_E_FULL);
    CHECK_STATUS(ns_frame_encode(&frame, wire, 13, &size),
                 NS_E_FULL); /* no room for the delimiter */
    CHECK(size == 77);
    CHECK_STATUS(ns_frame_decode(NULL, 3, &frame), NS_E_ARG);
    CHECK_STATUS(ns_frame_decode(wire, 3, NULL), NS_E_ARG);
}

int main(void) {
    a_frame_comes_back_as_it_was();
    every_damaged_byte_is_noticed();
    short_and_foreign_frames_are_refused();
    arguments_are_checked();
    return 0;
}
