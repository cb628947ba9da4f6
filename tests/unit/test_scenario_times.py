"""Time expressions and the second stage of a scenario."""

import pytest

from flight.examples import default_scenario_path
from flight.operator_error import OperatorError
from sim_hw.scenario import load_scenario, parse_scenario
from sim_hw.scenario_times import CYCLE_NS, FOREVER_NS, resolve
from sim_hw.timeline import Anchors, OrbitEvents, TimeError, parse_time, resolve_time

S = 1_000_000_000
ORBIT = OrbitEvents(eclipse_entry_s=(0.0, 5739.0), eclipse_exit_s=(2136.7,))


def scenario(*faults, expect=()):
    return parse_scenario(
        {"title": "t", "shows": "s", "fault": list(faults), "expect": list(expect)}
    )


def pump_stop(at, fault_id="pump_a_stop", **parameters):
    return {"id": fault_id, "at": at, "name": "pump_stop", "target": "pump_a",
            "parameters": parameters}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2600 s", 2600.0),
        ("43 min", 2580.0),
        ("1 h", 3600.0),
        ("250ms", 0.25),
        ("1 h + 30 s", 3630.0),
        ("start", 0.0),
        ("eclipse_exit + 60 s", 2196.7),
        ("eclipse_entry[2] - 30 s", 5709.0),
        ("pump_a_stop + 10 s", 2610.5),
        ("end - 1 min", 6940.0),
    ],
)
def test_a_time_means_what_it_says(text, seconds):
    anchors = Anchors(end_ns=7000 * S, orbit=ORBIT, instants_ns={"pump_a_stop": 26005 * S // 10})
    assert resolve_time(parse_time(text), anchors) == round(seconds * S)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2600", "write '2600 s'"),
        ("2600 sec", "'sec' is no unit of time; write one of ms, s, min, h, d"),
        ("eclipse_exit 60 s", "'+' or '-' is missing before '60 s'"),
        ("eclipse_exit + soon", "'+ soon' is no time"),
        ("eclipse_exit[0]", "counted from 1"),
        ("start[2]", "only orbital events are counted"),
        ("", "empty"),
    ],
)
def test_a_wrong_time_is_refused_with_the_right_form(text, message):
    with pytest.raises(TimeError) as error:
        parse_time(text)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("eclipse_exit[2]", "this run has 1 eclipse_exit, so eclipse_exit[2] does not happen"),
        ("eclipse_ext + 1 s", "did you mean 'eclipse_exit'?"),
        ("eclipse_entry - 30 s", "30 s before the start of the run"),
    ],
)
def test_a_time_that_this_run_does_not_have_is_named(text, message):
    with pytest.raises(TimeError) as error:
        resolve_time(parse_time(text), Anchors(end_ns=7000 * S, orbit=ORBIT))
    assert message in str(error.value)


def test_a_coarse_fault_instant_is_moved_inside_its_cycle_by_seed():
    instants = []
    for seed in range(20):
        plan = resolve(scenario(pump_stop("2600 s")), ORBIT, duration_s=5739.0, seed=seed)
        instants.append(plan.faults[0].start_ns)
    assert all(2600 * S + S // 1000 <= t <= 2600 * S + 99 * S // 1000 for t in instants)
    assert all(t % CYCLE_NS != 0 for t in instants)
    assert len(set(instants)) == 20
    again = resolve(scenario(pump_stop("2600 s")), ORBIT, duration_s=5739.0, seed=3)
    assert again.faults[0].start_ns == instants[3]


def test_one_more_fault_does_not_move_the_others():
    alone = resolve(scenario(pump_stop("2600 s")), ORBIT, duration_s=5739.0, seed=7)
    other = {"id": "string", "at": "10 s", "name": "string_loss", "target": "string3"}
    both = resolve(scenario(other, pump_stop("2600 s")), ORBIT, duration_s=5739.0, seed=7)
    assert both.faults[1].start_ns == alone.faults[0].start_ns


@pytest.mark.parametrize("text", ["2600.037 s", "2600 s + 37 ms"])
def test_a_fault_instant_written_to_the_millisecond_is_kept(text):
    plan = resolve(scenario(pump_stop(text)), ORBIT, duration_s=5739.0, seed=7)
    assert plan.faults[0].start_ns == 2_600_037_000_000


def test_a_fault_that_leans_on_another_keeps_its_distance_in_either_order():
    second = pump_stop("pump_a_stop + 10 s", "again")
    for faults in ((second, pump_stop("2600 s")), (pump_stop("2600 s"), second)):
        plan = resolve(scenario(*faults), ORBIT, duration_s=5739.0, seed=7)
        by_id = {fault.id: fault.start_ns for fault in plan.faults}
        assert by_id["again"] - by_id["pump_a_stop"] == 10 * S


def test_a_fault_ends_after_its_duration_or_never():
    for_ever = resolve(scenario(pump_stop("1 s")), ORBIT, duration_s=99.0, seed=1).faults[0]
    short = resolve(scenario(pump_stop("1 s", duration_s=2.5)), ORBIT, duration_s=99.0, seed=1)
    assert for_ever.end_ns == FOREVER_NS
    assert short.faults[0].end_ns - short.faults[0].start_ns == 2_500_000_000
    assert "duration_s" not in short.faults[0].parameters


@pytest.mark.parametrize(
    ("expect", "message"),
    [
        ({"at": "2 h"}, "reaches to 7200 s, but the run ends at 100 s; fly longer"),
        ({"after": "99 s", "within_s": 5.0}, "reaches to 104 s"),
        ({"always": True, "from": "50 s", "until": "40 s"}, "from is later than until"),
    ],
)
def test_an_expectation_that_this_run_could_never_judge_is_refused(expect, message):
    entry = {"id": "cool", "point": "accel*.core_temp_c", "max": 87.0, **expect}
    with pytest.raises(OperatorError) as error:
        resolve(scenario(expect=[entry]), ORBIT, duration_s=100.0, seed=1)
    assert message in error.value.lines[0]


def test_a_fault_after_the_end_is_refused():
    with pytest.raises(OperatorError, match="the run ends at 100 s"):
        resolve(scenario(pump_stop("2600 s")), ORBIT, duration_s=100.0, seed=1)


def test_a_shorter_default_flight_leaves_out_what_comes_later_and_its_end() -> None:
    path = default_scenario_path()
    assert path is not None
    first_orbit = load_scenario(path)
    orbit = OrbitEvents(eclipse_entry_s=(0.0,), eclipse_exit_s=(2136.7,))
    plan = resolve(first_orbit, orbit, duration_s=200.0, seed=7, leave_out_late=True)
    assert plan.faults == ()
    assert [e.id for e in plan.expectations] == ["never_too_hot"]
    assert {"pump_a_stop", "battery_ends_as_it_began"} <= set(plan.left_out)
    with pytest.raises(OperatorError) as caught:
        resolve(first_orbit, orbit, duration_s=200.0, seed=7)
    assert len(caught.value.lines) == 4
    assert "more entries reach past the end" in caught.value.lines[-1]
