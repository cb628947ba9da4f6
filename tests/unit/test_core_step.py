"""The whole step on a stand-in node: boot, latch-up, pump loss, obedience, charge, commands."""

from itertools import pairwise

import numpy as np
import pytest

from flight.core.config import CoreConfig
from flight.core.step import compile_config, initial_state, step
from flight.core.types import Allotment, Command, Inputs, Mode
from flight.dictionary.channels import build_point_table
from tests.core_node import FLAG_LAPSED, FLAG_REFLEX, Node, booted


def command(name: str, /, **arguments: float | str) -> Command:
    return Command("c1", name, tuple(arguments.items()))


def test_boot_leads_to_nominal_with_rails_in_order_and_staggered() -> None:
    node, module_on_ns = Node(), []
    for _ in range(450):
        was = [node.set_points[f"rail.accel{i}_54v.enable"] for i in range(8)]
        decision = node.cycle()
        if decision.mode is Mode.BOOT:
            assert max(decision.cap_w) <= 200.0
            assert node.set_points["loop.pump_a.speed_target_rpm"] > 0.0
            assert node.set_points["loop.pump_b.speed_target_rpm"] > 0.0
        for i in range(8):
            module = node.set_points[f"rail.accel{i}_54v.enable"]
            if module > was[i]:
                module_on_ns.append(node.now_ns)
            if module > 0.5:
                assert node.set_points[f"rail.accel{i}_aux.enable"] > 0.5
                assert node.set_points["rail.payload_54v.enable"] > 0.5
    assert decision.mode is Mode.NOMINAL
    assert decision.cap_w == (700.0,) * 8
    assert set(decision.cap_reason) == {"maximum"}
    gaps = [b - a for a, b in pairwise(module_on_ns)]
    assert len(gaps) == 7
    assert min(gaps) >= 300_000_000
    assert node.set_points["loop.pump_b.speed_target_rpm"] == 0.0


def test_a_restarted_daemon_adopts_running_rails_without_switching_any() -> None:
    node = Node(rails_found_on=True)
    node.fly(30.0)
    assert node.decision is not None
    assert node.decision.mode is Mode.NOMINAL
    assert all(value == 1.0 for name, value in node.set_points.items() if name.startswith("rail."))
    assert "rail.switched_off" not in node.ids()


def test_the_first_decision_leaves_switches_alone_and_caps_safe() -> None:
    node = Node()
    node.mute = {"rails_a", "rails_b"}
    decision = node.cycle()
    names = [node.table.points[i].name for i in node.table.writable_indices]
    for name, value in zip(names, decision.desired.tolist(), strict=True):
        assert np.isnan(value) == name.startswith("rail."), name
        if name.endswith("cap_w"):
            assert value == 200.0


def test_latch_up_opens_both_rails_in_the_cycle_of_the_second_sample() -> None:
    node = booted()
    node.aux_extra_a[3] = 1.2
    node.cycle()
    assert node.is_on(3)
    node.cycle()
    assert node.set_points["rail.accel3_54v.enable"] == 0.0
    assert node.set_points["rail.accel3_aux.enable"] == 0.0
    opened_ns = node.now_ns
    node.aux_extra_a[3] = 0.0
    while node.set_points["rail.accel3_aux.enable"] == 0.0:
        decision = node.cycle()
        assert [w for i, w in enumerate(decision.cap_w) if i != 3] == [700.0] * 7
    assert node.now_ns - opened_ns >= 500_000_000
    decision = node.fly(40.0)
    assert decision.cap_w == (700.0,) * 8
    assert node.ids().count("rail.latch_up") == 1
    assert node.ids().count("rail.fault_off") == 1


def test_latch_up_that_stays_ends_latched_off_after_three_retries() -> None:
    node = booted()
    node.aux_extra_a[3] = 1.2
    decision = node.fly(60.0)
    assert node.ids().count("rail.fault_off") == 3
    assert "rail.latched_off" in node.ids()
    assert decision.cap_w[3] == 0.0
    assert decision.cap_w[2] == 700.0
    node.aux_extra_a[3] = 0.0
    assert node.cycle(command("clear_latched", subject="accel3")).acks[0].ok
    assert node.fly(40.0).cap_w[3] == 700.0


def test_single_spikes_of_current_never_trip() -> None:
    node = booted()
    for _ in range(50):
        node.forced = {"rail.accel3_aux.current_a": 9.0, "rail.accel5_54v.current_a": 39.0}
        node.cycle()
        node.forced = {}
        node.cycle()
    assert node.events == []


