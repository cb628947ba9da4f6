"""S5, the part of the supervisor: a latch-up is off within 250 ms, and nothing else ever trips.

The reflexes of the drivers have their own tests in C (csrc/tests) and on plant truth.
"""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flight.core import monitors, responses
from flight.core.monitors import Response
from tests.core_node import Node
from tests.property.core_stories import examples, fresh

ACT_S = 0.05  # worst of sampling and acting within the cycle of the second sample
units = st.integers(0, 7)
amps = st.integers(7, 80).map(lambda tenths: tenths / 10.0)


def opened_after_s(node: Node, i: int, extra_a: float) -> float:
    """Let a rail latch up right after a sample; return when both its rails are commanded off."""
    node.aux_extra_a[i] = extra_a
    start_ns = node.now_ns
    while node.now_ns - start_ns < 1_000_000_000:
        node.cycle()
        rails_on = [node.set_points[f"rail.accel{i}_{rail}.enable"] for rail in ("54v", "aux")]
        if rails_on == [0.0, 0.0]:
            return (node.now_ns - start_ns) * 1e-9
    return 9.9


@examples(30)
@given(
    i=units, extra_a=amps, utilisation=st.sampled_from([0.0, 0.5, 1.0]), cycles=st.integers(1, 9)
)
def test_a_latch_up_is_off_within_250_ms_alone_and_comes_back(
    i: int, extra_a: float, utilisation: float, cycles: int
) -> None:
    node = fresh()
    node.utilisation = utilisation
    node.fly(cycles / 10.0)
    assert opened_after_s(node, i, extra_a) + ACT_S <= 0.25 + 1e-9
    others = [k for k in range(8) if k != i]
    assert all(node.is_on(k) for k in others)
    node.aux_extra_a[i] = 0.0
    node.fly(10.0)
    assert node.is_on(i)
    assert node.ids().count("rail.fault_off") == 1


def trips(node: Node, i: int, at: list[int], value_a: float) -> list[str]:
    """Let single samples of both rails of an accelerator spike; return what was switched off."""
    for cycle in range(max(at) + 5):
        spike = {f"rail.accel{i}_aux.current_a": value_a, f"rail.accel{i}_54v.current_a": 20.7}
        node.forced = spike if cycle in at else {}
        node.cycle()
    return [e.event_id for e in node.events]


def is_apart(at: list[int]) -> bool:
    return all(b - a >= 2 for a, b in pairwise(sorted(at)))


@examples(30)
@given(i=units, at=st.lists(units, min_size=1, max_size=4).filter(is_apart), value_a=amps)
def test_single_samples_never_trip(i: int, at: list[int], value_a: float) -> None:
    assert trips(fresh(), i, at, value_a + 1.0) == []


def test_a_latch_up_that_nobody_answers_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    left = tuple(
        how for how in responses._switch_offs(fresh().config) if how.response != Response.LATCH_UP
    )
    monkeypatch.setattr(responses, "_switch_offs", lambda _: left)
    assert opened_after_s(fresh(), 3, 1.2) > 0.25


def changed(node: Node, persistence_s: float) -> Node:
    """Return the node with another persistence of its latch-up monitors."""
    table = node.step_config.monitors
    faults = tuple(
        f._replace(persistence_s=persistence_s) if f.response is Response.LATCH_UP else f
        for f in table.faults
    )
    index = {name: k for k, name in enumerate(p.name for p in node.table)}
    table = monitors.build_table(faults, index, table.conditions, table.signals)
    node.step_config = replace(node.step_config, monitors=table)
    node.state = replace(node.state, monitors=monitors.initial(table))
    return node


def test_a_latch_up_that_is_watched_too_long_is_found() -> None:
    assert opened_after_s(changed(fresh(), 0.19), 3, 1.2) > 0.25


def test_a_single_sample_that_is_believed_is_found() -> None:
    assert trips(changed(fresh(), 0.0), 3, [2], 9.0) != []
