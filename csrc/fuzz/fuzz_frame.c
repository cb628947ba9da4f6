/* COBS and frames: what is taken comes back, what is not is refused, and no byte is written past
 * the capacity, of which the heap makes an end that the sanitizer sees. */
#include "fuzz.h"
#include "nightside/codec.h"
#include "nightside/frame.h"

/** Exactly `size` bytes, so that one more is noticed. */
static uint8_t *exactly(size_t size) {
    uint8_t *memory = malloc(size > 0 ? size : 1);
    CLAIM(memory != NULL);
    return memory;
}

static void check_stuffing(const uint8_t *bytes, size_t size) {
    size_t capacity = size + 1 + size / 254;
    uint8_t *stuffed = exactly(capacity);
    uint8_t *back = exactly(size);
    size_t stuffed_size = 0;
    size_t back_size = 0;
    CLAIM(ns_cobs_encode(bytes, size, stuffed, capacity, &stuffed_size) == NS_OK);
    CLAIM(stuffed_size <= capacity && memchr(stuffed, 0, stuffed_size) == NULL);
    CLAIM(ns_cobs_decode(stuffed, stuffed_size, back, size, &back_size) == NS_OK);
    CLAIM(back_size == size && memcmp(back, bytes, size) == 0);
    free(back);
    free(stuffed);
}

/** Any bytes as if they came from the wire, into any capacity. */
static void check_unstuffing(const uint8_t *bytes, size_t size, size_t capacity) {
    uint8_t *plain = exactly(capacity);
    size_t plain_size = 0;
    ns_status_t status = ns_cobs_decode(bytes, size, plain, capacity, &plain_size);
    CLAIM(status == NS_OK || status == NS_E_PROTOCOL || status == NS_E_FULL);
    if (status == NS_OK) {
        CLAIM(plain_size <= capacity && plain_size < size);
        check_stuffing(plain, plain_size);
    }
    free(plain);
}

static void check_frame(const uint8_t *bytes, size_t size) {
    ns_frame_t frame = {.type = 0x55};
    if (ns_frame_decode(bytes, size, &frame) != NS_OK) {
        CLAIM(frame.type == 0x55 && frame.payload_size == 0);
        return;
    }
    CLAIM(frame.payload_size <= NS_FRAME_PAYLOAD_MAX);
    uint8_t wire[NS_FRAME_SIZE_MAX];
    size_t wire_size = 0;
    ns_frame_t back = {.type = 0};
    CLAIM(ns_frame_encode(&frame, wire, sizeof wire, &wire_size) == NS_OK);
    CLAIM(ns_frame_decode(wire, wire_size, &back) == NS_OK);
    CLAIM(back.type == frame.type && back.sequence == frame.sequence);
    CLAIM(back.payload_size == frame.payload_size);
    CLAIM(memcmp(back.payload, frame.payload, frame.payload_size) == 0);
}

/** The bytes as the body of a frame, with the check code made right: past it lies the parser. */
static void check_body(const uint8_t *bytes, size_t size) {
    uint8_t body[NS_FRAME_SIZE_MAX];
    uint8_t wire[NS_FRAME_SIZE_MAX + 8];
    if (size > sizeof body - 4) {
        return;
    }
    memcpy(body, bytes, size);
    uint32_t crc = ns_crc32c(0, body, size);
    for (unsigned i = 0; i < 4; i++) {
        body[size + i] = (uint8_t)(crc >> (8 * i));
    }
    size_t wire_size = 0;
    CLAIM(ns_cobs_encode(body, size + 4, wire, sizeof wire, &wire_size) == NS_OK);
    check_frame(wire, wire_size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static const uint8_t nothing[1] = {0};
    if (size == 0) {
        bytes = nothing; /* an empty input may come as NULL, which is an argument of its own */
    }
    check_stuffing(bytes, size);
    check_unstuffing(bytes, size, size);
    check_unstuffing(bytes, size, size > 0 ? bytes[0] % size : 0);
    check_frame(bytes, size);
    check_body(bytes, size);
    return 0;
}
