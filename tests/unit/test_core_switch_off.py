"""Switching off when a part does not answer, and the payload bus as the last way."""

import pytest

from flight.core.types import Command, Mode
from tests.core_node import Node, booted


def command(name: str, /, **arguments: float | str) -> Command:
    return Command("c1", name, tuple(arguments.items()))


def switches(node: Node, i: int) -> tuple[float, float, float]:
    """Payload bus, module and auxiliary rail as they are."""
    names = ("payload_54v", f"accel{i}_54v", f"accel{i}_aux")
    payload, module, aux = (node.set_points[f"rail.{name}.enable"] for name in names)
    return payload, module, aux


@pytest.mark.parametrize(
    "order",
    [command("set_mode", mode="SAFE"), command("disable_accelerator", subject="accel6")],
    ids=["safe", "disable"],
)
def test_a_silent_module_keeps_its_auxiliary_rail_and_the_bus_until_it_opens(
    order: Command,
) -> None:
    node = booted()
    node.nack = {"accel6_54v"}
    node.fly(2.0)
    node.cycle(order)
    node.fly(8.0)
    assert switches(node, 6) == (1.0, 1.0, 1.0)
    assert "rail.off_unconfirmed" in node.ids()
    assert not {"rail.cannot_open", "rail.failed_closed"} & set(node.ids())
    node.nack = set()
    while switches(node, 6)[2]:
        node.cycle()
    assert switches(node, 6) == (1.0, 0.0, 0.0)
    node.fly(1.0)
    assert node.state.pairs[6].open_ns > 0


def test_a_silent_module_that_must_be_off_costs_the_payload_bus() -> None:
    node = booted()
    node.nack = {"accel6_54v"}
    node.fly(2.0)
    node.aux_extra_a[6] = 1.2
    node.fly(0.3)
    assert switches(node, 6) == (1.0, 1.0, 1.0)
    decision = node.fly(3.0)
    assert switches(node, 6) == (0.0, 1.0, 0.0)
    assert "rail.cannot_open" in node.ids()
    assert decision.mode is Mode.SAFE


def test_no_flow_and_a_silent_module_cost_the_payload_bus() -> None:
    node = booted()
    node.nack = {"accel6_54v"}
    node.pump_dead = [True, True]
    node.fly(10.0)
    assert switches(node, 6)[0] == 0.0


def test_the_payload_bus_opens_one_decision_after_modules_and_auxiliaries() -> None:
    node = booted()
    node.cycle(command("disable_accelerator", subject="accel2"))
    node.module_stuck[2] = True
    while any(switches(node, i)[1] + switches(node, i)[2] for i in range(8)):
        assert switches(node, 0)[0] == 1.0
        node.cycle()
    assert switches(node, 0)[0] == 1.0
    node.cycle()
    assert switches(node, 0)[0] == 0.0


def test_an_accelerator_is_not_closed_again_before_both_switches_read_open() -> None:
    node = booted()
    node.cycle(command("disable_accelerator", subject="accel1"))
    node.mute = {"rail.accel1_aux.enable"}
    node.cycle(command("enable_accelerator", subject="accel1"))
    node.fly(5.0)
    assert switches(node, 1) == (1.0, 0.0, 0.0)
    node.mute = set()
    assert node.fly(45.0).cap_w[1] == 700.0
