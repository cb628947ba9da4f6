#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "nightside/kmsg.h"

#define UUID "GPU-f1648d72-c7c8-9814-2832-7a062b009188"

static ns_status_t parse(const char *record, ns_xid_report_t *out) {
    /* A block of its own size, so that the sanitizer sees a step beyond it. */
    size_t size = strlen(record);
    char *copy = malloc(size + 1);
    CHECK(copy != NULL);
    memcpy(copy, record, size);
    char *exact = realloc(copy, size > 0 ? size : 1);
    CHECK(exact != NULL);
    ns_status_t status = ns_kmsg_parse(exact, size, out);
    free(exact);
    return status;
}

static void xid_lines_of_every_known_shape_are_read(void) {
    static const struct {
        const char *text;
        uint32_t domain, bus, slot, xid;
    } rows[] = {
        {"NVRM: Xid (PCI:0000:41:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off "
         "the bus.",
         0, 0x41, 0, 79},
        {"NVRM: Xid (PCI:0000:41:00): 79, GPU has fallen off the bus.", 0, 0x41, 0, 79},
        {"NVRM: Xid (PCI:0000:41:00.0): 119, pid=1234, name=python3, Timeout after 6s of waiting",
         0, 0x41, 0, 119},
        {"NVRM: Xid (0000:03:00): 14, Channel 00000001", 0, 3, 0, 14},
        {"NVRM: Xid (PCI:0000:01:00 GPU-I:05): 94, pid=7194, Contained: CE User Channel (0x9).", 0,
         1, 0, 94},
        {"NVRM: Xid (PCI:0000:3b:00 GPU-I:01 GPU-CI:02): 13, pid=9, name=a, Graphics Exception", 0,
         0x3b, 0, 13},
        {"NVRM: Xid (PCI:0019:01:00): 149, NETIR Fatal XC0 i0 Link -1 (0x000fe406 0x00000000)",
         0x19, 1, 0, 149},
        {"NVRM: Xid (PCI:00000000:DC:1F): 154, GPU recovery action changed from 0x0 (None) to 0x1",
         0, 0xdc, 0x1f, 154},
        {"NVRM: Xid (PCI:0000:01:00): 62, 023f0f30 00000000 00000000 202c0ffe", 0, 1, 0, 62},
        {"  NVRM: Xid (PCI:0000:01:00): 48", 0, 1, 0, 48},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char record[512];
        ns_xid_report_t report;
        (void)snprintf(record, sizeof record, "3,%zu,77000000,-;%s\n", 1000 + i, rows[i].text);
        CHECK_STATUS(parse(record, &report), NS_OK);
        CHECK(report.sequence == 1000 + i && report.time_us == 77000000);
        CHECK(report.xid == rows[i].xid && report.is_inferred == 0 && report.has_address == 1);
        CHECK(report.domain == rows[i].domain && report.bus == rows[i].bus);
        CHECK(report.slot == rows[i].slot);
    }
}

static void a_loss_without_a_number_is_inferred(void) {
    static const char *const texts[] = {
        "NVRM: GPU 0000:03:00.0: GPU has fallen off the bus.",
        "NVRM: GPU at PCI:0000:03:00.0 has fallen off the bus.",
        "NVRM: The NVIDIA GPU 0000:03:00.0\\x0aNVRM: (PCI ID: 10de:26b5) installed in this system "
        "has\\x0aNVRM: fallen off the bus and is not responding to commands.",
        "NVRM: The NVIDIA GPU 0000:03:00.0 (PCI ID: 10de:1e07) installed in this system has fallen "
        "off the bus and is not responding to commands.",
        "NVRM: Xid (PCI:0000:03:00): GPU has fallen off the bus.",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char record[512];
        ns_xid_report_t report;
        (void)snprintf(record, sizeof record, "2,5,1,-;%s\n", texts[i]);
        CHECK_STATUS(parse(record, &report), NS_OK);
        CHECK(report.xid == NS_KMSG_XID_FALLEN && report.is_inferred == 1);
        CHECK(report.has_address == 1 && report.bus == 3 && report.domain == 0);
    }
    ns_xid_report_t report;
    CHECK_STATUS(
        parse("2,5,1,-;NVRM: fallen off the bus and is not responding to commands.\n", &report),
        NS_OK);
    CHECK(report.xid == NS_KMSG_XID_FALLEN && report.has_address == 0 && report.uuid[0] == '\0');
}

