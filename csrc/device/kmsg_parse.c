/**
 * @file kmsg_parse.c  One record of the kernel log: is it about an accelerator, and which Xid?
 *
 * Shapes seen in public reports, each begins with "NVRM: ":
 *   Xid (PCI:0000:41:00): 79, pid=..., name=..., text      also without pid
 *   Xid (PCI:0000:41:00.0): ...                            with the function
 *   Xid (0000:03:00): ...                                  old drivers
 *   Xid (PCI:0000:01:00 GPU-I:05 GPU-CI:02): ...           partitions
 *   GPU at PCI:0000:41:00: GPU-...                         a name, before the first Xid
 *   GPU 0000:03:00.0: GPU has fallen off the bus.
 *   The NVIDIA GPU 0000:b3:00.0 / (PCI ID: ...) installed in this system has / fallen off the bus
 *                                                          in one record, or in three
 */
#include "kmsg_parse.h"

#include <string.h>

#define KERNEL_FACILITY 0U
#define FACILITY_SHIFT 3U
#define XID_MAX 0xFFFFU
#define UUID_HEX_SIZE 36U
#define DOMAIN_DIGITS_MAX 8U

/** What is left of a text. */
typedef struct cursor {
    const char *at;
    const char *end;
} cursor_t;

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/** 0 to 15, or 16 when it is no hexadecimal digit. */
static uint32_t hex_of(char c) {
    if (is_digit(c)) {
        return (uint32_t)(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return (uint32_t)(c - 'a') + 10U;
    }
    return c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A') + 10U : 16U;
}

/** A decimal number and the character that must follow it; false when it does not fit. */
static bool take_number(cursor_t *text, char delimiter, uint64_t *out) {
    uint64_t number = 0;
    const char *start = text->at;
    while (text->at < text->end && is_digit(*text->at)) {
        uint64_t digit = (uint64_t)(*text->at - '0');
        if (number > (UINT64_MAX - digit) / 10U) {
            return false;
        }
        number = number * 10U + digit;
        text->at++;
    }
    if (text->at == start || text->at == text->end || *text->at != delimiter) {
        return false;
    }
    text->at++;
    *out = number;
    return true;
}

/** The kernel writes what is not printable, and the backslash, as "\xNN". */
static char unescape(cursor_t *text) {
    char c = *text->at++;
    if (c == '\\' && text->end - text->at >= 3 && text->at[0] == 'x' && hex_of(text->at[1]) < 16U &&
        hex_of(text->at[2]) < 16U) {
        c = (char)(hex_of(text->at[1]) << 4U | hex_of(text->at[2]));
        text->at += 3;
    }
    return c >= ' ' && c <= '~' ? c : ' '; /* a line feed inside a record is a space to us */
}

ns_status_t ns_kmsg_split(const char *record, size_t size, ns_kmsg_record_t *out) {
    cursor_t text = {record, record + size};
    uint64_t priority = 0;
    uint64_t sequence = 0;
    uint64_t time_us = 0;
    if (!take_number(&text, ',', &priority) || !take_number(&text, ',', &sequence) ||
        !take_number(&text, ',', &time_us) || time_us > (uint64_t)INT64_MAX) {
        return NS_E_PROTOCOL;
    }
    while (text.at < text.end && *text.at != ';' && *text.at != '\n') {
        text.at++; /* flags, and what later kernels add */
    }
    if (text.at == text.end || *text.at != ';') {
        return NS_E_PROTOCOL;
    }
    text.at++;
    const char *line_end = memchr(text.at, '\n', (size_t)(text.end - text.at));
    text.end = line_end != NULL ? line_end : text.end; /* then come " KEY=value" lines */
    out->sequence = sequence;
    out->time_us = (int64_t)time_us;
    out->is_kernel = priority >> FACILITY_SHIFT == KERNEL_FACILITY;
    out->text_size = 0;
    while (text.at < text.end && out->text_size < sizeof out->text - 1) {
        out->text[out->text_size++] = unescape(&text);
    }
    out->text[out->text_size] = '\0';
    return NS_OK;
}

/** Hexadecimal digits, min to max of them, and no further one; NULL: not there. */
static const char *take_hex(const char *at, uint32_t digits_min, uint32_t digits_max,
                            uint32_t *out) {
    uint32_t count = 0;
    uint32_t number = 0;
    while (count <= digits_max && hex_of(at[count]) < 16U) {
        number = number << 4U | hex_of(at[count]);
        count++;
    }
    if (count < digits_min || count > digits_max) {
        return NULL;
    }
    *out = number;
    return at + count;
}

/** "0000:41:00", the function after it not needed. */
static bool address_at(const char *at, ns_xid_report_t *out) {
    uint32_t domain = 0;
    uint32_t bus = 0;
    uint32_t slot = 0;
    at = take_hex(at, 4, DOMAIN_DIGITS_MAX, &domain);
    if (at == NULL || *at != ':') {
        return false;
    }
    at = take_hex(at + 1, 2, 2, &bus);
    if (at == NULL || *at != ':') {
        return false;
    }
    at = take_hex(at + 1, 2, 2, &slot);
    if (at == NULL || (*at == ':' && hex_of(at[1]) < 16U)) { /* something longer */
        return false;
    }
    out->has_address = 1;
    out->domain = domain;
    out->bus = bus;
    out->slot = slot;
    return true;
}

bool ns_kmsg_find_address(const char *text, ns_xid_report_t *out) {
    bool is_inside = false; /* an address begins where no hexadecimal digit stands before it */
    for (const char *at = text; *at != '\0'; at++) {
        if (!is_inside && address_at(at, out)) {
            return true;
        }
        is_inside = hex_of(*at) < 16U;
    }
    return false;
}

static bool uuid_at(const char *at) {
    for (uint32_t i = 0; i < UUID_HEX_SIZE; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (is_dash ? at[i] != '-' : hex_of(at[i]) > 15U) {
            return false;
        }
    }
    return true;
}

bool ns_kmsg_find_uuid(const char *text, char *out) {
    for (const char *at = strstr(text, "GPU-"); at != NULL; at = strstr(at + 4, "GPU-")) {
        if (uuid_at(at + 4)) {
            memcpy(out, at, NS_KMSG_UUID_SIZE - 1);
            out[NS_KMSG_UUID_SIZE - 1] = '\0';
            return true;
        }
    }
    return false;
}

/** The number in "Xid (...): number"; UINT64_MAX when the text goes on in another way. */
static uint64_t xid_number(const char *text, size_t size) {
    const char *at = memchr(text, ')', size);
    if (at == NULL) {
        return UINT64_MAX;
    }
    at += strspn(at, "): ");
    uint64_t number = 0;
    if (!is_digit(*at)) {
        return UINT64_MAX;
    }
    while (is_digit(*at) && number <= XID_MAX) {
        number = number * 10U + (uint64_t)(*at++ - '0');
    }
    return number;
}

ns_status_t ns_kmsg_interpret(const ns_kmsg_record_t *record, ns_xid_report_t *out) {
    static const char xid_start[] = "NVRM: Xid (";
    const char *text = record->text + strspn(record->text, " ");
    if (!record->is_kernel || strncmp(text, "NVRM:", 5) != 0) {
        return NS_E_UNSUPPORTED;
    }
    ns_xid_report_t report = {.sequence = record->sequence, .time_us = record->time_us};
    bool has_name = ns_kmsg_find_address(text, &report);
    has_name = ns_kmsg_find_uuid(text, report.uuid) || has_name;
    if (strncmp(text, xid_start, sizeof xid_start - 1) == 0) {
        uint64_t number = xid_number(text, strlen(text));
        if (number == 0 || (number > XID_MAX && number != UINT64_MAX)) {
            return NS_E_RANGE;
        }
        report.xid = number == UINT64_MAX ? 0U : (uint32_t)number;
    }
    if (report.xid == 0 && strstr(text, "fallen off the bus") != NULL) {
        report.xid = NS_KMSG_XID_FALLEN;
        report.is_inferred = 1;
    }
    if (report.xid == 0 && !has_name) {
        return NS_E_UNSUPPORTED;
    }
    *out = report;
    return NS_OK;
}

ns_status_t ns_kmsg_parse(const char *record, size_t size, ns_xid_report_t *out) {
    if (record == NULL || out == NULL) {
        return NS_E_ARG;
    }
    ns_kmsg_record_t parts;
    ns_status_t status = ns_kmsg_split(record, size, &parts);
    return status != NS_OK ? status : ns_kmsg_interpret(&parts, out);
}
