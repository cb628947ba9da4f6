"""S4 and S5 on plant truth: what explains an opened rail, and how long a latch-up may take."""

import pytest

from flight.core.types import Mode
from tests.unit.truth_stand_in import World


@pytest.fixture
def world():
    made = World()
    made.fly(2.0)
    return made


def open_pair(world, i=3):
    world.rails(i, module=0.0, aux=0.0)
    world.step()


def test_s5_a_pump_that_failed_long_ago_explains_nothing_once_flow_is_back(world):
    world.inject("pump_stop", "pump_a")
    world.fly(20.0)
    open_pair(world)
    assert world.broken() == ["S5"]


@pytest.mark.parametrize(("after_s", "is_broken"), [(3.0, False), (6.0, True)])
def test_s5_lost_flow_explains_an_opening_for_a_few_seconds(world, after_s, is_broken):
    world.inject("pump_stop", "pump_a")
    world.truth.flow_kg_per_s[0] = 0.02
    world.fly(3.0)
    world.truth.flow_kg_per_s[0] = 0.144
    world.fly(after_s)
    open_pair(world)
    assert world.broken() == (["S5"] if is_broken else [])


@pytest.mark.parametrize(
    ("radiator_c", "heaters_on", "is_broken"),
    [(-21.0, 0.0, False), (-21.0, 1.0, True), (-19.0, 0.0, True)],
)
def test_s5_a_cold_radiator_explains_an_opening_until_its_heaters_are_on(
    world, radiator_c, heaters_on, is_broken
):
    """A budget for eight without the heaters, but not with them: 3 kW, and 450 W besides."""
    world.checker.truth.budget.power_w = 3000.0
    world.truth.radiator_out_temp_c[0] = radiator_c
    world.setpoint.loop_heater_on[:] = heaters_on
    open_pair(world)
    assert ("S5" in world.broken()) == is_broken


def test_s5_a_pump_that_fails_may_break_off_a_start(world):
    world.mode = Mode.SAFE
    open_pair(world)
    world.fly(1.0)
    world.mode = Mode.NOMINAL
    world.rails(3, module=0.0, aux=1.0)
    world.fly(0.2)
    world.inject("pump_stop", "pump_a")
    open_pair(world)
    assert world.broken() == []


@pytest.mark.parametrize(
    ("target", "is_broken"),
    [("host_12v", True), ("payload_54v", False)],
)
def test_s5_only_what_all_accelerators_hang_on_explains_any_of_them(world, target, is_broken):
    world.inject("i2c_nack", target)
    world.step()
    open_pair(world)
    assert world.broken() == (["S5"] if is_broken else [])


@pytest.mark.parametrize(
    ("name", "arguments", "is_broken"),
    [
        ("disable_accelerator", {"subject": "accel3"}, False),
        ("disable_accelerator", {"subject": "all"}, False),
        ("disable_accelerator", {"subject": "accel4"}, True),
        ("operator_limit", {"subject": "accel3", "cap_w": 300.0}, True),
        ("node_budget", {"power_w": 6900.0}, True),
        ("node_budget", {"power_w": 1500.0}, False),
        ("enable_accelerator", {"subject": "accel3"}, True),
    ],
)
def test_s5_a_command_explains_its_own_subject_only(world, name, arguments, is_broken):
    world.command(name, **arguments)
    world.step()
    open_pair(world)
    assert ("S5" in world.broken()) == is_broken


def test_s5_a_refused_command_explains_nothing(world):
    world.acks_ok = False
    world.command("disable_accelerator", subject="accel3")
    world.step()
    open_pair(world)
    assert world.broken() == ["S5"]


def test_s5_a_command_does_not_explain_for_ever(world):
    world.command("disable_accelerator", subject="accel3")
    world.fly(10.0)
    open_pair(world)
    assert world.broken() == ["S5"]


