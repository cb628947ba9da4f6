"""LINEAR11, LINEAR16, COBS against exact arithmetic."""

from bisect import bisect_left, bisect_right
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal import codec
from hal.codec import Rounding

WORDS = st.integers(0, 0xFFFF)
EXPONENTS = st.integers(-16, 15)
LINEAR11_LOW, LINEAR11_HIGH = -1024 * 2**15, 1023 * 2**15


def linear11_exact(raw: int) -> Fraction:
    exponent, mantissa = raw >> 11, raw & 0x7FF
    exponent -= 32 * (exponent > 15)
    mantissa -= 2048 * (mantissa > 1023)
    return mantissa * Fraction(2) ** exponent


LINEAR11_VALUES = sorted({linear11_exact(raw) for raw in range(0x10000)})
LINEAR11_FLOATS = st.one_of(
    st.floats(LINEAR11_LOW, LINEAR11_HIGH),
    st.floats(-1100.0, 1100.0),
    st.floats(-1e-3, 1e-3),
    st.sampled_from([float(value) for value in LINEAR11_VALUES[::37]]),
    st.builds(  # where one exponent ends and the next begins
        lambda exponent, part: 2.0**exponent * part, st.integers(-16, 24), st.floats(0.99, 1.01)
    ),
)


def neighbours(value: float) -> tuple[Fraction, Fraction]:
    """The greatest representable value <= value and the smallest >= value."""
    exact = Fraction(value)
    below = LINEAR11_VALUES[bisect_right(LINEAR11_VALUES, exact) - 1]
    return below, LINEAR11_VALUES[bisect_left(LINEAR11_VALUES, exact)]


def test_every_linear11_word_decodes_exactly():
    for raw in range(0x10000):
        assert Fraction(codec.linear11_decode(raw)) == linear11_exact(raw)


def test_every_linear11_word_survives_a_round_trip_by_value():
    for raw in range(0x10000):
        value = codec.linear11_decode(raw)
        encoded = codec.linear11_encode(value, Rounding(raw % 3))
        assert codec.linear11_decode(encoded) == value


@given(LINEAR11_FLOATS)
def test_linear11_rounds_to_the_tightest_word_on_the_asked_side(value):
    below, above = neighbours(value)
    down = Fraction(codec.linear11_decode(codec.linear11_encode(value, Rounding.DOWN)))
    up = Fraction(codec.linear11_decode(codec.linear11_encode(value, Rounding.UP)))
    assert (down, up) == (below, above)


def test_linear11_rounds_between_every_two_neighbours():
    for below, above in pairwise(LINEAR11_VALUES):
        value = float(below + above) / 2  # exact
        assert codec.linear11_decode(codec.linear11_encode(value, Rounding.DOWN)) == below
        assert codec.linear11_decode(codec.linear11_encode(value, Rounding.UP)) == above


@given(LINEAR11_FLOATS)
def test_linear11_nearest_is_nearest_and_ties_go_away_from_zero(value):
    below, above = neighbours(value)
    exact = Fraction(value)
    nearest = Fraction(codec.linear11_decode(codec.linear11_encode(value, Rounding.NEAREST)))
    if exact - below == above - exact:
        assert nearest == (above if exact > 0 else below)
    else:
        assert nearest == min(below, above, key=lambda word: abs(word - exact))


@given(
    st.one_of(
        st.floats(min_value=LINEAR11_HIGH, exclude_min=True),
        st.floats(max_value=LINEAR11_LOW, exclude_max=True),
        st.just(float("nan")),
    ),
    st.sampled_from(Rounding),
)
def test_linear11_refuses_what_does_not_fit(value, rounding):
    with pytest.raises(ValueError, match="RANGE"):
        codec.linear11_encode(value, rounding)


@given(WORDS, EXPONENTS, st.sampled_from(Rounding))
def test_every_linear16_word_decodes_exactly_and_comes_back(raw, exponent, rounding):
    value = codec.linear16_decode(raw, exponent)
    assert Fraction(value) == raw * Fraction(2) ** exponent
    assert codec.linear16_encode(value, exponent, rounding) == raw


@given(EXPONENTS, st.floats(0.0, 65535.0))
def test_linear16_rounds_to_the_asked_side(exponent, scaled):
    value = scaled * 2.0**exponent
    exact = Fraction(value) / Fraction(2) ** exponent
    down = codec.linear16_encode(value, exponent, Rounding.DOWN)
    up = codec.linear16_encode(value, exponent, Rounding.UP)
    nearest = codec.linear16_encode(value, exponent, Rounding.NEAREST)
    assert down == exact.__floor__()
    assert up == exact.__ceil__()
    assert nearest == (exact + Fraction(1, 2)).__floor__()


@given(EXPONENTS, st.floats(0.0, 1e-300))
def test_linear16_sees_that_a_vanishing_value_is_above_zero(exponent, value):
    assert codec.linear16_encode(value, exponent, Rounding.UP) == (1 if value > 0 else 0)
    assert codec.linear16_encode(value, exponent, Rounding.DOWN) == 0
    if value > 0:
        with pytest.raises(ValueError, match="RANGE"):
            codec.linear16_encode(-value, exponent, Rounding.UP)


@given(EXPONENTS, st.floats(min_value=65535.0, exclude_min=True, max_value=1e300))
def test_linear16_never_wraps(exponent, scaled):
    with pytest.raises(ValueError, match="RANGE"):
        codec.linear16_encode(scaled * 2.0**exponent, exponent, Rounding.DOWN)


@given(st.binary(max_size=600))
def test_cobs_returns_what_it_was_given_and_holds_no_zero(message):
    stuffed = codec.cobs_encode(message)
    assert 0 not in stuffed
    assert len(stuffed) <= len(message) + 1 + len(message) // 254
    assert codec.cobs_decode(stuffed) == message


@given(st.binary(max_size=40))
def test_what_cobs_accepts_decodes_without_harm(noise):
    try:
        plain = codec.cobs_decode(noise)
    except ValueError:
        return
    assert len(plain) < len(noise)


@given(st.binary(max_size=64), st.integers(0, 64))
def test_check_codes_can_be_continued(message, cut):
    head, tail = message[:cut], message[cut:]
    assert codec.pec(tail, codec.pec(head)) == codec.pec(message)
    assert codec.crc32c(tail, codec.crc32c(head)) == codec.crc32c(message)
