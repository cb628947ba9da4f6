"""The outbox: order within a priority, and exact accounting whatever happens."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        outbox.confirm()
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


def test_one_message_at_a_time_is_under_way() -> None:
    outbox = Outbox()
    put(outbox, Priority.FAST)
    with pytest.raises(ValueError, match="no message"):
        outbox.confirm()
    outbox.take()
    with pytest.raises(ValueError, match="under way"):
        outbox.take()


@given(st.lists(st.sampled_from([*Priority, "take", "confirm", "put_back"]), max_size=200))
def test_every_message_is_sent_once_in_order_or_waiting_or_counted_lost(actions: list) -> None:
    outbox, sent = Outbox(DEPTHS), []
    under_way: Outgoing | None = None
    for action in actions:
        if isinstance(action, Priority):
            put(outbox, action)
        elif action == "take" and under_way is None:
            under_way = outbox.take()
        elif action == "confirm" and under_way is not None:
            outbox.confirm()
            sent.append(under_way)
            under_way = None
        elif action == "put_back" and under_way is not None:
            outbox.put_back()
            under_way = None
        for priority in Priority:
            accounted = outbox.sent[priority] + outbox.lost[priority] + outbox.waiting[priority]
            assert accounted == outbox.made[priority]
    for priority in Priority:
        sequences = [message.sequence for message in sent if message.priority == priority]
        assert sequences == sorted(set(sequences))
        assert len(sequences) == outbox.sent[priority]