static void a_uuid_is_read_with_or_without_an_address(void) {
    ns_xid_report_t report;
    CHECK_STATUS(parse("2,5,1,-;NVRM: GPU at PCI:0000:01:00: " UUID "\n", &report), NS_OK);
    CHECK(report.xid == 0 && report.bus == 1 && strcmp(report.uuid, UUID) == 0);
    CHECK_STATUS(parse("2,5,1,-;NVRM: Xid (" UUID "): 31, pid=5\n", &report), NS_OK);
    CHECK(report.xid == 31 && report.has_address == 0 && strcmp(report.uuid, UUID) == 0);
    CHECK_STATUS(parse("2,5,1,-;NVRM: Xid (GPU-f1648d72-c7c8-9814-2832-7a06): 31\n", &report),
                 NS_OK);
    CHECK(report.xid == 31 && report.uuid[0] == '\0');
}

static void the_line_ends_at_its_end_and_keys_are_no_text(void) {
    ns_xid_report_t report;
    CHECK_STATUS(parse("6,12,99,-,caller=T77;NVRM: Xid (PCI:0000:41:00): 48, pid=1\n"
                       " SUBSYSTEM=pci\n DEVICE=+pci:0000:41:00.0\n",
                       &report),
                 NS_OK);
    CHECK(report.xid == 48 && report.sequence == 12 && report.time_us == 99);
    CHECK_STATUS(parse("6,12,99,-;usb 1-1: new device\n NVRM: Xid (PCI:0000:41:00): 48\n", &report),
                 NS_E_UNSUPPORTED);
    CHECK_STATUS(parse("6,12,99,c;NVRM: Xid (PCI:0000:41:00): 48", &report), NS_OK);
}

static void other_records_are_none_of_ours(void) {
    static const char *const records[] = {
        "6,1,1,-;usb 1-1: new high-speed USB device number 2\n",
        "6,1,1,-;\n",
        "6,1,1,-;NVRM: loading NVIDIA UNIX x86_64 Kernel Module  550.163.01\n",
        "6,1,1,-;nvidia-nvswitch3: SXid (PCI:0000:c1:00.0): 28006, Data {0x00140004}\n",
        "6,1,1,-;NVRM: Xid (somewhere)\n",
        "6,1,1,-;NVRM: Xid (somewhere): oops\n",
        "6,1,1,-;NVRM: Xid (\n",
        /* What a process wrote: facility 1 and above. */
        "12,1,1,-;NVRM: Xid (PCI:0000:41:00): 79, GPU has fallen off the bus.\n",
        "8,1,1,-;NVRM: Xid (PCI:0000:41:00): 79\n",
        /* Quoted by somebody else. */
        "6,1,1,-;systemd[1]: saw NVRM: Xid (PCI:0000:41:00): 79\n",
    };
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        ns_xid_report_t report = {.xid = 4711};
        CHECK_STATUS(parse(records[i], &report), NS_E_UNSUPPORTED);
        CHECK(report.xid == 4711);
    }
}

static void numbers_that_no_xid_has_are_out_of_range(void) {
    static const char *const numbers[] = {"0", "65536", "99999999999999999999999999"};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        char record[256];
        ns_xid_report_t report;
        (void)snprintf(record, sizeof record, "3,1,1,-;NVRM: Xid (PCI:0000:41:00): %s, pid=1\n",
                       numbers[i]);
        CHECK_STATUS(parse(record, &report), NS_E_RANGE);
    }
    ns_xid_report_t report;
    CHECK_STATUS(parse("3,1,1,-;NVRM: Xid (PCI:0000:41:00): 65535\n", &report), NS_OK);
    CHECK(report.xid == 65535);
}

