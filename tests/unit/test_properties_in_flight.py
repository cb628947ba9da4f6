"""Faults planted in the daemon break the property that is there for them, in a flight."""

import math

from flight.core import responses
from tests.system.flying import FULL_LOAD, flight_of, scenario

CUT = {"at": "100 s", "do": "node_budget", "parameters": {"power_w": 2500.0}}


def flown(seconds):
    data = scenario(start={"orbit_phase": 0.5}, action=[FULL_LOAD, CUT])
    with flight_of(data, duration_s=seconds) as flight:
        flight.fly(seconds)
        return flight.properties.ledger, flight.node.plant.load_w


def test_s6_holds_through_a_cut_of_the_budget():
    ledger, load_w = flown(110.0)
    assert ledger.broken == set()
    assert 2300.0 < load_w <= 2550.0


def test_s6_sees_an_arbiter_that_ignores_the_budget(monkeypatch):
    def constant(*_):
        return responses.Shared(6000.0, responses.CapReason.BUDGET, 480.0, False)

    monkeypatch.setattr(responses, "shared_power", constant)
    ledger, load_w = flown(102.0)
    assert load_w > 3000.0
    assert "S6" in ledger.broken
    violation = next(v for v in ledger.violations if v.property == "S6")
    assert (violation.subject, math.floor(violation.time_s)) == ("node", 101)
