"""What `make bench` compares with: a commit that is here, or a polite NOT RUN."""

import subprocess
from pathlib import Path

import pytest

from benchmarks import baseline
from benchmarks.baseline import Measured, NotRunError, collect, find_commit
from benchmarks.bench_jobs import gain_rows

BEFORE = {"simulated_s_per_cpu_s": 400.0, "step_us": 50.0}
NOW = {"simulated_s_per_cpu_s": 500.0, "step_us": 100.0}


def test_a_rate_that_grows_and_a_cost_that_shrinks_are_both_faster():
    rate, cost = collect([(BEFORE, NOW), (NOW, NOW)])
    assert rate.ratios == (1.25, 1.0)
    assert cost.ratios == (0.5, 1.0)


def test_what_is_slower_in_every_round_is_marked(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    rows = [
        Measured("rate", (400.0, 400.0), (300.0, 310.0), is_more_better=True),
        Measured("lucky", (400.0, 400.0), (300.0, 400.0), is_more_better=True),
    ]
    baseline.report("c" * 40, rows)
    slow, lucky = (line for line in capsys.readouterr().out.splitlines() if "x   " in line)
    assert slow.endswith("0.750, 0.775  slower")
    assert lucky.endswith("0.750, 1.000")
    assert '"ratio": 0.7625' in (tmp_path / "build/bench/baseline.json").read_text()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "baseline.txt names no commit"),
        ("# only words\n", "baseline.txt names no commit"),
        ("0" * 40, "commit 000000000000 is not here: this is no clone, or a shallow one"),
    ],
    ids=["no_file", "no_commit", "unknown"],
)  # fmt: skip
def test_a_commit_that_is_not_here_is_said_politely(text, reason, tmp_path):
    file = tmp_path / "baseline.txt"
    if text is not None:
        file.write_text(text)
    with pytest.raises(NotRunError) as told:
        find_commit(file)
    assert str(told.value) == reason


def test_an_archive_without_git_is_not_run_and_not_a_failure(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(baseline, "ROOT", tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert baseline.main([]) == 0
    assert "  NOT RUN: commit " in capsys.readouterr().out
    monkeypatch.setattr(baseline.shutil, "which", lambda _name: None)
    assert baseline.main([]) == 0
    assert "  NOT RUN: git is not installed" in capsys.readouterr().out


def test_a_tree_with_other_names_is_not_run(tmp_path):
    (tmp_path / "flight").mkdir()
    (tmp_path / "flight/__init__.py").touch()
    with pytest.raises(NotRunError, match="cannot be measured: ModuleNotFoundError: No module"):
        baseline.measure(tmp_path, 1.0)


def test_a_commit_that_cannot_be_built_leaves_no_tree_that_counts_as_built(tmp_path, monkeypatch):
    git = ["git", "-c", "user.name=n", "-c", "user.email=e", "-C", str(tmp_path)]
    (tmp_path / "CMakeLists.txt").write_text("no cmake at all\n")
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "x"]):
        subprocess.run([*git, *words], check=True)
    monkeypatch.setattr(baseline, "ROOT", tmp_path)
    tree = tmp_path / "aside"
    with pytest.raises(NotRunError, match="the commit cannot be built here: "):
        baseline.build("HEAD", tree)
    assert (tree / "CMakeLists.txt").exists() and not (tree / baseline.BUILT).exists()


def test_the_committed_baseline_names_a_whole_commit():
    lines = baseline.COMMIT_FILE.read_text().splitlines()
    names = [line for line in lines if not line.startswith("#")]
    assert len(names) == 1 and len(names[0]) == 40 and int(names[0], 16)
    assert Path(baseline.FIGURES).is_file()


@pytest.mark.parametrize(("jobs", "ok"), [(1.9, True), (1.8, True), (1.7, False)])
def test_two_jobs_must_gain_nine_tenths_of_two_loops(jobs, ok):
    ratio, *rest = gain_rows([2.0, 1.0, 3.0], [jobs, 0.5, 2.5], [1.0, 0.9, 1.0])
    assert ratio.ok is ok
    assert [row.budget for row in rest] == [None, None, None]
    assert [row.value for row in rest if row.name == "loop_share_min"] == [0.9]
