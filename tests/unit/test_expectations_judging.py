"""Expectations are judged on telemetry, every cycle, and never pass without having been judged."""

import math

import numpy as np
import pytest

from flight.core.points import Point, PointTable
from flight.core.types import Decision, Event, Inputs, Mode, Severity, Snapshot
from sim_hw.expectations import ROWS, ExpectationChecker
from sim_hw.scenario_times import PlannedExpectation

S = 1_000_000_000
CYCLE = S // 10
POINTS = PointTable(
    tuple(
        Point(name=name, unit=unit, driver="d", device="d", channel=i, low=-1e9, high=1e9)
        for i, (name, unit) in enumerate((("a.temp_c", "degC"), ("b.temp_c", "degC"), ("x.w", "W")))
    )
)


def planned(
    when="always", from_s=0.0, until_s=1.0, hold_s=0.0, low=-math.inf, high=math.inf, **more
):
    fields = {"id": "it", "point": "?.temp_c", "event": "", "subject": "*", "stat": "all"} | more
    return PlannedExpectation(
        when=when, from_ns=round(from_s * S), until_ns=round(until_s * S),
        hold_ns=round(hold_s * S), low=low, high=high, **fields,
    )  # fmt: skip


def fly(expectation, rows, events=None, stale=(), end_s=None, points=POINTS, silent=None):
    """Judge one row of values per cycle, from the first cycle at 0.1 s on.

    Args:
        stale: Points that never had a sample. silent: Of a point, its last cycle with a sample.
    """
    checker = ExpectationChecker((expectation,), points)
    for i, row in enumerate(rows, start=1):
        now_ns = i * CYCLE
        times = np.full(3, now_ns, dtype=np.int64)
        for k in stale:
            times[k] = 0
        for k, last in (silent or {}).items():
            times[k] = min(i, last) * CYCLE
        values = np.array([*row, 0.0][:3], dtype=float)
        snapshot = Snapshot(values, times, np.zeros(3, np.int32), np.zeros(3, np.uint32))
        happened = [
            Event(now_ns, name, Severity.INFO, subject, "")
            for cycle, name, subject in events or ()
            if cycle == i
        ]
        decision = Decision(
            mode=Mode.NOMINAL, desired=np.empty(0), cap_w=(), cap_reason=(), events=tuple(happened)
        )
        checker.record(Inputs(now_ns=now_ns, snapshot=snapshot), decision)
    end_ns = len(rows) * CYCLE if end_s is None else round(end_s * S)
    (result,) = checker.finish(end_ns)
    return result


def ramp(*temps):
    return [(t, t + 1.0) for t in temps]


def test_always_keeps_the_worst_value_of_any_point_and_its_margin():
    result = fly(planned(high=87.0), ramp(80, 85, 82))
    assert (result.ok, result.value, result.unit) == (True, 86.0, "degC")
    assert (result.low, result.high, result.margin) == (None, 87.0, 1.0)


def test_always_fails_when_one_point_was_outside_for_one_cycle():
    result = fly(planned(high=87.0), ramp(80, 86.5, 82))
    assert (result.ok, result.value, result.margin) == (False, 87.5, -0.5)


def test_always_judges_both_bounds():
    assert fly(planned(low=79.0, high=90.0), ramp(80, 78, 85)).value == 78.0


def test_always_looks_only_inside_its_window():
    assert fly(planned(high=87.0, from_s=0.2, until_s=0.3), ramp(99, 80, 80, 99)).ok


@pytest.mark.parametrize(
    ("stat", "low", "value"), [("sum", 160.0, 161.0), ("any", 80.5, 81.0), ("max", 80.5, 81.0)]
)
def test_always_on_a_value_that_points_make_together(stat, low, value):
    result = fly(planned(stat=stat, low=low), ramp(85, 80, 82))
    assert (result.ok, result.value) == (True, value)


