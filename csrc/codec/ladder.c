#include "ladder.h"

/** The greatest rung whose value is not above `value`; the lowest rung is not. */
static uint32_t rung_below(const ns_ladder_t *ladder, double value) {
    uint32_t below = 0;
    uint32_t beyond = ladder->count;
    while (beyond - below > 1) {
        uint32_t middle = below + (beyond - below) / 2;
        if (ladder->at(ladder->ctx, middle) <= value) {
            below = middle;
        } else {
            beyond = middle;
        }
    }
    return below;
}

ns_status_t ns_ladder_find(const ns_ladder_t *ladder, double value, ns_rounding_t rounding,
                           uint32_t *out_rung) {
    if (!ns_rounding_is_known(rounding)) {
        return NS_E_ARG;
    }
    double lowest = ladder->at(ladder->ctx, 0);
    double highest = ladder->at(ladder->ctx, ladder->count - 1);
    if (!(value >= lowest && value <= highest)) {
        return NS_E_RANGE;
    }
    uint32_t rung = rung_below(ladder, value);
    double under = value - ladder->at(ladder->ctx, rung);
    if (under > 0.0) { /* then it is not the highest: there is one above */
        double over = ladder->at(ladder->ctx, rung + 1) - value;
        bool is_nearer_above = over < under || (!(under < over) && value > 0.0);
        if (rounding == NS_ROUND_UP || (rounding == NS_ROUND_NEAREST && is_nearer_above)) {
            rung++;
        }
    }
    *out_rung = rung;
    return NS_OK;
}
