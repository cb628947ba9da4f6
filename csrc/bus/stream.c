#include "stream.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>

#include "errno_map.h"

#define DROP_READS_MAX 64
#define DROP_READ_SIZE 256

/** Not an error of the transfer: ask again, under the same deadline. */
static bool is_transient(int number) {
    return number == EINTR || number == EAGAIN;
}

static ns_status_t status_of_events(short found, short wanted) {
    if ((found & wanted) != 0) {
        return NS_OK; /* before a hang-up is believed, what the peer sent is read */
    }
    return (found & POLLNVAL) != 0 ? NS_E_ARG : NS_E_ABSENT;
}

ns_status_t ns_stream_wait(const ns_stream_t *stream, short events) {
    for (;;) { /* ends at the deadline: every turn asks the clock */
        int64_t left_ns = stream->deadline_ns - stream->system->now_ns();
        if (left_ns <= 0) {
            return NS_E_TIMEOUT;
        }
        short found = 0;
        int count = stream->system->poll(stream->fd, events, &found, left_ns);
        if (count > 0) {
            return status_of_events(found, events);
        }
        if (count < 0 && errno != EINTR) {
            return ns_errno_in_transfer(errno);
        }
    }
}

ns_status_t ns_stream_write_all(const ns_stream_t *stream, const uint8_t *bytes, size_t size) {
    size_t done = 0;
    while (done < size) {
        ns_status_t status = ns_stream_wait(stream, POLLOUT);
        if (status != NS_OK) {
            return status;
        }
        ssize_t count = stream->put(stream->fd, bytes + done, size - done);
        if (count > 0) {
            done += (size_t)count;
        } else if (count < 0 && !is_transient(errno)) {
            return ns_errno_in_transfer(errno);
        }
    }
    return NS_OK;
}

ns_status_t ns_stream_read(const ns_stream_t *stream, uint8_t *out, size_t size, size_t *out_size) {
    for (;;) { /* ends at the deadline: ns_stream_wait asks the clock */
        ns_status_t status = ns_stream_wait(stream, POLLIN);
        if (status != NS_OK) {
            return status;
        }
        ssize_t count = stream->system->read(stream->fd, out, size);
        if (count > 0) {
            *out_size = (size_t)count;
            return NS_OK;
        }
        if (count == 0) {
            return NS_E_ABSENT; /* readable, yet no byte: the other end is gone */
        }
        if (!is_transient(errno)) {
            return ns_errno_in_transfer(errno);
        }
    }
}

ns_status_t ns_stream_drop_input(const ns_stream_t *stream) {
    for (int i = 0; i < DROP_READS_MAX; i++) {
        /* Asked first: a terminal with VMIN 0, as pyserial sets it, reads 0 bytes when it has none,
         * which looks like the end of the stream. */
        short found = 0;
        int count = stream->system->poll(stream->fd, POLLIN, &found, 0);
        if (count < 0 && errno != EINTR) {
            return ns_errno_in_transfer(errno);
        }
        if (count == 0) {
            return NS_OK;
        }
        if (count > 0) {
            ns_status_t status = status_of_events(found, POLLIN);
            uint8_t bytes[DROP_READ_SIZE];
            size_t size = 0;
            status = status == NS_OK ? ns_stream_read(stream, bytes, sizeof bytes, &size) : status;
            if (status != NS_OK) {
                return status;
            }
        }
    }
    return NS_OK;
}
