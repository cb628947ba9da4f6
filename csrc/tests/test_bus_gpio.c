#include <errno.h>
#include <string.h>

#include <linux/gpio.h>

#include "check.h"
#include "fake_kernel.h"

#define REQUEST_FD FAKE_FD

/** A chip whose pins can be set and looked at. */
static struct {
    struct gpio_v2_line_request request; /**< the last one granted */
    uint64_t pins;                       /**< logical values, bit per line of the request */
    int request_errno, get_errno, set_errno;
} chip;

static ns_gpio_t gpio;

static int chip_ioctl(int fd, unsigned long request, void *argument) {
    CHECK(fd == FAKE_FD);
    if (request == GPIO_V2_GET_LINE_IOCTL) {
        if (chip.request_errno != 0) {
            return fake_fail(chip.request_errno);
        }
        memcpy(&chip.request, argument, sizeof chip.request);
        ((struct gpio_v2_line_request *)argument)->fd = REQUEST_FD;
        return 0;
    }
    struct gpio_v2_line_values *values = argument;
    if (request == GPIO_V2_LINE_GET_VALUES_IOCTL) {
        values->bits = chip.pins & values->mask;
        return chip.get_errno != 0 ? fake_fail(chip.get_errno) : 0;
    }
    CHECK(request == GPIO_V2_LINE_SET_VALUES_IOCTL);
    if (chip.set_errno != 0) {
        return fake_fail(chip.set_errno);
    }
    chip.pins = (chip.pins & ~values->mask) | (values->bits & values->mask);
    return 0;
}

/** SMBALERT#, power-good, power brake: as a board would have them. */
static const ns_gpio_line_t board_lines[] = {
    {.offset = 17,
     .flags = NS_GPIO_ACTIVE_LOW | NS_GPIO_EDGE_RISING | NS_GPIO_EDGE_FALLING,
     .debounce_us = 100},
    {.offset = 4, .flags = NS_GPIO_PULL_DOWN | NS_GPIO_EDGE_FALLING, .debounce_us = 100},
    {.offset = 9,
     .flags = NS_GPIO_OUTPUT | NS_GPIO_ACTIVE_LOW | NS_GPIO_OPEN_DRAIN,
     .is_active = 1},
};
static const ns_gpio_config_t board = {
    .chip_path = "/dev/gpiochip0", .lines = board_lines, .line_count = 3};

static void reset_chip(void) {
    fake_kernel_reset();
    memset(&chip, 0, sizeof chip);
    kernel.on_ioctl = chip_ioctl;
}

static void open_board(void) {
    reset_chip();
    CHECK_STATUS(ns_gpio_open_on(&fake_system, &gpio, &board), NS_OK);
}

static void edge_arrives(int64_t delay_ns, uint32_t offset, uint32_t id, uint32_t number) {
    struct gpio_v2_line_event event = {.timestamp_ns = (uint64_t)(kernel.now_ns + delay_ns),
                                       .id = id,
                                       .offset = offset,
                                       .line_seqno = number};
    fake_input(delay_ns, &event, sizeof event);
}

/** The flags that the kernel was asked for on one line. */
static uint64_t flags_of(uint32_t line) {
    for (uint32_t i = 0; i < chip.request.config.num_attrs; i++) {
        const struct gpio_v2_line_config_attribute *found = &chip.request.config.attrs[i];
        if (found->attr.id == GPIO_V2_LINE_ATTR_ID_FLAGS && (found->mask >> line & 1U) != 0) {
            return found->attr.flags;
        }
    }
    return 0;
}

static const struct gpio_v2_line_config_attribute *attribute(uint32_t id) {
    for (uint32_t i = 0; i < chip.request.config.num_attrs; i++) {
        if (chip.request.config.attrs[i].attr.id == id) {
            return &chip.request.config.attrs[i];
        }
    }
    return NULL;
}

