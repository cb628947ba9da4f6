#include "pmbus_state.h"

/* PMBus part II: CAPABILITY bit 7 PEC, bit 3 (from 1.3 on) IEEE half; QUERY answers bit 7 known,
 * bit 5 readable, bits 4:2 the format; COEFFICIENTS answers m, b (16 bits each, signed, least
 * significant first) and R. Format 2 as IEEE half is unverified. */
#define CAPABILITY_PEC 0x80U
#define CAPABILITY_HALF 0x08U
#define CAPABILITY_FLOATING 0xFFU
#define QUERY_READABLE 0xA0U
#define QUERY_FORMAT_SHIFT 2U
#define QUERY_FORMAT_MASK 0x07U
#define QUERY_LINEAR 0U
#define QUERY_HALF 2U
#define QUERY_DIRECT 3U
#define QUERY_VID 5U
#define FOR_READING 1U

static int32_t signed16(const uint8_t *bytes) {
    int32_t number = bytes[0] | bytes[1] << 8;
    return number > INT16_MAX ? number - (UINT16_MAX + 1) : number;
}

static int32_t signed8(uint8_t byte) {
    return byte > INT8_MAX ? byte - (UINT8_MAX + 1) : byte;
}

/** A part that says it has PEC must also prove it: two reads with a check code that matches. */
static ns_status_t learn_pec(ns_pmbus_t *self, uint8_t capability) {
    if (self->has_pec || (capability & CAPABILITY_PEC) == 0) {
        return NS_OK;
    }
    uint8_t again = 0;
    self->has_pec = true;
    for (int i = 0; i < 2 && self->has_pec; i++) {
        ns_status_t status = ns_pmbus_read_byte(self, CAPABILITY, &again);
        self->has_pec = status == NS_OK && again == capability;
        if (status != NS_OK && status != NS_E_PEC) {
            return status;
        }
    }
    return NS_OK;
}

/** Asked twice: one NACK may be a lost byte. */
static ns_status_t ask(ns_pmbus_t *self, uint8_t command, const uint8_t *argument,
                       size_t argument_size, uint8_t *out, size_t size) {
    ns_status_t status = ns_pmbus_call(self, command, argument, argument_size, out, size);
    if (status == NS_E_NACK) {
        status = ns_pmbus_call(self, command, argument, argument_size, out, size);
    }
    return status;
}

static ns_status_t read_coefficients(ns_pmbus_t *self, uint8_t command, ns_pmbus_scale_t *scale) {
    const uint8_t argument[2] = {command, FOR_READING};
    uint8_t answer[5] = {0};
    ns_status_t status = ask(self, COEFFICIENTS, argument, sizeof argument, answer, sizeof answer);
    if (status == NS_E_NACK) {
        *scale = (ns_pmbus_scale_t){.format = NS_FORMAT_NONE};
        return NS_OK;
    }
    if (status != NS_OK) {
        return status;
    }
    *scale = (ns_pmbus_scale_t){.format = NS_FORMAT_DIRECT,
                                .m = signed16(&answer[0]),
                                .b = signed16(&answer[2]),
                                .r = signed8(answer[4])};
    if (!ns_pmbus_direct_is_valid(scale)) {
        scale->format = NS_FORMAT_NONE;
    }
    return NS_OK;
}

static ns_status_t take_query(ns_pmbus_t *self, uint32_t channel, uint8_t answer) {
    const ns_pmbus_reading_t *reading = &ns_pmbus_data(self)->readings[channel];
    ns_pmbus_scale_t *scale = &self->scales[reading->quantity];
    if ((answer & QUERY_READABLE) != QUERY_READABLE) {
        self->unsupported |= 1U << channel;
        return NS_OK;
    }
    switch (answer >> QUERY_FORMAT_SHIFT & QUERY_FORMAT_MASK) {
    case QUERY_LINEAR:
        if (reading->quantity != NS_QUANTITY_VOUT) {
            scale->format = NS_FORMAT_LINEAR11;
        }
        return NS_OK;
    case QUERY_HALF:
        scale->format = NS_FORMAT_HALF;
        return NS_OK;
    case QUERY_DIRECT:
        return read_coefficients(self, reading->command, scale);
    case QUERY_VID:
        return NS_OK; /* VOUT_MODE has said which */
    default:
        scale->format = NS_FORMAT_NONE;
        return NS_OK;
    }
}

/** QUERY for each reading; a part without QUERY keeps what VOUT_MODE said, and LINEAR11. */
static ns_status_t query_readings(ns_pmbus_t *self) {
    for (uint32_t channel = 0; channel < NS_PMBUS_CHANNEL_COUNT; channel++) {
        uint8_t command = ns_pmbus_data(self)->readings[channel].command;
        if (command == 0) {
            continue;
        }
        uint8_t answer = 0;
        ns_status_t status = ask(self, QUERY, &command, 1, &answer, 1);
        if (status == NS_E_NACK) {
            return NS_OK;
        }
        if (status == NS_OK) {
            status = take_query(self, channel, answer);
        }
        if (status != NS_OK) {
            return status;
        }
    }
    return NS_OK;
}

/** Asking for a command that a part does not know sets its STATUS_CML for good, since nobody
 *  clears it here. So a part whose VOUT_MODE is linear, like nearly all that have no QUERY, is not
 *  asked. */
ns_status_t ns_pmbus_learn_generic(ns_pmbus_t *self) {
    uint8_t capability = 0;
    bool is_known = false;
    self->has_pec = self->config.has_pec != 0;
    ns_status_t status = ns_pmbus_read_optional(self, CAPABILITY, &capability, &is_known);
    if (status != NS_OK) {
        return status;
    }
    if (is_known && capability != CAPABILITY_FLOATING) {
        status = learn_pec(self, capability);
        for (int i = 0; i < NS_QUANTITY_COUNT && (capability & CAPABILITY_HALF) != 0; i++) {
            if (self->scales[i].format == NS_FORMAT_LINEAR11) {
                self->scales[i].format = NS_FORMAT_HALF;
            }
        }
    }
    if (status != NS_OK || self->scales[NS_QUANTITY_VOUT].format == NS_FORMAT_LINEAR16) {
        return status;
    }
    return query_readings(self);
}
