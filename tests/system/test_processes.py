"""Nightside as a process of its own: determinism, signals and the daemon in real time."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flight.examples import default_config_path
from flight.services.recording import RecordingReader

ROOT = Path(__file__).parents[2]
LIMIT_S = 120.0  # a hang, not a measure

EVENTFUL = """\
title = "Two eventful minutes"
shows = "A bit of everything, for comparing traces."
duration = "120 s"

[start]
orbit_phase = 0.5
temp_c = 40.0

[[action]]
at = "start"
do = "workload"
parameters = { kind = "bursty", busy_s = 5.0, idle_s = 3.0 }

[[fault]]
id = "latch"
at = "70 s"
name = "latch_up"
target = "accel3_aux"

[[fault]]
id = "stall"
at = "85 s"
name = "daemon_stall"
target = "daemon"

[[fault]]
id = "deaf"
at = "100 s"
name = "nvml_call_fails"
target = "accel6"
parameters = { duration_s = 3.0 }
"""


@contextmanager
def nightside(*arguments: str | Path, hash_seed: str = "0") -> Iterator[subprocess.Popen[str]]:
    """Start `nightside` and make sure that it does not outlive the test."""
    process = subprocess.Popen(
        [sys.executable, "-m", "flight", *map(str, arguments)],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A shell starts what runs in its background with Ctrl-C ignored, and that is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def trace_hash(folder: Path, seed: int, hash_seed: str) -> str:
    scenario = folder / "eventful.toml"
    scenario.write_text(EVENTFUL)
    out = folder / f"{seed}-{hash_seed}"
    command = ("sim", "--scenario", scenario, "--seed", str(seed), "--out", out)
    with nightside(*command, hash_seed=hash_seed) as process:
        text, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, text
    return str(json.loads((out / "summary.json").read_text())["trace_hash"])


def test_the_same_seed_gives_the_same_trace_in_another_process_and_another_seed_does_not(
    tmp_path: Path,
) -> None:
    one = trace_hash(tmp_path, seed=11, hash_seed="1")
    assert re.fullmatch("[0-9a-f]{32}", one)
    assert trace_hash(tmp_path, seed=11, hash_seed="4242") == one
    assert trace_hash(tmp_path, seed=12, hash_seed="1") != one


def test_ctrl_c_ends_a_flight_with_a_summary_up_to_that_moment(tmp_path: Path) -> None:
    scenario = tmp_path / "eventful.toml"
    scenario.write_text(EVENTFUL)
    out = tmp_path / "flight"
    command = ("sim", "--scenario", scenario, "--realtime", "40", "--out", out)
    with nightside(*command) as process:
        assert process.stdout is not None
        first = process.stdout.readline()  # the first line of progress: it flies
        process.send_signal(signal.SIGINT)
        text, _ = process.communicate(timeout=LIMIT_S)
    assert "%" in first
    assert process.returncode == 130, text
    assert "Traceback" not in text
    summary = json.loads((out / "summary.json").read_text())
    assert summary["interrupted"] is True
    assert 5.0 < summary["simulated_s"] < 120.0
    assert summary["violations"] == []
    with RecordingReader(out / "recording.db") as reader:
        assert reader.span_s()[1] == pytest.approx(summary["simulated_s"], abs=0.2)


def recorded_s(out: Path) -> float:
    """Return how much of a running flight has been written so far."""
    try:
        with RecordingReader(out / "recording.db") as reader:
            return reader.span_s()[1]
    except (ValueError, LookupError):
        return 0.0


def wait_until_recorded(process: subprocess.Popen[str], out: Path, seconds: float) -> None:
    """Let the daemon run until its recording holds so many seconds."""
    while recorded_s(out) < seconds:
        try:
            process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            continue
        pytest.fail(f"ended by itself: {process.communicate()[0]}")


def test_sigterm_ends_the_daemon_in_order_with_safe_values_in_the_plant(tmp_path: Path) -> None:
    out = tmp_path / "flight"
    with nightside("run", default_config_path(), "--out", out) as process:
        wait_until_recorded(process, out, 4.0)  # some accelerators are up, others are starting
        process.send_signal(signal.SIGTERM)
        text, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, text
    assert "Traceback" not in text
    left = next(line for line in text.splitlines() if line.startswith("left "))
    caps = re.search(r"caps (.+) W; pumps 6000, 6000 rpm", left)
    assert caps is not None, left
    words = caps.group(1).split(", ")
    assert len(words) == 8 and "200" in words and set(words) <= {"200", "off"}, left
    assert not (out / "events.jsonl").exists(), "without bound, beside a recording that has one"


@pytest.mark.verify
def test_a_minute_in_real_time_keeps_its_period(tmp_path: Path) -> None:
    out = tmp_path / "flight"
    with nightside("run", default_config_path(), "--out", out, "--duration", "60s") as process:
        text, _ = process.communicate(timeout=LIMIT_S)
    print(text)
    assert process.returncode == 0, text
    p99 = re.search(r"p99 ([0-9.]+) ms", text)
    assert p99 is not None
    assert abs(float(p99.group(1)) - 100.0) <= 5.0
    assert "RSS" in text and "CPU" in text
    assert "left          caps 200, 200, 200, 200, 200, 200, 200, 200 W" in text
