#include <string.h>

#include "nvml_bench.h"

#define ALL_TYPES                                                                                  \
    (NS_NVML_EVENT_XID | NS_NVML_EVENT_ECC_SBE | NS_NVML_EVENT_ECC_DBE |                           \
     NS_NVML_EVENT_UNAVAILABLE | NS_NVML_EVENT_RECOVERY_ACTION)

static uint32_t alarm_number(void) {
    return ns_nvml_ops.alarm(&device);
}

static void the_last_xid_is_kept_and_a_storm_is_bounded(void) {
    fake_nvml_t *fake = open_device();
    for (uint64_t i = 1; i <= 20; i++) {
        announce(fake, NS_NVML_EVENT_XID, 100 + i);
    }
    CHECK_STATUS(begin(), NS_OK);
    CHECK_EXACT(value_of(NS_NVML_XID), 108.0);
    CHECK(fake->event_next == 8);
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(begin(), NS_OK);
    CHECK_EXACT(value_of(NS_NVML_XID), 120.0);
    announce(fake, 0x10, 7); /* a clock event */
    announce(fake, NS_NVML_EVENT_ECC_SBE, 0);
    CHECK_STATUS(begin(), NS_OK);
    CHECK_EXACT(value_of(NS_NVML_XID), 120.0);
    close_device();
    CHECK(fake->event_set_count == 0 && fake->init_count == 0);
}

static void an_xid_that_cannot_be_is_the_unknown_one(void) {
    static const uint64_t data[] = {0, 65536, UINT64_MAX};
    for (size_t i = 0; i < sizeof data / sizeof data[0]; i++) {
        fake_nvml_t *fake = open_device();
        announce(fake, NS_NVML_EVENT_XID, data[i]);
        CHECK_STATUS(begin(), NS_OK);
        CHECK_EXACT(value_of(NS_NVML_XID), 999.0);
        close_device();
    }
}

static void all_types_are_asked_for_and_xids_alone_of_an_older_driver(void) {
    fake_nvml_t *fake = open_device();
    CHECK(fake->types_registered == ALL_TYPES);
    close_device();
    fake = knobs_of(FAKE_NVML_PATH);
    fake->types_known = NS_NVML_EVENT_XID | NS_NVML_EVENT_ECC_DBE;
    CHECK_STATUS(open_path(FAKE_NVML_PATH), NS_OK);
    CHECK(fake->types_registered == NS_NVML_EVENT_XID);
    CHECK_EXACT(value_of(NS_NVML_XID), 0.0);
    close_device();
}

static void without_events_there_is_no_xid(void) {
    fake_nvml_t *fake = knobs_of(FAKE_NVML_PATH);
    fake->returns[FAKE_event_register] = NS_NVML_NOT_SUPPORTED;
    CHECK_STATUS(open_path(FAKE_NVML_PATH), NS_OK);
    CHECK_STATUS(read_status(NS_NVML_XID), NS_E_UNSUPPORTED);
    CHECK(fake->event_set_count == 0);
    unsigned calls = fake->calls[FAKE_event_register];
    CHECK_STATUS(begin_later(5000), NS_OK);
    CHECK(fake->calls[FAKE_event_register] == calls); /* never again */
    close_device();
}

static void a_set_that_failed_is_opened_again_once_a_second(void) {
    fake_nvml_t *fake = knobs_of(FAKE_NVML_PATH);
    fake->returns[FAKE_event_create] = NS_NVML_UNKNOWN;
    CHECK_STATUS(open_path(FAKE_NVML_PATH), NS_OK);
    CHECK_STATUS(begin_later(1000), NS_OK);
    unsigned calls = fake->calls[FAKE_event_create];
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(read_status(NS_NVML_XID), NS_E_IO); /* unheard is not the same as none */
    CHECK(fake->calls[FAKE_event_create] == calls);
    fake->returns[FAKE_event_create] = NS_NVML_SUCCESS;
    CHECK_STATUS(begin_later(1000), NS_OK);
    CHECK_EXACT(value_of(NS_NVML_XID), 0.0);
    fake->returns[FAKE_event_wait] = NS_NVML_UNKNOWN;
    CHECK_STATUS(begin(), NS_OK);
    CHECK_STATUS(read_status(NS_NVML_XID), NS_E_IO);
    CHECK(fake->event_set_count == 0);
    fake->returns[FAKE_event_wait] = NS_NVML_SUCCESS;
    CHECK_STATUS(begin_later(1000), NS_OK);
    CHECK_EXACT(value_of(NS_NVML_XID), 0.0);
    close_device();
}

