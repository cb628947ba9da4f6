"""This tree against the last accepted one: `python -m benchmarks.baseline`, part of `make bench`.

Absolute figures belong to a machine and an hour. So the commit that benchmarks/baseline.txt names
is built aside, in build/baseline, both trees are measured in turns by the same program
(benchmarks/figures.py), and what counts is the ratio. Nothing of the clone is changed: no checkout,
no worktree.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.processes import compiled_environment
from benchmarks.table import RESULTS

ROOT = Path(__file__).resolve().parents[1]
COMMIT_FILE = Path(__file__).with_name("baseline.txt")
FIGURES = Path(__file__).with_name("figures.py")
BUILDS = Path("build") / "baseline"
BUILT = ".built"  # in a tree that was built to its end
TARGETS = ("native", "sim_native", "sim_nvml")
ROUNDS = 2
FLIGHT_S = 3000.0  # with the first fault
SLOWER = 0.95  # assumed: what two equal trees differ by on a busy machine stays above it


class Measured(NamedTuple):
    """One figure of both trees, one value per round."""

    name: str
    before: tuple[float, ...]
    now: tuple[float, ...]
    is_more_better: bool

    @property
    def ratios(self) -> tuple[float, ...]:
        """How many times as fast as before, in each round."""
        return tuple(
            now / before if self.is_more_better else before / now
            for before, now in zip(self.before, self.now, strict=True)
        )


class NotRunError(Exception):
    """There is nothing to compare with here; the text says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, print, write build/bench/baseline.json; 0 also where nothing can be compared."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--duration", type=float, metavar="S", default=FLIGHT_S)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(arguments)
    print("\nAgainst the last accepted commit (ratios in one run)")
    try:
        commit = find_commit(COMMIT_FILE)
        before = build(commit, BUILDS.resolve() / commit[:12])
        rounds = [
            (measure(before, options.duration), measure(ROOT, options.duration))
            for _ in range(options.rounds)
        ]
    except NotRunError as reason:
        print(f"  NOT RUN: {reason}")
        return 0
    report(commit, collect(rounds))
    return 0


def find_commit(file: Path) -> str:
    """Return the full name of the commit that the file names. Raises: NotRunError."""
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    names = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if not names:
        raise NotRunError(f"{file.name} names no commit")
    words = ["rev-parse", "--quiet", "--verify", f"{names[0]}^{{commit}}"]
    found = subprocess.run([_git(), *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if found.returncode:
        raise NotRunError(f"commit {names[0][:12]} is not here: this is no clone, or a shallow one")
    return found.stdout.strip()


def _git() -> str:
    path = shutil.which("git")
    if path is None:
        raise NotRunError("git is not installed")
    return path


def build(commit: str, tree: Path) -> Path:
    """Return the tree of a commit with its compiled modules, made on first use.

    Raises:
        NotRunError: it cannot be built here.
    """
    if (tree / BUILT).is_file():
        return tree
    print(f"  building {commit[:12]} in {os.path.relpath(tree)}")
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    with tempfile.TemporaryFile() as file:
        subprocess.run([_git(), "archive", commit], cwd=ROOT, stdout=file, check=True)
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # since 3.11.4
            archive.extractall(tree, **safe)  # noqa: S202  # of a commit of our own
    made = str(tree / "build" / "native")
    _run("cmake", "-S", str(tree), "-B", made, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
         "-DBUILD_TESTING=OFF", f"-DPython_EXECUTABLE={sys.executable}")  # fmt: skip
    _run("cmake", "--build", made, "--target", *TARGETS)
    (tree / BUILT).touch()
    return tree


def _run(program: str, *words: str) -> None:
    beside = shutil.which(program, path=str(Path(sys.executable).parent))
    path = beside or shutil.which(program)
    if path is None:
        raise NotRunError(f"{program} is not installed")
    folders = os.pathsep.join([str(Path(path).parent), os.environ.get("PATH", "")])
    ended = subprocess.run(
        [path, *words], capture_output=True, text=True, check=False,
        env={**os.environ, "PATH": folders},
    )  # fmt: skip
    if ended.returncode:
        last = (ended.stderr or ended.stdout).strip().splitlines()[-1:]
        raise NotRunError(f"the commit cannot be built here: {' '.join(last)}")


def measure(tree: Path, duration_s: float) -> dict[str, float]:
    """Return the main figures of a tree. Raises: NotRunError, where its code has other names."""
    environment = {**compiled_environment(), "PYTHONPATH": str(tree)}
    ended = subprocess.run(
        [sys.executable, "-P", str(FIGURES), str(duration_s)],
        cwd=tree, capture_output=True, text=True, check=False, env=environment,
    )  # fmt: skip
    if ended.returncode:
        last = ended.stderr.strip().splitlines()[-1:]
        raise NotRunError(f"{os.path.relpath(tree)} cannot be measured: {' '.join(last)}")
    found = json.loads(ended.stdout)
    assert Path(found["tree"]) == tree, f"{found['tree']} was measured instead of {tree}"
    figures: dict[str, float] = found["figures"]
    return figures


def collect(rounds: Sequence[tuple[Mapping[str, float], Mapping[str, float]]]) -> list[Measured]:
    """Return the rounds by figure."""
    return [
        Measured(
            name=name,
            before=tuple(before[name] for before, _ in rounds),
            now=tuple(now[name] for _, now in rounds),
            is_more_better=not name.endswith("_us"),
        )
        for name in rounds[0][0]
    ]


def report(commit: str, found: Sequence[Measured]) -> None:
    """Print the table and write build/bench/baseline.json."""
    print(f"  {'':24}{'before':>10}{'now':>10}{'as fast':>10}   rounds")
    for row in found:
        each = ", ".join(f"{ratio:.3f}" for ratio in row.ratios)
        word = "  slower" if max(row.ratios) < SLOWER else ""
        print(
            f"  {row.name:24}{median(row.before):10.4g}{median(row.now):10.4g}"
            f"{median(row.ratios):9.3f}x   {each}{word}"
        )
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / "baseline.json"
    record = {
        "commit": commit,
        "figures": [{**row._asdict(), "ratio": median(row.ratios)} for row in found],
    }
    path.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(f"  before is {commit[:12]}; written to {path}")


if __name__ == "__main__":
    raise SystemExit(main())
