"""S14: same seed, configuration and fault plan: same trace; recorded inputs replay to the same
decisions.

Whole flights, drawn from the fault budget, flown twice, and flown once and replayed from their
recording. A law that looks at anything but its inputs is found by all three witnesses: the second
flight, the replay, and the step that is made twice in flight.
"""

import hashlib
import itertools
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from flight.core import guard
from flight.core.guard import GuardState
from flight.core.types import Decision, Inputs
from flight.flights import RECORDING_NAME
from flight.replay import ReplayReport, recorded_config, replay
from flight.services.recording import RecordingReader
from sim_hw.flight import Flight
from sim_hw.flight_runner import FlightRunner
from tests.property.aimed_flights import Aim, flights, scene, strike
from tests.property.core_stories import examples
from tests.property.flight_strategies import Scenario
from tests.system.flying import setup_of

ANY = Aim(faults=(), seconds=(40, 90), modes=("NOMINAL", "STANDBY"), utilisation=(1.0, 0.5))


class Trace:
    """A hash over all that was seen and decided."""

    def __init__(self) -> None:
        self.hash = hashlib.md5(usedforsecurity=False)

    def record(self, inputs: Inputs, decision: Decision) -> None:
        self.hash.update(inputs.snapshot.values.tobytes())
        self.hash.update(decision.desired.tobytes())
        seen = (decision.mode, decision.cap_reason, decision.events, decision.rearm)
        self.hash.update(repr(seen).encode())


def traced(data: Scenario) -> tuple[str, int]:
    """Fly; return the hash of the trace, and how many steps made twice came out differently."""
    trace = Trace()
    setup = setup_of(data)
    with Flight(setup, sinks=(trace,)) as flight:
        flight.fly(setup.plan.duration_ns / 1e9)
        assert flight.node.witness.compared > 0
        return trace.hash.hexdigest(), flight.node.witness.differed


def replayed(data: Scenario) -> ReplayReport:
    """Fly the whole daemon with its recorder, and replay what it recorded."""
    with tempfile.TemporaryDirectory() as folder:
        runner = FlightRunner(setup_of(data), Path(folder))
        with runner.flight:
            assert runner.fly_virtual().bug is None
        with RecordingReader(Path(folder) / RECORDING_NAME) as reader:
            return replay(reader, config=recorded_config(reader), is_exact=True)


@examples(8)
@given(flights(ANY))
def test_the_same_flight_flown_again_has_the_same_trace(data: Scenario) -> None:
    first, differed = traced(data)
    assert differed == 0
    assert traced(data) == (first, 0)


@examples(8)
@given(flights(ANY))
def test_any_recorded_flight_replays_to_the_same_decisions(data: Scenario) -> None:
    report = replayed(data)
    assert report.differing == 0, report.first
    assert report.cycles > 300


LATCHED = scene(60.0, strike("latch_up", "accel3_aux", 40.0))


@pytest.fixture
def moody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plant a guard that depends on how often it was called in this process."""
    calls, shipped = itertools.count(), guard.step_all

    def step_all(*given: Any) -> tuple[GuardState, ...]:
        limit_w = 500.0 + 1e-3 * (next(calls) % 997)
        return tuple(after._replace(limit_w=limit_w) for after in shipped(*given))

    monkeypatch.setattr(guard, "step_all", step_all)


def test_a_law_that_remembers_is_found_by_the_witness_and_by_the_second_flight(
    moody: None,
) -> None:
    first, differed = traced(LATCHED)
    assert differed > 0
    assert traced(LATCHED)[0] != first


def test_a_law_that_remembers_is_found_by_the_replay(moody: None) -> None:
    assert replayed(LATCHED).differing > 0


def test_another_seed_has_another_trace() -> None:
    assert traced(LATCHED | {"seed": 8})[0] != traced(LATCHED)[0]