static void the_kernel_is_asked_for_what_the_config_says(void) {
    open_board();
    CHECK(strcmp(kernel.opened, "/dev/gpiochip0") == 0);
    CHECK(kernel.close_count == 1); /* the chip; the request stays */
    CHECK(chip.request.num_lines == 3);
    CHECK(chip.request.offsets[0] == 17 && chip.request.offsets[2] == 9);
    CHECK(strcmp(chip.request.consumer, "nightside") == 0);
    CHECK(flags_of(0) == (GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_ACTIVE_LOW |
                          GPIO_V2_LINE_FLAG_EDGE_RISING | GPIO_V2_LINE_FLAG_EDGE_FALLING));
    CHECK(flags_of(1) == (GPIO_V2_LINE_FLAG_INPUT | GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN |
                          GPIO_V2_LINE_FLAG_EDGE_FALLING));
    CHECK(flags_of(2) ==
          (GPIO_V2_LINE_FLAG_OUTPUT | GPIO_V2_LINE_FLAG_ACTIVE_LOW | GPIO_V2_LINE_FLAG_OPEN_DRAIN));
    CHECK(attribute(GPIO_V2_LINE_ATTR_ID_DEBOUNCE)->attr.debounce_period_us == 100);
    CHECK(attribute(GPIO_V2_LINE_ATTR_ID_DEBOUNCE)->mask == 3);
}

static void an_output_has_its_safe_value_in_the_request_itself(void) {
    open_board();
    const struct gpio_v2_line_config_attribute *values =
        attribute(GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES);
    CHECK(values != NULL && values->mask == 4 && values->attr.values == 4);
    CHECK(chip.pins == 4); /* and is set once more: some chips lose the first */
}

static void lines_of_one_kind_share_an_attribute(void) {
    ns_gpio_line_t lines[NS_GPIO_LINES_MAX] = {0};
    for (uint32_t i = 0; i < NS_GPIO_LINES_MAX; i++) {
        lines[i].offset = i;
        lines[i].flags = i % 2 == 0 ? NS_GPIO_OUTPUT : NS_GPIO_PULL_UP;
        lines[i].is_active = i == 2;
    }
    ns_gpio_config_t config = {
        .chip_path = "/dev/gpiochip1", .lines = lines, .line_count = NS_GPIO_LINES_MAX};
    reset_chip();
    CHECK_STATUS(ns_gpio_open_on(&fake_system, &gpio, &config), NS_OK);
    CHECK(chip.request.config.num_attrs == 3);
    CHECK(flags_of(14) == GPIO_V2_LINE_FLAG_OUTPUT);
    CHECK(attribute(GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES)->attr.values == 4);
}

static void more_kinds_than_one_request_takes_are_refused(void) {
    ns_gpio_line_t lines[NS_GPIO_LINES_MAX] = {0};
    ns_gpio_config_t config = {.chip_path = "c", .lines = lines, .line_count = 11};
    for (uint32_t i = 0; i < 11; i++) {
        lines[i].flags = (i & 1U ? NS_GPIO_ACTIVE_LOW : 0) | (i & 2U ? NS_GPIO_PULL_UP : 0) |
                         (i & 4U ? NS_GPIO_EDGE_RISING : 0) | (i & 8U ? NS_GPIO_EDGE_FALLING : 0);
    }
    reset_chip();
    CHECK_STATUS(ns_gpio_open_on(&fake_system, &gpio, &config), NS_E_ARG); /* 11 sets of flags */
    lines[10] = (ns_gpio_line_t){.flags = 0, .debounce_us = 5};
    CHECK_STATUS(ns_gpio_open_on(&fake_system, &gpio, &config), NS_E_ARG); /* a debounce time */
    lines[9] = lines[8];
    lines[10] = (ns_gpio_line_t){.flags = NS_GPIO_OUTPUT};
    CHECK_STATUS(ns_gpio_open_on(&fake_system, &gpio, &config), NS_E_ARG); /* output values */
    config.line_count = 10;
    CHECK_STATUS(ns_gpio_open_on(&fake_system, &gpio, &config), NS_OK);
    CHECK(kernel.open_count == 1); /* what was refused never reached the kernel */
}