def test_pump_loss_lowers_caps_at_once_starts_the_standby_and_recovers() -> None:
    node = booted()
    node.pump_dead[0] = True
    stop_ns, safe_ns, speed_ns = node.now_ns, 0, 0
    for _ in range(40):
        decision = node.cycle()
        if max(decision.cap_w) <= 200.0 and not safe_ns:
            safe_ns = node.now_ns
        if node.speed_rpm[1] >= 3600.0 and not speed_ns:
            speed_ns = node.now_ns
    assert safe_ns - stop_ns <= 1_500_000_000
    assert speed_ns - stop_ns <= 3_000_000_000
    assert set(decision.cap_reason) == {"pump"}
    decision = node.fly(40.0)
    assert decision.cap_w == (700.0,) * 8
    assert max(node.core_c) < 87.0


def test_both_pumps_dead_switches_off_by_six_seconds_and_goes_to_safe() -> None:
    node = booted()
    node.pump_dead = [True, True]
    stop_ns = node.now_ns
    while any(node.is_on(i) for i in range(8)):
        decision = node.cycle()
        assert node.now_ns - stop_ns <= 6_000_000_000
    assert decision.mode is Mode.SAFE
    assert max(node.core_c) < 87.0
    assert node.fly(30.0).mode is Mode.SAFE
    ack = node.cycle(command("set_mode", mode="NOMINAL")).acks[0]
    assert not ack.ok
    assert "flow" in ack.reason


def test_a_failed_closed_module_opens_the_payload_bus() -> None:
    node = booted()
    node.cycle(command("disable_accelerator", subject="accel2"))
    node.module_stuck[2] = True
    decision = node.fly(1.0)
    assert node.set_points["rail.payload_54v.enable"] == 0.0
    assert not any(node.set_points[f"rail.accel{i}_54v.enable"] for i in range(8))
    assert decision.mode is Mode.SAFE
    assert "rail.failed_closed" in node.ids()


def test_a_cap_that_is_not_obeyed_lowers_the_clock_then_opens_the_rail_within_ten_seconds() -> None:
    node = booted()
    node.cap_ignored[1] = True
    start_ns = node.now_ns
    node.cycle(command("operator_limit", subject="accel1", cap_w=300.0))
    node.fly(4.0)
    assert node.set_points["accel1.clock_max_mhz"] == 345.0
    while node.is_on(1):
        decision = node.cycle()
        assert node.now_ns - start_ns < 10_000_000_000
    assert decision.cap_w[0] == 700.0
    assert "rail.latched_off" in node.ids()


def test_over_temperature_switches_off_and_is_its_own_fault() -> None:
    node = booted()
    node.forced["accel4.core_temp_c"] = 62.0
    for reading in range(63, 88, 2):
        node.forced["accel4.core_temp_c"] = float(reading)
        node.cycle()
    node.fly(0.6)
    assert not node.is_on(4)
    assert "accel.core_over_temperature" in node.ids()
    assert "accel.communication_lost" not in node.ids()


def test_a_silent_accelerator_is_capped_then_power_cycled() -> None:
    node = booted()
    node.lost[6] = True
    decision = node.fly(1.5)
    assert decision.cap_w[6] == 200.0
    assert decision.cap_reason[6] == "sensor"
    assert decision.cap_w[5] == 700.0
    assert "accel.communication_lost" in node.ids()
    assert "accel.core_over_temperature" not in node.ids()
    node.fly(30.5)
    assert "accel.power_cycle_due" in node.ids()
    node.lost[6] = False
    assert node.fly(60.0).cap_w[6] == 700.0


def test_silent_accelerator_and_silent_rail_power_is_switched_off() -> None:
    node = booted()
    node.lost[6] = True
    node.mute = {"rail.accel6_54v.power_w"}
    node.fly(11.0)
    assert not node.is_on(6)
    assert "accel.blind" in node.ids()


def test_a_lost_memory_temperature_caps() -> None:
    node = booted()
    node.mute = {"accel2.memory_temp_c"}
    decision = node.fly(2.0)
    assert decision.cap_w[2] == 200.0
    assert decision.cap_reason[2] == "sensor"


def test_a_spurious_rail_trip_is_closed_once_again() -> None:
    node = booted()
    node.forced["rail.accel0_aux.voltage_v"] = 0.0
    node.fly(0.3)
    assert not node.is_on(0)
    node.forced = {}
    assert node.fly(40.0).cap_w[0] == 700.0


def test_a_tripped_payload_bus_is_closed_once_again() -> None:
    node = booted()
    node.forced["rail.payload_54v.voltage_v"] = 0.0
    node.fly(0.3)
    assert not any(node.is_on(i) for i in range(8))
    node.forced = {}
    assert node.fly(60.0).cap_w == (700.0,) * 8


