/**
 * @file serial.h
 * @brief Bus back end `serial`: exchanges of 0x00-delimited frames over an inherited descriptor.
 *
 * The descriptor is opened, locked and configured (speed, raw mode) by whoever hands it over, and
 * stays that one's: it is never closed here, only made non-blocking. No thread safety.
 */
#ifndef NIGHTSIDE_SERIAL_H
#define NIGHTSIDE_SERIAL_H

#include <stdint.h>

#include "nightside/bus.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Ops of a bus opened with ns_serial_open; its context is the ns_serial_t. No transfer, no recover.
 *
 * exchange first drops what lies unread (at most 16 KiB), so a late answer is not taken for the
 * next one unless it arrives after that; frames of the same kind need sequence numbers. Then it
 * sends, and reads up to the first delimiter behind at least one byte: empty frames are noise and
 * are skipped. Bytes behind the delimiter are dropped. Noise without a delimiter ends up in front
 * of the frame, whose check code finds it.
 * @retval NS_E_TIMEOUT the deadline passed; NS_E_FULL the frame is longer than read_capacity or
 *                      NS_SERIAL_FRAME_MAX (its rest is dropped by the next exchange)
 * @retval NS_E_ABSENT  hang-up: the other end is closed or unplugged; open another descriptor
 * @retval NS_E_ARG     NULL, read_capacity 0, closed, or the descriptor is none
 * @retval others       as in the table of docs/reference/buses.md
 */
extern const ns_bus_ops_t ns_serial_ops;

/* cffi: begin */
/** Sizes of the back end. */
enum ns_serial_limits {
    NS_SERIAL_FRAME_MAX = 1024 /**< bytes of an answer, delimiter included */
};

/** Memory of one bus, the caller's; the fields are the library's own. */
typedef struct ns_serial {
    const void *system;
    int fd;
    uint32_t is_open;
} ns_serial_t;

/**
 * @brief Take a descriptor into use and make it non-blocking; nothing is sent.
 * @param[in] fd open for reading and writing, already configured; stays the caller's, and stays
 *               open until after the last exchange
 * @retval NS_OK    open
 * @retval NS_E_ARG NULL, or fd is no open descriptor
 */
ns_status_t ns_serial_open(ns_serial_t *self, int fd);

/**
 * @brief What the errno of whoever failed to open a line means (docs/reference/buses.md, the column
 *        of opening), so that all openings speak alike.
 * @retval NS_E_IO the table does not name it
 * @retval others  as the table says
 */
ns_status_t ns_serial_open_status(int number);
/* cffi: end */

#ifdef __cplusplus
}
#endif
#endif
