/**
 * @file fuzz.h
 * @brief What every fuzz target uses: its entry, its claims, and the input as a stream.
 *
 * A stream that has ended gives zeros, and zero always means the ordinary: success, no fault. So a
 * short input is a short story about a device that behaves at the end.
 */
#ifndef NIGHTSIDE_FUZZ_H
#define NIGHTSIDE_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/** Ends the run with the text of the claim; the engine keeps the input. */
#define CLAIM(claim)                                                                               \
    do {                                                                                           \
        if (!(claim)) {                                                                            \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #claim);                      \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/** One execution; the name is libFuzzer's. Returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/** The input as a stream. */
typedef struct fuzz_input {
    const uint8_t *bytes;
    size_t size; /**< bytes left */
} fuzz_input_t;

/** Take up to `size` bytes; what is missing is zero. */
static inline void take_bytes(fuzz_input_t *input, void *out, size_t size) {
    size_t here = size < input->size ? size : input->size;
    memset(out, 0, size);
    if (here > 0) {
        memcpy(out, input->bytes, here);
        input->bytes += here;
        input->size -= here;
    }
}

static inline uint8_t take_u8(fuzz_input_t *input) {
    uint8_t value = 0;
    take_bytes(input, &value, sizeof value);
    return value;
}

static inline uint16_t take_u16(fuzz_input_t *input) {
    uint16_t value = 0;
    take_bytes(input, &value, sizeof value);
    return value;
}

static inline uint32_t take_u32(fuzz_input_t *input) {
    uint32_t value = 0;
    take_bytes(input, &value, sizeof value);
    return value;
}

static inline double take_double(fuzz_input_t *input) {
    double value = 0.0;
    take_bytes(input, &value, sizeof value);
    return value;
}

#endif
