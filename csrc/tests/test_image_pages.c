/* Daemon and drivers each write only pages of their own: all others are made read-only, and each
 * side does all it can. */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test_image_fixture.h"

enum { A = 0, B = 1 };

static ns_image_t image;

static void begin(void) {
    FILE *file = tmpfile();
    CHECK(file != NULL && ftruncate(fileno(file), MEMORY_SIZE) == 0);
    void *mapped = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
    CHECK(mapped != MAP_FAILED);
    (void)fclose(file);
    image = create_in(mapped, MEMORY_SIZE);
}

static void ranges_are_whole_pages_that_do_not_overlap(void) {
    size_t offset = 0;
    size_t size = 0;
    CHECK_STATUS(ns_image_daemon_range(&image, &offset, &size), NS_OK);
    CHECK(offset == 0 && size > 0 && size % PAGE == 0);
    size_t tables = (size_t)((const unsigned char *)image.drivers - (unsigned char *)image.memory);
    size_t end =
        (size_t)((const unsigned char *)&image.reflexes[1] - (unsigned char *)image.memory);
    CHECK(tables >= size);
    for (uint32_t i = 0; i < DRIVER_COUNT; i++) {
        CHECK_STATUS(ns_image_driver_range(&image, i, &offset, &size), NS_OK);
        CHECK(offset % PAGE == 0 && size % PAGE == 0 && size > 0);
        CHECK(i == 0 ? offset >= end : offset == end);
        end = offset + size;
    }
    ns_image_config_t config = config_of_fixture();
    CHECK(end == ns_image_size(&config));
    CHECK_STATUS(ns_image_daemon_range(NULL, &offset, &size), NS_E_ARG);
    CHECK_STATUS(ns_image_daemon_range(&image, NULL, &size), NS_E_ARG);
    CHECK_STATUS(ns_image_daemon_range(&image, &offset, NULL), NS_E_ARG);
    CHECK_STATUS(ns_image_driver_range(NULL, A, &offset, &size), NS_E_ARG);
    CHECK_STATUS(ns_image_driver_range(&image, DRIVER_COUNT, &offset, &size), NS_E_ARG);
    CHECK_STATUS(ns_image_driver_range(&image, A, NULL, &size), NS_E_ARG);
    CHECK_STATUS(ns_image_driver_range(&image, A, &offset, NULL), NS_E_ARG);
}

static void read_everything(void) {
    copy_t last;
    copy_t copy;
    ns_sample_t sample;
    ns_desired_t desired;
    ns_health_t health;
    ns_bus_statistics_t statistics;
    static ns_evidence_t records[2];
    uint32_t count = 0;
    uint64_t lost = 0;
    uint64_t losses[NS_CAUSE_COUNT];
    CHECK_STATUS(snapshot(&image, &last, &copy), NS_OK);
    CHECK_STATUS(ns_image_read_sample(&image, 2, &sample), NS_OK);
    CHECK_STATUS(ns_image_read_desired(&image, 1, &desired), NS_OK);
    CHECK_STATUS(ns_image_health(&image, B, &health), NS_OK);
    CHECK_STATUS(ns_image_statistics(&image, B, &statistics), NS_OK);
    CHECK_STATUS(ns_image_read_evidence(&image, A, 0, records, 2, &count, &lost), NS_OK);
    CHECK_STATUS(ns_image_evidence_losses(&image, A, losses), NS_OK);
    CHECK(ns_image_epoch(&image) >= ns_image_heartbeat(&image) >> 32);
    CHECK(ns_image_durable(&image, A) <= 1 && !ns_image_stop_is_requested(&image));
    ns_image_t other;
    CHECK_STATUS(ns_image_attach(image.memory, MEMORY_SIZE, &other), NS_OK);
}

