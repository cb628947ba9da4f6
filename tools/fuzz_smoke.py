"""Run every fuzz target for some seconds: `fuzz_smoke.py SECONDS [TARGET...]`, 0 if none crashed.

Builds csrc/fuzz in build/fuzz/build: with a clang that has libFuzzer, led by coverage; with any
other compiler with the mutation loop of csrc/fuzz/standalone.c. The table says which engine ran.
What was found stays in build/fuzz/TARGET: the inputs of crashes (crash-*, timeout-*, ...), the log,
and the corpus, which grows from run to run. $FUZZ_CC names the compiler to take.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
WORK = ROOT / "build" / "fuzz"
BUILD = WORK / "build"
RESULTS = ROOT / "build" / "bench" / "fuzz.json"
AT_ONCE = 2
GRACE_S = 120  # starting, the corpus, and a slow last input
HANG_S = 20  # of one input
CLANGS = ("clang", *(f"clang-{version}" for version in range(22, 13, -1)))
ARTIFACTS = ("crash-*", "timeout-*", "leak-*", "oom-*")
PROBE = """#include <stddef.h>
int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size) {
    (void)bytes;
    (void)size;
    return 0;
}
"""
EXECUTIONS = re.compile(r"stat::number_of_executed_units: (\d+)|standalone: (\d+) executions")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What one target did."""

    target: str
    engine: str
    executions: int
    seconds: float
    crashes: list[Path]
    problem: str  # empty when it ended as it should

    @property
    def ok(self) -> bool:
        return not self.crashes and not self.problem


def program(name: str) -> str:
    """Return a build tool, that of the running interpreter's environment first."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        sys.exit(f"fuzz_smoke: {name} is not installed")
    return found


def has_libfuzzer(compiler: str) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "probe.c"
        source.write_text(PROBE)
        command = [compiler, "-fsanitize=fuzzer,address,undefined", source, "-o", f"{folder}/probe"]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def choose_compiler() -> tuple[str, str]:
    """Return the compiler and the engine that it gives."""
    asked = os.environ.get("FUZZ_CC")
    candidates = (asked,) if asked else CLANGS
    for compiler in candidates:
        if shutil.which(compiler) and has_libfuzzer(compiler):
            return compiler, "libFuzzer"
    return asked or "cc", "standalone"


def build(compiler: str) -> list[str]:
    """Build all targets and return their names."""
    marker = BUILD / "compiler"
    if BUILD.exists() and not (marker.exists() and marker.read_text() == compiler):
        shutil.rmtree(BUILD)  # CMake does not change compilers in place
    BUILD.mkdir(parents=True, exist_ok=True)
    marker.write_text(compiler)
    configure = [
        program("cmake"), "-S", ROOT, "-B", BUILD, "-G", "Ninja",
        f"-DCMAKE_MAKE_PROGRAM={program('ninja')}", f"-DCMAKE_C_COMPILER={compiler}",
        "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DNIGHTSIDE_FUZZ=ON", "-DNIGHTSIDE_PYTHON=OFF",
        "-DBUILD_TESTING=OFF",
    ]  # fmt: skip
    compile_all = [program("cmake"), "--build", BUILD, "--target", "fuzz"]
    for command in (configure, compile_all):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{done.stdout}{done.stderr}\nfuzz_smoke: the targets do not build")
    subprocess.run(
        [sys.executable, ROOT / "csrc" / "fuzz" / "make_corpus.py", WORK / "seeds"], check=True
    )
    found = sorted(path.stem for path in (BUILD / "csrc" / "fuzz").glob("fuzz_*"))
    return [name.removeprefix("fuzz_") for name in found]


def artifacts(folder: Path, since_s: float) -> list[Path]:
    """Return the inputs that were kept since a time of the file system's clock."""
    found = (path for pattern in ARTIFACTS for path in folder.glob(pattern))
    return sorted(path for path in found if path.stat().st_mtime >= since_s)


def run_target(target: str, engine: str, seconds: int, seed: int) -> Outcome:
    folder = WORK / target
    corpus = folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    log_path = folder / "log.txt"
    log_path.write_bytes(b"")
    began_s = log_path.stat().st_mtime
    command = [
        BUILD / "csrc" / "fuzz" / f"fuzz_{target}", f"-max_total_time={seconds}", f"-seed={seed}",
        f"-timeout={HANG_S}", "-print_final_stats=1", f"-artifact_prefix={folder}/",
        corpus, WORK / "seeds" / target,
    ]  # fmt: skip
    sanitizers = {"ASAN_OPTIONS": "abort_on_error=1", "UBSAN_OPTIONS": "abort_on_error=1"}
    start_s = time.monotonic()
    with log_path.open("wb") as log:
        try:
            code = subprocess.run(
                command, stdout=log, stderr=subprocess.STDOUT, env=os.environ | sanitizers,
                timeout=seconds + GRACE_S, check=False,
            ).returncode  # fmt: skip
            problem = f"ended with {code}" if code != 0 else ""
        except subprocess.TimeoutExpired:
            problem = "did not end"
    text = log_path.read_text(errors="replace")
    counts = [int(one or other) for one, other in EXECUTIONS.findall(text)]
    executions = counts[-1] if counts else 0
    return Outcome(
        target=target,
        engine=engine,
        executions=executions,
        seconds=time.monotonic() - start_s,
        crashes=artifacts(folder, began_s),
        problem=problem or ("" if executions else "executed nothing"),
    )


def row(name: str, value: int, unit: str, *, budget: int, ok: bool) -> dict[str, object]:
    return {"name": name, "value": value, "unit": unit, "budget": budget, "goal": budget, "ok": ok}


def report(outcomes: list[Outcome]) -> None:
    """Print the table and write the rows."""
    print(f"{'target':12} {'engine':10} {'executions':>12} {'per second':>11} {'crashes':>8}")
    rows = []
    for one in outcomes:
        rate = one.executions / max(one.seconds, 1e-9)
        print(
            f"{one.target:12} {one.engine:10} {one.executions:12d} {rate:11.0f} "
            f"{len(one.crashes):8d}  {one.problem}".rstrip()
        )
        for path in one.crashes:
            print(f"  kept: {path.relative_to(ROOT)}, and the log beside it")
        found = max(len(one.crashes), int(bool(one.problem)))
        name, unit = f"fuzz {one.target} ({one.engine})", f"in {one.seconds:.0f} s"
        rows += [
            row(f"{name}: crashes", found, unit, budget=0, ok=one.ok),
            row(f"{name}: executions", one.executions, unit, budget=1, ok=one.executions > 0),
        ]
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    print(f"written to {RESULTS.relative_to(ROOT)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("seconds", type=int, help="for each target")
    parser.add_argument("targets", nargs="*", help="all when none is named")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 1_000_000 + 1)
    arguments = parser.parse_args()
    if arguments.seconds < 1:
        parser.error("SECONDS is at least 1")
    compiler, engine = choose_compiler()
    known = build(compiler)
    unknown = set(arguments.targets) - set(known)
    if unknown:
        parser.error(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    targets = arguments.targets or known
    print(f"engine {engine}, compiler {compiler}, seed {arguments.seed}", flush=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(
            pool.map(
                lambda target: run_target(target, engine, arguments.seconds, arguments.seed),
                targets,
            )
        )
    report(outcomes)
    return 0 if all(one.ok for one in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
