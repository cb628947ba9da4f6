/**
 * @file check.h
 * @brief The one assertion of the C tests: the first that fails ends the program with its text.
 */
#ifndef NIGHTSIDE_TEST_CHECK_H
#define NIGHTSIDE_TEST_CHECK_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "nightside/status.h"

#define CHECK(claim)                                                                               \
    do {                                                                                           \
        if (!(claim)) {                                                                            \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #claim);                      \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#define CHECK_STATUS(call, expected)                                                               \
    do {                                                                                           \
        ns_status_t check_status_ = (call);                                                        \
        if (check_status_ != (expected)) {                                                         \
            (void)fprintf(stderr, "%s:%d: %s is %s\n", __FILE__, __LINE__, #call,                  \
                          ns_status_name(check_status_));                                          \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/** Relative 1e-6: the vectors are printed with six digits. */
#define CHECK_NEAR(value, expected)                                                                \
    do {                                                                                           \
        double check_value_ = (value);                                                             \
        double check_expected_ = (expected);                                                       \
        if (!(fabs(check_value_ - check_expected_) <= 1e-6 * (1.0 + fabs(check_expected_)))) {     \
            (void)fprintf(stderr, "%s:%d: %s is %.17g\n", __FILE__, __LINE__, #value,              \
                          check_value_);                                                           \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

/** Bit for bit the same number. */
#define CHECK_EXACT(value, expected) CHECK((value) >= (expected) && (value) <= (expected))

#endif
