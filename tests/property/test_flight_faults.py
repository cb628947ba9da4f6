"""Property-based fault tests: whole flights of the shipped code, drawn inside the fault budget.

Claim (docs/safety.md): whatever tests/property/flight_strategies.py draws, no safety property is
violated at any step, nothing raises, and 120 s after the last fault nothing is left of it (S15).
NIGHTSIDE_EXAMPLES=N sets how many flights the long version flies (`make verify`).
"""

import os
import re
from pathlib import Path

import pytest
from hypothesis import given, settings

from flight.core.arbiter import CapReason
from flight.core.pumps import PumpPhase
from flight.core.rails import Phase
from flight.core.types import Mode
from sim_hw.faults import accelerators_struck
from sim_hw.flight import Flight
from sim_hw.scenario_times import FOREVER_NS, PlannedFault
from sim_hw.scenario_toml import scenario_toml
from tests.property.flight_strategies import (
    BUDGET,
    QUIET_S,
    Scenario,
    flights,
    is_inside_budget,
)
from tests.system.flying import flight_of, read_scenario

ROOT = Path(__file__).parents[2]
CORPUS = sorted((Path(__file__).parent / "corpus").glob("*.toml"))
NS_PER_S = 1_000_000_000
EXAMPLES = 50  # about 35 s of CPU time
EXAMPLES_LONG = int(os.environ.get("NIGHTSIDE_EXAMPLES", "600"))
SHED_W = 2400.0  # a node budget that does not feed eight accelerators at their smallest cap
# Reasons of a cap that belong to the response to a fault, and must end with it.
RESPONSES = frozenset(
    {
        CapReason.PUMP,
        CapReason.MODE,
        CapReason.RAIL,
        CapReason.SENSOR,
        CapReason.REFLEX,
        CapReason.LEASE,
        CapReason.VOLTAGE,
        CapReason.CURRENT,
    }
)


def fly(data: Scenario) -> None:
    """Fly a scenario and check all that is claimed of any flight inside the budget."""
    with flight_of(data) as flight:
        while flight.node.now_ns < flight.setup.plan.duration_ns:
            flight.fly(1.0)
            violations = flight.properties.ledger.violations
            assert not violations, replay(data, str(violations[0]))
        assert flight.node.witness.differed == 0, replay(data, "S14: a step made twice differs")
        for driver in dict.fromkeys(point.driver for point in flight.node.table):
            refused = flight.node.node_image.health(driver).refused_count
            assert refused == 0, replay(data, f"{driver} was asked for what it must refuse")
        leftovers = left_over(flight)
        assert not leftovers, replay(data, f"S15: {'; '.join(leftovers)}")


def replay(data: Scenario, what: str) -> str:
    """Return a message that holds the flight as a file for `nightside sim --scenario FILE`."""
    return f"{what}\n--- nightside sim --scenario FILE, with FILE:\n{scenario_toml(data)}---"


def left_over(flight: Flight) -> list[str]:
    """Return what past faults still do to the node, 120 s after the last one began or ended.

    What is latched off, or lost to a fault that goes on, is not counted.
    """
    state, decision = flight.node.cycle.state, flight.node.cycle.last_decision
    assert decision is not None
    quiet_since_s = flight.node.now_ns / NS_PER_S - QUIET_S
    lasting = [fault for fault in flight.setup.plan.faults if fault.end_ns == FOREVER_NS]
    changes_ns = [fault.start_ns for fault in lasting]
    changes_ns += [f.end_ns for f in flight.setup.plan.faults if f.end_ns != FOREVER_NS]
    assert max(changes_ns, default=0) / NS_PER_S <= quiet_since_s, "the flight is too short"
    wanted = wanted_mode(flight)
    found = [] if decision.mode is wanted else [f"mode is {decision.mode}, not {wanted}"]
    budgets_w = [
        a.parameters["power_w"] for a in flight.setup.plan.actions if a.do == "node_budget"
    ]
    sheds = state.ladder.rung >= 2 or any(float(power_w) < SHED_W for power_w in budgets_w)
    if wanted is not Mode.NOMINAL or sheds:  # off on purpose
        return found
    if state.pumps.phase is not PumpPhase.STEADY:
        found.append(f"pumps are {state.pumps.phase}")
    lost = {name for fault in lasting for name in accelerators_lost_to(fault)}
    for i, reason in enumerate(decision.cap_reason):
        is_lost = f"accel{i}" in lost or state.pairs[i].phase is Phase.LATCHED_OFF
        if reason in RESPONSES and not is_lost:
            found.append(f"accel{i} is still held by {reason!s}")
    return found


