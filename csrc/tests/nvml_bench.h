/**
 * @file nvml_bench.h
 * @brief One accelerator behind the fake library, on a clock of the test.
 */
#ifndef NIGHTSIDE_TEST_NVML_BENCH_H
#define NIGHTSIDE_TEST_NVML_BENCH_H

#include "check.h"
#include "fake_nvml.h"
#include "nightside/nvml.h"

#define UNTOUCHED (-12345.0)

extern ns_nvml_t device;
extern int64_t now_ns; /**< of the last begin */

/** @brief The knobs of the library at a path, at their defaults; it stays loaded. */
fake_nvml_t *knobs_of(const char *path);

/** @brief Open the accelerator in the library at a path, or in the whole one where it must work. */
ns_status_t open_path(const char *path);
fake_nvml_t *open_device(void);
void close_device(void);

/** @brief Begin a round 100 ms after the last one, or so much later; all channels are due. */
ns_status_t begin(void);
ns_status_t begin_later(int64_t ms);
ns_status_t begin_due(uint64_t due);

/** @brief The ops; a failed read must leave its output alone. */
ns_status_t read_channel(uint32_t channel, double *out);
ns_status_t read_status(uint32_t channel);
double value_of(uint32_t channel);
ns_status_t write_channel(uint32_t channel, double value);

/** @brief A driver that was unloaded and loaded: nothing of before is left in the device. */
void reload_driver(fake_nvml_t *fake);

/** @brief Announce an event. */
void announce(fake_nvml_t *fake, uint64_t type, uint64_t data);

#endif
