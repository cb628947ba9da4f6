/**
 * @file bridge_peer.h
 * @brief The far side of a bridge, on the fake kernel: answers each request as told.
 */
#ifndef NIGHTSIDE_TEST_BRIDGE_PEER_H
#define NIGHTSIDE_TEST_BRIDGE_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** How the next answers differ from a good one; zero is good. */
typedef struct bridge_peer {
    int64_t delay_ns;
    int32_t status;
    int size_error;          /**< bytes of data more than asked for */
    uint32_t sequence_error; /**< added to the sequence */
    uint8_t version_error, kind_error, magic_error;
    size_t cut;              /**< so many bytes of the answer are never sent */
    uint16_t announced_size; /**< in the header instead of the real one, if not 0 */
    bool is_silent;
    bool hangs_up;     /**< behind its answer */
    unsigned repeats;  /**< the answer comes so many times more */
    const char *frame; /**< answer to an exchange */
    size_t frame_size;

    unsigned requests;
    uint8_t kind, address;
    uint32_t sequence, timeout_us;
    uint16_t write_size, read_size;
    uint8_t written[64];
} bridge_peer_t;

extern bridge_peer_t peer;

/** A good peer, listening on a fresh kernel. */
void bridge_peer_reset(void);

#endif
