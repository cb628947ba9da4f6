#include "nightside/watchdog.h"

#include <errno.h>
#include <linux/watchdog.h>
#include <string.h>

#include "check.h"

/** A watchdog of the kernel's, in seconds of the test's own clock. */
typedef struct fake_watchdog {
    int open_error, control_error;
    unsigned long fails_at; /**< this request fails with control_error; 0: all do */
    bool is_open, is_running, has_bitten, is_write_refused;
    unsigned open_count;
    int timeout_s, timeout_s_max, left_s, boot_status;
    char last_byte;
    unsigned kick_count;
} fake_watchdog_t;

static fake_watchdog_t fake;
static ns_watchdog_t device;

static int fake_open(void *ctx, const char *path) {
    CHECK(ctx == &fake && strcmp(path, "/dev/watchdog0") == 0);
    fake.open_count++;
    if (fake.open_error != 0) {
        errno = fake.open_error;
        return -1;
    }
    fake.is_open = fake.is_running = true;
    fake.left_s = fake.timeout_s;
    return 9;
}

static int fake_control(void *ctx, int descriptor, unsigned long request, void *argument) {
    int *value = argument;
    CHECK(ctx == &fake && descriptor == 9);
    if (fake.control_error != 0 && (fake.fails_at == 0 || fake.fails_at == request)) {
        errno = fake.control_error;
        return -1;
    }
    if (request == WDIOC_SETTIMEOUT) {
        fake.timeout_s = *value < fake.timeout_s_max ? *value : fake.timeout_s_max;
        fake.left_s = fake.timeout_s;
    } else if (request == WDIOC_KEEPALIVE) {
        fake.kick_count++;
        fake.left_s = fake.timeout_s;
    } else if (request == WDIOC_GETTIMEOUT) {
        *value = fake.timeout_s;
    } else if (request == WDIOC_GETTIMELEFT) {
        *value = fake.left_s;
    } else {
        CHECK(request == WDIOC_GETBOOTSTATUS);
        *value = fake.boot_status;
    }
    return 0;
}

static long fake_write(void *ctx, int descriptor, const void *bytes, size_t size) {
    CHECK(ctx == &fake && descriptor == 9 && size == 1);
    if (fake.is_write_refused) {
        return -1;
    }
    fake.last_byte = *(const char *)bytes;
    return (long)size;
}

static int fake_close(void *ctx, int descriptor) {
    CHECK(ctx == &fake && descriptor == 9);
    fake.is_open = false;
    fake.is_running = fake.last_byte != 'V';
    return 0;
}

static const ns_watchdog_calls_t calls = {
    .open = fake_open, .control = fake_control, .write = fake_write, .close = fake_close};

static void pass(int seconds) {
    fake.left_s -= seconds;
    fake.has_bitten = fake.has_bitten || (fake.is_running && fake.left_s <= 0);
}

static ns_status_t open_watchdog(uint32_t timeout_s) {
    return ns_watchdog_open(&device, "/dev/watchdog0", timeout_s, &calls, &fake);
}

static ns_status_t stroke(double token) {
    return ns_watchdog_ops.write(&device, NS_WATCHDOG_KICK, token);
}

static void open_idle(uint32_t timeout_s) {
    memset(&fake, 0, sizeof fake);
    fake.timeout_s = 60;
    fake.timeout_s_max = 120;
    CHECK_STATUS(open_watchdog(timeout_s), NS_OK);
}

/** Open and stroke once. */
static void arm(uint32_t timeout_s) {
    open_idle(timeout_s);
    CHECK_STATUS(stroke(1000.0), NS_OK);
    CHECK(fake.kick_count == 1);
    fake.kick_count = 0;
}

static double value_of(uint32_t channel) {
    double value = -1.0;
    CHECK_STATUS(ns_watchdog_ops.read(&device, channel, &value), NS_OK);
    return value;
}

static void nothing_but_a_stroke_arms_it(void) {
    double value = 7.0;
    open_idle(10);
    for (uint32_t channel = 0; channel < NS_WATCHDOG_CHANNEL_COUNT; channel++) {
        (void)ns_watchdog_ops.read(&device, channel, &value);
    }
    CHECK_STATUS(ns_watchdog_ops.write(&device, NS_WATCHDOG_TIMEOUT_S, 20.0), NS_OK);
    CHECK_STATUS(stroke(0.0), NS_OK); /* no token yet */
    CHECK(fake.open_count == 0);
    CHECK_EXACT(value_of(NS_WATCHDOG_TIMEOUT_S), 20.0);
    CHECK_EXACT(value_of(NS_WATCHDOG_KICK), 0.0);
    value = 7.0;
    CHECK_STATUS(ns_watchdog_ops.read(&device, NS_WATCHDOG_TIME_LEFT_S, &value), NS_E_UNSUPPORTED);
    CHECK_STATUS(ns_watchdog_ops.read(&device, NS_WATCHDOG_BOOT_STATUS, &value), NS_E_UNSUPPORTED);
    CHECK_EXACT(value, 7.0);
    ns_watchdog_ops.close(&device); /* another device could not be opened */
    pass(1000);
    CHECK(fake.open_count == 0 && !fake.has_bitten);
    CHECK_STATUS(stroke(1.0), NS_E_ABSENT);
    CHECK(fake.open_count == 0);
}

