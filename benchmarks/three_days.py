"""Three days of drawn faults: `python -m benchmarks.three_days`, a quarter of an hour of CPU.

Flown in a process of its own, so that memory is that of one flight. The recording has a quota that
it reaches in the first day: what the ring drops is counted to the row.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from sqlite3 import connect
from typing import Any

from benchmarks.table import Row, report
from flight.examples import default_config_path, examples_dir
from flight.flights import RECORDING_NAME
from flight.log import configure_logging
from sim_hw.flight import Flight, FlightSetup
from sim_hw.flight_runner import NS_PER_S, FlightRunner
from sim_hw.fly import FlightRequest, prepare, summarise

SCENARIO = examples_dir() / "scenarios" / "three_days.toml"
QUOTA_MIB = 128.0  # full after half a day: two and a half days at the quota
SETTLED_S = 7200.0  # memory is compared with that of this time
LOOK_S = 1800.0
MIB = 2**20
FIGURES_NAME, SUMMARY_NAME = "figures.json", "summary.json"
CPU_BUDGET_S = 600.0
RSS_BUDGET_MIB = 2.0
FAULTS_MIN = 30
FILL_RATIO_MIN = 0.6  # the shares of events and evidence stay empty


def main(arguments: Sequence[str] | None = None) -> int:
    """Fly, print, write build/bench/three_days.json; return 1 when a budget is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", type=Path, default=SCENARIO)
    parser.add_argument("--quota", type=float, default=QUOTA_MIB, metavar="MIB")
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep the flight there")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.child:
        return fly(options.scenario, options.out, options.quota)
    with tempfile.TemporaryDirectory() as folder:
        out = options.out or Path(folder)
        out.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "benchmarks.three_days", "--child"]
        command += ["--scenario", str(options.scenario), "--quota", str(options.quota)]
        subprocess.run([*command, "--out", str(out)], check=True)
        figures = json.loads((out / FIGURES_NAME).read_text(encoding="utf-8"))
        summary = json.loads((out / SUMMARY_NAME).read_text(encoding="utf-8"))
    for line in what_failed(summary):
        print(line)
    title = f"{figures['simulated_s'] / 3600.0:g} hours of drawn faults"
    return 0 if report("three_days", title, rows(figures)) else 1


