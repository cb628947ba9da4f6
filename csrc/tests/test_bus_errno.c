#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "bus/errno_map.h"
#include "check.h"

/** The words of a table row of the page: `| `EIO` | `NS_E_IO` | `NS_E_IO` | ... |`. */
typedef struct page_row {
    char name[32], in_transfer[32], at_open[32], of_file[32];
} page_row_t;

static bool read_row(FILE *page, page_row_t *out) {
    char line[512];
    while (fgets(line, sizeof line, page) != NULL) {
        if (sscanf(line, "| `%31[A-Z0-9]` | `%31[A-Z_]` | `%31[A-Z_]` | `%31[A-Z_]` |", out->name,
                   out->in_transfer, out->at_open, out->of_file) == 4) {
            return true;
        }
    }
    return false;
}

static void the_page_shows_the_table(void) {
    FILE *page = fopen(BUSES_PAGE, "r");
    CHECK(page != NULL);
    size_t count = 0;
    const ns_errno_row_t *rows = ns_errno_rows(&count);
    CHECK(count > 20);
    page_row_t row;
    for (size_t i = 0; i < count; i++) {
        CHECK(read_row(page, &row));
        CHECK(strcmp(row.name, rows[i].name) == 0);
        CHECK(strcmp(row.in_transfer, ns_status_name(rows[i].in_transfer)) == 0);
        CHECK(strcmp(row.at_open, ns_status_name(rows[i].at_open)) == 0);
        CHECK(strcmp(row.of_file, ns_status_name(rows[i].of_file)) == 0);
    }
    CHECK(!read_row(page, &row));
    (void)fclose(page);
}

static void every_row_is_found_by_its_number(void) {
    size_t count = 0;
    const ns_errno_row_t *rows = ns_errno_rows(&count);
    for (size_t i = 0; i < count; i++) {
        CHECK_STATUS(ns_errno_in_transfer(rows[i].number), rows[i].in_transfer);
        CHECK_STATUS(ns_errno_at_open(rows[i].number), rows[i].at_open);
        CHECK_STATUS(ns_errno_of_file(rows[i].number), rows[i].of_file);
    }
}

/* Documentation/i2c/fault-codes.rst of the Linux kernel. */
static void the_kernels_fault_codes_of_i2c_are_told_apart(void) {
    static const struct {
        int number;
        ns_status_t status;
    } faults[] = {
        {ENXIO, NS_E_NACK},       {EAGAIN, NS_E_BUSY},
        {EBUSY, NS_E_TIMEOUT},    {EBADMSG, NS_E_PEC},
        {EPROTO, NS_E_PROTOCOL},  {ETIMEDOUT, NS_E_TIMEOUT},
        {ESHUTDOWN, NS_E_ABSENT}, {EOPNOTSUPP, NS_E_UNSUPPORTED},
        {ENODEV, NS_E_ABSENT},    {EIO, NS_E_IO},
        {EINVAL, NS_E_ARG},       {EREMOTEIO, NS_E_NACK},
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        CHECK_STATUS(ns_errno_in_transfer(faults[i].number), faults[i].status);
    }
}

/* Documentation/hwmon/sysfs-interface.rst and the drivers behind it. */
static void a_device_file_says_what_is_wrong_with_a_value_or_its_device(void) {
    static const struct {
        int number;
        ns_status_t status;
    } rows[] = {{ENODEV, NS_E_ABSENT}, {ENXIO, NS_E_ABSENT},      {EINVAL, NS_E_RANGE},
                {EBUSY, NS_E_BUSY},    {ENODATA, NS_E_STALE},     {EROFS, NS_E_REFUSED},
                {EBADF, NS_E_REFUSED}, {ENOTTY, NS_E_UNSUPPORTED}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_STATUS(ns_errno_of_file(rows[i].number), rows[i].status);
    }
}

static void what_the_table_does_not_name_is_io(void) {
    CHECK_STATUS(ns_errno_in_transfer(ENOMEM), NS_E_IO);
    CHECK_STATUS(ns_errno_at_open(EMFILE), NS_E_IO);
    CHECK_STATUS(ns_errno_in_transfer(0), NS_E_IO);
    CHECK_STATUS(ns_errno_of_file(ENOMEM), NS_E_IO);
    CHECK_STATUS(ns_errno_at_open(-1), NS_E_IO);
}

int main(void) {
    the_page_shows_the_table();
    every_row_is_found_by_its_number();
    the_kernels_fault_codes_of_i2c_are_told_apart();
    a_device_file_says_what_is_wrong_with_a_value_or_its_device();
    what_the_table_does_not_name_is_io();
    return 0;
}
