#include <errno.h>
#include <string.h>

#include <linux/gpio.h>
#include <linux/i2c-dev.h>
#include <linux/i2c.h>

#include "check.h"
#include "fake_kernel.h"

#define SCL_FD 8
#define SDA_FD 9
#define TIMEOUT_US 35000U

/** An adapter with one device of 4 bytes at 0x40, a kernel driver at 0x50, and two GPIO lines. */
static struct {
    unsigned long functions;
    unsigned long timeout_ticks, retries;
    int transfer_errno, claim_errno, functions_errno, retries_errno, timeout_errno;
    unsigned transfers, claims;
    uint32_t messages_short; /**< so many messages fewer than asked for are reported */
    uint16_t address;
    uint8_t written[NS_I2C_DEV_MESSAGE_MAX];
    uint32_t written_size;
    uint32_t message_count;
    bool has_pec, is_forced;

    /* The two lines, as the wires are: what we let go may be held low by a device. */
    bool scl_out, sda_out;
    int sda_held_clocks; /**< the device lets SDA go after so many */
    int64_t scl_held_until_ns;
    int clocks, stops, lines_open;
    int line_errno, read_errno, write_errno;
    int writes, good_writes; /**< write_errno comes behind so many */
} adapter;

static ns_i2c_dev_t bus;
static uint8_t answer[NS_I2C_DEV_MESSAGE_MAX];

static bool scl_is_high(void) {
    return adapter.scl_out && kernel.now_ns >= adapter.scl_held_until_ns;
}

static bool sda_is_high(void) {
    return adapter.sda_out && adapter.clocks >= adapter.sda_held_clocks;
}

static int get_line(struct gpio_v2_line_request *request) {
    if (adapter.line_errno != 0) {
        return fake_fail(adapter.line_errno);
    }
    CHECK(request->num_lines == 1 && (request->offsets[0] == 5 || request->offsets[0] == 6));
    CHECK((request->config.attrs[0].attr.flags & GPIO_V2_LINE_FLAG_OPEN_DRAIN) != 0);
    CHECK(request->config.attrs[1].attr.values == 1); /* let go, from the first moment on */
    bool is_scl = request->offsets[0] == 5;
    *(is_scl ? &adapter.scl_out : &adapter.sda_out) = true;
    request->fd = is_scl ? SCL_FD : SDA_FD;
    adapter.lines_open++;
    return 0;
}

static int set_line(int fd, const struct gpio_v2_line_values *values) {
    if (adapter.write_errno != 0 && adapter.writes++ >= adapter.good_writes) {
        return fake_fail(adapter.write_errno);
    }
    bool is_high = values->bits != 0;
    if (fd == SCL_FD) {
        adapter.clocks += is_high && !adapter.scl_out ? 1 : 0;
        adapter.scl_out = is_high;
        return 0;
    }
    bool was_high = adapter.sda_out;
    adapter.sda_out = is_high;
    adapter.stops += !was_high && sda_is_high() && scl_is_high() ? 1 : 0;
    return 0;
}

static int run_messages(const struct i2c_rdwr_ioctl_data *data) {
    adapter.transfers++;
    if (adapter.transfer_errno == ETIMEDOUT) {
        kernel.now_ns += (int64_t)adapter.timeout_ticks * 10000000;
    }
    if (adapter.transfer_errno != 0) {
        return fake_fail(adapter.transfer_errno);
    }
    adapter.message_count = data->nmsgs;
    for (uint32_t i = 0; i < data->nmsgs; i++) {
        const struct i2c_msg *message = &data->msgs[i];
        adapter.address = message->addr;
        if ((message->flags & I2C_M_RD) != 0) {
            memset(message->buf, 0x5A, message->len);
        } else {
            memcpy(adapter.written, message->buf, message->len);
            adapter.written_size = message->len;
        }
    }
    return (int)(data->nmsgs - adapter.messages_short);
}

