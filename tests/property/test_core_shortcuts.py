"""The quick looks of a cycle only save time: without them every decision is the same."""

from copy import copy

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flight.core import compare, conditions, outputs, pumps, responses
from flight.core.types import FLAG_LAPSED, FLAG_REFLEX, FLAG_WRITE_FAILED, Command, Decision
from tests.core_node import Node, booted

QUICK_LOOKS = (
    (pumps, "is_quiet"),
    (conditions, "_all_quiet"),
    (responses, "_is_settled"),
    (responses, "_is_as_wanted"),
    (outputs, "_only_caps_changed"),
    (compare, "_all_agree"),
)
TABLE = booted().table
DEVICES = sorted({point.device for point in TABLE})
units = st.integers(0, 7)

happening = st.one_of(
    st.tuples(st.just("nack"), st.sampled_from(DEVICES)),
    st.tuples(st.just("mute"), st.sampled_from([point.name for point in TABLE])),
    st.tuples(st.just("pump"), st.integers(0, 1)),
    st.tuples(st.just("latch_up"), units),
    st.tuples(st.just("cap_ignored"), units),
    st.tuples(st.just("stuck"), units),
    st.tuples(st.just("charge"), st.sampled_from([0.95, 0.55, 0.45, 0.35, 0.2])),
    st.tuples(st.just("mode"), st.sampled_from(["NOMINAL", "STANDBY", "SAFE", "SURVIVAL"])),
    st.tuples(st.just("disable"), units),
    st.tuples(st.just("budget"), st.sampled_from([1500.0, 3000.0, 7000.0])),
    st.tuples(st.just("flag"), st.sampled_from([FLAG_LAPSED, FLAG_REFLEX, FLAG_WRITE_FAILED])),
    st.tuples(st.just("heal"), st.just(0)),
)
story = st.lists(st.tuples(happening, st.integers(1, 60)), min_size=1, max_size=8)


def begin(node: Node, what: str, which: object) -> tuple[Command, ...]:
    """Let something happen to a node; return what is commanded with it."""
    match what, which:
        case "nack", str(device):
            node.nack.add(device)
        case "mute", str(point):
            node.mute.add(point)
        case "pump", int(k):
            node.pump_dead[k] = True
        case "latch_up", int(i):
            node.aux_extra_a[i] = 1.2
        case "cap_ignored", int(i):
            node.cap_ignored[i] = True
        case "stuck", int(i):
            node.module_stuck[i] = True
        case "charge", float(ratio):
            node.forced["eps.battery.charge_ratio"] = ratio
        case "flag", int(flag):
            node.flags["accel3.cap_w"] = flag
        case "mode", str(mode):
            return (Command("m", "set_mode", (("mode", mode),)),)
        case "disable", int(i):
            return (Command("d", "disable_accelerator", (("subject", f"accel{i}"),)),)
        case "budget", float(power_w):
            return (Command("b", "node_budget", (("power_w", power_w),)),)
        case _:
            node.nack, node.mute, node.flags, node.forced = set(), set(), {}, {}
            node.pump_dead, node.cap_ignored = [False] * 2, [False] * 8
            node.aux_extra_a, node.module_stuck = [0.0] * 8, [False] * 8
            return (
                Command("c", "clear_latched", (("subject", "all"),)),
                Command("e", "enable_accelerator", (("subject", "all"),)),
                Command("n", "set_mode", (("mode", "NOMINAL"),)),
            )
    return ()


def flown(story: list[tuple[tuple[str, object], int]]) -> list[tuple[object, ...]]:
    """Fly a story from a node in service; return all decisions in a form that compares."""
    node, found = booted(), []
    node.flags, node.clock_works = copy(node.flags), True
    for (what, which), cycles in story:
        commands = begin(node, what, which)
        for _ in range(cycles):
            found.append(comparable(node.cycle(*commands)))
            commands = ()
    return found


def comparable(decision: Decision) -> tuple[object, ...]:
    return (
        decision.mode,
        np.asarray(decision.desired).tobytes(),
        decision.cap_w,
        decision.cap_reason,
        decision.rearm,
        decision.events,
        decision.acks,
    )


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=story)
def test_decisions_are_the_same_without_the_quick_looks(
    story: list[tuple[tuple[str, object], int]],
) -> None:
    quick = flown(story)
    with pytest.MonkeyPatch.context() as patch:
        for module, name in QUICK_LOOKS:
            patch.setattr(module, name, lambda *_, **__: False)
        slow = flown(story)
    for k, (a, b) in enumerate(zip(quick, slow, strict=True)):
        assert a == b, f"cycle {k}"
