"""S1: no core above its maximum for more than 1 s, never at shutdown.

Whole flights, hot and at full load, with what pushes a core's temperature or hides it. Guard,
reflex and over-temperature response each hold S1 alone; without all three it is violated, and by
sensors that lie beyond the fault budget.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flight.core.config import CoreConfig
from flight.core.guard import GuardState, build_law
from flight.core.guard import step as guard_step
from tests.property.aimed_flights import Aim, flights, flown, hold, scene, strike
from tests.property.core_stories import examples
from tests.property.flight_strategies import Scenario
from tests.system.flying import config_with

HOT = Aim(
    faults=(
        "pump_stop", "sensor_stuck", "sensor_bias", "nvml_call_fails", "nvml_hang", "cap_ignored",
        "daemon_stall", "latch_up", "accel_lost", "string_loss",
    ),
    seconds=(90, 160),
    phase_percent=(38, 95),
    temp_c=(45, 62),
)  # fmt: skip
HOT_SCENE = scene(200.0, temp_c=62.0)


@examples(18)
@given(flights(HOT))
def test_no_core_gets_too_hot_in_any_hot_flight(data: Scenario) -> None:
    hold(data, "S1")


def lines_left(*left: str) -> set[str]:
    """Fly hot with some of the lines of defence; return the properties that were violated."""
    switches = {f"{name}_enabled": name in left for name in ("guard", "over_temperature")}
    config = config_with(faults=switches, reflex={"enabled": "reflex" in left})
    return flown(HOT_SCENE, config=config).broken


@pytest.mark.parametrize("line", ["guard", "over_temperature", "reflex"])
def test_each_line_of_defence_holds_alone(line: str) -> None:
    assert lines_left(line) == set()


def test_a_node_without_any_of_them_is_found() -> None:
    assert lines_left() == {"S1"}


def test_sensors_that_lie_beyond_the_budget_are_found() -> None:
    lies = [strike("sensor_bias", f"accel{i}.core_temp_c", 30.0, value=-12.0) for i in range(8)]
    assert flown(HOT_SCENE | {"fault": lies}).broken == {"S1"}


LAW = build_law(CoreConfig().guard, cap_w_min=200.0, cap_w_safe=200.0, cap_w_max=700.0)
temperature = st.one_of(st.none(), st.floats(-20.0, 125.0))


@given(st.lists(st.tuples(temperature, temperature, st.floats(0.01, 0.3)), max_size=50))
def test_the_guard_stays_in_the_cap_range_whatever_it_reads(
    samples: list[tuple[float | None, float | None, float]],
) -> None:
    state = GuardState(700.0)
    for core, memory, dt_s in samples:
        state = guard_step(LAW, state, core_temp_c=core, memory_temp_c=memory, dt_s=dt_s)
        assert 200.0 <= state.limit_w <= LAW.ceiling_w
        if core is None or memory is None:
            assert state.limit_w <= 200.0
