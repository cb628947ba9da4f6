"""Disobedience and lost communication are different faults; neither leaves a throttle behind."""

import pytest

from flight.core import conditions
from flight.core.types import FLAG_REFUSED, FLAG_WRITE_FAILED, Command
from tests.core_node import Node, booted


def limited(node: Node, i: int, cap_w: float) -> None:
    node.cycle(Command("c", "operator_limit", (("subject", f"accel{i}"), ("cap_w", cap_w))))


@pytest.mark.parametrize("outage_s", [4.0, 6.0, 9.0])
def test_an_outage_at_full_load_is_no_disobedience_and_ends_in_service(outage_s: float) -> None:
    node = booted()
    node.nack = {"accel6"}
    decision = node.fly(outage_s)
    assert decision.cap_w[6] <= 200.0
    assert ("accel.uncontrolled" in node.ids()) == (outage_s > 5.0)
    node.nack = set()
    assert node.fly(60.0).cap_w[6] == 700.0
    said = set(node.ids())
    assert not said & {"accel.cap_not_obeyed", "accel.cap_not_enforceable", "rail.latched_off"}
    assert node.set_points["accel6.clock_max_mhz"] == 1980.0


def test_a_lost_accelerator_above_the_safe_cap_is_isolated_within_five_seconds() -> None:
    node = booted()
    node.nack = {"accel6"}
    node.fly(5.2)
    assert not node.is_on(6)


def test_an_accelerator_that_stays_lost_is_latched_off_after_two_power_cycles() -> None:
    node = booted()
    node.nack = {"accel6"}
    node.fly(60.0)
    assert "rail.latched_off" in node.ids()
    off = [e for e in node.events if e.event_id == "rail.fault_off" and e.subject == "accel6"]
    assert len(off) <= 3


def test_a_cap_that_does_not_arrive_is_a_fault_of_its_own() -> None:
    node = booted()
    node.forced["accel6.cap_w"] = 700.0
    node.cap_ignored[6] = True
    limited(node, 6, 300.0)
    node.fly(6.0)
    assert "accel.uncontrolled" in node.ids()
    assert "accel.cap_not_obeyed" not in node.ids()


def test_the_clock_holds_one_that_does_not_obey_at_its_share() -> None:
    node = booted()
    node.clock_works, node.cap_ignored[1] = True, True
    limited(node, 1, 300.0)
    node.fly(5.0)
    assert node.set_points["accel1.clock_max_mhz"] == 345.0
    for _ in range(600):
        node.cycle()
        assert node.power_w[1] < 1.05 * 300.0
    assert node.is_on(1)
    assert node.power_w[1] > 280.0


def test_the_clock_is_back_once_the_cap_is_obeyed() -> None:
    node = booted()
    node.clock_works, node.cap_ignored[1] = True, True
    limited(node, 1, 300.0)
    node.fly(5.0)
    node.cap_ignored[1] = False
    node.fly(45.0)
    assert node.set_points["accel1.clock_max_mhz"] == 1980.0
    assert "accel.cap_not_obeyed.cleared" in node.ids()


@pytest.mark.parametrize(
    ("flag", "said", "after_s"),
    [
        (FLAG_REFUSED, "device.write_refused", 0.1),
        (FLAG_WRITE_FAILED, "device.write_failed", 2.2),
    ],
)
@pytest.mark.parametrize(
    ("point", "device"),
    [("accel3.cap_w", "accel3"), ("rail.accel5_aux.enable", "accel5_aux"),
     ("loop.bypass_ratio", "loop")],
)  # fmt: skip
def test_refused_and_failed_writes_are_told_and_move_no_cap(
    flag: int, said: str, after_s: float, point: str, device: str
) -> None:
    node = booted()
    node.flags = {point: flag}
    decision = node.fly(after_s)
    assert decision.cap_w == (700.0,) * 8
    assert [(e.event_id, e.subject) for e in node.events] == [(said, device)]
    node.flags = {}
    node.fly(1.5)
    assert node.ids()[1:] == [f"{said}.cleared"]


@pytest.mark.parametrize(
    ("point", "counts", "values"),
    [("accel2.ecc_uncorrected_count", (1.0, 1.0, 3.0, 0.0, 1.0), [1.0, 3.0]),
     ("accel2.xid", (79.0, 79.0, 94.0, 0.0, 79.0), [79.0, 94.0, 79.0])],
)  # fmt: skip
def test_each_new_error_of_an_accelerator_is_told(
    point: str, counts: tuple[float, ...], values: list[float]
) -> None:
    node = booted()
    for count in counts:
        node.forced[point] = count
        node.fly(1.0)
    node.fly(60.0)  # errors after the first are told in sums
    told = [(e.subject, e.value) for e in node.events]
    assert told == [("accel2", value) for value in values]


def test_an_error_counted_while_an_accelerator_was_silent_is_told_afterwards() -> None:
    node = booted()
    node.forced["accel2.xid"] = 79.0
    node.mute = {"accel2.xid"}
    node.fly(2.0)
    node.mute = set()
    node.cycle()
    assert node.ids() == ["accel.xid"]


def test_conditions_have_a_place_for_every_device_that_is_written() -> None:
    config = booted().step_config
    assert len(config.wiring.device_starts) == 27
    assert conditions.ACCEL_CONDITIONS[-1] == "off_needed"
