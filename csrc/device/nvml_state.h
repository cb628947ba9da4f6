/**
 * @file nvml_state.h
 * @brief What the files of the `nvml` class share. Private to csrc/device.
 */
#ifndef NIGHTSIDE_NVML_STATE_H
#define NIGHTSIDE_NVML_STATE_H

#include <stdbool.h>

#include "nightside/nvml.h"
#include "nvml_library.h"

#define NS_NVML_PCI_SIZE 32U
#define NS_NVML_NS_PER_MS INT64_C(1000000)
#define NS_NVML_LOOK_UP_PERIOD_NS (NS_NVML_LOOK_UP_PERIOD_MS * NS_NVML_NS_PER_MS)
#define NS_NVML_ATTACH_PERIOD_NS (NS_NVML_ATTACH_PERIOD_MS * NS_NVML_NS_PER_MS)

/** Field values that channels show, by their place in a batch. */
enum ns_nvml_field {
    NS_NVML_F_POWER,
    NS_NVML_F_POWER_AVERAGE,
    NS_NVML_F_MEMORY_TEMP,
    NS_NVML_F_ENERGY,
    NS_NVML_F_ECC_CORRECTED,
    NS_NVML_F_ECC_UNCORRECTED,
    NS_NVML_F_RECOVERY,
    NS_NVML_F_REPLAY,
    NS_NVML_F_REMAPPED_CORRECTED,
    NS_NVML_F_REMAPPED_UNCORRECTED,
    NS_NVML_F_REMAP_PENDING,
    NS_NVML_F_REMAP_FAILED,
    NS_NVML_F_COUNT
};

/** Answers of one batch; an entry that was not asked for says NS_NVML_NO_DATA. */
typedef struct ns_nvml_batch {
    ns_nvml_field_value_t fields[NS_NVML_F_COUNT];
} ns_nvml_batch_t;

/** What was commanded, in the order in which it is applied again: a cap comes after the clocks. */
enum ns_nvml_command {
    NS_NVML_C_PERSISTENCE,
    NS_NVML_C_CLOCK,
    NS_NVML_C_MEMORY_CLOCK,
    NS_NVML_C_CAP,
    NS_NVML_C_COUNT
};

/** A command that the device took once. */
typedef struct ns_nvml_given {
    bool is_given;
    uint32_t number; /**< mW, MHz, or 0 and 1 */
} ns_nvml_given_t;

/** One Xid and the begin that saw it. */
typedef struct ns_nvml_xid {
    int64_t time_ns;
    uint32_t xid;
} ns_nvml_xid_t;

/** What the event set said. */
typedef struct ns_nvml_events {
    ns_nvml_event_set_t set; /**< valid while is_registered */
    bool is_registered;
    bool recovery_is_announced; /**< field 230 is fetched with the next batch */
    bool has_ecc_dbe;
    bool is_unavailable;
    ns_status_t status;  /**< why it is not registered */
    int64_t next_try_ns; /**< to register */
    uint32_t xid;        /**< last one since it was attached or cleared, 0 none */
    uint32_t recovery;   /**< last recovery action read */
    uint32_t seen_count; /**< Xids ever seen */
    ns_nvml_xid_t ring[NS_NVML_XIDS_KEPT];
} ns_nvml_events_t;

/** What an ns_nvml_t holds. */
typedef struct ns_nvml_state {
    ns_nvml_library_t library;
    ns_nvml_device_t device; /**< valid while is_attached */
    bool is_attached;
    bool needs_init;     /**< the driver went away under the library */
    ns_status_t absence; /**< why it is not attached */
    int64_t now_ns;      /**< of the last begin */
    int64_t next_attach_ns;
    uint64_t unsupported_reads;  /**< bit n: channel n, since it was attached */
    uint64_t unsupported_writes; /**< bit n: channel n, since it was attached */
    bool cap_is_pending;         /**< applied again at each begin until it is verified */
    bool has_constraints;
    uint32_t cap_mw_min; /**< valid with has_constraints */
    uint32_t cap_mw_max;
    ns_nvml_given_t given[NS_NVML_C_COUNT];
    ns_nvml_events_t events;
    ns_nvml_batch_t batch; /**< of the last begin */
    uint64_t cost_us;
    ns_xid_filter_t *filter; /**< may be NULL */
    uint32_t filter_device;
    char pci_bus_id[NS_NVML_PCI_SIZE];
    char uuid[NS_NVML_UUID_SIZE];
} ns_nvml_state_t;

