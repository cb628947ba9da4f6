"""A real element set: its eclipses, faults timed from them, and no faults without a scenario."""

from pathlib import Path

import pytest

from flight.examples import examples_dir
from tests.system.flying import sim

SCENARIOS = examples_dir() / "scenarios"
CBERS2 = examples_dir() / "orbits" / "cbers2.tle"

TWO_ORBITS = """\
title = "Two orbits of CBERS 2"
shows = "Faults that lean on the eclipses of a real element set."
duration = "2orbits"

[[fault]]
id = "latch_up_at_sunrise"
at = "eclipse_exit[1] + 60 s"
name = "latch_up"
target = "accel5_aux"

[[fault]]
id = "pump_stops_in_the_dark"
at = "eclipse_entry[2] + 5 min"
name = "pump_stop"
target = "pump_a"
parameters = { duration_s = 600.0 }

[[expect]]
id = "it_is_dark"
point = "eps.array_power_w"
max = 50.0
at = "eclipse_entry[2] + 60 s"

[[expect]]
id = "it_is_light_again"
point = "eps.array_power_w"
min = 5000.0
at = "eclipse_exit[2] + 60 s"

[[expect]]
id = "pump_b_takes_over"
point = "loop.pump_b.speed_rpm"
min = 3600.0
after = "pump_stops_in_the_dark"
within_s = 3.0

[[expect]]
id = "all_compute_at_the_end"
point = "accel*.power_w"
min = 300.0
at = "end"
"""


@pytest.mark.no_cover
def test_two_real_orbits_fly_with_faults_timed_from_their_eclipses(tmp_path: Path) -> None:
    scenario = tmp_path / "two_orbits.toml"
    scenario.write_text(TWO_ORBITS)
    exit_code, summary = sim(tmp_path / "flight", "--orbit", CBERS2, "--scenario", scenario)
    assert (exit_code, summary["violations"]) == (0, [])
    assert summary["orbit"]["period_s"] == pytest.approx(6017.0, abs=30.0)  # 14.36 orbits a day
    assert summary["simulated_s"] == pytest.approx(2.0 * summary["orbit"]["period_s"], abs=1.0)
    assert all(fault["detected_s"] is not None for fault in summary["faults"])


def test_a_foreign_orbit_without_a_scenario_flies_without_faults(tmp_path: Path) -> None:
    exit_code, summary = sim(tmp_path / "flight", "--orbit", CBERS2, "--duration", "10min")
    assert exit_code == 0
    assert summary["faults"] == [] and summary["expectations"] == []
    assert summary["violations"] == []
    assert "CBERS" in summary["orbit"]["source"] or "cbers" in summary["orbit"]["source"]
    assert {name for name, result in summary["properties"].items() if result["ok"]} >= {"S1", "S6"}


@pytest.mark.verify
def test_a_day_on_the_real_orbit_flies_as_its_scenario_expects(tmp_path: Path) -> None:
    exit_code, summary = sim(
        tmp_path / "flight",
        "--orbit", CBERS2, "--scenario", SCENARIOS / "cbers2.toml", "--duration", "1d",
    )  # fmt: skip
    failed = [e["id"] for e in summary["expectations"] if not e["ok"]]
    assert (exit_code, summary["violations"], failed) == (0, [], [])
