/**
 * @file i2c_bus.h
 * @brief A simulated I2C bus: parts at addresses, time on the wire in simulated time, and the
 * faults of a wire.
 *
 * Time: the bus clock is the plant's time plus what the messages since then took on the wire. A
 * message takes one bit for each START, STOP and repeated START and nine for each byte, address
 * bytes included (UM10204, 3.1.2 .. 3.1.6); bus free time and edges are not modelled. Setting the
 * plant's time drops the time on the wire, so the clock may step back by what was spent.
 * Modelled: NACK, clock stretching up to the time-out and beyond, SDA held low until nine clocks or
 * for ever, a part that answers in the last microsecond, bit errors of single messages, the alert
 * line with its response address. Not modelled: other masters, arbitration, rise times, ten-bit
 * addresses.
 */
#ifndef NIGHTSIDE_SIM_I2C_BUS_H
#define NIGHTSIDE_SIM_I2C_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nightside/bus.h"

#define SIM_I2C_PARTS_MAX 16
#define SIM_I2C_ALERT_RESPONSE 0x0Cu /**< SMBus 2.0, 5.2: alert response address */
#define SIM_I2C_FOR_EVER UINT32_MAX

/** What a part supplies to the bus. */
typedef struct sim_i2c_ops {
    /**
     * One message to this part, as ns_bus_ops.transfer, at bus time now_ns.
     * @retval NS_OK, NS_E_NACK
     */
    ns_status_t (*transfer)(void *part, int64_t now_ns, const uint8_t *write, size_t write_size,
                            uint8_t *read, size_t read_size);
    /** True while the part holds the alert line low. May be NULL. */
    bool (*is_alerting)(const void *part);
    /** The part has won the alert response: it lets go of the line. May be NULL. */
    void (*acknowledge_alert)(void *part);
} sim_i2c_ops_t;

/** One seat on the bus. */
typedef struct sim_i2c_slot {
    const sim_i2c_ops_t *ops;
    void *part;
    uint8_t address;
    bool is_deaf;          /**< knob: does not acknowledge its address */
    bool is_stretch_late;  /**< knob: holds SCL after the message took effect, not before */
    uint32_t stretch_us;   /**< knob: SCL held low in each message */
    uint32_t stretch_left; /**< messages that are still stretched; SIM_I2C_FOR_EVER: all */
} sim_i2c_slot_t;

/** Faults of the wire itself; all zero: a good wire. */
typedef struct sim_i2c_faults {
    uint32_t sda_clocks;    /**< SDA is low until this many clocks; SIM_I2C_FOR_EVER: stuck */
    bool is_last_moment;    /**< every answer comes 1 us before the time-out */
    uint32_t flip_skip;     /**< messages that pass before the flip */
    uint32_t flip_count;    /**< messages then hit; 0 none */
    uint16_t flip_byte;     /**< which byte of the message, 0 the first address byte */
    uint8_t flip_mask;      /**< bits of it that turn over */
    double byte_error_rate; /**< chance that a random bit of a byte turns over */
    uint64_t random;        /**< stream of that chance: set it to the seed */
} sim_i2c_faults_t;

/** One bus. Memory is the caller's. */
typedef struct sim_i2c_bus {
    uint32_t bit_ns;
    int64_t plant_ns;
    int64_t wire_ns;         /**< spent since the plant's time was set */
    int64_t occupied_ns;     /**< spent since open: occupancy = occupied / elapsed */
    uint64_t transfer_count; /**< since open */
    uint64_t nack_count;     /**< since open */
    int64_t scl_low_until_ns;
    bool is_ideal; /**< the knobs of faults and seats are not looked at: the fast way */
    sim_i2c_faults_t faults;
    uint8_t slot_count;
    uint8_t slot_of[128]; /**< 1 + slot by address, 0: nobody */
    sim_i2c_slot_t slot[SIM_I2C_PARTS_MAX];
} sim_i2c_bus_t;

/** @brief An empty bus. @param[in] bus_hz 100 000 or 400 000, or any rate above 0 */
void sim_i2c_open(sim_i2c_bus_t *self, uint32_t bus_hz);

/**
 * @brief Seat a part.
 * @return its seat, whose knobs may be turned; NULL: no seat left, or the address is taken or no
 * address of 7 bits
 */
sim_i2c_slot_t *sim_i2c_add(sim_i2c_bus_t *self, uint8_t address, const sim_i2c_ops_t *ops,
                            void *part);

/** @brief The plant has come to `plant_ns`; the time on the wire starts from 0 again. */
void sim_i2c_set_time(sim_i2c_bus_t *self, int64_t plant_ns);

/** @brief True while a part holds the alert line low. */
bool sim_i2c_is_alerting(const sim_i2c_bus_t *self);

/** ns_bus_ops_t of a sim_i2c_bus_t: transfer, now_ns, delay, recover. */
extern const ns_bus_ops_t sim_i2c_bus_ops;

#endif
