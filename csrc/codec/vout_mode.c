#include "nightside/codec.h"

/* PMBus 1.3, part II, VOUT_MODE: bit 7 relative, bits 6:5 format, bits 4:0 parameter. Before 1.3
 * bit 7 belonged to the format and was 0 in every format that existed. */

#define RELATIVE 0x80U
#define FORMAT_SHIFT 5
#define FORMAT_MASK 0x3U
#define PARAMETER_MASK 0x1FU

/** Makers' own codes; where two families use one, they agree: XDPE12284 (0x01, 0x02, 0x03, 0x10),
 *  TPS53679 (0x01, 0x02, 0x04, 0x05, 0x07), as their Linux drivers name them. Unverified against
 *  the data sheets. */
static ns_vid_t usual_table(uint8_t parameter) {
    switch (parameter) {
    case 0x01: /* VR12 */
    case 0x05: /* IMVP8, 5 mV */
    case 0x07: /* VR13, 5 mV */
        return NS_VID_VR12;
    case 0x02: /* VR12.5 */
    case 0x04: /* VR13, 10 mV */
        return NS_VID_VR13;
    case 0x03:
        return NS_VID_IMVP9;
    case 0x10:
        return NS_VID_AMD;
    default:
        return NS_VID_UNKNOWN;
    }
}

ns_status_t ns_vout_mode(uint8_t raw, ns_vout_mode_t *out) {
    if (out == NULL) {
        return NS_E_ARG;
    }
    ns_vout_mode_t mode = {.format = (ns_vout_format_t)(raw >> FORMAT_SHIFT & FORMAT_MASK),
                           .is_relative = (raw & RELATIVE) != 0,
                           .parameter = (uint8_t)(raw & PARAMETER_MASK),
                           .exponent = 0,
                           .vid = NS_VID_UNKNOWN};
    switch (mode.format) {
    case NS_VOUT_LINEAR:
        mode.exponent = mode.parameter > 15 ? mode.parameter - 32 : mode.parameter;
        break;
    case NS_VOUT_VID:
        mode.vid = usual_table(mode.parameter);
        break;
    case NS_VOUT_DIRECT:
    case NS_VOUT_HALF:
    default:
        if (mode.parameter != 0) {
            return NS_E_RANGE;
        }
        break;
    }
    *out = mode;
    return NS_OK;
}
