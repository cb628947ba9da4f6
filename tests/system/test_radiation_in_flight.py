"""Particles in flight: each class reaches the node, which answers, and is back afterwards."""

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest

from flight.core.types import Mode
from flight.report.flight_data import read_flight
from flight.report.page import flight_page
from sim_hw.flight import Flight
from sim_hw.fly import irradiated
from sim_hw.radiation import Strikes, planned_faults
from sim_hw.radiation_classes import CLASSES
from sim_hw.summary_text import render_summary
from tests.system.flying import FULL_LOAD, scenario, setup_of, sim

FIRST_S, APART_S = 60.0, 40.0
SEED = 11
SCHEMA = json.loads(
    (Path(__file__).parents[2] / "docs" / "reference" / "summary.schema.json").read_text()
)
# What the daemon says of each class. A spike and a micro-latch ask for nothing at once, and a bus
# that nine clocks set free is not missed.
TOLD = {
    "R1": "rail.latch_up",
    "R3": "accel.communication_lost",
    "R5": "accel.uncorrected_error",
    "R6": "accel.uncorrected_error",
    "R8": "accel.communication_lost",
    "R9": "cycle.late",
    "P8": "rail.tripped",
}


class Listener:
    """Keeps the time and name of each event."""

    def __init__(self):
        self.heard = []

    def record(self, inputs, decision):
        self.heard += [(event.time_ns / 1e9, event.event_id) for event in decision.events]


def test_one_strike_of_each_class_is_answered_and_the_node_is_back():
    kinds = [kind for kind in CLASSES if kind.effects]
    strikes = [
        Strikes(kind, 1.0, 0.0, 1.0, (FIRST_S + APART_S * n + 0.037,))
        for n, kind in enumerate(kinds)
    ]
    end_s = FIRST_S + APART_S * len(kinds) + 60.0
    start = {"orbit_phase": 0.5, "temp_c": 30.0, "mode": "NOMINAL"}
    setup = setup_of(scenario(start=start, action=[FULL_LOAD]), duration_s=end_s)
    faults = planned_faults(strikes, SEED, 8)
    setup = replace(setup, plan=replace(setup.plan, faults=faults))
    listener = Listener()
    with Flight(setup, sinks=[listener]) as flight:
        flight.fly(end_s)
        decision = flight.node.cycle.last_decision
        assert decision is not None
        assert decision.mode is Mode.NOMINAL
        assert flight.node.image.truth.accel_power_w.min() > 300.0
        assert not flight.properties.ledger.violations, (SEED, faults)
        assert len([edge for edge in flight.injector.applied if edge.is_start]) == len(faults)
        assert flight.node.image.truth.accel_ecc_uncorrected_count.sum() == 2.0  # R5 and R6
    for strike in strikes:
        event, (at_s,) = TOLD.get(strike.kind.id), strike.time_s
        heard = {name for time_s, name in listener.heard if at_s <= time_s < at_s + APART_S}
        if strike.kind.id == "S3":
            assert not any(name.startswith("rail.") for name in heard), (SEED, heard)
        assert event is None or event in heard, (SEED, strike.kind.id, heard)


def test_a_flight_with_radiation_tells_what_struck_and_how_to_fly_it_again(tmp_path, capsys):
    exit_code, summary = sim(
        tmp_path, "--radiation", "accelerated", "--duration", "200s", "--no-report"
    )
    assert exit_code == 0
    jsonschema.validate(summary, SCHEMA)
    assert "--radiation accelerated" in " ".join(summary["command"])
    told = summary["radiation"]
    assert told["level"] == "accelerated"
    assert 0.0 < told["dose_rad"] < 1.0
    assert {kind["id"] for kind in told["classes"]} == {kind.id for kind in CLASSES}
    assert "radiation accelerated" in capsys.readouterr().out
    data, reader = read_flight(tmp_path)
    with reader:
        page = flight_page(data, reader)
    assert 'id="radiation"' in page
    assert "latch-up of an auxiliary rail" in page


@pytest.mark.parametrize("level", ["none", "nominal"])
def test_without_strikes_radiation_changes_only_what_counts_upsets(level, tmp_path):
    _, summary = sim(tmp_path, "--radiation", level, "--duration", "20s", "--no-report")
    jsonschema.validate(summary, SCHEMA)
    assert (summary["radiation"] is None) == (level == "none")
    assert summary["faults"] == []
    assert ("Dose" in render_summary(summary)) == (level == "nominal")


def test_upsets_that_are_counted_reach_the_truth_that_sensors_read():
    setup = setup_of(scenario(action=[FULL_LOAD]), duration_s=600.0)
    plant = setup.plant_config
    # Enough memory to count some in ten minutes.
    radiation = plant.radiation.model_copy(update={"edac_memory_mib": 64_000.0})
    setup = replace(setup, plant_config=plant.model_copy(update={"radiation": radiation}))
    setup = irradiated(setup, "nominal")
    assert setup.radiation is not None
    for _ in range(2):  # a setup that was flown flies the same again
        with Flight(setup) as flight:
            flight.fly(30.0)
            facts = setup.radiation.facts(30.0, flight.upsets)
            counted = {kind["id"]: kind["count"] for kind in facts["classes"]}
            assert counted["R4h"] > 10
            assert flight.node.image.truth.edac_corrected_count[0] == counted["R4h"]
    assert len({upsets.count for upsets in flight.upsets}) == 2
