"""Number formats, check codes and byte stuffing of the C layer (csrc/include/nightside/codec.h).

A word or a value that cannot be is a ValueError here, with the name of the status in its text.
"""

from enum import IntEnum
from typing import Any, NamedTuple

from hal._native import ffi, lib
from hal.status import Status


class Rounding(IntEnum):
    """Which way an encoder goes between two words: upper limits DOWN, lower limits UP."""

    NEAREST = 0
    DOWN = 1
    UP = 2


class Direct(NamedTuple):
    """Coefficients of DIRECT: value = (word x 10^-r - b) / m, the word as int16."""

    m: int  # not 0, 32 bits
    b: int  # 32 bits
    r: int  # -9..9


class Vid(IntEnum):
    """Tables of voltage identification codes; what each one spans stands in codec.h."""

    UNKNOWN = 0
    VR11 = 1
    VR12 = 2
    VR13 = 3
    IMVP9 = 4
    AMD = 5


class VoutFormat(IntEnum):
    """Format of the words about the output voltage."""

    LINEAR = 0
    VID = 1
    DIRECT = 2
    HALF = 3


class VoutMode(NamedTuple):
    """What VOUT_MODE says."""

    format: VoutFormat
    is_relative: bool  # limits are ratios of VOUT_COMMAND
    parameter: int  # bits 4:0 as they are
    exponent: int  # of LINEAR16, else 0
    vid: Vid  # the usual table of the parameter; part data goes first


def _check(status: int, what: str) -> None:
    if status != Status.OK:
        raise ValueError(f"{what}: NS_E_{Status(status).name}")


def linear11_decode(raw: int) -> float:
    """Return the value of a LINEAR11 word, 0..65535; exact for every word."""
    return float(lib.ns_linear11_decode(raw))


def linear11_encode(value: float, rounding: Rounding) -> int:
    """Return the LINEAR11 word next to `value`.

    Raises:
        ValueError: NaN, infinite or outside -33554432..33521664; nothing is ever clamped.
    """
    raw = ffi.new("uint16_t *")
    _check(lib.ns_linear11_encode(value, rounding, raw), f"LINEAR11 of {value}")
    return int(raw[0])


def linear16_exponent(vout_mode: int) -> int:
    """Return the exponent, -16..15, that VOUT_MODE names.

    Raises:
        ValueError: The mode is not linear.
    """
    exponent = ffi.new("int32_t *")
    _check(lib.ns_linear16_exponent(vout_mode, exponent), f"VOUT_MODE {vout_mode:#04x}")
    return int(exponent[0])


def linear16_decode(raw: int, exponent: int) -> float:
    """Return the value of a LINEAR16 word, 0..65535, with an exponent of -16..15."""
    return float(lib.ns_linear16_decode(raw, exponent))


def linear16_encode(value: float, exponent: int, rounding: Rounding) -> int:
    """Return the LINEAR16 word next to `value`.

    Raises:
        ValueError: NaN, infinite, negative, above 65535 x 2^exponent, or an impossible exponent.
    """
    raw = ffi.new("uint16_t *")
    _check(lib.ns_linear16_encode(value, exponent, rounding, raw), f"LINEAR16 of {value}")
    return int(raw[0])


def _native_direct(direct: Direct) -> Any:
    return ffi.new("ns_direct_t *", tuple(direct))


def direct_is_valid(direct: Direct) -> bool:
    """Return whether every word has a value with these coefficients."""
    return bool(lib.ns_direct_is_valid(_native_direct(direct)))


def direct_decode(direct: Direct, raw: int) -> float:
    """Return the value of a DIRECT word, 0..65535.

    Raises:
        ValueError: Coefficients that are not valid.
    """
    value = ffi.new("double *")
    _check(lib.ns_direct_decode(_native_direct(direct), raw, value), f"DIRECT with {direct}")
    return float(value[0])


