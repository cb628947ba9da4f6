"""Terms of the arbiter that others set: owners' limits, the plan, and declared demand."""

from math import inf

import pytest

from flight.core.commands import OWNERS_MAX
from flight.core.config import CoreConfig
from flight.core.types import CapPlan, Command, WorkloadClaim
from tests.core_node import Node, booted

S = 1_000_000_000


def limit(node: Node, i: int, cap_w: float, owner: str = "", duration_s: float = 0.0):
    more = {"owner": owner} if owner else {}
    more |= {"duration_s": duration_s} if duration_s else {}
    arguments = {"subject": f"accel{i}", "cap_w": cap_w, **more}
    return node.cycle(Command("c", "operator_limit", tuple(arguments.items())))


def release(node: Node, i: int, owner: str):
    arguments = (("subject", f"accel{i}"), ("owner", owner))
    return node.cycle(Command("r", "release_limit", arguments))


def test_the_smallest_of_several_owners_wins_and_each_ends_by_itself() -> None:
    node = booted()
    limit(node, 3, 400.0, "alice", 5.0)
    assert limit(node, 3, 300.0, "bob", 2.0).cap_w[3] == 300.0
    assert node.fly(3.0).cap_w[3] <= 400.0
    assert node.fly(1.5).cap_w[3] <= 400.0
    assert node.fly(20.0).cap_w[3] == 700.0
    assert node.ids().count("limit.ended") == 1


def test_an_owner_cannot_remove_or_raise_anothers_limit() -> None:
    node = booted()
    limit(node, 3, 300.0, "alice")
    refused = release(node, 3, "bob").acks[0]
    assert not refused.ok
    assert refused.reason == "bob has no limit on accel3"
    limit(node, 3, 700.0, "bob")
    limit(node, 3, 650.0)
    assert node.fly(20.0).cap_w[3] == 300.0
    assert release(node, 3, "alice").acks[0].ok
    assert node.fly(20.0).cap_w[3] == 650.0


def test_a_further_limit_of_the_same_owner_replaces_the_first() -> None:
    node = booted()
    limit(node, 3, 300.0, "alice", 2.0)
    limit(node, 3, 350.0, "alice")
    assert node.fly(30.0).cap_w[3] == 350.0
    assert len(node.state.operator.limits) == 1


@pytest.mark.parametrize("owner", ["", "a b", "x" * 33, "é", 4.0])
def test_an_owner_must_be_a_plain_name(owner: object) -> None:
    arguments = (("subject", "accel3"), ("cap_w", 300.0), ("owner", owner))
    ack = booted().cycle(Command("c", "operator_limit", arguments)).acks[0]
    assert not ack.ok
    assert "owner must be a name" in ack.reason


def test_owners_are_bounded_and_the_reason_says_so() -> None:
    node = booted()
    for k in range(OWNERS_MAX):
        assert limit(node, 3, 600.0, f"owner{k}").acks[0].ok
    refused = limit(node, 3, 500.0, "one-more").acks[0]
    assert not refused.ok
    assert "already has limits of 8 owners" in refused.reason
    assert limit(node, 3, 500.0, "owner0").acks[0].ok


def plan(node: Node, *caps_w: tuple[float, ...], valid_s: float = 1000.0) -> None:
    starts = tuple(node.now_ns + 5 * k * S for k in range(len(caps_w)))
    node.plan = CapPlan(starts, caps_w, node.now_ns + round(valid_s * S))


def test_the_plan_is_followed_step_by_step_and_named() -> None:
    node = booted()
    plan(node, (500.0,) * 8, (300.0,) * 7 + (400.0,), (650.0,) * 8)
    assert node.fly(4.0).cap_w == (500.0,) * 8
    decision = node.fly(5.0)
    assert decision.cap_w == (300.0,) * 7 + (400.0,)
    assert set(decision.cap_reason) == {"plan"}
    assert node.fly(20.0).cap_w == (650.0,) * 8


def test_a_plan_never_raises_and_never_goes_below_the_smallest_cap() -> None:
    node = booted()
    limit(node, 2, 300.0)
    plan(node, (0.0, 9000.0, 600.0) + (float("nan"),) * 2)
    decision = node.fly(1.0)
    assert decision.cap_w[:5] == (200.0, 700.0, 300.0, 700.0, 700.0)
    assert decision.cap_reason[2] == "operator"


@pytest.mark.parametrize(("fallback_w", "expected_w"), [(700.0, 700.0), (450.0, 450.0)])
def test_a_lapsed_plan_falls_back_as_configured(fallback_w: float, expected_w: float) -> None:
    node = Node(config=CoreConfig.model_validate({"arbiter": {"plan_fallback_w": fallback_w}}))
    node.fly(45.0)
    plan(node, (300.0,) * 8, valid_s=2.0)
    assert node.fly(1.5).cap_w == (300.0,) * 8
    assert node.fly(30.0).cap_w == (expected_w,) * 8


def budget(node: Node, power_w: float):
    return node.cycle(Command("b", "node_budget", (("power_w", power_w),)))


def test_a_declared_demand_gives_its_share_to_the_others_while_power_is_short() -> None:
    node = booted()
    equal = budget(node, 3500.0).cap_w[5]
    node.claims = (WorkloadClaim(demand_w=220.0, client="small"),) + (WorkloadClaim(),) * 7
    decision = node.fly(20.0)
    assert decision.cap_w[0] == 220.0
    assert decision.cap_reason[0] == "demand"
    assert decision.cap_reason[5] == "budget"
    assert decision.cap_w[5] == pytest.approx(equal + (equal - 220.0) / 7.0)
    assert sum(decision.cap_w) <= 3500.0 - 480.0


def test_a_declared_demand_costs_nothing_while_power_is_enough() -> None:
    node = booted()
    node.claims = (WorkloadClaim(demand_w=220.0, client="small"),) * 8
    decision = node.fly(1.0)
    assert decision.cap_w == (700.0,) * 8


@pytest.mark.parametrize("demand_w", [-5.0, 0.0, float("nan"), inf])
def test_no_demand_leaves_the_cap_range(demand_w: float) -> None:
    node = booted()
    budget(node, 3500.0)
    node.claims = (WorkloadClaim(demand_w=demand_w, client="x"),) * 8
    for _ in range(20):
        decision = node.cycle()
        assert all(200.0 <= cap_w <= 700.0 for cap_w in decision.cap_w)
        assert sum(decision.cap_w) <= 3020.0
