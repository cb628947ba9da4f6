"""Many runs as processes of their own: Ctrl-C in the terminal."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[2]
LIMIT_S = 60.0  # a hang, not a measure
RUNS = 30
SCENARIO = 'title = "Long enough"\nshows = "Runs that are under way."\nduration = "120 s"\n'


@contextmanager
def flying(folder: Path) -> Iterator[tuple["subprocess.Popen[str]", list[int]]]:
    """Runs of which some are done, most are not; with handles of all processes below them."""
    (folder / "plan.toml").write_text(SCENARIO)
    words = ["sim", "--scenario", "plan.toml", "--runs", str(RUNS), "--jobs", "2", "--out", "many"]
    process = subprocess.Popen(
        [sys.executable, "-m", "flight", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,  # a group of its own, as of a command in a terminal
        # A shell starts what runs in its background with Ctrl-C ignored, and that is inherited.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    handles: list[int] = []
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert f"3 of {RUNS} done" in line, line
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        handles = [os.pidfd_open(int(child)) for child in children]
        assert len(handles) >= 2
        yield process, handles
    finally:
        process.kill()
        process.communicate(timeout=LIMIT_S)
        for handle in handles:
            os.close(handle)


def assert_all_have_ended(handles: list[int]) -> None:
    for handle in handles:
        ready, _, _ = select.select([handle], [], [], LIMIT_S)
        assert ready, "a process outlived its parent"


def test_ctrl_c_ends_all_at_once_and_says_what_is_done(tmp_path: Path) -> None:
    with flying(tmp_path) as (process, handles):
        os.killpg(process.pid, signal.SIGINT)  # as the terminal does
        text, complaint = process.communicate(timeout=LIMIT_S)
        assert_all_have_ended(handles)
    assert process.returncode == 130
    assert "Traceback" not in complaint
    found = json.loads((tmp_path / "many" / "runs.json").read_text())
    verdicts = found["verdicts"]
    assert found["interrupted"] is True
    assert 3 <= verdicts["good"] < RUNS
    assert verdicts["good"] + verdicts["not flown"] == RUNS == len(found["runs"])
    assert "Interrupted: what was under way was not finished." in text
    assert f"NOT GOOD: {verdicts['good']} of {RUNS} runs good, " in text