static void the_alarm_shows_xid_recovery_action_and_announcements(void) {
    fake_nvml_t *fake = open_device();
    fake->field_returns[NS_NVML_FIELD_RECOVERY_ACTION] = NS_NVML_NO_DATA;
    CHECK_STATUS(begin(), NS_OK);
    CHECK(alarm_number() == 0);
    announce(fake, NS_NVML_EVENT_XID, 48);
    CHECK_STATUS(begin(), NS_OK);
    CHECK(alarm_number() == 48);
    announce(fake, NS_NVML_EVENT_ECC_DBE, 0);
    announce(fake, NS_NVML_EVENT_UNAVAILABLE, 0);
    CHECK_STATUS(begin(), NS_OK);
    CHECK(alarm_number() == (48 | NS_NVML_ALARM_ECC_DBE | NS_NVML_ALARM_UNAVAILABLE));
    CHECK_STATUS(ns_nvml_ops.request(&device, NS_REQUEST_CLEAR), NS_OK);
    CHECK(alarm_number() == 0);
    CHECK_EXACT(value_of(NS_NVML_XID), 0.0);
    CHECK_STATUS(ns_nvml_ops.request(&device, NS_REQUEST_POWER_CYCLE), NS_E_UNSUPPORTED);
    CHECK_STATUS(ns_nvml_ops.request(&device, NS_REQUEST_REARM), NS_E_UNSUPPORTED);
    close_device();
}

static void a_recovery_action_is_the_devices_and_outlives_a_clear(void) {
    fake_nvml_t *fake = open_device();
    fake->value_type = NS_NVML_VALUE_U16; /* field 230 then reads 230 */
    CHECK_STATUS(begin(), NS_OK);
    CHECK(alarm_number() == 230U << 16);
    CHECK_STATUS(ns_nvml_ops.request(&device, NS_REQUEST_CLEAR), NS_OK);
    CHECK(alarm_number() == 230U << 16);
    fake->value_type = NS_NVML_VALUE_U32; /* 230000: no such action */
    CHECK_STATUS(begin(), NS_OK);
    CHECK(alarm_number() == 0);
    close_device();
}

static void an_announced_recovery_action_is_fetched_though_not_due(void) {
    fake_nvml_t *fake = open_device();
    fake->value_type = NS_NVML_VALUE_U16;
    CHECK_STATUS(begin_due(0), NS_OK);
    CHECK(fake->calls[FAKE_fields] == 0);
    announce(fake, NS_NVML_EVENT_RECOVERY_ACTION, 0);
    fake->field_returns[NS_NVML_FIELD_RECOVERY_ACTION] = NS_NVML_NO_DATA;
    CHECK_STATUS(begin_due(0), NS_OK);
    fake->field_returns[NS_NVML_FIELD_RECOVERY_ACTION] = NS_NVML_SUCCESS;
    CHECK_STATUS(begin_due(0), NS_OK);
    CHECK(fake->calls[FAKE_fields] == 2 && alarm_number() == 230U << 16);
    CHECK_STATUS(begin_due(0), NS_OK);
    CHECK(fake->calls[FAKE_fields] == 2);
    close_device();
}

static void an_xid_of_before_the_loss_is_latched_until_the_device_is_back(void) {
    fake_nvml_t *fake = open_device();
    announce(fake, NS_NVML_EVENT_XID, 79);
    fake->field_returns[NS_NVML_FIELD_RECOVERY_ACTION] = NS_NVML_NO_DATA;
    fake->returns[FAKE_fields] = NS_NVML_GPU_IS_LOST;
    CHECK_STATUS(begin(), NS_E_ABSENT);
    CHECK(alarm_number() == 79);
    fake->returns[FAKE_fields] = NS_NVML_SUCCESS;
    CHECK_STATUS(begin_later(1000), NS_OK);
    CHECK(alarm_number() == 0);
    CHECK_EXACT(value_of(NS_NVML_XID), 0.0);
    close_device();
}

/** Bytes of one item of the evidence, or NULL. */
static const uint8_t *item(const uint8_t *bytes, size_t size, uint8_t tag, size_t *out_size) {
    for (size_t at = 0; at + 2 <= size; at += 2U + bytes[at + 1]) {
        CHECK(at + 2U + bytes[at + 1] <= size);
        if (bytes[at] == tag) {
            *out_size = bytes[at + 1];
            return &bytes[at + 2];
        }
    }
    return NULL;
}