@pytest.mark.parametrize(
    ("charge", "mode", "total_w"),
    [(0.55, Mode.NOMINAL, 3200.0), (0.45, Mode.NOMINAL, 200.0), (0.35, Mode.SAFE, 0.0),
     (0.20, Mode.SURVIVAL, 0.0)],
)  # fmt: skip
def test_each_rung_of_the_charge_ladder_acts_within_ten_seconds(
    charge: float, mode: Mode, total_w: float
) -> None:
    node = booted()
    node.charge_ratio = 0.62
    for level in np.arange(0.95, charge, -0.002):
        node.charge_ratio = float(level)
        node.cycle()
    node.charge_ratio = charge
    decision = node.fly(10.0)
    assert decision.mode is mode
    assert sum(decision.cap_w) == total_w


def test_safe_from_low_charge_ends_by_itself_once_the_charge_is_restored() -> None:
    node = booted()
    node.charge_ratio = 0.95
    node.forced["eps.battery.charge_ratio"] = 0.35
    node.fly(12.0)
    node.forced = {}
    decision = node.fly(240.0)
    assert decision.mode is Mode.NOMINAL


def test_bus_under_voltage_gives_minimum_caps_at_once() -> None:
    node = booted()
    node.forced["eps.bus54.voltage_v"] = 47.0
    node.cycle()
    decision = node.cycle()
    assert decision.cap_w == (200.0,) * 8
    assert decision.cap_reason[0] == "voltage"


@pytest.mark.parametrize("driver", ["loop", "eps"])
def test_losing_a_vital_driver_degrades_and_ten_good_seconds_restore(driver: str) -> None:
    node = booted()
    node.mute = {driver}
    decision = node.fly(2.0)
    assert decision.mode is Mode.DEGRADED
    assert max(decision.cap_w) == 200.0
    node.mute = set()
    assert node.fly(9.0).mode is Mode.DEGRADED
    assert node.fly(4.0).mode is Mode.NOMINAL


def test_a_lapsed_lease_restarts_the_ramp_from_the_safe_cap() -> None:
    node = booted()
    node.flags = {"accel0.cap_w": FLAG_LAPSED}
    decision = node.cycle()
    assert decision.cap_w[0] == 200.0
    assert decision.cap_reason[0] == "lease"
    node.flags = {}
    decision = node.fly(12.0)
    assert decision.mode is Mode.NOMINAL
    assert decision.cap_w[0] < 300.0


def test_a_reflex_is_released_only_after_the_core_has_stayed_cool() -> None:
    node = booted()
    node.flags = {"accel0.cap_w": FLAG_REFLEX}
    node.forced["accel0.core_temp_c"] = float(round(node.core_c[0]))
    decision = node.cycle()
    assert decision.cap_reason[0] == "reflex"
    rearms = []
    for _ in range(70):
        decision = node.cycle()
        rearms += decision.rearm
    assert 1 <= len(rearms) <= 3
    assert set(rearms) == {"accel0"}


def test_a_hot_core_under_a_reflex_is_not_released() -> None:
    node = booted()
    node.flags = {"accel0.cap_w": FLAG_REFLEX}
    node.forced["accel0.core_temp_c"] = 79.0
    assert not any(node.cycle().rearm for _ in range(200))


def test_a_budget_is_shared_and_holds_at_once() -> None:
    node = booted()
    decision = node.cycle(command("node_budget", power_w=3000.0))
    assert sum(decision.cap_w) + 480.0 <= 3000.0
    assert sum(decision.cap_w) > 2400.0
    assert decision.cap_reason[0] == "budget"


def test_a_budget_below_the_minimum_caps_sheds_accelerators() -> None:
    node = booted()
    node.cycle(command("node_budget", power_w=1300.0))
    decision = node.fly(1.0)
    on = sum(node.is_on(i) for i in range(8))
    assert on == 4
    assert sum(decision.cap_w) + 480.0 <= 1300.0
    node.cycle(command("node_budget", power_w=7000.0))
    assert node.fly(60.0).cap_w == (700.0,) * 8


def test_an_allotment_that_lapses_or_disappears_falls_back() -> None:
    node = booted()
    node.allotment = Allotment(4000.0, 3900.0, node.now_ns + 2_000_000_000)
    decision = node.cycle()
    assert 3000.0 < sum(decision.cap_w) <= 3420.0
    assert decision.cap_reason[0] == "allotment"
    assert sum(node.fly(3.0).cap_w) <= 1720.0
    node.allotment = None
    assert sum(node.fly(3.0).cap_w) <= 1720.0


