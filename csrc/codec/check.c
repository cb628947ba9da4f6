#include "check_tables.h"
#include "nightside/codec.h"

#define SLICE 4U /* bytes a step: evidence and frames are long enough to gain by it */

uint8_t ns_pec(uint8_t crc, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        crc = pec_table[crc ^ bytes[i]];
    }
    return crc;
}

uint32_t ns_crc32c(uint32_t crc, const uint8_t *bytes, size_t size) {
    crc = ~crc;
    size_t i = 0;
    for (; size - i >= SLICE; i += SLICE) {
        crc ^= (uint32_t)bytes[i] | (uint32_t)bytes[i + 1] << 8 | (uint32_t)bytes[i + 2] << 16 |
               (uint32_t)bytes[i + 3] << 24;
        crc = crc32c_tables[3][crc & 0xFFU] ^ crc32c_tables[2][crc >> 8 & 0xFFU] ^
              crc32c_tables[1][crc >> 16 & 0xFFU] ^ crc32c_tables[0][crc >> 24];
    }
    for (; i < size; i++) {
        crc = crc >> 8 ^ crc32c_tables[0][(crc ^ bytes[i]) & 0xFFU];
    }
    return ~crc;
}
