"""S13: losing sensors never raises power; lost communication and over-temperature are different.

On the whole step with any readings missing or wrong, and in whole flights on plant truth, in which
the budget rises while sensors are lost. Each way to break the laws below is found.
"""

from collections.abc import Callable, Iterable
from copy import copy
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flight.core import guard, judge
from flight.core.arbiter import CapReason
from flight.core.guard import GuardLaw, GuardState
from flight.core.step import step
from flight.core.types import Command, Decision, Inputs, Mode, Snapshot
from sim_hw.flight import Flight
from sim_hw.scenario_toml import scenario_toml
from tests.core_node import PERIOD_NS, Node, booted
from tests.property.aimed_flights import Aim, flights, flown, hold, scene, strike
from tests.property.core_stories import examples
from tests.property.flight_strategies import Scenario
from tests.system.flying import setup_of
from tests.system.watched import Watched, fault

TABLE = booted().table
DRIVERS = list(dict.fromkeys(p.driver for p in TABLE))
points = st.sets(st.sampled_from([p.name for p in TABLE]), max_size=12)
groups = st.sets(st.sampled_from(DRIVERS), max_size=4)


@cache
def situation(name: str) -> Node:
    """Return a node flown into a situation; fork it before flying on."""
    node = booted()
    if name == "ramping":
        node.cycle(Command("c", "operator_limit", (("subject", "all"), ("cap_w", 300.0))))
        node.cycle(Command("c", "operator_limit", (("subject", "all"), ("cap_w", 700.0))))
    elif name == "throttled":
        node.coolant_c = 62.0
        node.fly(60.0)
    elif name == "low charge":
        node.forced["eps.battery.charge_ratio"] = 0.55
        node.fly(10.0)
    elif name == "pump lost":
        node.pump_dead[0] = True
        node.fly(5.0)
    elif name == "latched up":
        node.aux_extra_a[3] = 1.2
        node.fly(0.3)
        node.aux_extra_a[3] = 0.0
    return node


def fork(node: Node) -> Node:
    other = copy(node)
    for key, value in vars(node).items():
        setattr(other, key, copy(value) if isinstance(value, list | dict | set) else value)
    return other


@settings(max_examples=25)
@pytest.mark.parametrize(
    "name", ["steady", "ramping", "throttled", "low charge", "pump lost", "latched up"]
)
@given(names=points, drivers=groups, seconds=st.sampled_from([1.0, 2.0]))
def test_losing_any_sensors_never_raises_a_cap(
    name: str, names: set[str], drivers: set[str], seconds: float
) -> None:
    good, bad = fork(situation(name)), fork(situation(name))
    bad.mute = names | drivers
    for _ in range(round(seconds * 10)):
        rich, poor = good.cycle(), bad.cycle()
        for p, r in zip(poor.cap_w, rich.cap_w, strict=True):
            assert p <= r + 1e-9


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    garbage=st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -1e9, 1e9, 1e300]),
    share=st.floats(0.0, 1.0),
    cycles=st.integers(1, 12),
)
def test_no_snapshot_makes_the_step_raise_or_leave_its_limits(
    seed: int, garbage: float, share: float, cycles: int
) -> None:
    node, random = fork(booted()), np.random.default_rng(seed)
    count = len(TABLE)
    for _ in range(cycles):
        node.now_ns += int(random.integers(1, 5)) * PERIOD_NS
        clean = node.snapshot()
        hit = random.random(count) < share
        snapshot = Snapshot(
            np.where(hit, garbage * random.random(count), clean.values),
            np.where(random.random(count) < share / 2, 0, clean.time_ns),
            np.where(random.random(count) < share / 2, -4, 0).astype(np.int32),
            np.where(random.random(count) < share / 4, 3, 0).astype(np.uint32),
        )
        node.state, decision = step(
            node.step_config, node.state, Inputs(now_ns=node.now_ns, snapshot=snapshot)
        )
        assert all(c == 0.0 or 200.0 <= c <= 700.0 for c in decision.cap_w)
        for value, index in zip(decision.desired.tolist(), TABLE.writable_indices, strict=True):
            writable = TABLE.points[index].writable
            assert writable is not None
            assert value != value or writable.low <= value <= writable.high
        names = [TABLE.points[i].name for i in TABLE.writable_indices]
        desired = dict(zip(names, decision.desired.tolist(), strict=True))
        for i in range(8):
            module, aux = desired[f"rail.accel{i}_54v.enable"], desired[f"rail.accel{i}_aux.enable"]
            assert not (module == 1.0 and aux == 0.0)
    node.state.to_bytes()


@settings(max_examples=6)
@given(names=points, drivers=groups)
def test_when_the_sensors_return_the_node_is_back_at_full_power(
    names: set[str], drivers: set[str]
) -> None:
    node = fork(booted())
    node.mute = names | drivers
    node.fly(4.0)
    node.mute = set()
    decision = node.fly(60.0)
    assert decision.mode is Mode.NOMINAL
    assert decision.cap_w == (700.0,) * 8


