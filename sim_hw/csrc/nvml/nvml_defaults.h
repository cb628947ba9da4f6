/**
 * @file nvml_defaults.h
 * @brief Numbers of the simulated accelerator board, an H100-class module as in REF-1.
 */
#ifndef NIGHTSIDE_SIM_NVML_DEFAULTS_H
#define NIGHTSIDE_SIM_NVML_DEFAULTS_H

#define SIM_NVML_CAP_W_MIN 200.0        /* REF-1 */
#define SIM_NVML_CAP_W_MAX 700.0        /* REF-1; also the default limit */
#define SIM_NVML_CLOCK_MHZ_MIN 210.0    /* assumed */
#define SIM_NVML_CLOCK_MHZ_MAX 1980.0   /* H100 SXM boost clock */
#define SIM_NVML_CLOCK_MEMORY_MHZ 2619u /* H100 SXM memory clock */
#define SIM_NVML_CORE_TEMP_C_MAX 87.0   /* H100: margin 54 at 33 degC */
#define SIM_NVML_MARGIN_SLOWDOWN_C (-2)
#define SIM_NVML_MARGIN_SHUTDOWN_C (-8)
#define SIM_NVML_MEMORY_TEMP_C_MAX 95.0 /* HBM throttles from about 95 degC */

#endif
