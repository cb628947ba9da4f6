"""Faults of the world that move no rail are still told, on the shipped drivers, and end."""

from typing import Any

import pytest

from tests.system.watched import LOADED_S, Watched, fault


@pytest.mark.parametrize(
    ("struck", "parameters", "event_id", "subject", "within_s"),
    [
        ("string_loss string2", {}, "eps.string_lost", "string2", 10.0),
        ("cap_clamped accel4", {"cap_w": 300.0}, "accel.cap_not_taken", "accel4", 9.0),
        ("accel_slowdown accel4", {}, "accel.slowdown", "accel4", 4.0),
        ("ecc_errors accel4", {"corrected_per_s": 10.0}, "accel.memory_errors", "accel4", 4.0),
        ("pcie_replays accel4", {"per_s": 5.0}, "accel.link_errors", "accel4", 6.0),
        ("sensor_bias accel4.power_w", {"value": 300.0}, "accel.power_disagrees", "accel4", 11.0),
        ("sensor_bias loop.flow_kg_per_s", {"value": 0.06}, "loop.flow_disagrees", "loop", 11.0),
        ("sensor_bias plate4.outlet_temp_c", {"value": 15.0}, "plate.blocked", "plate4", 75.0),
        ("nvml_driver_fails nvml", {"code": 9.0}, "driver.library_lost", "nvml", 2.5),
    ],
    ids=lambda value: value if isinstance(value, str) and "." in value else "",
)
def test_it_is_told_in_time_and_ends(
    struck: str, parameters: dict[str, Any], event_id: str, subject: str, within_s: float
) -> None:
    name, target = struck.split()
    planned = fault(name, target, duration_s=within_s - 0.5, **parameters)
    with Watched(planned, duration_s=LOADED_S + 200.0) as watched:
        watched.fly_to(LOADED_S + within_s)
        assert watched.told(event_id) == [subject]
        watched.fly_to(LOADED_S + within_s + 150.0)
        assert watched.told(f"{event_id}.cleared") == [subject]
        assert watched.moved == set()
