"""The daemon in real time: `python -m benchmarks.realtime --duration 600 --load`.

Runs `nightside run` as a process of its own and reads what it says about itself at its end; `make
verify` asserts its rows. With --load a disk writer and two busy loops run beside it, all at normal
priority. Its devices are simulated in its process; what they cost is measured apart.
"""

import argparse
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import compiled_environment
from benchmarks.table import Row, report
from flight.examples import default_config_path

START_AND_STOP_S = 30.0
BUSY_LOOPS = 2
BUSY_LOOP = "while True: pass"
DISK_WRITER = """
import os, sys
with open(sys.argv[1], "wb", buffering=0) as file:
    while True:
        file.seek(0)
        file.write(bytes(4 << 20))
        os.fsync(file.fileno())
"""
SAFE_CAP_W = 200.0  # REF-1
PERIOD_MS = 100.0
PERIOD_MARGIN_MS = 5.0

_NORMAL = "realtime_priority = 0  #"
_NUMBER = r"([0-9.]+)"
_CYCLES = re.compile(r"cycles +(\d+) \((\d+) overruns, (\d+) late\)")
_PERIOD = re.compile(rf"cycle period +p50 {_NUMBER} ms, p99 {_NUMBER} ms, max {_NUMBER} ms")
_CPU = re.compile(rf"CPU +{_NUMBER} s")
_RSS = re.compile(rf"RSS +{_NUMBER} MiB")
_MISSED = re.compile(r"missed +(\d+) deadlines")
_LATENESS = re.compile(rf"lateness +up to +{_NUMBER} ms +(\d+)")
_CONTROL = re.compile(rf"control +{_NUMBER} s")
_SHARE = re.compile(
    rf"CPU share +start {_NUMBER} s, world {_NUMBER} s, drivers {_NUMBER} s,\s+"
    rf"daemon {_NUMBER} s: {_NUMBER} % of a core"
)
_WORLD = re.compile(rf"RSS share +world {_NUMBER} MiB")
_LEFT = re.compile(r"left +caps ([0-9, ]+) W; pumps ([0-9, ]+) rpm")


@dataclass(frozen=True, slots=True, kw_only=True)
class RealtimeRun:
    """What a daemon said about itself.

    cpu_ratio: of one core, start and end included. daemon_ratio: without the start, the simulated
    world and the drivers. world_mib: of rss_mib, what the simulation takes. lateness: upper edge
    in ms and count of each class. left_cap_w, left_pump_rpm: what the devices held after its end.
    """

    exit_code: int
    cycles: int
    overruns: int
    late_cycles: int
    missed: int
    lateness: tuple[tuple[float, int], ...]
    control_s: float
    period_p50_ms: float
    period_p99_ms: float
    period_max_ms: float
    cpu_ratio: float
    world_cpu_s: float
    drivers_cpu_s: float
    daemon_ratio: float
    rss_mib: float
    world_mib: float
    left_cap_w: tuple[float, ...]
    left_pump_rpm: tuple[float, ...]

    @property
    def left_safe(self) -> bool:
        """Whether every cap was left at its safe value and every pump running."""
        return all(cap_w <= SAFE_CAP_W for cap_w in self.left_cap_w) and all(
            speed_rpm > 0.0 for speed_rpm in self.left_pump_rpm
        )


@contextmanager
def load_beside(folder: Path) -> Iterator[None]:
    """Keep both a disk, that of a folder, and the processor busy meanwhile."""
    programs = [[sys.executable, "-c", DISK_WRITER, str(folder / "load")]]
    programs += [[sys.executable, "-c", BUSY_LOOP]] * BUSY_LOOPS
    processes = [subprocess.Popen(program) for program in programs]
    try:
        yield
        ended = [process.args for process in processes if process.poll() is not None]
        if ended:
            raise RuntimeError(f"the load ended by itself: {ended}")
    finally:
        for process in processes:
            process.kill()
            process.wait()


