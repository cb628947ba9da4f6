/**
 * @file tmp.h
 * @brief Register models of the temperature sensors TMP1075, TMP421 and TMP464 (Texas Instruments).
 *
 * Modelled: pointer register, big-endian words of the TMP1075 and TMP464, byte pairs of the TMP421,
 * conversion time, shutdown and one shot, limits of the TMP1075 with its comparator alert, THERM
 * limits of the TMP464, open diode, reset, the lock of the TMP464. Not modelled: offset and
 * ideality correction, hysteresis and THERM2 limits of the TMP464, extended range beyond its flag,
 * fault queue.
 */
#ifndef NIGHTSIDE_SIM_TMP_H
#define NIGHTSIDE_SIM_TMP_H

#include <stdbool.h>
#include <stdint.h>

#include "i2c_bus.h"

#define SIM_TMP_CHANNELS 5 /* 0 the die, 1 .. 4 remote diodes */

typedef enum sim_tmp_kind { SIM_TMP1075 = 0, SIM_TMP421 = 1, SIM_TMP464 = 2 } sim_tmp_kind_t;

/** One sensor. The truths are the caller's; NULL: no such diode. */
typedef struct sim_tmp {
    sim_tmp_kind_t kind;
    const double *temp_c[SIM_TMP_CHANNELS];
    bool is_open[SIM_TMP_CHANNELS]; /**< knob: the diode is not connected */
    bool is_powered;
    uint8_t pointer;
    uint16_t config;
    uint16_t high;
    uint16_t low;
    uint8_t rate;
    uint16_t therm[SIM_TMP_CHANNELS]; /**< TMP464: THERM limits, as words */
    bool is_locked;
    bool has_alert;
    uint8_t open_seen; /**< bit by channel, since the last read of the open status */
    int64_t last_ns;
    int64_t left_ns;                  /**< until the present conversion is done; < 0: none runs */
    int16_t result[SIM_TMP_CHANNELS]; /**< in 1/16 degC */
} sim_tmp_t;

extern const sim_i2c_ops_t sim_tmp_i2c_ops;

/** @brief Power up; the first conversion starts. kind and truths are set by the caller before. */
void sim_tmp_power_up(sim_tmp_t *self);

/** @brief Let the part convert up to `now_ns`. */
void sim_tmp_advance(sim_tmp_t *self, int64_t now_ns);

#endif