def fly(scenario: Path, out: Path, quota_mib: float) -> int:
    """Fly in this process and leave summary.json and figures.json in the folder."""
    configure_logging(level="error")
    setup, _ = prepare(FlightRequest(config_path=default_config_path(), scenario_path=scenario))
    watch = _Memory()
    runner = FlightRunner(_with_quota(setup, quota_mib), out, on_cycle=watch.look)
    with runner.flight as flight:
        flown = runner.fly_virtual()
        if flown.bug is not None:
            raise flown.bug
        watch.measure(flown.simulated_ns)
        summary = summarise(flown)
        assert runner.daemon is not None
        health = runner.daemon.recorder.health
        figures = {
            "simulated_s": flown.simulated_ns / NS_PER_S,
            "cpu_s": flown.cpu_s,
            "faults": len(flight.setup.plan.faults),
            "violations": summary["violation_count"],
            "expectations": len(summary["expectations"]),
            "expectations_not_met": sum(not result["ok"] for result in summary["expectations"]),
            "rss_mib": watch.rss_mib,
            "rss_peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0,
            "quota_mib": quota_mib,
            "cycles_taken": health.rows_written + health.rows_set_aside + health.rows_lost,
            "cycles_not_written": health.rows_lost,
            "rares_not_written": health.rares_lost,
            "events_told": runner.events.count,
        }
    figures |= recording_figures(out)
    for name, content in ((FIGURES_NAME, figures), (SUMMARY_NAME, summary)):
        (out / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return 0


def recording_figures(folder: Path) -> dict[str, float]:
    """Return what a recording holds, what its quota took, and its size with its WAL."""
    paths = [path for path in folder.iterdir() if path.name.startswith(RECORDING_NAME)]
    with closing(connect(folder / RECORDING_NAME)) as database:
        (cycles,) = database.execute("SELECT total(rows) FROM block").fetchone()
        (events,) = database.execute("SELECT count(*) FROM event").fetchone()
        dropped = dict(database.execute("SELECT name, lost_rows FROM ledger"))
    return {
        "recording_mib": sum(path.stat().st_size for path in paths) / MIB,
        "cycles_kept": cycles,
        "cycles_dropped": dropped["block"],
        "events_kept": events,
        "events_dropped": dropped["event"],
        "others_dropped": sum(dropped.values()) - dropped["block"] - dropped["event"],
    }


def rows(figures: Mapping[str, Any]) -> list[Row]:
    """Return the table."""
    return [*flight_rows(figures), *memory_rows(figures), *recording_rows(figures)]


def flight_rows(figures: Mapping[str, Any]) -> list[Row]:
    """Return how the node went through its faults, and what that cost."""
    speed = figures["simulated_s"] / figures["cpu_s"]
    return [
        Row(name="cpu_s", value=figures["cpu_s"], unit="CPU s", budget=CPU_BUDGET_S),
        Row(name="simulated_s_per_cpu_s", value=speed, unit="s/s", is_more_better=True),
        Row(
            name="faults",
            value=figures["faults"],
            unit="struck, one after the other",
            budget=FAULTS_MIN,
            is_more_better=True,
        ),
        _none("violations", figures["violations"], "of safety properties"),
        Row(name="expectations", value=figures["expectations"], unit="judged"),
        _none("expectations_not_met", figures["expectations_not_met"], "late, or never back"),
    ]


def memory_rows(figures: Mapping[str, Any]) -> list[Row]:
    """Return what the process holds, once it has settled and at the end."""
    settled_mib, end_mib = figures["rss_mib"]["settled"], figures["rss_mib"]["end"]
    return [
        Row(name="rss_settled_mib", value=settled_mib, unit="MiB after two hours, with the plant"),
        Row(name="rss_end_mib", value=end_mib, unit="MiB at the end"),
        Row(name="rss_peak_mib", value=figures["rss_peak_mib"], unit="MiB"),
        Row(
            name="rss_growth_mib",
            value=end_mib - settled_mib,
            unit="MiB since",
            budget=RSS_BUDGET_MIB,
        ),
    ]


def recording_rows(figures: Mapping[str, Any]) -> list[Row]:
    """Return whether the recording is at its quota, and whether it counts what that took."""
    quota_mib, size_mib = figures["quota_mib"], figures["recording_mib"]
    cycles = figures["cycles_kept"] + figures["cycles_dropped"] + figures["cycles_not_written"]
    events = figures["events_kept"] + figures["events_dropped"] + figures["rares_not_written"]
    return [
        Row(name="recording_mib", value=size_mib, unit="MiB, file and WAL", budget=quota_mib),
        Row(
            name="recording_ratio",
            value=size_mib / quota_mib,
            unit="of its quota",
            budget=FILL_RATIO_MIN,
            is_more_better=True,
        ),
        Row(name="cycles_dropped", value=figures["cycles_dropped"], unit="by the quota, counted"),
        Row(name="events_dropped", value=figures["events_dropped"], unit="by the quota, counted"),
        Row(name="others_dropped", value=figures["others_dropped"], unit="by the quota, counted"),
        _none("cycles_not_written", figures["cycles_not_written"], "counted"),
        _none("cycles_unaccounted", abs(figures["cycles_taken"] - cycles), "kept nor counted"),
        _none("events_unaccounted", abs(figures["events_told"] - events), "kept nor counted"),
    ]


def what_failed(summary: Mapping[str, Any]) -> list[str]:
    """Return one line per violation and per expectation that was not met."""
    lines = [
        f"violated: {v['property']} at {v['time_s']:.1f} s: {v['subject']}: {v['text']}"
        for v in summary["violations"]
    ]
    failed = [result for result in summary["expectations"] if not result["ok"]]
    return [*lines, *(f"not met: {result['id']}: {result['text']}" for result in failed)]


class _Memory:
    """Looks now and then at how much memory the process holds."""

    def __init__(self) -> None:
        self.rss_mib = {"settled": 0.0, "end": 0.0}
        self._next_ns = 0

    def look(self, flight: Flight, now_ns: int) -> None:
        """Take one cycle."""
        if now_ns < self._next_ns:
            return
        self._next_ns = now_ns + round(LOOK_S * NS_PER_S)
        self.measure(now_ns)
        print(
            f"{now_ns / NS_PER_S / 3600.0:5.1f} h  {self.rss_mib['end']:6.2f} MiB  "
            f"{flight.properties.ledger.violation_count} violations",
            flush=True,
        )

    def measure(self, now_ns: int) -> None:
        """Keep what is held now: as the settled state up to SETTLED_S, as the end from then on."""
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        self.rss_mib["end"] = pages * os.sysconf("SC_PAGESIZE") / MIB
        if now_ns <= (SETTLED_S + 1.0) * NS_PER_S:
            self.rss_mib["settled"] = self.rss_mib["end"]


def _with_quota(setup: FlightSetup, quota_mib: float) -> FlightSetup:
    recorder = setup.config.recorder.model_copy(update={"quota_mib": quota_mib})
    return replace(setup, config=setup.config.model_copy(update={"recorder": recorder}))


def _none(name: str, value: float, unit: str) -> Row:
    return Row(name=name, value=value, unit=unit, budget=0.0)


if __name__ == "__main__":
    raise SystemExit(main())
