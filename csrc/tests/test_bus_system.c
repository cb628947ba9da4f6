/* The back ends on the real kernel. Nothing here waits for a time to pass: each wait ends with what
 * the peer has done or will do. */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "bus/system.h"
#include "check.h"

#define LONG_US 60000000U /* never reached by a good run */

static const ns_system_t *const real = &ns_system_linux;
static char folder[] = "/tmp/nightside-bus-XXXXXX";
static char path[64];

/** A peer that answers one request and is gone. */
static pid_t start_peer(int fd, int other_fd) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        char asked[4] = "";
        (void)close(other_fd);
        bool is_right = read(fd, asked, 4) == 4 && memcmp(asked, "ask", 4) == 0;
        _exit(is_right && write(fd, "reply", 6) == 6 ? 0 : 1);
    }
    (void)close(fd);
    return child;
}

static void a_serial_bus_asks_and_reads_over_a_socket_pair(void) {
    int fds[2];
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    pid_t child = start_peer(fds[1], fds[0]);
    ns_serial_t bus;
    CHECK_STATUS(ns_serial_open(&bus, fds[0]), NS_OK);
    CHECK((fcntl(fds[0], F_GETFL) & O_NONBLOCK) != 0);
    const uint8_t ask[4] = "ask";
    uint8_t answer[16];
    size_t size = 0;
    CHECK_STATUS(ns_serial_ops.exchange(&bus, ask, 4, answer, 16, &size, LONG_US), NS_OK);
    CHECK(size == 6 && memcmp(answer, "reply", 6) == 0);
    int result = -1;
    CHECK(waitpid(child, &result, 0) == child && result == 0);
    CHECK_STATUS(ns_serial_ops.exchange(&bus, ask, 4, answer, 16, &size, LONG_US), NS_E_ABSENT);
    CHECK(fcntl(fds[0], F_GETFD) >= 0); /* still its owner's */
    (void)close(fds[0]);
    CHECK_STATUS(ns_serial_open(&bus, fds[0]), NS_E_ARG);
}

static void a_terminal_without_bytes_is_not_taken_for_hung_up(void) {
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    CHECK(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    int fd = open(ptsname(master), O_RDWR | O_NOCTTY);
    struct termios settings;
    CHECK(fd >= 0 && tcgetattr(fd, &settings) == 0);
    settings.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
    settings.c_cc[VMIN] = 0; /* as pyserial sets it: a read of nothing gives 0 */
    settings.c_cc[VTIME] = 0;
    CHECK(tcsetattr(fd, TCSANOW, &settings) == 0);
    ns_serial_t bus;
    uint8_t answer[16];
    size_t size = 0;
    CHECK_STATUS(ns_serial_open(&bus, fd), NS_OK);
    CHECK(read(fd, answer, 1) == 0);
    CHECK_STATUS(ns_serial_ops.exchange(&bus, NULL, 0, answer, 16, &size, 1), NS_E_TIMEOUT);
    (void)close(master);
    CHECK_STATUS(ns_serial_ops.exchange(&bus, NULL, 0, answer, 16, &size, LONG_US), NS_E_ABSENT);
    (void)close(fd);
}

static int listen_unix(void) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    memcpy(name.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK(fd >= 0 && bind(fd, (const struct sockaddr *)&name, sizeof name) == 0);
    CHECK(listen(fd, 1) == 0);
    return fd;
}

static int listen_tcp(char *out_address, size_t size) {
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t name_size = sizeof name;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(fd >= 0 && bind(fd, (const struct sockaddr *)&name, sizeof name) == 0);
    CHECK(listen(fd, 1) == 0 && getsockname(fd, (struct sockaddr *)&name, &name_size) == 0);
    (void)snprintf(out_address, size, "tcp:127.0.0.1:%u", (unsigned)ntohs(name.sin_port));
    return fd;
}

static void a_connection_carries_bytes_both_ways(const char *address, int listener) {
    int fd = real->dial(address);
    CHECK(fd >= 0);
    short events = 0;
    CHECK(real->poll(fd, POLLOUT, &events, INT64_C(60000000000)) == 1 && events == POLLOUT);
    CHECK(real->dial_result(fd) == 0);
    int server = accept(listener, NULL, NULL);
    CHECK(server >= 0 && real->send(fd, "x", 1) == 1);
    char byte = 0;
    CHECK(read(server, &byte, 1) == 1 && byte == 'x');
    CHECK(write(server, "y", 1) == 1);
    CHECK(real->poll(fd, POLLIN, &events, INT64_C(60000000000)) == 1 && events == POLLIN);
    CHECK(real->read(fd, &byte, 1) == 1 && byte == 'y');
    CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0 && (fcntl(fd, F_GETFL) & O_NONBLOCK) != 0);
    (void)close(server);
    CHECK(real->poll(fd, POLLIN, &events, INT64_C(60000000000)) == 1);
    while (real->send(fd, "x", 1) == 1) { /* a reset may take a moment; no signal kills us */
        continue;
    }
    CHECK(errno == EPIPE || errno == ECONNRESET);
    CHECK(real->close(fd) == 0);
}

