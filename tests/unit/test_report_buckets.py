"""Buckets of a picture: no extreme is lost, however the samples come in."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flight.report.buckets import Buckets

CYCLE_NS = 100_000_000


def bucketed(values: list[float], count_max: int, cuts: list[int]) -> Buckets:
    times = np.arange(len(values), dtype=np.int64) * CYCLE_NS
    table = np.array(values)[:, None]
    buckets = Buckets(
        0, int(times[-1]), count_max=count_max, series=1, period_ns=CYCLE_NS
    )  # fmt: skip
    edges = sorted({0, len(values), *(c for c in cuts if c < len(values))})
    for a, b in pairwise(edges):
        buckets.add(times[a:b], table[a:b])
    return buckets


values_drawn = st.lists(
    st.one_of(st.floats(-1e3, 1e3), st.just(float("nan"))), min_size=1, max_size=400
)


@given(values_drawn, st.integers(1, 50), st.lists(st.integers(0, 400), max_size=5))
def test_each_bucket_holds_the_lowest_and_highest_of_its_samples(values, count_max, cuts) -> None:
    buckets = bucketed(values, count_max, cuts)
    assert buckets.count <= count_max
    low, high = buckets.extremes
    size = buckets.width_ns / CYCLE_NS
    for k in range(buckets.count):
        inside = [v for i, v in enumerate(values) if i // size == k and v == v]
        if inside:
            assert (low[k, 0], high[k, 0]) == (min(inside), max(inside))
        else:
            assert np.isnan(low[k, 0]) and np.isnan(high[k, 0])


@given(values_drawn, st.integers(1, 50), st.lists(st.integers(0, 400), max_size=5))
def test_a_picture_does_not_depend_on_how_the_samples_came(values, count_max, cuts) -> None:
    whole, parts = bucketed(values, count_max, []), bucketed(values, count_max, cuts)
    np.testing.assert_array_equal(whole.points(), parts.points())


def test_a_cut_inside_a_bucket_leaves_the_way_of_its_line() -> None:
    values = [9.0, 1.0, 1.0, 5.0] * 50  # falls over each bucket, rises over its second half
    whole, parts = bucketed(values, 50, []), bucketed(values, 50, [2, 102])
    assert whole.points()[:2, 0].tolist() == [9.0, 1.0]
    np.testing.assert_array_equal(whole.points(), parts.points())


def test_a_spike_of_one_cycle_is_drawn() -> None:
    values = [20.0] * 57_390
    values[31_234] = 99.0
    points = bucketed(values, 1000, []).points()
    assert np.nanmax(points) == 99.0 and len(points) <= 2000


def test_the_extremes_are_drawn_in_the_way_the_line_goes() -> None:
    rising = bucketed([float(i) for i in range(100)], 10, []).points()[:, 0]
    falling = bucketed([float(-i) for i in range(100)], 10, []).points()[:, 0]
    assert (np.diff(rising) > 0).all() and (np.diff(falling) < 0).all()


@pytest.mark.parametrize("count_max", [200, 1000])
def test_a_short_flight_is_drawn_sample_by_sample(count_max) -> None:
    values = [float(i % 7) for i in range(200)]
    buckets = bucketed(values, count_max, [33])
    assert buckets.points()[:, 0].tolist() == values
    assert buckets.axis == {"begin": 0.0, "step": 0.1, "count": 200}