static void what_is_no_record_is_a_protocol_error(void) {
    static const char *const records[] = {
        "",
        ";",
        "3",
        "3,",
        "3,1",
        "3,1,1",
        "3,1,1,-",
        "3,1,1,-\n",
        "a,1,1,-;NVRM: Xid (PCI:0000:41:00): 79\n",
        "-3,1,1,-;NVRM: Xid (PCI:0000:41:00): 79\n",
        "3,,1,-;NVRM: Xid (PCI:0000:41:00): 79\n",
        "3,1,18446744073709551616,-;NVRM: Xid (PCI:0000:41:00): 79\n",
        "3,1,9223372036854775808,-;NVRM: Xid (PCI:0000:41:00): 79\n",
        "NVRM: Xid (PCI:0000:41:00): 79\n",
    };
    for (size_t i = 0; i < sizeof records / sizeof records[0]; i++) {
        ns_xid_report_t report;
        CHECK_STATUS(parse(records[i], &report), NS_E_PROTOCOL);
    }
    ns_xid_report_t report;
    CHECK_STATUS(ns_kmsg_parse(NULL, 0, &report), NS_E_ARG);
    CHECK_STATUS(ns_kmsg_parse("3,1,1,-;x", 9, NULL), NS_E_ARG);
}

static void addresses_of_another_form_are_none(void) {
    static const char *const texts[] = {
        "000:41:00",   "0000:4:00",       "0000:41:0",     "0000:41:000",
        "0000:411:00", "000000000:41:00", "0000:41:00:01", "0000-41-00",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char record[256];
        ns_xid_report_t report;
        (void)snprintf(record, sizeof record, "3,1,1,-;NVRM: Xid (PCI:%s): 13\n", texts[i]);
        CHECK_STATUS(parse(record, &report), NS_OK);
        CHECK(report.xid == 13 && report.has_address == 0);
    }
}

static void every_cut_and_every_changed_byte_is_survived(void) {
    static const char record[] =
        "3,4471,3023054882,-;NVRM: Xid (PCI:0000:3b:00): 79, " UUID "\\x0a fallen off the bus\n";
    char changed[sizeof record];
    for (size_t size = 0; size < sizeof record - 1; size++) {
        memcpy(changed, record, sizeof record);
        changed[size] = '\0';
        ns_xid_report_t report;
        (void)parse(changed, &report);
        for (int value = 1; value < 256; value++) {
            memcpy(changed, record, sizeof record);
            changed[size] = (char)value;
            ns_status_t status = parse(changed, &report);
            CHECK(status != NS_OK || report.xid <= 65535);
            CHECK(status != NS_OK || memchr(report.uuid, '\0', sizeof report.uuid) != NULL);
        }
    }
}

static void a_long_line_is_cut_and_what_stands_first_is_read(void) {
    static char record[20000];
    ns_xid_report_t report;
    (void)snprintf(record, sizeof record, "3,1,1,-;NVRM: Xid (PCI:0000:41:00): 13, ");
    size_t length = strlen(record);
    memset(record + length, 'x', sizeof record - length);
    CHECK_STATUS(ns_kmsg_parse(record, sizeof record, &report), NS_OK);
    CHECK(report.xid == 13 && report.bus == 0x41);
    memset(record + 8, '\\', sizeof record - 8);
    CHECK_STATUS(ns_kmsg_parse(record, sizeof record, &report), NS_E_UNSUPPORTED);
    memset(record + 8, 0, sizeof record - 8);
    CHECK_STATUS(ns_kmsg_parse(record, sizeof record, &report), NS_E_UNSUPPORTED);
}

int main(void) {
    xid_lines_of_every_known_shape_are_read();
    a_loss_without_a_number_is_inferred();
    a_uuid_is_read_with_or_without_an_address();
    the_line_ends_at_its_end_and_keys_are_no_text();
    other_records_are_none_of_ours();
    numbers_that_no_xid_has_are_out_of_range();
    what_is_no_record_is_a_protocol_error();
    addresses_of_another_form_are_none();
    every_cut_and_every_changed_byte_is_survived();
    a_long_line_is_cut_and_what_stands_first_is_read();
    return 0;
}
