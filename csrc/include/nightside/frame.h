/**
 * @file frame.h
 * @brief The framed serial protocol of our controllers (loop, power system, host board).
 *
 * On the wire: COBS(body | CRC-32C of body) then one 0x00. All integers little endian.
 *   body      = version u8 (NS_FRAME_VERSION) | type u8 | sequence u16 | payload
 *   POLL      0x01  payload empty                          -> POLL_REPLY 0x81
 *   SET       0x02  channel u8 | value float32             -> SET_REPLY  0x82
 *   POLL_REPLY      count u8 | flags u8 | count x float32
 *                   flags bit 0: the dead-man has fired since the last SET
 *   SET_REPLY       result u8: 0 done, 1 no such channel, 2 value refused, 3 not writable
 * A reply carries the sequence of its request; any other reply is NS_E_PROTOCOL. A controller that
 * hears no valid frame for its dead-man time goes to its own safe state, and says so in flags until
 * the next SET.
 */
#ifndef NIGHTSIDE_FRAME_H
#define NIGHTSIDE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "nightside/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NS_FRAME_VERSION 1u
#define NS_FRAME_POLL 0x01u
#define NS_FRAME_SET 0x02u
#define NS_FRAME_POLL_REPLY 0x81u
#define NS_FRAME_SET_REPLY 0x82u
#define NS_FRAME_FLAG_DEAD_MAN 0x01u
#define NS_FRAME_PAYLOAD_MAX 240u
/** Encoded size of the largest frame: header 4, payload, CRC 4, COBS overhead 2, delimiter 1. */
#define NS_FRAME_SIZE_MAX (4u + NS_FRAME_PAYLOAD_MAX + 4u + 2u + 1u)

/** A decoded frame; payload is a copy. */
typedef struct ns_frame {
    uint8_t type;
    uint16_t sequence;
    uint8_t payload_size; /**< 0 .. NS_FRAME_PAYLOAD_MAX */
    uint8_t payload[NS_FRAME_PAYLOAD_MAX];
} ns_frame_t;

/**
 * @brief Encode a frame, delimiter included.
 * @retval NS_OK      written; *out_size bytes
 * @retval NS_E_ARG   NULL, or payload_size above the maximum
 * @retval NS_E_FULL  capacity too small
 */
ns_status_t ns_frame_encode(const ns_frame_t *frame, uint8_t *out, size_t capacity,
                            size_t *out_size);

/**
 * @brief Decode one frame, with or without its trailing delimiter.
 * @retval NS_OK          decoded
 * @retval NS_E_ARG       NULL
 * @retval NS_E_PROTOCOL  COBS, CRC, version or size is wrong; *out untouched
 */
ns_status_t ns_frame_decode(const uint8_t *bytes, size_t size, ns_frame_t *out);

#ifdef __cplusplus
}
#endif
#endif
