#include "test_image_fixture.h"

#define SECOND 1000000000LL

enum { A = 0, C = 2 };

static int32_t result;

static uint64_t sent(const ns_image_t *image, ns_request_t request) {
    uint64_t ticket = 0;
    CHECK_STATUS(ns_image_send_request(image, A, &request, &ticket), NS_OK);
    return ticket;
}

static ns_status_t taken(const ns_image_t *image, uint64_t epoch, int64_t now_ns,
                         ns_request_t *request, uint64_t *ticket) {
    return ns_image_take_request(image, A, epoch, now_ns, request, ticket);
}

static void a_request_is_taken_once_and_answered(void) {
    ns_image_t image = create();
    ns_request_t request;
    uint64_t ticket = 0;
    CHECK_STATUS(taken(&image, 3, 0, &request, &ticket), NS_E_STALE);
    uint64_t first = sent(&image, a_request(1, 5));
    uint64_t second = sent(&image, a_request(0, 6));
    CHECK(second == first + 1);
    CHECK_STATUS(ns_image_request_status(&image, A, first, &result), NS_E_BUSY);
    CHECK_STATUS(taken(&image, 3, 4, &request, &ticket), NS_OK);
    CHECK(ticket == first && request.kind == NS_REQUEST_CLEAR && request.device == 1);
    CHECK(request.epoch == 3 && request.deadline_ns == 5);
    CHECK_STATUS(ns_image_request_status(&image, A, first, &result), NS_E_BUSY);
    CHECK_STATUS(taken(&image, 3, 4, &request, &ticket), NS_OK);
    CHECK(ticket == second && request.device == 0);
    CHECK_STATUS(taken(&image, 3, 4, &request, &ticket), NS_E_STALE);
    CHECK_STATUS(ns_image_finish_request(&image, A, second, NS_E_UNSUPPORTED), NS_OK);
    CHECK_STATUS(ns_image_finish_request(&image, A, first, NS_OK), NS_OK);
    CHECK_STATUS(ns_image_request_status(&image, A, first, &result), NS_OK);
    CHECK(result == NS_OK);
    CHECK_STATUS(ns_image_request_status(&image, A, second, &result), NS_OK);
    CHECK(result == NS_E_UNSUPPORTED);
    CHECK_STATUS(ns_image_finish_request(&image, A, first, NS_E_IO), NS_OK);
    CHECK_STATUS(ns_image_request_status(&image, A, first, &result), NS_OK);
    CHECK(result == NS_OK); /* the first answer stands */
}

static void stale_requests_are_discarded_on_the_way_to_a_good_one(void) {
    static const struct {
        uint64_t epoch;
        int64_t deadline_ns;
        bool is_good;
    } cases[] = {
        {2, 11, false},               /* an older daemon */
        {3, 10, false},               /* too late */
        {3, 0, false},                /* much too late */
        {3, INT64_MIN, false},        /* of no clock */
        {3, 11 + 60 * SECOND, false}, /* of another clock */
        {3, INT64_MAX, false},        /* of another clock */
        {3, 11, true},                /* in time */
        {3, 10 + 60 * SECOND, true},  /* the horizon itself */
        {4, 11, true},                /* a newer daemon, which has not beaten yet */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ns_image_t image = create();
        ns_request_t request = a_request(0, cases[i].deadline_ns);
        request.epoch = cases[i].epoch;
        uint64_t first = sent(&image, request);
        uint64_t good = sent(&image, a_request(1, 12));
        uint64_t ticket = 0;
        CHECK_STATUS(taken(&image, 3, 10, &request, &ticket), NS_OK);
        CHECK(ticket == (cases[i].is_good ? first : good));
        CHECK_STATUS(ns_image_request_status(&image, A, first, &result),
                     cases[i].is_good ? NS_E_BUSY : NS_E_STALE);
    }
}

