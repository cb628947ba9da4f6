"""Which cause of a mode is in force, and what a step concludes from sensors that disagree."""

import numpy as np

from flight.core.types import Command, Mode
from tests.core_node import booted


def command(name: str, /, **arguments: float | str) -> Command:
    return Command("c1", name, tuple(arguments.items()))


def test_safe_by_command_is_not_left_with_the_charge_that_caused_it_first() -> None:
    node = booted()
    node.forced["eps.battery.charge_ratio"] = 0.35
    assert node.fly(12.0).mode is Mode.SAFE
    assert node.cycle(command("set_mode", mode="SAFE")).acks[0].ok
    node.forced = {}
    assert node.fly(240.0).mode is Mode.SAFE
    assert node.state.mode.cause == "command_safe"


def test_survival_by_command_is_not_left_with_the_charge_that_caused_it_first() -> None:
    node = booted()
    node.forced["eps.battery.charge_ratio"] = 0.20
    assert node.fly(12.0).mode is Mode.SURVIVAL
    node.cycle(command("set_mode", mode="SURVIVAL"))
    node.forced = {}
    assert node.fly(200.0).mode is Mode.SURVIVAL


def test_a_critical_fault_takes_over_a_safe_that_low_charge_caused() -> None:
    node = booted()
    node.forced["eps.battery.charge_ratio"] = 0.35
    node.fly(12.0)
    node.mute = {"loop"}
    node.fly(32.0)
    node.mute, node.forced = set(), {}
    assert node.fly(240.0).mode is Mode.SAFE


def test_a_flow_sensor_stuck_low_lowers_caps_but_leaves_nominal_alone() -> None:
    node = booted()
    node.forced["loop.flow_kg_per_s"] = 0.0
    decision = node.fly(60.0)
    assert decision.mode is Mode.NOMINAL
    assert decision.cap_w == (200.0,) * 8
    node.forced = {}
    assert node.fly(40.0).cap_w == (700.0,) * 8


def test_a_core_held_by_the_guard_while_its_power_drifts_is_trusted() -> None:
    node = booted()
    node.coolant_c = 50.5
    node.fly(300.0)
    assert max(node.power_w) > 680.0
    readings = set()
    for coolant_c in np.linspace(50.5, 62.5, 2660):
        node.coolant_c = float(coolant_c)
        decision = node.cycle()
        readings.add(round(node.core_c[0]))
        assert "sensor" not in decision.cap_reason
    assert max(node.power_w) < 470.0
    assert readings <= {82, 83}


def test_one_whole_degree_beside_a_slow_drift_of_power_is_trusted() -> None:
    node = booted()
    node.coolant_c = 50.5
    node.fly(300.0)
    node.forced = {f"accel{i}.core_temp_c": 82.0 for i in range(8)}
    for power_w in np.linspace(700.0, 434.0, 2660):
        node.utilisation = (float(power_w) - 70.0) / 630.0
        assert "sensor" not in node.cycle().cap_reason


def test_a_core_sensor_stuck_while_its_load_rises_is_found_in_six_seconds() -> None:
    node = booted()
    node.utilisation = 130.0 / 630.0
    node.fly(120.0)
    node.forced["accel4.core_temp_c"] = float(round(node.core_c[4]))
    node.utilisation = 1.0
    decision = node.fly(6.0)
    assert decision.cap_reason[4] == "sensor"
    assert decision.cap_w[3] == 700.0
