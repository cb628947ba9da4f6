#include <stdint.h>

#include "check.h"
#include "nightside/codec.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const ns_direct_t adm1275_voltage = {19199, 0, -2}; /* the lower range of voltage */
static const ns_direct_t adm1275_current = {807, 20475, -1};
static const ns_direct_t adm1272_voltage = {4062, 0, -2}; /* the range of 100 V */
static const ns_direct_t adm1272_temp = {42, 31871, -1};
static const ns_direct_t lm25066_voltage = {22070, -1800, -2};
static const ns_direct_t millivolts = {1, 0, 3};
static const ns_direct_t degrees = {1, 0, 0};
static const ns_direct_t falling = {-2, 7, 1};

static double direct(const ns_direct_t *coefficients, uint16_t raw) {
    double value = (double)NAN;
    CHECK_STATUS(ns_direct_decode(coefficients, raw, &value), NS_OK);
    return value;
}

static uint16_t direct_word(const ns_direct_t *coefficients, double value, ns_rounding_t rounding) {
    uint16_t raw = 0;
    CHECK_STATUS(ns_direct_encode(coefficients, value, rounding, &raw), NS_OK);
    return raw;
}

static void direct_decodes_the_vectors(void) {
    CHECK_NEAR(direct(&adm1275_voltage, 0x0900), 230400.0 / 19199.0);
    CHECK(fabs(direct(&adm1275_voltage, 0x0900) - 12.0006) < 5e-5);
    CHECK(fabs(direct(&adm1275_current, 0x07FF) + 6.2e-3) < 5e-5);
    CHECK(fabs(direct(&adm1275_current, 0x0800) - 6.2e-3) < 5e-5);
    CHECK(fabs(direct(&adm1275_current, 0x0C00) - 12.695) < 5e-4);
    CHECK_EXACT(direct(&degrees, 0xFFD8), -40.0);
    CHECK_EXACT(direct(&millivolts, 0x0352), 0.85);
    CHECK_EXACT(direct(&millivolts, 0xFFF2), -0.014); /* negative values are not rounded */
    CHECK_EXACT(direct(&falling, 0x0001), (1 - 70) / -20.0);
}

static void direct_encodes_the_vectors(void) {
    CHECK(direct_word(&adm1272_voltage, 48.0, NS_ROUND_NEAREST) == 0x079E);
    CHECK(direct_word(&adm1272_temp, 25.0, NS_ROUND_NEAREST) == 0x0CDC);
    CHECK(direct_word(&lm25066_voltage, 12.0, NS_ROUND_NEAREST) == 0x0A46);
    CHECK(direct_word(&adm1272_voltage, 48.0, NS_ROUND_DOWN) == 0x079D); /* 1949.76 */
    CHECK(direct_word(&adm1272_voltage, 48.0, NS_ROUND_UP) == 0x079E);
    CHECK(direct_word(&degrees, -40.0, NS_ROUND_UP) == 0xFFD8);
}

/** An upper limit goes down in value, whichever way the words run. */
static void direct_rounds_limits_toward_safe_by_value(void) {
    static const struct {
        ns_direct_t coefficients;
        double value;
        double down;
        double nearest;
        double up;
    } rows[] = {
        {{1, 0, 0}, 2.25, 2.0, 2.0, 3.0},      {{1, 0, 0}, 2.5, 2.0, 3.0, 3.0},
        {{1, 0, 0}, -2.5, -3.0, -3.0, -2.0},   {{1, 0, 0}, -2.25, -3.0, -2.0, -2.0},
        {{-1, 0, 0}, 2.25, 2.0, 2.0, 3.0},     {{-1, 0, 0}, 2.5, 2.0, 3.0, 3.0},
        {{-1, 0, 0}, -2.5, -3.0, -3.0, -2.0},  {{-1, 0, 0}, -2.75, -3.0, -3.0, -2.0},
        {{-1, 0, -1}, 12.0, 10.0, 10.0, 20.0},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const ns_direct_t *of = &rows[i].coefficients;
        double value = rows[i].value;
        CHECK_EXACT(direct(of, direct_word(of, value, NS_ROUND_DOWN)), rows[i].down);
        CHECK_EXACT(direct(of, direct_word(of, value, NS_ROUND_NEAREST)), rows[i].nearest);
        CHECK_EXACT(direct(of, direct_word(of, value, NS_ROUND_UP)), rows[i].up);
    }
}