static void the_first_stroke_arms_it_with_the_time_out_that_the_device_can(void) {
    open_idle(10);
    CHECK_STATUS(stroke(1.0), NS_OK);
    CHECK_STATUS(stroke(2.0), NS_OK);
    CHECK(fake.is_running && fake.open_count == 1 && fake.kick_count == 2);
    CHECK_EXACT(value_of(NS_WATCHDOG_TIMEOUT_S), 10.0);
    CHECK_STATUS(ns_watchdog_ops.write(&device, NS_WATCHDOG_TIMEOUT_S, 300.0), NS_OK);
    CHECK_EXACT(value_of(NS_WATCHDOG_TIMEOUT_S), 120.0);
    CHECK_STATUS(ns_watchdog_ops.write(&device, NS_WATCHDOG_TIMEOUT_S, 9.9), NS_OK);
    CHECK_EXACT(value_of(NS_WATCHDOG_TIMEOUT_S), 9.0); /* it bites earlier, not later */
}

static void a_changing_token_keeps_it_quiet_and_a_repeated_one_does_not(void) {
    arm(10);
    for (int stroke = 1; stroke <= 5; stroke++) {
        pass(6);
        CHECK_STATUS(ns_watchdog_ops.write(&device, NS_WATCHDOG_KICK, (double)stroke), NS_OK);
    }
    CHECK(!fake.has_bitten && fake.kick_count == 5);
    CHECK_EXACT(value_of(NS_WATCHDOG_KICK), 5.0);
    CHECK_EXACT(value_of(NS_WATCHDOG_TIME_LEFT_S), 10.0);
    for (int repeat = 0; repeat < 5; repeat++) {
        pass(6);
        CHECK_STATUS(ns_watchdog_ops.write(&device, NS_WATCHDOG_KICK, 5.0), NS_OK);
    }
    CHECK(fake.has_bitten && fake.kick_count == 5 && device.kick_count == 1 + 5);
}

static void a_stroke_that_failed_is_not_taken_for_done(void) {
    arm(10);
    fake.control_error = EIO;
    CHECK_STATUS(stroke(1.0), NS_E_IO);
    CHECK_EXACT(value_of(NS_WATCHDOG_KICK), 1000.0);
    fake.control_error = 0;
    CHECK_STATUS(stroke(1.0), NS_OK);
    CHECK(fake.kick_count == 1);
}

static void a_device_that_cannot_be_armed_is_tried_at_each_stroke(void) {
    open_idle(10);
    fake.open_error = ENOENT;
    CHECK_STATUS(stroke(1.0), NS_E_ABSENT);
    fake.open_error = 0;
    fake.control_error = EINVAL;
    fake.fails_at = WDIOC_SETTIMEOUT;
    CHECK_STATUS(stroke(1.0), NS_E_RANGE);
    CHECK(!fake.is_open && !fake.is_running); /* a mistake in a configuration resets nothing */
    fake.control_error = 0;
    fake.last_byte = 0;
    CHECK_STATUS(stroke(1.0), NS_OK);
    CHECK(fake.is_running && fake.open_count == 3 && fake.kick_count == 1);
}

static void closing_leaves_it_running_and_disarming_stops_it(void) {
    arm(10);
    ns_watchdog_ops.close(&device);
    ns_watchdog_ops.close(&device);
    CHECK(!fake.is_open && fake.is_running);
    pass(11);
    CHECK(fake.has_bitten);
    CHECK_STATUS(ns_watchdog_ops.write(&device, NS_WATCHDOG_KICK, 1.0), NS_E_ABSENT);
    CHECK_STATUS(ns_watchdog_disarm(&device), NS_E_ARG);
    arm(10);
    CHECK_STATUS(ns_watchdog_disarm(&device), NS_OK);
    pass(11);
    CHECK(!fake.is_open && !fake.has_bitten);
    CHECK_STATUS(stroke(2.0), NS_E_ABSENT); /* a stroke on its way does not start it again */
    CHECK(!fake.is_open);
    open_idle(10);
    CHECK_STATUS(ns_watchdog_disarm(&device), NS_OK);
    CHECK_STATUS(stroke(1.0), NS_E_ABSENT);
    CHECK_STATUS(ns_watchdog_disarm(&device), NS_E_ARG);
    CHECK(fake.open_count == 0);
    arm(10);
    fake.is_write_refused = true;
    CHECK_STATUS(ns_watchdog_disarm(&device), NS_E_IO);
    CHECK(fake.is_open && fake.is_running);
    CHECK_STATUS(ns_watchdog_disarm(NULL), NS_E_ARG);
}

