"""What a run takes over from the one before: mode, latches, retired accelerators, limits."""

from dataclasses import replace
from math import inf, nan

import pytest

from flight.core.rails import PayloadPhase, Phase
from flight.core.restoring import remembered
from flight.core.types import CapPlan, Command, Mode, OrbitForecast, Restored, WorkloadClaim
from tests.core_node import Node, booted


def restarted(restored: Restored | None, *, rails_found_on: bool = True, node: Node | None = None):
    """Return a node at its first cycle after a restart, its rails as they were."""
    node = node or Node(rails_found_on=rails_found_on)
    node.restored = restored
    return node


def after_crash(mode: Mode | None = Mode.NOMINAL, **more: object) -> Restored:
    known = {"mode": mode, "restart_count": 1, "same_boot": True, **more}
    return Restored(**known)


@pytest.mark.parametrize(
    ("restored", "first", "later"),
    [
        (None, Mode.BOOT, Mode.NOMINAL),
        (Restored(), Mode.BOOT, Mode.NOMINAL),
        (Restored(mode=Mode.SAFE, was_planned=True, same_boot=True), Mode.SAFE, Mode.SAFE),
        (Restored(mode=Mode.NOMINAL, was_planned=True), Mode.BOOT, Mode.NOMINAL),
        (after_crash(), Mode.DEGRADED, Mode.NOMINAL),
        (after_crash(Mode.DEGRADED), Mode.DEGRADED, Mode.NOMINAL),
        (after_crash(Mode.STANDBY), Mode.STANDBY, Mode.STANDBY),
        (after_crash(Mode.SAFE), Mode.SAFE, Mode.SAFE),
        (after_crash(Mode.SURVIVAL), Mode.SURVIVAL, Mode.SURVIVAL),
        (after_crash(Mode.BOOT), Mode.BOOT, Mode.NOMINAL),
        (after_crash(None), Mode.BOOT, Mode.NOMINAL),
        (after_crash(restart_count=2), Mode.DEGRADED, Mode.NOMINAL),
        (after_crash(restart_count=3), Mode.SAFE, Mode.SAFE),
        (after_crash(restart_count=99), Mode.SAFE, Mode.SAFE),
        (after_crash(same_boot=False), Mode.SAFE, Mode.SAFE),
        (after_crash(Mode.SURVIVAL, same_boot=False), Mode.SAFE, Mode.SAFE),
        (after_crash(None, same_boot=False), Mode.SAFE, Mode.SAFE),
    ],
)
def test_how_a_run_ended_says_how_the_next_begins(
    restored: Restored | None, first: Mode, later: Mode
) -> None:
    node = restarted(restored)
    assert node.cycle().mode is first
    assert node.fly(15.0).mode is later


def test_after_a_crash_running_accelerators_are_kept_at_safe_caps_for_ten_good_seconds() -> None:
    node = restarted(after_crash())
    for _ in range(98):
        decision = node.cycle()
        assert decision.mode is Mode.DEGRADED
        assert max(decision.cap_w) <= 200.0
    node.fly(1.0)
    assert node.decision.mode is Mode.NOMINAL
    assert node.fly(40.0).cap_w == (700.0,) * 8
    assert "rail.switched_off" not in node.ids()


def test_bad_readings_after_a_crash_keep_degraded() -> None:
    node = restarted(after_crash())
    node.mute = {"eps"}
    assert node.fly(30.0).mode is Mode.DEGRADED
    node.mute = set()
    assert node.fly(12.0).mode is Mode.NOMINAL


@pytest.mark.parametrize("mode", [Mode.STANDBY, Mode.SAFE])
def test_a_restart_switches_no_accelerator_on_for_the_way_back(mode: Mode) -> None:
    node = restarted(after_crash(mode), rails_found_on=False)
    for _ in range(200):
        node.cycle()
        assert not any(node.is_on(i) for i in range(8))


