/**
 * @file accelerators.h
 * @brief The accelerators of a node: switches, boot, power, clock, own protection, memory, events.
 *
 * Sources are sections of docs/models.md. Temperatures are degC. A step costs about 0.5 us for
 * eight: nothing here allocates or loops over more than the accelerators.
 *
 * Power follows a target with the device's own first-order lag:
 *
 *     target = min(cap, static(T) + utilisation * dynamic * limit^2)
 *     static(T) = idle * (1 + leakage * (exp(k * (T - T_ref)) - 1))
 *     dynamic = full - static(T_full)
 *
 * where `limit` is the clock permitted (set-point, own throttling, slowdown) over the top clock.
 * The square stands for the fall of the voltage with the clock (assumed: dynamic power goes with
 * f V^2, and the range of the voltage is narrow). The clock is what the power leaves.
 */
#ifndef NIGHTSIDE_SIM_ACCELERATORS_H
#define NIGHTSIDE_SIM_ACCELERATORS_H

#include <stdbool.h>
#include <stdint.h>

#include "../plant_image.h"

/* cffi: begin */
#define SIM_XID_QUEUE 4
#define SIM_PEAK_WINDOWS 4

/** Numbers of [plant.accelerators]; sim_hw/config_accelerators.py says what each is and whence. */
typedef struct sim_accelerators_config {
    double cap_max_w;
    double cap_min_w; /* of the simulated boards, not of the plant */
    double idle_power_w;
    double full_power_w;
    double full_power_temp_c;
    double leakage_ratio;
    double leakage_per_k;
    double leakage_reference_temp_c;
    double clock_max_mhz;
    double clock_idle_mhz;
    double lag_s;
    double boot_s;
    double throttle_temp_c;
    double throttle_per_k;
    double slowdown_temp_c;
    double slowdown_release_k;
    double shutdown_temp_c;
    double memory_throttle_temp_c;
    double memory_throttle_release_k;
    double memory_throttle_ratio;
    double spare_row_count;
    double aux_voltage_v;
    double aux_current_a;
    double latch_clear_s;
    double switch_k_per_a; /* this and the next: read by the slow truths of the plant */
    double switch_lag_s;
} sim_accelerators_config_t;

/**
 * What the injector writes. A count that is pending is taken by the next step and set back to 0
 * there; it waits while the accelerator does not run, but for the latch and the replays.
 */
typedef struct sim_accelerators_faults {
    double latch_current_a[8];         /* more on the auxiliary rail, until it was off */
    double ecc_corrected_pending[8];   /* errors in memory that were corrected */
    double ecc_uncorrected_pending[8]; /* not corrected, contained: the job dies, Xid 94 */
    double ecc_uncontained_pending[8]; /* not contained: a reset is needed, Xid 48, 95 */
    double hang_pending[8];            /* its controller stops, Xid 119 */
    double off_bus_pending[8];         /* it falls off its bus, Xid 79 */
    double xid_pending[8];             /* an Xid to report without further effect */
    double pcie_replay_pending[8];     /* packets sent again */
} sim_accelerators_faults_t;

/** How the accelerators start. */
typedef struct sim_accelerators_start {
    int32_t count; /* 1..8; the rest of the image's eight stays 0 */
    double seed;   /* whole number: of the transients */
} sim_accelerators_start_t;

/** The state. What is a double and reads as a statement is 0 or 1. */
typedef struct sim_accelerators {
    int32_t count;
    double utilisation_target[8]; /* what the workload asks for, 0..1 */
    double dynamic_w;             /* what full utilisation at full clock adds to the static power */
    double latch_power_w;         /* of all latched currents in the last step */
    double lost_work_count[8];    /* how often what it computed was lost */
    double is_fed[8];             /* its module switch conducts */
    double is_powered[8];         /* module and auxiliary rail are there */
    double is_shut_down[8];       /* too hot: until a power-cycle */
    double is_off_bus[8];         /* until a power-cycle */
    double needs_reset[8];        /* uncontained error: no work until a reset or a power-cycle */
    double is_memory_slow[8];
    double slowdown_ratio[8]; /* of the clock, by the hardware: 1 or 0.5 */
    double booted_s[8];
    double aux_off_s[8];
    double resets_seen[8];
    double target_w[8]; /* power that each settles at */
    double xid_queue[8][4];
    int32_t xid_queued[8];
    double xid_left_s[8];      /* how long the present Xid is still told */
    double asks_recovery[8];   /* the recovery action in the truths is ours */
    double has_peak[8];        /* a transient is in the truths */
    double lag_dt_s, lag_part; /* the last step and what the lag lets through in it */
    uint64_t random;
} sim_accelerators_t;