static void every_failure_has_its_status(void) {
    static const struct {
        int error;
        ns_status_t status;
        ns_status_t at_open;
    } rows[] = {{EBUSY, NS_E_BUSY, NS_E_REFUSED},
                {EACCES, NS_E_REFUSED, NS_E_REFUSED},
                {ENODEV, NS_E_ABSENT, NS_E_ABSENT},
                {ENOENT, NS_E_ABSENT, NS_E_ABSENT},
                {EINVAL, NS_E_RANGE, NS_E_ARG},
                {ENOTTY, NS_E_UNSUPPORTED, NS_E_UNSUPPORTED},
                {EIO, NS_E_IO, NS_E_IO}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        double value = 7.0;
        arm(10);
        fake.control_error = rows[i].error;
        CHECK_STATUS(ns_watchdog_ops.read(&device, NS_WATCHDOG_TIME_LEFT_S, &value),
                     rows[i].status);
        CHECK_EXACT(value, 7.0);
        open_idle(10);
        fake.open_error = rows[i].error;
        CHECK_STATUS(stroke(1.0), rows[i].at_open);
        CHECK(!fake.is_open);
    }
}

static void a_device_that_knows_less_is_used_for_what_it_knows(void) {
    open_idle(10);
    fake.boot_status = WDIOF_CARDRESET;
    CHECK_STATUS(stroke(1.0), NS_OK);
    CHECK_EXACT(value_of(NS_WATCHDOG_BOOT_STATUS), 32.0);
    open_idle(10);
    fake.control_error = ENOTTY;
    fake.fails_at = WDIOC_GETBOOTSTATUS;
    CHECK_STATUS(stroke(1.0), NS_OK);
    CHECK_EXACT(value_of(NS_WATCHDOG_BOOT_STATUS), 0.0);
}

static void what_cannot_be_is_refused(void) {
    arm(10);
    CHECK_STATUS(ns_watchdog_open(NULL, "/dev/watchdog0", 10, &calls, &fake), NS_E_ARG);
    CHECK_STATUS(ns_watchdog_open(&device, NULL, 10, &calls, &fake), NS_E_ARG);
    CHECK_STATUS(ns_watchdog_open(&device, "watchdog0", 10, &calls, &fake), NS_E_ARG);
    char path[NS_WATCHDOG_PATH_SIZE + 1];
    memset(path, 'x', sizeof path);
    path[0] = '/';
    path[NS_WATCHDOG_PATH_SIZE] = '\0';
    CHECK_STATUS(ns_watchdog_open(&device, path, 10, &calls, &fake), NS_E_ARG);
    path[NS_WATCHDOG_PATH_SIZE - 1] = '\0';
    CHECK_STATUS(ns_watchdog_open(&device, path, 10, &calls, &fake), NS_OK);
    arm(10);
    CHECK_STATUS(open_watchdog(0), NS_E_ARG);
    CHECK_STATUS(open_watchdog(65536), NS_E_ARG);
    CHECK_STATUS(ns_watchdog_ops.write(&device, NS_WATCHDOG_TIMEOUT_S, 0.5), NS_E_RANGE);
    CHECK_STATUS(ns_watchdog_ops.write(&device, NS_WATCHDOG_TIMEOUT_S, (double)NAN), NS_E_RANGE);
    CHECK_STATUS(ns_watchdog_ops.write(&device, NS_WATCHDOG_KICK, (double)NAN), NS_E_RANGE);
    CHECK_STATUS(ns_watchdog_ops.write(&device, NS_WATCHDOG_BOOT_STATUS, 1.0), NS_E_UNSUPPORTED);
    CHECK_STATUS(ns_watchdog_ops.write(&device, NS_WATCHDOG_CHANNEL_COUNT, 1.0), NS_E_ARG);
    double value = 0.0;
    CHECK_STATUS(ns_watchdog_ops.read(&device, NS_WATCHDOG_CHANNEL_COUNT, &value), NS_E_ARG);
}

/** The kernel's own calls, on what is no watchdog. */
static void the_kernels_calls_are_the_default(void) {
    CHECK_STATUS(ns_watchdog_open(&device, "/dev/nightside-none", 10, NULL, NULL), NS_OK);
    CHECK_STATUS(stroke(1.0), NS_E_ABSENT);
    CHECK_STATUS(ns_watchdog_open(&device, "/dev/null", 10, NULL, NULL), NS_OK);
    CHECK_STATUS(stroke(1.0), NS_E_UNSUPPORTED);
    CHECK_STATUS(ns_watchdog_disarm(&device), NS_OK);
}

int main(void) {
    nothing_but_a_stroke_arms_it();
    the_first_stroke_arms_it_with_the_time_out_that_the_device_can();
    a_changing_token_keeps_it_quiet_and_a_repeated_one_does_not();
    a_stroke_that_failed_is_not_taken_for_done();
    a_device_that_cannot_be_armed_is_tried_at_each_stroke();
    closing_leaves_it_running_and_disarming_stops_it();
    every_failure_has_its_status();
    a_device_that_knows_less_is_used_for_what_it_knows();
    what_cannot_be_is_refused();
    the_kernels_calls_are_the_default();
    return 0;
}
