/**
 * @file ina.h
 * @brief Register models of the power monitors INA219, INA226 and INA228 (Texas Instruments).
 *
 * Registers are big endian behind a pointer that stays (SBOS448G 8.5.6, SBOS547A 7.5.3, SLYS021A
 * 7.5.1). Modelled: configuration, conversion time with averaging, triggered modes, calibration,
 * conversion ready, power, energy and charge, alert limits with latch, saturation at full scale,
 * reset, unpowered and deaf. Not modelled: gain and offset errors, the temperature coefficient of
 * the shunt (SHUNT_TEMPCO only keeps its value), delayed start of CONVDLY, SLOWALERT.
 */
#ifndef NIGHTSIDE_SIM_INA_H
#define NIGHTSIDE_SIM_INA_H

#include <stdbool.h>
#include <stdint.h>

#include "i2c_bus.h"

#define SIM_INA_REGISTERS 0x40

typedef enum sim_ina_kind { SIM_INA219 = 0, SIM_INA226 = 1, SIM_INA228 = 2 } sim_ina_kind_t;

/** One monitor. The truths are the caller's. */
typedef struct sim_ina {
    sim_ina_kind_t kind;
    const double *bus_v;
    const double *current_a;
    const double *temp_c; /**< INA228 alone */
    double shunt_ohm;
    bool is_powered;
    uint8_t pointer;
    uint16_t reg[SIM_INA_REGISTERS]; /**< what can be written, and limits */
    int64_t last_ns;
    int64_t span_ns; /**< of the present cycle */
    double sum_bus;
    double sum_shunt;
    bool is_converting;
    bool is_ready; /**< CNVR, CVRF, CNVRF */
    bool has_overflowed;
    int32_t shunt; /**< the last results, as codes */
    int32_t bus;
    int32_t current;
    uint32_t power;
    double energy; /**< in units of the register */
    double charge;
    uint16_t alerts; /**< flags in the layout of the part's alert register */
} sim_ina_t;

extern const sim_i2c_ops_t sim_ina_i2c_ops;

/** @brief Power up. kind, truths and shunt_ohm are set by the caller before. */
void sim_ina_power_up(sim_ina_t *self);

/** @brief Let the part convert up to `now_ns`; the present truths are taken as having held. */
void sim_ina_advance(sim_ina_t *self, int64_t now_ns);

/** @brief An upset of one bit of a register that can be written. @return false: no such one */
bool sim_ina_flip(sim_ina_t *self, uint8_t index, uint8_t bit);

#endif
