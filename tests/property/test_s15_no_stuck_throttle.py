"""S15: when faults clear, the node is back at NOMINAL and at full power.

On the whole step here; on whole flights of the fault budget in test_flight_faults.py, which looks
for what is left 120 s after the last fault: below, each law that is broken is found there as well.
Stated times: 60 s from the end of the faults until all accelerators are in service, and 25 s from
the safe cap to the largest. A battery that was low takes a minute more to be verified.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flight.core import accelerators, arbiter, clocks, mode_law, pumps, rails
from flight.core.arbiter import CapReason
from flight.core.modes import ModeEvent
from flight.core.types import Mode
from tests.property.aimed_flights import Change, changed, scene, strike
from tests.property.core_stories import (
    FAULTS,
    OTHERS,
    Story,
    examples,
    fly,
    fresh,
    heal,
    order,
    stories,
)
from tests.property.flight_strategies import Scenario
from tests.property.test_flight_faults import left_over
from tests.system.flying import flight_of

BACK_S = 90.0
CHARGE_S = 210.0  # four rungs of 30 s and a minute of verification
WAITING_ORDERS = (
    st.tuples(st.just("reset"), st.integers(0, 7)),
    st.tuples(st.just("limit"), st.integers(0, 7)),
    st.tuples(st.just("disable"), st.integers(0, 7)),
)


def left_of(story: Story) -> list[str]:
    """Fly a story, end all faults; return what of them is still there after the stated time."""
    node = fresh()
    for _ in fly(node, story):
        pass
    was_low = node.state.ladder.rung > 0 or any(what == "charge" for (what, _), _ in story)
    commands = [c for c in heal(node) if c.name != "set_mode"]
    node.cycle(*commands)
    if was_low:
        node.fly(CHARGE_S - BACK_S)
    if node.state.mode.mode is Mode.SAFE:  # a critical fault leaves it to the operator
        node.cycle(order("clear_latched", subject="all"), order("set_mode", mode="NOMINAL"))
    decision = node.fly(BACK_S)
    found = [] if decision.mode is Mode.NOMINAL else [f"the mode is {decision.mode}"]
    for i, reason in enumerate(decision.cap_reason):
        if reason != CapReason.MAXIMUM:
            found.append(f"accel{i} is held at {decision.cap_w[i]:g} W by {reason!s}")
        if decision.accel_phases[i] != "in service":
            found.append(f"accel{i} is {decision.accel_phases[i]}")
        if node.set_points[f"accel{i}.clock_max_mhz"] < 1980.0:
            found.append(f"accel{i} keeps a low clock")
        if decision.notices[i].level != "open":
            found.append(f"accel{i} is told {decision.notices[i].level}")
    return found


@examples(12)
@given(story=stories(*FAULTS, *OTHERS, *WAITING_ORDERS, steps_max=5))
def test_nothing_is_left_of_faults_that_ended(story: Story) -> None:
    assert left_of(story) == []


_grant = arbiter.grant
IGNORED: Story = [(("cap_ignored", 1), 1), (("limit", 1), 45)]
SILENT: Story = [(("lost", 6), 60)]
BREAKS: dict[str, tuple[object, str, object, Story]] = {
    "clocks stay low": (clocks, "step", lambda *_, **__: (345.0,) * 8, IGNORED),
    "no ramp": (
        arbiter, "grant", lambda *a, **k: _grant(*a, **{**k, "dt_s": 0.0}), [(("latch_up", 3), 3)]
    ),
    "DEGRADED for ever": (
        mode_law, "_recovering", lambda *_, **__: [ModeEvent.READINGS_LOST], [(("nack", "eps"), 20)]
    ),
    "pumps lost for ever": (
        pumps.LoopConfig, "flow_good_s", 1e9, [(("pump", 0), 40)]
    ),
    "silent for ever": (
        accelerators, "_listen", lambda accel, pair, answers, now_ns: accel._replace(silent_ns=1),
        SILENT,
    ),
    "probation for ever": (
        rails, "_enter_service", lambda config, pair, *_: pair, [(("latch_up", 3), 3)]
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_law_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, attribute, broken, story = BREAKS[name]
    assert left_of(story) == []
    if module is pumps.LoopConfig:
        config = fresh().config.loop
        monkeypatch.setitem(vars(config), attribute, broken)
    else:
        monkeypatch.setattr(module, attribute, broken)
    assert left_of(story) != []


CLEARED: dict[str, Scenario] = {
    "clocks stay low": scene(260.0, strike("cap_ignored", "accel1", 100.0, duration_s=20.0)),
    "pumps lost for ever": scene(260.0, strike("pump_stop", "pump_a", 100.0, duration_s=20.0)),
    "silent for ever": scene(260.0, strike("nvml_hang", "accel6", 100.0, duration_s=20.0)),
    "probation for ever": scene(260.0, strike("latch_up", "accel3_aux", 100.0)),
}


def left_in_flight(name: str, change: Change | None = None) -> list[str]:
    """Fly a fault that ends; return what of it is still there 120 s later."""
    with changed(change), flight_of(CLEARED[name]) as flight:
        flight.fly(260.0)
        return left_over(flight)


@pytest.mark.parametrize("name", CLEARED)
def test_nothing_is_left_in_a_flight_whose_fault_ended(name: str) -> None:
    assert left_in_flight(name) == []


def test_a_throttle_that_stays_is_found_in_a_flight() -> None:
    module, attribute, broken, _ = BREAKS["probation for ever"]
    assert left_in_flight("probation for ever", lambda p: p.setattr(module, attribute, broken))