static uint64_t number_at(const uint8_t *bytes, size_t size) {
    uint64_t number = 0;
    for (size_t i = 0; i < size; i++) {
        number |= (uint64_t)bytes[i] << (8 * i);
    }
    return number;
}

static size_t capture(uint8_t *bytes, size_t capacity) {
    size_t size = capacity + 1;
    CHECK_STATUS(ns_nvml_ops.capture(&device, bytes, capacity, &size), NS_OK);
    CHECK(size <= capacity);
    return size;
}

static void evidence_has_xids_with_their_time_and_the_counters(void) {
    uint8_t bytes[NS_EVIDENCE_BYTES];
    size_t size = 0;
    fake_nvml_t *fake = open_device();
    fake->value_type = NS_NVML_VALUE_U16;
    announce(fake, NS_NVML_EVENT_XID, 31);
    CHECK_STATUS(begin(), NS_OK);
    announce(fake, NS_NVML_EVENT_XID, 48);
    CHECK_STATUS(begin_later(250), NS_OK);
    CHECK_STATUS(begin_later(50), NS_OK);
    size_t length = capture(bytes, sizeof bytes);
    const uint8_t *xids = item(bytes, length, NS_NVML_EVIDENCE_XIDS, &size);
    CHECK(xids != NULL && size == 16);
    CHECK(number_at(xids, 2) == 48 && number_at(xids + 8, 2) == 31);
    CHECK(number_at(xids + 2, 6) - number_at(xids + 10, 6) == 250);
    CHECK(number_at(xids + 2, 6) == (uint64_t)(now_ns / 1000000) - 50);
    const uint8_t *recovery = item(bytes, length, NS_NVML_EVIDENCE_RECOVERY, &size);
    CHECK(recovery != NULL && size == 1 && recovery[0] == 230);
    const uint8_t *ecc = item(bytes, length, NS_NVML_EVIDENCE_ECC, &size);
    CHECK(ecc != NULL && size == 16 && number_at(ecc, 8) == 3 && number_at(ecc + 8, 8) == 4);
    const uint8_t *remap = item(bytes, length, NS_NVML_EVIDENCE_REMAP, &size);
    CHECK(remap != NULL && size == 16 && number_at(remap, 4) == 142);
    CHECK(number_at(remap + 4, 4) == 143 && number_at(remap + 12, 4) == 145);
    const uint8_t *uuid = item(bytes, length, NS_NVML_EVIDENCE_UUID, &size);
    CHECK(uuid != NULL && size == 12 && memcmp(uuid, "555555555555", 12) == 0);
    uint8_t later[NS_EVIDENCE_BYTES];
    CHECK_STATUS(begin_later(5000), NS_OK);
    CHECK(capture(later, sizeof later) == length && memcmp(later, bytes, length) == 0);
    close_device();
}

static void evidence_of_a_storm_fits_and_keeps_the_last_eight(void) {
    uint8_t bytes[NS_EVIDENCE_BYTES];
    size_t size = 0;
    fake_nvml_t *fake = open_device();
    for (uint64_t i = 1; i <= 20; i++) {
        announce(fake, NS_NVML_EVENT_XID, i);
    }
    for (int i = 0; i < 4; i++) {
        CHECK_STATUS(begin(), NS_OK);
    }
    size_t length = capture(bytes, sizeof bytes);
    const uint8_t *xids = item(bytes, length, NS_NVML_EVIDENCE_XIDS, &size);
    CHECK(xids != NULL && size == 64 && number_at(xids, 2) == 20);
    CHECK(number_at(xids + 56, 2) == 13);
    CHECK(item(bytes, length, NS_NVML_EVIDENCE_UUID, &size) != NULL);
    close_device();
}

