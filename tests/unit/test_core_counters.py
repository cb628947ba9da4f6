"""Error counters of accelerators: the first is told at once, then a sum, and none is lost."""

import random
from itertools import pairwise
from math import nan

from flight.core import counters
from flight.core.counters import Counted
from tests.core_node import booted

S = 1_000_000_000
EVERY_S = 60.0


def step(before: Counted, seen: tuple[float, ...], now_s: float) -> Counted:
    return counters.step(before, seen, round(now_s * S), tell_every_s=EVERY_S)


def told(before: Counted, after: Counted) -> list[tuple[str, int, str, float]]:
    return list(counters.news(before, after))


def test_a_count_that_is_unknown_keeps_the_last_known_one() -> None:
    """Else an error counted while the device was silent would never be told."""
    start = counters.none_counted(2)
    before = step(start, (3.0, 0.0, 79.0, 0.0), 1.0)
    assert step(before, (nan, 0.0, nan, 0.0), 2.0) is before
    after = step(before, (nan, 1.0, nan, 0.0), 3.0)
    assert after.seen == (3.0, 1.0, 79.0, 0.0)
    later = step(after, (5.0, 1.0, 79.0, 48.0), 100.0)
    assert told(after, later) == [
        ("accel.uncorrected_error", 0, "2 new", 2.0),
        ("accel.xid", 1, "Xid 48", 48.0),
    ]


def test_the_first_error_is_told_at_once_and_those_after_it_as_a_sum() -> None:
    counted, found = counters.none_counted(1), []
    for second in range(1, 200):
        errors = float(min(second, 130))  # one a second, until they end
        after = step(counted, (errors, 0.0), float(second))
        found += [(second, text, value) for _, _, text, value in told(counted, after)]
        counted = after
    assert found == [
        (1, "1 new", 1.0),
        (61, "60 new within 60 s", 60.0),
        (121, "60 new within 60 s", 60.0),
        (181, "9 new within 60 s", 9.0),
    ]
    assert step(counted, (130.0, 0.0), 1000.0) is counted, "nothing waits any more"
    after = step(counted, (131.0, 0.0), 2000.0)
    assert told(counted, after)[0][2:] == ("1 new", 1.0), "the first one again"


def test_no_error_is_lost_however_they_come_and_whoever_resets_his_count() -> None:
    rng = random.Random(7)
    counted, came, sums, tellings = counters.none_counted(3), [0, 0, 0], [0.0] * 3, [[], [], []]
    counts = [0, 0, 0]
    for tick in range(3000):
        now_s = 1.0 + tick * 0.7
        for i in range(3):
            new = rng.choice([0, 0, 0, 1, 5]) if tick < 2900 else 0
            if tick < 2900 and rng.random() < 0.01:
                counts[i] = 0  # a reset takes one cycle to be seen, and nothing comes in it
                continue
            counts[i] += new
            came[i] += new
        after = step(counted, (*map(float, counts), 0.0, 0.0, 0.0), now_s)
        for _, i, _, value in told(counted, after):
            sums[i] += value
            tellings[i].append(now_s)
        counted = after
    assert sums == came, "seed 7"
    for times in tellings:
        assert min(late - early for early, late in pairwise(times)) >= EVERY_S


def test_a_storm_of_errors_on_a_node_is_two_events_a_minute_at_most() -> None:
    node = booted()
    for second in range(90):
        node.forced["accel3.ecc_uncorrected_count"] = float(second)
        node.fly(1.0)
    events = [e for e in node.events if e.event_id == "accel.uncorrected_error"]
    assert [(e.subject, e.value) for e in events] == [("accel3", 1.0), ("accel3", 60.0)]
    node.fly(60.0)
    events = [e for e in node.events if e.event_id == "accel.uncorrected_error"]
    assert sum(e.value for e in events) == 89.0
