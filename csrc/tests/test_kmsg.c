#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "nightside/kmsg.h"

#define UUID_1 "GPU-f1648d72-c7c8-9814-2832-7a062b009188"
#define FALLEN "NVRM: fallen off the bus and is not responding to commands."

static const ns_kmsg_device_t devices[2] = {{"00000000:41:00.0", NULL}, {"0000:c1:00.0", UUID_1}};
static ns_kmsg_t reader;
static int64_t now_ns;

/** What the log gives: a record, or an error; then that there is no more. */
typedef struct step {
    const char *record;
    int error;
} step_t;
static const step_t *script;
static size_t script_size;
static size_t script_at;
static int descriptor_seen;

static ssize_t scripted_read(int descriptor, void *buffer, size_t size) {
    descriptor_seen = descriptor;
    if (script_at == script_size) {
        errno = EAGAIN;
        return -1;
    }
    const step_t *step = &script[script_at++];
    if (step->record == NULL) {
        errno = step->error;
        return step->error == 0 ? 0 : -1;
    }
    size_t length = strlen(step->record);
    CHECK(length <= size);
    memcpy(buffer, step->record, length);
    return (ssize_t)length;
}

static void open_reader(ns_xid_filter_t *filter) {
    CHECK_STATUS(ns_kmsg_open(&reader, 5, devices, 2, filter), NS_OK);
    ns_kmsg_set_read(&reader, scripted_read);
}

static ns_status_t begin_with(const step_t *steps, size_t count) {
    script = steps;
    script_size = count;
    script_at = 0;
    now_ns += 100000000;
    return ns_kmsg_ops.begin(&reader, now_ns, UINT64_MAX);
}
#define BEGIN_WITH(steps) begin_with(steps, sizeof(steps) / sizeof(steps)[0])

static double value_of(uint32_t channel) {
    double value = -1.0;
    CHECK_STATUS(ns_kmsg_ops.read(&reader, channel, &value), NS_OK);
    return value;
}

static double xid_of(uint32_t index) {
    return value_of(NS_KMSG_XID + 2 * index);
}

static double count_of(uint32_t index) {
    return value_of(NS_KMSG_XID_COUNT + 2 * index);
}

static void xids_go_to_their_accelerator(void) {
    static const step_t steps[] = {
        {"3,1,1,-;NVRM: Xid (PCI:0000:41:00): 31, pid=1\n", 0},
        {"6,2,2,-;usb 1-1: new device\n", 0},
        {"3,3,3,-;NVRM: Xid (PCI:0000:c1:00.0): 48, pid=1\n", 0},
        {"3,4,4,-;NVRM: Xid (PCI:0000:41:00): 13, pid=1\n", 0},
        {"3,5,5,-;NVRM: Xid (" UUID_1 "): 63, pid=1\n", 0},
        {"3,6,6,-;NVRM: Xid (PCI:0001:41:00): 13, of another\n", 0},
        {"3,7,7,-;NVRM: Xid (PCI:0000:42:00): 13, of another\n", 0},
        {"3,8,8,-;NVRM: Xid (PCI:0000:41:01): 13, of another\n", 0},
        {"not a record", 0},
    };
    open_reader(NULL);
    CHECK_STATUS(BEGIN_WITH(steps), NS_OK);
    CHECK(descriptor_seen == 5);
    CHECK_EXACT(xid_of(0), 13.0);
    CHECK_EXACT(count_of(0), 2.0);
    CHECK_EXACT(xid_of(1), 63.0);
    CHECK_EXACT(count_of(1), 2.0);
    CHECK_EXACT(value_of(NS_KMSG_UNASSIGNED_COUNT), 3.0);
    CHECK_EXACT(value_of(NS_KMSG_LOST_COUNT), 0.0);
}

