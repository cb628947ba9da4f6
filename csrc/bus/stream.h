/**
 * @file stream.h
 * @brief Bytes in and out of a descriptor that never blocks, under one deadline.
 */
#ifndef NIGHTSIDE_BUS_STREAM_H
#define NIGHTSIDE_BUS_STREAM_H

#include "system.h"

/** One descriptor and the time (of system->now_ns) by which a call must be back. */
typedef struct ns_stream {
    const ns_system_t *system;
    int fd;
    int64_t deadline_ns;
    ssize_t (*put)(int fd, const void *buffer, size_t size); /**< system->write or ->send */
} ns_stream_t;

/**
 * Wait until `events` (POLLIN or POLLOUT) hold.
 * @retval NS_E_TIMEOUT the deadline has passed; NS_E_ABSENT the peer hung up
 */
ns_status_t ns_stream_wait(const ns_stream_t *stream, short events);

/** Write all bytes, however many calls it takes. */
ns_status_t ns_stream_write_all(const ns_stream_t *stream, const uint8_t *bytes, size_t size);

/** Wait for bytes and read what is there, at least one. NS_E_ABSENT at the end of the stream. */
ns_status_t ns_stream_read(const ns_stream_t *stream, uint8_t *out, size_t size, size_t *out_size);

/**
 * Read what lies there already into nowhere, at most 16 KiB: a peer that never stops must not keep
 * the caller. NS_E_ABSENT when the peer has hung up.
 */
ns_status_t ns_stream_drop_input(const ns_stream_t *stream);

#endif
