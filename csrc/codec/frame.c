#include "nightside/frame.h"

#include <assert.h>
#include <string.h>

#include "nightside/codec.h"

#define HEADER_SIZE 4U
#define CRC_SIZE 4U
#define BODY_SIZE_MAX (HEADER_SIZE + NS_FRAME_PAYLOAD_MAX + CRC_SIZE)

static_assert(BODY_SIZE_MAX < 254, "one COBS block: the stuffing costs one byte");

ns_status_t ns_frame_encode(const ns_frame_t *frame, uint8_t *out, size_t capacity,
                            size_t *out_size) {
    if (frame == NULL || out == NULL || out_size == NULL ||
        frame->payload_size > NS_FRAME_PAYLOAD_MAX) {
        return NS_E_ARG;
    }
    uint8_t body[BODY_SIZE_MAX];
    size_t size = HEADER_SIZE + frame->payload_size;
    body[0] = NS_FRAME_VERSION;
    body[1] = frame->type;
    body[2] = (uint8_t)(frame->sequence & 0xFFU);
    body[3] = (uint8_t)(frame->sequence >> 8);
    memcpy(body + HEADER_SIZE, frame->payload, frame->payload_size);
    uint32_t crc = ns_crc32c(0, body, size);
    for (unsigned i = 0; i < CRC_SIZE; i++) {
        body[size++] = (uint8_t)(crc >> (8 * i));
    }
    size_t stuffed = 0;
    ns_status_t status = ns_cobs_encode(body, size, out, capacity, &stuffed);
    if (status != NS_OK) {
        return status;
    }
    if (stuffed == capacity) {
        return NS_E_FULL;
    }
    out[stuffed] = 0;
    *out_size = stuffed + 1;
    return NS_OK;
}

ns_status_t ns_frame_decode(const uint8_t *bytes, size_t size, ns_frame_t *out) {
    if (bytes == NULL || out == NULL) {
        return NS_E_ARG;
    }
    if (size > 0 && bytes[size - 1] == 0) {
        size--;
    }
    uint8_t body[BODY_SIZE_MAX];
    size_t body_size = 0;
    if (ns_cobs_decode(bytes, size, body, sizeof body, &body_size) != NS_OK ||
        body_size < HEADER_SIZE + CRC_SIZE || body[0] != NS_FRAME_VERSION) {
        return NS_E_PROTOCOL;
    }
    size_t crc_at = body_size - CRC_SIZE;
    uint32_t crc = 0;
    for (unsigned i = 0; i < CRC_SIZE; i++) {
        crc |= (uint32_t)body[crc_at + i] << (8 * i);
    }
    if (crc != ns_crc32c(0, body, crc_at)) {
        return NS_E_PROTOCOL;
    }
    out->type = body[1];
    out->sequence = (uint16_t)(body[2] | (unsigned)body[3] << 8);
    out->payload_size = (uint8_t)(crc_at - HEADER_SIZE);
    memcpy(out->payload, body + HEADER_SIZE, out->payload_size);
    return NS_OK;
}