def test_safe_after_an_unplanned_host_start_is_left_by_command_only() -> None:
    node = restarted(after_crash(same_boot=False))
    assert node.fly(200.0).mode is Mode.SAFE
    assert not any(node.is_on(i) for i in range(8))
    assert "host_restarted" in next(e.text for e in node.events if e.event_id == "mode.safe")
    assert node.cycle(Command("c", "set_mode", (("mode", "NOMINAL"),))).acks[0].ok
    assert node.fly(60.0).cap_w == (700.0,) * 8


def test_what_was_latched_off_stays_off_and_is_cleared_by_command() -> None:
    node = restarted(after_crash(latched=("accel3",)), rails_found_on=False)
    decision = node.fly(60.0)
    assert decision.cap_w == tuple(0.0 if i == 3 else 700.0 for i in range(8))
    assert node.state.pairs[3].phase is Phase.LATCHED_OFF
    node.cycle(Command("c", "clear_latched", (("subject", "accel3"),)))
    assert node.fly(60.0).cap_w == (700.0,) * 8


def test_a_latched_accelerator_that_is_found_on_goes_off_in_order_in_the_first_decision() -> None:
    node = restarted(after_crash(latched=("accel3",)))
    node.cycle()
    assert node.set_points["rail.accel3_54v.enable"] == 0.0
    assert node.set_points["rail.accel3_aux.enable"] == 0.0
    assert node.is_on(2)


def test_a_latched_accelerator_whose_parts_are_silent_is_left_as_found() -> None:
    node = restarted(after_crash(latched=("accel3",)))
    node.nack = {"accel3_54v", "accel3_aux"}
    node.fly(5.0)
    assert node.state.pairs[3].phase is Phase.UNKNOWN
    node.nack = set()
    node.fly(0.3)
    assert node.state.pairs[3].phase is Phase.LATCHED_OFF
    assert node.set_points["rail.accel3_aux.enable"] == 0.0


def test_a_latched_payload_bus_is_opened_only_after_modules_and_auxiliaries() -> None:
    node = restarted(after_crash(latched=("payload_54v",)))
    for _ in range(30):
        on = [node.set_points[f"rail.accel{i}_54v.enable"] for i in range(8)]
        node.cycle()
        if node.set_points["rail.payload_54v.enable"] == 0.0:
            assert not any(on)
            break
    assert node.state.payload.phase is PayloadPhase.LATCHED_OFF
    assert node.fly(10.0).cap_w == (0.0,) * 8
    node.cycle(Command("c", "clear_latched", (("subject", "payload_54v"),)))
    assert node.fly(60.0).cap_w == (700.0,) * 8


def test_a_failed_pump_is_not_started_again() -> None:
    node = restarted(after_crash(latched=("pump_a",)))
    node.fly(30.0)
    assert node.set_points["loop.pump_a.speed_target_rpm"] == 0.0
    assert node.set_points["loop.pump_b.speed_target_rpm"] == 4000.0
    assert node.decision.mode is Mode.NOMINAL


def test_retired_ones_stay_retired_also_after_a_planned_end() -> None:
    node = restarted(Restored(mode=Mode.NOMINAL, was_planned=True, retired=("accel5",)))
    decision = node.fly(60.0)
    assert decision.cap_w == tuple(0.0 if i == 5 else 700.0 for i in range(8))
    assert decision.accel_phases[5] == "retired"
    assert node.cycle(Command("c", "return_to_service", (("subject", "accel5"),))).acks[0].ok
    assert node.fly(60.0).cap_w[5] == 700.0


def test_limits_of_operators_are_taken_over_with_what_is_left_of_their_time() -> None:
    limits = (("accel1", 300.0, "alice", 40.0), ("all", 500.0, "ground", inf),
              ("accel1", float("nan"), "x", inf), ("accel2", 250.0, "late", 0.0))  # fmt: skip
    node = restarted(Restored(was_planned=True, operator_limits_w=limits))
    decision = node.fly(39.0)
    assert decision.cap_w[1] == 300.0
    decision = node.fly(30.0)
    assert decision.cap_w == (500.0,) * 8
    assert {limit.owner for limit in node.state.operator.limits} == {"ground"}


