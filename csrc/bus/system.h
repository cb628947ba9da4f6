/**
 * @file system.h
 * @brief The few calls by which a bus back end reaches the kernel; tests put a scripted one here.
 */
#ifndef NIGHTSIDE_BUS_SYSTEM_H
#define NIGHTSIDE_BUS_SYSTEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "nightside/bridge.h"
#include "nightside/gpio.h"
#include "nightside/i2c_dev.h"
#include "nightside/serial.h"

/**
 * As the calls of the same name: -1 and errno on failure. Descriptors are close-on-exec, and those
 * that carry bytes never block: waiting is `poll`'s alone.
 */
typedef struct ns_system {
    int (*open)(const char *path, int flags);
    int (*close)(int fd);
    /** Take the exclusive lock of the open file, or fail with EAGAIN at once. */
    int (*lock)(int fd);
    int (*set_nonblocking)(int fd);
    int (*ioctl)(int fd, unsigned long request, void *argument);
    ssize_t (*read)(int fd, void *buffer, size_t size);
    ssize_t (*write)(int fd, const void *buffer, size_t size);
    /** As write, to a socket, without the signal that a lost peer would send. */
    ssize_t (*send)(int fd, const void *buffer, size_t size);
    /** Wait for one descriptor: 1 and *out_events, or 0 when timeout_ns has passed. */
    int (*poll)(int fd, short events, short *out_events, int64_t timeout_ns);
    /** Begin to connect to "unix:PATH" or "tcp:IPV4:PORT": the descriptor, writable when done. */
    int (*dial)(const char *address);
    /** How a connection begun by dial ended: 0, or an errno. */
    int (*dial_result)(int fd);
    int64_t (*now_ns)(void); /**< CLOCK_MONOTONIC */
    void (*sleep_ns)(int64_t duration_ns);
} ns_system_t;

/** The kernel this program runs on. */
extern const ns_system_t ns_system_linux;

/* The public openers with another kernel; their contracts are those of the public headers. */
ns_status_t ns_i2c_dev_open_on(const ns_system_t *system, ns_i2c_dev_t *self,
                               const ns_i2c_dev_config_t *config);
ns_status_t ns_serial_open_on(const ns_system_t *system, ns_serial_t *self, int fd);
ns_status_t ns_gpio_open_on(const ns_system_t *system, ns_gpio_t *self,
                            const ns_gpio_config_t *config);
ns_status_t ns_bridge_open_on(const ns_system_t *system, ns_bridge_t *self,
                              const ns_bridge_config_t *config);

#endif
