"""Faults of loop, radiator, power and accelerators: what is told, what moves, and that it holds."""

from typing import Any

import pytest

from flight.core.types import Mode
from tests.system.watched import LOADED_S, Watched, fault


@pytest.mark.parametrize(
    ("struck", "parameters", "told", "within_s"),
    [
        ("pump_worn pump_a", {"head_ratio": 0.5}, "loop.flow_disagrees loop", 15.0),
        ("coolant_leak loop", {"leak_kg_per_s": 0.002}, "loop.leak loop", 90.0),
        ("plate_blocked plate4", {"open_ratio": 0.3}, "plate.blocked plate4", 75.0),
        ("interface_worn accel4", {}, "accel.cooling_degraded accel4", 110.0),
        ("array_off_pointing array", {"pointing_ratio": 0.3}, "eps.array_low eps", 40.0),
        ("accel_hang accel4", {}, "accel.xid accel4", 2.0),
        ("memory_error accel4", {}, "accel.uncorrected_error accel4", 2.0),
        ("memory_error accel4", {"is_contained": False}, "accel.recovery_needed accel4", 2.0),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_it_is_told_in_time_and_moves_no_rail(
    struck: str, parameters: dict[str, Any], told: str, within_s: float
) -> None:
    event_id, subject = told.split()
    planned = fault(*struck.split(), **parameters)
    with Watched(planned, duration_s=LOADED_S + within_s) as watched:
        watched.fly_to(LOADED_S + within_s)
        assert watched.told(event_id) == [subject]
        assert watched.mode is Mode.NOMINAL
        assert watched.moved == set()


@pytest.mark.parametrize(
    ("struck", "parameters"),
    [
        ("strands_open battery", {"strand_count": 2.0}),
        ("cell_short cell5", {}),
        ("heater_stuck heater_a", {}),
        ("radiator_aged radiator", {}),
        ("bypass_stuck bypass", {"end": "cold"}),
    ],
)
def test_it_is_borne_at_full_load(struck: str, parameters: dict[str, Any]) -> None:
    planned = fault(*struck.split(), **parameters)
    with Watched(planned, duration_s=LOADED_S + 60.0) as watched:
        watched.fly_to(LOADED_S + 60.0)
        assert watched.mode is Mode.NOMINAL
        assert watched.moved == set()
        assert watched.image.truth.accel_power_w.sum() > 5000.0


def test_a_tripped_payload_outlet_takes_modules_only_and_all_come_back() -> None:
    lowest_aux_v: list[float] = []

    def look(watched: Watched) -> None:
        if LOADED_S < watched.flight.node.now_ns / 1e9 < LOADED_S + 0.15:
            lowest_aux_v.append(float(watched.image.truth.aux_voltage_v.min()))

    with Watched(fault("outlet_trip", "payload_outlet"), duration_s=LOADED_S + 110.0) as watched:
        watched.fly_to(LOADED_S + 110.0, look)
        assert watched.told("rail.tripped") == ["payload_54v"]
        assert lowest_aux_v and min(lowest_aux_v) > 3.0  # on the avionics bus, untouched at first
        assert watched.mode is Mode.NOMINAL
        assert watched.image.truth.accel_power_w.sum() > 5000.0


def test_a_pump_that_turns_without_lifting_is_replaced_once() -> None:
    worn = fault("pump_worn", "pump_a", head_ratio=0.1)
    with Watched(worn, duration_s=LOADED_S + 60.0) as watched:
        watched.fly_to(LOADED_S + 60.0)
        assert watched.told("loop.pump_lost") == ["loop"]
        assert watched.image.setpoint.pump_speed_target_rpm[0] == 0.0
        assert watched.image.truth.accel_power_w.sum() > 4000.0


def test_a_loop_that_has_leaked_out_ends_in_safe_with_accelerators_off() -> None:
    leak = fault("coolant_leak", "loop", leak_kg_per_s=0.02)
    with Watched(leak, duration_s=LOADED_S + 90.0) as watched:
        watched.fly_to(LOADED_S + 90.0)
        assert watched.mode is Mode.SAFE
        assert watched.image.truth.accel_power_w.sum() == 0.0
        assert watched.image.truth.accel_core_temp_c.max() < 87.0


def test_a_bypass_that_opens_by_itself_is_answered_by_caps() -> None:
    stuck = fault("bypass_stuck", "bypass", end="hot")
    with Watched(stuck, duration_s=LOADED_S + 200.0) as watched:
        watched.fly_to(LOADED_S + 200.0)  # at 240 s the coolant passes its limit, whatever is done
        assert "accel.core_hot" in {event.event_id for event in watched.events}
        assert watched.moved == set()
        assert watched.image.truth.accel_power_w.sum() < 4000.0
