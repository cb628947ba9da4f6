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
 * @brief Encode as LINEAR11 with the finest exponent that holds the value (canonical form).
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
 * The decoders take it at its face value (LINEAR11: -0.5). A reader without PEC must refuse it with
 * NS_E_RANGE; a matching PEC confirms it.
 */
bool ns_word_is_floating(uint16_t raw);

/**
 * @brief SMBus packet error code: CRC-8, polynomial 0x07, most significant bit first.
 * @param[in] crc 0 to start, or the result over the bytes before
 */
uint8_t ns_pec(uint8_t crc, const uint8_t *bytes, size_t size);

/**
 * @brief CRC-32C (Castagnoli), reflected, initial and final inversion inside.
 * @param[in] crc 0 to start, or the result over the bytes before
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
