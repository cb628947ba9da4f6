"""State-of-charge ladder: thresholds, persistence, hysteresis, unknown charge."""

import pytest

from flight.core.config import LadderConfig
from flight.core.ladder import LadderState, step

CONFIG = LadderConfig()
S = 1_000_000_000


def run(state: LadderState, charge: float | None, seconds: float, start_s: float) -> LadderState:
    for k in range(round(seconds * 10)):
        state = step(CONFIG, state, charge_ratio=charge, now_ns=round((start_s + k / 10) * S))
    return state


@pytest.mark.parametrize(
    ("charge", "rung"), [(0.66, 0), (0.59, 1), (0.49, 2), (0.39, 3), (0.24, 4), (0.60, 0)]
)
def test_each_rung_acts_within_ten_seconds_of_any_fall(charge: float, rung: int) -> None:
    assert run(LadderState(), charge, 10.0, 100.0).rung == rung


def test_a_dip_shorter_than_the_persistence_does_nothing() -> None:
    state = run(LadderState(), 0.30, 7.0, 100.0)
    state = run(state, 0.70, 1.0, 107.0)
    assert run(state, 0.30, 7.0, 108.0).rung == 0


def test_a_rung_is_left_five_percent_higher_and_one_at_a_time() -> None:
    state = LadderState(rung=2)
    assert run(state, 0.54, 100.0, 100.0).rung == 2
    assert run(state, 0.56, 31.0, 100.0).rung == 1
    assert run(state, 0.90, 31.0, 100.0).rung == 1
    assert run(state, 0.90, 62.0, 100.0).rung == 0


def test_unknown_charge_holds_the_rung_and_never_raises_power() -> None:
    assert run(LadderState(rung=3), None, 300.0, 100.0).rung == 3


def test_charge_unknown_for_long_caps() -> None:
    state = run(LadderState(), 0.9, 1.0, 100.0)
    assert run(state, None, 59.0, 101.0).rung == 0
    assert run(state, None, 62.0, 101.0).rung == 1


def test_a_sensor_that_comes_and_goes_does_not_hold_the_ladder_up() -> None:
    """S3: each rung acts within 10 s, also behind a flapping meter."""
    state, at_s = run(LadderState(), 0.9, 1.0, 90.0), 100.0
    for _ in range(3):
        state = run(state, 0.45, 2.0, at_s)
        state = run(state, None, 1.0, at_s + 2.0)
        at_s += 3.0
    assert run(state, 0.45, 1.0, at_s).rung == 2


def test_a_charge_that_was_well_in_between_begins_the_time_anew() -> None:
    state = run(LadderState(), 0.45, 5.0, 100.0)
    state = run(state, None, 1.0, 105.0)
    state = run(state, 0.70, 1.0, 106.0)
    assert run(state, 0.45, 7.0, 107.0).rung == 0
