#include "nightside/status.h"

const char *ns_status_name(ns_status_t status) {
    switch (status) {
    case NS_OK:
        return "NS_OK";
#define NAME(code)                                                                                 \
    case code:                                                                                     \
        return #code;
        NAME(NS_E_ARG)
        NAME(NS_E_FULL)
        NAME(NS_E_BUSY)
        NAME(NS_E_IO)
        NAME(NS_E_RANGE)
        NAME(NS_E_NACK)
        NAME(NS_E_PEC)
        NAME(NS_E_TIMEOUT)
        NAME(NS_E_ABSENT)
        NAME(NS_E_UNSUPPORTED)
        NAME(NS_E_STALE)
        NAME(NS_E_PROTOCOL)
        NAME(NS_E_PAGE)
        NAME(NS_E_LAYOUT)
        NAME(NS_E_REFUSED)
        NAME(NS_E_RESET)
#undef NAME
    default:
        return "NS_E_?";
    }
}
