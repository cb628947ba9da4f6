#include "nightside/codec.h"

#define BLOCK_MAX 0xFFU /* a code of 0xFF: 254 bytes follow, and no zero after them */

ns_status_t ns_cobs_encode(const uint8_t *bytes, size_t size, uint8_t *out, size_t capacity,
                           size_t *out_size) {
    if (bytes == NULL || out == NULL || out_size == NULL) {
        return NS_E_ARG;
    }
    if (capacity == 0) {
        return NS_E_FULL;
    }
    size_t code_at = 0;
    size_t used = 1;
    uint8_t code = 1;
    size_t i = 0;
    while (i < size) {
        bool is_zero = bytes[i] == 0;
        bool is_block_full = code == BLOCK_MAX; /* closes without a zero: take the byte again */
        if (used == capacity) {
            return NS_E_FULL;
        }
        if (is_zero || is_block_full) {
            out[code_at] = code;
            code_at = used++;
            code = 1;
        } else {
            out[used++] = bytes[i];
            code++;
        }
        i += is_block_full ? 0 : 1;
    }
    out[code_at] = code;
    *out_size = used;
    return NS_OK;
}

ns_status_t ns_cobs_decode(const uint8_t *bytes, size_t size, uint8_t *out, size_t capacity,
                           size_t *out_size) {
    if (bytes == NULL || out == NULL || out_size == NULL) {
        return NS_E_ARG;
    }
    if (size == 0) {
        return NS_E_PROTOCOL;
    }
    size_t used = 0;
    size_t at = 0;
    while (at < size) {
        uint8_t code = bytes[at++];
        if (code == 0 || (size_t)(code - 1) > size - at) {
            return NS_E_PROTOCOL;
        }
        for (uint8_t k = 1; k < code; k++) {
            if (bytes[at] == 0) {
                return NS_E_PROTOCOL;
            }
            if (used == capacity) {
                return NS_E_FULL;
            }
            out[used++] = bytes[at++];
        }
        if (code != BLOCK_MAX && at < size) {
            if (used == capacity) {
                return NS_E_FULL;
            }
            out[used++] = 0;
        }
    }
    *out_size = used;
    return NS_OK;
}
