#include <string.h>

#include "check.h"
#include "nightside/codec.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void linear11_decodes_the_vectors(void) {
    static const struct {
        uint16_t raw;
        double value;
    } rows[] = {
        {0x0000, 0},
        {0x0001, 1},
        {0x07FF, -1},
        {0x03FF, 1023},
        {0x0400, -1024},
        {0xD300, 12},
        {0xD280, 10},
        {0xCA80, 5},
        {0xE320, 50},
        {0xEB00, 96},
        {0xF3E8, 250},
        {0xF819, 12.5},
        {0xFFFF, -0.5},
        {0x1801, 8},
        {0x8000, 0},
        {0x7BFF, 33521664},
        {0x7C00, -33554432},
        {0x8001, 0x1p-16},
        {0x83FF, 1023 * 0x1p-16},
        {0x8400, -0.015625},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK_EXACT(ns_linear11_decode(rows[i].raw), rows[i].value);
    }
}

static uint16_t linear11(double value, ns_rounding_t rounding) {
    uint16_t raw = 0;
    CHECK_STATUS(ns_linear11_encode(value, rounding, &raw), NS_OK);
    return raw;
}

/** The rows of the kernel's nearest encoder whose words are also the finest. */
static void linear11_nearest_gives_the_known_words(void) {
    static const struct {
        double value;
        uint16_t raw;
    } rows[] = {
        {12, 0xD300},  {48, 0xE300},   {1.0, 0xBA00},   {25.5, 0xDB30},     {3.3, 0xC34D},
        {.85, 0xB366}, {.065, 0x9A14}, {-40.0, 0xE580}, {1022.999, 0x03FF}, {510.999, 0xFBFE},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        CHECK(linear11(rows[i].value, NS_ROUND_NEAREST) == rows[i].raw);
    }
}

/** The kernel writes 511 as M=511, E=0 and 0.001 with E=-15: other words, same values. */
static void linear11_nearest_gives_the_known_values(void) {
    static const struct {
        double value;
        uint16_t kernel_raw;
    } rows[] = {{511, 0x01FF}, {-511, 0x0601}, {0.001, 0x8821}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        double back = ns_linear11_decode(linear11(rows[i].value, NS_ROUND_NEAREST));
        CHECK_EXACT(back, ns_linear11_decode(rows[i].kernel_raw));
    }
}

/** Where the kernel's nearest goes up, an upper limit must not. */
static void linear11_rounds_limits_toward_safe(void) {
    CHECK(linear11(1023.0, NS_ROUND_DOWN) == 0x03FF); /* the kernel: 0x0A00 = 1024 */
    CHECK(linear11(1023.0, NS_ROUND_UP) == 0x03FF);
    CHECK(linear11(1023.0, NS_ROUND_NEAREST) == 0x03FF);
    CHECK(linear11(1023.5, NS_ROUND_DOWN) == 0x03FF); /* 1023, of the finer exponent */
    CHECK(linear11(1023.5, NS_ROUND_UP) == 0x0A00);   /* 1024, of the coarser one */
    CHECK(linear11(1023.5, NS_ROUND_NEAREST) == 0x0A00);
    CHECK(linear11(1023.49, NS_ROUND_NEAREST) == 0x03FF);
    CHECK(linear11(0.99999, NS_ROUND_DOWN) == 0xB3FF);
    CHECK(linear11(-1024.5, NS_ROUND_UP) == 0x0E00); /* -1024 */
    CHECK(linear11(-1024.5, NS_ROUND_NEAREST) == 0x0E00);
    CHECK(linear11(-1024.5, NS_ROUND_DOWN) == 0x0DFF);          /* -1026 */
    CHECK(linear11(511.75 * 0x1p-16, NS_ROUND_DOWN) == 0x81FF); /* no finer exponent */
    CHECK(linear11(1022.999, NS_ROUND_DOWN) == 0x03FE);
    CHECK(linear11(510.999, NS_ROUND_DOWN) == 0xFBFD); /* 510.5 */
    CHECK(linear11(510.999, NS_ROUND_UP) == 0xFBFE);   /* 511.0 */
    CHECK(linear11(3.3, NS_ROUND_DOWN) == 0xC34C);
    CHECK(linear11(3.3, NS_ROUND_UP) == 0xC34D);
    CHECK(linear11(0.85, NS_ROUND_DOWN) == 0xB366);
    CHECK(linear11(0.85, NS_ROUND_UP) == 0xB367);
    CHECK(linear11(-40.01, NS_ROUND_DOWN) == 0xE57F);
    CHECK(linear11(-40.01, NS_ROUND_UP) == 0xE580);
    CHECK(linear11(1e-9, NS_ROUND_UP) == 0x8001);
    CHECK(linear11(1e-9, NS_ROUND_DOWN) == 0x8000);
    CHECK(linear11(-1e-9, NS_ROUND_DOWN) == 0x87FF);
    CHECK(linear11(1.5 * 0x1p-16, NS_ROUND_NEAREST) == 0x8002);
    CHECK(linear11(-1.5 * 0x1p-16, NS_ROUND_NEAREST) == 0x87FE);
    CHECK(linear11(-1.25 * 0x1p-16, NS_ROUND_NEAREST) == 0x87FF);
}

