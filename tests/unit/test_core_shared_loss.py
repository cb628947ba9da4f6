"""A lost library is not eight lost accelerators; and an operator may hold one fault's response."""

import pytest

from flight.core.types import Command
from tests.core_node import Node, booted


def command(name: str, /, **arguments: float | str) -> Command:
    return Command("c1", name, tuple(arguments.items()))


def on(node: Node) -> int:
    return sum(node.is_on(i) for i in range(8))


def test_two_lost_accelerators_are_two_faults() -> None:
    node = booted()
    node.nack = {"accel2", "accel6"}
    node.fly(5.2)
    assert not node.is_on(2)
    assert not node.is_on(6)
    assert "driver.library_lost" not in node.ids()


def test_a_library_that_comes_back_in_time_costs_no_power_cycle() -> None:
    node = booted()
    node.nack = {f"accel{i}" for i in range(8)}
    for _ in range(90):
        decision = node.cycle()
        assert on(node) == 8
        assert max(decision.cap_w) <= 700.0
    assert max(decision.cap_w) == 200.0
    assert node.ids().count("driver.library_lost") == 1
    node.nack = set()
    assert node.fly(60.0).cap_w == (700.0,) * 8
    assert "driver.library_lost.cleared" in node.ids()
    assert not {"accel.power_cycle_due", "accel.uncontrolled", "rail.fault_off"} & set(node.ids())


def test_a_library_that_stays_lost_has_its_accelerators_power_cycled_in_turns() -> None:
    node = booted()
    node.nack = {f"accel{i}" for i in range(8)}
    most_at_once, was = 0, on(node)
    for _ in range(600):
        node.cycle()
        most_at_once, was = max(most_at_once, was - on(node)), on(node)
    assert most_at_once <= 2
    struck = {e.subject for e in node.events if e.event_id == "rail.fault_off"}
    assert struck == {f"accel{i}" for i in range(8)}


def test_an_inhibited_fault_is_told_but_not_answered_until_its_time_is_over() -> None:
    node = booted()
    assert node.cycle(command("inhibit_fault", id="rail.latch_up", duration_s=2.0)).acks[0].ok
    node.aux_extra_a[3] = 1.2
    node.fly(1.5)
    assert "rail.latch_up" in node.ids()
    assert node.is_on(3)
    node.fly(1.0)
    assert not node.is_on(3)
    told = [(e.event_id, e.subject) for e in node.events if e.event_id.startswith("response.")]
    assert told == [("response.inhibited", "rail.latch_up"), ("response.enabled", "rail.latch_up")]


def test_an_inhibit_ends_early_by_an_inhibit_of_no_time() -> None:
    node = booted()
    node.cycle(command("inhibit_fault", id="rail.latch_up", duration_s=3600.0))
    node.cycle(command("inhibit_fault", id="rail.latch_up", duration_s=0.0))
    node.aux_extra_a[3] = 1.2
    node.fly(0.5)
    assert not node.is_on(3)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ({"id": "rail.latchup", "duration_s": 1.0},
         "no fault 'rail.latchup'; `nightside faults` lists them"),
        ({"id": "rail.latch_up", "duration_s": 9000.0},
         "duration_s must be a number from 0 to 3600, got 9000.0"),
        ({"id": "rail.latch_up"}, "missing duration_s"),
    ],
)  # fmt: skip
def test_an_inhibit_that_cannot_be_is_refused(
    arguments: dict[str, float | str], reason: str
) -> None:
    ack = booted().cycle(command("inhibit_fault", **arguments)).acks[0]
    assert (ack.ok, ack.reason) == (False, reason)


def test_the_cold_alarm_is_silent_where_cold_is_meant() -> None:
    node = booted()
    node.cycle(command("set_mode", mode="SURVIVAL"))
    node.forced["loop.supply_temp_c"] = 0.0
    node.fly(8.0)
    assert "loop.supply_cold" not in node.ids()
    node.cycle(command("set_mode", mode="SAFE"))
    node.fly(8.0)
    assert "loop.supply_cold" in node.ids()
