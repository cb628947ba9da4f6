"""S6, the part of the core: grants stay within the budget, and one that is not obeyed escalates.

What accelerators draw is looked at on plant truth in every flight (sim_hw/properties).
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flight.core import arbiter, rails, responses
from flight.core.arbiter import CapReason
from flight.core.types import Allotment, WorkloadClaim
from tests.property.core_stories import examples, fresh, order

OVERHEAD_W = 480.0
COVERED_W = OVERHEAD_W + 8 * 200.0 * 1.06  # from here on nobody has to be switched off

budgets = st.integers(1000, 7000).map(float)
demands = st.lists(st.sampled_from([0.0, 150.0, 250.0, 400.0, float("inf")]), max_size=8)
change = st.fixed_dictionaries(
    {
        "budget_w": budgets,
        "granted_w": st.none() | budgets,
        "demands_w": demands,
        "limited": st.lists(st.tuples(st.integers(0, 7), st.integers(200, 700)), max_size=3),
        "cycles": st.integers(1, 30),
    }
)
Changes = list[dict[str, Any]]


def excess(changes: Changes) -> list[str]:
    """Fly budget changes; return each cycle whose grants are too high one second afterwards."""
    node, found = fresh(), []
    for new in changes:
        commands = [order("node_budget", power_w=new["budget_w"])]
        for i, cap_w in new["limited"]:
            commands.append(order("operator_limit", subject=f"accel{i}", cap_w=float(cap_w)))
        budget_w = new["budget_w"]
        if new["granted_w"] is not None:
            node.allotment = Allotment(new["granted_w"], new["granted_w"] + 50.0, 1 << 62)
        if node.allotment is not None:
            budget_w = min(budget_w, node.allotment.power_w)
        demands_w = (*new["demands_w"], *([float("inf")] * 8))[:8]
        node.claims = tuple(WorkloadClaim(demand_w=w, client="job") for w in demands_w)
        for cycle in range(new["cycles"]):
            decision = node.cycle(*commands)
            commands = []
            settled = budget_w >= COVERED_W or cycle >= 10
            if settled and sum(decision.cap_w) + OVERHEAD_W > budget_w + 1e-6:
                found.append(f"{sum(decision.cap_w):.0f} W granted of {budget_w:.0f} W")
            if any(cap_w and not 200.0 <= cap_w <= 700.0 for cap_w in decision.cap_w):
                found.append(f"outside the cap range: {decision.cap_w}")
    return found


@examples(40)
@given(st.lists(change, min_size=1, max_size=4))
def test_grants_stay_within_every_budget(changes: Changes) -> None:
    assert excess(changes) == []


CUT: Changes = [
    {"budget_w": 2500.0, "granted_w": None, "demands_w": [150.0, 400.0], "limited": [],
     "cycles": 15},
]  # fmt: skip


def _constant(*_: object) -> responses.Shared:
    return responses.Shared(6000.0, CapReason.BUDGET, OVERHEAD_W, False)


def _equal_share(limits_: list[arbiter.Limit | None], shared_w: float) -> float:
    return shared_w / 4.0


BREAKS = {
    "budget ignored": (responses, "shared_power", _constant),
    "shares too large": (arbiter, "share_level", _equal_share),
}


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_law_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, attribute, broken = BREAKS[name]
    assert excess(CUT) == []
    monkeypatch.setattr(module, attribute, broken)
    assert excess(CUT) != []


def escalation_s(i: int, cap_w: float) -> float:
    """Let an accelerator ignore a smaller cap; return when its rail is open."""
    node = fresh()
    node.clock_works, node.cap_ignored[i] = False, True
    node.cycle(order("operator_limit", subject=f"accel{i}", cap_w=cap_w))
    start_ns = node.now_ns
    while node.is_on(i) and node.now_ns - start_ns < 12_000_000_000:
        node.cycle()
    return (node.now_ns - start_ns) * 1e-9


@examples(10)
@given(st.integers(0, 7), st.integers(200, 600))
def test_a_cap_that_is_not_obeyed_ends_in_an_open_rail_within_ten_seconds(
    i: int, cap_w: int
) -> None:
    assert escalation_s(i, float(cap_w)) <= 10.0


def test_disobedience_without_an_answer_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rails, "latch_off", lambda pair, **_: pair)
    assert escalation_s(3, 300.0) > 10.0