static void a_loss_told_in_three_records_is_one_xid_of_the_accelerator_named_before(void) {
    static const step_t steps[] = {
        {"2,1,1,-;NVRM: The NVIDIA GPU 0000:c1:00.0\n", 0},
        {"2,2,1,-;NVRM: (PCI ID: 10de:26b5) installed in this system has\n", 0},
        {"2,3,1,-;" FALLEN "\n", 0},
    };
    open_reader(NULL);
    CHECK_STATUS(BEGIN_WITH(steps), NS_OK);
    CHECK_EXACT(xid_of(1), 79.0);
    CHECK_EXACT(count_of(1), 1.0);
    CHECK_EXACT(count_of(0), 0.0);
}

static void a_name_holds_for_a_few_records_only(void) {
    static const step_t steps[] = {
        {"2,1,1,-;NVRM: The NVIDIA GPU 0000:c1:00.0\n", 0},
        {"6,2,1,-;usb 1\n", 0},
        {"6,3,1,-;usb 2\n", 0},
        {"6,4,1,-;usb 3\n", 0},
        {"6,5,1,-;usb 4\n", 0},
        {"2,6,1,-;" FALLEN "\n", 0},
    };
    open_reader(NULL);
    CHECK_STATUS(BEGIN_WITH(steps), NS_OK);
    CHECK_EXACT(count_of(1), 0.0);
    CHECK_EXACT(value_of(NS_KMSG_UNASSIGNED_COUNT), 1.0);
}

static void a_loss_of_an_accelerator_that_nobody_knows_is_not_anothers(void) {
    static const step_t steps[] = {
        {"2,1,1,-;NVRM: The NVIDIA GPU 0000:c1:00.0\n", 0},
        {"2,2,1,-;NVRM: The NVIDIA GPU 0000:99:00.0\n", 0},
        {"2,3,1,-;" FALLEN "\n", 0},
    };
    open_reader(NULL);
    CHECK_STATUS(BEGIN_WITH(steps), NS_OK);
    CHECK_EXACT(count_of(1), 0.0);
    CHECK_EXACT(value_of(NS_KMSG_UNASSIGNED_COUNT), 1.0);
}

static void a_number_and_its_text_are_one_xid(void) {
    static const step_t steps[] = {
        {"2,1,1,-;NVRM: Xid (PCI:0000:41:00): 79, pid=1, GPU has fallen off the bus.\n", 0},
        {"2,2,1,-;NVRM: GPU 0000:41:00.0: GPU has fallen off the bus.\n", 0},
    };
    open_reader(NULL);
    CHECK_STATUS(BEGIN_WITH(steps), NS_OK);
    CHECK_EXACT(count_of(0), 1.0);
}

static void an_xid_that_nvml_gave_already_is_not_counted(void) {
    static const step_t steps[] = {{"3,1,1,-;NVRM: Xid (PCI:0000:c1:00): 48\n", 0},
                                   {"3,2,1,-;NVRM: Xid (PCI:0000:c1:00): 63\n", 0}};
    ns_xid_filter_t filter = {0};
    open_reader(&filter);
    CHECK(ns_xid_filter_admit(&filter, NS_XID_FROM_NVML, 1, 48, now_ns));
    CHECK_STATUS(BEGIN_WITH(steps), NS_OK);
    CHECK_EXACT(xid_of(1), 63.0);
    CHECK_EXACT(count_of(1), 1.0);
    CHECK(!ns_xid_filter_admit(&filter, NS_XID_FROM_NVML, 1, 63, now_ns));
}

