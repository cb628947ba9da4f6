"""The pause between two tries: doubling, bounded, with jitter, slow where a person is needed."""

import random

import pytest

from flight.link.transport import Failure
from flight.services.link_retry import (
    MEND_PAUSE_S_MAX,
    MEND_PAUSE_S_MIN,
    PAUSE_S_MAX,
    PAUSE_S_MIN,
    STABLE_S,
    BackOff,
)


@pytest.mark.parametrize("failure", Failure)
def test_it_doubles_up_to_a_bound_and_goes_on_for_ever(failure: Failure) -> None:
    low_s, high_s = PAUSE_S_MIN, PAUSE_S_MAX
    if failure.needs_a_person:
        low_s, high_s = MEND_PAUSE_S_MIN, MEND_PAUSE_S_MAX
    back_off = BackOff(random.Random(3))
    for k in range(2000):
        whole_s = min(low_s * 2.0 ** min(k, 20), high_s)
        assert whole_s / 2.0 <= back_off.pause_s(failure, 0.0) <= whole_s


def test_only_a_connection_that_stood_begins_anew() -> None:
    back_off = BackOff(random.Random(3))
    for _ in range(10):
        back_off.pause_s(Failure.CLOSED, STABLE_S / 2.0)  # accepts, and closes at once
    assert back_off.pause_s(Failure.CLOSED, STABLE_S / 2.0) > PAUSE_S_MIN
    assert back_off.pause_s(Failure.CLOSED, STABLE_S) <= PAUSE_S_MIN


def test_nodes_that_lose_their_broker_together_come_back_apart_and_repeatably() -> None:
    pauses_s = [BackOff(random.Random(k)).pause_s(Failure.CLOSED, 0.0) for k in range(50)]
    assert len(set(pauses_s)) == 50
    assert pauses_s == [BackOff(random.Random(k)).pause_s(Failure.CLOSED, 0.0) for k in range(50)]
