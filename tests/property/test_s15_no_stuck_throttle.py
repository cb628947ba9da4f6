"""S15, the part of the core: when faults clear, the node is back at NOMINAL and at full power.

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

BACK_S = 90.0
CHARGE_S = 210.0  # four rungs of 30 s and a minute of verification
WAITING_ORDERS = (
    st.tuples(st.just("reset"), st.integers(0, 7)),
    st.tuples(st.just("limit"), st.integers(0, 7)),
    st.tuples(st.just("disable"), st.integers(0, 7)),
)


def left_over(story: Story) -> list[str]:
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
    assert left_over(story) == []


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
    assert left_over(story) == []
    if module is pumps.LoopConfig:
        config = fresh().config.loop
        monkeypatch.setitem(vars(config), attribute, broken)
    else:
        monkeypatch.setattr(module, attribute, broken)
    assert left_over(story) != []
