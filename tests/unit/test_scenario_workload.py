"""Workloads: what is asked for, when it starts, and how a bad trace is refused."""

import numpy as np
import pytest

from flight.operator_error import OperatorError
from sim_hw.timeline import OrbitEvents
from sim_hw.workload import BurstyWorkload, ConstantWorkload, TraceWorkload, build_workload


def test_the_default_asks_for_everything_from_sixty_seconds_after_nominal():
    workload = ConstantWorkload()
    assert workload.targets(500.0, None).tolist() == [0.0] * 8
    assert workload.targets(69.9, 10.0).tolist() == [0.0] * 8
    assert workload.targets(70.0, 10.0).tolist() == [1.0] * 8


def test_jobs_that_have_started_keep_asking_when_the_mode_changes():
    workload = ConstantWorkload(0.5)
    workload.targets(70.0, 10.0)
    assert workload.targets(80.0, None).tolist() == [0.5] * 8


def course(seed, step_s):
    workload = BurstyWorkload(seed=seed, busy_s=20.0, idle_s=10.0)
    times = np.arange(0.0, 4000.0, step_s)
    return np.array([workload.targets(t, -100.0).copy() for t in times])


def test_bursts_depend_on_the_seed_and_not_on_when_they_are_asked_for():
    coarse, fine = course(7, 1.0), course(7, 0.25)
    assert np.array_equal(coarse, fine[::4])
    assert not np.array_equal(coarse, course(8, 1.0))


def test_bursts_are_busy_for_their_share_and_each_accelerator_on_its_own():
    load = course(7, 1.0)
    assert set(load.ravel()) == {0.0, 1.0}
    assert 0.55 < load.mean() < 0.78  # 20 of 30 s
    assert not np.array_equal(load[:, 0], load[:, 1])


def test_a_trace_holds_each_row_until_the_next(tmp_path):
    path = tmp_path / "load.csv"
    path.write_text("time_s,load\n10,0.5\n20,1\n")
    workload = TraceWorkload(path)
    assert [workload.targets(t, None)[7] for t in (0.0, 10.0, 19.9, 20.0, 1e6)] == [
        0,
        0.5,
        0.5,
        1,
        1,
    ]


def test_a_trace_is_found_beside_its_scenario_and_may_have_a_column_each(tmp_path):
    names = ",".join(f"accel{i}" for i in range(8))
    (tmp_path / "load.csv").write_text(f"time_s,{names}\n0,0,.1,.2,.3,.4,.5,.6,.7\n")
    parameters = {"kind": "trace", "file": "load.csv"}
    workload = build_workload(parameters, seed=1, folder=tmp_path)
    assert workload.targets(0.0, None).tolist() == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seconds,load\n0,1\n", "line 1: a workload trace begins with the columns time_s and one"),
        ("time_s,load\n", "has at least one row"),
        ("time_s,load\n0,1,1\n", "line 2: has 3 values, the header has 2"),
        ("time_s,load\n0,1\n0,1\n", "line 3: time_s 0 does not rise"),
        ("time_s,load\n0,1.5\n", "line 2: load 1.5 is outside 0 to 1"),
        ("time_s,load\n0,full\n", "line 2: 'full' is not a number"),
    ],
)
def test_a_bad_trace_is_refused_with_its_line(tmp_path, text, message):
    path = tmp_path / "load.csv"
    path.write_text(text)
    with pytest.raises(OperatorError) as error:
        TraceWorkload(path)
    assert error.value.lines[0].startswith(f"{path}: ")
    assert message in error.value.lines[0]


def test_a_missing_trace_is_refused(tmp_path):
    with pytest.raises(OperatorError, match="cannot be read as a workload trace"):
        TraceWorkload(tmp_path / "none.csv")


def test_orbital_events_count_from_the_start_of_the_run():
    events = OrbitEvents.of(
        [(99.9999, "eclipse_entry"), (150.0, "eclipse_exit"), (300.0, "eclipse_entry")],
        start_s=100.0,
    )
    assert events.eclipse_entry_s == (0.0, 200.0)
    assert events.eclipse_exit_s == (50.0,)
