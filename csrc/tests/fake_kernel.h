/**
 * @file fake_kernel.h
 * @brief A kernel in virtual time for the bus back ends: what it answers is scripted, and waiting
 *        for it costs no time.
 */
#ifndef NIGHTSIDE_TEST_FAKE_KERNEL_H
#define NIGHTSIDE_TEST_FAKE_KERNEL_H

#include <stdbool.h>

#include "bus/system.h"

#define FAKE_NEVER INT64_MAX
#define FAKE_FD 7
#define FAKE_CALL_NS 1000 /* each call takes so long, so that every loop meets its deadline */
#define FAKE_BYTES_MAX 65536

/** Bytes that arrive at a time. */
typedef struct fake_chunk {
    int64_t at_ns;
    size_t end; /**< in `input` */
} fake_chunk_t;

typedef struct fake_kernel {
    int64_t now_ns;
    int64_t slept_ns;

    /* A stream: what the peer sends, and what it got. */
    uint8_t input[FAKE_BYTES_MAX];
    size_t input_at;
    size_t input_size;
    fake_chunk_t chunks[64];
    size_t chunk_count;
    uint8_t output[FAKE_BYTES_MAX];
    size_t output_size;
    size_t write_max; /**< bytes taken by one write */
    size_t read_max;  /**< bytes given by one read */
    int64_t writable_at_ns;
    int64_t hang_up_at_ns;
    bool hang_up_is_readable; /**< a socket: reads 0; a terminal: POLLHUP alone */
    void (*on_output)(void);  /**< the peer reacts to what was written */
    unsigned interrupts;      /**< so many waits, reads and writes end with EINTR first */
    int poll_errno, read_errno, write_errno; /**< of the next call */
    short poll_events;                       /**< of the next call, if not 0 */

    /* Files and sockets. */
    int open_errno, lock_errno, nonblocking_errno, dial_errno, dial_result;
    char opened[64];
    int open_count, close_count, dial_count;
    int (*on_ioctl)(int fd, unsigned long request, void *argument);
} fake_kernel_t;

extern fake_kernel_t kernel;
extern const ns_system_t fake_system;

/** A fresh kernel: quiet, writable, nothing opened. */
void fake_kernel_reset(void);

/** Let bytes arrive `delay_ns` from now; chunks come in the order of their times. */
void fake_input(int64_t delay_ns, const void *bytes, size_t size);

/** Fail the present call: -1 with errno. */
int fake_fail(int number);

#endif
