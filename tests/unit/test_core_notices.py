"""Notices: one per accelerator, the gravest rule first; an id stays while nothing changes."""

from math import inf
from pathlib import Path

import pytest

from flight.core import cap_plan, notices
from flight.core.types import (
    FLAG_REFLEX,
    CapPlan,
    Command,
    Notice,
    NoticeLevel,
    OrbitForecast,
    WorkloadClaim,
)
from tests.core_node import Node, booted

ROOT = Path(__file__).parents[2]
S = 1_000_000_000


def command(name: str, /, **arguments: float | str) -> Command:
    return Command("c1", name, tuple(arguments.items()))


def notice(node: Node, i: int = 3) -> Notice:
    assert node.decision is not None
    return node.decision.notices[i]


def said(node: Node, i: int = 3) -> tuple[str, str]:
    return notice(node, i).level.value, notice(node, i).reason


def ahead(node: Node, entry_s: float, *, cap_w: float = 300.0, checkpoint_s: float = 40.0) -> int:
    """Put an eclipse ahead whose plan lowers all caps; return its entry."""
    entry_ns = node.now_ns + round(entry_s * S)
    exit_ns = entry_ns + 2000 * S
    node.orbit = OrbitForecast(((entry_ns, exit_ns),), exit_ns + 3000 * S)
    steps = (node.now_ns, entry_ns, exit_ns)
    node.plan = CapPlan(steps, ((700.0,) * 8, (cap_w,) * 8, (700.0,) * 8), exit_ns + 3000 * S)
    node.claims = (WorkloadClaim(client="job", checkpoint_s=checkpoint_s),) * 8
    return entry_ns


def test_in_service_and_nominal_is_open() -> None:
    node = booted()
    node.cycle()
    assert {said(node, i) for i in range(8)} == {("open", "nominal")}
    assert [n.scope for n in node.decision.notices] == [f"accel{i}" for i in range(8)]


def test_a_start_says_off_then_cordon_then_open() -> None:
    node, seen = Node(), []
    for _ in range(300):
        node.cycle()
        if not seen or seen[-1] != said(node, 0):
            seen.append(said(node, 0))
    assert [level for level, _ in seen[-4:]] == ["cordon", "cordon", "cordon", "open"]
    assert {level for level, _ in seen[:-4]} == {"off"}


def test_nothing_new_is_the_same_object_and_keeps_its_id() -> None:
    node = booted()
    first = node.cycle().notices
    for _ in range(50):
        assert node.cycle().notices is first
    assert notice(node).notice_id.startswith("accel3-")


def test_a_change_of_one_accelerator_gives_one_new_id() -> None:
    node = booted()
    before = node.cycle().notices
    after = node.cycle(command("disable_accelerator", subject="accel3")).notices
    assert [a is b for a, b in zip(after, before, strict=True)] == [i != 3 for i in range(8)]
    number = int(before[3].notice_id.removeprefix("accel3-"))
    assert after[3].notice_id == f"accel3-{number + 1}"
    assert after[3].issued_ns == node.now_ns
    assert said(node) == ("off", "operator")


@pytest.mark.parametrize(
    ("checkpoint_s", "told_before_s"), [(40.0, 70.0), (5.0, 35.0), (0.0, None)]
)
def test_an_eclipse_that_lowers_caps_is_told_in_time_for_a_checkpoint(
    checkpoint_s: float, told_before_s: float | None
) -> None:
    node = booted()
    entry_ns, told_ns = ahead(node, 90.0, checkpoint_s=checkpoint_s), 0
    while node.now_ns < entry_ns - S:
        node.cycle()
        if said(node) == ("checkpoint", "eclipse") and not told_ns:
            told_ns = node.now_ns
            assert notice(node).deadline_ns == entry_ns
            assert notice(node).watts_after == 300.0
            assert notice(node).expected_end_ns == entry_ns + 2000 * S
    assert (told_ns == 0) == (told_before_s is None)
    if told_before_s is not None:
        assert abs((entry_ns - told_ns) / S - told_before_s) <= 0.1
    node.fly(2.0)
    assert said(node) == ("open", "nominal")
    assert node.decision.cap_reason[3] == "plan"


@pytest.mark.parametrize("why", ["no plan", "lapsed plan", "plan keeps the cap", "no forecast"])
def test_an_eclipse_of_which_nothing_is_known_to_follow_is_not_told(why: str) -> None:
    node = booted()
    ahead(node, 30.0, cap_w=700.0 if why == "plan keeps the cap" else 300.0)
    if why == "no plan":
        node.plan = None
    elif why == "lapsed plan":
        node.plan = node.plan._replace(valid_until_ns=node.now_ns)
    elif why == "no forecast":
        node.orbit = None
    node.fly(1.0)
    assert said(node) == ("open", "nominal")


def test_another_plan_changes_what_is_told_in_the_same_cycle() -> None:
    node = booted()
    ahead(node, 30.0)
    node.fly(1.0)
    assert notice(node).watts_after == 300.0
    first, _, last = node.plan.caps_w
    node.plan = node.plan._replace(caps_w=(first, (250.0,) * 8, last))
    node.cycle()
    assert notice(node).watts_after == 250.0


