#include <assert.h>

#include "ladder.h"

/* Numerator and denominator are whole numbers in 64 bits, so the only rounding is that of the
 * conversions (none with 16-bit coefficients: below 2^53) and of the one division. */

#define R_MAX 9
#define WORD_MIN (-32768)
#define WORD_MAX 32767
#define WORD_COUNT 65536U

static const int64_t powers_of_ten[R_MAX + 1] = {1,      10,      100,      1000,      10000,
                                                 100000, 1000000, 10000000, 100000000, 1000000000};

static_assert(INT32_MAX < INT64_MAX / 1000000000 - WORD_MAX, "the numerator cannot overflow");

bool ns_direct_is_valid(const ns_direct_t *direct) {
    return direct != NULL && direct->m != 0 && direct->r >= -R_MAX && direct->r <= R_MAX;
}

static double value_of(const ns_direct_t *direct, int32_t word) {
    int64_t numerator = 0;
    int64_t denominator = direct->m;
    if (direct->r > 0) {
        int64_t power = powers_of_ten[direct->r];
        numerator = word - direct->b * power;
        denominator *= power;
    } else {
        numerator = word * powers_of_ten[-direct->r] - direct->b;
    }
    return (double)numerator / (double)denominator;
}

/** Rungs go by value: with a negative slope the greatest word is the lowest. */
static int32_t word_of(const ns_direct_t *direct, uint32_t rung) {
    return direct->m > 0 ? WORD_MIN + (int32_t)rung : WORD_MAX - (int32_t)rung;
}

static double value_at(const void *ctx, uint32_t rung) {
    const ns_direct_t *direct = ctx;
    return value_of(direct, word_of(direct, rung));
}

ns_status_t ns_direct_decode(const ns_direct_t *direct, uint16_t raw, double *out_value) {
    if (!ns_direct_is_valid(direct) || out_value == NULL) {
        return NS_E_ARG;
    }
    int32_t word = raw;
    *out_value = value_of(direct, word > WORD_MAX ? word - (int32_t)WORD_COUNT : word);
    return NS_OK;
}

ns_status_t ns_direct_encode(const ns_direct_t *direct, double value, ns_rounding_t rounding,
                             uint16_t *out_raw) {
    if (!ns_direct_is_valid(direct) || out_raw == NULL) {
        return NS_E_ARG;
    }
    ns_ladder_t ladder = {.at = value_at, .ctx = direct, .count = WORD_COUNT};
    uint32_t rung = 0;
    ns_status_t status = ns_ladder_find(&ladder, value, rounding, &rung);
    if (status == NS_OK) {
        *out_raw = (uint16_t)((uint32_t)word_of(direct, rung) & 0xFFFFU);
    }
    return status;
}