static void evidence_leaves_out_what_cannot_be_read_and_what_does_not_fit(void) {
    uint8_t bytes[NS_EVIDENCE_BYTES];
    size_t size = 0;
    fake_nvml_t *fake = open_device();
    fake->field_returns[NS_NVML_FIELD_ECC_DBE_VOLATILE] = NS_NVML_NOT_SUPPORTED;
    fake->value_type = NS_NVML_VALUE_I32; /* negative numbers are no counts */
    CHECK_STATUS(begin(), NS_OK);
    size_t length = capture(bytes, sizeof bytes);
    CHECK(item(bytes, length, NS_NVML_EVIDENCE_ECC, &size) == NULL);
    CHECK(item(bytes, length, NS_NVML_EVIDENCE_REMAP, &size) == NULL);
    CHECK(item(bytes, length, NS_NVML_EVIDENCE_UUID, &size) != NULL);
    memset(fake->returns, 0, sizeof fake->returns);
    fake->value_type = NS_NVML_VALUE_U32;
    for (size_t capacity = 0; capacity < 80; capacity++) {
        size_t used = capture(bytes, capacity);
        (void)item(bytes, used, 0, &size); /* whole items only */
    }
    fake->device_return = NS_NVML_GPU_IS_LOST;
    CHECK_STATUS(begin(), NS_E_ABSENT);
    unsigned calls = fake->device_calls;
    length = capture(bytes, sizeof bytes);
    CHECK(item(bytes, length, NS_NVML_EVIDENCE_RECOVERY, &size) == NULL);
    CHECK(item(bytes, length, NS_NVML_EVIDENCE_XIDS, &size) != NULL && size == 0);
    CHECK(fake->device_calls == calls);
    close_device();
}

static void a_capture_does_not_change_the_round(void) {
    uint8_t bytes[NS_EVIDENCE_BYTES];
    (void)open_device();
    CHECK_STATUS(begin_due(UINT64_C(1) << NS_NVML_POWER_W), NS_OK);
    (void)capture(bytes, sizeof bytes);
    CHECK_EXACT(value_of(NS_NVML_POWER_W), 186.0);
    CHECK_STATUS(read_status(NS_NVML_ECC_CORRECTED_COUNT), NS_E_STALE);
    close_device();
}

static void a_device_lost_while_evidence_is_taken_is_absent(void) {
    uint8_t bytes[NS_EVIDENCE_BYTES];
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(begin(), NS_OK);
    fake->returns[FAKE_fields] = NS_NVML_GPU_IS_LOST;
    size_t size = 0;
    CHECK_STATUS(ns_nvml_ops.capture(&device, bytes, sizeof bytes, &size), NS_E_ABSENT);
    CHECK(size > 0); /* what was known before it was asked */
    CHECK_STATUS(read_status(NS_NVML_CORE_TEMP_C), NS_E_ABSENT);
    CHECK(fake->calls[FAKE_event_reasons] == 0);
    close_device();
}

static void an_xid_that_the_log_gave_already_is_not_given_twice(void) {
    ns_xid_filter_t filter = {0};
    fake_nvml_t *fake = open_device();
    CHECK_STATUS(ns_nvml_share_filter(&device, &filter, 3), NS_OK);
    CHECK_STATUS(ns_nvml_share_filter(NULL, &filter, 3), NS_E_ARG);
    CHECK_STATUS(begin(), NS_OK);
    CHECK(ns_xid_filter_admit(&filter, NS_XID_FROM_LOG, 3, 48, now_ns));
    CHECK(ns_xid_filter_admit(&filter, NS_XID_FROM_LOG, 4, 63, now_ns));
    announce(fake, NS_NVML_EVENT_XID, 48);
    CHECK_STATUS(begin(), NS_OK);
    CHECK_EXACT(value_of(NS_NVML_XID), 0.0);
    announce(fake, NS_NVML_EVENT_XID, 63); /* the log's was of another accelerator */
    CHECK_STATUS(begin(), NS_OK);
    CHECK_EXACT(value_of(NS_NVML_XID), 63.0);
    CHECK(!ns_xid_filter_admit(&filter, NS_XID_FROM_LOG, 3, 63, now_ns));
    close_device();
}

int main(void) {
    the_last_xid_is_kept_and_a_storm_is_bounded();
    an_xid_that_cannot_be_is_the_unknown_one();
    all_types_are_asked_for_and_xids_alone_of_an_older_driver();
    without_events_there_is_no_xid();
    a_set_that_failed_is_opened_again_once_a_second();
    the_alarm_shows_xid_recovery_action_and_announcements();
    a_recovery_action_is_the_devices_and_outlives_a_clear();
    an_announced_recovery_action_is_fetched_though_not_due();
    an_xid_of_before_the_loss_is_latched_until_the_device_is_back();
    evidence_has_xids_with_their_time_and_the_counters();
    evidence_of_a_storm_fits_and_keeps_the_last_eight();
    evidence_leaves_out_what_cannot_be_read_and_what_does_not_fit();
    a_capture_does_not_change_the_round();
    a_device_lost_while_evidence_is_taken_is_absent();
    an_xid_that_the_log_gave_already_is_not_given_twice();
    return 0;
}