/** @brief Start with every switch open and nothing running. */
void sim_accelerators_init(sim_accelerators_t *self, const sim_accelerators_config_t *config,
                           sim_plant_image_t *image, const sim_accelerators_start_t *start);

/** @brief Let whatever is powered be booted at once, drawing idle power, as a start state. */
void sim_accelerators_skip_boot(sim_accelerators_t *self, const sim_accelerators_config_t *config,
                                const sim_accelerators_faults_t *faults, sim_plant_image_t *image);

/**
 * @brief Feed or starve what hangs on the switches as they are now; no time passes.
 *
 * Modules hang on the payload bus, auxiliary rails on the avionics bus.
 */
void sim_accelerators_follow_switches(sim_accelerators_t *self,
                                      const sim_accelerators_config_t *config,
                                      const sim_accelerators_faults_t *faults,
                                      sim_plant_image_t *image, bool payload_bus_on,
                                      bool avionics_bus_on);

/**
 * @brief Advance by one step; reads core and memory temperatures from the truths.
 * @param[in] dt_s            0 < dt_s <= 0.2
 * @param[in] bus54_voltage_v 0: the bus is down
 * @param[in] bus28_voltage_v 0: the bus is down
 * @return what all modules draw from the bus, in W
 */
double sim_accelerators_advance(sim_accelerators_t *self, const sim_accelerators_config_t *config,
                                sim_accelerators_faults_t *faults, sim_plant_image_t *image,
                                double dt_s, double bus54_voltage_v, double bus28_voltage_v);

/** @brief What one draws at utilisation 0, in W, at a core temperature. */
double sim_accelerator_static_w(const sim_accelerators_config_t *config, double core_temp_c);

/** @brief What full utilisation at full clock adds to the static power of one, in W. */
double sim_accelerator_dynamic_w(const sim_accelerators_config_t *config);

/**
 * @brief The published peak-power mask: the draw that a module may reach, in times its nominal.
 *
 * Module peak-power mask of the OAM class, 1b: 1.6 for 2 ms, 1.5 for 5, 1.2 for 10, 1.1 for 20.
 * @param[in] window 0 .. SIM_PEAK_WINDOWS - 1, from 2 ms upward
 */
double sim_peak_mask_ratio(int32_t window);
/* cffi: end */

/* ---- between the files of this discipline ---- */

/** @brief Clock that the device permits itself at a core temperature, 0..1 of what is asked. */
double sim_accelerator_throttle_ratio(const sim_accelerators_config_t *config, double core_temp_c);

/** @brief Settle target, clock, utilisation and event reasons of one accelerator. */
void sim_accelerator_settle(sim_accelerators_t *self, const sim_accelerators_config_t *config,
                            sim_plant_image_t *image, int32_t i);

/** @brief Take what is pending: errors, Xid, hang, off the bus; tell each Xid for a second. */
void sim_accelerator_take_events(sim_accelerators_t *self, const sim_accelerators_config_t *config,
                                 sim_accelerators_faults_t *faults, sim_plant_image_t *image,
                                 int32_t i, double dt_s);

/** @brief End what a reset or a power-cycle ends. */
void sim_accelerator_forget_events(sim_accelerators_t *self, sim_plant_image_t *image, int32_t i);

/** @brief Draw the peaks of a load step that has just begun, and forget those of the last step. */
void sim_accelerator_draw_peaks(sim_accelerators_t *self, const sim_accelerators_config_t *config,
                                sim_plant_image_t *image, int32_t i, double rise_w,
                                double bus54_voltage_v);

#endif