static int adapter_ioctl(int fd, unsigned long request, void *argument) {
    switch (request) {
    case I2C_FUNCS:
        *(unsigned long *)argument = adapter.functions;
        return adapter.functions_errno != 0 ? fake_fail(adapter.functions_errno) : 0;
    case I2C_TIMEOUT:
        adapter.timeout_ticks = (uintptr_t)argument;
        return adapter.timeout_errno != 0 ? fake_fail(adapter.timeout_errno) : 0;
    case I2C_RETRIES:
        adapter.retries = (uintptr_t)argument;
        return adapter.retries_errno != 0 ? fake_fail(adapter.retries_errno) : 0;
    case I2C_SLAVE:
        adapter.claims++;
        if (adapter.claim_errno != 0) {
            return fake_fail(adapter.claim_errno);
        }
        return (uintptr_t)argument == 0x50 ? fake_fail(EBUSY) : 0;
    case I2C_RDWR:
        return run_messages(argument);
    case GPIO_V2_GET_LINE_IOCTL:
        return get_line(argument);
    case GPIO_V2_LINE_SET_VALUES_IOCTL:
        return set_line(fd, argument);
    default:
        break;
    }
    CHECK(request == GPIO_V2_LINE_GET_VALUES_IOCTL); /* so neither I2C_PEC nor I2C_SLAVE_FORCE */
    bool is_high = fd == SCL_FD ? scl_is_high() : sda_is_high();
    ((struct gpio_v2_line_values *)argument)->bits = is_high ? 1 : 0;
    return adapter.read_errno != 0 ? fake_fail(adapter.read_errno) : 0;
}

static const ns_i2c_dev_config_t plain = {.path = "/dev/i2c-3", .timeout_us = TIMEOUT_US};
static const ns_i2c_dev_config_t with_lines = {.path = "/dev/i2c-3",
                                               .timeout_us = TIMEOUT_US,
                                               .scl_chip_path = "/dev/gpiochip0",
                                               .scl_offset = 5,
                                               .sda_chip_path = "/dev/gpiochip0",
                                               .sda_offset = 6};

static void reset_adapter(void) {
    fake_kernel_reset();
    memset(&adapter, 0, sizeof adapter);
    memset(answer, 0xEE, sizeof answer);
    adapter.functions = I2C_FUNC_I2C;
    adapter.retries = 99;
    kernel.on_ioctl = adapter_ioctl;
}

static void open_bus(const ns_i2c_dev_config_t *config) {
    reset_adapter();
    CHECK_STATUS(ns_i2c_dev_open_on(&fake_system, &bus, config), NS_OK);
}

static ns_status_t read_word(uint8_t address, uint32_t timeout_us) {
    const uint8_t command = 0x8B;
    return ns_i2c_dev_ops.transfer(&bus, address, &command, 1, answer, 2, timeout_us);
}

static void opening_programs_the_adapter_and_leaves_repeating_to_the_engine(void) {
    open_bus(&plain);
    CHECK(strcmp(kernel.opened, "/dev/i2c-3") == 0);
    CHECK(adapter.timeout_ticks == 4); /* 35 ms, rounded up to 10 ms */
    CHECK(adapter.retries == 0);
    CHECK(adapter.transfers == 0);
}

static void a_write_then_read_is_one_call_with_two_messages(void) {
    open_bus(&plain);
    CHECK_STATUS(read_word(0x40, TIMEOUT_US), NS_OK);
    CHECK(adapter.transfers == 1 && adapter.message_count == 2 && adapter.address == 0x40);
    CHECK(adapter.written_size == 1 && adapter.written[0] == 0x8B);
    CHECK(answer[0] == 0x5A && answer[1] == 0x5A && answer[2] == 0xEE);
}

static void a_write_alone_and_a_read_alone_are_one_message(void) {
    open_bus(&plain);
    const uint8_t bytes[3] = {1, 2, 3};
    CHECK_STATUS(ns_i2c_dev_ops.transfer(&bus, 0x40, bytes, 3, NULL, 0, TIMEOUT_US), NS_OK);
    CHECK(adapter.message_count == 1 && adapter.written_size == 3 && adapter.written[2] == 3);
    CHECK_STATUS(ns_i2c_dev_ops.transfer(&bus, 0x40, NULL, 0, answer, 1, TIMEOUT_US), NS_OK);
    CHECK(adapter.message_count == 1 && answer[0] == 0x5A);
}

