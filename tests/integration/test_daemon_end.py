"""The end of a real process: it comes, whatever still runs in it, and after the safe values."""

import subprocess
import sys
from pathlib import Path

import pytest

from flight.services.recording import RecordingReader
from flight.services.slot_file import SlotFile
from flight.services.stored_state import RunPhase, decode

PROCESS = Path(__file__).parents[1] / "unit" / "stuck_process.py"


def run(folder: Path, what: str) -> tuple[subprocess.CompletedProcess[str], list[str], int]:
    """Run a daemon for a second; return its end, the ids of its events and how many cycles."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.stuck_process", str(folder), what],
        cwd=PROCESS.parents[2],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    slot = SlotFile(folder / "store.bin").load().slots[0]
    assert decode(slot.schema, slot.body).run_phase is RunPhase.ENDED
    with RecordingReader(folder / "recording.db") as recording:
        return done, [event.event_id for event in recording.events()], len(list(recording.rows()))


@pytest.mark.parametrize(
    ("stuck", "is_told", "is_forced"),
    [("nothing", False, False), ("task", True, True), ("thread", False, True)],
)
def test_the_process_ends_whatever_is_stuck_in_it(
    tmp_path: Path, stuck: str, is_told: bool, is_forced: bool
) -> None:
    done, ids, _ = run(tmp_path, stuck)
    assert ("daemon.exit_forced" in done.stderr) is is_forced, done.stderr
    assert ("daemon.task_left" in ids) is is_told


@pytest.mark.parametrize(
    ("where", "event_id"), [("cycle", "task.restart"), ("sink", "daemon.service_failed")]
)
def test_a_bug_in_a_cycle_of_a_real_daemon_is_the_supervisors_and_no_end(
    tmp_path: Path, where: str, event_id: str
) -> None:
    _, ids, cycles = run(tmp_path, where)
    assert event_id in ids
    assert cycles > 3, "it flew on after its third cycle"
