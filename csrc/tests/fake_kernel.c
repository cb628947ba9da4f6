#include "fake_kernel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "check.h"

fake_kernel_t kernel;

void fake_kernel_reset(void) {
    memset(&kernel, 0, sizeof kernel);
    kernel.now_ns = 1000000000;
    kernel.hang_up_at_ns = FAKE_NEVER;
    kernel.write_max = kernel.read_max = FAKE_BYTES_MAX;
}

int fake_fail(int number) {
    errno = number;
    return -1;
}

void fake_input(int64_t delay_ns, const void *bytes, size_t size) {
    CHECK(kernel.chunk_count < sizeof kernel.chunks / sizeof kernel.chunks[0]);
    CHECK(kernel.input_size + size <= FAKE_BYTES_MAX);
    memcpy(kernel.input + kernel.input_size, bytes, size);
    kernel.input_size += size;
    kernel.chunks[kernel.chunk_count++] =
        (fake_chunk_t){.at_ns = kernel.now_ns + delay_ns, .end = kernel.input_size};
}

/** Bytes that have arrived and are not read. */
static size_t readable(void) {
    size_t end = kernel.input_at;
    for (size_t i = 0; i < kernel.chunk_count; i++) {
        if (kernel.chunks[i].at_ns <= kernel.now_ns && kernel.chunks[i].end > end) {
            end = kernel.chunks[i].end;
        }
    }
    return end - kernel.input_at;
}

static short events_now(short wanted) {
    bool is_hung_up = kernel.now_ns >= kernel.hang_up_at_ns;
    short found = 0;
    if (readable() > 0 || (is_hung_up && kernel.hang_up_is_readable)) {
        found = (short)(found | (wanted & POLLIN));
    }
    if (kernel.now_ns >= kernel.writable_at_ns && !is_hung_up) {
        found = (short)(found | (wanted & POLLOUT));
    }
    return is_hung_up ? (short)(found | POLLHUP) : found;
}

static int64_t next_change_ns(void) {
    int64_t next = FAKE_NEVER;
    for (size_t i = 0; i < kernel.chunk_count; i++) {
        int64_t at = kernel.chunks[i].at_ns;
        next = at > kernel.now_ns && at < next ? at : next;
    }
    int64_t writable = kernel.writable_at_ns;
    next = writable > kernel.now_ns && writable < next ? writable : next;
    int64_t hang_up = kernel.hang_up_at_ns;
    return hang_up > kernel.now_ns && hang_up < next ? hang_up : next;
}

/** An errno planted for the next call of a kind; it works once. */
static int planted(int *number) {
    int found = *number;
    *number = 0;
    return found;
}

static int fake_poll(int fd, short wanted, short *out_events, int64_t timeout_ns) {
    CHECK(fd == FAKE_FD);
    kernel.now_ns += FAKE_CALL_NS;
    int number = planted(&kernel.poll_errno);
    if (number != 0) {
        return fake_fail(number);
    }
    if (kernel.poll_events != 0) {
        *out_events = kernel.poll_events;
        kernel.poll_events = 0;
        return 1;
    }
    int64_t end = kernel.now_ns + timeout_ns;
    while (events_now(wanted) == 0) {
        if (kernel.interrupts > 0 && timeout_ns > 0) {
            kernel.interrupts--;
            return fake_fail(EINTR);
        }
        int64_t next = next_change_ns();
        if (next > end) {
            kernel.now_ns = end;
            return 0;
        }
        kernel.now_ns = next;
    }
    *out_events = events_now(wanted);
    return 1;
}

static ssize_t fake_read(int fd, void *buffer, size_t size) {
    CHECK(fd == FAKE_FD);
    kernel.now_ns += FAKE_CALL_NS;
    int number = planted(&kernel.read_errno);
    if (number != 0) {
        return fake_fail(number);
    }
    if (kernel.interrupts > 0) {
        kernel.interrupts--;
        return fake_fail(EINTR);
    }
    size_t count = readable();
    count = count < size ? count : size;
    count = count < kernel.read_max ? count : kernel.read_max;
    memcpy(buffer, kernel.input + kernel.input_at, count);
    kernel.input_at += count;
    if (count > 0) {
        return (ssize_t)count;
    }
    return kernel.now_ns >= kernel.hang_up_at_ns ? 0 : fake_fail(EAGAIN);
}

static ssize_t fake_write(int fd, const void *buffer, size_t size) {
    CHECK(fd == FAKE_FD);
    kernel.now_ns += FAKE_CALL_NS;
    int number = planted(&kernel.write_errno);
    if (number != 0) {
        return fake_fail(number);
    }
    if (kernel.interrupts > 0) {
        kernel.interrupts--;
        return fake_fail(EINTR);
    }
    size_t count = size < kernel.write_max ? size : kernel.write_max;
    CHECK(kernel.output_size + count <= FAKE_BYTES_MAX);
    memcpy(kernel.output + kernel.output_size, buffer, count);
    kernel.output_size += count;
    if (kernel.on_output != NULL) {
        kernel.on_output();
    }
    return (ssize_t)count;
}

static int fake_open(const char *path, int flags) {
    (void)flags;
    if (kernel.open_errno != 0) {
        return fake_fail(kernel.open_errno);
    }
    CHECK(strlen(path) < sizeof kernel.opened);
    memcpy(kernel.opened, path, strlen(path) + 1);
    kernel.open_count++;
    return FAKE_FD;
}

static int fake_close(int fd) {
    CHECK(fd >= FAKE_FD);
    kernel.close_count++;
    return 0;
}

static int fake_lock(int fd) {
    CHECK(fd == FAKE_FD);
    return kernel.lock_errno != 0 ? fake_fail(kernel.lock_errno) : 0;
}

static int fake_set_nonblocking(int fd) {
    CHECK(fd >= FAKE_FD);
    return kernel.nonblocking_errno != 0 ? fake_fail(kernel.nonblocking_errno) : 0;
}

static int fake_ioctl(int fd, unsigned long request, void *argument) {
    kernel.now_ns += FAKE_CALL_NS;
    CHECK(kernel.on_ioctl != NULL);
    return kernel.on_ioctl(fd, request, argument);
}

/** A new connection: whatever the peer sent on the one before is gone with it. */
static int fake_dial(const char *address) {
    (void)address;
    if (kernel.dial_errno != 0) {
        return fake_fail(kernel.dial_errno);
    }
    kernel.dial_count++;
    kernel.chunk_count = 0;
    kernel.input_at = kernel.input_size;
    kernel.hang_up_at_ns = FAKE_NEVER;
    return FAKE_FD;
}

static int fake_dial_result(int fd) {
    CHECK(fd == FAKE_FD);
    return kernel.dial_result;
}

static int64_t fake_now_ns(void) {
    return kernel.now_ns;
}

static void fake_sleep_ns(int64_t duration_ns) {
    kernel.now_ns += duration_ns;
    kernel.slept_ns += duration_ns;
}

const ns_system_t fake_system = {
    .open = fake_open,
    .close = fake_close,
    .lock = fake_lock,
    .set_nonblocking = fake_set_nonblocking,
    .ioctl = fake_ioctl,
    .read = fake_read,
    .write = fake_write,
    .send = fake_write,
    .poll = fake_poll,
    .dial = fake_dial,
    .dial_result = fake_dial_result,
    .now_ns = fake_now_ns,
    .sleep_ns = fake_sleep_ns,
};
