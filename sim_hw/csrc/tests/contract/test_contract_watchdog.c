/* The device class `watchdog` on the simulated one, through the calls of the kernel's API. */
#include <errno.h>
#include <linux/watchdog.h>

#include "check.h"
#include "nightside/watchdog.h"
#include "sim_watchdog.h"

#define S 1000000000LL
#define DESCRIPTOR 3

static sim_watchdog_t part;
static ns_watchdog_t device;
static int64_t now_ns;

static int answer(ns_status_t status) {
    if (status == NS_OK) {
        return 0;
    }
    errno = status == NS_E_RANGE ? EINVAL : status == NS_E_BUSY ? EBUSY : EIO;
    return -1;
}

static int part_open(void *ctx, const char *path) {
    (void)path;
    return answer(sim_watchdog_start(ctx)) == 0 ? DESCRIPTOR : -1;
}

static int part_control(void *ctx, int descriptor, unsigned long request, void *argument) {
    int *value = argument;
    sim_watchdog_status_t status;
    CHECK(descriptor == DESCRIPTOR);
    if (request == WDIOC_KEEPALIVE) {
        return answer(sim_watchdog_kick(ctx));
    }
    if (request == WDIOC_SETTIMEOUT) {
        return answer(*value < 0 ? NS_E_RANGE : sim_watchdog_set_timeout(ctx, (uint32_t)*value));
    }
    ns_status_t answered = sim_watchdog_get_status(ctx, &status);
    if (answered != NS_OK) {
        return answer(answered);
    }
    if (request == WDIOC_GETTIMEOUT) {
        *value = (int)status.timeout_s;
    } else if (request == WDIOC_GETTIMELEFT) {
        *value = (int)status.left_s;
    } else {
        CHECK(request == WDIOC_GETBOOTSTATUS);
        *value = status.was_reset_by ? WDIOF_CARDRESET : 0;
    }
    return 0;
}

static long part_write(void *ctx, int descriptor, const void *bytes, size_t size) {
    CHECK(descriptor == DESCRIPTOR);
    return answer(sim_watchdog_write(ctx, bytes, size)) == 0 ? (long)size : -1;
}

static int part_close(void *ctx, int descriptor) {
    CHECK(descriptor == DESCRIPTOR);
    sim_watchdog_close(ctx);
    return 0;
}

static const ns_watchdog_calls_t calls = {
    .open = part_open, .control = part_control, .write = part_write, .close = part_close};

static ns_status_t open_watchdog(uint32_t timeout_s) {
    return ns_watchdog_open(&device, "/dev/watchdog0", timeout_s, &calls, &part);
}

static ns_status_t stroke(double token) {
    return ns_watchdog_ops.write(&device, NS_WATCHDOG_KICK, token);
}

/** The first stroke arms it. */
static void begin(uint32_t timeout_s) {
    now_ns = 0;
    sim_watchdog_init(&part, 120);
    CHECK(open_watchdog(timeout_s) == NS_OK);
    CHECK(!part.is_armed);
    CHECK(stroke(0.5) == NS_OK);
    CHECK(part.is_armed);
}

/** Seconds pass one by one; true once it has bitten. */
static bool pass(int seconds) {
    bool has_bitten = false;
    for (int i = 0; i < seconds; i++) {
        now_ns += S;
        has_bitten = sim_watchdog_advance(&part, now_ns);
    }
    return has_bitten;
}

static double value_of(uint32_t channel) {
    double value = -1.0;
    CHECK(ns_watchdog_ops.read(&device, channel, &value) == NS_OK);
    return value;
}

static void a_daemon_that_decides_is_left_alone_and_one_that_stopped_is_not(void) {
    begin(10);
    for (int token = 1; token <= 20; token++) {
        CHECK(stroke((double)token) == NS_OK);
        CHECK(!pass(6));
    }
    CHECK_NEAR(value_of(NS_WATCHDOG_TIME_LEFT_S), 4.0, 0.0);
    CHECK(stroke(20.0) == NS_OK); /* repeated: no stroke */
    CHECK(pass(6));
}

static void its_bite_is_known_after_the_reset(void) {
    begin(5);
    CHECK_NEAR(value_of(NS_WATCHDOG_BOOT_STATUS), 0.0, 0.0);
    CHECK(pass(6));
    sim_watchdog_reset(&part);
    CHECK(open_watchdog(5) == NS_OK);
    CHECK(stroke(1.0) == NS_OK);
    CHECK_NEAR(value_of(NS_WATCHDOG_BOOT_STATUS), (double)WDIOF_CARDRESET, 0.0);
}

static void only_a_disarm_stops_it(void) {
    begin(5);
    ns_watchdog_ops.close(&device);
    CHECK(pass(6));
    begin(5);
    CHECK(ns_watchdog_disarm(&device) == NS_OK);
    CHECK(!pass(60));
}

static void what_it_cannot_do_is_said_and_leaves_it_stopped(void) {
    sim_watchdog_init(&part, 120);
    CHECK(open_watchdog(121) == NS_OK);
    CHECK(stroke(1.0) == NS_E_RANGE);
    CHECK(!part.is_armed);
    begin(5);
    ns_watchdog_t other;
    CHECK(ns_watchdog_open(&other, "/dev/watchdog0", 5, &calls, &part) == NS_OK);
    CHECK(ns_watchdog_ops.write(&other, NS_WATCHDOG_KICK, 1.0) == NS_E_REFUSED);
    part.is_dead = true;
    CHECK(stroke(1.0) == NS_E_IO);
}

int main(void) {
    a_daemon_that_decides_is_left_alone_and_one_that_stopped_is_not();
    its_bite_is_known_after_the_reset();
    only_a_disarm_stops_it();
    what_it_cannot_do_is_said_and_leaves_it_stopped();
    return 0;
}
