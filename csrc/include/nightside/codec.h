/**
 * @file codec.h
 * @brief Number formats, check codes and byte stuffing. Pure functions; no state, no allocation.
 */
#ifndef NIGHTSIDE_CODEC_H
#define NIGHTSIDE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nightside/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* cffi: begin */
/** Which way an encoder goes between two words. Upper limits go DOWN, lower limits go UP. */
typedef enum ns_rounding {
    NS_ROUND_NEAREST = 0, /**< ties away from zero */
    NS_ROUND_DOWN = 1, /**< the greatest word whose value is <= the value (toward minus infinity) */
    NS_ROUND_UP = 2    /**< the smallest word whose value is >= the value */
} ns_rounding_t;

/** @brief Value of a LINEAR11 word: int11 x 2^int5. Defined and exact for all 65 536 words. */
double ns_linear11_decode(uint16_t raw);

/**
 * @brief Encode as LINEAR11, with as fine an exponent as the value allows.
 * @param[in]  value    -33 554 432 .. 33 521 664
 * @param[in]  rounding which neighbour
 * @param[out] out_raw  the word; one value has many words, so compare read-backs by value
 * @retval NS_OK      encoded
 * @retval NS_E_ARG   out_raw is NULL or rounding is not one of ns_rounding
 * @retval NS_E_RANGE NaN, infinite or outside the range; nothing is ever clamped
 */
ns_status_t ns_linear11_encode(double value, ns_rounding_t rounding, uint16_t *out_raw);

/**
 * @brief Exponent of LINEAR16 words from VOUT_MODE.
 * @param[out] out_exponent -16 .. 15
 * @retval NS_OK            linear mode
 * @retval NS_E_ARG         NULL
 * @retval NS_E_UNSUPPORTED bits 7:5 are not 0 (VID, direct, half or relative)
 */
ns_status_t ns_linear16_exponent(uint8_t vout_mode, int32_t *out_exponent);

/** @brief Value of a LINEAR16 word: raw x 2^exponent; NaN for an exponent outside -16 .. 15. */
double ns_linear16_decode(uint16_t raw, int32_t exponent);

/**
 * @brief Encode as LINEAR16.
 * @param[in] value 0 .. 65535 x 2^exponent
 * @retval NS_OK      encoded
 * @retval NS_E_ARG   out_raw is NULL, exponent outside -16 .. 15, or rounding unknown
 * @retval NS_E_RANGE NaN, infinite, negative, or above the largest word; never wraps, never clamps
 */
ns_status_t ns_linear16_encode(double value, int32_t exponent, ns_rounding_t rounding,
                               uint16_t *out_raw);

/**
 * @brief True for 0xFFFF, which is what a floating bus reads as.
 *
 * The decoders of LINEAR11, LINEAR16 and DIRECT take it at its face value (LINEAR11: -0.5). A
 * reader without PEC must refuse it with NS_E_RANGE; a matching PEC confirms it.
 */
bool ns_word_is_floating(uint16_t raw);

/** Coefficients of DIRECT: value = (word x 10^-r - b) / m, the word as int16. */
typedef struct ns_direct {
    int32_t m; /**< not 0; 16 bits in COEFFICIENTS, more where a shunt scales it */
    int32_t b;
    int32_t r; /**< -9 .. 9 */
} ns_direct_t;

/** @brief True when every word has a value; check so what a device gives as its COEFFICIENTS. */
bool ns_direct_is_valid(const ns_direct_t *direct);

/**
 * @brief Value of a DIRECT word; finite for all 65 536 words.
 *
 * The double nearest to the exact quotient, when m and b are of 16 bits; within 2 units in the last
 * place for any other.
 * @retval NS_OK    decoded
 * @retval NS_E_ARG NULL, or coefficients that are not valid
 */
ns_status_t ns_direct_decode(const ns_direct_t *direct, uint16_t raw, double *out_value);

/**
 * @brief Encode as DIRECT. Rounding is by value, so DOWN goes to the greater word where m < 0.
 * @param[in] value    between the values of the words 0x8000 and 0x7FFF
 * @param[in] rounding which neighbour among the values that ns_direct_decode returns
 * @retval NS_OK      encoded
 * @retval NS_E_ARG   NULL, coefficients that are not valid, or rounding unknown
 * @retval NS_E_RANGE NaN, infinite or outside the range; never wraps, never clamps
 */
ns_status_t ns_direct_encode(const ns_direct_t *direct, double value, ns_rounding_t rounding,
                             uint16_t *out_raw);

/** Tables of 8-bit voltage identification codes. Part data and VOUT_MODE name them. */
typedef enum ns_vid {
    NS_VID_UNKNOWN = 0,
    NS_VID_VR11 = 1,  /**< 0x02 1.6 V, -6.25 mV a code, 0xB2 0.5 V; 0x00, 0x01, 0xFE, 0xFF off */
    NS_VID_VR12 = 2,  /**< 0x01 0.25 V, +5 mV a code, 0xFF 1.52 V; 0x00 off; VR13 of 5 mV too */
    NS_VID_VR13 = 3,  /**< 0x01 0.5 V, +10 mV a code, 0xFF 3.04 V; 0x00 off; VR12.5 too */
    NS_VID_IMVP9 = 4, /**< 0x01 0.2 V, +10 mV a code, 0xFF 2.74 V; 0x00 off */
    NS_VID_AMD = 5    /**< 0x00 1.55 V, -6.25 mV a code, 0xD8 0.2 V; no code for off */
} ns_vid_t;