static void linear11_never_clamps(void) {
    uint16_t raw = 0x1234;
    CHECK(linear11(33521664.0, NS_ROUND_DOWN) == 0x7BFF);
    CHECK(linear11(-33554432.0, NS_ROUND_UP) == 0x7C00);
    static const double unfit[] = {40e6, -40e6, 33521664.5, 1e300, -1e300, HUGE_VAL, -HUGE_VAL};
    for (size_t i = 0; i < COUNT(unfit); i++) {
        CHECK_STATUS(ns_linear11_encode(unfit[i], NS_ROUND_DOWN, &raw), NS_E_RANGE);
    }
    CHECK_STATUS(ns_linear11_encode((double)NAN, NS_ROUND_UP, &raw), NS_E_RANGE);
    CHECK_STATUS(ns_linear11_encode(1.0, NS_ROUND_UP, NULL), NS_E_ARG);
    CHECK_STATUS(ns_linear11_encode(1.0, (ns_rounding_t)3, &raw), NS_E_ARG);
    CHECK(raw == 0x1234);
}

static void linear16_follows_vout_mode(void) {
    static const struct {
        uint8_t mode;
        uint16_t raw;
        double value;
    } rows[] = {
        {0x14, 0x0D9A, .850098}, {0x14, 0x1000, 1.0}, {0x13, 0x2666, 1.19995},
        {0x13, 0xFFFF, 7.99988}, {0x12, 0x4000, 1.0}, {0x18, 0x0300, 3.0},
        {0x17, 0x7FFF, 63.998},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        int32_t exponent = 0;
        CHECK_STATUS(ns_linear16_exponent(rows[i].mode, &exponent), NS_OK);
        CHECK(fabs(ns_linear16_decode(rows[i].raw, exponent) - rows[i].value) < 5e-5);
    }
    int32_t exponent = 7;
    CHECK_STATUS(ns_linear16_exponent(0x0F, &exponent), NS_OK);
    CHECK(exponent == 15);
    CHECK_STATUS(ns_linear16_exponent(0x21, &exponent), NS_E_UNSUPPORTED); /* VID */
    CHECK_STATUS(ns_linear16_exponent(0x40, &exponent), NS_E_UNSUPPORTED); /* direct */
    CHECK_STATUS(ns_linear16_exponent(0x60, &exponent), NS_E_UNSUPPORTED); /* half */
    CHECK_STATUS(ns_linear16_exponent(0x97, &exponent), NS_E_UNSUPPORTED); /* relative */
    CHECK_STATUS(ns_linear16_exponent(0x17, NULL), NS_E_ARG);
    CHECK(exponent == 15);
    CHECK(isnan(ns_linear16_decode(1, 16)));
    CHECK(isnan(ns_linear16_decode(1, -17)));
}

