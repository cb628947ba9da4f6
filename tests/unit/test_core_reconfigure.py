"""A state under another configuration: what goes on, and what is decided anew."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from flight.core.reconfigure import adapt
from flight.core.step import compile_config, initial_state
from tests.core_node import Node, booted

HOT_ID = "host.cpu_hot"
TEMP_C = 97.0  # between the limits of these tests


def change(node: Node, section: str, **values: Any) -> None:
    """Put parameters in force between two steps, as the daemon does."""
    changed = getattr(node.config, section).model_copy(update=values)
    node.config = node.config.model_copy(update={section: changed})
    node.step_config = compile_config(node.config, node.table)
    node.state = adapt(node.step_config, node.state)


def is_hot(node: Node) -> bool:
    ids = [fault.event_id for fault in node.step_config.monitors.faults]
    return bool(node.state.monitors.active[ids.index(HOT_ID)])


def hot_node(cpu_temp_c_max: float) -> Node:
    node = booted()
    change(node, "faults", cpu_temp_c_max=cpu_temp_c_max)
    node.forced["host.cpu_temp_c"] = TEMP_C
    node.fly(8.0)
    return node


def test_the_same_configuration_changes_no_decision() -> None:
    one, other = booted(), booted()
    change(other, "guard")
    for _ in range(100):
        here, there = one.cycle(), other.cycle()
        assert here.desired.tobytes() == there.desired.tobytes()
        assert (here.cap_w, here.cap_reason) == (there.cap_w, there.cap_reason)
    assert one.events == other.events


def test_a_limit_that_is_lowered_raises_a_fault_after_its_persistence() -> None:
    node = hot_node(100.0)
    assert not is_hot(node) and HOT_ID not in node.ids()
    change(node, "faults", cpu_temp_c_max=90.0)
    node.fly(3.0)
    assert not is_hot(node), "it is not raised by the change itself"
    node.fly(4.0)
    assert is_hot(node) and node.ids().count(HOT_ID) == 1


def test_an_active_fault_stays_active_and_is_not_told_again() -> None:
    node = hot_node(90.0)
    assert is_hot(node)
    change(node, "faults", cpu_temp_c_max=92.0)
    node.fly(20.0)
    assert is_hot(node) and node.ids().count(HOT_ID) == 1


def test_an_active_fault_clears_at_the_new_limit() -> None:
    node = hot_node(90.0)
    change(node, "faults", cpu_temp_c_max=105.0)
    node.fly(60.0)
    assert not is_hot(node)


def test_a_table_of_other_faults_begins_anew() -> None:
    node = hot_node(90.0)
    config = node.step_config
    shorter = node.state.monitors._replace(active=np.zeros(3, np.bool_))
    adapted = adapt(config, replace(node.state, monitors=shorter))
    assert not adapted.monitors.active.any()
    assert adapted.monitors.active.shape == initial_state(config).monitors.active.shape


@pytest.mark.parametrize("setpoint_c", [79.0, 84.0])
def test_the_guard_goes_on_from_where_it_is(setpoint_c: float) -> None:
    """No cap leaps: the integrals of the laws are kept, and ramps bound what follows."""
    node = booted()
    node.fly(30.0)
    before = node.cycle().cap_w
    change(node, "guard", setpoint_c=setpoint_c)
    after = node.cycle().cap_w
    assert max(b - a for a, b in zip(before, after, strict=True)) <= 2.6, "25 W/s, 0.1 s"


@pytest.mark.parametrize("speed_rpm", [3000.0, 5000.0])
def test_pumps_that_rest_take_their_new_speed_in_the_next_cycle(speed_rpm: float) -> None:
    node = booted()
    node.fly(30.0)
    change(node, "loop", pump_speed_rpm_nominal=speed_rpm)
    node.cycle()
    assert node.state.pumps.target_rpm == (speed_rpm, 0.0)
    assert speed_rpm in node.cycle().desired
