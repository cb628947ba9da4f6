#include "errno_map.h"

#include <errno.h>

#define ROW(code, transfer, open, file) {#code, code, transfer, open, file}

/* Meanings on an I2C bus: Documentation/i2c/fault-codes.rst of the Linux kernel. EAGAIN and EBUSY
 * are why there are columns: arbitration lost against a lock that is held; a bus that hangs, which
 * recovery frees, against an address or a line that belongs to somebody else. A file of a kernel
 * driver (hwmon, watchdog) says EINVAL to a value and EBUSY for a moment. */
static const ns_errno_row_t rows[] = {
    ROW(EACCES, NS_E_REFUSED, NS_E_REFUSED, NS_E_REFUSED),
    ROW(EADDRNOTAVAIL, NS_E_ABSENT, NS_E_ABSENT, NS_E_ABSENT),
    ROW(EAGAIN, NS_E_BUSY, NS_E_REFUSED, NS_E_BUSY),
    ROW(EBADF, NS_E_ARG, NS_E_ARG, NS_E_REFUSED),
    ROW(EBADMSG, NS_E_PEC, NS_E_IO, NS_E_IO),
    ROW(EBUSY, NS_E_TIMEOUT, NS_E_REFUSED, NS_E_BUSY),
    ROW(ECONNABORTED, NS_E_ABSENT, NS_E_ABSENT, NS_E_ABSENT),
    ROW(ECONNREFUSED, NS_E_ABSENT, NS_E_ABSENT, NS_E_ABSENT),
    ROW(ECONNRESET, NS_E_ABSENT, NS_E_ABSENT, NS_E_ABSENT),
    ROW(EFAULT, NS_E_ARG, NS_E_ARG, NS_E_ARG),
    ROW(EHOSTUNREACH, NS_E_ABSENT, NS_E_ABSENT, NS_E_ABSENT),
    ROW(EINTR, NS_E_IO, NS_E_IO, NS_E_IO),
    ROW(EINVAL, NS_E_ARG, NS_E_ARG, NS_E_RANGE),
    ROW(EIO, NS_E_IO, NS_E_IO, NS_E_IO),
    ROW(ENETUNREACH, NS_E_ABSENT, NS_E_ABSENT, NS_E_ABSENT),
    ROW(ENODATA, NS_E_STALE, NS_E_IO, NS_E_STALE),
    ROW(ENODEV, NS_E_ABSENT, NS_E_ABSENT, NS_E_ABSENT),
    ROW(ENOENT, NS_E_ABSENT, NS_E_ABSENT, NS_E_ABSENT),
    ROW(ENOSYS, NS_E_UNSUPPORTED, NS_E_UNSUPPORTED, NS_E_UNSUPPORTED),
    ROW(ENOTCONN, NS_E_ABSENT, NS_E_ABSENT, NS_E_ABSENT),
    ROW(ENOTTY, NS_E_UNSUPPORTED, NS_E_UNSUPPORTED, NS_E_UNSUPPORTED),
    ROW(ENXIO, NS_E_NACK, NS_E_ABSENT, NS_E_ABSENT),
    ROW(EOPNOTSUPP, NS_E_UNSUPPORTED, NS_E_UNSUPPORTED, NS_E_UNSUPPORTED),
    ROW(EPERM, NS_E_REFUSED, NS_E_REFUSED, NS_E_REFUSED),
    ROW(EPIPE, NS_E_ABSENT, NS_E_ABSENT, NS_E_ABSENT),
    ROW(EPROTO, NS_E_PROTOCOL, NS_E_IO, NS_E_PROTOCOL),
    ROW(ERANGE, NS_E_RANGE, NS_E_ARG, NS_E_RANGE),
    ROW(EREMOTEIO, NS_E_NACK, NS_E_ABSENT, NS_E_NACK),
    ROW(EROFS, NS_E_REFUSED, NS_E_REFUSED, NS_E_REFUSED),
    ROW(ESHUTDOWN, NS_E_ABSENT, NS_E_ABSENT, NS_E_ABSENT),
    ROW(ETIMEDOUT, NS_E_TIMEOUT, NS_E_TIMEOUT, NS_E_TIMEOUT),
};

#undef ROW

static const ns_errno_row_t *row_of(int number) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].number == number) {
            return &rows[i];
        }
    }
    return NULL;
}

const ns_errno_row_t *ns_errno_rows(size_t *out_count) {
    *out_count = sizeof rows / sizeof rows[0];
    return rows;
}

ns_status_t ns_errno_in_transfer(int number) {
    const ns_errno_row_t *row = row_of(number);
    return row != NULL ? row->in_transfer : NS_E_IO;
}

ns_status_t ns_errno_at_open(int number) {
    const ns_errno_row_t *row = row_of(number);
    return row != NULL ? row->at_open : NS_E_IO;
}

ns_status_t ns_errno_of_file(int number) {
    const ns_errno_row_t *row = row_of(number);
    return row != NULL ? row->of_file : NS_E_IO;
}
