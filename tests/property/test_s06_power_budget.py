"""S6: the loads stay within the budget in force, and a cap that is not obeyed escalates.

The part of the core on the law and on the whole step; what is drawn on plant truth in whole
flights, whose budget moves while accelerators do not hear, do not obey, or their library is gone.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flight.core import arbiter, rails, responses
from flight.core.arbiter import CapReason, Grants, Limit
from flight.core.config import ArbiterConfig
from flight.core.types import Allotment, WorkloadClaim
from tests.property.aimed_flights import Aim, flights, flown, hold, scene, strike
from tests.property.core_stories import examples, fresh, order
from tests.property.flight_strategies import Scenario

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
    monkeypatch.setattr(rails, "latch_off", lambda _config, pair, **_: pair)
    assert escalation_s(3, 300.0) > 10.0


CONFIG = ArbiterConfig()
watts = st.floats(200.0, 700.0)
limit = st.one_of(st.none(), st.tuples(watts, st.just(CapReason.GUARD)))
limits = st.lists(limit, min_size=1, max_size=8)


def granted(
    before: list[float], wanted: list[Limit | None], shared_w: float, dt_s: float
) -> Grants:
    was = Grants(tuple(before), (CapReason.RAMP,) * len(before))
    return arbiter.grant(
        CONFIG, was, wanted, shared_w=shared_w, shared_reason=CapReason.BUDGET, dt_s=dt_s
    )


@given(limits, st.data(), st.floats(0.0, 6000.0), st.floats(0.01, 0.3))
def test_grants_stay_in_range_under_their_limit_and_ramp(
    wanted: list[Limit | None], data: st.DataObject, shared_w: float, dt_s: float
) -> None:
    before = data.draw(
        st.lists(st.one_of(st.just(0.0), watts), min_size=len(wanted), max_size=len(wanted))
    )
    after = granted(before, wanted, shared_w, dt_s).cap_w
    for was, now, bound in zip(before, after, wanted, strict=True):
        if bound is None:
            assert now == 0.0
            continue
        assert 200.0 <= now <= max(bound[0], 200.0)
        assert now <= max(was, 200.0) + 25.0 * dt_s + 1e-9


@given(limits, st.floats(1600.0, 6000.0))
def test_shared_power_is_never_exceeded_and_never_wasted(
    wanted: list[Limit | None], shared_w: float
) -> None:
    after = granted([700.0] * len(wanted), wanted, shared_w, 0.1).cap_w
    asked = sum(w[0] for w in wanted if w is not None)
    assert sum(after) <= max(shared_w, 0.0) + 1e-6
    assert (
        sum(after) >= min(asked, shared_w) - 1e-6
        or min((a for a in after if a), default=0.0) == 200.0
    )


@given(limits, st.floats(1600.0, 6000.0), st.floats(0.0, 500.0))
def test_less_shared_power_never_grants_anyone_more(
    wanted: list[Limit | None], shared_w: float, less_w: float
) -> None:
    rich = granted([700.0] * len(wanted), wanted, shared_w, 0.1).cap_w
    poor = granted([700.0] * len(wanted), wanted, shared_w - less_w, 0.1).cap_w
    assert all(p <= r + 1e-9 for p, r in zip(poor, rich, strict=True))


UNTOLD = Aim(
    faults=(
        "nvml_call_fails", "nvml_hang", "nvml_no_permission", "accel_lost", "cap_ignored",
        "cap_clamped", "daemon_stall", "string_loss", "rail_trip",
    ),
    seconds=(90, 160),
    budget_moves=True,
)  # fmt: skip


@examples(16)
@given(flights(UNTOLD))
def test_no_flight_draws_more_than_its_budget(data: Scenario) -> None:
    hold(data, "S6")


@pytest.mark.parametrize("seconds", [0.5, 1.2, 1.5, 2.5, 6.4])
@pytest.mark.parametrize(
    ("name", "target", "code"),
    [("nvml_call_fails", "accel3", 16.0), ("nvml_driver_fails", "nvml", 9.0)],
)
def test_whoever_answers_again_is_within_its_cap_one_second_later(
    name: str, target: str, code: float, seconds: float
) -> None:
    """At full load, whatever the phase of the driver's look-ups when the failure ends."""
    sick = strike(name, target, 110.05, code=code, duration_s=seconds)
    assert flown(scene(114.0 + seconds, sick)).broken == set()