static void overwritten_and_overlong_records_are_counted_as_lost(void) {
    static const step_t first[] = {{NULL, EPIPE}, {"6,10,1,-;a\n", 0}};
    static const step_t later[] = {{"6,11,1,-;b\n", 0}, {NULL, EPIPE}, {NULL, EPIPE},
                                   {"6,20,1,-;c\n", 0}, {NULL, EPIPE}, {"6,3,1,-;d\n", 0},
                                   {NULL, EINVAL},      {NULL, EINTR}, {"6,9,1,-;e\n", 0}};
    open_reader(NULL);
    CHECK_STATUS(BEGIN_WITH(first), NS_OK);
    CHECK_EXACT(value_of(NS_KMSG_LOST_COUNT), 1.0); /* at least: it is not known where we were */
    CHECK_STATUS(BEGIN_WITH(later), NS_OK);
    CHECK_EXACT(value_of(NS_KMSG_LOST_COUNT), 1.0 + 8.0 + 1.0 + 1.0);
    CHECK(script_at == script_size);
}

static void errors_of_the_descriptor_have_a_class_and_end_the_round(void) {
    static const struct {
        int error;
        ns_status_t status;
    } rows[] = {{EAGAIN, NS_OK},        {0, NS_E_ABSENT}, {EPERM, NS_E_REFUSED},
                {EACCES, NS_E_REFUSED}, {EBADF, NS_E_IO}, {EIO, NS_E_IO}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const step_t steps[] = {{NULL, rows[i].error}, {"6,1,1,-;a\n", 0}};
        open_reader(NULL);
        CHECK_STATUS(BEGIN_WITH(steps), rows[i].status);
        CHECK(script_at == 1);
    }
}

static void a_round_takes_a_bounded_number_of_records(void) {
    static step_t steps[3 * NS_KMSG_RECORDS_MAX];
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        steps[i] = (step_t){i % 3 == 2 ? NULL : "3,1,1,-;NVRM: Xid (PCI:0000:41:00): 31\n", EINTR};
    }
    open_reader(NULL);
    CHECK_STATUS(BEGIN_WITH(steps), NS_OK);
    CHECK(script_at == NS_KMSG_RECORDS_MAX);
}

static void the_alarm_changes_with_every_xid_and_ends_with_a_clear(void) {
    static const step_t steps[] = {{"3,1,1,-;NVRM: Xid (PCI:0000:41:00): 31\n", 0}};
    open_reader(NULL);
    CHECK(ns_kmsg_ops.alarm(&reader) == 0);
    CHECK_STATUS(BEGIN_WITH(steps), NS_OK);
    uint32_t first = ns_kmsg_ops.alarm(&reader);
    CHECK_STATUS(BEGIN_WITH(steps), NS_OK);
    uint32_t second = ns_kmsg_ops.alarm(&reader);
    CHECK(first != 0 && second != 0 && first != second && (second & 0xFFFF) == 31);
    CHECK_STATUS(ns_kmsg_ops.request(&reader, NS_REQUEST_RESET), NS_E_UNSUPPORTED);
    CHECK_STATUS(ns_kmsg_ops.request(&reader, NS_REQUEST_CLEAR), NS_OK);
    CHECK(ns_kmsg_ops.alarm(&reader) == 0);
    CHECK_EXACT(xid_of(0), 0.0);
    CHECK_EXACT(count_of(0), 2.0);
}

static void evidence_is_the_last_xid_and_its_line(void) {
    static const step_t steps[] = {
        {"3,258,4660,-;NVRM: Xid (PCI:0000:c1:00): 48, pid=1, a line that is longer than the room "
         "which the evidence leaves for it: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n",
         0},
        {"6,259,5000,-;usb 1\n", 0}};
    uint8_t bytes[NS_EVIDENCE_BYTES];
    size_t size = 99;
    open_reader(NULL);
    CHECK_STATUS(ns_kmsg_ops.capture(&reader, bytes, sizeof bytes, &size), NS_OK);
    CHECK(size == 0);
    CHECK_STATUS(BEGIN_WITH(steps), NS_OK);
    CHECK_STATUS(ns_kmsg_ops.capture(&reader, bytes, sizeof bytes, &size), NS_OK);
    CHECK(size == sizeof bytes);
    CHECK(bytes[0] == NS_KMSG_EVIDENCE_XID && bytes[1] == 20);
    CHECK(bytes[2] == 1 && bytes[3] == NS_XID_FROM_LOG && bytes[4] == 48 && bytes[5] == 0);
    CHECK(bytes[6] == 2 && bytes[7] == 1 && bytes[14] == 0x34 && bytes[15] == 0x12);
    CHECK(bytes[22] == NS_KMSG_EVIDENCE_TEXT && bytes[23] == sizeof bytes - 24);
    CHECK(memcmp(bytes + 24, "NVRM: Xid (PCI:0000:c1:00): 48", 30) == 0);
    static uint8_t large[1024];
    CHECK_STATUS(ns_kmsg_ops.capture(&reader, large, sizeof large, &size), NS_OK);
    CHECK(size == 24U + large[23] && large[23] < 255);
}

