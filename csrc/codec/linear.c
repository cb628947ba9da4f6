#include <float.h>
#include <math.h>

#include "ladder.h"

/* Scaling is by powers of two, hence exact above the subnormal numbers; no function of libm is
 * called. */

#define EXPONENT_MIN (-16)
#define EXPONENT_MAX 15
#define MANTISSA11_MIN (-1024)
#define MANTISSA11_MAX 1023
#define MANTISSA16_MAX 65535

static double power_of_two(int32_t exponent) {
    uint32_t magnitude = (uint32_t)(exponent < 0 ? -exponent : exponent);
    double power = (double)(UINT32_C(1) << magnitude);
    return exponent < 0 ? 1.0 / power : power;
}

/** |scaled| <= 65535, so the truncating cast is defined. */
static int32_t round_scaled(double scaled, ns_rounding_t rounding) {
    int32_t whole = (int32_t)scaled;
    double rest = scaled - (double)whole; /* exact, same sign as scaled, magnitude < 1 */
    switch (rounding) {
    case NS_ROUND_DOWN:
        return rest < 0.0 ? whole - 1 : whole;
    case NS_ROUND_UP:
        return rest > 0.0 ? whole + 1 : whole;
    case NS_ROUND_NEAREST:
    default:
        if (rest >= 0.5) {
            return whole + 1;
        }
        return rest <= -0.5 ? whole - 1 : whole;
    }
}

double ns_linear11_decode(uint16_t raw) {
    int32_t exponent = raw >> 11;
    int32_t mantissa = raw & 0x7FF;
    if (exponent > EXPONENT_MAX) {
        exponent -= 32;
    }
    if (mantissa > MANTISSA11_MAX) {
        mantissa -= 2048;
    }
    return (double)mantissa * power_of_two(exponent);
}

/** Between the greatest word of the next finer exponent (1023, here 511.5) and the least one used
 * of this (512) lies one gap, on the positive side alone: -1024 is -512 here. */
static bool is_nearer_to_finer(double scaled, ns_rounding_t rounding) {
    if (!(scaled > 0.0 && scaled < 512.0)) {
        return false;
    }
    return rounding == NS_ROUND_DOWN || (rounding == NS_ROUND_NEAREST && scaled < 511.75);
}

ns_status_t ns_linear11_encode(double value, ns_rounding_t rounding, uint16_t *out_raw) {
    if (out_raw == NULL || !ns_rounding_is_known(rounding)) {
        return NS_E_ARG;
    }
    if (!isfinite(value)) {
        return NS_E_RANGE;
    }
    int32_t exponent = EXPONENT_MIN;
    double scaled = value * power_of_two(-EXPONENT_MIN);
    while (scaled > MANTISSA11_MAX || scaled < MANTISSA11_MIN) {
        if (exponent == EXPONENT_MAX) {
            return NS_E_RANGE;
        }
        exponent++;
        scaled *= 0.5;
    }
    int32_t mantissa = round_scaled(scaled, rounding); /* the bounds are whole: it stays inside */
    if (exponent > EXPONENT_MIN && is_nearer_to_finer(scaled, rounding)) {
        exponent--;
        mantissa = MANTISSA11_MAX;
    }
    *out_raw = (uint16_t)(((uint32_t)exponent & 0x1FU) << 11 | ((uint32_t)mantissa & 0x7FFU));
    return NS_OK;
}

ns_status_t ns_linear16_exponent(uint8_t vout_mode, int32_t *out_exponent) {
    if (out_exponent == NULL) {
        return NS_E_ARG;
    }
    if ((vout_mode & 0xE0U) != 0) {
        return NS_E_UNSUPPORTED;
    }
    int32_t exponent = vout_mode & 0x1F;
    *out_exponent = exponent > EXPONENT_MAX ? exponent - 32 : exponent;
    return NS_OK;
}

double ns_linear16_decode(uint16_t raw, int32_t exponent) {
    if (exponent < EXPONENT_MIN || exponent > EXPONENT_MAX) {
        return (double)NAN;
    }
    return (double)raw * power_of_two(exponent);
}

ns_status_t ns_linear16_encode(double value, int32_t exponent, ns_rounding_t rounding,
                               uint16_t *out_raw) {
    if (out_raw == NULL || exponent < EXPONENT_MIN || exponent > EXPONENT_MAX ||
        !ns_rounding_is_known(rounding)) {
        return NS_E_ARG;
    }
    double scaled = value * power_of_two(-exponent);
    if (!isfinite(value) || value < 0.0 || scaled > MANTISSA16_MAX) {
        return NS_E_RANGE;
    }
    if (value > 0.0 && scaled < DBL_MIN) {
        scaled = DBL_MIN; /* it may have vanished, and UP must still see that it is above 0 */
    }
    *out_raw = (uint16_t)round_scaled(scaled, rounding);
    return NS_OK;
}

bool ns_word_is_floating(uint16_t raw) {
    return raw == 0xFFFFU;
}