static void a_full_ring_of_an_older_epoch_is_gone_in_one_step(void) {
    ns_image_t image = create();
    uint64_t first = 0;
    for (int i = 0; i < REQUEST_CAPACITY; i++) {
        first = first == 0 ? sent(&image, a_request(0, SECOND)) : first;
        if (i > 0) {
            (void)sent(&image, a_request(0, SECOND));
        }
    }
    ns_request_t request = a_request(0, SECOND);
    uint64_t ticket = 0;
    CHECK_STATUS(ns_image_send_request(&image, A, &request, &ticket), NS_E_FULL);
    CHECK(ticket == 0);
    CHECK_STATUS(taken(&image, 4, 0, &request, &ticket), NS_E_STALE);
    for (uint64_t i = 0; i < REQUEST_CAPACITY; i++) {
        CHECK_STATUS(ns_image_request_status(&image, A, first + i, &result), NS_E_STALE);
    }
    for (int i = 0; i < REQUEST_CAPACITY; i++) {
        (void)sent(&image, a_request(0, SECOND));
    }
}

static void old_tickets_are_forgotten(void) {
    ns_image_t image = create();
    ns_request_t request;
    uint64_t ticket = 0;
    uint64_t first = sent(&image, a_request(0, 5));
    CHECK_STATUS(taken(&image, 3, 0, &request, &ticket), NS_OK); /* and never finished */
    for (int i = 0; i < REQUEST_CAPACITY; i++) {
        (void)sent(&image, a_request(0, 5));
        CHECK_STATUS(taken(&image, 3, 0, &request, &ticket), NS_OK);
        CHECK_STATUS(ns_image_finish_request(&image, A, ticket, NS_OK), NS_OK);
    }
    CHECK_STATUS(ns_image_request_status(&image, A, first, &result), NS_E_STALE);
    CHECK_STATUS(ns_image_finish_request(&image, A, first, NS_E_IO), NS_OK);
    CHECK_STATUS(ns_image_request_status(&image, A, ticket, &result), NS_OK);
    CHECK(result == NS_OK); /* the late answer went nowhere */
    CHECK_STATUS(ns_image_request_status(&image, A, ticket + 1, &result), NS_E_ARG);
    CHECK_STATUS(ns_image_request_status(&image, A, 0, &result), NS_E_ARG);
}

static void a_driver_that_starts_drops_what_it_finds(void) {
    ns_image_t image = create();
    ns_request_t request;
    uint64_t ticket = 0;
    uint64_t finished = sent(&image, a_request(0, 5));
    CHECK_STATUS(taken(&image, 3, 0, &request, &ticket), NS_OK);
    CHECK_STATUS(ns_image_finish_request(&image, A, finished, NS_OK), NS_OK);
    uint64_t interrupted = sent(&image, a_request(0, 5));
    CHECK_STATUS(taken(&image, 3, 0, &request, &ticket), NS_OK);
    uint64_t waiting = sent(&image, a_request(0, 5));
    CHECK_STATUS(ns_image_drop_requests(&image, A), NS_OK);
    CHECK_STATUS(ns_image_request_status(&image, A, finished, &result), NS_OK);
    CHECK_STATUS(ns_image_request_status(&image, A, interrupted, &result), NS_E_STALE);
    CHECK_STATUS(ns_image_request_status(&image, A, waiting, &result), NS_E_STALE);
    CHECK_STATUS(taken(&image, 3, 0, &request, &ticket), NS_E_STALE);
    CHECK_STATUS(ns_image_drop_requests(&image, DRIVER_COUNT), NS_E_ARG);
    CHECK_STATUS(ns_image_drop_requests(NULL, A), NS_E_ARG);
}

/** Every bit of the daemon's pages behind the header: whatever is damaged, a request that is taken
 *  is one that was sent. */