def test_the_ladder_lowers_what_is_expected_in_an_eclipse() -> None:
    node = booted()
    ahead(node, 60.0)
    node.plan = None
    node.forced["eps.battery.charge_ratio"] = 0.55
    node.fly(10.0)
    assert said(node) == ("checkpoint", "eclipse")
    assert notice(node).watts_after == 400.0


def test_a_demand_below_what_is_left_needs_no_notice() -> None:
    node = booted()
    ahead(node, 30.0)
    node.claims = tuple(claim._replace(demand_w=250.0) for claim in node.claims)
    node.fly(1.0)
    assert said(node) == ("open", "nominal")


def test_a_fresh_forecast_of_the_same_eclipse_is_no_news() -> None:
    node = booted()
    entry_ns = ahead(node, 30.0)
    before = node.cycle().notices
    assert said(node) == ("checkpoint", "eclipse")
    node.orbit = OrbitForecast(((entry_ns + S, entry_ns + 2000 * S),), entry_ns + 9000 * S)
    assert node.cycle().notices is before
    node.orbit = OrbitForecast(((entry_ns + 9 * S, entry_ns + 2009 * S),), entry_ns + 9000 * S)
    assert node.cycle().notices is not before
    assert notice(node).deadline_ns == entry_ns + 9 * S


def test_a_lost_pump_says_checkpoint_with_the_switch_off_as_deadline_then_off() -> None:
    node = booted()
    node.pump_dead = [True, True]
    node.cycle()
    while said(node)[0] == "open":
        node.cycle()
    assert said(node) == ("checkpoint", "pump")
    assert notice(node).deadline_ns - node.now_ns <= 4.5 * S
    assert notice(node).watts_after == 200.0
    kept = notice(node)
    node.cycle()
    assert notice(node) is kept
    node.fly(10.0)
    assert said(node) == ("off", "pump")


def test_a_reflex_says_checkpoint_and_its_end_open() -> None:
    node = booted()
    node.flags = {"accel3.cap_w": FLAG_REFLEX}
    node.cycle()
    assert said(node) == ("checkpoint", "reflex")
    assert said(node, 2) == ("open", "nominal")
    node.flags = {}
    node.fly(1.0)
    assert said(node) == ("open", "nominal")


def test_a_guard_at_the_smallest_cap_says_checkpoint_and_does_not_flap() -> None:
    node = booted()
    node.coolant_c = 76.0
    node.fly(200.0)
    assert said(node) == ("checkpoint", "guard")
    number = int(notice(node).notice_id.removeprefix("accel3-"))
    for k in range(300):
        node.coolant_c = 73.5 + 0.5 * (k // 10 % 2)
        node.cycle()
    assert int(notice(node).notice_id.removeprefix("accel3-")) - number <= 1


def test_a_guard_that_lets_go_is_told_in_the_cycle_in_which_all_caps_have_risen() -> None:
    node = booted()
    node.coolant_c = 76.0
    node.fly(200.0)
    node.coolant_c, risen = 66.0, 0
    for _ in range(600):
        decision = node.cycle()
        if decision.cap_reason[3] == "guard" and decision.cap_w[3] > 250.0:
            assert said(node) == ("open", "nominal"), decision.cap_w[3]
            risen += 1
    assert risen > 10


def test_degraded_says_cordon() -> None:
    node = booted()
    node.mute = {"eps"}
    node.fly(2.0)
    assert said(node) == ("cordon", "degraded")


def test_a_latch_up_says_off_with_its_cause_and_when_it_ends() -> None:
    node = booted()
    node.aux_extra_a[3] = 1.2
    node.fly(0.2)
    assert said(node) == ("off", "latch-up")
    assert notice(node).expected_end_ns == node.now_ns + S // 2


@pytest.mark.parametrize("mode", ["STANDBY", "SAFE", "SURVIVAL"])
def test_modes_without_accelerators_say_off(mode: str) -> None:
    node = booted()
    node.cycle(command("set_mode", mode=mode))
    assert {said(node, i) for i in range(8)} == {("off", "mode")}


def test_the_rules_are_in_the_page_in_their_order() -> None:
    page = (ROOT / "docs/reference/notices.md").read_text()
    places = [page.index(f"| {name} |") for name, _ in notices.RULES]
    assert places == sorted(places)
    assert all(f"| `{level.value}` |" in page for level in NoticeLevel)


def test_a_plan_is_looked_up_by_time() -> None:
    plan = CapPlan((10, 20, 30), ((500.0, 400.0), (300.0,), (float("nan"), 200.0)), 100)
    at = [cap_plan.caps_w(plan, 2, t, fallback_w=600.0) for t in (5, 10, 19, 20, 100)]
    assert at == [(), (500.0, 400.0), (500.0, 400.0), (300.0,), (600.0, 600.0)]
    assert cap_plan.smallest_w(plan, 0, 30, 40) == inf
    assert cap_plan.smallest_w(plan, 0, 12, 25) == 300.0
    assert cap_plan.smallest_w(plan, 0, 0, 5) == inf
    assert cap_plan.smallest_w(plan, 0, 100, 200) == inf
    assert cap_plan.smallest_w(None, 0, 0, 5) == inf
