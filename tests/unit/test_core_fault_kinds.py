"""Every kind of fault is raised by what it is for, on the thing it is for, and clears after it."""

from collections.abc import Callable
from copy import copy
from functools import cache

import pytest

from flight.core.config import CoreConfig
from flight.core.fault_kinds import KINDS
from flight.core.types import (
    FLAG_ABANDONED,
    FLAG_LAPSED,
    FLAG_REFLEX,
    FLAG_REFUSED,
    FLAG_WRITE_FAILED,
    Allotment,
    Command,
    Severity,
)
from tests.core_node import Node

# What lasts minutes in flight lasts seconds here; limits are those of REF-1.
QUICK = CoreConfig.model_validate(
    {
        "modes": {"loop_blind_s": 2.0},
        "rails": {"lost_power_cycle_s": 14.0, "lost_hot_s": 4.0},
        "faults": {"aux_current_high_s": 1.0, "charge_unknown_s": 1.0, "library_lost_s": 3.0},
        "trends": {
            "sunlit_discharge_s": 2.0,
            "pump_wear_s": 2.0,
            "pressure_s": 2.0,
            "radiator_s": 10.0,
            "plate_rise_s": 2.0,
            "core_rise_s": 2.0,
            "error_filter_s": 5.0,
            "leak_filter_s": 60.0,
        },
        "judge": {
            "compare": {
                "core_temp": {"persistence_s": 2.0},
                "plate_temp": {"persistence_s": 2.0},
                "return_temp": {"persistence_s": 2.0},
            }
        },
    }
)
FOR_EVER_NS = 10**18
LIT = {f"eps.string{i}.current_a": 20.0 for i in range(8)}

# Fault: its subject, the readings that show it, and for how many seconds.
BY_READING: dict[str, tuple[str, dict[str, float], float]] = {
    "accel.core_hot": ("accel3", {"accel3.core_temp_c": 84.0}, 4.0),
    "accel.core_over_temperature": ("accel3", {"accel3.core_temp_c": 86.0}, 2.0),
    "accel.memory_hot": ("accel3", {"accel3.memory_temp_c": 94.0}, 4.0),
    "accel.memory_over_temperature": ("accel3", {"accel3.memory_temp_c": 101.0}, 3.0),
    "accel.recovery_needed": ("accel3", {"accel3.recovery_action": 1.0}, 1.0),
    "accel.core_disagrees": ("accel3", {"accel3.core_temp_c": 50.0}, 9.0),
    "accel.power_disagrees": ("accel3", {"accel3.power_w": 500.0}, 12.0),
    "accel.cooling_degraded": ("accel3", {"accel3.core_temp_c": 73.0}, 6.0),
    "accel.memory_errors": ("accel3", {"accel3.ecc_corrected_count": 3.0}, 3.0),
    "accel.link_errors": ("accel3", {"accel3.pcie_replay_count": 3.0}, 3.0),
    "accel.slowdown": ("accel3", {"accel3.event_reasons": 64.0}, 4.0),
    "accel.cap_not_taken": ("accel3", {"accel3.cap_w": 300.0}, 8.0),
    "rail.over_current": ("accel3_54v", {"rail.accel3_54v.current_a": 20.0}, 0.5),
    "rail.under_voltage": ("host_12v", {"rail.host_12v.voltage_v": 10.0}, 1.0),
    "rail.over_voltage": ("accel3_aux", {"rail.accel3_aux.voltage_v": 3.8}, 1.0),
    "rail.voltage_disagrees": ("accel3_54v", {"rail.accel3_54v.voltage_v": 51.0}, 12.0),
    "rail.current_disagrees": ("payload_54v", {"rail.payload_54v.current_a": 80.0}, 12.0),
    "rail.over_temperature": ("accel3_54v", {"rail.accel3_54v.temp_c": 110.0}, 4.0),
    "rail.tripped": ("accel3_54v", {"rail.accel3_54v.voltage_v": 0.0}, 0.5),
    "loop.supply_cold": ("loop", {"loop.supply_temp_c": 0.0}, 6.0),
    "loop.supply_hot": ("loop", {"loop.supply_temp_c": 70.0}, 6.0),
    "loop.return_hot": ("loop", {"loop.return_temp_c": 80.0}, 6.0),
    "loop.return_disagrees": ("loop", {"loop.return_temp_c": 60.0}, 9.0),
    "loop.radiator_cold": ("loop", {"loop.radiator_out_temp_c": -45.0}, 8.0),
    "loop.radiator_degraded": ("loop", {"loop.radiator_out_temp_c": 44.5}, 80.0),
    "loop.pressure_high": ("loop", {"loop.pressure_kpa": 450.0}, 4.0),
    "loop.pressure_low": ("loop", {"loop.pressure_kpa": 50.0}, 6.0),
    "loop.blocked": ("loop", {"loop.pressure_kpa": 300.0}, 6.0),
    "loop.leak": ("loop", {"loop.accumulator_ratio": 0.2}, 65.0),
    "loop.accumulator_low": ("loop", {"loop.accumulator_ratio": 0.05}, 4.0),
    "loop.flow_low": ("loop", {"loop.flow_kg_per_s": 0.08}, 4.0),
    "loop.flow_disagrees": ("loop", {"loop.flow_kg_per_s": 0.105}, 12.0),
    "loop.pump_worn": ("pump_a", {"loop.pump_a.current_a": 3.0}, 6.0),
    "plate.hot": ("plate3", {"plate3.outlet_temp_c": 80.0}, 6.0),
    "plate.blocked": ("plate3", {"plate3.outlet_temp_c": 60.0}, 6.0),
    "plate.outlet_disagrees": ("plate3", {"plate3.outlet_temp_c": 60.0}, 9.0),
    "eps.bus54_low": ("eps", {"eps.bus54.voltage_v": 47.0}, 1.0),
    "eps.bus54_high": ("eps", {"eps.bus54.voltage_v": 58.0}, 1.0),
    "eps.bus28_low": ("eps", {"eps.bus28.voltage_v": 24.0}, 1.0),
    "eps.bus28_high": ("eps", {"eps.bus28.voltage_v": 32.0}, 1.0),
    "eps.string_lost": ("string2", LIT | {"eps.string2.current_a": 0.0}, 12.0),
    "eps.array_low": ("eps", LIT | {"eps.battery.current_a": -20.0}, 6.0),
    "eps.charge_high": ("eps", {"eps.battery.current_a": 170.0}, 3.0),
    "eps.discharge_high": ("eps", {"eps.battery.current_a": -170.0}, 3.0),
    "eps.battery_low": ("eps", {"eps.battery.voltage_v": 45.0}, 2.0),
    "eps.voltage_disagrees": ("eps", {"eps.battery.voltage_v": 52.0}, 12.0),
    "eps.charging_cold": ("eps", {"eps.battery.temp_c": -2.0, "eps.battery.current_a": 5.0}, 8.0),
    "eps.battery_hot": ("eps", {"eps.battery.temp_c": 50.0}, 10.0),
    "eps.battery_cold": ("eps", {"eps.battery.temp_c": -3.0}, 10.0),
    "host.cpu_hot": ("host", {"host.cpu_temp_c": 95.0}, 8.0),
    "host.memory_errors": ("host", {"host.edac_corrected_count": 3.0}, 3.0),
    "host.drive_hot": ("nvme0", {"host.nvme0.temp_c": 80.0}, 8.0),
    "host.drive_worn": ("nvme0", {"host.nvme0.wear_ratio": 0.95}, 6.0),
    "host.disk_full": ("host", {"host.disk_free_ratio": 0.02}, 6.0),
}  # fmt: skip

