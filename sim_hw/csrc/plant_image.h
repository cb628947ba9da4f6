/**
 * @file plant_image.h
 * @brief The plant image: doubles shared by the plant (Python, numpy views) and the simulated
 * devices (C).
 *
 * Everything is a double, so that one word index names any quantity: SIM_WORD(field) + element.
 * The sensor tables are indexed by that same word. Never linked into flight code.
 */
#ifndef NIGHTSIDE_SIM_PLANT_IMAGE_H
#define NIGHTSIDE_SIM_PLANT_IMAGE_H

#include <stddef.h>
#include <stdint.h>

/* cffi: begin */
#define SIM_ACCELERATORS_MAX 8
#define SIM_STRINGS_MAX 8
#define SIM_HOST_RAILS 4

/** Truths: written by the plant only, read by simulated devices through sensors. SI, degC. */
typedef struct sim_truth {
    double accel_power_w[8];
    double accel_core_temp_c[8];
    double accel_memory_temp_c[8];
    double accel_utilisation_ratio[8];
    double accel_clock_mhz[8];
    double accel_energy_j[8];
    double accel_alive[8];         /* 1 powered and booted: its library answers; else it is lost */
    double accel_event_reasons[8]; /* NVML clocks event reason bits */
    double accel_ecc_corrected_count[8];
    double accel_ecc_uncorrected_count[8];
    double accel_xid[8];
    double accel_recovery_action[8];
    double accel_pcie_replay_count[8];
    double module_voltage_v[8]; /* output side of the hot-swap, 0 when open */
    double module_current_a[8];
    double module_temp_c[8];
    double aux_voltage_v[8];
    double aux_current_a[8];
    double payload_voltage_v;
    double payload_current_a;
    double payload_temp_c;
    double host_rail_voltage_v[4]; /* 12, 5, 3.3, 1.8 V */
    double host_rail_current_a[4];
    double host_rail_temp_c[4];
    double pump_speed_rpm[2]; /* a, b */
    double pump_current_a[2];
    double flow_kg_per_s;
    double supply_temp_c; /* coolant into the plates */
    double return_temp_c; /* coolant out of the plates, mixed */
    double radiator_out_temp_c;
    double pressure_kpa; /* across the pumps */
    double accumulator_ratio;
    double plate_outlet_temp_c[8];
    double array_power_w;
    double string_current_a[8];
    double battery_voltage_v;
    double battery_current_a; /* positive: charging */
    double battery_temp_c;
    double charge_ratio;
    double bus54_voltage_v;
    double bus28_voltage_v;
    double cpu_temp_c;
    double edac_corrected_count;
    double nvme_temp_c[2];
    double nvme_wear_ratio[2];
    double disk_free_ratio;
    double accel_memory_bandwidth_ratio[8]; /* of the full bandwidth; lower once memory throttles */
    double accel_hung[8];             /* 1: its controller stands still; settings are refused */
    double module_peak_current_a[32]; /* four per module: highest mean over 2, 5, 10, 20 ms in the
                                         last step; 0 without a load step */
} sim_truth_t;

/** Set-points: written by the simulated devices only, read by the plant. */
typedef struct sim_setpoint {
    double accel_cap_w[8]; /* enforced limit inside the accelerator */
    double accel_clock_max_mhz[8];
    double
        module_enabled[8]; /* 1 closed, 0 open: state of the switch, after the device's own trips */
    double aux_enabled[8];
    double payload_enabled;
    double host_rail_enabled[4];
    double pump_speed_target_rpm[2];
    double bypass_ratio; /* 0 all through the radiator .. 1 all past it */
    double loop_heater_on[2];
    double battery_heater_on;
} sim_setpoint_t;

/** How a sensor lies. Values are written by the fault injector. */
enum sim_sensor_mode {
    SIM_SENSOR_OK = 0,
    SIM_SENSOR_STUCK = 1,  /* repeats its last output */
    SIM_SENSOR_BIAS = 2,   /* output + sensor_value */
    SIM_SENSOR_FORCED = 3, /* output = sensor_value (open, short) */
    SIM_SENSOR_SPIKE = 4   /* the next single sample = sensor_value, then back to OK */
};