/* nvml_attach.c */

/** @brief Drop the handle and the event set; all channels answer `absence` until it is back. */
void ns_nvml_detach(ns_nvml_state_t *self, ns_status_t absence);

/** @brief Class of an answer to a call on the handle; a device that is gone loses its handle. */
ns_status_t ns_nvml_settle(ns_nvml_state_t *self, ns_nvml_return_t code);

/** @brief Find the device, verify it, and bring it to what was commanded before. */
ns_status_t ns_nvml_attach(ns_nvml_state_t *self);

/* nvml_fields.c */

/** @brief Channels, as a mask, that field values show. */
uint64_t ns_nvml_field_channels(void);

/**
 * @brief Ask for the field values of these channels in one call, or for none without a call.
 * @retval NS_OK     answered; a batch that the device cannot give at all makes its channels
 *                   unsupported
 * @retval others    ns_nvml_settle of the call
 */
ns_status_t ns_nvml_fetch(ns_nvml_state_t *self, uint64_t channels, ns_nvml_batch_t *out);

/** @brief One channel of a batch in its unit; *out_value untouched unless NS_OK. */
ns_status_t ns_nvml_field_value(const ns_nvml_batch_t *batch, uint32_t channel, double *out_value);

/* nvml_readings.c */

/** @brief Read a channel that has a function of its own. @retval NS_E_ARG no such channel */
ns_status_t ns_nvml_read_single(ns_nvml_state_t *self, uint32_t channel, double *out_value);

/** @brief Present clocks event reasons. */
ns_status_t ns_nvml_event_reasons(ns_nvml_state_t *self, uint64_t *out_reasons);

/* nvml_limits.c */

/** @brief Write a channel; see ns_nvml_open. */
ns_status_t ns_nvml_write(ns_nvml_state_t *self, uint32_t channel, double value);

/** @brief Apply again what was commanded, as far as the device takes it: the cap last. */
void ns_nvml_apply_given(ns_nvml_state_t *self);

/** @brief Apply the commanded cap again where it is tighter than the enforced limit. */
void ns_nvml_apply_cap(ns_nvml_state_t *self);

/** @brief Read the limits inside which a cap may be. */
void ns_nvml_load_constraints(ns_nvml_state_t *self);

/* nvml_reset.c */

/**
 * @brief Have the kernel driver remove the device and find it again; then it is looked up anew.
 * @retval NS_OK            done; the device may still need seconds until it answers
 * @retval NS_E_BUSY        another client holds it: nothing was reset
 * @retval NS_E_UNSUPPORTED the library is too old for it
 * @retval NS_E_ARG         the PCI address is none
 * @retval others           class of what the library answered
 */
ns_status_t ns_nvml_reset(ns_nvml_state_t *self);

/* nvml_events.c */

/** @brief Register for events unless that is done or known to be in vain. */
void ns_nvml_register_events(ns_nvml_state_t *self);

/** @brief Take what is pending, a bounded number. @return NS_OK, or why the device is gone */
ns_status_t ns_nvml_take_events(ns_nvml_state_t *self);

/** @brief Alarm number, see ns_nvml_alarm_bit_t. */
uint32_t ns_nvml_alarm(const ns_nvml_state_t *self);

/* nvml_evidence.c */

/** @brief Evidence in items of ns_nvml_evidence_tag_t; what cannot be read is left out. */
ns_status_t ns_nvml_capture(ns_nvml_state_t *self, uint8_t *out, size_t capacity, size_t *out_size);

#endif