def test_at_is_judged_on_the_first_cycle_after_it():
    assert fly(planned("at", 0.15, 0.15, high=87.0, stat="max"), ramp(99, 80, 99)).ok
    assert not fly(planned("at", 0.25, 0.25, high=87.0, stat="max"), ramp(80, 80, 99)).ok


def test_at_the_end_is_judged_on_the_last_cycle():
    assert fly(planned("at", 0.35, 0.35, high=87.0), ramp(99, 99, 80), end_s=0.35).ok


def test_within_tells_how_long_it_took():
    result = fly(planned("within", 0.05, 1.0, high=80.0), [(99, 80), (90, 80), (79, 80), (79, 80)])
    assert (result.ok, result.unit, result.high) == (True, "s", 0.95)
    assert result.value == pytest.approx(0.25)
    assert result.margin == pytest.approx(0.70)


def test_within_fails_when_it_is_reached_too_late():
    result = fly(planned("within", 0.0, 0.2, high=80.0), [(99, 80)] * 3 + [(79, 80)])
    assert (result.ok, result.value, result.margin) == (False, 99.0, -19.0)
    assert result.text == "?.temp_c <= 80 degC: not reached"


def test_within_must_hold_and_may_try_again_in_time():
    rows = [(79, 79), (99, 79), (79, 79), (79, 79), (79, 79)]
    assert fly(planned("within", 0.0, 0.3, hold_s=0.2, high=80.0), rows).value == 0.3
    result = fly(planned("within", 0.0, 0.2, hold_s=0.2, high=80.0), rows)
    assert not result.ok


@pytest.mark.parametrize("when", ["always", "at", "within"])
def test_what_was_never_sampled_is_a_failure(when):
    result = fly(planned(when, 0.1, 0.3, high=87.0), ramp(1, 1, 1), stale=[1])
    assert (result.ok, result.value, result.margin) == (False, None, None)


@pytest.mark.parametrize("when", ["always", "at", "within"])
def test_what_lies_after_the_end_of_an_interrupted_flight_is_a_failure(when):
    result = fly(planned(when, 50.0, 60.0, high=87.0), ramp(1, 1, 1))
    assert (result.ok, result.value) == (False, None)


def test_a_value_too_old_does_not_fulfil_an_expectation():
    checker = ExpectationChecker((planned("within", 0.0, 5.0, high=80.0),), POINTS)
    decision = Decision(mode=Mode.NOMINAL, desired=np.empty(0), cap_w=(), cap_reason=())
    times = np.full(3, CYCLE, dtype=np.int64)
    snapshot = Snapshot(np.zeros(3), times, np.zeros(3, np.int32), np.zeros(3, np.uint32))
    checker.record(Inputs(now_ns=20 * CYCLE, snapshot=snapshot), decision)
    assert not checker.finish(20 * CYCLE)[0].ok


LIVE = [(80, 81)] * 200


@pytest.mark.parametrize("stat", ["all", "sum"])
@pytest.mark.parametrize(("silent_s", "is_judged"), [(9.5, True), (11.5, False)])
def test_always_does_not_pass_on_a_point_that_died(stat, silent_s, is_judged):
    wanted = planned(stat=stat, high=170.0, until_s=20.0)
    result = fly(wanted, LIVE, silent={1: 200 - round(silent_s * 10)})
    assert result.ok == is_judged
    if not is_judged:
        assert (result.value, result.margin) == (None, None)
        assert result.text.endswith(": not judged, b.temp_c silent since 8.5 s")


def test_always_counts_the_last_good_value_of_a_point_that_died():
    result = fly(planned(high=80.5, until_s=20.0), LIVE, silent={1: 50})
    assert (result.ok, result.value) == (False, 81.0)


def test_always_forgives_a_silence_that_ended_inside_its_window():
    checker = ExpectationChecker((planned(high=87.0, until_s=40.0),), POINTS)
    decision = Decision(mode=Mode.NOMINAL, desired=np.empty(0), cap_w=(), cap_reason=())
    for i in range(1, 401):
        heard = i if i < 50 or i > 350 else 50
        times = np.array([i, heard, i], dtype=np.int64) * CYCLE
        snapshot = Snapshot(np.full(3, 80.0), times, np.zeros(3, np.int32), np.zeros(3, np.uint32))
        checker.record(Inputs(now_ns=i * CYCLE, snapshot=snapshot), decision)
    assert checker.finish(400 * CYCLE)[0].ok


