"""The outbox by cases; any interleaving: tests/property/test_s09_frames_in_order.py."""

from itertools import pairwise

import pytest

from flight.link.outbox import Outbox, Outgoing, Priority

DEPTHS = {Priority.ALERT: 3, Priority.EVENT: 2, Priority.SLOW: 1, Priority.FAST: 2}


def put(outbox: Outbox, priority: Priority) -> None:
    outbox.put(priority, "t", b"")


def test_a_lower_priority_waits_for_all_higher_ones() -> None:
    outbox = Outbox()
    for priority in (Priority.FAST, Priority.SLOW, Priority.EVENT, Priority.ALERT, Priority.ALERT):
        put(outbox, priority)
    taken = []
    while (message := outbox.take()) is not None:
        taken.append((message.priority, message.sequence))
        outbox.confirm(message)
    assert taken == [(0, 0), (0, 1), (1, 0), (2, 0), (3, 0)]


def test_a_full_queue_drops_its_oldest_and_counts_it() -> None:
    outbox = Outbox(DEPTHS)
    for _ in range(5):
        put(outbox, Priority.EVENT)
    assert outbox.lost == [0, 3, 0, 0]
    assert outbox.take() == Outgoing(Priority.EVENT, 3, "t", b"")


def test_a_message_put_back_goes_first_again_or_is_lost_when_its_place_is_taken() -> None:
    outbox = Outbox(DEPTHS)
    put(outbox, Priority.SLOW)
    outbox.take()
    outbox.put_back()
    assert outbox.take() == Outgoing(Priority.SLOW, 0, "t", b"")
    put(outbox, Priority.SLOW)
    outbox.put_back()
    assert outbox.lost[Priority.SLOW] == 1
    assert outbox.take() == Outgoing(Priority.SLOW, 1, "t", b"")


def test_only_what_is_important_enough_is_taken_when_asked_so() -> None:
    outbox = Outbox()
    put(outbox, Priority.FAST)
    assert outbox.take(Priority.EVENT) is None
    put(outbox, Priority.EVENT)
    assert outbox.take(Priority.EVENT) is not None


def test_several_under_way_go_back_in_order_and_an_answer_is_given_once() -> None:
    outbox = Outbox()
    for _ in range(4):
        put(outbox, Priority.FAST)
    first, second, third = outbox.take(), outbox.take(), outbox.take()
    assert first is not None and second is not None and third is not None
    outbox.confirm(first)
    outbox.put_back()
    assert [outbox.take(), outbox.take()] == [second, third]
    with pytest.raises(ValueError, match="not under way: FAST 0"):
        outbox.confirm(first)
    outbox.refuse(second)
    counts = outbox.sent, outbox.lost, outbox.refused, outbox.waiting
    assert [count[Priority.FAST] for count in counts] == [1, 1, 1, 2]


def test_fast_telemetry_is_thinned_evenly_and_again() -> None:
    outbox = Outbox(dict.fromkeys(Priority, 80))
    for second in range(1000):
        for topic in ("a", "b"):
            outbox.put(Priority.FAST, topic, b"", second * 10**9)
    kept: dict[str, list[int]] = {"a": [], "b": []}
    while (message := outbox.take()) is not None:
        kept[message.topic].append(message.made_ns // 10**9)
        outbox.confirm(message)
    assert outbox.lost[Priority.FAST] + outbox.sent[Priority.FAST] == 2000
    for seconds in kept.values():  # both packets, and the whole time
        assert 20 <= len(seconds) <= 42
        assert max(after - before for before, after in pairwise([0, *seconds, 1000])) <= 64
    put(outbox, Priority.FAST)
    outbox.put(Priority.FAST, "a", b"", 1001 * 10**9)
    assert outbox.waiting[Priority.FAST] == 2  # whole again


def test_the_age_of_what_waits_is_that_of_the_oldest_under_way_or_queued() -> None:
    outbox = Outbox()
    assert outbox.oldest_ns is None
    outbox.put(Priority.FAST, "t", b"", 5)
    outbox.put(Priority.ALERT, "t", b"", 9)
    assert outbox.oldest_ns == 5
    outbox.take(Priority.ALERT)
    message = outbox.take()
    assert message is not None
    outbox.confirm(message)
    assert outbox.oldest_ns == 9