# Fault: its subject, flags of a point.
BY_FLAG = {
    "accel.reflex_latched": ("accel3", "accel3.cap_w", FLAG_REFLEX),
    "accel.lease_lapsed": ("accel3", "accel3.cap_w", FLAG_LAPSED),
    "device.write_refused": ("accel3", "accel3.cap_w", FLAG_REFUSED),
    "device.write_failed": ("accel3_aux", "rail.accel3_aux.enable", FLAG_WRITE_FAILED),
    "device.abandoned": ("accel3_54v", "rail.accel3_54v.enable", FLAG_ABANDONED),
}

# Fault: its subject, what does not answer (points, drivers; devices), and for how many seconds.
BY_SILENCE: dict[str, tuple[str, set[str], set[str], float]] = {
    "accel.communication_lost": ("accel3", set(), {"accel3"}, 1.0),
    "accel.uncontrolled": ("accel3", set(), {"accel3"}, 5.5),
    "accel.blind": ("accel3", set(), {"accel3", "accel3_54v"}, 12.0),
    "accel.memory_sensor_lost": ("accel3", {"accel3.memory_temp_c"}, set(), 1.0),
    "accel.library_power_cycle": ("accel0", set(), {f"accel{i}" for i in range(8)}, 5.0),
    "driver.library_lost": ("nvml", set(), {f"accel{i}" for i in range(8)}, 1.0),
    "rail.communication_lost": ("accel3_54v", set(), {"accel3_54v"}, 2.0),
    "eps.charge_unknown": ("eps", {"eps.battery.charge_ratio"}, set(), 3.0),
    "loop.blind": ("loop", {"loop"}, set(), 4.0),
    "driver.communication_lost": ("host", {"host"}, set(), 2.0),
}


def _lost_at_idle(node: Node) -> None:
    node.utilisation = 0.0
    node.fly(2.0)
    node.nack = {"accel3"}
    node.fly(16.0)


def _core_stuck(node: Node) -> None:
    node.forced["accel3.core_temp_c"] = float(round(node.core_c[3]))
    node.utilisation = 0.1
    node.fly(16.0)