static void lines_are_read_at_once_and_outputs_written_one_by_one(void) {
    open_board();
    chip.pins = 1;
    CHECK_STATUS(ns_gpio_write(&gpio, 2, true), NS_OK);
    uint32_t active = 0;
    CHECK_STATUS(ns_gpio_read(&gpio, &active), NS_OK);
    CHECK(active == 5);
    CHECK_STATUS(ns_gpio_write(&gpio, 2, false), NS_OK);
    CHECK_STATUS(ns_gpio_write(&gpio, 0, true), NS_E_UNSUPPORTED);
    CHECK_STATUS(ns_gpio_write(&gpio, 3, true), NS_E_ARG);
    CHECK(chip.pins == 1);
}

static void an_edge_is_waited_for_and_names_its_line(void) {
    open_board();
    ns_gpio_edge_t edge = {.line = 99};
    int64_t start_ns = kernel.now_ns;
    kernel.interrupts = 1;
    edge_arrives(3000000, 4, GPIO_V2_LINE_EVENT_FALLING_EDGE, 1);
    CHECK_STATUS(ns_gpio_wait(&gpio, &edge, 10000), NS_OK);
    CHECK(edge.line == 1 && edge.is_rising == 0);
    CHECK(edge.timestamp_ns == start_ns + 3000000);
    edge_arrives(0, 17, GPIO_V2_LINE_EVENT_RISING_EDGE, 1);
    CHECK_STATUS(ns_gpio_wait(&gpio, &edge, 0), NS_OK);
    CHECK(edge.line == 0 && edge.is_rising == 1);
}

static void no_edge_is_a_timeout_and_leaves_the_output_alone(void) {
    open_board();
    ns_gpio_edge_t edge = {.line = 99};
    int64_t start_ns = kernel.now_ns;
    CHECK_STATUS(ns_gpio_wait(&gpio, &edge, 10000), NS_E_TIMEOUT);
    CHECK(kernel.now_ns - start_ns <= 10000000 + 2 * FAKE_CALL_NS);
    CHECK_STATUS(ns_gpio_wait(&gpio, &edge, 0), NS_E_TIMEOUT);
    kernel.interrupts = 1;
    CHECK_STATUS(ns_gpio_wait(&gpio, &edge, 0), NS_E_TIMEOUT);
    CHECK(edge.line == 99);
}

static void an_event_that_cannot_be_is_an_error(void) {
    open_board();
    ns_gpio_edge_t edge = {.line = 99};
    edge_arrives(0, 5, GPIO_V2_LINE_EVENT_RISING_EDGE, 1);
    CHECK_STATUS(ns_gpio_wait(&gpio, &edge, 0), NS_E_IO); /* a line that is not ours */
    fake_input(0, "short", 5);
    CHECK_STATUS(ns_gpio_wait(&gpio, &edge, 0), NS_E_IO);
    kernel.read_errno = ENODEV;
    CHECK_STATUS(ns_gpio_wait(&gpio, &edge, 0), NS_E_ABSENT); /* the chip is unplugged */
    CHECK(edge.line == 99);
}

static double channel(uint32_t number) {
    double value = -1.0;
    CHECK_STATUS(ns_gpio_ops.read(&gpio, number, &value), NS_OK);
    return value;
}

static void as_a_device_its_lines_are_channels(void) {
    open_board();
    chip.pins = 5;
    CHECK_STATUS(ns_gpio_ops.begin(&gpio, 0, UINT64_MAX), NS_OK);
    chip.pins = 0; /* seen at the next begin */
    CHECK_EXACT(channel(0), 1.0);
    CHECK_EXACT(channel(1), 0.0);
    CHECK_EXACT(channel(2), 1.0);
    CHECK_STATUS(ns_gpio_ops.write(&gpio, 2, 1.0), NS_OK);
    CHECK(chip.pins == 4);
    CHECK_STATUS(ns_gpio_ops.write(&gpio, 2, 0.0), NS_OK);
    CHECK(chip.pins == 0);
}