static void linear16_rounds_and_never_wraps(void) {
    uint16_t raw = 0x1234;
    CHECK_STATUS(ns_linear16_encode(16.0, -12, NS_ROUND_NEAREST, &raw), NS_E_RANGE); /* 65536 */
    CHECK_STATUS(ns_linear16_encode(-0.1, -12, NS_ROUND_UP, &raw), NS_E_RANGE);
    CHECK_STATUS(ns_linear16_encode((double)NAN, -12, NS_ROUND_UP, &raw), NS_E_RANGE);
    CHECK_STATUS(ns_linear16_encode(HUGE_VAL, -12, NS_ROUND_UP, &raw), NS_E_RANGE);
    CHECK_STATUS(ns_linear16_encode(1.0, -17, NS_ROUND_UP, &raw), NS_E_ARG);
    CHECK_STATUS(ns_linear16_encode(1.0, 16, NS_ROUND_UP, &raw), NS_E_ARG);
    CHECK_STATUS(ns_linear16_encode(1.0, -12, (ns_rounding_t)-1, &raw), NS_E_ARG);
    CHECK_STATUS(ns_linear16_encode(1.0, -12, NS_ROUND_UP, NULL), NS_E_ARG);
    CHECK(raw == 0x1234);
    CHECK_STATUS(ns_linear16_encode(0.85, -12, NS_ROUND_NEAREST, &raw), NS_OK);
    CHECK(raw == 0x0D9A);
    CHECK_STATUS(ns_linear16_encode(0.85, -12, NS_ROUND_DOWN, &raw), NS_OK);
    CHECK(raw == 0x0D99);
    CHECK_STATUS(ns_linear16_encode(0.85, -13, NS_ROUND_NEAREST, &raw), NS_OK);
    CHECK(raw == 0x1B33);
    CHECK_STATUS(ns_linear16_encode(0.85, -13, NS_ROUND_UP, &raw), NS_OK);
    CHECK(raw == 0x1B34);
    CHECK_STATUS(ns_linear16_encode(65535.0, 0, NS_ROUND_UP, &raw), NS_OK);
    CHECK(raw == 0xFFFF);
    CHECK_STATUS(ns_linear16_encode(0x1p-1074, 6, NS_ROUND_UP, &raw), NS_OK);
    CHECK(raw == 1); /* scaled it is 0, and still above 0 */
    CHECK_STATUS(ns_linear16_encode(0x1p-1074, 6, NS_ROUND_NEAREST, &raw), NS_OK);
    CHECK(raw == 0);
    CHECK_STATUS(ns_linear16_encode(-0x1p-1074, 6, NS_ROUND_UP, &raw), NS_E_RANGE);
}

static void a_floating_bus_is_known_by_its_word(void) {
    CHECK(ns_word_is_floating(0xFFFF));
    CHECK(!ns_word_is_floating(0xFFFE));
}

static void pec_matches_the_vectors(void) {
    static const struct {
        const char *bytes;
        size_t size;
        uint8_t pec;
    } rows[] = {
        {"123456789", 9, 0xF4},
        {"\xB4\x07\xB5\xD2\x3A", 5, 0x30},
        {"\x80\x88\x81\x00\xD3", 5, 0x41},
        {"\x80\x00\x01", 3, 0x0C},
        {"\x80\x03", 2, 0xBF},
        {"\x80\x01\x80", 3, 0x97},
        {"\x80\x01\x00", 3, 0x1E},
        {"\x80\x21\x9A\x0D", 4, 0x59},
        {"\xB8\x99\xB9\x03LTC", 7, 0x6C},
        {"\x80\x78\x81\x42", 4, 0x6D},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        const uint8_t *bytes = (const uint8_t *)rows[i].bytes;
        CHECK(ns_pec(0, bytes, rows[i].size) == rows[i].pec);
        CHECK(ns_pec(ns_pec(0, bytes, 1), bytes + 1, rows[i].size - 1) == rows[i].pec);
    }
}

