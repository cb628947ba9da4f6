"""The codec's Python face: vectors, and what is refused by which exception."""

import pytest

from hal import codec
from hal.codec import Rounding


@pytest.mark.parametrize(
    ("value", "rounding", "raw"),
    [
        (12.0, Rounding.NEAREST, 0xD300),
        (-40.0, Rounding.NEAREST, 0xE580),
        (3.3, Rounding.NEAREST, 0xC34D),
        (3.3, Rounding.DOWN, 0xC34C),
        (1023.0, Rounding.DOWN, 0x03FF),  # nearest in the kernel: 0x0A00 = 1024, above the limit
        (1022.999, Rounding.DOWN, 0x03FE),
    ],
)
def test_linear11_words(value, rounding, raw):
    assert codec.linear11_encode(value, rounding) == raw


def test_check_codes_match_their_vectors():
    assert codec.pec(b"123456789") == 0xF4
    assert codec.pec(bytes.fromhex("80888100D3")) == 0x41
    assert codec.crc32c(b"123456789") == 0xE3069283


def test_only_linear_vout_modes_have_an_exponent():
    assert codec.linear16_exponent(0x17) == -9
    with pytest.raises(ValueError, match=r"0x21.*UNSUPPORTED"):
        codec.linear16_exponent(0x21)


def test_sixteen_volts_at_2_to_minus_12_raise_instead_of_wrapping():
    with pytest.raises(ValueError, match="RANGE"):
        codec.linear16_encode(16.0, -12, Rounding.NEAREST)


def test_an_impossible_exponent_is_the_callers_fault():
    with pytest.raises(ValueError, match="ARG"):
        codec.linear16_encode(1.0, 16, Rounding.DOWN)


def test_broken_stuffing_is_refused():
    with pytest.raises(ValueError, match="PROTOCOL"):
        codec.cobs_decode(b"\x05\x01")
    with pytest.raises(ValueError, match="PROTOCOL"):
        codec.cobs_decode(b"")
