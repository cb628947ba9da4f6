#include "check.h"
#include "nightside/xid_filter.h"

#define MS INT64_C(1000000)

static void the_second_source_is_a_duplicate_whichever_came_first(void) {
    static const ns_xid_source_t sources[] = {NS_XID_FROM_NVML, NS_XID_FROM_LOG, NS_XID_FROM_TEXT};
    for (size_t first = 0; first < 3; first++) {
        for (size_t second = 0; second < 3; second++) {
            ns_xid_filter_t filter = {0};
            CHECK(ns_xid_filter_admit(&filter, sources[first], 2, 79, 0));
            bool is_repeat = first == second && sources[first] != NS_XID_FROM_TEXT;
            CHECK(ns_xid_filter_admit(&filter, sources[second], 2, 79, 0) == is_repeat);
        }
    }
}

static void one_loss_told_three_ways_is_one(void) {
    ns_xid_filter_t filter = {0};
    CHECK(ns_xid_filter_admit(&filter, NS_XID_FROM_NVML, 0, 79, 0));
    CHECK(!ns_xid_filter_admit(&filter, NS_XID_FROM_LOG, 0, 79, 1));
    CHECK(!ns_xid_filter_admit(&filter, NS_XID_FROM_TEXT, 0, 79, 2));
    CHECK(!ns_xid_filter_admit(&filter, NS_XID_FROM_TEXT, 0, 79, 3));
}

static void repeats_of_both_sources_pair_one_to_one(void) {
    ns_xid_filter_t filter = {0};
    CHECK(ns_xid_filter_admit(&filter, NS_XID_FROM_NVML, 0, 31, 0));
    CHECK(ns_xid_filter_admit(&filter, NS_XID_FROM_NVML, 0, 31, 1));
    CHECK(!ns_xid_filter_admit(&filter, NS_XID_FROM_LOG, 0, 31, 2));
    CHECK(!ns_xid_filter_admit(&filter, NS_XID_FROM_LOG, 0, 31, 3));
    CHECK(ns_xid_filter_admit(&filter, NS_XID_FROM_LOG, 0, 31, 4));
}

static void the_key_is_device_and_xid(void) {
    ns_xid_filter_t filter = {0};
    CHECK(ns_xid_filter_admit(&filter, NS_XID_FROM_NVML, 0, 48, 0));
    CHECK(ns_xid_filter_admit(&filter, NS_XID_FROM_LOG, 1, 48, 0));
    CHECK(ns_xid_filter_admit(&filter, NS_XID_FROM_LOG, 0, 63, 0));
    CHECK(!ns_xid_filter_admit(&filter, NS_XID_FROM_LOG, 0, 48, 0));
}

static void the_window_ends_after_five_seconds(void) {
    ns_xid_filter_t filter = {0};
    CHECK(ns_xid_filter_admit(&filter, NS_XID_FROM_NVML, 0, 48, 1000 * MS));
    CHECK(!ns_xid_filter_admit(&filter, NS_XID_FROM_LOG, 0, 48, 6000 * MS));
    CHECK(ns_xid_filter_admit(&filter, NS_XID_FROM_NVML, 0, 63, 1000 * MS));
    CHECK(ns_xid_filter_admit(&filter, NS_XID_FROM_LOG, 0, 63, 6000 * MS + 1));
}

static void the_oldest_report_meets_its_other_half_first(void) {
    ns_xid_filter_t filter = {0};
    for (uint32_t xid = 1; xid < NS_XID_FILTER_ENTRIES; xid++) {
        CHECK(ns_xid_filter_admit(&filter, NS_XID_FROM_NVML, 0, xid, 0));
    }
    CHECK(ns_xid_filter_admit(&filter, NS_XID_FROM_NVML, 0, 48, 0));         /* in the last place */
    CHECK(ns_xid_filter_admit(&filter, NS_XID_FROM_NVML, 0, 48, 1000 * MS)); /* in the first */
    CHECK(!ns_xid_filter_admit(&filter, NS_XID_FROM_LOG, 0, 48, 2000 * MS));
    CHECK(!ns_xid_filter_admit(&filter, NS_XID_FROM_LOG, 0, 48, 5500 * MS));
}

static void a_full_table_forgets_the_oldest(void) {
    ns_xid_filter_t filter = {0};
    for (uint32_t xid = 1; xid <= NS_XID_FILTER_ENTRIES + 1; xid++) {
        CHECK(ns_xid_filter_admit(&filter, NS_XID_FROM_NVML, 0, xid, 0));
    }
    CHECK(!ns_xid_filter_admit(&filter, NS_XID_FROM_LOG, 0, 2, 0));
    CHECK(ns_xid_filter_admit(&filter, NS_XID_FROM_LOG, 0, 1, 0));
    CHECK(!ns_xid_filter_admit(NULL, NS_XID_FROM_LOG, 0, 1, 0));
}

int main(void) {
    the_second_source_is_a_duplicate_whichever_came_first();
    one_loss_told_three_ways_is_one();
    repeats_of_both_sources_pair_one_to_one();
    the_key_is_device_and_xid();
    the_window_ends_after_five_seconds();
    the_oldest_report_meets_its_other_half_first();
    a_full_table_forgets_the_oldest();
    return 0;
}
