#include <errno.h>
#include <string.h>

#include "bridge_peer.h"
#include "check.h"
#include "fake_kernel.h"

#define TIMEOUT_US 20000U

static ns_bridge_t bus;
static uint8_t answer[2 * NS_BRIDGE_DATA_MAX];
static size_t answer_size;
static const uint8_t big[2 * NS_BRIDGE_DATA_MAX];

static void open_bus(void) {
    bridge_peer_reset();
    memset(answer, 0xEE, sizeof answer);
    answer_size = 99;
    const ns_bridge_config_t config = {.address = "unix:/run/bench.sock"};
    CHECK_STATUS(ns_bridge_open_on(&fake_system, &bus, &config), NS_OK);
}

static ns_status_t read_word(void) {
    const uint8_t command = 0x8B;
    return ns_bridge_ops.transfer(&bus, 0x40, &command, 1, answer, 2, TIMEOUT_US);
}

static ns_status_t exchange(void) {
    return ns_bridge_ops.exchange(&bus, (const uint8_t *)"ask", 4, answer, 64, &answer_size,
                                  TIMEOUT_US);
}

static void a_transfer_says_all_the_far_bus_needs(void) {
    open_bus();
    CHECK_STATUS(read_word(), NS_OK);
    CHECK(peer.kind == 1 && peer.address == 0x40 && peer.write_size == 1 && peer.read_size == 2);
    CHECK(peer.written[0] == 0x8B);
    CHECK(peer.timeout_us > 0 && peer.timeout_us <= TIMEOUT_US);
    CHECK(answer[0] == 0x5A && answer[1] == 0x5A && answer[2] == 0xEE);
    CHECK_STATUS(ns_bridge_ops.transfer(&bus, 0x41, big, 3, NULL, 0, TIMEOUT_US), NS_OK);
    CHECK(peer.address == 0x41 && peer.write_size == 3 && peer.read_size == 0);
    CHECK_STATUS(ns_bridge_ops.transfer(&bus, 0x41, NULL, 0, answer, 1, TIMEOUT_US), NS_OK);
}

static void an_exchange_gives_the_frame_as_it_came(void) {
    open_bus();
    CHECK_STATUS(exchange(), NS_OK);
    CHECK(peer.kind == 2 && peer.write_size == 4 && peer.read_size == 64 && peer.address == 0);
    CHECK(answer_size == 6 && memcmp(answer, "reply", 6) == 0);
    CHECK_STATUS(ns_bridge_ops.exchange(&bus, big, 1, answer, sizeof answer, &answer_size, 5000),
                 NS_OK);
    CHECK(peer.read_size == NS_BRIDGE_DATA_MAX);
}

static void a_recovery_is_carried_to_the_far_bus(void) {
    open_bus();
    CHECK_STATUS(ns_bridge_ops.recover(&bus), NS_OK);
    CHECK(peer.kind == 3 && peer.write_size == 0 && peer.read_size == 0);
    peer.status = NS_E_UNSUPPORTED;
    CHECK_STATUS(ns_bridge_ops.recover(&bus), NS_E_UNSUPPORTED);
}

static void one_connection_serves_many_calls(void) {
    open_bus();
    for (int i = 0; i < 3; i++) {
        CHECK_STATUS(read_word(), NS_OK);
    }
    CHECK(kernel.dial_count == 1 && bus.connect_count == 1);
}

static void the_status_of_the_far_bus_comes_through(void) {
    open_bus();
    for (int status = NS_E_ARG; status >= NS_E_RESET; status--) {
        peer.status = status;
        CHECK_STATUS(read_word(), (ns_status_t)status);
    }
    CHECK(answer[0] == 0xEE);
    CHECK(kernel.dial_count == 1); /* a sick bus is no lost connection */
}

static void a_late_answer_is_never_taken_for_the_next_one(void) {
    open_bus();
    peer.delay_ns = 25000000;
    CHECK_STATUS(read_word(), NS_E_TIMEOUT);
    CHECK(answer[0] == 0xEE);
    peer.delay_ns = 10000000; /* behind the late one */
    CHECK_STATUS(exchange(), NS_OK);
    CHECK(answer_size == 6 && bus.late_count == 1);
    CHECK(kernel.dial_count == 1);
}

static void late_answers_that_lie_there_are_dropped_before_the_next_call(void) {
    open_bus();
    peer.repeats = 2;
    CHECK_STATUS(read_word(), NS_OK);
    peer.repeats = 0;
    CHECK_STATUS(exchange(), NS_OK);
    CHECK(bus.late_count == 2 && kernel.dial_count == 1);
}

