"""`nightside sim --runs N --jobs J`: fly one plan with many seeds, in one table and runs.json."""

import os
import shlex
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from flight.flights import RECORDING_NAME, RUNS_NAME
from flight.operator_error import OperatorError
from sim_hw.flight import FlightSetup
from sim_hw.fly import (
    EXIT_BUG,
    EXIT_INTERRUPTED,
    EXIT_OK,
    EXIT_VIOLATED,
    FlightRequest,
    prepare,
)
from sim_hw.runs.folder import run_folders, runs_folder
from sim_hw.runs.pool import Died, Pool
from sim_hw.runs.progress import RunsProgress
from sim_hw.runs.result import RunsFacts, build_runs, write_runs
from sim_hw.runs.table import print_runs
from sim_hw.runs.worker import Outcome, Run, Verdict, died, fly_run
from sim_hw.timeline import NS_PER_S

SEED_MAX = 2**32 - 1
EXIT_BAD_INPUT = 2
# Exit code of many runs: that of the worst, in this order.
_EXITS = (
    (frozenset({Verdict.NOT_FLOWN}), EXIT_INTERRUPTED),
    (frozenset({Verdict.BUG, Verdict.DIED}), EXIT_BUG),
    (frozenset({Verdict.REFUSED}), EXIT_BAD_INPUT),
    (frozenset({Verdict.VIOLATED, Verdict.UNMET, Verdict.IMBALANCE}), EXIT_VIOLATED),
)


@dataclass(frozen=True, kw_only=True)
class RunsRequest:
    """What the command line asked for. jobs: flights at a time; None: one for each core."""

    flight: FlightRequest
    runs: int
    jobs: int | None = None


@dataclass(kw_only=True)
class _Flown:
    """What became of each run so far."""

    outcomes: list[Outcome | None] = field(default_factory=list)
    is_interrupted: bool = False
    wall_s: float = 0.0


def fly_runs(request: RunsRequest) -> int:
    """Fly all runs, write their folders, print the table; return the worst exit code.

    Raises:
        OperatorError: anything of the request cannot be used; nothing was flown then.
    """
    setup, name = prepare(request.flight)
    first_seed = setup.plan.seed
    _check_seeds(first_seed, request.runs)
    jobs = min(request.runs, request.jobs or usable_cores())
    out = request.flight.out or Path("flights") / f"{name}-seed{first_seed}-runs{request.runs}"
    with runs_folder(out) as folder:
        runs = [
            Run(seed=first_seed + i, folder=path, request=request.flight)
            for i, path in enumerate(run_folders(folder, request.runs))
        ]
        if setup.plan.left_out:
            count = len(setup.plan.left_out)
            sys.stderr.write(f"nightside: {count} entries of the default plan come after the end\n")
        flown = _fly_all(runs, setup, jobs)
        return _finish(request, setup, runs, flown, jobs, folder)


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0))


def _check_seeds(first_seed: int, count: int) -> None:
    if first_seed + count - 1 > SEED_MAX:
        raise OperatorError(
            f"--runs {count} from seed {first_seed}: seeds end at {SEED_MAX}; "
            f"give --seed {SEED_MAX - count + 1} or a lower one"
        )


def _fly_all(
    runs: Sequence[Run], setup: FlightSetup, jobs: int, stream: TextIO | None = None
) -> _Flown:
    flown = _Flown(outcomes=[None] * len(runs))
    flight_s = setup.plan.duration_ns / NS_PER_S
    progress = RunsProgress(count=len(runs), flight_s=flight_s, stream=stream)
    pool: Pool[Run, Outcome] = Pool(fly_run, jobs=jobs)
    start_s = time.monotonic()
    try:
        answers = pool.run(runs, on_start=progress.started, on_note=progress.told)
        for index, answer in answers:
            outcome = died(answer) if isinstance(answer, Died) else answer
            flown.outcomes[index] = outcome
            progress.ended(index, outcome.verdict)
    except KeyboardInterrupt:
        flown.is_interrupted = True
    finally:
        progress.finish()
    flown.wall_s = time.monotonic() - start_s
    return flown


def _finish(
    request: RunsRequest,
    setup: FlightSetup,
    runs: Sequence[Run],
    flown: _Flown,
    jobs: int,
    folder: Path,
) -> int:
    outcomes = [
        outcome or Outcome(verdict=Verdict.NOT_FLOWN, summary={}) for outcome in flown.outcomes
    ]
    facts = RunsFacts(
        title=setup.plan.title,
        orbit=setup.orbit.source,
        flight_s=setup.plan.duration_ns / NS_PER_S,
        first_seed=setup.plan.seed,
        jobs=jobs,
        wall_s=flown.wall_s,
        is_interrupted=flown.is_interrupted,
    )
    found = build_runs(facts, runs, outcomes)
    path = folder / RUNS_NAME
    write_runs(found, path)
    if request.flight.as_json:
        sys.stdout.write(path.read_text(encoding="utf-8"))
    else:
        print_runs(found, sys.stdout)
        sys.stdout.write(f"written to {folder}/\n")
    _report(request, folder, found)
    return exit_code_of([outcome.verdict for outcome in outcomes], flown.is_interrupted)


def _report(request: RunsRequest, folder: Path, found: Mapping[str, Any]) -> None:
    """Write the page of the runs where it is wanted; say how one run is reported.

    A page that cannot be written is told and changes nothing about the runs.
    """
    told = []
    recorded = [r for r in found["runs"] if (folder / r["run"] / RECORDING_NAME).is_file()]
    if recorded:
        one = next((row for row in recorded if not row["ok"]), recorded[0])
        told.append(f"one run: nightside report {shlex.quote(str(folder / one['run']))}\n")
    if request.flight.with_report is not False:
        from flight.report.writing import write_report  # noqa: PLC0415 - only for who wants one

        try:
            told.append(f"{write_report(folder)}\n")
        except OperatorError as error:
            sys.stderr.writelines(f"nightside: no report: {line}\n" for line in error.lines)
    if not request.flight.as_json:
        sys.stdout.writelines(told)


def exit_code_of(verdicts: Sequence[Verdict], is_interrupted: bool = False) -> int:
    """Return the worst: Ctrl-C, a bug or a death, a refusal, a violation, good."""
    if is_interrupted:
        return EXIT_INTERRUPTED
    for bad, code in _EXITS:
        if not bad.isdisjoint(verdicts):
            return code
    return EXIT_OK