/**
 * @brief Value of a VID word in volts, the nearest double; 0 for a code that means off.
 * @retval NS_OK      decoded
 * @retval NS_E_ARG   NULL or no such table
 * @retval NS_E_RANGE a code that the table leaves undefined, or a word above 0xFF
 */
ns_status_t ns_vid_decode(ns_vid_t table, uint16_t raw, double *out_v);

/**
 * @brief Encode volts as a VID code.
 * @param[in] value_v  within the table, or exactly 0 for code 0x00 where that is off; nothing is
 *                     ever rounded to off
 * @param[in] rounding which neighbour, by voltage: DOWN goes to the greater code of a falling table
 * @retval NS_OK      encoded
 * @retval NS_E_ARG   NULL, no such table, or rounding unknown
 * @retval NS_E_RANGE NaN, infinite or outside the table; never clamps
 */
ns_status_t ns_vid_encode(ns_vid_t table, double value_v, ns_rounding_t rounding,
                          uint16_t *out_raw);

/**
 * @brief Value of an IEEE 754 half-precision word; exact, subnormal numbers too.
 * @retval NS_OK      decoded
 * @retval NS_E_ARG   NULL
 * @retval NS_E_RANGE the word is an infinity or a NaN (0xFFFF, a floating bus, is one)
 */
ns_status_t ns_half_decode(uint16_t raw, double *out_value);

/**
 * @brief Encode as IEEE half.
 * @param[in] value    -65504 .. 65504
 * @param[in] rounding which neighbour; nearest takes ties away from zero, unlike IEEE's default
 * @retval NS_OK      encoded; zero is always 0x0000
 * @retval NS_E_ARG   out_raw is NULL or rounding unknown
 * @retval NS_E_RANGE NaN, infinite or outside the range; never becomes infinite, never clamps
 */
ns_status_t ns_half_encode(double value, ns_rounding_t rounding, uint16_t *out_raw);

/** Format of the words about the output voltage: VOUT_MODE bits 6:5. */
typedef enum ns_vout_format {
    NS_VOUT_LINEAR = 0, /**< LINEAR16 */
    NS_VOUT_VID = 1,
    NS_VOUT_DIRECT = 2,
    NS_VOUT_HALF = 3
} ns_vout_format_t;

/** What VOUT_MODE says. */
typedef struct ns_vout_mode {
    ns_vout_format_t format;
    bool is_relative; /**< bit 7 (PMBus 1.3): limits are ratios of VOUT_COMMAND; readings are not */
    uint8_t parameter; /**< bits 4:0 as they are */
    int32_t exponent;  /**< LINEAR16: -16 .. 15; else 0 */
    ns_vid_t vid;      /**< VID: the usual table of that parameter, or NS_VID_UNKNOWN; the parameter
                          is the maker's own, so part data goes first */
} ns_vout_mode_t;

/**
 * @brief Take VOUT_MODE apart.
 * @retval NS_OK      *out is filled in
 * @retval NS_E_ARG   out is NULL
 * @retval NS_E_RANGE DIRECT or half with a parameter other than 0; 0xFF, a floating bus, is one
 */
ns_status_t ns_vout_mode(uint8_t raw, ns_vout_mode_t *out);

/**
 * @brief SMBus packet error code: CRC-8, polynomial 0x07, most significant bit first.
 * @param[in] crc   0 to start, or the result over the bytes before
 * @param[in] bytes every byte on the wire, addresses included; may be NULL when size is 0
 */
uint8_t ns_pec(uint8_t crc, const uint8_t *bytes, size_t size);

/**
 * @brief CRC-32C (Castagnoli), reflected, initial and final inversion inside.
 * @param[in] crc   0 to start, or the result over the bytes before
 * @param[in] bytes may be NULL when size is 0
 */
uint32_t ns_crc32c(uint32_t crc, const uint8_t *bytes, size_t size);

/**
 * @brief Consistent overhead byte stuffing: the output holds no zero byte and no delimiter.
 * @retval NS_OK     encoded, *out_size bytes (size + 1 + size / 254 at most)
 * @retval NS_E_ARG  NULL
 * @retval NS_E_FULL capacity too small
 */
ns_status_t ns_cobs_encode(const uint8_t *bytes, size_t size, uint8_t *out, size_t capacity,
                           size_t *out_size);

/**
 * @brief Undo ns_cobs_encode; the delimiter is not part of the input.
 * @retval NS_OK         decoded
 * @retval NS_E_ARG      NULL
 * @retval NS_E_PROTOCOL empty, a zero byte inside, or a code pointing past the end
 * @retval NS_E_FULL     capacity too small
 */
ns_status_t ns_cobs_decode(const uint8_t *bytes, size_t size, uint8_t *out, size_t capacity,
                           size_t *out_size);
/* cffi: end */

#ifdef __cplusplus
}
#endif
#endif
