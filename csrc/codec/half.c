#include "ladder.h"

#define SIGN 0x8000U
#define MAGNITUDE_MAX 0x7BFFU /* 65504; above: infinity and NaN */
#define EXPONENT_SHIFT 10
#define FRACTION_MASK 0x3FFU
#define IMPLICIT_ONE 0x400U

/** |value| in units of 2^-24, the smallest subnormal number: whole, below 2^40. */
static double value_of_magnitude(uint32_t magnitude) {
    uint32_t exponent = magnitude >> EXPONENT_SHIFT;
    uint64_t fraction = magnitude & FRACTION_MASK;
    if (exponent > 0) {
        fraction = (fraction | IMPLICIT_ONE) << (exponent - 1);
    }
    return (double)fraction * 0x1p-24;
}

/** Rungs from -65504 over 0 to 65504. */
static uint32_t word_of(uint32_t rung) {
    return rung < MAGNITUDE_MAX ? (MAGNITUDE_MAX - rung) | SIGN : rung - MAGNITUDE_MAX;
}

static double value_of(uint32_t raw) {
    double magnitude = value_of_magnitude(raw & ~SIGN);
    return (raw & SIGN) != 0 ? -magnitude : magnitude;
}

static double value_at(const void *ctx, uint32_t rung) {
    (void)ctx;
    return value_of(word_of(rung));
}

ns_status_t ns_half_decode(uint16_t raw, double *out_value) {
    if (out_value == NULL) {
        return NS_E_ARG;
    }
    if ((raw & ~SIGN) > MAGNITUDE_MAX) {
        return NS_E_RANGE;
    }
    *out_value = value_of(raw);
    return NS_OK;
}

ns_status_t ns_half_encode(double value, ns_rounding_t rounding, uint16_t *out_raw) {
    if (out_raw == NULL) {
        return NS_E_ARG;
    }
    ns_ladder_t ladder = {.at = value_at, .ctx = NULL, .count = 2 * MAGNITUDE_MAX + 1};
    uint32_t rung = 0;
    ns_status_t status = ns_ladder_find(&ladder, value, rounding, &rung);
    if (status == NS_OK) {
        *out_raw = (uint16_t)word_of(rung);
    }
    return status;
}
