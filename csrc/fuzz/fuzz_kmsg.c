/* The kernel log: records as they come from /dev/kmsg, through the parser and the reader. */
#include <errno.h>
#include <math.h>
#include <sys/types.h>

#include "fuzz.h"
#include "nightside/kmsg.h"

enum { ACCELERATORS = 2, READS_PER_BEGIN_MAX = 1000 };

static fuzz_input_t input;
static unsigned read_count; /**< of the present begin */

/** One record a read, or an errno, as the kernel does; the end of the input is an empty log. */
static ssize_t read_record(int descriptor, void *buffer, size_t size) {
    static const int errors[] = {EAGAIN, EPIPE, EINTR, EINVAL, EPERM, EIO};
    (void)descriptor;
    CLAIM(++read_count < READS_PER_BEGIN_MAX);
    uint8_t kind = take_u8(&input);
    if (kind == 0xFF) {
        return 0;
    }
    if (kind < sizeof errors / sizeof errors[0]) {
        errno = errors[kind];
        return -1;
    }
    size_t wanted = 2U * kind;
    size_t count = wanted < size ? wanted : size;
    count = count < input.size ? count : input.size;
    take_bytes(&input, buffer, count);
    return (ssize_t)count;
}

static void check_parser(const uint8_t *bytes, size_t size) {
    char *record = malloc(size > 0 ? size : 1); /* of that size exactly, and without a NUL */
    CLAIM(record != NULL);
    if (size > 0) {
        memcpy(record, bytes, size);
    }
    ns_xid_report_t report;
    memset(&report, 0x55, sizeof report);
    if (ns_kmsg_parse(record, size, &report) == NS_OK) {
        CLAIM(report.xid <= 65535 && report.is_inferred <= 1 && report.has_address <= 1);
        CLAIM(memchr(report.uuid, '\0', sizeof report.uuid) != NULL);
    }
    free(record);
}

static void check_reader(void) {
    static const ns_kmsg_device_t devices[ACCELERATORS] = {
        {.pci_bus_id = "00000000:41:00.0", .uuid = "GPU-11111111-2222-3333-4444-555555555555"},
        {.pci_bus_id = "00000000:C1:00.0", .uuid = NULL}};
    static ns_kmsg_t reader;
    CLAIM(ns_kmsg_open(&reader, 0, devices, ACCELERATORS, NULL) == NS_OK);
    ns_kmsg_set_read(&reader, read_record);
    int64_t now_ns = 0;
    while (input.size > 0) {
        read_count = 0;
        (void)ns_kmsg_ops.begin(&reader, now_ns, UINT64_MAX);
        now_ns += 1000000000;
        for (uint32_t channel = 0; channel <= NS_KMSG_CHANNEL_COUNT; channel++) {
            double value = 0.0;
            ns_status_t status = ns_kmsg_ops.read(&reader, channel, &value);
            CLAIM(status != NS_OK || (isfinite(value) && channel < NS_KMSG_CHANNEL_COUNT));
        }
        uint8_t evidence[NS_EVIDENCE_BYTES];
        size_t size = 0;
        if (ns_kmsg_ops.capture != NULL &&
            ns_kmsg_ops.capture(&reader, evidence, sizeof evidence, &size) == NS_OK) {
            CLAIM(size <= sizeof evidence);
        }
        if (take_u8(&input) == 1 && ns_kmsg_ops.request != NULL) {
            (void)ns_kmsg_ops.request(&reader, NS_REQUEST_CLEAR);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    check_parser(bytes, size);
    input = (fuzz_input_t){.bytes = bytes, .size = size};
    check_reader();
    return 0;
}