static void every_direct_word_comes_back(void) {
    const ns_direct_t *all[] = {&adm1275_current, &lm25066_voltage, &falling};
    for (size_t i = 0; i < COUNT(all); i++) {
        for (uint32_t raw = 0; raw <= 0xFFFF; raw++) {
            double value = direct(all[i], (uint16_t)raw);
            CHECK(direct_word(all[i], value, (ns_rounding_t)(raw % 3)) == raw);
        }
    }
}

static void direct_never_wraps_or_clamps(void) {
    uint16_t raw = 0x1234;
    CHECK(direct_word(&degrees, 32767.0, NS_ROUND_UP) == 0x7FFF);
    CHECK(direct_word(&degrees, -32768.0, NS_ROUND_DOWN) == 0x8000);
    static const double unfit[] = {32767.5, 32768, 65535, -32768.5, 1e300, HUGE_VAL, -HUGE_VAL};
    for (size_t i = 0; i < COUNT(unfit); i++) {
        CHECK_STATUS(ns_direct_encode(&degrees, unfit[i], NS_ROUND_DOWN, &raw), NS_E_RANGE);
        CHECK_STATUS(ns_direct_encode(&degrees, unfit[i], NS_ROUND_UP, &raw), NS_E_RANGE);
    }
    CHECK_STATUS(ns_direct_encode(&degrees, (double)NAN, NS_ROUND_UP, &raw), NS_E_RANGE);
    CHECK(raw == 0x1234);
}

static void direct_checks_arguments_and_coefficients(void) {
    static const ns_direct_t bad[] = {{0, 1, 0}, {1, 0, 10}, {1, 0, -10}, {1, 0, INT32_MIN}};
    uint16_t raw = 0x1234;
    double value = 7.0;
    for (size_t i = 0; i < COUNT(bad); i++) {
        CHECK(!ns_direct_is_valid(&bad[i]));
        CHECK_STATUS(ns_direct_decode(&bad[i], 1, &value), NS_E_ARG);
        CHECK_STATUS(ns_direct_encode(&bad[i], 1.0, NS_ROUND_UP, &raw), NS_E_ARG);
    }
    CHECK(!ns_direct_is_valid(NULL));
    CHECK_STATUS(ns_direct_decode(NULL, 1, &value), NS_E_ARG);
    CHECK_STATUS(ns_direct_decode(&degrees, 1, NULL), NS_E_ARG);
    CHECK_STATUS(ns_direct_encode(&degrees, 1.0, NS_ROUND_UP, NULL), NS_E_ARG);
    CHECK_STATUS(ns_direct_encode(&degrees, 1.0, (ns_rounding_t)3, &raw), NS_E_ARG);
    CHECK_STATUS(ns_direct_encode(&degrees, 1.0, (ns_rounding_t)-1, &raw), NS_E_ARG);
    CHECK(raw == 0x1234);
    CHECK_EXACT(value, 7.0);
    static const ns_direct_t widest[] = {{INT32_MIN, INT32_MIN, 9}, {INT32_MAX, INT32_MIN, -9}};
    for (size_t i = 0; i < COUNT(widest); i++) {
        CHECK(ns_direct_is_valid(&widest[i]));
        CHECK(isfinite(direct(&widest[i], 0x8000)) && isfinite(direct(&widest[i], 0x7FFF)));
    }
}

static void vid_decodes_the_vectors(void) {
    static const struct {
        ns_vid_t table;
        uint16_t raw;
        double value_v;
    } rows[] = {
        {NS_VID_VR11, 0x02, 1.6},     {NS_VID_VR11, 0x52, 1.1},   {NS_VID_VR11, 0xB2, 0.5},
        {NS_VID_VR11, 0x03, 1.59375}, {NS_VID_VR11, 0x00, 0},     {NS_VID_VR11, 0x01, 0},
        {NS_VID_VR11, 0xFE, 0},       {NS_VID_VR11, 0xFF, 0},     {NS_VID_VR12, 0x00, 0},
        {NS_VID_VR12, 0x01, 0.25},    {NS_VID_VR12, 0xFF, 1.52},  {NS_VID_VR13, 0x00, 0},
        {NS_VID_VR13, 0x01, 0.5},     {NS_VID_VR13, 0xFF, 3.04},  {NS_VID_IMVP9, 0x00, 0},
        {NS_VID_IMVP9, 0x01, 0.2},    {NS_VID_IMVP9, 0x52, 1.01}, {NS_VID_IMVP9, 0xFF, 2.74},
        {NS_VID_AMD, 0x00, 1.55},     {NS_VID_AMD, 0x78, 0.8},    {NS_VID_AMD, 0xD8, 0.2},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        double value_v = (double)NAN;
        CHECK_STATUS(ns_vid_decode(rows[i].table, rows[i].raw, &value_v), NS_OK);
        CHECK_EXACT(value_v, rows[i].value_v);
    }
}

