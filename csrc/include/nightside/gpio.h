/**
 * @file gpio.h
 * @brief Lines of one GPIO chip through Linux's character device, version 2 (kernel 5.10 or newer).
 *
 * Inputs (SMBALERT#, power-good) may be debounced and may watch edges; outputs (power brake) take a
 * stated value in the same call that makes them outputs, so there is no moment of another one.
 * After closing, a line is uncontrolled: a resistor on the board must hold what is safe. All
 * values are logical: 1 is active, also on an active-low line. No thread safety.
 */
#ifndef NIGHTSIDE_GPIO_H
#define NIGHTSIDE_GPIO_H

#include <stdbool.h>
#include <stdint.h>

#include "nightside/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Device class `gpio`; its context is an open ns_gpio_t. begin reads all lines at once.
 *   channel n       line n: 0 or 1; writable when it is an output
 *   channel 32 + n  edges of line n since opening, as the kernel numbers them (short pulses and
 *                   edges that overflowed its buffer count); 0 for ever without an edge flag
 * @retval NS_E_ARG         no such channel
 * @retval NS_E_RANGE       a written value other than 0 and 1
 * @retval NS_E_UNSUPPORTED a write of an input or of a count
 * @retval others           as in the table of docs/reference/buses.md
 */
extern const ns_device_ops_t ns_gpio_ops;

/* cffi: begin */
/** Sizes of the class. */
enum ns_gpio_limits {
    NS_GPIO_LINES_MAX = 16,         /**< lines of one chip under one handle */
    NS_GPIO_EDGE_COUNT_CHANNEL = 32 /**< channel of the edges of line 0 */
};

/** What a line is; a sum of these. Without NS_GPIO_OUTPUT it is an input. */
enum ns_gpio_flags {
    NS_GPIO_OUTPUT = 1,
    NS_GPIO_ACTIVE_LOW = 2,   /**< 1 is the low level: SMBALERT#, a power brake */
    NS_GPIO_OPEN_DRAIN = 4,   /**< output only: pulled low or let go */
    NS_GPIO_PULL_UP = 8,      /**< bias, where the chip has one */
    NS_GPIO_PULL_DOWN = 16,   /**< bias, where the chip has one */
    NS_GPIO_EDGE_RISING = 32, /**< input only: to active */
    NS_GPIO_EDGE_FALLING = 64 /**< input only: to inactive */
};

/** One line of the chip. */
typedef struct ns_gpio_line {
    uint32_t offset;      /**< on its chip, as in `gpioinfo` */
    uint32_t flags;       /**< a sum of ns_gpio_flags */
    uint32_t debounce_us; /**< input only, 0 none */
    uint32_t is_active;   /**< output only: value from the first moment on, 0 or 1 */
} ns_gpio_line_t;

/** What is asked for at opening. Lines are known by their place in `lines` from then on. */
typedef struct ns_gpio_config {
    const char *chip_path; /**< "/dev/gpiochip0" */
    const ns_gpio_line_t *lines;
    uint32_t line_count; /**< 1 .. NS_GPIO_LINES_MAX */
} ns_gpio_config_t;

/** An edge that was seen. */
typedef struct ns_gpio_edge {
    uint32_t line;
    uint32_t is_rising;   /**< 1: to active, 0: to inactive */
    int64_t timestamp_ns; /**< CLOCK_MONOTONIC, taken by the kernel at the interrupt */
} ns_gpio_edge_t;

/** Memory of one handle, the caller's; the fields are the library's own. */
typedef struct ns_gpio {
    const void *system;
    int fd;
    uint32_t line_count;
    uint32_t offset[16];
    uint32_t output_mask;
    uint32_t edge_mask;
    uint32_t is_open;
    uint32_t active; /**< bit per line, of the last begin */
    uint32_t edge_count[16];
} ns_gpio_t;

/**
 * @brief Request the lines from the kernel; outputs take their value at once.
 * @retval NS_OK            open
 * @retval NS_E_ARG         NULL, no or too many lines, an unknown flag, a flag or debounce that
 *                          does not go with the direction, is_active above 1, or more kinds of
 *                          lines than the kernel takes in one request (10, less one for values
 *                          and one per debounce time); or the chip has no such offset
 * @retval NS_E_REFUSED     a line is in use by somebody else, or no permission
 * @retval NS_E_ABSENT      no such chip
 * @retval NS_E_UNSUPPORTED not a GPIO chip, or it cannot do what a flag asks
 * @retval NS_E_IO          from the operating system
 */
ns_status_t ns_gpio_open(ns_gpio_t *self, const ns_gpio_config_t *config);

/**
 * @brief Read all lines at one moment.
 * @param[out] out_active bit n: line n is active; untouched unless NS_OK
 * @retval NS_OK, NS_E_ARG (NULL or closed), and those of the table in docs/reference/buses.md
 */
ns_status_t ns_gpio_read(const ns_gpio_t *self, uint32_t *out_active);

/**
 * @brief Set one output.
 * @retval NS_OK            set
 * @retval NS_E_ARG         closed, NULL or no such line
 * @retval NS_E_UNSUPPORTED the line is an input
 * @retval others           as in the table of docs/reference/buses.md
 */
ns_status_t ns_gpio_write(ns_gpio_t *self, uint32_t line, bool is_active);

/**
 * @brief Wait for the next edge of any line with an edge flag; edges queue up in the kernel.
 * @param[in]  timeout_us 0: only look
 * @param[out] out        untouched unless NS_OK
 * @retval NS_OK        an edge
 * @retval NS_E_TIMEOUT none within timeout_us
 * @retval NS_E_ARG     closed, NULL, or no line has an edge flag
 * @retval others       as in the table of docs/reference/buses.md
 */
ns_status_t ns_gpio_wait(ns_gpio_t *self, ns_gpio_edge_t *out, uint32_t timeout_us);

/** @brief Give the lines back; what they do then is the board's. NULL and twice are allowed. */
void ns_gpio_close(ns_gpio_t *self);
/* cffi: end */

#ifdef __cplusplus
}
#endif
#endif
