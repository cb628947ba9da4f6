/**
 * @file controller.h
 * @brief Simulated microcontrollers on the framed serial protocol: coolant loop, power system, host
 * board.
 *
 * Modelled: POLL, SET, sequence, checks, the loop's dead-man. Not modelled: baud rate, bytes lost
 * in the middle of a frame, resets of the controller.
 */
#ifndef NIGHTSIDE_SIM_CONTROLLER_H
#define NIGHTSIDE_SIM_CONTROLLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nightside/status.h"
#include "sensors.h"

#define SIM_CHANNELS_MAX 32

/** One channel: a sensor, or a set-point that may be written within low .. high. */
typedef struct sim_channel {
    size_t word; /**< truth word, used when setpoint is NULL */
    double *setpoint;
    double low;
    double high;
    double safe; /**< value the dead-man applies */
} sim_channel_t;

/** One controller. dead_man_ns 0: it has none. */
typedef struct sim_controller {
    sim_sensors_t *sensors;
    const double *silent; /**< knob: the line is cut, neither side hears the other */
    int64_t dead_man_ns;
    int64_t now_ns;
    int64_t heard_ns; /**< when the last valid frame came */
    bool has_fired;   /**< reported in flags until the next SET */
    uint8_t channel_count;
    sim_channel_t channel[SIM_CHANNELS_MAX];
} sim_controller_t;

/** @brief Power up at time 0: safe values applied, nothing heard yet. */
void sim_controller_power_up(sim_controller_t *self);

/** @brief Let time pass up to `now_ns`; the dead-man may fire. */
void sim_controller_advance(sim_controller_t *self, int64_t now_ns);

/**
 * @brief One exchange, as ns_bus_ops.exchange.
 * @retval NS_OK        a reply, *out_read_size bytes
 * @retval NS_E_TIMEOUT the line is cut, or the controller took the bytes for noise
 * @retval NS_E_FULL    read_capacity is too small for the reply
 */
ns_status_t sim_controller_exchange(sim_controller_t *self, const uint8_t *write, size_t write_size,
                                    uint8_t *read, size_t read_capacity, size_t *out_read_size);

#endif
