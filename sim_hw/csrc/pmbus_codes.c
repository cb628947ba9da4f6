/** @file pmbus_codes.c */
#include "pmbus_codes.h"

#include <math.h>

#define EXPONENT_MIN (-16)
#define EXPONENT_MAX 15
#define MANTISSA_MIN (-1024.0)
#define MANTISSA_MAX 1023.0
#define POWERS_OF_TEN 12

/* What four bits shifted out of the register add to it: x^8 + x^2 + x + 1 times 0 .. 15. */
static const uint8_t pec_of_nibble[16] = {0x00, 0x07, 0x0E, 0x09, 0x1C, 0x1B, 0x12, 0x15,
                                          0x38, 0x3F, 0x36, 0x31, 0x24, 0x23, 0x2A, 0x2D};

static const double power_of_ten[POWERS_OF_TEN] = {1e0, 1e1, 1e2, 1e3, 1e4,  1e5,
                                                   1e6, 1e7, 1e8, 1e9, 1e10, 1e11};

uint8_t sim_pec_update(uint8_t crc, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        crc = (uint8_t)(((unsigned)crc << 4) ^ pec_of_nibble[crc >> 4]);
        crc = (uint8_t)(((unsigned)crc << 4) ^ pec_of_nibble[crc >> 4]);
    }
    return crc;
}

static int signed_exponent(unsigned five_bits) {
    return five_bits > EXPONENT_MAX ? (int)five_bits - 32 : (int)five_bits;
}

uint16_t sim_linear11_from(double value) {
    if (isnan(value)) {
        value = 0.0;
    }
    int exponent = 0;
    (void)frexp(value, &exponent); /* |value| < 2^exponent */
    exponent = exponent < EXPONENT_MIN + 10 ? EXPONENT_MIN : exponent - 10;
    for (; exponent <= EXPONENT_MAX; exponent++) { /* a second turn when rounding overflows */
        double mantissa = floor(ldexp(value, -exponent) + 0.5);
        if (mantissa >= MANTISSA_MIN && mantissa <= MANTISSA_MAX) {
            unsigned bits = ((unsigned)exponent & 0x1Fu) << 11;
            return (uint16_t)(bits | ((unsigned)(int)mantissa & 0x7FFu));
        }
    }
    return value > 0.0 ? 0x7BFFu : 0x7C00u;
}

double sim_linear11_value(uint16_t raw) {
    int mantissa = raw & 0x7FF;
    mantissa = mantissa > (int)MANTISSA_MAX ? mantissa - 2048 : mantissa;
    return ldexp((double)mantissa, signed_exponent((unsigned)raw >> 11));
}

uint16_t sim_linear16_from(double value, uint8_t vout_mode) {
    double mantissa = floor(ldexp(value, -signed_exponent(vout_mode & 0x1Fu)) + 0.5);
    if (!(mantissa > 0.0)) {
        return 0;
    }
    return mantissa >= 65535.0 ? (uint16_t)0xFFFFu : (uint16_t)mantissa;
}

double sim_linear16_value(uint16_t raw, uint8_t vout_mode) {
    return ldexp((double)raw, signed_exponent(vout_mode & 0x1Fu));
}

/* Exact for every exponent in use; a power beyond the table is a mistake in a model's table. */
static double scaled(double value, int exponent) {
    size_t size = (size_t)(exponent < 0 ? -exponent : exponent);
    double power = power_of_ten[size < POWERS_OF_TEN ? size : POWERS_OF_TEN - 1];
    return exponent < 0 ? value / power : value * power;
}

uint16_t sim_direct_from(double value, const sim_coefficients_t *coefficients, int low, int high) {
    double word =
        floor(scaled(coefficients->m * value + coefficients->b, coefficients->exponent) + 0.5);
    if (!(word > (double)low)) {
        return (uint16_t)(unsigned)low;
    }
    return (uint16_t)(unsigned)(word >= (double)high ? high : (int)word);
}

double sim_direct_value(uint16_t raw, const sim_coefficients_t *coefficients) {
    double word = raw > 0x7FFFu ? (double)raw - 65536.0 : (double)raw;
    return (scaled(word, -coefficients->exponent) - coefficients->b) / coefficients->m;
}