static void an_answer_that_does_not_fit_closes_the_connection_and_the_next_call_heals(void) {
    static const bridge_peer_t wrongs[] = {
        {.magic_error = 1},
        {.kind_error = 1},
        {.size_error = 1},
        {.size_error = -1},
        {.status = NS_E_NACK, .size_error = 1},
        {.status = 1},
        {.status = NS_E_RESET - 1},
        {.sequence_error = 1},
        {.announced_size = NS_BRIDGE_DATA_MAX + 1},
    };
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        open_bus();
        peer = wrongs[i];
        CHECK_STATUS(read_word(), NS_E_PROTOCOL);
        CHECK(answer[0] == 0xEE && kernel.close_count == 1);
        peer = (bridge_peer_t){.delay_ns = 0};
        CHECK_STATUS(read_word(), NS_OK);
        CHECK(kernel.dial_count == 2);
    }
    open_bus();
    peer.frame_size = 0; /* a frame has a delimiter at least */
    CHECK_STATUS(exchange(), NS_E_PROTOCOL);
    peer.frame_size = 65;
    static const char long_frame[65];
    peer.frame = long_frame;
    CHECK_STATUS(exchange(), NS_E_PROTOCOL);
    CHECK(answer_size == 99);
}

static void another_version_is_unsupported(void) {
    open_bus();
    peer.version_error = 1;
    CHECK_STATUS(read_word(), NS_E_UNSUPPORTED);
    CHECK(kernel.close_count == 1);
}

static void half_an_answer_is_a_timeout_and_the_rest_never_confuses(void) {
    open_bus();
    peer.cut = 1;
    int64_t start_ns = kernel.now_ns;
    CHECK_STATUS(read_word(), NS_E_TIMEOUT);
    CHECK(kernel.now_ns - start_ns <= TIMEOUT_US * 1000 + 10 * FAKE_CALL_NS);
    CHECK(kernel.close_count == 1);
    peer.cut = NS_BRIDGE_HEADER_SIZE; /* within the header */
    CHECK_STATUS(read_word(), NS_E_TIMEOUT);
    peer.cut = 0;
    CHECK_STATUS(read_word(), NS_OK);
    CHECK(kernel.dial_count == 3);
}

static void a_server_that_restarted_costs_no_call(void) {
    open_bus();
    CHECK_STATUS(read_word(), NS_OK);
    kernel.hang_up_at_ns = kernel.now_ns;
    CHECK_STATUS(read_word(), NS_OK);
    CHECK(peer.requests == 2 && kernel.dial_count == 2);
    kernel.hang_up_is_readable = false;
    kernel.hang_up_at_ns = kernel.now_ns;
    CHECK_STATUS(read_word(), NS_OK);
    kernel.poll_errno = EIO;
    CHECK_STATUS(read_word(), NS_OK);
    CHECK(kernel.dial_count == 4);
}

static void a_loss_in_the_middle_of_a_call_is_told_and_nothing_is_repeated(void) {
    open_bus();
    peer.is_silent = true;
    peer.hangs_up = true;
    CHECK_STATUS(read_word(), NS_E_ABSENT);
    CHECK(peer.requests == 1 && kernel.close_count == 1);
    open_bus();
    kernel.write_errno = EPIPE;
    CHECK_STATUS(read_word(), NS_E_ABSENT);
    CHECK(peer.requests == 0 && kernel.close_count == 1);
}

static void nobody_listening_is_absence(void) {
    open_bus();
    kernel.dial_errno = ENOENT;
    CHECK_STATUS(read_word(), NS_E_ABSENT);
    kernel.dial_errno = EAGAIN; /* its queue of connections is full */
    CHECK_STATUS(read_word(), NS_E_BUSY);
    kernel.dial_errno = 0;
    kernel.dial_result = ECONNREFUSED;
    CHECK_STATUS(read_word(), NS_E_ABSENT);
    CHECK(kernel.close_count == 1 && bus.connect_count == 0);
    kernel.dial_result = 0;
    CHECK_STATUS(read_word(), NS_OK);
}

static void connecting_is_part_of_the_deadline(void) {
    open_bus();
    kernel.writable_at_ns = kernel.now_ns + 30000000;
    int64_t start_ns = kernel.now_ns;
    CHECK_STATUS(read_word(), NS_E_TIMEOUT);
    CHECK(kernel.now_ns - start_ns <= TIMEOUT_US * 1000 + 2 * FAKE_CALL_NS);
    CHECK(kernel.close_count == 1);
}

static void half_a_late_answer_in_front_of_a_call_ends_at_the_deadline(void) {
    open_bus();
    peer.cut = 1;
    peer.delay_ns = 21000000;
    CHECK_STATUS(read_word(), NS_E_TIMEOUT);
    kernel.now_ns += 5000000;
    int64_t start_ns = kernel.now_ns;
    CHECK_STATUS(read_word(), NS_E_TIMEOUT);
    CHECK(kernel.now_ns - start_ns <= TIMEOUT_US * 1000 + 10 * FAKE_CALL_NS);
    CHECK(peer.requests == 1);
}

