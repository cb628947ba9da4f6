/* Processes that are killed inside the image, at the nth store of theirs, for every n. The image is
 * compiled with the hook, and lives in a file as in flight. */
#define _POSIX_C_SOURCE 200809L

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test_image_fixture.h"

void ns_test_seam(bool is_store);

enum { FIRST = 1000, STORES_MAX = 40, ROOM = NS_CAUSE_COUNT * PER_CAUSE };

static unsigned stores_left; /* 0: nobody dies */

void ns_test_seam(bool is_store) {
    if (is_store && stores_left > 0 && --stores_left == 0) {
        (void)kill(getpid(), SIGKILL);
    }
}

static void *shared_memory(void) {
    FILE *file = tmpfile();
    CHECK(file != NULL && ftruncate(fileno(file), MEMORY_SIZE) == 0);
    void *mapped = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(file), 0);
    CHECK(mapped != MAP_FAILED);
    (void)fclose(file);
    return mapped;
}

/** Run `act` over and over in a child that dies at its nth store; it always does. */
static void kill_inside(void (*act)(const ns_image_t *image, int32_t number), unsigned nth,
                        const ns_image_t *image) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        stores_left = nth;
        for (int32_t number = FIRST;; number++) {
            act(image, number);
        }
    }
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void publish(const ns_image_t *image, int32_t number) {
    (void)publish_number(image, 0, number);
}

static void readers_of_a_killed_driver_keep_its_last_samples(const ns_image_t *image) {
    copy_t last;
    copy_t copy;
    for (unsigned nth = 1; nth <= STORES_MAX; nth++) {
        CHECK_STATUS(publish_number(image, 0, FIRST - 1), NS_OK);
        kill_inside(publish, nth, image);
        CHECK_STATUS(snapshot(image, &last, &copy), NS_OK);
        int32_t whole_ones = (int32_t)(nth - 1) / 7; /* seven stores each: two points, one mark */
        CHECK(number_of(&copy, 0) == FIRST - 1 + whole_ones);
    }
    CHECK_STATUS(publish_number(image, 0, 5), NS_OK); /* the driver that is started next */
    CHECK_STATUS(snapshot(image, &last, &copy), NS_OK);
    CHECK(number_of(&copy, 0) == 5);
}

static void act_as_daemon(const ns_image_t *image, int32_t number) {
    double values[WRITABLE_COUNT] = {number, number};
    (void)ns_image_write_desired(image, values, WRITABLE_COUNT, (uint64_t)number);
    ns_request_t request = a_request(0, number);
    request.epoch = (uint64_t)number;
    (void)ns_image_send_request(image, 1, &request, NULL);
    (void)ns_image_beat(image, (uint64_t)number);
}

static void a_killed_daemon_leaves_whole_values_and_requests(const ns_image_t *image) {
    double values[WRITABLE_COUNT] = {FIRST - 1, FIRST - 1};
    for (unsigned nth = 1; nth <= STORES_MAX; nth++) {
        CHECK_STATUS(ns_image_write_desired(image, values, WRITABLE_COUNT, 7), NS_OK);
        kill_inside(act_as_daemon, nth, image);
        for (uint32_t i = 0; i < WRITABLE_COUNT; i++) {
            ns_desired_t desired;
            ns_status_t status = ns_image_read_desired(image, i, &desired);
            CHECK(status == NS_OK || status == NS_E_STALE);
            bool is_whole = desired.epoch == (uint64_t)desired.value ||
                            (desired.epoch == 7 && (int)desired.value == FIRST - 1);
            CHECK(status == NS_E_STALE || is_whole);
        }
        ns_request_t request;
        uint64_t ticket = 0;
        while (ns_image_take_request(image, 1, 0, 0, &request, &ticket) == NS_OK) {
            CHECK(request.epoch == (uint64_t)request.deadline_ns && request.device == 0);
        }
        CHECK(ns_image_epoch(image) >= ns_image_heartbeat(image) >> 32);
    }
}

static void put(const ns_image_t *image, int32_t number) {
    ns_evidence_t record = evidence_of(NS_CAUSE_DEVICE_FAULT, (uint32_t)number);
    (void)ns_image_put_evidence(image, 0, &record);
}

static void evidence_of_a_killed_driver_is_whole_or_counted(const ns_image_t *image) {
    static ns_evidence_t records[ROOM];
    uint64_t before = 0;
    for (unsigned nth = 1; nth <= 6 * STORES_MAX; nth += 5) {
        kill_inside(put, nth, image);
        ns_evidence_t mark = evidence_of(NS_CAUSE_REQUEST, nth);
        CHECK_STATUS(ns_image_put_evidence(image, 0, &mark), NS_OK);
        uint32_t count = 0;
        uint64_t lost = 0;
        CHECK_STATUS(ns_image_read_evidence(image, 0, before, records, ROOM, &count, &lost), NS_OK);
        CHECK(count > 0 && before + count + lost == mark.sequence);
        for (uint32_t i = 0; i < count; i++) {
            CHECK(memcmp(&records[i].point, records[i].bytes, 4) == 0 && records[i].size == 4);
            CHECK(records[i].point == records[i].time_ns);
        }
        before = mark.sequence;
        CHECK_STATUS(ns_image_mark_durable(image, 0, before), NS_OK);
    }
}

int main(void) {
    ns_image_t image = create_in(shared_memory(), MEMORY_SIZE);
    readers_of_a_killed_driver_keep_its_last_samples(&image);
    a_killed_daemon_leaves_whole_values_and_requests(&image);
    evidence_of_a_killed_driver_is_whole_or_counted(&image);
    return 0;
}
