"""The example scenarios, through the command line: each flies and exits 0."""

from pathlib import Path

import pytest

from flight.examples import examples_dir
from tests.system.flying import sim

SCENARIOS = examples_dir() / "scenarios"
# first_orbit flies in test_first_orbit.py, cbers2 in test_real_orbit.py, three_days in
# test_drawn_faults.py.
SHORT = sorted(
    path
    for path in SCENARIOS.glob("*.toml")
    if path.stem not in ("first_orbit", "cbers2", "three_days")
)
# An orbit each. What they reach of flight/ others reach too: their lines need no counting.
LONG = ("ai1_orbit", "both_pumps", "edge_orbit", "string_loss")


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, marks=[pytest.mark.no_cover] if path.stem in LONG else [], id=path.stem)
        for path in SHORT
    ],
)
def test_an_example_flies_and_meets_all_that_it_expects(path: Path, tmp_path: Path) -> None:
    exit_code, summary = sim(tmp_path / "flight", "--scenario", path)
    failed = [e["id"] for e in summary["expectations"] if not e["ok"]]
    assert (exit_code, summary["violations"], failed) == (0, [], [])
    assert summary["expectations"]


@pytest.mark.verify
@pytest.mark.parametrize("seed", range(20))
def test_the_default_flight_is_good_whatever_the_seed(seed: int, tmp_path: Path) -> None:
    exit_code, summary = sim(tmp_path / "flight", "--seed", str(seed))
    failed = [e["id"] for e in summary["expectations"] if not e["ok"]]
    assert (exit_code, summary["violations"], failed) == (0, [], [])
