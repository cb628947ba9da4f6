"""Monitors: persistence by samples, hysteresis, stale policy, re-arm; and the faults of REF-1."""

from math import nan

import numpy as np
import pytest

from flight.core.config import CoreConfig
from flight.core.event_ids import SEVERITIES
from flight.core.fault_kinds import KINDS, FaultKind
from flight.core.fault_states import FaultState, fault_states
from flight.core.faults import build_faults, conditions, signals
from flight.core.monitors import (
    Fault,
    MonitorState,
    Response,
    build_table,
    clear_latched,
    evaluate,
    initial,
)
from flight.core.types import Mode, Severity
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
        self.mode = Mode.NOMINAL
        self.inhibited: tuple[tuple[str, int], ...] = ()

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
            mode=self.mode,
            inhibited=self.inhibited,
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


def test_ref1_has_about_five_hundred_monitors_and_all_its_points_exist() -> None:
    table = build_point_table()
    faults = build_faults(CoreConfig(), table, 8)
    config = CoreConfig()
    built = build_table(faults, table.index, conditions(table, 8), signals(config, table, 8))
    assert len(built.faults) == len(faults)
    assert 400 <= len(faults) <= 600
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


def test_a_fault_is_not_looked_for_in_a_mode_that_it_is_off_in() -> None:
    bench = Bench(off_in=frozenset({Mode.SURVIVAL}))
    for _ in range(3):
        bench.sample(11.0)
    bench.mode = Mode.SURVIVAL
    assert not [bench.sample(11.0) for _ in range(6)][-1]
    bench.mode = Mode.NOMINAL
    assert [bench.sample(11.0) for _ in range(2)] == [False, True]


def test_an_unknown_reading_trips_nothing_in_a_mode_that_the_fault_is_off_in() -> None:
    bench = Bench(stale="trip", off_in=frozenset({Mode.SURVIVAL}))
    bench.mode = Mode.SURVIVAL
    assert not any(bench.sample(nan, fresh=False) for _ in range(9))


def test_a_mode_may_have_a_threshold_of_its_own() -> None:
    bench = Bench(mode_thresholds=((Mode.SAFE, 20.0),))
    assert [bench.sample(15.0) for _ in range(2)] == [False, True]
    bench.mode = Mode.SAFE
    assert not [bench.sample(15.0) for _ in range(6)][-1]
    assert [bench.sample(21.0) for _ in range(2)] == [False, True]


def test_a_fault_that_rearms_after_a_time_stays_for_it_and_then_clears() -> None:
    bench = Bench(rearm="after", rearm_s=2.0)
    for _ in range(3):
        bench.sample(11.0)
    results = [bench.sample(5.0) for _ in range(24)]
    assert all(results[:19])
    assert not results[-1]


def test_an_inhibited_fault_is_raised_and_counted_but_calls_no_response() -> None:
    bench = Bench()
    bench.inhibited = (("x.y", 10 * S),)
    assert [bench.sample(11.0) for _ in range(3)][-1]
    assert not bench.state.responding
    assert bench.state.raise_count.tolist() == [1]
    assert fault_states(
        bench.table, bench.state, trusted=np.array([11.0]), now_ns=bench.now_ns
    ) == [FaultState("x.y", "p", "inhibited", pytest.approx(0.1), 1, 11.0, True)]
    bench.inhibited = ()
    bench.sample(11.0)
    assert bench.state.responding == {Response.LATCH_UP: frozenset({3})}


def test_each_raise_is_counted_and_the_state_says_what_is_pending() -> None:
    bench = Bench()
    for _ in range(3):
        for value in (11.0, 11.0, 11.0, 5.0, 5.0, 5.0, 5.0):
            bench.sample(value)
    assert bench.state.raise_count.tolist() == [3]
    assert not bench.state.active[0]
    bench.sample(11.0)
    (row,) = fault_states(bench.table, bench.state, trusted=np.array([nan]), now_ns=bench.now_ns)
    assert (row.state, row.count, row.is_known, row.value) == ("pending", 3, False, 0.0)


def test_a_signal_counts_by_the_times_at_which_it_was_made() -> None:
    fault = Fault("x.y", "n", Severity.WARNING, signal="s", threshold=2.0, persistence_s=1.0)
    table = build_table((fault,), {}, (), ("s",))
    state, raised = initial(table), []
    for cycle in range(30):
        state, _ = evaluate(
            table,
            state,
            now_ns=S + cycle * S // 10,
            trusted=np.empty(0),
            time_ns=np.empty(0, np.int64),
            all_good=True,
            conditions=(),
            signals=(3.0,),
            signals_ns=S + (cycle // 10) * S,
        )
        raised.append(bool(state.active[0]))
    assert raised.index(True) == 10


@pytest.mark.parametrize(
    "more", [{"rearm": "never"}, {"stale": "ignore"}, {"comparison": "="}, {"signal": "no"}]
)
def test_a_fault_that_makes_no_sense_is_a_bug(more: dict[str, str]) -> None:
    fault = Fault("x", "s", Severity.INFO, **{"condition": "c", **more})
    with pytest.raises(ValueError, match=r"x: "):
        build_table((fault,), {}, ("c",))


def test_every_kind_has_a_limit_that_the_configuration_knows() -> None:
    config = CoreConfig()
    for event_id, about in KINDS.items():
        section, _, key = about.limit.partition(".")
        if not about.limit or section in ("reflex", "points"):
            continue  # sections of the node beside the core's
        part = getattr(config, section)
        for name in key.split("."):
            part = getattr(part, name)
        assert part is not None, event_id


def test_a_ladder_ends_and_each_rung_is_a_fault_or_a_law() -> None:
    for event_id in KINDS:
        chain = [event_id]
        while after := KINDS.get(chain[-1], FaultKind()).escalates_to:
            assert after in KINDS or after in SEVERITIES, f"{chain[-1]} -> {after}"
            assert after not in chain, f"{event_id} escalates in a circle"
            chain.append(after)


def test_every_fault_with_a_response_says_what_confirms_it() -> None:
    for fault in build_faults(CoreConfig(), build_point_table(), 8):
        if fault.response is not Response.NONE:
            assert KINDS[fault.event_id].confirmed_by, fault.event_id