def run_daemon(
    duration_s: float, *, by_signal: bool = False, has_load: bool = False, priority: int = 0
) -> RealtimeRun:
    """Run `nightside run` on REF-1 for duration_s, then end it by its own option or by SIGTERM.

    Args:
        has_load: Beside a busy disk and a busy processor.
        priority: As supervision.realtime_priority.

    Raises:
        RuntimeError: it does not end, or says something else than expected; the text holds it.
    """
    with tempfile.TemporaryDirectory() as folder:
        config_path = Path(folder) / "node.toml"
        text = default_config_path().read_text(encoding="utf-8")
        config_path.write_text(text.replace(_NORMAL, f"realtime_priority = {priority}  #"))
        command = [sys.executable, "-m", "flight", "run", str(config_path)]
        command += ["--out", str(Path(folder) / "run")]
        if not by_signal:
            command += ["--duration", f"{duration_s:g}s"]
        beside = load_beside(Path(folder)) if has_load else nullcontext()
        with (
            beside,
            subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=compiled_environment(),
            ) as process,
        ):
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
    rss, left, missed = _RSS.search(text), _LEFT.search(text), _MISSED.search(text)
    control, share, world = _CONTROL.search(text), _SHARE.search(text), _WORLD.search(text)
    if not (cycles and period and cpu and rss and left and missed and control and share and world):
        raise RuntimeError(f"exit code {exit_code}, no whole report:\n{text}\n{errors[-4000:]}")
    count = int(cycles[1])
    return RealtimeRun(
        exit_code=exit_code,
        cycles=count,
        overruns=int(cycles[2]),
        late_cycles=int(cycles[3]),
        missed=int(missed[1]),
        lateness=tuple((float(edge), int(n)) for edge, n in _LATENESS.findall(text)),
        control_s=float(control[1]),
        period_p50_ms=float(period[1]),
        period_p99_ms=float(period[2]),
        period_max_ms=float(period[3]),
        cpu_ratio=float(cpu[1]) / (max(1, count) * PERIOD_MS / 1e3),
        world_cpu_s=float(share[2]),
        drivers_cpu_s=float(share[3]),
        daemon_ratio=float(share[5]) / 100.0,
        rss_mib=float(rss[1]),
        world_mib=float(world[1]),
        left_cap_w=tuple(float(cap_w) for cap_w in left[1].split(", ")),
        left_pump_rpm=tuple(float(speed_rpm) for speed_rpm in left[2].split(", ")),
    )


def rows(run: RealtimeRun, *, has_load: bool) -> list[Row]:
    """Return the run against its budgets (DESIGN.md, section 10), those of the daemon alone.

    Beside a load the period has no budget: how soon a thread runs is the scheduler's affair.
    """
    return [
        Row(
            name="cycles", value=run.cycles, unit=f"{run.overruns} overruns, {run.late_cycles} late"
        ),
        Row(
            name="missed",
            value=run.missed + run.late_cycles,
            unit="cycles let pass or late",
            budget=0.0,
        ),
        Row(name="control_s", value=run.control_s, unit="s from the start of the process"),
        *(
            Row(name=f"late_to_{edge_ms:g}_ms", value=count, unit="cycles")
            for edge_ms, count in run.lateness
        ),
        Row(name="period_p50_ms", value=run.period_p50_ms, unit="ms"),
        Row(
            name="period_p99_ms",
            value=run.period_p99_ms,
            unit="ms",
            budget=None if has_load else PERIOD_MS + PERIOD_MARGIN_MS,
            goal=None if has_load else PERIOD_MS + 1.0,
        ),
        Row(name="period_max_ms", value=run.period_max_ms, unit="ms"),
        Row(name="cpu_ratio", value=run.cpu_ratio, unit="of one core, start included"),
        Row(name="world_cpu_s", value=run.world_cpu_s, unit="s, the simulated world"),
        Row(name="drivers_cpu_s", value=run.drivers_cpu_s, unit="s, in flight other processes"),
        Row(
            name="daemon_ratio",
            value=run.daemon_ratio,
            unit="of one core, without these",
            budget=0.04,
            goal=0.02,
        ),
        Row(name="rss_mib", value=run.rss_mib, unit="MiB"),
        Row(
            name="rss_daemon_mib",
            value=run.rss_mib - run.world_mib,
            unit="MiB, without the simulation",
            budget=90.0,
            goal=70.0,
        ),
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
    parser.add_argument("--load", action="store_true", help="a disk writer and two busy loops")
    parser.add_argument("--priority", type=int, default=0, help="real-time priority of the cycle")
    options = parser.parse_args(arguments)
    run = run_daemon(
        options.duration,
        by_signal=options.sigterm,
        has_load=options.load,
        priority=options.priority,
    )
    is_good = report("realtime", "The daemon in real time", rows(run, has_load=options.load))
    return 0 if is_good and run.exit_code == 0 else 1


def _wait_then_end(process: "subprocess.Popen[str]", duration_s: float) -> None:
    try:
        process.wait(duration_s)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)


if __name__ == "__main__":
    raise SystemExit(main())