static void a_damaged_request_is_never_carried_out(void) {
    ns_image_t image = create();
    size_t offset = 0;
    size_t size = 0;
    CHECK_STATUS(ns_image_daemon_range(&image, &offset, &size), NS_OK);
    for (size_t i = NS_IMAGE_FROZEN_SIZE; i < size; i++) {
        for (unsigned bit = 0; bit < 8; bit += 3) {
            image = create();
            uint64_t first = sent(&image, a_request(1, 5));
            memory[i] ^= (unsigned char)(1U << bit);
            ns_request_t request = {0};
            uint64_t ticket = 0;
            ns_status_t status = taken(&image, 3, 0, &request, &ticket);
            CHECK(status == NS_OK || status == NS_E_STALE);
            if (status == NS_OK) {
                CHECK(ticket == first && request.kind == NS_REQUEST_CLEAR);
                CHECK(request.device == 1 && request.deadline_ns == 5 && request.epoch == 3);
            }
        }
    }
}

/** Words of the ring that cannot be: the driver starts over from what was sent. */
static void a_ring_out_of_step_is_resynchronised_by_its_driver(void) {
    ns_image_t image = create();
    size_t offset = 0;
    size_t size = 0;
    CHECK_STATUS(ns_image_driver_range(&image, A, &offset, &size), NS_OK);
    uint64_t taken_word = 77;
    memcpy(memory + offset + 8, &taken_word, sizeof taken_word);
    ns_request_t request = a_request(0, 5);
    uint64_t ticket = 0;
    CHECK_STATUS(ns_image_send_request(&image, A, &request, &ticket), NS_E_FULL);
    CHECK_STATUS(taken(&image, 3, 0, &request, &ticket), NS_E_STALE);
    request = a_request(0, 5);
    CHECK_STATUS(ns_image_send_request(&image, A, &request, &ticket), NS_OK);
    CHECK_STATUS(taken(&image, 3, 0, &request, &ticket), NS_OK);
}

/** The count of sent requests stands first in the inbox, which follows the desired slots. */
static void a_request_is_not_taken_again_when_the_count_is_damaged(void) {
    ns_image_t image = create();
    ns_request_t request;
    uint64_t ticket = 0;
    for (int i = 0; i < REQUEST_CAPACITY; i++) {
        (void)sent(&image, a_request(0, 5));
        CHECK_STATUS(taken(&image, 3, 0, &request, &ticket), NS_OK);
    }
    unsigned char *count = memory + 192;
    CHECK(*count == REQUEST_CAPACITY);
    *count = REQUEST_CAPACITY + 1;
    CHECK_STATUS(taken(&image, 3, 0, &request, &ticket), NS_E_STALE);
}

static void a_rearm_is_a_request_to_the_driver_itself(void) {
    ns_image_t image = create();
    ns_health_t health = {.last_poll_ns = 1000 * SECOND};
    CHECK_STATUS(ns_image_set_health(&image, A, &health), NS_OK);
    ns_request_t request;
    uint64_t ticket = 0;
    CHECK_STATUS(ns_image_request_rearm(&image, A), NS_OK); /* before the first beat */
    CHECK_STATUS(taken(&image, 0, 1001 * SECOND, &request, &ticket), NS_OK);
    CHECK_STATUS(ns_image_beat(&image, 8), NS_OK);
    CHECK_STATUS(ns_image_request_rearm(&image, A), NS_OK);
    CHECK_STATUS(ns_image_request_rearm(&image, A), NS_OK);
    CHECK_STATUS(taken(&image, 8, 1009 * SECOND, &request, &ticket), NS_OK);
    CHECK(request.kind == NS_REQUEST_REARM && request.device == UINT32_MAX && request.epoch == 8);
    CHECK_STATUS(taken(&image, 8, 1010 * SECOND, &request, &ticket), NS_E_STALE);
    health.last_poll_ns = INT64_MAX; /* of a driver that is out of its mind */
    CHECK_STATUS(ns_image_set_health(&image, A, &health), NS_OK);
    CHECK_STATUS(ns_image_request_rearm(&image, A), NS_OK);
    CHECK_STATUS(taken(&image, 8, 0, &request, &ticket), NS_OK);
    health.last_poll_ns = -1;
    CHECK_STATUS(ns_image_set_health(&image, A, &health), NS_OK);
    CHECK_STATUS(ns_image_request_rearm(&image, A), NS_OK);
    CHECK_STATUS(taken(&image, 8, 0, &request, &ticket), NS_OK);
    CHECK_STATUS(ns_image_request_rearm(&image, DRIVER_COUNT), NS_E_ARG);
    CHECK_STATUS(ns_image_request_rearm(NULL, A), NS_E_ARG);
}

