/**
 * @file ladder.h
 * @brief Encoding as a search among all values of a format, in their order. Private to csrc/codec.
 *
 * The encoder asks the decoder, so the two cannot disagree, and rounding is right by construction
 * whatever the sign of a slope. Sixteen steps at most; only limits and set-points are encoded.
 */
#ifndef NIGHTSIDE_LADDER_H
#define NIGHTSIDE_LADDER_H

#include <assert.h>

#include "nightside/codec.h"

static_assert(NS_ROUND_NEAREST == 0 && NS_ROUND_UP == 2, "the range of ns_rounding_is_known");

/** @brief True for one of ns_rounding, whatever a caller has cast to it. */
static inline bool ns_rounding_is_known(ns_rounding_t rounding) {
    return (int)rounding >= NS_ROUND_NEAREST && (int)rounding <= NS_ROUND_UP;
}

/** The values of a format: at(ctx, rung) is finite and does not fall as the rung rises. */
typedef struct ns_ladder {
    double (*at)(const void *ctx, uint32_t rung);
    const void *ctx;
    uint32_t count; /**< rungs, at least 1 */
} ns_ladder_t;

/**
 * @brief The rung of the value, or its neighbour on the asked side; nearest takes ties away from
 *        zero.
 * @retval NS_OK      found
 * @retval NS_E_ARG   rounding unknown
 * @retval NS_E_RANGE NaN, or outside the ladder
 */
ns_status_t ns_ladder_find(const ns_ladder_t *ladder, double value, ns_rounding_t rounding,
                           uint32_t *out_rung);

#endif
