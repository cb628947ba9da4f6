/**
 * @file words.h
 * @brief Words of the image that one process writes while others read; private to csrc/image.
 *
 * Order of memory: every store is a release, every load an acquire, and there are no fences. Both
 * orders are needed. A word that is stored last makes known what was stored before it. And a reader
 * that met any word of a newer filling then also sees the mark that was set before that filling
 * began, and tries again. On x86-64 these are plain moves; on AArch64 they are STLR and LDAR, which
 * a node image can afford. A fence would save some of the latter, but ThreadSanitizer of gcc knows
 * no fences (gcc manual, -Wtsan), and what is tested shall be what flies.
 */
#ifndef NIGHTSIDE_IMAGE_WORDS_H
#define NIGHTSIDE_IMAGE_WORDS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef _Atomic uint64_t ns_word_t;

/* Tests compile these files once more with NS_TEST_SEAMS: their hook runs before each access and
 * may interleave somebody else, or never return. The broken variants show that the tests can fail.
 */
#ifdef NS_TEST_SEAMS
void ns_test_seam(bool is_store);
#define NS_SEAM(is_store) ns_test_seam(is_store)
#else
#define NS_SEAM(is_store) ((void)0)
#endif

#ifdef NS_BROKEN_RELEASE_ORDER
#define NS_STORE_ORDER memory_order_relaxed
#else
#define NS_STORE_ORDER memory_order_release
#endif

#ifdef NS_BROKEN_ONE_BANK
#define NS_BANK_MASK 0U
#else
#define NS_BANK_MASK 1U
#endif

static inline uint64_t ns_load(const ns_word_t *word) {
    NS_SEAM(false);
    return atomic_load_explicit(word, memory_order_acquire);
}

static inline void ns_store(ns_word_t *word, uint64_t value) {
    NS_SEAM(true);
    atomic_store_explicit(word, value, NS_STORE_ORDER);
}

static inline uint64_t ns_bits_of(double value) {
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline double ns_double_of(uint64_t bits) {
    double value = 0.0;
    memcpy(&value, &bits, sizeof value);
    return value;
}

#endif