def direct_encode(direct: Direct, value: float, rounding: Rounding) -> int:
    """Return the DIRECT word next to `value`; DOWN and UP are meant by value, also where m < 0.

    Raises:
        ValueError: NaN, infinite or outside what int16 holds, or coefficients that are not valid.
    """
    raw = ffi.new("uint16_t *")
    status = lib.ns_direct_encode(_native_direct(direct), value, rounding, raw)
    _check(status, f"DIRECT of {value} with {direct}")
    return int(raw[0])


def vid_decode(table: Vid, raw: int) -> float:
    """Return the volts of a VID word, 0.0 for a code that means off.

    Raises:
        ValueError: A code that the table leaves undefined, or no table.
    """
    value_v = ffi.new("double *")
    _check(lib.ns_vid_decode(table, raw, value_v), f"{table.name} code {raw:#06x}")
    return float(value_v[0])


def vid_encode(table: Vid, value_v: float, rounding: Rounding) -> int:
    """Return the VID code next to `value_v`; 0.0 is off where code 0 is, nothing else becomes off.

    Raises:
        ValueError: NaN, infinite or outside the table, or no table.
    """
    raw = ffi.new("uint16_t *")
    _check(lib.ns_vid_encode(table, value_v, rounding, raw), f"{table.name} of {value_v} V")
    return int(raw[0])


def half_decode(raw: int) -> float:
    """Return the value of an IEEE half-precision word, 0..65535; exact.

    Raises:
        ValueError: An infinity or a NaN.
    """
    value = ffi.new("double *")
    _check(lib.ns_half_decode(raw, value), f"half {raw:#06x}")
    return float(value[0])


def half_encode(value: float, rounding: Rounding) -> int:
    """Return the IEEE half-precision word next to `value`; ties go away from zero.

    Raises:
        ValueError: NaN, infinite or outside -65504..65504.
    """
    raw = ffi.new("uint16_t *")
    _check(lib.ns_half_encode(value, rounding, raw), f"half of {value}")
    return int(raw[0])


def vout_mode(raw: int) -> VoutMode:
    """Return what VOUT_MODE, 0..255, says.

    Raises:
        ValueError: A mode that cannot be, 0xFF of a floating bus among them.
    """
    mode = ffi.new("ns_vout_mode_t *")
    _check(lib.ns_vout_mode(raw, mode), f"VOUT_MODE {raw:#04x}")
    return VoutMode(
        format=VoutFormat(mode.format),
        is_relative=bool(mode.is_relative),
        parameter=int(mode.parameter),
        exponent=int(mode.exponent),
        vid=Vid(mode.vid),
    )


def pec(message: bytes, crc: int = 0) -> int:
    """Return the SMBus packet error code of all bytes of a message, addresses included."""
    return int(lib.ns_pec(crc, message, len(message)))


def crc32c(message: bytes, crc: int = 0) -> int:
    """Return the CRC-32C (Castagnoli) of a message, or of its continuation after `crc`."""
    return int(lib.ns_crc32c(crc, message, len(message)))


def cobs_encode(message: bytes) -> bytes:
    """Return the message stuffed so that it holds no zero byte; without a delimiter."""
    capacity = len(message) + len(message) // 254 + 1
    out = ffi.new("uint8_t[]", capacity)
    size = ffi.new("size_t *")
    _check(lib.ns_cobs_encode(message, len(message), out, capacity, size), "COBS")
    return bytes(ffi.buffer(out, size[0]))


def cobs_decode(stuffed: bytes) -> bytes:
    """Undo cobs_encode.

    Raises:
        ValueError: Not something that cobs_encode can produce.
    """
    capacity = max(1, len(stuffed))
    out = ffi.new("uint8_t[]", capacity)
    size = ffi.new("size_t *")
    _check(lib.ns_cobs_decode(stuffed, len(stuffed), out, capacity, size), "COBS")
    return bytes(ffi.buffer(out, size[0]))
