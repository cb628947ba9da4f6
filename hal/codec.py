"""Number formats, check codes and byte stuffing of the C layer (csrc/include/nightside/codec.h)."""

from enum import IntEnum

from hal._native import ffi, lib
from hal.status import Status


class Rounding(IntEnum):
    """Which way an encoder goes between two words: upper limits DOWN, lower limits UP."""

    NEAREST = 0
    DOWN = 1
    UP = 2


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