static uint8_t pec_bit_by_bit(uint8_t crc, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size * 8; i++) {
        unsigned bit = (unsigned)bytes[i / 8] >> (7 - i % 8) & 1U;
        unsigned feedback = ((unsigned)crc >> 7 ^ bit) & 1U;
        crc = (uint8_t)((unsigned)crc << 1 ^ feedback * 0x07U);
    }
    return crc;
}

static uint32_t crc32c_bit_by_bit(uint32_t crc, const uint8_t *bytes, size_t size) {
    crc = ~crc;
    for (size_t i = 0; i < size * 8; i++) {
        uint32_t bit = (uint32_t)bytes[i / 8] >> i % 8 & 1U;
        crc = crc >> 1 ^ ((crc ^ bit) & 1U) * 0x82F63B78U;
    }
    return ~crc;
}

/** RFC 3720, B.4, and the usual check string. */
static void crc32c_matches_the_vectors(void) {
    uint8_t bytes[32] = {0};
    CHECK(ns_crc32c(0, bytes, sizeof bytes) == 0x8A9136AAU);
    memset(bytes, 0xFF, sizeof bytes);
    CHECK(ns_crc32c(0, bytes, sizeof bytes) == 0x62A8AB43U);
    const uint8_t *digits = (const uint8_t *)"123456789";
    CHECK(ns_crc32c(0, digits, 9) == 0xE3069283U);
    CHECK(ns_crc32c(ns_crc32c(0, digits, 4), digits + 4, 5) == 0xE3069283U);
}

/** Every length that ends before, at and after a step of four bytes, from several starts. */
static void check_codes_equal_their_definitions_bit_by_bit(void) {
    uint8_t bytes[67];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 151 + 7 * (i >> 3) + 3);
    }
    for (unsigned start = 0; start <= 0xFF; start++) {
        const uint8_t byte = (uint8_t)start;
        CHECK(ns_pec(0x5A, &byte, 1) == pec_bit_by_bit(0x5A, &byte, 1));
        CHECK(ns_crc32c(0, &byte, 1) == crc32c_bit_by_bit(0, &byte, 1));
    }
    for (size_t at = 0; at < 4; at++) {
        for (size_t size = 0; size + at <= sizeof bytes; size++) {
            CHECK(ns_pec(0x31, bytes + at, size) == pec_bit_by_bit(0x31, bytes + at, size));
            uint32_t crc = ns_crc32c(0xDEADBEEFU, bytes + at, size);
            CHECK(crc == crc32c_bit_by_bit(0xDEADBEEFU, bytes + at, size));
        }
    }
    CHECK(ns_pec(0x31, NULL, 0) == 0x31);
    CHECK(ns_crc32c(0x31, NULL, 0) == 0x31);
}

static void cobs_matches_known_stuffings(void) {
    static const struct {
        const char *plain;
        size_t plain_size;
        const char *stuffed;
        size_t stuffed_size;
    } rows[] = {
        {"", 0, "\x01", 1},
        {"\x00", 1, "\x01\x01", 2},
        {"\x00\x00", 2, "\x01\x01\x01", 3},
        {"\x11\x22\x00\x33", 4, "\x03\x11\x22\x02\x33", 5},
        {"\x11\x00\x00\x00", 4, "\x02\x11\x01\x01\x01", 5},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        uint8_t out[8];
        size_t size = 0;
        CHECK_STATUS(ns_cobs_encode((const uint8_t *)rows[i].plain, rows[i].plain_size, out,
                                    sizeof out, &size),
                     NS_OK);
        CHECK(size == rows[i].stuffed_size && memcmp(out, rows[i].stuffed, size) == 0);
    }
}

