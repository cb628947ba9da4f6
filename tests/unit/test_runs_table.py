"""Many runs as one document, one table, one line of progress, one exit code."""

import io
import json
import re
from pathlib import Path

import pytest

from flight.operator_error import OperatorError
from flight.report.runs_page import runs_page
from sim_hw.fly import FlightRequest
from sim_hw.runs.fly import exit_code_of
from sim_hw.runs.folder import runs_folder
from sim_hw.runs.progress import RunsProgress
from sim_hw.runs.result import RunsFacts, build_runs, write_runs
from sim_hw.runs.table import print_runs, render_runs
from sim_hw.runs.worker import Outcome, Run, Verdict, verdict_of

PEAKS = {"core_temp_c_max": 84.25, "accelerators_w_max": 5593.6, "charge_ratio_min": 0.6123}


def approach(value, limit, subject="accel3"):
    return {"value": value, "limit": limit, "unit": "degC", "time_s": 63.34, "subject": subject}


def summary(*, value=80.0, is_held=True, unmet=(), trace="0" * 32):
    properties = {
        "S1": {"ok": is_held, "tested": True, "closest": approach(value, 87.0)},
        "S5": {"ok": True, "tested": False, "closest": None},
        "S14": {"ok": True, "tested": True, "closest": None},
    }
    return {
        "ok": is_held and not unmet, "trace_hash": trace, "config_hash": "c", "cpu_s": 12.34,
        "simulated_s": 100.0, "wall_s": 13.0, "violation_count": int(not is_held),
        "expectations": [{"id": name, "ok": False} for name in unmet],
        "properties": properties, "peaks": PEAKS, "work": {},
        "energy": {"ok": True, "electrical_error_ratio": 0.0, "thermal_error_ratio": 0.0},
    }  # fmt: skip


def found_of(*outcomes, is_interrupted=False):
    request = FlightRequest(config_path=Path())
    runs = [
        Run(seed=7 + i, folder=Path(f"many/run-{i + 1:03}"), request=request)
        for i in range(len(outcomes))
    ]
    facts = RunsFacts(
        title="A test", orbit="circular", flight_s=100.0, first_seed=7, jobs=2, wall_s=50.0,
        is_interrupted=is_interrupted,
    )  # fmt: skip
    return build_runs(facts, runs, outcomes)


def flown(**kwargs):
    told = summary(**kwargs)
    return Outcome(verdict=verdict_of(told), summary=told)


MIXED = (
    flown(trace="a" * 32),
    flown(value=87.5, is_held=False, trace="b" * 32),
    flown(value=86.9, unmet=("back_in_time",), trace="c" * 32),
    Outcome(verdict=Verdict.BUG, summary={}, error="Traceback:\n  here\nZeroDivisionError: 1/0\n"),
    Outcome(verdict=Verdict.DIED, summary={}, error="its process was ended by SIGKILL"),
    Outcome(verdict=Verdict.NOT_FLOWN, summary={}),
)


def test_the_document_has_a_row_for_each_run_whatever_became_of_it(tmp_path):
    found = found_of(*MIXED)
    write_runs(found, tmp_path / "runs.json")
    read = json.loads((tmp_path / "runs.json").read_text())
    assert read == json.loads(json.dumps(found))
    rows = read["runs"]
    assert [(row["run"], row["seed"], row["verdict"], row["ok"]) for row in rows] == [
        ("run-001", 7, "good", True),
        ("run-002", 8, "violated", False),
        ("run-003", 9, "unmet", False),
        ("run-004", 10, "bug", False),
        ("run-005", 11, "died", False),
        ("run-006", 12, "not flown", False),
    ]
    assert rows[0]["trace_hash"] == "a" * 32
    assert rows[2]["unmet"] == ["back_in_time"]
    assert rows[3]["trace_hash"] is None and "ZeroDivisionError" in rows[3]["error"]
    assert (read["cpu_s"], read["simulated_s"]) == (pytest.approx(3 * 12.34), 300.0)
    assert read["ok"] is False


def test_the_closest_approach_of_all_is_the_one_past_the_limit_then_the_nearest():
    assert found_of(*MIXED)["properties"]["S1"] == {
        "tested_count": 3,
        "violated_count": 1,
        "closest": approach(87.5, 87.0) | {"run": "run-002"},
    }
    held = found_of(MIXED[0], MIXED[2], flown(value=86.0))["properties"]
    assert held["S1"]["closest"] == approach(86.9, 87.0) | {"run": "run-002"}
    assert held["S5"] == {"tested_count": 0, "violated_count": 0, "closest": None}
    assert found_of(flown(value=None))["properties"]["S1"]["closest"]["value"] is None
    assert "-  tested in 1 runs" in render_runs(found_of(flown(value=None)))


