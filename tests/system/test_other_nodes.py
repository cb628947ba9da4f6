"""Nodes of other kinds through the command line: flown, recorded, replayed to the bit, reported."""

from pathlib import Path

import pytest

from flight import cli
from flight.examples import config_path, examples_dir
from tests.system.flying import sim

OTHERS = ("ai1", "edge")


@pytest.mark.parametrize("name", OTHERS)
def test_a_flight_is_replayed_to_the_bit_and_reported(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scenario = tmp_path / "short.toml"
    scenario.write_text('title = "Short"\nshows = "No faults."\n')
    exit_code, summary = sim(
        tmp_path / "flight", config_path(name), "--scenario", scenario, "--duration", "100s",
        "--report",
    )  # fmt: skip
    assert (exit_code, summary["violations"]) == (0, [])
    capsys.readouterr()
    assert cli.main(["replay", str(tmp_path / "flight")]) == 0
    assert "0 differ (to the bit)" in capsys.readouterr().out
    assert (tmp_path / "flight" / "report.html").stat().st_size > 10_000


@pytest.mark.parametrize("name", OTHERS)
def test_a_scenario_flies_with_the_node_that_it_names(name: str, tmp_path: Path) -> None:
    scenario = examples_dir() / "scenarios" / f"{name}_orbit.toml"
    text = scenario.read_text().partition("[[expect]]")[0]  # a moment needs no expectations
    text = text.replace("../configs", str(config_path(name).parent)).partition("[[action]]")[0]
    (tmp_path / "x.toml").write_text(text)
    _, summary = sim(tmp_path / "flight", "--scenario", tmp_path / "x.toml", "--duration", "3s")
    assert str(config_path(name)) in " ".join(summary["command"])