@pytest.mark.parametrize("seconds", [0.9, 1.4, 3.0, 6.4])
def test_what_a_deaf_accelerator_may_still_draw_is_not_given_to_others(seconds: float) -> None:
    """It falls silent while all are idle, under a budget that is too small once work begins."""
    tight = {"at": "15 s", "do": "node_budget", "parameters": {"power_w": 3600.0}}
    work = {"kind": "bursty", "utilisation_ratio": 1.0, "busy_s": 600.0, "idle_s": 2.0}
    load = {"at": "start", "do": "workload", "parameters": work}
    deaf = strike("nvml_hang", "accel0", 61.8, duration_s=seconds)
    flight = scene(66.0 + seconds, deaf, action=[load, tight], orbit_phase=0.3, temp_c=5.0)
    assert flown(flight | {"seed": 0}).broken == set()


@given(limits, st.data(), st.floats(0.0, 6000.0))
def test_what_is_kept_for_the_silent_and_what_is_granted_stay_within_the_share(
    wanted: list[Limit | None], data: st.DataObject, shared_w: float
) -> None:
    count = len(wanted)
    before = data.draw(st.lists(watts, min_size=count, max_size=count))
    silent = data.draw(st.lists(st.integers(0, count - 1), unique=True))
    was, cycles = Grants(tuple(before), (CapReason.RAMP,) * count), data.draw(st.integers(1, 30))
    for cycle in range(cycles):
        dumb = silent if cycle < cycles // 2 else []
        kept_w = arbiter.keep(CONFIG, was, wanted, dumb, 0.1)
        was = arbiter.grant(
            CONFIG, was, wanted, shared_w=shared_w, shared_reason=CapReason.BUDGET, dt_s=0.1,
            kept_w=kept_w,
        )  # fmt: skip
        kept_w = kept_w or (0.0,) * count
        for i in dumb:
            assert wanted[i] is None or kept_w[i] >= before[i]
        drawn_w = [max(pair) for pair in zip(was.cap_w, kept_w, strict=True)]
        covered_w = sum(kept or 200.0 for kept in kept_w)
        assert sum(drawn_w) <= max(shared_w, covered_w) + 1e-6


def test_what_is_held_back_goes_down_as_slowly_as_caps_go_up_and_ends_with_the_rails() -> None:
    """The driver of one that answers again may need a while to tell it its cap."""
    wanted: list[Limit | None] = [(200.0, CapReason.SENSOR), (700.0, CapReason.MAXIMUM)]
    was = Grants((400.0, 400.0), (CapReason.BUDGET,) * 2)
    deaf = was._replace(cap_w=(200.0, 400.0), kept_w=arbiter.keep(CONFIG, was, wanted, [0], 0.1))
    assert deaf.kept_w == (400.0, 0.0)
    assert arbiter.keep(CONFIG, deaf, wanted, [0], 0.1) == (400.0, 0.0)
    step_w = CONFIG.ramp_w_per_s * 0.1
    assert arbiter.keep(CONFIG, deaf, wanted, [], 0.1) == (400.0 - step_w, 0.0)
    near = deaf._replace(kept_w=(200.0 + 2.0 * step_w, 0.0))
    assert arbiter.keep(CONFIG, near, wanted, [], 0.1) == ()
    assert arbiter.keep(CONFIG, deaf, [None, wanted[1]], [0], 0.1) == ()


CUT_FLIGHT = scene(
    102.0, action=[{"at": "100 s", "do": "node_budget", "parameters": {"power_w": 2500.0}}]
)


def test_a_flight_whose_arbiter_ignores_the_budget_is_found() -> None:
    assert flown(CUT_FLIGHT).broken == set()
    ledger = flown(CUT_FLIGHT, change=lambda p: p.setattr(responses, "shared_power", _constant))
    assert [(v.property, v.subject, int(v.time_s)) for v in ledger.violations][:1] == [
        ("S6", "node", 101)
    ]
