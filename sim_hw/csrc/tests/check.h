/**
 * @file check.h
 * @brief The smallest test harness: a failed check names itself and ends the test with 1.
 */
#ifndef NIGHTSIDE_SIM_CHECK_H
#define NIGHTSIDE_SIM_CHECK_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define CHECK(claim)                                                                               \
    do {                                                                                           \
        if (!(claim)) {                                                                            \
            fprintf(stderr, "%s:%d: %s: not so: %s\n", __FILE__, __LINE__, __func__, #claim);      \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#define CHECK_NEAR(value, expected, tolerance) CHECK(fabs((value) - (expected)) <= (tolerance))

#endif
