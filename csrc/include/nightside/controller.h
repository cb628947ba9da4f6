/**
 * @file controller.h
 * @brief Device class `controller`: a microcontroller of ours on the framed protocol of frame.h.
 */
#ifndef NIGHTSIDE_CONTROLLER_H
#define NIGHTSIDE_CONTROLLER_H

#include <stdbool.h>
#include <stdint.h>

#include "nightside/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Ops of a device opened with ns_controller_open; its context is the ns_controller_t. */
extern const ns_device_ops_t ns_controller_ops;

/* cffi: begin */
/** Sizes of the class. */
enum ns_controller_limits {
    NS_CONTROLLER_CHANNELS_MAX = 59 /**< what one POLL_REPLY can hold */
};

/** What a controller is told at opening. */
typedef struct ns_controller_config {
    uint32_t
        channel_count; /**< 1 .. NS_CONTROLLER_CHANNELS_MAX; another count in a reply is an error */
    uint32_t timeout_us; /**< of one exchange, > 0 */
} ns_controller_config_t;

/** Memory of one device, the caller's; the fields are the library's own. */
typedef struct ns_controller {
    const void *bus_ops;
    void *bus_ctx;
    ns_controller_config_t config;
    uint16_t sequence;
    uint8_t flags; /**< NS_FRAME_FLAG_* of the last reply */
    float values[59];
} ns_controller_t;

/**
 * @brief Open; nothing is sent. The device's ops are ns_controller_ops: begin sends POLL, read
 * takes
 *        from the reply, write sends SET.
 * @param[in] bus_ops an ns_bus_ops_t with exchange, bus_ctx its context; both outlive the device
 * @retval NS_OK    open
 * @retval NS_E_ARG NULL, another ABI, no exchange, or a config out of range
 *
 * The ops return what the bus returns, and
 * @retval NS_E_PROTOCOL    a broken frame, another sequence, type or channel count
 * @retval NS_E_ARG         no such channel
 * @retval NS_E_RANGE       the controller answers a NaN or infinity, or finds the value impossible
 * @retval NS_E_UNSUPPORTED the controller does not let this channel be written
 */
ns_status_t ns_controller_open(ns_controller_t *self, const ns_controller_config_t *config,
                               const void *bus_ops, void *bus_ctx);
/* cffi: end */

#ifdef __cplusplus
}
#endif
#endif
