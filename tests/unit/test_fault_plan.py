"""Long plans of faults are drawn by seed, inside the fault budget, one fault after the other."""

import os
import tracemalloc
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flight.config import NodeConfig
from flight.core.types import Ack, Decision, Event, Inputs, Mode, Severity, Snapshot
from flight.examples import examples_dir
from sim_hw.fault_injector import SimulationInjector
from sim_hw.fault_plan import DRAWS, HOLD_S, draw_plan, plan_text
from sim_hw.fault_recovery import RECOVERY
from sim_hw.faults import FAULTS
from sim_hw.faults_plant import PLANT_FAULTS
from sim_hw.flight import REFUSED_KEPT
from sim_hw.flight_runner import EventLog
from sim_hw.fly import dictionary_of
from sim_hw.scenario import parse_scenario
from sim_hw.scenario_times import FlightPlan, resolve
from sim_hw.timeline import NS_PER_S, OrbitEvents
from tests.system.flying import flight_of, scenario

DAYS_S = 3.0 * 86_400.0
THREE_DAYS = examples_dir() / "scenarios" / "three_days.toml"


def planned(tables: dict[str, Any]) -> FlightPlan:
    """Return the plan as a flight would have it, checked as a scenario file is."""
    checked = parse_scenario(
        tables, dictionary=dictionary_of(NodeConfig()), injectors=(SimulationInjector(),)
    )
    duration_s = float(tables["duration"].removesuffix(" s"))
    return resolve(checked, OrbitEvents(), duration_s=duration_s, seed=tables["seed"])


def test_each_kind_of_fault_is_drawn_and_has_a_stated_time_but_those_of_the_plant() -> None:
    # Those are flown one by one (tests/system/test_plant_faults.py): worn parts stay worn.
    assert set(DRAWS) == set(RECOVERY) == set(FAULTS) - {kind.name for kind in PLANT_FAULTS}


def test_the_three_days_are_what_their_seed_draws() -> None:
    assert THREE_DAYS.read_text(encoding="utf-8") == plan_text()


def test_another_seed_draws_other_days() -> None:
    assert plan_text(seed=2) != plan_text(seed=1)


@pytest.mark.parametrize("seed", range(20))
def test_a_drawn_plan_is_a_good_scenario_with_one_fault_at_a_time(seed: int) -> None:
    plan = planned(draw_plan(seed=seed, duration_s=DAYS_S, rounds=2))
    assert Counter(fault.name for fault in plan.faults) == dict.fromkeys(DRAWS, 2)
    expected = {e.id: e for e in plan.expectations}
    free_ns = 0
    for fault in plan.faults:
        assert fault.start_ns >= free_ns, f"seed {seed}: {fault.id} strikes before the node is back"
        back = expected[f"back_{fault.id}"]
        assert back.back_to == "NOMINAL" and back.from_ns >= fault.start_ns
        assert back.until_ns - back.from_ns == round(RECOVERY[fault.name].within_s * NS_PER_S)
        if not FAULTS[fault.name].is_instant and fault.end_ns < 2**62:
            assert back.from_ns >= fault.end_ns, f"seed {seed}: {fault.id}"
        free_ns = back.until_ns + back.hold_ns
        assert back.hold_ns == round(HOLD_S * NS_PER_S)


def test_a_cut_budget_is_given_back_and_a_failed_pump_is_cleared() -> None:
    plan = planned(draw_plan(seed=5, duration_s=DAYS_S, rounds=2))
    budgets_w = [a.parameters["power_w"] for a in plan.actions if a.do == "node_budget"]
    assert len(budgets_w) == 8 and budgets_w[::2] != budgets_w[1::2]
    assert budgets_w[-1] == max(budgets_w)
    cleared = [a.parameters["subject"] for a in plan.actions if a.do == "clear_latched"]
    assert cleared == [fault.target for fault in plan.faults if fault.name == "pump_stop"]


def test_a_plan_that_does_not_fit_is_refused_by_the_name_of_what_does_not() -> None:
    with pytest.raises(ValueError, match=r"string_loss needs \d+ s, but its slot has 440 s"):
        draw_plan(seed=0, duration_s=1000.0, kinds=("string_loss", "string_loss"))


# ---- what watches a flight of days does not grow with it ----

EMPTY = Snapshot(
    values=np.empty(0),
    time_ns=np.empty(0, np.int64),
    status=np.empty(0, np.int32),
    flags=np.empty(0, np.uint32),
)


def decided(**given: Any) -> Decision:
    """Return a decision about nothing but what is given."""
    return Decision(mode=Mode.NOMINAL, desired=np.empty(0), cap_w=(), cap_reason=(), **given)


def test_the_event_log_writes_every_event_and_keeps_none() -> None:
    with Path(os.devnull).open("w", encoding="utf-8") as file:
        log = EventLog(file)
        tracemalloc.start()
        try:
            for cycle in range(5000):
                event = Event(cycle, "rail.tripped", Severity.WARNING, f"accel{cycle}", "t", 0.0)
                log.record(Inputs(now_ns=cycle, snapshot=EMPTY), decided(events=(event,)))
                if cycle == 1000:
                    early, _ = tracemalloc.get_traced_memory()
            late, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert log.count == 5000
    assert late - early < 4096


def test_refused_commands_are_kept_up_to_a_bound() -> None:
    with flight_of(scenario(duration="1 s")) as flight:
        flight.fly(1.0)
        last = flight.node.cycle.last_decision
        assert last is not None
        acks = tuple(Ack(f"c{i}", False, "refused") for i in range(8))
        inputs = Inputs(now_ns=flight.node.now_ns, snapshot=flight.node.node_image.snapshot())
        for _ in range(REFUSED_KEPT):
            flight.record(inputs, replace(last, acks=acks))
        assert REFUSED_KEPT <= len(flight.refused) < REFUSED_KEPT + len(acks)
