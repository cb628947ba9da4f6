/**
 * @file sim_devices.h
 * @brief The simulated complement of REF-1 on one plant image: six buses and what sits on them.
 * Parameters take away what a smaller node has not.
 *
 * Buses and addresses: rails_a payload 0x10, accel0..3 0x11..0x14, auxiliary rails 0..3 pages of
 * 0x20; rails_b accel4..7 0x11..0x14, auxiliary rails 4..7 pages of 0x20; rails_host pages of 0x30.
 * The module hot-swaps are fed by the payload switch: while it is open they do not answer, and they
 * come back with power-up registers. The auxiliary regulators and the monitor hang on the avionics
 * bus. A switch set-point that somebody else changed is adopted as the state found at the start.
 * Rail buses run at 400 kHz, serial lines at 115200 baud; time on the wire is counted. A rail bus
 * can be made sick by the knobs bus_... of the plant image.
 * Not modelled: loss of the avionics bus, bus arbitration.
 * One thread; no memory is taken after open.
 */
#ifndef NIGHTSIDE_SIM_DEVICES_H
#define NIGHTSIDE_SIM_DEVICES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nightside/bus.h"
#include "plant_image.h"

/* cffi: begin */
/** Buses, in the order of REF-1's drivers. */
enum sim_bus_index {
    SIM_BUS_RAILS_A = 0,
    SIM_BUS_RAILS_B = 1,
    SIM_BUS_RAILS_HOST = 2,
    SIM_BUS_LOOP = 3,
    SIM_BUS_EPS = 4,
    SIM_BUS_HOST = 5
};
#define SIM_BUS_COUNT 6

/** What the hardware's strapping or firmware decides; 0 in the last six: as REF-1. */
typedef struct sim_parameters {
    double pump_speed_max_rpm; /* > 0: top of the loop controller's range, and its safe speed */
    double dead_man_s;         /* > 0: of the loop controller */
    double trip_s;             /* > 0: current above the limit for this long trips */
    double payload_current_limit_a; /* power-up values of IOUT_OC_FAULT_LIMIT, > 0 */
    double module_current_limit_a;
    double aux_current_limit_a;
    double accelerator_count; /* plates of the loop's controller, 1 .. 8 */
    double is_conducted;      /* 1: no loop; the host board reads the radiator */
    double is_fed;            /* 1: no array and battery; the power board meters the buses alone */
    double payload_voltage_v; /* nominal voltage of the payload bus */
    double cap_w_min;         /* range of the accelerators' caps */
    double cap_w_max;
} sim_parameters_t;

typedef struct sim_devices sim_devices_t;

/**
 * @brief Build and power up all devices. The payload switch is strapped on; all others start open.
 * @return the devices, or NULL: an argument is NULL, a parameter is not above 0, or no memory
 */
sim_devices_t *sim_devices_open(sim_plant_image_t *image, const sim_parameters_t *parameters);

/** @brief Give the memory back; NULL is allowed. */
void sim_devices_close(sim_devices_t *self);

/**
 * @brief Let the devices live up to `now_ns`, which is also written to image->time_s. Comparators
 * take the present truth as having held since the last call. A time before the last one counts as
 * no time.
 */
void sim_devices_advance(sim_devices_t *self, int64_t now_ns);

/** @brief Address of the ns_bus_ops_t that serves every simulated bus. */
const void *sim_bus_ops(void);

/** @brief Context of one bus for that table; NULL for no such bus. */
void *sim_bus_context(sim_devices_t *self, int bus);

/** @brief ns_bus_ops.transfer by value, for tests in Python. Returns an ns_status_t. */
int sim_bus_transfer(void *context, uint8_t address, const uint8_t *write, size_t write_size,
                     uint8_t *read, size_t read_size);

/** @brief ns_bus_ops.exchange by value, for tests in Python. Returns an ns_status_t. */
int sim_bus_exchange(void *context, const uint8_t *write, size_t write_size, uint8_t *read,
                     size_t read_capacity, size_t *out_read_size);
/* cffi: end */

#endif
