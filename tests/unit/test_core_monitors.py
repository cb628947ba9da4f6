"""Monitors: persistence by samples, hysteresis, stale policy, re-arm; and the faults of REF-1."""

from math import nan

import numpy as np
import pytest

from flight.core.config import CoreConfig
from flight.core.event_ids import SEVERITIES
from flight.core.faults import build_faults, conditions
from flight.core.monitors import (
    Fault,
    MonitorState,
    Response,
    build_table,
    clear_latched,
    evaluate,
    initial,
)
from flight.core.types import Severity
from flight.dictionary.channels import build_point_table
from flight.dictionary.events import FAULTS, TRANSITIONS, kind

S = 1_000_000_000


class Bench:
    """One fault on point p, sampled each 100 ms."""

    def __init__(self, **more: object) -> None:
        values = {"threshold": 10.0, "persistence_s": 0.09, "clear_s": 0.3, **more}
        fault = Fault("x.y", "p", Severity.WARNING, Response.LATCH_UP, 3, "p", **values)
        self.table = build_table((fault,), {"p": 0}, ())
        self.state: MonitorState = initial(self.table)
        self.now_ns = self.sampled_ns = S

    def sample(self, value: float, *, fresh: bool = True) -> bool:
        self.now_ns += S // 10
        self.sampled_ns = self.now_ns if fresh else self.sampled_ns
        self.state, self.changed = evaluate(
            self.table,
            self.state,
            now_ns=self.now_ns,
            trusted=np.array([value], np.float64),
            time_ns=np.array([self.sampled_ns]),
            all_good=value == value,
            conditions=(),
        )
        return bool(self.state.active[0])


def test_two_samples_raise_and_one_never() -> None:
    bench = Bench()
    assert [bench.sample(v) for v in (5, 11, 5, 11, 5, 11, 11)] == [False] * 6 + [True]
    assert bench.changed == (0,)
    assert bench.state.responding[Response.LATCH_UP] == {3}


def test_one_sample_read_again_and_again_never_raises() -> None:
    bench = Bench()
    assert not bench.sample(11.0)
    assert not any(bench.sample(11.0, fresh=False) for _ in range(20))


def test_it_clears_below_the_hysteresis_after_its_clear_time() -> None:
    bench = Bench(hysteresis=2.0)
    for _ in range(3):
        bench.sample(11.0)
    assert all(bench.sample(9.0) for _ in range(20))
    assert [bench.sample(7.0) for _ in range(4)] == [True, True, True, False]
    assert not bench.state.responding


def test_below_is_the_mirror_of_above() -> None:
    bench = Bench(comparison="<", hysteresis=2.0)
    assert [bench.sample(v) for v in (11, 9, 9)] == [False, False, True]
    assert all(bench.sample(11.0) for _ in range(10))
    assert not [bench.sample(13.0) for _ in range(4)][-1]


@pytest.mark.parametrize(
    ("stale", "was", "becomes"),
    [("hold", False, False), ("hold", True, True), ("clear", True, False), ("trip", False, True)],
)
def test_an_unknown_value_follows_the_stale_policy(stale: str, was: bool, becomes: bool) -> None:
    bench = Bench(stale=stale)
    for _ in range(3):
        bench.sample(11.0 if was else 5.0)
    for _ in range(6):
        result = bench.sample(nan, fresh=False)
    assert result is becomes


def test_a_latching_fault_stays_until_commanded() -> None:
    bench = Bench(rearm="command")
    for _ in range(3):
        bench.sample(11.0)
    assert all(bench.sample(0.0) for _ in range(50))
    bench.state = clear_latched(bench.table, bench.state, "p")
    assert not bench.sample(0.0)


def test_computed_conditions_count_like_points() -> None:
    fault = Fault("x.y", "n", Severity.WARNING, condition="c", persistence_s=0.09)
    table = build_table((fault,), {}, ("b", "c"))
    state = initial(table)
    for k, value in enumerate((1.0, 1.0)):
        state, changed = evaluate(
            table,
            state,
            now_ns=S + k * S // 10,
            trusted=np.empty(0),
            time_ns=np.empty(0, np.int64),
            all_good=True,
            conditions=(0.0, value),
        )
    assert changed == (0,)


def test_a_fault_on_a_point_that_the_node_lacks_is_left_out() -> None:
    assert build_table((Fault("x", "s", Severity.INFO, point="no"),), {}, ()).faults == ()


def test_a_fault_on_a_condition_that_nobody_computes_is_a_bug() -> None:
    with pytest.raises(ValueError, match="nobody computes"):
        build_table((Fault("x", "s", Severity.INFO, condition="no"),), {}, ())


def test_ref1_has_about_two_hundred_monitors_and_all_its_points_exist() -> None:
    table = build_point_table()
    faults = build_faults(CoreConfig(), table, 8)
    built = build_table(faults, table.index, conditions(table, 8))
    assert len(built.faults) == len(faults)
    assert 200 <= len(faults) <= 400
    keys = [(f.event_id, f.subject) for f in faults]
    assert len(set(keys)) == len(keys)


def test_lost_communication_and_over_temperature_are_different_faults() -> None:
    faults = build_faults(CoreConfig(), build_point_table(), 8)
    lost = {f.event_id for f in faults if "lost" in f.event_id or "blind" in f.event_id}
    hot = {f.event_id for f in faults if "temperature" in f.event_id or "hot" in f.event_id}
    assert lost
    assert hot
    assert not lost & hot


def test_core_and_dictionary_know_the_same_events() -> None:
    faults = build_faults(CoreConfig(), build_point_table(), 8)
    assert {f.event_id for f in faults} == set(FAULTS)
    assert set(SEVERITIES) == set(TRANSITIONS)
    for event_id in (*FAULTS, *TRANSITIONS):
        assert kind(event_id).cause
        assert kind(event_id).action
    assert kind("rail.latch_up.cleared").cause.startswith("Over:")
