"""S13: losing sensors never raises power, and never raises an exception."""

from copy import copy
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flight.core.step import step
from flight.core.types import Command, Inputs, Mode, Snapshot
from tests.core_node import PERIOD_NS, Node, booted

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
