"""The quick looks of a cycle only save time: without them every decision is the same."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from flight.core import (
    compare,
    conditions,
    judge,
    limits,
    mode_law,
    monitors,
    outputs,
    pumps,
    quiet,
    responses,
    temperature,
)
from flight.core.state import State
from flight.core.step import StepConfig, step
from flight.core.types import Allotment, Decision, Inputs
from flight.dictionary.channels import build_point_table
from tests import core_node
from tests.core_node import Node
from tests.property.core_stories import (
    FAULTS,
    ORDERS,
    OTHERS,
    SENSORS,
    STUCK,
    Story,
    fly,
    fresh,
    stories,
)

RETURN, OUTLET = "loop.return_temp_c", "plate2.outlet_temp_c"
QUICK_LOOKS = (
    (pumps, "is_quiet"),
    (conditions, "all_quiet"),
    (responses, "_is_settled"),
    (responses, "_is_as_wanted"),
    (outputs, "_only_caps_changed"),
    (compare, "_all_agree"),
    (mode_law, "_is_steady"),
    (limits, "_all_have_all"),
    (limits, "_all_are_off"),
    (judge, "_still_lasts"),
    (monitors, "_points_hold"),
    (conditions, "_is_plainly_off"),
    (conditions, "_all_speak"),
    (temperature, "is_warm"),
    (quiet, "rests"),
    (quiet, "accelerators_are_calm"),
    (quiet, "notices_hold"),
)


# What may stay for years, and whether readings are bad as long.
LASTING: dict[str, tuple[Story, bool]] = {
    "one accelerator off": ([(("disable", 3), 20)], True),
    "two accelerators off": ([(("disable", 3), 5), (("disable", 5), 20)], True),
    "an accelerator retired": ([(("retire", 0), 20)], True),
    "an accelerator lost": ([(("lost", 4), 300)], True),
    "all off in STANDBY": ([(("mode", "STANDBY"), 20)], True),
    "all off in SAFE": ([(("mode", "SAFE"), 20)], True),
    "all off in SURVIVAL": ([(("mode", "SURVIVAL"), 20)], True),
    "one off, then all": ([(("disable", 1), 30), (("mode", "SAFE"), 30)], True),
    "a stuck core sensor": ([(("work", 0.1), 1), (("frozen", 2), 80)], True),
    "a doubted core sensor": ([(("cold", 6), 400)], True),
    "both": ([(("work", 0.1), 1), (("frozen", 2), 80), (("cold", 6), 400)], True),
    "one off beside a silent return": ([(("disable", 3), 5), (("mute", RETURN), 20)], True),
    "a silent outlet and its mean": ([(("mute", RETURN), 5), (("mute", OUTLET), 20)], True),
    "a silent driver": ([(("mute", "host"), 30)], True),
    "a silent meter": ([(("mute", "accel2.power_w"), 30)], True),
    "a cap not obeyed, and latched": ([(("cap_ignored", 2), 1), (("budget", 1500.0), 500)], True),
    "off, and a switch that misreads": ([(("disable", 3), 30), (("misread", 3), 20)], True),
    "off, on probation, off": (
        [(("disable", 3), 20), (("enable", 3), 16), (("disable", 3), 20)],
        True,
    ),
    "a silent status": ([(("mute", "rail.accel2_54v.status"), 80)], True),
    "a charge that leaves SAFE": ([(("charge", 0.35), 120), (("charge", 0.95), 1650)], False),
    "a pump that failed": ([(("pump", 0), 60)], False),
    "a warning": ([(("full", 0.01), 60)], False),
}


Cycles = list[tuple[object, ...]]


def flown(node: Node, story: Story) -> tuple[Cycles, list[Inputs]]:
    """Fly a story; return all cycles in a form that compares, and what each step was given."""
    given: list[Inputs] = []

    def noting(config: StepConfig, state: State, inputs: Inputs) -> tuple[State, Decision]:
        given.append(inputs)
        return step(config, state, inputs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core_node, "step", noting)
        found = [(*comparable(decision), *remembered(node.state)) for decision in fly(node, story)]
    return found, given


def stepped_slowly(node: Node, given: list[Inputs]) -> Cycles:
    """Step a node through the same inputs without the quick looks."""
    state, found = node.state, []
    with pytest.MonkeyPatch.context() as patch:
        for module, name in QUICK_LOOKS:
            patch.setattr(module, name, lambda *_, **__: False)
        for inputs in given:
            state, decision = step(node.step_config, state, inputs)
            found.append((*comparable(decision), *remembered(state)))
    return found


def remembered(state: State) -> tuple[object, ...]:
    """What decisions to come depend on, and the quick looks touch."""
    judged, monitored = state.judge, state.monitors
    arrays = (
        judged.trusted, judged.quality, judged.last_good, judged.good_time_ns,
        judged.suspect_time_ns, judged.stuck.stuck, monitored.active, monitored.since_ns,
        monitored.limit, monitored.raised_ns,
    )  # fmt: skip
    return (
        *(array.tobytes() for array in arrays),
        (judged.all_good, judged.any_suspect, judged.compare, monitored.pending),
        (monitored.responding, repr(monitored.conditions), repr(monitored.signals)),
        (state.health, state.pairs, state.accels, state.guards, state.grants, state.counted),
        (state.calm, state.all_on, state.mode),
    )


def comparable(decision: Decision) -> tuple[object, ...]:
    return (
        decision.mode,
        np.asarray(decision.desired).tobytes(),
        decision.cap_w,
        decision.cap_reason,
        decision.rearm,
        decision.events,
        decision.acks,
        decision.requests,
        decision.notices,
        decision.accel_phases,
    )


def assert_equal(quick: Cycles, slow: Cycles) -> None:
    for k, (a, b) in enumerate(zip(quick, slow, strict=True)):
        differing = [i for i, (x, y) in enumerate(zip(a, b, strict=True)) if x != y]
        assert not differing, f"cycle {k}: {[(a[i], b[i]) for i in differing]}"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories(*FAULTS, STUCK, *SENSORS, *ORDERS, *OTHERS))
def test_decisions_are_the_same_without_the_quick_looks(story: Story) -> None:
    quick, given_to_all = flown(fresh(), story)
    assert_equal(quick, stepped_slowly(fresh(), given_to_all))


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_is_judged_quickly_and_to_the_same_bit(name: str) -> None:
    story, has_bad_readings = LASTING[name]
    node = fresh()
    lasted, first = flown(node, [*story, (("acknowledge", 7), 20)])
    assert (node.state.judge.lasting is not None) is has_bad_readings
    ended, then = flown(node, [(("work", 0.5), 20), (("heal", 0), 40)])
    assert_equal(lasted + ended, stepped_slowly(fresh(), first + then))


@pytest.mark.parametrize("eps", [True, False])
@pytest.mark.parametrize("loop", [True, False])
def test_nodes_of_other_kinds_decide_the_same(eps: bool, loop: bool) -> None:
    """Grants come, bind and end; an accelerator is lost and back."""

    def started() -> Node:
        node = Node(table=build_point_table(2, eps=eps, loop=loop))
        node.fly(30.0)
        return node

    node, given, found = started(), [], []

    def noting(config: StepConfig, state: State, inputs: Inputs) -> tuple[State, Decision]:
        given.append(inputs)
        return step(config, state, inputs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core_node, "step", noting)
        for cycle in range(400):
            if cycle in (50, 200):
                power_w = 1500.0 if cycle == 50 else 7000.0
                node.allotment = Allotment(power_w, power_w, node.now_ns + 8_000_000_000)
            node.lost[1] = 320 <= cycle < 330
            found.append((*comparable(node.cycle()), *remembered(node.state)))
    assert_equal(found, stepped_slowly(started(), given))
