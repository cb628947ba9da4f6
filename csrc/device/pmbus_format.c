#include "pmbus_state.h"

static ns_direct_t direct_of(const ns_pmbus_scale_t *scale) {
    return (ns_direct_t){.m = scale->m, .b = scale->b, .r = scale->r};
}

bool ns_pmbus_direct_is_valid(const ns_pmbus_scale_t *scale) {
    ns_direct_t direct = direct_of(scale);
    return ns_direct_is_valid(&direct);
}

ns_status_t ns_pmbus_decode(const ns_pmbus_scale_t *scale, uint16_t raw, double *out_value) {
    switch (scale->format) {
    case NS_FORMAT_LINEAR11:
        *out_value = ns_linear11_decode(raw);
        return NS_OK;
    case NS_FORMAT_LINEAR16:
        *out_value = ns_linear16_decode(raw, scale->r);
        return NS_OK;
    case NS_FORMAT_DIRECT: {
        ns_direct_t direct = direct_of(scale);
        return ns_direct_decode(&direct, raw, out_value);
    }
    case NS_FORMAT_HALF:
        return ns_half_decode(raw, out_value);
    case NS_FORMAT_VID:
        return ns_vid_decode((ns_vid_t)scale->m, raw, out_value);
    default:
        return NS_E_UNSUPPORTED;
    }
}

static ns_status_t encode(const ns_pmbus_scale_t *scale, double value, ns_rounding_t rounding,
                          uint16_t *out_raw) {
    switch (scale->format) {
    case NS_FORMAT_LINEAR11:
        return ns_linear11_encode(value, rounding, out_raw);
    case NS_FORMAT_LINEAR16:
        return ns_linear16_encode(value, scale->r, rounding, out_raw);
    case NS_FORMAT_DIRECT: {
        ns_direct_t direct = direct_of(scale);
        return ns_direct_encode(&direct, value, rounding, out_raw);
    }
    case NS_FORMAT_HALF:
        return ns_half_encode(value, rounding, out_raw);
    case NS_FORMAT_VID:
        return ns_vid_encode((ns_vid_t)scale->m, value, rounding, out_raw);
    default:
        return NS_E_UNSUPPORTED;
    }
}

ns_status_t ns_pmbus_encode(const ns_pmbus_scale_t *scale, double value, ns_rounding_t rounding,
                            uint16_t word_max, uint16_t *out_raw) {
    uint16_t raw = 0;
    ns_status_t status = encode(scale, value, rounding, &raw);
    if (status != NS_OK) {
        return status;
    }
    if (word_max != 0 && raw > word_max) {
        return NS_E_RANGE;
    }
    *out_raw = raw;
    return NS_OK;
}

ns_status_t ns_pmbus_take_vout_mode(ns_pmbus_t *self, uint8_t vout_mode) {
    ns_vout_mode_t mode;
    ns_status_t status = ns_vout_mode(vout_mode, &mode);
    if (status != NS_OK) {
        return status;
    }
    ns_pmbus_scale_t *scale = &self->scales[NS_QUANTITY_VOUT];
    self->limits_are_relative = mode.is_relative;
    switch (mode.format) {
    case NS_VOUT_LINEAR:
        *scale = (ns_pmbus_scale_t){.format = NS_FORMAT_LINEAR16, .r = mode.exponent};
        break;
    case NS_VOUT_VID: { /* the parameter is the maker's own: the configuration goes first */
        ns_vid_t vid = self->config.vid != 0 ? (ns_vid_t)self->config.vid : mode.vid;
        *scale = (ns_pmbus_scale_t){.format = NS_FORMAT_VID, .m = (int32_t)vid};
        break;
    }
    case NS_VOUT_DIRECT:
        if (scale->format != NS_FORMAT_DIRECT) { /* the part's data has no coefficients */
            scale->format = NS_FORMAT_NONE;
        }
        break;
    case NS_VOUT_HALF:
    default:
        scale->format = NS_FORMAT_HALF;
        break;
    }
    if (scale->format == NS_FORMAT_VID && scale->m == (int32_t)NS_VID_UNKNOWN) {
        scale->format = NS_FORMAT_NONE;
    }
    return NS_OK;
}
