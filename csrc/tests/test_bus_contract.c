/* What every bus back end does, whatever it is made of: one table of cases over all of them, in
 * virtual time. tests/contract/test_bus_contract.py asks the same of real descriptors. */
#include <errno.h>
#include <string.h>

#include <linux/i2c-dev.h>
#include <linux/i2c.h>

#include "bridge_peer.h"
#include "check.h"
#include "fake_kernel.h"

#define TIMEOUT_US 20000U

typedef enum behaviour { GOOD, SILENT, HALF, TOO_MUCH, CLOSED, BEHAVIOUR_COUNT } behaviour_t;

static ns_serial_t serial;
static ns_bridge_t bridge;
static ns_i2c_dev_t i2c_dev;
static behaviour_t device;

static void serial_device_answers(void) {
    static char long_frame[80];
    memset(long_frame, 'x', sizeof long_frame - 1);
    switch (device) {
    case GOOD:
        fake_input(1000000, "reply", 6);
        break;
    case HALF:
        fake_input(1000000, "rep", 3);
        break;
    case TOO_MUCH:
        fake_input(1000000, long_frame, sizeof long_frame);
        break;
    case CLOSED:
        kernel.hang_up_at_ns = kernel.now_ns + 1000000;
        break;
    default:
        break;
    }
}

static int i2c_device_answers(int fd, unsigned long request, void *argument) {
    (void)fd;
    if (request == I2C_FUNCS) {
        *(unsigned long *)argument = I2C_FUNC_I2C;
    }
    if (request != I2C_RDWR) {
        return 0;
    }
    const struct i2c_rdwr_ioctl_data *data = argument;
    switch (device) {
    case SILENT: /* it holds the clock */
        kernel.now_ns += TIMEOUT_US * 1000;
        return fake_fail(ETIMEDOUT);
    case HALF: /* the write went out, then the adapter gave up */
        return (int)data->nmsgs - 1;
    case CLOSED: /* unplugged */
        return fake_fail(ENODEV);
    default: /* more than is clocked cannot come */
        memset(data->msgs[1].buf, 0x5A, data->msgs[1].len);
        return (int)data->nmsgs;
    }
}

static void tell_bridge_peer(void) {
    peer.is_silent = device == SILENT || device == CLOSED;
    peer.hangs_up = device == CLOSED;
    peer.cut = device == HALF ? 1 : 0;
    peer.size_error = device == TOO_MUCH ? 100 : 0;
}

static void open_serial(void) {
    fake_kernel_reset();
    kernel.on_output = serial_device_answers;
    CHECK_STATUS(ns_serial_open_on(&fake_system, &serial, FAKE_FD), NS_OK);
}

static void open_bridge(void) {
    bridge_peer_reset();
    const ns_bridge_config_t config = {.address = "tcp:127.0.0.1:4000"};
    CHECK_STATUS(ns_bridge_open_on(&fake_system, &bridge, &config), NS_OK);
}

static void open_i2c_dev(void) {
    fake_kernel_reset();
    kernel.on_ioctl = i2c_device_answers;
    const ns_i2c_dev_config_t config = {.path = "/dev/i2c-0", .timeout_us = TIMEOUT_US};
    CHECK_STATUS(ns_i2c_dev_open_on(&fake_system, &i2c_dev, &config), NS_OK);
}

/** A back end, what each behaviour of its device becomes, and whether a loss can be mended. */
typedef struct world {
    const ns_bus_ops_t *ops;
    void *ctx;
    bool is_exchange;
    void (*open)(void);
    ns_status_t expected[BEHAVIOUR_COUNT];
    bool heals_after_loss;
} world_t;

static const world_t worlds[] = {
    {&ns_serial_ops,
     &serial,
     true,
     open_serial,
     {NS_OK, NS_E_TIMEOUT, NS_E_TIMEOUT, NS_E_FULL, NS_E_ABSENT},
     false},
    {&ns_bridge_ops,
     &bridge,
     true,
     open_bridge,
     {NS_OK, NS_E_TIMEOUT, NS_E_TIMEOUT, NS_E_PROTOCOL, NS_E_ABSENT},
     true},
    {&ns_bridge_ops,
     &bridge,
     false,
     open_bridge,
     {NS_OK, NS_E_TIMEOUT, NS_E_TIMEOUT, NS_E_PROTOCOL, NS_E_ABSENT},
     true},
    {&ns_i2c_dev_ops,
     &i2c_dev,
     false,
     open_i2c_dev,
     {NS_OK, NS_E_TIMEOUT, NS_E_IO, NS_OK, NS_E_ABSENT},
     true},
};
#define WORLD_COUNT (sizeof worlds / sizeof worlds[0])