/** Around 254, where a block closes without a zero. */
static void cobs_returns_what_it_was_given(void) {
    uint8_t plain[600];
    uint8_t stuffed[620];
    uint8_t back[600];
    for (size_t zero_at = 250; zero_at < 260; zero_at++) {
        for (size_t size = 250; size < sizeof plain; size += 1 + size / 300 * 80) {
            memset(plain, 0xA5, sizeof plain);
            plain[zero_at] = 0;
            size_t stuffed_size = 0;
            size_t back_size = 0;
            CHECK_STATUS(ns_cobs_encode(plain, size, stuffed, size + 1 + size / 254, &stuffed_size),
                         NS_OK);
            CHECK(memchr(stuffed, 0, stuffed_size) == NULL);
            CHECK_STATUS(ns_cobs_decode(stuffed, stuffed_size, back, sizeof back, &back_size),
                         NS_OK);
            CHECK(back_size == size && memcmp(back, plain, size) == 0);
        }
    }
}

static void cobs_refuses_what_is_not_stuffed(void) {
    uint8_t out[4];
    size_t size = 9;
    const uint8_t past_end[] = {5, 1, 2};
    const uint8_t zero_inside[] = {3, 1, 0};
    const uint8_t zero_code[] = {1, 0};
    const uint8_t long_one[] = {6, 1, 2, 3, 4, 5};
    const uint8_t zeros[] = {1, 1, 1, 1, 1, 1};
    CHECK_STATUS(ns_cobs_decode(past_end, 3, out, 4, &size), NS_E_PROTOCOL);
    CHECK_STATUS(ns_cobs_decode(zero_inside, 3, out, 4, &size), NS_E_PROTOCOL);
    CHECK_STATUS(ns_cobs_decode(zero_code, 2, out, 4, &size), NS_E_PROTOCOL);
    CHECK_STATUS(ns_cobs_decode(out, 0, out, 4, &size), NS_E_PROTOCOL);
    CHECK_STATUS(ns_cobs_decode(long_one, 6, out, 4, &size), NS_E_FULL);
    CHECK_STATUS(ns_cobs_decode(zeros, 6, out, 4, &size), NS_E_FULL);
    CHECK_STATUS(ns_cobs_decode(NULL, 1, out, 4, &size), NS_E_ARG);
    CHECK_STATUS(ns_cobs_decode(out, 1, NULL, 4, &size), NS_E_ARG);
    CHECK_STATUS(ns_cobs_decode(out, 1, out, 4, NULL), NS_E_ARG);
    CHECK_STATUS(ns_cobs_encode(long_one, 6, out, 4, &size), NS_E_FULL);
    CHECK_STATUS(ns_cobs_encode((const uint8_t *)"\0\0\0\0", 4, out, 4, &size), NS_E_FULL);
    CHECK_STATUS(ns_cobs_encode(long_one, 6, out, 0, &size), NS_E_FULL);
    CHECK_STATUS(ns_cobs_encode(NULL, 1, out, 4, &size), NS_E_ARG);
    CHECK_STATUS(ns_cobs_encode(out, 1, NULL, 4, &size), NS_E_ARG);
    CHECK_STATUS(ns_cobs_encode(out, 1, out, 4, NULL), NS_E_ARG);
    CHECK(size == 9);
}

static void every_status_has_a_name(void) {
    CHECK(strcmp(ns_status_name(NS_OK), "NS_OK") == 0);
    CHECK(strcmp(ns_status_name(NS_E_NACK), "NS_E_NACK") == 0);
    for (int code = NS_E_RESET; code < 0; code++) {
        CHECK(strcmp(ns_status_name((ns_status_t)code), "NS_E_?") != 0);
    }
    CHECK(strcmp(ns_status_name((ns_status_t)-99), "NS_E_?") == 0);
}

int main(void) {
    linear11_decodes_the_vectors();
    linear11_nearest_gives_the_known_words();
    linear11_nearest_gives_the_known_values();
    linear11_rounds_limits_toward_safe();
    linear11_never_clamps();
    linear16_follows_vout_mode();
    linear16_rounds_and_never_wraps();
    a_floating_bus_is_known_by_its_word();
    pec_matches_the_vectors();
    crc32c_matches_the_vectors();
    check_codes_equal_their_definitions_bit_by_bit();
    cobs_matches_known_stuffings();
    cobs_returns_what_it_was_given();
    cobs_refuses_what_is_not_stuffed();
    every_status_has_a_name();
    return 0;
}
