"""Flights aimed at one property: start states near its limit, and faults that push it there.

What is drawn lies inside the fault budget, as in tests/property/test_flight_faults.py. Here are the
corners: hot or cold, little charge, the faults that matter. Each is judged on plant truth.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
from hypothesis import strategies as st

from flight.config import NodeConfig
from sim_hw.flight import Flight
from sim_hw.property_truth import Ledger
from sim_hw.scenario_toml import scenario_toml
from tests.property.flight_strategies import Scenario, fault_plans, table
from tests.system.flying import REF1, flight_of

Change = Callable[[pytest.MonkeyPatch], None]


class Aim(NamedTuple):
    """Where flights begin and what strikes; ranges include both ends."""

    faults: tuple[str, ...]
    seconds: tuple[int, int] = (60, 150)
    phase_percent: tuple[int, int] = (0, 99)  # 0: eclipse entry; it lasts to 37
    charge_percent: tuple[int, int] = (65, 100)
    temp_c: tuple[int, int] = (5, 50)
    modes: tuple[str, ...] = ("NOMINAL",)
    utilisation: tuple[float, ...] = (1.0,)
    budget_moves: bool = False  # a cut of the node's budget, and its end


@st.composite
def flights(draw: st.DrawFn, aim: Aim) -> Scenario:
    """Draw a flight inside the fault budget."""
    seconds = draw(st.integers(*aim.seconds))
    faults = draw(fault_plans(seconds - 5.0, kinds=aim.faults))
    load = draw(
        st.fixed_dictionaries(
            {
                "kind": st.just("bursty"),
                "utilisation_ratio": st.sampled_from(aim.utilisation),
                "busy_s": st.sampled_from((600.0, 600.0, 20.0, 3.0)),
                "idle_s": st.sampled_from((2.0, 20.0)),
            }
        )
    )
    actions = [{"at": "start", "do": "workload", "parameters": load}]
    if aim.budget_moves:
        cut_s = draw(st.integers(15, seconds // 2))
        back_s = draw(st.integers(cut_s + 10, seconds - 10))
        actions += [_budget(cut_s, draw(st.integers(25, 40)) * 100.0), _budget(back_s, 7000.0)]
    return {
        "title": "Drawn inside the fault budget, aimed at one property",
        "shows": "Found by a property test.",
        "seed": draw(st.integers(0, 999)),
        "duration": f"{seconds} s",
        "start": {
            "orbit_phase": draw(st.integers(*aim.phase_percent)) / 100.0,
            "charge_ratio": draw(st.integers(*aim.charge_percent)) / 100.0,
            "temp_c": float(draw(st.integers(*aim.temp_c))),
            "mode": draw(st.sampled_from(aim.modes)),
        },
        "action": actions,
        "fault": [table(i, fault) for i, fault in enumerate(faults)],
    }


def _budget(at_s: int, power_w: float) -> dict[str, Any]:
    return {"at": f"{at_s} s", "do": "node_budget", "parameters": {"power_w": power_w}}


def flown(data: Scenario, *, config: NodeConfig = REF1, change: Change | None = None) -> Ledger:
    """Fly a scenario and return what the checks of plant truth found."""
    with changed(change), flight_of(data, config=config) as flight:
        fly_out(flight)
        return flight.properties.ledger


def fly_out(flight: Flight) -> None:
    """Fly to the end of the plan, or to the first second with a violation."""
    while flight.node.now_ns < flight.setup.plan.duration_ns:
        flight.fly(1.0)
        if flight.properties.ledger.violations:
            return


@contextmanager
def changed(change: Change | None) -> Iterator[None]:
    """Plant a fault in the code for as long as this lasts."""
    with pytest.MonkeyPatch.context() as patch:
        if change is not None:
            change(patch)
        yield


def hold(data: Scenario, name: str) -> None:
    """Fly, and let no property be violated; `name` must have been put to the test."""
    ledger = flown(data)
    assert not ledger.violations, f"{ledger.violations[0]}\n{scenario_toml(data)}"
    assert name in ledger.closest


def scene(seconds: float, *faults: dict[str, Any], **start: Any) -> Scenario:
    """Return one named flight at full load, for faults planted in the code or in the world."""
    actions: Sequence[dict[str, Any]] = start.pop("action", ())
    load = {"at": "start", "do": "workload", "parameters": {"kind": "constant"}}
    return {
        "title": "A planted fault",
        "shows": "The property can fail.",
        "seed": 7,
        "duration": f"{seconds} s",
        "start": {"orbit_phase": 0.5, "charge_ratio": 0.95, "temp_c": 30.0, "mode": "NOMINAL"}
        | start,
        "action": [load, *actions],
        "fault": list(faults),
    }


def strike(name: str, target_name: str, at_s: float, **parameters: Any) -> dict[str, Any]:
    """Return the table of one fault."""
    return {
        "id": f"{name}_{target_name.replace('.', '_')}_{at_s * 1000:.0f}",
        "at": f"{at_s * 1000:.0f} ms",
        "name": name,
        "target": target_name,
        "parameters": parameters,
    }