static size_t captured(uint8_t bytes[NS_EVIDENCE_BYTES]) {
    size_t size = 0;
    CHECK_STATUS(ns_kmsg_ops.capture(&reader, bytes, NS_EVIDENCE_BYTES, &size), NS_OK);
    CHECK(size <= NS_EVIDENCE_BYTES);
    return size;
}

/** Payload of the item `tag`; NULL: it is not there. */
static const uint8_t *item(const uint8_t *bytes, size_t size, uint8_t tag, size_t *out_size) {
    for (size_t at = 0; at + 2 <= size; at += 2U + bytes[at + 1]) {
        if (bytes[at] == tag) {
            *out_size = bytes[at + 1];
            return &bytes[at + 2];
        }
    }
    return NULL;
}

static void xids_of_one_round_are_all_in_the_evidence(void) {
    static const step_t steps[] = {
        {"3,1,1000,-;NVRM: Xid (PCI:0000:41:00): 48, pid=1\n", 0},
        {"3,2,2000,-;NVRM: Xid (PCI:0000:41:00): 63, pid=1\n", 0},
        {"3,3,9000,-;NVRM: GPU 0000:c1:00.0: GPU has fallen off the bus.\n", 0},
        {"3,4,9999,-;NVRM: Xid (PCI:0000:41:00): 45, pid=1, Ch 00000010\n", 0},
    };
    static const struct {
        uint8_t device, source, xid, age_ms;
    } earlier[] = {
        {1, NS_XID_FROM_TEXT, 79, 0}, {0, NS_XID_FROM_LOG, 63, 7}, {0, NS_XID_FROM_LOG, 48, 8}};
    uint8_t bytes[NS_EVIDENCE_BYTES];
    size_t length = 0;
    open_reader(NULL);
    CHECK_STATUS(BEGIN_WITH(steps), NS_OK);
    size_t size = captured(bytes);
    const uint8_t *at = item(bytes, size, NS_KMSG_EVIDENCE_XID, &length);
    CHECK(at != NULL && length == 20 && at[0] == 0 && at[2] == 45 && at[4] == 4);
    at = item(bytes, size, NS_KMSG_EVIDENCE_EARLIER, &length);
    CHECK(at != NULL && length == sizeof earlier / sizeof earlier[0] * 8);
    for (size_t i = 0; i < sizeof earlier / sizeof earlier[0]; i++, at += 8) {
        CHECK(at[0] == earlier[i].device && at[1] == earlier[i].source);
        CHECK(at[2] == earlier[i].xid && at[3] == 0);
        CHECK(at[4] == earlier[i].age_ms && at[5] == 0 && at[6] == 0 && at[7] == 0);
    }
    CHECK(item(bytes, size, NS_KMSG_EVIDENCE_DROPPED, &length) == NULL);
    at = item(bytes, size, NS_KMSG_EVIDENCE_TEXT, &length);
    CHECK(at != NULL && length > 30 && memcmp(at, "NVRM: Xid (PCI:0000:41:00): 45", 30) == 0);
}

