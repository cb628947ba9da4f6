#include "nightside/codec.h"

/* Half-byte tables: small enough to read, fast enough for messages of a few bytes.
 * Polynomials: PEC 0x07; CRC-32C 0x1EDC6F41, reflected 0x82F63B78. */

static const uint8_t pec_nibble[16] = {0x00, 0x07, 0x0E, 0x09, 0x1C, 0x1B, 0x12, 0x15,
                                       0x38, 0x3F, 0x36, 0x31, 0x24, 0x23, 0x2A, 0x2D};

static const uint32_t crc32c_nibble[16] = {0x00000000U, 0x105EC76FU, 0x20BD8EDEU, 0x30E349B1U,
                                           0x417B1DBCU, 0x5125DAD3U, 0x61C69362U, 0x7198540DU,
                                           0x82F63B78U, 0x92A8FC17U, 0xA24BB5A6U, 0xB21572C9U,
                                           0xC38D26C4U, 0xD3D3E1ABU, 0xE330A81AU, 0xF36E6F75U};

uint8_t ns_pec(uint8_t crc, const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) {
        crc = (uint8_t)(crc ^ bytes[i]);
        crc = (uint8_t)((uint8_t)(crc << 4) ^ pec_nibble[crc >> 4]);
        crc = (uint8_t)((uint8_t)(crc << 4) ^ pec_nibble[crc >> 4]);
    }
    return crc;
}

uint32_t ns_crc32c(uint32_t crc, const uint8_t *bytes, size_t size) {
    crc = ~crc;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        crc = (crc >> 4) ^ crc32c_nibble[crc & 0xFU];
        crc = (crc >> 4) ^ crc32c_nibble[crc & 0xFU];
    }
    return ~crc;
}
