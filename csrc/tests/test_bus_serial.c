#include <errno.h>
#include <poll.h>
#include <string.h>

#include "check.h"
#include "fake_kernel.h"

#define TIMEOUT_US 20000U

static ns_serial_t bus;
static uint8_t answer[64];
static size_t answer_size;

static void open_bus(void) {
    fake_kernel_reset();
    memset(answer, 0xEE, sizeof answer);
    answer_size = 99;
    CHECK_STATUS(ns_serial_open_on(&fake_system, &bus, FAKE_FD), NS_OK);
}

static ns_status_t exchange_up_to(size_t capacity) {
    return ns_serial_ops.exchange(&bus, (const uint8_t *)"ask", 4, answer, capacity, &answer_size,
                                  TIMEOUT_US);
}

static ns_status_t exchange(void) {
    return exchange_up_to(sizeof answer);
}

static void answer_is(const char *text, size_t size) {
    CHECK(answer_size == size);
    CHECK(memcmp(answer, text, size) == 0);
}

static void the_peer_answers(void) {
    kernel.on_output = NULL;
    fake_input(1000000, "reply", 6);
}

static void what_lay_unread_is_not_the_answer(void) {
    open_bus();
    fake_input(0, "stale", 6);
    kernel.on_output = the_peer_answers;
    CHECK_STATUS(exchange(), NS_OK);
    answer_is("reply", 6);
    CHECK(kernel.output_size == 4 && memcmp(kernel.output, "ask", 4) == 0);
}

static void the_answer_may_come_in_pieces_and_the_request_go_in_pieces(void) {
    open_bus();
    kernel.write_max = 1;
    kernel.read_max = 1;
    fake_input(5000000, "re", 2);
    fake_input(15000000, "ply", 4);
    CHECK_STATUS(exchange(), NS_OK);
    answer_is("reply", 6);
    CHECK(kernel.output_size == 4);
}

static void empty_frames_in_front_are_noise(void) {
    open_bus();
    fake_input(1000000, "\0\0\0reply", 9);
    CHECK_STATUS(exchange(), NS_OK);
    answer_is("reply", 6);
}

static void bytes_behind_the_delimiter_are_not_kept_for_the_next_exchange(void) {
    open_bus();
    fake_input(1000000, "reply\0more", 11);
    CHECK_STATUS(exchange(), NS_OK);
    answer_is("reply", 6);
    kernel.on_output = the_peer_answers;
    CHECK_STATUS(exchange(), NS_OK);
    answer_is("reply", 6);
}

static void interrupts_change_nothing(void) {
    open_bus();
    kernel.interrupts = 9;
    kernel.writable_at_ns = kernel.now_ns + 2000000;
    fake_input(3000000, "reply", 6);
    CHECK_STATUS(exchange(), NS_OK);
    answer_is("reply", 6);
    CHECK(kernel.interrupts == 0);
}

static void a_wait_that_is_interrupted_for_ever_still_ends_at_the_deadline(void) {
    open_bus();
    kernel.interrupts = UINT32_MAX;
    int64_t start_ns = kernel.now_ns;
    CHECK_STATUS(exchange(), NS_E_TIMEOUT);
    CHECK(kernel.now_ns - start_ns <= TIMEOUT_US * 1000 + 2 * FAKE_CALL_NS);
}

static void a_line_that_takes_no_bytes_is_a_timeout(void) {
    open_bus();
    kernel.writable_at_ns = FAKE_NEVER;
    CHECK_STATUS(exchange(), NS_E_TIMEOUT);
    CHECK(kernel.output_size == 0);
}

static void a_frame_of_the_capacity_fits_and_one_more_byte_does_not(void) {
    open_bus();
    fake_input(1000000, "reply", 6);
    CHECK_STATUS(exchange_up_to(6), NS_OK);
    open_bus();
    fake_input(1000000, "reply", 6);
    CHECK_STATUS(exchange_up_to(5), NS_E_FULL);
    CHECK(answer[0] == 0xEE && answer_size == 99);
    kernel.on_output = the_peer_answers;
    CHECK_STATUS(exchange(), NS_OK); /* the rest of the long one is gone */
    answer_is("reply", 6);
}

static void no_frame_is_longer_than_the_maximum(void) {
    static uint8_t big[2 * NS_SERIAL_FRAME_MAX];
    static uint8_t room[2 * NS_SERIAL_FRAME_MAX];
    memset(big, 'x', sizeof big);
    open_bus();
    fake_input(1000000, big, sizeof big);
    CHECK_STATUS(ns_serial_ops.exchange(&bus, big, 1, room, sizeof room, &answer_size, TIMEOUT_US),
                 NS_E_FULL);
}

static void a_peer_that_never_stops_cannot_keep_the_caller(void) {
    static uint8_t noise[40000];
    memset(noise, 'x', sizeof noise);
    open_bus();
    fake_input(0, noise, sizeof noise);
    CHECK_STATUS(exchange(), NS_E_FULL);
    CHECK(kernel.output_size == 4); /* it was asked all the same */
}

static void a_hang_up_is_absence_for_sockets_and_terminals(void) {
    for (int is_readable = 0; is_readable <= 1; is_readable++) {
        open_bus();
        kernel.hang_up_is_readable = is_readable == 1;
        kernel.hang_up_at_ns = kernel.now_ns;
        CHECK_STATUS(exchange(), NS_E_ABSENT);
        open_bus();
        kernel.hang_up_is_readable = is_readable == 1;
        kernel.hang_up_at_ns = kernel.now_ns + 2000000;
        CHECK_STATUS(exchange(), NS_E_ABSENT);
    }
}