static void an_address_is_claimed_once(void) {
    open_bus(&plain);
    CHECK_STATUS(read_word(0x40, TIMEOUT_US), NS_OK);
    CHECK_STATUS(read_word(0x40, TIMEOUT_US), NS_OK);
    CHECK_STATUS(ns_i2c_dev_claim(&bus, 0x40), NS_OK);
    CHECK(adapter.claims == 1);
    CHECK_STATUS(ns_i2c_dev_claim(&bus, 0x41), NS_OK);
    CHECK(adapter.claims == 2);
}

static void an_address_of_a_kernel_driver_is_refused_before_any_byte_moves(void) {
    open_bus(&plain);
    CHECK_STATUS(ns_i2c_dev_claim(&bus, 0x50), NS_E_REFUSED);
    CHECK_STATUS(read_word(0x50, TIMEOUT_US), NS_E_REFUSED);
    CHECK(adapter.transfers == 0 && answer[0] == 0xEE);
    adapter.claim_errno = EIO;
    CHECK_STATUS(read_word(0x51, TIMEOUT_US), NS_E_IO);
}

static void the_time_left_is_programmed_when_it_is_another(void) {
    open_bus(&plain);
    CHECK_STATUS(read_word(0x40, 10000), NS_OK);
    CHECK(adapter.timeout_ticks == 1);
    CHECK_STATUS(read_word(0x40, 10001), NS_OK);
    CHECK(adapter.timeout_ticks == 2);
    CHECK_STATUS(read_word(0x40, UINT32_MAX), NS_OK);
    CHECK(adapter.timeout_ticks == 1000);
    adapter.timeout_errno = EINVAL;
    CHECK_STATUS(read_word(0x40, 1), NS_E_ARG);
    adapter.timeout_errno = 0;
    CHECK_STATUS(read_word(0x40, 1), NS_OK); /* a failure is not taken for programmed */
    CHECK(adapter.timeout_ticks == 1);
}

static void a_device_that_stretches_for_ever_costs_the_timeout_rounded_up(void) {
    open_bus(&plain);
    adapter.transfer_errno = ETIMEDOUT;
    int64_t start_ns = kernel.now_ns;
    CHECK_STATUS(read_word(0x40, 12000), NS_E_TIMEOUT);
    CHECK(kernel.now_ns - start_ns <= 20000000 + 10 * FAKE_CALL_NS);
    CHECK(answer[0] == 0xEE);
}

static void without_time_nothing_is_sent(void) {
    open_bus(&plain);
    CHECK_STATUS(read_word(0x40, 0), NS_E_TIMEOUT);
    CHECK(adapter.transfers == 0);
}

static void faults_of_the_bus_come_out_of_the_table_once_and_untouched(void) {
    static const struct {
        int number;
        ns_status_t status;
    } faults[] = {
        {ENXIO, NS_E_NACK},    {EREMOTEIO, NS_E_NACK}, {EAGAIN, NS_E_BUSY}, {EBUSY, NS_E_TIMEOUT},
        {ENODEV, NS_E_ABSENT}, {EINTR, NS_E_IO},       {EIO, NS_E_IO},
    };
    open_bus(&plain);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        adapter.transfers = 0;
        adapter.transfer_errno = faults[i].number;
        CHECK_STATUS(read_word(0x40, TIMEOUT_US), faults[i].status);
        CHECK(adapter.transfers == 1 && answer[0] == 0xEE);
    }
    adapter.transfer_errno = 0;
    adapter.messages_short = 1; /* the write went out, the read did not happen */
    CHECK_STATUS(read_word(0x40, TIMEOUT_US), NS_E_IO);
    CHECK(answer[0] == 0xEE);
}

static void failures_of_opening_are_told_apart_and_leave_nothing_open(void) {
    static const struct {
        int *number;
        int value;
        ns_status_t status;
    } failures[] = {
        {&kernel.open_errno, ENOENT, NS_E_ABSENT},
        {&kernel.open_errno, EACCES, NS_E_REFUSED},
        {&kernel.lock_errno, EAGAIN, NS_E_REFUSED}, /* another process holds the bus */
        {&adapter.functions_errno, ENOTTY, NS_E_UNSUPPORTED},
        {&adapter.retries_errno, EIO, NS_E_IO},
        {&adapter.timeout_errno, EIO, NS_E_IO},
    };
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        reset_adapter();
        *failures[i].number = failures[i].value;
        CHECK_STATUS(ns_i2c_dev_open_on(&fake_system, &bus, &plain), failures[i].status);
        CHECK(kernel.close_count == kernel.open_count);
        CHECK_STATUS(read_word(0x40, TIMEOUT_US), NS_E_ARG);
    }
    reset_adapter();
    adapter.functions = I2C_FUNC_SMBUS_EMUL; /* a controller of SMBus commands only */
    CHECK_STATUS(ns_i2c_dev_open_on(&fake_system, &bus, &plain), NS_E_UNSUPPORTED);
    CHECK(kernel.close_count == 1);
}