static void as_a_device_it_counts_pulses_that_no_poll_sees(void) {
    open_board();
    edge_arrives(0, 4, GPIO_V2_LINE_EVENT_FALLING_EDGE, 6); /* 5 were lost in a full buffer */
    edge_arrives(0, 4, GPIO_V2_LINE_EVENT_FALLING_EDGE, 7);
    CHECK_STATUS(ns_gpio_ops.begin(&gpio, 0, UINT64_MAX), NS_OK);
    CHECK_EXACT(channel(NS_GPIO_EDGE_COUNT_CHANNEL + 1), 7.0);
    CHECK_EXACT(channel(NS_GPIO_EDGE_COUNT_CHANNEL + 0), 0.0);
}

static void a_line_that_chatters_cannot_hold_a_poll(void) {
    open_board();
    for (uint32_t i = 1; i <= 40; i++) {
        edge_arrives(0, 4, GPIO_V2_LINE_EVENT_FALLING_EDGE, i);
    }
    CHECK_STATUS(ns_gpio_ops.begin(&gpio, 0, UINT64_MAX), NS_OK);
    double count = channel(NS_GPIO_EDGE_COUNT_CHANNEL + 1);
    CHECK(count > 0.0 && count < 40.0);
}

static void as_a_device_it_refuses_what_cannot_be(void) {
    open_board();
    double value = 7.0;
    CHECK_STATUS(ns_gpio_ops.read(&gpio, 3, &value), NS_E_ARG);
    CHECK_STATUS(ns_gpio_ops.read(&gpio, NS_GPIO_EDGE_COUNT_CHANNEL + 3, &value), NS_E_ARG);
    CHECK_EXACT(value, 7.0);
    CHECK_STATUS(ns_gpio_ops.write(&gpio, 3, 1.0), NS_E_ARG);
    CHECK_STATUS(ns_gpio_ops.write(&gpio, NS_GPIO_EDGE_COUNT_CHANNEL, 1.0), NS_E_UNSUPPORTED);
    CHECK_STATUS(ns_gpio_ops.write(&gpio, 0, 1.0), NS_E_UNSUPPORTED);
    const double wrong[] = {0.25, 0.75, 2.0, -1.0, NAN, INFINITY};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK_STATUS(ns_gpio_ops.write(&gpio, 2, wrong[i]), NS_E_RANGE);
    }
    chip.get_errno = EIO;
    CHECK_STATUS(ns_gpio_ops.begin(&gpio, 0, UINT64_MAX), NS_E_IO);
    chip.set_errno = ENODEV;
    CHECK_STATUS(ns_gpio_ops.write(&gpio, 2, 1.0), NS_E_ABSENT);
}

static void a_device_without_edges_asks_for_none(void) {
    const ns_gpio_line_t line = {.offset = 3};
    const ns_gpio_config_t config = {.chip_path = "c", .lines = &line, .line_count = 1};
    reset_chip();
    CHECK_STATUS(ns_gpio_open_on(&fake_system, &gpio, &config), NS_OK);
    kernel.read_errno = EIO;
    CHECK_STATUS(ns_gpio_ops.begin(&gpio, 0, UINT64_MAX), NS_OK);
    ns_gpio_edge_t edge;
    CHECK_STATUS(ns_gpio_wait(&gpio, &edge, 1000), NS_E_ARG);
}

static void failures_of_opening_are_told_apart_and_leave_nothing_open(void) {
    reset_chip();
    kernel.open_errno = ENOENT;
    CHECK_STATUS(ns_gpio_open_on(&fake_system, &gpio, &board), NS_E_ABSENT);
    reset_chip();
    chip.request_errno = EBUSY;
    CHECK_STATUS(ns_gpio_open_on(&fake_system, &gpio, &board), NS_E_REFUSED);
    CHECK(kernel.close_count == kernel.open_count);
    chip.request_errno = ENOTTY;
    CHECK_STATUS(ns_gpio_open_on(&fake_system, &gpio, &board), NS_E_UNSUPPORTED);
    reset_chip();
    kernel.nonblocking_errno = EBADF;
    CHECK_STATUS(ns_gpio_open_on(&fake_system, &gpio, &board), NS_E_IO);
    CHECK(kernel.close_count == 2); /* the chip and the request */
    reset_chip();
    chip.set_errno = EIO;
    CHECK_STATUS(ns_gpio_open_on(&fake_system, &gpio, &board), NS_E_IO);
    CHECK(kernel.close_count == 2);
    uint32_t active = 7;
    CHECK_STATUS(ns_gpio_read(&gpio, &active), NS_E_ARG);
    CHECK(active == 7);
}