static void what_was_sent_before_the_hang_up_is_read(void) {
    open_bus();
    fake_input(1000000, "reply", 6);
    kernel.hang_up_at_ns = kernel.now_ns + 1000000;
    CHECK_STATUS(exchange(), NS_OK);
    answer_is("reply", 6);
}

static void errors_of_the_kernel_come_out_of_the_table(void) {
    open_bus();
    kernel.poll_errno = EIO;
    CHECK_STATUS(exchange(), NS_E_IO);
    kernel.poll_errno = EINTR; /* while looking for stale bytes */
    kernel.write_errno = EPIPE;
    CHECK_STATUS(exchange(), NS_E_ABSENT);
    kernel.write_errno = EAGAIN;
    kernel.on_output = the_peer_answers;
    CHECK_STATUS(exchange(), NS_OK);
    open_bus();
    fake_input(1000000, "reply", 6);
    kernel.read_errno = EIO;
    CHECK_STATUS(exchange(), NS_E_IO);
    kernel.poll_events = POLLNVAL;
    CHECK_STATUS(exchange(), NS_E_ARG);
}

static void fail_the_next_poll(void) {
    kernel.poll_errno = EIO;
}

static void a_wait_that_fails_is_no_timeout(void) {
    open_bus();
    kernel.on_output = fail_the_next_poll;
    CHECK_STATUS(exchange(), NS_E_IO);
}

static void without_a_request_it_only_listens(void) {
    open_bus();
    fake_input(1000000, "reply", 6);
    CHECK_STATUS(ns_serial_ops.exchange(&bus, NULL, 0, answer, 6, &answer_size, 2000), NS_OK);
    answer_is("reply", 6);
    CHECK(kernel.output_size == 0);
}

static void without_time_nothing_is_sent(void) {
    open_bus();
    const uint8_t ask[1] = {1};
    CHECK_STATUS(ns_serial_ops.exchange(&bus, ask, 1, answer, 4, &answer_size, 0), NS_E_TIMEOUT);
    CHECK(kernel.output_size == 0);
}

static void the_clock_and_the_delay_are_the_systems(void) {
    open_bus();
    CHECK(ns_serial_ops.now_ns(&bus) == kernel.now_ns);
    ns_serial_ops.delay(&bus, 250);
    CHECK(kernel.slept_ns == 250000);
}

static void closing_leaves_the_descriptor_to_its_owner(void) {
    open_bus();
    ns_serial_ops.close(&bus);
    CHECK(kernel.close_count == 0);
    CHECK_STATUS(exchange(), NS_E_ARG);
}

static void an_opening_elsewhere_fails_in_the_same_words(void) {
    CHECK_STATUS(ns_serial_open_status(ENOENT), NS_E_ABSENT);
    CHECK_STATUS(ns_serial_open_status(EAGAIN), NS_E_REFUSED);
    CHECK_STATUS(ns_serial_open_status(0), NS_E_IO);
}

static void arguments_are_checked(void) {
    CHECK_STATUS(ns_serial_open_on(&fake_system, NULL, FAKE_FD), NS_E_ARG);
    CHECK_STATUS(ns_serial_open_on(&fake_system, &bus, -1), NS_E_ARG);
    kernel.nonblocking_errno = EBADF;
    CHECK_STATUS(ns_serial_open_on(&fake_system, &bus, FAKE_FD), NS_E_ARG);
    CHECK_STATUS(exchange(), NS_E_ARG);
    open_bus();
    const uint8_t ask[1] = {1};
    CHECK_STATUS(ns_serial_ops.exchange(NULL, ask, 1, answer, 4, &answer_size, 1000), NS_E_ARG);
    CHECK_STATUS(ns_serial_ops.exchange(&bus, NULL, 1, answer, 4, &answer_size, 1000), NS_E_ARG);
    CHECK_STATUS(ns_serial_ops.exchange(&bus, ask, 1, NULL, 4, &answer_size, 1000), NS_E_ARG);
    CHECK_STATUS(ns_serial_ops.exchange(&bus, ask, 1, answer, 0, &answer_size, 1000), NS_E_ARG);
    CHECK_STATUS(ns_serial_ops.exchange(&bus, ask, 1, answer, 4, NULL, 1000), NS_E_ARG);
    CHECK(kernel.output_size == 0);
}

int main(void) {
    what_lay_unread_is_not_the_answer();
    the_answer_may_come_in_pieces_and_the_request_go_in_pieces();
    empty_frames_in_front_are_noise();
    bytes_behind_the_delimiter_are_not_kept_for_the_next_exchange();
    interrupts_change_nothing();
    a_wait_that_is_interrupted_for_ever_still_ends_at_the_deadline();
    a_line_that_takes_no_bytes_is_a_timeout();
    a_frame_of_the_capacity_fits_and_one_more_byte_does_not();
    no_frame_is_longer_than_the_maximum();
    a_peer_that_never_stops_cannot_keep_the_caller();
    a_hang_up_is_absence_for_sockets_and_terminals();
    what_was_sent_before_the_hang_up_is_read();
    errors_of_the_kernel_come_out_of_the_table();
    a_wait_that_fails_is_no_timeout();
    without_a_request_it_only_listens();
    without_time_nothing_is_sent();
    the_clock_and_the_delay_are_the_systems();
    closing_leaves_the_descriptor_to_its_owner();
    an_opening_elsewhere_fails_in_the_same_words();
    arguments_are_checked();
    return 0;
}
