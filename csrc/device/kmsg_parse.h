/**
 * @file kmsg_parse.h
 * @brief Pieces of the parser that the reader uses too. Private to csrc/device.
 */
#ifndef NIGHTSIDE_KMSG_PARSE_H
#define NIGHTSIDE_KMSG_PARSE_H

#include <stdbool.h>

#include "nightside/kmsg.h"

#define NS_KMSG_TEXT_SIZE 512U /* assumed: what names device and Xid stands before that */

/** A record taken apart; the text is unescaped, printable, and ends in NUL. */
typedef struct ns_kmsg_record {
    uint64_t sequence;
    int64_t time_us;
    bool is_kernel; /**< the kernel's own words, not a process's */
    size_t text_size;
    char text[NS_KMSG_TEXT_SIZE];
} ns_kmsg_record_t;

/** @brief Take a record apart. @retval NS_E_PROTOCOL not a record */
ns_status_t ns_kmsg_split(const char *record, size_t size, ns_kmsg_record_t *out);

/** @brief What a record's text says; returns as ns_kmsg_parse does. */
ns_status_t ns_kmsg_interpret(const ns_kmsg_record_t *record, ns_xid_report_t *out);

/** @brief Find the first PCI address in a text. @return false: there is none */
bool ns_kmsg_find_address(const char *text, ns_xid_report_t *out);

/** @brief Find the first UUID of an accelerator in a text. @return false: there is none */
bool ns_kmsg_find_uuid(const char *text, char *out);

#endif