static void an_epoch_that_only_asked_counts_as_used(void) {
    ns_image_t image = create();
    (void)sent(&image, a_request(0, 5));
    ns_request_t older = a_request(0, 5);
    older.epoch = 2;
    (void)sent(&image, older);
    CHECK(ns_image_epoch(&image) == 3);
}

static void requests_check_their_arguments(void) {
    ns_image_t image = create();
    ns_request_t good = a_request(UINT32_MAX, 5);
    uint64_t ticket = 0;
    CHECK_STATUS(ns_image_send_request(&image, C, &good, NULL), NS_OK);
    CHECK_STATUS(ns_image_send_request(NULL, A, &good, &ticket), NS_E_ARG);
    CHECK_STATUS(ns_image_send_request(&image, DRIVER_COUNT, &good, &ticket), NS_E_ARG);
    CHECK_STATUS(ns_image_send_request(&image, A, NULL, &ticket), NS_E_ARG);
#define REFUSED(field, wrong)                                                                      \
    do {                                                                                           \
        ns_request_t request_ = good;                                                              \
        request_.field = (wrong);                                                                  \
        CHECK_STATUS(ns_image_send_request(&image, A, &request_, &ticket), NS_E_ARG);              \
    } while (0)
    REFUSED(kind, 0U);
    REFUSED(kind, 5U);
    REFUSED(device, 2U);
    REFUSED(epoch, 0U);
    REFUSED(epoch, 1ULL << 32);
    ns_request_t request;
    CHECK_STATUS(ns_image_take_request(NULL, A, 3, 0, &request, &ticket), NS_E_ARG);
    CHECK_STATUS(taken(&image, 3, -1, &request, &ticket), NS_E_ARG);
    CHECK_STATUS(taken(&image, 3, 0, NULL, &ticket), NS_E_ARG);
    CHECK_STATUS(taken(&image, 3, 0, &request, NULL), NS_E_ARG);
    CHECK_STATUS(ns_image_finish_request(&image, A, 1, NS_OK), NS_E_ARG);
    CHECK_STATUS(ns_image_finish_request(&image, C, 1, NS_OK), NS_E_ARG); /* sent, not taken */
    CHECK_STATUS(ns_image_finish_request(&image, A, 0, NS_OK), NS_E_ARG);
    CHECK_STATUS(ns_image_finish_request(NULL, A, 1, NS_OK), NS_E_ARG);
    CHECK_STATUS(ns_image_request_status(NULL, A, 1, &result), NS_E_ARG);
    CHECK_STATUS(ns_image_request_status(&image, C, 1, NULL), NS_E_ARG);
}

int main(void) {
    a_request_is_taken_once_and_answered();
    stale_requests_are_discarded_on_the_way_to_a_good_one();
    a_full_ring_of_an_older_epoch_is_gone_in_one_step();
    old_tickets_are_forgotten();
    a_driver_that_starts_drops_what_it_finds();
    a_damaged_request_is_never_carried_out();
    a_ring_out_of_step_is_resynchronised_by_its_driver();
    a_request_is_not_taken_again_when_the_count_is_damaged();
    a_rearm_is_a_request_to_the_driver_itself();
    an_epoch_that_only_asked_counts_as_used();
    requests_check_their_arguments();
    return 0;
}