#define SIM_TRUTH_WORDS (sizeof(sim_truth_t) / sizeof(double))

/** Knobs: written by the fault injector (and a few by the plant at reset), read by devices. */
typedef struct sim_knobs {
    double nvml_return[8]; /* nonzero: every call on that accelerator returns this NVML code */
    double accel_cap_ignored
        [8]; /* 1: the enforced limit reads as set but the accelerator does not obey */
    double module_nack[8]; /* 1: that device does not acknowledge its address */
    double
        aux_nack[8]; /* per rail page; the multi-page device NACKs when any of its rails is set */
    double payload_nack;
    double host_rail_nack;
    double loop_silent; /* 1: the controller does not answer */
    double eps_silent;
    double host_silent;
    double module_fail_closed[8]; /* 1: the switch conducts whatever it is told, while it is fed */
    double
        module_spurious_trip[8];   /* 1: trips once without a cause; the device sets it back to 0 */
    double module_brown_out[8];    /* 1: loses its registers once, yet answers; set back to 0 */
    double aux_brown_out[2];       /* the same, per four-page part: accelerators 0..3, 4..7 */
    double nvml_hang[8];           /* 1: calls on that accelerator block until this is 0 again */
    double nvml_delay_s[8];        /* > 0: calls on that accelerator take so long */
    double nvml_fault_function[8]; /* nvml_return, _hang, _delay_s strike this function only; by
                                      sim_nvml_function_number, 0 all */
    double nvml_no_permission[8];  /* 1: what changes a setting is refused */
    double nvml_driver_return;     /* as nvml_return, for calls that name no accelerator */
    double nvml_driver_hang;       /* as nvml_hang, for those calls */
    double accel_cap_clamp_w[8];   /* > 0: the enforced limit stays at or below it */
    double accel_slowdown[8];      /* 1: the board halves its clock by itself (power brake) */
    double accel_remapped_corrected_count[8]; /* memory rows remapped so far */
    double accel_remapped_uncorrected_count[8];
    double accel_remap_pending[8]; /* 1: a row waits for the next reset */
    double accel_remap_failed[8];  /* 1: no spare row was left */
    double bus_sda_clocks[3]; /* rails_a, rails_b, rails_host: SDA is held low until so many clocks;
                                 below 0 for ever; the bus counts down */
    double bus_stretch_us[3]; /* every part of the bus holds SCL this long in every message */
    double bus_last_moment[3];     /* 1: every answer comes 1 us before the time-out */
    double bus_byte_error_rate[3]; /* chance that a random bit of a byte on the wire turns over */
} sim_knobs_t;

/** Registers of the accelerators' driver, kept here so that all clients of one plant see the same.
 */
typedef struct sim_boards {
    double cap_requested_w[8];      /* 0: never set */
    double is_cap_clamped[8];       /* 1: the enforced limit is below the requested one */
    double clock_requested_mhz[8];  /* 0: no lock */
    double is_slowed[8];            /* 1: the board slows its clock by itself */
    double memory_clock_max_mhz[8]; /* 0: no lock */
    double persistence[8];
    double is_drained[8];
    double is_removed[8];
    double power_violation_s[8]; /* how long a cap held the clock down since power-up */
    double thermal_violation_s[8];
    double brake_violation_s[8];
    double enumeration;    /* counts removals and discoveries: older handles are dead */
    double reset_count[8]; /* discoveries after a removal: the plant boots it anew */
    double cap_w_min;      /* range of the caps of this kind of board; 0: those of REF-1 */
    double cap_w_max;
} sim_boards_t;

typedef struct sim_plant_image {
    double time_s;
    sim_truth_t truth;
    sim_setpoint_t setpoint;
    sim_knobs_t knobs;
    double sensor_mode[400]; /* by truth word; enum sim_sensor_mode as a number */
    double sensor_value[400];
    double sensor_noise[400]; /* one sigma, in the unit of the word; 0 none */
    double sensor_lsb[400];   /* quantum, 0 none */
    double sensor_lag_s[400]; /* first-order lag, 0 none */
    double sensor_seed;       /* whole number: where the noise of all sensors starts */
    sim_boards_t boards;
} sim_plant_image_t;
/* cffi: end */

#endif
