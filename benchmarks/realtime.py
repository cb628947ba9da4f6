"""The daemon in real time: `python -m benchmarks.realtime --duration 60`.

Runs `nightside run` as a process of its own and reads what it says about itself at its end; `make
verify` asserts its rows.
"""

import argparse
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.table import Row, report
from flight.examples import default_config_path

START_AND_STOP_S = 30.0
SAFE_CAP_W = 200.0  # REF-1
PERIOD_MS = 100.0
PERIOD_MARGIN_MS = 5.0

_NUMBER = r"([0-9.]+)"
_CYCLES = re.compile(r"cycles +(\d+) \((\d+) overruns, (\d+) late\)")
_PERIOD = re.compile(rf"cycle period +p50 {_NUMBER} ms, p99 {_NUMBER} ms, max {_NUMBER} ms")
_CPU = re.compile(rf"CPU +{_NUMBER} s")
_RSS = re.compile(rf"RSS +{_NUMBER} MiB")
_LEFT = re.compile(r"left +caps ([0-9, ]+) W; pumps ([0-9, ]+) rpm")


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeRun:
    """What a daemon said about itself.

    cpu_ratio: of one core, start and end included. left_cap_w, left_pump_rpm: what the devices
    held after its end.
    """

    exit_code: int
    cycles: int
    overruns: int
    late_cycles: int
    period_p50_ms: float
    period_p99_ms: float
    period_max_ms: float
    cpu_ratio: float
    rss_mib: float
    left_cap_w: tuple[float, ...]
    left_pump_rpm: tuple[float, ...]

    @property
    def left_safe(self) -> bool:
        """Whether every cap was left at its safe value and every pump running."""
        return all(cap_w <= SAFE_CAP_W for cap_w in self.left_cap_w) and all(
            speed_rpm > 0.0 for speed_rpm in self.left_pump_rpm
        )


def run_daemon(duration_s: float, *, by_signal: bool = False) -> RealtimeRun:
    """Run `nightside run` on REF-1 for duration_s, then end it by its own option or by SIGTERM.

    Raises:
        RuntimeError: it does not end, or says something else than expected; the text holds it.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "flight", "run", str(default_config_path())]
        command += ["--out", str(Path(folder) / "run")]
        if not by_signal:
            command += ["--duration", f"{duration_s:g}s"]
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            try:
                if by_signal:
                    _wait_then_end(process, duration_s)
                out, err = process.communicate(timeout=duration_s + START_AND_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                raise RuntimeError(f"did not end within {START_AND_STOP_S:g} s") from None
    return parse(out, process.returncode, err)


def parse(text: str, exit_code: int, errors: str = "") -> RealtimeRun:
    """Read the report that `nightside run` prints at its end.

    Raises:
        RuntimeError: a line is missing.
    """
    cycles, period, cpu = _CYCLES.search(text), _PERIOD.search(text), _CPU.search(text)
    rss, left = _RSS.search(text), _LEFT.search(text)
    if not (cycles and period and cpu and rss and left):
        raise RuntimeError(f"exit code {exit_code}, no whole report:\n{text}\n{errors[-4000:]}")
    count = int(cycles[1])
    return RealtimeRun(
        exit_code=exit_code,
        cycles=count,
        overruns=int(cycles[2]),
        late_cycles=int(cycles[3]),
        period_p50_ms=float(period[1]),
        period_p99_ms=float(period[2]),
        period_max_ms=float(period[3]),
        cpu_ratio=float(cpu[1]) / (max(1, count) * PERIOD_MS / 1e3),
        rss_mib=float(rss[1]),
        left_cap_w=tuple(float(cap_w) for cap_w in left[1].split(", ")),
        left_pump_rpm=tuple(float(speed_rpm) for speed_rpm in left[2].split(", ")),
    )


def rows(run: RealtimeRun) -> list[Row]:
    """Return the run against its budgets; CPU holds the simulated node, so it has none yet."""
    return [
        Row(
            name="cycles", value=run.cycles, unit=f"{run.overruns} overruns, {run.late_cycles} late"
        ),
        Row(name="period_p50_ms", value=run.period_p50_ms, unit="ms"),
        Row(
            name="period_p99_ms",
            value=run.period_p99_ms,
            unit="ms",
            budget=PERIOD_MS + PERIOD_MARGIN_MS,
            goal=PERIOD_MS + 1.0,
        ),
        Row(name="period_max_ms", value=run.period_max_ms, unit="ms"),
        Row(name="cpu_ratio", value=run.cpu_ratio, unit="of one core, start included"),
        Row(name="rss_mib", value=run.rss_mib, unit="MiB"),
        Row(
            name="left_unsafe",
            value=float(not run.left_safe),
            unit="1: not the safe values",
            budget=0.0,
        ),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print, write build/bench/realtime.json; return 1 when a budget is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--duration", type=float, default=60.0, metavar="S")
    parser.add_argument("--sigterm", action="store_true", help="end the daemon by a signal")
    options = parser.parse_args(arguments)
    run = run_daemon(options.duration, by_signal=options.sigterm)
    is_good = report("realtime", "The daemon in real time", rows(run))
    return 0 if is_good and run.exit_code == 0 else 1


def _wait_then_end(process: "subprocess.Popen[str]", duration_s: float) -> None:
    try:
        process.wait(duration_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)


if __name__ == "__main__":
    raise SystemExit(main())