static void do_all_a_daemon_does(void) {
    double values[WRITABLE_COUNT] = {0.5, 0.5};
    uint64_t ticket = 0;
    int32_t status = 0;
    ns_request_t request = a_request(0, 100);
    read_everything();
    CHECK_STATUS(ns_image_write_desired(&image, values, WRITABLE_COUNT, 2), NS_OK);
    CHECK_STATUS(ns_image_send_request(&image, A, &request, &ticket), NS_OK);
    CHECK_STATUS(ns_image_request_rearm(&image, A), NS_OK);
    CHECK_STATUS(ns_image_request_status(&image, A, ticket, &status), NS_E_BUSY);
    CHECK_STATUS(ns_image_mark_durable(&image, A, 1), NS_OK);
    CHECK_STATUS(ns_image_beat(&image, 2), NS_OK);
    ns_image_request_stop(&image);
}

static void do_all_a_driver_does(void) {
    ns_health_t health = {.poll_count = 1};
    ns_bus_statistics_t statistics = {.transfer_count = 1};
    ns_evidence_t record = evidence_of(NS_CAUSE_LAPSE, 1);
    ns_request_t request;
    uint64_t ticket = 0;
    read_everything();
    CHECK_STATUS(publish_number(&image, A, 1), NS_OK);
    CHECK_STATUS(ns_image_set_health(&image, A, &health), NS_OK);
    CHECK_STATUS(ns_image_set_statistics(&image, A, &statistics), NS_OK);
    CHECK_STATUS(ns_image_put_evidence(&image, A, &record), NS_OK);
    CHECK_STATUS(ns_image_take_request(&image, A, 3, 0, &request, &ticket), NS_OK);
    CHECK_STATUS(ns_image_finish_request(&image, A, ticket, NS_OK), NS_OK);
    CHECK_STATUS(ns_image_drop_requests(&image, A), NS_OK);
}

/** True when `act` ends well in a process that may write only one range. */
static bool lives_with(void (*act)(void), size_t offset, size_t size) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        (void)signal(SIGSEGV, SIG_DFL); /* a sanitizer would print it at length */
        bool is_set =
            mprotect(image.memory, MEMORY_SIZE, PROT_READ) == 0 &&
            mprotect((unsigned char *)image.memory + offset, size, PROT_READ | PROT_WRITE) == 0;
        CHECK(is_set);
        act();
        _exit(0);
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status) ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGSEGV);
    return WIFEXITED(status);
}

static void prepare(void) {
    begin();
    ns_evidence_t record = evidence_of(NS_CAUSE_SILENCE, 1);
    CHECK_STATUS(ns_image_put_evidence(&image, A, &record), NS_OK);
    ns_request_t request = a_request(0, 100);
    CHECK_STATUS(ns_image_send_request(&image, A, &request, NULL), NS_OK);
}

static void each_side_lives_with_its_own_pages_alone(void) {
    size_t daemon_offset = 0;
    size_t daemon_size = 0;
    size_t driver_offset = 0;
    size_t driver_size = 0;
    CHECK_STATUS(ns_image_daemon_range(&image, &daemon_offset, &daemon_size), NS_OK);
    CHECK_STATUS(ns_image_driver_range(&image, A, &driver_offset, &driver_size), NS_OK);
    prepare();
    CHECK(lives_with(do_all_a_driver_does, driver_offset, driver_size));
    prepare();
    CHECK(lives_with(do_all_a_daemon_does, daemon_offset, daemon_size));
    prepare();
    CHECK(!lives_with(do_all_a_daemon_does, driver_offset, driver_size));
    prepare();
    CHECK(!lives_with(do_all_a_driver_does, daemon_offset, daemon_size));
    prepare();
    CHECK(lives_with(read_everything, daemon_offset, daemon_size));
    CHECK_STATUS(ns_image_driver_range(&image, B, &driver_offset, &driver_size), NS_OK);
    CHECK(!lives_with(do_all_a_driver_does, driver_offset, driver_size));
}

int main(void) {
    begin();
    ranges_are_whole_pages_that_do_not_overlap();
    each_side_lives_with_its_own_pages_alone();
    return 0;
}