static void vid_refuses_undefined_codes_and_unknown_tables(void) {
    static const struct {
        ns_vid_t table;
        uint16_t raw;
    } undefined[] = {
        {NS_VID_VR11, 0xB3}, {NS_VID_VR11, 0xFD},  {NS_VID_VR12, 0x100},  {NS_VID_VR13, 0xFFFF},
        {NS_VID_AMD, 0xD9},  {NS_VID_AMD, 0xFFFF}, {NS_VID_IMVP9, 0x100},
    };
    double value_v = 7.0;
    uint16_t raw = 0x1234;
    for (size_t i = 0; i < COUNT(undefined); i++) {
        CHECK_STATUS(ns_vid_decode(undefined[i].table, undefined[i].raw, &value_v), NS_E_RANGE);
    }
    static const int strangers[] = {NS_VID_UNKNOWN, NS_VID_AMD + 1, -1};
    for (size_t i = 0; i < COUNT(strangers); i++) {
        ns_vid_t table = (ns_vid_t)strangers[i];
        CHECK_STATUS(ns_vid_decode(table, 1, &value_v), NS_E_ARG);
        CHECK_STATUS(ns_vid_encode(table, 1.0, NS_ROUND_UP, &raw), NS_E_ARG);
    }
    CHECK_STATUS(ns_vid_decode(NS_VID_VR12, 1, NULL), NS_E_ARG);
    CHECK_STATUS(ns_vid_encode(NS_VID_VR12, 1.0, NS_ROUND_UP, NULL), NS_E_ARG);
    CHECK_STATUS(ns_vid_encode(NS_VID_VR12, 1.0, (ns_rounding_t)3, &raw), NS_E_ARG);
    CHECK_STATUS(ns_vid_encode(NS_VID_VR12, 0.0, (ns_rounding_t)3, &raw), NS_E_ARG);
    CHECK(raw == 0x1234);
    CHECK_EXACT(value_v, 7.0);
}

static uint16_t vid_code(ns_vid_t table, double value_v, ns_rounding_t rounding) {
    uint16_t raw = 0;
    CHECK_STATUS(ns_vid_encode(table, value_v, rounding, &raw), NS_OK);
    return raw;
}

static void vid_rounds_by_voltage_and_never_to_off(void) {
    CHECK(vid_code(NS_VID_VR12, 1.002, NS_ROUND_DOWN) == 0x97); /* 1.000 V */
    CHECK(vid_code(NS_VID_VR12, 1.002, NS_ROUND_UP) == 0x98);
    CHECK(vid_code(NS_VID_VR12, 1.002, NS_ROUND_NEAREST) == 0x97);
    CHECK(vid_code(NS_VID_VR12, 1.003, NS_ROUND_NEAREST) == 0x98);
    CHECK(vid_code(NS_VID_AMD, 0.801, NS_ROUND_DOWN) == 0x78); /* 0.8 V: the greater code */
    CHECK(vid_code(NS_VID_AMD, 0.801, NS_ROUND_UP) == 0x77);
    CHECK(vid_code(NS_VID_VR11, 1.1, NS_ROUND_UP) == 0x52);
    CHECK(vid_code(NS_VID_VR13, 0.0, NS_ROUND_UP) == 0x00);
    CHECK(vid_code(NS_VID_VR13, -0.0, NS_ROUND_DOWN) == 0x00);
    static const struct {
        ns_vid_t table;
        double value_v;
    } unfit[] = {
        {NS_VID_VR12, 0.249}, {NS_VID_VR12, 1e-9},        {NS_VID_VR12, 1.521}, {NS_VID_AMD, 0.0},
        {NS_VID_AMD, 1.56},   {NS_VID_VR12, (double)NAN}, {NS_VID_VR12, -1.0},  {NS_VID_VR11, 0.49},
    };
    uint16_t raw = 0x1234;
    for (size_t i = 0; i < COUNT(unfit); i++) {
        for (int rounding = NS_ROUND_NEAREST; rounding <= NS_ROUND_UP; rounding++) {
            CHECK_STATUS(
                ns_vid_encode(unfit[i].table, unfit[i].value_v, (ns_rounding_t)rounding, &raw),
                NS_E_RANGE);
        }
    }
    CHECK(raw == 0x1234);
}

