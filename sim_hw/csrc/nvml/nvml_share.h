/**
 * @file nvml_share.h
 * @brief A plant image that another process owns, mapped by the simulated NVML library.
 *
 * The file is a sealed memfd of the simulation, reached as /proc/PID/fd/N: it cannot shrink while
 * it is mapped, and it is gone with its owner. Anything else is refused. Layout: the header, padded
 * to SIM_SHARE_HEADER_BYTES, then sim_plant_image_t. Written by sim_hw/plant_share.py. Every word
 * is an aligned 8 bytes, so that a reader sees the old or the new one; several are no snapshot.
 */
#ifndef NIGHTSIDE_SIM_NVML_SHARE_H
#define NIGHTSIDE_SIM_NVML_SHARE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nvml_api.h"

#define SIM_SHARE_VARIABLE "NIGHTSIDE_SIM_NVML" /* environment: path of the shared plant image */
#define SIM_SHARE_MAGIC 0x31544E414C50534Eull   /* "NSPLANT1" in memory, little endian */
#define SIM_SHARE_VERSION 1u
#define SIM_SHARE_HEADER_BYTES 4096u

typedef struct sim_share_header {
    uint64_t magic;
    uint32_t version;
    uint32_t header_bytes;
    uint64_t image_bytes;
    uint64_t owner_pid;         /**< 0: the simulation is over */
    uint64_t owner_start_ticks; /**< field 22 of /proc/PID/stat: a pid may be used again */
} sim_share_header_t;

static_assert(sizeof(sim_share_header_t) == 40, "written by Python with the same layout");
static_assert(offsetof(sim_share_header_t, owner_pid) == 24, "as in sim_hw/plant_share.py");

typedef struct sim_share {
    void *memory; /**< NULL: nothing is mapped */
    int64_t looked_ns;
    bool is_orphan;
} sim_share_t;

/**
 * @brief Map the plant image at `path`.
 * @retval NS_NVML_SUCCESS                 mapped, and its owner lives
 * @retval NS_NVML_NO_PERMISSION           it belongs to somebody else
 * @retval NS_NVML_LIB_RM_VERSION_MISMATCH it is a plant image of another build
 * @retval NS_NVML_DRIVER_NOT_LOADED       no file, no sealed plant image, or its owner is gone
 */
ns_nvml_return_t sim_share_open(sim_share_t *self, const char *path);

/** @brief Unmap; allowed when nothing is mapped. */
void sim_share_close(sim_share_t *self);

/** @brief The image; NULL when nothing is mapped. */
sim_plant_image_t *sim_share_image(const sim_share_t *self);

/** @brief Pid of the process that simulates. */
uint32_t sim_share_owner(const sim_share_t *self);

/** @brief Whether the simulation is over or dead; the process table is read at most 10 times a
 * second. */
bool sim_share_is_orphan(sim_share_t *self);

/** @brief Monotonic clock in ns. */
int64_t sim_share_now_ns(void);

/** @brief Sleep; a signal ends it early. */
void sim_share_sleep_ns(int64_t duration_ns);

#endif
