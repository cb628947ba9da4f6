"""`nightside sim --runs`: what its options refuse, and what becomes of its folder."""

import json
import re
from pathlib import Path

import pytest

from flight import cli
from flight.services.folder_lock import only_daemon_in
from sim_hw.runs import fly as runs_fly
from tests.system.flying import refused
from tests.unit.runs_work import FAILING_SEED, KILLED_SEED, fly_with_accidents

UNMET = """
[[expect]]
id = "colder_than_can_be"
point = "accel*.core_temp_c"
max = 0.0
always = true
"""
SHORT = 'title = "Short"\nshows = "A few seconds."\nduration = "5 s"\n'
HELP = " (see: nightside sim --help)"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("short.toml").write_text(SHORT)


REFUSED = {
    "no_runs": (
        ["--runs", "0"],
        "argument --runs: 0 is outside 1 to 100000" + HELP,
    ),
    "runs_in_words": (
        ["--runs", "many"],
        "argument --runs: 'many' is not a whole number" + HELP,
    ),
    "no_jobs": (
        ["--runs", "2", "--jobs", "0"],
        "argument --jobs: 0 is outside 1 to 1024" + HELP,
    ),
    "jobs_without_runs": (
        ["--jobs", "2"],
        "--jobs goes with --runs, which is not given: one flight is flown by one process",
    ),
    "paced": (
        ["--runs", "2", "--realtime"],
        "--runs goes without --realtime: many flights are flown as fast as the cores allow",
    ),
    "with_a_shell": (
        ["--runs", "2", "--realtime", "--nvml-shell"],
        "--runs goes without --nvml-shell: a shell is in one flight",
    ),
    "seeds_end": (
        ["--runs", "5", "--seed", "4294967292"],
        ("--runs 5 from seed 4294967292: seeds end at 4294967295; give --seed 4294967291 or a lower"
        " one"),
    ),
    "bad_scenario": (
        ["--runs", "2", "--scenario", "none.toml"],
        "none.toml: no such scenario file",
    ),
    "out_is_a_file": (
        ["--runs", "2", "--out", "short.toml"],
        "--out short.toml: is a file; give a folder",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("options", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_flown_is_told_in_one_line_before_anything_is_flown(
    options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, "sim", *options) == [message]
    assert [path.name for path in Path().iterdir()] == ["short.toml"]


FOREIGN = {
    "something_else": ("holiday/beach.jpg", "beach.jpg", "holiday"),
    "one_flight": ("single/summary.json", "summary.json", "single"),
    "something_in_a_run": ("many/run-002/notes.txt", "run-002/notes.txt", "many"),
    "a_folder_in_a_run": ("many/run-002/store.bin/x", "run-002/store.bin", "many"),
    "a_folder_called_like_a_run": ("many/run-two/x", "run-two", "many"),
}


@pytest.mark.parametrize(("path", "named", "out"), FOREIGN.values(), ids=FOREIGN)
def test_runs_never_overwrite_what_is_no_run(
    path: str, named: str, out: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = Path(out) / "run-001" / "summary.json"
    for mine in (Path(path), before):
        mine.parent.mkdir(parents=True, exist_ok=True)
        mine.write_text("mine")
    assert refused(capsys, "sim", "--runs", "2", "--out", out) == [
        (
            f"--out {out}: holds {named!r}, which is no part of such runs; "
            "give an empty folder or that of earlier runs"
        )
    ]
    assert Path(path).read_text() == before.read_text() == "mine"


@pytest.mark.parametrize("held", ["many", "many/run-001"])
def test_a_folder_in_use_is_left_alone(held: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("many/run-001").mkdir(parents=True)
    Path("many/run-001/store.bin").write_text("mine")
    with only_daemon_in(Path(held)):
        assert refused(capsys, "sim", "--runs", "2", "--out", "many") == [
            f"--out {held}: another daemon runs in it; stop that one, or give another folder"
        ]
    assert Path("many/run-001/store.bin").exists()


def fly(*options: str) -> tuple[int, dict]:
    code = cli.main(["sim", "--scenario", "short.toml", "--out", "many", *options])
    return code, json.loads(Path("many/runs.json").read_text())


def test_each_run_is_the_flight_of_its_seed(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = fly("--seed", "8", "--runs", "3", "--jobs", "2")
    table = capsys.readouterr().out
    assert (code, found["ok"], found["jobs"]) == (0, True, 2)
    assert [row["seed"] for row in found["runs"]] == [8, 9, 10]
    assert len({row["trace_hash"] for row in found["runs"]}) == 3
    for row in found["runs"]:
        summary = json.loads(Path(f"many/{row['run']}/summary.json").read_text())
        single = Path(f"single-{row['seed']}")
        cli.main(
            ["sim", "--scenario", "short.toml", "--seed", str(row["seed"]), "--out", str(single)]
        )
        alone = json.loads((single / "summary.json").read_text())
        assert summary["trace_hash"] == row["trace_hash"] == alone["trace_hash"]
        assert row["trace_hash"][:12] in table
        assert Path(f"many/{row['run']}/recording.db").is_file()


def test_fewer_runs_leave_none_of_the_earlier_ones(capsys: pytest.CaptureFixture[str]) -> None:
    Path("many/run-007").mkdir(parents=True)
    Path("many/run-007/summary.json").touch()
    Path("many/runs.json").touch()
    _, found = fly("--runs", "1", "--json")
    left = sorted(path.name for path in Path("many").iterdir())
    assert left == ["report.html", "run-001", "runs.json"]
    assert json.loads(capsys.readouterr().out) == found


def test_a_run_that_is_killed_or_has_a_bug_is_a_row(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs_fly, "fly_run", fly_with_accidents)
    code, found = fly("--seed", "7", "--runs", "4", "--jobs", "2")
    assert code == cli.EXIT_BUG
    assert {row["seed"]: row["verdict"] for row in found["runs"]} == {
        7: "good", FAILING_SEED: "bug", KILLED_SEED: "died", 10: "good",
    }  # fmt: skip
    table = capsys.readouterr().out
    assert "! run-003: its process was ended by SIGKILL" in table
    assert "! run-002: TypeError: " in table
    assert "NOT GOOD: 2 of 4 runs good, 1 bug, 1 died" in table


def test_the_default_folder_names_plan_first_seed_and_count(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["sim", "--scenario", "short.toml", "--runs", "1", "--seed", "5"]) == 0
    assert Path("flights/short-seed5-runs1/run-001/summary.json").is_file()
    assert "written to flights/short-seed5-runs1/" in capsys.readouterr().out


def links(page: str) -> list[str]:
    return re.findall(r'href="([^"#]*report\.html)"', page)


def test_a_run_that_is_not_good_has_a_report_and_the_page_links_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("short.toml").write_text(SHORT + UNMET)
    code, _ = fly("--runs", "2", "--jobs", "2")
    *_, command, path = capsys.readouterr().out.splitlines()
    assert (code, path) == (1, "many/report.html")
    page = Path(path).read_text()
    assert "NOT GOOD" in page and "unmet colder_than_can_be" in page
    assert links(page) == ["run-001/report.html", "run-002/report.html"]
    assert all((Path("many") / link).is_file() for link in links(page))
    assert command == "one run: nightside report many/run-001"
    report = Path("many/run-002/report.html").read_text()
    assert "--seed 8" in report, "the command that flies it again"


def test_of_good_runs_a_report_is_one_command_away(capsys: pytest.CaptureFixture[str]) -> None:
    fly("--runs", "2", "--jobs", "2")
    *_, command, path = capsys.readouterr().out.splitlines()
    assert links(Path(path).read_text()) == []
    assert cli.main(command.removeprefix("one run: nightside ").split()) == 0
    assert cli.main(["report", "many"]) == 0
    assert capsys.readouterr().out.splitlines() == ["many/run-001/report.html", path]
    assert links(Path(path).read_text()) == ["run-001/report.html"]


@pytest.mark.parametrize("option", ["--report", "--no-report"])
def test_reports_of_all_runs_or_of_none(option: str) -> None:
    fly("--runs", "2", "--jobs", "2", option)
    found = sorted(str(path) for path in Path("many").rglob("report.html"))
    many = ["many/report.html", "many/run-001/report.html", "many/run-002/report.html"]
    assert found == (many if option == "--report" else [])


def test_a_folder_of_runs_is_no_flight_and_says_what_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fly("--runs", "1", "--no-report")
    capsys.readouterr()
    told = "many: is a folder of runs; give one of them, such as many/run-001"
    for words in (["report", "many", "many"], ["log", "many"], ["explain", "many", "--at", "3s"]):
        assert refused(capsys, *words) == [told]
    assert refused(capsys, "report", "many", "--run", "1") == [
        "--run 1: many is a folder of runs; name the folder of one, such as many/run-001"
    ]
    Path("many/runs.json").write_text("[]")
    assert refused(capsys, "report", "many") == [
        "many/runs.json: is no table of runs; fly them again"
    ]
