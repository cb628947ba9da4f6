/* LINEAR11, LINEAR16, DIRECT, VID, half, VOUT_MODE: every word that has a value comes back by
 * value, and every value that is taken is rounded to the asked side. */
#include <math.h>

#include "fuzz.h"
#include "nightside/codec.h"

enum { LINEAR11, LINEAR16, DIRECT, VID, HALF, FORMAT_COUNT };

typedef struct format {
    unsigned kind;
    int32_t exponent;
    ns_direct_t direct;
    ns_vid_t vid;
} format_t;

static format_t take_format(fuzz_input_t *input) {
    format_t format = {.kind = take_u8(input) % FORMAT_COUNT};
    ns_vout_mode_t mode;
    uint8_t raw_mode = take_u8(input);
    switch (format.kind) {
    case LINEAR16:
        if (ns_vout_mode(raw_mode, &mode) == NS_OK) {
            format.exponent = mode.exponent;
            CLAIM(mode.exponent >= -16 && mode.exponent <= 15);
        }
        break;
    case DIRECT:
        if ((raw_mode & 1U) == 0) { /* as COEFFICIENTS gives them */
            format.direct.m = (int16_t)take_u16(input);
            format.direct.b = (int16_t)take_u16(input);
        } else {
            format.direct.m = (int32_t)take_u32(input);
            format.direct.b = (int32_t)take_u32(input);
        }
        format.direct.r = (int8_t)take_u8(input);
        break;
    case VID:
        format.vid = (ns_vid_t)raw_mode;
        break;
    default:
        break;
    }
    return format;
}

static ns_status_t decode(const format_t *format, uint16_t raw, double *out_value) {
    switch (format->kind) {
    case LINEAR11:
        *out_value = ns_linear11_decode(raw);
        return NS_OK;
    case LINEAR16:
        *out_value = ns_linear16_decode(raw, format->exponent);
        return NS_OK;
    case DIRECT:
        return ns_direct_decode(&format->direct, raw, out_value);
    case VID:
        return ns_vid_decode(format->vid, raw, out_value);
    default:
        return ns_half_decode(raw, out_value);
    }
}

static ns_status_t encode(const format_t *format, double value, ns_rounding_t rounding,
                          uint16_t *out_raw) {
    switch (format->kind) {
    case LINEAR11:
        return ns_linear11_encode(value, rounding, out_raw);
    case LINEAR16:
        return ns_linear16_encode(value, format->exponent, rounding, out_raw);
    case DIRECT:
        return ns_direct_encode(&format->direct, value, rounding, out_raw);
    case VID:
        return ns_vid_encode(format->vid, value, rounding, out_raw);
    default:
        return ns_half_encode(value, rounding, out_raw);
    }
}

static bool are_equal(double a, double b) {
    return a >= b && a <= b;
}

/** The value that the encoder chose; the word must have one. */
static double rounded(const format_t *format, double value, ns_rounding_t rounding) {
    uint16_t raw = 0;
    double back = (double)NAN;
    CLAIM(encode(format, value, rounding, &raw) == NS_OK);
    CLAIM(decode(format, raw, &back) == NS_OK);
    return back;
}

static void check_word(const format_t *format, uint16_t raw) {
    double value = (double)NAN;
    ns_status_t status = decode(format, raw, &value);
    if (status != NS_OK) {
        CLAIM(status == NS_E_RANGE || status == NS_E_ARG);
        CLAIM(isnan(value)); /* untouched */
        return;
    }
    CLAIM(isfinite(value));
    for (int rounding = NS_ROUND_NEAREST; rounding <= NS_ROUND_UP; rounding++) {
        CLAIM(are_equal(rounded(format, value, (ns_rounding_t)rounding), value));
    }
}

static void check_value(const format_t *format, double value) {
    uint16_t raw = 0x1234;
    ns_status_t status = encode(format, value, NS_ROUND_NEAREST, &raw);
    if (status != NS_OK) {
        CLAIM(status == NS_E_RANGE || status == NS_E_ARG);
        CLAIM(raw == 0x1234);
        CLAIM(encode(format, value, NS_ROUND_DOWN, &raw) == status);
        CLAIM(encode(format, value, NS_ROUND_UP, &raw) == status);
        return;
    }
    CLAIM(isfinite(value));
    double down = rounded(format, value, NS_ROUND_DOWN);
    double up = rounded(format, value, NS_ROUND_UP);
    double nearest = rounded(format, value, NS_ROUND_NEAREST);
    CLAIM(down <= value && value <= up);
    CLAIM(are_equal(nearest, down) || are_equal(nearest, up));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    fuzz_input_t input = {.bytes = bytes, .size = size};
    while (input.size > 0) {
        format_t format = take_format(&input);
        check_word(&format, take_u16(&input));
        check_value(&format, take_double(&input));
        check_value(&format, (double)(int16_t)take_u16(&input) / 64.0); /* of a likely size */
    }
    return 0;
}
