/**
 * @file kmsg.h
 * @brief Device class `kmsg`: Xids from the kernel log, which has some that NVML never delivers.
 *
 * Records come from /dev/kmsg, one per read, in the kernel's form (Documentation/ABI/testing/
 * dev-kmsg): "priority,sequence,microseconds,flags[,more];text\n KEY=value\n". The text is not
 * trusted: it is bounded, and what a process wrote into the log is told from the kernel's own words
 * by its facility.
 */
#ifndef NIGHTSIDE_KMSG_H
#define NIGHTSIDE_KMSG_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "nightside/device.h"
#include "nightside/xid_filter.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Ops of a reader opened with ns_kmsg_open; its context is the ns_kmsg_t. */
extern const ns_device_ops_t ns_kmsg_ops;

/* cffi: begin */
/** Sizes of the class. */
enum ns_kmsg_limits {
    NS_KMSG_DEVICES_MAX = 8,
    NS_KMSG_RECORD_SIZE = 8192,  /**< the kernel's longest record with its prefix */
    NS_KMSG_RECORDS_MAX = 64,    /**< assumed: records taken by one begin */
    NS_KMSG_XIDS_KEPT = 8,       /**< the last Xids of all accelerators, for the evidence */
    NS_KMSG_UUID_SIZE = 41,      /**< "GPU-" and 36 characters, NUL included */
    NS_KMSG_MEMORY_SIZE = 11264, /**< bytes of ns_kmsg_t */
    NS_KMSG_XID_FALLEN = 79      /**< what "fallen off the bus" without a number stands for */
};

/** Channels: two per accelerator in the order of ns_kmsg_open, then those of the log itself. */
typedef enum ns_kmsg_channel {
    NS_KMSG_XID = 0,               /**< + 2 * accelerator: last Xid, 0 none or cleared */
    NS_KMSG_XID_COUNT = 1,         /**< + 2 * accelerator: Xids since open */
    NS_KMSG_LOST_COUNT = 16,       /**< records overwritten before they were read, or too long */
    NS_KMSG_UNASSIGNED_COUNT = 17, /**< Xids of no accelerator that is known here */
    NS_KMSG_CHANNEL_COUNT = 18
} ns_kmsg_channel_t;

/** Items of the evidence, as in ns_nvml_evidence_tag_t, in the order XID, EARLIER, DROPPED, TEXT.
 */
typedef enum ns_kmsg_evidence_tag {
    /** the last Xid: accelerator (1), source (1), Xid (2), sequence (8), time us (8) */
    NS_KMSG_EVIDENCE_XID = 1,
    NS_KMSG_EVIDENCE_TEXT = 2, /**< its line, as far as there is room */
    /** those before it, newest first, at most NS_KMSG_XIDS_KEPT - 1, captured before or not:
     *  accelerator (1), source (1), Xid (2), ms before the last one (4) */
    NS_KMSG_EVIDENCE_EARLIER = 3,
    /** how many since opening were pushed out by newer ones before they were captured (4); left
     *  out when none was */
    NS_KMSG_EVIDENCE_DROPPED = 4
} ns_kmsg_evidence_tag_t;

/** What one record says about an accelerator. */
typedef struct ns_xid_report {
    uint64_t sequence;
    int64_t time_us; /**< the kernel's clock, since boot */
    uint32_t xid;    /**< 0: the line only names the accelerator that the next ones are about */
    uint32_t is_inferred; /**< 1: "fallen off the bus" without a number */
    uint32_t has_address; /**< 1: the next three are valid */
    uint32_t domain;
    uint32_t bus;
    uint32_t slot;
    char uuid[41]; /**< "GPU-...", or empty */
} ns_xid_report_t;

/**
 * @brief Read one record of the kernel log.
 * @param[in]  record size bytes, not NUL-terminated
 * @param[out] out    untouched unless NS_OK
 * @retval NS_OK            an Xid, a loss without a number, or a line that names an accelerator
 * @retval NS_E_UNSUPPORTED a record about something else, or not the kernel's own
 * @retval NS_E_PROTOCOL    not a record
 * @retval NS_E_RANGE       an Xid that cannot be (0, or more than 65535)
 * @retval NS_E_ARG         NULL
 */
ns_status_t ns_kmsg_parse(const char *record, size_t size, ns_xid_report_t *out);

/** An accelerator whose lines are wanted. */
typedef struct ns_kmsg_device {
    const char *pci_bus_id; /**< "00000000:41:00.0" or shorter */
    const char *uuid;       /**< "GPU-..."; may be NULL */
} ns_kmsg_device_t;

/** Memory of one reader, the caller's; opaque. */
typedef struct ns_kmsg {
    uint64_t words[1408];
} ns_kmsg_t;
/* cffi: end */

/** How records are read: as read(2), errno included. */
typedef ssize_t (*ns_kmsg_read_fn)(int descriptor, void *buffer, size_t size);

/* cffi: begin */
/**
 * @brief Open a reader on a descriptor that stays the caller's.
 * @param[in] descriptor of /dev/kmsg, O_RDONLY | O_NONBLOCK, at the record to start with: seek to
 *                       the end (SEEK_END) for new ones only
 * @param[in] devices    device_count of them, 1 .. NS_KMSG_DEVICES_MAX, copied
 * @param[in] filter     shared with the accelerators' ns_nvml_t, where device n is number n;
 *                       outlives the reader. NULL: the reader has one of its own
 * @retval NS_OK
 * @retval NS_E_ARG NULL, a negative descriptor, a count out of range, or an address or UUID of
 *                  another form
 *
 * The ops. `begin` takes at most NS_KMSG_RECORDS_MAX records and never waits.
 * @retval NS_E_ABSENT      end of file: there is no log any more
 * @retval NS_E_REFUSED     no permission
 * @retval NS_E_IO          anything else the descriptor says
 * `write` is NS_E_UNSUPPORTED. NS_REQUEST_CLEAR sets the last Xids to 0; other requests are
 * NS_E_UNSUPPORTED. The alarm changes with every Xid counted.
 */
ns_status_t ns_kmsg_open(ns_kmsg_t *self, int descriptor, const ns_kmsg_device_t *devices,
                         uint32_t device_count, ns_xid_filter_t *filter);
/* cffi: end */

/** @brief Read records by another function than read(2): for tests. NULL: read(2). */
void ns_kmsg_set_read(ns_kmsg_t *self, ns_kmsg_read_fn function);

#ifdef __cplusplus
}
#endif
#endif
