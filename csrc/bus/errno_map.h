/**
 * @file errno_map.h
 * @brief The one table from errno to status, for everything that asks the operating system.
 */
#ifndef NIGHTSIDE_BUS_ERRNO_MAP_H
#define NIGHTSIDE_BUS_ERRNO_MAP_H

#include <stddef.h>

#include "nightside/status.h"

/** A row: what an errno means while bytes are moved, while something is opened or claimed, and
 *  while a file of a kernel driver is read, written or controlled. */
typedef struct ns_errno_row {
    const char *name; /**< "ENXIO" */
    int number;
    ns_status_t in_transfer;
    ns_status_t at_open;
    ns_status_t of_file;
} ns_errno_row_t;

/** The table, which docs/reference/buses.md repeats; *out_count rows. */
const ns_errno_row_t *ns_errno_rows(size_t *out_count);

/** Status of a transfer that failed with `number`; NS_E_IO for what the table does not name. */
ns_status_t ns_errno_in_transfer(int number);

/** Status of an opening or claim that failed; NS_E_IO for what the table does not name. */
ns_status_t ns_errno_at_open(int number);

/** Status of a failed access to a file of a kernel driver (hwmon, watchdog); NS_E_IO for what the
 *  table does not name. EBADF is a file that was opened for reading only. */
ns_status_t ns_errno_of_file(int number);

#endif