static void begin_with_xids(uint32_t count) {
    static step_t steps[64];
    for (uint32_t i = 0; i < count; i++) {
        steps[i] = (step_t){"3,1,1,-;NVRM: Xid (PCI:0000:41:00): 31\n", 0};
    }
    CHECK_STATUS(begin_with(steps, count), NS_OK);
}

static void xids_that_no_evidence_had_room_for_are_counted_and_others_are_not(void) {
    uint8_t bytes[NS_EVIDENCE_BYTES];
    size_t length = 0;
    open_reader(NULL);
    begin_with_xids(NS_KMSG_XIDS_KEPT);
    size_t size = captured(bytes);
    CHECK(item(bytes, size, NS_KMSG_EVIDENCE_EARLIER, &length) != NULL && length == 7 * 8);
    CHECK(item(bytes, size, NS_KMSG_EVIDENCE_DROPPED, &length) == NULL);
    begin_with_xids(NS_KMSG_XIDS_KEPT); /* push out what was captured */
    CHECK(item(bytes, captured(bytes), NS_KMSG_EVIDENCE_DROPPED, &length) == NULL);
    begin_with_xids(NS_KMSG_XIDS_KEPT + 3);
    size = captured(bytes);
    const uint8_t *at = item(bytes, size, NS_KMSG_EVIDENCE_DROPPED, &length);
    CHECK(at != NULL && length == 4 && at[0] == 3 && at[1] == 0 && at[2] == 0 && at[3] == 0);
    CHECK(item(bytes, size, NS_KMSG_EVIDENCE_TEXT, &length) != NULL && length == 30);
    begin_with_xids(1);
    at = item(bytes, captured(bytes), NS_KMSG_EVIDENCE_DROPPED, &length);
    CHECK(at != NULL && at[0] == 3);
}

static void evidence_without_room_leaves_whole_items_out_and_takes_nothing_for_captured(void) {
    uint8_t bytes[NS_EVIDENCE_BYTES];
    size_t size = 99;
    size_t length = 0;
    open_reader(NULL);
    begin_with_xids(NS_KMSG_XIDS_KEPT);
    for (size_t capacity = 0; capacity < 22; capacity++) {
        CHECK_STATUS(ns_kmsg_ops.capture(&reader, bytes, capacity, &size), NS_OK);
        CHECK(size == 0);
    }
    begin_with_xids(1); /* pushes out the first */
    const size_t enough = 22 + 2 + 7 * 8;
    for (size_t capacity = 22; capacity < enough; capacity++) {
        CHECK_STATUS(ns_kmsg_ops.capture(&reader, bytes, capacity, &size), NS_OK);
        CHECK(size >= 22 && size <= capacity);
        CHECK(item(bytes, size, NS_KMSG_EVIDENCE_EARLIER, &length) == NULL);
    }
    begin_with_xids(1); /* and the second */
    for (size_t capacity = enough; capacity <= sizeof bytes; capacity++) {
        CHECK_STATUS(ns_kmsg_ops.capture(&reader, bytes, capacity, &size), NS_OK);
        CHECK(size >= enough && size <= capacity);
        CHECK(item(bytes, size, NS_KMSG_EVIDENCE_EARLIER, &length) != NULL);
    }
    const uint8_t *at = item(bytes, size, NS_KMSG_EVIDENCE_DROPPED, &length);
    CHECK(at != NULL && at[0] == 2);
}

static void channels_that_are_not_there_say_so(void) {
    double value = -1.0;
    open_reader(NULL);
    CHECK_STATUS(ns_kmsg_ops.read(&reader, 4, &value), NS_E_UNSUPPORTED);
    CHECK_STATUS(ns_kmsg_ops.read(&reader, 15, &value), NS_E_UNSUPPORTED);
    CHECK_STATUS(ns_kmsg_ops.read(&reader, NS_KMSG_CHANNEL_COUNT, &value), NS_E_ARG);
    CHECK_STATUS(ns_kmsg_ops.read(&reader, UINT32_MAX, &value), NS_E_ARG);
    CHECK_EXACT(value, -1.0);
    CHECK_STATUS(ns_kmsg_ops.write(&reader, NS_KMSG_XID, 0.0), NS_E_UNSUPPORTED);
    CHECK_STATUS(ns_kmsg_ops.write(&reader, NS_KMSG_CHANNEL_COUNT, 0.0), NS_E_ARG);
}