static void a_bus_held_low_is_clocked_free_and_stopped(void) {
    for (int held = 0; held <= 9; held++) {
        open_bus(&with_lines);
        adapter.sda_held_clocks = held;
        CHECK_STATUS(ns_i2c_dev_ops.recover(&bus), NS_OK);
        CHECK(adapter.clocks == held + 1); /* and one for the STOP */
        CHECK(adapter.stops == 1);
        CHECK(adapter.lines_open == 2 && kernel.close_count == 4); /* two chips, two lines */
    }
}

static void a_bus_that_stays_low_is_given_up(void) {
    open_bus(&with_lines);
    adapter.sda_held_clocks = 99;
    int64_t start_ns = kernel.now_ns;
    CHECK_STATUS(ns_i2c_dev_ops.recover(&bus), NS_E_TIMEOUT);
    CHECK(adapter.clocks == 10 && kernel.close_count == 4);
    open_bus(&with_lines);
    adapter.scl_held_until_ns = FAKE_NEVER;
    CHECK_STATUS(ns_i2c_dev_ops.recover(&bus), NS_E_TIMEOUT);
    CHECK(adapter.clocks == 0 && kernel.close_count == 4);
    CHECK(kernel.now_ns - start_ns <= 40000000);
}

static void a_clock_that_is_stretched_for_a_while_is_waited_for(void) {
    open_bus(&with_lines);
    adapter.scl_held_until_ns = kernel.now_ns + 20000000;
    adapter.sda_held_clocks = 3;
    CHECK_STATUS(ns_i2c_dev_ops.recover(&bus), NS_OK);
    CHECK(adapter.stops == 1);
}

static void recovery_says_what_it_lacks(void) {
    open_bus(&plain);
    CHECK_STATUS(ns_i2c_dev_ops.recover(&bus), NS_E_UNSUPPORTED);
    open_bus(&with_lines);
    adapter.line_errno = EBUSY;
    CHECK_STATUS(ns_i2c_dev_ops.recover(&bus), NS_E_REFUSED);
    open_bus(&with_lines);
    adapter.read_errno = EIO;
    CHECK_STATUS(ns_i2c_dev_ops.recover(&bus), NS_E_IO);
    CHECK(kernel.close_count == 4);
    ns_i2c_dev_ops.close(&bus);
    CHECK_STATUS(ns_i2c_dev_ops.recover(&bus), NS_E_ARG);
    CHECK_STATUS(ns_i2c_dev_ops.recover(NULL), NS_E_ARG);
}

static void a_line_that_fails_ends_the_recovery_at_any_step(void) {
    ns_status_t status = NS_E_REFUSED;
    int steps = 0;
    for (; status == NS_E_REFUSED; steps++) {
        open_bus(&with_lines);
        adapter.sda_held_clocks = 2;
        adapter.write_errno = EPERM;
        adapter.good_writes = steps;
        status = ns_i2c_dev_ops.recover(&bus);
        CHECK(kernel.close_count == kernel.open_count - 1 + adapter.lines_open); /* but the bus */
    }
    CHECK_STATUS(status, NS_OK);
    CHECK(steps == 12); /* 2 at opening, SCL up, 2 clocks of 2, 4 for the STOP, and the good run */
}

static void the_lines_may_be_of_two_chips(void) {
    ns_i2c_dev_config_t config = with_lines;
    config.sda_chip_path = "/dev/gpiochip1";
    open_bus(&config);
    CHECK_STATUS(ns_i2c_dev_ops.recover(&bus), NS_OK);
    CHECK(strcmp(kernel.opened, "/dev/gpiochip1") == 0);
}