@pytest.mark.parametrize(
    ("name", "arguments", "reason"),
    [
        ("fly", {}, "unknown command"),
        ("set_mode", {"mode": "FAST"}, "no mode 'FAST'"),
        ("set_mode", {}, "missing mode"),
        ("operator_limit", {"subject": "accel9", "cap_w": 300.0}, "no accelerator"),
        ("operator_limit", {"subject": "all", "cap_w": 900.0}, "from 200 to 700"),
        ("operator_limit", {"subject": "all", "cap_w": "much"}, "must be a number"),
        ("operator_limit", {"subject": "all", "cap_w": 300.0, "for": 3.0}, "unknown for"),
        ("node_budget", {"power_w": 10.0}, "from 480 to 7000"),
        ("inhibit_response", {"name": "gravity", "duration_s": 1.0}, "no response"),
        ("clear_latched", {"subject": "moon"}, "nothing latches"),
    ],
)
def test_a_command_that_cannot_be_is_refused_with_its_reason(
    name: str, arguments: dict[str, float | str], reason: str
) -> None:
    ack = booted().cycle(command(name, **arguments)).acks[0]
    assert not ack.ok
    assert reason in ack.reason


def test_operator_limits_hold_and_end_by_themselves() -> None:
    node = booted()
    decision = node.cycle(command("operator_limit", subject="accel3", cap_w=300.0, duration_s=5.0))
    assert decision.cap_w[3] == 300.0
    assert decision.cap_reason[3] == "operator"
    assert node.fly(4.5).cap_w[3] == 300.0
    assert node.fly(20.0).cap_w[3] == 700.0


def test_an_inhibited_response_is_enabled_again_by_itself() -> None:
    node = booted()
    node.cycle(command("inhibit_response", name="pump_loss", duration_s=2.0))
    node.pump_dead[0] = True
    assert max(node.fly(1.5).cap_w) == 700.0
    assert max(node.fly(2.0).cap_w) == 200.0
    assert "response.inhibited" in node.ids()
    assert "response.enabled" in node.ids()


@pytest.mark.parametrize("mode", ["STANDBY", "SAFE", "SURVIVAL"])
def test_modes_without_accelerators_switch_them_off_in_one_decision(mode: str) -> None:
    node = booted()
    decision = node.cycle(command("set_mode", mode=mode))
    assert decision.mode == mode
    assert not any(node.is_on(i) for i in range(8))
    assert sum(decision.cap_w) == 0.0


def test_standby_and_back_to_nominal() -> None:
    node = booted()
    node.cycle(command("set_mode", mode="STANDBY"))
    node.fly(5.0)
    node.cycle(command("set_mode", mode="NOMINAL"))
    assert node.fly(60.0).cap_w == (700.0,) * 8


def test_boot_without_flow_ends_in_safe() -> None:
    node = Node()
    node.pump_dead = [True, True]
    assert node.fly(61.0).mode is Mode.SAFE


def test_the_guard_holds_hot_accelerators_at_the_set_point() -> None:
    node = booted()
    node.coolant_c = 60.0
    decision = node.fly(300.0)
    assert set(decision.cap_reason) == {"guard"}
    assert max(node.core_c) < 83.5
    assert min(decision.cap_w) > 450.0


def test_equal_inputs_give_equal_bytes_and_another_input_does_not() -> None:
    node = booted()
    inputs = Inputs(now_ns=node.now_ns + 100_000_000, snapshot=node.snapshot())
    first = step(node.step_config, node.state, inputs)[0].to_bytes()
    assert step(node.step_config, node.state, inputs)[0].to_bytes() == first
    values = inputs.snapshot.values.copy()
    values[0] += 1.0
    other = Inputs(
        now_ns=inputs.now_ns,
        snapshot=type(inputs.snapshot)(
            values, inputs.snapshot.time_ns, inputs.snapshot.status, inputs.snapshot.flags
        ),
    )
    assert step(node.step_config, node.state, other)[0].to_bytes() != first


@pytest.mark.parametrize("count", [1, 3, 8])
def test_nodes_of_any_size_and_without_eps_boot(count: int) -> None:
    node = Node(table=build_point_table(count, eps=False))
    node.allotment = Allotment(7000.0, 7000.0, 10**15)
    decision = node.fly(60.0)
    assert decision.mode is Mode.NOMINAL
    assert decision.cap_w == (700.0,) * count


def test_a_table_without_accelerators_is_refused() -> None:
    table = build_point_table(2)
    with pytest.raises(ValueError, match="numbered accel0"):
        compile_config(CoreConfig(), type(table)(table.points[15:]))


def test_the_initial_state_is_boot() -> None:
    state = initial_state(compile_config(CoreConfig(), build_point_table()))
    assert state.mode.mode is Mode.BOOT


def test_safe_from_low_charge_is_kept_until_the_charge_was_restored_for_a_minute() -> None:
    node = booted()
    node.forced["eps.battery.charge_ratio"] = 0.35
    assert node.fly(12.0).mode is Mode.SAFE
    node.forced = {}
    while node.state.ladder.rung:
        node.cycle()
    assert node.fly(59.0).mode is Mode.SAFE
    assert node.fly(3.0).mode is not Mode.SAFE
