"""One run of many, in a process of its own: fly, judge, write, and tell a row."""

import contextlib
import time
import traceback
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from flight.log import configure_logging
from flight.operator_error import OperatorError
from flight.output import output_error
from sim_hw.flight import Flight
from sim_hw.flight_runner import FlightRunner
from sim_hw.fly import FlightRequest, prepare, summarise
from sim_hw.fly_output import SUMMARY_NAME, prepare_folder
from sim_hw.runs.pool import Died, Tell
from sim_hw.summary import write_summary
from sim_hw.timeline import NS_PER_S

NOTE_S = 0.5  # of wall time between two notes
CYCLES_PER_LOOK = 64  # the wall clock is read once in so many cycles


class Verdict(StrEnum):
    """How a run ended."""

    GOOD = "good"
    UNMET = "unmet"  # an expectation was not met
    VIOLATED = "violated"  # a safety property was
    IMBALANCE = "imbalance"  # the energy of the plant does not close
    REFUSED = "refused"  # its files can no longer be used
    BUG = "bug"
    DIED = "died"
    NOT_FLOWN = "not flown"  # Ctrl-C came first


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run: what was asked for, with its own seed, and the folder it writes to."""

    seed: int
    folder: Path
    request: FlightRequest

    @property
    def name(self) -> str:
        """The name of its folder."""
        return self.folder.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a run. summary: that of summary.json; empty where it did not get so far."""

    verdict: Verdict
    summary: dict[str, Any]
    error: str = ""


def fly_run(run: Run, tell: Tell) -> Outcome:
    """Fly one run and write its folder; tell the simulated seconds now and then. Never raises."""
    configure_logging(level="error")  # events are in the summary and in events.jsonl
    try:
        return _fly(run, tell)
    except Exception as error:  # noqa: BLE001  # a bug of ours is a row of the table, not its end
        return _failed(error)


def _fly(run: Run, tell: Tell) -> Outcome:
    setup, _ = prepare(replace(run.request, seed=run.seed))
    folder = prepare_folder(run.folder)
    runner = FlightRunner(setup, folder, on_cycle=_Notes(tell).step)
    with runner.flight:
        flown = runner.fly_virtual()
        if flown.bug is not None:
            return _failed(flown.bug)
        summary = summarise(flown, command=run.request.command)
    write_summary(summary, folder / SUMMARY_NAME)
    _report(run, folder, summary)
    return Outcome(verdict=verdict_of(summary), summary=summary)


def _report(run: Run, folder: Path, summary: dict[str, Any]) -> None:
    """Write the report of a run where one is wanted; by default of one that is not good."""
    wanted = run.request.with_report
    if not (not summary["ok"] if wanted is None else wanted):
        return
    from flight.report.writing import write_report  # noqa: PLC0415 - only for who wants one

    with contextlib.suppress(OperatorError):  # the table shows which runs have one
        write_report(folder)


def _failed(error: BaseException) -> Outcome:
    told = output_error(error) if isinstance(error, OSError) else error
    if isinstance(told, OperatorError):
        return Outcome(verdict=Verdict.REFUSED, summary={}, error="\n".join(told.lines))
    text = "".join(traceback.format_exception(error))
    return Outcome(verdict=Verdict.BUG, summary={}, error=text)


def verdict_of(summary: dict[str, Any]) -> Verdict:
    """Return what a summary amounts to."""
    if summary["ok"]:
        return Verdict.GOOD
    if summary["energy"] and not summary["energy"]["ok"]:
        return Verdict.IMBALANCE
    held = all(result["ok"] for result in summary["properties"].values())
    return Verdict.UNMET if held else Verdict.VIOLATED


def died(what: Died) -> Outcome:
    """Return the outcome of a run whose process ended first."""
    return Outcome(verdict=Verdict.DIED, summary={}, error=what.text)


class _Notes:
    """Tells how far a flight is."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._cycles = 0
        self._told_s = time.monotonic()

    def step(self, _flight: Flight, now_ns: int) -> None:
        """Take one cycle."""
        self._cycles += 1
        if self._cycles % CYCLES_PER_LOOK:
            return
        wall_s = time.monotonic()
        if wall_s - self._told_s >= NOTE_S:
            self._told_s = wall_s
            self._tell(now_ns / NS_PER_S)
