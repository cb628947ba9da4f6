"""The codec's Python face: vectors, and what is refused by which exception."""

import pytest

from hal import codec
from hal._native import lib
from hal.codec import Direct, Rounding, Vid, VoutFormat, VoutMode


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


ADM1272_VOLTAGE = Direct(4062, 0, -2)  # the range of 100 V


@pytest.mark.parametrize(
    ("rounding", "raw"),
    [(Rounding.NEAREST, 0x079E), (Rounding.DOWN, 0x079D), (Rounding.UP, 0x079E)],
)
def test_direct_words(rounding, raw):
    assert codec.direct_encode(ADM1272_VOLTAGE, 48.0, rounding) == raw
    assert codec.direct_decode(ADM1272_VOLTAGE, 0x079E) == pytest.approx(48.006, abs=5e-4)


def test_direct_coefficients_that_cannot_be_are_refused():
    for bad in (Direct(0, 1, 0), Direct(1, 0, 10), Direct(1, 0, -10)):
        assert not codec.direct_is_valid(bad)
        with pytest.raises(ValueError, match="ARG"):
            codec.direct_decode(bad, 1)
        with pytest.raises(ValueError, match="ARG"):
            codec.direct_encode(bad, 1.0, Rounding.DOWN)
    assert codec.direct_is_valid(ADM1272_VOLTAGE)


def test_vid_codes():
    assert codec.vid_decode(Vid.VR12, 0x97) == 1.0
    assert codec.vid_encode(Vid.AMD, 0.801, Rounding.DOWN) == 0x78
    with pytest.raises(ValueError, match=r"VR11 code 0x00b3.*RANGE"):
        codec.vid_decode(Vid.VR11, 0xB3)
    with pytest.raises(ValueError, match="ARG"):
        codec.vid_encode(Vid.UNKNOWN, 1.0, Rounding.DOWN)


def test_half_words():
    assert codec.half_decode(0x4A00) == 12.0
    assert codec.half_encode(0.85, Rounding.DOWN) == 0x3ACC
    with pytest.raises(ValueError, match=r"0x7c00.*RANGE"):
        codec.half_decode(0x7C00)
    with pytest.raises(ValueError, match="RANGE"):
        codec.half_encode(65520.0, Rounding.DOWN)


@pytest.mark.parametrize(
    ("raw", "mode"),
    [
        (0x97, VoutMode(VoutFormat.LINEAR, True, 0x17, -9, Vid.UNKNOWN)),
        (0x21, VoutMode(VoutFormat.VID, False, 0x01, 0, Vid.VR12)),
        (0x40, VoutMode(VoutFormat.DIRECT, False, 0, 0, Vid.UNKNOWN)),
        (0x60, VoutMode(VoutFormat.HALF, False, 0, 0, Vid.UNKNOWN)),
    ],
)
def test_vout_mode_is_taken_apart(raw, mode):
    assert codec.vout_mode(raw) == mode


def test_a_floating_vout_mode_is_refused():
    with pytest.raises(ValueError, match=r"0xff.*RANGE"):
        codec.vout_mode(0xFF)


@pytest.mark.parametrize(
    ("mine", "prefix"), [(Rounding, "NS_ROUND_"), (Vid, "NS_VID_"), (VoutFormat, "NS_VOUT_")]
)
def test_numbers_are_those_of_the_header(mine, prefix):
    assert all(getattr(lib, prefix + member.name) == member for member in mine)
