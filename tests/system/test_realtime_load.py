"""`nightside run` in real time beside a busy disk and a busy processor: no cycle is missed."""

from types import SimpleNamespace
from typing import cast

import pytest

from benchmarks.realtime import parse, rows, run_daemon
from sim_hw.flight_runner import FlightRunner
from sim_hw.fly_realtime import _shares

REPORT = """\
cycles        200 (1 overruns, 2 late)
cycle period  p50 100.1 ms, p99 105.9 ms, max 130.0 ms
missed        3 deadlines
lateness      up to    0.5 ms        28
lateness      up to   20.5 ms         6
CPU           1.14 s
RSS           71.1 MiB
lost          0 recorded cycles, 0 messages
control       0.68 s after the begin of the process
CPU share     start 0.71 s, world 0.07 s, drivers 0.02 s,
              daemon 0.33 s: 1.65 % of a core
RSS share     world 7.4 MiB
left          caps 200, 200 W; pumps 6000, 6000 rpm
"""


@pytest.mark.verify
def test_no_cycle_is_missed_beside_a_busy_disk_and_a_busy_processor() -> None:
    run = run_daemon(60.0, has_load=True)
    over = []
    for row in rows(run, has_load=True):
        print(f"{row.name} {row.value:g} {row.unit} {row.verdict}")
        over += [row.name] if not row.ok else []
    assert run.exit_code == 0 and run.left_safe
    assert run.cycles >= 590 and not over, over


def test_the_report_of_a_run_is_read_whole() -> None:
    run = parse(REPORT, 0)
    assert (run.cycles, run.overruns, run.late_cycles, run.missed) == (200, 1, 2, 3)
    assert run.lateness == ((0.5, 28), (20.5, 6))
    assert (run.control_s, run.world_cpu_s, run.drivers_cpu_s) == (0.68, 0.07, 0.02)
    assert (run.daemon_ratio, run.rss_mib, run.world_mib) == (0.0165, 71.1, 7.4)
    missed = {row.name: row for row in rows(run, has_load=True)}["missed"]
    assert missed.value == 5 and not missed.ok


def test_a_run_that_ended_before_it_was_in_control_says_so() -> None:
    """Not that it was in control at once."""
    runner = cast("FlightRunner", SimpleNamespace(cpu_ns={}, daemon=None))
    assert _shares(runner, 0.0, 1.0, 0.0).startswith("control       never\n")


NEEDED = [line for line in REPORT.splitlines() if not line.startswith(("lateness", "lost"))]


@pytest.mark.parametrize("line", NEEDED)
def test_a_report_without_one_of_its_lines_is_refused(line: str) -> None:
    with pytest.raises(RuntimeError, match="no whole report"):
        parse(REPORT.replace(f"{line}\n", ""), 0)
