"""The pool of worker processes: what dies is one task's affair, what is closed leaves nobody."""

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sim_hw.runs.pool import Died, Pool
from tests.unit.pool_work import do

ROOT = Path(__file__).parents[2]
ENDED_S = 60.0  # a hang, not a measure
PARENT = """
from sim_hw.runs.pool import Pool
from tests.unit.pool_work import do
if __name__ == "__main__":
    list(Pool(do, jobs=1).run(["talk"], on_note=lambda _index, process: print(process, flush=True)))
"""


def answers_of(words, jobs):
    return dict(Pool(do, jobs=jobs).run(words))


def test_every_task_is_answered_by_no_more_processes_than_jobs():
    words = [f"task {i}" for i in range(7)]
    found = answers_of(words, 2)
    assert [found[i][0] for i in range(7)] == words
    processes = {process for _, process in found.values()}
    assert 1 <= len(processes) <= 2
    assert os.getpid() not in processes


@pytest.mark.parametrize(
    ("word", "exit_code", "text"),
    [
        ("kill", -signal.SIGKILL, "its process was ended by SIGKILL"),
        ("exit", 3, "its process ended with exit code 3"),
        ("leave", 4, "its process ended with exit code 4"),
    ],
)
def test_a_process_that_dies_loses_its_own_task_alone(word, exit_code, text):
    found = answers_of(["a", word, "b", word, "c"], 2)
    assert [found[i][0] for i in (0, 2, 4)] == ["a", "b", "c"]
    assert found[1] == found[3] == Died(exit_code=exit_code)
    assert found[1].text == text


def test_an_unnamed_signal_has_its_number():
    assert Died(exit_code=-63).text == "its process was ended by signal 63"


def test_when_all_die_all_are_told():
    assert set(answers_of(["kill"] * 3, 2).values()) == {Died(exit_code=-9)}


def test_ctrl_c_does_not_reach_the_processes():
    assert answers_of(["interrupt"], 1)[0][0] == "interrupt"


def test_what_is_told_arrives_before_the_answer_with_its_task():
    notes, started = [], []
    pool = Pool(do, jobs=1)
    for index, _ in pool.run(
        ["a", "b"], on_start=started.append, on_note=lambda i, note: notes.append((i, note))
    ):
        assert notes[-1] == (index, "done")
    assert (notes, started) == ([(0, "done"), (1, "done")], [0, 1])


def test_an_exception_meanwhile_ends_all_processes_at_once():
    pool = Pool(do, jobs=2)
    descriptors = {}

    def note(_index, process_id):
        descriptors[process_id] = os.pidfd_open(process_id)
        if len(descriptors) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(pool.run(["wait"] * 5, on_note=note))
    ready, _, _ = select.select(list(descriptors.values()), [], [], 0.0)
    for descriptor in descriptors.values():
        if descriptor not in ready:
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        os.close(descriptor)
    assert len(ready) == 2
    assert pool.process_ids == ()


def test_a_process_at_work_ends_when_its_parent_is_killed():
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT],
        cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert parent.stdout is not None
    descriptor = os.pidfd_open(int(parent.stdout.readline()))
    parent.kill()
    ready, _, _ = select.select([descriptor], [], [], ENDED_S)
    if not ready:
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    os.close(descriptor)
    parent.communicate()
    assert ready, "the worker outlived its parent"
