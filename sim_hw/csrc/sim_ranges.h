/**
 * @file sim_ranges.h
 * @brief Range and tolerance of every channel of the parts on a bench, so that one test can sweep
 * them all.
 *
 * A reading in `low` .. `high` differs from the truth by at most `tolerance`: the rounding of the
 * part's own format at the widest place of the range, nothing else. Parts as sim_part_open makes
 * them, with all channels sampled; ADM127x in the high ranges. INA: of the raw shunt register over
 * 2 mOhm.
 */
#ifndef NIGHTSIDE_SIM_RANGES_H
#define NIGHTSIDE_SIM_RANGES_H

#include "sim_bench.h"

/** One channel. */
typedef struct sim_range {
    sim_part_kind_t kind;
    sim_quantity_t quantity;
    double low;
    double high;
    double tolerance;
} sim_range_t;

/** @brief All channels; *out_count of them. */
const sim_range_t *sim_ranges(size_t *out_count);

#endif
