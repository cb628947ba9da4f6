"""DIRECT, VID, half and LINEAR16 against exact arithmetic: every word, then random values.

A division of whole numbers in Python is correctly rounded, so `numerator / denominator` is the
nearest double to the exact quotient.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal import codec
from hal.codec import Direct, Rounding, Vid

NEAREST, DOWN, UP = Rounding.NEAREST, Rounding.DOWN, Rounding.UP
PARTS = [
    Direct(19199, 0, -2),  # ADM1275, voltage, lower range
    Direct(807, 20475, -1),  # ADM1275, current
    Direct(42, 31871, -1),  # ADM1272, temperature
    Direct(22070, -1800, -2),  # LM25066, voltage
    Direct(1, 0, 3),  # ISL68137, voltage
    Direct(1, 0, 0),  # ISL68137, temperature
    Direct(-3, 7, 1),
    Direct(-32768, -32768, -9),
    Direct(32767, 32767, 9),
]
INT16 = st.integers(-32768, 32767)
COEFFICIENTS = st.builds(Direct, INT16.filter(bool), INT16, st.integers(-9, 9))


def as_int16(raw: int) -> int:
    return raw - 0x10000 if raw > 0x7FFF else raw


def direct_exact(direct: Direct, raw: int) -> float:
    word, power = as_int16(raw), 10 ** abs(direct.r)
    if direct.r > 0:
        return (word - direct.b * power) / (direct.m * power)
    return (word * power - direct.b) / direct.m


def nearest_of(below: float, above: float, value: float) -> set[float]:
    """Return what nearest may give; both where the distances agree to the last bits."""
    under, over = Fraction(value) - Fraction(below), Fraction(above) - Fraction(value)
    if under == over == 0:
        return {below}
    if abs(under - over) <= (under + over) * Fraction(1, 2**48):
        return {below, above}
    return {below if under < over else above}


def check_rounding(
    ladder: Sequence[float],
    value: float,
    encode: Callable[[float, Rounding], int],
    decode: Callable[[int], float],
) -> None:
    """Check all three roundings of a value against all values of a format, sorted."""
    below = ladder[bisect_right(ladder, value) - 1]
    above = ladder[bisect_left(ladder, value)]
    assert decode(encode(value, DOWN)) == below
    assert decode(encode(value, UP)) == above
    assert decode(encode(value, NEAREST)) in nearest_of(below, above, value)


# ---- every word ----


@pytest.mark.parametrize("direct", PARTS, ids=str)
def test_every_direct_word_is_the_nearest_double_and_comes_back(direct):
    values = [codec.direct_decode(direct, raw) for raw in range(0x10000)]
    assert values == [direct_exact(direct, raw) for raw in range(0x10000)]
    rising = values[0x8000:] + values[:0x8000]  # the order of int16
    if direct.m < 0:
        rising.reverse()
    assert all(low < high for low, high in pairwise(rising))
    for raw in range(0x10000):
        assert codec.direct_encode(direct, values[raw], Rounding(raw % 3)) == raw


def test_every_half_word_equals_its_definition_and_comes_back():
    for raw in range(0x10000):
        sign, exponent, fraction = -1 if raw >> 15 else 1, raw >> 10 & 0x1F, raw & 0x3FF
        if exponent == 0x1F:
            with pytest.raises(ValueError, match="RANGE"):
                codec.half_decode(raw)
            continue
        units = fraction if exponent == 0 else (fraction + 1024) << (exponent - 1)
        value = codec.half_decode(raw)
        assert value == sign * units / 2**24
        back = codec.half_encode(value, Rounding(raw % 3))
        assert back == (0 if value == 0 else raw)


VID_TABLES = {  # table: first and last code, microvolts of the first, of a step; codes for off
    Vid.VR11: (0x02, 0xB2, 1_600_000, -6250, {0x00, 0x01, 0xFE, 0xFF}),
    Vid.VR12: (0x01, 0xFF, 250_000, 5000, {0x00}),
    Vid.VR13: (0x01, 0xFF, 500_000, 10_000, {0x00}),
    Vid.IMVP9: (0x01, 0xFF, 200_000, 10_000, {0x00}),
    Vid.AMD: (0x00, 0xD8, 1_550_000, -6250, set()),
}


def vid_values(table: Vid) -> dict[int, float]:
    first, last, first_uv, step_uv, _ = VID_TABLES[table]
    codes = range(first, last + 1)
    return {code: (first_uv + step_uv * (code - first)) / 1_000_000 for code in codes}


@pytest.mark.parametrize("table", VID_TABLES, ids=lambda table: table.name)
def test_every_vid_word_has_its_voltage_is_off_or_is_refused(table):
    values, off = vid_values(table), VID_TABLES[table][4]
    for raw in range(0x10000):
        if raw in values:
            assert codec.vid_decode(table, raw) == values[raw]
            assert {codec.vid_encode(table, values[raw], rounding) for rounding in Rounding} == {
                raw
            }
        elif raw in off:
            assert codec.vid_decode(table, raw) == 0.0
        elif raw < 0x200 or raw % 251 == 0 or raw == 0xFFFF:
            with pytest.raises(ValueError, match="RANGE"):
                codec.vid_decode(table, raw)


@pytest.mark.parametrize("exponent", range(-16, 16))
def test_linear16_words_are_exact_and_come_back(exponent):
    for raw in range(0, 0x10000, 1 if exponent in {-16, -12, 15} else 7):
        value = codec.linear16_decode(raw, exponent)
        assert value == raw * 2.0**exponent
        assert codec.linear16_encode(value, exponent, Rounding(raw % 3)) == raw


# ---- random values ----


@given(COEFFICIENTS, st.integers(0, 0xFFFF))
def test_direct_words_of_any_coefficients_are_the_nearest_double(direct, raw):
    assert codec.direct_decode(direct, raw) == direct_exact(direct, raw)


@given(COEFFICIENTS, st.floats(0.0, 1.0))
def test_direct_rounds_to_the_asked_side_for_every_sign_of_the_slope(direct, part):
    ladder = sorted(direct_exact(direct, raw) for raw in (0x8000, 0x7FFF))
    value = min(max(ladder[0] + part * (ladder[1] - ladder[0]), ladder[0]), ladder[1])
    down, up = (codec.direct_encode(direct, value, rounding) for rounding in (DOWN, UP))
    below, above = codec.direct_decode(direct, down), codec.direct_decode(direct, up)
    assert below <= value <= above
    slope = 1 if direct.m > 0 else -1
    assert as_int16(up) - as_int16(down) == (0 if below == value else slope)
    nearest = codec.direct_decode(direct, codec.direct_encode(direct, value, NEAREST))
    assert nearest in nearest_of(below, above, value)


@given(COEFFICIENTS, st.floats(allow_nan=True), st.sampled_from(Rounding))
def test_direct_never_wraps_or_clamps(direct, value, rounding):
    low, high = sorted(direct_exact(direct, raw) for raw in (0x8000, 0x7FFF))
    if low <= value <= high:
        codec.direct_encode(direct, value, rounding)
    else:
        with pytest.raises(ValueError, match="RANGE"):
            codec.direct_encode(direct, value, rounding)


WIDE = st.integers(-(2**31), 2**31 - 1)


@given(st.builds(Direct, WIDE.filter(bool), WIDE, st.integers(-9, 9)), st.integers(0, 0xFFFF))
def test_direct_with_wide_coefficients_is_within_two_units_in_the_last_place(direct, raw):
    exact = direct_exact(direct, raw)
    value = codec.direct_decode(direct, raw)
    assert abs(value - exact) <= 2**-51 * abs(exact)


@given(st.builds(Direct, WIDE.filter(bool), WIDE, st.integers(-9, 9)), st.integers(0, 0xFFFF))
def test_direct_with_wide_coefficients_comes_back_by_value(direct, raw):
    value = codec.direct_decode(direct, raw)
    for rounding in Rounding:
        assert codec.direct_decode(direct, codec.direct_encode(direct, value, rounding)) == value


HALVES = sorted({codec.half_decode(raw) for raw in range(0x10000) if raw & 0x7C00 != 0x7C00})


@given(st.one_of(st.floats(-65504.0, 65504.0), st.floats(-2.0, 2.0), st.floats(-1e-6, 1e-6)))
def test_half_rounds_to_the_asked_side(value):
    check_rounding(HALVES, value, codec.half_encode, codec.half_decode)


@given(st.sampled_from(list(VID_TABLES)), st.floats(0.0, 1.0))
def test_vid_rounds_to_the_asked_side(table, part):
    ladder = sorted(vid_values(table).values())
    value = min(max(ladder[0] + part * (ladder[-1] - ladder[0]), ladder[0]), ladder[-1])
    check_rounding(
        ladder,
        value,
        lambda value_v, rounding: codec.vid_encode(table, value_v, rounding),
        lambda raw: codec.vid_decode(table, raw),
    )


@given(st.sampled_from(list(VID_TABLES)), st.floats(), st.sampled_from(Rounding))
def test_vid_never_clamps_and_never_rounds_to_off(table, value_v, rounding):
    ladder = sorted(vid_values(table).values())
    is_off = value_v == 0.0 and 0 in VID_TABLES[table][4]
    if is_off or ladder[0] <= value_v <= ladder[-1]:
        assert (codec.vid_decode(table, codec.vid_encode(table, value_v, rounding)) == 0) == is_off
    else:
        with pytest.raises(ValueError, match="RANGE"):
            codec.vid_encode(table, value_v, rounding)