LOSSES = (
    "sensor_stuck", "sensor_bias", "nvml_call_fails", "nvml_hang", "accel_lost", "i2c_nack",
    "i2c_sda_stuck", "i2c_stretch",
)  # fmt: skip
BLIND = Aim(faults=LOSSES, seconds=(90, 170), phase_percent=(30, 99), budget_moves=True)


@examples(18)
@given(flights(BLIND))
def test_no_loss_raises_power_in_any_flight_whose_budget_rises(data: Scenario) -> None:
    hold(data, "S1")


class Doubts:
    """Whose cap was ever held because a temperature was lost or doubted."""

    def __init__(self) -> None:
        self.found: set[int] = set()

    def record(self, inputs: Inputs, decision: Decision) -> None:
        self.found |= {i for i, why in enumerate(decision.cap_reason) if why is CapReason.SENSOR}


@examples(12)
@given(flights(BLIND))
def test_no_sensor_is_doubted_in_any_flight_without_a_fault(data: Scenario) -> None:
    doubts = Doubts()
    setup = setup_of(data | {"fault": []})
    with Flight(setup, sinks=(doubts,)) as flight:
        flight.fly(setup.plan.duration_ns / 1e9)
    assert doubts.found == set(), scenario_toml(data | {"fault": []})


def rising(name: str, target: str, **parameters: object) -> Scenario:
    """A flight whose caps rise 5 s after a loss."""
    moves = [
        {"at": f"{at_s} s", "do": "node_budget", "parameters": {"power_w": power_w}}
        for at_s, power_w in ((80, 2600.0), (110, 6500.0))
    ]
    return scene(150.0, strike(name, target, 105.0, **parameters), action=moves)


NO_CORE = rising(
    "nvml_call_fails", "accel2", code=999.0, function="nvmlDeviceGetTemperature", duration_s=60.0
)
STUCK_CORE = rising("sensor_stuck", "accel2.core_temp_c", duration_s=60.0)
_guards = guard.step_all


def _hopeful(
    law: GuardLaw,
    before: tuple[GuardState, ...],
    serving: Iterable[bool],
    core_temp_c: tuple[float, ...],
    memory_temp_c: tuple[float, ...],
    dt_s: float,
) -> tuple[GuardState, ...]:
    """Guards that take what they do not know for cool."""
    core_c, memory_c = (
        tuple(20.0 if temp_c != temp_c else temp_c for temp_c in temps_c)
        for temps_c in (core_temp_c, memory_temp_c)
    )
    return _guards(law, before, serving, core_c, memory_c, dt_s)


def _never_stuck(_table: object, state: judge.StuckState, *_: object) -> judge.StuckState:
    return state


BREAKS: dict[str, tuple[object, str, Callable[..., object], Scenario]] = {
    "unknown is cool": (guard, "step_all", _hopeful, NO_CORE),
    "no stuck check": (judge, "_check_stuck", _never_stuck, STUCK_CORE),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_law_is_found(name: str) -> None:
    module, attribute, broken, data = BREAKS[name]
    assert flown(data).broken == set()
    found = flown(data, change=lambda patch: patch.setattr(module, attribute, broken)).broken
    assert found == {"S13"}


def test_one_that_is_lost_while_idle_gets_no_higher_cap_by_a_reset() -> None:
    """A reset would bring its cap back to the default of its maker, and nobody could lower it."""
    work = {"kind": "bursty", "idle_s": 48.0, "busy_s": 2.0, "utilisation_ratio": 1.0}
    load = {"at": "start", "do": "workload", "parameters": work}
    lost = strike("accel_lost", "accel0", 103.857)
    flight = scene(125.0, lost, action=[load], orbit_phase=0.0, charge_ratio=0.5, temp_c=5.0)
    assert flown(flight | {"seed": 125}).broken == set()


LOST, HOT = "accel.communication_lost", "accel.core_over_temperature"


@pytest.mark.parametrize(
    ("name", "target", "parameters", "told", "not_told"),
    [
        ("nvml_call_fails", "accel3", {"code": 10.0, "duration_s": 8.0}, LOST, HOT),
        ("sensor_bias", "accel3.core_temp_c", {"value": 60.0, "duration_s": 8.0}, HOT, LOST),
    ],
)
def test_a_lost_accelerator_is_not_a_hot_one(
    name: str, target: str, parameters: dict[str, float], told: str, not_told: str
) -> None:
    with Watched(fault(name, target, 30.0, **parameters), duration_s=38.0) as watched:
        watched.fly_to(38.0)
        assert "accel3" in watched.told(told)
        assert not watched.told(not_told)
