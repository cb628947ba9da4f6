"""S2: coolant and radiator stay inside their range, cold side included.

Whole flights from both ends of the temperatures: cold and idle in eclipse, hot and at full load,
with pumps that stop. Each way to break the laws below is found on plant truth.
"""

from typing import Any

import pytest
from hypothesis import given

from flight.core import temperature
from flight.core.temperature import TemperatureState
from tests.property.aimed_flights import Aim, flights, flown, hold, scene, strike
from tests.property.core_stories import examples
from tests.property.flight_strategies import Scenario
from tests.system.flying import config_with

COLD = Aim(
    faults=("pump_stop", "sensor_stuck", "sensor_bias", "daemon_stall", "latch_up", "string_loss"),
    seconds=(100, 200),
    phase_percent=(0, 20),
    temp_c=(5, 14),
    modes=("NOMINAL", "STANDBY", "SAFE"),
    utilisation=(0.0, 0.3),
)
HOT = Aim(
    faults=("pump_stop", "sensor_stuck", "nvml_call_fails", "daemon_stall", "cap_ignored"),
    seconds=(90, 150),
    phase_percent=(38, 95),
    temp_c=(45, 62),
)


@examples(12)
@given(flights(COLD))
def test_nothing_freezes_in_any_cold_flight(data: Scenario) -> None:
    hold(data, "S2")


@examples(12)
@given(flights(HOT))
def test_nothing_boils_in_any_hot_flight(data: Scenario) -> None:
    hold(data, "S2")


COLD_SCENE = scene(130.0, temp_c=5.0, orbit_phase=0.0, mode="STANDBY")
LOADED = scene(155.0, temp_c=50.0, orbit_phase=0.6)
# It begins cool: a radiator that nobody heats then crosses its limit within the hour.
LONG_SAFE = scene(3300.0, temp_c=10.0, orbit_phase=0.0, mode="SAFE")
STOPS = (strike("pump_stop", "pump_a", 110.0), strike("pump_stop", "pump_b", 109.0))
_temperature = temperature.step


def _open_radiator(*given: Any, **what: Any) -> TemperatureState:
    return _temperature(*given, **what)._replace(bypass_ratio=0.0)


def test_coolant_that_all_goes_through_the_radiator_is_found() -> None:
    assert flown(COLD_SCENE).broken == set()
    broken = flown(COLD_SCENE, change=lambda p: p.setattr(temperature, "step", _open_radiator))
    assert broken.broken == {"S2"}


def _no_heat(*given: Any, **what: Any) -> bool:
    return False


def test_a_node_left_in_safe_keeps_its_radiator_warm() -> None:
    hold(LONG_SAFE, "S2")


def test_a_radiator_that_nobody_heats_is_found() -> None:
    broken = flown(
        LONG_SAFE, change=lambda p: p.setattr(temperature, "_radiator_wants_heat", _no_heat)
    )
    assert broken.broken == {"S2"}


@pytest.mark.parametrize("count", [1, 2])
def test_dead_pumps_that_nobody_answers_are_found(count: int) -> None:
    data = LOADED | {"fault": list(STOPS[:count])}
    assert flown(data).broken == set()
    assert flown(data, config=config_with(faults={"pump_loss_enabled": False})).broken == {"S2"}
