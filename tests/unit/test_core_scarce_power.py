"""Where not all accelerators may be on, those that serve stay; an over-current cuts all caps."""

from collections.abc import Callable
from itertools import pairwise

import pytest

from flight.core.types import Command, Mode
from tests.core_node import Node, booted

SHED_RATIO = 0.47  # between rungs 3 and 2 of REF-1's ladder


def is_on(node: Node) -> list[int]:
    return [i for i in range(8) if node.is_on(i)]


def hot(node: Node, i: int) -> None:
    """Over its temperature once: off for a minute to cool down."""
    node.forced[f"accel{i}.core_temp_c"] = 86.0
    node.fly(2.0)
    node.forced.clear()


def silent(node: Node, i: int) -> None:
    node.lost[i] = True
    node.fly(0.5)


def order(name: str) -> Callable[[Node, int], None]:
    def act(node: Node, i: int) -> None:
        node.cycle(Command("c", name, (("subject", f"accel{i}"),)))
        node.fly(3.0)

    return act


@pytest.mark.parametrize(
    "fail", [hot, silent, order("disable_accelerator"), order("retire")],
    ids=["cools down", "is silent", "is disabled", "is retired"],
)  # fmt: skip
def test_the_one_kept_on_the_shed_rung_is_one_that_serves(
    fail: Callable[[Node, int], None],
) -> None:
    node = booted()
    fail(node, 0)
    node.charge_ratio = SHED_RATIO
    node.fly(15.0)
    assert is_on(node) == [1], node.ids()[-12:]
    assert node.state.mode.mode is Mode.NOMINAL
    assert node.decision is not None and node.decision.cap_w[1] == 200.0
    node.fly(120.0)
    assert is_on(node) == [1], "one that could serve again does not take its place"
    assert node.ids().count("rail.switching_on") <= 1


def test_when_the_one_kept_fails_another_one_that_may_start_takes_its_place() -> None:
    node = booted()
    node.charge_ratio = SHED_RATIO
    node.fly(20.0)
    assert is_on(node) == [0]
    hot(node, 0)
    node.fly(20.0)
    assert is_on(node) == [1]
    node.fly(120.0)
    assert is_on(node) == [1], "the first one has cooled, and does not push it out"


def test_a_short_budget_takes_power_from_none_that_serves_for_one_that_cools() -> None:
    node = booted()
    hot(node, 0)
    node.cycle(Command("c", "node_budget", (("power_w", 1300.0),)))
    node.fly(2.0)
    assert is_on(node) == [1, 2, 3, 4]
    node.fly(120.0)
    assert is_on(node) == [1, 2, 3, 4]


def test_an_over_current_of_the_payload_bus_cuts_all_caps_at_once_and_ends_in_a_ramp() -> None:
    node = booted()
    node.forced["rail.payload_54v.current_a"] = 130.0
    decision = node.fly(0.3)
    assert decision.cap_w == (200.0,) * 8
    assert set(decision.cap_reason) == {"current"}
    assert {notice.level for notice in decision.notices} == {"checkpoint"}
    raised = [e for e in node.events if e.event_id == "rail.over_current"]
    assert [e.subject for e in raised] == ["payload_54v"]
    node.forced["rail.payload_54v.current_a"] = 120.0  # within its hysteresis: not yet
    assert node.fly(60.0).cap_w == (200.0,) * 8
    node.forced.clear()
    caps_w = [node.cycle().cap_w[0] for _ in range(700)]
    rise_w = max(late - early for early, late in pairwise(caps_w))
    assert rise_w <= node.config.arbiter.ramp_w_per_s * 0.1 + 1e-9
    assert caps_w[-1] == 700.0
    assert is_on(node) == list(range(8))
