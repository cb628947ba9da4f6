/* ppoll and flock are Linux's own; this is the only file that asks for more than POSIX. */
#define _GNU_SOURCE

#include "system.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000

static struct timespec timespec_of(int64_t duration_ns) {
    int64_t ns = duration_ns > 0 ? duration_ns : 0;
    return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
}

static int system_open(const char *path, int flags) {
    return open(path, flags | O_CLOEXEC);
}

static int system_lock(int fd) {
    return flock(fd, LOCK_EX | LOCK_NB);
}

static int system_set_nonblocking(int fd) {
    int flags = fcntl(fd, F_GETFL);
    return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

static int system_ioctl(int fd, unsigned long request, void *argument) {
    return ioctl(fd, request, argument);
}

static ssize_t system_send(int fd, const void *buffer, size_t size) {
    return send(fd, buffer, size, MSG_NOSIGNAL);
}

static int system_poll(int fd, short events, short *out_events, int64_t timeout_ns) {
    struct pollfd entry = {.fd = fd, .events = events};
    struct timespec timeout = timespec_of(timeout_ns);
    int count = ppoll(&entry, 1, &timeout, NULL);
    if (count > 0) {
        *out_events = entry.revents;
    }
    return count;
}

static int64_t system_now_ns(void) {
    struct timespec now = {0};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void system_sleep_ns(int64_t duration_ns) {
    struct timespec end = timespec_of(system_now_ns() + duration_ns);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL) == EINTR) {
        continue;
    }
}

static int fail(int number) {
    errno = number;
    return -1;
}

/** Connect and keep the descriptor also while the connection is still being made. */
static int connect_begun(int fd, const struct sockaddr *peer, socklen_t size) {
    if (fd < 0 || connect(fd, peer, size) == 0 || errno == EINPROGRESS || errno == EINTR) {
        return fd;
    }
    int number = errno;
    (void)close(fd);
    return fail(number);
}

static int dial_unix(const char *path) {
    struct sockaddr_un peer = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length == 0 || length >= sizeof peer.sun_path) {
        return fail(EINVAL);
    }
    memcpy(peer.sun_path, path, length + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    return connect_begun(fd, (const struct sockaddr *)&peer, sizeof peer);
}

/** Numbers only: looking up a name would block for as long as a name server likes. */
static int dial_tcp(const char *address) {
    struct sockaddr_in peer = {.sin_family = AF_INET};
    char host[INET_ADDRSTRLEN] = "";
    const char *colon = strrchr(address, ':');
    if (colon == NULL || (size_t)(colon - address) >= sizeof host) {
        return fail(EINVAL);
    }
    memcpy(host, address, (size_t)(colon - address));
    char *end = NULL;
    long port = strtol(colon + 1, &end, 10);
    if (inet_pton(AF_INET, host, &peer.sin_addr) != 1 || end == colon + 1 || *end != '\0' ||
        port < 1 || port > UINT16_MAX) {
        return fail(EINVAL);
    }
    peer.sin_port = htons((uint16_t)port);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        /* A request is one small segment that must not wait for the next; without it, only slow. */
        const int on = 1;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    return connect_begun(fd, (const struct sockaddr *)&peer, sizeof peer);
}

static int system_dial(const char *address) {
    if (strncmp(address, "unix:", 5) == 0) {
        return dial_unix(address + 5);
    }
    if (strncmp(address, "tcp:", 4) == 0) {
        return dial_tcp(address + 4);
    }
    return fail(EINVAL);
}

static int system_dial_result(int fd) {
    int result = 0;
    socklen_t size = sizeof result;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &result, &size) == 0 ? result : errno;
}

const ns_system_t ns_system_linux = {
    .open = system_open,
    .close = close,
    .lock = system_lock,
    .set_nonblocking = system_set_nonblocking,
    .ioctl = system_ioctl,
    .read = read,
    .write = write,
    .send = system_send,
    .poll = system_poll,
    .dial = system_dial,
    .dial_result = system_dial_result,
    .now_ns = system_now_ns,
    .sleep_ns = system_sleep_ns,
};
