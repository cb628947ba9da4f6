"""Both coolant pumps dead at full heat, and which line of defence holds what when others are off.

Measured on this node (hottest core before the stop 80.3 degC): with all lines in force the rails
are open 4.6 s after the stop and no core gets hotter. Without the pump-loss response the reflex and
the over-temperature response keep every core below 87 degC (85.8), but coolant that stands in the
plates passes the 75 degC of S2 19 s after the stop. Without guard, response and reflex the
over-temperature response still holds S1 (86.1); with that one off as well a core is at its shutdown
temperature.
"""

from dataclasses import dataclass

import pytest

from flight.core.types import Mode
from tests.system.flying import FULL_LOAD, config_with, flight_of, scenario

STOP_S = 200.01
END_S = 300.0


@dataclass(frozen=True)
class Outcome:
    """What happened after both pumps were dead; times in s after the stop, None: never."""

    core_c_before: float
    core_c_max: float
    caps_safe_s: float | None
    rails_open_s: float | None
    mode: Mode
    broken: set[str]


def both_pumps_die(**off: bool) -> Outcome:
    """Fly a hot node, let the standby pump and then the running pump die, and look at plant truth.

    Args:
        off: Lines of defence that are switched off: guard, pump_loss, over_temperature, reflex.
    """
    switches = {f"{name}_enabled": False for name in off if name != "reflex"}
    config = config_with(faults=switches, reflex={"enabled": "reflex" not in off})
    faults = [
        {"id": "b", "at": "199000 ms", "name": "pump_stop", "target": "pump_b"},
        {"id": "a", "at": f"{STOP_S * 1000:.0f} ms", "name": "pump_stop", "target": "pump_a"},
    ]
    start = {"temp_c": 50.0, "orbit_phase": 0.6, "mode": "NOMINAL"}
    data = scenario(start=start, action=[FULL_LOAD], fault=faults)
    caps_safe_s = rails_open_s = None
    with flight_of(data, config=config, duration_s=END_S) as flight:
        flight.fly(200.0)
        truth, setpoint = flight.node.image.truth, flight.node.image.setpoint
        before_c = hottest_c = float(truth.accel_core_temp_c.max())
        while flight.node.now_ns < END_S * 1e9:
            flight.fly(0.1)
            since_s = flight.node.now_ns / 1e9 - STOP_S
            hottest_c = max(hottest_c, float(truth.accel_core_temp_c.max()))
            if caps_safe_s is None and setpoint.accel_cap_w.max() <= 200.0:
                caps_safe_s = since_s
            if rails_open_s is None and setpoint.module_enabled.max() == 0.0:
                rails_open_s = since_s
        decision = flight.node.cycle.last_decision
        assert decision is not None
        broken = {violation.property for violation in flight.properties.ledger.violations}
        return Outcome(before_c, hottest_c, caps_safe_s, rails_open_s, decision.mode, broken)


def test_the_rails_are_open_in_6_s_the_node_is_safe_and_no_core_comes_to_harm() -> None:
    outcome = both_pumps_die()
    assert outcome.core_c_before >= 78.0
    assert outcome.caps_safe_s is not None and outcome.caps_safe_s <= 2.0
    assert outcome.rails_open_s is not None and 2.5 <= outcome.rails_open_s <= 6.0
    assert outcome.mode is Mode.SAFE
    assert outcome.core_c_max <= 87.0
    assert outcome.broken == set()


def test_s1_is_violated_and_seen_without_any_line_of_defence() -> None:
    outcome = both_pumps_die(guard=True, pump_loss=True, reflex=True, over_temperature=True)
    assert outcome.core_c_max > 90.0
    assert "S1" in outcome.broken


@pytest.mark.parametrize("off", ["guard", "reflex", "over_temperature"])
def test_the_others_hold_when_one_line_is_off(off: str) -> None:
    outcome = both_pumps_die(**{off: True})
    assert outcome.rails_open_s is not None and outcome.rails_open_s <= 6.0
    assert outcome.mode is Mode.SAFE
    assert outcome.core_c_max <= 87.0
    assert outcome.broken == set()


@pytest.mark.parametrize("more_off", [[], ["guard"], ["reflex"], ["guard", "reflex"]], ids=str)
def test_cores_are_held_without_the_pump_loss_response_but_the_coolant_is_not(
    more_off: list[str],
) -> None:
    outcome = both_pumps_die(pump_loss=True, **dict.fromkeys(more_off, True))
    assert outcome.core_c_max <= 87.0
    assert outcome.broken == {"S2"}  # standing coolant in the plates: only the response prevents it
