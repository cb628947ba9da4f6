"""Training and inference through the command line: what the summary says of their time."""

from pathlib import Path

import pytest

from flight.examples import examples_dir
from tests.system.flying import sim

TRAINING = examples_dir() / "scenarios" / "training.toml"
INFERENCE = """\
title = "Requests"
shows = "Requests come to each accelerator on its own."
seed = 7
duration = "240 s"
[start]
orbit_phase = 0.5
mode = "NOMINAL"
[[action]]
at = "start"
do = "workload"
parameters = { kind = "inference", demand_ratio = 0.5, demand_swing_ratio = 0.0, queue_max = 4 }
"""


def test_the_time_of_a_training_job_adds_up(tmp_path: Path) -> None:
    _, summary = sim(tmp_path / "flight", "--scenario", TRAINING)
    work = summary["work"]
    assert work["restart_count"] == 1
    # It begins at about 62 s; a checkpoint each 70 s; at 305 s the accelerator's rails open.
    whole_checkpoints = 3 + 1
    assert work["checkpoint_seconds"] == pytest.approx(whole_checkpoints * 80.0, abs=20.0)
    assert 100.0 < work["lost_seconds"] < 60.0 * 8.0
    assert work["useful_seconds"] > 1000.0
    parts = ("useful_seconds", "lost_seconds", "checkpoint_seconds")
    assert sum(work[part] for part in parts) < 8.0 * (420.0 - 62.0 - 20.0)


def test_inference_is_served_and_nothing_is_lost_in_a_good_flight(tmp_path: Path) -> None:
    scenario = tmp_path / "requests.toml"
    scenario.write_text(INFERENCE)
    exit_code, summary = sim(tmp_path / "flight", "--scenario", scenario)
    work = summary["work"]
    assert (exit_code, summary["violations"]) == (0, [])
    assert work["useful_seconds"] == pytest.approx(0.5 * 8.0 * 178.0, rel=0.3)  # some 140 requests
    assert work["useful_seconds"] == pytest.approx(work["utilisation_seconds"], rel=0.05)
    assert work["lost_seconds"] == work["checkpoint_seconds"] == work["restart_count"] == 0
