"""NaN reaches nothing: whatever any sensors report, decisions are numbers, and no cap rises."""

from math import inf, isfinite, nan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flight.core import judge
from flight.core.types import Decision
from tests.core_node import Node, booted
from tests.property.test_s13_sensor_loss import fork, situation

TABLE = booted().table
SENSORS = [point.name for point in TABLE if point.writable is None]
READ_BACKS = [point.name for point in TABLE if point.writable is not None]
GARBAGE = (nan, inf, -inf, 1e300, -1e300, 1e16)

garbled = st.dictionaries(
    st.sampled_from(SENSORS + READ_BACKS), st.sampled_from(GARBAGE), min_size=1, max_size=40
)
groups = st.sets(st.sampled_from(sorted({point.driver for point in TABLE})), max_size=2)


def check_numbers(node: Node, decision: Decision) -> None:
    """Nothing that leaves the step is NaN or infinite, but what may be."""
    assert np.isfinite(decision.desired).all()
    assert all(isfinite(cap_w) for cap_w in decision.cap_w)
    for event in decision.events:
        assert isfinite(event.value), event
        assert "nan" not in event.text.split(), event
    state = node.state
    assert isfinite(state.shared_w)
    assert all(isfinite(g[0]) for g in state.guards)
    assert all(isfinite(mhz) for mhz in state.clocks_mhz)
    known = state.judge.trusted[~np.isnan(state.judge.trusted)]
    assert (np.abs(known) < 1e15).all()
    assert not any(abs(signal) == inf for signal in state.trends.signals)


@settings(max_examples=30)
@pytest.mark.parametrize("name", ["steady", "throttled", "pump lost"])
@given(garbage=garbled, silent=groups, cycles=st.sampled_from([6, 13, 30]))
def test_no_garbage_reaches_a_decision_or_raises_a_cap(
    name: str, garbage: dict[str, float], silent: set[str], cycles: int
) -> None:
    good, bad = fork(situation(name)), fork(situation(name))
    bad.forced, bad.mute = dict(garbage), silent
    for _ in range(cycles):
        rich, poor = good.cycle(), bad.cycle()
        check_numbers(bad, poor)
        for p, r in zip(poor.cap_w, rich.cap_w, strict=True):
            assert p <= r + 1e-9


def test_a_judge_that_lets_values_pass_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The property can fail: here, judge forgets its ranges."""
    node = fork(situation("steady"))
    table = node.step_config.judge
    broken = {"low": np.full_like(table.low, -inf), "high": np.full_like(table.high, inf)}
    passed = judge.judge

    def careless(table, state, now_ns, snapshot):
        wide = {name: getattr(table, name) for name in table.__slots__} | broken
        return passed(judge.JudgeTable(**wide), state, now_ns, snapshot)

    monkeypatch.setattr(judge, "judge", careless)
    node.forced = {
        "accel3.core_temp_c": -1e16,
        "loop.flow_kg_per_s": 1e16,
        "eps.battery.temp_c": 1e16,
    }
    node.fly(1.3)
    with pytest.raises(AssertionError):
        check_numbers(node, node.cycle())
