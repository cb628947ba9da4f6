#include "nightside/xid_filter.h"

#include <assert.h>
#include <stddef.h>

#define NS_PER_MS 1000000

static_assert(sizeof((ns_xid_filter_t *)0)->entries ==
                  NS_XID_FILTER_ENTRIES * sizeof(ns_xid_filter_entry_t),
              "as declared");

static bool is_other_half(const ns_xid_filter_entry_t *entry, ns_xid_source_t source,
                          uint32_t device, uint32_t xid, int64_t now_ns) {
    if (entry->sources == 0 || entry->device != device || entry->xid != xid ||
        now_ns - entry->time_ns > (int64_t)NS_XID_FILTER_WINDOW_MS * NS_PER_MS) {
        return false;
    }
    /* Several lines without a number follow one loss: they are one more half at most. */
    return source == NS_XID_FROM_TEXT || (entry->sources & (uint32_t)source) == 0;
}

bool ns_xid_filter_admit(ns_xid_filter_t *self, ns_xid_source_t source, uint32_t device,
                         uint32_t xid, int64_t now_ns) {
    if (self == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < NS_XID_FILTER_ENTRIES; i++) { /* the oldest first */
        ns_xid_filter_entry_t *entry = &self->entries[(self->next + i) % NS_XID_FILTER_ENTRIES];
        if (is_other_half(entry, source, device, xid, now_ns)) {
            entry->sources |= (uint32_t)source;
            return false;
        }
    }
    self->entries[self->next % NS_XID_FILTER_ENTRIES] = (ns_xid_filter_entry_t){
        .device = device, .xid = xid, .sources = (uint32_t)source, .time_ns = now_ns};
    self->next = (self->next + 1) % NS_XID_FILTER_ENTRIES;
    return true;
}