/** By value: VR11 has four codes for off. */
static void every_vid_code_comes_back(void) {
    for (int table = NS_VID_VR11; table <= NS_VID_AMD; table++) {
        for (uint16_t raw = 0; raw <= 0xFF; raw++) {
            double value_v = 0.0;
            if (ns_vid_decode((ns_vid_t)table, raw, &value_v) != NS_OK) {
                continue;
            }
            uint16_t back = vid_code((ns_vid_t)table, value_v, (ns_rounding_t)(raw % 3));
            CHECK(back == (value_v > 0.0 ? raw : 0));
        }
    }
}

static void half_decodes_the_vectors(void) {
    static const struct {
        uint16_t raw;
        double value;
    } rows[] = {
        {0x3C00, 1},          {0x4A00, 12},         {0xC000, -2},       {0x7BFF, 65504},
        {0xFBFF, -65504},     {0x0001, 0x1p-24},    {0x8001, -0x1p-24}, {0x03FF, 1023 * 0x1p-24},
        {0x0400, 0x1p-14},    {0x3ACD, 0x1.B34p-1}, {0x0000, 0},        {0x8000, 0},
        {0x3555, 0x1.554p-2},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        double value = (double)NAN;
        CHECK_STATUS(ns_half_decode(rows[i].raw, &value), NS_OK);
        CHECK_EXACT(value, rows[i].value);
    }
    CHECK(fabs(0x1.B34p-1 - .850098) < 5e-7);
}

static void half_lets_no_infinity_and_no_nan_pass(void) {
    double value = 7.0;
    static const uint16_t words[] = {0x7C00, 0xFC00, 0x7C01, 0x7E00, 0x7FFF, 0xFFFF};
    for (size_t i = 0; i < COUNT(words); i++) {
        CHECK_STATUS(ns_half_decode(words[i], &value), NS_E_RANGE);
    }
    CHECK_STATUS(ns_half_decode(0x3C00, NULL), NS_E_ARG);
    CHECK_EXACT(value, 7.0);
    uint16_t raw = 0x1234;
    static const double unfit[] = {65504.5, 65520, -65505, 1e300, HUGE_VAL, -HUGE_VAL, (double)NAN};
    for (size_t i = 0; i < COUNT(unfit); i++) {
        CHECK_STATUS(ns_half_encode(unfit[i], NS_ROUND_DOWN, &raw), NS_E_RANGE);
        CHECK_STATUS(ns_half_encode(unfit[i], NS_ROUND_UP, &raw), NS_E_RANGE);
    }
    CHECK_STATUS(ns_half_encode(1.0, NS_ROUND_UP, NULL), NS_E_ARG);
    CHECK_STATUS(ns_half_encode(1.0, (ns_rounding_t)3, &raw), NS_E_ARG);
    CHECK(raw == 0x1234);
}

static void half_rounds_to_the_asked_side(void) {
    static const struct {
        double value;
        uint16_t down;
        uint16_t nearest;
        uint16_t up;
    } rows[] = {
        {1.0, 0x3C00, 0x3C00, 0x3C00},
        {0.85, 0x3ACC, 0x3ACD, 0x3ACD},
        {-0.85, 0xBACD, 0xBACD, 0xBACC},
        {1.0 + 0x1p-11, 0x3C00, 0x3C01, 0x3C01}, /* a tie: away from zero, not to even */
        {-1.0 - 0x1p-11, 0xBC01, 0xBC01, 0xBC00},
        {1e-9, 0x0000, 0x0000, 0x0001},
        {-1e-9, 0x8001, 0x0000, 0x0000},
        {65503.0, 0x7BFE, 0x7BFF, 0x7BFF},
        {-0.0, 0x0000, 0x0000, 0x0000},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint16_t raw = 0;
        CHECK_STATUS(ns_half_encode(rows[i].value, NS_ROUND_DOWN, &raw), NS_OK);
        CHECK(raw == rows[i].down);
        CHECK_STATUS(ns_half_encode(rows[i].value, NS_ROUND_NEAREST, &raw), NS_OK);
        CHECK(raw == rows[i].nearest);
        CHECK_STATUS(ns_half_encode(rows[i].value, NS_ROUND_UP, &raw), NS_OK);
        CHECK(raw == rows[i].up);
    }
}

