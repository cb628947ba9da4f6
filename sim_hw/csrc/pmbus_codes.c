/** @file pmbus_codes.c */
#include "pmbus_codes.h"

#include <math.h>

#define EXPONENT_MIN (-16)
#define EXPONENT_MAX 15
#define MANTISSA_MIN (-1024.0)
#define MANTISSA_MAX 1023.0

/* What four bits shifted out of the register add to it: x^8 + x^2 + x + 1 times 0 .. 15. */
static const uint8_t pec_of_nibble[16] = {0x00, 0x07, 0x0E, 0x09, 0x1C, 0x1B, 0x12, 0x15,
                                          0x38, 0x3F, 0x36, 0x31, 0x24, 0x23, 0x2A, 0x2D};

uint8_t sim_pec_update(uint8_t crc, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (int nibble = 0; nibble < 2; nibble++) {
            crc = (uint8_t)(((unsigned)crc << 4) ^ pec_of_nibble[crc >> 4]);
        }
    }
    return crc;
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
    int exponent = raw >> 11;
    int mantissa = raw & 0x7FF;
    exponent = exponent > EXPONENT_MAX ? exponent - 32 : exponent;
    mantissa = mantissa > (int)MANTISSA_MAX ? mantissa - 2048 : mantissa;
    return ldexp((double)mantissa, exponent);
}

uint16_t sim_linear16_from(double value, uint8_t vout_mode) {
    int exponent = vout_mode & 0x1F;
    exponent = exponent > EXPONENT_MAX ? exponent - 32 : exponent;
    double mantissa = floor(ldexp(value, -exponent) + 0.5);
    if (!(mantissa > 0.0)) {
        return 0;
    }
    return mantissa >= 65535.0 ? (uint16_t)0xFFFFu : (uint16_t)mantissa;
}