def test_the_table_tells_each_run_and_what_went_wrong():
    text = render_runs(found_of(*MIXED, is_interrupted=True))
    lines = text.splitlines()
    assert max(map(len, lines)) <= 80
    assert "circular; 6 runs of 100 s, seeds 7 to 12, 2 at a time" in lines
    assert (
        "run-001           7  aaaaaaaaaaaa  good         0   84.2   5.59    61.2     12.3" in lines
    )
    assert "run-005          11                died" in lines
    assert "  ! run-002: violated S1" in lines
    assert "  ! run-003: unmet back_in_time" in lines
    assert "  ! run-004: ZeroDivisionError: 1/0" in lines
    assert "  ! run-005: its process was ended by SIGKILL" in lines
    assert "  FAIL S1  cores                      87.5 °C  87 °C    002 63.3 s accel3" in lines
    assert "Interrupted: what was under way was not finished." in lines
    assert lines[-1] == (
        "NOT GOOD: 1 of 6 runs good, 1 unmet, 1 violated, 1 bug, 1 died, 1 not flown"
    )


def test_a_good_table_says_so_and_many_that_failed_are_cut_short():
    assert render_runs(found_of(flown(), flown())).splitlines()[-1] == "ALL GOOD: 2 of 2 runs good"
    bad = render_runs(found_of(*[MIXED[4]] * 13))
    assert bad.count("  ! run-") == 10
    assert "  ! and 3 more in runs.json" in bad
    assert "Safety" not in bad, "nothing was flown"


def test_colours_only_on_a_terminal(monkeypatch):
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    plain, terminal = io.StringIO(), Terminal()
    print_runs(found_of(*MIXED), plain)
    print_runs(found_of(*MIXED), terminal)
    assert "\x1b[" not in plain.getvalue()
    assert "\x1b[1;31m" in terminal.getvalue() and "\x1b[32m" in terminal.getvalue()


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        (["good", "good"], 0),
        (["good", "unmet"], 1),
        (["violated", "good"], 1),
        (["refused", "violated"], 2),
        (["bug", "refused"], 3),
        (["good", "died"], 3),
    ],
)
def test_the_exit_code_is_that_of_the_worst(verdicts, code):
    assert exit_code_of([Verdict(word) for word in verdicts]) == code
    assert exit_code_of([Verdict(word) for word in verdicts], is_interrupted=True) == 130


def progress(is_terminal, count):
    class Stream(io.StringIO):
        def isatty(self):
            return is_terminal

    wall = iter(range(10_000))
    stream = Stream()
    shown = RunsProgress(
        count=count, flight_s=100.0, stream=stream, clock_s=lambda: 0.3 * next(wall)
    )
    for index in range(count):
        shown.started(index)
        shown.told(index, 50.0)
        shown.ended(index, Verdict.BUG if index == 1 else Verdict.GOOD)
    shown.finish()
    return stream.getvalue()


def test_progress_of_runs_is_redrawn_on_a_terminal_and_taken_away():
    text = progress(is_terminal=True, count=4)
    assert "\n" not in text
    lines = [part.rstrip() for part in text.split("\r")]
    assert lines[-1] == ""
    assert max(map(len, lines)) <= 80
    assert any("2 of 4 done, 0 flying, 1 not good" in line for line in lines)
    assert any(line.startswith("[####........]  38%  1 of 4 done, 1 flying") for line in lines)


def test_progress_of_runs_elsewhere_is_a_line_each_tenth():
    text = progress(is_terminal=False, count=30)
    assert text.count("\n") == 9
    assert "\r" not in text


def test_the_page_tells_each_run_whatever_became_of_it(tmp_path):
    (tmp_path / "run-003").mkdir()
    (tmp_path / "run-003" / "report.html").touch()
    page = runs_page(found_of(*MIXED, is_interrupted=True), tmp_path)
    rows = re.findall(r'<tr><td><span id="(run-\d+)">.*?</tr>', page)
    assert rows == [f"run-00{i}" for i in range(1, 7)]
    assert re.findall(r'href="(run-.*?)"', page) == ["run-003/report.html"]
    assert 'href="#run-002"' in page, "the run that came nearest to a limit"
    for told in ("NOT GOOD", "Interrupted", "violated S1", "unmet back_in_time",
                 "ZeroDivisionError: 1/0", "ended by SIGKILL"):  # fmt: skip
        assert told in page, told
    assert "<script" not in page


def test_the_page_of_good_runs_has_nothing_that_went_wrong(tmp_path):
    page = runs_page(found_of(flown(), flown()), tmp_path)
    assert "ALL GOOD" in page and "What went wrong" not in page


def test_the_page_of_earlier_runs_goes_with_them_and_a_stranger_stays(tmp_path: Path) -> None:
    (tmp_path / "report.html").touch()
    (tmp_path / "runs.json").touch()
    with runs_folder(tmp_path):
        assert list(tmp_path.glob("r*")) == []
    (tmp_path / "notes.txt").touch()
    with pytest.raises(OperatorError, match=r"holds 'notes\.txt'"), runs_folder(tmp_path):
        pass
    assert (tmp_path / "notes.txt").is_file()
