/**
 * @file xid_filter.h
 * @brief One Xid seen by two sources is one Xid: pairs NVML events with lines of the kernel log.
 */
#ifndef NIGHTSIDE_XID_FILTER_H
#define NIGHTSIDE_XID_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* cffi: begin */
/** Sizes and times of the filter. */
enum ns_xid_filter_limits {
    NS_XID_FILTER_ENTRIES = 16,    /**< reports that wait for their other half */
    NS_XID_FILTER_WINDOW_MS = 5000 /**< assumed: two reports further apart are two Xids */
};

/** Who saw an Xid. Also the bits of a report's sources. */
typedef enum ns_xid_source {
    NS_XID_FROM_NVML = 1,
    NS_XID_FROM_LOG = 2, /**< a line of the kernel log with a number */
    NS_XID_FROM_TEXT = 4 /**< a line without one: its number is inferred */
} ns_xid_source_t;

/** One report; `time_ns` is that of its first source. */
typedef struct ns_xid_filter_entry {
    uint32_t device;
    uint32_t xid;
    uint32_t sources; /**< 0: free */
    uint32_t reserved;
    int64_t time_ns;
} ns_xid_filter_entry_t;

/** Memory of the filter, the caller's; all zero is an empty one. Single thread. */
typedef struct ns_xid_filter {
    ns_xid_filter_entry_t entries[16];
    uint32_t next;
    uint32_t reserved;
} ns_xid_filter_t;

/**
 * @brief Is this report a new Xid, or one that another source reported already?
 *
 * Keyed by device and Xid. The same source twice is two Xids, and each of them waits for its other
 * half; a line without a number never adds a second one inside the window.
 * @param[in] now_ns monotonic
 * @return true: new, whichever source came first; false: a duplicate, or self is NULL
 */
bool ns_xid_filter_admit(ns_xid_filter_t *self, ns_xid_source_t source, uint32_t device,
                         uint32_t xid, int64_t now_ns);
/* cffi: end */

#ifdef __cplusplus
}
#endif
#endif