static void without_time_nothing_is_sent(void) {
    open_bus();
    CHECK_STATUS(ns_bridge_ops.transfer(&bus, 0x40, big, 1, answer, 2, 0), NS_E_TIMEOUT);
    CHECK(peer.requests == 0 && kernel.dial_count == 0);
}

static void the_clock_and_the_delay_are_the_systems(void) {
    open_bus();
    CHECK(ns_bridge_ops.now_ns(&bus) == kernel.now_ns);
    ns_bridge_ops.delay(&bus, 250);
    CHECK(kernel.slept_ns == 250000);
}

static void closing_ends_the_connection_once(void) {
    open_bus();
    CHECK_STATUS(read_word(), NS_OK);
    ns_bridge_ops.close(&bus);
    ns_bridge_ops.close(&bus);
    CHECK(kernel.close_count == 1);
    CHECK_STATUS(read_word(), NS_E_ARG);
    CHECK_STATUS(ns_bridge_ops.recover(&bus), NS_E_ARG);
}

static void arguments_are_checked(void) {
    char long_address[NS_BRIDGE_ADDRESS_SIZE_MAX + 1];
    memset(long_address, 'a', sizeof long_address);
    memcpy(long_address, "unix:", 5);
    long_address[NS_BRIDGE_ADDRESS_SIZE_MAX] = '\0';
    const ns_bridge_config_t bad[] = {
        {NULL}, {""}, {"/run/bench.sock"}, {"udp:127.0.0.1:1"}, {long_address}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CHECK_STATUS(ns_bridge_open_on(&fake_system, &bus, &bad[i]), NS_E_ARG);
    }
    long_address[NS_BRIDGE_ADDRESS_SIZE_MAX - 1] = '\0';
    CHECK_STATUS(ns_bridge_open_on(&fake_system, &bus, &bad[4]), NS_OK);
    CHECK_STATUS(ns_bridge_open_on(&fake_system, &bus, NULL), NS_E_ARG);
    CHECK_STATUS(ns_bridge_open_on(&fake_system, NULL, &bad[4]), NS_E_ARG);
    open_bus();
    const ns_bus_ops_t *ops = &ns_bridge_ops;
    const size_t over = NS_BRIDGE_DATA_MAX + 1;
    CHECK_STATUS(ops->transfer(NULL, 0x40, big, 1, NULL, 0, 1), NS_E_ARG);
    CHECK_STATUS(ops->transfer(&bus, 0x80, big, 1, NULL, 0, 1), NS_E_ARG);
    CHECK_STATUS(ops->transfer(&bus, 0x40, NULL, 1, NULL, 0, 1), NS_E_ARG);
    CHECK_STATUS(ops->transfer(&bus, 0x40, big, 1, NULL, 1, 1), NS_E_ARG);
    CHECK_STATUS(ops->transfer(&bus, 0x40, big, 0, NULL, 0, 1), NS_E_ARG);
    CHECK_STATUS(ops->transfer(&bus, 0x40, big, over, NULL, 0, 1), NS_E_ARG);
    CHECK_STATUS(ops->transfer(&bus, 0x40, big, 1, answer, over, 1), NS_E_ARG);
    CHECK_STATUS(ops->exchange(NULL, big, 1, answer, 1, &answer_size, 1), NS_E_ARG);
    CHECK_STATUS(ops->exchange(&bus, big, 1, NULL, 1, &answer_size, 1), NS_E_ARG);
    CHECK_STATUS(ops->exchange(&bus, big, 1, answer, 0, &answer_size, 1), NS_E_ARG);
    CHECK_STATUS(ops->exchange(&bus, big, 1, answer, 1, NULL, 1), NS_E_ARG);
    CHECK_STATUS(ops->exchange(&bus, big, over, answer, 1, &answer_size, 1), NS_E_ARG);
    CHECK_STATUS(ops->recover(NULL), NS_E_ARG);
    CHECK(kernel.dial_count == 0);
}

int main(void) {
    a_transfer_says_all_the_far_bus_needs();
    an_exchange_gives_the_frame_as_it_came();
    a_recovery_is_carried_to_the_far_bus();
    one_connection_serves_many_calls();
    the_status_of_the_far_bus_comes_through();
    a_late_answer_is_never_taken_for_the_next_one();
    late_answers_that_lie_there_are_dropped_before_the_next_call();
    an_answer_that_does_not_fit_closes_the_connection_and_the_next_call_heals();
    another_version_is_unsupported();
    half_an_answer_is_a_timeout_and_the_rest_never_confuses();
    a_server_that_restarted_costs_no_call();
    a_loss_in_the_middle_of_a_call_is_told_and_nothing_is_repeated();
    nobody_listening_is_absence();
    connecting_is_part_of_the_deadline();
    half_a_late_answer_in_front_of_a_call_ends_at_the_deadline();
    without_time_nothing_is_sent();
    the_clock_and_the_delay_are_the_systems();
    closing_ends_the_connection_once();
    arguments_are_checked();
    return 0;
}