def accelerators_lost_to(fault: PlannedFault) -> list[str]:
    """Return the accelerators that a fault which goes on may keep out of service."""
    if fault.name in ("latch_up", "sensor_spike", "rail_trip", "accel_lost", "accel_xid"):
        return []
    return [f"accel{i}" for i in accelerators_struck(fault.name, fault.target)]


def wanted_mode(flight: Flight) -> Mode:
    """Return the mode that the scenario asks for: the start mode, or what was commanded since."""
    commanded = [a.parameters["mode"] for a in flight.setup.plan.actions if a.do == "set_mode"]
    started = flight.setup.plan.start.mode or flight.setup.config.modes.autostart_mode
    return Mode(commanded[-1] if commanded else started)


@settings(max_examples=EXAMPLES)
@given(flights())
def test_no_flight_inside_the_fault_budget_violates_a_property(data: Scenario) -> None:
    fly(data)


@pytest.mark.verify
@settings(max_examples=EXAMPLES_LONG)
@given(flights(window_s_max=300))
def test_no_longer_flight_inside_the_fault_budget_violates_a_property(data: Scenario) -> None:
    fly(data)


@pytest.mark.parametrize("path", CORPUS, ids=[path.stem for path in CORPUS])
def test_corpus(path: Path) -> None:
    """Flights that once found something, or that show something worth keeping."""
    fly(read_scenario(path))


def test_the_budget_of_the_tests_is_the_budget_of_the_document() -> None:
    page = " ".join((ROOT / "docs/safety.md").read_text().split())
    missing = [
        row.fault for row in BUDGET if f"| {row.fault} | {row.bound} | {row.why} |" not in page
    ]
    assert not missing, "docs/safety.md, section Fault budget, says something else"


def test_every_property_has_a_file_of_its_own_and_the_document_names_it() -> None:
    page = (ROOT / "docs/safety.md").read_text()
    rows = dict(re.findall(r"^\| S(\d+) \|(.*)$", page, re.MULTILINE))
    tested = sorted(
        set(rows) - {"7", "12"}, key=int
    )  # 7: not yet; 12: the drivers', in every stall
    assert len(tested) == 13
    for number in tested:
        files = list(Path(__file__).parent.glob(f"test_s{int(number):02}_*.py"))
        assert len(files) == 1, f"S{number}"
        assert f"`{files[0].name}`" in rows[number], f"docs/safety.md, row S{number}"
        assert "is_found" in files[0].read_text() or "are_found" in files[0].read_text(), files


def fault(name: str, target: str, at_ms: int, **parameters: float) -> dict[str, object]:
    return {"name": name, "target": target, "at_ms": at_ms, "parameters": parameters}


@pytest.mark.parametrize(
    "plan",
    [
        [fault("pump_stop", "pump_a", 0, duration_s=1.0), fault("pump_stop", "pump_b", 99_000)],
        [fault("latch_up", "accel1_aux", 0), fault("latch_up", "accel2_aux", 9_999)],
        [fault("sensor_stuck", f"accel{i}.power_w", i, duration_s=5.0) for i in range(3)],
        [fault("cap_ignored", "accel1", 0), fault("sensor_stuck", "accel1.power_w", 99_000)],
        [
            fault("i2c_nack", "accel1_54v", 0, duration_s=5.0),
            fault("latch_up", "accel3_aux", 4_000),
        ],
        [
            fault("daemon_stall", "daemon", 0, duration_s=3.0),
            fault("daemon_stall", "daemon", 9_000),
        ],
        [
            fault("daemon_stall", "daemon", 1_500, duration_s=3.0),
            fault("latch_up", "accel0_aux", 1_000),
        ],
        [fault("string_loss", f"string{i}", 0) for i in range(3)],
        [
            fault("i2c_stretch", "rails_a", 0, duration_s=5.0),
            fault("i2c_sda_stuck", "rails_b", 4_000),
        ],
        [fault("i2c_byte_errors", "rails_a", 0), fault("latch_up", "accel3_aux", 9_000)],
        [fault("cap_clamped", "accel1", 0), fault("nvml_hang", "accel1", 99_000)],
        [
            fault("nvml_no_permission", "accel1", 0),
            fault("daemon_stall", "daemon", 9_000, duration_s=3.0),
        ],
    ],
)
def test_what_is_outside_the_budget_is_known(plan: list[dict[str, object]]) -> None:
    assert not is_inside_budget(plan)
    assert is_inside_budget(plan[:1])