static void a_line_that_cannot_be_is_refused(void) {
    static const ns_gpio_line_t wrong[] = {
        {.flags = 128},
        {.flags = NS_GPIO_OUTPUT, .is_active = 2},
        {.flags = NS_GPIO_OUTPUT | NS_GPIO_EDGE_RISING},
        {.flags = NS_GPIO_OUTPUT, .debounce_us = 5},
        {.flags = NS_GPIO_OPEN_DRAIN},
        {.is_active = 1},
    };
    reset_chip();
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        ns_gpio_config_t config = {.chip_path = "c", .lines = &wrong[i], .line_count = 1};
        CHECK_STATUS(ns_gpio_open_on(&fake_system, &gpio, &config), NS_E_ARG);
    }
}

static void arguments_are_checked(void) {
    ns_gpio_config_t bad[4] = {board, board, board, board};
    bad[0].chip_path = NULL;
    bad[1].lines = NULL;
    bad[2].line_count = 0;
    bad[3].line_count = NS_GPIO_LINES_MAX + 1;
    for (int i = 0; i < 4; i++) {
        CHECK_STATUS(ns_gpio_open_on(&fake_system, &gpio, &bad[i]), NS_E_ARG);
    }
    CHECK_STATUS(ns_gpio_open_on(&fake_system, NULL, &board), NS_E_ARG);
    CHECK_STATUS(ns_gpio_open_on(&fake_system, &gpio, NULL), NS_E_ARG);
    open_board();
    uint32_t active = 0;
    ns_gpio_edge_t edge;
    CHECK_STATUS(ns_gpio_read(NULL, &active), NS_E_ARG);
    CHECK_STATUS(ns_gpio_read(&gpio, NULL), NS_E_ARG);
    CHECK_STATUS(ns_gpio_write(NULL, 2, true), NS_E_ARG);
    CHECK_STATUS(ns_gpio_wait(NULL, &edge, 0), NS_E_ARG);
    CHECK_STATUS(ns_gpio_wait(&gpio, NULL, 0), NS_E_ARG);
    ns_gpio_ops.close(&gpio);
    CHECK(kernel.close_count == 2);
    ns_gpio_close(&gpio);
    ns_gpio_close(NULL);
    CHECK(kernel.close_count == 2);
    CHECK_STATUS(ns_gpio_read(&gpio, &active), NS_E_ARG);
    CHECK_STATUS(ns_gpio_write(&gpio, 2, true), NS_E_ARG);
    CHECK_STATUS(ns_gpio_wait(&gpio, &edge, 0), NS_E_ARG);
}

int main(void) {
    the_kernel_is_asked_for_what_the_config_says();
    an_output_has_its_safe_value_in_the_request_itself();
    lines_of_one_kind_share_an_attribute();
    more_kinds_than_one_request_takes_are_refused();
    lines_are_read_at_once_and_outputs_written_one_by_one();
    an_edge_is_waited_for_and_names_its_line();
    no_edge_is_a_timeout_and_leaves_the_output_alone();
    an_event_that_cannot_be_is_an_error();
    as_a_device_its_lines_are_channels();
    as_a_device_it_counts_pulses_that_no_poll_sees();
    a_line_that_chatters_cannot_hold_a_poll();
    as_a_device_it_refuses_what_cannot_be();
    a_device_without_edges_asks_for_none();
    failures_of_opening_are_told_apart_and_leave_nothing_open();
    a_line_that_cannot_be_is_refused();
    arguments_are_checked();
    return 0;
}