@pytest.mark.parametrize("stat", ["all", "sum"])
def test_always_needs_a_fresh_sample_inside_its_window(stat):
    wanted = planned(stat=stat, high=170.0, from_s=15.0, until_s=20.0)
    result = fly(wanted, LIVE, silent={1: 100})
    assert not result.ok
    assert result.text.endswith(": never judged, no fresh sample of b.temp_c")


def test_always_does_not_judge_what_was_sampled_long_before_its_window():
    rows = [(80, 99)] * 150 + [(80, 81)] * 50
    assert fly(planned(high=87.0, from_s=12.0, until_s=20.0), rows, silent={1: 10}).value is None


@pytest.mark.parametrize(("enable", "ok"), [(0.0, True), (1.0, False)])
def test_always_does_not_miss_what_an_accelerator_without_power_would_say(enable, ok):
    names = ("accel3.core_temp_c", "rail.accel3_54v.enable", "x.w")
    points = PointTable(
        tuple(
            Point(name=name, unit="1", driver="d", device="d", channel=i, low=-1e9, high=1e9)
            for i, name in enumerate(names)
        )
    )
    rows = [(80, 1.0)] * 50 + [(80, enable)] * 150
    wanted = planned(point="accel3.core_temp_c", high=87.0, until_s=20.0)
    assert fly(wanted, rows, points=points, silent={0: 50}).ok == ok


def test_an_event_in_time_tells_how_long_it_took():
    happened = [(2, "rail.opened", "accel1_54v"), (3, "rail.opened", "accel3_54v")]
    wanted = planned("within", 0.0, 1.0, low=1.0, point="", event="rail.opened", subject="accel3_*")
    result = fly(wanted, ramp(1, 1, 1), happened)
    assert (result.ok, result.value, result.unit) == (True, 0.3, "s")


def test_an_event_is_counted_where_a_number_is_expected():
    once = planned("always", 0.0, 1.0, low=1.0, high=1.0, point="", event="rail.closed")
    twice = [(1, "rail.closed", "accel3_54v"), (2, "rail.closed", "accel3_54v")]
    assert fly(once, ramp(1, 1, 1), twice[:1]).ok
    result = fly(once, ramp(1, 1, 1), twice)
    assert (result.ok, result.value, result.margin) == (False, 2.0, -1.0)
    assert not fly(once, ramp(1, 1, 1)).ok


def test_an_event_that_must_not_happen_passes_only_when_somebody_looked():
    never = planned("always", 0.0, 1.0, low=0.0, high=0.0, point="", event="mode.*")
    assert fly(never, ramp(1)).ok
    assert not fly(never, []).ok


def test_results_come_in_the_order_of_the_scenario():
    order = [planned(id="z", high=1.0), planned("at", id="a", high=1.0), planned(id="m", low=1.0)]
    results = ExpectationChecker(order, POINTS).finish(S)
    assert [result.id for result in results] == ["z", "a", "m"]


@pytest.mark.parametrize("cycle", [1, ROWS - 1, ROWS, ROWS + 1, 2 * ROWS, 2 * ROWS + 7])
def test_one_bad_cycle_is_seen_wherever_it_stands_among_those_looked_at_together(cycle):
    temps = [80.0] * (2 * ROWS + 7)
    temps[cycle - 1] = 88.0
    result = fly(planned(high=87.0, until_s=60.0), ramp(*temps))
    assert (result.ok, result.value) == (False, 89.0)


def test_a_window_that_ends_among_those_looked_at_together_leaves_out_what_comes_behind():
    temps = [80.0] * ROWS + [88.0] * ROWS
    assert fly(planned(high=87.0, until_s=ROWS / 10), ramp(*temps)).ok