def test_names_of_another_node_are_passed_over() -> None:
    strange = Restored(
        was_planned=True, latched=("accel77", "moon", "pump_z"), retired=("accel-1", ""),
        operator_limits_w=(("accel99", 300.0, "x", 5.0),),
    )  # fmt: skip
    assert restarted(strange).fly(60.0).cap_w == (700.0,) * 8


def test_what_is_restored_counts_only_at_the_start_of_a_run() -> None:
    node = booted()
    node.restored = after_crash(restart_count=9, retired=("accel1",))
    decision = node.fly(1.0)
    assert decision.mode is Mode.NOMINAL
    assert decision.cap_w == (700.0,) * 8


def test_what_a_state_remembers_is_what_the_next_run_takes_over() -> None:
    node = booted()
    node.cycle(Command("a", "retire", (("subject", "accel5"),)))
    limit = (("subject", "accel1"), ("cap_w", 300.0), ("owner", "alice"), ("duration_s", 90.0))
    node.cycle(Command("b", "operator_limit", limit))
    node.cycle(Command("c", "operator_limit", (("subject", "accel2"), ("cap_w", 400.0))))
    node.pump_dead[0] = True
    node.aux_extra_a[3] = 1.2
    node.fly(60.0)
    kept = remembered(node.state)
    assert kept.mode is Mode.NOMINAL
    assert kept.latched == ("accel3", "pump_a")
    assert kept.retired == ("accel5",)
    assert [limit[:3] for limit in kept.operator_limits_w] == [
        ("accel1", 300.0, "alice"), ("accel2", 400.0, "operator"),
    ]  # fmt: skip
    assert [round(limit[3]) if limit[3] < inf else inf for limit in kept.operator_limits_w] == [
        30, inf,
    ]  # fmt: skip
    second = restarted(replace(kept, restart_count=1, same_boot=True))
    second.cycle()
    again = remembered(second.state)
    assert (again.latched, again.retired) == (("accel3", "accel5", "pump_a"), kept.retired)
    assert again.operator_limits_w == kept.operator_limits_w
    assert again.mode is Mode.DEGRADED


def test_a_start_in_which_nothing_is_sensed_yet_forgets_no_latch() -> None:
    node = restarted(after_crash(latched=("accel3", "payload_54v"), retired=("accel6",)))
    node.mute = {"rails_a", "rails_b"}
    node.fly(1.0)
    kept = remembered(node.state)
    assert set(kept.latched) == {"accel3", "accel6", "payload_54v"}
    assert kept.retired == ("accel6",)


def test_a_state_with_all_that_others_tell_packs_to_equal_bytes() -> None:
    states = []
    for _ in range(2):
        node = restarted(after_crash(latched=("accel3",), retired=("accel6",)))
        node.claims = (WorkloadClaim(client="job"),) * 8
        node.orbit = OrbitForecast(((1 << 40, 1 << 41),), 1 << 42)
        node.plan = CapPlan((0,), ((500.0,) * 8,), 1 << 42)
        node.fly(2.0)
        states.append(node.state.to_bytes())
    assert states[0] == states[1]


def test_what_an_operator_ordered_for_good_outlives_a_crash() -> None:
    """Acknowledged is kept: a disabled accelerator, and the budget of the node."""
    node = booted()
    acks = node.cycle(
        Command("c1", "disable_accelerator", (("subject", "accel6"),)),
        Command("c2", "node_budget", (("power_w", 2500.0),)),
    ).acks
    assert [ack.ok for ack in acks] == [True, True]
    kept = remembered(node.state)
    assert kept.disabled == ("accel6",) and kept.budget_w == 2500.0
    again = restarted(replace(kept, same_boot=True, restart_count=1))
    again.fly(120.0)
    assert not again.is_on(6) and again.is_on(5)
    assert sum(again.power_w) <= 2500.0 - again.config.arbiter.overhead_w
    assert remembered(again.state).disabled == ("accel6",)


@pytest.mark.parametrize("budget_w", [nan, -1.0, 0.0])
def test_a_budget_that_cannot_be_is_none(budget_w: float) -> None:
    node = restarted(Restored(was_planned=True, budget_w=budget_w, disabled=("accel99",)))
    assert node.state.operator.budget_w == inf
    assert not any(node.state.operator.disabled)
