"""What a scenario says of start and link reaches the node that flies it."""

from pathlib import Path

import pytest

from sim_hw.flight import link_outages_s
from sim_hw.flight_runner import FlightRunner
from tests.system.flying import flight_of, scenario, setup_of


@pytest.mark.parametrize("mode", ["STANDBY", "NOMINAL", "SAFE"])
def test_boot_leads_where_the_scenario_says(mode: str) -> None:
    with flight_of(scenario(start={"mode": mode}), duration_s=30.0) as flight:
        flight.fly(15.0)
        decision = flight.node.cycle.last_decision
        assert decision is not None
        assert decision.mode == mode


def window(at: str, *, is_open: bool) -> dict[str, object]:
    return {"at": at, "do": "link_window", "parameters": {"open": is_open}}


def test_closed_link_windows_are_outages_of_the_link(tmp_path: Path) -> None:
    closed, opened = window("10 s", is_open=False), window("20 s", is_open=True)
    last = window("50 s", is_open=False)
    setup = setup_of(scenario(action=[closed, opened, last]), duration_s=60.0)
    assert link_outages_s(setup.plan) == ((10.0, 20.0), (50.0, 61.0))
    runner = FlightRunner(setup, tmp_path)
    with runner.flight:
        assert runner.fly_virtual().bug is None
        assert runner.link is not None
        assert runner.link.connects == 2
        assert not runner.link.is_connected
