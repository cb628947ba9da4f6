"""Judge: each check alone, what stands in, and for how long."""

from math import inf, nan

import numpy as np
import pytest

from flight.core.judge import JudgeState, build_table, initial, judge
from flight.core.points import Point, PointTable
from flight.core.types import Quality, Snapshot

S = 1_000_000_000


def point(name: str, **more: object) -> Point:
    values = {"low": 0.0, "high": 100.0, **more}
    return Point(name=name, unit="-", driver="d", device="d", channel=0, **values)


class Bench:
    """Judges one snapshot per 100 ms of points `a` (checked) and `b` (its reference)."""

    def __init__(self, **more: object) -> None:
        self.table = PointTable((point("a", **more), point("b")))
        self.judge_table = build_table(
            self.table, hold_s=0.5, stuck_period_s=0.1, no_rate_check=frozenset()
        )
        self.state: JudgeState = initial(self.judge_table)
        self.now_ns, self.sampled_ns = 10 * S, 0

    def sample(self, a: float, b: float = 50.0, *, status: int = 0, fresh: bool = True) -> float:
        self.now_ns += S // 10
        if fresh and not status:
            self.sampled_ns = self.now_ns
        snapshot = Snapshot(
            np.array([a, b]),
            np.array([self.sampled_ns, self.now_ns]),
            np.array([status, 0], np.int32),
            np.zeros(2, np.uint32),
        )
        self.state = judge(self.judge_table, self.state, self.now_ns, snapshot)
        return float(self.state.trusted[0])

    @property
    def quality(self) -> Quality:
        return Quality(self.state.quality[0])


def test_a_good_sample_passes_unchanged() -> None:
    bench = Bench()
    assert bench.sample(42.0) == 42.0
    assert bench.quality is Quality.GOOD
    assert bench.state.all_good


@pytest.mark.parametrize("bad", [nan, inf, -inf, -0.1, 100.1])
def test_a_value_that_cannot_be_is_replaced_by_the_last_good_one(bad: float) -> None:
    bench = Bench()
    bench.sample(42.0)
    assert bench.sample(bad) == 42.0
    assert bench.quality is Quality.INVALID


def test_the_last_good_value_stands_in_no_longer_than_the_hold() -> None:
    bench = Bench()
    bench.sample(42.0)
    held = [bench.sample(nan) for _ in range(7)]
    assert held[:5] == [42.0] * 5
    assert np.isnan(held[5:]).all()


def test_a_failed_try_is_invalid_and_an_old_sample_stale() -> None:
    bench = Bench()
    bench.sample(42.0)
    bench.sample(42.0, status=-6)
    assert bench.quality is Quality.INVALID
    for _ in range(6):
        bench.sample(42.0, fresh=False)
    assert bench.quality is Quality.STALE


def test_a_point_never_good_is_unknown_and_invalid() -> None:
    bench = Bench()
    assert np.isnan(bench.sample(nan))
    assert bench.quality is Quality.INVALID


def test_time_zero_means_never_sampled_even_right_after_the_start() -> None:
    bench = Bench()
    bench.now_ns = 0
    assert np.isnan(bench.sample(42.0, fresh=False))


def test_a_single_spike_never_reaches_a_law() -> None:
    bench = Bench(rate_max_per_s=30.0)
    bench.sample(42.0)
    assert bench.sample(95.0) == 42.0
    assert bench.quality is Quality.SUSPECT
    assert bench.sample(42.0) == 42.0
    assert bench.quality is Quality.GOOD


def test_a_true_step_is_believed_at_its_second_sample() -> None:
    bench = Bench(rate_max_per_s=30.0)
    bench.sample(42.0)
    bench.sample(90.0)
    assert bench.sample(90.0) == 90.0


def test_the_same_doubted_sample_read_twice_stays_doubted() -> None:
    bench = Bench(rate_max_per_s=30.0)
    bench.sample(42.0)
    bench.sample(95.0)
    assert bench.sample(95.0, fresh=False) == 42.0


def test_after_a_gap_a_larger_step_is_allowed() -> None:
    bench = Bench(rate_max_per_s=30.0)
    bench.sample(42.0)
    for _ in range(20):
        bench.sample(42.0, status=-9)
    assert bench.sample(70.0) == 70.0


STUCK = {"stuck_after_s": 2.0, "stuck_reference": "b", "stuck_reference_delta": 10.0}


def test_a_frozen_value_is_suspect_while_its_reference_moved() -> None:
    bench = Bench(**STUCK)
    for _ in range(50):
        bench.sample(42.0, 50.0)
    for _ in range(22):
        bench.sample(42.0, 70.0)
    assert bench.quality is Quality.SUSPECT
    for _ in range(6):
        bench.sample(42.0, 70.0)
    assert np.isnan(bench.state.trusted[0])
    assert bench.sample(43.0, 70.0) == 43.0
    assert bench.quality is Quality.GOOD


def test_a_steady_value_beside_a_sudden_change_is_not_stuck_yet() -> None:
    bench = Bench(**STUCK)
    for _ in range(100):
        bench.sample(42.0, 50.0)
    for _ in range(15):
        bench.sample(42.0, 90.0)
        assert bench.quality is Quality.GOOD


def test_a_value_that_follows_its_reference_slowly_is_not_stuck_between_two_bursts() -> None:
    bench = Bench(**STUCK, stuck_lag_s=30.0)
    for _ in range(50):
        bench.sample(42.0, 60.0)
    for _ in range(50):
        for _ in range(20):  # a short burst moves the value up to the next whole degree
            bench.sample(43.0, 90.0)
        for _ in range(50):
            bench.sample(43.0, 60.0)
            assert bench.quality is Quality.GOOD


def test_a_frozen_value_is_found_through_the_lag_of_its_reference() -> None:
    bench = Bench(**STUCK, stuck_lag_s=3.0)
    for _ in range(50):
        bench.sample(42.0, 50.0)
    for _ in range(60):
        bench.sample(42.0, 90.0)
    assert bench.quality is Quality.SUSPECT


def test_a_steady_value_beside_a_steady_reference_is_good() -> None:
    bench = Bench(**STUCK)
    for _ in range(200):
        bench.sample(42.0, 50.0)
    assert bench.quality is Quality.GOOD


def test_judge_never_changes_its_arguments() -> None:
    bench = Bench()
    bench.sample(42.0)
    before = bench.state
    copies = [np.copy(before.last_good), np.copy(before.good_time_ns)]
    bench.sample(nan)
    assert np.array_equal(before.last_good, copies[0])
    assert np.array_equal(before.good_time_ns, copies[1])