static uint8_t answer[64];
static size_t answer_size, size_before;

static ns_status_t call(const world_t *world, behaviour_t behaviour, uint32_t timeout_us) {
    device = behaviour;
    tell_bridge_peer();
    memset(answer, 0xEE, sizeof answer);
    answer_size = size_before = world->is_exchange ? 99 : 6; /* a transfer's is as asked for */
    const uint8_t ask[4] = "ask";
    if (world->is_exchange) {
        return world->ops->exchange(world->ctx, ask, sizeof ask, answer, sizeof answer,
                                    &answer_size, timeout_us);
    }
    return world->ops->transfer(world->ctx, 0x40, ask, sizeof ask, answer, 6, timeout_us);
}

static bool answer_is_untouched(void) {
    for (size_t i = 0; i < sizeof answer; i++) {
        if (answer[i] != 0xEE) {
            return false;
        }
    }
    return answer_size == size_before;
}

static bool answer_is_good(const world_t *world) {
    const char *expected = world->is_exchange ? "reply" : "ZZZZZZ";
    return answer_size == 6 && memcmp(answer, expected, 6) == 0 && answer[6] == 0xEE;
}

static void each_behaviour_has_its_status_and_only_a_good_answer_is_given(void) {
    for (size_t w = 0; w < WORLD_COUNT; w++) {
        for (behaviour_t b = GOOD; b < BEHAVIOUR_COUNT; b++) {
            worlds[w].open();
            ns_status_t expected = worlds[w].expected[b];
            CHECK_STATUS(call(&worlds[w], b, TIMEOUT_US), expected);
            CHECK(expected == NS_OK ? answer_is_good(&worlds[w]) : answer_is_untouched());
        }
    }
}

static void every_call_is_back_at_its_deadline(void) {
    for (size_t w = 0; w < WORLD_COUNT; w++) {
        for (behaviour_t b = GOOD; b < BEHAVIOUR_COUNT; b++) {
            worlds[w].open();
            int64_t start_ns = worlds[w].ops->now_ns(worlds[w].ctx);
            (void)call(&worlds[w], b, TIMEOUT_US);
            int64_t taken_ns = worlds[w].ops->now_ns(worlds[w].ctx) - start_ns;
            CHECK(taken_ns <= TIMEOUT_US * 1000 + 10 * FAKE_CALL_NS);
        }
    }
}

static void a_good_call_follows_a_bad_one(void) {
    for (size_t w = 0; w < WORLD_COUNT; w++) {
        for (behaviour_t b = GOOD; b < BEHAVIOUR_COUNT; b++) {
            worlds[w].open();
            (void)call(&worlds[w], b, TIMEOUT_US);
            bool heals = b != CLOSED || worlds[w].heals_after_loss;
            CHECK_STATUS(call(&worlds[w], GOOD, TIMEOUT_US), heals ? NS_OK : NS_E_ABSENT);
            CHECK(heals ? answer_is_good(&worlds[w]) : answer_is_untouched());
        }
    }
}

static void no_time_is_a_timeout_with_nothing_begun(void) {
    for (size_t w = 0; w < WORLD_COUNT; w++) {
        worlds[w].open();
        CHECK_STATUS(call(&worlds[w], GOOD, 0), NS_E_TIMEOUT);
        CHECK(answer_is_untouched() && kernel.output_size == 0);
    }
}

static void after_closing_every_call_is_refused_and_closing_again_is_allowed(void) {
    for (size_t w = 0; w < WORLD_COUNT; w++) {
        worlds[w].open();
        worlds[w].ops->close(worlds[w].ctx);
        worlds[w].ops->close(worlds[w].ctx);
        CHECK_STATUS(call(&worlds[w], GOOD, TIMEOUT_US), NS_E_ARG);
        CHECK(answer_is_untouched());
    }
}

static void every_table_is_of_this_abi_and_has_a_clock(void) {
    for (size_t w = 0; w < WORLD_COUNT; w++) {
        worlds[w].open();
        CHECK(worlds[w].ops->abi == NS_BUS_OPS_ABI);
        int64_t before_ns = worlds[w].ops->now_ns(worlds[w].ctx);
        worlds[w].ops->delay(worlds[w].ctx, 100);
        CHECK(worlds[w].ops->now_ns(worlds[w].ctx) >= before_ns + 100000);
    }
}

int main(void) {
    each_behaviour_has_its_status_and_only_a_good_answer_is_given();
    every_call_is_back_at_its_deadline();
    a_good_call_follows_a_bad_one();
    no_time_is_a_timeout_with_nothing_begun();
    after_closing_every_call_is_refused_and_closing_again_is_allowed();
    every_table_is_of_this_abi_and_has_a_clock();
    return 0;
}
