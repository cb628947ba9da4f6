/**
 * @file bridge.h
 * @brief Bus back end `bridge`: a simulated or remote bus behind a stream socket (bench, loopback).
 *
 * Protocol, version 1. The client connects, the server answers each request in turn, and neither
 * says anything else. A message is a header of 20 bytes and `size` bytes of data; integers are
 * little endian.
 *   offset  0  u8[2] "NB"
 *           2  u8    version, NS_BRIDGE_VERSION
 *           3  u8    kind: 1 transfer, 2 exchange, 3 recover; the answer has bit 7 set
 *           4  u32   sequence; the answer has that of its request
 *           8  u32   request: microseconds left to the caller; answer: ns_status_t as i32
 *          12  u16   size of the data behind the header: bytes to write, or bytes read
 *          14  u16   request: transfer, bytes to read; exchange, most bytes to read; else 0
 *          16  u8    request: transfer, the 7 bit address; else 0
 *          17  u8[3] 0
 * An answer has data only with status NS_OK, and for a transfer exactly as much as was asked for.
 * A server that does not speak the version of a request answers NS_E_UNSUPPORTED in its own.
 *
 * An answer with the sequence of an older request is late: it is read and dropped. A connection
 * that is lost, or out of step, is closed, and the next call connects again. A request is never
 * repeated: after a loss nobody knows whether it was carried out. No thread safety.
 */
#ifndef NIGHTSIDE_BRIDGE_H
#define NIGHTSIDE_BRIDGE_H

#include <stdint.h>

#include "nightside/bus.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Ops of a bus opened with ns_bridge_open; its context is the ns_bridge_t. Connecting is part of a
 * call's time.
 * @retval NS_E_ABSENT      nobody listens, or the connection was lost meanwhile
 * @retval NS_E_TIMEOUT     no answer in time, or the far bus says so
 * @retval NS_E_PROTOCOL    an answer that does not fit its request; the connection is closed
 * @retval NS_E_UNSUPPORTED the server speaks another version, or has no such kind of bus
 * @retval NS_E_ARG         NULL, closed, more than NS_BRIDGE_DATA_MAX, or a transfer of nothing
 * @retval others           of the far bus, unchanged
 */
extern const ns_bus_ops_t ns_bridge_ops;

/* cffi: begin */
/** Constants of the protocol. */
enum ns_bridge_limits {
    NS_BRIDGE_VERSION = 1,
    NS_BRIDGE_HEADER_SIZE = 20,
    NS_BRIDGE_DATA_MAX = 1024,       /**< bytes behind a header, either way */
    NS_BRIDGE_RECOVER_US = 1000000,  /**< time given to a recover; assumed */
    NS_BRIDGE_ADDRESS_SIZE_MAX = 116 /**< "unix:" and a socket's path, its end included */
};

/** What a bridge is told at opening. */
typedef struct ns_bridge_config {
    const char *address; /**< "unix:PATH" or "tcp:IPV4:PORT", numbers only; copied */
} ns_bridge_config_t;

/** Memory of one bridge, the caller's; the fields are the library's own. */
typedef struct ns_bridge {
    const void *system;
    char address[116];
    int fd; /**< -1: not connected */
    uint32_t is_open;
    uint32_t sequence;
    uint32_t late_count;    /**< late answers dropped */
    uint32_t connect_count; /**< connections made */
} ns_bridge_t;

/**
 * @brief Prepare a bridge; the first call connects.
 * @retval NS_OK    open
 * @retval NS_E_ARG NULL, or an address that is too long or of another kind
 */
ns_status_t ns_bridge_open(ns_bridge_t *self, const ns_bridge_config_t *config);
/* cffi: end */

#ifdef __cplusplus
}
#endif
#endif
