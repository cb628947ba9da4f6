"""Training and inference: what they ask for, and what becomes of their time."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from sim_hw.workload import build_workload
from sim_hw.workload_account import WorkAccount, WorkLedger
from sim_hw.workload_inference import InferenceWorkload
from sim_hw.workload_training import Phase, TrainingWorkload

STEP_S = 0.1
COUNT = 8
CLOCK_MHZ = 1980.0


class Node:
    """Accelerators that do as they are asked, but for what a test does to them."""

    def __init__(self, workload):
        self.workload = workload
        self.truth = SimpleNamespace(
            accel_alive=np.ones(COUNT),
            accel_clock_mhz=np.full(COUNT, CLOCK_MHZ),
            accel_hung=np.zeros(COUNT),
            accel_memory_bandwidth_ratio=np.ones(COUNT),
            accel_ecc_uncorrected_count=np.zeros(COUNT),
        )
        self.steps = 0

    @property
    def now_s(self):
        return self.steps * STEP_S

    def fly(self, seconds):
        """Return what was asked for in each step."""
        asked = []
        for _ in range(round(seconds / STEP_S)):
            self.steps += 1
            asked.append(self.workload.targets(self.now_s, -100.0).copy())
            self.workload.observe(self.now_s, self.truth)
        return np.array(asked)


def training(**parameters) -> Node:
    given = {"kind": "training", "step_spread_ratio": 0.0, **parameters}
    workload = build_workload(given, seed=7, folder=None)
    assert isinstance(workload, TrainingWorkload)
    return Node(workload)


def inference(seed=7, **parameters) -> Node:
    workload = build_workload({"kind": "inference", **parameters}, seed=seed, folder=None)
    assert isinstance(workload, InferenceWorkload)
    return Node(workload)


def test_a_job_asks_for_nothing_before_sixty_seconds_of_nominal():
    for kind in ("training", "inference"):
        workload = build_workload({"kind": kind}, seed=7, folder=None)
        node = Node(workload)
        for now_s, since_s in ((500.0, None), (69.9, 10.0)):
            assert not workload.targets(now_s, since_s).any()
            workload.observe(now_s, node.truth)
        assert workload.account == WorkAccount()


def test_all_accelerators_ramp_together_between_compute_and_all_reduce():
    asked = training(step_s=3.0, reduce_share=0.2).fly(60.0)
    assert np.all(asked == asked[:, :1])
    assert set(np.unique(asked[5:])) == {0.35, 1.0}
    assert np.mean(asked[5:] == 0.35) == pytest.approx(0.2, abs=0.01)
    falls = np.flatnonzero((asked[1:, 0] == 0.35) & (asked[:-1, 0] == 1.0))
    assert np.all(np.diff(falls) == 30)  # steps of the plant


def test_no_phase_is_shorter_than_the_cycle_can_show():
    asked = training(step_s=3.0, step_spread_ratio=0.5, reduce_share=0.2).fly(300.0)
    changes = np.flatnonzero(np.diff(asked[5:, 0]))
    assert np.diff(changes).min() >= 3


def test_a_checkpoint_comes_after_its_period_and_costs_its_time():
    node = training(checkpoint_period_s=60.0, checkpoint_s=12.0)
    node.fly(0.1)
    asked = node.fly(72.0 * 5)
    account = node.workload.account
    assert np.mean(asked == 0.05) == pytest.approx(12.0 / 72.0, abs=0.005)
    assert account.checkpoint_s == pytest.approx(5 * 12.0 * COUNT, abs=2.0)
    assert account.useful_s == pytest.approx(5 * 60.0 * COUNT, abs=3.0)
    assert account.lost_s == account.restarts == 0


def test_a_slower_clock_makes_steps_longer_and_the_slowest_decides():
    node = training()
    node.truth.accel_clock_mhz[3] = 0.5 * CLOCK_MHZ
    node.fly(100.0)
    assert node.workload.account.useful_s == pytest.approx(0.5 * 100.0 * COUNT, rel=0.01)


def test_memory_that_throttles_slows_the_job_though_the_clock_is_good():
    node = training()
    node.truth.accel_memory_bandwidth_ratio[6] = 0.742
    node.fly(100.0)
    assert node.workload.account.useful_s == pytest.approx(0.742 * 100.0 * COUNT, rel=0.01)


def lose(node):
    node.truth.accel_alive[2] = 0.0


def hang(node):
    node.truth.accel_hung[2] = 1.0


def break_memory(node):
    node.truth.accel_ecc_uncorrected_count[2] += 1.0


@pytest.mark.parametrize("strike", [lose, hang, break_memory])
def test_what_strikes_one_stops_all_and_work_since_the_checkpoint_is_lost(strike):
    node = training(checkpoint_period_s=60.0, checkpoint_s=6.0, restart_s=30.0)
    node.fly(66.1 + 40.0)
    before_s = node.workload.account.useful_s
    strike(node)
    asked = node.fly(5.0)
    account = node.workload.account
    assert not asked[2:, :].any() or strike is break_memory  # an error is over: it restarts at once
    assert account.lost_s == pytest.approx(40.0 * COUNT, abs=2.0 * COUNT)
    assert account.useful_s == pytest.approx(before_s - account.lost_s)
    node.truth.accel_alive[:], node.truth.accel_hung[:] = 1.0, 0.0
    asked = node.fly(40.0)
    assert account.restarts == 1
    assert node.workload.phase in (Phase.COMPUTE, Phase.REDUCE)
    assert asked[-1].all()


def test_the_job_goes_on_without_one_that_does_not_come_back():
    node = training(wait_s=100.0, restart_s=10.0)
    node.fly(20.0)
    lose(node)
    node.fly(99.0)
    assert node.workload.phase is Phase.WAITING
    asked = node.fly(20.0)
    assert node.workload.account.restarts == 1
    assert (asked[-1] > 0.0).tolist() == [i != 2 for i in range(COUNT)]


def test_no_time_is_counted_twice():
    node = training(checkpoint_period_s=50.0, checkpoint_s=5.0, restart_s=7.0)
    for _ in range(5):
        node.fly(83.0)
        lose(node)
        node.fly(3.0)
        node.truth.accel_alive[:] = 1.0
    account = node.workload.account
    assert account.restarts >= 4
    assert account.useful_s + account.lost_s + account.checkpoint_s < node.now_s * COUNT
    assert min(account.useful_s, account.lost_s, account.checkpoint_s) > 0.0


def test_training_depends_on_the_seed_alone():
    def course(seed):
        given = {"kind": "training", "step_spread_ratio": 0.3}
        return Node(build_workload(given, seed=seed, folder=None)).fly(120.0)

    assert np.array_equal(course(7), course(7))
    assert not np.array_equal(course(7), course(8))


def test_inference_is_busy_for_its_share_and_each_on_its_own():
    node = inference(demand_ratio=0.5, demand_swing_ratio=0.0, service_s=4.0, queue_max=1000)
    asked = node.fly(4000.0)
    assert set(np.unique(asked)) == {0.0, 1.0}
    assert asked.mean() == pytest.approx(0.5, abs=0.06)
    assert not np.array_equal(asked[:, 0], asked[:, 1])
    account = node.workload.account
    assert account.useful_s == pytest.approx(asked.sum() * STEP_S, rel=0.02)
    assert account.refused == 0
    expected = COUNT * 4000.0 * 0.5 / 4.0
    assert node.workload.served == pytest.approx(expected, abs=4.0 * math.sqrt(expected))


def test_demand_follows_its_curve():
    node = inference(
        demand_ratio=0.4, demand_swing_ratio=1.0, demand_period_s=2000.0, service_s=2.0
    )
    asked = node.fly(4000.0)
    per_quarter = asked.mean(axis=1).reshape(8, -1).mean(axis=1)  # quarters of 500 s
    high, low = per_quarter[[0, 3, 4, 7]], per_quarter[[1, 2, 5, 6]]
    assert high.min() > 1.5 * low.max()


def test_arrivals_do_not_depend_on_when_they_are_asked_for():
    def served(stride):
        node = inference(demand_ratio=0.3)
        steps = range(stride, 6000, stride)
        node.workload.targets(0.0, -100.0)
        node.workload.observe(0.0, node.truth)
        for k in steps:
            node.workload.targets(k * STEP_S, -100.0)
            node.workload.observe(k * STEP_S, node.truth)
        return node.workload.served

    assert abs(served(1) - served(3)) <= 8  # those under way at the end


def test_requests_beyond_the_queue_are_refused_and_work_of_a_lost_one_is_lost():
    node = inference(demand_ratio=5.0, service_s=10.0, queue_max=3)
    node.fly(200.0)
    refused = node.workload.account.refused
    assert refused > 100
    lose(node)
    node.fly(100.0)
    account = node.workload.account
    assert 0.0 < account.lost_s < 200.0
    node.truth.accel_alive[:] = 1.0
    useful_s = account.useful_s
    node.fly(50.0)
    assert account.useful_s == pytest.approx(useful_s + 50.0 * COUNT, rel=0.01)


def test_a_node_without_any_demand_stays_idle():
    assert not inference(demand_ratio=0.0).fly(100.0).any()


def test_the_ledger_adds_workloads_with_and_without_an_account():
    ledger = WorkLedger()
    ledger.begin(WorkAccount(useful_s=50.0, lost_s=3.0, checkpoint_s=2.0, restarts=1), 100.0)
    ledger.begin(None, 160.0)  # 60 s of utilisation belonged to the job
    figures = ledger.figures(200.0)
    assert figures == {
        "useful_seconds": 100.0 + 50.0 + 40.0,
        "lost_seconds": 3.0,
        "checkpoint_seconds": 2.0,
        "restart_count": 1,
        "refused_count": 0,
    }


def test_a_node_of_one_accelerator_trains_on_one():
    workload = build_workload({"kind": "training"}, seed=7, folder=None, accelerator_count=1)
    node = Node(workload)
    node.truth.accel_alive[1:] = 0.0
    asked = node.fly(60.0)
    assert asked.shape[1] == 1
    assert workload.account.useful_s == pytest.approx(60.0, abs=1.0)
