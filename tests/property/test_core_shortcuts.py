"""The quick looks of a cycle only save time: without them every decision is the same."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from flight.core import (
    compare,
    conditions,
    limits,
    mode_law,
    outputs,
    pumps,
    quiet,
    responses,
    temperature,
)
from flight.core.types import Decision
from tests.property.core_stories import FAULTS, ORDERS, OTHERS, STUCK, Story, fly, fresh, stories

QUICK_LOOKS = (
    (pumps, "is_quiet"),
    (conditions, "all_quiet"),
    (responses, "_is_settled"),
    (responses, "_is_as_wanted"),
    (outputs, "_only_caps_changed"),
    (compare, "_all_agree"),
    (mode_law, "_is_steady"),
    (limits, "_all_have_all"),
    (temperature, "_is_warm"),
    (quiet, "rests"),
    (quiet, "accelerators_are_calm"),
    (quiet, "notices_hold"),
)


def flown(story: Story) -> list[tuple[object, ...]]:
    """Fly a story from a node in service; return all decisions in a form that compares."""
    return [comparable(decision) for decision in fly(fresh(), story)]


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


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(story=stories(*FAULTS, STUCK, *ORDERS, *OTHERS))
def test_decisions_are_the_same_without_the_quick_looks(story: Story) -> None:
    quick = flown(story)
    with pytest.MonkeyPatch.context() as patch:
        for module, name in QUICK_LOOKS:
            patch.setattr(module, name, lambda *_, **__: False)
        slow = flown(story)
    for k, (a, b) in enumerate(zip(quick, slow, strict=True)):
        assert a == b, f"cycle {k}"
