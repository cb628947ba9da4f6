/**
 * @file check_tables.h
 * @brief Tables of the check codes, computed by the compiler. Private to check.c.
 *
 * A table of a CRC is linear: the entry of a byte is the exclusive or of the entries of its bits.
 * So eight entries, bit 0 first, say all 256. They are tested against the bit-by-bit definition.
 */
#ifndef NIGHTSIDE_CHECK_TABLES_H
#define NIGHTSIDE_CHECK_TABLES_H

#include <stdint.h>

#define OF_BIT(byte, bit, entry) (((byte) >> (bit) & 1) != 0 ? (entry) : 0)
#define ENTRY(byte, e0, e1, e2, e3, e4, e5, e6, e7)                                                \
    (OF_BIT(byte, 0, e0) ^ OF_BIT(byte, 1, e1) ^ OF_BIT(byte, 2, e2) ^ OF_BIT(byte, 3, e3) ^       \
     OF_BIT(byte, 4, e4) ^ OF_BIT(byte, 5, e5) ^ OF_BIT(byte, 6, e6) ^ OF_BIT(byte, 7, e7))
#define FOUR(of, i) of(i), of((i) + 1), of((i) + 2), of((i) + 3)
#define SIXTEEN(of, i) FOUR(of, i), FOUR(of, (i) + 4), FOUR(of, (i) + 8), FOUR(of, (i) + 12)
#define SIXTY_FOUR(of, i)                                                                          \
    SIXTEEN(of, i), SIXTEEN(of, (i) + 16), SIXTEEN(of, (i) + 32), SIXTEEN(of, (i) + 48)
#define ALL(of) SIXTY_FOUR(of, 0), SIXTY_FOUR(of, 64), SIXTY_FOUR(of, 128), SIXTY_FOUR(of, 192)

/** Polynomial 0x07, most significant bit first. */
#define PEC(i) ENTRY(i, 0x07, 0x0E, 0x1C, 0x38, 0x70, 0xE0, 0xC7, 0x89)

/** Polynomial 0x1EDC6F41, reflected 0x82F63B78; CRC_n is a byte with n zero bytes behind it. */
#define CRC_0(i)                                                                                   \
    ENTRY(i, 0xF26B8303U, 0xE13B70F7U, 0xC79A971FU, 0x8AD958CFU, 0x105EC76FU, 0x20BD8EDEU,         \
          0x417B1DBCU, 0x82F63B78U)
#define CRC_1(i)                                                                                   \
    ENTRY(i, 0x13A29877U, 0x274530EEU, 0x4E8A61DCU, 0x9D14C3B8U, 0x3FC5F181U, 0x7F8BE302U,         \
          0xFF17C604U, 0xFBC3FAF9U)
#define CRC_2(i)                                                                                   \
    ENTRY(i, 0xA541927EU, 0x4F6F520DU, 0x9EDEA41AU, 0x38513EC5U, 0x70A27D8AU, 0xE144FB14U,         \
          0xC76580D9U, 0x8B277743U)
#define CRC_3(i)                                                                                   \
    ENTRY(i, 0xDD45AAB8U, 0xBF672381U, 0x7B2231F3U, 0xF64463E6U, 0xE964B13DU, 0xD725148BU,         \
          0xABA65FE7U, 0x52A0C93FU)

static const uint8_t pec_table[256] = {ALL(PEC)};
static const uint32_t crc32c_tables[4][256] = {
    {ALL(CRC_0)}, {ALL(CRC_1)}, {ALL(CRC_2)}, {ALL(CRC_3)}};

#endif
