/**
 * @file sim_bench.h
 * @brief A bench without a plant: one bus, any parts on it, and direct knobs for what they measure.
 *
 * For contract tests of drivers and for fault tests. A bench is large (about 40 kB a part): make it
 * static. Everything is deterministic; time passes only by sim_bench_advance and on the wire.
 *
 * ```c
 * static sim_bench_t bench;
 * sim_bench_open(&bench, 400000);
 * sim_part_t *part = sim_part_open(&bench, SIM_PART_ADM1272, 0x10, 1);
 * part->rail[0].truth[SIM_VIN] = 54.0;
 * sim_bench_advance(&bench, 100000);
 * ns_bus_t bus = sim_bench_bus(&bench);
 * ```
 */
#ifndef NIGHTSIDE_SIM_BENCH_H
#define NIGHTSIDE_SIM_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "i2c_bus.h"
#include "ina.h"
#include "pmbus_part.h"
#include "rail.h"
#include "tmp.h"

#define SIM_BENCH_PARTS 8

typedef enum sim_part_kind {
    SIM_PART_GENERIC = 0, /**< LINEAR11 and LINEAR16 */
    SIM_PART_GENERIC_DIRECT = 1,
    SIM_PART_ADM1272 = 2,
    SIM_PART_ADM1275 = 3,
    SIM_PART_LM25066 = 4,
    SIM_PART_LM5066 = 5,
    SIM_PART_LTC2978 = 6,
    SIM_PART_LTC3887 = 7,
    SIM_PART_ISL68137 = 8,
    SIM_PART_RAA228 = 9,
    SIM_PART_MP2975 = 10,
    SIM_PART_UCD90320 = 11,
    SIM_PART_INA219 = 12,
    SIM_PART_INA226 = 13,
    SIM_PART_INA228 = 14,
    SIM_PART_TMP1075 = 15,
    SIM_PART_TMP421 = 16,
    SIM_PART_TMP464 = 17,
    SIM_PART_KINDS = 18
} sim_part_kind_t;

/**
 * One part. Knobs: truths of `rail` by page (INA: SIM_VOUT the bus voltage, SIM_IOUT the current,
 * SIM_TEMP_1 the die; TMP: SIM_TEMP_1 of rail 0 the die, of rail 1 .. 4 the diodes), the wire knobs
 * of `seat`, and those below.
 */
typedef struct sim_part {
    sim_part_kind_t kind;
    sim_i2c_slot_t *seat;
    sim_rail_t rail[SIM_PAGES_MAX];
    double supply;        /**< 0: unpowered */
    double brown_out;     /**< 1: loses its registers at the next advance, yet answers; goes to 0 */
    double nack;          /**< 1: does not acknowledge */
    double fail_closed;   /**< 1: the switch of page 0 conducts whatever it is told */
    double spurious_trip; /**< 1: page 0 trips once without a cause; goes to 0 */
    sim_pmbus_part_t pmbus;
    sim_ina_t ina;
    sim_tmp_t tmp;
} sim_part_t;

/** A bus with parts. */
typedef struct sim_bench {
    sim_i2c_bus_t i2c;
    int64_t now_ns;
    uint8_t part_count;
    sim_part_t part[SIM_BENCH_PARTS];
} sim_bench_t;

/** @brief An empty bench at time 0. @param[in] bus_hz 100 000 or 400 000 */
void sim_bench_open(sim_bench_t *self, uint32_t bus_hz);

/**
 * @brief Put a part on the bench and power it up; truths are 0.
 * @param[in] page_count 1 .. what the model has; ignored by INA and TMP. A generic part of one page
 *            has no PAGE command.
 * @return the part, or NULL: no room, the address is taken, or the page count does not fit
 */
sim_part_t *sim_part_open(sim_bench_t *self, sim_part_kind_t kind, uint8_t address,
                          uint8_t page_count);

/** @brief Let time pass, in steps of at most 0.1 ms for the first millisecond, then 1 ms. */
void sim_bench_advance(sim_bench_t *self, int64_t duration_us);

/** @brief The bus as a driver takes it. */
ns_bus_t sim_bench_bus(sim_bench_t *self);

/** @brief Set a plain register, limit or configuration, as firmware or a strap would; no effect on
 * INA and TMP. */
void sim_part_strap(sim_part_t *self, uint8_t page, uint8_t code, uint16_t word);

/** @brief An upset of one bit of a register. @return false: the part has no such register */
bool sim_part_flip(sim_part_t *self, uint8_t page, uint8_t code, uint8_t bit);

#endif