static void both_kinds_of_address_connect(void) {
    char address[80];
    int listener = listen_unix();
    (void)snprintf(address, sizeof address, "unix:%s", path);
    a_connection_carries_bytes_both_ways(address, listener);
    (void)close(listener);
    CHECK(real->dial(address) == -1 && errno == ECONNREFUSED);
    (void)unlink(path);
    listener = listen_tcp(address, sizeof address);
    a_connection_carries_bytes_both_ways(address, listener);
    (void)close(listener);
    int fd = real->dial(address);
    short events = 0;
    CHECK(fd < 0 || real->poll(fd, POLLOUT, &events, INT64_C(60000000000)) == 1);
    CHECK(fd < 0 || real->dial_result(fd) == ECONNREFUSED);
    (void)close(fd);
}

static void an_address_that_cannot_be_is_refused(void) {
    static const char *const wrong[] = {
        "",
        "unix:",
        "tcp:",
        "tcp:127.0.0.1",
        "tcp:127.0.0.1:",
        "tcp:here:1",
        "tcp:127.0.0.1:0",
        "tcp:127.0.0.1:65536",
        "tcp:127.0.0.1:1x",
        "tcp:1234567890123456:1",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        errno = 0;
        CHECK(real->dial(wrong[i]) == -1 && errno == EINVAL);
    }
    char long_path[160];
    memset(long_path, 'a', sizeof long_path);
    memcpy(long_path, "unix:", 5);
    long_path[sizeof long_path - 1] = '\0';
    CHECK(real->dial(long_path) == -1 && errno == EINVAL);
    CHECK(real->dial_result(-1) == EBADF);
}

static void a_lock_excludes_another_opening(void) {
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    int other = real->open(path, O_RDWR);
    CHECK(fd >= 0 && other >= 0 && (fcntl(other, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(real->lock(fd) == 0);
    CHECK(real->lock(other) == -1 && errno == EAGAIN);
    ns_i2c_dev_t bus;
    ns_i2c_dev_config_t config = {.path = path, .timeout_us = 10000};
    CHECK_STATUS(ns_i2c_dev_open(&bus, &config), NS_E_REFUSED);
    (void)close(fd);
    CHECK_STATUS(ns_i2c_dev_open(&bus, &config), NS_E_UNSUPPORTED); /* a file is no adapter */
    CHECK(real->lock(other) == 0); /* the failed opening gave it back */
    (void)close(other);
    (void)unlink(path);
    CHECK_STATUS(ns_i2c_dev_open(&bus, &config), NS_E_ABSENT);
}

static void what_is_no_chip_and_what_is_missing_are_told_apart(void) {
    const ns_gpio_line_t line = {.offset = 0};
    ns_gpio_config_t config = {.chip_path = "/dev/null", .lines = &line, .line_count = 1};
    ns_gpio_t gpio;
    CHECK_STATUS(ns_gpio_open(&gpio, &config), NS_E_UNSUPPORTED);
    config.chip_path = path;
    CHECK_STATUS(ns_gpio_open(&gpio, &config), NS_E_ABSENT);
    char address[80];
    (void)snprintf(address, sizeof address, "unix:%s", path);
    const ns_bridge_config_t far = {.address = address};
    ns_bridge_t bridge;
    uint8_t byte = 0;
    CHECK_STATUS(ns_bridge_open(&bridge, &far), NS_OK);
    CHECK_STATUS(ns_bridge_ops.transfer(&bridge, 0x40, &byte, 1, NULL, 0, LONG_US), NS_E_ABSENT);
}

static void the_clock_goes_on_while_it_sleeps(void) {
    int64_t before_ns = real->now_ns();
    real->sleep_ns(1000);
    CHECK(real->now_ns() >= before_ns + 1000);
    real->sleep_ns(-1000000000);
    short events = 0;
    CHECK(real->poll(-1, POLLIN, &events, -5) == 0); /* a negative time is none */
    CHECK(real->set_nonblocking(-1) == -1 && errno == EBADF);
}

int main(void) {
    CHECK(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof path, "%s/file", folder);
    a_serial_bus_asks_and_reads_over_a_socket_pair();
    a_terminal_without_bytes_is_not_taken_for_hung_up();
    both_kinds_of_address_connect();
    an_address_that_cannot_be_is_refused();
    a_lock_excludes_another_opening();
    what_is_no_chip_and_what_is_missing_are_told_apart();
    the_clock_goes_on_while_it_sleeps();
    CHECK(rmdir(folder) == 0);
    return 0;
}