static void a_reader_of_nothing_is_refused(void) {
    static const ns_kmsg_device_t wrong[] = {
        {"41:00.0", NULL}, {"", NULL}, {NULL, NULL}, {"0000:41:00.0", "GPU-1"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        CHECK_STATUS(ns_kmsg_open(&reader, 5, &wrong[i], 1, NULL), NS_E_ARG);
    }
    CHECK_STATUS(ns_kmsg_open(NULL, 5, devices, 2, NULL), NS_E_ARG);
    CHECK_STATUS(ns_kmsg_open(&reader, -1, devices, 2, NULL), NS_E_ARG);
    CHECK_STATUS(ns_kmsg_open(&reader, 5, NULL, 2, NULL), NS_E_ARG);
    CHECK_STATUS(ns_kmsg_open(&reader, 5, devices, 0, NULL), NS_E_ARG);
    CHECK_STATUS(ns_kmsg_open(&reader, 5, devices, NS_KMSG_DEVICES_MAX + 1, NULL), NS_E_ARG);
}

/** A socket that keeps the borders of records, as the log does. */
static void records_are_read_from_a_descriptor_without_waiting(void) {
    static const char record[] = "3,1,1,-;NVRM: Xid (PCI:0000:41:00): 31\n";
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
    CHECK(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0);
    CHECK_STATUS(ns_kmsg_open(&reader, ends[0], devices, 2, NULL), NS_OK);
    CHECK_STATUS(ns_kmsg_ops.begin(&reader, 0, 0), NS_OK);
    CHECK(write(ends[1], record, sizeof record - 1) == (ssize_t)(sizeof record - 1));
    CHECK(write(ends[1], record, sizeof record - 1) == (ssize_t)(sizeof record - 1));
    CHECK_STATUS(ns_kmsg_ops.begin(&reader, 1, 0), NS_OK);
    CHECK_EXACT(count_of(0), 2.0);
    CHECK(close(ends[1]) == 0);
    CHECK_STATUS(ns_kmsg_ops.begin(&reader, 2, 0), NS_E_ABSENT);
    ns_kmsg_set_read(&reader, scripted_read);
    ns_kmsg_set_read(&reader, NULL);
    CHECK_STATUS(ns_kmsg_ops.begin(&reader, 3, 0), NS_E_ABSENT);
    CHECK(close(ends[0]) == 0);
}

int main(void) {
    xids_go_to_their_accelerator();
    a_loss_told_in_three_records_is_one_xid_of_the_accelerator_named_before();
    a_name_holds_for_a_few_records_only();
    a_loss_of_an_accelerator_that_nobody_knows_is_not_anothers();
    a_number_and_its_text_are_one_xid();
    an_xid_that_nvml_gave_already_is_not_counted();
    overwritten_and_overlong_records_are_counted_as_lost();
    errors_of_the_descriptor_have_a_class_and_end_the_round();
    a_round_takes_a_bounded_number_of_records();
    the_alarm_changes_with_every_xid_and_ends_with_a_clear();
    evidence_is_the_last_xid_and_its_line();
    xids_of_one_round_are_all_in_the_evidence();
    xids_that_no_evidence_had_room_for_are_counted_and_others_are_not();
    evidence_without_room_leaves_whole_items_out_and_takes_nothing_for_captured();
    channels_that_are_not_there_say_so();
    a_reader_of_nothing_is_refused();
    records_are_read_from_a_descriptor_without_waiting();
    return 0;
}