@pytest.mark.parametrize("hidden_by", ["i2c_nack", "sensor_stuck"])
@pytest.mark.parametrize(("steps", "is_broken"), [(1, False), (2, True)])
def test_s5_the_time_of_a_latch_up_starts_anew_when_it_can_be_seen(
    world, hidden_by, steps, is_broken
):
    target = "accel3_aux" if hidden_by == "i2c_nack" else "rail.accel3_aux.current_a"
    fault = world.inject(hidden_by, target)
    world.inject("latch_up", "accel3_aux")
    world.fly(2.0)
    assert world.broken() == []
    world.end(fault)
    world.fly(0.1 * steps)
    open_pair(world)
    assert world.broken() == (["S5"] if is_broken else [])


@pytest.mark.parametrize(("steps", "is_broken"), [(2, False), (3, True)])
def test_s5_after_a_stall_the_time_starts_with_the_first_heartbeat(world, steps, is_broken):
    fault = world.inject("daemon_stall", "daemon")
    world.inject("latch_up", "accel3_aux")
    world.beats = False
    world.fly(1.0)
    world.end(fault)
    world.fly(0.3)
    assert world.broken() == []
    world.beats = True
    world.fly(0.1 * steps)
    open_pair(world)
    assert world.broken() == (["S5"] if is_broken else [])


def test_s5_a_latch_up_that_was_opened_while_hidden_is_settled(world):
    fault = world.inject("i2c_nack", "accel3_aux")
    world.inject("latch_up", "accel3_aux")
    world.fly(1.0)
    open_pair(world)
    world.end(fault)
    world.fly(0.6)
    world.rails(3, module=0.0, aux=1.0)
    world.fly(1.0)
    assert world.broken() == []


@pytest.mark.parametrize(("current_a", "is_broken"), [(1.2, True), (9.0, False)])
def test_s4_only_silicon_may_open_an_auxiliary_before_its_module(world, current_a, is_broken):
    world.inject("latch_up", "accel3_aux", current_a=current_a)
    world.rails(3, module=1.0, aux=0.0)
    world.step()
    open_pair(world)
    assert world.broken() == (["S4"] if is_broken else [])


@pytest.mark.parametrize(("flow", "is_broken"), [(0.144, False), (0.05, True)])
def test_s4_an_auxiliary_is_switched_on_only_with_coolant_flow(world, flow, is_broken):
    world.mode = Mode.SAFE
    world.step()
    open_pair(world)
    world.truth.flow_kg_per_s[0] = flow
    world.fly(3.0)
    world.rails(3, module=0.0, aux=1.0)
    world.step()
    assert world.broken() == (["S4"] if is_broken else [])


def switch_all(world, on):
    world.setpoint.payload_enabled[0] = on
    if not on:
        world.setpoint.module_enabled[:] = world.setpoint.aux_enabled[:] = 0.0


@pytest.mark.parametrize(("off_s", "is_broken"), [(0.4, True), (0.5, False)])
def test_s4_the_payload_rail_keeps_its_off_time(world, off_s, is_broken):
    world.mode = Mode.SAFE
    world.step()
    switch_all(world, 0.0)
    world.fly(off_s)
    switch_all(world, 1.0)
    world.step()
    assert world.broken() == (["S4"] if is_broken else [])


def test_s4_the_payload_rail_is_retried_three_times_in_ten_minutes(world):
    world.inject("sensor_stuck", "rail.payload_54v.voltage_v", value=0.0)
    switch_all(world, 0.0)
    world.fly(5.0)
    for _ in range(3):
        switch_all(world, 1.0)
        world.fly(5.0)
        switch_all(world, 0.0)
        world.fly(5.0)
    assert world.broken() == []
    switch_all(world, 1.0)
    world.step()
    assert world.broken() == ["S4"]


def test_s5_the_payload_rail_does_not_open_without_cause(world):
    world.setpoint.module_enabled[:] = world.setpoint.aux_enabled[:] = 0.0
    world.setpoint.payload_enabled[0] = 0.0
    world.step()
    subjects = {violation.subject for violation in world.checker.ledger.violations}
    assert "payload_54v" in subjects
