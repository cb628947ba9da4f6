"""Control goes by the monotonic clock: whatever UTC does, a flight decides the same."""

import random
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from flight.core.types import Event, Inputs
from flight.services.time_source import TimeSection, TimeSource
from tests.system.flying import FULL_LOAD, flight_of, scenario

S = 1_000_000_000
NOON_NS = 1_900_000_000 * S
DURATION_S = 30.0
SEED = 7


def fly(
    monkeypatch: pytest.MonkeyPatch, *, jumps: bool, plant: Callable[[Inputs], Inputs] | None = None
) -> tuple[str, list[Event]]:
    """Return the trace of a flight and what the time source told; with jumps, of all sizes."""
    rng = random.Random(SEED)
    events: list[Event] = []
    data = scenario(start={"temp_c": 30.0, "mode": "NOMINAL"}, action=[FULL_LOAD])
    with flight_of(data, duration_s=DURATION_S) as flight:
        node = flight.node
        offset_ns = [NOON_NS]
        monkeypatch.setattr(time, "time_ns", lambda: node.now_ns + offset_ns[0])
        monkeypatch.setattr(time, "time", lambda: (node.now_ns + offset_ns[0]) / S)
        source = TimeSource(
            section=TimeSection(trusted_source="system"),
            now_ns=lambda: node.now_ns,
            utc_ns=time.time_ns,
            on_event=events.append,
        )
        if plant is not None:
            cycle = node.cycle
            step = cycle._step
            cycle._step = lambda config, state, inputs: step(config, state, plant(inputs))
        for _ in range(round(DURATION_S)):
            if jumps:
                offset_ns[0] += rng.choice([0, 1, -1, 3600, -86400, -2 * NOON_NS // S]) * S
            source.look()
            flight.fly(1.0)
        assert node.witness.differed == 0
        return node.cycle.trace_hash, events


def test_a_flight_decides_the_same_whatever_utc_does(monkeypatch: pytest.MonkeyPatch) -> None:
    steady, quiet = fly(monkeypatch, jumps=False)
    jumping, told = fly(monkeypatch, jumps=True)
    assert [event.event_id for event in quiet] == ["time.trusted"]
    assert sum(event.event_id == "time.jumped" for event in told) > 10, f"seed {SEED}"
    assert steady == jumping, f"seed {SEED}"


def test_it_would_show_when_a_decision_hung_on_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    def by_utc(inputs: Inputs) -> Inputs:
        jumped_ns = time.time_ns() - NOON_NS - inputs.now_ns
        return replace(inputs, now_ns=inputs.now_ns + min(max(0, jumped_ns), S))

    steady, _ = fly(monkeypatch, jumps=False, plant=by_utc)
    jumping, _ = fly(monkeypatch, jumps=True, plant=by_utc)
    assert steady != jumping