static void every_half_word_comes_back(void) {
    unsigned finite_count = 0;
    for (uint32_t raw = 0; raw <= 0xFFFF; raw++) {
        double value = 0.0;
        if (ns_half_decode((uint16_t)raw, &value) == NS_OK) {
            uint16_t back = 1;
            CHECK_STATUS(ns_half_encode(value, (ns_rounding_t)(raw % 3), &back), NS_OK);
            CHECK(back == (raw == 0x8000 ? 0 : raw));
            finite_count++;
        }
    }
    CHECK(finite_count == 2 * 0x7C00);
}

static void vout_mode_is_taken_apart(void) {
    static const struct {
        uint8_t raw;
        ns_vout_mode_t mode;
    } rows[] = {
        {0x14, {NS_VOUT_LINEAR, false, 0x14, -12, NS_VID_UNKNOWN}},
        {0x0F, {NS_VOUT_LINEAR, false, 0x0F, 15, NS_VID_UNKNOWN}},
        {0x10, {NS_VOUT_LINEAR, false, 0x10, -16, NS_VID_UNKNOWN}},
        {0x97, {NS_VOUT_LINEAR, true, 0x17, -9, NS_VID_UNKNOWN}},
        {0x20, {NS_VOUT_VID, false, 0x00, 0, NS_VID_UNKNOWN}},
        {0x21, {NS_VOUT_VID, false, 0x01, 0, NS_VID_VR12}},
        {0x22, {NS_VOUT_VID, false, 0x02, 0, NS_VID_VR13}},
        {0x23, {NS_VOUT_VID, false, 0x03, 0, NS_VID_IMVP9}},
        {0x24, {NS_VOUT_VID, false, 0x04, 0, NS_VID_VR13}},
        {0x25, {NS_VOUT_VID, false, 0x05, 0, NS_VID_VR12}},
        {0x27, {NS_VOUT_VID, false, 0x07, 0, NS_VID_VR12}},
        {0xB0, {NS_VOUT_VID, true, 0x10, 0, NS_VID_AMD}},
        {0x40, {NS_VOUT_DIRECT, false, 0, 0, NS_VID_UNKNOWN}},
        {0xC0, {NS_VOUT_DIRECT, true, 0, 0, NS_VID_UNKNOWN}},
        {0x60, {NS_VOUT_HALF, false, 0, 0, NS_VID_UNKNOWN}},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        ns_vout_mode_t mode;
        CHECK_STATUS(ns_vout_mode(rows[i].raw, &mode), NS_OK);
        CHECK(mode.format == rows[i].mode.format && mode.is_relative == rows[i].mode.is_relative);
        CHECK(mode.parameter == rows[i].mode.parameter && mode.vid == rows[i].mode.vid);
        CHECK(mode.exponent == rows[i].mode.exponent);
    }
    static const uint8_t impossible[] = {0xFF, 0x41, 0x5F, 0x61, 0xC1};
    ns_vout_mode_t mode = {.parameter = 0x55};
    for (size_t i = 0; i < COUNT(impossible); i++) {
        CHECK_STATUS(ns_vout_mode(impossible[i], &mode), NS_E_RANGE);
    }
    CHECK(mode.parameter == 0x55);
    CHECK_STATUS(ns_vout_mode(0x14, NULL), NS_E_ARG);
}

int main(void) {
    direct_decodes_the_vectors();
    direct_encodes_the_vectors();
    direct_rounds_limits_toward_safe_by_value();
    every_direct_word_comes_back();
    direct_never_wraps_or_clamps();
    direct_checks_arguments_and_coefficients();
    vid_decodes_the_vectors();
    vid_refuses_undefined_codes_and_unknown_tables();
    vid_rounds_by_voltage_and_never_to_off();
    every_vid_code_comes_back();
    half_decodes_the_vectors();
    half_lets_no_infinity_and_no_nan_pass();
    half_rounds_to_the_asked_side();
    every_half_word_comes_back();
    vout_mode_is_taken_apart();
    return 0;
}
