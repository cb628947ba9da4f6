#include "ladder.h"

/* Facts of the tables: Intel, VRM/EVRD 11.0, VR12, VR12.5 and IMVP9 guidelines, as the drivers of
 * such regulators show them. Unverified: that 0xFE and 0xFF of VR11 are off, and what AMD's codes
 * above 0xD8 mean: they are refused. */

#define MICRO 1e6

typedef struct vid_table {
    uint8_t first; /**< code, with its voltage */
    uint8_t last;
    int32_t first_uv;
    int32_t step_uv;
    bool has_off; /**< code 0 is off */
} vid_table_t;

static const vid_table_t tables[] = {
    [NS_VID_VR11] = {.first = 0x02, .last = 0xB2, 1600000, -6250, .has_off = true},
    [NS_VID_VR12] = {.first = 0x01, .last = 0xFF, 250000, 5000, .has_off = true},
    [NS_VID_VR13] = {.first = 0x01, .last = 0xFF, 500000, 10000, .has_off = true},
    [NS_VID_IMVP9] = {.first = 0x01, .last = 0xFF, 200000, 10000, .has_off = true},
    [NS_VID_AMD] = {.first = 0x00, .last = 0xD8, 1550000, -6250, .has_off = false},
};

static const vid_table_t *find_table(ns_vid_t table) {
    bool is_known = (int)table >= NS_VID_VR11 && (int)table <= NS_VID_AMD;
    return is_known ? &tables[table] : NULL;
}

static bool code_means_off(ns_vid_t table, uint16_t raw) {
    bool is_more_of_vr11 = table == NS_VID_VR11 && (raw == 0x01 || raw == 0xFE || raw == 0xFF);
    return (raw == 0 && tables[table].has_off) || is_more_of_vr11;
}

static double value_of(const vid_table_t *table, uint32_t code) {
    int32_t microvolts = table->first_uv + table->step_uv * (int32_t)(code - table->first);
    return (double)microvolts / MICRO;
}

static uint32_t code_of(const vid_table_t *table, uint32_t rung) {
    return table->step_uv > 0 ? table->first + rung : table->last - rung;
}

static double value_at(const void *ctx, uint32_t rung) {
    const vid_table_t *table = ctx;
    return value_of(table, code_of(table, rung));
}

ns_status_t ns_vid_decode(ns_vid_t table, uint16_t raw, double *out_v) {
    const vid_table_t *found = find_table(table);
    if (found == NULL || out_v == NULL) {
        return NS_E_ARG;
    }
    if (code_means_off(table, raw)) {
        *out_v = 0.0;
        return NS_OK;
    }
    if (raw < found->first || raw > found->last) {
        return NS_E_RANGE;
    }
    *out_v = value_of(found, raw);
    return NS_OK;
}

ns_status_t ns_vid_encode(ns_vid_t table, double value_v, ns_rounding_t rounding,
                          uint16_t *out_raw) {
    const vid_table_t *found = find_table(table);
    if (found == NULL || out_raw == NULL || !ns_rounding_is_known(rounding)) {
        return NS_E_ARG;
    }
    if (found->has_off && value_v >= 0.0 && value_v <= 0.0) {
        *out_raw = 0;
        return NS_OK;
    }
    ns_ladder_t ladder = {
        .at = value_at, .ctx = found, .count = (uint32_t)(found->last - found->first) + 1U};
    uint32_t rung = 0;
    ns_status_t status = ns_ladder_find(&ladder, value_v, rounding, &rung);
    if (status == NS_OK) {
        *out_raw = (uint16_t)code_of(found, rung);
    }
    return status;
}
