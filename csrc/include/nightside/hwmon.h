/**
 * @file hwmon.h
 * @brief Device class `hwmon`: one chip under /sys/class/hwmon, read and written through the
 * kernel's own driver.
 *
 * Source: the kernel's hwmon sysfs interface: temperatures in milli degC, voltages in mV, currents
 * in mA, power in uW, fans in rpm, one integer a file.
 */
#ifndef NIGHTSIDE_HWMON_H
#define NIGHTSIDE_HWMON_H

#include <stdbool.h>
#include <stdint.h>

#include "nightside/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Ops of a device opened with ns_hwmon_open; its context is the ns_hwmon_t. */
extern const ns_device_ops_t ns_hwmon_ops;

/* cffi: begin */
/** Sizes of the class. */
enum ns_hwmon_limits {
    NS_HWMON_ATTRIBUTES_MAX = 32,
    NS_HWMON_NAME_SIZE = 32, /**< bytes of a name, its NUL included */
    NS_HWMON_PATH_SIZE = 128
};

/** One file of the chip; its number in the table is its channel. */
typedef struct ns_hwmon_attribute {
    char name[32];        /**< e.g. "temp1_input"; no path */
    double scale;         /**< unit of the point per unit of the file, > 0: 1e-3 for temp1_input */
    uint32_t is_writable; /**< 0 or 1 */
} ns_hwmon_attribute_t;

/** One chip: found by its name and what it hangs on, never by its number. */
typedef struct ns_hwmon_config {
    char root[128];  /**< absolute; "/sys/class/hwmon" */
    char name[32];   /**< content of the chip's `name`, e.g. "nvme" */
    char device[64]; /**< last part of where its `device` link points, e.g. "0000:41:00.0"; empty:
                          the only chip of that name */
    uint32_t attribute_count; /**< 1 .. NS_HWMON_ATTRIBUTES_MAX */
    ns_hwmon_attribute_t attributes[32];
} ns_hwmon_config_t;

/** Memory of one device, the caller's; the fields are the library's own. */
typedef struct ns_hwmon {
    ns_hwmon_config_t config;
    int32_t folder;      /**< descriptor of the chip's folder, -1 while absent */
    int32_t files[32];   /**< kept descriptors, -1 where the chip has no such file */
    int64_t searched_ns; /**< when the chip was last looked for */
    bool is_searched;
} ns_hwmon_t;

/**
 * @brief Open; nothing is read. The device's ops are ns_hwmon_ops.
 *
 * begin finds the chip, at most once a second while it is absent, and keeps a descriptor per
 * attribute; a read is then one pread. A chip that vanished (driver unloaded, device removed) is
 * found again by name and device, whatever number it has then. A write is rounded to the nearest
 * integer; the engine's read-back finds what the driver made of it. A call lasts as long as the
 * kernel's driver takes: no deadline can be given to it.
 * @retval NS_OK    open
 * @retval NS_E_ARG NULL, a relative or unterminated text, a name with a slash, a count or scale out
 *                  of range
 *
 * The ops return
 * @retval NS_E_ABSENT      no such chip, or it vanished
 * @retval NS_E_REFUSED     two chips fit the name and no device was given; no permission
 * @retval NS_E_UNSUPPORTED the chip has no such file; a file that cannot be written
 * @retval NS_E_RANGE       the file holds no integer; the driver finds the value impossible
 * @retval NS_E_BUSY        EAGAIN, EBUSY
 * @retval NS_E_STALE       ENODATA: no reading now
 * @retval NS_E_TIMEOUT     ETIMEDOUT
 * @retval NS_E_IO          any other error
 * @retval NS_E_ARG         no such channel
 */
ns_status_t ns_hwmon_open(ns_hwmon_t *self, const ns_hwmon_config_t *config);
/* cffi: end */

#ifdef __cplusplus
}
#endif
#endif
