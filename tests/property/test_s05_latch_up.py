"""S5, the part of the supervisor: a latch-up is off within 250 ms, and nothing else ever trips.

On the whole step, and in whole flights on plant truth, whose drivers have no reflexes: what opens a
rail there is the daemon, or silicon. The reflexes have their own tests in C (csrc/tests) and in
tests/integration/test_reflexes.py; the instants of a cycle are in tests/system/test_latch_up.py.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flight.core import monitors, responses
from flight.core.monitors import Response
from sim_hw.scenario_toml import scenario_toml
from tests.core_node import Node
from tests.property.aimed_flights import flown, scene, strike
from tests.property.core_stories import examples, fresh
from tests.property.flight_strategies import Scenario
from tests.system.flying import config_with

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


NO_REFLEX = config_with(reflex={"enabled": False})
FIRST_S = 30.0  # all eight are in service
TRANSIENTS = {"kind": "bursty", "utilisation_ratio": 1.0, "busy_s": 1.5, "idle_s": 1.0}


@st.composite
def latching_flights(draw: st.DrawFn) -> Scenario:
    """Up to six latch-ups on different rails, 10 s apart, at any instant, under any load."""
    struck = draw(st.permutations(range(8)))[: draw(st.integers(3, 6))]
    faults, at_s = [], FIRST_S
    for i in struck:
        at_s += 10.0 + draw(st.integers(0, 999)) / 1000.0
        current_a = draw(st.sampled_from((0.8, 0.9, 1.2, 2.0, 3.1, 4.0, 8.0)))
        faults.append(strike("latch_up", f"accel{i}_aux", at_s, current_a=current_a))
    constant = {"kind": "constant", "utilisation_ratio": draw(st.sampled_from((0.0, 0.6, 1.0)))}
    load = draw(st.sampled_from((constant, TRANSIENTS)))
    data = scene(
        at_s + 5.0,
        *faults,
        orbit_phase=draw(st.integers(0, 99)) / 100.0,
        charge_ratio=draw(st.integers(65, 100)) / 100.0,
        temp_c=float(draw(st.integers(5, 60))),
    )
    action = {"at": "start", "do": "workload", "parameters": load}
    return data | {"action": [action], "seed": draw(st.integers(0, 999))}


@pytest.fixture(scope="module")
def longest_s() -> Iterator[list[float]]:
    """The longest time of each flight; the largest of all is printed."""
    times_s: list[float] = []
    yield times_s
    if times_s:
        print(f"\nlatch-up to open rails, without reflexes: at most {max(times_s) * 1000:.0f} ms")


@examples(25)
@given(data=latching_flights())
def test_the_daemon_alone_opens_the_rails_within_250_ms_in_any_flight(
    data: Scenario, longest_s: list[float]
) -> None:
    ledger = flown(data, config=NO_REFLEX)
    assert not ledger.violations, f"{ledger.violations[0]}\n{scenario_toml(data)}"
    longest_s.append(ledger.closest["S5"].value)
    assert 0.0 < longest_s[-1] <= 0.25


@pytest.mark.parametrize("reflex", [True, False])
def test_legal_transients_and_spikes_never_open_a_rail(reflex: bool) -> None:
    """Bursts from idle to full power each second, and single wrong samples of every rail."""
    spikes = [
        strike("sensor_spike", f"rail.accel{i}_{rail}.current_a", 30.0 + 0.4 * i + k, value=value_a)
        for i in range(8)
        for k, (rail, value_a) in enumerate([("aux", 9.0), ("54v", 39.0), ("aux", 2.5)])
    ]
    action = {"at": "start", "do": "workload", "parameters": TRANSIENTS}
    data = scene(90.0, *spikes, temp_c=45.0) | {"action": [action]}
    config = config_with(reflex={"enabled": reflex})
    assert flown(data, config=config).broken == set()


def test_a_flight_whose_latch_up_nobody_answers_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    shipped = responses._switch_offs
    monkeypatch.setattr(
        responses,
        "_switch_offs",
        lambda core: tuple(how for how in shipped(core) if how.response != Response.LATCH_UP),
    )
    data = scene(42.0, strike("latch_up", "accel3_aux", 40.03, current_a=1.2))
    assert flown(data, config=NO_REFLEX).broken == {"S5"}


def test_a_flight_whose_spike_is_believed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    build = monitors.build_table

    def hasty(faults: tuple[monitors.Fault, ...], *rest: Any) -> monitors.MonitorTable:
        return build(tuple(f._replace(persistence_s=0.0) for f in faults), *rest)

    monkeypatch.setattr(monitors, "build_table", hasty)
    spike = strike("sensor_spike", "rail.accel3_aux.current_a", 40.0, value=9.0)
    assert "S5" in flown(scene(45.0, spike), config=NO_REFLEX).broken