def _disobedient(node: Node) -> None:
    node.cap_ignored[3] = True
    node.cycle(Command("c", "operator_limit", (("subject", "accel3"), ("cap_w", 300.0))))
    node.fly(8.0)


def _latched_up(node: Node) -> None:
    node.aux_extra_a[3] = 1.2
    node.fly(0.4)


def _micro_latched(node: Node) -> None:
    node.aux_extra_a[3] = 0.3
    node.fly(3.0)


def _stuck_closed(node: Node) -> None:
    node.module_stuck[3] = True
    _disable(node)
    node.fly(3.0)


def _off_unconfirmed(node: Node) -> None:
    node.nack = {"accel3_54v"}
    _disable(node)
    node.fly(4.0)


def _closed_again(node: Node) -> None:
    _disable(node)
    node.fly(3.0)
    node.forced["rail.accel3_54v.enable"] = 1.0
    node.fly(1.0)


def _cannot_open(node: Node) -> None:
    node.aux_extra_a[3] = 1.2
    node.nack = {"accel3_54v"}
    node.fly(4.0)


def _disable(node: Node) -> None:
    node.cycle(Command("c", "disable_accelerator", (("subject", "accel3"),)))


def _grant_ends(node: Node) -> None:
    node.allotment = Allotment(7000.0, 7000.0, node.now_ns + 1_000_000_000)
    node.fly(2.0)


BY_STORY: dict[str, tuple[str, Callable[[Node], None]]] = {
    "accel.power_cycle_due": ("accel3", _lost_at_idle),
    "accel.core_sensor_stuck": ("accel3", _core_stuck),
    "accel.cap_not_obeyed": ("accel3", _disobedient),
    "accel.cap_not_enforceable": ("accel3", _disobedient),
    "rail.latch_up": ("accel3_aux", _latched_up),
    "rail.micro_latch": ("accel3_aux", _micro_latched),
    "rail.failed_closed": ("accel3_54v", _stuck_closed),
    "rail.off_unconfirmed": ("accel3", _off_unconfirmed),
    "rail.switch_closed": ("accel3", _closed_again),
    "rail.cannot_open": ("accel3_54v", _cannot_open),
    "eps.allotment_lapsed": ("eps", _grant_ends),
}


@cache
def _flown() -> Node:
    node = Node(config=QUICK)
    node.fly(45.0)
    return node


def quick_node() -> Node:
    """Return a node in service whose slow faults are quick."""
    node = copy(_flown())
    for name, value in vars(node).items():
        setattr(node, name, type(value)(value) if isinstance(value, list | dict | set) else value)
    node.events = []
    return node


def strike(node: Node, event_id: str) -> str:
    """Let happen what the fault is for; return its subject."""
    if event_id in BY_READING:
        subject, node.forced, seconds = BY_READING[event_id]
        node.forced = dict(node.forced)
        node.fly(seconds)
    elif event_id in BY_FLAG:
        subject, point, flag = BY_FLAG[event_id]
        node.flags = {point: flag}
        node.fly(3.0)
    elif event_id in BY_SILENCE:
        subject, mute, nack, seconds = BY_SILENCE[event_id]
        node.mute, node.nack = set(mute), set(nack)
        node.fly(seconds)
    else:
        subject, story = BY_STORY[event_id]
        story(node)
    return subject


def heal(node: Node) -> None:
    """Undo all that was done; counters keep their counts."""
    node.forced = {k: v for k, v in node.forced.items() if k.endswith("_count")}
    node.mute, node.nack, node.flags = set(), set(), {}
    node.aux_extra_a, node.module_stuck = [0.0] * 8, [False] * 8
    node.cap_ignored, node.utilisation = [False] * 8, 1.0
    node.allotment = Allotment(7000.0, 7000.0, FOR_EVER_NS)


def test_there_is_a_story_for_every_kind_of_fault() -> None:
    told = [*BY_READING, *BY_FLAG, *BY_SILENCE, *BY_STORY]
    assert len(told) == len(set(told))
    assert set(told) == set(KINDS)


@pytest.mark.parametrize("event_id", KINDS)
def test_it_is_raised_on_its_subject_and_clears(event_id: str) -> None:
    node = quick_node()
    node.fly(3.0)
    assert node.events == []
    subject = strike(node, event_id)
    raised = [e for e in node.events if e.event_id == event_id]
    assert [e.subject for e in raised[:1]] == [subject], node.ids()
    assert raised[0].severity in (Severity.WARNING, Severity.CRITICAL)
    heal(node)
    if event_id == "eps.string_lost":
        node.forced = dict(LIT)  # a string shows only in sunlight that it is back
    ended = (f"{event_id}.cleared", subject)
    for _ in range(900):
        if any((e.event_id, e.subject) == ended for e in node.events):
            return
        node.cycle()
    pytest.fail(f"{event_id} stays raised; said: {node.ids()}")
