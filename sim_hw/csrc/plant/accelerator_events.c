/** @file accelerator_events.c  Errors of memory, row remapping, Xid, hang, off the bus. */
#include <math.h>
#include <string.h>

#include "accelerators.h"

/* NVIDIA's catalogue of Xid, 1d. */
#define XID_DOUBLE_BIT 48.0
#define XID_REMAPPED 63.0
#define XID_REMAP_FAILED 64.0
#define XID_OFF_BUS 79.0
#define XID_CONTAINED 94.0
#define XID_UNCONTAINED 95.0
#define XID_NO_ANSWER 119.0

#define XID_HELD_S 1.0 /* an event: its word goes back, or the same one would not show again */
#define RECOVERY_RESET 1.0

/* With a full queue the oldest stay: the cause comes before its consequences. */
static void queue_xid(sim_accelerators_t *self, int32_t i, double xid) {
    if (self->xid_queued[i] < SIM_XID_QUEUE) {
        self->xid_queue[i][self->xid_queued[i]++] = xid;
    }
}

static void tell_xid(sim_accelerators_t *self, sim_plant_image_t *image, int32_t i, double dt_s) {
    if (self->xid_left_s[i] > 0.0) {
        self->xid_left_s[i] -= dt_s;
        if (self->xid_left_s[i] <= 1e-9) {
            self->xid_left_s[i] = 0.0;
            image->truth.accel_xid[i] = 0.0; /* for a step, so that the next one shows */
        }
        return;
    }
    if (self->xid_queued[i] > 0) {
        image->truth.accel_xid[i] = self->xid_queue[i][0];
        self->xid_left_s[i] = XID_HELD_S;
        self->xid_queued[i]--;
        memmove(&self->xid_queue[i][0], &self->xid_queue[i][1],
                sizeof(double) * (SIM_XID_QUEUE - 1));
    }
}

static void ask_reset(sim_accelerators_t *self, sim_plant_image_t *image, int32_t i) {
    self->asks_recovery[i] = 1.0;
    image->truth.accel_recovery_action[i] = RECOVERY_RESET;
}

static void lose_work(sim_accelerators_t *self, const sim_plant_image_t *image, int32_t i) {
    if (image->truth.accel_utilisation_ratio[i] > 0.0) {
        self->lost_work_count[i] += 1.0;
    }
}

/* The row in error is replaced at the next reset, as long as there are spares: A100 guide, 1d. */
static void remap_rows(sim_accelerators_t *self, const sim_accelerators_config_t *config,
                       sim_plant_image_t *image, int32_t i, double rows) {
    sim_knobs_t *knobs = &image->knobs;
    double used = knobs->accel_remapped_corrected_count[i];
    used += knobs->accel_remapped_uncorrected_count[i];
    double left = fmax(config->spare_row_count - used, 0.0);
    knobs->accel_remapped_uncorrected_count[i] += fmin(rows, left);
    if (left > 0.0) {
        knobs->accel_remap_pending[i] = 1.0;
        queue_xid(self, i, XID_REMAPPED);
    }
    if (rows > left) {
        knobs->accel_remap_failed[i] = 1.0;
        queue_xid(self, i, XID_REMAP_FAILED);
    }
}

static double take(double *pending) {
    double count = floor(*pending + 1e-9);
    *pending = 0.0;
    return count;
}

static void take_errors(sim_accelerators_t *self, const sim_accelerators_config_t *config,
                        sim_accelerators_faults_t *faults, sim_plant_image_t *image, int32_t i) {
    sim_truth_t *truth = &image->truth;
    truth->accel_ecc_corrected_count[i] += take(&faults->ecc_corrected_pending[i]);
    double contained = take(&faults->ecc_uncorrected_pending[i]);
    double uncontained = take(&faults->ecc_uncontained_pending[i]);
    if (contained + uncontained < 1.0) {
        return;
    }
    truth->accel_ecc_uncorrected_count[i] += contained + uncontained;
    lose_work(self, image, i);
    if (uncontained > 0.0) {
        queue_xid(self, i, XID_DOUBLE_BIT);
        queue_xid(self, i, XID_UNCONTAINED);
        self->needs_reset[i] = 1.0;
    } else {
        queue_xid(self, i, XID_CONTAINED);
    }
    ask_reset(self, image, i);
    remap_rows(self, config, image, i, contained + uncontained);
}

void sim_accelerator_take_events(sim_accelerators_t *self, const sim_accelerators_config_t *config,
                                 sim_accelerators_faults_t *faults, sim_plant_image_t *image,
                                 int32_t i, double dt_s) {
    tell_xid(self, image, i, dt_s);
    double pending = faults->ecc_corrected_pending[i] + faults->ecc_uncorrected_pending[i] +
                     faults->ecc_uncontained_pending[i] + faults->hang_pending[i] +
                     faults->off_bus_pending[i] + faults->xid_pending[i] +
                     faults->pcie_replay_pending[i];
    if (!(pending > 0.0)) {
        return;
    }
    image->truth.accel_pcie_replay_count[i] += take(&faults->pcie_replay_pending[i]);
    if (image->truth.accel_alive[i] < 0.5) {
        return; /* what is off or lost cannot fail further, nor report it */
    }
    if (faults->xid_pending[i] > 0.0) {
        queue_xid(self, i, take(&faults->xid_pending[i]));
    }
    take_errors(self, config, faults, image, i);
    if (take(&faults->hang_pending[i]) > 0.0 && image->truth.accel_hung[i] < 0.5) {
        lose_work(self, image, i);
        image->truth.accel_hung[i] = 1.0;
        queue_xid(self, i, XID_NO_ANSWER);
    }
    if (take(&faults->off_bus_pending[i]) > 0.0) {
        self->is_off_bus[i] = 1.0;
        queue_xid(self, i, XID_OFF_BUS);
    }
}

void sim_accelerator_forget_events(sim_accelerators_t *self, sim_plant_image_t *image, int32_t i) {
    if (self->xid_left_s[i] > 0.0) {
        image->truth.accel_xid[i] = 0.0;
    }
    if (self->asks_recovery[i] > 0.5) {
        image->truth.accel_recovery_action[i] = 0.0;
        image->knobs.accel_remap_pending[i] = 0.0;
    }
    self->xid_left_s[i] = self->asks_recovery[i] = 0.0;
    self->xid_queued[i] = 0;
    image->truth.accel_hung[i] = self->needs_reset[i] = self->is_memory_slow[i] = 0.0;
}