static void the_clock_and_the_delay_are_the_systems(void) {
    open_bus(&plain);
    CHECK(ns_i2c_dev_ops.now_ns(&bus) == kernel.now_ns);
    ns_i2c_dev_ops.delay(&bus, 250);
    CHECK(kernel.slept_ns == 250000);
}

static void arguments_are_checked(void) {
    ns_i2c_dev_config_t bad[5] = {plain, plain, plain, with_lines, with_lines};
    bad[0].path = NULL;
    bad[1].timeout_us = 0;
    bad[2].timeout_us = 10000001;
    bad[3].sda_chip_path = NULL;
    bad[4].scl_chip_path = NULL;
    for (int i = 0; i < 5; i++) {
        CHECK_STATUS(ns_i2c_dev_open_on(&fake_system, &bus, &bad[i]), NS_E_ARG);
    }
    CHECK_STATUS(ns_i2c_dev_open_on(&fake_system, NULL, &plain), NS_E_ARG);
    CHECK_STATUS(ns_i2c_dev_open_on(&fake_system, &bus, NULL), NS_E_ARG);
    open_bus(&plain);
    const uint8_t big[NS_I2C_DEV_MESSAGE_MAX + 1] = {0};
    CHECK_STATUS(ns_i2c_dev_ops.transfer(NULL, 0x40, big, 1, NULL, 0, 1), NS_E_ARG);
    CHECK_STATUS(ns_i2c_dev_ops.transfer(&bus, 0x40, NULL, 1, NULL, 0, 1), NS_E_ARG);
    CHECK_STATUS(ns_i2c_dev_ops.transfer(&bus, 0x40, big, 1, NULL, 1, 1), NS_E_ARG);
    CHECK_STATUS(ns_i2c_dev_ops.transfer(&bus, 0x40, big, 0, NULL, 0, 1), NS_E_ARG);
    CHECK_STATUS(ns_i2c_dev_ops.transfer(&bus, 0x40, big, sizeof big, NULL, 0, 1), NS_E_ARG);
    CHECK_STATUS(ns_i2c_dev_ops.transfer(&bus, 0x40, big, 1, answer, sizeof big, 1), NS_E_ARG);
    const uint8_t reserved[] = {0x00, 0x07, 0x78, 0x7F, 0x80, 0xFF};
    for (size_t i = 0; i < sizeof reserved; i++) {
        CHECK_STATUS(read_word(reserved[i], TIMEOUT_US), NS_E_ARG);
    }
    CHECK(adapter.transfers == 0);
    CHECK_STATUS(read_word(0x08, TIMEOUT_US), NS_OK);
    CHECK_STATUS(read_word(0x77, TIMEOUT_US), NS_OK);
    ns_i2c_dev_ops.close(&bus);
    ns_i2c_dev_ops.close(&bus);
    CHECK(kernel.close_count == 1);
    CHECK_STATUS(ns_i2c_dev_claim(&bus, 0x40), NS_E_ARG);
    CHECK_STATUS(ns_i2c_dev_claim(NULL, 0x40), NS_E_ARG);
}

int main(void) {
    opening_programs_the_adapter_and_leaves_repeating_to_the_engine();
    a_write_then_read_is_one_call_with_two_messages();
    a_write_alone_and_a_read_alone_are_one_message();
    an_address_is_claimed_once();
    an_address_of_a_kernel_driver_is_refused_before_any_byte_moves();
    the_time_left_is_programmed_when_it_is_another();
    a_device_that_stretches_for_ever_costs_the_timeout_rounded_up();
    without_time_nothing_is_sent();
    faults_of_the_bus_come_out_of_the_table_once_and_untouched();
    failures_of_opening_are_told_apart_and_leave_nothing_open();
    a_bus_held_low_is_clocked_free_and_stopped();
    a_bus_that_stays_low_is_given_up();
    a_clock_that_is_stretched_for_a_while_is_waited_for();
    recovery_says_what_it_lacks();
    a_line_that_fails_ends_the_recovery_at_any_step();
    the_lines_may_be_of_two_chips();
    the_clock_and_the_delay_are_the_systems();
    arguments_are_checked();
    return 0;
}
